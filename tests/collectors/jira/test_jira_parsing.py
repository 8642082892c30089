"""Jira's answers as records: instants, accounts, and what a changelog tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from changeaudit.collectors.jira import wire
from changeaudit.collectors.jira.parsing import account, parents, second, ticket
from changeaudit.collectors.jira.wire import instant
from changeaudit.records import JiraAccount, Ticket, TicketChange, Unavailable
from collectors.jira.fake_jira import change, item

AT = "2026-01-02T10:00:00.000+0000"


def parsed(*changes: dict[str, Any], components: tuple[str, ...] = (), **fields: Any) -> Ticket:
    issue = {
        "id": "1",
        "key": "PAY-1",
        "fields": {
            "created": AT,
            "updated": AT,
            "components": [{"id": name.upper(), "name": name} for name in components],
            **fields,
        },
    }
    return ticket(
        "PAY-1",
        msgspec.convert(issue, wire.Issue),
        msgspec.convert(list(changes), tuple[wire.History, ...]),
        Unavailable("they were not asked for"),
        source="jira.test",
        base_url="https://jira.test",
        statuses={"3": "Finished"},
    )


def told(
    *changes: dict[str, Any], **given: Any
) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    history = parsed(*changes, **given).history
    assert not isinstance(history, Unavailable)
    return [(each.field, each.before, each.after) for each in history]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02T10:00:00.000+0000", datetime(2026, 1, 2, 10, tzinfo=UTC)),
        ("2026-01-02T10:00:00.999+0530", datetime(2026, 1, 2, 4, 30, tzinfo=UTC)),
        ("2026-01-02T10:00:00-08:00", datetime(2026, 1, 2, 18, tzinfo=UTC)),
        ("2026-01-02T10:00:00Z", datetime(2026, 1, 2, 10, tzinfo=UTC)),
        (1767348000999, datetime(2026, 1, 2, 10, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_instants_are_in_utc_and_whole_seconds(text: str | int, expected: datetime) -> None:
    assert second(text) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-01-02T10:00:00", "0001-01-01T00:00:00+1400", 10**18]
)
def test_what_is_no_instant_is_refused(text: str | int) -> None:
    with pytest.raises(ValueError, match=r"."):
        instant(text)


@given(st.lists(st.integers(min_value=0, max_value=4_000_000_000_000), min_size=2))
def test_cutting_off_never_turns_two_instants_around(times: list[int]) -> None:
    """It may make them equal, and equal seconds are no order."""
    for earlier, later in pairwise(sorted(times)):
        assert second(earlier) <= second(later)


@given(
    st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)),
    st.integers(min_value=-14 * 60, max_value=14 * 60),
)
def test_text_and_milliseconds_tell_the_same_instant(at: datetime, minutes: int) -> None:
    local = at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC).astimezone(
        timezone(timedelta(minutes=minutes))
    )
    text = f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03}{local:%z}"
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert instant(text) == instant((local - epoch) // timedelta(milliseconds=1))


def test_accounts_of_both_kinds() -> None:
    """On the Cloud a name is never a login."""
    assert account(None) is None
    cloud = wire.Account(account_id="5b", name="kim", display_name="Kim", email_address="k@x")
    assert account(cloud) == JiraAccount("5b", "Kim", "", "k@x")
    assert account(wire.Account(key="J7", name="kim")) == JiraAccount("J7", "", "kim", "")
    assert account(wire.Account(name="kim")) == JiraAccount("kim", "", "kim", "")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            item("status", "To Do", "Done", was_id="1", became_id="3"),
            ("status", ("To Do",), ("Done", "Finished")),
        ),
        (item("issuetype", "Story", "Bug"), ("type", ("Story",), ("Bug",))),
        (item("labels", "a b", ""), ("labels", ("a", "b"), ())),
        (item("labels", None, "a"), ("labels", (), ("a",))),
        (item("resolution", None, "Done"), ("resolution", (), ("Done",))),
        (item("security", "Internal", None), ("security", ("Internal",), ())),
        (item("Key", "OLD-1", "PAY-1"), ("key", ("OLD-1",), ("PAY-1",))),
        (item("Parent", None, "PAY-9"), ("parent", (), ("PAY-9",))),
        (
            item("IssueParentAssociation", None, "PAY-9", became_id="10044"),
            ("parent", (), ("PAY-9",)),
        ),
        (item("Parent Issue", "10001", "PAY-9"), ("parent", ("10001",), ("PAY-9",))),
        (item("Epic Link", "PAY-8", None, fieldtype="custom"), ("parent", ("PAY-8",), ())),
    ],
)
def test_what_a_changelog_tells(changed: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert told(change(AT, changed)) == [expected]


@pytest.mark.parametrize(
    "changed",
    [
        item("description", "a", "b"),
        item("status", "To Do", "Done", fieldtype="custom"),
        item("Sprint", "1", "2", fieldtype="custom"),
    ],
)
def test_what_is_left_out(changed: dict[str, Any]) -> None:
    """A custom field may bear the name of a field of Jira's own."""
    assert told(change(AT, changed)) == []


def test_components_are_told_as_whole_sets() -> None:
    """Each change tells one that came or went; the sets follow from today's, by id."""
    history = told(
        change(
            "2026-01-01T00:00:00.000+0000", item("Component", None, "web", became_id="WEB"), id=1
        ),
        change(
            "2026-01-02T00:00:00.000+0000", item("Component", None, "old", became_id="API"), id=2
        ),
        change(
            "2026-01-03T00:00:00.000+0000",
            item("Component", "web", None, was_id="WEB"),
            item("Component", None, "db", became_id="DB"),
            id=3,
        ),
        components=("api", "db"),
    )
    assert history == [
        ("components", (), ("web",)),
        ("components", ("web",), ("api", "web")),
        ("components", ("api", "web"), ("api", "db")),
    ]


def test_changes_come_the_oldest_first_whatever_their_order() -> None:
    """Within a second by the milliseconds, within one of these by number."""
    history = told(
        change("2026-01-01T00:00:00.500+0000", item("labels", "b", "c"), id=7),
        change("2026-01-01T00:00:00.400+0000", item("labels", "", "a"), id=9),
        change("2026-01-01T00:00:00.500+0000", item("labels", "a", "b"), id=6),
    )
    assert [after for _, _, after in history] == [("a",), ("b",), ("c",)]


def test_who_changed_it_and_when() -> None:
    history = parsed(change("2026-01-01T00:00:00.900+0000", item("labels", "", "a"))).history
    who = JiraAccount("5b1", "Dana", "", "dana@acme.test")
    assert history == (TicketChange(datetime(2026, 1, 1, tzinfo=UTC), who, "labels", (), ("a",)),)


def test_the_parents_that_a_ticket_has_or_had() -> None:
    changes = [
        change(AT, item("Parent", "PAY-7", "PAY-8"), item("Parent", "10001", None), id=1),
    ]
    issue = msgspec.convert(
        {
            "id": "1",
            "key": "P-1",
            "fields": {"created": AT, "updated": AT, "parent": {"key": "P-9"}},
        },
        wire.Issue,
    )
    histories = msgspec.convert(changes, list[wire.History])
    assert [*parents(issue, histories, "P-10")] == ["P-9", "P-10", "PAY-7", "PAY-8"]


def test_fields_that_a_site_leaves_out_are_empty() -> None:
    found = parsed(project=None, labels=None, status=None, issuetype=None, reporter=None)
    assert (found.project, found.labels, found.status, found.type) == ("PAY", (), "", "")
    assert found.author is None
