"""QA's sign-off by a comment of a given form: on the pull request, or on a ticket that it names.

What a comment said before it was edited is told nowhere, so one that was edited is none.
"""

from __future__ import annotations

from collections.abc import Iterator

from changeaudit.change import Change
from changeaudit.people import Holds, all_hold, name_of
from changeaudit.policy import Policy
from changeaudit.records import Comment, TicketComment, Unavailable
from changeaudit.rules.approvals import Approval, act, can_write, in_role
from changeaudit.rules.developers import Developers
from changeaudit.rules.freshness import fresh_sign_off
from changeaudit.rules.sign_off_by_ticket import counted_tickets, of_account
from changeaudit.rules.words import instant
from changeaudit.verdicts import Citation

_ON_TIME = Holds(True, "before the merge")


def by_comment(change: Change, policy: Policy, made_by: Developers) -> list[Approval] | Unavailable:
    """Every comment on the pull request that may sign off."""
    comments, timeline = change.pull.comments, change.pull.timeline
    if isinstance(comments, Unavailable):
        return Unavailable(f"the comments could not be read: {comments.reason}")
    found: list[Approval] = []
    for comment in comments:
        of_the_form = _is_of_form(comment.body, policy.qa.comment or "")
        valid = _valid(comment, of_the_form, change)
        if valid is None:
            continue
        outside = act(
            policy,
            made_by,
            what="comment",
            by=comment.author,
            at=comment.at,
            citation=Citation("comment", name_of(comment.author), comment.at, comment.url),
            valid=valid,
            fresh=fresh_sign_off(change, comment.at),
        )
        sign_off = in_role(change, policy, "qa", outside, can_write(change, comment.author))
        if of_the_form or in_qa(sign_off).answer is not False:
            found.append(sign_off)
    if not found and isinstance(timeline, Unavailable):
        return Unavailable(
            f"the comments may not be all there, as those of a timeline: {timeline.reason}"
        )
    return found


def by_ticket_comment(
    change: Change, policy: Policy, made_by: Developers
) -> Iterator[Approval | str]:
    """Every comment on a linked ticket that may sign off, and what could not be read.

    The ticket must count for 1.2.
    """
    form = policy.qa.ticket_comment or ""
    for each in counted_tickets(change, policy):
        if isinstance(each, str):
            yield each
            continue
        ticket, counts = each
        if isinstance(ticket.comments, Unavailable):
            if counts.answer:
                why = ticket.comments.reason
                yield f"the comments on {ticket.key} could not be read: {why}"
            continue
        for comment in ticket.comments:
            of_the_form = _is_of_form(comment.body, form)
            valid = _valid(comment, of_the_form, change)
            if valid is None:
                continue
            sign_off = of_account(
                change,
                policy,
                made_by,
                ticket=ticket,
                account=comment.author,
                at=comment.at,
                what=f"comment on ticket {ticket.key}",
                did=f"comment on ticket {ticket.key}",
                url=comment.url,
                valid=all_hold(counts, valid),
            )
            if of_the_form or in_qa(sign_off).answer is not False:
                yield sign_off


def in_qa(sign_off: Approval) -> Holds:
    """Whether a sign-off counts, its independence left aside."""
    return all_hold(sign_off.valid, sign_off.role, sign_off.fresh)


def _valid(comment: Comment | TicketComment, of_the_form: bool, change: Change) -> Holds | None:
    """Whether a comment stood unedited at the merge; `None` for one that says nothing of it."""
    edited, merged = comment.edited_at, change.pull.merged_at
    # What a comment said before it was edited is not told.
    unknown = edited is not None and edited >= merged
    if comment.at > merged or not (of_the_form or unknown):
        return None
    if edited is not None:
        return Holds(None if unknown else False, f"it was edited at {instant(edited)}")
    if comment.at == merged:
        return Holds(None, "it was written in the very second of the merge")
    return _ON_TIME


def _is_of_form(body: str, form: str) -> bool:
    """Whether a comment starts with the form, as words of their own and not as a question."""
    said, wanted = body.lstrip().casefold(), form.strip().casefold()
    rest = said[len(wanted) :]
    goes_on = wanted[-1:].isalnum() and rest[:1].isalnum()
    return said.startswith(wanted) and not goes_on and not rest.lstrip().startswith("?")
