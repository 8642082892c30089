"""Reading a clone: exact, of any encoding, and nothing of a hostile one runs."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from changeaudit.collectors import git as module
from changeaudit.collectors.git import Clone, Followed, Found, GitCommit, printed_commits
from changeaudit.errors import UsageError
from collectors.git_upstream import BARE, GIT, WHO, Upstream

pytestmark = pytest.mark.skipif(not GIT, reason="needs git")


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "upstream")


def opened(folder: Path, environment: Mapping[str, str] = BARE) -> Clone:
    return Clone(folder, GIT, environment)


def followed(clone: Clone, top: str, bottom: str | None = None) -> tuple[list[str], Followed]:
    found: list[Found] = []
    end = clone.follow(top, bottom, found.append)
    return [each.oid for each in found], end


def read(clone: Clone, top: str) -> list[GitCommit]:
    found: list[Found] = []
    clone.follow(top, None, found.append)
    return list(printed_commits(b"".join(each.printed for each in found)))


@pytest.mark.parametrize("args", [(), ("--bare",), ("--mirror",), ("--no-checkout",)])
def test_a_line_is_followed_by_first_parents(upstream: Upstream, args: tuple[str, ...]) -> None:
    """To its root, or to before its bottom; in a clone of any shape."""
    three, two, one = upstream.line(3)
    side = upstream.commit(one, message=b"Beside")
    merge = upstream.commit(three, side)
    clone = opened(upstream.clone(*args))
    assert followed(clone, merge) == ([merge, three, two, one], Followed())
    assert followed(clone, merge, two) == ([merge, three], Followed())
    assert read(clone, merge)[0].parents == (three, side)
    assert not clone.shallow
    assert clone.version.startswith("git version ")
    assert clone.tip("main") == merge
    assert clone.tip("none") is None
    assert clone.holds_any(["0" * 40, one])
    assert not clone.holds_any(["0" * 40, "--batch", "", "HEAD"])


def test_a_clone_of_other_objects_is_read_as_well(tmp_path: Path) -> None:
    """SHA-256 names objects in twice the length."""
    folder = tmp_path / "new"
    subprocess.run(
        [GIT, "init", "--quiet", "--object-format=sha256", str(folder)], env=BARE, check=True
    )
    made = Upstream.__new__(Upstream)
    made.folder, made.environment = folder, {**BARE}
    made.tree = made.run("mktree").strip()
    oid = made.commit()
    assert len(oid) == 64
    assert followed(opened(folder), oid) == ([oid], Followed())


def test_a_shallow_clone_is_said_to_be(upstream: Upstream) -> None:
    three, two, one = upstream.line(3)
    clone = opened(upstream.clone("--depth=2"))
    assert clone.shallow
    oids, end = followed(clone, three)
    assert (oids, end.missing) == ([three, two], one)
    assert "shallow" in end.why
    assert "git fetch --unshallow" in end.why


def test_a_clone_that_lags_is_said_to(upstream: Upstream) -> None:
    upstream.line(2)
    clone = opened(upstream.clone())
    newest = upstream.commit(*upstream.line(1))
    oids, end = followed(clone, newest)
    assert (oids, end.missing) == ([], newest)
    assert end.why == f"the clone lacks {newest[:12]}: run `git fetch` in it"


def test_what_is_no_commit_is_none(upstream: Upstream) -> None:
    """A tree of that name, or a text that looks like an option, breaks the line and no more."""
    (one,) = upstream.line(1)
    clone = opened(upstream.folder)
    tree = upstream.tree.decode()
    assert followed(clone, tree)[1].missing == tree
    assert not clone.holds_any([tree])
    assert clone.holds_any([tree, one])


def test_a_damaged_commit_is_refused(upstream: Upstream) -> None:
    """An object that does not fit its name: a clone cannot show another history."""
    two, one = upstream.line(2)
    other = upstream.commit(message=b"Forged\n")
    places = [upstream.folder / ".git" / "objects" / oid[:2] / oid[2:] for oid in (one, other)]
    places[0].chmod(0o600)
    places[0].write_bytes(places[1].read_bytes())
    oids, end = followed(opened(upstream.folder), two)
    assert oids == [two]
    assert end.missing == one


def test_replaced_and_grafted_commits_are_read_as_they_are(upstream: Upstream) -> None:
    three, two, one = upstream.line(3)
    upstream.run("replace", two, one)
    (upstream.folder / ".git" / "info" / "grafts").write_text(f"{three} {one}\n", encoding="utf-8")
    assert followed(opened(upstream.folder), three)[0] == [three, two, one]


# What a commit says ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "more", "text"),
    [
        ("Prüfung\n".encode(), b"", "Prüfung\n"),
        ("Prüfung".encode("latin-1"), b"encoding ISO-8859-1\n", "Prüfung"),
        ("Prüfung".encode("latin-1"), b"", "Pr\ufffdfung"),
        ("Prüfung".encode(), b"encoding no-such-thing\n", "Prüfung"),
        (b"x", b"encoding rot13\n", "x"),
        (b"", b"", ""),
        (
            b"one\n\ntwo\n",
            b"gpgsig -----BEGIN\n \n author Eve <e@x> 1 +0000\n -----END\n",
            "one\n\ntwo\n",
        ),
        (b"a\0b\x1b[31m", b"", "a\0b\x1b[31m"),
    ],
)
def test_a_message_of_any_encoding_is_read(
    upstream: Upstream, message: bytes, more: bytes, text: str
) -> None:
    (found,) = read(opened(upstream.folder), upstream.commit(message=message, more=more))
    assert found.message == text
    assert found.author.name == "Dana"


@pytest.mark.parametrize(
    ("line", "name", "email", "at"),
    [
        (WHO, "Dana", "dana@acme.test", datetime(2026, 1, 1, tzinfo=UTC)),
        (b"D. <> 0 -0930", "D.", "", datetime(1970, 1, 1, tzinfo=UTC)),
        (b"<a@b> 10 +0000", "", "a@b", datetime(1970, 1, 1, 0, 0, 10, tzinfo=UTC)),
        (b"D <a@b> 999999999999999999 +0000", "D", "a@b", None),
        (b"D <a@b> 10 +9999", "D", "a@b", None),
        (b"no address at all", "no address at all", "", None),
    ],
)
def test_who_wrote_it_is_read_whatever_it_says(
    upstream: Upstream, line: bytes, name: str, email: str, at: datetime | None
) -> None:
    (found,) = read(opened(upstream.folder), upstream.commit(author=line))
    assert (found.author.name, found.author.email, found.author.at) == (name, email, at)


def test_what_does_not_fit_its_oid_is_not_read_back(upstream: Upstream) -> None:
    found: list[Found] = []
    opened(upstream.folder).follow(upstream.commit(), None, found.append)
    (one,) = found
    assert list(printed_commits(one.printed.replace(b"Dana", b"Eve_"))) == []
    content = one.printed.partition(b"\n")[2][:-1]
    whole = b"commit %d\0%s" % (len(content), content)
    assert hashlib.sha1(whole, usedforsecurity=False).hexdigest() == one.oid


# Which clone it is -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/Acme/Payments.git", {"acme/payments"}),
        ("https://token@github.com/acme/payments/", {"acme/payments"}),
        ("git@github.com:acme/payments.git", {"acme/payments"}),
        ("ssh://git@github.com:22/acme/payments", {"acme/payments"}),
        ("/srv/payments", {"srv/payments"}),
        ("payments", set()),
        ("http://[broken", set()),
    ],
)
def test_a_remote_names_its_repository(upstream: Upstream, url: str, name: set[str]) -> None:
    upstream.run("remote", "add", "origin", url)
    assert opened(upstream.folder).remotes() == name


def test_a_folder_that_is_no_clone_is_told(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(UsageError, match="There is no clone at"):
            opened(folder, {**BARE, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)})


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands for git")
def test_a_clone_of_somebody_else_is_told(upstream: Upstream, tmp_path: Path) -> None:
    """What git says of it is turned into what to do."""
    program = fake_git(tmp_path, "fatal: detected dubious ownership in repository at 'x'")
    with pytest.raises(UsageError) as caught:
        Clone(upstream.folder, program, BARE)
    assert "belongs to another user" in caught.value.message
    assert "safe.directory" in caught.value.hint


def fake_git(folder: Path, said: str) -> str:
    program = folder / "git"
    program.write_text(f"#!/bin/sh\necho {said!r} >&2\nexit 128\n", encoding="utf-8")
    program.chmod(0o755)
    return str(program)


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands for git")
@pytest.mark.parametrize(
    ("said", "told"),
    [("fatal: broken config", "git cannot read .*: broken config"), ("", "it does not say why")],
)
def test_whatever_git_says_is_passed_on(tmp_path: Path, said: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Clone(tmp_path, fake_git(tmp_path, said), BARE)


def test_a_git_that_cannot_be_started_or_hangs_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="git cannot be started"):
        Clone(tmp_path, str(tmp_path / "no git"), BARE)
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0)
    with pytest.raises(UsageError, match="does not answer"):
        Clone(tmp_path, GIT, BARE)


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands for git")
def test_a_git_that_dies_breaks_the_line(upstream: Upstream, tmp_path: Path) -> None:
    (one,) = upstream.line(1)
    clone = opened(upstream.folder)
    clone._command[0] = fake_git(tmp_path, "fatal: out of memory")
    assert followed(clone, one)[1].missing == one
    assert not clone.holds_any([one] * 100_000)


# A hostile one -----------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="the traps are scripts")
def test_nothing_of_a_hostile_clone_runs(upstream: Upstream, tmp_path: Path) -> None:
    """Neither its hooks, nor the programs that it configures, nor a fetch of what it lacks."""
    sprung = tmp_path / "sprung"
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {sprung}\nexit 1\n", encoding="utf-8")
    trap.chmod(0o755)
    three, two, one = upstream.line(3)
    folder = upstream.clone("--filter=blob:none")
    config = {
        "core.fsmonitor": trap,
        "core.hooksPath": tmp_path,
        "core.sshCommand": trap,
        "core.pager": trap,
        "core.alternateRefsCommand": trap,
        "gpg.program": trap,
        "log.showSignature": "true",
        "credential.helper": trap,
        "protocol.allow": "always",
        "protocol.ext.allow": "always",
        "remote.origin.url": f"ext::{trap}",
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": trap,
        "extensions.partialClone": "origin",
    }
    for name, value in config.items():
        subprocess.run([GIT, "-C", str(folder), "config", name, str(value)], env=BARE, check=True)
    hostile = {**BARE, "GIT_EXTERNAL_DIFF": str(trap), "GIT_SSH_COMMAND": str(trap)}
    clone = opened(folder, {**hostile, "GIT_DIR": str(tmp_path), "GIT_TRACE": str(sprung)})
    assert followed(clone, three)[0] == [three, two, one]
    assert followed(clone, "1" * 40)[1].missing == "1" * 40
    clone.remotes()
    assert clone.tip("main") == three
    assert not sprung.exists()
