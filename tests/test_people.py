"""Whether two accounts are one person, whom a policy names, and who holds a role."""

from __future__ import annotations

import pytest

from builders import GONE, clock
from changeaudit.people import Holds, all_hold, holds, is_bot, is_named, is_person, name_of, same
from changeaudit.policy import Member, Role
from changeaudit.records import Actor, ActorKind

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
    ("found", "login", "answer"),
    [
        (PAT, "PAT", True),
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


def test_nobody_has_a_name() -> None:
    assert name_of(None) == "a deleted account"
    assert name_of(PAT) == "pat"


YES, NO, UNKNOWN = Holds(True, "yes"), Holds(False, "no"), Holds(None, "unknown")


@pytest.mark.parametrize(
    ("conditions", "which"),
    [
        ((YES,), YES),
        ((YES, UNKNOWN), UNKNOWN),
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


def test_a_role_without_dates_is_held_always() -> None:
    role = Role(users=(Member(login="pat"),))
    assert holds(role, PAT, clock(-9e5), (), False).answer is True
    assert holds(role, Actor(1, "zoe"), clock(0), (), True) == Holds(False, "not in the role")
