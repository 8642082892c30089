"""Whether two accounts are one person, whom a policy names, and who holds a role."""

from __future__ import annotations

import pytest

from builders import DAY, GONE, actor, clock, snapshot, team
from changeaudit.people import (
    NOT_HELD,
    Holds,
    all_apart,
    all_hold,
    holds,
    is_bot,
    is_named,
    is_person,
    name_of,
    on_github,
    same,
)
from changeaudit.policy import Member, Policy, Role
from changeaudit.records import Actor, ActorKind, JiraAccount, Unavailable

PAT = Actor(7, "pat")
RENOVATE = Actor(9, "renovate", ActorKind.BOT)


@pytest.mark.parametrize(
    ("other", "answer"),
    [
        (Actor(7, "patricia"), True),
        (Actor(8, "pat"), False),
        (Actor(0, "Pat"), True),
        (Actor(0, "paul"), False),
    ],
)
def test_ids_decide_and_logins_where_there_is_none(other: Actor, answer: bool) -> None:
    assert same(PAT, other) is answer
    assert same(other, PAT) is answer


@pytest.mark.parametrize(
    ("accounts", "answer"),
    [
        ([], True),
        ([PAT, None, Actor(8, "pat"), None], True),
        ([PAT, Actor(7, "patricia")], False),
        ([PAT, Actor(0, "paul")], False),
    ],
)
def test_ids_alone_show_at_once_that_all_are_others(
    accounts: list[Actor | None], answer: bool
) -> None:
    """Without an id it takes the logins, so it is not said at once."""
    assert all_apart(accounts) is answer


@pytest.mark.parametrize(
    ("found", "login", "answer"),
    [
        (PAT, "PAT", True),
        (Actor(7, "Pat"), "pat", True),
        (PAT, "paul", False),
        (RENOVATE, "renovate[bot]", True),
        (RENOVATE, "Renovate", True),
        (Actor(9, "renovate[bot]", ActorKind.BOT), "renovate[bot]", True),
        (Actor(5, "renovate"), "renovate[bot]", False),
    ],
)
def test_a_bot_is_named_with_or_without_its_suffix_and_no_person_is(
    found: Actor, login: str, answer: bool
) -> None:
    """GraphQL calls the app "renovate", REST "renovate[bot]"; a person may be called that too."""
    assert is_named(found, login) is answer


def test_bots_are_known_by_kind_or_by_name() -> None:
    assert is_bot(RENOVATE)
    assert is_bot(Actor(9, "ci[BOT]"))
    assert not is_bot(PAT)
    assert not is_person(RENOVATE, ())
    assert is_person(RENOVATE, ("renovate[bot]",))
    assert is_person(PAT, ())


def test_a_named_bot_makes_no_person_of_another() -> None:
    named = ("renovate[bot]", "ci[bot]")
    assert is_person(Actor(5, "ci[bot]"), named)
    assert not is_person(Actor(5, "dependabot", ActorKind.BOT), named)
    assert not is_person(Actor(5, "pat", ActorKind.MANNEQUIN), named)


def test_nobody_has_a_name() -> None:
    assert name_of(None) == "a deleted account"
    assert name_of(PAT) == "pat"
    assert name_of(JiraAccount("712020:p", "Pat P.", "pp")) == "Pat P."
    assert name_of(JiraAccount("712020:p", "", "pp")) == "pp"
    assert name_of(JiraAccount("712020:p", "")) == "712020:p"


KNOWN = Policy().with_people(
    {},
    {"pat@acme.example": "pat", "sue@acme.example": "sue"},
    jira_accounts={
        "712020:p": "pat",
        "spot": "sam",
        "jirauser9": "nina",
        "5b10ac8d82e05b22cc7d4ef5": "hal",
    },
)
"""A roster with an account and an address of pat's, accounts of others, an address of sue's."""


@pytest.mark.parametrize(
    ("account", "login"),
    [
        (JiraAccount("712020:P", "Somebody"), "pat"),
        (JiraAccount("JIRAUSER7", "Sam", "Spot"), "sam"),
        (JiraAccount("712020:s", "Sue", email="Sue@Acme.example"), "sue"),
        (JiraAccount("712020:p", "Pat", email="sue@acme.example"), "pat"),
        (JiraAccount("712020:x", "Pat", email="pat@acme.example"), None),
        (JiraAccount("712020:x", "pat"), None),
        (JiraAccount("pat", "pat", "pat"), None),
        pytest.param(JiraAccount("JIRAUSER9", "Nine", "renamed"), "nina", id="by a key"),
        pytest.param(JiraAccount("JIRAUSER8", "X", "jirauser9"), None, id="called like a key"),
        pytest.param(JiraAccount("spot", "Old", "old"), None, id="first called like a user name"),
        pytest.param(JiraAccount("spot", "Gone"), None, id="its user name is gone"),
        pytest.param(JiraAccount("5b10ac8d82e05b22cc7d4ef5", "H"), "hal", id="an id of old"),
        pytest.param(JiraAccount("JIRAUSER9", "Nine", "spot"), None, id="two people's"),
        (JiraAccount("", "", "", "stranger@acme.example"), None),
    ],
)
def test_only_the_roster_tells_who_a_jira_account_is(
    account: JiraAccount, login: str | None
) -> None:
    """Not what it is called; an address not where the roster names another account of theirs."""
    found = on_github(account, KNOWN)
    if login is None:
        assert isinstance(found, Unavailable)
        two = account.id == "JIRAUSER9"
        expected = "two people's by the roster: nina and sam" if two else "nobody in the roster"
        assert expected in found.reason
    else:
        assert found == Actor(0, login)


@pytest.mark.parametrize("login", ["Pat", "PAT", "pat"])
def test_another_account_of_somebodys_is_theirs_only_by_the_roster(login: str) -> None:
    """In whatever case it writes their login beside the address and beside the account."""
    policy = Policy().with_people(
        {}, {"pat@acme.example": login}, jira_accounts={"712020:p": login.swapcase()}
    )
    other = JiraAccount("712020:x", "Pat", email="pat@acme.example")
    assert isinstance(on_github(other, policy), Unavailable)


def test_who_a_stranger_is_said_to_be() -> None:
    """With the id that belongs into the roster."""
    found = on_github(JiraAccount("712020:x", "Kim", "kk"), KNOWN)
    assert isinstance(found, Unavailable)
    assert found.reason == (
        "the Jira account Kim (kk, 712020:x) is nobody in the roster; give it there in the column"
        " jira"
    )
    nameless = on_github(JiraAccount("712020:x", ""), KNOWN)
    assert isinstance(nameless, Unavailable)
    assert nameless.reason.startswith("the Jira account 712020:x is nobody")


YES, NO, UNKNOWN = Holds(True, "yes"), Holds(False, "no"), Holds(None, "unknown")


@pytest.mark.parametrize(
    ("conditions", "which"),
    [
        ((YES,), YES),
        ((YES, UNKNOWN), UNKNOWN),
        ((UNKNOWN, Holds(None, "second"), YES), UNKNOWN),
        ((NO, Holds(False, "second")), NO),
        ((UNKNOWN, NO), NO),
        ((NO, UNKNOWN, YES), NO),
        ((YES, Holds(True, "last")), Holds(True, "last")),
    ],
)
def test_the_first_failure_speaks_for_all(conditions: tuple[Holds, ...], which: Holds) -> None:
    assert all_hold(*conditions) == which


def test_what_shows_the_role_outweighs_what_is_unknown() -> None:
    role = Role(users=(Member(login="pat"),), teams=("acme/x",), write_access=True)
    assert holds(role, PAT, clock(0), (), GONE).answer is True
    unknown = holds(role, Actor(1, "zoe"), clock(0), (), GONE)
    assert unknown == Holds(
        None, "the members of team acme/x were not collected; the source did not answer"
    )
    assert holds(role, Actor(1, "zoe"), clock(0), (), True).answer is True


def test_any_member_of_any_team_holds_the_role() -> None:
    """Whatever the case in which the policy writes the team's name."""
    role = Role(teams=("Acme/Peers", "acme/leads"))
    teams = (team("acme/peers", "paul", "pat"), team("ACME/leads", "lee", "lou"))
    for login, answer in (("pat", True), ("paul", True), ("lou", True), ("zoe", False)):
        by = actor(login)
        assert by is not None
        assert holds(role, by, clock(0), teams, False).answer is answer


def test_where_somebody_is_not_in_the_role_what_shows_it_is_named() -> None:
    """The days of the policy, and the snapshots of a team."""
    peers = team("acme/peers", "paul", earlier=[snapshot(-DAY, "paul")])
    leads = team("acme/leads", "lee")
    shown = "not a member of acme/peers in the snapshots of 2026-03-09 and 2026-03-11"
    role = Role(teams=("acme/peers", "acme/leads"))
    assert holds(role, PAT, clock(0), (peers, leads), False) == Holds(False, shown)
    assert holds(Role(teams=("acme/leads",)), PAT, clock(0), (leads,), False).why == NOT_HELD
    once = role.model_copy(
        update={"users": (Member.model_validate({"login": "pat", "to": "2026-01-31"}),)}
    )
    only = "in the role only until 2026-01-31, not on 2026-03-10"
    assert holds(once, PAT, clock(0), (peers, leads), False) == Holds(False, f"{only}; {shown}")


def test_a_role_without_dates_is_held_always() -> None:
    role = Role(users=(Member(login="pat"),))
    assert holds(role, PAT, clock(-9e5), (), False).answer is True
    assert holds(role, Actor(7, "Pat"), clock(0), (), False).answer is True
    assert holds(role, Actor(1, "zoe"), clock(0), (), True) == Holds(False, "not in the role")


def test_a_copy_of_a_role_has_members_of_its_own() -> None:
    """Who holds a role is looked up by login, and never in what was worked out for another role."""
    role = Role(users=(Member(login="Pat"),))
    assert holds(role, Actor(1, "pat"), clock(0), (), False).answer is True
    other = role.model_copy(update={"users": (Member(login="Paul"),)})
    assert holds(other, Actor(1, "pat"), clock(0), (), False).answer is False
    assert holds(other, Actor(2, "paul"), clock(0), (), False).answer is True
