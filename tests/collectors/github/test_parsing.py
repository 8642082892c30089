"""From answers to records: nothing lost, nothing made up, and what is missing said by field."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from changeaudit.collectors.github import parsing, wire
from changeaudit.records import (
    Actor,
    ActorKind,
    AutoMergeEnabled,
    BaseChanged,
    Deployed,
    DraftChanged,
    Edit,
    ForcePushed,
    GitPerson,
    IssueLinked,
    LabelChanged,
    MergeCommit,
    Merged,
    PullRequest,
    QueueChanged,
    Renamed,
    Repository,
    ReviewDismissed,
    StateChanged,
    TicketChange,
    Unavailable,
)
from collectors.github.fake_github import (
    HOST,
    REPOSITORY,
    Json,
    at,
    commit,
    issue,
    merged_event,
    pull,
    review,
    sliced,
    status,
    user,
    z,
)

LISTS = (
    "labels",
    "userContentEdits",
    "reviews",
    "timelineItems",
    "commits",
    "files",
    "closingIssuesReferences",
)


def shaped(shape: type[Any], found: Any) -> Any:
    return msgspec.json.decode(json.dumps(found), type=shape)


def on_wire(found: Json, **lists: Any) -> wire.PullRequest:
    """A pull request with its lists in one page each, `lists` replaced as given."""
    cut = {name: sliced(found[name], 100, None) for name in LISTS}
    rollup = {"contexts": sliced(found["checks"], 100, None)}
    node = {**found, **cut, "statusCheckRollup": rollup, **lists}
    parsed: wire.PullRequest = shaped(wire.PullRequest, node)
    return parsed


def parsed(
    found: Json | wire.PullRequest,
    more: tuple[wire.PullRequestMore, ...] = (),
    lost: parsing.Lost | None = None,
    parents: tuple[wire.Parents, ...] = (),
) -> PullRequest:
    return parsing.pull_request(
        found if isinstance(found, wire.PullRequest) else on_wire(found),
        more,
        parents,
        lost or {},
        repository=REPOSITORY,
        collected_at=at("06-01"),
        evidence=("digest",),
    )


def actor(login: str) -> Actor:
    return Actor(sum(login.encode()), login)


# The pull request itself ------------------------------------------------------------------------


def test_every_plain_field_is_taken_over() -> None:
    found = parsed(
        pull(
            7,
            "03-02 10:11:12",
            title="=1+1 <b>\x1b[31m",
            body="text\r\n",
            isDraft=True,
            isCrossRepository=True,
            lastEditedAt=z("03-05"),
            changedFiles=3,
        )
    )
    assert (found.repository, found.number, found.id) == (REPOSITORY, 7, "PR_7")
    assert (found.title, found.body) == ("=1+1 <b>\x1b[31m", "text\r\n")
    assert (found.author, found.merged_by) == (actor("dana"), actor("lee"))
    assert found.merged_at == at("03-02 10:11:12")
    assert (found.created_at, found.updated_at) == (at("02-01"), found.merged_at)
    assert (found.base_ref, found.head_ref, found.head_oid) == ("main", "topic-7", "head")
    assert (found.head_repository, found.from_fork, found.draft) == (REPOSITORY, True, True)
    assert found.merge_commit == MergeCommit("m7", ("m6",), f"https://{HOST}/c/m7")
    assert (found.edited_at, found.changed_files) == (at("03-05"), 3)
    assert (found.collected_at, found.evidence) == (at("06-01"), ("digest",))
    assert found.url == f"https://{HOST}/{REPOSITORY}/pull/7"


def test_what_is_gone_is_nobody() -> None:
    """A deleted account, a deleted fork, a merge commit that is no more."""
    found = parsed(pull(1, author=None, mergedBy=None, headRepository=None, mergeCommit=None))
    assert found.author is found.merged_by is None
    assert found.head_repository is None
    assert found.merge_commit is None


def test_a_merge_commit_that_could_not_be_read_is_not_taken_for_none() -> None:
    lost = {"mergeCommit": Unavailable("GitHub answered: no")}
    assert parsed(pull(1, mergeCommit=None), lost=lost).merge_commit == lost["mergeCommit"]


WEB = {"name": "GitHub", "email": "noreply@github.com", "date": None, "user": None}
MAL = {"name": "Mal", "email": "mal@example.com", "date": None, "user": user("mal")}
SIGNED = {"isValid": True, "wasSignedByGitHub": True}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "not asked for"),
        ({"committer": WEB, "signature": SIGNED}, True),
        # Anybody may write GitHub's name into a commit, and sign it with a key of their own.
        ({"committer": WEB, "signature": {**SIGNED, "isValid": False}}, False),
        ({"committer": WEB, "signature": {**SIGNED, "wasSignedByGitHub": False}}, False),
        ({"committer": WEB, "signature": None}, "no signature"),
        ({"committer": MAL, "signature": None, "committedViaWeb": True}, "no signature"),
        ({"committer": MAL, "signature": None}, False),
        ({"committer": {**WEB, "email": None}, "signature": None}, False),
        ({"committer": None, "signature": None}, "does not name its committer"),
    ],
)
def test_who_made_a_merge_commit_is_told_by_githubs_signature(
    facts: Json, expected: bool | str
) -> None:
    """Not by its name in the commit; somebody else's name there tells that it is theirs."""
    plain = pull(7)
    asked = {"committedViaWeb": False} if facts else {}
    found = parsed({**plain, "mergeCommit": {**plain["mergeCommit"], **asked, **facts}})
    merge = found.merge_commit
    assert isinstance(merge, MergeCommit)
    if isinstance(expected, bool):
        assert merge.by_github is expected
    else:
        assert isinstance(merge.by_github, Unavailable)
        assert expected in merge.by_github.reason
    assert (merge.committer is None) is (facts.get("committer") is None)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (user("dana"), actor("dana")),
        (None, None),
        (user("ci", "Bot"), Actor(sum(b"ci"), "ci[bot]", ActorKind.BOT)),
        (user("ci[bot]", "Bot"), Actor(sum(b"ci[bot]"), "ci[bot]", ActorKind.BOT)),
        (user("app[bot]"), Actor(sum(b"app[bot]"), "app[bot]", ActorKind.BOT)),
        (user("old", "Mannequin"), Actor(sum(b"old"), "old", ActorKind.MANNEQUIN)),
        (user("acme", "Organization"), Actor(sum(b"acme"), "acme", ActorKind.ORGANIZATION)),
        (
            {"__typename": "EnterpriseUserAccount", "login": "eu"},
            Actor(0, "eu", ActorKind.ENTERPRISE_USER),
        ),
        ({"__typename": "SomethingNew", "login": "x", "databaseId": 3}, Actor(3, "x")),
        ({"__typename": "User", "login": "x", "databaseId": None}, Actor(0, "x")),
    ],
)
def test_an_account_is_of_its_kind(given_: Json | None, expected: Actor | None) -> None:
    account = shaped(wire.Account | None, given_)  # type: ignore[arg-type]
    assert parsing.actor(account) == expected


# Lists ------------------------------------------------------------------------------------------

FIELDS = {
    "labels": "labels",
    "userContentEdits": "edits",
    "reviews": "reviews",
    "timelineItems": "timeline",
    "commits": "commits",
    "files": "files",
    "closingIssuesReferences": "closing_issues",
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_list_that_is_empty_is_empty_and_not_unknown(name: str) -> None:
    items = [merged_event("03-02")] if name == "timelineItems" else []
    found = parsed(on_wire(pull(1), **{name: sliced(items, 100, None)}))
    assert len(getattr(found, FIELDS[name])) == len(items)


@pytest.mark.parametrize("name", FIELDS)
def test_a_list_that_is_absent_is_unavailable(name: str) -> None:
    """Such as the edits once they were dropped, or on an old server."""
    found = parsed(on_wire(pull(1), **{name: None}))
    assert getattr(found, FIELDS[name]) == Unavailable("GitHub answered nothing for it")


@pytest.mark.parametrize("name", FIELDS)
def test_a_list_that_an_error_names_is_unavailable_for_its_reason(name: str) -> None:
    lost = {name: Unavailable("GitHub answered: no")}
    assert getattr(parsed(pull(1), lost=lost), FIELDS[name]) == lost[name]


@pytest.mark.parametrize("name", FIELDS)
def test_a_list_with_a_hole_is_unavailable(name: str) -> None:
    page = {**sliced([], 100, None), "nodes": [None], "totalCount": 1}
    found = parsed(on_wire(pull(1), **{name: page}))
    assert getattr(found, FIELDS[name]) == Unavailable("GitHub left out 1 of 1")


@pytest.mark.parametrize(
    "name", [name for name in FIELDS if name not in ("files", "timelineItems")]
)
def test_a_list_that_shows_fewer_than_it_counts_is_unavailable(name: str) -> None:
    page = {**sliced([], 100, None), "totalCount": 3}
    found = parsed(on_wire(pull(1), **{name: page}))
    assert getattr(found, FIELDS[name]) == Unavailable("GitHub showed 0 of 3")


@pytest.mark.parametrize("name", sorted(FIELDS.keys() - {"files"}))
def test_a_list_that_ends_in_the_middle_is_unavailable(name: str) -> None:
    """Its next page came without it: GitHub said that there was more."""
    items = {"timelineItems": [merged_event("03-02")]}.get(name, [])
    page = sliced(items, 100, None)
    page["pageInfo"]["hasNextPage"] = True
    rest: wire.PullRequestMore = shaped(wire.PullRequestMore, {"id": "PR_1"})
    found = parsed(on_wire(pull(1), **{name: page}), (rest,))
    assert getattr(found, FIELDS[name]) == Unavailable(
        f"GitHub showed the first {len(items)} and not the rest"
    )


def test_files_that_were_cut_are_kept_as_far_as_they_go() -> None:
    """What is there may trigger the security review; `changed_files` tells that more is missing."""
    page = sliced([{"path": "auth.py", "changeType": "ADDED"}], 100, None)
    page |= {"totalCount": 5000, "pageInfo": {"hasNextPage": True, "endCursor": "x"}}
    found = parsed(on_wire(pull(1, changedFiles=5000), files=page))
    assert not isinstance(found.files, Unavailable)
    assert [(f.path, f.change) for f in found.files] == [("auth.py", "ADDED")]
    assert found.changed_files == 5000


def test_a_timeline_s_total_counts_other_kinds_too() -> None:
    page = {**sliced([merged_event("03-02")], 100, None), "totalCount": 40}
    found = parsed(on_wire(pull(1), timelineItems=page))
    assert not isinstance(found.timeline, Unavailable)


def test_the_pages_of_a_list_follow_each_other() -> None:
    labels = [{"name": f"l{n}"} for n in range(5)]
    first = on_wire(pull(1), labels=sliced(labels, 2, None))
    rest = tuple(
        shaped(wire.PullRequestMore, {"id": "PR_1", "labels": sliced(labels, 2, after)})
        for after in ("2", "4")
    )
    assert parsed(first, rest).labels == ("l0", "l1", "l2", "l3", "l4")


def test_edits_keep_their_text_unless_it_was_deleted() -> None:
    edits = [
        {"editedAt": z("03-05"), "diff": "two", "editor": user("dana")},
        {"editedAt": z("03-04"), "diff": None, "editor": None},
        {
            "editedAt": z("03-03"),
            "diff": "secret",
            "deletedAt": z("03-06"),
            "deletedBy": user("lee"),
            "editor": user("dana"),
        },
    ]
    assert parsed(pull(1, userContentEdits=edits)).edits == (
        Edit(at("03-05"), actor("dana"), "two"),
        Edit(at("03-04"), None, None),
        Edit(at("03-03"), actor("dana"), None, at("03-06"), actor("lee")),
    )


def test_reviews_keep_what_is_unknown_apart_from_nobody() -> None:
    one = {**review("pat", "DISMISSED"), "lastEditedAt": z("03-03")}
    two = review(None, "PENDING", of=None, submitted=None)
    two["authorCanPushToRepository"] = None
    found = parsed(pull(1, reviews=[one, two])).reviews
    assert not isinstance(found, Unavailable)
    first, second = found
    assert (first.author, first.state, first.commit) == (actor("pat"), "DISMISSED", "head")
    assert (first.author_can_write, first.edited_at) == (True, at("03-03"))
    assert (second.author, second.commit, second.submitted_at) == (None, None, None)
    assert isinstance(second.author_can_write, Unavailable)


def test_closing_issues_are_named_by_their_own_repository() -> None:
    issues = [{"number": 3, "repository": {"nameWithOwner": "acme/web"}}]
    assert parsed(pull(1, closingIssuesReferences=issues)).closing_issues == ("acme/web#3",)


def test_commits_get_the_parents_of_every_page() -> None:
    pages = tuple(
        shaped(
            wire.Parents,
            {
                "id": "PR_1",
                "commits": {
                    "pageInfo": {"hasNextPage": False, "endCursor": None},
                    "nodes": nodes,
                },
            },
        )
        for nodes in (
            [{"commit": {"oid": "c1", "parents": {"nodes": [{"oid": "b"}, None]}}}, None],
            [{"commit": {"oid": "c2", "parents": {"nodes": [{"oid": "c1"}, {"oid": "m"}]}}}],
            [{"commit": {"oid": "c4", "parents": {"nodes": None}}}],
            None,
        )
    )
    commits = [commit(oid) for oid in ("c1", "c2", "c3", "c4")]
    found = parsed(pull(1, commits=commits), parents=pages).commits
    assert not isinstance(found, Unavailable)
    unasked = Unavailable("the parents of this commit were not asked for")
    assert [c.parents for c in found] == [("b",), ("c1", "m"), unasked, ()]


# What errors name -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (
            {
                "type": "FORBIDDEN",
                "message": "Resource not accessible",
                "path": ["search", "nodes", 3, "statusCheckRollup", "contexts", "nodes", 0],
            },
            {
                "statusCheckRollup": Unavailable(
                    "GitHub answered: Resource not accessible",
                    "Checks: read and Commit statuses: read",
                )
            },
        ),
        (
            {"type": "NO_DATA", "message": "No", "path": ["search", "nodes", 3, "files"]},
            {"files": Unavailable("GitHub answered: No")},
        ),
        (
            {
                "type": "NO_DATA",
                "message": "No",
                "path": ["search", "nodes", 3, "statusCheckRollup"],
            },
            {"statusCheckRollup": Unavailable("GitHub answered: No")},
        ),
        ({"type": "X", "message": "No", "path": ["search", "nodes", 4, "files"]}, {}),
        ({"type": "X", "message": "No", "path": ["search", "nodes", 3]}, {}),
        ({"type": "X", "message": "No"}, {}),
        ({"type": "X", "message": "No", "path": ["rateLimit"]}, {}),
    ],
)
def test_an_error_speaks_of_one_field_of_one_pull_request(
    error: Json, lost: dict[str, Unavailable]
) -> None:
    errors = [shaped(wire.GraphQLError, error)]
    assert parsing.lost_fields(errors, ("search", "nodes", 3)) == lost


def test_the_first_error_of_a_field_gives_the_reason() -> None:
    errors = [
        shaped(wire.GraphQLError, {"message": said, "path": ["node", "reviews", n]})
        for n, said in enumerate(("first", "second"))
    ]
    assert parsing.lost_fields(errors, ("node",)) == {
        "reviews": Unavailable("GitHub answered: first")
    }


# The timeline -----------------------------------------------------------------------------------


def event(kind: str, **more: Any) -> Json:
    return {"__typename": kind, "createdAt": z("02-10"), "actor": user("kim"), **more}


NOW, KIM = at("02-10"), actor("kim")
ISSUE = {"__typename": "Issue", "number": 3, "repository": {"nameWithOwner": "acme/web"}}
THE_PULL = {"__typename": "PullRequest"}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (event("LabeledEvent", label={"name": "qa"}), LabelChanged(NOW, KIM, "qa", True)),
        (event("UnlabeledEvent", label={"name": "qa"}), LabelChanged(NOW, KIM, "qa", False)),
        (event("LabeledEvent", label=None), LabelChanged(NOW, KIM, "", True)),
        (
            event(
                "ReviewDismissedEvent",
                review={"id": "R1"},
                previousReviewState="APPROVED",
                dismissalMessage="stale",
            ),
            ReviewDismissed(NOW, KIM, "R1", "APPROVED", "stale"),
        ),
        (
            event("ReviewDismissedEvent", review=None, previousReviewState="APPROVED"),
            ReviewDismissed(NOW, KIM, None, "APPROVED", ""),
        ),
        (
            event("HeadRefForcePushedEvent", beforeCommit={"oid": "a"}, afterCommit={"oid": "b"}),
            ForcePushed(NOW, KIM, "a", "b"),
        ),
        (
            event("HeadRefForcePushedEvent", beforeCommit=None, afterCommit=None),
            ForcePushed(NOW, KIM, None, None),
        ),
        (
            event("BaseRefForcePushedEvent", beforeCommit={"oid": "a"}, afterCommit=None),
            ForcePushed(NOW, KIM, "a", None, base=True),
        ),
        (
            event("BaseRefChangedEvent", previousRefName="dev", currentRefName="main"),
            BaseChanged(NOW, KIM, "dev", "main"),
        ),
        (
            event("AutomaticBaseChangeSucceededEvent", oldBase="dev", newBase="main"),
            BaseChanged(NOW, KIM, "dev", "main"),
        ),
        (
            event("RenamedTitleEvent", previousTitle="old", currentTitle="new"),
            Renamed(NOW, KIM, "old", "new"),
        ),
        (event("ReadyForReviewEvent"), DraftChanged(NOW, KIM, False)),
        (event("ConvertToDraftEvent"), DraftChanged(NOW, KIM, True)),
        (
            event("MergedEvent", commit={"oid": "m"}, mergeRefName="main"),
            Merged(NOW, KIM, "m", "main"),
        ),
        (event("MergedEvent", commit=None, mergeRefName="main"), Merged(NOW, KIM, None, "main")),
        (event("ClosedEvent"), StateChanged(NOW, KIM, True)),
        (event("ReopenedEvent"), StateChanged(NOW, KIM, False)),
        (
            event("AddedToMergeQueueEvent", enqueuer=user("lee")),
            QueueChanged(NOW, KIM, True, actor("lee")),
        ),
        (event("RemovedFromMergeQueueEvent", enqueuer=None), QueueChanged(NOW, KIM, False, None)),
        (
            event("RemovedFromMergeQueueEvent", enqueuer=None, reason=None),
            QueueChanged(NOW, KIM, False, None),
        ),
        (
            event("RemovedFromMergeQueueEvent", enqueuer=user("lee"), reason="merged"),
            QueueChanged(NOW, KIM, False, actor("lee"), "merged"),
        ),
        (event("AutoMergeEnabledEvent"), AutoMergeEnabled(NOW, KIM)),
        (
            event("DeployedEvent", deployment={"environment": "staging", "state": "ACTIVE"}),
            Deployed(NOW, KIM, "staging", "ACTIVE"),
        ),
        (
            event("DeployedEvent", deployment={"environment": None, "state": None}),
            Deployed(NOW, KIM, "", ""),
        ),
        (event("DeployedEvent", deployment=None), Deployed(NOW, KIM, "", "")),
        (
            event(
                "DeployedEvent",
                deployment={
                    "environment": "staging",
                    "state": "INACTIVE",
                    "commitOid": "head",
                    "latestStatus": {
                        "state": "INACTIVE",
                        "createdAt": z("02-11"),
                        "creator": user("ci", "Bot"),
                    },
                },
            ),
            Deployed(NOW, KIM, "staging", "INACTIVE", "head", "INACTIVE", at("02-11"), "ci[bot]"),
        ),
        (
            event(
                "DeployedEvent",
                deployment={
                    "environment": "staging",
                    "state": "PENDING",
                    "commitOid": "head",
                    "latestStatus": None,
                },
            ),
            Deployed(NOW, KIM, "staging", "PENDING", "head"),
        ),
        (
            event(
                "DeployedEvent",
                deployment={
                    "environment": "staging",
                    "state": "ACTIVE",
                    "commitOid": "head",
                    "latestStatus": {"state": "SUCCESS", "createdAt": z("02-11"), "creator": None},
                },
            ),
            Deployed(NOW, KIM, "staging", "ACTIVE", "head", "SUCCESS", at("02-11")),
        ),
        (
            event("ConnectedEvent", subject=ISSUE, source=THE_PULL),
            IssueLinked(NOW, KIM, True, "acme/web#3"),
        ),
        (
            event("DisconnectedEvent", subject=THE_PULL, source=ISSUE),
            IssueLinked(NOW, KIM, False, "acme/web#3"),
        ),
        (event("ConnectedEvent", subject=THE_PULL, source=THE_PULL), None),
        (event("ConnectedEvent", subject=None, source={"__typename": "Issue"}), None),
        (event("SomethingNewEvent"), None),
        ({**event("ClosedEvent"), "actor": None}, StateChanged(NOW, None, True)),
    ],
    ids=lambda value: value["__typename"] if isinstance(value, dict) else "",
)
def test_an_event_becomes_its_record(item: Json, expected: Any) -> None:
    merge = merged_event("03-02", "x")
    found = parsed(pull(1, timelineItems=[item, merge])).timeline
    assert not isinstance(found, Unavailable)
    merged = Merged(at("03-02"), actor("lee"), "x", "main")
    assert found == ((expected, merged) if expected else (merged,))


def comment(body: str, **more: Any) -> Json:
    return {
        "__typename": "IssueComment",
        "createdAt": z("02-11"),
        "author": user("quinn"),
        "body": body,
        "url": "u",
        **more,
    }


def test_comments_are_told_apart_from_events() -> None:
    edited = comment("QA ok", lastEditedAt=z("02-12"))
    items = [edited, merged_event("03-02"), comment("", author=None)]
    found = parsed(pull(1, timelineItems=items))
    assert not isinstance(found.comments, Unavailable)
    assert [(c.author, c.body, c.edited_at) for c in found.comments] == [
        (actor("quinn"), "QA ok", at("02-12")),
        (None, "", None),
    ]
    assert not isinstance(found.timeline, Unavailable)
    assert len(found.timeline) == 1


def test_a_timeline_without_the_merge_is_not_whole() -> None:
    """Every merged pull request has that event; the comments that are there are kept."""
    found = parsed(pull(1, timelineItems=[event("ClosedEvent"), comment("QA ok")]))
    assert isinstance(found.timeline, Unavailable)
    assert "does not show the merge" in found.timeline.reason
    assert not isinstance(found.comments, Unavailable)
    assert len(found.comments) == 1


def test_comments_are_as_unknown_as_the_timeline_that_they_come_with() -> None:
    found = parsed(on_wire(pull(1), timelineItems=None))
    assert found.comments == found.timeline == Unavailable("GitHub answered nothing for it")


# Checks -----------------------------------------------------------------------------------------


def check_run(**more: Any) -> Json:
    return {
        "__typename": "CheckRun",
        "name": "e2e",
        "status": "COMPLETED",
        "conclusion": "SUCCESS",
        "startedAt": z("03-01"),
        "completedAt": z("03-01 01:00"),
        "databaseId": 9,
        "detailsUrl": "u",
        "checkSuite": {"app": {"slug": "actions"}},
        **more,
    }


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (
            check_run(),
            ("e2e", "actions", "check run", "SUCCESS", at("03-01"), at("03-01 01:00"), 9, "u"),
        ),
        (
            check_run(status="IN_PROGRESS", conclusion=None, completedAt=None),
            ("e2e", "actions", "check run", "IN_PROGRESS", at("03-01"), None, 9, "u"),
        ),
        (
            check_run(status="QUEUED", conclusion="SUCCESS"),
            ("e2e", "actions", "check run", "QUEUED", at("03-01"), None, 9, "u"),
        ),
        (
            {
                **check_run(conclusion=None, databaseId=None, startedAt=None, detailsUrl=None),
                "checkSuite": {"app": None},
            },
            ("e2e", "", "check run", "", None, at("03-01 01:00"), 0, ""),
        ),
        (
            status("ci/legacy"),
            (
                "ci/legacy",
                "ci",
                "status",
                "SUCCESS",
                at("03-01"),
                at("03-01"),
                int(at("03-01").timestamp()),
                "",
            ),
        ),
        (
            {**status("ci/legacy"), "state": "PENDING", "creator": None, "targetUrl": "t"},
            (
                "ci/legacy",
                "",
                "status",
                "PENDING",
                at("03-01"),
                None,
                int(at("03-01").timestamp()),
                "t",
            ),
        ),
        (
            {**status("ci/legacy"), "state": "EXPECTED"},
            (
                "ci/legacy",
                "ci",
                "status",
                "EXPECTED",
                at("03-01"),
                None,
                int(at("03-01").timestamp()),
                "",
            ),
        ),
    ],
)
def test_a_check_run_or_a_status_becomes_a_check(context: Json, expected: tuple[Any, ...]) -> None:
    found = parsed(pull(1, checks=[context])).checks
    assert not isinstance(found, Unavailable)
    (check,) = found
    fields = (
        check.name,
        check.producer,
        check.kind,
        check.conclusion,
        check.started_at,
        check.completed_at,
        check.id,
        check.url,
    )
    assert fields == expected
    assert check.commit == "head"


@pytest.mark.parametrize(
    ("context", "created"),
    [
        (check_run(checkSuite={"app": None, "createdAt": z("02-28")}), at("02-28")),
        (check_run(), None),
        (status("ci/legacy"), at("03-01")),
        ({**status("ci/legacy"), "state": "PENDING"}, at("03-01")),
        ({**status("ci/legacy"), "state": "EXPECTED"}, None),
    ],
    ids=["suite", "an answer without it", "status", "pending", "expected, and never set"],
)
def test_a_check_was_created_when_the_server_says(context: Json, created: Any) -> None:
    found = parsed(pull(1, checks=[context])).checks
    assert not isinstance(found, Unavailable)
    assert [check.created_at for check in found] == [created]


def test_a_status_that_an_app_set_is_not_a_person_s() -> None:
    """A person's account may be called what an app is called."""
    by = [user("ci"), user("ci", "Bot")]
    found = parsed(pull(1, checks=[{**status("e2e"), "creator": each} for each in by])).checks
    assert not isinstance(found, Unavailable)
    assert [check.producer for check in found] == ["ci", "ci[bot]"]


def test_no_rollup_means_that_there_was_no_check() -> None:
    assert parsed(on_wire(pull(1), statusCheckRollup=None)).checks == ()


def test_checks_that_may_not_be_read_are_unavailable_and_everything_else_is_there() -> None:
    errors = [
        shaped(
            wire.GraphQLError,
            {
                "type": "FORBIDDEN",
                "message": "Not accessible",
                "path": ["search", "nodes", 0, "statusCheckRollup", "contexts"],
            },
        )
    ]
    lost = parsing.lost_fields(errors, ("search", "nodes", 0))
    found = parsed(on_wire(pull(1), statusCheckRollup=None), lost=lost)
    assert isinstance(found.checks, Unavailable)
    assert found.checks.permission == "Checks: read and Commit statuses: read"
    others = (found.labels, found.edits, found.reviews, found.timeline, found.commits, found.files)
    assert not any(isinstance(other, Unavailable) for other in others)


def test_checks_go_on_over_pages_and_are_unavailable_where_they_break_off() -> None:
    checks = [status(f"ci{n}") for n in range(3)]
    first = on_wire(pull(1), statusCheckRollup={"contexts": sliced(checks, 2, None)})
    rest = shaped(
        wire.PullRequestMore,
        {"id": "PR_1", "statusCheckRollup": {"contexts": sliced(checks, 2, "2")}},
    )
    found = parsed(first, (rest,)).checks
    assert not isinstance(found, Unavailable)
    assert [c.name for c in found] == ["ci0", "ci1", "ci2"]
    nothing = shaped(wire.PullRequestMore, {"id": "PR_1"})
    assert parsed(first, (nothing,)).checks == Unavailable("GitHub showed 2 of 3")


# People in commits ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "people"),
    [
        ("Work", []),
        ("Work\n\nCo-authored-by: Kim <kim@acme.test>", [("Kim", "kim@acme.test", None)]),
        ("Work\r\n\r\nCo-authored-by: Kim <kim@acme.test>\r\n", [("Kim", "kim@acme.test", None)]),
        ("Work\n\nCO-AUTHORED-BY:Kim<kim@acme.test>  ", [("Kim", "kim@acme.test", None)]),
        (
            "Work\n\nCo-authored-by: A <a@x.test>\nCo-authored-by: B <b@x.test>\n",
            [("A", "a@x.test", None), ("B", "b@x.test", None)],
        ),
        (
            "Work\n\nCo-authored-by: K <77+kim@users.noreply.github.com>",
            [("K", "77+kim@users.noreply.github.com", Actor(77, "kim"))],
        ),
        (
            "Work\n\nCo-authored-by: K <kim@users.noreply.github.com>",
            [("K", "kim@users.noreply.github.com", Actor(0, "kim"))],
        ),
        (
            "Work\n\nCo-authored-by: E <7+emu_acme@users.noreply.github.com>",
            [("E", "7+emu_acme@users.noreply.github.com", Actor(7, "emu_acme"))],
        ),
        (
            "Work\n\nCo-authored-by: R <9+renovate[bot]@USERS.noreply.github.com>",
            [
                (
                    "R",
                    "9+renovate[bot]@USERS.noreply.github.com",
                    Actor(9, "renovate[bot]", ActorKind.BOT),
                )
            ],
        ),
        (
            "Work\n\nCo-authored-by: K <kim@users.noreply.github.com.evil.test>",
            [("K", "kim@users.noreply.github.com.evil.test", None)],
        ),
        (
            "Work\n\nCo-authored-by: A <a@x.test>, B <b@x.test> & C <7+c@users.noreply.github.com>",
            [
                ("A", "a@x.test", None),
                ("B", "b@x.test", None),
                ("C", "7+c@users.noreply.github.com", Actor(7, "c")),
            ],
        ),
        (
            "Work\n\nCo-authored-by: A <a@x.test> <b@x.test>",
            [("A", "a@x.test", None), ("", "b@x.test", None)],
        ),
        ("Work\n\nCo-authored-by : Kim <k@x.test>.\n\nMore", [("Kim", "k@x.test", None)]),
        ("Work\n\nCo-authored-by: Kim", [("Kim", "", None)]),
        ("Work\n\nCo-authored-by: kim@x.test\r\n", [("kim@x.test", "", None)]),
        ("Work\n\nCo-authored-by: Kim <>", [("Kim <>", "", None)]),
        ("Work\n\nCo-authored-by: Kim <k@x.test", [("Kim <k@x.test", "", None)]),
        ("Work\n\nCo-authored-by: Kim <k@x.test> and more", [("Kim", "k@x.test", None)]),
        ("Work\n\nCo-authored-by:\nCo-authored-by: \r\n", []),
        ("Work\n\n  Co-authored-by: Kim <k@x.test>", []),
        ("Work\n\nNot-Co-authored-by: Kim <k@x.test>", []),
    ],
)
def test_the_people_of_co_author_trailers(
    message: str, people: list[tuple[str, str, Actor | None]]
) -> None:
    assert parsing.co_authors(message) == tuple(
        GitPerson(name, email, None, account) for name, email, account in people
    )


@pytest.mark.parametrize(
    "message",
    [
        "Co-authored-by:" + " " * 200_000,
        "Co-authored-by: " + "<" * 200_000,
        "Co-authored-by: x <" + "a" * 200_000,
        "Co-authored-by: x <" + "1" * 10_000 + "+kim@users.noreply.github.com>",
        "Co-authored-by: x <a>" + " " * 200_000 + "x",
        "co-authored-by:\n" * 50_000,
    ],
    ids=["spaces", "brackets", "no end", "a number too large", "tail", "many"],
)
def test_a_hostile_message_neither_hangs_nor_fails(message: str) -> None:
    started = time.monotonic()
    assert all(person.account is None for person in parsing.co_authors(message))
    assert time.monotonic() - started < 2


@given(st.text())
def test_no_message_fails(message: str) -> None:
    for person in parsing.co_authors(f"Work\n\n{message}"):
        assert person.email or person.name


@pytest.mark.parametrize(
    ("email", "account"),
    [
        ("77+kim@users.noreply.github.com", Actor(0, "kim")),
        ("kim@users.noreply.github.com", Actor(0, "kim")),
        ("77+kim@users.noreply.ghe.acme.test", Actor(77, "kim")),
        ("9+ci[bot]@users.noreply.github.com", Actor(0, "ci[bot]", ActorKind.BOT)),
        ("9+ci[bot]@users.noreply.GHE.acme.test", Actor(9, "ci[bot]", ActorKind.BOT)),
        ("9+ci[bot]@users.noreply.elsewhere.test", None),
    ],
)
def test_the_number_in_an_address_of_another_installation_is_nobody_s_on_this_one(
    email: str, account: Actor | None
) -> None:
    """An Enterprise Server numbers its accounts itself."""
    who = {"name": "Kim", "email": email, "date": None, "user": None}
    node = commit("head", f"Work\n\nCo-authored-by: Kim <{email}>")
    node["commit"] |= {"author": who, "committer": who}
    url = "https://ghe.acme.test/acme/payments/pull/1"
    (found,) = parsed({**pull(1, commits=[node]), "url": url}).commits  # type: ignore[misc]
    assert [p.account for p in (*found.authors, found.committer)] == [account] * 3
    broken = parsed({**pull(1, commits=[node]), "url": "https://[ghe"}).commits
    assert not isinstance(broken, Unavailable)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2026-03-01T10:00:00Z", at("03-01 10:00")),
        ("2026-03-01T10:00:00+05:30", at("03-01 04:30")),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("10889-05-02T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("2026-02-30T00:00:00Z", None),
        ("2026-03-01T10:00:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_a_date_that_no_calendar_knows_is_none(
    date: str | None, expected: datetime | None, any_zone: str
) -> None:
    who = shaped(wire.Signature, {"name": "Dana", "email": "d@x.test", "date": date})
    assert parsing.person(who) == GitPerson("Dana", "d@x.test", expected, None)


def test_the_account_that_github_links_comes_before_the_one_that_the_address_claims() -> None:
    claimed = "7+someone@users.noreply.github.com"
    linked = shaped(wire.Signature, {"name": "D", "email": claimed, "user": user("dana")})
    assert parsing.person(linked).account == actor("dana")
    alone = shaped(wire.Signature, {"name": "D", "email": claimed, "user": None})
    assert parsing.person(alone).account == Actor(7, "someone")


def test_a_commit_without_any_person_has_one_without_a_name() -> None:
    assert parsing.person(None) == GitPerson("", "", None, None)
    assert parsing.person(wire.Signature()) == GitPerson("", "", None, None)


def test_a_commit_s_authors_start_with_its_author() -> None:
    message = "Work\n\nCo-authored-by: Kim <kim@x.test>"
    (found,) = parsed(pull(1, commits=[commit("head", message)])).commits  # type: ignore[misc]
    assert [p.name for p in found.authors] == ["Dana", "Kim"]
    assert found.authors[0].account == actor("dana")
    assert found.committer.account is None
    assert (found.oid, found.tree, found.via_web) == ("head", "tree-head", False)


# Commits of a branch ----------------------------------------------------------------------------


def test_a_commit_of_the_line_names_only_merged_pull_requests_of_its_repository() -> None:
    def linked(number: int, repository: str = REPOSITORY, merged: bool = True) -> Json:
        return {
            "number": number,
            "mergedAt": z("03-01") if merged else None,
            "baseRefName": "main",
            "repository": {"nameWithOwner": repository},
        }

    nodes = [linked(1), linked(2, merged=False), linked(3, "fork/payments"), None]
    nodes.append(linked(4, REPOSITORY.upper()))
    found = shaped(
        wire.LineCommit,
        {
            "id": "C",
            "oid": "d1",
            "url": "u",
            "message": "Push\n\nCo-authored-by: Kim <kim@x.test>",
            "parents": {"nodes": [{"oid": "d0"}, None]},
            "associatedPullRequests": {"nodes": nodes},
        },
    )
    record = parsing.branch_commit(found, REPOSITORY, "main", "sha")
    assert record.pull_requests == (1, 4)
    assert record.evidence == "sha"
    assert record.parents == ("d0",)
    assert [p.name for p in record.authors] == ["", "Kim"]


# The repository and its templates ---------------------------------------------------------------

PLACES = {
    ".github/PULL_REQUEST_TEMPLATE.md": "githubUpper",
    ".github/pull_request_template.md": "githubLower",
    "PULL_REQUEST_TEMPLATE.md": "rootUpper",
    "pull_request_template.md": "rootLower",
    "docs/PULL_REQUEST_TEMPLATE.md": "docsUpper",
    "docs/pull_request_template.md": "docsLower",
}


def changed(*dates: str) -> Json:
    return {"nodes": [{"oid": "c", "committedDate": date} for date in dates]}


def repository(filename: str | None, history: Json | None, **more: Any) -> Repository:
    found = {
        "nameWithOwner": REPOSITORY,
        "url": "u",
        "databaseId": 7,
        "pullRequestTemplates": [{"filename": filename, "body": "## What"}],
        "defaultBranchRef": {"name": "main", "target": history},
        **more,
    }
    return parsing.repository(shaped(wire.Repository, found), HOST, at("06-01"))


def template_date(filename: str | None, history: Json | None) -> datetime | None:
    found = repository(filename, history).templates
    assert not isinstance(found, Unavailable)
    assert found[0].text == "## What"
    return None if isinstance(found[0].changed_at, Unavailable) else found[0].changed_at


FOLDER = {"githubFolder": changed(z("05-05"))}


@pytest.mark.parametrize(
    ("filename", "history", "expected"),
    [
        *(
            (path, {alias: changed(z("04-01")), **FOLDER}, at("04-01"))
            for path, alias in PLACES.items()
        ),
        (
            "PULL_REQUEST_TEMPLATE.md",
            {
                "githubUpper": changed(z("04-01")),
                "rootUpper": changed(z("04-03")),
                "docsUpper": changed(z("04-02")),
                **FOLDER,
            },
            at("04-03"),
        ),
        (".github/PULL_REQUEST_TEMPLATE/fix.md", FOLDER, at("05-05")),
        ("fix.md", FOLDER, at("05-05")),
        ("pull_request_template.txt", FOLDER, None),
        ("PULL_REQUEST_TEMPLATE", FOLDER, None),
        ("docs/PULL_REQUEST_TEMPLATE/fix.md", FOLDER, None),
        ("PULL_REQUEST_TEMPLATE.md", FOLDER, None),
        ("PULL_REQUEST_TEMPLATE.md", {"rootUpper": {"nodes": []}}, None),
        ("PULL_REQUEST_TEMPLATE.md", {"rootUpper": {"nodes": None}}, None),
        ("PULL_REQUEST_TEMPLATE.md", {"rootUpper": changed("10889-01-01T00:00:00Z")}, None),
        (
            "PULL_REQUEST_TEMPLATE.md",
            {"rootUpper": changed("10889-01-01T00:00:00Z"), "docsUpper": changed(z("04-01"))},
            None,
        ),
        ("fix.md", None, None),
        (None, {}, None),
    ],
)
def test_when_a_template_last_changed_is_told_by_its_own_file(
    filename: str | None, history: Json | None, expected: datetime | None
) -> None:
    """One name may stand for several files: it changed with the latest. Where no commit is known
    to have changed just this file, it is not said when.
    """
    assert template_date(filename, history) == expected


def test_templates_that_are_not_shown_are_unavailable() -> None:
    found = repository(None, None, pullRequestTemplates=None)
    assert isinstance(found.templates, Unavailable)


def test_a_repository_without_a_branch_has_none() -> None:
    found = repository("fix.md", None, defaultBranchRef=None, databaseId=None)
    assert (found.default_branch, found.id, found.name) == ("", 0, REPOSITORY)


# Issues -----------------------------------------------------------------------------------------


def change(kind: str, when: str) -> Json:
    return {"__typename": kind, "createdAt": z(when), "actor": user("kim")}


CLOSED, REOPENED = change("ClosedEvent", "03-01"), change("ReopenedEvent", "03-05")


def history(found: Json) -> tuple[TicketChange, ...] | Unavailable:
    return parsing.ticket("asked#1", shaped(wire.Issue, found), HOST).history


def test_an_issue_is_a_ticket_of_its_repository() -> None:
    found = issue("acme/web#3", "CLOSED", CLOSED, stateReason="NOT_PLANNED", author=None)
    ticket = parsing.ticket("acme/old#9", shaped(wire.Issue, found), HOST)
    assert (ticket.asked, ticket.key, ticket.project) == ("acme/old#9", "acme/web#3", "acme/web")
    assert (ticket.type, ticket.status, ticket.resolution) == ("Issue", "closed", "NOT_PLANNED")
    assert (ticket.author, ticket.labels, ticket.source) == (None, ("bug",), HOST)


@pytest.mark.parametrize("labels", [None, {"nodes": None}, {"nodes": [None]}])
def test_an_issue_without_labels(labels: Json | None) -> None:
    found = issue("acme/web#3", labels=labels)
    assert parsing.ticket("x", shaped(wire.Issue, found), HOST).labels == ()


@pytest.mark.parametrize(
    ("state", "events", "expected"),
    [
        ("OPEN", [], [()]),
        ("CLOSED", [CLOSED], [("open", "closed")]),
        ("OPEN", [CLOSED, REOPENED], [("open", "closed"), ("closed", "open")]),
    ],
)
def test_the_history_of_an_issue(state: str, events: list[Json], expected: list[Any]) -> None:
    found = history(issue("acme/web#3", state, *events))
    assert not isinstance(found, Unavailable)
    assert [(*c.before, *c.after) for c in found] == [e for e in expected if e]
    assert all((c.actor, c.field) == (KIM, "status") for c in found)


PLANNED, DROPPED = {"stateReason": "COMPLETED"}, {"stateReason": "NOT_PLANNED"}


@pytest.mark.parametrize(
    ("state", "events", "today", "expected"),
    [
        pytest.param(
            "CLOSED",
            [CLOSED | DROPPED],
            "NOT_PLANNED",
            [("status", "open", "closed"), ("resolution", "NOT_PLANNED")],
            id="closed for a reason",
        ),
        pytest.param(
            "CLOSED",
            [CLOSED],
            "NOT_PLANNED",
            [("status", "open", "closed"), ("resolution", "NOT_PLANNED")],
            id="the last event does not say why, the issue does",
        ),
        pytest.param(
            "OPEN",
            [CLOSED, REOPENED],
            "REOPENED",
            [
                ("status", "open", "closed"),
                ("status", "closed", "open"),
                ("resolution", "REOPENED"),
            ],
            id="an earlier event does not say why",
        ),
        pytest.param(
            "CLOSED",
            [CLOSED | PLANNED, CLOSED | DROPPED | {"createdAt": z("03-07")}],
            "NOT_PLANNED",
            [
                ("status", "open", "closed"),
                ("resolution", "COMPLETED"),
                ("resolution", "COMPLETED", "NOT_PLANNED"),
            ],
            id="closed again for another reason",
        ),
        pytest.param(
            "CLOSED",
            [CLOSED | PLANNED, REOPENED, CLOSED | DROPPED | {"createdAt": z("03-07")}],
            "NOT_PLANNED",
            [
                ("status", "open", "closed"),
                ("resolution", "COMPLETED"),
                ("status", "closed", "open"),
                ("resolution", "COMPLETED"),
                ("status", "open", "closed"),
                ("resolution", "NOT_PLANNED"),
            ],
            id="reopened in between",
        ),
    ],
)
def test_why_an_issue_was_closed_is_told_with_its_state(
    state: str, events: list[Json], today: str, expected: list[Any]
) -> None:
    found = history(issue("acme/web#3", state, *events, stateReason=today))
    assert not isinstance(found, Unavailable)
    assert [(c.field, *c.before, *c.after) for c in found] == expected


def tagged(kind: str, label: str, when: str = "03-02") -> Json:
    return {
        "__typename": f"{kind}Event",
        "createdAt": z(when),
        "actor": user("kim"),
        "label": {"name": label},
    }


def labels_of(today: list[str], *events: Json | None, size: int = 100) -> Any:
    found = issue(
        "acme/web#3",
        labels={"nodes": [{"name": name} for name in today]},
        labelEvents=sliced(list(events), size, None),
    )
    return parsing.ticket("acme/web#3", shaped(wire.Issue, found), HOST)


def test_each_change_of_labels_tells_the_whole_set() -> None:
    found = labels_of(
        ["bug", "security"],
        tagged("Labeled", "bug", "03-01"),
        tagged("Labeled", "later", "03-02"),
        tagged("Labeled", "security", "03-03"),
        tagged("Unlabeled", "later", "03-04"),
    )
    assert [(c.field, c.before, c.after, c.actor) for c in found.history] == [
        ("labels", (), ("bug",), KIM),
        ("labels", ("bug",), ("bug", "later"), KIM),
        ("labels", ("bug", "later"), ("bug", "later", "security"), KIM),
        ("labels", ("bug", "later", "security"), ("bug", "security"), KIM),
    ]
    assert found.gaps == {}


@pytest.mark.parametrize(
    ("today", "events", "size", "why"),
    [
        (["bug"], [], 100, "does not lead to those of today"),
        ([], [tagged("Labeled", "bug")], 100, "does not lead to those of today"),
        (["bug"], [tagged("Labeled", "bug"), None], 100, "left out a part"),
        (["bug"], [tagged("Labeled", "bug")] * 3, 2, "changed more than 2 times"),
    ],
)
def test_where_the_labels_history_is_not_whole_that_alone_is_unavailable(
    today: list[str], events: list[Json | None], size: int, why: str
) -> None:
    found = labels_of(today, *events, size=size)
    assert why in found.gaps["labels"].reason
    assert found.history == ()
    assert list(found.gaps) == ["labels"]


def test_an_answer_to_the_earlier_query_lacks_the_labels_history_alone() -> None:
    found = parsing.ticket(
        "acme/web#3", shaped(wire.Issue, issue("acme/web#3", "CLOSED", CLOSED)), HOST
    )
    assert not isinstance(found.history, Unavailable)
    assert [c.field for c in found.history] == ["status"]
    assert "not asked for by the version" in found.gaps["labels"].reason
    assert found.assignee is None


def test_who_is_assigned_is_told() -> None:
    found = issue("acme/web#3", assignees={"nodes": [user("kim")]})
    assert parsing.ticket("acme/web#3", shaped(wire.Issue, found), HOST).assignee == KIM


def test_the_changes_of_an_issue_stand_in_the_order_of_their_instants() -> None:
    found = issue(
        "acme/web#3",
        "CLOSED",
        CLOSED,
        labels={"nodes": [{"name": "bug"}]},
        labelEvents=sliced([tagged("Labeled", "bug", "02-01")], 100, None),
    )
    told = parsing.ticket("acme/web#3", shaped(wire.Issue, found), HOST).history
    assert not isinstance(told, Unavailable)
    assert [c.field for c in told] == ["labels", "status"]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (issue("acme/web#3", "CLOSED"), "does not show when it became so"),
        (issue("acme/web#3", "OPEN", CLOSED), "the issue is open, but"),
        (issue("acme/web#3", "CLOSED", CLOSED, REOPENED), "the issue is closed, but"),
        (
            issue("acme/web#3", "CLOSED", timelineItems=sliced([CLOSED, None], 50, None)),
            "left out a part",
        ),
        (
            issue("acme/web#3", "CLOSED", timelineItems=sliced([CLOSED] * 3, 2, None)),
            "more than 2 times",
        ),
    ],
)
def test_a_history_that_does_not_lead_to_the_state_is_unavailable(found: Json, reason: str) -> None:
    told = history(found)
    assert isinstance(told, Unavailable)
    assert reason in told.reason


# Half a surrogate pair --------------------------------------------------------------------------


@given(st.text(st.characters(), max_size=20))
def test_any_text_that_json_escapes_can_be_read_once_it_is_sound(text: str) -> None:
    """Python writes what UTF-8 cannot hold as an escape; only such halves are replaced."""
    body = json.dumps({"text": text}).encode()
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert msgspec.json.decode(wire.sound(body)) == {"text": whole}


@given(st.binary())
def test_an_answer_without_such_a_half_is_left_as_it_is(body: bytes) -> None:
    if b"\\u" not in body:
        assert wire.sound(body) == body
    assert len(wire.sound(body)) == len(body)
