"""Where merged pull requests landed: the little that is looked at of all of them at once. Pure.

To tell what brought the commits of a branch takes every pull request of the period, but of each
only what it left and what it was made of. The rest is looked at one change at a time.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from changeaudit.asof import base_at_merge
from changeaudit.records import (
    BranchCommit,
    Commit,
    MergeCommit,
    Merged,
    PullRequest,
    Record,
    Unavailable,
)


class OwnCommit(Record, frozen=True):
    """A commit of a pull request. `work` tells it again under another oid; see `work_of`.

    `None` stands for a merge, which no rebase makes again.
    """

    oid: str
    work: bytes | None


class Landing(Record, frozen=True):
    """A merged pull request, by what it left on its base.

    `base` is as of the merge, `base_ref` today's. `merged_as` are the commits that its timeline
    names as its merge, `commits` its own, where they could be read.
    """

    repository: str
    number: int
    url: str
    merged_at: datetime
    base: str | Unavailable
    base_ref: str
    head_oid: str
    merge_commit: MergeCommit | Unavailable | None
    merged_as: tuple[str, ...]
    commits: tuple[OwnCommit, ...]

    @property
    def onto(self) -> str:
        """The base at the merge, or today's where that could not be read."""
        return self.base if isinstance(self.base, str) else self.base_ref


def landing(pull: PullRequest) -> Landing:
    """What a pull request tells of where it landed."""
    timeline = () if isinstance(pull.timeline, Unavailable) else pull.timeline
    commits = () if isinstance(pull.commits, Unavailable) else pull.commits
    return Landing(
        repository=pull.repository,
        number=pull.number,
        url=pull.url,
        merged_at=pull.merged_at,
        base=base_at_merge(pull),
        base_ref=pull.base_ref,
        head_oid=pull.head_oid,
        merge_commit=pull.merge_commit,
        merged_as=tuple(x.commit for x in timeline if isinstance(x, Merged) and x.commit),
        commits=tuple(OwnCommit(commit.oid, _made_again_as(commit)) for commit in commits),
    )


def merge_oid(pull: PullRequest | Landing) -> str | None:
    """The commit that a pull request left on its base, where GitHub names one."""
    merge = pull.merge_commit
    return None if merge is None or isinstance(merge, Unavailable) else merge.oid


def work_of(commit: Commit | BranchCommit) -> bytes:
    """A digest of what a rebase keeps of a commit: its author, the author's date and the message.

    Empty where these do not tell one commit from another.
    """
    author = commit.authors[0] if commit.authors else None
    if author is None or author.at is None:
        return b""
    kept = (author.name, author.email, author.at.isoformat(), commit.message.strip())
    return sha256(repr(kept).encode()).digest()


def _made_again_as(commit: Commit) -> bytes | None:
    is_merge = not isinstance(commit.parents, Unavailable) and len(commit.parents) > 1
    return None if is_merge else work_of(commit)
