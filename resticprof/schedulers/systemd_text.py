"""Write and read the text of systemd's units: quoting, environment files, settings. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from resticprof.errors import Error

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN_WORD = re.compile(r"[A-Za-z0-9_@%+=:,./$~^-]+")
_UNIT_CHARACTER = re.compile(r"[A-Za-z0-9:_.@-]")
_UNESCAPED = {"n": "\n", "t": "\t", "r": "\r", "s": " ", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def unit_name(command: str, name: str) -> str:
    """The name of a job's units without their ending, the one that the reference uses.

    What systemd does not allow in a name is written as `\\x20`, as systemd-escape(1) does.
    """
    text = f"resticprofile-{command}@profile-{name}"
    escaped = "".join(
        character
        if _UNIT_CHARACTER.fullmatch(character)
        else "".join(f"\\x{byte:02x}" for byte in character.encode())
        for character in text
    )
    if len(escaped) > 255 - len(".service"):
        raise Error(f"`{command}@{name}` is too long for the name of a systemd unit")
    return escaped


def specifiers(text: str) -> str:
    """Keep `%` from being read as a specifier (systemd.unit(5))."""
    return text.replace("%", "%%")


def one_line(text: str) -> str:
    """A text for people (`Description=`): no line ends, no continuation, no specifiers."""
    return specifiers(" ".join(text.split()).rstrip("\\"))


def path(text: str) -> str:
    """A path as the whole value of a setting; such values are not quoted."""
    if "\n" in text or "\r" in text:
        raise Error(f"systemd cannot use the path {text!r}: it holds a line end")
    _require_text(text)
    if text != text.rstrip() or text.endswith("\\"):
        text += "/."  # or the end would be lost, or join the next line
    return specifiers(text)


def _is_text(text: str) -> bool:
    """Whether there are only characters in it, and no bytes that Python could not read."""
    return not re.search("[\udc80-\udcff]", text)


def _require_text(text: str) -> None:
    if not _is_text(text):
        raise Error(f"systemd cannot use {text!r}: it is not UTF-8")


def pattern(text: str) -> str:
    """A path where systemd expects a pattern (`EnvironmentFile=`)."""
    return path(re.sub(r"([\\*?\[])", r"\\\1", text))


def quoted(text: str) -> str:
    """Text between double quotes, as systemd reads it."""
    _require_text(text)
    text = specifiers(text.replace("\\", "\\\\").replace('"', '\\"'))
    return text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def command_line(words: tuple[str, ...]) -> str:
    """The value of `ExecStart=`. In the first word `$` stands for itself, unlike in the others."""
    if re.search(r"""["'\\]""", words[0]):  # systemd starts no program of such a name
        words = ("/usr/bin/env", *words)
    first, *others = words
    return " ".join([_word(first), *(_word(word.replace("$", "$$")) for word in others)])


def _word(word: str) -> str:
    return specifiers(word) if _PLAIN_WORD.fullmatch(word) else f'"{quoted(word)}"'


def environment_file(variables: Mapping[str, str]) -> str:
    """The text of an environment file (systemd.exec(5)); values may hold any text but NUL."""
    for name, value in variables.items():
        if not _is_text(name + value):
            text = f"systemd passes on UTF-8 only, and the value of `{name}` is something else"
            raise Error(f"{text}; leave it out of `schedule-capture-environment`")
    return "".join(
        '{}="{}"\n'.format(name, re.sub(r'(["\\`$])', r"\\\1", value))
        for name, value in sorted(variables.items())
    )


def settings(text: str, name: str) -> tuple[str, ...]:
    """The values of a setting in a unit, in order; lines that `\\` continues are joined."""
    joined = re.sub(r"\\\n[ \t]*", " ", text)
    found = re.findall(rf"^[ \t]*{name}[ \t]*=[ \t]*(.*?)[ \t]*$", joined, re.MULTILINE)
    return tuple(found)


def words(line: str) -> tuple[str, ...]:
    """The words of `ExecStart=`, as the program gets them."""
    found: list[str] = []
    for match in re.finditer(r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|[^\s"'\\])+""", line):
        pieces = re.findall(r"""\\x[0-9a-fA-F]{2}|\\.|["']|[^\\"']+""", match[0])
        found.append(_joined(pieces).replace("%%", "%").replace("$$", "$"))
    return tuple(found)


def _joined(pieces: list[str]) -> str:
    """Pieces of one word without their quotes and escapes."""
    raw, quote = b"", ""
    for piece in pieces:
        if piece in {'"', "'"} and quote in {"", piece}:
            quote = "" if quote else piece
        elif piece.startswith("\\x") and len(piece) == 4:
            raw += bytes.fromhex(piece[2:])
        elif piece.startswith("\\"):
            raw += _UNESCAPED.get(piece[1:], piece[1:]).encode()
        else:
            raw += piece.encode()
    return raw.decode(errors="replace")
