"""Segregation of duties: who did what, who did two things, and what the policy says of that."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from builders import (
    GONE,
    branch_commit,
    clock,
    comment,
    commit,
    dismissed,
    file,
    force_pushed,
    fully_approved,
    labeled,
    make_change,
    make_direct_push,
    make_policy,
    person,
    queued,
    review,
)
from changeaudit.audit import judge
from changeaudit.change import Change
from changeaudit.policy import EffectivePolicy
from changeaudit.records import Activity, ActivityKind, Actor
from changeaudit.rules.duties import Segregation, segregation, segregation_of_push
from changeaudit.verdicts import ChangeClass, Conflict, DutyName, Outcome, Standing

QUEUE = "github-merge-queue[bot]"
OWN = [review("dana"), review("quinn", at=-50), review("lee", at=-20)]
BOT: dict[str, Any] = {"classes": {"automated": {"authors": ["bot[bot]"], "attributes": ["5.2"]}}}


def found(change: Change, doubt: str = "", **policy: Any) -> Segregation:
    return segregation(change, EffectivePolicy(make_policy(**policy), (), doubt))


def people(told: Segregation) -> dict[str, tuple[str, ...]]:
    return {duty.duty: duty.people for duty in told.duties}


def remark(told: Segregation, name: DutyName) -> str:
    return next(duty.remark for duty in told.duties if duty.duty is name)


def pairs(told: Segregation) -> list[tuple[str, ...]]:
    """Each pair: the person, both duties, its standing, and what decides it."""
    return [(c.person, *c.duties, c.standing, c.by) for c in told.conflicts]


# Who did what -----------------------------------------------------------------------------------


def test_each_duty_has_its_people_in_the_order_of_the_procedure() -> None:
    told = found(fully_approved())
    assert people(told) == {
        "developed": ("dana",),
        "reviewed": ("pat",),
        "secured": (),
        "tested": ("quinn",),
        "approved": ("lee",),
        "merged": ("lee",),
    }
    assert [duty.duty for duty in told.duties] == list(DutyName)
    assert remark(told, DutyName.SECURED) == "No security review is required."
    assert told.conflicts == ()


def test_a_developer_is_whoever_opened_wrote_or_force_pushed_each_once() -> None:
    change = fully_approved(
        commits=[commit("one", "dana", "cora"), commit("head", "Dana")],
        events=[force_pushed("fran", at=-300)],
    )
    told = people(found(change))["developed"]
    assert {who.casefold() for who in told} == {"dana", "cora", "fran"}
    assert len([who for who in told if who == "dana"]) == 1


def test_people_are_one_by_their_accounts_id_whatever_the_login() -> None:
    """A login that was renamed between two acts is still the same person."""
    pat = review("pat").author
    assert pat is not None
    renamed = Actor(pat.id, "patricia")
    change = fully_approved(author=renamed)
    assert (
        "pat",
        "developed",
        "reviewed",
        "forbidden",
        "3.1",
    ) in pairs(found(change))
    other = Actor(7, "pat")
    assert not [c for c in found(fully_approved(author=other)).conflicts if "pat" in c.person]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"reviews": []}, ""),
        ({"reviews": GONE}, "The reviews could not be read: the source did not answer."),
        (
            {"reviews": [review(None)]},
            "Approved by a deleted account at 2026-03-10 11:00:00Z, but the account is deleted now,"
            " so nobody can be shown to have done it.",
        ),
        (
            {"reviews": [review("pat", at=-60)], "events": [force_pushed(at=-30)]},
            "Approved by pat at 2026-03-10 11:00:00Z, but the branch was force-pushed",
        ),
        ({"reviews": [review("nobody")]}, ""),
    ],
    ids=["none", "unread", "deleted", "stale", "in no role"],
)
def test_nobody_reviewed_and_why(facts: dict[str, Any], said: str) -> None:
    """Whoever tried in vain is named; somebody who is no peer did not try to review as one."""
    told = found(make_change(**facts))
    assert people(told)["reviewed"] == ()
    assert remark(told, DutyName.REVIEWED).startswith(said)
    assert bool(remark(told, DutyName.REVIEWED)) is bool(said)


def test_whose_approval_may_count_stands_apart() -> None:
    change = fully_approved(commits=[commit("head", "dana"), commit("two", None)])
    told = found(change)
    by_duty = {duty.duty: duty for duty in told.duties}
    assert by_duty[DutyName.REVIEWED].people == ()
    assert by_duty[DutyName.REVIEWED].unsure == ("pat",)
    assert "has no linked account" in by_duty[DutyName.DEVELOPED].remark


def test_many_doubts_are_counted() -> None:
    strange = [commit(f"c{n}", authors=(person(f"x{n}", linked=False),)) for n in range(15)]
    said = remark(found(fully_approved(commits=strange)), DutyName.DEVELOPED)
    assert said.count("has no linked account") == 10
    assert said.endswith("; 5 further doubts.")


def test_an_opener_whose_account_is_deleted_is_said() -> None:
    told = found(fully_approved(author=None, commits=[commit("head", "dana")]))
    assert "The opener's account is deleted now" in remark(told, DutyName.DEVELOPED)
    assert {c.standing for c in told.conflicts} == {Standing.UNDETERMINED}


@pytest.mark.parametrize(
    ("facts", "who", "said"),
    [
        ({"merged_by": None}, (), "The account that merged is deleted now."),
        ({"merged_by": QUEUE, "events": [queued("lee")]}, ("lee",), f"By the merge queue, {QUEUE}"),
        ({"merged_by": QUEUE}, (), f"{QUEUE} did; who put it into the merge queue is not known."),
        (
            {"merged_by": QUEUE, "events": [queued("lee"), queued("pat")]},
            (),
            f"{QUEUE} did; who put it into",
        ),
        ({"merged_by": QUEUE, "events": [queued("pat", -30), queued("lee", -9)]}, ("lee",), "By"),
        ({"merged_by": QUEUE, "timeline": GONE}, (), f"{QUEUE} did; who put it into"),
    ],
    ids=["deleted", "queue", "queue by nobody", "two in one second", "the last", "unread"],
)
def test_who_merged(facts: dict[str, Any], who: tuple[str, ...], said: str) -> None:
    told = found(fully_approved(**facts))
    assert people(told)["merged"] == who
    assert remark(told, DutyName.MERGED).startswith(said)


def test_a_check_that_signs_off_is_nobody() -> None:
    told = found(make_change(reviews=[review("pat")]), qa={"staging_checks_sign_off": True})
    assert people(told)["tested"] == ()
    assert (
        remark(told, DutyName.TESTED)
        == "Signed off by check staging, which the policy lets sign off."
    )


def test_why_a_duty_cannot_be_told_is_said() -> None:
    """Where the policy names no way to sign off, or nobody for a role."""
    told = found(fully_approved(), qa={"review": False, "labels": []}, roles={"lead": {}})
    assert "names no way in which QA signs off" in remark(told, DutyName.TESTED)
    assert "names nobody for the role 'lead'" in remark(told, DutyName.APPROVED)


# A developer who approved -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "other", "attribute"),
    [("pat", "reviewed", "3.1"), ("quinn", "tested", "5.3"), ("lee", "approved", "6.1")],
)
def test_a_developer_who_approved_is_a_forbidden_pair(who: str, other: str, attribute: str) -> None:
    """The approval does not count, and it is what an auditor looks for."""
    told = found(fully_approved(commits=[commit("head", "dana", who)]))
    (pair,) = [c for c in told.conflicts if c.standing is Standing.FORBIDDEN]
    assert (pair.person, *pair.duties, pair.by) == (who, "developed", other, attribute)
    assert f"but {who} is a co-author of head: a developer's" in pair.reason
    assert people(told)[other] == ()


def test_a_developer_of_the_security_team_is_one_where_a_review_is_required() -> None:
    reviews = [*fully_approved().pull.reviews, review("sam", at=-40)]  # type: ignore[misc]
    facts: dict[str, Any] = {"reviews": reviews, "commits": [commit("head", "dana", "sam")]}
    required = found(make_change(files=[file("auth/login.py")], **facts))
    assert ("sam", "developed", "secured", "forbidden", "4.2") in pairs(required)
    not_required = found(make_change(**facts))
    assert ("sam", "developed", "secured", "allowed", "4.1") in pairs(not_required)


def test_a_label_or_a_comment_of_a_developers_is_a_sign_off_of_their_own() -> None:
    change = make_change(
        commits=[commit("head", "dana", "quinn")],
        events=[labeled("qa-approved", "quinn")],
        comments=[comment("quinn")],
    )
    assert ("quinn", "developed", "tested", "forbidden", "5.3") in pairs(found(change))
    reason = next(c.reason for c in found(change).conflicts if c.person == "quinn")
    assert reason.endswith("a developer's sign-off does not count.")


@pytest.mark.parametrize(
    ("class_", "standing", "by"),
    [
        (ChangeClass.STANDARD, "forbidden", "3.1"),
        (ChangeClass.EMERGENCY, "forbidden", "E.3"),
        (ChangeClass.AUTOMATED, "allowed", "classes.automated.attributes"),
    ],
)
def test_what_forbids_a_developer_in_no_role_to_approve_is_asked_of_the_class(
    class_: ChangeClass, standing: str, by: str
) -> None:
    told = found(make_change(reviews=OWN, author="erin", class_=class_), **BOT)
    assert ("dana", "developed", "reviewed", standing, by) in pairs(told)


def test_a_developer_in_no_role_who_approved_is_one_too() -> None:
    told = found(make_change(reviews=OWN, author="erin", commits=[commit("head", "dana")]))
    assert [p for p in pairs(told) if p[3] == "forbidden"] == [
        ("dana", "developed", "reviewed", "forbidden", "3.1")
    ]
    assert "dana approved in none of the roles, and dana is the author of head." in [
        c.reason for c in told.conflicts
    ]


def test_an_approval_that_did_not_stand_is_no_act() -> None:
    own = review("pat", at=-60)
    change = make_change(
        reviews=[own], events=[dismissed(own)], commits=[commit("head", "dana", "pat")]
    )
    assert found(change).conflicts == ()


def test_a_stale_approval_of_a_developers_is_one() -> None:
    change = make_change(
        reviews=[review("pat", at=-60)],
        events=[force_pushed(at=-30)],
        commits=[commit("head", "dana", "pat")],
    )
    assert ("pat", "developed", "reviewed", "forbidden", "3.1") in pairs(found(change))


def test_whether_they_are_a_developer_cannot_be_told() -> None:
    strange = commit("head", authors=(person(None, linked=False),))
    told = found(fully_approved(commits=[strange]))
    assert pairs(told) == [
        ("pat", "developed", "reviewed", "undetermined", "3.1"),
        ("quinn", "developed", "tested", "undetermined", "5.3"),
        ("lee", "developed", "approved", "undetermined", "6.1"),
    ]
    assert all("cannot be told" in c.reason for c in told.conflicts)


# A developer who merged -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("may", "facts", "standing", "by"),
    [
        (True, {"merged_by": "dana"}, "allowed", "final_approval.developer_may_merge"),
        (False, {"merged_by": "dana"}, "forbidden", "6.4"),
        (False, {"merged_by": QUEUE, "events": [queued("dana")]}, "forbidden", "6.4"),
        (False, {"author": None, "commits": [commit("head", "x")]}, "undetermined", "6.4"),
        (True, {"author": None, "commits": [commit("head", "x")]}, None, ""),
        (False, {"merged_by": None}, None, ""),
        (False, {}, None, ""),
    ],
)
def test_a_developer_who_merged(
    may: bool, facts: dict[str, Any], standing: str | None, by: str
) -> None:
    told = found(fully_approved(**facts), final_approval={"developer_may_merge": may})
    assert [p[3:] for p in pairs(told) if p[2] == "merged"] == (
        [(standing, by)] if standing else []
    )


# One person with two approvals ------------------------------------------------------------------


BOTH: dict[str, Any] = {"lead": {"users": ["pat"]}}
"""Pat is a peer and a lead."""


@pytest.mark.parametrize(
    ("reviews", "policy", "standing", "by"),
    [
        ([review("pat")], {"roles": BOTH}, "forbidden", "6.5"),
        ([review("paul"), review("pat", at=-9)], {"roles": BOTH}, "allowed", "6.5"),
        (
            [review("pat")],
            {"roles": BOTH, "final_approval": {"peer_may_be_lead": True}},
            "allowed",
            "final_approval.peer_may_be_lead",
        ),
        (
            [review("paul", commit=None), review("pat", at=-9)],
            {"roles": BOTH},
            "undetermined",
            "6.5",
        ),
        ([review("pat")], {"roles": {"security": {"users": ["pat"]}}}, "allowed", ""),
        ([review("quinn")], {"roles": {"lead": {"users": ["quinn"]}}}, "allowed", ""),
    ],
    ids=["too few", "enough others", "may be both", "doubtful other", "security", "qa"],
)
def test_one_person_with_two_approvals(
    reviews: Any, policy: dict[str, Any], standing: str, by: str
) -> None:
    told = found(make_change(reviews=reviews), **policy)
    assert [p[3:] for p in pairs(told)] == [(standing, by)]


def test_that_both_approvals_count_may_not_be_sure() -> None:
    told = found(
        make_change(reviews=[review("pat", commit=None)]), roles={"security": {"users": ["pat"]}}
    )
    (pair,) = told.conflicts
    assert "(whether both count is not sure), which the procedure allows." in pair.reason


# What is not asked ------------------------------------------------------------------------------


def test_of_an_automated_change_nothing_is_forbidden_that_is_not_asked() -> None:
    change = fully_approved(
        class_=ChangeClass.AUTOMATED, commits=[commit("head", "dana", "pat")], merged_by="dana"
    )
    told = found(change, **BOT, roles={"lead": {"users": ["quinn", "paul"]}})
    assert {c.standing for c in told.conflicts if "pat" in c.person} == {Standing.ALLOWED}
    assert remark(told, DutyName.REVIEWED).endswith(
        "The policy does not ask it of automated changes."
    )
    key = "classes.automated.attributes"
    assert ("pat", "developed", "reviewed", "allowed", key) in pairs(told)
    assert ("dana", "developed", "merged", "allowed", key) in pairs(told)


def test_peer_and_lead_may_be_one_where_that_is_not_asked() -> None:
    told = found(
        make_change(class_=ChangeClass.AUTOMATED, reviews=[review("pat")]), **BOT, roles=BOTH
    )
    assert pairs(told) == [
        ("pat", "reviewed", "approved", "allowed", "classes.automated.attributes")
    ]


def test_of_an_emergency_reviews_count_until_they_were_due() -> None:
    """ENG-PROC-004 lets the review follow the change; the approval by a lead does not."""
    change = make_change(
        class_=ChangeClass.EMERGENCY,
        reviews=[review("lee", at=-9), review("pat", at=60), review("sam", at=90)],
        merged_by="dana",
        collected_at=3000,
    )
    told = found(change, final_approval={"developer_may_merge": False})
    assert people(told)["reviewed"] == ("pat",)
    assert people(told)["secured"] == ("sam",)
    assert people(told)["approved"] == ("lee",)
    assert remark(told, DutyName.TESTED) == "It is not asked of an emergency change."
    assert ("dana", "developed", "merged", "allowed", "classes.emergency") in pairs(told)


def test_of_an_emergency_a_developers_approval_does_not_count_either() -> None:
    change = make_change(
        class_=ChangeClass.EMERGENCY,
        reviews=[review("lee", at=-9)],
        commits=[commit("head", "dana", "lee")],
    )
    assert ("lee", "developed", "approved", "forbidden", "E.2") in pairs(found(change))


def test_where_settings_are_in_doubt_so_is_every_pair() -> None:
    told = found(fully_approved(commits=[commit("head", "dana", "pat")]), "the files are not known")
    assert {c.standing for c in told.conflicts} == {Standing.UNDETERMINED}
    assert all("which settings apply is not sure: the files" in c.reason for c in told.conflicts)


# Direct pushes ----------------------------------------------------------------------------------


def test_a_direct_push_was_developed_and_nothing_else_is_known() -> None:
    told = segregation_of_push(make_direct_push(branch_commit("one"), branch_commit("two")))
    assert people(told) == {
        "developed": ("dana",),
        "reviewed": (),
        "secured": (),
        "tested": (),
        "approved": (),
        "merged": (),
    }
    assert remark(told, DutyName.MERGED) == "Who pushed it is not recorded."
    assert told.conflicts == ()


@pytest.mark.parametrize(
    ("by", "pushers", "said"),
    [
        (("dana",), ("dana",), ""),
        (("dana", "bo", "dana"), ("dana", "bo"), ""),
        ((None,), (), "An account that pushed it is deleted now."),
        (("dana", None), ("dana",), "An account that pushed it is deleted now."),
    ],
)
def test_who_is_recorded_to_have_pushed_did_so(
    by: tuple[str | None, ...], pushers: tuple[str, ...], said: str
) -> None:
    moves = tuple(
        Activity(n, ActivityKind.PUSH, "zero", "one", clock(-n), Actor(len(name), name))
        if name
        else Activity(n, ActivityKind.PUSH, "zero", "one", clock(-n), None)
        for n, name in enumerate(by)
    )
    told = segregation_of_push(make_direct_push(branch_commit("one"), moves=moves))
    assert people(told)["merged"] == pushers
    assert remark(told, DutyName.MERGED) == said


def test_a_direct_push_by_nobody_known_is_said() -> None:
    strange = msgspec.structs.replace(
        branch_commit(), authors=(person("eve", linked=False),), committer=person("eve")
    )
    told = segregation_of_push(make_direct_push(strange))
    assert remark(told, DutyName.DEVELOPED) == "No account is linked to eve <eve@example.com>."


# As a part of the audit -------------------------------------------------------------------------


def test_a_forbidden_pair_of_approvals_is_never_a_pass() -> None:
    """The attribute that a pair names is no pass on the strength of that person alone."""
    for who, attribute in (("pat", "3.1"), ("quinn", "5.3"), ("lee", "6.1")):
        change = judge(fully_approved(commits=[commit("head", "dana", who)]), make_policy())
        (pair,) = change.pairs(Standing.FORBIDDEN)
        assert pair.by == attribute
        (verdict,) = [v for v in change.verdicts() if v.attribute == attribute]
        assert verdict.outcome is Outcome.EXCEPTION


def test_the_change_holds_duties_and_pairs() -> None:
    change = judge(fully_approved(merged_by="dana"), make_policy())
    assert [duty.duty for duty in change.duties] == list(DutyName)
    assert isinstance(change.conflicts[0], Conflict)
    assert change.merged_at == clock(0)
