"""What of the changes' evidence could not be read, each kind in one sentence. Pure.

A field that an account may not read costs that field alone, change by change; here it is said once,
with what was refused, for which repositories, and the permission that is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from changeaudit.change import Change
from changeaudit.policy import Policy
from changeaudit.records import Repository, Team, Unavailable
from changeaudit.rules.excerpts import some

_Loss = tuple[str, Unavailable]
"""The repository of a change, and why something of it could not be read."""


class Unread:
    """Notes, change by change, what could not be read of it; all of them need not be held at once.

    `policy` tells what of it bears on verdicts.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._lost: dict[str, Counter[_Loss]] = {what: Counter() for what in _FIELDS}
        self._hidden: Counter[_Loss] = Counter()
        self._around: dict[str, tuple[Repository, tuple[Team, ...]]] = {}

    def see(self, change: Change) -> None:
        """Note what could not be read of a change."""
        where = change.pull.repository
        for what, field in _FIELDS.items():
            self._lost[what].update((where, why) for why in _unavailable(field(change)))
        reviews = change.pull.reviews
        for review in () if isinstance(reviews, Unavailable) else reviews:
            self._hidden.update((where, why) for why in _unavailable(review.author_can_write))
        self._around.setdefault(where, (change.repository, change.teams))

    def said(self) -> Iterator[str]:
        """What could not be read of all of them, their people and the files that are asked for."""
        policy, hidden = self._policy, self._hidden
        for what, found in self._lost.items():
            if found:
                yield _said(f"{what} of {_counted(found)}", [why for _, why in found])
        if hidden and any(role.write_access for role in (policy.roles.peer, policy.roles.lead)):
            names = some(dict.fromkeys(where for where, _ in hidden))
            yield _said(f"Whether reviewers may write to {names}", [why for _, why in hidden])
        around = self._around.values()
        teams = {team.name: team.members for _, those in around for team in those}
        gone = {
            name: members for name, members in teams.items() if isinstance(members, Unavailable)
        }
        if gone:
            yield _said(f"The members of {some(gone)}", gone.values())
        repositories = [repository for repository, _ in around]
        templates = {
            r.name: r.templates for r in repositories if isinstance(r.templates, Unavailable)
        }
        if templates:
            yield _said(f"The pull request templates of {some(templates)}", templates.values())
        owners = {
            r.name: r.codeowners for r in repositories if isinstance(r.codeowners, Unavailable)
        }
        if policy.codeowners and owners:
            yield _said(f"CODEOWNERS of {some(owners)}", owners.values())


def _checks(change: Change) -> object:
    """The checks that count: a merge queue's stand on the commit that it tested."""
    view = change.at_merge
    return view.merge_commit_checks if view.queued is True else view.checks


_FIELDS: Final = MappingProxyType[str, Callable[[Change], object]](
    {
        "Checks": _checks,
        "The commits": lambda change: change.pull.commits,
        "The changed files": lambda change: change.pull.files,
        "The reviews": lambda change: change.pull.reviews,
        "The labels": lambda change: change.pull.labels,
        "The timeline": lambda change: change.pull.timeline,
        "The comments": lambda change: change.pull.comments,
        "The history of the description": lambda change: (
            change.pull.edits if change.pull.edited_at else ()
        ),
        "What merged": lambda change: change.pull.merge_commit,
    }
)
"""The parts of a pull request, as a sentence begins with them."""


def _unavailable(found: object) -> Iterator[Unavailable]:
    if isinstance(found, Unavailable):
        yield found


def _counted(found: Mapping[_Loss, int]) -> str:
    """How many changes of which repositories."""
    numbers: Counter[str] = Counter()
    for (name, _), number in found.items():
        numbers[name] += number
    return some(f"{n:,} change{'' if n == 1 else 's'} of {name}" for name, n in numbers.items())


def _said(what: str, why: Iterable[Unavailable]) -> str:
    """The sentence: what could not be read, why, and what the token lacks."""
    causes = list(why)
    reasons = some(dict.fromkeys(each.reason for each in causes))
    lacking = list(dict.fromkeys(each.permission for each in causes if each.permission))
    needs = f" The token needs {' and '.join(lacking)}." if lacking else ""
    return f"{what} could not be read: {reasons}.{needs}"
