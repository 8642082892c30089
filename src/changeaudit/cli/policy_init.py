"""`changeaudit policy init`: a policy to begin with, of what is seen and what is answered."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from changeaudit.cli import options, streams
from changeaudit.cli.audit import now
from changeaudit.cli.exits import Exit
from changeaudit.cli.progress import say, shown
from changeaudit.errors import CollectError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from changeaudit.collectors.jira.access import Access
    from changeaudit.records import Unavailable
    from changeaudit.suggestions import Suggestion
    from changeaudit.survey import GitHubSurvey, JiraSurvey


class Profile(StrEnum):
    """The profiles that a policy may be laid over."""

    STRICT = "strict"
    DEFAULT = "default"
    LEAN = "lean"


WHO: Final = "teams as organisation/slug, people by login"

QUESTIONS: Final = {
    "scope.branches": 'Production branches, as globs; "default" is the default branch',
    "classes.emergency.labels": "Labels of an emergency change",
    "classes.automated": "Bots whose changes are judged apart: only steps 3, 5.2 and 6 are asked",
    "roles.peer": f"Peer reviewers (step 3): {WHO};\n"
    "write is everyone with write access, codeowners whoever owns the changed files",
    "roles.security": f"The security team (step 4): {WHO}",
    "security_review.labels": "Labels that ask for a security review",
    "security_review.impact_items": "Items of the checklist that, ticked, ask for one",
    "roles.qa": f"The QA team (step 5): {WHO}",
    "qa.review": "Is an approving review by QA its sign-off?",
    "qa.labels": "Labels with which QA signs off",
    "qa.comment": "The text that a comment starts with by which QA signs off",
    "qa.ticket_statuses": "Statuses of a ticket into which QA moves it to sign off",
    "qa.staging_checks": "Checks or environments whose success shows the test in staging",
    "roles.lead": f"The engineering leads (step 6): {WHO}",
    "final_approval.peer_may_be_lead": "May one person approve both as the peer and as the lead?",
    "tickets.jira_projects": "Jira projects whose tickets count, by their keys",
    "tickets.cancelled_statuses": "Statuses of a ticket that was cancelled",
    "tickets.closed_statuses": "Statuses of a ticket that is done",
    "template.headings": "Headings that a pull request must fill; left open, its template's own",
    "security_checklist.heading": "The heading of the security checklist",
}
"""What is asked, by the key of the policy that the answer is for."""

ONLY_IF_FOUND: Final = frozenset(
    (
        "security_review.impact_items",
        "qa.ticket_statuses",
        "tickets.cancelled_statuses",
        "tickets.closed_statuses",
    )
)
"""Questions that nobody can answer out of hand."""

YES_OR_NO: Final = {"y": True, "yes": True, "n": False, "no": False}


def init(
    repositories: Annotated[
        list[str] | None,
        # Described in the text: the help's own table of arguments speaks of Python's types.
        typer.Argument(metavar="OWNER/REPO", hidden=True),
    ] = None,
    output: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the policy is written.")
    ] = Path(options.DEFAULT_POLICY),
    profile: Annotated[
        Profile | None,
        typer.Option(help="What it is laid over.  [default: asked for; default with --yes]"),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask no question; what is found becomes comments alone.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a first policy, with comments.

    Each OWNER/REPO that is named is looked at on GitHub: its branches, labels, environments and
    template, what merged last, and the teams of its owner. Jira is asked for its projects and
    statuses if JIRA_URL is set. What is found by its name is a guess: it is offered, and in force
    only if you take it. A question is left open with Enter; what is left open, and everything with
    --yes, stands in the file as a comment.

    Leaves with 0 once the policy is written. It is checked before, and written whole or not at all.
    """
    try:
        _init(repositories or [], output, profile, yes, force)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("\nInterrupted. Nothing was written.", err=True)
        raise typer.Exit(Exit.INTERRUPTED) from None


def _init(
    repositories: Sequence[str], output: Path, profile: Profile | None, yes: bool, force: bool
) -> None:
    names = tuple(dict.fromkeys(_repository(name) for name in repositories))
    if not yes and not has_terminal():
        raise UsageError(
            "There is no terminal to ask questions on.",
            "Run it in a terminal, or add --yes: then what is found is written as comments.",
        )
    _writable(output, force)
    at = now()
    messages = streams.console(stderr=True)
    found = _asked_github(names, messages)
    jira = _asked_jira(found)

    from changeaudit.policy_draft import Draft, drafted
    from changeaudit.records import Unavailable
    from changeaudit.suggestions import listing, suggest, unread

    known = None if isinstance(jira, Unavailable) else jira
    asked = []
    if found.repositories:
        # Spelled as GitHub spells them.
        names = tuple(repository.name for repository in found.repositories)
        asked.append(f"{found.host} was asked about {listing(names)}.")
    if known:
        asked.append(f"Jira at {known.host} was asked about its projects.")
    elif isinstance(jira, Unavailable):
        asked.append(f"Jira could not be asked: {jira.reason}.")
    asked += unread(found, known)
    for sentence in asked:
        say(messages, sentence, wrap=True)

    suggestions = suggest(found, known)
    name = _shortened(listing(names))
    answers: dict[str, Any] = {}
    if yes:
        chosen = profile or Profile.DEFAULT
    else:
        name, chosen, answers = _dialogue(messages, name, profile, suggestions)
    draft = Draft(chosen.value, name, at.date(), tuple(asked), answers, suggestions)
    _write(output, drafted(draft), force)
    for line in _next(output, names, chosen, answers, suggestions):
        say(messages, line)


# What is asked of others ------------------------------------------------------------------------


def _repository(name: str) -> str:
    if set(options.pattern(name)) & set("*?["):
        raise UsageError(
            f"{name!r} is a pattern, and a policy is proposed from single repositories.",
            "Name one or a few that are typical: OWNER/REPO.",
        )
    return name


def _asked_github(names: Sequence[str], messages: Console) -> GitHubSurvey:
    from changeaudit.survey import GitHubSurvey

    if not names:
        return GitHubSurvey("")
    from changeaudit.cli import github
    from changeaudit.collectors.github.survey import survey
    from changeaudit.collectors.github.transport import Transport

    token = github.authorization(
        names, now, partial(say, messages), "without a repository none is needed"
    )
    with shown(messages, False) as progress:
        transport = Transport(token, github.api_url(), now, listener=progress)
        try:
            return survey(transport, names, progress.collected)
        except CollectError as error:
            kept = error.hint.startswith("What was collected so far is kept")
            hint = "Nothing was written; run the same command again." if kept else error.hint
            raise CollectError(error.message, hint) from None
        finally:
            transport.close()


def _asked_jira(found: GitHubSurvey) -> JiraSurvey | Unavailable | None:
    """What Jira shows, why it shows nothing, or `None` where the environment names none."""
    from changeaudit.records import Unavailable

    try:
        access = jira_access()
    except CollectError as error:
        return Unavailable(error.message.rstrip("."))
    if access is None:
        return None
    from changeaudit.collectors.jira_survey import survey_jira
    from changeaudit.suggestions import project_keys

    return survey_jira(access, project_keys(found))


def jira_access() -> Access | None:
    """The Jira that JIRA_URL names, and what opens it; `None` if it names none.

    Raises:
        CollectError: it is no address of a Jira, or there is no token for it.
    """
    from changeaudit.collectors.jira.access import access_to, default_address

    url = default_address(os.environ)
    return access_to(url, os.environ) if url else None


# The dialogue -----------------------------------------------------------------------------------


def has_terminal() -> bool:
    """Whether somebody can be asked: both what is read and what is written is a terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _dialogue(
    messages: Console,
    name: str,
    profile: Profile | None,
    suggestions: Mapping[str, Suggestion],
) -> tuple[str, Profile, dict[str, Any]]:
    """The name, the profile and the answers, by the keys of the policy that they are for."""
    tell = partial(say, messages, wrap=True)
    tell("")
    tell(
        "Answer with the numbers of what was found, or with words of your own, a comma between"
        " two; y takes all that was found. Enter leaves a question open."
    )
    tell("")
    name = _shortened(_ask(f"Name of the policy{_default(name)}: ") or name)
    chosen = profile or _profile(messages)
    answers: dict[str, Any] = {}
    for path, question in QUESTIONS.items():
        found = suggestions.get(path)
        if found is None and path in ONLY_IF_FOUND:
            continue
        tell("")
        for line in question.splitlines():
            tell(line)
        if found:
            tell(f"Found in {found.source}:")
        for number, each in enumerate(found.found if found else (), 1):
            tell(f"  {number:>2}  {each.value}{f' ({each.note})' if each.note else ''}")
        answer = _answer(messages, path, found.values if found else ())
        if answer is not None:
            answers[path] = answer
    tell("")
    return name, chosen, answers


def _answer(messages: Console, path: str, found: Sequence[str]) -> Any:
    """What the policy will hold at `path`; `None` if the question is left open."""
    from changeaudit.policy_draft import EXAMPLES, problem, value_of

    whether = isinstance(EXAMPLES[path], bool)
    while True:
        said = _ask("y or n: " if whether else "> ")
        if not said:
            return None
        if whether:
            if said.casefold() in YES_OR_NO:
                return YES_OR_NO[said.casefold()]
            say(messages, "Answer y or n, or leave it open with Enter.", wrap=True)
            continue
        words = _words(said, found)
        if not words:
            return None
        value = value_of(path, words)
        wrong = problem(path, value)
        if not wrong:
            return value
        say(messages, f"That cannot stand in a policy: {wrong}.", wrap=True)


def _words(said: str, found: Sequence[str]) -> list[str]:
    """What an answer names: numbers of what was found, or words; quotes hold a comma together."""
    import csv

    if found and said.casefold() in ("y", "yes"):
        return list(found)
    numbered = {str(number): value for number, value in enumerate(found, 1)}
    try:
        (row,) = csv.reader([said], skipinitialspace=True)
    except csv.Error:  # longer than anything that may stand in a policy
        row = [said]
    words = (word.strip() for word in row)
    return list(dict.fromkeys(numbered.get(word, word) for word in words if word))


def _profile(messages: Console) -> Profile:
    while True:
        said = _ask("Profile: strict, default or lean [default]: ") or Profile.DEFAULT
        if said in list(Profile):
            return Profile(said)
        say(messages, "Strict is the procedure to the letter, lean is for small teams.", wrap=True)


def _default(value: str) -> str:
    from changeaudit.reporters.text import one_line

    return f" [{one_line(value)}]" if value else ""


def _ask(prompt: str) -> str:
    """One line that somebody types; "" for Enter alone.

    Raises:
        typer.Abort: the input ended, or Ctrl-C.
    """
    answer: str = typer.prompt(prompt, default="", show_default=False, prompt_suffix="", err=True)
    return " ".join(answer.split())


def _shortened(name: str) -> str:
    """A name as a policy can have it."""
    return name if len(name) <= 100 else f"{name[:99]}…"


# The file ---------------------------------------------------------------------------------------


def _writable(output: Path, force: bool) -> None:
    """See that the file can be written, before anybody is asked anything."""
    import tempfile

    if output.is_dir():
        raise UsageError(f"{output} is a folder.", "Name a file with --output.")
    _not_there(output, force)
    try:
        with tempfile.TemporaryFile(dir=output.parent):
            pass
    except OSError as error:
        raise _unwritable(output, error) from None


def _not_there(output: Path, force: bool) -> None:
    if not force and (output.exists() or output.is_symlink()):
        raise UsageError(
            f"{output} is there already, and is left as it is.",
            "Name another file with --output, or replace it with --force.",
        )


def _write(output: Path, text: str, force: bool) -> None:
    from changeaudit.reporters.files import replacing

    _not_there(output, force)
    try:
        with replacing(output) as file:
            file.write(text.encode("utf-8"))
    except OSError as error:
        raise _unwritable(output, error) from None


def _unwritable(output: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{output} cannot be written: {error.strerror or error}.",
        "Name another file with --output.",
    )


def _next(
    output: Path,
    names: Sequence[str],
    profile: Profile,
    answers: Mapping[str, Any],
    suggestions: Mapping[str, Suggestion],
) -> Iterator[str]:
    """What was written, and what to do now."""
    import shlex

    left = len(suggestions.keys() - answers.keys())
    yield f"Wrote {output}, over the profile {profile}. Keys set: {len(answers)}."
    if left:
        yield f'Found, but not in force: {left}, on lines that start with "#: ". Look at them.'
    file = shlex.quote(str(output))
    policy = "" if output == Path(options.DEFAULT_POLICY) else f" --policy {file}"
    audited = " ".join(map(shlex.quote, names)) or "OWNER/REPO"
    yield "Next:"
    yield f"  changeaudit policy check {file}"
    yield f"  changeaudit audit {audited} --last 30d{policy}"
