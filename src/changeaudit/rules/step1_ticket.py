"""Step 1: the developer creates a ticket for the planned change, and a feature branch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from changeaudit.change import Change, NamedTicket
from changeaudit.globs import matches, matches_any
from changeaudit.markdown import LIMIT
from changeaudit.people import name_of
from changeaudit.policy import Policy, Tickets
from changeaudit.records import Ticket, TicketRef, Unavailable
from changeaudit.rules.attribute import Attribute
from changeaudit.rules.description import cite_description, cite_title
from changeaudit.rules.excerpts import quoted, some
from changeaudit.rules.remembered import remembered
from changeaudit.rules.ticket_words import among, changed_later, possibly, shown
from changeaudit.rules.words import instant
from changeaudit.ticket_asof import Value, changes_of, projects_at, values_at, whether
from changeaudit.verdicts import (
    Citation,
    Finding,
    Outcome,
    combine,
    exception,
    not_applicable,
    passed,
    undetermined,
)

PLACES = {
    "title": "the title",
    "branch": "the head branch's name",
    "body": "the description",
    "commits": "the commit messages",
    "closing_reference": "a closing reference",
}
ABANDONED = ("not planned", "duplicate")
"""Why GitHub says that an issue was closed, where nothing was done."""


def linked(change: Change, policy: Policy) -> Finding:
    """The pull request names a ticket in one of the places that the policy lists.

    A ticket is a key of a Jira project that the policy lists, or a GitHub issue after a closing
    keyword, by its address, or by a closing reference. Text that no reader sees (HTML comments)
    and code blocks name nothing. Title, description and closing references count as they stood
    at the merge. If no ticket is found and a place could not be read, it is undetermined.
    """
    if change.tickets:
        keys = some([ticket.key for ticket in change.tickets])
        refs = [ref for ticket in change.tickets for ref in ticket.named]
        return passed(f"Named: {keys}.", [_cite_place(change, ref) for ref in refs])
    places = [PLACES[place] for place in policy.tickets.places]
    unread = places_not_read(change, policy)
    if unread:
        return undetermined(
            f"No ticket is named where it could be read, of {some(places)}; not read:"
            f" {'; '.join(unread)}."
        )
    looked_for = [f"{project}-…" for project in policy.tickets.projects]
    if policy.tickets.github_issues:
        looked_for.append("a GitHub issue")
    return exception(
        f"No ticket is named in {some(places)}; looked for:"
        f" {some(looked_for) or 'nothing, as the policy names no tracker'}.",
        [cite_title(change, f"title {_title(change)}")],
    )


def exists(change: Change, policy: Policy) -> Finding:
    """The ticket is visible to the audit account, in an allowed project, of an allowed type.

    A ticket that the account cannot see may exist all the same: undetermined. Project and type
    are those at the merge, by the ticket's history: a ticket that was moved later was where it
    was. A GitHub issue is of any type, for it has none. Where the policy accepts the parent, a
    ticket of another type counts if the ticket above it, an epic or the story of a sub-task, is of
    an allowed one; 1.3 and 1.4 then hold for both. Of several tickets the one that fares best is
    tested, the same one for 1.2, 1.3 and 1.4. Where that one will not do, and a place that may name
    another could not be read, it is undetermined.
    """
    return _of_best(change, policy, "exists")


def planned_before_built(change: Change, policy: Policy) -> Finding:
    """The ticket was created before the pull request was opened, or as the policy says.

    The policy may ask for before the first commit, or before the merge. The trackers' and
    GitHub's own clocks are compared; within one second there is no order. A commit's dates are
    its writer's words: a ticket counts as older than the first commit if it is older than the
    pull request and than every date in the commits; it counts as younger only if it is younger
    than the pull request.
    """
    return _of_best(change, policy, "planned")


def fits(change: Change, policy: Policy) -> Finding:
    """At the merge the ticket was not cancelled, and not closed since before the work began.

    Status and resolution are those at the merge, by the ticket's history; a status that was
    renamed since is known by either name. Work begins, at the latest, when the pull request is
    opened. A GitHub issue closed as not planned or as a duplicate is cancelled; so is a Jira
    ticket whose closed status has a resolution that the policy lists. With such a resolution in a
    status that the policy does not call closed, it is undetermined.
    """
    return _of_best(change, policy, "fits")


def on_feature_branch(change: Change, policy: Policy) -> Finding:
    """The work was done on a branch of its own, neither a production branch nor the base.

    A fork's branch that bears a production branch's name counts only if the policy says so. If
    the policy gives a pattern, the branch's name matches it.
    """
    pull, base = change.pull, change.at_merge.base
    head = pull.head_ref
    where = pull.head_repository or ("a fork that is gone" if pull.from_fork else "unknown")
    what = f"head branch {quoted(head)}, repository {where}"
    evidence = [Citation(what, name_of(pull.author), pull.created_at, pull.url)]
    name = f"The head branch {quoted(head)}"
    protected = matches_any(head, change.production)
    accepted = pull.from_fork and policy.feature_branch.fork_may_use_production_name
    if (protected or head == base) and not accepted:
        bears = "a production branch" if protected else "the base"
        if pull.from_fork:
            return exception(
                f"{name} is a fork's that bears the name of {bears}, which the policy does not"
                " accept.",
                evidence,
            )
        if pull.head_repository is None:
            return undetermined(
                f"{name} bears the name of {bears}, and which repository it was in is not known.",
                evidence,
            )
        return exception(f"{name} is {bears} itself.", evidence)
    pattern = policy.feature_branch.pattern
    if pattern and not matches(head, pattern):
        return exception(f"{name} does not match the policy's pattern {quoted(pattern)}.", evidence)
    if isinstance(base, Unavailable) and not accepted:
        return undetermined(
            f"Whether {quoted(head)} is the base itself cannot be told: {base.reason}.", evidence
        )
    ends = f" and matches {quoted(pattern)}" if pattern else ""
    if protected or head == base:
        return passed(f"{name} is a fork's, which the policy accepts{ends}.", evidence)
    return passed(f"{name} is neither a production branch nor the base{ends}.", evidence)


ATTRIBUTES = (
    Attribute("1.1", "The pull request names a ticket.", linked),
    Attribute("1.2", "The ticket exists, in an allowed project and of an allowed type.", exists),
    Attribute("1.3", "The ticket was created before the work was submitted.", planned_before_built),
    Attribute("1.4", "The ticket stood for work to be done.", fits),
    Attribute("1.5", "The change was developed on a feature branch.", on_feature_branch),
)


def places_not_read(change: Change, policy: Policy) -> list[str]:
    """The places that may name a ticket and were not read to their end."""
    unread = list(change.unread_places)
    body = change.at_merge.body
    if "body" in policy.tickets.places and not isinstance(body, Unavailable) and len(body) > LIMIT:
        unread.append(f"the description after its first {LIMIT} of {len(body)} characters")
    return unread


def _title(change: Change) -> str:
    title = change.at_merge.title
    return "unread" if isinstance(title, Unavailable) else quoted(title)


def _cite_place(change: Change, ref: TicketRef) -> Citation:
    pull = change.pull
    match ref.place:
        case "title":
            return cite_title(change, f"{ref.key} in the title {_title(change)}")
        case "body":
            return cite_description(change, f"{ref.key} in the description")
        case "commits":
            commits = () if isinstance(pull.commits, Unavailable) else pull.commits
            commit = next((each for each in commits if each.oid == ref.commit), None)
            if commit:
                what = f"{ref.key} in the message of commit {commit.oid[:10]}:"
                author = commit.authors[0].name if commit.authors else ""
                return Citation(f"{what} {quoted(commit.message)}", author, url=commit.url)
        case "branch":
            what = f"{ref.key} in the head branch's name {quoted(pull.head_ref)}"
            return Citation(what, name_of(pull.author), pull.created_at, pull.url)
    return Citation(f"{ref.key} in {PLACES.get(ref.place, ref.place)}", url=pull.url)


def _of_best(change: Change, policy: Policy, attribute: str) -> Finding:
    """The finding on `attribute` for the ticket that fares best under 1.2, 1.3 and 1.4."""
    if not change.tickets:
        if places_not_read(change, policy):
            return undetermined("Whether a ticket is linked could not be told: see 1.1.")
        return not_applicable("No ticket is linked: see 1.1.")
    best, findings = _best(change, policy)
    finding = findings[attribute]
    reason = finding.reason
    if len(change.tickets) > 1:
        reason += f" (Of the {len(change.tickets)} tickets named, {best.key} fares best.)"
    unread = places_not_read(change, policy)
    if unread and finding.outcome is Outcome.EXCEPTION:
        return undetermined(
            f"{reason} Another one may be named where it could not be read: {'; '.join(unread)}.",
            finding.evidence,
        )
    return Finding(finding.outcome, reason, finding.evidence)


@remembered
def _best(change: Change, policy: Policy) -> tuple[NamedTicket, Mapping[str, Finding]]:
    """The ticket that fares best under 1.2, 1.3 and 1.4, with what it comes to under each."""
    tested = [
        (
            ticket,
            {
                "exists": allowed(ticket, change, policy.tickets),
                "planned": _with_parents(_planned, ticket, change, policy.tickets),
                "fits": _with_parents(_fits, ticket, change, policy.tickets),
            },
        )
        for ticket in change.tickets
    ]
    if len(tested) == 1:
        return tested[0]
    return min(tested, key=lambda each: _badness(each[1].values()))


def _badness(findings: Iterable[Finding]) -> tuple[int, int, int]:
    """How far a ticket is from passing: exceptions first, then what could not be told."""
    outcomes = [finding.outcome for finding in findings]
    return (
        outcomes.count(Outcome.EXCEPTION),
        outcomes.count(Outcome.UNDETERMINED),
        outcomes.count(Outcome.NOT_APPLICABLE),
    )


def _hidden(named: NamedTicket, why: Unavailable) -> Finding:
    needed = f" For one that is there it needs {quoted(why.permission)}." if why.permission else ""
    return undetermined(f"The ticket {named.key} could not be read: {why.reason}.{needed}")


def _cite_ticket(ticket: Ticket, what: str, at: datetime | None = None, by: str = "") -> Citation:
    return Citation(f"ticket {ticket.key} {what}", by, at, ticket.url)


def allowed(named: NamedTicket, change: Change, policy: Tickets) -> Finding:
    """Whether a ticket that a change names exists and is one that the policy counts (1.2)."""
    own = _itself(named, change, policy)
    above = _by_its_parent(named, change, policy)
    if above is None:
        return own
    return Finding(above.outcome, f"{own.reason} {above.reason}", (*own.evidence, *above.evidence))


def _by_its_parent(named: NamedTicket, change: Change, policy: Tickets) -> Finding | None:
    """Whether a ticket counts for its parent's sake; `None` where that is not the question.

    It is where the policy accepts parents and the ticket would count, were it not for its type.
    """
    ticket = named.found
    if not policy.accept_parent or isinstance(ticket, Unavailable):
        return None
    own = _itself(named, change, policy)
    any_type = policy.model_copy(update={"types": ()})
    elsewhere = _itself(named, change, any_type).outcome is not Outcome.PASS
    if own.outcome is Outcome.PASS or elsewhere:
        return None
    above = values_at(ticket, "parent", change.pull.merged_at)
    if isinstance(above, Unavailable):
        return undetermined(f"What its parent was then could not be read: {above.reason}.")
    found = [_itself(parent, change, policy) for parent in named.parents]
    evidence = [citation for finding in found for citation in finding.evidence]
    told = " ".join(f"Its parent: {finding.reason}" for finding in found)
    outcomes = {finding.outcome for finding in found}
    if () in above:
        told = f"{told} It had no parent{', or that one' if found else ''}.".strip()
        outcomes.add(Outcome.EXCEPTION)
    if outcomes == {Outcome.PASS}:
        return passed(f"{told} The policy accepts the parent in its place.", evidence)
    if outcomes == {Outcome.EXCEPTION}:
        return Finding(own.outcome, told, tuple(evidence))
    return undetermined(f"Whether its parent counts cannot be told. {told}", evidence)


def _with_parents(
    test: Callable[[NamedTicket, Change, Tickets], Finding],
    named: NamedTicket,
    change: Change,
    policy: Tickets,
) -> Finding:
    """What a test comes to for a ticket, and for its parent where it counts for that one's sake.

    Where it may count by its own type as well, nothing of its parent is an exception.
    """
    own = test(named, change, policy)
    above = _by_its_parent(named, change, policy)
    if above is None or above.outcome is not Outcome.PASS:
        return own
    found = [own, *(test(parent, change, policy) for parent in named.parents)]
    outcome = combine(finding.outcome for finding in found)
    may_count = _itself(named, change, policy).outcome is Outcome.UNDETERMINED
    if may_count and own.outcome is not outcome is Outcome.EXCEPTION:
        outcome = Outcome.UNDETERMINED
    return Finding(
        outcome,
        " ".join(finding.reason for finding in found),
        tuple(dict.fromkeys(citation for finding in found for citation in finding.evidence)),
    )


def _itself(named: NamedTicket, change: Change, policy: Tickets) -> Finding:
    ticket = named.found
    if isinstance(ticket, Unavailable):
        return _hidden(named, ticket)
    merged = change.pull.merged_at
    name = ticket.key
    moved = f"{named.key}, now {name}," if named.key.casefold() != name.casefold() else name
    types = values_at(ticket, "type", merged)
    known = "" if isinstance(types, Unavailable) else possibly("type", types)
    cited = f"{quoted(ticket.title)}, type {known or f'{quoted(ticket.type)} today'}"
    evidence = [_cite_ticket(ticket, cited, ticket.created_at, name_of(ticket.author))]
    later = changed_later(ticket, ("type", "key"), merged)
    github = "#" in name
    if github and not policy.github_issues:
        return exception(f"{moved} is a GitHub issue, which the policy does not count.", evidence)
    what = f"The GitHub issue {moved}" if github else f"The ticket {moved}"
    projects = projects_at(ticket, merged)
    counted = [_counts(project, change, policy) for project in projects]
    if False in counted:
        where = " or ".join(projects)
        if True in counted:
            return undetermined(
                f"{what} is in {'' if github else 'the project '}{ticket.project} today; whether it"
                f" was in {where} at the merge cannot be told, and the policy does not count both."
                f"{later}",
                evidence,
            )
        return exception(
            f"{what} is in {where}; the policy counts those of"
            f" {some(_issue_repositories(change, policy))}.{later}"
            if github
            else f"{what} is in the project {where}, which the policy does not list.{later}",
            evidence,
        )
    where = "" if github else f", in the project {' or '.join(projects)}"
    if not policy.types or (github and types == (("Issue",),)):
        return passed(f"{what} exists{where}.{later}", evidence)
    if isinstance(types, Unavailable):
        return undetermined(
            f"The type of {name} at the merge could not be read: {types.reason}; today it is"
            f" {quoted(ticket.type)}.",
            evidence,
        )
    fits_type = whether(types, lambda value: among(value, policy.types))
    of_type = f"{what} was of the type {known} at the merge"
    if fits_type is None:
        return undetermined(
            f"{of_type}, which cannot be told; the policy counts {some(policy.types)}.{later}",
            evidence,
        )
    if not fits_type:
        return exception(f"{of_type}; the policy counts {some(policy.types)}.{later}", evidence)
    return passed(f"{what} exists{where}, of the type {known}.{later}", evidence)


def _counts(project: str, change: Change, policy: Tickets) -> bool:
    """Whether tickets of a Jira project, or of a repository ("owner/name"), count."""
    if "/" not in project:
        return project.upper() in policy.projects
    patterns = _issue_repositories(change, policy)
    return matches_any(project.casefold(), tuple(pattern.casefold() for pattern in patterns))


def _issue_repositories(change: Change, policy: Tickets) -> tuple[str, ...]:
    owner = change.pull.repository.partition("/")[0]
    return policy.issue_repositories or (f"{owner}/*",)


def _planned(named: NamedTicket, change: Change, policy: Tickets) -> Finding:
    ticket = named.found
    if isinstance(ticket, Unavailable):
        return _hidden(named, ticket)
    pull, created = change.pull, ticket.created_at
    at_merge = policy.planned_before == "merge"
    bound = pull.merged_at if at_merge else pull.created_at
    event = "the merge" if at_merge else "the pull request was opened"
    evidence = [
        _cite_ticket(ticket, "created", created, name_of(ticket.author)),
        Citation(
            "merge" if at_merge else "pull request opened",
            name_of(pull.merged_by if at_merge else pull.author),
            bound,
            pull.url,
        ),
    ]
    told = f"The ticket {ticket.key} was created at {instant(created)}"
    if created > bound:
        return exception(f"{told}, after {event} ({instant(bound)}).", evidence)
    if created == bound:
        return undetermined(
            f"{told}, in the very second of {event}: which came first cannot be told.", evidence
        )
    if policy.planned_before != "first_commit":
        return passed(f"{told}, before {event} ({instant(bound)}).", evidence)
    if isinstance(pull.commits, Unavailable):
        return undetermined(
            f"{told}, before {event}; when the first commit was made could not be read:"
            f" {pull.commits.reason}.",
            evidence,
        )
    dates = [
        date
        for commit in pull.commits
        for date in (commit.committer.at, *(author.at for author in commit.authors[:1]))
    ]
    known = [date for date in dates if date is not None]
    if not known or len(known) < len(dates):
        return undetermined(
            f"{told}, before {event}; not every commit says when it was made.", evidence
        )
    first = min(known)
    evidence.append(Citation("earliest date in the commits, as written in them", at=first))
    if created < first:
        return passed(
            f"{told}, before {event} ({instant(bound)}) and before every date in the commits (the"
            f" earliest is {instant(first)}).",
            evidence,
        )
    return undetermined(
        f"{told}, before {event}, but not before {instant(first)}, the earliest date in the"
        " commits; such a date is its writer's word and shows neither.",
        evidence,
    )


def _fits(named: NamedTicket, change: Change, policy: Tickets) -> Finding:
    ticket = named.found
    if isinstance(ticket, Unavailable):
        return _hidden(named, ticket)
    pull = change.pull
    if ticket.created_at > pull.merged_at:
        return not_applicable(
            f"The ticket {ticket.key} did not exist yet at the merge: see 1.3.",
            [_cite_ticket(ticket, "created", ticket.created_at, name_of(ticket.author))],
        )
    merged, opened = pull.merged_at, pull.created_at
    statuses = values_at(ticket, "status", merged)
    before = values_at(ticket, "status", opened)
    if isinstance(statuses, Unavailable) or isinstance(before, Unavailable):
        why = statuses.reason if isinstance(statuses, Unavailable) else ""
        return undetermined(
            f"The status of {ticket.key} at the merge could not be read: {why}; today"
            f" it is {quoted(ticket.status)}.",
            [_cite_ticket(ticket, f"has the status {quoted(ticket.status)} today")],
        )
    resolutions = values_at(ticket, "resolution", merged)
    later = changed_later(ticket, ("status", "resolution"), merged)
    said = possibly("status", statuses)
    told = f"The ticket {ticket.key} was {said} at the merge"
    evidence = [_cite_status(ticket, merged, said)]
    cancelled = {_cancelled(status, resolutions, ticket, policy) for status in statuses}
    if cancelled == {True}:
        by_status = all(among(status, policy.cancelled_statuses) for status in statuses)
        why = "" if by_status else f" (resolution {_resolved(resolutions)})"
        return exception(f"{told}{why}: it was cancelled.{later}", evidence)
    stale = _closed_throughout(ticket, (before, statuses), change, policy)
    if stale:
        return exception(
            f"{told}, and had been so since before the pull request was opened"
            f" ({instant(opened)}).{later}",
            evidence,
        )
    known = not isinstance(resolutions, Unavailable)
    closed = any(_closed(status, ticket, policy) for status in statuses)
    if None in cancelled and known and not closed:
        return undetermined(
            f"{told}, with the resolution {_resolved(resolutions)}, which means cancelled where the"
            " work is over. If it is over in that status, name the status in"
            f" tickets.closed_statuses; else the resolution was left behind.{later}",
            evidence,
        )
    if None in cancelled:
        why = resolutions.reason if isinstance(resolutions, Unavailable) else "it may be either"
        return undetermined(
            f"{told}; whether its resolution was {_resolved(resolutions)} then cannot be told:"
            f" {why}.{later}",
            evidence,
        )
    if True in cancelled or stale is None:
        return undetermined(
            f"{told}; its history does not show which, or when it became so, in the order that"
            f" decides whether it was still to be done.{later}",
            evidence,
        )
    return passed(f"{told}.{later}", evidence)


def _cite_status(ticket: Ticket, at: datetime, status: str) -> Citation:
    """Cite the change that brought the `status` of `at`, or that there had been none."""
    history = changes_of(ticket, "status")
    changes = () if isinstance(history, Unavailable) else history
    before = [change for change in changes if change.at < at]
    if not before:
        what = f"created; its status was {status} until the merge"
        return _cite_ticket(ticket, what, ticket.created_at, name_of(ticket.author))
    last = before[-1]
    what = f"went from {shown('status', last.before)} to {shown('status', last.after)}"
    return _cite_ticket(ticket, what, last.at, name_of(last.actor))


def cancelled_at(ticket: Ticket, at: datetime, policy: Tickets) -> bool | None:
    """Whether a ticket was cancelled at `at` (UTC), by its status or its resolution.

    `None` where that cannot be told.
    """
    statuses = values_at(ticket, "status", at)
    if isinstance(statuses, Unavailable):
        return None
    resolutions = values_at(ticket, "resolution", at)
    answers = {_cancelled(status, resolutions, ticket, policy) for status in statuses}
    return answers.pop() if len(answers) == 1 else None


def _closed(status: Value, ticket: Ticket, policy: Tickets) -> bool:
    return among(status, ("closed",) if "#" in ticket.key else policy.closed_statuses)


def _cancelled(
    status: Value, resolutions: tuple[Value, ...] | Unavailable, ticket: Ticket, policy: Tickets
) -> bool | None:
    """Whether `status` at the merge means cancelled; `None` where it cannot be told.

    Its resolution is not known then, or means cancelled while the policy does not call the status
    closed: that policy may lack it, or the ticket was reopened and its resolution left behind.
    """
    github = "#" in ticket.key
    if not github and among(status, policy.cancelled_statuses):
        return True
    closed = _closed(status, ticket, policy)
    if github and not closed:
        return False
    if isinstance(resolutions, Unavailable):
        return None
    names = ABANDONED if github else policy.cancelled_statuses
    cancelled = whether(resolutions, lambda value: among(_in_words(value), names))
    return cancelled if closed or cancelled is False else None


def _in_words(resolution: Value) -> Value:
    """A resolution as people write it: GitHub says NOT_PLANNED."""
    return tuple(name.replace("_", " ") for name in resolution)


def _resolved(resolutions: tuple[Value, ...] | Unavailable) -> str:
    if isinstance(resolutions, Unavailable):
        return "one that means cancelled"
    return possibly("resolution", resolutions)


def _closed_throughout(
    ticket: Ticket, ends: Iterable[tuple[Value, ...]], change: Change, policy: Tickets
) -> bool | None:
    """Whether a ticket was closed from the opening of the pull request to its merge.

    `ends` are the statuses that it may have had at the one and at the other.
    """
    opened, merged = change.pull.created_at, change.pull.merged_at
    if ticket.created_at > opened:
        return False
    history = changes_of(ticket, "status")
    changes = () if isinstance(history, Unavailable) else history
    closed = [whether(values, lambda v: _closed(v, ticket, policy)) for values in ends]
    reopened = any(not _closed(c.after, ticket, policy) for c in changes if opened < c.at < merged)
    if reopened or False in closed:
        return False
    return True if closed == [True, True] else None
