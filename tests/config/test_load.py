"""Files are found, rendered, parsed and included; every place is one of the files as written."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resticprof.config import load
from resticprof.config.find import find
from resticprof.config.problems import Problems
from resticprof.errors import ConfigError, Error
from resticprof.runs import template_data
from tests.kit.configuration import opened


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def writer(**texts):
        for name, text in texts.items():
            file = tmp_path / name.replace("__", ".").replace("_in_", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return tmp_path

    return writer


def files(name):
    file = find(name)
    return load.Files(file, "", template_data.Renderer(file).of_profile)


def problems(name):
    try:
        found = files(name).document("default").merging.problems
    except ConfigError as error:
        found = error.problems
    return [str(problem) for problem in found]


# ---- finding --------------------------------------------------------------------------------


def test_extensions_are_tried_in_order_in_all_places(write, monkeypatch):
    folder = write(profiles__json="{}", home_in_resticprofile_in_profiles__yaml="")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "home"))
    assert find("profiles") == folder / "home" / "resticprofile" / "profiles.yaml"
    write(profiles__conf="")
    assert str(find("profiles")) == "profiles.conf"


def test_our_own_folder_goes_before_that_of_resticprofile(write, monkeypatch):
    folder = write(c_in_resticprof_in_x__toml="", c_in_resticprofile_in_x__toml="")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "c"))
    assert find("x.toml") == folder / "c" / "resticprof" / "x.toml"


def test_a_file_that_is_nowhere_is_told_with_all_places(write, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_DIRS", "/one:/two")
    with pytest.raises(ConfigError, match="no configuration file `nope") as raised:
        find("nope")
    assert "/two/resticprofile" in str(raised.value)
    assert "{conf,yaml,toml,json,hcl,yml}" in str(raised.value)


def test_an_absolute_name_is_looked_for_nowhere_else(tmp_path):
    with pytest.raises(ConfigError) as raised:
        find(str(tmp_path / "nope.toml"))
    assert str(raised.value) == f"no configuration file `{tmp_path}/nope.toml`"


def test_a_folder_is_not_a_file(write):
    write(profiles__yaml_in_x="")
    with pytest.raises(ConfigError):
        find("profiles.yaml")


def test_a_file_without_extension_comes_last(write, monkeypatch):
    folder = write(plain="", home_in_plain__yml="")
    assert str(find("plain")) == "plain"
    monkeypatch.setenv("HOME", str(folder / "home"))
    assert find("plain") == folder / "home" / "plain.yml"


def test_a_name_may_start_with_the_home_directory(write, monkeypatch):
    folder = write(home_in_profiles__yaml="")
    monkeypatch.setenv("HOME", str(folder / "home"))
    assert find("~/profiles") == folder / "home" / "profiles.yaml"


def test_for_an_absolute_path_no_other_places_are_named(write):
    folder = write(file="")
    with pytest.raises(ConfigError, match=r"nope\.toml`$"):
        find(f"{folder}/nope.toml")
    with pytest.raises(ConfigError, match=f"`{folder}` is a directory$"):
        find(str(folder))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_a_place_that_cannot_be_entered_is_told(write, monkeypatch):
    folder = write(home_in_profiles__yaml="")
    monkeypatch.setenv("HOME", str(folder / "home"))
    (folder / "home").chmod(0o600)
    with pytest.raises(ConfigError, match=r"home \(no permission to look there\)"):
        find("profiles")
    with pytest.raises(ConfigError, match="; there is no permission to look there"):
        find("~/profiles")


def test_an_account_without_a_home_has_the_other_places(write, monkeypatch):
    folder = write(etc_in_resticprof_in_profiles__yaml="")
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(folder / "etc"))
    assert find("profiles") == folder / "etc" / "resticprof" / "profiles.yaml"


def test_a_working_directory_that_is_gone_is_told(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(Error, match="the current directory does not exist any more"):
        find("profiles")


# ---- includes -------------------------------------------------------------------------------


def test_includes_are_merged_in_order_and_remember_their_file(write):
    write(
        main__yaml="includes: [b.toml, 'd/*.yaml']\np: {x: main, list: [1, 2], t: {a: 1}}",
        b__toml="[p]\nx = 'b'\nlist = [3]",
        d_in_2__yaml="p: {t: {b: 3}}",
        d_in_1__yaml="p: {t: {b: 2, c: 2}, x: null}",
    )
    node = files("main.yaml").document("default").profiles["p"]
    assert node.plain() == {"x": "b", "list": [3], "t": {"a": 1, "b": 3, "c": 2}}
    assert node.get("x").steps == ("include b.toml",)
    assert node.get("t").get("b").place.file == "d/2.yaml"


def test_the_main_file_does_not_include_itself(write):
    write(main__yaml="includes: '*.yaml'\np: {a: 1}", other__yaml="p: {b: 2}")
    found = files("main.yaml")
    assert found.document("default").profiles["p"].plain() == {"a": 1, "b": 2}
    assert found.names == ("main.yaml", "other.yaml")


def test_includes_of_includes_do_not_count_and_are_told(write):
    write(main__yaml="includes: [one.yaml, one.*]", one__yaml="includes: two.yaml", two__yaml="p:")
    found = files("main.yaml")
    assert "p" not in found.document("default").profiles
    assert [str(problem) for problem in found.advice] == [
        "one.yaml:1: includes: is left out: only the main file includes"
    ]


def test_patterns_follow_the_rules_of_sources(write):
    folder = write(
        main__yaml="includes: 'd/*'", d_in__1__yaml="p: {a: 1}", d_in_10__yaml="p: {a: 2}"
    )
    (folder / "d/.hidden.yaml").write_text("p: {hidden: 1}")
    assert files("main.yaml").document("default").profiles["p"].plain() == {"a": 2, "hidden": 1}


def test_the_folder_of_the_main_file_is_no_pattern(write):
    folder = write(d_in_1__yaml="p: {a: 1}")
    (folder / "d").rename(folder / "[d]*")
    (folder / "[d]*" / "main.yaml").write_text("includes: '?.yaml'")
    assert "p" in files(f"{folder}/[d]*/main.yaml").document("default").profiles


def test_a_match_whose_format_nobody_knows_is_left_out_and_told(write):
    write(main__yaml="includes: 'd/*'", d_in_README="not a table", d_in_1__yaml="p: {a: 1}")
    found = files("main.yaml")
    assert "p" in found.document("default").profiles
    assert [str(problem) for problem in found.advice] == [
        "main.yaml:1: includes: `d/README` is left out: its name does not tell its format"
    ]


def test_a_named_include_whose_format_nobody_knows_is_an_error(write):
    write(main__yaml="includes: README", README="p: {a: 1}")
    assert "README: has no extension" in problems("main.yaml")[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_includes_in_a_folder_that_is_closed_are_told(write):
    folder = write(main__yaml="includes: 'd/*'", d_in_1__yaml="p: {a: 1}")
    (folder / "d").chmod(0o300)
    found = files("main.yaml")
    found.document("default")
    assert str(found.advice[0]).endswith("`d/*`; there is no permission to look there")


def test_a_folder_is_told_how_to_be_included(write):
    write(main__yaml="includes: d/", d_in_1__yaml="p: {a: 1}")
    found = files("main.yaml")
    found.document("default")
    assert str(found.advice[0]).endswith("`d/` is a directory; write `d/*`")


@pytest.mark.parametrize("entry", ["''", "[null]", "{a: b}", "[[x]]", "'[a'"])
def test_an_include_that_names_nothing_is_an_error(write, entry):
    write(main__yaml=f"version: 1\nincludes: {entry}")
    assert problems("main.yaml")[0].startswith("main.yaml:2: includes: ")


def test_a_pattern_that_matches_nothing_is_advice(write):
    write(main__yaml="version: 1\nincludes: [nope/*, '~nobody/x']\n")
    found = files("main.yaml")
    found.document("default")
    assert [str(problem) for problem in found.advice] == [
        "main.yaml:2: includes: nothing matches `nope/*`",
        "main.yaml:2: includes: nothing matches `~nobody/x`",
    ]


def test_the_mistakes_of_all_files_are_told_at_once(write):
    write(
        main__yaml="includes: [a.yaml, b.toml, c.json, d.hcl, e.yaml, [x]]",
        a__yaml="p: [1",
        b__toml="a = ",
        c__json='{"a": "{{ nosuch }}"}',
        e__yaml="a: {{ if }}",
    )
    write(d__hcl="p {}")
    found = problems("main.yaml")
    assert found[:2] == [
        "main.yaml:1: includes: `d.hcl` cannot be included: HCL files include HCL files only",
        "main.yaml:1: includes: expected the name of a file, or a pattern",
    ]
    places = [text.partition(": ")[0] for text in found[2:]]
    assert places == ["a.yaml:1", "b.toml:1", "c.json:1", "e.yaml:1"]


def test_the_rest_is_there_when_an_include_cannot_be_read(write):
    write(main__yaml="includes: [a.yaml, b.yaml]\np: {x: 1}", a__yaml="p: [1", b__yaml="q: {x: 2}")
    document = files("main.yaml").document("default")
    assert list(document.profiles) == ["p", "q"]
    assert [problem.file for problem in document.merging.problems] == ["a.yaml"]


def test_definitions_are_shared_with_the_files_that_follow(write):
    write(
        main__yaml='includes: more.yaml\n{{ define "x" }}local:/x{{ end }}\np: {a: 1}',
        more__yaml='p: {repository: "{{ template "x" . }}"}',
    )
    assert files("main.yaml").document("default").profiles["p"].plain()["repository"] == "local:/x"


# ---- templates ------------------------------------------------------------------------------

LOOP = """\
version: "1"
{{ range list "x" "y" }}
{{ . }}:
  repository: /r
  lock: "/tmp/{{ . }}"
{{ end }}
last:
  lock: /tmp/last
"""


def test_places_are_lines_of_the_file_and_not_of_the_text(write):
    write(main__yaml=LOOP)
    profiles = files("main.yaml").document("default").profiles
    assert profiles["x"].get("repository").place.line == 4
    assert profiles["y"].get("repository").place.line == 4
    assert profiles["last"].get("lock").place.line == 8


def test_values_that_a_template_made_say_so(write):
    write(main__yaml=LOOP)
    profiles = files("main.yaml").document("default").profiles
    assert profiles["x"].get("lock").steps == ("template",)
    assert profiles["x"].get("repository").steps == ()
    assert profiles["last"].get("lock").steps == ()


def test_mistakes_of_a_format_are_at_lines_of_the_file(write):
    write(main__yaml=LOOP + "  broken: [1\n")
    assert problems("main.yaml")[0].startswith("main.yaml:9: cannot be read as YAML")


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ("a: {x: 1}", True),
        ('a: {x: "{{ .Hostname }}"}', True),
        ('a: {x: "{{ .Profile.Name }}"}', False),
        ('a: {x: "{{ .Profile.Name | upper }}"}', False),
        ('a: {x: "{{ env }}"}', False),
        ('a: {x: "{{ .CurrentDir }}"}', False),
        ('a: {x: "{{ profile.name }}"}', False),
    ],
)
def test_profiles_share_what_no_template_makes_different(write, text, shared):
    write(main__yaml=text)
    found = files("main.yaml")
    assert (found.document("a") is found.document("b")) == shared


NAMES = st.sampled_from(["home", "Home", "a.b", "1", "x y", "default"])
PIECES = st.sampled_from(
    ["{{ .Profile.Name }}", "{{- .Profile.Name -}}", "x", "/", "$$", "{{ .OS }}", "-", "'"]
)


@given(st.lists(PIECES, min_size=1, max_size=5).map("".join), NAMES)
@settings(max_examples=60)
def test_a_tree_for_all_names_is_the_same_as_one_for_each(tmp_path_factory, value, name):
    folder = tmp_path_factory.mktemp("name")
    text = f'"{name}":\n  x: "{value}"\n  y: ["{value}"]\n  z: {{t: "{value}"}}\n'
    trees = []
    for suffix in ("", '# {{ .Profile.Name | printf "%s" }}\n'):  # more than the plain name
        file = folder / "main.yaml"
        file.write_text(text + suffix)
        found = load.Files(file, "", template_data.Renderer(file).of_profile)
        found.document("default")
        trees.append(found.document(name).profile(name, Problems()).plain())
    assert trees[0] == trees[1]


def test_a_tree_whose_keys_depend_on_the_name_is_made_for_each(write):
    write(main__yaml='a: {"tag-{{ .Profile.Name }}": 1}\nb: {"tag-{{ .Profile.Name }}": 2}')
    found = files("main.yaml")
    assert found.document("default").profile("a", Problems()).plain() == {"tag-default": 1}
    assert found.document("a").profile("a", Problems()).plain() == {"tag-a": 1}
    assert found.document("b").profile("b", Problems()).plain() == {"tag-b": 2}


@pytest.mark.parametrize(
    "lock",
    [
        "{% filter upper %}{{ profile.name }}{% endfilter %}",
        "{% macro who() %}{{ profile.name }}{% endmacro %}{{ who() | upper }}",
        "{% set who %}{{ profile.name }}{% endset %}{{ who | upper }}",
        "{%- set who -%}{{ profile.name }}{% endset %}{{ who | upper }}",
        "{% block who %}{{ profile.name }}{% endblock %}{{ self.who() | upper }}",
        "{{ profile.name | upper }}",
    ],
)
def test_what_is_made_of_the_name_is_made_for_each(write, lock):
    write(main__yaml=f'a: {{lock: "{lock}"}}')
    found = files("main.yaml")
    found.document("default")
    lock = found.document("a").profile("a", Problems()).plain()["lock"]
    assert lock.endswith("A")
    assert "STAND" not in lock


@pytest.mark.parametrize(
    "action",
    [
        "{{ $.Profile.Name }} {{ .Env.HOME }}",
        "{{- .Profile.Name -}}",
        "{{ Profile.Name }} {{ Env.HOME }}",
    ],
)
def test_files_that_only_print_the_name_are_executed_twice(write, action):
    write(main__yaml=f'a: {{lock: "{action}"}}')
    executed = []
    file = find("main.yaml")
    renderer = template_data.Renderer(file)

    def counting(name):
        executed.append(name)
        return renderer.of_profile(name)

    found = load.Files(file, "", counting)
    for name in ("default", "a", "b", "c"):
        found.document(name)
    assert len(executed) == 2


def test_templates_that_are_executed_again_have_the_same_includes(write):
    write(
        main__yaml="includes: more.yaml\ndefault: {lock: '{{ .CurrentDir }}/l'}",
        more__yaml="default: {tag: x}",
    )
    found = files("main.yaml")
    before = found.document("default")
    found.forget("default")
    assert found.document("default") is not before
    assert found.names == ("main.yaml", "more.yaml")


def test_an_inherited_value_sees_the_name_of_the_child(write):
    write(main__yaml='base: {lock: "/tmp/{{ .Profile.Name }}"}\nhome: {inherit: base}')
    configuration = opened("main.yaml")
    assert configuration.profile("home").lock == "/tmp/home"
    assert configuration.profile("base").lock == "/tmp/base"


def test_the_language_may_be_in_the_name(write):
    write(profiles__toml__j2='{% set x = "/r" %}\n[p]\nrepository = "{{ x }}"\n')
    node = files("profiles.toml.j2").document("default").profiles["p"]
    assert node.get("repository").value == "/r"
    assert node.get("repository").place.line == 3
