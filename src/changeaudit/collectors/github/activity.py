"""Who moved a production branch by hand, and whether against its rules: asked of the REST API.

GitHub remembers a branch's activity for a year, and who bypassed its rules for a month: by a push,
or by merging a pull request. Both are the server's own record, which no commit carries; neither can
be collected later. Of the activity only pushes, force-pushes, and that the branch was made or
deleted are asked for: what pull requests merged is known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from changeaudit.collectors.github import wire
from changeaudit.collectors.github.ask import Session, decode, digest
from changeaudit.collectors.github.stored import shaped
from changeaudit.collectors.spans import Span, coverage
from changeaudit.errors import CollectError
from changeaudit.globs import first_match
from changeaudit.records import (
    Activity,
    ActivityKind,
    Actor,
    ActorKind,
    BranchActivity,
    RuleBypass,
    Unavailable,
)
from changeaudit.store import Item, Store, StoredAnswer, Window

KIND = "activity"
ENDS_KIND = "branch_ends"
BYPASS_KIND = "rule_bypasses"
DELETED_KIND = "deleted_branches"

_MOVES: Final = (ActivityKind.PUSH, ActivityKind.FORCE_PUSH)
_ENDS: Final = (ActivityKind.CREATION, ActivityKind.DELETION)

REACH: Final = timedelta(days=365)
"""How far back `GET /repos/{owner}/{repo}/activity` looks with `time_period=year`."""
BYPASS_REACH: Final = timedelta(days=28)
"""How far back the rule suites look for sure with `time_period=month`, the longest there is."""

_PERIODS: Final = (
    ("day", timedelta(days=1)),
    ("week", timedelta(days=7)),
    ("month", timedelta(days=28)),
    ("quarter", timedelta(days=89)),
)
"""The shorter periods that may be asked for, and the least that each reaches back."""

T = TypeVar("T", bound="_Moved | _Suite")


class _Actor(msgspec.Struct, frozen=True):
    login: str
    id: int = 0
    type: str = ""


class _Moved(msgspec.Struct, frozen=True):
    """An activity as `GET /repos/{owner}/{repo}/activity` lists it."""

    id: int
    ref: str
    before: str
    after: str
    timestamp: datetime
    activity_type: str
    actor: _Actor | None = None

    @property
    def at(self) -> datetime:
        return self.timestamp


class _Suite(msgspec.Struct, frozen=True):
    """A rule suite as `GET /repos/{owner}/{repo}/rulesets/rule-suites` lists it."""

    id: int
    ref: str
    after_sha: str
    pushed_at: datetime
    result: str
    actor_name: str | None = None

    @property
    def at(self) -> datetime:
        return self.pushed_at


def collect_activity(session: Session, repository: str, branch: str, period: Span) -> None:
    """Store who pushed to a branch in `period`, who made or deleted it and who bypassed its rules.

    A refusal is stored as well. Of a time that GitHub no longer remembers nothing is asked.

    Raises:
        CollectError: a request kept failing.
    """
    ref = f"refs/heads/{branch}"
    place = f"/repos/{quote(repository)}"
    subject = f"{repository}@{branch}"
    for kind, types in ((KIND, _MOVES), (ENDS_KIND, _ENDS)):
        queries = ({"ref": ref, "activity_type": each} for each in types)
        paths = [f"{place}/activity?{urlencode(query)}" for query in queries]
        _collect(session, subject, period, kind, REACH, paths, _Moved)
    bypassed = urlencode({"ref": ref, "rule_suite_result": "bypass"})
    paths = [f"{place}/rulesets/rule-suites?{bypassed}"]
    _collect(session, subject, period, BYPASS_KIND, BYPASS_REACH, paths, _Suite)


def collect_deleted(
    session: Session, repository: str, patterns: Sequence[str], period: Span
) -> tuple[str, ...]:
    """The branches of those patterns that were deleted in `period`, as far as GitHub tells.

    "default" stands for a branch that cannot be deleted; nothing is asked where that is all.

    Raises:
        CollectError: a request kept failing.
    """
    if set(patterns) <= {"default"}:
        return ()
    path = f"/repos/{quote(repository)}/activity?activity_type={ActivityKind.DELETION}"
    _collect(session, repository, period, DELETED_KIND, REACH, [path], _Moved)
    found = branches_deleted(session.store, session.source, repository, period)
    return tuple(name for name in found if first_match(name, patterns) is not None)


def _collect(
    session: Session,
    subject: str,
    period: Span,
    kind: str,
    reach: timedelta,
    paths: Sequence[str],
    shape: type[T],
) -> None:
    """Ask for the lists at `paths`, as far back as is missing, and store them."""
    as_of = session.clock()
    known = Span(max(period.since, as_of - reach), min(period.until, as_of))
    if known.since >= known.until:
        return
    windows = session.store.windows(session.source, subject, kind)
    missing = coverage(known, ((Span(w.since, w.until), w.as_of) for w in windows)).missing
    if not missing:
        return
    since = missing[0].since
    for path in paths:
        if not _list(session, subject, kind, f"{path}&{_reaching(as_of - since)}", since, shape):
            return
    until = missing[-1].until
    with session.store.begin() as writer:
        writer.complete(Window(session.source, subject, kind, since, until, as_of))


def _reaching(back: timedelta) -> str:
    period = next((name for name, reach in _PERIODS if back <= reach), "year")
    return urlencode({"time_period": period, "per_page": 100})


def _list(
    session: Session, subject: str, kind: str, path: str, since: datetime, shape: type[T]
) -> bool:
    """Store a list, page by page, the newest first, down to `since`; `False` if it is refused."""
    about = f"who moved {subject}"
    place = path.partition("?")[0]
    while True:
        reply = session.transport.get(path, about)
        if reply.status != 200:
            session.put(reply, subject, kind)
            return False
        body = msgspec.Raw(wire.sound(reply.body))
        rows = decode(body, tuple[msgspec.Raw, ...], about)
        found = [decode(row, shape, about) for row in rows]
        items = [
            Item(kind, str(each.id), position, digest(bytes(row)), each.at)
            for position, (row, each) in enumerate(zip(rows, found, strict=True))
        ]
        session.put(reply, subject, kind, items)
        if not reply.next or (found and found[-1].at < since):
            return True
        following = f"{place}?{reply.next}"
        if following == path:
            raise CollectError(
                f"GitHub says that there is more of {about}, but not where it goes on.",
                "Run the same command again; if it stays so, please report it.",
            )
        path = following


def read_activity(
    store: Store, source: str, repository: str, branch: str, period: Span
) -> BranchActivity:
    """What the store holds of who moved a branch by hand in `period`."""
    subject, ref = f"{repository}@{branch}", f"refs/heads/{branch}"

    def done(kinds: Collection[str], row: msgspec.Raw, answer: StoredAnswer) -> Iterator[Activity]:
        found = shaped(row, _Moved, answer)
        if found.ref == ref and found.activity_type in kinds:
            yield Activity(
                found.id,
                ActivityKind(found.activity_type),
                found.before,
                found.after,
                found.timestamp,
                _account(found.actor),
                answer.digest,
            )

    def bypasses(row: msgspec.Raw, answer: StoredAnswer) -> Iterator[RuleBypass]:
        found = shaped(row, _Suite, answer)
        if found.ref == ref and found.result == "bypass":
            by = found.actor_name or ""
            yield RuleBypass(found.id, found.after_sha, found.pushed_at, by, answer.digest)

    ends = partial(done, _ENDS)
    return BranchActivity(
        *_read(store, source, subject, period, KIND, "Contents: read", partial(done, _MOVES)),
        *_read(store, source, subject, period, BYPASS_KIND, "Administration: read", bypasses),
        *_read(store, source, subject, period, ENDS_KIND, "Contents: read", ends),
    )


def branches_deleted(store: Store, source: str, repository: str, period: Span) -> tuple[str, ...]:
    """The branches that the store holds to have been deleted in `period`, each once."""

    def names(row: msgspec.Raw, answer: StoredAnswer) -> Iterator[str]:
        found = shaped(row, _Moved, answer)
        if found.activity_type == ActivityKind.DELETION:
            yield found.ref.removeprefix("refs/heads/")

    found, _ = _read(store, source, repository, period, DELETED_KIND, "Contents: read", names)
    return () if isinstance(found, Unavailable) else tuple(dict.fromkeys(found))


R = TypeVar("R")


def _read(
    store: Store,
    source: str,
    subject: str,
    period: Span,
    kind: str,
    permission: str,
    parse: Callable[[msgspec.Raw, StoredAnswer], Iterable[R]],
) -> tuple[tuple[R, ...] | Unavailable, tuple[tuple[datetime, datetime], ...]]:
    """What is held of one kind in the period, and the parts of it of which nothing is."""
    windows = store.windows(source, subject, kind)
    spans = [(Span(w.since, w.until), w.as_of) for w in windows]
    missing = coverage(period, spans).missing
    if missing == (period,):
        return _why(store, source, subject, kind, permission), ()
    found: list[R] = []
    for located in store.locate(source, subject, kind, period.since, period.until):
        body = msgspec.Raw(wire.sound(located.answer.answer.body))
        rows = shaped(body, tuple[msgspec.Raw, ...], located.answer)
        for item in located.items:
            found += parse(rows[item.position], located.answer)
    return tuple(found), tuple((span.since, span.until) for span in missing)


def _why(store: Store, source: str, subject: str, kind: str, permission: str) -> Unavailable:
    """Why nothing is known of the whole period."""
    last = store.latest(source, subject, kind)
    if last is None or last.answer.status == 200:
        remembers = "a month" if kind == BYPASS_KIND else "a year"
        return Unavailable(f"it was not collected in time: GitHub remembers it for {remembers}")
    status = last.answer.status
    return Unavailable(
        f"GitHub does not show it to this token, or has none (HTTP {status})", permission
    )


def _account(found: _Actor | None) -> Actor | None:
    if found is None:
        return None
    kinds = {kind.value: kind for kind in ActorKind}
    bot = ActorKind.BOT if found.login.endswith("[bot]") else ActorKind.USER
    return Actor(found.id, found.login, kinds.get(found.type, bot))
