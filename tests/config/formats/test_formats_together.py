"""What holds for every format alike."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resticprof.config.formats import base
from resticprof.config.tree import Node
from resticprof.errors import ConfigError
from tests.config.formats.emitters import emit, quote

EXAMPLES = Path(__file__).parent / "examples"

each_format = pytest.mark.parametrize("name", base.NAMES)


def example(stem, name):
    file = EXAMPLES / f"{stem}.{name}"
    return base.parse(file.read_text(), str(file), name)


def loosely(value):
    """A value without the difference between one thing and a list of one, which HCL cannot tell."""
    if isinstance(value, dict):
        return {key: loosely(item) for key, item in value.items()}
    if isinstance(value, list):
        return loosely(value[0]) if len(value) == 1 else [loosely(item) for item in value]
    return value


@pytest.mark.parametrize("stem", sorted({file.stem for file in EXAMPLES.iterdir()}))
@pytest.mark.parametrize("name", ["yaml", "json"])
def test_an_example_means_the_same_as_in_toml(stem, name):
    assert example(stem, name).plain() == example(stem, "toml").plain()


@pytest.mark.parametrize("stem", sorted({file.stem for file in EXAMPLES.iterdir()}))
def test_an_example_in_hcl_means_the_same_as_in_toml_but_for_lists_of_one(stem):
    twin = example(stem, "toml").plain()
    del twin["version"]
    assert loosely(example(stem, "hcl").plain()) == loosely(twin)


@each_format
def test_every_node_of_an_example_is_on_the_line_that_names_it(name):
    file = EXAMPLES / f"healthchecks.{name}"
    lines = file.read_text().splitlines()
    nodes = [node for node in example("healthchecks", name).walk() if node.key]
    assert len(nodes) > 30
    for node in nodes:
        assert node.key in lines[node.place.line - 1]
        assert node.place.file == str(file)


@each_format
def test_keys_are_in_lower_case_and_remember_their_spelling(name):
    root = base.parse(emit(name, {"Home": {"Password-File": "K"}}, spread=True), "f", name)
    assert root.plain() == {"home": {"password-file": "K"}}
    assert root.get("home").key == "Home"
    assert root.get("home").get("password-file").key == "Password-File"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("yaml", '\na: ["b\\0c"]'),
        ("yaml", '\n"a\\0": b'),
        ("toml", '\na = ["b\\u0000c"]'),
        ("json", '{\n"a": "b\\u0000c"}'),
        ("hcl", '\na = "b\\000c"'),
        ("hcl", '\na = "b\0c"'),
    ],
)
def test_a_null_character_is_refused_with_its_line(name, text):
    with pytest.raises(ConfigError, match=r"^f:2: .*holds a null character$"):
        base.parse(text, "f", name)


@each_format
def test_the_same_in_two_cases_is_there_once(name):
    value = {"env": {"http_proxy": "h", "HTTP_PROXY": "h"}}
    root = base.parse(emit(name, value, spread=True), "f", name)
    assert root.plain() == {"env": {"http_proxy": "h"}}


@pytest.mark.parametrize("name", ["toml", "yaml", "json"])
def test_keys_that_differ_by_case_only_are_a_problem_that_names_both_lines(name):
    text = emit(name, {"home": {"tag": "a", "x": 1, "TAG": "b"}}, spread=True)
    lines = text.splitlines()
    with pytest.raises(ConfigError) as raised:
        base.parse(text, "f", name)
    [problem] = raised.value.problems
    first = next(number for number, line in enumerate(lines, 1) if "tag" in line)
    assert (problem.file, problem.line, problem.key) == ("f", first + 2, "TAG")
    assert f"as `tag` in line {first}" in problem.text


@each_format
def test_what_is_not_a_table_is_refused(name):
    with pytest.raises(ConfigError):
        base.parse('["a", "b"]', "f", name)


@each_format
@pytest.mark.parametrize("text", ["[" * 100_000, "a = " + "[" * 300 + "]" * 300, "a: " * 5000])
def test_deep_nesting_is_a_problem_and_not_a_crash(name, text):
    with pytest.raises(ConfigError):
        base.parse(text, "f", name)


@each_format
@pytest.mark.parametrize("spread", [True, False])
def test_what_is_nested_deeper_than_the_limit_is_refused_with_its_line(name, spread):
    table = {"k": 1}
    for _ in range(90):
        table = {"k": table}
    assert base.parse(emit(name, table, spread=spread), "f", name).get("k")
    for _ in range(20):
        table = {"k": table}
    with pytest.raises(ConfigError, match="nested more than 100 levels") as raised:
        base.parse(emit(name, table, spread=spread), "f", name)
    assert raised.value.problems[0].line >= (100 if spread and name != "toml" else 1)


@each_format
def test_a_number_with_thousands_of_digits_is_a_problem_with_its_line(name):
    colon = {"json": '{"a": 1,\n"b": %s}', "yaml": "a: 1\nb: %s"}.get(name, "a = 1\nb = %s")
    with pytest.raises(ConfigError) as raised:
        base.parse(colon % ("1" * 5000), "f", name)
    assert raised.value.problems[0].line == 2


@each_format
def test_windows_line_ends_do_not_move_lines_or_stay_in_values(name):
    text = (EXAMPLES / f"healthchecks.{name}").read_text()
    unix = base.parse(text, "f", name)
    windows = base.parse(text.replace("\n", "\r\n"), "f", name)
    assert windows == unix


@each_format
def test_only_the_library_of_the_format_is_imported(name):
    code = (
        "import sys; from resticprof.config.formats import base;"
        f"base.parse({emit(name, {'a': 1}, spread=False)!r}, 'f', {name!r});"
        "print(*{'yaml', 'tomli', 'hcl2', 'lark', 'json'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {{"toml": "tomli"}.get(name, name)}


# -- properties


def words(longest):
    """Any text but one with a null character, which is refused."""
    return st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=longest)


KEYS = st.one_of(
    st.sampled_from(["home", "Backup", "send-after", "true", "null", "<<", "1", "a.b", "", "${X}"]),
    words(8),
)
SCALARS = st.one_of(
    words(20),
    st.sampled_from(["${ERROR}\n\n${ERROR_STDERR}", "yes", "22:22", "0777", "~", "C:\\x", "# no"]),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)


def tables(values):
    return st.dictionaries(KEYS, values, max_size=4).filter(
        lambda table: len({key.lower() for key in table}) == len(table)
    )


TREES = tables(
    st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | tables(inner), max_leaves=12)
)


def lowered(value):
    if isinstance(value, dict):
        return {key.lower(): lowered(item) for key, item in value.items()}
    return [lowered(item) for item in value] if isinstance(value, list) else value


def typed(value):
    """A value that is equal only to values of the same types: 1 is neither True nor 1.0."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return type(value), value


@given(TREES, st.booleans())
@settings(max_examples=150)
def test_one_value_written_in_any_format_is_read_back(tree, spread):
    for name in base.NAMES:
        text = emit(name, tree, spread=spread)
        assert typed(base.parse(text, "f", name).plain()) == typed(lowered(tree)), (name, text)


@given(TREES)
@settings(max_examples=100)
def test_every_key_is_placed_on_a_line_where_it_is_written(tree):
    for name in base.NAMES:
        text = emit(name, tree, spread=True)
        lines = text.split("\n")
        for node in base.parse(text, "f", name).walk():
            assert quote(node.key) in lines[node.place.line - 1] or not node.key, (name, text)


def outcome(text, name):
    """Read a text of any kind: a tree that can be walked, or a problem of ours in the file."""
    try:
        root = base.parse(text, "f", name)
    except ConfigError as error:
        for problem in error.problems:
            assert problem.file == "f"
            assert problem.text
            assert 0 <= problem.line <= text.count("\n") + 1
        return None
    assert isinstance(root, Node)
    assert isinstance(root.plain(), dict)
    return root


PIECES = st.sampled_from(
    [
        *"{}[]=:,.\"'#\n\t $\\-<&*!|>%@?~",
        *("a", "1", "${", "<<EOF\n", "EOF", '"""', "'''", "[[", "]]", "&a ", "*a", "- ", ": "),
        *("/*", "*/", "//", "\\u00", "\\ud800", "1979-05-27", "07:32", "\r\n", "\r", "é", "\x00"),
        *("true", "null", "<<: ", "? ", "---\n", "...\n", "!!str ", "%YAML 1.1\n", "\u2028"),
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=25).map("".join)))
@settings(max_examples=400)
def test_any_text_is_a_table_or_a_problem(text):
    for name in base.NAMES:
        outcome(text, name)


@given(st.data())
@settings(max_examples=200)
def test_any_damage_to_an_example_is_a_table_or_a_problem(data):
    name = data.draw(st.sampled_from(base.NAMES))
    stem = data.draw(st.sampled_from(["same", "healthchecks", "body-template"]))
    text = (EXAMPLES / f"{stem}.{name}").read_text()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        text = text[:start] + data.draw(PIECES | st.just("")) + text[end:]
    outcome(text, name)
