"""Approvals, which steps 3, 4, 5 and 6 share: whose count for a role, and which are fresh."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from changeaudit.asof import ReviewAtMerge
from changeaudit.change import Change
from changeaudit.people import (
    NOT_HELD,
    OUTSIDE,
    Holds,
    all_apart,
    all_hold,
    holds,
    is_person,
    listed_name,
    name_of,
    same,
)
from changeaudit.policy import Policy, RoleName
from changeaudit.records import Actor, Record, Review, ReviewDismissed, Unavailable
from changeaudit.rules.code_owners import NO_FILES, Owned, covers, owned
from changeaudit.rules.developers import Developers, developers, independent
from changeaudit.rules.freshness import fresh_review
from changeaudit.rules.remembered import once_a_change, remembered
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
_ONE_OF: dict[RoleName, str] = {
    "peer": "a peer",
    "security": "of the security team",
    "qa": "of QA",
    "lead": "a lead",
}
_OPINIONS = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
_RANK: dict[bool | None, int] = {False: 0, None: 1, True: 2}
_GONE = Holds(False, "the account is deleted now, so nobody can be shown to have done it")
_STOOD = Holds(True, "their latest opinion")


class Approval(Record, frozen=True):
    """An act that may approve for a role, held against each condition.

    `what` is the act ("approved"); `at` is `None` where the evidence does not tell when it was.
    `valid` is that it stood at the merge and that a person did it. `covers` are the shares of the
    changed files that it is good for, and `may_cover` those that it may be, where the policy asks
    who owns them (`code_owners`). `eligible` is whether it counts, its freshness left aside;
    `counts` with it.
    """

    what: str
    by: Actor | None
    at: datetime | None
    citation: Citation
    valid: Holds
    role: Holds
    independent: Holds
    fresh: Holds
    eligible: Holds
    counts: Holds
    covers: frozenset[int] = frozenset()
    may_cover: frozenset[int] = frozenset()

    @classmethod
    def of(
        cls,
        what: str,
        by: Actor | None,
        at: datetime | None,
        citation: Citation,
        *,
        valid: Holds,
        role: Holds,
        independent: Holds,
        fresh: Holds,
        covers: frozenset[int] = frozenset(),
        may_cover: frozenset[int] = frozenset(),
    ) -> Approval:
        """The act with what its conditions come to together."""
        eligible = all_hold(valid, role, independent)
        counts = all_hold(eligible, fresh)
        return cls(
            what,
            by,
            at,
            citation,
            valid,
            role,
            independent,
            fresh,
            eligible,
            counts,
            covers,
            may_cover,
        )

    @property
    def who(self) -> str:
        """How reports call whoever, or whatever, did it."""
        return self.citation.who or (name_of(self.by) if self.by else "somebody")

    def but(self, held: Holds) -> str:
        """The act, and the condition that it fails or cannot be shown to meet."""
        return f"{self.act()}, but {held.why}"

    def act(self) -> str:
        """The act, by whom and when."""
        return f"{self.what} by {self.who} at {instant(self.at)}" if self.at else self.what


def none_sure(those: Iterable[Approval]) -> list[str]:
    """Acts that do not surely count, each with why; those of one reason together."""
    by_reason: dict[str, dict[str, None]] = {}
    for each in those:
        by_reason.setdefault(each.counts.why, {})[each.act()] = None
    return [f"{listed(acts)}, but {why}" for why, acts in by_reason.items()]


class Tally(Record, frozen=True):
    """The approvals that meet some conditions, that may, and that do not: one of each person."""

    sure: tuple[Approval, ...]
    maybe: tuple[Approval, ...]
    failed: tuple[Approval, ...]


class Assessed(Record, frozen=True):
    """The approving reviews, oldest first, held against the conditions of one role.

    `eligible` sorts them by whether they count, their freshness left aside, `counting` with it,
    and `considered` so sorts those alone that may be eligible. `owned` is who owns the changed
    files, where the approvals have to cover those with owners.
    """

    approvals: tuple[Approval, ...]
    eligible: Tally
    counting: Tally
    considered: Tally
    owned: Owned | None


@remembered
def assess(change: Change, policy: Policy, role: RoleName) -> Assessed | Unavailable:
    """Hold every approving review, oldest first, against the conditions of `role`."""
    nobody = unnamed(policy, role)
    if nobody:
        return nobody
    reviews = change.at_merge.reviews
    if isinstance(reviews, Unavailable):
        return Unavailable(f"the reviews could not be read: {reviews.reason}", reviews.permission)
    holder, owners = policy.role(role), _owners_asked(change, policy, role)
    # Where it is by their names alone that people hold a role, most are seen at once to be outside.
    by_name = not (holder.teams or holder.write_access or (role == "peer" and _by_owners(policy)))
    found: list[Approval] = []
    for outside, name, writes in _approving(change, policy):
        if by_name and name not in holder.by_login:
            found.append(outside)
        else:
            found.append(in_role(change, policy, role, outside, writes))
    sort = _sorted if _reviews(change).one_each else tally
    eligible = sort(found, [a.eligible.answer for a in found])
    might = [a for a in found if a.eligible.answer is not False]
    considered = sort(might, [a.counts.answer for a in might])
    counting = eligible  # and the same if all of them are fresh
    if [a.fresh.answer for a in might].count(True) < len(might):
        counting = sort(found, [a.counts.answer for a in found])
    return Assessed(tuple(found), eligible, counting, considered, owners)


def counting(change: Change, policy: Policy, role: RoleName) -> Tally | Unavailable:
    """The approvals of a role by whether they count, their freshness included."""
    found = assess(change, policy, role)
    return found if isinstance(found, Unavailable) else found.counting


Act = tuple[Approval, str, bool | Unavailable]
"""An approval by somebody outside every role, the name that roles list, if they may write."""


@remembered
def _approving(change: Change, policy: Policy) -> list[Act]:
    """The reviews that approved, oldest first."""
    made_by = developers(change, policy)
    same_content = policy.force_pushes == "same_content"
    found: list[Act] = []
    for each in _reviews(change).submitted:
        if each.said != "APPROVED" and each.said:
            continue
        review = each.review.review
        valid = _stood(change, each, "APPROVED")
        fresh = fresh_review(change, review.commit, each.at, same_content=same_content)
        outside = act(
            policy,
            made_by,
            what="approved",
            by=review.author,
            at=each.at,
            citation=each.citation,
            valid=valid,
            fresh=fresh,
        )
        found.append((outside, listed_name(review.author), review.author_can_write))
    return found


def unnamed(policy: Policy, role: RoleName) -> Unavailable | None:
    """Why a role cannot be judged, where the policy names nobody for it."""
    if policy.role(role).named:
        return None
    return Unavailable(
        f"the policy names nobody for the role {role!r}: add roles.{role}.teams or"
        f" roles.{role}.users"
    )


def act(
    policy: Policy,
    made_by: Developers,
    *,
    what: str,
    by: Actor | None,
    at: datetime,
    citation: Citation,
    valid: Holds,
    fresh: Holds,
) -> Approval:
    """An act of approval at the instant `at` (UTC) by somebody outside every role.

    That is the same for every role which does not hold them; `in_role` is for those that may.
    `valid` is whether it stood at the merge, whoever did it. An account that is deleted now is
    nobody in particular, and its act counts for nobody.
    """
    if by is None:
        return Approval(what, by, at, citation, _GONE, _GONE, _GONE, fresh, _GONE, _GONE)
    if not is_person(by, policy.approving_bots):
        valid = all_hold(valid, Holds(False, f"{by.login} is a bot"))
    outside = Holds(False, f"{by.login} was {OUTSIDE.why}")
    failed = valid if valid.answer is False else outside
    alone = independent(by, made_by)
    return Approval(what, by, at, citation, valid, outside, alone, fresh, failed, failed)


def in_role(
    change: Change,
    policy: Policy,
    role: RoleName,
    outside: Approval,
    can_write: bool | Unavailable,
) -> Approval:
    """An act of approval as one by somebody in `role`, if they are, or may be, in it."""
    by, at = outside.by, outside.at
    if by is None or at is None:
        return outside
    held, covered = holds(policy.role(role), by, at, change.teams, can_write), NO_FILES
    if role == "peer" and _by_owners(policy):
        covered = covers(change, policy, by, at, held, can_write)
        held = covered.role
    elif held is OUTSIDE:
        return outside
    if held.answer is False:
        held = Holds(False, f"{by.login} was {held.why}")
    return Approval.of(
        outside.what,
        by,
        at,
        outside.citation,
        valid=outside.valid,
        role=held,
        independent=outside.independent,
        fresh=outside.fresh,
        covers=covered.surely,
        may_cover=covered.perhaps,
    )


def _held(
    change: Change, policy: Policy, role: RoleName, by: Actor, at: datetime, review: Review
) -> Holds:
    """Whether the author of a review held a role at the instant `at` (UTC)."""
    held = holds(policy.role(role), by, at, change.teams, review.author_can_write)
    if role == "peer" and _by_owners(policy):
        return covers(change, policy, by, at, held, review.author_can_write).role
    return held


def _by_owners(policy: Policy) -> bool:
    """Whether code owners hold the peer's role."""
    return policy.roles.peer.codeowners


def _owners_asked(change: Change, policy: Policy, role: RoleName) -> Owned | None:
    """Who owns the changed files, where approvals for `role` have to cover those with owners."""
    if role != "peer" or not _by_owners(policy):
        return None
    found = owned(change)
    return None if isinstance(found, Unavailable) else found


def suffice(those: Tally, asked: Owned | None, needed: int) -> bool | None:
    """Whether `needed` approvals count, and every changed file with owners has one of theirs.

    `None` if that cannot be told. `asked` are the owners whose files have to be covered.
    """
    if len(those.sure) + len(those.maybe) < needed:
        return False
    if asked is None:
        return True if len(those.sure) >= needed else None
    surely = {number for a in those.sure for number in a.covers}
    perhaps = {number for a in (*those.sure, *those.maybe) for number in a.may_cover}
    if not asked.known <= perhaps:
        return False
    return True if len(those.sure) >= needed and asked.every <= surely else None


def in_turn(asked: Owned | None, sure: Iterable[Approval], needed: int) -> int:
    """How many of the peers' approvals, in their order in time, it takes until they suffice."""
    if asked is None:
        return needed
    missing = set(asked.every)
    taken = 0
    for approval in sorted(sure, key=lambda a: (a.at is None, a.at)):
        if taken >= needed and not missing:
            break
        missing -= approval.covers
        taken += 1
    return max(taken, needed)


def can_write(change: Change, by: Actor | None) -> bool | Unavailable:
    """Whether somebody may write to the repository, which is known of reviewers alone."""
    reviews = change.at_merge.reviews
    for review in () if isinstance(reviews, Unavailable) else reviews:
        author = review.review.author
        if author and by and same(author, by):
            return review.review.author_can_write
    return Unavailable("whether they may write to the repository was not asked")


def tally(approvals: Sequence[Approval], answers: Sequence[bool | None]) -> Tally:
    """Sort approvals by their answers. Each person is there once, with what speaks most for them.

    A person's later approval stands in the place of their first.
    """
    if len(approvals) < 2 or all_apart([a.by for a in approvals]):
        return _sorted(approvals, answers)
    best = _of_each_person(zip(approvals, answers, strict=True))
    return _sorted([approval for approval, _ in best], [answer for _, answer in best])


def _sorted(approvals: Sequence[Approval], answers: Sequence[bool | None]) -> Tally:
    """Sort approvals, no two of one person, by their answers."""
    sure: list[Approval] = []
    maybe: list[Approval] = []
    failed: list[Approval] = []
    for approval, answer in zip(approvals, answers, strict=True):
        if answer:
            sure.append(approval)
        elif answer is None:
            maybe.append(approval)
        else:
            failed.append(approval)
    return Tally(tuple(sure), tuple(maybe), tuple(failed))


Answered = list[tuple[Approval, bool | None]]


def _of_each_person(approvals: Iterable[tuple[Approval, bool | None]]) -> Answered:
    best: Answered = []
    for approval, answer in approvals:
        for place, (other, known) in enumerate(best):
            if approval.by and other.by and same(approval.by, other.by):
                if _RANK[answer] >= _RANK[known]:
                    best[place] = approval, answer
                break
        else:
            best.append((approval, answer))
    return best


def approved(change: Change, policy: Policy, role: RoleName, needed: int) -> Finding:
    """Whether at least `needed` people of `role` approved, their freshness left aside."""
    found = assess(change, policy, role)
    if isinstance(found, Unavailable):
        return undetermined(sentence(found.reason))
    those, asked = found.eligible, found.owned
    enough = suffice(those, asked, needed)
    file = [asked.citation] if asked else []
    if enough:
        who = listed([f"{name_of(a.by)} ({a.role.why})" for a in those.sure])
        return passed(f"Approved by {who}.", [*[a.citation for a in those.sure], *file])
    uncovered = _uncovered(asked, those)
    if not found.approvals:
        reviews = len(_reviews(change).submitted)
        looked = f"Nobody approved before the merge ({count(reviews, 'review')} looked at)"
        return exception(
            f"{looked if reviews else 'There was no review before the merge'}{uncovered}.",
            [*_page(change), *file],
        )
    said = [f"approved by {name_of(a.by)}" for a in those.sure]
    said += [
        _as_another(a, other, role)
        if asked is None and (other := _other_role(change, policy, a))
        else a.but(a.eligible)
        for a in (*those.maybe, *those.failed)
    ]
    cited = [*(a.citation for a in found.approvals), *file]
    so_far = f"{len(those.sure)} of {needed}"
    if enough is None:
        return undetermined(
            f"Whether {ROLE_NAMES[role]} approved cannot be told ({so_far} shown):"
            f" {'; '.join(said)}{uncovered}.",
            cited,
        )
    if len(those.sure) >= needed:
        return exception(
            f"Not every changed file is approved by one of its owners: {'; '.join(said)}"
            f"{uncovered}.",
            cited,
        )
    return exception(
        f"Too few approvals by {ROLE_NAMES[role]} ({so_far}): {'; '.join(said)}{uncovered}.", cited
    )


def _other_role(change: Change, policy: Policy, approval: Approval) -> RoleName | None:
    """The other role that somebody holds whose approval nothing else speaks against, if any."""
    if approval.role.answer is not False or not approval.role.why.endswith(f"was {NOT_HELD}"):
        return None
    if False in (approval.valid.answer, approval.independent.answer):
        return None
    for role in ROLE_NAMES:
        found = assess(change, policy, role)
        for other in () if isinstance(found, Unavailable) else found.approvals:
            if other.citation == approval.citation and other.role.answer:
                return role
    return None


def _as_another(approval: Approval, other: RoleName, asked: RoleName) -> str:
    """An approval by somebody who holds another role, and not the one that is asked for."""
    return f"{approval.act()} ({_ONE_OF[other]}, not {_ONE_OF[asked]})"


def _uncovered(asked: Owned | None, those: Tally) -> str:
    """Which files lack an approval that is sure to count for them, and who could have given it."""
    if asked is None:
        return ""
    surely = {number for a in those.sure for number in a.covers}
    missing = asked.known - surely
    if missing:
        return f"; no approval of an owner by {asked.file} is shown for {asked.told(missing)}"
    if asked.every - surely:
        return f"; {asked.unseen}"
    return ""


def fresh(change: Change, policy: Policy, role: RoleName, needed: int, see: str) -> Finding:
    """Whether `needed` of the approvals that count for `role` are of the code that merged.

    `see` is the attribute that tells of missing approvals ("3.1").
    """
    found = assess(change, policy, role)
    if isinstance(found, Unavailable):
        return undetermined(sentence(found.reason))
    those, enough = found.considered, suffice(found.considered, found.owned, needed)
    if enough:
        why = listed([f"{name_of(a.by)}'s approval ({a.fresh.why})" for a in those.sure])
        return passed(f"No code came after {why}.", [a.citation for a in those.sure])
    eligible = [a for a in found.approvals if a.eligible.answer is not False]
    if not eligible:
        return not_applicable(
            f"There is no approval whose freshness could be tested: see {see}.", _page(change)
        )
    cited = [a.citation for a in eligible]
    stale = [a.but(a.fresh) for a in those.failed]
    doubts = [a.but(a.counts) for a in those.maybe]
    if not stale and not doubts:
        return not_applicable(f"Too few approvals count, and those are fresh: see {see}.", cited)
    if enough is None or not stale:
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
    if not reviews.submitted:
        return not_applicable(f"There was no review before the merge: see {see}.", _page(change))
    held = [
        (each, _objection(change, policy, role, each))
        for each in reviews.submitted
        if each.said == "CHANGES_REQUESTED" or not each.said
    ]
    for wanted, judge, opening in _OBJECTIONS if held else ():
        those = [(each, one.why) for each, one in held if one.answer is wanted]
        if those:
            said = (
                f"{name_of(each.review.review.author)} at {instant(each.at)} ({why})"
                for each, why in those
            )
            return judge(f"{opening}: {'; '.join(said)}.", [each.citation for each, _ in those])
    looked = count(len(reviews.submitted), "review")
    return passed(
        f"No request for changes stood at the merge ({looked} looked at).", reviews.citations
    )


_OBJECTIONS: tuple[tuple[bool | None, Callable[..., Finding], str], ...] = (
    (True, exception, "A request for changes still stood at the merge"),
    (None, undetermined, "Whether a request for changes stood at the merge cannot be told"),
)


def _objection(change: Change, policy: Policy, role: RoleName, each: Submitted) -> Holds:
    """Whether a request for changes, if it was one, is by somebody in the role and still stood.

    A bot that the policy does not name is nobody in a role, here as for approvals. Whoever was in
    the role when asking for changes, or at the merge, was in the role.
    """
    found, by = each.review.review, each.review.review.author
    stood = _stood(change, each, "CHANGES_REQUESTED")
    if by is None:
        return all_hold(stood, Holds(None, "the account is deleted now"))
    if not is_person(by, policy.approving_bots):
        return Holds(False, "a bot")
    held = [_held(change, policy, role, by, day, found) for day in (each.at, change.pull.merged_at)]
    return all_hold(stood, max(held, key=lambda one: _RANK[one.answer]))


def _dismissal(change: Change, review: Review) -> ReviewDismissed | None:
    timeline = change.pull.timeline
    for event in () if isinstance(timeline, Unavailable) else timeline:
        if isinstance(event, ReviewDismissed) and event.review == review.id:
            return event
    return None


def _stood(change: Change, submitted: Submitted, opinion: str) -> Holds:
    """Whether a review stood at the merge, as its author's latest opinion or repeated since.

    A comment is no opinion. What replaced an opinion, or dismissed it, revives none before it.
    """
    at, review = submitted.at, submitted.review
    found, by = review.review, review.review.author
    if review.state == "DISMISSED":
        when = f" at {instant(review.dismissed_at)}" if review.dismissed_at else ""
        return Holds(False, f"it was dismissed by {name_of(review.dismissed_by)}{when}")
    reviews = _reviews(change)
    if reviews.one_each and isinstance(review.state, str):
        return _STOOD
    doubt = review.state.reason if isinstance(review.state, Unavailable) else ""
    for one in reviews.submitted:
        later, other = one.at, one.review
        theirs = other.review
        if theirs.id == found.id or not by or not theirs.author or not same(by, theirs.author):
            continue
        if theirs.state not in _OPINIONS or later < at or other.state == opinion:
            continue
        if later == change.pull.merged_at:
            dismissal = _dismissal(change, theirs)
            gone = dismissal is not None and dismissal.at <= change.pull.merged_at
            if gone or one.said != opinion:
                doubt = doubt or f"{by.login} gave another opinion in the very second of the merge"
        elif later == at:
            doubt = doubt or f"{by.login} gave two opinions within one second"
        elif isinstance(other.state, Unavailable):
            doubt = doubt or f"of a later review of {by.login}'s: {other.state.reason}"
        else:
            said = other.state.lower().replace("_", " ")
            return Holds(False, f"a later opinion of {by.login}'s replaced it ({said})")
    return Holds(None, doubt) if doubt else _STOOD


class Submitted(Record, frozen=True):
    """A review that was submitted by the merge, at the instant `at`, and how it is cited.

    `said` is what it said then; "" where it was dismissed and that is not told.
    """

    at: datetime
    review: ReviewAtMerge
    said: str
    citation: Citation


class Submissions(Record, frozen=True):
    """The reviews that were submitted by the merge, oldest first; `one_each`: nobody gave two."""

    submitted: tuple[Submitted, ...]
    citations: tuple[Citation, ...]
    one_each: bool


@once_a_change
def _reviews(change: Change) -> Submissions:
    """The reviews submitted by the merge, oldest first."""
    reviews = change.at_merge.reviews
    found: list[Submitted] = []
    for review in () if isinstance(reviews, Unavailable) else reviews:
        told = review.review
        if told.submitted_at is not None:
            said = told.state
            if said == "DISMISSED":
                dismissal = _dismissal(change, told)
                said = dismissal.previous_state if dismissal else ""
            found.append(Submitted(told.submitted_at, review, said, cite_review(review)))
    if len(found) > 1:
        found.sort(key=_when_submitted)
    return Submissions(
        tuple(found),
        tuple([each.citation for each in found]),
        all_apart([each.review.review.author for each in found]),
    )


def _when_submitted(each: Submitted) -> tuple[datetime, str]:
    return each.at, each.review.review.id


def _page(change: Change) -> tuple[Citation, ...]:
    return (Citation("the reviews of the pull request", url=change.pull.url),)
