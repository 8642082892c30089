"""Pages of a list, which a server may say to go on for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from changeaudit.errors import CollectError

IDLE_PAGES = 10
"""So many pages in a row that hold nothing new are taken for pages that never end."""


class Pages:
    """Notices pages that never end: a token that leads back, or page after page of nothing new.

    Args:
        site: whose pages they are, for messages.
        about: of what they are ("changelogs").
    """

    def __init__(self, site: str, about: str) -> None:
        self._site = site
        self._about = about
        self._tokens: set[str] = set()
        self._seen: set[bytes] = set()
        self._idle = 0

    def turned(self, token: str | None, held: Iterable[bytes]) -> None:
        """A page that held these things says that there is more, at `token` if it names one.

        Raises:
            CollectError: it leads nowhere.
        """
        new = {hashlib.sha256(each).digest() for each in held} - self._seen
        self._idle = 0 if new else self._idle + 1
        if token in self._tokens or self._idle == IDLE_PAGES:
            raise CollectError(
                f"The Jira at {self._site} says that there is more of {self._about}, but not where"
                " it goes on.",
                "Run the same command again; if it stays so, please report it.",
            )
        self._seen |= new
        if token:
            self._tokens.add(token)
