"""QA's sign-off by a comment of a given form: on the pull request, or on a ticket that it names.

What a comment said before it was edited is told nowhere, so one that was edited is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from changeaudit.change import Change
from changeaudit.people import Holds, all_hold, name_of
from changeaudit.policy import Policy
from changeaudit.records import Comment, TicketComment, Unavailable
from changeaudit.rules.approvals import Approval, act, can_write, in_role
from changeaudit.rules.developers import Developers
from changeaudit.rules.excerpts import quoted
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
        rest = _after_form(comment.body, policy.qa.comment or "")
        valid = _valid(comment, rest, change)
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
        if rest is not None or in_qa(sign_off).answer is not False:
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
            rest = _after_form(comment.body, form)
            valid = _valid(comment, rest, change)
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
            if rest is not None or in_qa(sign_off).answer is not False:
                yield sign_off


def in_qa(sign_off: Approval) -> Holds:
    """Whether a sign-off counts, its independence left aside."""
    return all_hold(sign_off.valid, sign_off.role, sign_off.fresh)


def _valid(comment: Comment | TicketComment, rest: str | None, change: Change) -> Holds | None:
    """Whether a comment stood unedited at the merge; `None` for one that says nothing of it.

    `rest` is what it says after the form, `None` if it is not of the form.
    """
    edited, merged = comment.edited_at, change.pull.merged_at
    # What a comment said before it was edited is not told.
    unknown = edited is not None and edited >= merged
    if comment.at > merged or (rest is None and not unknown):
        return None
    if edited is not None:
        return Holds(None if unknown else False, f"it was edited at {instant(edited)}")
    if comment.at == merged:
        return Holds(None, "it was written in the very second of the merge")
    doubt = _doubt(rest or "")
    return Holds(None, doubt) if doubt else _ON_TIME


def _after_form(body: str, form: str) -> str | None:
    """What a comment says after the form with which it starts, in lower case.

    `None` if it does not start so, goes on within a word, or makes it a question. A colon with
    which the form ends comes first.
    """
    said, wanted = body.lstrip().casefold(), form.strip().casefold()
    rest = said[len(wanted) :]
    goes_on = wanted[-1:].isalnum() and rest[:1].isalnum()
    if not said.startswith(wanted) or goes_on or rest.lstrip().startswith("?"):
        return None
    return f":{rest}" if wanted.endswith(":") else rest


def _doubt(rest: str) -> str:
    """Why what follows the form may make it no sign-off: it asks, or says no. "" if it does not."""
    sentence = _SENTENCE_END.split(rest.partition("\n")[0], maxsplit=1)[0]
    if sentence.rstrip(" \t\r)*_\"'").endswith("?"):
        return "it reads as a question"
    refusal = _REFUSAL.match(rest)
    sign = refusal[1] if refusal else next((each for each in _CROSSES if each in sentence), "")
    return f"what follows may take it back ({quoted(sign)})" if sign else ""


_SENTENCE_END: Final = re.compile(r"(?<=[.!?…])\s")
_CROSSES: Final = ("❌", "❎", "✗", "✘", "🚫", "👎", ":x:", ":-1:", ":no_entry:")
_REFUSAL: Final = re.compile(
    r"(?:[^\w\n.!\[:]{0,9}:\s{0,9})?[^\w\n.!\[]{0,20}"
    r"((?:no|nope|n)(?=\s*(?:[^\w\s]|$))|(?:not|never|false|pending|fail\w{0,3})\b|\[ ?\])"
)
"""A first word, in lower case, that says no; that of "no issues" does not. After a colon it may
stand on the next line."""
