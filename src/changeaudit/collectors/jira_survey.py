"""Asks Jira which projects, types of ticket and statuses there are.

What is asked here proposes a policy and is no evidence, so no store holds it. Jira is never needed
for that: whatever goes wrong is `Unavailable`, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from changeaudit.collectors.jira.access import Access
from changeaudit.collectors.jira.connection import client_of
from changeaudit.records import Unavailable
from changeaudit.sites import site_of, unfit
from changeaudit.survey import JiraSurvey, ProjectSurvey, Status

if TYPE_CHECKING:
    from jira import JIRA

TIMEOUT_SECONDS = 20.0
MOST_PROJECTS = 10
"""How many projects are asked about their types and statuses."""

T = TypeVar("T")


class _Project(msgspec.Struct, frozen=True):
    key: str
    name: str = ""


class _Category(msgspec.Struct, frozen=True):
    key: str = "undefined"


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    status_category: _Category = _Category()


class _Type(msgspec.Struct, frozen=True):
    """A type of ticket with the statuses of its workflow, as a project lists them."""

    name: str
    statuses: tuple[_Status, ...]
    subtask: bool = False


def survey_jira(access: Access, wanted: Sequence[str]) -> JiraSurvey | Unavailable:
    """The projects that the account sees, and those of `wanted` (keys) among them in full.

    No more than ten are asked about in full, the first ones of `wanted`.
    """
    problem = unfit(access.url, "JIRA_URL")
    if problem:
        return Unavailable(problem)
    client = client_of(access, TIMEOUT_SECONDS)
    with closing(client):
        projects = _asked(client, "project", tuple[_Project, ...])
        if isinstance(projects, Unavailable):
            return projects
        names = {project.key: project.name for project in projects}
        full = [key for key in wanted if key in names][:MOST_PROJECTS]
        return JiraSurvey(
            host=site_of(access.url),
            names=tuple(names.items()),
            projects=tuple(_project(client, key, names[key]) for key in full),
        )


def _project(client: JIRA, key: str, name: str) -> ProjectSurvey:
    found = _asked(client, f"project/{quote(key, safe='')}/statuses", tuple[_Type, ...])
    if isinstance(found, Unavailable):
        return ProjectSurvey(key, name, found, found)
    types = (each.name for each in found if not each.subtask)
    statuses = (status for each in found for status in each.statuses)
    return ProjectSurvey(
        key,
        name,
        _once(types),
        _once(Status(status.name, status.status_category.key) for status in statuses),
    )


def _once(found: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(found))


def _asked(client: JIRA, path: str, shape: type[T]) -> T | Unavailable:
    """What Jira answers to a GET, in its shape; the reason where it does not."""
    import requests
    from jira import JIRAError

    try:
        answer: Any = client._get_json(path)
        return msgspec.convert(answer, shape)
    except JIRAError as error:
        return Unavailable(_refusal(error.status_code or 0))
    except requests.exceptions.TooManyRedirects:
        return Unavailable("it redirects to elsewhere; the token was not sent there")
    except requests.exceptions.JSONDecodeError:
        return Unavailable("it answers with something else than data; check JIRA_URL")
    except requests.exceptions.Timeout:
        return Unavailable(f"it did not answer within {TIMEOUT_SECONDS:.0f} seconds")
    except requests.exceptions.SSLError:
        return Unavailable("its certificate could not be verified")
    except requests.exceptions.RequestException:
        return Unavailable("it could not be reached")
    except (msgspec.ValidationError, TypeError, ValueError):
        # The library itself stumbles over an error page that is JSON, but no object.
        return Unavailable("its answer does not have the expected form")


def _refusal(status: int) -> str:
    if status in (401, 403):
        return f"it does not accept the credentials (HTTP {status})"
    if status == 404:
        return "it has nothing at this address (HTTP 404)"
    if status == 429:
        return "it asks to wait (HTTP 429)"
    return f"it fails (HTTP {status})"
