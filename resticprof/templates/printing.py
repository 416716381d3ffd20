"""Write values as Go's package fmt does: `print`, `println`, `printf`."""

from __future__ import annotations

import math
import re
from contextlib import suppress
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
    named: bool = False  # `%+v`: structs with the names of their fields
    source: bool = False  # `%#v`: as Go's source code has it


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
    (?:\[(?P<width_at>[^\]]*)\])? (?P<width>\*|[0-9]+)?
    (?P<dot>\. (?:\[(?P<precision_at>[^\]]*)\])? (?P<precision>\*|[0-9]+)?)?
    (?:\[(?P<value_at>[^\]]*)\])? (?P<letter>.)?
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
        self.lost = False  # an index of this directive leads nowhere

    def jump(self, index: str | None) -> None:
        if index is None:
            return
        self.reordered = True
        position = int(index) - 1 if index.isdecimal() and len(index) < 9 else -1
        if 0 <= position < len(self.items):
            self.next = position
        else:
            self.lost = True

    def take(self) -> object:
        """The next one; raises `IndexError`."""
        if self.lost or self.next >= len(self.items):
            raise IndexError
        self.next += 1
        return self.items[self.next - 1]

    def left(self) -> Sequence[object]:
        return () if self.reordered else self.items[self.next :]


def _directive(found: re.Match[str], source: _Arguments, out: Buffer) -> None:
    letter, flags = found["letter"], found["flags"]
    source.lost = False
    source.jump(found["width_at"])
    width = _size(found["width"], source, "WIDTH", out) or 0
    if width < 0:
        width, flags = -width, flags + "-"
    precision: int | None = None
    if found["dot"]:
        source.jump(found["precision_at"])
        precision = _size(found["precision"] or "0", source, "PREC", out)
    source.jump(found["value_at"])
    if not letter:
        out.write("%!(NOVERB)")
        return
    if letter == "%":
        out.write("%")
        return
    try:
        value = source.take()
    except IndexError:
        out.write(f"%!{letter}({'BADINDEX' if source.lost else 'MISSING'})")
        return
    _write(value, _verb(letter, flags, width, precision), out)


def _size(text: str | None, source: _Arguments, name: str, out: Buffer) -> int | None:
    """A width or precision; a bad one is shown and counts as none."""
    if not text:
        return None
    value: object = None
    if text != "*":
        value = int(text) if len(text) < 9 else None
    else:
        with suppress(IndexError):
            value = source.take()
    least = -WIDEST if name == "WIDTH" else 0
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= WIDEST:
        return int(value)
    out.write(f"%!(BAD{name})")
    return None


def _verb(letter: str, flags: str, width: int, precision: int | None) -> Verb:
    if letter != "v":
        return Verb(letter, flags, width, precision)
    return Verb(
        letter,
        flags.replace("+", "").replace("#", ""),
        width,
        precision,
        named="+" in flags,
        source="#" in flags,
    )


# ── one value ──


def _one(value: object, verb: Verb) -> str:
    out = Buffer()
    _write(value, verb, out)
    return str(out)


def _write(value: object, verb: Verb, out: Buffer) -> None:
    value = values.of(value)
    match value:
        case _ if verb.letter == "T":
            out.write(_padded(values.type_name(value), verb))
        case list() | tuple():
            _write_all(value, "[]", [("", item) for item in value], verb, out)
        case dict():
            named = [(_one(key, verb) + ":", item) for key, item in values.pairs(value)]
            out.write("" if verb.source else "map")
            _write_all(value, "[]", named, verb, out)
        case msgspec.Struct() if type(value) not in METHODS:
            fields = [(name, getattr(value, name)) for name in value.__struct_fields__]
            shown = verb.named or verb.source
            named = [(f"{go_spelling(name)}:" if shown else "", item) for name, item in fields]
            _write_all(value, "{}", named, verb, out)
        case _:
            out.write(_scalar(value, verb))


def _write_all(
    whole: object, brackets: str, items: Sequence[tuple[str, object]], verb: Verb, out: Buffer
) -> None:
    """Each item after its name or nothing; what is nothing is `<nil>` to every verb in here."""
    opening, separator, closing, nothing = brackets[0], " ", brackets[1], "<nil>"
    if verb.source:
        opening, separator, closing = values.type_name(whole) + "{", ", ", "}"
        nothing = "interface {}(nil)"
    out.write(opening)
    for position, (name, item) in enumerate(items):
        out.write((separator if position else "") + name)
        if item is None:
            out.write(nothing)
        else:
            _write(item, verb, out)
    out.write(closing)


def _scalar(value: object, verb: Verb) -> str:
    if value is None:
        return _padded("<nil>", verb) if verb.letter == "v" else f"%!{verb.letter}(<nil>)"
    if type(value) in METHODS and verb.letter in "vsxXq" and not verb.source:
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
            text = _padded(_other(value), verb) if verb.letter == "v" else None
    return _refused(value, verb) if text is None else text


def _other(value: object) -> str:
    """A moment, or what no template can use, of which the type must do."""
    return str(value) if type(value) in METHODS else values.type_name(value)


def _refused(value: object, verb: Verb) -> str:
    """A value that the verb cannot write."""
    name = values.type_name(value)
    if isinstance(value, int) and type(value) in METHODS:
        value = int(value)
    plain = msgspec.structs.replace(verb, letter="v")
    return f"%!{verb.letter}({name}={_scalar(value, plain)})"


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
        case "v" if verb.source:
            return _padded(quote(value), verb)
        case "v" | "s":
            return _padded(short, verb)
        case "q":
            return _padded(_literal(short, verb), verb)
        case "x" | "X":
            data = literals.to_bytes(value)[: verb.precision]
            text = data.hex(" ") if " " in verb.flags else data.hex()
            if "#" in verb.flags and data:
                text = "0x" + text.replace(" ", " 0x")
            return _padded(text.upper() if verb.letter == "X" else text, verb)
        case _:
            return None


def _literal(value: str, verb: Verb) -> str:
    """Between double quotes, or with `#` between back quotes where that is possible."""
    if "#" in verb.flags and not re.search("[`\0-\x08\n-\x1f\x7f\ufeff\ud800-\udfff]", value):
        return f"`{value}`"
    return quote(value, ascii_only="+" in verb.flags)


_ESCAPES = dict(zip("\a\b\f\n\r\t\v\\", (f"\\{letter}" for letter in "abfnrtv\\"), strict=True))


def quote(value: str, mark: str = '"', *, ascii_only: bool = False) -> str:
    """The text as a Go literal."""
    return mark + "".join(_quoted(letter, mark, ascii_only=ascii_only) for letter in value) + mark


def _quoted(letter: str, mark: str, *, ascii_only: bool) -> str:
    if letter == mark:
        return "\\" + mark
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter.isprintable() and (letter.isascii() or not ascii_only):
        return letter
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


# ── numbers ──

_BASES = {"d": "d", "v": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_PREFIXES = {"b": "0b", "o": "0", "O": "0", "x": "0x", "X": "0X"}


def _integer(value: int, verb: Verb) -> str | None:
    """The integer, or nothing when the verb is not for integers."""
    if verb.letter in "cqU":
        return _character(value, verb)
    if verb.letter not in _BASES:
        return None
    sign = _sign(verb, negative=value < 0)
    least = verb.precision
    if least is None and "0" in verb.flags and "-" not in verb.flags:
        least = verb.width - len(sign)
    if verb.precision == value == 0:
        return _padded("", _without_zeros(verb))
    digits = format(abs(value), _BASES[verb.letter]).zfill(least or 0)
    if "#" in verb.flags and not (verb.letter in "oO" and digits[0] == "0"):
        digits = _PREFIXES.get(verb.letter, "") + digits
    if verb.letter == "O":
        digits = "0o" + digits
    return _padded(sign + digits, _without_zeros(verb))


def _character(value: int, verb: Verb) -> str:
    """The character of a number, plain or in quotes, or `U+0041`."""
    valid = 0 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF
    letter = chr(value) if valid else "\ufffd"
    if verb.letter == "c":
        return _padded(letter, verb)
    if verb.letter == "q":
        return _padded(quote(letter, "'", ascii_only="+" in verb.flags), verb)
    code = f"U+{value % 2**64:0{max(verb.precision or 0, 4)}X}"
    if "#" in verb.flags and valid and letter.isprintable():
        code += f" '{letter}'"
    return _padded(code, _without_zeros(verb))


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
        kept = "#" if "#" in verb.flags else ""  # the point, and zeros behind it
        digits = format(size, f"{kept}.{6 if verb.precision is None else verb.precision}{letter}")
    sign = _sign(verb, negative=str(value).startswith("-"))
    if "0" in verb.flags and "-" not in verb.flags:
        digits = digits.zfill(verb.width - len(sign))
    return _padded(sign + digits, verb)


def _sign(verb: Verb, *, negative: bool) -> str:
    if negative:
        return "-"
    return "+" if "+" in verb.flags else " " if " " in verb.flags else ""


def _without_zeros(verb: Verb) -> Verb:
    """To pad with blanks what has its zeros already, or never gets any."""
    return msgspec.structs.replace(verb, flags=verb.flags.replace("0", ""))


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
