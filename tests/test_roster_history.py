"""Who came, who went, and who was there when, by snapshots of a group."""

from __future__ import annotations

from datetime import date

import pytest

from builders import DAY, actor, clock, snapshot
from changeaudit.records import Actor, Membership, Team, Unavailable
from changeaudit.roster_history import Standing, Stay, standing, stays

D = [date(2026, 3, day) for day in range(1, 12)]
HIDDEN = Unavailable("hidden")


def group(*history: Membership) -> Team:
    """A team by its snapshots."""
    *earlier, last = history
    return Team("acme/leads", last.members, last.at, tuple(earlier))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            group(snapshot(0, "pat", "Lee")),
            Standing("acme/leads", clock(0), ("Lee", "pat"), None, (), ()),
        ),
        (
            group(snapshot(-DAY, "pat", "lee"), snapshot(0, "pat", "Zoe", "kim")),
            Standing(
                "acme/leads", clock(0), ("kim", "pat", "Zoe"), clock(-DAY), ("kim", "Zoe"), ("lee",)
            ),
        ),
        (
            group(snapshot(-2 * DAY, "pat"), snapshot(-DAY, unread="hidden"), snapshot(0)),
            Standing("acme/leads", clock(0), (), clock(-2 * DAY), (), ("pat",)),
        ),
        (
            group(snapshot(-DAY, "pat"), snapshot(0, unread="hidden")),
            Standing("acme/leads", clock(0), HIDDEN, clock(-DAY), (), ()),
        ),
        (
            group(snapshot(0, unread="hidden")),
            Standing("acme/leads", clock(0), HIDDEN, None, (), ()),
        ),
        (
            group(snapshot(-DAY, Actor(7, "pat")), snapshot(0, Actor(7, "patricia"))),
            Standing("acme/leads", clock(0), ("patricia",), clock(-DAY), (), ()),
        ),
    ],
)
def test_the_newest_snapshot_is_held_against_the_last_one_that_was_read(
    found: Team, expected: Standing
) -> None:
    assert standing(found) == expected


def test_a_stay_is_as_long_as_snapshot_after_snapshot_shows_it() -> None:
    """Somebody who went and came back has two; a snapshot that was not read ends none."""
    found = group(
        snapshot(-9 * DAY, "pat", "lee"),
        snapshot(-8 * DAY, "pat", "lee"),
        snapshot(-7 * DAY, unread="hidden"),
        snapshot(-6 * DAY, "pat"),
        snapshot(-2 * DAY, "pat", "lee", "kim"),
        snapshot(0, "lee"),
    )
    assert stays(found) == (
        Stay("kim", D[7], D[7]),
        Stay("lee", D[0], D[1]),
        Stay("lee", D[7], D[9]),
        Stay("pat", D[0], D[7]),
    )


def test_a_person_is_called_as_they_last_were_and_told_by_id() -> None:
    found = group(snapshot(-DAY, Actor(7, "pat")), snapshot(0, Actor(7, "patricia")))
    assert stays(found) == (Stay("patricia", D[8], D[9]),)
    nameless = group(snapshot(-DAY, Actor(0, "Pat")), snapshot(0, Actor(0, "pat")))
    assert stays(nameless) == (Stay("pat", D[8], D[9]),)
    lee = actor("lee")
    assert lee is not None
    reused = group(snapshot(-DAY, Actor(7, "lee")), snapshot(0, lee))
    assert len(stays(reused)) == 2
