"""Collecting from one Jira: which issue answers to which key, and that nothing is cut unseen."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from changeaudit.collectors.jira.reading import read_held, read_updated
from changeaudit.collectors.spans import Span
from changeaudit.errors import CollectError, StoreError
from changeaudit.records import JiraAccount, Ticket, TicketChange, TicketLink, Unavailable
from changeaudit.store import Answer, Item
from collectors.github.scripted_server import Got, Play
from collectors.jira.fake_jira import DANA, KIM, NOW, Place, change, item, moved, told

AT = "2026-01-02T10:00:00.000+0000"
NOT_VISIBLE = Unavailable("it is not visible to the audit account", "Browse projects")


def ticket(place: Place, key: str) -> Ticket:
    found = read_held(place.store, place.site, [key])[key.casefold()].found
    assert isinstance(found, Ticket)
    return found


def found(place: Place, *keys: str) -> dict[str, str]:
    """The key of today by the key that was asked for, "" where nothing is shown."""
    held = read_held(place.store, place.site, keys)
    return {k: h.found.key if isinstance(h.found, Ticket) else "" for k, h in held.items()}


def test_every_field_is_read(place: Place) -> None:
    place.jira.add(
        "PAY-1",
        summary="<b>Round</b>",
        status={"id": "3", "name": "Finished"},
        resolution={"name": "Done"},
        assignee=DANA if place.jira.cloud else KIM,
        labels=["a", "b"],
        components=[{"id": "1", "name": "api"}],
        security={"name": "Internal"},
        parent={"key": "PAY-9"},
        issuelinks=[
            {
                "type": {"inward": "is blocked by", "outward": "blocks"},
                "inwardIssue": {"key": "A-1"},
            },
            {
                "type": {"inward": "is blocked by", "outward": "blocks"},
                "outwardIssue": {"key": "B-2"},
            },
        ],
        created="2026-01-01T09:00:00.900+0530",
    )
    place.open().collect(["PAY-1"])
    got = ticket(place, "PAY-1")
    who = (
        JiraAccount("5b1", "Dana", "", "dana@acme.test")
        if place.jira.cloud
        else JiraAccount("JIRAUSER7", "Kim", "kim")
    )
    assert (got.asked, got.key, got.id, got.source) == ("PAY-1", "PAY-1", "10000", place.site)
    assert (got.project, got.type, got.title) == ("PAY", "Story", "<b>Round</b>")
    assert (got.status, got.resolution, got.security) == ("Finished", "Done", "Internal")
    assert got.created_at == datetime(2026, 1, 1, 3, 30, tzinfo=UTC)
    assert (got.author, got.assignee) == (who, who)
    assert (got.labels, got.components, got.parent) == (("a", "b"), ("api",), "PAY-9")
    assert got.links == (TicketLink("is blocked by", "A-1"), TicketLink("blocks", "B-2"))
    assert got.url == f"{place.url}/browse/PAY-1"
    assert got.history == ()
    assert isinstance(got.comments, Unavailable)
    assert len(got.evidence) == 1


def test_a_hidden_ticket_and_one_that_never_was_look_alike(place: Place) -> None:
    """And nobody says that it does not exist; the others of its batch are there."""
    place.jira.add("PAY-1")
    place.jira.add("PAY-2", hidden=True)
    place.open().collect(["PAY-1", "PAY-2", "PAY-3"])
    held = read_held(place.store, place.site, ["PAY-1", "PAY-2", "PAY-3"])
    assert held["pay-2"].found == held["pay-3"].found == NOT_VISIBLE
    assert ticket(place, "PAY-1").key == "PAY-1"


@pytest.mark.parametrize("names", [True, False], ids=["said which", "in another language"])
def test_a_bad_key_does_not_fail_its_batch(data_center: Place, names: bool) -> None:
    """A Data Center refuses a search for it: what it names is left out, else it is halved."""
    place = data_center
    place.jira.lenient, place.jira.names_bad_keys = False, names
    good = [f"PAY-{n}" for n in range(1, 61) if n not in (7, 33)]
    for key in good:
        place.jira.add(key)
    place.open().collect([f"PAY-{n}" for n in range(1, 61)])
    asked = found(place, *(f"PAY-{n}" for n in range(1, 61)))
    assert sorted(k for k, v in asked.items() if not v) == ["pay-33", "pay-7"]
    assert sum(1 for v in asked.values() if v) == 58
    assert (len(place.jira.asked("search")) == 2) is names


def test_a_search_that_is_refused_for_another_reason_hides_no_ticket(data_center: Place) -> None:
    """What is wrong with the search is nothing that a ticket lacks: each is asked for by itself."""
    place = data_center
    place.jira.add("PAY-1")
    place.jira.add("PAY-2", hidden=True)
    place.jira.instead["search"] = [told({"errorMessages": ["No such function."]}, 400)] * 3
    place.open().collect(["PAY-1", "PAY-2"])
    assert found(place, "PAY-1", "PAY-2") == {"pay-1": "PAY-1", "pay-2": ""}


def test_what_a_ticket_was_at_an_earlier_reading_stays_in_the_store(place: Place) -> None:
    kept = place.jira.add("PAY-1", summary="before")
    place.open().collect(["PAY-1"])
    kept.fields["summary"] = "after"
    place.open().collect(["PAY-1"])
    bodies = [answer.body for answer, _ in place.store.everything() if answer.kind == "ticket"]
    assert [b"before" in body for body in bodies] == [True, False]
    assert ticket(place, "PAY-1").title == "after"


def test_a_moved_ticket_answers_to_its_old_key(place: Place) -> None:
    place.jira.add("PAY-5", former=("OLD-3",), changes=[moved(AT, "OLD-3", "PAY-5")])
    place.open().collect(["OLD-3"])
    assert found(place, "OLD-3") == {"old-3": "PAY-5"}
    assert ticket(place, "OLD-3").asked == "OLD-3"
    assert [path for path, _ in place.jira.got if path.startswith("issue/OLD")] == []


def test_asked_under_both_keys_it_is_there_under_both(place: Place) -> None:
    place.jira.add("PAY-5", former=("OLD-3",), changes=[moved(AT, "OLD-3", "PAY-5")])
    place.open().collect(["OLD-3", "pay-5"])
    assert found(place, "OLD-3", "PAY-5") == {"old-3": "PAY-5", "pay-5": "PAY-5"}


def test_a_current_key_beats_one_that_another_had(place: Place) -> None:
    """OLD-3 was moved, and its key was given again."""
    place.jira.add("PAY-5", changes=[moved(AT, "OLD-3", "PAY-5")])
    place.jira.add("OLD-3")
    place.open().collect(["OLD-3", "PAY-5"])
    assert found(place, "OLD-3", "PAY-5") == {"old-3": "OLD-3", "pay-5": "PAY-5"}


def test_a_former_key_of_two_is_looked_up_alone(place: Place) -> None:
    place.jira.add("PAY-5", changes=[moved(AT, "OLD-3", "PAY-5")])
    place.jira.add("PAY-6", former=("OLD-3",), changes=[moved(AT, "OLD-3", "PAY-6")])
    place.open().collect(["OLD-3", "PAY-5", "PAY-6"])
    assert found(place, "OLD-3", "PAY-5") == {"old-3": "PAY-6", "pay-5": "PAY-5"}


@pytest.mark.parametrize("both", [False, True], ids=["by old keys", "by new keys as well"])
def test_a_renamed_project_is_asked_which_keys_it_had(place: Place, both: bool) -> None:
    """Its tickets have new keys, of which no changelog tells: one request tells of them all.

    What another project does not tell costs no more than the keys to which nothing answers.
    """
    jira = place.jira
    jira.projects, jira.renamed = {"NEW", "PAY"}, {"OLD": "NEW", "OLDER": "NEW"}
    for n in range(1, 251):
        jira.add(f"NEW-{n}", hidden=n == 7)
        jira.add(f"SILENT-{n}", hidden=n == 7)
    jira.add("PAY-8")
    old = [f"OLD-{n}" for n in range(1, 251)] + ["OLDER-9", "PAY-9"]
    new = [f"NEW-{n}" for n in range(1, 251)] if both else []
    place.open().collect([*old, *new, *(f"SILENT-{n}" for n in range(1, 251))])
    got = found(place, *old, *new)
    assert got == {
        **{f"old-{n}": f"NEW-{n}" for n in range(1, 251)},
        **{key.casefold(): key for key in new},
        "old-7": "",
        "older-9": "NEW-9",
        "pay-9": "",
        **({"new-7": ""} if both else {}),
    }
    paths = [path for path, _ in jira.got]
    batches = 8 if both else 6
    others = [path for path in paths if path not in ("search", "issue/bulkfetch")]
    assert sorted(others[2:]) == ["issue/PAY-9", "project/NEW", "project/SILENT"]
    assert len(paths) == len(others) + batches


@pytest.mark.parametrize("tells", [True, False], ids=["not shown", "without its keys"])
def test_keys_of_a_project_that_does_not_tell_are_looked_up_alone(
    place: Place, tells: bool
) -> None:
    """Else a ticket that is there by its new key would be said not to be by its old one."""
    jira = place.jira
    jira.tells_renamed, jira.renamed = tells, {"OLD": "NEW"}
    jira.projects = {"PAY"} if tells else {"NEW"}
    jira.add("NEW-1")
    jira.add("NEW-2")
    place.open().collect(["OLD-1", "OLD-2", "OLD-3", "NEW-1", "NEW-2"])
    assert found(place, "OLD-1", "OLD-2", "OLD-3") == {
        "old-1": "NEW-1",
        "old-2": "NEW-2",
        "old-3": "",
    }
    assert [p for p, _ in jira.got if p.startswith("issue/OLD")] == ["issue/OLD-1", "issue/OLD-2"]


def test_two_tickets_of_one_key_are_not_taken_for_each_other(place: Place) -> None:
    """What answers to the key alone is the ticket."""
    kept = place.jira.add("PAY-1", summary="ours")
    place.jira.tickets["other"] = dataclasses.replace(kept, id="7", former=("PAY-2",))
    place.open().collect(["PAY-1", "PAY-2"])
    assert ticket(place, "PAY-1").id == "10000"
    assert ticket(place, "PAY-2").id == "7"


def test_without_changelogs_keys_that_are_not_shown_cost_no_request_each(place: Place) -> None:
    """Any may be another name of one that is shown; asked for by themselves, none is."""
    place.jira.changelogs = False
    place.jira.add("PAY-1")
    place.jira.add("PAY-2", hidden=True)
    place.open().collect(["PAY-1", *(f"PAY-{n}" for n in range(2, 101))])
    got = found(place, *(f"PAY-{n}" for n in range(1, 101)))
    assert [key for key, today in got.items() if today] == ["pay-1"]
    path = "issue/bulkfetch" if place.jira.cloud else "search"
    assert len(place.jira.asked(path)) == 2
    assert not [p for p, _ in place.jira.got if p.startswith("issue/PAY")]


def test_a_move_that_no_changelog_tells_is_looked_up_alone(place: Place) -> None:
    """It may have been cut from the changelog, or never written there."""
    place.jira.add("NEW-5", former=("PAY-5",))
    place.open().collect(["PAY-5", "PAY-6"])
    assert found(place, "PAY-5", "PAY-6") == {"pay-5": "NEW-5", "pay-6": ""}
    assert [p for p, _ in place.jira.got if p.startswith("issue/PAY")] == [
        "issue/PAY-5",
        "issue/PAY-6",
    ]


def test_without_changelogs_every_unknown_key_is_looked_up_alone(place: Place) -> None:
    place.jira.changelogs = False
    place.jira.add("PAY-5", former=("OLD-3",))
    place.open().collect(["OLD-3", "PAY-5"])
    assert found(place, "OLD-3", "PAY-5") == {"old-3": "PAY-5", "pay-5": "PAY-5"}
    history = ticket(place, "PAY-5").history
    assert isinstance(history, Unavailable)
    assert "does not show its changelog" in history.reason


@pytest.mark.parametrize("shown", [0, 5, 40])
def test_a_changelog_that_is_cut_is_read_to_its_end(place: Place, shown: int) -> None:
    moves = [
        change(
            f"2026-01-02T10:{n:02}:00.000+0000",
            item("status", f"S{n}", f"S{n + 1}", was_id=str(100 + n), became_id=str(101 + n)),
            id=n + 1,
        )
        for n in range(45)
    ]
    place.jira.add("PAY-1", changes=moves)
    place.jira.add("PAY-2", changes=moves[:2])
    place.jira.add("PAY-3")
    place.jira.shown_changes, place.jira.page_of_changes = shown, 7
    place.open().collect(["PAY-1", "PAY-2", "PAY-3"])
    got = ticket(place, "PAY-1")
    assert not isinstance(got.history, Unavailable)
    assert [each.before[0] for each in got.history] == [f"S{n}" for n in range(45)]
    assert len(ticket(place, "PAY-2").history) == 2  # type: ignore[arg-type]
    assert ticket(place, "PAY-3").history == ()
    assert len(got.evidence) > 1


def test_a_long_changelog_of_the_cloud_is_not_believed_to_be_whole(cloud: Place) -> None:
    """Beside an issue it may be cut at forty, whatever number is told with it."""
    moves = [change(f"2026-01-02T10:{n:02}:00.000+0000", id=n + 1) for n in range(40)]
    cloud.jira.add("PAY-1", changes=moves)
    cloud.jira.add("PAY-2", changes=moves[:39])
    cloud.open().collect(["PAY-1", "PAY-2"])
    assert [body["issueIdsOrKeys"] for body in cloud.jira.asked("changelog/bulkfetch")] == [
        ["10000"]
    ]


def test_a_changelog_that_stays_cut_is_no_history(data_center: Place) -> None:
    place = data_center
    place.jira.add("PAY-1", changes=[change(AT)])
    short = {
        "id": "10000",
        "key": "PAY-1",
        "fields": {"created": AT, "updated": AT},
        "changelog": {"total": 9, "histories": []},
    }
    place.jira.shown_changes = 0
    place.jira.instead["issue/10000"] = [told(short)]
    place.open().collect(["PAY-1"])
    history = ticket(place, "PAY-1").history
    assert history == Unavailable("Jira shows 0 of the 9 entries of its changelog")


FIRST_ONE = {"issueId": "10000", "changeHistories": [change("2026-01-02T10:00:00.000+0000", id=1)]}


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([told({"issueChangeLogs": []})], "Jira shows 0 of the 3 entries of its changelog"),
        (
            [told({"issueChangeLogs": [FIRST_ONE]})],
            "Jira shows 1 of the 3 entries of its changelog",
        ),
        (
            [
                told({"issueChangeLogs": [FIRST_ONE], "nextPageToken": "x"}),
                told({"errorMessages": ["no"]}, 403),
            ],
            "403",
        ),
    ],
    ids=["left out", "cut", "refused on the second page"],
)
def test_a_changelog_that_the_cloud_keeps_back_is_no_history(
    cloud: Place, answers: list[Play], why: str
) -> None:
    """What is shown of it would be taken for all that happened to the ticket."""
    cloud.jira.add("PAY-1", changes=[change(AT, id=n) for n in (1, 2, 3)])
    cloud.jira.shown_changes = 0
    cloud.jira.instead["changelog/bulkfetch"] = answers
    cloud.open().collect(["PAY-1"])
    history = ticket(cloud, "PAY-1").history
    assert isinstance(history, Unavailable)
    assert why in history.reason


@pytest.mark.parametrize("tokens", ["xxxx", "xyxy", "abcdefghijklmnopq"])
@pytest.mark.parametrize("path", ["changelog/bulkfetch", "search/jql"])
def test_pages_that_lead_nowhere_end_collecting(cloud: Place, path: str, tokens: str) -> None:
    """By a token that was given before, or by ever new ones to nothing new."""
    cloud.jira.add("PAY-1", changes=[change(AT)], updated="2026-04-01T00:00:00.000+0000")
    cloud.jira.shown_changes = 0
    nothing: dict[str, list[str]] = {"issueChangeLogs": [], "issues": []}
    again = [told({**nothing, "nextPageToken": token}) for token in tokens]
    cloud.jira.instead[path] = list(again)
    with pytest.raises(CollectError, match="not where it goes on"):
        cloud.open().collect_touched(["PAY"], Span(SINCE, NOW), NOW)
    assert cloud.jira.instead[path], "it stopped by itself"
    assert cloud.store.windows(cloud.site, "PAY", "ticket.touched") == ()


@pytest.mark.parametrize("touched", [False, True])
def test_a_search_that_gives_the_same_page_for_ever_ends_collecting(
    data_center: Place, touched: bool
) -> None:
    """Whatever number of tickets it tells."""
    data_center.jira.add("PAY-1", updated="2026-04-01T00:00:00.000+0000")
    first = data_center.jira.route

    def boasting(got: Got) -> Play:
        if "/search" not in got.path:
            return first(got)
        body = {**json.loads(got.body), "startAt": 0}
        play = first(got._replace(body=json.dumps(body).encode()))
        return told({**json.loads(play.body), "total": 10**9})

    data_center.server._route = boasting
    site = data_center.open()
    by_key = partial(site.collect, ["PAY-1"])
    by_time = partial(site.collect_touched, ["PAY"], Span(SINCE, NOW), NOW)
    with pytest.raises(CollectError, match="not where it goes on"):
        (by_time if touched else by_key)()


def test_comments_that_never_end_end_collecting(place: Place) -> None:
    one = {"id": "1", "author": None, "body": "x", "created": AT}
    place.jira.add("PAY-1", comments=[one] * 50)
    place.jira.shown_comments = 1
    site = place.open(comments=True)
    with pytest.raises(CollectError, match="more of comments, but not where it goes on"):
        site.collect(["PAY-1"])


def test_comments_come_when_they_are_wanted_and_all_of_them(place: Place) -> None:
    comments = [
        {
            "id": str(n),
            "author": DANA,
            "body": f"said {n}",
            "created": AT,
            "updated": "2026-01-03T10:00:00.000+0000" if n == 1 else AT,
        }
        for n in range(120)
    ]
    place.jira.add("PAY-1", comments=comments)
    place.open(comments=True).collect(["PAY-1"])
    got = ticket(place, "PAY-1").comments
    assert not isinstance(got, Unavailable)
    assert [each.body for each in got] == [f"said {n}" for n in range(120)]
    assert [each.edited_at is not None for each in got].index(True) == 1
    assert got[3].url == f"{place.url}/browse/PAY-1?focusedCommentId=3"


def test_comments_that_end_early_are_not_all(place: Place) -> None:
    one = {"id": "1", "author": None, "body": "x", "created": AT}
    place.jira.add("PAY-1", comments=[one, {**one, "id": "2"}])
    place.jira.shown_comments = 1
    place.jira.instead["issue/10000/comment"] = [told({"comments": [], "total": 2})]
    place.open(comments=True).collect(["PAY-1"])
    assert ticket(place, "PAY-1").comments == Unavailable("Jira shows 1 of its 2 comments")


def test_each_hundred_is_one_request(place: Place) -> None:
    for n in range(1, 251):
        place.jira.add(f"PAY-{n}")
    place.open().collect([f"PAY-{n}" for n in range(1, 251)])
    path = "issue/bulkfetch" if place.jira.cloud else "search"
    assert len(place.jira.asked(path)) == 3
    assert [path for path, _ in place.jira.got][:2] == ["serverInfo", "status"]
    assert len(place.jira.got) == 5
    assert place.told.done[-1] == (f"tickets of {place.site}", 250, 250)


def test_a_server_that_gives_less_than_asked_is_asked_on(data_center: Place) -> None:
    for n in range(1, 31):
        data_center.jira.add(f"PAY-{n}")
    data_center.jira.page = 10
    data_center.open().collect([f"PAY-{n}" for n in range(1, 32)])
    asked = found(data_center, *(f"PAY-{n}" for n in range(1, 32)))
    assert [k for k, v in asked.items() if not v] == ["pay-31"]


def test_who_sees_nothing_at_all_is_asked_who_it_is(place: Place) -> None:
    """Of a stranger some Jiras say nothing, and show it nothing: no ticket is missing for that."""
    place.jira.instead["myself"] = [told({}, 401)]
    with pytest.raises(CollectError, match="does not accept the credentials"):
        place.open().collect(["PAY-1"])
    assert read_held(place.store, place.site, ["PAY-1"]) == {}


def test_read_again_it_is_known_until_then(place: Place) -> None:
    """Even where nothing changed: that it did not is what the second reading shows."""
    place.jira.add("PAY-1")
    place.open().collect(["PAY-1"])
    first = read_held(place.store, place.site, ["PAY-1"])["pay-1"].as_of
    place.open().collect(["PAY-1"])
    assert read_held(place.store, place.site, ["PAY-1"])["pay-1"].as_of > first


def test_a_status_that_was_renamed_is_known_by_both_names(place: Place) -> None:
    gone = item("status", "To Do", "Done", was_id="1", became_id="3")
    place.jira.add("PAY-1", changes=[change(AT, gone)])
    place.open().collect(["PAY-1"])
    who = JiraAccount("5b1", "Dana", "", "dana@acme.test")
    at = datetime(2026, 1, 2, 10, tzinfo=UTC)
    done = TicketChange(at, who, "status", ("To Do",), ("Done", "Finished"))
    assert ticket(place, "PAY-1").history == (done,)


def test_an_epic_of_a_data_center_is_a_parent(data_center: Place) -> None:
    place = data_center
    kind = "com.pyxis.greenhopper.jira:gh-epic-link"
    place.jira.fields = [{"id": "summary"}, {"id": "customfield_9", "schema": {"custom": kind}}]
    place.jira.add("PAY-1", customfield_9="PAY-100")
    place.jira.add("PAY-2", customfield_9=None)
    place.open(epics=True).collect(["PAY-1", "PAY-2"])
    held = read_held(place.store, place.site, ["PAY-1", "PAY-2"])
    assert [held[key].parents for key in ("pay-1", "pay-2")] == [("PAY-100",), ()]
    assert ticket(place, "PAY-1").parent == "PAY-100"


# Tickets by when they changed -------------------------------------------------------------------

SINCE = datetime(2026, 3, 1, tzinfo=UTC)


def test_what_changed_since_is_there(place: Place) -> None:
    """A day more is asked for: JQL takes times in the account's own zone. It is not counted in."""
    for n, day in enumerate(("02-25", "02-28", "03-01", "05-01"), start=1):
        place.jira.add(f"PAY-{n}", updated=f"2026-{day}T23:30:00.000+0000")
    place.jira.add("OPS-1", updated="2026-04-01T00:00:00.000+0000")
    place.open().collect_touched(["PAY", "OPS"], Span(SINCE, NOW), NOW)
    got = {each.key for each in read_updated(place.store, place.site, SINCE)}
    assert got == {"PAY-3", "PAY-4", "OPS-1"}
    assert found(place, "PAY-1", "PAY-2") == {"pay-2": "PAY-2"}
    jql = place.jira.asked("search/jql" if place.jira.cloud else "search")[0]["jql"]
    assert jql == ('project in ("PAY", "OPS") AND updated >= "2026-02-28 00:00" ORDER BY key ASC')


def test_an_earlier_part_ends_where_what_is_held_begins(place: Place) -> None:
    place.open().collect_touched(["PAY"], Span(SINCE, datetime(2026, 4, 1, tzinfo=UTC)), NOW)
    path = "search/jql" if place.jira.cloud else "search"
    assert 'AND updated <= "2026-04-02 00:00"' in place.jira.asked(path)[0]["jql"]


def test_a_project_that_is_not_shown_leaves_the_others(place: Place) -> None:
    place.jira.add("PAY-1", updated="2026-04-01T00:00:00.000+0000")
    place.open().collect_touched(["PAY", "GONE"], Span(SINCE, NOW), NOW)
    kept = {p: len(place.store.windows(place.site, p, "ticket.touched")) for p in ("PAY", "GONE")}
    assert kept == {"PAY": 1, "GONE": 0}


def test_a_key_of_no_known_form_is_a_key_all_the_same(place: Place) -> None:
    """Whatever a site calls its tickets, nothing stumbles over it."""
    for key in ("PAY-X", "PAY-" + "9" * 5000, "PAY-٣"):
        place.jira.add(key, updated="2026-04-01T00:00:00.000+0000", project={"key": "PAY"})
    place.open().collect_touched(["PAY"], Span(SINCE, NOW), NOW)
    assert len(read_updated(place.store, place.site, SINCE)) == 3


def test_many_come_in_pages(place: Place) -> None:
    for n in range(1, 131):
        place.jira.add(f"PAY-{n}", updated="2026-04-01T00:00:00.000+0000")
    place.jira.page = 50
    place.open().collect_touched(["PAY"], Span(SINCE, NOW), NOW)
    assert len(read_updated(place.store, place.site, SINCE)) == 130


def test_what_is_deleted_meanwhile_lets_none_slip_through(data_center: Place) -> None:
    """The rest moves up by one while it is read."""
    place = data_center
    for n in range(1, 8):
        place.jira.add(f"PAY-{n}", updated="2026-04-01T00:00:00.000+0000")
    place.jira.page = 3
    first = place.jira.route

    def deleting(got: object) -> Play:
        play = first(got)  # type: ignore[arg-type]
        if len(place.jira.asked("search")) == 1:
            place.jira.tickets.pop("PAY-1", None)
        return play

    place.server._route = deleting
    place.open().collect_touched(["PAY"], Span(SINCE, NOW), NOW)
    assert len(read_updated(place.store, place.site, SINCE)) == 7


@pytest.mark.parametrize(
    "issue",
    [
        {"id": "1", "key": "PAY-1", "fields": {"created": "soon", "updated": AT}},
        {"id": "1", "key": "PAY-1", "fields": {"created": "2026-01-01T00:00:00", "updated": AT}},
        {"id": "1", "key": "PAY-1", "fields": {"created": AT}},
        {"key": "PAY-1"},
        7,
    ],
)
def test_an_answer_of_another_form_ends_collecting(place: Place, issue: object) -> None:
    path = "issue/bulkfetch" if place.jira.cloud else "search"
    place.jira.instead[path] = [told({"issues": [issue], "total": 1})]
    with pytest.raises(CollectError, match="expected form"):
        place.open().collect(["PAY-1"])


NOT_A_TIME = {"id": "1", "created": "soon", "items": []}
SAID = {"id": "1", "created": AT, "updated": "soon"}


@pytest.mark.parametrize(
    "change_of_it",
    [
        {"changelog": {"total": 1, "histories": [NOT_A_TIME]}},
        {"changelog": {"total": 1, "histories": [{**NOT_A_TIME, "created": 10**15}]}},
        {"changelog": {"total": 1, "histories": [{**NOT_A_TIME, "created": "x" * 10**6}]}},
        {"fields": {"created": AT, "updated": AT, "comment": {"total": 1, "comments": [SAID]}}},
    ],
    ids=["a change", "a change at the end of time", "a long one", "a comment"],
)
def test_a_time_that_is_none_is_found_before_it_is_stored(
    place: Place, change_of_it: dict[str, object]
) -> None:
    """Stored, it could never be read again, nor could what is held be brought up to date."""
    issue = {"id": "1", "key": "PAY-1", "fields": {"created": AT, "updated": AT}, **change_of_it}
    path = "issue/bulkfetch" if place.jira.cloud else "search"
    place.jira.instead[path] = [told({"issues": [issue], "total": 1})]
    site = place.open()
    with pytest.raises(CollectError, match="is no instant") as error:
        site.collect(["PAY-1"])
    assert len(error.value.message) < 400
    assert read_held(place.store, place.site, ["PAY-1"]) == {}


def test_a_number_of_a_change_that_nobody_counts_to_is_read(place: Place) -> None:
    place.jira.add("PAY-1", changes=[{**change(AT, item("status", "a", "b")), "id": "9" * 5000}])
    place.open().collect(["PAY-1"])
    assert len(ticket(place, "PAY-1").history) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "answer"),
    [("status", [{"id": 7}]), ("field", [7]), ("serverInfo", {"deploymentType": None})],
)
def test_what_a_site_is_has_its_form_before_it_is_stored(
    data_center: Place, path: str, answer: object
) -> None:
    """A second run finds nothing in the store that it could not read."""
    place = data_center
    place.jira.instead[path] = [told(answer)]
    with pytest.raises(CollectError, match="expected form"):
        place.open(epics=True)
    place.jira.add("PAY-1")
    place.open(epics=True).collect(["PAY-1"])
    assert ticket(place, "PAY-1").key == "PAY-1"


@pytest.mark.parametrize(
    "log",
    [
        {"changelog": {"total": 1, "histories": [{"id": 1, "created": AT}]}},
        {"changelog": 7},
        {"issueChangeLogs": []},
    ],
)
def test_a_changelog_of_another_form_ends_collecting(
    data_center: Place, log: dict[str, object]
) -> None:
    """Where it is asked for besides, as it was beside the ticket."""
    place = data_center
    place.jira.add("PAY-1", changes=[change(AT)])
    place.jira.shown_changes = 0
    place.jira.instead["issue/10000"] = [told(log)]
    with pytest.raises(CollectError, match="about changelogs does not have the expected form"):
        place.open().collect(["PAY-1"])


def test_an_answer_that_is_nested_too_deeply_is_no_answer(place: Place) -> None:
    """Nobody's stack is to be used up by it."""
    deep = b'{"issues": ' + b"[" * 5000 + b"]" * 5000 + b"}"
    path = "issue/bulkfetch" if place.jira.cloud else "search"
    place.jira.instead[path] = [Play(200, deep)] * 6
    with pytest.raises(CollectError, match="nested too deeply"):
        place.open().collect(["PAY-1"])


@pytest.mark.parametrize(
    "address",
    [
        "http://[",
        "https://acme.test:99999",
        "javascript:alert(1)",
        "https://u:p@acme.test",
        "",
        "x\n",
    ],
)
def test_a_site_that_gives_itself_no_address_is_known_by_the_one_that_was_asked(
    place: Place, address: str
) -> None:
    place.jira.base_url = address
    place.jira.add("PAY-1")
    place.open().collect(["PAY-1"])
    assert ticket(place, "PAY-1").url == f"https://{place.site}/browse/PAY-1"


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("changelog/bulkfetch", {"issueChangeLogs": [{"changeHistories": []}]}),
        ("search/jql", {"issues": [{"id": "1"}]}),
    ],
)
def test_other_answers_of_another_form_end_it_too(cloud: Place, path: str, answer: object) -> None:
    cloud.jira.add("PAY-1", changes=[change(AT)])
    cloud.jira.shown_changes = 0
    cloud.jira.instead[path] = [told(answer)]
    with pytest.raises(CollectError, match="expected form"):
        cloud.open().collect_touched(["PAY"], Span(NOW - timedelta(days=365), NOW), NOW)


def test_a_ticket_that_is_hidden_by_now_is_not_among_those_that_changed(place: Place) -> None:
    """Nor is one twice that was asked for by two keys: the newest reading counts."""
    kept = place.jira.add("PAY-1", updated="2026-04-01T00:00:00.000+0000")
    place.jira.add(
        "PAY-2",
        former=("OLD-2",),
        changes=[moved(AT, "OLD-2", "PAY-2")],
        updated="2026-04-01T00:00:00.000+0000",
    )
    place.open().collect(["PAY-1", "OLD-2"])
    kept.hidden = True
    place.jira.tickets["PAY-2"].fields["summary"] = "newer"
    place.open().collect(["PAY-1", "PAY-2"])
    [found] = read_updated(place.store, place.site, SINCE)
    assert (found.key, found.title) == ("PAY-2", "newer")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("ticket", b'{"issues": [{"id": "1"}]}'),
        ("ticket", b'{"issues": []}'),
        ("jira.site", b"[]"),
        ("jira.statuses", b'[{"id": 7}]'),
    ],
)
def test_stored_answers_of_another_form_are_told(place: Place, kind: str, body: bytes) -> None:
    """An earlier version, or a later one, may have kept what this one cannot read."""
    answer = Answer(place.site, "tickets", kind, "{}", 200, NOW, body)
    name = "pay-1" if kind == "ticket" else "status"
    with place.store.begin() as writer:
        writer.put(answer, [Item(kind, name, 0, "v", NOW)])
    with pytest.raises(StoreError, match=rf"Stored answer 1 \({kind} of 127"):
        read_held(place.store, place.site, ["PAY-1"])
