"""Collecting what shows that nothing new came with merges of the base, and comparing it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from changeaudit.collectors.github import base_merges, reading
from changeaudit.collectors.github.base_merges import (
    AT_ONCE,
    ATTEMPTS,
    DIRECTORIES,
    KIND,
    MERGES,
)
from changeaudit.collectors.github.pull_requests import PullRequests
from changeaudit.collectors.github.single import SinglePullRequest, read_single
from changeaudit.collectors.github.transport import TooHeavyError
from changeaudit.collectors.spans import Span
from changeaudit.records import BaseMerge, Descent, MergeCommit, PullRequest, Unavailable
from changeaudit.rules.base_merges import brought_nothing
from collectors.github.fake_github import (
    HOST,
    REPOSITORY,
    FakeGitHub,
    Json,
    Place,
    at,
    commit,
    merged_event,
    pull,
    review,
    user,
    z,
)

MARCH = Span(at("03-01"), at("04-01"))
FILES: Json = {"README": "one", "src": {"a.py": "a", "b.py": "b", "deep": {"c.py": "c"}}}


def changed(files: Json, **paths: Any) -> Json:
    """The files with some of them changed; a `None` deletes one. "__" stands for a slash."""
    found = {
        name: dict(inside) if isinstance(inside, dict) else inside for name, inside in files.items()
    }
    for path, text in paths.items():
        folder, _, name = path.replace("_py", ".py").partition("__")
        if name:
            found[folder] = changed(found.get(folder, {}), **{name.replace(".py", "_py"): text})
        elif text is None:
            del found[folder]
        else:
            found[folder] = text
    return found


def merged_base(
    place: Place,
    number: int = 1,
    *,
    branch: Json | None = None,
    base: Json | None = None,
    merge: Json | None = None,
    ancestor: Json | None = None,
    **facts: Any,
) -> None:
    """A pull request: an approved commit on top of `root`, and a merge of `main` as its head.

    The sides are their files; what is not given is what merging leaves of the others.
    """
    ancestor = ancestor or FILES
    branch = branch or changed(ancestor, src__a_py="by the branch")
    base = base or changed(ancestor, src__b_py="by the base")
    merge = merge or changed(branch, src__b_py="by the base")
    name = f"p{number}"
    github = place.github
    head, main, root = f"{name}merge", f"{name}main", f"{name}root"
    github.add(
        pull(
            number,
            **{
                "reviews": [review("pat", of=f"{name}one")],
                "commits": [commit(f"{name}one"), commit(head)],
                "headRefOid": head,
                **facts,
            },
        )
    )
    github.parents |= {head: [f"{name}one", main], f"{name}one": [root]}
    sides = {head: merge, f"{name}one": branch, main: base, root: ancestor}
    github.tops |= {oid: github.tree(files) for oid, files in sides.items()}
    github.below |= {main: ["between", root], root: []}
    github.dates |= {main: z("02-10"), root: z("02-01")}


BY_MAL: Json = {
    "committedViaWeb": False,
    "committer": {"name": "Mal", "email": "mal@example.com", "date": None, "user": user("mal")},
    "signature": None,
}
BY_GITHUB: Json = {
    "committedViaWeb": True,
    "committer": {"name": "GitHub", "email": "noreply@github.com", "date": None, "user": None},
    "signature": {"isValid": True, "wasSignedByGitHub": True},
}


def landed(
    place: Place,
    made: Json = BY_MAL,
    *,
    sides: tuple[str, ...] = ("tip", "head"),
    more: Json | None = None,
    **facts: Any,
) -> None:
    """A pull request that was approved at its head, and merged by a commit that somebody `made`.

    It is of the files of both sides, and of `more`.
    """
    branch = changed(FILES, src__a_py="by the branch")
    base = changed(FILES, src__b_py="by the base")
    both = changed(branch, src__b_py="by the base", **(more or {}))
    parents = {"nodes": [{"id": f"C_{oid}", "oid": oid} for oid in sides]}
    merge = {"id": "C_m", "oid": "m", "url": f"https://{HOST}/c/m", "parents": parents, **made}
    github = place.github
    given = {"reviews": [review("pat", of="head")], "mergeCommit": merge, **facts}
    github.add(pull(1, **given))
    github.parents |= {"head": ["root"]}
    files = {"m": both, "head": branch, "tip": base, "root": FILES}
    github.tops |= {oid: github.tree(each) for oid, each in files.items()}
    github.below |= {"tip": ["root"], "root": []}
    github.dates |= {"tip": z("02-10"), "root": z("02-01")}


@pytest.mark.parametrize(
    ("more", "answer"), [(None, True), ({"README": "and what nobody reviewed"}, False)]
)
@pytest.mark.parametrize("sides", [("tip", "head"), ("head", "tip")])
def test_a_merge_into_the_base_that_somebody_made_is_compared(
    place: Place, sides: tuple[str, ...], more: Json | None, answer: bool
) -> None:
    """Whichever of its parents comes first."""
    landed(place, sides=sides, more=more)
    collect(place)
    found = read(place)[1]
    assert isinstance(found.merge_commit, MergeCommit)
    assert found.merge_commit.by_github is False
    assert found.hand_merge is not None
    assert (found.hand_merge.branch, found.hand_merge.base) == ("head", "tip")
    assert found.base_merges == ()
    assert brought_nothing(found.hand_merge).answer is answer


@pytest.mark.parametrize(
    "facts",
    [
        {"made": BY_GITHUB},
        {"made": {**BY_GITHUB, "signature": None}},
        {"made": {}},
        {"reviews": [review("pat", "COMMENTED", of="head")]},
        {"headRefOid": "m"},
    ],
)
def test_a_merge_by_github_or_of_what_nobody_approved_is_not_compared(
    place: Place, facts: Json
) -> None:
    landed(place, **facts)
    collect(place)
    assert place.github.kinds().count("base_merges") == 0
    assert read(place)[1].hand_merge is None


@pytest.mark.parametrize("sides", [("tip", "head", "third"), ("tip", "other"), ("root2", "tip")])
def test_a_merge_of_more_or_of_others_is_left_open(place: Place, sides: tuple[str, ...]) -> None:
    landed(place, sides=sides)
    collect(place)
    assert read(place)[1].hand_merge is None


def test_a_merge_by_hand_of_a_pull_request_that_is_asked_for_alone(place: Place) -> None:
    landed(place)
    alone(place)
    found = read_single(place.store, HOST, REPOSITORY, 1)
    assert found is not None
    assert found.hand_merge is not None


def collect(place: Place) -> None:
    PullRequests(place.session, REPOSITORY).collect(MARCH)


def alone(place: Place) -> None:
    """Collect the pull request by its number."""

    def one(variables: Json) -> Json:
        found = place.github.shown(
            place.github.pulls["PR_1"],
            lambda name: 100,
            iter(
                [
                    "labels",
                    "userContentEdits",
                    "reviews",
                    "timelineItems",
                    "commits",
                    "files",
                    "closingIssuesReferences",
                    "checks",
                ]
            ),
        )
        kind = {"__typename": "PullRequest", "state": "MERGED"}
        return {"repository": {"issueOrPullRequest": {**found, **kind}}}

    place.github.answer_one_pull_request = one  # type: ignore[attr-defined]
    SinglePullRequest(place.session, REPOSITORY).collect_number(1)


def read(place: Place) -> dict[int, PullRequest]:
    found = reading.read_pull_requests(place.store, HOST, REPOSITORY, MARCH)
    return {each.number: each for each in found}


def all_clean(place: Place) -> bool:
    """Whether no merge of any pull request brought anything."""
    found = [merge for each in read(place).values() for merge in each.base_merges]
    return len(found) > 0 and all(brought_nothing(merge).answer is True for merge in found)


def merge_of(place: Place, number: int = 1) -> BaseMerge:
    (found,) = read(place)[number].base_merges
    return found


def rounds(place: Place) -> int:
    return place.github.kinds().count("base_merges")


def paths(found: BaseMerge) -> list[str]:
    assert not isinstance(found.differences, Unavailable)
    return [one.path for one in found.differences]


# What is found ----------------------------------------------------------------------------------


def test_a_merge_is_compared_path_by_path_where_its_sides_differ(place: Place) -> None:
    merged_base(place)
    collect(place)
    found = merge_of(place)
    assert (found.oid, found.branch, found.base) == ("p1merge", "p1one", "p1main")
    assert found.ancestor == "p1root"
    assert paths(found) == ["src/a.py", "src/b.py"]
    assert not isinstance(found.differences, Unavailable)
    first = found.differences[0]
    assert first.merge == first.branch
    assert first.base == first.ancestor
    assert first.merge is not None
    assert (first.merge.type, first.merge.mode) == ("blob", 0o100644)
    assert brought_nothing(found).answer is True


def test_what_one_side_changed_is_not_opened(place: Place) -> None:
    """The base changed all of src, and the branch the README."""
    merged_base(
        place,
        branch=changed(FILES, README="two"),
        base=changed(FILES, src__a_py="x", src__deep={}),
        merge=changed(FILES, README="two", src__a_py="x", src__deep={}),
    )
    collect(place)
    assert paths(merge_of(place)) == ["README", "src"]
    assert rounds(place) == 1
    assert brought_nothing(merge_of(place)).answer is True


@pytest.mark.parametrize(
    ("merge", "path", "why"),
    [
        ({"src__a_py": "by the branch", "src__b_py": "evil"}, "src/b.py", "from the base"),
        ({"src__a_py": "evil", "src__b_py": "by the base"}, "src/a.py", "from the branch"),
        ({"src__a_py": "by the branch"}, "src/b.py", "from the base"),
        (
            {"src__a_py": "by the branch", "src__b_py": "by the base", "src__deep": {"c.py": "!"}},
            "src/deep/c.py",
            "neither",
        ),
        (
            {"src__a_py": "by the branch", "src__b_py": "by the base", "extra": "evil"},
            "extra",
            "neither",
        ),
    ],
)
def test_a_change_of_its_own_is_found_however_deep(
    place: Place, merge: Json, path: str, why: str
) -> None:
    merged_base(place, merge=changed(FILES, **merge))
    collect(place)
    found = brought_nothing(merge_of(place))
    assert found.answer is False
    assert f'changed "{path}"' in found.why
    assert why in found.why


@pytest.mark.parametrize(
    ("branch", "base", "merge", "path"),
    [
        ({"src__a_py": "1"}, {"src__a_py": "2"}, {"src__a_py": "1 and 2"}, "src/a.py"),
        ({"src__a_py": "1"}, {"src__a_py": "2"}, {"src__a_py": "1"}, "src/a.py"),
        ({"new": "1"}, {"new": "2"}, {"new": "2"}, "new"),
        ({"src__a_py": "1"}, {"src": "a file now"}, {"src": "a file now"}, "src"),
        (
            {"src__a_py": "1"},
            {"src": None, "lib": {"a.py": "a"}},
            {"src": None, "lib": {"a.py": "1"}},
            "src",
        ),
    ],
    ids=["resolved", "the branch's taken", "both added", "a directory became a file", "renamed"],
)
def test_a_conflict_that_somebody_resolved_is_none_of_both(
    place: Place, branch: Json, base: Json, merge: Json, path: str
) -> None:
    merged_base(
        place,
        branch=changed(FILES, **branch),
        base=changed(FILES, **base),
        merge=changed(FILES, **merge),
    )
    collect(place)
    found = brought_nothing(merge_of(place))
    assert found.answer is None
    assert f'both of its sides changed "{path}"' in found.why


def test_both_added_a_directory_with_other_files_in_it(place: Place) -> None:
    merged_base(
        place,
        branch=changed(FILES, new={"x": "1"}),
        base=changed(FILES, new={"y": "2"}),
        merge=changed(FILES, new={"x": "1", "y": "2"}),
    )
    collect(place)
    assert paths(merge_of(place)) == ["new/x", "new/y"]
    assert brought_nothing(merge_of(place)).answer is True


def test_two_merges_in_a_row_each_go_back_to_the_one_before(place: Place) -> None:
    merged_base(place)
    github = place.github
    github.pulls["PR_1"] |= {
        "headRefOid": "again",
        "commits": [commit("again"), commit("p1one"), commit("p1merge")],
    }
    github.parents["again"] = ["p1merge", "later"]
    theirs = changed(FILES, src__b_py="by the base", README="later")
    ours = changed(FILES, src__a_py="by the branch", src__b_py="by the base", README="later")
    github.tops |= {"later": github.tree(theirs), "again": github.tree(ours)}
    github.below["later"] = ["p1main", "p1root"]
    github.dates["later"] = z("02-20")
    collect(place)
    newest, first = read(place)[1].base_merges
    assert (newest.oid, newest.ancestor, paths(newest)) == ("again", "p1main", ["README", "src"])
    assert (first.oid, first.ancestor) == ("p1merge", "p1root")
    assert all(brought_nothing(each).answer is True for each in (newest, first))


def serve(github: FakeGitHub, known: base_merges.Known) -> None:
    """Answer what is wanted, as a request for it would be."""
    github.text = "".join(known.wanted.values())
    body = json.dumps(github.answer_base_merges({})["repository"]).encode()
    known.add(msgspec.json.decode(body, type=dict[str, base_merges._Object | None]))


def flat(files: Json, above: str = "") -> dict[str, str]:
    """Every file by its whole path."""
    found: dict[str, str] = {}
    for name, inside in files.items():
        path = f"{above}{name}"
        found |= flat(inside, f"{path}/") if isinstance(inside, dict) else {path: inside}
    return found


names = st.sampled_from(["a", "a.b", "a-", "z"])
some_files = st.recursive(
    st.dictionaries(names, st.sampled_from("123"), min_size=1, max_size=3),
    lambda inside: st.dictionaries(names, inside | st.sampled_from("123"), min_size=1, max_size=3),
    max_leaves=4,
)


@given(data=st.data())
def test_a_merge_brought_nothing_only_if_each_file_is_as_the_sides_have_it(
    data: st.DataObject,
) -> None:
    """Whatever directories there are, the comparison of trees is one of all files.

    And it brought something only if some file is not.
    """
    files = [data.draw(some_files)]
    for _ in range(2):
        files.append(data.draw(some_files | st.sampled_from(files)))
    ancestor, branch, base = files
    merge = data.draw(some_files | st.sampled_from(files))
    github = FakeGitHub(lambda: at("03-01"))
    sides = {"m": merge, "p": branch, "q": base, "r": ancestor}
    github.tops = {oid: github.tree(each) for oid, each in sides.items()}
    github.below = {"q": ["r"]}
    asked = base_merges.Merge("m", "p", "q", (("r", None),))
    known = base_merges.Known()
    found = base_merges.compare(asked, known)
    while known.wanted:
        serve(github, known)
        found = base_merges.compare(asked, known)
    answer = brought_nothing(found).answer
    of_merge, *others = (flat(each) for each in (merge, branch, base, ancestor))
    expected: set[bool | None] = set()
    for path in {path for each in (of_merge, *others) for path in each}:
        ours, theirs, old = (each.get(path) for each in others)
        if ours != theirs and old not in (ours, theirs):
            expected.add(None)
        else:
            expected.add(of_merge.get(path) == (theirs if ours == old else ours))
    if answer is True:
        assert expected <= {True}
    if answer is False:
        assert False in expected


# From which commit of the base it started -------------------------------------------------------


def test_a_merge_of_an_older_base_is_not_taken_for_one_of_a_newer(place: Place) -> None:
    """It would take what the base changed since for a change that the branch is to lose."""
    merged_base(place)
    place.github.below["p1main"] = ["elsewhere"]
    collect(place)
    found = merge_of(place)
    assert isinstance(found.ancestor, Unavailable)
    assert found.differences == found.ancestor
    assert "builds on p1root, which the history of p1main was not seen to hold" in (
        found.ancestor.reason
    )
    assert brought_nothing(found).answer is None


def test_of_several_lines_of_the_base_each_must_be_in_the_next(place: Place) -> None:
    merged_base(place)
    github = place.github
    github.pulls["PR_1"]["commits"].append(commit("other"))
    github.parents |= {"p1one": ["p1root", "other"], "other": ["second"]}
    github.tops["second"] = github.tree(FILES)
    github.below |= {"second": [], "p1main": ["p1root", "second"]}
    github.dates["second"] = z("02-02")
    collect(place)
    found = read(place)[1].base_merges[0]
    assert isinstance(found.ancestor, Unavailable)
    assert "builds on p1root, which the history of second was not seen" in found.ancestor.reason


def test_a_branch_of_unrelated_history_has_nothing_in_common(place: Place) -> None:
    merged_base(place)
    place.github.parents["p1one"] = []
    collect(place)
    found = merge_of(place)
    assert found.ancestor == Unavailable("the branch builds on no commit of the base")


def test_the_date_of_a_commit_tells_only_where_to_look() -> None:
    known = base_merges.Known()
    known.descends("later", "earlier", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    known.descends("later", "dateless", None)
    known.descends("later", "ancient", datetime(1, 1, 1, tzinfo=UTC))
    asked = known.wanted
    assert 'history(first: 100, until: "2026-01-02T03:04:05Z")' in asked["h_later_earlier"]
    assert "history(first: 100)" in asked["h_later_dateless"]
    assert "history(first: 100)" in asked["h_later_ancient"]
    assert known.descends("same", "same", None) is True


def test_an_object_id_is_never_more_than_that() -> None:
    """What stands in a query is what GitHub said a commit is called."""
    known = base_merges.Known()
    for oid in ('x") { id } y: object(oid: "z', "", "é", "x" * 200):
        assert isinstance(known.top(oid), Unavailable)
    assert list(known.wanted) == ["c_"]


# What is not asked, or not shown ----------------------------------------------------------------


@pytest.mark.parametrize(
    "facts",
    [
        {"reviews": [review("pat", of="p1merge")]},
        {"reviews": [review("pat", "COMMENTED", of="p1one")]},
        {"commits": [commit("p1one"), commit("p1merge"), commit("top")], "headRefOid": "top"},
    ],
    ids=["approved at the head", "not approved", "code came after"],
)
def test_nothing_is_asked_where_it_does_not_matter(place: Place, facts: Json) -> None:
    place.github.parents["top"] = ["p1merge"]
    merged_base(place, **facts)
    collect(place)
    assert rounds(place) == 0


def test_a_merge_before_the_approval_is_not_asked_for(place: Place) -> None:
    merged_base(place, reviews=[review("pat", of="p1merge")])
    github = place.github
    github.pulls["PR_1"] |= {
        "headRefOid": "again",
        "commits": [commit("p1one"), commit("p1merge"), commit("again")],
    }
    github.parents["again"] = ["p1merge", "later"]
    github.tops |= {"later": github.tops["p1main"], "again": github.tops["p1merge"]}
    github.below["later"] = ["p1main"]
    collect(place)
    newest, first = read(place)[1].base_merges
    assert brought_nothing(newest).answer is True
    assert first.differences == Unavailable("its trees were not collected")


def test_more_reviews_than_a_page_may_hold_one_of_any_commit(place: Place) -> None:
    place.github.first = {"reviews": 1}
    merged_base(place, reviews=[review("kim", of="p1merge"), review("pat", of="p1one")])
    collect(place)
    assert brought_nothing(merge_of(place)).answer is True


@pytest.mark.parametrize("hidden", ["p1root", "p1one", "p1main", "p1merge"])
def test_a_side_that_is_not_shown_stays_unknown(place: Place, hidden: str) -> None:
    merged_base(place)
    del place.github.tops[hidden]
    collect(place)
    found = merge_of(place)
    assert isinstance(found.differences, Unavailable)
    assert found.differences.reason == f"GitHub did not show {hidden}"
    assert rounds(place) == 1


def test_a_directory_without_its_entries_is_not_compared(place: Place) -> None:
    merged_base(place)

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name == "base_merges":
            for found in data["repository"].values():
                if "tree" in found:
                    found["tree"]["entries"] = None
        return []

    place.github.spoil = spoil
    collect(place)
    found = merge_of(place)
    assert isinstance(found.differences, Unavailable)
    assert "GitHub did not show what is in the directory" in found.differences.reason


def test_a_directory_that_is_cut_short_is_not_compared(place: Place) -> None:
    """Its entries no longer hash to its object id."""
    merged_base(place)
    for entries in place.github.trees.values():
        if len(entries) > 2:
            del entries[-1]
    collect(place)
    found = merge_of(place)
    assert isinstance(found.differences, Unavailable)
    assert "is not all of it" in found.differences.reason


@pytest.mark.parametrize(
    "spoilt",
    [{"name": "b.py2"}, {"mode": 0o100755}, {"oid": "0" * 40}, {"oid": "not hexadecimal"}],
)
def test_an_entry_that_is_not_the_trees_own_is_noticed(place: Place, spoilt: Json) -> None:
    merged_base(place)
    for entries in place.github.trees.values():
        for entry in entries:
            if entry["name"] == "b.py":
                entry |= spoilt
    collect(place)
    assert isinstance(merge_of(place).differences, Unavailable)


def test_a_repository_that_is_not_shown_leaves_it_open(place: Place) -> None:
    merged_base(place)

    def hide(name: str, variables: Json, data: Json) -> list[Json]:
        if name != "base_merges":
            return []
        data["repository"] = None
        return [{"type": "FORBIDDEN", "message": "No", "path": ["repository"]}]

    place.github.spoil = hide
    collect(place)
    assert rounds(place) == 1
    assert merge_of(place).differences == Unavailable("its trees were not collected")


def test_parents_that_are_not_all_known_tell_of_no_merge(place: Place) -> None:
    """What is missing would look as if it were of the base."""
    merged_base(place)

    def cut(name: str, variables: Json, data: Json) -> list[Json]:
        if name == "parents":
            del data["p0"]["commits"]["nodes"][0]
        return []

    place.github.spoil = cut
    collect(place)
    assert rounds(place) == 0
    assert read(place)[1].base_merges == ()


def wide(number: int, text: str) -> Json:
    return {f"d{n}": {"mine": "1", "theirs": "1", text: text} for n in range(number)}


def test_more_directories_than_are_compared_are_not(place: Place) -> None:
    files = wide(DIRECTORIES, "x")
    sides = {name: {d: {**f, name: "2"} for d, f in files.items()} for name in ("mine", "theirs")}
    both = {d: {**f, "mine": "2", "theirs": "2"} for d, f in files.items()}
    merged_base(place, ancestor=files, branch=sides["mine"], base=sides["theirs"], merge=both)
    collect(place)
    found = merge_of(place)
    assert found.differences == Unavailable("its sides differ in more than 100 directories")


def test_too_many_merges_are_not_asked_for(place: Place) -> None:
    oids = ["p1one", *(f"m{n}" for n in range(MERGES + 1))]
    github = place.github
    merged_base(place, commits=[commit(oid) for oid in oids], headRefOid=oids[-1])
    github.parents |= {oids[n + 1]: [oids[n], f"main{n}"] for n in range(MERGES + 1)}
    collect(place)
    assert rounds(place) == 0
    assert len(read(place)[1].base_merges) == MERGES + 1
    assert all(isinstance(m.differences, Unavailable) for m in read(place)[1].base_merges)


# How it is asked --------------------------------------------------------------------------------


def test_the_merges_of_a_window_are_asked_for_together(place: Place) -> None:
    for number in range(1, 11):
        merged_base(place, number)
    collect(place)
    assert rounds(place) == 2
    assert all_clean(place)


def test_nothing_is_asked_for_twice(place: Place) -> None:
    merged_base(place)
    collect(place)
    before = rounds(place)
    place.github.pulls["PR_1"]["updatedAt"] = z(place.now)
    collect(place)
    place.github.pulls["PR_1"]["updatedAt"] = z("03-02")
    assert rounds(place) > before  # another version of the pull request
    again = rounds(place)
    collect(place)
    assert rounds(place) == again


def test_more_than_one_request_bears_are_split(place: Place) -> None:
    for number in range(1, AT_ONCE // 4 + 2):
        merged_base(place, number)
    collect(place)
    assert rounds(place) > 2
    assert all_clean(place)


def test_what_is_too_heavy_is_asked_for_in_parts(place: Place) -> None:
    merged_base(place)

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if name == "base_merges" and place.github.text.count("object(") > 1:
            assert divisible
            raise TooHeavyError("HTTP 502")

    place.github.fault = fault
    collect(place)
    assert brought_nothing(merge_of(place)).answer is True


@pytest.mark.parametrize(("times", "answer"), [(ATTEMPTS - 1, True), (ATTEMPTS, None)])
def test_what_is_too_heavy_even_alone_is_left_out_in_the_end(
    place: Place, times: int, answer: bool | None
) -> None:
    """A directory that no request brings leaves its own merge open, and stops nothing else."""
    merged_base(place)
    merged_base(place, 2)
    failures = 0

    def fault(name: str, variables: Json, divisible: bool) -> None:
        nonlocal failures
        if name == "base_merges" and "c_p1main" in place.github.text:
            alone = place.github.text.count("object(") == 1
            failures += alone
            if not alone or failures <= times:
                raise TooHeavyError("HTTP 502")

    place.github.fault = fault
    collect(place)
    assert brought_nothing(merge_of(place)).answer is answer
    assert brought_nothing(merge_of(place, 2)).answer is True


class Dies(Exception):
    """The program is killed."""


def test_a_death_between_two_rounds_is_made_up_for(place: Place) -> None:
    merged_base(place)
    asked: list[str] = []

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if name == "base_merges":
            asked.append(place.github.text)
            if len(asked) == 2:
                raise Dies

    place.github.fault = fault
    with pytest.raises(Dies):
        collect(place)
    assert merge_of(place).differences == Unavailable("its trees were not collected")
    collect(place)
    assert len(asked) == 3
    assert asked[1] == asked[2]
    assert brought_nothing(merge_of(place)).answer is True


def test_the_answers_are_evidence_of_the_pull_request(place: Place) -> None:
    merged_base(place)
    merged_base(place, 2, reviews=[])
    collect(place)
    digests = {each.answer.digest for each in place.store.find(HOST, KIND, ["PR_1#0", "PR_1#1"])}
    assert len(digests) == 2
    assert digests <= set(read(place)[1].evidence)
    assert not digests & set(read(place)[2].evidence)


def test_parents_without_their_dates_serve_as_well(place: Place) -> None:
    """An earlier version of the program did not ask for them."""
    merged_base(place)
    place.github.dates.clear()
    collect(place)
    assert brought_nothing(merge_of(place)).answer is True


def test_one_pull_request_alone_is_collected_like_those_of_a_period(place: Place) -> None:
    merged_base(place)
    collect(place)
    alone(place)
    found = read_single(place.store, HOST, REPOSITORY, 1)
    assert found is not None
    assert found.base_merges == read(place)[1].base_merges
    assert brought_nothing(found.base_merges[0]).answer is True
    assert len(found.evidence) == len(set(found.evidence)) == 4


# Force-pushes that kept the content -------------------------------------------------------------


def force_pushed(
    before: str | None, after: str | None, *trees: str, when: str = "03-01 12:00"
) -> Json:
    def shown(oid: str | None, tree: str) -> Json | None:
        return {"oid": oid, "tree": {"oid": tree}} if oid else None

    return {
        "__typename": "HeadRefForcePushedEvent",
        "createdAt": z(when),
        "actor": user("dana"),
        "beforeCommit": shown(before, trees[0]),
        "afterCommit": shown(after, trees[-1]),
    }


def rewritten(place: Place, *events: Json, **facts: Any) -> PullRequest:
    """A pull request that was approved at `old`, and force-pushed since."""
    happened = [*events, merged_event("03-02", "m1")]
    place.github.add(
        pull(1, **{"reviews": [review("pat", of="old")], "timelineItems": happened, **facts})
    )
    place.github.parents["head"] = ["root"]
    collect(place)
    return read(place)[1]


def test_what_a_commit_built_on_that_was_force_pushed_away_is_asked_for(place: Place) -> None:
    place.github.below["old"] = ["root"]
    found = rewritten(place, force_pushed("old", "head", "tree"))
    assert found.descents == (Descent("old", "root"),)
    assert found.base_merges == ()
    assert rounds(place) == 1
    assert len(found.evidence) == 3


def test_another_base_is_no_descent(place: Place) -> None:
    place.github.below["old"] = ["older"]
    assert rewritten(place, force_pushed("old", "head", "tree")).descents == ()


@pytest.mark.parametrize(
    "event",
    [
        force_pushed("old", "head", "tree", "another"),
        force_pushed("another", "head", "tree"),
        force_pushed(None, "head", "tree"),
        force_pushed("old", None, "tree"),
        force_pushed("old", "head", "tree", when="03-03"),
        {**force_pushed("old", "head", "tree"), "beforeCommit": {"oid": "old"}},
    ],
    ids=["other content", "another commit", "from what", "to what", "later", "trees not asked for"],
)
def test_nothing_is_asked_of_other_force_pushes(place: Place, event: Json) -> None:
    place.github.below["old"] = ["root"]
    assert rewritten(place, event).descents == ()
    assert rounds(place) == 0
