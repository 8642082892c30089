"""Two audits of one population, held against each other: what differs is found, and only that."""

from __future__ import annotations

from datetime import date

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from changeaudit.comparison import SCHEMA, Comparison, VerdictChange, compare
from changeaudit.verdicts import (
    Acceptance,
    AuditedChange,
    ChangeClass,
    Counts,
    Excluded,
    Finding,
    Outcome,
    Result,
    exception,
    not_applicable,
    undetermined,
)
from reporters.sample import audit_of, change, sample_audit, sample_excluded

P, E = Outcome.PASS, Outcome.EXCEPTION


def compared(
    before: list[AuditedChange],
    after: list[AuditedChange],
    out_before: list[Excluded] | None = None,
    out_after: list[Excluded] | None = None,
) -> Comparison:
    return compare(audit_of(before, out_before or []), audit_of(after, out_after or []))


def counts(found: Comparison, attribute: str) -> tuple[Counts, Counts, int]:
    (row,) = (each for each in found.attributes if each.attribute == attribute)
    return row.before, row.after, row.differing


def test_an_audit_differs_in_nothing_from_itself() -> None:
    found = compare(sample_audit(), sample_audit())
    assert (found.schema, found.changes, found.entered, found.left) == (SCHEMA, (), (), ())
    assert found.unchanged == len(sample_audit().changes)
    assert not found.differs
    assert not found.empty
    assert all(each.before == each.after and not each.differing for each in found.attributes)


def test_a_verdict_that_differs_comes_with_both_reasons() -> None:
    found = compared([change(findings={"3.1": exception("too few")})], [change()])
    (one,) = found.changes
    claim = "A qualified peer approved the change."
    assert one.verdicts == (VerdictChange("3.1", E, P, "too few", claim),)
    assert (one.result_before, one.result_after) == (Result.EXCEPTION, Result.COMPLIANT)
    assert one.result_differs
    assert counts(found, "3.1") == (Counts(exceptions=1), Counts(passed=1), 1)
    assert counts(found, "3.2") == (Counts(passed=1), Counts(passed=1), 0)
    assert found.unchanged == 0


def test_another_reason_for_the_same_outcome_is_no_difference() -> None:
    found = compared(
        [change(findings={"3.1": exception("one")})], [change(findings={"3.1": exception("two")})]
    )
    assert not found.differs
    assert found.unchanged == 1


def waived(found: AuditedChange, attribute: str) -> AuditedChange:
    """The change with a waiver over one of its exceptions."""
    over = Acceptance("cto", "Accepted for the launch.", date(2026, 3, 31))
    steps = tuple(
        msgspec.structs.replace(
            step,
            attributes=tuple(
                msgspec.structs.replace(v, waiver=over) if v.attribute == attribute else v
                for v in step.attributes
            ),
        )
        for step in found.steps
    )
    return msgspec.structs.replace(found, steps=steps)


def test_a_waiver_that_one_policy_alone_has_is_a_difference() -> None:
    """The exception stays one: outcome and result are the same."""
    open_ = change(findings={"3.1": exception("Too few.")})
    found = compared([open_], [waived(open_, "3.1")])
    (one,) = found.changes[0].verdicts
    assert (one.before, one.after) == (E, E)
    assert (one.waived_before, one.waived_after) == (False, True)
    assert one.reason_before == "Too few."
    accepted = "Waived by cto (covers merges up to 2026-03-31): Accepted for the launch."
    assert accepted in one.reason_after
    assert not found.changes[0].result_differs
    assert found.differs
    assert not compared([waived(open_, "3.1")], [waived(open_, "3.1")]).differs


def test_a_verdict_may_differ_and_the_result_not() -> None:
    both = {"1.1": exception("no ticket")}
    found = compared(
        [change(findings=both)], [change(findings={**both, "3.1": undetermined("who knows")})]
    )
    (one,) = found.changes
    assert not one.result_differs
    assert found.differs


def test_counts_that_are_the_same_hide_no_verdicts_that_swapped() -> None:
    failing = {"3.1": exception("too few")}
    found = compared(
        [change(number=1, findings=failing), change(number=2)],
        [change(number=1), change(number=2, findings=failing)],
    )
    before, after, differing = counts(found, "3.1")
    assert before == after
    assert differing == 2


def test_a_class_may_differ_alone() -> None:
    found = compared([change()], [change(class_=ChangeClass.REVERT, class_reason="its title")])
    (one,) = found.changes
    assert (one.class_before, one.class_after) == (ChangeClass.STANDARD, ChangeClass.REVERT)
    assert (one.class_reason, one.verdicts) == ("its title", ())


def test_attributes_that_one_side_alone_asks_are_not_judged_by_the_other() -> None:
    emergency = change(
        class_=ChangeClass.EMERGENCY, findings=dict.fromkeys("123456", not_applicable("see E"))
    )
    found = compared([change()], [emergency])
    added = [each for each in found.changes[0].verdicts if each.attribute.startswith("E")]
    assert added
    assert {(each.before, each.after, each.reason_before) for each in added} == {(None, P, "")}
    back = compared([emergency], [change()]).changes[0].verdicts
    assert {(v.before, v.after) for v in back if v.attribute.startswith("E")} == {(P, None)}


def test_a_change_that_enters_or_leaves_the_scope_is_told_with_the_rule() -> None:
    (rule, *_) = sample_excluded()
    inside = change(number=98)
    assert inside.id == rule.id
    entered = compared([], [inside], [rule], [])
    assert [(e.id, e.rule, e.reason, e.result) for e in entered.entered] == [
        (rule.id, rule.rule, rule.reason, Result.COMPLIANT)
    ]
    assert (entered.left, entered.unchanged, entered.differs) == ((), 0, True)
    left = compared([inside], [], [], [rule])
    assert [e.id for e in left.left] == [rule.id]
    assert left.entered == ()
    assert counts(left, "1.1") == (Counts(passed=1), Counts(), 1)


def test_a_push_to_a_branch_that_is_no_longer_production_leaves_by_no_rule() -> None:
    push = change(number=None, class_=ChangeClass.DIRECT_PUSH)
    (gone,) = compared([push], []).left
    assert (gone.rule, gone.reason) == ("", "")


def test_nothing_in_scope_on_either_side_is_empty_and_no_agreement() -> None:
    found = compared([], [])
    assert found.empty
    assert not found.differs


def test_what_differs_in_its_result_comes_first() -> None:
    flag = {"1.1": exception("no ticket")}
    found = compared(
        [change(number=n, findings=flag) for n in (1, 2, 3)],
        [
            change(number=1, findings={**flag, "3.1": undetermined("?")}),
            change(number=2),
            change(number=3, findings={"1.1": undetermined("?")}),
        ],
    )
    assert [each.id[-1] for each in found.changes] == ["2", "3", "1"]


def test_each_side_is_counted_and_limits_are_kept() -> None:
    before = audit_of([change(number=1), change(number=2, findings={"1.1": exception("no")})])
    after = audit_of([change(number=1, findings={"1.1": undetermined("?")})], sample_excluded())
    found = compare(before, after, ["a limit"])
    numbers = [
        (s.changes, s.compliant, s.exceptions, s.undetermined, s.excluded)
        for s in (found.before, found.after)
    ]
    assert numbers == [(2, 1, 1, 0, 0), (1, 0, 0, 1, 3)]
    assert found.limitations == ("a limit",)


FINDINGS = st.dictionaries(
    st.sampled_from(["1.1", "3.1", "6.5"]),
    st.sampled_from([exception("no"), undetermined("unknown"), not_applicable("not asked")]),
)
CHANGES = st.dictionaries(st.integers(1, 5), FINDINGS)


@given(CHANGES, CHANGES)
def test_both_ways_tell_the_same_and_nothing_is_lost(
    before: dict[int, dict[str, Finding]], after: dict[int, dict[str, Finding]]
) -> None:
    """Every change of either side is in one place, and turning the sides round turns it all."""
    old = [change(number=n, findings=f) for n, f in before.items()]
    new = [change(number=n, findings=f) for n, f in after.items()]
    found, back = compared(old, new), compared(new, old)
    told = [*found.changes, *found.entered, *found.left]
    assert len(told) + found.unchanged == len(before.keys() | after.keys())
    assert {c.id for c in found.entered} == {c.id for c in back.left}
    turned = {(c.id, v.attribute, v.after, v.before) for c in back.changes for v in c.verdicts}
    assert turned == {
        (c.id, v.attribute, v.before, v.after) for c in found.changes for v in c.verdicts
    }
    assert found.differs == back.differs == bool(told)


def test_the_order_of_the_population_does_not_matter() -> None:
    audit = sample_audit()
    turned = msgspec.structs.replace(audit, changes=audit.changes[::-1])
    assert not compare(audit, turned).differs
