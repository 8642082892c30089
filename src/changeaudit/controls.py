"""Judges the design of the controls: what the settings of a branch leave open. Pure.

Several rules and rulesets may guard a branch; GitHub asks of a change what any of them asks. So a
setting holds if one of them has it, and somebody is exempt only from what no other asks of them.
Where a source could not be read, nothing is said to be missing: it may stand there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from changeaudit.codeowners import parse as parse_owners
from changeaudit.design import (
    NOT_KNOWN,
    Control,
    Place,
    RepositoryDesign,
    RulesetHistory,
    SettingChange,
    Severity,
    Version,
)
from changeaudit.globs import matches, matches_any
from changeaudit.markdown import parse, plain
from changeaudit.policy import Policy
from changeaudit.protections import (
    Bypass,
    DormantRuleset,
    Environment,
    Exempt,
    Guard,
    GuardedBranch,
    RepositorySettings,
    Ruleset,
)
from changeaudit.records import CodeOwners, Repository, Template, Unavailable
from changeaudit.rules.excerpts import quoted, some
from changeaudit.rules.step2_template import item_of
from changeaudit.verdicts import Outcome

_ALL: Final = ("1", "2", "3", "4", "5", "6")
_APPROVALS: Final = ("3", "4", "6")


class _Said(NamedTuple):
    """What there is to say of one setting, and how bad it is if it is an exception."""

    setting: str
    outcome: Outcome
    reason: str
    severity: Severity | None = None
    permission: str = ""


def _holds(setting: str, reason: str = "") -> _Said:
    return _Said(setting, Outcome.PASS, reason)


def _open(setting: str, severity: Severity, reason: str) -> _Said:
    return _Said(setting, Outcome.EXCEPTION, reason, severity)


def _unknown(why: Unavailable, setting: str = NOT_KNOWN) -> _Said:
    return _Said(setting, Outcome.UNDETERMINED, f"{why.reason}.", permission=why.permission)


def _not_asked(setting: str, reason: str) -> _Said:
    return _Said(setting, Outcome.NOT_APPLICABLE, reason)


def _idle(why: Unavailable) -> _Said:
    """What could not be read, and does not matter: nothing asks for it."""
    return _Said(NOT_KNOWN, Outcome.NOT_APPLICABLE, f"{why.reason}.", permission=why.permission)


class _Branch(NamedTuple):
    """A snapshot of a branch, with what it is judged against."""

    branch: GuardedBranch
    policy: Policy
    repository: Repository
    settings: RepositorySettings | None

    @property
    def guards(self) -> tuple[Guard, ...]:
        """The rule and the rulesets that could be read."""
        rule = (self.branch.rule,) if isinstance(self.branch.rule, Guard) else ()
        return (*rule, *(self.branch.rulesets if isinstance(self.branch.rulesets, tuple) else ()))

    @property
    def hidden(self) -> Unavailable | None:
        """Why it is not known whether anything else guards the branch, if it is not."""
        sources = (self.branch.rule, self.branch.rulesets)
        return next((each for each in sources if isinstance(each, Unavailable)), None)

    def any(self, of: Callable[[Guard], bool | Unavailable]) -> bool | Unavailable:
        """Whether any guard has a setting; not known if one that may have it could not be read."""
        found = [of(guard) for guard in self.guards]
        if True in found:
            return True
        lost = next((each for each in found if isinstance(each, Unavailable)), self.hidden)
        return lost or False

    def names(
        self, *of: Callable[[Guard], tuple[str, ...] | Unavailable]
    ) -> tuple[tuple[str, ...], Unavailable | None]:
        """What all guards list, each once, and why there may be more."""
        found = [each(guard) for guard in self.guards for each in of]
        lost = next((each for each in found if isinstance(each, Unavailable)), self.hidden)
        listed = (name for names in found if isinstance(names, tuple) for name in names)
        return tuple(dict.fromkeys(listed)), lost

    @property
    def approvals(self) -> tuple[int, Unavailable | None]:
        """How many approving reviews are asked for, and why it may be more."""
        found = [guard.approvals for guard in self.guards]
        lost = next((each for each in found if isinstance(each, Unavailable)), self.hidden)
        return max((each for each in found if isinstance(each, int)), default=0), lost

    @property
    def needed(self) -> int:
        """How many people must approve by the policy: peers and leads."""
        peers, leads = self.policy.peer_review.approvals, self.policy.final_approval.approvals
        both = self.policy.final_approval.peer_may_be_lead
        return max(peers, leads) if both else peers + leads


# --- the controls of a branch -------------------------------------------------------------------


def _pull_request(of: _Branch) -> _Said:
    found = of.any(lambda guard: guard.pull_request)
    if isinstance(found, Unavailable):
        return _unknown(found)
    if found:
        return _holds("required")
    return _open(
        "not required",
        Severity.HIGH,
        "Whoever may write can push to the branch directly, and then none of the six steps is"
        " asked for.",
    )


def _approvals(of: _Branch) -> _Said:
    (count, lost), needed = of.approvals, of.needed
    if count >= needed:
        return _holds(f"{count} required")
    if lost:
        return _unknown(lost, f"{count} or more required" if count else NOT_KNOWN)
    if not count:
        return _open(
            "none required",
            Severity.HIGH,
            "A pull request can be merged though nobody approved it.",
        )
    return _open(
        f"{count} required",
        Severity.MEDIUM,
        f"The procedure needs the approval of {needed} people, as peers and leads; {count} is"
        " enough to merge.",
    )


def _of_an_approval(
    of: _Branch, asked: Callable[[Guard], bool | Unavailable], severity: Severity, reason: str
) -> _Said:
    """A setting that says which approvals count; where none is asked for, it means nothing."""
    found = of.any(asked)
    if isinstance(found, Unavailable):
        return _unknown(found)
    setting = "on" if found else "off"
    owners = of.any(lambda guard: guard.code_owners)
    if of.approvals == (0, None) and owners is False:
        return _not_asked(setting, "No approval is asked for that it could be about.")
    return _holds(setting) if found else _open(setting, severity, reason)


def _stale(of: _Branch) -> _Said:
    return _of_an_approval(
        of,
        lambda guard: guard.dismisses_stale,
        Severity.MEDIUM,
        "An approval stays when commits are pushed after it, so that code nobody approved can be"
        " merged.",
    )


def _last_push(of: _Branch) -> _Said:
    return _of_an_approval(
        of,
        lambda guard: guard.last_push,
        Severity.MEDIUM,
        "Who pushed last may be the one who approves, so that the approval is not independent.",
    )


def _code_owners(of: _Branch) -> _Said:
    found = of.any(lambda guard: guard.code_owners)
    file = of.repository.codeowners
    if found is True and (file is None or (isinstance(file, CodeOwners) and file.text is None)):
        return _open(
            "required, without owners",
            Severity.MEDIUM,
            "The review of code owners is asked for, but there is no CODEOWNERS file, so that"
            " nobody's is.",
        )
    if found is True:
        return _holds("required")
    if not of.policy.codeowners:
        if isinstance(found, Unavailable):
            return _idle(found)
        return _not_asked("not required", "The policy does not ask for code owners.")
    if isinstance(found, Unavailable):
        return _unknown(found)
    return _open(
        "not required",
        Severity.MEDIUM,
        "The policy counts on code owners for the files that they own; a change can be merged"
        " without them.",
    )


def _conversations(of: _Branch) -> _Said:
    found = of.any(lambda guard: guard.conversations)
    if isinstance(found, Unavailable):
        return _unknown(found)
    if found:
        return _holds("must be resolved")
    if of.any(lambda guard: guard.pull_request) is False:
        return _not_asked("may stay open", "No pull request is asked for that could have any.")
    return _open(
        "may stay open",
        Severity.LOW,
        "A change can be merged while a reviewer's remark is open.",
    )


def _checks(of: _Branch) -> _Said:
    asked, lost = of.names(
        lambda guard: guard.checks,
        lambda guard: guard.workflows,
        lambda guard: guard.environments,
    )
    wanted = of.policy.qa.staging_checks
    missing = [
        pattern for pattern in wanted if not any(matches_any(name, (pattern,)) for name in asked)
    ]
    setting = some(asked) if asked else "none required"
    if missing and lost:
        return _unknown(lost, setting if asked else NOT_KNOWN)
    if missing:
        return _open(
            setting,
            Severity.HIGH,
            f"A change can be merged without what shows the test in staging by the policy:"
            f" {some(missing)}.",
        )
    if asked:
        return _holds(setting)
    if lost:
        return _unknown(lost)
    return _open(
        setting, Severity.MEDIUM, "A change can be merged whatever its checks say, or without any."
    )


def _up_to_date(of: _Branch) -> _Said:
    queue = of.branch.merge_queue
    if queue is True:
        return _holds("by the merge queue", "The queue tests what will be on the branch.")
    found = of.any(lambda guard: guard.up_to_date)
    if found is True:
        return _holds("required")
    asked, lost = of.names(lambda guard: guard.checks)
    if not asked and not lost:
        return _not_asked("not required", "No check is asked for that it could be about.")
    unknown = found if isinstance(found, Unavailable) else queue
    if isinstance(unknown, Unavailable):
        return _unknown(unknown)
    return _open(
        "not required",
        Severity.LOW,
        "What was tested is not what is merged, if the branch has moved on since.",
    )


def _merge_queue(of: _Branch) -> _Said:
    queue = of.branch.merge_queue
    if isinstance(queue, Unavailable):
        return _idle(queue)
    if queue:
        return _holds("used")
    return _not_asked("not used", "The procedure does not ask for one.")


def _force_pushes(of: _Branch) -> _Said:
    found = of.any(lambda guard: guard.no_force_pushes)
    if isinstance(found, Unavailable):
        return _unknown(found)
    if found:
        return _holds("blocked")
    return _open(
        "allowed",
        Severity.HIGH,
        "Whoever may write can rewrite the branch: what was approved can be replaced, and what"
        " merged can vanish from its history.",
    )


def _deletion(of: _Branch) -> _Said:
    found = of.any(lambda guard: guard.no_deletion)
    if isinstance(found, Unavailable):
        return _unknown(found)
    if found:
        return _holds("blocked")
    return _open(
        "allowed",
        Severity.MEDIUM,
        "Whoever may write can delete the branch, and with it the protection of its history.",
    )


def _pushers(of: _Branch) -> _Said:
    """Who may push, and so merge. Several restrictions let pass whoever each lets pass."""
    limits = [guard.pushers for guard in of.guards]
    listed = [names for names in limits if isinstance(names, tuple)]
    lost = next((each for each in limits if isinstance(each, Unavailable)), of.hidden)
    policy = of.policy
    if listed:
        return _holds("; ".join(some(names) if names else "nobody" for names in listed))
    if not (policy.role("lead").named or policy.final_approval.mergers):
        if lost:
            return _idle(lost)
        return _not_asked("whoever may write", "The policy names nobody who alone may merge.")
    if lost:
        return _unknown(lost)
    return _open(
        "whoever may write",
        Severity.LOW,
        "The policy says who may merge; GitHub lets everybody merge who may write.",
    )


def _exempt(of: _Branch) -> _Said:
    guards = of.guards
    if not guards:
        return (
            _unknown(of.hidden)
            if of.hidden
            else _not_asked("nothing to be exempt from", "Nothing guards the branch.")
        )
    strict = [guard for guard in guards if guard.exempt == ()]
    best = _demanded(strict)
    found: list[tuple[Guard, Exempt]] = []
    unread: Unavailable | None = None
    for guard in guards:
        if isinstance(guard.exempt, Unavailable):
            if any(_weaker(best, key, value) for key, value in _demands(guard).items()):
                unread = unread or guard.exempt
            continue
        found += [(guard, each) for each in guard.exempt if _gains(guard, each, best)]
    if found:
        told = dict.fromkeys(f"{each.who}: {each.may} ({guard.name})" for guard, each in found)
        who = dict.fromkeys(each.who for _, each in found)
        return _open(
            some(who),
            Severity.HIGH,
            f"What guards the branch does not hold everybody. Exempt are {some(told)}.",
        )
    if unread or of.hidden:
        lost = unread or of.hidden
        return _unknown(lost) if lost else _holds("nobody")
    return _holds("nobody")


_Demand = bool | int | frozenset[str]


def _demands(guard: Guard) -> dict[str, _Demand]:
    """What a guard asks of a change, as far as is known, so that more compares as greater."""
    found: dict[str, _Demand | Unavailable | tuple[str, ...]] = {
        "pull_request": guard.pull_request,
        "approvals": guard.approvals,
        "dismisses_stale": guard.dismisses_stale,
        "code_owners": guard.code_owners,
        "last_push": guard.last_push,
        "conversations": guard.conversations,
        "checks": guard.checks,
        "workflows": guard.workflows,
        "environments": guard.environments,
        "up_to_date": guard.up_to_date,
        "no_force_pushes": guard.no_force_pushes,
        "no_deletion": guard.no_deletion,
    }
    return {
        key: frozenset(value) if isinstance(value, tuple) else value
        for key, value in found.items()
        if value and not isinstance(value, Unavailable)
    }


_OF_PULL_REQUESTS: Final = frozenset(
    {"pull_request", "approvals", "dismisses_stale", "code_owners", "last_push", "conversations"}
)
_FREES_FROM: Final[Mapping[Bypass, frozenset[str]]] = {
    Bypass.PUSHES: _OF_PULL_REQUESTS,
    Bypass.PULL_REQUESTS: (_OF_PULL_REQUESTS - {"pull_request"})
    | {"checks", "workflows", "environments", "up_to_date"},
    Bypass.FORCE_PUSHES: frozenset({"no_force_pushes"}),
}
"""What each kind of exemption frees from; the one that is not here frees from everything."""


def _demanded(guards: Iterable[Guard]) -> dict[str, _Demand]:
    """The most that any of these asks, by what it asks."""
    best: dict[str, _Demand] = {}
    for guard in guards:
        for key, value in _demands(guard).items():
            held = best.get(key)
            if isinstance(value, frozenset):
                best[key] = value | held if isinstance(held, frozenset) else value
            else:
                best[key] = max(value, held) if isinstance(held, int) else value
    return best


def _weaker(best: Mapping[str, _Demand], key: str, value: _Demand) -> bool:
    """Whether others ask less of a kind than `value`."""
    held = best.get(key)
    if isinstance(value, frozenset):
        return not (isinstance(held, frozenset) and held >= value)
    return not (isinstance(held, int) and held >= value)


def _gains(guard: Guard, each: Exempt, best: Mapping[str, _Demand]) -> bool:
    """Whether somebody exempt from a guard is thereby held by less than everybody else."""
    freed = _FREES_FROM.get(each.may)
    return any(
        _weaker(best, key, value)
        for key, value in _demands(guard).items()
        if freed is None or key in freed
    )


def _dormant(of: _Branch) -> _Said:
    dormant = of.settings.dormant if of.settings else ()
    if isinstance(dormant, Unavailable):
        return _idle(dormant)
    here = [each for each in dormant if _concerns(each, of)]
    if not here:
        return _not_asked("none", "No ruleset that names the branch is switched off.")
    names = some(f"'{each.name}' ({each.enforcement})" for each in here)
    alone = not of.guards and not of.hidden
    return _open(
        names,
        Severity.MEDIUM if alone else Severity.LOW,
        "It looks like a control and is none: rulesets that name the branch are disabled, or only"
        " evaluated.",
    )


def _concerns(ruleset: DormantRuleset, of: _Branch) -> bool:
    branch = of.branch.branch

    def named(pattern: str) -> bool:
        if pattern == "~DEFAULT_BRANCH":
            return branch == of.repository.default_branch
        if pattern == "~ALL":
            return True
        full = f"refs/heads/{branch}"
        # GitHub's asterisk stays within a segment, unless there are two.
        same = "**" in pattern or pattern.count("/") == full.count("/")
        return same and matches(full, pattern)

    return any(map(named, ruleset.include)) and not any(map(named, ruleset.exclude))


# --- the controls of a repository ---------------------------------------------------------------


class _Repository(NamedTuple):
    """A snapshot of a repository's settings, with what it is judged against."""

    settings: RepositorySettings
    policy: Policy
    repository: Repository


def _owners_file(of: _Repository) -> _Said:
    file = of.repository.codeowners
    if isinstance(file, Unavailable):
        return _unknown(file) if of.policy.codeowners else _idle(file)
    if file is None or file.text is None:
        if not of.policy.codeowners:
            return _not_asked("no file", "The policy does not ask for code owners.")
        return _open(
            "no file",
            Severity.MEDIUM,
            "The policy counts on code owners, and no CODEOWNERS file says who they are.",
        )
    if isinstance(file.text, Unavailable):
        return _unknown(file.text, file.path)
    found = parse_owners(file.text)
    owned = sum(bool(rule.owners) for rule in found.rules)
    if not owned:
        return _open(
            f"{file.path}, no owners", Severity.MEDIUM, "The file gives nobody anything to own."
        )
    lines = f"{owned} {'line' if owned == 1 else 'lines'} with owners"
    if found.skipped:
        return _open(
            f"{file.path}, {lines}",
            Severity.LOW,
            f"GitHub skips lines that it finds invalid: {some(map(str, found.skipped))}.",
        )
    return _holds(f"{file.path}, {lines}")


def _template(of: _Repository) -> _Said:
    templates = of.repository.templates
    if isinstance(templates, Unavailable):
        return _unknown(templates)
    if not templates:
        return _open(
            "none",
            Severity.MEDIUM,
            "GitHub shows none for the repository: a pull request begins empty, and nothing asks"
            " its author for a description or for the security checklist.",
        )
    names = some(template.path for template in templates)
    lacking = [why for each in templates if (why := _lacks(each, of.policy))]
    if lacking:
        return _open(names, Severity.MEDIUM, f"{'; '.join(lacking)}.")
    return _holds(f"{names}, with the security checklist")


def _lacks(template: Template, policy: Policy) -> str:
    """What a template has not of the security checklist; "" if it has it all."""
    checklist = policy.security_checklist
    sections = parse(template.text).sections(checklist.heading)
    tasks = [task for section in sections for task in section.tasks]
    if not tasks:
        return f"There is no checklist under {quoted(checklist.heading)} in {template.path}"
    asked = {text: item for item in checklist.items if (text := plain(item))}
    there = {item_of(task, asked) for task in tasks}
    missing = [quoted(item) for text, item in asked.items() if text not in there]
    return f"The checklist of {template.path} lacks {some(missing)}" if missing else ""


def _environments(of: _Repository) -> _Said:
    found = of.settings.environments
    if isinstance(found, Unavailable):
        return _unknown(found)
    if not found:
        return _not_asked("none", "The repository has no environments.")
    unread = [each.reviewers for each in found if isinstance(each.reviewers, Unavailable)]
    bare = [each.name for each in found if each.reviewers == ()]
    own = [each.name for each in found if each.reviewers and each.own_deployments]
    setting = some(f"{each.name} ({_reviewers(each)})" for each in found)
    said = []
    if bare:
        said.append(f"Nobody reviews a deployment to {some(bare)}.")
    if own:
        said.append(f"Whoever deploys may approve their own deployment to {some(own)}.")
    if said:
        return _open(setting, Severity.LOW, " ".join(said))
    return _unknown(unread[0], setting) if unread else _holds(setting)


def _reviewers(environment: Environment) -> str:
    if isinstance(environment.reviewers, Unavailable):
        return NOT_KNOWN
    return some(environment.reviewers) or "no reviewers"


def _merging(of: _Repository) -> _Said:
    found = of.settings.merging
    if isinstance(found, Unavailable):
        return _idle(found)
    return _not_asked(", ".join(found) or "nothing", "The procedure asks for none of it.")


# --- all of them --------------------------------------------------------------------------------

OF_BRANCHES: Final[tuple[tuple[str, str, tuple[str, ...], Callable[[_Branch], _Said]], ...]] = (
    ("pull_request_required", "Changes by pull request only", _ALL, _pull_request),
    ("approvals_required", "Approving reviews", _APPROVALS, _approvals),
    ("stale_approvals_dismissed", "Stale approvals dismissed", _APPROVALS, _stale),
    ("last_push_approved", "Last push approved by another", _APPROVALS, _last_push),
    ("code_owners_review", "Review by code owners", ("3",), _code_owners),
    ("conversations_resolved", "Conversations resolved", ("3",), _conversations),
    ("checks_required", "Required checks", ("5",), _checks),
    ("up_to_date", "Tested on the newest base", ("5",), _up_to_date),
    ("merge_queue", "Merge queue", ("5", "6"), _merge_queue),
    ("merging_restricted", "Who may push and merge", ("6",), _pushers),
    ("force_pushes_blocked", "Force pushes", _ALL, _force_pushes),
    ("deletion_blocked", "Deletion of the branch", _ALL, _deletion),
    ("nobody_exempt", "Exempt from these", _ALL, _exempt),
    ("rulesets_enforced", "Rulesets not in force", _ALL, _dormant),
)
"""What is looked at of a branch: its name, its title, the steps that it supports, and how."""

OF_REPOSITORIES: Final[
    tuple[tuple[str, str, tuple[str, ...], Callable[[_Repository], _Said]], ...]
] = (
    ("template", "Pull request template", ("2",), _template),
    ("codeowners", "CODEOWNERS", ("3",), _owners_file),
    ("environments", "Environments", ("5", "6"), _environments),
    ("merging", "Merging", ("6",), _merging),
)
"""The same of a repository."""


def _control(name: str, title: str, steps: tuple[str, ...], said: _Said) -> Control:
    return Control(
        name, title, steps, said.setting, said.outcome, said.reason, said.severity, said.permission
    )


def controls_of_branch(
    branch: GuardedBranch,
    policy: Policy,
    repository: Repository,
    settings: RepositorySettings | None = None,
) -> tuple[Control, ...]:
    """What guards a branch, judged by the policy.

    Args:
        branch: the snapshot.
        policy: the policy as it holds for the repository.
        repository: the repository's facts: its default branch and its CODEOWNERS.
        settings: the repository's settings, for the rulesets that are not in force.
    """
    of = _Branch(branch, policy, repository, settings)
    return tuple(
        _control(name, title, steps, judge(of)) for name, title, steps, judge in OF_BRANCHES
    )


def controls_of_repository(
    settings: RepositorySettings, policy: Policy, repository: Repository
) -> tuple[Control, ...]:
    """What holds for all of a repository, judged by the policy."""
    of = _Repository(settings, policy, repository)
    return tuple(
        _control(name, title, steps, judge(of)) for name, title, steps, judge in OF_REPOSITORIES
    )


def repository_design(
    facts: Sequence[Repository],
    settings: Sequence[RepositorySettings],
    branches: Sequence[Sequence[GuardedBranch]],
    rulesets: Iterable[Ruleset],
    policy: Policy,
) -> RepositoryDesign:
    """The controls of a repository, with what changed from snapshot to snapshot.

    Args:
        facts: what is known of it (template, CODEOWNERS) each time that it was new, oldest first;
            at least one.
        settings: the snapshots of its settings, oldest first.
        branches: the snapshots of each production branch, oldest first.
        rulesets: those in force on any of these branches.
        policy: the policy; overrides for the repository are laid over it.
    """
    newest = facts[-1]
    effective = policy.for_change(newest.name, ()).policy
    places: list[Place] = []
    if settings:
        each = [
            controls_of_repository(snapshot, effective, _then(facts, snapshot.collected_at))
            for snapshot in settings
        ]
        places.append(_place("", settings, each, ()))
    for snapshots in branches:
        if snapshots:
            each = [
                controls_of_branch(
                    snapshot,
                    effective,
                    _then(facts, snapshot.collected_at),
                    _then(settings, snapshot.collected_at) if settings else None,
                )
                for snapshot in snapshots
            ]
            last = _Branch(snapshots[-1], effective, newest, None)
            names = tuple(guard.name for guard in last.guards)
            places.append(_place(snapshots[-1].branch, snapshots, each, names))
    return RepositoryDesign(newest.name, newest.url, tuple(places), tuple(map(_history, rulesets)))


Dated = TypeVar("Dated", Repository, RepositorySettings)


def _then(snapshots: Sequence[Dated], at: datetime) -> Dated:
    """The last that was taken up to an instant, else the first of all."""
    return next((each for each in reversed(snapshots) if each.collected_at <= at), snapshots[0])


def _place(
    branch: str,
    snapshots: Sequence[RepositorySettings] | Sequence[GuardedBranch],
    controls: Sequence[tuple[Control, ...]],
    guards: tuple[str, ...],
) -> Place:
    dates = tuple(snapshot.collected_at for snapshot in snapshots)
    return Place(
        branch=branch,
        as_of=dates[-1],
        snapshots=dates,
        guards=guards,
        controls=controls[-1],
        changes=tuple(_changes(dates, controls)),
        evidence=snapshots[-1].evidence,
    )


def _changes(
    dates: Sequence[datetime], controls: Sequence[tuple[Control, ...]]
) -> Iterator[SettingChange]:
    for number in range(1, len(dates)):
        for before, after in zip(controls[number - 1], controls[number], strict=True):
            if before.setting != after.setting:
                yield SettingChange(
                    after.name,
                    after.title,
                    before.setting,
                    after.setting,
                    dates[number - 1],
                    dates[number],
                )


def _history(ruleset: Ruleset) -> RulesetHistory:
    versions = ruleset.versions
    unread = versions if isinstance(versions, Unavailable) else Unavailable("")
    return RulesetHistory(
        ruleset=ruleset.name,
        created_at=ruleset.created_at,
        updated_at=ruleset.updated_at,
        versions=tuple(Version(each.at, each.by) for each in versions)
        if isinstance(versions, tuple)
        else (),
        unread=unread.reason,
        permission=unread.permission,
    )


def limitations(repositories: Sequence[RepositoryDesign]) -> tuple[str, ...]:
    """What the snapshots cannot show."""
    found = [
        "These are the settings as they stood when the snapshots were taken, not those of a"
        " period. Whether the controls operated is what `changeaudit audit` tests.",
    ]
    places = [place for each in repositories for place in each.places]
    if any(len(place.snapshots) == 1 for place in places):
        found.append(
            "GitHub does not tell what protection rules and settings were before. Of some places"
            " the store holds one snapshot alone: take another now and then, and a change between"
            " two is seen."
        )
    if any(len(place.snapshots) > 1 for place in places):
        found.append(
            "A setting that was changed and put back between two snapshots shows in neither."
        )
    if any(each.rulesets for each in repositories):
        found.append(
            "Of a ruleset's history GitHub is asked when it changed and by which account, not"
            " what the rules were."
        )
    bare = [each.repository for each in repositories if not any(p.branch for p in each.places)]
    if bare:
        found.append(f"No production branch, by the policy, was found in {some(bare)}.")
    return tuple(found)
