"""A Jira on this machine, Cloud or Data Center, with the tickets that a test gives it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from changeaudit.collectors.jira.access import Access
from changeaudit.collectors.jira.connection import Connection
from changeaudit.collectors.jira.issues import Site
from changeaudit.store import Store
from collectors.github.scripted_server import Got, Play, RoutedServer, routing

TOKEN = "jira-s3cret"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DANA = {"accountId": "5b1", "displayName": "Dana", "emailAddress": "dana@acme.test"}
KIM = {"name": "kim", "key": "JIRAUSER7", "displayName": "Kim"}
STATUSES = [
    {"id": "1", "name": "To Do", "statusCategory": {"key": "new"}},
    {"id": "2", "name": "In Progress", "statusCategory": {"key": "indeterminate"}},
    {"id": "3", "name": "Finished", "statusCategory": {"key": "done"}},
]

Json = dict[str, Any]


def change(at: str, *items: Json, id: int = 0, author: Json | None = None) -> Json:
    """An entry of a changelog; `at` is what Jira writes, such as "2026-01-02T10:00:00.000+0000"."""
    number = str(id or abs(hash(at)) % 10_000_000)
    return {"id": number, "created": at, "author": author or DANA, "items": list(items)}


def item(name: str, was: str | None, became: str | None, **more: Any) -> Json:
    """One field of a change, by what was shown; `was_id` and `became_id` are the values behind."""
    return {
        "field": name,
        "fieldtype": more.get("fieldtype", "jira"),
        "from": more.get("was_id"),
        "fromString": was,
        "to": more.get("became_id"),
        "toString": became,
    }


def moved(at: str, old: str, new: str) -> Json:
    """It got another key."""
    return change(at, item("Key", old, new))


@dataclass
class Kept:
    """A ticket, its changelog, its comments, and the keys that it had."""

    id: str
    key: str
    fields: Json
    changes: list[Json] = field(default_factory=list)
    comments: list[Json] = field(default_factory=list)
    former: tuple[str, ...] = ()
    hidden: bool = False


class FakeJira:
    """What it holds, what it was asked, and how it cuts what it shows."""

    def __init__(self, *, cloud: bool) -> None:
        self.cloud = cloud
        self.tickets: dict[str, Kept] = {}
        self.got: list[tuple[str, Json]] = []
        self.instead: dict[str, list[Play]] = {}
        self.shown_changes = 100
        self.shown_comments = 50
        self.page_of_changes = 1000
        self.page = 1000
        self.changelogs = True
        self.lenient = True
        self.base_url = ""
        self.names_bad_keys = True
        self.projects = {"PAY", "OPS"}
        self.renamed: dict[str, str] = {}
        """Keys that projects had, with those that they have."""
        self.tells_renamed = True
        self.statuses = list(STATUSES)
        self.fields: list[Json] = []

    def add(self, key: str, **given: Any) -> Kept:
        """A ticket; what is not given is as most are."""
        changes, comments = given.pop("changes", []), given.pop("comments", [])
        former, hidden = given.pop("former", ()), given.pop("hidden", False)
        fields = {
            "summary": "Round half a cent to even",
            "status": STATUSES[0],
            "issuetype": {"name": "Story", "id": "7"},
            "project": {"key": key.rpartition("-")[0]},
            "resolution": None,
            "created": "2026-01-01T09:00:00.000+0000",
            "updated": "2026-01-02T09:00:00.000+0000",
            "reporter": DANA if self.cloud else KIM,
            "assignee": None,
            "labels": [],
            "components": [],
            "issuelinks": [],
            **given,
        }
        number = str(10_000 + len(self.tickets))
        kept = Kept(number, key, fields, changes, comments, former, hidden)
        self.tickets[key] = kept
        return kept

    def find(self, key: str) -> Kept | None:
        """The ticket that answers to a key or an id today."""
        project, _, number = key.upper().rpartition("-")
        today = f"{self.renamed.get(project, project)}-{number}"
        if today in self.tickets:
            found: Kept | None = self.tickets[today]
        else:
            every = self.tickets.values()
            found = next((t for t in every if key == t.id or key.upper() in t.former), None)
        return None if found is None or found.hidden else found

    # --- how it answers ---

    def route(self, got: Got) -> Play:
        parts = urlsplit(got.path)
        path = parts.path.partition("/rest/api/2/")[2]
        asked = json.loads(got.body) if got.body else {}
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.got.append((path, asked or query))
        if self.instead.get(path):
            return self.instead[path].pop(0)
        headers = {name.lower(): value for name, value in got.headers.items()}
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return told({"message": "no"}, 401)
        answer, _, rest = path.partition("/")
        handler: Callable[[str, Json], Play] = getattr(self, f"_{answer.lower()}")
        return handler(rest, {**query, **asked})

    def _serverinfo(self, rest: str, asked: Json) -> Play:
        kind = "Cloud" if self.cloud else "Server"
        return told({"baseUrl": self.base_url, "deploymentType": kind, "version": "9"})

    def _status(self, rest: str, asked: Json) -> Play:
        return told(self.statuses)

    def _field(self, rest: str, asked: Json) -> Play:
        return told(self.fields)

    def _myself(self, rest: str, asked: Json) -> Play:
        return told(DANA if self.cloud else KIM)

    def _project(self, rest: str, asked: Json) -> Play:
        if rest:
            if rest not in self.projects:
                return told({"errorMessages": [f"No project with key '{rest}'"]}, 404)
            had = [old for old, new in self.renamed.items() if new == rest]
            more = {"projectKeys": [rest, *had]} if self.tells_renamed else {}
            return told({"key": rest, "name": rest.title(), **more})
        return told([{"key": key, "name": key.title()} for key in sorted(self.projects)])

    def _search(self, rest: str, asked: Json) -> Play:
        if self.cloud and not rest:
            return told({"errorMessages": ["removed; use search/jql"]}, 410)
        jql = asked["jql"]
        found, problems = self._matching(jql)
        if problems and not (self.lenient and asked.get("validateQuery") is False):
            said = problems if self.names_bad_keys else ["Der Vorgang fehlt."]
            return told({"errorMessages": said}, 400)
        if rest:
            start = int(asked.get("nextPageToken") or 0)
            page = found[start : start + self.page]
            answer: Json = {"issues": [{"id": t.id, "key": t.key} for t in page]}
            if start + self.page < len(found):
                answer["nextPageToken"] = str(start + self.page)
            return told(answer)
        start = asked["startAt"]
        page = found[start : start + min(self.page, asked["maxResults"])]
        issues = [self._shown(t, asked) for t in page]
        return told({"startAt": start, "total": len(found), "issues": issues})

    def _matching(self, jql: str) -> tuple[list[Kept], list[str]]:
        keys = re.search(r"key in \(([^)]*)\)", jql)
        problems: list[str] = []
        found: dict[str, Kept] = {}
        if keys:
            for key in re.findall(r'"([^"]+)"', keys[1]):
                ticket = self.find(key)
                if ticket is None:
                    said = f"An issue with key '{key}' does not exist for field 'key'."
                    problems.append(said)
                else:
                    found[ticket.id] = ticket
            return [*found.values()], problems
        projects = re.search(r"project in \(([^)]*)\)", jql)
        assert projects
        wanted = set(re.findall(r'"([^"]+)"', projects[1]))
        problems = [
            f"The value '{p}' does not exist for the field 'project'."
            for p in sorted(wanted - self.projects)
        ]
        bounds = dict(re.findall(r'updated (>=|<=) "([^"]+)"', jql))
        for ticket in self.tickets.values():
            updated = ticket.fields["updated"][:16].replace("T", " ")
            after = bounds.get(">=", "") <= updated
            before = updated <= bounds.get("<=", "9999")
            if after and before and ticket.fields["project"]["key"] in wanted:
                found[ticket.id] = ticket
        return [t for t in found.values() if not t.hidden], problems

    def _issue(self, rest: str, asked: Json) -> Play:
        if rest == "bulkfetch":
            wanted = [self.find(key) for key in asked["issueIdsOrKeys"]]
            once = {ticket.id: ticket for ticket in wanted if ticket}
            return told({"issues": [self._shown(t, asked) for t in once.values()]})
        key, _, part = rest.partition("/")
        found = self.find(key)
        if found is None:
            return told({"errorMessages": ["Issue Does Not Exist"]}, 404)
        if part == "comment":
            start = int(asked["startAt"])
            some = found.comments[start : start + self.shown_comments]
            return told({"comments": some, "total": len(found.comments), "startAt": start})
        return told(self._shown(found, asked, whole=not self.cloud))

    def _changelog(self, rest: str, asked: Json) -> Play:
        if not self.changelogs:
            return told({"errorMessages": ["no changelogs"]}, 403)
        start = int(asked.get("nextPageToken") or 0)
        rows = [
            (t, c) for id_ in asked["issueIdsOrKeys"] if (t := self.find(id_)) for c in t.changes
        ]
        logs: dict[str, list[Json]] = {}
        for ticket, row in rows[start : start + self.page_of_changes]:
            at = int(datetime.fromisoformat(row["created"]).timestamp() * 1000)
            logs.setdefault(ticket.id, []).append({**row, "created": at})
        answer: Json = {
            "issueChangeLogs": [{"issueId": k, "changeHistories": v} for k, v in logs.items()]
        }
        if start + self.page_of_changes < len(rows):
            answer["nextPageToken"] = str(start + self.page_of_changes)
        return told(answer)

    def _shown(self, ticket: Kept, asked: Json, *, whole: bool = False) -> Json:
        wanted = asked["fields"]
        names = wanted.split(",") if isinstance(wanted, str) else wanted
        fields = {
            k: v for k, v in ticket.fields.items() if k in names or k in ("created", "updated")
        }
        if "comment" in names:
            some = ticket.comments[: self.shown_comments]
            fields["comment"] = {"comments": some, "total": len(ticket.comments)}
        shown: Json = {"id": ticket.id, "key": ticket.key, "fields": fields}
        if self.changelogs:
            log = ticket.changes[::-1] if self.cloud else ticket.changes
            some = log if whole else log[: self.shown_changes]
            shown["changelog"] = {"total": len(log), "histories": some}
        return shown

    # --- how it is asked in tests ---

    def asked(self, path: str) -> list[Json]:
        """The questions that came to a path."""
        return [body for where, body in self.got if where == path]


def told(answer: object, status: int = 200, **headers: str) -> Play:
    return Play(status, json.dumps(answer).encode(), headers)


class Waits:
    """Who is told of pauses and progress."""

    def __init__(self) -> None:
        self.waits: list[tuple[float, str]] = []
        self.slept: list[float] = []
        self.done: list[tuple[str, int, int]] = []
        self.notes: list[str] = []

    def waiting(self, seconds: float, why: str) -> None:
        self.waits.append((seconds, why))

    def collected(self, what: str, done: int, total: int) -> None:
        self.done.append((what, done, total))

    def noted(self, text: str) -> None:
        self.notes.append(text)

    def rate(self, remaining: int, limit: int) -> None:
        """Jira tells none."""


@dataclass
class Place:
    """A Jira that is served, a store, and what was told meanwhile."""

    jira: FakeJira
    server: RoutedServer
    store: Store
    told: Waits
    now: datetime = NOW

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}/jira"

    @property
    def site(self) -> str:
        return f"127.0.0.1:{self.server.port}/jira"

    def tick(self) -> datetime:
        """The present instant, a second later at each look."""
        self.now += timedelta(seconds=1)
        return self.now

    def connection(self, token: str = TOKEN) -> Connection:
        access = Access(self.url, "", token)
        return Connection(access, self.site, self.tick, self.told, self.told.slept.append)

    def open(self, **wanted: bool) -> Site:
        return Site(self.connection(), self.store, self.told, **wanted)


@contextmanager
def served(store: Store, *, cloud: bool) -> Iterator[Place]:
    """A Jira at an address, and a store for what it answers."""
    jira = FakeJira(cloud=cloud)
    with routing(jira.route) as server:
        jira.base_url = f"http://127.0.0.1:{server.port}/jira"
        yield Place(jira, server, store, Waits())
