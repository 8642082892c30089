"""When templates and CODEOWNERS last changed: asked apart, of few paths, once for each head."""

from __future__ import annotations

import pytest

from changeaudit.collectors.github import reading
from changeaudit.collectors.github.last_changes import ATTEMPTS, KIND, collect_last_changes
from changeaudit.collectors.github.parsing import OWNERS
from changeaudit.collectors.github.repository import Head, collect_repository
from changeaudit.collectors.github.transport import TooHeavyError
from changeaudit.errors import CollectError
from changeaudit.records import CodeOwners, Repository, Unavailable
from collectors.github.fake_github import HOST, REPOSITORY, Json, Place, at, z

TEMPLATE = ".github/PULL_REQUEST_TEMPLATE.md"
OWNERS_FILE = {"__typename": "Blob", "byteSize": 3, "isTruncated": False, "text": "* @kim"}


def changed(*days: str) -> Json:
    return {"nodes": [{"oid": "c", "committedDate": z(day)} for day in days]}


def known_as(place: Place, *templates: str, owners: str | None = None, head: str = "top") -> None:
    """The repository has these templates, and CODEOWNERS in `.github`."""

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name == "repository":
            found = data["repository"]
            found["pullRequestTemplates"] = [{"filename": t, "body": "## What"} for t in templates]
            found["defaultBranchRef"]["target"] = {"id": f"C_{head}", "oid": head}
            found |= dict.fromkeys(("githubOwners", "rootOwners", "docsOwners"))
            found["githubOwners"] = OWNERS_FILE if owners else None
        return []

    place.github.spoil = spoil


def collect(place: Place, *, owners: bool = False) -> Repository:
    known = collect_repository(place.session, REPOSITORY, f"repo:{REPOSITORY} is:pr is:merged")
    assert isinstance(known.default, Head)
    wanted = (*known.templates, *(OWNERS if owners else ()))
    collect_last_changes(place.session, known.name, known.default.oid, known.default.id, wanted)
    return reading.read_repository(place.store, HOST, REPOSITORY)


def template_date(found: Repository) -> object:
    assert not isinstance(found.templates, Unavailable)
    return found.templates[0].changed_at


def asked(place: Place) -> int:
    return place.github.kinds().count("last_changes")


def test_a_template_s_last_change_is_asked_for_at_its_own_path(place: Place) -> None:
    place.github.changes = {TEMPLATE: changed("02-03")}
    known_as(place, TEMPLATE)
    assert template_date(collect(place)) == at("02-03")
    assert place.github.text.count("history(") == 1
    assert f'path: "{TEMPLATE}"' in place.github.text


def test_nothing_is_asked_where_there_is_no_template(place: Place) -> None:
    known_as(place)
    collect(place)
    assert asked(place) == 0
    assert place.answers(KIND) == 0


def test_code_owners_are_asked_for_where_they_count(place: Place) -> None:
    place.github.changes = {".github/CODEOWNERS": changed("02-05")}
    known_as(place, owners="* @kim")
    without = collect(place).codeowners
    assert isinstance(without, CodeOwners)
    assert isinstance(without.changed_at, Unavailable)
    assert asked(place) == 0
    assert collect(place, owners=True).codeowners == CodeOwners(
        ".github/CODEOWNERS", "* @kim", at("02-05")
    )
    assert asked(place) == 1


def test_what_is_held_for_the_same_head_is_not_asked_for_again(place: Place) -> None:
    """Below a commit nothing changes; of another head it is not known until it is asked."""
    place.github.changes = {TEMPLATE: changed("02-03")}
    known_as(place, TEMPLATE)
    collect(place)
    collect(place)
    assert asked(place) == 1
    place.github.changes = {TEMPLATE: changed("03-09")}
    known_as(place, TEMPLATE, head="later")
    collect_repository(place.session, REPOSITORY, f"repo:{REPOSITORY} is:pr is:merged")
    between = reading.read_repository(place.store, HOST, REPOSITORY)
    assert isinstance(template_date(between), Unavailable)
    assert template_date(collect(place)) == at("03-09")
    assert asked(place) == 2


def test_paths_that_are_too_much_together_are_asked_for_one_by_one(place: Place) -> None:
    place.github.changes = {TEMPLATE: changed("02-03")}
    known_as(place, TEMPLATE, owners="* @kim")

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if name == "last_changes" and place.github.text.count("history(") > 1:
            raise TooHeavyError("HTTP 502")

    place.github.fault = fault
    assert template_date(collect(place, owners=True)) == at("02-03")
    assert place.answers(KIND) == 4
    assert place.told.notes == []


def test_a_path_that_is_too_much_alone_is_left_out_and_said(place: Place) -> None:
    """The run goes on, and when the template changed is not known rather than long ago."""
    known_as(place, TEMPLATE)

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if name == "last_changes":
            raise TooHeavyError("no answer within 30 seconds")

    place.github.fault = fault
    found = template_date(collect(place))
    assert found == Unavailable("no commit of the default branch is known to have changed it")
    assert asked(place) == ATTEMPTS
    (said,) = place.told.notes
    assert "could not tell in its time when .github/PULL_REQUEST_TEMPLATE.md" in said
    assert "undetermined" in said
    place.github.fault = lambda name, variables, divisible: None
    place.github.changes = {TEMPLATE: changed("02-03")}
    assert template_date(collect(place)) == at("02-03")


@pytest.mark.parametrize("hidden", ["path", "head"])
def test_what_may_not_be_read_is_unknown_and_asked_for_again(place: Place, hidden: str) -> None:
    place.github.changes = {TEMPLATE: None} if hidden == "path" else {}
    known_as(place, TEMPLATE)
    repository = place.github.spoil

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name != "last_changes":
            return repository(name, variables, data)
        if hidden == "head":
            data["node"] = None
        return [{"type": "FORBIDDEN", "message": "Contents", "path": ["node", "githubUpper"]}]

    place.github.spoil = spoil
    assert isinstance(template_date(collect(place)), Unavailable)
    place.github.changes = {TEMPLATE: changed("02-03")}
    place.github.spoil = repository
    assert template_date(collect(place)) == at("02-03")


def test_a_refusal_ends_the_run_with_the_reason(place: Place) -> None:
    known_as(place, TEMPLATE)

    def fault(name: str, variables: Json, divisible: bool) -> None:
        if name == "last_changes":
            raise CollectError("refused")

    place.github.fault = fault
    with pytest.raises(CollectError, match="refused"):
        collect(place)
