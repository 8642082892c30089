"""Step 6: final approval and merge (Engineering Lead)."""

from __future__ import annotations

from collections.abc import Iterable

from changeaudit.change import Change
from changeaudit.people import NOT_HELD, Holds, holds, is_named, is_person, name_of
from changeaudit.policy import Policy, Role
from changeaudit.records import Actor, QueueChanged, Unavailable
from changeaudit.rules import approvals
from changeaudit.rules.approvals import Approval, assess, tally, unnamed
from changeaudit.rules.attribute import Attribute
from changeaudit.rules.order import apart, before_the_lead, earlier, enough, last
from changeaudit.rules.security_trigger import triggered
from changeaudit.rules.words import instant, listed, sentence
from changeaudit.verdicts import (
    Citation,
    Finding,
    exception,
    not_applicable,
    passed,
    undetermined,
)

MERGE_QUEUE = "github-merge-queue[bot]"
"""The account under which GitHub's merge queue merges."""


def approved_by_lead(change: Change, policy: Policy) -> Finding:
    """An engineering lead approved, under the same conditions as a peer's approval."""
    return approvals.approved(change, policy, "lead", policy.final_approval.approvals)


def lead_approval_final(change: Change, policy: Policy) -> Finding:
    """The lead approved after the peer, after security where it was asked, and after QA.

    Held against each other are the approvals that count, of the code that merged. As many leads
    as the policy asks for came after as many of each other role as it asks for; where there are
    fewer, after all of them. One act that counts for two roles does not come before itself. Equal
    seconds have no order.
    """
    found = assess(change, policy, "lead")
    if isinstance(found, Unavailable):
        return undetermined(sentence(found.reason))
    leads = tally(found, Approval.counts)
    those = (*leads.sure, *leads.maybe)
    if not those:
        return not_applicable(
            "There is no lead's approval that counts and could be the last: see 6.1 and 6.3.",
            [_page(change)],
        )
    others = before_the_lead(change, policy, triggered(change, policy))
    besides = {
        f"{_when(a)} ({other.role})": a
        for other in others
        for lead in those
        for a in other.besides(lead)
    }
    final = enough(
        [last(lead, others) for lead in leads.sure],
        [last(lead, others) for lead in leads.maybe],
        policy.final_approval.approvals,
    )
    if final and leads.sure:
        came_last = [lead for lead in leads.sure if last(lead, others)]
        before = {
            name: a for name, a in besides.items() if all(earlier(a, lead) for lead in came_last)
        }
        if not before:
            return not_applicable(
                "No other approval counts that the lead's had to come after: see 3.1 and 5.1.",
                [_page(change)],
            )
        return passed(
            f"{listed(map(_when, came_last))} approved as lead, after {listed(before)}.",
            _cited((*came_last, *before.values())),
        )
    cited = _cited((*those, *besides.values()))
    said = f"{listed(map(_when, those))} approved as lead"
    not_before = listed(
        name for name, a in besides.items() if any(earlier(a, lead) is not True for lead in those)
    )
    if final is False:
        return exception(f"{said}, and not after {not_before}.", cited)
    doubts = [other.unread for other in others if other.unread]
    doubts += [a.but(a.counts()) for a in (*those, *besides.values()) if not a.counts().answer]
    if not_before:
        doubts.append(f"not before it came {not_before}")
    return undetermined(
        f"{said}; whether that came last cannot be told: {'; '.join(doubts)}.", cited
    )


def lead_approval_fresh(change: Change, policy: Policy) -> Finding:
    """The lead's approval is of the code that merged."""
    return approvals.fresh(change, policy, "lead", policy.final_approval.approvals, see="6.1")


def merged_by_permitted(change: Change, policy: Policy) -> Finding:
    """It was merged into a production branch by somebody who may.

    Those are the leads on that date, the people whom the policy names, and the merge queue once a
    lead had approved. Merging is not approving.
    """
    pull = change.pull
    base = change.at_merge.base
    if isinstance(base, Unavailable):
        return undetermined(f"The base branch at the merge could not be read: {base.reason}.")
    merge = Citation(f"merge into {base}", name_of(pull.merged_by), pull.merged_at, pull.url)
    if base not in change.production:
        return undetermined(
            f"It merged into {base}, which the policy does not name a production branch, and its"
            f" commit is on {change.reached}: either {base} is an earlier name of it"
            " (add it to scope.branches) or the commits were pushed on.",
            [merge],
        )
    who = pull.merged_by
    if who is None:
        return undetermined("The account that merged is deleted now.", [merge])
    lead, merger = _as_lead(change, policy, who), _as_merger(change, policy, who)
    for held, what in ((lead, "an engineering lead"), (merger, "who may merge")):
        if held.answer is True:
            return passed(f"{name_of(who)}, {what} ({held.why}), merged it into {base}.", [merge])
    if policy.final_approval.merge_queue and is_named(who, MERGE_QUEUE):
        if isinstance(pull.timeline, Unavailable):
            return undetermined(
                f"{name_of(who)} merged it; whether as the merge queue could not be read:"
                f" {pull.timeline.reason}.",
                [merge],
            )
        if any(
            isinstance(event, QueueChanged) and event.added and event.at <= pull.merged_at
            for event in pull.timeline
        ):
            return _merged_by_queue(approved_by_lead(change, policy), base, merge)
    if lead.answer is None:
        return undetermined(
            f"Whether {name_of(who)} may merge cannot be told: {lead.why}.", [merge]
        )
    why = "; ".join(held.why for held in (lead, merger) if held.why != NOT_HELD)
    return exception(
        f"{name_of(who)} merged it and is neither an engineering lead nor named as a merger"
        f"{f' ({why})' if why else ''}.",
        [merge],
    )


def lead_and_peer_separate(change: Change, policy: Policy) -> Finding:
    """The lead and the peer are two people, unless the policy lets one person be both.

    Held against each other are the approvals that count, of the code that merged.
    """
    if policy.final_approval.peer_may_be_lead:
        return not_applicable("The policy lets one person be peer and lead.")
    peer_acts, lead_acts = assess(change, policy, "peer"), assess(change, policy, "lead")
    if isinstance(peer_acts, Unavailable):
        return undetermined(sentence(peer_acts.reason))
    if isinstance(lead_acts, Unavailable):
        return undetermined(sentence(lead_acts.reason))
    peers, leads = tally(peer_acts, Approval.counts), tally(lead_acts, Approval.counts)
    all_peers, all_leads = (*peers.sure, *peers.maybe), (*leads.sure, *leads.maybe)
    if not all_peers or not all_leads:
        return not_applicable(
            "There are not both a peer's and a lead's approval that count: see 3.1, 3.3, 6.1 and"
            " 6.3.",
            [_page(change)],
        )
    needed = policy.peer_review.approvals, policy.final_approval.approvals
    cited = _cited((*all_peers, *all_leads))
    if peers.sure and leads.sure and apart(peers.sure, leads.sure, *needed):
        return passed(
            f"Approved by {_names(peers.sure)} as peer and by {_names(leads.sure)} as lead.", cited
        )
    if apart(all_peers, all_leads, *needed):
        doubts = [a.but(a.counts()) for a in (*peers.maybe, *leads.maybe)]
        return undetermined(
            "Whether peer and lead are two people cannot be told:"
            f" {'; '.join(dict.fromkeys(doubts))}.",
            cited,
        )
    return exception(
        f"Too few people to be peer and lead apart: {_names(all_peers)} approved as peer and"
        f" {_names(all_leads)} as lead.",
        cited,
    )


def _as_lead(change: Change, policy: Policy, who: Actor) -> Holds:
    """Whether somebody was a lead at the merge. A bot is nobody in a role."""
    nobody = unnamed(policy, "lead")
    if nobody:
        return Holds(None, nobody.reason)
    if not is_person(who, policy.approving_bots):
        return Holds(False, "a bot")
    unknown = Unavailable("whether they may write to the repository was not asked")
    return holds(policy.roles.lead, who, change.pull.merged_at, change.teams, unknown)


def _as_merger(change: Change, policy: Policy, who: Actor) -> Holds:
    named = Role(users=policy.final_approval.mergers)
    return holds(named, who, change.pull.merged_at, (), can_write=False)


def _merged_by_queue(lead: Finding, base: str, merge: Citation) -> Finding:
    """What the merge queue's merge comes to, with what is found of a lead's approval."""
    said = f"The merge queue merged it into {base}. {lead.reason}"
    return Finding(lead.outcome, said, (merge, *lead.evidence))


def _when(approval: Approval) -> str:
    at = f" at {instant(approval.at)}" if approval.at else ""
    return f"{name_of(approval.by)}{at}"


def _names(those: Iterable[Approval]) -> str:
    return listed(name_of(a.by) for a in those)


def _cited(those: Iterable[Approval]) -> list[Citation]:
    return list(dict.fromkeys(a.citation for a in those))


def _page(change: Change) -> Citation:
    return Citation("the reviews of the pull request", url=change.pull.url)


ATTRIBUTES = (
    Attribute("6.1", "An engineering lead approved the change.", approved_by_lead),
    Attribute("6.2", "The lead's approval came last.", lead_approval_final),
    Attribute("6.3", "The lead's approval is of the code that merged.", lead_approval_fresh),
    Attribute("6.4", "Somebody who may merged it into a production branch.", merged_by_permitted),
    Attribute("6.5", "Lead and peer are two people.", lead_and_peer_separate),
)
