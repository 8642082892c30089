"""`--git DIR`: which folders are clones, and of which repository each is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import make_policy
from changeaudit.cli import options
from changeaudit.cli.collect import collect
from changeaudit.cli.evidence import gather, sources_of
from changeaudit.cli.exits import Exit
from changeaudit.collectors.git import Clone
from changeaudit.collectors.github import clone as module
from changeaudit.collectors.github import reading
from changeaudit.errors import UsageError
from changeaudit.store import Store
from changeaudit.verdicts import PeriodInfo, TieKind
from cli.command import Command
from collectors.git_upstream import BARE, GIT, Upstream
from collectors.github.fake_github import HOST, REPOSITORY, Json, Place, at, pull

MARCH = PeriodInfo(at("03-01"), at("04-01"))
pytestmark = pytest.mark.skipif(not GIT, reason="needs git")


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "upstream")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """It is 1 June 2026, noon."""
    with Store.open(tmp_path / "evidence.sqlite") as store:
        yield Place(store, at("06-01 12:00"))


def filled(place: Place, upstream: Upstream) -> str:
    """A merge, a push on top of it, and what GitHub tells of them; gives the branch's head."""
    root = upstream.commit(message=b"Root")
    merge = upstream.commit(root, message=b"Squashed")
    top = upstream.commit(merge, message=b"Pushed")
    parents: list[Json] = [{"id": f"C_{root}", "oid": root}]
    commit = {"id": f"C_{merge}", "oid": merge, "url": "u", "parents": {"nodes": parents}}
    place.github.add(pull(1, "03-05", mergeCommit=commit))
    place.github.heads["main"] = top
    place.github.listed = [
        {
            "list": "activity",
            "id": 1,
            "ref": "refs/heads/main",
            "before": merge,
            "after": top,
            "timestamp": "2026-03-09T00:00:00Z",
            "activity_type": "push",
            "actor": {"login": "mal", "id": 7},
        }
    ]
    return top


def test_an_audit_with_a_clone_ties_out_without_githubs_history(
    place: Place, upstream: Upstream
) -> None:
    """And replays from the store alone, with the clone's evidence among its sources."""
    filled(place, upstream)
    policy = make_policy(scope={"branches": ["main"]})
    clone = Clone(upstream.clone(), GIT, BARE)
    assert collect(place.session, (REPOSITORY,), MARCH, policy, [clone]).names == (REPOSITORY,)
    assert "line" not in place.github.kinds()
    shutil.rmtree(clone.folder)
    found = gather(place.store, HOST, REPOSITORY, MARCH, [policy]).population(policy)
    assert found.summary.complete
    (tied,) = found.summary.reconciliations
    assert tied.read_from == (reading.CLONE,)
    assert (tied.matched, tied.direct_pushes, tied.commits) == (1, 1, 2)
    (tie,) = tied.of(TieKind.DIRECT_PUSH)
    assert (tie.at, tie.said) == (at("03-09"), "pushed by mal at 2026-03-09T00:00:00Z")
    sources = sources_of(place.store, HOST, [REPOSITORY], [policy])
    named = {each.what for each in sources if each.source == module.SOURCE}
    assert named == {f"commits, as a local clone has them, of {REPOSITORY}"}
    assert f"pushes of {REPOSITORY}@main" in {each.what for each in sources}


def test_a_clone_of_something_else_is_told(
    place: Place, upstream: Upstream, tmp_path: Path
) -> None:
    filled(place, upstream)
    other = Upstream(tmp_path / "other")
    other.commit(message=b"Of another project")
    clone = Clone(other.folder, GIT, BARE)
    with pytest.raises(UsageError, match=f"is no clone of {REPOSITORY}: no remote of it"):
        collect(place.session, (REPOSITORY,), MARCH, make_policy(), [clone])


def test_the_folders_are_opened_each_once(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = upstream.folder
    assert [clone.folder for clone in options.clones([folder, folder], False)] == [folder]
    assert options.clones([], True) == ()
    with pytest.raises(UsageError, match="--offline only reads the store"):
        options.clones([folder], True)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="--git needs git, which is not here"):
        options.clones([folder], False)


@pytest.mark.slow
def test_a_folder_that_is_no_clone_is_told_before_anything_is_asked(
    changeaudit: Command,
) -> None:
    args = ("audit", "acme/payments", "--last", "30d", "--git", ".")
    done = changeaudit(*args, PATH=str(Path(GIT).parent), GITHUB_TOKEN="t")
    assert done.code == Exit.USAGE
    assert "There is no clone at ." in done.err
