"""Approvals, which steps 3, 4, 5 and 6 share: whose count for a role, and which are fresh."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from changeaudit.asof import ReviewAtMerge
from changeaudit.change import Change
from changeaudit.people import Holds, all_hold, holds, is_person, name_of, same
from changeaudit.policy import Policy, RoleName
from changeaudit.records import Actor, Record, ReviewDismissed, Unavailable
from changeaudit.rules.developers import Developers, developers, independent
from changeaudit.rules.freshness import fresh_review
from changeaudit.rules.remembered import remembered
from changeaudit.rules.words import cite_review, count, instant, listed, sentence
from changeaudit.verdicts import (
    Citation,
    Finding,
    exception,
    not_applicable,
    passed,
    undetermined,
)

ROLE_NAMES: dict[RoleName, str] = {
    "peer": "a qualified peer",
    "security": "the security team",
    "qa": "QA",
    "lead": "an engineering lead",
}
_OPINIONS = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
_RANK: dict[bool | None, int] = {False: 0, None: 1, True: 2}
_GONE = "the account is deleted now, so nobody can be shown to have done it"


class Approval(Record, frozen=True):
    """An act that may approve for a role, held against each condition.

    `what` is the act ("approved"); `at` is `None` where the evidence does not tell when it was.
    `valid` is that it stood at the merge and that a person did it.
    """

    what: str
    by: Actor | None
    at: datetime | None
    citation: Citation
    valid: Holds
    role: Holds
    independent: Holds
    fresh: Holds

    def eligible(self) -> Holds:
        """Whether it counts, its freshness left aside."""
        return all_hold(self.valid, self.role, self.independent)

    def counts(self) -> Holds:
        """Whether it counts, its freshness included."""
        return all_hold(self.eligible(), self.fresh)

    def but(self, held: Holds) -> str:
        """The act, and the condition that it fails or cannot be shown to meet."""
        by = f" by {name_of(self.by)} at {instant(self.at)}" if self.at else ""
        return f"{self.what}{by}, but {held.why}"


class Tally(Record, frozen=True):
    """The approvals that meet some conditions, that may, and that do not: one of each person."""

    sure: tuple[Approval, ...]
    maybe: tuple[Approval, ...]
    failed: tuple[Approval, ...]


@remembered
def assess(change: Change, policy: Policy, role: RoleName) -> tuple[Approval, ...] | Unavailable:
    """Hold every approving review, oldest first, against the conditions of `role`."""
    nobody = unnamed(policy, role)
    if nobody:
        return nobody
    reviews = change.at_merge.reviews
    if isinstance(reviews, Unavailable):
        return Unavailable(f"the reviews could not be read: {reviews.reason}", reviews.permission)
    made_by = developers(change, policy)
    return tuple(
        act(
            change,
            policy,
            role,
            made_by,
            what="approved",
            by=review.review.author,
            at=at,
            citation=cite_review(review),
            valid=_stood(change, review, at, "APPROVED"),
            can_write=review.review.author_can_write,
            fresh=fresh_review(change, review.review.commit, at),
        )
        for at, review in _reviews(change)
        if _said(change, review) in ("APPROVED", "")
    )


def unnamed(policy: Policy, role: RoleName) -> Unavailable | None:
    """Why a role cannot be judged, where the policy names nobody for it."""
    if policy.role(role).named:
        return None
    return Unavailable(
        f"the policy names nobody for the role {role!r}: add roles.{role}.teams or"
        f" roles.{role}.users"
    )


def act(
    change: Change,
    policy: Policy,
    role: RoleName,
    made_by: Developers,
    *,
    what: str,
    by: Actor | None,
    at: datetime,
    citation: Citation,
    valid: Holds,
    can_write: bool | Unavailable,
    fresh: Holds,
) -> Approval:
    """An act of approval at the instant `at` (UTC), held against the conditions of `role`.

    An account that is deleted now is nobody in particular, and its act counts for nobody.
    """
    if by is None:
        gone = Holds(False, _GONE)
        return Approval(what, by, at, citation, gone, gone, gone, fresh)
    person = Holds(True, "a person")
    if not is_person(by, policy.approving_bots):
        person = Holds(False, f"{by.login} is a bot")
    held = holds(policy.role(role), by, at, change.teams, can_write)
    if held.answer is False:
        held = Holds(False, f"{by.login} was {held.why}")
    return Approval(
        what, by, at, citation, all_hold(valid, person), held, independent(by, made_by), fresh
    )


def tally(approvals: Iterable[Approval], judge: Callable[[Approval], Holds]) -> Tally:
    """Sort approvals by `judge`. Each person is there once, with what speaks most for them."""
    best: list[tuple[Approval, bool | None]] = []
    for approval in approvals:
        answer = judge(approval).answer
        for place, (other, known) in enumerate(best):
            if approval.by and other.by and same(approval.by, other.by):
                if _RANK[answer] >= _RANK[known]:
                    best[place] = approval, answer
                break
        else:
            best.append((approval, answer))
    by_answer = {
        wanted: tuple(approval for approval, answer in best if answer is wanted)
        for wanted in (True, None, False)
    }
    return Tally(by_answer[True], by_answer[None], by_answer[False])


def approved(change: Change, policy: Policy, role: RoleName, needed: int) -> Finding:
    """Whether at least `needed` people of `role` approved, their freshness left aside."""
    found = assess(change, policy, role)
    if isinstance(found, Unavailable):
        return undetermined(sentence(found.reason))
    those = tally(found, Approval.eligible)
    if len(those.sure) >= needed:
        who = listed(f"{name_of(a.by)} ({a.role.why})" for a in those.sure)
        return passed(f"Approved by {who}.", [a.citation for a in those.sure])
    if not found:
        looked = count(len(_reviews(change)), "review")
        return exception(f"Nobody approved before the merge ({looked} looked at).", _page(change))
    said = [f"approved by {name_of(a.by)}" for a in those.sure]
    said += [a.but(a.eligible()) for a in (*those.maybe, *those.failed)]
    cited = [a.citation for a in found]
    so_far = f"{len(those.sure)} of {needed}"
    if len(those.sure) + len(those.maybe) >= needed:
        return undetermined(
            f"Whether {ROLE_NAMES[role]} approved cannot be told ({so_far} shown):"
            f" {'; '.join(said)}.",
            cited,
        )
    return exception(
        f"Too few approvals by {ROLE_NAMES[role]} ({so_far}): {'; '.join(said)}.", cited
    )


def fresh(change: Change, policy: Policy, role: RoleName, needed: int, see: str) -> Finding:
    """Whether `needed` of the approvals that count for `role` are of the code that merged.

    `see` is the attribute that tells of missing approvals ("3.1").
    """
    found = assess(change, policy, role)
    if isinstance(found, Unavailable):
        return undetermined(sentence(found.reason))
    eligible = [a for a in found if a.eligible().answer is not False]
    if not eligible:
        return not_applicable(
            f"There is no approval whose freshness could be tested: see {see}.", _page(change)
        )
    those = tally(eligible, Approval.counts)
    if len(those.sure) >= needed:
        why = listed(f"{name_of(a.by)}'s approval ({a.fresh.why})" for a in those.sure)
        return passed(f"No code came after {why}.", [a.citation for a in those.sure])
    cited = [a.citation for a in eligible]
    stale = [a.but(a.fresh) for a in those.failed]
    doubts = [a.but(a.counts()) for a in those.maybe]
    if not stale and not doubts:
        return not_applicable(f"Too few approvals count, and those are fresh: see {see}.", cited)
    if len(those.sure) + len(those.maybe) >= needed or not stale:
        return undetermined(
            f"Whether the approval is fresh cannot be told: {'; '.join(doubts + stale)}.", cited
        )
    return exception(f"Stale: {'; '.join(stale + doubts)}.", cited)


def unopposed(change: Change, policy: Policy, role: RoleName, see: str) -> Finding:
    """Whether nobody in `role` had requested changes that still stood at the merge."""
    found = assess(change, policy, role)
    if isinstance(found, Unavailable):
        return undetermined(sentence(found.reason))
    reviews = _reviews(change)
    if not reviews:
        return not_applicable(f"There was no review before the merge: see {see}.", _page(change))
    held = [(at, review, _objection(change, policy, role, review, at)) for at, review in reviews]
    for wanted, judge, opening in (
        (True, exception, "A request for changes still stood at the merge"),
        (None, undetermined, "Whether a request for changes stood at the merge cannot be told"),
    ):
        those = [(at, r.review.author, one.why, r) for at, r, one in held if one.answer is wanted]
        if those:
            said = (f"{name_of(by)} at {instant(at)} ({why})" for at, by, why, _ in those)
            return judge(f"{opening}: {'; '.join(said)}.", [cite_review(r) for *_, r in those])
    return passed(
        f"No request for changes stood at the merge ({count(len(reviews), 'review')} looked at).",
        [cite_review(review) for _, review in reviews],
    )


def _objection(
    change: Change, policy: Policy, role: RoleName, review: ReviewAtMerge, at: datetime
) -> Holds:
    """Whether a review is a request for changes, by somebody in the role, that still stood.

    A bot that the policy does not name is nobody in a role, here as for approvals. Whoever was in
    the role when asking for changes, or at the merge, was in the role.
    """
    found, by = review.review, review.review.author
    if _said(change, review) not in ("CHANGES_REQUESTED", ""):
        return Holds(False, "no request for changes")
    stood = _stood(change, review, at, "CHANGES_REQUESTED")
    if by is None:
        return all_hold(stood, Holds(None, "the account is deleted now"))
    if not is_person(by, policy.approving_bots):
        return Holds(False, "a bot")
    held = [
        holds(policy.role(role), by, day, change.teams, found.author_can_write)
        for day in (at, change.pull.merged_at)
    ]
    return all_hold(stood, max(held, key=lambda one: _RANK[one.answer]))


def _said(change: Change, review: ReviewAtMerge) -> str:
    """What a review said when it was submitted; "" where it was dismissed and that is not told."""
    if review.review.state != "DISMISSED":
        return review.review.state
    dismissal = _dismissal(change, review)
    return dismissal.previous_state if dismissal else ""


def _dismissal(change: Change, review: ReviewAtMerge) -> ReviewDismissed | None:
    timeline = change.pull.timeline
    for event in () if isinstance(timeline, Unavailable) else timeline:
        if isinstance(event, ReviewDismissed) and event.review == review.review.id:
            return event
    return None


def _stood(change: Change, review: ReviewAtMerge, at: datetime, opinion: str) -> Holds:
    """Whether a review stood at the merge, as its author's latest opinion or repeated since.

    A comment is no opinion. What replaced an opinion, or dismissed it, revives none before it.
    """
    found, by = review.review, review.review.author
    if review.state == "DISMISSED":
        when = f" at {instant(review.dismissed_at)}" if review.dismissed_at else ""
        return Holds(False, f"it was dismissed by {name_of(review.dismissed_by)}{when}")
    doubt = review.state.reason if isinstance(review.state, Unavailable) else ""
    for later, other in _reviews(change):
        theirs = other.review
        if theirs.id == found.id or not by or not theirs.author or not same(by, theirs.author):
            continue
        if theirs.state not in _OPINIONS or later < at or other.state == opinion:
            continue
        if later == change.pull.merged_at:
            dismissal = _dismissal(change, other)
            gone = dismissal is not None and dismissal.at <= change.pull.merged_at
            if gone or _said(change, other) != opinion:
                doubt = doubt or f"{by.login} gave another opinion in the very second of the merge"
        elif later == at:
            doubt = doubt or f"{by.login} gave two opinions within one second"
        elif isinstance(other.state, Unavailable):
            doubt = doubt or f"of a later review of {by.login}'s: {other.state.reason}"
        else:
            said = other.state.lower().replace("_", " ")
            return Holds(False, f"a later opinion of {by.login}'s replaced it ({said})")
    return Holds(None, doubt) if doubt else Holds(True, "their latest opinion")


def _reviews(change: Change) -> list[tuple[datetime, ReviewAtMerge]]:
    """The reviews submitted by the merge, with their instants, oldest first."""
    reviews = change.at_merge.reviews
    found = [
        (at, review)
        for review in (() if isinstance(reviews, Unavailable) else reviews)
        if (at := review.review.submitted_at) is not None
    ]
    return sorted(found, key=lambda pair: (pair[0], pair[1].review.id))


def _page(change: Change) -> tuple[Citation, ...]:
    return (Citation("the reviews of the pull request", url=change.pull.url),)
