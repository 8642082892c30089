"""Waivers: what covers an exception, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from changeaudit.policy import ATTRIBUTE_IDS, EMERGENCY_IDS, STEP_IDS, WAIVABLE, Policy, Waiver
from changeaudit.rules.registry import EMERGENCY, STANDARD
from changeaudit.waivers import waiver_for

MERGED = datetime(2025, 3, 15, 12, tzinfo=UTC)


def waiver(**said: Any) -> Waiver:
    whole = {
        "change": "acme/payments#12",
        "attributes": ["5.2"],
        "reason": "the staging environment was down",
        "by": "Dana Reyes, CTO",
        "until": "2025-03-31",
    }
    return Waiver.model_validate({**whole, **said})


def covered(
    one: Waiver,
    change: str = "acme/payments#12",
    attribute: str = "5.2",
    merged_at: datetime = MERGED,
) -> bool:
    return waiver_for(Policy(waivers=(one,)), change, attribute, merged_at) is one


@pytest.mark.parametrize(
    ("name", "said", "asked", "expected"),
    [
        ("the change and attribute", {}, {}, True),
        ("another attribute", {}, {"attribute": "5.1"}, False),
        ("the step of a waived attribute", {}, {"attribute": "5"}, False),
        ("an attribute of a waived step", {"attributes": ["5"]}, {"attribute": "5.1"}, True),
        ("a waived step", {"attributes": ["5"]}, {"attribute": "5"}, True),
        ("an attribute of another step", {"attributes": ["5"]}, {"attribute": "6.1"}, False),
        ("one of several", {"attributes": ["1.1", "6", "5.2"]}, {"attribute": "6.4"}, True),
        ("an emergency's attribute", {"attributes": ["E.5"]}, {"attribute": "E.5"}, True),
        ("all of an emergency", {"attributes": ["E"]}, {"attribute": "E.2"}, True),
        ("another change", {}, {"change": "acme/payments#13"}, False),
        ("a change whose number begins alike", {}, {"change": "acme/payments#123"}, False),
        ("a repository that ends alike", {}, {"change": "bad-acme/payments#12"}, False),
        ("another repository", {}, {"change": "acme/ledger#12"}, False),
        ("a glob", {"change": "acme/legacy#*"}, {"change": "acme/legacy#7"}, True),
        ("a glob and another repository", {"change": "acme/legacy#*"}, {}, False),
        (
            "a direct push",
            {"change": "acme/payments@4f2a90be1c77"},
            {"change": "acme/payments@4f2a90be1c77"},
            True,
        ),
        (
            "a direct push by fewer digits",
            {"change": "acme/payments@4f2a90b"},
            {"change": "acme/payments@4f2a90be1c77"},
            True,
        ),
        (
            "a direct push by all digits",
            {"change": f"acme/payments@4f2a90be1c77{'0' * 28}"},
            {"change": "acme/payments@4f2a90be1c77"},
            True,
        ),
        (
            "another direct push",
            {"change": "acme/payments@4f2a90c"},
            {"change": "acme/payments@4f2a90be1c77"},
            False,
        ),
        (
            "every direct push",
            {"change": "acme/payments@*"},
            {"change": "acme/payments@4f2a90be1c77"},
            True,
        ),
        ("a glob of repositories", {"change": "acme/pay*#12"}, {}, True),
        ("a glob of repositories, another number", {"change": "acme/pay*#1"}, {}, False),
        ("every repository of an owner", {"change": "acme/*#*"}, {}, True),
        (
            "a glob of pull requests and a direct push",
            {"change": "acme/payments#*"},
            {"change": "acme/payments@4f2a90be1c77"},
            False,
        ),
        (
            "the last second of the last day",
            {},
            {"merged_at": datetime(2025, 3, 31, 23, 59, 59, tzinfo=UTC)},
            True,
        ),
        (
            "the second after",
            {},
            {"merged_at": datetime(2025, 4, 1, tzinfo=UTC)},
            False,
        ),
        (
            "the last day is in UTC",
            {},
            {"merged_at": datetime(2025, 4, 1, 1, tzinfo=timezone(timedelta(hours=2)))},
            True,
        ),
        ("granted before the merge", {"granted": "2025-03-01"}, {}, True),
        ("granted after the merge", {"granted": "2025-03-20"}, {}, True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_waiver_covers(
    name: str, said: dict[str, Any], asked: dict[str, Any], expected: bool
) -> None:
    assert covered(waiver(**said), **asked) is expected


def test_the_first_waiver_that_covers_is_given() -> None:
    """An expired one does not stand before one that covers."""
    expired, first, second = waiver(until="2025-01-01"), waiver(by="A"), waiver(by="B")
    policy = Policy(waivers=(expired, first, second))
    assert waiver_for(policy, "acme/payments#12", "5.2", MERGED) is first


def test_without_waivers_nothing_is_covered() -> None:
    assert waiver_for(Policy(), "acme/payments#12", "5.2", MERGED) is None


def test_what_can_be_waived_is_what_there_is() -> None:
    """Every attribute of both procedures, and their steps, and nothing else."""
    assert tuple(attribute.id for attribute in STANDARD) == ATTRIBUTE_IDS
    assert tuple(attribute.id for attribute in EMERGENCY) == EMERGENCY_IDS
    assert {attribute.step for attribute in (*STANDARD, *EMERGENCY)} == {*STEP_IDS, "E"}
    assert len(set(WAIVABLE)) == len(WAIVABLE) == len(STANDARD) + len(EMERGENCY) + 7
