"""The first-parent line of a branch out of a local clone: stored like an answer, and read back.

The line's top is GitHub's own word, and a commit's oid is the digest of its text, its parents'
oids included: what hangs together down from there is the history that GitHub has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from changeaudit.collectors import git
from changeaudit.collectors.github import parsing, wire
from changeaudit.collectors.github.ask import Session
from changeaudit.records import BranchCommit, GitPerson
from changeaudit.store import Answer, Item, Store

SOURCE = "git"
"""The source under which what git printed is stored."""
KIND = "line.commits"
AT_ONCE = 1000
"""Commits that are stored together."""


def collect_commits(
    session: Session, clone: git.Clone, repository: str, top: str, bottom: str | None
) -> git.Followed:
    """Store the commits from `top` down to before `bottom`; returns where that ended."""
    batch: list[git.Found] = []

    def take(found: git.Found) -> None:
        batch.append(found)
        if len(batch) == AT_ONCE:
            _store(session, clone, repository, top, bottom, batch)
            batch.clear()

    followed = clone.follow(top, bottom, take)
    _store(session, clone, repository, top, bottom, batch)
    return followed


def _store(
    session: Session,
    clone: git.Clone,
    repository: str,
    top: str,
    bottom: str | None,
    batch: list[git.Found],
) -> None:
    """Store what git printed, unless each commit is held: a commit never changes."""
    held = session.store.versions(SOURCE, KIND, [found.oid for found in batch])
    if all(found.oid in held for found in batch):
        return
    request = {
        "command": "git cat-file --batch",
        "version": clone.version,
        "top": top,
        "bottom": bottom,
        "shallow": clone.shallow,
    }
    answer = Answer(
        source=SOURCE,
        subject=repository,
        kind=KIND,
        request=json.dumps(request, sort_keys=True),
        status=0,
        received_at=session.clock(),
        body=b"".join(found.printed for found in batch),
    )
    items = [
        Item(KIND, found.oid, position, found.oid, None) for position, found in enumerate(batch)
    ]
    with session.store.begin() as writer:
        writer.put(answer, items)


def read_commits(store: Store, repository: str, url: str, branch: str) -> Iterator[BranchCommit]:
    """The commits that were stored of a repository, as its own text has each.

    `url` is the repository's address, below which GitHub shows its commits; `branch` is the one
    on whose line they are to be.
    """
    for located in store.locate(SOURCE, repository, KIND):
        for found in git.printed_commits(located.answer.answer.body):
            yield BranchCommit(
                repository=repository,
                branch=branch,
                oid=found.oid,
                parents=found.parents,
                message=found.message,
                authors=(_person(found.author), *parsing.co_authors(found.message)),
                committer=_person(found.committer),
                pull_requests=(),
                url=f"{url}/commit/{found.oid}",
                evidence=located.answer.digest,
            )


def _person(found: git.GitPersonLine) -> GitPerson:
    named = parsing.person(wire.Signature(name=found.name, email=found.email))
    return msgspec.structs.replace(named, at=found.at)
