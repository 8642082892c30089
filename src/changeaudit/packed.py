"""Many things of a kind in little memory: each is packed by itself, and unpacked when asked for.

An audit looks at one change at a time, but at every change again for each report. Unpacked, the
pull requests and verdicts of a hundred thousand changes do not fit into a machine; they are alike,
so that what tells one from another does.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import Generic, TypeVar, overload

import msgspec

T = TypeVar("T", bound=msgspec.Struct)

_EXAMPLES = 8
"""How many things, the first, make up the dictionary: texts that the others repeat."""
_WINDOW = 32_768
"""Bytes that a dictionary of zlib may have."""
_LEVEL = 3
"""A higher level takes twice as long, and saves next to nothing."""


class Packed(Sequence[T], Generic[T]):
    """An immutable sequence of structs of one type, equal to those that it was made of.

    Whoever asks for the same place twice gets two objects, and neither is kept.
    """

    def __init__(
        self,
        shape: type[T],
        things: Iterable[T],
        key: Callable[[T], tuple[object, ...]] = lambda thing: (),
    ) -> None:
        """Pack `things`, one after another as they come.

        Args:
            shape: their type.
            things: may be a stream; none of them is kept.
            key: by what to sort them; where it is the same they keep their order.
        """
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(shape)
        stream = iter(things)
        first = list(islice(stream, _EXAMPLES))
        encoded = (self._encoded(thing) for thing in first)
        self._dictionary = b"".join(each for each in encoded if each is not None)[-_WINDOW:]
        packed = [(key(each), self._pack(each)) for each in chain(first, stream)]
        packed.sort(key=itemgetter(0))
        self._rows = [row for _, row in packed]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[T, ...]: ...
    def __getitem__(self, place: int | slice) -> T | tuple[T, ...]:
        """The thing at a place, or those of a slice."""
        if isinstance(place, slice):
            return tuple(map(self._unpack, self._rows[place]))
        return self._unpack(self._rows[place])

    def __iter__(self) -> Iterator[T]:
        """One after another; no two are unpacked at a time."""
        return map(self._unpack, self._rows)

    def _encoded(self, thing: T) -> bytes | None:
        """A thing as MessagePack, or `None`: it carries no lone surrogate and no huge number."""
        try:
            return self._encoder.encode(thing)
        except (UnicodeEncodeError, OverflowError):
            return None

    def _pack(self, thing: T) -> bytes | T:
        encoded = self._encoded(thing)
        if encoded is None:
            return thing
        packer = zlib.compressobj(level=_LEVEL, zdict=self._dictionary)
        return packer.compress(encoded) + packer.flush()

    def _unpack(self, row: bytes | T) -> T:
        if not isinstance(row, bytes):
            return row
        return self._decoder.decode(zlib.decompressobj(zdict=self._dictionary).decompress(row))
