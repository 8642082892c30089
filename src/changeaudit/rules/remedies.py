"""What would have made each attribute pass, in words for whoever makes the next change."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from changeaudit.explanation import Remedy
from changeaudit.verdicts import AuditedChange, ChangeClass, Outcome, Verdict

_COUNTING = (
    "An approval counts if it stands at the merge and is by a person who was in the role on that"
    " day and neither opened the pull request nor wrote, co-wrote, committed or force-pushed any of"
    " it."
)

REMEDIES: Final[Mapping[str, Remedy]] = MappingProxyType(
    {
        id_: Remedy(id_, text, keys)
        for id_, text, keys in (
            (
                "1.1",
                "It would have passed if the pull request had named the ticket before it merged,"
                " in one of the places that the policy reads.",
                ("tickets.places", "tickets.github_issues", "tickets.jira_projects"),
            ),
            (
                "1.2",
                "It would have passed if it had named a ticket that there is, and that at the"
                " merge was in a project and of a type that the policy counts.",
                (
                    "tickets.jira_projects",
                    "tickets.issue_repositories",
                    "tickets.types",
                    "tickets.accept_parent",
                ),
            ),
            (
                "1.3",
                "It would have passed if the ticket had been created first, before what the"
                " policy says it must precede: by default, the opening of the pull request.",
                ("tickets.planned_before",),
            ),
            (
                "1.4",
                "It would have passed if it had named a ticket that was open when the work began"
                " and was not cancelled at the merge: one reopened, or another, before the pull"
                " request was opened.",
                ("tickets.cancelled_statuses", "tickets.closed_statuses"),
            ),
            (
                "1.5",
                "It would have passed if it had been developed on a branch of its own that bears"
                " neither a production branch's name nor the base's, and that matches the"
                " policy's pattern if it has one.",
                ("feature_branch.pattern", "feature_branch.fork_may_use_production_name"),
            ),
            (
                "2.1",
                "It would have passed if every heading that the template requires had been"
                " filled with words of its own before the merge; placeholders and comments are"
                " nothing.",
                ("template.headings", "template.placeholders"),
            ),
            (
                "2.2",
                "It would have passed if every item of the security checklist had been left in"
                " the description, under its heading.",
                ("security_checklist.heading", "security_checklist.items"),
            ),
            (
                "2.3",
                "It would have passed if every item of the security checklist had been ticked"
                " before the merge, or marked N/A with a word of reason where the policy allows"
                " that.",
                ("security_checklist.items", "security_checklist.not_applicable_allowed"),
            ),
            (
                "3.1",
                "It would have passed if as many peers had approved before the merge as the"
                " policy asks for."
                f" {_COUNTING}",
                ("peer_review.approvals", "roles.peer", "approving_bots", "unlinked_commits"),
            ),
            (
                "3.2",
                "It would have passed if the peer who asked for changes had approved, or that"
                " review had been dismissed with a reason, before the merge.",
                ("roles.peer",),
            ),
            (
                "3.3",
                "It would have passed if the peer had approved again after what the reason names,"
                " and before the merge: an approval holds only for the code that merges.",
                ("peer_review.approvals", "force_pushes"),
            ),
            (
                "4.1",
                "Name the triggers of a security review in the policy, and give the audit"
                " account access to what they are looked for in: changed files, labels, tickets,"
                " checklist.",
                (
                    "security_review.paths",
                    "security_review.labels",
                    "security_review.ticket_labels",
                    "security_review.ticket_types",
                    "security_review.ticket_components",
                    "security_review.impact_items",
                ),
            ),
            (
                "4.2",
                "It would have passed if as many of the security team had approved before the"
                " merge as the policy asks for."
                f" {_COUNTING}",
                (
                    "security_review.approvals",
                    "roles.security",
                    "approving_bots",
                    "unlinked_commits",
                ),
            ),
            (
                "4.3",
                "It would have passed if the security team had approved again after what the"
                " reason names, and before the merge.",
                ("security_review.approvals", "force_pushes"),
            ),
            (
                "4.4",
                "It would have passed if the item that denies security impact had not been"
                " ticked: a path, a label or a ticket triggers the security review.",
                ("security_review.no_impact_items", "security_review.impact_items"),
            ),
            (
                "5.1",
                "It would have passed if a member of QA had signed off after the last push and"
                " before the merge, in one of the ways that the policy names; or, where it lets"
                " checks sign off, if they had succeeded before the merge.",
                (
                    "qa.review",
                    "qa.labels",
                    "qa.comment",
                    "qa.ticket_statuses",
                    "qa.ticket_comment",
                    "qa.sign_off_checks",
                    "qa.staging_checks_sign_off",
                    "roles.qa",
                ),
            ),
            (
                "5.2",
                "It would have passed if the staging check that the policy names had succeeded,"
                " before the merge, on the commit that was to be merged (in a merge queue, on"
                " the queue's own).",
                ("qa.staging_checks", "qa.staging_apps"),
            ),
            (
                "5.3",
                "It would have passed if somebody of QA had signed off who neither opened the"
                " pull request nor wrote, co-wrote, committed or force-pushed any of it.",
                ("roles.qa", "unlinked_commits"),
            ),
            (
                "6.1",
                "It would have passed if as many engineering leads had approved before the merge"
                " as the policy asks for."
                f" {_COUNTING}",
                ("final_approval.approvals", "roles.lead", "approving_bots", "unlinked_commits"),
            ),
            (
                "6.2",
                "It would have passed if the lead had approved last: after the peer, after"
                " security where its review is required, and after QA.",
                ("final_approval.approvals",),
            ),
            (
                "6.3",
                "It would have passed if the lead had approved again after what the reason names,"
                " and before the merge.",
                ("final_approval.approvals", "force_pushes"),
            ),
            (
                "6.4",
                "It would have passed if a lead, somebody whom the policy names, or the merge"
                " queue after a lead's approval had merged it into a production branch; where"
                " the policy says so, not a developer of the change.",
                (
                    "final_approval.mergers",
                    "final_approval.merge_queue",
                    "final_approval.developer_may_merge",
                    "scope.branches",
                ),
            ),
            (
                "6.5",
                "It would have passed if two different people had approved as peer and as lead,"
                " unless the policy lets one be both.",
                ("final_approval.peer_may_be_lead",),
            ),
            (
                "E.1",
                "It would have passed if the pull request had named a ticket that identifies the"
                " critical issue, and an engineering lead and the security team had approved"
                " before the merge. What a ticket says of a notice is not collected: with that"
                " alone, it stays undetermined.",
                ("classes.emergency", "roles.lead", "roles.security"),
            ),
            (
                "E.2",
                "It would have passed if an engineering lead and a member of the security team"
                " had approved before the merge, and the pull request had named the emergency"
                " change ticket. What a ticket says is not collected: approvals that it alone"
                " documents leave this undetermined.",
                ("roles.lead", "roles.security"),
            ),
            (
                "E.3",
                "It would have passed if a peer and the security team had approved the change,"
                " at the latest when its documentation was due.",
                ("roles.peer", "roles.security", "classes.emergency.documentation_hours"),
            ),
            (
                "E.4",
                "It would have passed if the change had been merged into a production branch,"
                " which authorises its deployment.",
                ("scope.branches",),
            ),
            (
                "E.5",
                "It would have passed if the description's template and security checklist had"
                " been complete within the hours that the policy gives.",
                ("classes.emergency.documentation_hours",),
            ),
            (
                "E.6",
                "It would have passed if the post-mortem had been held and linked, in the way"
                " that the policy names, within the business days that it gives: its ticket"
                " created after the merge, or done after it.",
                (
                    "classes.emergency.post_mortem",
                    "classes.emergency.follow_up_business_days",
                ),
            ),
        )
    }
)
"""By attribute: what would have made it pass."""

UNSURE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "1.2": (
            "Let the audit account see the ticket, and collect it again; it passes if it is in a"
            " project and of a type that the policy counts."
        ),
        "3.3": (
            "It passes where it is shown that an approval that counts is of the code that merged."
        ),
        "4.3": (
            "It passes where it is shown that an approval that counts is of the code that merged."
        ),
        "6.3": (
            "It passes where it is shown that an approval that counts is of the code that merged."
        ),
        "6.4": (
            "It passes where it is shown that a lead, somebody whom the policy names, or the"
            " merge queue after a lead's approval merged it into a production branch; where the"
            " policy says so, not a developer of the change."
        ),
        "E.3": (
            "Have a peer and the security team approve the change before its documentation is"
            " due, while there is time."
        ),
        "E.5": (
            "Complete the description's template and security checklist within the hours that"
            " the policy gives, while there is time."
        ),
        "E.6": (
            "Hold the post-mortem and link it, in the way that the policy names, within the"
            " business days that it gives, while there is time."
        ),
    }
)
"""By attribute: what to say instead where it is undetermined, if something else."""

OWNERS: Final = (
    " Each changed file that has owners needs the approval of one of them, or of a peer who may"
    " approve any."
)
"""What 3.1 asks besides, where the policy lets code owners be peers."""

NAMED: Final = "Name in the policy who holds the role: until then nobody can be shown to hold it."
"""What helps where the policy names nobody."""

DIRECT_PUSH: Final = (
    "Each of these attributes could have been tested if a pull request had brought the change;"
    " let the branch refuse pushes without one."
)


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
    text = known.text
    if verdict.outcome is Outcome.UNDETERMINED:
        text = UNSURE.get(known.attribute, text)
        if "policy names nobody for the role" in verdict.reason:
            text = NAMED
    if (
        known.attribute == "3.1"
        and text == known.text
        and any("CODEOWNERS" in c.what for c in verdict.evidence)
    ):
        text += OWNERS
    return Remedy(known.attribute, text, known.policy_keys)
