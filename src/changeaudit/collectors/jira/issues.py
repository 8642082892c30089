"""Collects tickets from one Jira: a hundred in one request, with their changelogs.

Cloud is asked in bulk, and in bulk again for the changelogs that it cuts. A Data Center is
searched by key; a key that it refuses is left out and the rest asked for again. Of a ticket that
is not shown it is stored that it was asked for.

A ticket, its changelog and its comments are stored in one transaction: where the ticket is held,
so is what belongs to it. Each reading is a version of its own, for it shows until when the history
is known, even where nothing changed.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import quote

import msgspec

from changeaudit.collectors.jira import wire
from changeaudit.collectors.jira.connection import (
    Connection,
    Reply,
    expected,
    said_in,
    shaped,
)
from changeaudit.collectors.jira.pages import Pages
from changeaudit.collectors.jira.parsing import EPIC_LINK, KEY, former_keys
from changeaudit.collectors.jira.wire import decoded, instant
from changeaudit.collectors.spans import Span
from changeaudit.records import Unavailable
from changeaudit.store import Answer, Item, Store, Window

SUBJECT = "tickets"
KIND = "ticket"
CHANGELOG = "ticket.changelog"
COMMENTS = "ticket.comments"
TOUCHED = "ticket.touched"
SITE = "jira.site"
STATUSES = "jira.statuses"
FIELDS = "jira.fields"
PROJECT = "jira.project"
"""What is stored of a Jira; the key of a ticket's item is the one asked for, in lower case."""

NOWHERE = -1
"""The position of a ticket in an answer that does not show it."""

AT_ONCE = 100
CHANGELOGS_AT_ONCE = 1000
CHANGES_AT_ONCE = 10_000
SHORT_CHANGELOG = 40
"""A changelog of as many entries beside an issue of the Cloud may be cut, whatever it says."""
OVERLAP = timedelta(days=1)
"""JQL takes minutes of the account's own time zone, and the search may lag behind."""

_ASKED = (
    "summary",
    "status",
    "issuetype",
    "project",
    "resolution",
    "created",
    "updated",
    "reporter",
    "assignee",
    "labels",
    "components",
    "security",
    "parent",
    "issuelinks",
)

T = TypeVar("T")


class Progress(Protocol):
    """Who is told how far collecting has come."""

    def collected(self, what: str, done: int, total: int) -> None:
        """`done` of `total` things of a kind are stored."""


class Seen(NamedTuple):
    """An issue where it stands in an answer, with the digest of its own bytes."""

    page: int
    position: int
    issue: wire.Issue
    digest: str


class Part(NamedTuple):
    """An answer that holds more of issues: of each its id, which part it is, and its place."""

    kind: str
    reply: Reply
    places: tuple[tuple[str, int, int], ...]


class Site:
    """A Jira that is being asked.

    Args:
        connection: the way to it.
        store: where answers are kept.
        progress: is told how far it has come.
        comments: whether the comments of tickets are wanted.
        epics: whether the epics of tickets are wanted, which a Data Center keeps apart.

    Raises:
        CollectError: it does not answer as a Jira does.
    """

    def __init__(
        self,
        connection: Connection,
        store: Store,
        progress: Progress,
        *,
        comments: bool = False,
        epics: bool = False,
    ) -> None:
        self._connection = connection
        self._store = store
        self._progress = progress
        self.name = connection.site
        about = "itself"
        reply = connection.get("serverInfo", about)
        info = shaped(reply.body, wire.ServerInfo, self.name, about)
        self.cloud = info.deployment_type == "Cloud"
        self.address = info.address
        self._put(reply, SITE)
        self._keep("status", STATUSES, tuple[wire.Status, ...])
        self._asked = (*_ASKED, *(("comment",) if comments else ()))
        if epics and not self.cloud:
            fields = self._keep("field", FIELDS, tuple[wire.Field, ...])
            self._asked += tuple(each.id for each in fields if each.schema.custom == EPIC_LINK)
        self._account_known = False
        self._keys_of: dict[str, tuple[str, ...]] = {}

    # --- tickets by key ---

    def collect(self, keys: Iterable[str], what: str = "") -> None:
        """Store the tickets of these keys, or that they are not shown.

        Args:
            keys: the tickets.
            what: how progress names them; tickets of this site by default.

        Raises:
            CollectError: it was refused, or kept failing; what is whole is kept.
        """
        wanted = sorted({key.casefold(): key for key in keys}.values(), key=_ordered)
        what, done = what or f"tickets of {self.name}", 0
        for group in _chunks(wanted, CHANGELOGS_AT_ONCE):
            pages: list[Reply] = []
            answered: dict[str, int] = {}
            for batch in _chunks(group, AT_ONCE):
                for reply, asked in self._batch(batch):
                    answered |= dict.fromkeys(asked, len(pages))
                    pages.append(reply)
                done += len(batch)
                self._progress.collected(what, done, len(wanted))
            self._store_group(group, pages, answered)

    def _batch(self, keys: Sequence[str]) -> Iterator[tuple[Reply, Sequence[str]]]:
        """The answers to a batch of keys, each with those that it answers for."""
        about = "1 ticket" if len(keys) == 1 else f"{len(keys)} tickets"
        if self.cloud:
            body = {
                "issueIdsOrKeys": list(keys),
                "fields": list(self._asked),
                "expand": ["changelog"],
            }
            yield self._connection.post("issue/bulkfetch", body, about), keys
            return
        listed = ", ".join(f'"{key}"' for key in keys)
        start, pages = 0, Pages(self.name, about)
        while True:
            asked = self._search(f"key in ({listed}) ORDER BY key ASC", start, about, sure=False)
            if asked.status != 200:
                break
            yield asked, keys
            page = shaped(asked.body, wire.Issues, self.name, about)
            start += len(page.issues)
            if not page.issues or start >= (page.total or 0):
                return
            pages.turned(None, map(bytes, page.issues))
        said = said_in(asked.body).upper()
        bad = [key for key in keys if _is_named(key, said)]
        good = [key for key in keys if key not in bad]
        if bad:
            yield asked, bad
            if good:
                yield from self._batch(good)
            return
        if len(keys) == 1:
            # What it refuses may be something else than the key.
            yield self._single(keys[0]), keys
            return
        yield from self._batch(keys[: len(keys) // 2])
        yield from self._batch(keys[len(keys) // 2 :])

    def _single(self, key: str) -> Reply:
        """The answer to one key, which nothing else can be meant by."""
        asked = {"fields": ",".join(self._asked), "expand": "changelog"}
        path = _path("issue", key)
        return self._connection.get(path, f"the ticket {key}", asked, refusals=(403, 404))

    def _search(self, jql: str, start: int, about: str, *, sure: bool) -> Reply:
        """A page of a search of a Data Center; unless `sure`, it may leave out what it lacks."""
        body: dict[str, Any] = {
            "jql": jql,
            "startAt": start,
            "maxResults": AT_ONCE,
            "fields": list(self._asked),
            "expand": ["changelog"],
        }
        if not sure:
            body["validateQuery"] = False
        return self._connection.post("search", body, about, refusals=(400,))

    def _store_group(
        self, keys: Sequence[str], pages: list[Reply], answered: dict[str, int]
    ) -> None:
        """Find out which answer is to which key, complete what was cut, and store it all."""
        seen = [each for n, page in enumerate(pages) for each in self._issues(n, page)]
        parts, histories = self._whole([each.issue for each in seen])
        found, _ = resolved(keys, seen, histories, {})
        renamed, untold = self._renamed([key for key in keys if key not in found], seen)
        found, doubtful = resolved(keys, seen, histories, renamed)
        others = [key for key in keys if key not in found]
        doubtful += (key for key in untold if key not in found)
        explained = {each.issue.id for each in found.values()}
        if any(each.issue.id not in explained for each in seen):
            doubtful = others  # one of them is answered to
        elif any(each.issue.id not in histories for each in seen):
            # One of them may be answered to by what another key is answered to as well.
            doubtful += self._shown_alone(others, pages, answered)
        for key in dict.fromkeys(doubtful):
            reply = self._single(key)
            answered[key] = len(pages)
            pages.append(reply)
            for single in self._issues(answered[key], reply):
                found[key] = single
                seen.append(single)
                parts += self._whole([single.issue])[0]
        if not seen and not self._account_known:
            # Of whom it does not know Jira says nothing, and shows it nothing.
            self._connection.get("myself", "the account")
        self._account_known = True
        versions = {
            each.issue.id: _version(each.digest, pages[each.page].received_at) for each in seen
        }
        items: dict[int, list[Item]] = {}
        for key in keys:
            here = found.get(key)
            if here:
                at = instant(here.issue.fields.updated)
                item = Item(KIND, key.casefold(), here.position, versions[here.issue.id], at)
                items.setdefault(here.page, []).append(item)
            else:
                page = answered[key]
                version = _version("not shown", pages[page].received_at)
                item = Item(KIND, key.casefold(), NOWHERE, version, None)
                items.setdefault(page, []).append(item)
        self._write(pages, items, parts, versions)

    def _shown_alone(
        self, keys: Sequence[str], pages: list[Reply], answered: dict[str, int]
    ) -> Iterator[str]:
        """The keys of those batches in which anything is shown once all others are left out."""
        for batch in _chunks(keys, AT_ONCE):
            for reply, asked in self._batch(batch):
                if any(self._issues(len(pages), reply)):
                    yield from asked
                else:
                    answered |= dict.fromkeys(asked, len(pages))
                    pages.append(reply)

    def _renamed(
        self, keys: Sequence[str], seen: Sequence[Seen]
    ) -> tuple[dict[str, str], list[str]]:
        """The keys that projects had before they were renamed, in lower case, with today's.

        A project that gets another key keeps the numbers of its tickets, and no changelog tells
        of it. So a project is asked which keys it had where it has a ticket of the number that
        is asked for under the key of a project of which nothing is shown. With them come those
        keys for which that is not told.
        """
        shown: dict[str, set[str]] = {}
        for each in seen:
            project, number = _parted(each.issue.key)
            shown.setdefault(number, set()).add(project)
        today = {project for projects in shown.values() for project in projects}
        renamed: dict[str, str] = {}
        untold: list[str] = []
        for key in keys:
            project, number = _parted(key)
            for other in sorted(shown.get(number, ())) if project not in today else ():
                if other not in self._keys_of:
                    self._keys_of[other] = self._keys(other)
                renamed |= dict.fromkeys(self._keys_of[other], other)
                if not self._keys_of[other]:
                    untold.append(key)
        return renamed, untold

    def _keys(self, project: str) -> tuple[str, ...]:
        """The keys that a project has and had, in lower case; none where it does not tell."""
        about = f"the project {project.upper()}"
        path = _path("project", project.upper())
        reply = self._connection.get(path, about, {"expand": "projectKeys"}, refusals=(403, 404))
        if reply.status != 200:
            return ()
        found = shaped(reply.body, wire.Renamed, self.name, about).project_keys
        self._put(reply, PROJECT)
        return tuple(key.casefold() for key in found)

    def _write(
        self,
        pages: Sequence[Reply],
        items: Mapping[int, Sequence[Item]],
        parts: Sequence[Part],
        versions: Mapping[str, str],
    ) -> None:
        """Store answers with the issues in them, and what completes these: all or nothing."""
        with self._store.begin() as writer:
            for number, reply in enumerate(pages):
                writer.put(self._answer(reply, KIND), items.get(number, ()))
            for part in parts:
                writer.put(
                    self._answer(part.reply, part.kind),
                    [
                        Item(part.kind, f"{id_}#{n}", position, versions[id_], None)
                        for id_, n, position in part.places
                    ],
                )

    def _issues(self, number: int, reply: Reply) -> Iterator[Seen]:
        """The issues in an answer: a list of them, one, or none."""
        if reply.status != 200:
            return
        about = "tickets"
        with expected(self.name, about):
            listed = issues_in(reply.body)
        for position, raw in enumerate(listed):
            issue = shaped(raw, wire.Issue, self.name, about)
            digest = hashlib.sha256(bytes(raw)).hexdigest()
            yield Seen(number, position, issue, digest)

    # --- what was cut ---

    def _whole(
        self, issues: Sequence[wire.Issue]
    ) -> tuple[list[Part], dict[str, tuple[wire.History, ...]]]:
        """What completes the issues, and the histories of those of which all is known, by id."""
        histories: dict[str, tuple[wire.History, ...]] = {}
        cut: list[wire.Issue] = []
        for issue in issues:
            log = issue.changelog
            if log and log.total <= len(log.histories) and not self._doubtful(log):
                histories[issue.id] = log.histories
            else:
                cut.append(issue)
        parts = list(self._changelogs(cut, histories))
        parts += [part for issue in issues for part in self._comments(issue)]
        return parts, histories

    def _doubtful(self, log: wire.Changelog) -> bool:
        return self.cloud and len(log.histories) >= SHORT_CHANGELOG

    def _changelogs(
        self, cut: Sequence[wire.Issue], histories: dict[str, tuple[wire.History, ...]]
    ) -> Iterator[Part]:
        about = "changelogs"
        if not self.cloud:
            for issue in cut:
                if issue.changelog is None:
                    continue  # it shows none at all
                asked = {"fields": "updated", "expand": "changelog"}
                reply = self._connection.get(
                    _path("issue", issue.id), about, asked, refusals=(403, 404)
                )
                with expected(self.name, about):
                    found = changes_at(changelogs_in(reply.status, reply.body), 0)
                if not isinstance(found, Unavailable):
                    histories[issue.id] = found
                yield Part(CHANGELOG, reply, ((issue.id, 0, 0),))
            return
        for some in _chunks(cut, CHANGELOGS_AT_ONCE):
            ids = [issue.id for issue in some]
            number: Counter[str] = Counter()
            gathered: dict[str, list[wire.History]] = {id_: [] for id_ in ids}
            token: str | None = None
            pages = Pages(self.name, about)
            while True:
                body: dict[str, Any] = {"issueIdsOrKeys": ids, "maxResults": CHANGES_AT_ONCE}
                if token:
                    body["nextPageToken"] = token
                reply = self._connection.post(
                    "changelog/bulkfetch", body, about, refusals=(403, 404)
                )
                if reply.status != 200:
                    refused = tuple((id_, number[id_], NOWHERE) for id_ in ids)
                    yield Part(CHANGELOG, reply, refused)
                    gathered = {}
                    break
                page = shaped(reply.body, wire.Changelogs, self.name, about)
                places: list[tuple[str, int, int]] = []
                for position, raw in enumerate(page.issue_change_logs):
                    log = shaped(raw, wire.IssueChangelog, self.name, about)
                    if log.issue_id in gathered:
                        gathered[log.issue_id] += log.change_histories
                        places.append((log.issue_id, number[log.issue_id], position))
                        number[log.issue_id] += 1
                if not token:
                    # That an issue was asked for is told even where it has no changes.
                    without = (id_ for id_ in ids if not number[id_])
                    places += [(id_, 0, NOWHERE) for id_ in without]
                    number.update(id_ for id_ in ids if not number[id_])
                yield Part(CHANGELOG, reply, tuple(places))
                if not page.next_page_token:
                    break
                pages.turned(page.next_page_token, map(bytes, page.issue_change_logs))
                token = page.next_page_token
            histories |= {id_: tuple(found) for id_, found in gathered.items()}

    def _comments(self, issue: wire.Issue) -> Iterator[Part]:
        found = issue.fields.comment
        if found is None:
            return
        start, number = len(found.comments), 0
        pages = Pages(self.name, "comments")
        while start < found.total:
            asked = {"startAt": str(start), "maxResults": "1000"}
            reply = self._connection.get(_path("issue", issue.id, "comment"), "comments", asked)
            page = shaped(reply.body, wire.Comments, self.name, "comments")
            yield Part(COMMENTS, reply, ((issue.id, number, 0),))
            if not page.comments:
                return
            pages.turned(None, (each.id.encode() for each in page.comments))
            start, number = start + len(page.comments), number + 1

    # --- tickets by when they were updated ---

    def collect_touched(self, projects: Sequence[str], span: Span, now: datetime) -> None:
        """Store every ticket of the projects that was last updated in `span`, and that it was.

        Raises:
            CollectError: it was refused, or kept failing.
        """
        shown = (
            [each for each in projects if self._touched([each], span, now)]
            if (not self._touched(projects, span, now))
            else projects
        )
        with self._store.begin() as writer:
            for project in shown:
                writer.complete(Window(self.name, project, TOUCHED, span.since, span.until, now))

    def _touched(self, projects: Sequence[str], span: Span, now: datetime) -> bool:
        """Store those tickets; false where a project is not shown, so that nothing is."""
        listed = ", ".join(f'"{project}"' for project in projects)
        jql = f"project in ({listed}) AND updated >= {_minute(span.since - OVERLAP)}"
        if span.until < now:
            jql += f" AND updated <= {_minute(span.until + OVERLAP)}"
        jql += " ORDER BY key ASC"
        of = self.name if len(projects) > 1 else f"{projects[0]} in {self.name}"
        touched = self._touched_on_cloud if self.cloud else self._touched_here
        return touched(jql, f"changed tickets of {of}")

    def _touched_on_cloud(self, jql: str, what: str) -> bool:
        about = "tickets that changed"
        keys: dict[str, None] = {}
        token: str | None = None
        pages = Pages(self.name, about)
        while True:
            body: dict[str, Any] = {"jql": jql, "fields": ["key"], "maxResults": 5000}
            if token:
                body["nextPageToken"] = token
            reply = self._connection.post("search/jql", body, about, refusals=(400,))
            self._put(reply, TOUCHED)
            if reply.status != 200:
                return False
            page = shaped(reply.body, wire.Issues, self.name, about)
            for raw in page.issues:
                keys[shaped(raw, wire.Brief, self.name, about).key] = None
            if not page.next_page_token:
                break
            pages.turned(page.next_page_token, map(bytes, page.issues))
            token = page.next_page_token
        self.collect(keys, what)
        return True

    def _touched_here(self, jql: str, what: str) -> bool:
        about = "tickets that changed"
        start = 0
        total: int | None = None
        pages = Pages(self.name, about)
        while True:
            reply = self._search(jql, start, about, sure=True)
            if reply.status != 200:
                self._put(reply, TOUCHED)
                return False
            page = shaped(reply.body, wire.Issues, self.name, about)
            keys = [shaped(raw, wire.Brief, self.name, about).key for raw in page.issues]
            if keys:
                self._store_group(keys, [reply], dict.fromkeys(keys, 0))
            gone = 0 if total is None else total - (page.total or 0)
            total = page.total or 0
            # What was deleted meanwhile let the rest move up: this page is read again, from there.
            start = max(0, start - gone) if gone > 0 else start + len(keys)
            self._progress.collected(what, min(start, total), total)
            if (not keys and gone <= 0) or start >= total:
                return True
            pages.turned(None, (key.encode() for key in keys))

    # --- storing ---

    def _keep(self, path: str, kind: str, shape: type[T]) -> T:
        """What is answered to a GET, stored where it is another answer than the last."""
        about = f"its {path} list"
        reply = self._connection.get(path, about)
        found = shaped(reply.body, shape, self.name, about)
        digest = hashlib.sha256(reply.body).hexdigest()
        if self._store.versions(self.name, kind, [path]).get(path) != digest:
            self._put(reply, kind, [Item(kind, path, 0, digest, None)])
        return found

    def _put(self, reply: Reply, kind: str, items: Sequence[Item] = ()) -> None:
        with self._store.begin() as writer:
            writer.put(self._answer(reply, kind), items)

    def _answer(self, reply: Reply, kind: str) -> Answer:
        return Answer(
            source=self.name,
            subject=SUBJECT,
            kind=kind,
            request=reply.request,
            status=reply.status,
            received_at=reply.received_at,
            body=reply.body,
        )


def resolved(
    keys: Sequence[str],
    seen: Sequence[Seen],
    histories: Mapping[str, Sequence[wire.History]],
    renamed: Mapping[str, str],
) -> tuple[dict[str, Seen], list[str]]:
    """Which issue answers to which key that was asked for, and the keys of which it is doubtful.

    The key that an issue has today beats one that another had: keys of moved issues stay with
    these, and can be given again. Of a former key that several had, one alone is answered to.
    `renamed` are the keys that projects had, in lower case, with today's.
    """
    current: dict[str, dict[str, Seen]] = {}
    former: dict[str, dict[str, Seen]] = {}
    for each in seen:
        current.setdefault(each.issue.key.casefold(), {})[each.issue.id] = each
        for key in former_keys(histories.get(each.issue.id, ())):
            former.setdefault(key.casefold(), {})[each.issue.id] = each
    found: dict[str, Seen] = {}
    doubtful: list[str] = []
    for key in keys:
        name = key.casefold()
        project, number = _parted(key)
        once = {**former.get(name, {}), **current.get(f"{renamed.get(project)}-{number}", {})}
        answers = [*(current.get(name) or once).values()]
        if len(answers) == 1:
            found[key] = answers[0]
        elif answers:
            doubtful.append(key)
    return found, doubtful


class _List(msgspec.Struct, frozen=True):
    issues: tuple[msgspec.Raw, ...] | None = None


def issues_in(body: bytes) -> tuple[msgspec.Raw, ...]:
    """The issues of an answer, each as it came: those of its list, or the one that it is.

    Raises:
        msgspec.DecodeError: it is no such answer.
    """
    listed = decoded(body, _List).issues
    return (msgspec.Raw(body),) if listed is None else listed


class _Whole(msgspec.Struct, frozen=True, rename="camel"):
    issue_change_logs: tuple[msgspec.Raw, ...] | None = None
    changelog: wire.Changelog | None = None


def changelogs_in(
    status: int, body: bytes
) -> tuple[msgspec.Raw, ...] | wire.Changelog | Unavailable:
    """What an answer that was asked for the sake of changelogs holds: those of many, or one.

    Raises:
        msgspec.DecodeError: it is no such answer.
    """
    if status != 200:
        return Unavailable(f"Jira does not show its changelog (HTTP {status}: {said_in(body)})")
    found = decoded(body, _Whole)
    if found.issue_change_logs is not None:
        return found.issue_change_logs
    return found.changelog or Unavailable("Jira does not show its changelog")


def changes_at(
    logs: tuple[msgspec.Raw, ...] | wire.Changelog | Unavailable, position: int
) -> tuple[wire.History, ...] | Unavailable:
    """The changes of the issue at a position of such an answer.

    Raises:
        msgspec.DecodeError: they do not have the expected form.
    """
    if isinstance(logs, Unavailable):
        return logs
    if isinstance(logs, wire.Changelog):
        return whole(logs)
    if position == NOWHERE:
        return ()
    if position >= len(logs):
        raise msgspec.DecodeError(f"it holds no {position + 1} changelogs")
    return decoded(logs[position], wire.IssueChangelog).change_histories


def whole(log: wire.Changelog) -> tuple[wire.History, ...] | Unavailable:
    """The changes of a changelog, unless it is cut."""
    if log.total > len(log.histories):
        return Unavailable(
            f"Jira shows {len(log.histories):,} of the {log.total:,} entries of its changelog"
        )
    return log.histories


def _chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _ordered(key: str) -> tuple[str, int]:
    project, _, number = key.rpartition("-")
    return project.casefold(), int(number) if KEY.fullmatch(key) and len(number) < 19 else 0


def _path(*parts: str) -> str:
    """What is asked of a thing that an answer names: nothing in a name leads to elsewhere."""
    return "/".join(quote(part, safe="") for part in parts)


def _parted(key: str) -> tuple[str, str]:
    """The project of a key, in lower case, and its number."""
    project, _, number = key.casefold().rpartition("-")
    return project, number


def _version(digest: str, read_at: datetime) -> str:
    return f"{digest}@{read_at:%Y-%m-%dT%H:%M:%SZ}"


def _is_named(key: str, said: str) -> bool:
    """Whether an error, in capitals, names a key."""
    return re.search(rf"(?<![0-9A-Z_]){re.escape(key.upper())}(?![0-9A-Z_])", said) is not None


def _minute(at: datetime) -> str:
    return f'"{at:%Y-%m-%d %H:%M}"'
