"""One request to GitHub's GraphQL API at a time: paced, retried, and kept as it came.

Retrying here, and not in a library below, sees the whole answer, knows a rate limit from a
failure, and never repeats a page that is too heavy.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, NoReturn, Protocol

import msgspec
import tenacity
from github import Auth

from changeaudit.collectors.github import wire
from changeaudit.collectors.github.connection import (
    RATE_LIMIT_WORDS,
    Answer,
    Connection,
    LimitedError,
    NoAnswerError,
    UnreachableError,
    one_line,
)
from changeaudit.collectors.github.pace import Pace, Spent
from changeaudit.collectors.github.queries import Operation
from changeaudit.collectors.patience import (
    ATTEMPTS,
    KEPT,
    TryAgainError,
    failure,
    growing,
    kept_up,
)
from changeaudit.errors import CollectError
from changeaudit.records import Record

SECONDARY_WAIT_SECONDS = 60.0
"""The least to wait at a limit that names no time; twice as long at each further attempt."""

_RATE_LIMIT_TYPES = frozenset({"RATE_LIMITED", "RATE_LIMIT"})
_UNKNOWN = re.compile(r"doesn't exist on type|doesn't accept argument|^No such type")
_HEAVY_TYPES = frozenset({"RESOURCE_LIMITS_EXCEEDED", "MAX_NODE_LIMIT_EXCEEDED", "TIMEOUT"})


class Reply(Record, frozen=True):
    """An answer as it arrived: `body` verbatim, `received_at` in UTC, the rate limit if told.

    `next` is where a list of the REST API goes on, as the query of its address; "" at its end.
    """

    request: str
    status: int
    body: bytes
    received_at: datetime
    data: msgspec.Raw
    errors: tuple[wire.GraphQLError, ...]
    rate: wire.RateLimit | None
    next: str = ""


def request_of(operation: Operation, variables: Mapping[str, Any]) -> str:
    """A request as the store keeps it: equal requests are equal texts."""
    request = {"operation": operation.name, "query": operation.digest, "variables": variables}
    return json.dumps(request, sort_keys=True, separators=(",", ":"))


class TooHeavyError(Exception):
    """The server could not finish this page in its time: ask for less."""


class UnknownFieldError(CollectError):
    """The server's version of the API does not know something that was asked for."""


class Listener(Protocol):
    """Who is told what the transport does; the command line's progress is one."""

    def rate(self, remaining: int, limit: int) -> None:
        """The points that are left in this hour, after an answer."""

    def waiting(self, seconds: float, why: str) -> None:
        """A pause before the next attempt, of `seconds`, and its cause."""


class Transport:
    """Sends GraphQL operations to one host with one token, from any number of threads.

    Args:
        token: a personal or Actions token, or what knows the App's of the hour. It is sent
            nowhere but to `api_url`.
        api_url: `https://api.github.com`, or `https://HOST/api/v3` for Enterprise Server.
        clock: the present instant, in UTC.
        sleep: pauses for a number of seconds; interrupted by whatever it raises.
        listener: is told of the rate limit and of every pause.
        pace: is kept with all that send with this token; `sleep` is that of its own then.

    Raises:
        UsageError: `api_url` is not one that a token may be sent to.
    """

    def __init__(
        self,
        token: str | Auth.Auth,
        api_url: str,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        listener: Listener | None = None,
        pace: Pace | None = None,
    ) -> None:
        auth = Auth.Token(token) if isinstance(token, str) else token
        self._connect = partial(Connection, auth, api_url)
        self._connection = self._connect()
        self.host = self._connection.host
        self._idle = [self._connection]
        self._clock = clock
        self._pace = pace or Pace(sleep=sleep)
        self._counting = threading.Lock()
        self._listener = listener
        self._envelopes = msgspec.json.Decoder(wire.Envelope)
        self._rates = msgspec.json.Decoder(wire.RateData | None)
        self._answered = False
        self.requests = 0

    def close(self) -> None:
        """Close the connections."""
        for connection in self._idle:
            connection.close()

    def ask(
        self, operation: Operation, variables: dict[str, Any], about: str, *, divisible: bool
    ) -> Reply:
        """Send `operation` until it is answered.

        `about` names what is asked, for messages ("pull requests of acme/payments"). What is
        `divisible` is not sent again when it is too heavy: the caller asks for less.

        Raises:
            TooHeavyError: it is divisible, and the server could not finish it in its time.
            UnknownFieldError: the server's version does not know a part of it.
            CollectError: it was refused, or kept failing.
        """
        return self._persist(about, lambda: self._attempt(operation, variables, about, divisible))

    def get(self, path: str, about: str) -> Reply:
        """What the REST API answers to a GET, asked for until it answers.

        That it refuses `path`, or has nothing there, is an answer as well: `status` tells. `path`
        starts with a slash and is below the API's own address; `about` is as for `ask`.

        Raises:
            CollectError: the token is not accepted, or it kept failing.
        """
        return self._persist(about, lambda: self._got(path, about))

    def _persist(self, about: str, attempt: Callable[[], Reply]) -> Reply:
        patience = _Patience()
        try:
            return kept_up(
                attempt,
                stop=patience.is_over,
                wait=patience.pause,
                sleep=lambda s: self._pace.hold(s) if patience.limited else self._pace.sleep(s),
                tell=self._tell,
            )
        except TryAgainError as error:
            attempts = patience.failures + patience.limits
            raise CollectError(
                f"{self.host} did not answer for {about} in {attempts} attempts: {error.why}.",
                KEPT,
            ) from None

    def _tell(self, seconds: float, why: str) -> None:
        if self._listener:
            self._listener.waiting(seconds, why)

    def _attempt(
        self, operation: Operation, variables: dict[str, Any], about: str, divisible: bool
    ) -> Reply:
        try:
            reply = self._once(operation, variables, about)
        except TooHeavyError as error:
            if divisible:
                raise
            raise TryAgainError(str(error)) from None
        self._answered = True
        return reply

    def _got(self, path: str, about: str) -> Reply:
        answer = self._sent(lambda connection: connection.send("GET", path))
        if answer.status in (401, 408, 429) or answer.status >= 500 or answer.limited:
            try:
                self._refused(answer, about)
            except TooHeavyError as error:
                raise TryAgainError(str(error)) from None
        self._answered = True
        return Reply(
            request=json.dumps({"get": path}),
            status=answer.status,
            body=answer.body,
            received_at=self._clock(),
            data=msgspec.Raw(answer.body),
            errors=(),
            rate=None,
            next=answer.next_query,
        )

    def _once(self, operation: Operation, variables: dict[str, Any], about: str) -> Reply:
        with self._pace.spending(operation.name) as spent:
            return self._asked(operation, variables, about, spent)

    def _asked(
        self, operation: Operation, variables: dict[str, Any], about: str, spent: Spent
    ) -> Reply:
        try:
            answer = self._sent(lambda connection: connection.query(operation.text, variables))
        except NoAnswerError as error:
            raise TooHeavyError(error.why) from None
        body = answer.body
        received_at = self._clock()
        if answer.status != 200:
            self._refused(answer, about)
        if body.lstrip()[:1] == b"<":
            raise CollectError(
                f"{self.host} answered for {about} with a web page instead of data.",
                "A proxy or a page to log in may stand between; check GITHUB_API_URL.",
            )
        try:
            envelope = self._envelopes.decode(wire.sound(body))
            rate = self._rates.decode(envelope.data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            why = f"the answer was not whole ({error})" if body else "the answer was empty"
            raise TryAgainError(why) from None
        self._check(envelope, answer, about)
        spent.points = rate.rate_limit.cost if rate and rate.rate_limit else 1
        if rate and rate.rate_limit and self._listener:
            self._listener.rate(rate.rate_limit.remaining, rate.rate_limit.limit)
        return Reply(
            request=request_of(operation, variables),
            status=answer.status,
            body=body,
            received_at=received_at,
            data=envelope.data,
            errors=envelope.errors,
            rate=rate.rate_limit if rate else None,
        )

    def _sent(self, send: Callable[[Connection], Answer]) -> Answer:
        """Send over a connection that nobody else uses meanwhile: they would cross answers."""
        self._pace.ready()
        with self._counting:
            self.requests += 1
            connection = self._idle.pop() if self._idle else self._connect()
        try:
            return send(connection)
        except UnreachableError as error:
            if self._answered:
                raise
            raise self._connection.unreachable(error) from None
        finally:
            self._idle.append(connection)

    def _refused(self, answer: Answer, about: str) -> NoReturn:
        """Raise what an answer other than 200 means."""
        status, said = answer.status, answer.said
        if answer.limited:
            raise self._connection.limit(answer, self._clock())
        if status in (502, 504):
            raise TooHeavyError(f"HTTP {status}")
        if status >= 500 or status == 408:
            raise TryAgainError(f"HTTP {status}", answer.seconds("retry-after"))
        if status == 401:
            raise CollectError(
                f"{self.host} does not accept the token (HTTP 401: {said}).",
                "Set GITHUB_TOKEN to a token that has not expired or been revoked; `changeaudit"
                " doctor` tells which one is used.",
            )
        if status == 403:
            raise CollectError(
                f"{self.host} refuses {about} (HTTP 403: {said}).",
                "The token needs read access to metadata, contents, pull requests, issues,"
                " checks and commit statuses; organisations with single sign-on ask that it be"
                " authorised. `changeaudit doctor OWNER/REPO` tells what is missing.",
            )
        if status == 404:
            raise CollectError(
                f"{self.host} has no GraphQL API at this address (HTTP 404).",
                "For Enterprise Server set GITHUB_API_URL to https://HOST/api/v3.",
            )
        raise CollectError(f"{self.host} refuses {about} (HTTP {status}: {said}).")

    def _check(self, envelope: wire.Envelope, answer: Answer, about: str) -> None:
        """Raise where an answer of status 200 is none: a limit, a failure, nothing at all.

        An error with a type speaks of one field: what that means is the caller's to say.
        """
        empty = bytes(envelope.data) == b"null"
        for error in envelope.errors:
            said = one_line(error.message)
            if error.type in _RATE_LIMIT_TYPES or RATE_LIMIT_WORDS.search(said):
                raise self._connection.limit(answer, self._clock())
            if error.type in _HEAVY_TYPES:
                raise TooHeavyError(said)
            if error.type:
                continue
            if "timeout" in said.lower() or "timed out" in said.lower():
                raise TooHeavyError(said)
            if "went wrong" in said.lower() or (error.path and not empty):
                raise TryAgainError(f"part of the answer is missing ({said})")
            unknown = _UNKNOWN.search(said)
            failure = UnknownFieldError if unknown else CollectError
            raise failure(f"{self.host} refuses {about}: {said}")
        if empty and not envelope.errors:
            said = one_line(envelope.message)
            if RATE_LIMIT_WORDS.search(said):
                raise self._connection.limit(answer, self._clock())
            raise TryAgainError(f"the answer holds no data ({said or 'no reason'})")


class _Patience:
    """How long one request is kept up: so many failures, or so many limits.

    To be told to wait is no failure: a request that meets both is not given up the sooner.
    """

    def __init__(self) -> None:
        self.failures = 0
        self.limits = 0
        self.limited = False
        self._backoff = growing()

    def pause(self, state: tenacity.RetryCallState) -> float:
        """Count what ended an attempt; returns the seconds to wait before the next."""
        error = failure(state)
        self.limited = limited = isinstance(error, LimitedError)
        self.limits += limited
        self.failures += not limited
        if error and error.wait is not None:
            return error.wait
        if limited:
            return SECONDARY_WAIT_SECONDS * 2.0 ** (self.limits - 1)
        return self._backoff(state)

    def is_over(self, state: tenacity.RetryCallState) -> bool:
        """Whether it is to be given up."""
        return ATTEMPTS in (self.failures, self.limits)
