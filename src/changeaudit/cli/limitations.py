"""What the evidence of an audit cannot show, in sentences: every report prints them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from changeaudit.change import Change
from changeaudit.collectors.github import owned, single
from changeaudit.collectors.github.pull_requests import KIND as PULLS
from changeaudit.collectors.jira.reading import held_sites
from changeaudit.policy import Policy
from changeaudit.population import Population
from changeaudit.records import MergeCommit, Team, Unavailable
from changeaudit.rules.excerpts import some
from changeaudit.store import Store
from changeaudit.unread import Unread
from changeaudit.verdicts import EVERY_PUSH, ChangeClass, TieKind

INDEX_LAGS = (
    "The pull requests are those that GitHub's search shows; its index may lag by hours. What it"
    " missed shows on the branches' first-parent history."
)


def limitations(populations: Sequence[Population], policy: Policy) -> list[str]:
    """What the evidence of these changes cannot show, as far as it bears on their verdicts."""
    unread, tickets, merges, emergencies = Unread(policy), _Tickets(policy), _Merges(), False
    for change in (change for each in populations for change in each.changes):
        unread.see(change)
        tickets.see(change)
        merges.see(change)
        emergencies = emergencies or change.class_ is ChangeClass.EMERGENCY
    found: list[str] = []
    teams = {t.name: t for p in populations for c in p.changes[:1] for t in c.teams}
    if policy.teams or (policy.codeowners and teams):
        found.append(_reach(teams.values()))
    if policy.codeowners:
        found.append(
            "Who owns a file is what CODEOWNERS on the default branch says as collected. That it"
            " did not change since a merge is told by its last commit: by that commit's own date,"
            " and by when the pull request merged that brought it."
        )
    if any(role.write_access for role in (policy.roles.peer, policy.roles.lead)):
        found.append(
            "The right to write to a repository is as of the collection: GitHub does not"
            " tell what it was at the time of the review."
        )
    found += unread.said()
    if emergencies:
        found.append(
            "Emergency changes are judged by ENG-PROC-004 as far as the pull request shows it:"
            " approvals and notices that only their ticket documents are not collected."
        )
    found += tickets.said()
    if any(not push.moves for p in populations for push in p.pushes):
        found.append(
            "Who pushed a commit directly, and when, is not recorded in it; where GitHub's activity"
            " does not tell, the times shown are bounded by the merges around it."
        )
    found += merges.said()
    if set(policy.scope.branches) > {"default"} or "default" not in policy.scope.branches:
        found.append(
            "A production branch that is gone, and into which no pull request merged, is known by"
            " GitHub's record of its deletion alone, which goes back a year."
        )
    found += _of_activity(populations)
    return found


def listed(store: Store, source: str, asked: Sequence[str]) -> Iterator[str]:
    """What patterns of repositories stand for, and what they cannot stand for."""
    for pattern in filter(owned.is_pattern, asked):
        owner = pattern.partition("/")[0]
        listing = owned.read_listing(store, source, owner)
        if listing:
            number, whole = len(listing.matching(pattern)), len(listing.names)
            yield (
                f"{pattern} stands for {number:,} of the {whole:,}"
                f" {'repository' if whole == 1 else 'repositories'} that GitHub listed of {owner}"
                f" at {listing.as_of:%Y-%m-%d %H:%M}Z. One that the token may not see is not"
                " among them, nor one that was deleted or moved away before."
            )


def in_several(store: Store, policy: Policy) -> Iterator[str]:
    """Of which projects several Jiras may be meant that the store holds tickets from."""
    tickets = policy.tickets
    named = {tickets.site_of(project) for project in policy.jira_projects}
    sites = [site for site in held_sites(store) if site not in named]
    projects = [project for project in policy.jira_projects if not tickets.site_of(project)]
    if len(sites) > 1 and projects:
        yield (
            f"The store holds tickets from {some(sites)}, and the policy does not say which of"
            f" them {some(projects)} {'is' if len(projects) == 1 else 'are'} in: of each ticket,"
            " what was collected last is taken. Name it as tickets.jira_url, or in"
            " tickets.jira_sites."
        )


def searched(store: Store, source: str) -> str:
    """Where changes were looked for that name a ticket which none of the period's names."""
    held = []
    for row in store.counts(source):
        if (row.source, row.kind) == (source, PULLS):
            spans = single.held_spans(store, source, row.subject)
            when = (f"{span.since:%Y-%m-%d} to {span.until:%Y-%m-%d}" for span in spans)
            held.append(f"{row.subject} ({', '.join(when) or 'in part'})")
    return (
        "Which change names a ticket that was done is told by every pull request in the store:"
        f" those merged into {some(held)}. Work in another repository, or merged at another time,"
        " does not show."
    )


def _reach(teams: Iterable[Team]) -> str:
    """How far what is known of teams' members reaches."""
    told = "Dated users in the policy are judged by their dates."
    several = [
        f"{len(team.history)} of {team.name} from {team.history[0].at:%Y-%m-%d} to"
        f" {team.collected_at:%Y-%m-%d}"
        for team in teams
        if team.earlier
    ]
    if not several:
        return (
            "Team members are as of the collection: GitHub does not tell who was in a"
            f" team earlier. {told}"
        )
    return (
        "Team members are as of snapshots, for GitHub does not tell who was in a team earlier:"
        f" {some(several)}; of every other team there is one. Between two that agree nobody is"
        " taken to have left and come back; before the first, and after the last, that one is"
        f" taken. {told}"
    )


class _Tickets:
    """Notes what tickets leave open: those not asked for, not shown, or without a history."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._why: dict[str, dict[str, None]] = {}

    def see(self, change: Change) -> None:
        """Note it of the tickets of a change, and of those above them where they may count."""
        parents = self._policy.accept_parent
        above = (parent for t in change.tickets for parent in t.parents) if parents else ()
        for ticket in (*change.tickets, *above):
            found = ticket.found
            if isinstance(found, Unavailable):
                self._why.setdefault(found.reason, {})[ticket.key] = None
            elif isinstance(found.history, Unavailable):
                why = f"of their history, {found.history.reason}"
                self._why.setdefault(why, {})[found.key] = None

    def said(self) -> Iterator[str]:
        for reason, keys in self._why.items():
            yield f"What rests on these tickets is undetermined ({reason}): {some(keys)}."
        if self._policy.jira_projects:
            yield (
                "A ticket's status, type, labels and components at a merge are told by its history"
                " as Jira shows it to the audit account; what Jira never recorded shows nowhere."
                " Hidden tickets and those that do not exist look alike."
            )


class _Merges:
    """Notes of which repositories merges name GitHub as their maker, and nothing else shows it."""

    def __init__(self) -> None:
        self._unsigned: dict[str, None] = {}

    def see(self, change: Change) -> None:
        """Note it of the merge of a change."""
        merge = change.pull.merge_commit
        if (
            isinstance(merge, MergeCommit)
            and isinstance(merge.by_github, Unavailable)
            and len(merge.parents) > 1
            and merge.oid != change.pull.head_oid
            and change.pushed is None
        ):
            self._unsigned[change.pull.repository] = None

    def said(self) -> Iterator[str]:
        if self._unsigned:
            yield (
                f"Merge commits of {some(self._unsigned)} bear no signature of GitHub's, or were"
                " collected before it was asked for: that GitHub made them, out of the head and"
                " the base alone, is told by the name in them, which who pushes may write."
            )


def _of_activity(populations: Sequence[Population]) -> list[str]:
    """What the branches' activity tells or leaves open: force-pushes, and pushes unseen."""
    tied = [each for p in populations for each in p.summary.reconciliations]
    found: list[str] = []
    unknown: dict[str, list[str]] = {}
    for each in tied:
        said = [f"{why}." for why in each.unknown]
        if each.activity and each.activity != EVERY_PUSH:
            more = "Whether somebody force-pushed or deleted it then is not known either."
            said.insert(0, f"{each.activity}. {more}")
        for why in said:
            unknown.setdefault(why, []).append(f"{each.branch} of {each.repository}")
    found += [f"Of {some(branches)}, {why}" for why, branches in unknown.items()]
    for each in tied:
        forced = each.of(TieKind.FORCE_PUSH)
        if forced:
            found.append(
                f"{each.branch} of {each.repository} was force-pushed in the period"
                f" ({some([tie.said for tie in forced])}): what reached production before and was"
                " rewritten cannot be enumerated."
            )
        pushed = [tie for tie in each.of(TieKind.MATCHED) if tie.pushed]
        if pushed:
            found.append(
                f"GitHub marks these pull requests as merged into {each.branch} of"
                f" {each.repository}, and its activity shows that somebody pushed their commits:"
                f" {some([tie.id for tie in pushed])}."
            )
    return found
