"""Audits of an invented organisation, for the tests of every report.

`sample_audit` shows every outcome, every class and hostile text; `audit_of` makes an audit, with
a summary that agrees with it, of any changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from changeaudit.verdicts import (
    AttributeInfo,
    AttributeSummary,
    Audit,
    AuditedChange,
    ChangeClass,
    Citation,
    ClassSummary,
    Conflict,
    Counts,
    Duty,
    DutyName,
    EvidenceSource,
    Excluded,
    Finding,
    LinkedTicket,
    Match,
    Outcome,
    PeriodInfo,
    PolicyInfo,
    Reconciliation,
    RepositorySummary,
    Result,
    ReverseTrace,
    Run,
    Standing,
    StepInfo,
    StepResult,
    StepSummary,
    Summary,
    Tie,
    TieKind,
    TimelineEntry,
    UntracedTicket,
    Verdict,
    combine,
    exception,
    not_applicable,
    passed,
    undetermined,
)

PAYMENTS = "acme/payments"
WEB = "acme/web"
REFERENCES = ("SOC 2 CC8.1",)

HOSTILE_TITLE = (
    "<script>alert('pwned')</script> [bold red]all clear[/] \x1b[2J\x1b]8;;http://evil.example\x07"
    '\r\n=HYPERLINK("http://evil.example","ok")'
)
FORMULA_TITLE = "=cmd|' /C calc'!A0 \u202egpj.exe\u202c nul\x00 half\ud83d wide 変更管理 👩\u200d💻"
HOSTILE_LOGIN = "+mallory[/bold]\u200b<b>"

PROCEDURE = (
    StepInfo(
        "1",
        "Ticket and feature branch",
        "Developer",
        "Creates a ticket that documents the planned change, and a feature branch.",
        REFERENCES,
    ),
    StepInfo(
        "2",
        "Template and security checklist",
        "Developer",
        "Submits a pull request with the template and its security checklist filled in.",
        REFERENCES,
    ),
    StepInfo(
        "3",
        "Peer review",
        "Peer Reviewer",
        "A qualified peer reviews the code and approves the pull request.",
        REFERENCES,
    ),
    StepInfo(
        "4",
        "Security review",
        "Security Team",
        "Approves changes that touch security controls or sensitive data.",
        REFERENCES,
    ),
    StepInfo(
        "5",
        "QA sign-off",
        "QA Team",
        "Tests the change in a staging environment and signs it off.",
        REFERENCES,
    ),
    StepInfo(
        "6",
        "Final approval",
        "Engineering Lead",
        "Gives the final approval to merge, which authorises the deployment.",
        REFERENCES,
    ),
    StepInfo(
        "E",
        "Emergency change (ENG-PROC-004)",
        "Engineer",
        "Restores service under a lead's and the security team's approval, documented afterwards.",
        REFERENCES,
    ),
)

_CLAIMS: tuple[tuple[str, str, str], ...] = (
    ("1.1", "linked", "The pull request names a ticket."),
    (
        "1.2",
        "exists",
        "The ticket exists in an allowed project and is of an allowed type.",
    ),
    (
        "1.3",
        "planned_before_built",
        "The ticket was created before the pull request was opened.",
    ),
    (
        "1.4",
        "fits",
        "The ticket was neither cancelled nor closed before the work began.",
    ),
    ("1.5", "feature_branch", "The work was done on a feature branch."),
    ("2.1", "template_filled", "Every required heading of the template was filled in."),
    (
        "2.2",
        "security_checklist_present",
        "Every item of the security checklist is there.",
    ),
    (
        "2.3",
        "security_checklist_answered",
        "Every item of the security checklist is answered.",
    ),
    ("3.1", "approved_by_qualified_peer", "A qualified peer approved the change."),
    ("3.2", "no_objection_standing", "No peer's objection stood when it merged."),
    ("3.3", "peer_approval_fresh", "No code came after the peer's approval."),
    (
        "4.1",
        "security_review_triggered",
        "The change needs the security team's approval.",
    ),
    ("4.2", "approved_by_security", "The security team approved the change."),
    (
        "4.3",
        "security_approval_fresh",
        "No code came after the security team's approval.",
    ),
    (
        "4.4",
        "impact_declared",
        "The author declared the impact that the changed files show.",
    ),
    ("5.1", "signed_off_by_qa", "QA signed the change off before it merged."),
    ("5.2", "tested_in_staging", "The head that merged was tested in staging."),
    ("5.3", "qa_independent", "Whoever signed off did not develop the change."),
    ("6.1", "approved_by_lead", "An engineering lead approved the change."),
    ("6.2", "lead_approved_last", "The lead's approval came after all the others."),
    ("6.3", "lead_approval_fresh", "No code came after the lead's approval."),
    (
        "6.4",
        "merged_by_authorised",
        "Someone who may merge merged it into a production branch.",
    ),
    ("6.5", "lead_and_peer_separate", "Lead and peer are two people."),
    (
        "E.1",
        "emergency_ticket",
        "An emergency change ticket documents the critical issue.",
    ),
    (
        "E.2",
        "approved_by_lead_and_security",
        "A lead and the security team approved it.",
    ),
    ("E.3", "expedited_review", "A peer reviewed the change."),
    ("E.4", "post_mortem", "A post-mortem was held within three business days."),
)

ATTRIBUTES = tuple(
    AttributeInfo(id, id.split(".")[0], name, claim, f"{claim} Judged as it stood at the merge.")
    for id, name, claim in _CLAIMS
)


def at(day: int, hour: int = 12, minute: int = 0) -> datetime:
    """An instant in January 2026, in UTC."""
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


def steps_of(
    findings: Mapping[str, Finding],
    url: str,
    merged_at: datetime,
    *,
    emergency: bool = False,
) -> tuple[StepResult, ...]:
    """The steps of a change: what `findings` says, and a pass for every other attribute.

    A finding under a step's own id ("3") holds for each of its attributes that has none itself.
    Only an emergency change has step E.
    """
    steps = []
    for step in PROCEDURE:
        if step.id == "E" and not emergency:
            continue
        verdicts = []
        for info in (a for a in ATTRIBUTES if a.step == step.id):
            fallback = passed(
                info.claim,
                [Citation(info.claim, "petra", merged_at - timedelta(hours=2), url)],
            )
            finding = findings.get(info.id, findings.get(step.id, fallback))
            verdicts.append(Verdict(info.id, finding.outcome, finding.reason, finding.evidence))
        outcome = combine(v.outcome for v in verdicts)
        steps.append(StepResult(step.id, outcome, tuple(verdicts)))
    return tuple(steps)


def duties(**said: Duty) -> tuple[Duty, ...]:
    """Every duty, each by another person, unless `said` has it otherwise."""
    usual = {
        DutyName.DEVELOPED: "dana-dev",
        DutyName.REVIEWED: "petra",
        DutyName.SECURED: "sam-sec",
        DutyName.TESTED: "quinn-qa",
        DutyName.APPROVED: "lee-lead",
        DutyName.MERGED: "lee-lead",
    }
    return tuple(said.get(name, Duty(name, (who,))) for name, who in usual.items())


def change(
    repository: str = PAYMENTS,
    number: int | None = 1,
    findings: Mapping[str, Finding] | None = None,
    *,
    title: str = "Round half-cents to even",
    merged_at: datetime | None = None,
    class_: ChangeClass = ChangeClass.STANDARD,
    oid: str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c",
    **fields: Any,
) -> AuditedChange:
    """A change whose result follows from `findings`; `fields` replaces any other field."""
    merged = merged_at or at(10)
    id = f"{repository}#{number}" if number is not None else f"{repository}@{oid}"
    url = f"https://github.com/{repository}/" + (
        f"pull/{number}" if number is not None else f"commit/{oid}"
    )
    steps = steps_of(findings or {}, url, merged, emergency=class_ is ChangeClass.EMERGENCY)
    outcomes = {step.outcome for step in steps}
    values: dict[str, Any] = {
        "class_reason": "no other class of the policy fits",
        "author": "dana-dev",
        "merged_by": "lee-lead",
        "base": "main",
        "head": f"feature/{number}",
        "merge_commit": oid,
        "tickets": ("PAY-12",),
        "timeline": (
            TimelineEntry(merged - timedelta(days=2), "opened the pull request", "dana-dev", url),
            TimelineEntry(merged - timedelta(hours=2), "approved", "petra", url),
            TimelineEntry(merged, "merged into main", "lee-lead", url),
        ),
        "changed_after_merge": (),
        "evidence": (f"{number or 0:064x}",),
        "duties": duties(),
    }
    values.update(fields)
    return AuditedChange(
        id=id,
        repository=repository,
        number=number,
        title=title,
        url=url,
        class_=class_,
        merged_at=merged,
        result=(
            Result.EXCEPTION
            if Outcome.EXCEPTION in outcomes
            else Result.UNDETERMINED
            if Outcome.UNDETERMINED in outcomes
            else Result.COMPLIANT
        ),
        steps=steps,
        **values,
    )


def _counts(outcomes: Sequence[Outcome]) -> Counts:
    seen = Counter(outcomes)
    return Counts(
        passed=seen[Outcome.PASS],
        exceptions=seen[Outcome.EXCEPTION],
        undetermined=seen[Outcome.UNDETERMINED],
        not_applicable=seen[Outcome.NOT_APPLICABLE],
    )


def _repository(
    name: str, changes: Sequence[AuditedChange], excluded: Sequence[Excluded]
) -> RepositorySummary:
    here = [c for c in changes if c.repository == name]
    direct = sum(c.number is None for c in here)
    out = sum(e.id.startswith(f"{name}#") for e in excluded)
    merged = len(here) - direct + out
    return RepositorySummary(
        repository=name,
        production_branches=("main",),
        merged=merged,
        in_scope=len(here) - direct,
        excluded=out,
        direct_pushes=direct,
        complete=name != WEB,
        completeness=(
            f"every commit on main is accounted for: {merged} by a pull request, {direct} without"
            if name != WEB
            else "the history of main could not be read beyond 2026-01-04; earlier direct pushes"
            " would not have been seen"
        ),
        reconciliations=_reconciliations(
            name, here, [e for e in excluded if e.id.startswith(name)]
        ),
    )


def _reconciliations(
    name: str, changes: Sequence[AuditedChange], excluded: Sequence[Excluded]
) -> tuple[Reconciliation, ...]:
    """Main, and in one repository what merged elsewhere, what was lost and what was pushed."""
    ties = [
        Tie(
            TieKind.MATCHED if c.number else TieKind.DIRECT_PUSH,
            c.id,
            c.url,
            c.merged_at,
            (c.merge_commit or "0" * 40,),
            Match.MERGE_COMMIT if c.number else None,
            "one commit: a squash or a rebase" if c.number else "pushed by \x1b[31mmal at night",
        )
        for c in changes
    ]
    ties += [
        Tie(TieKind.MATCHED, e.id, e.url, e.merged_at, (f"{n:040}",), Match.ASSOCIATION, "=1+1")
        for n, e in enumerate(excluded)
        if e.base == "main"
    ]
    aside = tuple(
        Tie(TieKind.PULL_REQUEST_ONLY, e.id, e.url, e.merged_at, (), None, f"into {e.base}")
        for e in excluded
        if e.base != "main"
    )
    matched = [tie for tie in ties if tie.kind is TieKind.MATCHED]
    pushed = [tie for tie in ties if tie.kind is TieKind.DIRECT_PUSH]
    incomplete = name == WEB and bool(changes)
    if incomplete:
        url = "javascript:alert(1)"
        oids = ("f" * 40, "e" * 40)
        ties += [
            Tie(
                TieKind.FORCE_PUSH,
                f"{name}@{'f' * 12}",
                url,
                at(7),
                (),
                None,
                "<img src=x onerror=alert(1)>",
            ),
            Tie(TieKind.OTHER_PERIOD, f"{name}#7", url, None, oids, None, "it merged earlier"),
            Tie(TieKind.LEFT_OUT, f"{name}@{'d' * 12}", url, None, ("d" * 40,), None, "of 1970"),
        ]
    main = Reconciliation(
        repository=name,
        branch="main",
        read_from=("GitHub's history of the branch",),
        pull_requests=len(matched),
        matched=len(matched),
        matched_by={by: number for by in Match if (number := sum(tie.by is by for tie in matched))},
        pull_requests_only=0,
        commits=len(matched) + len(pushed) + 2 * incomplete,
        merges=len(matched),
        further=0,
        pushed=len(pushed),
        direct_pushes=len(pushed),
        other_period=2 * incomplete,
        elsewhere=0,
        left_out=int(incomplete),
        force_pushes=int(incomplete),
        activity="who pushed is not known: it was not collected in time",
        open_ends=("abcdef0123",) if incomplete else (),
        ties=tuple(ties),
    )
    if not aside:
        return (main,)
    others: dict[str, Any] = dict.fromkeys(
        ("matched", "commits", "merges", "further", "pushed", "direct_pushes"), 0
    )
    others |= dict.fromkeys(("other_period", "elsewhere", "left_out", "force_pushes"), 0)
    return (
        main,
        Reconciliation(
            **others,
            repository=name,
            branch="",
            read_from=(),
            pull_requests=len(aside),
            matched_by={},
            pull_requests_only=len(aside),
            activity="",
            open_ends=(),
            ties=aside,
        ),
    )


def audit_of(
    changes: Sequence[AuditedChange],
    excluded: Sequence[Excluded] = (),
    limitations: Sequence[str] = (),
    *,
    demonstration: bool = True,
    repositories: Sequence[str] = (PAYMENTS, WEB),
    traced: ReverseTrace | None = None,
) -> Audit:
    """An audit of `changes`, with the summary that follows from them."""
    results = Counter(c.result for c in changes)
    by_step: dict[str, list[Outcome]] = {s.id: [] for s in PROCEDURE}
    by_attribute: dict[str, list[Outcome]] = {a.id: [] for a in ATTRIBUTES}
    for audited in changes:
        for step in audited.steps:
            by_step[step.step].append(step.outcome)
            for verdict in step.attributes:
                by_attribute[verdict.attribute].append(verdict.outcome)
    classes = Counter(c.class_ for c in changes)
    return Audit(
        schema="changeaudit/audit/1",
        run=Run(
            started_at=datetime(2026, 2, 3, 9, 0, tzinfo=UTC),
            finished_at=datetime(2026, 2, 3, 9, 0, 4, tzinfo=UTC),
            tool_version="0.1.0",
        ),
        demonstration=demonstration,
        period=PeriodInfo(at(1, 0), datetime(2026, 2, 1, tzinfo=UTC)),
        policy=PolicyInfo("acme-2026", "policy.yaml", "9b74c9897bac770ffc029102a200c5de" * 2),
        procedure=PROCEDURE,
        attributes=ATTRIBUTES,
        summary=Summary(
            changes=len(changes),
            compliant=results[Result.COMPLIANT],
            exceptions=results[Result.EXCEPTION],
            undetermined=results[Result.UNDETERMINED],
            forbidden_pairs=sum(bool(c.pairs(Standing.FORBIDDEN)) for c in changes),
            undetermined_pairs=sum(
                bool(c.pairs(Standing.UNDETERMINED)) and not c.pairs(Standing.FORBIDDEN)
                for c in changes
            ),
            repositories=tuple(_repository(name, changes, excluded) for name in repositories),
            classes=tuple(
                ClassSummary(kind, classes[kind], round(100 * classes[kind] / len(changes), 1))
                for kind in ChangeClass
                if classes[kind]
            ),
            steps=tuple(StepSummary(id, _counts(seen)) for id, seen in by_step.items()),
            attributes=tuple(
                AttributeSummary(id, _counts(seen)) for id, seen in by_attribute.items()
            ),
        ),
        changes=tuple(changes),
        excluded=tuple(excluded),
        sources=(
            EvidenceSource(
                "github.com",
                "pull requests",
                9,
                datetime(2026, 2, 2, 8, 0, tzinfo=UTC),
                datetime(2026, 2, 2, 8, 5, tzinfo=UTC),
            ),
        ),
        limitations=tuple(limitations),
        reverse_trace=traced,
    )


def sample_trace(standing: str = "information") -> ReverseTrace:
    """A reverse trace with hostile text, and with what could not be told."""
    return ReverseTrace(
        standing=standing,
        projects=("PAY", "OPS"),
        done=12,
        cancelled=1,
        untraced=(
            UntracedTicket(
                "PAY-140",
                HOSTILE_TITLE,
                "Story",
                "Done",
                at(17, 8, 5),
                HOSTILE_LOGIN,
                "moved",
                "https://acme.atlassian.net/browse/PAY-140",
            ),
            UntracedTicket(
                "OPS-9",
                FORMULA_TITLE,
                "=1+1",
                "Erledigt",
                at(19),
                "Ola O.",
                "created",
                "https://acme.atlassian.net/browse/OPS-9",
            ),
        ),
        unknown=("PAY-3: when it was done could not be read: Jira does not show its changelog",),
    )


def sample_changes() -> tuple[AuditedChange, ...]:
    """Nine changes over two repositories: every outcome and every class."""
    untriggered = not_applicable("none of the 3 changed files triggers a security review")
    step_4_untriggered = {"4": untriggered}
    no_pull_request = exception("no pull request: b0bby pushed 1 commit straight to main")
    emergency = not_applicable("an emergency change is judged by ENG-PROC-004, under step E")
    bot = not_applicable("the policy does not ask this of automated changes")
    return (
        change(
            number=101,
            title="Encrypt card numbers at rest",
            merged_at=at(5, 9, 30),
            head="feature/PAY-101-encryption",
            tickets=("PAY-101",),
        ),
        change(
            number=102,
            findings={
                **step_4_untriggered,
                "3.1": exception(
                    "no approval counts: petra approved, but she pushed commit 4f5e6d7 of this"
                    " pull request, so she is not independent of it",
                    [
                        Citation(
                            "review APPROVED",
                            "petra",
                            at(7, 10),
                            "https://github.com/acme/payments/pull/102#pullrequestreview-1",
                        ),
                        Citation("a link in the body", "dana-dev", at(7), "javascript:alert(1)"),
                    ],
                ),
                "3.3": not_applicable(
                    "there is no counting approval whose freshness could be told"
                ),
                "6.5": undetermined("there is a lead's approval, but no peer's to hold it against"),
            },
            title=HOSTILE_TITLE,
            merged_at=at(7, 14, 5),
            head="<img src=x onerror=alert(1)>",
            changed_after_merge=("the body was edited on 2026-01-09T08:00:00Z by dana-dev",),
            tickets=("PAY-102", "@SUM(A1)"),
            linked=(
                LinkedTicket(
                    "PAY-102",
                    "OPS-55",
                    "acme.atlassian.net",
                    "Story",
                    HOSTILE_TITLE,
                    "In Review or Done",
                    "Done",
                    "javascript:alert(1)",
                    "its type is that of today",
                ),
                LinkedTicket("@SUM(A1)", said="it is not visible to the audit account"),
            ),
            duties=duties(
                developed=Duty(DutyName.DEVELOPED, ("dana-dev", "petra")),
                reviewed=Duty(
                    DutyName.REVIEWED,
                    (),
                    (),
                    "Approved by petra, but petra is the committer of 4f5e6d7.",
                ),
                merged=Duty(DutyName.MERGED, ("dana-dev",)),
            ),
            conflicts=(
                Conflict(
                    "petra",
                    (DutyName.DEVELOPED, DutyName.REVIEWED),
                    Standing.FORBIDDEN,
                    "3.1",
                    "petra approved as peer, but petra is the committer of 4f5e6d7: a developer's"
                    " approval does not count.",
                ),
                Conflict(
                    "dana-dev",
                    (DutyName.DEVELOPED, DutyName.MERGED),
                    Standing.ALLOWED,
                    "final_approval.developer_may_merge",
                    "dana-dev merged it, and dana-dev opened the pull request: the policy lets a"
                    " developer merge what others have approved.",
                ),
            ),
        ),
        change(
            number=103,
            findings={
                "4.1": undetermined(
                    "the list of changed files was cut: 3000 of 3412 were read, and none of"
                    " them triggers a security review"
                ),
                "4.2": undetermined("whether a security review is needed is not known (see 4.1)"),
                "4.3": undetermined("whether a security review is needed is not known (see 4.1)"),
                "5.2": undetermined(
                    "the checks of 8c9d0e1 have expired: GitHub keeps them for 400 days"
                ),
            },
            title="Import the chart of accounts",
            merged_at=at(9, 16, 45),
        ),
        change(
            number=104,
            findings={
                **dict.fromkeys("123456", emergency),
                "E.4": exception(
                    "the post-mortem is dated 2026-01-19T10:00:00Z, after the three business"
                    " days that ended on 2026-01-15T00:00:00Z"
                ),
            },
            title="Hotfix: refunds are paid twice",
            merged_at=at(11, 3, 12),
            class_=ChangeClass.EMERGENCY,
            class_reason='label "emergency", applied by lee-lead',
            head="hotfix/refunds",
            tickets=("INC-7",),
        ),
        change(
            number=None,
            findings=dict.fromkeys("123456", no_pull_request),
            title="quick fix",
            merged_at=at(12, 23, 59),
            class_=ChangeClass.DIRECT_PUSH,
            class_reason="no pull request brought this commit to main",
            author="b0bby",
            merged_by="b0bby",
            duties=tuple(
                Duty(name, ("b0bby",) if name is DutyName.DEVELOPED else (), (), "")
                for name in DutyName
            ),
            head="",
            tickets=(),
            timeline=(TimelineEntry(at(12, 23, 59), "pushed 0f1e2d3 to main", "b0bby"),),
        ),
        change(
            WEB,
            12,
            {**dict.fromkeys("12456", bot)},
            title="Bump left-pad from 1.3.0 to 1.3.1",
            merged_at=at(14),
            class_=ChangeClass.AUTOMATED,
            class_reason="opened by dependabot[bot], which the policy names",
            author="dependabot[bot]",
            head="dependabot/npm_and_yarn/left-pad-1.3.1",
            tickets=(),
        ),
        change(
            WEB,
            13,
            step_4_untriggered,
            title='Revert "Show totals in the basket"',
            merged_at=at(15),
            class_=ChangeClass.REVERT,
            class_reason="the body says that it reverts acme/web#11",
            tickets=("acme/web#9",),
        ),
        change(
            WEB,
            14,
            {
                **step_4_untriggered,
                "2.1": exception('the heading "Testing" holds only the template\'s own words'),
                "2.2": exception('the item "No secrets in the code" was deleted'),
                "5.1": exception(
                    f'the label "qa-approved" was applied by {HOSTILE_LOGIN}, who was not a'
                    " member of QA on 2026-01-16"
                ),
                "5.3": not_applicable("nobody signed off"),
            },
            title=FORMULA_TITLE,
            merged_at=at(16, 8, 1),
            author=HOSTILE_LOGIN,
            merged_by="",
            duties=duties(
                developed=Duty(
                    DutyName.DEVELOPED,
                    (HOSTILE_LOGIN,),
                    (),
                    "The author of 8c9d0e1 has no linked account.",
                ),
                tested=Duty(DutyName.TESTED, (), (HOSTILE_LOGIN,), "It is not sure."),
                merged=Duty(DutyName.MERGED, (), (), "The account that merged is deleted now."),
            ),
            conflicts=(
                Conflict(
                    HOSTILE_LOGIN,
                    (DutyName.DEVELOPED, DutyName.TESTED),
                    Standing.UNDETERMINED,
                    "5.3",
                    f"{HOSTILE_LOGIN} signed off for QA; whether that was a developer cannot be"
                    " told.",
                ),
            ),
            tickets=("acme/web#10",),
        ),
        change(
            WEB,
            15,
            step_4_untriggered,
            title="決済画面の表示を修正する (naïve café)",
            merged_at=at(20, 18, 30),
            tickets=("acme/web#14",),
        ),
    )


def sample_excluded() -> tuple[Excluded, ...]:
    """Three pull requests out of scope, under two rules."""
    return tuple(
        Excluded(
            id=f"{repository}#{number}",
            title=title,
            url=f"https://github.com/{repository}/pull/{number}",
            merged_at=at(day),
            base=base,
            rule=rule,
            reason=reason,
        )
        for repository, number, title, day, base, rule, reason in (
            (
                PAYMENTS,
                98,
                "Fix a typo in the guide",
                3,
                "main",
                "documentation only",
                "all 2 changed files match docs/**",
            ),
            (
                PAYMENTS,
                99,
                '-1+1 <a href="javascript:alert(1)">notes</a>',
                4,
                "main",
                "documentation only",
                "all 1 changed files match docs/**",
            ),
            (
                WEB,
                10,
                "Try the new basket",
                6,
                "prototype",
                "branch is not a production branch",
                'the base "prototype" matches none of: main',
            ),
        )
    )


def sample_audit() -> Audit:
    """An audit with every outcome, every class, exclusions, limitations and hostile text."""
    return audit_of(
        sample_changes(),
        sample_excluded(),
        (
            "Team membership is known from 2026-02-02T08:00:00Z; earlier members are not.",
            "What rests on these tickets is undetermined (not visible): PAY-9.",
        ),
        traced=sample_trace(),
    )


def large_audit() -> Audit:
    """Sixty changes: most are undetermined for one and the same reason, few are exceptions."""
    no_roster = undetermined("the members of acme/security could not be read: HTTP 403")
    no_approval = exception("no approval by anyone in the role of lead")
    untriggered = {"4": not_applicable("none of the 2 changed files triggers a security review")}
    unread = {"4.2": no_roster, "4.3": no_roster}
    changes = []
    for number in range(1, 61):
        findings: dict[str, Finding] = dict(unread if number <= 5 else untriggered)
        if number % 20 == 0 or number == 4:
            findings["6.1"] = no_approval
        changes.append(
            change(
                WEB if number % 2 else PAYMENTS,
                number,
                findings,
                title=f"Change number {number}",
                merged_at=at(2) + timedelta(hours=9 * number),
                changed_after_merge=("the title was changed",) if number == 30 else (),
            )
        )
    return audit_of(changes, demonstration=False)
