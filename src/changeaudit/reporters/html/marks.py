"""The tickmarks: for each outcome a symbol, its words, and the name of its look."""

from __future__ import annotations

from typing import NamedTuple

from changeaudit.verdicts import ChangeClass, Outcome, Result


class Mark(NamedTuple):
    """A tickmark. `look` names it in the style sheet, where shape and colour both tell it."""

    symbol: str
    words: str
    look: str


OUTCOMES = {
    Outcome.PASS: Mark("\u2713", "Pass", "pass"),
    Outcome.EXCEPTION: Mark("\u2717", "Potential exception", "exception"),
    Outcome.UNDETERMINED: Mark("?", "Undetermined", "undetermined"),
    Outcome.NOT_APPLICABLE: Mark("\u2013", "Not applicable", "not_applicable"),
}

MEANINGS = {
    Outcome.PASS: "the evidence shows the claim, and is cited",
    Outcome.EXCEPTION: "the evidence shows that the claim is false",
    Outcome.UNDETERMINED: "the evidence is missing, was cut, or allows both answers",
    Outcome.NOT_APPLICABLE: "the procedure does not ask it of this change",
}

RESULTS = {
    Result.COMPLIANT: Mark("\u2713", "Compliant", "pass"),
    Result.EXCEPTION: Mark("\u2717", "Potential exception", "exception"),
    Result.UNDETERMINED: Mark("?", "Undetermined", "undetermined"),
}

CLASSES = {
    ChangeClass.STANDARD: "Standard",
    ChangeClass.EMERGENCY: "Emergency",
    ChangeClass.AUTOMATED: "Automated",
    ChangeClass.REVERT: "Revert",
    ChangeClass.DIRECT_PUSH: "Direct push",
}
