"""Turns what Jira answered into records.

A change of status, type, labels, components, resolution, key, parent or security level becomes a
`TicketChange`; whatever else was changed is left out. Jira's times are finer than a second: what
of them lies within one is cut off, which makes two instants equal and never turns them around.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from changeaudit.collectors.jira import wire
from changeaudit.collectors.jira.wire import instant
from changeaudit.records import (
    JiraAccount,
    Ticket,
    TicketChange,
    TicketComment,
    TicketLink,
    Unavailable,
)

NOT_VISIBLE = Unavailable("it is not visible to the audit account", "Browse projects")
KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*-[1-9][0-9]*")
EPIC_LINK = "com.pyxis.greenhopper.jira:gh-epic-link"
"""The kind of the custom field in which a Data Center keeps the epic of an issue."""

_FIELDS = {
    "status": "status",
    "issuetype": "type",
    "labels": "labels",
    "component": "components",
    "components": "components",
    "resolution": "resolution",
    "key": "key",
    "parent": "parent",
    "parent issue": "parent",
    "issueparentassociation": "parent",
    "security": "security",
}
"""The fields whose changes are records, by their names in a changelog, in lower case."""


def second(text: str | int) -> datetime:
    """The second in which an instant of Jira's lies."""
    return instant(text).replace(microsecond=0)


def account(found: wire.Account | None) -> JiraAccount | None:
    """An account of the site; `None` where there is nobody."""
    if found is None:
        return None
    return JiraAccount(
        id=found.account_id or found.key or found.name,
        name=found.display_name,
        login="" if found.account_id else found.name,
        email=found.email_address,
    )


def former_keys(histories: Iterable[wire.History]) -> Iterator[str]:
    """The keys that an issue had before it was moved."""
    for history in histories:
        for item in history.items:
            if _field(item) == "key" and item.was_shown:
                yield item.was_shown


def parents(issue: wire.Issue, histories: Iterable[wire.History], epic: str) -> Iterator[str]:
    """The keys of the parents that an issue has or had; `epic` is its epic's."""
    named = [issue.fields.parent.key if issue.fields.parent else "", epic]
    for history in histories:
        for item in history.items:
            if _field(item) == "parent":
                named += _parent(item.was, item.was_shown)
                named += _parent(item.became, item.became_shown)
    yield from filter(KEY.fullmatch, named)


def ticket(
    asked: str,
    issue: wire.Issue,
    histories: Sequence[wire.History] | Unavailable,
    comments: Sequence[wire.Comment] | Unavailable,
    *,
    source: str,
    base_url: str,
    statuses: Mapping[str, str],
    epic: str = "",
    evidence: tuple[str, ...] = (),
) -> Ticket:
    """An issue as a record.

    Args:
        asked: the key that was looked up.
        issue: what answered.
        histories: all of its changelog, in any order.
        comments: all of its comments, or why they are not known.
        source: the site.
        base_url: the address of the site's pages.
        statuses: today's name of each status of the site, by its id.
        epic: the key of its epic, where a Data Center keeps it apart.
        evidence: the digests of the answers that it stands in.

    Raises:
        ValueError: a time in it is none.
    """
    fields = issue.fields
    url = f"{base_url}/browse/{issue.key}"
    return Ticket(
        asked=asked,
        key=issue.key,
        id=issue.id,
        source=source,
        project=fields.project.key if fields.project else issue.key.rpartition("-")[0],
        type=_name(fields.issuetype),
        title=fields.summary or "",
        status=fields.status.name if fields.status else "",
        resolution=_name(fields.resolution),
        created_at=second(fields.created),
        author=account(fields.reporter),
        labels=fields.labels or (),
        history=histories
        if isinstance(histories, Unavailable)
        else tuple(_changes(histories, fields.components or (), statuses)),
        url=url,
        assignee=account(fields.assignee),
        components=tuple(each.name for each in fields.components or ()),
        parent=(fields.parent.key if fields.parent else "") or epic,
        security=_name(fields.security),
        links=tuple(_links(fields.issuelinks or ())),
        comments=comments
        if isinstance(comments, Unavailable)
        else tuple(_comment(each, url) for each in comments),
        evidence=evidence,
    )


def _name(found: wire.Named | None) -> str:
    return found.name if found else ""


def _links(found: Iterable[wire.Link]) -> Iterator[TicketLink]:
    for link in found:
        if link.inward_issue:
            yield TicketLink(link.type.inward, link.inward_issue.key)
        if link.outward_issue:
            yield TicketLink(link.type.outward, link.outward_issue.key)


def _comment(found: wire.Comment, url: str) -> TicketComment:
    edited = found.updated and instant(found.updated) != instant(found.created)
    return TicketComment(
        author=account(found.author),
        body=found.body or "",
        at=second(found.created),
        url=f"{url}?focusedCommentId={found.id}",
        edited_at=second(found.updated) if edited else None,
    )


def _field(item: wire.Change) -> str:
    """The field of a record that a change is of; "" for any other.

    A custom field may bear any name, that of a field of Jira's own as well.
    """
    name = item.field.casefold()
    if item.fieldtype == "custom":
        return "parent" if name == "epic link" else ""
    return _FIELDS.get(name, "")


def _changes(
    histories: Sequence[wire.History],
    components: Sequence[wire.Named],
    statuses: Mapping[str, str],
) -> Iterator[TicketChange]:
    """The changes, the oldest first.

    Of components each change tells one that came or went; the whole sets follow from today's, back
    in time.
    """
    ordered = sorted(histories, key=lambda each: (instant(each.created), _number(each.id)))
    held = [(each.id, each.name) for each in components]
    found: list[TicketChange] = []
    for history in reversed(ordered):
        at, actor = second(history.created), account(history.author)
        moved = [item for item in history.items if _field(item) == "components"]
        if moved:
            after = tuple(name for _, name in held)
            for item in reversed(moved):
                if item.became or item.became_shown:
                    _without(held, item.became, item.became_shown)
                if item.was or item.was_shown:
                    held.append((item.was or "", item.was_shown or ""))
            found.append(
                TicketChange(at, actor, "components", tuple(name for _, name in held), after)
            )
        for item in reversed(history.items):
            field = _field(item)
            if field and field != "components":
                before = _values(field, item.was, item.was_shown, statuses)
                after = _values(field, item.became, item.became_shown, statuses)
                found.append(TicketChange(at, actor, field, before, after))
    yield from reversed(found)


def _without(held: list[tuple[str, str]], id_: str | None, name: str | None) -> None:
    """Take a component out, known by its id, or by its name where none has that id."""
    same = [each for each in held if id_ and each[0] == id_]
    same = same or [each for each in held if each[1] == name]
    if same:
        held.remove(same[0])


def _values(
    field: str, value: str | None, shown: str | None, statuses: Mapping[str, str]
) -> tuple[str, ...]:
    if field == "labels":
        return tuple((shown or "").split())
    if field == "parent":
        return _parent(value, shown)
    if not shown:
        return ()
    today = statuses.get(value or "", shown) if field == "status" else shown
    return (shown,) if today == shown else (shown, today)


def _parent(value: str | None, shown: str | None) -> tuple[str, ...]:
    """The key of a parent, wherever it stands; else what was shown."""
    for each in (shown, value):
        if each and KEY.fullmatch(each):
            return (each,)
    told = shown or value
    return (told,) if told else ()


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
