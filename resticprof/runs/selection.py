"""Which profile and which command the words of the command line mean. Pure."""

from __future__ import annotations

import msgspec

DEFAULT_PROFILE = "default"


class Selection(msgspec.Struct, frozen=True):
    """A profile or group, the command (empty: the default one), and the words that follow it."""

    name: str
    command: str
    extra: tuple[str, ...] = ()


def split(word: str) -> tuple[str, str]:
    """`profile.command` at the last dot, else `command@profile` at the first `@`."""
    if "." in word:
        name, _, command = word.rpartition(".")
    elif "@" in word:
        command, _, name = word.partition("@")
    else:
        return "", word
    return name, command


def select(words: tuple[str, ...], name: str | None, *, name_was_typed: bool) -> Selection:
    """With `--name` on the command line the first word is a command, whatever it holds."""
    first, extra = (words[0], words[1:]) if words else ("", ())
    if name_was_typed:
        return Selection(name or DEFAULT_PROFILE, first, extra)
    found, command = split(first)
    if not found and command == first:
        return Selection(name or DEFAULT_PROFILE, command, extra)
    return Selection(found or DEFAULT_PROFILE, command, extra)
