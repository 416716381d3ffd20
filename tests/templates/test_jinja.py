"""Templates in Jinja2."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from resticprof.errors import TemplateError
from resticprof.model.run import Outcome, Report, StepReport, Summary
from resticprof.templates.data import ConfigData, ErrorData, HookData, NameData, TextMap
from resticprof.templates.render import TemplateSet

NOW = datetime(2024, 2, 9, 15, 4, 5, tzinfo=timezone.utc)
CONFIG = ConfigData(
    now=NOW,
    profile=NameData(name="work"),
    config_dir="/etc/resticprof",
    os="linux",
    hostname="nas",
    env=TextMap(HOME="/root"),
)
HOOK = HookData(
    now=NOW,
    profile_name="work",
    profile_command="backup",
    error=ErrorData(message="exit status 3", exit_code="3"),
    report=Report(
        run_id="6f2d",
        profile="work",
        command="backup",
        host="nas",
        started=NOW,
        outcome=Outcome.WARNING,
        summary=Summary(files_new=12),
        steps=(StepReport(name="backup", exit_code=3, seconds=1.5),),
    ),
)


def render(text, data=CONFIG, **functions):
    return TemplateSet(functions).render(text, data, file="body.j2")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ Profile.Name }} {{ profile.name }} {{ Profile.name }}", "work work work"),
        (
            "{{ ConfigDir }} {{ config_dir }} {{ OS }} {{ os }}",
            "/etc/resticprof /etc/resticprof linux linux",
        ),
        ("{{ Env.HOME }} {{ Env['HOME'] }} {{ env.HOME }}", "/root /root /root"),
        ("{{ Env.NOPE | default('x') }}", "x"),
        ("{{ Now.year }} {{ now.strftime('%F') }}", "2024 2024-02-09"),
        ("{% if OS == 'linux' %}yes{% endif %}{# comment #}\n", "yes\n"),
        ("{# only a comment #}x", "x"),
        ("{{ contains('a', 'abc') }} {{ 'abc' | contains('z') }}", "true false"),
        ("{{ 'a-b' | replace('-', '+') }} {{ 'A' | lower }}", "a+b a"),
        (
            "{{ 'abc' | matches('^a') }} {{ 'plain' | base64 }} {{ hex('plain') }}",
            "true cGxhaW4= 706c61696e",
        ),
        ("{{ 'seed' | randInt(123, 456) }} {{ split(',', 'a,b') | join(';') }}", "434 a;b"),
        ("{{ none }}|{{ true }}|{{ '<&>' }}|{{ none ~ true ~ os }}", "|true|<&>|truelinux"),
        ("{{ profile['name'] }}{{ profile | attr('name') }}", "workwork"),
    ],
)
def test_a_template_is_filled_in(text, expected):
    assert render(text) == expected


def test_the_report_can_be_read():
    text = (
        "{{ report.run_id }} {{ Report.RunID }} {{ report.outcome }} {{ report.summary.files_new }}"
        "{% if report.outcome == 'warning' %} warned{% endif %} [{{ report.summary.files_total }}]"
        "{% for step in Report.Steps %} {{ step.name }}={{ step.ExitCode }}{% endfor %}"
        " {{ report.seconds }} {{ error.exit_code }}{{ Error.ExitCode }}"
    )
    assert render(text, HOOK) == "6f2d 6f2d warning 12 warned [] backup=3 0.0 33"


def test_a_function_hides_a_field_of_its_name():
    assert render("{{ env() }} {{ Env.HOME }}", env=lambda: "/t/work.env") == "/t/work.env /root"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("\n{{ nosuch }}", 2, "'nosuch' is undefined"),
        ("\n\n{{ profile.names }}", 3, "names"),
        ("{{ 1 + }}", 1, "unexpected"),
        ("{% if x %}", 1, "unexpected end of template"),
        ("\n{% nosuch %}", 2, "encountered unknown tag 'nosuch'$"),
        ("\n{{ contains }}", 2, "this is a function"),
        ("\n{{ '/tmp/' ~ contains }}", 2, "this is a function"),
        ("\n{{ contains | trim }}", 2, "this is a function"),
        ("\n{{ (''|attr('__class__')) and 1 }}", 2, "unsafe"),
        ("\n{{ 'x' | nosuch }}", 2, "[Nn]o filter named 'nosuch'"),
        ("\n{{ 1 / 0 }}", 2, "division by zero"),
        ("{{ Env.NOPE }}", 1, "NOPE"),
        ("\n{{ 'a' | matches('(') }}", 2, "is not a regular expression"),
        ("{{ ''.__class__.__mro__ }}", 1, "unsafe"),
        ("{{ 'x' * 10**10 }}", 1, "grows beyond"),
        ("{{ 10 ** 10000000000 }}", 1, "grows beyond"),
        ("{% include 'x' %}", 1, "loader"),
        ("{{ range(10**9) }}", 1, "too big"),
    ],
)
def test_a_mistake_names_file_and_line(text, line, message):
    with pytest.raises(TemplateError, match=message) as caught:
        render(text)
    assert (caught.value.file, caught.value.line) == ("body.j2", line)


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}",
        "{% for a in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% for a in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{% for a in range(60) %}{% set n.x = [n.x, n.x] | join %}{% endfor %}",
        "{% for a in range(60) %}{% set n.x = ''.join([n.x, n.x]) %}{% endfor %}",
        "{% for a in range(60) %}{% set n.x = '%s%s' % (n.x, n.x) %}{% endfor %}",
        "{% for a in range(60) %}{% set x %}{{n.x}}{{n.x}}{% endset %}{% set n.x=x %}{% endfor %}",
    ],
)
def test_a_template_without_end_is_a_mistake(text):
    with pytest.raises(TemplateError, match=r"^body\.j2:1: .*(grows|does not end)"):
        render("{% set n = namespace(x='xx') %}" + text)


def test_an_argument_may_have_any_name():
    macro = "{% macro m(context, obj) %}{{ context }}{{ obj }}{% endmacro %}"
    assert render(macro + "{{ m(obj=1, context=2) }}") == "21"


def test_a_loop_knows_its_length_and_its_place():
    text = "{% for x in 'ab' %}{{ loop.index }}/{{ loop.length }}{{ loop.last }} {% endfor %}"
    assert render(text) == "1/2false 2/2true "


def test_a_macro_without_end_is_a_mistake():
    with pytest.raises(TemplateError, match="nested too deeply"):
        render("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}")
