"""Whether an audit could run here and now: what was seen of it, and the checks that come of it.

This is no evidence: it is asked for once, kept nowhere, and says nothing about any change. No
token and no key is in it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from changeaudit.records import Record, Unavailable
from changeaudit.survey import JiraSurvey

SCHEMA = "changeaudit/doctor/1"
"""The version of the JSON's form."""


# What comes of it -------------------------------------------------------------------------------


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


class Check(Record, frozen=True):
    """One thing that an audit needs: what was found, and what to do about it.

    `about` is what the check belongs to ("GitHub", "acme/payments"), `id` names it for programs.
    """

    id: str
    about: str
    title: str
    status: Status
    found: str
    advice: str = ""


class Readiness(Record, frozen=True):
    """Every check, in the order in which to read them, made at an instant in UTC."""

    schema: str
    tool_version: str
    at: datetime
    checks: tuple[Check, ...]

    def count(self, status: Status) -> int:
        """How many ended so."""
        return sum(check.status is status for check in self.checks)


# What was seen ----------------------------------------------------------------------------------


class Trouble(Record, frozen=True):
    """Why something could not be had, and what to do next, as an error of the program says it."""

    said: str
    advice: str = ""


class Reach(Record, frozen=True):
    """The answer of the API to nobody in particular.

    The request was sent at `asked_at` and answered by `answered_at`, both by this machine's
    clock; `server_at` is the server's, `None` if it does not say. `version` is an Enterprise
    Server's. `is_api` is whether what answers speaks as the API does.
    """

    base_url: str
    status: int
    said: str
    is_api: bool
    version: str
    asked_at: datetime
    answered_at: datetime
    server_at: datetime | None


class TokenKind(StrEnum):
    """GitHub's kinds of token."""

    CLASSIC = "classic personal access token"
    FINE_GRAINED = "fine-grained personal access token"
    OAUTH = "OAuth token"
    APP_USER = "token of a GitHub App for a user"
    INSTALLATION = "token of a GitHub App's installation"
    REFRESH = "refresh token"
    UNKNOWN = "token of a kind that its form does not tell"


class Limit(Record, frozen=True):
    """GraphQL points: how many an hour, how many are left, and when there are all again."""

    limit: int
    remaining: int
    reset_at: datetime


class Login(Record, frozen=True):
    """What GitHub answered to the token.

    `origin` is where the token was found, `unused` another that is set too. `scopes` are those
    of a classic token, `permissions` what the App's installation was granted; `None` if GitHub
    does not say. `expires_at` is `None` if it names no end, `limit` if it sets none. `sso` is
    whether single sign-on keeps something back: "required", "partial-results", or "".
    """

    kind: TokenKind
    origin: str
    unused: str
    status: int
    said: str
    limited: bool = False
    account: str = ""
    scopes: tuple[str, ...] | None = None
    permissions: dict[str, str] | None = None
    expires_at: datetime | None = None
    sso: str = ""
    limit: Limit | None = None


class Probe(Record, frozen=True):
    """One small request, for which one permission is needed.

    `permission` has GitHub's name ("pull_requests"); `accepted` is what GitHub says would do.
    `status` is 0 if there was no answer, and `said` tells why.
    """

    permission: str
    status: int
    said: str
    accepted: str = ""
    limited: bool = False


class RepositoryProbe(Record, frozen=True):
    """A repository: whether the token sees it, and what it may read there.

    `refused` are the parts that GraphQL refused, by the permission that they need. `check_runs`
    is whether a check run was shown. `said` is why it is not seen, "" if it is.
    """

    name: str
    said: str = ""
    merged: int = 0
    refused: tuple[str, ...] = ()
    check_runs: bool = False
    probes: tuple[Probe, ...] = ()
    sso: str = ""


class TeamProbe(Record, frozen=True):
    """A team ("organisation/slug") and how many members the token sees."""

    name: str
    members: int | Unavailable


class GitHubFacts(Record, frozen=True):
    """All that was asked of GitHub.

    `login` is `None` where GitHub was not reached. `pulls_a_page` pull requests are collected
    with `points_a_page`, if none of them is long.
    """

    reach: Reach | Trouble
    login: Login | Trouble | None
    pulls_a_page: int = 1
    points_a_page: int = 1
    repositories: tuple[RepositoryProbe, ...] = ()
    teams: tuple[TeamProbe, ...] = ()
    teams_left: int = 0


class PolicyFacts(Record, frozen=True):
    """The policy: its name and source, or why it is none; what it leaves unsaid."""

    source: str
    trouble: Trouble | None = None
    unsaid: tuple[str, ...] = ()


class StoreFacts(Record, frozen=True):
    """The store: whether it is there, and what is wrong with reading and with writing it.

    `free` are the bytes that are left on its disk, `None` if it is no file. `problems` are what
    a verification found, `None` if it was not verified.
    """

    where: str
    there: bool = False
    answers: int = 0
    unreadable: Trouble | None = None
    unwritable: Trouble | None = None
    free: int | None = None
    problems: tuple[str, ...] | None = None


class JiraFacts(Record, frozen=True):
    """A Jira that the policy counts on, by its name, for these projects, and what it shows.

    Where there is no way to ask it, such as for want of a token, `found` tells why and what to do.
    """

    site: str
    projects: tuple[str, ...]
    found: JiraSurvey | Unavailable | Trouble


class Facts(Record, frozen=True):
    """Everything that was seen. `jira` are the Jiras of the policy, and of the environment.

    `names` are the repositories that were to be tried, whether or not they could be.
    """

    github: GitHubFacts
    policy: PolicyFacts
    store: StoreFacts
    jira: tuple[JiraFacts, ...] = ()
    names: tuple[str, ...] = ()
