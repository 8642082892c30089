"""What GitHub and Jira show of how a company works, from which a policy can be proposed.

This is no evidence: it is asked for once, kept nowhere and judged by nobody. Like a record, it says
what a source answered: an empty tuple means "asked, and there were none", and what could not be
read is `Unavailable`, with the reason.
"""

from __future__ import annotations

from changeaudit.records import Record, Unavailable


class Listed(Record, frozen=True):
    """Names in the order of the source; `total` is more than their number if the list was cut."""

    names: tuple[str, ...]
    total: int


class MergedPull(Record, frozen=True):
    """A merged pull request: what its names and checks tell. `author` is "" if deleted."""

    title: str
    head: str
    base: str
    author: str
    by_bot: bool
    checks: tuple[str, ...] | Unavailable


class RepositorySurvey(Record, frozen=True):
    """A repository as it is today, and what merged last.

    `protected` holds patterns of branches, `templates` the texts of pull request templates, and
    `codeowners` the path of the CODEOWNERS file, "" if there is none.
    """

    name: str
    default_branch: str
    branches: Listed | Unavailable
    protected: tuple[str, ...] | Unavailable
    templates: tuple[str, ...] | Unavailable
    codeowners: str | Unavailable
    environments: Listed | Unavailable
    labels: Listed | Unavailable
    merge_queue: bool | Unavailable
    pulls: tuple[MergedPull, ...] | Unavailable


class TeamSurvey(Record, frozen=True):
    """A team: `slug` is organisation/team-slug; `members` counts those of its child teams too."""

    slug: str
    name: str
    members: int


class OwnerSurvey(Record, frozen=True):
    """An owner of repositories and its teams; a user has none."""

    login: str
    teams: tuple[TeamSurvey, ...] | Unavailable


class GitHubSurvey(Record, frozen=True):
    """What was asked of a GitHub host."""

    host: str
    repositories: tuple[RepositorySurvey, ...] = ()
    owners: tuple[OwnerSurvey, ...] = ()


class Status(Record, frozen=True):
    """A status of tickets; `category` is Jira's own: new, indeterminate, done or undefined."""

    name: str
    category: str


class ProjectSurvey(Record, frozen=True):
    """A Jira project: its types of ticket, sub-tasks left out, and their statuses."""

    key: str
    name: str
    types: tuple[str, ...] | Unavailable
    statuses: tuple[Status, ...] | Unavailable


class JiraSurvey(Record, frozen=True):
    """What was asked of a Jira: every project that the account sees, and some of them in full.

    `names` holds the names of the projects by their keys.
    """

    host: str
    names: tuple[tuple[str, str], ...]
    projects: tuple[ProjectSurvey, ...]
