"""The policy: which branches, people, tickets and methods the procedure means in this company.

The models are strict and frozen: an unknown key is an error, never ignored. Every default is
the one that `policy.example.yaml` documents. Reading a file, with errors that name file, line
and key, is `policy_file`'s; a validator therefore says what it expected and does not repeat the
value, which `policy_file` shows beside it.

`Frame` holds what a policy says of all changes alike, `Settings` what an override may set for
some of them. `lay` is the one way in which one policy, or a part of one, is laid over another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from changeaudit.globs import first_match, matches_any, matching
from changeaudit.records import PullRequest, Unavailable
from changeaudit.sites import site_of, unfit
from changeaudit.verdicts import ChangeClass
from changeaudit.workdays import Workdays, zones

Place = Literal["title", "branch", "body", "commits", "closing_reference"]
RoleName = Literal["peer", "security", "qa", "lead"]

LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})(?:\[bot\])?")
TEAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
PROJECT = re.compile(r"[A-Z][A-Z0-9_]{1,19}")
CHANGES = re.compile(r"[^\s/#@]+/[^\s/#@]+(?:#(?:\*|[1-9][0-9]*)|@(?:\*|[0-9a-f]{7,64}))")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_ATTRIBUTES_OF_STEP: Final = {1: 5, 2: 3, 3: 3, 4: 4, 5: 3, 6: 5}

ATTRIBUTE_IDS: Final = tuple(
    f"{step}.{number}"
    for step, count in _ATTRIBUTES_OF_STEP.items()
    for number in range(1, count + 1)
)
"""Every attribute of the procedure, "1.1" to "6.5", in its order."""

STEP_IDS: Final = tuple(str(step) for step in _ATTRIBUTES_OF_STEP)
"""The steps of the procedure, "1" to "6"."""

EMERGENCY_IDS: Final = ("E.1", "E.2", "E.3", "E.4", "E.5", "E.6")
"""What is asked of emergency changes instead; "E" is all of it."""

WAIVABLE: Final = (*STEP_IDS, "E", *ATTRIBUTE_IDS, *EMERGENCY_IDS)
"""What a waiver may name: the steps, and their attributes."""


def _login(value: str) -> str:
    if not LOGIN.fullmatch(value):
        raise ValueError("expected a GitHub login such as octocat or dependabot[bot]")
    return value


def _team(value: str) -> str:
    if not TEAM.fullmatch(value):
        raise ValueError("expected a team as organisation/team-slug, such as acme/security")
    return value


def _project(value: str) -> str:
    if not PROJECT.fullmatch(value):
        raise ValueError("expected a Jira project key in capitals, such as PAY")
    return value


def _address(value: str) -> str:
    problem = unfit(value, "the address")
    if problem:
        raise ValueError(
            f"expected the address of a Jira such as https://acme.atlassian.net; {problem}"
        )
    return value.rstrip("/")


def _attribute(value: str) -> str:
    if value not in STEP_IDS and value not in ATTRIBUTE_IDS:
        raise ValueError(
            "expected a step from '1' to '6' or one of its attributes, from '1.1' to '6.5'"
        )
    return value


def _waived(value: str) -> str:
    if value not in WAIVABLE:
        raise ValueError(
            "expected a step ('1' to '6', or 'E') or one of its attributes, such as '5.2' or 'E.5'"
        )
    return value


def _changes(value: str) -> str:
    if CHANGES.fullmatch(value):
        return value
    if re.fullmatch(r"[^\s/#@]+/[^\s/#@]+#\S+", value):
        raise ValueError(
            "expected the number of one pull request after #, or * alone for all of the repository"
        )
    if re.fullmatch(r"[^\s/#@]+/[^\s/#@]+@\S+", value):
        raise ValueError(
            "expected a commit after @, by seven of its digits (0-9, a-f) or more, or * alone for "
            "every direct push to the repository"
        )
    raise ValueError(
        "expected a change such as acme/payments#12, or acme/legacy#* for all of a repository"
    )


def _zone(value: str) -> str:
    if value != "UTC" and value not in zones():
        raise ValueError("expected the name of a time zone such as UTC or Europe/Berlin")
    return value


def _written(value: str) -> str:
    if not value.strip():
        raise ValueError("expected text that is not blank")
    return value


def _day(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("there is no such day") from None
    raise ValueError("expected a day such as 2025-01-31")


def _or_off(value: Any) -> Any:
    return "off" if value is False else value  # an unquoted off is no text in YAML


def _version(value: Any) -> Any:
    if type(value) is not int or value != 1:
        raise ValueError("expected the number 1, the only version so far")
    return value


Login = Annotated[
    str, AfterValidator(_login), Field(json_schema_extra={"pattern": f"^{LOGIN.pattern}$"})
]
TeamName = Annotated[
    str, AfterValidator(_team), Field(json_schema_extra={"pattern": f"^{TEAM.pattern}$"})
]
ProjectKey = Annotated[
    str, AfterValidator(_project), Field(json_schema_extra={"pattern": f"^{PROJECT.pattern}$"})
]
AttributeId = Annotated[
    str,
    AfterValidator(_attribute),
    Field(json_schema_extra={"enum": [*STEP_IDS, *ATTRIBUTE_IDS]}),
]
Address = Annotated[str, Field(max_length=300), AfterValidator(_address)]
Text = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_written)]
Glob = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_written)]
Reason = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_written)]
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_written)]
GivenDay = Annotated[date, BeforeValidator(_day)]
Day = Annotated[date | None, BeforeValidator(_day)]
WaivedId = Annotated[str, AfterValidator(_waived), Field(json_schema_extra={"enum": [*WAIVABLE]})]
Changes = Annotated[
    str,
    Field(max_length=300, json_schema_extra={"pattern": f"^{CHANGES.pattern}$"}),
    AfterValidator(_changes),
]
ZoneName = Annotated[str, AfterValidator(_zone)]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Part(BaseModel):
    """The base of every part of a policy."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, with `update` in it; it shares nothing that was worked out for the original."""
        copied = super().model_copy(update=update, deep=deep)
        for name in copied.__dict__.keys() - type(copied).model_fields.keys():
            del copied.__dict__[name]
        return copied


class Member(Part):
    """A person in a role, with the days on which it began and ended (both included, UTC)."""

    login: Login
    """The account's login on GitHub."""
    since: Annotated[Day, Field(alias="from")] = None
    """The first day in the role (UTC); without it, from the beginning."""
    until: Annotated[Day, Field(alias="to")] = None
    """The last day in the role (UTC), that day included; without it, still in the role."""

    @model_validator(mode="after")
    def _ordered(self) -> Member:
        if self.since and self.until and self.until < self.since:
            raise ValueError(f"'to' ({self.until}) is before 'from' ({self.since})")
        return self


def _member(value: Any) -> Any:
    return {"login": value} if isinstance(value, str) else value


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Members = Annotated[
    tuple[Annotated[Member, BeforeValidator(_member, json_schema_input_type=Login | Member)], ...],
    BeforeValidator(_tuple),
]
Logins = Annotated[tuple[Login, ...], BeforeValidator(_tuple)]
Teams = Annotated[tuple[TeamName, ...], BeforeValidator(_tuple)]
Globs = Annotated[tuple[Glob, ...], BeforeValidator(_tuple)]
Words = Annotated[tuple[Text, ...], BeforeValidator(_tuple)]
Projects = Annotated[tuple[ProjectKey, ...], BeforeValidator(_tuple)]
AttributeIds = Annotated[tuple[AttributeId, ...], BeforeValidator(_tuple)]
Item = TypeVar("Item")
OneOrMore = Annotated[tuple[Item, ...], Field(min_length=1), BeforeValidator(_tuple)]
Weekdays = Annotated[tuple[Weekday, ...], BeforeValidator(_tuple)]
Days = Annotated[tuple[GivenDay, ...], BeforeValidator(_tuple)]
Approvals = Annotated[int, Field(ge=1, le=10)]

_AUTOMATED: Final = ChangeClass.AUTOMATED  # Python 3.11 takes long to look up such a member

PROFILES: Final = ("strict", "default", "lean")
"""The profiles that come with the program, which a policy may extend."""


class Role(Part):
    """Who holds a role: members of teams, named people, or whoever may write to the repository."""

    teams: Teams = ()
    """GitHub teams as organisation/team-slug; their members hold the role."""
    users: Members = ()
    """People who hold the role: a login, or a login with the days `from` and `to`."""
    write_access: bool = False
    """Whether everyone who may write to the repository holds the role."""

    @cached_property
    def named(self) -> bool:
        """Whether the policy says anything of who holds the role."""
        return bool(self.teams or self.users or self.write_access)

    @cached_property
    def by_login(self) -> Mapping[str, tuple[Member, ...]]:
        """The `users` by their logins in lower case, a bot's without its [bot]."""
        found: dict[str, tuple[Member, ...]] = {}
        for member in self.users:
            login = member.login.casefold().removesuffix("[bot]")
            found[login] = (*found.get(login, ()), member)
        return found


class PeerRole(Role):
    """Who holds the peer's role; code owners hold it too, for the files that they own."""

    codeowners: bool = False
    """Whether who owns changed files by the repository's CODEOWNERS may review for these."""

    @cached_property
    def named(self) -> bool:
        """Whether the policy says anything of who holds the role."""
        return bool(self.teams or self.users or self.write_access or self.codeowners)


class Roles(Part):
    """The four roles that approve a change."""

    peer: PeerRole = PeerRole(write_access=True)
    """Who may review as a peer (step 3)."""
    security: Role = Role()
    """The security team (step 4)."""
    qa: Role = Role()
    """The QA team (step 5)."""
    lead: Role = Role()
    """The engineering leads (step 6)."""


class Exclusion(Part):
    """A rule that puts changes out of scope; all of its conditions must hold."""

    name: Name
    """What the report calls the rule beside each change that it excluded."""
    repositories: Globs = ()
    """Globs of the repository's full name, owner/name."""
    branches: Globs = ()
    """Globs of the base branch."""
    paths: Globs = ()
    """Globs of paths: every changed file matches one of them."""

    @model_validator(mode="after")
    def _not_everything(self) -> Exclusion:
        if not (self.repositories or self.branches or self.paths):
            raise ValueError(
                "the exclusion has no condition and would exclude everything; "
                "add 'repositories', 'branches' or 'paths'"
            )
        return self


class Scope(Part):
    """What is audited: production branches, less what an exclusion names."""

    branches: OneOrMore[Glob] = ("default",)
    """Globs of the production branches; `default` means the repository's default branch."""
    exclude: Annotated[tuple[Exclusion, ...], BeforeValidator(_tuple)] = ()
    """Rules that put changes out of scope; what they exclude is listed and counted."""


class PostMortem(Part):
    """How the post-mortem of an emergency change is known: any of these."""

    labels: Words = ()
    """Labels of the pull request, or of the ticket that is the post-mortem."""
    ticket_types: Words = ()
    """Types of the ticket that is the post-mortem."""
    link_pattern: Glob | None = None
    """A glob of the address of a post-mortem report."""


class Emergency(Part):
    """How an emergency change is known (by any of three), and what is due after it."""

    labels: Words = ()
    """Labels of the pull request at its merge."""
    branches: Globs = ()
    """Globs of the head branch."""
    ticket_types: Words = ()
    """Types of the linked ticket."""
    documentation_hours: Annotated[int, Field(ge=1, le=8760)] = 24
    """The hours after the merge within which the full documentation is due."""
    follow_up_business_days: Annotated[int, Field(ge=1, le=260)] = 3
    """The business days after the day of the merge within which the post-mortem is due."""
    post_mortem: PostMortem = PostMortem()
    """How its post-mortem is known."""


class Automated(Part):
    """Changes that bots open, and the attributes that are still asked of them."""

    authors: Logins = ()
    """The bots' logins."""
    attributes: AttributeIds = ()
    """Steps ("3") and attributes ("5.2") that are asked of the bots' changes."""

    @model_validator(mode="after")
    def _something_is_asked(self) -> Automated:
        if self.authors and not self.attributes:
            raise ValueError(
                "'authors' are named without 'attributes', so nothing would be asked of their "
                "changes; name at least one step or attribute"
            )
        return self


class Classes(Part):
    """The classes of change that the policy sets apart."""

    emergency: Emergency = Emergency()
    """How an emergency change is known."""
    automated: Automated = Automated()
    """Which changes bots opened, and what is asked of them."""


class Calendar(Part):
    """Which days are business days, where a deadline is counted in them."""

    weekend: Weekdays = ("saturday", "sunday")
    """The days of the week that are no business days."""
    holidays: Days = ()
    """Days that are no business days besides."""
    zone: ZoneName = "UTC"
    """The time zone, by its IANA name, in which a day begins and ends."""

    @field_validator("weekend")
    @classmethod
    def _some_work(cls, value: tuple[Weekday, ...]) -> tuple[Weekday, ...]:
        if len(set(value)) == 7:
            raise ValueError("expected a weekend that leaves a business day in the week")
        return value

    def workdays(self) -> Workdays:
        """The calendar as what counts business days."""
        return Workdays(self.weekend, self.holidays, self.zone)


class Tickets(Part):
    """Step 1: where a ticket is named, which tickets count, and when it must have existed."""

    places: OneOrMore[Place] = (
        "title",
        "branch",
        "body",
        "commits",
        "closing_reference",
    )
    """Where a ticket may be named."""
    github_issues: bool = True
    """Whether a GitHub issue counts as a ticket."""
    issue_repositories: Globs = ()
    """Repositories whose issues count; none listed means those of the pull request's owner."""
    jira_projects: Projects = ()
    """Keys of the Jira projects whose tickets count."""
    jira_url: Address | None = None
    """The Jira of these projects; without it, the one that JIRA_URL names at collecting."""
    jira_sites: dict[ProjectKey, Address] = {}
    """The Jira of single projects, by their keys, where that is another one."""
    trackers: dict[Name, Words] = {}
    """What counts of further trackers, by the name of each: the keys of its projects."""
    accept_parent: bool = False
    """Whether a ticket whose parent would do counts as well."""
    types: Words = ()
    """Ticket types that count; none listed means every type."""
    planned_before: Literal["pull_request", "first_commit", "merge"] = "pull_request"
    """What the ticket must have been created before."""
    cancelled_statuses: Words = ("Cancelled", "Canceled", "Won't Do", "Rejected", "Duplicate")
    """Statuses in which a ticket does not stand for planned work."""
    closed_statuses: Words = ("Closed", "Done", "Resolved")
    """Statuses in which the work is over; not allowed before it began."""
    reverse_trace: Annotated[
        Literal["off", "information", "exception"], BeforeValidator(_or_off)
    ] = "information"
    """What a ticket is that was done in the period without any change that names it."""
    done_statuses: Words = ()
    """Statuses in which a ticket is done; none listed means those that its Jira calls done."""

    def __hash__(self) -> int:
        """A hash without the mappings, which have none of their own."""
        return hash((self.places, self.jira_projects, self.jira_url, self.types))

    @property
    def projects(self) -> tuple[str, ...]:
        """The keys of all projects whose tickets count, of whatever tracker."""
        others = (key for keys in self.trackers.values() for key in keys)
        return (*self.jira_projects, *others)

    def jira_of(self, project: str) -> str:
        """The address of the Jira that a project is in, "" where the policy does not name it."""
        return self.jira_sites.get(project) or self.jira_url or ""

    def site_of(self, project: str) -> str:
        """The site of that Jira ("acme.atlassian.net"), "" where the policy does not name it."""
        address = self.jira_of(project)
        return site_of(address) if address else ""


class FeatureBranch(Part):
    """Step 1: what a feature branch is."""

    pattern: Glob | None = None
    """A glob that the head branch must match."""
    fork_may_use_production_name: bool = False
    """Whether a fork's branch may bear a production branch's name."""


class Template(Part):
    """Step 2: the pull request template."""

    headings: Words = ()
    """Headings that must be filled; none listed means those of the repository's template."""
    placeholders: Words = ("TODO", "TBD", "...", "…")
    """Texts that stand for nothing and do not fill a heading."""


class SecurityChecklist(Part):
    """Step 2: the security checklist."""

    heading: Text = "Security checklist"
    """The heading under which the checklist stands."""
    items: Words = ()
    """Items that must be there; none listed means those of the repository's template."""
    not_applicable_allowed: bool = True
    """Whether an item may be marked N/A, with a reason, instead of ticked."""


class PeerReview(Part):
    """Step 3: how many peers must approve."""

    approvals: Approvals = 1
    """How many peers must approve."""


class SecurityReview(Part):
    """Step 4: what makes the security team's approval necessary, and how many must approve."""

    paths: Globs = ()
    """Globs of paths that hold security controls or sensitive data."""
    labels: Words = ()
    """Labels of the pull request at its merge that ask for the review."""
    ticket_labels: Words = ()
    """Labels of the linked ticket that ask for the review."""
    ticket_types: Words = ()
    """Types of the linked ticket that ask for the review."""
    ticket_components: Words = ()
    """Components of the linked ticket that ask for the review."""
    impact_items: Words = ()
    """Checklist items that, ticked, say that the change has security impact."""
    no_impact_items: Words = ()
    """Checklist items that, ticked, say "no security impact"."""
    approvals: Approvals = 1
    """How many of the security team must approve."""

    @property
    def triggers(self) -> bool:
        """Whether the policy names anything that triggers a security review."""
        return bool(
            self.paths
            or self.labels
            or self.ticket_labels
            or self.ticket_types
            or self.ticket_components
            or self.impact_items
        )


class Qa(Part):
    """Step 5: how QA signs off, and which checks show the staging test."""

    review: bool = False
    """Whether an approving review by QA is a sign-off."""
    labels: Words = ()
    """Labels that QA applies to sign off."""
    comment: (
        Annotated[str, Field(min_length=3, max_length=200), AfterValidator(_written)] | None
    ) = None
    """The text that a sign-off comment starts with."""
    ticket_statuses: Words = ()
    """Statuses into which QA moves a linked ticket to sign off."""
    ticket_comment: (
        Annotated[str, Field(min_length=3, max_length=200), AfterValidator(_written)] | None
    ) = None
    """The text that a comment on a linked ticket starts with, by which QA signs off."""
    sign_off_checks: Words = ()
    """Checks or statuses whose success is a sign-off, by no person."""
    staging_checks: Words = ()
    """Checks, statuses or environments whose success shows the test in staging."""
    staging_apps: Logins = ()
    """Apps and accounts whose checks and deployments show it; none named means anybody's."""
    staging_checks_sign_off: bool = False
    """Whether the staging checks are sign-off checks as well."""

    @property
    def signing_checks(self) -> tuple[str, ...]:
        """Every check whose success is a sign-off."""
        staging = self.staging_checks if self.staging_checks_sign_off else ()
        return (*self.sign_off_checks, *staging)

    @property
    def by_people(self) -> bool:
        """Whether a method is named by which a member of QA signs off."""
        in_words = self.comment is not None or self.ticket_comment is not None
        return bool(self.review or self.labels or in_words or self.ticket_statuses)


class FinalApproval(Part):
    """Step 6: the lead's approval, and who may merge."""

    approvals: Approvals = 1
    """How many leads must approve."""
    mergers: Members = ()
    """People who may merge besides the leads."""
    merge_queue: bool = True
    """Whether the merge queue may merge after a lead's approval."""
    peer_may_be_lead: bool = False
    """Whether one person's approval may count both as the peer's and as the lead's."""
    developer_may_merge: bool = True
    """Whether a developer of a change may merge it, if they are somebody who may merge."""


class References(Part):
    """The controls that the procedure meets: those of every step, and more of single ones."""

    all: Words = ()
    """Controls that every step is mapped to."""
    step_1: Annotated[Words, Field(alias="1")] = ()
    """More that step 1 is mapped to."""
    step_2: Annotated[Words, Field(alias="2")] = ()
    """More that step 2 is mapped to."""
    step_3: Annotated[Words, Field(alias="3")] = ()
    """More that step 3 is mapped to."""
    step_4: Annotated[Words, Field(alias="4")] = ()
    """More that step 4 is mapped to."""
    step_5: Annotated[Words, Field(alias="5")] = ()
    """More that step 5 is mapped to."""
    step_6: Annotated[Words, Field(alias="6")] = ()
    """More that step 6 is mapped to."""

    @model_validator(mode="after")
    def _any(self) -> References:
        if not any(getattr(self, name) for name in References.model_fields):
            raise ValueError("expected at least one control")
        return self

    @model_serializer(mode="wrap")
    def _short(self, whole: SerializerFunctionWrapHandler) -> Any:
        said = {key: value for key, value in whole(self).items() if value}
        return said["all"] if list(said) == ["all"] else said


def _for_all(value: Any) -> Any:
    return {"all": value} if isinstance(value, list | tuple) else value


class Frame(Part):
    """What a policy says of all changes alike, which no override can set."""

    version: Annotated[Literal[1], BeforeValidator(_version)] = 1
    """The version of the policy's form."""
    extends: Annotated[Text | None, Field(json_schema_extra={"examples": [*PROFILES]})] = None
    """What this policy is laid over: a profile (strict, default, lean), or a file beside it."""
    name: Name = "default"
    """What the reports call the policy."""
    scope: Scope = Scope()
    """What is audited."""
    classes: Classes = Classes()
    """The classes of change that are set apart."""
    calendar: Calendar = Calendar()
    """Which days are business days."""
    roster: Text | None = None
    """A file beside this one, YAML or CSV, that names people in roles with dates and addresses."""


class Settings(Part):
    """What a policy sets, and an override may set otherwise for some changes."""

    roles: Roles = Roles()
    """Who may approve as what."""
    approving_bots: Logins = ()
    """Bots whose approvals count like a person's."""
    unlinked_commits: Literal["undetermined", "opener"] = "undetermined"
    """Whose a commit is whose author is linked to no account: nobody can tell, or the opener's."""
    force_pushes: Literal["stale", "same_content"] = "stale"
    """What a force-push makes of earlier approvals: stale, or not if it kept the content."""
    tickets: Tickets = Tickets()
    """Step 1: tickets."""
    feature_branch: FeatureBranch = FeatureBranch()
    """Step 1: the feature branch."""
    template: Template = Template()
    """Step 2: what fills the pull request template."""
    security_checklist: SecurityChecklist = SecurityChecklist()
    """Step 2: what the security checklist is, and what answers it."""
    peer_review: PeerReview = PeerReview()
    """Step 3: the peer review."""
    security_review: SecurityReview = SecurityReview()
    """Step 4: the security review."""
    qa: Qa = Qa()
    """Step 5: the sign-off of QA and the test in staging."""
    final_approval: FinalApproval = FinalApproval()
    """Step 6: the final approval and the merge."""


class Override(Part):
    """Settings for some changes; all of its conditions must hold."""

    name: Name
    """What the reports call the override."""
    repositories: Globs = ()
    """Globs of the repository's full name, owner/name."""
    paths: Globs = ()
    """Globs of paths: at least one changed file matches one of them."""
    only_paths: Globs = ()
    """Globs of paths: every changed file matches one of them."""
    settings: Annotated[Settings, Field(alias="set")]
    """What is set for these changes, in the words of the policy itself."""

    @model_validator(mode="after")
    def _of_some_changes(self) -> Override:
        if not (self.repositories or self.paths or self.only_paths):
            raise ValueError(
                "the override has no condition and would apply to every change; "
                "add 'repositories', 'paths' or 'only_paths', or set it for all"
            )
        if not self.settings.model_fields_set:
            raise ValueError("the override sets nothing; add what differs under 'set'")
        if self.settings.tickets.model_fields_set & {"reverse_trace", "done_statuses"}:
            raise ValueError(
                "the reverse trace is of tickets, which are of no repository and no path; set "
                "'reverse_trace' and 'done_statuses' for all"
            )
        if self.settings.tickets.model_fields_set & {"jira_url", "jira_sites"}:
            raise ValueError(
                "a project is in one Jira, whatever change names its tickets; set 'jira_url' and "
                "'jira_sites' for all"
            )
        return self

    def of_files(
        self, paths: Sequence[str] | None, whole: bool, named: Sequence[str] | None = None
    ) -> bool | None:
        """Whether its globs of paths hold, `None` where that cannot be told.

        Args:
            paths: the paths of the changed files that are known; `None` if none could be read.
            whole: whether these are all.
            named: those among them that any override names; `None` if that was not looked at.
        """
        known = paths or ()
        unseen = paths is None or not whole
        if self.only_paths and not all(matches_any(p, self.only_paths) for p in known):
            return False
        some = not self.paths or any(
            matches_any(p, self.paths) for p in (known if named is None else named)
        )
        if not some and not unseen:
            return False
        if self.only_paths and not unseen and not known:
            return False  # of no file at all nothing is true
        return None if not some or (self.only_paths and unseen) else True


class Waiver(Part):
    """Management's recorded acceptance that something does not hold of some changes."""

    change: Changes
    """The change, such as acme/payments#12, or a glob of some."""
    attributes: OneOrMore[WaivedId]
    """Steps ("5") and attributes ("5.2") whose exceptions are accepted."""
    reason: Reason
    """Why it is accepted."""
    by: Text
    """Who accepted it."""
    until: GivenDay
    """The last day (UTC) on which a change that merged is covered."""
    granted: Day = None
    """The day on which it was accepted."""

    @model_validator(mode="after")
    def _ordered(self) -> Waiver:
        if self.granted and self.until < self.granted:
            raise ValueError(f"'until' ({self.until}) is before 'granted' ({self.granted})")
        return self


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """The policy that holds for a change, and the names of the overrides that made it so.

    Where `doubt` is not empty, it cannot be told whether more overrides apply: it says which and
    why. `policy` leaves them out, and nothing that is judged by it is sure; `others` are what
    would hold with each of them.
    """

    policy: Policy
    applied: tuple[str, ...]
    doubt: str = ""
    others: tuple[Policy, ...] = ()

    @property
    def tickets(self) -> Tickets:
        """What counts as a ticket and where it is looked for: in doubt, wherever one may be."""
        own = self.policy.tickets
        if not self.others:
            return own
        every = (own, *(other.tickets for other in self.others))
        return own.model_copy(
            update={
                "places": tuple(dict.fromkeys(p for tickets in every for p in tickets.places)),
                "github_issues": any(tickets.github_issues for tickets in every),
                "jira_projects": tuple(
                    dict.fromkeys(key for tickets in every for key in tickets.jira_projects)
                ),
                "trackers": {
                    name: tuple(dict.fromkeys(k for t in every for k in t.trackers.get(name, ())))
                    for name in dict.fromkeys(name for t in every for name in t.trackers)
                },
            }
        )


class Policy(Settings, Frame):
    """A policy: the procedure as one company runs it."""

    controls: Annotated[
        References,
        BeforeValidator(_for_all, json_schema_input_type=OneOrMore[Text] | References),
    ] = Field(default=References(all=("SOC 2 CC8.1",)), alias="references")
    """The controls that the procedure meets, as the reports name them."""
    overrides: Annotated[tuple[Override, ...], BeforeValidator(_tuple)] = ()
    """What is set otherwise for some repositories or paths; later ones lie over earlier ones."""
    waivers: Annotated[tuple[Waiver, ...], BeforeValidator(_tuple)] = ()
    """What management has accepted, until when and why."""

    _emails: dict[str, str] = PrivateAttr(default_factory=dict)
    _jira_accounts: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def references(self) -> tuple[str, ...]:
        """The controls that every step is mapped to; those of one step are `references_of`."""
        return self.controls.all

    def references_of(self, step: str) -> tuple[str, ...]:
        """The controls that a step ("3") is mapped to: those of all steps, then its own."""
        own: tuple[str, ...] = getattr(self.controls, f"step_{step}", ())
        return tuple(dict.fromkeys((*self.controls.all, *own)))

    @property
    def emails(self) -> Mapping[str, str]:
        """The login of each e-mail address, in lower case, that the roster tells."""
        return MappingProxyType(self._emails)

    @property
    def jira_accounts(self) -> Mapping[str, str]:
        """The login of each Jira account, by its id in lower case, that the roster tells."""
        return MappingProxyType(self._jira_accounts)

    @property
    def teams(self) -> tuple[str, ...]:
        """Every team that the policy or one of its overrides names, once."""
        every = (self.roles, *(override.settings.roles for override in self.overrides))
        return tuple(
            dict.fromkeys(
                team
                for roles in every
                for role in (roles.peer, roles.security, roles.qa, roles.lead)
                for team in role.teams
            )
        )

    @property
    def codeowners(self) -> bool:
        """Whether the policy, or one of its overrides, asks who owns the changed files."""
        overridden = any(override.settings.roles.peer.codeowners for override in self.overrides)
        return self.roles.peer.codeowners or overridden

    @property
    def jira_projects(self) -> tuple[str, ...]:
        """Every Jira project whose tickets count, by the policy or one of its overrides, once."""
        every = (self.tickets, *(override.settings.tickets for override in self.overrides))
        return tuple(dict.fromkeys(key for tickets in every for key in tickets.jira_projects))

    @property
    def jiras(self) -> dict[str, tuple[str, ...]]:
        """The projects of each Jira, by its address; "" for the one that JIRA_URL names."""
        found: dict[str, tuple[str, ...]] = {}
        for project in self.jira_projects:
            address = self.tickets.jira_of(project)
            found[address] = (*found.get(address, ()), project)
        return found

    @property
    def accept_parent(self) -> bool:
        """Whether the policy, or one of its overrides, counts a ticket for its parent's sake."""
        overridden = any(override.settings.tickets.accept_parent for override in self.overrides)
        return self.tickets.accept_parent or overridden

    @property
    def trackers(self) -> tuple[str, ...]:
        """The further trackers that the policy, or one of its overrides, names, each once."""
        every = (self.tickets, *(override.settings.tickets for override in self.overrides))
        return tuple(dict.fromkeys(name for tickets in every for name in tickets.trackers))

    @property
    def ticket_comments(self) -> bool:
        """Whether the policy, or one of its overrides, asks what was said on the tickets."""
        every = (self.qa, *(override.settings.qa for override in self.overrides))
        return any(qa.ticket_comment is not None for qa in every)

    def role(self, name: RoleName) -> Role:
        """The holders of a role."""
        found: Role = getattr(self.roles, name)
        return found

    def asks(self, change_class: ChangeClass, attribute: str) -> bool:
        """Whether the policy asks `attribute` ("3.1", or "3" for a whole step) of a class."""
        if change_class is not _AUTOMATED:
            return True
        left = self.classes.automated.attributes
        return attribute in left or attribute.split(".")[0] in left

    def with_people(
        self,
        members: Mapping[RoleName, Iterable[Member]],
        emails: Mapping[str, str],
        unnamed: Iterable[RoleName] = (),
        jira_accounts: Mapping[str, str] = MappingProxyType({}),
    ) -> Policy:
        """The policy with the people of a roster.

        Args:
            members: who is added to the users of each role.
            emails: the login of each e-mail address, in lower case.
            unnamed: roles that the policy's author said nothing of; whoever the roster names for
                one replaces its default, as if named in the policy.
            jira_accounts: the login of each Jira account, by its id in lower case.
        """
        roles: dict[str, Role] = {}
        for name, people in members.items():
            if added := tuple(people):
                role = self.role(name)
                role = type(role)() if name in unnamed else role
                roles[name] = role.model_copy(update={"users": (*role.users, *added)})
        policy = self.model_copy(update={"roles": self.roles.model_copy(update=roles)})
        policy._emails = dict(emails)
        policy._jira_accounts = dict(jira_accounts)
        return policy

    def for_change(
        self, repository: str, paths: Sequence[str] | None, *, whole: bool = True
    ) -> EffectivePolicy:
        """The policy for a change: the overrides that apply to it, laid over this one in order.

        An override of `paths` applies if any changed file matches, one of `only_paths` if every
        file does, and one of several conditions if all hold. That no file matches, or that every
        file does, can only be said of a whole list.

        Args:
            repository: the repository's full name, owner/name.
            paths: the paths of the changed files; `None` if they could not be read.
            whole: whether `paths` are all of them; not if the list was cut, and neither where the
                source shows a renamed file by its new path alone.
        """
        chosen = self._chosen
        candidates = chosen.candidates.get(repository)
        if candidates is None:
            candidates = tuple(
                number
                for number, override in enumerate(self.overrides)
                if not override.repositories
                or first_match(repository, override.repositories) is not None
            )
            chosen.candidates[repository] = candidates
        # Most files are named by no override: they are put aside at once, not by each override.
        named = matching(paths or (), chosen.globs)
        sure: list[int] = []
        unsure: list[int] = []
        for number in candidates:
            holds = self.overrides[number].of_files(paths, whole, named)
            if holds:
                sure.append(number)
            elif holds is None:
                unsure.append(number)
        key = (tuple(sure), tuple(unsure))
        found = chosen.policies.get(key)
        if found is None:
            found = chosen.policies[key] = self._effective(*key)
        return found

    def for_pull(self, pull: PullRequest) -> EffectivePolicy:
        """The policy for a pull request, by its repository and its changed files."""
        files = pull.files if self.overrides else ()
        if isinstance(files, Unavailable):
            return self.for_change(pull.repository, None)
        # GitHub shows a renamed file by its new path alone.
        whole = len(files) >= pull.changed_files and all(f.change != "RENAMED" for f in files)
        return self.for_change(pull.repository, [f.path for f in files], whole=whole)

    def _effective(self, sure: tuple[int, ...], unsure: tuple[int, ...]) -> EffectivePolicy:
        policy = self._overridden(sure)
        # An override that says what holds anyway leaves no doubt; and if none of them alone would
        # change anything, no two together would.
        doubtful = [
            (f"'{self.overrides[number].name}'", other)
            for number in unsure
            if (other := self._overridden(tuple(sorted((*sure, number))))) != policy
        ]
        doubt = ""
        if doubtful:
            which = f"override {doubtful[0][0]} applies"
            if len(doubtful) > 1:
                which = f"overrides {', '.join(name for name, _ in doubtful)} apply"
            doubt = f"whether the {which} cannot be told: not every changed file is known"
        applied = tuple(self.overrides[number].name for number in sure)
        return EffectivePolicy(policy, applied, doubt, tuple(other for _, other in doubtful))

    def _overridden(self, numbers: tuple[int, ...]) -> Policy:
        if not numbers:
            return self
        names = Settings.model_fields
        value: Any = self.model_dump(by_alias=True, include=set(names))
        for number in numbers:
            said = self.overrides[number].settings
            value = lay(said.model_dump(by_alias=True, exclude_unset=True), value)
        settings = Settings.model_validate(value)
        return self.model_copy(update={name: getattr(settings, name) for name in names})

    @cached_property
    def _chosen(self) -> _Chosen:
        globs = dict.fromkeys(glob for override in self.overrides for glob in override.paths)
        return _Chosen(tuple(globs), {}, {})


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What a policy has worked out for changes: by repository, and by the overrides that apply.

    `globs` are the paths that any of its overrides names.
    """

    globs: tuple[str, ...]
    candidates: dict[str, tuple[int, ...]]
    policies: dict[tuple[tuple[int, ...], tuple[int, ...]], EffectivePolicy]


def lay(over: Any, under: Any, path: tuple[str, ...] = ()) -> Any:
    """A policy, as plain values, laid over another: mappings key by key, anything else replaced.

    A role counts as one value: who is named for it replaces whoever held it. `path` is where the
    two stand in the policy.
    """
    if not (isinstance(over, dict) and isinstance(under, dict)) or is_one_value(path):
        return over
    laid = {**under, **over}
    for key in over.keys() & under.keys():
        laid[key] = lay(over[key], under[key], (*path, key))
    return laid


def is_one_value(path: tuple[str | int, ...]) -> bool:
    """Whether what stands at a path of the policy is replaced as a whole: a role."""
    return len(path) == 2 and path[0] == "roles"
