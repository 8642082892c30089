"""The design of the controls in the terminal and as JSON: what it says, and to whom it is safe."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console

from changeaudit.design import (
    NOT_KNOWN,
    SCHEMA,
    Control,
    Design,
    Place,
    RepositoryDesign,
    RulesetHistory,
    SettingChange,
    Severity,
    Version,
)
from changeaudit.reporters.controls import VERSIONS, render
from changeaudit.reporters.json import design_schema, write
from changeaudit.verdicts import Outcome, PolicyInfo, Run
from reporters.conftest import Golden
from reporters.sample import HOSTILE_LOGIN, HOSTILE_TITLE

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
MARCH = datetime(2026, 3, 31, 12, tzinfo=UTC)
ALL = ("1", "2", "3", "4", "5", "6")
DOCS = Path(__file__).parents[2] / "docs"


def control(
    title: str, setting: str, outcome: Outcome = Outcome.PASS, reason: str = "", **more: Any
) -> Control:
    steps = more.pop("steps", ("3", "4", "6"))
    return Control(title.casefold(), title, steps, setting, outcome, reason, **more)


def place(branch: str, *controls: Control, **changes: Any) -> Place:
    found = Place(branch, NOW, (NOW,), ("protection rule 'main'",), controls, (), "d1ge5t")
    return msgspec.structs.replace(found, **changes)


OPEN = control(
    "Approving reviews",
    "none required",
    Outcome.EXCEPTION,
    "A pull request can be merged though nobody approved it.",
    severity=Severity.HIGH,
)
LOW = control(
    "Conversations resolved",
    "may stay open",
    Outcome.EXCEPTION,
    "A change can be merged while a reviewer's remark is open.",
    severity=Severity.LOW,
    steps=("3",),
)
LOST = control(
    "Exempt from these",
    NOT_KNOWN,
    Outcome.UNDETERMINED,
    "GitHub hides it.",
    permission="Administration: read",
    steps=ALL,
)
IDLE = control(
    "Who may push and merge",
    NOT_KNOWN,
    Outcome.NOT_APPLICABLE,
    "GitHub hides it.",
    permission="Administration: read",
)
HELD = control("Force pushes", "blocked", steps=ALL)


def design(*repositories: RepositoryDesign, limitations: tuple[str, ...] = ()) -> Design:
    return Design(
        SCHEMA,
        Run(NOW, NOW, "0.1.0"),
        PolicyInfo("Payments", "policy.yaml", "a" * 64),
        repositories,
        limitations,
    )


def repository(*places: Place, **changes: Any) -> RepositoryDesign:
    found = RepositoryDesign("acme/payments", "https://github.test/acme/payments", places, ())
    return msgspec.structs.replace(found, **changes)


def sample() -> Design:
    changed = SettingChange(
        "approving reviews", "Approving reviews", "2 required", "none required", MARCH, NOW
    )
    main = place("main", OPEN, LOW, HELD, LOST, IDLE, snapshots=(MARCH, NOW), changes=(changed,))
    hostile = place(
        HOSTILE_LOGIN,
        msgspec.structs.replace(OPEN, reason=f"Exempt are {HOSTILE_TITLE}."),
        msgspec.structs.replace(HELD, setting=HOSTILE_TITLE),
        msgspec.structs.replace(LOST, reason=HOSTILE_TITLE, permission=""),
        guards=(HOSTILE_TITLE,),
    )
    rulesets = (
        RulesetHistory("ruleset 'Production'", MARCH, NOW, (Version(NOW, "User 5"),)),
        RulesetHistory(
            f"ruleset '{HOSTILE_LOGIN}'", MARCH, NOW, (), "GitHub hides it", "Administration: write"
        ),
        RulesetHistory("ruleset 'Old'", MARCH, NOW, (), "GitHub has none"),
    )
    whole = place("", control("CODEOWNERS", "CODEOWNERS, 3 lines with owners"), guards=())
    return design(
        repository(whole, main, hostile, rulesets=rulesets),
        repository(place("main", OPEN, HELD, snapshots=(MARCH, NOW)), repository="acme/web"),
        limitations=("These are the settings as they stood when the snapshots were taken.",),
    )


def printed(found: Design, width: int = 80, **more: Any) -> str:
    stream = io.StringIO()
    render(found, Console(file=stream, width=width, **more))
    return stream.getvalue()


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


# What it says -----------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 160])
def test_the_table_is_what_it_was(golden: Golden, width: int) -> None:
    golden(f"controls-{width}.txt", printed(sample(), width).encode())


@pytest.mark.parametrize("width", [40, 80, 160])
def test_no_line_is_wider_than_the_console(width: int) -> None:
    for line in printed(sample(), width).splitlines():
        assert cell_len(line) <= max(width, 80)


def test_the_gravest_findings_stand_first_and_each_once_with_its_places() -> None:
    text = printed(sample())
    told = text.split("\nFindings\n")[1].split("\nWhat could not be read\n")[0]
    assert told.index("high") < told.index("low")
    assert "acme/payments@main, acme/web@main" in told
    assert told.count("nobody approved it") == 1
    assert "Supports steps 3, 4 and 6." in flat(told)
    assert "Supports step 3." in flat(told)


def test_what_could_not_be_read_is_said_once_with_the_permission() -> None:
    text = flat(printed(sample()))
    assert text.count("GitHub hides it. The token needs Administration: read.") == 1
    assert "acme/payments@main: Exempt from these, Who may push and merge" in text


def test_a_branch_that_nothing_guards_is_told_from_one_that_is_not_known() -> None:
    bare = printed(design(repository(place("main", OPEN, guards=()))))
    assert "guarded by nothing\n" in bare
    assert "guarded by nothing that could be read" in printed(
        design(repository(place("main", LOST, guards=())))
    )


def test_nothing_is_said_of_what_there_is_nothing_of() -> None:
    text = printed(design(repository(place("main", HELD))))
    for heading in ("Findings", "could not be read\n", "snapshot to snapshot", "Rulesets in force"):
        assert heading not in text
    assert text.endswith("No findings; 0 could not be read; 1 is effective.\n")


def test_the_last_line_counts() -> None:
    last = printed(sample()).splitlines()[-1]
    assert last == "4 findings (3 high, 1 low); 3 could not be read; 4 are effective."
    one = printed(design(repository(place("main", OPEN)))).splitlines()[-1]
    assert one == "1 finding (1 high); 0 could not be read; 0 are effective."


def test_many_versions_of_a_ruleset_are_counted() -> None:
    versions = tuple(Version(MARCH + timedelta(days=n), "") for n in range(VERSIONS + 2))
    history = RulesetHistory("ruleset 'r'", MARCH, NOW, versions)
    text = printed(design(repository(place("main", HELD), rulesets=(history,))))
    assert "2 earlier, and then" in text
    assert text.count("by nobody that GitHub names") == VERSIONS


# To whom it is safe -----------------------------------------------------------------------------


@pytest.mark.parametrize("terminal", [True, False])
def test_names_do_not_act_on_the_terminal(terminal: bool) -> None:
    text = printed(sample(), 100, force_terminal=terminal, color_system=None)
    if terminal:
        text = re.sub(r"\x1b\](8;[^\x1b]*)\x1b\\|\x1b\[[0-9;]*m", "", text)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u200b\u202e]", text)
    assert "\\x1b[2J" in text


def test_a_console_without_symbols_gets_letters() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")
    render(sample(), Console(file=stream, width=80))
    stream.flush()
    text = stream.buffer.getvalue().decode("ascii")
    assert "E Approving reviews" in text
    assert "2 required -> none required" in flat(text)


# JSON -------------------------------------------------------------------------------------------


def test_the_json_is_after_its_schema_and_holds_everything() -> None:
    stream = io.StringIO()
    write(sample(), stream)
    found = json.loads(stream.getvalue())
    jsonschema.validate(found, design_schema(), cls=jsonschema.Draft202012Validator)
    assert found["schema"] == SCHEMA
    main = found["repositories"][0]["places"][1]
    assert main["controls"][3]["permission"] == "Administration: read"
    assert main["changes"][0]["before"] == "2 required"
    assert found["repositories"][0]["places"][2]["guards"] == [HOSTILE_TITLE]
    assert "\x1b" not in stream.getvalue()


def test_the_published_schema_is_what_the_program_makes(golden: Golden) -> None:
    """`docs/controls.schema.json` is what the program makes; RENEW_GOLDEN=1 writes it anew."""
    made = json.dumps(design_schema(), indent=2, ensure_ascii=False) + "\n"
    golden("../../../docs/controls.schema.json", made.encode())
    assert (DOCS / "controls.schema.json").read_text(encoding="utf-8") == made
