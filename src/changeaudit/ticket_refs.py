"""Which tickets a pull request names, and where.

A Jira key counts for the project keys that the policy lists, and only as a word of its own:
neither in `XPAY-12` nor in `PAY-12a`. It is written in upper case; a branch and an address
(`…/browse/pay-12`) may have it in lower case, as Jira's own links do. In a branch an underscore
parts words.

A GitHub issue counts after a closing keyword (`fixes #7`, `Closes: acme/web#7`), by the address
of its page on the repository's own host, or as a closing reference that GitHub recorded. A bare
`#7` may be anything and names nothing.

Of the description only what a reader sees counts: no HTML comment, no code block.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from changeaudit.markdown import visible_text
from changeaudit.policy import Tickets
from changeaudit.records import Repository, TicketRef, Unavailable

NUMBER = r"([1-9][0-9]{0,9})(?![0-9A-Za-z])"
NAME = r"([A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100})"
KEYWORD = r"(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)(?:[ \t]{0,9}:[ \t]{0,9}|[ \t]{1,9})"
CLOSING = re.compile(
    rf"(?<![0-9A-Za-z_-]){KEYWORD}(?:{NAME}?#|GH-){NUMBER}", re.IGNORECASE | re.ASCII
)


def named_tickets(
    title: str | Unavailable,
    branch: str,
    body: str | Unavailable,
    commit_messages: Sequence[str] | Unavailable,
    closing_issues: Sequence[str] | Unavailable,
    repository: Repository,
    tickets_policy: Tickets,
) -> tuple[TicketRef, ...]:
    """The tickets named in the places that the policy lists, each once per place.

    Args:
        title: the title as of the merge.
        branch: the name of the head branch.
        body: the description as of the merge, in Markdown; `markdown.LIMIT` of it is read.
        commit_messages: the messages of the pull request's commits.
        closing_issues: GitHub's closing references, as "owner/name#7".
        repository: where the pull request is; `#7` is an issue of it.
        tickets_policy: the places, the Jira projects, and whether GitHub issues count.

    Returns:
        References in the order of the policy's places. A key is spelt as at its first mention;
        keys that differ in case alone are one ticket. A place that is `Unavailable` names
        nothing: that it is unread is the caller's to say.
    """
    texts: dict[str, Iterable[str]] = {
        "title": _given(title),
        "branch": (branch,),
        "body": (visible_text(text) for text in _given(body)),
        "commits": () if isinstance(commit_messages, Unavailable) else commit_messages,
    }
    spelt: dict[str, str] = {}
    found: dict[tuple[str, str], TicketRef] = {}
    for place in tickets_policy.places:
        if place == "closing_reference":
            keys = _closing_references(closing_issues, tickets_policy)
        else:
            keys = (
                key
                for text in texts[place]
                for key in _keys(text, place, repository, tickets_policy)
            )
        for key in keys:
            key = spelt.setdefault(key.casefold(), key)
            found.setdefault((place, key), TicketRef(key=key, place=place))
    return tuple(found.values())


def closing_keywords(text: str, repository: str) -> Iterator[str]:
    """The issues that a text closes by keyword; `#7` is an issue of `repository`, "owner/name"."""
    for match in CLOSING.finditer(text):
        yield f"{match[1] or repository}#{match[2]}"


def _given(text: str | Unavailable) -> tuple[str, ...]:
    return () if isinstance(text, Unavailable) else (text,)


def _closing_references(closing: Sequence[str] | Unavailable, policy: Tickets) -> Iterator[str]:
    if policy.github_issues and not isinstance(closing, Unavailable):
        yield from closing


def _keys(text: str, place: str, repository: Repository, policy: Tickets) -> Iterator[str]:
    if policy.jira_projects:
        pattern = _jira_keys(policy.jira_projects, place == "branch")
        for match in pattern.finditer(text):
            yield f"{match[match.lastindex or 0]}".upper()
    if policy.github_issues and place != "branch":
        yield from closing_keywords(text, repository.name)
        for match in _issue_pages(repository.host).finditer(text):
            yield f"{match[1]}#{match[2]}"


@lru_cache(maxsize=64)
def _jira_keys(projects: tuple[str, ...], branch: bool) -> re.Pattern[str]:
    one_of = "|".join(map(re.escape, projects))
    key = rf"((?:{one_of})-[1-9][0-9]{{0,9}})"
    if branch:
        return re.compile(rf"(?<![0-9A-Za-z]){key}(?![0-9A-Za-z])", re.IGNORECASE | re.ASCII)
    address = rf"(?i:/browse/{key})(?![0-9A-Za-z_])"
    return re.compile(rf"{address}|(?<![0-9A-Za-z_]){key}(?![0-9A-Za-z_])", re.ASCII)


@lru_cache(maxsize=64)
def _issue_pages(host: str) -> re.Pattern[str]:
    return re.compile(
        rf"https?://{re.escape(host)}/{NAME}/issues/{NUMBER}", re.IGNORECASE | re.ASCII
    )
