"""YAML files for people: values as plain Python, and every fault told at once and in its place.

The YAML is composed into nodes, never constructed into objects: each value keeps its line, no
tag can name a class, and anchors are expanded under a bound. A file may use anchors and
aliases for whole values; merge keys (`<<`) and tags are refused, because they make it hard to
see on the page what is in force.

What a file must hold is given as a model of `policy`'s; what pydantic finds wrong with it is told
here in words for people.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

import yaml
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from changeaudit.errors import PolicyError
from changeaudit.policy import DAY, Member, Part, Policy, Settings

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 20
MAX_PROBLEMS: Final = 200
SHOWN: Final = 80
"""The most characters of a value that a message repeats."""

_ALIKE: Final = 0.7
"""How much of two words must agree for one to be taken for the other, misspelt."""

_SCALARS: Final = yaml.constructor.SafeConstructor()
"""Reads numbers and dates as YAML 1.1 does."""

_YAML: Final = "tag:yaml.org,2002:"
_TEXT: Final = _YAML + "str"
_NOTHING: Final = _YAML + "null"
_READ_AS: Final = {
    _YAML + "int": "a number",
    _YAML + "float": "a number",
    _YAML + "timestamp": "a date",
    _NOTHING: "nothing",
}

_NUMBER: Final = r"-?(0|[1-9][0-9]*)"
"""A number that everybody reads as YAML does."""

KeyPath = tuple[str | int, ...]
Place = tuple[int, int]
"""Line and column, both counted from 0."""


def visible(text: str, limit: int = SHOWN) -> str:
    r"""`text` on one line of at most `limit` characters, with what a terminal would obey escaped.

    Control, format, private and unassigned characters, lone surrogates and separators of lines
    become escapes such as `\x1b`; what does not fit is cut and ends in `…`.
    """
    shown: list[str] = []
    length = 0
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            character = character.encode("unicode_escape").decode("ascii")
        length += len(character)
        shown.append(character)
        if length > limit:
            while length > limit - 1:
                length -= len(shown.pop())
            return "".join(shown) + "…"
    return "".join(shown)


Told = list[tuple[int | None, str]]
"""Problems: the line of each, counted from 0 (`None` for the file as a whole), and its words."""


class Unreadable(Exception):
    """A file, or its text, has a fault past which nothing can be read.

    Args:
        problem: the fault, in words that follow the file's name.
        line: where it is, counted from 0; `None` if it is the file as a whole.
    """

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


def refusal(what: str, source: str, problems: Sequence[str], hint: str) -> PolicyError:
    """The error that tells the problems of a file, the first 200 in full if there are more.

    Args:
        what: what the file should be, such as "policy".
        source: how to name the file.
        problems: the lines that `located` gives, one at least.
        hint: what to do next.
    """
    shown = tuple(problems[:MAX_PROBLEMS])
    if more := len(problems) - len(shown):
        shown += (f"{visible(source, 200)}: and {more:,} more problems after these",)
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return PolicyError(f"the {what} {visible(source, 200)} cannot be used: {count}", shown, hint)


def located(source: str, told: Told) -> list[str]:
    """Problems as lines such as `policy.yaml:3: ...`, in the order of the file."""
    ordered = sorted(told, key=lambda problem: -1 if problem[0] is None else problem[0])
    name = visible(source, 200)
    return [f"{name}{'' if line is None else f':{line + 1}'}: {said}" for line, said in ordered]


def read_bytes(path: Path, what: str) -> bytes:
    """The bytes of a file of at most 1 MiB; `what` is what it should be, such as "policy".

    Raises:
        Unreadable: it cannot be read, or is larger.
    """
    try:
        if path.is_dir():
            raise Unreadable(f"is a directory; name the {what} file itself")
        with path.open("rb") as file:
            return within_bounds(file.read(MAX_BYTES + 1), what)
    except FileNotFoundError:
        raise Unreadable("there is no such file") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Unreadable(f"cannot be read: {visible(why)}") from None


def within_bounds(data: bytes, what: str) -> bytes:
    """The same bytes.

    Raises:
        Unreadable: they are more than 1 MiB.
    """
    if len(data) > MAX_BYTES:
        raise Unreadable(f"is larger than 1 MiB; a {what} is a few pages of text")
    return data


def decoded(data: bytes) -> str:
    """Bytes of UTF-8 as text, without a byte order mark.

    Raises:
        Unreadable: they are of another encoding.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = "is not UTF-8 text; save the file as UTF-8"
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            problem = "is UTF-16 text; save the file as UTF-8"
        raise Unreadable(problem, data.count(b"\n", 0, error.start)) from None


def composed(text: str, form: Any, what: str, most: int) -> Document | None:
    """The document that a text of YAML holds, `None` if it holds none.

    Args:
        text: the text.
        form: the type that its value must have, a `Part` or something made of them.
        what: what the file should be, such as "policy".
        most: how many values it may hold.

    Raises:
        Unreadable: the text is not YAML, or more than is allowed.
    """
    try:
        loader = _Loader(text, most)
        root = loader.get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position)
        character = visible(text[error.position])
        raise Unreadable(
            f"holds the character {character}, which YAML does not allow; remove it", line
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(_syntax(error, what), mark.line if mark else None) from None
    return None if root is None else Document(root, loader.tags, form, most)


class _Loader(yaml.SafeLoader):
    """Composes nodes within bounds, and remembers which of them carry a tag of their own."""

    def __init__(self, text: str, most: int) -> None:
        super().__init__(text)
        self.tags: dict[int, str] = {}
        self._most = most
        self._values = 0
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line
        self._values += 1
        if self._values > self._most:
            raise Unreadable(f"holds more than {self._most:,} values", line)
        if self._depth >= MAX_DEPTH:
            raise Unreadable(f"is nested more than {MAX_DEPTH} levels deep", line)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        tag = getattr(event, "tag", None)
        if node is not None and tag not in (None, _TEXT):
            self.tags[id(node)] = str(tag)
        return node


_SYNTAX: Final = (
    (r"but found another document", "a second document starts here; a {what} is one document"),
    (r"character '\\t'", "a tab is used where YAML allows only spaces; indent with spaces"),
    (r"found character '(.)'", "a value cannot start with {0}; put it in quotes"),
    (
        r"expected alphabetic or numeric character, but found",
        "a value that starts with * or & must be in quotes, such as '*.md'",
    ),
    (
        r"found undefined alias '(.*)'",
        "there is no anchor named {0}; if a value starts with *, put it in quotes",
    ),
    (
        r"mapping values are not allowed here",
        "a ':' stands where no key can be; indent keys alike, and quote text that holds ': '",
    ),
    (
        r"expected ',' or '\]', but got",
        "the list in [ ] is not closed, or a value in it that holds [ ] or { } needs quotes",
    ),
    (r"expected ',' or '\}', but got", "the block in { } is not closed"),
    (r"could not find expected ':'", "expected a key followed by ':'"),
    (r"found unexpected end of stream", "a quotation is not closed"),
    (
        r"expected <block end>, but found",
        "this line does not fit the lines before it; indent what belongs together alike",
    ),
)
"""What PyYAML says, as a pattern, and what is said instead."""


def _syntax(error: yaml.MarkedYAMLError, what: str) -> str:
    """A fault of YAML's syntax in plain words; PyYAML's own where there are no better ones."""
    said = error.problem or "cannot be read"
    for pattern, words in _SYNTAX:
        if found := re.search(pattern, said, re.DOTALL):
            said = words.replace("{what}", what)
            for group in found.groups():
                said = said.replace("{0}", visible(group))
            break
    else:
        said = visible(", ".join(filter(None, (error.context, error.problem))), 2 * SHOWN)
    begun, at = error.context_mark, error.problem_mark
    if begun and at and begun.line != at.line:
        said += f" (what is being read began on line {begun.line + 1})"
    return f"not valid YAML: {said}"


@dataclass(frozen=True, slots=True)
class _Problem:
    """A fault, where it stands, and the key path; a path `None` is the file as a whole."""

    place: Place
    path: KeyPath
    message: str


class Document:
    """A composed document: its values as plain Python, and where each of them stands.

    Args:
        root: the outermost node.
        tags: the tags that the text itself puts before nodes, by the nodes' `id`.
        form: the type that the value must have, a `Part` or something made of them.
        most: how many values it may hold once its aliases are expanded.
        named: how a path is named before a problem; as in `roles.qa.users[2]: ` by default.
    """

    def __init__(
        self,
        root: yaml.Node,
        tags: dict[int, str],
        form: Any,
        most: int,
        named: Callable[[KeyPath], str] | None = None,
    ) -> None:
        self._root = root
        self._tags = tags
        self._form = form
        self._most = most
        self._named = named or _dotted
        self._problems: list[_Problem] = []
        self._unread: set[KeyPath] = set()
        self._nodes: dict[KeyPath, yaml.Node] = {}
        self._places: dict[KeyPath, Place] = {}
        self._values = 0

    def value(self) -> Any:
        """The whole value; what cannot be read becomes a problem, and empty text instead.

        Raises:
            Unreadable: its aliases expand to more than is allowed.
        """
        return self._value(self._root, (), _place(self._root), frozenset())

    def _value(self, node: yaml.Node, path: KeyPath, place: Place, within: frozenset[int]) -> Any:
        """The value of a node.

        `within` holds the nodes that are being read, by which an anchor that holds itself is
        known.
        """
        self._values += 1
        if self._values > self._most:
            raise Unreadable(
                f"holds more than {self._most:,} values once its aliases are expanded", place[0]
            )
        if len(path) > MAX_DEPTH:
            raise Unreadable(
                f"is nested more than {MAX_DEPTH} levels deep once its aliases are expanded",
                place[0],
            )
        self._nodes[path] = node
        self._places[path] = place
        if tag := self._tags.get(id(node)):
            self._unreadable(
                path,
                f"tags such as {visible(tag.replace(_YAML, '!!'))} are refused; "
                "a value that starts with ! must be in quotes",
            )
            return ""
        if id(node) in within:
            self._unreadable(path, "the anchor that is used here holds itself")
            return ""
        within |= {id(node)}
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, within)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        return [
            self._value(item, (*path, number), _place(item), within)
            for number, item in enumerate(node.value)
        ]

    def _mapping(
        self, node: yaml.MappingNode, path: KeyPath, within: frozenset[int]
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, item in node.value:
            place = _place(key)
            if not isinstance(key, yaml.ScalarNode):
                self._unreadable(path, f"a key must be a word, found {_found(key)}", place)
            elif id(key) in self._tags:
                self._unreadable(path, "a tag before a key is refused; take it out", place)
            elif key.tag == _YAML + "merge":
                self._unreadable(path, "merge keys (<<) are refused; write the keys out", place)
            elif key.value in values:
                first = self._places[*path, key.value][0]
                self._problem(
                    (*path, key.value),
                    f"the key is given twice, first on line {first + 1}; keep one",
                    place,
                )
            else:
                values[key.value] = self._value(item, (*path, key.value), place, within)
        return values

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        """A scalar as YAML 1.1 reads it; a long number or an impossible date is a problem."""
        kind = node.tag.removeprefix(_YAML)
        if kind == "null":
            return None
        if kind == "bool":
            return _SCALARS.construct_yaml_bool(node)
        readers = {
            "int": _SCALARS.construct_yaml_int,
            "float": _SCALARS.construct_yaml_float,
            "timestamp": _SCALARS.construct_yaml_timestamp,
        }
        if kind not in readers:
            return str(node.value)
        try:
            if len(node.value) <= SHOWN:
                return readers[kind](node)
        except (ValueError, OverflowError):
            pass
        wrong = f"looks like {_READ_AS[node.tag]} and is none"
        if re.fullmatch(DAY, node.value):
            wrong = "looks like a date, and there is no such day"
        self._unreadable(
            path,
            f"{visible(node.value)} {wrong}; if it is text, quote it: {_quoted(node.value)}",
        )
        return ""

    def judge(self, details: ErrorDetails) -> None:
        """Add what pydantic found, in words for people, at the place where it stands."""
        path: KeyPath = details["loc"]
        kind = details["type"]
        if kind == "extra_forbidden":
            self._problem(path, _unknown(str(path[-1]), _part_at(self._form, path[:-1])))
            return
        if path not in self._nodes and "all" in path:  # references that are written as a list
            path = tuple(key for key in path if key != "all")
        while path not in self._nodes:  # a missing key, or the login of a member that is one word
            path = path[:-1]
        if path in self._unread:
            return
        if kind == "too_short" and self._nodes[path].value:
            return  # pydantic counts only the items without fault, and those are told already
        if kind == "missing":
            self._problem(path, f"the key '{details['loc'][-1]}' is missing")
        else:
            part = _part_at(self._form, path)
            self._problem(path, _explained(details, self._nodes[path], part))

    def line(self, path: KeyPath) -> int:
        """The line, counted from 1, of the value at `path`, which must be there."""
        return self._places[path][0] + 1

    def complain(self, path: KeyPath, message: str) -> None:
        """Add a fault that somebody else found in the value at `path`, which must be there."""
        self._problem(path, message)

    def told(self) -> Told:
        """Every problem as its line, counted from 0, and its words, in the order of the file."""
        problems = sorted(self._problems, key=lambda problem: problem.place)
        return [(p.place[0], f"{self._named(p.path)}{p.message}") for p in problems]

    def _unreadable(self, path: KeyPath, message: str, place: Place | None = None) -> None:
        """A problem because of which nothing more can be said of the value at `path`."""
        self._unread.add(path)
        self._problem(path, message, place)

    def _problem(self, path: KeyPath, message: str, place: Place | None = None) -> None:
        self._problems.append(_Problem(place or self._places[path], path, message))


def _place(node: yaml.Node) -> Place:
    return node.start_mark.line, node.start_mark.column


def _dotted(path: KeyPath) -> str:
    """The path as people write it, such as `roles.peer.users[2].login`, with a colon after it."""
    parts: list[str] = []
    for key in path:
        if isinstance(key, int):
            parts.append(f"[{key}]")
        else:
            shown = visible(key, SHOWN // 2)
            plain = re.fullmatch(r"[\w-]+…?", shown)
            parts.append("." + (shown if plain else f"'{shown}'"))
    return "".join(parts).removeprefix(".") + ": " if parts else ""


def _part_at(form: Any, path: KeyPath) -> type[Part] | None:
    """The model that stands at a path of a value of `form`; `None` where there is a plain one."""
    part = _part_in(form)
    for key in path:
        if isinstance(key, int):
            continue
        fields = {} if part is None else part.model_fields
        named = {field.alias or name: field.annotation for name, field in fields.items()}
        part = _part_in(named.get(key))
    return part


def _part_in(annotation: Any) -> type[Part] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation if issubclass(annotation, Part) else None
    return next((part for part in map(_part_in, get_args(annotation)) if part), None)


def _keys(part: type[Part] | None) -> list[str]:
    fields = {} if part is None else part.model_fields
    return [field.alias or name for name, field in fields.items()]


def _unknown(key: str, part: type[Part] | None) -> str:
    if part is Settings and key in _keys(Policy):
        return "an override cannot set this, which holds for all changes alike"
    return unknown("key", key, _keys(part))


def unknown(kind: str, written: str, valid: list[str]) -> str:
    """What is said of a word that is none of the valid ones; `kind` is what they are, a noun."""
    if meant := near(written, valid):
        return f"unknown {kind}; did you mean '{meant}'?"
    return f"unknown {kind}; the {kind}s here are {', '.join(valid)}"


def near(written: str, valid: list[str]) -> str:
    """The valid word that was probably meant; "" if none is near."""
    if len(written) > SHOWN:
        return ""
    plain = written.casefold().replace("-", "_").replace(" ", "_")
    return next(iter(difflib.get_close_matches(plain, valid, 1, _ALIKE)), "")


def _found(node: yaml.Node) -> str:
    """What stands in the file, and what YAML 1.1 makes of it where that surprises."""
    if isinstance(node, yaml.SequenceNode):
        return "a list" if node.value else "an empty list"
    if isinstance(node, yaml.MappingNode):
        return "a block of keys" if node.value else "an empty block"
    if node.tag == _NOTHING and not node.value:
        return "nothing"
    read_as = _read_as(node)
    if read_as:
        return f"{visible(node.value)}, which YAML reads as {read_as}"
    return f"'{visible(node.value)}'"


def _commented(node: yaml.Node) -> str:
    """That YAML took the rest of the line as a comment, where it may have been meant as text."""
    end = node.end_mark
    if not isinstance(node, yaml.ScalarNode) or node.style or end is None or end.buffer is None:
        return ""
    rest = re.match(r"[ \t]+(#[^\s#]+)", end.buffer[end.pointer : end.pointer + 2 * SHOWN])
    if not rest:
        return ""
    return f"; YAML took {visible(rest[1])} for a comment, because of the blank before it"


def _read_as(node: yaml.Node) -> str:
    """What YAML made of a value that is not text; "" for text."""
    if node.tag == _YAML + "bool":
        return "true" if yaml.SafeLoader.bool_values[node.value.lower()] else "false"
    return _READ_AS.get(node.tag, "")


def _quoted(value: str) -> str:
    """The value as it would stand in quotes; `'…'` where it is too long or odd to be repeated."""
    return "'" + value.replace("'", "''") + "'" if visible(value, SHOWN // 2) == value else "'…'"


def _explained(details: ErrorDetails, node: yaml.Node, part: type[Part] | None) -> str:
    """What is wrong with the value in `node`, from pydantic's type of error.

    `part` is the model that is wanted there, or that the wanted list holds.
    """
    kind, given = details["type"], details.get("ctx", {})
    found = _found(node)
    if kind in ("greater_than_equal", "less_than_equal") and re.fullmatch(_NUMBER, node.value):
        found = visible(node.value)
    wanted = _WANTED.get(kind, "").format_map(given)
    if kind == "value_error":
        said = str(given["error"])
        if not said.startswith(("expected", "there is no")):
            return said
        return f"{said}, found {found}{_commented(node)}"
    if kind == "model_type":
        keys = ", ".join(_keys(part))
        wanted = f"a login, or the keys {keys}" if part is Member else f"the keys {keys}"
    said = f"expected {wanted}, found {found}" if wanted else f"{details['msg']}, found {found}"
    if not isinstance(node, yaml.ScalarNode):
        return said
    text_is_wanted = kind == "string_type" or (kind == "model_type" and part is Member)
    if node.tag == _NOTHING and not node.value:
        quotes = " (in quotes if it starts with #)" if text_is_wanted else ""
        return f"{said}; give a value{quotes} or take the line out"
    if kind == "tuple_type" and part in (None, Member):
        return f"{said}; write it as [{_quoted(node.value)}]"
    if kind in ("int_type", "bool_type") and node.style in ("'", '"'):
        return f"{said} in quotes; take the quotes off"
    if text_is_wanted and _read_as(node):
        return f"{said}; quote it: {_quoted(node.value)}"
    if kind == "literal_error" and (meant := near(node.value, re.findall("'(.*?)'", wanted))):
        return f"{said}; did you mean '{meant}'?"
    return said


_WANTED: Final = {
    "int_type": "a whole number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "date_type": "a day such as 2025-01-31",
    "literal_error": "one of {expected}",
    "too_short": "a list that is not empty",
    "string_too_short": "text of at least {min_length} characters",
    "string_too_long": "text of at most {max_length} characters",
    "greater_than_equal": "a number of at least {ge}",
    "less_than_equal": "a number of at most {le}",
}
"""What was wanted, by pydantic's type of error; any other is told in pydantic's own words."""
