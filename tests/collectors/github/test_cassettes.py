"""A whole run, played back: what was answered over the wire is what is read from the store."""

from __future__ import annotations

import re
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from changeaudit.collectors.github import reading, snapshots
from changeaudit.collectors.spans import Span
from changeaudit.records import (
    Actor,
    ActorKind,
    ForcePushed,
    LabelChanged,
    MergeCommit,
    Merged,
    PullRequest,
    Renamed,
    ReviewDismissed,
    StateChanged,
    Team,
    Ticket,
    Unavailable,
)
from changeaudit.store import Store
from collectors.github import replay

PERIOD = Span(replay.MARCH.since, replay.MARCH.until)
LEE, PAT = Actor(1000002, "lee"), Actor(1000003, "pat")
FIXTURES = replay.FOLDER.parent


@pytest.fixture(scope="module")
def payments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with (
        Store.open(tmp_path_factory.mktemp("collect") / "evidence.sqlite") as store,
        replay.cassette("collect") as tape,
    ):
        requests, told = replay.run("collect", store)
        assert requests == len(tape) == tape.play_count == 16
        assert told.waits == []
        assert told.done[0] == ("pull requests of acme/payments", 3, 3)
        yield store


@pytest.fixture(scope="module")
def pulls(payments: Store) -> dict[int, PullRequest]:
    found = reading.read_pull_requests(payments, replay.SOURCE, "acme/payments", PERIOD)
    return {pull.number: pull for pull in found}


def test_the_period_s_pull_requests_are_there_and_no_other(pulls: dict[int, PullRequest]) -> None:
    """The one of 1 April is not."""
    assert sorted(pulls) == [10, 11, 12]


def test_more_reviews_than_a_page_holds_are_all_there(pulls: dict[int, PullRequest]) -> None:
    reviews = pulls[10].reviews
    assert not isinstance(reviews, Unavailable)
    assert [r.body for r in reviews[:53]] == [str(n) for n in range(53)]
    assert [(r.author, r.state) for r in reviews[53:]] == [(PAT, "APPROVED"), (LEE, "APPROVED")]
    assert all(r.author_can_write is True for r in reviews[53:])
    # Its page, the rest of its reviews, its parents, the trees of its merge of the base.
    assert len(pulls[10].evidence) == 4


def test_what_followed_an_approval_is_known_by_parents(pulls: dict[int, PullRequest]) -> None:
    found = pulls[10]
    assert not isinstance(found.commits, Unavailable)
    first, second, merge = found.commits
    base = "bf3ab58257bf2047289a7566a3b9b57a05c7e49f"
    assert (first.parents, second.parents) == ((base,), (first.oid,))
    assert merge.parents == (second.oid, base)
    assert found.head_oid == merge.oid
    assert isinstance(found.merge_commit, MergeCommit)
    assert found.merge_commit.parents == (base, merge.oid)
    assert [p.name for p in second.authors] == ["kim", "quinn"]
    assert second.authors[1].account == Actor(0, "quinn")


def test_a_timeline_comes_back_event_by_event(pulls: dict[int, PullRequest]) -> None:
    kinds = {
        number: [type(e) for e in pull.timeline]
        for number, pull in pulls.items()
        if not isinstance(pull.timeline, Unavailable)
    }
    assert kinds == {
        10: [Renamed, LabelChanged, Merged, StateChanged],
        11: [ForcePushed, ReviewDismissed, Merged, StateChanged],
        12: [Merged, StateChanged],
    }
    label = pulls[10].timeline[1]  # type: ignore[index]
    assert isinstance(label, LabelChanged)
    assert label.actor is not None
    assert (label.actor.login, label.label, label.added) == ("quinn", "qa-passed", True)
    assert [(c.author.login, c.body) for c in pulls[10].comments if c.author] == [  # type: ignore[union-attr]
        ("quinn", "QA ok")
    ]


def test_check_runs_and_statuses_of_the_head_come_together(pulls: dict[int, PullRequest]) -> None:
    checks = pulls[10].checks
    assert not isinstance(checks, Unavailable)
    assert ("staging-e2e", "SUCCESS", "check run") in {
        (c.name, c.conclusion, c.kind) for c in checks
    }
    assert ("ci/legacy", "SUCCESS", "status") in {(c.name, c.conclusion, c.kind) for c in checks}
    assert {c.commit for c in checks} == {pulls[10].head_oid}


def test_the_body_s_history_and_hostile_text_come_back_whole(
    pulls: dict[int, PullRequest],
) -> None:
    edits = pulls[10].edits
    assert not isinstance(edits, Unavailable)
    assert [e.text is not None and "Closes #1" in e.text for e in edits] == [False, True]
    assert pulls[10].body == "- [x] no secrets"
    assert pulls[11].title == "=1+1 <b>\x1b[31m [red] \u202eשלום 👩‍💻"


def test_a_commit_that_is_gone_is_not_known(pulls: dict[int, PullRequest]) -> None:
    (review,) = pulls[11].reviews  # type: ignore[misc]
    assert (review.state, review.commit) == ("DISMISSED", None)
    pushed = pulls[11].timeline[0]  # type: ignore[index]
    assert isinstance(pushed, ForcePushed)
    assert pushed.before is None


def test_a_bot_is_a_bot(pulls: dict[int, PullRequest]) -> None:
    assert pulls[12].author is not None
    assert pulls[12].author.kind is ActorKind.BOT


def test_the_line_leads_from_the_merge_after_the_period_to_the_root(
    payments: Store, pulls: dict[int, PullRequest]
) -> None:
    line = reading.read_line(payments, replay.SOURCE, "acme/payments", "main", PERIOD)
    (stretch,) = line.stretches
    assert (stretch.bottom, stretch.open_ends, line.missing) == (None, (), ())
    merges = {
        p.merge_commit.oid: p.merge_commit
        for p in pulls.values()
        if isinstance(p.merge_commit, MergeCommit)
    }
    walked: list[tuple[str, tuple[int, ...]]] = []
    at: str | None = stretch.top
    while at is not None:
        known = merges.get(at) or line.commits[at]
        if not isinstance(known, MergeCommit):
            walked.append((known.message.partition("\n")[0], known.pull_requests))
        at = known.parents[0] if known.parents else None
    assert walked == [
        ("Merge pull request #13 from acme/feature/13", (13,)),
        ("Step 2 of #12", (12,)),
        ("Step 1 of #12", (12,)),
        ("Hotfix, straight to main", ()),
        ("Initial commit", ()),
    ]


def test_teams_and_tickets_are_there(payments: Store) -> None:
    assert snapshots.read_team(payments, replay.SOURCE, "acme/leads") == Team(
        "acme/leads", (LEE, PAT), replay.NOW
    )
    hidden = snapshots.read_team(payments, replay.SOURCE, "acme/nobody")
    assert hidden is not None
    assert isinstance(hidden.members, Unavailable)
    tickets = reading.read_tickets(payments, replay.SOURCE, ["acme/payments#1"])
    ticket = tickets["acme/payments#1"]
    assert isinstance(ticket, Ticket)
    assert (ticket.title, ticket.status, ticket.history) == ("Refunds fail", "open", ())


def test_the_store_is_sound_and_holds_the_answers_byte_for_byte(payments: Store) -> None:
    assert payments.verify() == ()
    page = next(payments.locate(replay.SOURCE, "acme/payments", "pull_request"))
    with replay.cassette("collect") as tape:
        sent = [response["body"]["string"] for response in tape.responses]
    assert page.answer.answer.body in sent


def test_a_field_that_may_not_be_read_costs_that_field_alone(tmp_path: Path) -> None:
    """Who may write is refused once, then not asked for again; every review is there."""
    with (
        Store.open(tmp_path / "evidence.sqlite") as store,
        replay.cassette("refused") as tape,
    ):
        requests, _ = replay.run("refused", store)
        assert requests == tape.play_count == len(tape)
        found = list(reading.read_pull_requests(store, replay.SOURCE, "acme/vault", PERIOD))
    assert [p.number for p in found] == [1, 2]
    for pull in found:
        (review,) = pull.reviews  # type: ignore[misc]
        assert (review.author, review.state) == (PAT, "APPROVED")
        assert isinstance(review.author_can_write, Unavailable)
        assert not isinstance(pull.timeline, Unavailable)
        assert [c.name for c in pull.checks] == ["staging-e2e"]  # type: ignore[union-attr]


# Secrets ----------------------------------------------------------------------------------------

SECRET = re.compile(
    rb"authorization|bearer |\bgh[pousr]_[A-Za-z0-9]{16,}|github_pat_|set-cookie|"
    + re.escape(replay.TOKEN.encode()),
    re.IGNORECASE,
)


def contents(path: Path) -> Iterator[bytes]:
    """All that a file holds; of a store, each value, unpacked."""
    whole = path.read_bytes()
    yield whole
    if whole.startswith(b"SQLite format 3"):
        with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as store:
            for table in ("answers", "items", "windows"):
                for row in store.execute(f"SELECT * FROM {table}"):
                    for value in row:
                        if isinstance(value, bytes):
                            yield zlib.decompress(value)
                        else:
                            yield str(value).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    "path",
    sorted(p for p in FIXTURES.rglob("*") if p.is_file() and "__pycache__" not in p.parts),
    ids=lambda p: p.relative_to(FIXTURES).as_posix(),
)
def test_no_fixture_holds_a_token_or_the_header_that_carries_it(path: Path) -> None:
    for text in contents(path):
        found = SECRET.search(text)
        assert found is None, found


@pytest.mark.parametrize(
    "text",
    [
        b"Authorization:\n- token x",
        b"Bearer abc",
        b"ghp_" + b"a" * 36,
        b"x github_pat_1",
        b"not-a-token",
    ],
)
def test_a_token_would_be_found(text: bytes) -> None:
    assert SECRET.search(text)


def test_no_cassette_keeps_a_header_of_a_request() -> None:
    for name in replay.CASSETTES:
        with replay.cassette(name) as tape:
            assert [dict(request.headers) for request in tape.requests] == [{}] * len(tape)
