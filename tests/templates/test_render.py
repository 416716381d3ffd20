"""The two languages behind one door."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from resticprof.errors import TemplateError
from resticprof.model.run import Failure, Outcome, Report, StepReport
from resticprof.templates.data import ConfigData, ErrorData, HookData, NameData, TextMap
from resticprof.templates.render import TemplateSet

NOW = datetime(2024, 2, 9, 15, 4, 5, tzinfo=timezone.utc)
DATA = ConfigData(
    now=NOW,
    profile=NameData(name="work"),
    os="linux",
    env=TextMap(DATABASES="one two skip three stop four"),
)


def hook(**fields):
    return HookData(now=NOW, profile_name="default", profile_command="backup", **fields)


def test_a_text_without_templates_is_returned_as_it_is():
    text = "# {# no comment #} ${HOME} { { .OS } }"
    assert TemplateSet().render(text, DATA, file="a.toml") == text
    assert TemplateSet().render("{% not for go %}", DATA, language="go") == "{% not for go %}"


def test_definitions_are_shared_with_later_files():
    templates = TemplateSet()
    main = '{{ define "common" }}tag = "{{ .Profile.Name }}"{{ end }}a'
    assert templates.render(main, DATA, file="main.toml") == "a"
    templates.render('{{ define "excludes" }}x{{ end }}', DATA, file="defines.toml")
    text = '{{ template "common" . }} {{ template "excludes" . }}'
    assert templates.render(text, DATA, file="include.toml") == 'tag = "work" x'


def test_a_definition_of_a_later_file_cannot_be_used():
    with pytest.raises(TemplateError, match="the template `x` is not defined"):
        TemplateSet().render('{{ template "x" . }}', DATA)


def test_a_later_definition_replaces_an_earlier_one_unless_it_is_blank():
    templates = TemplateSet()
    for body in ("one", "two", " "):
        templates.render(f'{{{{ define "x" }}}}{body}{{{{ end }}}}', DATA)
    assert templates.render('{{ template "x" . }}', DATA) == "two"


def test_profiles_can_be_generated():
    text = (
        '# {{ $databases := .Env.DATABASES | split " " }}\n'
        '{{ range $db := $databases }}{{ if eq $db "skip" }}{{ continue }}{{ end }}'
        '{{ if eq $db "stop" }}{{ break }}{{ end }}[{{ $db | upper }}]\n{{ end }}'
    )
    assert TemplateSet().render(text, DATA) == "# \n[ONE]\n[TWO]\n[THREE]\n"


def test_the_documented_body_is_blank_where_nothing_failed():
    body = '{ "profileName": "{{ .ProfileName }}", "exitCode": "{{ .Error.ExitCode }}" }'
    assert TemplateSet().render(body, hook()) == '{ "profileName": "default", "exitCode": "" }'


def test_a_body_sees_what_failed():
    body = (
        "{{ .ProfileName | upper }} {{ .ProfileCommand }} on {{ .OS }}\n"
        "{{ if .Error.Message }}failed: {{ .Error.Message }} code: {{ .Error.ExitCode }} "
        'stderr: {{ .Error.Stderr | replace "\\n" "|" }}{{ else }}success{{ end }} [{{ .Stdout }}]'
    )
    error = ErrorData(message="exit status 3", exit_code="3", stderr="one\ntwo\n")
    assert TemplateSet().render(body, hook(os="linux")) == "DEFAULT backup on linux\nsuccess []"
    assert TemplateSet().render(body, hook(os="linux", error=error)) == (
        "DEFAULT backup on linux\nfailed: exit status 3 code: 3 stderr: one|two| []"
    )


def test_a_body_in_gos_language_sees_the_report():
    report = Report(
        run_id="6f2d",
        profile="work",
        command="backup",
        host="nas",
        started=NOW,
        outcome=Outcome.FAILED,
        failure=Failure(message="it broke"),
        steps=(StepReport(name="check", exit_code=0, seconds=1.5),),
        log=((20, "a line"),),
    )
    body = (
        "{{ .Report.RunID }} {{ .Report.Outcome }} {{ .Report.Failure.Message }} "
        '{{ .Report.Started.Format "2006-01-02" }} {{ .Report.Seconds }} '
        "{{ range .Report.Steps }}{{ .Name }} {{ .Seconds }}{{ end }} "
        "{{ range .Report.Log }}{{ index . 1 }}{{ end }} {{ .Report.Summary.FilesNew }}"
    )
    assert TemplateSet().render(body, hook(report=report)) == (
        "6f2d failed it broke 2024-02-09 0 check 1.5 a line <no value>"
    )


def test_the_language_can_be_given():
    assert TemplateSet().render("{{ 'a' }}", DATA, language="jinja2") == "a"
    assert TemplateSet().render("{{ 'a' }}", DATA, language="go") == "97"


def test_a_mistake_reads_as_file_line_text():
    with pytest.raises(TemplateError) as caught:
        TemplateSet().render("\n{{ .NoSuchField }}", DATA, file="profiles.toml")
    assert (
        str(caught.value)
        == "profiles.toml:2: there is no `NoSuchField` in a value of type ConfigData"
    )
