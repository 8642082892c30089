"""Where the token comes from, and to which address it belongs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from changeaudit.cli import github
from changeaudit.errors import UsageError

TOKEN = "ghp_0123456789"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no `gh`, whatever the machine has."""
    for name in ("GITHUB_TOKEN", "GH_TOKEN", "GITHUB_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Make `gh` a program that runs `script` in Python."""
    path = folder / "gh"
    path.write_text(f"#!{sys.executable}\nimport sys, time\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


posix = pytest.mark.skipif(os.name == "nt", reason="a script is no program on Windows")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"GITHUB_TOKEN": TOKEN}, TOKEN),
        ({"GH_TOKEN": TOKEN}, TOKEN),
        ({"GITHUB_TOKEN": TOKEN, "GH_TOKEN": "other"}, TOKEN),
        ({"GITHUB_TOKEN": "", "GH_TOKEN": TOKEN}, TOKEN),
        ({"GITHUB_TOKEN": f"  {TOKEN}\n"}, TOKEN),
    ],
)
def test_variables_in_their_order(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty one is none; blanks around a token, as a file leaves them, are not part of it."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert github.token() == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", "https://api.github.com"),
        ("  ", "https://api.github.com"),
        (" https://ghe.example.com/api/v3\n", "https://ghe.example.com/api/v3"),
    ],
)
def test_the_address(given: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_API_URL", given)
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
    assert github.token() == f"auth_token_hostname_{host}"


@posix
@pytest.mark.parametrize(
    "script",
    ["sys.exit(1)", "print('no', file=sys.stderr)", "print(' ')", "print('x'); sys.exit(4)"],
)
def test_a_gh_that_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program(tmp_path, monkeypatch, script)
    with pytest.raises(UsageError, match="There is no GitHub token") as caught:
        github.token()
    assert "GITHUB_TOKEN" in caught.value.hint


@posix
def test_a_gh_that_cannot_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gh"
    path.write_bytes(b"\x00\x01 no program")
    path.chmod(0o755)
    with pytest.raises(UsageError, match="There is no GitHub token"):
        github.token()


@posix
def test_a_gh_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, monkeypatch, "time.sleep(60)")
    real = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *a, **kw: real(*a, **{**kw, "timeout": 0.2}))
    with pytest.raises(UsageError, match="There is no GitHub token"):
        github.token()


@posix
def test_a_gh_that_gives_nonsense(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, monkeypatch, "print('one two')")
    with pytest.raises(UsageError, match="The token from gh auth token holds") as caught:
        github.token()
    assert "one two" not in caught.value.message + caught.value.hint
