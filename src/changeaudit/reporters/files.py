"""Files that are whole or not there."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` once it is written; until then `path` is untouched.

    Raises OSError as the file system does, but naming `path`; the unfinished file is removed.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        # "x" refuses to follow a link that somebody else put there.
        with unfinished.open("xb") as stream:
            yield stream
        unfinished.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        # Once it has taken its place, there is nothing left to remove.
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
