"""How much memory an audit takes for each further change, with every report written.

The pull requests are those of `bench/collect.py`, in a store that `changeaudit collect` fills from
the server there. `changeaudit audit --offline --output` is run for so many of them and for twice as
many. The limit is a ratio, for machines differ: the peak memory of the larger run against that of
the smaller one. An audit that held its changes, or the text of a report, would come near 2.

    python bench/audit.py                  the comparison
    python bench/audit.py 10000 100000     what an audit of these numbers takes
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.collect import REPOSITORY, collected, held

SIZE = 1_000
LIMIT = 1.3
PERIOD = ("--since", "2023-12-01", "--until", "2026-01-31")
JUDGED = (0, 1, 3)
"""The exit codes of an audit that came to its end, whatever it found."""


class Cost(NamedTuple):
    """What an audit took: seconds of the clock and of the processor, bytes at most and written."""

    wall: float
    processor: float
    memory: int
    written: int
    page: int


def audited(port: int, folder: Path) -> Cost:
    """What an audit of the store in `folder` takes, with its evidence pack written there."""
    program = str(Path(sys.executable).parent / "changeaudit")
    pack = folder / "pack"
    command = [program, "audit", REPOSITORY, *PERIOD, "--offline", "--quiet"]
    command += ["--store", str(folder / "store.sqlite"), "--format", "csv", "--output", str(pack)]
    environment = {**os.environ, "GITHUB_API_URL": f"http://127.0.0.1:{port}/api/v3"}
    start = time.perf_counter()
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, env=environment)
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) not in JUDGED:
        raise SystemExit(f"audit: {' '.join(command)} left with {status}")
    kilo = 1 if sys.platform == "darwin" else 1024
    written = sum(path.stat().st_size for path in pack.rglob("*") if path.is_file())
    page = (pack / "index.html").stat().st_size
    processor = used.ru_utime + used.ru_stime
    return Cost(wall, processor, used.ru_maxrss * kilo, written, page)


def at_size(size: int) -> Cost:
    """Collect `size` pull requests, audit them, and print what the audit took."""
    server = Path(__file__).with_name("collect.py")
    with (
        subprocess.Popen(
            [sys.executable, str(server), "serve", str(size)], stdout=subprocess.PIPE, text=True
        ) as serving,
        tempfile.TemporaryDirectory() as folder,
    ):
        try:
            port = int(serving.stdout.readline() if serving.stdout else "")
            collected(port, folder)
            if held(folder) != size:
                raise SystemExit(f"audit: {held(folder)} of {size} pull requests are there")
            cost = audited(port, Path(folder))
        finally:
            serving.kill()
    print(
        f"audit: {size:,} changes: {cost.memory / 1e6:.0f} MB at most,"
        f" {cost.processor / size * 1000:.1f} ms of the processor each, {cost.wall:.0f} s;"
        f" {cost.written / 1e6:.0f} MB written, {cost.page / 1e6:.1f} of them index.html"
    )
    return cost


def main(arguments: list[str]) -> int:
    """Measures, prints, and returns the exit code."""
    if arguments:
        for size in arguments:
            at_size(int(size))
        return 0
    one, two = at_size(SIZE), at_size(2 * SIZE)
    ratio = two.memory / one.memory
    each = (two.memory - one.memory) / SIZE
    verdict = "pass" if ratio <= LIMIT else "FAIL"
    print(
        f"audit: twice the changes take {ratio:.2f} of the memory (limit {LIMIT}),"
        f" {each / 1000:.1f} kB for each more: {verdict}"
    )
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
