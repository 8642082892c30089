"""What a policy extends, and its roster: profiles and files laid beneath it, and their faults."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from changeaudit.errors import PolicyError
from changeaudit.policy import PROFILES, Member, PeerRole, Policy, Role, lay
from changeaudit.policy_file import (
    LoadedPolicy,
    ReadFile,
    effective_yaml,
    load_policy,
    policy_schema,
    read_policy,
)

PACKAGED = Path(__file__).parents[1] / "src" / "changeaudit" / "profiles"


def written(folder: Path, **texts: str) -> Path:
    """Files of YAML (`a`) or CSV (`a_csv`) in a folder; the first of them."""
    paths = []
    for name, text in texts.items():
        stem, _, suffix = name.partition("_")
        path = folder / f"{stem}.{suffix or 'yaml'}"
        path.write_text(text, encoding="utf-8", newline="")
        paths.append(path)
    return paths[0]


def loaded(folder: Path, **texts: str) -> LoadedPolicy:
    return read_policy(written(folder, **texts))


def problems(folder: Path, **texts: str) -> list[str]:
    """The problems of a policy that must not load, without the folder."""
    path = written(folder, **texts)
    with pytest.raises(PolicyError) as caught:
        read_policy(path)
    assert caught.value.message.startswith(f"the policy {path} cannot be used: ")
    return [
        line.replace(f"{folder}/", "").replace(f"{folder}\\", "") for line in caught.value.problems
    ]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# Profiles -------------------------------------------------------------------------------------


def test_the_profiles_are_those_that_are_packaged() -> None:
    assert {path.name for path in PACKAGED.iterdir()} == {f"{name}.yaml" for name in PROFILES}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_a_policy_that_bears_its_name(name: str) -> None:
    """It loads alone, an editor's check finds nothing, and it extends nothing itself."""
    path = PACKAGED / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    policy = load_policy(text, name).policy
    assert policy.name == name
    assert policy.extends is None
    assert list(Draft202012Validator(policy_schema()).iter_errors(yaml.safe_load(text))) == []
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("name", PROFILES)
def test_extending_a_profile_is_to_have_what_it_says(name: str) -> None:
    """Nothing else differs, and the profile's own digest is told."""
    found = load_policy(f"extends: {name}", "p")
    profile = load_policy((PACKAGED / f"{name}.yaml").read_text(encoding="utf-8"), name)
    assert found.policy == profile.policy.model_copy(update={"extends": name})
    assert found.files == (ReadFile("extended", f"profile {name}", profile.digest),)


def test_the_default_profile_is_the_default() -> None:
    """Every key stands in it, with the value that holds without it."""
    text = (PACKAGED / "default.yaml").read_text(encoding="utf-8")
    assert load_policy(text, "default").policy == Policy()
    assert yaml.safe_load(text) == yaml.safe_load(effective_yaml(Policy()))


def differing(one: Any, other: Any, path: str = "") -> set[str]:
    """The dotted keys in which two policies, as plain values, differ."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return set() if one == other else {path.removeprefix(".")}
    return {
        found
        for key in one.keys() | other.keys()
        for found in differing(one.get(key), other.get(key), f"{path}.{key}")
    }


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        (
            "strict",
            {"name", "roles.peer.write_access", "tickets.places", "tickets.planned_before"},
        ),
        (
            "lean",
            {
                "name",
                "unlinked_commits",
                "qa.staging_checks_sign_off",
                "final_approval.peer_may_be_lead",
            },
        ),
        ("default", set()),
    ],
)
def test_a_profile_differs_from_the_default_in_these_keys(name: str, keys: set[str]) -> None:
    """Whoever adds to a profile says so here, and in the changelog."""
    profile = load_policy(f"extends: {name}", "p").policy
    found = differing(profile.model_dump(by_alias=True), Policy().model_dump(by_alias=True))
    assert found == keys | {"extends"}


def test_strict_names_nobody() -> None:
    """All four roles are the user's to name; the default of write access does not come back."""
    strict = load_policy("extends: strict", "p").policy
    assert not any(strict.role(name).named for name in ("peer", "security", "qa", "lead"))
    assert strict.tickets.planned_before == "first_commit"
    one = load_policy("extends: strict\nroles: {qa: {users: [alice]}}", "p").policy
    assert one.roles.qa.users == (Member(login="alice"),)
    assert not one.roles.peer.named


def test_lean_lets_one_person_be_peer_and_lead() -> None:
    lean = load_policy("extends: lean", "p").policy
    assert lean.final_approval.peer_may_be_lead
    assert lean.unlinked_commits == "opener"


def test_lean_asks_for_a_check_once() -> None:
    """What shows the test in staging signs off too, unless the policy says otherwise."""
    lean = load_policy("extends: lean\nqa: {staging_checks: [e2e]}", "p").policy
    assert lean.qa.signing_checks == ("e2e",)
    for other in ("strict", "default"):
        found = load_policy(f"extends: {other}\nqa: {{staging_checks: [e2e]}}", "p").policy
        assert found.qa.signing_checks == ()
    people = "extends: lean\nqa: {staging_checks: [e2e], staging_checks_sign_off: false}"
    assert load_policy(people, "p").policy.qa.signing_checks == ()


# Laying one policy over another ---------------------------------------------------------------


def test_mappings_are_merged_and_the_rest_replaced() -> None:
    """Key by key at every depth; a list, a single value and a role as wholes."""
    found = load_policy(
        "extends: strict\n"
        "name: ours\n"
        "tickets: {places: [title], github_issues: false}\n"
        "roles: {peer: {teams: [acme/devs]}}\n"
        "qa: {review: true}\n",
        "p",
    ).policy
    assert found.name == "ours"
    assert found.tickets.places == ("title",)
    assert found.tickets.planned_before == "first_commit"
    assert not found.tickets.github_issues
    assert found.roles.peer == PeerRole(teams=("acme/devs",))
    assert found.qa.review


@pytest.mark.parametrize("extends", ["", "extends: default\n"])
def test_naming_a_role_replaces_its_default(extends: str) -> None:
    """Extending the default profile says no more than extending nothing."""
    found = load_policy(f"{extends}roles: {{peer: {{teams: [acme/devs]}}}}", "p").policy
    assert found.roles.peer == PeerRole(teams=("acme/devs",))


@given(st.sampled_from(PROFILES), st.data())
def test_extending_is_writing_it_out(name: str, data: st.DataObject) -> None:
    """A policy that extends a profile is the file that one would have written by hand."""
    profile = yaml.safe_load((PACKAGED / f"{name}.yaml").read_text(encoding="utf-8"))
    whole = yaml.safe_load((PACKAGED / "default.yaml").read_text(encoding="utf-8"))
    other = {
        "peer_review": {"approvals": 3},
        "tickets": {"planned_before": "merge", "types": ["Bug"]},
        "roles": {"peer": {"users": ["bob"]}, "qa": {"teams": ["acme/qa"]}},
        "feature_branch": {"pattern": "feature/*"},
        "classes": {"emergency": {"post_mortem": {"labels": ["x"]}}},
        "references": {"all": ["A"], "3": ["B"]},
        "scope": {"branches": ["main"]},
        "calendar": {"weekend": ["sunday"]},
    }
    own = {key: other[key] for key in data.draw(st.sets(st.sampled_from(sorted(other))))}
    found = load_policy(yaml.safe_dump({**own, "extends": name}), "p").policy
    by_hand = load_policy(yaml.safe_dump(lay(own, lay(profile, whole))), "p").policy
    assert found == by_hand.model_copy(update={"extends": name})


def test_a_file_is_extended(tmp_path: Path) -> None:
    """From the folder of the policy that names it, with the digests of all that was read.

    Parts that need each other may stand in two files.
    """
    (tmp_path / "company").mkdir()
    base = written(
        tmp_path / "company",
        base="extends: lean\nname: company\nclasses: {automated: {attributes: ['3']}}\n",
    )
    path = written(
        tmp_path,
        p="extends: company/base.yaml\nclasses: {automated: {authors: [renovate]}}\n",
    )
    found = read_policy(path)
    assert found.policy.name == "company"
    assert found.policy.final_approval.peer_may_be_lead
    assert found.policy.classes.automated.authors == ("renovate",)
    assert found.policy.classes.automated.attributes == ("3",)
    profile = digest(PACKAGED / "lean.yaml")
    assert found.files == (
        ReadFile("extended", str(tmp_path / "company" / "base.yaml"), digest(base)),
        ReadFile("extended", "profile lean", profile),
    )
    lines = f"{digest(path)}\n{digest(base)}\n{profile}\n"
    assert found.digest == hashlib.sha256(lines.encode()).hexdigest()


def test_the_digest_changes_with_every_file(tmp_path: Path) -> None:
    """A report that names the digest names all that the policy was made of."""
    texts = {"p": "extends: b.yaml\nroster: r.csv", "b": "name: x", "r_csv": "role,login\nqa,a\n"}
    found = {loaded(tmp_path, **texts).digest}
    for name in texts:
        found.add(loaded(tmp_path, **{**texts, name: texts[name] + "\n"}).digest)
    assert len(found) == 4


# Faults of what is extended -------------------------------------------------------------------

KEYS = [field.alias or name for name, field in Policy.model_fields.items()]
WRONG: list[tuple[str, dict[str, str], list[str]]] = [
    ("no such profile", {"p": "extends: stirct"}, [
        "p.yaml:1: extends: expected a profile (strict, default, lean), or a file whose name ends "
        "in .yaml, found 'stirct'; did you mean 'strict'?"]),
    ("nothing like a profile", {"p": "name: x\nextends: company"}, [
        "p.yaml:2: extends: expected a profile (strict, default, lean), or a file whose name ends "
        "in .yaml, found 'company'"]),
    ("no text", {"p": "extends: [strict]"}, ["p.yaml:1: extends: expected text, found a list"]),
    ("blank", {"p": "extends: ' '"}, [
        "p.yaml:1: extends: expected text that is not blank, found ' '"]),
    ("no such file", {"p": "extends: b.yaml\nnmae: x"}, [
        "p.yaml:2: nmae: unknown key; did you mean 'name'?", "b.yaml: there is no such file"]),
    ("an absolute path", {"p": "extends: /etc/policy.yaml"}, [
        "p.yaml:1: extends: expected a path relative to this file, with / between folders"]),
    ("a path with a drive", {"p": "extends: 'C:policy.yaml'"}, [
        "p.yaml:1: extends: expected a path relative to this file, with / between folders"]),
    ("a path with backslashes", {"p": "extends: a\\b.yaml"}, [
        "p.yaml:1: extends: expected a path relative to this file, with / between folders"]),
    ("itself", {"p": "extends: p.yaml"}, [
        "p.yaml:1: extends: a policy that is extended may itself extend a profile (strict, "
        "default, lean) and no other file"]),
    ("a cycle", {"p": "extends: b.yaml", "b": "# b\nextends: p.yaml"}, [
        "b.yaml:2: extends: a policy that is extended may itself extend a profile (strict, "
        "default, lean) and no other file"]),
    ("two levels of files", {"p": "extends: b.yaml", "b": "extends: c.yaml", "c": "name: c"}, [
        "b.yaml:1: extends: a policy that is extended may itself extend a profile (strict, "
        "default, lean) and no other file"]),
    ("no YAML", {"p": "extends: b.yaml\nnmae: x", "b": "a: 1\nb: [x"}, [
        "p.yaml:2: nmae: unknown key; did you mean 'name'?",
        "b.yaml:2: not valid YAML: the list in [ ] is not closed, or a value in it that holds [ ] "
        "or { } needs quotes"]),
    ("empty", {"p": "extends: b.yaml", "b": "# nothing"}, [
        "b.yaml: is empty; write at least `version: 1` for the default policy"]),
    ("nothing in it", {"p": "extends: b.yaml", "b": "null"}, [
        "b.yaml: is empty; write at least `version: 1` for the default policy"]),
    ("no mapping", {"p": "extends: b.yaml\nname: x", "b": "# list\n- a"}, [
        f"b.yaml:2: expected the keys {', '.join(KEYS)}, found a list"]),
    ("faults in both, one hidden by what is laid over it", {
        "p": "extends: b.yaml\nqa: {review: maybe, labels: []}\npeer_review: {approvals: 0}",
        "b": "qa:\n  labels: done\n  reviews: true\n  comment: x\ntemplate: []\n"}, [
        "p.yaml:2: qa.review: expected true or false, found 'maybe'",
        "p.yaml:3: peer_review.approvals: expected a number of at least 1, found 0",
        "b.yaml:2: qa.labels: expected a list, found 'done'; write it as ['done']",
        "b.yaml:3: qa.reviews: unknown key; did you mean 'review'?",
        "b.yaml:4: qa.comment: expected text of at least 3 characters, found 'x'",
        "b.yaml:5: template: expected the keys headings, placeholders, found an empty list"]),
    ("two profiles deep", {
        "p": "extends: b.yaml\nqa: {review: 1}", "b": "extends: lean\nqa: {review: 2}"}, [
        "p.yaml:2: qa.review: expected true or false, found 1, which YAML reads as a number",
        "b.yaml:2: qa.review: expected true or false, found 2, which YAML reads as a number"]),
    ("in a list that replaces another", {
        "p": "extends: b.yaml\nroles: {qa: {users: [{from: 2025-01-01}]}}",
        "b": "roles:\n  qa:\n    users:\n      - {login: b}\n"}, [
        "p.yaml:2: roles.qa.users[0]: the key 'login' is missing"]),
    ("in a role that replaces another", {
        "p": "extends: b.yaml\nroles: {qa: {users: [b!]}}",
        "b": "roles:\n  qa: {teams: [acme/x], users: [{login: b}]}\n"}, [
        "p.yaml:2: roles.qa.users[0]: expected a GitHub login such as octocat or dependabot[bot], "
        "found 'b!'"]),
    ("what two files make together", {
        "p": "extends: b.yaml\nclasses:\n  automated: {attributes: []}",
        "b": "classes: {automated: {authors: [renovate], attributes: ['3']}}"}, [
        "p.yaml:3: classes.automated: 'authors' are named without 'attributes', so nothing would "
        "be asked of their changes; name at least one step or attribute"]),
    ("tags and doubled keys of the base", {
        "p": "extends: b.yaml", "b": "name: !x y\nqa: {review: true, review: false}"}, [
        "b.yaml:1: name: tags such as !x are refused; a value that starts with ! must be in quotes",
        "b.yaml:2: qa.review: the key is given twice, first on line 2; keep one"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_a_fault_is_told_in_the_file_that_says_it(
    tmp_path: Path, texts: dict[str, str], said: list[str]
) -> None:
    """All at once, those of the policy first."""
    assert problems(tmp_path, **texts) == said


@pytest.mark.parametrize("text", ["extends: b.yaml", "roster: r.csv"])
def test_a_policy_without_a_folder_names_no_files(text: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(text, "p")
    key = text.partition(":")[0]
    assert caught.value.problems == (
        f"p:1: {key}: only a policy that is a file itself can name another",
    )


def test_a_flood_from_two_files_is_counted(tmp_path: Path) -> None:
    flood = "".join(f"k{number}: 1\n" for number in range(150))
    told = problems(tmp_path, p=f"extends: b.yaml\n{flood}", b=flood.replace("k", "l"))
    assert len(told) == 201
    assert told[-1].endswith("and 100 more problems after these")


# The roster -----------------------------------------------------------------------------------

ROSTER = (
    "role,login,from,to,email\nqa,erin,2025-01-01,,erin@acme.com\nlead,finn,,,\n"
    "developer,gil,,,Gil@acme.com\n"
)


def test_the_people_of_a_roster_are_added(tmp_path: Path) -> None:
    """To the users of their roles, after those of the policy, with their days."""
    found = loaded(
        tmp_path,
        p="roster: r.csv\nroles: {qa: {users: [alice], teams: [acme/qa]}}",
        r_csv=ROSTER,
    )
    policy = found.policy
    assert policy.roles.qa == Role(
        teams=("acme/qa",),
        users=(
            Member(login="alice"),
            Member.model_validate({"login": "erin", "from": "2025-01-01"}),
        ),
    )
    assert policy.roles.lead == Role(users=(Member(login="finn"),))
    assert policy.roles.peer == Policy().roles.peer
    assert dict(policy.emails) == {"erin@acme.com": "erin", "gil@acme.com": "gil"}
    assert found.files == (ReadFile("roster", str(tmp_path / "r.csv"), digest(tmp_path / "r.csv")),)


@pytest.mark.parametrize(
    ("name", "text", "write_access"),
    [
        ("nothing is said of peers", "", False),
        ("the default profile is no saying", "extends: default", False),
        ("others are named", "roles: {qa: {users: [a]}}", False),
        ("the policy says it too", "roles: {peer: {write_access: true}}", True),
        ("a file says it that is extended", "extends: b.yaml", True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_naming_peers_in_a_roster_replaces_the_default(
    tmp_path: Path, name: str, text: str, write_access: bool
) -> None:
    """As naming them in the policy does: who may write is no peer because of it any more."""
    found = loaded(
        tmp_path,
        p=f"roster: r.yaml\n{text}",
        r="- {role: peer, login: erin}",
        b="roles: {peer: {write_access: true}}",
    ).policy
    assert found.roles.peer == PeerRole(users=(Member(login="erin"),), write_access=write_access)


def test_a_roster_of_developers_alone_leaves_the_roles(tmp_path: Path) -> None:
    found = loaded(tmp_path, p="roster: r.yaml", r="- {role: developer, login: a, email: a@b.c}")
    assert found.policy.roles == Policy().roles
    assert dict(found.policy.emails) == {"a@b.c": "a"}


def test_a_role_for_which_a_roster_names_nobody_stays() -> None:
    """Only naming somebody replaces who holds a role by default."""
    policy = Policy().with_people({"peer": []}, {}, ("peer",))
    assert policy.roles.peer.write_access


def test_a_roster_is_beside_the_file_that_names_it(tmp_path: Path) -> None:
    """An extended file's roster is found from its own folder, and another replaces it."""
    (tmp_path / "company").mkdir()
    written(tmp_path / "company", base="roster: r.yaml", r="- {role: qa, login: theirs}")
    path = written(tmp_path, p="extends: company/base.yaml", r="- {role: qa, login: ours}")
    assert read_policy(path).policy.roles.qa.users == (Member(login="theirs"),)
    path.write_text("extends: company/base.yaml\nroster: r.yaml", encoding="utf-8")
    assert read_policy(path).policy.roles.qa.users == (Member(login="ours"),)


def test_the_faults_of_a_roster_are_told_with_the_others(tmp_path: Path) -> None:
    """In one go, and each with its own file and line."""
    assert problems(
        tmp_path,
        p="extends: b.yaml\nroster: r.csv\nnmae: x",
        b="qa: {review: maybe}",
        r_csv="role,login\nqa,b!\nboss,carol\n",
    ) == [
        "p.yaml:3: nmae: unknown key; did you mean 'name'?",
        "b.yaml:1: qa.review: expected true or false, found 'maybe'",
        "r.csv:2: column 'login': expected a GitHub login such as octocat or dependabot[bot], "
        "found 'b!'",
        "r.csv:3: column 'role': expected one of 'peer', 'security', 'qa', 'lead' or 'developer', "
        "found 'boss'",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("roster: r.csv", "r.csv: there is no such file"),
        ("roster: r.xlsx", "r.xlsx: a roster's name ends in .yaml or .csv"),
        ("roster: /r.csv", "p.yaml:1: roster: expected a path relative to this file, with / betw"),
        ("roster: [r.csv]", "p.yaml:1: roster: expected text, found a list"),
        ("roster: ''", "p.yaml:1: roster: expected text of at least 1 characters, found ''"),
    ],
)
def test_a_roster_that_cannot_be_read_is_told(tmp_path: Path, text: str, said: str) -> None:
    (only,) = problems(tmp_path, p=text)
    assert only.startswith(said)


# What holds in the end ------------------------------------------------------------------------


def test_what_holds_can_be_written_out(tmp_path: Path) -> None:
    """As a policy that stands alone and says the same, but for the addresses of the roster."""
    policy = loaded(
        tmp_path,
        p="extends: lean\n"
        "roster: r.csv\n"
        'name: "\\u202Ename"\n'
        "references: {all: [A], '3': [B]}\n"
        "overrides:\n"
        "- {name: x, paths: [a], set: {roles: {qa: {users: [{login: b, from: 2025-01-01}]}}}}\n"
        "waivers:\n"
        "- {change: a/b#1, attributes: ['5'], reason: r, by: c, until: 2025-01-31}\n"
        "calendar: {holidays: [2025-12-25], zone: Europe/Berlin}\n"
        "scope: {exclude: [{name: docs, paths: [docs/]}]}\n",
        r_csv=ROSTER,
    ).policy
    text = effective_yaml(policy)
    assert text.isascii()
    alone = load_policy(text, "p").policy
    assert alone.model_dump() == {**policy.model_dump(), "extends": None, "roster": None}
    assert dict(alone.emails) == {}
    assert not re.search(r"^(extends|roster):", text, re.MULTILINE)
    assert (
        alone.for_change("c/d", ("a",)).policy.roles
        == policy.for_change("c/d", ("a",)).policy.roles
    )


SITES = "tickets: {jira_projects: [PAY, LED], jira_sites: {LED: 'https://led.test'}}\n"


def test_a_policy_may_count_fewer_projects_than_the_one_beneath_it(tmp_path: Path) -> None:
    """The site of one that counts no longer is no fault, and holds for nothing."""
    narrowed = loaded(
        tmp_path, a="extends: b.yaml\ntickets: {jira_projects: [PAY]}", b=SITES
    ).policy
    assert narrowed.jiras == {"": ("PAY",)}
    again = load_policy(effective_yaml(narrowed), "again").policy
    assert again.tickets.jira_sites == {}
    assert again.jiras == narrowed.jiras


def test_a_site_of_a_project_that_never_counts_is_told_in_the_file_that_names_it(
    tmp_path: Path,
) -> None:
    beneath = SITES.replace("[PAY, LED]", "[PAY]")
    assert problems(tmp_path, a="extends: b.yaml", b=beneath) == [
        "b.yaml:1: tickets.jira_sites.LED: no ticket of LED counts; name LED in"
        " tickets.jira_projects as well, or take this line out"
    ]
    counted = "extends: b.yaml\ntickets: {jira_projects: [PAY, LED]}"
    assert loaded(tmp_path, a=counted, b=beneath).policy.jiras["https://led.test"] == ("LED",)


@pytest.mark.parametrize("name", PROFILES)
def test_what_a_profile_makes_hold_can_be_written_out(name: str) -> None:
    policy = load_policy(f"extends: {name}", "p").policy
    alone = load_policy(effective_yaml(policy), "p").policy
    assert alone == policy.model_copy(update={"extends": None})
