"""How a template in Go's language is cut into tokens."""

from __future__ import annotations

import pytest

from resticprof.errors import TemplateError
from resticprof.templates.lexer import Kind, tokens


def cut(text):
    return [(token.kind.name, token.text) for token in tokens(text)]


def test_text_and_actions_alternate():
    assert cut('a{{ .B | c "d" }}e') == [
        ("TEXT", "a"),
        ("OPEN", "{{"),
        ("FIELD", ".B"),
        ("MARK", "|"),
        ("NAME", "c"),
        ("STRING", '"d"'),
        ("CLOSE", "}}"),
        ("TEXT", "e"),
        ("END", ""),
    ]


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("$", Kind.VARIABLE),
        ("$name", Kind.VARIABLE),
        (".", Kind.DOT),
        (".Name", Kind.FIELD),
        (".5", Kind.NUMBER),
        ("-1e-3", Kind.NUMBER),
        ("0x1F", Kind.NUMBER),
        ("'a'", Kind.CHARACTER),
        ("`}} is text here`", Kind.RAW),
        (r'"a \" quote and }}"', Kind.STRING),
        ("name", Kind.NAME),
        (":=", Kind.MARK),
        ("(", Kind.MARK),
    ],
)
def test_each_kind_of_token_is_known(action, kind):
    assert tokens("{{" + action + "}}")[1].kind is kind


def test_trim_markers_take_blanks_and_line_feeds_away():
    assert [text for kind, text in cut("a \n {{- 1 -}} \t\n b") if kind == "TEXT"] == ["a", "b"]


def test_a_minus_without_a_blank_is_no_trim_marker():
    assert cut("a {{-3}}")[:3] == [("TEXT", "a "), ("OPEN", "{{"), ("NUMBER", "-3")]


def test_a_comment_leaves_nothing_and_may_trim():
    assert cut("a {{- /* x }} \n */ -}} b{{/**/}}") == [
        ("TEXT", "a"),
        ("TEXT", "b"),
        ("END", ""),
    ]


def test_tokens_know_their_lines_and_the_blanks_before_them():
    found = tokens("1\n{{ a\n.b}}\n{{/*\n\n*/}}{{c}}")
    assert [(token.text, token.line, token.spaced) for token in found if token.text in "a.bc"][
        :3
    ] == [("a", 2, True), (".b", 3, True), ("c", 6, False)]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("\n{{ .A", 2, "not closed"),
        ('{{ "a\n" }}', 1, "text in quotes is not closed"),
        ("{{ `a }}", 1, "back quotes"),
        ("{{ 'a }}", 1, "character in quotes"),
        ("{{/* a }}", 1, "comment is not closed"),
        ("{{/* a */ b}}", 1, "comment must be alone"),
        ("{{ a ? }}", 1, "unexpected character '?'"),
        ("{{ .A/ }}", 1, "unexpected character '/' after `.A`"),
        ("{{ 1x_é }}", 1, "unexpected character 'é'"),
    ],
)
def test_a_mistake_names_its_line(text, line, message):
    with pytest.raises(TemplateError, match=message.replace("?", r"\?")) as caught:
        tokens(text, "file.toml")
    assert (caught.value.file, caught.value.line) == ("file.toml", line)
