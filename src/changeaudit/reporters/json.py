"""Reports as JSON: everything that the other forms show, for programs to read.

A report is written field by field, and a list of it thing by thing: an audit of ten thousand
changes is a document of a hundred megabytes.

The shapes are published in `docs/*.schema.json`, which `audit_schema` and the like make.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TextIO

import msgspec

from changeaudit.comparison import SCHEMA as COMPARISON
from changeaudit.comparison import Comparison
from changeaudit.design import SCHEMA as DESIGN
from changeaudit.design import Design
from changeaudit.explanation import SCHEMA as EXPLANATION
from changeaudit.explanation import Explanation
from changeaudit.readiness import SCHEMA as READINESS
from changeaudit.readiness import Readiness
from changeaudit.reporters.text import UNSEEN, encodable
from changeaudit.verdicts import SCHEMA as AUDIT
from changeaudit.verdicts import Audit

# The line breaks of the layout are the only controls outside strings.
_UNSEEN = re.compile(rf"(?!\n)[{UNSEEN}]")


def write(report: msgspec.Struct, stream: TextIO) -> None:
    r"""Write `report` as one JSON document, indented by two, the same bytes for the same report.

    `stream` must be able to carry Unicode. Lone surrogates, which no encoding carries, are
    written as visible escapes (`\ud83d`); controls and unseen characters as JSON's own escapes,
    so that the document is safe to print and reads back unchanged.
    """
    before = "{"
    for field in msgspec.structs.fields(report):
        stream.write(f'{before}\n  "{field.encode_name}": ')
        value = getattr(report, field.name)
        if isinstance(value, Sequence) and not isinstance(value, str) and value:
            for place, each in enumerate(value):
                stream.write(f"{',' if place else '['}\n    {_formatted(each, 4)}")
            stream.write("\n  ]")
        else:
            stream.write(_formatted(value, 2))
        before = ","
    stream.write("\n}\n")


def _formatted(value: Any, depth: int) -> str:
    """A value as JSON whose lines stand `depth` blanks in, but for the first."""
    try:
        encoded = msgspec.json.encode(value)
    except UnicodeEncodeError:
        encoded = msgspec.json.encode(_encodable(msgspec.to_builtins(value)))
    text = msgspec.json.format(encoded, indent=2).decode("utf-8")
    # No string of JSON holds a line break.
    return _UNSEEN.sub(_escape, text).replace("\n", "\n" + " " * depth)


def audit_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of an audit as `write` writes it."""
    return _schema(Audit, AUDIT, "An audit of changes by changeaudit.")


def explanation_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of an explanation as `write` writes it."""
    return _schema(Explanation, EXPLANATION, "One change explained by changeaudit.")


def comparison_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a comparison of policies as `write` writes it."""
    said = "What a change of policy changes in an audit by changeaudit."
    return _schema(Comparison, COMPARISON, said)


def design_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the design of the controls as `write` writes it."""
    return _schema(Design, DESIGN, "What guards production branches, by changeaudit.")


def readiness_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the checks of `changeaudit doctor` as `write` writes them."""
    return _schema(Readiness, READINESS, "Whether an audit by changeaudit could run.")


def collection_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of what `changeaudit collect` tells, as `write` writes it."""
    # Its table is laid out with Rich, which no other report as JSON waits for.
    from changeaudit.reporters.collected import SCHEMA, Collection

    return _schema(Collection, SCHEMA, "What changeaudit collected of a period.")


def _schema(shape: type[msgspec.Struct], name: str, said: str) -> dict[str, Any]:
    schema = msgspec.json.schema(shape)
    definitions = schema["$defs"]
    definitions[shape.__name__]["properties"]["schema"] = {"const": name}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        "description": (
            f"{said} Instants are in UTC. Fields may be added within"
            f" {name}; none is removed or given another meaning."
        ),
        "$ref": schema["$ref"],
        "$defs": definitions,
    }


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, dict):
        return {key: _encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    return value


def _escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
