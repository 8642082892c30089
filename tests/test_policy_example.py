"""`policy.example.yaml` is the documented default: it loads, says everything, and is true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from changeaudit.globs import matches
from changeaudit.policy import Part, Policy, Settings
from changeaudit.policy_file import load_policy, policy_schema, read_policy

EXAMPLE = Path(__file__).parents[1] / "policy.example.yaml"
LINES = EXAMPLE.read_text(encoding="utf-8").splitlines()
MARK = "#: "


def blocks() -> list[range]:
    """The runs of lines that start with the mark of an example."""
    found: list[range] = []
    for number, line in enumerate(LINES):
        if not line.startswith(MARK):
            continue
        if found and found[-1].stop == number:
            found[-1] = range(found[-1].start, number + 1)
        else:
            found.append(range(number, number + 1))
    return found


def uncommented(*chosen: range) -> str:
    """The example with the chosen blocks in force."""
    return "\n".join(
        line.removeprefix(MARK) if any(number in block for block in chosen) else line
        for number, line in enumerate(LINES)
    )


EVERYTHING = uncommented(*blocks())


def named(block: range) -> str:
    return LINES[block.start].removeprefix(MARK).strip(" -:#")


def plain(text: str) -> Any:
    """The YAML as an editor's schema check sees it: dates are text."""
    return json.loads(json.dumps(yaml.safe_load(text), default=str))


def parts(annotation: Any) -> Iterator[type[Part]]:
    """Every model that an annotation leads to, the outer before the inner."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        assert issubclass(annotation, Part)
        yield annotation
        for field in annotation.model_fields.values():
            yield from parts(field.annotation)
    else:
        for inner in get_args(annotation):
            yield from parts(inner)


MODELS = [model for model in dict.fromkeys(parts(Policy)) if model is not Settings]
"""What an override sets is left out: its keys are the policy's own, explained where those are."""


def occurrences(node: yaml.Node, model: type[Part]) -> Iterator[tuple[type[Part], list[str], Any]]:
    """Each place where the text spells out `model` or a part of it: its keys, and their nodes."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from occurrences(item, model)
    elif isinstance(node, yaml.MappingNode):
        written = [(key.value, key, value) for key, value in node.value]
        yield model, [name for name, _, _ in written], {name: key for name, key, _ in written}
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        for name, _, value in written:
            for inner in list(parts(fields[name].annotation))[:1]:
                yield from occurrences(value, inner)


def keys(model: type[Part]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def spelled_out() -> list[tuple[type[Part], list[str], Any]]:
    root = yaml.compose(EVERYTHING, yaml.SafeLoader)
    assert root is not None
    return list(occurrences(root, Policy))


def test_the_example_is_the_default() -> None:
    """The example, as it is shipped, loads and says exactly what holds without a policy."""
    loaded = read_policy(EXAMPLE)
    assert loaded.policy == Policy()
    assert loaded.source == str(EXAMPLE)


def test_there_are_examples() -> None:
    """The tests of the commented-out blocks have blocks to test."""
    assert len(blocks()) > 15


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files are that the examples name."""
    folder = tmp_path_factory.mktemp("example")
    (folder / "roster.csv").write_text("role,login\nqa,erin\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("block", blocks(), ids=named)
def test_each_block_can_be_put_in_force_alone(block: range, folder: Path) -> None:
    """Taking the mark off one block gives a valid policy, and one that differs from the default."""
    assert load_policy(uncommented(block), "example", folder).policy != Policy()


def test_all_blocks_can_be_put_in_force_together(folder: Path) -> None:
    """No two examples are in each other's way."""
    policy = load_policy(EVERYTHING, "example", folder).policy
    assert [user.login for user in policy.roles.qa.users] == ["alice", "bob", "erin"]
    assert policy.scope.exclude[1].branches == ("try/*",)
    assert policy.references_of("4") == ("SOC 2 CC8.1", "NIST 800-53 CM-4")


def test_what_an_override_sets_is_what_a_policy_says() -> None:
    """The example says which keys may stand there, and each of them is explained for the policy."""
    assert set(keys(Settings)) < set(keys(Policy))
    assert (keys(Settings)[0], keys(Settings)[-1]) == ("roles", "final_approval")
    assert 'anything from "roles" to "final_approval"' in EVERYTHING


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_occurs(model: type[Part]) -> None:
    """Every key of every part stands in the example as a key of that part."""
    written = {key for part, names, _ in spelled_out() if part is model for key in names}
    assert written == set(keys(model))


def test_the_keys_come_in_the_order_of_the_procedure() -> None:
    """Wherever a part is spelled out, its keys stand in the order of the model."""
    for part, written, _ in spelled_out():
        if part.__name__ not in ("Role", "Exclusion"):
            assert written == [key for key in keys(part) if key in written], part
    root = next(names for part, names, _ in spelled_out() if part is Policy)
    assert root == keys(Policy)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_is_explained(model: type[Part]) -> None:
    """Each key has, in one place at least, a comment above it in the same paragraph."""
    lines = EVERYTHING.splitlines()

    def explained(line: int) -> bool:
        above = line - 1
        while lines[above].strip():
            if lines[above].lstrip().startswith("#"):
                return True
            above -= 1
        return False

    told = {
        name
        for part, names, nodes in spelled_out()
        if part is model
        for name in names
        if explained(nodes[name].start_mark.line)
    }
    assert told == set(keys(model))


@pytest.mark.parametrize("text", ["\n".join(LINES), EVERYTHING], ids=["as shipped", "everything"])
def test_the_schema_accepts_the_example(text: str) -> None:
    """An editor that checks with the schema finds no fault in the example."""
    errors = list(Draft202012Validator(policy_schema()).iter_errors(plain(text)))
    assert errors == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*.md", "a/b/c.md"),
        ("**/auth/**", "auth/login.py"),
        ("**/auth/**", "src/auth/login.py"),
        ("docs/", "docs/a/b.png"),
        ("release/*", "release/2025/1"),
        ("[ab]?", "bx"),
    ],
)
def test_globs_mean_what_the_example_says(pattern: str, text: str) -> None:
    """The example's paragraph on globs describes what the audit does with them."""
    assert matches(text, pattern)
    assert not matches(text.upper(), pattern)


def test_it_is_plain_to_read() -> None:
    """No line is too long for a screen, and nothing but the comment's ellipsis is exotic."""
    text = EXAMPLE.read_bytes()
    assert b"\r" not in text
    assert text.endswith(b"\n")
    assert max(map(len, LINES)) <= 100
    assert set(re.findall(r"[^\x20-\x7e]", "".join(LINES))) == {"…"}
