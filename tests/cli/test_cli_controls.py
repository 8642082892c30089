"""`changeaudit controls`: snapshots are taken, judged and shown, with the exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from changeaudit.store import Store
from cli.command import TOKEN, Answer, Command, Done, served
from collectors.github.fake_github import Json
from collectors.github.test_controls_snapshots import (
    FORBIDDEN,
    NO_RULESETS,
    bypass,
    listed,
    protection,
    rule,
    ruleset,
)

pytestmark = pytest.mark.slow  # each test starts the program

TEMPLATE = "## Security checklist\n\n- [ ] No secrets\n"
STRICT: Json = {
    "requiresApprovingReviews": True,
    "requiredApprovingReviewCount": 2,
    "dismissesStaleReviews": True,
    "requireLastPushApproval": True,
    "requiresConversationResolution": True,
    "requiresStatusChecks": True,
    "requiresStrictStatusChecks": True,
    "requiredStatusCheckContexts": ["build"],
}
BIDI = "a\u202eevil[red]\x1b[2J"


class GitHub:
    """Answers what the command asks for."""

    def __init__(self) -> None:
        self.permission = "ADMIN"
        self.rule: Json | None = protection(**STRICT)
        self.rules = listed()
        self.environments: Json | None = listed()
        self.errors: list[Json] = []
        self.knows_rulesets = True
        self.branches = ["main"]
        self.asked: list[str] = []

    def __call__(self, body: bytes) -> Answer:
        sent = json.loads(body)
        found = re.match(r"\s*(?:#.*\s*)*query (\w+)", sent["query"])
        assert found
        self.asked.append(found[1])
        answer = getattr(self, f"answer_{found[1].lower()}")(sent["variables"])
        return 200, json.dumps(answer).encode()

    def get(self, path: str) -> Answer:
        self.asked.append(path)
        version = {"version_id": 1, "actor": {"id": 5, "type": "User"}}
        return 200, json.dumps([{**version, "updated_at": "2026-01-01T00:00:00Z"}]).encode()

    def answer_repository(self, variables: Json) -> Any:
        change = {"oid": "c", "committedDate": "2026-01-01T00:00:00Z"}
        target = {"id": "C", "oid": "c", "githubUpper": {"nodes": [change]}}
        repository = {
            "nameWithOwner": "acme/payments",
            "url": "https://github.test/acme/payments",
            "pullRequestTemplates": [
                {"filename": ".github/PULL_REQUEST_TEMPLATE.md", "body": TEMPLATE}
            ],
            **dict.fromkeys(("githubOwners", "rootOwners", "docsOwners")),
            "defaultBranchRef": {"name": "main", "target": target},
        }
        search = {"issueCount": 0}
        return {"data": {"repository": repository, "viewer": {"login": "x"}, "search": search}}

    def answer_branches(self, variables: Json) -> Any:
        refs = listed(*({"name": n, "target": {"id": "C", "oid": "c"}} for n in self.branches))
        return {"data": {"repository": {"refs": refs}}}

    def answer_controls(self, variables: Json) -> Any:
        if not self.knows_rulesets:
            return {"errors": [{"message": NO_RULESETS, "path": ["query Controls"]}]}
        found = self.answer_controlsbeforerulesets(variables)
        found["data"]["ruled"] = {"rulesets": listed()}
        return found

    def answer_controlsbeforerulesets(self, variables: Json) -> Any:
        settings = {
            "mergeCommitAllowed": True,
            "squashMergeAllowed": False,
            "rebaseMergeAllowed": False,
            "autoMergeAllowed": False,
            "deleteBranchOnMerge": False,
            "webCommitSignoffRequired": False,
        }
        deployed = self.environments and {"environments": self.environments}
        found: Json = {"data": {"settings": settings, "deployed": deployed}}
        return {**found, "errors": self.errors} if self.errors else found

    def answer_controlsbranch(self, variables: Json) -> Any:
        found = self.answer_controlsbranchbeforerulesets(variables)
        ruled = {"viewerPermission": self.permission, "ref": {"rules": self.rules}}
        return {"data": {**found["data"], "ruled": ruled, "queued": {"mergeQueue": None}}}

    def answer_controlsbranchbeforerulesets(self, variables: Json) -> Any:
        ref = {"name": variables["ref"], "branchProtectionRule": self.rule, "refUpdateRule": None}
        return {"data": {"protected": {"viewerPermission": self.permission, "ref": ref}}}


class Company:
    """The command, and the GitHub that it asks."""

    def __init__(self, command: Command, github: GitHub, address: str) -> None:
        self.command = command
        self.github = github
        self.address = address

    def __call__(self, *args: str, **environment: str) -> Done:
        access = {"GITHUB_API_URL": self.address, "GITHUB_TOKEN": TOKEN, **environment}
        return self.command("controls", *args, **access)

    def json(self, *args: str) -> Any:
        done = self("acme/payments", "--format", "json", *args)
        return json.loads(done.out)["repositories"][0]


@pytest.fixture
def company(changeaudit: Command) -> Iterator[Company]:
    github = GitHub()
    with served(github, github.get) as address:
        yield Company(changeaudit, github, address)


def outcomes(place: Json) -> dict[str, str]:
    return {control["name"]: control["outcome"] for control in place["controls"]}


def test_nothing_is_found_where_everything_is_asked_of_everybody(company: Company) -> None:
    done = company("acme/payments")
    assert done.code == 0, done.text
    assert "✓ Approving reviews              2 required" in done.text
    assert "Branch main, as of 2" in done.text
    assert "No findings; 0 could not be read" in done.text
    assert "Collected from 127.0.0.1" in done.err
    assert company.github.asked == ["Repository", "Controls", "ControlsBranch"]


def test_toothless_controls_are_findings(company: Company) -> None:
    company.github.rule = protection(
        requiresApprovingReviews=True, requiredApprovingReviewCount=0, isAdminEnforced=False
    )
    done = company("acme/payments", "--quiet")
    assert (done.code, done.err) == (1, "")
    assert "high   Approving reviews" in done.text
    assert "administrators of the repository" in done.text
    assert "Supports steps 3, 4 and 6." in re.sub(r"\s+", " ", done.text)


def test_what_could_not_be_read_is_no_finding_and_not_in_order(company: Company) -> None:
    company.github.permission = "WRITE"
    company.github.rule = None
    company.github.environments = None
    company.github.errors = [{"type": "FORBIDDEN", "path": ["deployed"], "message": FORBIDDEN}]
    done = company("acme/payments")
    assert done.code == 3, done.text
    text = re.sub(r"\s+", " ", done.text)
    assert text.count("The token needs Administration: read.") == 1
    assert f"GitHub answered: {FORBIDDEN}. The token needs Actions: read." in text
    assert "No findings; " in done.text


def test_a_policy_whose_branches_are_not_there_is_not_in_order(company: Company) -> None:
    path = company.command.folder / "policy.yaml"
    path.write_text("version: 1\nscope: {branches: ['release/*']}\n", encoding="utf-8")
    done = company("acme/payments")
    assert done.code == 3
    assert "No production branch, by the policy, was found" in done.text
    company.github.branches = ["release/1", "main"]
    found = company.json()
    assert [place["branch"] for place in found["places"]] == ["", "release/1"]


def test_a_server_that_knows_no_rulesets_is_judged_by_its_protection_rules(
    company: Company,
) -> None:
    company.github.knows_rulesets = False
    done = company("acme/payments")
    assert done.code == 0, done.text
    assert company.github.asked[1:] == [
        "Controls",
        "ControlsBeforeRulesets",
        "ControlsBranchBeforeRulesets",
    ]


def test_snapshots_are_kept_and_shown_offline_with_what_changed(company: Company) -> None:
    assert company("acme/payments").code == 0
    company.github.rule = protection(**{**STRICT, "requiredApprovingReviewCount": 1})
    live = company("acme/payments")
    assert live.code == 1
    assert "Approving reviews: 2 required → 1 required, between" in live.text
    asked = len(company.github.asked)
    offline = company("Acme/Payments", "--offline", GITHUB_TOKEN="")
    assert (offline.code, len(company.github.asked)) == (1, asked)
    assert offline.text == live.text
    (change,) = company.json("--offline")["places"][1]["changes"]
    assert (change["before"], change["after"]) == ("2 required", "1 required")


def test_the_history_of_a_ruleset_is_asked_for_and_shown(company: Company) -> None:
    company.github.rules = listed(rule("NON_FAST_FORWARD"))
    done = company("acme/payments")
    assert done.code == 0, done.text
    assert company.github.asked[-1].endswith("/rulesets/7/history?per_page=100")
    assert "- 2026-01-01T00:00:00Z by User 5" in done.text


def test_names_from_github_do_not_act_on_the_terminal(company: Company) -> None:
    exempt = listed(bypass(actor={"__typename": "App", "slug": BIDI}))
    own = ruleset(f"of {BIDI}", bypassActors=exempt)
    company.github.rules = listed(rule("PULL_REQUEST", own))
    company.github.rule = protection(**STRICT, pattern=BIDI, isAdminEnforced=False)
    for columns in ("80", "160"):
        done = company("acme/payments", COLUMNS=columns)
        assert done.code == 1
        assert "\x1b" not in done.text
        assert "\u202e" not in done.text
        assert r"a\u202eevil[red]\x1b[2J" in re.sub(r"\s+", "", done.text)


def test_without_a_snapshot_there_is_nothing_to_show_offline(company: Company) -> None:
    store = company.command.folder / "changeaudit.sqlite"
    done = company("acme/payments", "--offline")
    assert done.code == 4
    assert not store.exists()
    assert company("acme/payments").code == 0
    done = company("acme/other", "--offline")
    assert (done.code, "The store holds nothing of acme/other" in done.err) == (4, True)
    assert "hint: Take a snapshot: `changeaudit controls`, without --offline." in done.err


def test_facts_without_a_snapshot_are_none(company: Company, changeaudit: Command) -> None:
    assert company("acme/payments").code == 0
    with (
        Store.open(changeaudit.folder / "changeaudit.sqlite") as held,
        Store.open(changeaudit.folder / "facts.sqlite") as facts,
        facts.begin() as writer,
    ):
        for answer, items in held.everything():
            if answer.kind == "repository":
                writer.put(answer, items)
    done = company("acme/payments", "--offline", "--store", "facts.sqlite")
    assert done.code == 4
    assert "holds no snapshot of the settings of acme/payments" in done.err


def test_a_repository_that_is_not_there_is_an_error(company: Company) -> None:
    company.github.answer_repository = lambda variables: {  # type: ignore[method-assign]
        "data": {"repository": None},
        "errors": [{"type": "NOT_FOUND", "path": ["repository"], "message": "no"}],
    }
    done = company("acme/payments")
    assert done.code == 4
    assert "There is no repository acme/payments" in done.err


@pytest.mark.parametrize(
    "args", [(), ("payments",), ("acme/payments", "--format", "csv"), ("acme/*", "--offline")]
)
def test_wrong_usage_is_told(company: Company, args: tuple[str, ...]) -> None:
    assert company("acme/payments").code == 0
    assert company(*args).code == 2


def test_snapshots_are_no_source_of_an_audit(company: Company) -> None:
    """No verdict rests on them, so that an audit is the same with and without them."""
    from changeaudit.cli.evidence import sources_of
    from changeaudit.policy import Policy

    company.github.rules = listed(rule("DELETION"))
    assert company("acme/payments").code == 0
    source = company.address.removeprefix("http://").removesuffix("/api/v3")
    with Store.open(company.command.folder / "changeaudit.sqlite") as store:
        assert len({row.kind for row in store.counts()}) == 4
        found = sources_of(store, source, ["acme/payments"], [Policy()])
    assert [each.what for each in found] == ["facts of acme/payments"]
