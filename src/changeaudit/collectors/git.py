"""Reads commits out of a local clone, through git's plumbing, and trusts nothing that it says.

A commit's oid is the digest of its own text, so a commit that was asked for by its oid is the one
that was meant, or it is refused. Nothing of the clone runs: no hook, no configured program, and no
protocol by which something missing would be fetched.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import BinaryIO, Final, cast
from urllib.parse import urlsplit

from changeaudit.errors import UsageError
from changeaudit.records import Record

TIMEOUT_SECONDS: Final = 60
"""How long a question of one answer may take."""

_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PERSON = re.compile(rb"\A(.*?) ?<([^>]*)> (-?[0-9]{1,18}) ([+-][0-9]{4})\Z", re.DOTALL)
_SCP = re.compile(r"\A[^/:]+:(?!//)(.+)\Z")


class GitPersonLine(Record, frozen=True):
    """A name, an address and a date as a commit has them; the date is the writer's word."""

    name: str
    email: str
    at: datetime | None


class GitCommit(Record, frozen=True):
    """A commit as git has it."""

    oid: str
    parents: tuple[str, ...]
    author: GitPersonLine
    committer: GitPersonLine
    message: str


class Found(Record, frozen=True):
    """A commit as git answered: the bytes that it printed, and the parents in them."""

    oid: str
    printed: bytes
    parents: tuple[str, ...]


class Followed(Record, frozen=True):
    """Where following a first-parent line ended: at `missing`, and `why`, or at its bottom."""

    missing: str = ""
    why: str = ""


class Clone:
    """A clone on this machine, bare or not.

    Args:
        folder: where it is.
        program: git itself, by its full path.
        environment: what git is started with; variables of git's own are left out of it.

    Raises:
        UsageError: it is no clone, or git refuses to read it.
    """

    def __init__(self, folder: Path, program: str, environment: Mapping[str, str]) -> None:
        self.folder = folder
        bare = {k: v for k, v in environment.items() if not k.upper().startswith("GIT_")}
        self._environment = {
            **bare,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }
        self._command = [
            program,
            *("-c", "core.fsmonitor=", "-c", f"core.hooksPath={os.devnull}"),
            *("--no-optional-locks", "--no-replace-objects", "--no-pager"),
            *("-C", str(folder)),
        ]
        status, printed, said = self._run("rev-parse", "--is-shallow-repository")
        if status != 0:
            raise self._unreadable(said)
        self.shallow = printed.strip() == b"true"
        self.version = self._run("version")[1].decode("ascii", "replace").strip()

    def _unreadable(self, said: str) -> UsageError:
        if "dubious ownership" in said:
            return UsageError(
                f"git does not read {self.folder}: it belongs to another user.",
                "If you trust it, run `git config --global --add safe.directory` with its full"
                " path, or audit with a clone of your own.",
            )
        if "not a git repository" in said or "cannot change to" in said:
            return UsageError(
                f"There is no clone at {self.folder}.",
                "Name a clone of the repository with --git, bare or not.",
            )
        return UsageError(f"git cannot read {self.folder}: {said or 'it does not say why'}.")

    def remotes(self) -> frozenset[str]:
        """What its remotes are: "owner/name" in small letters, the host left out."""
        _, printed, _ = self._run("config", "--null", "--get-regexp", r"^remote\..*\.url$")
        urls = (row.partition(b"\n")[2] for row in printed.split(b"\0") if row)
        return frozenset(
            filter(None, (_repository(url.decode("utf-8", "replace")) for url in urls))
        )

    def tip(self, branch: str) -> str | None:
        """The commit to which a branch points here, as it was last fetched; `None`: no branch."""
        for ref in (f"refs/remotes/origin/{branch}", f"refs/heads/{branch}"):
            status, printed, _ = self._run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
            oid = printed.decode("ascii", "replace").strip()
            if status == 0 and _OID.fullmatch(oid):
                return oid
        return None

    def holds_any(self, oids: Iterable[str]) -> bool:
        """Whether it holds one of these commits."""
        with self._reading() as (ask, answers):
            return any(_answer(ask, answers, oid) is not None for oid in oids)

    def follow(self, top: str, bottom: str | None, take: Callable[[Found], None]) -> Followed:
        """Follow the first parents from `top` down to before `bottom`, or to the root.

        Each commit was held against its oid before it is given to `take`.
        """
        at: str | None = top
        with self._reading() as (ask, answers):
            while at is not None and at != bottom:
                found = _answer(ask, answers, at)
                if found is None:
                    return Followed(at, self._lacking(at))
                if not _is_sound(found):
                    return Followed(at, f"its object {at[:12]} in the clone is damaged")
                take(found)
                at = found.parents[0] if found.parents else None
        return Followed()

    def _lacking(self, oid: str) -> str:
        if self.shallow:
            return (
                "the clone is shallow, and commits below are cut off: run `git fetch --unshallow`"
                " in it"
            )
        return f"the clone lacks {oid[:12]}: run `git fetch` in it"

    def _run(self, *args: str) -> tuple[int, bytes, str]:
        """The status, what was printed, and the first line of what went wrong."""
        try:
            done = subprocess.run(  # noqa: S603 - git itself, with arguments of this file
                [*self._command, *args],
                env=self._environment,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UsageError(
                f"git does not answer about {self.folder} within {TIMEOUT_SECONDS} seconds.",
                "Check the disk that it is on.",
            ) from None
        except OSError as error:
            raise UsageError(
                f"git cannot be started: {error.strerror or error}.",
                "Install git, or leave --git out.",
            ) from None
        first = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        return done.returncode, done.stdout, first.removeprefix("fatal: ").rstrip(".")

    @contextmanager
    def _reading(self) -> Iterator[tuple[BinaryIO, BinaryIO]]:
        """A git that answers with the object of each oid that it is given."""
        process = subprocess.Popen(  # noqa: S603 - git itself, with arguments of this file
            [*self._command, "cat-file", "--batch"],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=-1,
        )
        ask, answers = cast(BinaryIO, process.stdin), cast(BinaryIO, process.stdout)
        try:
            yield ask, answers
        finally:
            process.kill()
            answers.close()
            with suppress(OSError):  # it has gone, and with it what was still to be written
                ask.close()
            process.wait()


def _answer(ask: BinaryIO, answers: BinaryIO, oid: str) -> Found | None:
    """The commit as `git cat-file --batch` prints it; `None` if the clone does not hold it."""
    if not _OID.fullmatch(oid):
        return None
    try:
        ask.write(f"{oid}\n".encode("ascii"))
        ask.flush()
    except OSError:
        return None
    head = answers.readline()
    words = head.split()
    if len(words) != 3 or words[1] != b"commit" or not words[2].isdigit():
        if len(words) == 3 and words[2].isdigit():
            answers.read(int(words[2]) + 1)  # an object of another kind
        return None
    printed = head + answers.read(int(words[2]) + 1)
    return Found(oid, printed, _parents(printed))


def _content(printed: bytes) -> bytes:
    return printed.partition(b"\n")[2][:-1]


def _parents(printed: bytes) -> tuple[str, ...]:
    head = _content(printed).partition(b"\n\n")[0]
    return tuple(
        line.removeprefix(b"parent ").decode("ascii", "replace")
        for line in head.split(b"\n")
        if line.startswith(b"parent ")
    )


def _is_sound(found: Found) -> bool:
    content = _content(found.printed)
    whole = b"commit %d\0%s" % (len(content), content)
    if len(found.oid) == 64:
        return hashlib.sha256(whole).hexdigest() == found.oid
    return hashlib.sha1(whole, usedforsecurity=False).hexdigest() == found.oid


def printed_commits(body: bytes) -> Iterator[GitCommit]:
    """The commits in what `git cat-file --batch` printed, and whose text fits their oids."""
    start = 0
    while start < len(body):
        end = body.index(b"\n", start) + 1
        oid, _, size = body[start:end].split()
        after = end + int(size) + 1
        found = Found(oid.decode("ascii"), body[start:after], _parents(body[start:after]))
        if _is_sound(found):
            yield _commit(found)
        start = after


def _commit(found: Found) -> GitCommit:
    head, _, message = _content(found.printed).partition(b"\n\n")
    fields: dict[bytes, bytes] = {}
    for line in head.split(b"\n"):
        name, _, value = line.partition(b" ")
        if name:  # a line that goes on begins with a blank
            fields.setdefault(name, value)
    named = fields.get(b"encoding", b"utf-8").decode("ascii", "replace")
    return GitCommit(
        found.oid,
        found.parents,
        _person(fields.get(b"author", b""), named),
        _person(fields.get(b"committer", b""), named),
        _text(message, named),
    )


def _person(line: bytes, encoding: str) -> GitPersonLine:
    parts = _PERSON.match(line)
    if parts is None:
        return GitPersonLine(_text(line, encoding), "", None)
    name, email, seconds, zone = parts.groups()
    hours, minutes = int(zone[1:3]), int(zone[3:5])
    try:
        offset = timedelta(hours=hours, minutes=minutes) * (-1 if zone[:1] == b"-" else 1)
        at = datetime.fromtimestamp(int(seconds), timezone(offset)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        at = None  # a date that no calendar knows
    return GitPersonLine(_text(name, encoding), _text(email, encoding), at)


def _text(raw: bytes, encoding: str) -> str:
    """Text of any encoding: what cannot be read in it is shown to be unreadable."""
    try:
        return raw.decode(encoding, "replace")
    except (LookupError, UnicodeError):  # an encoding that nobody knows, or that is no text's
        return raw.decode("utf-8", "replace")


def _repository(url: str) -> str:
    """What a remote's address names, as "owner/name" in small letters; "" if it names none."""
    scp = _SCP.match(url)
    try:
        path = scp[1] if scp else urlsplit(url).path
    except ValueError:
        return ""
    parts = [part for part in path.casefold().removesuffix("/").split("/") if part]
    return "/".join((parts[-2], parts[-1].removesuffix(".git"))) if len(parts) > 1 else ""
