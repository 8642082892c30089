"""`changeaudit policy`: is a policy valid, what does it leave open, what may stand in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from changeaudit.cli import options, policy_diff, policy_init

if TYPE_CHECKING:
    from changeaudit.policy import Policy
    from changeaudit.policy_file import LoadedPolicy

app = typer.Typer(
    help="Write a first policy, check one, compare two, or print the schema that policies follow.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("init")(policy_init.init)


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that a policy leaves unsaid, without which `attributes` stay undetermined.

    `line` is YAML to be added under the key `under`.
    """

    attributes: str
    unsaid: str
    under: str
    line: str


def gaps(policy: Policy) -> Iterator[Gap]:
    """What the policy leaves unsaid, in the order of the procedure."""
    roles, review, qa = policy.roles, policy.security_review, policy.qa
    if not roles.peer.named:
        yield Gap("3.1-3.3, 6.5", "nobody is named as a peer", "roles.peer", "write_access: true")
    if not review.triggers:
        yield Gap(
            "4.1-4.4, 6.2",
            "nothing is named that triggers a security review",
            "security_review",
            'paths: ["**/auth/**"]',
        )
    if not roles.security.named:
        yield Gap(
            "4.2, 4.3, 6.2",
            "nobody is named as the security team",
            "roles.security",
            "teams: [acme/security]",
        )
    checks_may_sign = bool(qa.sign_off_checks or qa.staging_checks_sign_off)
    if not roles.qa.named and (qa.by_people or not checks_may_sign):
        yield Gap("5.1, 5.3, 6.2", "nobody is named as the QA team", "roles.qa", "teams: [acme/qa]")
    if not (qa.by_people or checks_may_sign):
        yield Gap("5.1, 5.3, 6.2", "no way is named in which QA signs off", "qa", "review: true")
    if not qa.staging_checks:
        signs_off = not (qa.by_people or qa.signing_checks) and qa.staging_checks_sign_off
        yield Gap(
            "5.1-5.3, 6.2" if signs_off else "5.2",
            "no check is named that shows the test in staging",
            "qa",
            "staging_checks: [e2e / staging]",
        )
    if not roles.lead.named:
        yield Gap(
            "6.1-6.5",
            "nobody is named as an engineering lead",
            "roles.lead",
            "teams: [acme/engineering-leads]",
        )
    emergency = policy.classes.emergency
    shows = emergency.post_mortem
    named = emergency.labels or emergency.branches or emergency.ticket_types
    if named and not (shows.labels or shows.ticket_types or shows.link_pattern):
        yield Gap(
            "E.6",
            "nothing is named that shows the post-mortem of an emergency change",
            "classes.emergency.post_mortem",
            "labels: [post-mortem]",
        )


@app.command()
def check(
    # Described in the text: the help's own table of arguments speaks of Python's types.
    file: Annotated[Path, typer.Argument(metavar="FILE", hidden=True)],
    effective: Annotated[
        bool,
        typer.Option("--effective", help="Print every value that holds, as a policy in YAML."),
    ] = False,
) -> None:
    """Check that FILE, in YAML, is a valid policy.

    Tells every problem with its line, or else what it extends and which attributes stay
    undetermined for want of something that a policy names. GitHub is not asked whether its logins
    and teams exist. Leaves with 0 if it is valid and with 2 if it is not.
    """
    from changeaudit.policy_file import effective_yaml, read_policy

    loaded = read_policy(file)
    options.known_trackers(loaded.policy)
    if effective:
        for line in described(loaded):
            typer.echo(f"# {line}")
        typer.echo(effective_yaml(loaded.policy), nl=False)
        return
    for line in described(loaded):
        typer.echo(line)
    typer.echo("GitHub was not asked whether its logins and teams exist: doctor sees the teams.")
    if keys := ", ".join(loaded.policy.jira_projects):
        typer.echo(f"Jira was not asked for {keys} either: doctor tells what it shows.")
    found = list(gaps(loaded.policy))
    if not found:
        typer.echo("It leaves nothing unsaid for want of which an attribute stays undetermined.")
        return
    typer.echo("What it leaves unsaid, and the attributes that will stay undetermined for it:")
    for gap in found:
        typer.echo(f"  {gap.attributes}: {gap.unsaid}; add under {gap.under}:  {gap.line}")


def described(loaded: LoadedPolicy) -> Iterator[str]:
    """Which policy it is, what it was read from, and what of it is not for every change alike."""
    from changeaudit.relaxations import relaxations
    from changeaudit.yaml_document import visible

    policy = loaded.policy
    name = visible(policy.name, 200)
    yield f"{visible(loaded.source, 200)} is a valid policy, named {name}; sha256 {loaded.digest}"
    if loaded.files:
        yield "The first sha256 covers this file and the ones below."
    for file in loaded.files:
        what = "It takes people from" if file.part == "roster" else "It extends"
        yield f"{what} {visible(file.source, 200)}, sha256 {file.digest}"
    for override in policy.overrides:
        where = [*override.repositories, *(f"files {pattern}" for pattern in override.paths)]
        where += [f"only files {pattern}" for pattern in override.only_paths]
        yield f"Override {visible(override.name)}: {visible(', '.join(where), 200)}"
    for found in relaxations(policy):
        was, now = (_shown(value) for value in (found.beneath, found.laxer))
        yield (
            f"Warning: override {visible(found.override.name)} relaxes {found.key} from {was} to "
            f"{now}, for every file of a change of which one matches its paths; use only_paths to "
            "relax changes of nothing else"
        )
    if policy.waivers:
        last = max(waiver.until for waiver in policy.waivers)
        count = len(policy.waivers)
        yield f"Waivers: {count}, of changes that merged up to {last} at the latest"


def _shown(value: object) -> str:
    """A value of a policy, on one line."""
    import json

    from changeaudit.yaml_document import visible

    return visible(json.dumps(value), 100)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a policy, for editors."""
    import json

    from changeaudit.policy_file import policy_schema

    typer.echo(json.dumps(policy_schema(), indent=2))


app.command("diff", epilog=policy_diff.EPILOG)(policy_diff.diff)
