"""The audit: the population held against the rules. Pure; it reads no clock and no file.

Each change is judged as it comes and let go of: what is kept of it are its verdicts, packed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import Final

import msgspec

from changeaudit.change import Change, DirectPush, NamedTicket
from changeaudit.errors import RuleError
from changeaudit.packed import Packed
from changeaudit.people import name_of
from changeaudit.policy import EffectivePolicy, Policy
from changeaudit.population import Population
from changeaudit.records import (
    ActivityKind,
    Actor,
    AutoMergeEnabled,
    BaseChanged,
    Check,
    Deployed,
    DraftChanged,
    ForcePushed,
    LabelChanged,
    Merged,
    PullRequest,
    QueueChanged,
    Renamed,
    Repository,
    Review,
    ReviewDismissed,
    Ticket,
    TimelineEvent,
    Unavailable,
)
from changeaudit.rules.attribute import Attribute
from changeaudit.rules.developers import developers
from changeaudit.rules.duties import segregation, segregation_of_push
from changeaudit.rules.registry import EMERGENCY, STANDARD, steps
from changeaudit.rules.ticket_words import told
from changeaudit.ticket_asof import Value, changed_after, values_at
from changeaudit.verdicts import (
    SCHEMA,
    Acceptance,
    AttributeInfo,
    AttributeSummary,
    Audit,
    AuditedChange,
    ChangeClass,
    Citation,
    ClassSummary,
    Counts,
    EvidenceSource,
    Finding,
    LinkedTicket,
    Outcome,
    PeriodInfo,
    PolicyInfo,
    Result,
    ReverseTrace,
    Run,
    Standing,
    StepResult,
    StepSummary,
    Summary,
    TimelineEntry,
    Verdict,
    combine,
    exception,
    not_applicable,
    undetermined,
)
from changeaudit.waivers import waiver_for


def audit(
    populations: Sequence[Population],
    policy: Policy,
    policy_info: PolicyInfo,
    period: PeriodInfo,
    sources: Sequence[EvidenceSource],
    limitations: Sequence[str],
    run: Run,
    *,
    demonstration: bool = False,
    traced: ReverseTrace | None = None,
) -> Audit:
    """Judge every change of the populations and sum up.

    `traced` is what the way from the tickets back to the changes came to.

    Raises:
        RuleError: a rule gave something that is no verdict.
    """
    judged = chain(
        (judge(change, policy) for p in populations for change in p.changes),
        (judge_push(push, policy) for p in populations for push in p.pushes),
    )
    changes = Packed(AuditedChange, judged, key=lambda change: (change.merged_at, change.id))
    excluded = [row for p in populations for row in p.excluded]
    excluded.sort(key=lambda row: (row.merged_at, row.id))
    tally = _tally(changes)
    asked = (*STANDARD, *EMERGENCY) if tally["class", ChangeClass.EMERGENCY] else STANDARD
    ids = dict.fromkeys(attribute.step for attribute in asked)
    return Audit(
        schema=SCHEMA,
        run=run,
        demonstration=demonstration,
        period=period,
        policy=policy_info,
        procedure=tuple(s for s in steps(policy.references_of) if s.id in ids),
        attributes=tuple(AttributeInfo(a.id, a.step, a.name, a.claim, a.prose) for a in asked),
        summary=_summary(tally, populations, asked),
        changes=changes,
        excluded=tuple(excluded),
        sources=tuple(sources),
        limitations=tuple(limitations),
        reverse_trace=traced,
    )


def judge(change: Change, policy: Policy) -> AuditedChange:
    """Every attribute of a merged pull request, each once, in the order of the procedure."""
    pull, view = change.pull, change.at_merge
    effective = policy.for_pull(pull)
    id_, merged = change.id, pull.merged_at
    cause = Citation(f"class {change.class_}: {change.class_reason}", url=pull.url)
    found: list[StepResult] = []
    for step, group in _ALL if change.class_ is ChangeClass.EMERGENCY else _SIX:
        verdicts = tuple(
            [_verdict(a, _finding(a, change, effective, cause), policy, id_, merged) for a in group]
        )
        found.append(StepResult(step, combine([v.outcome for v in verdicts]), verdicts))
    merge = pull.merge_commit
    segregated = segregation(change, effective)
    return AuditedChange(
        id=id_,
        repository=pull.repository,
        number=pull.number,
        title=view.title if isinstance(view.title, str) else pull.title,
        url=pull.url,
        class_=change.class_,
        class_reason=change.class_reason,
        author=name_of(pull.author),
        merged_by=name_of(pull.merged_by),
        merged_at=pull.merged_at,
        base=view.base if isinstance(view.base, str) else pull.base_ref,
        head=pull.head_ref,
        merge_commit=merge.oid if merge and not isinstance(merge, Unavailable) else "",
        tickets=tuple(ticket.key for ticket in change.tickets),
        result=_result(found),
        steps=tuple(found),
        timeline=tuple(sorted(_story(change), key=attrgetter("at"))),
        changed_after_merge=(*(fact.what for fact in view.late), *_altered_tickets(change)),
        evidence=tuple(dict.fromkeys((*pull.evidence, *_digests(change)))),
        overrides=effective.applied,
        head_commit=pull.head_oid,
        developers=_names(d.account for d in developers(change, effective.policy).known),
        duties=segregated.duties,
        conflicts=segregated.conflicts,
        linked=tuple(_linked(named, merged) for named in change.tickets),
    )


def _linked(named: NamedTicket, merged: datetime) -> LinkedTicket:
    """A ticket as the change's sheet shows it."""
    found = named.found
    if isinstance(found, Unavailable):
        return LinkedTicket(named.key, said=found.reason)
    statuses, types = values_at(found, "status", merged), values_at(found, "type", merged)
    unread = [values.reason for values in (statuses, types) if isinstance(values, Unavailable)]
    return LinkedTicket(
        asked=named.key,
        key=found.key,
        source=found.source,
        type="" if isinstance(types, Unavailable) else _either(types),
        title=found.title,
        status_at_merge="" if isinstance(statuses, Unavailable) else _either(statuses),
        status=found.status,
        url=found.url,
        said="; ".join(dict.fromkeys(unread)),
    )


def _either(values: Iterable[Value]) -> str:
    """What a field held, or all that it may have held; a renamed status by its name of then."""
    return " or ".join(value[0] if value else "none" for value in values)


def _altered_tickets(change: Change) -> Iterator[str]:
    """What was altered of the tickets after the merge, their course through the statuses aside."""
    merged = change.pull.merged_at
    for found, name in _tickets(change):
        for late in changed_after(found, _ALTERABLE, merged):
            by = f"at {late.at:%Y-%m-%d %H:%M:%S}Z by {name_of(late.actor)}"
            yield f"{name}: {told(late)} {by}"
        for each in () if isinstance(found.comments, Unavailable) else found.comments:
            if each.edited_at and each.at <= merged < each.edited_at:
                of = f"the comment of {each.at:%Y-%m-%d %H:%M:%S}Z by {name_of(each.author)}"
                yield f"{name}: {of} edited at {each.edited_at:%Y-%m-%d %H:%M:%S}Z"


def _tickets(change: Change) -> Iterable[tuple[Ticket, str]]:
    """The tickets that a change names, then their parents, each once, and how they are called.

    One that is named by two of its keys is one ticket.
    """
    found: dict[tuple[str, str], tuple[Ticket, str]] = {}
    for named in change.tickets:
        if isinstance(ticket := named.found, Ticket):
            found.setdefault((ticket.source, ticket.id), (ticket, f"ticket {ticket.key}"))
    for named in change.tickets:
        for parent in named.parents:
            if isinstance(ticket := parent.found, Ticket):
                name = f"ticket {ticket.key} (parent of {named.key})"
                found.setdefault((ticket.source, ticket.id), (ticket, name))
    return found.values()


_ALTERABLE: Final = ("type", "labels", "components", "key", "parent", "security")


def _digests(change: Change) -> Iterator[str]:
    """The answers of its tickets, and that tell how it came onto its branch."""
    pushed = change.pushed.evidence if change.pushed else ""
    yield from filter(None, (pushed, *(bypass.evidence for bypass in change.bypasses)))
    for named in (each for ticket in change.tickets for each in (ticket, *ticket.parents)):
        yield from () if isinstance(named.found, Unavailable) else named.found.evidence


def judge_push(push: DirectPush, policy: Policy) -> AuditedChange:
    """A direct push: every attribute is an exception, with one cause."""
    last = push.commits[-1]
    number = len(push.commits)
    what = "1 commit" if number == 1 else f"{number} commits"
    finding = exception(
        f"There is no pull request: {what} reached {push.branch} without one{_when(push)}.",
        [
            *_pushes(push),
            *(
                Citation(
                    f"commit {commit.oid[:7]}, dated by its committer",
                    commit.committer.account.login if commit.committer.account else "",
                    commit.committer.at,
                    commit.url,
                )
                for commit in push.commits
            ),
        ],
    )
    at, latest = _pushed_at(push), _pushed_by(push)
    found = tuple(
        StepResult(
            step,
            Outcome.EXCEPTION,
            tuple(_verdict(a, finding, policy, push.id, latest) for a in group),
        )
        for step, group in _SIX
    )
    person = last.authors[0] if last.authors else last.committer
    return AuditedChange(
        id=push.id,
        repository=push.repository.name,
        number=None,
        title=last.message.partition("\n")[0],
        url=last.url,
        class_=ChangeClass.DIRECT_PUSH,
        class_reason=f"{what} on {push.branch} that no pull request brought",
        author=person.account.login if person.account else person.name,
        merged_by=", ".join(_names(m.actor for m in push.moves)) or "not recorded",
        merged_at=at,
        base=push.branch,
        head="",
        merge_commit=last.oid,
        tickets=(),
        result=Result.EXCEPTION,
        steps=found,
        timeline=(
            *(
                TimelineEntry(
                    at=commit.committer.at or at,
                    what=f"commit {commit.oid[:7]} (its committer's own date)",
                    who=commit.committer.account.login if commit.committer.account else "",
                    url=commit.url,
                )
                for commit in push.commits
            ),
            *(TimelineEntry(each.at, each.what, each.who) for each in _pushes(push) if each.at),
        ),
        changed_after_merge=(),
        evidence=tuple(
            dict.fromkeys(
                digest
                for digest in (
                    *(commit.evidence for commit in push.commits),
                    *(move.evidence for move in push.moves),
                    *(bypass.evidence for bypass in push.bypasses),
                )
                if digest
            )
        ),
        head_commit=last.oid,
        developers=_names(
            p.account for c in push.commits for p in (*c.authors, c.committer) if p.account
        ),
        duties=segregation_of_push(push).duties,
    )


def _pushes(push: DirectPush) -> Iterator[Citation]:
    """What the server recorded of a push: who made it, and who went past the branch's rules."""
    for move in push.moves:
        how = "force-pushed" if move.kind is ActivityKind.FORCE_PUSH else "pushed"
        what = f"{how} to {push.branch}, up to {move.after[:7]}"
        yield Citation(what, name_of(move.actor), move.at)
    for bypass in push.bypasses:
        yield Citation(f"the rules of {push.branch} were bypassed", bypass.actor, bypass.at)


def _names(accounts: Iterable[Actor | None]) -> tuple[str, ...]:
    """Accounts by name, each once."""
    return tuple(dict.fromkeys(name_of(account) for account in accounts))


def _by_step(attributes: Iterable[Attribute]) -> list[tuple[str, list[Attribute]]]:
    groups: dict[str, list[Attribute]] = {}
    for attribute in attributes:
        groups.setdefault(attribute.step, []).append(attribute)
    return list(groups.items())


# Python 3.11 takes long to look up a member of an enumeration, and every verdict asks for these.
_IS_EMERGENCY: Final = ChangeClass.EMERGENCY
_IS_EXCEPTION: Final = Outcome.EXCEPTION

_SIX: Final = _by_step(STANDARD)
_ALL: Final = _by_step((*STANDARD, *EMERGENCY))


def _finding(
    attribute: Attribute, change: Change, effective: EffectivePolicy, cause: Citation
) -> Finding:
    """What the class of a change leaves of an attribute, by `cause`, or the rule's own word."""
    if change.class_ is _IS_EMERGENCY and attribute.step != "E":
        return not_applicable("An emergency change is judged by ENG-PROC-004.", [cause])
    if effective.doubt:
        return undetermined(f"Which settings of the policy apply is not sure: {effective.doubt}.")
    policy = effective.policy
    if not policy.asks(change.class_, attribute.id):
        return not_applicable(
            f"The policy does not ask this of automated changes ({change.class_reason}).", [cause]
        )
    return attribute.rule(change, policy)


def _verdict(
    attribute: Attribute, finding: Finding, policy: Policy, change_id: str, merged_at: datetime
) -> Verdict:
    waiver = None
    if finding.outcome is _IS_EXCEPTION:
        waiver = waiver_for(policy, change_id, attribute.id, merged_at)
    try:
        return Verdict(
            attribute.id,
            finding.outcome,
            finding.reason,
            finding.evidence,
            Acceptance(waiver.by, waiver.reason, waiver.until) if waiver else msgspec.UNSET,
        )
    except ValueError as error:
        raise RuleError(
            f"The rule {attribute.name} gave no proper verdict: {error}.", "Please report this."
        ) from None


def _result(found: Iterable[StepResult]) -> Result:
    outcomes = {step.outcome for step in found}
    if Outcome.EXCEPTION in outcomes:
        return Result.EXCEPTION
    if Outcome.UNDETERMINED in outcomes or outcomes == {Outcome.NOT_APPLICABLE}:
        # Nothing asked is nothing shown: a change that no attribute was asked of is not compliant.
        return Result.UNDETERMINED
    return Result.COMPLIANT


def _when(push: DirectPush) -> str:
    if push.moves:
        made = [f"by {name_of(m.actor)} at {m.at:%Y-%m-%d %H:%M:%S}Z" for m in push.moves]
        against = ", against the branch's rules, which were bypassed" if push.bypasses else ""
        return f", pushed {' and '.join(made)}{against}"
    after = f" after {push.not_before:%Y-%m-%d %H:%M:%S}Z" if push.not_before else ""
    before = f" before {push.not_after:%Y-%m-%d %H:%M:%S}Z" if push.not_after else ""
    both = " and" if after and before else ""
    return f", pushed{after}{both}{before}" if after or before else ""


def _pushed_at(push: DirectPush) -> datetime:
    """When a push is listed: as the server recorded it, where it did.

    Else by its last commit's own date, within what the merges around it allow.
    """
    if push.moves:
        return push.moves[-1].at
    repository: Repository = push.repository
    at = push.commits[-1].committer.at or push.not_after or repository.collected_at
    if push.not_before is not None:
        at = max(at, push.not_before)
    return min(at, push.not_after) if push.not_after is not None else at


def _pushed_by(push: DirectPush) -> datetime:
    """The last instant at which it may have been pushed; no date in a commit bears on a waiver."""
    if push.moves:
        return push.moves[-1].at
    return push.not_after or push.repository.collected_at


def _story(change: Change) -> Iterator[TimelineEntry]:
    """The change's story, from its tickets to what came after the merge."""
    pull, merged = change.pull, change.pull.merged_at
    for found, name in _tickets(change):
        created = f"{name} created"
        late = found.created_at > merged
        yield TimelineEntry(found.created_at, created, name_of(found.author), found.url, late)
        history = found.history
        for moved in () if isinstance(history, Unavailable) else history:
            what = f"{name}: {told(moved)}"
            who = name_of(moved.actor)
            yield TimelineEntry(moved.at, what, who, found.url, moved.at > merged)
        said = found.comments
        for each in () if isinstance(said, Unavailable) else said:
            what = f"comment on {name}"
            yield TimelineEntry(each.at, what, name_of(each.author), each.url, each.at > merged)
    # A commit's dates are its writer's words, which make nothing late.
    for commit in () if isinstance(pull.commits, Unavailable) else pull.commits:
        if written := commit.committer.at:
            what = f"commit {commit.oid[:7]} (its committer's own date)"
            account = commit.committer.account
            who = account.login if account else commit.committer.name
            yield TimelineEntry(written, what, who, commit.url)
    yield TimelineEntry(pull.created_at, "pull request opened", name_of(pull.author), pull.url)
    # Both are of the merge itself, in whichever of its seconds GitHub recorded them.
    if change.pushed is not None:
        what = f"merge pushed by hand, up to {change.pushed.after[:7]}"
        yield TimelineEntry(change.pushed.at, what, name_of(change.pushed.actor), pull.url)
    for bypass in change.bypasses:
        what = "merged past the rules of the branch, which were bypassed"
        yield TimelineEntry(bypass.at, what, bypass.actor, pull.url)
    for review in () if isinstance(pull.reviews, Unavailable) else pull.reviews:
        if review.submitted_at is not None:
            what = f"review: {_opinion(pull, review)}"
            if review.commit:
                what += f", of {review.commit[:7]}"
            at = review.submitted_at
            yield TimelineEntry(at, what, name_of(review.author), review.url, at > merged)
    for comment in () if isinstance(pull.comments, Unavailable) else pull.comments:
        late = comment.at > merged
        yield TimelineEntry(comment.at, "comment", name_of(comment.author), comment.url, late)
    for edit in () if isinstance(pull.edits, Unavailable) else pull.edits:
        if edit.at > pull.created_at:
            late = edit.at > merged
            yield TimelineEntry(edit.at, "description edited", name_of(edit.editor), pull.url, late)
    for check in () if isinstance(pull.checks, Unavailable) else pull.checks:
        if done := check.done_at:
            yield TimelineEntry(done, _check(check), check.producer, check.url, done > merged)
    of_merge = pull.merge_commit_checks
    for check in () if isinstance(of_merge, Unavailable) else of_merge:
        # What was checked on the base branch after the merge is no longer of this change alone.
        if (done := check.done_at) and done <= merged:
            what = f"{_check(check)}, on the merge commit"
            yield TimelineEntry(done, what, check.producer, check.url)
    for event in () if isinstance(pull.timeline, Unavailable) else pull.timeline:
        what = _event(event)
        if what:
            late = event.at > merged
            yield TimelineEntry(event.at, what, name_of(event.actor), pull.url, late)


def _opinion(pull: PullRequest, review: Review) -> str:
    """What a review said when it was submitted, as far as that is told."""
    if review.state != "DISMISSED":
        return review.state.lower().replace("_", " ")
    timeline = pull.timeline
    for event in () if isinstance(timeline, Unavailable) else timeline:
        if isinstance(event, ReviewDismissed) and event.review == review.id:
            return f"{event.previous_state.lower().replace('_', ' ')} (dismissed later)"
    return "dismissed later"


def _check(check: Check) -> str:
    return f"{check.kind} {check.name}: {check.conclusion.lower().replace('_', ' ')}"


def _event(event: TimelineEvent) -> str:
    match event:
        case LabelChanged(label=label, added=added):
            return f"label {label} {'applied' if added else 'removed'}"
        case ReviewDismissed(previous_state=state):
            return f"review dismissed (it was {state.lower().replace('_', ' ')})"
        case ForcePushed(base=base, after=after):
            to = f" to {after[:7]}" if after else ""
            return f"{'base' if base else 'branch'} force-pushed{to}"
        case BaseChanged(before=before, after=after):
            return f"base changed from {before} to {after}"
        case Renamed(before=before):
            return f"title changed (it was {before})"
        case DraftChanged(draft=draft):
            return "made a draft" if draft else "ready for review"
        case Merged(branch=branch):
            return f"merged into {branch}"
        case QueueChanged(added=added):
            return "added to the merge queue" if added else "left the merge queue"
        case AutoMergeEnabled():
            return "auto-merge enabled"
        case Deployed(environment=environment, state=state):
            return f"deployment to {environment}: {state.lower()}"
        case _:
            return ""


def _tally(changes: Iterable[AuditedChange]) -> Counter[object]:
    """How many changes there are of each result, class and outcome of a step or an attribute."""
    tally: Counter[object] = Counter()
    for change in changes:
        forbidden = bool(change.pairs(Standing.FORBIDDEN))
        unsure = not forbidden and bool(change.pairs(Standing.UNDETERMINED))
        tally["waived"] += change.waived
        tally["pairs", Standing.FORBIDDEN] += forbidden
        tally["pairs", Standing.UNDETERMINED] += unsure
        tally["result", change.result] += 1
        tally["class", change.class_] += 1
        for step in change.steps:
            tally[step.step, step.outcome] += 1
            tally.update((verdict.attribute, verdict.outcome) for verdict in step.attributes)
    return tally


def _summary(
    tally: Counter[object], populations: Sequence[Population], asked: Sequence[Attribute]
) -> Summary:
    changes = sum(tally["result", result] for result in Result)
    return Summary(
        changes=changes,
        compliant=tally["result", Result.COMPLIANT],
        exceptions=tally["result", Result.EXCEPTION],
        undetermined=tally["result", Result.UNDETERMINED],
        waived=tally["waived"],
        forbidden_pairs=tally["pairs", Standing.FORBIDDEN],
        undetermined_pairs=tally["pairs", Standing.UNDETERMINED],
        repositories=tuple(p.summary for p in populations),
        classes=tuple(
            ClassSummary(each, number, round(100 * number / changes, 1))
            for each in ChangeClass
            if (number := tally["class", each])
        ),
        steps=tuple(
            StepSummary(step, _counts(tally, step))
            for step in dict.fromkeys(attribute.step for attribute in asked)
        ),
        attributes=tuple(AttributeSummary(a.id, _counts(tally, a.id)) for a in asked),
    )


def _counts(tally: Mapping[object, int], name: str) -> Counts:
    return Counts(
        passed=tally[name, Outcome.PASS],
        exceptions=tally[name, Outcome.EXCEPTION],
        undetermined=tally[name, Outcome.UNDETERMINED],
        not_applicable=tally[name, Outcome.NOT_APPLICABLE],
    )
