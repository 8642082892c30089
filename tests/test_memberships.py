"""Who was in a team at an instant, by the snapshots around it."""

from __future__ import annotations

import pytest

from builders import DAY, MERGED_AT, actor, clock, make_policy, snapshot, team
from changeaudit.memberships import Roll, Shown, in_team
from changeaudit.people import Holds, holds
from changeaudit.policy import Role
from changeaudit.records import Actor, Membership, Team, Unavailable

PAT = Actor(7, "pat")
BOTH = [snapshot(-20 * DAY, PAT), snapshot(-10 * DAY, PAT)]
D1, D2, D3 = "2026-02-18", "2026-02-28", "2026-03-11"


def leads(*earlier: Membership, now: tuple[Actor, ...] = ()) -> Team:
    """A team with snapshots 20 and 10 days before the merge, or others, and one a day after."""
    return Team("acme/leads", now, clock(DAY), earlier)


CASES = [
    ("one later, in it", leads(now=(PAT,)), 0, True, f"member of acme/leads as of {D3}"),
    ("one later, not in it", leads(), 0, False, ""),
    ("before all", leads(*BOTH), -30, True, f"member of acme/leads as of {D1}"),
    ("after all", leads(*BOTH), 5, False, f"not a member of acme/leads as of {D3}"),
    ("after all, in it", leads(now=(PAT,)), 5, True, f"member of acme/leads as of {D3}"),
    (
        "between two that show it",
        leads(*BOTH),
        -15,
        True,
        f"member of acme/leads in the snapshots of {D1} and {D2}",
    ),
    (
        "between two that do not",
        leads(snapshot(-20 * DAY)),
        -15,
        False,
        f"not a member of acme/leads in the snapshots of {D1} and {D3}",
    ),
    (
        "left in between",
        leads(*BOTH),
        0,
        None,
        f"whether pat was in team acme/leads cannot be told: a member on {D2}, not on {D3}",
    ),
    (
        "joined in between",
        leads(snapshot(-10 * DAY), now=(PAT,)),
        0,
        None,
        f"whether pat was in team acme/leads cannot be told: not a member on {D2}, a member on"
        f" {D3}",
    ),
    (
        "at the very instant of a snapshot",
        leads(*BOTH),
        -10,
        None,
        "whether pat was in team acme/leads cannot be told: a member on 2026-02-28, not on"
        " 2026-03-11",
    ),
    (
        "an unread one in between is skipped and said",
        leads(snapshot(-20 * DAY, PAT), snapshot(-10 * DAY, unread="hidden"), now=(PAT,)),
        0,
        True,
        f"member of acme/leads in the snapshots of {D1} and {D3} (that of {D2} could not be read)",
    ),
    (
        "several unread ones are counted",
        leads(
            snapshot(-20 * DAY, PAT),
            snapshot(-12 * DAY, unread="x"),
            snapshot(-10 * DAY, unread="x"),
            now=(PAT,),
        ),
        0,
        True,
        f"member of acme/leads in the snapshots of {D1} and {D3} (2 others, the last of {D2} could"
        " not be read)",
    ),
    (
        "an unread one before the first",
        leads(snapshot(-10 * DAY, unread="hidden")),
        0,
        False,
        f"not a member of acme/leads as of {D3} (that of {D2} could not be read)",
    ),
    (
        "an unread one after the last",
        Team("acme/leads", Unavailable("hidden"), clock(DAY), (snapshot(-20 * DAY, PAT),)),
        0,
        True,
        f"member of acme/leads as of {D1} (that of {D3} could not be read)",
    ),
    (
        "those outside are not spoken of",
        leads(
            snapshot(-30 * DAY, unread="x"),
            snapshot(-20 * DAY, PAT),
            snapshot(-10 * DAY, PAT),
            snapshot(-5 * DAY, unread="x"),
        ),
        -15,
        True,
        f"member of acme/leads in the snapshots of {D1} and {D2}",
    ),
    (
        "nor one of before the last",
        leads(snapshot(-10 * DAY, unread="x"), now=(PAT,)),
        5,
        True,
        f"member of acme/leads as of {D3}",
    ),
    (
        "nor one of after the first",
        leads(snapshot(-20 * DAY, PAT), snapshot(-10 * DAY, unread="x")),
        -30,
        True,
        f"member of acme/leads as of {D1}",
    ),
    (
        "none was read",
        Team("acme/leads", Unavailable("hidden"), clock(DAY), (snapshot(0, unread="lost"),)),
        0,
        None,
        "the members of team acme/leads could not be read: hidden",
    ),
    (
        "two of one day are told apart by the second",
        Team("acme/leads", (PAT,), clock(5), (snapshot(-5, PAT),)),
        0,
        True,
        "member of acme/leads in the snapshots of 2026-03-10 11:55:00Z and 2026-03-10 12:05:00Z",
    ),
]


@pytest.mark.parametrize(
    ("found", "day", "answer", "how"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_the_snapshots_around_an_instant_tell(
    found: Team, day: float, answer: bool | None, how: str
) -> None:
    assert Roll.of(found).shows(PAT, clock(day * DAY)) == Shown(answer, how)


@pytest.mark.parametrize(
    ("member", "asked", "answer"),
    [
        (Actor(7, "pat-the-lead"), PAT, True),
        (Actor(8, "pat"), PAT, False),
        (Actor(0, "PAT"), PAT, True),
        (Actor(0, "pat"), Actor(7, "PAT"), True),
        (Actor(0, "paul"), PAT, False),
        (Actor(7, "pat"), Actor(0, "PAT"), True),
        (Actor(7, "Pat"), Actor(0, "pat"), True),
        (Actor(7, "paul"), Actor(0, "pat"), False),
    ],
)
def test_an_account_is_told_by_its_id_whatever_it_is_called(
    member: Actor, asked: Actor, answer: bool
) -> None:
    earlier = Team("acme/leads", (member,), clock(DAY), (snapshot(-DAY, member),))
    assert Roll.of(earlier).shows(asked, MERGED_AT).answer is answer


def test_snapshots_need_no_order() -> None:
    found = Team("acme/leads", (), clock(-20 * DAY), (snapshot(DAY, PAT), snapshot(-DAY, PAT)))
    assert Roll.of(found).shows(PAT, MERGED_AT).answer is True


def test_teams_are_asked_by_name_and_those_of_another_tuple_anew() -> None:
    first, second = (team("acme/leads", "pat"),), (team("Acme/Leads", "lee"),)
    pat = actor("pat")
    assert pat is not None
    for teams, answer in ((first, True), (second, False), (first, True)):
        assert in_team("ACME/leads", pat, MERGED_AT, teams).answer is answer
    missing = in_team("acme/qa", pat, MERGED_AT, first)
    assert missing == Shown(None, "the members of team acme/qa were not collected")


def test_what_is_undetermined_of_one_team_another_may_show() -> None:
    doubt = leads(*BOTH)
    sure = Team("acme/staff", (PAT,), clock(DAY))
    role = Role(teams=("acme/leads", "acme/staff"))
    assert holds(role, PAT, MERGED_AT, (doubt, sure), False).answer is True
    assert holds(role, PAT, MERGED_AT, (doubt,), False).answer is None
    found = holds(role, PAT, clock(5 * DAY), (doubt, Team("acme/staff", (), clock(DAY))), False)
    assert found == Holds(
        False,
        f"not a member of acme/leads as of {D3}; not a member of acme/staff as of {D3}",
    )


def test_code_owners_alone_name_the_role() -> None:
    policy = make_policy(roles={"peer": {"codeowners": True}})
    assert policy.roles.peer.named
    assert not policy.roles.peer.write_access
    assert policy.codeowners
