"""HCL 2 where the reader of HCL 1 gives up: plain data is read, verbatim and with its lines."""

from __future__ import annotations

import subprocess
import sys

import pytest

from resticprof.config.formats import hcl
from resticprof.errors import ConfigError


def plain(text):
    return hcl.parse(text, "f").plain()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('a = "${ f({x={y=1}}) } z"', "${ f({x={y=1}}) } z"),
        ('a = "${"}"} \\"q\\" \\u00e9"', '${"}"} "q" é'),
        ('a = "one\ntwo"', "one\ntwo"),
        ('a = "${"x"}${"{"}"', '${"x"}${"{"}'),
    ],
)
def test_text_that_only_hcl_2_can_read_stays_as_it_is(text, value):
    assert plain(text) == {"a": value}


WHOLE = """\
# a comment
home "label" {
  text = "${"}"}"
  backup {
    source = ["/a", /* b */ 1, -1.5, true, null, ["c"], { d = 2 }] // the end
  }
  send { url = "x" }
  send { url = "y" }
  table = {
    one : 1
    "two words" = 2
  }
  body = <<-EOT
    hi ${ERROR}
    EOT
}
text = 1
text = "again"
"""


def test_everything_else_means_the_same_as_for_the_first_reader():
    broken = WHOLE.replace('"${"}"}"', '"x"')
    first, second = hcl.parse(broken, "f"), hcl.parse(WHOLE, "f")
    assert first.plain()["home"]["label"].pop("text") == "x"
    assert second.plain()["home"]["label"]["text"] == '${"}"}'
    places = [[(node.key, node.place.line) for node in tree.walk()] for tree in (first, second)]
    assert places[0] == places[1]
    home = second.plain()["home"]["label"]
    assert home["backup"] == {"source": ["/a", 1, -1.5, True, None, ["c"], {"d": 2}]}
    assert home["send"] == [{"url": "x"}, {"url": "y"}]
    assert home["table"] == {"one": 1, "two words": 2}
    assert home["body"] == "hi ${ERROR}\n"
    assert second.plain()["text"] == [1, "again"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = 1 + 2", "expected `{` after `2`"),
        ('a = upper("x")', "`(` cannot be here"),
        ("a = b", "write text in quotes"),
        ('a = true ? "x" : "y"', "`?` cannot be here"),
        ('a = [for x in ["a"] : x]', "neither a number nor true or false"),
        ('a = "${"x"}"\nb = (1)', "`(` cannot be here"),
        ('a = { (b) = "${"x"}" }', "`(` cannot be here"),
        ('a = "${"x"', "the text has no closing"),
    ],
)
def test_what_is_no_data_is_refused_in_the_words_of_the_first_reader(text, problem):
    with pytest.raises(ConfigError) as raised:
        hcl.parse(text, "f")
    assert problem in str(raised.value)
    assert raised.value.__suppress_context__


def test_nesting_has_a_limit_here_too():
    text = "a {\n" * 120 + 'x = "${"y"}"\n' + "}\n" * 120
    with pytest.raises(ConfigError):
        hcl.parse(text, "f")


def test_the_library_is_imported_for_such_files_only():
    code = (
        "import sys; from resticprof.config.formats import hcl;"
        "hcl.parse('a = 1', 'f'); print('hcl2' in sys.modules);"
        "hcl.parse('a = \"1\\n2\"', 'f'); print('hcl2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
