"""A company on a GitHub in miniature: what is asked of it before an audit is answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from collectors.github.scripted_server import Got, Play, answer, refusal

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
DATE = {"Date": format_datetime(NOW, usegmt=True)}
RATE = {"cost": 1, "limit": 5000, "remaining": 4000, "resetAt": "2026-06-01T13:00:00Z"}
NOBODY = refusal(401, "This endpoint requires you to be authenticated.")


def check(kind: str) -> dict[str, str]:
    return {"__typename": kind}


class Company:
    """A GitHub with one repository and one team; `plays` are other answers, by what is asked."""

    def __init__(self) -> None:
        self.plays: dict[str, Play] = {}
        self.contexts: list[Any] = [check("StatusContext"), check("CheckRun")]
        self.branch: Any = {"name": "release/1", "target": {"oid": "c0ffee"}}
        self.errors: list[dict[str, Any]] = []
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []

    def route(self, got: Got) -> Play:
        asked, usual = self.read(got)
        self.asked.append(asked)
        return self.plays.get(asked) or usual()

    def read(self, got: Got) -> tuple[str, Callable[[], Play]]:
        if got.verb == "GET" or "access_tokens" in got.path:
            path = got.path.removeprefix("/api/v3").removeprefix("/repos/acme/payments")
            return path, lambda: Play(200, b"[]", self.headers)
        sent = json.loads(got.body)
        if "Authorization" not in got.headers:
            return "nobody", lambda: NOBODY._replace(headers=DATE)
        if "query Team(" in sent["query"]:
            return "team", self.team
        if not sent["variables"]["withRepository"]:
            return "viewer", self.viewer
        pulls = sent["variables"]["withPulls"]
        return "repository" if pulls else "without pulls", lambda: self.repository(pulls)

    def viewer(self) -> Play:
        told = answer({"rateLimit": RATE, "viewer": {"login": "auditor"}})
        return told._replace(headers=self.headers)

    def team(self) -> Play:
        members = {"totalCount": 3, "pageInfo": {"hasNextPage": False}, "nodes": []}
        return answer({"organization": {"team": {"combinedSlug": "acme/qa", "members": members}}})

    def repository(self, pulls: bool) -> Play:
        found: dict[str, Any] = {
            "nameWithOwner": "acme/payments",
            "defaultBranchRef": self.branch,
        }
        if pulls:
            rollup = {"contexts": {"nodes": self.contexts}}
            nodes = [{"statusCheckRollup": rollup}, {"statusCheckRollup": None}, None]
            found["pullRequests"] = {"totalCount": 41, "nodes": nodes}
        return answer({"rateLimit": RATE, "repository": found}, self.errors or None)
