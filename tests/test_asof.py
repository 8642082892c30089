"""A pull request as it stood when it merged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import (
    BODY,
    GONE,
    MERGED_AT,
    actor,
    base_changed,
    check,
    clock,
    comment,
    dismissed,
    drafted,
    edit,
    labeled,
    linked,
    make_pull,
    queued,
    renamed,
    review,
    unlabeled,
    unqueued,
)
from changeaudit.asof import AtMerge, as_of_merge, body_at
from changeaudit.markdown import parse
from changeaudit.records import Merged, Unavailable

FORBIDDEN = Unavailable("the token may not", "pull_requests:read")


def at_merge(**facts: Any) -> AtMerge:
    return as_of_merge(make_pull(**facts))


def unknown(found: object, word: str = "") -> bool:
    """Whether a fact is unavailable for a reason that names `word`."""
    return isinstance(found, Unavailable) and word in found.reason


def test_what_never_changed_is_what_it_is_today() -> None:
    """Without events and edits the pull request of today is the one that merged."""
    found = at_merge(title="T", draft=False)
    assert (found.title, found.body, found.base, found.draft) == ("T", BODY, "main", False)
    assert found.labels == ()
    assert found.late == ()


# Body

OLD, NEW = "old text", "new text"


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([], BODY),
        ([edit(NEW, at=-1), edit(OLD, at=-200)], NEW),
        ([edit(NEW, at=1), edit(OLD, at=-1)], OLD),
        ([edit("newest", at=9), edit(NEW, at=1), edit(OLD, at=-1), edit("", at=-2)], OLD),
        ([edit(OLD, at=-1), edit(NEW, at=1)], OLD),
        ([edit(NEW, at=1), edit("", at=-1)], ""),
        ([edit(OLD, at=0), edit(OLD, at=-1)], OLD),
        ([edit(NEW, at=1), edit(OLD, at=-1), edit(OLD, at=-1)], OLD),
        ([edit(None, at=-1), edit(OLD, at=-2)], ""),
    ],
)
def test_body(edits: list[Any], expected: str) -> None:
    """The text after the newest edit before the merge, whatever came later."""
    assert at_merge(edits=edits).body == expected


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"edits": [edit(NEW, at=1)]}, "not in the history"),
        ({"edits": [edit(NEW, at=0)]}, "not in the history"),
        ({"edits": [], "edited_at": 1}, "not in the history"),
        ({"edits": [edit(NEW, at=1), edit(None, at=-1), edit(OLD, at=-2)]}, "deleted"),
        ({"edits": [edit(NEW, at=0), edit(OLD, at=-1)]}, "the very second"),
        (
            {"edits": [edit("x", at=1), edit(NEW, at=-1), edit(OLD, at=-1)]},
            "the very second",
        ),
        ({"edits": [edit("x", at=1), edit(NEW, at=-1), edit(None, at=-1)]}, "deleted"),
        ({"edits": GONE, "edited_at": 1}, "did not answer"),
        ({"edits": GONE, "edited_at": 0}, "did not answer"),
    ],
)
def test_a_body_that_is_not_recoverable(facts: dict[str, Any], word: str) -> None:
    """Today's text never stands in for one that is lost, unread or in doubt."""
    assert unknown(at_merge(**facts).body, word)


@pytest.mark.parametrize("edited_at", [None, -1])
def test_a_body_not_edited_since_needs_no_history(edited_at: float | None) -> None:
    """The time of the last edit is enough where it is before the merge."""
    assert at_merge(edits=GONE, edited_at=edited_at).body == BODY


def test_an_edit_that_the_last_edit_does_not_know_counts() -> None:
    """The history is read even if the source gives no time of a last edit."""
    found = at_merge(edits=[edit(NEW, at=1), edit(OLD, at=-1)], edited_at=None)
    assert found.body == OLD


def test_body_at_another_time() -> None:
    """The text at any instant, not at the merge alone."""
    pull = make_pull(edits=[edit(NEW, at=-10), edit(OLD, at=-20)])
    assert body_at(pull, clock(-15)) == OLD
    assert body_at(pull, clock(-5)) == NEW


# Title, base, draft


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([renamed("A", "B", at=-1)], "today"),
        ([renamed("A", "today", at=1)], "A"),
        ([renamed("B", "today", at=2), renamed("A", "B", at=1)], "A"),
        ([renamed("A", "B", at=-1), renamed("B", "today", at=1)], "B"),
    ],
)
def test_title(events: list[Any], expected: str) -> None:
    """What the first renaming after the merge changed it from."""
    assert at_merge(title="today", events=events).title == expected


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"events": [renamed("A", "B", at=0)]}, "the very second"),
        ({"events": [renamed("A", "B", at=1), renamed("B", "C", at=1)]}, "twice"),
        ({"timeline": GONE}, "did not answer"),
    ],
)
def test_a_title_that_cannot_be_told(facts: dict[str, Any], word: str) -> None:
    """One second is no order, and an unread timeline may hold a renaming."""
    assert unknown(at_merge(**facts).title, word)


def test_base_is_the_branch_that_the_merge_names() -> None:
    """The merge's own event names the branch, whatever the pull request aims at today."""
    merge = Merged(at=MERGED_AT, actor=None, commit="m", branch="release")
    assert at_merge(base_ref="main", timeline=[merge]).base == "release"


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], "today"),
        ([base_changed("a", "b", at=-1)], "today"),
        ([base_changed("a", "today", at=1)], "a"),
        ([labeled("x", at=1), base_changed("a", "today", at=2), labeled("y", at=3)], "a"),
        ([Merged(at=MERGED_AT, actor=None, commit="m", branch="")], "today"),
        ([base_changed("b", "today", at=2), base_changed("a", "b", at=1)], "a"),
    ],
)
def test_base_without_the_merges_event(events: list[Any], expected: str) -> None:
    """What the first change of base after the merge changed it from."""
    assert at_merge(base_ref="today", timeline=events).base == expected


@pytest.mark.parametrize(
    ("events", "word"),
    [
        ([base_changed("a", "b", at=0)], "the very second"),
        ([base_changed("a", "b", at=1), base_changed("b", "c", at=1)], "twice"),
    ],
)
def test_a_base_that_cannot_be_told(events: list[Any], word: str) -> None:
    """One second is no order."""
    assert unknown(at_merge(timeline=events).base, word)


def test_base_with_the_timeline_unread() -> None:
    """Nobody can change the base of what is merged, so that today's is the merge's."""
    assert at_merge(timeline=GONE).base == "main"


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([drafted(True, at=-9), drafted(False, at=-1)], False),
        ([drafted(False, at=-1)], False),
        ([drafted(True, at=1)], False),
        ([drafted(False, at=1)], True),
        ([drafted(True, at=2), drafted(False, at=1)], True),
    ],
)
def test_draft(events: list[Any], expected: bool) -> None:
    """The opposite of what it first became after the merge."""
    assert at_merge(events=events).draft is expected


@pytest.mark.parametrize(
    "facts",
    [
        {"events": [drafted(True, at=0)]},
        {"events": [drafted(True, at=1), drafted(False, at=1)]},
        {"timeline": GONE},
    ],
)
def test_a_draft_that_cannot_be_told(facts: dict[str, Any]) -> None:
    """One second is no order, and an unread timeline tells nothing."""
    assert unknown(at_merge(**facts).draft)


# Labels


def labels(**facts: Any) -> dict[str, Any]:
    found = at_merge(**facts).labels
    assert not isinstance(found, Unavailable)
    return {label.name: (label.by, label.at) for label in found}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([labeled("qa", "quinn", -9)], ("quinn", -9)),
        ([labeled("qa", "dana", -9), unlabeled("qa", at=-8), labeled("qa", "quinn", -7)],
         ("quinn", -7)),
        ([labeled("qa", "quinn", -9), unlabeled("qa", at=1)], ("quinn", -9)),
        ([labeled("qa", "quinn", -9), unlabeled("qa", at=1), labeled("qa", "dana", 2)],
         ("quinn", -9)),
        ([labeled("qa", "dana", 1)], None),
        ([labeled("qa", "dana", -9), unlabeled("qa", at=-8)], None),
        ([labeled("qa", "dana", -9), unlabeled("qa", at=-8), labeled("qa", "dana", 1)], None),
    ],
)  # fmt: skip
def test_labels(events: list[Any], expected: tuple[str, float] | None) -> None:
    """On or off by the last event before the merge, by whoever put it on last."""
    found = labels(events=events)
    if expected is None:
        assert found == {}
    else:
        assert found == {"qa": (actor(expected[0]), clock(expected[1]))}


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"events": [labeled("qa", at=0)]}, "the very second"),
        ({"events": [labeled("qa", at=-9), unlabeled("qa", at=0)]}, "the very second"),
        ({"events": [labeled("qa", at=-9), unlabeled("qa", at=-9)]}, "within one second"),
        (
            {"events": [labeled("qa", at=-9), unlabeled("qa", at=1), labeled("qa", at=1)]},
            "within one second",
        ),
        ({"labels": ["qa"]}, "does not show who"),
        ({"events": [labeled("qa", at=-9)], "labels": []}, "not how it went"),
        ({"events": [labeled("qa", at=-9), labeled("qa", at=1)]}, "not how it went"),
        ({"events": [unlabeled("qa", at=-9)], "labels": ["qa"]}, "since when"),
        ({"events": [unlabeled("qa", at=1)]}, "since when"),
    ],
)
def test_a_label_that_cannot_be_told_has_no_time(facts: dict[str, Any], word: str) -> None:
    """It is listed with the reason, by nobody: neither on nor off is claimed."""
    by, at = labels(**facts)["qa"]
    assert by is None
    assert unknown(at, word)


def test_labels_do_not_touch_each_other() -> None:
    """Each label has its own history."""
    found = labels(events=[labeled("a", at=-9), unlabeled("b", at=-8), labeled("c", at=1)])
    assert list(found) == ["a"]


@pytest.mark.parametrize("facts", [{"timeline": GONE}, {"labels": GONE}])
def test_labels_unread(facts: dict[str, Any]) -> None:
    """Neither the timeline nor today's labels alone tell what was on."""
    assert unknown(at_merge(**facts).labels, "did not answer")


@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), max_size=5))
def test_a_label_is_claimed_only_as_the_events_say(changes: list[tuple[bool, int]]) -> None:
    """Whatever the events, a label with a time was put on then, before the merge, and stayed."""
    events = [(labeled if added else unlabeled)("qa", "quinn", at) for added, at in changes]
    for by, at in labels(events=events).values():
        if isinstance(at, Unavailable):
            assert by is None
            continue
        minutes = (at - MERGED_AT) / timedelta(minutes=1)
        assert (True, minutes) in changes
        assert minutes < 0
        assert not any(not added and minutes <= when <= 0 for added, when in changes)


# Reviews


def states(**facts: Any) -> list[Any]:
    found = at_merge(**facts).reviews
    assert not isinstance(found, Unavailable)
    return [each.state for each in found]


PAT = review("pat", at=-60)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], "APPROVED"),
        ([dismissed(PAT, at=-20)], "DISMISSED"),
        ([dismissed(PAT, at=-20, was="")], "DISMISSED"),
        ([dismissed(PAT, at=5)], "APPROVED"),
        ([dismissed(PAT, at=5, was="CHANGES_REQUESTED")], "CHANGES_REQUESTED"),
    ],
)
def test_a_review_has_the_state_of_the_merge(events: list[Any], expected: str) -> None:
    """Dismissed before the merge it is dismissed; after it, it is what it was."""
    assert states(reviews=[PAT], events=events) == [expected]


def test_a_dismissal_is_told_with_who_and_when() -> None:
    """Only one that came before the merge."""
    for at, who, when in ((-20, actor("lee"), clock(-20)), (5, None, None)):
        found = at_merge(reviews=[PAT], events=[dismissed(PAT, "lee", at)]).reviews
        assert not isinstance(found, Unavailable)
        assert (found[0].dismissed_by, found[0].dismissed_at) == (who, when)


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"reviews": [review(at=0)]}, "submitted in the very second"),
        ({"reviews": [PAT], "events": [dismissed(PAT, at=0)]}, "dismissed in the very second"),
        ({"reviews": [PAT], "events": [dismissed(PAT, at=5, was="")]}, "is not told"),
        ({"reviews": [review(state="DISMISSED")]}, "does not show when"),
        ({"reviews": [review(state="DISMISSED")], "timeline": GONE}, "does not show when"),
        ({"reviews": [review(state="DISMISSED")], "events": [dismissed(None)]}, "does not show"),
    ],
)
def test_a_review_whose_state_cannot_be_told(facts: dict[str, Any], word: str) -> None:
    """It is kept, without a state."""
    (state,) = states(**facts)
    assert unknown(state, word)


@pytest.mark.parametrize("at", [1, None])
def test_a_review_after_the_merge_or_never_submitted_is_none(at: float | None) -> None:
    """It counts for nothing."""
    assert states(reviews=[review(at=at)]) == []


def test_a_review_that_stands_today_stood_at_the_merge() -> None:
    """An approval that nobody dismissed needs no timeline."""
    assert states(timeline=GONE) == ["APPROVED"]


def test_a_dismissal_counts_though_the_review_looks_undisturbed() -> None:
    """The server's event is believed over a state that contradicts it."""
    pull = make_pull(reviews=[review("pat", id="other")], events=[dismissed(PAT, at=-20)])
    same = make_pull(reviews=[PAT])
    timeline = pull.timeline
    assert not isinstance(timeline, Unavailable)
    found = at_merge(reviews=same.reviews, timeline=timeline)
    assert not isinstance(found.reviews, Unavailable)
    assert found.reviews[0].state == "DISMISSED"


def test_reviews_unread() -> None:
    """An unread list is not an empty one."""
    assert unknown(at_merge(reviews=GONE).reviews)


# Checks


def conclusions(*checks: Any) -> list[Any]:
    found = at_merge(checks=list(checks)).checks
    assert not isinstance(found, Unavailable)
    return [each.conclusion for each in found]


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ([check()], ["SUCCESS"]),
        ([check(conclusion="FAILURE", at=-9, id=2), check(at=-8, id=1)], ["FAILURE"]),
        ([check(conclusion="FAILURE", at=-9, id=1), check(at=-8, id=1)], ["SUCCESS"]),
        ([check(at=-9, id=1), check(conclusion="FAILURE", at=1, id=2)], ["SUCCESS"]),
        ([check(at=-9, id=1), check(at=None, id=2)], ["SUCCESS"]),
        ([check(at=1)], []),
        ([check(at=None)], []),
        ([check("lint", at=None), check(), check("e2e", at=1), check("unit", "FAILURE")],
         ["SUCCESS", "FAILURE"]),
        ([check(), check(conclusion="FAILURE", producer="other")], ["SUCCESS", "FAILURE"]),
        ([check(), check(conclusion="FAILURE", kind="status")], ["SUCCESS", "FAILURE"]),
        ([check(), check("lint", "FAILURE")], ["SUCCESS", "FAILURE"]),
        ([check(), check(conclusion="FAILURE", commit="queue", id=2)], ["SUCCESS", "FAILURE"]),
        ([check(at=-9), check(at=-9)], ["SUCCESS"]),
    ],
)  # fmt: skip
def test_checks(checks: list[Any], expected: list[str]) -> None:
    """The latest run per commit, producer and name that had completed before the merge."""
    assert conclusions(*checks) == expected


@pytest.mark.parametrize(
    "checks",
    [
        [check(at=0)],
        [check(at=-9, id=1), check(at=0, id=2)],
        [check(at=-9), check(conclusion="FAILURE", at=-9)],
    ],
)
def test_a_check_whose_conclusion_cannot_be_told(checks: list[Any]) -> None:
    """One second is no order."""
    (conclusion,) = conclusions(*checks)
    assert unknown(conclusion, "second")


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ([check(at=-9, created=-10)], ["SUCCESS"]),
        ([check(at=-9, created=GONE)], ["SUCCESS"]),
        ([check(at=-9, created=1)], []),
        ([check(at=-9, id=1), check(conclusion="FAILURE", at=-8, created=1, id=2)], ["SUCCESS"]),
        ([check(at=-9, created=-8, id=1), check(conclusion="FAILURE", at=-9, id=1)], ["SUCCESS"]),
    ],
)
def test_a_check_had_not_completed_before_the_server_knew_of_it(
    checks: list[Any], expected: list[str]
) -> None:
    """When it completed is its app's word; when its suite was created is the server's."""
    assert conclusions(*checks) == expected


def test_a_check_of_a_suite_from_the_second_of_the_merge_is_in_doubt() -> None:
    (conclusion,) = conclusions(check(at=-9, created=0))
    assert unknown(conclusion, "very second of the merge")


@pytest.mark.parametrize(
    ("check_", "doubtful"),
    [
        (check(kind="status", at=5, started=5), True),
        (check(kind="status", conclusion="PENDING", at=None, started=5), True),
        (check(kind="status", conclusion="PENDING", at=None, started=0), True),
        (check(kind="status", conclusion="PENDING", at=None, started=-5), False),
        (check(kind="status", conclusion="EXPECTED", at=None, started=5), False),
        (check(at=5, started=4), False),
    ],
)
def test_a_status_that_was_set_since_the_merge_may_hide_an_earlier_one(
    check_: Any, doubtful: bool
) -> None:
    """GitHub shows the newest status of a name alone, but every run of a check."""
    found = conclusions(check_)
    assert bool(found) is doubtful
    assert all(unknown(conclusion, "does not show what it was before") for conclusion in found)


def test_the_checks_of_the_merge_commit_are_apart() -> None:
    found = at_merge(checks=[check()], merge_commit_checks=[check("e2e", commit="merge")])
    assert not isinstance(found.checks, Unavailable)
    assert not isinstance(found.merge_commit_checks, Unavailable)
    assert [c.check.name for c in found.checks] == ["staging"]
    assert [c.check.name for c in found.merge_commit_checks] == ["e2e"]
    assert unknown(at_merge(merge_commit_checks=GONE).merge_commit_checks)


def test_a_check_that_claims_to_be_early_is_shown_as_late() -> None:
    (late,) = at_merge(checks=[check(at=-9, created=3)]).late
    assert (late.at, late.what) == (clock(3), "check staging completed: success")


# The merge queue


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], False),
        ([queued(at=-9)], True),
        ([queued(at=0)], True),
        ([queued(at=1)], False),
        ([queued(at=-9), unqueued("merged", at=0)], True),
        ([queued(at=-9), unqueued("merged", at=-1)], True),
        ([queued(at=-9), unqueued("MERGE", at=0)], True),
        ([queued(at=-9), unqueued("merged", at=1)], True),
        ([queued(at=-9), unqueued("manual", at=1)], True),
        ([queued(at=-9), unqueued("manual", at=-5)], False),
        ([queued(at=-9), unqueued("manual", at=0)], False),
        ([queued(at=-9), unqueued("", at=-5), queued(at=-4)], True),
        ([queued(at=-9), unqueued("failed_checks", at=-5), queued(at=-4)], True),
        ([unqueued("manual", at=-5), queued(at=-9)], False),
        ([queued(at=-9), unqueued("manual", at=0), unqueued("merged", at=0)], True),
    ],
)
def test_whether_it_was_in_the_merge_queue_when_it_merged(
    events: list[Any], expected: bool
) -> None:
    """Put there, and taken out by nothing but the merge, whatever the order of the list."""
    assert at_merge(events=events).queued is expected


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"events": [queued(at=-9), unqueued(at=0)]}, "left the merge queue at 2026-03-10 12:00"),
        ({"events": [queued(at=-9), unqueued(at=-5)]}, "whether by the merge is not told"),
        ({"events": [queued(at=-9), unqueued("manual", at=-9)]}, "within one second"),
        (
            {"events": [queued(at=-9), unqueued("manual", at=-5), unqueued(at=-5)]},
            "whether by the merge is not told",
        ),
        ({"timeline": GONE}, "could not be read: the source did not answer"),
    ],
)
def test_whether_it_was_in_the_queue_may_not_be_told(facts: dict[str, Any], why: str) -> None:
    assert unknown(at_merge(**facts).queued, why)


def test_checks_unread() -> None:
    """Expired or forbidden is not "there were none"."""
    assert unknown(at_merge(checks=GONE).checks)


# Closing references

SEVEN = "acme/payments#7"
CLOSES = "fixes #7"
UNLINKED = linked(SEVEN, at=1, added=False)
UNLINKED_LATER = linked(SEVEN, at=2, added=False)
UNLINKED_BEFORE = linked(SEVEN, at=-1, added=False)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"closing_issues": []}, ()),
        ({"closing_issues": [SEVEN]}, (SEVEN,)),
        ({"closing_issues": [SEVEN], "body": CLOSES}, (SEVEN,)),
        ({"closing_issues": [SEVEN], "edits": [edit(CLOSES, at=1), edit("", at=-1)]}, ()),
        ({"closing_issues": [SEVEN], "edits": [edit("x", at=1), edit(CLOSES, at=-1)]}, (SEVEN,)),
        ({"closing_issues": [SEVEN], "edits": [edit("x", at=-1)]}, (SEVEN,)),
        ({"closing_issues": [SEVEN], "edits": [edit("x", at=0), edit("x", at=-1)]}, ()),
        ({"closing_issues": [SEVEN], "edits": [edit("x", at=1), edit("Fixes Acme/Payments#7",
                                                                     at=-1)]}, (SEVEN,)),
        ({"closing_issues": ["Acme/Payments#7"], "edits": [edit("x", at=1), edit(CLOSES, at=-1)]},
         ("Acme/Payments#7",)),
        ({"closing_issues": [SEVEN], "events": [linked(SEVEN, at=1)]}, ()),
        ({"closing_issues": [SEVEN], "events": [linked("Acme/Payments#7", at=1)]}, ()),
        ({"closing_issues": [SEVEN, "a/b#1"], "events": [linked(SEVEN, at=1)]}, ("a/b#1",)),
        ({"closing_issues": [SEVEN],
          "events": [linked(SEVEN, at=-9), linked(SEVEN, at=-5, added=False),
                     linked(SEVEN, at=1)]}, ()),
        ({"closing_issues": [SEVEN],
          "events": [linked(SEVEN, at=-9, added=False), linked(SEVEN, at=-5)]}, (SEVEN,)),
        ({"closing_issues": [SEVEN], "events": [linked("Acme/Payments#7", at=-1)]}, (SEVEN,)),
        ({"closing_issues": [SEVEN], "events": [linked(SEVEN, at=1)], "body": CLOSES}, (SEVEN,)),
        ({"closing_issues": [], "events": [linked(SEVEN, at=-1), UNLINKED]}, (SEVEN,)),
        ({"closing_issues": [], "events": [linked(SEVEN, at=-9), UNLINKED_BEFORE]}, ()),
        ({"closing_issues": [], "events": [linked(SEVEN, at=-1)]}, ()),
        ({"closing_issues": [], "events": [linked(SEVEN, at=1), UNLINKED_LATER]}, ()),
        ({"closing_issues": [], "body": CLOSES,
          "events": [linked("Acme/Payments#7", at=-1), linked(SEVEN, at=1, added=False)]},
         ("Acme/Payments#7",)),
        ({"closing_issues": [SEVEN, "a/b#1"], "timeline": GONE, "body": CLOSES}, (SEVEN,)),
    ],
)  # fmt: skip
def test_closing_issues(facts: dict[str, Any], expected: tuple[str, ...]) -> None:
    """Today's references, less what a later edit or link brought, with what was unlinked since."""
    assert at_merge(**facts).closing_issues == expected


@pytest.mark.parametrize(
    "facts",
    [
        {"events": [linked(SEVEN, at=0)]},
        {"events": [linked(SEVEN, at=-9), linked(SEVEN, at=-9, added=False)]},
        {"events": [linked(SEVEN, at=-9), linked(SEVEN, at=0, added=False), linked(SEVEN, at=1)]},
        {"edits": [edit(CLOSES, at=1)]},
        {"timeline": GONE},
    ],
)
def test_closing_issues_that_cannot_be_told(facts: dict[str, Any]) -> None:
    """A reference that may have come after the merge does not count, nor is it none."""
    assert unknown(at_merge(closing_issues=[SEVEN], **facts).closing_issues, SEVEN)


def test_closing_issues_unread() -> None:
    """An unread list is not an empty one."""
    assert unknown(at_merge(closing_issues=GONE).closing_issues, "did not answer")


# Late evidence


@pytest.mark.parametrize(
    ("facts", "what", "by"),
    [
        ({"reviews": [review("sam", at=5)]}, "review submitted: approved", "sam"),
        ({"edits": [edit(NEW, at=5, by="pat"), edit(OLD, at=-5)]}, "description edited", "pat"),
        ({"edits": GONE, "edited_at": 5}, "description edited", None),
        ({"comments": [comment(at=-5, edited_at=5)]}, "comment edited", None),
        ({"checks": [check(at=5)]}, "check staging completed: success", None),
        ({"events": [labeled("qa", "quinn", 5)]}, "label qa applied", "quinn"),
        ({"events": [labeled("qa", at=-5), unlabeled("qa", "lee", 5)]}, "label qa removed", "lee"),
        ({"events": [renamed("A", "B", "pat", 5)]}, "title changed from 'A'", "pat"),
        ({"reviews": [PAT], "events": [dismissed(PAT, "lee", 5)]},
         "review dismissed (it was approved)", "lee"),
        ({"events": [base_changed("a", "b", "pat", 5)]}, "base changed from a to b", "pat"),
        ({"events": [linked(SEVEN, "pat", 5)]}, f"issue {SEVEN} linked by hand", "pat"),
        ({"events": [linked(SEVEN, "pat", 5, added=False)]}, f"issue {SEVEN} unlinked by hand",
         "pat"),
    ],
)  # fmt: skip
def test_what_came_later_is_late_evidence(facts: dict[str, Any], what: str, by: str | None) -> None:
    """It is told with who and when, apart from what stood at the merge."""
    (late,) = at_merge(**facts).late
    assert (late.what, late.by, late.at) == (what, actor(by), clock(5))
    assert late.url.startswith("https://github.com/acme/payments/")


def test_every_late_event_is_told() -> None:
    """Whatever stands before it on the timeline."""
    events = [drafted(True, at=3), labeled("a", at=4), drafted(False, at=5), labeled("b", at=6)]
    assert [late.at for late in at_merge(events=events).late] == [clock(4), clock(6)]


def test_a_comment_of_the_merges_second_that_was_edited_later_is_told() -> None:
    """Like any that was there by then."""
    (late,) = at_merge(comments=[comment(at=0, edited_at=5)]).late
    assert late.what == "comment edited"


def test_what_came_before_is_not_late() -> None:
    """Nor is what came in the second of the merge, nor a kind of event that changes no verdict."""
    events = [
        labeled("a", at=-1),
        labeled("b", at=0),
        renamed("A", "B", at=-1),
        drafted(True, at=5),
    ]
    found = at_merge(
        events=events,
        reviews=[review(at=-1), review(at=0), review(at=None)],
        edits=[edit(NEW, at=0), edit(OLD, at=-1)],
        comments=[
            comment(at=-5),
            comment(at=-5, edited_at=-1),
            comment(at=-5, edited_at=0),
            comment(at=5, edited_at=6),
        ],
        checks=[check(at=-1), check(at=0), check(at=None)],
    )
    assert found.late == ()


@pytest.mark.parametrize("edited_at", [None, -1, 0])
def test_an_edit_before_the_merge_is_not_late_though_its_history_is_unread(
    edited_at: float | None,
) -> None:
    """The time of the last edit tells."""
    assert at_merge(edits=GONE, edited_at=edited_at).late == ()


@pytest.mark.parametrize(
    ("fact", "facts"),
    [
        ("body", {"edits": FORBIDDEN, "edited_at": 1}),
        ("title", {"timeline": FORBIDDEN}),
        ("draft", {"timeline": FORBIDDEN}),
        ("queued", {"timeline": FORBIDDEN}),
        ("labels", {"timeline": FORBIDDEN}),
        ("labels", {"labels": FORBIDDEN}),
        ("reviews", {"reviews": FORBIDDEN}),
        ("checks", {"checks": FORBIDDEN}),
        ("closing_issues", {"closing_issues": FORBIDDEN}),
    ],
)
def test_the_permission_that_is_lacking_is_kept(fact: str, facts: dict[str, Any]) -> None:
    """So that whoever reads the report knows what to ask for."""
    found = getattr(at_merge(**facts), fact)
    assert isinstance(found, Unavailable)
    assert found.permission == FORBIDDEN.permission


def test_late_evidence_is_in_the_order_of_time() -> None:
    """Whatever its kind."""
    found = at_merge(
        events=[labeled("a", at=3), labeled("b", at=1)],
        reviews=[review(at=2)],
        checks=GONE,
        comments=GONE,
    )
    assert [late.at for late in found.late] == [clock(1), clock(2), clock(3)]
    assert at_merge(reviews=GONE, timeline=GONE).late == ()


@pytest.mark.parametrize(("edits", "taken_over"), [([], True), ([edit("new", 10)], False)])
def test_the_description_of_another_instant_is_taken_over_if_it_read_the_same(
    edits: list[Any], taken_over: bool
) -> None:
    """What has been read once is not read again; what has changed is."""
    pull = make_pull(edits=[edit("old", -10), *edits])
    then = as_of_merge(pull)
    now = as_of_merge(msgspec.structs.replace(pull, merged_at=clock(60)), earlier=then)
    assert (now.description is then.description) is taken_over
    assert now.description == parse(now.body if isinstance(now.body, str) else "")
