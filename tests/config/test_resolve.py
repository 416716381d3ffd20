"""Inheritance, mixins and implied values, on trees."""

import pytest

from resticprof.config import resolve
from resticprof.config.formats import base
from resticprof.config.problems import Problems
from resticprof.config.resolve import Document
from resticprof.config.tree import Node
from resticprof.errors import ConfigError


def tree(text: str, file: str = "profiles.yaml") -> Node:
    return base.parse(text, file, "yaml")


def resolved(root: Node, name: str) -> Node:
    problems = Problems()
    node = Document(root).profile(name, problems)
    problems.settle()
    return node


def merged(*trees: Node) -> Node:
    problems = Problems()
    root = resolve.merge_files(list(trees), problems)
    problems.settle()
    return root


def profile(text: str, name: str = "child") -> dict:
    return resolved(tree(text), name).plain()


def test_version_1_merges_lists_by_index():
    found = profile("""
        parent: {backup: {source: [/a, /b, /c]}, run-before: [one, two]}
        child: {inherit: parent, backup: {source: [/z, null]}, run-before: first}
    """)
    assert found["backup"]["source"] == ["/z", "/b", "/c"]
    assert found["run-before"] == ["first", "two"]


def test_version_1_replaces_flags_and_keeps_null_of_declared_keys():
    found = profile("""
        parent: {option: [a, b], repository: r, backup: {tag: [x, y]}}
        child: {inherit: parent, option: [c], repository: null, backup: {tag: [z]}}
    """)
    assert found["option"] == ["c"]
    assert found["repository"] == "r"
    assert found["backup"]["tag"] == ["z"]


def test_version_1_merges_every_section_key_by_key():
    found = profile("""
        parent: {snapshots: {tag: x, compact: true}}
        child: {inherit: parent, snapshots: {tag: y}}
    """)
    assert found["snapshots"] == {"tag": "y", "compact": True}


def test_version_2_replaces_lists_and_null_removes():
    found = profile("""
        version: 2
        profiles:
          parent: {repository: r, lock: /l, backup: {source: [/a, /b]}}
          child: {inherit: parent, lock: null, backup: {source: [/z]}}
    """)
    assert found["backup"]["source"] == ["/z"]
    assert "lock" not in found


def test_version_2_appends_and_prepends_without_a_base_too():
    found = profile("""
        version: 2
        profiles:
          child: {repository: r, run-before...: last, ...run-before: first,
                  run-before: middle, env-file__APPEND: x}
    """)
    assert found["run-before"] == ["first", "middle", "last"]
    assert found["env-file"] == ["x"]


def test_description_is_not_inherited():
    found = profile("parent: {description: about parent, repository: r}\nchild: {inherit: parent}")
    assert "description" not in found


def test_an_unknown_parent_names_the_chain():
    with pytest.raises(ConfigError, match=r"profiles.yaml:2: b.inherit: .*`c`.*a → b → c"):
        resolved(tree("a: {inherit: b}\nb: {inherit: c}"), "a")


def test_a_circle_names_the_chain():
    with pytest.raises(ConfigError, match=r"goes in a circle \(a → b → a\)"):
        resolved(tree("a: {inherit: b}\nb: {inherit: a}"), "a")


def test_an_unknown_mixin_names_those_that_exist():
    text = "version: 2\nmixins: {good: {tag: x}}\nprofiles: {p: {backup: {use: bad}}}"
    with pytest.raises(ConfigError, match=r"p.backup.use: undefined mixin `bad`; there are: good"):
        resolved(tree(text), "p")


def test_a_list_of_a_grandparent_survives_a_mixin_that_appends():
    found = profile("""
        version: 2
        mixins: {more: {run-before...: mixin}}
        profiles:
          grand: {run-before: [grand]}
          parent: {inherit: grand, run-before...: parent}
          child: {inherit: parent, use: more}
    """)
    assert found["run-before"] == ["grand", "parent", "mixin"]


def test_an_include_adds_its_mixins_to_those_of_the_main_file():
    main = tree("version: 2\nmixins: {a: {tag: x}}\nprofiles: {p: {backup: {use: a}}}")
    other = tree("mixins: {b: {exclude: y}}\nprofiles: {p: {backup: {use: b}}}", "more.yaml")
    found = resolved(merged(main, other), "p")
    assert found is not None
    assert found.plain()["backup"] == {"tag": "x", "exclude": "y", "host": True}


def test_groups_understand_append():
    text = """
        version: 2
        mixins: {more: {profiles__APPEND: [c]}}
        groups: {all: {profiles: [a, b], use: more}}
    """
    node = Document(tree(text)).shared("groups", Problems())
    assert node is not None
    assert node.plain() == {"all": {"profiles": ["a", "b", "c"]}}


def test_every_value_remembers_its_way():
    node = resolved(
        tree("""version: 2
mixins: {m: {tag: x}}
profiles:
  parent: {repository: r}
  child: {inherit: parent, backup: {use: m}}
"""),
        "child",
    )
    assert node is not None
    repository = node.table["repository"]
    assert (repository.place.line, repository.steps) == (4, ("inherited from parent",))
    tag = node.table["backup"].table["tag"]
    assert (tag.place.line, tag.steps) == (2, ("mixin m",))
    assert node.table["backup"].table["host"].steps == ("default",)


@pytest.mark.parametrize(
    ("version", "retention", "expected"),
    [
        (1, "{}", {"path": True}),
        (1, "{path: false}", {"path": False}),
        (
            2,
            "{keep-last: 1}",
            {"keep-last": 1, "path": True, "tag": True, "host": True, "after-backup": True},
        ),
        (2, "{prune: true}", {"prune": True, "path": True, "tag": True, "host": True}),
        (2, "{keep-last: 1, before-backup: true, host: x}",
         {"keep-last": 1, "before-backup": True, "host": "x", "path": True, "tag": True}),
    ],
)  # fmt: skip
def test_a_retention_follows_its_backup(version, retention, expected):
    body = f"{{backup: {{source: /a, tag: t}}, retention: {retention}}}"
    text = f"p: {body}" if version == 1 else f"version: 2\nprofiles: {{p: {body}}}"
    assert profile(text, "p")["retention"] == expected


def test_a_scalar_over_a_table_in_an_include_is_an_error():
    with pytest.raises(
        ConfigError, match=r"more.yaml:1: p.backup: a single value cannot replace the table"
    ):
        merged(tree("p: {backup: {source: /a}}"), tree("p: {backup: 1}", "more.yaml"))


def test_an_include_of_another_version_is_an_error():
    with pytest.raises(ConfigError, match="is 2, but the main file is of version 1"):
        merged(tree("p: {}"), tree("version: 2", "more.yaml"))
