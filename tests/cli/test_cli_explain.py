"""`changeaudit explain`: what it tells, what it collects, and how it leaves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import msgspec
import pytest
from typer.testing import CliRunner

from changeaudit.cli.demo import audited, demonstration
from changeaudit.cli.exits import Exit
from changeaudit.cli.main import app
from changeaudit.cli.one_change import AROUND, Judging, explain_pull, explain_push, held, target
from changeaudit.collectors.github import activity
from changeaudit.errors import ChangeauditError, UsageError
from changeaudit.explanation import Explanation
from changeaudit.policy_file import LoadedPolicy, load_policy, read_policy
from changeaudit.records import MergeCommit
from changeaudit.reporters.json import explanation_schema
from changeaudit.store import Answer, Item, Store, Window
from changeaudit.verdicts import Audit, Outcome
from cli.command import DEMO, TOKEN, Command, Evidence, served

LEDGER = "meridian-labs/ledger"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
PULL = f"{LEDGER}#21"
PUSH = f"{LEDGER}@3ca0a4fc5811"


@pytest.fixture(scope="module")
def whole() -> Audit:
    """The audit of the demonstration."""
    return audited()


@pytest.fixture(scope="module")
def shipped() -> Iterator[Store]:
    with Store.open(demonstration().store, create=False, read_only=True) as store:
        yield store


def invoked(*args: str, **environment: str) -> tuple[int, str, str]:
    """The command in this process; an error that it raises is returned as its message."""
    result = CliRunner().invoke(app, ["explain", *args], env=environment)
    if isinstance(result.exception, ChangeauditError):
        said = f"{result.exception.message} {result.exception.hint}"
        return result.exception.exit_code, result.stdout, said
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def judging(policy: LoadedPolicy | None = None) -> Judging:
    return Judging(policy or demonstration().policy, NOW, lambda: NOW, True)


def told(store: Store, id_: str, by: Judging | None = None) -> Explanation:
    """A change of the demonstration, explained."""
    wanted, source = target(id_), demonstration().source
    if wanted.oid:
        return explain_push(store, source, wanted.repository, wanted.oid, by or judging())
    found = held(store, source, wanted.repository, wanted.number)
    assert found
    return explain_pull(store, source, wanted.repository, found, by or judging())


# It says what the audit says --------------------------------------------------------------------


def test_every_change_is_explained_as_it_is_audited(whole: Audit, shipped: Store) -> None:
    """Verdicts, evidence, timeline and all: for each change and each exclusion there is."""
    assert len(whole.changes) > 60
    for change in whole.changes:
        assert told(shipped, change.id).change == change
    for excluded in whole.excluded:
        found = told(shipped, excluded.id)
        assert (found.change, found.excluded) == (None, excluded)


def test_it_describes_what_the_change_was_judged_by(whole: Audit, shipped: Store) -> None:
    emergency = next(c for c in whole.changes if c.class_ == "emergency")
    for change in (emergency, whole.changes[0]):
        found = told(shipped, change.id)
        assert [s.id for s in found.procedure] == [s.step for s in change.steps]
        assert [a.id for a in found.attributes] == [v.attribute for v in change.verdicts()]
        assert [r.attribute for r in found.remedies] == [
            v.attribute
            for v in change.verdicts()
            if v.outcome in (Outcome.EXCEPTION, Outcome.UNDETERMINED)
        ]


def test_a_policy_whose_branches_are_called_otherwise(shipped: Store) -> None:
    """A base that is no production branch by name is looked for on the branches' histories."""
    text = (DEMO / "policy.yaml").read_text(encoding="utf-8")
    elsewhere = load_policy(text.replace("[default]", "[release/*]"), "elsewhere")
    found = told(shipped, PULL, judging(elsewhere))
    assert found.excluded
    assert found.excluded.rule == "not a production branch"


# The command ------------------------------------------------------------------------------------


def test_the_demonstration_is_told_as_a_story() -> None:
    code, out, err = invoked(PULL, "--demo")
    assert (code, err) == (Exit.EXCEPTIONS, "")
    assert out.startswith(f"{PULL}\nIndex postings by counterparty\n")
    assert "✗ 3.3" in out
    assert out.count("It would have passed if") == 1
    assert "Demonstration evidence" in out


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (PULL, Exit.EXCEPTIONS),
        (PUSH, Exit.EXCEPTIONS),
        (f"{LEDGER}#40", Exit.UNCERTAIN),
        (f"{LEDGER}#32", Exit.UNCERTAIN),
        (f"{LEDGER}#34", Exit.NO_EXCEPTIONS),
        (f"{LEDGER.upper()}#34", Exit.NO_EXCEPTIONS),
    ],
    ids=["exception", "push", "undetermined", "excluded", "compliant", "case"],
)
def test_it_leaves_as_an_audit_of_that_one_change_would(change: str, code: Exit) -> None:
    assert invoked(change, "--demo")[0] == code


@pytest.mark.parametrize("change", [f"{LEDGER}#9999", f"{LEDGER}#15", "acme/other#1"])
def test_what_the_demonstration_does_not_show_is_wrong_usage(change: str) -> None:
    """There is nothing to collect, and it was not asked to be offline."""
    code, out, err = invoked(change, "--demo")
    assert (code, out) == (Exit.USAGE, "")
    assert "The demonstration has no " in err
    assert "--offline" not in err


def test_json_follows_its_schema(whole: Audit) -> None:
    for change in (PULL, PUSH, f"{LEDGER}#32"):
        _, out, _ = invoked(change, "--demo", "--json")
        document = json.loads(out)
        jsonschema.validate(document, explanation_schema())
        assert (document["change"] is None) == (change == f"{LEDGER}#32")
    assert document["excluded"]["id"] == f"{LEDGER}#32"


def test_the_sheet_is_a_page_of_its_own(tmp_path: Path) -> None:
    page = tmp_path / "sheet.html"
    code, out, err = invoked(PULL, "--demo", "--html", str(page))
    assert code == Exit.EXCEPTIONS
    assert out.startswith(PULL)
    assert f"Evidence sheet: {page}" in err.replace("\n", "")
    text = page.read_text(encoding="utf-8")
    assert "It would have passed if" in text
    assert not re.search(r'(?:href|src)="(?!https://|#)', text)
    assert invoked(PULL, "--demo", "--html", str(page), "--quiet")[2] == ""


def test_what_is_out_of_scope_has_no_sheet(tmp_path: Path) -> None:
    page = tmp_path / "sheet.html"
    code, out, err = invoked(f"{LEDGER}#32", "--demo", "--html", str(page))
    assert code == Exit.UNCERTAIN
    assert "documentation only" in out
    assert "no evidence sheet" in err
    assert not page.exists()


def test_a_sheet_that_cannot_be_written(tmp_path: Path) -> None:
    page = tmp_path / "no folder" / "sheet.html"
    code, _, said = invoked(PULL, "--demo", "--html", str(page))
    assert code == Exit.USAGE
    assert str(page) in said


def test_another_policy_over_the_demonstration(tmp_path: Path) -> None:
    """Teams that the store holds nothing of are said to be missing."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("roles: {peer: {teams: [meridian-labs/unknown]}}\n", encoding="utf-8")
    _, out, _ = invoked(PULL, "--demo", "--policy", str(policy))
    assert "? 3.1" in out
    assert "The store holds no members of meridian-labs/unknown" in re.sub(r"\s+", " ", out)


def test_who_merged_past_the_rules_is_told(evidence: Evidence) -> None:
    """By its branch's record around the merge; nothing is known where that was not asked for."""
    name = LEDGER
    with Store.open(evidence.store) as store:
        source = next(c.source for c in store.counts() if c.kind == "repository")
        found = held(store, source, name, 21)
        assert found is not None
        merge = found.pull.merge_commit
        assert isinstance(merge, MergeCommit)
        at = found.pull.merged_at
        suite = {
            "id": 1,
            "ref": f"refs/heads/{found.pull.base_ref}",
            "after_sha": merge.oid,
            "pushed_at": (at + timedelta(seconds=2)).isoformat(),
            "result": "bypass",
            "actor_name": "mal",
        }
        subject = f"{name}@{found.pull.base_ref}"
        kind = activity.BYPASS_KIND
        body = json.dumps([suite]).encode()
        answer = Answer(source, subject, kind, '{"get":"/x"}', 200, at, body)
        period = at - timedelta(days=1), at + timedelta(seconds=1)
        with store.begin() as writer:
            writer.put(answer, [Item(kind, "1", 0, "v", at + timedelta(seconds=2))])
            writer.complete(Window(source, subject, kind, *period, at + AROUND))
        loaded = read_policy(evidence.folder / "policy.yaml")
        judging = Judging(loaded, at, lambda: at, False)
        told = explain_pull(store, source, name, found, judging)
    assert told.change is not None
    assert [(e.who, e.at) for e in told.change.timeline if "bypassed" in e.what] == [
        ("mal", at + timedelta(seconds=2))
    ]
    assert not any("who bypassed its rules is not known" in each for each in told.limitations)


# From a store -----------------------------------------------------------------------------------


def test_from_a_store_without_the_network(changeaudit: Command, evidence: Evidence) -> None:
    """As a process: the change is there, so neither a token nor the network is needed."""
    args = ("--store", str(evidence.store), "--policy", str(evidence.folder / "policy.yaml"))
    done = changeaudit("explain", PULL, *args, GITHUB_API_URL=evidence.api)
    assert (done.code, done.err) == (Exit.EXCEPTIONS, "")
    offline = changeaudit("explain", PULL, *args, "--offline", GITHUB_API_URL=evidence.api)
    assert offline.text.split("Explained")[0] == done.text.split("Explained")[0]
    assert "Demonstration" not in done.text


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (f"{LEDGER}#999", Exit.FAILED, "does not hold the pull request meridian-labs/ledger#999"),
        ("acme/payments#1", Exit.FAILED, "holds nothing of acme/payments"),
        (f"{LEDGER}@0000000", Exit.FAILED, "no direct push of meridian-labs/ledger with the com"),
        (f"{LEDGER}@f508052dd09c", Exit.USAGE, "no direct push: it came with meridian-labs/led"),
        ("acme/payments", Exit.USAGE, "does not name a change"),
        ("acme#1", Exit.USAGE, "does not name a change"),
        ("acme/payments#x", Exit.USAGE, "does not name a change"),
        ("acme/payments@12345", Exit.USAGE, "does not name a change"),
        ("acme/pay/ments#1", Exit.USAGE, "does not name a change"),
    ],
)
def test_what_cannot_be_explained_is_said(
    evidence: Evidence, change: str, code: Exit, message: str
) -> None:
    found, out, said = invoked(
        change, "--offline", "--store", str(evidence.store), GITHUB_API_URL=evidence.api
    )
    assert (found, out) == (code, "")
    assert message in said


def test_part_of_an_oid_that_stands_for_two_pushes(shipped: Store) -> None:
    with pytest.raises(UsageError, match=r"stands for 2 direct pushes: .*@3ca0a4fc5811, .*@31f7"):
        explain_push(shipped, demonstration().source, LEDGER, "3", judging())


@pytest.mark.parametrize("oid", ["3CA0A4F", "3ca0a4fc5811d908d5d233453a48f9502e4dd852"])
def test_a_push_by_part_of_an_oid_or_all_of_it(whole: Audit, shipped: Store, oid: str) -> None:
    found = told(shipped, f"{LEDGER}@{oid}").change
    assert found is not None
    assert found in whole.changes
    assert found.number is None


# Collected alone --------------------------------------------------------------------------------


class Recorded:
    """GitHub as the demonstration's evidence knew it, asked for one change at a time."""

    def __init__(self, store: Store) -> None:
        source = demonstration().source
        self.pulls: dict[int, Any] = {}
        for located in store.locate(source, LEDGER, "pull_request"):
            nodes = json.loads(located.answer.answer.body)["data"]["search"]["nodes"]
            self.pulls |= {nodes[i.position]["number"]: nodes[i.position] for i in located.items}
        self.issues: dict[str, Any] = {}
        for located in store.locate(source, "issues", "ticket"):
            data = json.loads(located.answer.answer.body)["data"]
            self.issues |= {item.key: data[f"t{item.position}"] for item in located.items}
        self.kept: dict[str, bytes] = {}
        for kind in store.counts():
            if kind.kind in ("repository", "team"):
                answer = store.latest(kind.source, kind.subject, kind.kind)
                assert answer
                self.kept[kind.subject] = answer.answer.body
        last = store.latest(source, LEDGER, "repository.last_changes")
        assert last
        self.last_changes = last.answer.body
        self.asked: list[str] = []

    def __call__(self, body: bytes) -> tuple[int, bytes]:
        request = json.loads(body)
        given = request["variables"]
        name = re.search(r"query (\w+)", request["query"])
        assert name
        self.asked.append(name[1])
        if name[1] == "Repository":
            return 200, self.kept[f"{given['owner']}/{given['name']}".lower()]
        if name[1] == "LastChanges":
            return 200, self.last_changes
        if name[1] == "Team":
            return 200, self.kept[f"{given['organization']}/{given['slug']}".lower()]
        if name[1] == "OnePullRequest":
            return 200, self.one(given["number"])
        assert name[1] == "Issues"
        keys = (
            f"{given[f'o{n}']}/{given[f'n{n}']}#{given[f'i{n}']}" for n in range(len(given) // 3)
        )
        data = {f"t{n}": self.issues[key.lower()] for n, key in enumerate(keys)}
        return 200, json.dumps({"data": data}).encode()

    def one(self, number: int) -> bytes:
        """The answer to a pull request's number."""
        if number not in self.pulls:
            path = ["repository", "issueOrPullRequest"]
            error = {"message": "none", "type": "NOT_FOUND", "path": path}
            data = {"repository": {"issueOrPullRequest": None}}
            return json.dumps({"data": data, "errors": [error]}).encode()
        node = {"__typename": "PullRequest", "state": "MERGED", **self.pulls[number]}
        return json.dumps({"data": {"repository": {"issueOrPullRequest": node}}}).encode()


@pytest.fixture
def github(shipped: Store) -> Recorded:
    return Recorded(shipped)


@pytest.fixture
def address(github: Recorded) -> Iterator[str]:
    with served(github) as found:
        yield found


def alone(
    changeaudit: Command, address: str, change: str, *more: str
) -> tuple[int, dict[str, Any], str]:
    """`changeaudit explain` of a change with a store that holds no period."""
    args = ("--policy", str(DEMO / "policy.yaml"), "--json", *more)
    asking = {"GITHUB_API_URL": address, "GITHUB_TOKEN": TOKEN}
    done = changeaudit("explain", change, *args, **asking)
    return done.code, json.loads(done.text) if done.text else {}, done.err


def comparable(change: dict[str, Any]) -> dict[str, Any]:
    """A change without the digests of the answers that it was read from."""
    return {key: value for key, value in change.items() if key != "evidence"}


def test_collected_alone_it_gets_the_same_verdicts(
    changeaudit: Command, github: Recorded, address: str, whole: Audit
) -> None:
    """The repository, when its template last changed, the change, its teams, and its tickets."""
    code, found, err = alone(changeaudit, address, PULL)
    expected = json.loads(msgspec.json.encode(next(c for c in whole.changes if c.id == PULL)))
    assert code == Exit.EXCEPTIONS
    # The day on which the teams were read stands in the reasons.
    today = re.compile(r"as of \d{4}-\d\d-\d\d")
    one, other = (json.dumps(comparable(c)) for c in (found["change"], expected))
    one = one.replace(urlsplit(address).netloc, demonstration().source)  # as a ticket's source
    assert today.sub("as of", one) == today.sub("as of", other)
    assert github.asked == [
        "Repository",
        "LastChanges",
        "OnePullRequest",
        *["Team"] * 4,
        "Issues",
    ]
    assert "Collected from 127.0.0.1" in err
    assert "with 8 requests" in err
    assert any("collected alone" in limit for limit in found["limitations"])


@pytest.mark.parametrize("more", [(), ("--offline",)], ids=["online", "offline"])
def test_what_was_collected_alone_is_not_asked_for_again(
    changeaudit: Command, github: Recorded, address: str, more: tuple[str, ...]
) -> None:
    _, first, _ = alone(changeaudit, address, PULL)
    asked = len(github.asked)
    _, second, err = alone(changeaudit, address, PULL, *more)
    assert first["change"] == second["change"]
    assert first["collected_at"] == second["collected_at"]
    assert len(github.asked) == asked
    assert err == ""


def test_what_was_collected_alone_is_evidence_of_no_period(
    changeaudit: Command, address: str
) -> None:
    alone(changeaudit, address, PULL)
    args = ("audit", LEDGER, "--period", "2026-Q3", "--offline")
    done = changeaudit(*args, GITHUB_API_URL=address)
    assert done.code == Exit.FAILED
    assert "does not hold the pull requests" in done.err


def test_a_number_that_there_is_not(changeaudit: Command, address: str) -> None:
    code, found, err = alone(changeaudit, address, f"{LEDGER}#999")
    assert (code, found) == (Exit.USAGE, {})
    assert "error: There is no pull request #999 in meridian-labs/ledger" in err


def test_without_a_token(changeaudit: Command) -> None:
    done = changeaudit("explain", "acme/payments#1")
    assert done.code == Exit.USAGE
    assert "no GitHub token" in done.err


# A period that broke off ------------------------------------------------------------------------


def interrupted(evidence: Evidence, to: Path) -> Path:
    """A store with the pull requests of the ledger, and no word that its period is whole."""
    with (
        Store.open(evidence.store, create=False, read_only=True) as full,
        Store.open(to) as part,
        part.begin() as writer,
    ):
        for kind in full.counts():
            if kind.kind != "pull_request" or kind.subject == LEDGER:
                for located in full.locate(kind.source, kind.subject, kind.kind):
                    writer.put(located.answer.answer, located.items)
    return to


def test_a_period_that_broke_off_is_said_to_have(evidence: Evidence, tmp_path: Path) -> None:
    """Offline, what was kept is read; online it would be collected again."""
    store = interrupted(evidence, tmp_path / "part.sqlite")
    policy = str(evidence.folder / "policy.yaml")
    code, out, _ = invoked(
        PULL, "--offline", "--store", str(store), "--policy", policy, GITHUB_API_URL=evidence.api
    )
    assert code == Exit.EXCEPTIONS
    assert "Collecting the period of this change broke off" in re.sub(r"\s+", " ", out)
    found, _, said = invoked(PULL, "--store", str(store), GITHUB_API_URL=evidence.api)
    assert found == Exit.USAGE
    assert "no GitHub token" in said


def test_a_direct_push_needs_a_whole_period(evidence: Evidence, tmp_path: Path) -> None:
    store = interrupted(evidence, tmp_path / "part.sqlite")
    code, _, said = invoked(PUSH, "--store", str(store), GITHUB_API_URL=evidence.api)
    assert code == Exit.FAILED
    assert "run `changeaudit audit` for the period" in said


def test_collected_alone_and_with_a_period_the_period_counts(
    evidence: Evidence, tmp_path: Path, github: Recorded
) -> None:
    """The pull request of a whole period is whole; one collected alone comes second."""
    source = demonstration().source
    with Store.open(evidence.store) as store:
        body = github.one(21)
        item = Item("pull_request.single", f"{LEDGER}#21", 0, "v", None)
        with store.begin() as writer:
            answer = Answer(source, LEDGER, "pull_request.single", "{}", 200, NOW, body)
            writer.put(answer, [item])
        found = held(store, source, LEDGER, 21)
        assert found
        assert found.whole
        assert found.limits == ()
    with Store.open(interrupted(evidence, tmp_path / "part.sqlite")) as store:
        with store.begin() as writer:
            writer.put(answer, [item])
        found = held(store, source, LEDGER, 21)
        assert found
        assert (found.whole, found.broken_off, len(found.limits)) == (False, False, 1)


def test_windows_before_the_change_do_not_hold_it(evidence: Evidence, tmp_path: Path) -> None:
    with Store.open(interrupted(evidence, tmp_path / "part.sqlite")) as store:
        source = demonstration().source
        with store.begin() as writer:
            writer.complete(
                Window(
                    source,
                    LEDGER,
                    "pull_request",
                    datetime(2026, 1, 1, tzinfo=UTC),
                    datetime(2026, 2, 1, tzinfo=UTC),
                    NOW,
                )
            )
        found = held(store, source, LEDGER, 21)
        assert found
        assert found.broken_off
