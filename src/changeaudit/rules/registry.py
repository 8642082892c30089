"""Every attribute there is, in the order of the procedure. A new rule is one line here."""

from __future__ import annotations

from collections.abc import Callable

from changeaudit.rules import (
    emergency,
    step1_ticket,
    step2_template,
    step3_peer,
    step4_security,
    step5_qa,
    step6_final,
)
from changeaudit.rules.attribute import Attribute
from changeaudit.verdicts import StepInfo

STANDARD: tuple[Attribute, ...] = (
    *step1_ticket.ATTRIBUTES,
    *step2_template.ATTRIBUTES,
    *step3_peer.ATTRIBUTES,
    *step4_security.ATTRIBUTES,
    *step5_qa.ATTRIBUTES,
    *step6_final.ATTRIBUTES,
)
"""The attributes of the six steps of ENG-PROC-003."""

EMERGENCY: tuple[Attribute, ...] = emergency.ATTRIBUTES
"""The attributes of ENG-PROC-004, asked of emergency changes alone."""


def steps(references: Callable[[str], tuple[str, ...]]) -> tuple[StepInfo, ...]:
    """The steps as the procedure words them, with the controls that they are mapped to."""
    return tuple(
        StepInfo(id=id_, title=title, who=who, what=what, references=references(id_))
        for id_, title, who, what in (
            (
                "1",
                "Ticket and feature branch",
                "Developer",
                "Creates a ticket that documents the planned change, and a feature branch.",
            ),
            (
                "2",
                "Template and security checklist",
                "Developer",
                "Submits a pull request with its template and security checklist filled out.",
            ),
            (
                "3",
                "Peer review",
                "Peer Reviewer",
                "A qualified peer reviews the code and approves the pull request.",
            ),
            (
                "4",
                "Security review",
                "Security Team",
                "Reviews for security implications; approval is required where security controls"
                " or sensitive data are touched.",
            ),
            (
                "5",
                "QA sign-off",
                "QA Team",
                "Tests the change in a staging environment and signs off.",
            ),
            (
                "6",
                "Final approval",
                "Engineering Lead",
                "Gives the final approval to merge into the main branch.",
            ),
            (
                "E",
                "Emergency change (ENG-PROC-004)",
                "Engineering and Security",
                "Asked of emergency changes instead of the six steps.",
            ),
        )
    )
