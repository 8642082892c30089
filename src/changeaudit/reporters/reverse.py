"""The reverse trace in the words that every form shares: from the tickets to the changes."""

from __future__ import annotations

from changeaudit.reporters.text import instant
from changeaudit.verdicts import Outcome, ReverseTrace, UntracedTicket

TITLE = "Reverse trace: tickets that were done without a change"


def summed(trace: ReverseTrace) -> str:
    """What it came to, and what it is by the policy."""
    where = ", ".join(trace.projects)
    if not trace.done:
        if trace.unknown:
            return f"Which tickets of {where} were done in the period could not be told."
        cancelled = f" ({trace.cancelled:,} cancelled)" if trace.cancelled else ""
        return f"No ticket of {where} was done in the period{cancelled}."
    number = len(trace.untraced)
    are = "is" if number == 1 else "are"
    found = f"{number:,} {are} named by no change that the store holds"
    besides = f" ({trace.cancelled:,} more cancelled)" if trace.cancelled else ""
    done = f"Of {_tickets(trace.done)} of {where} done in the period{besides}"
    if not number:
        return f"{done}, every one is named by a change."
    return f"{done}, {found}. By the policy {_STANDINGS[trace.counts]}."


def mark(trace: ReverseTrace) -> Outcome:
    """The mark of what it found."""
    return Outcome.EXCEPTION if trace.counts else Outcome.NOT_APPLICABLE


def story(ticket: UntracedTicket) -> str:
    """What became of a ticket: its type, the status that it went into, by whom and when."""
    how = _HOW[ticket.how]
    return f"{ticket.type}, {how} {ticket.status} by {ticket.by}, {instant(ticket.done_at)}"


def excepted(trace: ReverseTrace | None) -> int:
    """How many tickets without a change are exceptions by the policy."""
    return len(trace.untraced) if trace is not None and trace.counts else 0


def conclusion(trace: ReverseTrace | None) -> str:
    """What it adds to what the changes come to; "" where it adds nothing."""
    number = excepted(trace)
    if number:
        were, it = ("was", "it") if number == 1 else ("were", "them")
        return f"{_tickets(number)} {were} done without a change that names {it}."
    if trace is not None and trace.counts and trace.unknown:
        return "Whether every ticket that was done has its change could not be told."
    return ""


_HOW = {"moved": "moved to", "created": "created as", "resolved": "resolved anew in"}
_STANDINGS = {True: "each of them is an exception", False: "that is information"}


def _tickets(number: int) -> str:
    return f"{number:,} ticket{'' if number == 1 else 's'}"
