"""Jira's answers, as they come over the wire, of API version 2: what of them is read.

Nothing here is a record yet: `parsing` turns these into records. Cloud and Data Center differ in
how they name an account, and in the times of a changelog: text with an offset, or milliseconds. A
time that is none is found when an answer is decoded, before it is stored.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from changeaudit.collectors import shapes
from changeaudit.collectors.github.wire import sound

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSET = re.compile(r"([+-][0-9]{2}):?([0-9]{2})$")

T = TypeVar("T")


def decoded(raw: bytes | msgspec.Raw, shape: type[T]) -> T:
    """What an answer of Jira's, or a part of one, holds, in its shape.

    Raises:
        msgspec.DecodeError: it is no JSON, has another shape, or is nested too deeply.
    """
    try:
        return shapes.decoded(sound(bytes(raw)), shape)
    except RecursionError:
        raise msgspec.DecodeError("it is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(f"{error}") from None


def instant(text: str | int) -> datetime:
    """An instant of Jira's: text with an offset, or milliseconds since 1970. In UTC, exact.

    Raises:
        ValueError: it is none.
    """
    try:
        if isinstance(text, int):
            return _EPOCH + timedelta(milliseconds=text)
        at = datetime.fromisoformat(_OFFSET.sub(r"\1:\2", text.strip()))
        if at.utcoffset() is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{str(text)[:40]!a} is no instant") from None
    raise ValueError(f"{text!a} has no offset from UTC")


class Wire(msgspec.Struct, frozen=True, rename="camel"):
    """A part of an answer; what is not named in it is not read."""


class ServerInfo(Wire, frozen=True):
    """Which Jira it is, and the address of its pages."""

    deployment_type: str
    base_url: str = ""

    @property
    def address(self) -> str:
        """The address of its pages; "" where it gives none that could be followed."""
        told = self.base_url.rstrip("/")
        try:
            parts = urlsplit(told)
            _ = parts.port
        except ValueError:
            return ""
        found = parts.scheme in ("http", "https") and parts.hostname and "@" not in told
        return told if found and told.isascii() and told.isprintable() else ""


class Account(Wire, frozen=True):
    account_id: str = ""
    key: str = ""
    name: str = ""
    display_name: str = ""
    email_address: str = ""


class Named(Wire, frozen=True):
    """Anything that has a name, and an id that it keeps when it is renamed."""

    name: str = ""
    id: str = ""


class Category(Wire, frozen=True):
    key: str = "undefined"


class Status(Wire, frozen=True):
    name: str
    id: str = ""
    status_category: Category = Category()


class Project(Wire, frozen=True):
    key: str


class Renamed(Wire, frozen=True):
    """A project with every key that it has or had."""

    project_keys: tuple[str, ...] = ()


class Other(Wire, frozen=True):
    key: str = ""


class LinkType(Wire, frozen=True):
    inward: str = ""
    outward: str = ""


class Link(Wire, frozen=True):
    type: LinkType = LinkType()
    inward_issue: Other | None = None
    outward_issue: Other | None = None


class Comment(Wire, frozen=True):
    id: str
    created: str
    author: Account | None = None
    body: str | None = None
    updated: str = ""

    def __post_init__(self) -> None:
        instant(self.created)
        instant(self.updated or self.created)


class Comments(Wire, frozen=True):
    """Comments of an issue; fewer than `total` where they are cut."""

    comments: tuple[Comment, ...] = ()
    total: int = 0


class Fields(Wire, frozen=True):
    created: str
    updated: str
    summary: str | None = None
    status: Status | None = None
    issuetype: Named | None = None
    project: Project | None = None
    resolution: Named | None = None
    reporter: Account | None = None
    assignee: Account | None = None
    labels: tuple[str, ...] | None = None
    components: tuple[Named, ...] | None = None
    security: Named | None = None
    parent: Other | None = None
    issuelinks: tuple[Link, ...] | None = None
    comment: Comments | None = None

    def __post_init__(self) -> None:
        instant(self.created)
        instant(self.updated)


class Change(Wire, frozen=True):
    """One field of a change. The strings are what people saw then, the others the ids of it."""

    field: str
    fieldtype: str = ""
    was: str | None = msgspec.field(default=None, name="from")
    was_shown: str | None = msgspec.field(default=None, name="fromString")
    became: str | None = msgspec.field(default=None, name="to")
    became_shown: str | None = msgspec.field(default=None, name="toString")


class History(Wire, frozen=True):
    """What somebody changed at once."""

    id: str
    created: str | int
    author: Account | None = None
    items: tuple[Change, ...] = ()

    def __post_init__(self) -> None:
        instant(self.created)


class Changelog(Wire, frozen=True):
    """Changes of an issue; fewer than `total` where they are cut."""

    total: int
    histories: tuple[History, ...] = ()


class Issue(Wire, frozen=True):
    id: str
    key: str
    fields: Fields
    changelog: Changelog | None = None


class Brief(Wire, frozen=True):
    """What of an issue is looked at while it is collected."""

    id: str
    key: str


class Issues(Wire, frozen=True):
    """A page of issues, each as it came; `total` and `next_page_token` where there are more."""

    issues: tuple[msgspec.Raw, ...]
    total: int | None = None
    next_page_token: str | None = None


class IssueChangelog(Wire, frozen=True):
    """The changes of one issue on a page of those of many."""

    issue_id: str
    change_histories: tuple[History, ...] = ()


class Changelogs(Wire, frozen=True):
    issue_change_logs: tuple[msgspec.Raw, ...]
    next_page_token: str | None = None


class Schema(Wire, frozen=True):
    custom: str = ""


class Field(Wire, frozen=True):
    """A field of the site, and what kind of custom field it is."""

    id: str
    schema: Schema = Schema()
