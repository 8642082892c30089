"""In which order roles approved, where one person may hold several: tried on 6.2."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from builders import GONE, clock, file, labeled, make_change, make_policy, review
from changeaudit.records import Unavailable
from changeaudit.rules.approvals import assess
from changeaudit.rules.order import apart
from changeaudit.rules.step6_final import lead_approval_final
from changeaudit.verdicts import Finding, Outcome

PASS, EXCEPTION, UNDETERMINED = Outcome.PASS, Outcome.EXCEPTION, Outcome.UNDETERMINED

LEADS_ARE_PEERS = {"roles": {"peer": {"users": ["pat", "paul", "lee"]}}}
MAY_BE_BOTH = {"final_approval": {"peer_may_be_lead": True}}
TWO_PEERS = {"peer_review": {"approvals": 2}}
TWO_OF_SECURITY = {"security_review": {"approvals": 2}}
WRITING_PEERS = {"roles": {"peer": {"users": ["pat"], "write_access": True}}}
WRITING_SECURITY = {"roles": {"security": {"users": ["sam"], "write_access": True}}}
SENSITIVE = {"files": [file("auth/login.py")]}


def judge(policy: dict[str, Any], reviews: Any, **facts: Any) -> Finding:
    """6.2 on a change with these reviews."""
    return lead_approval_final(make_change(reviews=reviews, **facts), make_policy(**policy))


def known(by: str, at: float) -> Any:
    """An approval by somebody who may not write, and so holds only the roles that name them."""
    return review(by, at=at, can_write=False)


def maybe(by: str, at: float) -> Any:
    """An approval by somebody whose right to write could not be read."""
    return review(by, at=at, can_write=GONE)


def test_a_leads_own_earlier_approval_is_not_the_peers() -> None:
    """Who may not be both does not come after the peer by having approved twice."""
    twice = [known("lee", -100), known("quinn", -80), known("pat", -40), known("lee", -20)]
    before_pat = [*twice[:3], known("lee", -50)]
    finding = judge(LEADS_ARE_PEERS, twice)
    assert finding.outcome is PASS
    assert [citation.who for citation in finding.evidence] == ["lee", "pat", "quinn"]
    finding = judge(LEADS_ARE_PEERS, before_pat)
    assert finding.outcome is EXCEPTION
    assert "not after pat at 2026-03-10 11:20:00Z (peer)." in finding.reason
    assert "lee" not in finding.reason.partition("not after")[2]


def test_who_may_be_both_is_one_of_the_peers_that_are_needed() -> None:
    """Of two peers one is the lead, so that one more has to come before."""
    policy = {**LEADS_ARE_PEERS, **MAY_BE_BOTH, **TWO_PEERS}
    reviews = [known("pat", -99), known("quinn", -80), known("lee", -50), known("paul", -30)]
    assert judge(policy, reviews).outcome is PASS
    assert judge({**LEADS_ARE_PEERS, **TWO_PEERS}, reviews).outcome is EXCEPTION
    late = [known("pat", -40), *reviews[1:]]
    assert judge(policy, late).outcome is EXCEPTION


@pytest.mark.parametrize(
    ("outcome", "why", "policy", "facts"),
    [
        pytest.param(
            EXCEPTION,
            "not after pat at",
            WRITING_PEERS,
            {"reviews": [known("quinn", -80), maybe("lee", -50), known("pat", -40)]},
            id="the lead may be a peer by right, but not both",
        ),
        pytest.param(
            UNDETERMINED,
            "pat at",
            {**WRITING_PEERS, **MAY_BE_BOTH},
            {"reviews": [known("quinn", -80), maybe("lee", -50), known("pat", -40)]},
            id="the lead may be the peer as well",
        ),
        pytest.param(
            EXCEPTION,
            "not after sam at",
            WRITING_SECURITY,
            {
                "reviews": [
                    known("pat", -99),
                    known("quinn", -80),
                    known("lee", -50),
                    known("sam", -40),
                    maybe("zoe", -30),
                ],
                **SENSITIVE,
            },
            id="another who may be of security came later as well",
        ),
        pytest.param(
            UNDETERMINED,
            "approved by zoe",
            {**WRITING_SECURITY, **TWO_OF_SECURITY},
            {
                "reviews": [
                    known("pat", -99),
                    known("quinn", -80),
                    maybe("zoe", -60),
                    maybe("lee", -50),
                    known("sam", -40),
                ],
                **SENSITIVE,
            },
            id="another and the lead may be the two of security",
        ),
        pytest.param(
            UNDETERMINED,
            "lee at 2026-03-10 11:10:00Z approved as lead",
            WRITING_SECURITY,
            {
                "reviews": [
                    known("pat", -99),
                    known("quinn", -80),
                    known("lee", -50),
                    known("sam", -40),
                    maybe("zoe", -30),
                ],
                "changed_files": 2,
            },
            id="whether security had to approve is not known",
        ),
    ],
)
def test_what_may_be_the_leads_own_act(
    outcome: Outcome, why: str, policy: dict[str, Any], facts: dict[str, Any]
) -> None:
    finding = judge(policy, **facts)
    assert finding.outcome is outcome, finding.reason
    assert why in finding.reason


@pytest.mark.parametrize(
    ("sue", "one", "two"), [(-60, PASS, PASS), (-50, PASS, UNDETERMINED), (-40, PASS, EXCEPTION)]
)
def test_as_many_of_security_come_before_the_lead_as_the_policy_asks(
    sue: float, one: Outcome, two: Outcome
) -> None:
    """However many peers it asks for."""
    reviews = [known("pat", -99), known("sam", -90), known("quinn", -80), known("lee", -50)]
    facts = {"reviews": [*reviews, known("sue", sue)], **SENSITIVE}
    assert judge({}, **facts).outcome is one
    assert judge(TWO_OF_SECURITY, **facts).outcome is two


def test_where_security_may_have_to_approve_everybody_of_it_is_named() -> None:
    """Those who count and those who may, with their role, and what is not known."""
    reviews = [
        known("pat", -99),
        known("quinn", -80),
        known("lee", -50),
        known("sam", -40),
        maybe("zoe", -30),
    ]
    finding = judge(WRITING_SECURITY, reviews, changed_files=2)
    assert finding.outcome is UNDETERMINED
    assert "whether security had to approve (see 4.1)" in finding.reason
    assert "sam at 2026-03-10 11:20:00Z (security)" in finding.reason
    assert "zoe at 2026-03-10 11:30:00Z (security)" in finding.reason
    assert {"sam", "zoe", "lee"} <= {citation.who for citation in finding.evidence}


def test_every_approval_that_decides_is_cited() -> None:
    """The lead's first, then those that came before it, of each person the earliest."""
    reviews = [known("pat", -99), known("pat", -97), known("quinn", -80), known("lee", -50)]
    finding = judge({}, reviews, events=[labeled("qa-approved", "quentin", -90)])
    assert finding.outcome is PASS
    cited = [(citation.who, citation.at) for citation in finding.evidence]
    assert cited == [
        ("lee", clock(-50)),
        ("pat", clock(-99)),
        ("quinn", clock(-80)),
        ("quentin", clock(-90)),
    ]


LEE, QUINN = known("lee", -50), known("quinn", -80)


@pytest.mark.parametrize(
    ("policy", "facts", "reason"),
    [
        pytest.param(
            {},
            {"reviews": [known("pat", -50), QUINN, LEE]},
            "lee at 2026-03-10 11:10:00Z approved as lead; whether that came last cannot be told:"
            " not before it came pat at 2026-03-10 11:10:00Z (peer).",
            id="one second",
        ),
        pytest.param(
            WRITING_PEERS,
            {"reviews": [maybe("zoe", -40), QUINN, LEE]},
            "lee at 2026-03-10 11:10:00Z approved as lead; whether that came last cannot be told:"
            " approved by zoe at 2026-03-10 11:20:00Z, but the source did not answer; not before it"
            " came zoe at 2026-03-10 11:20:00Z (peer).",
            id="somebody who may count",
        ),
        pytest.param(
            {"qa": {"review": False}, "security_review": {"labels": []}},
            {"reviews": [known("pat", -99), LEE], "labels": GONE},
            "lee at 2026-03-10 11:10:00Z approved as lead; whether that came last cannot be told:"
            " the source did not answer.",
            id="unread",
        ),
    ],
)
def test_what_leaves_the_order_open_is_named_and_nothing_else(
    policy: dict[str, Any], facts: dict[str, Any], reason: str
) -> None:
    finding = judge(policy, **facts)
    assert finding.outcome is UNDETERMINED
    assert finding.reason == reason


@pytest.mark.parametrize(
    ("reviews", "outcome", "cited"),
    [
        ([known("pat", -99)], Outcome.NOT_APPLICABLE, [""]),
        ([LEE], Outcome.NOT_APPLICABLE, [""]),
        ([known("pat", -99), QUINN, LEE], PASS, ["lee", "pat", "quinn"]),
        ([known("pat", -40), QUINN, LEE], EXCEPTION, ["lee", "pat", "quinn"]),
        ([known("pat", -50), QUINN, LEE], UNDETERMINED, ["lee", "pat", "quinn"]),
        (
            [known("pat", -99), known("quinn", -40), LEE, known("lou", -20)],
            PASS,
            ["lou", "pat", "quinn"],
        ),
        (
            [known("pat", -99), QUINN, LEE, known("paul", -30), known("lou", -20)],
            PASS,
            ["lee", "lou", "pat", "quinn"],
        ),
    ],
)
def test_the_leads_that_came_last_are_cited_with_what_came_before_them(
    reviews: Any, outcome: Outcome, cited: list[str]
) -> None:
    """Where they did not, with all that was held against them; else the page that was read."""
    finding = judge({}, reviews)
    assert finding.outcome is outcome
    assert [citation.who for citation in finding.evidence] == cited
    assert all(citation.url for citation in finding.evidence)
    if outcome is PASS:
        said = finding.reason.partition(" approved as lead")[0]
        assert [name for name in ("lee", "lou") if name in said] == cited[:-2]


def test_the_order_in_which_reviews_are_listed_is_no_order() -> None:
    """The lead's last approval counts, and the others' first."""
    reviews = [known("pat", -100), known("lee", -95), known("quinn", -40), known("lee", -20)]
    for listed in (reviews, reviews[::-1]):
        finding = judge({}, listed)
        assert finding.outcome is PASS
        assert finding.evidence[0].at == clock(-20)


@pytest.mark.parametrize(
    ("shares", "leads", "answer"),
    [
        pytest.param({"pat": {0}, "lee": {0}, "lou": {1}}, ("lee", "lou"), True, id="lee leads"),
        pytest.param({"pat": {0}, "lou": {0}, "lee": {1}}, ("lee", "lou"), True, id="lou leads"),
        pytest.param({"pat": {0}, "lee": {1}, "lou": {2}}, ("lee", "lou"), False, id="neither can"),
        pytest.param({"pat": {0}, "lee": {1}}, ("lee",), False, id="the only lead has files"),
        pytest.param(
            {"pat": {0, 1}, "lee": {1}}, ("lee",), True, id="the only lead has none alone"
        ),
        pytest.param({"pat": set(), "lee": set()}, ("lee",), True, id="no file has an owner"),
        pytest.param({"lee": {0}}, ("lee",), False, id="one person"),
        pytest.param({"pat": {0}}, ("lee",), True, id="two people"),
    ],
)
def test_peers_and_leads_are_apart_if_any_choice_of_leads_leaves_no_file_to_them(
    shares: dict[str, set[int]], leads: tuple[str, ...], answer: bool
) -> None:
    """One lead is asked for and one peer; `shares` are the files that each peer covers."""
    policy = make_policy(roles={"lead": {"users": ["pat", "lee", "lou"]}})
    change = make_change(reviews=[known(by, -50) for by in ("pat", "lee", "lou")])
    found = assess(change, policy, "lead")
    assert not isinstance(found, Unavailable)
    by_login = {approval.citation.who: approval for approval in found.approvals}
    peers = [
        msgspec.structs.replace(by_login[who], covers=frozenset(covered))
        for who, covered in shares.items()
    ]
    assert apart(peers, [by_login[who] for who in leads], 1, 1) is answer
