"""5.2: the test in staging, on the head or on the commit that a merge queue tested."""

from __future__ import annotations

from typing import Any

import pytest

from builders import (
    DAY,
    GONE,
    check,
    clock,
    deployed,
    make_change,
    make_policy,
    queued,
    unqueued,
)
from changeaudit.records import Unavailable
from changeaudit.rules.staging import tested_in_staging as rule
from changeaudit.verdicts import Finding, Outcome

PASS, EXCEPTION, UNDETERMINED = Outcome.PASS, Outcome.EXCEPTION, Outcome.UNDETERMINED

OLD = {"collected_at": clock(91 * DAY)}


def judge(policy: dict[str, Any] | None = None, **facts: Any) -> Finding:
    finding = rule(make_change(**facts), make_policy(qa=policy or {}))
    assert finding.reason.endswith(".")
    assert ".." not in finding.reason
    return finding


# The head ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "why", "checks", "facts"),
    [
        pytest.param(
            PASS, "staging succeeded on the merged head head before", [check()], {}, id="succeeded"
        ),
        pytest.param(PASS, "", [check(kind="status", producer="jenkins")], {}, id="a status"),
        pytest.param(
            UNDETERMINED,
            "does not show what it was before",
            [check(kind="status", producer="jenkins", at=5, started=5)],
            {},
            id="a status that was set again since",
        ),
        pytest.param(
            UNDETERMINED,
            "does not show what it was before",
            [check(), check(kind="status", producer="jenkins", at=5, started=5)],
            {},
            id="a status that was set again since, beside a success",
        ),
        pytest.param(
            EXCEPTION, "staging, completed at", [check(at=5, started=4)], {}, id="a late check run"
        ),
        pytest.param(EXCEPTION, "0 completed checks", [], {}, id="none"),
        pytest.param(EXCEPTION, "1 completed check)", [check("unit")], {}, id="another check"),
        pytest.param(
            EXCEPTION, "0 completed checks", [check(commit="older")], {}, id="of another commit"
        ),
        pytest.param(
            EXCEPTION, "ended with failure", [check(conclusion="FAILURE")], {}, id="failed"
        ),
        pytest.param(EXCEPTION, "with skipped", [check(conclusion="SKIPPED")], {}, id="skipped"),
        pytest.param(EXCEPTION, "with neutral", [check(conclusion="NEUTRAL")], {}, id="neutral"),
        pytest.param(EXCEPTION, "with no conclusion", [check(conclusion="")], {}, id="nothing"),
        pytest.param(
            EXCEPTION, "with timed out", [check(conclusion="TIMED_OUT")], {}, id="timed out"
        ),
        pytest.param(
            EXCEPTION,
            "failure",
            [check(at=-90, id=1), check(conclusion="FAILURE", at=-80, id=2)],
            {},
            id="failure after success",
        ),
        pytest.param(
            PASS,
            "",
            [check(conclusion="FAILURE", at=-90, id=1), check(at=-80, id=2)],
            {},
            id="success after failure",
        ),
        pytest.param(
            PASS,
            "",
            [check(at=-90, id=1), check(conclusion="FAILURE", at=5, id=2)],
            {},
            id="a later run failed after the merge",
        ),
        pytest.param(
            EXCEPTION,
            "staging ended with failure on",
            [check(conclusion="FAILURE"), check(conclusion="FAILURE", producer="other")],
            {},
            id="both failed, which is said once",
        ),
        pytest.param(
            EXCEPTION,
            "failure",
            [check(), check(conclusion="FAILURE", producer="other")],
            {},
            id="one of two producers' failed",
        ),
        pytest.param(
            EXCEPTION,
            "staging, still running",
            [check(conclusion="IN_PROGRESS", at=None)],
            {},
            id="in progress",
        ),
        pytest.param(
            EXCEPTION,
            "staging, completed at 2026-03-10 12:05:00Z",
            [check(at=5)],
            {},
            id="completed after the merge",
        ),
        pytest.param(
            EXCEPTION,
            "staging, whose suite was created only at 2026-03-10 12:05:00Z",
            [check(at=-90, created=5)],
            {},
            id="an early completion of a suite from after the merge",
        ),
        pytest.param(
            UNDETERMINED,
            "in the very second of the merge",
            [check(at=-90, created=0)],
            {},
            id="of a suite from the second of the merge",
        ),
        pytest.param(
            PASS,
            "",
            [check(at=-90, id=1), check(conclusion="FAILURE", at=-80, created=5, id=2)],
            {},
            id="a later run of a later suite failed",
        ),
        pytest.param(PASS, "", [check(created=GONE)], {}, id="of an answer without suites"),
        pytest.param(
            UNDETERMINED, "in the very second of the merge", [check(at=0)], {}, id="same second"
        ),
        pytest.param(UNDETERMINED, "91 days after", [], OLD, id="none, and may have expired"),
        pytest.param(PASS, "", [check()], OLD, id="succeeded, long ago"),
        pytest.param(EXCEPTION, "", [], {"collected_at": clock(90 * DAY)}, id="none in 90 days"),
        pytest.param(UNDETERMINED, "did not answer", GONE, {}, id="checks unread"),
        pytest.param(
            UNDETERMINED,
            "not accessible (missing: Checks: read)",
            Unavailable("not accessible", "Checks: read"),
            {},
            id="a permission is missing",
        ),
        pytest.param(
            PASS, "", [check()], {"events": [queued(at=5)]}, id="queued only after the merge"
        ),
        pytest.param(
            UNDETERMINED,
            "could not be read",
            [check()],
            {"timeline": GONE},
            id="whether through a queue is unread",
        ),
    ],
)
def test_the_merged_head_was_tested_in_staging(
    outcome: Outcome, why: str, checks: Any, facts: dict[str, Any]
) -> None:
    finding = judge(checks=checks, **facts)
    assert finding.outcome is outcome
    assert why in finding.reason


def test_one_of_several_checks_is_enough_and_none_may_fail() -> None:
    policy = {"staging_checks": ["e2e / *", "smoke"]}
    finding = judge(policy, checks=[check("e2e / pay"), check("e2e / refund")])
    assert finding.outcome is PASS
    assert finding.reason.startswith("e2e / pay and e2e / refund succeeded")
    assert (
        judge(policy, checks=[check("e2e / pay"), check("smoke", "FAILURE")]).outcome is EXCEPTION
    )


def test_a_policy_without_staging_checks_leaves_it_open() -> None:
    finding = judge({"staging_checks": []})
    assert finding.outcome is UNDETERMINED
    assert "add qa.staging_checks" in finding.reason


# Whose checks count ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("apps", "producer", "kind", "counts"),
    [
        ([], "anybody", "check run", True),
        (["github-actions"], "github-actions", "check run", True),
        (["github-actions[bot]"], "github-actions", "check run", True),
        (["GitHub-Actions"], "github-actions", "check run", True),
        (["other", "github-actions"], "github-actions", "check run", True),
        (["github-actions"], "github-action", "check run", False),
        (["github-actions"], "", "check run", False),
        (["jenkins"], "jenkins", "status", True),
        (["jenkins"], "Jenkins", "status", True),
        (["ci-app"], "ci-app[bot]", "status", True),
        (["ci-app[bot]"], "ci-app[bot]", "status", True),
        (["ci-app[bot]"], "ci-app", "status", False),
        (["jenkins"], "dana", "status", False),
        (["jenkins"], "", "status", False),
    ],
)
def test_a_check_counts_if_the_policy_names_who_made_it(
    apps: list[str], producer: str, kind: str, counts: bool
) -> None:
    """A person's account may bear an app's name, but never with [bot] behind it."""
    finding = judge({"staging_apps": apps}, checks=[check(producer=producer, kind=kind)])
    assert finding.outcome is (PASS if counts else EXCEPTION)
    said = f"staging by {producer or 'an unknown app'}, whom qa.staging_apps does not name"
    assert (said in finding.reason) is not counts


def test_what_another_app_says_neither_passes_nor_fails() -> None:
    ours = {"staging_apps": ["github-actions"]}
    failed = check(conclusion="FAILURE", producer="other")
    assert judge(ours, checks=[check(), failed]).outcome is PASS
    finding = judge(ours, checks=[failed])
    assert "No staging had completed" in finding.reason
    assert [cited.who for cited in finding.evidence] == ["", "other"]


@pytest.mark.parametrize(("by", "outcome"), [("ci[bot]", PASS), ("dana", EXCEPTION)])
def test_a_deployment_counts_if_the_policy_names_who_says_that_it_succeeded(
    by: str, outcome: Outcome
) -> None:
    event = deployed(commit="head", status="SUCCESS", status_at=-80, status_by=by)
    assert judge({"staging_apps": ["ci"]}, checks=[], events=[event]).outcome is outcome


# Deployments -------------------------------------------------------------------------------------


def test_a_status_of_another_account_since_the_merge_may_hide_one_that_counts() -> None:
    for at, outcome in ((5, UNDETERMINED), (0, UNDETERMINED), (-5, EXCEPTION)):
        status = check(kind="status", producer="kim", at=at, started=at)
        assert judge({"staging_apps": ["jenkins"]}, checks=[status]).outcome is outcome


def to_staging(status: str = "SUCCESS", status_at: float | None = -80, **given: Any) -> Any:
    return deployed(**{"commit": "head", "status": status, "status_at": status_at, **given})


@pytest.mark.parametrize(
    ("outcome", "why", "events", "checks"),
    [
        pytest.param(
            PASS, "the deployment to staging succeeded on", [to_staging()], [], id="succeeded"
        ),
        pytest.param(
            UNDETERMINED, "in the very second", [to_staging(status_at=0)], [], id="same second"
        ),
        pytest.param(
            UNDETERMINED,
            "status, success, was set after the merge",
            [to_staging(status_at=5)],
            [],
            id="known by a later status alone",
        ),
        pytest.param(
            UNDETERMINED,
            "status, inactive, was set after the merge",
            [to_staging("INACTIVE", 5)],
            [],
            id="replaced after the merge",
        ),
        pytest.param(
            UNDETERMINED, "inactive by then", [to_staging("INACTIVE")], [], id="replaced before it"
        ),
        pytest.param(
            UNDETERMINED,
            "status, in progress, was set after the merge",
            [to_staging("IN_PROGRESS", 5)],
            [],
            id="on its way after the merge",
        ),
        pytest.param(
            UNDETERMINED,
            "status, queued, was set in the very second of the merge",
            [to_staging("QUEUED", 0)],
            [],
            id="queued in the second of the merge",
        ),
        pytest.param(
            UNDETERMINED,
            "in the very second",
            [to_staging(at=0, status_at=0)],
            [],
            id="all in the second of the merge",
        ),
        pytest.param(
            PASS,
            "",
            [to_staging(at=-75, status_at=-70), to_staging("FAILURE", -80, at=-90)],
            [],
            id="success after failure, whatever the order of the list",
        ),
        pytest.param(
            EXCEPTION,
            "failure",
            [to_staging(), to_staging("FAILURE", -70)],
            [],
            id="two of one second, the failure listed last",
        ),
        pytest.param(
            EXCEPTION,
            "failure",
            [to_staging(commit="older"), to_staging("QUEUED"), to_staging("FAILURE")],
            [check()],
            id="a failure among deployments that do not count",
        ),
        pytest.param(
            EXCEPTION,
            "the deployment to staging ended with failure",
            [to_staging("FAILURE")],
            [],
            id="failed",
        ),
        pytest.param(EXCEPTION, "error", [to_staging("ERROR")], [check()], id="check but failed"),
        pytest.param(EXCEPTION, "", [to_staging("IN_PROGRESS")], [], id="still on its way"),
        pytest.param(EXCEPTION, "", [to_staging("", None)], [], id="without a status"),
        pytest.param(
            EXCEPTION,
            "0 completed checks and 1 deployment)",
            [to_staging(commit="older")],
            [],
            id="of another commit",
        ),
        pytest.param(EXCEPTION, "", [to_staging(environment="canary")], [], id="elsewhere"),
        pytest.param(EXCEPTION, "", [to_staging(at=5, status_at=6)], [], id="a late deployment"),
        pytest.param(
            PASS,
            "",
            [to_staging("FAILURE", -85, at=-90), to_staging(at=-84)],
            [],
            id="success after failure",
        ),
        pytest.param(
            EXCEPTION,
            "failure",
            [to_staging(at=-90), to_staging("FAILURE", -70, at=-75)],
            [],
            id="failure after success",
        ),
        pytest.param(
            PASS,
            "",
            [to_staging(at=-90), to_staging("QUEUED", -70, at=-75)],
            [],
            id="of several, the latest that had ended",
        ),
        pytest.param(
            EXCEPTION,
            "failure",
            [to_staging("FAILURE", -70, at=-75), to_staging(at=-90)],
            [],
            id="whatever the order of the list",
        ),
        pytest.param(
            EXCEPTION,
            "failure",
            [to_staging("FAILURE", -70), to_staging()],
            [],
            id="two of one second",
        ),
        pytest.param(
            PASS, "staging succeeded", [to_staging("INACTIVE", 5)], [check()], id="a check besides"
        ),
        pytest.param(
            PASS, "staging and the deployment to staging", [to_staging()], [check()], id="both"
        ),
        pytest.param(
            UNDETERMINED,
            "Whether staging succeeded on the merged head head before the merge cannot be told",
            [to_staging("INACTIVE", 5)],
            [check(at=0)],
            id="a check in the second of the merge",
        ),
        pytest.param(
            UNDETERMINED,
            "neither which commit was deployed nor when it succeeded is told",
            [deployed("staging")],
            [],
            id="of an earlier version's answer",
        ),
        pytest.param(
            PASS, "", [deployed("staging")], [check()], id="of an earlier answer, and a check"
        ),
    ],
)
def test_a_deployment_of_the_merged_head_shows_the_test(
    outcome: Outcome, why: str, events: Any, checks: Any
) -> None:
    finding = judge(events=events, checks=checks)
    assert finding.outcome is outcome
    assert why in finding.reason


FAILED = check("staging-2", "FAILURE", id=2)
OF_QUEUE = {"events": [queued(at=-10), unqueued("merged")]}


@pytest.mark.parametrize(
    ("outcome", "facts", "cited"),
    [
        (PASS, {"checks": [check()], "events": [to_staging()]}, ["check_run", "deployment"]),
        (EXCEPTION, {"checks": [FAILED], "events": [to_staging()]}, ["check_run", "deployment"]),
        (
            UNDETERMINED,
            {"checks": [check(at=0)], "events": [to_staging(status_at=0)]},
            ["check_run", "deployment"],
        ),
        (UNDETERMINED, {"checks": [], "events": [deployed("staging")]}, ["deployment"]),
        (EXCEPTION, {"checks": []}, ["the"]),
        (EXCEPTION, {"checks": [check(at=5)]}, ["the", "check_run"]),
        (
            EXCEPTION,
            {**OF_QUEUE, "merge_commit_checks": [check("unit", at=-2, commit="merge")]},
            ["the"],
        ),
    ],
)
def test_every_run_that_was_looked_at_is_cited(
    outcome: Outcome, facts: dict[str, Any], cited: list[str]
) -> None:
    """By its page; where there was none, the page on which there was none."""
    finding = judge({"staging_checks": ["staging*"]}, **facts)
    assert finding.outcome is outcome
    assert [citation.what.split()[0] for citation in finding.evidence] == cited
    assert all(citation.url for citation in finding.evidence)


def test_a_deployment_whose_status_is_not_told_is_cited_by_who_started_it() -> None:
    (cited,) = judge(checks=[], events=[deployed("staging", by="dana", at=-90)]).evidence
    assert (cited.who, cited.at) == ("dana", clock(-90))


def test_a_deployment_is_cited_with_who_set_its_status_and_when() -> None:
    (cited,) = judge(events=[to_staging(status_by="ci[bot]")], checks=[]).evidence
    assert (cited.what, cited.who, cited.at) == (
        "deployment to staging: success",
        "ci[bot]",
        clock(-80),
    )


# The merge queue ---------------------------------------------------------------------------------


def on_merge(name: str = "staging", conclusion: str = "SUCCESS", **given: Any) -> Any:
    """A check on the merge commit, which the queue has had tested before the merge."""
    return check(name, conclusion, **{"at": -2, "commit": "merge", **given})


THROUGH = [queued(at=-10), unqueued("merged")]


@pytest.mark.parametrize(
    ("outcome", "why", "checks", "facts"),
    [
        pytest.param(
            PASS,
            "staging succeeded on the merge commit merge, which the merge queue tested, before",
            [on_merge()],
            {},
            id="succeeded",
        ),
        pytest.param(EXCEPTION, "with failure", [on_merge(conclusion="FAILURE")], {}, id="failed"),
        pytest.param(
            EXCEPTION,
            "No staging had completed on the merge commit merge, which the merge queue tested,",
            [on_merge("unit")],
            {},
            id="another check alone",
        ),
        pytest.param(
            EXCEPTION,
            "staging, completed at 2026-03-10 12:05:00Z",
            [on_merge("unit"), on_merge(at=5, started=4)],
            {},
            id="in staging only after the merge",
        ),
        pytest.param(
            UNDETERMINED,
            "no check of its merge commit merge was created before the merge",
            [on_merge(at=5, started=1)],
            {},
            id="nothing shows that the merge commit was tested",
        ),
        pytest.param(
            UNDETERMINED,
            "created before the merge",
            [on_merge(at=-2, created=1)],
            {},
            id="an app's own word that it was tested before",
        ),
        pytest.param(
            UNDETERMINED,
            "created before the merge",
            [on_merge(created=0)],
            {},
            id="a suite from the second of the merge",
        ),
        pytest.param(
            UNDETERMINED, "created before", [on_merge(created=GONE)], {}, id="no server time"
        ),
        pytest.param(UNDETERMINED, "created before", [], {}, id="no checks at all"),
        pytest.param(
            UNDETERMINED,
            "created before",
            [on_merge(commit="group")],
            {},
            id="checks of another commit",
        ),
        pytest.param(UNDETERMINED, "91 days after", [on_merge("unit")], OLD, id="may have expired"),
        pytest.param(
            UNDETERMINED,
            "of its merge commit merge the checks could not be read: they were not collected",
            Unavailable("they were not collected"),
            {},
            id="not collected",
        ),
        pytest.param(
            UNDETERMINED,
            "no access (missing: Checks: read)",
            Unavailable("no access", "Checks: read"),
            {},
            id="a permission is missing",
        ),
        pytest.param(
            UNDETERMINED,
            "its merge commit is not known",
            [on_merge()],
            {"merge_commit": None},
            id="no merge commit",
        ),
        pytest.param(
            UNDETERMINED,
            "its merge commit is not known",
            [on_merge()],
            {"merge_commit": GONE},
            id="the merge commit is unread",
        ),
        pytest.param(
            PASS,
            "the deployment to staging succeeded on the merge commit",
            [on_merge("unit")],
            {"events": [*THROUGH, to_staging(commit="merge", status_at=-3)]},
            id="a deployment of the merge commit",
        ),
        pytest.param(
            EXCEPTION,
            "",
            [on_merge("unit")],
            {"events": [*THROUGH, to_staging()]},
            id="a deployment of the head alone",
        ),
    ],
)
def test_in_a_merge_queue_the_merge_commit_was_tested(
    outcome: Outcome, why: str, checks: Any, facts: dict[str, Any]
) -> None:
    """The head's own check, which passed, decides nothing."""
    finding = judge(**{"events": THROUGH, "merge_commit_checks": checks, **facts})
    assert finding.outcome is outcome
    assert why in finding.reason


@pytest.mark.parametrize("reason", ["manual", "failed_checks", "already_merged", "Merge_Conflict"])
def test_a_change_that_left_the_queue_is_judged_by_its_head(reason: str) -> None:
    events = [queued(at=-30), unqueued(reason, at=-10)]
    facts: dict[str, Any] = {"events": events, "merge_commit_checks": [on_merge()]}
    assert judge(**facts, checks=[check()]).outcome is PASS
    finding = judge(**facts, checks=[])
    assert finding.outcome is EXCEPTION
    assert "the merged head" in finding.reason


def test_whether_it_left_the_queue_by_merging_may_not_be_told() -> None:
    """As in the answers to an earlier version of the program, which did not ask for the reason."""
    finding = judge(events=[queued(at=-10), unqueued(at=0)], merge_commit_checks=[on_merge()])
    assert finding.outcome is UNDETERMINED
    assert "it left the merge queue at 2026-03-10 12:00:00Z" in finding.reason
