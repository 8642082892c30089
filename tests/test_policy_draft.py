"""The policy that is drafted: it loads, holds the answers and nothing else, whatever was found."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from changeaudit.errors import PolicyError
from changeaudit.policy import PROFILES, Policy
from changeaudit.policy_draft import EXAMPLES, MARK, WIDTH, Draft, drafted, problem, value_of
from changeaudit.policy_file import load_policy
from changeaudit.suggestions import Found, Suggestion
from changeaudit.yaml_document import visible

DAY = date(2026, 11, 22)
HOSTILE = (
    'it\'s "quoted"',
    "a: b",
    "# no comment",
    "x #1",
    "!!python/object/apply:os.system",
    "*alias",
    "&anchor",
    "- item",
    "? key",
    "{a: 1}",
    "[x]",
    "yes",
    "no",
    "null",
    "~",
    "1.0",
    "0x1F",
    "2026-01-01",
    "=",
    "<<",
    "%YAML 1.2",
    "@at",
    "`tick",
    "| literal",
    "> folded",
    "line\nroles: {lead: {write_access: true}}",
    "carriage\rreturn",
    "tab\there",
    "\u2028separator\u2029",
    "\x85next line",
    "bidi \u202egnp.exe",
    "zero\u200bwidth",
    "\x1b[31mred",
    "nul\0",
    "Prüfung bestanden ✅",
    "漢字 " * 20,
    "y" * 300,
    ("long words " * 30)[:300].strip(),
    " edges ",
    "...",
    "---",
    "'",
    '"',
    "\\",
    "\\u202e",
)


def draft(**changes: Any) -> Draft:
    values = {
        "profile": "default",
        "name": "acme/payments",
        "on": DAY,
        "asked": (),
        "answers": {},
        "suggestions": {},
        **changes,
    }
    return Draft(**values)


def loaded(text: str) -> Policy:
    return load_policy(text, "draft").policy


def in_force(text: str) -> Any:
    return yaml.safe_load(text)


def blocks(text: str) -> list[str]:
    """The text with each of its runs of marked lines in force, one at a time."""
    lines = text.splitlines()
    marked = [line.startswith(MARK) for line in lines]
    starts = [n for n, is_marked in enumerate(marked) if is_marked and not (n and marked[n - 1])]
    found = []
    for start in starts:
        stop = next((n for n in range(start, len(lines)) if not marked[n]), len(lines))
        taken = [line.removeprefix(MARK) for line in lines[start:stop]]
        found.append("\n".join([*lines[:start], *taken, *lines[stop:]]))
    return found


def everything(text: str) -> str:
    return re.sub(f"^{MARK}", "", text, flags=re.MULTILINE)


def at(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = value[key]
    return value


ANSWERS: dict[str, Any] = {
    "scope.branches": ["default", "release/*"],
    "classes.emergency.labels": ["emergency"],
    "classes.automated": value_of("classes.automated", ["renovate[bot]"]),
    "roles.security": {"teams": ["acme/security"], "users": ["kim"]},
    "qa.review": True,
    "qa.comment": "QA passed:",
    "final_approval.peer_may_be_lead": False,
    "tickets.jira_projects": ["PAY"],
}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_draft_of_nothing_is_its_profile(profile: str) -> None:
    """Whatever stands in it beside the profile's name is a comment."""
    text = drafted(draft(profile=profile, name=""))
    assert in_force(text) == {"version": 1, "extends": profile}
    expected = loaded(f"extends: {profile}")
    assert loaded(text) == expected


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("answers", [{}, ANSWERS], ids=["unanswered", "answered"])
def test_each_block_that_is_not_in_force_can_be_put_in_force(
    profile: str, answers: dict[str, Any]
) -> None:
    text = drafted(draft(profile=profile, answers=answers))
    found = blocks(text)
    assert len(found) > 7
    before = loaded(text)
    for block in found:
        assert loaded(block) != before or "peer_may_be_lead" in block
    assert in_force(everything(text)).keys() >= {path.partition(".")[0] for path in EXAMPLES}


def test_the_answers_are_in_force_and_nothing_else() -> None:
    held = in_force(drafted(draft(answers=ANSWERS, name="Payments")))
    for path, value in ANSWERS.items():
        assert at(held, path) == value
    expected = {path.partition(".")[0] for path in ANSWERS} | {"version", "extends", "name"}
    assert held.keys() == expected
    assert held["roles"].keys() == {"security"}
    assert held["name"] == "Payments"


def test_the_keys_stand_in_the_order_of_a_policy() -> None:
    def keys(value: Any) -> list[str]:
        return list(value)

    text = drafted(draft())
    held = in_force(everything(text))
    fields = [field.alias or name for name, field in Policy.model_fields.items()]
    assert keys(held) == [key for key in fields if key in held]
    for section in ("classes", "roles", "tickets", "security_review", "qa"):
        model: Any = Policy.model_fields[section].annotation
        assert keys(held[section]) == [key for key in model.model_fields if key in held[section]]


def test_every_key_is_explained_in_the_words_of_the_model() -> None:
    text = " ".join(drafted(draft()).replace(MARK, "").replace("# ", "").split())
    for said in (
        "Labels that QA applies to sign off.",
        "The security team (step 4).",
        "Globs of the head branch.",
    ):
        assert said in text


def test_an_answer_says_where_it_came_from() -> None:
    found = {
        "qa.labels": Suggestion((Found("qa-ok"), Found("tested")), "the labels of acme/payments"),
        "roles.peer": Suggestion(
            (Found("acme/devs", "Devs, 4 members"), Found("codeowners")), "the teams of acme"
        ),
        "roles.lead": Suggestion((Found("acme/leads"),), "the teams of acme"),
        "classes.automated": Suggestion((Found("renovate[bot]"),), "what merged last"),
    }
    answers = {
        "qa.labels": ["tested"],
        "roles.peer": value_of("roles.peer", ["acme/devs", "codeowners"]),
        "roles.lead": {"teams": ["acme/other"]},
        "classes.automated": value_of("classes.automated", ["renovate[bot]"]),
        "qa.review": True,
    }
    text = drafted(draft(answers=answers, suggestions=found))

    def before(line: str) -> str:
        lines = text.splitlines()
        return lines[lines.index(line) - 1].strip()

    assert (
        before("  labels: [tested]") == "# From the labels of acme/payments, asked on 2026-11-22."
    )
    assert before("  peer:") == "# From the teams of acme, asked on 2026-11-22."
    assert before("  automated:") == "# From what merged last, asked on 2026-11-22."
    assert before("  lead:") == "# Answered on 2026-11-22."
    assert before("  review: true") == "# Answered on 2026-11-22."


def test_what_was_found_stands_there_with_its_notes_and_is_not_in_force() -> None:
    found = Suggestion((Found("acme/sec", "Security, 2 members"),), "the teams of acme, by name")
    text = drafted(draft(suggestions={"roles.security": found}))
    assert "#:   # Found in the teams of acme, by name, asked on 2026-11-22:" in text
    assert "#:   #   acme/sec: Security, 2 members" in text
    assert loaded(text) == loaded("{version: 1, extends: default, name: acme/payments}")
    assert at(in_force(everything(text)), "roles.security") == {"teams": ["acme/sec"]}


@pytest.mark.parametrize(("profile", "said"), [("strict", "false"), ("lean", "true")])
def test_what_the_profile_says_is_told(profile: str, said: str) -> None:
    text = drafted(draft(profile=profile))
    assert f"#:   # In profile {profile}: {said}. Example:\n#:   peer_may_be_lead: true" in text


def test_who_was_asked_stands_at_the_top() -> None:
    text = drafted(draft(asked=("github.test was asked about acme/payments.", "x\nroles: {}")))
    assert "\n#\n# github.test was asked about acme/payments.\n# x\\nroles: {}\n\n" in text


# Hostile text -----------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", PROFILES)
def test_a_draft_of_hostile_text_loads(profile: str) -> None:
    """As it is, with each of its blocks in force, and with all of them."""
    found = Suggestion(tuple(Found(text, f"note {text}") for text in HOSTILE), HOSTILE[-1])
    paths = [path for path, value in EXAMPLES.items() if isinstance(value, list)]
    some = {path: found for path in paths if problem(path, list(HOSTILE)) == ""}
    assert len(some) > 10
    text = drafted(draft(profile=profile, suggestions=some, answers={"qa.labels": list(HOSTILE)}))
    assert loaded(text).qa.labels == HOSTILE
    for block in blocks(text):
        loaded(block)
    assert at(in_force(everything(text)), "template.headings") == list(HOSTILE)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_a_value_and_nothing_more(text: str) -> None:
    """As an answer, as a suggestion, as a name, and in what comments say of it."""
    suggestion = Suggestion((Found(text, f"note {text}"), Found("plain")), f"source {text}")
    written = drafted(
        draft(
            name=text[:100],
            asked=(f"asked {text}",),
            answers={"qa.labels": [text, "plain"], "security_checklist.heading": text},
            suggestions={
                "security_review.labels": suggestion,
                "tickets.types": suggestion,
                "qa.labels": suggestion,
            },
        )
    )
    assert in_force(written) == {
        "version": 1,
        "extends": "default",
        "name": text[:100],
        "security_checklist": {"heading": text},
        "qa": {"labels": [text, "plain"]},
    }
    held = in_force(everything(written))
    assert held["security_review"]["labels"] == held["tickets"]["types"] == [text, "plain"]
    unseen = set("\x00\x1b\r\t\x85\u2028\u2029\u202e\u200b")
    assert not unseen & set(written)


@settings(max_examples=40)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    suggestion = {"qa.staging_checks": Suggestion((Found(text, text),), text)}
    if not text.strip():
        return
    written = drafted(draft(answers={"qa.labels": [text]}, suggestions=suggestion))
    assert in_force(written)["qa"]["labels"] == [text]
    assert in_force(everything(written))["qa"]["staging_checks"] == [text]
    assert [line for line in written.split("\n") if visible(line, 10 * WIDTH) != line] == []


def test_names_that_people_read_are_not_escaped() -> None:
    text = drafted(draft(name="Prüfung", answers={"qa.labels": ["geprüft ✅", "bidi \u202e"]}))
    assert "name: Prüfung" in text
    assert '"bidi \\u202E"' in text


def test_a_long_list_has_an_item_on_each_line() -> None:
    many = [f"a label with number {number}" for number in range(12)]
    text = drafted(draft(answers={"qa.labels": many}))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "\n  - a label with number 3\n" in text


def test_no_line_ends_in_a_blank_or_is_too_long() -> None:
    text = drafted(draft(answers=ANSWERS))
    assert not re.search(r"[ \t]$", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.endswith("\n")


# Values -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "said", "value"),
    [
        ("qa.labels", ["a", "b"], ["a", "b"]),
        ("security_checklist.heading", ["Checks"], "Checks"),
        ("roles.qa", ["acme/qa", "@kim", "lee"], {"teams": ["acme/qa"], "users": ["kim", "lee"]}),
        ("roles.qa", ["@acme/qa"], {"teams": ["acme/qa"]}),
        ("roles.peer", ["write"], {"write_access": True}),
        ("roles.peer", ["codeowners", "kim"], {"users": ["kim"], "codeowners": True}),
        ("classes.automated", ["x[bot]"], {"authors": ["x[bot]"], "attributes": ["3", "5.2", "6"]}),
    ],
)
def test_words_as_the_policy_holds_them(path: str, said: list[str], value: Any) -> None:
    assert value_of(path, said) == value
    assert problem(path, value) == ""


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("roles.qa", {"teams": ["qa team/x"]}, "roles.qa.teams[0]: expected a team as"),
        ("roles.qa", {"users": ["a b"]}, "expected a GitHub login"),
        ("roles.security", {"codeowners": True}, "roles.security.codeowners: unknown key"),
        ("tickets.jira_projects", ["pay"], "expected a Jira project key in capitals"),
        ("qa.comment", "QA", "expected text of at least 3 characters, found 'QA'"),
        ("qa.labels", ["x" * 301], "expected text of at most 300 characters"),
        ("scope.branches", [" "], "not blank"),
    ],
)
def test_what_cannot_stand_in_a_policy_is_told_why(path: str, value: Any, said: str) -> None:
    assert said in problem(path, value)
    with pytest.raises(PolicyError):
        drafted(draft(answers={path: value}))


@pytest.mark.parametrize("path", EXAMPLES)
def test_every_example_can_stand_in_a_policy(path: str) -> None:
    assert problem(path, EXAMPLES[path]) == ""
