"""One pull request by its number: collected alone, kept apart, and read back as any other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from changeaudit.collectors.github import reading, single
from changeaudit.collectors.github.ask import Session
from changeaudit.collectors.github.completing import PARENTS
from changeaudit.collectors.github.pull_requests import KIND, MORE, PullRequests
from changeaudit.collectors.github.single import SinglePullRequest
from changeaudit.collectors.spans import Span
from changeaudit.errors import CollectError, StoreError, UsageError
from changeaudit.records import PullRequest, Unavailable
from changeaudit.store import Answer, Item, Store, Window
from collectors.github.fake_github import (
    HOST,
    LISTS,
    REPOSITORY,
    FakeGitHub,
    Json,
    at,
    commit,
    merged_event,
    pull,
    queue_event,
    review,
    status,
)

NOW = at("06-01 12:00")
PERIOD = Span(at("03-01"), at("04-01"))


class Numbers(FakeGitHub):
    """A fake GitHub that also answers for one number; `issues_at` are those of issues."""

    issues_at: tuple[int, ...] = ()

    def answer_one_pull_request(self, variables: Json) -> Json:
        number = variables["number"]
        url = f"https://{HOST}/{number}"
        if number in self.issues_at:
            return {"repository": {"issueOrPullRequest": {"__typename": "Issue", "url": url}}}
        found = next((p for p in self.pulls.values() if p["number"] == number), None)
        if found is None:
            return {"repository": {"issueOrPullRequest": None}}
        sizes = {"labels": 50, "userContentEdits": 30, "reviews": 50, **self.first}
        node = self.shown(found, lambda name: sizes.get(name, 100), iter((*LISTS, "checks")))
        state = "MERGED" if found["mergedAt"] else "OPEN"
        if not variables["withWriteAccess"]:
            for given in node["reviews"]["nodes"]:
                del given["authorCanPushToRepository"]
        node |= {"__typename": "PullRequest", "state": state}
        return {"repository": {"issueOrPullRequest": node}}


class Nobody:
    """Is told of progress and waits, and says nothing."""

    def collected(self, what: str, done: int, total: int) -> None: ...

    def rate(self, remaining: int, limit: int) -> None: ...

    def waiting(self, seconds: float, why: str) -> None: ...

    def noted(self, text: str) -> None: ...


class Shop:
    """A fake GitHub and a store, with what these tests do to them."""

    def __init__(self, store: Store) -> None:
        self.now = NOW
        self.store = store
        self.github = Numbers(lambda: self.now)
        self.session = Session(self.github, store, lambda: self.now, Nobody())

    def collect(self, number: int) -> PullRequest:
        """Collect it alone, and read it back."""
        SinglePullRequest(self.session, REPOSITORY).collect_number(number)
        found = single.read_single(self.store, HOST, REPOSITORY, number)
        assert found
        return found

    def of_period(self, number: int) -> PullRequest:
        """Collect it with its period, and read it back."""
        PullRequests(self.session, REPOSITORY).collect(PERIOD)
        pulls = reading.read_pull_requests(self.store, HOST, REPOSITORY, PERIOD)
        return next(p for p in pulls if p.number == number)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with Store.open(tmp_path / "evidence.sqlite") as store:
        yield Shop(store)


def same_facts(one: PullRequest, other: PullRequest) -> bool:
    """Whether two readings differ in nothing but the answers that they were read from."""
    return msgspec.structs.replace(one, evidence=()) == msgspec.structs.replace(other, evidence=())


def test_alone_it_is_what_it_is_in_its_period(shop: Shop) -> None:
    shop.github.add(pull(7), pull(8))
    assert same_facts(shop.collect(7), shop.of_period(7))
    assert shop.github.kinds()[0] == "one_pull_request"


def test_it_takes_one_request(shop: Shop) -> None:
    shop.github.add(pull(7))
    shop.collect(7)
    assert shop.github.kinds() == ["one_pull_request"]


def test_lists_that_go_on_are_read_to_their_end(shop: Shop) -> None:
    """And the answers of their pages are cited with the first."""
    shop.github.first = {"files": 2, "checks": 1, "reviews": 1}
    shop.github.more = 2
    files = [{"path": f"{n}.py", "changeType": "ADDED"} for n in range(7)]
    checks = [status("a"), status("b"), status("c")]
    reviews = [review("pat"), review("kim", "COMMENTED")]
    shop.github.add(pull(7, files=files, changedFiles=7, checks=checks, reviews=reviews))
    found = shop.collect(7)
    assert not isinstance(found.files, Unavailable)
    assert [f.path for f in found.files] == [f"{n}.py" for n in range(7)]
    assert shop.github.kinds().count("further") == 3
    assert len(found.evidence) == len(set(found.evidence)) == len(shop.github.kinds())
    assert same_facts(found, shop.of_period(7))


def test_parents_are_asked_for_where_an_approval_is_of_an_earlier_commit(shop: Shop) -> None:
    """Page by page, and never past the pull request's own commits."""
    commits = [commit(f"c{n}") for n in range(149)] + [commit("head")]
    shop.github.parents = {"head": ["c148"], "c1": ["c0"]}
    shop.github.add(pull(7, reviews=[review("pat", of="c1")], commits=commits))
    found = shop.collect(7)
    assert shop.github.kinds().count("parents") == 2
    assert not isinstance(found.commits, Unavailable)
    assert found.commits[-1].parents == ("c148",)
    assert len(found.commits) == 150
    assert same_facts(found, shop.of_period(7))


def test_parents_that_are_not_shown_stay_unknown(shop: Shop) -> None:
    def hidden(name: str, variables: Json, data: Json) -> list[Json]:
        if name == "parents":
            data["p0"] = None
        return []

    shop.github.spoil = hidden
    commits = [commit("old"), commit("head")]
    shop.github.add(pull(7, reviews=[review("pat", of="old")], commits=commits))
    found = shop.collect(7)
    assert not isinstance(found.commits, Unavailable)
    assert all(isinstance(each.parents, Unavailable) for each in found.commits)


def test_the_checks_of_its_merge_commit_are_asked_for_where_a_queue_tested_it(
    shop: Shop,
) -> None:
    """Page by page; and read back as those of a period are."""
    shop.github.first = {"mergeChecks": 2}
    shop.github.merge_checks = {"m7": [status(f"c{n}") for n in range(3)]}
    events = [queue_event("03-01"), queue_event("03-02", added=False, reason="merged")]
    shop.github.add(pull(7, timelineItems=[*events, merged_event("03-02", "m7")]), pull(8))
    found = shop.collect(7)
    assert not isinstance(found.merge_commit_checks, Unavailable)
    assert [check.name for check in found.merge_commit_checks] == ["c0", "c1", "c2"]
    assert shop.github.kinds() == ["one_pull_request", "merge_groups", "merge_groups"]
    assert same_facts(found, shop.of_period(7))
    assert isinstance(shop.collect(8).merge_commit_checks, Unavailable)


def test_a_field_that_may_not_be_read_is_given_up(shop: Shop) -> None:
    def refuse(name: str, variables: Json, data: Json) -> list[Json]:
        if not variables.get("withWriteAccess"):
            return []
        path = ["repository", "issueOrPullRequest", "reviews", "nodes", 0]
        error = {"message": "no", "type": "FORBIDDEN"}
        return [{**error, "path": [*path, "authorCanPushToRepository"]}]

    shop.github.spoil = refuse
    shop.github.add(pull(7))
    found = shop.collect(7)
    assert shop.github.kinds() == ["one_pull_request", "one_pull_request"]
    assert not isinstance(found.reviews, Unavailable)
    assert isinstance(found.reviews[0].author_can_write, Unavailable)


def test_what_an_answer_could_not_give_is_unavailable(shop: Shop) -> None:
    def lose(name: str, variables: Json, data: Json) -> list[Json]:
        data["repository"]["issueOrPullRequest"]["statusCheckRollup"] = None
        path = ["repository", "issueOrPullRequest", "statusCheckRollup"]
        return [{"message": "Resource not accessible", "type": "FORBIDDEN", "path": path}]

    shop.github.spoil = lose
    shop.github.add(pull(7))
    found = shop.collect(7)
    assert isinstance(found.checks, Unavailable)
    assert "Resource not accessible" in found.checks.reason


# What there is nothing to collect of ------------------------------------------------------------

ABSENT = [{"message": "none", "type": "NOT_FOUND", "path": ["repository", "issueOrPullRequest"]}]


def test_a_number_that_there_is_not(shop: Shop) -> None:
    shop.github.spoil = lambda name, variables, data: ABSENT
    with pytest.raises(UsageError, match=rf"no pull request #9 in {REPOSITORY} on {HOST}"):
        shop.collect(9)


@pytest.mark.parametrize("number", [single.GREATEST + 1, 10**17])
def test_a_number_that_github_cannot_name_is_not_asked_for(shop: Shop, number: int) -> None:
    with pytest.raises(UsageError, match=f"no pull request #{number} "):
        shop.collect(number)
    assert shop.github.kinds() == []


def test_an_issue(shop: Shop) -> None:
    shop.github.issues_at = (9,)
    with pytest.raises(UsageError, match="#9 is an issue, not a pull request: https://"):
        shop.collect(9)


def test_a_pull_request_that_has_not_merged(shop: Shop) -> None:
    shop.github.add({**pull(9), "mergedAt": None})
    with pytest.raises(UsageError, match=r"has not merged \(it is open\), so there is nothing"):
        shop.collect(9)
    assert shop.store.counts() == ()


@pytest.mark.parametrize(
    ("errors", "why"),
    [([{"message": "Resource not accessible", "type": "FORBIDDEN"}], "accessible"), ([], "no rea")],
)
def test_a_pull_request_that_is_not_shown(shop: Shop, errors: list[Json], why: str) -> None:
    shop.github.spoil = lambda name, variables, data: errors
    with pytest.raises(CollectError, match=f"did not show {REPOSITORY}#9: .*{why}"):
        shop.collect(9)


def test_a_repository_that_is_not_shown(shop: Shop) -> None:
    def hide(name: str, variables: Json, data: Json) -> list[Json]:
        data["repository"] = None
        return [{"message": "Bad credentials", "type": "FORBIDDEN"}]

    shop.github.spoil = hide
    with pytest.raises(CollectError, match="Bad credentials"):
        shop.collect(9)


# The store --------------------------------------------------------------------------------------


def test_it_makes_no_period_whole_and_stands_in_none(shop: Shop) -> None:
    shop.github.add(pull(7))
    shop.collect(7)
    assert reading.held(shop.store, HOST, REPOSITORY, PERIOD) == (PERIOD,)
    assert list(reading.read_pull_requests(shop.store, HOST, REPOSITORY, PERIOD)) == []
    assert single.briefs(shop.store, HOST, REPOSITORY) == []


def test_a_newer_version_alone_leaves_the_period_as_it_was(shop: Shop) -> None:
    """Its pages and parents have keys of their own, so none of the period's are replaced."""
    shop.github.first, shop.github.more = {"files": 1}, 1
    commits = [commit("old"), commit("head")]
    files = [{"path": f"{n}.py", "changeType": "ADDED"} for n in range(3)]
    facts: Json = {"reviews": [review("pat", of="old")], "commits": commits, "files": files}
    shop.github.add(pull(7, **facts))
    before = shop.of_period(7)
    shop.github.add(pull(7, **facts, body="edited later"))
    assert shop.collect(7).body == "edited later"
    pulls = list(reading.read_pull_requests(shop.store, HOST, REPOSITORY, PERIOD))
    assert pulls == [before]
    kinds = {count.kind for count in shop.store.counts()}
    assert kinds == {KIND, MORE, PARENTS, single.KIND}


def test_it_is_found_whatever_the_case_and_not_for_another_number(shop: Shop) -> None:
    shop.github.add(pull(7))
    shop.collect(7)
    assert single.read_single(shop.store, HOST, REPOSITORY.upper(), 7)
    assert single.read_single(shop.store, HOST, REPOSITORY, 70) is None
    assert single.read_single(shop.store, "elsewhere.test", REPOSITORY, 7) is None


def test_a_stored_answer_that_cannot_be_read_is_named(shop: Shop) -> None:
    answer = Answer(HOST, REPOSITORY, single.KIND, "{}", 200, NOW, b'{"data": 1}')
    with shop.store.begin() as writer:
        writer.put(answer, [Item(single.KIND, f"{REPOSITORY}#7", 0, "v", None)])
    with pytest.raises(StoreError, match=f"stored answer about {REPOSITORY}#7 cannot be read"):
        single.read_single(shop.store, HOST, REPOSITORY, 7)


def test_the_briefs_tell_number_base_and_merge(shop: Shop) -> None:
    shop.github.add(pull(7, "03-02"), pull(8, "03-05", baseRefName="release/1"))
    PullRequests(shop.session, REPOSITORY).collect(PERIOD)
    assert single.briefs(shop.store, HOST, REPOSITORY) == [
        single.Brief(7, "main", at("03-02")),
        single.Brief(8, "release/1", at("03-05")),
    ]


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("windows", "joined"),
    [
        ([], []),
        ([(1, 5, 9)], [(1, 5)]),
        ([(1, 5, 9), (5, 8, 9)], [(1, 8)]),
        ([(5, 8, 9), (1, 5, 9)], [(1, 8)]),
        ([(1, 5, 9), (6, 8, 9)], [(1, 5), (6, 8)]),
        ([(1, 8, 9), (2, 3, 9)], [(1, 8)]),
        ([(1, 8, 4)], [(1, 4)]),
        ([(5, 8, 4)], []),
    ],
    ids=["none", "one", "touching", "unordered", "apart", "within", "not over", "not begun"],
)
def test_held_periods_are_joined(
    shop: Shop, windows: list[tuple[int, int, int]], joined: list[tuple[int, int]]
) -> None:
    """A window holds nothing from the instant on at which it was asked for."""
    start = at("03-01")
    with shop.store.begin() as writer:
        for since, until, as_of in windows:
            writer.complete(
                Window(
                    HOST,
                    REPOSITORY,
                    KIND,
                    start + since * DAY,
                    start + until * DAY,
                    start + as_of * DAY,
                )
            )
    assert single.held_spans(shop.store, HOST, REPOSITORY) == tuple(
        Span(start + since * DAY, start + until * DAY) for since, until in joined
    )
