"""Code owners as peers: 3.1 to 3.3, and what 6.2 and 6.5 make of approvals that share the files."""

from __future__ import annotations

from typing import Any

import pytest

from builders import (
    DAY,
    GONE,
    HOUR,
    clock,
    codeowners,
    commit,
    file,
    force_pushed,
    make_change,
    make_policy,
    make_repository,
    review,
    snapshot,
    team,
)
from changeaudit.change import Change
from changeaudit.codeowners import Ownership, parse
from changeaudit.policy import Policy
from changeaudit.records import File, Unavailable
from changeaudit.rules import code_owners, step3_peer, step6_final
from changeaudit.rules.approvals import approved
from changeaudit.verdicts import Finding, Outcome

PASS, EXCEPTION = Outcome.PASS, Outcome.EXCEPTION
UNDETERMINED, NOT_APPLICABLE = Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE

OWNERS = """\
/api/ @pat @paul
/db/ @acme/dba
/docs/ zoe@example.com
/generated/
"""
DBA = team("acme/dba", "sue", "sam")
REPOSITORY = "https://github.com/acme/payments"


def change(*paths: str | File, owners: Any = OWNERS, **facts: Any) -> Change:
    """A change that touches these paths in a repository with these owners."""
    found = codeowners(owners) if isinstance(owners, str) else owners
    files = [path if isinstance(path, File) else file(path) for path in paths]
    repository = make_repository(codeowners=found)
    return make_change(**{"repository": repository, "files": files, "teams": [DBA], **facts})


def policy(approvals: int = 1, *, emails: bool = False, **peer: Any) -> Policy:
    """The company's policy, with code owners as peers."""
    made = make_policy(
        roles={"peer": {"codeowners": True, **peer}}, peer_review={"approvals": approvals}
    )
    return made.with_people({}, {"zoe@example.com": "zoe"}) if emails else made


def judge(found: Change, by: Policy | None = None, number: int = 1) -> Finding:
    """3.1, 3.2 or 3.3 of a change."""
    finding: Finding = step3_peer.ATTRIBUTES[number - 1].rule(found, by or policy())
    assert finding.reason.endswith(".")
    assert "None" not in finding.reason
    return finding


def by(*logins: str, **more: Any) -> list[Any]:
    return [review(login, at=-60 - n, **more) for n, login in enumerate(logins)]


CASES = [
    ("an owner", PASS, "pat (code owner of 1 changed file by", ["api/x"], by("pat"), {}),
    ("each share its owner", PASS, "sue (code", ["api/x", "db/y"], by("pat", "sue"), {}),
    (
        "one share lacks its owner",
        EXCEPTION,
        'no approval of an owner by .github/CODEOWNERS is shown for "db/y" (@acme/dba)',
        ["api/x", "db/y"],
        by("pat"),
        {},
    ),
    ("a file without owners asks for nothing", PASS, "pat", ["api/x", "lib/z"], by("pat"), {}),
    ("a file that is un-owned asks for nothing", PASS, "", ["api/x", "generated/z"], by("pat"), {}),
    (
        "no file has an owner",
        EXCEPTION,
        "but pat was not in the role, and none of the 2 changed files has an owner by"
        " .github/CODEOWNERS",
        ["lib/z", "generated/z"],
        by("pat"),
        {},
    ),
    (
        "an owner of something else",
        EXCEPTION,
        "sue was not in the role, and owned none of the changed files by .github/CODEOWNERS;"
        ' no approval of an owner by .github/CODEOWNERS is shown for "api/x" (@pat and @paul)',
        ["api/x"],
        by("sue"),
        {},
    ),
    ("nobody", EXCEPTION, "no review before the merge; no approval of an owner", ["api/x"], [], {}),
    (
        "several files of one owner",
        EXCEPTION,
        'is shown for "db/y" and 2 more (@acme/dba)',
        ["db/y", "db/z", "db/a", "api/x"],
        by("pat"),
        {},
    ),
    (
        "a member of the team",
        PASS,
        "code owner of 2 changed files by .github/CODEOWNERS: @acme/dba, member of acme/dba as of",
        ["db/y", "db/z"],
        by("sam"),
        {},
    ),
    (
        "a team that was not collected",
        UNDETERMINED,
        "the members of team acme/dba were not collected",
        ["db/y"],
        by("sam"),
        {"teams": []},
    ),
    (
        "a hidden team leaves its files alone open",
        UNDETERMINED,
        'could not be read: did; no approval of an owner by .github/CODEOWNERS is shown for "db/y"',
        ["api/x", "db/y"],
        by("pat", "sam"),
        {"teams": [team("acme/dba")], "hidden": True},
    ),
    (
        "an address that the roster does not know",
        UNDETERMINED,
        'whose address "zoe@example.com" is, the roster does not tell',
        ["docs/y"],
        by("zoe"),
        {},
    ),
    (
        "the author is no owner to themselves",
        EXCEPTION,
        "pat",
        ["api/x"],
        by("pat"),
        {"author": "pat"},
    ),
    (
        "an owner who may not write now",
        UNDETERMINED,
        '@pat owns "api/x" (@pat and @paul) by .github/CODEOWNERS, but pat may not write to the'
        " repository as of the collection",
        ["api/x"],
        by("pat", can_write=False),
        {},
    ),
    (
        "an owner of whom it is not known",
        UNDETERMINED,
        "whether pat may write to the repository is not known: the source did not answer",
        ["api/x"],
        by("pat", can_write=GONE),
        {},
    ),
    ("a bot", EXCEPTION, "ci[bot] is a bot", ["api/x"], by("ci[bot]"), {}),
    (
        "renamed, and the former path may be another's",
        UNDETERMINED,
        "the former path of 1 renamed file is not shown",
        [file("api/x", "RENAMED")],
        by("pat"),
        {},
    ),
    (
        "renamed, by the owner of everything",
        PASS,
        "",
        [file("api/x", "RENAMED")],
        by("pat"),
        {"owners": "* @pat @paul\n/old/\n"},
    ),
    (
        "renamed, by somebody who owns nothing at all",
        EXCEPTION,
        "lee was not in the role, and owned none",
        [file("api/x", "RENAMED")],
        by("lee"),
        {"owners": "* @pat\n"},
    ),
    (
        "renamed to where nobody owns, from where the approver may have",
        UNDETERMINED,
        "@pat owns a file that is not known (@pat) by .github/CODEOWNERS: the former path",
        [file("lib/x", "RENAMED")],
        by("pat"),
        {"owners": "/api/ @pat\n"},
    ),
    (
        "a list of files that is cut short",
        UNDETERMINED,
        "2 changed files of 3 are not listed",
        ["api/x"],
        by("pat"),
        {"changed_files": 3},
    ),
    (
        "files that could not be read",
        UNDETERMINED,
        "the changed files could not be read: the source did not answer",
        [],
        by("pat"),
        {"files": GONE, "changed_files": 3},
    ),
]


@pytest.mark.parametrize(
    ("outcome", "why", "paths", "reviews", "facts"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_the_role_under_code_owners_alone(
    outcome: Outcome, why: str, paths: list[Any], reviews: list[Any], facts: dict[str, Any]
) -> None:
    facts = dict(facts)
    if facts.pop("hidden", False):
        facts["teams"] = [
            type(DBA)("acme/dba", Unavailable("did", "Members: read"), DBA.collected_at)
        ]
    finding = judge(change(*paths, reviews=reviews, **facts))
    assert (finding.outcome, why in finding.reason) == (outcome, True), finding.reason


def test_an_address_of_the_roster_is_its_person() -> None:
    found = change("docs/y", reviews=by("zoe"))
    finding = judge(found, policy(emails=True))
    assert finding.outcome is PASS
    assert "zoe@example.com, the address of zoe by the roster" in finding.reason
    assert judge(change("docs/y", reviews=by("lee")), policy(emails=True)).outcome is EXCEPTION


@pytest.mark.parametrize(
    ("outcome", "peer", "reviews"),
    [
        (PASS, {"users": ["lee"]}, by("lee")),
        (PASS, {"users": ["lee"]}, by("lee", "pat")),
        (EXCEPTION, {"users": ["lee"]}, by("pat")),
        (PASS, {"users": ["lee"]}, by("pat", "sue")),
        (PASS, {"teams": ["acme/dba"]}, by("sue")),
        (UNDETERMINED, {"teams": ["acme/unknown"]}, by("pat")),
        (UNDETERMINED, {"teams": ["acme/unknown"]}, by("lee")),
        (PASS, {"write_access": True}, by("lee")),
        (PASS, {"approvals": 2}, by("pat", "sue")),
        (EXCEPTION, {"approvals": 3}, by("pat", "sue")),
        (EXCEPTION, {"approvals": 2}, by("sue")),
    ],
)
def test_whoever_holds_the_role_otherwise_covers_every_file(
    outcome: Outcome, peer: dict[str, Any], reviews: list[Any]
) -> None:
    number = peer.pop("approvals", 1) if "approvals" in peer else 1
    finding = judge(change("api/x", "db/y", reviews=reviews), policy(number, **peer))
    assert finding.outcome is outcome, finding.reason


AGO = -30 * DAY
FILES = [
    ("not asked", GONE, {}, UNDETERMINED, "could not be read: the source did not answer"),
    ("none", None, {}, EXCEPTION, "the repository has no CODEOWNERS file"),
    ("removed", codeowners(None), {}, EXCEPTION, "had no CODEOWNERS file since 2026-02-08"),
    ("removed later", codeowners(None, HOUR), {}, UNDETERMINED, "not before the merge"),
    ("changed later", codeowners(OWNERS, HOUR), {}, UNDETERMINED, "not before the merge"),
    ("changed then", codeowners(OWNERS, 0), {}, UNDETERMINED, "not before the merge"),
    ("when is unknown", codeowners(OWNERS, GONE), {}, UNDETERMINED, "but the source did not"),
    ("unread", codeowners(GONE), {}, UNDETERMINED, ".github/CODEOWNERS could not be read: the"),
    (
        "too long",
        codeowners("".join(f"*{n:040}* @pat\n" for n in range(9000))),
        {},
        UNDETERMINED,
        "more patterns with wildcards than are tried",
    ),
    (
        "another base",
        codeowners(OWNERS),
        {"base_ref": "release/1"},
        UNDETERMINED,
        "the CODEOWNERS file of release/1 is not collected, only that of main",
    ),
    (
        "unknown base",
        codeowners(OWNERS),
        {"at_merge": {"base": GONE}},
        UNDETERMINED,
        "the base branch at the merge could not be read",
    ),
    (
        "changed by the change itself",
        codeowners("* @pat\n"),
        {"files": [file("api/x"), file("docs/CODEOWNERS")]},
        UNDETERMINED,
        "the change itself touches a CODEOWNERS file",
    ),
]


@pytest.mark.parametrize(
    ("owners", "facts", "outcome", "why"), [f[1:] for f in FILES], ids=[f[0] for f in FILES]
)
def test_the_file_is_the_one_of_the_base_branch_at_the_merge(
    owners: Any, facts: dict[str, Any], outcome: Outcome, why: str
) -> None:
    facts = {"files": [file("api/x")], "reviews": by("pat"), "teams": [DBA], **facts}
    found = make_change(repository=make_repository(codeowners=owners), **facts)
    finding = judge(found)
    assert (finding.outcome, why in finding.reason) == (outcome, True), finding.reason
    peers = policy(users=["pat"])
    assert judge(found, peers).outcome is PASS  # who holds the role otherwise needs no file


def test_what_is_not_known_of_the_file_leaves_who_else_may_hold_the_role_named() -> None:
    finding = judge(change("a", owners=GONE, reviews=by("pat")), policy(teams=["acme/unknown"]))
    assert finding.outcome is UNDETERMINED
    assert "team acme/unknown were not collected; the CODEOWNERS file" in finding.reason


def test_the_evidence_names_the_file_its_last_change_and_the_lines_that_were_skipped() -> None:
    text = "/api/ @pat\n!x @evil\n* [evil]\n"
    finding = judge(change("api/x", owners=text, reviews=by("pat")))
    cited = finding.evidence[-1]
    assert cited.what == (
        ".github/CODEOWNERS, last changed (lines 2 and 3 invalid, and skipped as by GitHub)"
    )
    assert cited.at is not None
    assert cited.url == "https://github.com/acme/payments/blob/main/.github/CODEOWNERS"
    assert (
        "line 1 invalid"
        in judge(change("a", owners="!a @b\n* @pat\n", reviews=by("pat"))).evidence[-1].what
    )


@pytest.mark.parametrize(
    ("owners", "cited"),
    [
        (None, ("no CODEOWNERS file on main as collected", clock(DAY), REPOSITORY)),
        (codeowners(None), (".github/CODEOWNERS, removed", clock(-30 * DAY), REPOSITORY)),
    ],
)
def test_where_there_is_no_file_that_is_cited(owners: Any, cited: tuple[Any, ...]) -> None:
    finding = judge(change("api/x", owners=owners, reviews=by("pat")))
    assert finding.outcome is EXCEPTION
    assert "CODEOWNERS file" in finding.reason
    last = finding.evidence[-1]
    assert (last.what, last.at, last.url) == cited


def test_the_file_is_cited_whatever_the_approvals_come_to() -> None:
    """Also where there is none, and where not every file has its owner's."""
    for reviews, outcome in ((by("pat"), EXCEPTION), ([], EXCEPTION), (by("pat", "sue"), PASS)):
        finding = judge(change("api/x", "db/y", reviews=reviews))
        assert finding.outcome is outcome
        assert ["CODEOWNERS" in c.what for c in finding.evidence].count(True) == 1
    finding = judge(change("api/x", "db/y", reviews=by("pat")))
    assert finding.reason.startswith("Not every changed file is approved by one of its owners: ")
    assert [c.who for c in finding.evidence] == ["pat", ""]
    assert '"api/x"' not in finding.reason


def test_what_an_approval_covers_is_told_by_its_own_share() -> None:
    """The shares of others are not."""
    finding = judge(change("db/y", "api/x", "api/z", reviews=by("pat", "sue")))
    assert "pat (code owner of 2 changed files by .github/CODEOWNERS: @pat)" in finding.reason
    unsure = judge(change("db/y", "api/x", "api/z", reviews=by("pat", can_write=GONE)))
    assert '@pat owns "api/x" and 1 more (@pat and @paul)' in unsure.reason


def test_two_approvals_are_two_however_much_one_of_them_covers() -> None:
    reviews = [review("pat", at=-60), review("paul", at=-50, can_write=GONE)]
    assert judge(change("api/x", reviews=reviews), policy(2)).outcome is UNDETERMINED
    assert judge(change("api/x", reviews=by("pat", "paul")), policy(2)).outcome is PASS


def test_an_address_of_the_roster_may_be_written_in_any_case() -> None:
    owners = "/docs/ Zoe@Example.com\n"
    found = change("docs/y", owners=owners, reviews=by("zoe"))
    assert judge(found, policy(emails=True)).outcome is PASS


@pytest.mark.parametrize("role", ["lead", "security", "qa"])
def test_other_roles_own_no_files(role: str) -> None:
    """Their approvals are of the whole change."""
    facts: dict[str, Any] = {"reviews": by("lou"), "files": [file("api/x")]}
    found = make_change(repository=make_repository(codeowners=codeowners(OWNERS)), **facts)
    made = make_policy(roles={"peer": {"codeowners": True}, role: {"users": ["lou"]}})
    finding = approved(found, made, role, 1)  # type: ignore[arg-type]
    assert finding.outcome is PASS
    assert [c.who for c in finding.evidence] == ["lou"]


def test_without_the_key_nobody_is_a_peer_for_owning_a_file() -> None:
    found = change("api/x", reviews=by("pat"))
    assert judge(found, make_policy(roles={"peer": {"users": ["lee"]}})).outcome is EXCEPTION
    finding = judge(found, make_policy(roles={"peer": {"users": ["pat"]}}))
    assert finding.outcome is PASS
    assert [c.who for c in finding.evidence] == ["pat"]  # nor is the file read


@pytest.mark.parametrize(
    ("outcome", "paths", "reviewer", "facts"),
    [
        (EXCEPTION, ["api/x"], "pat", {}),
        (PASS, ["db/x"], "pat", {}),
        (EXCEPTION, ["db/x"], "sue", {}),
        (UNDETERMINED, ["db/x"], "sue", {"teams": []}),
        (UNDETERMINED, ["api/x"], "lee", {"owners": GONE}),
    ],
)
def test_an_owner_s_request_for_changes_is_a_peer_s(
    outcome: Outcome, paths: list[str], reviewer: str, facts: dict[str, Any]
) -> None:
    no = review(reviewer, "CHANGES_REQUESTED")
    assert judge(change(*paths, reviews=[no], **facts), number=2).outcome is outcome


def test_a_stale_approval_leaves_the_files_of_its_owner_without_a_fresh_one() -> None:
    """3.1 leaves freshness aside; the fresh approval of another share is not enough for 3.3."""
    both = [review("sue", at=-90, commit="old"), review("pat", at=-30)]
    found = change(
        "api/x",
        "db/y",
        reviews=both,
        commits=[commit("head")],
        events=[force_pushed(at=-60, before="old")],
    )
    assert judge(found).outcome is PASS
    assert judge(found, number=3).outcome is EXCEPTION
    fresh = [review("sue", at=-40), review("pat", at=-30)]
    assert judge(change("api/x", "db/y", reviews=fresh), number=3).outcome is PASS


def step6(number: int, found: Change, **more: Any) -> Outcome:
    by_policy = make_policy(
        roles={"peer": {"codeowners": True}, "lead": {"users": more.pop("leads", ["lee"])}},
        qa={"review": False, "labels": ["qa"]},
        **more,
    )
    outcome: Outcome = step6_final.ATTRIBUTES[number - 1].rule(found, by_policy).outcome
    return outcome


def test_the_lead_approves_after_the_owner_of_every_share() -> None:
    early = [review("pat", at=-90), review("lee", at=-60), review("sue", at=-30)]
    late = [review("pat", at=-90), review("sue", at=-60), review("lee", at=-30)]
    assert step6(2, change("api/x", "db/y", reviews=early)) is EXCEPTION
    assert step6(2, change("api/x", "db/y", reviews=late)) is PASS
    spare = [review("pat", at=-90), review("lee", at=-60), review("paul", at=-30)]
    assert step6(2, change("api/x", reviews=spare)) is PASS
    two_late = [*late, review("paul", at=-20), review("peter", at=-10)]
    owners = "/api/ @pat @paul @peter\n/db/ @acme/dba\n"
    assert step6(2, change("api/x", "db/y", owners=owners, reviews=two_late)) is PASS


@pytest.mark.parametrize(
    ("outcome", "leads", "reviewers"),
    [
        (EXCEPTION, ["sue"], ["pat", "sue"]),
        (EXCEPTION, ["sue"], ["pat", "paul", "sue"]),
        (PASS, ["sue"], ["pat", "sam", "sue"]),
        (PASS, ["sue", "lee"], ["pat", "sue", "lee"]),
        (PASS, ["lee"], ["pat", "sue", "lee"]),
    ],
)
def test_no_share_is_left_to_the_lead_alone(
    outcome: Outcome, leads: list[str], reviewers: list[str]
) -> None:
    found = change("api/x", "db/y", reviews=by(*reviewers))
    assert step6(5, found, leads=leads) is outcome


def test_a_share_that_somebody_else_may_own_is_perhaps_not_left_to_the_lead() -> None:
    """Each of them counts, and what is not known is whose files these are."""
    owners = "/api/ @pat\n/db/ @acme/dba @acme/unseen\n"
    found = change("api/x", "db/y", owners=owners, reviews=by("pat", "sue"))
    assert step6(5, found, leads=["sue"]) is UNDETERMINED
    by_policy = make_policy(roles={"peer": {"codeowners": True}, "lead": {"users": ["sue"]}})
    reason = step6_final.lead_and_peer_separate(found, by_policy).reason
    assert reason.endswith("cannot be told: not every owner of the changed files is known.")


def test_membership_of_an_owning_team_is_as_of_the_approval() -> None:
    seen = [snapshot(-10 * DAY, "sam"), snapshot(-5 * DAY, "sam", "sue")]
    history = team("acme/dba", "sue", earlier=seen)
    for login, outcome in (("sue", PASS), ("sam", UNDETERMINED), ("lee", EXCEPTION)):
        found = change("db/y", reviews=by(login), teams=[history])
        assert judge(found).outcome is outcome


def test_hostile_names_stay_on_one_line_and_are_cut() -> None:
    path = "api/\x1b[31m\u202e\n" + "x" * 5000
    finding = judge(change(path, owners="* @pat\n", reviews=by("lee")))
    assert "\n" not in finding.reason
    assert len(finding.reason) < 1000


def test_the_owners_of_a_change_are_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def counted(text: str) -> Ownership:
        calls.append(text)
        return parse(text)

    monkeypatch.setattr(code_owners, "parse", counted)
    found = change("api/x", "db/y", reviews=by("pat", "sue"))
    for number in (1, 2, 3):
        judge(found, number=number)
    assert len(calls) == 1
