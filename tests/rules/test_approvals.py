"""Whose approval counts for a role: tried on 3.1, which all roles share their conditions with."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from builders import (
    DAY,
    GONE,
    HOUR,
    MERGED_AT,
    actor,
    commit,
    dismissed,
    force_pushed,
    make_change,
    make_policy,
    person,
    review,
    team,
)
from changeaudit.records import Actor, ActorKind
from changeaudit.rules.step3_peer import (
    approved_by_qualified_peer,
    no_objection_standing,
    peer_approval_fresh,
)
from changeaudit.verdicts import Finding, Outcome

PASS, EXCEPTION = Outcome.PASS, Outcome.EXCEPTION
UNDETERMINED, NOT_APPLICABLE = Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE


def peers(*users: Any, **role: Any) -> dict[str, Any]:
    return {"peer": {"users": list(users), **role}}


def judge(policy: dict[str, Any] | None = None, rule: Any = None, **facts: Any) -> Finding:
    """3.1 (or another rule) on a change with these facts."""
    finding: Finding = (rule or approved_by_qualified_peer)(
        make_change(**facts), make_policy(**(policy or {}))
    )
    assert finding.reason.endswith(".")
    assert ".." not in finding.reason
    return finding


APPROVED = review("pat", at=-60)
REJECTED = review("pat", "CHANGES_REQUESTED", at=-60)


def later(state: str, at: float | None = -30, **more: Any) -> Any:
    return review("pat", state, at, **more)


# An approval as its author's latest opinion, as of the merge -------------------------------------


@pytest.mark.parametrize(
    ("outcome", "why", "facts"),
    [
        pytest.param(PASS, "pat", {"reviews": [APPROVED]}, id="approved"),
        pytest.param(EXCEPTION, "There was no review before", {"reviews": []}, id="no review"),
        pytest.param(EXCEPTION, "1 review ", {"reviews": [later("COMMENTED")]}, id="comment only"),
        pytest.param(
            PASS, "pat", {"reviews": [APPROVED, later("COMMENTED")]}, id="later comment keeps it"
        ),
        pytest.param(
            EXCEPTION,
            "a later opinion of pat's replaced it (changes requested)",
            {"reviews": [APPROVED, later("CHANGES_REQUESTED")]},
            id="later request for changes cancels it",
        ),
        pytest.param(
            PASS,
            "pat",
            {"reviews": [REJECTED, later("APPROVED")]},
            id="approval after a request for changes",
        ),
        pytest.param(
            EXCEPTION,
            "1 review ",
            {"reviews": [REJECTED, later("APPROVED", at=5)]},
            id="approved only after the merge",
        ),
        pytest.param(
            UNDETERMINED,
            "in the very second of the merge",
            {"reviews": [later("APPROVED", at=0)]},
            id="approved in the second of the merge",
        ),
        pytest.param(
            PASS,
            "pat",
            {"reviews": [APPROVED, later("APPROVED", at=0)]},
            id="approved before, and again in the second of the merge",
        ),
        pytest.param(
            UNDETERMINED,
            "another opinion in the very second of the merge",
            {"reviews": [APPROVED, later("CHANGES_REQUESTED", at=0)]},
            id="changes requested in the second of the merge",
        ),
        pytest.param(
            UNDETERMINED,
            "two opinions within one second",
            {"reviews": [APPROVED, later("CHANGES_REQUESTED", at=-60, id="other")]},
            id="approval and request for changes in one second",
        ),
        pytest.param(
            PASS,
            "pat",
            {
                "reviews": [
                    APPROVED,
                    later("CHANGES_REQUESTED", at=-60, id="other"),
                    later("APPROVED", at=-10),
                ]
            },
            id="two opinions in one second, and an approval later",
        ),
        pytest.param(
            EXCEPTION,
            "replaced it",
            {
                "reviews": [
                    APPROVED,
                    later("CHANGES_REQUESTED", at=-60, id="other"),
                    later("CHANGES_REQUESTED", at=-10),
                ]
            },
            id="two opinions in one second, and a request for changes later",
        ),
        pytest.param(
            EXCEPTION,
            "replaced it (changes requested)",
            {
                "reviews": [
                    later("COMMENTED", at=-90),
                    APPROVED,
                    later("COMMENTED", at=-40),
                    later("APPROVED", at=-30),
                    review("paul", "COMMENTED", at=-20),
                    later("CHANGES_REQUESTED", at=-10),
                ]
            },
            id="a request for changes is the last of many reviews",
        ),
        pytest.param(UNDETERMINED, "did not answer", {"reviews": GONE}, id="reviews unread"),
        pytest.param(
            EXCEPTION,
            "1 review ",
            {"reviews": [later("APPROVED", at=None), later("COMMENTED")]},
            id="a review not yet submitted",
        ),
    ],
)
def test_an_approval_counts_as_its_authors_latest_opinion(
    outcome: Outcome, why: str, facts: dict[str, Any]
) -> None:
    finding = judge(**facts)
    assert finding.outcome is outcome
    assert why in finding.reason


NEWER = review("pat", at=-30, id="newer")
TIED = review("pat", at=0, id="tied")


@pytest.mark.parametrize(
    ("outcome", "why", "facts"),
    [
        pytest.param(
            EXCEPTION,
            "dismissed by lee at 2026-03-10 11:40:00Z",
            {"reviews": [APPROVED], "events": [dismissed(APPROVED, at=-20)]},
            id="dismissed before the merge",
        ),
        pytest.param(
            PASS,
            "pat",
            {"reviews": [APPROVED], "events": [dismissed(APPROVED, at=20)]},
            id="dismissed after the merge",
        ),
        pytest.param(
            UNDETERMINED,
            "dismissed in the very second of the merge",
            {"reviews": [APPROVED], "events": [dismissed(APPROVED, at=0)]},
            id="dismissed in the second of the merge",
        ),
        pytest.param(
            EXCEPTION,
            "approved by pat at 2026-03-10 11:30:00Z, but it was dismissed",
            {"reviews": [APPROVED, NEWER], "events": [dismissed(NEWER, at=-20)]},
            id="a dismissal revives nothing older",
        ),
        pytest.param(
            PASS,
            "pat",
            {"reviews": [APPROVED, NEWER], "events": [dismissed(APPROVED, at=-40)]},
            id="approved again after a dismissal",
        ),
        pytest.param(
            UNDETERMINED,
            "does not show when",
            {"reviews": [review("pat", "DISMISSED")]},
            id="dismissed, and the timeline does not tell when",
        ),
        pytest.param(
            UNDETERMINED,
            "it was dismissed, and the timeline does not show when",
            {"reviews": [APPROVED, review("pat", "DISMISSED", at=-30)]},
            id="a later review was dismissed, nobody knows when",
        ),
        pytest.param(
            PASS,
            "pat",
            {"reviews": [APPROVED, TIED], "events": [dismissed(TIED, at=20)]},
            id="repeated in the second of the merge, the repetition dismissed after it",
        ),
        pytest.param(
            UNDETERMINED,
            "in the very second of the merge",
            {"reviews": [APPROVED, TIED], "events": [dismissed(TIED, at=0)]},
            id="repeated and dismissed in the second of the merge",
        ),
        pytest.param(
            EXCEPTION,
            "1 review ",
            {"reviews": [REJECTED], "events": [dismissed(REJECTED, was="CHANGES_REQUESTED")]},
            id="a dismissed request for changes was no approval",
        ),
        pytest.param(
            UNDETERMINED,
            "what it was is not told",
            {"reviews": [APPROVED], "events": [dismissed(APPROVED, at=20, was="")]},
            id="dismissed after the merge, and what it was is not told",
        ),
    ],
)
def test_a_dismissal_counts_from_its_own_second(
    outcome: Outcome, why: str, facts: dict[str, Any]
) -> None:
    finding = judge(**facts)
    assert finding.outcome is outcome
    assert why in finding.reason


def test_a_dismissal_by_a_deleted_account_is_a_dismissal() -> None:
    finding = judge(reviews=[APPROVED], events=[dismissed(APPROVED, by=None)])
    assert finding.outcome is EXCEPTION
    assert "dismissed by a deleted account" in finding.reason


# Who approved -----------------------------------------------------------------------------------


def as_actor(found: Any, by: Actor) -> Any:
    return msgspec.structs.replace(found, author=by)


def test_a_deleted_accounts_approval_counts_for_nobody() -> None:
    """Nobody in particular approved: by the procedure's words it does not count, so it is an
    exception; there is nothing more that could be read."""
    finding = judge(reviews=[review(None)])
    assert finding.outcome is EXCEPTION
    assert "the account is deleted now" in finding.reason


def test_two_deleted_accounts_are_neither_one_person_nor_two() -> None:
    finding = judge(
        {"peer_review": {"approvals": 2}}, reviews=[review(None, at=-50), review(None, at=-40)]
    )
    assert finding.outcome is EXCEPTION
    assert "0 of 2" in finding.reason
    assert finding.reason.count("the account is deleted now") == 2


def test_a_deleted_accounts_request_for_changes_cancels_nobodys_approval() -> None:
    reviews = [review("pat", at=-50), review(None, "CHANGES_REQUESTED", at=-40)]
    assert judge(reviews=reviews).outcome is PASS


@pytest.mark.parametrize(
    "bot",
    [
        pytest.param(Actor(9, "approver[bot]", ActorKind.BOT), id="as REST names it"),
        pytest.param(Actor(9, "approver", ActorKind.BOT), id="as GraphQL names it"),
        pytest.param(Actor(9, "approver[bot]", ActorKind.USER), id="by its login alone"),
    ],
)
def test_a_bot_approves_only_if_the_policy_names_it(bot: Actor) -> None:
    facts = {"reviews": [as_actor(review(), bot)]}
    role = {"roles": peers("pat", "approver[bot]")}
    refused = judge(role, **facts)
    assert refused.outcome is EXCEPTION
    assert "approver" in refused.reason
    assert "is a bot" in refused.reason
    assert judge({**role, "approving_bots": ["Approver[bot]"]}, **facts).outcome is PASS


def test_a_bot_that_may_approve_still_needs_the_role() -> None:
    finding = judge({"approving_bots": ["approver[bot]"]}, reviews=[review("approver[bot]")])
    assert finding.outcome is EXCEPTION


@pytest.mark.parametrize("kind", [ActorKind.ORGANIZATION, ActorKind.MANNEQUIN])
def test_what_is_no_person_does_not_approve(kind: ActorKind) -> None:
    by = Actor(9, "pat", kind)
    assert judge(reviews=[as_actor(review(), by)]).outcome is EXCEPTION


def test_an_enterprise_account_is_a_person() -> None:
    by = Actor(9, "pat", ActorKind.ENTERPRISE_USER)
    assert judge(reviews=[as_actor(review(), by)]).outcome is PASS


# In the role on that date ------------------------------------------------------------------------

DAY_OF_APPROVAL = "2026-03-10"


@pytest.mark.parametrize(
    ("member", "outcome"),
    [
        ({"login": "pat", "from": DAY_OF_APPROVAL}, PASS),
        ({"login": "pat", "to": DAY_OF_APPROVAL}, PASS),
        ({"login": "pat", "from": DAY_OF_APPROVAL, "to": DAY_OF_APPROVAL}, PASS),
        ({"login": "pat", "from": "2026-03-11"}, EXCEPTION),
        ({"login": "pat", "to": "2026-03-09"}, EXCEPTION),
        ("PAT", PASS),
        ("paul", EXCEPTION),
    ],
)
def test_the_days_of_a_role_are_included(member: Any, outcome: Outcome) -> None:
    assert judge({"roles": peers(member)}, reviews=[review("pat")]).outcome is outcome


def test_the_days_that_were_missed_are_named() -> None:
    spans = [
        {"login": "pat", "from": "2026-01-01", "to": "2026-01-31"},
        {"login": "pat", "from": "2026-03-11"},
    ]
    reason = judge({"roles": peers(*spans)}, reviews=[review("pat")]).reason
    assert (
        "pat was in the role only from 2026-01-01 until 2026-01-31 and from 2026-03-11,"
        " not on 2026-03-10" in reason
    )


@pytest.mark.parametrize(("at", "outcome"), [(-12 * HOUR, PASS), (-12 * HOUR - 1 / 60, EXCEPTION)])
def test_a_day_is_a_day_in_utc(at: float, outcome: Outcome) -> None:
    """The change merged at noon, so twelve hours earlier the day began."""
    role = peers({"login": "pat", "from": DAY_OF_APPROVAL})
    assert judge({"roles": role}, reviews=[review("pat", at=at)]).outcome is outcome


def test_the_day_is_that_of_the_approval_not_of_the_merge() -> None:
    role = peers({"login": "pat", "to": "2026-03-09"})
    assert judge({"roles": role}, reviews=[review("pat", at=-DAY)]).outcome is PASS


def test_an_approval_within_the_role_outlives_a_repetition_outside_it() -> None:
    """Approving once more takes nothing back; the first one was given in the role."""
    role = peers({"login": "pat", "to": "2026-03-09"})
    reviews = [review("pat", at=-DAY), review("pat", at=-60)]
    assert judge({"roles": role}, reviews=reviews).outcome is PASS


@pytest.mark.parametrize(
    ("teams", "outcome", "why"),
    [
        ([team("Acme/Peers", "pat")], PASS, "member of Acme/Peers as of 2026-03-11"),
        ([team("acme/peers", "paul")], EXCEPTION, "not in the role"),
        ([], UNDETERMINED, "the members of team acme/peers were not collected"),
        (
            [msgspec.structs.replace(team("acme/peers"), members=GONE)],
            UNDETERMINED,
            "acme/peers could not be read: the source did not answer",
        ),
    ],
)
def test_a_teams_members_hold_the_role(teams: Any, outcome: Outcome, why: str) -> None:
    finding = judge({"roles": peers(teams=["acme/peers"])}, reviews=[review()], teams=teams)
    assert finding.outcome is outcome
    assert why in finding.reason


def test_a_team_knows_a_renamed_member_by_the_id() -> None:
    renamed = Actor(actor("pat").id, "patricia")  # type: ignore[union-attr]
    finding = judge(
        {"roles": peers(teams=["acme/peers"])},
        reviews=[as_actor(review(), renamed)],
        teams=[team("acme/peers", "pat")],
    )
    assert finding.outcome is PASS


@pytest.mark.parametrize(
    ("can_write", "outcome"), [(True, PASS), (False, EXCEPTION), (GONE, UNDETERMINED)]
)
def test_whoever_may_write_holds_a_role_of_writers(can_write: Any, outcome: Outcome) -> None:
    finding = judge(
        {"roles": peers(write_access=True)}, reviews=[review("zoe", can_write=can_write)]
    )
    assert finding.outcome is outcome


def test_a_role_that_names_nobody_leaves_it_open() -> None:
    for rule in (approved_by_qualified_peer, no_objection_standing, peer_approval_fresh):
        finding = judge({"roles": {"peer": {}}}, rule, reviews=[review()])
        assert finding.outcome is UNDETERMINED
        assert finding.reason == (
            "The policy names nobody for the role 'peer': add roles.peer.teams or roles.peer.users."
        )


# Independent of the change: see test_developers for who its developers are ------------------------


@pytest.mark.parametrize(
    ("facts", "part"),
    [
        ({"author": "pat"}, "opened the pull request"),
        ({"commits": [commit("1234567890", "pat")]}, "is the author of 1234567"),
        ({"events": [force_pushed("pat", at=-90)]}, "force-pushed the branch"),
    ],
)
def test_a_developer_is_not_a_peer(facts: dict[str, Any], part: str) -> None:
    finding = judge(reviews=[review("pat")], **facts)
    assert finding.outcome is EXCEPTION
    assert f"but pat {part}" in finding.reason


def test_an_unknown_developer_leaves_independence_open() -> None:
    commits = [commit(authors=(person(None, linked=False),), committer=person())]
    finding = judge(reviews=[review("pat")], commits=commits)
    assert finding.outcome is UNDETERMINED
    assert "Nobody <Nobody@example.com>, has no linked account" in finding.reason


# How many -----------------------------------------------------------------------------------------

TWO = {"peer_review": {"approvals": 2}}


def test_as_many_must_approve_as_the_policy_asks() -> None:
    both = [review("pat", at=-50), review("paul", at=-40)]
    finding = judge(TWO, reviews=both)
    assert finding.outcome is PASS
    assert finding.reason == "Approved by pat (named in the policy) and paul (named in the policy)."
    assert [c.who for c in finding.evidence] == ["pat", "paul"]
    one = judge(TWO, reviews=both[:1])
    assert one.outcome is EXCEPTION
    assert one.reason == "Too few approvals by a qualified peer (1 of 2): approved by pat."


def test_one_person_approving_twice_is_one() -> None:
    same_login = [review("pat", at=-50), review("pat", at=-40)]
    renamed = as_actor(review("pat", at=-40), Actor(actor("pat").id, "paul"))  # type: ignore[union-attr]
    for reviews in (same_login, [review("pat", at=-50), renamed]):
        assert judge(TWO, reviews=reviews).outcome is EXCEPTION


def test_accounts_without_an_id_are_known_by_their_logins() -> None:
    nameless = as_actor(review("pat", at=-40), Actor(0, "PAT"))
    assert judge(TWO, reviews=[review("pat", at=-50), nameless]).outcome is EXCEPTION


def test_one_sure_and_one_possible_approval_may_be_two() -> None:
    role = {"roles": peers("pat", write_access=True), **TWO}
    reviews = [review("pat", at=-50), review("zoe", at=-40, can_write=GONE)]
    finding = judge(role, reviews=reviews)
    assert finding.outcome is UNDETERMINED
    assert "1 of 2 shown" in finding.reason
    assert "approved by zoe" in finding.reason


def test_possible_approvals_that_cannot_be_enough_are_an_exception() -> None:
    role = {"roles": peers("pat", write_access=True), **TWO}
    finding = judge(role, reviews=[review("zoe", can_write=GONE)])
    assert finding.outcome is EXCEPTION


def test_the_reason_names_each_reviewers_own_fault() -> None:
    finding = judge(
        reviews=[
            review("zoe", at=-50),
            review("dana", at=-45),
            review("ci[bot]", at=-40),
            review(None, at=-35),
            APPROVED,
        ],
        events=[dismissed(APPROVED)],
        commits=[commit("head", "dana")],
    )
    assert finding.outcome is EXCEPTION
    assert "approved by zoe at 2026-03-10 11:10:00Z, but zoe was not in the role" in finding.reason
    assert "approved by dana at 2026-03-10 11:15:00Z, but dana was not in" in finding.reason
    assert "ci[bot] is a bot" in finding.reason
    assert "the account is deleted now" in finding.reason
    assert "it was dismissed by lee" in finding.reason
    assert len(finding.evidence) == 5


WRITERS_TOO = {"roles": peers("pat", "paul", write_access=True)}
OF_TWO_COMMITS = {"commits": [commit("one"), commit("two")]}


@pytest.mark.parametrize(
    ("rule", "outcome", "policy", "facts", "cited"),
    [
        (approved_by_qualified_peer, PASS, {}, {"reviews": [APPROVED, review("zoe")]}, ["pat"]),
        (
            approved_by_qualified_peer,
            EXCEPTION,
            TWO,
            {"reviews": [APPROVED, review("zoe")]},
            ["pat", "zoe"],
        ),
        (
            approved_by_qualified_peer,
            UNDETERMINED,
            WRITERS_TOO,
            {"reviews": [review("zoe", can_write=GONE), review("dana")]},
            ["dana", "zoe"],
        ),
        (peer_approval_fresh, PASS, {}, {"reviews": [APPROVED, review("zoe")]}, ["pat"]),
        (peer_approval_fresh, NOT_APPLICABLE, TWO, {"reviews": [APPROVED]}, ["pat"]),
        (
            peer_approval_fresh,
            UNDETERMINED,
            {},
            {"reviews": [review("pat", commit=None), review("zoe")]},
            ["pat"],
        ),
        (
            peer_approval_fresh,
            EXCEPTION,
            {},
            {"reviews": [review("pat", commit="one"), review("zoe")], **OF_TWO_COMMITS},
            ["pat"],
        ),
    ],
)
def test_the_reviews_that_decide_are_cited(
    rule: Any, outcome: Outcome, policy: dict[str, Any], facts: dict[str, Any], cited: list[str]
) -> None:
    """Those that count or may, and what was approved in vain where nobody else's counts."""
    finding = judge(policy, rule, **facts)
    assert finding.outcome is outcome
    assert [citation.who for citation in finding.evidence] == cited


def test_one_fresh_and_one_possibly_fresh_approval_may_be_two() -> None:
    """Whoever else's is stale."""
    role = {"roles": peers("pat", "paul", "peter"), **TWO}
    reviews = [
        review("pat", at=-50, commit="two"),
        review("paul", at=-40, commit=None),
        review("peter", at=-70, commit="one"),
    ]
    finding = judge(role, peer_approval_fresh, reviews=reviews, **OF_TWO_COMMITS)
    assert finding.outcome is UNDETERMINED
    assert "paul" in finding.reason


@pytest.mark.parametrize(("first", "second"), [(None, "one"), ("one", None)])
def test_an_approval_that_may_be_fresh_speaks_more_for_somebody_than_a_stale_one(
    first: str | None, second: str | None
) -> None:
    """Whichever of the two came later."""
    reviews = [review("pat", at=-50, commit=first), review("pat", at=-40, commit=second)]
    finding = judge(None, peer_approval_fresh, reviews=reviews, **OF_TWO_COMMITS)
    assert finding.outcome is UNDETERMINED


@pytest.mark.parametrize("order", [1, -1])
def test_reviews_count_by_their_instants_in_whatever_order_they_are_listed(order: int) -> None:
    reviews = [APPROVED, later("CHANGES_REQUESTED", at=-30), review("paul", at=-20)]
    finding = judge(reviews=reviews[::order])
    assert finding.outcome is PASS
    finding = judge(TWO, reviews=reviews[::order])
    assert finding.outcome is EXCEPTION
    assert [citation.who for citation in finding.evidence] == ["pat", "paul"]


def test_evidence_says_what_a_review_was_at_the_merge() -> None:
    """A review that was dismissed afterwards is cited as the approval that it was."""
    (citation,) = judge(reviews=[APPROVED], events=[dismissed(APPROVED, at=20)]).evidence
    assert citation.what == "review: approved"
    assert citation.who == "pat"
    assert citation.at is not None
    assert citation.at < MERGED_AT
    assert citation.url
