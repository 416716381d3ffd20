"""Write values as Go's package fmt does: `print`, `println`, `printf`."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import TemplateError
from resticprof.templates import literals, values
from resticprof.templates.buffer import Buffer
from resticprof.templates.data import go_spelling
from resticprof.templates.gotime import METHODS

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDEST = 1_000_000
"""A wider column, or a longer number, is refused; the same limit as in Go."""


class Verb(msgspec.Struct, frozen=True):
    """How to write one value: `%-8.3f` is the letter `f`, flag `-`, width 8, precision 3."""

    letter: str = "v"
    flags: str = ""
    width: int = 0
    precision: int | None = None


_PLAIN = Verb()


def show(value: object) -> str:
    """The value as `{{ value }}` and `%v` write it."""
    return _one(value, _PLAIN)


def join(items: Sequence[object]) -> str:
    """`print`: a space between two values neither of which is text."""
    out = Buffer()
    for position, item in enumerate(items):
        if position and not (isinstance(item, str) or isinstance(items[position - 1], str)):
            out.write(" ")
        _write(item, _PLAIN, out)
    return str(out)


def join_line(items: Sequence[object]) -> str:
    """`println`: a space between all values, and a line feed."""
    out = Buffer()
    for position, item in enumerate(items):
        out.write(" " if position else "")
        _write(item, _PLAIN, out)
    out.write("\n")
    return str(out)


# ── printf ──

_DIRECTIVE = r"""
    %(?P<flags>[-+\#\ 0]*)
    (?:\[(?P<width_at>\d+)\])? (?P<width>\*|\d+)?
    (?P<dot>\. (?:\[(?P<precision_at>\d+)\])? (?P<precision>\*|\d+)?)?
    (?:\[(?P<value_at>\d+)\])? (?P<letter>.)?
"""


def printf(template: object, *arguments: object) -> str:
    """Fill in the arguments; mistakes are shown in the text, as `%!d(string=x)`, as in Go."""
    if not isinstance(template, str):
        raise TemplateError(f"the format must be text, not {values.type_name(template)}")
    out = Buffer()
    source = _Arguments(arguments)
    end = 0
    for found in re.finditer(_DIRECTIVE, template, re.VERBOSE | re.DOTALL):
        out.write(template[end : found.start()])
        end = found.end()
        _directive(found, source, out)
    out.write(template[end:])
    for position, extra in enumerate(source.left()):
        out.write(", " if position else "%!(EXTRA ")
        out.write(_typed(extra))
    out.write(")" if source.left() else "")
    return str(out)


class _Arguments:
    """The arguments of `printf`, taken in order unless an index such as `[2]` says otherwise."""

    def __init__(self, items: Sequence[object]) -> None:
        self.items = items
        self.next = 0
        self.reordered = False

    def jump(self, index: str | None) -> None:
        if index is not None:
            self.next = int(index) - 1 if len(index) < 9 else -1
            self.reordered = True

    def take(self) -> object:
        """The next one; raises `IndexError`."""
        if not 0 <= self.next < len(self.items):
            raise IndexError
        self.next += 1
        return self.items[self.next - 1]

    def left(self) -> Sequence[object]:
        return () if self.reordered else self.items[self.next :]


def _directive(found: re.Match[str], source: _Arguments, out: Buffer) -> None:
    letter, flags = found["letter"], found["flags"]
    if not letter:
        out.write("%!(NOVERB)")
        return
    source.jump(found["width_at"])
    width = _size(found["width"], source, "WIDTH", out)
    if width < 0:
        width, flags = -width, flags + "-"
    precision: int | None = None
    if found["dot"]:
        source.jump(found["precision_at"])
        precision = _size(found["precision"], source, "PREC", out)
    source.jump(found["value_at"])
    if letter == "%":
        out.write("%")
        return
    try:
        value = source.take()
    except IndexError:
        out.write(f"%!{letter}({'BADINDEX' if source.reordered else 'MISSING'})")
        return
    verb = Verb(letter, flags, width, precision if precision is None or precision >= 0 else None)
    _write(value, verb, out)


def _size(text: str | None, source: _Arguments, name: str, out: Buffer) -> int:
    """A width or precision; a bad one is shown and counts as 0."""
    value: object = 0
    if text == "*":
        try:
            value = source.take()
        except IndexError:
            value = None
    elif text:
        value = int(text) if len(text) < 9 else None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= WIDEST:
        return int(value)
    out.write(f"%!(BAD{name})")
    return 0


# ── one value ──


def _one(value: object, verb: Verb) -> str:
    out = Buffer()
    _write(value, verb, out)
    return str(out)


def _write(value: object, verb: Verb, out: Buffer) -> None:
    value = values.of(value)
    match value:
        case list() | tuple():
            _write_all("[]", [("", item) for item in value], verb, out)
        case dict():
            out.write("map")
            named = [(_one(key, verb) + ":", item) for key, item in values.pairs(value)]
            _write_all("[]", named, verb, out)
        case msgspec.Struct() if type(value) not in METHODS:
            fields = [(name, getattr(value, name)) for name in value.__struct_fields__]
            named = [(f"{go_spelling(n)}:" if "+" in verb.flags else "", v) for n, v in fields]
            _write_all("{}", named, verb, out)
        case _:
            out.write(_scalar(value, verb))


def _write_all(brackets: str, items: Sequence[tuple[str, object]], verb: Verb, out: Buffer) -> None:
    """Each item after its name or nothing; what is nothing is `<nil>` to every verb in here."""
    out.write(brackets[0])
    for position, (name, item) in enumerate(items):
        out.write((" " if position else "") + name)
        if item is None:
            out.write("<nil>")
        else:
            _write(item, verb, out)
    out.write(brackets[1])


def _scalar(value: object, verb: Verb) -> str:
    if verb.letter == "T":
        return _padded(values.type_name(value), verb)
    if value is None:
        return _padded("<nil>", verb) if verb.letter == "v" else f"%!{verb.letter}(<nil>)"
    if type(value) in METHODS and verb.letter in "vsxXq":
        value = str(value)  # weekdays, months, … are numbers to the other verbs
    match value:
        case bool():
            text = _padded("true" if value else "false", verb) if verb.letter in "vt" else None
        case int():
            text = _integer(int(value), verb)
        case float():
            text = _float(value, verb)
        case str():
            text = _text(value, verb)
        case _:
            text = None
    return f"%!{verb.letter}({_typed(value)})" if text is None else text


def _typed(value: object) -> str:
    return "<nil>" if value is None else f"{values.type_name(value)}={show(value)}"


def _padded(text: str, verb: Verb) -> str:
    if "-" in verb.flags:
        return text.ljust(verb.width)
    return text.rjust(verb.width, "0" if "0" in verb.flags else " ")


# ── texts ──


def _text(value: str, verb: Verb) -> str | None:
    """The text, or nothing when the verb is not for texts."""
    short = value if verb.precision is None else value[: verb.precision]
    match verb.letter:
        case "v" if "#" in verb.flags:
            return _padded(quote(value), verb)
        case "v" | "s":
            return _padded(short, verb)
        case "q":
            raw = "#" in verb.flags and "`" not in short and short.isprintable()
            return _padded(f"`{short}`" if raw else quote(short), verb)
        case "x" | "X":
            data = literals.to_bytes(value)[: verb.precision]
            text = data.hex(" ") if " " in verb.flags else data.hex()
            if "#" in verb.flags and data:
                text = "0x" + text.replace(" ", " 0x")
            return _padded(text.upper() if verb.letter == "X" else text, verb)
        case _:
            return None


_ESCAPES = dict(zip("\a\b\f\n\r\t\v\\", (f"\\{letter}" for letter in "abfnrtv\\"), strict=True))


def quote(value: str, mark: str = '"') -> str:
    """The text as a Go literal."""
    return mark + "".join(_quoted(letter, mark) for letter in value) + mark


def _quoted(letter: str, mark: str) -> str:
    if letter == mark:
        return "\\" + mark
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter.isprintable():
        return letter
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


# ── numbers ──

_BASES = {"d": "d", "v": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_PREFIXES = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}


def _integer(value: int, verb: Verb) -> str | None:
    """The integer, or nothing when the verb is not for integers."""
    if verb.letter in _BASES:
        digits = format(abs(value), _BASES[verb.letter])
        if verb.precision is not None:
            digits = "" if verb.precision == value == 0 else digits.zfill(verb.precision)
            verb = msgspec.structs.replace(verb, flags=verb.flags.replace("0", ""))
        if verb.letter == "O":
            digits = "0o" + digits
        elif "#" in verb.flags:
            digits = _PREFIXES.get(verb.letter, "") + digits
        return _number(digits, verb, negative=value < 0)
    if verb.letter in "cqU":
        code = value if 0 <= value <= 0x10FFFF else 0xFFFD
        if verb.letter == "U":
            return _padded(f"U+{code:04X}", verb)
        letter = "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)
        return _padded(letter if verb.letter == "c" else quote(letter, "'"), verb)
    return None


def _float(value: float, verb: Verb) -> str | None:
    """The float, or nothing when the verb is not for floats."""
    if verb.letter not in "vgGeEfF":
        return None
    if not math.isfinite(value):
        return _padded("NaN" if math.isnan(value) else f"{value:+}".title(), verb)
    size = abs(value)
    letter = "g" if verb.letter == "v" else verb.letter
    if letter in "gG" and verb.precision is None:
        digits = shortest(size)
        digits = digits.upper() if letter == "G" else digits
    else:
        digits = format(size, f".{6 if verb.precision is None else verb.precision}{letter}")
    return _number(digits, verb, negative=str(value).startswith("-"))


def shortest(size: float) -> str:
    """The fewest digits that give the number back; with an exponent below -4 and from 6 on."""
    from decimal import Decimal

    _, digits, exponent = Decimal(repr(size)).normalize().as_tuple()
    point = len(digits) + int(exponent)
    if size and not -4 <= point - 1 < 6:
        mantissa = "".join(map(str, digits))
        tail = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
        return f"{mantissa[0]}{tail}e{point - 1:+03d}"
    return format(Decimal(repr(size)), "f").removesuffix(".0")


def _number(digits: str, verb: Verb, *, negative: bool) -> str:
    """With sign, and as wide as asked for; zeros go between the sign and the digits."""
    sign = "-" if negative else "+" if "+" in verb.flags else " " if " " in verb.flags else ""
    if "0" in verb.flags and "-" not in verb.flags:
        digits = digits.zfill(verb.width - len(sign))
    return _padded(sign + digits, verb)
