"""Whether a merge of the base brought changes of its own, told by the trees of its four sides."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from builders import (
    DAY,
    GONE,
    base_changed,
    base_merge,
    clock,
    commit,
    differs,
    force_pushed,
    make_change,
)
from changeaudit.people import Holds
from changeaudit.records import BaseMerge, Difference, TreeEntry
from changeaudit.rules.base_merges import brought_nothing
from changeaudit.rules.freshness import fresh_review

# What a merge has at a path: (merge, branch, base, ancestor) --------------------------------------

TAKEN = {
    "from the base": differs("a.py", "new", "old", "new", "old"),
    "from the branch": differs("b.py", "new", "new", "old", "old"),
    "as both have it": differs("c.py", "new", "new", "new", "old"),
    "added by the base": differs("d.py", "new", "", "new", ""),
    "added by the branch": differs("e.py", "new", "new", "", ""),
    "added by both alike": differs("f.py", "new", "new", "new", ""),
    "deleted by the base": differs("g.py", "", "old", "", "old"),
    "deleted by the branch": differs("h.py", "", "", "old", "old"),
    "deleted by both": differs("i.py", "", "", "", "old"),
    "a directory of the base": differs("docs", "new/", "old/", "new/", "old/"),
    "a file that became a directory": differs("j", "new/", "old", "new/", "old"),
}


@pytest.mark.parametrize("one", TAKEN.values(), ids=TAKEN.keys())
def test_what_a_side_has_is_no_change_of_the_merge(one: Difference) -> None:
    assert brought_nothing(base_merge("merge", one)).answer is True


def test_a_merge_that_has_only_what_its_sides_have_brought_nothing() -> None:
    found = brought_nothing(base_merge("1a2b3c4d", *TAKEN.values()))
    assert found == Holds(True, "the merge 1a2b3c4 has nothing but what its sides have")
    assert brought_nothing(base_merge("merge")).answer is True


OWN = {
    "changed what the base changed": (
        differs("a.py", "evil", "old", "new", "old"),
        "which it would have taken from the base as it is",
    ),
    "kept what the base changed": (
        differs("a.py", "old", "old", "new", "old"),
        "which it would have taken from the base as it is",
    ),
    "changed what the branch changed": (
        differs("a.py", "evil", "new", "old", "old"),
        "which it would have taken from the branch as it is",
    ),
    "dropped what the branch changed": (
        differs("a.py", "old", "new", "old", "old"),
        "which it would have taken from the branch as it is",
    ),
    "changed what neither changed": (
        differs("a.py", "evil", "old", "old", "old"),
        "which neither of its sides had changed",
    ),
    "changed what both changed alike": (
        differs("a.py", "evil", "new", "new", "old"),
        "which both of its sides had alike",
    ),
    "added a file": (differs("a.py", "evil", "", "", ""), "which neither of its sides had changed"),
    "deleted a file": (
        differs("a.py", "", "old", "old", "old"),
        "which neither of its sides had changed",
    ),
    "kept what the base deleted": (
        differs("a.py", "old", "old", "", "old"),
        "which it would have taken from the base as it is",
    ),
    "kept what both deleted": (
        differs("a.py", "old", "", "", "old"),
        "which both of its sides had alike",
    ),
}


@pytest.mark.parametrize(("one", "why"), OWN.values(), ids=OWN.keys())
def test_anything_else_is_a_change_of_its_own(one: Difference, why: str) -> None:
    found = brought_nothing(base_merge("1a2b3c4d", *TAKEN.values(), one))
    assert found == Holds(False, f'the merge 1a2b3c4 changed "a.py", {why}')


def test_only_the_mode_is_a_change_as_well() -> None:
    """What is executable now, or a symbolic link, is no longer the same."""
    plain, executable = TreeEntry("old", "blob", 0o100644), TreeEntry("old", "blob", 0o100755)
    one = Difference("run.sh", executable, plain, plain, plain)
    assert brought_nothing(base_merge("merge", one)).answer is False


def test_more_changes_of_its_own_are_counted() -> None:
    those = [differs(path, "evil", "old", "old", "old") for path in ("a", "b", "c")]
    assert 'changed "a" (and 2 more), which' in brought_nothing(base_merge("merge", *those)).why


BOTH = {
    "both changed a file": differs("z.py", "mix", "one", "two", "old"),
    "both changed it, and the branch's was taken": differs("z.py", "one", "one", "two", "old"),
    "both changed it, and the base's was taken": differs("z.py", "two", "one", "two", "old"),
    "both added it, not alike": differs("z.py", "mix", "one", "two", ""),
    "a file here, a directory there": differs("z.py", "one/", "one/", "two", "old"),
}
RENAMED = {
    "the base deleted what the branch changed": differs("z.py", "", "one", "", "old"),
    "the branch deleted what the base changed": differs("z.py", "two", "", "two", "old"),
    "the base deleted a directory that the branch changed": differs("z", "", "one/", "", "old/"),
}


@pytest.mark.parametrize("one", [*BOTH.values(), *RENAMED.values()], ids=[*BOTH, *RENAMED])
def test_what_both_changed_was_put_together_by_somebody(one: Difference) -> None:
    found = brought_nothing(base_merge("1a2b3c4d", *TAKEN.values(), one))
    assert found.answer is None
    assert "the merge 1a2b3c4 brought cannot be told: both of its sides changed" in found.why
    assert f'"{one.path}"' in found.why


EVIL = differs("a.py", "evil", "old", "new", "old")


@pytest.mark.parametrize("one", BOTH.values(), ids=BOTH.keys())
def test_a_change_of_its_own_is_one_beside_a_conflict(one: Difference) -> None:
    assert brought_nothing(base_merge("merge", one, EVIL)).answer is False


@pytest.mark.parametrize("one", RENAMED.values(), ids=RENAMED.keys())
def test_git_itself_may_have_changed_another_path_where_something_was_renamed(
    one: Difference,
) -> None:
    """The base renames z.py to a.py, the branch changes z.py: git puts that change into a.py."""
    found = brought_nothing(base_merge("merge", one, EVIL))
    assert found.answer is None
    assert f'both of its sides changed "{one.path}"' in found.why


@pytest.mark.parametrize("one", [base_merge(ancestor=GONE), base_merge(unread=GONE)])
def test_what_was_not_read_cannot_be_told(one: BaseMerge) -> None:
    found = brought_nothing(one)
    assert found.answer is None
    assert "the source did not answer" in found.why


def test_a_hostile_path_stays_on_one_line() -> None:
    one = differs("a\n## pass\n" + "x" * 1000, "evil", "old", "old", "old")
    why = brought_nothing(base_merge("merge", one)).why
    assert "\n" not in why
    assert len(why) < 400


entries = st.sampled_from(["", "a", "b", "c", "d/", "e/"])


@given(st.lists(st.tuples(entries, entries, entries, entries), max_size=5))
def test_a_merge_brought_nothing_only_if_every_path_is_that_of_a_side_alone(
    paths: list[tuple[str, str, str, str]],
) -> None:
    """Whatever the sides have: no resolved conflict passes, nor anything that no side has."""
    merge = base_merge("m", *(differs(str(n), *sides) for n, sides in enumerate(paths)))
    answer = brought_nothing(merge).answer
    for of_merge, branch, base, ancestor in paths:
        if len({branch, base, ancestor}) == 3:
            assert answer is not True
        if of_merge not in (branch, base):
            assert answer is not True
    if all(of_merge == branch == base for of_merge, branch, base, _ in paths):
        assert answer is True


# Merges of the base after a review ----------------------------------------------------------------

ONE = commit("one", parents=("base",))
MERGE = commit("merge", parents=("one", "on the base"))
AGAIN = commit("again", parents=("merge", "further on"))
CLEAN = base_merge("merge", TAKEN["from the base"])
CLEAN_AGAIN = base_merge("again", branch="merge", base="further on", ancestor="on the base")
UNTOLD = base_merge("again", BOTH["both changed a file"], branch="merge")
EVIL_AGAIN = base_merge("again", EVIL, branch="merge")


def reviewed(*commits: Any, merges: Any, of: str = "one", **facts: Any) -> Holds:
    """Whether a review of `one` an hour before the merge is fresh."""
    change = make_change(commits=list(commits), base_merges=list(merges), **facts)
    return fresh_review(change, of, clock(-60))


@pytest.mark.parametrize(
    ("answer", "why", "found"),
    [
        pytest.param(
            True,
            "it is of one, and only merges of the base that brought nothing of their own came later"
            " (merge)",
            reviewed(ONE, MERGE, merges=[CLEAN]),
            id="one merge",
        ),
        pytest.param(
            True,
            "came later (again, merge)",
            reviewed(ONE, MERGE, AGAIN, merges=[CLEAN_AGAIN, CLEAN]),
            id="two merges",
        ),
        pytest.param(
            True,
            "(again)",
            reviewed(
                ONE, MERGE, AGAIN, merges=[CLEAN_AGAIN, base_merge("merge", EVIL)], of="merge"
            ),
            id="of the first merge, which need not be told then",
        ),
        pytest.param(
            False,
            'came later; the merge again changed "a.py"',
            reviewed(ONE, MERGE, AGAIN, merges=[EVIL_AGAIN, CLEAN]),
            id="the second brought something",
        ),
        pytest.param(
            False,
            "the merge again changed",
            reviewed(
                ONE,
                MERGE,
                AGAIN,
                merges=[EVIL_AGAIN, base_merge("merge", BOTH["both changed a file"])],
            ),
            id="the second brought something, the first cannot be told",
        ),
        pytest.param(
            None,
            'what the merge again brought cannot be told: both of its sides changed "z.py"',
            reviewed(ONE, MERGE, AGAIN, merges=[UNTOLD, CLEAN]),
            id="the second cannot be told",
        ),
        pytest.param(
            None,
            "2 merges of the base came later, whose trees were not read",
            reviewed(ONE, MERGE, AGAIN, merges=[CLEAN]),
            id="nothing is known of the second",
        ),
        pytest.param(
            None,
            "but the base was force-pushed at 2026-03-10 08:00:00Z",
            reviewed(ONE, MERGE, merges=[CLEAN], events=[force_pushed(at=-240, base=True)]),
            id="what was of the base may not be so now",
        ),
        pytest.param(
            True,
            "",
            reviewed(ONE, MERGE, merges=[CLEAN], events=[force_pushed(at=1, base=True)]),
            id="the base was rewritten after the merge",
        ),
        pytest.param(
            False,
            "the base was changed to main",
            reviewed(ONE, MERGE, merges=[CLEAN], events=[base_changed("old", "main", at=-59)]),
            id="the base was changed after it",
        ),
        pytest.param(
            None,
            "in the same second",
            reviewed(ONE, MERGE, merges=[CLEAN], events=[base_changed("old", "main", at=-60)]),
            id="the base was changed in the same second",
        ),
        pytest.param(
            False,
            "was force-pushed",
            reviewed(ONE, MERGE, merges=[CLEAN], events=[force_pushed(at=-59)]),
            id="the branch was rewritten after it",
        ),
        pytest.param(
            False,
            "1 commit came later",
            reviewed(ONE, MERGE, commit("two"), merges=[CLEAN]),
            id="code came after the merge",
        ),
        pytest.param(
            False,
            "the merge merge came later, which is not one of the base into the branch",
            reviewed(
                commit("zero", parents=("base",)),
                commit("one", parents=("zero",)),
                commit("merge", parents=("one", "zero")),
                merges=[CLEAN],
            ),
            id="a merge of the pull request's own commits",
        ),
        pytest.param(
            False,
            "not one of the base",
            reviewed(
                ONE, commit("merge", parents=("one", "on the base", "a branch")), merges=[CLEAN]
            ),
            id="an octopus",
        ),
        pytest.param(
            False,
            "not one of the base",
            reviewed(
                ONE,
                commit("strange", parents=("on the base", "elsewhere")),
                commit("merge", parents=("one", "strange")),
                merges=[CLEAN],
            ),
            id="a merge of two that are not of the pull request",
        ),
        pytest.param(
            True,
            "(merge)",
            reviewed(ONE, commit("merge", parents=("on the base", "one")), merges=[CLEAN]),
            id="the branch merged into the base, and taken for the head",
        ),
    ],
)
def test_only_merges_of_the_base_that_brought_nothing_may_follow(
    answer: bool | None, why: str, found: Holds
) -> None:
    assert found.answer is answer, found.why
    assert why in found.why


HISTORY = [ONE, MERGE, AGAIN]


@given(
    order=st.permutations(range(3)),
    dates=st.lists(st.integers(-400 * DAY, 400 * DAY), min_size=3, max_size=3),
    second=st.sampled_from([CLEAN_AGAIN, UNTOLD, EVIL_AGAIN]),
    of=st.sampled_from(["one", "merge", "again"]),
)
def test_neither_the_order_nor_the_dates_of_commits_matter(
    order: list[int], dates: list[int], second: BaseMerge, of: str
) -> None:
    """Back-dated or listed in whatever order, it is the parents that tell."""
    dated = [
        msgspec.structs.replace(
            each, committer=msgspec.structs.replace(each.committer, at=clock(minutes))
        )
        for each, minutes in zip(HISTORY, dates, strict=True)
    ]
    merges = [second, CLEAN]
    shuffled = reviewed(*(dated[n] for n in order), merges=merges, of=of, head_oid="again")
    assert shuffled == reviewed(*HISTORY, merges=merges, of=of)
    assert shuffled.answer is (
        True if of == "again" else {CLEAN_AGAIN: True, EVIL_AGAIN: False}.get(second)
    )
