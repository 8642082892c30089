"""Code owners as peers: which changed files have owners, and whose approval covers which of them.

The CODEOWNERS file is the one of the base branch as it stood at the merge; where that is not known,
nobody can be shown to own anything. Files with the same owners are one share.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from changeaudit.change import Change
from changeaudit.codeowners import LOCATIONS, Ownership, is_team, parse
from changeaudit.memberships import in_team
from changeaudit.people import Holds, is_named
from changeaudit.policy import Policy
from changeaudit.records import Actor, CodeOwners, Record, Unavailable
from changeaudit.rules.excerpts import quoted, some
from changeaudit.rules.remembered import once_a_change
from changeaudit.rules.words import count, instant
from changeaudit.verdicts import Citation


class Share(Record, frozen=True):
    """Changed files with the same owners; without paths, what a file that is not known may be."""

    owners: tuple[str, ...]
    paths: tuple[str, ...]

    def __str__(self) -> str:
        """The files and who owns them."""
        files = quoted(self.paths[0]) if self.paths else "a file that is not known"
        if len(self.paths) > 1:
            files += f" and {len(self.paths) - 1} more"
        return f"{files} ({some(self.owners)})"


class Owned(Record, frozen=True):
    """The shares of a change, of which the first `seen` are of files that are known.

    `unseen` says why there may be more files, `nobody` why no file has an owner.
    """

    file: str
    shares: tuple[Share, ...]
    seen: int
    unseen: str
    nobody: str
    citation: Citation

    @property
    def known(self) -> frozenset[int]:
        """The shares of the files that are known."""
        return frozenset(range(self.seen))

    @property
    def every(self) -> frozenset[int]:
        """All shares."""
        return frozenset(range(len(self.shares)))

    def told(self, shares: Iterable[int]) -> str:
        """Shares in words: their files with their owners."""
        return some(str(self.shares[number]) for number in sorted(shares))


class Covers(Record, frozen=True):
    """Whether somebody is in the peer's role, and which shares their approval covers."""

    role: Holds
    surely: frozenset[int] = frozenset()
    perhaps: frozenset[int] = frozenset()


NO_FILES = Covers(Holds(False, "no code owner is asked"))
"""What an approval covers where nobody asks who owns the changed files."""


@once_a_change
def owned(change: Change) -> Owned | Unavailable:
    """Who owns the files that a change touches, or why that is not known."""
    repository, base = change.repository, change.at_merge.base
    found = repository.codeowners
    if isinstance(base, Unavailable):
        return Unavailable(f"the base branch at the merge could not be read: {base.reason}")
    if base != repository.default_branch:
        return Unavailable(
            f"the CODEOWNERS file of {base} is not collected, only that of"
            f" {repository.default_branch}"
        )
    if isinstance(found, Unavailable):
        return Unavailable(f"the CODEOWNERS file could not be read: {found.reason}")
    if found is None:
        citation = Citation(
            f"no CODEOWNERS file on {base} as collected",
            at=repository.collected_at,
            url=repository.url,
        )
        nobody = "the repository has no CODEOWNERS file"
        return Owned("CODEOWNERS", (), 0, "", nobody, citation)
    changed = _changed(change, found)
    if changed:
        return changed
    url = f"{repository.url}/blob/{repository.default_branch}/{found.path}"
    at = None if isinstance(found.changed_at, Unavailable) else found.changed_at
    if found.text is None:
        citation = Citation(f"{found.path}, removed", at=at, url=repository.url)
        nobody = f"the repository had no CODEOWNERS file since {at:%Y-%m-%d}"
        return Owned("CODEOWNERS", (), 0, "", nobody, citation)
    if isinstance(found.text, Unavailable):
        return Unavailable(f"{found.path} could not be read: {found.text.reason}")
    rules = parse(found.text)
    if rules.too_long:
        return Unavailable(f"{found.path} has more patterns with wildcards than are tried")
    what = f"{found.path}, last changed"
    if rules.skipped:
        lines = "line" if len(rules.skipped) == 1 else "lines"
        numbers = some(f"{number}" for number in rules.skipped)
        what += f" ({lines} {numbers} invalid, and skipped as by GitHub)"
    citation = Citation(what, at=at, url=url)
    return _shared(change, found.path, rules, citation)


def _changed(change: Change, found: CodeOwners) -> Unavailable | None:
    """Why the file as collected may not be the one that the base branch had at the merge."""
    at, merged_at = found.changed_at, change.pull.merged_at
    if isinstance(at, Unavailable):
        return at
    if at >= merged_at:
        return Unavailable(
            f"{found.path} was changed at {instant(at)}, not before the merge, and who owned what"
            " then is not known"
        )
    files = change.pull.files
    own = [f.path for f in (() if isinstance(files, Unavailable) else files)]
    if any(path in LOCATIONS for path in own):
        return Unavailable(
            "the change itself touches a CODEOWNERS file, and who owned what before it is not known"
        )
    return None


def _shared(change: Change, file: str, rules: Ownership, citation: Citation) -> Owned:
    files, changed_files = change.pull.files, change.pull.changed_files
    unseen: list[str] = []
    if isinstance(files, Unavailable):
        unseen.append(f"the changed files could not be read: {files.reason}")
        files = ()
    elif len(files) < changed_files:
        missing = count(changed_files - len(files), "changed file")
        unseen.append(f"{missing} of {changed_files} are not listed")
    renamed = sum(each.change == "RENAMED" for each in files)
    if renamed:
        unseen.append(f"the former path of {count(renamed, 'renamed file')} is not shown")
    by_owners: dict[tuple[str, ...], list[str]] = {}
    for each in files:
        rule = rules.rule_of(each.path)
        if rule and rule.owners:
            by_owners.setdefault(rule.owners, []).append(each.path)
    shares = [Share(owners, tuple(paths)) for owners, paths in by_owners.items()]
    # A file that is not known may have any of the owners that the file of owners knows.
    others = [Share(owners, ()) for owners in rules.owner_sets] if unseen else []
    nobody = ""
    if not shares:
        none = "the one changed file has no owner" if len(files) == 1 else ""
        nobody = f"{none or f'none of the {len(files)} changed files has an owner'} by {file}"
    return Owned(file, (*shares, *others), len(shares), "; ".join(unseen), nobody, citation)


def covers(
    change: Change,
    policy: Policy,
    by: Actor,
    at: datetime,
    besides: Holds,
    can_write: bool | Unavailable,
) -> Covers:
    """What an approval by `by` at the instant `at` (UTC) covers.

    Whoever holds the role in another way (`besides`) covers every file, a code owner the files
    owned. GitHub takes only those for owners who may write to the repository; who may is known as
    of the collection alone, so that somebody who may not now is not shown to have been one.
    """
    found = owned(change)
    if isinstance(found, Unavailable):
        if besides.answer:
            return Covers(besides)
        return Covers(Holds(None, _joined(besides, found.reason)))
    if besides.answer:
        return Covers(besides, found.every, found.every)
    held = [_owns(share.owners, policy, by, at, change) for share in found.shares]
    yes = frozenset(number for number, one in enumerate(held) if one.answer)
    may = yes | {number for number, one in enumerate(held) if one.answer is None}
    perhaps = found.every if besides.answer is None else may
    if can_write is True and yes & found.known:
        first = min(yes & found.known)
        files = sum(len(found.shares[number].paths) for number in yes)
        own = count(files, "changed file")
        why = f"code owner of {own} by {found.file}: {held[first].why}"
        return Covers(Holds(True, why), yes, perhaps)
    if not may:
        said = found.nobody or f"owned none of the changed files by {found.file}"
        if besides.answer is None:
            return Covers(besides, perhaps=perhaps)
        return Covers(Holds(False, f"{besides.why}, and {said}"))
    number = min(may & found.known or may)
    doubt = held[number].why
    if held[number].answer:
        doubt = f"{doubt} owns {found.told([number])} by {found.file}"
        if can_write is not True:
            doubt += f", but {_no_right(by, can_write)}"
    if number not in found.known:
        doubt = f"{doubt}: {found.unseen}"
    surely = yes if can_write is True else frozenset()
    return Covers(Holds(None, _joined(besides, doubt)), surely, perhaps)


def _joined(besides: Holds, doubt: str) -> str:
    return f"{besides.why}; {doubt}" if besides.answer is None else doubt


def _no_right(by: Actor, can_write: bool | Unavailable) -> str:
    if isinstance(can_write, Unavailable):
        return f"whether {by.login} may write to the repository is not known: {can_write.reason}"
    return (
        f"{by.login} may not write to the repository as of the collection, and GitHub takes only"
        " those for owners who may"
    )


def _owns(
    owners: tuple[str, ...], policy: Policy, by: Actor, at: datetime, change: Change
) -> Holds:
    """Whether somebody was one of the owners at the instant `at`."""
    unknown: list[str] = []
    for owner in owners:
        if is_team(owner):
            shown = in_team(owner.removeprefix("@"), by, at, change.teams)
            if shown.answer:
                return Holds(True, f"{owner}, {shown.how}")
            if shown.answer is None:
                unknown.append(shown.how)
        elif owner.startswith("@"):
            if is_named(by, owner.removeprefix("@")):
                return Holds(True, owner)
        else:
            login = policy.emails.get(owner.casefold())
            if login is None:
                unknown.append(f"whose address {quoted(owner)} is, the roster does not tell")
            elif is_named(by, login):
                return Holds(True, f"{owner}, the address of {login} by the roster")
    return Holds(None, "; ".join(unknown)) if unknown else Holds(False, "")
