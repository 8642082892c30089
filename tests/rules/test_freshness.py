"""Whether code came after an approval: told by what the server saw, never by a commit's dates."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from builders import (
    DAY,
    GONE,
    HOUR,
    actor,
    base_changed,
    base_merge,
    check,
    clock,
    commit,
    differs,
    force_pushed,
    labeled,
    make_change,
    make_policy,
    review,
)
from changeaudit.people import Holds
from changeaudit.records import Activity, ActivityKind, GitPerson, MergeCommit, Unavailable
from changeaudit.rules.freshness import fresh_review, fresh_sign_off
from changeaudit.rules.step3_peer import peer_approval_fresh
from changeaudit.verdicts import Finding, Outcome

PASS, EXCEPTION = Outcome.PASS, Outcome.EXCEPTION
UNDETERMINED, NOT_APPLICABLE = Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE


# A review, which names the commit that was reviewed ----------------------------------------------


def reviewed(oid: str | None, *commits: Any, at: float = -HOUR, **facts: Any) -> Holds:
    """Whether a review of `oid` an hour before the merge is fresh."""
    given: dict[str, Any] = {"commits": list(commits)} if commits else {}
    return fresh_review(make_change(**given, **facts), oid, clock(at))


ONE, TWO, THREE = commit("one"), commit("two"), commit("three")
BASE_MERGED = commit("merge", parents=("one", "on the base"))
SIDE = commit("side", parents=("base",))


@pytest.mark.parametrize(
    ("answer", "why", "found"),
    [
        pytest.param(True, "it is of two, the head that merged", reviewed("two", ONE, TWO)),
        pytest.param(
            True,
            "the head that merged",
            reviewed("two", commit("one", parents=GONE), commit("two", parents=GONE)),
            id="of the head, parents unread",
        ),
        pytest.param(
            True, "the head", reviewed("head", commits=GONE, head_oid="head"), id="commits unread"
        ),
        pytest.param(
            False,
            "it is of one, and 1 commit came later",
            reviewed("one", ONE, TWO),
            id="code came after",
        ),
        pytest.param(
            False,
            "2 commits came later",
            reviewed("one", ONE, TWO, THREE),
            id="more code came after",
        ),
        pytest.param(
            False,
            "1 commit came later",
            reviewed("one", commit("one", at=-DAY), commit("two", at=-30 * DAY)),
            id="back-dated code came after",
        ),
        pytest.param(
            False,
            "1 commit came later",
            reviewed("one", ONE, SIDE, commit("merge", parents=("one", "side"))),
            id="a merge brought a commit from another line",
        ),
        pytest.param(
            None,
            "it is of one, and 1 merge of the base came later, whose trees were not read",
            reviewed("one", ONE, BASE_MERGED),
            id="only a merge of the base came after",
        ),
        pytest.param(
            None,
            "the parents of what followed were not read",
            reviewed("one", commit("one", parents=GONE), commit("two", parents=GONE)),
            id="older, parents unread",
        ),
        pytest.param(
            False,
            "1 commit came later",
            reviewed("two", commit("one", parents=("base",)), TWO, THREE),
            id="in the middle",
        ),
        pytest.param(
            False,
            "it is of gone, which is not among the commits that merged",
            reviewed("gone", ONE, TWO),
            id="of a commit that did not merge",
        ),
        pytest.param(
            False,
            "which the merged head does not build on",
            reviewed("side", ONE, SIDE, commit("two", parents=("one",))),
            id="of a commit that the head does not build on",
        ),
        pytest.param(
            None,
            "the merged head later is not among the commits read",
            reviewed("one", ONE, TWO, head_oid="later"),
            id="the head is not among the commits",
        ),
        pytest.param(
            None, "no longer knows which commit", reviewed(None, ONE), id="commit not known"
        ),
        pytest.param(
            None,
            "the commits could not be read",
            reviewed("one", commits=GONE, head_oid="head"),
            id="older, commits unread",
        ),
    ],
)
def test_what_was_reviewed_is_held_against_what_merged(
    answer: bool | None, why: str, found: Holds
) -> None:
    assert found.answer is answer
    assert why in found.why


@pytest.mark.parametrize(
    ("answer", "oid", "parents"),
    [
        (True, "merge", ("base", "head")),
        (True, "merge", ("head", "base")),
        (True, "squashed", ("base",)),
        (True, "head", ("one", "on the base")),
        (None, "merge", ("base", "the head with other work")),
    ],
)
def test_a_merge_of_something_else_is_not_what_was_reviewed(
    answer: bool | None, oid: str, parents: tuple[str, ...]
) -> None:
    """Somebody pushed a merge of their own, through which the head reached the base as well."""
    found = reviewed("head", merge_commit=MergeCommit(oid, parents, "https://x/m"))
    assert found.answer is answer
    assert ("does not have the head head as a parent" in found.why) is (answer is None)


BY_MAL = GitPerson("Mal", "mal@example.com", None, actor("mal"))
NOT_OURS = differs("a.py", "evil", "old", "new", "old")
PUSH = Activity(1, ActivityKind.PUSH, "base", "merge", clock(0), actor("mal"))


def merged_by_hand(
    by_github: bool | Unavailable = False,
    *,
    parents: tuple[str, ...] = ("base", "head"),
    pushed: Activity | None = None,
    **facts: Any,
) -> Holds:
    """A review of the head, and a merge of it that GitHub is shown to have made, or not."""
    merge = MergeCommit("merge", parents, "https://x/m", BY_MAL, by_github)
    found = make_change(merge_commit=merge, commits=[commit("head")], **facts)
    return fresh_review(msgspec.structs.replace(found, pushed=pushed), "head", clock(-HOUR))


@pytest.mark.parametrize(
    ("answer", "why", "found"),
    [
        pytest.param(
            None,
            'the merge commit merge was not made by GitHub but by "mal", and whether it holds more'
            " than the head was not read",
            merged_by_hand(),
            id="its trees unread",
        ),
        pytest.param(
            None,
            "whether it holds more",
            merged_by_hand(parents=("base", "head", "other")),
            id="of three",
        ),
        pytest.param(
            True,
            "it is of head, the head that merged; the merge commit merge was not made by GitHub but"
            ' by "mal", and the merge merge has nothing but what its sides have',
            merged_by_hand(hand_merge=base_merge("merge", branch="head", base="base")),
            id="nothing of its own",
        ),
        pytest.param(
            False,
            'the merge merge changed "a.py"',
            merged_by_hand(hand_merge=base_merge("merge", NOT_OURS)),
            id="a change of its own",
        ),
        pytest.param(
            None,
            "cannot be told: GONE",
            merged_by_hand(hand_merge=base_merge("merge", unread=Unavailable("GONE"))),
            id="its trees not shown",
        ),
        pytest.param(
            None,
            "the base was force-pushed",
            merged_by_hand(hand_merge=base_merge("merge"), timeline=[force_pushed(base=True)]),
            id="the base was rewritten",
        ),
        pytest.param(
            None,
            "was not made by GitHub but pushed by mal at 2026-",
            merged_by_hand(Unavailable("it bears no signature"), pushed=PUSH),
            id="unsigned, and pushed",
        ),
        pytest.param(
            True,
            "the head that merged",
            merged_by_hand(Unavailable("it was not asked for")),
            id="collected before it was asked for",
        ),
        pytest.param(
            True, "the head that merged", merged_by_hand(True, pushed=PUSH), id="made by GitHub"
        ),
        pytest.param(
            True,
            "the head that merged",
            merged_by_hand(parents=("base",)),
            id="one parent: the server's own, or the head again",
        ),
    ],
)
def test_a_merge_that_somebody_made_may_hold_more_than_the_head(
    answer: bool | None, why: str, found: Holds
) -> None:
    assert found.answer is answer
    assert why in found.why


def test_a_merge_by_hand_is_never_a_fresh_approval_unless_its_trees_show_it() -> None:
    """Neither a review of the head nor one that merges of the base followed."""
    merge = MergeCommit("merge", ("base", "merged"), "https://x/m", None, False)
    later = commit("merged", parents=("one", "on the base"))
    facts: dict[str, Any] = {"base_merges": (base_merge("merged"),), "merge_commit": merge}
    for oid in ("merged", "one"):
        found = reviewed(oid, commit("one"), later, **facts)
        assert found.answer is None
        assert "the merge commit merge was not made by GitHub, and whether" in found.why


@pytest.mark.parametrize(
    ("merge", "why"),
    [
        (None, "names no merge commit"),
        (Unavailable("the token may not read it"), "the token may not read it"),
    ],
)
def test_where_the_merge_commit_is_not_known_more_may_have_merged(
    merge: Unavailable | None, why: str
) -> None:
    """An approval of the head is not shown to be of what merged: undetermined, never a pass."""
    found = reviewed("head", merge_commit=merge)
    assert found.answer is None
    assert why in found.why


@pytest.mark.parametrize(
    ("answer", "why", "events"),
    [
        (True, "head that merged", [force_pushed(at=-61)]),
        (None, "was force-pushed at 2026-03-10 11:00:00Z, in the same", [force_pushed(at=-60)]),
        (False, "the branch was force-pushed at 2026-03-10 11:01:00Z", [force_pushed(at=-59)]),
        (None, "in the same second as the merge", [force_pushed(at=0)]),
        (False, "11:01:00Z, after it", [force_pushed(at=0), force_pushed(at=-59)]),
        (True, "head that merged", [force_pushed(at=1)]),
        (True, "head that merged", [force_pushed(at=-59, base=True)]),
        (False, "the base was changed to main at", [base_changed("old", "main", at=-59)]),
        (None, "in the same second", [base_changed("old", "main", at=-60)]),
        (True, "head that merged", [base_changed("old", "main", at=-61)]),
        (True, "head that merged", [labeled("ready", at=-59)]),
    ],
)
def test_a_rewritten_head_or_another_base_is_another_change(
    answer: bool | None, why: str, events: list[Any]
) -> None:
    """A force-push can make a review name the new head, so it decides whatever the review says."""
    found = reviewed("head", events=events)
    assert found.answer is answer
    assert why in found.why


def test_which_second_is_shared_is_said() -> None:
    assert reviewed("head", events=[force_pushed(at=-60)]).why.endswith("in the same second")
    assert reviewed("head", events=[force_pushed(at=0)]).why.endswith("second as the merge")


def test_commits_that_name_each_other_as_parents_come_to_an_end() -> None:
    """Git makes none; an answer that was tampered with may hold them."""
    round_about = commit("one", parents=("two",)), commit("two", parents=("one", "base"))
    assert reviewed("one", *round_about).answer is not True


def test_without_the_timeline_no_review_is_fresh() -> None:
    assert reviewed("head", timeline=GONE).answer is None


# A label or a comment, which names none ----------------------------------------------------------


def signed(at: float = -30, **facts: Any) -> Holds:
    """Whether a sign-off half an hour before the merge is fresh; nothing else tells of the head."""
    return fresh_sign_off(make_change(**{"checks": [], "reviews": [], **facts}), clock(at))


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        ({"checks": [check(at=-10, created=-31)]}, "check staging created at 2026-03-10 11:29"),
        ({"checks": [check(at=None, created=-31)]}, "check staging created"),
        ({"reviews": [review("zoe", "COMMENTED", at=-31)]}, "a review of it"),
        ({"events": [force_pushed(at=-31)]}, "the force-push that brought it"),
        (
            {"events": [force_pushed(at=-40)], "reviews": [review("zoe", at=-31)]},
            "the force-push that brought it at 2026-03-10 11:20",
        ),
        (
            {
                "events": [force_pushed(at=-40, after=None)],
                "reviews": [review("zoe", at=-31)],
            },
            "a review of it",
        ),
        (
            {"events": [force_pushed(at=5)], "reviews": [review("zoe", at=-31)]},
            "a review of it",
        ),
    ],
)
def test_the_server_saw_the_head_before_the_sign_off(facts: dict[str, Any], what: str) -> None:
    found = signed(**facts)
    assert found.answer is True
    assert what in found.why


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({}, id="nothing at all"),
        pytest.param({"checks": [check(at=-10, created=-30)]}, id="a check in the same second"),
        pytest.param({"checks": [check(at=-10, created=-29)]}, id="a check after it"),
        pytest.param({"checks": [check(at=-50, created=-29)]}, id="an app's own word, by times"),
        pytest.param({"checks": [check(at=-50, created=GONE)]}, id="a check of no server time"),
        pytest.param(
            {"merge_commit_checks": [check(at=-50, commit="merge")]},
            id="a check of the merge commit",
        ),
        pytest.param({"checks": [check(at=-50, commit="another")]}, id="a check of another commit"),
        pytest.param(
            {"reviews": [review("zoe", at=-40, commit="another")]}, id="a review of another commit"
        ),
        pytest.param(
            {
                "events": [force_pushed(at=-40, after=None)],
                "reviews": [review("zoe", at=-41)],
            },
            id="a review that a force-push may have moved",
        ),
        pytest.param({"events": [force_pushed(at=-31, after="another")]}, id="another push"),
        pytest.param(
            {
                "events": [force_pushed(at=-40, after=None)],
                "reviews": [review("zoe", at=-40)],
            },
            id="a review in the second of a force-push",
        ),
        pytest.param({"events": [force_pushed(at=-31, base=True)]}, id="a push of the base"),
        pytest.param({"checks": GONE, "reviews": GONE}, id="checks and reviews unread"),
        pytest.param({"timeline": GONE, "reviews": [review("zoe", at=-31)]}, id="timeline unread"),
        pytest.param({"commits": GONE, "head_oid": "head"}, id="commits unread"),
        pytest.param({"commits": [commit(at=-30)]}, id="committed in the same second"),
        pytest.param({"commits": [commit("one", at=-20), commit("two")]}, id="an older one later"),
        pytest.param({"commits": [commit(at=-20)], "head_oid": "x"}, id="the head not among them"),
        pytest.param(
            {"commits": [commit(committer=GitPerson("x", "x@x", None, None))]}, id="no date at all"
        ),
        pytest.param({"events": [force_pushed(at=-30)]}, id="pushed in the same second"),
    ],
)
def test_a_head_that_nothing_shows_before_the_sign_off_leaves_it_open(
    facts: dict[str, Any],
) -> None:
    assert signed(**facts).answer is None


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"commits": [commit(at=-29)]}, "the merged head head was committed later, at 2026-03-10"),
        ({"commits": [commit("one"), commit("two", at=-29)]}, "the merged head two was committed"),
        ({"events": [force_pushed(at=-29)]}, "force-pushed at 2026-03-10 11:31:00Z, after it"),
        ({"events": [base_changed("old", "main", at=-29)]}, "the base was changed to main"),
    ],
)
def test_code_after_the_sign_off_makes_it_stale(facts: dict[str, Any], why: str) -> None:
    found = signed(**facts)
    assert found.answer is False
    assert why in found.why


def test_a_commits_early_date_proves_nothing() -> None:
    assert signed(commits=[commit(at=-30 * DAY)]).answer is None


def test_what_the_server_saw_outweighs_a_commits_late_date() -> None:
    assert signed(commits=[commit(at=-29)], checks=[check(at=-40)]).answer is True


# 3.3: how many of the approvals that count are fresh ---------------------------------------------


def judge(policy: dict[str, Any] | None = None, **facts: Any) -> Finding:
    finding: Finding = peer_approval_fresh(make_change(**facts), make_policy(**(policy or {})))
    assert finding.reason.endswith(".")
    return finding


HISTORY = [ONE, TWO]
OLD, NEW = review("pat", at=-50, commit="one"), review("paul", at=-40, commit="two")
UNKNOWN = review("paul", at=-40, commit=None)
POSSIBLE = review("zoe", at=-30, commit="two", can_write=GONE)
STALE_POSSIBLE = review("zoe", at=-30, commit="one", can_write=GONE)
NEED_TWO = {"peer_review": {"approvals": 2}}
WRITERS = {"roles": {"peer": {"users": ["pat", "paul"], "write_access": True}}}


@pytest.mark.parametrize(
    ("outcome", "why", "policy", "reviews"),
    [
        pytest.param(PASS, "No code came after paul's approval", {}, [NEW], id="fresh"),
        pytest.param(PASS, "paul", {}, [OLD, NEW], id="one stale, one fresh, one needed"),
        pytest.param(EXCEPTION, "Stale: approved by pat", {}, [OLD], id="stale"),
        pytest.param(
            EXCEPTION, "Stale: approved by pat", NEED_TWO, [OLD, NEW], id="one fresh of two needed"
        ),
        pytest.param(UNDETERMINED, "no longer knows", {}, [UNKNOWN], id="unknown"),
        pytest.param(
            UNDETERMINED, "no longer knows", {}, [OLD, UNKNOWN], id="one stale, one unknown"
        ),
        pytest.param(
            EXCEPTION, "Stale", NEED_TWO, [OLD, UNKNOWN], id="one stale, one unknown, two needed"
        ),
        pytest.param(
            UNDETERMINED, "no longer knows", NEED_TWO, [UNKNOWN], id="too few, and unknown"
        ),
        pytest.param(
            NOT_APPLICABLE, "Too few approvals count, and those are fresh: see 3.1", NEED_TWO, [NEW]
        ),
        pytest.param(NOT_APPLICABLE, "no approval whose freshness", {}, [], id="no approval"),
        pytest.param(NOT_APPLICABLE, "see 3.1", {}, [review("zoe", at=-50)], id="none that counts"),
        pytest.param(
            UNDETERMINED,
            "approved by zoe at 2026-03-10 11:30:00Z, but the source did not answer",
            WRITERS,
            [OLD, POSSIBLE],
            id="one stale, one fresh that may count",
        ),
        pytest.param(
            EXCEPTION, "Stale: approved by zoe", WRITERS, [STALE_POSSIBLE], id="stale, may count"
        ),
    ],
)
def test_as_many_fresh_approvals_are_needed_as_approvals(
    outcome: Outcome, why: str, policy: dict[str, Any], reviews: list[Any]
) -> None:
    finding = judge(policy, reviews=reviews, commits=HISTORY)
    assert finding.outcome is outcome
    assert why in finding.reason


def test_unread_reviews_leave_freshness_open() -> None:
    assert judge(reviews=GONE).outcome is UNDETERMINED


def test_a_stale_approval_is_said_to_be_stale_not_missing() -> None:
    assert judge(reviews=[OLD], commits=HISTORY).reason == (
        "Stale: approved by pat at 2026-03-10 11:10:00Z, but it is of one, and 1 commit came later."
    )


def test_approving_again_after_the_code_makes_it_fresh() -> None:
    again = review("pat", at=-20, commit="two")
    finding = judge(reviews=[OLD, again], commits=HISTORY)
    assert finding.outcome is PASS
    assert finding.evidence[0].at == clock(-20)
