"""Texts as bytes of UTF-8: how many there are, and the first and last of them."""

from __future__ import annotations


def encode(text: str) -> bytes:
    """The bytes of a text; `?` stands for what a file name had instead of UTF-8."""
    return text.encode(errors="replace")


def size(text: str) -> int:
    """How many bytes the text is."""
    return len(encode(text))


def start(text: str, count: int) -> str:
    """The first `count` bytes, without half a character."""
    return encode(text)[:count].decode(errors="ignore")


def end(text: str, count: int) -> str:
    """The last `count` bytes, without half a character."""
    data = encode(text)
    return data[len(data) - count :].decode(errors="ignore")
