"""Tickets of every tracker in one audit, and what becomes of one that cannot be asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builders import make_policy
from changeaudit.cli.collect import Collected, collect
from changeaudit.cli.evidence import replay
from changeaudit.collectors import tickets as module
from changeaudit.collectors.tickets import check_trackers
from changeaudit.errors import CollectError, PolicyError
from changeaudit.policy import Policy
from changeaudit.policy_file import LoadedPolicy
from changeaudit.store import Store
from changeaudit.verdicts import Audit, Outcome, PeriodInfo
from collectors.github.fake_github import HOST, REPOSITORY, Place, at, pull
from collectors.jira.fake_jira import TOKEN, served
from collectors.jira.fake_jira import Place as JiraPlace
from collectors.toy_tracker import Toy

MARCH = PeriodInfo(at("03-01"), at("04-01"))
STEP_1 = ("1.1", "1.2", "1.3", "1.4")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """It is 1 June 2026, noon."""
    with Store.open(tmp_path / "evidence.sqlite") as store:
        yield Place(store, at("06-01 12:00"))


@pytest.fixture(params=[True, False], ids=["cloud", "data center"])
def jira(
    place: Place, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[JiraPlace]:
    """The Jira that the environment names."""
    with served(place.store, cloud=request.param) as found:
        monkeypatch.setenv("JIRA_URL", found.url)
        monkeypatch.setenv("JIRA_TOKEN", TOKEN)
        yield found


def policy(**tickets: Any) -> Policy:
    return make_policy(tickets={"places": ["title"], "reverse_trace": "off", **tickets})


def audited(place: Place, by: Policy, missing: Collected | None = None) -> Audit:
    """What the store alone says."""
    return replay(
        place.store,
        HOST,
        [REPOSITORY],
        MARCH,
        LoadedPolicy(by, "policy.yaml", ""),
        place.now,
        lambda: place.now,
        missing=missing.missing if missing else {},
    )


def outcomes(result: Audit) -> dict[str, dict[str, str]]:
    """The outcomes of step 1, by the change's title."""
    return {
        change.title: {
            each.attribute: each.outcome.value
            for step in change.steps
            for each in step.attributes
            if each.attribute in STEP_1
        }
        for change in result.changes
    }


def reasons(result: Audit) -> str:
    return " ".join(
        each.reason for change in result.changes for s in change.steps for each in s.attributes
    )


def test_a_tracker_is_one_class_and_one_line(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found, asked for once, read back and judged, with nothing else of the program changed."""
    toy = Toy({"chg0001": {"title": "Round", "created": "2026-01-15T00:00:00Z"}})
    monkeypatch.setattr(module, "SOURCES", [*module.SOURCES, toy])
    by = policy(trackers={"toy": ["CHG"]})
    check_trackers(by)
    place.github.add(pull(1, "03-02", title="CHG0001 rounds"))
    place.github.add(pull(2, "03-03", title="CHG0001 again"))
    place.github.add(pull(3, "03-04", title="CHG0002 is nobody's"))
    place.github.add(pull(4, "03-05", title="None at all"))
    collect(place.session, (REPOSITORY,), MARCH, by)
    assert toy.asked == [("chg0001", "chg0002")]
    assert place.session.elsewhere == {"toy.test": 1}
    found = outcomes(audited(place, by))
    good = dict.fromkeys(STEP_1, Outcome.PASS.value)
    assert found["CHG0001 rounds"] == found["CHG0001 again"] == good
    unseen = found["CHG0002 is nobody's"]
    assert (unseen["1.1"], unseen["1.2"]) == (Outcome.PASS.value, Outcome.UNDETERMINED.value)
    assert found["None at all"]["1.1"] == Outcome.EXCEPTION.value


@pytest.mark.parametrize("name", ["toy", "jira", "github"])
def test_a_tracker_that_is_not_known_is_a_fault_of_the_policy(name: str) -> None:
    with pytest.raises(PolicyError, match=f"names the tracker '{name}'") as error:
        check_trackers(policy(trackers={name: ["CHG"]}))
    assert "it knows none so far" in error.value.hint


def test_tickets_of_jira_are_asked_for_and_judged(place: Place, jira: JiraPlace) -> None:
    """One for two changes is asked for once; the audit is the same without Jira afterwards."""
    jira.jira.add("PAY-1")
    place.github.add(pull(1, "03-02", title="PAY-1 rounds"))
    place.github.add(pull(2, "03-03", title="PAY-1, PAY-2 again"))
    place.github.add(pull(3, "03-04", title="PAY-3"))
    by = policy(jira_projects=["PAY"])
    found = collect(place.session, (REPOSITORY,), MARCH, by)
    assert (found.names, found.missing) == ((REPOSITORY,), {})
    assert set(found.named) == {"pay-1", "pay-2", "pay-3"}
    assert place.session.elsewhere == {jira.site: 3}
    result = outcomes(audited(place, by))
    assert result["PAY-1 rounds"] == dict.fromkeys(STEP_1, Outcome.PASS.value)
    assert result["PAY-1, PAY-2 again"]["1.2"] == Outcome.PASS.value
    assert result["PAY-3"]["1.2"] == Outcome.UNDETERMINED.value
    assert "not visible to the audit account" in reasons(audited(place, by))
    collect(place.session, (REPOSITORY,), MARCH, by)
    assert [path for path, _ in jira.jira.got].count("serverInfo") == 2  # for what is not shown


def test_what_changed_in_the_period_is_collected_for_the_reverse_trace(
    place: Place, jira: JiraPlace
) -> None:
    jira.jira.add("PAY-9", updated="2026-03-20T00:00:00.000+0000")
    by = policy(jira_projects=["PAY"], reverse_trace="information")
    place.github.add(pull(1, "03-02", title="None"))
    collect(place.session, (REPOSITORY,), MARCH, by)
    [window] = place.store.windows(jira.site, "PAY", "ticket.touched")
    assert window.since == MARCH.since


@pytest.mark.parametrize("fails", ["token", "address", "server"])
def test_a_jira_that_cannot_be_asked_ends_it_unless_that_is_allowed(
    place: Place, jira: JiraPlace, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    """Then step 1 is undetermined, with the reason, and the limitations say so."""
    if fails == "token":
        monkeypatch.setenv("JIRA_TOKEN", "wrong")
        said = "does not accept the credentials (HTTP 401)"
    elif fails == "address":
        monkeypatch.delenv("JIRA_URL")
        said = "counts tickets of PAY, and no Jira is named"
    else:
        jira.jira.instead["serverInfo"] = [*[_refused()] * 2]
        said = "(HTTP 403: no)"
    place.github.add(pull(1, "03-02", title="PAY-1 rounds"))
    by = policy(jira_projects=["PAY"])
    with pytest.raises(CollectError) as error:
        collect(place.session, (REPOSITORY,), MARCH, by)
    assert said in error.value.message
    assert error.value.hint.endswith("--allow-missing-tickets goes on without these tickets.")
    found = collect(place.session, (REPOSITORY,), MARCH, by, allow_missing=True)
    assert list(found.missing) == ["pay-1"]
    result = audited(place, by, found)
    assert outcomes(result)["PAY-1 rounds"] == {
        "1.1": Outcome.PASS.value,
        **dict.fromkeys(STEP_1[1:], Outcome.UNDETERMINED.value),
    }
    assert said in reasons(result)
    assert any(said in each and "PAY-1" in each for each in result.limitations)
    assert "was not asked" in reasons(audited(place, by))


def test_what_was_held_before_does_not_stand_in_for_what_could_not_be_read(
    place: Place, jira: JiraPlace
) -> None:
    """It was read before the merge: what became of the ticket until then is not known."""
    jira.jira.add("PAY-1")
    by = policy(jira_projects=["PAY"])
    place.github.add(pull(1, "02-10", title="PAY-1"))
    place.now = jira.now = at("02-20")
    period = PeriodInfo(at("02-01"), at("02-15"))
    collect(place.session, (REPOSITORY,), period, by)
    place.github.add(pull(2, "03-02", title="PAY-1 rounds"))
    place.now = jira.now = at("06-01")
    jira.jira.instead["serverInfo"] = [_refused()]
    found = collect(place.session, (REPOSITORY,), MARCH, by, allow_missing=True)
    for result in (audited(place, by, found), audited(place, by)):
        assert outcomes(result)["PAY-1 rounds"]["1.4"] == Outcome.UNDETERMINED.value
    assert "before the pull request merged" in reasons(audited(place, by))


def test_another_tracker_that_fails_does_not_take_the_rest_along(
    place: Place, jira: JiraPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = Toy({})
    toy.fails = True
    monkeypatch.setattr(module, "SOURCES", [toy, *module.SOURCES])
    jira.jira.add("PAY-1")
    by = policy(jira_projects=["PAY"], trackers={"toy": ["CHG"]})
    place.github.add(pull(1, "03-02", title="CHG0001 and PAY-1"))
    found = collect(place.session, (REPOSITORY,), MARCH, by, allow_missing=True)
    assert found.missing == {"chg0001": "The toy tracker is broken"}
    assert place.told.notes[-1] == "Tickets could not be asked for: The toy tracker is broken."
    assert outcomes(audited(place, by, found))["CHG0001 and PAY-1"]["1.2"] == Outcome.PASS.value


def _refused() -> Any:
    from collectors.jira.fake_jira import told

    return told({"errorMessages": ["no"]}, 403)
