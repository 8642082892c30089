"""Step 3: peer review (Peer Reviewer)."""

from __future__ import annotations

from changeaudit.change import Change
from changeaudit.policy import Policy
from changeaudit.rules import approvals
from changeaudit.rules.attribute import Attribute
from changeaudit.verdicts import Finding


def approved_by_qualified_peer(change: Change, policy: Policy) -> Finding:
    """The pull request has the approvals that the policy asks of the peer role.

    An approval counts if it stood at the merge as its author's latest opinion, and its author was
    in the role on that date, is a person and not a deleted account, and took no part in developing
    the change: neither opened it, nor wrote, co-wrote, committed or pushed any of it.

    Where the policy lets code owners review, an approval by a code owner counts for the changed
    files that they own, and one by anybody else in the role for every file; each changed file with
    owners must have an approval that counts for it. Owners are those of the CODEOWNERS file as the
    base branch had it at the merge; one that was changed since leaves it undetermined.
    """
    return approvals.approved(change, policy, "peer", policy.peer_review.approvals)


def no_objection_standing(change: Change, policy: Policy) -> Finding:
    """Nobody in the peer role had requested changes that still stood at the merge.

    A request stands until its author approves or it is dismissed. One by an account that is
    deleted now may have been a peer's, so it is undetermined.
    """
    return approvals.unopposed(change, policy, "peer", see="3.1")


def peer_approval_fresh(change: Change, policy: Policy) -> Finding:
    """The approvals that count are of the code that merged: no code came after them.

    That is told by force-pushes, by the commit that was reviewed, and by the parents of what
    followed; never by a commit's dates. A base branch changed after the approval makes it stale.

    Merges of the base may follow if git's trees show that each has at every path what its two
    sides give of themselves: where one side changed it, as that side has it. Where both changed the
    same file, trees do not tell how it was put together. A force-push makes an approval stale,
    unless the policy accepts those that kept the very files that were reviewed.

    Of a merge that somebody else than GitHub made and pushed, the same is asked of its two sides,
    the head and the base: else more may have merged than was reviewed.
    """
    return approvals.fresh(change, policy, "peer", policy.peer_review.approvals, see="3.1")


ATTRIBUTES = (
    Attribute("3.1", "A qualified peer approved the change.", approved_by_qualified_peer),
    Attribute("3.2", "No peer's request for changes stood at the merge.", no_objection_standing),
    Attribute("3.3", "The peer's approval is of the code that merged.", peer_approval_fresh),
)
