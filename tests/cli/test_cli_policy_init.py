"""`changeaudit policy init`: what it asks, what it writes, and what it leaves alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from changeaudit.cli import policy_init
from changeaudit.cli.exits import Exit
from changeaudit.cli.main import app
from changeaudit.cli.policy_init import QUESTIONS, jira_access
from changeaudit.collectors import jira_survey
from changeaudit.collectors.jira.access import Access
from changeaudit.errors import ChangeauditError, CollectError, UsageError
from changeaudit.policy import PROFILES
from changeaudit.policy_draft import EXAMPLES
from changeaudit.policy_file import read_policy
from changeaudit.records import Unavailable
from changeaudit.survey import JiraSurvey, ProjectSurvey, Status
from cli.command import TOKEN, Answer, Command, served

LABELS = ("qa-passed", "emergency", "security", "qa: \u202e#1")


def named(*names: str) -> Any:
    return {"totalCount": len(names), "nodes": [{"name": name} for name in names]}


REPOSITORY = {
    "nameWithOwner": "acme/payments",
    "owner": {"__typename": "Organization", "login": "acme"},
    "defaultBranchRef": {"name": "main"},
    "refs": named("main"),
    "branchProtectionRules": {"nodes": []},
    "labels": named(*LABELS),
    "environments": named("staging"),
    "pullRequests": {
        "nodes": [{"title": "PAY-1 Pay", "headRefName": "pay", "baseRefName": "main"}],
    },
}
TEAMS = [
    {"combinedSlug": f"acme/{slug}", "name": slug, "members": {"totalCount": 2}}
    for slug in ("security", "security-tools", "qa", "leads")
]


def github(body: bytes) -> Answer:
    """A GitHub with one repository and four teams."""
    if b"query SurveyTeams" in body:
        teams = {"pageInfo": {"hasNextPage": False}, "nodes": TEAMS}
        return 200, json.dumps({"data": {"organization": {"teams": teams}}}).encode()
    return 200, json.dumps({"data": {"repository": REPOSITORY}}).encode()


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment of somebody who may see that repository."""
    with served(github) as address:
        monkeypatch.setenv("GITHUB_API_URL", address)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        yield


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, no token, no Jira, and nobody at a terminal."""
    for name in ("GITHUB_TOKEN", "GH_TOKEN", "GITHUB_API_URL", *JIRA):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "no programs"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


JIRA = ("JIRA_URL", "JIRA_EMAIL", "JIRA_API_TOKEN", "JIRA_TOKEN", "JIRA_PAT")


class Told:
    """How the command ended, and what it said."""

    def __init__(self, result: Any) -> None:
        self.code = result.exit_code
        self.said = result.stderr
        self.out = result.stdout
        self.error = result.exception


def init(*args: str, answers: Sequence[str] | None = None) -> Told:
    """Run it; with `answers`, as if somebody typed them at a terminal."""
    typed = "".join(f"{answer}\n" for answer in answers or ())
    told = Told(CliRunner().invoke(app, ["policy", "init", *args], input=typed))
    assert TOKEN not in told.said + told.out
    if isinstance(told.error, ChangeauditError):
        assert TOKEN not in told.error.message + told.error.hint
    elif not isinstance(told.error, SystemExit | None):
        raise told.error
    return told


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody to ask."""
    monkeypatch.setattr(policy_init, "has_terminal", lambda: True)


def in_force(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


# With --yes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", PROFILES)
def test_without_a_repository_the_profile_is_written_and_nobody_is_asked(
    here: Path, profile: str
) -> None:
    told = init("--yes", "--profile", profile)
    assert told.code == 0
    assert told.out == ""
    assert in_force(here / "policy.yaml") == {"version": 1, "extends": profile}
    assert (
        "Found" not in (here / "policy.yaml").read_text(encoding="utf-8").split("not in force")[1]
    )
    assert told.said.splitlines() == [
        f"Wrote policy.yaml, over the profile {profile}. Keys set: 0.",
        "Next:",
        "  changeaudit policy check policy.yaml",
        "  changeaudit audit OWNER/REPO --last 30d",
    ]


@pytest.mark.usefixtures("company")
def test_what_is_found_is_not_in_force(here: Path) -> None:
    """A wrong team in a role would be a false pass: a name is a guess until somebody takes it."""
    told = init("acme/payments", "--yes", "--output", "found.yaml")
    assert told.code == 0
    path = here / "found.yaml"
    assert in_force(path) == {"version": 1, "extends": "default", "name": "acme/payments"}
    text = path.read_text(encoding="utf-8")
    assert "#:     teams: [acme/security, acme/security-tools]" in text
    assert r'#:   labels: [qa-passed, "qa: \u202E#1"]' in text
    assert "# 127.0.0.1" in text
    assert "was asked about acme/payments." in told.said
    assert 'on lines that start with "#: "' in told.said
    assert "  changeaudit audit acme/payments --last 30d --policy found.yaml" in told.said


@pytest.mark.usefixtures("company")
def test_what_is_written_is_a_valid_policy(here: Path) -> None:
    for profile in PROFILES:
        assert init("acme/payments", "--yes", "--force", "--profile", profile).code == 0
        loaded = read_policy(here / "policy.yaml").policy
        assert (loaded.name, loaded.extends) == ("acme/payments", profile)
        told = CliRunner().invoke(app, ["policy", "check", "policy.yaml"])
        assert told.exit_code == 0
        assert "policy.yaml is a valid policy, named acme/payments" in told.stdout


# The file ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("there", ["file", "link"])
def test_a_file_that_is_there_is_left_alone(here: Path, there: str) -> None:
    path = here / "policy.yaml"
    if there == "file":
        path.write_text("name: mine\n", encoding="utf-8")
    else:
        try:
            path.symlink_to(here / "nowhere")
        except OSError:
            pytest.skip("no links can be made here")
    told = init("--yes")
    assert isinstance(told.error, UsageError)
    assert "policy.yaml is there already" in told.error.message
    assert "--force" in told.error.hint
    if there == "file":
        assert path.read_text(encoding="utf-8") == "name: mine\n"


def test_a_file_that_is_there_is_replaced_by_force(here: Path) -> None:
    path = here / "policy.yaml"
    path.write_text("name: mine\n", encoding="utf-8")
    assert init("--yes", "--force").code == 0
    assert in_force(path)["version"] == 1
    assert [each.name for each in here.iterdir()] == ["policy.yaml"]


@pytest.mark.usefixtures("terminal")
def test_a_file_that_came_while_it_asked_is_left_alone(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = here / "policy.yaml"

    def ask(prompt: str) -> str:
        path.write_text("name: mine\n", encoding="utf-8")
        return ""

    monkeypatch.setattr(policy_init, "_ask", ask)
    told = init()
    assert isinstance(told.error, UsageError)
    assert path.read_text(encoding="utf-8") == "name: mine\n"


@pytest.mark.parametrize(
    ("output", "said"),
    [(".", "is a folder"), ("no/such/policy.yaml", "cannot be written: No such file or directory")],
)
def test_an_output_that_cannot_be(output: str, said: str) -> None:
    """It is said before anybody is asked anything."""
    told = init("acme/payments", "--yes", "--output", output)
    assert isinstance(told.error, UsageError)
    assert said in told.error.message


def test_a_disk_that_fills_up_leaves_no_half_file(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    told = init("--yes")
    assert isinstance(told.error, UsageError)
    assert told.error.message == "policy.yaml cannot be written: No space left on device."
    assert list(here.iterdir()) == []


# The dialogue -----------------------------------------------------------------------------------


def test_without_a_terminal_there_is_nobody_to_ask(here: Path) -> None:
    told = init("acme/payments")
    assert isinstance(told.error, UsageError)
    assert told.error.message == "There is no terminal to ask questions on."
    assert "--yes" in told.error.hint
    assert list(here.iterdir()) == []


def asked(**answers: str) -> list[str]:
    """What is typed: the name, the profile, and an answer for each question that is put."""
    skipped = {"security_review.impact_items", "qa.ticket_statuses"}
    skipped |= {"tickets.cancelled_statuses", "tickets.closed_statuses"}
    known = {path.replace(".", "_"): path for path in QUESTIONS if path not in skipped}
    assert answers.keys() <= {*known, "name", "profile"}
    first = [answers.get("name", ""), answers.get("profile", "")]
    return [*first, *(answers.get(key, "") for key in known)]


@pytest.mark.usefixtures("company", "terminal")
def test_every_question_can_be_left_open(here: Path) -> None:
    told = init("acme/payments", answers=asked())
    assert told.code == 0, told.said
    assert in_force(here / "policy.yaml") == {
        "version": 1,
        "extends": "default",
        "name": "acme/payments",
    }


@pytest.mark.usefixtures("company", "terminal")
def test_answers_are_in_force(here: Path) -> None:
    """All that was found, some of it by number, words of one's own, or both."""
    told = init(
        "acme/payments",
        answers=asked(
            name="Payments, 2026",
            profile="lean",
            roles_peer="write",
            roles_security="1",
            roles_qa="y",
            roles_lead="acme/leads, kim",
            qa_review="n",
            qa_labels='1, "QA, by hand"',
            qa_staging_checks="Y",
            final_approval_peer_may_be_lead="yes",
            tickets_jira_projects="1,OPS",
            security_checklist_heading="Security checks",
        ),
    )
    assert told.code == 0, told.said
    assert in_force(here / "policy.yaml") == {
        "version": 1,
        "extends": "lean",
        "name": "Payments, 2026",
        "roles": {
            "peer": {"write_access": True},
            "security": {"teams": ["acme/security"]},
            "qa": {"teams": ["acme/qa"]},
            "lead": {"teams": ["acme/leads"], "users": ["kim"]},
        },
        "tickets": {"jira_projects": ["PAY", "OPS"]},
        "security_checklist": {"heading": "Security checks"},
        "qa": {
            "review": False,
            "labels": ["qa-passed", "QA, by hand"],
            "staging_checks": ["staging"],
        },
        "final_approval": {"peer_may_be_lead": True},
    }
    assert "Keys set: 10." in told.said
    assert "   1  acme/security (security, 2 members)" in told.said
    assert r"qa: \u202e#1" in told.said


@pytest.mark.usefixtures("terminal")
def test_an_answer_that_cannot_be_is_asked_for_again(here: Path) -> None:
    typed = asked(name="x", profile="loose", roles_qa="a b", qa_review="perhaps", qa_comment="ok")
    at = {key: typed.index(key) for key in ("loose", "a b", "perhaps", "ok")}
    for offset, (key, again) in enumerate(
        zip(at, ("strict", "kim", "n", "QA passed:"), strict=True), 1
    ):
        typed.insert(at[key] + offset, again)
    told = init(answers=typed)
    assert told.code == 0, told.said
    assert "Strict is the procedure to the letter" in told.said
    assert "That cannot stand in a policy: roles.qa.users[0]: expected a GitHub login" in told.said
    assert "Answer y or n" in told.said
    assert in_force(here / "policy.yaml") == {
        "version": 1,
        "extends": "strict",
        "name": "x",
        "roles": {"qa": {"users": ["kim"]}},
        "qa": {"review": False, "comment": "QA passed:"},
    }


@pytest.mark.usefixtures("terminal")
def test_a_profile_that_was_given_is_not_asked_for(here: Path) -> None:
    typed = asked()
    del typed[1]
    assert init("--profile", "strict", answers=typed).code == 0
    assert in_force(here / "policy.yaml") == {"version": 1, "extends": "strict"}


@pytest.mark.usefixtures("terminal")
def test_commas_alone_are_no_answer_and_too_long_a_one_is_told(here: Path) -> None:
    typed = asked(roles_qa=", ,", qa_labels="x" * 200_000)
    typed.insert(typed.index("x" * 200_000) + 1, "")
    told = init(answers=typed)
    assert told.code == 0
    assert "expected text of at most 300 characters" in told.said
    assert in_force(here / "policy.yaml") == {"version": 1, "extends": "default"}


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("given", [0, 1, 5])
def test_an_input_that_ends_leaves_nothing(here: Path, given: int) -> None:
    told = init(answers=asked()[:given])
    assert told.code == Exit.INTERRUPTED
    assert told.said.endswith("Interrupted. Nothing was written.\n")
    assert list(here.iterdir()) == []


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("interruption", [KeyboardInterrupt, typer.Abort])
def test_ctrl_c_leaves_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]
) -> None:
    def ask(prompt: str) -> str:
        raise interruption

    monkeypatch.setattr(policy_init, "_ask", ask)
    told = init()
    assert told.code == Exit.INTERRUPTED
    assert list(here.iterdir()) == []


def test_every_question_is_of_a_key_that_the_draft_shows() -> None:
    assert QUESTIONS.keys() <= EXAMPLES.keys()
    assert max(len(line) for said in QUESTIONS.values() for line in said.splitlines()) <= 80


def test_a_name_that_is_too_long_is_cut(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_init, "has_terminal", lambda: True)
    assert init(answers=asked(name="n" * 120)).code == 0
    assert in_force(here / "policy.yaml")["name"] == "n" * 99 + "…"


# GitHub -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"), [("payments", "does not name a repository"), ("acme/*", "is a pattern")]
)
def test_what_is_no_repository(name: str, said: str) -> None:
    told = init(name, "--yes")
    assert isinstance(told.error, UsageError)
    assert said in told.error.message


def test_without_a_token_it_is_said_how_to_do_without() -> None:
    told = init("acme/payments", "--yes")
    assert isinstance(told.error, UsageError)
    assert told.error.message == "There is no GitHub token."
    assert told.error.hint.endswith("without a repository none is needed.")


@pytest.mark.parametrize(
    ("answer", "said", "hint"),
    [
        ((401, b'{"message": "Bad credentials"}'), "does not accept the token", "Set GITHUB_TOKEN"),
        (
            (200, b'{"data": null, "errors": [{"message": "Field gone", "path": []}]}'),
            "Field gone",
            "",
        ),
    ],
)
def test_a_github_that_refuses(
    here: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer, said: str, hint: str
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    with served(lambda body: answer) as address:
        monkeypatch.setenv("GITHUB_API_URL", address)
        told = init("acme/payments", "--yes")
    assert isinstance(told.error, CollectError)
    assert said in told.error.message
    assert told.error.hint.startswith(hint)
    assert list(here.iterdir()) == []


def test_a_github_that_keeps_failing_leaves_nothing_that_was_kept(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setattr("changeaudit.collectors.github.transport.ATTEMPTS", 1)
    with served(lambda body: (500, b"")) as address:
        monkeypatch.setenv("GITHUB_API_URL", address)
        told = init("acme/payments", "--yes")
    assert isinstance(told.error, CollectError)
    assert told.error.hint == "Nothing was written; run the same command again."
    assert list(here.iterdir()) == []


# Jira -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"JIRA_TOKEN": "t"}, None),
        ({"JIRA_URL": "https://j", "JIRA_TOKEN": "t"}, Access("https://j", "", "t")),
        ({"JIRA_URL": "https://j", "JIRA_PAT": " t\n"}, Access("https://j", "", "t")),
        (
            {"JIRA_URL": "https://j", "JIRA_TOKEN": "t", "JIRA_PAT": "u"},
            Access("https://j", "", "t"),
        ),
        (
            {"JIRA_URL": "https://j", "JIRA_EMAIL": "a@b", "JIRA_API_TOKEN": "t"},
            Access("https://j", "a@b", "t"),
        ),
        (
            {"JIRA_URL": "https://j", "JIRA_EMAIL": "a@b", "JIRA_TOKEN": "t"},
            Access("https://j", "a@b", "t"),
        ),
    ],
)
def test_where_jira_is_and_what_opens_it(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: Access | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert jira_access() == expected


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"JIRA_API_TOKEN": TOKEN},
        {"JIRA_EMAIL": "a@b"},
        {"JIRA_TOKEN": f"{TOKEN}é"},
        {"JIRA_TOKEN": f"{TOKEN}\nx"},
    ],
)
def test_credentials_that_are_none_are_said_and_it_goes_on(
    here: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    monkeypatch.setenv("JIRA_URL", "https://jira.acme.test")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    told = init("--yes")
    assert told.code == 0
    assert told.said.startswith("Jira could not be asked: ")
    assert "# Jira could not be asked: " in (here / "policy.yaml").read_text(encoding="utf-8")


@pytest.mark.usefixtures("company")
def test_a_jira_that_is_not_there_is_one_line(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRA_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("JIRA_TOKEN", TOKEN)
    told = init("acme/payments", "--yes")
    assert told.code == 0
    assert told.said.count("Jira could not be asked: it could not be reached.") == 1


@pytest.mark.usefixtures("company", "terminal")
def test_what_jira_shows_is_asked_about(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Sequence[str]] = []

    def survey(access: Access, wanted: Sequence[str]) -> JiraSurvey | Unavailable:
        seen.append(wanted)
        statuses = (Status("Dropped", "done"), Status("Rejected", "done"), Status("QA ok", "new"))
        project = ProjectSurvey("PAY", "Payments", ("Story",), statuses)
        return JiraSurvey("jira.test", (("PAY", "Payments"),), (project,))

    monkeypatch.setattr(jira_survey, "survey_jira", survey)
    monkeypatch.setenv("JIRA_URL", "https://jira.test")
    monkeypatch.setenv("JIRA_PAT", TOKEN)
    asks = [path for path in QUESTIONS if path != "security_review.impact_items"]
    taken = {"qa.ticket_statuses", "tickets.cancelled_statuses", "tickets.closed_statuses"}
    told = init("acme/payments", answers=["", "", *("y" if p in taken else "" for p in asks)])
    assert told.code == 0, told.said
    assert seen == [("PAY",)]
    assert "Jira at jira.test was asked about its projects." in told.said
    held = in_force(here / "policy.yaml")
    assert held["qa"] == {"ticket_statuses": ["QA ok"]}
    assert held["tickets"] == {
        "cancelled_statuses": ["Rejected"],
        "closed_statuses": ["Dropped"],
    }


# As people start it -----------------------------------------------------------------------------


def test_as_a_process_it_leaves_as_documented(changeaudit: Command) -> None:
    """Code 2 and one message, without a trace; then the policy, which is not overwritten."""
    first = changeaudit("policy", "init")
    assert first.code == Exit.USAGE
    assert first.err.startswith("error: There is no terminal")
    assert changeaudit("policy", "init", "--yes").code == 0
    again = changeaudit("policy", "init", "--yes")
    assert again.code == Exit.USAGE
    assert "policy.yaml is there already" in again.err
    assert changeaudit("policy", "check", "policy.yaml").code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal")
@pytest.mark.parametrize("columns", [40, 60, 80])
def test_a_narrow_terminal_parts_no_word(changeaudit: Command, columns: int) -> None:
    """Neither of what could not be asked nor of the questions: lines end between words."""
    terminal, its_end = os.openpty()
    jira = {"JIRA_URL": "http://127.0.0.1:1", "JIRA_TOKEN": TOKEN}
    process = subprocess.Popen(
        changeaudit.line("policy", "init", "--profile", "lean"),
        cwd=changeaudit.folder,
        env=changeaudit.environment(COLUMNS=str(columns), TERM="xterm", **jira),
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
    )
    os.close(its_end)
    seen = b""
    for awaited in (b"Name of the policy: ", b"\n> "):
        while awaited not in seen:
            seen += os.read(terminal, 4096)
        os.write(terminal, b"\n")
    process.kill()
    process.wait(60)
    os.close(terminal)
    lines = [line.rstrip() for line in seen.decode("utf-8").splitlines()]
    assert max(map(len, lines)) <= columns
    words = " ".join(lines).split()
    for sentence in (
        "Jira could not be asked: it could not be reached.",
        "two; y takes all that was found. Enter leaves a question open.",
        QUESTIONS["scope.branches"],
    ):
        said = sentence.split()
        assert any(words[at : at + len(said)] == said for at in range(len(words)))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal")
def test_at_a_terminal_it_asks_and_ctrl_c_leaves_with_its_code(changeaudit: Command) -> None:
    terminal, its_end = os.openpty()
    process = subprocess.Popen(
        changeaudit.line("policy", "init"),
        cwd=changeaudit.folder,
        env=changeaudit.environment(),
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
    )
    os.close(its_end)
    seen = b""
    while b"Name of the policy: " not in seen:
        seen += os.read(terminal, 4096)
    code = None
    while code is None:  # one that comes between the question and its reading is not heard
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            code = process.wait(10)
    seen += os.read(terminal, 4096)
    os.close(terminal)
    assert code == Exit.INTERRUPTED
    assert b"Interrupted. Nothing was written." in seen
    assert not (changeaudit.folder / "policy.yaml").exists()
