"""Collects GitHub issues that pull requests name as their tickets, a hundred in one request.

They are asked for by repository and number, as a text names them; a hundred cost four points. The
pull requests' own pages do not carry them: the lists of an issue (its labels, and what changed)
would be asked for each of the 25 closing references that a page makes room for in each pull
request, and cost about a point a pull request, most of which close no issue.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import msgspec

from changeaudit.collectors.github import wire
from changeaudit.collectors.github.ask import Portion, Session, decode, digest
from changeaudit.collectors.github.queries import Operation, compose
from changeaudit.store import Item

KIND = "ticket"
AT_ONCE = 100
GREATEST = 2**31 - 1
"""The greatest number of an issue that GraphQL's Int can name."""


def collect_issues(session: Session, keys: Iterable[str]) -> int:
    """Store the issues ("owner/name#7"); returns how many requests it took.

    An issue that cannot be seen is stored as just that: the answer shows it as null. One whose
    number no issue can have is not asked for.
    """
    wanted = sorted(
        {key.casefold(): key for key in keys if _askable(key)}.values(), key=str.casefold
    )
    portion = Portion(AT_ONCE)
    taken = done = 0
    while done < len(wanted):
        left = wanted[done:]
        done += portion.ask(partial(_ask_some, session, left), len(left))
        taken += 1
        session.progress.collected("issues that are tickets", done, len(wanted))
    return taken


def _ask_some(session: Session, wanted: Sequence[str], size: int) -> int:
    """Store the first `size` issues of `wanted`; returns how many those are."""
    batch = wanted[:size]
    about = f"{len(batch)} issues"
    query, variables = ask_for(batch)
    reply = session.transport.ask(query, variables, about, divisible=len(batch) > 1)
    found = decode(reply.data, dict[str, msgspec.Raw], about, reply.errors)
    items = [
        Item(KIND, key.casefold(), position, digest(bytes(found[f"t{position}"])), None)
        for position, key in enumerate(batch)
    ]
    session.keep(reply, "issues", KIND, items)
    return len(batch)


def _askable(key: str) -> bool:
    """Whether GitHub takes the number: it refuses a whole request for one that is too large."""
    return int(key.rpartition("#")[2]) <= GREATEST


def ask_for(keys: Sequence[str]) -> tuple[Operation, dict[str, str | int]]:
    """The operation that asks for issues by repository and number, as aliases from t0 on."""
    declared: list[str] = []
    asked: list[str] = []
    variables: dict[str, str | int] = {}
    for position, key in enumerate(keys):
        repository, _, number = key.rpartition("#")
        owner, _, name = repository.partition("/")
        declared.append(f"$o{position}: String!, $n{position}: String!, $i{position}: Int!")
        variables |= {f"o{position}": owner, f"n{position}": name, f"i{position}": int(number)}
        asked.append(
            f"  t{position}: repository(owner: $o{position}, name: $n{position}) {{\n"
            f"    issue(number: $i{position}) {{ ...IssueTicket }}\n  }}\n"
        )
    text = (
        f"query Issues({', '.join(declared)}) {{\n"
        "  rateLimit { cost limit remaining resetAt }\n"
        f"{''.join(asked)}}}\n"
    )
    return compose("issues", text), variables


class IssueHolder(wire.Wire, frozen=True):
    """A repository that was asked for one issue; null where the account cannot see it."""

    issue: wire.Issue | None = None
