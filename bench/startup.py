"""How long `changeaudit --version` takes, against Python importing typer and nothing else.

Typer is the floor: no command line built on it can start sooner. The two are timed in turn, in
one run, so that a busy machine slows both; the median of the pairs' ratios is what counts.
Prints it and exits with 1 when it is over the limit.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

LIMIT = 2.0
PAIRS = 30


def seconds(command: list[str]) -> float:
    """How long `command` takes, in seconds of the wall clock. Fails if the command does."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> int:
    """Measures, prints, and returns the exit code."""
    installed = shutil.which("changeaudit", path=str(Path(sys.executable).parent))
    if installed is None:
        print("startup: changeaudit is not installed beside this Python; run `make test` once")
        return 1
    ours = [installed, "--version"]
    floor = [sys.executable, "-c", "import typer"]
    for command in (ours, floor):  # the first run of each compiles and fills the disk's cache
        seconds(command)
    pairs = []
    for turn in range(PAIRS):
        # The order alternates, so that neither always runs on what the other left behind.
        if turn % 2:
            base = seconds(floor)
            pairs.append((seconds(ours), base))
        else:
            pairs.append((seconds(ours), seconds(floor)))
    ratio = statistics.median(a / b for a, b in pairs)
    mine, its = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
    verdict = "pass" if ratio <= LIMIT else "FAIL"
    print(
        f"startup: changeaudit --version {mine:.0f} ms, import typer {its:.0f} ms, "
        f"ratio {ratio:.2f} (limit {LIMIT:.1f}, median of {PAIRS} pairs): {verdict}"
    )
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
