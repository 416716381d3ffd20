"""The rules by which tables become one, as properties of any tables."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from resticprof.config import merge
from resticprof.config.problems import Problems
from resticprof.config.tree import Node
from resticprof.model.types import Place

SCALARS = st.one_of(st.text(max_size=3), st.integers(0, 9), st.booleans())
KEYS = st.sampled_from(["a", "b", "run-before", "tag", "backup", "env"])


def tables(values):
    return st.dictionaries(KEYS, values, max_size=4)


VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(SCALARS, max_size=3) | tables(inner), max_leaves=8
)
TABLES = tables(VALUES)


def node(value, file="f", key=""):
    if isinstance(value, dict):
        value = {name: node(item, file, name) for name, item in value.items()}
    elif isinstance(value, list):
        value = [node(item, file) for item in value]
    return Node(value, Place(file, 1), key)


def replaced(old, new):
    """What version 2 means, on plain data."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    merged = dict(old)
    for key, value in new.items():
        merged[key] = replaced(merged[key], value) if key in merged else value
    return merged


@given(TABLES, TABLES)
def test_version_2_is_a_merge_of_tables(old, new):
    assert merge.replacing(node(old), node(new)).plain() == replaced(old, new)


@given(TABLES, TABLES, TABLES)
def test_version_2_does_not_care_in_which_order_generations_are_merged(one, two, three):
    left = merge.replacing(merge.replacing(node(one), node(two)), node(three))
    right = merge.replacing(node(one), merge.replacing(node(two), node(three)))
    assert left.plain() == right.plain() or _mixes_kinds(one, two, three)


def _mixes_kinds(*trees):
    """A scalar between two tables hides the first one only when it is merged first."""
    for key in {key for tree in trees if isinstance(tree, dict) for key in tree}:
        values = [tree[key] for tree in trees if isinstance(tree, dict) and key in tree]
        tables = [isinstance(value, dict) for value in values]
        if (any(tables) and not all(tables)) or (all(tables) and _mixes_kinds(*values)):
            return True
    return False


@given(TABLES, TABLES)
def test_a_child_that_says_nothing_inherits_everything(old, new):
    for rule in (merge.by_index, merge.replacing):
        assert rule(node(old), node({})).plain() == old
        assert rule(node({}), node(new)).plain() == new
    assert merge.replacing(node(old), node(old)).plain() == old


@given(TABLES, TABLES)
def test_every_value_remembers_where_it_was_written(old, new):
    merged = merge.replacing(node(old, "old"), node(new, "new"))
    for key, child in merged.table.items():
        if key in new and not child.table:
            assert child.place.file == "new"
        elif key not in new:
            assert {below.place.file for below in child.walk()} == {"old"}


@given(TABLES, tables(VALUES))
def test_null_removes_in_version_2_and_keeps_in_version_1(old, others):
    nothing = dict.fromkeys(old)
    assert merge.replacing(node(old), node({**others, **nothing})).plain() == {
        key: value for key, value in others.items() if key not in old
    }
    declared = {key: value for key, value in old.items() if key in {"run-before", "env"}}
    kept = merge.by_index(node(declared), node(dict.fromkeys(declared)))
    assert kept.plain() == declared


LISTS = st.lists(SCALARS, max_size=4)


@given(LISTS, LISTS, LISTS)
def test_marked_keys_put_lists_around_each_other(first, middle, last):
    child = {"...a": first, "a...": last}
    merged = merge.replacing(node({"a": middle}), node(child)).plain()
    assert merged == {"a": [*first, *middle, *last]}
    alone = merge.settled(node({**child, "a": middle})).plain()
    assert alone == merged


@given(st.one_of(SCALARS, LISTS), st.one_of(SCALARS, LISTS))
def test_one_value_counts_as_a_list_of_one(old, new):
    def listed(value):
        return value if isinstance(value, list) else [value]

    for mark, expected in (("a...", (old, new)), ("__prepend", (new, old))):
        key = mark if mark.startswith("a") else f"a{mark}"
        merged = merge.replacing(node({"a": old}), node({key: new})).plain()
        assert merged == {"a": [item for value in expected for item in listed(value)]}


@given(LISTS, LISTS)
def test_version_1_replaces_the_items_of_declared_lists_one_by_one(old, new):
    merged = merge.by_index(node({"run-before": old}), node({"run-before": new})).plain()
    assert merged["run-before"] == [*new, *old[len(new) :]]


@given(LISTS, LISTS)
def test_version_1_replaces_lists_of_flags(old, new):
    assert merge.by_index(node({"tag": old}), node({"tag": new})).plain() == {"tag": new}


@given(TABLES, TABLES)
def test_an_include_adds_and_replaces_but_removes_nothing(main, other):
    problems = Problems()
    merged = merge.included(node(main), node(other), problems).plain()
    assert set(merged) == set(main) | set(other)
    for key, value in other.items():
        old = main.get(key)
        if not isinstance(value, dict) and not isinstance(old, dict):
            assert merged[key] == value
        if isinstance(old, dict) and not isinstance(value, dict):
            assert merged[key] == old
            assert problems.problems


def test_mixins_of_both_files_are_used():
    merged = merge.included(node({"use": "a"}), node({"use": ["b", "c"]}), Problems())
    assert merged.plain() == {"use": ["a", "b", "c"]}
