"""Who developed a change, and who can be shown not to have."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from builders import (
    GONE,
    actor,
    clock,
    commit,
    force_pushed,
    labeled,
    make_change,
    make_policy,
    person,
)
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
        ({"commits": [commit("abc", "dana", "pat")]}, "is a co-author of abc"),
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


def test_an_email_address_linked_elsewhere_leaves_no_doubt() -> None:
    """Whose it is, is known, however it is written there; nobody else is a developer for it."""
    unlinked_here = commit("one", authors=(unlinked("DANA"),), committer=unlinked("dana"))
    assert pat(commits=[unlinked_here, commit("two")]).answer is True
    assert pat(commits=[commit("one"), unlinked_here]).answer is True
    capitals = msgspec.structs.replace(person(), email="Dana@Example.com")
    linked = commit("one", authors=(capitals,), committer=capitals)
    assert pat(commits=[linked, unlinked_here]).answer is True


NAMELESS = GitPerson("", "", None, None)


def test_without_an_email_address_nobody_is_taken_for_another() -> None:
    """Two persons without an address have that in common with anybody."""
    linked = commit("one", authors=(GitPerson("Dana", "", None, actor()),), committer=person())
    assert pat(commits=[linked]).answer is True
    assert pat(commits=[linked, commit("two", authors=(NAMELESS,))]).answer is None
    own = GitPerson("Pat", "", None, actor("pat"))
    assert pat(commits=[commit(authors=(own,), committer=person())]).answer is False


@pytest.mark.parametrize(
    ("by", "author", "answer"),
    [
        pytest.param("kim", STRANGER, False, id="the address's own"),
        pytest.param("pat", STRANGER, True, id="somebody else"),
        pytest.param(
            "kim",
            msgspec.structs.replace(STRANGER, email="KIM@Example.org"),
            False,
            id="in capitals",
        ),
        pytest.param(
            "pat", msgspec.structs.replace(STRANGER, account=actor("pat")), False, id="as linked"
        ),
        pytest.param(
            "kim", msgspec.structs.replace(STRANGER, account=actor("pat")), True, id="linked to pat"
        ),
    ],
)
def test_the_roster_tells_whose_an_email_address_is(
    by: str, author: GitPerson, answer: bool
) -> None:
    """Where the source links no account to it; the source's own link is believed over it."""
    policy = make_policy().with_people({}, {"kim@example.org": "Kim"})
    who = actor(by)
    assert who is not None
    change = make_change(commits=[commit(authors=(author,), committer=WEB)])
    assert independent(who, developers(change, policy)).answer is answer


def test_an_account_that_the_change_shows_is_believed_over_the_roster() -> None:
    """The address is linked to pat elsewhere in it, so that it makes no developer of kim."""
    policy = make_policy().with_people({}, {"kim@example.org": "kim"})
    linked = commit("one", authors=(msgspec.structs.replace(STRANGER, account=actor("pat")),))
    change = make_change(commits=[linked, commit("two", authors=(STRANGER,))])
    for login, answer in (("kim", True), ("pat", False)):
        by = actor(login)
        assert by is not None
        assert independent(by, developers(change, policy)).answer is answer


def test_developers_are_told_apart_by_id_and_by_login() -> None:
    """Accounts without an id by the one, those that bore one login after another by the other."""
    kinds = [Actor(0, "dee"), Actor(0, "zed"), Actor(3, "pat"), Actor(4, "pat")]
    commits = [
        commit(f"c{n}", authors=(person(), GitPerson("x", f"x{n}@x", None, by)), committer=person())
        for n, by in enumerate(kinds)
    ]
    found = developers(make_change(commits=commits), make_policy())
    for by in (*kinds, Actor(3, "renamed"), Actor(4, "renamed"), Actor(9, "dee")):
        assert independent(by, found).answer is False
    assert independent(Actor(5, "sam"), found).answer is True


def test_a_renamed_developer_is_known_by_the_id() -> None:
    by = actor("pat")
    assert by is not None
    renamed = GitPerson("Pat", "p@example.com", clock(-90), Actor(by.id, "patricia"))
    assert pat(commits=[commit(authors=(renamed,), committer=person())]).answer is False


@pytest.mark.parametrize("part", ["author", "committer"])
def test_a_login_alone_that_github_links_to_nobody_may_be_another_person_s_by_now(
    part: str,
) -> None:
    """It is known for who bears it today, and open whose it was; a bot's is the bot's."""
    for login, answer in (("patricia", None), ("pat", False), ("renovate[bot]", True)):
        who = GitPerson("Pat", f"{login}@users.noreply.github.com", None, Actor(0, login))
        commits = [
            commit(authors=(who,), committer=person())
            if part == "author"
            else commit(authors=(person(),), committer=who)
        ]
        found = pat(commits=commits)
        assert found.answer is answer
        assert (f"{login}@users" in found.why) is (answer is None)
        assert pat({"unlinked_commits": "opener"}, commits=commits).answer is (login != "pat")


def test_github_as_the_author_is_nobody_known() -> None:
    """It writes nothing of its own, so that whoever did left out who it was."""
    for account in (None, actor("web-flow")):
        web = GitPerson("GitHub", "NoReply@github.com", clock(-90), account)
        commits = [commit("one"), commit("two", authors=(web,), committer=web)]
        assert pat(commits=commits).answer is None
        assert pat({"unlinked_commits": "opener"}, author="pat", commits=commits).answer is False


def test_nobody_else_is_a_developer() -> None:
    assert pat() == Holds(True, "no developer of the change")


@pytest.mark.parametrize(
    ("facts", "doubt"),
    [
        ({"author": None}, "the opener's account is deleted now"),
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
    held = pat(**facts)
    assert held.answer is None
    assert re.fullmatch(rf"who (else )?developed it is not known \({re.escape(doubt)}\)", held.why)


def test_doubts_are_counted() -> None:
    two = [commit("one", authors=(STRANGER,)), commit("two", authors=(STRANGER,))]
    assert pat(commits=two).why.endswith("has no linked account, and 1 further doubt)")


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


def test_a_force_push_counts_wherever_it_stands_among_the_events() -> None:
    events = [labeled("bug", at=-95), force_pushed("zoe", base=True), force_pushed("pat", at=-90)]
    assert pat(events=events).answer is False
    assert pat(events=events[::-1]).answer is False


@pytest.mark.parametrize(
    ("committer", "via_web", "answer"),
    [
        pytest.param(WEB, True, True, id="github.com itself"),
        pytest.param(WEB, False, True, id="github.com by its address"),
        pytest.param(
            msgspec.structs.replace(WEB, email="NoReply@GitHub.com"),
            False,
            True,
            id="github.com by its address in capitals",
        ),
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
