"""Jira as a source of tickets: every Jira that the policy's projects are in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from types import MappingProxyType

from changeaudit.collectors.asking import Asking, Portion
from changeaudit.collectors.jira import issues
from changeaudit.collectors.jira.access import Access, access_to, default_address
from changeaudit.collectors.jira.connection import Connection
from changeaudit.collectors.jira.issues import Site
from changeaudit.collectors.jira.reading import (
    held_sites,
    read_facts,
    read_held,
    read_updated,
)
from changeaudit.collectors.spans import Covered, Span, coverage
from changeaudit.errors import CollectError
from changeaudit.policy import Policy, Tickets
from changeaudit.records import Repository, Ticket, Unavailable
from changeaudit.sites import GATEWAY, site_of
from changeaudit.store import Store
from changeaudit.ticket_refs import jira_keys

TOO_OLD = Unavailable(
    "it was last read before the pull request merged that names it: collect it again"
)


class Jira:
    """The tickets of Jira projects, by key."""

    name = "jira"

    def __init__(self, sites: Mapping[str, Sequence[str]] = MappingProxyType({})) -> None:
        self._sites = sites

    def find(self, text: str, place: str, repository: Repository, policy: Tickets) -> Iterable[str]:
        """The keys of the policy's Jira projects that a text names."""
        return jira_keys(text, place, repository, policy, self._sites)

    def owns(self, key: str, policy: Policy) -> bool:
        """Whether a key is one of a Jira project of the policy."""
        return project_of(key) in policy.jira_projects

    def portions(
        self, wanted: Mapping[str, datetime], policy: Policy, asking: Asking
    ) -> Iterator[Portion]:
        """One portion for each Jira."""
        for address, projects in policy.jiras.items():
            own = {key: at for key, at in wanted.items() if project_of(key) in projects}
            if own or asking.touched_since:
                yield Portion(tuple(own), partial(_collect, address, projects, own, policy, asking))

    def read(
        self,
        store: Store,
        source: str,
        wanted: Mapping[str, datetime],
        policies: Sequence[Policy],
    ) -> dict[str, Ticket | Unavailable]:
        """The tickets with these keys, and their parents where a policy accepts those."""
        found: dict[str, Ticket | Unavailable] = {}
        above: dict[str, dict[str, datetime]] = {}
        for site, keys in _by_site(store, wanted, policies).items():
            for key, held in read_held(store, site, keys).items():
                merged = wanted[key]
                found[key] = held.found if held.as_of > merged else TOO_OLD
                for parent in held.parents:
                    known = above.setdefault(site, {}).get(parent.casefold(), merged)
                    above[site][parent.casefold()] = max(known, merged)
        if any(policy.accept_parent for policy in policies):
            for site, parents in above.items():
                for key, held in read_held(store, site, parents).items():
                    found.setdefault(key, held.found if held.as_of > parents[key] else TOO_OLD)
        return found


def read_touched(
    store: Store, policy: Policy, since: datetime, until: datetime
) -> tuple[Ticket, ...] | Unavailable:
    """Every ticket of the policy's projects that was last updated at or after `since`.

    With its whole history, as last read. Where what happened up to `until` is not held of one of
    the projects, it is `Unavailable`.
    """
    found: list[Ticket] = []
    for project in policy.jira_projects:
        missing = ""
        for site in _sites_of(store, project, [policy]):
            known = _covered(store, site, project, Span(since, until))
            if not known.missing:
                break
            missing = site
        else:
            where = f" from {missing}" if missing else ""
            return Unavailable(
                f"the store does not hold the tickets of {project}{where} that changed from"
                f" {since:%Y-%m-%d} on"
            )
        found += (t for t in read_updated(store, site, since) if t.project == project)
    return tuple(found)


def read_statuses(store: Store, site: str) -> dict[str, str]:
    """The category ("new", "indeterminate", "done") of each status of a site, by today's name."""
    return read_facts(store, site).categories


def read_sites(store: Store, policy: Policy) -> dict[str, tuple[str, ...]]:
    """The sites of the policy's projects, as far as the store tells in which Jira they are.

    A site is given by the name that it was asked under, and by the one that it gives itself.
    """
    held = held_sites(store)
    found: dict[str, tuple[str, ...]] = {}
    for project in policy.jira_projects:
        own = policy.tickets.site_of(project)
        asked = [site for site in held if store.windows(site, project, issues.TOUCHED)]
        sites = [own] if own in held else [] if own else asked or (held if len(held) == 1 else [])
        if sites:
            itself = (site_of(read_facts(store, site).base_url) for site in sites)
            found[project] = tuple(dict.fromkeys((*sites, *itself)))
    return found


def project_of(key: str) -> str:
    """The project of a key, in capitals; "" if it is no key of Jira's."""
    project, dash, number = key.rpartition("-")
    return project.upper() if dash and number.isdecimal() else ""


def access_for(
    address: str, projects: Sequence[str], environment: Mapping[str, str]
) -> tuple[Access, str]:
    """What opens the Jira of some projects, and the name of its site.

    Raises:
        CollectError: none is named, or there is no token for it.
    """
    found = address or default_address(environment)
    if not found:
        raise CollectError(
            f"The policy counts tickets of {', '.join(projects)}, and no Jira is named.",
            "Set JIRA_URL, and JIRA_TOKEN (with JIRA_EMAIL on the Cloud).",
        )
    return access_to(found, environment), site_of(found)


def without_access(policy: Policy, environment: Mapping[str, str]) -> Iterator[CollectError]:
    """What stands in the way of asking the policy's Jiras, before any is asked."""
    for address, projects in policy.jiras.items():
        try:
            access_for(address, projects, environment)
        except CollectError as error:
            yield error


# --- collecting ---------------------------------------------------------------------------------


def _collect(
    address: str,
    projects: Sequence[str],
    wanted: Mapping[str, datetime],
    policy: Policy,
    asking: Asking,
) -> None:
    """Bring what is held of one Jira up to date; `address` is "" for the one of the environment.

    Raises:
        CollectError: there is no way to it, or it refused, or kept failing.
    """
    try:
        access, name = access_for(address, projects, asking.environment)
    except CollectError as error:
        if wanted:
            raise
        asking.progress.noted(f"Tickets without a change are not looked for: {error.message}")
        return
    connection = Connection(access, name, asking.clock, asking.progress, asking.sleep)
    with closing(connection):
        try:
            _bring_up_to_date(_Lazily(connection, access, policy, asking), projects, wanted)
        finally:
            asking.took(name, connection.requests)


class _Lazily:
    """A Jira that is asked what it is only once something is to be asked of it."""

    def __init__(
        self, connection: Connection, access: Access, policy: Policy, asking: Asking
    ) -> None:
        self._connection = connection
        self._access = access
        self._site: Site | None = None
        self.name = connection.site
        self.policy = policy
        self.asking = asking

    def opened(self) -> Site:
        """The Jira.

        Raises:
            CollectError: it does not answer as one, or is another than the one that was meant.
        """
        if self._site is None:
            self._site = Site(
                self._connection,
                self.asking.store,
                self.asking.progress,
                comments=self.policy.ticket_comments,
                epics=self.policy.accept_parent,
            )
            through_gateway = self._access.url.startswith(GATEWAY)
            meant = self.name in (self._access.site, site_of(self._site.address))
            if through_gateway and not meant:
                raise CollectError(
                    f"JIRA_CLOUD_ID is the id of another site than {self.name}.",
                    f"Its own stands in https://{self.name}/_edge/tenant_info, as cloudId.",
                )
        return self._site


def _bring_up_to_date(
    jira: _Lazily, projects: Sequence[str], wanted: Mapping[str, datetime]
) -> None:
    store, asking, policy = jira.asking.store, jira.asking, jira.policy
    if asking.touched_since:
        now = asking.clock()
        missing: dict[Span, list[str]] = {}
        for project in projects:
            for span in _covered(
                store, jira.name, project, Span(asking.touched_since, now)
            ).missing:
                missing.setdefault(span, []).append(project)
        for span, some in missing.items():
            jira.opened().collect_touched(some, span, now)
    outdated = _outdated(store, jira.name, wanted, policy)
    if outdated:
        named = f"further tickets of {jira.name} that pull requests name"
        jira.opened().collect(outdated, named)
    if policy.accept_parent:
        above: dict[str, datetime] = {}
        for key, held in read_held(store, jira.name, wanted).items():
            for parent in held.parents:
                at = above.get(parent.casefold(), wanted[key])
                above[parent.casefold()] = max(at, wanted[key])
        outdated = _outdated(store, jira.name, above, policy)
        if outdated:
            jira.opened().collect(outdated, f"parents of tickets of {jira.name}")


def _outdated(store: Store, site: str, wanted: Mapping[str, datetime], policy: Policy) -> list[str]:
    """The keys that are to be asked for: what is held was not read since what names it merged.

    One that was not shown may be by now, and one whose comments are wanted may be held without.
    """
    held = read_held(store, site, wanted)

    def is_held(key: str, merged: datetime) -> bool:
        found = held.get(key)
        if found is None or isinstance(found.found, Unavailable):
            return False
        return found.as_of > merged and (found.comments or not policy.ticket_comments)

    return [key.upper() for key, merged in wanted.items() if not is_held(key, merged)]


# --- reading ------------------------------------------------------------------------------------


def _by_site(
    store: Store, wanted: Iterable[str], policies: Sequence[Policy]
) -> dict[str, list[str]]:
    """The keys by the Jira from which the store holds them.

    Where no policy names it, several may have been asked: the one that was asked last counts.
    """
    projects: dict[str, list[str]] = {}
    for key in wanted:
        projects.setdefault(project_of(key), []).append(key)
    found: dict[str, list[str]] = {}
    for project, keys in projects.items():
        newest: dict[str, tuple[datetime, str]] = {}
        sites = _sites_of(store, project, policies)
        if len(sites) == 1:
            found.setdefault(sites[0], []).extend(keys)
            continue
        for site in sites:
            for located in store.find(site, issues.KIND, keys):
                for item in located.items:
                    at = located.answer.answer.received_at
                    if item.key not in newest or newest[item.key][0] < at:
                        newest[item.key] = at, site
        for key, (_, site) in newest.items():
            found.setdefault(site, []).append(key)
    return found


def _sites_of(store: Store, project: str, policies: Sequence[Policy]) -> tuple[str, ...]:
    """The Jiras of which a project may be, and of which the store holds something."""
    held = held_sites(store)
    named = {site for policy in policies if (site := policy.tickets.site_of(project))}
    return tuple(site for site in held if not named or site in named)


def _covered(store: Store, site: str, project: str, span: Span) -> Covered:
    windows = store.windows(site, project, issues.TOUCHED)
    return coverage(span, ((Span(w.since, w.until), w.as_of) for w in windows))
