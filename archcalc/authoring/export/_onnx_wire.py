"""Protocol buffers' wire format, written: fields of a message, and the attributes of an operator."""

import struct
from typing import Any


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(at: int, data: bytes) -> bytes:
    return varint(at << 3 | 2) + varint(len(data)) + data


def number(at: int, value: int) -> bytes:
    return varint(at << 3) + varint(value)


def text(value: str) -> bytes:
    return value.encode()


def attribute(name: str, value: Any) -> bytes:
    """Name, value and the number of its kind."""
    head = field(1, text(name))
    if isinstance(value, float):
        return head + varint(2 << 3 | 5) + struct.pack("<f", value) + number(20, 1)
    if isinstance(value, int):
        return head + number(3, value) + number(20, 2)
    if isinstance(value, str):
        return head + field(4, text(value)) + number(20, 3)
    return head + b"".join(number(8, one) for one in value) + number(20, 7)
