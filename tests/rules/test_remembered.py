"""What several rules ask of a change is worked out once, and never taken for another change's."""

from __future__ import annotations

from builders import fully_approved, make_policy
from changeaudit.change import Change
from changeaudit.policy import Policy
from changeaudit.rules.remembered import once_a_change, remembered


def test_a_second_question_of_the_same_change_is_answered_from_memory() -> None:
    """One call for each set of arguments, however often it is asked."""
    asked: list[str] = []

    @remembered
    def of(change: Change, policy: Policy, role: str, times: int) -> str:
        asked.append(role)
        return role * times

    change, policy = fully_approved(), make_policy()
    wanted = (("a", 1), ("b", 1), ("a", 1), ("a", 2), ("a", 2))
    assert [of(change, policy, *each) for each in wanted] == ["a", "b", "a", "aa", "aa"]
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


def test_two_changes_asked_in_turn_are_both_remembered() -> None:
    """An emergency is judged as it stood at two instants, in turn."""
    asked: list[int] = []

    @remembered
    def of(change: Change, policy: Policy) -> int:
        asked.append(1)
        return len(asked)

    first, second, third, policy = *(fully_approved() for _ in range(3)), make_policy()
    in_turn = (first, second, first, second, third, second, first)
    assert [of(change, policy) for change in in_turn] == [1, 2, 1, 2, 3, 2, 4]


def test_what_follows_from_the_change_alone_is_worked_out_once_a_change() -> None:
    """Asked again of the same change it is remembered; an equal change is another one."""
    asked: list[int] = []

    @once_a_change
    def of(change: Change) -> int:
        asked.append(change.pull.number)
        return len(asked)

    first, second = fully_approved(), fully_approved()
    assert [of(first), of(first), of(second), of(first)] == [1, 1, 2, 3]
