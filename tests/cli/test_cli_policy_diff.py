"""`changeaudit policy diff`: a policy tried on the changes of the past."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from changeaudit.cli import evidence as module
from changeaudit.cli import policy_diff
from changeaudit.cli.demo import demonstration
from changeaudit.cli.exits import Exit
from changeaudit.cli.main import app
from changeaudit.errors import ChangeauditError
from changeaudit.policy_file import read_policy
from changeaudit.reporters.json import comparison_schema
from changeaudit.store import Store
from cli.command import DEMO, Command, Evidence

OLD = DEMO / "policy.yaml"
TEXT = OLD.read_text(encoding="utf-8")
LEDGER = "meridian-labs/ledger"


def invoked(*args: str, **environment: str) -> tuple[int, str, str]:
    """The command in this process; an error that it raises is returned as its message."""
    result = CliRunner().invoke(app, ["policy", "diff", *args], env=environment)
    if isinstance(result.exception, ChangeauditError):
        said = f"{result.exception.message} {result.exception.hint}"
        return result.exception.exit_code, result.stdout, said
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """The demonstration's policy, less the exclusion of *.md, with forks' names accepted."""
    path = tmp_path / "new.yaml"
    more = "\nfeature_branch: {fork_may_use_production_name: true}\n"
    path.write_text(TEXT.replace(', "*.md"', "") + more, encoding="utf-8")
    return path


def test_a_policy_differs_in_nothing_from_itself() -> None:
    code, out, err = invoked(str(OLD), str(OLD), "--demo")
    assert (code, err) == (Exit.NO_EXCEPTIONS, "")
    assert out.endswith("Nothing changes: 77 changes judged alike.\n")


def test_what_changes_is_told_with_both_reasons(changed: Path) -> None:
    code, out, _ = invoked(str(OLD), str(changed), "--demo", "--all")
    assert code == Exit.EXCEPTIONS
    assert f"{LEDGER}#30 · potential exception → compliant\n" in out
    assert '    ✗ before  The head branch "main" is a fork\'s that bears' in out
    assert '    ✓ after   The head branch "main" is a fork\'s, which the policy accepts.' in out
    assert re.search(r"In scope only after \(1\)\n\nmeridian-labs/ledger#32 ·", out)
    assert "out of scope before: documentation only: all of its 2 changed files" in out


def test_what_the_policies_say_differently_is_told(changed: Path) -> None:
    _, out, _ = invoked(str(OLD), str(changed), "--demo")
    assert "  feature_branch.fork_may_use_production_name: false → true\n" in out
    assert f"  ✓ 1 change becomes compliant: {LEDGER} #30\n" in out
    assert re.search(
        r"^  1\.5 [a-z ]+: potential exception → pass \(1 change\)$", out, re.MULTILINE
    )


def test_turned_round_what_entered_has_left(changed: Path) -> None:
    code, out, _ = invoked(str(changed), str(OLD), "--demo", "--format", "json")
    assert code == Exit.EXCEPTIONS
    document = json.loads(out)
    jsonschema.validate(document, comparison_schema())
    assert [each["id"] for each in document["left"]] == [f"{LEDGER}#32"]
    assert document["entered"] == []
    assert document["demonstration"]


def test_over_a_store_it_needs_no_network(
    changeaudit: Command, evidence: Evidence, changed: Path
) -> None:
    """As a process, without a token; the same as over the demonstration, and nothing is written."""
    before = evidence.store.read_bytes()
    names = (LEDGER.upper(), "meridian-labs/storefront", "meridian-labs/runbooks")
    args = ("--period", "2026-Q3", "--store", str(evidence.store), "--format", "json")
    done = changeaudit(
        "policy", "diff", str(OLD), str(changed), *names, *args, GITHUB_API_URL=evidence.api
    )
    assert (done.code, done.err) == (Exit.EXCEPTIONS, "")
    _, out, _ = invoked(str(OLD), str(changed), "--demo", "--format", "json")
    ours, demo = json.loads(done.text), json.loads(out)
    for document in (ours, demo):
        del document["run"], document["demonstration"]
    assert ours == demo
    assert evidence.store.read_bytes() == before


def test_the_store_is_read_once_for_both(monkeypatch: pytest.MonkeyPatch, changed: Path) -> None:
    asked: list[str] = []
    real = module.gather

    def counted(*args: object) -> object:
        asked.append(str(args[2]))
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "gather", counted)
    ours = demonstration()
    policies = read_policy(OLD), read_policy(changed)
    with Store.open(ours.store, create=False, read_only=True) as store:
        policy_diff.compared(
            store,
            ours.source,
            ours.repositories,
            ours.period,
            policies,
            ours.period.until,
            demonstration=True,
        )
    assert asked == list(ours.repositories)


def test_what_the_store_lacks_for_one_of_them_is_said(tmp_path: Path) -> None:
    """Teams, branches and tickets that only the new policy names."""
    path = tmp_path / "new.yaml"
    text = TEXT.replace("[meridian-labs/quality]", "[meridian-labs/testers]")
    path.write_text(text.replace("[default]", '["*"]'), encoding="utf-8")
    code, out, _ = invoked(str(OLD), str(path), "--demo")
    said = re.sub(r"\s+", " ", out)
    assert code == Exit.EXCEPTIONS
    assert "The store holds no members of meridian-labs/testers:" in said
    assert "The store does not hold the whole history of " in said


def test_tickets_that_were_not_collected_are_counted(evidence: Evidence, tmp_path: Path) -> None:
    """A store whose tickets somebody never asked for."""
    source, path = demonstration().source, tmp_path / "part.sqlite"
    with (
        Store.open(evidence.store, create=False, read_only=True) as full,
        Store.open(path) as part,
        part.begin() as writer,
    ):
        for kind in full.counts():
            of_kind = kind.source, kind.subject, kind.kind
            if kind.kind != "ticket":
                for located in full.locate(*of_kind):
                    writer.put(located.answer.answer, located.items)
                for window in full.windows(*of_kind):
                    writer.complete(window)
    args = (LEDGER, "--period", "2026-Q3", "--store", str(path))
    code, out, _ = invoked(str(OLD), str(OLD), *args, GITHUB_API_URL=evidence.api)
    assert source in evidence.api
    assert code == Exit.NO_EXCEPTIONS
    said = re.sub(r"\s+", " ", out)
    assert re.search(r"holds nothing of \d\d tickets that pull requests of meridian-labs/led", said)


def test_neither_has_a_change_in_scope(tmp_path: Path) -> None:
    """Nothing compared is not "nothing changes"."""
    path = tmp_path / "none.yaml"
    path.write_text(TEXT.replace("[default]", "[release/none]"), encoding="utf-8")
    code, out, _ = invoked(str(path), str(path), "--demo")
    assert code == Exit.UNCERTAIN
    assert "The population is empty by both policies: nothing was compared." in out


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--demo", LEDGER), Exit.USAGE, "--demo brings its own repositories"),
        (("--demo", "--period", "2026"), Exit.USAGE, "--demo brings its own"),
        ((LEDGER,), Exit.USAGE, "No period is named"),
        (("--period", "2026-Q3"), Exit.USAGE, "No repository is named"),
        (("ledger", "--period", "2026-Q3"), Exit.USAGE, "does not name a repository"),
        (("meridian-labs/*", "--period", "2026-Q3"), Exit.USAGE, "holds no list of meridian-labs"),
        (("acme/payments", "--period", "2026-Q3"), Exit.FAILED, "holds nothing of acme/payments"),
        ((LEDGER, "--period", "2026-Q2"), Exit.FAILED, "does not hold the pull requests"),
    ],
)
def test_what_cannot_be_compared(
    evidence: Evidence, args: tuple[str, ...], code: Exit, message: str
) -> None:
    store = ("--store", str(evidence.store))
    found, out, said = invoked(str(OLD), str(OLD), *args, *store, GITHUB_API_URL=evidence.api)
    assert (found, out) == (code, "")
    assert message in said


def test_a_policy_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("nonsense: true\n", encoding="utf-8")
    assert invoked(str(OLD), str(path), "--demo")[0] == Exit.USAGE
    assert invoked(str(tmp_path / "absent.yaml"), str(OLD), "--demo")[0] == Exit.USAGE


def test_the_help_tells_its_own_exit_codes() -> None:
    _, out, _ = invoked("--help")
    for code, meaning in policy_diff.MEANINGS.items():
        assert f"{code:>3}  {meaning}\n" in out
