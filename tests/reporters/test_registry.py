"""The formats are found by name, imported when used, and written whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from changeaudit.errors import UsageError
from changeaudit.reporters import csv, json
from changeaudit.reporters.files import replacing
from changeaudit.reporters.html import pack
from changeaudit.reporters.registry import FILES, FORMATS, FormatName, write_files
from changeaudit.verdicts import Audit

DOCS = Path(__file__).parents[2] / "docs"
BOM = b"\xef\xbb\xbf"


def made(writer: object, audit: Audit) -> bytes:
    stream = io.StringIO(newline="")
    assert callable(writer)
    writer(audit, stream)
    return stream.getvalue().encode("utf-8")


class Output(io.TextIOWrapper):
    """A standard output as Windows may have it: another encoding and another line end."""

    def __init__(self) -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding="cp1252", newline="\r\n")


def test_the_formats_are_these() -> None:
    assert {name: entry.machine for name, entry in FORMATS.items()} == {
        "table": False,
        "csv": True,
        "csv-changes": True,
        "json": True,
    }
    assert all(entry.name == name and entry.summary for name, entry in FORMATS.items())


def test_every_format_and_every_file_is_documented() -> None:
    text = (DOCS / "reports.md").read_text(encoding="utf-8")
    assert [name for name in (*FORMATS, *FILES) if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    ("name", "writer"),
    [
        ("csv", csv.write_attributes),
        ("csv-changes", csv.write_changes),
        ("json", json.write),
    ],
)
def test_a_machine_format_is_utf8_whatever_the_output(
    name: str, writer: object, audit: Audit
) -> None:
    """Neither the encoding nor the line ends of the terminal change a byte, and no BOM leads."""
    output = Output()
    output.write("before\n")
    console = Console(file=output, width=20, force_terminal=True)
    FORMATS[FormatName(name)].write(audit, console, False)
    output.write("after\n")
    output.flush()
    assert output.bytes.getvalue() == b"before\r\n" + made(writer, audit) + b"after\r\n"


def test_a_machine_format_goes_to_a_stream_of_text_too(audit: Audit) -> None:
    stream = io.StringIO(newline="")
    FORMATS[FormatName.CSV].write(audit, Console(file=stream), False)
    assert stream.getvalue().encode("utf-8") == made(csv.write_attributes, audit)


def test_every_name_has_its_format() -> None:
    """`--format` offers just what there is."""
    assert list(FORMATS) == list(FormatName)
    assert all(entry.name is name for name, entry in FORMATS.items())


def test_the_table_folds_or_not(large: Audit) -> None:
    folded, whole = (io.StringIO() for _ in range(2))
    FORMATS[FormatName.TABLE].write(large, Console(file=folded, width=80), False)
    FORMATS[FormatName.TABLE].write(large, Console(file=whole, width=80), True)
    assert "52 compliant changes folded" in folded.getvalue()
    assert "folded" not in whole.getvalue()


def test_nothing_heavy_is_imported_for_the_names_of_the_formats() -> None:
    """`--help` lists the formats and must not wait for what draws them."""
    program = (
        "import sys; from changeaudit.reporters.registry import FORMATS; print(*FORMATS);"
        "heavy = {'rich', 'jinja2', 'csv', 'pydantic', 'changeaudit.reporters.table'};"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, encoding="utf-8"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == list(FORMATS)


def test_a_pack_holds_every_file(audit: Audit, tmp_path: Path) -> None:
    """JSON and CSV as printed, the CSV with the mark that Excel needs, and the pages."""
    folder = tmp_path / "made" / "for it"
    paths = write_files(audit, folder)
    assert set(paths) == {path for path in folder.rglob("*") if path.is_file()}
    assert folder / "index.html" in paths
    assert len(paths) == len(set(paths)) == len(FILES) + 1 + len(audit.changes)
    assert (folder / "audit.json").read_bytes() == made(json.write, audit)
    for name, writer in (
        ("attributes.csv", csv.write_attributes),
        ("changes.csv", csv.write_changes),
        ("excluded.csv", csv.write_excluded),
        ("reconciliation.csv", csv.write_reconciliation),
    ):
        assert (folder / name).read_bytes() == BOM + made(writer, audit)


def test_a_second_pack_replaces_the_first(audit: Audit, large: Audit, tmp_path: Path) -> None:
    write_files(large, tmp_path)
    paths = write_files(audit, tmp_path)
    assert (tmp_path / "audit.json").read_bytes() == made(json.write, audit)
    assert set(paths) == {path for path in tmp_path.rglob("*") if path.is_file()}


def test_a_folder_that_cannot_be_made_is_named(audit: Audit, tmp_path: Path) -> None:
    """The message says what failed, where and why, and the hint what to do."""
    taken = tmp_path / "taken"
    taken.write_text("a file")
    with pytest.raises(UsageError) as caught:
        write_files(audit, taken)
    assert str(taken) in caught.value.message
    assert os.strerror(errno.EEXIST) in caught.value.message
    assert caught.value.hint


def test_a_file_that_cannot_be_replaced_is_named(audit: Audit, tmp_path: Path) -> None:
    """A folder in the way of a file is named, and no unfinished file stays behind."""
    (tmp_path / "changes.csv").mkdir()
    with pytest.raises(UsageError) as caught:
        write_files(audit, tmp_path)
    assert str(tmp_path / "changes.csv") in caught.value.message
    assert ".part" not in caught.value.message
    assert not list(tmp_path.rglob("*.part"))


def test_a_full_disk_is_an_error_for_the_user(
    audit: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(audit: Audit, folder: Path) -> tuple[Path, ...]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pack, "write_pack", full)
    with pytest.raises(UsageError) as caught:
        write_files(audit, tmp_path)
    assert caught.value.message == (
        f"the report cannot be written: {tmp_path}: {os.strerror(errno.ENOSPC)}"
    )


def test_somebody_elses_pages_are_left_alone(audit: Audit, tmp_path: Path) -> None:
    """A folder that the pages refuse gets no other file either."""
    (tmp_path / "index.html").write_text("<p>mine</p>")
    with pytest.raises(UsageError):
        write_files(audit, tmp_path)
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {"index.html"}


# Files that are whole or not there --------------------------------------------------------------


def test_a_file_appears_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_bytes(b"old")
    with replacing(path) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_an_interrupted_file_leaves_the_old_one(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "report"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with replacing(path) as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(type(error)):
        interrupted()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """The name is the file's own, not that of its unfinished self."""
    path = tmp_path / "missing" / "report"
    with pytest.raises(FileNotFoundError) as caught, replacing(path):
        pass
    assert caught.value.filename == str(path)
