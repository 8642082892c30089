"""`changeaudit policy`: what it prints, and how it leaves."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from changeaudit.cli.policy import Gap, app, gaps
from changeaudit.errors import PolicyError
from changeaudit.policy import ATTRIBUTE_IDS, EMERGENCY_IDS
from changeaudit.policy_file import load_policy, policy_schema

COMPLETE = """\
name: complete
roles:
  security: {teams: [acme/security]}
  qa: {users: [alice]}
  lead: {teams: [acme/leads]}
security_review: {labels: [security]}
qa: {comment: "QA passed", staging_checks: [e2e]}
"""


NOT_ASKED = "GitHub was not asked whether its logins and teams exist: doctor sees the teams."


def invoke(*args: str) -> tuple[str, BaseException | None]:
    result = CliRunner().invoke(app, args)
    return result.stdout, result.exception


def test_a_valid_policy_is_named_with_its_digest(tmp_path: Path) -> None:
    """The first line gives file, name and the SHA-256 of the bytes; nothing is left unsaid here."""
    path = tmp_path / "policy.yaml"
    path.write_bytes(COMPLETE.encode())
    stdout, exception = invoke("check", str(path))
    assert exception is None
    digest = hashlib.sha256(COMPLETE.encode()).hexdigest()
    assert stdout.splitlines() == [
        f"{path} is a valid policy, named complete; sha256 {digest}",
        NOT_ASKED,
        "It leaves nothing unsaid for want of which an attribute stays undetermined.",
    ]


def test_what_the_default_leaves_unsaid_is_listed(tmp_path: Path) -> None:
    """Each gap of the default is told with its attributes, the key, and a line to add."""
    path = tmp_path / "policy.yaml"
    path.write_text("version: 1", encoding="utf-8")
    stdout, exception = invoke("check", str(path))
    assert exception is None
    assert stdout.splitlines()[1:] == [
        NOT_ASKED,
        "What it leaves unsaid, and the attributes that will stay undetermined for it:",
        "  4.1-4.4, 6.2: nothing is named that triggers a security review; "
        'add under security_review:  paths: ["**/auth/**"]',
        "  4.2, 4.3, 6.2: nobody is named as the security team; "
        "add under roles.security:  teams: [acme/security]",
        "  5.1, 5.3, 6.2: nobody is named as the QA team; add under roles.qa:  teams: [acme/qa]",
        "  5.1, 5.3, 6.2: no way is named in which QA signs off; add under qa:  review: true",
        "  5.2: no check is named that shows the test in staging; "
        "add under qa:  staging_checks: [e2e / staging]",
        "  6.1-6.5: nobody is named as an engineering lead; "
        "add under roles.lead:  teams: [acme/engineering-leads]",
    ]


def test_an_invalid_policy_raises_every_problem(tmp_path: Path) -> None:
    """The problems are left to the top level to print; nothing is said on stdout."""
    path = tmp_path / "policy.yaml"
    path.write_text("nmae: x\nqa: {review: maybe}\n", encoding="utf-8")
    stdout, exception = invoke("check", str(path))
    assert stdout == ""
    assert isinstance(exception, PolicyError)
    assert exception.exit_code == 2
    assert exception.problems == (
        f"{path}:1: nmae: unknown key; did you mean 'name'?",
        f"{path}:2: qa.review: expected true or false, found 'maybe'",
    )


def test_a_missing_file_is_a_problem_too(tmp_path: Path) -> None:
    """A wrong path is told in the same way as a wrong policy."""
    stdout, exception = invoke("check", str(tmp_path / "none.yaml"))
    assert stdout == ""
    assert isinstance(exception, PolicyError)
    assert "there is no such file" in exception.problems[0]
    assert "policy init" in exception.hint


def test_a_hostile_name_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    """Escapes and reversed text in a policy's name reach the terminal as words."""
    path = tmp_path / "policy.yaml"
    path.write_text('name: "\\e[31m\\u202ered[bold]"\n', encoding="utf-8")
    stdout, exception = invoke("check", str(path))
    assert exception is None
    assert "valid policy, named \\x1b[31m\\u202ered[bold]; sha256" in stdout
    assert "\x1b" not in stdout


def test_the_schema_is_printed_as_json() -> None:
    """`schema` prints what `policy_schema` gives, in characters that every console can show."""
    stdout, exception = invoke("schema")
    assert exception is None
    assert json.loads(stdout) == policy_schema()
    assert stdout.isascii()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "tickets: {jira_projects: [LED, PAY]}",
            "Jira was not asked for LED, PAY either: doctor tells what it shows.",
        ),
        ("classes: {emergency: {labels: [hotfix]}}", "  E.6: nothing is named that shows the post"),
        (
            "classes: {emergency: {branches: [hot/*]}}",
            "  E.6: nothing is named that shows the post",
        ),
    ],
)
def test_what_will_stay_undetermined_is_warned_of(tmp_path: Path, text: str, said: str) -> None:
    """What an audit does not ask, and an emergency's post-mortem that nothing shows."""
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    assert said in invoke("check", str(path))[0]
    path.write_text(
        "classes: {emergency: {labels: [hotfix], post_mortem: {labels: [pm]}}}", encoding="utf-8"
    )
    assert said not in invoke("check", str(path))[0]


NOBODY = "{roles: {peer: {}}, classes: {emergency: {labels: [hotfix]}}}"
GAPS = list(gaps(load_policy(NOBODY, "p").policy))


def gap_of(gap: Gap) -> str:
    return gap.unsaid


@pytest.mark.parametrize("gap", GAPS, ids=gap_of)
def test_the_line_that_is_offered_closes_the_gap(gap: Gap) -> None:
    """Added under the key that is named, the line gives a valid policy without that gap."""
    value = yaml.safe_load(gap.line)
    for key in reversed(gap.under.split(".")):
        value = {key: value}
    policy = load_policy(yaml.safe_dump(value), "p").policy
    assert gap not in list(gaps(policy))


@pytest.mark.parametrize("gap", GAPS, ids=gap_of)
def test_a_gap_names_attributes_of_the_procedure(gap: Gap) -> None:
    """What is said to stay undetermined are attributes that there are."""
    names = {name for part in gap.attributes.split(", ") for name in part.split("-")}
    assert names
    assert names <= {*ATTRIBUTE_IDS, *EMERGENCY_IDS}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("roles: {peer: {users: [alice]}}", "nobody is named as a peer"),
        ("roles: {peer: {teams: [acme/devs]}}", "nobody is named as a peer"),
        ("roles: {lead: {write_access: true}}", "nobody is named as an engineering lead"),
        ("security_review: {paths: [x]}", "nothing is named that triggers a security review"),
        ("security_review: {labels: [x]}", "nothing is named that triggers a security review"),
        (
            "security_review: {ticket_types: [x]}",
            "nothing is named that triggers a security review",
        ),
        ("qa: {review: true}", "no way is named in which QA signs off"),
        ("qa: {labels: [qa-passed]}", "no way is named in which QA signs off"),
        ("qa: {comment: QA passed}", "no way is named in which QA signs off"),
        ("qa: {staging_checks: [e2e]}", "no check is named that shows the test in staging"),
        (
            "classes: {emergency: {labels: [hotfix], post_mortem: {ticket_types: [PM]}}}",
            "nothing is named that shows the post-mortem of an emergency change",
        ),
    ],
)
def test_each_way_of_saying_it_closes_its_gap_alone(text: str, said: str) -> None:
    """A gap is closed by any of the ways to say it, and the others stay open."""
    everything = {gap.unsaid for gap in GAPS}
    nobody = yaml.safe_load(NOBODY)
    peers = {} if "peer" in text else nobody["roles"]
    value = {"classes": nobody["classes"], **yaml.safe_load(text)}
    value["roles"] = {**peers, **value.get("roles", {})}
    found = {gap.unsaid for gap in gaps(load_policy(yaml.safe_dump(value), "p").policy)}
    assert everything - found == {said}
    assert found < everything


def test_the_command_is_quick_to_import() -> None:
    """Pydantic and YAML are loaded by running the command, not by knowing of it."""
    code = (
        "import sys, changeaudit.cli.policy\n"
        "print([name for name in ('pydantic', 'yaml') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
