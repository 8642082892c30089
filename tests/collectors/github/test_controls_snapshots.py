"""Snapshots of what guards a branch: what is asked, what is kept, and what is read back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from changeaudit.collectors.github import controls
from changeaudit.collectors.github.ask import Session
from changeaudit.collectors.github.controls import (
    BRANCH_KIND,
    HISTORY_KIND,
    KIND,
    UNNAMED,
    branches_held,
    collect_controls,
    read_branch,
    read_rulesets,
    read_settings,
)
from changeaudit.collectors.github.transport import Reply, UnknownFieldError
from changeaudit.errors import CollectError, StoreError
from changeaudit.protections import Bypass, DormantRuleset, Environment, Exempt, Guard
from changeaudit.records import Unavailable
from changeaudit.store import Store
from collectors.github.fake_github import HOST, REPOSITORY, FakeGitHub, Json, Told, at

WHEN = "2026-01-01T00:00:00Z"
FORBIDDEN = "Resource not accessible by personal access token"


def listed(*nodes: Any, total: int | None = None, more: bool = False) -> Json:
    return {
        "totalCount": len(nodes) if total is None else total,
        "pageInfo": {"hasNextPage": more, "endCursor": "c"},
        "nodes": list(nodes),
    }


def team(slug: str) -> Json:
    return {"__typename": "Team", "combinedSlug": slug}


def protection(**changes: Any) -> Json:
    """A protection rule that asks for nothing and lets administrators pass."""
    found: Json = {
        "pattern": "main",
        "requiresApprovingReviews": False,
        "requiredApprovingReviewCount": None,
        "dismissesStaleReviews": False,
        "requiresCodeOwnerReviews": False,
        "requireLastPushApproval": False,
        "requiresConversationResolution": False,
        "requiresStatusChecks": False,
        "requiresStrictStatusChecks": False,
        "requiredStatusCheckContexts": [],
        "requiresDeployments": False,
        "requiredDeploymentEnvironments": [],
        "allowsForcePushes": False,
        "allowsDeletions": False,
        "lockBranch": False,
        "isAdminEnforced": True,
        "restrictsPushes": False,
        "pushAllowances": listed(),
        "bypassPullRequestAllowances": listed(),
        "bypassForcePushAllowances": listed(),
    }
    assert changes.keys() <= found.keys()
    return {**found, **changes}


PART: Json = {
    "pattern": "main",
    "requiredApprovingReviewCount": 2,
    "requiredStatusCheckContexts": ["build"],
    "requiresCodeOwnerReviews": True,
    "requiresConversationResolution": False,
    "allowsForcePushes": False,
    "allowsDeletions": True,
}


def ruleset(name: str = "Production", **changes: Any) -> Json:
    found: Json = {
        "id": f"RRS_{name}",
        "databaseId": 7,
        "name": name,
        "createdAt": WHEN,
        "updatedAt": WHEN,
        "source": {"__typename": "Repository", "nameWithOwner": REPOSITORY},
        "bypassActors": listed(),
    }
    assert changes.keys() <= found.keys()
    return {**found, **changes}


def rule(kind: str, of: Json | None = None, **parameters: Any) -> Json:
    return {
        "type": kind,
        "parameters": {"__typename": kind, **parameters} if parameters else None,
        "repositoryRuleset": ruleset() if of is None else of or None,
    }


def bypass(mode: str = "ALWAYS", **changes: Any) -> Json:
    return {
        "bypassMode": mode,
        "deployKey": False,
        "organizationAdmin": False,
        "repositoryRoleName": None,
        "actor": None,
        **changes,
    }


class Guarded(FakeGitHub):
    """A GitHub whose settings a test sets; `knows` is what its version of the API knows."""

    def __init__(self, now: Any) -> None:
        super().__init__(now)
        self.permission: str | None = "ADMIN"
        self.rule: Json | None = None
        self.part: Json | None = None
        self.rules = listed()
        self.queue: Json | None = None
        self.environments = listed()
        self.rulesets = listed()
        self.settings = {
            "mergeCommitAllowed": False,
            "squashMergeAllowed": True,
            "rebaseMergeAllowed": False,
            "autoMergeAllowed": True,
            "deleteBranchOnMerge": False,
            "webCommitSignoffRequired": False,
        }
        self.history: Any = (404, {"message": "Not Found"})
        self.unknown: dict[str, str] = {}
        self.got: list[str] = []

    def ask(self, operation: Any, variables: Json, about: str, *, divisible: bool) -> Reply:
        if operation.name in self.unknown:
            self.requests += 1
            raise UnknownFieldError(f"{HOST} refuses {about}: {self.unknown[operation.name]}")
        return super().ask(operation, variables, about, divisible=divisible)

    def get(self, path: str, about: str) -> Reply:
        self.requests += 1
        self.got.append(path)
        status, said = self.history
        body = json.dumps(said).encode()
        request = json.dumps({"get": path})
        return Reply(request, status, body, self.clock(), msgspec.Raw(body), (), None)

    def answer_controls_before_rulesets(self, variables: Json) -> Json:
        return {
            "rateLimit": {"cost": 1, "limit": 5000, "remaining": 4000, "resetAt": WHEN},
            "repository": {"nameWithOwner": REPOSITORY, "url": "https://github.test/r"},
            "settings": self.settings,
            "deployed": {"environments": self.environments},
        }

    def answer_controls(self, variables: Json) -> Json:
        ruled = {"rulesets": self.rulesets}
        return {**self.answer_controls_before_rulesets(variables), "ruled": ruled}

    def answer_controls_branch_before_rulesets(self, variables: Json) -> Json:
        assert variables["ref"].startswith("refs/heads/")
        name = variables["ref"].removeprefix("refs/heads/")
        rules = {"branchProtectionRule": self.rule, "refUpdateRule": self.part}
        return {"protected": {"viewerPermission": self.permission, "ref": {"name": name, **rules}}}

    answer_controls_branch_without_rules = answer_controls_branch_before_rulesets

    def answer_controls_branch(self, variables: Json) -> Json:
        return {
            **self.answer_controls_branch_before_rulesets(variables),
            "ruled": {"viewerPermission": self.permission, "ref": {"rules": self.rules}},
            "queued": {"mergeQueue": self.queue},
        }


class Company:
    """A guarded GitHub, a store, and a clock that goes on by a day from run to run."""

    def __init__(self, store: Store) -> None:
        self.now = at("06-01 12:00")
        self.store = store
        self.github = Guarded(lambda: self.now)
        self.session = Session(self.github, store, lambda: self.now, Told())

    def collect(self, *branches: str) -> None:
        collect_controls(self.session, REPOSITORY, branches or ("main",))
        self.now += timedelta(days=1)

    def branch(self) -> Any:
        self.collect()
        return read_branch(self.store, HOST, REPOSITORY, "main")[-1]

    def rule(self) -> Guard:
        """The branch's protection rule, which there is."""
        found = self.branch().rule
        assert isinstance(found, Guard)
        return found

    def of_ruleset(self) -> Guard:
        """The one ruleset that is in force on the branch."""
        (found,) = self.branch().rulesets
        assert isinstance(found, Guard)
        return found

    def settings(self) -> Any:
        self.collect()
        return read_settings(self.store, HOST, REPOSITORY)[-1]

    def refuse(self, *path: str, kind: str = "FORBIDDEN") -> None:
        """A field is null, and an error says why."""

        def spoil(name: str, variables: Json, data: Json) -> list[Json]:
            holder: Any = data
            for part in path[:-1]:
                if part not in holder:
                    return []
                holder = holder[part]
            holder[path[-1]] = None
            return [{"type": kind, "path": list(path), "message": FORBIDDEN}]

        self.github.spoil = spoil


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    with Store.open(tmp_path / "evidence.sqlite") as store:
        yield Company(store)


# What is asked and kept -------------------------------------------------------------------------


def test_a_repository_with_one_branch_takes_two_requests(company: Company) -> None:
    company.collect()
    assert company.github.kinds() == ["controls", "controls_branch"]
    assert company.github.asked[1][1]["ref"] == "refs/heads/main"
    assert company.github.asked[1][1]["branch"] == "main"
    assert company.github.got == []


def test_every_snapshot_is_kept_with_its_date_though_nothing_changed(company: Company) -> None:
    """That a setting is the same today is evidence; the item is the same, the answer another."""
    company.collect()
    company.collect()
    found = read_branch(company.store, HOST, REPOSITORY, "main")
    assert [each.collected_at for each in found] == [at("06-01 12:00"), at("06-02 12:00")]
    assert len(read_settings(company.store, HOST, REPOSITORY)) == 2
    located = list(company.store.locate(HOST, REPOSITORY, KIND))
    assert [each.answer.answer.received_at for each in located] == [at("06-01 12:00")]
    assert company.store.verify() == ()


def test_the_points_that_are_left_are_no_change(company: Company) -> None:
    company.collect()
    before = company.store.versions(HOST, KIND, [REPOSITORY])
    company.github.spoil = lambda name, variables, data: data.pop("rateLimit", None) and []
    company.collect()
    assert company.store.versions(HOST, KIND, [REPOSITORY]) == before


def test_each_branch_has_its_own_snapshots(company: Company) -> None:
    company.collect("main", "release/1@x")
    assert branches_held(company.store, HOST, REPOSITORY) == ("main", "release/1@x")
    (found,) = read_branch(company.store, HOST, REPOSITORY, "release/1@x")
    assert found.branch == "release/1@x"
    assert read_branch(company.store, HOST, REPOSITORY, "other") == ()
    assert read_rulesets(company.store, HOST, REPOSITORY, "other") == ()


# The protection rule ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"requiresApprovingReviews": True}, "pull_request", True),
        ({"lockBranch": True}, "pull_request", True),
        ({}, "pull_request", False),
        ({"requiredApprovingReviewCount": 2}, "approvals", 0),
        ({"requiresApprovingReviews": True, "requiredApprovingReviewCount": 2}, "approvals", 2),
        ({"requiresApprovingReviews": True}, "approvals", 0),
        ({"dismissesStaleReviews": True}, "dismisses_stale", True),
        ({"requiresCodeOwnerReviews": True}, "code_owners", True),
        ({"requireLastPushApproval": True}, "last_push", True),
        ({"requiresConversationResolution": True}, "conversations", True),
        ({"requiredStatusCheckContexts": ["a"]}, "checks", ()),
        (
            {"requiresStatusChecks": True, "requiredStatusCheckContexts": ["a", None]},
            "checks",
            ("a",),
        ),
        ({"requiresStatusChecks": True, "requiresStrictStatusChecks": True}, "up_to_date", True),
        ({"requiresStrictStatusChecks": True}, "up_to_date", False),
        (
            {"requiresDeployments": True, "requiredDeploymentEnvironments": ["staging"]},
            "environments",
            ("staging",),
        ),
        ({"requiredDeploymentEnvironments": ["staging"]}, "environments", ()),
        ({"allowsForcePushes": True}, "no_force_pushes", False),
        ({}, "no_force_pushes", True),
        ({"allowsDeletions": True}, "no_deletion", False),
        ({}, "exempt", ()),
        (
            {"isAdminEnforced": False},
            "exempt",
            (Exempt("administrators of the repository", Bypass.EVERYTHING),),
        ),
        (
            {
                "bypassPullRequestAllowances": listed(
                    {"actor": team("acme/leads")}, {"actor": None}, None
                ),
                "bypassForcePushAllowances": listed(
                    {"actor": {"__typename": "App", "slug": "bot"}},
                    {"actor": {"__typename": "User", "login": "lee"}},
                ),
            },
            "exempt",
            (
                Exempt("team acme/leads", Bypass.PUSHES),
                Exempt(UNNAMED, Bypass.PUSHES),
                Exempt(UNNAMED, Bypass.PUSHES),
                Exempt("app bot", Bypass.FORCE_PUSHES),
                Exempt("lee", Bypass.FORCE_PUSHES),
            ),
        ),
        ({"pushAllowances": listed({"actor": team("acme/leads")})}, "pushers", None),
        (
            {
                "restrictsPushes": True,
                "pushAllowances": listed({"actor": team("acme/leads")}, None),
            },
            "pushers",
            ("team acme/leads", UNNAMED),
        ),
        ({"pattern": "release/*"}, "name", "protection rule 'release/*'"),
    ],
)
def test_what_a_protection_rule_asks(
    company: Company, changes: Json, field: str, value: object
) -> None:
    company.github.rule = protection(**changes)
    assert getattr(company.rule(), field) == value


def test_a_list_of_the_exempt_that_is_cut_is_not_known(company: Company) -> None:
    company.github.rule = protection(bypassPullRequestAllowances=listed(None, total=101))
    assert company.rule().exempt == Unavailable("GitHub showed 1 of 101 of them")


def test_whoever_is_known_to_be_exempt_is_told_though_others_are_not_known(
    company: Company,
) -> None:
    lost = listed(None, total=101)
    company.github.rule = protection(isAdminEnforced=False, bypassForcePushAllowances=lost)
    (found,) = company.rule().exempt  # type: ignore[misc]
    assert isinstance(found, Exempt)
    company.github.rule = protection(
        bypassPullRequestAllowances=lost,
        bypassForcePushAllowances=listed({"actor": team("acme/ops")}),
    )
    assert isinstance(company.rule().exempt, Unavailable)


def test_no_rule_is_none_to_an_administrator_alone(company: Company) -> None:
    """To everybody else GitHub shows none, whether there is one or not."""
    assert company.branch().rule is None
    for permission in ("WRITE", "READ", None):
        company.github.permission = permission
        found = company.branch().rule
        assert isinstance(found, Unavailable)
        assert found.permission == "Administration: read"


def test_what_everybody_is_shown_of_a_rule_is_taken_and_the_rest_not_known(
    company: Company,
) -> None:
    company.github.permission = "READ"
    company.github.part = PART
    found = company.rule()
    assert (found.pull_request, found.approvals, found.code_owners) == (True, 2, True)
    assert (found.checks, found.no_force_pushes, found.no_deletion) == (("build",), True, False)
    for lost in (found.exempt, found.dismisses_stale, found.last_push, found.pushers):
        assert isinstance(lost, Unavailable)
        assert lost.permission == "Administration: read"


@pytest.mark.parametrize("count", [None, 0])
def test_a_part_that_shows_no_approvals_does_not_tell_whether_a_pull_request_is_asked_for(
    company: Company, count: int | None
) -> None:
    company.github.part = {**PART, "requiredApprovingReviewCount": count}
    found = company.rule()
    assert isinstance(found.pull_request, Unavailable)
    assert isinstance(found.approvals, Unavailable) is (count is None)


def test_a_rule_that_is_refused_is_not_known_and_the_rest_is(company: Company) -> None:
    company.github.rules = listed(rule("DELETION"))
    company.refuse("protected", "ref", "branchProtectionRule")
    found = company.branch()
    assert found.rule == Unavailable(f"GitHub answered: {FORBIDDEN}", "Administration: read")
    assert found.rulesets[0].no_deletion is True
    assert found.merge_queue is False


def test_who_may_push_that_is_refused_is_not_known_and_the_rest_is(company: Company) -> None:
    company.github.rule = protection(restrictsPushes=True, dismissesStaleReviews=True)
    company.refuse("protected", "ref", "branchProtectionRule", "pushAllowances", kind="SOME")
    found = company.rule()
    assert found.pushers == Unavailable(f"GitHub answered: {FORBIDDEN}")
    assert found.dismisses_stale is True
    company.github.spoil = lambda name, variables, data: []
    company.github.rule = protection(restrictsPushes=True, pushAllowances=None)
    lost = company.rule().pushers
    assert lost == Unavailable("GitHub answered nothing for pushAllowances")


def test_a_branch_that_is_gone_is_not_known(company: Company) -> None:
    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        for part in ("protected", "ruled"):
            if part in data and name == "controls_branch":
                data[part]["ref"] = None
        return []

    company.github.spoil = spoil
    found = company.branch()
    assert found.rule == found.rulesets == Unavailable("GitHub does not show the branch")


def test_an_answer_without_data_is_every_part_refused(company: Company) -> None:
    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        data.clear()
        paths = ("settings", "deployed", "ruled", "protected", "queued")
        return [{"type": "FORBIDDEN", "path": [path], "message": FORBIDDEN} for path in paths]

    company.github.spoil = spoil
    found = company.branch()
    settings = read_settings(company.store, HOST, REPOSITORY)[-1]
    for lost in (
        found.rule,
        found.rulesets,
        found.merge_queue,
        settings.merging,
        settings.environments,
        settings.dormant,
    ):
        assert isinstance(lost, Unavailable)
        assert lost.reason == f"GitHub answered: {FORBIDDEN}"
        assert lost.permission


# Rulesets ---------------------------------------------------------------------------------------


REVIEWED: Json = {
    "requiredApprovingReviewCount": 2,
    "dismissStaleReviewsOnPush": True,
    "requireCodeOwnerReview": True,
    "requireLastPushApproval": True,
    "requiredReviewThreadResolution": True,
}


def test_what_a_ruleset_asks_is_all_of_its_rules(company: Company) -> None:
    company.github.rules = listed(
        rule("PULL_REQUEST", **REVIEWED),
        rule("NON_FAST_FORWARD"),
        rule("DELETION"),
        rule("MERGE_QUEUE"),
        rule("UPDATE"),
        rule(
            "REQUIRED_STATUS_CHECKS",
            strictRequiredStatusChecksPolicy=True,
            requiredStatusChecks=[{"context": "build"}],
        ),
        rule("REQUIRED_DEPLOYMENTS", requiredDeploymentEnvironments=["staging"]),
        rule("WORKFLOWS", workflows=[{"path": ".github/workflows/scan.yml"}]),
        rule("REQUIRED_SIGNATURES"),
    )
    company.github.queue = {"id": "MQ"}
    assert company.of_ruleset() == Guard(
        name="ruleset 'Production'",
        exempt=(),
        pull_request=True,
        approvals=2,
        dismisses_stale=True,
        code_owners=True,
        last_push=True,
        conversations=True,
        checks=("build",),
        workflows=(".github/workflows/scan.yml",),
        environments=("staging",),
        up_to_date=True,
        no_force_pushes=True,
        no_deletion=True,
        pushers=(),
        merge_queue=True,
    )
    assert company.branch().merge_queue is True


@pytest.mark.parametrize("kind", ["MERGE_QUEUE", "LOCK_BRANCH", "PULL_REQUEST"])
def test_a_rule_that_lets_nothing_in_but_a_pull_request(company: Company, kind: str) -> None:
    company.github.rules = listed(rule(kind))
    found = company.of_ruleset()
    assert (found.pull_request, found.approvals) == (True, 0)


def test_an_own_rule_for_threads_asks_that_they_be_resolved(company: Company) -> None:
    company.github.rules = listed(rule("REQUIRED_REVIEW_THREAD_RESOLUTION"))
    assert company.of_ruleset().conversations is True


def test_strictness_without_a_check_is_none(company: Company) -> None:
    company.github.rules = listed(
        rule("REQUIRED_STATUS_CHECKS", strictRequiredStatusChecksPolicy=True)
    )
    assert company.of_ruleset().up_to_date is False


@pytest.mark.parametrize(
    ("actor", "exempt"),
    [
        (bypass(organizationAdmin=True), Exempt("owners of the organisation", Bypass.EVERYTHING)),
        (bypass(deployKey=True), Exempt("deploy keys", Bypass.EVERYTHING)),
        (
            bypass("PULL_REQUEST", repositoryRoleName="admin"),
            Exempt("the repository role admin", Bypass.PULL_REQUESTS),
        ),
        (bypass(actor=team("acme/ops")), Exempt("team acme/ops", Bypass.EVERYTHING)),
        (bypass(), Exempt(UNNAMED, Bypass.EVERYTHING)),
        (None, Exempt(UNNAMED, Bypass.EVERYTHING)),
    ],
)
def test_who_may_bypass_a_ruleset(company: Company, actor: Json | None, exempt: Exempt) -> None:
    own = ruleset(bypassActors=listed(actor))
    company.github.rules = listed(rule("DELETION", own), rule("UPDATE", own))
    found = company.of_ruleset()
    assert found.exempt == (exempt,)
    assert found.pushers == (exempt.who,)


@pytest.mark.parametrize(
    ("actors", "permission"),
    [
        (None, "ADMIN"),
        ({"totalCount": 0, "nodes": None}, "ADMIN"),
        (listed(), "WRITE"),
        (listed(), None),
        (listed(bypass(), total=101), "ADMIN"),
    ],
)
def test_nobody_shown_to_whoever_may_not_edit_a_ruleset_is_not_nobody(
    company: Company, actors: Json | None, permission: str | None
) -> None:
    company.github.permission = permission
    own = ruleset(bypassActors=actors)
    company.github.rules = listed(rule("UPDATE", own))
    found = company.of_ruleset()
    assert isinstance(found.exempt, Unavailable)
    assert found.pushers == found.exempt


def test_rulesets_of_the_organisation_say_whose_they_are(company: Company) -> None:
    above = ruleset("Base", source={"__typename": "Organization", "login": "acme"})
    top = ruleset("Top", source={"__typename": "Enterprise", "slug": "acme-inc"})
    company.github.rules = listed(rule("DELETION", above), rule("UPDATE", top), rule("UPDATE", {}))
    assert [each.name for each in company.branch().rulesets] == [
        "ruleset 'Base' of acme",
        "ruleset 'Top' of acme-inc",
        "a ruleset that GitHub does not show",
    ]
    hidden = read_branch(company.store, HOST, REPOSITORY, "main")[-1].rulesets[-1]  # type: ignore[index]
    assert isinstance(hidden.exempt, Unavailable)
    assert company.github.got == ["/orgs/acme/rulesets/7/history?per_page=100"]


@pytest.mark.parametrize(
    "rules",
    [
        listed(rule("DELETION"), total=2),
        listed(rule("DELETION"), None),
        listed(rule("DELETION"), more=True),
        None,
    ],
)
def test_rules_that_are_not_all_there_are_not_known(company: Company, rules: Any) -> None:
    company.github.rules = rules
    assert isinstance(company.branch().rulesets, Unavailable)


# The history of rulesets ------------------------------------------------------------------------


def test_the_history_of_a_ruleset_is_asked_once_and_read_in_order(company: Company) -> None:
    company.github.rules = listed(rule("DELETION"), rule("UPDATE"))
    company.github.history = (
        200,
        [
            {
                "version_id": 2,
                "actor": {"id": 5, "type": "User"},
                "updated_at": "2026-03-01T00:00:00Z",
            },
            {"version_id": 1, "actor": None, "updated_at": WHEN},
        ],
    )
    company.collect()
    assert company.github.got == [f"/repos/{REPOSITORY}/rulesets/7/history?per_page=100"]
    (found,) = read_rulesets(company.store, HOST, REPOSITORY, "main")
    assert found.name == "ruleset 'Production'"
    assert isinstance(found.versions, tuple)
    assert [(each.at, each.by) for each in found.versions] == [
        (at("01-01"), ""),
        (at("03-01"), "User 5"),
    ]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_history_that_is_not_served_is_said_not_to_be(company: Company, status: int) -> None:
    company.github.rules = listed(rule("DELETION"), None)
    company.github.rules["totalCount"] = 1
    company.github.history = (status, {"message": "no"})
    company.collect()
    (found,) = read_rulesets(company.store, HOST, REPOSITORY, "main")
    assert isinstance(found.versions, Unavailable)
    assert f"HTTP {status}" in found.versions.reason
    assert found.versions.permission == "Administration: write"
    (kept,) = company.store.history(HOST, f"{REPOSITORY}@ruleset RRS_Production", HISTORY_KIND)
    assert kept.answer.status == status


@pytest.mark.parametrize(
    "own",
    [
        ruleset(databaseId=None),
        ruleset(source=None),
        ruleset(source={"__typename": "Enterprise", "slug": "acme-inc"}),
    ],
)
def test_a_ruleset_whose_history_no_repository_has_is_not_asked_about(
    company: Company, own: Json
) -> None:
    company.github.rules = listed(rule("DELETION", own))
    company.collect()
    assert company.github.got == []
    (found,) = read_rulesets(company.store, HOST, REPOSITORY, "main")
    assert isinstance(found.versions, Unavailable)


def test_a_history_that_is_no_list_is_a_store_that_cannot_be_read(company: Company) -> None:
    company.github.rules = listed(rule("DELETION"))
    company.github.history = (200, {"surprise": True})
    company.collect()
    with pytest.raises(StoreError, match=r"controls\.history"):
        read_rulesets(company.store, HOST, REPOSITORY, "main")


# The settings of a repository -------------------------------------------------------------------


def test_the_ways_of_merging_are_those_that_are_on(company: Company) -> None:
    assert company.settings().merging == ("squash", "auto-merge")


def test_the_reviewers_of_environments(company: Company) -> None:
    reviewers = {"type": "REQUIRED_REVIEWERS", "preventSelfReview": True}
    company.github.environments = listed(
        {"name": "dev", "protectionRules": {"nodes": [{"type": "WAIT_TIMER"}]}},
        {"name": "gone", "protectionRules": None},
        {
            "name": "prod",
            "protectionRules": {
                "nodes": [{**reviewers, "reviewers": listed(team("acme/leads"), {"login": "lee"})}]
            },
        },
        {
            "name": "many",
            "protectionRules": {"nodes": [{**reviewers, "reviewers": listed(None, total=11)}]},
        },
        {"name": "odd", "protectionRules": {"nodes": [{**reviewers, "reviewers": None}]}},
        {
            "name": "own",
            "protectionRules": {
                "nodes": [
                    {**reviewers, "preventSelfReview": None, "reviewers": listed({"login": "lee"})}
                ]
            },
        },
    )
    found = company.settings().environments
    assert found[:3] == (
        Environment("dev", (), False),
        Environment("gone", (), False),
        Environment("prod", ("team acme/leads", "lee"), False),
    )
    assert isinstance(found[3].reviewers, Unavailable)
    assert isinstance(found[4].reviewers, Unavailable)
    assert found[5] == Environment("own", ("lee",), True)


def test_environments_that_are_refused_take_nothing_else_with_them(company: Company) -> None:
    company.refuse("deployed", "environments")
    found = company.settings()
    assert found.environments == Unavailable(f"GitHub answered: {FORBIDDEN}", "Actions: read")
    assert found.merging
    assert found.dormant == ()


def test_settings_that_are_refused_or_missing_are_not_known(company: Company) -> None:
    company.refuse("settings")
    assert company.settings().merging == Unavailable(
        f"GitHub answered: {FORBIDDEN}", "Administration: read"
    )
    company.github.spoil = lambda name, variables, data: data.pop("settings", None) and []
    assert company.settings().merging == Unavailable("GitHub answered nothing for them")


def test_rulesets_that_are_not_in_force_are_told_apart(company: Company) -> None:
    names = {"refName": {"include": ["~ALL"], "exclude": ["refs/heads/x"]}}
    company.github.rulesets = listed(
        {"name": "on", "enforcement": "ACTIVE", "target": "BRANCH", "conditions": names},
        {"name": "off", "enforcement": "DISABLED", "target": None, "conditions": names},
        {"name": "try", "enforcement": "EVALUATE", "target": "BRANCH", "conditions": names},
        {"name": "tags", "enforcement": "DISABLED", "target": "TAG", "conditions": names},
        {"name": "push", "enforcement": "DISABLED", "target": "BRANCH", "conditions": {}},
    )
    assert company.settings().dormant == (
        DormantRuleset("off", "disabled", ("~ALL",), ("refs/heads/x",)),
        DormantRuleset("try", "evaluate", ("~ALL",), ("refs/heads/x",)),
    )


# Earlier servers --------------------------------------------------------------------------------

NO_RULESETS = "Field 'rulesets' doesn't exist on type 'Repository'"


def test_a_server_that_knows_no_rulesets_has_none(company: Company) -> None:
    company.github.unknown = {"controls": NO_RULESETS}
    company.github.rule = protection(dismissesStaleReviews=True)
    found = company.branch()
    assert company.github.kinds() == [
        "controls_before_rulesets",
        "controls_branch_before_rulesets",
    ]
    assert (found.rulesets, found.merge_queue) == ((), False)
    assert found.rule.dismisses_stale is True
    assert read_settings(company.store, HOST, REPOSITORY)[-1].dormant == ()


def test_a_server_that_does_not_tell_which_rules_apply_may_have_any(company: Company) -> None:
    company.github.unknown = {"controls_branch": "Field 'rules' doesn't exist on type 'Ref'"}
    found = company.branch()
    assert isinstance(found.rulesets, Unavailable)
    assert isinstance(found.merge_queue, Unavailable)
    assert found.rule is None


def test_another_field_that_a_server_does_not_know_is_an_error(company: Company) -> None:
    company.github.unknown = {"controls": "Field 'settings' doesn't exist on type 'Query'"}
    with pytest.raises(CollectError, match="settings"):
        company.collect()
    assert company.store.counts() == ()


def test_the_kinds_are_those_that_are_stored(company: Company) -> None:
    company.github.rules = listed(rule("DELETION"))
    company.collect()
    assert {count.kind for count in company.store.counts()} == set(controls.KINDS)
    assert {KIND, BRANCH_KIND, HISTORY_KIND} == set(controls.KINDS)
