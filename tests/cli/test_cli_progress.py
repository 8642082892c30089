"""Progress: a moving line in a terminal, plain lines elsewhere, nothing with --quiet."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from changeaudit.cli.progress import Moving, Plain, Silent, elsewhere, shown

NAME = "pull requests of [bold]acme[/]/x"


def console(terminal: bool) -> Console:
    return Console(
        file=io.StringIO(), force_terminal=terminal, width=100, color_system=None, highlight=False
    )


def written(to: Console) -> str:
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


def work(listener: Silent | Plain | Moving) -> None:
    for done in (0, 50, 100):
        listener.rate(5000 - done, 5000)
        listener.collected(NAME, done, 100)
    listener.waiting(61.4, "the rate limit is [used] up")
    listener.waiting(0.4, "a moment")


@pytest.mark.parametrize("terminal", [True, False])
def test_quiet_says_nothing(terminal: bool) -> None:
    to = console(terminal)
    with shown(to, quiet=True) as listener:
        work(listener)
    assert written(to) == ""


def test_lines_for_a_log() -> None:
    """The first, the last, and the pauses; what lies within seconds of each other is left out."""
    to = console(False)
    with shown(to, quiet=False) as listener:
        work(listener)
    assert written(to).splitlines() == [
        f"{NAME}: 0 of 100 (5,000 of 5,000 points left)",
        f"{NAME}: 100 of 100 (4,900 of 5,000 points left)",
        "waiting 61 s: the rate limit is [used] up",
    ]


def test_the_points_of_github_stand_beside_its_own_work_alone() -> None:
    """They do not pay for what another site is asked, whoever is asked first."""
    to = console(False)
    with shown(to, quiet=False) as listener:
        listener.rate(4000, 5000)
        elsewhere(listener).collected("tickets of jira.test", 7, 7)
        listener.collected("teams", 1, 1)
    assert written(to).splitlines() == [
        "tickets of jira.test: 7 of 7",
        "teams: 1 of 1 (4,000 of 5,000 points left)",
    ]
    to = console(True)
    with shown(to, quiet=False) as listener:
        assert isinstance(listener, Moving)
        other = elsewhere(listener)
        other.collected("tickets of jira.test", 7, 9)
        listener.collected("teams", 1, 2)
        listener.rate(4000, 5000)
        points = {task.description: task.fields["points"] for task in listener._bars.tasks}
    assert points == {"tickets of jira.test": "", "teams": "4,000 points left"}
    assert isinstance(elsewhere(Silent()), Silent)


def test_lines_come_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([100.0, 101.0, 105.0, 105.1, 109.9, 110.0])
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    to = console(False)
    with shown(to, quiet=False) as listener:
        for done in range(6):
            listener.collected("tickets", done, 1000)
    assert written(to).splitlines() == [
        "tickets: 0 of 1,000",
        "tickets: 2 of 1,000",
        "tickets: 5 of 1,000",
    ]


def test_kinds_do_not_hide_each_other() -> None:
    to = console(False)
    with shown(to, quiet=False) as listener:
        listener.collected("tickets", 1, 9)
        listener.collected("commits", 1, 9)
    assert written(to).splitlines() == ["tickets: 1 of 9", "commits: 1 of 9"]


def test_a_line_is_not_wrapped() -> None:
    """A log's line is one line, however narrow the machine that wrote it thinks it is."""
    to = Console(file=io.StringIO(), width=20, force_terminal=False)
    with shown(to, quiet=False) as listener:
        listener.collected("pull requests of " + "x" * 60, 1, 9)
        listener.waiting(5, "y" * 60)
    assert len(written(to).splitlines()) == 2


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_acts_on_the_terminal(terminal: bool) -> None:
    """Names and causes are others' words."""
    to = console(terminal)
    with shown(to, quiet=False) as listener:
        listener.collected("\x1b[31m\u202ex", 1, 9)
        listener.waiting(5, "\x1b]0;title\x07\n")
    assert "\\x1b[31m\\u202ex" in written(to)
    assert "\x1b[31m" not in written(to)
    assert "\\x1b]0;title\\x07\\x0a" in written(to)


def test_a_moving_line() -> None:
    """Bars with counts and points; pauses stay readable above; nothing is left behind."""
    to = console(True)
    with shown(to, quiet=False) as listener:
        assert isinstance(listener, Moving)
        work(listener)
        listener._bars.refresh()
    said = written(to)
    assert "[bold]acme[/]/x" in said
    assert "100/100" in said
    assert "4,900 points left" in said
    assert "waiting 61 s: the rate limit is [used] up" in said
    assert "a moment" not in said
    assert "\x1b[2K" in said.rsplit("100/100", 1)[1]
