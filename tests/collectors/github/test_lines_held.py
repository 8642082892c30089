"""Which branches' lines a store holds, whether or not a pull request merged into them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from changeaudit.collectors.github import line
from changeaudit.collectors.github.reading import lines_held
from changeaudit.store import Answer, Store

AT = datetime(2026, 3, 1, tzinfo=UTC)


def put(store: Store, source: str, subject: str, kind: str) -> None:
    with store.begin() as writer:
        writer.put(Answer(source, subject, kind, "{}", 200, AT, b"{}"))


def test_the_lines_of_a_repository_are_found_by_their_branches(tmp_path: Path) -> None:
    """Those of another repository, another host or another kind of answer are not among them."""
    with Store.open(tmp_path / "store.sqlite") as store:
        put(store, "github.com", "acme/pay@main", line.ENDS_KIND)
        put(store, "github.com", "acme/pay@release/1@2", line.ENDS_KIND)
        put(store, "github.com", "acme/payments@other", line.ENDS_KIND)
        put(store, "elsewhere", "acme/pay@far", line.ENDS_KIND)
        put(store, "github.com", "acme/pay@line", "pull_request")
        assert lines_held(store, "github.com", "acme/pay") == ("main", "release/1@2")
