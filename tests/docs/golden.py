"""The parts of the documentation that the program writes itself, and how they are renewed.

`RENEW_GOLDEN=1` in the environment of the tests writes them anew; the difference is to be read
before it is committed.
"""

from __future__ import annotations

import io
import os
import re
import textwrap
from pathlib import Path

import msgspec
from rich.console import Console
from rich.text import Text
from typer.testing import CliRunner

from changeaudit.cli.demo import audited
from changeaudit.cli.main import app
from changeaudit.reporters import table
from changeaudit.rules.attribute import Attribute
from changeaudit.verdicts import Run

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
ATTRIBUTES = ROOT / "docs" / "attributes.md"
PICTURE = ROOT / "docs" / "images" / "table.svg"

COLUMNS, LINES = 120, 46

# A command that asks for help, alone in its block or with what it printed.
HELP = re.compile(r"(?m)^```console\n\$ changeaudit ([^\n]*)--help\n(.*?)```$", re.DOTALL)
BLOCK = re.compile(r"(<!-- attribute (\S+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
FONT = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)


def renewed(path: Path, made: str) -> str:
    """What `path` holds; after it was written anew, where that is asked for."""
    if os.environ.get("RENEW_GOLDEN") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(made, encoding="utf-8", newline="\n")
    return path.read_text(encoding="utf-8")


def picture() -> str:
    """The beginning of the demonstration's report, as a terminal shows it, in SVG."""
    audit = audited()
    run = Run(audit.period.until, audit.period.until, audit.run.tool_version)
    report = io.StringIO()
    table.render(
        msgspec.structs.replace(audit, run=run),
        Console(file=report, width=COLUMNS, force_terminal=True, color_system="standard"),
    )
    first = report.getvalue().splitlines()[:LINES]
    console = Console(file=io.StringIO(), width=COLUMNS, record=True, highlight=False)
    for line in first:
        console.print(Text.from_ansi(line), soft_wrap=True)
    svg = console.export_svg(title=f"changeaudit demo | head -{LINES}", unique_id="changeaudit")
    # Rich names a font of somebody's server; whoever looks at a picture asks nobody for anything.
    return "\n".join(line.rstrip() for line in FONT.sub("", svg).splitlines()) + "\n"


def help_of(command: str) -> str:
    """The help of a command ("" for the program's own), as it is printed on 80 columns."""
    result = CliRunner().invoke(
        app, [*command.split(), "--help"], prog_name="changeaudit", env={"COLUMNS": "80"}
    )
    assert result.exit_code == 0
    return result.output


def with_help(text: str) -> str:
    """A page whose blocks of help hold what is printed today."""
    return HELP.sub(lambda m: f"```console\n$ changeaudit {m[1]}--help\n{help_of(m[1])}```", text)


def with_attributes(text: str, attributes: tuple[Attribute, ...]) -> str:
    """A page whose blocks of attributes hold what the rules say today."""
    known = {attribute.id: attribute for attribute in attributes}

    def block(match: re.Match[str]) -> str:
        attribute = known[match[2]]
        title = attribute.name.replace("_", " ").capitalize().replace("Qa ", "QA ")
        said = textwrap.fill(f"**{attribute.claim.rstrip('.')}.** {attribute.prose}", 100)
        return f"{match[1]}### {attribute.id} {title}\n\n{said}\n{match[3]}"

    return BLOCK.sub(block, text)
