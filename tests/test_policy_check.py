"""`changeaudit policy check`: what it says of a policy of several files, and what holds in it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from changeaudit.cli.policy import app
from changeaudit.policy_file import load_policy, read_policy

PACKAGED = Path(__file__).parents[1] / "src" / "changeaudit" / "profiles"
POLICY = """\
extends: base.yaml
roster: people.csv
name: payments
overrides:
  - {name: ledger, repositories: [acme/ledger], paths: [db/, "*.sql"], set: {qa: {review: true}}}
waivers:
  - {change: acme/a#1, attributes: ["5"], reason: r, by: b, until: 2025-01-31}
  - {change: acme/b#*, attributes: ["1.1"], reason: r, by: b, until: 2024-12-31}
"""
FILES = {
    "policy.yaml": POLICY,
    "base.yaml": "extends: strict\npeer_review: {approvals: 2}\n",
    "people.csv": "role,login,email\nlead,erin,erin@acme.com\n",
}


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy of several files."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    return tmp_path / "policy.yaml"


def check(*args: str) -> list[str]:
    result = CliRunner().invoke(app, ["check", *args])
    assert result.exception is None
    return result.stdout.splitlines()


def test_every_file_is_named_with_its_digest(policy: Path) -> None:
    """Whoever has the files can check the digest that stands in the reports."""
    folder = policy.parent
    own, base, people = (hashlib.sha256(text.encode()).hexdigest() for text in FILES.values())
    strict = hashlib.sha256((PACKAGED / "strict.yaml").read_bytes()).hexdigest()
    whole = hashlib.sha256(f"{own}\n{base}\n{strict}\n{people}\n".encode()).hexdigest()
    assert check(str(policy))[:7] == [
        f"{policy} is a valid policy, named payments; sha256 {whole}",
        "The first sha256 covers this file and the ones below.",
        f"It extends {folder / 'base.yaml'}, sha256 {base}",
        f"It extends profile strict, sha256 {strict}",
        f"It takes people from {folder / 'people.csv'}, sha256 {people}",
        "Override ledger: acme/ledger, files db/, files *.sql",
        "Waivers: 2, of changes that merged up to 2025-01-31 at the latest",
    ]


def test_what_is_unsaid_is_what_all_files_leave_unsaid(policy: Path) -> None:
    """The roster names a lead, so no lead is missed; strict names no peers, so they are."""
    said = "\n".join(check(str(policy)))
    assert "nobody is named as an engineering lead" not in said
    assert "nobody is named as a peer" in said


def test_what_holds_is_printed_as_a_policy(policy: Path) -> None:
    """It can be written to a file and says the same; what it was made of stands in comments."""
    lines = check(str(policy), "--effective")
    found = load_policy("\n".join(lines), "p").policy
    expected = read_policy(policy).policy
    assert found.model_dump() == {**expected.model_dump(), "extends": None, "roster": None}
    comments = [line for line in lines if line.startswith("# ")]
    assert lines[: len(comments)] == comments
    assert [line.removeprefix("# ") for line in comments] == check(str(policy))[:7]


def test_a_policy_of_one_file_is_printed_whole(tmp_path: Path) -> None:
    """Every key is there, the defaults among them."""
    path = tmp_path / "policy.yaml"
    path.write_text("qa: {review: true}", encoding="utf-8")
    values = yaml.safe_load("\n".join(check(str(path), "--effective")))
    assert values["qa"]["review"] is True
    assert values["tickets"]["planned_before"] == "pull_request"


def test_an_override_that_relaxes_more_than_its_paths_is_warned_of(tmp_path: Path) -> None:
    """It is allowed, so that the policy stays valid; only_paths is what was probably meant."""
    path = tmp_path / "policy.yaml"
    text = (
        "peer_review: {approvals: 2}\n"
        "overrides: [{name: docs, paths: [docs/], set: {peer_review: {approvals: 1}}}]\n"
    )
    path.write_text(text, encoding="utf-8")
    warning = (
        "Warning: override docs relaxes peer_review.approvals from 2 to 1, for every file of a "
        "change of which one matches its paths; use only_paths to relax changes of nothing else"
    )
    assert check(str(path))[1:3] == ["Override docs: files docs/", warning]
    path.write_text(text.replace("{name: docs, paths", "{name: docs, only_paths"), "utf-8")
    assert check(str(path))[1] == "Override docs: only files docs/"
    assert "Warning" not in "".join(check(str(path)))


@pytest.mark.parametrize(
    ("qa", "said"),
    [
        ("{}", ["nobody is named as the QA team", "no way is named in which QA signs off"]),
        ("{ticket_statuses: [QA passed]}", ["nobody is named as the QA team"]),
        ("{sign_off_checks: [e2e]}", []),
        ("{sign_off_checks: [e2e], labels: [x]}", ["nobody is named as the QA team"]),
        ("{staging_checks_sign_off: true, staging_checks: [e2e]}", []),
        ("{staging_checks_sign_off: true}", ["5.1-5.3, 6.2: no check is named"]),
    ],
)
def test_a_check_that_signs_off_needs_no_team(tmp_path: Path, qa: str, said: list[str]) -> None:
    """Of QA's sign-off only what is missing for the methods that are named is told."""
    path = tmp_path / "policy.yaml"
    path.write_text(f"qa: {qa}", encoding="utf-8")
    text = "\n".join(line for line in check(str(path)) if line.startswith("  5."))
    for words in ("QA team", "no way", "5.1-5.3, 6.2: no check"):
        assert (words in text) is any(words in each for each in said), words


def test_hostile_names_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    """Neither a name nor a glob can reach the terminal as anything but words."""
    path = tmp_path / "policy.yaml"
    path.write_text(
        'name: "\\u202Ename\\e[31m\\nx: y"\n'
        'overrides: [{name: "\\e[31mo", paths: ["\\e[32mp"], set: {qa: {review: true}}}]\n',
        encoding="utf-8",
    )
    for more in ([], ["--effective"]):
        text = "\n".join(check(str(path), *more))
        assert text.isascii()
        assert "\x1b" not in text
