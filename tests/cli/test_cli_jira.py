"""Jira on the command line: what is asked, what is said, and how it ends without it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from changeaudit.collectors.jira.access import access_to
from changeaudit.errors import CollectError
from changeaudit.store import Store
from cli.command import TOKEN, Command, Done
from cli.command import served as github_served
from cli.test_cli_collect import Served
from collectors.github.fake_github import LISTS, FakeGitHub, Json, at, pull
from collectors.jira import fake_jira
from collectors.jira.fake_jira import Place, change, item, served

pytestmark = pytest.mark.slow  # each test starts the program

MARCH = ("acme/payments", "--period", "2026-03", "--workers", "1")
POLICY = "version: 1\nname: test\ntickets: {jira_projects: [PAY], places: [title]}\n"


class Small(Served):
    """Three changes: of a ticket, of another that nobody may see, of none."""

    def __init__(self) -> None:
        FakeGitHub.__init__(self, lambda: at("06-01"))
        self.first_ones = 10_000
        self.reached, self.go_on = threading.Event(), threading.Event()
        self.add(pull(1, "03-02", title="PAY-1 rounds"))
        self.add(pull(2, "03-03", title="PAY-2 is hidden"))
        self.add(pull(3, "03-04", title="None"))
        self.line("m3")
        self.line("m0")
        self.members = None

    def answer_one_pull_request(self, variables: Json) -> Json:
        lists = iter((*LISTS, "checks"))
        wanted = next(p for p in self.pulls.values() if p["number"] == variables["number"])
        found = self.shown(wanted, lambda name: 100, lists)
        found |= {"__typename": "PullRequest", "state": "MERGED"}
        return {"repository": {"issueOrPullRequest": found}}


@contextmanager
def company(changeaudit: Command, *, cloud: bool = True) -> Iterator[tuple[Place, dict[str, str]]]:
    """GitHub and Jira at their addresses, and the environment that leads to both."""
    (changeaudit.folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    folder = changeaudit.folder / "beside"
    folder.mkdir()
    with (
        Store.open(folder / "unused.sqlite") as store,
        served(store, cloud=cloud) as place,
        github_served(Small().answered) as api,
    ):
        done = item("status", "To Do", "Finished", was_id="1", became_id="3")
        place.jira.add("PAY-1", changes=[change("2026-03-20T00:00:00.000+0000", done)])
        place.jira.add("PAY-2", hidden=True)
        github = {"GITHUB_API_URL": api, "GITHUB_TOKEN": TOKEN}
        yield place, {**github, "JIRA_URL": place.url, "JIRA_TOKEN": fake_jira.TOKEN}


def outcomes(done: Done, attribute: str) -> dict[str, str]:
    result: dict[str, Any] = json.loads(done.text)
    return {
        each["title"]: verdict["outcome"]
        for each in result["changes"]
        for step in each["steps"]
        for verdict in step["attributes"]
        if verdict["attribute"] == attribute
    }


@pytest.mark.parametrize("cloud", [True, False], ids=["cloud", "data center"])
def test_an_audit_asks_jira_and_replays_without_it(changeaudit: Command, cloud: bool) -> None:
    """Neither address nor token is needed afterwards, and the verdicts are the same."""
    with company(changeaudit, cloud=cloud) as (place, environment):
        done = changeaudit("audit", *MARCH, "--format", "json", **environment)
        assert place.told.waits == []
    assert done.code == 1, done.err
    expected = {
        "PAY-1 rounds": "pass",
        "PAY-2 is hidden": "undetermined",
        "None": "not_applicable",
    }
    assert expected.items() <= outcomes(done, "1.2").items()
    assert f"; from {place.site} with " in done.err
    assert fake_jira.TOKEN not in done.err + done.text
    github = {"GITHUB_API_URL": environment["GITHUB_API_URL"]}
    again = changeaudit("audit", *MARCH, "--format", "json", "--offline", **github)
    assert outcomes(again, "1.2") == outcomes(done, "1.2")


def test_a_pattern_stands_for_what_github_listed_and_says_so(changeaudit: Command) -> None:
    """Online and offline alike, with the list among the sources and what it may lack told."""
    small = Small()
    small.owned = ["acme/payments", "acme/web"]
    audit = ("audit", "acme/pay*", *MARCH[1:], "--format", "json")
    with github_served(small.answered) as api:
        environment = {"GITHUB_API_URL": api, "GITHUB_TOKEN": TOKEN}
        done = changeaudit(*audit, **environment)
        asked = len(small.asked)
        offline = changeaudit(*audit, "--offline", **environment)
        other = changeaudit("audit", "acme/new*", *MARCH[1:], "--offline", **environment)
        not_held = changeaudit("audit", "acme/*", *MARCH[1:], "--offline", **environment)
        assert len(small.asked) == asked
    for each in (done, offline):
        report = json.loads(each.text)
        assert [row["repository"] for row in report["summary"]["repositories"]] == ["acme/payments"]
        told = [said for said in report["limitations"] if said.startswith("acme/pay* stands for")]
        assert len(told) == 1
        assert "1 of the 2 repositories that GitHub listed of acme at " in told[0]
        assert any(row["what"] == "list of repositories of acme" for row in report["sources"])
    assert other.code == 2
    assert "The store holds no repository that matches acme/new*." in other.err
    assert not_held.code == 4
    assert "The store holds nothing of acme/web" in not_held.err


@pytest.mark.parametrize("reverse_trace", ["information", "off"])
def test_one_project_in_two_jiras_is_told(changeaudit: Command, reverse_trace: str) -> None:
    """The policy may say which is its own; until then the report says that it does not."""
    done = change("2026-03-20T00:00:00.000+0000", item("status", "To Do", "Done"))
    with company(changeaudit) as (first, environment):
        policy = POLICY.replace("places:", f"reverse_trace: {reverse_trace}, places:")
        (changeaudit.folder / "policy.yaml").write_text(policy, encoding="utf-8")
        changeaudit("collect", *MARCH, **environment)
        with (
            Store.open(changeaudit.folder / "beside" / "other.sqlite") as store,
            served(store, cloud=True) as second,
        ):
            second.jira.add("PAY-1", changes=[done])
            environment |= {"JIRA_URL": second.url}
            result = changeaudit("audit", *MARCH, "--format", "json", **environment)
        both = sorted((first.site, second.site))
    said = [
        each for each in json.loads(result.text)["limitations"] if "which of them PAY is in" in each
    ]
    assert len(said) == 1
    assert all(site in said[0] for site in both)
    assert "tickets.jira_url" in said[0]


def test_collect_counts_the_tickets_that_it_holds_and_those_that_it_may_not_see(
    changeaudit: Command,
) -> None:
    """As a line and as JSON; one that was never asked for is not taken to be hidden."""
    with company(changeaudit) as (_, environment):
        first = {**environment, "JIRA_URL": ""}
        collect = ("collect", *MARCH, "--allow-missing-tickets")
        done = changeaudit(*collect, **first)
        assert "Tickets that the pull requests name: 0 held, 2 not asked for." in done.text
        done = changeaudit(*collect, **environment)
        assert "Tickets that the pull requests name: 1 held, 1 not visible." in done.text
        done = changeaudit(*collect, "--format", "json", **environment)
    tickets = json.loads(done.text)["tickets"]
    assert tickets == {"held": 1, "not_visible": 1, "not_asked": 0}


def test_without_a_jira_it_ends_unless_that_is_allowed(changeaudit: Command) -> None:
    with company(changeaudit) as (_, environment):
        del environment["JIRA_URL"]
        for command in ("audit", "collect"):
            done = changeaudit(command, *MARCH, **environment)
            assert done.code == 4
            assert done.err.count("error: The policy counts tickets of PAY, and no Jira") == 1
            assert done.err.startswith("The policy counts tickets of PAY, and no Jira is named. ")
            assert "The rest is collected first.\n" in done.err
            assert "Set JIRA_URL, and JIRA_TOKEN" in done.err
            assert "--allow-missing-tickets" in done.err
        allowed = ("--allow-missing-tickets",)
        done = changeaudit("collect", *MARCH, *allowed, **environment)
        assert done.code == 0
        assert "Tickets could not be asked for: The policy counts tickets of PAY" in done.err
        done = changeaudit("audit", *MARCH, "--format", "json", *allowed, **environment)
    assert outcomes(done, "1.2")["PAY-1 rounds"] == "undetermined"
    limitations = json.loads(done.text)["limitations"]
    assert any("no Jira is named" in said and "PAY-1" in said for said in limitations)


def test_what_is_held_of_tickets_stands_where_jira_cannot_be_asked_again(
    changeaudit: Command,
) -> None:
    """An exception does not go away because somebody took the token away."""
    with company(changeaudit) as (_, environment):
        done = changeaudit("audit", *MARCH, "--format", "json", **environment)
        wrong = {**environment, "JIRA_TOKEN": "wrong"}
        allowed = ("--allow-missing-tickets", "--format", "json")
        again = changeaudit("audit", *MARCH, *allowed, **wrong)
    assert "Tickets could not be asked for: " in again.err
    for attribute in ("1.1", "1.2", "1.3", "1.4"):
        assert outcomes(again, attribute) == outcomes(done, attribute)
    assert outcomes(again, "1.2")["PAY-1 rounds"] == "pass"


def test_one_change_is_explained_with_its_ticket_or_without(changeaudit: Command) -> None:
    change = "acme/payments#1"
    with company(changeaudit) as (_, environment):
        wrong = {**environment, "JIRA_TOKEN": "wrong"}
        done = changeaudit("explain", change, **wrong)
        assert done.code == 4
        assert "does not accept the credentials (HTTP 401)" in done.err
        done = changeaudit("explain", change, "--allow-missing-tickets", **wrong)
        assert done.code in (1, 3)
        assert "does not accept the credentials" in " ".join(done.text.split())


def test_doctor_shows_which_projects_each_jira_shows(changeaudit: Command) -> None:
    with company(changeaudit) as (place, environment):
        other = "https://jira.ops.example.com"
        text = f"{POLICY[:-2]}, jira_sites: {{OPS: {other}}}}}\n".replace("[PAY]", "[PAY, OPS]")
        (changeaudit.folder / "policy.yaml").write_text(text, encoding="utf-8")
        done = changeaudit("doctor", "--format", "json", **environment)
        place.jira.projects = {"OPS"}
        (changeaudit.folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
        hidden = changeaudit("doctor", "--format", "json", **environment)
    found = {each["id"]: each for each in json.loads(done.text)["checks"]}
    assert found[f"jira.{place.site}"]["status"] == "ok"
    assert "the policy's among them (PAY)" in found[f"jira.{place.site}"]["found"]
    missing = found["jira.jira.ops.example.com"]
    assert missing["status"] == "failed"
    assert "There is no token for the Jira at jira.ops.example.com" in missing["found"]
    with pytest.raises(CollectError) as audited:
        access_to(other, environment)
    assert missing["advice"] == audited.value.hint
    assert "keyring set changeaudit jira.ops.example.com" in missing["advice"]
    found = {each["id"]: each for each in json.loads(hidden.text)["checks"]}
    assert "does not show PAY to the account" in found["jira"]["found"]


def test_doctor_says_that_no_ticket_counts_where_the_policy_names_no_project(
    changeaudit: Command,
) -> None:
    """A Jira that answers is worth nothing to an audit whose policy counts none of its tickets."""
    with company(changeaudit) as (_, environment):
        (changeaudit.folder / "policy.yaml").write_text("version: 1\n", encoding="utf-8")
        done = changeaudit("doctor", "--format", "json", **environment)
    found = {each["id"]: each for each in json.loads(done.text)["checks"]}["jira"]
    assert found["status"] == "warning"
    assert "answers, and shows " in found["found"]
    assert "no Jira ticket counts" in found["found"]
    assert "jira_projects" in found["advice"]


def test_a_tracker_that_is_not_known_is_wrong_usage(changeaudit: Command) -> None:
    text = "version: 1\ntickets: {trackers: {linear: [ENG]}}\n"
    (changeaudit.folder / "policy.yaml").write_text(text, encoding="utf-8")
    for arguments in (("audit", *MARCH), ("policy", "check", "policy.yaml")):
        done = changeaudit(*arguments, GITHUB_TOKEN=TOKEN)
        assert done.code == 2
        assert "names the tracker 'linear', which this program does not know" in done.err
