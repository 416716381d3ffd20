"""How tokens become nodes."""

from __future__ import annotations

import pytest

from resticprof.errors import TemplateError
from resticprof.templates import parser
from resticprof.templates.nodes import (
    Action,
    Chain,
    Command,
    Dot,
    Function,
    If,
    Literal,
    Pipeline,
    Range,
    Text,
    Variable,
)

FUNCTIONS = {"print", "index"}


def nodes(text):
    return parser.parse(text, "file", FUNCTIONS)[0].body


def pipeline(text):
    [action] = nodes(text)
    return action.pipeline


def test_a_field_is_taken_from_dot():
    assert nodes("{{ .A.B }}") == (
        Action(Pipeline((Command((Chain(Dot(), ("A", "B")),)),)), line=1),
    )


def test_fields_are_taken_from_parentheses_and_variables():
    assert pipeline("{{ (print 1).A $.B }}").commands[0].operands == (
        Chain(Pipeline((Command((Function("print"), Literal(1))),)), ("A",)),
        Chain(Variable("$"), ("B",)),
    )


def test_a_field_after_a_blank_is_an_argument():
    assert pipeline("{{ print .A .B }}").commands[0].operands[1:] == (
        Chain(Dot(), ("A",)),
        Chain(Dot(), ("B",)),
    )


def test_a_range_declares_two_variables():
    [loop] = nodes("{{ range $i, $e := .L }}{{ $i }}{{ else }}none{{ end }}")
    assert isinstance(loop, Range)
    assert loop.pipeline.variables == ("$i", "$e")
    assert loop.otherwise == (Text("none", 1),)


def test_else_if_is_an_if_within_else():
    [first] = nodes("{{ if .A }}a{{ else if .B }}b{{ else }}c{{ end }}")
    [second] = first.otherwise
    assert isinstance(second, If)
    assert second.otherwise == (Text("c", 1),)


def test_definitions_are_apart_from_the_template():
    main, defined = parser.parse('{{ define "a" }}x{{ end }}y{{ block "b" . }}z{{ end }}', "f", ())
    assert [type(node).__name__ for node in main.body] == ["Text", "Call"]
    assert {name: template.body for name, template in defined.items()} == {
        "a": (Text("x", 1),),
        "b": (Text("z", 1),),
    }


def test_a_blank_definition_gives_way():
    _, defined = parser.parse(
        '{{define "a"}} {{end}}{{define "a"}}x{{end}}{{define "a"}}{{end}}', "f", ()
    )
    assert defined["a"].body == (Text("x", 1),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ nosuch 1 }}", "no function `nosuch`"),
        ("{{ $x }}", r"no variable `\$x`"),
        ("{{ if }}x{{ end }}", "`}}` in if"),
        ("{{ if 1 }}x", "`if` has no `end`"),
        ("{{ end }}", "`end` has nothing to end"),
        ("{{ else }}", "`else` has nothing to end"),
        ("{{if 1}}{{else}}{{else}}{{end}}", "second `else`"),
        ("{{ break }}", "outside of a `range`"),
        ("{{range 3}}{{else}}{{break}}{{end}}", "outside of a `range`"),
        ('{{range 3}}{{block "a" .}}{{break}}{{end}}{{end}}', "outside of a `range`"),
        ('{{if 1}}{{define "a"}}{{end}}{{end}}', "`define` inside of a `if`"),
        ('{{define "a"}}x{{end}}{{define "a"}}y{{end}}', "defined twice"),
        ("{{ template a }}", "name of a template in quotes"),
        ("{{ (1 }}", r"where `\)` should be"),
        ("{{ 1) }}", "where `}}` should be"),
        ('{{ "a""b" }}', "where a blank should be"),
        ('{{ "a".x }}', "has no fields"),
        ("{{ 1 | 2 }}", "what follows `|`"),
        ("{{ | print }}", "a value should be"),
        ('{{ if .OS == "x" }}', "`=` in if, where a value should be; `eq` compares"),
        ("{{ .A | pirnt }}", "there is no function `pirnt`; did you mean `print`"),
        ("{{ 08 }}", "is not a number"),
        ("{{with $x, $y := 1}}{{end}}", "no variable"),
        ("{{ end x }}", "`end` has nothing"),
        ("{{if 1}}{{end x}}", "`x` after `end`"),
    ],
)
def test_a_mistake_is_explained(text, message):
    with pytest.raises(TemplateError, match=message):
        nodes(text)


def test_a_mistake_names_file_and_line():
    with pytest.raises(TemplateError) as caught:
        nodes("\n\n{{ nosuch }}")
    assert str(caught.value) == "file:3: there is no function `nosuch`"


def test_variables_end_with_their_statement():
    nodes("{{ if $x := 1 }}{{ $x }}{{ else }}{{ $x }}{{ end }}")
    with pytest.raises(TemplateError, match="no variable"):
        nodes("{{ if $x := 1 }}{{ end }}{{ $x }}")


def test_a_definition_sees_no_variables_from_outside():
    with pytest.raises(TemplateError, match="no variable"):
        nodes('{{ $x := 1 }}{{ define "a" }}{{ $x }}{{ end }}')
