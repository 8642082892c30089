"""What the facts about GitHub, the policy, the store and Jira mean for an audit, and what to do.

A check fails where an audit could not run, or where what the policy asks would stay undetermined
for want of access. What was not seen is not checked: never ok.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil
from typing import TypeGuard

from changeaudit.policy import Policy
from changeaudit.readiness import (
    Check,
    Facts,
    GitHubFacts,
    JiraFacts,
    Limit,
    Login,
    PolicyFacts,
    Probe,
    Reach,
    RepositoryProbe,
    Status,
    StoreFacts,
    TeamProbe,
    TokenKind,
    Trouble,
)
from changeaudit.records import Record, Unavailable

GITHUB, POLICY, STORE, JIRA = "GitHub", "Policy", "Store", "Jira"

SKEW = timedelta(seconds=30)
"""How far this machine's clock may be off before it is said."""
SOON = timedelta(days=14)
"""How long before its end a token's is said."""
FEW_POINTS = 200
"""So few points left are said: a middling audit takes more."""
LITTLE_SPACE = 500_000_000
"""So few bytes free on the store's disk are said."""

READS_TEAMS = frozenset({"read:org", "write:org", "admin:org"})
OF_SCOPES = (TokenKind.CLASSIC, TokenKind.OAUTH)


class Need(Record, frozen=True):
    """A permission to read, what goes without it, and how a check ends that finds it missing.

    It fails where the policy asks something that takes it.
    """

    permission: str
    title: str
    without: str
    missing: Status


def needs(policy: Policy) -> tuple[Need, ...]:
    """What an audit by the policy reads of a repository, in the order of the documentation."""
    overridden = [override.settings for override in policy.overrides]
    issues = policy.tickets.github_issues or any(
        "github_issues" in settings.tickets.model_fields_set and settings.tickets.github_issues
        for settings in overridden
    )
    every = [policy.qa, *(settings.qa for settings in overridden)]
    checks = any(qa.staging_checks or qa.sign_off_checks for qa in every)
    ticket = Status.FAILED if issues else Status.OK
    check = Status.FAILED if checks else Status.OK
    deployment = Status.WARNING if checks else Status.OK
    staging = "the test in staging (5.2) and a sign-off by a check (5.1) stay undetermined"
    return (
        Need("contents", "Contents", "nothing can be audited", Status.FAILED),
        Need("pull_requests", "Pull requests", "nothing can be audited", Status.FAILED),
        Need("issues", "Issues", "tickets stay undetermined (1.2 to 1.4)", ticket),
        Need("checks", "Checks", staging, check),
        Need("statuses", "Commit statuses", staging, check),
        Need(
            "deployments",
            "Deployments",
            "a test in staging that only a deployment shows stays undetermined (5.2)",
            deployment,
        ),
        Need(
            "administration",
            "Administration",
            "how the branches are protected cannot be shown",
            Status.WARNING,
        ),
    )


def diagnose(facts: Facts, policy: Policy, now: datetime) -> tuple[Check, ...]:
    """Every check, in the order in which to read them. `now` is in UTC."""
    return (
        *_github(facts.github, now),
        *_repositories(facts.github, policy, facts.names),
        *_teams(facts.github, policy),
        _policy(facts.policy),
        *_store(facts.store),
        *_jiras(facts),
    )


# GitHub -----------------------------------------------------------------------------------------


def _github(facts: GitHubFacts, now: datetime) -> Iterator[Check]:
    reach, login = facts.reach, facts.login
    yield _api(reach)
    yield _clock(reach)
    yield _token(login)
    if not _let_in(login):
        return
    yield _expiry(login, now)
    yield from _scopes(login, bool(facts.teams))
    yield _sso(login, facts.repositories)
    yield _limit(login.limit, facts)


def _api(reach: Reach | Trouble) -> Check:
    if isinstance(reach, Trouble):
        return Check("api", GITHUB, "API", Status.FAILED, reach.said, reach.advice)
    if not reach.is_api:
        return Check(
            "api",
            GITHUB,
            "API",
            Status.FAILED,
            f"{reach.base_url} does not answer as GitHub's API does (HTTP {reach.status}:"
            f" {reach.said}).",
            "Check GITHUB_API_URL and the proxy; for Enterprise Server it is https://HOST/api/v3.",
        )
    server = f", Enterprise Server {reach.version}" if reach.version else ""
    return Check("api", GITHUB, "API", Status.OK, f"{reach.base_url} answers{server}.")


def _clock(reach: Reach | Trouble) -> Check:
    if isinstance(reach, Trouble) or reach.server_at is None:
        return Check("clock", GITHUB, "Clock", Status.NOT_CHECKED, "GitHub did not tell the time.")
    # The server's second had begun; it answered somewhen between question and answer.
    fast = reach.asked_at - (reach.server_at + timedelta(seconds=1))
    slow = reach.server_at - reach.answered_at
    if max(fast, slow) <= SKEW:
        return Check(
            "clock", GITHUB, "Clock", Status.OK, f"It is within {_span(SKEW)} of GitHub's."
        )
    if fast > slow:
        off = f"ahead of GitHub's by {_span(fast)}"
        bears = "takes that much of the future for audited: what merges in it is not there yet"
    else:
        off = f"behind GitHub's by {_span(slow)}"
        bears = "leaves out what merged in that time"
    return Check(
        "clock",
        GITHUB,
        "Clock",
        Status.WARNING,
        f"This machine's clock is {off}. An audit up to now {bears}.",
        "Set the clock, best by NTP. A GitHub App's signature is refused from a minute on.",
    )


def _let_in(login: Login | Trouble | None) -> TypeGuard[Login]:
    """Whether GitHub said whose the token is."""
    return isinstance(login, Login) and bool(login.account)


def _token(login: Login | Trouble | None) -> Check:
    def check(status: Status, found: str, advice: str = "") -> Check:
        return Check("token", GITHUB, "Token", status, found, advice)

    if login is None:
        return check(Status.NOT_CHECKED, "GitHub was not reached.")
    if isinstance(login, Trouble):
        return check(Status.FAILED, login.said, login.advice)
    what = f"{login.origin}: {login.kind}"
    if login.account:
        found = f"{what}, of {login.account}."
        if login.unused:
            found += f" {login.unused} is set too and not used."
        return check(Status.OK, found)
    said = f"(HTTP {login.status}: {login.said})"
    if login.limited:
        return check(
            Status.FAILED,
            f"{what}. Its rate limit is used up {said}.",
            "Wait for the next hour, or use a GitHub App, which has a limit of its own.",
        )
    if login.status == 401:
        advice = f"Set {login.origin} to one that has not expired or been revoked."
        if login.kind is TokenKind.REFRESH:
            advice = "A refresh token opens nothing by itself. Set a personal access token."
        return check(Status.FAILED, f"{what}. GitHub does not accept it {said}.", advice)
    return check(
        Status.FAILED,
        f"{what}. GitHub refuses to say whose it is {said}.",
        _sso_advice(login.kind) if login.sso else "What GitHub says of it is the cause.",
    )


def _expiry(login: Login, now: datetime) -> Check:
    def check(status: Status, found: str, advice: str = "") -> Check:
        return Check("token.expiry", GITHUB, "Expiry", status, found, advice)

    if login.permissions is not None:
        return check(Status.OK, "It is valid for an hour and renewed before its end.")
    if login.expires_at is not None:
        left = login.expires_at - now
        found = f"It expires on {_instant(login.expires_at)}, in {_days(left)}."
        if left <= SOON:
            return check(Status.WARNING, found, "Make another one in time.")
        return check(Status.OK, found)
    if login.kind is TokenKind.INSTALLATION:
        return check(
            Status.WARNING,
            "It is valid for an hour at most, or as long as its job of GitHub Actions.",
            "For longer audits set GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY: then it is renewed.",
        )
    return check(Status.OK, "GitHub names no end.")


def _scopes(login: Login, teams: bool) -> Iterator[Check]:
    """The scopes of a classic token, or what an App was granted; the rest is tried."""
    if login.permissions is not None:
        granted = (f"{name}: {access}" for name, access in sorted(login.permissions.items()))
        told = ", ".join(granted) or "none"
        yield Check("token.permissions", GITHUB, "Granted", Status.OK, f"{told}.")
    if login.scopes is None or login.kind not in (*OF_SCOPES, TokenKind.UNKNOWN):
        return
    told = ", ".join(login.scopes) or "none"
    missing = [] if "repo" in login.scopes else ["repo (for private repositories)"]
    if teams and not READS_TEAMS & set(login.scopes):
        missing.append("read:org (for the policy's teams)")
    if not missing:
        yield Check("token.scopes", GITHUB, "Scopes", Status.OK, f"{told}.")
        return
    yield Check(
        "token.scopes",
        GITHUB,
        "Scopes",
        Status.WARNING,
        f"{told}. Missing: {', '.join(missing)}.",
        "Add them in GitHub under Settings, Developer settings, Personal access tokens; or with"
        " `gh auth refresh --scopes repo,read:org`.",
    )


def _sso(login: Login, repositories: tuple[RepositoryProbe, ...]) -> Check:
    kept = [each.name for each in repositories if each.sso]
    if not kept and not login.sso:
        return Check(
            "token.sso",
            GITHUB,
            "Single sign-on",
            Status.OK,
            "It keeps nothing back from the token.",
        )
    what = f" {', '.join(kept)}" if kept else " something"
    return Check(
        "token.sso",
        GITHUB,
        "Single sign-on",
        Status.FAILED,
        f"An organisation keeps{what} back until the token is authorised for its single sign-on.",
        _sso_advice(login.kind),
    )


def _sso_advice(kind: TokenKind) -> str:
    if kind in (TokenKind.OAUTH, TokenKind.APP_USER):
        return "Sign on to the organisation in a browser, and log in again with `gh auth login`."
    return (
        "In GitHub under Settings, Developer settings, Personal access tokens: Configure SSO, and"
        " authorise it for the organisation."
    )


def _limit(limit: Limit | None, facts: GitHubFacts) -> Check:
    def check(status: Status, found: str, advice: str = "") -> Check:
        return Check("rate-limit", GITHUB, "Rate limit", status, found, advice)

    if limit is None:
        return check(Status.OK, "GitHub sets none.")
    points, pulls = facts.points_a_page, facts.pulls_a_page
    left = f"{limit.remaining:,} of {limit.limit:,} points left until {_instant(limit.reset_at)}"
    worth = limit.remaining // points * pulls
    found = f"{left}: enough for about {worth:,} pull requests."
    costs = [
        f"{each.merged:,} of {each.name} at least {ceil(each.merged / pulls) * points:,} points"
        for each in facts.repositories
        if each.merged
    ]
    if costs:
        found += f" All that ever merged would take: {'; '.join(costs)}."
    if limit.remaining < FEW_POINTS:
        return check(
            Status.WARNING,
            found,
            "An audit waits for the next hour when they are used up, and keeps what it has.",
        )
    return check(Status.OK, found)


# Repositories and teams -------------------------------------------------------------------------


def _repositories(facts: GitHubFacts, policy: Policy, names: tuple[str, ...]) -> Iterator[Check]:
    login = facts.login
    if not _let_in(login):
        why = "GitHub was not reached." if login is None else "The token could not be used."
        for about in names or (GITHUB,):
            yield Check("permissions", about, "Permissions", Status.NOT_CHECKED, why)
        return
    if not facts.repositories:
        yield Check(
            "permissions",
            GITHUB,
            "Permissions",
            Status.NOT_CHECKED,
            "No repository is named to try them on.",
            "Name one that is to be audited: changeaudit doctor OWNER/REPO.",
        )
    for each in facts.repositories:
        yield _visible(each, login)
        if not each.said:
            for need in needs(policy):
                yield _permission(each, need, login)


def _visible(found: RepositoryProbe, login: Login) -> Check:
    if not found.said:
        merged = f"{found.merged:,} merged pull request{'' if found.merged == 1 else 's'}"
        return Check(
            "repository", found.name, "Metadata", Status.OK, f"It is visible, with {merged}."
        )
    return Check(
        "repository",
        found.name,
        "Metadata",
        Status.FAILED,
        f"It is not there, or the token may not see it ({found.said}).",
        f"Check the spelling. {_grant('metadata', 'Metadata', login)}",
    )


def _permission(found: RepositoryProbe, need: Need, login: Login) -> Check:
    def check(status: Status, said: str, advice: str = "") -> Check:
        id_ = f"permission.{need.permission}"
        return Check(id_, found.name, need.title, status, said, advice)

    probe = next((each for each in found.probes if each.permission == need.permission), None)
    may = _may(found, need, probe)
    unsure = need.permission == "checks" and login.kind is TokenKind.FINE_GRAINED
    if may and unsure and not found.check_runs and need.missing is not Status.OK:
        return check(
            Status.WARNING,
            "Not refused, but no check run was shown, and a fine-grained token is shown none.",
            _grant(need.permission, need.title, login),
        )
    if may:
        return check(Status.OK, "Can be read.")
    if may is None:
        why = "There is no branch to try it on." if probe is None else f"{probe.said}."
        if probe is not None and probe.limited:
            why = "The rate limit is used up."
        return check(Status.NOT_CHECKED, why, "Run it again, or name another repository.")
    if need.missing is Status.OK:
        return check(Status.OK, "Cannot be read, and this policy asks nothing that takes it.")
    return check(
        need.missing,
        f"Cannot be read{_said(probe)}. Without it {need.without}.",
        _grant(need.permission, need.title, login, probe),
    )


def _may(found: RepositoryProbe, need: Need, probe: Probe | None) -> bool | None:
    """Whether it can be read; `None` where the answers do not tell.

    GraphQL, which an audit asks, has the last word where it said something. GitHub hides from
    whom it refuses, so a part that is not there counts as refused.
    """
    if need.permission in found.refused:
        return False
    if need.permission == "checks" and found.check_runs:
        return True
    if probe is None or probe.limited:
        return None
    if probe.status in (200, 409, 410) or "not protected" in probe.said.lower():
        return True  # empty, switched off, or without protection: it was shown that there is none
    return False if probe.status in (401, 403, 404) else None


def _said(probe: Probe | None) -> str:
    if probe is None or probe.status == 200:
        return ""
    return f" (HTTP {probe.status}: {probe.said})"


def _grant(permission: str, title: str, login: Login, probe: Probe | None = None) -> str:
    """Exactly what to grant, for the kind of token."""
    if login.kind in OF_SCOPES:
        return "Give the token the scope repo, and its account access to the repository."
    if login.kind is TokenKind.FINE_GRAINED and permission == "checks":
        return (
            "GitHub shows check runs to no fine-grained token: use a GitHub App with Checks: read,"
            " or a classic token with the scope repo."
        )
    accepted = probe.accepted if probe else ""
    own_words = f" (GitHub accepts {accepted})" if accepted else ""
    if login.permissions is not None or login.kind is TokenKind.INSTALLATION:
        return (
            f"Grant the App the repository permission {title}: read{own_words}, have the account's"
            " owner accept it, and see that the repository is among those it is installed for. In"
            f" GitHub Actions: permissions, {permission.replace('_', '-')}: read."
        )
    return (
        f"Grant the token the repository permission {title}: read{own_words}, for this repository."
    )


def _teams(facts: GitHubFacts, policy: Policy) -> Iterator[Check]:
    if not _let_in(facts.login):
        if policy.teams:
            why = "The policy names teams; the token could not be tried on them."
            yield Check("teams", POLICY, "Teams", Status.NOT_CHECKED, why)
        return
    for each in facts.teams:
        yield _team(each, facts.login)
    if facts.teams_left:
        yield Check(
            "teams",
            POLICY,
            "Teams",
            Status.NOT_CHECKED,
            f"{facts.teams_left} more teams of the policy were not asked about.",
        )


def _team(found: TeamProbe, login: Login) -> Check:
    def check(status: Status, said: str, advice: str = "") -> Check:
        return Check("team", POLICY, f"Team {found.name}", status, said, advice)

    if isinstance(found.members, Unavailable):
        grant = (
            "the scope read:org"
            if login.kind in OF_SCOPES
            else "the organisation permission Members: read"
        )
        return check(
            Status.FAILED,
            f"Its members cannot be read ({found.members.reason}). Without them roles that the"
            " policy gives to it stay undetermined.",
            f"Check the spelling, and give the token {grant}.",
        )
    if not found.members:
        return check(
            Status.WARNING,
            "It has no members that the token sees: nobody holds its roles.",
            "See that it is the right team.",
        )
    return check(Status.OK, f"{found.members:,} member{'' if found.members == 1 else 's'}.")


# Policy, store, Jira ----------------------------------------------------------------------------


def _policy(found: PolicyFacts) -> Check:
    if found.trouble:
        return Check(
            "policy", POLICY, "Policy", Status.FAILED, found.trouble.said, found.trouble.advice
        )
    if not found.unsaid:
        return Check("policy", POLICY, "Policy", Status.OK, f"{found.source} is valid.")
    return Check(
        "policy",
        POLICY,
        "Policy",
        Status.WARNING,
        f"{found.source} is valid, but leaves something unsaid, for want of which attributes will"
        f" stay undetermined: {'; '.join(found.unsaid)}.",
        "Say it in the policy: `changeaudit policy check FILE` tells where, and `changeaudit policy"
        " init` writes a first one.",
    )


def _store(found: StoreFacts) -> Iterator[Check]:
    yield _store_itself(found)
    if found.free is not None and found.free < LITTLE_SPACE:
        yield Check(
            "store.space",
            STORE,
            "Disk",
            Status.WARNING,
            f"Its disk has {found.free / 1e6:,.0f} MB left.",
            "Make room, or name a store elsewhere with --store.",
        )


def _store_itself(found: StoreFacts) -> Check:
    def check(status: Status, said: str, advice: str = "") -> Check:
        return Check("store", STORE, "Evidence store", status, said, advice)

    if found.unreadable:
        return check(Status.FAILED, found.unreadable.said, found.unreadable.advice)
    if found.problems:
        more = f" (and {len(found.problems) - 1:,} more)" if len(found.problems) > 1 else ""
        return check(
            Status.FAILED,
            f"{found.where} is not whole: {found.problems[0]}{more}",
            "`changeaudit store verify` lists every problem. Restore it from a copy.",
        )
    if found.unwritable:
        status = Status.WARNING if found.there else Status.FAILED
        only = " It can be read: --offline works." if found.there else ""
        return check(status, f"{found.unwritable.said}{only}", found.unwritable.advice)
    if not found.there:
        return check(Status.OK, f"{found.where} is not there yet: the first audit makes it.")
    verified = (
        "each of them verified" if found.problems is not None else "not verified (use --verify)"
    )
    answers = f"{found.answers:,} answer{'' if found.answers == 1 else 's'}"
    return check(Status.OK, f"{found.where} can be read and written: {answers}, {verified}.")


def _jiras(facts: Facts) -> Iterator[Check]:
    unread = "Which Jira projects count is not known: the policy cannot be read."
    none = "The policy names no Jira project: no Jira ticket counts, and an audit asks no Jira."
    unnamed = unread if facts.policy.trouble else none
    if not facts.jira:
        yield Check("jira", JIRA, "Jira", Status.NOT_CHECKED, unnamed, "")
    several = len(facts.jira) > 1
    for each in facts.jira:
        yield _jira(each, f"jira.{each.site}" if several else "jira", unnamed)


def _jira(jira: JiraFacts, id_: str, unnamed: str) -> Check:
    """The check of one Jira; `unnamed` is what it means that no project is wanted of it."""
    found, wanted = jira.found, jira.projects

    def check(status: Status, said: str, advice: str = "") -> Check:
        return Check(id_, JIRA, f"Jira {jira.site}".strip(), status, said, advice)

    keys = ", ".join(wanted)
    if isinstance(found, Trouble | Unavailable):
        stops = (
            f"An audit stops where a change names a ticket of {keys}, unless it is run with"
            " --allow-missing-tickets."
            if wanted
            else unnamed
        )
        said, advice = (
            (found.said, found.advice)
            if isinstance(found, Trouble)
            else (
                f"Jira could not be asked: {found.reason}.",
                "Check JIRA_URL (or tickets.jira_url), and JIRA_TOKEN, on the Cloud with"
                " JIRA_EMAIL; the README tells the variables of further Jiras.",
            )
        )
        return check(Status.FAILED if wanted else Status.WARNING, f"{said} {stops}", advice)
    seen = {key for key, _ in found.names}
    if not seen:
        return check(
            Status.FAILED if wanted else Status.WARNING,
            f"{found.host} answers, and shows no project at all.{'' if wanted else f' {unnamed}'}",
            "Check the credentials: Jira shows nothing to whom it does not know.",
        )
    hidden = [key for key in wanted if key not in seen]
    if hidden:
        return check(
            Status.FAILED,
            f"{found.host} answers, but does not show {', '.join(hidden)} to the account.",
            "Check the keys, and give the account the permission Browse projects in them.",
        )
    said = f"{found.host} answers, and shows {len(seen):,} project{'' if len(seen) == 1 else 's'}"
    if not wanted:
        return check(
            Status.WARNING,
            f"{said}. {unnamed}",
            "Name the projects whose tickets count: tickets: {jira_projects: [PAY]}.",
        )
    return check(Status.OK, f"{said}, the policy's among them ({keys}).")


# Words ------------------------------------------------------------------------------------------


def _span(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    if seconds < 120:
        return f"{seconds} seconds"
    return f"{seconds // 60:,} minutes" if seconds < 7200 else f"{seconds // 3600:,} hours"


def _days(span: timedelta) -> str:
    days = max(span.days, 0)
    return "less than a day" if days < 1 else f"{days} day{'' if days == 1 else 's'}"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"
