"""Reads what is stored of a Jira back into records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from changeaudit.collectors.jira import issues, parsing, wire
from changeaudit.collectors.jira.wire import decoded
from changeaudit.errors import StoreError
from changeaudit.records import Record, Ticket, Unavailable
from changeaudit.store import Item, Located, Store, StoredAnswer

NO_CHANGELOG = Unavailable("Jira does not show its changelog")
NO_COMMENTS = Unavailable("they were not asked for")

T = TypeVar("T")


class Held(Record, frozen=True):
    """A ticket that the store holds: as it was read, when, and by which parents it is known.

    `whole` tells whether comments were asked for.
    """

    found: Ticket | Unavailable
    as_of: datetime
    parents: tuple[str, ...] = ()
    comments: bool = False


class Facts(Record, frozen=True):
    """What is known of a site: the address of its pages, its statuses, its field for epics."""

    base_url: str
    statuses: dict[str, str]
    categories: dict[str, str]
    epic: str


def held_sites(store: Store) -> tuple[str, ...]:
    """The Jiras of which the store holds something."""
    return tuple(row.source for row in store.counts() if row.kind == issues.SITE)


def read_held(store: Store, site: str, keys: Iterable[str]) -> dict[str, Held]:
    """The tickets of one Jira by the key that was asked for, in lower case, as last read.

    A key that was never asked for is not in the answer.
    """
    wanted = [key.casefold() for key in keys]
    return dict(_read(store, site, store.find(site, issues.KIND, wanted)))


def read_updated(store: Store, site: str, since: datetime) -> tuple[Ticket, ...]:
    """The tickets of one Jira that were last updated at or after `since`, each once."""
    located = store.locate(site, issues.SUBJECT, issues.KIND, since)
    found: dict[str, tuple[datetime, Ticket]] = {}
    for _, held in _read(store, site, located):
        ticket = held.found
        if isinstance(ticket, Unavailable):
            continue
        known = found.get(ticket.id)
        if known is None or known[0] <= held.as_of:
            found[ticket.id] = held.as_of, ticket
    return tuple(ticket for _, ticket in found.values())


def read_facts(store: Store, site: str) -> Facts:
    """What the store knows of a site itself, as last told."""
    base_url = f"https://{site}"
    answer = store.latest(site, issues.SUBJECT, issues.SITE)
    if answer is not None:
        base_url = _shaped(answer, wire.ServerInfo).address or base_url
    statuses: dict[str, wire.Status] = {}
    for located in store.find(site, issues.STATUSES, ["status"]):
        statuses = {s.id: s for s in _shaped(located.answer, tuple[wire.Status, ...])}
    epic = ""
    for located in store.find(site, issues.FIELDS, ["field"]):
        fields = _shaped(located.answer, tuple[wire.Field, ...])
        epic = next((f.id for f in fields if f.schema.custom == parsing.EPIC_LINK), "")
    return Facts(
        base_url,
        {id_: status.name for id_, status in statuses.items()},
        {status.name: status.status_category.key for status in statuses.values()},
        epic,
    )


def _read(store: Store, site: str, located: Iterable[Located]) -> Iterator[tuple[str, Held]]:
    facts = read_facts(store, site)
    for page in located:
        answer = page.answer
        received_at = answer.answer.received_at
        shown = [item for item in page.items if item.position != issues.NOWHERE]
        for item in page.items:
            if item.position == issues.NOWHERE:
                yield item.key, Held(parsing.NOT_VISIBLE, received_at)
        if not shown:
            continue
        try:
            raws = issues.issues_in(answer.answer.body)
            found = [(item, decoded(raws[item.position], wire.Issue)) for item in shown]
            more = _more(store, site, found)
            for item, issue in found:
                raw = raws[item.position]
                yield item.key, _held(item, issue, raw, answer, more[issue.id], site, facts)
        except (msgspec.DecodeError, IndexError) as error:
            raise _unreadable(answer, error) from None


def _held(
    item: Item,
    issue: wire.Issue,
    raw: msgspec.Raw,
    answer: StoredAnswer,
    more: More,
    site: str,
    facts: Facts,
) -> Held:
    histories = _histories(issue, more)
    epic = _text(raw, facts.epic) if facts.epic else ""
    ticket = parsing.ticket(
        item.key.upper(),
        issue,
        histories,
        _comments(issue, more),
        source=site,
        base_url=facts.base_url,
        statuses=facts.statuses,
        epic=epic,
        evidence=tuple(dict.fromkeys((answer.digest, *more.evidence))),
    )
    known = () if isinstance(histories, Unavailable) else histories
    return Held(
        ticket,
        answer.answer.received_at,
        tuple(dict.fromkeys(parsing.parents(issue, known, epic))),
        issue.fields.comment is not None,
    )


class More:
    """What further answers hold of one issue, and their digests."""

    def __init__(self) -> None:
        self.logs: list[tuple[wire.History, ...] | Unavailable] = []
        self.comments: list[wire.Comment] = []
        self.evidence: list[str] = []


def _more(store: Store, site: str, found: Sequence[tuple[Item, wire.Issue]]) -> dict[str, More]:
    """What further answers hold of these very issues, by their id."""
    gathered = {issue.id: More() for _, issue in found}
    opened: dict[int, tuple[msgspec.Raw, ...] | wire.Changelog | Unavailable] = {}
    for id_, position, answer in _parts(store, site, found, issues.CHANGELOG):
        if answer.id not in opened:
            told = answer.answer
            opened[answer.id] = issues.changelogs_in(told.status, told.body)
        gathered[id_].logs.append(issues.changes_at(opened[answer.id], position))
        gathered[id_].evidence.append(answer.digest)
    for id_, _, answer in _parts(store, site, found, issues.COMMENTS):
        gathered[id_].comments += _shaped(answer, wire.Comments).comments
        gathered[id_].evidence.append(answer.digest)
    return gathered


def _histories(issue: wire.Issue, more: More) -> tuple[wire.History, ...] | Unavailable:
    """All of the changes: those beside the issue, and those that were asked for besides.

    There are to be as many as Jira says that there are.
    """
    if issue.changelog is None and not more.logs:
        return NO_CHANGELOG
    beside = issue.changelog or wire.Changelog(0)
    found = {history.id: history for history in beside.histories}
    for some in more.logs:
        if isinstance(some, Unavailable):
            return some
        found |= {history.id: history for history in some}
    return issues.whole(wire.Changelog(beside.total, tuple(found.values())))


def _comments(issue: wire.Issue, more: More) -> tuple[wire.Comment, ...] | Unavailable:
    first = issue.fields.comment
    if first is None:
        return NO_COMMENTS
    found = {comment.id: comment for comment in (*first.comments, *more.comments)}
    if len(found) < first.total:
        return Unavailable(f"Jira shows {len(found):,} of its {first.total:,} comments")
    return tuple(found.values())


def _parts(
    store: Store, site: str, found: Sequence[tuple[Item, wire.Issue]], kind: str
) -> Iterator[tuple[str, int, StoredAnswer]]:
    """The further answers of that kind that were collected with these very issues.

    Each comes once for every issue in it, with the issue's id and its position in the answer.
    """
    versions = {issue.id: item.version for item, issue in found}
    wanted, number = list(versions), 0
    while wanted:
        goes_on: list[str] = []
        for located in store.find(site, kind, [f"{id_}#{number}" for id_ in wanted]):
            for item in located.items:
                id_ = item.key.rpartition("#")[0]
                if item.version == versions[id_]:
                    yield id_, item.position, located.answer
                    goes_on.append(id_)
        wanted, number = goes_on, number + 1


class _Fields(msgspec.Struct, frozen=True):
    fields: dict[str, object]


def _text(raw: msgspec.Raw, field: str) -> str:
    """A field of an issue that holds text; "" where it does not."""
    found = decoded(raw, _Fields).fields.get(field)
    return found if isinstance(found, str) else ""


def _shaped(answer: StoredAnswer, shape: type[T]) -> T:
    try:
        return decoded(answer.answer.body, shape)
    except msgspec.DecodeError as error:
        raise _unreadable(answer, error) from None


def _unreadable(answer: StoredAnswer, error: Exception) -> StoreError:
    return StoreError(
        f"Stored answer {answer.id} ({answer.answer.kind} of {answer.answer.source}) cannot be"
        f" read: {error}.",
        "This may be a version of Jira that changeaudit does not know; please report it.",
    )
