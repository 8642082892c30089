"""Collects the rest of long lists: the pages of a pull request's lists that did not fit its first.

Those of many pull requests are asked for together. As aliases m0, m1, … each costs only its own
lists, whereas a request for each pull request would cost a point and a second of its own. Very
long ones end by themselves: lists of files, which run to 3,000, are read from both ends.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from changeaudit.collectors.github import wire
from changeaudit.collectors.github.ask import Portion, Session, decode, next_cursor, reasons
from changeaudit.collectors.github.queries import Operation, compose, operation
from changeaudit.collectors.github.stored import opened, shaped
from changeaudit.collectors.github.transport import Reply
from changeaudit.errors import CollectError
from changeaudit.records import Record
from changeaudit.store import Answer, Item, Store, StoredAnswer

KIND = "pull_request.more"
PAGE = 100
"""Things on a page of a list: the most that GitHub gives."""
AT_ONCE = 50
"""Lists in one request: together as heavy as a page of pull requests, and they cost one point."""

_FRAGMENTS = {
    "labels": "LabelPage",
    "userContentEdits": "EditPage",
    "reviews": "ReviewPage",
    "timelineItems": "TimelinePage",
    "commits": "CommitPage",
    "files": "FilePage",
    "closingIssuesReferences": "ClosingIssuePage",
    "checks": "CheckPage",
}
_FROM_END = "filesFromEnd"
LIST_OF = {_FROM_END: "files"}
"""Which list a field of a further page is a page of, where their names differ."""


class Rest(Record, frozen=True):
    """What is missing of a pull request's lists: where each that has more goes on.

    A list that was not asked for at all goes on at `None`. `files` are those that were not shown so
    far; `end` is where they go on from the end backwards, `None` if nothing was read from there.
    """

    cursors: Mapping[str, str | None]
    files: int = 0
    end: str | None = None

    @classmethod
    def of(cls, first: wire.Outline | wire.PullRequest) -> Rest:
        """What is missing after the first page of each list, and of the edits if there are any."""
        files = first.files
        left = files.total_count - len(files.nodes) if files else 0
        cursors = {name: page.end_cursor for name, page in _goes_on(first)}
        if first.last_edited_at and first.user_content_edits is msgspec.UNSET:
            cursors["userContentEdits"] = None
        return cls(cursors, left)

    def after(self, more: wire.MoreOutline | wire.PullRequestMore, asked: Collection[str]) -> Rest:
        """What is missing after a further page of those lists that were `asked` for."""
        cursors = {name: at for name, at in self.cursors.items() if name not in asked}
        cursors |= {name: page.end_cursor for name, page in _goes_on(more)}
        left, end = self.files - len(more.files.nodes if more.files else ()), self.end
        if more.files_from_end:
            left -= len(more.files_from_end.nodes)
            end = more.files_from_end.page_info.start_cursor
        if end is not None and left <= 0:
            cursors.pop("files", None)  # the two ends have met
        return Rest(cursors, left, end)

    @property
    def lists(self) -> list[str]:
        """The names of the lists to ask for next; files twice, where two pages are missing."""
        names = [name for name in _FRAGMENTS if name in self.cursors]
        return [*names, _FROM_END] if "files" in names and self.files > PAGE else names


class Chain:
    """The further pages of a pull request's lists, in its version, as far as they were followed.

    `key` is the name under which the pull request itself is stored, `pages` how many there are.
    """

    def __init__(self, first: wire.Outline | wire.PullRequest, version: str, key: str) -> None:
        self.version = version
        self.key = key
        self.rest = Rest.of(first)
        self.pages = 0

    def add(self, more: wire.MoreOutline | wire.PullRequestMore, asked: Collection[str]) -> None:
        """Follow it over a page of those lists that were asked for."""
        self.rest = self.rest.after(more, asked)
        self.pages += 1


C = TypeVar("C", bound=Chain)


class Unfinished(Chain):
    """A pull request whose lists go on, with what all that was read of them shows."""

    def __init__(self, outline: wire.Outline, version: str, key: str = "") -> None:
        super().__init__(outline, version, key or outline.id)
        self.outline = outline

    def take(self, more: wire.MoreOutline, asked: Collection[str]) -> None:
        """Take in a further page of those lists that were asked for."""
        self.add(more, asked)
        self.outline = _joined(self.outline, more)


class Further:
    """Collects what is missing of lists, of many pull requests in one request."""

    def __init__(self, session: Session, repository: str) -> None:
        self._session = session
        self._repository = repository
        self._portion = Portion(AT_ONCE)

    def resume(self, todo: Sequence[Unfinished]) -> None:
        """Take in the pages that an earlier run left in the store."""
        for each, part in stored(self._session.store, self._session.source, todo):
            each.take(shaped(part.raw, wire.MoreOutline, part.answer), part.asked)

    def answers(
        self, todo: Sequence[Unfinished], *, with_write_access: bool
    ) -> Iterator[tuple[Answer, list[Item]]]:
        """Ask until no list goes on, round by round; the answers as the store keeps them."""
        while todo := [each for each in todo if each.rest.lists]:
            # The longest first: what is short fits into the room that they leave.
            todo.sort(key=lambda each: (-each.rest.files, each.pages, each.key))
            left = sum(len(each.rest.lists) for each in todo)
            send = partial(self._some, todo, with_write_access)
            yield self._portion.ask(send, left)

    def _some(
        self, todo: Sequence[Unfinished], with_write_access: bool, size: int
    ) -> tuple[Answer, list[Item]]:
        """Ask for the next page of `size` lists."""
        batch: list[tuple[Unfinished, list[str]]] = []
        room = size
        for each in todo:
            names = each.rest.lists[:room]
            if names:
                batch.append((each, names))
                room -= len(names)
        about = f"long lists of pull requests of {self._repository}"
        query, variables = ask_for(batch, with_write_access=with_write_access)
        reply = self._session.transport.ask(query, variables, about, divisible=size > 1)
        found = decode(wire.given(reply.data), dict[str, msgspec.Raw], about, reply.errors)
        items = []
        for position, (each, names) in enumerate(batch):
            raw = found.get(f"m{position}", msgspec.Raw(b"null"))
            items.append(Item(KIND, f"{each.key}#{each.pages}", position, each.version, None))
            self._take(each, names, raw, reply, about)
        return self._session.answer(reply, self._repository, KIND), items

    def _take(
        self, each: Unfinished, names: list[str], raw: msgspec.Raw, reply: Reply, about: str
    ) -> None:
        if bytes(raw) in (b"null", b"{}"):
            raise CollectError(
                f"GitHub did not show the rest of {about}:"
                f" {reasons(reply.errors) or 'it gave no reason'}."
            )
        more = decode(raw, wire.MoreOutline, about, reply.errors)
        before = each.rest
        each.take(more, names)
        for name, page in _goes_on(more):
            next_cursor(page, before.cursors.get(name), f"the {name} of {about}")


class Part(Record, frozen=True):
    """A stored page of one pull request's further lists, and those that were asked for.

    `path` is where it stands in its answer.
    """

    answer: StoredAnswer
    raw: msgspec.Raw
    asked: frozenset[str]
    path: tuple[object, ...]
    errors: tuple[wire.GraphQLError, ...]


def stored(store: Store, source: str, chains: Iterable[C]) -> Iterator[tuple[C, Part]]:
    """The further pages that the store holds of pull requests in these very versions.

    Those of each come in order, and each is to be taken in before the next is asked for. An answer
    holds pages of many: it is read once for all of them.
    """
    todo = [chain for chain in chains if chain.rest.lists]
    while todo:
        keys = {f"{chain.key}#{chain.pages}": chain for chain in todo}
        todo = []
        for located in store.find(source, KIND, list(keys)):
            answer = located.answer
            body = opened(answer)
            data = shaped(body.data, dict[str, msgspec.Raw], answer)
            for item in located.items:
                chain = keys[item.key]
                if item.version == chain.version:
                    yield chain, _part(answer, data, body.errors, item)
                    if chain.rest.lists:
                        todo.append(chain)


def _part(
    answer: StoredAnswer,
    data: Mapping[str, msgspec.Raw],
    errors: tuple[wire.GraphQLError, ...],
    item: Item,
) -> Part:
    # Earlier versions of this program asked for one pull request alone, as `node`.
    name = "node" if "node" in data else f"m{item.position}"
    raw = data.get(name, msgspec.Raw(b"{}"))
    fields = shaped(raw, dict[str, msgspec.Raw], answer)
    asked = frozenset("checks" if field == "statusCheckRollup" else field for field in fields)
    return Part(answer, raw, asked, (name,), errors)


def ask_for(
    batch: Sequence[tuple[Unfinished, Sequence[str]]], *, with_write_access: bool
) -> tuple[Operation, dict[str, str | bool | None]]:
    """The operation that asks for the next page of some lists of each pull request."""
    declared: list[str] = []
    asked: list[str] = []
    variables: dict[str, str | bool | None] = {}
    for position, (each, names) in enumerate(batch):
        declared.append(f"$i{position}: ID!")
        variables[f"i{position}"] = each.outline.id
        lists = []
        for name in names:
            cursor = f"{name}{position}"
            declared.append(f"${cursor}: String")
            lists.append(f"      {_selection(name, cursor, each.rest)}\n")
            variables[cursor] = each.rest.end if name == _FROM_END else each.rest.cursors[name]
        asked.append(
            f"  m{position}: node(id: $i{position}) {{\n    ... on PullRequest {{\n      id\n"
            f"{''.join(lists)}    }}\n  }}\n"
        )
    if any("reviews" in names for _, names in batch):
        declared.append("$withWriteAccess: Boolean!")
        variables["withWriteAccess"] = with_write_access
    text = (
        f"query Further({', '.join(declared)}) {{\n"
        "  rateLimit { cost limit remaining resetAt }\n"
        f"{''.join(asked)}}}\n"
    )
    return compose("further", text), variables


def _selection(name: str, cursor: str, rest: Rest) -> str:
    if name == _FROM_END:
        last = min(PAGE, rest.files - PAGE)
        return f"{name}: files(last: {last}, before: ${cursor}) {{ ...FileEndPage }}"
    # What the other end has shown is not asked for again.
    first = min(PAGE, rest.files) if name == "files" and rest.end is not None else PAGE
    page = f"first: {first}, after: ${cursor}"
    if name == "checks":
        return f"statusCheckRollup {{ contexts({page}) {{ ...CheckPage }} }}"
    kinds = f", {_kinds()}" if name == "timelineItems" else ""
    return f"{name}({page}{kinds}) {{ ...{_FRAGMENTS[name]} }}"


def _kinds() -> str:
    """The kinds of the timeline's items: a later page of others would be another list."""
    found = re.search(r"itemTypes: \[[A-Z_, ]+\]", operation("pull_requests").text)
    return found[0] if found else ""


def _goes_on(
    lists: wire.ListsOutline | wire.Lists,
) -> Iterator[tuple[str, wire.PageInfo]]:
    """The inner lists that have more, each with its page's end."""
    rollup = lists.status_check_rollup
    for name, page in (
        ("labels", lists.labels),
        ("userContentEdits", lists.user_content_edits or None),
        ("reviews", lists.reviews),
        ("timelineItems", lists.timeline_items),
        ("commits", lists.commits),
        ("files", lists.files),
        ("closingIssuesReferences", lists.closing_issues_references),
        ("checks", rollup.contexts if rollup else None),
    ):
        if page is not None and page.page_info.has_next_page:
            yield name, page.page_info


def _joined(outline: wire.Outline, more: wire.MoreOutline) -> wire.Outline:
    """The outline with what a further page shows of those lists whose things matter."""
    changes: dict[str, msgspec.Struct] = {}
    for name in ("reviews", "commits", "timeline_items"):
        earlier, later = getattr(outline, name), getattr(more, name)
        if earlier and later:
            nodes = (*earlier.nodes, *later.nodes)
            changes[name] = msgspec.structs.replace(earlier, nodes=nodes, page_info=later.page_info)
    return msgspec.structs.replace(outline, **changes)
