"""One whole run of collecting, played back from a cassette."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import vcr

from changeaudit.cli.collect import collect
from changeaudit.collectors.github.ask import Session
from changeaudit.collectors.github.transport import Transport
from changeaudit.policy import Policy
from changeaudit.store import Store
from changeaudit.verdicts import PeriodInfo
from collectors.github.fake_github import Told

FOLDER = Path(__file__).parents[3] / "fixtures" / "cassettes"
API = "http://127.0.0.1:8231/api/v3"
SOURCE = "127.0.0.1:8231"
TOKEN = "not-a-token"
NOW = datetime(2026, 4, 2, 12, 0, tzinfo=UTC)
MARCH = PeriodInfo(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
CASSETTES = {"collect": "acme/payments", "refused": "acme/vault"}
POLICY = Policy.model_validate({"roles": {"peer": {"teams": ["acme/leads", "acme/nobody"]}}})


def path(name: str) -> Path:
    """Where a cassette lies."""
    return FOLDER / f"{name}.yaml"


def cassette(name: str, *, record: bool = False) -> AbstractContextManager[Any]:
    """Everything that is asked meanwhile is answered by the cassette, and by nothing else."""
    tape: AbstractContextManager[Any] = vcr.VCR(
        record_mode="all" if record else "none",
        match_on=["method", "scheme", "host", "port", "path", "raw_body"],
        decode_compressed_response=True,
        before_record_request=brief,
        before_record_response=plain,
    ).use_cassette(str(path(name)), allow_playback_repeats=False)
    return tape


def run(name: str, store: Store) -> tuple[int, Told]:
    """Collect what the cassette is about; returns the requests that it took, and what was told."""
    told = Told()

    def slept(seconds: float) -> None:
        raise AssertionError(f"a recording has nothing to wait for, and yet {seconds} s")

    transport = Transport(TOKEN, API, lambda: NOW, slept, told)
    try:
        collect(Session(transport, store, lambda: NOW, told), (CASSETTES[name],), MARCH, POLICY)
    finally:
        transport.close()
    return transport.requests, told


def brief(request: Any) -> Any:
    """A request as it is kept: which operation, with which variables; its text is in `queries`."""
    sent = json.loads(request.body) if request.body else {}
    if "query" in sent:
        name = sent["query"].partition("query ")[2].partition("(")[0]
        kept = {"operation": name, "variables": sent["variables"]}
        request.body = json.dumps(kept, sort_keys=True).encode()
    request.headers = {}  # the token among them
    return request


def plain(response: Any) -> Any:
    """An answer as it is kept: without headers of no meaning, refusals in GitHub's own words."""
    kept = ("Content-Type", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
    headers = {k: v for k, v in response["headers"].items() if k in kept}
    answer = json.loads(response["body"]["string"])
    for error in answer.get("errors", ()) if isinstance(answer, dict) else ():
        if error.get("type") not in ("NOT_FOUND", "FORBIDDEN"):
            error |= {"type": "FORBIDDEN", "message": "Resource not accessible by integration"}
    body = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
    return {**response, "headers": headers, "body": {"string": body}}
