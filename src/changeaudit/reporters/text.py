r"""Text from the evidence, made fit to be shown: nothing in it runs and nothing of it is lost.

Titles, logins and branch names are written by whoever opens a pull request. What would move the
cursor, break the line, turn the reading direction or stay unseen is shown as an escape such as
`\x1b` or `\u202e`; a backslash that already reads like an escape is shown as `\x5c`, so that
an escape can be told from the same letters in the original, which `restored` gives back.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

# The surrogates that have no partner: no encoding carries them.
SURROGATES: Final = r"\ud800-\udfff"

# Controls (C0, DEL, C1), separators of lines and paragraphs, everything that directs the reading
# order, and the characters of no width (Unicode's default ignorables). Listed rather than asked
# of `unicodedata`, whose answer changes with the version of Python. The two selectors with which
# emoji are written, U+FE0E and U+FE0F, are left alone.
UNSEEN: Final = (
    r"\x00-\x1f\x7f-\x9f"
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)

_ESCAPE = r"x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}"
_HOSTILE = re.compile(rf"[{UNSEEN}{SURROGATES}]|\\(?={_ESCAPE})")
_UNPAIRED = re.compile(rf"[{SURROGATES}]|\\(?=ud[89a-f][0-9a-f]{{2}})")
_ESCAPED = re.compile(rf"\\(?:{_ESCAPE})")


def one_line(text: str, limit: int | None = None, encoding: str = "utf-8") -> str:
    """Any text as one line that is safe to print.

    Args:
        text: what the evidence holds.
        limit: the room there is, in cells of a terminal (wide characters take two); what does
            not fit is cut, and the cut is shown. Without it the whole text is kept.
        encoding: what the line will be written in; characters that it lacks become escapes too.
    """
    safe = _encodable(_HOSTILE.sub(_escape, text), encoding)
    return safe if limit is None else _fitted(safe, limit, encoding)


def encodable(text: str) -> str:
    """`text` as any Unicode encoding can carry it: lone surrogates become escapes."""
    return _UNPAIRED.sub(_escape, text)


def restored(line: str) -> str:
    """The original of a line that `one_line` made without a limit."""
    return _ESCAPED.sub(lambda match: chr(int(match[0][2:], 16)), line)


def instant(at: datetime) -> str:
    """An instant as every report shows it: UTC, to the second, as in `2026-01-15T12:00:00Z`."""
    return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def day(at: datetime) -> str:
    """The day of an instant in UTC, as in `2026-01-15`."""
    return at.astimezone(UTC).date().isoformat()


def _escape(match: re.Match[str]) -> str:
    point = ord(match[0])
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def _encodable(text: str, encoding: str) -> str:
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _fitted(text: str, limit: int, encoding: str) -> str:
    from rich.cells import cell_len, set_cell_size

    # Characters that combine take no cell, and any number of them can be piled on one letter.
    most = 4 * limit
    if len(text) <= most and cell_len(text) <= limit:
        return text
    mark = "…" if _encodable("…", encoding) == "…" else "..."
    room = limit - len(mark)
    if room < 0:
        return mark[:limit]
    return set_cell_size(text[:most], room).rstrip() + mark
