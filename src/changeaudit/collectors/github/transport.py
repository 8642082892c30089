"""One request to GitHub's GraphQL API at a time: paced, retried, and kept as it came.

The request goes through PyGithub's requester, whose own retries and pauses are off: retrying
here sees the whole answer, knows a rate limit from a failure, and never repeats a page that is
too heavy.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, ItemsView
from datetime import datetime
from typing import Any, NoReturn, Protocol
from urllib.parse import urlsplit

import msgspec
import requests
import tenacity
import urllib3.exceptions
from github import Auth, Github
from github.GithubException import GithubException
from github.Requester import (
    HTTPRequestsConnectionClass,
    HTTPSRequestsConnectionClass,
    RequestsResponse,
)

from changeaudit.collectors.github import wire
from changeaudit.collectors.github.hosts import checked_url
from changeaudit.collectors.github.queries import Operation
from changeaudit.errors import CollectError
from changeaudit.records import Record

TIMEOUT_SECONDS = 30
ATTEMPTS = 6
"""Failures, or rate limits, of one request after which it is given up."""
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
SECONDARY_WAIT_SECONDS = 60.0
"""The least to wait at a limit that names no time; twice as long at each further attempt."""
LONGEST_ASKED_WAIT_SECONDS = 3900.0
"""The hourly limit asks for an hour at most. Who asks for more is not waited for."""

_RATE_LIMIT_TYPES = frozenset({"RATE_LIMITED", "RATE_LIMIT"})
_HEAVY_TYPES = frozenset({"RESOURCE_LIMITS_EXCEEDED", "MAX_NODE_LIMIT_EXCEEDED", "TIMEOUT"})
_RATE_LIMIT_WORDS = re.compile(
    r"secondary rate limit|rate limit exceeded|abuse detection", re.IGNORECASE
)
_NUMBER = re.compile(r"[0-9]{1,12}")


class Reply(Record, frozen=True):
    """An answer as it arrived: `body` verbatim, `received_at` in UTC, the rate limit if told."""

    request: str
    status: int
    body: bytes
    received_at: datetime
    data: msgspec.Raw
    errors: tuple[wire.GraphQLError, ...]
    rate: wire.RateLimit | None


class TooHeavyError(Exception):
    """The server could not finish this page in its time: ask for less."""


class _TryAgainError(Exception):
    """A failure that may pass. `wait` is how long the server asked for, in seconds."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.wait = wait


class _LimitedError(_TryAgainError):
    """A rate limit is used up."""


class _RedirectedError(Exception):
    """The server sent the request elsewhere, to `host`. A token does not follow."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host


class _Response(RequestsResponse):
    """An answer as PyGithub takes it, whose bytes come through one to one."""

    def read(self) -> str:
        """The body as text that turns back into the very bytes, valid UTF-8 or not."""
        return self.response.content.decode("utf-8", "surrogateescape")

    def getheaders(self) -> ItemsView[str, str]:
        """The headers, without rate limits that are no numbers: PyGithub would fail on those."""
        sound = {
            name: value
            for name, value in self.headers.items()
            if not name.lower().startswith("x-ratelimit-") or _NUMBER.fullmatch(value)
        }
        return sound.items()


class _Https(HTTPSRequestsConnectionClass):
    """PyGithub's connection, with answers as they came."""

    def getresponse(self) -> RequestsResponse:
        return _taken(super().getresponse)


class _Http(HTTPRequestsConnectionClass):
    """As above, for this machine's own addresses."""

    def getresponse(self) -> RequestsResponse:
        return _taken(super().getresponse)


def _taken(receive: Callable[[], RequestsResponse]) -> RequestsResponse:
    try:
        response = receive().response
        host = urlsplit(response.headers["location"]).hostname if response.is_redirect else None
    except requests.exceptions.RequestException:
        raise
    except ValueError:  # an address that nobody can read, here or in the HTTP library
        raise _RedirectedError("another address") from None
    if response.is_redirect:
        raise _RedirectedError(host or "another address")
    return _Response(response)


class Listener(Protocol):
    """Who is told what the transport does; the command line's progress is one."""

    def rate(self, remaining: int, limit: int) -> None:
        """The points that are left in this hour, after an answer."""

    def waiting(self, seconds: float, why: str) -> None:
        """A pause before the next attempt, of `seconds`, and its cause."""


class Transport:
    """Sends GraphQL operations to one host with one token.

    Args:
        token: a personal, app or Actions token. It is sent nowhere but to `api_url`.
        api_url: `https://api.github.com`, or `https://HOST/api/v3` for Enterprise Server.
        clock: the present instant, in UTC.
        sleep: pauses for a number of seconds; interrupted by whatever it raises.
        listener: is told of the rate limit and of every pause.

    Raises:
        UsageError: `api_url` is not one that a token may be sent to.
    """

    def __init__(
        self,
        token: str,
        api_url: str,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        listener: Listener | None = None,
    ) -> None:
        self.host, base_url = checked_url(api_url)
        logging.getLogger("github").setLevel(logging.CRITICAL)
        parts = urlsplit(base_url)
        host = parts.netloc.removesuffix(f":{parts.port}")  # an IPv6 address keeps its brackets
        connection = _Https if parts.scheme == "https" else _Http
        self._connection = connection(host, parts.port, timeout=TIMEOUT_SECONDS)
        self._requester = Github(
            auth=Auth.Token(token),
            base_url=base_url,
            retry=None,
            seconds_between_requests=0,
            seconds_between_writes=0,
            user_agent="changeaudit",
        ).requester
        self._clock = clock
        self._sleep = sleep
        self._listener = listener
        self._envelopes = msgspec.json.Decoder(wire.Envelope)
        self._answered = False
        self.requests = 0

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
        self._requester.close()

    def ask(
        self, operation: Operation, variables: dict[str, Any], about: str, *, divisible: bool
    ) -> Reply:
        """Send `operation` until it is answered.

        `about` names what is asked, for messages ("pull requests of acme/payments"). What is
        `divisible` is not sent again when it is too heavy: the caller asks for less.

        Raises:
            TooHeavyError: it is divisible, and the server could not finish it in its time.
            CollectError: it was refused, or kept failing.
        """
        patience = _Patience()
        retrying = tenacity.Retrying(
            stop=patience.is_over,
            wait=patience.pause,
            retry=tenacity.retry_if_exception_type(_TryAgainError),
            sleep=self._sleep,
            before_sleep=self._tell,
            reraise=True,
        )
        try:
            reply: Reply = retrying(self._attempt, operation, variables, about, divisible)
        except _TryAgainError as error:
            attempts = patience.failures + patience.limits
            raise CollectError(
                f"{self.host} did not answer for {about} in {attempts} attempts: {error.why}.",
                "What was collected so far is kept; run the same command again to go on.",
            ) from None
        return reply

    def _tell(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if self._listener and isinstance(error, _TryAgainError):
            self._listener.waiting(state.upcoming_sleep, error.why)

    def _attempt(
        self, operation: Operation, variables: dict[str, Any], about: str, divisible: bool
    ) -> Reply:
        try:
            reply = self._once(operation, variables, about)
        except TooHeavyError as error:
            if divisible:
                raise
            raise _TryAgainError(str(error)) from None
        self._answered = True
        return reply

    def _once(self, operation: Operation, variables: dict[str, Any], about: str) -> Reply:
        status, headers, body = self._sent(operation, variables)
        received_at = self._clock()
        if status != 200:
            self._refused(status, headers, body, about)
        if body.lstrip()[:1] == b"<":
            raise CollectError(
                f"{self.host} answered for {about} with a web page instead of data.",
                "A proxy or a page to log in may stand between; check GITHUB_API_URL.",
            )
        try:
            envelope = self._envelopes.decode(wire.sound(body))
            rate = msgspec.json.decode(envelope.data, type=wire.RateData | None)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            why = f"the answer was not whole ({error})" if body else "the answer was empty"
            raise _TryAgainError(why) from None
        self._check(envelope, headers, about)
        if rate and rate.rate_limit and self._listener:
            self._listener.rate(rate.rate_limit.remaining, rate.rate_limit.limit)
        request = {"operation": operation.name, "query": operation.digest, "variables": variables}
        return Reply(
            request=json.dumps(request, sort_keys=True, separators=(",", ":")),
            status=status,
            body=body,
            received_at=received_at,
            data=envelope.data,
            errors=envelope.errors,
            rate=rate.rate_limit if rate else None,
        )

    def _sent(
        self, operation: Operation, variables: dict[str, Any]
    ) -> tuple[int, dict[str, Any], bytes]:
        """The status, the headers and the body of one answer."""
        self.requests += 1
        sent = {"query": operation.text, "variables": variables}
        try:
            status, headers, text = self._requester.requestJson(
                "POST", self._requester.graphql_url, input=sent, cnx=self._connection
            )
        except _RedirectedError as error:
            raise CollectError(
                f"{self.host} redirects its API to {error.host!r}; the token was not sent there.",
                "Set GITHUB_API_URL to the address of the API itself.",
            ) from None
        except requests.exceptions.ReadTimeout:
            raise TooHeavyError(f"no answer within {TIMEOUT_SECONDS} seconds") from None
        except (requests.exceptions.RequestException, GithubException) as error:
            if not self._answered and _unreachable(error):
                raise CollectError(
                    f"{self.host} could not be reached: {_cause(error)}.",
                    "Check the network, the proxy settings and GITHUB_API_URL.",
                ) from None
            raise _TryAgainError(_cause(error)) from None
        return status, headers, text.encode("utf-8", "surrogateescape")

    def _refused(self, status: int, headers: dict[str, Any], body: bytes, about: str) -> NoReturn:
        """Raise what an answer other than 200 means."""
        said = _message(body)
        if status == 429 or (
            status == 403
            and (self._asked_wait(headers) is not None or _RATE_LIMIT_WORDS.search(said))
        ):
            self._limited(headers)
        if status in (502, 504):
            raise TooHeavyError(f"HTTP {status}")
        if status >= 500 or status == 408:
            raise _TryAgainError(f"HTTP {status}", _seconds(headers, "retry-after"))
        if status == 401:
            raise CollectError(
                f"{self.host} does not accept the token (HTTP 401: {said}).",
                "Set GITHUB_TOKEN to a token that has not expired or been revoked.",
            )
        if status == 403:
            raise CollectError(
                f"{self.host} refuses {about} (HTTP 403: {said}).",
                "The token needs read access to metadata, contents, pull requests, issues,"
                " checks and commit statuses; organisations with single sign-on ask that it be"
                " authorised.",
            )
        if status == 404:
            raise CollectError(
                f"{self.host} has no GraphQL API at this address (HTTP 404).",
                "For Enterprise Server set GITHUB_API_URL to https://HOST/api/v3.",
            )
        raise CollectError(f"{self.host} refuses {about} (HTTP {status}: {said}).")

    def _check(self, envelope: wire.Envelope, headers: dict[str, Any], about: str) -> None:
        """Raise where an answer of status 200 is none: a limit, a failure, nothing at all.

        An error with a type speaks of one field: what that means is the caller's to say.
        """
        empty = bytes(envelope.data) == b"null"
        for error in envelope.errors:
            said = _line(error.message)
            if error.type in _RATE_LIMIT_TYPES or _RATE_LIMIT_WORDS.search(said):
                self._limited(headers)
            if error.type in _HEAVY_TYPES:
                raise TooHeavyError(said)
            if error.type:
                continue
            if "timeout" in said.lower() or "timed out" in said.lower():
                raise TooHeavyError(said)
            if "went wrong" in said.lower() or (error.path and not empty):
                raise _TryAgainError(f"part of the answer is missing ({said})")
            raise CollectError(f"{self.host} refuses {about}: {said}")
        if empty and not envelope.errors:
            said = _line(envelope.message)
            if _RATE_LIMIT_WORDS.search(said):
                self._limited(headers)
            raise _TryAgainError(f"the answer holds no data ({said or 'no reason'})")

    def _limited(self, headers: dict[str, Any]) -> NoReturn:
        """Raise that a rate limit is used up, and for how long."""
        wait = self._asked_wait(headers)
        if wait is not None and wait > LONGEST_ASKED_WAIT_SECONDS:
            raise CollectError(
                f"{self.host} refuses requests for another {wait / 60:,.0f} minutes.",
                "What was collected so far is kept; run the same command again then.",
            )
        raise _LimitedError("the rate limit is used up", wait)

    def _asked_wait(self, headers: dict[str, Any]) -> float | None:
        """How long the server asks to wait, in seconds; `None` where it does not say."""
        after = _seconds(headers, "retry-after")
        if after is not None:
            return after
        reset = _seconds(headers, "x-ratelimit-reset")
        if headers.get("x-ratelimit-remaining") == "0" and reset is not None:
            return max(1.0, reset - self._clock().timestamp() + 1.0)
        return None


class _Patience:
    """How long one request is kept up: so many failures, or so many limits.

    To be told to wait is no failure: a request that meets both is not given up the sooner.
    """

    def __init__(self) -> None:
        self.failures = 0
        self.limits = 0
        self._backoff = tenacity.wait_exponential_jitter(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)

    def pause(self, state: tenacity.RetryCallState) -> float:
        """Count what ended an attempt; returns the seconds to wait before the next."""
        error = state.outcome.exception() if state.outcome else None
        limited = isinstance(error, _LimitedError)
        self.limits += limited
        self.failures += not limited
        if isinstance(error, _TryAgainError) and error.wait is not None:
            return error.wait
        if limited:
            return SECONDARY_WAIT_SECONDS * 2.0 ** (self.limits - 1)
        return self._backoff(state)

    def is_over(self, state: tenacity.RetryCallState) -> bool:
        """Whether it is to be given up."""
        return ATTEMPTS in (self.failures, self.limits)


def _seconds(headers: dict[str, Any], name: str) -> float | None:
    """A header that is a whole number, at least 1; `None` if it is absent or anything else."""
    value = str(headers.get(name, "")).strip()
    return max(1.0, float(value)) if _NUMBER.fullmatch(value) else None


def _message(body: bytes) -> str:
    """The server's own words in an error page."""
    try:
        said = msgspec.json.decode(wire.sound(body), type=wire.Envelope).message
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = ""
    return _line(said) or "no message"


def _line(said: str) -> str:
    """A server's words, cut to a line."""
    return " ".join(said.split())[:200]


def _unreachable(error: Exception) -> bool:
    """Whether no connection came about at all, which trying again will hardly mend."""
    if isinstance(
        error,
        requests.exceptions.ConnectTimeout
        | requests.exceptions.SSLError
        | requests.exceptions.ProxyError,
    ):
        return True
    return isinstance(_reason(error), urllib3.exceptions.NewConnectionError)


def _reason(error: Exception) -> object:
    """What urllib3 says of a request that failed before anything was answered."""
    return getattr(error.args[0], "reason", None) if error.args else None


def _cause(error: Exception) -> str:
    """A connection's failure in a few words, without the URL and its parameters."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "connecting took too long"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate could not be verified"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy could not be reached, or refused"
    if isinstance(_reason(error), urllib3.exceptions.NameResolutionError):
        return "its name could not be resolved"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "the connection was refused" if "refused" in str(error) else "the connection broke"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the answer broke off"
    return type(error).__name__
