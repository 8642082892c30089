"""Snapshots of what guards a repository's branches: asks for them, and reads them back.

Every answer is kept, whether anything changed or not: that a setting is the same today is evidence
as well, and it is dated by nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import msgspec

from changeaudit.collectors.github import wire
from changeaudit.collectors.github.ask import Session, decode, digest
from changeaudit.collectors.github.queries import operation
from changeaudit.collectors.github.stored import opened, shaped
from changeaudit.collectors.github.transport import UnknownFieldError
from changeaudit.collectors.shapes import decoded
from changeaudit.protections import (
    Bypass,
    DormantRuleset,
    Environment,
    Exempt,
    Guard,
    GuardedBranch,
    RepositorySettings,
    Ruleset,
    RulesetVersion,
)
from changeaudit.records import Unavailable
from changeaudit.store import Item, Store, StoredAnswer

KIND = "controls"
BRANCH_KIND = "controls.branch"
HISTORY_KIND = "controls.history"
KINDS: Final = (KIND, BRANCH_KIND, HISTORY_KIND)

WITHOUT_RULES: Final = "controls_branch_without_rules"
"""The operation of a stored request where the server could not tell which rules apply."""

_BEFORE_RULESETS: Final = ("controls_before_rulesets", "controls_branch_before_rulesets")
"""The operations of stored requests where the server knew no rulesets at all."""

ADMINISTRATION: Final = "Administration: read"
OF_HISTORY: Final = "Administration: write"
OF_ENVIRONMENTS: Final = "Actions: read"

T = TypeVar("T")
Lost = Callable[..., Unavailable | None]


# --- asking -------------------------------------------------------------------------------------


def collect_controls(session: Session, name: str, branches: Sequence[str]) -> None:
    """Store today's settings of a repository, what guards the branches, and rulesets' history.

    Raises:
        CollectError: GitHub failed, or its version knows less than is needed.
    """
    owner, _, short = name.partition("/")
    about = f"the settings of {name}"
    variables: dict[str, Any] = {"owner": owner, "name": short}
    rulesets = True
    try:
        reply = session.ask(operation("controls"), variables, about)
    except UnknownFieldError as error:
        if "'rulesets' doesn't exist on type 'Repository'" not in error.message:
            raise
        rulesets = False
        reply = session.ask(operation("controls_before_rulesets"), variables, about)
    version = digest(msgspec.json.encode((_facts(reply.data), reply.errors)))
    session.put(reply, name, KIND, [Item(KIND, name.casefold(), 0, version, None)])
    histories: dict[str, str] = {}
    for done, branch in enumerate(branches, start=1):
        histories |= _collect_branch(session, name, branch, rulesets)
        session.progress.collected(f"branches of {name}", done, len(branches))
    for subject, path in histories.items():
        reply = session.transport.get(path, f"the history of a ruleset of {name}")
        session.put(reply, subject, HISTORY_KIND)


def _collect_branch(session: Session, name: str, branch: str, rulesets: bool) -> dict[str, str]:
    """Store what guards a branch; returns where the history of its rulesets is, by subject."""
    owner, _, short = name.partition("/")
    about = f"what guards {branch} of {name}"
    variables = {"owner": owner, "name": short, "ref": f"refs/heads/{branch}"}
    earlier = operation("controls_branch_before_rulesets")
    if rulesets:
        try:
            whole = {**variables, "branch": branch}
            reply = session.ask(operation("controls_branch"), whole, about)
        except UnknownFieldError:
            # Under a name of its own: that there are rulesets is known, and nothing of them.
            unknown = msgspec.structs.replace(earlier, name=WITHOUT_RULES)
            reply = session.ask(unknown, variables, about)
    else:
        reply = session.ask(earlier, variables, about)
    data = decode(wire.given(reply.data), _BranchData, about, reply.errors)
    subject = f"{name}@{branch}"
    version = digest(msgspec.json.encode((_facts(reply.data), reply.errors)))
    item = Item(BRANCH_KIND, subject.casefold(), 0, version, None)
    session.put(reply, subject, BRANCH_KIND, [item])
    rules = data.ruled.ref.rules if data.ruled and data.ruled.ref else None
    found: dict[str, str] = {}
    for rule in rules.nodes if rules else ():
        if rule and rule.repository_ruleset:
            path = _history_path(rule.repository_ruleset)
            if path:
                found[_history_subject(name, rule.repository_ruleset)] = path
    return found


def _facts(data: msgspec.Raw) -> Any:
    """An answer's data less what differs each time."""
    found = msgspec.json.decode(wire.given(data))
    found.pop("rateLimit", None)
    return found


def _history_subject(name: str, ruleset: _Ruleset) -> str:
    return f"{name}@ruleset {ruleset.id}"


def _history_path(ruleset: _Ruleset) -> str:
    """Where the REST API has the history of a ruleset; "" where it has none for this account."""
    source = ruleset.source
    if ruleset.database_id is None or source is None:
        return ""
    if source.kind == "Repository":
        place = f"/repos/{quote(source.name_with_owner)}"
    elif source.kind == "Organization":
        place = f"/orgs/{quote(source.login)}"
    else:
        return ""
    return f"{place}/rulesets/{ruleset.database_id}/history?per_page=100"


# --- the answers as they come -------------------------------------------------------------------


class _Listed(wire.Wire, Generic[T], frozen=True):
    nodes: tuple[T | None, ...] | None = None
    total_count: int = -1


class _Actor(wire.Wire, frozen=True):
    kind: str = msgspec.field(name="__typename", default="")
    login: str = ""
    slug: str = ""
    combined_slug: str = ""


class _Allowance(wire.Wire, frozen=True):
    actor: _Actor | None = None


class _ProtectionRule(wire.Wire, frozen=True):
    pattern: str
    requires_approving_reviews: bool
    dismisses_stale_reviews: bool
    requires_code_owner_reviews: bool
    require_last_push_approval: bool
    requires_conversation_resolution: bool
    requires_status_checks: bool
    requires_strict_status_checks: bool
    requires_deployments: bool
    allows_force_pushes: bool
    allows_deletions: bool
    lock_branch: bool
    is_admin_enforced: bool
    restricts_pushes: bool
    required_approving_review_count: int | None = None
    required_status_check_contexts: tuple[str | None, ...] | None = None
    required_deployment_environments: tuple[str | None, ...] | None = None
    push_allowances: _Listed[_Allowance] | None = None
    bypass_pull_request_allowances: _Listed[_Allowance] | None = None
    bypass_force_push_allowances: _Listed[_Allowance] | None = None


class _UpdateRule(wire.Wire, frozen=True):
    """The part of a protection rule that GitHub shows to everybody."""

    pattern: str
    requires_code_owner_reviews: bool
    requires_conversation_resolution: bool
    allows_force_pushes: bool
    allows_deletions: bool
    required_approving_review_count: int | None = None
    required_status_check_contexts: tuple[str | None, ...] | None = None


class _ProtectedRef(wire.Wire, frozen=True):
    name: str
    branch_protection_rule: _ProtectionRule | None = None
    ref_update_rule: _UpdateRule | None = None


class _Protected(wire.Wire, frozen=True):
    viewer_permission: str | None = None
    ref: _ProtectedRef | None = None


class _Source(wire.Wire, frozen=True):
    kind: str = msgspec.field(name="__typename", default="")
    name_with_owner: str = ""
    login: str = ""
    slug: str = ""


class _BypassActor(wire.Wire, frozen=True):
    bypass_mode: str | None = None
    deploy_key: bool = False
    organization_admin: bool = False
    repository_role_name: str | None = None
    actor: _Actor | None = None


class _Ruleset(wire.Wire, frozen=True):
    id: str
    name: str
    created_at: datetime
    updated_at: datetime
    database_id: int | None = None
    source: _Source | None = None
    bypass_actors: _Listed[_BypassActor] | None = None


class _Context(wire.Wire, frozen=True):
    context: str


class _Workflow(wire.Wire, frozen=True):
    path: str


class _Parameters(wire.Wire, frozen=True):
    """The parameters of any rule; each kind of rule has its own."""

    required_approving_review_count: int = 0
    dismiss_stale_reviews_on_push: bool = False
    require_code_owner_review: bool = False
    require_last_push_approval: bool = False
    required_review_thread_resolution: bool = False
    strict_required_status_checks_policy: bool = False
    required_status_checks: tuple[_Context, ...] = ()
    required_deployment_environments: tuple[str, ...] = ()
    workflows: tuple[_Workflow, ...] = ()


class _Rule(wire.Wire, frozen=True):
    type: str
    parameters: _Parameters | None = None
    repository_ruleset: _Ruleset | None = None


class _RuledRef(wire.Wire, frozen=True):
    rules: wire.Page[_Rule] | None = None


class _Ruled(wire.Wire, frozen=True):
    viewer_permission: str | None = None
    ref: _RuledRef | None = None


class _Id(wire.Wire, frozen=True):
    id: str


class _Queued(wire.Wire, frozen=True):
    merge_queue: _Id | None = None


class _BranchData(wire.Wire, frozen=True):
    protected: _Protected | None = None
    ruled: _Ruled | None = None
    queued: _Queued | None = None


class _Settings(wire.Wire, frozen=True):
    merge_commit_allowed: bool
    squash_merge_allowed: bool
    rebase_merge_allowed: bool
    auto_merge_allowed: bool
    delete_branch_on_merge: bool
    web_commit_signoff_required: bool


class _DeploymentRule(wire.Wire, frozen=True):
    type: str
    prevent_self_review: bool | None = None
    reviewers: _Listed[_Actor] | None = None


class _Environment(wire.Wire, frozen=True):
    name: str
    protection_rules: wire.Nodes[_DeploymentRule] | None = None


class _Deployed(wire.Wire, frozen=True):
    environments: wire.Page[_Environment] | None = None


class _RefName(wire.Wire, frozen=True):
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class _Conditions(wire.Wire, frozen=True):
    ref_name: _RefName | None = None


class _RepositoryRuleset(wire.Wire, frozen=True):
    name: str
    enforcement: str
    target: str | None = None
    conditions: _Conditions = _Conditions()


class _Rulesets(wire.Wire, frozen=True):
    rulesets: wire.Page[_RepositoryRuleset] | None = None


class _ControlsData(wire.Wire, frozen=True):
    settings: _Settings | None = None
    deployed: _Deployed | None = None
    ruled: _Rulesets | None = None


class _HistoryActor(wire.Wire, frozen=True):
    id: int | None = None
    type: str = ""


class _Version(msgspec.Struct, frozen=True):
    updated_at: datetime
    actor: _HistoryActor | None = None


class _Asked(wire.Wire, frozen=True):
    operation: str = ""


# --- reading back -------------------------------------------------------------------------------


def read_settings(store: Store, source: str, name: str) -> tuple[RepositorySettings, ...]:
    """Every snapshot of a repository's settings, the oldest first."""
    return tuple(_settings(stored) for stored in store.history(source, name, KIND))


def read_branch(store: Store, source: str, name: str, branch: str) -> tuple[GuardedBranch, ...]:
    """Every snapshot of what guards a branch, the oldest first."""
    held = store.history(source, f"{name}@{branch}", BRANCH_KIND)
    return tuple(_guarded(branch, stored) for stored in held)


def branches_held(store: Store, source: str, name: str) -> tuple[str, ...]:
    """The branches of which the store holds a snapshot."""
    prefix = f"{name}@"
    return tuple(
        row.subject.removeprefix(prefix)
        for row in store.counts(source)
        if row.source == source and row.kind == BRANCH_KIND and row.subject.startswith(prefix)
    )


def read_rulesets(store: Store, source: str, name: str, branch: str) -> tuple[Ruleset, ...]:
    """The rulesets in force on a branch at its last snapshot, and their history."""
    stored = store.latest(source, f"{name}@{branch}", BRANCH_KIND)
    if stored is None:
        return ()
    data = shaped(wire.given(opened(stored).data), _BranchData, stored)
    rules = data.ruled.ref.rules if data.ruled and data.ruled.ref else None
    found: dict[str, Ruleset] = {}
    for rule in rules.nodes if rules else ():
        ruleset = rule.repository_ruleset if rule else None
        if ruleset and ruleset.id not in found:
            history = store.latest(source, _history_subject(name, ruleset), HISTORY_KIND)
            found[ruleset.id] = Ruleset(
                _ruleset_name(ruleset), ruleset.created_at, ruleset.updated_at, _versions(history)
            )
    return tuple(found.values())


def _versions(stored: StoredAnswer | None) -> tuple[RulesetVersion, ...] | Unavailable:
    if stored is None:
        return Unavailable("GitHub has no history of rulesets of an enterprise for a repository")
    status = stored.answer.status
    if status != 200:
        return Unavailable(
            f"GitHub does not show its history to this token, or has none (HTTP {status})",
            OF_HISTORY,
        )
    found = shaped(msgspec.Raw(wire.sound(stored.answer.body)), tuple[_Version, ...], stored)
    return tuple(
        RulesetVersion(each.updated_at, f"{each.actor.type} {each.actor.id}" if each.actor else "")
        for each in sorted(found, key=lambda each: each.updated_at)
    )


def _reasons(errors: Iterable[wire.GraphQLError]) -> Lost:
    """Tells why a field is missing for which the answer's errors give a reason."""

    def lost(*path: str, permission: str = ADMINISTRATION) -> Unavailable | None:
        for error in errors:
            shared = min(len(path), len(error.path))
            if error.path and error.path[:shared] == path[:shared]:
                lacking = permission if error.type == "FORBIDDEN" else ""
                return Unavailable(f"GitHub answered: {error.message}", lacking)
        return None

    return lost


def _page(page: wire.Page[T] | None, why: Unavailable | None) -> tuple[T, ...] | Unavailable:
    """All the items of a list, or why not all are known."""
    if page is None or why:
        return why or Unavailable("GitHub answered nothing for it")
    found = tuple(node for node in page.nodes if node is not None)
    if len(found) < max(page.total_count, len(page.nodes)) or page.page_info.has_next_page:
        return Unavailable(f"GitHub showed {len(found)} of {page.total_count}")
    return found


def _settings(stored: StoredAnswer) -> RepositorySettings:
    body = opened(stored)
    data = shaped(wire.given(body.data), _ControlsData, stored)
    lost = _reasons(body.errors)
    rulesets: tuple[_RepositoryRuleset, ...] | Unavailable = ()
    if _operation(stored) not in _BEFORE_RULESETS:
        rulesets = _page(data.ruled.rulesets if data.ruled else None, lost("ruled"))
    environments = _page(
        data.deployed.environments if data.deployed else None,
        lost("deployed", permission=OF_ENVIRONMENTS),
    )
    return RepositorySettings(
        merging=_merging(data.settings)
        if data.settings
        else lost("settings") or Unavailable("GitHub answered nothing for them"),
        environments=environments
        if isinstance(environments, Unavailable)
        else tuple(map(_environment, environments)),
        dormant=rulesets
        if isinstance(rulesets, Unavailable)
        else tuple(
            DormantRuleset(each.name, each.enforcement.lower(), ref.include, ref.exclude)
            for each in rulesets
            if each.enforcement != "ACTIVE" and each.target in (None, "BRANCH")
            if (ref := each.conditions.ref_name)
        ),
        collected_at=stored.answer.received_at,
        evidence=stored.digest,
    )


def _operation(stored: StoredAnswer) -> str:
    return decoded(stored.answer.request, _Asked).operation


def _merging(found: _Settings) -> tuple[str, ...]:
    ways = {
        "merge commit": found.merge_commit_allowed,
        "squash": found.squash_merge_allowed,
        "rebase": found.rebase_merge_allowed,
        "auto-merge": found.auto_merge_allowed,
        "head branches deleted": found.delete_branch_on_merge,
        "sign-off asked of web commits": found.web_commit_signoff_required,
    }
    return tuple(way for way, on in ways.items() if on)


def _environment(found: _Environment) -> Environment:
    rules = [rule for rule in _nodes(found.protection_rules) if rule.type == "REQUIRED_REVIEWERS"]
    lists = [rule.reviewers or _Listed() for rule in rules]
    whole = all(each.total_count == len(each.nodes or ()) for each in lists)
    return Environment(
        name=found.name,
        reviewers=tuple(_who(actor) for each in lists for actor in each.nodes or ())
        if whole
        else Unavailable(f"GitHub did not show every reviewer of {found.name}"),
        own_deployments=not all(rule.prevent_self_review for rule in rules),
    )


def _nodes(found: wire.Nodes[T] | None) -> list[T]:
    return [node for node in (found.nodes if found else None) or () if node is not None]


def _guarded(branch: str, stored: StoredAnswer) -> GuardedBranch:
    body = opened(stored)
    data = shaped(wire.given(body.data), _BranchData, stored)
    lost = _reasons(body.errors)
    asked = _operation(stored)
    rulesets: tuple[Guard, ...] | Unavailable
    queued: bool | Unavailable
    if asked in _BEFORE_RULESETS:
        rulesets, queued = (), False
    elif asked == WITHOUT_RULES:
        rulesets = Unavailable("this server's version does not tell which rulesets apply")
        queued = Unavailable("this server's version does not tell of merge queues")
    else:
        rulesets = _rulesets(data.ruled, lost)
        why = lost("queued", "mergeQueue")
        queued = why or (data.queued is not None and data.queued.merge_queue is not None)
    return GuardedBranch(
        branch=branch,
        rule=_rule(data.protected, lost),
        rulesets=rulesets,
        merge_queue=queued,
        collected_at=stored.answer.received_at,
        evidence=stored.digest,
    )


def _rule(found: _Protected | None, lost: Lost) -> Guard | Unavailable | None:
    """The branch's protection rule.

    That none is shown means that there is none to administrators alone: GitHub hides it from
    everybody else.
    """
    if found is None or found.ref is None:
        gone = Unavailable("GitHub does not show the branch")
        return lost("protected", "ref") or gone
    rule, part = found.ref.branch_protection_rule, found.ref.ref_update_rule
    if rule:
        return _whole_rule(rule, lost)
    why = lost("protected", "ref", "branchProtectionRule")
    hidden = Unavailable(
        "GitHub shows protection rules in full to administrators of the repository alone",
        ADMINISTRATION,
    )
    if part:
        return _part_of_rule(part, why or hidden)
    if why or found.viewer_permission != "ADMIN":
        return why or hidden
    return None


def _whole_rule(rule: _ProtectionRule, lost: Lost) -> Guard:
    def listed(
        found: _Listed[_Allowance] | None, field: str
    ) -> tuple[_Allowance | None, ...] | Unavailable:
        why = lost("protected", "ref", "branchProtectionRule", field)
        if why or found is None or found.nodes is None:
            return why or Unavailable(f"GitHub answered nothing for {field}")
        if found.total_count > len(found.nodes):
            return Unavailable(f"GitHub showed {len(found.nodes)} of {found.total_count} of them")
        return found.nodes

    exempt: tuple[Exempt, ...] | Unavailable = ()
    if not rule.is_admin_enforced:
        exempt = (Exempt("administrators of the repository", Bypass.EVERYTHING),)
    for found, field, may in (
        (rule.bypass_pull_request_allowances, "bypassPullRequestAllowances", Bypass.PUSHES),
        (rule.bypass_force_push_allowances, "bypassForcePushAllowances", Bypass.FORCE_PUSHES),
    ):
        actors = listed(found, field)
        if isinstance(actors, Unavailable):
            exempt = exempt or actors
        elif not isinstance(exempt, Unavailable):
            exempt += tuple(Exempt(_who(each.actor if each else None), may) for each in actors)
    pushers = listed(rule.push_allowances, "pushAllowances") if rule.restricts_pushes else None
    return Guard(
        name=f"protection rule '{rule.pattern}'",
        exempt=exempt,
        pull_request=rule.requires_approving_reviews or rule.lock_branch,
        approvals=(rule.required_approving_review_count or 0)
        if rule.requires_approving_reviews
        else 0,
        dismisses_stale=rule.dismisses_stale_reviews,
        code_owners=rule.requires_code_owner_reviews,
        last_push=rule.require_last_push_approval,
        conversations=rule.requires_conversation_resolution,
        checks=_names(rule.required_status_check_contexts) if rule.requires_status_checks else (),
        environments=_names(rule.required_deployment_environments)
        if rule.requires_deployments
        else (),
        up_to_date=rule.requires_status_checks and rule.requires_strict_status_checks,
        no_force_pushes=not rule.allows_force_pushes,
        no_deletion=not rule.allows_deletions,
        pushers=tuple(_who(each.actor if each else None) for each in pushers)
        if isinstance(pushers, tuple)
        else pushers,
    )


def _part_of_rule(rule: _UpdateRule, hidden: Unavailable) -> Guard:
    count = rule.required_approving_review_count
    return Guard(
        name=f"protection rule '{rule.pattern}'",
        exempt=hidden,
        # A rule may ask for a pull request without asking for a review.
        pull_request=True if count else hidden,
        approvals=hidden if count is None else count,
        dismisses_stale=hidden,
        code_owners=rule.requires_code_owner_reviews,
        last_push=hidden,
        conversations=rule.requires_conversation_resolution,
        checks=_names(rule.required_status_check_contexts),
        environments=hidden,
        up_to_date=hidden,
        no_force_pushes=not rule.allows_force_pushes,
        no_deletion=not rule.allows_deletions,
        pushers=hidden,
    )


def _names(found: Iterable[str | None] | None) -> tuple[str, ...]:
    return tuple(name for name in found or () if name)


def _rulesets(found: _Ruled | None, lost: Lost) -> tuple[Guard, ...] | Unavailable:
    """The rulesets in force on the branch, each with its rules."""
    if found is None or found.ref is None:
        return lost("ruled", "ref") or Unavailable("GitHub does not show the branch")
    rules = _page(found.ref.rules, lost("ruled", "ref", "rules"))
    if isinstance(rules, Unavailable):
        return rules
    grouped: dict[str, list[_Rule]] = {}
    for rule in rules:
        ruleset = rule.repository_ruleset
        grouped.setdefault(ruleset.id if ruleset else "", []).append(rule)
    administered = found.viewer_permission == "ADMIN"
    return tuple(_of_ruleset(group, administered) for group in grouped.values())


def _ruleset_name(ruleset: _Ruleset) -> str:
    source = ruleset.source
    above = (source.login or source.slug) if source and source.kind != "Repository" else ""
    return f"ruleset '{ruleset.name}'" + (f" of {above}" if above else "")


def _of_ruleset(rules: Sequence[_Rule], administered: bool) -> Guard:
    ruleset = rules[0].repository_ruleset
    by_type = {rule.type: rule.parameters or _Parameters() for rule in rules}
    reviews = [rule.parameters or _Parameters() for rule in rules if rule.type == "PULL_REQUEST"]
    checks = by_type.get("REQUIRED_STATUS_CHECKS", _Parameters())
    deployed = by_type.get("REQUIRED_DEPLOYMENTS", _Parameters())
    workflows = by_type.get("WORKFLOWS", _Parameters())
    contexts = tuple(each.context for each in checks.required_status_checks)
    exempt = _exempt(ruleset, administered)
    # Whoever a rule against updates does not hold are those who may bypass the ruleset.
    restricted = "UPDATE" in by_type
    pushers: tuple[str, ...] | Unavailable | None = None
    if restricted:
        pushers = exempt if isinstance(exempt, Unavailable) else tuple(e.who for e in exempt)
    return Guard(
        name=_ruleset_name(ruleset) if ruleset else "a ruleset that GitHub does not show",
        exempt=exempt,
        pull_request=bool(reviews) or bool(by_type.keys() & {"MERGE_QUEUE", "LOCK_BRANCH"}),
        approvals=max((each.required_approving_review_count for each in reviews), default=0),
        dismisses_stale=any(each.dismiss_stale_reviews_on_push for each in reviews),
        code_owners=any(each.require_code_owner_review for each in reviews),
        last_push=any(each.require_last_push_approval for each in reviews),
        conversations="REQUIRED_REVIEW_THREAD_RESOLUTION" in by_type
        or any(each.required_review_thread_resolution for each in reviews),
        checks=contexts,
        workflows=tuple(each.path for each in workflows.workflows),
        environments=deployed.required_deployment_environments,
        up_to_date=bool(contexts) and checks.strict_required_status_checks_policy,
        no_force_pushes="NON_FAST_FORWARD" in by_type,
        no_deletion="DELETION" in by_type,
        pushers=pushers,
        merge_queue="MERGE_QUEUE" in by_type,
    )


def _exempt(ruleset: _Ruleset | None, administered: bool) -> tuple[Exempt, ...] | Unavailable:
    """Who may bypass a ruleset. To whoever may not edit it, GitHub shows nobody."""
    listed = ruleset.bypass_actors if ruleset else None
    if listed is None or listed.nodes is None or not (listed.nodes or administered):
        return Unavailable(
            "GitHub shows who may bypass a ruleset to whoever may edit it alone", OF_HISTORY
        )
    if listed.total_count > len(listed.nodes):
        return Unavailable(f"GitHub showed {len(listed.nodes)} of {listed.total_count} of them")
    return tuple(map(_bypassing, listed.nodes))


def _bypassing(found: _BypassActor | None) -> Exempt:
    if found is None:
        return Exempt(UNNAMED, Bypass.EVERYTHING)
    if found.organization_admin:
        who = "owners of the organisation"
    elif found.deploy_key:
        who = "deploy keys"
    elif found.repository_role_name:
        who = f"the repository role {found.repository_role_name}"
    else:
        who = _who(found.actor)
    through = found.bypass_mode == "PULL_REQUEST"
    return Exempt(who, Bypass.PULL_REQUESTS if through else Bypass.EVERYTHING)


UNNAMED: Final = "somebody whom GitHub does not name"


def _who(found: _Actor | None) -> str:
    """A team, an app or a person."""
    if found is None:
        return UNNAMED
    if found.combined_slug:
        return f"team {found.combined_slug}"
    return f"app {found.slug}" if found.slug else found.login or UNNAMED
