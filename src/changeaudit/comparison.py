"""What a change of policy changes: two audits of one population, held against each other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from changeaudit.verdicts import (
    Audit,
    AuditedChange,
    ChangeClass,
    Counts,
    Excluded,
    Outcome,
    PeriodInfo,
    PolicyInfo,
    Result,
    Run,
    Verdict,
)

SCHEMA = "changeaudit/policy-diff/1"
"""The version of the comparison's form, as `docs/policy-diff.schema.json` describes it."""


class Side(msgspec.Struct, frozen=True):
    """What one of the two policies makes of the population.

    `waived` counts those changes with exceptions of which every one is waived.
    """

    policy: PolicyInfo
    changes: int
    compliant: int
    exceptions: int
    waived: int
    undetermined: int
    excluded: int


class Setting(msgspec.Struct, frozen=True):
    """A key of the policy that the two set differently, with both values as JSON."""

    key: str
    before: str
    after: str


class AttributeCounts(msgspec.Struct, frozen=True):
    """The counts of one attribute before and after, and how many of its verdicts differ.

    A verdict that only one side has, for a change that only one has in scope, differs too.
    """

    attribute: str
    name: str
    before: Counts
    after: Counts
    differing: int


class VerdictChange(msgspec.Struct, frozen=True):
    """One attribute of one change whose outcome or waiver differs, with both reasons.

    An outcome is `None` where that side does not judge the change by the attribute. Where a
    waiver lies over an exception, the reason tells it.
    """

    attribute: str
    before: Outcome | None
    after: Outcome | None
    reason_before: str
    reason_after: str
    waived_before: bool = False
    waived_after: bool = False


class ChangeDifference(msgspec.Struct, frozen=True):
    """A change that both policies have in scope and judge differently.

    `people` are the logins of those who are known to have had to do with it.
    """

    id: str
    title: str
    url: str
    merged_at: datetime
    class_before: ChangeClass
    class_after: ChangeClass
    class_reason: str
    result_before: Result
    result_after: Result
    verdicts: tuple[VerdictChange, ...]
    people: tuple[str, ...] = ()

    @property
    def result_differs(self) -> bool:
        """Whether the change as a whole comes to something else."""
        return self.result_before is not self.result_after


class ScopeDifference(msgspec.Struct, frozen=True):
    """A change that only one policy has in scope: what it comes to there, and why it is out here.

    `rule` and `reason` are those of the policy that leaves it out; they are empty for a direct
    push to a branch that this policy does not call production.
    """

    id: str
    title: str
    url: str
    merged_at: datetime
    result: Result
    rule: str
    reason: str


class Comparison(msgspec.Struct, frozen=True):
    """The whole difference. `changes` are sorted: first those whose result differs, by merge.

    `entered` are in scope by the policy after alone, `left` by the one before alone. `unchanged`
    counts the changes that both judge alike. `limitations` say what the store does not hold.
    `settings` are the keys that the policies set differently.
    """

    schema: str
    run: Run
    demonstration: bool
    period: PeriodInfo
    repositories: tuple[str, ...]
    before: Side
    after: Side
    attributes: tuple[AttributeCounts, ...]
    changes: tuple[ChangeDifference, ...]
    entered: tuple[ScopeDifference, ...]
    left: tuple[ScopeDifference, ...]
    unchanged: int
    limitations: tuple[str, ...]
    settings: tuple[Setting, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether neither policy has any change in scope: then nothing was compared."""
        return not (self.before.changes or self.after.changes)

    @property
    def differs(self) -> bool:
        """Whether any verdict, class or scope differs."""
        return bool(self.changes or self.entered or self.left)


def settings_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Setting, ...]:
    """The keys that two policies, as plain values, set differently; their names aside."""
    one, other = dict(_flat(before)), dict(_flat(after))
    return tuple(
        Setting(key, one.get(key, "null"), other.get(key, "null"))
        for key in dict.fromkeys((*one, *other))
        if one.get(key, "null") != other.get(key, "null")
        and key not in ("name", "extends", "version", "roster")
    )


def _flat(part: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf of a policy; of parts that bear names, such as overrides, by these."""
    for name, value in part.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{above}{name}.")
            continue
        names = _names(value)
        yield f"{above}{name}", msgspec.json.encode(names or value).decode()
        for each in names:
            inner = next(item for item in value if item["name"] == each)
            within = {key: said for key, said in inner.items() if key != "name"}
            yield from _flat(within, f"{above}{name}[{each}].")


def _names(value: Any) -> list[str]:
    """The names of the parts of a list, in its order, if each has one of its own; else none."""
    parts = value if isinstance(value, list) else []
    names = [part["name"] for part in parts if isinstance(part, dict) and "name" in part]
    return names if len(set(names)) == len(parts) else []


def compare(
    before: Audit,
    after: Audit,
    limitations: Iterable[str] = (),
    settings: Iterable[Setting] = (),
) -> Comparison:
    """Hold two audits of the same evidence against each other.

    Args:
        before: what the policy in force makes of it.
        after: what the other policy makes of it.
        limitations: what the evidence cannot tell of either.
        settings: what the policies say differently.
    """
    old = {change.id: change for change in before.changes}
    new = {change.id: change for change in after.changes}
    both = [(change, new[change.id]) for change in before.changes if change.id in new]
    differences = [found for one, other in both if (found := _difference(one, other))]
    differences.sort(key=lambda found: (not found.result_differs, found.merged_at, found.id))
    return Comparison(
        schema=SCHEMA,
        run=after.run,
        demonstration=after.demonstration,
        period=after.period,
        repositories=tuple(each.repository for each in after.summary.repositories),
        before=_side(before),
        after=_side(after),
        attributes=_attributes(before, after, old, new),
        changes=tuple(differences),
        entered=_scope(after.changes, old, before.excluded),
        left=_scope(before.changes, new, after.excluded),
        unchanged=len(both) - len(differences),
        limitations=tuple(limitations),
        settings=tuple(settings),
    )


def _side(audit: Audit) -> Side:
    summary = audit.summary
    return Side(
        policy=audit.policy,
        changes=summary.changes,
        compliant=summary.compliant,
        exceptions=summary.exceptions,
        waived=summary.waived,
        undetermined=summary.undetermined,
        excluded=len(audit.excluded),
    )


def _difference(before: AuditedChange, after: AuditedChange) -> ChangeDifference | None:
    verdicts = tuple(_verdicts(before, after))
    if not verdicts and before.class_ is after.class_ and before.result is after.result:
        return None
    return ChangeDifference(
        id=after.id,
        title=after.title,
        url=after.url,
        merged_at=after.merged_at,
        class_before=before.class_,
        class_after=after.class_,
        class_reason=after.class_reason,
        result_before=before.result,
        result_after=after.result,
        verdicts=verdicts,
        people=tuple(_people(before, after)),
    )


def _people(*sides: AuditedChange) -> dict[str, None]:
    """Everybody whose login a reason may give, each once."""
    found: dict[str, None] = {}
    for change in sides:
        said = [change.author, change.merged_by, *change.developers]
        said += [entry.who for entry in change.timeline]
        said += [login for duty in change.duties for login in (*duty.people, *duty.unsure)]
        found.update(dict.fromkeys(login for login in said if login))
    return found


def _verdicts(before: AuditedChange | None, after: AuditedChange | None) -> list[VerdictChange]:
    """The attributes whose outcomes differ, in the order of the procedure."""
    old, new = _by_attribute(before), _by_attribute(after)
    found: list[VerdictChange] = []
    for attribute in dict.fromkeys((*old, *new)):
        one, other = old.get(attribute), new.get(attribute)
        outcome, waived = _judged(one)
        another, waived_too = _judged(other)
        if outcome is not another or waived is not waived_too:
            reasons = one.told() if one else "", other.told() if other else ""
            found.append(VerdictChange(attribute, outcome, another, *reasons, waived, waived_too))
    return found


def _judged(verdict: Verdict | None) -> tuple[Outcome | None, bool]:
    """The outcome, and whether it is waived."""
    if verdict is None:
        return None, False
    return verdict.outcome, verdict.waiver is not msgspec.UNSET


def _by_attribute(change: AuditedChange | None) -> dict[str, Verdict]:
    return {verdict.attribute: verdict for verdict in change.verdicts()} if change else {}


def _attributes(
    before: Audit,
    after: Audit,
    old: Mapping[str, AuditedChange],
    new: Mapping[str, AuditedChange],
) -> tuple[AttributeCounts, ...]:
    names = {each.id: each.name for each in (*before.attributes, *after.attributes)}
    counts = [
        {each.attribute: each.counts for each in audit.summary.attributes}
        for audit in (before, after)
    ]
    differing = dict.fromkeys(names, 0)
    for id_ in old.keys() | new.keys():
        for verdict in _verdicts(old.get(id_), new.get(id_)):
            differing[verdict.attribute] += 1
    return tuple(
        AttributeCounts(
            attribute,
            name,
            counts[0].get(attribute, Counts()),
            counts[1].get(attribute, Counts()),
            differing[attribute],
        )
        for attribute, name in names.items()
    )


def _scope(
    changes: Iterable[AuditedChange],
    others: Mapping[str, AuditedChange],
    excluded: Iterable[Excluded],
) -> tuple[ScopeDifference, ...]:
    """The changes that the other side leaves out, and the rule by which it does."""
    rules = {each.id: each for each in excluded}
    found = []
    for change in changes:
        if change.id not in others:
            rule = rules.get(change.id)
            found.append(
                ScopeDifference(
                    id=change.id,
                    title=change.title,
                    url=change.url,
                    merged_at=change.merged_at,
                    result=change.result,
                    rule=rule.rule if rule else "",
                    reason=rule.reason if rule else "",
                )
            )
    return tuple(found)
