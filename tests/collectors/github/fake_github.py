"""A GitHub in memory: it answers this program's own operations, by the page, and keeps count."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from changeaudit.collectors.github import wire
from changeaudit.collectors.github.ask import Session
from changeaudit.collectors.github.queries import Operation
from changeaudit.collectors.github.transport import Reply, Transport, request_of
from changeaudit.store import Store

REPOSITORY = "acme/payments"
HOST = "github.test"
Json = dict[str, Any]

LISTS = (
    "labels",
    "userContentEdits",
    "reviews",
    "timelineItems",
    "commits",
    "files",
    "closingIssuesReferences",
)


def at(text: str) -> datetime:
    """An instant of 2026 in UTC: "03-01", "03-01 12:30" or "03-01 12:30:15"."""
    day, _, time = text.partition(" ")
    return datetime.fromisoformat(f"2026-{day}T{time or '00:00'}").replace(tzinfo=UTC)


def z(instant: datetime | str) -> str:
    """An instant as GitHub writes it."""
    if isinstance(instant, str):
        instant = at(instant)
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def user(login: str, kind: str = "User") -> Json:
    return {"__typename": kind, "login": login, "databaseId": sum(login.encode())}


def commit(oid: str, message: str = "Work") -> Json:
    who = {"name": "Dana", "email": "dana@acme.test", "date": "2026-01-01T00:00:00Z"}
    return {
        "commit": {
            "oid": oid,
            "url": f"https://{HOST}/c/{oid}",
            "message": message,
            "committedViaWeb": False,
            "tree": {"oid": f"tree-{oid}"},
            "author": {**who, "user": user("dana")},
            "committer": {**who, "user": None},
        }
    }


def review(
    login: str | None,
    state: str = "APPROVED",
    of: str | None = "head",
    submitted: str | None = "03-01",
) -> Json:
    return {
        "id": f"R-{login}-{submitted}",
        "url": f"https://{HOST}/r",
        "state": state,
        "body": "",
        "submittedAt": z(submitted) if submitted else None,
        "lastEditedAt": None,
        "authorCanPushToRepository": True,
        "author": user(login) if login else None,
        "commit": {"oid": of} if of else None,
    }


def merged_event(when: str, oid: str = "merge") -> Json:
    return {
        "__typename": "MergedEvent",
        "createdAt": z(when),
        "mergeRefName": "main",
        "actor": user("lee"),
        "commit": {"oid": oid},
    }


def queue_event(when: str, *, added: bool = True, reason: str | None = None) -> Json:
    """Put into the merge queue, or taken out for a reason."""
    found: Json = {"createdAt": z(when), "actor": user("lee"), "enqueuer": user("lee")}
    if added:
        return {"__typename": "AddedToMergeQueueEvent", **found}
    return {"__typename": "RemovedFromMergeQueueEvent", "reason": reason, **found}


def status(context: str, when: str = "03-01") -> Json:
    return {
        "__typename": "StatusContext",
        "context": context,
        "state": "SUCCESS",
        "createdAt": z(when),
        "targetUrl": None,
        "creator": user("ci"),
    }


def pull(number: int, merged: str = "03-02", **changes: Any) -> Json:
    """A merged pull request; its lists are whole, and the fake cuts them into pages."""
    found: Json = {
        "id": f"PR_{number}",
        "number": number,
        "url": f"https://{HOST}/{REPOSITORY}/pull/{number}",
        "title": f"Change {number}",
        "body": "",
        "createdAt": z("02-01"),
        "mergedAt": z(merged),
        "updatedAt": z(merged),
        "lastEditedAt": None,
        "isDraft": False,
        "baseRefName": "main",
        "headRefName": f"topic-{number}",
        "headRefOid": "head",
        "isCrossRepository": False,
        "changedFiles": 1,
        "author": user("dana"),
        "mergedBy": user("lee"),
        "headRepository": {"nameWithOwner": REPOSITORY},
        "mergeCommit": {
            "id": f"C_m{number}",
            "oid": f"m{number}",
            "url": f"https://{HOST}/c/m{number}",
            "parents": {"nodes": [{"id": f"C_m{number - 1}", "oid": f"m{number - 1}"}]},
        },
        "labels": [],
        "userContentEdits": [],
        "reviews": [review("pat")],
        "timelineItems": [merged_event(merged, f"m{number}")],
        "commits": [commit("head")],
        "files": [{"path": "a.py", "changeType": "MODIFIED"}],
        "closingIssuesReferences": [],
        "checks": [],
    }
    assert changes.keys() <= found.keys()
    return {**found, **changes}


class FakeGitHub(Transport):
    """Answers from `pulls`, `commits`, `issues`, …; `asked` tells what it was asked.

    `fault` is called before each answer and may raise; `spoil` may change the answer's data and
    add errors. `first` and `more` are the sizes of the inner lists' pages.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.host = HOST
        self.clock = clock
        self.requests = 0
        self.answering = threading.Lock()
        self.asked: list[tuple[str, Json]] = []
        self.pulls: dict[str, Json] = {}
        self.parents: dict[str, list[str]] = {}
        self.history: dict[str, Json] = {}
        self.merge_checks: dict[str, list[Json]] = {}
        self.trees: dict[str, list[Json]] = {}
        self.tops: dict[str, str] = {}
        self.below: dict[str, list[str]] = {}
        self.dates: dict[str, str] = {}
        self.text = ""
        self.issues: dict[str, Json] = {}
        self.changes: dict[str, Json | None] = {}
        self.heads: dict[str, str] = {}
        self.members: list[Json] | None = None
        self.owned: list[Any] | None = None
        self.first: dict[str, int] = {}
        self.more = 100
        self.fault: Callable[[str, Json, bool], None] = lambda name, variables, divisible: None
        self.spoil: Callable[[str, Json, Json], list[Json]] = lambda name, variables, data: []
        self.listed: list[Json] = []
        self.rest: list[tuple[str, dict[str, str]]] = []
        self.refusing: dict[str, int] = {}
        self.page = 100

    def add(self, *pulls: Json) -> None:
        self.pulls |= {p["id"]: p for p in pulls}

    def kinds(self) -> list[str]:
        """The names of the operations that were asked for, in order."""
        return [name for name, _ in self.asked]

    def ask(
        self, operation: Operation, variables: dict[str, Any], about: str, *, divisible: bool
    ) -> Reply:
        with self.answering:
            self.requests += 1
            self.text = operation.text
            self.asked.append((operation.name, dict(variables)))
            self.fault(operation.name, variables, divisible)
            data: Json | None = getattr(self, f"answer_{operation.name}")(variables)
            data = json.loads(json.dumps(data))
            errors = self.spoil(operation.name, variables, data or {})
        body = json.dumps({"data": data, "errors": errors} if errors else {"data": data}).encode()
        envelope = msgspec.json.decode(wire.sound(body), type=wire.Envelope)
        return Reply(
            request=request_of(operation, variables),
            status=200,
            body=body,
            received_at=self.clock(),
            data=envelope.data,
            errors=envelope.errors,
            rate=None,
        )

    # -- the REST API

    def get(self, path: str, about: str) -> Reply:
        """The lists of `listed`, each row under the last part of its path, the newest first.

        `refusing` gives another status to a path by its last part; `rest` keeps what was asked.
        """
        self.requests += 1
        place, _, query = path.partition("?")
        name = place.rpartition("/")[2]
        asked = dict(parse_qsl(query))
        self.rest.append((name, dict(asked)))
        start = int(asked.pop("after", 0))
        rows = [row for row in self.listed if name == row["list"]]
        kind = asked.get("activity_type")
        rows = [row for row in rows if kind in (None, row.get("activity_type"))]
        shown = [
            {key: value for key, value in row.items() if key != "list"}
            for row in rows[start : start + self.page]
        ]
        following = urlencode({**asked, "after": start + self.page})
        body = json.dumps(shown).encode()
        return Reply(
            request=json.dumps({"get": path}),
            status=self.refusing.get(name, 200),
            body=body,
            received_at=self.clock(),
            data=msgspec.Raw(body),
            errors=(),
            rate=None,
            next=following if start + self.page < len(rows) else "",
        )

    # -- pull requests

    def found(self, search: str) -> list[Json]:
        assert f"repo:{REPOSITORY} is:pr is:merged" in search
        lower, upper, since = "0", "9", "0"
        if span := re.search(r"merged:(\S+)\.\.(\S+)", search):
            lower, upper = span[1], span[2]
        elif side := re.search(r"merged:<=(\S+)", search):
            upper = side[1]
        elif side := re.search(r"merged:>=(\S+)", search):
            lower = side[1]
        if changed := re.search(r"updated:>=(\S+)", search):
            since = changed[1]
        base = re.search(r'base:"([^"]+)"', search)
        hits = [
            p
            for p in self.pulls.values()
            if lower <= p["mergedAt"] <= upper
            and p["updatedAt"] >= since
            and (base is None or p["baseRefName"] == base[1])
        ]
        return sorted(hits, key=lambda p: p["number"], reverse="created-desc" in search)

    def shown(self, found: Json, first: Callable[[str], int], wanted: Iterator[str]) -> Json:
        """The pull request with the first page of each list."""
        cut = {name: sliced(found[name], first(name), None) for name in wanted}
        shown = {**found, **cut, "statusCheckRollup": {"contexts": cut["checks"]}}
        if edits := found["userContentEdits"]:  # they are asked for by themselves
            shown["lastEditedAt"] = found["lastEditedAt"] or edits[0]["editedAt"]
        del shown["userContentEdits"]
        return shown

    def answer_pull_requests(self, variables: Json) -> Json:
        hits = self.found(variables["search"])
        page = sliced(hits, variables["first"], variables["after"])
        sizes = {"labels": 50, "userContentEdits": 30, "reviews": 50, **self.first}
        nodes = [
            self.shown(p, lambda name: sizes.get(name, 100), iter((*LISTS, "checks")))
            for p in page["nodes"]
        ]
        if not variables["withWriteAccess"]:
            for node in nodes:
                for given in node["reviews"]["nodes"]:
                    del given["authorCanPushToRepository"]
        return {"search": {"issueCount": len(hits), "pageInfo": page["pageInfo"], "nodes": nodes}}

    def answer_count(self, variables: Json) -> Json:
        return {"search": {"issueCount": len(self.found(variables["search"]))}}

    def answer_further(self, variables: Json) -> Json:
        """The further pages of the lists that the text asks of each alias."""
        data: Json = {}
        for alias, asked in re.findall(r"  (m\d+): node(.*?)\n  \}\n", self.text, re.S):
            number = alias.removeprefix("m")
            found = self.pulls[variables[f"i{number}"]]
            data[alias] = node = {"id": found["id"]}
            for name in (*LISTS, "checks"):
                cursor = f"{name}{number}"
                if asks := re.search(rf"first: (\d+), after: \${cursor}\b", asked):
                    page = sliced(found[name], min(self.more, int(asks[1])), variables[cursor])
                    if name == "checks":
                        node["statusCheckRollup"] = {"contexts": page}
                    else:
                        node[name] = page
            if last := re.search(r"filesFromEnd: files\(last: (\d+), before", asked):
                files = found["files"]
                end = int(variables[f"filesFromEnd{number}"] or len(files))
                start = end - int(last[1])
                node["filesFromEnd"] = {
                    "pageInfo": {"hasPreviousPage": start > 0, "startCursor": str(start)},
                    "nodes": files[start:end],
                }
        return data

    def answer_walk(self, variables: Json) -> Json:
        """All merged pull requests, those that changed last first; a cursor stays where it is."""
        hits = sorted(self.pulls.values(), key=lambda p: (p["updatedAt"], p["id"]), reverse=True)
        places = [f"{p['updatedAt']} {p['id']}" for p in hits]
        after = variables["after"]
        start = sum(place >= after for place in places) if after else 0
        end = start + variables["first"]
        nodes = [self.shown(p, lambda name: 100, iter((*LISTS, "checks"))) for p in hits[start:end]]
        info = {"hasNextPage": end < len(hits), "endCursor": [*places[start:end], after][-1]}
        if nodes:
            info["endCursor"] = places[start:end][-1]
        return {"repository": {"pullRequests": {"pageInfo": info, "nodes": nodes}}}

    def answer_parents(self, variables: Json) -> Json:
        data: Json = {}
        for position in range(len(variables) // 3):
            found = self.pulls[variables[f"i{position}"]]
            page = sliced(found["commits"], variables[f"n{position}"], variables[f"a{position}"])
            page["nodes"] = [
                {
                    "commit": {
                        "oid": node["commit"]["oid"],
                        "parents": {
                            "nodes": [
                                {"oid": oid, "committedDate": self.dates.get(oid)}
                                for oid in self.parents.get(node["commit"]["oid"], ["root"])
                            ]
                        },
                    }
                }
                for node in page["nodes"]
            ]
            data[f"p{position}"] = {"id": found["id"], "commits": page}
        return data

    def tree(self, files: Json) -> str:
        """A directory as git has it, of texts and directories by name; its object id."""
        rows: list[tuple[bytes, Json]] = []
        for name, inside in files.items():
            if isinstance(inside, dict):
                entry = {"type": "tree", "mode": 0o40000, "oid": self.tree(inside)}
            else:
                blob = b"blob %d\0%s" % (len(inside), inside.encode())
                oid = hashlib.sha1(blob, usedforsecurity=False).hexdigest()
                entry = {"type": "blob", "mode": 0o100644, "oid": oid}
            end = "/" if isinstance(inside, dict) else ""
            rows.append((f"{name}{end}".encode(), {"name": name, **entry}))
        entries = [entry for _, entry in sorted(rows, key=lambda row: row[0])]
        body = b"".join(
            b"%o %s\0%s" % (e["mode"], e["name"].encode(), bytes.fromhex(e["oid"])) for e in entries
        )
        whole = b"tree %d\0%s" % (len(body), body)
        found = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
        self.trees[found] = entries
        return found

    def answer_base_merges(self, variables: Json) -> Json:
        """Top directories of `tops`, directories of `trees`, and the histories of `below`."""
        data: Json = {}
        for alias, oid in re.findall(r'(\w+): object\(oid: "(\w+)"\)', self.text):
            if alias.startswith("c_") and oid in self.tops:
                top = self.tops[oid]
                data[alias] = {"oid": oid, "tree": {"oid": top, "entries": self.trees[top]}}
            elif alias.startswith("t_") and oid in self.trees:
                data[alias] = {"oid": oid, "entries": self.trees[oid]}
            elif alias.startswith("h_") and oid in self.below:
                nodes = [{"oid": each} for each in (oid, *self.below[oid])]
                data[alias] = {"oid": oid, "history": {"nodes": nodes}}
            else:
                data[alias] = None
        return {"repository": data}

    def answer_merge_groups(self, variables: Json) -> Json:
        """The checks of merge commits, by oid in `merge_checks`; `None` where it has no such."""
        nodes: list[Json | None] = []
        for id_ in variables["ids"]:
            oid = id_.removeprefix("C_")
            checks = self.merge_checks.get(oid)
            size = self.first.get("mergeChecks", 100)
            page = None if checks is None else sliced(checks, size, variables["after"])
            nodes.append({"oid": oid, "statusCheckRollup": page and {"contexts": page}})
        return {"nodes": nodes}

    # -- the line

    def line(self, *oids: str, pulls: Sequence[int] = ()) -> None:
        """Commits on top of each other, the newest first; the last may be known already."""
        for oid, below in zip(oids, [*oids[1:], None], strict=True):
            if below is None and oid in self.history:
                continue
            self.history[oid] = {
                "id": f"C_{oid}",
                "oid": oid,
                "url": f"https://{HOST}/c/{oid}",
                "message": f"Commit {oid}",
                "parents": {"nodes": [{"id": f"C_{below}", "oid": below}] if below else []},
                "author": {"name": "Dana", "email": "d@acme.test", "date": z("02-01")},
                "committer": {"name": "Dana", "email": "d@acme.test", "date": z("02-01")},
                "associatedPullRequests": {
                    "nodes": [
                        {
                            "number": n,
                            "mergedAt": z("03-01"),
                            "baseRefName": "main",
                            "repository": {"nameWithOwner": REPOSITORY},
                        }
                        for n in pulls
                    ]
                },
            }

    def on_line(self, oid: str | None) -> Json | None:
        """A commit, the merge of a pull request among them."""
        merges = [p for p in self.pulls.values() if p["mergeCommit"]]
        merge = next((p for p in merges if p["mergeCommit"]["oid"] == oid), None)
        if merge is None:
            return self.history.get(oid or "")
        linked = {
            "number": merge["number"],
            "mergedAt": merge["mergedAt"],
            "baseRefName": merge["baseRefName"],
            "repository": {"nameWithOwner": REPOSITORY},
        }
        return {
            **merge["mergeCommit"],
            "message": "Merge",
            "author": None,
            "committer": None,
            "associatedPullRequests": {"nodes": [linked]},
        }

    def answer_line(self, variables: Json) -> Json:
        """Stretches of history: a cursor is how many commits came before, and from where."""
        data: Json = {}
        for position in range(len(variables) // 3):
            chain: list[Json] = []
            oid = variables[f"i{position}"].removeprefix("C_")
            start, _, before = (variables[f"a{position}"] or f"{oid} 0").partition(" ")
            assert start == oid, "a cursor of another history"
            last = int(before) + variables[f"d{position}"]
            found = self.on_line(oid)
            while found and len(chain) < last:
                chain.append(found)
                below = found["parents"]["nodes"]
                found = self.on_line(below[0]["oid"]) if below else None
            page = {"hasNextPage": found is not None, "endCursor": f"{oid} {len(chain)}"}
            history = {"nodes": chain[int(before) :], "pageInfo": page}
            data[f"s{position}"] = {"oid": oid, "history": history} if chain else None
        return data

    def answer_merges(self, variables: Json) -> Json:
        return {
            side: {
                "issueCount": len(self.found(variables[side])),
                "nodes": [
                    {key: p[key] for key in ("number", "mergedAt", "baseRefName", "mergeCommit")}
                    for p in self.found(variables[side])[:size]
                ],
            }
            for side, size in (("before", 100), ("after", 100), ("earlier", 20), ("later", 20))
        }

    # -- the rest

    def answer_repository(self, variables: Json) -> Json:
        return {
            "viewer": {"login": "auditor"},
            "search": {"issueCount": len(self.found(variables["search"]))},
            "repository": {
                "databaseId": 7,
                "nameWithOwner": REPOSITORY,
                "url": f"https://{HOST}/{REPOSITORY}",
                "pullRequestTemplates": [],
                "defaultBranchRef": {"name": "main", "target": {"id": "C_top", "oid": "top"}},
            },
        }

    def answer_last_changes(self, variables: Json) -> Json:
        """The last change of each path that the text asks for; none but those of `changes`."""
        asked = re.findall(r'(\w+): history\(first: 1, path: "(.+?)"\)', self.text)
        changes = {alias: self.changes.get(path, {"nodes": []}) for alias, path in asked}
        return {"node": {"oid": variables["head"].removeprefix("C_"), **changes}}

    def answer_branches(self, variables: Json) -> Json:
        names = [
            {"name": name, "target": {"id": f"C_{oid}", "oid": oid}}
            for name, oid in sorted(self.heads.items())
        ]
        return {"repository": {"refs": sliced(names, 2, variables["after"])}}

    def answer_team(self, variables: Json) -> Json | None:
        if self.members is None:
            return {"organization": {"team": None}}
        members = sliced(self.members, 2, variables["after"])
        slug = f"{variables['organization']}/{variables['slug']}"
        return {"organization": {"team": {"combinedSlug": slug, "members": members}}}

    def answer_repositories(self, variables: Json) -> Json:
        if self.owned is None:
            return {"repositoryOwner": None}
        nodes = [{"nameWithOwner": name} if name else None for name in self.owned]
        return {"repositoryOwner": {"repositories": sliced(nodes, 2, variables["after"])}}

    def answer_issues(self, variables: Json) -> Json:
        data: Json = {}
        for position in range(len(variables) // 3):
            key = (
                f"{variables[f'o{position}']}/{variables[f'n{position}']}"
                f"#{variables[f'i{position}']}"
            )
            found = self.issues.get(key)
            data[f"t{position}"] = {"issue": found} if found else None
        return data


def issue(key: str, state: str = "OPEN", *events: Json, **changes: Any) -> Json:
    repository, _, number = key.partition("#")
    found: Json = {
        "id": f"I_{key}",
        "number": int(number),
        "title": f"Issue {number}",
        "url": f"https://{HOST}/{repository}/issues/{number}",
        "state": state,
        "stateReason": None,
        "createdAt": z("01-05"),
        "updatedAt": z("01-05"),
        "repository": {"nameWithOwner": repository},
        "author": user("kim"),
        "labels": {"nodes": [{"name": "bug"}]},
        "timelineItems": sliced(list(events), 50, None),
    }
    return {**found, **changes}


def sliced(items: Sequence[Any], size: int, after: str | None) -> Json:
    """A page of a list as GitHub gives it."""
    start = int(after or 0)
    end = start + size
    return {
        "totalCount": len(items),
        "pageInfo": {"hasNextPage": end < len(items), "endCursor": str(min(end, len(items)))},
        "nodes": list(items[start:end]),
    }


class Told:
    """A progress that remembers what it was told."""

    def __init__(self) -> None:
        self.done: list[tuple[str, int, int]] = []
        self.waits: list[tuple[float, str]] = []
        self.rates: list[tuple[int, int]] = []
        self.notes: list[str] = []

    def collected(self, what: str, done: int, total: int) -> None:
        self.done.append((what, done, total))

    def noted(self, text: str) -> None:
        self.notes.append(text)

    def rate(self, remaining: int, limit: int) -> None:
        self.rates.append((remaining, limit))

    def waiting(self, seconds: float, why: str) -> None:
        self.waits.append((seconds, why))


class Place:
    """A fake GitHub, a store, and a clock that the test sets."""

    def __init__(self, store: Store, now: datetime) -> None:
        self.now = now
        self.store = store
        self.told = Told()
        self.github = FakeGitHub(lambda: self.now)
        self.session = Session(self.github, store, lambda: self.now, self.told)

    def answers(self, kind: str) -> int:
        """How many answers of a kind are stored."""
        return sum(c.answers for c in self.store.counts() if c.kind == kind)


def keys_of(located: Iterable[Any]) -> list[str]:
    """The keys of the things in what the store located."""
    return [item.key for answer in located for item in answer.items]
