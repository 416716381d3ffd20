"""Options as Go's programs take them, for a parser that knows less: `-n=home`, `--quiet=false`."""

from __future__ import annotations

from typing import Any

import msgspec
import typer

from resticprof.model.types import truth

_ALONE = {"ignore_on_battery": "100"}  # the value of an option that stands alone


class Spelled(msgspec.Struct):
    """The words for the parser, and what was said about options that are on or off."""

    words: list[str] = []
    switches: dict[str, bool] = {}


def read(words: list[str], options: list[Any]) -> Spelled:
    """Read what stands before the first word that is no option. Raises `BadParameter`."""
    # An eager one, such as `--version`, is all that the parser does.
    known = {name: option for option in options if not option.is_eager for name in option.opts}
    found = Spelled()
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] not in ("-", "--"):
        word = rest.pop(0)
        waiting = _long(word, known, found) if word.startswith("--") else _short(word, known, found)
        if waiting and rest:
            found.words.append(rest.pop(0))
    found.words += rest
    return found


def _long(word: str, known: dict[str, Any], found: Spelled) -> bool:
    """Whether the next word is the value of this one."""
    name, equals, value = word.partition("=")
    option = known.get(name)
    if option is not None and option.is_flag:
        found.switches[option.name] = _switch(option, value if equals else "true")
        return False
    alone = _ALONE.get(option.name) if option is not None and not equals else None
    found.words.append(f"{word}={alone}" if alone else word)
    return option is not None and not equals and not alone


def _short(word: str, known: dict[str, Any], found: Spelled) -> bool:
    """The same for letters: `-qv`, `-nhome`, `-n=home`, `-q=false`."""
    for place, letter in enumerate(word[1:], start=2):
        option, rest = known.get(f"-{letter}"), word[place:]
        if option is None:
            found.words.append(f"-{letter}{rest}")
            return False
        if not option.is_flag:
            found.words += [f"-{letter}", rest.removeprefix("=")] if rest else [f"-{letter}"]
            return not rest
        if rest.startswith("="):
            found.switches[option.name] = _switch(option, rest[1:])
            return False
        found.switches[option.name] = True
    return False


def _switch(option: Any, value: str) -> bool:
    found = truth(value)
    if found is None:
        raise typer.BadParameter(f"`{value}` is neither true nor false", param=option)
    return found
