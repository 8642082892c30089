"""GitHub issues as tickets: many in one request, and one that cannot be seen spoils no other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from changeaudit.collectors.github import reading
from changeaudit.collectors.github.issues import AT_ONCE, KIND, ask_for, collect_issues
from changeaudit.collectors.github.transport import TooHeavyError
from changeaudit.errors import CollectError, StoreError
from changeaudit.records import Ticket, Unavailable
from collectors.github.fake_github import HOST, Json, Place, at, issue, user, z


def closed(when: str) -> Json:
    return {"__typename": "ClosedEvent", "createdAt": z(when), "actor": user("kim")}


def add(place: Place, *issues: Json) -> None:
    place.github.issues |= {f"{i['repository']['nameWithOwner']}#{i['number']}": i for i in issues}


def test_an_issue_is_asked_for_by_repository_and_number_under_an_alias() -> None:
    query, variables = ask_for(["acme/payments#7", "acme/Web-site#12"])
    assert variables == {
        "o0": "acme",
        "n0": "payments",
        "i0": 7,
        "o1": "acme",
        "n1": "Web-site",
        "i1": 12,
    }
    assert query.name == "issues"
    assert query.text.startswith(
        "query Issues($o0: String!, $n0: String!, $i0: Int!, $o1: String!, $n1: String!, $i1: Int!)"
    )
    assert "t0: repository(owner: $o0, name: $n0)" in query.text
    assert "t1: repository(owner: $o1, name: $n1)" in query.text
    assert query.text.count("{ ...IssueTicket }") == 2
    assert query.text.count("fragment IssueTicket on Issue") == 1
    assert query.text.count("fragment Account on Actor") == 1


def test_the_name_of_a_repository_is_data_and_no_part_of_the_query() -> None:
    query, variables = ask_for(['acme/x") { viewer { login } } #7'])
    assert "viewer" not in query.text
    assert variables["n0"] == 'x") { viewer { login } } '


def test_issues_come_back_as_tickets_by_their_key_in_lower_case(place: Place) -> None:
    add(place, issue("acme/payments#7", "CLOSED", closed("03-01"), stateReason="COMPLETED"))
    assert collect_issues(place.session, ["acme/payments#7"]) == 1
    found = reading.read_tickets(place.store, HOST, ["ACME/payments#7"])["acme/payments#7"]
    assert isinstance(found, Ticket)
    assert (found.asked, found.key) == ("acme/payments#7", "acme/payments#7")
    assert (found.status, found.resolution) == ("closed", "COMPLETED")
    assert not isinstance(found.history, Unavailable)
    assert [c.after for c in found.history] == [("closed",), ("COMPLETED",)]
    assert place.told.done == [("issues that are tickets", 1, 1)]


def test_one_that_cannot_be_seen_says_so_and_the_others_are_read(place: Place) -> None:
    add(place, issue("acme/payments#7"))

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        return [{"type": "NOT_FOUND", "message": "No such", "path": ["t1"]}]

    place.github.spoil = spoil
    collect_issues(place.session, ["acme/payments#7", "acme/secret#1"])
    found = reading.read_tickets(place.store, HOST, ["acme/payments#7", "acme/secret#1", "x/y#3"])
    assert isinstance(found["acme/payments#7"], Ticket)
    assert found["acme/secret#1"] == Unavailable("it is not visible to the audit account")
    assert "x/y#3" not in found  # never asked for


def test_a_number_that_is_a_pull_request_s_is_no_issue(place: Place) -> None:
    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        data["t0"] = {"issue": None}
        return [{"type": "NOT_FOUND", "message": "No issue", "path": ["t0", "issue"]}]

    place.github.spoil = spoil
    collect_issues(place.session, ["acme/payments#8"])
    found = reading.read_tickets(place.store, HOST, ["acme/payments#8"])
    assert isinstance(found["acme/payments#8"], Unavailable)


def test_issues_are_asked_for_a_hundred_at_a_time_and_each_once(place: Place) -> None:
    keys = [f"acme/payments#{n}" for n in range(1, 2 * AT_ONCE + 12)]
    assert collect_issues(place.session, [*keys, *(k.upper() for k in keys)]) == 3
    sizes = [len(v) // 3 for _, v in place.github.asked]
    assert sizes == [100, 100, 11]
    assert place.told.done[-1] == ("issues that are tickets", 211, 211)


def test_a_number_that_no_issue_can_have_does_not_spoil_the_request(place: Place) -> None:
    """GraphQL's Int ends at 2**31 - 1, and GitHub refuses the whole request beyond it."""
    keys = ["acme/payments#7", "acme/payments#2147483648", f"acme/payments#{'9' * 30}"]
    add(place, issue("acme/payments#7"))
    assert collect_issues(place.session, keys) == 1
    assert [v["i0"] for _, v in place.github.asked] == [7]
    assert collect_issues(place.session, keys[1:]) == 0


def test_issues_that_are_too_heavy_together_are_asked_for_in_smaller_groups(
    place: Place,
) -> None:
    def fault(name: str, variables: Json, divisible: bool) -> None:
        if len(variables) > 3 * 3:
            assert divisible
            raise TooHeavyError("HTTP 502")

    place.github.fault = fault
    collect_issues(place.session, [f"acme/payments#{n}" for n in range(1, 9)])
    assert [len(v) // 3 for _, v in place.github.asked] == [8, 4, 2, 2, 2, 2]


def test_an_issue_in_another_form_is_refused_when_it_is_read(place: Place) -> None:
    """What came is stored as it came; reading it says which answer it is."""
    add(place, issue("acme/payments#7", createdAt="soon"))
    collect_issues(place.session, ["acme/payments#7"])
    with pytest.raises(StoreError, match=r"Stored answer 1 \(ticket of issues\) cannot be read"):
        reading.read_tickets(place.store, HOST, ["acme/payments#7"])


def test_an_answer_without_any_data_is_refused_with_its_reason(place: Place) -> None:
    def nothing(variables: Json) -> None:
        return None

    place.github.answer_issues = nothing  # type: ignore[method-assign, assignment]
    error = {"type": "INSUFFICIENT_SCOPES", "message": "repo is required"}
    place.github.spoil = lambda name, variables, data: [error]
    with pytest.raises(CollectError, match="refuses 1 issues: repo is required"):
        collect_issues(place.session, ["acme/payments#7"])


def test_nothing_is_stored_twice_unless_it_changed(place: Place) -> None:
    add(place, issue("acme/payments#7"))
    collect_issues(place.session, ["acme/payments#7"])
    place.now += timedelta(days=1)
    collect_issues(place.session, ["acme/payments#7"])
    assert place.answers(KIND) == 1
    add(place, issue("acme/payments#7", title="Renamed"))
    collect_issues(place.session, ["acme/payments#7"])
    assert place.answers(KIND) == 2
    found = reading.read_tickets(place.store, HOST, ["acme/payments#7"])["acme/payments#7"]
    assert isinstance(found, Ticket)
    assert found.title == "Renamed"


def test_when_an_issue_was_read_is_known_for_those_that_could_be_seen(place: Place) -> None:
    add(place, issue("acme/payments#7"))
    collect_issues(place.session, ["acme/payments#7", "acme/secret#1"])
    seen = reading.read_tickets_as_of(place.store, HOST, ["acme/payments#7", "acme/secret#1"])
    assert seen == {"acme/payments#7": at("06-01 12:00")}


def test_a_refusal_of_the_whole_request_names_what_was_asked(place: Place) -> None:
    def fault(name: str, variables: Json, divisible: bool) -> None:
        raise CollectError("refuses 1 issues")

    place.github.fault = fault
    with pytest.raises(CollectError, match="1 issues"):
        collect_issues(place.session, ["acme/payments#7"])
