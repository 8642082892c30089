"""Asks GitHub one small thing each of what an audit will ask at length.

Nothing is asked twice and nothing is waited for: whatever goes wrong is told as it is. No answer
is kept, and no token is in what comes back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from github import Auth

from changeaudit.collectors.github import wire
from changeaudit.collectors.github.app import InstallationToken
from changeaudit.collectors.github.connection import (
    Answer,
    Connection,
    UnreachableError,
    one_line,
)
from changeaudit.collectors.github.credentials import App, Token
from changeaudit.collectors.github.pull_requests import PAGE
from changeaudit.collectors.github.queries import operation
from changeaudit.collectors.patience import TryAgainError
from changeaudit.collectors.shapes import decoded
from changeaudit.errors import ChangeauditError
from changeaudit.readiness import (
    GitHubFacts,
    Limit,
    Login,
    Probe,
    Reach,
    RepositoryProbe,
    TeamProbe,
    TokenKind,
    Trouble,
)
from changeaudit.records import Unavailable

PAGE_POINTS = 3
"""What a page of pull requests costs."""
MOST_TEAMS = 50
"""How many of the policy's teams are asked about."""

PREFIXES = {
    "ghp_": TokenKind.CLASSIC,
    "github_pat_": TokenKind.FINE_GRAINED,
    "gho_": TokenKind.OAUTH,
    "ghu_": TokenKind.APP_USER,
    "ghs_": TokenKind.INSTALLATION,
    "ghr_": TokenKind.REFRESH,
}
"""How tokens begin. https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats"""

PARTS = {"pullRequests": "pull_requests", "defaultBranchRef": "contents"}
"""Parts of a repository in GraphQL, and the permission that each needs."""

_ZONE = re.compile(r" (?=[+-])")
T = TypeVar("T")


class _Context(wire.Wire, frozen=True):
    kind: str = msgspec.field(name="__typename")


class _Rollup(wire.Wire, frozen=True):
    contexts: wire.Nodes[_Context] | None = None


class _Pull(wire.Wire, frozen=True):
    status_check_rollup: _Rollup | None = None


class _Pulls(wire.Wire, frozen=True):
    total_count: int
    nodes: tuple[_Pull | None, ...] | None = None


class _Branch(wire.Wire, frozen=True):
    name: str
    target: wire.Oid | None = None


class _Repository(wire.Wire, frozen=True):
    name_with_owner: str
    default_branch_ref: _Branch | None = None
    pull_requests: _Pulls | None = None


class _Viewer(wire.Wire, frozen=True):
    login: str


class _Doctor(wire.Wire, frozen=True):
    rate_limit: wire.RateLimit | None = None
    viewer: _Viewer | None = None
    repository: _Repository | None = None


def kind_of(token: str) -> TokenKind:
    """What kind of token it is, by its beginning."""
    found = (kind for start, kind in PREFIXES.items() if token.startswith(start))
    return next(found, TokenKind.UNKNOWN)


def examine(
    api_url: str,
    credential: App | Token | Trouble,
    names: Sequence[str],
    teams: Sequence[str],
    clock: Callable[[], datetime],
) -> GitHubFacts:
    """What GitHub answers.

    Args:
        api_url: where its API is.
        credential: what opens it, or why there is nothing that does.
        names: the repositories to try, as "owner/name".
        teams: the policy's teams, as "organisation/slug".
        clock: the present instant, in UTC, as precise as it is.
    """
    reach = _reach(api_url, clock)
    if isinstance(credential, Trouble):
        return GitHubFacts(reach, credential)
    if isinstance(reach, Trouble) or not reach.is_api:
        return GitHubFacts(reach, None)
    try:
        auth: Auth.Token | InstallationToken
        if isinstance(credential, Token):
            auth = Auth.Token(credential.text)
            permissions = None
        else:
            owner = next(iter((*names, *teams)), "").partition("/")[0]
            auth = InstallationToken(credential, api_url, clock, owner)
            permissions = auth.granted.permissions
    except ChangeauditError as error:
        return GitHubFacts(reach, Trouble(error.message, error.hint))
    except TryAgainError as error:
        return GitHubFacts(reach, Trouble(f"There is no token: {error.why}."))
    connection = Connection(auth, api_url)
    try:
        login = _login(connection, credential, permissions)
        if isinstance(login, Trouble) or not login.account:
            return GitHubFacts(reach, login)
        return GitHubFacts(
            reach,
            login,
            PAGE,
            PAGE_POINTS,
            tuple(_repository(connection, name) for name in names),
            tuple(_team(connection, team) for team in teams[:MOST_TEAMS]),
            len(teams[MOST_TEAMS:]),
        )
    finally:
        connection.close()


def _reach(api_url: str, clock: Callable[[], datetime]) -> Reach | Trouble:
    """The same question as later, from nobody: a refusal will do, and it tells the time."""
    try:
        connection = Connection(None, api_url)
    except ChangeauditError as error:
        return Trouble(error.message, error.hint)
    asked_at = clock()
    try:
        answer = _query(connection)
    except UnreachableError as error:
        said = connection.unreachable(error)
        return Trouble(said.message, said.hint)
    except TryAgainError as error:
        return Trouble(f"{connection.host} did not answer: {error.why}.", "Try again later.")
    except ChangeauditError as error:
        return Trouble(error.message, error.hint)
    finally:
        connection.close()
    return Reach(
        base_url=connection.base_url,
        status=answer.status,
        said=answer.said,
        is_api=answer.status in (200, 401, 403, 429) and not _is_page(answer),
        version=one_line(answer.headers.get("x-github-enterprise-version", "")),
        asked_at=asked_at,
        answered_at=clock(),
        server_at=answer.date,
    )


def _login(
    connection: Connection, credential: App | Token, permissions: dict[str, str] | None
) -> Login | Trouble:
    if isinstance(credential, Token):
        kind, origin, unused = kind_of(credential.text), credential.origin, ""
    else:
        kind, unused = TokenKind.INSTALLATION, credential.unused
        origin = f"GitHub App {credential.id}"
    try:
        answer = _query(connection)
    except (TryAgainError, ChangeauditError) as error:
        return _trouble(error)
    envelope = _decoded(answer.body, wire.Envelope)
    found = _decoded(bytes(envelope.data), _Doctor) if envelope else None
    rate = found.rate_limit if found else None
    said = "; ".join(one_line(e.message) for e in envelope.errors) if envelope else ""
    scopes = answer.headers.get("x-oauth-scopes")
    limit_types = ("RATE_LIMIT", "RATE_LIMITED")
    return Login(
        kind=kind,
        origin=origin,
        unused=unused,
        status=answer.status,
        said=said or answer.said,
        limited=answer.limited
        or bool(envelope and any(e.type in limit_types for e in envelope.errors)),
        account=found.viewer.login if found and found.viewer else "",
        scopes=None if scopes is None else tuple(filter(None, map(str.strip, scopes.split(",")))),
        permissions=permissions,
        expires_at=_expiry(answer),
        sso=_sso(answer),
        limit=Limit(rate.limit, rate.remaining, rate.reset_at) if rate else None,
    )


def _repository(connection: Connection, name: str, without: str = "") -> RepositoryProbe:
    """What is seen of a repository; its pull requests aside where `without` is their permission."""
    try:
        answer = _query(connection, name, pulls=not without)
    except (TryAgainError, ChangeauditError) as error:
        return RepositoryProbe(name, _trouble(error).said)
    envelope = _decoded(answer.body, wire.Envelope)
    data = _decoded(bytes(envelope.data), _Doctor) if envelope else None
    found = data.repository if data else None
    errors = envelope.errors if envelope else ()
    refused = [_permission(error.path) for error in errors if error.type == "FORBIDDEN"]
    if found is None and "pull_requests" in refused and not without:
        # Their refusal refuses it all, as GraphQL has it of what cannot be null.
        return _repository(connection, name, "pull_requests")
    if found is None:
        said = "; ".join(one_line(error.message) for error in errors)
        return RepositoryProbe(name, said or answer.said, sso=_sso(answer))
    nodes = (found.pull_requests.nodes if found.pull_requests else None) or ()
    rollups = [node.status_check_rollup for node in nodes if node]
    contexts = [c for r in rollups if r and r.contexts for c in r.contexts.nodes or ()]
    return RepositoryProbe(
        name=found.name_with_owner,
        merged=found.pull_requests.total_count if found.pull_requests else 0,
        refused=tuple(dict.fromkeys(filter(None, (without, *refused)))),
        check_runs=any(each is not None and each.kind == "CheckRun" for each in contexts),
        probes=tuple(_probes(connection, found)),
        sso=_sso(answer),
    )


def _permission(path: Sequence[Any]) -> str:
    """The permission that the part of a repository needs of which an error speaks."""
    if "statusCheckRollup" in path:
        return "checks"
    return next((need for part, need in PARTS.items() if part in path), "")


def _probes(connection: Connection, found: _Repository) -> Iterator[Probe]:
    """A request for each permission, in REST, whose refusals say what would be accepted."""
    where = f"/repos/{quote(found.name_with_owner)}"
    branch = found.default_branch_ref
    paths = {
        "contents": f"{where}/commits?per_page=1",
        "pull_requests": f"{where}/pulls?per_page=1&state=closed",
        "issues": f"{where}/issues?per_page=1",
        "deployments": f"{where}/deployments?per_page=1",
    }
    if branch and branch.target:
        oid, name = quote(branch.target.oid, safe=""), quote(branch.name, safe="")
        paths["checks"] = f"{where}/commits/{oid}/check-runs?per_page=1"
        paths["statuses"] = f"{where}/commits/{oid}/status?per_page=1"
        paths["administration"] = f"{where}/branches/{name}/protection"
    for permission, path in paths.items():
        try:
            answer = connection.send("GET", path)
        except (TryAgainError, ChangeauditError) as error:
            yield Probe(permission, 0, _trouble(error).said)
            continue
        accepted = one_line(answer.headers.get("x-accepted-github-permissions", ""))
        yield Probe(permission, answer.status, answer.said, accepted, answer.limited)


def _team(connection: Connection, team: str) -> TeamProbe:
    organization, _, slug = team.partition("/")
    variables = {"organization": organization, "slug": slug, "after": None}
    try:
        answer = connection.query(operation("team").text, variables)
    except (TryAgainError, ChangeauditError) as error:
        return TeamProbe(team, Unavailable(_trouble(error).said))
    envelope = _decoded(answer.body, wire.Envelope)
    data = _decoded(bytes(envelope.data), wire.TeamData) if envelope else None
    found = data.organization.team if data and data.organization else None
    if found is not None:
        return TeamProbe(team, found.members.total_count)
    said = [one_line(error.message) for error in envelope.errors] if envelope else [answer.said]
    return TeamProbe(team, Unavailable("; ".join(said) or "GitHub shows no such team"))


def _query(connection: Connection, name: str = "", *, pulls: bool = True) -> Answer:
    owner, _, short = name.partition("/")
    flags = {"withRepository": bool(name), "withPulls": pulls}
    variables = {"owner": owner, "name": short, **flags}
    return connection.query(operation("doctor").text, variables)


def _trouble(error: TryAgainError | ChangeauditError) -> Trouble:
    if isinstance(error, ChangeauditError):
        return Trouble(error.message, error.hint)
    return Trouble(f"There was no answer: {error.why}.", "Try again later.")


def _decoded(raw: bytes, shape: type[T]) -> T | None:
    """What `raw` holds in its shape, `None` if it has another."""
    try:
        return decoded(wire.sound(raw), shape)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _is_page(answer: Answer) -> bool:
    return answer.body.lstrip()[:1] == b"<"


def _sso(answer: Answer) -> str:
    """The first word of the header; what follows may hold the address of a request to sign on."""
    return one_line(answer.headers.get("x-github-sso", "").partition(";")[0])


def _expiry(answer: Answer) -> datetime | None:
    """When the token expires: "2026-12-31 12:00:00 UTC", or with the hours from UTC."""
    told = answer.headers.get("github-authentication-token-expiration", "").strip()
    try:
        found = datetime.fromisoformat(_ZONE.sub("", told.replace(" UTC", "+00:00")))
    except ValueError:
        return None
    return found if found.tzinfo else None
