"""`changeaudit store`: what a store holds, whether it is whole, and taking it elsewhere."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import sqlite3
from pathlib import Path

import pytest

from changeaudit import collectors
from changeaudit.cli.evidence import KINDS
from changeaudit.collectors.jira import issues
from cli.command import DEMO, Command

pytestmark = pytest.mark.slow

EVIDENCE = str(DEMO / "evidence.sqlite")


def test_info_tells_what_is_held_and_through_which_period(changeaudit: Command) -> None:
    """Each subject with its answers, and the spans that were collected to their end."""
    done = changeaudit("store", "info", "--store", EVIDENCE)
    assert done.code == 0
    assert "meridian-labs/ledger" in done.text
    assert "held whole from 2026-07-01T00:00:00Z until 2026-10-01T00:00:00Z" in done.text
    assert "first-parent history" in done.text
    assert re.search(
        r"\n  last changes of templates +1 answer .*\n    and code owners\n", done.text
    )
    assert "\nLED\n  held whole from " in done.text
    assert re.search(r"\n    changed tickets, as of ", done.text)
    assert not re.search(r"^  [a-z_]+[._][a-z_]+ ", done.text, re.MULTILINE)
    assert re.findall(r"^From (\S+)", done.text, re.MULTILINE) == [
        "127.0.0.1:8123",
        "127.0.0.1:8124/jira",
    ]
    assert max(map(len, done.text.splitlines()[1:])) <= 80
    found = json.loads(changeaudit("store", "info", "--store", EVIDENCE, "--format", "json").out)
    assert found["schema"] == "changeaudit/store-info/1"
    assert sum(row["answers"] for row in found["held"]) > 10
    assert found["size"] == (DEMO / "evidence.sqlite").stat().st_size


def test_every_kind_that_is_stored_is_told_in_words() -> None:
    """No report and no list shows a name that only the program knows."""
    found = {}
    for module in pkgutil.walk_packages(collectors.__path__, f"{collectors.__name__}."):
        loaded = importlib.import_module(module.name)
        for name, value in vars(loaded).items():
            if isinstance(value, str) and (name == "KIND" or name.endswith("_KIND")):
                found[f"{module.name}.{name}"] = value
    every = {*found.values(), issues.SITE, issues.STATUSES, issues.FIELDS, issues.PROJECT}
    every |= {issues.CHANGELOG, issues.COMMENTS, issues.TOUCHED}
    assert len(every) > 25
    assert every - KINDS.keys() == set()


def test_a_store_goes_into_an_archive_and_comes_out_of_it(changeaudit: Command) -> None:
    """Export, import, merge, verify: the same answers all the way."""
    assert changeaudit("store", "export", "a.jsonl.gz", "--store", EVIDENCE).code == 0
    assert changeaudit("store", "import", "a.jsonl.gz", "--store", "b.sqlite").code == 0
    joined = changeaudit("store", "merge", "c.sqlite", "a.jsonl.gz", "b.sqlite", EVIDENCE)
    assert joined.code == 0, joined.err
    for store in ("b.sqlite", "c.sqlite"):
        done = changeaudit("store", "verify", "--store", store)
        assert done.code == 0
        assert "The store is whole" in done.text
        again = f"{store}.gz"
        assert changeaudit("store", "export", again, "--store", store, "--quiet").err == ""
        assert (changeaudit.folder / again).read_bytes() == (
            changeaudit.folder / "a.jsonl.gz"
        ).read_bytes()


def test_nothing_is_overwritten_unasked(changeaudit: Command) -> None:
    """An archive needs --force; a store is never replaced."""
    (changeaudit.folder / "a.gz").write_bytes(b"mine")
    (changeaudit.folder / "s.sqlite").write_bytes(b"mine")
    refused = changeaudit("store", "export", "a.gz", "--store", EVIDENCE)
    assert (refused.code, "--force" in refused.err) == (2, True)
    assert (changeaudit.folder / "a.gz").read_bytes() == b"mine"
    assert changeaudit("store", "export", "a.gz", "--store", EVIDENCE, "--force").code == 0
    for wish in (["import", "a.gz", "--store", "s.sqlite"], ["merge", "s.sqlite", "a.gz"]):
        assert changeaudit("store", *wish).code == 2
        assert (changeaudit.folder / "s.sqlite").read_bytes() == b"mine"


def test_a_merge_that_fails_leaves_nothing_behind(changeaudit: Command) -> None:
    """A broken archive: exit 4, one message, no store and no part of one."""
    assert changeaudit("store", "export", "a.gz", "--store", EVIDENCE).code == 0
    whole = (changeaudit.folder / "a.gz").read_bytes()
    (changeaudit.folder / "a.gz").write_bytes(whole[: len(whole) // 2])
    done = changeaudit("store", "import", "a.gz", "--store", "b.sqlite")
    assert done.code == 4
    assert "a.gz, line" in done.err
    assert not list(changeaudit.folder.glob("*b.sqlite*"))


def test_verify_names_what_was_altered(changeaudit: Command, tmp_path: Path) -> None:
    """A body that does not have its digest is a problem, on stdout, with exit 4."""
    altered = changeaudit.folder / "altered.sqlite"
    altered.write_bytes((DEMO / "evidence.sqlite").read_bytes())
    with sqlite3.connect(altered) as connection:
        connection.execute("DROP TRIGGER answers_refuse_update")
        connection.execute("UPDATE answers SET digest = 'x' WHERE id = 1")
    connection.close()
    done = changeaudit("store", "verify", "--store", str(altered))
    assert done.code == 4
    assert "Answer 1" in done.text


def test_an_unwritable_place_and_a_missing_store_are_said(changeaudit: Command) -> None:
    """Each with its exit code and no trace."""
    nowhere = changeaudit("store", "export", "no/such/folder/a.gz", "--store", EVIDENCE)
    assert (nowhere.code, "cannot be written" in nowhere.err) == (2, True)
    for wish in ("info", "verify"):
        assert changeaudit("store", wish, "--store", "none.sqlite").code == 4
    assert changeaudit("store", "import", "none.gz", "--store", "new.sqlite").code == 4
