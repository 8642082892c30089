"""What settings leave open: each control by what guards a branch, whom it does not hold, and how
much of it is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from changeaudit.controls import (
    OF_BRANCHES,
    OF_REPOSITORIES,
    controls_of_branch,
    controls_of_repository,
    limitations,
    repository_design,
)
from changeaudit.design import NOT_KNOWN, Control, Design, RepositoryDesign, Severity
from changeaudit.policy import STEP_IDS, Policy
from changeaudit.protections import (
    Bypass,
    DormantRuleset,
    Environment,
    Exempt,
    Guard,
    GuardedBranch,
    RepositorySettings,
    Ruleset,
    RulesetVersion,
)
from changeaudit.records import CodeOwners, Repository, Template, Unavailable
from changeaudit.verdicts import Outcome, PolicyInfo, Run

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HIDDEN = Unavailable("GitHub hides it", "Administration: read")
TEMPLATE = Template("t.md", "## Security checklist\n\n- [ ] No secrets\n- [x] Safe input\n", NOW)
OWNERS = CodeOwners("CODEOWNERS", "* @acme/dev\n", NOW)
REPOSITORY = Repository(
    "github.test", "acme/payments", 1, "https://github.test/r", "main", (TEMPLATE,), NOW, OWNERS
)
SETTINGS = RepositorySettings(("squash",), (), (), NOW, "d1")
STRICT = Guard(
    name="ruleset 'Strict'",
    exempt=(),
    pull_request=True,
    approvals=2,
    dismisses_stale=True,
    code_owners=True,
    last_push=True,
    conversations=True,
    checks=("build", "staging / deploy"),
    up_to_date=True,
    no_force_pushes=True,
    no_deletion=True,
    pushers=("team acme/leads",),
)
PASS, OPEN = Outcome.PASS, Outcome.EXCEPTION
UNKNOWN, IDLE = Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE


def policy(**said: Any) -> Policy:
    return Policy.model_validate({"version": 1, **said})


DEFAULT = policy()
BY_OWNERS = policy(roles={"peer": {"codeowners": True}})
WITH_LEADS = policy(roles={"lead": {"teams": ["acme/leads"]}})
STAGED = policy(qa={"staging_checks": ["staging*"]})


def branch(
    *rulesets: Guard,
    rule: Guard | Unavailable | None = None,
    unread: Unavailable | None = None,
    queue: bool | Unavailable = False,
    name: str = "main",
    at: datetime = NOW,
) -> GuardedBranch:
    return GuardedBranch(name, rule, unread or rulesets, queue, at, "d2")


def but(guard: Guard = STRICT, **changes: Any) -> Guard:
    return msgspec.structs.replace(guard, **changes)


def judged(
    name: str,
    of: GuardedBranch,
    by: Policy = DEFAULT,
    repository: Repository = REPOSITORY,
    settings: RepositorySettings | None = SETTINGS,
) -> Control:
    found = {c.name: c for c in controls_of_branch(of, by, repository, settings)}
    return found[name]


def of_repository(
    name: str,
    settings: RepositorySettings = SETTINGS,
    by: Policy = DEFAULT,
    **facts: Any,
) -> Control:
    repository = msgspec.structs.replace(REPOSITORY, **facts)
    return {c.name: c for c in controls_of_repository(settings, by, repository)}[name]


# One guard --------------------------------------------------------------------------------------


def test_a_branch_that_all_is_asked_of_leaves_nothing_open() -> None:
    by = policy(
        roles={"lead": {"teams": ["acme/leads"]}, "peer": {"codeowners": True}},
        qa={"staging_checks": ["staging*"]},
    )
    found = controls_of_branch(branch(STRICT), by, REPOSITORY, SETTINGS)
    assert {c.name: c.outcome for c in found if c.outcome is not PASS} == {
        "merge_queue": IDLE,
        "rulesets_enforced": IDLE,
    }
    assert not any(control.severity for control in found)


def test_a_branch_that_nothing_guards_leaves_everything_open() -> None:
    """What depends on something that is missing is not told as a finding of its own."""
    found = {
        c.name: (c.outcome, c.severity) for c in controls_of_branch(branch(), DEFAULT, REPOSITORY)
    }
    assert found == {
        "pull_request_required": (OPEN, Severity.HIGH),
        "approvals_required": (OPEN, Severity.HIGH),
        "stale_approvals_dismissed": (IDLE, None),
        "last_push_approved": (IDLE, None),
        "code_owners_review": (IDLE, None),
        "conversations_resolved": (IDLE, None),
        "checks_required": (OPEN, Severity.MEDIUM),
        "up_to_date": (IDLE, None),
        "merge_queue": (IDLE, None),
        "merging_restricted": (IDLE, None),
        "force_pushes_blocked": (OPEN, Severity.HIGH),
        "deletion_blocked": (OPEN, Severity.MEDIUM),
        "nobody_exempt": (IDLE, None),
        "rulesets_enforced": (IDLE, None),
    }


ONE = [
    ("pull_request_required", {"pull_request": False}, OPEN, "not required"),
    ("pull_request_required", {"pull_request": HIDDEN}, UNKNOWN, NOT_KNOWN),
    ("approvals_required", {"approvals": 0}, OPEN, "none required"),
    ("approvals_required", {"approvals": 1}, OPEN, "1 required"),
    ("approvals_required", {"approvals": 2}, PASS, "2 required"),
    ("approvals_required", {"approvals": HIDDEN}, UNKNOWN, NOT_KNOWN),
    ("stale_approvals_dismissed", {"dismisses_stale": False}, OPEN, "off"),
    ("stale_approvals_dismissed", {"dismisses_stale": HIDDEN}, UNKNOWN, NOT_KNOWN),
    (
        "stale_approvals_dismissed",
        {"dismisses_stale": False, "approvals": 0, "code_owners": False},
        IDLE,
        "off",
    ),
    ("stale_approvals_dismissed", {"approvals": 0, "code_owners": False}, IDLE, "on"),
    ("stale_approvals_dismissed", {"dismisses_stale": False, "approvals": 0}, OPEN, "off"),
    (
        "stale_approvals_dismissed",
        {"dismisses_stale": False, "approvals": HIDDEN, "code_owners": False},
        OPEN,
        "off",
    ),
    ("last_push_approved", {"last_push": False}, OPEN, "off"),
    ("last_push_approved", {}, PASS, "on"),
    ("code_owners_review", {"code_owners": False}, IDLE, "not required"),
    ("code_owners_review", {"code_owners": HIDDEN}, IDLE, NOT_KNOWN),
    ("conversations_resolved", {"conversations": False}, OPEN, "may stay open"),
    ("conversations_resolved", {"conversations": HIDDEN}, UNKNOWN, NOT_KNOWN),
    (
        "conversations_resolved",
        {"conversations": False, "pull_request": False},
        IDLE,
        "may stay open",
    ),
    ("checks_required", {"checks": ()}, OPEN, "none required"),
    ("checks_required", {"checks": HIDDEN}, UNKNOWN, NOT_KNOWN),
    ("checks_required", {"checks": (), "workflows": ("scan.yml",)}, PASS, "scan.yml"),
    ("checks_required", {"checks": ("a",), "environments": HIDDEN}, PASS, "a"),
    ("up_to_date", {"up_to_date": False}, OPEN, "not required"),
    ("up_to_date", {"up_to_date": HIDDEN}, UNKNOWN, NOT_KNOWN),
    ("up_to_date", {"up_to_date": False, "checks": ()}, IDLE, "not required"),
    ("up_to_date", {"up_to_date": False, "checks": HIDDEN}, OPEN, "not required"),
    ("merging_restricted", {"pushers": None}, IDLE, "whoever may write"),
    ("merging_restricted", {"pushers": HIDDEN}, IDLE, NOT_KNOWN),
    ("merging_restricted", {"pushers": ()}, PASS, "nobody"),
    ("merging_restricted", {}, PASS, "team acme/leads"),
    ("force_pushes_blocked", {"no_force_pushes": False}, OPEN, "allowed"),
    ("force_pushes_blocked", {"no_force_pushes": HIDDEN}, UNKNOWN, NOT_KNOWN),
    ("deletion_blocked", {"no_deletion": False}, OPEN, "allowed"),
    ("deletion_blocked", {"no_deletion": HIDDEN}, UNKNOWN, NOT_KNOWN),
    ("nobody_exempt", {}, PASS, "nobody"),
    ("nobody_exempt", {"exempt": HIDDEN}, UNKNOWN, NOT_KNOWN),
]


@pytest.mark.parametrize(("name", "changes", "outcome", "setting"), ONE)
def test_a_setting_of_the_only_guard(
    name: str, changes: dict[str, Any], outcome: Outcome, setting: str
) -> None:
    for of in (branch(but(**changes)), branch(rule=but(**changes))):
        found = judged(name, of)
        assert (found.outcome, found.setting) == (outcome, setting)
        if outcome is UNKNOWN or setting == NOT_KNOWN:
            assert found.unread
            assert (found.reason, found.permission) == ("GitHub hides it.", HIDDEN.permission)


# Several guards ---------------------------------------------------------------------------------

BARE = Guard(name="ruleset 'Bare'", exempt=())


@pytest.mark.parametrize("name", [name for name, *_ in OF_BRANCHES if name != "nobody_exempt"])
def test_what_one_guard_asks_is_asked_whatever_the_others_leave_out(name: str) -> None:
    alone = judged(name, branch(STRICT))
    for of in (branch(BARE, STRICT), branch(STRICT, BARE), branch(BARE, rule=STRICT)):
        assert judged(name, of) == alone


@pytest.mark.parametrize(
    "name",
    [
        "pull_request_required",
        "approvals_required",
        "stale_approvals_dismissed",
        "last_push_approved",
        "conversations_resolved",
        "checks_required",
        "up_to_date",
        "force_pushes_blocked",
        "deletion_blocked",
        "nobody_exempt",
    ],
)
@pytest.mark.parametrize("guards", [(), (BARE,)])
def test_what_is_missing_may_stand_where_nobody_could_read(
    name: str, guards: Sequence[Guard]
) -> None:
    for of in (branch(*guards, rule=HIDDEN), branch(rule=BARE if guards else None, unread=HIDDEN)):
        found = judged(name, of)
        assert found.outcome is UNKNOWN
        assert found.permission == HIDDEN.permission


@pytest.mark.parametrize("name", ["pull_request_required", "approvals_required", "checks_required"])
def test_what_is_there_is_there_though_something_else_could_not_be_read(name: str) -> None:
    assert judged(name, branch(STRICT, rule=HIDDEN)).outcome is PASS


def test_the_most_approvals_that_any_guard_asks_for_count() -> None:
    one, two = but(approvals=1), but(approvals=2)
    assert judged("approvals_required", branch(one, two)).setting == "2 required"
    found = judged("approvals_required", branch(one, rule=HIDDEN))
    assert (found.outcome, found.setting) == (UNKNOWN, "1 or more required")


@pytest.mark.parametrize(
    ("said", "needed"),
    [
        ({}, 2),
        ({"final_approval": {"peer_may_be_lead": True}}, 1),
        ({"peer_review": {"approvals": 2}}, 3),
        ({"peer_review": {"approvals": 2}, "final_approval": {"peer_may_be_lead": True}}, 2),
    ],
)
def test_as_many_must_approve_as_the_policy_needs_people(said: Any, needed: int) -> None:
    by = policy(**said)
    for count in range(1, 4):
        found = judged("approvals_required", branch(but(approvals=count)), by)
        assert (found.outcome is PASS) is (count >= needed)
        if count < needed:
            assert found.severity is Severity.MEDIUM
            assert f"approval of {needed} people" in found.reason


# Against the policy -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("guard", "file", "outcome"),
    [
        ({}, OWNERS, PASS),
        ({}, None, OPEN),
        ({}, CodeOwners("CODEOWNERS", None, NOW), OPEN),
        ({}, HIDDEN, PASS),
        ({"code_owners": False}, OWNERS, OPEN),
        ({"code_owners": HIDDEN}, OWNERS, UNKNOWN),
    ],
)
def test_code_owners_that_the_policy_counts_on(guard: Any, file: Any, outcome: Outcome) -> None:
    repository = msgspec.structs.replace(REPOSITORY, codeowners=file)
    found = judged("code_owners_review", branch(but(**guard)), BY_OWNERS, repository)
    assert found.outcome is outcome


@pytest.mark.parametrize(
    ("guard", "outcome", "severity"),
    [
        ({}, PASS, None),
        ({"checks": (), "environments": ("staging",)}, PASS, None),
        ({"checks": ("build",)}, OPEN, Severity.HIGH),
        ({"checks": ()}, OPEN, Severity.HIGH),
        ({"checks": ("build",), "environments": HIDDEN}, UNKNOWN, None),
        ({"checks": HIDDEN}, UNKNOWN, None),
    ],
)
def test_the_checks_that_show_the_test_in_staging(
    guard: Any, outcome: Outcome, severity: Severity | None
) -> None:
    found = judged("checks_required", branch(but(**guard)), STAGED)
    assert (found.outcome, found.severity) == (outcome, severity)
    if outcome is OPEN:
        assert "staging*" in found.reason


@pytest.mark.parametrize(
    ("by", "pushers", "outcome"),
    [
        (WITH_LEADS, None, OPEN),
        (WITH_LEADS, HIDDEN, UNKNOWN),
        (WITH_LEADS, ("lee",), PASS),
        (policy(final_approval={"mergers": ["lee"]}), None, OPEN),
    ],
)
def test_who_may_merge_where_the_policy_says_who(
    by: Policy, pushers: Any, outcome: Outcome
) -> None:
    assert judged("merging_restricted", branch(but(pushers=pushers)), by).outcome is outcome


def test_an_override_for_the_repository_is_laid_over_the_policy() -> None:
    by = policy(
        overrides=[
            {
                "name": "payments",
                "repositories": ["acme/payments"],
                "set": {"peer_review": {"approvals": 4}},
            }
        ]
    )
    found = repository_design([REPOSITORY], [SETTINGS], [[branch(STRICT)]], [], by)
    told = {c.name: c for c in found.places[1].controls}
    assert told["approvals_required"].outcome is OPEN


def test_the_merge_queue_tests_the_newest_base() -> None:
    of = branch(but(up_to_date=False), queue=True)
    assert judged("up_to_date", of).outcome is PASS
    assert judged("merge_queue", of).outcome is PASS
    hidden = branch(but(up_to_date=False), queue=HIDDEN)
    assert judged("up_to_date", hidden).outcome is UNKNOWN
    assert judged("merge_queue", hidden).outcome is IDLE
    assert judged("merge_queue", hidden).unread


# Who is exempt ----------------------------------------------------------------------------------

ADMINS = (Exempt("administrators", Bypass.EVERYTHING),)
LAX = but(name="protection rule 'main'", exempt=ADMINS)


@pytest.mark.parametrize("may", list(Bypass))
def test_whoever_is_exempt_from_the_only_guard_is_a_finding(may: Bypass) -> None:
    found = judged("nobody_exempt", branch(but(exempt=(Exempt("team acme/ops", may),))))
    assert (found.outcome, found.severity) == (OPEN, Severity.HIGH)
    assert found.setting == "team acme/ops"
    assert f"team acme/ops: {may} (ruleset 'Strict')" in found.reason


@pytest.mark.parametrize(
    "other",
    [
        STRICT,
        but(approvals=6, checks=("build", "staging / deploy", "scan")),
    ],
)
def test_whoever_another_guard_holds_as_strictly_is_exempt_from_nothing(other: Guard) -> None:
    assert judged("nobody_exempt", branch(other, rule=LAX)).outcome is PASS


@pytest.mark.parametrize(
    "less",
    [
        {"approvals": 1},
        {"pull_request": False},
        {"checks": ("build",)},
        {"no_force_pushes": False},
        {"dismisses_stale": HIDDEN},
        {"exempt": HIDDEN},
        {"exempt": ADMINS},
    ],
)
def test_whoever_the_others_hold_less_strictly_is_exempt(less: Any) -> None:
    assert judged("nobody_exempt", branch(but(**less), rule=LAX)).outcome is OPEN


def test_guards_without_exceptions_hold_together() -> None:
    halves = but(checks=("build",)), but(checks=("staging / deploy",), approvals=1)
    assert judged("nobody_exempt", branch(*halves, rule=LAX)).outcome is PASS


@pytest.mark.parametrize(
    ("may", "demands", "outcome"),
    [
        (Bypass.FORCE_PUSHES, {"no_force_pushes": True}, OPEN),
        (Bypass.FORCE_PUSHES, {"approvals": 2, "pull_request": True}, PASS),
        (Bypass.PUSHES, {"pull_request": True}, OPEN),
        (Bypass.PUSHES, {"checks": ("build",)}, PASS),
        (Bypass.PULL_REQUESTS, {"checks": ("build",)}, OPEN),
        (Bypass.PULL_REQUESTS, {"pull_request": True, "no_deletion": True}, PASS),
        (Bypass.EVERYTHING, {"no_deletion": True}, OPEN),
        (Bypass.EVERYTHING, {}, PASS),
    ],
)
def test_an_exemption_is_from_what_it_frees_from(
    may: Bypass, demands: Any, outcome: Outcome
) -> None:
    guard = Guard(name="rule", exempt=(Exempt("lee", may),), **demands)
    assert judged("nobody_exempt", branch(guard)).outcome is outcome


def test_a_hidden_list_of_the_exempt_does_not_matter_where_others_hold_everybody() -> None:
    hidden = but(exempt=HIDDEN)
    assert judged("nobody_exempt", branch(STRICT, hidden)).outcome is PASS
    assert judged("nobody_exempt", branch(but(approvals=1), hidden)).outcome is UNKNOWN


def test_somebody_exempt_is_a_finding_though_more_may_be() -> None:
    assert judged("nobody_exempt", branch(but(exempt=HIDDEN), rule=LAX)).outcome is OPEN


flags: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "exempt": st.sampled_from([(), ADMINS, HIDDEN]),
        "pull_request": st.sampled_from([True, False, HIDDEN]),
        "approvals": st.sampled_from([0, 1, 2, HIDDEN]),
        "checks": st.sampled_from([(), ("build",), HIDDEN]),
        "no_force_pushes": st.booleans(),
        "code_owners": st.sampled_from([True, False, HIDDEN]),
    }
)


@given(
    st.lists(flags.map(lambda said: Guard(name="g", **said)), max_size=3),
    st.sampled_from([None, HIDDEN]),
)
def test_whatever_guards_it_every_control_has_a_reason_and_hiding_makes_nothing_better(
    guards: list[Guard], rule: Unavailable | None
) -> None:
    of = branch(*guards, rule=rule)
    found = controls_of_branch(of, STAGED, REPOSITORY, SETTINGS)
    assert [c.name for c in found] == [name for name, *_ in OF_BRANCHES]
    for control in found:
        assert control.setting
        assert (control.outcome is OPEN) == (control.severity is not None)
        assert control.reason or control.outcome is PASS
    all_hidden = branch(rule=HIDDEN, unread=HIDDEN, queue=HIDDEN)
    for control in controls_of_branch(all_hidden, STAGED, REPOSITORY, SETTINGS):
        assert control.outcome in (UNKNOWN, IDLE)


# Rulesets that are not in force -----------------------------------------------------------------


def dormant(*include: str, exclude: Sequence[str] = ()) -> RepositorySettings:
    found = DormantRuleset("Trial", "evaluate", include, tuple(exclude))
    return msgspec.structs.replace(SETTINGS, dormant=(found,))


@pytest.mark.parametrize(
    ("name", "include", "exclude", "concerned"),
    [
        ("main", "~DEFAULT_BRANCH", (), True),
        ("main", "~ALL", (), True),
        ("main", "refs/heads/main", (), True),
        ("main", "refs/heads/*", (), True),
        ("main", "refs/heads/**", (), True),
        ("main", "~ALL", ("refs/heads/ma*",), False),
        ("main", "refs/heads/release/*", (), False),
        ("release/1", "~DEFAULT_BRANCH", (), False),
        ("release/1", "refs/heads/*", (), False),
        ("release/1", "refs/heads/release/*", (), True),
        ("release/1", "refs/heads/**/*", (), True),
    ],
)
def test_a_ruleset_that_only_looks_like_a_control(
    name: str, include: str, exclude: Sequence[str], concerned: bool
) -> None:
    settings = dormant(include, exclude=exclude)
    found = judged("rulesets_enforced", branch(STRICT, name=name), settings=settings)
    assert found.outcome is (OPEN if concerned else IDLE)
    assert found.severity is (Severity.LOW if concerned else None)
    if concerned:
        assert found.setting == "'Trial' (evaluate)"
        alone = judged("rulesets_enforced", branch(name=name), settings=settings)
        assert alone.severity is Severity.MEDIUM
        unsure = judged("rulesets_enforced", branch(name=name, rule=HIDDEN), settings=settings)
        assert unsure.severity is Severity.LOW


def test_rulesets_that_could_not_be_listed_are_unread_and_no_finding() -> None:
    settings = msgspec.structs.replace(SETTINGS, dormant=HIDDEN)
    found = judged("rulesets_enforced", branch(STRICT), settings=settings)
    assert (found.outcome, found.unread) == (IDLE, True)
    assert judged("rulesets_enforced", branch(STRICT), settings=None).outcome is IDLE


# The repository ---------------------------------------------------------------------------------


def test_a_repository_in_order() -> None:
    found = controls_of_repository(SETTINGS, DEFAULT, REPOSITORY)
    assert [(c.name, c.outcome) for c in found] == [
        ("template", PASS),
        ("codeowners", PASS),
        ("environments", IDLE),
        ("merging", IDLE),
    ]
    assert found[3].setting == "squash"


@pytest.mark.parametrize(
    ("templates", "said", "outcome", "reason"),
    [
        (HIDDEN, {}, UNKNOWN, "GitHub hides it."),
        ((), {}, OPEN, "begins empty"),
        ((TEMPLATE,), {}, PASS, ""),
        ((Template("t.md", "## What\n", NOW),), {}, OPEN, 'under "Security checklist" in t.md'),
        ((Template("t.md", "## Security checklist\n- one\n", NOW),), {}, OPEN, "no checklist"),
        ((TEMPLATE, Template("u.md", "", NOW)), {}, OPEN, "in u.md."),
        ((TEMPLATE,), {"items": ["no secrets", "**Safe** input"]}, PASS, ""),
        ((TEMPLATE,), {"items": ["No secrets", "Logged"]}, OPEN, 't.md lacks "Logged".'),
    ],
)
def test_the_template_and_its_security_checklist(
    templates: Any, said: Any, outcome: Outcome, reason: str
) -> None:
    found = of_repository("template", by=policy(security_checklist=said), templates=templates)
    assert found.outcome is outcome
    assert reason in found.reason


@pytest.mark.parametrize(
    ("file", "by", "outcome", "setting"),
    [
        (OWNERS, DEFAULT, PASS, "CODEOWNERS, 1 line with owners"),
        (None, DEFAULT, IDLE, "no file"),
        (None, BY_OWNERS, OPEN, "no file"),
        (CodeOwners("CODEOWNERS", None, NOW), BY_OWNERS, OPEN, "no file"),
        (HIDDEN, DEFAULT, IDLE, NOT_KNOWN),
        (HIDDEN, BY_OWNERS, UNKNOWN, NOT_KNOWN),
        (CodeOwners("CODEOWNERS", HIDDEN, NOW), DEFAULT, UNKNOWN, "CODEOWNERS"),
        (CodeOwners("CODEOWNERS", "*.md\n", NOW), DEFAULT, OPEN, "CODEOWNERS, no owners"),
        (
            CodeOwners("CODEOWNERS", "* @a\n!x @b\n/y @c\n", NOW),
            DEFAULT,
            OPEN,
            "CODEOWNERS, 2 lines with owners",
        ),
    ],
)
def test_the_file_of_code_owners(file: Any, by: Policy, outcome: Outcome, setting: str) -> None:
    found = of_repository("codeowners", by=by, codeowners=file)
    assert (found.outcome, found.setting) == (outcome, setting)


@pytest.mark.parametrize(
    ("environments", "outcome", "setting", "reason"),
    [
        (HIDDEN, UNKNOWN, NOT_KNOWN, "GitHub hides it."),
        ((), IDLE, "none", "no environments"),
        ((Environment("prod", ("lee",), False),), PASS, "prod (lee)", ""),
        ((Environment("prod", (), False),), OPEN, "prod (no reviewers)", "deployment to prod."),
        ((Environment("prod", ("lee",), True),), OPEN, "prod (lee)", "own deployment to prod."),
        ((Environment("prod", HIDDEN, False),), UNKNOWN, "prod (not known)", "hides it."),
        ((Environment("prod", HIDDEN, True),), OPEN, "prod (not known)", "own deployment"),
        (
            (Environment("prod", HIDDEN, False), Environment("qa", ("lee",), False)),
            UNKNOWN,
            "prod (not known) and qa (lee)",
            "GitHub hides it.",
        ),
        (
            (Environment("prod", HIDDEN, False), Environment("qa", (), False)),
            OPEN,
            "prod (not known) and qa (no reviewers)",
            "to qa.",
        ),
    ],
)
def test_who_reviews_deployments(
    environments: Any, outcome: Outcome, setting: str, reason: str
) -> None:
    settings = msgspec.structs.replace(SETTINGS, environments=environments)
    found = of_repository("environments", settings)
    assert (found.outcome, found.setting) == (outcome, setting)
    assert reason in found.reason
    assert found.severity is (Severity.LOW if outcome is OPEN else None)


def test_ways_of_merging_are_told_and_not_judged() -> None:
    for merging, setting in ((HIDDEN, NOT_KNOWN), ((), "nothing"), (("a", "b"), "a, b")):
        settings = msgspec.structs.replace(SETTINGS, merging=merging)
        found = of_repository("merging", settings)
        assert (found.outcome, found.setting) == (IDLE, setting)


@pytest.mark.parametrize("entry", [*OF_BRANCHES, *OF_REPOSITORIES], ids=lambda entry: entry[0])
def test_every_control_supports_steps_of_the_procedure(entry: Any) -> None:
    _, title, steps, _ = entry
    assert title
    assert steps
    assert set(steps) <= set(STEP_IDS)


# From snapshot to snapshot ----------------------------------------------------------------------

DAY = timedelta(days=1)


def test_what_changed_between_snapshots_is_told_with_both_dates() -> None:
    snapshots = [
        branch(STRICT, at=NOW),
        branch(but(approvals=0), at=NOW + DAY),
        branch(but(approvals=0), at=NOW + 2 * DAY),
    ]
    found = repository_design([REPOSITORY], [], [snapshots], [], DEFAULT)
    (place,) = found.places
    assert place.branch == "main"
    assert place.as_of == NOW + 2 * DAY
    assert place.snapshots == (NOW, NOW + DAY, NOW + 2 * DAY)
    assert place.guards == ("ruleset 'Strict'",)
    (change,) = place.changes
    assert (change.name, change.before, change.after) == (
        "approvals_required",
        "2 required",
        "none required",
    )
    assert (change.seen_before, change.seen_after) == (NOW, NOW + DAY)


def test_each_snapshot_is_judged_by_the_facts_of_its_time() -> None:
    """The template went between the two, and a ruleset was switched off."""
    later = msgspec.structs.replace(REPOSITORY, templates=(), collected_at=NOW + DAY)
    off = dormant("~ALL")
    settings = [SETTINGS, msgspec.structs.replace(off, collected_at=NOW + DAY)]
    branches = [branch(STRICT, at=NOW), branch(STRICT, at=NOW + DAY)]
    found = repository_design([REPOSITORY, later], settings, [branches], [], DEFAULT)
    assert [[c.name for c in place.changes] for place in found.places] == [
        ["template"],
        ["rulesets_enforced"],
    ]


def test_facts_that_are_younger_than_a_snapshot_are_the_best_there_are() -> None:
    later = msgspec.structs.replace(REPOSITORY, collected_at=NOW + DAY)
    found = repository_design([later], [SETTINGS], [[branch(STRICT)], []], [], DEFAULT)
    assert len(found.places) == 2
    assert found.places[0].controls[0].outcome is PASS


def test_the_history_of_a_ruleset() -> None:
    told = Ruleset("r", NOW, NOW, (RulesetVersion(NOW, "User 5"),))
    lost = Ruleset("s", NOW, NOW, HIDDEN)
    one, other = repository_design([REPOSITORY], [], [], [told, lost], DEFAULT).rulesets
    assert [(each.at, each.by) for each in one.versions] == [(NOW, "User 5")]
    assert (one.unread, one.permission) == ("", "")
    assert (other.unread, other.permission) == (HIDDEN.reason, HIDDEN.permission)


# The whole --------------------------------------------------------------------------------------


def design(*repositories: RepositoryDesign) -> Design:
    run = Run(NOW, NOW, "0")
    info = PolicyInfo("p", "s", "d")
    return Design("x", run, info, repositories, limitations(repositories))


def test_a_design_is_whole_if_every_setting_of_some_branch_was_read() -> None:
    read = repository_design([REPOSITORY], [SETTINGS], [[branch(STRICT)]], [], DEFAULT)
    hidden = repository_design([REPOSITORY], [SETTINGS], [[branch(rule=HIDDEN)]], [], DEFAULT)
    nothing = repository_design([REPOSITORY], [SETTINGS], [], [], DEFAULT)
    assert design(read).whole
    assert not design(read, hidden).whole
    assert not design(read, nothing).whole
    assert not any(c.outcome is OPEN for c in design(read).controls(PASS))


def test_the_limitations_are_those_that_matter() -> None:
    snapshots = [branch(STRICT), branch(STRICT, at=NOW + DAY)]
    rulesets = [Ruleset("r", NOW, NOW, ())]
    several = repository_design([REPOSITORY], [], [snapshots], rulesets, DEFAULT)
    single = repository_design([REPOSITORY], [SETTINGS], [], [], DEFAULT)
    text = " ".join(design(several).limitations)
    assert "not those of a period" in text
    assert "changed and put back" in text
    assert "one snapshot alone" not in text
    assert "ruleset's history" in text
    assert "No production branch" not in text
    text = " ".join(design(single).limitations)
    assert "one snapshot alone" in text
    assert "changed and put back" not in text
    assert "ruleset's history" not in text
    assert "No production branch, by the policy, was found in acme/payments." in text
