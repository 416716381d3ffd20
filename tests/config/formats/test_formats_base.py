"""Which format a file has, and how its bytes become text."""

from __future__ import annotations

import pytest

from resticprof.config.formats import base
from resticprof.errors import ConfigError, UsageError


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "iso-8859-1"])
def test_text_without_a_utf16_mark_is_utf8_or_latin1(encoding):
    assert base.decode('tag = "dépôt"\n'.encode(encoding)) == 'tag = "dépôt"\n'


@pytest.mark.parametrize(
    ("mark", "encoding"), [(b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")]
)
def test_text_with_a_utf16_mark_is_utf16(mark, encoding):
    assert base.decode(mark + "dépôt €\n".encode(encoding)) == "dépôt €\n"


def test_a_broken_utf16_file_is_read_with_replacements():
    assert base.decode(b"\xff\xfea\x00b") == "a\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("profiles.toml", "toml"),
        ("profiles.conf", "toml"),
        ("/etc/x.d/profiles.yaml", "yaml"),
        ("profiles.yml", "yaml"),
        ("profiles.JSON", "json"),
        ("a.b.hcl", "hcl"),
    ],
)
def test_the_extension_names_the_format(file, name):
    assert base.format_of(file) == name


@pytest.mark.parametrize("override", ["toml", "conf", "TOML", ".toml"])
def test_the_option_overrides_the_extension(override):
    assert base.format_of("config.yaml", override) == "toml"


@pytest.mark.parametrize("file", ["config.txt", "config.tom", "config.", "config", ".toml/config"])
def test_an_unknown_extension_is_a_problem_that_names_the_known_ones_and_the_option(file):
    with pytest.raises(ConfigError) as raised:
        base.format_of(file)
    [problem] = raised.value.problems
    assert problem.file == file
    assert "conf, hcl, json, toml, yaml, yml" in problem.text
    assert "--format" in problem.text


def test_an_unknown_format_option_is_a_mistake_on_the_command_line():
    with pytest.raises(UsageError, match="no format `ini`; there are: conf, hcl"):
        base.format_of("profiles.toml", "ini")


def test_every_suffix_that_is_searched_belongs_to_a_format_and_the_other_way_round():
    suffixes = [suffix for name in base.NAMES for suffix in base.load(name).SUFFIXES]
    assert sorted(suffixes) == sorted(base.SEARCH_ORDER)
