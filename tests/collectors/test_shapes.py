"""Several threads may decode the same shape for the first time at once."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from changeaudit.collectors import shapes
from changeaudit.collectors.shapes import decoded

TWO_AT_ONCE = """
import sys, threading
sys.setswitchinterval(1e-7)
import changeaudit.collectors.shapes as shapes
import msgspec

def shape(depth):
    below = shape(depth - 1) if depth else int
    names = [(f"f{n}", below) for n in range(3)]
    return msgspec.defstruct(f"Shape{depth}", names)

def json(depth):
    inner = json(depth - 1) if depth else "1"
    return "{" + ",".join(f'"f{n}":{inner}' for n in range(3)) + "}"

for _ in range(40):
    wanted, raw = shape(5), json(5)
    start = threading.Barrier(3)
    def decode():
        start.wait()
        shapes.decoded(raw, wanted)
    threads = [threading.Thread(target=decode) for _ in range(3)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


@pytest.mark.slow
def test_threads_that_meet_a_shape_at_once_do_not_end_the_process() -> None:
    """In a process of its own: what is guarded against is a segmentation fault."""
    ended = subprocess.run([sys.executable, "-c", TWO_AT_ONCE], capture_output=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_github_s_answers_are_decoded_nowhere_else() -> None:
    """Its collectors run in threads: each shape that one of them meets must be known by then."""
    collectors = Path(shapes.__file__).parent / "github"
    own = [
        path.name
        for path in sorted(collectors.glob("*.py"))
        if re.search(r"json\.decode\([^\n]*type=", path.read_text(encoding="utf-8"))
    ]
    assert own == []


class Thing(msgspec.Struct):
    name: str


def test_what_does_not_fit_is_refused() -> None:
    assert decoded(b'{"name": "it"}', Thing) == Thing("it")
    assert decoded('{"name": "it"}', Thing) == Thing("it")
    with pytest.raises(msgspec.ValidationError, match="name"):
        decoded(b'{"name": 1}', Thing)
    with pytest.raises(msgspec.DecodeError):
        decoded(b'{"name"', Thing)
