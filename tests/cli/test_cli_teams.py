"""Which teams an audit asks for, and what its report says of how far their snapshots reach."""

from __future__ import annotations

import pytest

from builders import (
    DAY,
    GONE,
    codeowners,
    make_change,
    make_policy,
    make_repository,
    snapshot,
    team,
)
from changeaudit.cli import collect
from changeaudit.cli.evidence import teams_not_held
from changeaudit.cli.limitations import limitations
from changeaudit.cli.wanted import teams_wanted
from changeaudit.policy import Policy
from changeaudit.population import Population, build
from changeaudit.records import Team

OWNERS = "/a/ @acme/one @pat\n/b/ @ACME/Leads @acme/two\n/c/ zoe@example.com\n"
NAMED = make_policy(roles={"lead": {"teams": ["acme/leads"]}})
ASKED = make_policy(roles={"lead": {"teams": ["acme/leads"]}, "peer": {"codeowners": True}})
BY_OVERRIDE = make_policy(
    overrides=[
        {
            "name": "x",
            "paths": ["a/"],
            "set": {"roles": {"peer": {"codeowners": True}}},
        }
    ]
)
OWNING = make_repository(codeowners=codeowners(OWNERS))


@pytest.mark.parametrize(
    ("policy", "owners", "expected"),
    [
        (NAMED, False, ("acme/leads",)),
        (NAMED, True, ("acme/leads", "acme/one", "acme/two")),
        (ASKED, False, ("acme/leads", "acme/one", "acme/two")),
        (BY_OVERRIDE, False, ("acme/one", "ACME/Leads", "acme/two")),
    ],
)
def test_teams_that_own_files_are_asked_for_if_the_policy_asks_for_code_owners(
    policy: Policy, owners: bool, expected: tuple[str, ...]
) -> None:
    assert teams_wanted([policy], [OWNING], owners=owners) == expected


@pytest.mark.parametrize("file", [GONE, None, codeowners(None), codeowners(GONE)])
def test_without_a_file_that_was_read_no_team_owns_anything(file: object) -> None:
    assert teams_wanted([ASKED], [make_repository(codeowners=file)]) == ("acme/leads",)


def test_a_team_that_owns_files_and_is_not_held_is_named() -> None:
    (said,) = teams_not_held([team("acme/leads"), team("acme/one")], [ASKED], [OWNING])
    assert said.startswith("The store holds no members of acme/two: ")


class Asked:
    """Stands for a session: remembers which teams were asked for."""

    def __init__(self) -> None:
        self.store = self.source = self.progress = self
        self.teams: list[str] = []

    def collected(self, what: str, done: int, total: int) -> None:
        assert (what, total) == ("teams", 3)


def test_no_more_teams_that_own_files_are_asked_for_than_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = codeowners("".join(f"/{n}/ @acme/team{n}\n" for n in range(900)))
    asked = Asked()
    monkeypatch.setattr(collect, "read_repository", lambda *_: make_repository(codeowners=many))
    monkeypatch.setattr(collect, "collect_team", lambda session, name: session.teams.append(name))
    monkeypatch.setattr(collect, "MOST_OWNING_TEAMS", 2)
    collect.collect_teams(asked, ["acme/payments"], ASKED)  # type: ignore[arg-type]
    assert asked.teams == ["acme/leads", "acme/team0", "acme/team1"]


def population(*teams: Team, policy: Policy) -> Population:
    change = make_change()
    pull = change.pull
    return build(
        OWNING, [pull], [], {}, teams, policy, pull.merged_at, pull.merged_at.replace(year=2027)
    )


def test_the_limitations_say_how_far_the_snapshots_reach() -> None:
    single = limitations([population(team("acme/leads"), policy=NAMED)], NAMED)
    assert any(said.startswith("Team members are as of the collection: ") for said in single)
    assert not any("CODEOWNERS" in said for said in single)
    several = team("acme/leads", earlier=[snapshot(-40 * DAY), snapshot(-2 * DAY)])
    reach = limitations([population(several, team("acme/one"), policy=ASKED)], ASKED)
    assert any(
        "snapshots" in said and "3 of acme/leads from 2026-01-29 to 2026-03-11;" in said
        for said in reach
    )
    assert any("CODEOWNERS on the default branch" in said for said in reach)
