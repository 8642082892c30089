"""Who developed a change, and who can be shown not to have."""

from __future__ import annotations

from typing import Any

import pytest

from builders import GONE, actor, clock, commit, force_pushed, make_change, make_policy, person
from changeaudit.people import Holds
from changeaudit.records import Actor, GitPerson
from changeaudit.rules.developers import developers, independent

WEB = GitPerson("GitHub", "noreply@github.com", clock(-90), None)
STRANGER = GitPerson("Kim", "kim@example.org", clock(-90), None)


def pat(policy: dict[str, Any] | None = None, **facts: Any) -> Holds:
    """Whether pat is independent of a change with these facts."""
    by = actor("pat")
    assert by is not None
    return independent(by, developers(make_change(**facts), make_policy(**(policy or {}))))


def unlinked(login: str) -> GitPerson:
    """Somebody by the e-mail address alone."""
    return person(login, linked=False)


@pytest.mark.parametrize(
    ("facts", "part"),
    [
        ({"author": "pat"}, "opened the pull request"),
        ({"commits": [commit("abc", "pat")]}, "is the author of abc"),
        ({"commits": [commit("abc", "dana", "pat")]}, "is the co-author of abc"),
        ({"commits": [commit("abc", committer=person("pat"))]}, "is the committer of abc"),
        ({"events": [force_pushed("pat", at=-90)]}, "force-pushed the branch"),
        (
            {"commits": GONE, "events": [force_pushed("pat", at=-90)]},
            "force-pushed the branch",
        ),
        (
            {"commits": [commit("one", "pat"), commit("abc", authors=(unlinked("pat"),))]},
            "is the author of one",
        ),
    ],
)
def test_each_part_in_a_change_makes_a_developer(facts: dict[str, Any], part: str) -> None:
    assert pat(**facts) == Holds(False, f"pat {part}")


def test_an_email_address_linked_elsewhere_in_the_change_is_its_accounts() -> None:
    """The later commit's address belongs to no account there, and to pat's in another commit."""
    co_written = commit("one", authors=(person("dana"), unlinked("PAT")), committer=person("dana"))
    linked = commit("two", committer=person("pat"))
    assert pat(commits=[co_written, linked]).answer is False
    assert pat(commits=[linked, co_written]).answer is False


def test_a_renamed_developer_is_known_by_the_id() -> None:
    by = actor("pat")
    assert by is not None
    renamed = GitPerson("Pat", "p@example.com", clock(-90), Actor(by.id, "patricia"))
    assert pat(commits=[commit(authors=(renamed,), committer=person())]).answer is False


def test_nobody_else_is_a_developer() -> None:
    assert pat() == Holds(True, "no developer of the change")


@pytest.mark.parametrize(
    ("facts", "doubt"),
    [
        ({"author": None}, "it was opened by an account that is deleted now"),
        ({"commits": GONE}, "its commits could not be read: the source did not answer"),
        ({"timeline": GONE}, "force-pushes could not be read: the source did not answer"),
        ({"commits": []}, "the merged head head is not among the commits read"),
        (
            {"head_oid": "0123456789"},
            "the merged head 0123456 is not among the commits read",
        ),
        (
            {"events": [force_pushed(None, at=-90)]},
            "the branch was force-pushed by an account that is deleted now",
        ),
        (
            {"events": [force_pushed("pat", at=0)]},
            "pat force-pushed the branch in the very second of the merge",
        ),
        (
            {"commits": [commit("abc", authors=(STRANGER,), committer=WEB)]},
            "the author of abc, Kim <kim@example.org>, has no linked account",
        ),
        (
            {"commits": [commit("abc", authors=(), committer=STRANGER)]},
            "the committer of abc, Kim <kim@example.org>, has no linked account",
        ),
        (
            {"commits": [commit("abc", authors=(GitPerson("", "", None, None),))]},
            "the author of abc, nameless <>, has no linked account",
        ),
    ],
)
def test_what_is_not_known_of_the_developers_leaves_it_open(
    facts: dict[str, Any], doubt: str
) -> None:
    assert pat(**facts) == Holds(None, doubt)


def test_doubts_are_counted() -> None:
    two = [commit("one", authors=(STRANGER,)), commit("two", authors=(STRANGER,))]
    assert pat(commits=two).why.endswith("has no linked account (and 1 more)")


def test_a_known_part_is_sure_whatever_else_is_unknown() -> None:
    assert pat(author=None, commits=[commit("abc", "pat")]).answer is False


def test_unlinked_commits_may_count_as_the_openers() -> None:
    opener = {"unlinked_commits": "opener"}
    facts: dict[str, Any] = {"commits": [commit(authors=(STRANGER,))]}
    assert pat(opener, **facts).answer is True
    assert pat(opener, author="pat", **facts).answer is False
    assert pat(opener, author=None, **facts).answer is None


def test_a_force_push_of_the_base_or_after_the_merge_develops_nothing() -> None:
    events = [force_pushed("pat", at=-90, base=True), force_pushed("pat", at=30)]
    assert pat(events=events).answer is True


@pytest.mark.parametrize(
    ("committer", "via_web", "answer"),
    [
        pytest.param(WEB, True, True, id="github.com itself"),
        pytest.param(WEB, False, True, id="github.com by its address"),
        pytest.param(
            GitPerson("GitHub Enterprise", "noreply@ghe.example", None, None),
            True,
            True,
            id="Enterprise Server itself",
        ),
        pytest.param(STRANGER, False, None, id="somebody unknown"),
        pytest.param(person("pat"), True, False, id="a person on the web"),
    ],
)
def test_github_as_the_committer_is_nobody(
    committer: GitPerson, via_web: bool, answer: bool | None
) -> None:
    assert pat(commits=[commit(committer=committer, via_web=via_web)]).answer is answer


def test_applying_ones_own_suggestion_is_writing() -> None:
    """GitHub names who applied a suggestion as the author and who made it as the co-author."""
    suggestion = commit("two", "dana", "pat", committer=WEB, via_web=True)
    assert pat(commits=[commit("one"), suggestion]).answer is False
    applied = commit("two", "pat", committer=WEB, via_web=True)
    assert pat(commits=[commit("one"), applied]).answer is False
