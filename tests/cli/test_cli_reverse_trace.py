"""The reverse trace over a store: which changes name a ticket, and what of it the reports say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builders import make_policy
from changeaudit.cli.audit import exit_code
from changeaudit.cli.collect import collect
from changeaudit.cli.evidence import replay
from changeaudit.cli.exits import Exit
from changeaudit.policy import Policy
from changeaudit.policy_file import LoadedPolicy
from changeaudit.store import Store
from changeaudit.verdicts import Audit, PeriodInfo, ReverseTrace
from collectors.github.fake_github import HOST, REPOSITORY, Place, at, pull
from collectors.jira.fake_jira import STATUSES, TOKEN, change, item, served
from collectors.jira.fake_jira import Place as JiraPlace

MARCH = PeriodInfo(at("03-01"), at("04-01"))
TO_DO: Any = STATUSES[0]
DONE: Any = next(s for s in STATUSES if dict[str, Any](s)["statusCategory"]["key"] == "done")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """It is 1 June 2026, noon."""
    with Store.open(tmp_path / "evidence.sqlite") as store:
        yield Place(store, at("06-01 12:00"))


@pytest.fixture
def jira(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[JiraPlace]:
    """The Jira that the environment names."""
    with served(place.store, cloud=True) as found:
        monkeypatch.setenv("JIRA_URL", found.url)
        monkeypatch.setenv("JIRA_TOKEN", TOKEN)
        yield found


def policy(**tickets: Any) -> Policy:
    return make_policy(tickets={"jira_projects": ["PAY"], **tickets})


def audited(place: Place, by: Policy, period: PeriodInfo = MARCH) -> Audit:
    """What the store alone says."""
    loaded = LoadedPolicy(by, "policy.yaml", "")
    return replay(place.store, HOST, [REPOSITORY], period, loaded, place.now, lambda: place.now)


def traced(place: Place, by: Policy) -> ReverseTrace:
    found = audited(place, by).reverse_trace
    assert found is not None
    return found


def done(jira: JiraPlace, key: str, day: str = "20") -> None:
    """A ticket that went to a done status in March."""
    when = f"2026-03-{day}T10:00:00.000+0000"
    move = item("status", TO_DO["name"], DONE["name"], **{"from": TO_DO["id"], "to": DONE["id"]})
    jira.jira.add(key, status=DONE, updated=when, changes=[change(when, move)])


def test_a_ticket_that_no_change_names_is_listed(place: Place, jira: JiraPlace) -> None:
    """Of a change that is out of scope too, and of one of another time that the store holds."""
    for number in range(1, 6):
        done(jira, f"PAY-{number}", f"{10 + number}")
    place.github.add(pull(1, "03-02", title="PAY-1 rounds"))
    place.github.add(pull(2, "03-03", title="PAY-2 tries", baseRefName="sandbox"))
    place.github.add(pull(3, "02-03", title="PAY-3 of February"))
    by = policy()
    collect(place.session, (REPOSITORY,), PeriodInfo(at("02-01"), at("03-01")), by)
    collect(place.session, (REPOSITORY,), MARCH, by)
    found = traced(place, by)
    assert [each.key for each in found.untraced] == ["PAY-4", "PAY-5"]
    assert (found.standing, found.done, found.unknown) == ("information", 5, ())
    (said,) = (each for each in audited(place, by).limitations if "names a ticket" in each)
    assert "those merged into acme/payments (2026-02-01 to 2026-04-01)." in said
    asked = [len(jira.jira.got)]
    assert traced(place, by) == found
    assert len(jira.jira.got) == asked[0]


def test_a_sub_task_names_its_story_even_if_it_did_not_change(
    place: Place, jira: JiraPlace
) -> None:
    """It was last updated before the period began, so that it is not among what changed since."""
    done(jira, "PAY-1")
    done(jira, "PAY-3")
    jira.jira.add("PAY-2", parent={"id": "10000", "key": "PAY-1"})
    place.github.add(pull(1, "03-02", title="PAY-2 rounds"))
    by = policy()
    collect(place.session, (REPOSITORY,), MARCH, by)
    assert [each.key for each in traced(place, by).untraced] == ["PAY-3"]


def test_where_all_tickets_have_a_change_nothing_is_said_of_where_it_was_looked(
    place: Place, jira: JiraPlace
) -> None:
    done(jira, "PAY-1")
    place.github.add(pull(1, "03-02", title="PAY-1 rounds"))
    by = policy()
    collect(place.session, (REPOSITORY,), MARCH, by)
    assert not any("names a ticket" in each for each in audited(place, by).limitations)


def test_of_a_ticket_that_a_change_of_another_time_names_nothing_is_open(
    place: Place, jira: JiraPlace
) -> None:
    """It has its change, whether it was done in the period or not."""
    jira.jira.add("PAY-1", status=DONE, updated="2026-03-09T10:00:00.000+0000")
    jira.jira.tickets["PAY-1"].changes.append(
        change("2026-03-09T10:00:00.000+0000", item("status", "To Do", "In Review"))
    )
    place.github.add(pull(1, "02-03", title="PAY-1 of February"))
    by = policy()
    collect(place.session, (REPOSITORY,), MARCH, by)
    (why,) = traced(place, by).unknown
    assert why.startswith("PAY-1: its history leaves open whether it was done")
    collect(place.session, (REPOSITORY,), PeriodInfo(at("02-01"), at("03-01")), by)
    assert traced(place, by).unknown == ()


def test_by_the_policy_they_are_exceptions(place: Place, jira: JiraPlace) -> None:
    done(jira, "PAY-1")
    place.github.add(pull(1, "03-02", title="None"))
    by = policy(reverse_trace="exception")
    collect(place.session, (REPOSITORY,), MARCH, by)
    assert exit_code(audited(place, by)) is Exit.EXCEPTIONS
    assert [each.key for each in traced(place, by).untraced] == ["PAY-1"]


def test_where_the_tickets_are_not_held_that_is_said(place: Place, jira: JiraPlace) -> None:
    """A store that was collected without the reverse trace does not show that there was nothing."""
    place.github.add(pull(1, "03-02", title="None"))
    collect(place.session, (REPOSITORY,), MARCH, policy(reverse_trace="off"))
    (why,) = traced(place, policy()).unknown
    assert "the store does not hold the tickets of PAY" in why
    assert audited(place, policy(reverse_trace="off")).reverse_trace is None


def test_the_answers_of_a_jira_are_among_the_sources(place: Place, jira: JiraPlace) -> None:
    """Told apart from those of GitHub, and cited by the changes that name its tickets."""
    done(jira, "PAY-1")
    place.github.add(pull(1, "03-02", title="PAY-1"))
    by = policy(reverse_trace="off")
    collect(place.session, (REPOSITORY,), MARCH, by)
    result = audited(place, by)
    of_jira = [each for each in result.sources if each.source == jira.site]
    assert [each.what for each in of_jira] == ["statuses", "tickets"]
    stored = [located.answer.digest for located in place.store.find(jira.site, "ticket", ["pay-1"])]
    assert set(stored) <= set(result.changes[0].evidence)
    other = policy(reverse_trace="off", jira_url="https://elsewhere.example.com")
    assert not [s for s in audited(place, other).sources if s.source == jira.site]


def test_what_tickets_leave_open_is_a_limitation_said_once(place: Place, jira: JiraPlace) -> None:
    jira.jira.add("PAY-1")
    place.github.add(pull(1, "03-02", title="PAY-1, PAY-8"))
    place.github.add(pull(2, "03-03", title="PAY-8, PAY-9"))
    by = policy(reverse_trace="off")
    collect(place.session, (REPOSITORY,), MARCH, by)
    said = [each for each in audited(place, by).limitations if "PAY-" in each]
    assert said == [
        "What rests on these tickets is undetermined (it is not visible to the audit account):"
        " PAY-8 and PAY-9."
    ]
