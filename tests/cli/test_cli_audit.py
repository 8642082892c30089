"""`changeaudit audit` and `changeaudit demo`: what they print, write, and leave with."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from changeaudit.cli import audit, demo
from changeaudit.cli.exits import Exit
from changeaudit.cli.main import app
from changeaudit.errors import ChangeauditError
from changeaudit.reporters.registry import FILES, FORMATS
from changeaudit.verdicts import (
    Audit,
    PeriodInfo,
    PolicyInfo,
    RepositorySummary,
    ReverseTrace,
    Run,
    Summary,
    UntracedTicket,
)
from cli.command import DEMO, TOKEN, Command, Evidence, replaying, served

pytestmark = pytest.mark.slow  # each test starts the program


def plain(text: str) -> dict[str, Any]:
    """A report in JSON, without what may differ between two runs over the same evidence."""
    report: dict[str, Any] = json.loads(text)
    for part in ("run", "demonstration", "sources"):
        del report[part]
    del report["policy"]["source"]
    return report


def without_snapshots(text: str) -> str:
    """A report without the days on which the members of a team were read."""
    return re.sub(r"(?<= as of )\d{4}-\d\d-\d\d", "a day", text)


# The demonstration ------------------------------------------------------------------------------


def test_the_demonstration(changeaudit: Command) -> None:
    """It leaves with 0 though it finds exceptions, and says where the pack is."""
    done = changeaudit("demo")
    assert done.code == 0
    assert done.text.startswith("Change management audit\nDemonstration evidence: an invented")
    assert re.search(r"\d+ of \d+ changes have potential exceptions; .*\.\n\Z", done.text)
    pack = changeaudit.folder / "changeaudit-demo"
    assert done.err == f"Evidence pack: {Path('changeaudit-demo') / 'index.html'}\n"
    assert {*FILES, "index.html", "changes"} == {path.name for path in pack.iterdir()}


def test_the_demonstration_is_the_same_everywhere(changeaudit: Command) -> None:
    """It names no folder of the machine that it is installed on."""
    done = changeaudit("demo", "--format", "json", "--quiet")
    assert str(DEMO.parent) not in done.text
    assert json.loads(done.text)["demonstration"] is True
    assert json.loads(done.text)["policy"]["source"] == "policy.yaml"


@pytest.mark.parametrize("name", list(FORMATS))
def test_a_report_is_alone_on_stdout(changeaudit: Command, name: str) -> None:
    """What is printed is what lies in the file, where there is one; messages are elsewhere."""
    done = changeaudit("demo", "--output", "pack", "--format", name)
    assert done.code == 0
    pack = changeaudit.folder / "pack"
    if name == "json":
        assert json.loads(done.text) == json.loads((pack / "audit.json").read_bytes())
    elif name != "table":
        file = pack / {"csv": "attributes.csv", "csv-changes": "changes.csv"}[name]
        assert done.out == file.read_bytes().removeprefix(b"\xef\xbb\xbf")
        lengths = {len(row) for row in csv.reader(io.StringIO(done.text, newline=""), strict=True)}
        assert len(lengths) == 1
    assert b"\x1b" not in done.out
    assert done.err.startswith("Evidence pack: ")


def test_quiet_says_nothing(changeaudit: Command) -> None:
    assert changeaudit("demo", "--quiet").err == ""


def test_all_folds_nothing(changeaudit: Command) -> None:
    assert "folded" in changeaudit("demo").text
    assert "folded" not in changeaudit("demo", "--all").text


@pytest.mark.parametrize("columns", ["20", "79", "80", "200"])
def test_a_terminal_of_any_width(changeaudit: Command, columns: str) -> None:
    """The table needs 80 columns, uses more where there are, and the verdict is never cut."""
    done = changeaudit("demo", COLUMNS=columns)
    lines = done.text.splitlines()
    long = [line for line in lines if len(line) > max(int(columns), 80) and "://" not in line]
    assert long == []
    assert lines[-1].endswith("compliant.")


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, {}])
def test_no_colour_where_none_is_wanted(changeaudit: Command, variable: dict[str, str]) -> None:
    """In a pipe, and where NO_COLOR is set, whatever else is."""
    done = changeaudit("demo", **variable)
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", done.text)


# Offline ----------------------------------------------------------------------------------------


def test_an_audit_is_the_demonstration_under_another_name(
    changeaudit: Command, evidence: Evidence
) -> None:
    """The same evidence, policy and period come to the same verdicts, by either command."""
    audited = changeaudit(*evidence.audit("--format", "json"), GITHUB_API_URL=evidence.api)
    shown = changeaudit("demo", "--format", "json")
    assert audited.code == Exit.EXCEPTIONS
    assert audited.err == ""
    assert plain(audited.text) == plain(shown.text)
    assert json.loads(audited.text)["demonstration"] is False


def test_the_store_can_be_named_by_the_environment(
    changeaudit: Command, evidence: Evidence
) -> None:
    args = list(evidence.audit())
    place = args.index("--store")
    del args[place : place + 2]
    found = {"GITHUB_API_URL": evidence.api, "CHANGEAUDIT_STORE": str(evidence.store)}
    assert changeaudit(*args, **found).code == Exit.EXCEPTIONS


def test_a_policy_in_the_folder_is_found(changeaudit: Command, evidence: Evidence) -> None:
    """`policy.yaml` of the current folder applies where none is named, and is named itself."""
    args = list(evidence.audit("--format", "json"))
    place = args.index("--policy")
    del args[place : place + 2]
    built_in = json.loads(changeaudit(*args, GITHUB_API_URL=evidence.api).text)["policy"]
    text = (evidence.folder / "policy.yaml").read_bytes()
    (changeaudit.folder / "policy.yaml").write_bytes(text)
    found = json.loads(changeaudit(*args, GITHUB_API_URL=evidence.api).text)["policy"]
    assert (built_in["source"], found["source"]) == ("built-in default", "policy.yaml")


@pytest.mark.parametrize(
    ("period", "exclude", "code", "said"),
    [
        (("--period", "2026-Q3"), "", Exit.EXCEPTIONS, "have potential exceptions"),
        (("--period", "2026-Q3"), "*", Exit.UNCERTAIN, "The population is empty"),
    ],
)
def test_exit_codes(
    changeaudit: Command,
    evidence: Evidence,
    period: tuple[str, ...],
    exclude: str,
    code: Exit,
    said: str,
) -> None:
    """Exceptions leave with 1, and an empty population is never 0."""
    text = (evidence.folder / "policy.yaml").read_text(encoding="utf-8")
    if exclude:
        everything = '  exclude:\n    - name: everything\n      branches: ["*"]\n'
        text = re.sub(r"  exclude:\n", everything, text)
    path = changeaudit.folder / "other.yaml"
    path.write_text(text, encoding="utf-8")
    args = list(evidence.under(str(path)))
    if exclude:  # a direct push is no pull request, and is not excluded
        args.remove("meridian-labs/ledger")
    done = changeaudit(*args, *period, GITHUB_API_URL=evidence.api)
    assert said in done.text
    assert done.code == code


LOST = UntracedTicket(
    "PAY-1", "x", "Story", "Done", datetime(2026, 1, 1, tzinfo=UTC), "o", "moved", ""
)


def tracing(*untraced: UntracedTicket, unknown: str = "", counts: bool = True) -> ReverseTrace:
    """A reverse trace that found these tickets."""
    standing = "exception" if counts else "information"
    return ReverseTrace(standing, ("PAY",), 1, 0, untraced, (unknown,) if unknown else ())


def result(
    changes: int = 1,
    exceptions: int = 0,
    undetermined: int = 0,
    complete: bool = True,
    traced: ReverseTrace | None = None,
) -> Audit:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    repository = RepositorySummary("a/b", ("main",), changes, changes, 0, 0, complete, "so")
    found = changes - exceptions - undetermined
    return Audit(
        schema="",
        run=Run(at, at, "0"),
        demonstration=False,
        period=PeriodInfo(at, at),
        policy=PolicyInfo("", "", ""),
        procedure=(),
        attributes=(),
        summary=Summary(changes, found, exceptions, undetermined, (repository,), (), (), ()),
        changes=(),
        excluded=(),
        sources=(),
        limitations=(),
        reverse_trace=traced,
    )


@pytest.mark.parametrize(
    ("audited", "code"),
    [
        (result(), Exit.NO_EXCEPTIONS),
        (result(exceptions=1), Exit.EXCEPTIONS),
        (result(changes=2, exceptions=1, undetermined=1), Exit.EXCEPTIONS),
        (result(exceptions=1, complete=False), Exit.EXCEPTIONS),
        (result(undetermined=1), Exit.UNCERTAIN),
        (result(complete=False), Exit.UNCERTAIN),
        (result(changes=0), Exit.UNCERTAIN),
        (result(changes=0, complete=False), Exit.UNCERTAIN),
        (result(traced=tracing()), Exit.NO_EXCEPTIONS),
        (result(traced=tracing(LOST)), Exit.EXCEPTIONS),
        (result(traced=tracing(LOST, counts=False)), Exit.NO_EXCEPTIONS),
        (result(traced=tracing(unknown="not held")), Exit.UNCERTAIN),
        (result(traced=tracing(unknown="not held", counts=False)), Exit.NO_EXCEPTIONS),
        (result(traced=tracing(LOST, unknown="not held")), Exit.EXCEPTIONS),
        (result(undetermined=1, traced=tracing(LOST)), Exit.EXCEPTIONS),
    ],
)
def test_what_an_audit_comes_to(audited: Audit, code: Exit) -> None:
    """0 is said only of changes that there are, that all passed, and that are shown to be all."""
    assert audit.exit_code(audited) is code


def day_with(results: set[str]) -> tuple[str, str]:
    """A repository and a day of the demonstration whose changes came to `results` and no other."""
    audited = demo.audited()
    for name in audited.summary.repositories:
        day = audited.period.since
        while day < audited.period.until:
            after = day + timedelta(days=1)
            merged = [c for c in audited.changes if day <= c.merged_at < after]
            found = {c.result.value for c in merged if c.repository == name.repository}
            if found == results:
                return name.repository, day.date().isoformat()
            day = after
    raise AssertionError(f"there is no day with {results}")


@pytest.mark.parametrize(
    ("results", "said", "code"),
    [
        ({"compliant"}, "No exceptions noted", Exit.NO_EXCEPTIONS),
        ({"exception"}, "potential exceptions", Exit.EXCEPTIONS),
        ({"undetermined"}, "undetermined", Exit.UNCERTAIN),
        (set(), "The population is empty", Exit.UNCERTAIN),
    ],
    ids=lambda value: " ".join(sorted(value)) if isinstance(value, set) else None,
)
def test_a_day_of_each_kind(
    changeaudit: Command, evidence: Evidence, results: set[str], said: str, code: Exit
) -> None:
    """Of what was collected for a quarter, a day can be audited, and is whole."""
    repository, day = day_with(results)
    policy = str(evidence.folder / "policy.yaml")
    done = changeaudit(
        *("audit", repository, "--since", day, "--until", day, "--offline"),
        *("--store", str(evidence.store), "--policy", policy),
        GITHUB_API_URL=evidence.api,
    )
    assert said in done.text
    assert "not shown to be complete" not in done.text
    assert done.code == code


# Live -------------------------------------------------------------------------------------------


def test_collected_is_what_is_replayed(changeaudit: Command, evidence: Evidence) -> None:
    """Asked of a server that answers as recorded, an audit is the demonstration once more; what
    it stored serves without the server, and what it said on the way is on stderr.
    """
    args = [arg for arg in evidence.audit("--format", "json") if arg != "--offline"]
    args[args.index(str(evidence.store))] = "new.sqlite"
    with served(*replaying(evidence.store)) as address:
        jira = address.replace("/api/v3", "/jira")
        tokens = {"GITHUB_TOKEN": TOKEN, "JIRA_TOKEN": TOKEN}
        live = changeaudit(
            *args, "--output", "pack", GITHUB_API_URL=address, JIRA_URL=jira, **tokens
        )
    assert live.code == Exit.EXCEPTIONS, live.err
    lines = live.err.splitlines()
    assert lines[-1] == f"Evidence pack: {Path('pack') / 'index.html'}"
    total = (
        r"Collected from 127\.0\.0\.1:\d+ with \d+ requests and \d+ points; from"
        r" 127\.0\.0\.1:\d+/jira with 4 requests\."
    )
    assert re.fullmatch(total, lines[-2])
    assert any(line.startswith("pull requests of meridian-labs/ledger: ") for line in lines)
    after = changeaudit(*args, "--offline", GITHUB_API_URL=address)
    assert after.code == Exit.EXCEPTIONS
    assert plain(after.text) == plain(live.text)
    shown = changeaudit("demo", "--format", "json")
    here = jira.removeprefix("http://")
    told = live.text.replace(here, "127.0.0.1:8124/jira")
    told = told.replace(here.removesuffix("/jira"), "127.0.0.1:8123")
    assert (
        plain(without_snapshots(shown.text))["changes"] == plain(without_snapshots(told))["changes"]
    )
    assert TOKEN.encode() not in (changeaudit.folder / "new.sqlite").read_bytes()
    for path in (changeaudit.folder / "pack").rglob("*.*"):
        assert TOKEN.encode() not in path.read_bytes()


def test_a_period_that_has_not_ended_ends_now(changeaudit: Command, evidence: Evidence) -> None:
    """It is said, and the report's boundary is the present: nobody can tell what will merge."""
    code = (
        "from datetime import UTC, datetime\n"
        "from changeaudit.cli import audit\n"
        "audit.now = lambda: datetime(2026, 9, 15, 12, 0, 0, tzinfo=UTC)\n"
    )
    done = changeaudit(*evidence.audit("--format", "json"), code=code, GITHUB_API_URL=evidence.api)
    assert done.err == (
        "The period has not ended: it is audited up to now, 2026-09-15T12:00:00Z.\n"
    )
    assert json.loads(done.text)["period"] == {
        "since": "2026-07-01T00:00:00Z",
        "until": "2026-09-15T12:00:00Z",
    }
    quiet = changeaudit(*evidence.audit("--quiet"), code=code, GITHUB_API_URL=evidence.api)
    assert quiet.err == ""


@pytest.mark.parametrize(
    ("args", "period"),
    [
        (("--since", "2026-08-01", "--until", "2026-08-31"), ("2026-08-01", "2026-09-01")),
        (("--period", "2026-08"), ("2026-08-01", "2026-09-01")),
        (("--last", "30d"), ("2026-09-01", "2026-10-01")),
        (("--since", "2026-09-30"), ("2026-09-30", "2026-10-01")),
    ],
)
def test_each_way_to_name_a_period(
    changeaudit: Command, evidence: Evidence, args: tuple[str, ...], period: tuple[str, str]
) -> None:
    code = (
        "from datetime import UTC, datetime\n"
        "from changeaudit.cli import audit\n"
        "audit.now = lambda: datetime(2026, 10, 1, tzinfo=UTC)\n"
    )
    done = changeaudit(
        *evidence.under(str(evidence.folder / "policy.yaml")),
        *(*args, "--format", "json"),
        code=code,
        GITHUB_API_URL=evidence.api,
    )
    assert json.loads(done.text)["period"] == {
        "since": f"{period[0]}T00:00:00Z",
        "until": f"{period[1]}T00:00:00Z",
    }
    assert done.err == ""


def test_several_repositories_that_are_one(changeaudit: Command, evidence: Evidence) -> None:
    """Named twice, or in other letters, a repository is audited once."""
    once = changeaudit(*evidence.audit("--format", "json"), GITHUB_API_URL=evidence.api)
    args = list(evidence.audit("--format", "json"))
    args[1:3] = [
        "Meridian-Labs/Ledger",
        "meridian-labs/ledger",
        "meridian-labs/storefront",
        "meridian-labs/STOREFRONT",
    ]
    twice = changeaudit(*args, GITHUB_API_URL=evidence.api)
    assert plain(twice.text)["summary"] == plain(once.text)["summary"]


# Within the process -----------------------------------------------------------------------------


def test_the_commands_are_those_of_the_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Typer's own runner sees them: an error of ours passes through it to the top level."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    version = runner.invoke(app, ["--version"])
    assert (version.exit_code, version.stdout.split()[0]) == (0, "changeaudit")
    shown = runner.invoke(app, ["demo", "--quiet"])
    assert shown.exit_code == 0
    failed = runner.invoke(app, ["audit", "nothing"])
    assert isinstance(failed.exception, ChangeauditError)


# Starting ---------------------------------------------------------------------------------------

HEAVY = ("github", "jinja2", "pydantic", "requests", "rich", "sqlalchemy", "yaml")


@pytest.mark.parametrize("args", [("--version",), ("--help",)])
def test_it_starts_without_what_it_does_not_need(
    changeaudit: Command, args: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *changeaudit.line(*args)[1:]],
        cwd=changeaudit.folder,
        env=changeaudit.environment(),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "changeaudit.cli.main" in modules
    assert modules & set(HEAVY) == set()
