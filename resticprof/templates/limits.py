"""How much one execution of a template may use up, so that every one comes to an end."""

from __future__ import annotations

from resticprof.errors import TemplateError

LIMIT = 16 * 1024 * 1024
"""Characters of one text; a configuration is a thousandth of that."""
MOST_STEPS = 250_000
"""Statements and rounds of loops in one execution; then it counts as endless."""


def check_size(characters: int) -> None:
    """Refuse to make a text that is longer than any template needs."""
    if characters > LIMIT:
        raise TemplateError(f"the text grows beyond {LIMIT // 1024 // 1024} million characters")


class Steps:
    """The steps of one execution."""

    def __init__(self) -> None:
        self._taken = 0

    def take(self) -> None:
        self._taken += 1
        if self._taken > MOST_STEPS:
            raise TemplateError(f"the template does not end within {MOST_STEPS} steps")
