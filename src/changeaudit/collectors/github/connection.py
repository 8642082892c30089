"""The way to GitHub's API: an answer as it came, or why there is none.

A request goes through PyGithub's requester, whose own retries and pauses are off. What an answer
means, and whether to ask again, is for who asks.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, ItemsView
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
import requests
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
from changeaudit.collectors.patience import (
    KEPT_UNTIL_THEN,
    LONGEST_ASKED_WAIT_SECONDS,
    TryAgainError,
    http_date,
    whole_number,
)
from changeaudit.collectors.shapes import decoded
from changeaudit.errors import CollectError

TIMEOUT_SECONDS = 30

RATE_LIMIT_WORDS = re.compile(
    r"secondary rate limit|rate limit exceeded|abuse detection", re.IGNORECASE
)
_NUMBER = re.compile(r"[0-9]{1,12}")


class Answer(NamedTuple):
    """The status, the headers (their names in lower case) and the verbatim body of an answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> str:
        """The server's own words in an error page, on one line."""
        try:
            found = decoded(wire.sound(self.body), wire.Envelope).message
        except (msgspec.DecodeError, UnicodeDecodeError):
            found = ""
        return one_line(found) or "no message"

    @property
    def date(self) -> datetime | None:
        """The server's clock when it answered, to the second, in UTC; `None` if it does not say."""
        return http_date(self.headers.get("date", ""))

    @property
    def limited(self) -> bool:
        """Whether it says that a rate limit is used up."""
        if self.status == 429:
            return True
        if self.status != 403:
            return False
        told = self.seconds("retry-after") is not None or self._exhausted
        return told or bool(RATE_LIMIT_WORDS.search(self.said))

    def asked_wait(self, now: datetime) -> float | None:
        """How long the server asks to wait, in seconds; `None` where it does not say."""
        after = self.seconds("retry-after")
        reset = self.seconds("x-ratelimit-reset")
        if after is not None or reset is None or not self._exhausted:
            return after
        return max(1.0, reset - now.timestamp() + 1.0)

    @property
    def next_query(self) -> str:
        """Where a list goes on, by its Link header: the query of that address; "" at its end.

        Nothing but the query is taken, so that no answer leads to another place.
        """
        for link in requests.utils.parse_header_links(self.headers.get("link", "")):
            if link.get("rel") == "next":
                return link["url"].partition("?")[2]
        return ""

    @property
    def _exhausted(self) -> bool:
        reset = self.seconds("x-ratelimit-reset")
        return reset is not None and self.headers.get("x-ratelimit-remaining") == "0"

    def seconds(self, name: str) -> float | None:
        """A header that is a whole number, at least 1; `None` if it is absent or anything else."""
        return whole_number(self.headers.get(name, ""))


class LimitedError(TryAgainError):
    """A rate limit is used up."""


class NoAnswerError(TryAgainError):
    """The request was taken, and no answer came in time."""


class UnreachableError(TryAgainError):
    """No connection came about at all, which trying again will hardly mend."""


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


class Connection:
    """Sends requests to one API with one credential, one at a time: a thread needs its own.

    Args:
        auth: what opens it, `None` to ask as nobody. It is sent nowhere but to `api_url`.
        api_url: `https://api.github.com`, or `https://HOST/api/v3` for Enterprise Server.

    Raises:
        UsageError: `api_url` is not one that a token may be sent to.
    """

    def __init__(self, auth: Auth.Auth | None, api_url: str) -> None:
        self.host, self.base_url = checked_url(api_url)
        logging.getLogger("github").setLevel(logging.CRITICAL)
        parts = urlsplit(self.base_url)
        host = parts.netloc.removesuffix(f":{parts.port}")  # an IPv6 address keeps its brackets
        connection = _Https if parts.scheme == "https" else _Http
        self._connection = connection(host, parts.port, timeout=TIMEOUT_SECONDS)
        self._requester = Github(
            auth=auth,
            base_url=self.base_url,
            retry=None,
            seconds_between_requests=0,
            seconds_between_writes=0,
            user_agent="changeaudit",
        ).requester

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
        self._requester.close()

    def query(self, text: str, variables: dict[str, Any]) -> Answer:
        """The answer to a GraphQL document, of whatever status; raises what `send` raises."""
        sent = {"query": text, "variables": variables}
        return self.send("POST", self._requester.graphql_url, sent)

    def send(self, verb: str, path: str, sent: object = None) -> Answer:
        """The answer to one request, of whatever status.

        `path` starts with a slash and is below the API's own address.

        Raises:
            UnreachableError: there was no connection.
            NoAnswerError: there was one, and no answer in time.
            TryAgainError: it broke.
            CollectError: the server redirects to elsewhere. The token was not sent there.
        """
        try:
            status, headers, text = self._requester.requestJson(
                verb, path, input=sent, cnx=self._connection
            )
        except _RedirectedError as error:
            raise CollectError(
                f"{self.host} redirects its API to {error.host!r}; the token was not sent there.",
                "Set GITHUB_API_URL to the address of the API itself.",
            ) from None
        except requests.exceptions.ReadTimeout:
            raise NoAnswerError(f"no answer within {TIMEOUT_SECONDS} seconds") from None
        except (requests.exceptions.RequestException, GithubException) as error:
            failure = UnreachableError if _unreachable(error) else TryAgainError
            raise failure(_cause(error)) from None
        return Answer(status, headers, text.encode("utf-8", "surrogateescape"))

    def limit(self, answer: Answer, now: datetime) -> LimitedError | CollectError:
        """What a rate limit that is used up means: to wait, or not even that."""
        wait = answer.asked_wait(now)
        if wait is not None and wait > LONGEST_ASKED_WAIT_SECONDS:
            return CollectError(
                f"{self.host} refuses requests for another {wait / 60:,.0f} minutes.",
                KEPT_UNTIL_THEN,
            )
        return LimitedError("the rate limit is used up", wait)

    def unreachable(self, error: UnreachableError) -> CollectError:
        """What to tell where nothing ever answered."""
        return CollectError(
            f"{self.host} could not be reached: {error.why}.",
            "Check the network, the proxy settings and GITHUB_API_URL.",
        )


def one_line(said: str) -> str:
    """A server's words, cut to a line."""
    return " ".join(said.split())[:200]


def _unreachable(error: Exception) -> bool:
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
