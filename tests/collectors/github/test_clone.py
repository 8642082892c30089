"""A branch's line out of a clone: exact, kept like an answer, and no history asked of GitHub."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from changeaudit.collectors.git import Clone
from changeaudit.collectors.github import clone as module
from changeaudit.collectors.github import reading
from changeaudit.collectors.github.line import belongs, collect_line
from changeaudit.collectors.github.pull_requests import PullRequests
from changeaudit.collectors.github.repository import Head, collect_repository
from changeaudit.collectors.spans import Span
from changeaudit.records import BranchLine
from collectors.git_upstream import BARE, GIT, Upstream
from collectors.github.fake_github import HOST, REPOSITORY, Json, Place, at, pull

MARCH = Span(at("03-01"), at("04-01"))
pytestmark = pytest.mark.skipif(not GIT, reason="needs git")


class World:
    """A repository, what GitHub tells of it, and a place to collect into."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place = place
        self.upstream = Upstream(folder / "upstream")
        self.top = self.upstream.commit(message=b"Root")
        self.line = [self.top]

    def push(self, message: bytes = b"Pushed", branch: str = "main") -> str:
        self.top = self.upstream.commit(self.top, message=message, branch=branch)
        self.line.insert(0, self.top)
        return self.top

    def merge(self, number: int, day: str) -> str:
        """A pull request that was squashed onto main."""
        below = self.top
        oid = self.push(b"Squashed (#%d)" % number)
        parents: list[Json] = [{"id": f"C_{below}", "oid": below}]
        commit = {"id": f"C_{oid}", "oid": oid, "url": f"https://{HOST}/c/{oid}"}
        merged = pull(number, day, mergeCommit={**commit, "parents": {"nodes": parents}})
        self.place.github.add(merged)
        return oid

    def clone(self, *args: str) -> Clone:
        return Clone(self.upstream.clone(*args), GIT, BARE)

    def collect(
        self, clone: Clone | None, top: str = "", period: Span = MARCH, branch: str = "main"
    ) -> BranchLine:
        session = self.place.session
        search = PullRequests(session, REPOSITORY).search(period)
        collect_repository(session, REPOSITORY, search)
        PullRequests(session, REPOSITORY).collect(period)
        self.place.github.asked.clear()
        head = Head(branch, top or self.top, f"C_{top or self.top}")
        collect_line(session, REPOSITORY, head, period, clone)
        return self.read(period, branch)

    def read(self, period: Span = MARCH, branch: str = "main") -> BranchLine:
        return reading.read_line(self.place.store, HOST, REPOSITORY, branch, period)


@pytest.fixture
def world(place: Place, tmp_path: Path) -> World:
    """A merge before March, two in it with a push between them, one after it, and a push."""
    found = World(place, tmp_path)
    found.merge(1, "02-20")
    found.merge(2, "03-05")
    found.push()
    found.merge(3, "03-20")
    found.merge(4, "04-05")
    found.push()
    return found


def test_a_line_is_followed_between_the_merges_around_the_period(world: World) -> None:
    """GitHub tells these two, and is asked for nothing of what lies between."""
    line = world.collect(world.clone())
    assert world.place.github.kinds() == ["merges"]
    (stretch,) = line.stretches
    _, top, _, _, _, bottom, _ = world.line
    assert (stretch.top, stretch.bottom, stretch.open_ends) == (top, bottom, ())
    assert list(line.commits) == world.line[1:5]
    assert line.commits[top].pull_requests == (4,)  # it merged after the period
    pushed = line.commits[world.line[3]]
    assert (pushed.message, pushed.pull_requests) == ("Pushed", ())
    assert (pushed.authors[0].name, pushed.authors[0].account) == ("Dana", None)
    assert pushed.url == f"https://{HOST}/{REPOSITORY}/commit/{pushed.oid}"
    assert (line.missing, line.notes, line.read_from) == ((), (), (reading.CLONE,))


def test_what_git_printed_is_kept_verbatim(world: World) -> None:
    """With how it was asked; whoever holds it can reperform the line without the clone."""
    line = world.collect(world.clone())
    (stored,) = world.place.store.history(module.SOURCE, REPOSITORY, module.KIND)
    pushed = line.commits[world.line[3]]
    assert pushed.evidence == stored.digest
    assert world.line[3].encode() + b" commit " in stored.answer.body
    request = json.loads(stored.answer.request)
    assert request["command"] == "git cat-file --batch"
    assert (request["top"], request["bottom"]) == (world.line[1], world.line[5])
    assert request["shallow"] is False


def test_what_is_held_is_not_followed_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor with a clone, nor without; and a commit that is kept is not kept twice."""
    monkeypatch.setattr(module, "AT_ONCE", 2)
    clone = world.clone()
    world.collect(clone)
    assert world.place.answers(module.KIND) == 2
    for again in (clone, None):
        world.collect(again)
        assert world.place.github.kinds() == []
    world.collect(clone, period=Span(at("02-25"), at("04-01")))
    assert world.place.answers(module.KIND) == 2


def test_two_branches_may_share_their_commits(world: World) -> None:
    clone = world.clone()
    world.collect(clone)
    other = world.collect(clone, branch="release/1")
    assert set(other.commits) == set(world.line[:6]) | {world.line[6]}
    assert {commit.branch for commit in other.commits.values()} == {"release/1"}


def test_githubs_history_and_a_clone_go_together(world: World) -> None:
    """A clone is read although GitHub's history is held, between the same ends: it knows of every
    commit.
    """
    history = world.place.github
    history.line(*world.line)
    without = world.collect(None)
    assert without.read_from == (reading.HISTORY,)
    line = world.collect(world.clone())
    assert world.place.github.kinds() == []
    assert line.read_from == (reading.HISTORY, reading.CLONE)
    assert set(line.commits) >= set(without.commits)


def test_a_shallow_clone_leaves_the_line_open_until_it_is_whole(world: World) -> None:
    shallow = world.clone("--depth=3")
    line = world.collect(shallow)
    assert line.stretches[0].open_ends == (world.line[3],)
    assert "shallow" in line.notes[0]
    whole = world.collect(world.clone())
    assert [s.open_ends for s in whole.stretches] == [(world.line[3],), ()]
    assert world.line[3] in whole.commits


def test_a_clone_that_lags_leaves_the_line_open_at_its_top(world: World) -> None:
    """What it knows is followed all the same."""
    clone = world.clone()
    tip = world.top
    world.place.github.pulls.pop("PR_4")
    newest = world.push()
    line = world.collect(clone)
    (stretch,) = line.stretches
    assert (stretch.top, stretch.open_ends) == (tip, (newest,))
    assert f"the clone lacks {newest[:12]}: run `git fetch` in it" in line.notes
    assert tip in line.commits


def test_a_shallow_clone_that_lags_is_open_at_both_ends(world: World) -> None:
    clone = world.clone("--depth=2")
    world.place.github.pulls.pop("PR_4")
    newest = world.push()
    assert world.collect(clone).stretches[0].open_ends == (newest, world.line[3])


def test_a_clone_without_the_branch_leaves_it_open(world: World) -> None:
    clone = world.clone()
    world.place.github.pulls.clear()
    newest = world.push(branch="release/1")
    line = world.collect(clone, newest, branch="release/1")
    assert (line.stretches[0].top, line.stretches[0].open_ends) == (newest, (newest,))
    assert line.commits == {}


def test_a_period_that_goes_on_is_followed_on(world: World) -> None:
    world.place.now = at("03-10")
    for number in (3, 4):
        world.place.github.pulls.pop(f"PR_{number}")
    world.collect(world.clone(), world.line[3])
    world.place.now = at("05-01")
    world.place.github.add(pull(5, "04-20", mergeCommit=None))
    line = world.collect(world.clone())
    assert line.stretches[0].bottom == world.line[5]
    assert len(line.stretches) == 2
    assert line.missing == ()


@pytest.mark.parametrize(
    ("remote", "merges", "ours"),
    [
        ("https://github.com/acme/payments.git", False, True),
        ("https://github.com/mal/payments.git", False, False),
        ("https://github.com/mal/payments.git", True, True),
    ],
)
def test_a_clone_is_known_by_its_remotes_or_its_merges(
    world: World, remote: str, merges: bool, ours: bool
) -> None:
    """A fork's clone that holds the merges is as good; its commits are their own proof."""
    clone = world.clone()
    world.upstream.run("remote", "set-url", "origin", remote, at=clone.folder)
    if merges:
        PullRequests(world.place.session, REPOSITORY).collect(MARCH)
    head = Head("main", "0" * 40, "C_0")
    wide = Span(MARCH.since, MARCH.until + timedelta(days=1))
    assert belongs(world.place.session, REPOSITORY, [head], wide, clone) is ours
