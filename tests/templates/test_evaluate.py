"""What templates in Go's language give.

`go.json` holds templates and what Go's text/template (1.26) made of them, null for an error.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from resticprof.errors import TemplateError
from resticprof.model.types import Secret
from resticprof.templates.data import NameData, TextMap
from resticprof.templates.render import TemplateSet

RECORDED = json.loads((Path(__file__).parent / "go.json").read_text())


class Failure(msgspec.Struct, frozen=True):
    message: str = ""
    exit_code: str = ""


class Data(msgspec.Struct):
    profile: NameData
    now: datetime
    env: TextMap
    list: list  # noqa: A003 - the names are those of the recording
    map: dict
    error: Failure = Failure()
    number: int = 42
    float: float = 2.5  # noqa: A003
    true: bool = True
    nothing: object = None
    os: str = "linux"


DATA = Data(
    profile=NameData(name="work"),
    now=datetime(2024, 3, 30, 16, 5, 9, 120456, ZoneInfo("Europe/Berlin")),
    env=TextMap(HOME="/root", EMPTY=""),
    list=["a", 2, 3.5, None, True],
    map={"b": 2, "a": "x", "l": [1, "y"], "n": None, "m": {"k": "v"}},
)


def render(text, **functions):
    return TemplateSet(functions).render(text, DATA, file="file", language="go")


@pytest.mark.parametrize(("text", "expected"), RECORDED, ids=range(len(RECORDED)))
def test_a_template_gives_what_go_gives(text, expected):
    if expected is None:
        with pytest.raises(TemplateError):
            render(text)
    else:
        assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ .Hots }}", "file:1: there is no `Hots` in a value of type Data"),
        ("{{ .profile.name }}", "no `profile` in a value of type Data; did you mean `Profile`"),
        ("\n{{ .Profile.Names }}", "file:2: there is no `Names` .* did you mean `Name`"),
        ("{{ index .List 9 }}", "`index`: the index 9 is not in the range from 0 to 4"),
        ("{{ lower }}", "`lower` has missing a required argument: 'text'"),
        ('{{ template "x" }}', "the template `x` is not defined"),
        ("{{ .Now.AddDate 1 }}", "`AddDate` takes 3 arguments, not 1"),
        ('{{ .Now.AddDate "1" 0 0 }}', "`AddDate` does not take a value of type string"),
        ("{{ .Now.AddDate 9999 0 0 }}", "year .* out of range"),
        ("{{ eq 1 1.0 }}", "int and float64 cannot be compared"),
        ("{{ .OS 3 }}", "`OS` is no method"),
        ("{{ nil }}", "`nil` cannot stand alone"),
        ("{{ .Env.NOPE | upper }}", "there is no value; `or` can give another"),
    ],
)
def test_a_mistake_is_explained_with_file_and_line(text, message):
    with pytest.raises(TemplateError, match=message):
        render(text)


def test_a_mistake_in_a_definition_names_the_line_where_it_is_written():
    templates = TemplateSet()
    templates.render('\n\n{{ define "x" }}\n{{ .Nope }}{{ end }}', DATA, file="main", language="go")
    with pytest.raises(TemplateError) as caught:
        templates.render('{{ template "x" . }}', DATA, file="include", language="go")
    assert (caught.value.file, caught.value.line) == ("main", 4)


def test_an_injected_function_is_called():
    assert render('{{ tempFile "a" }}{{ env }}', tempFile=lambda n: f"/t/{n}", env=lambda: "!") == (
        "/t/a!"
    )


def test_an_injected_function_that_fails_is_a_mistake_of_the_template():
    def full():
        raise OSError("no space left")

    with pytest.raises(TemplateError, match="file:1: no space left"):
        render("{{ tempDir }}", tempDir=full)


def test_an_unknown_function_is_called_only_when_it_was_injected():
    with pytest.raises(TemplateError, match="no function `tempDir`"):
        render("{{ tempDir }}")


class Confidential(msgspec.Struct):
    password: Secret


def test_a_secret_is_never_printed():
    data = Confidential(Secret("topsecret"))
    text = "{{ .Password }} {{ . }} {{ print .Password | upper }} {{ json . }} {{ json .Password }}"
    assert TemplateSet().render(text, data) == '××× {×××} ××× {"password": "×××"} "×××"'


@pytest.mark.parametrize(
    "text",
    [
        '{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}',
        "{{ range 10000000000 }}{{ end }}",
        "{{ range 100000000 }}0123456789{{ end }}",
        '{{ $x := "0123456789" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}',
        '{{ $x := "0123456789" }}{{ range 60 }}{{ $x = replace "0" $x $x }}{{ end }}',
        '{{ $x := "0123456789" }}{{ range 60 }}{{ $x = replaceR "0" $x $x }}{{ end }}',
        '{{ $x := "0123456789" }}{{ range 60 }}{{ $x = split "" $x | join $x }}{{ end }}',
        "{{ range 99 }}" * 99 + "{{ end }}" * 99,
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ if 1 }}" * 5000 + "{{ end }}" * 5000,
        '{{ printf "%1000000d%1000000d" 1 2 | printf "' + "%[1]s" * 9 + '" }}',
    ],
)
def test_a_template_without_end_is_a_mistake(text):
    with pytest.raises(TemplateError):
        render(text)
