"""Collecting merged pull requests: complete or said to be incomplete, and nothing twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from changeaudit.collectors.github import further, reading
from changeaudit.collectors.github.completing import PARENTS
from changeaudit.collectors.github.pull_requests import (
    FEW,
    KIND,
    LEAST,
    MORE,
    PAGE,
    SEARCH_LIMIT,
    Enumeration,
    PullRequests,
)
from changeaudit.collectors.github.stored import Body, opened
from changeaudit.collectors.github.transport import TooHeavyError
from changeaudit.collectors.spans import Span
from changeaudit.collectors.workers import Workers
from changeaudit.errors import CollectError, StoreError
from changeaudit.records import PullRequest, Unavailable
from changeaudit.store import StoredAnswer
from collectors.github.fake_github import (
    HOST,
    REPOSITORY,
    Json,
    Place,
    at,
    commit,
    keys_of,
    merged_event,
    pull,
    review,
    status,
    z,
)

MARCH = Span(at("03-01"), at("04-01"))


def collect(place: Place, period: Span = MARCH, count: int | None = None) -> int:
    return PullRequests(place.session, REPOSITORY).collect(period, count)


def read(place: Place, period: Span = MARCH) -> list[PullRequest]:
    return list(reading.read_pull_requests(place.store, HOST, REPOSITORY, period))


def numbers(place: Place, period: Span = MARCH) -> list[int]:
    return sorted(p.number for p in read(place, period))


def missing(place: Place, period: Span = MARCH) -> tuple[Span, ...]:
    return reading.held(place.store, HOST, REPOSITORY, period)


def fill(place: Place, count: int, day: str = "03-02") -> None:
    place.github.add(*(pull(n, day) for n in range(1, count + 1)))


def pages(place: Place) -> list[int]:
    """The sizes of the pages that were asked for."""
    return [v["first"] for name, v in place.github.asked if name == "pull_requests"]


# Pages ------------------------------------------------------------------------------------------


def test_every_page_is_asked_for_by_the_cursor_of_the_one_before(place: Place) -> None:
    fill(place, 2 * PAGE + 5)
    assert collect(place) == 2 * PAGE + 5
    asked = [(v["first"], v["after"]) for n, v in place.github.asked if n == "pull_requests"]
    assert asked == [(PAGE, None), (PAGE, str(PAGE)), (5, str(2 * PAGE))]
    assert numbers(place) == list(range(1, 2 * PAGE + 6))
    assert missing(place) == ()
    assert place.told.done[-1] == (f"pull requests of {REPOSITORY}", 2 * PAGE + 5, 2 * PAGE + 5)


def test_the_period_is_searched_from_its_first_second_to_its_last(place: Place) -> None:
    place.github.add(
        pull(1, "02-28 23:59:59"),
        pull(2, "03-01 00:00:00"),
        pull(3, "03-31 23:59:59"),
        pull(4, "04-01 00:00:00"),
    )
    assert collect(place) == 2
    assert numbers(place) == [2, 3]


def test_a_count_that_is_known_is_not_asked_for(place: Place) -> None:
    fill(place, 3)
    assert collect(place, count=3) == 3
    assert place.github.kinds() == ["pull_requests"]
    assert pages(place) == [3]


def test_a_period_without_pull_requests_is_collected_by_counting_them(place: Place) -> None:
    assert collect(place) == 0
    assert place.github.kinds() == ["count"]
    assert missing(place) == ()


def test_more_than_were_counted_are_collected_all_the_same(place: Place) -> None:
    """They came between counting and asking."""
    fill(place, 5)
    assert collect(place, count=2) == 5
    assert numbers(place) == [1, 2, 3, 4, 5]


def both_ends(place: Place) -> dict[str, list[int]]:
    """The sizes of the pages that were asked for, from the front of the search and from its end."""
    found: dict[str, list[int]] = {"created-asc": [], "created-desc": []}
    for name, asked in place.github.asked:
        if name == "pull_requests":
            order = "created-asc" if "created-asc" in asked["search"] else "created-desc"
            found[order].append(asked["first"])
    return found


def meeting(place: Place) -> None:
    """The first pages from both ends wait for each other, so that both are read."""
    together = threading.Barrier(2, timeout=10)
    waits = iter([True] * 2)
    ask = place.github.ask

    def waiting(*args: Any, **more: Any) -> Any:
        if args[0].name == "pull_requests" and next(waits, False):
            together.wait()
        return ask(*args, **more)

    place.github.ask = waiting  # type: ignore[method-assign]


def test_two_workers_read_a_search_from_both_ends_in_no_more_pages(place: Place) -> None:
    count = 4 * PAGE + 5
    fill(place, count)
    place.session.workers = Workers(2)
    meeting(place)
    assert collect(place, count=count) == count
    asked = both_ends(place)
    assert all(asked.values())
    assert sorted(asked["created-asc"] + asked["created-desc"]) == [5, *[PAGE] * 4]
    assert numbers(place) == list(range(1, count + 1))


def test_where_the_ends_are_ordered_differently_nothing_is_lost(place: Place) -> None:
    """What was created in the same second may stand in one order from here and in it from there."""
    count = 2 * PAGE
    fill(place, count)
    place.session.workers = Workers(2)
    meeting(place)
    found = place.github.found

    def tied(search: str) -> list[Json]:
        hits = found(search)
        if "created-desc" in search:
            middle = slice(PAGE - 2, PAGE + 2)
            hits[middle] = hits[middle][::-1]
        return hits

    place.github.found = tied  # type: ignore[method-assign]
    assert collect(place, count=count) == count
    assert numbers(place) == list(range(1, count + 1))
    assert missing(place) == ()


def test_ends_that_never_meet_are_read_once_more_from_the_front(place: Place) -> None:
    """The search shows the same from both of its ends: what lies behind it is in neither."""
    count = 2 * PAGE
    fill(place, count)
    place.session.workers = Workers(2)
    meeting(place)
    found = place.github.found
    place.github.found = lambda search: sorted(  # type: ignore[method-assign]
        found(search), key=lambda p: p["number"]
    )
    assert collect(place, count=count) == count
    assert numbers(place) == list(range(1, count + 1))


def test_what_can_follow_the_pages_is_done_once_all_are_stored(place: Place) -> None:
    """It need not wait for the rest of long lists."""
    done: list[int] = []
    fill(place, 2 * PAGE)
    pulls = PullRequests(place.session, REPOSITORY)
    pulls.collect(MARCH, None, [lambda: done.append(place.answers(KIND))])
    assert done == [2]
    pulls.collect(MARCH, None, [lambda: done.append(place.answers(KIND))])
    assert done == [2, 2]


@pytest.mark.parametrize("enumeration", Enumeration)
def test_either_way_of_finding_them_does_what_follows_once(
    place: Place, enumeration: Enumeration
) -> None:
    done: list[int] = []
    spread(place, 2 * SEARCH_LIMIT)
    place.session.workers = Workers(3)
    pulls = PullRequests(place.session, REPOSITORY, enumeration)
    pulls.collect(MARCH, None, [lambda: done.append(len(numbers(place)))])
    assert done == [2 * SEARCH_LIMIT]


@pytest.mark.parametrize("edited", [True, False])
def test_edits_are_asked_for_where_the_description_was_edited(place: Place, edited: bool) -> None:
    edit = {"editedAt": z("02-02"), "diff": "text", "editor": None}
    place.github.add(pull(1, userContentEdits=[edit] if edited else []))
    collect(place)
    (found,) = read(place)
    assert not isinstance(found.edits, Unavailable)
    assert [each.text for each in found.edits] == (["text"] if edited else [])
    assert ("further" in place.github.kinds()) is edited


def test_edits_that_were_not_collected_are_not_taken_for_none(place: Place) -> None:
    place.github.add(pull(1, lastEditedAt=z("02-02")))
    place.github.fault = dying_at("further", 1)
    with pytest.raises(Dies):
        collect(place)
    assert read(place)[0].edits == Unavailable("they were not collected")


def test_an_earlier_query_s_edits_are_read_as_they_came(place: Place) -> None:
    """It asked for them with each pull request, so that none need be asked for."""
    place.github.add(pull(1, lastEditedAt=z("02-02")))

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name == "pull_requests":
            page = {"pageInfo": {"hasNextPage": False}, "totalCount": 1}
            edit = {"editedAt": z("02-02"), "diff": "text", "editor": None}
            data["search"]["nodes"][0]["userContentEdits"] = {**page, "nodes": [edit]}
        return []

    place.github.spoil = spoil
    collect(place)
    (found,) = read(place)
    assert not isinstance(found.edits, Unavailable)
    assert [each.text for each in found.edits] == ["text"]
    assert "further" not in place.github.kinds()


def too_heavy_above(size: int) -> Callable[[str, Json, bool], None]:
    def fault(name: str, variables: Json, divisible: bool) -> None:
        if name == "pull_requests" and variables["first"] > size:
            assert divisible
            raise TooHeavyError("HTTP 502")

    return fault


def test_a_page_that_is_too_heavy_is_halved_until_it_is_not_and_grows_again(
    place: Place,
) -> None:
    fill(place, 100)
    place.github.fault = too_heavy_above(10)
    assert collect(place) == 100
    assert pages(place)[:9] == [43, 21, 10, 10, 10, 10, 10, 20, 10]
    assert numbers(place) == list(range(1, 101))
    assert missing(place) == ()


def test_a_page_never_grows_past_its_first_size(place: Place) -> None:
    fill(place, 20 * PAGE)
    stumbles = iter([True])

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if name == "pull_requests" and next(stumbles, False):
            raise TooHeavyError("HTTP 502")

    place.github.fault = fault
    assert collect(place) == 20 * PAGE
    assert pages(place)[:8] == [PAGE, 21, 21, 21, 21, 21, 42, 42]
    assert max(pages(place)) == PAGE


def test_one_pull_request_alone_is_no_longer_divisible(place: Place) -> None:
    """The transport then tries again and gives up in the end; asking does not go on for ever."""
    fill(place, 3)
    told: list[tuple[int, bool]] = []

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if name == "pull_requests":
            told.append((variables["first"], divisible))
            if divisible:
                raise TooHeavyError("HTTP 502")
            raise CollectError("did not answer in 6 attempts")

    place.github.fault = fault
    with pytest.raises(CollectError, match="6 attempts"):
        collect(place)
    assert told == [(3, True), (1, False)]
    assert missing(place) == (MARCH,)


def test_a_pull_request_that_is_not_shown_ends_collecting(place: Place) -> None:
    """A population with a hole in it is none."""
    fill(place, 3)

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name != "pull_requests":
            return []
        data["search"]["nodes"][1] = None
        return [{"type": "FORBIDDEN", "message": "SAML", "path": ["search", "nodes", 1]}]

    place.github.spoil = spoil
    with pytest.raises(CollectError, match=r"did not show one of .*: SAML \(FORBIDDEN\)") as caught:
        collect(place)
    assert "incomplete" in caught.value.hint
    assert missing(place) == (MARCH,)


def test_a_page_in_another_form_is_refused_with_its_first_fault(place: Place) -> None:
    fill(place, 1)
    place.github.pulls["PR_1"]["headRefOid"] = 7
    with pytest.raises(CollectError, match=r"expected form.*headRefOid"):
        collect(place)


@pytest.mark.parametrize("cursor", [None, "1"])
def test_a_list_that_leads_nowhere_is_an_error_and_not_a_circle(
    place: Place, cursor: str | None
) -> None:
    fill(place, 3 * PAGE)

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name == "pull_requests":
            data["search"]["pageInfo"] = {"hasNextPage": True, "endCursor": cursor}
        return []

    place.github.spoil = spoil
    with pytest.raises(CollectError, match="not where it goes on"):
        collect(place)


# Windows ----------------------------------------------------------------------------------------


class Dies(Exception):
    """The process ends here."""


def dying_at(operation: str, number: int) -> Callable[[str, Json, bool], None]:
    seen = 0

    def fault(name: str, variables: Json, divisible: bool) -> None:
        nonlocal seen
        seen += name == operation
        if name == operation and seen == number:
            raise Dies

    return fault


def alive(name: str, variables: Json, divisible: bool) -> None:
    """Nothing happens."""


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_window_counts_only_once_all_of_it_is_there(place: Place, page: int) -> None:
    fill(place, 3 * PAGE)
    place.github.fault = dying_at("pull_requests", page)
    with pytest.raises(Dies):
        collect(place)
    assert missing(place) == (MARCH,)
    place.github.fault = alive
    collect(place)
    assert missing(place) == ()
    assert numbers(place) == list(range(1, 3 * PAGE + 1))


def test_what_an_interrupted_run_stored_is_not_stored_again(place: Place) -> None:
    fill(place, 3 * PAGE)
    place.github.fault = dying_at("pull_requests", 3)
    with pytest.raises(Dies):
        collect(place)
    assert place.answers(KIND) == 2
    place.github.fault = alive
    collect(place)
    assert place.answers(KIND) == 3
    ids = keys_of(place.store.locate(HOST, REPOSITORY, KIND))
    assert sorted(ids) == sorted(place.github.pulls)


def test_more_than_a_search_shows_is_cut_in_halves(place: Place) -> None:
    """Each half is counted, and the second goes on at the very second where the first ends."""
    place.github.add(
        *(
            pull(n, f"03-{1 + n % 30:02} {n % 24:02}:00:{n % 60:02}")
            for n in range(1, SEARCH_LIMIT + 202)
        )
    )
    assert collect(place) == SEARCH_LIMIT + 201
    assert len(read(place)) == SEARCH_LIMIT + 201
    assert missing(place) == ()
    windows = sorted((w.since, w.until) for w in place.store.windows(HOST, REPOSITORY, KIND))
    assert len(windows) == 2
    assert windows[0][1] == windows[1][0]


def test_more_than_a_search_shows_in_one_second_is_an_error(place: Place) -> None:
    fill(place, SEARCH_LIMIT + 1, "03-05 06:07:08")
    with pytest.raises(CollectError, match=r"within one second \(2026-03-05T06:07:08Z\)"):
        collect(place)
    assert any(gap.since <= at("03-05 06:07:08") < gap.until for gap in missing(place))


def test_a_window_that_outgrew_the_search_since_it_was_counted_is_cut(place: Place) -> None:
    place.github.add(
        *(pull(n, f"03-{1 + n % 30:02}") for n in range(1, SEARCH_LIMIT + 2)),
    )
    assert collect(place, count=SEARCH_LIMIT) == SEARCH_LIMIT + 1
    assert missing(place) == ()


def test_fewer_than_were_counted_are_looked_for_once_more(place: Place) -> None:
    fill(place, 4)
    lies = iter([2])

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name == "pull_requests":
            data["search"]["issueCount"] += next(lies, 0)
        return []

    place.github.spoil = spoil
    assert collect(place) == 4
    assert place.github.kinds() == ["count", "pull_requests", "pull_requests"]
    assert place.answers(KIND) == 1
    assert missing(place) == ()


def test_a_search_that_shows_fewer_than_it_counts_is_given_up_for_the_walk(place: Place) -> None:
    """A gap is never silent."""
    fill(place, 4)

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name == "pull_requests":
            data["search"]["issueCount"] += 1
        return []

    place.github.spoil = spoil
    assert collect(place) == 4
    assert place.github.kinds() == ["count", "pull_requests", "pull_requests", "walk", "walk"]
    (said,) = place.told.notes
    assert "counts 5 pull requests of acme/payments but shows 4. All pull requests" in said
    assert numbers(place) == [1, 2, 3, 4]
    assert missing(place) == ()


def test_what_merged_in_one_of_two_overlapping_periods_is_collected_once(place: Place) -> None:
    place.github.add(pull(1, "03-05"), pull(2, "03-20"), pull(3, "04-05"))
    place.now = at("06-01")
    collect(place, Span(at("03-01"), at("03-25")))
    place.github.asked.clear()
    later = Span(at("03-15"), at("04-15"))
    assert collect(place, later) == 1
    searches = [v["search"] for n, v in place.github.asked if n == "pull_requests"]
    assert ["updated:" in s for s in searches] == [True, False]
    assert "merged:2026-03-15T00:00:00Z..2026-03-24T23:59:59Z" in searches[0]
    assert "merged:2026-03-25T00:00:00Z..2026-04-14T23:59:59Z" in searches[1]
    assert numbers(place, later) == [2, 3]
    assert numbers(place, Span(at("03-01"), at("04-15"))) == [1, 2, 3]
    assert missing(place, Span(at("03-01"), at("04-15"))) == ()


def test_a_period_that_reaches_into_the_future_is_held_up_to_the_present(place: Place) -> None:
    place.now = at("03-10")
    place.github.add(pull(1, "03-05"))
    collect(place)
    assert missing(place) == (Span(at("03-10"), MARCH.until),)
    place.now = at("04-02")
    place.github.add(pull(2, "03-20"))
    assert collect(place) == 1
    assert missing(place) == ()
    assert numbers(place) == [1, 2]


def test_a_period_that_goes_on_is_taken_up_with_what_changed(place: Place) -> None:
    """What merged since the last run has changed since: one search finds both."""
    place.now = at("03-10")
    collect(place)
    place.now = at("03-12")
    place.github.add(pull(1, "03-11"))
    place.github.asked.clear()
    assert collect(place) == 1
    (search,) = (v["search"] for n, v in place.github.asked)
    assert (
        "merged:2026-03-01T00:00:00Z..2026-03-31T23:59:59Z updated:>=2026-03-09T18:00:00Z" in search
    )
    assert numbers(place) == [1]
    assert missing(place) == (Span(at("03-12"), MARCH.until),)


def test_a_period_may_grow_to_both_sides(place: Place) -> None:
    place.github.add(pull(1, "03-05"), pull(2, "03-15"), pull(3, "03-25"))
    collect(place, Span(at("03-10"), at("03-20")))
    assert collect(place) == 2
    assert numbers(place) == [1, 2, 3]
    assert missing(place) == ()


def test_only_what_changed_is_asked_for_again(place: Place) -> None:
    """From some hours before the last run on: the search index lags behind."""
    fill(place, 60)
    collect(place)
    place.github.asked.clear()
    place.now += timedelta(days=1)
    for number in (7, 9):
        place.github.pulls[f"PR_{number}"] |= {
            "title": "Renamed",
            "updatedAt": z(place.now - timedelta(hours=1)),
        }
    assert collect(place) == 2
    ((name, asked),) = place.github.asked
    assert (name, asked["first"]) == ("pull_requests", FEW)
    assert "updated:>=2026-06-01T06:00:00Z" in asked["search"]
    assert sorted(p.number for p in read(place) if p.title == "Renamed") == [7, 9]
    assert len(read(place)) == 60


def test_nothing_is_stored_where_nothing_changed(place: Place) -> None:
    fill(place, 3)
    collect(place)
    for _ in range(3):
        collect(place)
    assert place.answers(KIND) == 1


def test_what_changed_within_the_lag_is_seen_again_and_not_stored_again(place: Place) -> None:
    fill(place, 3)
    for found in place.github.pulls.values():
        found["updatedAt"] = z(place.now)
    collect(place)
    assert collect(place) == 3
    assert place.answers(KIND) == 1


def test_more_changes_than_a_search_shows_are_cut_in_halves_too(place: Place) -> None:
    place.github.add(*(pull(n, f"03-{1 + n % 30:02}") for n in range(1, SEARCH_LIMIT + 52)))
    collect(place)
    place.now += timedelta(days=1)
    for found in place.github.pulls.values():
        found |= {"title": "Relabelled", "updatedAt": z(place.now)}
    assert collect(place) == SEARCH_LIMIT + 51
    assert {p.title for p in read(place)} == {"Relabelled"}


def test_another_query_than_the_one_of_a_window_holds_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that asks for more than an earlier one did collects anew."""
    from changeaudit.collectors.github import pull_requests as module
    from changeaudit.collectors.github.queries import Operation, operation

    fill(place, 1)
    collect(place)
    newer = Operation("pull_requests", "query …", "newer")
    monkeypatch.setattr(
        module, "operation", lambda f: newer if f == "pull_requests" else operation(f)
    )
    assert PullRequests(place.session, REPOSITORY).covered(MARCH).missing == (MARCH,)


# Fields that cannot be read ---------------------------------------------------------------------


def refuse_write_access(name: str, variables: Json, data: Json) -> list[Json]:
    """As GitHub does to an account without push access: each review is lost with the field."""
    if name != "pull_requests" or not variables["withWriteAccess"]:
        return []
    errors: list[Json] = []
    for number, node in enumerate(data["search"]["nodes"]):
        for position in range(len(node["reviews"]["nodes"])):
            node["reviews"]["nodes"][position] = None
            path = ["search", "nodes", number, "reviews", "nodes", position]
            errors.append(
                {
                    "type": "FORBIDDEN",
                    "message": "Must have push access",
                    "path": [*path, "authorCanPushToRepository"],
                }
            )
    return errors


def test_write_access_that_cannot_be_read_is_given_up_for_all_pages(place: Place) -> None:
    fill(place, 2 * PAGE)
    place.github.spoil = refuse_write_access
    collect(place)
    asked = [v["withWriteAccess"] for n, v in place.github.asked if n == "pull_requests"]
    assert asked == [True, False, False]
    reviews = read(place)[0].reviews
    assert not isinstance(reviews, Unavailable)
    assert isinstance(reviews[0].author_can_write, Unavailable)
    assert reviews[0].author is not None


def test_checks_that_cannot_be_read_cost_nothing_else(place: Place) -> None:
    place.github.add(pull(1, checks=[status("ci")]), pull(2, checks=[status("ci")]))

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name != "pull_requests":
            return []
        data["search"]["nodes"][0]["statusCheckRollup"] = None
        path = ["search", "nodes", 0, "statusCheckRollup", "contexts"]
        return [{"type": "FORBIDDEN", "message": "Not accessible", "path": path}]

    place.github.spoil = spoil
    collect(place)
    first, second = sorted(read(place), key=lambda p: p.number)
    assert first.checks == Unavailable(
        "GitHub answered: Not accessible", "Checks: read and Commit statuses: read"
    )
    assert not isinstance(first.reviews, Unavailable)
    assert not isinstance(second.checks, Unavailable)


# Lists that do not fit --------------------------------------------------------------------------

OVERFLOW: dict[str, tuple[str, list[Any]]] = {
    "labels": ("labels", [{"name": f"l{n}"} for n in range(7)]),
    "userContentEdits": (
        "edits",
        [{"editedAt": z("02-02"), "diff": f"text {n}", "editor": None} for n in range(7)],
    ),
    "reviews": ("reviews", [review(f"user{n}") for n in range(7)]),
    "timelineItems": (
        "timeline",
        [merged_event("03-02")] + [merged_event(f"03-1{n}") for n in range(6)],
    ),
    "commits": ("commits", [commit(f"c{n}") for n in range(6)] + [commit("head")]),
    "files": ("files", [{"path": f"{n}.py", "changeType": "ADDED"} for n in range(7)]),
    "closingIssuesReferences": (
        "closing_issues",
        [{"number": n, "repository": {"nameWithOwner": REPOSITORY}} for n in range(1, 8)],
    ),
    "checks": ("checks", [status(f"ci{n}") for n in range(7)]),
}


@pytest.mark.parametrize("name", OVERFLOW)
def test_a_list_that_does_not_fit_is_read_to_its_end(place: Place, name: str) -> None:
    field, items = OVERFLOW[name]
    place.github.first, place.github.more = {name: 3}, 2
    place.github.add(pull(1, "03-02", **{name: items}))
    collect(place)
    found = getattr(read(place)[0], field)
    assert len(found) == 7
    asked = [v for n, v in place.github.asked if n == "further"]
    access = {"withWriteAccess"} if name == "reviews" else set()
    assert all(v.keys() == {"i0", f"{name}0"} | access for v in asked)
    edits = name == "userContentEdits"  # the first page is not asked for with the pull request
    assert [v[f"{name}0"] for v in asked] == ([None, "2", "4", "6"] if edits else ["3", "5"])


def test_lists_that_do_not_fit_are_read_on_together(place: Place) -> None:
    place.github.first, place.github.more = dict.fromkeys(OVERFLOW, 3), 2
    place.github.add(pull(1, "03-02", **{name: items for name, (_, items) in OVERFLOW.items()}))
    collect(place)
    (found,) = read(place)
    assert {len(getattr(found, field)) for field, _ in OVERFLOW.values()} == {7}
    assert place.github.kinds().count("further") == 4  # the edits are all asked for here
    assert len(found.evidence) == len(set(found.evidence)) == 5


def test_a_list_is_read_on_from_the_version_that_is_stored(place: Place) -> None:
    """A changed pull request comes with the rest of its lists, an unchanged one as it was."""
    place.github.first, place.github.more = {"labels": 3}, 2
    place.github.add(pull(1, labels=[{"name": f"l{n}"} for n in range(4)]))
    collect(place)
    changed = place.github.pulls["PR_1"]
    changed["labels"] = [{"name": f"m{n}"} for n in range(4)]
    changed["updatedAt"] = z(place.now)
    collect(place)
    assert read(place)[0].labels == ("m0", "m1", "m2", "m3")
    assert place.answers(MORE) == 2


def long_one(number: int, labels: int = 4) -> Json:
    return pull(number, labels=[{"name": f"{number}l{n}"} for n in range(labels)])


def test_the_rest_of_many_is_asked_for_together(place: Place) -> None:
    place.github.first, place.github.more = {"labels": 3}, 2
    place.github.add(*(long_one(n, 7) for n in range(1, 61)))
    collect(place)
    asked = [len(v) // 2 for n, v in place.github.asked if n == "further"]
    assert asked == [50, 50, 20]
    assert all(len(p.labels) == 7 for p in read(place) if not isinstance(p.labels, Unavailable))


@pytest.mark.parametrize("total", [7, 101, 201, 202, 302, 950, 3000])
def test_long_lists_of_files_are_read_from_both_ends(place: Place, total: int) -> None:
    """Page after page they would take thirty rounds; each file comes once, in its place."""
    files = [{"path": f"{n}.py", "changeType": "ADDED"} for n in range(total)]
    place.github.add(pull(1, files=files, changedFiles=total))
    collect(place)
    (found,) = read(place)
    assert not isinstance(found.files, Unavailable)
    assert [f.path for f in found.files] == [f"{n}.py" for n in range(total)]
    rounds = place.github.kinds().count("further")
    assert rounds == -(-max(0, total - 100) // 200)


def test_a_list_of_files_that_lost_its_middle_is_no_whole_one(place: Place) -> None:
    """The ends do not meet where the list shrank meanwhile: fewer are shown than changed."""
    files = [{"path": f"{n}.py", "changeType": "ADDED"} for n in range(500)]
    place.github.add(pull(1, files=files, changedFiles=500))

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name != "further":
            return []
        data["m0"]["filesFromEnd"] = None
        path = ["m0", "filesFromEnd"]
        return [{"type": "FORBIDDEN", "message": "Hidden", "path": path}]

    place.github.spoil = spoil
    collect(place)
    assert read(place)[0].files == Unavailable("GitHub answered: Hidden")


def test_lists_that_are_too_heavy_together_are_asked_for_in_smaller_groups(place: Place) -> None:
    place.github.first, place.github.more = dict.fromkeys(OVERFLOW, 3), 2
    whole = {name: items for name, (_, items) in OVERFLOW.items()}
    place.github.add(pull(1, "03-02", **whole), pull(2, "03-02", **whole))

    def fault(name: str, variables: Json, divisible: bool) -> None:
        lists = sum(k[0] != "i" and k != "withWriteAccess" for k in variables)
        if name == "further" and lists > 3:
            assert divisible
            raise TooHeavyError("HTTP 502")
        assert name != "further" or divisible == (lists > 1)

    place.github.fault = fault
    collect(place)
    for found in read(place):
        assert {len(getattr(found, field)) for field, _ in OVERFLOW.values()} == {7}


def test_what_one_answer_holds_of_many_is_read_from_the_store_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not once for each of them: an answer's bytes are held against its digest at every reading."""
    place.github.first, place.github.more = {"labels": 3}, 3
    place.github.add(*(long_one(n, 8) for n in range(1, 21)))
    collect(place)
    assert place.answers(MORE) == 2
    read_ids: list[int] = []

    def counted(answer: StoredAnswer) -> Body:
        read_ids.append(answer.id)
        return opened(answer)

    monkeypatch.setattr(further, "opened", counted)
    assert [len(p.labels) for p in read(place) if isinstance(p.labels, tuple)] == [8] * 20
    assert sorted(read_ids) == sorted(set(read_ids))
    assert len(read_ids) == 2


def test_a_death_between_a_page_and_the_rest_of_it_is_made_up_for(place: Place) -> None:
    """The page is kept and does not count; then only what is missing is asked for."""
    place.github.first, place.github.more = {"labels": 3}, 1
    place.github.add(long_one(1, 6), pull(2))
    place.github.fault = dying_at("further", 2)
    with pytest.raises(Dies):
        collect(place)
    assert (place.answers(KIND), place.answers(MORE)) == (1, 1)
    assert missing(place) == (MARCH,)
    broken = {p.number: p.labels for p in read(place)}
    assert broken[1] == Unavailable("GitHub showed 4 of 6")
    place.github.fault = alive
    place.github.asked.clear()
    collect(place)
    assert place.github.kinds() == ["further", "further"]
    assert missing(place) == ()
    assert {p.number: len(p.labels) for p in read(place) if isinstance(p.labels, tuple)} == {
        1: 6,
        2: 0,
    }


def test_what_changed_in_a_period_that_is_held_comes_with_the_rest_or_not_at_all(
    place: Place,
) -> None:
    """A death in between leaves what was held, whole."""
    place.github.first = {"labels": 3}
    place.github.add(long_one(1, 4))
    collect(place)
    place.now += timedelta(days=1)
    place.github.pulls["PR_1"] |= {"labels": [{"name": "new"}] * 5, "updatedAt": z(place.now)}
    place.github.fault = dying_at("further", 1)
    with pytest.raises(Dies):
        collect(place)
    assert len(read(place)[0].labels) == 4  # type: ignore[arg-type]
    place.github.fault = alive
    collect(place)
    assert read(place)[0].labels == ("new",) * 5


@pytest.mark.parametrize("errors", [[], [{"type": "NOT_FOUND", "message": "Gone", "path": []}]])
def test_a_rest_that_is_not_shown_ends_collecting(place: Place, errors: list[Json]) -> None:
    place.github.first = {"labels": 3}
    place.github.add(pull(1, labels=[{"name": f"l{n}"} for n in range(4)]))

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name == "further":
            data["m0"] = None
            return errors
        return []

    place.github.spoil = spoil
    with pytest.raises(CollectError, match="did not show the rest of"):
        collect(place)
    assert missing(place) == (MARCH,)


def test_an_inner_list_that_leads_nowhere_is_an_error_and_not_a_circle(place: Place) -> None:
    place.github.first, place.github.more = {"labels": 3}, 2
    place.github.add(pull(1, labels=[{"name": f"l{n}"} for n in range(9)]))

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name == "further":
            data["m0"]["labels"]["pageInfo"]["endCursor"] = variables["labels0"]
        return []

    place.github.spoil = spoil
    with pytest.raises(CollectError, match="there is more of the labels"):
        collect(place)


def test_what_a_further_page_may_not_show_is_said_for_that_list(place: Place) -> None:
    """An author whom a later page hides is not taken for a deleted account."""
    place.github.first = {"reviews": 1}
    place.github.add(pull(1, reviews=[review("pat"), review("lee")]))

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name != "further":
            return []
        data["m0"]["reviews"]["nodes"][0]["author"] = None
        path = ["m0", "reviews", "nodes", 0, "author"]
        return [{"type": "FORBIDDEN", "message": "Hidden", "path": path}]

    place.github.spoil = spoil
    collect(place)
    assert read(place)[0].reviews == Unavailable("GitHub answered: Hidden")


def test_a_store_that_lost_a_further_page_says_so(place: Place) -> None:
    place.github.first = {"labels": 3}
    place.github.add(pull(1, labels=[{"name": f"l{n}"} for n in range(4)]))
    collect(place)
    (page,) = place.store.locate(HOST, REPOSITORY, KIND)
    with place.store.begin() as writer:  # the page once more, without what belongs to it
        (item,) = page.items
        other = type(item)(item.kind, item.key, item.position, "other", item.at)
        writer.put(page.answer.answer, [other])
    assert read(place)[0].labels == Unavailable("GitHub showed 3 of 4")


# Parents ----------------------------------------------------------------------------------------


def parents_asked(place: Place) -> list[str]:
    return [
        v[f"i{n}"]
        for name, v in place.github.asked
        if name == "parents"
        for n in range(len(v) // 3)
    ]


COMMITS = [commit("c1"), commit("c2"), commit("head")]


@pytest.mark.parametrize(
    ("reviews", "asked"),
    [
        ([], False),
        ([review("pat", of="head")], False),
        ([review("pat", of="c1")], True),
        ([review("pat", "COMMENTED", of="c1")], False),
        ([review("pat", "CHANGES_REQUESTED", of="c1")], False),
        ([review("pat", "DISMISSED", of="c1")], True),
        ([review("pat", of=None)], False),
        ([review(None, of="c1")], False),
        ([review("pat", of="gone")], False),
        ([review("pat", of="c1", submitted=None)], False),
        ([review("pat", of="c1", submitted="03-02")], True),
        ([review("pat", of="c1", submitted="03-03")], False),
        ([review("pat", of="c1"), review("pat", of="head", submitted="03-01 12:00")], False),
        ([review("pat", of="c1"), review("lee", of="head", submitted="03-01 12:00")], True),
        (
            [
                review("pat", of="c1"),
                review("pat", "CHANGES_REQUESTED", of="head", submitted="03-01 12:00"),
            ],
            False,
        ),
        (
            [
                review("pat", of="c1"),
                review("pat", "COMMENTED", of="head", submitted="03-01 12:00"),
            ],
            True,
        ),
        (
            [
                review("pat", of="c1"),
                review("pat", "DISMISSED", of="head", submitted="03-01 12:00"),
            ],
            True,
        ),
        ([review("pat", of="c1"), review("pat", of="head", submitted="03-01")], True),
        ([review("pat", of="c1"), review("pat", of="head", submitted="03-02")], True),
        ([review("pat", of="c1"), review("pat", of="head", submitted="03-05")], True),
    ],
    ids=[
        "none",
        "of the head",
        "of an earlier commit",
        "comment",
        "objection",
        "dismissed, perhaps since",
        "commit unknown",
        "deleted account",
        "rewritten since",
        "pending",
        "in the second of the merge",
        "after the merge",
        "approved again",
        "approved by another",
        "then objected",
        "then commented",
        "then dismissed",
        "twice in one second",
        "again in the second of the merge",
        "again after the merge",
    ],
)
def test_parents_are_asked_for_only_where_a_standing_approval_is_of_an_earlier_commit(
    place: Place, reviews: list[Json], asked: bool
) -> None:
    place.github.parents = {"head": ["c2"], "c2": ["c1"], "c1": ["base"]}
    place.github.add(pull(1, reviews=reviews, commits=COMMITS))
    collect(place)
    assert parents_asked(place) == (["PR_1"] if asked else [])
    commits = read(place)[0].commits
    assert not isinstance(commits, Unavailable)
    if asked:
        assert [c.parents for c in commits] == [("base",), ("c1",), ("c2",)]
    else:
        assert all(isinstance(c.parents, Unavailable) for c in commits)


@pytest.mark.parametrize("name", ["reviews", "commits"])
def test_a_list_that_goes_on_may_hold_what_parents_are_needed_for(place: Place, name: str) -> None:
    place.github.first = {name: 1}
    reviews = [review("kim", of="head"), review("pat", of="c2")]
    if name == "commits":
        reviews.reverse()
    place.github.add(pull(1, reviews=reviews, commits=COMMITS))
    collect(place)
    assert parents_asked(place) == ["PR_1"]


@pytest.mark.parametrize("name", ["reviews", "commits"])
def test_parents_of_a_list_that_was_not_shown_are_not_asked_for(place: Place, name: str) -> None:
    place.github.add(pull(1, reviews=[review("pat", of="c1")], commits=COMMITS))

    def spoil(operation: str, variables: Json, data: Json) -> list[Json]:
        if operation == "pull_requests":
            data["search"]["nodes"][0][name] = None
            path = ["search", "nodes", 0, name]
            return [{"type": "FORBIDDEN", "message": "No", "path": path}]
        return []

    place.github.spoil = spoil
    collect(place)
    assert parents_asked(place) == []


def moved_on(number: int, commits: int = 3) -> Json:
    """A pull request that was approved before its head."""
    own = [commit(f"p{number}c{n}") for n in range(commits - 1)]
    return pull(number, reviews=[review("pat", of=f"p{number}c0")], commits=[*own, commit("head")])


def test_parents_are_asked_for_together_and_once(place: Place) -> None:
    place.github.add(*(moved_on(n) for n in range(1, 61)), pull(61))
    collect(place)
    collect(place)
    assert place.github.kinds().count("parents") == 1
    assert sorted(parents_asked(place)) == sorted(f"PR_{n}" for n in range(1, 61))
    (asked,) = [v for name, v in place.github.asked if name == "parents"]
    assert {asked[f"n{n}"] for n in range(60)} == {3}


def test_as_many_commits_go_into_a_request_as_it_bears(place: Place) -> None:
    place.github.add(*(moved_on(n, 100) for n in range(1, 21)))
    collect(place)
    sizes = [len(v) // 3 for name, v in place.github.asked if name == "parents"]
    assert sizes == [5] * 4


def test_parents_that_are_too_heavy_together_are_asked_for_in_smaller_groups(
    place: Place,
) -> None:
    place.github.add(*(moved_on(n) for n in range(1, 11)))

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if name == "parents" and len(variables) > 3:
            assert divisible
            raise TooHeavyError("HTTP 502")
        assert name != "parents" or not divisible

    place.github.fault = fault
    collect(place)
    assert all(not isinstance(c.parents, Unavailable) for p in read(place) for c in commits_of(p))
    assert place.answers(PARENTS) == 10


def commits_of(found: PullRequest) -> Any:
    assert not isinstance(found.commits, Unavailable)
    return found.commits


def test_parents_are_asked_for_after_a_death_between_them_and_the_page(place: Place) -> None:
    place.github.add(moved_on(1), moved_on(2))
    place.github.fault = dying_at("parents", 1)
    with pytest.raises(Dies):
        collect(place)
    assert (place.answers(KIND), place.answers(PARENTS)) == (1, 0)
    assert missing(place) == (MARCH,)
    place.github.fault = alive
    collect(place)
    assert (place.answers(KIND), place.answers(PARENTS)) == (1, 1)
    assert all(not isinstance(c.parents, Unavailable) for p in read(place) for c in commits_of(p))


def test_parents_are_asked_for_anew_once_the_pull_request_changed(place: Place) -> None:
    place.github.add(moved_on(1))
    collect(place)
    place.github.pulls["PR_1"] |= {"title": "Changed", "updatedAt": z(place.now)}
    collect(place)
    assert place.github.kinds().count("parents") == 2
    (found,) = read(place)
    assert found.title == "Changed"
    assert all(not isinstance(c.parents, Unavailable) for c in commits_of(found))


def test_parents_of_an_earlier_version_are_not_taken_for_those_of_the_present(
    place: Place,
) -> None:
    place.github.add(moved_on(1))
    collect(place)
    place.github.pulls["PR_1"] |= {"title": "Changed", "updatedAt": z(place.now)}
    place.github.fault = dying_at("parents", 1)
    with pytest.raises(Dies):
        collect(place)
    (found,) = read(place)
    assert found.title == "Changed"
    assert all(isinstance(c.parents, Unavailable) for c in commits_of(found))


def test_parents_of_more_commits_than_a_page_holds_come_in_pages(place: Place) -> None:
    place.github.add(moved_on(1, 250), moved_on(2, 2))
    collect(place)
    asked = [
        (v[f"i{n}"], v[f"n{n}"], v[f"a{n}"])
        for name, v in place.github.asked
        if name == "parents"
        for n in range(len(v) // 3)
    ]
    assert asked == [
        ("PR_2", 2, None),
        ("PR_1", 100, None),
        ("PR_1", 100, "100"),
        ("PR_1", 50, "200"),
    ]
    for found in read(place):
        assert all(not isinstance(c.parents, Unavailable) for c in commits_of(found))


def test_a_death_between_two_pages_of_parents_is_made_up_for(place: Place) -> None:
    place.github.add(moved_on(1, 250))
    place.github.fault = dying_at("parents", 2)
    with pytest.raises(Dies):
        collect(place)
    place.github.fault = alive
    collect(place)
    (found,) = read(place)
    assert all(not isinstance(c.parents, Unavailable) for c in commits_of(found))


def test_a_second_look_at_a_window_asks_for_parents_once(place: Place) -> None:
    place.github.add(moved_on(1))
    lies = iter([1])

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name == "pull_requests":
            data["search"]["issueCount"] += next(lies, 0)
        return []

    place.github.spoil = spoil
    collect(place)
    assert place.github.kinds().count("pull_requests") == 2
    assert parents_asked(place) == ["PR_1"]
    assert place.answers(PARENTS) == 1


@pytest.mark.parametrize("shown", [None, {}])
def test_parents_that_are_not_shown_stay_unknown(place: Place, shown: Json | None) -> None:
    place.github.add(moved_on(1), moved_on(2))

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name != "parents":
            return []
        data["p0"] = shown
        return [{"type": "FORBIDDEN", "message": "No", "path": ["p0"]}]

    place.github.spoil = spoil
    collect(place)
    first, second = sorted(read(place), key=lambda p: p.number)
    assert all(isinstance(c.parents, Unavailable) for c in commits_of(first))
    assert all(not isinstance(c.parents, Unavailable) for c in commits_of(second))


# What is read back ------------------------------------------------------------------------------


def test_evidence_names_the_very_answers_and_when_they_came(place: Place) -> None:
    fill(place, 1)
    collect(place)
    (found,) = read(place)
    (page,) = place.store.locate(HOST, REPOSITORY, KIND)
    assert found.evidence == (page.answer.digest,)
    assert found.collected_at == place.now


def test_a_title_that_no_text_can_hold_is_read_and_loses_nothing_in_the_store(
    place: Place,
) -> None:
    """Half a surrogate pair comes back as U+FFFD; the stored bytes still have it."""
    place.github.add(pull(1, title="half \ud83d of it\0\x1b[31m=cmd"))
    collect(place)
    assert read(place)[0].title == "half \ufffd of it\0\x1b[31m=cmd"
    (page,) = place.store.locate(HOST, REPOSITORY, KIND)
    assert b"half \\ud83d of it" in page.answer.answer.body


def test_what_an_earlier_version_of_this_program_cannot_have_stored_is_refused(
    place: Place,
) -> None:
    fill(place, 1)
    del place.github.pulls["PR_1"]["isDraft"]
    collect(place)
    with pytest.raises(StoreError, match=r"Stored answer 1 .* cannot be read: .*isDraft"):
        read(place)


def test_the_instants_of_a_search_are_whole_seconds_in_utc(place: Place) -> None:
    search = PullRequests(place.session, REPOSITORY).search(
        MARCH, datetime(2026, 5, 1, 1, 2, 3, 999, tzinfo=MARCH.since.tzinfo)
    )
    assert search == (
        "repo:acme/payments is:pr is:merged sort:created-asc"
        " merged:2026-03-01T00:00:00Z..2026-03-31T23:59:59Z updated:>=2026-05-01T01:02:03Z"
    )


# Workers and several windows --------------------------------------------------------------------


def spread(place: Place, count: int) -> None:
    place.github.add(
        *(
            pull(n, f"03-{1 + (n - 1) * 31 // count:02} {n % 24:02}:{n % 60:02}")
            for n in range(1, count + 1)
        )
    )


def windows(place: Place) -> list[tuple[datetime, datetime]]:
    return sorted((w.since, w.until) for w in place.store.windows(HOST, REPOSITORY, KIND))


def test_many_are_cut_into_windows_by_one_count(place: Place) -> None:
    """The first page of each tells how many there are: none is counted besides."""
    spread(place, 4 * SEARCH_LIMIT)
    assert collect(place) == 4 * SEARCH_LIMIT
    assert place.github.kinds().count("count") == 1
    assert place.github.kinds().count("pull_requests") <= 4 * SEARCH_LIMIT / PAGE + 5
    assert len(windows(place)) == 5
    assert [end for _, end in windows(place)][:-1] == [start for start, _ in windows(place)][1:]
    assert missing(place) == ()


def test_a_window_that_several_workers_share_is_cut_for_them(place: Place) -> None:
    place.session.workers = Workers(6)
    spread(place, 3 * LEAST)
    assert collect(place) == 3 * LEAST
    assert len(windows(place)) == 3
    assert numbers(place) == list(range(1, 3 * LEAST + 1))
    done = [(done, total) for _, done, total in place.told.done]
    assert max(done) == (3 * LEAST, 3 * LEAST)
    assert sorted(d for d, _ in done) == [d for d, _ in done]


def test_workers_that_learn_it_at_once_all_ask_without_the_field(place: Place) -> None:
    """None of them keeps the page that showed it."""
    place.session.workers = Workers(6)
    spread(place, 3 * LEAST)
    first = threading.Barrier(3, timeout=10)
    waits = iter([True] * 3)

    ask = place.github.ask

    def together(*args: Any, **more: Any) -> Any:
        reply = ask(*args, **more)
        if args[0].name == "pull_requests" and next(waits, False):
            first.wait()
        return reply

    place.github.ask = together  # type: ignore[method-assign]
    place.github.spoil = refuse_write_access
    assert collect(place) == 3 * LEAST
    assert all(not isinstance(each.reviews, Unavailable) for each in read(place))


def test_a_small_window_is_not_worth_sharing(place: Place) -> None:
    place.session.workers = Workers(4)
    spread(place, LEAST - 1)
    collect(place)
    assert len(windows(place)) == 1


def test_what_a_run_left_behind_is_taken_from_the_store(place: Place) -> None:
    """Its windows are those that were begun, and only what is missing is asked for."""
    spread(place, 2 * SEARCH_LIMIT)
    place.github.fault = dying_at("pull_requests", 30)
    with pytest.raises(Dies):
        collect(place)
    first = len(place.github.asked)
    place.github.fault = alive
    collect(place)
    assert len(place.github.asked) <= 2 * SEARCH_LIMIT / PAGE + 3 + 3
    assert place.github.kinds()[first:].count("count") == 1
    assert numbers(place) == list(range(1, 2 * SEARCH_LIMIT + 1))
    assert missing(place) == ()
    assert {w.as_of for w in place.store.windows(HOST, REPOSITORY, KIND)} == {place.now}


def test_it_is_as_of_its_first_page_and_nothing_old_is_taken_for_new(place: Place) -> None:
    spread(place, 3 * PAGE)
    begun = place.now
    place.github.fault = dying_at("pull_requests", 3)
    with pytest.raises(Dies):
        collect(place)
    place.github.fault = alive
    place.now = begun + timedelta(hours=5)
    place.github.asked.clear()
    collect(place)
    assert pages(place) == [PAGE]
    (window,) = place.store.windows(HOST, REPOSITORY, KIND)
    assert window.as_of == begun


def test_what_was_left_behind_long_ago_is_asked_for_anew(place: Place) -> None:
    spread(place, 3 * PAGE)
    place.github.fault = dying_at("pull_requests", 3)
    with pytest.raises(Dies):
        collect(place)
    place.github.fault = alive
    place.now += timedelta(hours=7)
    place.github.asked.clear()
    collect(place)
    assert pages(place) == [PAGE] * 3


def test_one_that_merged_meanwhile_is_not_missed(place: Place) -> None:
    """The pages in the store do not show it: the count does, and they are asked for again."""
    spread(place, 3 * PAGE)
    place.github.fault = dying_at("pull_requests", 3)
    with pytest.raises(Dies):
        collect(place)
    place.github.fault = alive
    late = pull(0, "03-30 23:00")
    place.github.pulls = {late["id"]: late, **place.github.pulls}
    collect(place)
    assert numbers(place) == list(range(3 * PAGE + 1))
    assert missing(place) == ()


def test_one_that_changed_since_it_was_left_behind_is_read_as_it_is(place: Place) -> None:
    place.github.first = {"labels": 3}
    spread(place, 3 * PAGE)
    place.github.pulls["PR_2"]["labels"] = [{"name": f"l{n}"} for n in range(4)]
    place.github.fault = dying_at("pull_requests", 3)
    with pytest.raises(Dies):
        collect(place)
    place.github.fault = alive
    place.github.pulls["PR_2"] |= {"title": "Changed", "updatedAt": z(place.now)}
    place.now += timedelta(minutes=5)
    collect(place)
    collect(place)
    (found,) = [p for p in read(place) if p.number == 2]
    assert (found.title, found.labels) == ("Changed", ("l0", "l1", "l2", "l3"))


# The walk ---------------------------------------------------------------------------------------


def walk(place: Place, period: Span = MARCH) -> int:
    return PullRequests(place.session, REPOSITORY, Enumeration.WALK).collect(period)


def test_the_walk_finds_what_the_search_does(place: Place) -> None:
    place.github.first = {"labels": 3}
    spread(place, 5 * PAGE)
    place.github.add(pull(1000, "02-20"), pull(1001, "04-02"), moved_on(1002))
    place.github.pulls["PR_7"]["labels"] = [{"name": f"l{n}"} for n in range(120)]
    assert walk(place) == 5 * PAGE + 1
    assert "pull_requests" not in place.github.kinds()
    found = {p.number: p for p in read(place)}
    assert sorted(found) == [*range(1, 5 * PAGE + 1), 1002]
    assert len(found[7].labels) == 120  # type: ignore[arg-type]
    assert all(not isinstance(c.parents, Unavailable) for c in commits_of(found[1002]))
    assert missing(place) == ()
    assert reading.walked(place.store, HOST, REPOSITORY, MARCH)
    assert not reading.walked(place.store, HOST, REPOSITORY, Span(at("02-01"), at("04-01")))


def test_the_walk_goes_down_to_what_changed_before_the_period(place: Place) -> None:
    place.github.add(*(pull(n, f"03-{n:02}") for n in range(1, 31)))
    place.github.add(*(pull(100 + n, "02-10") for n in range(5 * PAGE)))
    assert walk(place) == 30
    asked = [v["first"] for n, v in place.github.asked if n == "walk"]
    assert asked == [PAGE, FEW]


def test_one_that_changes_during_the_walk_is_found_at_the_front(place: Place) -> None:
    """It goes from below what was read to above it."""
    spread(place, 3 * PAGE)
    bumped = iter([1, 2])

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if name == "walk" and variables["after"] and (number := next(bumped, 0)):
            place.github.pulls[f"PR_{number}"] |= {"title": "Bumped", "updatedAt": z("05-01")}

    place.github.fault = fault
    walk(place)
    found = {p.number: p.title for p in read(place)}
    assert len(found) == 3 * PAGE
    assert found[1] == found[2] == "Bumped"


def test_a_second_walk_reads_only_what_changed(place: Place) -> None:
    spread(place, 3 * PAGE)
    walk(place)
    place.now += timedelta(days=1)
    place.github.pulls["PR_9"] |= {"title": "Renamed", "updatedAt": z(place.now)}
    place.github.asked.clear()
    assert walk(place) == 1 or len(place.github.asked) == 2
    assert [n for n, _ in place.github.asked] == ["walk", "walk"]
    assert [p.number for p in read(place) if p.title == "Renamed"] == [9]


def test_a_walk_that_died_goes_on_below_what_it_read(place: Place) -> None:
    spread(place, 5 * PAGE)
    place.github.fault = dying_at("walk", 4)
    with pytest.raises(Dies):
        walk(place)
    assert missing(place) == (MARCH,)
    place.github.fault = alive
    place.github.asked.clear()
    walk(place)
    assert len(place.github.asked) <= 4
    assert numbers(place) == list(range(1, 5 * PAGE + 1))


def test_a_search_that_is_refused_is_replaced_by_the_walk(place: Place) -> None:
    """Some servers have no search."""
    spread(place, 3)

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name not in ("count", "pull_requests"):
            return []
        data["search"] = None
        return [{"type": "SERVICE_UNAVAILABLE", "message": "No search", "path": ["search"]}]

    place.github.spoil = spoil
    assert collect(place) == 3
    assert place.github.kinds() == ["count", "walk", "walk"]
    assert collect(place, count=3) == 3
    assert "No search (SERVICE_UNAVAILABLE)" in place.told.notes[0]
    assert missing(place) == ()


def test_a_walk_that_is_refused_is_an_error(place: Place) -> None:
    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        data["repository"] = None
        return [{"type": "FORBIDDEN", "message": "No", "path": ["repository"]}]

    place.github.spoil = spoil
    with pytest.raises(CollectError, match=r"refuses pull requests of acme/payments: No"):
        walk(place)
