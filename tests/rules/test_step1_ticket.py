"""Step 1: a ticket for the planned change, and a feature branch."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest

from builders import (
    DAY,
    GONE,
    HOUR,
    altered,
    clock,
    commit,
    edit,
    make_change,
    make_policy,
    moved,
    named,
    person,
    renamed,
    ticket,
)
from changeaudit.change import NamedTicket
from changeaudit.markdown import LIMIT
from changeaudit.records import Unavailable
from changeaudit.rules import step1_ticket
from changeaudit.rules.step1_ticket import (
    exists,
    fits,
    linked,
    on_feature_branch,
    planned_before_built,
)
from changeaudit.verdicts import Finding, Outcome

PASS, EXCEPTION = Outcome.PASS, Outcome.EXCEPTION
UNDETERMINED, NOT_APPLICABLE = Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE

OPENED = -4 * HOUR
OF_TICKETS = (exists, planned_before_built, fits)


def judge(rule: Any, *found: Any, policy: Any = None, **facts: Any) -> Finding:
    """The rule's finding on a change that names `found`."""
    tickets = [each if isinstance(each, type(named())) else named(each) for each in found]
    change = make_change(**{**({"tickets": tickets} if found else {}), **facts})
    finding: Finding = rule(change, policy or make_policy())
    return finding


# 1.1


def test_a_compliant_change_passes_every_attribute() -> None:
    """The builder's change follows step 1, with evidence for each attribute."""
    for attribute in step1_ticket.ATTRIBUTES:
        finding = judge(attribute.rule)
        assert finding.outcome is PASS, attribute.id
        assert all(citation.url for citation in finding.evidence)


def test_linked_cites_every_place() -> None:
    """Each place that names the ticket is cited with who wrote it and when."""
    finding = judge(
        linked,
        named(ticket(), "title", "branch", "body", "commits@second", "closing_reference"),
        head_ref="feature/pay-7",
        commits=[commit("first", "paul"), commit("second", "quinn", message="PAY-7 round")],
        events=[renamed("Round", "PAY-7 Round", by="paul", at=-50)],
        edits=[edit("Fixes PAY-7", at=-40, by="pat"), edit("Hm", at=-45, by="dana")],
    )
    assert finding.outcome is PASS
    cited = [(c.what.partition("PAY-7 in ")[2][:12], c.who, c.at) for c in finding.evidence]
    assert cited == [
        ('the title "P', "paul", clock(-50)),
        ("the head bra", "dana", clock(OPENED)),
        ("the descript", "pat", clock(-40)),
        ("the message ", "quinn", None),
        ("a closing re", "", None),
    ]
    pull = "https://github.com/acme/payments/pull/12"
    commit_page = "https://github.com/acme/payments/commit/second"
    assert [c.url for c in finding.evidence] == [pull, pull, pull, commit_page, pull]


def test_a_commit_without_an_author_is_cited_without_a_name() -> None:
    """Whatever else the source told of it."""
    authorless = commit("first", message="PAY-7 round", authors=())
    finding = judge(linked, named(ticket(), "commits@first"), commits=[authorless])
    assert "commit first" in finding.evidence[0].what
    assert finding.evidence[0].who == ""


def test_an_issue_written_short_is_cited_from_its_commit() -> None:
    """`fixes #7` in a message is the repository's own issue."""
    finding = judge(
        linked,
        named(ticket("acme/payments#7"), "commits@second"),
        commits=[commit("first", message="7 things"), commit("second", message="fixes #7")],
    )
    assert "commit second" in finding.evidence[0].what


@pytest.mark.parametrize("commits", [GONE, [commit(message="nothing")]])
def test_a_commit_that_is_not_found_is_still_a_place(commits: Any) -> None:
    """The citation names the place even if the commit cannot be shown."""
    finding = judge(linked, named(ticket(), "commits"), commits=commits)
    assert finding.evidence[0].what == "PAY-7 in the commit messages"


def test_nothing_linked_is_an_exception_that_says_where_was_looked() -> None:
    """No ticket anywhere, everything read."""
    finding = judge(linked, tickets=[], title="Round half a cent")
    assert finding.outcome is EXCEPTION
    for words in ("the title", "commit messages", "a closing reference", "PAY-…", "GitHub issue"):
        assert words in finding.reason
    assert '"Round half a cent"' in finding.evidence[0].what


def test_no_tracker_in_the_policy_is_said() -> None:
    """Without Jira projects and GitHub issues nothing could be named."""
    policy = make_policy(tickets={"jira_projects": [], "github_issues": False})
    finding = judge(linked, tickets=[], policy=policy, at_merge={"title": GONE})
    assert finding.outcome is EXCEPTION
    assert "the policy names no tracker" in finding.reason
    assert finding.evidence[0].what == "title unread"


def test_an_unread_place_may_hold_the_ticket() -> None:
    """Nothing named, one place unread: undetermined, with the place and the cause."""
    finding = judge(linked, tickets=[], unread_places=["body: its revision was deleted"])
    assert finding.outcome is UNDETERMINED
    assert "body: its revision was deleted" in finding.reason


@pytest.mark.parametrize("rule", [linked, *OF_TICKETS])
def test_a_description_that_is_lost_is_an_unread_place(rule: Any) -> None:
    """It is the cause, and no longer than what could be read."""
    lost = {"edits": [edit("today", at=5)], "unread_places": ["body: not recoverable"]}
    assert judge(rule, tickets=[], **lost).outcome is UNDETERMINED


def test_an_unread_place_does_not_undo_a_named_ticket() -> None:
    """One ticket named is enough."""
    assert judge(linked, unread_places=["body: deleted"]).outcome is PASS


def test_a_description_that_was_cut_may_hold_the_ticket() -> None:
    """What stands after the part that is read may name a ticket, where the body counts."""
    body = "a " * LIMIT
    assert judge(linked, tickets=[], body=body).outcome is UNDETERMINED
    assert judge(linked, tickets=[], body=body[:LIMIT]).outcome is EXCEPTION
    only_title = make_policy(tickets={"places": ["title"]})
    assert judge(linked, tickets=[], body=body, policy=only_title).outcome is EXCEPTION


@pytest.mark.parametrize("rule", OF_TICKETS)
@pytest.mark.parametrize("others", [[], [ticket("OPS-2")]], ids=["one", "two"])
def test_a_better_ticket_may_be_named_where_nothing_could_be_read(
    rule: Any, others: list[Any]
) -> None:
    """What is named falls short: with a place unread, that is no exception yet; a pass is one."""
    bad = ticket("OPS-1", created=-1, history=[moved("To Do", "Rejected", -0.5)])
    finding = judge(rule, bad, *others, unread_places=["body: deleted"])
    assert finding.outcome in (UNDETERMINED, PASS)
    assert judge(rule, bad, unread_places=["body: deleted"]).reason.endswith(
        " Another one may be named where it could not be read: body: deleted."
    )
    assert judge(rule, bad).outcome is EXCEPTION
    assert judge(rule, unread_places=["body: deleted"]).outcome is PASS


# 1.2 to 1.4 without a ticket


@pytest.mark.parametrize("rule", OF_TICKETS)
def test_without_a_ticket_the_cause_is_said_once(rule: Any) -> None:
    """The exception is 1.1's; the others have nothing to test."""
    finding = judge(rule, tickets=[])
    assert finding.outcome is NOT_APPLICABLE
    assert "see 1.1" in finding.reason


@pytest.mark.parametrize("rule", OF_TICKETS)
def test_where_a_ticket_may_be_named_the_others_are_undetermined(rule: Any) -> None:
    """If 1.1 cannot be told, neither can what the ticket was."""
    assert judge(rule, tickets=[], unread_places=["title: no"]).outcome is UNDETERMINED


@pytest.mark.parametrize("rule", OF_TICKETS)
def test_a_ticket_that_is_not_visible_is_undetermined(rule: Any) -> None:
    """Hidden and missing look the same: never an exception."""
    finding = judge(rule, named("PAY-404"))
    assert finding.outcome is UNDETERMINED
    assert "PAY-404" in finding.reason
    assert "not visible to the audit account" in finding.reason


@pytest.mark.parametrize("rule", OF_TICKETS)
def test_what_the_account_lacks_to_see_a_ticket_is_said(rule: Any) -> None:
    """So that somebody may give it: a ticket that is hidden may well be there."""
    hidden = msgspec.structs.replace(
        named("PAY-404"), found=Unavailable("it is not visible", "Browse projects")
    )
    assert judge(rule, hidden).reason == (
        "The ticket PAY-404 could not be read: it is not visible. For one that is there it needs"
        ' "Browse projects".'
    )


@pytest.mark.parametrize(("rule", "field"), [(exists, "type"), (fits, "status")])
def test_a_ticket_of_which_its_tracker_shows_no_type_or_status_is_undetermined(
    rule: Any, field: str
) -> None:
    """It has one: a Jira may keep the field from the audit account."""
    policy = make_policy(tickets={"types": ["Story"]})
    found = msgspec.structs.replace(ticket(), **{field: ""})
    cleared = msgspec.structs.replace(found, history=(altered(field, "Story", "", -9),))
    for each in (found, cleared):
        finding = judge(rule, each, policy=policy)
        assert finding.outcome is UNDETERMINED, finding.reason
        assert f"its tracker shows no {field} of then" in finding.reason


# 1.2


@pytest.mark.parametrize(
    ("found", "tickets", "outcome"),
    [
        (ticket("PAY-7"), {}, PASS),
        (ticket("PAY-7", type="Story"), {"types": ["story", "Bug"]}, PASS),
        (ticket("PAY-7", type="Story"), {"types": ["Bug", "STORY"]}, PASS),
        (ticket("pay-7"), {}, PASS),
        (ticket("PAY-7", type="Epic"), {"types": ["Story"]}, EXCEPTION),
        (ticket("OPS-7"), {}, EXCEPTION),
        (ticket("OPS-7", asked="PAY-9"), {}, UNDETERMINED),
        (ticket("PAY-7", asked="PAY-9"), {}, PASS),
        (ticket("acme/payments#7"), {}, PASS),
        (ticket("acme/payments#7"), {"types": ["Story"]}, PASS),
        (ticket("acme/payments#7"), {"github_issues": False}, EXCEPTION),
        (ticket("Acme/web#7"), {}, PASS),
        (ticket("elsewhere/web#7"), {}, EXCEPTION),
        (ticket("acme-evil/web#7"), {}, EXCEPTION),
        (ticket("elsewhere/web#7"), {"issue_repositories": ["Elsewhere/*"]}, PASS),
        (ticket("acme/payments#7"), {"issue_repositories": ["acme/tickets"]}, EXCEPTION),
    ],
)
def test_exists(found: Any, tickets: dict[str, Any], outcome: Outcome) -> None:
    """Visible, in an allowed project, of an allowed type; a move is told from a wrong project."""
    finding = judge(exists, found, policy=make_policy(tickets=tickets))
    assert finding.outcome is outcome
    assert found.key in finding.reason
    (cited,) = finding.evidence
    assert (cited.who, cited.at, cited.url) == ("dana", found.created_at, found.url)


def moved_key(at: float, before: str = "PAY-9", after: str = "OPS-7") -> Any:
    """A ticket that was moved to another project."""
    return ticket(after, asked=before, history=[altered("key", before, after, at)])


LATER = "Changed after the merge: "


@pytest.mark.parametrize(
    ("found", "tickets", "outcome", "why"),
    [
        pytest.param(
            moved_key(5),
            {},
            PASS,
            f'exists, in the project PAY. {LATER}key changed from "PAY-9" to "OPS-7"',
            id="moved away after the merge",
        ),
        pytest.param(
            moved_key(-5), {}, EXCEPTION, "is in the project OPS, which", id="moved away before it"
        ),
        pytest.param(
            moved_key(0), {}, UNDETERMINED, "was in OPS or PAY at the merge", id="moved with it"
        ),
        pytest.param(moved_key(-5, "OPS-7", "PAY-9"), {}, PASS, "project PAY", id="moved in"),
        pytest.param(
            moved_key(5, "OPS-7", "PAY-9"), {}, EXCEPTION, "project OPS", id="moved in too late"
        ),
        pytest.param(
            ticket(history=[altered("type", "Story", "Epic", 5)], type="Epic"),
            {"types": ["Story"]},
            PASS,
            f'of the type "Story". {LATER}type changed from "Story" to "Epic" at 2026-03-10',
            id="its type was changed after the merge",
        ),
        pytest.param(
            ticket(history=[altered("type", "Epic", "Story", 5)]),
            {"types": ["Story"]},
            EXCEPTION,
            f'was of the type "Epic" at the merge; the policy counts Story. {LATER}',
            id="its type was set right after the merge",
        ),
        pytest.param(
            ticket(history=[altered("type", "Epic", "Story", 0)]),
            {"types": ["Story"]},
            UNDETERMINED,
            'of the type "Epic" or "Story" at the merge, which cannot be told',
            id="its type was changed in the second of the merge",
        ),
        pytest.param(
            ticket(history=[altered("type", "Bug", "Story", 0)]),
            {"types": ["Story", "Bug"]},
            PASS,
            'of the type "Bug" or "Story"',
            id="both of which count",
        ),
        pytest.param(
            ticket(gaps={"type": Unavailable("it was cut")}),
            {"types": ["Story"]},
            UNDETERMINED,
            'The type of PAY-7 at the merge could not be read: it was cut; today it is "Story".',
            id="the history of its type is not known",
        ),
        pytest.param(ticket(history=GONE), {}, PASS, "exists", id="nor is it asked for"),
        pytest.param(
            ticket("elsewhere/web#7", asked="acme/web#9"),
            {},
            UNDETERMINED,
            "is in elsewhere/web today; whether it was in acme/web or elsewhere/web",
            id="an issue that was transferred",
        ),
    ],
)
def test_a_ticket_exists_as_it_stood_at_the_merge(
    found: Any, tickets: dict[str, Any], outcome: Outcome, why: str
) -> None:
    finding = judge(exists, found, policy=make_policy(tickets={"jira_projects": ["PAY"]} | tickets))
    assert finding.outcome is outcome, finding.reason
    assert why in finding.reason


# The parent in its place


def under(*parents: Any, own: Any = None, history: Any = (), parent: str = "PAY-1") -> NamedTicket:
    """A sub-task, with the tickets that may have stood above it."""
    found = own or ticket("PAY-7", type="Sub-task", parent=parent, history=history)
    return msgspec.structs.replace(named(found), parents=tuple(named(each) for each in parents))


EPIC = ticket("PAY-1", type="Epic", created=-9 * DAY)
ACCEPTING = {"jira_projects": ["PAY"], "types": ["Epic"], "accept_parent": True}


@pytest.mark.parametrize(
    ("found", "tickets", "outcome", "why"),
    [
        pytest.param(
            under(EPIC), {}, PASS, "The policy accepts the parent in its place.", id="accepted"
        ),
        pytest.param(
            under(EPIC), {"accept_parent": False}, EXCEPTION, '"Sub-task"', id="not accepted"
        ),
        pytest.param(
            under(ticket("PAY-1")),
            {},
            EXCEPTION,
            "Its parent: The ticket PAY-1 was of the type",
            id="a parent of another type",
        ),
        pytest.param(
            under(ticket("OPS-1", type="Epic"), parent="OPS-1"),
            {},
            EXCEPTION,
            "Its parent: The ticket OPS-1 is in the project OPS",
            id="a parent of another project",
        ),
        pytest.param(under("PAY-1"), {}, UNDETERMINED, "Whether its parent counts", id="hidden"),
        pytest.param(under(parent=""), {}, EXCEPTION, "It had no parent.", id="none"),
        pytest.param(
            under(EPIC, history=[altered("parent", "", "PAY-1", 0)]),
            {},
            UNDETERMINED,
            "It had no parent, or that one.",
            id="put beneath it in the second of the merge",
        ),
        pytest.param(
            under(own=ticket("PAY-7", type="Sub-task", gaps={"parent": Unavailable("cut")})),
            {},
            UNDETERMINED,
            "What its parent was then could not be read: cut.",
            id="its history is not known",
        ),
        pytest.param(
            under(own=ticket("OPS-7", type="Sub-task", parent="PAY-1")),
            {},
            EXCEPTION,
            "OPS",
            id="of a project that does not count",
        ),
        pytest.param(
            under(own=ticket("PAY-7", type="Epic", parent="PAY-1")),
            {},
            PASS,
            'type "Epic"',
            id="it needs none",
        ),
        pytest.param(
            under(EPIC, own=ticket("PAY-7", parent="PAY-1", gaps={"type": GONE})),
            {},
            PASS,
            "could not be read: the source did not answer",
            id="whatever its own type was",
        ),
    ],
)
def test_a_parent_may_count_in_its_place(
    found: NamedTicket, tickets: dict[str, Any], outcome: Outcome, why: str
) -> None:
    """Only where the policy says so, and the ticket would count were it not for its type."""
    finding = judge(exists, found, policy=make_policy(tickets=ACCEPTING | tickets))
    assert finding.outcome is outcome, finding.reason
    assert why in finding.reason


def test_both_are_cited_and_both_are_held_to_the_rest() -> None:
    """The parent counts, so that one that was cancelled, or that came too late, does not do."""
    policy = make_policy(tickets=ACCEPTING)
    finding = judge(exists, under(EPIC), policy=policy)
    assert [citation.url[-5:] for citation in finding.evidence] == ["PAY-7", "PAY-1"]
    late = ticket("PAY-1", type="Epic", created=-1)
    dead = ticket("PAY-1", type="Epic", status="Cancelled", created=-9 * DAY)
    for rule, parent, outcome in (
        (planned_before_built, EPIC, PASS),
        (planned_before_built, late, EXCEPTION),
        (fits, EPIC, PASS),
        (fits, dead, EXCEPTION),
    ):
        found = judge(rule, under(parent), policy=policy)
        assert found.outcome is outcome, found.reason
        assert "PAY-7" in found.reason
        assert "PAY-1" in found.reason
    alone = judge(fits, under(dead, own=ticket("PAY-7", type="Epic")), policy=policy)
    assert alone.outcome is PASS


def test_where_a_ticket_may_count_by_itself_its_parent_is_no_exception() -> None:
    """Of what type it was is not known: it may need no parent. What it is itself stays."""
    policy = make_policy(tickets=ACCEPTING)
    dead = ticket("PAY-1", type="Epic", status="Cancelled", created=-9 * DAY)
    unknown = ticket("PAY-7", parent="PAY-1", gaps={"type": GONE})
    assert judge(fits, under(dead, own=unknown), policy=policy).outcome is UNDETERMINED
    assert judge(fits, under(EPIC, own=unknown), policy=policy).outcome is PASS
    cancelled = msgspec.structs.replace(unknown, status="Cancelled")
    assert judge(fits, under(EPIC, own=cancelled), policy=policy).outcome is EXCEPTION


# 1.3


@pytest.mark.parametrize(
    ("created", "planned_before", "outcome"),
    [
        (OPENED - 1, "pull_request", PASS),
        (OPENED, "pull_request", UNDETERMINED),
        (OPENED + 1, "pull_request", EXCEPTION),
        (OPENED + 1, "merge", PASS),
        (0, "merge", UNDETERMINED),
        (1, "merge", EXCEPTION),
        (-5 * HOUR - 1, "first_commit", PASS),
        (-5 * HOUR, "first_commit", UNDETERMINED),
        (-5 * HOUR + 1, "first_commit", UNDETERMINED),
        (OPENED, "first_commit", UNDETERMINED),
        (OPENED + 1, "first_commit", EXCEPTION),
    ],
)
def test_planned_before_built(created: float, planned_before: str, outcome: Outcome) -> None:
    """The trackers' clocks decide, one second is no order, and a commit's dates prove little."""
    policy = make_policy(tickets={"planned_before": planned_before})
    finding = judge(planned_before_built, ticket(created=created), policy=policy)
    assert finding.outcome is outcome
    assert f"{clock(created):%H:%M:%S}" in finding.reason
    assert ("the merge" in finding.reason) is (planned_before == "merge")
    assert "tickets named" not in finding.reason
    of_ticket, bound, *dates = finding.evidence
    assert (of_ticket.what, of_ticket.who) == ("ticket PAY-7 created", "dana")
    assert of_ticket.at == clock(created)
    merge, opening = ("merge", "lee", clock(0)), ("pull request opened", "dana", clock(OPENED))
    assert (bound.what, bound.who, bound.at) == (merge if planned_before == "merge" else opening)
    compared = planned_before == "first_commit" and created < OPENED
    assert [date.at for date in dates] == ([clock(-5 * HOUR)] if compared else [])


@pytest.mark.parametrize(
    "commits",
    [
        GONE,
        [],
        [commit("a", at=-6 * DAY)],
        [commit("a", committer=person("dana", at=-8 * DAY))],
        [commit("a", authors=(person("dana", at=-8 * DAY),))],
        [commit("a", committer=type(person())("x", "y", None, None))],
    ],
)
def test_before_the_first_commit_asks_for_every_date(commits: Any) -> None:
    """Each commit's author and committer date must be known and later than the ticket."""
    policy = make_policy(tickets={"planned_before": "first_commit"})
    finding = judge(planned_before_built, ticket(created=-7 * DAY), policy=policy, commits=commits)
    late = commits != GONE and bool(commits) and commits[0].authors[0].at == clock(-6 * DAY)
    assert finding.outcome is (PASS if late else UNDETERMINED)
    assert finding.evidence[0].at == clock(-7 * DAY)


def test_a_co_authors_date_is_not_asked() -> None:
    """A trailer has none."""
    policy = make_policy(tickets={"planned_before": "first_commit"})
    co_author = type(person())("Pat", "pat@example.com", None, None)
    commits = [commit(authors=(person(), co_author))]
    assert judge(planned_before_built, ticket(), policy=policy, commits=commits).outcome is PASS


# 1.4


def story(*history: Any, **facts: Any) -> Any:
    return ticket("PAY-7", history=list(history), **facts)


def issue(*history: Any, **facts: Any) -> Any:
    return ticket("acme/payments#7", history=list(history), **facts)


BEFORE, DURING = OPENED - HOUR, OPENED + HOUR


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (story(), PASS),
        (story(status="Done"), EXCEPTION),
        (story(moved("To Do", "In Progress", BEFORE)), PASS),
        (story(moved("To Do", "cancelled", DURING)), EXCEPTION),
        (story(moved("To Do", "Cancelled", DURING), moved("Cancelled", "To Do", -1)), PASS),
        (story(moved("To Do", "Cancelled", 1)), PASS),
        (story(moved("Cancelled", "To Do", 1)), EXCEPTION),
        (story(moved("To Do", "Cancelled", 0)), UNDETERMINED),
        (story(moved("To Do", "Done", DURING)), PASS),
        (story(moved("To Do", "done", BEFORE)), EXCEPTION),
        (story(moved("To Do", "Done", OPENED)), UNDETERMINED),
        (story(moved("To Do", "Done", BEFORE), moved("Done", "To Do", DURING)), PASS),
        (
            story(
                moved("To Do", "Done", BEFORE),
                moved("Done", "To Do", DURING),
                moved("To Do", "Done", -1),
            ),
            PASS,
        ),
        (story(moved("To Do", "Done", BEFORE), moved("Done", "To Do", 1)), EXCEPTION),
        (story(moved("To Do", "Done", BEFORE), moved("Done", "Closed", DURING)), EXCEPTION),
        (story(moved("A", "To Do", BEFORE - 9), moved("To Do", "Done", BEFORE)), EXCEPTION),
        (
            story(
                moved("To Do", "Done", BEFORE),
                moved("Done", "To Do", OPENED),
                moved("To Do", "Done", DURING),
            ),
            UNDETERMINED,
        ),
        (story(status="Done", created=DURING), PASS),
        (story(status="Done", created=OPENED), EXCEPTION),
        (story(moved("To Do", "Cancelled", 1), moved("Cancelled", "To Do", 2)), PASS),
        (story(moved("To Do", "Cancelled", 1), moved("Cancelled", "Done", 1)), PASS),
        (story(moved("To Do", "Cancelled", 1), moved("Cancelled", "To Do", 1)), UNDETERMINED),
        (story(moved("To Do", "Cancelled", DURING), moved("Review", "Test", 0)), UNDETERMINED),
        (story(moved("A", "To Do", DURING), moved("Cancelled", "Test", 0)), UNDETERMINED),
        (story(moved("To Do", "Done", BEFORE), moved("Done", "To Do", 0)), UNDETERMINED),
        (story(moved("To Do", "Done", DURING), resolution="Won't Do"), EXCEPTION),
        (story(moved("To Do", "Done", DURING), resolution="Fixed"), PASS),
        (
            story(
                moved("To Do", "Done", DURING),
                moved("Done", "Released", 1),
                resolution="Duplicate",
            ),
            EXCEPTION,
        ),
        (
            story(moved("To Do", "Done", DURING), moved("Done", "Released", 1), resolution="Fixed"),
            PASS,
        ),
        (story(moved("A", "B", DURING), moved("B", "Cancelled", DURING)), EXCEPTION),
        (story(moved("A", "Cancelled", DURING), moved("Cancelled", "A", DURING)), UNDETERMINED),
        (story(created=2), NOT_APPLICABLE),
        (ticket("PAY-7", history=GONE), UNDETERMINED),
        (issue(), PASS),
        (issue(moved("open", "closed", BEFORE), resolution="COMPLETED"), EXCEPTION),
        (issue(moved("OPEN", "CLOSED", DURING), resolution="NOT_PLANNED"), EXCEPTION),
        (issue(moved("open", "closed", DURING), resolution="DUPLICATE"), EXCEPTION),
        (issue(moved("open", "closed", DURING), resolution="COMPLETED"), PASS),
        (issue(moved("open", "closed", 0), resolution="COMPLETED"), PASS),
        (issue(moved("open", "closed", 0), resolution="NOT_PLANNED"), UNDETERMINED),
        (issue(moved("open", "closed", 1), resolution="NOT_PLANNED"), PASS),
        (issue(moved("open", "closed", DURING), moved("closed", "open", 1)), PASS),
        (issue(moved("open", "closed", -1), created=DURING, resolution="COMPLETED"), PASS),
    ],
)
def test_fits(found: Any, outcome: Outcome) -> None:
    """The status at the merge, by the history, and whether it was closed all the while."""
    finding = judge(fits, found)
    assert finding.outcome is outcome, finding.reason
    assert finding.evidence[0].url == found.url


@pytest.mark.parametrize(
    ("found", "outcome", "why"),
    [
        pytest.param(
            story(altered("status", "To Do", ["Fertig", "Done"], BEFORE), status="Done"),
            EXCEPTION,
            'was "Fertig" (now called "Done") at the merge, and had been so',
            id="a status that was renamed since",
        ),
        pytest.param(
            story(altered("status", "To Do", ["Done", "Fertig"], BEFORE), status="Fertig"),
            EXCEPTION,
            'was "Done" (now called "Fertig")',
            id="and the other way round",
        ),
        pytest.param(
            story(
                moved("To Do", "Done", DURING),
                altered("resolution", "", "Fixed", DURING),
                altered("resolution", "Fixed", "Duplicate", 5),
                resolution="Duplicate",
            ),
            PASS,
            f'{LATER}resolution changed from "Fixed" to "Duplicate"',
            id="resolved otherwise after the merge",
        ),
        pytest.param(
            story(
                moved("To Do", "Done", DURING),
                altered("resolution", "", "Duplicate", DURING),
                altered("resolution", "Duplicate", "Fixed", 5),
                resolution="Fixed",
            ),
            EXCEPTION,
            '(resolution "Duplicate"): it was cancelled',
            id="resolved well after the merge alone",
        ),
        pytest.param(
            story(
                moved("To Do", "Done", DURING),
                altered("resolution", "Fixed", "Duplicate", 0),
                resolution="Duplicate",
            ),
            UNDETERMINED,
            'whether its resolution was "Duplicate" or "Fixed" then cannot be told',
            id="resolved otherwise in the second of the merge",
        ),
        pytest.param(
            story(
                moved("To Do", "Done", DURING),
                resolution="Fixed",
                gaps={"resolution": Unavailable("it was cut")},
            ),
            UNDETERMINED,
            "was one that means cancelled then cannot be told: it was cut",
            id="the history of its resolution is not known",
        ),
        pytest.param(
            story(
                moved("To Do", "Fertig", DURING),
                altered("resolution", "", "Won't Do", DURING),
                resolution="Won't Do",
            ),
            UNDETERMINED,
            'with the resolution "Won\'t Do", which means cancelled where the work is over',
            id="a resolution that means cancelled, in a status that the policy does not know",
        ),
        pytest.param(
            story(altered("resolution", "", "Duplicate", 0), resolution="Duplicate"),
            UNDETERMINED,
            "name the status in tickets.closed_statuses",
            id="given such a resolution in the second of the merge",
        ),
        pytest.param(
            story(altered("resolution", "", "Duplicate", 5), resolution="Duplicate"),
            PASS,
            "",
            id="given such a resolution after the merge",
        ),
        pytest.param(
            story(resolution="Fixed"), PASS, "", id="another resolution, in a status that is open"
        ),
        pytest.param(
            story(gaps={"resolution": GONE}),
            UNDETERMINED,
            "was one that means cancelled then cannot be told: the source did not answer",
            id="a resolution unread, in an open status",
        ),
        pytest.param(
            issue(altered("resolution", "", "NOT_PLANNED", DURING), resolution="NOT_PLANNED"),
            PASS,
            "",
            id="an open issue is open, whatever it was closed as once",
        ),
        pytest.param(
            story(moved("A", "B", BEFORE), status="Done"),
            UNDETERMINED,
            '"B" or "Done" at the merge; its history does not show which',
            id="its history does not lead to today's status",
        ),
        pytest.param(
            issue(
                moved("open", "closed", DURING),
                altered("resolution", "", "NOT_PLANNED", DURING),
                moved("closed", "open", 5),
                altered("resolution", "NOT_PLANNED", "REOPENED", 5),
                resolution="REOPENED",
            ),
            EXCEPTION,
            "it was cancelled",
            id="an issue that was reopened after the merge",
        ),
    ],
)
def test_fits_by_the_whole_history(found: Any, outcome: Outcome, why: str) -> None:
    """Status and resolution are those of the merge; what became of them is told beside it."""
    finding = judge(fits, found)
    assert finding.outcome is outcome, finding.reason
    assert why in finding.reason


def test_of_many_later_changes_the_last_are_counted() -> None:
    names = ["To Do", *(f"S{n}" for n in range(12))]
    moves = [moved(a, b, n) for n, (a, b) in enumerate(itertools.pairwise(names), start=1)]
    reason = judge(fits, story(*moves)).reason
    assert 'to "S9"' in reason
    assert 'to "S10"' not in reason
    assert reason.endswith("; 2 changes more.")


CLOSED_IS_NOT_DONE = {"closed_statuses": ["Done"], "cancelled_statuses": ["Closed"]}


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (issue(moved("open", "closed", BEFORE), resolution="COMPLETED"), EXCEPTION),
        (issue(moved("open", "closed", DURING), resolution="COMPLETED"), PASS),
        (story(moved("To Do", "Done", BEFORE)), EXCEPTION),
        (story(moved("To Do", "Released", BEFORE)), PASS),
        (story(moved("To Do", "Closed", DURING)), EXCEPTION),
    ],
)
def test_what_an_issues_states_mean_is_githubs(found: Any, outcome: Outcome) -> None:
    """The policy's words for the statuses of Jira say nothing of GitHub's."""
    finding = judge(fits, found, policy=make_policy(tickets=CLOSED_IS_NOT_DONE))
    assert finding.outcome is outcome, finding.reason


@pytest.mark.parametrize("last", [5, 0])
def test_fits_cites_the_change_that_stood(last: float) -> None:
    """The last change of status before the merge, with who made it, and the status."""
    history = (
        moved("New", "To Do", BEFORE, by="pat"),
        moved("To Do", "Review", DURING, by="paul"),
        moved("Review", "Done", last),
    )
    finding = judge(fits, story(*history))
    assert '"Review"' in finding.reason
    assert (finding.evidence[0].who, finding.evidence[0].at) == ("paul", clock(DURING))
    assert '"To Do" to "Review"' in finding.evidence[0].what


@pytest.mark.parametrize("found", [story(moved("To Do", "Done", 5)), story(created=2)])
def test_fits_cites_who_created_a_ticket_that_had_not_changed(found: Any) -> None:
    """Or that was not there yet."""
    (cited,) = judge(fits, found).evidence
    assert cited.what.startswith("ticket PAY-7 created")
    assert (cited.who, cited.at) == ("dana", found.created_at)


def test_statuses_of_one_second_are_told_in_the_order_of_their_names() -> None:
    """Whatever the order in which they come to mind."""
    history = [moved("To Do", status, DURING) for status in ("D", "B", "E", "A", "C")]
    told = '"A" or "B" or "C" or "D" or "E"'
    assert f"was {told} at the merge" in judge(fits, story(*history)).reason
    later = [moved(status, "To Do", 5) for status in ("D", "B", "E", "A", "C")]
    finding = judge(fits, story(*later))
    assert f"was {told} at the merge" in finding.reason
    assert told in finding.evidence[0].what


def test_a_resolution_is_named_as_the_cause() -> None:
    """Where the resolution, and not the status, says cancelled, the reason shows it."""
    finding = judge(fits, story(moved("To Do", "Done", DURING), resolution="Won't Do"))
    assert 'resolution "Won\'t Do"' in finding.reason
    either = moved("To Do", "Done", DURING), moved("To Do", "Cancelled", DURING)
    finding = judge(fits, story(*either, resolution="Won't Do"))
    assert finding.outcome is EXCEPTION
    assert 'resolution "Won\'t Do"' in finding.reason
    assert "resolution" not in judge(fits, story(status="Rejected")).reason


# Several tickets


def test_one_ticket_has_to_satisfy_all_three() -> None:
    """A ticket created too late and a cancelled one do not make a good one together."""
    late, cancelled = ticket("PAY-1", created=-1), ticket("PAY-2", status="Cancelled")
    outcomes = [judge(rule, late, cancelled).outcome for rule in OF_TICKETS]
    assert outcomes == [PASS, EXCEPTION, PASS]


def test_the_ticket_that_fares_best_is_tested_and_named() -> None:
    """One good ticket among bad and hidden ones is enough, for all three alike."""
    tickets = ticket("PAY-1", created=-1), named("PAY-2"), ticket("PAY-3"), ticket("OPS-4")
    for rule in OF_TICKETS:
        finding = judge(rule, *tickets)
        assert finding.outcome is PASS
        assert "PAY-3" in finding.reason
        assert "Of the 4 tickets named" in finding.reason
        assert "PAY-3" in finding.evidence[0].what


def test_of_two_tickets_that_came_too_late_the_one_of_before_the_merge_fares_better() -> None:
    """Its status can be judged; the other was not there yet."""
    tickets = ticket("PAY-1", created=5), ticket("PAY-2", created=-5)
    outcomes = [judge(rule, *tickets).outcome for rule in OF_TICKETS]
    assert outcomes == [PASS, EXCEPTION, PASS]


def test_a_hidden_ticket_may_be_the_good_one() -> None:
    """A bad ticket beside one that cannot be seen leaves it open."""
    for rule in OF_TICKETS:
        finding = judge(rule, ticket("PAY-1", created=-1), named("PAY-2"))
        assert finding.outcome is UNDETERMINED


# 1.5


@pytest.mark.parametrize(
    ("facts", "feature_branch", "outcome", "word"),
    [
        ({}, {}, PASS, "neither"),
        ({"head_ref": "main"}, {}, EXCEPTION, "a production branch itself"),
        ({"head_ref": "stable", "production": ["main", "stable"]}, {}, EXCEPTION, "stable"),
        ({"head_ref": "dev", "base_ref": "dev"}, {}, EXCEPTION, "the base itself"),
        ({"head_ref": "main", "from_fork": True, "head_repository": "eve/payments"}, {},
         EXCEPTION, "does not accept"),
        ({"head_ref": "main", "from_fork": True, "head_repository": None},
         {"fork_may_use_production_name": True}, PASS, "accepts"),
        ({"head_ref": "dev", "base_ref": "dev", "from_fork": True},
         {"fork_may_use_production_name": True}, PASS, "accepts"),
        ({"head_ref": "stable", "production": ["main", "stable"], "from_fork": True},
         {"fork_may_use_production_name": True}, PASS, "accepts"),
        ({"head_ref": "x", "from_fork": True, "at_merge": {"base": GONE}},
         {"fork_may_use_production_name": True}, PASS, "neither"),
        ({"head_ref": "main"}, {"fork_may_use_production_name": True}, EXCEPTION, "itself"),
        ({"head_ref": "main", "head_repository": None}, {}, UNDETERMINED, "not known"),
        ({"head_ref": "x", "head_repository": None}, {}, PASS, "neither"),
        ({}, {"pattern": "feature/*"}, PASS, "matches"),
        ({}, {"pattern": "fix/*"}, EXCEPTION, "does not match"),
        ({"at_merge": {"base": Unavailable("no events")}}, {}, UNDETERMINED, "no events"),
        ({"head_ref": "main", "at_merge": {"base": GONE}}, {}, EXCEPTION, "production"),
    ],
)  # fmt: skip
def test_on_feature_branch(
    facts: dict[str, Any], feature_branch: dict[str, Any], outcome: Outcome, word: str
) -> None:
    """Neither production nor base; a fork's production name and a pattern by the policy."""
    finding = judge(on_feature_branch, policy=make_policy(feature_branch=feature_branch), **facts)
    assert finding.outcome is outcome, finding.reason
    assert word in finding.reason
    assert finding.evidence


@pytest.mark.parametrize(
    ("facts", "where"),
    [
        ({}, "acme/payments"),
        ({"from_fork": True, "head_repository": "eve/payments"}, "eve/payments"),
        ({"from_fork": True, "head_repository": None}, "a fork that is gone"),
        ({"head_repository": None}, "unknown"),
    ],
)
def test_the_head_branch_is_cited_with_its_repository(facts: dict[str, Any], where: str) -> None:
    """And with who opened the pull request from it."""
    (cited,) = judge(on_feature_branch, **facts).evidence
    assert cited.what == f'head branch "feature/rounding", repository {where}'
    assert (cited.who, cited.at) == ("dana", clock(OPENED))
