"""The first-parent line of a branch: what reached it, followed by parents, to known ends."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from changeaudit.collectors.github import line as module
from changeaudit.collectors.github import reading
from changeaudit.collectors.github.line import collect_line
from changeaudit.collectors.github.pull_requests import PullRequests
from changeaudit.collectors.github.repository import Head
from changeaudit.collectors.github.transport import TooHeavyError
from changeaudit.collectors.spans import Span
from changeaudit.errors import CollectError
from changeaudit.records import BranchLine, MergeCommit
from collectors.github.fake_github import HOST, REPOSITORY, Json, Place, at, commit, pull

MARCH = Span(at("03-01"), at("04-01"))


def merge(number: int, below: str | None, day: str = "03-02", base: str = "main") -> Json:
    """A pull request whose merge commit stands on `below`."""
    parents = [{"id": f"C_{below}", "oid": below}] if below else []
    commit = {
        "id": f"C_m{number}",
        "oid": f"m{number}",
        "url": f"https://{HOST}/c/m{number}",
        "parents": {"nodes": parents},
    }
    return pull(number, day, mergeCommit=commit, baseRefName=base)


def collect(place: Place, top: str, period: Span = MARCH, branch: str = "main") -> BranchLine:
    """Collect the pull requests and then the line of a branch that points to `top`."""
    PullRequests(place.session, REPOSITORY).collect(period)
    place.github.asked.clear()
    collect_line(place.session, REPOSITORY, Head(branch, top, f"C_{top}"), period)
    return read(place, period, branch)


def read(place: Place, period: Span = MARCH, branch: str = "main") -> BranchLine:
    return reading.read_line(place.store, HOST, REPOSITORY, branch, period)


def walked(place: Place, line: BranchLine, period: Span = MARCH) -> list[str]:
    """The oids from the newest stretch's top down, as the tie-out will follow them."""
    merges = {
        p.merge_commit.oid: p.merge_commit
        for p in reading.read_pull_requests(place.store, HOST, REPOSITORY, period)
        if isinstance(p.merge_commit, MergeCommit)
    }
    stretch = max(line.stretches, key=lambda s: s.since)
    found: list[str] = []
    at_oid: str | None = stretch.top
    while at_oid is not None and at_oid != stretch.bottom:
        known = merges.get(at_oid) or line.commits.get(at_oid)
        if known is None:
            return [*found, f"{at_oid}?"]
        found.append(at_oid)
        at_oid = known.parents[0] if known.parents else None
    return found


def stretches(place: Place) -> list[list[tuple[str, int]]]:
    """What was asked of the history, request by request: where from, and how deep."""
    return [
        [(v[f"a{n}"] or v[f"i{n}"].removeprefix("C_"), v[f"d{n}"]) for n in range(len(v) // 3)]
        for name, v in place.github.asked
        if name == "line"
    ]


def test_merges_that_stand_on_each_other_need_no_history(place: Place) -> None:
    """A merge or a squash names its first parent, which is the merge before."""
    place.github.add(merge(1, "m0", "02-20"), *(merge(n, f"m{n - 1}") for n in range(2, 9)))
    place.github.add(merge(9, "m8", "04-03"))
    place.github.line("m9", "m8")
    line = collect(place, "m9")
    assert place.github.kinds() == ["merges", "line"]
    (stretch,) = line.stretches
    assert (stretch.top, stretch.bottom, stretch.open_ends) == ("m9", "m1", ())
    assert walked(place, line) == ["m9", *(f"m{n}" for n in range(8, 1, -1))]
    assert line.missing == ()


def test_a_direct_push_between_two_merges_is_found(place: Place) -> None:
    place.github.add(merge(1, "m0", "02-20"), merge(2, "m1"), merge(3, "d2"), merge(4, "m3"))
    place.github.line("d2", "d1", "m2", "m1", "m0", "root")
    line = collect(place, "m4")
    assert walked(place, line) == ["m4", "m3", "d2", "d1", "m2"]
    assert stretches(place) == [[("d2", module.SHALLOW)]]
    found = line.commits["d1"]
    assert (found.parents, found.pull_requests, found.branch) == (("m2",), (), "main")
    assert found.committer.at == at("02-01")


def test_what_was_pushed_on_top_of_the_last_merge_is_found(place: Place) -> None:
    place.github.add(merge(1, "m0", "02-20"), merge(2, "m1"))
    place.github.line("d2", "d1", "m2", "m1")
    assert walked(place, collect(place, "d2")) == ["d2", "d1", "m2"]


def test_the_commits_of_a_rebase_merge_carry_the_number_of_their_pull_request(
    place: Place,
) -> None:
    """Its merge commit is the last of them only; the others stand below it."""
    place.github.add(merge(1, "m0", "02-20"), merge(2, "r2"))
    place.github.line("r2", "r1", "m1", "m0", pulls=[2])
    line = collect(place, "m2")
    assert walked(place, line) == ["m2", "r2", "r1"]
    assert line.commits["r1"].pull_requests == (2,)


def test_gaps_are_read_together_and_long_ones_deeper(place: Place) -> None:
    pulls = [merge(1, "m0", "02-20")]
    for number in range(2, 8):
        pulls.append(merge(number, f"d{number}"))
        place.github.line(f"d{number}", f"m{number - 1}")
    long = [f"x{n}" for n in range(130)]
    place.github.line(*long, "m7", "d7")
    place.github.add(*pulls, merge(8, "x0"))
    line = collect(place, "m8")
    assert len(walked(place, line)) == 7 + 6 + 130
    asked = stretches(place)
    assert asked[0] == [(oid, 3) for oid in sorted(["x0", *(f"d{n}" for n in range(2, 8))])]
    assert asked[1:] == [[("x0 3", 12)], [("x0 15", 60)], [("x0 75", 100)]]


def test_a_pull_request_that_was_rebased_is_read_in_one_go(place: Place) -> None:
    """How many of its commits stand below the last of them is known before they are read."""
    rebased = merge(2, "r1") | {"commits": [commit(f"c{n}") for n in range(8)]}
    place.github.line(*(f"r{n}" for n in range(1, 8)), "m1")
    place.github.add(merge(1, "m0", "02-20"), rebased)
    line = collect(place, "m2")
    assert walked(place, line) == ["m2", *(f"r{n}" for n in range(1, 8))]
    assert stretches(place) == [[("r1", 8)]]


def test_past_a_merge_reading_goes_on_from_the_first_parent_itself(place: Place) -> None:
    """A history lists what was merged as well: what comes next in it need not be of the line."""
    place.github.add(merge(1, "m0", "02-20"), merge(2, "x0"))
    place.github.line(*(f"x{n}" for n in range(6)), "m1")
    place.github.history["x1"]["parents"]["nodes"].append({"id": "C_side", "oid": "side"})
    assert walked(place, collect(place, "m2")) == ["m2", *(f"x{n}" for n in range(6))]
    assert stretches(place) == [[("x0", 3)], [("x3", 12)]]


def test_one_longer_than_a_page_is_read_on_to_its_end_and_no_further(place: Place) -> None:
    rebased = merge(2, "r1") | {"commits": [commit(f"c{n}") for n in range(251)]}
    place.github.line(*(f"r{n}" for n in range(1, 251)), "m1")
    place.github.add(merge(1, "m0", "02-20"), rebased)
    assert len(walked(place, collect(place, "m2"))) == 251
    assert stretches(place) == [[("r1", 100)], [("r1 100", 100)], [("r1 200", 51)]]


def test_a_stretch_of_an_earlier_query_is_read_as_well() -> None:
    """Stores hold answers in which all stretches are one list."""
    data = {"rateLimit": None, "nodes": [{"oid": "a"}, None, {}]}
    raw = msgspec.json.decode(msgspec.json.encode(data), type=dict[str, msgspec.Raw])
    assert [bytes(each) for each in module.stretches_of(raw)] == [b'{"oid":"a"}']


def test_the_branch_s_earlier_name_is_learned_from_the_merges_it_passes(place: Place) -> None:
    """Merged pull requests keep the name that the branch had; gaps among them are found too."""
    place.github.add(
        merge(1, "root", base="master"),
        merge(2, "d1", base="master"),
        merge(3, "d2", base="master"),
        merge(4, "m3", base="main"),
        merge(5, "f1", base="feature"),
    )
    place.github.line("d2", "m2")
    place.github.line("d1", "m1")
    place.github.line("root")
    line = collect(place, "m4")
    assert walked(place, line) == ["m4", "m3", "d2", "m2", "d1", "m1", "root"]
    assert stretches(place) == [[("d1", 3), ("d2", 3), ("root", 3)]]


def test_a_line_without_a_merge_before_the_period_is_followed_to_the_root(place: Place) -> None:
    place.github.add(merge(1, "d2"))
    place.github.line("d2", "d1", "root")
    line = collect(place, "m1")
    assert line.stretches[0].bottom is None
    assert walked(place, line) == ["m1", "d2", "d1", "root"]


def test_a_merge_without_a_parent_is_a_root(place: Place) -> None:
    place.github.add(merge(1, None), merge(2, "m1"))
    place.github.line("m1")
    line = collect(place, "m2")
    assert walked(place, line) == ["m2", "m1"]
    assert line.stretches[0].open_ends == ()


def test_a_branch_that_no_pull_request_reached_is_followed_all_the_same(place: Place) -> None:
    place.github.line("d3", "d2", "d1")
    assert walked(place, collect(place, "d3")) == ["d3", "d2", "d1"]


def test_merges_close_to_the_period_mark_the_ends(place: Place) -> None:
    """The last one before and the first one after it; only these bound what is read."""
    place.github.add(
        merge(1, "m0", "02-10"),
        merge(2, "m1", "02-27"),
        merge(3, "m2", "02-22"),
        merge(4, "m2", "03-05"),
        merge(5, "m4", "04-09"),
        merge(6, "m4", "04-02"),
    )
    place.github.line("m6", "m4")
    (stretch,) = collect(place, "top").stretches
    assert (stretch.top, stretch.bottom) == ("m6", "m2")
    assert place.github.kinds().count("merges") == 1


def test_ends_further_away_are_looked_for_where_there_is_none_close_by(place: Place) -> None:
    """In a quiet repository the whole history would be read in vain, or given up."""
    place.github.add(merge(1, "m0", "01-02"), merge(2, "m1", "03-05"), merge(3, "m2", "05-20"))
    place.github.line("m3", "m2")
    (stretch,) = collect(place, "top").stretches
    assert (stretch.top, stretch.bottom) == ("m3", "m1")
    assert place.github.kinds().count("merges") == 1


def test_of_a_period_that_has_not_ended_the_end_is_the_branch_itself(place: Place) -> None:
    place.now = at("03-10")
    place.github.add(merge(1, "m0", "02-20"), merge(2, "m1", "03-05"))
    line = collect(place, "m2")
    assert place.github.kinds().count("merges") == 1
    assert line.missing == ((at("03-10"), at("04-01")),)


def test_a_line_that_goes_on_is_taken_up_where_it_was_left(place: Place) -> None:
    place.now = at("03-10")
    place.github.add(merge(1, "m0", "02-20"), merge(2, "m1", "03-05"))
    collect(place, "m2")
    place.now = at("04-02")
    place.github.add(merge(3, "d1", "03-15"))
    place.github.line("d1", "m2")
    line = collect(place, "m3")
    assert [(s.top, s.bottom) for s in line.stretches] == [("m2", "m1"), ("m3", "m2")]
    assert walked(place, line) == ["m3", "d1"]
    assert line.missing == ()


def test_a_line_that_is_held_is_not_asked_for_again(place: Place) -> None:
    place.github.add(merge(1, "m0", "02-20"), merge(2, "m1"))
    collect(place, "m2")
    collect(place, "m2")
    assert "merges" not in place.github.kinds()
    assert "line" not in place.github.kinds()


def test_merges_of_a_longer_period_are_known_when_a_part_of_it_is_read(place: Place) -> None:
    """Its one stretch is followed past both ends of the shorter period without a break."""
    place.github.add(
        merge(1, "m0", "02-20"),
        merge(2, "m1", "03-02"),
        merge(3, "d1", "03-12"),
        merge(4, "m3", "03-22"),
    )
    place.github.line("d1", "m2")
    collect(place, "m4")
    middle = Span(at("03-10"), at("03-20"))
    line = read(place, middle)
    assert walked(place, line, middle) == ["m4", "m3", "d1", "m2"]
    assert line.commits["m2"].pull_requests == (2,)
    assert line.commits["m4"].pull_requests == (4,)
    assert "m3" not in line.commits
    assert line.missing == ()


def test_a_pull_request_without_a_merge_commit_is_no_part_of_the_line(place: Place) -> None:
    """Such as one whose commits were pushed to the base: the commits themselves tell."""
    place.github.add(merge(1, "m0", "02-20"), merge(2, "d1", "03-12"))
    for number, day in ((3, "03-02"), (4, "03-12")):
        place.github.add(pull(number, day, mergeCommit=None))
    place.github.line("d1", "m1", pulls=[4])
    collect(place, "m2")
    middle = Span(at("03-10"), at("03-20"))
    line = read(place, middle)
    assert walked(place, line, middle) == ["m2", "d1"]
    assert line.commits["d1"].pull_requests == (4,)


def test_a_stretch_of_another_time_is_no_part_of_the_line(place: Place) -> None:
    place.github.add(merge(1, "m0", "03-02"))
    place.github.line("m0")
    collect(place, "m1")
    line = read(place, Span(at("05-01"), at("06-01")))
    assert line.stretches == ()
    assert line.missing == ((at("05-01"), at("06-01")),)


def test_a_commit_that_cannot_be_seen_is_given_up_and_said(place: Place) -> None:
    place.github.add(merge(1, "m0", "02-20"), merge(2, "gone"), merge(3, "m2"))
    line = collect(place, "m3")
    assert line.stretches[0].open_ends == ("gone",)
    assert walked(place, line) == ["m3", "m2", "gone?"]


def test_a_line_that_broke_off_is_followed_again_once_its_commit_is_shown(place: Place) -> None:
    """What GitHub failed to show once is no gap for ever."""
    place.github.add(merge(1, "m0", "02-20"), merge(2, "gone"), merge(3, "m2"))
    assert collect(place, "m3").stretches[0].open_ends == ("gone",)
    place.github.line("gone", "m1")
    line = collect(place, "m3")
    assert walked(place, line) == ["m3", "m2", "gone"]
    collect(place, "m3")
    assert place.github.asked == [], "a line that is whole is not followed again"


@pytest.mark.parametrize(
    ("before", "asked", "open_ends"),
    [
        pytest.param(1, 1, (), id="one"),
        pytest.param(5, 2, (), id="a few"),
        pytest.param(150, 3, (), id="some pages of them"),
        pytest.param(600, 4, ("d1",), id="too many"),
    ],
)
def test_a_history_that_lists_other_commits_before_its_own_is_read_on(
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    before: int,
    asked: int,
    open_ends: tuple[str, ...],
) -> None:
    """GitHub orders a history by its own lights. What it shows later is no gap."""
    monkeypatch.setattr(module, "LONGEST", 300)
    place.github.add(merge(1, "m0", "02-20"), merge(2, "d1"), merge(3, "m2"))
    place.github.line("d1", "m1")
    place.github.line(*(f"e{n}" for n in range(before)))

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name != "line" or variables["i0"] != "C_d1":
            return []
        start = int((variables["a0"] or "d1 0").partition(" ")[2])
        chain = [place.github.on_line(f"e{n}") for n in range(before)]
        chain.append(place.github.on_line("d1"))
        end = start + variables["d0"]
        page = {"hasNextPage": end < len(chain), "endCursor": f"d1 {end}"}
        data["s0"]["history"] = {"nodes": chain[start:end], "pageInfo": page}
        return []

    place.github.spoil = spoil
    line = collect(place, "m3")
    assert line.stretches[0].open_ends == open_ends
    assert walked(place, line)[-1] == ("d1?" if open_ends else "d1")
    assert place.github.kinds().count("line") == asked


def test_a_stretch_without_end_is_given_up_and_said(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST", 40)
    place.github.line(*(f"x{n}" for n in range(500)))
    line = collect(place, "x0")
    (end,) = line.stretches[0].open_ends
    assert 40 <= int(end.removeprefix("x")) < 500
    assert walked(place, line)[-1] == f"{end}?"


def test_many_short_stretches_are_not_taken_for_one_without_end(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rebase merges bring as many commits as one likes."""
    monkeypatch.setattr(module, "LONGEST", 10)
    for number in range(1, 61):
        place.github.add(merge(number, f"r{number}.0"))
        own = [f"r{number}.{n}" for n in range(4)]
        place.github.line(*own, f"m{number - 1}" if number > 1 else "root", pulls=[number])
    place.github.line("root")
    line = collect(place, "m60")
    assert line.stretches[0].open_ends == ()
    assert len(walked(place, line)) == 60 * 5 + 1


def test_a_stretch_that_is_too_heavy_is_read_in_smaller_ones(place: Place) -> None:
    place.github.add(merge(1, "m0", "02-20"))
    for number in range(2, 12):
        place.github.add(merge(number, f"d{number}"))
        place.github.line(f"d{number}", f"m{number - 1}")

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if name == "line" and sum(v for k, v in variables.items() if k[0] == "d") > 2:
            assert divisible
            raise TooHeavyError("HTTP 502")

    place.github.fault = fault
    line = collect(place, "m11")
    assert len(walked(place, line)) == 20
    sizes = [sum(depth for _, depth in asked) for asked in stretches(place)]
    assert sizes[:5] == [30, 15, 6, 3, 1]


def test_one_commit_alone_is_no_longer_divisible(place: Place) -> None:
    place.github.line("d1")

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if name == "line":
            if divisible:
                raise TooHeavyError("HTTP 502")
            raise CollectError("6 attempts")

    place.github.fault = fault
    with pytest.raises(CollectError, match="6 attempts"):
        collect(place, "d1")
    assert stretches(place) == [[("d1", depth)] for depth in (3, 1)]
    assert len(read(place).missing) == 1


def test_commits_that_an_answer_leaves_out_are_no_part_of_it(place: Place) -> None:
    """Null stretches, null commits, null parents, no list of pull requests at all."""
    place.github.add(merge(1, "m0", "02-20"), merge(2, "d1"), merge(3, "d2"))
    place.github.line("d1", "m1")
    place.github.line("d2", "m2")

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name == "line":
            for stretch in data.values():
                stretch["history"]["nodes"].append(None)
                for commit in stretch["history"]["nodes"][:-1]:
                    commit["associatedPullRequests"] = None
                    commit["parents"]["nodes"].append(None)
        return []

    place.github.spoil = spoil
    line = collect(place, "m3")
    assert walked(place, line) == ["m3", "d2", "m2", "d1"]
    assert line.commits["d1"].pull_requests == ()


def test_a_line_that_died_in_the_middle_is_not_held(place: Place) -> None:
    place.github.add(merge(1, "m0", "02-20"), merge(2, "d1"))
    place.github.line("d1", "m1")

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if name == "line":
            raise CollectError("6 attempts")

    place.github.fault = fault
    with pytest.raises(CollectError):
        collect(place, "m2")
    assert read(place).missing == ((MARCH.since, MARCH.until),)
    assert read(place).stretches == ()


@pytest.mark.parametrize(("later", "asked"), [(timedelta(hours=5), 0), (timedelta(hours=7), 1)])
def test_the_ends_that_a_run_marked_which_broke_off_are_asked_for_once(
    place: Place, later: timedelta, asked: int
) -> None:
    """Lately, that is: of what was left behind long ago nothing is taken."""
    place.github.add(merge(1, "m0", "02-20"), merge(2, "d1"), merge(3, "m2", "04-02"))
    place.github.line("d1", "m1")

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if name == "line":
            raise CollectError("6 attempts")

    place.github.fault = fault
    with pytest.raises(CollectError):
        collect(place, "m3")
    place.github.fault = lambda name, variables, divisible: None
    place.now += later
    line = collect(place, "m3")
    assert place.github.kinds().count("merges") == asked
    assert walked(place, line) == ["m3", "m2", "d1"]


def test_the_search_for_the_ends_names_the_branch_and_both_sides(place: Place) -> None:
    collect(place, "gone", branch='release/1 "x"')
    (asked,) = [v for name, v in place.github.asked if name == "merges"]
    weeks = timedelta(days=14)
    assert f"merged:{(MARCH.since - weeks).strftime('%Y-%m-%d')}T00:00:00Z.." in asked["before"]
    assert "..2026-02-28T23:59:59Z sort:created-desc" in asked["before"]
    assert "merged:2026-04-01T00:00:00Z..2026-04-15T00:00:00Z sort:created-asc" in asked["after"]
    assert "merged:<=2026-02-28T23:59:59Z sort:created-desc" in asked["earlier"]
    assert "merged:>=2026-04-01T00:00:00Z sort:created-asc" in asked["later"]


def test_a_line_with_many_merges_is_followed_in_parts(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each to an end of its own, so that memory holds the merges of one part at a time."""
    monkeypatch.setattr(module, "MERGES_AT_ONCE", 10)
    merges = [merge(n, f"m{n - 1}", f"03-{n:02}") for n in range(2, 31)]
    place.github.add(merge(1, "m0", "02-20"), *merges, merge(31, "m30", "04-02"))
    place.github.line(*(f"m{n}" for n in range(31, 1, -1)), "m1")
    line = collect(place, "m31")
    assert len(line.stretches) == 3
    assert line.missing == ()
    known = {f"m{n}" for n in range(2, 31)} | line.commits.keys()
    for stretch in line.stretches:
        number = int(stretch.top.removeprefix("m"))
        assert stretch.bottom in {f"m{n}" for n in range(1, number)}
        assert stretch.top in known
        assert stretch.open_ends == ()
