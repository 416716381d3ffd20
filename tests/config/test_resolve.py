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


def test_version_1_keeps_a_section_that_the_child_leaves_empty():
    found = profile("""
        parent: {backup: {source: [/a], tag: [x]}, snapshots: {tag: y}, env: {A: b}}
        child: {inherit: parent, backup: null, snapshots: null, env: null}
    """)
    assert found["backup"]["source"] == ["/a"]
    assert found["snapshots"] == {"tag": "y"}
    assert found["env"] == {"a": "b"}


def test_version_1_takes_a_flag_of_a_section_back_with_null():
    found = profile("""
        parent: {backup: {tag: [x], source: /a, schedule-log: /l}}
        child: {inherit: parent, backup: {tag: null, source: null, schedule-log: null}}
    """)
    assert found["backup"] == {"tag": None, "source": "/a", "schedule-log": "/l"}


@pytest.mark.parametrize("child", ["[{url: /c}]", "{url: /c}", "[{url: /c, headers: []}]"])
def test_version_1_merges_requests_key_by_key(child):
    found = profile(f"""
        parent:
          backup:
            send-after:
            - {{url: /a, method: POST, headers: [{{name: A, value: x}}, {{name: B, value: y}}]}}
            - {{url: /b}}
        child: {{inherit: parent, backup: {{send-after: {child}}}}}
    """)
    headers = [{"name": "A", "value": "x"}, {"name": "B", "value": "y"}]
    assert found["backup"]["send-after"] == [
        {"url": "/c", "method": "POST", "headers": headers},
        {"url": "/b"},
    ]


def test_version_1_merges_the_headers_of_a_request_by_index():
    found = profile("""
        parent: {check: {send-after: {headers: [{name: A, value: x}, {name: B, value: y}]}}}
        child: {inherit: parent, check: {send-after: {headers: [{value: z}]}}}
    """)
    headers = [{"name": "A", "value": "z"}, {"name": "B", "value": "y"}]
    assert found["check"]["send-after"] == {"headers": headers}


@pytest.mark.parametrize("top", ["", "version: 2\nprofiles:\n"])
def test_a_secret_reference_replaces_another_as_a_whole(top):
    found = profile(f"""{top}
          parent: {{repository: {{file: /a}}, env: {{FILE: a}}}}
          child: {{inherit: parent, repository: {{env: B}}, env: {{COMMAND: b}}}}
    """)
    assert found["repository"] == {"env": "B"}
    assert found["env"] == {"file": "a", "command": "b"}


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


def test_mixins_are_used_at_the_top_too():
    found = Document(
        tree("""
        version: 2
        use: defaults
        mixins:
          defaults: {global: {priority: low}}
          more: {extra: {repository: r, lock: /$name}}
        profiles:
          use: {name: more, vars: {NAME: x}}
          p: {repository: r}
    """)
    )
    assert sorted(found.profiles) == ["extra", "p"]
    problems = Problems()
    assert found.profile("extra", problems).plain() == {"repository": "r", "lock": "/x"}
    assert found.shared("global", problems).plain() == {"priority": "low"}
    assert problems.problems == []


@pytest.mark.parametrize("use", ["", "null", "[]"])
def test_a_use_of_nothing_is_nothing(use):
    found = profile(f"version: 2\nprofiles:\n  child:\n    tag: x\n    use: {use}")
    assert found == {"tag": "x"}


@pytest.mark.parametrize("use", ["5", "[true]", "{vars: {}}", "[{name: m, vars: 5}]", "[[m]]"])
def test_a_use_that_names_no_mixin_is_an_error(use):
    text = f"version: 2\nmixins: {{m: {{}}}}\nprofiles: {{p: {{check: {{use: {use}}}}}}}"
    with pytest.raises(ConfigError, match=r"profiles.yaml:3: p\.check\.use.*: expected "):
        resolved(tree(text), "p")


def test_what_has_no_effect_in_a_mixin_is_told():
    found = Document(
        tree("""version: 2
mixins:
  number: 5
  bad: {default-vars: 7, tag: x}
  good: {default-vars: , tag: x}
  outer: {use: good, backup: {use: good, exclude: y}}
profiles: {p: {use: outer}}
""")
    )
    assert found.profile("p", Problems()).plain()["backup"] == {"exclude": "y", "host": True}
    number, variables, use = (str(advice) for advice in found.merging.advice)
    assert number.endswith(":3: mixins.number: expected a table, got a number; it is left out")
    assert ":4: mixins.bad.default-vars: expected a table of variables" in variables
    assert ":6: mixins.outer: a mixin cannot use another one" in use


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


def test_what_a_profile_adds_comes_before_its_mixins_and_its_children():
    found = Document(
        tree("""
        version: 2
        mixins: {more: {run-before...: mixin, backup: {exclude...: mixin}}}
        profiles:
          parent: {use: more, run-before...: own, backup: {...exclude: own}}
          child: {inherit: parent, run-before: child}
    """)
    )
    parent = found.profile("parent", Problems()).plain()
    assert parent["run-before"] == ["own", "mixin"]
    assert parent["backup"]["exclude"] == ["own", "mixin"]
    assert found.profile("child", Problems()).plain()["run-before"] == "child"


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


def test_a_scalar_of_an_include_replaces_a_secret_reference():
    main = tree("a: {repository: {env: REPOSITORY}}")
    other = tree("a: {repository: local:/b}", "more.yaml")
    assert merged(main, other).plain() == {"a": {"repository": "local:/b"}}


def test_null_in_an_include_unsets_nothing_and_is_told():
    main = tree("version: 2\nprofiles: {base: {lock: /l}, a: {inherit: base}}")
    other = tree("groups:\nprofiles:\n  a: {lock: null}\n  b: {inherit: base, lock: }", "b.yaml")
    problems = Problems()
    root = resolve.merge_files([main, other], problems)
    assert resolved(root, "a").plain()["lock"] == "/l"
    assert resolved(root, "b").plain()["lock"] == "/l"
    assert [str(advice) for advice in problems.advice] == [
        "b.yaml:3: profiles.a.lock: has no value, and an included file cannot unset one",
        "b.yaml:4: profiles.b.lock: has no value, and an included file cannot unset one",
    ]


def test_an_include_of_another_version_is_an_error():
    with pytest.raises(ConfigError, match="is 2, but the main file is of version 1"):
        merged(tree("p: {}"), tree("version: 2", "more.yaml"))
