"""Collecting the checks of merge commits: where a merge queue may have tested them, and whole."""

from __future__ import annotations

from typing import Any

import pytest

from changeaudit.collectors.github import reading
from changeaudit.collectors.github.merge_groups import AT_ONCE, KIND
from changeaudit.collectors.github.pull_requests import PAGE, PullRequests
from changeaudit.collectors.github.transport import TooHeavyError
from changeaudit.collectors.spans import Span
from changeaudit.errors import CollectError
from changeaudit.records import Check, PullRequest, Unavailable
from collectors.github.fake_github import (
    HOST,
    REPOSITORY,
    Json,
    Place,
    at,
    merged_event,
    pull,
    queue_event,
    status,
    z,
)

MARCH = Span(at("03-01"), at("04-01"))
DAY = "03-02"
ADDED = queue_event("03-01 12:00")
LEFT_BY_MERGING = queue_event(DAY, added=False, reason="merged")


def queued(number: int, *events: Json, **changes: Any) -> Json:
    """A pull request that merged through the queue, unless other events are given."""
    happened = [*(events or (ADDED, LEFT_BY_MERGING)), merged_event(DAY, f"m{number}")]
    return pull(number, DAY, timelineItems=happened, **changes)


def collect(place: Place) -> None:
    PullRequests(place.session, REPOSITORY).collect(MARCH)


def read(place: Place) -> dict[int, PullRequest]:
    found = reading.read_pull_requests(place.store, HOST, REPOSITORY, MARCH)
    return {each.number: each for each in found}


def names(checks: tuple[Check, ...] | Unavailable) -> list[str]:
    assert not isinstance(checks, Unavailable)
    return [check.name for check in checks]


def asked(place: Place) -> list[list[str]]:
    """The commits of each request for checks of merge commits."""
    return [v["ids"] for name, v in place.github.asked if name == "merge_groups"]


def test_the_checks_of_a_merge_commit_are_apart_from_those_of_the_head(place: Place) -> None:
    place.github.add(queued(1, checks=[status("of the head")]))
    place.github.merge_checks = {"m1": [status("e2e", "03-01 23:00")]}
    collect(place)
    found = read(place)[1]
    assert names(found.checks) == ["of the head"]
    assert names(found.merge_commit_checks) == ["e2e"]
    assert not isinstance(found.merge_commit_checks, Unavailable)
    (check,) = found.merge_commit_checks
    assert (check.commit, check.created_at) == ("m1", at("03-01 23:00"))
    assert len(found.evidence) == len(set(found.evidence)) == 2


def test_a_merge_commit_without_checks_has_none(place: Place) -> None:
    """Which is not the same as checks that were not asked for."""
    place.github.add(queued(1), pull(2))
    collect(place)
    found = read(place)
    assert found[1].merge_commit_checks == ()
    assert found[2].merge_commit_checks == Unavailable("they were not collected")


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        pytest.param([], False, id="never queued"),
        pytest.param([ADDED], True, id="queued"),
        pytest.param([queue_event(DAY)], True, id="queued in the second of the merge"),
        pytest.param([queue_event("03-02 00:00:01")], False, id="queued after the merge"),
        pytest.param([ADDED, LEFT_BY_MERGING], True, id="left by merging"),
        pytest.param(
            [ADDED, queue_event("03-01 23:59:59", added=False, reason="MERGE")],
            True,
            id="left by merging, as the webhook says it",
        ),
        pytest.param(
            [ADDED, queue_event("03-01 13:00", added=False, reason="manual")], False, id="left"
        ),
        pytest.param(
            [ADDED, queue_event("03-02 00:00:01", added=False, reason="manual")],
            True,
            id="left after the merge",
        ),
        pytest.param(
            [
                ADDED,
                queue_event("03-01 13:00", added=False, reason="failed_checks"),
                queue_event("03-01 14:00"),
            ],
            True,
            id="put there again",
        ),
        pytest.param(
            [ADDED, queue_event("03-01 12:00", added=False, reason="manual")],
            True,
            id="in and out within one second",
        ),
        pytest.param(
            [ADDED, queue_event("03-01 13:00", added=False)], True, id="left for a reason untold"
        ),
    ],
)
def test_only_where_a_queue_may_have_tested_it_is_it_asked_for(
    place: Place, events: list[Json], wanted: bool
) -> None:
    happened = [*events, merged_event(DAY, "m1")]
    place.github.add(pull(1, DAY, timelineItems=happened), pull(2))
    collect(place)
    assert asked(place) == ([["C_m1"]] if wanted else [])


def test_a_merge_that_left_no_commit_is_not_asked_for(place: Place) -> None:
    place.github.add(queued(1, mergeCommit=None))
    collect(place)
    assert asked(place) == []


@pytest.mark.parametrize(
    ("first", "wanted"),
    [([ADDED, LEFT_BY_MERGING, merged_event(DAY)], True), ([merged_event(DAY)], False)],
    ids=["queued", "not"],
)
def test_a_timeline_that_goes_on_after_the_merge_is_judged_by_its_first_page(
    place: Place, first: list[Json], wanted: bool
) -> None:
    place.github.first = {"timelineItems": len(first)}
    place.github.add(pull(1, DAY, timelineItems=[*first, merged_event("03-03")]))
    collect(place)
    assert bool(asked(place)) is wanted


def test_a_timeline_whose_first_page_ends_before_the_merge_may_hold_a_queue(place: Place) -> None:
    place.github.first = {"timelineItems": 1}
    """All of it is read before that is asked."""
    left = queue_event("03-01 01:00", added=False, reason="manual")
    place.github.add(
        pull(1, DAY, timelineItems=[left, queue_event("03-01 02:00"), merged_event(DAY, "m1")]),
        pull(2, DAY, timelineItems=[left, merged_event(DAY, "m2")]),
    )
    collect(place)
    assert asked(place) == [["C_m1"]]


def test_a_timeline_that_was_refused_asks_for_nothing(place: Place) -> None:
    place.github.add(queued(1))

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name != "pull_requests":
            return []
        data["search"]["nodes"][0]["timelineItems"] = None
        path = ["search", "nodes", 0, "timelineItems"]
        return [{"type": "FORBIDDEN", "message": "no", "path": path}]

    place.github.spoil = spoil
    collect(place)
    assert asked(place) == []


def test_many_are_asked_for_at_once(place: Place) -> None:
    """One request and one point for a hundred, whatever the pages they came in."""
    place.github.add(*(queued(n) for n in range(1, 2 * AT_ONCE + 2)))
    collect(place)
    assert [len(ids) for ids in asked(place)] == [AT_ONCE, AT_ONCE, 1]
    assert len({id_ for ids in asked(place) for id_ in ids}) == 2 * AT_ONCE + 1
    assert all(found.merge_commit_checks == () for found in read(place).values())
    assert place.github.requests / (2 * AT_ONCE + 1) <= 0.06


def test_a_request_that_is_too_heavy_is_halved(place: Place) -> None:
    place.github.add(*(queued(n) for n in range(1, PAGE + 1)))

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if name == "merge_groups":
            assert divisible is (len(variables["ids"]) > 1)
            if len(variables["ids"]) > 10:
                raise TooHeavyError("HTTP 502")

    place.github.fault = fault
    collect(place)
    assert [len(ids) for ids in asked(place)][:3] == [PAGE, 21, 10]
    assert len([c for c in read(place).values() if c.merge_commit_checks == ()]) == PAGE


def test_a_list_that_does_not_fit_is_read_to_its_end(place: Place) -> None:
    place.github.first = {"mergeChecks": 2}
    place.github.add(queued(1), queued(2))
    place.github.merge_checks = {"m1": [status(f"c{n}") for n in range(5)], "m2": [status("d")]}
    collect(place)
    assert asked(place) == [["C_m1", "C_m2"], ["C_m1"], ["C_m1"]]
    found = read(place)
    assert names(found[1].merge_commit_checks) == ["c0", "c1", "c2", "c3", "c4"]
    assert names(found[2].merge_commit_checks) == ["d"]
    assert len(set(found[1].evidence)) == 4


def test_a_death_between_a_page_and_the_rest_of_it_stores_neither(place: Place) -> None:
    """Otherwise the rest would never be asked for."""
    place.github.first = {"mergeChecks": 2}
    place.github.add(queued(1))
    place.github.merge_checks = {"m1": [status(f"c{n}") for n in range(3)]}

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if name == "merge_groups" and variables["after"]:
            raise KeyboardInterrupt

    place.github.fault = fault
    with pytest.raises(KeyboardInterrupt):
        collect(place)
    assert place.answers(KIND) == 0
    place.github.fault = lambda name, variables, divisible: None
    collect(place)
    assert names(read(place)[1].merge_commit_checks) == ["c0", "c1", "c2"]


def test_a_list_whose_rest_is_not_shown_is_not_taken_for_whole(place: Place) -> None:
    place.github.first = {"mergeChecks": 1}
    place.github.add(queued(1))
    place.github.merge_checks = {"m1": [status("c0"), status("c1")]}

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name == "merge_groups" and variables["after"]:
            data["nodes"][0] = None
        return []

    place.github.spoil = spoil
    collect(place)
    assert isinstance(read(place)[1].merge_commit_checks, Unavailable)


def test_what_is_stored_is_not_asked_for_again(place: Place) -> None:
    place.github.add(queued(1))
    collect(place)
    place.github.pulls["PR_1"]["updatedAt"] = z(place.now)
    collect(place)
    assert len(asked(place)) == 2  # of the version that is new
    collect(place)
    assert len(asked(place)) == 2
    place.github.merge_checks = {"m1": [status("later")]}
    assert read(place)[1].merge_commit_checks == ()


def test_checks_of_another_version_of_it_are_not_taken(place: Place) -> None:
    """A pull request that changed since is read with what was collected with it, or with none."""
    place.github.add(queued(1))
    place.github.merge_checks = {"m1": [status("e2e")]}
    collect(place)
    place.github.add(pull(1, DAY, updatedAt=z(place.now)))
    collect(place)
    assert read(place)[1].merge_commit_checks == Unavailable("they were not collected")


# What cannot be read ----------------------------------------------------------------------------


def test_checks_that_may_not_be_read_cost_nothing_else(place: Place) -> None:
    place.github.add(queued(1), queued(2))

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name != "merge_groups":
            return []
        data["nodes"][0]["statusCheckRollup"] = None
        path = ["nodes", 0, "statusCheckRollup", "contexts"]
        return [{"type": "FORBIDDEN", "message": "Not accessible", "path": path}]

    place.github.spoil = spoil
    collect(place)
    found = read(place)
    assert found[1].merge_commit_checks == Unavailable(
        "GitHub answered: Not accessible", "Checks: read and Commit statuses: read"
    )
    assert found[1].checks == ()
    assert found[2].merge_commit_checks == ()


@pytest.mark.parametrize("nothing", [None, {}], ids=["null", "of another kind"])
@pytest.mark.parametrize(
    ("errors", "why"),
    [
        ([], "it gave no reason"),
        ([{"type": "NOT_FOUND", "message": "Gone", "path": ["nodes", 0]}], "Gone"),
        ([{"type": "NOT_FOUND", "message": "Other", "path": ["nodes", 1]}], "it gave no reason"),
    ],
)
def test_a_commit_that_is_not_shown_is_said_to_be(
    place: Place, nothing: Json | None, errors: list[Json], why: str
) -> None:
    place.github.add(queued(1), queued(2))

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name == "merge_groups":
            data["nodes"][0] = nothing
            return errors
        return []

    place.github.spoil = spoil
    collect(place)
    found = read(place)
    assert found[1].merge_commit_checks == Unavailable(
        f"GitHub did not show the merge commit: {why}"
    )
    assert found[2].merge_commit_checks == ()


def test_an_answer_for_other_commits_than_were_asked_for_is_refused(place: Place) -> None:
    place.github.add(queued(1), queued(2))

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name == "merge_groups":
            data["nodes"].pop()
        return []

    place.github.spoil = spoil
    with pytest.raises(CollectError, match="answered for 1 of 2 commits"):
        collect(place)


def test_a_list_that_leads_nowhere_is_an_error_and_not_a_circle(place: Place) -> None:
    place.github.first = {"mergeChecks": 1}
    place.github.add(queued(1))
    place.github.merge_checks = {"m1": [status(f"c{n}") for n in range(3)]}

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name == "merge_groups" and variables["after"]:
            page = data["nodes"][0]["statusCheckRollup"]["contexts"]["pageInfo"]
            page["endCursor"] = variables["after"]
        return []

    place.github.spoil = spoil
    with pytest.raises(CollectError, match="not where it goes on"):
        collect(place)
