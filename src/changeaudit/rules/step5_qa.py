"""Step 5: QA sign-off (QA Team)."""

from __future__ import annotations

from changeaudit.change import Change
from changeaudit.people import Holds, name_of
from changeaudit.policy import Policy
from changeaudit.records import Record, Unavailable
from changeaudit.rules.approvals import (
    Approval,
    Tally,
    act,
    assess,
    can_write,
    in_role,
    tally,
    unnamed,
)
from changeaudit.rules.attribute import Attribute
from changeaudit.rules.developers import Developers, developers
from changeaudit.rules.freshness import fresh_sign_off
from changeaudit.rules.remembered import remembered
from changeaudit.rules.sign_off_by_check import by_check
from changeaudit.rules.sign_off_by_comment import by_comment, by_ticket_comment, in_qa
from changeaudit.rules.sign_off_by_ticket import by_ticket
from changeaudit.rules.staging import tested_in_staging
from changeaudit.rules.words import listed, sentence
from changeaudit.verdicts import (
    Citation,
    Finding,
    exception,
    not_applicable,
    passed,
    undetermined,
)

_ON_TIME = Holds(True, "before the merge")


class SignOffs(Record, frozen=True):
    """Every sign-off by the methods of the policy, and what could not be read.

    `by_check` is the one of `found` that checks gave, which is nobody's; `None` if there is none.
    `in_qa` sorts those `found` by whether they count, their independence left aside. `of_people`
    sorts those that people gave and that may count so by whether they count in the end.
    """

    found: tuple[Approval, ...]
    unread: tuple[str, ...]
    looked_at: str
    by_check: Approval | None
    in_qa: Tally
    of_people: Tally


def signed_off(change: Change, policy: Policy) -> Finding:
    """A member of QA on that date signed off before the merge and after the last code.

    The methods are the policy's: an approving review; a label that was on at the merge (who put
    it there is what counts); a comment that starts with the given text and was never edited, on
    the pull request or on a linked ticket that counts for 1.2; such a ticket that was moved into a
    given status, as that was called then, and was in such a status until the merge (the roster
    says which person an account of Jira is); or, where the policy lets them sign off in QA's place,
    checks that succeeded on what merged. A comment that goes on as a question, or with a word that
    says no, is undetermined, and so is a status that was only given its name later.
    """
    offs = sign_offs(change, policy)
    if isinstance(offs, Unavailable):
        return undetermined(sentence(offs.reason))
    those = offs.in_qa
    if those.sure:
        one = those.sure[-1]
        how = f"{one.role.why}; {one.fresh.why}"
        return passed(f"QA's sign-off: {one.what} by {one.who} ({how}).", [one.citation])
    cited = [a.citation for a in offs.found]
    doubts = [a.but(in_qa(a)) for a in those.maybe]
    faults = [a.but(in_qa(a)) for a in those.failed]
    if doubts or offs.unread:
        said = "; ".join([*doubts, *offs.unread, *faults])
        return undetermined(f"Whether QA signed off cannot be told: {said}.", cited)
    if faults:
        return exception(f"No sign-off counts: {'; '.join(faults)}.", cited)
    page = [Citation(f"the {offs.looked_at} of the pull request", url=change.pull.url)]
    return exception(f"QA did not sign off: nothing among the {offs.looked_at} says so.", page)


def qa_independent(change: Change, policy: Policy) -> Finding:
    """The member of QA who signed off took no part in developing the change.

    Where only a check signed off, because the policy lets it, there is nobody to be independent.
    """
    offs = sign_offs(change, policy)
    if isinstance(offs, Unavailable):
        return undetermined(sentence(offs.reason))
    those = offs.of_people
    if those.sure:
        one = those.sure[-1]
        return passed(f"{name_of(one.by)} is {one.independent.why}.", [one.citation])
    cited = [a.citation for a in (*those.maybe, *those.failed)]
    if offs.by_check and offs.by_check.counts.answer:
        key = "qa.sign_off_checks" if policy.qa.sign_off_checks else "qa.staging_checks_sign_off"
        return not_applicable(
            f"What signed off is {offs.by_check.what}, which the policy lets sign off ({key}), and"
            " not a person whose independence could be tested.",
            [offs.by_check.citation],
        )
    if those.maybe:
        doubts = "; ".join(a.but(a.counts) for a in those.maybe)
        return undetermined(f"Whether QA was independent cannot be told: {doubts}.", cited)
    if offs.unread:
        return undetermined(f"Whether QA signed off cannot be told: {'; '.join(offs.unread)}.")
    if those.failed:
        faults = "; ".join(a.but(a.independent) for a in those.failed)
        return exception(f"QA was not independent: {faults}.", cited)
    page = [Citation(f"the {offs.looked_at} of the pull request", url=change.pull.url)]
    return not_applicable("There is no sign-off whose independence could be tested: see 5.1.", page)


@remembered
def sign_offs(change: Change, policy: Policy) -> SignOffs | Unavailable:
    """Every sign-off there was before the merge, by each method that the policy names."""
    qa = policy.qa
    signing = qa.signing_checks
    if not (signing or qa.by_people):
        methods = (
            "qa.review, qa.labels, qa.comment, qa.ticket_statuses, qa.ticket_comment or"
            " qa.sign_off_checks"
        )
        if qa.staging_checks_sign_off:
            methods = "qa.staging_checks, which sign off too"
        return Unavailable(f"the policy names no way in which QA signs off: add {methods}")
    nobody = unnamed(policy, "qa")
    if nobody and not signing:
        return nobody
    made_by = developers(change, policy)
    found: list[Approval] = []
    unread: list[str] = []
    looked: list[str] = []
    if qa.review and not nobody:
        looked.append("reviews")
        assessed = assess(change, policy, "qa")
        if isinstance(assessed, Unavailable):
            unread.append(assessed.reason)
        else:
            found += assessed.approvals
    if qa.labels and not nobody:
        looked.append("labels")
        those = _by_label(change, policy, made_by)
        if isinstance(those, Unavailable):
            unread.append(those.reason)
        else:
            found += those
    if qa.comment is not None and not nobody:
        looked.append("comments")
        those = by_comment(change, policy, made_by)
        if isinstance(those, Unavailable):
            unread.append(those.reason)
        else:
            found += those
    if qa.ticket_statuses and not nobody:
        looked.append("tickets")
        for each in by_ticket(change, policy, made_by):
            if isinstance(each, str):
                unread.append(each)
            else:
                found.append(each)
    if qa.ticket_comment is not None and not nobody:
        looked.append("comments on tickets")
        for each in by_ticket_comment(change, policy, made_by):
            if isinstance(each, str):
                unread.append(each)
            else:
                found.append(each)
    checked: Approval | Unavailable | None = None
    if signing:
        looked.append("checks")
        checked = by_check(change, policy, made_by)
    if isinstance(checked, Unavailable):
        unread.append(checked.reason)
        checked = None
    elif checked:
        found.insert(0, checked)  # what a person did is told rather than what a check did
    if nobody and qa.by_people:
        unread.append(nobody.reason)
    answers = [in_qa(each).answer for each in found]
    people = [
        each
        for each, answer in zip(found, answers, strict=True)
        if answer is not False and (checked is None or each != checked)
    ]
    return SignOffs(
        tuple(found),
        tuple(dict.fromkeys(unread)),
        listed(looked),
        checked,
        tally(found, answers),
        tally(people, [each.counts.answer for each in people]),
    )


def _by_label(change: Change, policy: Policy, made_by: Developers) -> list[Approval] | Unavailable:
    labels = change.at_merge.labels
    if isinstance(labels, Unavailable):
        return labels
    wanted = {name.casefold() for name in policy.qa.labels}
    found: list[Approval] = []
    for label in labels:
        if label.name.casefold() not in wanted:
            continue
        what = f"label {label.name}"
        if isinstance(label.at, Unavailable):
            doubt = Holds(None, label.at.reason)
            citation = Citation(what, url=change.pull.url)
            found.append(
                Approval.of(
                    what,
                    None,
                    None,
                    citation,
                    valid=doubt,
                    role=doubt,
                    independent=doubt,
                    fresh=doubt,
                )
            )
        else:
            citation = Citation(f"{what} applied", name_of(label.by), label.at, change.pull.url)
            outside = act(
                policy,
                made_by,
                what=what,
                by=label.by,
                at=label.at,
                citation=citation,
                valid=_ON_TIME,
                fresh=fresh_sign_off(change, label.at),
            )
            found.append(in_role(change, policy, "qa", outside, can_write(change, label.by)))
    return found


ATTRIBUTES = (
    Attribute("5.1", "QA signed off on the code that merged.", signed_off),
    Attribute("5.2", "The merged head was tested in staging.", tested_in_staging),
    Attribute("5.3", "QA's member is independent of the developers.", qa_independent),
)
