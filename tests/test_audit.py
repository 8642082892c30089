"""The audit: every change against every attribute, and the sums."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from builders import (
    DAY,
    GONE,
    MERGED_AT,
    actor,
    altered,
    auto_merge,
    base_changed,
    branch_commit,
    check,
    clock,
    closed,
    comment,
    commit,
    deployed,
    dismissed,
    drafted,
    edit,
    force_pushed,
    fully_approved,
    labeled,
    make_change,
    make_direct_push,
    make_policy,
    moved,
    named,
    on_jira,
    person,
    queued,
    renamed,
    review,
    ticket,
    unlabeled,
)
from changeaudit.audit import audit, judge, judge_push
from changeaudit.change import Change, DirectPush, NamedTicket
from changeaudit.errors import RuleError
from changeaudit.policy import ATTRIBUTE_IDS, Policy
from changeaudit.population import Changes, Population
from changeaudit.records import Activity, ActivityKind, RuleBypass, TicketComment
from changeaudit.rules import registry
from changeaudit.rules.attribute import Attribute
from changeaudit.verdicts import (
    Audit,
    AuditedChange,
    ChangeClass,
    Excluded,
    Finding,
    LinkedTicket,
    Outcome,
    PeriodInfo,
    PolicyInfo,
    RepositorySummary,
    Result,
    Run,
    TimelineEntry,
    combine,
)

PASS, EXCEPTION = Outcome.PASS, Outcome.EXCEPTION
UNDETERMINED, NOT_APPLICABLE = Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE
EMERGENCY_IDS = tuple(attribute.id for attribute in registry.EMERGENCY)


def population(
    *changes: Change, pushes: tuple[DirectPush, ...] = (), excluded: tuple[Excluded, ...] = ()
) -> Population:
    summary = RepositorySummary(
        "acme/payments", ("main",), len(changes), len(changes), 0, len(pushes), True, "Whole."
    )
    return Population(changes, pushes, excluded, summary)


def audited(*populations: Population, policy: Policy | None = None) -> Audit:
    return audit(
        populations,
        policy or make_policy(),
        PolicyInfo("acme", "policy.yaml", "sha256:0"),
        PeriodInfo(clock(-DAY), clock(DAY)),
        (),
        ("A limitation.",),
        Run(MERGED_AT, MERGED_AT, "1.0"),
    )


def outcomes(change: AuditedChange) -> dict[str, Outcome]:
    return {verdict.attribute: verdict.outcome for verdict in change.verdicts()}


def numbered(number: int, **facts: Any) -> Change:
    change = fully_approved(**facts)
    return msgspec.structs.replace(change, pull=msgspec.structs.replace(change.pull, number=number))


# The registry ------------------------------------------------------------------------------------


def test_every_attribute_of_the_procedure_is_there_once_in_its_order() -> None:
    assert tuple(a.id for a in registry.STANDARD) == ATTRIBUTE_IDS
    assert all(a.step == "E" for a in registry.EMERGENCY)
    everything = (*registry.STANDARD, *registry.EMERGENCY)
    assert len({a.name for a in everything}) == len(everything)
    assert {a.step for a in everything} == {
        s.id for s in registry.steps(lambda step: ("CC8.1", step))
    }


@pytest.mark.parametrize(
    "attribute", [*registry.STANDARD, *registry.EMERGENCY], ids=lambda attribute: attribute.id
)
def test_every_attribute_has_a_claim_and_prose(attribute: Attribute) -> None:
    assert attribute.claim.endswith(".")
    assert attribute.prose.endswith(".")
    assert "\n" not in attribute.prose
    assert "``" not in attribute.prose


def test_the_steps_name_the_controls_that_they_meet() -> None:
    assert all(
        step.references == ("CC8.1", step.id)
        for step in registry.steps(lambda step: ("CC8.1", step))
    )


# A change ----------------------------------------------------------------------------------------


def test_a_change_that_follows_the_procedure_is_compliant() -> None:
    found = judge(fully_approved(), make_policy())
    assert found.result is Result.COMPLIANT
    assert tuple(outcomes(found)) == ATTRIBUTE_IDS
    assert EXCEPTION not in outcomes(found).values()
    assert UNDETERMINED not in outcomes(found).values()
    assert found.id == "acme/payments#12"
    assert found.tickets == ("PAY-7",)
    assert (found.base, found.head) == ("main", "feature/rounding")
    assert (found.head_commit, found.merge_commit) == ("head", "merge")
    assert found.developers == ("dana",)
    assert (found.author, found.merged_by) == ("dana", "lee")


@pytest.mark.parametrize(
    ("facts", "result"),
    [
        ({}, Result.COMPLIANT),
        ({"reviews": []}, Result.EXCEPTION),
        ({"checks": GONE}, Result.UNDETERMINED),
        ({"checks": GONE, "reviews": []}, Result.EXCEPTION),
    ],
)
def test_an_exception_outweighs_what_is_undetermined(facts: dict[str, Any], result: Result) -> None:
    assert judge(fully_approved(**facts), make_policy()).result is result


def test_a_step_is_what_its_attributes_come_to() -> None:
    cases: list[dict[str, Any]] = [{}, {"reviews": GONE}, {"reviews": []}, {"checks": GONE}]
    for facts in cases:
        for step in judge(fully_approved(**facts), make_policy()).steps:
            assert step.outcome is combine(v.outcome for v in step.attributes)


def test_nobodys_names_do_not_break_a_change() -> None:
    found = judge(
        fully_approved(author=None, merged_by=None, merge_commit=None, tickets=[]), make_policy()
    )
    assert (found.author, found.merged_by) == ("a deleted account", "a deleted account")
    assert found.merge_commit == ""
    gone = judge(fully_approved(merge_commit=GONE), make_policy())
    assert gone.merge_commit == ""


def test_title_and_base_are_those_of_the_merge() -> None:
    facts: dict[str, Any] = {
        "title": "New",
        "timeline": [renamed("PAY-7 Old", "New", at=5), base_changed("main", "x", at=5)],
        "base_ref": "x",
    }
    found = judge(fully_approved(**facts), make_policy())
    assert (found.title, found.base) == ("PAY-7 Old", "main")
    unread = judge(fully_approved(at_merge={"title": GONE, "base": GONE}), make_policy())
    assert unread.title.startswith("PAY-7")
    assert unread.base == "main"


def test_a_rule_that_gives_no_verdict_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def shrug(change: Change, policy: Policy) -> Finding:
        """It says nothing."""
        return Finding(PASS, "Fine.", ())

    shrugs = Attribute("1.1", "It shrugs", shrug)
    monkeypatch.setattr("changeaudit.audit._SIX", [("1", [shrugs])])
    with pytest.raises(RuleError, match=r"shrug gave no proper verdict: .*needs the evidence"):
        judge(fully_approved(), make_policy())


# Classes -----------------------------------------------------------------------------------------


def of_class(class_: ChangeClass, reason: str = "label emergency", **facts: Any) -> Change:
    return fully_approved(class_=class_, class_reason=reason, **facts)


def test_an_emergency_is_judged_by_its_own_procedure() -> None:
    """The six steps are not asked and its own attributes are; what satisfies those of a standard
    change does not make it compliant."""
    found = judge(of_class(ChangeClass.EMERGENCY), make_policy())
    assert tuple(outcomes(found)) == (*ATTRIBUTE_IDS, *EMERGENCY_IDS)
    assert all(outcomes(found)[id_] is NOT_APPLICABLE for id_ in ATTRIBUTE_IDS)
    assert {EXCEPTION, UNDETERMINED} & {outcomes(found)[id_] for id_ in EMERGENCY_IDS}
    assert found.result is not Result.COMPLIANT
    for verdict in found.verdicts():
        assert verdict.reason.endswith(".")
        if verdict.outcome is NOT_APPLICABLE:
            assert "label emergency" in verdict.evidence[0].what
            assert verdict.evidence[0].url


AUTOMATED: dict[str, Any] = {"automated": {"authors": ["bot[bot]"], "attributes": ["3", "5.2"]}}


def test_an_automated_change_is_asked_what_the_policy_leaves() -> None:
    change = of_class(ChangeClass.AUTOMATED, "opened by bot[bot]", author="bot[bot]")
    found = judge(change, make_policy(classes=AUTOMATED))
    asked = {"3.1", "3.2", "3.3", "5.2"}
    for attribute, outcome in outcomes(found).items():
        assert outcome is (PASS if attribute in asked else NOT_APPLICABLE), attribute
    assert found.result is Result.COMPLIANT
    first = found.verdicts()[0]
    assert first.reason == (
        "The policy does not ask this of automated changes (opened by bot[bot])."
    )
    assert first.evidence


def test_an_automated_change_may_fail_what_it_is_asked() -> None:
    change = of_class(ChangeClass.AUTOMATED, "opened by bot[bot]", reviews=[])
    assert judge(change, make_policy(classes=AUTOMATED)).result is Result.EXCEPTION


def test_nothing_asked_is_nothing_shown() -> None:
    """A change of which only what is not applicable was asked is not compliant."""
    policy = make_policy(
        classes={"automated": {"authors": ["bot[bot]"], "attributes": ["4"]}},
        security_review={"paths": ["auth/**"], "labels": []},
    )
    found = judge(of_class(ChangeClass.AUTOMATED, "opened by bot[bot]"), policy)
    assert set(outcomes(found).values()) == {NOT_APPLICABLE}
    assert found.result is Result.UNDETERMINED


@pytest.mark.parametrize("class_", [ChangeClass.STANDARD, ChangeClass.REVERT])
def test_a_revert_is_asked_everything(class_: ChangeClass) -> None:
    found = judge(of_class(class_), make_policy(classes=AUTOMATED))
    assert outcomes(found) == outcomes(judge(fully_approved(), make_policy()))


# Direct pushes -----------------------------------------------------------------------------------


def test_a_direct_push_is_an_exception_of_every_attribute_with_one_cause() -> None:
    found = judge_push(make_direct_push(), make_policy())
    assert outcomes(found) == dict.fromkeys(ATTRIBUTE_IDS, EXCEPTION)
    assert {step.outcome for step in found.steps} == {EXCEPTION}
    (cause,) = {verdict.reason for verdict in found.verdicts()}
    assert cause == (
        "There is no pull request: 1 commit reached main without one, pushed after"
        " 2026-03-09 12:00:00Z and before 2026-03-11 12:00:00Z."
    )
    assert found.result is Result.EXCEPTION
    assert found.class_ is ChangeClass.DIRECT_PUSH
    assert (found.id, found.number) == ("acme/payments@pushed", None)
    assert (found.title, found.author) == ("Hotfix straight to main", "dana")
    assert found.merged_by == "not recorded"


def test_a_push_names_the_stored_answers_that_it_was_read_from() -> None:
    """Each answer once, in the order of the commits."""
    first, second = make_direct_push().commits[0], branch_commit("second")
    read = [
        msgspec.structs.replace(commit, evidence=digest)
        for commit, digest in ((first, "d1"), (second, "d2"), (second, "d1"))
    ]
    push = msgspec.structs.replace(make_direct_push(), commits=tuple(read))
    assert judge_push(push, make_policy()).evidence == ("d1", "d2")


def test_a_push_that_the_server_recorded_says_who_made_it_and_when() -> None:
    """By the server's clock, whatever the commits say; and what of the branch's rules it met."""
    pushed, forced = ActivityKind.PUSH, ActivityKind.FORCE_PUSH
    push = make_direct_push(
        branch_commit("first", "dana", at=-500),
        branch_commit("second", "dana", at=500),
        moves=(
            Activity(1, pushed, "x", "first", clock(-30), actor("mal"), "d1"),
            Activity(2, forced, "first", "second", clock(-20), None, "d2"),
        ),
    )
    found = judge_push(push, make_policy())
    said = "pushed by mal at 2026-03-10 11:30:00Z and by a deleted account at 2026-03-10 11:40:00Z."
    assert found.verdicts()[0].reason.endswith(said)
    assert found.merged_at == clock(-20)
    assert found.merged_by == "mal, a deleted account"
    assert [(c.what, c.who, c.at) for c in found.verdicts()[0].evidence[:2]] == [
        ("pushed to main, up to first", "mal", clock(-30)),
        ("force-pushed to main, up to second", "a deleted account", clock(-20)),
    ]
    assert found.evidence == ("d1", "d2")
    assert len(found.timeline) == 4
    bypass = RuleBypass(1, "second", clock(-20), "mal", "d3")
    against = judge_push(msgspec.structs.replace(push, bypasses=(bypass,)), make_policy())
    reason = against.verdicts()[0].reason
    assert reason.endswith("Z, against the branch's rules, which were bypassed.")
    assert against.verdicts()[0].evidence[2].what == "the rules of main were bypassed"
    assert against.evidence == ("d1", "d2", "d3")


def test_every_commit_of_a_push_is_cited() -> None:
    commits = (branch_commit("one", message="One\n\nmore"), branch_commit("two", message="Two"))
    found = judge_push(make_direct_push(*commits), make_policy())
    assert [c.what for c in found.verdicts()[0].evidence] == [
        "commit one, dated by its committer",
        "commit two, dated by its committer",
    ]
    assert found.title == "Two"
    assert "2 commits" in found.class_reason
    assert len(found.timeline) == 2


@pytest.mark.parametrize(
    ("not_before", "not_after", "said"),
    [
        (None, None, "without one."),
        (clock(-DAY), None, "pushed after 2026-03-09 12:00:00Z."),
        (None, clock(DAY), "pushed before 2026-03-11 12:00:00Z."),
    ],
)
def test_when_it_was_pushed_is_said_as_far_as_it_is_known(
    not_before: Any, not_after: Any, said: str
) -> None:
    push = make_direct_push(not_before=not_before, not_after=not_after)
    assert judge_push(push, make_policy()).verdicts()[0].reason.endswith(said)


@pytest.mark.parametrize(
    ("claimed", "not_before", "not_after", "listed"),
    [
        (-5, -DAY, DAY, -5),
        (-9 * DAY, -DAY, DAY, -DAY),
        (9 * DAY, -DAY, DAY, DAY),
        (-5, None, None, -5),
        (None, None, 7, 7),
        (None, None, None, DAY),
    ],
)
def test_a_push_is_listed_within_what_the_merges_around_it_allow(
    claimed: Any, not_before: Any, not_after: Any, listed: float
) -> None:
    """A commit's date is its writer's; without any, the collection is the latest it can be."""
    commit = branch_commit(at=claimed or 0)
    if claimed is None:
        undated = msgspec.structs.replace(commit.committer, at=None)
        commit = msgspec.structs.replace(commit, committer=undated)
    push = make_direct_push(commit, not_before=not_before, not_after=not_after)
    limits = {
        "not_before": None if not_before is None else clock(not_before),
        "not_after": None if not_after is None else clock(not_after),
    }
    found = judge_push(msgspec.structs.replace(push, **limits), make_policy())
    assert found.merged_at == clock(listed)
    assert found.timeline[0].at == clock(listed if claimed is None else claimed)


def test_a_push_by_nobody_known_shows_the_names_in_the_commit() -> None:
    unlinked = person("kim", linked=False)
    commit = msgspec.structs.replace(branch_commit(), authors=(unlinked,), committer=unlinked)
    found = judge_push(make_direct_push(commit), make_policy())
    assert found.author == "kim"
    assert found.verdicts()[0].evidence[0].who == ""
    nameless = msgspec.structs.replace(commit, authors=())
    assert judge_push(make_direct_push(nameless), make_policy()).author == "kim"


# The story ---------------------------------------------------------------------------------------


def story(**facts: Any) -> list[TimelineEntry]:
    return list(
        judge(fully_approved(**{"reviews": [], "checks": [], **facts}), make_policy()).timeline
    )


OLD = review("pat", at=-60)


@pytest.mark.parametrize(
    ("facts", "what", "who", "late"),
    [
        ({}, "pull request opened", "dana", False),
        ({}, "merged into main", "lee", False),
        ({}, "ticket PAY-7 created", "dana", False),
        ({"tickets": [named(ticket(created=5))]}, "ticket PAY-7 created", "dana", True),
        (
            {"tickets": [named(ticket(history=[moved("To Do", "Done", 9, "pat")]))]},
            'ticket PAY-7: status changed from "To Do" to "Done"',
            "pat",
            True,
        ),
        ({"reviews": [OLD]}, "review: approved, of head", "pat", False),
        ({"reviews": [review("pat", commit=None, at=5)]}, "review: approved", "pat", True),
        (
            {"reviews": [OLD], "events": [dismissed(OLD)]},
            "review dismissed (it was approved)",
            "lee",
            False,
        ),
        ({"comments": [comment()]}, "comment", "quinn", False),
        ({"comments": [comment(None, at=9)]}, "comment", "a deleted account", True),
        ({"edits": [edit("x", at=9)]}, "description edited", "dana", True),
        ({"edits": [edit("x", at=0)]}, "description edited", "dana", False),
        (
            {"tickets": [named(ticket(history=[moved("To Do", "Done", 0, "pat")]))]},
            'ticket PAY-7: status changed from "To Do" to "Done"',
            "pat",
            False,
        ),
        ({"tickets": [named(ticket(created=0))]}, "ticket PAY-7 created", "dana", False),
        ({"reviews": [review("pat", at=0)]}, "review: approved, of head", "pat", False),
        ({"comments": [comment(at=0)]}, "comment", "quinn", False),
        ({"checks": [check(at=0)]}, "check_run staging: success", "github-actions", False),
        ({"events": [labeled("x", at=0)]}, "label x applied", "quinn", False),
        ({"checks": [check()]}, "check_run staging: success", "github-actions", False),
        ({"checks": [check(at=9)]}, "check_run staging: success", "github-actions", True),
        (
            {"checks": [check(at=-9, created=9)]},
            "check_run staging: success",
            "github-actions",
            True,
        ),
        (
            {"merge_commit_checks": [check("e2e", at=-2, commit="merge")]},
            "check_run e2e: success, on the merge commit",
            "github-actions",
            False,
        ),
        ({"events": [labeled("x")]}, "label x applied", "quinn", False),
        ({"events": [unlabeled("x", at=9)]}, "label x removed", "quinn", True),
        ({"events": [force_pushed()]}, "branch force-pushed to head", "dana", False),
        ({"events": [force_pushed(base=True, after=None)]}, "base force-pushed", "dana", False),
        ({"events": [base_changed("a", "b")]}, "base changed from a to b", "dana", False),
        ({"events": [renamed("a", "b")]}, "title changed (it was a)", "dana", False),
        ({"events": [drafted(True)]}, "made a draft", "dana", False),
        ({"events": [drafted(False)]}, "ready for review", "dana", False),
        ({"events": [queued("lee")]}, "added to the merge queue", "lee", False),
        ({"events": [queued("lee", added=False)]}, "left the merge queue", "lee", False),
        ({"events": [auto_merge("lee")]}, "auto-merge enabled", "lee", False),
        ({"events": [deployed("staging")]}, "deployment to staging: success", "dana", False),
    ],
)
def test_the_story_tells_what_happened(
    facts: dict[str, Any], what: str, who: str, late: bool
) -> None:
    assert [(e.who, e.late) for e in story(**facts) if e.what == what] == [(who, late)]


@pytest.mark.parametrize(
    "facts",
    [
        {"checks": [check(at=None)]},
        {"merge_commit_checks": [check(at=None, commit="merge")]},
        {"merge_commit_checks": [check(at=9, commit="merge")]},
        {"reviews": [review("pat", "PENDING", at=None)]},
        {"edits": [edit("x", at=-4 * 60)]},
        {"events": [closed()]},
        {"tickets": [named("PAY-9")]},
    ],
)
def test_the_story_leaves_out_what_did_not_happen(facts: dict[str, Any]) -> None:
    """A check that never ended, a review never sent, the text that it was opened with."""
    told = {entry.what for entry in story(**facts)}
    usual = {"ticket PAY-7 created", "pull request opened", "merged into main"}
    assert told <= {*usual, "commit head (its committer's own date)"}


def test_commits_stand_in_the_story_by_their_own_dates_which_make_nothing_late() -> None:
    late = commit("late", at=9, committer=person("pat", at=9))
    undated = commit("undated", committer=type(person())("P", "p@example.com", None, None))
    without = commit("alone", committer=type(person())("P", "p@example.com", clock(-9), None))
    told = story(commits=[late, undated, without])
    assert [(e.what, e.who, e.at, e.late) for e in told if e.what.startswith("commit ")] == [
        ("commit alone (its committer's own date)", "P", clock(-9), False),
        ("commit late (its committer's own date)", "pat", clock(9), False),
    ]


def test_the_story_tells_the_life_of_its_tickets() -> None:
    found = ticket(
        history=[altered("labels", [], ["x"], -9), altered("type", "Bug", "Story", 5)],
        comments=(TicketComment(on_jira("quinn"), "ok", clock(7), "https://jira.example/c"),),
    )
    told = [(e.what, e.who, e.late) for e in story(tickets=[named(found)]) if "PAY-7" in e.what]
    assert told == [
        ("ticket PAY-7 created", "dana", False),
        ('ticket PAY-7: labels changed from none to "x"', "dana", False),
        ('ticket PAY-7: type changed from "Bug" to "Story"', "dana", True),
        ("comment on ticket PAY-7", "quinn", True),
    ]


def test_a_ticket_that_is_named_by_two_of_its_keys_is_told_once() -> None:
    history = [altered("key", "PAY-7", "OPS-5", 5)]
    keys = [ticket("OPS-5", asked=key, id="1", history=history) for key in ("PAY-7", "OPS-5")]
    change = judge(make_change(tickets=list(map(named, keys))), make_policy())
    assert [e.what for e in change.timeline if "OPS-5" in e.what] == [
        "ticket OPS-5 created",
        'ticket OPS-5: key changed from "PAY-7" to "OPS-5"',
    ]
    assert len(change.changed_after_merge) == 1


def test_the_parents_that_may_stand_in_for_a_ticket_are_in_its_story() -> None:
    """Each is told to be one, unless it is named as well."""
    above = ticket("PAY-1", history=[moved("To Do", "Done", 5)])
    parents = (NamedTicket("PAY-1", (), above), named("PAY-2"))
    beneath = msgspec.structs.replace(named(ticket()), parents=parents)
    told = [entry.what for entry in story(tickets=[beneath]) if "PAY-1" in entry.what]
    assert told == [
        "ticket PAY-1 (parent of PAY-7) created",
        'ticket PAY-1 (parent of PAY-7): status changed from "To Do" to "Done"',
    ]
    both = [entry.what for entry in story(tickets=[beneath, named(above)])]
    assert "ticket PAY-1 created" in both
    assert not any("parent of" in what for what in both)


def test_a_comment_on_a_ticket_that_was_edited_after_the_merge_is_told() -> None:
    page = "https://jira.example/c"
    said = [(-9, 5), (-9, -5), (-9, None), (3, 5)]
    comments = tuple(
        TicketComment(on_jira("quinn"), "ok", clock(at), page, None if e is None else clock(e))
        for at, e in said
    )
    change = judge(make_change(tickets=[named(ticket(comments=comments))]), make_policy())
    assert change.changed_after_merge == (
        "ticket PAY-7: the comment of 2026-03-10 11:51:00Z by quinn edited at 2026-03-10 12:05:00Z",
    )


def test_what_was_altered_of_a_ticket_after_the_merge_stands_beside_the_verdicts() -> None:
    """Its way through the statuses is none of it."""
    found = ticket(history=[moved("To Do", "Done", 5), altered("type", "Bug", "Story", 6)])
    change = judge(make_change(tickets=[named(found), named("PAY-9")]), make_policy())
    assert change.changed_after_merge == (
        'ticket PAY-7: type changed from "Bug" to "Story" at 2026-03-10 12:06:00Z by dana',
    )


def test_a_change_shows_its_tickets_as_their_trackers_told_of_them() -> None:
    found = ticket(
        "OPS-5",
        asked="PAY-7",
        history=[altered("status", "To Do", ["Fertig", "Done"], 0), moved("Done", "Closed", 9)],
        evidence=("d1",),
    )
    unread = ticket("PAY-8", history=GONE)
    above = NamedTicket("PAY-1", (), ticket("PAY-1", evidence=("d2",)))
    linked = msgspec.structs.replace(named(found), parents=(above,))
    change = judge(make_change(tickets=[linked, named(unread), named("PAY-9")]), make_policy())
    assert change.linked == (
        LinkedTicket(
            asked="PAY-7",
            key="OPS-5",
            source="jira",
            type="Story",
            title=found.title,
            status_at_merge="Fertig or To Do",
            status="Closed",
            url=found.url,
        ),
        LinkedTicket(
            asked="PAY-8",
            key="PAY-8",
            source="jira",
            title=unread.title,
            status=unread.status,
            url=unread.url,
            said="the source did not answer",
        ),
        LinkedTicket("PAY-9", said="the ticket is not visible to the audit account"),
    )
    assert [digest for digest in change.evidence if digest in ("d1", "d2")] == ["d1", "d2"]


def test_the_story_is_told_in_order_and_of_what_could_be_read() -> None:
    unread = story(reviews=GONE, comments=GONE, edits=GONE, checks=GONE, timeline=GONE)
    told = ["ticket PAY-7 created", "commit head (its committer's own date)", "pull request opened"]
    assert [entry.what for entry in unread] == told
    history = named(ticket(history=GONE))
    assert story(tickets=[history])[0].what == "ticket PAY-7 created"
    whole = judge(fully_approved(), make_policy()).timeline
    assert list(whole) == sorted(whole, key=lambda entry: entry.at)


def test_what_came_after_the_merge_stands_beside_the_verdicts() -> None:
    late = judge(fully_approved(events=[labeled("x", at=5)]), make_policy())
    assert late.changed_after_merge == ("label x applied",)
    assert outcomes(late) == outcomes(judge(fully_approved(), make_policy()))


# The sums ----------------------------------------------------------------------------------------


def test_the_sums_count_every_change_once() -> None:
    exceptional = numbered(2, reviews=[])
    emergency = msgspec.structs.replace(
        numbered(3), class_=ChangeClass.EMERGENCY, class_reason="label emergency"
    )
    found = audited(
        population(numbered(1), exceptional), population(emergency, pushes=(make_direct_push(),))
    )
    summary = found.summary
    assert (summary.changes, summary.compliant) == (4, 1)
    assert summary.exceptions + summary.undetermined == 3
    assert summary.exceptions >= 2
    assert [(c.class_, c.changes, c.share) for c in summary.classes] == [
        (ChangeClass.STANDARD, 2, 50.0),
        (ChangeClass.EMERGENCY, 1, 25.0),
        (ChangeClass.DIRECT_PUSH, 1, 25.0),
    ]
    counts = {a.attribute: a.counts for a in summary.attributes}
    assert (counts["3.1"].passed, counts["3.1"].exceptions, counts["3.1"].not_applicable) == (
        1,
        2,
        1,
    )
    assert counts["E.1"].undetermined + counts["E.1"].exceptions == 1
    steps = {s.step: s.counts for s in summary.steps}
    assert (steps["3"].passed, steps["3"].exceptions, steps["3"].not_applicable) == (1, 2, 1)
    assert len(summary.repositories) == 2
    assert [info.id for info in found.attributes] == [*ATTRIBUTE_IDS, *EMERGENCY_IDS]
    assert [step.id for step in found.procedure] == ["1", "2", "3", "4", "5", "6", "E"]
    assert found.procedure[0].references == ("SOC 2 CC8.1",)


def test_emergency_attributes_are_listed_only_with_an_emergency() -> None:
    found = audited(population(numbered(1)))
    assert [info.id for info in found.attributes] == list(ATTRIBUTE_IDS)
    assert [step.id for step in found.procedure] == list("123456")


def test_an_empty_population_passes_nothing() -> None:
    summary = audited(population()).summary
    assert (summary.changes, summary.compliant, summary.classes) == (0, 0, ())
    assert all(a.counts.passed == 0 for a in summary.attributes)


def test_changes_and_exclusions_are_in_the_order_of_their_merges() -> None:
    def row(number: int, at: float) -> Excluded:
        return Excluded(f"acme/payments#{number}", "t", "u", clock(at), "main", "rule", "why")

    rows = (row(5, 3), row(4, 2), row(3, 3))
    early = make_direct_push(not_after=MERGED_AT - timedelta(hours=1))
    found = audited(population(numbered(2), numbered(1), pushes=(early,), excluded=rows))
    assert [c.id for c in found.changes] == [
        "acme/payments@pushed",
        "acme/payments#1",
        "acme/payments#2",
    ]
    assert [e.id for e in found.excluded] == [
        "acme/payments#4",
        "acme/payments#3",
        "acme/payments#5",
    ]


def test_an_audit_carries_what_it_was_given() -> None:
    found = audited(population(make_change()))
    assert found.limitations == ("A limitation.",)
    assert found.policy.name == "acme"
    assert found.demonstration is False
    assert found.changes[0].evidence == ("sha256:0",)


def test_each_change_is_judged_as_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, few more have been made than were judged: none waits for the rest."""
    made: list[int] = []
    judged: list[int] = []
    ahead: list[int] = []

    def make(number: int) -> Change:
        made.append(number)
        return make_change(number=number)

    def judging(change: Change, policy: Policy) -> AuditedChange:
        judged.append(change.pull.number)
        ahead.append(len(made) - len(judged))
        return judge(change, policy)

    monkeypatch.setattr("changeaudit.audit.judge", judging)
    numbers = range(11, 51)
    those = msgspec.structs.replace(population(), changes=Changes(numbers, make))
    whole = audited(those)
    assert made == judged == [*numbers]
    assert set(ahead) == {0}
    assert [change.number for change in whole.changes] == [*numbers]
    assert whole.summary.changes == 40
