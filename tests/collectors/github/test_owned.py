"""The repositories of an owner: what a pattern stands for, asked of GitHub or of the store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from changeaudit.collectors.github.owned import OWNER_KIND, expand, is_pattern, read_listing
from changeaudit.errors import CollectError, StoreError
from changeaudit.store import Answer
from collectors.github.fake_github import HOST, Json, Place


def test_names_are_taken_as_they_are_and_each_once(place: Place) -> None:
    assert list(expand(place.session, ("acme/b", "acme/a", "ACME/B"))) == ["acme/b", "acme/a"]
    assert place.github.asked == []


def test_a_pattern_stands_for_what_the_owner_has(place: Place) -> None:
    place.github.owned = ["acme/api", "acme/web", "acme/web-old", "acme/docs"]
    assert list(expand(place.session, ("acme/web*", "acme/*"))) == [
        "acme/web",
        "acme/web-old",
        "acme/api",
        "acme/docs",
    ]
    assert place.answers(OWNER_KIND) == 4


@pytest.mark.parametrize(
    ("owned", "said"),
    [
        (None, "There is no account acme on github.test"),
        (["acme/api"], r"No repository of acme matches 'acme/web\*'"),
        (["acme/web", None], "GitHub did not show 1 of the repositories of acme"),
    ],
)
def test_a_population_of_repositories_that_is_not_whole_is_an_error(
    place: Place, owned: list[str | None] | None, said: str
) -> None:
    place.github.owned = owned
    with pytest.raises(CollectError, match=said):
        list(expand(place.session, ("acme/web*",)))


# Read back --------------------------------------------------------------------------------------


def listed(place: Place, owner: str = "acme") -> tuple[str, ...] | None:
    listing = read_listing(place.store, HOST, owner)
    return listing.names if listing else None


def test_the_newest_whole_list_is_read_back(place: Place) -> None:
    """Under whatever case the owner was named, with the instant at which it was begun."""
    place.github.owned = ["acme/api"]
    assert listed(place) is None
    list(expand(place.session, ("acme/*",)))
    place.github.owned = ["acme/api", "acme/web", "acme/web-old"]
    place.now += timedelta(days=1)
    list(expand(place.session, ("ACME/api*",)))
    listing = read_listing(place.store, HOST, "Acme")
    assert listing is not None
    assert listing.names == ("acme/api", "acme/web", "acme/web-old")
    assert listing.as_of == place.now
    assert listing.matching("acme/web*") == ("acme/web", "acme/web-old")
    assert listing.matching("acme/*-new") == ()
    assert read_listing(place.store, "other.test", "acme") is None
    assert listed(place, "acm") is None


def test_a_list_that_broke_off_or_hides_something_is_none(place: Place) -> None:
    """The one before it still is; pages of two runs make no list together."""
    place.github.owned = [f"acme/r{n}" for n in range(3)]
    list(expand(place.session, ("acme/*",)))
    place.github.owned = [f"acme/r{n}" for n in range(250)]

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if variables["after"] == "100":
            raise CollectError("6 attempts")

    place.github.fault = fault
    with pytest.raises(CollectError):
        list(expand(place.session, ("acme/*",)))
    assert listed(place) == ("acme/r0", "acme/r1", "acme/r2")
    place.github.fault = lambda name, variables, divisible: None
    place.github.owned = ["acme/r0", None]
    with pytest.raises(CollectError):
        list(expand(place.session, ("acme/*",)))
    assert listed(place) == ("acme/r0", "acme/r1", "acme/r2")
    place.github.owned = [f"acme/r{n}" for n in range(250)]
    list(expand(place.session, ("acme/*",)))
    assert listed(place) == tuple(f"acme/r{n}" for n in range(250))


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("acme/*", True), ("acme/a?", True), ("acme/[ab]", True), ("acme/api", False), ("a*", False)],
)
def test_a_pattern_is_told_by_the_repository_s_name(name: str, pattern: bool) -> None:
    assert is_pattern(name) is pattern


@pytest.mark.parametrize("request_", ["", "{}", '{"variables": []}', '{"variables": {"after": 7}}'])
def test_a_stored_list_that_is_none_is_one_message(place: Place, request_: str) -> None:
    """A store may come from anybody."""
    answer = Answer(HOST, "acme", OWNER_KIND, request_, 200, place.now, b'{"data": {}}')
    with place.store.begin() as writer:
        writer.put(answer)
    with pytest.raises(StoreError, match="cannot be read"):
        read_listing(place.store, HOST, "acme")
