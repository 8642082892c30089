"""What would have made each attribute pass, in words for whoever makes the next change."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from changeaudit.explanation import Remedy
from changeaudit.verdicts import AuditedChange, ChangeClass, Outcome, Verdict

_COUNTING = (
    "An approval counts if it stands at the merge, is by a person who was in the role on that day,"
    " and by nobody who opened the pull request or wrote, co-wrote, committed or force-pushed any"
    " of it."
)

REMEDIES: Final[Mapping[str, Remedy]] = MappingProxyType(
    {
        id_: Remedy(id_, text, keys)
        for id_, text, keys in (
            (
                "1.1",
                "Name the ticket in the pull request before it merges, in one of the places that"
                " the policy reads.",
                ("tickets.places", "tickets.github_issues", "tickets.jira_projects"),
            ),
            (
                "1.2",
                "Link a ticket that the audit account may see, in a project and of a type that the"
                " policy counts.",
                ("tickets.jira_projects", "tickets.issue_repositories", "tickets.types"),
            ),
            (
                "1.3",
                "Create the ticket first, and only then start what the policy says it must come"
                " before: by default, opening the pull request.",
                ("tickets.planned_before",),
            ),
            (
                "1.4",
                "Link a ticket that is open when the work begins and not cancelled at the merge;"
                " reopen the one that is closed, or create another, before the pull request is"
                " opened.",
                ("tickets.cancelled_statuses", "tickets.closed_statuses"),
            ),
            (
                "1.5",
                "Develop on a branch of its own that bears neither a production branch's name nor"
                " the base's, and that matches the policy's pattern if it has one.",
                ("feature_branch.pattern", "feature_branch.fork_may_use_production_name"),
            ),
            (
                "2.1",
                "Fill every heading that the template requires with words of your own before the"
                " merge; placeholders and comments are nothing.",
                ("template.headings", "template.placeholders"),
            ),
            (
                "2.2",
                "Leave every item of the security checklist in the description, under its heading.",
                ("security_checklist.heading", "security_checklist.items"),
            ),
            (
                "2.3",
                "Tick every item of the security checklist before the merge, or mark it N/A with a"
                " word of reason where the policy allows that.",
                ("security_checklist.items", "security_checklist.not_applicable_allowed"),
            ),
            (
                "3.1",
                f"Have as many peers as the policy asks for approve before the merge. {_COUNTING}",
                ("peer_review.approvals", "roles.peer", "approving_bots", "unlinked_commits"),
            ),
            (
                "3.2",
                "Have the peer who asked for changes approve, or dismiss that review with a"
                " reason, before the merge.",
                ("roles.peer",),
            ),
            (
                "3.3",
                "After the last push, have the peer approve again before the merge: an approval"
                " holds only for the code that merges.",
                ("peer_review.approvals",),
            ),
            (
                "4.1",
                "Let it be told whether security must review: name the triggers in the policy, and"
                " give the audit account access to what they are looked for in (changed files,"
                " labels, tickets, checklist).",
                (
                    "security_review.paths",
                    "security_review.labels",
                    "security_review.ticket_labels",
                    "security_review.ticket_types",
                    "security_review.impact_items",
                ),
            ),
            (
                "4.2",
                "Have as many of the security team as the policy asks for approve before the"
                f" merge. {_COUNTING}",
                (
                    "security_review.approvals",
                    "roles.security",
                    "approving_bots",
                    "unlinked_commits",
                ),
            ),
            (
                "4.3",
                "After the last push, have the security team approve again before the merge.",
                ("security_review.approvals",),
            ),
            (
                "4.4",
                "Declare the security impact: do not tick the item that denies it when a path, a"
                " label or a ticket triggers the security review.",
                ("security_review.no_impact_items", "security_review.impact_items"),
            ),
            (
                "5.1",
                "Have a member of QA sign off after the last push and before the merge, in one of"
                " the ways that the policy names.",
                ("qa.review", "qa.labels", "qa.comment", "roles.qa"),
            ),
            (
                "5.2",
                "Let the staging check that the policy names succeed on the commit that is to be"
                " merged, and merge only then.",
                ("qa.staging_checks",),
            ),
            (
                "5.3",
                "Have somebody of QA sign off who neither opened the pull request nor wrote,"
                " co-wrote, committed or force-pushed any of it.",
                ("roles.qa", "unlinked_commits"),
            ),
            (
                "6.1",
                "Have as many engineering leads as the policy asks for approve before the merge."
                f" {_COUNTING}",
                ("final_approval.approvals", "roles.lead", "approving_bots", "unlinked_commits"),
            ),
            (
                "6.2",
                "Have the lead approve last: after the peer, after security where its review is"
                " required, and after QA.",
                ("final_approval.approvals",),
            ),
            (
                "6.3",
                "After the last push, have the lead approve again before the merge.",
                ("final_approval.approvals",),
            ),
            (
                "6.4",
                "Let a lead, somebody whom the policy names, or the merge queue after a lead's"
                " approval merge it, and into a production branch.",
                ("final_approval.mergers", "final_approval.merge_queue", "scope.branches"),
            ),
            (
                "6.5",
                "Have two different people approve as peer and as lead, unless the policy lets one"
                " be both.",
                ("final_approval.peer_may_be_lead",),
            ),
            (
                "E.1",
                "Name a ticket in the pull request that identifies the critical issue, and have an"
                " engineering lead and the security team review before the merge, or record in the"
                " ticket that they were notified.",
                ("classes.emergency", "roles.lead", "roles.security"),
            ),
            (
                "E.2",
                "Have an engineering lead and a member of the security team approve before the"
                " merge, and document both approvals in the emergency change ticket.",
                ("roles.lead", "roles.security"),
            ),
            (
                "E.3",
                "Have a peer and the security team approve the change, at the latest when its"
                " documentation is due.",
                ("roles.peer", "roles.security", "classes.emergency.documentation_hours"),
            ),
            (
                "E.4",
                "Merge the change into a production branch, which authorises its deployment.",
                ("scope.branches",),
            ),
            (
                "E.5",
                "Complete the description's template and security checklist within the hours that"
                " the policy gives.",
                ("classes.emergency.documentation_hours",),
            ),
            (
                "E.6",
                "Hold the post-mortem and link it, in the way that the policy names, within the"
                " business days that it gives.",
                (
                    "classes.emergency.post_mortem",
                    "classes.emergency.follow_up_business_days",
                ),
            ),
        )
    }
)
"""By attribute: what would have made it pass."""

DIRECT_PUSH: Final = (
    "Bring the change by a pull request, and let the branch refuse pushes without one; then each"
    " of these attributes can be tested."
)

DOUBT: Final = "Settle what the reason leaves open. What is asked: "


def remedies_of(change: AuditedChange) -> tuple[Remedy, ...]:
    """The remedies of a change's exceptions and of what it leaves undetermined, in their order."""
    return tuple(
        _remedy(change.class_, verdict)
        for verdict in change.verdicts()
        if verdict.outcome in (Outcome.EXCEPTION, Outcome.UNDETERMINED)
    )


def _remedy(class_: ChangeClass, verdict: Verdict) -> Remedy:
    known = REMEDIES[verdict.attribute]
    if class_ is ChangeClass.DIRECT_PUSH:
        return Remedy(known.attribute, DIRECT_PUSH, ("scope.branches",))
    if verdict.outcome is Outcome.UNDETERMINED:
        return Remedy(known.attribute, f"{DOUBT}{known.text}", known.policy_keys)
    return known
