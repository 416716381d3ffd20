"""Write values as Go's package fmt does: `print`, `println`, and each verb of `printf`."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import msgspec

from resticprof.templates import literals, values
from resticprof.templates.buffer import Buffer
from resticprof.templates.data import go_spelling
from resticprof.templates.gotime import METHODS

if TYPE_CHECKING:
    from collections.abc import Sequence


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
        write(item, _PLAIN, out)
    return str(out)


def join_line(items: Sequence[object]) -> str:
    """`println`: a space between all values, and a line feed."""
    out = Buffer()
    for position, item in enumerate(items):
        out.write(" " if position else "")
        write(item, _PLAIN, out)
    out.write("\n")
    return str(out)


# ── one value ──


def _one(value: object, verb: Verb) -> str:
    out = Buffer()
    write(value, verb, out)
    return str(out)


def write(value: object, verb: Verb, out: Buffer) -> None:
    """Write a value as the verb asks for."""
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
            write(item, verb, out)
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


def typed(value: object) -> str:
    """The value after its type, as `printf` shows what nobody asked for."""
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
