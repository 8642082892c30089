"""Every attribute tells what would have made it pass, by keys that a policy has."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from builders import make_change, make_policy
from changeaudit.explanation import Remedy
from changeaudit.policy import Part, Policy
from changeaudit.rules.approvals import approved
from changeaudit.rules.registry import EMERGENCY, STANDARD
from changeaudit.rules.remedies import (
    DIRECT_PUSH,
    NAMED,
    OWNERS,
    REMEDIES,
    UNSURE,
    remedies_of,
)
from changeaudit.verdicts import ChangeClass, Citation, exception, not_applicable, undetermined
from reporters.sample import change

EVERY = [attribute.id for attribute in (*STANDARD, *EMERGENCY)]


def test_every_attribute_has_a_remedy_and_nothing_else_has() -> None:
    assert list(REMEDIES) == EVERY


@dataclass(frozen=True)
class Leaf:
    """What a path of keys leads to, where it leads to anything."""

    found: bool


def key(path: str) -> Leaf:
    """Follows a dotted path through the policy's models."""
    model: type[Part] | None = Policy
    for name in path.split("."):
        if model is None or name not in model.model_fields:
            return Leaf(False)
        inner = model.model_fields[name].annotation
        model = inner if isinstance(inner, type) and issubclass(inner, Part) else None
    return Leaf(True)


@pytest.mark.parametrize("id_", EVERY)
def test_a_remedy_is_a_few_sentences_and_names_keys_that_there_are(id_: str) -> None:
    remedy = REMEDIES[id_]
    assert remedy.attribute == id_
    assert remedy.text[0].isupper()
    assert remedy.text.endswith(".")
    assert 1 <= remedy.text.count(". ") + 1 <= 2
    assert "  " not in remedy.text
    assert len(remedy.text) < 400
    assert remedy.policy_keys
    assert [path for path in remedy.policy_keys if not key(path).found] == []


def test_a_key_that_there_is_not_would_be_found() -> None:
    assert not key("tickets.place").found
    assert not key("name.first").found


def test_only_what_is_open_is_remedied_in_the_order_of_the_procedure() -> None:
    found = change(
        findings={
            "6.1": exception("nobody"),
            "1.1": exception("none named"),
            "3.3": undetermined("cannot be told"),
            "4": not_applicable("not triggered"),
        }
    )
    remedies = remedies_of(found)
    assert [each.attribute for each in remedies] == ["1.1", "3.3", "6.1"]
    assert remedies[0] == REMEDIES["1.1"]
    asked = REMEDIES["3.3"]
    assert remedies[1] == Remedy("3.3", UNSURE["3.3"], asked.policy_keys)


def test_what_is_past_is_not_ordered() -> None:
    """Only 4.1 is never an exception: what it lacks can still be put right."""
    ordered = [id_ for id_ in EVERY if not REMEDIES[id_].text.startswith("It would have passed if")]
    assert ordered == ["4.1"]
    assert set(UNSURE) <= set(EVERY)


def test_owners_are_asked_for_only_where_the_verdict_rests_on_who_owns_the_files() -> None:
    file = Citation(".github/CODEOWNERS on main")
    (owned,) = remedies_of(change(findings={"3.1": exception("no owner", [file])}))
    (plain,) = remedies_of(change(findings={"3.1": exception("nobody")}))
    assert owned.text == plain.text + OWNERS
    assert plain == REMEDIES["3.1"]


def test_a_role_that_nobody_holds_is_to_be_named() -> None:
    policy = make_policy(roles={"lead": {"users": []}})
    finding = approved(make_change(), policy, "lead", 1)
    (remedy,) = remedies_of(change(findings={"6.1": finding}))
    assert remedy.text == NAMED


def test_a_compliant_change_needs_none() -> None:
    assert remedies_of(change()) == ()


def test_a_direct_push_has_one_remedy_for_everything() -> None:
    push = change(
        number=None,
        class_=ChangeClass.DIRECT_PUSH,
        findings=dict.fromkeys("123456", exception("no pull request")),
    )
    remedies = remedies_of(push)
    assert [each.attribute for each in remedies] == [a.id for a in STANDARD]
    assert {each.text for each in remedies} == {DIRECT_PUSH}
