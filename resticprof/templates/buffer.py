"""Text that grows up to a limit, so that no template can fill the memory."""

from __future__ import annotations

from resticprof.errors import TemplateError

LIMIT = 16 * 1024 * 1024
"""Characters of one text; a configuration is a thousandth of that."""


def check_size(characters: int) -> None:
    """Refuse to make a text that is longer than any template needs."""
    if characters > LIMIT:
        raise TemplateError(f"the text grows beyond {LIMIT // 1024 // 1024} million characters")


class Buffer:
    """Pieces of text; `write` raises `TemplateError` at the limit."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0

    def write(self, piece: str) -> None:
        self._size += len(piece)
        check_size(self._size)
        self._pieces.append(piece)

    def __str__(self) -> str:
        return "".join(self._pieces)
