"""Markdown as GitHub shows it: what a reader sees, under which heading, and which boxes are ticked.

HTML comments are never seen. Code is seen, but it is kept apart: a box, a heading or a ticket
inside a code block is an example of one.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

LIMIT = 262_144
"""Characters of a text that are read. GitHub accepts a quarter of it; the rest is not parsed."""

BOX = re.compile(r"\[([ xX])\][ \t\r\n]+(?=\S)")
HTML_COMMENT = re.compile(r"<!--(?:-?>|.*?(?:-->|\Z))", re.DOTALL)
UNSEEN_HTML = re.compile(
    r"\s*<(?:(?:script|style|pre|textarea)\b|\?|![a-z\[])", re.IGNORECASE
)  # nothing that a page shows as words


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a text, and how it reads; see `plain`."""

    text: str
    plain: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading, its level, 1 to 6, and how it reads."""

    text: str
    level: int
    plain: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "plain", plain(self.text))


@dataclass(frozen=True, slots=True)
class Words:
    """A stretch of text: a paragraph, a list item, a table, or with `code` a block of code.

    `plain` is how the whole of it reads, `lines` how each of its lines does.
    """

    text: str
    code: bool = False
    plain: str = field(init=False, repr=False, compare=False)
    lines: tuple[Line, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "plain", plain(self.text))
        lines = tuple(Line(line, plain(line)) for line in self.text.splitlines())
        object.__setattr__(self, "lines", lines)


@dataclass(frozen=True, slots=True)
class Task:
    """A box in a list, its words, how they read, and as `note` what else its list item says."""

    text: str
    ticked: bool
    note: str = ""
    plain: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "plain", plain(self.text))


Block = Heading | Words | Task


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with everything down to the next heading of its level or above.

    `tasks` are the boxes of the section, those under its sub-headings among them.
    """

    heading: Heading
    blocks: tuple[Block, ...]
    tasks: tuple[Task, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tasks = tuple([block for block in self.blocks if isinstance(block, Task)])
        object.__setattr__(self, "tasks", tasks)


@dataclass(frozen=True, slots=True)
class Document:
    """A text in the order of its blocks. `cut` says that it is longer than `LIMIT`."""

    blocks: tuple[Block, ...]
    cut: bool
    _sections: dict[str, list[Section]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[str, list[Section]] = {}
        for number, block in enumerate(self.blocks):
            if isinstance(block, Heading):
                section = Section(block, self._until(number + 1, block.level))
                found.setdefault(block.plain, []).append(section)
        object.__setattr__(self, "_sections", found)

    @property
    def headings(self) -> tuple[Heading, ...]:
        """Every heading, in order."""
        return tuple(block for block in self.blocks if isinstance(block, Heading))

    def sections(self, heading: str) -> Sequence[Section]:
        """The sections under headings that read like `heading`; see `plain`."""
        return self.under(plain(heading))

    def under(self, words: str) -> Sequence[Section]:
        """The sections under headings that read like this, which is made `plain` already."""
        return self._sections.get(words, ())

    def _until(self, start: int, level: int) -> tuple[Block, ...]:
        # A block lies in at most six sections, one of each level.
        for end in range(start, len(self.blocks)):
            block = self.blocks[end]
            if isinstance(block, Heading) and block.level <= level:
                return self.blocks[start:end]
        return self.blocks[start:]


@lru_cache(maxsize=8)  # the rules of a step read the same description one after the other
def parse(text: str) -> Document:
    """Read the first `LIMIT` characters of a Markdown text, in time linear in their number."""
    return Document(tuple(_blocks(_parser().parse(text[:LIMIT]))), len(text) > LIMIT)


def visible_text(text: str) -> str:
    """What a reader sees of a Markdown text, without its code blocks; at most `LIMIT` of it."""
    return visible(parse(text))


def visible(document: Document) -> str:
    """What a reader sees of a document, without its code blocks."""
    lines: list[str] = []
    for block in document.blocks:
        if isinstance(block, Task):
            lines += [block.text, block.note]
        elif isinstance(block, Heading) or not block.code:
            lines.append(block.text)
    return "\n".join(line for line in lines if line)


SHORT = 200
"""Up to so many characters a text is worth remembering: it may well come again."""
LINK = re.compile(r"(!?)\[([^\[\]]{0,1000})\]\([^()\s]{0,2000}(?:\s[^()]{0,1000})?\)")
TAG = re.compile(r"</?[A-Za-z][^<>]{0,2000}>")
MARKS = re.compile(r"[*_~`\ufe0f\u20e3]+")
BLANK_LETTERS = "\u115f\u1160\u3164\uffa0"
"""Letters to Unicode, the fillers of Hangul, of which a reader sees nothing."""
EMOJI_CODE = re.compile(r":[a-z0-9_+-]{1,50}:")
MARKED = re.compile(rf"[^ -~\t\r\n]|[<&\[*_~`^]|{EMOJI_CODE.pattern}")
"""What `plain` does more to than case, spaces and edges."""
EDGES = " :.;,!-–—#"


def plain(text: str) -> str:
    """Text as it is compared: without case, emphasis, links' targets, tags, emoji and edges.

    An image counts as the word "image", so that a screenshot is something rather than nothing.
    """
    return _plain_short(text) if len(text) <= SHORT else _plain(text)


@lru_cache(maxsize=4096)  # the items of a template and its headings come again in every change
def _plain_short(text: str) -> str:
    return _plain(text)


def _plain(text: str) -> str:
    if not MARKED.search(text):
        return " ".join(text.casefold().split()).strip(EDGES)
    text = re.sub(r"<img\b[^<>]{0,2000}>", " image ", text, flags=re.IGNORECASE)
    text = LINK.sub(lambda link: f" image {link[2]} " if link[1] else link[2], text)
    text = html.unescape(TAG.sub(" ", EMOJI_CODE.sub(" ", text)))
    text = MARKS.sub("", unicodedata.normalize("NFKC", text))
    kept = "".join(map(_kept, text)).casefold()
    return " ".join(kept.split()).strip(EDGES)


@lru_cache(maxsize=1024)  # a text has few characters, many times
def _kept(character: str) -> str:
    """A character, a space for a symbol, or nothing for what is not seen at all."""
    if character.isspace():
        return " "
    if character in BLANK_LETTERS:
        return ""
    kind = unicodedata.category(character)
    return " " if kind in ("So", "Sk") else "" if kind in ("Cf", "Cc") else character


def has_words(text: str) -> bool:
    """Whether a text holds a letter or a digit, of any script."""
    return any(map(str.isalnum, text))


def begins_with(text: str, start: str) -> bool:
    """Whether `text` is `start`, or goes on after it with another word; both made `plain`."""
    if not text.startswith(start):
        return False
    return len(text) == len(start) or not text[len(start)].isalnum()


def seen(text: str) -> str:
    """A paragraph without its HTML comments; in a code span, or never closed, it is none."""
    shown: list[str] = []
    at = 0
    runs = _code_runs(text)
    for mark in re.finditer(r"`+|<!--", text):
        if mark.start() < at:
            continue
        if mark[0] == "<!--":
            end = text.find("-->", mark.start() + 2)
            if end < 0:
                break
            shown.append(text[at : mark.start()])
            at = end + 3
        else:
            end = runs.get(mark.start(), mark.end())
            shown.append(text[at:end])
            at = end
    return "".join(shown) + text[at:]


def _code_runs(text: str) -> dict[int, int]:
    """Where the code span that each run of backticks opens ends, if it ends."""
    ends: dict[int, int] = {}
    nearest: dict[int, int] = {}
    for run in reversed(list(re.finditer(r"`+", text))):
        length = run.end() - run.start()
        if length in nearest:
            ends[run.start()] = nearest[length]
        nearest[length] = run.end()
    return ends


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    """A parser of blocks alone: what stands inside a line is read here, in linear time."""
    parser = MarkdownIt("commonmark", {"maxNesting": 100})
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


class _Item:
    """A list item while it is read. Its first block may be a box; the rest is the box's note."""

    def __init__(self, level: int) -> None:
        self.level = level
        self.blocks: list[Block] = []

    def closed(self) -> list[Block]:
        """What the item comes to."""
        if not self.blocks or not isinstance(task := self.blocks[0], Task):
            return self.blocks
        notes = [block.text for block in self.blocks if isinstance(block, Words)]
        others = [block for block in self.blocks[1:] if not isinstance(block, Words)]
        return [Task(task.text, task.ticked, "\n".join(notes)), *others]


def _blocks(tokens: Sequence[Token]) -> list[Block]:
    document: list[Block] = []
    items: list[_Item] = []
    level = 0
    for token in tokens:
        here = items[-1].blocks if items else document
        match token.type:
            case "heading_open":
                level = int(token.tag[1])
            case "heading_close":
                level = 0
            case "list_item_open":
                items.append(_Item(token.level))
            case "list_item_close":
                item = items.pop()
                (items[-1].blocks if items else document).extend(item.closed())
            case "inline" if level:
                here.append(Heading(seen(token.content).strip(), level))
            case "inline":
                first = items and not here and token.level == items[-1].level + 2
                box = BOX.match(token.content) if first else None
                rest = seen(token.content[box.end() :] if box else token.content).strip()
                here.append(Task(rest, box[1] != " ") if box else Words(rest))
            case "fence" | "code_block":
                here.append(Words(token.content, code=True))
            case "html_block" if not UNSEEN_HTML.match(token.content):
                here.append(Words(HTML_COMMENT.sub(" ", token.content).strip()))
    return document
