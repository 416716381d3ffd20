"""Whatever the text, there is a text or a `TemplateError`, and soon."""

from __future__ import annotations

from datetime import datetime, timezone

from hypothesis import given
from hypothesis import strategies as st

from resticprof.errors import TemplateError
from resticprof.templates import printf
from resticprof.templates.data import ConfigData, NameData, TextMap
from resticprof.templates.render import TemplateSet, language_of

DATA = ConfigData(
    now=datetime(2024, 2, 9, tzinfo=timezone.utc),
    profile=NameData(name="work"),
    env=TextMap(HOME="/root"),
)
PIECES = (  # noqa: SIM905 - easier to read
    "{{ }} {{- -}} {{/* */}} {% %} {# #} ( ) | , := = . $ $x .Now .Env .OS .Profile.Name .Nope "
    "if else end range with define template block break continue nil true false and or not "
    "eq lt len index slice print printf println html js urlquery call "
    "contains matches replaceR split splitR join list map base64 randInt upper "
    "for endfor in endif set x range(3) | upper 'a' \" ` \\ 0 1 -1 2.5 1e9 0x 9999999999 "
    '"a" "x" "%d" "%*s" "%[2]q" "%v%!" "(" "[[:a" "$1" .Format .AddDate .Weekday .Sub .Add é \udcff'
).split(" ")
ACTIONS = (
    "{{ %s }}",
    "{{ %s -}} ",
    "{{ $x := %s }}{{ $x }}",
    "{{ range %s }}{{ . }}{{ end }}",
    "{{ range $i, $x := %s }}{{ $i }}{{ $x }}{{ else }}{{ break }}{{ end }}",
    "{{ with %s }}{{ . }}{{ end }}",
    "{{ if %s }}a{{ else if %s }}b{{ end }}",
    '{{ block "x" %s }}{{ . }}{{ end }}',
    "{%% for y in %s %%}{{ y }}{%% endfor %%}",
    "{{ %s | %s }}",
)

words = st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join)
actions = st.sampled_from(ACTIONS).flatmap(
    lambda action: st.tuples(*[words] * action.replace("%%", "").count("%s")).map(
        lambda inside: action % inside
    )
)
texts = st.one_of(st.text(), words, st.lists(actions, max_size=4).map("".join))


@given(texts, st.sampled_from(["go", "jinja2", "auto"]))
def test_a_text_gives_a_text_or_a_mistake(text, language):
    try:
        result = TemplateSet({"env": lambda: "/t"}).render(text, DATA, file="f", language=language)
    except TemplateError as error:
        result = error.file
    assert isinstance(result, str)


@given(st.text(), texts)
def test_every_text_has_a_language(file, text):
    assert language_of(file, text) in ("go", "jinja2")


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
directives = st.from_regex(
    r"%[-+# 0]{0,3}(\[\d\])?(\*|\d{0,2})(\.\*|\.\d{0,2})?[a-zA-Z%]", fullmatch=True
)


@given(st.lists(directives | st.text(), max_size=4).map("".join), st.lists(values, max_size=4))
def test_printf_prints_anything(template, arguments):
    assert isinstance(printf.printf(template, *arguments), str)
