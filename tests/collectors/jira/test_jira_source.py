"""Jira as a source of tickets: which site is asked for which project, when again, and read back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from builders import make_policy, make_repository
from changeaudit.collectors.asking import Asking
from changeaudit.collectors.github.ask import Session
from changeaudit.collectors.jira import access as access_module
from changeaudit.collectors.jira import source as source_module
from changeaudit.collectors.jira.source import (
    TOO_OLD,
    Jira,
    access_for,
    read_statuses,
    read_touched,
)
from changeaudit.collectors.tickets import finders
from changeaudit.errors import CollectError
from changeaudit.policy import Policy
from changeaudit.records import Ticket, Unavailable
from changeaudit.store import Store
from collectors.jira.fake_jira import NOW, TOKEN, Place, change, item, served

BEFORE = NOW - timedelta(days=1)
SOURCE = "github.test"


def policy(**tickets: Any) -> Policy:
    given = {"jira_projects": ["PAY", "OPS"], "reverse_trace": "off", **tickets}
    return make_policy(tickets=given)


def environment(place: Place) -> dict[str, str]:
    return {"JIRA_URL": place.url, "JIRA_TOKEN": TOKEN}


def asking(
    place: Place, variables: Mapping[str, str] | None = None, touched: datetime | None = None
) -> tuple[Asking, dict[str, int]]:
    took: dict[str, int] = {}
    return (
        Asking(
            github=cast(Session, None),  # no issue of GitHub's is asked for here
            store=place.store,
            environment=environment(place) if variables is None else variables,
            clock=place.tick,
            sleep=place.told.slept.append,
            progress=place.told,
            took=lambda site, requests: took.update({site: requests}),
            touched_since=touched,
        ),
        took,
    )


def collect(place: Place, wanted: Mapping[str, datetime], by: Policy, **how: Any) -> dict[str, int]:
    found, took = asking(place, **how)
    for portion in Jira().portions(wanted, by, found):
        portion.collect()
    return took


def read(place: Place, wanted: Mapping[str, datetime], *by: Policy) -> dict[str, Any]:
    found = Jira().read(place.store, SOURCE, wanted, by)
    return {k: t.key if isinstance(t, Ticket) else t for k, t in found.items()}


def test_a_second_run_asks_for_nothing(place: Place) -> None:
    place.jira.add("PAY-1")
    wanted = {"pay-1": BEFORE}
    assert collect(place, wanted, policy()) == {place.site: 3}
    assert collect(place, wanted, policy()) == {place.site: 0}
    assert read(place, wanted, policy()) == {"pay-1": "PAY-1"}


def test_a_ticket_read_before_the_merge_is_read_again(place: Place) -> None:
    place.jira.add("PAY-1")
    place.jira.add("PAY-2")
    collect(place, {"pay-1": BEFORE, "pay-2": BEFORE}, policy())
    later = place.now + timedelta(hours=1)
    assert read(place, {"pay-1": later, "pay-2": BEFORE}, policy()) == {
        "pay-1": TOO_OLD,
        "pay-2": "PAY-2",
    }
    place.now = later
    collect(place, {"pay-1": later, "pay-2": BEFORE}, policy())
    asked = place.jira.asked("issue/bulkfetch" if place.jira.cloud else "search")[-1]
    assert asked.get("issueIdsOrKeys") == ["PAY-1"] or '("PAY-1")' in asked["jql"]
    assert read(place, {"pay-1": later}, policy()) == {"pay-1": "PAY-1"}


def test_one_that_was_not_shown_is_asked_for_again(place: Place) -> None:
    hidden = place.jira.add("PAY-1", hidden=True)
    place.jira.add("PAY-2")
    wanted = {"pay-1": BEFORE, "pay-2": BEFORE}
    collect(place, wanted, policy())
    hidden.hidden = False
    collect(place, wanted, policy())
    assert read(place, wanted, policy()) == {"pay-1": "PAY-1", "pay-2": "PAY-2"}


def test_comments_that_are_wanted_now_are_asked_for(place: Place) -> None:
    place.jira.add("PAY-1", comments=[{"id": "1", "body": "ok", "created": "2026-01-01T00:00Z"}])
    wanted = {"pay-1": BEFORE}
    collect(place, wanted, policy())
    by = make_policy(tickets={"jira_projects": ["PAY"]}, qa={"ticket_comment": "QA ok"})
    collect(place, wanted, by)
    found = Jira().read(place.store, SOURCE, wanted, [by])["pay-1"]
    assert isinstance(found, Ticket)
    assert not isinstance(found.comments, Unavailable)
    assert [each.body for each in found.comments] == ["ok"]


def test_parents_come_with_their_tickets_where_they_count(place: Place) -> None:
    """Those of today and those of then; one that two tickets name is asked for once."""
    was = change("2026-01-02T00:00:00.000+0000", item("Parent", "PLAN-1", "PLAN-2"))
    for key in ("PAY-1", "PAY-2"):
        place.jira.add(key, parent={"key": "PLAN-2"}, changes=[was])
    place.jira.add("PLAN-1")
    place.jira.add("PLAN-2")
    wanted = {"pay-1": BEFORE, "pay-2": BEFORE}
    collect(place, wanted, policy())
    assert set(read(place, wanted, policy())) == {"pay-1", "pay-2"}
    asked = len(place.jira.got)
    by = policy(accept_parent=True)
    collect(place, wanted, by)
    path = "issue/bulkfetch" if place.jira.cloud else "search"
    assert [each for each, _ in place.jira.got[asked:]].count(path) == 1
    assert read(place, wanted, by) == {
        "pay-1": "PAY-1",
        "pay-2": "PAY-2",
        "plan-1": "PLAN-1",
        "plan-2": "PLAN-2",
    }


def test_progress_says_of_each_number_what_it_counts(place: Place) -> None:
    """Projects that are asked one by one, what only a change names, and parents: no two alike."""
    place.jira.add("PLAN-1")
    place.jira.add("PAY-1", parent={"key": "PLAN-1"}, updated="2026-03-20T00:00:00.000+0000")
    place.jira.add("PAY-2", updated="2025-01-01T00:00:00.000+0000")
    place.jira.projects = {"PAY", "PLAN"}
    wanted = {"pay-1": BEFORE, "pay-2": BEFORE}
    since = datetime(2026, 3, 1, tzinfo=UTC)
    collect(place, wanted, policy(accept_parent=True), touched=since)
    told = list(dict.fromkeys(what for what, _, _ in place.told.done))
    assert told == [
        f"changed tickets of PAY in {place.site}",
        f"further tickets of {place.site} that pull requests name",
        f"parents of tickets of {place.site}",
    ]


@contextmanager
def two(folder: Path) -> Iterator[tuple[Place, Place]]:
    """Two Jiras, and one store."""
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(folder / "evidence.sqlite"))
        yield (
            stack.enter_context(served(store, cloud=True)),
            stack.enter_context(served(store, cloud=False)),
        )


def test_each_project_is_asked_for_in_its_own_jira(tmp_path: Path) -> None:
    """By the token of that Jira; a key that the other has as well is not its ticket."""
    with two(tmp_path) as (first, second):
        first.jira.add("PAY-1")
        first.jira.add("OPS-1", summary="another's")
        second.jira.add("OPS-1", summary="ours")
        variables = {**environment(first), "JIRA_URL_OPS": second.url, "JIRA_TOKEN_OPS": TOKEN}
        by = policy(jira_url=first.url, jira_sites={"OPS": second.url})
        wanted = {"pay-1": BEFORE, "ops-1": BEFORE}
        took = collect(first, wanted, by, variables=variables)
        assert set(took) == {first.site, second.site}
        found = Jira().read(first.store, SOURCE, wanted, [by])
        titles = {key: each.title for key, each in found.items() if isinstance(each, Ticket)}
        assert titles == {"pay-1": "Round half a cent to even", "ops-1": "ours"}
        # One Jira fails, and the other is asked all the same.
        found_asking, _ = asking(first, environment(first))
        portions = [*Jira().portions(wanted, by, found_asking)]
        assert [portion.keys for portion in portions] == [("pay-1",), ("ops-1",)]
        with pytest.raises(CollectError, match="no token for the Jira at"):
            portions[1].collect()


def test_where_no_policy_names_it_the_jira_that_was_asked_last_counts(tmp_path: Path) -> None:
    with two(tmp_path) as (first, second):
        first.jira.add("PAY-1", summary="old")
        second.jira.add("PAY-1", summary="new")
        collect(first, {"pay-1": BEFORE}, policy())
        second.now = first.now + timedelta(minutes=1)
        collect(second, {"pay-1": BEFORE}, policy())
        [found] = Jira().read(first.store, SOURCE, {"pay-1": BEFORE}, [policy()]).values()
        assert isinstance(found, Ticket)
        assert (found.title, found.source) == ("new", second.site)
        [named] = (
            Jira()
            .read(first.store, SOURCE, {"pay-1": BEFORE}, [policy(jira_url=first.url)])
            .values()
        )
        assert isinstance(named, Ticket)
        assert named.title == "old"


def test_no_jira_at_all_says_what_to_set(place: Place) -> None:
    with pytest.raises(CollectError, match=r"counts tickets of PAY, OPS, and no Jira") as error:
        collect(place, {"pay-1": BEFORE}, policy(), variables={})
    assert "Set JIRA_URL, and JIRA_TOKEN" in error.value.hint


def test_where_no_ticket_is_named_no_jira_is_needed(place: Place) -> None:
    """What was done without a change is then not looked for, which is said."""
    collect(place, {}, policy(), variables={}, touched=BEFORE)
    assert place.told.notes == [
        "Tickets without a change are not looked for: The policy counts tickets of PAY, OPS, and"
        " no Jira is named."
    ]
    assert isinstance(read_touched(place.store, policy(), BEFORE, NOW), Unavailable)


def named(store: Store, by: Policy, text: str) -> list[str]:
    """The keys of Jira projects that a description names, by what the store knows."""
    [find] = [each for each in finders(store, by) if isinstance(getattr(each, "__self__", 0), Jira)]
    return [*find(text, "body", make_repository(), by.tickets)]


def test_an_address_of_another_jira_names_nothing_once_the_store_knows_ours(place: Place) -> None:
    """By the name under which it was asked, or by the one that it gives itself."""
    text = "https://other.test/browse/PAY-7 https://acme.test/browse/PAY-8 {}/browse/PAY-9"
    text = text.format(place.url)
    assert named(place.store, policy(), text) == ["PAY-7", "PAY-8", "PAY-9"], "nothing is known yet"
    place.jira.base_url = "https://acme.test"
    place.jira.add("PAY-9")
    collect(place, {"pay-9": BEFORE}, policy())
    assert named(place.store, policy(), text) == ["PAY-8", "PAY-9"]
    assert named(place.store, policy(jira_url=place.url), text) == ["PAY-8", "PAY-9"]
    assert named(place.store, policy(jira_url="https://third.test"), text) == []


def test_of_several_jiras_the_one_that_showed_what_changed_in_a_project_is_its_own(
    tmp_path: Path,
) -> None:
    with two(tmp_path) as (first, second):
        text = f"{first.url}/browse/PAY-1 {second.url}/browse/PAY-2"
        collect(first, {"pay-1": BEFORE}, policy())
        collect(second, {"pay-1": BEFORE}, policy())
        assert named(first.store, policy(), text) == ["PAY-1", "PAY-2"]
        collect(second, {}, policy(), touched=BEFORE)
        assert named(first.store, policy(), text) == ["PAY-2"]


def test_a_policy_does_not_say_where_a_token_goes() -> None:
    """Others may have written it: the address beside the token is the only one that gets it."""
    found, site = access_for(
        "https://acme.test", ["PAY"], {"JIRA_URL": "https://acme.test/", "JIRA_TOKEN": "t"}
    )
    assert (found.token, site) == ("t", "acme.test")
    for environment in ({}, {"JIRA_URL": "https://other.test"}):
        with pytest.raises(CollectError, match=r"no token for the Jira at acme\.test"):
            access_for("https://acme.test", ["PAY"], {**environment, "JIRA_TOKEN": "t"})


def test_through_the_gateway_links_are_the_sites_own(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the answers are stored under its name."""
    gateway = place.url.removesuffix("/jira") + "/ex/jira/"
    for module in (access_module, source_module):
        monkeypatch.setattr(module, "GATEWAY", gateway)
    place.jira.base_url = "https://acme.test"
    place.jira.add("PAY-1")
    by = policy(jira_url="https://acme.test")
    variables = {
        "JIRA_URL": "https://acme.test",
        "JIRA_TOKEN": TOKEN,
        "JIRA_CLOUD_ID": "77",
    }
    collect(place, {"pay-1": BEFORE}, by, variables=variables)
    found = Jira().read(place.store, SOURCE, {"pay-1": BEFORE}, [by])["pay-1"]
    assert isinstance(found, Ticket)
    assert (found.url, found.source) == ("https://acme.test/browse/PAY-1", "acme.test")
    place.jira.base_url = "https://other.test"
    with pytest.raises(CollectError, match=r"id of another site than acme\.test"):
        collect(place, {"pay-2": BEFORE}, by, variables=variables)


# What changed in the period ---------------------------------------------------------------------


def test_what_changed_is_held_from_then_on(place: Place) -> None:
    since = NOW - timedelta(days=30)
    place.jira.add("PAY-1", updated="2026-05-20T00:00:00.000+0000")
    place.jira.add("OPS-1", updated="2026-05-20T00:00:00.000+0000")
    place.jira.add("PAY-2", updated="2026-01-20T00:00:00.000+0000")
    collect(place, {}, policy(), touched=since)
    found = read_touched(place.store, policy(), since, NOW)
    assert not isinstance(found, Unavailable)
    assert {each.key for each in found} == {"PAY-1", "OPS-1"}
    assert isinstance(
        read_touched(place.store, policy(), since - timedelta(days=1), NOW), Unavailable
    )
    assert read_statuses(place.store, place.site) == {
        "To Do": "new",
        "In Progress": "indeterminate",
        "Finished": "done",
    }


def test_a_later_run_asks_for_what_changed_since(place: Place) -> None:
    """And a ticket that is held by then is not asked for by its key."""
    since = NOW - timedelta(days=30)
    place.jira.add("PAY-1", updated="2026-05-20T00:00:00.000+0000")
    collect(place, {"pay-1": BEFORE}, policy(), touched=since)
    asked = len(place.jira.got)
    place.now += timedelta(days=3)
    place.jira.add("PAY-2", updated="2026-06-03T00:00:00.000+0000")
    collect(place, {"pay-1": BEFORE}, policy(), touched=since)
    later = place.jira.got[asked:]
    paths = [path for path, _ in later]
    asking_for = ["search/jql", "issue/bulkfetch"] if place.jira.cloud else ["search"]
    assert paths == ["serverInfo", "status", *asking_for]
    assert 'updated >= "2026-05-31 12:00"' in later[2][1]["jql"]
    found = read_touched(place.store, policy(), since, place.now - timedelta(minutes=1))
    assert not isinstance(found, Unavailable)
    assert {each.key for each in found} == {"PAY-1", "PAY-2"}


def test_a_project_that_is_not_shown_is_not_known(place: Place) -> None:
    since = NOW - timedelta(days=30)
    place.jira.projects = {"PAY"}
    collect(place, {}, policy(), touched=since)
    found = read_touched(place.store, policy(), since, NOW)
    assert isinstance(found, Unavailable)
    assert f"does not hold the tickets of OPS from {place.site}" in found.reason
