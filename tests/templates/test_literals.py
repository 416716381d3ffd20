"""Go's literals."""

from __future__ import annotations

import pytest

from resticprof.templates import literals


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"a\tb\n\\\""', 'a\tb\n\\"'),
        (r'"\x41\101é\U0001F600"', "AAé😀"),
        (r'"\xc3\xa9"', "é"),
        ('"plain é"', "plain é"),
    ],
)
def test_quoted_text_is_read(text, value):
    assert literals.quoted(text) == value


def test_bytes_that_are_not_utf8_survive():
    assert literals.to_bytes(literals.quoted(r'"\xff"')) == b"\xff"


@pytest.mark.parametrize("text", [r'"\q"', r'"\400"', r'"\ud800"', r'"\U00110000"', r'"\'"'])
def test_an_unknown_escape_is_a_mistake(text):
    with pytest.raises(ValueError, match=r"escape|character"):
        literals.quoted(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("-7", -7),
        ("+7", 7),
        ("017", 15),
        ("0o17", 15),
        ("0b101", 5),
        ("0xfF", 255),
        ("1_000", 1000),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("03.0", 3.0),
        ("0x1p4", 16.0),
    ],
)
def test_numbers_are_read(text, value):
    number = literals.number(text)
    assert (number, type(number)) == (value, type(value))


@pytest.mark.parametrize(
    "text", ["08", "1e999", "1.2.3", "0x", "1i", "9223372036854775808", "1__0"]
)
def test_what_is_no_number_of_64_bits_is_a_mistake(text):
    with pytest.raises(ValueError, match=r"is not a number|64 bits"):
        literals.number(text)


def test_a_character_is_its_number():
    assert [literals.character(text) for text in ("'a'", r"'\n'", r"'\''")] == [97, 10, 39]
    assert [literals.character(text) for text in (r"'\xe9'", r"'\351'", r"'\u00e9'")] == [233] * 3
    with pytest.raises(ValueError, match="exactly one"):
        literals.character("'ab'")
