"""Segregation of duties: who did what for a change, and who did two things. Pure.

It decides no verdict: it states, of what the rules found, which people stand in which duty, and
which pairs of duties the policy keeps apart. People are told apart by their accounts' ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Final

import msgspec

from changeaudit.change import Change, DirectPush
from changeaudit.people import Holds, name_of, same
from changeaudit.policy import EffectivePolicy, Policy, RoleName
from changeaudit.records import Actor, Record, Unavailable
from changeaudit.rules.approvals import Approval, Tally, assess, tally
from changeaudit.rules.developers import developers, independent
from changeaudit.rules.emergency import at_its_review
from changeaudit.rules.excerpts import NAMED, some
from changeaudit.rules.security_trigger import triggered
from changeaudit.rules.step5_qa import sign_offs
from changeaudit.rules.step6_final import lead_and_peer_separate, merger
from changeaudit.rules.words import count, sentence
from changeaudit.verdicts import ChangeClass, Conflict, Duty, DutyName, Outcome, Standing

_ROLES: Final[dict[DutyName, RoleName]] = {
    DutyName.REVIEWED: "peer",
    DutyName.SECURED: "security",
    DutyName.TESTED: "qa",
    DutyName.APPROVED: "lead",
}
_DID: Final = {
    DutyName.REVIEWED: "approved as peer",
    DutyName.SECURED: "approved for security",
    DutyName.TESTED: "signed off for QA",
    DutyName.APPROVED: "approved as lead",
}
# The attributes that keep a duty apart from developing.
_ATTRIBUTES: Final = {
    DutyName.REVIEWED: "3.1",
    DutyName.SECURED: "4.2",
    DutyName.TESTED: "5.3",
    DutyName.APPROVED: "6.1",
    DutyName.MERGED: "6.4",
}
_EMERGENCY: Final = {
    DutyName.REVIEWED: "E.3",
    DutyName.SECURED: "E.3",
    DutyName.APPROVED: "E.2",
}


class Segregation(Record, frozen=True):
    """The duties of a change in the order of the procedure, and who stands in two of them."""

    duties: tuple[Duty, ...]
    conflicts: tuple[Conflict, ...]


class _Acts(Record, frozen=True):
    """The acts of approval for a duty, which of them count, and why there may be more of them."""

    duty: DutyName
    found: tuple[Approval, ...]
    counting: Tally
    unread: str = ""

    @classmethod
    def of(cls, duty: DutyName, found: tuple[Approval, ...], unread: str = "") -> _Acts:
        """Acts, tallied once for all that is asked of them."""
        return cls(duty, found, tally(found, [a.counts.answer for a in found]), unread)


def segregation(change: Change, effective: EffectivePolicy) -> Segregation:
    """Who did what for a merged pull request, by the policy that holds for it."""
    policy = effective.policy
    every = [_acts(change, policy, duty) for duty in _ROLES]
    found = [
        *(pair for acts in every for pair in _developer_and(change, policy, acts)),
        *_developer_in_no_role(change, policy, every),
        *_developer_merged(change, policy),
        *_both(change, policy, every),
    ]
    if effective.doubt:
        found = [
            msgspec.structs.replace(
                each,
                standing=Standing.UNDETERMINED,
                reason=f"{each.reason} But which settings apply is not sure: {effective.doubt}.",
            )
            for each in found
        ]
    return Segregation(
        (
            _developed(change, policy),
            *(_duty(change, policy, acts) for acts in every),
            _merged(change),
        ),
        tuple(found),
    )


def segregation_of_push(push: DirectPush) -> Segregation:
    """Who did what for a direct push: its developers, and who pushed, where that was recorded."""
    people = [person for c in push.commits for person in (*c.authors, c.committer)]
    unlinked = dict.fromkeys(
        f"{p.name or 'nameless'} <{p.email}>" for p in people if p.account is None
    )
    remark = f"No account is linked to {some(unlinked)}." if unlinked else ""
    nobody = "There is no pull request."
    pushers = _names(move.actor for move in push.moves)
    if not push.moves:
        unknown = "Who pushed it is not recorded."
    elif any(move.actor is None for move in push.moves):
        unknown = "An account that pushed it is deleted now."
    else:
        unknown = ""
    return Segregation(
        (
            Duty(DutyName.DEVELOPED, _names(p.account for p in people if p.account), (), remark),
            *(Duty(duty, (), (), nobody) for duty in _ROLES),
            Duty(DutyName.MERGED, pushers, (), unknown),
        ),
        (),
    )


def _acts(change: Change, policy: Policy, duty: DutyName) -> _Acts:
    """The acts for a duty; of an emergency, reviews count until its review was due."""
    if duty is DutyName.TESTED:
        offs = sign_offs(change, policy)
        if isinstance(offs, Unavailable):
            return _Acts.of(duty, (), offs.reason)
        return _Acts.of(duty, offs.found, "; ".join(offs.unread))
    emergency = change.class_ is ChangeClass.EMERGENCY
    seen = at_its_review(change, policy) if emergency and duty in _REVIEWS else change
    found = assess(seen, policy, _ROLES[duty])
    if isinstance(found, Unavailable):
        return _Acts.of(duty, (), found.reason)
    return _Acts(duty, found.approvals, found.counting)


_REVIEWS: Final = (DutyName.REVIEWED, DutyName.SECURED)


def _developed(change: Change, policy: Policy) -> Duty:
    made_by = developers(change, policy)
    doubts = list(made_by.doubts)
    if len(doubts) > NAMED:
        doubts[NAMED:] = [count(len(doubts) - NAMED, "further doubt")]
    remark = sentence("; ".join(doubts)) if doubts else ""
    return Duty(DutyName.DEVELOPED, _names(d.account for d in made_by.known), (), remark)


def _duty(change: Change, policy: Policy, acts: _Acts) -> Duty:
    """Who did it by the approvals that count, and who did or may have done it in vain.

    Whoever was not in the role did nothing of the duty. Of an account that is deleted now, it
    cannot be told.
    """
    those = acts.counting
    sure = _names(a.by for a in those.sure)
    unsure = _names(a.by for a in those.maybe if a.by)
    said = [
        # A check that the policy lets sign off is nobody's act.
        *(f"signed off by {a.what}, {a.role.why}" for a in those.sure if a.by is None),
        *(a.but(a.counts) for a in those.maybe),
        *(a.but(a.counts) for a in those.failed if a.by is None or a.role.answer is not False),
    ]
    if acts.unread:
        said.append(acts.unread)
    remarks = [sentence(each) for each in dict.fromkeys(said)]
    not_asked = _not_asked(change, policy, acts.duty)
    if not_asked:
        remarks.append(not_asked[1])
    return Duty(acts.duty, sure, unsure, " ".join(remarks))


def _merged(change: Change) -> Duty:
    who, merged_by = merger(change), change.pull.merged_by
    if merged_by is None:
        return Duty(DutyName.MERGED, (), (), "The account that merged is deleted now.")
    if who is None:
        remark = f"{name_of(merged_by)} did; who put it into the merge queue is not known."
        return Duty(DutyName.MERGED, (), (), remark)
    queued = not same(who, merged_by)
    remark = f"By the merge queue, {name_of(merged_by)}." if queued else ""
    return Duty(DutyName.MERGED, (name_of(who),), (), remark)


def _not_asked(change: Change, policy: Policy, duty: DutyName) -> tuple[str, str] | None:
    """Why a duty is not asked of the change: the policy's key, and the reason in a sentence."""
    if change.class_ is ChangeClass.EMERGENCY:
        if duty in _EMERGENCY:
            return None
        return "classes.emergency", "It is not asked of an emergency change."
    attribute = _ATTRIBUTES[duty]
    if not policy.asks(change.class_, attribute):
        return "classes.automated.attributes", "The policy does not ask it of automated changes."
    if duty is DutyName.SECURED and triggered(change, policy) == "no":
        return "4.1", "No security review is required."
    return None


def _developer_and(change: Change, policy: Policy, acts: _Acts) -> Iterator[Conflict]:
    """Developers who approved all the same, and those who approved and may be developers.

    An act that did not stand at the merge, or of somebody who was not in the role, is none.
    """
    duty, did = acts.duty, _DID[acts.duty]
    unproven = [a for a in acts.found if a.by and not a.independent.answer]
    stood = [a for a in unproven if False not in (a.valid.answer, a.role.answer)]
    if not stood:
        return
    those = tally(stood, [a.independent.answer for a in stood])
    pair = DutyName.DEVELOPED, duty
    not_asked = _not_asked(change, policy, duty)
    emergency = change.class_ is ChangeClass.EMERGENCY
    attribute = (_EMERGENCY if emergency else _ATTRIBUTES).get(duty, "")
    for act in those.failed:
        who = name_of(act.by)
        both = f"{who} {did}, but {act.independent.why}"
        if not_asked:
            key, why = not_asked
            yield Conflict(who, pair, Standing.ALLOWED, key, f"{both}. {why}")
        else:
            act_of = "sign-off" if duty is DutyName.TESTED else "approval"
            said = f"{both}: a developer's {act_of} does not count."
            yield Conflict(who, pair, Standing.FORBIDDEN, attribute, said)
    for act in () if not_asked else those.maybe:
        who = name_of(act.by)
        said = f"{who} {did}; whether {who} is a developer cannot be told: {act.independent.why}."
        yield Conflict(who, pair, Standing.UNDETERMINED, attribute, said)


def _developer_in_no_role(
    change: Change, policy: Policy, every: Iterable[_Acts]
) -> Iterator[Conflict]:
    """Developers who approved the pull request without any role to approve it in."""
    acts = {each.duty: each.found for each in every}
    own = [a for a in acts[DutyName.REVIEWED] if a.by and a.independent.answer is False]
    stood = [a for a in own if a.valid.answer is not False]
    if not stood:
        return
    in_a_role = [a for found in acts.values() for a in found if a.role.answer is not False]
    for act in tally(stood, [a.independent.answer for a in stood]).failed:
        if not any(act.by and a.by and same(act.by, a.by) for a in in_a_role):
            who = name_of(act.by)
            said = f"{who} approved in none of the roles, and {act.independent.why}."
            pair = DutyName.DEVELOPED, DutyName.REVIEWED
            if not_asked := _not_asked(change, policy, DutyName.REVIEWED):
                key, why = not_asked
                yield Conflict(who, pair, Standing.ALLOWED, key, f"{said} {why}")
            else:
                emergency = change.class_ is ChangeClass.EMERGENCY
                attribute = (_EMERGENCY if emergency else _ATTRIBUTES)[DutyName.REVIEWED]
                yield Conflict(who, pair, Standing.FORBIDDEN, attribute, said)


def _developer_merged(change: Change, policy: Policy) -> Iterator[Conflict]:
    """The developer who merged, which the procedure allows and a policy may forbid."""
    who = merger(change)
    if who is None:
        return
    held: Holds = independent(who, developers(change, policy))
    key = "final_approval.developer_may_merge"
    pair, name = (DutyName.DEVELOPED, DutyName.MERGED), name_of(who)
    not_asked = _not_asked(change, policy, DutyName.MERGED)
    may = policy.final_approval.developer_may_merge
    if held.answer is False:
        both = f"{name} merged it, and {held.why}"
        if not_asked:
            yield Conflict(name, pair, Standing.ALLOWED, not_asked[0], f"{both}. {not_asked[1]}")
        elif may:
            said = f"{both}: the policy lets a developer merge what others have approved."
            yield Conflict(name, pair, Standing.ALLOWED, key, said)
        else:
            said = f"{both}: the policy lets no developer merge."
            yield Conflict(name, pair, Standing.FORBIDDEN, "6.4", said)
    elif held.answer is None and not may and not not_asked:
        said = f"{name} merged it; whether {name} is a developer cannot be told: {held.why}."
        yield Conflict(name, pair, Standing.UNDETERMINED, "6.4", said)


def _both(change: Change, policy: Policy, every: Iterable[_Acts]) -> Iterator[Conflict]:
    """People whose approvals count, or may, for two duties."""
    counting = [
        (
            acts.duty,
            [a for a in (*acts.counting.sure, *acts.counting.maybe) if a.by],
            acts.counting.sure,
        )
        for acts in every
    ]
    for (one, ones, sure), (other, others, sure_too) in combinations(counting, 2):
        for act in ones:
            twin = next((a for a in others if act.by and a.by and same(act.by, a.by)), None)
            if twin is None:
                continue
            who = name_of(act.by)
            both = f"{who} {_DID[one]} and {_DID[other]}"
            doubt = "" if act in sure and twin in sure_too else " (whether both count is not sure)"
            yield _pair(change, policy, who, (one, other), f"{both}{doubt}")


def _pair(
    change: Change, policy: Policy, who: str, pair: tuple[DutyName, DutyName], both: str
) -> Conflict:
    """What the procedure says of one person in two duties that approve: 6.5 of peer and lead."""
    emergency = change.class_ is ChangeClass.EMERGENCY
    if pair != (DutyName.REVIEWED, DutyName.APPROVED) or emergency:
        of = " of an emergency change (ENG-PROC-004)" if emergency else ""
        said = f"{both}, which the procedure{of} allows."
        return Conflict(who, pair, Standing.ALLOWED, "", said)
    if not policy.asks(change.class_, "6.5"):
        key, said = "classes.automated.attributes", "The policy does not ask for two people here."
        return Conflict(who, pair, Standing.ALLOWED, key, f"{both}. {said}")
    if policy.final_approval.peer_may_be_lead:
        said = f"{both}: the policy lets one person be peer and lead."
        return Conflict(who, pair, Standing.ALLOWED, "final_approval.peer_may_be_lead", said)
    found = lead_and_peer_separate(change, policy)
    if found.outcome is Outcome.PASS:
        said = f"{both}, but is not needed as both: others make up the number."
        return Conflict(who, pair, Standing.ALLOWED, "6.5", said)
    if found.outcome is Outcome.EXCEPTION:
        said = f"{both}: those have to be two people."
        return Conflict(who, pair, Standing.FORBIDDEN, "6.5", said)
    return Conflict(who, pair, Standing.UNDETERMINED, "6.5", f"{both}. {found.reason}")


def _names(accounts: Iterable[Actor | None]) -> tuple[str, ...]:
    """Accounts by name, each once; two are one only if they are the same account."""
    found: list[Actor] = []
    for account in accounts:
        if account and not any(same(account, other) for other in found):
            found.append(account)
    return tuple(map(name_of, found))
