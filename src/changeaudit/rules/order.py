"""In which order roles approved: whether a lead's approval came after those of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Literal

import msgspec

from changeaudit.change import Change
from changeaudit.people import all_apart, same
from changeaudit.policy import Policy, RoleName
from changeaudit.records import Record, Unavailable
from changeaudit.rules.approvals import Approval, Assessed, assess, in_turn, tally
from changeaudit.rules.step5_qa import sign_offs


class Others(Record, frozen=True):
    """The approvals of a role that a lead's has to come after, the earliest of each person.

    `needed` is how many the policy asks for; `unread` says why there may be more of them. Without
    `shared`, nobody counts for this role who counts as lead.
    """

    role: RoleName
    needed: int
    sure: tuple[Approval, ...]
    maybe: tuple[Approval, ...]
    unread: str
    shared: bool = True

    def besides(self, lead: Approval) -> tuple[Approval, ...]:
        """The approvals that are not the lead's own."""
        return tuple([a for a in (*self.sure, *self.maybe) if not self._own(a, lead)])

    def _own(self, approval: Approval, lead: Approval) -> bool:
        if self.shared:
            return approval.citation == lead.citation
        return approval.by is not None and lead.by is not None and same(approval.by, lead.by)

    def came_before(self, lead: Approval) -> bool | None:
        """Whether enough of them came before the lead's; `None` if that cannot be told."""
        own = may_be_own = False
        sure: list[bool | None] = []
        maybe: list[bool | None] = [None] if self.unread else []
        for a in self.sure:
            if not self._own(a, lead):
                sure.append(earlier(a, lead))
            elif self.shared:
                own = True
        for a in self.maybe:
            if not self._own(a, lead):
                maybe.append(earlier(a, lead))
            elif self.shared:
                may_be_own = True
        if may_be_own:
            maybe.append(None)
        return enough(sure, maybe, self.needed - own)


def before_the_lead(
    change: Change, policy: Policy, security: Literal["yes", "no", "unknown"]
) -> tuple[Others, ...]:
    """The roles that a lead approves after. `security` is whether that role had to approve."""
    offs = sign_offs(change, policy)
    acts: Sequence[Approval] | Unavailable = offs if isinstance(offs, Unavailable) else offs.found
    unread = "" if isinstance(offs, Unavailable) else "; ".join(offs.unread)
    shared = policy.final_approval.peer_may_be_lead
    needed = policy.peer_review.approvals
    reviewed = assess(change, policy, "peer")
    peers = _others("peer", needed, _acts(reviewed), "", shared)
    if not isinstance(reviewed, Unavailable) and reviewed.owned:
        # Where each changed file needs an owner's approval, the review ends with the last of those.
        in_all = in_turn(reviewed.owned, peers.sure, needed)
        peers = msgspec.structs.replace(peers, needed=in_all)
    found = [peers, _others("qa", 1, acts, unread)]
    needed = policy.security_review.approvals
    if security != "no":
        theirs = _others("security", needed, _acts(assess(change, policy, "security")))
    if security == "yes":
        found.append(theirs)
    elif security == "unknown":
        all_of_them = (*theirs.sure, *theirs.maybe)
        unknown = "whether security had to approve (see 4.1)"
        found.append(Others("security", needed, (), all_of_them, unknown))
    return tuple([other for other in found if other.sure or other.maybe or other.unread])


def _acts(found: Assessed | Unavailable) -> Sequence[Approval] | Unavailable:
    return found if isinstance(found, Unavailable) else found.approvals


def last(lead: Approval, others: Iterable[Others]) -> bool | None:
    """Whether a lead's approval came after those of every other role."""
    answers = [other.came_before(lead) for other in others]
    return False if False in answers else None if None in answers else True


def enough(sure: Sequence[bool | None], maybe: Sequence[bool | None], needed: int) -> bool | None:
    """Whether `needed` of those that count meet a condition, or all where there are fewer.

    Args:
        sure: what those that count say to the condition (`None`: it cannot be told).
        maybe: the same of those of which it cannot be told whether they count.
        needed: how many have to meet it.
    """
    both = [*sure, *maybe]
    if sure.count(True) >= needed or both.count(True) == len(both):
        return True
    possible = sum(answer is not False for answer in both)
    return False if False in sure and possible < needed else None


def apart(
    peers: Sequence[Approval],
    leads: Sequence[Approval],
    peers_needed: int,
    leads_needed: int,
    cover: Callable[[Approval], frozenset[int]] = lambda approval: approval.covers,
) -> bool:
    """Whether as many peers and leads as needed, or as there are, can be named, none as both.

    Nor may any of the changed files that the peers cover together (`cover`) be left to a lead.
    """
    if all_apart([a.by for a in (*peers, *leads)]):
        return True
    both = [peer for peer in peers if any(peer.by and a.by and same(peer.by, a.by) for a in leads)]
    wanted = min(peers_needed, len(peers)) + min(leads_needed, len(leads))
    if len(peers) + len(leads) - len(both) < wanted:
        return False
    every = frozenset[int]().union(*map(cover, peers))
    lent = max(0, min(leads_needed, len(leads)) - (len(leads) - len(both)))
    return not every or any(
        every == every.intersection(n for peer in peers if peer not in lead for n in cover(peer))
        for lead in combinations(both, lent)
    )


def earlier(one: Approval, other: Approval) -> bool | None:
    """Whether an act came before another; within one second they have no order."""
    if one.at is None or other.at is None or one.at == other.at:
        return None
    return one.at < other.at


def _others(
    role: RoleName,
    needed: int,
    acts: Sequence[Approval] | Unavailable,
    unread: str = "",
    shared: bool = True,
) -> Others:
    if isinstance(acts, Unavailable):
        return Others(role, needed, (), (), acts.reason, shared)
    might = [a for a in acts if a.counts.answer is not False]
    if len(might) > 1:
        might = sorted(acts, key=lambda a: (a.at is not None, a.at), reverse=True)  # oldest last
    those = tally(might, [a.counts.answer for a in might])
    return Others(role, needed, those.sure, those.maybe, unread, shared)
