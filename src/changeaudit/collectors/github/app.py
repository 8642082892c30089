"""A GitHub App's token: asked for with the App's signature, and again before it expires.

PyGithub signs. Its own token of an installation is not used: it has no lock, belongs to one
requester, gives up at the first failure, and counts the hour by this machine's clock alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, TypeVar
from urllib.parse import quote

import jwt
import msgspec
from github import Auth

from changeaudit.collectors.github.connection import Answer, Connection, NoAnswerError
from changeaudit.collectors.github.credentials import App
from changeaudit.collectors.patience import TryAgainError
from changeaudit.collectors.shapes import decoded
from changeaudit.errors import CollectError, UsageError

EARLY = timedelta(minutes=2)
"""How long before its end a token is replaced: a request and its retries fit into that."""

T = TypeVar("T")


class Granted(msgspec.Struct, frozen=True):
    """A token of an installation and what it may do, by GitHub's names of the permissions."""

    token: str
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)]
    permissions: dict[str, str] = {}

    def __repr__(self) -> str:
        """Without the token."""
        return f"Granted(expires_at={self.expires_at!r}, permissions={self.permissions!r})"


class _Installation(msgspec.Struct, frozen=True):
    id: int


class InstallationToken(Auth.Auth):
    """The token of an App's installation, whichever is valid now. Threads may share one.

    Args:
        app: the App.
        api_url: where it is asked for.
        clock: the present instant, in UTC.
        owner: the account whose installation is meant, where the App does not name one.

    Raises:
        UsageError: the key is none.
    """

    def __init__(
        self, app: App, api_url: str, clock: Callable[[], datetime], owner: str = ""
    ) -> None:
        self._app = app
        self._owner = owner
        self._clock = clock
        self._connection = Connection(_signature(app), api_url)
        self._lock = threading.Lock()
        self._installation = app.installation
        self._granted: Granted | None = None
        self._until = clock()

    @property
    def token_type(self) -> str:
        """The word before the token in the header."""
        return "token"

    @property
    def token(self) -> str:
        """The token that is valid now; it is asked for if need be.

        Raises:
            TryAgainError: GitHub failed, and may not fail again.
            CollectError: it refuses the App, its key or its installation.
        """
        return self.granted.token

    @property
    def granted(self) -> Granted:
        """As `token`, with what it may do."""
        with self._lock:
            if self._granted is None or self._clock() >= self._until:
                self._granted = self._renewed()
            return self._granted

    @property
    def _masked_token(self) -> str:
        return "token (removed)"

    def _renewed(self) -> Granted:
        try:
            if self._installation is None:
                self._installation = self._found()
            about = f"installation {self._installation} of it"
            path = f"/app/installations/{self._installation}/access_tokens"
            answer = self._asked("POST", path, about)
        finally:
            self._connection.close()  # it is needed again in an hour
        if answer.status == 404:
            raise CollectError(
                f"{self._name} has no installation {self._installation} on {self._host}.",
                "Check GITHUB_APP_INSTALLATION_ID, or leave it out: then it is found by the owner"
                " of the repository.",
            )
        granted = self._decoded(answer, Granted, about)
        now = self._clock()
        # The hour is counted by the server's clock: this machine's may be wrong.
        self._until = now + (granted.expires_at - (answer.date or now)) - EARLY
        return granted

    def _found(self) -> int:
        """The id of the installation on the owner's account; of the only one, if none is named."""
        if not self._owner:
            return self._only_one()
        owner = quote(self._owner, safe="")
        about = f"its installation on {self._owner}"
        for kind in ("orgs", "users"):
            answer = self._asked("GET", f"/{kind}/{owner}/installation", about)
            if answer.status != 404:
                return self._decoded(answer, _Installation, about).id
        raise CollectError(
            f"{self._name} is not installed on {self._owner} on {self._host}.",
            "Have an owner of the account install it for the repositories to audit.",
        )

    def _only_one(self) -> int:
        about = "its installations"
        answer = self._asked("GET", "/app/installations?per_page=2", about)
        found = self._decoded(answer, tuple[_Installation, ...], about)
        if len(found) == 1:
            return found[0].id
        several = "no installation" if not found else "several installations"
        raise CollectError(
            f"{self._name} has {several} on {self._host}, and no repository is named.",
            "Name a repository, or set GITHUB_APP_INSTALLATION_ID.",
        )

    def _asked(self, verb: str, path: str, about: str) -> Answer:
        """The App's own request; of refusals only "there is none" (404) comes back."""
        try:
            answer = self._connection.send(verb, path)
        except NoAnswerError as error:
            # To whoever asks for a page it would mean that the page was too heavy.
            raise TryAgainError(f"for the token of {self._name}: {error.why}") from None
        if answer.limited:
            raise self._connection.limit(answer, self._clock())
        if answer.status >= 500 or answer.status == 408:
            wait = answer.seconds("retry-after")
            raise TryAgainError(f"for the token of {self._name}: HTTP {answer.status}", wait)
        if answer.status == 401 or (answer.status == 404 and "ntegration" in answer.said):
            raise CollectError(
                f"{self._host} does not accept the signature of {self._name}"
                f" (HTTP {answer.status}: {answer.said}).",
                "Check that GITHUB_APP_ID and the private key are of one App, that the key was not"
                " deleted, and that this machine's clock is right: more than a minute is too much.",
            )
        if answer.status == 403 and "suspended" in answer.said:
            raise CollectError(
                f"{about[0].upper()}{about[1:]}, {self._name}, is suspended on {self._host}.",
                "An owner of the account, or of the App, can lift that in its settings.",
            )
        if answer.status not in (200, 201, 404):
            raise CollectError(
                f"{self._host} refuses {self._name} {about} (HTTP {answer.status}: {answer.said})."
            )
        return answer

    def _decoded(self, answer: Answer, shape: type[T], about: str) -> T:
        try:
            return decoded(answer.body, shape)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # What is wrong with it is not told: it may hold the token.
            raise CollectError(
                f"{self._host} answered {self._name} about {about} in a form that is not known.",
                "Check GITHUB_API_URL; a proxy or a page to log in may stand between.",
            ) from None

    @property
    def _name(self) -> str:
        return f"GitHub App {self._app.id}"

    @property
    def _host(self) -> str:
        return self._connection.host


def _signature(app: App) -> Auth.AppAuth:
    """What signs for the App, once it has signed.

    Raises:
        UsageError: the key cannot sign. Nothing of it is shown.
    """
    signing = Auth.AppAuth(app.id, lambda: app.key)
    try:
        signing.create_jwt()
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        raise UsageError(
            "The private key of the GitHub App is not an RSA key in PEM without a passphrase.",
            "Take the .pem file as GitHub gave it, all lines of it, into GITHUB_APP_PRIVATE_KEY or"
            " its path into GITHUB_APP_PRIVATE_KEY_FILE.",
        ) from None
    return signing
