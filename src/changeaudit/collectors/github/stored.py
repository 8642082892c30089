"""Opens stored answers: their data and their errors, in the shapes of `wire`."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from changeaudit.collectors.github import wire
from changeaudit.collectors.shapes import decoded
from changeaudit.errors import StoreError
from changeaudit.store import StoredAnswer

T = TypeVar("T")


class Body(wire.Wire, frozen=True):
    """The body of an answer, its data left as it came."""

    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: tuple[wire.GraphQLError, ...] = ()


def opened(answer: StoredAnswer) -> Body:
    """The body of a stored answer.

    Raises:
        StoreError: it is no answer of GitHub's.
    """
    return shaped(msgspec.Raw(wire.sound(answer.answer.body)), Body, answer)


def shaped(raw: msgspec.Raw, shape: type[T], answer: StoredAnswer) -> T:
    """A part of a stored answer in its shape.

    Raises:
        StoreError: it does not have that shape. The message names the answer and the field.
    """
    try:
        return decoded(raw, shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(
            f"Stored answer {answer.id} ({answer.answer.kind} of {answer.answer.subject}) cannot"
            f" be read: {error}.",
            "This may be an API version that changeaudit does not know; please report it.",
        ) from None
