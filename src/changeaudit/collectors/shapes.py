"""Answers in their shapes, which several threads may decode at once.

msgspec finds out what a shape is made of when it meets it first, and another thread that meets the
same shape meanwhile takes it half known: that ends the process (a segmentation fault, seen with
msgspec 0.22). So each is made known once, by one thread, before any answer is held against it.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_learning = threading.Lock()
_decoders: dict[object, msgspec.json.Decoder[Any]] = {}


def decoded(raw: bytes | str | msgspec.Raw, shape: type[T]) -> T:
    """What JSON holds, in its shape.

    Raises:
        msgspec.DecodeError: it is no JSON.
        msgspec.ValidationError: it has another shape.
    """
    decoder = _decoders.get(shape)
    if decoder is None:
        with _learning:
            decoder = _decoders.setdefault(shape, msgspec.json.Decoder(shape))
    found: T = decoder.decode(raw)
    return found
