"""Whether a merge of the base brought changes of its own, by what git's trees have at each path."""

from __future__ import annotations

from collections.abc import Sequence

from changeaudit.people import Holds
from changeaudit.records import BaseMerge, Difference, Unavailable
from changeaudit.rules.excerpts import quoted


def brought_nothing(merge: BaseMerge) -> Holds:
    """Whether a merge has at every path what merging its two parents gives there of itself.

    What one parent alone changed since the commit that they last had in common is as that parent
    has it, and what both have alike is as both have it. What they changed differently was put
    together by git or by hand, which trees do not tell, so it is open what such a merge brought;
    but where it changed something else as well, it did bring that. Only where one parent deleted
    what the other changed may that have been renamed, and git itself have changed another path.
    """
    name = merge.oid[:7]
    if isinstance(merge.ancestor, Unavailable):
        return _open(name, merge.ancestor.reason)
    if isinstance(merge.differences, Unavailable):
        return _open(name, merge.differences.reason)
    both = [one for one in merge.differences if _changed_by_both(one)]
    own = [one for one in merge.differences if one not in both and one.merge != _expected(one)]
    if own and all(one.branch and one.base for one in both):
        return Holds(False, f"the merge {name} changed {_named(own)}, {_which(own[0])}")
    if both:
        return _open(name, f"both of its sides changed {_named(both)}")
    return Holds(True, f"the merge {name} has nothing but what its sides have")


def _open(name: str, why: str) -> Holds:
    return Holds(None, f"what the merge {name} brought cannot be told: {why}")


def _changed_by_both(one: Difference) -> bool:
    """Whether both parents changed what is there, and not alike."""
    return one.branch != one.base and one.ancestor not in (one.branch, one.base)


def _expected(one: Difference) -> object:
    """What merging the parents gives at a path that they did not both change."""
    return one.base if one.branch == one.ancestor else one.branch


def _which(one: Difference) -> str:
    """Why what the merge has at a path is its own."""
    if one.branch == one.base == one.ancestor:
        return "which neither of its sides had changed"
    if one.branch == one.base:
        return "which both of its sides had alike"
    side = "base" if one.branch == one.ancestor else "branch"
    return f"which it would have taken from the {side} as it is"


def _named(those: Sequence[Difference]) -> str:
    """The first path, and how many more there are."""
    more = f" (and {len(those) - 1} more)" if len(those) > 1 else ""
    return f"{quoted(those[0].path, 200)}{more}"
