"""How the two enumerations tie out, in the words that every form shares."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from changeaudit.verdicts import Match, Reconciliation, Tie, TieKind

KINDS: Final = MappingProxyType(
    {
        TieKind.MATCHED: "on both sides",
        TieKind.PULL_REQUEST_ONLY: "only among the merged pull requests",
        TieKind.DIRECT_PUSH: "only on the branch: a direct push",
        TieKind.OTHER_PERIOD: "only on the branch: of a pull request that did not merge then",
        TieKind.LEFT_OUT: "left out as of another time",
        TieKind.FORCE_PUSH: "a force-push of the branch",
        TieKind.REWRITTEN: "a push that was rewritten",
        TieKind.CREATED: "the branch was made",
        TieKind.DELETED: "the branch was deleted",
    }
)
"""What each kind of row is."""

MATCHES: Final = MappingProxyType(
    {
        Match.MERGE_COMMIT: "the merge commit",
        Match.MERGED_EVENT: "the merge on the timeline",
        Match.OWN_COMMITS: "their own commits",
        Match.ASSOCIATION: "GitHub's association",
    }
)
"""What pull requests are matched by."""

LOOSE: Final = (
    TieKind.CREATED,
    TieKind.DELETED,
    TieKind.FORCE_PUSH,
    TieKind.REWRITTEN,
    TieKind.PULL_REQUEST_ONLY,
    TieKind.OTHER_PERIOD,
)
"""The kinds of row that a reader is told of first; a direct push is a change of its own."""


def name(tied: Reconciliation) -> str:
    """The branch, or what stands for all that are not of production."""
    return tied.branch or "other branches"


def pull_requests(tied: Reconciliation) -> str:
    """One side in a sentence: the merged pull requests, and how many are on the branch."""
    total = _counted(tied.pull_requests, "merged pull request")
    if not tied.branch:
        return f"{total}, into branches that are not of production"
    by = ", ".join(f"{number:,} by {MATCHES[match]}" for match, number in tied.matched_by.items())
    matched = f"{tied.matched:,} matched ({by})" if by else f"{tied.matched:,} matched"
    return f"{total} = {matched} + {tied.pull_requests_only:,} not on the branch"


def commits(tied: Reconciliation) -> str:
    """The other side in a sentence: the commits on the branch, and what brought them."""
    pushes = _counted(tied.direct_pushes, "direct push", "direct pushes")
    parts = (
        (tied.merges, "at which pull requests merged"),
        (tied.further, "that these brought besides"),
        (tied.pushed, f"in {pushes}"),
        (tied.other_period, "of pull requests that did not merge in the period"),
        (tied.elsewhere, "counted at another production branch"),
    )
    said = f"{_counted(tied.commits, 'commit')} on the branch"
    if tied.commits:
        said += f" = {' + '.join(f'{number:,} {what}' for number, what in parts if number)}"
    return f"{said}; {tied.left_out:,} left out as of another time" if tied.left_out else said


def sources(tied: Reconciliation) -> str:
    """What the branch was read from, and how far it is known who moved it by hand."""
    said = [f"read from {' and '.join(tied.read_from)}"] if tied.read_from else []
    said += [tied.activity] if tied.activity else []
    if tied.open_ends:
        said.append(f"it breaks off at {', '.join(oid[:7] for oid in tied.open_ends)}")
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def loose(tied: Reconciliation) -> tuple[Tie, ...]:
    """The rows to be told of: what is on one side alone and no change, and what was rewritten."""
    kinds: Iterable[TieKind] = LOOSE if tied.branch else ()
    pushed = (tie for tie in tied.of(TieKind.MATCHED) if tie.pushed)
    return (*(tie for kind in kinds for tie in tied.of(kind)), *pushed)


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
