"""How the title and the description of the merge are cited: by whom they were written, and when."""

from __future__ import annotations

from typing import Any

import pytest

from builders import GONE, HOUR, clock, edit, labeled, make_change, renamed
from changeaudit.rules.description import cite_description, cite_title
from changeaudit.verdicts import Citation

OPENED = ("dana", -4 * HOUR)


def cited(who: str, at: float) -> Citation:
    return Citation("text", who, clock(at), "https://github.com/acme/payments/pull/12")


@pytest.mark.parametrize(
    ("facts", "by"),
    [
        ({}, OPENED),
        ({"edits": [edit("new", -10, "pat"), edit("old", -20, "paul")]}, ("pat", -10)),
        ({"edits": [edit("old", -20, "paul"), edit("new", -10, "pat")]}, ("pat", -10)),
        ({"edits": [edit("later", 5, "pat"), edit("old", -20, "paul")]}, ("paul", -20)),
        ({"edits": [edit("same", 0, "pat"), edit("same", -20, "paul")]}, ("paul", -20)),
        ({"edits": [edit("new", -10, None), edit("old", -20)]}, ("a deleted account", -10)),
        ({"edits": [edit("later", 5, "pat")]}, OPENED),
        ({"edits": GONE}, OPENED),
        ({"edits": GONE, "edited_at": -10}, ("", -10)),
        ({"edits": GONE, "edited_at": 0}, OPENED),
        ({"edits": GONE, "edited_at": 5}, OPENED),
        ({"author": None}, ("a deleted account", -4 * HOUR)),
    ],
)
def test_the_description_is_cited_by_its_last_edit_before_the_merge(
    facts: dict[str, Any], by: tuple[str, float]
) -> None:
    """Without one, as it was opened; an edit in the second of the merge is none before it."""
    assert cite_description(make_change(**facts), "text") == cited(*by)


@pytest.mark.parametrize(
    ("facts", "by"),
    [
        ({}, OPENED),
        ({"events": [renamed("a", "b", "paul", -20), renamed("b", "c", "pat", -10)]}, ("pat", -10)),
        ({"events": [renamed("b", "c", "pat", -10), renamed("a", "b", "paul", -20)]}, ("pat", -10)),
        ({"events": [renamed("a", "b", "paul", -20), renamed("b", "c", "pat", 5)]}, ("paul", -20)),
        ({"events": [renamed("a", "b", "paul", -20), renamed("b", "c", "pat", 0)]}, ("paul", -20)),
        ({"events": [labeled("bug", "pat", -10)]}, OPENED),
        ({"events": [renamed("a", "b", "pat", 5)]}, OPENED),
        ({"timeline": GONE}, OPENED),
    ],
)
def test_the_title_is_cited_by_its_last_renaming_before_the_merge(
    facts: dict[str, Any], by: tuple[str, float]
) -> None:
    """Without one, as it was opened; whatever else happened to the pull request."""
    assert cite_title(make_change(**facts), "text") == cited(*by)
