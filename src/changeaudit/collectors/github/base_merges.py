"""Collects what shows that nothing new came with merges of the base after an approval.

Whether such a merge brought changes of its own is told by git's trees: what stands under each path
in the merge, in its two parents, and in the commit that both go back to. Directories are read from
the top, level by level, and only where the sides differ; those of all merges of a window are asked
for together. The entries of a directory are held against its object id, which is their hash: so
none is missing and none is another.

The same requests tell what a commit built on that was force-pushed away with its content kept, and
what a merge into the base brought that somebody made by hand and pushed.

The commit that both parents go back to is the newest of those that the branch builds on, if the
history of the base's parent shows it, and its own history shows the others. A date in a commit
tells where to look in a history, and nothing else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise

import msgspec

from changeaudit.collectors.github import wire
from changeaudit.collectors.github.ask import Portion, Session, decode
from changeaudit.collectors.github.parents import read_parents
from changeaudit.collectors.github.parsing import by_github, git_time, parents_by_commit
from changeaudit.collectors.github.queries import Operation, compose
from changeaudit.collectors.github.stored import opened, shaped
from changeaudit.collectors.github.transport import Reply, TooHeavyError
from changeaudit.records import (
    BaseMerge,
    Descent,
    Difference,
    ForcePushed,
    MergeCommit,
    PullRequest,
    Record,
    TreeEntry,
    Unavailable,
)
from changeaudit.store import Answer, Item, Store

KIND = "pull_request.base_merges"
AT_ONCE = 100
"""Commits, directories and histories in one request: a hundred histories cost a point."""
MERGES = 20
"""Merges after an approval: of a pull request with more of them, none is compared."""
ATTEMPTS = 3
"""How often a thing is asked for that is too heavy even alone, before it is left out."""
DIRECTORIES = 100
"""Directories in which the sides of one merge may differ: of more, none are compared."""

_ALIAS = re.compile(r"\w{1,140}", re.ASCII)
_NOT_COLLECTED = Unavailable("its trees were not collected")
_TOO_MANY = Unavailable(f"its sides differ in more than {DIRECTORIES} directories")
_BEGINNING = datetime.min.replace(tzinfo=UTC)

Directory = dict[str, TreeEntry]


class Merge(Record, frozen=True):
    """A merge of the base into a branch: its parent on the branch, and the other, of the base.

    `roots` are the commits that the branch builds on and that are not of the pull request, by the
    dates that they bear (UTC), oldest first.
    """

    oid: str
    branch: str
    base: str
    roots: tuple[tuple[str, datetime | None], ...]


class _Entry(wire.Wire, frozen=True):
    name: str
    type: str
    mode: int
    oid: str


class _Tree(wire.Wire, frozen=True):
    oid: str
    entries: tuple[_Entry, ...] | None = None


class _Object(wire.Wire, frozen=True):
    """A commit, a directory, or a commit's history: it has the fields that were asked for."""

    oid: str = ""
    entries: tuple[_Entry, ...] | None = None
    tree: _Tree | None = None
    history: wire.Nodes[wire.Oid] | None = None


class _Objects(wire.Wire, frozen=True):
    repository: dict[str, _Object | None] | None = None


class Known:
    """What GitHub answered about a pull request's merges; `wanted` notes what it is still to tell.

    Each thing goes by the alias under which it is asked for: `c_` and a commit, `t_` and a
    directory, `h_`, a commit and another one that its history is to show.
    """

    def __init__(self) -> None:
        self.wanted: dict[str, str] = {}
        self.parts = 0
        self._asked: set[str] = set()
        self._tops: dict[str, str] = {}
        self._directories: dict[str, Directory | Unavailable] = {}
        self._histories: dict[str, frozenset[str]] = {}

    def add(self, objects: Mapping[str, _Object | None]) -> None:
        """Take in a part of what was answered."""
        self.parts += 1
        self.give_up(objects)
        for alias, found in objects.items():
            if found is None:
                continue
            if found.tree:
                self._tops[found.oid] = found.tree.oid
                self._directories[found.tree.oid] = _directory(found.tree)
            elif found.entries is not None:
                self._directories[found.oid] = _directory(_Tree(found.oid, found.entries))
            elif found.history:
                nodes = found.history.nodes or ()
                self._histories[alias] = frozenset(node.oid for node in nodes if node)

    def give_up(self, aliases: Iterable[str]) -> None:
        """Ask for these no more."""
        self._asked.update(aliases)
        for alias in aliases:
            self.wanted.pop(alias, None)

    def top(self, commit: str) -> str | Unavailable:
        """The top directory of a commit."""
        return self._tops.get(commit) or self._want(f"c_{commit}", commit, "...MergeSide")

    def directory(self, oid: str) -> Directory | Unavailable:
        """What stands in a directory, by name."""
        found = self._directories.get(oid)
        return self._want(f"t_{oid}", oid, "...Directory") if found is None else found

    def descends(self, later: str, earlier: str, at: datetime | None) -> bool | Unavailable:
        """Whether the history of a commit shows another, which bears the date `at`."""
        if later == earlier:
            return True
        alias = f"h_{later}_{earlier}"
        if alias in self._histories:
            return earlier in self._histories[alias]
        until = f', until: "{at:%Y-%m-%dT%H:%M:%SZ}"' if at and at.year >= 1970 else ""
        history = f"... on Commit {{ oid history(first: 100{until}) {{ nodes {{ oid }} }} }}"
        return self._want(alias, later, history)

    def _want(self, alias: str, oid: str, fields: str) -> Unavailable:
        if alias in self._asked:
            return Unavailable(f"GitHub did not show {oid[:7]}")
        if _ALIAS.fullmatch(alias):  # an object id in it is nothing but that
            self.wanted[alias] = f'  {alias}: object(oid: "{oid}") {{ {fields} }}\n'
        return _NOT_COLLECTED


class Questions(Record, frozen=True):
    """What is to be found out of a pull request.

    `merges` are to be compared. `descents` are pairs of commits, the later first, with the date
    of the earlier: whether the history of the one holds the other.
    """

    merges: tuple[Merge, ...] = ()
    descents: tuple[tuple[str, str, datetime | None], ...] = ()

    def look_up(self, known: Known) -> None:
        """Look everything up in what is known, which notes what is missing."""
        for merge in self.merges:
            compare(merge, known)
        for later, earlier, at in self.descents:
            known.descends(later, earlier, at)


class Candidate(Record, frozen=True):
    """A pull request, in its version, with what is to be found out and what is known of it.

    `key` is the name under which the pull request itself is stored.
    """

    key: str
    version: str
    questions: Questions
    known: Known


class BaseMerges:
    """Collects the trees of merges of the base, of many pull requests in one request."""

    def __init__(self, session: Session, repository: str) -> None:
        self._session = session
        self._repository = repository
        self._noted: dict[str, tuple[wire.Outline, str]] = {}

    def note(self, outlines: Iterable[tuple[wire.Outline, str]]) -> None:
        """Remember pull requests, each with its version, the parents of whose commits are asked."""
        self._noted |= {outline.id: (outline, version) for outline, version in outlines}

    def ask(self) -> None:
        """Ask for all that is missing of those that were noted, once their parents are stored."""
        store, source = self._session.store, self._session.source
        versions = {key: version for key, (_, version) in self._noted.items()}
        parents = read_parents(store, source, versions)
        candidates = []
        for key, (outline, version) in self._noted.items():
            questions = questions_of(outline, [page for page, _ in parents.get(key, ())])
            if questions != Questions():
                known, _ = _stored(store, source, key, version)
                candidates.append(Candidate(key, version, questions, known))
        for answer, items in self.answers(candidates):
            with store.begin() as writer:
                writer.put(answer, items)
        self._noted.clear()

    def answers(self, candidates: Sequence[Candidate]) -> Iterator[tuple[Answer, list[Item]]]:
        """Ask for what is missing, round by round, until there is no more; as the store keeps it.

        What is too heavy even alone is left out, and what hangs on it cannot be told.
        """
        portion = Portion(AT_ONCE)
        while True:
            for candidate in candidates:
                candidate.questions.look_up(candidate.known)
            fields = {a: f for candidate in candidates for a, f in candidate.known.wanted.items()}
            if not fields:
                return
            reply, objects = portion.ask(partial(self._some, fields), len(fields))
            items = []
            for position, candidate in enumerate(candidates):
                known = candidate.known
                theirs = {a: objects[a] for a in known.wanted if a in objects}
                if reply and theirs:
                    key = f"{candidate.key}#{known.parts}"
                    items.append(Item(KIND, key, position, candidate.version, None))
                    known.add(theirs)
                known.give_up(theirs)
            if reply:
                yield self._session.answer(reply, self._repository, KIND), items

    def _some(
        self, fields: Mapping[str, str], size: int
    ) -> tuple[Reply | None, dict[str, _Object | None]]:
        """Ask for the first `size` of them; those that come to nothing are `None`."""
        batch = dict(list(fields.items())[:size])
        about = f"the merges of {self._repository}"
        query, variables = ask_for(self._repository, batch.values())
        for attempt in range(1, ATTEMPTS + 1):
            try:
                reply = self._session.transport.ask(query, variables, about, divisible=True)
                break
            except TooHeavyError:
                if size > 1:
                    raise
                if attempt == ATTEMPTS:
                    return None, dict.fromkeys(batch)
        found = decode(wire.given(reply.data), _Objects, about, reply.errors).repository or {}
        return reply, {alias: found.get(alias) for alias in batch}


def ask_for(repository: str, fields: Iterable[str]) -> tuple[Operation, dict[str, str]]:
    """The operation that asks for some of what `Known` wants of a repository, owner/name."""
    owner, _, name = repository.partition("/")
    text = (
        "query BaseMerges($owner: String!, $name: String!) {\n"
        "  rateLimit { cost limit remaining resetAt }\n"
        "  repository(owner: $owner, name: $name) {\n"
        f"{''.join(fields)}  }}\n}}\n"
    )
    return compose("base_merges", text), {"owner": owner, "name": name}


def kept_content(outline: wire.Outline) -> set[str]:
    """The commits that were approved and then force-pushed away with their content kept.

    That is known of the first page of the reviews and of the timeline.
    """
    timeline = outline.timeline_items
    pairs = (
        (node.before_commit, node.after_commit)
        for node in (timeline.nodes if timeline else ())
        if node and node.kind == "HeadRefForcePushedEvent" and node.created_at <= outline.merged_at
    )
    return _approved(outline) & {
        before.oid
        for before, after in pairs
        if before and after and before.tree and before.tree == after.tree
    }


def questions_of(outline: wire.Outline, pages: Sequence[wire.Parents]) -> Questions:
    """What is to be found out of a pull request, by the parents of its commits, in `pages`.

    Merges of the base that came after an approval are to be compared, if nothing but such merges
    did, and not too many. What the head builds on of the base, a commit that was force-pushed away
    with its content kept must have built on as well.
    """
    if outline.commits is None or outline.reviews is None:
        return Questions()
    commits, head = outline.commits.total_count, outline.head_ref_oid
    merges = merges_on_top(head, pages, commits)
    every, approved = outline.reviews.page_info.has_next_page, _approved(outline)
    after = [n for n, merge in enumerate(merges, 1) if every or merge.branch in approved]
    few = after and after[-1] <= MERGES
    by_hand = _hand_merge(_by_hand(outline), head, pages, commits)
    return Questions(
        (*(merges[: after[-1]] if few else ()), *by_hand),
        _descents(kept_content(outline), head, pages, commits),
    )


def approved_and_merged_by_hand(outline: wire.Outline) -> bool:
    """Whether something was approved, and somebody else than GitHub then merged the head."""
    reviews = outline.reviews
    opinions = reviews is not None and (reviews.page_info.has_next_page or _approved(outline))
    return bool(opinions and _by_hand(outline))


def _by_hand(outline: wire.Outline) -> tuple[str, tuple[str, ...]] | None:
    """A merge of the head that GitHub did not make, and its parents."""
    merge = outline.merge_commit
    if merge is None or merge.oid == outline.head_ref_oid or by_github(merge) is not False:
        return None
    return merge.oid, tuple(parent.oid for parent in merge.parents.nodes or () if parent)


def _hand_merge(
    by_hand: tuple[str, tuple[str, ...]] | None,
    head: str,
    pages: Sequence[wire.Parents],
    commits: int,
) -> tuple[Merge, ...]:
    """The merge of the head and one commit of the base, if it is one and all parents were read."""
    parents = parents_by_commit(pages)
    if by_hand is None or len(parents) != commits or head not in parents:
        return ()
    oid, sides = by_hand
    base = [side for side in sides if side not in parents]
    if len(sides) != 2 or head not in sides or len(base) != 1:
        return ()
    return (Merge(oid, head, base[0], _roots(head, parents, pages)),)


def _approved(outline: wire.Outline) -> set[str]:
    """The commits that reviews on the first page are of which approved, or may have."""
    return {
        review.commit.oid
        for review in (outline.reviews.nodes if outline.reviews else ())
        if review and review.commit and review.state in ("APPROVED", "DISMISSED")
    }


def _descents(
    before: Iterable[str], head: str, pages: Sequence[wire.Parents], commits: int
) -> tuple[tuple[str, str, datetime | None], ...]:
    """Commits that were force-pushed away, each with the commits of the base in the head."""
    pushed_away = sorted(before)
    parents = parents_by_commit(pages) if pushed_away else {}
    if len(parents) != commits or head not in parents:
        return ()
    roots = _roots(head, parents, pages)
    return tuple((oid, root, at) for oid in pushed_away for root, at in roots)


def merges_on_top(head: str, pages: Sequence[wire.Parents], commits: int) -> tuple[Merge, ...]:
    """The merges of the base on top of a branch, newest first, down to the first other commit.

    A merge is one of the base if one of its two parents is of the pull request and the other is
    not; that can only be told once the parents of all of its `commits` were read, in `pages`.
    """
    parents = parents_by_commit(pages)
    found: dict[str, Merge] = {}
    at = head
    while len(parents) == commits and at not in found:
        own = [oid for oid in parents.get(at, ()) if oid in parents]
        base = [oid for oid in parents.get(at, ()) if oid not in parents]
        if (len(own), len(base)) != (1, 1):
            break
        found[at] = Merge(at, own[0], base[0], _roots(own[0], parents, pages))
        at = own[0]
    return tuple(found.values())


def _roots(
    oid: str, parents: Mapping[str, tuple[str, ...]], pages: Sequence[wire.Parents]
) -> tuple[tuple[str, datetime | None], ...]:
    """The commits that a commit builds on and that are not of the pull request, oldest first."""
    seen: set[str] = set()
    todo = [oid]
    while todo:
        at = todo.pop()
        if at not in seen:
            seen.add(at)
            todo.extend(parents.get(at, ()))
    base = seen - parents.keys()
    dates = {
        parent.oid: git_time(parent.committed_date)
        for page in pages
        for node in page.commits.nodes or ()
        for parent in (node.commit.parents.nodes or () if node else ())
        if parent and parent.oid in base
    }
    return tuple(sorted(dates.items(), key=lambda one: (one[1] or _BEGINNING, one[0])))


def compare(merge: Merge, known: Known) -> BaseMerge:
    """What a merge and its sides have, as far as that is known; `known` notes what is missing."""
    ancestor = _ancestor(merge, known)
    sides = [merge.oid, merge.branch, merge.base, *(oid for oid, _ in merge.roots[-1:])]
    # Whatever turns out to be unknown, all of it is looked up, so that it is asked for at once.
    tops = [known.top(oid) for oid in sides]
    differences = _differences(tops, known)
    if isinstance(ancestor, Unavailable):
        differences = ancestor
    return BaseMerge(merge.oid, merge.branch, merge.base, ancestor, differences)


def _ancestor(merge: Merge, known: Known) -> str | Unavailable:
    """The commit that the parents of a merge last had in common.

    Nothing of the pull request is in the history of the base. So it is the commit of the base that
    the branch builds on; or the newest of several, if each is in the history of the next.
    """
    if not merge.roots:
        return Unavailable("the branch builds on no commit of the base")
    line = [*merge.roots, (merge.base, None)]
    steps = [
        (earlier, later, known.descends(later, earlier, at))
        for (earlier, at), (later, _) in pairwise(line)
    ]
    for earlier, later, shown in steps:
        if isinstance(shown, Unavailable):
            return shown
        if not shown:
            return Unavailable(
                f"the branch builds on {earlier[:7]}, which the history of {later[:7]} was not"
                " seen to hold"
            )
    return merge.roots[-1][0]


def _differences(
    tops: Sequence[str | Unavailable], known: Known
) -> tuple[Difference, ...] | Unavailable:
    """The paths at which the merge, its two parents and their ancestor are not all alike.

    What one side alone changed, and the merge has, stands for all that is beneath it.
    """
    found: list[Difference] = []
    trees = [top for top in tops if isinstance(top, str)]
    unread = next((top for top in tops if isinstance(top, Unavailable)), None)
    todo: list[tuple[str, list[str | None]]] = [("", [*trees])] if len(trees) == 4 else []
    looked_at = 0
    while todo:
        above, oids = todo.pop()
        looked_at += 1
        if looked_at > DIRECTORIES:
            return _TOO_MANY
        sides: list[Directory] = []
        for oid in oids:
            entries = {} if oid is None else known.directory(oid)
            if isinstance(entries, Unavailable):
                unread = unread or entries
            else:
                sides.append(entries)
        if len(sides) < 4:
            continue
        for name in sorted({name for side in sides for name in side}):
            merge, branch, base, ancestor = (side.get(name) for side in sides)
            if merge == branch == base == ancestor:
                continue
            if _to_be_opened(merge, branch, base, ancestor):
                below = [e.oid if e else None for e in (merge, branch, base, ancestor)]
                todo.append((f"{above}{name}/", below))
            else:
                found.append(Difference(f"{above}{name}", merge, branch, base, ancestor))
    return unread or tuple(sorted(found, key=lambda one: one.path))


def _to_be_opened(
    merge: TreeEntry | None,
    branch: TreeEntry | None,
    base: TreeEntry | None,
    ancestor: TreeEntry | None,
) -> bool:
    """Whether what stands under a path are directories that do not explain the merge's as such."""
    if (merge == base and branch == ancestor) or (merge == branch and base in (ancestor, branch)):
        return False
    there = [merge, branch, base, *([ancestor] if ancestor else [])]
    return all(entry is not None and entry.type == "tree" for entry in there)


def _directory(found: _Tree) -> Directory | Unavailable:
    """The entries of a directory, if they hash to its object id: none is missing, or another."""
    if found.entries is None:
        return Unavailable(f"GitHub did not show what is in the directory {found.oid[:7]}")
    entries = {e.name: TreeEntry(e.oid, e.type, e.mode) for e in found.entries}
    try:
        body = b"".join(
            b"%o %s\0%s" % (entry.mode, name, bytes.fromhex(entry.oid))
            for name, entry in sorted(
                ((name.encode(), entry) for name, entry in entries.items()),
                # Git puts a directory where its name with a slash would stand.
                key=lambda one: one[0] + b"/" * (one[1].type == "tree"),
            )
        )
    except ValueError:
        body = b"?"
    algorithm = hashlib.sha256 if len(found.oid) == 64 else hashlib.sha1
    if algorithm(b"tree %d\0%s" % (len(body), body)).hexdigest() != found.oid:
        return Unavailable(f"what GitHub shows of the directory {found.oid[:7]} is not all of it")
    return entries


def with_base_merges(
    pull: PullRequest, pages: Sequence[wire.Parents], store: Store, source: str, item: Item
) -> PullRequest:
    """The pull request, with what the store holds of the merges on top of it.

    `pages` are the parents of its commits, and `item` is the one under which it is stored.
    """
    if isinstance(pull.commits, Unavailable):
        return pull
    commits = len(pull.commits)
    merges = merges_on_top(pull.head_oid, pages, commits)
    timeline = () if isinstance(pull.timeline, Unavailable) else pull.timeline
    before = {
        event.before
        for event in timeline
        if isinstance(event, ForcePushed)
        and event.before
        and isinstance(event.before_tree, str)
        and event.before_tree == event.after_tree
    }
    descents = _descents(before, pull.head_oid, pages, commits)
    merge = pull.merge_commit
    sides = None
    if isinstance(merge, MergeCommit) and merge.by_github is False:
        sides = merge.oid, merge.parents
    by_hand = _hand_merge(sides, pull.head_oid, pages, commits)
    if not merges and not descents and not by_hand:
        return pull
    known, digests = _stored(store, source, item.key, item.version)
    return msgspec.structs.replace(
        pull,
        base_merges=tuple(compare(merge, known) for merge in merges),
        descents=tuple(
            Descent(later, earlier)
            for later, earlier, at in descents
            if known.descends(later, earlier, at) is True
        ),
        hand_merge=next((compare(merge, known) for merge in by_hand), None),
        evidence=(*pull.evidence, *digests),
    )


def _stored(store: Store, source: str, key: str, version: str) -> tuple[Known, list[str]]:
    """What the store holds of a pull request's merges, and the digests of the answers."""
    known = Known()
    digests: list[str] = []
    while True:
        part = f"{key}#{known.parts}"
        located = next(iter(store.find(source, KIND, [part])), None)
        if located is None or located.items[0].version != version:
            return known, digests
        data = wire.given(opened(located.answer).data)
        known.add(shaped(data, _Objects, located.answer).repository or {})
        digests.append(located.answer.digest)
