"""What a policy lays over the rules: overrides, waivers, controls, and the e-mails of a roster."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from builders import commit, file, make_change, make_direct_push, make_policy, person
from changeaudit.audit import judge, judge_push
from changeaudit.rules.developers import developers
from changeaudit.rules.registry import steps
from changeaudit.verdicts import AuditedChange, Outcome, Result, Verdict

WAIVER = {
    "change": "acme/payments#*",
    "attributes": ["3"],
    "reason": "The only other engineer was on leave.",
    "by": "Carol, CTO",
    "until": date(2026, 12, 31),
}


def outcome(audited: AuditedChange, attribute: str) -> Outcome:
    return found(audited, attribute).outcome


def found(audited: AuditedChange, attribute: str) -> Verdict:
    return next(v for v in audited.verdicts() if v.attribute == attribute)


def test_a_waiver_lies_over_an_exception_and_replaces_nothing() -> None:
    """The outcome, the reason and the result stay; who accepted it, why and until when is added."""
    change = make_change(reviews=[])
    plain = judge(change, make_policy())
    waived = judge(change, make_policy(waivers=[WAIVER]))
    assert outcome(waived, "3.1") is Outcome.EXCEPTION
    assert waived.result is Result.EXCEPTION is plain.result
    verdict = found(waived, "3.1")
    assert verdict.reason == found(plain, "3.1").reason
    assert verdict.told() == (
        f"{verdict.reason} Waived by Carol, CTO (covers merges up to 2026-12-31):"
        " The only other engineer was on leave."
    )
    assert found(waived, "3.2").waiver is msgspec.UNSET


@pytest.mark.parametrize(
    ("changed", "covered"),
    [
        ({}, True),
        ({"attributes": ["3.1"]}, True),
        ({"attributes": ["5"]}, False),
        ({"change": "acme/other#*"}, False),
        ({"until": date(2026, 3, 10)}, True),
        ({"until": date(2026, 3, 9)}, False),
    ],
)
def test_which_exceptions_a_waiver_covers(changed: dict[str, Any], covered: bool) -> None:
    """Those of its changes and attributes that merged until the end of its last day."""
    policy = make_policy(waivers=[WAIVER | changed])
    verdict = found(judge(make_change(reviews=[]), policy), "3.1")
    assert (verdict.waiver is not msgspec.UNSET) is covered


@pytest.mark.parametrize(
    ("until", "not_after", "covered"),
    [
        (date(2026, 3, 11), 11, True),
        (date(2026, 3, 10), 11, False),
        (date(2026, 3, 9), None, False),
    ],
)
def test_a_push_is_waived_only_if_it_cannot_have_come_later(
    until: date, not_after: int | None, covered: bool
) -> None:
    """Its committer's own date says nothing: the merge after it does, or else the collection."""
    push = msgspec.structs.replace(
        make_direct_push(),
        not_after=None if not_after is None else datetime(2026, 3, not_after, tzinfo=UTC),
    )
    waiver = WAIVER | {"change": "acme/payments@*", "attributes": ["1"], "until": until}
    verdict = found(judge_push(push, make_policy(waivers=[waiver])), "1.1")
    assert (verdict.waiver is not msgspec.UNSET) is covered


def test_only_exceptions_are_waived() -> None:
    """A pass needs none, and what is undetermined cannot be accepted unseen."""
    policy = make_policy(waivers=[WAIVER | {"attributes": ["1", "2", "3", "4", "5", "6"]}])
    for verdict in judge(make_change(), policy).verdicts():
        assert (verdict.waiver is msgspec.UNSET) is (verdict.outcome is not Outcome.EXCEPTION)
    with pytest.raises(ValueError, match="only an exception can be waived"):
        Verdict(
            "3.1",
            Outcome.UNDETERMINED,
            "x",
            (),
            found(judge(make_change(reviews=[]), policy), "3.1").waiver,
        )


def test_a_direct_push_can_be_waived() -> None:
    """All of its attributes, or it is not waived in full."""
    push = make_direct_push()
    whole = WAIVER | {"change": "acme/payments@*", "attributes": ["1", "2", "3", "4", "5", "6"]}
    assert judge_push(push, make_policy(waivers=[whole])).waived
    assert not judge_push(push, make_policy(waivers=[whole | {"attributes": ["1"]}])).waived
    assert not judge_push(push, make_policy()).waived


def test_an_override_of_a_path_changes_what_is_asked_of_it() -> None:
    """Two peers for what touches the ledger; the change names the override it was judged by."""
    policy = make_policy(
        overrides=[
            {"name": "ledger", "paths": ["ledger/**"], "set": {"peer_review": {"approvals": 2}}}
        ]
    )
    elsewhere = judge(make_change(files=[file("docs/a.md")]), policy)
    inside = judge(make_change(files=[file("ledger/a.py")]), policy)
    assert (outcome(elsewhere, "3.1"), elsewhere.overrides) == (Outcome.PASS, ())
    assert (outcome(inside, "3.1"), inside.overrides) == (Outcome.EXCEPTION, ("ledger",))


@pytest.mark.parametrize("changed", [{"changed_files": 9}, {"files": [file("a", "RENAMED")]}])
def test_where_the_paths_are_not_all_known_nothing_is_sure(changed: dict[str, Any]) -> None:
    """Which settings apply cannot be told from a list of files that was cut or hides a path."""
    policy = make_policy(
        overrides=[{"name": "lax", "paths": ["x/**"], "set": {"peer_review": {"approvals": 2}}}]
    )
    audited = judge(make_change(**changed), policy)
    assert {v.outcome for v in audited.verdicts()} == {Outcome.UNDETERMINED}
    assert "lax" in audited.verdicts()[0].reason


def test_an_override_of_only_paths_relaxes_nothing_else() -> None:
    """Documents alone ask for less; a document beside code asks for what code asks for."""
    policy = make_policy(
        peer_review={"approvals": 2},
        overrides=[
            {
                "name": "docs",
                "only_paths": ["docs/", "*.md"],
                "set": {"peer_review": {"approvals": 1}},
            }
        ],
    )
    alone = judge(make_change(files=[file("docs/a"), file("b.md")]), policy)
    beside = judge(make_change(files=[file("docs/a"), file("b.py")]), policy)
    assert (outcome(alone, "3.1"), alone.overrides) == (Outcome.PASS, ("docs",))
    assert (outcome(beside, "3.1"), beside.overrides) == (Outcome.EXCEPTION, ())


def test_the_controls_of_a_step_are_its_own_and_those_of_all() -> None:
    """Each step carries its control references into the reports."""
    policy = make_policy(references={"all": ["SOC 2 CC8.1"], "3": ["PCI DSS 6.5.1"]})
    by_id = {step.id: step.references for step in steps(policy.references_of)}
    assert by_id["3"] == ("SOC 2 CC8.1", "PCI DSS 6.5.1")
    assert by_id["1"] == ("SOC 2 CC8.1",)


def test_an_email_of_the_roster_links_a_commit() -> None:
    """A commit that GitHub links to no account is whoever the roster says the address is."""
    stray = commit("stray", authors=(person("kim", linked=False),))
    change = make_change(commits=[stray])
    address = stray.authors[0].email
    assert developers(change, make_policy()).doubts
    policy = make_policy().with_people({}, {address.casefold(): "kim"})
    told = developers(change, policy)
    assert not told.doubts
    assert "kim" in {known.account.login for known in told.known}
