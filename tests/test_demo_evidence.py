"""The demonstration, held to what was reasoned by hand from the description of each change.

`fixtures/world.py` tells what happened in each; what it has to come to follows from the procedure
and not from what the program prints.
"""

from __future__ import annotations

import ast
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from changeaudit.cli.demo import audited, shipped
from changeaudit.policy import ATTRIBUTE_IDS
from changeaudit.store import Store
from changeaudit.verdicts import (
    Audit,
    AuditedChange,
    ChangeClass,
    Outcome,
    Result,
    Verdict,
)

ROOT = Path(__file__).parents[1]
OWNER = "meridian-labs"
PASS, EXCEPTION = Outcome.PASS, Outcome.EXCEPTION
UNDETERMINED, NOT_APPLICABLE = Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE


@pytest.fixture(scope="module")
def audit() -> Audit:
    """The demonstration, by the way that `changeaudit demo` takes."""
    return audited()


@pytest.fixture(scope="module")
def changes(audit: Audit) -> Mapping[str, AuditedChange]:
    """Its changes, as "ledger#5"; a direct push as "ledger@" and its title."""
    return {
        f"{change.repository.removeprefix(f'{OWNER}/')}#{change.number}"
        if change.number
        else f"{change.repository.removeprefix(f'{OWNER}/')}@{change.title}": change
        for change in audit.changes
    }


def verdicts(change: AuditedChange) -> dict[str, Verdict]:
    return {verdict.attribute: verdict for verdict in change.verdicts()}


# The population -------------------------------------------------------------------------------


def test_the_population_is_counted_whole(audit: Audit) -> None:
    """Merged in the quarter: 78. Three are out of scope; two pushes came without one."""
    assert audit.demonstration
    by_name = {row.repository: row for row in audit.summary.repositories}
    ledger, storefront = by_name[f"{OWNER}/ledger"], by_name[f"{OWNER}/storefront"]
    assert (ledger.merged, ledger.in_scope, ledger.excluded, ledger.direct_pushes) == (42, 40, 2, 2)
    assert (storefront.merged, storefront.in_scope) == (35, 34)
    assert (storefront.excluded, storefront.direct_pushes) == (1, 0)
    assert ledger.complete
    assert storefront.complete
    assert audit.summary.changes == len(audit.changes) == 77


def test_most_changes_are_compliant(audit: Audit) -> None:
    summary = audit.summary
    assert (summary.compliant, summary.exceptions, summary.undetermined) == (40, 30, 7)


def test_every_class_of_change_is_shown(audit: Audit) -> None:
    assert Counter(change.class_ for change in audit.changes) == {
        ChangeClass.STANDARD: 69,
        ChangeClass.AUTOMATED: 4,
        ChangeClass.DIRECT_PUSH: 2,
        ChangeClass.EMERGENCY: 1,
        ChangeClass.REVERT: 1,
    }


def test_the_period_is_half_open(changes: Mapping[str, AuditedChange]) -> None:
    """Midnight of 1 July is in it, and so is the last second of September; 1 October is not."""
    titles = {change.title for change in changes.values()}
    assert {"Open the third quarter", "Close the third quarter"} <= titles
    assert not {"Close the books of June", "Open the fourth quarter"} & titles


def test_what_is_out_of_scope_is_listed_with_its_rule(audit: Audit) -> None:
    assert [(row.title, row.rule) for row in audit.excluded] == [
        ("Explain the month's end", "documentation only"),
        ("Try a columnar store for reports", "not a production branch"),
        ("Describe how to return goods", "documentation only"),
    ]


# Each change with a problem -------------------------------------------------------------------

E, U = EXCEPTION, UNDETERMINED
Expected = dict[str, tuple[Outcome, str]]

PROBLEMS: dict[str, Expected] = {
    # No ticket is named anywhere.
    "storefront#5": {"1.1": (E, "No ticket is named")},
    # The only issue is of another organisation, which the policy does not count.
    "ledger#77": {"1.2": (E, "harbour-clearing/message-schemas#1")},
    # Its ticket was cancelled the day before the merge.
    "ledger#79": {"1.4": (E, 'LED-226 was "Cancelled" at the merge')},
    # Its ticket is hidden from the account of the audit.
    "ledger#81": {
        "1.2": (U, "LED-233 could not be read"),
        "1.3": (U, "LED-233 could not be read"),
        "1.4": (U, "LED-233 could not be read"),
    },
    # The ticket came on the 16th, the pull request on the 15th.
    "storefront#17": {"1.3": (E, "2026-07-16 09:12:30Z, after the pull request was opened")},
    # The ticket was closed in February, the pull request opened in August.
    "storefront#29": {"1.4": (E, "had been so since before the pull request was opened")},
    # The head is a fork's main.
    "ledger#30": {"1.5": (E, "a fork's that bears the name of a production branch")},
    # "Summary" holds the template's comment, "How it was tested" the word TBD.
    "storefront#36": {"2.1": (E, '"Summary" (empty) and "How it was tested" (empty)')},
    # One of four items was deleted.
    "storefront#50": {"2.2": (E, '"Input from outside is validated"')},
    # A box was ticked a day after the merge.
    "ledger#26": {"2.3": (E, '"Input from outside is validated"')},
    # What the description said at the merge is gone from its history, and with it the ticket,
    # the checklist, and what it answered.
    "storefront#25": {
        "1.1": (U, "was deleted from its history"),
        "1.2": (U, "see 1.1"),
        "1.3": (U, "see 1.1"),
        "1.4": (U, "see 1.1"),
        "2.1": (U, "was deleted from its history"),
        "2.2": (U, "was deleted from its history"),
        "2.3": (U, "was deleted from its history"),
        "4.1": (U, "was deleted from its history"),
        "4.2": (U, "see 4.1"),
        "4.3": (U, "see 4.1"),
        "4.4": (U, "was deleted from its history"),
        "6.2": (U, "see 4.1"),
    },
    # The one peer approved forty minutes after the merge.
    "ledger#72": {"3.1": (E, "ines-ml")},
    # The one peer is a co-author.
    "storefront#13": {"3.1": (E, "co-author of")},
    # The one peer's approval was dismissed before the merge.
    "ledger#16": {"3.1": (E, "dismissed by dagny-ml at 2026-07-10 05:02:27Z")},
    # A peer's objection stood, beside another's approval.
    "ledger#59": {"3.2": (E, "goran-ml at 2026-09-08 15:14:53Z")},
    # Nobody knows whether the deleted account was a peer's.
    "ledger#70": {"3.2": (U, "deleted now")},
    # The head was rewritten after the peer's approval, and before the lead's.
    "ledger#21": {"3.3": (E, "force-pushed at 2026-07-16 16:36:14Z, after it")},
    # The back-dated commit: both approvals name the older one. Nothing of the server's own shows
    # that the head was there when QA put on its label, and its date does not say otherwise.
    "storefront#32": {
        "3.3": (E, "1 commit"),
        "5.1": (U, "nothing shows"),
        "5.3": (U, "nothing shows"),
        "6.3": (E, "1 commit"),
    },
    # A merge of the base, of which nothing shows that it brought no change of its own, came after
    # the peer, QA and the lead.
    "ledger#47": {
        "3.3": (U, "1 merge"),
        "5.1": (U, "1 merge"),
        "5.3": (U, "1 merge"),
        "6.2": (U, "1 merge"),
        "6.3": (U, "1 merge"),
        "6.5": (U, "1 merge"),
    },
    # Its author, who also wrote its commit, has no account any more: nobody can be shown to be
    # somebody else.
    "ledger#40": {
        "3.1": (U, "deleted now"),
        "3.3": (U, "deleted now"),
        "4.2": (U, "deleted now"),
        "4.3": (U, "deleted now"),
        "5.3": (U, "deleted now"),
        "6.1": (U, "deleted now"),
        "6.2": (U, "deleted now"),
        "6.3": (U, "deleted now"),
        "6.5": (U, "deleted now"),
    },
    # The impact was declared, and security did not approve.
    "storefront#11": {"4.2": (E, "chidi-ml")},
    # Security approved, then a commit came, then the peer, QA and the lead.
    "ledger#66": {"4.3": (E, "1 commit")},
    # Security did approve what the author had declared harmless.
    "ledger#55": {"4.4": (E, "ledger/auth/session.py")},
    # An engineer put on QA's label.
    "storefront#40": {"5.1": (E, "label qa-passed by emeka-ml")},
    # QA's label came three hours after the merge.
    "storefront#21": {"5.1": (E, "No sign-off counts")},
    # Merged 137 days before its checks were asked for: they may have been there.
    "ledger#12": {"5.2": (U, "GitHub may have deleted them after 90")},
    # Merged 53 days before: they were not.
    "storefront#69": {"5.2": (E, "No staging-e2e had completed")},
    # QA's member is a co-author.
    "ledger#61": {"5.3": (E, "co-author of")},
    # Bram was a lead until 21 August and approved on 2 September; Ines only merged.
    "ledger#53": {"6.1": (E, "until 2026-08-21")},
    # QA signed off an hour after the lead.
    "storefront#44": {"6.2": (E, "oskar-ml at 2026-08-27 12:21:44Z")},
    # Farah is an engineer.
    "ledger#43": {"6.4": (E, "farah-ml merged it and is neither")},
    "storefront#56": {"6.4": (U, "deleted")},
    # Bram, an engineer acting as a lead, is the only one who approved.
    "ledger#36": {"6.5": (E, "bram-ml")},
    # The bot merged its own update, unseen. Steps 1, 2 and 4 are not asked of it.
    "storefront#59": {
        "3.1": (E, "There was no review before the merge"),
        "6.1": (E, "There was no review before the merge"),
        "6.4": (E, "meridian-deps[bot], a bot, merged it"),
    },
    # An emergency: the six steps are not asked, and what is asked is not collected.
    "ledger#41": {
        "E.1": (E, "No ticket is named that identifies the critical issue"),
        "E.2": (E, "No approval by the security team"),
        "E.3": (E, "By 2026-08-20 14:07:55Z, a peer "),
        "E.5": (E, "Not complete by 2026-08-20 14:07:55Z"),
        "E.6": (U, "does not say what shows a post-mortem"),
    },
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_is_found_and_nothing_else(
    changes: Mapping[str, AuditedChange], name: str
) -> None:
    """Every attribute that is not named is a pass or not applicable."""
    found = verdicts(changes[name])
    bad = {a: v.outcome for a, v in found.items() if v.outcome in (EXCEPTION, UNDETERMINED)}
    assert bad == {attribute: outcome for attribute, (outcome, _) in PROBLEMS[name].items()}
    for attribute, (_, said) in PROBLEMS[name].items():
        assert said in found[attribute].reason, attribute


NOT_ASKED = {
    "storefront#5": "1.2 1.3 1.4",  # there is no ticket to test
    "runbooks#2": "2.1",  # the template is the checklist alone
    "storefront#50": "2.3",  # what is there is answered; that one is missing is said once
    "ledger#72": "3.3 6.5",  # there is no peer's approval that could be stale or the lead's own
    "storefront#13": "3.3 6.5",
    "ledger#16": "3.3 6.5",
    "storefront#11": "4.3",
    "storefront#40": "5.3",
    "storefront#21": "5.3",
    "ledger#53": "6.2 6.3 6.5",  # there is no lead's approval that could be last, or stale
    "ledger#21": "6.5",  # the peer's approval does not count, so it cannot be the lead's own
    "storefront#32": "6.2 6.5",
    "storefront#59": "3.2 3.3 6.2 6.3 6.5",
}


@pytest.mark.parametrize("name", NOT_ASKED)
def test_one_cause_is_told_once(changes: Mapping[str, AuditedChange], name: str) -> None:
    """What a missing thing leaves nothing to say of is not applicable, not another exception."""
    found = verdicts(changes[name])
    for attribute in NOT_ASKED[name].split():
        assert found[attribute].outcome is NOT_APPLICABLE, attribute
        assert "see " in found[attribute].reason, attribute


@pytest.mark.parametrize(
    ("name", "commits"),
    [
        ("ledger@Raise the memory of the reconciliation job", "1 commit"),
        ("ledger@Tune the connection pool", "3 commits"),
    ],
)
def test_a_direct_push_fails_everything_for_one_cause(
    changes: Mapping[str, AuditedChange], name: str, commits: str
) -> None:
    push = changes[name]
    assert {v.outcome for v in push.verdicts()} == {EXCEPTION}
    assert {v.attribute for v in push.verdicts()} == set(ATTRIBUTE_IDS)
    (reason,) = {v.reason for v in push.verdicts()}
    assert reason.startswith(f"There is no pull request: {commits} reached main without one")


# Changes that look wrong and are not ----------------------------------------------------------

COMPLIANT = {
    "ledger#6": "merged in the first second of the period, by the release manager",
    "ledger#8": "a script in its title",
    "ledger#14": "security asked for by two paths, declared, approved",
    "ledger#17": "its ticket was done minutes after the merge",
    "ledger#19": "a comment by the peer after their approval",
    "ledger#22": "a bot's update, approved and tested",
    "ledger#28": "a formula in its title and a label",
    "ledger#34": "approved by an acting lead in their time, and by QA's member on loan in theirs",
    "ledger#45": "a revert that followed the procedure",
    "ledger#57": "changes requested, then approved by the same peer",
    "ledger#68": "marks of direction in its title",
    "ledger#78": "its ticket was moved to a project that does not count, after the merge",
    "ledger#80": "its ticket was done before the merge, and only since the work was handed in",
    "storefront#9": "rewritten before anybody had approved",
    "storefront#15": "other bullets, capital X and CRLF in the checklist",
    "storefront#19": "Rich markup in its title",
    "storefront#23": "security asked for by a label; the description mended before the merge",
    "storefront#34": "terminal escapes in its title",
    "storefront#38": "an approval that was dismissed after the merge",
    "storefront#42": "an item marked N/A with a reason",
    "storefront#46": "the title changed after the merge",
    "storefront#48": "from a fork's own branch, by somebody outside",
    "storefront#61": "QA's label taken off and put on again",
}


@pytest.mark.parametrize("name", COMPLIANT)
def test_what_only_looks_wrong_is_compliant(
    changes: Mapping[str, AuditedChange], name: str
) -> None:
    assert changes[name].result is Result.COMPLIANT, COMPLIANT[name]


def test_a_ticket_s_life_is_told_beside_the_change_s(
    changes: Mapping[str, AuditedChange],
) -> None:
    told = [entry.what for entry in changes["ledger#17"].timeline]
    assert told.index("pull request opened") < told.index(
        'ticket LED-214: status changed from "In Progress" to "In Review"'
    )
    (done,) = [e for e in changes["ledger#17"].timeline if e.what.endswith('from "QA" to "Done"')]
    assert done.late


def test_a_ticket_that_was_moved_is_told_by_both_keys(
    changes: Mapping[str, AuditedChange],
) -> None:
    reason = verdicts(changes["ledger#78"])["1.2"].reason
    assert "The ticket LED-219, now BILL-12, exists, in the project LED." in reason


def test_a_ticket_that_no_change_names_is_told(audit: Audit) -> None:
    """Done in the quarter: LED-214, LED-228 and LED-230; the first two are named. LED-226 was
    cancelled, LED-198 done before, and LED-233 nobody sees."""
    traced = audit.reverse_trace
    assert traced is not None
    assert [ticket.key for ticket in traced.untraced] == ["LED-230"]


def test_a_security_review_is_told_by_what_asked_for_it(
    changes: Mapping[str, AuditedChange],
) -> None:
    for name, cause in {
        "ledger#14": 'the changed path "ledger/auth/cookies.py" matches "**/auth/**"',
        "storefront#23": 'the label "security" was on at the merge',
        "storefront#58": 'the changed path "infra/iam/payments.tf" matches "infra/iam/"',
    }.items():
        found = verdicts(changes[name])
        assert found["4.1"].outcome is PASS, name
        assert cause in found["4.1"].reason, name
        assert "the checklist declares" in found["4.1"].reason, name


@pytest.mark.parametrize(
    ("name", "late"),
    [
        (
            "ledger#78",
            'ticket BILL-12: key changed from "LED-219" to "BILL-12" at 2026-09-28 09:41:26Z'
            " by Wren",
        ),
        ("ledger#26", "description edited"),
        ("ledger#72", "review submitted: approved"),
        ("storefront#21", "label qa-passed applied"),
        ("storefront#25", "description edited"),
        ("storefront#38", "review dismissed (it was approved)"),
        ("storefront#46", "title changed from 'Larger text on the order page'"),
    ],
)
def test_late_evidence_is_shown_beside_the_verdicts(
    changes: Mapping[str, AuditedChange], name: str, late: str
) -> None:
    assert changes[name].changed_after_merge == (late,)
    assert any(entry.late for entry in changes[name].timeline)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("ledger#8", "<script>alert('ledger')</script> Escape account names in statements"),
        (
            "ledger#28",
            '=HYPERLINK("https://invented.example/?q="&A1,"Pay") no longer runs in exported CSV',
        ),
        ("ledger#68", "Name the \u202eresu gnitpecca\u202c user on every posting"),
        (
            "storefront#19",
            "[bold red]Markup[/bold red] in [link=https://invented.example]reviews[/link] is text",
        ),
        (
            "storefront#34",
            "\x1b]0;pwned\x07\x1b[2J\x1b[31mEscape codes\x1b[0m in product names are dropped",
        ),
        ("storefront#46", "Larger text on the order page"),  # as it was when it merged
    ],
)
def test_hostile_text_is_kept_whole(
    changes: Mapping[str, AuditedChange], name: str, title: str
) -> None:
    assert changes[name].title == title


def test_a_hostile_login_is_kept_whole(changes: Mapping[str, AuditedChange]) -> None:
    assert changes["ledger#30"].author == "quill<img src=x onerror=alert(1)>"


# Every outcome of every attribute -------------------------------------------------------------

NEVER: dict[tuple[str, Outcome], str] = {
    ("1.1", NOT_APPLICABLE): "every change is asked for a ticket",
    ("1.5", UNDETERMINED): "GitHub names base and head of whatever merged",
    ("1.5", NOT_APPLICABLE): "every pull request has a head branch",
    ("2.2", NOT_APPLICABLE): "every pull request is asked for the checklist",
    ("3.1", NOT_APPLICABLE): "every change is asked for a peer",
    ("4.1", EXCEPTION): "whether a review is asked for is decided or not, never broken",
    ("5.1", NOT_APPLICABLE): "every change is asked for QA's sign-off",
    ("5.2", NOT_APPLICABLE): "every change is asked for the test in staging",
    ("6.1", NOT_APPLICABLE): "every change is asked for a lead",
    ("6.4", NOT_APPLICABLE): "whatever merged was merged by somebody",
}
"""The outcomes that the rules do not come to here, each with the reason."""

EVERY = [(attribute, outcome) for attribute in ATTRIBUTE_IDS for outcome in Outcome]


@pytest.fixture(scope="module")
def judged(audit: Audit) -> Mapping[tuple[str, Outcome], list[str]]:
    """The changes by attribute and outcome, where a rule and not the class decided."""
    found: dict[tuple[str, Outcome], list[str]] = {}
    for change in audit.changes:
        if change.class_ in (ChangeClass.DIRECT_PUSH, ChangeClass.EMERGENCY):
            continue
        for verdict in change.verdicts():
            if not verdict.reason.startswith("The policy does not ask this of automated changes"):
                found.setdefault((verdict.attribute, verdict.outcome), []).append(change.id)
    return found


@pytest.mark.parametrize(("attribute", "outcome"), EVERY)
def test_every_outcome_of_every_attribute_is_shown_where_it_can_be(
    judged: Mapping[tuple[str, Outcome], list[str]], attribute: str, outcome: Outcome
) -> None:
    shown = bool(judged.get((attribute, outcome)))
    assert shown is ((attribute, outcome) not in NEVER)


def test_an_emergency_is_asked_its_own_attributes_alone(audit: Audit) -> None:
    (emergency,) = [c for c in audit.changes if c.class_ is ChangeClass.EMERGENCY]
    found = verdicts(emergency)
    assert {found[a].outcome for a in ATTRIBUTE_IDS} == {NOT_APPLICABLE}
    assert {a for a in found if a not in ATTRIBUTE_IDS} == {f"E.{n}" for n in range(1, 7)}


def test_a_bot_is_asked_what_the_policy_leaves_it(audit: Audit) -> None:
    asked = {"3.1", "3.2", "3.3", "5.2", "6.1", "6.2", "6.3", "6.4", "6.5"}
    bots = [change for change in audit.changes if change.class_ is ChangeClass.AUTOMATED]
    assert {bot.author for bot in bots} == {"meridian-deps[bot]"}
    for bot in bots:
        for attribute, verdict in verdicts(bot).items():
            left_out = verdict.reason.startswith("The policy does not ask this of automated")
            assert left_out is (attribute not in asked), (bot.id, attribute)


# The file itself ------------------------------------------------------------------------------


def test_every_pass_cites_what_was_read(audit: Audit) -> None:
    for change in audit.changes:
        for verdict in change.verdicts():
            if verdict.outcome is PASS:
                assert verdict.evidence, (change.id, verdict.attribute)


def test_the_evidence_is_one_small_file() -> None:
    """Without a log beside it, so that it can be read where nothing can be written."""
    evidence = shipped() / "evidence.sqlite"
    assert evidence.stat().st_size < 2_000_000
    assert sorted(path.name for path in evidence.parent.iterdir()) == [
        "demo.json",
        "evidence.sqlite",
        "policy.yaml",
    ]
    with closing(sqlite3.connect(f"{evidence.as_uri()}?mode=ro", uri=True)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_the_evidence_stands_as_it_was_collected() -> None:
    """Every stored answer still has the digest that it arrived with."""
    with Store.open(shipped() / "evidence.sqlite", create=False, read_only=True) as store:
        assert store.verify() == ()


def test_the_description_of_the_world_is_of_this_evidence(audit: Audit) -> None:
    """Whatever merged or was pushed is in `world.py`, by its title."""
    source = (ROOT / "fixtures" / "world.py").read_text(encoding="utf-8")
    texts = {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}
    titles = {change.title for change in audit.changes} | {row.title for row in audit.excluded}
    assert titles <= texts
