"""The environment of restic and of hooks: ours, then env files, then `env`."""

from __future__ import annotations

import codecs
import logging
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from resticprof.errors import Error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

log = logging.getLogger("resticprof")

LARGEST = 512 * 1024  # bytes; a larger file is no env file

_GAP = re.compile(r"(?:\s|#[^\n]*)*")
_NAME = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_.]*)[ \t]*[=:]")
_QUOTE = re.compile(r"""[ \t]*['"]""")
_QUOTED = re.compile(
    r"""[ \t]*
    (?: '(?P<single> [^']* | (?:[^'\\]|\\.)* )'   # a backslash may protect a quote, or be the last
      | "(?P<double> (?:[^"\\]|\\.)* )" )
    [ \t]* (?:\#[^\n]*)? (?=\n|\Z)""",
    re.DOTALL | re.VERBOSE,
)
_COMMENT = re.compile(r"[ \t]#.*")
_SPECIAL = re.compile(
    r"\\(?P<escape>.)|\$(?:\{(?P<braced>[A-Z0-9_]+)\}|(?P<name>[A-Z0-9_]+))", re.DOTALL
)
_ESCAPES = {"n": "\n", "r": "\r"}

_known: dict[str, tuple[object, dict[str, str]]] = {}  # file: (size and time, its variables)


def of_profile(*, files: Iterable[str | Path], variables: Mapping[str, str]) -> dict[str, str]:
    """Our environment with the files in order, then the variables; an empty value removes one.

    The case of the names in `variables` does not count: a name that exists is meant, and a new one
    is written in capitals. Files are read again when they changed, so that hooks can add variables;
    one that cannot be read is a warning.
    """
    found = dict(os.environ)
    for file in files:
        found |= _variables(str(file))
    spellings = {name.upper(): name for name in sorted(found, reverse=True)}
    for name, value in variables.items():
        found[name if name in found else spellings.get(name.upper(), name.upper())] = value
    return {name: value for name, value in found.items() if value or os.environ.get(name) == ""}


def _variables(file: str) -> dict[str, str]:
    """The variables of a file, from memory if it has not changed; a warning is given once."""
    try:
        status = Path(file).stat()
        state: object = (status.st_size, status.st_mtime_ns)
    except OSError as error:
        state = error.errno
    known = _known.get(file)
    if known is None or known[0] != state:
        variables = {}
        try:
            variables = read_env_file(file)
        except Error as error:
            log.warning("%s; its variables are missing", error)
        known = _known[file] = (state, variables)
    return known[1]


def read_env_file(path: str | Path) -> dict[str, str]:
    """The variables of a dotenv file. The message of an `Error` never shows the text."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe must not hold us up
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Error(f"cannot read env-file `{path}`: it is not a regular file")
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise Error(f"cannot read env-file `{path}`: {error.strerror}") from error
    if len(data) > LARGEST:
        raise Error(f"env-file `{path}` is larger than {LARGEST // 1024} KiB")
    try:
        return parse(decode(data))
    except ValueError as error:
        raise Error(f"env-file `{path}`: {error}") from error


def decode(data: bytes) -> str:
    """UTF-8 or UTF-16, by byte order mark or by zero bytes; what is neither is ISO 8859-1."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data[:2]:
        return data.decode("utf-16-be" if data[0] == 0 else "utf-16-le", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("iso-8859-1")


def parse(text: str) -> dict[str, str]:
    """Read `NAME=value` or `NAME: value`, with an optional `export`. Raises `ValueError`.

    Single quotes are literal. Double quotes know `\\n` and `\\r`. `$NAME` and `${NAME}`, in
    capitals, stand for values further up in the same text.
    """
    text = text.replace("\r\n", "\n")
    found: dict[str, str] = {}
    position = _skip_gap(text, 0)
    while position < len(text):
        name = _NAME.match(text, position)
        if not name:
            raise ValueError(f"line {_line(text, position)} is not `NAME=value`")
        quoted = _QUOTED.match(text, name.end())
        if quoted:
            found[name["name"]] = _quoted_value(quoted, found)
            position = quoted.end()
        elif _QUOTE.match(text, name.end()):
            raise ValueError(f"line {_line(text, position)}: something is wrong with the quotes")
        else:
            position = _end_of_line(text, name.end())
            value = _COMMENT.sub("", text[name.end() : position]).strip()
            found[name["name"]] = _SPECIAL.sub(lambda special: _plain(special, found), value)
        position = _skip_gap(text, position)
    return found


def _skip_gap(text: str, position: int) -> int:
    match = _GAP.match(text, position)
    return match.end() if match else position


def _end_of_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return end if end >= 0 else len(text)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _quoted_value(match: re.Match[str], known: Mapping[str, str]) -> str:
    if match["single"] is not None:
        return match["single"]
    return _SPECIAL.sub(lambda special: _unescaped(special, known), match["double"])


def _unescaped(special: re.Match[str], known: Mapping[str, str]) -> str:
    escaped = special["escape"]
    return _ESCAPES.get(escaped, escaped) if escaped else _plain(special, known)


def _plain(special: re.Match[str], known: Mapping[str, str]) -> str:
    if special["escape"]:
        return "$" if special["escape"] == "$" else special[0]
    return known.get(special["braced"] or special["name"], "")
