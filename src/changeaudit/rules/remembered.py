"""What several rules ask of the same change, worked out once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from changeaudit.change import Change
from changeaudit.policy import Policy

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def remembered(
    function: Callable[Concatenate[Change, Policy, Arguments], Answer],
) -> Callable[Concatenate[Change, Policy, Arguments], Answer]:
    """Keep the answers of a pure function for the change and the policy that were asked last.

    The rules of a change run one after the other, so the last one is enough. Both are told by
    identity: to compare them by value would take longer than most answers. Other arguments are
    told by value and must be hashable.
    """
    last: tuple[object, object, dict[object, Answer]] = (None, None, {})

    @wraps(function)
    def once(
        change: Change, policy: Policy, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Answer:
        nonlocal last
        of_change, of_policy, answers = last
        if of_change is not change or of_policy is not policy:
            answers = {}
            last = change, policy, answers
        key = (args, tuple(kwargs.items())) if kwargs else args
        try:
            return answers[key]
        except KeyError:
            answer = answers[key] = function(change, policy, *args, **kwargs)
            return answer

    return once
