"""`changeaudit doctor`: what it leaves with, what it never shows and never touches."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from changeaudit.cli import doctor
from cli.command import TOKEN, Command, Done, Evidence
from collectors.github.company import Company
from collectors.github.keys import key, pem
from collectors.github.scripted_server import Play, RoutedServer, refusal, routing

POLICY = """\
version: 1
name: acme
roles:
  peer: {write_access: true}
  security: {teams: [acme/security]}
  qa: {teams: [acme/qa]}
  lead: {users: [lee]}
security_review: {paths: ["**/auth/**"]}
qa: {review: true, staging_checks: [e2e / staging]}
"""


@pytest.fixture
def company() -> Company:
    found = Company()
    found.headers = {"X-OAuth-Scopes": "repo, read:org"}
    return found


@pytest.fixture
def server(company: Company) -> Iterator[RoutedServer]:
    with routing(company.route) as started:
        yield started


def checks(done: Done) -> dict[tuple[str, str], dict[str, Any]]:
    found = json.loads(done.text)
    assert found["schema"] == "changeaudit/doctor/1"
    return {(check["about"], check["id"]): check for check in found["checks"]}


def asked(changeaudit: Command, server: RoutedServer, *args: str, **more: str) -> Done:
    environment = {"GITHUB_API_URL": server.api, "GITHUB_TOKEN": TOKEN, **more}
    return changeaudit("doctor", *args, **environment)


def test_where_all_is_well_it_leaves_with_zero(
    changeaudit: Command, server: RoutedServer, company: Company
) -> None:
    (changeaudit.folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    # The clock is the real one here, and not that of the script.
    company.plays["nobody"] = refusal(401, "Requires authentication")
    done = asked(changeaudit, server, "acme/payments", COLUMNS="80")
    assert done.code == 0, done.text
    assert done.err == ""
    assert "✗" not in done.text
    assert "  ✓ Token             GITHUB_TOKEN: " in done.text
    assert "0 failed, 0 warnings, " in done.text
    assert "Team acme/qa" in done.text
    assert max(map(len, done.text.splitlines())) <= 80


def test_nothing_is_written_anywhere(changeaudit: Command, server: RoutedServer) -> None:
    before = sorted(changeaudit.folder.rglob("*"))
    asked(changeaudit, server, "acme/payments")
    assert [each for each in changeaudit.folder.rglob("*") if each.name != "no programs"] == before


def test_without_a_token_it_says_so_and_leaves_with_four(
    changeaudit: Command, server: RoutedServer
) -> None:
    done = asked(changeaudit, server, "--format", "json", GITHUB_TOKEN="")
    assert done.code == 4
    found = checks(done)
    assert found["GitHub", "api"]["status"] == "ok"
    assert found["GitHub", "token"]["found"] == "There is no GitHub token."
    assert "policy and store are checked without it" in found["GitHub", "token"]["advice"]
    assert all("Authorization" not in got.headers for got in server.got)


def test_a_permission_that_the_policy_needs_is_named(
    changeaudit: Command, server: RoutedServer, company: Company
) -> None:
    (changeaudit.folder / "mine.yaml").write_text(POLICY, encoding="utf-8")
    company.contexts = []
    path = "/commits/c0ffee/check-runs?per_page=1"
    company.plays[path] = refusal(
        403, "Resource not accessible", X_Accepted_GitHub_Permissions="checks=read"
    )
    token = "github_pat_" + "s3cret" * 6
    done = asked(changeaudit, server, "acme/payments", "--policy", "mine.yaml", GITHUB_TOKEN=token)
    assert done.code == 4
    assert "✗ Checks" in done.text
    assert "GitHub shows check runs to no fine-grained token" in " ".join(done.text.split())
    assert token not in done.text + done.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("payments",), "does not name a repository"),
        (("acme/*",), "is a pattern"),
        (("--format", "csv"), "expected one of table, json"),
        (("--nonsense",), "No such option"),
    ],
)
def test_wrong_usage_leaves_with_two(
    changeaudit: Command, args: tuple[str, ...], said: str
) -> None:
    done = changeaudit("doctor", *args)
    assert done.code == 2
    assert said in done.err


@pytest.mark.parametrize(
    ("environment", "id_", "said"),
    [
        ({"GITHUB_API_URL": "https://a:s3cret@git.test/api/v3"}, "api", "user name or password"),
        ({"GITHUB_API_URL": "https://git.test/api/v3?token=s3cret"}, "api", "a query"),
        ({"GITHUB_API_URL": "", "GH_HOST": "a:s3cret@git.test"}, "api", "GH_HOST is not"),
        ({"GITHUB_APP_ID": "1234"}, "token", "neither GITHUB_APP_PRIVATE_KEY"),
        (
            {"GITHUB_APP_ID": "1234", "GITHUB_APP_PRIVATE_KEY": "s3cret"},
            "token",
            "is not an RSA key",
        ),
        ({"GITHUB_TOKEN": "s3cret token"}, "token", "characters that no token has"),
    ],
)
def test_a_malformed_environment_is_a_check_that_failed(
    changeaudit: Command,
    server: RoutedServer,
    environment: dict[str, str],
    id_: str,
    said: str,
) -> None:
    done = asked(changeaudit, server, "--format", "json", **environment)
    assert done.code == 4
    assert said in checks(done)["GitHub", id_]["found"]
    assert "s3cret" not in done.text + done.err


def test_no_secret_of_any_kind_is_shown(
    changeaudit: Command, server: RoutedServer, company: Company, tmp_path: Path
) -> None:
    """A token beside an App, its key, the token that the App is given, and Jira's."""
    given = {
        "token": "ghs_s3cret",
        "expires_at": "2999-01-01T00:00:00Z",
        "permissions": {"contents": "read"},
    }
    company.plays["/app/installations/7/access_tokens"] = Play(201, json.dumps(given).encode())
    path = tmp_path / "app.pem"
    path.write_text(pem(key()), encoding="utf-8")
    for format_ in ("table", "json"):
        done = asked(
            changeaudit,
            server,
            "acme/payments",
            "--format",
            format_,
            GITHUB_APP_ID="1234",
            GITHUB_APP_PRIVATE_KEY_FILE=str(path),
            GITHUB_APP_INSTALLATION_ID="7",
            JIRA_URL="http://127.0.0.1:1",
            JIRA_TOKEN="s3cret",
            CHANGEAUDIT_DEBUG="1",
        )
        shown = done.text + done.err
        assert "GitHub App 1234" in shown
        assert "GITHUB_TOKEN is set too and not used." in " ".join(shown.split())
        assert "s3cret" not in shown
        assert not any(line in shown for line in pem(key()).splitlines())
    used = {got.headers.get("Authorization") for got in server.got}
    assert "token ghs_s3cret" in used
    assert f"token {TOKEN}" not in used


def test_an_app_that_cannot_serve_all_repositories(
    changeaudit: Command, server: RoutedServer
) -> None:
    """What it would show of the second owner's would be taken for what the token lacks."""
    given = {"GITHUB_APP_ID": "1234", "GITHUB_APP_PRIVATE_KEY": pem(key())}
    done = asked(changeaudit, server, "acme/a", "globex/b", "--format", "json", **given)
    found = checks(done)["GitHub", "token"]
    assert (done.code, found["status"]) == (4, "failed")
    assert "belongs to 2: acme, globex." in found["found"]
    assert "--offline" in found["advice"]


# Policy, store, Jira ----------------------------------------------------------------------------


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("verify", [(), ("--verify",)])
def test_a_store_is_looked_at_and_left_as_it_is(
    changeaudit: Command, server: RoutedServer, evidence: Evidence, verify: tuple[str, ...]
) -> None:
    before = digest(evidence.store)
    args = ("--store", str(evidence.store), "--format", "json", *verify)
    found = checks(asked(changeaudit, server, *args))["Store", "store"]
    assert found["status"] == "ok"
    assert ("each of them verified" in found["found"]) == bool(verify)
    assert digest(evidence.store) == before
    assert [each.name for each in evidence.folder.glob("evidence.sqlite*")] == ["evidence.sqlite"]


def test_a_store_that_is_damaged(
    changeaudit: Command, server: RoutedServer, evidence: Evidence
) -> None:
    raw = bytearray(evidence.store.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 4096] = os.urandom(4096)
    evidence.store.write_bytes(raw)
    args = ("--store", str(evidence.store), "--format", "json", "--verify")
    done = asked(changeaudit, server, *args)
    assert done.code == 4
    assert checks(done)["Store", "store"]["status"] == "failed"


@pytest.mark.parametrize(
    ("content", "said"), [(b"not a database at all" * 99, "is not an SQLite"), (b"", "is empty")]
)
def test_a_store_that_is_none(
    changeaudit: Command, server: RoutedServer, content: bytes, said: str
) -> None:
    (changeaudit.folder / "changeaudit.sqlite").write_bytes(content)
    done = asked(changeaudit, server, "--format", "json")
    assert done.code == 4
    assert said in checks(done)["Store", "store"]["found"]


def test_a_store_that_cannot_be_made(changeaudit: Command, server: RoutedServer) -> None:
    done = asked(changeaudit, server, "--format", "json", "--store", "no/such/folder.sqlite")
    assert done.code == 4
    assert "No store can be made at" in checks(done)["Store", "store"]["found"]


def test_a_store_in_a_database_that_is_not_there(
    changeaudit: Command, server: RoutedServer
) -> None:
    where = "postgresql+nosuchdriver://dana:s3cret@127.0.0.1/evidence"
    done = asked(changeaudit, server, "--format", "json", "--store", where)
    assert done.code == 4
    assert checks(done)["Store", "store"]["status"] == "failed"
    assert "s3cret" not in done.text + done.err


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="the superuser may write anything")
def test_a_store_that_can_only_be_read(
    changeaudit: Command, server: RoutedServer, evidence: Evidence
) -> None:
    evidence.store.chmod(0o444)
    args = ("--store", str(evidence.store), "--format", "json")
    found = checks(asked(changeaudit, server, *args))["Store", "store"]
    assert found["status"] == "warning"
    assert "--offline works" in found["found"]


def test_a_policy_that_is_not_valid(changeaudit: Command, server: RoutedServer) -> None:
    (changeaudit.folder / "policy.yaml").write_text("version: 1\nrols: {}\n", encoding="utf-8")
    done = asked(changeaudit, server, "acme/payments", "--format", "json")
    assert done.code == 4
    found = checks(done)
    assert "rols" in found["Policy", "policy"]["found"]
    assert "the built-in policy" in found["Policy", "policy"]["advice"]
    assert found["acme/payments", "permission.issues"]["status"] == "ok"


def test_a_store_that_another_is_writing(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("changeaudit.database.BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(evidence.store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        found = doctor._store(str(evidence.store), verify=False)
    assert found.answers > 0
    assert found.unwritable is not None
    assert "is locked" in found.unwritable.said


def test_a_jira_that_cannot_be_reached(changeaudit: Command, server: RoutedServer) -> None:
    """It fails where the policy names a project of it, and is a warning where none does."""
    jira = {"JIRA_URL": "http://127.0.0.1:1", "JIRA_EMAIL": "a@acme.test"}
    told = {**jira, "JIRA_API_TOKEN": "s3cret"}
    for projects, code, status in (
        ("", 0, "warning"),
        ("tickets: {jira_projects: [PAY]}", 4, "failed"),
    ):
        text = f"{POLICY}{projects}\n"
        (changeaudit.folder / "policy.yaml").write_text(text, encoding="utf-8")
        done = asked(changeaudit, server, "--format", "json", **told)
        found = checks(done)["Jira", "jira"]
        assert (done.code, found["status"]) == (code, status)
        assert "could not be reached" in found["found"]
        assert ("names no Jira project" in found["found"]) is (not projects)
    done = asked(changeaudit, server, "--format", "json", **jira)
    assert "There is no token for the Jira at" in checks(done)["Jira", "jira"]["found"]


def test_an_output_that_cannot_be_written(changeaudit: Command, server: RoutedServer) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("only Linux has a device that is always full")
    code = "import sys; sys.stdout = open('/dev/full', 'w', encoding='utf-8')"
    done = changeaudit("doctor", code=code, GITHUB_API_URL=server.api)
    assert done.code == 2
    assert "cannot be written" in done.err
