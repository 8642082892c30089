"""The documents that are sent: whole, alone, and as cheap as they can be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files

import msgspec
import pytest

from changeaudit.collectors.github import (
    base_merges,
    completing,
    further,
    issues,
    last_changes,
    line,
    merge_groups,
    pull_requests,
    queries,
    wire,
)
from changeaudit.collectors.github.queries import Operation, compose, operation

FOLDER = files("changeaudit.collectors.github") / "queries"
TEXTS = {
    entry.name.removesuffix(".graphql"): entry.read_text(encoding="utf-8")
    for entry in FOLDER.iterdir()
    if entry.name.endswith(".graphql")
}
SENT = sorted(name for name, text in TEXTS.items() if re.search(r"^query ", text, re.M))
WANTED = base_merges.Known()
WANTED.top("c1")
WANTED.directory("t1")
WANTED.descends("c2", "c1", datetime(2026, 1, 2, tzinfo=UTC))
LISTS = (
    *("labels", "userContentEdits", "reviews", "timelineItems", "commits"),
    *("files", "filesFromEnd", "closingIssuesReferences", "checks"),
)


def long_lists(id_: str) -> further.Unfinished:
    """A pull request each of whose lists goes on."""
    page = {"pageInfo": {"hasNextPage": True, "endCursor": "c"}, "nodes": [], "totalCount": 3000}
    fields = {name: page for name in LISTS if name not in ("filesFromEnd", "checks")}
    found = {
        **fields,
        "statusCheckRollup": {"contexts": page},
        "id": id_,
        "mergedAt": "2026-03-01T00:00:00Z",
        "updatedAt": "2026-03-01T00:00:00Z",
        "headRefOid": "head",
    }
    return further.Unfinished(msgspec.convert(found, wire.Outline), "v")


COMPOSED = {
    "base_merges": base_merges.ask_for("acme/payments", WANTED.wanted.values())[0],
    "issues": issues.ask_for(["acme/payments#7", "acme/web#8"])[0],
    "last_changes": last_changes.ask_for(last_changes.PATHS),
    "line": line.ask_for([(line.Gap(0, "a", "C_a"), 3), (line.Gap(5, "b", "C_b"), 20)])[0],
    "parents": completing.parents_of(
        [completing.Unread("PR_1", "v", 5), completing.Unread("PR_2", "v", 150, "c", 1)]
    )[0],
    "further": further.ask_for(
        [(long_lists("PR_1"), list(LISTS)), (long_lists("PR_2"), ["files", "filesFromEnd"])],
        with_write_access=True,
    )[0],
    "further without reviews": further.ask_for(
        [(long_lists("PR_1"), ["labels"])], with_write_access=True
    )[0],
}
ALL = {name: operation(name) for name in SENT} | COMPOSED

each = pytest.mark.parametrize("asked", ALL.values(), ids=list(ALL))


def defined(text: str) -> list[str]:
    return re.findall(r"^fragment (\w+) on", text, re.M)


def spread(text: str) -> set[str]:
    return set(re.findall(r"\.\.\.\s*([A-Z]\w*)", text))


def test_every_file_is_sent_or_holds_fragments_that_are() -> None:
    reached = {name for asked in ALL.values() for name in defined(asked.text)}
    for name, text in TEXTS.items():
        assert name in SENT or set(defined(text)) <= reached


def test_every_fragment_is_defined_once_in_the_folder() -> None:
    names = [name for text in TEXTS.values() for name in defined(text)]
    assert sorted(names) == sorted(set(names))


@each
def test_a_document_has_every_fragment_that_it_spreads_and_no_other(asked: Operation) -> None:
    """GitHub refuses a fragment that is missing and one that is not used."""
    assert sorted(defined(asked.text)) == sorted(spread(asked.text))


@each
def test_a_document_is_one_operation_with_balanced_braces(asked: Operation) -> None:
    assert len(re.findall(r"^query \w+", asked.text, re.M)) == 1
    bare = re.sub(r"#.*", "", asked.text)
    assert bare.count("{") == bare.count("}")
    assert bare.count("(") == bare.count(")")


@each
def test_every_variable_is_declared_and_used(asked: Operation) -> None:
    head = re.search(r"query \w+\((.*?)\) \{", asked.text, re.S)
    assert head is not None
    declared = set(re.findall(r"\$(\w+)\s*:", head[1]))
    assert set(re.findall(r"\$(\w+)", asked.text[head.end() :])) == declared


@each
def test_every_document_asks_for_the_rate_limit(asked: Operation) -> None:
    assert re.search(r"rateLimit \{\s*cost\s+limit\s+remaining\s+resetAt\s*\}", asked.text)


@each
def test_a_document_only_reads(asked: Operation) -> None:
    assert "mutation" not in asked.text


def test_the_digest_is_of_the_text_that_is_sent() -> None:
    """A fragment that changes changes it, so that windows of another query hold nothing."""
    import hashlib

    for asked in ALL.values():
        assert asked.digest == hashlib.sha256(asked.text.encode()).hexdigest()


def test_a_document_s_own_fragments_are_not_added_once_more() -> None:
    text = TEXTS["merges"]
    assert compose("merges", text).text == text
    assert queries.operation("merges").text == text


# Nested lists -----------------------------------------------------------------------------------

NESTED = {
    ("pullRequests", "contexts"): "the checks of the head, which is one commit",
    ("search", "contexts"): "the checks of the head, which is one commit",
    ("search", "labels"): "the pull request itself",
    ("search", "reviews"): "the pull request itself",
    ("search", "timelineItems"): "the pull request itself",
    ("search", "commits"): "the pull request itself",
    ("search", "files"): "the pull request itself",
    ("search", "closingIssuesReferences"): "the pull request itself",
    ("search", "parents"): "those of the merge commit, which is one",
    ("history", "parents"): "the line is followed by them",
    ("history", "associatedPullRequests"): "they tell what brought a commit",
    ("commits", "parents"): "asked for only where an approval is of an earlier commit",
    ("environments", "protectionRules"): "an environment has a few, and a repository is asked once",
    ("environments", "protectionRules", "reviewers"): "six at most, of one of the rules",
    ("rules", "bypassActors"): "those of the rulesets of one branch",
} | {
    ("pullRequests", name): "the pull request itself"
    for name in (
        *("labels", "reviews", "timelineItems", "commits", "files"),
        *("closingIssuesReferences", "parents"),
    )
}
"""A list inside another costs the product of their sizes: only these do, and why."""


def lists(asked: Operation) -> Iterator[tuple[str, ...]]:
    """The path of lists to each list: fields with `first` or `last`, fragments followed."""
    bodies = {
        match[1]: match[2]
        for match in re.finditer(r"^fragment (\w+) on \w+ (\{.*?^\})", asked.text, re.M | re.S)
    }
    document = re.sub(r"^fragment .*?^\}$", "", asked.text, flags=re.M | re.S)
    document = re.sub(r"#.*", "", document)
    start = document.index("{", document.index(") {"))

    def walk(body: str, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        tokens = re.findall(r"\.\.\.\s*\w+(?:\s+\w+)?|\w+:|\w+|\([^)]*\)|@\w+|[{}]", body)
        stack: list[tuple[str, ...]] = [above]
        name, arguments = "", ""
        for token in tokens:
            if token == "{":
                here = stack[-1]
                if re.search(r"\b(first|last):", arguments):
                    here = (*here, name)
                    yield here
                stack.append(here)
                name, arguments = "", ""
            elif token == "}":
                stack.pop()
            elif token.startswith("...") and token[3:].strip() in bodies:
                yield from walk(bodies[token[3:].strip()], stack[-1])
            elif token.startswith("("):
                arguments = token if "if:" not in token else arguments
            elif re.fullmatch(r"\w+", token):
                name, arguments = token, ""

    yield from walk(document[start:], ())


@each
def test_no_list_is_nested_in_another_but_those_that_are_named(asked: Operation) -> None:
    for path in lists(asked):
        assert len(path) < 2 or path in NESTED


def test_every_nested_list_that_is_named_is_there() -> None:
    found = {path for asked in ALL.values() for path in lists(asked) if len(path) > 1}
    assert found == set(NESTED)


def test_a_page_of_pull_requests_costs_three_points() -> None:
    """Points are the lists asked for, by the product of those above them, in hundreds."""
    inner = [path for path in lists(operation("pull_requests")) if len(path) == 2]
    asked = 1 + pull_requests.PAGE * len(inner)
    assert len(inner) == 8
    assert round(asked / 100) == 3
    assert round((asked + len(inner)) / 100) == 4
    assert round((1 + pull_requests.FEW * len(inner)) / 100) == 1


def test_the_checks_of_a_hundred_merge_commits_cost_one_point() -> None:
    """Each is one list; with its checks a hundred of them are 10,000 nodes of 500,000."""
    assert list(lists(operation("merge_groups"))) == [("contexts",)]
    assert merge_groups.AT_ONCE == 100


def test_the_timeline_is_asked_for_the_same_kinds_on_every_page() -> None:
    """A later page of other kinds would be another list."""
    kinds = [
        re.findall(r"itemTypes: \[([A-Z_, ]+)\]", ALL[name].text)
        for name in ("pull_requests", "further")
    ]
    assert kinds[0]
    assert kinds[0] == kinds[1]


def test_fifty_lists_that_go_on_cost_one_point() -> None:
    """Each alias costs its own lists, and nothing multiplies them."""
    assert all(len(path) == 1 for path in lists(ALL["further"]))
    assert round(further.AT_ONCE / 100) <= 1


def test_the_walk_costs_what_the_search_does() -> None:
    inner = {path[1] for path in lists(operation("pull_requests")) if len(path) == 2}
    assert {path[1] for path in lists(operation("walk")) if len(path) == 2} == inner


def test_every_kind_of_the_timeline_that_is_asked_for_is_described() -> None:
    kinds = re.search(r"itemTypes: \[([A-Z_, ]+)\]", TEXTS["pull_request"])
    assert kinds is not None
    named = {"".join(w.title() for w in kind.split("_")) for kind in kinds[1].split(", ")}
    described = set(re.findall(r"\.\.\. on (\w+(?:Event|Comment)) \{", TEXTS["pull_request"]))
    assert named == described
