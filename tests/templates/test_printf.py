"""The format of `printf`. What Go prints is compared in test_evaluate; here are the rules."""

from __future__ import annotations

import pytest

from resticprof.errors import TemplateError
from resticprof.templates import printf
from resticprof.templates.gotime import Weekday


@pytest.mark.parametrize(
    ("template", "arguments", "text"),
    [
        ("%05d|%-6s|%6.2f|%x", (42, "ab", 3.14159, "hi"), "00042|ab    |  3.14|6869"),
        ("%d%%", (5,), "5%"),
        ("a%*s", (Weekday(3), ""), "a   "),
        ("%[2]s %[1]s", ("a", "b"), "b a"),
        ("%d", ("x",), "%!d(string=x)"),
        ("%d", (), "%!d(MISSING)"),
        ("x", (1, "a"), "x%!(EXTRA int=1, string=a)"),
        ("%", (), "%!(NOVERB)"),
        ("%[9]d", (1,), "%!d(BADINDEX)"),
        ("%9999999d", (1,), "%!(BADWIDTH)1"),
        ("%.9999999d", (1,), "%!(BADPREC)1"),
        ("%*d", (), "%!(BADWIDTH)%!d(MISSING)"),
        ("%*d|", (-4, 1), "1   |"),
        ("%c%U", (0x1F600, 65), "😀U+0041"),
        ("%#08x|%08O|%#o", (255, 8, 0), "0x000000ff|0o00000010|0"),
        ("%+v %+d %#v", (1, 1, Weekday(3)), "1 +1 3"),
        ("%#v", ([1, "a", None],), '[]interface {}{1, "a", interface {}(nil)}'),
        ("%#v", ({"k": 1},), 'map[string]interface {}{"k":1}'),
        ("%T %T", ([], {}), "[]interface {} map[string]interface {}"),
        ("%5d|%.1f", ("a", "bc"), "%!d(string=    a)|%!f(string=b)"),
        ("%d %t", (2.5, Weekday(3)), "%!d(float64=2.5) %!t(time.Weekday=3)"),
        ("%U %#U", (-1, 233), "U+FFFFFFFFFFFFFFFF U+00E9 'é'"),
        ("%+q %#q", ("é", "a\tb"), '"\\u00e9" `a\tb`'),
        ("%[x]d %[2]d", (1,), "%!d(BADINDEX) %!d(BADINDEX)"),
        ("%[1]d %d", (1,), "1 %!d(MISSING)"),
        ("%.*d %.*f", (-1, 5, "a", 1.0), "%!(BADPREC)5 %!(BADPREC)1.000000"),
        ("%#.0f", (1.0,), "1."),
    ],
)
def test_printf_fills_in(template, arguments, text):
    assert printf.printf(template, *arguments) == text


def test_printf_wants_a_text_first():
    with pytest.raises(TemplateError, match="must be text"):
        printf.printf(3)
