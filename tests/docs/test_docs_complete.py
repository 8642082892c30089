"""What there is, is documented; and what the documentation points at, is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from changeaudit.cli.exits import MEANINGS, Exit
from changeaudit.reporters.registry import FILES, FORMATS
from docs.golden import README, ROOT, help_of

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
TEXT = README.read_text(encoding="utf-8")
CLI = ROOT / "src" / "changeaudit" / "cli"


def section(title: str) -> str:
    """What stands under a heading of the README."""
    return re.split(r"^## ", TEXT.split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]


def rows(title: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_exit_codes_are_those_of_the_program() -> None:
    assert rows("Exit codes") == [[str(code.value), said] for code, said in MEANINGS.items()]
    assert f"{Exit.NO_EXCEPTIONS.value} means that" in section("Exit codes")


def test_every_format_and_file_is_listed() -> None:
    listed = section("The report")
    assert [name for name in FORMATS if f"`{name}`" not in listed] == []
    assert [name for name in (*FILES, "index.html") if f"`{name}`" not in listed] == []


def environment() -> set[str]:
    """Every name in capitals that the command line holds: the variables that it reads."""
    found: set[str] = set()
    for path in CLI.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(re.findall(r"^[A-Z]+(?:_[A-Z]+)+$", node.value))
    return found


def test_every_variable_that_is_read_is_listed() -> None:
    found = environment()
    assert {"GITHUB_TOKEN", "GITHUB_API_URL", "CHANGEAUDIT_STORE", "CHANGEAUDIT_DEBUG"} <= found
    listed = re.findall(r"`([A-Z_]+)`", " ".join(cells[0] for cells in rows("Environment")))
    assert found <= set(listed)


def commands(group: str) -> list[str]:
    """The commands that the help of the program, or of a group of its commands, lists."""
    _, _, listed = help_of(group).partition("Commands:")
    return re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE)


def test_every_command_is_listed() -> None:
    listed = [re.findall(r"changeaudit (.*?)`", cells[0])[0] for cells in rows("Commands")]
    names = [" ".join(re.findall(r"\b[a-z]+\b", line)) for line in listed]
    shown = commands("")
    groups = {name: found for name in shown if (found := commands(f"{name} "))}
    expected = [name for name in shown if name not in groups]
    expected += [f"{group} {name}" for group, found in groups.items() for name in found]
    assert names == expected


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """To a file of the repository, and to a heading of it; addresses elsewhere are not asked."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            assert target.startswith("https://")
            continue
        file, _, anchor = target.partition("#")
        linked = (page.parent / file).resolve() if file else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_plain_to_read(page: Path) -> None:
    """Lines outside of tables and images fit a screen; no machine's own paths are in them."""
    text = page.read_text(encoding="utf-8")
    long = [
        line
        for line in text.splitlines()
        if len(line) > 110 and not line.startswith(("|", "!", "Policy:"))
    ]
    assert long == []
    assert str(ROOT) not in text
    assert not re.search(r"[ \t]$", text, re.MULTILINE)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
