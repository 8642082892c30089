"""Whole runs of collecting from Jira, played back from cassettes."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import vcr

from builders import make_policy
from changeaudit.collectors.asking import Asking
from changeaudit.collectors.github.ask import Session
from changeaudit.collectors.jira.source import Jira
from changeaudit.store import Store
from collectors.jira.fake_jira import Waits

FOLDER = Path(__file__).parents[3] / "fixtures" / "cassettes"
CASSETTES = {"jira_cloud": 8232, "jira_data_center": 8233}
TOKEN = "not-a-token"
NOW = datetime(2026, 4, 2, 12, 0, tzinfo=UTC)
SINCE = datetime(2026, 3, 1, tzinfo=UTC)
MERGED = NOW - timedelta(days=2)
NAMED = (
    "pay-1",
    "ops-7",
    "pay-2",
    "pay-4",
    "pay-5",
    "ops-1",
    *(f"pay-{n}" for n in range(10, 110)),
)
POLICY = make_policy(
    tickets={"jira_projects": ["PAY", "OPS"], "accept_parent": True}, qa={"ticket_comment": "QA ok"}
)


def path(name: str) -> Path:
    """Where a cassette lies."""
    return FOLDER / f"{name}.yaml"


def site(name: str) -> str:
    """The site that was recorded."""
    return f"127.0.0.1:{CASSETTES[name]}/jira"


def cassette(name: str, *, record: bool = False) -> AbstractContextManager[Any]:
    """Everything that is asked meanwhile is answered by the cassette, and by nothing else."""
    tape: AbstractContextManager[Any] = vcr.VCR(
        record_mode="all" if record else "none",
        match_on=["method", "scheme", "host", "port", "path", "query", "raw_body"],
        decode_compressed_response=True,
        before_record_request=bare,
        before_record_response=plain,
    ).use_cassette(str(path(name)), allow_playback_repeats=False)
    return tape


def run(name: str, store: Store) -> tuple[int, Waits]:
    """Collect what the cassette is about; returns the requests that it took, and what was told.

    The tickets that pull requests name come first, then whatever else changed in the period.
    """
    told = Waits()
    took: list[int] = []
    for touched, keys in ((None, dict.fromkeys(NAMED, MERGED)), (SINCE, {})):
        found = asking(name, store, told, took, touched)
        for portion in Jira().portions(keys, POLICY, found):
            portion.collect()
    return sum(took), told


def asking(
    name: str,
    store: Store,
    told: Waits | None = None,
    took: list[int] | None = None,
    touched: datetime | None = None,
) -> Asking:
    """What a cassette's site is asked with; there is nothing to wait for in a recording."""
    counted = [] if took is None else took

    def slept(seconds: float) -> None:
        raise AssertionError(f"a recording has nothing to wait for, and yet {seconds} s")

    return Asking(
        github=cast(Session, None),  # no issue of GitHub's is asked for
        store=store,
        environment={"JIRA_URL": f"http://{site(name)}", "JIRA_TOKEN": TOKEN},
        clock=lambda: NOW,
        sleep=slept,
        progress=told or Waits(),
        took=lambda _, requests: counted.append(requests),
        touched_since=touched,
    )


def bare(request: Any) -> Any:
    """A request as it is kept: without headers, the token among them."""
    request.headers = {}
    return request


def plain(response: Any) -> Any:
    """An answer as it is kept: without headers of no meaning."""
    headers = {k: v for k, v in response["headers"].items() if k == "Content-Type"}
    answer = json.loads(response["body"]["string"])
    body = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
    return {**response, "headers": headers, "body": {"string": body}}
