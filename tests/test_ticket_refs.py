"""Which tickets a pull request names."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import GONE, commit, make_policy, make_repository
from changeaudit.policy import Tickets
from changeaudit.records import Unavailable
from changeaudit.ticket_refs import named_tickets

ALL = ("title", "branch", "body", "commits", "closing_reference")


def keys(places: tuple[str, ...] = ALL, **given: Any) -> list[str]:
    """The keys named in a pull request of acme/payments that says only what is given."""
    return [key for key, _ in refs(places, **given)]


def refs(places: tuple[str, ...] = ALL, **given: Any) -> list[tuple[str, str]]:
    policy = given.pop("policy", {})
    asked = {"jira_projects": ["PAY", "OPS_2"], "places": list(places), **policy}
    tickets: Tickets = make_policy(tickets=asked).tickets
    facts: dict[str, Any] = {
        "title": "",
        "branch": "",
        "body": "",
        "closing_issues": (),
        "repository": make_repository(),
        **given,
    }
    messages = facts.pop("messages", ())
    facts["commits"] = (
        messages
        if isinstance(messages, Unavailable)
        else tuple(commit(f"c{number}", message=text) for number, text in enumerate(messages))
    )
    return [(ref.key, ref.place) for ref in named_tickets(**facts, tickets_policy=tickets)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PAY-12 rounds", ["PAY-12"]),
        ("[PAY-12] rounds", ["PAY-12"]),
        ("(PAY-12)", ["PAY-12"]),
        ("PAY-12: rounds, OPS_2-3.", ["PAY-12", "OPS_2-3"]),
        ("PAY-12/PAY-13", ["PAY-12", "PAY-13"]),
        ("PAY-12 and PAY-12", ["PAY-12"]),
        ("修复PAY-12的问题", ["PAY-12"]),
        ("https://acme.atlassian.net/browse/PAY-12?x=1", ["PAY-12"]),
        ("https://acme.atlassian.net/browse/pay-12", ["PAY-12"]),
        ("PAY-12-follow-up", ["PAY-12"]),
        ("fix-PAY-12", ["PAY-12"]),
        ("XPAY-12", []),
        ("MY_PAY-12", []),
        ("PAY-12abc", []),
        ("PAY-12_3", []),
        ("PAY-", []),
        ("PAY-0", []),
        ("PAY-007", []),
        ("PAY-12345678901", []),
        ("pay-12", []),
        ("PAY 12", []),
        ("SHA-256, UTF-8 and CVE-2024-1", []),
    ],
)
def test_jira_keys(text: str, expected: list[str]) -> None:
    """A key of a listed project counts as a word of its own, in upper case or in an address."""
    assert keys(title=text) == expected
    assert keys(body=text) == expected
    assert keys(messages=(text,)) == expected


@pytest.mark.parametrize(
    ("branch", "expected"),
    [
        ("feature/PAY-12-rounding", ["PAY-12"]),
        ("feature/pay-12-rounding", ["PAY-12"]),
        ("feature_pay-12_rounding", ["PAY-12"]),
        ("dana-PAY-12", ["PAY-12"]),
        ("xpay-12", []),
        ("pay-12b", []),
        ("fixes #7", []),
    ],
)
def test_a_branch_may_write_a_key_in_lower_case(branch: str, expected: list[str]) -> None:
    """In a branch case does not count and an underscore parts words."""
    assert keys(branch=branch) == expected


@pytest.mark.parametrize(
    "keyword", ["close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves"]
)
@pytest.mark.parametrize("form", ["{} #7", "{}: #7", "{} : #7", "{} GH-7", "{} acme/payments#7"])
def test_closing_keywords(keyword: str, form: str) -> None:
    """GitHub's keywords, in any case, name an issue of the repository or of another."""
    for text in (form.format(keyword), form.format(keyword.upper())):
        assert keys(body=f"It {text}.") == ["acme/payments#7"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resolved acme/web#7", ["acme/web#7"]),
        ("fixes #7, fixes #8", ["acme/payments#7", "acme/payments#8"]),
        ("Fixes https://github.com/acme/web/issues/7", ["acme/web#7"]),
        ("see https://github.com/acme/web/issues/7#issuecomment-1", ["acme/web#7"]),
        ("see [this](http://GitHub.com/acme/web/issues/7)", ["acme/web#7"]),
        ("Fixes acme/web#7 and fixes Acme/Web#7", ["acme/web#7"]),
        ("#7", []),
        ("see #7", []),
        ("acme/web#7", []),
        ("prefixes #7", []),
        ("fixes#7", []),
        ("fixes #7a", []),
        ("fixes #0", []),
        ("https://github.com/acme/web/pull/7", []),
        ("https://github.example.com/acme/web/issues/7", []),
        ("https://evil.example/github.com/acme/web/issues/7", []),
        ("https://githubXcom/acme/web/issues/7", []),
    ],
)
def test_github_issues(text: str, expected: list[str]) -> None:
    """A closing keyword or a page on the repository's host names an issue; a bare #7 does not."""
    assert keys(body=text) == expected


def test_the_host_is_the_repositorys_own() -> None:
    """On an Enterprise Server the pages are the server's, and github.com's are not."""
    here = make_repository(host="git.acme.example")
    text = "https://git.acme.example/a/b/issues/1 https://github.com/a/b/issues/2"
    assert keys(body=text, repository=here) == ["a/b#1"]


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- PAY-12, fixes #7 -->",
        "<!--\nPAY-12\n\nfixes #7\n-->",
        "Text <!-- PAY-12\nfixes #7 --> text",
        "```\nPAY-12 fixes #7\n```",
        "~~~text\nPAY-12 fixes #7",
        "Text:\n\n    PAY-12 fixes #7\n",
        "<!-- PAY-12 fixes #7",
        "[//]: # (PAY-12 fixes #7)",
    ],
)
def test_what_no_reader_sees_names_nothing(hidden: str) -> None:
    """HTML comments, code blocks and link definitions in the description do not count."""
    assert keys(body=hidden) == []
    assert keys(body=f"{hidden}".replace("\n", "\r\n")) == []


def test_what_a_reader_sees_counts() -> None:
    """Headings, lists, boxes, quotes and HTML around a comment are seen."""
    body = (
        "# PAY-1\n- PAY-2\n- [ ] PAY-3\n  PAY-4\n\n  PAY-5\n\n> PAY-6\n\n<p>PAY-7<!-- PAY-8 --></p>"
    )
    assert keys(body=body) == [f"PAY-{n}" for n in range(1, 8)]


def test_only_the_policys_places_are_searched_and_in_their_order() -> None:
    """Each place that the policy lists gives the ticket once, the others nothing."""
    said: dict[str, Any] = {
        "title": "PAY-1 PAY-1",
        "branch": "pay-1",
        "body": "PAY-1",
        "messages": ("PAY-1", "PAY-1"),
        "closing_issues": ("acme/payments#1",),
    }
    assert refs(**said) == [
        ("PAY-1", "title"),
        ("PAY-1", "branch"),
        ("PAY-1", "body"),
        ("PAY-1", "commits"),
        ("acme/payments#1", "closing_reference"),
    ]
    assert refs(("commits", "title"), **said) == [("PAY-1", "commits"), ("PAY-1", "title")]


def test_github_issues_count_only_where_the_policy_says_so() -> None:
    """Without github_issues neither keyword, page nor closing reference counts."""
    said: dict[str, Any] = {
        "body": "fixes #7 https://github.com/a/b/issues/1",
        "closing_issues": ("a/b#2",),
    }
    assert keys(**said, policy={"github_issues": False}) == []


def test_without_jira_projects_no_key_counts() -> None:
    """Keys count by the policy's list alone."""
    assert keys(title="PAY-1", policy={"jira_projects": []}) == []
    assert keys(title="see -1", branch="fix/-1", policy={"jira_projects": []}) == []


@pytest.mark.parametrize("projects", [["PAY", "PAYROLL"], ["PAYROLL", "PAY"]])
def test_a_project_may_begin_like_another(projects: list[str]) -> None:
    """In whatever order the policy lists them."""
    said = "PAY-1 PAYROLL-2 PAYR-3"
    found = ["PAY-1", "PAYROLL-2"]
    assert keys(title=said, policy={"jira_projects": projects}) == found
    assert keys(branch=said, policy={"jira_projects": projects}) == found


@pytest.mark.parametrize(
    "text",
    [
        "PAY-١٢",
        "https://acme.atlassian.net/browſe/pay-12",
        "FIXEſ #7",
        "https://github.com/acme/ẅeb/issues/7",
        "httpſ://github.com/acme/web/issues/7",
    ],
)
def test_letters_and_digits_that_look_alike_are_others(text: str) -> None:
    """Keys and addresses are ASCII, and so is what they are compared with."""
    assert keys(title=text) == []
    assert keys(branch=f"{text.partition('/')[0]} opſ_2-3") == []


def test_an_issue_keeps_the_spelling_of_its_first_mention() -> None:
    """Keys that differ in case alone are one ticket, spelt as first seen."""
    found = refs(body="Fixes Acme/Web#7", closing_issues=("acme/web#7",))
    assert found == [("Acme/Web#7", "body"), ("Acme/Web#7", "closing_reference")]


def test_an_unread_place_names_nothing() -> None:
    """What is unavailable gives no ticket and stops no other place."""
    found = keys(title=GONE, body=GONE, messages=GONE, closing_issues=GONE, branch="PAY-1")
    assert found == ["PAY-1"]


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_is_read(title: str, body: str) -> None:
    """No text raises, and what is found is a key of a listed project or an issue."""
    for key in keys(title=title, body=body, branch=title, messages=(body,)):
        assert key.startswith(("PAY-", "OPS_2-")) or "#" in key


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["PAY-", "fixes ", "fixes a/", "https://github.com/", "<!--", "/browse/", "fixes" + " " * 99],
)
def test_ten_megabytes_are_read_in_linear_time(text: str) -> None:
    """No text makes the search go back over itself."""
    huge = text * (10_000_000 // len(text))
    began = time.perf_counter()
    assert keys(title=huge, body=huge) == []
    assert time.perf_counter() - began < 20


# Addresses of Jira ------------------------------------------------------------------------------

ACME = {"jira_url": "https://acme.atlassian.net", "jira_sites": {"OPS_2": "https://j.test/jira"}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://acme.atlassian.net/browse/PAY-7", ["PAY-7"]),
        ("https://acme.atlassian.net/browse/pay-7?focusedCommentId=1", ["PAY-7"]),
        ("HTTPS://ACME.atlassian.net/browse/pay-7.", ["PAY-7"]),
        ("https://acme.atlassian.net/jira/boards/1?a=b&selectedIssue=pay-7", ["PAY-7"]),
        ("https://acme.atlassian.net/jira/c/projects/PAY/issues/pay-7/", ["PAY-7"]),
        ("[it](https://acme.atlassian.net/browse/PAY-7)", ["PAY-7"]),
        ("[PAY-7](https://acme.atlassian.net/browse/PAY-7)", ["PAY-7"]),
        ("[PAY-8, PAY-7](https://acme.atlassian.net/browse/PAY-7)", ["PAY-8", "PAY-7"]),
        ("[PAY-7](https://other.example/browse/PAY-7)", []),
        ("[see PAY-7](https://other.example/browse/X-1) PAY-8", ["PAY-7", "PAY-8"]),
        ("[PAY-7](https://other.example/browse/PAY-7) [PAY-8](https://x.test)", ["PAY-8"]),
        ("https://other.example/rest/api/2/issue/PAY-7", []),
        ("https://acme.atlassian.net/rest/api/2/issue/PAY-7", ["PAY-7"]),
        ("https://other.example/browse/PAY-7", []),
        ("https://other.example/browse/pay-7?selectedIssue=PAY-8", []),
        ("https://other.example/projects/PAY/issues/PAY-7", []),
        ("https://acme.atlassian.net.evil.test/browse/PAY-7", []),
        ("https://acme.atlassian.net@evil.test/browse/PAY-7", []),
        ("https://evil.test/https://acme.atlassian.net/browse/PAY-7", []),
        ("http://acme.atlassian.net/browse/PAY-7", ["PAY-7"]),
        ("https://j.test/jira/browse/OPS_2-3", ["OPS_2-3"]),
        ("https://j.test/browse/OPS_2-3", []),
        ("https://acme.atlassian.net/browse/OPS_2-3", []),
        ("https://other.example/browse/PAY-7 and PAY-8", ["PAY-8"]),
        ("PAY-9 https://acme.atlassian.net/browse/PAY-7 PAY-8", ["PAY-9", "PAY-7", "PAY-8"]),
        ("https://ci.example/job/PAY-7/1", ["PAY-7"]),
    ],
)
def test_an_address_names_the_tickets_of_its_own_jira(text: str, expected: list[str]) -> None:
    """What another Jira calls PAY-7 is not ours; a word elsewhere is one as ever."""
    assert keys(("body",), body=text, policy=ACME) == expected


@pytest.mark.parametrize(
    "site", [{}, {"jira_url": "https://api.atlassian.com/ex/jira/11-22"}], ids=["", "gateway"]
)
def test_where_it_is_not_known_every_jira_may_be_ours(site: dict[str, str]) -> None:
    text = "https://other.example/browse/pay-7 https://x.test/?selectedIssue=PAY-8"
    assert keys(("title",), title=text, policy=site) == ["PAY-7", "PAY-8"]


@pytest.mark.parametrize("text", ["SHA-256", "UTF-8", "CVE-2024-1", "ISO-8601"])
def test_what_looks_like_a_key_is_none_unless_its_project_is_listed(text: str) -> None:
    assert keys(title=text, branch=text, body=text, messages=(text,), policy=ACME) == []
    listed = {"jira_projects": [text.partition("-")[0]]}
    assert keys(("title",), title=text, policy=listed) != []


def test_the_first_commit_that_names_a_ticket_is_told() -> None:
    tickets = make_policy(tickets={"jira_projects": ["PAY"]}).tickets
    commits = [commit("c1"), commit("c2", message="PAY-1"), commit("c3", message="PAY-1 PAY-2")]
    found = named_tickets("PAY-2", "", "", commits, (), make_repository(), tickets)
    assert [(r.key, r.place, r.commit) for r in found] == [
        ("PAY-2", "title", ""),
        ("PAY-1", "commits", "c2"),
        ("PAY-2", "commits", "c3"),
    ]
