"""GitHub from the environment: where its API is, and the token."""

from __future__ import annotations

import os
import shutil
import subprocess
from urllib.parse import urlsplit

from changeaudit.errors import UsageError

PUBLIC_API = "https://api.github.com"


def api_url() -> str:
    """`GITHUB_API_URL`, or github.com's API."""
    return os.environ.get("GITHUB_API_URL", "").strip() or PUBLIC_API


def token() -> str:
    """The token: `GITHUB_TOKEN`, `GH_TOKEN`, or what `gh auth token` gives for the host.

    Raises:
        UsageError: there is none.
    """
    for name in ("GITHUB_TOKEN", "GH_TOKEN"):
        found = os.environ.get(name, "").strip()
        if found:
            return _sound(found, name)
    host = (urlsplit(api_url()).hostname or "").removeprefix("api.")
    gh = shutil.which("gh")
    if gh and host:
        try:
            answer = subprocess.run(  # noqa: S603 - the user's own gh, with fixed arguments
                [gh, "auth", "token", "--hostname", host],
                capture_output=True,
                text=True,
                timeout=10,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired):
            answer = None
        if answer and answer.returncode == 0 and answer.stdout.strip():
            return _sound(answer.stdout.strip(), "gh auth token")
    raise UsageError(
        "There is no GitHub token.",
        "Set GITHUB_TOKEN (or GH_TOKEN), or log in with `gh auth login`; --offline needs none.",
    )


def _sound(found: str, where: str) -> str:
    """A token that can stand in a header; its text is never shown."""
    if not found.isascii() or not found.isprintable() or " " in found:
        raise UsageError(
            f"The token from {where} holds characters that no token has.",
            "Set it again, on one line and without blanks.",
        )
    return found
