"""GitHub from the environment: where its API is, and what opens it: a token, or an App."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from changeaudit.collectors.github.credentials import App, Token
from changeaudit.collectors.github.hosts import (
    PUBLIC_API,
    api_of,
    checked_url,
    is_enterprise_server,
)
from changeaudit.errors import UsageError

if TYPE_CHECKING:
    from changeaudit.collectors.github.app import InstallationToken

APP_ID = "GITHUB_APP_ID"
APP_KEY = "GITHUB_APP_PRIVATE_KEY"
APP_KEY_FILE = "GITHUB_APP_PRIVATE_KEY_FILE"
APP_INSTALLATION = "GITHUB_APP_INSTALLATION_ID"
OF_SERVERS = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
OF_GITHUB = ("GITHUB_TOKEN", "GH_TOKEN")
LONGEST_KEY = 65_536
"""Characters that are read of a file that should hold a key."""

_APP_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


def api_url() -> str:
    """`GITHUB_API_URL`, else the API of `GH_HOST`, else github.com's.

    Raises:
        UsageError: `GH_HOST` is no name of a host.
    """
    host = _set("GH_HOST")
    return _set("GITHUB_API_URL") or (api_of(host) if host else PUBLIC_API)


def authorization(
    names: Iterable[str],
    clock: Callable[[], datetime],
    tell: Callable[[str], None],
    instead: str = "--offline needs none",
) -> str | InstallationToken:
    """What a request to GitHub is sent with: the App's token of the hour, else the token.

    Args:
        names: what is asked about ("owner/name"): their owner tells an App's installation.
        clock: the present instant, in UTC.
        tell: is told which is used where there are two.
        instead: when none is needed.

    Raises:
        UsageError: there is none, or it is malformed, or an App's cannot serve all `names`.
    """
    found = credential(instead)
    if isinstance(found, Token):
        return found.text
    if found.unused:
        tell(f"GitHub is asked as the App {found.id}; {found.unused} is set too and not used.")
    from changeaudit.collectors.github.app import InstallationToken

    return InstallationToken(found, api_url(), clock, owner_of(names))


def owner_of(names: Iterable[str]) -> str:
    """The one account that some repositories belong to, whose installation of an App is meant.

    "" where none is named.

    Raises:
        UsageError: they belong to several, and no installation serves more than one.
    """
    owners = {owner.casefold(): owner for owner in (name.partition("/")[0] for name in names)}
    if len(owners) > 1:
        raise UsageError(
            "An installation of a GitHub App serves one account, and what is asked for belongs to"
            f" {len(owners)}: {', '.join(owners.values())}.",
            "Collect those of each account by themselves, with `changeaudit collect` and one store;"
            " then audit all of them with --offline. Or use a token that sees them all.",
        )
    return next(iter(owners.values()), "")


def credential(instead: str = "--offline needs none") -> App | Token:
    """The App that the environment names, else the token; `instead` says when none is needed.

    The token is that of a variable, or what `gh auth token` gives for the host. For github.com
    and data residency the variable is `GITHUB_TOKEN`, then `GH_TOKEN`. An Enterprise Server has
    its own, as for `gh`: `GH_ENTERPRISE_TOKEN`, then `GITHUB_ENTERPRISE_TOKEN`; the others are
    sent to it only where `GITHUB_API_URL` names it.

    Raises:
        UsageError: there is none, or it is malformed.
    """
    app = _app()
    if app is not None:
        return app
    found = _token()
    if found is None:
        raise UsageError(
            "There is no GitHub token.",
            f"Set {_names()[0]} (or {_names()[1]}), or log in with `gh auth login`; {instead}.",
        )
    return found


def _names() -> tuple[str, ...]:
    """The variables that may hold a token for the host, in their order."""
    _, base = checked_url(api_url())
    if not is_enterprise_server(base):
        return OF_GITHUB
    return (*OF_SERVERS, *OF_GITHUB) if _set("GITHUB_API_URL") else OF_SERVERS


def _token() -> Token | None:
    for name in _names():
        if _set(name):
            return _sound(_set(name), name)
    return _token_of_gh()


def _token_of_gh() -> Token | None:
    gh = shutil.which("gh")
    host = (urlsplit(checked_url(api_url())[1]).hostname or "").removeprefix("api.")
    if gh is None:
        return None
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
        return None
    said = answer.stdout.strip()
    return _sound(said, "gh auth token") if answer.returncode == 0 and said else None


def _sound(found: str, where: str) -> Token:
    """A token that can stand in a header; its text is never shown."""
    if not found.isascii() or not found.isprintable() or " " in found:
        raise UsageError(
            f"The token from {where} holds characters that no token has.",
            "Set it again, on one line and without blanks.",
        )
    return Token(found, where)


def _app() -> App | None:
    """The App that the environment names.

    Raises:
        UsageError: it names a part of one, or what cannot be one. Nothing of it is shown.
    """
    given = [name for name in (APP_ID, APP_KEY, APP_KEY_FILE, APP_INSTALLATION) if _set(name)]
    if not given:
        return None
    if APP_ID not in given:
        raise UsageError(
            f"{given[0]} is set without {APP_ID}.",
            f"Set {APP_ID} to the id or the client id of the GitHub App, or unset {given[0]}.",
        )
    if not _APP_NAME.fullmatch(_set(APP_ID)):
        raise UsageError(
            f"{APP_ID} is neither the id nor the client id of a GitHub App.",
            "Both stand on the App's page of settings; the id is a number.",
        )
    if not (_set(APP_INSTALLATION) or "1").isdecimal():
        raise UsageError(
            f"{APP_INSTALLATION} is not a number.",
            "It is the last part of the address of the installation's page of settings.",
        )
    unused = next(filter(_set, _names()), "")
    return App(_set(APP_ID), _key(), int(_set(APP_INSTALLATION) or 0) or None, unused)


def _key() -> str:
    text, path = _set(APP_KEY), _set(APP_KEY_FILE)
    if bool(text) == bool(path):
        raise UsageError(
            f"{APP_KEY} and {APP_KEY_FILE} are both set."
            if text
            else f"{APP_ID} is set, and neither {APP_KEY} nor {APP_KEY_FILE}.",
            "Set one of them: the first holds the private key (PEM), the second the path of its"
            " file.",
        )
    if text:
        # One line, as some files of variables want it.
        return text if "\n" in text else text.replace("\\n", "\n")
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.read(LONGEST_KEY)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it holds no text"
        raise UsageError(
            f"The private key of the GitHub App cannot be read from {path}: {why}.",
            f"Set {APP_KEY_FILE} to the .pem file that GitHub gave for the App.",
        ) from None


def _set(name: str) -> str:
    """A variable without the blanks around it, as a file leaves them; "" if it is not set."""
    return os.environ.get(name, "").strip()
