"""Which language a template is written in."""

from __future__ import annotations

import pytest

from resticprof.templates.render import language_of

GO = [
    "{{ .Profile.Name }}",
    '{{ $name := "x" }}',
    "{{ $name }}",
    '{{ define "x" }}a{{ end }}',
    '{{- template "x" . -}}',
    "{{/* a comment */}}",
    "{{- /* it's a comment */ -}} {{ hostname }}",
    "{{ or true false | print }}",
    "{{ tempFile `a` }}",
    '{{ tempFile "a" }}',
    "{{ env }}",
    "{{env}}",
    '{{ "a" | contains "b" }}',
    "{{ range $i, $e := .List }}{{ end }}",
    "{{ (.Now.AddDate 0 0 1).Format `2006` }}",
    "{{ nosuch 1 }}",
    "{{ if }}",
    '{{ or .Env.A .Env.B "c" }}',
    '{{ "no decision" }}',
    "{{ -3 }}",
    '{{ printf "%d, {} [x](y)" 3 }}',
    "# {% not a tag %} {{ .OS }}",
    "{{ not .Env.A }}",
    "{{ with map `a` 1 }}{{ .a }}{{ end }}",
    "{{ .OS }} {% if x %}{% endif %}",
    "{{ unclosed",
]
JINJA = [
    "{% if os == 'linux' %}x{% endif %}",
    "{%- set x = 1 -%}",
    "{{ hostname }}",
    "{{ env.HOME }}",
    "{{ 1 + 2 }}",
    "{{ true and false }}",
    "{{ Profile.Name }}",
    "{{ profile.name | upper }}",
    '{{ Env.HOME or "x" }}',
    "{{ 'a' ~ 'b' }}",
    '{{ contains("a", "b") }}',
    "{{ a if b else c }}",
    "{{ [1, 2] | join(',') }}",
    "{{ not done }}",
    "{{ now.strftime('%Y') }}",
    "{% raw %}{{ .Names }}{% endraw %}",
    '{{ "a" }}{{ hostname }}{{ .OS }}',
]


@pytest.mark.parametrize("text", GO)
def test_what_go_alone_can_read_is_go(text):
    assert language_of("profiles.toml", text) == "go"


@pytest.mark.parametrize("text", JINJA)
def test_what_jinja_alone_can_read_is_jinja(text):
    assert language_of("profiles.toml", text) == "jinja2"


@pytest.mark.parametrize(
    ("file", "language"),
    [
        ("a.toml.j2", "jinja2"),
        ("dir.d/a.jinja", "jinja2"),
        ("a.JINJA2", "jinja2"),
        ("a.gotmpl", "go"),
        ("a.json.tmpl", "go"),
    ],
)
def test_the_name_of_the_file_decides_first(file, language):
    assert language_of(file, "{{ x }} {{ .Y }}") == language
    assert language_of(file, "{{ .Y }} {{ x }}") == language


def test_a_text_without_actions_is_go():
    assert language_of("a.toml", "run-before = 'echo {# {}'") == "go"
