"""Step 3: peer review. See test_approvals for 3.1 and test_freshness for 3.3."""

from __future__ import annotations

from typing import Any

import pytest

from builders import (
    DAY,
    GONE,
    dismissed,
    fully_approved,
    make_change,
    make_policy,
    review,
    team,
)
from changeaudit.rules import step3_peer
from changeaudit.rules.attribute import Attribute
from changeaudit.rules.step3_peer import no_objection_standing
from changeaudit.verdicts import Finding, Outcome

PASS, EXCEPTION = Outcome.PASS, Outcome.EXCEPTION
UNDETERMINED, NOT_APPLICABLE = Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE


def judge(policy: dict[str, Any] | None = None, **facts: Any) -> Finding:
    """3.2 on a change with these facts."""
    finding: Finding = no_objection_standing(make_change(**facts), make_policy(**(policy or {})))
    assert finding.reason.endswith(".")
    return finding


def no(by: str | None = "pat", at: float = -60, **more: Any) -> Any:
    return review(by, "CHANGES_REQUESTED", at, **more)


OBJECTED = no()
BOT = {"roles": {"peer": {"users": ["ci[bot]"]}}}
UNTIL_YESTERDAY = {"roles": {"peer": {"users": [{"login": "pat", "to": "2026-03-09"}]}}}
SINCE_TODAY = {"roles": {"peer": {"users": [{"login": "pat", "from": "2026-03-10"}]}}}
WRITERS = {"roles": {"peer": {"write_access": True}}}


def test_a_change_that_follows_the_procedure_passes() -> None:
    for attribute in step3_peer.ATTRIBUTES:
        finding = attribute.rule(fully_approved(), make_policy())
        assert finding.outcome is PASS, attribute.id
        assert all(citation.url and citation.at for citation in finding.evidence)


@pytest.mark.parametrize(
    ("outcome", "why", "policy", "facts"),
    [
        pytest.param(
            PASS, "(2 reviews looked at)", {}, {"reviews": [review(), review("zoe", "COMMENTED")]}
        ),
        pytest.param(NOT_APPLICABLE, "There was no review", {}, {"reviews": []}, id="no review"),
        pytest.param(
            EXCEPTION,
            "pat at 2026-03-10 11:00:00Z (named in the policy)",
            {},
            {"reviews": [OBJECTED]},
            id="standing",
        ),
        pytest.param(
            EXCEPTION,
            "pat",
            {},
            {"reviews": [review("paul"), OBJECTED, review("pat", "COMMENTED", -30)]},
            id="standing beside another's approval and a later comment",
        ),
        pytest.param(PASS, "", {}, {"reviews": [OBJECTED, review("pat", at=-30)]}, id="approved"),
        pytest.param(
            PASS, "", {}, {"reviews": [OBJECTED], "events": [dismissed(OBJECTED)]}, id="dismissed"
        ),
        pytest.param(
            EXCEPTION,
            "pat",
            {},
            {
                "reviews": [OBJECTED],
                "events": [dismissed(OBJECTED, at=20, was="CHANGES_REQUESTED")],
            },
            id="dismissed only after the merge",
        ),
        pytest.param(
            UNDETERMINED,
            "in the very second of the merge",
            {},
            {
                "reviews": [OBJECTED],
                "events": [dismissed(OBJECTED, at=0, was="CHANGES_REQUESTED")],
            },
            id="dismissed in the second of the merge",
        ),
        pytest.param(
            UNDETERMINED, "does not show when", {}, {"reviews": [review("pat", "DISMISSED")]}
        ),
        pytest.param(
            EXCEPTION, "pat", {}, {"reviews": [OBJECTED, review("pat", at=5)]}, id="approved late"
        ),
        pytest.param(PASS, "", {}, {"reviews": [review(), no(at=5)]}, id="only after the merge"),
        pytest.param(
            UNDETERMINED, "very second", {}, {"reviews": [no(at=0)]}, id="in the merge's second"
        ),
        pytest.param(
            UNDETERMINED,
            "another opinion in the very second",
            {},
            {"reviews": [OBJECTED, review("pat", at=0)]},
            id="approved in the second of the merge",
        ),
        pytest.param(
            UNDETERMINED,
            "two opinions within one second",
            {},
            {"reviews": [OBJECTED, review("pat", at=-60, id="other")]},
            id="approved in the same second",
        ),
        pytest.param(
            PASS,
            "",
            {},
            {"reviews": [OBJECTED, review("pat", at=-60, id="other"), review("pat", at=-30)]},
            id="approved in the same second and later",
        ),
        pytest.param(
            EXCEPTION,
            "pat",
            {},
            {"reviews": [OBJECTED, no(at=-60, id="other")]},
            id="twice in one second",
        ),
        pytest.param(
            EXCEPTION,
            "pat",
            {},
            {"reviews": [OBJECTED, no(at=0)]},
            id="repeated in the second of the merge",
        ),
        pytest.param(
            EXCEPTION,
            "pat at 2026-03-10 11:00:00Z",
            {},
            {
                "reviews": [review("paul", at=-70), OBJECTED],
                "events": [
                    dismissed(review("paul", at=-70), at=-65),
                    dismissed(OBJECTED, at=20, was="CHANGES_REQUESTED"),
                ],
            },
            id="dismissed only after the merge, another's approval before",
        ),
        pytest.param(PASS, "", {}, {"reviews": [no("zoe")]}, id="by somebody not in the role"),
        pytest.param(
            UNDETERMINED, "deleted now", {}, {"reviews": [no(None)]}, id="by a deleted account"
        ),
        pytest.param(
            PASS,
            "",
            {},
            {
                "reviews": [no(None, id="x")],
                "events": [dismissed(no(None, id="x"), was="CHANGES_REQUESTED")],
            },
            id="by a deleted account, and dismissed",
        ),
        pytest.param(PASS, "", WRITERS, {"reviews": [no("ci[bot]")]}, id="by a bot"),
        pytest.param(
            EXCEPTION,
            "ci[bot]",
            {**BOT, "approving_bots": ["ci[bot]"]},
            {"reviews": [no("ci[bot]")]},
            id="by a bot that may approve",
        ),
        pytest.param(
            EXCEPTION, "pat", UNTIL_YESTERDAY, {"reviews": [no(at=-DAY)]}, id="in the role then"
        ),
        pytest.param(
            EXCEPTION, "pat", SINCE_TODAY, {"reviews": [no(at=-DAY)]}, id="in the role at merge"
        ),
        pytest.param(PASS, "", UNTIL_YESTERDAY, {"reviews": [no()]}, id="in the role neither time"),
        pytest.param(
            UNDETERMINED,
            "did not answer",
            WRITERS,
            {"reviews": [no(can_write=GONE)]},
            id="by somebody whose right to write is unknown",
        ),
        pytest.param(
            UNDETERMINED,
            "not collected",
            {"roles": {"peer": {"teams": ["acme/peers"]}}},
            {"reviews": [no()]},
            id="team unknown",
        ),
        pytest.param(
            EXCEPTION,
            "member of acme/peers",
            {"roles": {"peer": {"teams": ["acme/peers"]}}},
            {"reviews": [no()], "teams": [team("acme/peers", "pat")]},
            id="by a member of the team",
        ),
        pytest.param(UNDETERMINED, "did not answer", {}, {"reviews": GONE}, id="unread"),
    ],
)
def test_no_request_for_changes_stood(
    outcome: Outcome, why: str, policy: dict[str, Any], facts: dict[str, Any]
) -> None:
    finding = judge(policy, **facts)
    assert finding.outcome is outcome
    assert why in finding.reason


@pytest.mark.parametrize(
    ("facts", "cited"),
    [
        ({"reviews": []}, [("the reviews of the pull request", "")]),
        (
            {"reviews": [review("zoe", "COMMENTED"), OBJECTED, review("pat", at=-30)]},
            [
                ("review: changes requested", "pat"),
                ("review: commented", "zoe"),
                ("review: approved", "pat"),
            ],
        ),
        ({"reviews": [review("paul"), no(at=0)]}, [("review: changes requested", "pat")]),
    ],
)
def test_what_was_looked_at_is_cited(facts: dict[str, Any], cited: list[tuple[str, str]]) -> None:
    finding = judge(**facts)
    assert [(c.what, c.who) for c in finding.evidence] == cited
    assert all(
        c.url.startswith("https://github.com/acme/payments/pull/12") for c in finding.evidence
    )


@pytest.mark.parametrize("attribute", step3_peer.ATTRIBUTES, ids=lambda attribute: attribute.id)
def test_without_reviews_the_cause_is_said_once(attribute: Attribute) -> None:
    """3.1 says that nobody approved, and the others say so."""
    finding = attribute.rule(make_change(reviews=[]), make_policy())
    assert finding.outcome is (EXCEPTION if attribute.id == "3.1" else NOT_APPLICABLE)
    assert ("see 3.1" in finding.reason) is (attribute.id != "3.1")
    assert [c.what for c in finding.evidence] == ["the reviews of the pull request"]


def test_every_request_that_stood_is_named_and_cited() -> None:
    finding = judge(reviews=[no("pat", at=-60), no("paul", at=-50), no(None, at=-40)])
    assert finding.outcome is EXCEPTION
    assert [c.who for c in finding.evidence] == ["pat", "paul"]
    assert "pat at 2026-03-10 11:00:00Z" in finding.reason
    assert "paul at 2026-03-10 11:10:00Z" in finding.reason
