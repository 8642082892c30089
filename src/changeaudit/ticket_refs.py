"""Which tickets a pull request names, and where.

A Jira key counts for the project keys that the policy lists, and only as a word of its own:
neither in `XPAY-12` nor in `PAY-12a`. It is written in upper case; a branch and an address
(`…/browse/pay-12`, `…?selectedIssue=pay-12`) may have it in lower case, as Jira's own links do. In
a branch an underscore parts words. Where it is known in which Jira a project is, an address of
another Jira does not name its tickets, nor do the words of a link that leads there.

A GitHub issue counts after a closing keyword (`fixes #7`, `Closes: acme/web#7`), by the address
of its page on the repository's own host, or as a closing reference that GitHub recorded. A bare
`#7` may be anything and names nothing.

Of the description only what a reader sees counts: no HTML comment, no code block.

How keys look is known to a finder for each tracker; those of the trackers that come with the
program are here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import TypeVar

from changeaudit.markdown import visible_text
from changeaudit.policy import Tickets
from changeaudit.records import Commit, Repository, TicketRef, Unavailable
from changeaudit.sites import GATEWAY, site_of

Finder = Callable[[str, str, Repository, Tickets], Iterable[str]]
"""Gives the keys that a text names: the text, its place (of `TicketRef`), where, by which policy.

A closing reference is a text of its own, "owner/name#7".
"""

NUMBER = r"([1-9][0-9]{0,9})(?![0-9A-Za-z])"
NAME = r"([A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100})"
KEYWORD = r"(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)(?:[ \t]{0,9}:[ \t]{0,9}|[ \t]{1,9})"
CLOSING = re.compile(
    rf"(?<![0-9A-Za-z_-]){KEYWORD}(?:{NAME}?#|GH-){NUMBER}", re.IGNORECASE | re.ASCII
)

Item = TypeVar("Item")
ADDRESS = re.compile(
    r"(?:\[([^\[\]\n]{0,300})\]\()?(https?://[^\s<>\"'`)\]]{1,2000})", re.IGNORECASE | re.ASCII
)
"""An address, with the words of the Markdown link that leads there."""


def jira_keys(
    text: str,
    place: str,
    repository: Repository,
    policy: Tickets,
    sites: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Iterator[str]:
    """The keys of Jira projects that a text names, a `Finder`.

    `sites` are the sites of projects ("acme.atlassian.net") that are known otherwise than from the
    policy.
    """
    if not policy.jira_projects or place == "closing_reference":
        return
    if place == "branch":
        pattern = _keys_of_branch(policy.jira_projects)
        yield from (match[1].upper() for match in pattern.finditer(text))
        return
    found: list[tuple[int, str]] = []
    linked = _linked_keys(policy.jira_projects)

    def without_links(address: re.Match[str]) -> str:
        links = [*linked.finditer(address[2])]
        own = False
        for link in links:
            key = link[1].upper()
            project = key.rpartition("-")[0]
            if _is_of(address[2], policy.jira_of(project), sites.get(project, ())):
                found.append((address.start(2) + link.start(), key))
                own = True
        if not links:
            return address[0]
        # Whatever a link to another Jira is called, it is called after a ticket of that one.
        words = address[0][: -len(address[2])] if own else ""
        return words.ljust(len(address[0]))

    text = ADDRESS.sub(without_links, text)
    plain = _keys(policy.jira_projects)
    found += [(match.start(), match[1]) for match in plain.finditer(text)]
    yield from (key for _, key in sorted(found))


def github_issues(text: str, place: str, repository: Repository, policy: Tickets) -> Iterator[str]:
    """The GitHub issues that a text names, a `Finder`."""
    if not policy.github_issues or place == "branch":
        return
    if place == "closing_reference":
        yield text
        return
    yield from closing_keywords(text, repository.name)
    for match in _issue_pages(repository.host).finditer(text):
        yield f"{match[1]}#{match[2]}"


FINDERS: tuple[Finder, ...] = (jira_keys, github_issues)
"""The finders of the trackers that come with the program."""


def named_tickets(
    title: str | Unavailable,
    branch: str,
    body: str | Unavailable,
    commits: Sequence[Commit] | Unavailable,
    closing_issues: Sequence[str] | Unavailable,
    repository: Repository,
    tickets_policy: Tickets,
    finders: Sequence[Finder] = FINDERS,
) -> tuple[TicketRef, ...]:
    """The tickets named in the places that the policy lists, each once per place.

    Args:
        title: the title as of the merge.
        branch: the name of the head branch.
        body: the description as of the merge, in Markdown; `markdown.LIMIT` of it is read.
        commits: the pull request's commits, for their messages.
        closing_issues: GitHub's closing references, as "owner/name#7".
        repository: where the pull request is; `#7` is an issue of it.
        tickets_policy: the places, and what counts of each tracker.
        finders: how the keys of each tracker are found.

    Returns:
        References in the order of the policy's places. A key is spelt as at its first mention;
        keys that differ in case alone are one ticket. A place that is `Unavailable` names
        nothing: that it is unread is the caller's to say.
    """
    texts: dict[str, Iterable[tuple[str, str]]] = {
        "title": ((text, "") for text in _given(title)),
        "branch": ((branch, ""),),
        "body": ((visible_text(text), "") for text in _given(body)),
        "commits": ((commit.message, commit.oid) for commit in _all(commits)),
        "closing_reference": ((key, "") for key in _all(closing_issues)),
    }
    spelt: dict[str, str] = {}
    found: dict[tuple[str, str], TicketRef] = {}
    for place in tickets_policy.places:
        for text, commit in texts[place]:
            for finder in finders:
                for key in finder(text, place, repository, tickets_policy):
                    key = spelt.setdefault(key.casefold(), key)
                    found.setdefault((place, key), TicketRef(key, place, commit))
    return tuple(found.values())


def closing_keywords(text: str, repository: str) -> Iterator[str]:
    """The issues that a text closes by keyword; `#7` is an issue of `repository`, "owner/name"."""
    for match in CLOSING.finditer(text):
        yield f"{match[1] or repository}#{match[2]}"


def _given(text: str | Unavailable) -> tuple[str, ...]:
    return () if isinstance(text, Unavailable) else (text,)


def _all(found: Sequence[Item] | Unavailable) -> Sequence[Item]:
    return () if isinstance(found, Unavailable) else found


def _is_of(address: str, jira: str, sites: Sequence[str]) -> bool:
    """Whether an address is of that Jira, or of one of the sites; of any, where none is known.

    The gateway is where a program asks; nobody's links lead there.
    """
    named = [site_of(jira)] if jira and not jira.startswith(GATEWAY) else []
    known = [site.casefold() for site in (*named, *sites)]
    where = address.partition("//")[2].casefold()
    return not known or any(where.startswith(f"{site}/") for site in known)


def _key(projects: tuple[str, ...]) -> str:
    return rf"((?:{'|'.join(map(re.escape, projects))})-[1-9][0-9]{{0,9}})"


@lru_cache(maxsize=64)
def _keys(projects: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<![0-9A-Za-z_]){_key(projects)}(?![0-9A-Za-z_])", re.ASCII)


@lru_cache(maxsize=64)
def _keys_of_branch(projects: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<![0-9A-Za-z]){_key(projects)}(?![0-9A-Za-z])", re.IGNORECASE | re.ASCII)


@lru_cache(maxsize=64)
def _linked_keys(projects: tuple[str, ...]) -> re.Pattern[str]:
    """Keys as Jira's own addresses have them."""
    where = r"(?:/browse/|/issues?/|[?&]selectedIssue=)"
    return re.compile(rf"{where}{_key(projects)}(?![0-9A-Za-z_])", re.IGNORECASE | re.ASCII)


@lru_cache(maxsize=64)
def _issue_pages(host: str) -> re.Pattern[str]:
    return re.compile(
        rf"https?://{re.escape(host)}/{NAME}/issues/{NUMBER}", re.IGNORECASE | re.ASCII
    )
