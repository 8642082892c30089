"""Whole runs against both flavours of Jira, played back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from changeaudit.collectors.jira.source import Jira, read_statuses, read_touched
from changeaudit.records import Ticket, Unavailable
from changeaudit.store import Store
from collectors.github.test_cassettes import SECRET, contents
from collectors.jira import replay

REQUESTS = {"jira_cloud": 12, "jira_data_center": 11}
Played = tuple[str, Store, dict[str, Ticket | Unavailable]]


@pytest.fixture(scope="module", params=list(replay.CASSETTES))
def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Played]:
    name: str = request.param
    with (
        Store.open(tmp_path_factory.mktemp("jira") / "evidence.sqlite") as store,
        replay.cassette(name) as tape,
    ):
        requests, told = replay.run(name, store)
        assert requests == len(tape) == tape.play_count == REQUESTS[name]
        assert not told.waits
        assert not told.notes
        wanted = dict.fromkeys(replay.NAMED, replay.MERGED)
        yield name, store, Jira().read(store, "github.test", wanted, [replay.POLICY])


def ticket(played: Played, key: str) -> Ticket:
    found = played[2][key]
    assert isinstance(found, Ticket)
    return found


def test_every_key_is_answered(played: Played) -> None:
    """Of two it cannot be said whether they are hidden or never were; a parent comes as well."""
    found = played[2]
    assert set(found) == {*replay.NAMED, "pay-3"}
    hidden = Unavailable("it is not visible to the audit account", "Browse projects")
    assert [key for key, each in found.items() if each == hidden] == ["pay-4", "pay-5"]
    assert sum(isinstance(each, Ticket) for each in found.values()) == len(found) - 2


def test_a_long_life_is_whole_and_in_order(played: Played) -> None:
    """121 moves, of which the Cloud shows the newest hundred beside the ticket."""
    found = ticket(played, "pay-1")
    assert not isinstance(found.history, Unavailable)
    assert len(found.history) == 121
    assert [each.at for each in found.history] == sorted(each.at for each in found.history)
    assert (found.history[0].before, found.history[-1].after) == (("To Do",), ("Done",))
    assert found.history[0].at == datetime(2026, 3, 5, 9, tzinfo=UTC)
    assert all(
        earlier.after == later.before
        for earlier, later in zip(found.history, found.history[1:], strict=False)
    )
    assert not isinstance(found.comments, Unavailable)
    assert [each.body for each in found.comments] == ["QA ok 0", "QA ok 1", "QA ok 2"]


def test_a_moved_ticket_and_its_parent(played: Played) -> None:
    for asked in ("ops-7", "pay-2"):
        found = ticket(played, asked)
        assert (found.asked, found.key) == (asked.upper(), "PAY-2")
        assert (found.parent, found.type) == ("PAY-3", "Bug")
        assert found.title.startswith("=1+1 <b>\x1b[31m")
    assert ticket(played, "pay-3").type == "Epic"


def test_what_changed_in_the_period(played: Played) -> None:
    name, store, _ = played
    found = read_touched(store, replay.POLICY, replay.SINCE, replay.NOW)
    assert not isinstance(found, Unavailable)
    assert {each.key for each in found} == {"PAY-1", "PAY-2", *(f"PAY-{n}" for n in range(10, 110))}
    assert read_statuses(store, replay.site(name))["Done"] == "done"


def test_a_second_run_asks_for_no_ticket_that_is_held(played: Played) -> None:
    """The tape is at its end: whatever else were asked for would fail."""
    name, store, _ = played
    held = dict.fromkeys((k for k in replay.NAMED if k not in ("pay-4", "pay-5")), replay.MERGED)
    named = Jira().portions(held, replay.POLICY, replay.asking(name, store))
    for portion in named:
        portion.collect()


@pytest.mark.parametrize("name", list(replay.CASSETTES))
def test_no_cassette_holds_a_credential(name: str) -> None:
    """Neither the token, nor the header that carries it, nor any header of a request."""
    for text in contents(Path(replay.path(name))):
        assert SECRET.search(text) is None
    with replay.cassette(name) as tape:
        assert [dict(request.headers) for request in tape.requests] == [{}] * len(tape)
