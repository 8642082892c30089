"""What opens GitHub, as it is told: a token, or an App with its private key.

Neither shows its secret: not in a message, not in a repr, not in what a debugger prints of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Token:
    """A token and where it was found ("GITHUB_TOKEN")."""

    text: str = field(repr=False)
    origin: str


@dataclass(frozen=True, slots=True)
class App:
    """A GitHub App: its id or client id, its private key (PEM), and which installation of it.

    Without the id of an installation it is found by the owner of a repository. `unused` names a
    token that was found too, "" if there was none.
    """

    id: str
    key: str = field(repr=False)
    installation: int | None = None
    unused: str = ""
