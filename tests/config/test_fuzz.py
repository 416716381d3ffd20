"""Whatever is in the files: a configuration, or problems that say where; never a traceback."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resticprof.cli import render
from resticprof.commands import check_config, listing, show
from resticprof.config import keys, load
from resticprof.config.configuration import Configuration
from resticprof.config.formats import base
from resticprof.errors import Error
from resticprof.model.config import Global, Group, Profile, Schedule, Section, Webhook
from resticprof.monitors import registry
from resticprof.runs import template_data
from tests.config.formats.emitters import emit

EXAMPLES = Path(__file__).parent / "formats" / "examples"

NAMES = ["home", "base", "HOME", "a.b", "default", "all", "x-y", ""]
TOP = ["version", "global", "groups", "includes", "mixins", "profiles", *NAMES]
SECTIONS = ["backup", "retention", "copy", "init", "snapshots", "tag", "cache", "forget", "key-add"]
OTHERS = ["use", "inherit", "monitor", "keep-daily", "exclude-caches", "nope", "name", "vars"]
MARKS = ["{}...", "...{}", "{}__APPEND", "{}__prepend", "{}"]
WORDS = sorted(
    {
        key
        for table in (Global, Group, Profile, Schedule, Section, Webhook)
        for key in keys.fields(table)
    }
    | {f"schedule-{key}" for key in keys.fields(Schedule)}
    | set(SECTIONS)
    | set(OTHERS)
    | set(registry.names())
)
KEYS = st.builds(str.format, st.sampled_from(MARKS), st.sampled_from([*WORDS, *NAMES]))

SCALARS = st.one_of(
    st.sampled_from(
        [
            *(
                "home",
                "base",
                "true",
                "1",
                "-1",
                "0",
                "",
                "nope",
                "daily",
                "*:0/5",
                "2024-02-30",
                "~",
            ),
            *(
                "~/x",
                "~nobody/x",
                "$HOME/x",
                "${NOPE}",
                "$$",
                "${",
                "%h",
                "/tmp",
                ".",
                "[",
                "*.[",
                "a\x00b",
            ),
            *(
                "rest:https://u:p@h/",
                "https://h/x?y=z",
                "://",
                "10m",
                "1e400",
                "nan",
                "inf",
                "99999h",
            ),
            *("{{ .Profile.Name }}", "{{ .Nope }}", "{{ range }}", "{% x %}", "{{ profile.name }}"),
        ]
    ),
    st.text(max_size=6),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
)
REFERENCES = st.dictionaries(
    st.sampled_from(["env", "file", "credential", "command"]),
    st.sampled_from(["HOME", "NOPE", "/nope", "", "../x", "exit 1", "a\x00b"]),
    min_size=1,
    max_size=2,
)


def tables(values, names=KEYS):
    return st.dictionaries(names, values, max_size=5).filter(
        lambda table: len({key.lower() for key in table}) == len(table)
    )


VALUES = st.recursive(
    SCALARS | REFERENCES,
    lambda inner: st.lists(inner, max_size=3) | tables(inner),
    max_leaves=8,
)
PROFILE = tables(st.one_of(VALUES, tables(VALUES)))
VERSION_1 = tables(st.one_of(PROFILE, VALUES), st.sampled_from(TOP))
VERSION_2 = st.fixed_dictionaries(
    {
        "version": st.sampled_from(["2", 2, 2.0, "3"]),
        "profiles": tables(st.one_of(PROFILE, SCALARS), st.sampled_from(NAMES)),
    },
    optional={
        "mixins": tables(st.one_of(PROFILE, SCALARS), st.sampled_from(NAMES)),
        "groups": tables(st.one_of(tables(VALUES), VALUES), st.sampled_from(NAMES)),
        "global": st.one_of(tables(VALUES), VALUES),
        "includes": st.one_of(SCALARS, st.lists(SCALARS, max_size=3)),
        "other": VALUES,
    },
)

calm = settings(suppress_health_check=list(HealthCheck), deadline=None)


@pytest.fixture(autouse=True)
def _no_commands_at_a_distance(monkeypatch, tmp_path):
    """References and paths of random texts stay in an empty folder."""
    monkeypatch.chdir(tmp_path)


def look(text: str, format_name: str) -> None:
    """All that looks at a configuration: opening, listing, showing, explaining, checking."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"profiles.{format_name}"
        file.write_bytes(text.encode("utf-8", "surrogatepass"))

        def read():
            renderer = template_data.Renderer(file)
            return Configuration(load.Files(file, "", renderer.of_profile), renderer.env_files)

        for finding in check_config.check(read):
            assert str(finding)
        with contextlib.suppress(Error):
            configuration = read()
            listing.listing(configuration)
            for name in [*configuration.names(), "default", "all"]:
                _look_at(configuration, name)


def _look_at(configuration: Configuration, name: str) -> None:
    with contextlib.suppress(Error):
        for title, part in show.shown(configuration, name).items():
            assert render.block(title, part).startswith(title)
    with contextlib.suppress(Error):
        show.explained(configuration, name)
    with contextlib.suppress(Error):
        configuration.read_profile(name)


@pytest.mark.parametrize("name", base.NAMES)
@given(tree=st.one_of(VERSION_1, VERSION_2), spread=st.booleans())
@settings(calm, max_examples=60)
def test_any_tree(name, tree, spread):
    look(emit(name, tree, spread=spread), name)


PIECES = st.sampled_from(
    [
        *("{{", "}}", "{%", "%}", "{#", "{{ .Profile.Name }}", "{{ end }}", "{{ range list 1 2 }}"),
        *"{}[]=:,.\"'#\n\t $-<&*!|>%@?~",
        *(
            "\n",
            "  ",
            '"',
            "[[",
            "]]",
            ": ",
            "- ",
            "= ",
        ),
        *("inherit", "use", "home", "version", "2", "null", "true", "...", "\x00", "\ud800", "é"),
    ]
)


@given(data=st.data())
@settings(calm, max_examples=150)
def test_any_damage_to_an_example(data):
    name = data.draw(st.sampled_from(base.NAMES))
    stem = data.draw(st.sampled_from(["same", "healthchecks", "global", "body-template"]))
    text = (EXAMPLES / f"{stem}.{name}").read_text()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        text = text[:start] + data.draw(PIECES | st.just("")) + text[end:]
    look(text, name)
