"""Where pull requests landed, and by what a commit is known again after a rebase."""

from __future__ import annotations

import msgspec
import pytest

from builders import GONE, branch_commit, clock, commit, make_pull, person
from changeaudit.asof import as_of_merge
from changeaudit.landing import landing, work_of
from changeaudit.records import Merged


def test_it_has_the_base_of_the_merge() -> None:
    pull = make_pull(events=[Merged(clock(0), None, "f00d", "release")], base_ref="main")
    found = landing(pull)
    assert found.base == as_of_merge(pull).base == found.onto == "release"
    assert "f00d" in found.merged_as


def test_a_base_that_cannot_be_told_is_todays() -> None:
    found = msgspec.structs.replace(landing(make_pull(base_ref="main")), base=GONE)
    assert found.onto == "main"


def test_what_could_not_be_read_tells_nothing() -> None:
    found = landing(make_pull(commits=GONE, timeline=GONE))
    assert (found.commits, found.merged_as) == ((), ())


def test_a_merge_is_not_made_again_by_a_rebase() -> None:
    own = commit("a1", message="Work")
    merge = msgspec.structs.replace(commit("a2"), parents=("a1", "b1"))
    found = landing(make_pull(commits=(own, merge), head_oid="a2"))
    assert [each.work is None for each in found.commits] == [False, True]


def test_a_commit_is_known_again_by_its_author_its_date_and_its_message() -> None:
    author = person("dana")
    mine = msgspec.structs.replace(commit("a1", message="Work"), authors=(author,))
    again = msgspec.structs.replace(branch_commit("b1", message=" Work\n"), authors=(author,))
    assert work_of(mine) == work_of(again)


@pytest.mark.parametrize(
    "changed", [{"message": "Other work"}, {"authors": (person("lee"),)}], ids=["words", "author"]
)
def test_another_author_or_message_is_other_work(changed: dict[str, object]) -> None:
    one = commit("a1", message="Work")
    assert work_of(msgspec.structs.replace(one, **changed)) != work_of(one)


@pytest.mark.parametrize(
    "authors", [(), (msgspec.structs.replace(person("dana"), at=None),)], ids=["nobody", "no date"]
)
def test_without_an_author_or_a_date_nothing_is_known_again(authors: tuple[()]) -> None:
    assert work_of(msgspec.structs.replace(commit("a1"), authors=authors)) == b""
