"""Protocol buffers' wire format, as far as a description of a network needs it: fields by number, nothing decoded in advance.

Our own and not a library's.  The bytes are untrusted and may be gigabytes of weights: a generated parser copies all of them
into memory (twice, with the string it is given) before the first question can be asked, and reads a tensor of five million
dimensions or a million empty nodes without blinking.  Here a field is a pair of offsets into the mapped file, weights
are stepped over and never paged in, nesting is what the caller descends to, and every field counts against a budget.
The format is 60 lines: https://protobuf.dev/programming-guides/encoding.
"""

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from archcalc.records import NamedTuple

if TYPE_CHECKING:
    from archcalc.interop import Data

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_FIELDS = 2_000_000  # some two seconds of reading


class Malformed(ValueError):
    """Bytes that are no message; says where, in words for a message."""


class Exceeded(ValueError):
    """More fields than the budget has."""


class Field(NamedTuple):
    """A field of a message: its number, its wire type, its value or where its bytes are.

    `value` of a varint is unsigned, of fixed 32 and 64 bits their offset.
    """

    number: int
    wire: int
    value: int
    end: int = 0


class Message:
    """Bytes `start` to `end` of a file as a message; what is read from it counts against the file's budget."""

    __slots__ = ("budget", "data", "end", "start")

    def __init__(self, data: "Data", start: int = 0, end: int | None = None, budget: list[int] | None = None) -> None:
        self.data, self.start, self.end = data, start, len(data) if end is None else end
        self.budget = [MAX_FIELDS] if budget is None else budget

    def fields(self) -> Iterator[Field]:
        """The fields in their order."""
        data, at, end, budget, new = self.data, self.start, self.end, self.budget, tuple.__new__
        while at < end:
            budget[0] -= 1
            if budget[0] < 0:
                raise Exceeded
            key = data[at]
            at += 1
            if key > 0x7F:
                key, at = _varint(data, at - 1, end)
            number, wire = key >> 3, key & 7
            if wire == BYTES:
                if at < end and data[at] < 0x80:
                    length = data[at]
                    at += 1
                else:
                    length, at = _varint(data, at, end)
                stop = at + length
                if stop > end:
                    raise Malformed(f"a field at byte {at:,} is longer than what holds it")
                yield new(Field, (number, wire, at, stop))  # half the time of Field(...)
                at = stop
            elif wire == VARINT:
                value, at = _varint(data, at, end)
                yield new(Field, (number, wire, value, 0))
            elif wire in (FIXED32, FIXED64):
                size = 4 if wire == FIXED32 else 8
                if at + size > end:
                    raise Malformed(f"a number at byte {at:,} is cut short")
                yield new(Field, (number, wire, at, 0))
                at += size
            else:
                raise Malformed(f"a field at byte {at - 1:,} is of no known kind")

    def inner(self, field: Field) -> "Message":
        """The message that a field holds."""
        self.expect(field, BYTES)
        return Message(self.data, field.value, field.end, self.budget)

    def text(self, field: Field, limit: int = 4096) -> str:
        """A text, at most so many bytes of it."""
        self.expect(field, BYTES)
        return self.data[field.value : min(field.end, field.value + limit)].decode("utf-8", "replace")

    def number(self, field: Field) -> int:
        """A signed 64-bit integer."""
        self.expect(field, VARINT)
        return signed(field.value)

    def float32(self, field: Field) -> float:
        self.expect(field, FIXED32)
        return float(struct.unpack_from("<f", self.data, field.value)[0])

    def numbers(self, field: Field, limit: int) -> list[int]:
        """Signed integers of a repeated field, packed or one; Exceeded where a packed field has more than `limit`."""
        if field.wire == VARINT:
            return [signed(field.value)]
        self.expect(field, BYTES)
        at = field.value
        found: list[int] = []
        while at < field.end:
            if len(found) == limit:
                raise Exceeded
            value, at = _varint(self.data, at, field.end)
            found.append(signed(value))
        return found

    def floats(self, field: Field, limit: int) -> list[float]:
        """32-bit floats of a repeated field, packed or one."""
        if field.wire == FIXED32:
            return [self.float32(field)]
        self.expect(field, BYTES)
        count, rest = divmod(field.end - field.value, 4)
        if rest:
            raise Malformed(f"a list of floats at byte {field.value:,} is cut short")
        if count > limit:
            raise Exceeded
        return list(struct.unpack_from(f"<{count}f", self.data, field.value))

    @staticmethod
    def expect(field: Field, wire: int) -> None:
        if field.wire != wire:
            raise Malformed(f"field {field.number} is of another kind than the format has")


def signed(value: int) -> int:
    """A varint as the 64-bit two's complement it stands for."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def _varint(data: "Data", at: int, end: int) -> tuple[int, int]:
    """A number of at most ten bytes, and where it ends."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise Malformed(f"a number at byte {at:,} is cut short or too long")
