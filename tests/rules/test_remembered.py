"""What several rules ask of a change is worked out once, and never taken for another change's."""

from __future__ import annotations

from builders import fully_approved, make_policy

from changeaudit.change import Change
from changeaudit.policy import Policy
from changeaudit.rules.remembered import remembered


def test_a_second_question_of_the_same_change_is_answered_from_memory() -> None:
    """One call for each set of arguments, however often it is asked."""
    asked: list[str] = []

    @remembered
    def of(change: Change, policy: Policy, role: str, *, twice: bool = False) -> str:
        asked.append(role)
        return role * 2 if twice else role

    change, policy = fully_approved(), make_policy()
    assert [of(change, policy, "a"), of(change, policy, "b"), of(change, policy, "a")] == [*"aba"]
    assert of(change, policy, "a", twice=True) == "aa"
    assert of(change, policy, "a", twice=True) == "aa"
    assert asked == ["a", "b", "a"]


def test_an_equal_change_or_policy_is_another_one() -> None:
    """They are told apart by identity, so nothing of an earlier one is answered."""
    asked: list[int] = []

    @remembered
    def of(change: Change, policy: Policy) -> int:
        asked.append(1)
        return len(asked)

    first, second = fully_approved(), fully_approved()
    policy, other = make_policy(), make_policy()
    assert [of(first, policy), of(second, policy), of(first, other), of(first, policy)] == [
        1,
        2,
        3,
        4,
    ]
