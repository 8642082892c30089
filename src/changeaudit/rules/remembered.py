"""What several rules ask of the same change, worked out once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar, TypeVarTuple

from changeaudit.change import Change
from changeaudit.policy import Policy

Arguments = TypeVarTuple("Arguments")
Answer = TypeVar("Answer")


def remembered(
    function: Callable[[Change, Policy, *Arguments], Answer],
) -> Callable[[Change, Policy, *Arguments], Answer]:
    """Keep the answers of a pure function for the change and the policy that were asked last.

    The rules of a change run one after the other, so the last is enough, and the one before it:
    an emergency is judged as it stood at its merge and as it stood when its review was due. Change
    and policy are told by identity: to compare them by value would take longer than most answers.
    Other arguments are told by value and must be hashable.
    """
    last: tuple[object, object, dict[object, Answer]] = (None, None, {})
    before = last

    @wraps(function)
    def once(change: Change, policy: Policy, *args: *Arguments) -> Answer:
        nonlocal last, before
        of_change, of_policy, answers = last
        if of_change is not change or of_policy is not policy:
            last, before = before, last
            of_change, of_policy, answers = last
            if of_change is not change or of_policy is not policy:
                answers = {}
                last = change, policy, answers
        answer = answers.get(args)
        if answer is None:  # or it is None, which costs little to find again
            answer = answers[args] = function(change, policy, *args)
        return answer

    return once


def once_a_change(function: Callable[[Change], Answer]) -> Callable[[Change], Answer]:
    """The same for what follows from the change alone, whatever the policy says."""
    last: tuple[Change, Answer] | None = None

    @wraps(function)
    def once(change: Change) -> Answer:
        nonlocal last
        if last is None or last[0] is not change:
            last = change, function(change)
        return last[1]

    return once
