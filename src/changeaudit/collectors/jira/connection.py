"""One request to a Jira at a time: retried, and kept as it came.

It goes through the session of the `jira` package, whose own retries are off: it waits for too
short a time where it is told to wait long, and says nothing meanwhile.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

import msgspec
import tenacity

from changeaudit.collectors.jira.access import Access
from changeaudit.collectors.jira.wire import decoded
from changeaudit.collectors.patience import (
    ATTEMPTS,
    KEPT,
    KEPT_UNTIL_THEN,
    LONGEST_ASKED_WAIT_SECONDS,
    TryAgainError,
    asked_wait,
    failure,
    growing,
    kept_up,
)
from changeaudit.errors import CollectError
from changeaudit.records import Record

if TYPE_CHECKING:
    from jira import JIRA

TIMEOUT_SECONDS = 30.0

T = TypeVar("T")


class Reply(Record, frozen=True):
    """An answer as it arrived: the canonical request, the body verbatim, when it came (UTC)."""

    request: str
    status: int
    body: bytes
    received_at: datetime


class Listener(Protocol):
    """Who is told of pauses; the command line's progress is one."""

    def waiting(self, seconds: float, why: str) -> None:
        """A pause before the next attempt, of `seconds`, and its cause."""


def client_of(access: Access, timeout: float) -> JIRA:
    """The package's client: it asks nothing by itself, retries nothing, follows no redirect."""
    from jira import JIRA

    logging.getLogger("jira").setLevel(logging.CRITICAL)
    client = JIRA(
        access.url,
        basic_auth=(access.email, access.token) if access.email else None,
        token_auth=None if access.email else access.token,
        get_server_info=False,
        logging=False,
        max_retries=0,
        timeout=timeout,
    )
    # A redirect may lead a token to elsewhere, most often to a page to log in.
    client._session.max_redirects = 0
    return client


class Connection:
    """Asks one Jira with one account.

    Args:
        access: where it is and what opens it; the token is sent nowhere else.
        site: how messages name it.
        clock: the present instant, in UTC.
        listener: is told of every pause.
        sleep: pauses for a number of seconds; interrupted by whatever it raises.
    """

    def __init__(
        self,
        access: Access,
        site: str,
        clock: Callable[[], datetime],
        listener: Listener,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.site = site
        self._client = client_of(access, TIMEOUT_SECONDS)
        self._clock = clock
        self._listener = listener
        self._sleep = sleep
        self.requests = 0

    def close(self) -> None:
        """Close the connection."""
        self._client._session.close()

    def get(
        self,
        path: str,
        about: str,
        asked: Mapping[str, str] | None = None,
        refusals: Collection[int] = (),
    ) -> Reply:
        """What is answered to a GET below `rest/api/2`; see `post`."""
        request = {"get": path, "query": dict(asked or {})}
        return self._persist(request, about, refusals, params=dict(asked or {}))

    def post(
        self, path: str, body: Mapping[str, Any], about: str, refusals: Collection[int] = ()
    ) -> Reply:
        """What is answered to a POST below `rest/api/2`, asked for until it is answered.

        Args:
            path: what is asked.
            body: the question, as JSON has it.
            about: what is asked, for messages ("100 tickets").
            refusals: statuses besides 200 that are answers as well.

        Raises:
            CollectError: it was refused, or kept failing.
        """
        request = {"post": path, "body": dict(body)}
        return self._persist(request, about, refusals, data=json.dumps(body))

    def _persist(
        self, request: Mapping[str, Any], about: str, refusals: Collection[int], **sent: Any
    ) -> Reply:
        backoff = growing()

        def pause(state: tenacity.RetryCallState) -> float:
            error = failure(state)
            return backoff(state) if error is None or error.wait is None else error.wait

        try:
            return kept_up(
                lambda: self._once(request, about, refusals, sent),
                stop=tenacity.stop_after_attempt(ATTEMPTS),
                wait=pause,
                sleep=self._sleep,
                tell=lambda wait, why: self._listener.waiting(wait, f"{self.site}: {why}"),
            )
        except TryAgainError as error:
            raise CollectError(
                f"The Jira at {self.site} did not answer for {about} in {ATTEMPTS} attempts:"
                f" {error.why}.",
                KEPT,
            ) from None

    def _once(
        self,
        request: Mapping[str, Any],
        about: str,
        refusals: Collection[int],
        sent: Mapping[str, Any],
    ) -> Reply:
        verb, path = ("GET", request["get"]) if "get" in request else ("POST", request["post"])
        self.requests += 1
        status, headers, body = self._sent(verb, path, about, sent)
        received_at = self._clock()
        login = headers.get("X-Seraph-LoginReason", "").upper()
        if status == 401 or "FAILED" in login or "DENIED" in login:
            raise CollectError(
                f"The Jira at {self.site} does not accept the credentials (HTTP {status}).",
                "Set a token that has not expired or been revoked, with JIRA_EMAIL on the Cloud and"
                " without it on a Data Center; `changeaudit doctor` tries them.",
            )
        if status != 200 and status not in refusals:
            self._refuse(status, headers, body, about)
        if body.lstrip()[:1] not in (b"{", b"["):
            if status != 200 or not body:
                raise TryAgainError("the answer was empty" if not body else f"HTTP {status}")
            raise CollectError(
                f"The Jira at {self.site} answered for {about} with something else than data, such"
                " as a page to log in.",
                "Check JIRA_URL (or tickets.jira_url), and what stands between.",
            )
        try:
            decoded(body, object)
        except msgspec.DecodeError as error:
            raise TryAgainError(f"the answer was not whole ({error})") from None
        return Reply(json.dumps(request, sort_keys=True), status, body, received_at)

    def _sent(
        self, verb: str, path: str, about: str, sent: Mapping[str, Any]
    ) -> tuple[int, Mapping[str, str], bytes]:
        """The status, the headers and the body of whatever answers."""
        import requests
        import urllib3.exceptions
        from jira import JIRAError

        try:
            answer = self._client._session.request(verb, self._client._get_url(path), **sent)
            return answer.status_code, answer.headers, answer.content
        except JIRAError as error:
            found = error.response
            if found is None:
                raise TryAgainError("the answer was empty") from None
            return found.status_code, found.headers, found.content
        except requests.exceptions.TooManyRedirects:
            raise CollectError(
                f"The Jira at {self.site} redirects to elsewhere; the token was not sent there.",
                "Set the address of the Jira itself, as a browser shows it after the redirect.",
            ) from None
        except requests.exceptions.Timeout:
            raise TryAgainError(f"no answer within {TIMEOUT_SECONDS:.0f} seconds") from None
        except requests.exceptions.SSLError:
            raise CollectError(
                f"The certificate of the Jira at {self.site} could not be verified."
            ) from None
        except requests.exceptions.ConnectionError as error:
            reason = getattr(error.args[0], "reason", None) if error.args else None
            if isinstance(reason, urllib3.exceptions.NewConnectionError):
                raise CollectError(
                    f"The Jira at {self.site} could not be reached.",
                    "Check the network, the proxy settings and JIRA_URL (or tickets.jira_url).",
                ) from None
            raise TryAgainError("the connection broke") from None
        except requests.exceptions.RequestException as error:
            raise TryAgainError(f"the answer broke off ({type(error).__name__})") from None
        except (TypeError, AttributeError):
            # The package itself stumbles over an error page that is JSON, but no object.
            raise TryAgainError("it failed without saying how") from None

    def _refuse(self, status: int, headers: Mapping[str, str], body: bytes, about: str) -> NoReturn:
        """Raise what an answer means that is none."""
        told, date = headers.get("Retry-After", ""), headers.get("Date", "")
        wait = asked_wait(told, date, self._clock())
        if wait is not None and wait > LONGEST_ASKED_WAIT_SECONDS:
            raise CollectError(
                f"The Jira at {self.site} refuses requests for another {wait / 60:,.0f} minutes.",
                KEPT_UNTIL_THEN,
            )
        if status == 429:
            raise TryAgainError("the rate limit is used up", wait)
        if status >= 500 or status == 408:
            raise TryAgainError(f"HTTP {status}", wait)
        said = said_in(body)
        if status == 404:
            raise CollectError(
                f"The Jira at {self.site} has nothing at this address (HTTP 404).",
                "Check JIRA_URL (or tickets.jira_url): it ends before /rest or /browse.",
            )
        if status == 410:
            raise CollectError(
                f"The Jira at {self.site} no longer answers for {about} (HTTP 410: {said}).",
                "This may be an API that changeaudit does not know yet; please report it.",
            )
        hint = (
            "Give the account the permission Browse projects; `changeaudit doctor` shows what it"
            " sees."
            if status == 403
            else ""
        )
        raise CollectError(
            f"The Jira at {self.site} refuses {about} (HTTP {status}: {said}).", hint
        )


class _Errors(msgspec.Struct, frozen=True, rename="camel"):
    error_messages: tuple[str, ...] = ()
    message: str = ""


def said_in(body: bytes) -> str:
    """The server's own words in an error, on one line."""
    try:
        found = decoded(body, _Errors)
    except msgspec.DecodeError:
        return "no message"
    return " ".join(" ".join((*found.error_messages, found.message)).split())[:300] or "no message"


def shaped(raw: bytes | msgspec.Raw, shape: type[T], site: str, about: str) -> T:
    """What an answer of a site, or a part of one, holds, in its shape.

    Raises:
        CollectError: it does not have that shape. The message names the field.
    """
    with expected(site, about):
        return decoded(raw, shape)


@contextmanager
def expected(site: str, about: str) -> Iterator[None]:
    """Turns an answer of another form, found while the block lasts, into an error that says so."""
    try:
        yield
    except msgspec.DecodeError as error:
        raise CollectError(
            f"The answer of the Jira at {site} about {about} does not have the expected form:"
            f" {error}.",
            "This may be a version that changeaudit does not know; please report it.",
        ) from None
