"""The reconciliation in words, and which of its rows a reader is told of."""

from __future__ import annotations

from typing import Any

import pytest

from changeaudit.reporters import tie_out
from changeaudit.verdicts import Match, Reconciliation, Tie, TieKind
from reporters.sample import at


def tied(**changes: Any) -> Reconciliation:
    names = (
        *("pull_requests", "matched", "pull_requests_only", "commits", "merges", "further"),
        *("pushed", "direct_pushes", "other_period", "elsewhere", "left_out", "force_pushes"),
    )
    numbers = dict.fromkeys(names, 0)
    facts: dict[str, Any] = {
        "repository": "acme/web",
        "branch": "main",
        "read_from": (),
        "matched_by": {},
        "activity": "",
        "open_ends": (),
        "ties": (),
    }
    return Reconciliation(**{**numbers, **facts, **changes})


def tie(kind: TieKind, number: int = 1, *, pushed: bool = False) -> Tie:
    return Tie(kind, f"acme/web#{number}", "https://x/y", at(3), (), None, "so", pushed)


@pytest.mark.parametrize(
    ("each", "said"),
    [
        (tied(), "0 merged pull requests = 0 matched + 0 not on the branch"),
        (
            tied(
                pull_requests=1_003,
                matched=1_002,
                pull_requests_only=1,
                matched_by={Match.MERGE_COMMIT: 1_000, Match.OWN_COMMITS: 2},
            ),
            "1,003 merged pull requests = 1,002 matched (1,000 by the merge commit, 2 by their own"
            " commits) + 1 not on the branch",
        ),
        (
            tied(branch="", pull_requests=1),
            "1 merged pull request, into branches that are not of production",
        ),
    ],
)
def test_the_side_of_the_pull_requests(each: Reconciliation, said: str) -> None:
    assert tie_out.pull_requests(each) == said


@pytest.mark.parametrize(
    ("each", "said"),
    [
        (tied(), "0 commits on the branch"),
        (tied(left_out=2), "0 commits on the branch; 2 left out as of another time"),
        (
            tied(
                commits=1_015,
                merges=1_000,
                further=1,
                pushed=2,
                direct_pushes=1,
                other_period=4,
                elsewhere=8,
            ),
            "1,015 commits on the branch = 1,000 at which pull requests merged + 1 that these"
            " brought besides + 2 in 1 direct push + 4 of pull requests that did not merge in the"
            " period + 8 counted at another production branch",
        ),
    ],
)
def test_the_side_of_the_commits(each: Reconciliation, said: str) -> None:
    assert tie_out.commits(each) == said


@pytest.mark.parametrize(
    ("each", "said"),
    [
        (tied(), ""),
        (tied(read_from=("a", "b")), "Read from a and b."),
        (
            tied(activity="who pushed is not known", open_ends=("abcdef012345",)),
            "Who pushed is not known; it breaks off at abcdef0.",
        ),
    ],
)
def test_what_it_was_read_from(each: Reconciliation, said: str) -> None:
    assert tie_out.sources(each) == said


def test_what_is_on_one_side_alone_is_told_of_first() -> None:
    """Direct pushes are changes of their own; what merged elsewhere is listed as out of scope."""
    ties = tuple(tie(kind, n) for n, kind in enumerate(TieKind))
    pushed = tie(TieKind.MATCHED, 9, pushed=True)
    found = tie_out.loose(tied(ties=(*ties, pushed)))
    assert [each.kind for each in found] == [
        TieKind.CREATED,
        TieKind.DELETED,
        TieKind.FORCE_PUSH,
        TieKind.REWRITTEN,
        TieKind.PULL_REQUEST_ONLY,
        TieKind.OTHER_PERIOD,
        TieKind.MATCHED,
    ]
    assert found[-1] is pushed
    assert tie_out.loose(tied(branch="", ties=ties)) == ()


def test_every_kind_and_every_match_has_words() -> None:
    assert set(tie_out.KINDS) == set(TieKind)
    assert set(tie_out.MATCHES) == set(Match)
    assert tie_out.name(tied(branch="")) == "other branches"
