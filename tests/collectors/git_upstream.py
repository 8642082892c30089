"""A git repository of commits that are written byte for byte."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

GIT = shutil.which("git") or ""
WHO = b"Dana <dana@acme.test> 1767225600 +0100"
BARE = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


class Upstream:
    """A repository, and clones of it beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**BARE, "HOME": str(folder.parent), "GIT_CONFIG_NOSYSTEM": "1"}
        self.run("init", "--quiet", "--initial-branch=main", str(folder), at=folder.parent)
        self.tree = self.run("mktree", said=b"").strip()

    def run(self, *args: str, said: bytes = b"", at: Path | None = None) -> bytes:
        return subprocess.run(
            [GIT, "-C", str(at or self.folder), *args],
            input=said,
            env=self.environment,
            check=True,
            capture_output=True,
        ).stdout

    def commit(
        self,
        *parents: str,
        message: bytes = b"Work\n",
        author: bytes = WHO,
        more: bytes = b"",
        branch: str = "main",
    ) -> str:
        lines = [b"tree " + self.tree, *(b"parent " + p.encode() for p in parents)]
        lines += [b"author " + author, b"committer " + WHO]
        content = b"\n".join(lines) + b"\n" + more + b"\n" + message
        args = ("hash-object", "-t", "commit", "-w", "--stdin", "--literally")
        oid = self.run(*args, said=content).decode().strip()
        self.run("update-ref", f"refs/heads/{branch}", oid)
        return oid

    def line(self, size: int) -> list[str]:
        """Commits on top of each other, the newest first."""
        found: list[str] = []
        for number in range(size):
            found.insert(0, self.commit(*found[:1], message=b"Work %d" % number))
        return found

    def clone(self, *args: str) -> Path:
        to = self.folder.parent / f"clone{len(list(self.folder.parent.iterdir()))}"
        self.run("clone", "--quiet", *args, self.folder.as_uri(), str(to), at=self.folder.parent)
        return to
