"""Whether an approval holds across force-pushes, where the policy accepts the same content."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from builders import (
    GONE,
    HOUR,
    base_changed,
    base_merge,
    clock,
    commit,
    force_pushed,
    make_change,
    make_policy,
    review,
)
from changeaudit.people import Holds
from changeaudit.records import Descent, ForcePushed, MergeCommit
from changeaudit.rules.freshness import fresh_review
from changeaudit.rules.step3_peer import peer_approval_fresh
from changeaudit.verdicts import Outcome

SAME = ("tree", "tree")
ONCE = force_pushed(at=-50, before="old", after="head", trees=SAME)
FIRST = force_pushed(at=-50, before="old", after="between", trees=SAME)
SECOND = force_pushed(at=-40, before="between", after="head", trees=SAME)
BUILT_ON_IT = [Descent("old", "base")]
HEAD = commit("head", parents=("base",))
HEAD_OF_TWO = commit("head", parents=("one", "base"))


def reviewed(
    *events: Any, of: str | None = "old", same_content: bool = True, **facts: Any
) -> Holds:
    """Whether a review an hour before the merge, of what was force-pushed since, is fresh."""
    given: dict[str, Any] = {"commits": [HEAD], "descents": BUILT_ON_IT, **facts}
    change = make_change(events=list(events), **given)
    return fresh_review(change, of, clock(-HOUR), same_content=same_content)


@pytest.mark.parametrize(
    "events",
    [
        [ONCE],
        [FIRST, SECOND],
        [SECOND, FIRST],
        [force_pushed(at=-61), ONCE],
        [ONCE, force_pushed(at=1)],
    ],
    ids=["once", "twice", "listed the other way round", "one before it", "one after the merge"],
)
def test_force_pushes_that_kept_the_content_keep_the_approval(events: list[ForcePushed]) -> None:
    assert reviewed(*events) == Holds(
        True,
        "it is of old, whose content was force-pushed to head, the head that merged, by"
        " force-pushes that kept it as it was",
    )


@pytest.mark.parametrize("events", [[ONCE], [FIRST, SECOND]])
def test_without_the_policys_word_every_force_push_makes_it_stale(events: list[Any]) -> None:
    found = reviewed(*events, same_content=False)
    assert found == Holds(False, "the branch was force-pushed at 2026-03-10 11:10:00Z, after it")


def replaced(event: ForcePushed, **changes: Any) -> ForcePushed:
    return msgspec.structs.replace(event, **changes)


@pytest.mark.parametrize(
    ("answer", "why", "found"),
    [
        pytest.param(
            False,
            "force-pushed at 2026-03-10 11:10:00Z, after it, which changed its content",
            reviewed(replaced(ONCE, after_tree="other")),
            id="other content",
        ),
        pytest.param(
            False,
            "11:20:00Z, after it, which changed its content",
            reviewed(FIRST, replaced(SECOND, after_tree="other")),
            id="other content in the end",
        ),
        pytest.param(
            False,
            "11:10:00Z, after it, which changed its content",
            reviewed(replaced(FIRST, after_tree="x"), replaced(SECOND, before_tree="x")),
            id="other content and back",
        ),
        pytest.param(
            False,
            "changed its content",
            reviewed(FIRST, replaced(SECOND, after_tree="other"), of=None),
            id="other content, and the commit not known",
        ),
        pytest.param(
            None,
            "from another commit: what came between is not known",
            reviewed(ONCE, of="older"),
            id="the first is not from the commit that was reviewed",
        ),
        pytest.param(
            None,
            "what came between is not known",
            reviewed(FIRST, replaced(SECOND, before="pushed between")),
            id="something was pushed between",
        ),
        pytest.param(
            None,
            "the branch was force-pushed at 2026-03-10 11:10:00Z to that, after it: GitHub may",
            reviewed(ONCE, of="head"),
            id="the review names what it was force-pushed to",
        ),
        pytest.param(
            None,
            "GitHub may show the review there",
            reviewed(FIRST, SECOND, of="between"),
            id="the review names what was between",
        ),
        pytest.param(
            None,
            "GitHub may show the review there",
            reviewed(FIRST, replaced(SECOND, after="old")),
            id="there and back, so that the review may have been of the other",
        ),
        pytest.param(
            None, "no longer knows which commit was", reviewed(ONCE, of=None), id="commit not known"
        ),
        pytest.param(
            None,
            "no longer knows from which commit to which",
            reviewed(replaced(ONCE, before=None)),
            id="from what is not known",
        ),
        pytest.param(
            None,
            "no longer knows from which commit to which",
            reviewed(replaced(ONCE, after=None)),
            id="to what is not known",
        ),
        pytest.param(
            None,
            "whether that changed its content is open: the source did not answer",
            reviewed(replaced(ONCE, before_tree=GONE)),
            id="a tree is not known",
        ),
        pytest.param(
            None,
            "whether that changed its content is open: the source did not answer",
            reviewed(replaced(ONCE, before_tree=GONE, after_tree=GONE)),
            id="collected before trees were asked for",
        ),
        pytest.param(
            None,
            "whether that changed its content is open: the source did not answer",
            reviewed(replaced(ONCE, after_tree=GONE)),
            id="the tree after it is not known",
        ),
        pytest.param(
            None, "as the review", reviewed(replaced(ONCE, at=clock(-HOUR))), id="in its second"
        ),
        pytest.param(
            None,
            "as the review",
            reviewed(replaced(ONCE, at=clock(-HOUR), after_tree="other")),
            id="other content in its second",
        ),
        pytest.param(
            True,
            "the head that merged",
            reviewed(ONCE, commits=[commit("one", parents=("base",)), HEAD_OF_TWO]),
            id="of several commits",
        ),
        pytest.param(
            None,
            "which commits of the base that builds on was not read",
            reviewed(ONCE, commits=[commit("one", parents=GONE), HEAD_OF_TWO]),
            id="the parents of one of several commits not read",
        ),
        pytest.param(
            None,
            "the base was force-pushed",
            reviewed(ONCE, force_pushed(at=-45, base=True, trees=("one", "other"))),
            id="the base was rewritten after it, with other content",
        ),
        pytest.param(
            None,
            "in the same second as the merge",
            reviewed(replaced(ONCE, at=clock(0))),
            id="in the second of the merge",
        ),
        pytest.param(
            None,
            "in the same second as the merge",
            reviewed(replaced(ONCE, at=clock(0), after_tree="other")),
            id="other content in the second of the merge",
        ),
        pytest.param(
            None,
            "twice within one second",
            reviewed(FIRST, replaced(SECOND, at=clock(-50))),
            id="two in one second",
        ),
        pytest.param(
            None,
            "builds on newer of the base; that the reviewed commit did was not seen",
            reviewed(ONCE, commits=[commit("head", parents=("newer",))]),
            id="the same files on top of more of the base, which it undoes",
        ),
        pytest.param(
            None,
            "builds on base of the base",
            reviewed(ONCE, descents=[Descent("another", "base")]),
            id="another commit built on it",
        ),
        pytest.param(
            None,
            "which commits of the base that builds on was not read",
            reviewed(ONCE, commits=[commit("head", parents=GONE)]),
            id="parents not read",
        ),
        pytest.param(
            None,
            "which commits of the base that builds on was not read",
            reviewed(ONCE, commits=[commit("another", parents=("base",))], head_oid="head"),
            id="the head is not among the commits",
        ),
        pytest.param(
            None,
            "the commits could not be read",
            reviewed(ONCE, commits=GONE, head_oid="head"),
            id="commits not read",
        ),
        pytest.param(
            None,
            "the base was force-pushed",
            reviewed(ONCE, force_pushed(at=-90, base=True)),
            id="the base was rewritten too",
        ),
        pytest.param(
            None,
            "the base was force-pushed at 2026-03-10 12:00:00Z",
            reviewed(ONCE, force_pushed(at=0, base=True)),
            id="the base was rewritten in the second of the merge",
        ),
        pytest.param(
            None,
            "does not have the head head as a parent",
            reviewed(ONCE, merge_commit=MergeCommit("merge", ("base", "other"), "https://x/m")),
            id="something else merged",
        ),
        pytest.param(
            False,
            "the base was changed to main",
            reviewed(ONCE, base_changed("old", "main", at=-59)),
            id="the base was changed",
        ),
        pytest.param(
            None,
            "in the same second",
            reviewed(ONCE, base_changed("old", "main", at=-60)),
            id="the base was changed in the same second",
        ),
        pytest.param(None, "could not be read", reviewed(timeline=GONE), id="timeline not read"),
        pytest.param(
            False,
            "content was force-pushed to head; of that, it is of head, and 1 commit came later",
            reviewed(ONCE, commits=[HEAD, commit("two")]),
            id="code came after",
        ),
        pytest.param(
            False,
            "is not among the commits that merged",
            reviewed(ONCE, commits=[commit("two", parents=("base",))]),
            id="it did not merge",
        ),
        pytest.param(
            None,
            "and merges came after that",
            reviewed(
                ONCE,
                commits=[HEAD, commit("merge", parents=("head", "newer"))],
                base_merges=[base_merge("merge", branch="head", base="newer")],
            ),
            id="a merge of the base came after",
        ),
        pytest.param(True, "the head that merged", reviewed(of="head"), id="no force-push at all"),
    ],
)
def test_what_is_not_shown_to_be_the_same_content_does_not_pass(
    answer: bool | None, why: str, found: Holds
) -> None:
    assert found.answer is answer, found.why
    assert why in found.why


oids = st.sampled_from(["old", "one", "two", "head", None])
trees = st.sampled_from(["tree", "tree", "tree", "other", GONE])
pushes = st.builds(
    force_pushed,
    st.just("dana"),
    st.sampled_from([-61, -60, -50, -50, -40, -30, 0, 1]),
    oids,
    oids,
    trees=st.tuples(trees, trees),
)


@given(st.lists(pushes, max_size=4), oids, st.booleans())
def test_a_pass_takes_an_unbroken_chain_of_equal_trees_from_the_review_to_the_head(
    events: list[ForcePushed], of: str | None, built_on_it: bool
) -> None:
    descents = [Descent(oid, "base") for oid in ("old", "one", "two") if built_on_it]
    found = reviewed(*events, of=of, descents=descents)
    since = sorted(
        (push for push in events if clock(-HOUR) <= push.at <= clock(0)), key=lambda p: p.at
    )
    if found.answer is True and since:
        instants = [push.at for push in since]
        assert len(set(instants)) == len(instants)
        assert clock(-HOUR) < instants[0]
        assert instants[-1] < clock(0)
        assert [push.before for push in since] == [of, *(push.after for push in since[:-1])]
        assert since[-1].after == "head"
        assert all(push.before_tree == push.after_tree in ("tree", "other") for push in since)
        assert of not in [push.after for push in since]
        assert built_on_it
    if not since:
        assert found == reviewed(of=of)


@pytest.mark.parametrize(
    ("said", "outcome"), [("stale", Outcome.EXCEPTION), ("same_content", Outcome.PASS)]
)
def test_the_policy_decides(said: str, outcome: Outcome) -> None:
    change = make_change(
        commits=[HEAD],
        events=[ONCE],
        descents=BUILT_ON_IT,
        reviews=[review("pat", at=-HOUR, commit="old")],
    )
    assert peer_approval_fresh(change, make_policy(force_pushes=said)).outcome is outcome
    assert peer_approval_fresh(change, make_policy()).outcome is Outcome.EXCEPTION
