"""Evidence stores as one portable file, and several of them joined into one.

An archive is gzip-compressed JSON Lines: a header, every answer with the items in it, every
window, and a last line with how many there were, so that an archive that was cut short is known
as such. Answers stand in the order in which they were received, whichever store they come from:
what is the newest version of a thing is the same wherever it was collected.
"""

from __future__ import annotations

import base64
import gzip
import heapq
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from changeaudit.errors import StoreError
from changeaudit.store import Answer, Item, Store, Window

FORM = "changeaudit/store/1"
"""The archive's form; another one is refused."""
LONGEST_LINE = 256 * 1024 * 1024
"""Bytes of one line. An answer is a few megabytes; more is no archive of ours."""
_MAGIC = b"\x1f\x8b"
_BATCH = 50
"""Answers that are put in one transaction."""


class Totals(msgspec.Struct, frozen=True):
    """How much an archive or a store holds."""

    answers: int
    items: int
    windows: int


class _Header(msgspec.Struct, frozen=True, tag="header"):
    form: str


class _Answered(msgspec.Struct, frozen=True, tag="answer", omit_defaults=True):
    """An answer. Its body is text where it is UTF-8, else Base64."""

    source: str
    subject: str
    kind: str
    request: str
    status: int
    received_at: datetime
    digest: str
    items: tuple[Item, ...]
    text: str | None = None
    base64: str | None = None


class _Collected(msgspec.Struct, frozen=True, tag="window"):
    window: Window


class _End(msgspec.Struct, frozen=True, tag="end"):
    totals: Totals


_Line = _Header | _Answered | _Collected | _End
_Content = tuple[Answer, tuple[Item, ...]]
Progress = Callable[[int], None]


def export(store: Store, into: BinaryIO) -> Totals:
    """Write everything that a store holds. The same store gives the same bytes every time.

    Raises:
        StoreError: an answer is not what was put there.
        OSError: `into` cannot be written.
    """
    answers = items = windows = 0
    with gzip.GzipFile(filename="", mode="wb", fileobj=into, mtime=0) as stream:

        def write(line: _Line) -> None:
            # Escaped to ASCII, which carries every text that a store does, lone surrogates too.
            text = json.dumps(msgspec.to_builtins(line), separators=(",", ":"))
            stream.write(text.encode("ascii") + b"\n")

        write(_Header(FORM))
        for answer, found in store.everything():
            write(_packed(answer, found))
            answers, items = answers + 1, items + len(found)
        for window in store.every_window():
            write(_Collected(window))
            windows += 1
        totals = Totals(answers, items, windows)
        write(_End(totals))
    return totals


def merge(sources: Iterable[str], into: Store, told: Progress = lambda _: None) -> Totals:
    """Put what stores and archives hold into an empty store, each answer once.

    `told` hears how many answers are in, now and then.

    Raises:
        StoreError: a source cannot be read, is something else, was cut short, or was changed.
    """
    answers = items = 0
    windows: dict[Window, None] = {}
    with ExitStack() as opened:
        streams = [_opened(path, opened, windows) for path in sources]
        everything = heapq.merge(*streams, key=lambda content: content[0].received_at)
        batch: list[_Content] = []
        for content in _each_once(everything):
            batch.append(content)
            answers, items = answers + 1, items + len(content[1])
            if len(batch) == _BATCH:
                _put(into, batch)
                batch.clear()
                told(answers)
        _put(into, batch)
    # Only now: a window says that what it spans is in the store.
    with into.begin() as writer:
        for window in sorted(windows, key=lambda w: w.as_of):
            writer.complete(window)
    told(answers)
    return Totals(answers, items, len(windows))


def _put(into: Store, batch: Iterable[_Content]) -> None:
    with into.begin() as writer:
        for answer, items in batch:
            writer.put(answer, items)


def _each_once(contents: Iterable[_Content]) -> Iterator[_Content]:
    """Leave out answers that came before: the same bytes, received in the same instant."""
    at: datetime | None = None
    seen: set[tuple[str, str, str, str, str]] = set()
    for answer, items in contents:
        if answer.received_at != at:
            at = answer.received_at
            seen.clear()
        key = (answer.source, answer.subject, answer.kind, answer.request, answer.digest)
        if key not in seen:
            seen.add(key)
            yield answer, items


def _opened(where: str, opened: ExitStack, windows: dict[Window, None]) -> Iterator[_Content]:
    """The contents of a store or an archive; its windows are added once it was read to the end."""
    path = Path(where)
    try:
        if path.is_file():
            file = opened.enter_context(path.open("rb"))
            if file.read(len(_MAGIC)) == _MAGIC:
                file.seek(0)
                return _unpacked(path, file, windows)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}.") from None
    store = opened.enter_context(Store.open(where, create=False, read_only=True))
    return _of_store(store, windows)


def _of_store(store: Store, windows: dict[Window, None]) -> Iterator[_Content]:
    # The windows first: one that is completed meanwhile spans answers that may not be seen.
    held = dict.fromkeys(store.every_window())
    yield from store.everything()
    windows |= held


def _unpacked(path: Path, file: BinaryIO, windows: dict[Window, None]) -> Iterator[_Content]:
    held: dict[Window, None] = {}
    answers = items = 0
    end = None
    for number, line in enumerate(_lines(path, file), start=1):
        if end is not None or isinstance(line, _Header) is not (number == 1):
            raise _damaged(path, number, "it is not in its place")
        if isinstance(line, _Header):
            if line.form != FORM:
                raise StoreError(
                    f"{path} is an archive of the form {line.form!a}; this program knows {FORM}.",
                    "Install a newer changeaudit.",
                )
        elif isinstance(line, _Answered):
            answer = _answer(line)
            if answer is None or answer.digest != line.digest:
                raise _damaged(path, number, "the answer does not have the digest that it names")
            answers, items = answers + 1, items + len(line.items)
            yield answer, line.items
        elif isinstance(line, _Collected):
            held[line.window] = None
        else:
            end = line
    if end is None or end.totals != Totals(answers, items, len(held)):
        raise StoreError(
            f"The archive {path} was cut short: its last line is missing or counts otherwise.",
            "Export it again, or copy it again.",
        )
    windows |= held


def _lines(path: Path, file: BinaryIO) -> Iterator[_Line]:
    number = 0
    try:
        with gzip.GzipFile(fileobj=file, mode="rb") as stream:
            while line := stream.readline(LONGEST_LINE):
                number += 1
                found: _Line = msgspec.convert(json.loads(line), _Line)
                yield found
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(path, number + 1, str(error)) from None
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise _damaged(path, number, str(error)) from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}.") from None


def _damaged(path: Path, number: int, why: str) -> StoreError:
    return StoreError(
        f"{path}, line {number}, is not what an export wrote: {why}.",
        "Export it again, or copy it again.",
    )


def _packed(answer: Answer, items: tuple[Item, ...]) -> _Answered:
    text: str | None = None
    binary: str | None = None
    try:
        text = answer.body.decode("utf-8")
    except UnicodeDecodeError:
        binary = base64.b64encode(answer.body).decode("ascii")
    return _Answered(
        source=answer.source,
        subject=answer.subject,
        kind=answer.kind,
        request=answer.request,
        status=answer.status,
        received_at=answer.received_at,
        digest=answer.digest,
        items=items,
        text=text,
        base64=binary,
    )


def _answer(line: _Answered) -> Answer | None:
    """The answer of a line, or `None` if it has no body."""
    if line.text is not None:
        body = line.text.encode("utf-8")
    elif line.base64 is not None:
        try:
            body = base64.b64decode(line.base64, validate=True)
        except ValueError:
            return None
    else:
        return None
    return Answer(
        line.source,
        line.subject,
        line.kind,
        line.request,
        line.status,
        line.received_at,
        body,
    )
