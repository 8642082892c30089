"""What holds of every change whatsoever, tried on many invented ones."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from builders import (
    GONE,
    HOUR,
    base_changed,
    check,
    clock,
    comment,
    commit,
    deployed,
    dismissed,
    edit,
    file,
    force_pushed,
    labeled,
    make_change,
    make_policy,
    named,
    person,
    queued,
    renamed,
    review,
    ticket,
    unlabeled,
)
from changeaudit.asof import as_of_merge
from changeaudit.audit import judge
from changeaudit.change import Change
from changeaudit.policy import ATTRIBUTE_IDS, Policy
from changeaudit.records import LabelChanged, PullRequest, Review, Unavailable
from changeaudit.rules.registry import STANDARD
from changeaudit.verdicts import Outcome, Verdict, combine

pytestmark = pytest.mark.slow

PASS = Outcome.PASS

# Few people, few instants and few commits, so that things collide: the same second, the same
# person in two roles, an approval by the author.
LOGINS = ["dana", "pat", "paul", "sam", "quinn", "lee", "lou", "ci[bot]", None]
INSTANTS = [-120, -90, -60, -30, -10, 0, 10]
OIDS = ["one", "two", "head"]

logins = st.sampled_from(LOGINS)
instants = st.sampled_from(INSTANTS)
halves = st.booleans()

policies = st.builds(
    make_policy,
    peer_review=st.fixed_dictionaries({"approvals": st.sampled_from([1, 2])}),
    final_approval=st.fixed_dictionaries(
        {
            "approvals": st.sampled_from([1, 1, 2]),
            "peer_may_be_lead": st.booleans(),
            "mergers": st.sampled_from([[], ["dana"]]),
        }
    ),
    roles=st.sampled_from(
        [
            {},
            {"peer": {"write_access": True}},
            {"peer": {"users": ["pat", "lee", "quinn"]}, "qa": {"users": ["quinn", "lee"]}},
            {"lead": {"users": [{"login": "lee", "to": "2026-03-09"}, "lou"]}},
            {"lead": {}},
        ]
    ),
    qa=st.sampled_from(
        [
            {},
            {"review": False},
            {"review": False, "labels": [], "comment": "QA signed off"},
            {"comment": "QA signed off"},
        ]
    ),
    unlinked_commits=st.sampled_from(["undetermined", "opener"]),
    force_pushes=st.sampled_from(["stale", "same_content"]),
)


@st.composite
def reviews(draw: st.DrawFn) -> list[Review]:
    found = draw(
        st.lists(
            st.builds(
                review,
                logins,
                st.sampled_from(["APPROVED", "APPROVED", "CHANGES_REQUESTED", "COMMENTED"]),
                instants,
                commit=st.sampled_from(["head", "head", "head", "two", "one", "gone", None]),
                can_write=st.sampled_from([True, True, False, GONE]),
            ),
            max_size=6,
        )
    )
    return [msgspec.structs.replace(each, id=f"review-{n}") for n, each in enumerate(found)]


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """A change of few people; about half start from one that follows the procedure."""
    given_reviews = draw(reviews())
    if draw(halves):
        good = [("pat", -120), ("sam", -100), ("quinn", -80), ("lee", -20)]
        given_reviews += [review(by, at=at, commit="head") for by, at in good]
    events: list[Any] = draw(
        st.lists(
            st.one_of(
                st.builds(labeled, st.sampled_from(["qa-approved", "security"]), logins, instants),
                st.builds(unlabeled, st.just("qa-approved"), logins, instants),
                st.builds(force_pushed, logins, instants, after=st.sampled_from(["head", None])),
                st.builds(base_changed, st.just("old"), st.just("main"), logins, instants),
                st.builds(queued, logins, instants),
                st.builds(deployed, st.just("staging"), at=instants),
            ),
            max_size=3,
        )
    )
    if draw(halves) and given_reviews:
        which = draw(st.sampled_from(given_reviews))
        events.append(dismissed(which, at=draw(instants), was=which.state))
    return make_change(
        author=draw(st.sampled_from(["dana", "dana", "pat", None])),
        merged_by=draw(st.sampled_from(["lee", "dana", "ci[bot]", None])),
        reviews=given_reviews,
        events=events,
        commits=draw(
            st.sampled_from(
                [
                    [commit("head")],
                    [commit("one"), commit("two", "pat"), commit("head")],
                    [commit("one"), commit("head", parents=("one", "on the base"))],
                    [commit("one"), commit("two", authors=(person("x", linked=False),)), commit()],
                    [commit("one", parents=GONE), commit("head", parents=GONE)],
                ]
            )
        ),
        head_oid="head",
        checks=draw(
            st.lists(
                st.builds(
                    check,
                    st.sampled_from(["staging", "unit"]),
                    st.sampled_from(["SUCCESS", "SUCCESS", "FAILURE", "SKIPPED"]),
                    instants,
                    id=st.integers(1, 3),
                ),
                max_size=3,
            )
        ),
        comments=draw(
            st.lists(
                st.builds(
                    comment,
                    logins,
                    st.sampled_from(["QA signed off", "why?"]),
                    instants,
                    edited_at=st.sampled_from([None, None, -5]),
                ),
                max_size=2,
            )
        ),
        files=draw(st.sampled_from([[file()], [file("auth/login.py")], [file("a"), file("b")]])),
        tickets=draw(st.sampled_from([[named(ticket())], [named("PAY-9")], []])),
    )


def verdicts(change: Change, policy: Policy) -> dict[str, Verdict]:
    return {verdict.attribute: verdict for verdict in judge(change, policy).verdicts()}


def outcomes(change: Change, policy: Policy) -> dict[str, Outcome]:
    return {id_: verdict.outcome for id_, verdict in verdicts(change, policy).items()}


def with_pull(change: Change, **facts: Any) -> Change:
    """The change with other facts, seen anew as of its merge."""
    pull = msgspec.structs.replace(change.pull, **facts)
    return msgspec.structs.replace(change, pull=pull, at_merge=as_of_merge(pull))


def assert_no_pass_gained(less: dict[str, Outcome], more: dict[str, Outcome]) -> None:
    gained = [id_ for id_ in less if less[id_] is PASS and more[id_] is not PASS]
    assert gained == []


@given(changes(), policies)
def test_every_attribute_is_judged_once_with_its_reason_and_evidence(
    change: Change, policy: Policy
) -> None:
    found = judge(change, policy)
    assert tuple(verdict.attribute for verdict in found.verdicts()) == ATTRIBUTE_IDS
    for verdict in found.verdicts():
        assert verdict.reason.endswith(".")
        assert not verdict.reason.endswith("..")
        if verdict.outcome is PASS:
            assert verdict.evidence
    for step in found.steps:
        assert step.outcome is combine(verdict.outcome for verdict in step.attributes)


@given(changes(), policies, st.randoms(use_true_random=False))
def test_the_order_in_which_facts_are_listed_decides_nothing(
    change: Change, policy: Policy, shuffle: random.Random
) -> None:
    """GitHub lists as it likes; within one second there is no order at all."""
    shuffled: dict[str, Any] = {}
    for name in ("reviews", "timeline", "commits", "checks", "comments", "files", "edits"):
        listed = list(getattr(change.pull, name))
        shuffle.shuffle(listed)
        shuffled[name] = tuple(listed)
    assert outcomes(with_pull(change, **shuffled), policy) == outcomes(change, policy)


# On what a source listed, with the type checker told that all of it was read.
LATE: list[Callable[[Any], dict[str, Any]]] = [
    lambda p: {"reviews": (*p.reviews, review("pat", at=20, commit="head"))},
    lambda p: {"reviews": (*p.reviews, review("lee", "CHANGES_REQUESTED", at=20, commit="head"))},
    lambda p: {
        "timeline": (*p.timeline, labeled("qa-approved", at=20)),
        "labels": ("qa-approved",),
    },
    lambda p: {"timeline": (*p.timeline, force_pushed("pat", at=20))},
    lambda p: {"timeline": (*p.timeline, queued("lee", at=20))},
    lambda p: {"timeline": (*p.timeline, deployed(at=20))},
    lambda p: {"timeline": (*p.timeline, renamed(p.title, "PAY-1", at=20)), "title": "PAY-1"},
    lambda p: {"checks": (*p.checks, check(at=20, id=9, commit="head", started=15))},
    lambda p: {"checks": (*p.checks, check("staging", "FAILURE", at=20, id=9, commit="head"))},
    lambda p: {"comments": (*p.comments, comment(at=20))},
    lambda p: {
        "body": "- [x] nothing",
        "edited_at": clock(20),
        "edits": (edit("- [x] nothing", at=20), edit(p.body, at=-4 * HOUR)),
    },
]


@given(changes(), policies, st.sampled_from(LATE))
def test_what_came_after_the_merge_decides_nothing(
    change: Change, policy: Policy, late: Callable[[Any], dict[str, Any]]
) -> None:
    """A late approval, label, edit or check neither makes a pass nor takes one away."""
    timeline, labels = change.pull.timeline, change.pull.labels
    assert not isinstance(timeline, Unavailable)
    assert not isinstance(labels, Unavailable)
    facts = late(change.pull)
    if "labels" in facts:
        touched = {event.label for event in timeline if isinstance(event, LabelChanged)}
        assume("qa-approved" not in touched)
        facts["labels"] = (*labels, "qa-approved")
    assert outcomes(with_pull(change, **facts), policy) == outcomes(change, policy)


@given(changes(), policies, st.data())
def test_dismissing_after_the_merge_decides_nothing(
    change: Change, policy: Policy, data: st.DataObject
) -> None:
    found, timeline = change.pull.reviews, change.pull.timeline
    assert not isinstance(found, Unavailable)
    assert not isinstance(timeline, Unavailable)
    assume(any(each.state == "APPROVED" for each in found))
    which = data.draw(st.sampled_from([each for each in found if each.state == "APPROVED"]))
    today = tuple(
        msgspec.structs.replace(each, state="DISMISSED") if each.id == which.id else each
        for each in found
    )
    late = (*timeline, dismissed(which, at=20))
    after = outcomes(with_pull(change, reviews=today, timeline=late), policy)
    assert after == outcomes(change, policy)


@given(changes(), policies, st.data())
def test_taking_an_approval_away_never_makes_an_approval_enough(
    change: Change, policy: Policy, data: st.DataObject
) -> None:
    found = change.pull.reviews
    assert not isinstance(found, Unavailable)
    approving = [each for each in found if each.state == "APPROVED"]
    assume(approving)
    gone = data.draw(st.sampled_from(approving))
    less = outcomes(
        with_pull(change, reviews=tuple(each for each in found if each.id != gone.id)), policy
    )
    more = outcomes(change, policy)
    for id_ in ("3.1", "3.3", "4.2", "6.1", "6.3"):
        assert less[id_] is not PASS or more[id_] is PASS, id_


FIELDS = [
    name
    for name in PullRequest.__struct_fields__
    if "Unavailable" in str(PullRequest.__annotations__[name])
]


def test_the_fields_that_may_be_unavailable_are_known() -> None:
    assert {"reviews", "commits", "files", "timeline", "checks", "labels"} <= set(FIELDS)


@given(changes(), policies, st.sampled_from(FIELDS))
def test_what_could_not_be_read_never_makes_a_pass(
    change: Change, policy: Policy, field: str
) -> None:
    """Evidence that is missing may leave a claim open, and shows none."""
    assert_no_pass_gained(
        outcomes(with_pull(change, **{field: GONE}), policy), outcomes(change, policy)
    )


@given(changes(), policies)
def test_parents_that_were_not_read_never_make_a_pass(change: Change, policy: Policy) -> None:
    commits = change.pull.commits
    assert not isinstance(commits, Unavailable)
    unread = tuple(msgspec.structs.replace(each, parents=GONE) for each in commits)
    assert_no_pass_gained(
        outcomes(with_pull(change, commits=unread), policy), outcomes(change, policy)
    )


@given(changes(), policies, logins)
def test_somebodys_part_in_the_code_never_makes_an_approval_count(
    change: Change, policy: Policy, login: str | None
) -> None:
    commits = change.pull.commits
    assert not isinstance(commits, Unavailable)
    more = tuple(
        msgspec.structs.replace(each, authors=(*each.authors, person(login))) for each in commits
    )
    less = outcomes(with_pull(change, commits=more), policy)
    whole = outcomes(change, policy)
    for id_ in ("3.1", "3.3", "4.2", "4.3", "5.3", "6.1", "6.3"):
        assert less[id_] is not PASS or whole[id_] is PASS, id_


def test_the_standard_attributes_are_what_is_tried() -> None:
    assert tuple(attribute.id for attribute in STANDARD) == ATTRIBUTE_IDS
