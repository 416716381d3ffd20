"""Patterns, which mean what they mean in Go."""

import pytest

from resticprof.errors import Error
from resticprof.system import patterns


@pytest.fixture
def tree(tmp_path):
    for name in ["a1", "a2", ".hidden", "b/x.txt", "b/y.txt", "c/x.txt", "c/d/x.txt", "we[ird"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a?", ["a1", "a2"]),
        ("*", [".hidden", "a1", "a2", "b", "c", "we[ird"]),
        ("*/x.txt", ["b/x.txt", "c/x.txt"]),
        ("**/x.txt", ["b/x.txt", "c/x.txt"]),
        ("./b/*", ["b/x.txt", "b/y.txt"]),
        ("b//*", ["b/x.txt", "b/y.txt"]),
        ("a[12]", ["a1", "a2"]),
        ("a[^1]", ["a2"]),
        ("a[2-9]", ["a2"]),
        ("a[9-2]", []),
        ("we[[]ird", ["we[ird"]),
        ("we\\[i?d", ["we[ird"]),
        ("none*", []),
        ("none/*", []),
        ("{a1,a2}*", []),
        ("none", ["none"]),
        ("we\\ird", ["we\\ird"]),
    ],
)
def test_patterns_mean_what_they_mean_in_go(tree, pattern, expected):
    assert list(patterns.paths(pattern, root=str(tree))) == expected


def test_an_absolute_pattern_gives_absolute_paths(tree):
    assert patterns.paths(f"{tree}/a*") == (f"{tree}/a1", f"{tree}/a2")
    assert "/dev" in patterns.paths("/de[v]")


@pytest.mark.parametrize("pattern", ["[", "a[", "a[]", "[a-]*", "*\\", "[a/b]", "[-]"])
def test_a_bad_pattern_is_an_error(tree, pattern):
    with pytest.raises(Error, match="is not a pattern"):
        patterns.paths(pattern, root=str(tree))
