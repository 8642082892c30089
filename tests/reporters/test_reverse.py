"""The reverse trace in the reports: what is said of it, and where."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from changeaudit.reporters import reverse, table
from changeaudit.reporters.csv import write_untraced
from changeaudit.reporters.html import pages
from changeaudit.verdicts import Audit, Outcome, ReverseTrace
from reporters.sample import audit_of, change, sample_trace

NOTHING = ReverseTrace("information", ("PAY",), 0, 0, (), ())


def traced(**facts: object) -> ReverseTrace:
    return msgspec.structs.replace(sample_trace(), **facts)


def printed(audit: Audit, *, all_changes: bool = False) -> str:
    stream = io.StringIO()
    table.render(audit, Console(file=stream, width=200), all_changes=all_changes)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("trace", "said"),
    [
        (NOTHING, "No ticket of PAY was done in the period."),
        (
            msgspec.structs.replace(NOTHING, cancelled=2),
            "No ticket of PAY was done in the period (2 cancelled).",
        ),
        (
            msgspec.structs.replace(NOTHING, unknown=("not held",)),
            "Which tickets of PAY were done in the period could not be told.",
        ),
        (
            msgspec.structs.replace(NOTHING, done=3),
            "Of 3 tickets of PAY done in the period, every one is named by a change.",
        ),
        (
            sample_trace(),
            "Of 12 tickets of PAY, OPS done in the period (1 more cancelled), 2 are named by no"
            " change that the store holds. By the policy that is information.",
        ),
        (
            traced(standing="exception", done=1, cancelled=0, untraced=sample_trace().untraced[:1]),
            "Of 1 ticket of PAY, OPS done in the period, 1 is named by no change that the store"
            " holds. By the policy each of them is an exception.",
        ),
    ],
)
def test_what_it_comes_to(trace: ReverseTrace, said: str) -> None:
    assert reverse.summed(trace) == said


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("moved", "moved to Done"),
        ("created", "created as Done"),
        ("resolved", "resolved anew in Done"),
    ],
)
def test_how_a_ticket_was_done(how: str, said: str) -> None:
    found = msgspec.structs.replace(sample_trace().untraced[0], how=how, status="Done")
    assert f", {said} by " in reverse.story(found)


@pytest.mark.parametrize(
    ("trace", "said", "excepted"),
    [
        (None, "", 0),
        (sample_trace(), "", 0),
        (sample_trace("exception"), "2 tickets were done without a change that names them.", 2),
        (
            traced(standing="exception", untraced=()),
            "Whether every ticket that was done has its change could not be told.",
            0,
        ),
        (traced(standing="exception", untraced=(), unknown=()), "", 0),
    ],
)
def test_what_it_adds_to_the_conclusion(
    trace: ReverseTrace | None, said: str, excepted: int
) -> None:
    """Nothing where it is information; what counts is said wherever the audit is concluded."""
    assert reverse.conclusion(trace) == said
    assert reverse.excepted(trace) == excepted
    audit = audit_of([change()], traced=trace)
    assert (said in printed(audit)) or not said
    assert said in pages._headline(audit)


def test_where_it_is_not_asked_for_nothing_is_said_of_it() -> None:
    audit = audit_of([change()])
    assert reverse.TITLE not in printed(audit)
    assert reverse.TITLE not in "".join(pages.index_page(audit, ["a.html"]))
    stream = io.StringIO(newline="")
    write_untraced(audit, stream)
    assert len(stream.getvalue().splitlines()) == 1


def test_every_ticket_is_in_the_page_with_its_mark_and_leads_to_its_tracker() -> None:
    for standing, look in (("information", "not_applicable"), ("exception", "exception")):
        trace = sample_trace(standing)
        page = "".join(pages.index_page(audit_of([change()], traced=trace), ["a.html"]))
        panel = page.split('id="reverse-trace"')[1].split("</section>")[0]
        assert panel.count(f'class="mark {look}"') == len(trace.untraced)
        assert all(f'href="{each.url}"' in panel for each in trace.untraced)
        assert "<script>" not in panel
        assert "does not show its changelog" in panel


def test_many_that_are_information_are_folded_and_exceptions_never() -> None:
    many = tuple(
        msgspec.structs.replace(sample_trace().untraced[0], key=f"PAY-{n}", title="Round")
        for n in range(30)
    )
    folded = printed(audit_of([change()], traced=traced(untraced=many)))
    assert "PAY-19 " in folded
    assert "PAY-20 " not in folded
    assert "and 10 more, which untraced.csv lists" in folded
    whole = printed(audit_of([change()], traced=traced(untraced=many)), all_changes=True)
    counted = printed(audit_of([change()], traced=traced(untraced=many, standing="exception")))
    assert "PAY-29 " in whole
    assert "PAY-29 " in counted


def test_the_mark_is_that_of_what_it_counts_as() -> None:
    assert reverse.mark(sample_trace()) is Outcome.NOT_APPLICABLE
    assert reverse.mark(sample_trace("exception")) is Outcome.EXCEPTION
