"""Step 5: QA sign-off (QA Team)."""

from __future__ import annotations

from datetime import timedelta

from changeaudit.change import Change
from changeaudit.globs import matches
from changeaudit.people import Holds, all_hold, name_of, same
from changeaudit.policy import Policy
from changeaudit.records import Actor, Check, Deployed, QueueChanged, Record, Unavailable
from changeaudit.rules.approvals import Approval, act, assess, tally, unnamed
from changeaudit.rules.attribute import Attribute
from changeaudit.rules.developers import Developers, developers
from changeaudit.rules.freshness import fresh_sign_off
from changeaudit.rules.remembered import remembered
from changeaudit.rules.words import count, instant, listed, sentence
from changeaudit.verdicts import (
    Citation,
    Finding,
    exception,
    not_applicable,
    passed,
    undetermined,
)

CHECKS_KEPT = timedelta(days=90)
"""How long GitHub surely keeps checks; of older ones "none" and "expired" look the same."""
_ON_TIME = Holds(True, "before the merge")


class SignOffs(Record, frozen=True):
    """Every sign-off by the methods of the policy, and what could not be read."""

    found: tuple[Approval, ...]
    unread: tuple[str, ...]
    looked_at: str


def signed_off(change: Change, policy: Policy) -> Finding:
    """A member of QA on that date signed off before the merge and after the last code.

    The methods are the policy's: an approving review, a label that was on at the merge (who put
    it there is what counts), or a comment that starts with the given text and was never edited.
    """
    offs = sign_offs(change, policy)
    if isinstance(offs, Unavailable):
        return undetermined(sentence(offs.reason))
    those = tally(offs.found, in_qa)
    if those.sure:
        one = those.sure[-1]
        how = f"{one.role.why}; {one.fresh.why}"
        return passed(f"QA's sign-off: {one.what} by {name_of(one.by)} ({how}).", [one.citation])
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


def tested_in_staging(change: Change, policy: Policy) -> Finding:
    """The staging test that the policy names succeeded on the merged head before the merge.

    It is a check or a status; of several runs the latest that had completed counts, and it must
    have ended with success: one that was skipped or neutral tested nothing. In a merge queue
    another commit is tested, whose checks are not collected. A deployment names no commit.
    """
    wanted = policy.qa.staging_checks
    if not wanted:
        return undetermined(
            "The policy names no check that shows the test in staging: add qa.staging_checks."
        )
    pull, checks = change.pull, change.at_merge.checks
    names = " or ".join(wanted)
    if isinstance(pull.timeline, Unavailable):
        return undetermined(
            "Whether it merged through a merge queue, whose own commit has to be tested, could"
            f" not be read: {pull.timeline.reason}."
        )
    before = [event for event in pull.timeline if event.at <= pull.merged_at]
    if any(isinstance(event, QueueChanged) for event in before):
        return undetermined(
            f"It was in a merge queue, whose own commit is what {names} has to have tested; the"
            " checks of that commit are not collected."
        )
    if isinstance(checks, Unavailable):
        return undetermined(f"The checks could not be read: {checks.reason}.")
    of_head = [c for c in checks if c.check.commit == pull.head_oid]
    found = [c for c in of_head if _is_named(c.check.name, wanted)]
    cited = [_cite(c.check) for c in found]
    failed = [
        f"{c.check.name} ended with {_plain(c.conclusion)}"
        for c in found
        if isinstance(c.conclusion, str) and c.conclusion != "SUCCESS"
    ]
    if failed:
        return exception(f"{listed(failed)} before the merge.", cited)
    doubts = [
        f"{c.check.name}: {c.conclusion.reason}"
        for c in found
        if isinstance(c.conclusion, Unavailable)
    ]
    if doubts:
        return undetermined(
            f"Whether {names} succeeded in time cannot be told: {doubts[0]}.", cited
        )
    if found:
        tested = listed(dict.fromkeys(c.check.name for c in found))
        return passed(f"{tested} succeeded on the merged head before the merge.", cited)
    deployed = [e for e in before if isinstance(e, Deployed) and _is_named(e.environment, wanted)]
    if deployed:
        return undetermined(
            f"It was deployed to {deployed[0].environment}, but a deployment tells neither which"
            " commit it was of nor when it succeeded, and no check or status is on the merged"
            " head.",
            [
                Citation(f"deployment to {e.environment}", name_of(e.actor), e.at, pull.url)
                for e in deployed
            ],
        )
    kept = pull.collected_at - pull.merged_at
    if kept > CHECKS_KEPT:
        return undetermined(
            f"No {names} is on the merged head, but checks were collected {kept.days} days after"
            f" the merge and GitHub may have deleted them after {CHECKS_KEPT.days}."
        )
    late = [
        check
        for check in (() if isinstance(pull.checks, Unavailable) else pull.checks)
        if check.commit == pull.head_oid and _is_named(check.name, wanted)
    ]
    looked = listed([count(len(of_head), "completed check"), *map(_too_late, late)])
    page = Citation("the checks of the merged head", url=f"{pull.url}/checks")
    return exception(
        f"No {names} had completed on the merged head {pull.head_oid[:7]} before the merge"
        f" (looked at: {looked}).",
        [page, *map(_cite, late)],
    )


def qa_independent(change: Change, policy: Policy) -> Finding:
    """The member of QA who signed off took no part in developing the change."""
    offs = sign_offs(change, policy)
    if isinstance(offs, Unavailable):
        return undetermined(sentence(offs.reason))
    those = tally((a for a in offs.found if in_qa(a).answer is not False), Approval.counts)
    cited = [a.citation for a in (*those.maybe, *those.failed)]
    if those.sure:
        one = those.sure[-1]
        return passed(f"{name_of(one.by)} is {one.independent.why}.", [one.citation])
    if those.maybe:
        doubts = "; ".join(a.but(a.counts()) for a in those.maybe)
        return undetermined(f"Whether QA was independent cannot be told: {doubts}.", cited)
    if offs.unread:
        return undetermined(f"Whether QA signed off cannot be told: {'; '.join(offs.unread)}.")
    if those.failed:
        faults = "; ".join(a.but(a.independent) for a in those.failed)
        return exception(f"QA was not independent: {faults}.", cited)
    page = [Citation(f"the {offs.looked_at} of the pull request", url=change.pull.url)]
    return not_applicable("There is no sign-off whose independence could be tested: see 5.1.", page)


def in_qa(sign_off: Approval) -> Holds:
    """Whether a sign-off counts, its independence left aside."""
    return all_hold(sign_off.valid, sign_off.role, sign_off.fresh)


@remembered
def sign_offs(change: Change, policy: Policy) -> SignOffs | Unavailable:
    """Every sign-off there was before the merge, by each method that the policy names."""
    qa = policy.qa
    if not (qa.review or qa.labels or qa.comment is not None):
        return Unavailable(
            "the policy names no way in which QA signs off: add qa.review, qa.labels or qa.comment"
        )
    nobody = unnamed(policy, "qa")
    if nobody:
        return nobody
    made_by = developers(change, policy)
    found: list[Approval] = []
    unread: list[str] = []
    looked: list[str] = []
    for asked, name, those in (
        (qa.review, "reviews", assess(change, policy, "qa")),
        (bool(qa.labels), "labels", _by_label(change, policy, made_by)),
        (qa.comment is not None, "comments", _by_comment(change, policy, made_by)),
    ):
        if not asked:
            continue
        looked.append(name)
        if isinstance(those, Unavailable):
            unread.append(those.reason)
        else:
            found += those
    return SignOffs(tuple(found), tuple(unread), listed(looked))


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
            found.append(Approval(what, None, None, citation, doubt, doubt, doubt, doubt))
        else:
            citation = Citation(f"{what} applied", name_of(label.by), label.at, change.pull.url)
            found.append(
                act(
                    change,
                    policy,
                    "qa",
                    made_by,
                    what=what,
                    by=label.by,
                    at=label.at,
                    citation=citation,
                    valid=_ON_TIME,
                    can_write=_can_write(change, label.by),
                    fresh=fresh_sign_off(change, label.at),
                )
            )
    return found


def _by_comment(
    change: Change, policy: Policy, made_by: Developers
) -> list[Approval] | Unavailable:
    comments, merged = change.pull.comments, change.pull.merged_at
    if isinstance(comments, Unavailable):
        return Unavailable(f"the comments could not be read: {comments.reason}")
    found: list[Approval] = []
    for comment in comments:
        edited = comment.edited_at
        # What a comment said before it was edited is not told.
        unknown = edited is not None and edited >= merged
        of_the_form = _is_of_form(comment.body, policy.qa.comment or "")
        if comment.at > merged or not (of_the_form or unknown):
            continue
        valid = _ON_TIME
        if edited is not None:
            valid = Holds(None if unknown else False, f"it was edited at {instant(edited)}")
        elif comment.at == merged:
            valid = Holds(None, "it was written in the very second of the merge")
        sign_off = act(
            change,
            policy,
            "qa",
            made_by,
            what="comment",
            by=comment.author,
            at=comment.at,
            citation=Citation("comment", name_of(comment.author), comment.at, comment.url),
            valid=valid,
            can_write=_can_write(change, comment.author),
            fresh=fresh_sign_off(change, comment.at),
        )
        if of_the_form or in_qa(sign_off).answer is not False:
            found.append(sign_off)
    return found


def _is_of_form(body: str, form: str) -> bool:
    """Whether a comment starts with the form, as words of their own."""
    said, wanted = body.lstrip().casefold(), form.strip().casefold()
    following = said[len(wanted) : len(wanted) + 1]
    return said.startswith(wanted) and not (wanted[-1:].isalnum() and following.isalnum())


def _can_write(change: Change, by: Actor | None) -> bool | Unavailable:
    """Whether somebody may write to the repository, which is known of reviewers alone."""
    reviews = change.at_merge.reviews
    for review in () if isinstance(reviews, Unavailable) else reviews:
        author = review.review.author
        if author and by and same(author, by):
            return review.review.author_can_write
    return Unavailable("whether they may write to the repository was not asked")


def _is_named(name: str, patterns: tuple[str, ...]) -> bool:
    return any(matches(name, pattern) for pattern in patterns)


def _cite(check: Check) -> Citation:
    what = f"{check.kind} {check.name} on {check.commit[:7]}: {_plain(check.conclusion)}"
    return Citation(what, check.producer, check.completed_at, check.url)


def _too_late(check: Check) -> str:
    done = f"completed at {instant(check.completed_at)}" if check.completed_at else "still running"
    return f"{check.name}, {done}"


def _plain(conclusion: str) -> str:
    return conclusion.lower().replace("_", " ")


ATTRIBUTES = (
    Attribute("5.1", "QA signed off on the code that merged.", signed_off),
    Attribute("5.2", "The merged head was tested in staging.", tested_in_staging),
    Attribute("5.3", "QA's member is independent of the developers.", qa_independent),
)
