"""Step 6: the lead's final approval, and the merge."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from builders import (
    GONE,
    MERGED_AT,
    auto_merge,
    commit,
    file,
    fully_approved,
    labeled,
    make_change,
    make_policy,
    queued,
    review,
    unqueued,
)
from changeaudit.records import Actor, ActorKind, Merged
from changeaudit.rules import step6_final
from changeaudit.rules.order import enough
from changeaudit.rules.step6_final import (
    approved_by_lead,
    lead_and_peer_separate,
    lead_approval_final,
    lead_approval_fresh,
    merged_by_permitted,
)
from changeaudit.verdicts import Finding, Outcome

PASS, EXCEPTION = Outcome.PASS, Outcome.EXCEPTION
UNDETERMINED, NOT_APPLICABLE = Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE


def judge(rule: Any, policy: dict[str, Any] | None = None, **facts: Any) -> Finding:
    finding: Finding = rule(make_change(**facts), make_policy(**(policy or {})))
    assert finding.reason.endswith(".")
    return finding


def test_a_change_that_follows_the_procedure_passes() -> None:
    for attribute in step6_final.ATTRIBUTES:
        finding = attribute.rule(fully_approved(), make_policy())
        assert finding.outcome is PASS, attribute.id
        assert all(citation.url and citation.at for citation in finding.evidence)


# 6.1 and 6.3 -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("approved", "fresh", "facts"),
    [
        ([review("lee")], (PASS, PASS), {}),
        ([review("pat")], (EXCEPTION, NOT_APPLICABLE), {}),
        (
            [review("lee", commit="one")],
            (PASS, EXCEPTION),
            {"commits": [commit("one"), commit("two")]},
        ),
        ([review("lee")], (EXCEPTION, NOT_APPLICABLE), {"author": "lee"}),
        (GONE, (UNDETERMINED, UNDETERMINED), {}),
    ],
)
def test_a_lead_approves_like_a_peer(approved: Any, fresh: Any, facts: dict[str, Any]) -> None:
    outcomes = tuple(
        judge(rule, reviews=approved, **facts).outcome
        for rule in (approved_by_lead, lead_approval_fresh)
    )
    assert outcomes == fresh


def test_merging_is_not_approving() -> None:
    finding = judge(approved_by_lead, merged_by="lee", reviews=[review("pat")])
    assert finding.outcome is EXCEPTION


# 6.2 ---------------------------------------------------------------------------------------------

PAT, PAUL = review("pat", at=-100), review("paul", at=-30)
SAM, QUINN = review("sam", at=-90), review("quinn", at=-80)
LEE, LOU = review("lee", at=-50), review("lou", at=-20)
SENSITIVE = {"files": [file("auth/login.py")]}
OF_ONE = {"commits": [commit("one"), commit("two")]}
BOTH = {
    "roles": {"peer": {"users": ["pat", "lee"]}, "lead": {"users": ["lee", "lou"]}},
    "final_approval": {"peer_may_be_lead": True},
}
MANY_PEERS = {**BOTH, "peer_review": {"approvals": 2}}
TWO_LEADS = {"final_approval": {"approvals": 2}}
TWO_PEERS = {"peer_review": {"approvals": 2}}
ROLES = {
    "peer": {"users": ["pat", "paul"]},
    "security": {"users": ["sam", "lee"]},
    "qa": {"users": ["quinn", "lee"]},
    "lead": {"users": ["lee", "lou"]},
}
WRITERS = {"roles": {"peer": {"users": ["pat"], "write_access": True}}}
WRITING_LEADS = {"roles": {"lead": {"users": ["lee"], "write_access": True}}}


def maybe(by: str, at: float) -> Any:
    """An approval by somebody whose right to write could not be read."""
    return review(by, at=at, can_write=GONE)


def known(by: str, at: float) -> Any:
    """An approval by somebody who may not write, and so holds only the roles that name them."""
    return review(by, at=at, can_write=False)


@pytest.mark.parametrize(
    ("outcome", "why", "policy", "facts"),
    [
        pytest.param(
            PASS,
            "lee at 2026-03-10 11:10:00Z approved as lead, after"
            " pat at 2026-03-10 10:20:00Z (peer) and quinn at 2026-03-10 10:40:00Z (qa)",
            {},
            {"reviews": [PAT, QUINN, LEE]},
            id="last",
        ),
        pytest.param(
            EXCEPTION,
            "not after pat at",
            {},
            {"reviews": [review("pat", at=-40), QUINN, LEE]},
            id="before the peer",
        ),
        pytest.param(
            EXCEPTION,
            "not after quinn at",
            {},
            {"reviews": [PAT, review("quinn", at=-40), LEE]},
            id="before QA's review",
        ),
        pytest.param(
            EXCEPTION,
            "not after quinn at 2026-03-10 11:30:00Z (qa)",
            {},
            {"reviews": [PAT, LEE], "events": [labeled("qa-approved", at=-30)]},
            id="before QA's label",
        ),
        pytest.param(
            PASS,
            "",
            {},
            {"reviews": [PAT, QUINN, LEE], "events": [labeled("qa-approved", at=-30)]},
            id="after QA's review, before QA's label as well",
        ),
        pytest.param(
            EXCEPTION,
            "not after sam at",
            {},
            {"reviews": [PAT, QUINN, review("sam", at=-40), LEE], **SENSITIVE},
            id="before security",
        ),
        pytest.param(
            PASS,
            "sam at 2026-03-10 10:30:00Z (security)",
            {},
            {"reviews": [PAT, QUINN, SAM, LEE], **SENSITIVE},
            id="after security",
        ),
        pytest.param(
            PASS,
            "",
            {},
            {"reviews": [PAT, QUINN, review("sam", at=-40), LEE]},
            id="before security, which was not asked",
        ),
        pytest.param(
            UNDETERMINED,
            "whether security had to approve (see 4.1)",
            {},
            {"reviews": [PAT, QUINN, review("sam", at=-40), LEE], "changed_files": 2},
            id="before security, and nobody knows whether it was asked",
        ),
        pytest.param(
            EXCEPTION,
            "pat",
            {},
            {"reviews": [review("pat", at=-40), QUINN, LEE], "changed_files": 2},
            id="before the peer, whatever security had to do",
        ),
        pytest.param(
            UNDETERMINED,
            "not before it came pat at",
            {},
            {"reviews": [review("pat", at=-50), QUINN, LEE]},
            id="in the peer's second",
        ),
        pytest.param(
            UNDETERMINED,
            "quinn",
            {},
            {"reviews": [PAT, review("quinn", at=-50), LEE]},
            id="in QA's second",
        ),
        pytest.param(
            PASS,
            "lee at 2026-03-10 11:50:00Z approved",
            {},
            {"reviews": [PAT, review("quinn", at=-40), LEE, review("lee", at=-10)]},
            id="approved again at the end",
        ),
        pytest.param(
            PASS, "lou", {}, {"reviews": [PAT, QUINN, LEE, LOU]}, id="one of two leads came last"
        ),
        pytest.param(
            PASS,
            "lou at 2026-03-10 11:40:00Z approved as lead",
            {},
            {"reviews": [PAT, review("quinn", at=-40), LEE, LOU]},
            id="the other lead came last",
        ),
        pytest.param(
            PASS, "lee at", TWO_LEADS, {"reviews": [PAT, QUINN, LEE, LOU]}, id="both leads last"
        ),
        pytest.param(
            EXCEPTION,
            "quinn",
            TWO_LEADS,
            {"reviews": [PAT, review("quinn", at=-40), LEE, LOU]},
            id="one of two needed leads came before QA",
        ),
        pytest.param(
            PASS,
            "after pat",
            {},
            {"reviews": [PAT, QUINN, LEE, PAUL]},
            id="a second peer, who was not needed, came later",
        ),
        pytest.param(
            EXCEPTION,
            "not after paul",
            TWO_PEERS,
            {"reviews": [PAT, QUINN, LEE, PAUL]},
            id="the second peer, who was needed, came later",
        ),
        pytest.param(
            EXCEPTION,
            "not after pat",
            TWO_PEERS,
            {"reviews": [review("pat", at=-40), QUINN, LEE]},
            id="before the only one of two needed peers",
        ),
        pytest.param(
            PASS, "after pat", {}, {"reviews": [PAT, LEE]}, id="QA never signed off: see 5.1"
        ),
        pytest.param(
            NOT_APPLICABLE, "No other approval counts", {}, {"reviews": [LEE]}, id="alone"
        ),
        pytest.param(
            NOT_APPLICABLE, "no lead's approval that counts", {}, {"reviews": [PAT]}, id="no lead"
        ),
        pytest.param(
            NOT_APPLICABLE,
            "see 6.1 and 6.3",
            {},
            {"reviews": [review("pat", commit="two"), review("lee", commit="one")], **OF_ONE},
            id="a stale lead's approval is not the last word",
        ),
        pytest.param(
            EXCEPTION,
            "paul",
            {},
            {
                "reviews": [
                    review("pat", at=-100, commit="one"),
                    review("quinn", at=-80, commit="two"),
                    review("lee", at=-50, commit="two"),
                    review("paul", at=-30, commit="two"),
                ],
                **OF_ONE,
            },
            id="after a stale peer, before the one that counts",
        ),
        pytest.param(UNDETERMINED, "did not answer", {}, {"reviews": GONE}, id="reviews unread"),
        pytest.param(
            UNDETERMINED,
            "names nobody for the role 'lead'",
            {"roles": {**ROLES, "lead": {}}},
            {"reviews": [PAT, QUINN, LEE]},
            id="no leads named",
        ),
        pytest.param(
            UNDETERMINED,
            "names nobody for the role 'peer'",
            {"roles": {**ROLES, "peer": {}}},
            {"reviews": [PAT, QUINN, LEE]},
            id="no peers named",
        ),
        pytest.param(
            UNDETERMINED,
            "names nobody for the role 'security'",
            {"roles": {**ROLES, "security": {}}},
            {"reviews": [PAT, QUINN, LEE], **SENSITIVE},
            id="no security named",
        ),
        pytest.param(
            UNDETERMINED,
            "no way in which QA signs off",
            {"qa": {"review": False, "labels": []}},
            {"reviews": [PAT, QUINN, LEE]},
            id="no way for QA named",
        ),
        pytest.param(
            UNDETERMINED, "did not answer", {}, {"reviews": [PAT, LEE], "labels": GONE}, id="labels"
        ),
        pytest.param(
            PASS,
            "",
            {"security_review": {"labels": []}},
            {"reviews": [PAT, QUINN, LEE], "labels": GONE},
            id="labels unread, and QA's review came before",
        ),
        pytest.param(
            UNDETERMINED,
            "did not answer",
            {},
            {"reviews": [PAT, review("quinn", at=-40), LEE], "labels": GONE},
            id="labels unread, and QA's review came after",
        ),
        pytest.param(
            UNDETERMINED,
            "label qa-approved, but",
            {},
            {"reviews": [PAT, LEE], "events": [labeled("qa-approved", at=0)]},
            id="QA's label in the second of the merge",
        ),
        pytest.param(
            UNDETERMINED,
            "approved by zoe",
            WRITERS,
            {"reviews": [known("pat", -40), maybe("zoe", -99), known("lee", -50)]},
            id="before the peer, but one who may count came before",
        ),
        pytest.param(
            PASS,
            "",
            WRITERS,
            {"reviews": [known("pat", -99), maybe("zoe", -40), known("lee", -50)]},
            id="after the peer, though one who may count came after",
        ),
        pytest.param(
            UNDETERMINED,
            "approved by zoe",
            WRITERS,
            {"reviews": [maybe("zoe", -40), known("quinn", -80), known("lee", -50)]},
            id="before a peer who may count",
        ),
        pytest.param(
            UNDETERMINED,
            "approved by zoe",
            WRITING_LEADS,
            {"reviews": [known("quinn", -40), known("lee", -50), maybe("zoe", -20)]},
            id="before QA, but one who may be a lead came last",
        ),
        pytest.param(
            UNDETERMINED,
            "approved by zoe",
            WRITING_LEADS,
            {"reviews": [known("pat", -99), known("quinn", -80), maybe("zoe", -20)]},
            id="last, by somebody who may be a lead",
        ),
        pytest.param(
            PASS, "after quinn", BOTH, {"reviews": [QUINN, LEE]}, id="the lead is the peer too"
        ),
        pytest.param(
            NOT_APPLICABLE, "No other", BOTH, {"reviews": [LEE]}, id="the lead is the peer, no QA"
        ),
        pytest.param(
            EXCEPTION,
            "not after pat",
            MANY_PEERS,
            {"reviews": [review("pat", at=-40), QUINN, LEE]},
            id="the lead is one of two peers and came before the other",
        ),
        pytest.param(
            PASS,
            "after pat",
            MANY_PEERS,
            {"reviews": [PAT, QUINN, LEE]},
            id="the lead is one of two peers and came after the other",
        ),
        pytest.param(
            PASS,
            "after pat",
            {"roles": {**ROLES, "peer": {"users": ["pat", "lee"]}}},
            {"reviews": [PAT, QUINN, LEE]},
            id="a lead who could be a peer, but may not be both",
        ),
        pytest.param(
            PASS,
            "after pat",
            {"roles": ROLES},
            {"reviews": [PAT, LEE], **SENSITIVE},
            id="one review for lead, security and QA does not come before itself",
        ),
        pytest.param(
            EXCEPTION,
            "lee at 2026-03-10 11:30:00Z (qa)",
            {"roles": ROLES, "qa": {"review": False}},
            {"reviews": [PAT, LEE], "events": [labeled("qa-approved", "lee", at=-30)]},
            id="the lead signs off for QA in an act of its own, later",
        ),
        pytest.param(
            UNDETERMINED,
            "force-pushes could not be read",
            {"roles": ROLES},
            {"reviews": [PAT, review("sue", at=-40), LEE], **SENSITIVE, "timeline": GONE},
            id="timeline unread",
        ),
    ],
)
def test_the_lead_approved_last(
    outcome: Outcome, why: str, policy: dict[str, Any], facts: dict[str, Any]
) -> None:
    finding = judge(lead_approval_final, policy, **facts)
    assert finding.outcome is outcome
    assert why in finding.reason


def test_security_by_the_leads_own_act_may_be_all_that_is_asked() -> None:
    """The one review that may count as the lead's and as security's leaves the order open."""
    policy = {
        "roles": {**ROLES, "security": {"users": ["sam"], "write_access": True}},
    }
    reviews = [known("pat", -99), known("quinn", -80), maybe("lee", -50), known("sam", -40)]
    finding = judge(lead_approval_final, policy, reviews=reviews, **SENSITIVE)
    assert finding.outcome is UNDETERMINED


@pytest.mark.parametrize(
    ("sure", "maybe", "needed", "answer"),
    [
        ([], [], 1, True),
        ([True], [], 1, True),
        ([False], [], 1, False),
        ([None], [], 1, None),
        ([False, True], [], 1, True),
        ([False, True], [], 2, False),
        ([True], [False], 1, True),
        ([True], [], 2, True),
        ([True], [False], 2, None),
        ([False], [True], 1, None),
        ([False], [False], 1, False),
        ([], [False], 1, None),
        ([], [True], 1, True),
        ([False], [], 0, True),
    ],
)
def test_enough_of_those_that_count(
    sure: list[bool | None], maybe: list[bool | None], needed: int, answer: bool | None
) -> None:
    assert enough(sure, maybe, needed) is answer


# 6.4 ---------------------------------------------------------------------------------------------

MERGER = {"final_approval": {"mergers": ["max", {"login": "mia", "to": "2026-03-09"}]}}
QUEUE = "github-merge-queue[bot]"
LEAD_TEAM = {"roles": {**ROLES, "lead": {"teams": ["acme/leads"]}}}


@pytest.mark.parametrize(
    ("outcome", "why", "policy", "facts"),
    [
        pytest.param(
            PASS, "lee, an engineering lead (named", {}, {"merged_by": "lee"}, id="a lead"
        ),
        pytest.param(EXCEPTION, "neither", {}, {"merged_by": "dana"}, id="nobody"),
        pytest.param(PASS, "who may merge", MERGER, {"merged_by": "max"}, id="a merger"),
        pytest.param(
            EXCEPTION, "only until 2026-03-09", MERGER, {"merged_by": "mia"}, id="no more a merger"
        ),
        pytest.param(UNDETERMINED, "deleted now", {}, {"merged_by": None}, id="a deleted account"),
        pytest.param(EXCEPTION, "a bot", {}, {"merged_by": "ci[bot]"}, id="a bot"),
        pytest.param(
            PASS,
            "who may merge",
            {"final_approval": {"mergers": ["ci[bot]"]}},
            {"merged_by": "ci[bot]"},
            id="a bot that may merge",
        ),
        pytest.param(
            PASS,
            "The merge queue merged it into main. Approved by lee",
            {},
            {"merged_by": QUEUE, "events": [queued()], "reviews": [review("lee")]},
            id="the queue, a lead approved",
        ),
        pytest.param(
            EXCEPTION,
            "The merge queue merged it into main. Too few",
            {},
            {"merged_by": QUEUE, "events": [queued()]},
            id="the queue, no lead approved",
        ),
        pytest.param(
            UNDETERMINED,
            "The merge queue merged it",
            {},
            {"merged_by": QUEUE, "events": [queued()], "reviews": GONE},
            id="the queue, reviews unread",
        ),
        pytest.param(
            EXCEPTION,
            "neither",
            {},
            {"merged_by": QUEUE, "reviews": [review("lee")]},
            id="a bot, but not through the queue",
        ),
        pytest.param(
            PASS,
            "The merge queue",
            {},
            {"merged_by": QUEUE, "events": [queued(at=0)], "reviews": [review("lee")]},
            id="the queue, in one second",
        ),
        pytest.param(
            PASS,
            "The merge queue merged it",
            {},
            {
                "merged_by": QUEUE,
                "events": [queued(), unqueued("merged")],
                "reviews": [review("lee")],
            },
            id="the queue, which let go of it by merging",
        ),
        pytest.param(
            EXCEPTION,
            "neither",
            {},
            {
                "merged_by": QUEUE,
                "events": [queued(), unqueued("manual", at=-5)],
                "reviews": [review("lee")],
            },
            id="the queue, which it had left",
        ),
        pytest.param(
            UNDETERMINED,
            "it left the merge queue at 2026-03-10 12:00:00Z, and whether by the merge is not told",
            {},
            {"merged_by": QUEUE, "events": [queued(), unqueued()], "reviews": [review("lee")]},
            id="the queue, which it left for a reason untold",
        ),
        pytest.param(
            EXCEPTION,
            "neither",
            {},
            {"merged_by": QUEUE, "events": [queued(at=5)], "reviews": [review("lee")]},
            id="queued only after the merge",
        ),
        pytest.param(
            EXCEPTION,
            "neither",
            {"final_approval": {"merge_queue": False}},
            {"merged_by": QUEUE, "events": [queued()], "reviews": [review("lee")]},
            id="the queue, which may not",
        ),
        pytest.param(
            EXCEPTION,
            "neither",
            {},
            {"merged_by": "dana", "events": [queued("dana")], "reviews": [review("lee")]},
            id="a person past the queue",
        ),
        pytest.param(
            EXCEPTION,
            "neither an engineering lead nor named as a merger",
            {},
            {"merged_by": "helper[bot]", "events": [queued()], "reviews": [review("lee")]},
            id="another bot, though it was queued",
        ),
        pytest.param(
            UNDETERMINED,
            "whether as the merge queue cannot be told: whether it was in the merge queue could",
            {},
            {"merged_by": QUEUE, "timeline": GONE},
            id="a bot, timeline unread",
        ),
        pytest.param(
            UNDETERMINED,
            "names nobody for the role 'lead'",
            {"roles": {**ROLES, "lead": {}}},
            {"merged_by": "lee"},
            id="no leads named",
        ),
        pytest.param(
            UNDETERMINED,
            "names nobody for the role 'lead'",
            {**MERGER, "roles": {**ROLES, "lead": {}}},
            {"merged_by": "lee"},
            id="no leads named, and no merger",
        ),
        pytest.param(
            PASS,
            "who may merge",
            {**MERGER, "roles": {**ROLES, "lead": {}}},
            {"merged_by": "max"},
            id="no leads named, and a merger",
        ),
        pytest.param(
            UNDETERMINED, "not collected", LEAD_TEAM, {"merged_by": "lee"}, id="team unknown"
        ),
        pytest.param(
            EXCEPTION,
            "in the role only from 2026-03-11",
            {"roles": {**ROLES, "lead": {"users": [{"login": "lee", "from": "2026-03-11"}]}}},
            {"merged_by": "lee"},
            id="not yet a lead",
        ),
        pytest.param(
            UNDETERMINED,
            "It merged into develop, which the policy does not name a production branch",
            {},
            {"base_ref": "develop", "reached": "the first-parent line of main"},
            id="a base that is not production",
        ),
        pytest.param(
            UNDETERMINED,
            "The base branch at the merge could not be read",
            {},
            {"at_merge": {"base": GONE}},
            id="base unread",
        ),
        pytest.param(
            PASS, "lee", {}, {"merged_by": "lee", "events": [auto_merge("lee")]}, id="auto-merge"
        ),
    ],
)
def test_it_was_merged_by_somebody_who_may(
    outcome: Outcome, why: str, policy: dict[str, Any], facts: dict[str, Any]
) -> None:
    finding = judge(merged_by_permitted, policy, **facts)
    assert finding.outcome is outcome
    assert why in finding.reason


NO_DEVELOPER = {"final_approval": {"developer_may_merge": False}}


@pytest.mark.parametrize(
    ("outcome", "said", "facts"),
    [
        (PASS, "lee, an engineering lead", {}),
        (
            EXCEPTION,
            "lee merged it, although lee opened the pull request: the policy lets no developer",
            {"author": "lee"},
        ),
        (
            EXCEPTION,
            "lee merged it, although lee is a co-author",
            {"commits": [commit("head", "dana", "lee")]},
        ),
        (EXCEPTION, "dana merged it and is neither", {"merged_by": "dana"}),
        (
            EXCEPTION,
            "dana merged it, although dana opened",
            {"merged_by": QUEUE, "events": [queued("dana")], "reviews": [review("lee")]},
        ),
        (
            PASS,
            "The merge queue merged it",
            {"merged_by": QUEUE, "events": [queued("lou")], "reviews": [review("lee")]},
        ),
        (
            UNDETERMINED,
            "who did is not known",
            {"merged_by": QUEUE, "events": [queued(None)], "reviews": [review("lee")]},
        ),
        (
            EXCEPTION,
            "dana merged it, although dana opened",
            {
                "merged_by": QUEUE,
                "events": [queued("dana"), unqueued("merged")],
                "reviews": [review("lee")],
            },
        ),
        (
            EXCEPTION,
            "dana merged it, although dana opened",
            {"merged_by": QUEUE, "events": [queued("dana", at=0)], "reviews": [review("lee")]},
        ),
        (
            PASS,
            "The merge queue merged it",
            {
                "merged_by": QUEUE,
                "events": [queued("lou"), queued("dana", at=5)],
                "reviews": [review("lee")],
            },
        ),
        (UNDETERMINED, "who did is not known", {"merged_by": None}),
        (
            UNDETERMINED,
            "Whether lee, who merged it, is a developer of the change cannot be told",
            {"author": None},
        ),
        (
            UNDETERMINED,
            "which the policy does not name a production branch",
            {"author": None, "base_ref": "old"},
        ),
        (
            EXCEPTION,
            "lee merged it, although lee opened",
            {"author": "lee", "base_ref": "old"},
        ),
    ],
)
def test_a_developer_may_not_merge_where_the_policy_says_so(
    outcome: Outcome, said: str, facts: dict[str, Any]
) -> None:
    """Through the merge queue, whoever put it there merges; by default a developer may."""
    finding = judge(merged_by_permitted, NO_DEVELOPER, **facts)
    assert (finding.outcome, said in finding.reason) == (outcome, True)
    assert finding.evidence[0].what.startswith("merge into")
    by_default = judge(merged_by_permitted, **facts)
    assert "developer" not in by_default.reason


@pytest.mark.parametrize(
    ("outcome", "facts", "cited"),
    [
        (PASS, {}, [("merge into main", "lee")]),
        (EXCEPTION, {"merged_by": "dana"}, [("merge into main", "dana")]),
        (UNDETERMINED, {"merged_by": None}, [("merge into main", "a deleted account")]),
        (UNDETERMINED, {"base_ref": "develop"}, [("merge into develop", "lee")]),
        (UNDETERMINED, {"merged_by": QUEUE, "timeline": GONE}, [("merge into main", QUEUE)]),
        (UNDETERMINED, {"at_merge": {"base": GONE}}, []),
        (
            PASS,
            {"merged_by": QUEUE, "events": [queued()], "reviews": [review("lee")]},
            [("merge into main", QUEUE), ("review: approved", "lee")],
        ),
    ],
)
def test_the_merge_is_cited(
    outcome: Outcome, facts: dict[str, Any], cited: list[tuple[str, str]]
) -> None:
    """With who merged and when; of the queue's with the lead's approval."""
    finding = judge(merged_by_permitted, **facts)
    assert finding.outcome is outcome
    assert [(c.what, c.who) for c in finding.evidence] == cited
    assert all(c.at and c.url for c in finding.evidence)


def test_where_the_role_cannot_be_told_the_merge_is_cited() -> None:
    (cited,) = judge(merged_by_permitted, LEAD_TEAM, merged_by="lee").evidence
    assert (cited.what, cited.who, cited.at) == ("merge into main", "lee", MERGED_AT)
    (cited,) = judge(merged_by_permitted, MERGER, merged_by="max").evidence
    assert (cited.what, cited.who, cited.at) == ("merge into main", "max", MERGED_AT)


def test_a_bot_by_the_name_of_a_lead_is_no_lead() -> None:
    bot = Actor(9, "lee", ActorKind.BOT)
    change = make_change()
    pull = msgspec.structs.replace(
        change.pull,
        merged_by=bot,
        timeline=(Merged(at=MERGED_AT, actor=bot, commit="merge", branch="main"),),
    )
    change = msgspec.structs.replace(change, pull=pull)
    assert merged_by_permitted(change, make_policy()).outcome is EXCEPTION


# 6.5 ---------------------------------------------------------------------------------------------

ONE_ROLE = {"roles": {**ROLES, "peer": {"users": ["pat", "lee", "lou"]}}}
WRITING_PEERS = {"roles": {**ROLES, "peer": {"users": ["lee"], "write_access": True}}}


@pytest.mark.parametrize(
    ("outcome", "why", "policy", "facts"),
    [
        pytest.param(
            PASS, "Approved by pat as peer and by lee as lead.", {}, {"reviews": [PAT, LEE]}
        ),
        pytest.param(
            EXCEPTION,
            "The only peer approval and the only lead approval are both lee's",
            ONE_ROLE,
            {"reviews": [LEE]},
            id="one person",
        ),
        pytest.param(
            NOT_APPLICABLE, "lets one person be", BOTH, {"reviews": [LEE]}, id="one may be both"
        ),
        pytest.param(PASS, "", ONE_ROLE, {"reviews": [LEE, LOU]}, id="two who could be both"),
        pytest.param(PASS, "", ONE_ROLE, {"reviews": [PAT, LEE]}, id="a peer, and one of both"),
        pytest.param(
            EXCEPTION,
            "",
            {**ONE_ROLE, "final_approval": {"approvals": 2}},
            {"reviews": [LEE, LOU]},
            id="two leads needed, and no peer besides",
        ),
        pytest.param(
            PASS,
            "",
            {**ONE_ROLE, "final_approval": {"approvals": 2}},
            {"reviews": [PAT, LEE, LOU]},
            id="two leads needed, and a peer besides",
        ),
        pytest.param(
            PASS,
            "",
            {"peer_review": {"approvals": 2}},
            {"reviews": [PAT, LEE]},
            id="too few peers, but apart: see 3.1",
        ),
        pytest.param(NOT_APPLICABLE, "see 3.1", {}, {"reviews": [PAT]}, id="no lead's approval"),
        pytest.param(NOT_APPLICABLE, "see 3.1", {}, {"reviews": [LEE]}, id="no peer's approval"),
        pytest.param(
            EXCEPTION,
            "",
            ONE_ROLE,
            {
                "reviews": [review("pat", commit="one"), review("lee", at=-50, commit="two")],
                **OF_ONE,
            },
            id="the other peer's approval is stale",
        ),
        pytest.param(
            UNDETERMINED,
            "approved by zoe",
            WRITING_PEERS,
            {"reviews": [LEE, maybe("zoe", -40)]},
            id="somebody who may be a peer",
        ),
        pytest.param(
            UNDETERMINED,
            "approved by zoe",
            {"roles": {**ROLES, "peer": {"write_access": True}}},
            {"reviews": [review("lee", can_write=False), maybe("zoe", -40)]},
            id="nobody but somebody who may be a peer",
        ),
        pytest.param(
            UNDETERMINED,
            "approved by zoe",
            WRITING_LEADS,
            {"reviews": [known("pat", -60), maybe("zoe", -40)]},
            id="nobody but somebody who may be a lead",
        ),
        pytest.param(UNDETERMINED, "did not answer", {}, {"reviews": GONE}, id="unread"),
        pytest.param(
            UNDETERMINED,
            "role 'lead'",
            {"roles": {**ROLES, "lead": {}}},
            {"reviews": [PAT, LEE]},
            id="no leads named",
        ),
        pytest.param(
            UNDETERMINED,
            "role 'peer'",
            {"roles": {**ROLES, "peer": {}}},
            {"reviews": [PAT, LEE]},
            id="no peers named",
        ),
    ],
)
def test_lead_and_peer_are_two_people(
    outcome: Outcome, why: str, policy: dict[str, Any], facts: dict[str, Any]
) -> None:
    finding = judge(lead_and_peer_separate, policy, **facts)
    assert finding.outcome is outcome
    assert why in finding.reason


@pytest.mark.parametrize(
    ("outcome", "policy", "reviews", "cited"),
    [
        (PASS, {}, [PAT, LEE], ["pat", "lee"]),
        (EXCEPTION, ONE_ROLE, [LEE], ["lee"]),
        (NOT_APPLICABLE, {}, [PAT], [""]),
        (UNDETERMINED, WRITING_LEADS, [known("pat", -60), maybe("zoe", -40)], ["pat", "zoe"]),
        (UNDETERMINED, WRITING_PEERS, [LEE, maybe("zoe", -40)], ["lee", "zoe"]),
    ],
)
def test_both_approvals_are_cited(
    outcome: Outcome, policy: dict[str, Any], reviews: Any, cited: list[str]
) -> None:
    """The peer's and the lead's, each once, or the page on which there were not both."""
    finding = judge(lead_and_peer_separate, policy, reviews=reviews)
    assert finding.outcome is outcome
    assert [citation.who for citation in finding.evidence] == cited
    assert all(citation.url for citation in finding.evidence)


def test_a_missing_approval_is_said_to_be_that_of_6_1() -> None:
    assert "see 6.1" in judge(lead_approval_fresh, reviews=[review("pat")]).reason
