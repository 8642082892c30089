"""A policy as a file for people: what was answered in force, what was found beside it as comments.

Every value is written by the YAML library, and every name in a comment is shown on one line, so no
label and no heading can become a key of the policy. Lines that start with "#: " are not in force,
as in `policy.example.yaml`; what explains a key is what the model says of it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, get_args

import yaml
from pydantic import BaseModel

from changeaudit.errors import PolicyError
from changeaudit.policy import Policy
from changeaudit.policy_file import load_policy
from changeaudit.records import Record
from changeaudit.suggestions import CODE_OWNERS, Suggestion
from changeaudit.yaml_document import visible

MARK: Final = "#: "
WIDTH: Final = 100

EXAMPLES: Final[Mapping[str, Any]] = {
    "scope.branches": ["default", "release/*"],
    "classes.emergency.labels": ["emergency"],
    "classes.emergency.branches": ["hotfix/*"],
    "classes.emergency.ticket_types": ["Incident"],
    "classes.automated": {"authors": ["dependabot[bot]"], "attributes": ["3", "5.2", "6"]},
    "roles.peer": {"teams": ["acme/developers"]},
    "roles.security": {"teams": ["acme/security"]},
    "roles.qa": {"teams": ["acme/qa"]},
    "roles.lead": {"teams": ["acme/engineering-leads"], "users": ["carol"]},
    "tickets.jira_projects": ["PAY", "OPS"],
    "tickets.types": ["Story", "Bug", "Task"],
    "tickets.cancelled_statuses": ["Cancelled", "Won't Do"],
    "tickets.closed_statuses": ["Closed", "Done", "Resolved"],
    "template.headings": ["Summary", "How it was tested"],
    "security_checklist.heading": "Security checklist",
    "security_checklist.items": ["No secrets in the code", "Input is validated"],
    "security_review.paths": ["**/auth/**", "infra/iam/"],
    "security_review.labels": ["security"],
    "security_review.ticket_types": ["Vulnerability"],
    "security_review.impact_items": ["Touches authentication or personal data"],
    "security_review.no_impact_items": ["No security impact"],
    "qa.review": True,
    "qa.labels": ["qa-passed"],
    "qa.comment": "QA passed:",
    "qa.ticket_statuses": ["QA passed"],
    "qa.sign_off_checks": ["e2e / *"],
    "qa.staging_checks": ["e2e / staging"],
    "qa.staging_apps": ["github-actions"],
    "final_approval.peer_may_be_lead": True,
}
"""The keys that a draft shows, in the order of a policy, with an example of each."""

BOTS_ARE_ASKED: Final = ("3", "5.2", "6")
"""What is asked of the changes of bots, unless their policy is written otherwise."""
EVERYONE: Final = {"write": "write_access", CODE_OWNERS: "codeowners"}
"""The words that stand for more than one person where the holders of a role are listed."""


class Draft(Record, frozen=True):
    """What a policy is written from.

    `answers` and `suggestions` go by the dotted paths of `EXAMPLES`; an answer is a value as the
    policy holds it. `asked` says in whole sentences who was asked, and what they did not tell.
    """

    profile: str
    name: str
    on: date
    asked: tuple[str, ...]
    answers: Mapping[str, Any]
    suggestions: Mapping[str, Suggestion]


def drafted(draft: Draft) -> str:
    """The text of the policy, which `load_policy` accepts.

    Raises:
        PolicyError: an answer cannot stand in a policy; see `problem`.
    """
    lines = [*_head(draft), "", *_lines({"version": 1}), *_lines({"extends": draft.profile})]
    if draft.name:
        lines += [
            "",
            *_comment("What the reports call this policy."),
            *_lines({"name": draft.name}),
        ]
    profile = load_policy(f"extends: {draft.profile}", f"profile {draft.profile}").policy
    page = _Page(draft, profile.model_dump(mode="json", by_alias=True))
    for section in dict.fromkeys(path.partition(".")[0] for path in EXAMPLES):
        lines += ["", "", *page.section(section)]
    text = "\n".join(lines) + "\n"
    load_policy(text, "the policy that was drafted")
    return text


def value_of(path: str, words: Sequence[str]) -> Any:
    """What a key of the policy holds if `words` are what was chosen for it.

    For a role a word with a slash is a team, those of `EVERYONE` are what they stand for, and any
    other is the login of a person.
    """
    if path.startswith("roles."):
        people = [word.removeprefix("@") for word in words if word not in EVERYONE]
        role: dict[str, Any] = {
            "teams": [word for word in people if "/" in word],
            "users": [word for word in people if "/" not in word],
            **{EVERYONE[word]: True for word in words if word in EVERYONE},
        }
        return {key: value for key, value in role.items() if value}
    if path == "classes.automated":
        return {"authors": list(words), "attributes": list(BOTS_ARE_ASKED)}
    return list(words) if isinstance(EXAMPLES[path], list) else words[0]


def problem(path: str, value: Any) -> str:
    """Why a value cannot stand at a path of the policy; "" if it can."""
    for key in reversed(path.split(".")):
        value = {key: value}
    try:
        load_policy("\n".join(_lines(value)), "answer")
    except PolicyError as error:
        return error.problems[0].partition(": ")[2]
    return ""


def _head(draft: Draft) -> Iterator[str]:
    yield from _comment(
        f"The policy of changeaudit, written by `changeaudit policy init` on {draft.on}. What is"
        f" not set here is as in the profile {draft.profile}; policy.example.yaml explains every"
        " key."
    )
    yield "#"
    yield from _comment(
        'Lines that start with "#: " are not in force: they were found and confirmed by nobody, or'
        " are examples. Take those three characters away from a line, and from the keys that it"
        " stands under, to put it in force. A team or a label is found by its name alone: make"
        " sure of it first."
    )
    if draft.asked:
        yield "#"
    for sentence in draft.asked:
        yield from _comment(sentence)


class _Page:
    """The sections of a draft, and what holds by the profile where they say nothing."""

    def __init__(self, draft: Draft, profile: Mapping[str, Any]) -> None:
        self._draft = draft
        self._profile = profile

    def section(self, name: str) -> Iterator[str]:
        """A top-level key with all beneath it."""
        yield from _comment(_says(name))
        yield from self._block(name, "")

    def _block(self, path: str, mark: str) -> Iterator[str]:
        """The lines of a key and of those beneath it; `mark` precedes what is not in force."""
        depth = path.count(".")
        beneath = dict.fromkeys(
            f"{path}.{key[len(path) + 1 :].partition('.')[0]}"
            for key in EXAMPLES
            if key.startswith(f"{path}.")
        )
        mark = mark or ("" if self._in_force(path) else MARK)
        name = path.rpartition(".")[2]
        if not beneath:
            yield from _lines({name: self._value(path)}, depth, mark)
            return
        yield f"{mark}{'  ' * depth}{name}:"
        for number, key in enumerate(beneath):
            if number and not mark:
                yield ""
            for said in self._explained(key):
                yield from _comment(said, depth + 1, mark)
            yield from self._block(key, mark)

    def _in_force(self, path: str) -> bool:
        return any(key == path or key.startswith(f"{path}.") for key in self._draft.answers)

    def _value(self, path: str) -> Any:
        if path in self._draft.answers:
            return self._draft.answers[path]
        found = self._draft.suggestions.get(path)
        return value_of(path, found.values) if found else EXAMPLES[path]

    def _explained(self, path: str) -> Iterator[str]:
        """What a key means, what the profile says of it, and where its value came from."""
        yield _says(path)
        if path not in EXAMPLES:
            return
        held: Any = self._profile
        for key in path.split("."):
            held = held[key]
        found = self._draft.suggestions.get(path)
        if path in self._draft.answers:
            answer = self._draft.answers[path]
            taken = found and answer == value_of(path, _kept(found, answer))
            source = f"From {found.source}, asked" if found and taken else "Answered"
            yield f"{source} on {self._draft.on}."
        elif found:
            yield f"Found in {found.source}, asked on {self._draft.on}:"
            for each in found.found:
                if each.note:
                    yield f"  {visible(each.value)}: {visible(each.note)}"
        elif isinstance(held, dict) or held in ([], None):
            yield "Example:"
        else:
            yield f"In profile {self._draft.profile}: {_inline(held)}. Example:"


def _kept(found: Suggestion, answer: Any) -> tuple[str, ...]:
    """The suggested values that an answer holds."""
    held = set(_texts(answer))
    if isinstance(answer, dict):
        held |= {word for word, key in EVERYONE.items() if key in answer}
    return tuple(value for value in found.values if value in held)


def _says(path: str) -> str:
    """What the model says of the key at a path."""
    model: Any = Policy
    said = ""
    for key in path.split("."):
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        said = fields[key].description or ""
        model = next(_models(fields[key].annotation), None)
    return said


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _comment(said: str, depth: int = 0, mark: str = "") -> Iterator[str]:
    """A sentence as comments; what others named in it cannot end the line.

    Behind `mark` it is a comment once more, when the mark is taken away.
    """
    before = f"{mark}{'  ' * depth}# "
    indent = " " * (len(said) - len(said.lstrip()))
    yield from textwrap.wrap(
        visible(said, 2000),
        WIDTH,
        initial_indent=before,
        subsequent_indent=before + indent,
        break_on_hyphens=False,
    )


class _Dumper(yaml.SafeDumper):
    """Writes lists an item a line, and in quotes and escapes what nobody would see."""


class _Brackets(_Dumper):
    """The same with lists in brackets."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = '"' if _unseen(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _list(dumper: yaml.SafeDumper, value: Sequence[Any]) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)


_Dumper.add_representer(str, _text)
_Brackets.add_representer(list, _list)


def _unseen(value: str) -> bool:
    return visible(value, 10 * len(value) + 1) != value


def _yaml(value: Any, dumper: type[_Dumper]) -> str:
    written: str = yaml.dump(
        value,
        Dumper=dumper,
        default_flow_style=False,
        sort_keys=False,
        allow_unicode=not any(_unseen(text) for text in _texts(value)),
        width=float("inf"),
    )
    return written


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _inline(value: Any) -> str:
    """A value on one line, as a comment names it."""
    return _yaml({"x": value}, _Brackets).removeprefix("x:").strip()


def _lines(value: Any, depth: int = 0, mark: str = "") -> Iterator[str]:
    """A mapping as lines of YAML: lists in brackets where they fit, else an item a line."""
    before = f"{mark}{'  ' * depth}"
    lines = _yaml(value, _Brackets).splitlines()
    if any(len(before) + len(line) > WIDTH for line in lines):
        lines = _yaml(value, _Dumper).splitlines()
    for line in lines:
        yield before + line
