"""Reading a policy: YAML in, `Policy` out, with every fault told at once and in its place.

A policy may extend a profile that comes with the program, or another file, over which it is laid,
and name a roster, whose people hold roles besides those that it names. Each of these files is
read with it, and the faults of all of them are told together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Final

import yaml
from pydantic import ValidationError

from changeaudit.errors import PolicyError
from changeaudit.policy import PROFILES, Policy, RoleName, is_one_value, lay
from changeaudit.roster_file import read_roster
from changeaudit.yaml_document import (
    Document,
    KeyPath,
    Unreadable,
    composed,
    decoded,
    located,
    near,
    read_bytes,
    refusal,
    visible,
    within_bounds,
)

MAX_VALUES: Final = 20_000

HINT: Final = (
    "policy.example.yaml explains every key; the file `version: 1` alone is the whole default"
)

_MISSING: Final = "name a file that is there; `changeaudit policy init` writes a first one"

_EMPTY: Final = "is empty; write at least `version: 1` for the default policy"


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that was read with a policy: what it is to it, its name, the SHA-256 of its bytes."""

    part: str
    source: str
    digest: str


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A policy, how to name where it came from, and a digest (hex) of all that it was read from.

    The digest of a policy of one file is the SHA-256 of its bytes. `files` are the others that
    were read with it; where there are any, the digest is the SHA-256 of the list of the digests,
    the policy's own and then theirs, each on a line of its own.
    """

    policy: Policy
    source: str
    digest: str
    files: tuple[ReadFile, ...] = ()


def read_policy(path: Path) -> LoadedPolicy:
    """Read a policy from a file of at most 1 MiB of UTF-8 (a byte order mark is allowed).

    Args:
        path: the file; `source` becomes the path as given.

    Raises:
        PolicyError: the file, or one that it names, cannot be read or holds nothing valid;
            `problems` has every fault in the order of each file, with file, line and key.
    """
    source = str(path)
    try:
        data = read_bytes(path, "policy")
    except Unreadable as error:
        raise _refusal(source, error, HINT if path.exists() else _MISSING) from None
    return _load(data, source, path.parent)


def load_policy(text: str, source: str, folder: Path | None = None) -> LoadedPolicy:
    """Read a policy from text; it is taken as UTF-8.

    Args:
        text: YAML of at most 1 MiB in UTF-8.
        source: how the messages and the report name where the text came from.
        folder: where the files are that the policy names; without it, it may name none.

    Raises:
        PolicyError: the text holds no valid policy; see `read_policy`.
    """
    return _load(text.encode("utf-8", "surrogatepass"), source, folder)


def default_policy() -> LoadedPolicy:
    """The policy that applies when none is given; its digest is that of its canonical JSON."""
    policy = Policy()
    canonical = json.dumps(
        policy.model_dump(mode="json", by_alias=True),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    digest = hashlib.sha256(canonical.encode("utf-8")).hexdigest()
    return LoadedPolicy(policy, "built-in default", digest)


def policy_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a policy, for editors that check while one types.

    It is looser than `load_policy`, which also holds what a schema cannot say: that an end is
    not before its beginning, or that a date is a day of the calendar.
    """
    schema = Policy.model_json_schema(by_alias=True, mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "changeaudit policy",
    }


def effective_yaml(policy: Policy) -> str:
    """Every value that holds, as a policy (YAML, in ASCII) that stands alone.

    What it extends and the people of its roster are written out; the roster's addresses and
    accounts on Jira, which a policy cannot hold, are left out.
    """
    return yaml.safe_dump(effective_values(policy), sort_keys=False, width=100)


def effective_values(policy: Policy) -> dict[str, Any]:
    """Every value that holds, as JSON has it; of an override those alone that it sets.

    A site of a Jira project that counts no longer, by what is laid over it, holds for nothing.
    """
    values = policy.model_dump(mode="json", by_alias=True, exclude={"extends", "roster"})
    sites = values["tickets"]["jira_sites"]
    values["tickets"]["jira_sites"] = {k: sites[k] for k in sites if k in policy.jira_projects}
    values["overrides"] = [
        override.model_dump(mode="json", by_alias=True, exclude_unset=True)
        for override in policy.overrides
    ]
    return values


@dataclass(frozen=True, slots=True)
class _Layer:
    """One of the files that a policy is made of: its document and value, and whose words it is."""

    document: Document
    value: Any
    source: str
    digest: str
    folder: Path | None
    ours: bool
    """Whether it comes with the program."""


def _load(data: bytes, source: str, folder: Path | None) -> LoadedPolicy:
    try:
        top = _layer(data, source, folder)
    except Unreadable as error:
        raise _refusal(source, error) from None
    problems: list[str] = []
    layers = [top, *_extended(top, problems)]
    policy = _whole(layers)
    files = [ReadFile("extended", layer.source, layer.digest) for layer in layers[1:]]
    roster = _with_roster(policy, layers, problems, files)
    told = [line for layer in layers for line in located(layer.source, layer.document.told())]
    if policy is None or told or problems:
        raise refusal("policy", source, [*told, *problems], HINT)
    return LoadedPolicy(roster or policy, source, _digest(top, files), tuple(files))


def _digest(top: _Layer, others: Sequence[ReadFile]) -> str:
    if not others:
        return top.digest
    lines = "".join(f"{digest}\n" for digest in (top.digest, *(file.digest for file in others)))
    return hashlib.sha256(lines.encode("ascii")).hexdigest()


def _refusal(source: str, error: Unreadable, hint: str = HINT) -> PolicyError:
    return refusal("policy", source, located(source, [(error.line, error.problem)]), hint)


def _layer(data: bytes, source: str, folder: Path | None, *, ours: bool = False) -> _Layer:
    text = decoded(within_bounds(data, "policy"))
    document = composed(text, Policy, "policy", MAX_VALUES)
    if document is None:
        raise Unreadable(_EMPTY)
    value = document.value()
    if value is None:
        raise Unreadable(_EMPTY)
    return _Layer(document, value, source, hashlib.sha256(data).hexdigest(), folder, ours)


# What a policy extends ------------------------------------------------------------------------


def _extended(top: _Layer, problems: list[str]) -> list[_Layer]:
    """The layers beneath a policy, the nearest first: a profile; or a file, and its profile."""
    named = _named(top, "extends")
    if named is None:
        return []
    if named in PROFILES:
        return [_profile(named)]
    if not named.lower().endswith((".yaml", ".yml")):
        said = (
            f"expected a profile ({', '.join(PROFILES)}), or a file whose name ends in .yaml,"
            f" found '{visible(named)}'"
        )
        meant = near(named, list(PROFILES))
        top.document.complain(("extends",), f"{said}; did you mean '{meant}'?" if meant else said)
        return []
    path = _beside(top, "extends", named)
    if path is None:
        return []
    source = str(path)
    try:
        base = _layer(read_bytes(path, "policy"), source, path.parent)
    except Unreadable as error:
        problems += located(source, [(error.line, error.problem)])
        return []
    beneath = _named(base, "extends")
    if beneath is None:
        return [base]
    if beneath in PROFILES:
        return [base, _profile(beneath)]
    base.document.complain(
        ("extends",),
        f"a policy that is extended may itself extend a profile ({', '.join(PROFILES)}) and no "
        "other file",
    )
    return [base]


def _profile(name: str) -> _Layer:
    data = (files("changeaudit") / "profiles" / f"{name}.yaml").read_bytes()
    return _layer(data, f"profile {name}", None, ours=True)


def _named(layer: _Layer, key: str) -> str | None:
    """What a policy names under a key; `None` if nothing, or what cannot be a name."""
    named = layer.value.get(key) if isinstance(layer.value, dict) else None
    return named if isinstance(named, str) and named.strip() else None


def _beside(layer: _Layer, key: str, named: str) -> Path | None:
    """The file that a policy names under a key; a problem is added where there can be none."""
    if PureWindowsPath(named).anchor or PurePosixPath(named).anchor or "\\" in named:
        layer.document.complain(
            (key,), "expected a path relative to this file, with / between folders"
        )
    elif layer.folder is None:
        layer.document.complain((key,), "only a policy that is a file itself can name another")
    else:
        return layer.folder / named
    return None


def _whole(layers: Sequence[_Layer]) -> Policy | None:
    """What the layers make together, `None` if it is no policy.

    What is extended must be a policy by itself: a fault in it is told, in the file that says it,
    even if what is laid over it hides the fault. What is laid over it may count fewer Jira projects
    than it does, but none may have a site that never counts.
    """
    policy: Policy | None = None
    told: set[tuple[str, KeyPath]] = set()
    counted: set[str] = set()
    value: Any = {}
    for number in reversed(range(len(layers))):
        value = lay(layers[number].value, value)
        policy = None
        try:
            policy = Policy.model_validate(value)
            counted.update(policy.jira_projects)
        except ValidationError as error:
            for details in error.errors(include_url=False, include_input=False):
                layer = _saying(details["loc"], layers[number:])
                if (layer.source, details["loc"]) not in told:
                    told.add((layer.source, details["loc"]))
                    layer.document.judge(details)
    for project in policy.tickets.jira_sites if policy else ():
        if project not in counted:
            path = ("tickets", "jira_sites", project)
            _saying(path, layers).document.complain(
                path,
                f"no ticket of {project} counts; name {project} in tickets.jira_projects as well, "
                "or take this line out",
            )
    return policy


def _saying(path: KeyPath, layers: Sequence[_Layer]) -> _Layer:
    """Which layer the value at a path, or what is nearest to it, was taken from."""
    found = [(layer, layer.value) for layer in layers]
    for place, key in enumerate(path):
        top = found[0][1]
        if not isinstance(top, dict) or is_one_value(path[:place]):
            break
        within = [(layer, value[key]) for layer, value in found if _has(value, key)]
        if not within:
            break
        found = within
    return found[0][0]


def _has(value: Any, key: str | int) -> bool:
    return isinstance(value, dict) and key in value


# The roster -----------------------------------------------------------------------------------


def _with_roster(
    policy: Policy | None,
    layers: Sequence[_Layer],
    problems: list[str],
    read: list[ReadFile],
) -> Policy | None:
    """The policy with the people of its roster; `None` if there is no policy, or no roster."""
    layer = _saying(("roster",), layers)
    named = _named(layer, "roster")
    path = _beside(layer, "roster", named) if named else None
    if path is None:
        return None
    try:
        roster = read_roster(path)
    except PolicyError as error:
        problems += error.problems
        return None
    read.append(ReadFile("roster", roster.source, roster.digest))
    return policy and policy.with_people(
        roster.members(), roster.emails(), _unsaid(layers), roster.jira_accounts()
    )


def _unsaid(layers: Sequence[_Layer]) -> tuple[RoleName, ...]:
    """The roles of which no file of the user's says who holds them."""
    roles: tuple[RoleName, ...] = ("peer", "security", "qa", "lead")
    said = [_named_roles(layer.value) for layer in layers if not layer.ours]
    return tuple(role for role in roles if not any(role in named for named in said))


def _named_roles(value: Any) -> Any:
    roles = value.get("roles") if isinstance(value, dict) else None
    return roles if isinstance(roles, dict) else {}
