"""Read Go's literals: quoted text, characters and numbers. Mistakes are `ValueError`s."""

from __future__ import annotations

import math
import re

_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|[0-7]{3}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_BYTE = re.compile(r"'(\\(?:x[0-9a-fA-F]{2}|[0-7]{3}))'")
_SIMPLE = dict(zip("abfnrtv\\", "\a\b\f\n\r\t\v\\", strict=True))
_OLD_OCTAL = re.compile(r"[+-]?0[0-7_]+")


def quoted(text: str) -> str:
    """The value of `"…"` or `'…'`. Bytes that are not UTF-8 become lone surrogates."""
    quote, inside = text[0], text[1:-1]
    value = bytearray()
    end = 0
    for found in _ESCAPE.finditer(inside):
        value += to_bytes(inside[end : found.start()]) + _escaped(found[0], quote)
        end = found.end()
    return from_bytes(bytes(value + to_bytes(inside[end:])))


def character(text: str) -> int:
    """The number of the one character in `'…'`; here an escaped byte stands for that number."""
    if byte := _BYTE.fullmatch(text):
        return _escaped(byte[1], "'")[0]
    value = quoted(text)
    if len(value) != 1:
        raise ValueError(f"{text} must be exactly one character")
    return ord(value)


def number(text: str) -> int | float:
    """An integer of 64 bits, or a float when it is written as one: `0x1F`, `1_000`, `2.5e3`."""
    hexadecimal = text.lstrip("+-")[:2] in ("0x", "0X")
    try:
        if hexadecimal and ("p" in text or "P" in text):
            return float.fromhex(text.replace("_", ""))
        if not hexadecimal and any(letter in text for letter in ".eE"):
            return _finite(float(text))
        value = int(text, 8 if _OLD_OCTAL.fullmatch(text) else 0)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"`{text}` is not a number") from error
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"`{text}` does not fit into 64 bits")
    return value


def to_bytes(text: str) -> bytes:
    """The bytes of a text, as Go counts and cuts them."""
    return text.encode("utf-8", "surrogateescape")


def from_bytes(value: bytes) -> str:
    """The text of bytes; what is not UTF-8 survives as lone surrogates."""
    return value.decode("utf-8", "surrogateescape")


def _escaped(escape: str, quote: str) -> bytes:
    letter = escape[1]
    if letter in _SIMPLE:
        return _SIMPLE[letter].encode()
    if letter == quote:
        return quote.encode()
    if len(escape) == 2:
        raise ValueError(f"`{escape}` is not an escape sequence")
    if letter in "uU":
        return chr(_bounded(escape[2:], 16, 0x10FFFF)).encode()
    octal = letter.isdigit()
    return bytes([_bounded(escape[1:] if octal else escape[2:], 8 if octal else 16, 255)])


def _bounded(digits: str, base: int, highest: int) -> int:
    value = int(digits, base)
    if value > highest or 0xD800 <= value <= 0xDFFF:
        raise ValueError(f"there is no character with the number {digits}")
    return value


def _finite(value: float) -> float:
    if math.isinf(value):
        raise ValueError("too large")
    return value
