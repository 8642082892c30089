"""Step 2: the template and its security checklist."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from builders import (
    BODY,
    DAY,
    GONE,
    HOUR,
    clock,
    edit,
    make_change,
    make_policy,
    make_repository,
    template,
)
from changeaudit.markdown import LIMIT
from changeaudit.rules import step2_template
from changeaudit.rules.step2_template import (
    security_checklist_answered,
    security_checklist_present,
    template_filled,
)
from changeaudit.verdicts import Citation, Finding, Outcome

PASS, EXCEPTION = Outcome.PASS, Outcome.EXCEPTION
UNDETERMINED, NOT_APPLICABLE = Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE

RULES = (template_filled, security_checklist_present, security_checklist_answered)
OPENED = -4 * HOUR


def judge(
    rule: Any, body: str | None = None, templates: Any = None, policy: Any = None, **facts: Any
) -> Finding:
    """The rule's finding on a description, held against the repository's templates."""
    given = dict(facts)
    if body is not None:
        given["body"] = body
    if templates is not None:
        given["repository"] = make_repository(templates=templates)
    finding: Finding = rule(make_change(**given), policy or make_policy())
    return finding


PULL = "https://github.com/acme/payments/pull/12"
REPOSITORY = "https://github.com/acme/payments"
CITED_TEMPLATE = Citation(
    "template .github/pull_request_template.md, last changed",
    at=clock(-30 * DAY),
    url=f"{REPOSITORY}/blob/main/.github/pull_request_template.md",
)
CITED_REPOSITORY = Citation(
    "templates of the repository as collected", at=clock(DAY), url=REPOSITORY
)


def cited(what: str) -> Citation:
    """The description as its opener wrote it."""
    return Citation(what, "dana", clock(OPENED), PULL)


def checklist(*lines: str, heading: str = "## Security checklist") -> str:
    """A description with nothing but the checklist."""
    return "\n".join([heading, "", *lines])


TICKED = ("- [x] No secrets are in the code", "- [x] Input is validated")
LAST = "Access checks are in place"


def test_a_compliant_change_passes_every_attribute() -> None:
    """The builder's change follows step 2, with evidence of who wrote it and when."""
    for attribute in step2_template.ATTRIBUTES:
        finding = judge(attribute.rule)
        assert finding.outcome is PASS, attribute.id
        assert finding.evidence[0].who == "dana"
        assert finding.evidence[0].at == clock(OPENED)


@pytest.mark.parametrize("rule", RULES)
def test_the_text_at_the_merge_is_judged(rule: Any) -> None:
    """What was filled in after the merge does not count, and what was taken out then does."""
    filled_later = [
        edit(BODY, at=5),
        edit("## Security checklist\n- [ ] Input is validated", at=-100),
    ]
    assert judge(rule, edits=filled_later).outcome is EXCEPTION
    emptied_later = [edit("", at=5), edit(BODY, at=-100, by="paul")]
    finding = judge(rule, edits=emptied_later)
    assert finding.outcome is PASS
    assert (finding.evidence[0].who, finding.evidence[0].at) == ("paul", clock(-100))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"edits": [edit(BODY, at=5)]}, "not in the history"),
        ({"edits": [edit(BODY, at=5), edit(None, at=-100)]}, "deleted"),
        ({"body": BODY + "a\n" * LIMIT}, "characters long"),
    ],
)
def test_a_text_that_is_not_known_is_undetermined(
    rule: Any, facts: dict[str, Any], word: str
) -> None:
    """Neither today's text nor a part of it stands in for the text at the merge."""
    finding = judge(rule, **facts)
    assert finding.outcome is UNDETERMINED
    assert word in finding.reason


def test_a_text_edited_by_nobody_knows_whom_is_cited_without_a_name() -> None:
    """Edited before the merge, its history unread: today's text stood, by whom is not told."""
    finding = judge(template_filled, edits=GONE, edited_at=-100)
    assert finding.outcome is PASS
    assert (finding.evidence[0].who, finding.evidence[0].at) == ("", clock(-100))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("templates", "word"),
    [
        (GONE, "did not answer"),
        ([], "no "),
        ([template(changed=1)], "2026-03-10 12:01:00Z"),
        ([template(changed=0)], "not before the merge"),
        ([template(changed=GONE)], "did not answer"),
        ([template("a\n" * LIMIT)], "longer than"),
    ],
)
def test_a_template_that_is_not_known_is_undetermined(rule: Any, templates: Any, word: str) -> None:
    """Unread, not there, or changed since: what was asked at the merge is not known."""
    finding = judge(rule, templates=templates)
    assert finding.outcome is UNDETERMINED
    assert word in finding.reason


# 2.1


ASKS = "## What\n\nDescribe the change.\n\n## Testing\n\n- [ ] by hand\n- [ ] in staging\n"


@pytest.mark.parametrize(
    "testing",
    [
        "It was run.",
        "- run by hand",
        "- [x] by hand",
        "- [ ] by hand: no, the robot did it",
        "- [ ] by hand\n\n  not needed",
        "```\n12 passed\n```",
        "![a screenshot](https://a.example/x.png)",
        '<img src="https://a.example/x.png">',
        "### Details\n\nIt was run.",
        "測試過了",
        "Describe the change. It was run.",
        "Todos are kept in a list of their own.",
    ],
)
def test_a_heading_that_holds_words_is_filled(testing: str) -> None:
    """The author's words, ticked boxes, output and pictures fill a heading."""
    finding = judge(template_filled, f"## What\nRounds.\n## Testing\n{testing}", [template(ASKS)])
    assert finding.outcome is PASS, finding.reason
    assert 'under "Testing"' in finding.evidence[1].what


@pytest.mark.parametrize(
    "testing",
    [
        "",
        "<!-- It was run. -->",
        "- [ ] by hand\n- [ ] in staging",
        "- [ ] by robot",
        "Describe the change.",
        "describe **the** change",
        "Describe\nthe change.",
        "TODO",
        "- TBD",
        "todo: write this",
        "...",
        "- [ ] by hand: TODO",
        "- [ ] (by robot)",
        "- [ ] by robot and by whatever else nobody who wrote the template had ever thought of",
        "Describe the change.\nby hand",
        "(?)",
        "- [x] (?)",
        "- [x]",
        "[x]",
        "***",
        "### Details",
        "[//]: # (It was run.)",
    ],
)
def test_a_heading_without_words_is_not_filled(testing: str) -> None:
    """The template's words, comments, placeholders and boxes left alone are nothing."""
    text = f"## What\nRounds.\n## Testing\n{testing}\n## Other\nwords"
    finding = judge(template_filled, text, [template(ASKS)])
    assert finding.outcome is EXCEPTION, finding.reason
    assert '"Testing" (empty)' in finding.reason
    assert "What" not in finding.reason


@pytest.mark.parametrize(
    ("testing", "outcome"),
    [
        ("Say how, and if it\nwas not, say why.", EXCEPTION),
        ("Say how, and if it was not, say why.", EXCEPTION),
        ("- [ ] by hand twice", EXCEPTION),
        ("- [ ] by hand twice: TODO", EXCEPTION),
        ("- [ ] by hand twice: on a Tuesday", PASS),
    ],
)
def test_the_templates_words_are_its_own_however_they_are_wrapped(
    testing: str, outcome: Outcome
) -> None:
    """A paragraph is compared as a whole and by its lines, a box by the longest that it is."""
    asks = (
        "## Testing\nSay how, and if it\nwas not, say why.\n\n- [ ] by hand\n- [ ] by hand twice\n"
    )
    assert judge(template_filled, f"## Testing\n{testing}", [template(asks)]).outcome is outcome


def test_a_heading_without_words_is_not_required() -> None:
    """A rule of signs parts sections and asks nothing."""
    asks = [template("## 🔒\n## What\n")]
    assert judge(template_filled, "## What\nRounds.", asks).outcome is PASS


def test_a_missing_heading_is_named() -> None:
    """A heading that was deleted is missing, however much else is written."""
    finding = judge(template_filled, "## What\nRounds.\n\nTesting: it was run.", [template(ASKS)])
    assert finding.outcome is EXCEPTION
    assert '"Testing" (missing)' in finding.reason


@pytest.mark.parametrize("body", ["", " \r\n", ASKS, ASKS.replace("\n", "\r\n")])
def test_an_empty_description_and_the_bare_template_are_exceptions(body: str) -> None:
    """Neither says anything."""
    assert judge(template_filled, body, [template(ASKS)]).outcome is EXCEPTION


def test_headings_are_compared_as_they_read() -> None:
    """Case, emphasis, emoji, level and a colon make no other heading."""
    body = "# 🧪 **testing**:\nrun\n#### what\nrounds"
    assert judge(template_filled, body, [template(ASKS)]).outcome is PASS


@pytest.mark.parametrize("optional", ["Screenshots (optional)", "If applicable: screenshots"])
def test_an_optional_heading_is_not_required(optional: str) -> None:
    """What the template marks as optional may be left out."""
    asks = f"{ASKS}\n## {optional}\n"
    assert judge(template_filled, "## What\na\n## Testing\nb", [template(asks)]).outcome is PASS


def test_the_checklist_is_left_to_its_own_attributes() -> None:
    """Without the checklist's section 2.1 still passes, so that one cause is said once."""
    body = BODY.partition("## Security")[0]
    assert judge(template_filled, body).outcome is PASS


def test_a_template_of_the_checklist_alone_asks_nothing_else() -> None:
    """Then 2.1 is not applicable, not passed."""
    alone = "## Security checklist\n- [ ] a\n### More\n- [ ] b\n"
    finding = judge(template_filled, "anything", [template(alone)])
    assert finding.outcome is NOT_APPLICABLE
    assert "see 2.2" in finding.reason
    assert finding.evidence == (CITED_TEMPLATE,)


def test_an_item_of_the_checklist_excuses_no_heading_of_its_name() -> None:
    """What the checklist's section holds besides headings is not a heading."""
    asks = "## Testing\n## Security checklist\n- [ ] Testing\n"
    finding = judge(template_filled, checklist("- [x] Testing"), [template(asks)])
    assert finding.outcome is EXCEPTION
    assert '"Testing" (missing)' in finding.reason


def test_a_template_without_headings_asks_for_words() -> None:
    """The description holds more than the template."""
    asks = [template("Please describe.\n\n- [ ] done\n")]
    finding = judge(template_filled, "Please describe.\n\nRounds.", asks)
    assert finding.outcome is PASS
    assert finding.reason.startswith("The description fills the text of the template")
    assert finding.evidence == (cited('description: "Rounds."'), CITED_TEMPLATE)
    finding = judge(template_filled, "Please describe.\n\n- [ ] done", asks)
    assert finding.outcome is EXCEPTION
    assert "the description" in finding.reason


def test_a_box_that_the_template_ticks_is_the_templates() -> None:
    """Only a box that the author ticked says anything."""
    asks = [template("## Kind\n- [x] bug\n- [ ] feature\n")]
    assert judge(template_filled, "## Kind\n- [x] bug\n- [ ] feature", asks).outcome is EXCEPTION
    assert judge(template_filled, "## Kind\n- [ ] bug\n- [x] feature", asks).outcome is PASS


def test_an_empty_template_asks_nothing_that_could_pass() -> None:
    """A template of comments alone is undetermined."""
    for text in ("", "\n\n", "[//]: # (x)"):
        finding = judge(template_filled, "Rounds.", [template(text)])
        assert finding.outcome is UNDETERMINED
        assert "holds no text" in finding.reason
        assert finding.evidence == (CITED_REPOSITORY,)


def test_an_empty_template_hides_no_other() -> None:
    """Nor does one that asks nothing."""
    empty = template("", path="empty.md"), template("## Security checklist", path="nothing.md")
    for templates in ([*empty, template(ASKS)], [template(ASKS), *empty]):
        assert judge(template_filled, "## What\na\n## Testing\nb", templates).outcome is PASS
        assert judge(template_filled, "## What\na", templates).outcome is EXCEPTION


def test_without_a_template_the_line_that_the_policy_lacks_is_named() -> None:
    finding = judge(template_filled, templates=[])
    assert finding.outcome is UNDETERMINED
    assert "has no pull request template" in finding.reason
    assert "add template.headings to the policy" in finding.reason
    assert finding.evidence == (CITED_REPOSITORY,)


def test_of_several_templates_one_must_be_filled() -> None:
    """The one that was filled passes; if none is, the nearest is told."""
    docs = template("## Page\n## Reader\n## Why\n", path="docs.md")
    templates = [docs, template(ASKS, path="code.md")]
    finding = judge(template_filled, "## What\na\n## Testing\nb", templates)
    assert finding.outcome is PASS
    assert "code.md" in finding.reason
    for order in (templates, templates[::-1]):
        finding = judge(template_filled, "## What\na", order)
        assert finding.outcome is EXCEPTION
        assert "code.md" in finding.reason
        assert '"Page"' not in finding.reason
        assert finding.evidence[1].what == "template code.md, last changed"


def test_an_unknown_template_beside_one_that_is_not_filled() -> None:
    """The unknown one may be the one that was filled."""
    templates = [template(ASKS, path="code.md"), template(path="new.md", changed=GONE)]
    finding = judge(template_filled, "## What\na", templates)
    assert finding.outcome is UNDETERMINED
    assert "new.md" in finding.reason
    assert 'Not filled, of the template code.md: "Testing" (missing); but' in finding.reason
    assert finding.evidence[0] == cited("description, 9 characters")
    assert judge(template_filled, "## What\na\n## Testing\nb", templates).outcome is PASS


@pytest.mark.parametrize(
    ("last", "present", "answered"),
    [
        ("", UNDETERMINED, UNDETERMINED),
        (f"- [ ] {LAST}", PASS, EXCEPTION),
        (f"- [x] {LAST}", PASS, PASS),
    ],
)
def test_an_unknown_template_beside_one_whose_checklist_is_not_there(
    last: str, present: Outcome, answered: Outcome
) -> None:
    """The unknown one may ask for less; what is there has to be answered all the same."""
    templates = [template(), template(path="new.md", changed=GONE)]
    body = checklist(*TICKED, last)
    assert judge(security_checklist_present, body, templates).outcome is present
    assert judge(security_checklist_answered, body, templates).outcome is answered


def test_a_checklist_beside_a_real_template_excuses_nothing() -> None:
    """A template that asks nothing besides the checklist is not chosen over one that does."""
    templates = [template("## Security checklist\n- [ ] a", path="a.md"), template(ASKS)]
    assert judge(template_filled, "## What\na", templates).outcome is EXCEPTION


@pytest.mark.parametrize("rule", [template_filled, security_checklist_present])
@pytest.mark.parametrize(
    ("changed", "outcome"), [(OPENED - 1, EXCEPTION), (OPENED, UNDETERMINED), (-1, UNDETERMINED)]
)
def test_a_template_changed_after_the_opening_shows_no_exception(
    rule: Any, changed: float, outcome: Outcome
) -> None:
    """The description was begun with the template before it; filled all the same, it passes."""
    assert judge(rule, "Rounds.", [template(changed=changed)]).outcome is outcome
    assert judge(rule, BODY, [template(changed=changed)]).outcome is PASS


HEADINGS = {"headings": ["What and why", "Security checklist"]}


def test_the_policys_headings_come_first() -> None:
    """With headings of its own the policy asks for these alone."""
    policy = make_policy(template=HEADINGS)
    assert judge(template_filled, "## What and why\nRounds.", policy=policy).outcome is PASS
    finding = judge(template_filled, "## How it was tested\nRun.", policy=policy)
    assert finding.outcome is EXCEPTION
    assert '"What and why" (missing)' in finding.reason


def test_the_repositorys_words_do_not_fill_the_policys_headings() -> None:
    """They are the template's, also when the template has changed since, which is noted."""
    policy = make_policy(template=HEADINGS)
    asks = "## What and why\nSay it.\n- [x] said\n"
    for changed in (-DAY, 1):
        templates = [template(asks, changed=changed)]
        assert judge(template_filled, asks, templates, policy).outcome is EXCEPTION
    words = (cited('under "What and why": "Rounds."'),)
    finding = judge(template_filled, "## What and why\nRounds.", templates, policy)
    assert (finding.outcome, finding.evidence) == (PASS, words)
    assert "Note: " in finding.reason
    finding = judge(template_filled, "## What and why\nRounds.", GONE, policy)
    assert (finding.outcome, finding.evidence) == (UNDETERMINED, words)
    finding = judge(template_filled, "nothing", GONE, policy)
    assert finding.outcome is EXCEPTION
    assert finding.evidence == (cited("description, 7 characters"),)
    assert '"What and why" (missing).' in finding.reason
    assert "the description (" not in finding.reason
    finding = judge(template_filled, "## What and why\nRounds.", [], policy)
    assert finding.reason == "The description fills 1 required heading of the policy."


def test_a_policy_that_asks_for_the_checklist_alone() -> None:
    """Then 2.1 has nothing to test."""
    policy = make_policy(template={"headings": ["security CHECKLIST"]})
    assert judge(template_filled, policy=policy).outcome is NOT_APPLICABLE


# 2.2 and 2.3


@pytest.mark.parametrize(
    ("last", "present", "answered"),
    [
        (f"- [x] {LAST}", PASS, PASS),
        (f"- [X] {LAST}", PASS, PASS),
        (f"* [x] **{LAST}**, reviewed twice", PASS, PASS),
        (f"+ [x] {LAST.upper()}", PASS, PASS),
        (f"1. [x] {LAST}", PASS, PASS),
        (f"- group\n  - [x] {LAST}", PASS, PASS),
        (f"### More\n- [x] {LAST}", PASS, PASS),
        (f"- [ ] {LAST}", PASS, EXCEPTION),
        (f"- [ ] {LAST}: N/A", PASS, EXCEPTION),
        (f"- [ ] {LAST}: N/A - TODO", PASS, EXCEPTION),
        (f"- [ ] {LAST}: N/A (TODO)", PASS, EXCEPTION),
        (f"- [ ] {LAST}: N/A (?)", PASS, EXCEPTION),
        (f"- [ ] {LAST}: none", PASS, EXCEPTION),
        (f"- [ ] {LAST}: N/A, no access here", PASS, PASS),
        (f"- [ ] {LAST} (n/a: no access here)", PASS, PASS),
        (f"- [ ] {LAST} – not applicable as nothing is read", PASS, PASS),
        (f"- [ ] N/A {LAST} - nothing is read", PASS, PASS),
        (f"- [ ] N/A: {LAST}", PASS, EXCEPTION),
        (f"- [ ] {LAST} N/A\n\n  nothing is read", PASS, PASS),
        (f"- [ ] {LAST}\n  - N/A, nothing is read", PASS, PASS),
        (f"- [ ] {LAST}: N/A <!-- a reason -->", PASS, EXCEPTION),
        (f"- [x] {LAST}\n- [ ] {LAST}", PASS, EXCEPTION),
        (f"- {LAST}", EXCEPTION, NOT_APPLICABLE),
        (f"- [x]{LAST}", EXCEPTION, NOT_APPLICABLE),
        (f"- [x] {LAST}ment", EXCEPTION, NOT_APPLICABLE),
        (f"<!--\n- [x] {LAST}\n-->", EXCEPTION, NOT_APPLICABLE),
        (f"```\n- [x] {LAST}\n```", EXCEPTION, NOT_APPLICABLE),
        (f"## Elsewhere\n- [x] {LAST}", EXCEPTION, NOT_APPLICABLE),
        ("", EXCEPTION, NOT_APPLICABLE),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_last_item(last: str, present: Outcome, answered: Outcome, newline: str) -> None:
    """Two items are ticked; the third decides whether all are there and answered."""
    body = checklist(*TICKED, last).replace("\n", newline)
    finding = judge(security_checklist_present, body)
    assert finding.outcome is present, finding.reason
    if present is EXCEPTION:
        assert f'1 is missing: "{LAST}"' in finding.reason
    finding = judge(security_checklist_answered, body)
    assert finding.outcome is answered, finding.reason
    if answered is EXCEPTION:
        assert LAST.lower() in finding.reason.lower()
        assert "1 is " in finding.reason


def test_a_deleted_section_is_one_exception() -> None:
    """2.2 says that the heading is missing, and 2.3 has nothing to judge."""
    finding = judge(security_checklist_present, "Rounds.")
    assert finding.outcome is EXCEPTION
    assert 'heading "Security checklist" is missing' in finding.reason
    finding = judge(security_checklist_answered, "Rounds.")
    assert finding.outcome is NOT_APPLICABLE
    assert finding.reason.startswith("No item of the security checklist is there")


def test_a_box_that_is_no_item_needs_no_answer() -> None:
    """Authors may add boxes of their own."""
    body = checklist(*TICKED, f"- [x] {LAST}", "- [ ] my own reminder")
    finding = judge(security_checklist_answered, body)
    assert finding.outcome is PASS
    assert "Each of the 3 items" in finding.reason
    assert len(finding.evidence) == 4


N_A = f"- [ ] {LAST}: N/A, nothing is read"
BODY_OF = checklist(*TICKED)
ITEMS = ('"No secrets are in the code"', '"Input is validated"', f'"{LAST}"')


@pytest.mark.parametrize(
    ("rule", "body", "templates", "outcome", "evidence"),
    [
        (
            security_checklist_present,
            checklist(*TICKED, N_A),
            None,
            PASS,
            [*(f"checklist item {item}" for item in ITEMS[:2]),
             f'checklist item "{LAST}: N/A, nothing is read"', CITED_TEMPLATE],
        ),
        (
            security_checklist_answered,
            checklist(*TICKED, N_A),
            None,
            PASS,
            [*(f"ticked: {item}" for item in ITEMS[:2]),
             f'N/A with a reason: "{LAST}: N/A, nothing is read"', CITED_TEMPLATE],
        ),
        (
            security_checklist_present,
            BODY_OF,
            None,
            EXCEPTION,
            [f"description, {len(BODY_OF)} characters", CITED_TEMPLATE],
        ),
        (
            security_checklist_answered,
            BODY_OF,
            None,
            NOT_APPLICABLE,
            [f"ticked: {item}" for item in ITEMS[:2]],
        ),
        (
            security_checklist_answered,
            checklist("- [ ] Input is validated"),
            None,
            EXCEPTION,
            ["description, 47 characters", CITED_TEMPLATE],
        ),
        (security_checklist_present, BODY, [], UNDETERMINED, [CITED_REPOSITORY]),
        (
            security_checklist_present,
            BODY,
            [template(changed=GONE)],
            UNDETERMINED,
            [CITED_REPOSITORY],
        ),
        (template_filled, BODY, [template(changed=GONE)], UNDETERMINED, [CITED_REPOSITORY]),
        (
            template_filled,
            BODY,
            None,
            PASS,
            ['under "What and why": "Rounds half a cent to even, as the ledger does."',
             'under "How it was tested": "Unit tests, and a day of invoices replayed in staging."',
             CITED_TEMPLATE],
        ),
        (
            template_filled,
            "",
            None,
            EXCEPTION,
            ["description, 0 characters", CITED_TEMPLATE],
        ),
        (
            security_checklist_present,
            BODY_OF,
            [template(changed=-1)],
            UNDETERMINED,
            [f"description, {len(BODY_OF)} characters",
             msgspec.structs.replace(CITED_TEMPLATE, at=clock(-1))],
        ),
    ],
)  # fmt: skip
def test_what_was_read_is_cited(
    rule: Any, body: str, templates: Any, outcome: Outcome, evidence: list[str | Citation]
) -> None:
    """The words or boxes that pass, or the text that lacks them, and what asked for them."""
    finding = judge(rule, body, templates)
    assert finding.outcome is outcome, finding.reason
    expected = (cited(each) if isinstance(each, str) else each for each in evidence)
    assert finding.evidence == tuple(expected)


def test_counts_are_worded_as_they_are() -> None:
    """How many headings and items there are, and how many of them fail."""
    assert judge(template_filled).reason.startswith("The description fills 2 required headings of")
    assert judge(security_checklist_present).reason.startswith("All 3 items of")
    none = checklist(
        "- [ ] No secrets are in the code", "- [ ] Input is validated", f"- [x] {LAST}"
    )
    assert "2 are neither ticked nor marked N/A" in judge(security_checklist_answered, none).reason
    policy = make_policy(security_checklist={"not_applicable_allowed": False})
    finding = judge(security_checklist_answered, none, policy=policy)
    assert "2 are not ticked: " in finding.reason
    empty = judge(security_checklist_present, templates=[])
    assert "has no template and" in empty.reason
    empty = judge(security_checklist_present, templates=[template("## Security checklist")])
    assert 'has no item under "Security checklist" and' in empty.reason


def test_unanswered_items_that_are_there_are_named_though_others_are_missing() -> None:
    """2.3 judges what is there."""
    finding = judge(security_checklist_answered, checklist("- [ ] Input is validated"))
    assert finding.outcome is EXCEPTION
    assert "Input is validated" in finding.reason
    assert "secrets" not in finding.reason


def test_not_applicable_may_be_forbidden() -> None:
    """Then only a tick answers."""
    policy = make_policy(security_checklist={"not_applicable_allowed": False})
    body = checklist(*TICKED, f"- [ ] {LAST}: N/A, nothing is read")
    finding = judge(security_checklist_answered, body, policy=policy)
    assert finding.outcome is EXCEPTION
    assert "not ticked" in finding.reason


@pytest.mark.parametrize(
    ("asked", "answer", "outcome"),
    [
        ("{} (N/A if nothing is read)", "{} (N/A if nothing is read)", EXCEPTION),
        ("{} (N/A if nothing is read)", "{} (N/A if nothing is read): N/A, no input", PASS),
        ("{} (N/A if nothing is read)", "{}: N/A, no input", PASS),
        ("{}\n\n  If it is N/A, say why.", "{}\n\n  If it is N/A, say why.", EXCEPTION),
        ("{}\n\n  If it is N/A, say why.", "{}\n\n  N/A, no input.", PASS),
        ("{}\n\n  If N/A, say why.\n  In words.", "{}\n\n  If N/A, say why.", EXCEPTION),
        ("{}\n\n  If N/A, say why.", "{}\n\n  If N/A,\n  say why.", EXCEPTION),
        (
            "{}\n\n  If N/A, say why.\n\n  In words.",
            "{}\n\n  In words.\n\n  If N/A, say why.",
            EXCEPTION,
        ),
    ],
)
def test_a_templates_own_words_are_no_reason(asked: str, answer: str, outcome: Outcome) -> None:
    """An item that nobody touched is not answered, whatever the template says beside it."""
    templates = (template(checklist(*TICKED, f"- [ ] {asked.format(LAST)}")),)
    policy = make_policy(
        security_checklist={"items": ["No secrets are in the code", "Input is validated", LAST]}
    )
    body = checklist(*TICKED, f"- [ ] {answer.format(LAST)}")
    assert judge(security_checklist_answered, body, templates, policy).outcome is outcome


@pytest.mark.parametrize("templates", [GONE, [], [template("## Other\n")]])
def test_an_items_own_words_are_no_reason(templates: Any) -> None:
    """Also where the policy alone words the item."""
    policy = make_policy(security_checklist={"items": [LAST]})
    bare, said = checklist(f"- [ ] {LAST}: N/A"), checklist(f"- [ ] {LAST}: N/A, no input")
    assert judge(security_checklist_answered, bare, templates, policy).outcome is EXCEPTION
    assert judge(security_checklist_answered, said, templates, policy).outcome is PASS


def test_the_policys_items_come_first() -> None:
    """With items of its own the policy asks for these alone, template or not."""
    policy = make_policy(
        security_checklist={"heading": "Safety", "items": ["Keys", "Keys rotated"]}
    )
    body = checklist("- [x] Keys", "- [x] Keys rotated", heading="## Safety")
    for rule in (security_checklist_present, security_checklist_answered):
        finding = judge(rule, body, GONE, policy)
        assert finding.outcome is PASS
        assert finding.evidence[-1].what == "checklist items of the policy"


def test_an_item_that_begins_like_another_does_not_stand_for_it() -> None:
    """A box belongs to the longest item that it begins with."""
    policy = make_policy(security_checklist={"items": ["Keys", "Keys rotated"]})
    for box in ("Keys rotated", "Keys rotated every week"):
        finding = judge(security_checklist_present, checklist(f"- [x] {box}"), policy=policy)
        assert finding.outcome is EXCEPTION
        assert '1 is missing: "Keys"' in finding.reason


@pytest.mark.parametrize("rule", [security_checklist_present, security_checklist_answered])
@pytest.mark.parametrize(
    "text", ["## Security checklist\n", "## Other\n- [ ] a", "## Security checklist\n- [ ] 🔒"]
)
def test_an_empty_checklist_is_not_all_ticked(rule: Any, text: str) -> None:
    """Zero items are said to be empty, with the line that the policy lacks."""
    finding = judge(rule, checklist("- [x] a"), [template(text)])
    assert finding.outcome is UNDETERMINED
    assert "checklist is empty" in finding.reason
    assert "security_checklist.items" in finding.reason


def test_items_of_the_policy_without_words_are_an_empty_checklist() -> None:
    """A list of signs asks nothing."""
    policy = make_policy(security_checklist={"items": ["..."]})
    assert judge(security_checklist_present, policy=policy).outcome is UNDETERMINED


def test_of_several_checklists_the_nearest_is_asked() -> None:
    """One template's items are enough; a template without a checklist asks none."""
    templates = [
        template("## Page", path="docs.md"),
        template("## Security checklist\n- [ ] one\n- [ ] two\n- [ ] three", path="big.md"),
        template("## Security checklist\n- [ ] one", path="small.md"),
    ]
    body = checklist("- [x] one")
    assert judge(security_checklist_present, body, templates).outcome is PASS
    assert judge(security_checklist_answered, body, templates).outcome is PASS


def test_what_2_2_cannot_tell_2_3_does_not_pass() -> None:
    """With a template newer than the pull request a missing item leaves both open."""
    newer = [template(changed=-1)]
    for body in ("Rounds.", checklist(*TICKED)):
        assert judge(security_checklist_present, body, newer).outcome is UNDETERMINED
        assert judge(security_checklist_answered, body, newer).outcome is UNDETERMINED


IMPACT = {"impact_items": ["Touches sign-in"], "no_impact_items": ["No security impact"]}


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        (["- [x] Touches sign-in", "- [ ] No security impact"], PASS),
        (["- [ ] Touches sign-in", "- [x] No security impact"], PASS),
        (["- [ ] Touches sign-in", "- [ ] No security impact"], EXCEPTION),
    ],
)
def test_one_of_two_declarations_answers_both(lines: list[str], outcome: Outcome) -> None:
    """Items that declare and deny impact are alternatives: nobody can tick both in truth."""
    items = ["Touches sign-in", "No security impact"]
    policy = make_policy(security_review=IMPACT, security_checklist={"items": items})
    finding = judge(security_checklist_answered, checklist(*lines), policy=policy)
    assert finding.outcome is outcome
    if outcome is PASS:
        by = {citation.what.partition(' "')[0] for citation in finding.evidence[:-1]}
        assert by == {"ticked:", "settled by the item"}


def test_one_declaration_alone_has_no_alternative() -> None:
    """Where only one kind is offered, a box left alone is not answered."""
    policy = make_policy(
        security_review={"impact_items": ["Touches sign-in"]},
        security_checklist={"items": ["Touches sign-in", "Keys"]},
    )
    body = checklist("- [ ] Touches sign-in", "- [x] Keys")
    assert judge(security_checklist_answered, body, policy=policy).outcome is EXCEPTION


def test_two_declarations_of_one_kind_do_not_answer_each_other() -> None:
    """Each says something else, and both may be so."""
    policy = make_policy(
        security_review={**IMPACT, "impact_items": ["Touches sign-in", "Touches invoices"]},
        security_checklist={"items": ["Touches sign-in", "Touches invoices"]},
    )
    body = checklist("- [x] Touches sign-in", "- [ ] Touches invoices")
    assert judge(security_checklist_answered, body, policy=policy).outcome is EXCEPTION


def test_a_template_of_the_greatest_length_is_read() -> None:
    """And one that is a character longer is not known to its end."""
    longest = "## What\n" + "a" * (LIMIT - 8)
    assert judge(template_filled, "", [template(longest)]).outcome is EXCEPTION
    assert judge(template_filled, "", [template(f"{longest}a")]).outcome is UNDETERMINED


def test_one_item_reads_as_one() -> None:
    """A checklist of one item is worded in the singular."""
    policy = make_policy(security_checklist={"items": ["Keys"]})
    body = checklist("- [x] Keys")
    assert judge(security_checklist_present, body, policy=policy).reason.startswith("The one item")
    assert judge(security_checklist_answered, body, policy=policy).reason.startswith("The one item")
    policy = make_policy(security_checklist={"items": ["Keys", "Locks"]})
    body = checklist("- [x] Keys", "- [x] Locks")
    assert judge(security_checklist_present, body, policy=policy).reason.startswith("All 2 items")
    finding = judge(security_checklist_answered, body, policy=policy)
    assert finding.reason.startswith("Each of the 2 items")
