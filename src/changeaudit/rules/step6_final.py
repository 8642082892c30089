"""Step 6: final approval and merge (Engineering Lead)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from changeaudit.change import Change
from changeaudit.people import NOT_HELD, Holds, holds, is_named, is_person, name_of
from changeaudit.policy import Policy, Role
from changeaudit.records import Actor, QueueChanged, Unavailable
from changeaudit.rules import approvals
from changeaudit.rules.approvals import Approval, counting, none_sure, unnamed
from changeaudit.rules.attribute import Attribute
from changeaudit.rules.developers import developers, independent
from changeaudit.rules.order import apart, before_the_lead, earlier, enough, last
from changeaudit.rules.security_trigger import triggered
from changeaudit.rules.words import instant, listed, sentence
from changeaudit.verdicts import (
    Citation,
    Finding,
    Outcome,
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
    leads = counting(change, policy, "lead")
    if isinstance(leads, Unavailable):
        return undetermined(sentence(leads.reason))
    those = (*leads.sure, *leads.maybe)
    if not those:
        return not_applicable(
            "There is no lead's approval that counts and could be the last: see 6.1 and 6.3.",
            [_page(change)],
        )
    others = before_the_lead(change, policy, triggered(change, policy))
    besides: dict[str, Approval] = {}
    for other in others:
        for lead in those:
            for a in other.besides(lead):
                besides[f"{_when(a)} ({other.role})"] = a
    answers = [last(lead, others) for lead in leads.sure]
    maybe = [last(lead, others) for lead in leads.maybe]
    final = enough(answers, maybe, policy.final_approval.approvals)
    if final and leads.sure:
        came_last = [lead for lead, came in zip(leads.sure, answers, strict=True) if came]
        before = {
            name: a
            for name, a in besides.items()
            if False not in [bool(earlier(a, lead)) for lead in came_last]
        }
        if not before:
            return not_applicable(
                "No other approval counts that the lead's had to come after: see 3.1 and 5.1.",
                [_page(change)],
            )
        return passed(
            f"{listed([_when(a) for a in came_last])} approved as lead, after"
            f" {listed(list(before))}.",
            _cited((*came_last, *before.values())),
        )
    cited = _cited((*those, *besides.values()))
    said = f"{listed(map(_when, those))} approved as lead"
    not_before = listed(
        name for name, a in besides.items() if any(earlier(a, lead) is not True for lead in those)
    )
    if final is False:
        return exception(f"{said}, but not after {not_before}.", cited)
    doubts = [other.unread for other in others if other.unread]
    doubts += none_sure(a for a in (*those, *besides.values()) if not a.counts.answer)
    if not_before:
        doubts.append(f"not before it came {not_before}")
    return undetermined(
        f"{said}; whether that came last cannot be told: {'; '.join(doubts)}.", cited
    )


def lead_approval_fresh(change: Change, policy: Policy) -> Finding:
    """The lead's approval is of the code that merged, which is told as for a peer's (3.3)."""
    return approvals.fresh(change, policy, "lead", policy.final_approval.approvals, see="6.1")


def merged_by_permitted(change: Change, policy: Policy) -> Finding:
    """It was merged into a production branch by somebody who may.

    Those are the leads on that date, the people whom the policy names, and, once a lead had
    approved, the merge queue, if the change was in it when it merged. Merging is not approving; a
    developer may merge unless the policy forbids it, and through the merge queue it is whoever put
    the change there who merges.
    """
    found = _merged_by_permitted(change, policy)
    if policy.final_approval.developer_may_merge:
        return found
    if found.outcome is Outcome.EXCEPTION:
        return found
    who = merger(change)
    if who is None:
        return undetermined(
            "Whether a developer of the change merged it cannot be told: who did is not known.",
            found.evidence,
        )
    held = independent(who, developers(change, policy))
    if held.answer is False:
        return exception(
            f"{name_of(who)} merged it, although {held.why}: the policy lets no developer merge.",
            found.evidence,
        )
    if held.answer is None and found.outcome is Outcome.PASS:
        return undetermined(
            f"Whether {name_of(who)}, who merged it, is a developer of the change cannot be told:"
            f" {held.why}.",
            found.evidence,
        )
    return found


def merger(change: Change) -> Actor | None:
    """Who merged a change: of the merge queue, who put it there last; `None` if it is not known.

    Source: `mergedBy`, and the `enqueuer` of the pull request's ADDED_TO_MERGE_QUEUE_EVENT.
    """
    pull = change.pull
    if pull.merged_by is None or not is_named(pull.merged_by, MERGE_QUEUE):
        return pull.merged_by
    if isinstance(pull.timeline, Unavailable):
        return None
    added = [
        event
        for event in pull.timeline
        if isinstance(event, QueueChanged) and event.added and event.at <= pull.merged_at
    ]
    last_at = max((event.at for event in added), default=None)
    who = {event.enqueuer for event in added if event.at == last_at}
    return who.pop() if len(who) == 1 else None


def _merged_by_permitted(change: Change, policy: Policy) -> Finding:
    """What 6.4 comes to, whoever developed the change."""
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
    said = f"merged it into {base}."
    lead = _as_lead(change, policy, who)
    if lead.answer:
        return passed(f"{name_of(who)}, an engineering lead ({lead.why}), {said}", [merge])
    merger = _as_merger(change, policy, who)
    if merger.answer:
        return passed(f"{name_of(who)}, who may merge ({merger.why}), {said}", [merge])
    if policy.final_approval.merge_queue and is_named(who, MERGE_QUEUE):
        queued = change.at_merge.queued
        if isinstance(queued, Unavailable):
            return undetermined(
                f"{name_of(who)} merged it; whether as the merge queue cannot be told:"
                f" {queued.reason}.",
                [merge],
            )
        if queued:
            return _merged_by_queue(approved_by_lead(change, policy), base, merge)
    if lead.answer is None:
        return undetermined(
            f"Whether {name_of(who)} may merge cannot be told: {lead.why}.", [merge]
        )
    bot = not is_person(who, policy.approving_bots)
    held = (merger,) if bot else (lead, merger)
    why = "; ".join(each.why for each in held if each.why != NOT_HELD)
    return exception(
        f"{name_of(who)}{', a bot,' if bot else ''} merged it and is neither an engineering lead"
        f" nor named as a merger{f' ({why})' if why else ''}.",
        [merge],
    )


def lead_and_peer_separate(change: Change, policy: Policy) -> Finding:
    """The lead and the peer are two people, unless the policy lets one person be both.

    Held against each other are the approvals that count, of the code that merged.
    """
    if policy.final_approval.peer_may_be_lead:
        return not_applicable("The policy lets one person be peer and lead.")
    peers, leads = counting(change, policy, "peer"), counting(change, policy, "lead")
    if isinstance(peers, Unavailable):
        return undetermined(sentence(peers.reason))
    if isinstance(leads, Unavailable):
        return undetermined(sentence(leads.reason))
    all_peers, all_leads = (*peers.sure, *peers.maybe), (*leads.sure, *leads.maybe)
    if not all_peers or not all_leads:
        missing = [who for who, a in (("peer", all_peers), ("lead", all_leads)) if not a]
        return not_applicable(
            f"There is no {' and no '.join(missing)} approval that counts, so no two to compare:"
            " see 3.1, 3.3, 6.1 and 6.3.",
            [_page(change)],
        )
    needed = policy.peer_review.approvals, policy.final_approval.approvals
    cited = _cited((*all_peers, *all_leads))
    if peers.sure and leads.sure and apart(peers.sure, leads.sure, *needed):
        return passed(
            f"Approved by {_names(peers.sure)} as peer and by {_names(leads.sure)} as lead.", cited
        )
    if apart(all_peers, all_leads, *needed, lambda approval: approval.may_cover):
        doubts = none_sure((*peers.maybe, *leads.maybe))
        doubts = doubts or ["not every owner of the changed files is known"]
        return undetermined(
            "Whether peer and lead are two people cannot be told:"
            f" {'; '.join(dict.fromkeys(doubts))}.",
            cited,
        )
    return exception(_one_in_both(all_peers, all_leads), cited)


def _one_in_both(peers: Sequence[Approval], leads: Sequence[Approval]) -> str:
    """That the same people approved as peer and as lead, in a sentence."""
    if len(peers) == len(leads) == 1:
        return (
            f"The only peer approval and the only lead approval are both {_names(peers)}'s; two"
            " people are needed."
        )
    return (
        f"There are not enough people for both: {_names(peers)} approved as peer and"
        f" {_names(leads)} as lead, and nobody may count as both."
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
    return f"{approval.who}{at}"


def _names(those: Iterable[Approval]) -> str:
    return listed([a.who for a in those])


def _cited(those: Iterable[Approval]) -> list[Citation]:
    return list(dict.fromkeys([a.citation for a in those]))


def _page(change: Change) -> Citation:
    return Citation("the reviews of the pull request", url=change.pull.url)


ATTRIBUTES = (
    Attribute("6.1", "An engineering lead approved the change.", approved_by_lead),
    Attribute("6.2", "The lead's approval came last.", lead_approval_final),
    Attribute("6.3", "The lead's approval is of the code that merged.", lead_approval_fresh),
    Attribute("6.4", "Somebody who may merged it into a production branch.", merged_by_permitted),
    Attribute("6.5", "Lead and peer are two people.", lead_and_peer_separate),
)
