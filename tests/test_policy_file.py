"""Reading policies: what is accepted, and how each fault is told."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import threading
import time
import unicodedata
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic_core import ErrorDetails

from changeaudit import yaml_document
from changeaudit.errors import PolicyError
from changeaudit.policy import (
    ATTRIBUTE_IDS,
    STEP_IDS,
    Automated,
    Member,
    PeerRole,
    Policy,
    PostMortem,
    Role,
)
from changeaudit.policy_file import (
    MAX_VALUES,
    LoadedPolicy,
    default_policy,
    load_policy,
    policy_schema,
    read_policy,
)
from changeaudit.verdicts import ChangeClass
from changeaudit.workdays import Workdays
from changeaudit.yaml_document import MAX_BYTES, MAX_PROBLEMS, visible


def problems(text: str) -> list[str]:
    """The problems of a policy that must not load."""
    with pytest.raises(PolicyError) as caught:
        load_policy(text, "policy.yaml")
    assert caught.value.problems
    assert caught.value.hint
    assert caught.value.exit_code == 2
    return list(caught.value.problems)


def problem(text: str) -> str:
    """The only problem of a policy that must not load."""
    (only,) = problems(text)
    return only


def loaded(text: str) -> Policy:
    return load_policy(text, "policy.yaml").policy


# What is accepted -----------------------------------------------------------------------------


def test_a_policy_loads_with_its_source_and_digest() -> None:
    """The digest is that of the text in UTF-8; the source is named as it was given."""
    text = "name: Zahlungen – Prüfung\n"
    assert load_policy(text, "somewhere") == LoadedPolicy(
        Policy(name="Zahlungen – Prüfung"),
        "somewhere",
        hashlib.sha256(text.encode("utf-8")).hexdigest(),
    )


def test_version_alone_is_the_default() -> None:
    """The shortest policy says nothing else than the default."""
    assert loaded("version: 1") == Policy()


def test_the_default_needs_no_file() -> None:
    """The built-in default is `Policy()`, and its digest that of its canonical JSON."""
    found = default_policy()
    assert found.policy == Policy()
    assert found.source == "built-in default"
    canonical = json.loads(found.policy.model_dump_json(by_alias=True))
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert found.digest == hashlib.sha256(text.encode("utf-8")).hexdigest()


def test_people_are_named_by_login_or_with_their_days() -> None:
    """A member may be a plain login, or a login with days, quoted or not; both ends are kept."""
    policy = loaded(
        "roles:\n  qa:\n    users:\n      - alice\n"
        "      - {login: bob, from: 2025-01-01, to: '2025-06-30'}\n"
        "      - {login: carol, to: }\n"
    )
    assert policy.roles.qa.users == (
        Member(login="alice"),
        Member.model_validate({"login": "bob", "from": date(2025, 1, 1), "to": date(2025, 6, 30)}),
        Member(login="carol"),
    )


def test_naming_a_role_replaces_its_default() -> None:
    """Peers that are named are the only peers: write access no longer counts."""
    policy = loaded("roles: {peer: {teams: [acme/developers]}}")
    assert policy.roles.peer == PeerRole(teams=("acme/developers",))


def test_one_day_in_a_role_is_a_period() -> None:
    """A role that began and ended on the same day was held on that day."""
    users = loaded("roles: {qa: {users: [{login: a, from: 2025-01-31, to: 2025-01-31}]}}").roles.qa
    assert users.users[0].since == users.users[0].until


def test_an_anchor_may_be_used_again() -> None:
    """A whole value may be repeated by its anchor."""
    policy = loaded("roles:\n  qa: &same {users: [alice]}\n  lead: *same\n")
    assert policy.roles.lead == policy.roles.qa == Role(users=(Member(login="alice"),))


@pytest.mark.parametrize("text", ["name: !!str 12", "name: '12'", 'name: "12"'])
def test_text_may_be_marked_as_text(text: str) -> None:
    """A number in quotes, or with YAML's own mark for text, is text."""
    assert loaded(text).name == "12"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_newline_counts_as_one(newline: str) -> None:
    """Lines are counted alike, whatever system the file was written on."""
    text = newline.join(["# a comment", "version: 1", "nmae: x", ""])
    assert problem(text) == "policy.yaml:3: nmae: unknown key; did you mean 'name'?"


def test_a_byte_order_mark_is_no_key() -> None:
    """Editors on Windows write a mark before the text; it changes the digest and nothing else."""
    with_mark = load_policy("\ufeffname: x", "policy.yaml")
    assert with_mark.policy == loaded("name: x")
    assert with_mark.digest == hashlib.sha256(b"\xef\xbb\xbfname: x").hexdigest()


# Faults of the content ------------------------------------------------------------------------

CONTENT = [
    # keys
    ("versoin: 1", "versoin: unknown key; did you mean 'version'?"),
    ("roles: {peer: {user: []}}", "roles.peer.user: unknown key; did you mean 'users'?"),
    ("Peer-Review: {}", "Peer-Review: unknown key; did you mean 'peer_review'?"),
    (
        "roles: {boss: {}}",
        "roles.boss: unknown key; the keys here are peer, security, qa, lead",
    ),
    (
        "roles: {qa: {users: [{login: a, since: 2025-01-01}]}}",
        "roles.qa.users[0].since: unknown key; the keys here are login, from, to",
    ),
    ("on: push", "on: unknown key; the keys here are version, extends, name,"),
    ("1: x", "1: unknown key; the keys here are version"),
    ("'a.b c': x", "'a.b c': unknown key; the keys"),
    ("'': x", "'': unknown key; the keys"),
    ('"\\e[31m": x', "'\\x1b[31m': unknown key; the keys"),
    ("roles: {qa: {users: [{}]}}", "roles.qa.users[0]: the key 'login' is missing"),
    ("scope: {exclude: [{paths: [x]}]}", "scope.exclude[0]: the key 'name' is missing"),
    ("? [a, b]\n: c", "a key must be a word, found a list"),
    # kinds of value
    (
        "peer_review: {approvals: two}",
        "peer_review.approvals: expected a whole number, found 'two'",
    ),
    (
        "peer_review: {approvals: '2'}",
        "peer_review.approvals: expected a whole number, found '2' in quotes; take the quotes off",
    ),
    ("peer_review: {approvals: 2.5}", "approvals: expected a whole number, found 2.5, which"),
    ("peer_review: {approvals: yes}", "expected a whole number, found yes, which YAML reads as tr"),
    ("peer_review: {approvals: 0}", "approvals: expected a number of at least 1, found 0"),
    ("peer_review: {approvals: 11}", "approvals: expected a number of at most 10, found 11"),
    (
        "peer_review: {approvals: }",
        "peer_review.approvals: expected a whole number, found nothing; "
        "give a value or take the line out",
    ),
    (
        "qa: {review: maybe}",
        "qa.review: expected true or false, found 'maybe'",
    ),
    ("qa: {review: 'true'}", "found 'true' in quotes; take the quotes off"),
    ("qa: {labels: done}", "qa.labels: expected a list, found 'done'; write it as ['done']"),
    ("qa: {labels: 12}", "found 12, which YAML reads as a number; write it as ['12']"),
    ("qa: {labels: {a: b}}", "qa.labels: expected a list, found a block of keys"),
    ("qa: {labels: {}}", "qa.labels: expected a list, found an empty block"),
    ("qa: {labels: [[]]}", "qa.labels[0]: expected text, found an empty list"),
    (
        "roles: {qa: {users: alice}}",
        "roles.qa.users: expected a list, found 'alice'; write it as ['alice']",
    ),
    ("scope: {exclude: docs}", "scope.exclude: expected a list, found 'docs'"),
    ("scope: {branches: []}", "scope.branches: expected a list that is not empty, found an empty"),
    ("qa: [review]", "qa: expected the keys review, labels, comment, ticket_statuses, "),
    ("qa: [labels]", "staging_checks_sign_off, found a list"),
    ("qa:", ", found nothing; give a value or take the line out"),
    ("version: 2", "version: expected the number 1, the only version so far, found 2"),
    ("version: '1'", "version: expected the number 1, the only version so far, found '1'"),
    ("version: 1.0", "version: expected the number 1, the only version so far, found 1.0"),
    ("version: yes", "version: expected the number 1, the only version so far, found yes"),
    (
        "tickets: {places: [titel]}",
        "tickets.places[0]: expected one of 'title', 'branch', 'body', 'commits' or "
        "'closing_reference', found 'titel'; did you mean 'title'?",
    ),
    (
        "tickets: {planned_before: never}",
        "tickets.planned_before: expected one of 'pull_request', 'first_commit' or 'merge', "
        "found 'never'",
    ),
    # classes and the calendar
    (
        "classes: {emergency: {documentation_hours: 0}}",
        "classes.emergency.documentation_hours: expected a number of at least 1, found 0",
    ),
    (
        "classes: {emergency: {follow_up_business_days: three}}",
        "follow_up_business_days: expected a whole number, found 'three'",
    ),
    (
        "classes: {emergency: {post_mortem: {label: [x]}}}",
        "classes.emergency.post_mortem.label: unknown key; did you mean 'labels'?",
    ),
    (
        "calendar: {weekend: [Saturday]}",
        "calendar.weekend[0]: expected one of 'monday', 'tuesday', 'wednesday', 'thursday', "
        "'friday', 'saturday' or 'sunday', found 'Saturday'; did you mean 'saturday'?",
    ),
    (
        "calendar:\n  weekend: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]",
        "calendar.weekend: expected a weekend that leaves a business day in the week, found a list",
    ),
    (
        "calendar: {zone: CEST}",
        "zone: expected the name of a time zone such as UTC or Europe/Berlin, found 'CEST'",
    ),
    ("calendar: {zone: europe/berlin}", "expected the name of a time zone such as UTC or Europe"),
    ("calendar: {zone: ../../etc/passwd}", "expected the name of a time zone such as UTC or Euro"),
    ("calendar: {zone: localtime}", "expected the name of a time zone such as UTC or Europe/Berl"),
    (
        "calendar: {holidays: [25.12.2025]}",
        "calendar.holidays[0]: expected a day such as 2025-01-31, found '25.12.2025'",
    ),
    ("calendar: {holidays: [~]}", "calendar.holidays[0]: expected a day such as 2025-01-31, found"),
    # references
    ("references: []", "references: expected at least one control, found an empty list"),
    ("references: {}", "references: expected at least one control, found an empty block"),
    ("references: {all: []}", "references: expected at least one control, found a block of keys"),
    (
        "references: SOC 2",
        "references: expected the keys all, 1, 2, 3, 4, 5, 6, found 'SOC 2'",
    ),
    ("references: [a, 8.1]", "references[1]: expected text, found 8.1, which YAML reads as a numb"),
    ("references: {all: [a, 8.1]}", "references.all[1]: expected text, found 8.1, which YAML"),
    ("references: {3: CM-3}", "references.3: expected a list, found 'CM-3'; write it as ['CM-3']"),
    ("references: {7: [CM-3]}", "references.7: unknown key; the keys here are all, 1, 2, 3, 4, 5"),
    ("references: {step_3: [CM-3]}", "references.step_3: unknown key"),
    # overrides
    (
        "overrides: [{name: x, set: {qa: {review: true}}}]",
        "overrides[0]: the override has no condition and would apply to every change; "
        "add 'repositories', 'paths' or 'only_paths', or set it for all",
    ),
    (
        "overrides: [{name: x, paths: [a], set: {}}]",
        "overrides[0]: the override sets nothing; add what differs under 'set'",
    ),
    ("overrides: [{name: x, paths: [a]}]", "overrides[0]: the key 'set' is missing"),
    ("overrides: [{paths: [a], set: {qa: {}}}]", "overrides[0]: the key 'name' is missing"),
    (
        "overrides: [{name: x, path: [a], repositories: [b], set: {qa: {}}}]",
        "overrides[0].path: unknown key; did you mean 'paths'?",
    ),
    (
        "overrides:\n- name: x\n  paths: [a]\n  set:\n    qa: {reviews: true}",
        "overrides[0].set.qa.reviews: unknown key; did you mean 'review'?",
    ),
    (
        "overrides: [{name: x, paths: [a], set: {qa: {review: maybe}}}]",
        "overrides[0].set.qa.review: expected true or false, found 'maybe'",
    ),
    (
        "overrides: [{name: x, paths: [a], set: {roles: {qa: {users: [no]}}}}]",
        "overrides[0].set.roles.qa.users[0]: expected a login, or the keys login, from, to, found "
        "no, which YAML reads as false; quote it: 'no'",
    ),
    (
        "overrides: [{name: x, paths: [a], set: {peer_reviews: {}}}]",
        "overrides[0].set.peer_reviews: unknown key; did you mean 'peer_review'?",
    ),
    *(
        (
            f"overrides: [{{name: x, paths: [a], set: {{{key}: {{}}, qa: {{}}}}}}]",
            f"[0].set.{key}: an override cannot set this, which holds for all changes alike",
        )
        for key in (
            "version",
            "extends",
            "name",
            "scope",
            "classes",
            "calendar",
            "roster",
            "references",
            "overrides",
            "waivers",
        )
    ),
    # waivers
    (
        "waivers: [{attributes: ['5'], reason: x, by: y, until: 2025-01-31}]",
        "waivers[0]: the key 'change' is missing",
    ),
    (
        "waivers: [{change: acme/a#1, attributes: ['5'], by: x, until: 2025-01-31}]",
        "waivers[0]: the key 'reason' is missing",
    ),
    (
        "waivers: [{change: acme/a#1, attributes: ['5'], reason: x, until: 2025-01-31}]",
        "waivers[0]: the key 'by' is missing",
    ),
    (
        "waivers: [{change: acme/a#1, attributes: ['5'], reason: x, by: y}]",
        "waivers[0]: the key 'until' is missing",
    ),
    (
        "waivers: [{change: acme/a#1, reason: x, by: y, until: 2025-01-31}]",
        "waivers[0]: the key 'attributes' is missing",
    ),
    *(
        (
            f"waivers: [{{change: '{change}', attributes: ['5'], reason: x, by: y, "
            "until: 2025-01-31}]",
            "waivers[0].change: expected a change such as acme/payments#12, or acme/legacy#* for "
            f"all of a repository, found '{change}'",
        )
        for change in ("*", "#12", "payments#12", "acme/payments", "acme/*", "a/b#", "a/b #1")
    ),
    *(
        (
            f"waivers: [{{change: '{change}', attributes: ['5'], reason: x, by: y, "
            "until: 2025-01-31}]",
            "waivers[0].change: expected the number of one pull request after #, or * alone for "
            f"all of the repository, found '{change}'",
        )
        for change in ("a/b#1*", "a/b#*1", "a/b#[12]", "a/b#1?", "a/b#0", "a/b#012", "a/b#**")
    ),
    *(
        (
            f"waivers: [{{change: '{change}', attributes: ['5'], reason: x, by: y, "
            "until: 2025-01-31}]",
            "waivers[0].change: expected a commit after @, by seven of its digits (0-9, a-f) or "
            f"more, or * alone for every direct push to the repository, found '{change}'",
        )
        for change in ("a/b@4f2a9", "a/b@4f2a90b*", "a/b@main", "a/b@4F2A90BE")
    ),
    (
        "waivers: [{change: a/b#1, attributes: [], reason: x, by: y, until: 2025-01-31}]",
        "waivers[0].attributes: expected a list that is not empty, found an empty list",
    ),
    (
        "waivers: [{change: a/b#1, attributes: ['7'], reason: x, by: y, until: 2025-01-31}]",
        "waivers[0].attributes[0]: expected a step ('1' to '6', or 'E') or one of its attributes, "
        "such as '5.2' or 'E.5', found '7'",
    ),
    (
        "waivers: [{change: a/b#1, attributes: [E.99], reason: x, by: y, until: 2025-01-31}]",
        "such as '5.2' or 'E.5', found 'E.99'",
    ),
    (
        "waivers: [{change: a/b#1, attributes: ['5'], reason: ' ', by: y, until: 2025-01-31}]",
        "waivers[0].reason: expected text that is not blank",
    ),
    (
        "waivers: [{change: a/b#1, attributes: ['5'], reason: x, by: y, until: soon}]",
        "waivers[0].until: expected a day such as 2025-01-31, found 'soon'",
    ),
    (
        "waivers: [{change: a/b#1, attributes: ['5'], reason: x, by: y, until: }]",
        "waivers[0].until: expected a day such as 2025-01-31, found nothing",
    ),
    (
        "waivers: [{change: a/b#1, attributes: ['5'], reason: x, by: y, until: 2025-01-31, "
        "granted: 2025-02-01}]",
        "waivers[0]: 'until' (2025-01-31) is before 'granted' (2025-02-01)",
    ),
    # text that YAML does not read as text
    (
        "roles: {qa: {users: [no]}}",
        "roles.qa.users[0]: expected a login, or the keys login, from, to, found no, which YAML "
        "reads as false; quote it: 'no'",
    ),
    (
        "roles:\n  qa:\n    users:\n    - {login: on}",
        "roles.qa.users[0].login: expected text, found on, which YAML reads as true; quote it:",
    ),
    ("roles: {qa: {users: [123]}}", "found 123, which YAML reads as a number; quote it: '123'"),
    ("approving_bots: [off]", "approving_bots[0]: expected text, found off, which YAML reads as"),
    (
        "classes: {automated: {attributes: [3.1]}}",
        "classes.automated.attributes[0]: expected text, found 3.1, which YAML reads as a number; "
        "quote it: '3.1'",
    ),
    ("qa: {labels: [2025-01-31]}", "found 2025-01-31, which YAML reads as a date; quote it: '2025"),
    ("qa: {labels: [~]}", "found ~, which YAML reads as nothing; quote it: '~'"),
    ("qa: {labels: [12:30]}", "found 12:30, which YAML reads as a number; quote it: '12:30'"),
    (
        "name: 1.10",
        "name: expected text, found 1.10, which YAML reads as a number; quote it: '1.10",
    ),
    (
        "qa:\n  labels:\n    - #done",
        "qa.labels[0]: expected text, found nothing; "
        "give a value (in quotes if it starts with #) or take the line out",
    ),
    ("peer_review: {approvals: 0x0}", "found 0x0, which YAML reads as a number"),
    (
        "waivers:\n- change: acme/ledger #16\n  attributes: ['5']\n  reason: r\n  by: b\n"
        "  until: 2025-01-31",
        "found 'acme/ledger'; YAML took #16 for a comment, because of the blank before it",
    ),
    (
        "waivers:\n- change: acme/ledger # the old one\n  attributes: ['5']\n  reason: r\n  by: b\n"
        "  until: 2025-01-31",
        "or acme/legacy#* for all of a repository, found 'acme/ledger'",
    ),
    (
        "qa: {labels: [2025-13-45]}",
        "qa.labels[0]: 2025-13-45 looks like a date, and there is no such day; if it is text, "
        "quote it: '2025-13-45'",
    ),
    (
        "roles: {qa: {users: [{login: a, from: 2025-13-45}]}}",
        "roles.qa.users[0].from: 2025-13-45 looks like a date, and there is no such day",
    ),
    ("name: 0b_", "name: 0b_ looks like a number and is none"),
    ("name: " + "9" * 5000, "9… looks like a number and is none; if it is text, quote it: '…'"),
    # values that have a form
    (
        "roles: {qa: {users: ['a b']}}",
        "expected a GitHub login such as octocat or dependabot[bot], found 'a b'",
    ),
    (
        "roles: {qa: {users: [{login: '@a'}]}}",
        "roles.qa.users[0].login: expected a GitHub login such as octocat or dependabot[bot], "
        "found '@a'",
    ),
    (
        "roles: {qa: {teams: [security]}}",
        "roles.qa.teams[0]: expected a team as organisation/team-slug, such as acme/security, "
        "found 'security'",
    ),
    (
        "tickets: {jira_projects: [pay]}",
        "expected a Jira project key in capitals, such as PAY, found 'pay'",
    ),
    (
        "tickets: {jira_url: 'http://jira.acme.test'}",
        "tickets.jira_url: expected the address of a Jira such as https://acme.atlassian.net; the "
        "address is plain http to jira.acme.test: a token would travel unencrypted; use https",
    ),
    (
        "tickets: {jira_sites: {PAY: 'https://a:b@jira.acme.test'}}",
        "tickets.jira_sites.PAY: expected the address of a Jira such as https://acme.atlassian.net"
        "; the address holds more than the address of a Jira",
    ),
    (
        "tickets: {jira_projects: [PAY], jira_sites: {LED: 'https://a.test', PAY: 'https://b.test'}}",
        "tickets.jira_sites.LED: no ticket of LED counts; name LED in tickets.jira_projects as "
        "well, or take this line out",
    ),
    (
        "overrides: [{name: x, paths: [a/], set: {tickets: {jira_url: 'https://a.test'}}}]",
        "a project is in one Jira, whatever change names its tickets",
    ),
    (
        "classes: {automated: {attributes: ['7']}}",
        "classes.automated.attributes[0]: expected a step from '1' to '6' or one of its "
        "attributes, from '1.1' to '6.5', found '7'",
    ),
    ("classes: {automated: {attributes: ['5.4']}}", "from '1.1' to '6.5', found '5.4'"),
    (
        "classes: {automated: {authors: [renovate]}}",
        "classes.automated: 'authors' are named without 'attributes', so nothing would be asked "
        "of their changes; name at least one step or attribute",
    ),
    (
        "scope: {exclude: [{name: all}]}",
        "scope.exclude[0]: the exclusion has no condition and would exclude everything; "
        "add 'repositories', 'branches' or 'paths'",
    ),
    (
        "roles: {qa: {users: [{login: a, from: 2025-02-01, to: 2025-01-31}]}}",
        "roles.qa.users[0]: 'to' (2025-01-31) is before 'from' (2025-02-01)",
    ),
    (
        "roles: {qa: {users: [{login: a, from: '2025-02-30'}]}}",
        "roles.qa.users[0].from: there is no such day, found '2025-02-30'",
    ),
    (
        "roles: {qa: {users: [{login: a, from: 2025-01-31 10:00:00}]}}",
        "from: expected a day such as 2025-01-31, found 2025-01-31 10:00:00, which YAML reads as a "
        "date",
    ),
    (
        "roles: {qa: {users: [{login: a, to: soon}]}}",
        "expected a day such as 2025-01-31, found 'so",
    ),
    ("qa: {comment: ok}", "qa.comment: expected text of at least 3 characters, found 'ok'"),
    ("qa: {comment: '    '}", "qa.comment: expected text that is not blank, found '    '"),
    ("name: ''", "name: expected text of at least 1 characters, found ''"),
    ("qa: {labels: ['']}", "qa.labels[0]: expected text of at least 1 characters, found ''"),
    (
        "qa: {labels: ['" + "x" * 301 + "']}",
        "expected text of at most 300 characters, found '" + "x" * 79 + "…'",
    ),
    ("feature_branch: {pattern: " + "a" * 201 + "}", "expected text of at most 200 characters"),
    # what YAML can do and a policy may not
    ("roles: {qa: {}, qa: {}}", "roles.qa: the key is given twice, first on line 1; keep one"),
    (
        "roles:\n  qa: !!python/object/apply:os.system [x]",
        "roles.qa: tags such as !!python/object/apply:os.system are refused",
    ),
    ("name: !secret x", "name: tags such as !secret are refused; a value that starts with ! must"),
    ("scope: {branches: [!x y]}", "scope.branches[0]: tags such as !x are refused"),
    ("!!python/name:os.system name: x", "a tag before a key is refused; take it out"),
    ("name: ! x", "name: tags such as ! are refused"),
    ("name: !!binary aGk=", "name: tags such as !!binary are refused"),
    (
        "peer_review: {approvals: !!int '2'}",
        "peer_review.approvals: tags such as !!int are refused",
    ),
    ("!!python/name:os.system {}", "tags such as !!python/name:os.system are refused"),
    (
        "roles:\n  qa: &x {users: [a]}\n  lead:\n    <<: *x",
        "roles.lead: merge keys (<<) are refused; write the keys out",
    ),
    (
        "roles: {qa: {users: &x [*x]}}",
        "roles.qa.users[0]: the anchor that is used here holds itself",
    ),
    ("&x {roles: *x}", "roles: the anchor that is used here holds itself"),
    # not a policy at all
    ("- a\n- b", "expected the keys version, extends, name, scope,"),
    ("just words", "found 'just words'"),
]


@pytest.mark.parametrize(("text", "said"), CONTENT, ids=[text[:40] for text, _ in CONTENT])
def test_a_fault_is_told_with_its_line_and_key(text: str, said: str) -> None:
    """Each fault gives exactly one problem, with file, line and the words expected."""
    told = problem(text)
    assert re.match(r"policy\.yaml:\d+: ", told)
    assert said in told


def test_a_site_may_be_of_a_project_that_an_override_counts() -> None:
    """Its tickets count for some changes, and are asked for in that Jira."""
    policy = loaded(
        "tickets: {jira_sites: {LED: 'https://a.test'}}\n"
        "overrides: [{name: x, paths: [a/], set: {tickets: {jira_projects: [LED]}}}]"
    )
    assert policy.jiras == {"https://a.test": ("LED",)}


def test_a_site_of_a_project_that_does_not_count_is_told_on_its_own_line() -> None:
    text = "tickets:\n  jira_projects: [PAY]\n  jira_sites:\n    LED: https://a.test\n"
    assert problem(text).startswith("policy.yaml:4: tickets.jira_sites.LED: no ticket of LED")


def test_a_doubled_key_names_both_lines() -> None:
    """The line of the problem is the second one's, and the first one's stands in it."""
    told = problem("roles:\n  qa:\n    users: [a]\nname: x\nroles: {}\n")
    assert told == "policy.yaml:5: roles: the key is given twice, first on line 1; keep one"


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    """A policy is mended in one go: nothing waits behind another fault."""
    text = """\
qa:
  reviews: true
peer_review:
  approvals: two
roles:
  lead:
    users:
      - alice
      - login: b!
        from: 2025-13-45
      - no
  lead: {}
name: !x y
scope:
  exclude:
    - name: everything
vresion: 1
"""
    told = problems(text)
    assert [line.split(": ")[0] + " " + line.split(": ")[1] for line in told] == [
        "policy.yaml:2 qa.reviews",
        "policy.yaml:4 peer_review.approvals",
        "policy.yaml:9 roles.lead.users[1].login",
        "policy.yaml:10 roles.lead.users[1].from",
        "policy.yaml:11 roles.lead.users[2]",
        "policy.yaml:12 roles.lead",
        "policy.yaml:13 name",
        "policy.yaml:16 scope.exclude[0]",
        "policy.yaml:17 vresion",
    ]


def test_the_message_counts_the_problems() -> None:
    """The message says which policy, and how many problems follow."""
    with pytest.raises(PolicyError, match=r"^the policy my\.yaml cannot be used: 2 problems$"):
        load_policy("a: 1\nb: 2", "my.yaml")
    with pytest.raises(PolicyError, match=r"^the policy my\.yaml cannot be used: 1 problem$"):
        load_policy("a: 1", "my.yaml")


def test_a_flood_of_problems_is_counted() -> None:
    """Beyond the bound the number of further problems is told."""
    told = problems("".join(f"k{number}: 1\n" for number in range(MAX_PROBLEMS + 5)))
    assert len(told) == MAX_PROBLEMS + 1
    assert told[MAX_PROBLEMS - 1].startswith(f"policy.yaml:{MAX_PROBLEMS}: ")
    assert told[-1] == "policy.yaml: and 5 more problems after these"


def test_a_fault_of_another_kind_keeps_pydantics_words() -> None:
    """Where no words are kept for an error of pydantic's, its own are shown with the value."""
    details = ErrorDetails(type="finite_number", loc=("x",), msg="Should be finite", input=0)
    node = yaml.compose(".inf", yaml.SafeLoader)
    assert node is not None
    said = yaml_document._explained(details, node, None)
    assert said == "Should be finite, found .inf, which YAML reads as a number"


# Faults of the text ---------------------------------------------------------------------------

SYNTAX = [
    ("qa:\n\treview: true", 2, "a tab is used where YAML allows only spaces; indent with spaces"),
    ("name: @acme", 1, "a value cannot start with @; put it in quotes"),
    ("name: `x`", 1, "a value cannot start with `; put it in quotes"),
    ("a: 1\nname: %x", 2, "a value cannot start with %; put it in quotes"),
    ("scope:\n  branches:\n    - *.md", 3, "a value that starts with * or & must be in quotes"),
    ("name: *md", 1, "there is no anchor named md; if a value starts with *, put it in quotes"),
    ("name: a\n  b: c", 2, "a ':' stands where no key can be"),
    ("qa: {comment: {a: b: c}}", 1, "the block in { } is not closed"),
    ("approving_bots: [x[bot]]", 1, "a value in it that holds [ ] or { } needs quotes"),
    (
        "qa: {labels: [a, b\nname: x\n",
        2,
        "the list in [ ] is not closed, or a value in it that holds [ ] or { } needs quotes "
        "(what is being read began on line 1)",
    ),
    ("name: 'x\na: b", 2, "a quotation is not closed (what is being read began on line 1)"),
    ("name: x\nword\nqa: {}", 3, "expected a key followed by ':'"),
    ("a:\n  - x\n - y", 3, "this line does not fit the lines before it"),
    ("a: 1\n---\nb: 2", 2, "a second document starts here; a policy is one document"),
    ("%YAML 2.0\n---\na: 1", 1, "found incompatible YAML document"),
    ('name: "\\q"', 1, "found unknown escape character 'q'"),
    ("a: &x 1\nb: &x 2", 2, "found duplicate anchor 'x'; first occurrence, second occurrence"),
]


@pytest.mark.parametrize(("text", "line", "said"), SYNTAX, ids=[text[:20] for text, _, _ in SYNTAX])
def test_a_fault_of_syntax_is_told_with_its_line(text: str, line: int, said: str) -> None:
    """What YAML cannot read is told in plain words, with the line."""
    told = problem(text)
    assert told.startswith(f"policy.yaml:{line}: not valid YAML: ")
    assert said in told


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "null", "~", "\ufeff"])
def test_an_empty_policy_is_no_default(text: str) -> None:
    """Nothing written is not taken for the default; the message says how to get it."""
    assert problem(text) == (
        "policy.yaml: is empty; write at least `version: 1` for the default policy"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nname: \x00", "policy.yaml:2: holds the character \\x00, which YAML does not allow"),
        ("name: \x1b[31m", "policy.yaml:1: holds the character \\x1b, which YAML does not allow"),
        ("a: 1\nb: \ud800", "policy.yaml:2: is not UTF-8 text; save the file as UTF-8"),
    ],
)
def test_characters_that_are_no_text_are_refused(text: str, said: str) -> None:
    """NULs, escapes and lone surrogates are named, and not printed."""
    assert said in problem(text)


# Bounds ---------------------------------------------------------------------------------------


def bomb(levels: int, width: int) -> str:
    """A policy whose aliases expand to `width ** levels` values."""
    lines = ["a0: &a0 [x]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]")
    return "\n".join(lines)


BOUNDS = [
    ("bomb", bomb(12, 10), "holds more than 20,000 values once its aliases are expanded"),
    ("chain", bomb(5000, 1), "is nested more than 20 levels deep once its aliases are expanded"),
    ("brackets", "[" * (MAX_BYTES // 2), "is nested more than 20 levels deep"),
    ("braces", "{a: " * 100_000, "is nested more than 20 levels deep"),
    ("dashes", "- " * 100_000, "is nested more than 20 levels deep"),
    ("questions", "? " * 100_000, "is nested more than 20 levels deep"),
    ("many", "a: [" + "x, " * 300_000 + "]", "holds more than 20,000 values"),
    ("keys", "\n".join(f"k{n}: 1" for n in range(80_000)), "holds more than 20,000 values"),
    ("large", "# " + "x" * MAX_BYTES, "is larger than 1 MiB; a policy is a few pages of text"),
    ("digits", "name: " + "9" * 1_000_000, "looks like a number and is none"),
    ("minutes", "name: 1" + ":59" * 300_000, "looks like a number and is none"),
    ("long key", "? " + "x" * 1_000_000 + "\n: 1", "unknown key"),
    ("unknown keys", "\n".join(f"verison{n}: 1" for n in range(9_000)), "did you mean 'version'?"),
]


@pytest.mark.parametrize(("text", "said"), [row[1:] for row in BOUNDS], ids=[r[0] for r in BOUNDS])
def test_bombs_are_refused_in_bounded_time(text: str, said: str) -> None:
    """No text of a megabyte holds the program up, fills the memory or breaks the stack."""
    start = time.perf_counter()
    told = problems(text)
    assert time.perf_counter() - start < 20
    assert said in told[0]
    assert max(map(len, told)) < 500


def test_the_bounds_leave_room_for_a_large_policy() -> None:
    """Thousands of people can be named, in a file just as large as is allowed."""
    text = "roles:\n  lead:\n    users:\n"
    text += "".join(f"      - u{number}\n" for number in range(MAX_VALUES - 10))
    text += "#" * (MAX_BYTES - len(text))
    assert len(loaded(text).roles.lead.users) == MAX_VALUES - 10


# Files ----------------------------------------------------------------------------------------


def refused(path: Path) -> str:
    with pytest.raises(PolicyError) as caught:
        read_policy(path)
    (only,) = caught.value.problems
    return only


def test_a_file_is_read_as_bytes(tmp_path: Path) -> None:
    """The digest is that of the file's bytes, so that anyone can check it; CRLF stays as it is."""
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: caf\xc3\xa9\r\nversion: 1\r\n")
    found = read_policy(path)
    assert found.policy.name == "café"
    assert found.source == str(path)
    assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The message says which file there is not."""
    path = tmp_path / "none.yaml"
    assert refused(path) == f"{path}: there is no such file"


def test_a_directory_is_no_policy(tmp_path: Path) -> None:
    """A folder given by mistake is said to be one."""
    assert refused(tmp_path) == f"{tmp_path}: is a directory; name the policy file itself"


def test_an_unreadable_file_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's reason is passed on."""

    def denied(self: Path, *args: Any, **kwargs: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    path = tmp_path / "policy.yaml"
    assert refused(path) == f"{path}: cannot be read: Permission denied"


def test_an_impossible_name_is_no_crash() -> None:
    """A path that no system takes is an error like any other, and shown without its NUL."""
    told = refused(Path("a\0b.yaml"))
    assert told.startswith("a\\x00b.yaml: ")
    assert "\0" not in told


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no endless files")
def test_an_endless_file_is_refused() -> None:
    """Reading stops at the bound, whatever the size that the system tells."""
    told = refused(Path("/dev/zero"))
    assert told == "/dev/zero: is larger than 1 MiB; a policy is a few pages of text"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of POSIX")
def test_a_policy_may_come_through_a_pipe(tmp_path: Path) -> None:
    """A pipe, such as a shell's <(…), is read like a file."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"name: piped",), daemon=True)
    writer.start()
    assert read_policy(path).policy.name == "piped"
    writer.join()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("name: x".encode("utf-16"), ":1: is UTF-16 text; save the file as UTF-8"),
        (b"# one\n# two\nname: caf\xe9\n", ":3: is not UTF-8 text; save the file as UTF-8"),
    ],
)
def test_other_encodings_are_refused(tmp_path: Path, data: bytes, said: str) -> None:
    """A file in another encoding is not guessed at; the line of the first fault is told."""
    path = tmp_path / "policy.yaml"
    path.write_bytes(data)
    assert refused(path).endswith(said)


# Hostile text ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – text ✓", "plain – text ✓"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\u202edesrever", "\\u202edesrever"),
        ("a\u2028b\x85c", "a\\u2028b\\x85c"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
        ("x" * 78 + "\0y", "x" * 78 + "…"),
        ("", ""),
    ],
)
def test_text_is_shown_on_one_line(text: str, shown: str) -> None:
    """What a terminal would obey is written out; what is too long is cut."""
    assert visible(text) == shown


@given(st.text(), st.integers(min_value=1, max_value=100))
def test_shown_text_is_harmless_and_bounded(text: str, limit: int) -> None:
    """Whatever the text, it is printable, on one line and within the limit."""
    shown = visible(text, limit)
    assert len(shown) <= limit
    assert not {unicodedata.category(character)[0] for character in shown} & {"C"}
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")


WILD = st.text(st.sampled_from("abz:-[]{}&*!|>'\"%@`#?,<= \n\t0159._~/\x1b\u202e\ud800é"))


@given(st.one_of(WILD, st.text()))
def test_no_text_crashes_the_reader(text: str) -> None:
    """Any text is a policy, or is refused with problems that are safe to print."""
    told: tuple[str, ...] | None = None
    try:
        load_policy(text, "p")
    except PolicyError as error:
        told = error.problems
    assert told != ()
    for line in told or ():
        assert line.startswith("p:")
        assert visible(line, 10_000) == line


WORDS = ["version", "name", "roles", "peer", "users", "login", "from", "to", "qa", "labels"]
WORDS += ["scope", "exclude", "branches", "classes", "automated", "attributes", "authors", "<<"]
WORDS += ["extends", "strict", "roster", "overrides", "set", "paths", "references", "all", "3"]
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.dates(),
        st.datetimes(),
        st.text(max_size=20),
        st.sampled_from(WORDS),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(WORDS), VALUES, min_size=1))
def test_no_structure_crashes_the_reader(value: dict[str, Any]) -> None:
    """Any structure of YAML is a policy, or is refused with the line of every problem."""
    text = yaml.safe_dump(value, allow_unicode=True)
    told: tuple[str, ...] | None = None
    try:
        load_policy(text, "p")
    except PolicyError as error:
        told = error.problems
    assert told != ()
    lines = [int(line.split(":")[1]) for line in told or ()]
    assert lines == sorted(lines)
    # YAML 1.1 ends a line at these characters too.
    count = len(re.findall("[\n\x85\u2028\u2029]", text))
    assert all(1 <= line <= count for line in lines)


# The schema -----------------------------------------------------------------------------------


def schema_accepts(value: Any) -> bool:
    return not list(Draft202012Validator(policy_schema()).iter_errors(value))


def test_the_schema_is_one() -> None:
    """It is valid JSON Schema of the draft that it names, has a title, and claims no address."""
    schema = policy_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "changeaudit policy"
    assert "$id" not in schema
    assert json.loads(json.dumps(schema)) == schema


def test_the_schema_describes_every_key() -> None:
    """An editor can tell what each key means."""
    schema = policy_schema()
    parts = [schema, *schema["$defs"].values()]
    assert len(parts) > 15
    for part in parts:
        assert part["description"]
        assert part["additionalProperties"] is False
        for name, field in part["properties"].items():
            assert field.get("description", "").endswith("."), (part["title"], name)


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        ({}, True),
        ({"roles": {"qa": {"users": ["alice", {"login": "bob", "from": "2025-01-01"}]}}}, True),
        ({"final_approval": {"mergers": ["alice"]}}, True),
        ({"roles": {"qa": {"users": [1]}}}, False),
        ({"roles": {"qa": {"users": ["a b"]}}}, False),
        ({"roles": {"qa": {"users": [{"since": "2025-01-01"}]}}}, False),
        ({"roles": {"qa": {"teams": ["security"]}}}, False),
        ({"classes": {"automated": {"attributes": ["3", "5.2"]}}}, True),
        ({"classes": {"automated": {"attributes": ["5.4"]}}}, False),
        ({"tickets": {"jira_projects": ["PAY"]}}, True),
        ({"tickets": {"jira_projects": ["pay"]}}, False),
        ({"peer_review": {"approvals": 0}}, False),
        ({"scope": {"branches": []}}, False),
        ({"extends": "strict", "name": "x"}, True),
        ({"extends": ["strict"]}, False),
        ({"calendar": {"weekend": ["friday"], "holidays": ["2025-12-25"]}}, True),
        ({"calendar": {"weekend": ["Friday"]}}, False),
        ({"classes": {"emergency": {"post_mortem": {"link_pattern": "https://x/*"}}}}, True),
        ({"classes": {"emergency": {"documentation_hours": 0}}}, False),
        ({"references": ["SOC 2 CC8.1"]}, True),
        ({"references": {"all": ["A"], "3": ["B"]}}, True),
        ({"references": {"7": ["B"]}}, False),
        ({"references": []}, False),
        ({"overrides": [{"name": "x", "paths": ["a"], "set": {"qa": {"review": True}}}]}, True),
        ({"overrides": [{"name": "x", "paths": ["a"], "set": {"scope": {}}}]}, False),
        ({"overrides": [{"name": "x", "paths": ["a"]}]}, False),
        (
            {
                "waivers": [
                    {
                        "change": "a/b#1",
                        "attributes": ["5"],
                        "reason": "x",
                        "by": "y",
                        "until": "2025-01-31",
                    }
                ]
            },
            True,
        ),
        (
            {
                "waivers": [
                    {
                        "change": "a/b",
                        "attributes": ["5"],
                        "reason": "x",
                        "by": "y",
                        "until": "2025-01-31",
                    }
                ]
            },
            False,
        ),
        (
            {
                "waivers": [
                    {
                        "change": "a/b#1",
                        "attributes": ["5.4"],
                        "reason": "x",
                        "by": "y",
                        "until": "2025-01-31",
                    }
                ]
            },
            False,
        ),
        ({"nonsense": 1}, False),
        ({"version": 2}, False),
    ],
)
def test_the_schema_agrees_with_the_reader(value: Any, accepted: bool) -> None:
    """What the schema accepts loads, and what it refuses does not."""
    assert schema_accepts(value) is accepted
    text = json.dumps(value)
    if accepted:
        loaded(text)
    else:
        assert problems(text)


# The models -----------------------------------------------------------------------------------


def test_the_attributes_are_those_of_the_procedure() -> None:
    """The six steps have 5, 3, 3, 4, 3 and 5 attributes."""
    assert " ".join(ATTRIBUTE_IDS) == (
        "1.1 1.2 1.3 1.4 1.5 2.1 2.2 2.3 3.1 3.2 3.3 "
        "4.1 4.2 4.3 4.4 5.1 5.2 5.3 6.1 6.2 6.3 6.4 6.5"
    )
    assert STEP_IDS == ("1", "2", "3", "4", "5", "6")


@pytest.mark.parametrize("attribute", [*STEP_IDS, *ATTRIBUTE_IDS])
def test_every_attribute_may_be_asked_of_bots(attribute: str) -> None:
    """Each step and each attribute can be named; what is named is asked, and others are not."""
    text = f"classes: {{automated: {{authors: [renovate], attributes: ['{attribute}']}}}}"
    policy = loaded(text)
    asked = {name for name in ATTRIBUTE_IDS if policy.asks(ChangeClass.AUTOMATED, name)}
    assert asked == {name for name in ATTRIBUTE_IDS if name.startswith(attribute)}
    assert policy.asks(ChangeClass.STANDARD, "6.5")


def test_attributes_without_authors_are_no_fault() -> None:
    """Nothing is exempted where no bot is named."""
    assert Automated(attributes=("3",)).authors == ()


def test_a_role_is_looked_up_by_name() -> None:
    """`role` gives the holders, `named` whether there can be any, `triggers` what asks for one."""
    policy = Policy()
    assert policy.role("peer").named
    assert not policy.role("lead").named
    assert not policy.security_review.triggers
    assert loaded("security_review: {impact_items: [x]}").security_review.triggers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 1", {"1": ["SOC 2 CC8.1"], "E": ["SOC 2 CC8.1"]}),
        ("references: [A, B]", {"1": ["A", "B"], "6": ["A", "B"], "E": ["A", "B"]}),
        ("references: {all: [A], 3: [B, A]}", {"3": ["A", "B"], "1": ["A"], "E": ["A"]}),
        ("references: {'6': [B]}", {"6": ["B"], "1": [], "E": []}),
    ],
)
def test_a_step_has_the_references_of_all_and_its_own(
    text: str, expected: dict[str, list[str]]
) -> None:
    """In the order of the policy, each once; `references` are those of every step."""
    policy = loaded(text)
    assert {step: [*policy.references_of(step)] for step in expected} == expected
    assert policy.references == policy.references_of("E")


def test_references_may_be_given_as_before() -> None:
    """In Python and in YAML, as a list; and what is written out is as short as what was said."""
    policy = Policy(references=("A", "B"))  # type: ignore[arg-type]
    assert policy.references == ("A", "B")
    assert policy.model_dump(mode="json", by_alias=True)["references"] == ["A", "B"]
    some = loaded("references: {all: [A], '3': [B]}").model_dump(mode="json", by_alias=True)
    assert some["references"] == {"all": ["A"], "3": ["B"]}


def test_an_emergency_has_the_deadlines_of_the_procedure() -> None:
    """24 hours and 3 business days, unless the policy says otherwise; nothing is a post-mortem."""
    emergency = Policy().classes.emergency
    assert (emergency.documentation_hours, emergency.follow_up_business_days) == (24, 3)
    assert emergency.post_mortem == PostMortem(labels=(), ticket_types=(), link_pattern=None)


def test_the_calendar_is_what_counts_business_days() -> None:
    """With the days and the zone of the policy; Saturday, Sunday and UTC by default."""
    assert Policy().calendar.workdays() == Workdays(("saturday", "sunday"), (), "UTC")
    text = "calendar: {weekend: [friday], holidays: [2025-12-25, '2025-12-26'], zone: Asia/Riyadh}"
    assert loaded(text).calendar.workdays() == Workdays(
        ("friday",), (date(2025, 12, 25), date(2025, 12, 26)), "Asia/Riyadh"
    )
    assert loaded("calendar: {weekend: []}").calendar.workdays().weekend == ()
