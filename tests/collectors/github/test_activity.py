"""Who moved a branch by hand: asked for while GitHub remembers it, kept, and read back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from changeaudit.collectors.github import activity as module
from changeaudit.collectors.github.activity import (
    branches_deleted,
    collect_activity,
    collect_deleted,
    read_activity,
)
from changeaudit.collectors.github.transport import Reply
from changeaudit.collectors.spans import Span
from changeaudit.errors import CollectError
from changeaudit.records import ActivityKind, ActorKind, BranchActivity, Unavailable
from collectors.github.fake_github import HOST, REPOSITORY, Json, Place, at, z

MARCH = Span(at("03-01"), at("04-01"))
MAY = Span(at("05-10"), at("06-01"))


def moved(number: int, when: str, kind: str = "push", **facts: Any) -> Json:
    return {
        "list": "activity",
        "id": number,
        "ref": "refs/heads/main",
        "before": f"b{number}",
        "after": f"a{number}",
        "timestamp": z(when),
        "activity_type": kind,
        "actor": {"login": "mal", "id": 7, "type": "User"},
        **facts,
    }


def bypassed(number: int, when: str, **facts: Any) -> Json:
    return {
        "list": "rule-suites",
        "id": number,
        "ref": "refs/heads/main",
        "after_sha": f"a{number}",
        "pushed_at": z(when),
        "result": "bypass",
        "actor_name": "mal",
        **facts,
    }


def collect(place: Place, period: Span = MARCH, branch: str = "main") -> BranchActivity:
    collect_activity(place.session, REPOSITORY, branch, period)
    return read_activity(place.store, HOST, REPOSITORY, branch, period)


def ids(found: tuple[Any, ...] | Unavailable) -> list[int]:
    assert not isinstance(found, Unavailable), found
    return sorted(each.id for each in found)


def test_pushes_and_force_pushes_are_asked_for_and_read_back(place: Place) -> None:
    place.github.listed = [moved(2, "03-09", "force_push"), moved(1, "03-02", actor=None)]
    found = collect(place)
    assert [(name, asked["activity_type"]) for name, asked in place.github.rest] == [
        ("activity", "push"),
        ("activity", "force_push"),
        ("activity", "branch_creation"),
        ("activity", "branch_deletion"),
    ]
    assert place.github.rest[0][1]["ref"] == "refs/heads/main"
    assert not isinstance(found.moves, Unavailable)
    pushed, forced = found.moves
    assert (pushed.kind, pushed.before, pushed.after, pushed.at) == (
        ActivityKind.PUSH,
        "b1",
        "a1",
        at("03-02"),
    )
    assert pushed.actor is None
    assert forced.kind is ActivityKind.FORCE_PUSH
    assert forced.actor is not None
    assert (forced.actor.id, forced.actor.login, forced.actor.kind) == (7, "mal", ActorKind.USER)
    assert len(forced.evidence) == 64
    assert found.missing == ()


def test_that_a_branch_was_made_and_deleted_is_known(place: Place) -> None:
    place.github.listed = [
        moved(2, "03-09", "branch_creation", before="0" * 40),
        moved(1, "03-08", "branch_deletion", after="0" * 40),
    ]
    found = collect(place)
    assert ids(found.moves) == []
    assert not isinstance(found.ends, Unavailable)
    made, gone = found.ends
    assert (made.kind, made.after, made.at) == (ActivityKind.CREATION, "a2", at("03-09"))
    assert (gone.kind, gone.before, gone.at) == (ActivityKind.DELETION, "b1", at("03-08"))
    assert found.ends_missing == ()


def test_a_store_from_before_that_was_asked_says_so(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it holds of pushes stays known; the rest is asked for when there is a network."""
    monkeypatch.setattr(module, "_ENDS", ())
    place.github.listed = [moved(1, "03-02")]
    with monkeypatch.context() as earlier:
        earlier.setattr(module, "ENDS_KIND", "something else")
        collect(place)
    found = read_activity(place.store, HOST, REPOSITORY, "main", MARCH)
    assert ids(found.moves) == [1]
    assert isinstance(found.ends, Unavailable)
    monkeypatch.undo()
    assert collect(place).ends == ()


def test_branches_that_are_gone_are_found_by_their_deletion(place: Place) -> None:
    """Those of the policy's patterns, in the period; the default branch cannot be deleted."""
    gone = {"ref": "refs/heads/release/1", "after": "0" * 40}
    place.github.listed = [
        moved(4, "03-20", "branch_deletion", **gone),
        moved(3, "03-12", "branch_deletion", ref="refs/heads/feature/x"),
        moved(2, "03-09", "branch_deletion", **gone),
        moved(1, "02-09", "branch_deletion", ref="refs/heads/release/0"),
    ]

    def deleted(*patterns: str) -> tuple[str, ...]:
        return collect_deleted(place.session, REPOSITORY, patterns, MARCH)

    assert deleted("default") == ()
    assert place.github.rest == []
    assert deleted("default", "release/*") == ("release/1",)
    assert [asked.get("ref") for _, asked in place.github.rest] == [None]
    assert set(deleted("*")) == {"feature/x", "release/1"}
    assert len(place.github.rest) == 1


def test_deletions_that_may_not_be_read_are_none_that_is_known(place: Place) -> None:
    place.github.refusing = {"activity": 403}
    assert collect_deleted(place.session, REPOSITORY, ["release/*"], MARCH) == ()
    assert branches_deleted(place.store, HOST, REPOSITORY, MARCH) == ()


@pytest.mark.parametrize(
    ("account", "kind"),
    [
        ({"login": "ci[bot]"}, ActorKind.BOT),
        ({"login": "ci", "type": "Bot"}, ActorKind.BOT),
        ({"login": "ci", "type": "Something"}, ActorKind.USER),
    ],
)
def test_what_pushed_is_a_bot_or_a_person(place: Place, account: Json, kind: ActorKind) -> None:
    place.github.listed = [moved(1, "03-02", actor=account)]
    found = collect(place).moves
    assert not isinstance(found, Unavailable)
    assert found[0].actor is not None
    assert found[0].actor.kind is kind


def test_what_the_server_lists_against_what_was_asked_is_left_out(place: Place) -> None:
    """Another branch, another kind, another time, another result: some servers know no filter."""
    place.now = at("05-20")
    place.github.listed = [
        moved(1, "05-11", ref="refs/heads/other"),
        moved(3, "04-11"),
        bypassed(1, "05-11", ref="refs/heads/other"),
        bypassed(2, "05-11", result="pass"),
        bypassed(3, "05-11", actor_name=None),
    ]
    found = collect(place, MAY)
    assert ids(found.moves) == []
    assert ids(found.bypasses) == [3]
    unasked = moved(4, "05-12", "pr_merge")
    place.github.listed = [{**unasked, "activity_type": kind} for kind in ("push", "force_push")]
    assert ids(collect(place, Span(at("05-12"), at("05-13"))).moves) == []


def test_a_list_is_followed_down_to_the_period(place: Place) -> None:
    """Page by page, the newest first; what is older is not asked for."""
    place.github.page = 2
    days = ("03-30", "03-20", "03-10", "03-05", "02-20", "02-10", "01-10", "01-05")
    place.github.listed = [moved(n, day) for n, day in enumerate(days)]
    assert ids(collect(place).moves) == [0, 1, 2, 3]
    after = [asked.get("after") for _, asked in place.github.rest]
    assert after == [None, "2", "4", None, None, None]


@pytest.mark.parametrize(
    ("days", "period"),
    [(0.5, "day"), (6, "week"), (28, "month"), (80, "quarter"), (90, "year"), (365, "year")],
)
def test_no_longer_time_is_asked_for_than_is_needed(place: Place, days: float, period: str) -> None:
    since = place.now - timedelta(days=days)
    collect(place, Span(since, since + timedelta(hours=1)))
    assert place.github.rest[0][1]["time_period"] == period


def test_of_what_github_forgot_nothing_is_asked(place: Place) -> None:
    """A year back, and a month back for bypassed rules."""
    old = Span(place.now - timedelta(days=800), place.now - timedelta(days=366))
    found = collect(place, old)
    assert place.github.rest == []
    assert found.moves == Unavailable(
        "it was not collected in time: GitHub remembers it for a year"
    )
    assert found.bypasses == Unavailable(
        "it was not collected in time: GitHub remembers it for a month"
    )


def test_a_period_that_began_too_early_is_known_in_part(place: Place) -> None:
    early = place.now - timedelta(days=500)
    place.github.listed = [moved(1, "03-02"), bypassed(1, "05-20")]
    found = collect(place, Span(early, place.now))
    assert ids(found.moves) == ids(found.bypasses) == [1]
    assert found.missing == ((early, place.now - module.REACH),)
    assert found.bypasses_missing == ((early, place.now - module.BYPASS_REACH),)


def test_what_is_held_is_not_asked_for_again(place: Place) -> None:
    """Of a period that goes on, only what is new; and what was kept stays known when GitHub has
    forgotten it.
    """
    place.github.listed = [moved(1, "05-20"), bypassed(1, "05-20")]
    whole = Span(at("05-10"), at("06-30"))
    collect(place, whole)
    assert len(place.github.rest) == 5
    collect(place, Span(at("05-10"), at("06-01")))
    assert len(place.github.rest) == 5
    place.now = at("06-20")
    place.github.listed.insert(0, moved(2, "06-15"))
    found = collect(place, whole)
    assert len(place.github.rest) == 10
    assert ids(found.moves) == [1, 2]
    assert found.missing == ((at("06-20"), at("06-30")),)
    place.now = at("06-20") + timedelta(days=900)
    place.github.listed = []
    assert ids(collect(place, whole).moves) == [1, 2]
    assert len(place.github.rest) == 10


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_kept_and_said_with_the_permission(place: Place, status: int) -> None:
    """It costs one request of each kind, and is asked again the next time."""
    place.github.refusing = {"activity": status, "rule-suites": status}
    found = collect(place, MAY)
    why = f"GitHub does not show it to this token, or has none (HTTP {status})"
    assert found.moves == Unavailable(why, "Contents: read")
    assert found.bypasses == Unavailable(why, "Administration: read")
    assert found.ends == found.moves
    asked = [name for name, _ in place.github.rest]
    assert asked == ["activity", "activity", "rule-suites"]
    place.github.refusing = {}
    assert ids(collect(place, MAY).moves) == []


def test_a_branch_with_a_name_of_signs_is_asked_for_as_it_is(place: Place) -> None:
    place.github.listed = [moved(1, "03-02", ref="refs/heads/a b&c/ü")]
    assert ids(collect(place, branch="a b&c/ü").moves) == [1]


def test_a_list_that_leads_nowhere_or_is_none_is_an_error(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.github.listed = [moved(1, "03-30")]
    plain = place.github.get

    def circular(path: str, about: str) -> Reply:
        return msgspec.structs.replace(plain(path, about), next=path.partition("?")[2])

    monkeypatch.setattr(place.github, "get", circular)
    with pytest.raises(CollectError, match="not where it goes on"):
        collect(place)
    for body in (b"{}", b"[{}]", b"<html>", b"\xff"):

        def spoiled(path: str, about: str, body: bytes = body) -> Reply:
            return msgspec.structs.replace(plain(path, about), body=body)

        monkeypatch.setattr(place.github, "get", spoiled)
        with pytest.raises(CollectError, match="does not have the expected form"):
            collect(place)
    assert read_activity(place.store, HOST, REPOSITORY, "main", MARCH).moves == Unavailable(
        "it was not collected in time: GitHub remembers it for a year"
    )
