"""Where the token comes from, and to which address it belongs."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from changeaudit.cli import github
from changeaudit.collectors.github.app import InstallationToken
from changeaudit.collectors.github.credentials import App, Token
from changeaudit.errors import UsageError
from collectors.github.keys import key, pem

TOKEN = "ghp_0123456789"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no `gh`, whatever the machine has."""
    for name in list(os.environ):
        if name.startswith(("GITHUB_", "GH_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tmp_path))


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Make `gh` a program that runs `script` in Python."""
    path = folder / "gh"
    path.write_text(f"#!{sys.executable}\nimport sys, time\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


posix = pytest.mark.skipif(os.name == "nt", reason="a script is no program on Windows")


SERVER = {"GITHUB_API_URL": "https://git.acme.test/api/v3"}


@pytest.mark.parametrize(
    ("environment", "origin"),
    [
        ({"GITHUB_TOKEN": TOKEN}, "GITHUB_TOKEN"),
        ({"GH_TOKEN": TOKEN}, "GH_TOKEN"),
        ({"GITHUB_TOKEN": TOKEN, "GH_TOKEN": "other"}, "GITHUB_TOKEN"),
        ({"GITHUB_TOKEN": "", "GH_TOKEN": TOKEN}, "GH_TOKEN"),
        ({"GITHUB_TOKEN": f"  {TOKEN}\n"}, "GITHUB_TOKEN"),
        ({"GITHUB_TOKEN": TOKEN, "GH_ENTERPRISE_TOKEN": "other"}, "GITHUB_TOKEN"),
        ({"GH_HOST": "acme.ghe.com", "GH_TOKEN": TOKEN}, "GH_TOKEN"),
        ({**SERVER, "GITHUB_TOKEN": TOKEN}, "GITHUB_TOKEN"),
        ({**SERVER, "GITHUB_TOKEN": "other", "GH_ENTERPRISE_TOKEN": TOKEN}, "GH_ENTERPRISE_TOKEN"),
        (
            {"GH_HOST": "git.acme.test", "GITHUB_TOKEN": "o", "GITHUB_ENTERPRISE_TOKEN": TOKEN},
            "GITHUB_ENTERPRISE_TOKEN",
        ),
    ],
)
def test_variables_in_their_order(
    environment: dict[str, str], origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty one is none; blanks around a token, as a file leaves them, are not part of it."""
    given(monkeypatch, environment)
    assert github.credential() == Token(TOKEN, origin)


def test_a_token_of_github_com_goes_to_no_server_that_only_gh_host_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given(monkeypatch, {"GH_HOST": "git.acme.test", "GITHUB_TOKEN": TOKEN, "GH_TOKEN": TOKEN})
    with pytest.raises(UsageError, match="There is no GitHub token") as caught:
        github.credential()
    assert caught.value.hint.startswith("Set GH_ENTERPRISE_TOKEN (or GITHUB_ENTERPRISE_TOKEN)")


def given(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "https://api.github.com"),
        ({"GITHUB_API_URL": "  "}, "https://api.github.com"),
        (
            {"GITHUB_API_URL": " https://ghe.example.com/api/v3\n"},
            "https://ghe.example.com/api/v3",
        ),
        ({"GH_HOST": "git.acme.test"}, "https://git.acme.test/api/v3"),
        ({**SERVER, "GH_HOST": "other.test"}, "https://git.acme.test/api/v3"),
    ],
)
def test_the_address(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, environment)
    assert github.api_url() == expected


@posix
@pytest.mark.parametrize(
    ("api", "host"),
    [
        ("", "github.com"),
        ("https://ghe.example.com/api/v3", "ghe.example.com"),
        ("https://api.acme.ghe.com", "acme.ghe.com"),
    ],
)
def test_gh_is_asked_for_the_token_of_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: str, host: str
) -> None:
    """And of no other: a token of github.com is never sent to another server."""
    program(tmp_path, monkeypatch, "print('_'.join(sys.argv[1:]).replace('-', ''))")
    monkeypatch.setenv("GITHUB_API_URL", api)
    found = Token(f"auth_token_hostname_{host}", "gh auth token")
    assert github.credential() == found


@posix
@pytest.mark.parametrize(
    "script",
    ["sys.exit(1)", "print('no', file=sys.stderr)", "print(' ')", "print('x'); sys.exit(4)"],
)
def test_a_gh_that_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program(tmp_path, monkeypatch, script)
    with pytest.raises(UsageError, match="There is no GitHub token") as caught:
        github.credential()
    assert "GITHUB_TOKEN" in caught.value.hint


@posix
def test_a_gh_that_cannot_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gh"
    path.write_bytes(b"\x00\x01 no program")
    path.chmod(0o755)
    with pytest.raises(UsageError, match="There is no GitHub token"):
        github.credential()


@posix
def test_a_gh_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, monkeypatch, "time.sleep(60)")
    real = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *a, **kw: real(*a, **{**kw, "timeout": 0.2}))
    with pytest.raises(UsageError, match="There is no GitHub token"):
        github.credential()


@posix
def test_a_gh_that_gives_nonsense(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, monkeypatch, "print('one two')")
    with pytest.raises(UsageError, match="The token from gh auth token holds") as caught:
        github.credential()
    assert "one two" not in caught.value.message + caught.value.hint


# A GitHub App -----------------------------------------------------------------------------------

APP = {"GITHUB_APP_ID": "1234", "GITHUB_APP_PRIVATE_KEY": "-----BEGIN s3cret"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, App("1234", "-----BEGIN s3cret")),
        ({"GITHUB_APP_ID": " Iv23liAbc.d_-\n"}, App("Iv23liAbc.d_-", "-----BEGIN s3cret")),
        ({"GITHUB_APP_INSTALLATION_ID": "77"}, App("1234", "-----BEGIN s3cret", 77)),
        (
            {"GH_TOKEN": TOKEN, "GITHUB_TOKEN": TOKEN},
            App("1234", "-----BEGIN s3cret", None, "GITHUB_TOKEN"),
        ),
        ({"GITHUB_APP_PRIVATE_KEY": "one\\ntwo\\n"}, App("1234", "one\ntwo\n")),
        ({"GITHUB_APP_PRIVATE_KEY": "one\nt\\nwo"}, App("1234", "one\nt\\nwo")),
    ],
)
def test_an_app_comes_before_a_token(
    more: dict[str, str], expected: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its variables are set on purpose, while GITHUB_TOKEN often is there by itself."""
    given(monkeypatch, {**APP, **more})
    assert github.credential() == expected


def test_the_key_may_be_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "app.pem"
    path.write_text("s3cret\nkey\n" + "x" * 100_000, encoding="utf-8")
    given(monkeypatch, {"GITHUB_APP_ID": "1", "GITHUB_APP_PRIVATE_KEY_FILE": str(path)})
    found = github.credential()
    assert isinstance(found, App)
    assert found.key.startswith("s3cret\nkey\n")
    assert len(found.key) == github.LONGEST_KEY


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"GITHUB_APP_ID": "1"}, "neither GITHUB_APP_PRIVATE_KEY nor GITHUB_APP_PRIVATE_KEY_FILE"),
        ({"GITHUB_APP_PRIVATE_KEY": "s3cret"}, "GITHUB_APP_PRIVATE_KEY is set without"),
        ({"GITHUB_APP_INSTALLATION_ID": "7"}, "GITHUB_APP_INSTALLATION_ID is set without"),
        ({**APP, "GITHUB_APP_PRIVATE_KEY_FILE": "s3cret"}, "are both set"),
        ({**APP, "GITHUB_APP_ID": "s3cret id"}, "neither the id nor the client id"),
        ({**APP, "GITHUB_APP_INSTALLATION_ID": "s3cret"}, "is not a number"),
    ],
)
def test_a_part_of_an_app_is_none(
    environment: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is a token taken in its place, which somebody did not mean."""
    given(monkeypatch, {"GITHUB_TOKEN": TOKEN, **environment})
    with pytest.raises(UsageError) as caught:
        github.credential()
    assert said in caught.value.message
    assert "s3cret" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(("content", "said"), [(None, "No such file"), (b"\xff", "no text")])
def test_a_file_that_holds_no_key(
    content: bytes | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "app.pem"
    if content is not None:
        path.write_bytes(content)
    given(monkeypatch, {"GITHUB_APP_ID": "1", "GITHUB_APP_PRIVATE_KEY_FILE": str(path)})
    with pytest.raises(UsageError, match="cannot be read from") as caught:
        github.credential()
    assert said in caught.value.message


def test_which_one_is_used_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def authorized() -> object:
        return github.authorization(("acme/*",), lambda: datetime.now(UTC), told.append)

    given(monkeypatch, {"GITHUB_TOKEN": TOKEN})
    assert authorized() == TOKEN
    assert told == []
    given(monkeypatch, {**APP, "GITHUB_APP_PRIVATE_KEY": pem(key()), "GITHUB_TOKEN": ""})
    assert isinstance(authorized(), InstallationToken)
    assert told == []
    given(monkeypatch, {"GITHUB_TOKEN": TOKEN})
    assert isinstance(authorized(), InstallationToken)
    assert told == ["GitHub is asked as the App 1234; GITHUB_TOKEN is set too and not used."]


@pytest.mark.parametrize(
    ("names", "owner"),
    [((), ""), (("acme/*", "acme/c"), "acme"), (("Acme/team", "ACME/x"), "ACME")],
)
def test_the_owner_is_the_one_of_all(names: tuple[str, ...], owner: str) -> None:
    assert github.owner_of(names) == owner


def test_an_app_is_refused_repositories_of_two_owners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its installation on the first would see nothing of the second; a token may see both."""

    def authorized() -> object:
        names = ("acme/web", "globex/web")
        return github.authorization(names, lambda: datetime.now(UTC), lambda said: None)

    given(monkeypatch, {**APP, "GITHUB_APP_PRIVATE_KEY": pem(key()), "GITHUB_TOKEN": ""})
    with pytest.raises(UsageError) as caught:
        authorized()
    assert "belongs to 2: acme, globex." in caught.value.message
    assert "--offline" in caught.value.hint
    for name in (*APP, "GITHUB_APP_PRIVATE_KEY"):
        monkeypatch.delenv(name, raising=False)
    given(monkeypatch, {"GITHUB_TOKEN": TOKEN})
    assert authorized() == TOKEN
