"""What the documentation repeats of the program is what the program says today."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from changeaudit.policy import Part, Policy
from changeaudit.rules.registry import EMERGENCY, STANDARD
from docs.golden import (
    ATTRIBUTES,
    BLOCK,
    HELP,
    PICTURE,
    README,
    help_of,
    picture,
    renewed,
    with_attributes,
    with_help,
)

EVERY = (*STANDARD, *EMERGENCY)


def test_the_picture_is_what_the_demonstration_prints() -> None:
    made = picture()
    assert renewed(PICTURE, made) == made


def test_the_picture_asks_nobody_for_anything() -> None:
    """No font, script, link or image: everything that is drawn stands in the file."""
    drawn = list(ElementTree.parse(PICTURE).iter())
    plain = {"svg", "style", "defs", "clipPath", "rect", "text", "g", "circle"}
    assert {element.tag.rpartition("}")[2] for element in drawn} <= plain
    values = [value for element in drawn for value in element.attrib.values()]
    styles = [element.text or "" for element in drawn if element.tag.endswith("style")]
    assert styles
    assert not [text for text in (*values, *styles) if re.search(r"url\((?!#)|//|@", text)]


def test_the_help_in_the_readme_is_the_help() -> None:
    text = README.read_text(encoding="utf-8")
    assert {match[1] for match in HELP.finditer(text)} == {"audit ", "demo ", "doctor ", "explain "}
    made = with_help(text)
    assert renewed(README, made) == made


@pytest.mark.parametrize(
    "command",
    ["", "audit ", "controls ", "demo ", "explain ", "policy ", "policy init ", "policy check "],
)
def test_help_fits_and_can_be_shown_everywhere(command: str) -> None:
    """80 columns, characters that every console has, and paragraphs that do not run together."""
    text = help_of(command)
    assert max(map(len, text.splitlines())) <= 80
    assert text.isascii()
    assert "\n\n  " in text
    assert "\b" not in text


def test_every_attribute_is_described_as_the_program_does() -> None:
    made = with_attributes(ATTRIBUTES.read_text(encoding="utf-8"), EVERY)
    assert renewed(ATTRIBUTES, made) == made


def test_every_attribute_is_there_once_in_its_order() -> None:
    text = ATTRIBUTES.read_text(encoding="utf-8")
    assert [match[2] for match in BLOCK.finditer(text)] == [a.id for a in EVERY]


def after(id_: str) -> str:
    """What the page says of an attribute below the generated block."""
    text = ATTRIBUTES.read_text(encoding="utf-8")
    return re.split(
        r"<!-- attribute |^## ", text.split(f"<!-- attribute {id_} -->")[1], flags=re.M
    )[0]


@pytest.mark.parametrize("id_", [attribute.id for attribute in EVERY])
def test_every_attribute_tells_what_gives_each_outcome(id_: str) -> None:
    said = after(id_)
    for outcome in ("pass", "exception", "undetermined"):
        assert f"\n| {outcome} | " in said
    assert re.search(r"^Policy: `", said, re.MULTILINE)


def paths(model: type[Part], prefix: str = "") -> dict[str, bool]:
    """Every key of a policy as a dotted path, and whether it is a leaf."""
    found = {}
    for name, field in model.model_fields.items():
        inner = field.annotation
        deeper = isinstance(inner, type) and issubclass(inner, Part)
        path = f"{prefix}{field.alias or name}"
        found[path] = not deeper
        if deeper:
            assert isinstance(inner, type)
            found |= paths(inner, f"{path}.")
    return found


PATHS = paths(Policy)


@pytest.mark.parametrize("id_", [attribute.id for attribute in EVERY])
def test_the_keys_that_an_attribute_names_are_keys(id_: str) -> None:
    line = re.search(r"^Policy: (.*)\.$", after(id_), re.MULTILINE)
    assert line
    named = re.findall(r"`([^`]+)`", line[1])
    assert named
    assert [key for key in named if key not in PATHS] == []


def test_every_key_of_the_policy_is_documented() -> None:
    """By its whole path, or, for the parts of a role, by its name in the section on approvals."""
    text = ATTRIBUTES.read_text(encoding="utf-8")
    roles = {
        f"roles.{role}.{key}"
        for role in ("peer", "security", "qa", "lead")
        for key in ("teams", "users", "write_access")
    }
    missing = [
        path
        for path, leaf in PATHS.items()
        if leaf and f"`{path.split('.')[-1] if path in roles else path}`" not in text
    ]
    assert missing == []


def test_every_section_of_the_policy_is_in_the_readme() -> None:
    text = README.read_text(encoding="utf-8")
    assert [path for path in PATHS if "." not in path and f"`{path}`" not in text] == []
