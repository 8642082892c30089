"""What an audit needs to know of a repository, its branches, its owner and its teams."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from changeaudit.collectors.github import reading, snapshots
from changeaudit.collectors.github.pull_requests import PullRequests
from changeaudit.collectors.github.repository import (
    BRANCH_KIND,
    KIND,
    TEAM_KIND,
    Head,
    Known,
    collect_branches,
    collect_repository,
    collect_team,
)
from changeaudit.collectors.spans import Span
from changeaudit.errors import CollectError, StoreError
from changeaudit.records import CodeOwners, Membership, Team, Unavailable
from collectors.github.fake_github import (
    HOST,
    REPOSITORY,
    FakeGitHub,
    Json,
    Place,
    at,
    pull,
    user,
    z,
)

MARCH = Span(at("03-01"), at("04-01"))
KNOWN = Known(REPOSITORY, Head("main", "top", "C_top"), 0)


def search(place: Place, name: str = REPOSITORY) -> str:
    return PullRequests(place.session, name).search(MARCH)


# The repository ---------------------------------------------------------------------------------


def test_a_repository_is_known_by_its_own_spelling_with_its_count_and_head(place: Place) -> None:
    place.github.add(pull(1), pull(2))
    assert collect_repository(place.session, "ACME/Payments", search(place)) == Known(
        REPOSITORY, Head("main", "top", "C_top"), 2
    )
    found = reading.read_repository(place.store, HOST, "Acme/PAYMENTS")
    assert (found.name, found.host, found.id) == (REPOSITORY, HOST, 7)
    assert (found.default_branch, found.templates) == ("main", ())
    assert found.collected_at == place.now


def test_an_earlier_name_finds_the_repository_and_counts_nothing(place: Place) -> None:
    """A search by the name that it had finds nothing, which is no empty population."""
    place.github.add(pull(1))

    def found(text: str) -> list[Json]:
        return FakeGitHub.found(place.github, text) if f"repo:{REPOSITORY} " in text else []

    place.github.found = found  # type: ignore[method-assign, assignment]
    known = collect_repository(place.session, "acme/old", search(place, "acme/old"))
    assert known.name == REPOSITORY
    assert known.count is None
    assert PullRequests(place.session, known.name).collect(MARCH, known.count) == 1


def spoiled(place: Place, data: Json, *errors: Json) -> None:
    """The repository's answer has other parts, and errors."""

    def spoil(name: str, variables: Json, answer: Json) -> list[Json]:
        answer |= data
        return list(errors)

    place.github.spoil = spoil


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            {"type": "NOT_FOUND", "message": "Could not resolve", "path": ["repository"]},
            "There is no repository acme/nothing on github.test",
        ),
        (
            {"type": "FORBIDDEN", "message": "SAML enforcement", "path": ["repository"]},
            r"GitHub refuses repository acme/nothing: SAML enforcement \(FORBIDDEN\)",
        ),
    ],
)
def test_a_repository_that_cannot_be_seen_ends_the_run_with_the_reason(
    place: Place, error: Json, said: str
) -> None:
    spoiled(place, {"repository": None}, error)
    with pytest.raises(CollectError, match=said):
        collect_repository(place.session, "acme/nothing", search(place))


def test_an_answer_in_another_form_names_its_first_fault(place: Place) -> None:
    spoiled(place, {"repository": {"url": "x"}})
    with pytest.raises(CollectError, match=r"expected form: .*nameWithOwner"):
        collect_repository(place.session, REPOSITORY, search(place))


@pytest.mark.parametrize("branch", [None, {"name": "main", "target": None}])
def test_an_empty_repository_has_no_head(place: Place, branch: Json | None) -> None:
    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        data["repository"]["defaultBranchRef"] = branch
        return []

    place.github.spoil = spoil
    known = collect_repository(place.session, REPOSITORY, search(place))
    assert known.default is None
    assert collect_branches(place.session, known, ("default",)) == ()


def test_facts_that_did_not_change_are_stored_once(place: Place) -> None:
    for _ in range(2):
        collect_repository(place.session, REPOSITORY, search(place))
    assert place.answers(KIND) == 1


def test_a_repository_that_was_never_collected_is_said_to_be_missing(place: Place) -> None:
    with pytest.raises(StoreError, match=r"holds nothing of acme/payments from github\.test"):
        reading.read_repository(place.store, HOST, REPOSITORY)


@pytest.mark.parametrize("host", ["ghe.test", "github.com"])
def test_a_repository_that_another_host_told_of_is_said_to_be_there(
    place: Place, host: str
) -> None:
    """A store is bound to its hosts: to collect again would be the wrong advice."""
    collect_repository(place.session, REPOSITORY, search(place))
    with pytest.raises(StoreError) as raised:
        reading.read_repository(place.store, host, REPOSITORY.upper(), "Collect it.")
    assert f"It holds {REPOSITORY.upper()} from {HOST}." in raised.value.message
    assert raised.value.hint == f"Set GITHUB_API_URL to https://{HOST}/api/v3."
    with pytest.raises(StoreError) as raised:
        reading.read_repository(place.store, host, "acme/other", "Collect it.")
    assert raised.value.hint == "Collect it."


# Branches ---------------------------------------------------------------------------------------


def test_the_default_branch_alone_asks_for_nothing(place: Place) -> None:
    assert collect_branches(place.session, KNOWN, ("default",)) == (KNOWN.default,)
    assert place.github.asked == []


def test_branches_are_found_by_pattern_on_every_page(place: Place) -> None:
    place.github.heads = {"release/1": "r1", "release/2": "r2", "topic": "t", "main": "top"}
    heads = collect_branches(place.session, KNOWN, ("default", "release/*"))
    assert [h.branch for h in heads] == ["main", "release/1", "release/2"]
    assert heads[2] == Head("release/2", "r2", "C_r2")
    assert [v["after"] for _, v in place.github.asked] == [None, "2"]
    assert place.answers(BRANCH_KIND) == 2


def test_branches_without_the_default_one(place: Place) -> None:
    place.github.heads = {"release/1": "r1", "main": "top"}
    assert [h.branch for h in collect_branches(place.session, KNOWN, ("release/*",))] == [
        "release/1"
    ]


def test_branches_that_cannot_be_listed_end_the_run(place: Place) -> None:
    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        data["repository"]["refs"] = None
        return [{"type": "FORBIDDEN", "message": "Contents", "path": ["repository", "refs"]}]

    place.github.spoil = spoil
    with pytest.raises(CollectError, match=r"refuses the branches of .*: Contents \(FORBIDDEN\)"):
        collect_branches(place.session, KNOWN, ("release/*",))


# Teams ------------------------------------------------------------------------------------------


def team(place: Place, name: str = "acme/leads") -> Team | None:
    return snapshots.read_team(place.store, HOST, name)


def test_a_team_is_read_with_all_its_pages(place: Place) -> None:
    place.github.members = [user(n) for n in ("pat", "lee", "kim", "quinn", "dana")]
    collect_team(place.session, "acme/leads")
    found = team(place, "Acme/Leads")
    assert found is not None
    assert not isinstance(found.members, Unavailable)
    assert [m.login for m in found.members] == ["pat", "lee", "kim", "quinn", "dana"]
    assert found.collected_at == place.now
    assert [v["after"] for _, v in place.github.asked] == [None, "2", "4"]


def test_a_team_with_nobody_in_it_is_empty_and_not_unknown(place: Place) -> None:
    place.github.members = []
    collect_team(place.session, "acme/leads")
    found = team(place)
    assert found is not None
    assert found.members == ()


def test_a_team_that_was_never_asked_for_is_not_there(place: Place) -> None:
    assert team(place) is None


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        ({"organization": None}, None, "it is not visible"),
        ({"organization": {"team": None}}, None, "it is not visible"),
        (
            {"organization": {"team": None}},
            {"type": "FORBIDDEN", "message": "Members", "path": ["organization", "team"]},
            "Members",
        ),
    ],
)
def test_a_team_that_cannot_be_seen_is_unavailable_and_the_run_goes_on(
    place: Place, data: Json, error: Json | None, said: str
) -> None:
    spoiled(place, data, *([error] if error else []))
    collect_team(place.session, "acme/leads")
    found = team(place)
    assert found is not None
    assert found.members == Unavailable(
        f"GitHub answered for team acme/leads: {said}", "Members: read"
    )


def test_a_scope_that_the_token_lacks_leaves_out_the_team_alone(place: Place) -> None:
    """GitHub then answers with no data at all."""

    def nothing(variables: Json) -> None:
        return None

    place.github.answer_team = nothing  # type: ignore[method-assign]
    error = {"type": "INSUFFICIENT_SCOPES", "message": "read:org is required"}
    place.github.spoil = lambda name, variables, data: [error]
    collect_team(place.session, "acme/leads")
    found = team(place)
    assert found is not None
    assert isinstance(found.members, Unavailable)
    assert "read:org is required" in found.members.reason


def test_a_team_with_a_member_who_is_not_shown_is_not_whole(place: Place) -> None:
    place.github.members = [user("pat"), user("lee")]

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        data["organization"]["team"]["members"]["nodes"][0] = None
        return []

    place.github.spoil = spoil
    collect_team(place.session, "acme/leads")
    found = team(place)
    assert found is not None
    assert found.members == Unavailable("GitHub did not show every member of acme/leads")


def test_a_team_whose_collecting_broke_off_is_not_taken_for_a_smaller_one(place: Place) -> None:
    place.github.members = [user(n) for n in ("pat", "lee", "kim")]

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if variables["after"]:
            raise CollectError("6 attempts")

    place.github.fault = fault
    with pytest.raises(CollectError):
        collect_team(place.session, "acme/leads")
    found = team(place)
    assert found is not None
    assert found.members == Unavailable("collecting acme/leads broke off after 2 members")


def logins(found: Membership) -> list[str] | str:
    """Whom a snapshot shows, or why it shows nobody."""
    if isinstance(found.members, Unavailable):
        return found.members.reason
    return [member.login for member in found.members]


def test_every_collection_of_a_team_is_a_snapshot_even_if_nobody_came_or_went(
    place: Place,
) -> None:
    place.github.members = [user("pat"), user("lee"), user("kim")]
    collect_team(place.session, "acme/leads")
    place.now += timedelta(days=1)
    collect_team(place.session, "Acme/Leads")
    assert place.answers(TEAM_KIND) == 4
    place.now += timedelta(days=1)
    place.github.members.pop()
    collect_team(place.session, "acme/leads")
    found = team(place)
    assert found is not None
    assert [logins(s) for s in found.history] == [["pat", "lee", "kim"]] * 2 + [["pat", "lee"]]
    assert [s.at for s in found.history] == [place.now - timedelta(days=n) for n in (2, 1, 0)]
    assert found.collected_at == place.now


def test_a_snapshot_that_broke_off_takes_no_page_of_another(place: Place) -> None:
    place.github.members = [user(n) for n in ("pat", "lee", "kim")]
    collect_team(place.session, "acme/leads")

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if variables["after"]:
            raise CollectError("6 attempts")

    place.github.fault = fault
    with pytest.raises(CollectError):
        collect_team(place.session, "acme/leads")
    place.github.fault = lambda name, variables, divisible: None
    collect_team(place.session, "acme/leads")
    found = team(place)
    assert found is not None
    cut = "collecting acme/leads broke off after 2 members"
    whole = ["pat", "lee", "kim"]
    assert [logins(s) for s in found.history] == [whole, cut, whole]


def test_a_page_whose_list_began_in_no_answer_is_no_whole_snapshot(place: Place) -> None:
    """As an earlier version left it, which stored a page only if it had changed."""
    place.github.members = [user(n) for n in ("pat", "lee", "kim")]
    collect_team(place.session, "acme/leads")
    stored = list(place.store.history(HOST, "acme/leads", TEAM_KIND))
    with place.store.begin() as writer:
        writer.put(stored[1].answer)
    found = team(place)
    assert found is not None
    cut = "collecting acme/leads broke off after 0 members"
    assert [logins(s) for s in found.history] == [["pat", "lee", "kim"], cut]


def test_a_list_that_leads_back_to_itself_ends(place: Place) -> None:
    place.github.members = [user(n) for n in ("pat", "lee", "kim")]

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        data["organization"]["team"]["members"]["pageInfo"]["endCursor"] = None
        return []

    place.github.spoil = spoil
    with pytest.raises(CollectError, match="not where it goes on"):
        collect_team(place.session, "acme/leads")
    found = team(place)
    assert found is not None
    assert logins(found.history[0]) == "collecting acme/leads broke off after 2 members"


# Code owners ------------------------------------------------------------------------------------


def owners(text: str | None = "* @pat\n", **more: Any) -> Json:
    size = len(text or "")
    return {"__typename": "Blob", "byteSize": size, "isTruncated": False, "text": text, **more}


def changed(day: str, *merged: str | None) -> Json:
    brought = [{"mergedAt": z(m) if m else None, "baseRefName": "main"} for m in merged]
    node = {"oid": "c", "committedDate": z(day), "associatedPullRequests": {"nodes": brought}}
    return {"nodes": [node]}


NEVER: Json = {"nodes": []}
UNKNOWN = "when {} last changed on the default branch is not known"


@pytest.mark.parametrize(
    ("files", "history", "expected"),
    [
        pytest.param([None] * 3, [NEVER] * 3, None, id="none, and never was"),
        pytest.param(
            [owners(), None, None],
            [changed("02-01"), changed("02-20"), changed("02-21")],
            CodeOwners(".github/CODEOWNERS", "* @pat\n", at("02-01")),
            id="the first counts, and what changes after it in the order does not matter",
        ),
        pytest.param(
            [None, owners("a"), owners("b")],
            [NEVER, changed("02-01"), changed("02-21")],
            CodeOwners("CODEOWNERS", "a", at("02-01")),
            id="the first that exists",
        ),
        pytest.param(
            [None, owners("a"), None],
            [changed("02-10"), changed("02-01"), NEVER],
            CodeOwners("CODEOWNERS", "a", at("02-10")),
            id="one before it was removed",
        ),
        pytest.param(
            [None, None, None],
            [changed("02-01"), NEVER, changed("02-10")],
            CodeOwners("docs/CODEOWNERS", None, at("02-10")),
            id="the last was removed",
        ),
        pytest.param(
            [owners(), None, None],
            [changed("01-01", "02-15", None), NEVER, NEVER],
            CodeOwners(".github/CODEOWNERS", "* @pat\n", at("02-15")),
            id="an old commit that merged late",
        ),
        pytest.param(
            [{"__typename": "Tree"}, owners("a"), None],
            [NEVER, changed("02-01"), NEVER],
            CodeOwners("CODEOWNERS", "a", at("02-01")),
            id="a folder is no file",
        ),
        pytest.param(
            [owners(), None, None],
            [NEVER, NEVER, NEVER],
            CodeOwners(
                ".github/CODEOWNERS",
                "* @pat\n",
                Unavailable(UNKNOWN.format(".github/CODEOWNERS")),
            ),
            id="no commit is known",
        ),
        pytest.param(
            [None, None, None],
            [NEVER, None, NEVER],
            CodeOwners(".github/CODEOWNERS", None, Unavailable(UNKNOWN.format("CODEOWNERS"))),
            id="a history that was not read",
        ),
        pytest.param(
            [owners(byteSize=3_000_000), None, None],
            [changed("02-01"), NEVER, NEVER],
            CodeOwners(
                ".github/CODEOWNERS",
                Unavailable("it has 3,000,000 bytes, and GitHub loads none of 3 MB"),
                at("02-01"),
            ),
            id="too large for GitHub",
        ),
        *(
            pytest.param(
                [given, None, None],
                [changed("02-01"), NEVER, NEVER],
                CodeOwners(
                    ".github/CODEOWNERS",
                    Unavailable("GitHub did not show the whole of its text"),
                    at("02-01"),
                ),
                id=name,
            )
            for name, given in (
                ("binary", owners(None, byteSize=7)),
                ("cut", owners(isTruncated=True)),
            )
        ),
    ],
)
def test_the_codeowners_file_that_counts_is_read_with_its_last_change(
    place: Place, files: list[Json | None], history: list[Json | None], expected: CodeOwners | None
) -> None:
    aliases = ("githubOwners", "rootOwners", "docsOwners")

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        data["repository"] |= dict(zip(aliases, files, strict=True))
        target = data["repository"]["defaultBranchRef"]["target"]
        target |= dict(zip(aliases, history, strict=True))
        return []

    place.github.spoil = spoil
    collect_repository(place.session, REPOSITORY, search(place))
    assert reading.read_repository(place.store, HOST, REPOSITORY).codeowners == expected


def test_what_an_earlier_query_did_not_ask_for_is_unknown(place: Place) -> None:
    collect_repository(place.session, REPOSITORY, search(place))
    found = reading.read_repository(place.store, HOST, REPOSITORY)
    assert found.codeowners == Unavailable("the file was not asked for")


def test_a_file_that_may_not_be_read_is_not_taken_for_none_and_is_asked_for_again(
    place: Place,
) -> None:
    files: Json = dict.fromkeys(("githubOwners", "rootOwners", "docsOwners"))
    error = {"type": "FORBIDDEN", "message": "no", "path": ["repository", "rootOwners"]}
    spoiled_files: list[Json] = [error]

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        data["repository"] |= files
        data["repository"]["defaultBranchRef"]["target"] |= dict.fromkeys(files, NEVER)
        return spoiled_files

    place.github.spoil = spoil
    collect_repository(place.session, REPOSITORY, search(place))
    found = reading.read_repository(place.store, HOST, REPOSITORY)
    assert found.codeowners == Unavailable("GitHub answered: no")
    spoiled_files.clear()
    collect_repository(place.session, REPOSITORY, search(place))
    assert reading.read_repository(place.store, HOST, REPOSITORY).codeowners is None
