"""Reading a roster: who held which role from when to when, as the company's own records say.

A roster is YAML, a list of people, or CSV with a header, as spreadsheets and HR systems export it:
separated by commas, semicolons or tabs, with or without a byte order mark. CSV is read as the YAML
that says the same, so that both are held to the same form and their faults told in the same way.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError

from changeaudit.errors import PolicyError
from changeaudit.policy import Member, OneOrMore, RoleName, Text
from changeaudit.yaml_document import (
    Document,
    KeyPath,
    Told,
    Unreadable,
    composed,
    decoded,
    located,
    read_bytes,
    refusal,
    unknown,
    visible,
    within_bounds,
)

MAX_VALUES: Final = 100_000
"""How many values a roster may hold; some fifteen thousand people."""

COLUMNS: Final = ("role", "login", "from", "to", "name", "email", "jira")

HINT: Final = (
    "a roster lists people: role (peer, security, qa, lead, or developer for none of these) and "
    "login, and, where known, from, to, name, email and jira"
)

_ADDRESS: Final = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
_BETWEEN: Final = re.compile(r"[\s,;]+")


def _role(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _addresses(value: Any) -> Any:
    """Addresses in lower case, out of a list or out of one text with several."""
    if isinstance(value, str):
        value = [part for part in _BETWEEN.split(value) if part] or [value]
    if not isinstance(value, list):
        return value
    return tuple(part.lower() if isinstance(part, str) else part for part in value)


def _address(value: Any) -> Any:
    if isinstance(value, str) and not _ADDRESS.fullmatch(value):
        raise ValueError("expected an e-mail address such as octocat@acme.com")
    return value


def _one_word(value: str) -> str:
    if not value or any(char.isspace() for char in value):
        raise ValueError("expected an account id or a user name of Jira, without blanks")
    return value


Address = Annotated[str, BeforeValidator(_address)]


class Person(Member):
    """A person in a role, with the days on which it began and ended, a name and addresses."""

    role: Annotated[Literal["peer", "security", "qa", "lead", "developer"], BeforeValidator(_role)]
    """The role; a developer approves nothing and is listed for the addresses."""
    name: Text | None = None
    """The person's name, for those who read the roster."""
    email: Annotated[tuple[Address, ...], BeforeValidator(_addresses)] = ()
    """The addresses that the person's commits, and account on Jira, bear."""
    jira: Annotated[str, Field(max_length=200), AfterValidator(_one_word)] | None = None
    """The person's account on Jira: its account id on Cloud, its user name on Data Center."""


_PEOPLE: Final = OneOrMore[Person]
_FORM: Final = TypeAdapter[tuple[Person, ...]](_PEOPLE)


@dataclass(frozen=True, slots=True)
class Roster:
    """The people of a roster, how to name where they came from, and the SHA-256 of its bytes."""

    people: tuple[Person, ...]
    source: str
    digest: str

    def members(self) -> Mapping[RoleName, tuple[Member, ...]]:
        """The people of each role that approves, in the roster's order."""
        found: dict[RoleName, list[Member]] = {}
        for person in self.people:
            if person.role != "developer":
                days = {"from": person.since, "to": person.until}
                member = Member.model_validate({"login": person.login, **days})
                found.setdefault(person.role, []).append(member)
        return {role: tuple(people) for role, people in found.items()}

    def emails(self) -> Mapping[str, str]:
        """The login of each address, in lower case."""
        return {address: person.login for person in self.people for address in person.email}

    def jira_accounts(self) -> Mapping[str, str]:
        """The login of each Jira account, by its id in lower case."""
        return {person.jira.casefold(): person.login for person in self.people if person.jira}


def read_roster(path: Path) -> Roster:
    """Read a roster from a file, YAML or CSV by its name, of at most 1 MiB of UTF-8.

    Raises:
        PolicyError: the file cannot be read or holds no valid roster; `problems` has every fault
            in the order of the file, each with file, line, and key or column.
    """
    source = str(path)
    try:
        if path.suffix.lower() not in (".yaml", ".yml", ".csv"):
            raise Unreadable("a roster's name ends in .yaml or .csv")
        data = read_bytes(path, "roster")
    except Unreadable as error:
        raise _invalid(source, [(error.line, error.problem)]) from None
    return load_roster(data, source)


def load_roster(data: bytes, source: str) -> Roster:
    """Read a roster from bytes, as CSV if `source` ends in .csv, else as YAML.

    Raises:
        PolicyError: they hold no valid roster; see `read_roster`.
    """
    problems: Told = []
    try:
        text = decoded(within_bounds(data, "roster"))
        if source.lower().endswith(".csv"):
            document, problems = _table(text)
        else:
            document = composed(text, _PEOPLE, "roster", MAX_VALUES)
        if document is None:
            if problems:
                raise _invalid(source, problems)
            raise Unreadable("is empty; a roster is a list of people")
        value = document.value()
    except Unreadable as error:
        raise _invalid(source, [(error.line, error.problem)]) from None
    people: tuple[Person, ...] = ()
    try:
        people = _FORM.validate_python(value)
    except ValidationError as error:
        for details in error.errors(include_url=False, include_input=False):
            document.judge(details)
    _one_person_each(people, document)
    problems = [*problems, *document.told()]
    if problems:
        raise _invalid(source, problems)
    return Roster(people, source, hashlib.sha256(data).hexdigest())


def _invalid(source: str, problems: Told) -> PolicyError:
    return refusal("roster", source, located(source, problems), HINT)


def _one_person_each(people: tuple[Person, ...], document: Document) -> None:
    """See that neither an address nor a Jira account is two people's."""
    owners: dict[tuple[str, str], int] = {}
    for number, person in enumerate(people):
        accounts = (person.jira,) if person.jira else ()
        for key, a, what, values in (
            ("email", "an", "address", person.email),
            ("jira", "a", "Jira account", accounts),
        ):
            for value in values:
                first = owners.setdefault((key, value.casefold()), number)
                other = people[first].login
                if other.casefold() != person.login.casefold():
                    document.complain(
                        (number, key),
                        f"{visible(value)} is also the {what} of {other} on line "
                        f"{document.line((first, key))}; {a} {what} is one person's",
                    )


# CSV ------------------------------------------------------------------------------------------

Row = tuple[int, list[str]]
"""The line on which a row begins, counted from 0, and its cells."""


def _table(text: str) -> tuple[Document | None, Told]:
    """A table as a document of YAML, and what is wrong with its header and its rows' lengths.

    There is no document where nothing can be said of any row.
    """
    rows = list(_rows(text))
    if not rows:
        raise Unreadable(f"is empty; its first line names the columns {', '.join(COLUMNS)}")
    line, header = rows[0]
    columns = [cell.lower() for cell in _trimmed(header)]
    told: Told = []
    for number, column in enumerate(columns):
        where = f"column '{visible(header[number], 40)}'"
        if column not in COLUMNS:
            told.append((line, f"{where}: {unknown('column', column, list(COLUMNS))}"))
        elif column in columns[:number]:
            told.append((line, f"{where}: the column is there twice; keep one"))
    told += [
        (line, f"the column '{column}' is missing")
        for column in ("role", "login")
        if column not in columns
    ]
    if len(rows) == 1:
        told.append((line, "names nobody: there is no row beneath the header"))
    people = []
    for line, row in rows[1:]:
        cells = [*_trimmed(row, len(columns))]
        if len(cells) == len(columns):
            people.append(_person(line, dict(zip(columns, cells, strict=True))))
        else:
            told.append(
                (
                    line,
                    f"the row has {len(cells)} cells and the header {len(columns)}; see whether "
                    "a separator is missing, or stands in a cell without quotes",
                )
            )
    if not people or not {"role", "login"} <= set(columns):
        return None, told
    root = yaml.SequenceNode("tag:yaml.org,2002:seq", people, _mark(line), _mark(line))
    return Document(root, {}, _PEOPLE, MAX_VALUES, _in_column), told


def _rows(text: str) -> Iterator[Row]:
    """The rows that hold anything, each cell without the blanks around it."""
    lines = io.StringIO(text, newline="")
    first = lines.readline()
    separator = re.fullmatch(r"sep=(.)\s*", first, re.IGNORECASE)
    if separator is None:
        lines.seek(0)
    reader = csv.reader(
        lines,
        delimiter=separator[1] if separator else _separator(first),
        skipinitialspace=True,
        strict=True,
    )
    begun = 1 if separator else 0
    line = begun
    values = 0
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            values += len(cells)
            if values > MAX_VALUES:
                raise Unreadable(f"holds more than {MAX_VALUES:,} values", line)
            if any(cells):
                yield line, cells
            line = begun + reader.line_num
    except csv.Error as error:
        raise Unreadable(f"not valid CSV: {visible(str(error))}", line) from None


def _separator(header: str) -> str:
    """What separates the columns: that which gives the most columns that there are."""

    def known(separator: str) -> int:
        cells = (cell.strip(' "\r\n').lower() for cell in header.split(separator))
        return sum(cell in COLUMNS for cell in cells)

    return max((",", ";", "\t"), key=known)


def _trimmed(cells: list[str], to: int = 0) -> list[str]:
    """The cells without empty ones at the end, which spreadsheets add; at least `to` are left."""
    end = len(cells)
    while end > to and not cells[end - 1]:
        end -= 1
    return cells[:end]


def _person(line: int, cells: Mapping[str, str]) -> yaml.MappingNode:
    """A row as a block of YAML's keys; an empty cell says nothing, but a role and a login must."""
    pairs = [
        (_text(line, number, column), _text(line, number, cell))
        for number, (column, cell) in enumerate(cells.items())
        if column in COLUMNS and (cell or column in ("role", "login"))
    ]
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, _mark(line), _mark(line))


def _text(line: int, column: int, value: str) -> yaml.ScalarNode:
    at = _mark(line, column)
    return yaml.ScalarNode("tag:yaml.org,2002:str", value, at, at)


def _mark(line: int, column: int = 0) -> yaml.Mark:
    return yaml.Mark("", 0, line, column, None, 0)


def _in_column(path: KeyPath) -> str:
    """What stands before a problem of a table: the column, where it is one column's."""
    return f"column '{path[1]}': " if len(path) > 1 else ""
