"""The functions of the reference and `json`, for both languages; piped values come last."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import TemplateError
from resticprof.templates import data, literals, printing, regular, values
from resticprof.templates.gotime import Time
from resticprof.templates.limits import check_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def text_of(value: object) -> str:
    """A value as text: a list is `[a,b]` without spaces, nothing is empty."""
    match value:
        case str():
            return value
        case None:
            return ""
        case list() | tuple():
            return "[" + join(",", value) + "]"
        case _:
            return printing.show(value)


def contains(needle: object, hay: object) -> bool:
    return text_of(needle) in text_of(hay)


def lower(text: object) -> str:
    """Each character by itself, as in Go: `Σ` is `σ` at the end of a word, too."""
    return "".join(letter.lower()[0] for letter in _text(text))


def upper(text: object) -> str:
    """Each character by itself, as in Go: `ß` stays."""
    pairs = ((letter, letter.upper()) for letter in _text(text))
    return "".join(capital if len(capital) == 1 else letter for letter, capital in pairs)


def matches(expression: object, text: object) -> bool:
    return regular.matches(_text(expression), _text(text))


def replace(old: object, new: object, text: object) -> str:
    old, new, text = _text(old), _text(new), _text(text)
    check_size(len(text) + len(new) * text.count(old))
    return text.replace(old, new)


def replace_expression(expression: object, replacement: object, text: object) -> str:
    return regular.replace(_text(expression), _text(replacement), _text(text))


def split(separator: object, text: object) -> list[str]:
    """The pieces of a text; without a separator, its characters."""
    separator, text = _text(separator), _text(text)
    return text.split(separator) if separator else list(text)


def split_expression(expression: object, text: object) -> list[str]:
    return regular.split(_text(expression), _text(text))


def join(separator: object, items: object) -> str:
    if not isinstance(items, list | tuple):
        raise TemplateError(f"a list is needed, not {values.type_name(items)}")
    separator = _text(separator)
    pieces = [text_of(item) for item in items]
    check_size(sum(map(len, pieces)) + len(separator) * len(pieces))
    return separator.join(pieces)


def make_list(*items: object) -> list[object]:
    return list(items)


def make_map(*items: object) -> dict[str, object]:
    """Keys and values in turn. A list where a key should be adds its items as `_0`, `_1`, …

    As in the reference, anything else that is no text is skipped there, and so is a last key.
    """
    result: dict[str, object] = {}
    rest = iter(items)
    for key in rest:
        if isinstance(key, list | tuple):
            result |= {f"_{position}": item for position, item in enumerate(key)}
        elif isinstance(key, str):
            for value in rest:
                result[key] = value
                break
    return result


def encode_base64(text: object) -> str:
    return base64.b64encode(literals.to_bytes(_text(text))).decode()


def encode_hex(text: object) -> str:
    return literals.to_bytes(_text(text)).hex()


def encode_json(value: object) -> str:
    """Any value as JSON; ours, since none of Go's functions quotes every text as JSON wants it."""
    import json

    text = json.dumps(value, default=_for_json, ensure_ascii=False)
    return literals.to_bytes(text).decode(errors="replace")


def _for_json(value: object) -> object:
    """What JSON itself cannot write: structs as objects, times as in RFC 3339, others as text."""
    value = values.of(value)
    if isinstance(value, Time):
        return value.format("RFC3339Nano")
    if isinstance(value, msgspec.Struct):
        return {name: data.field(value, name) for name in value.__struct_fields__}
    return text_of(value)


def random_integer(low: object, high: object, seed: object) -> int:
    """An integer from `low` up to but without `high`; the same seed gives the same number.

    The generator is PCG-DXSM (Go's `math/rand/v2`), started with the MD5 of the seed.
    """
    low, high = _integer(low), _integer(high)
    if low >= high:
        raise TemplateError(f"{low} must be less than {high}")
    import hashlib

    digest = hashlib.md5(literals.to_bytes(text_of(seed)), usedforsecurity=False).digest()
    first = int.from_bytes(digest[:8], "little")
    second = int.from_bytes(digest[8:], "little")
    return low + _Generator(first << 64 | second).below(high - low)


class _Generator:
    """PCG with 128 bits of state, output by double xorshift multiply."""

    MULTIPLIER = 2549297995355413924 << 64 | 4865540595714422341
    INCREMENT = 6364136223846793005 << 64 | 1442695040888963407
    CHEAP_MULTIPLIER = 0xDA942042E4DD58B5

    def __init__(self, state: int) -> None:
        self.state = state

    def next(self) -> int:
        """The next 64 bits."""
        self.state = (self.state * self.MULTIPLIER + self.INCREMENT) % 2**128
        high, low = self.state >> 64, self.state % 2**64
        high ^= high >> 32
        high = high * self.CHEAP_MULTIPLIER % 2**64
        high ^= high >> 48
        return high * (low | 1) % 2**64

    def below(self, limit: int) -> int:
        """An integer from 0 up to but without the limit, each as likely as any other."""
        bits = 32 if limit < 2**32 else 64
        if limit & (limit - 1) == 0:
            return self.next() % limit
        while True:
            product = (self.next() >> (64 - bits)) * limit
            if product % 2**bits >= (2**bits - limit) % limit:
                return product >> bits


def _text(value: object) -> str:
    """An argument that must be text; numbers and truth values are written out."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return printing.show(value)
    if value is None:
        raise TemplateError("a text is needed, but there is no value; `or` can give another")
    raise TemplateError(f"a text is needed, not {values.type_name(value)}")


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TemplateError(f"an integer is needed, not {values.type_name(value)}")
    return int(value)


FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "contains": contains,
    "matches": matches,
    "replace": replace,
    "replaceR": replace_expression,
    "regex": replace_expression,
    "lower": lower,
    "upper": upper,
    "trim": lambda text: _text(text).strip(),
    "trimPrefix": lambda prefix, text: _text(text).removeprefix(_text(prefix)),
    "trimSuffix": lambda suffix, text: _text(text).removesuffix(_text(suffix)),
    "split": split,
    "splitR": split_expression,
    "join": join,
    "list": make_list,
    "map": make_map,
    "base64": encode_base64,
    "hex": encode_hex,
    "json": encode_json,
    "randInt": random_integer,
}
