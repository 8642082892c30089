"""What could not be read is said once, with the repositories and the permission that is missing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from builders import clock, make_change, make_policy, make_repository, review
from changeaudit.change import Change
from changeaudit.policy import Policy
from changeaudit.records import CodeOwners, Team, Unavailable
from changeaudit.unread import Unread

REFUSED = Unavailable("GitHub answered: no", "Checks: read")
GONE = Unavailable("GitHub has deleted it")
NOTHING_OWNED = CodeOwners("CODEOWNERS", "", clock(-100))
READABLE = make_policy(roles={"peer": {"users": ["pat"]}, "lead": {"users": ["lee"]}})


def change(repository: str = "acme/payments", **facts: Any) -> Change:
    """A change of a repository all of which could be read, but for `facts`."""
    whole = make_change(repository=repository, **facts)
    return msgspec.structs.replace(
        whole, repository=make_repository(name=repository, codeowners=NOTHING_OWNED)
    )


def said(*changes: Change, policy: Policy = READABLE) -> list[str]:
    noted = Unread(policy)
    for each in changes:
        noted.see(each)
    return list(noted.said())


def test_where_all_could_be_read_nothing_is_said() -> None:
    assert said(change(), change("acme/web")) == []
    assert said() == []


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("checks", "Checks"),
        ("commits", "The commits"),
        ("files", "The changed files"),
        ("reviews", "The reviews"),
        ("labels", "The labels"),
        ("timeline", "The timeline"),
        ("comments", "The comments"),
        ("merge_commit", "What merged"),
    ],
)
def test_a_part_that_could_not_be_read_is_said_with_the_permission(field: str, words: str) -> None:
    facts: dict[str, Any] = {"head_oid": "head"} if field == "commits" else {}
    found = said(change(**{**facts, field: REFUSED}))
    assert found == [
        f"{words} of 1 change of acme/payments could not be read: GitHub answered: no. The token"
        " needs Checks: read."
    ]


def test_it_is_said_once_for_all_changes_and_reasons() -> None:
    found = said(
        change(checks=REFUSED), change(checks=GONE), change("acme/web", checks=REFUSED), change()
    )
    assert found == [
        "Checks of 2 changes of acme/payments and 1 change of acme/web could not be read: GitHub"
        " answered: no and GitHub has deleted it. The token needs Checks: read."
    ]


def test_a_history_of_edits_matters_where_something_was_edited() -> None:
    assert said(change(edits=GONE)) == []
    (found,) = said(change(edits=GONE, edited_at=clock(5)))
    assert found.startswith("The history of the description of 1 change of acme/payments could not")


def test_what_the_queue_tested_is_what_counts() -> None:
    queued = change(checks=REFUSED, merge_commit_checks=())
    queued = msgspec.structs.replace(
        queued, at_merge=msgspec.structs.replace(queued.at_merge, queued=True)
    )
    assert said(queued) == []


@pytest.mark.parametrize("role", ["peer", "lead"])
def test_who_may_write_is_said_to_be_unknown_where_a_role_asks_for_it(role: str) -> None:
    hidden = change(reviews=[review("pat", can_write=GONE), review("lee", can_write=GONE)])
    roles = {"peer": {"users": ["pat"]}, "lead": {"users": ["lee"]}, role: {"write_access": True}}
    policy = make_policy(roles=roles)
    assert said(hidden) == []
    assert said(hidden, policy=policy) == [
        "Whether reviewers may write to acme/payments could not be read: GitHub has deleted it."
    ]
    assert said(change(), policy=policy) == []
    (unread_too,) = said(change(reviews=GONE), policy=policy)
    assert unread_too.startswith("The reviews of")


def test_members_that_are_hidden_are_said_with_the_permission() -> None:
    hidden = Unavailable("GitHub answered for team acme/qa: not found", "Members: read")
    teams = (
        Team("acme/qa", hidden, clock(0)),
        Team("acme/peers", (), clock(0)),
    )
    found = [msgspec.structs.replace(each, teams=teams) for each in (change(), change("acme/web"))]
    assert said(*found) == [
        "The members of acme/qa could not be read: GitHub answered for team acme/qa: not found."
        " The token needs Members: read."
    ]


def test_files_of_the_repository_are_said_where_the_policy_asks_for_them() -> None:
    unshown = make_repository(templates=GONE, codeowners=GONE)
    found = msgspec.structs.replace(change(), repository=unshown)
    told = "of acme/payments could not be read: GitHub has deleted it."
    assert said(found) == [f"The pull request templates {told}"]
    owned = make_policy(roles={"peer": {"codeowners": True}})
    assert said(found, policy=owned)[1:] == [f"CODEOWNERS {told}"]
