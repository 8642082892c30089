"""`changeaudit roster`: snapshots are taken, kept, shown and made into a roster."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from changeaudit.roster_file import read_roster
from changeaudit.store import Store
from cli.command import TOKEN, Answer, Command, Done, served

pytestmark = pytest.mark.slow  # each test starts the program

POLICY = """\
version: 1
roles:
  peer: {write_access: true}
  lead: {teams: [acme/leads]}
  qa: {teams: [acme/leads, acme/hidden]}
"""
BIDI = "a\u202eevil[red]"


class GitHub:
    """Answers what a snapshot asks for."""

    def __init__(self) -> None:
        self.teams: dict[str, list[str]] = {"leads": ["lee", "lou"], "dba": ["sue"]}
        self.writers: dict[str, str] | None = {"pat": "WRITE", "zoe": "READ", "lee": "ADMIN"}
        self.asked: list[str] = []

    def people(self, logins: list[str]) -> list[dict[str, Any]]:
        return [
            {"__typename": "User", "login": x, "databaseId": zlib.crc32(x.encode())} for x in logins
        ]

    def __call__(self, body: bytes) -> Answer:
        sent = json.loads(body)
        found = re.match(r"\s*(?:#.*\s*)*query (\w+)", sent["query"])
        assert found
        self.asked.append(f"{found[1]} {sent['variables'].get('slug', '')}".strip())
        answer = getattr(self, f"answer_{found[1].lower()}")(sent["variables"])
        return 200, json.dumps(answer).encode()

    def answer_team(self, variables: dict[str, Any]) -> Any:
        if variables["slug"] not in self.teams:
            return {"data": {"organization": {"team": None}}}
        nodes = self.people(self.teams[variables["slug"]])
        page = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": nodes}
        team = {"combinedSlug": "x", "members": page}
        return {"data": {"organization": {"team": team}}}

    def answer_repository(self, variables: dict[str, Any]) -> Any:
        text = "/db/ @acme/dba @Acme/Leads\n"
        blob = {"__typename": "Blob", "byteSize": 9, "isTruncated": False, "text": text}
        day = {"oid": "c", "committedDate": "2026-01-01T00:00:00Z"}
        target = {
            "id": "C",
            "oid": "c",
            "githubOwners": {"nodes": [day]},
            "rootOwners": {"nodes": []},
            "docsOwners": {"nodes": []},
        }
        repository = {
            "nameWithOwner": "acme/payments",
            "url": "https://github.test/acme/payments",
            "githubOwners": blob,
            "rootOwners": None,
            "docsOwners": None,
            "defaultBranchRef": {"name": "main", "target": target},
        }
        search = {"issueCount": 0}
        return {"data": {"repository": repository, "viewer": {"login": "x"}, "search": search}}

    def answer_writers(self, variables: dict[str, Any]) -> Any:
        if self.writers is None:
            error = {"type": "FORBIDDEN", "message": "Must have push access", "path": []}
            return {"data": {"repository": {"collaborators": None}}, "errors": [error]}
        people = self.people(list(self.writers))
        edges = [{"permission": self.writers[person["login"]], "node": person} for person in people]
        page = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "edges": edges}
        return {"data": {"repository": {"collaborators": page}}}


@pytest.fixture
def github() -> GitHub:
    return GitHub()


@pytest.fixture
def api(github: GitHub) -> Iterator[str]:
    with served(github) as address:
        yield address


def run(changeaudit: Command, api: str, *args: str) -> Done:
    (changeaudit.folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    return changeaudit("roster", *args, GITHUB_API_URL=api, GITHUB_TOKEN=TOKEN)


def table(done: Done) -> list[list[str]]:
    """The cells of the table that was printed."""
    return [re.split(r" {2,}", line) for line in done.text.splitlines()]


def test_a_snapshot_is_kept_and_the_next_is_held_against_it(
    changeaudit: Command, github: GitHub, api: str
) -> None:
    first = run(changeaudit, api, "snapshot")
    assert first.code == 3, first.err
    assert table(first) == [
        ["group", "members", "joined", "left", "since"],
        ["acme/leads", "2", "–", "–", "first snapshot"],
        [
            "acme/hidden",
            "not read: GitHub answered for team acme/hidden: it is not visible",
            "–",
            "–",
            "first snapshot",
        ],
    ]
    assert "later audits with this store judge by it" in first.err
    github.teams = {"leads": ["lee", *(f"new{n:02}" for n in range(12)), BIDI], "hidden": []}
    second = run(changeaudit, api, "snapshot", "--quiet")
    assert second.code == 0
    assert second.err == ""
    cells = table(second)
    assert cells[1][:2] == ["acme/leads", "14"]
    assert cells[1][2].endswith("new07 and 4 more")
    assert "\u202e" not in second.text
    assert r"a\u202eevil[red]" in second.text
    assert cells[1][3] == "lou"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", cells[1][4])
    with Store.open(changeaudit.folder / "changeaudit.sqlite", create=False) as store:
        kept = {(c.subject, c.kind): c.answers for c in store.counts()}
    assert kept == {("acme/leads", "team"): 2, ("acme/hidden", "team"): 2}


def test_a_repository_brings_its_owning_teams_and_who_may_write(
    changeaudit: Command, github: GitHub, api: str
) -> None:
    done = run(changeaudit, api, "snapshot", "ACME/payments")
    groups = {cells[0]: cells[1] for cells in table(done)}
    assert groups["acme/dba"] == "1"
    assert groups["acme/payments (may write)"] == "2"
    assert github.asked.count("Team leads") == 1  # named by the policy, and by the file
    github.writers = None
    done = run(changeaudit, api, "snapshot", "acme/payments")
    assert done.code == 3
    unread = next(c for c in table(done) if c[0].startswith("acme/payments"))
    assert "Must have push access" in unread[1]


def test_the_export_is_a_roster_that_the_policy_reads(
    changeaudit: Command, github: GitHub, api: str
) -> None:
    github.teams["leads"].append("=cmd|x")
    run(changeaudit, api, "snapshot", "acme/payments")
    done = run(changeaudit, api, "export", "acme/payments", "--output", "roster.csv")
    assert done.code == 3
    assert done.out == b""
    assert "Left out, for no roster can name them: =cmd|x" in done.err
    written = changeaudit.folder / "roster.csv"
    assert b"\r" not in written.read_bytes()
    people = read_roster(written).people
    assert {(p.role, p.login) for p in people} == {
        ("peer", "pat"),
        ("peer", "lee"),
        ("qa", "lee"),
        ("qa", "lou"),
        ("lead", "lee"),
        ("lead", "lou"),
    }
    assert all(p.since and p.since == p.until for p in people)
    del github.teams["leads"][2]
    printed = run(changeaudit, api, "export")
    assert printed.text.startswith("role,login,from,to\nqa,lee,")
    assert b"pat" not in printed.out  # those who may write only where the repository is named


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("snapshot", "payments"), 2, "does not name a repository"),
        (("snapshot", "--policy", "none.yaml"), 2, "none.yaml"),
        (("export", "--store", "none.sqlite"), 4, "There is no evidence store at none.sqlite"),
    ],
)
def test_wrong_input_is_told(
    changeaudit: Command, api: str, args: tuple[str, ...], code: int, said: str
) -> None:
    done = run(changeaudit, api, *args)
    assert done.code == code, done.err
    assert said in done.err


def test_nobody_to_ask_for_and_nobody_to_write(changeaudit: Command, api: str) -> None:
    (changeaudit.folder / "bare.yaml").write_text("version: 1\n", encoding="utf-8")
    done = run(changeaudit, api, "snapshot", "--policy", "bare.yaml")
    assert done.code == 2
    assert "nobody can be asked for" in done.err
    run(changeaudit, api, "snapshot")
    done = run(changeaudit, api, "export", "--policy", "bare.yaml")
    assert done.code == 3
    assert done.out == b""
    assert "no snapshot of anybody in a role" in done.err
    (changeaudit.folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    done = changeaudit("roster", "export", GITHUB_API_URL="https://api.github.com")
    assert done.code == 3
    host = api.partition("//")[2].partition("/")[0]
    set_it = f"Set GITHUB_API_URL to https://{host}/api/v3."
    assert f"It has some from {host}. {set_it}" in done.err
    done = run(changeaudit, api, "export", "acme/*")
    assert done.code == 2
    assert "The store holds no list of acme's repositories." in done.err
    done = run(changeaudit, api, "export", "--output", "no/such/folder.csv")
    assert done.code == 2
    assert "The roster cannot be written to" in done.err


def test_without_a_token_nothing_is_asked(changeaudit: Command, github: GitHub, api: str) -> None:
    (changeaudit.folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    done = changeaudit("roster", "snapshot", GITHUB_API_URL=api)
    assert done.code == 2
    assert github.asked == []
