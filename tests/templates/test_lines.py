"""Which line of a template is behind a line of the text that it gave."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resticprof.templates.data import ConfigData, NameData
from resticprof.templates.render import TemplateSet

DATA = ConfigData(now=datetime.now(timezone.utc), profile=NameData(name="x"))

GO = """\
a: 1
{{ define "x" }}
zz
{{ end }}
{{- /* a comment */ -}}

b: {{ .Profile.Name }}
{{ range list "1" "2" -}}
l{{ . }}: 1
m: 2
{{ end -}}
{{ template "x" . }}
{{- if false }}
nobody: sees this
{{ end }}
end: 1
"""

JINJA = """\
{# a comment
   of two lines #}
a: 1
{%- for x in ["1", "2"] %}
l{{ x }}: 1
m: 2
{%- endfor %}
{% macro twice(text) %}{{ text }}
{{ text }}{% endmacro %}
b: {{ profile.name }}
{{ twice("t: 1") }}
end: 1
"""


def lines(text, language="auto"):
    rendered = TemplateSet().rendered(text, DATA, language=language)
    return dict(zip(rendered.text.split("\n"), rendered.lines, strict=True))


def test_lines_of_go():
    found = lines(GO)
    expected = {"a: 1": 1, "b: x": 7, "l1: 1": 9, "l2: 1": 9, "m: 2": 10, "zz": 12, "end: 1": 16}
    assert found.items() >= expected.items()


def test_lines_of_jinja():
    found = lines(JINJA)
    expected = {"a: 1": 3, "l1: 1": 5, "l2: 1": 5, "m: 2": 6, "b: x": 10, "end: 1": 12}
    assert found.items() >= expected.items()
    assert found["t: 1"] in (11, 12)


def test_text_without_actions_is_the_template_itself():
    assert TemplateSet().rendered("a\nb\n", DATA).lines == ()


@pytest.mark.parametrize("language", ["go", "jinja2"])
@given(
    st.lists(
        st.sampled_from(["plain\n", '{{ "x" }}\n', '{{ "y" }}', "\n", "a b", '{{- "z" -}}', "\n\n"])
    )
)
def test_every_line_of_text_is_one_of_the_template(language, pieces):
    text = "".join(pieces) + "{{ 1 }}"
    rendered = TemplateSet().rendered(text, DATA, language=language)
    assert len(rendered.lines) == rendered.text.count("\n") + 1
    assert list(rendered.lines) == sorted(rendered.lines)  # no loops: never backwards
    assert all(1 <= line <= text.count("\n") + 1 for line in rendered.lines)


@given(st.lists(st.sampled_from(["one", "two {{ .Profile.Name }}", "{{ 1 }}", ""]), min_size=1))
def test_actions_that_give_one_line_move_nothing(written):
    text = "\n".join([*written, "{{ 1 }}"])
    rendered = TemplateSet().rendered(text, DATA, language="go")
    assert rendered.lines == tuple(range(1, len(written) + 2))
