"""What of a text may be shown before it is converted, by the keys alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resticprof.config import secrecy
from resticprof.config.formats import base
from resticprof.model.types import public
from tests.config.formats.emitters import emit


def shown(tree):
    """Path to what is shown, for a tree that is written as YAML."""
    root = base.parse(emit("yaml", tree, spread=True), "f", "yaml")
    return {leaf.path: public(leaf.text) for leaf in secrecy.leaves(root)}


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        ({"repository": "rest:https://u:p@h/x"}, "rest:https://u:×××@h/x"),
        ({"env": {"MY_PASS": "p"}}, "×××"),
        ({"env": {"HTTP_PROXY": "http://u:p@h"}}, "http://u:×××@h"),
        ({"env": "PASSWORD=p"}, "×××"),
        ({"password": "p"}, "×××"),
        ({"password-command": "echo p"}, "×××"),
        ({"api_key": "p"}, "×××"),
        ({"access-token": "p"}, "×××"),
        ({"integration-key": "p"}, "×××"),
        ({"url": "https://h/831e288e-1293-46f8?x=p"}, "https://h/×××?x=×××"),
        ({"url": "p"}, "×××"),
        ({"anything": "see https://u:p@h/"}, "see https://u:×××@h/"),
        ({"run-before": "curl -d token=p https://h"}, "curl -d token=××× https://h"),
        ({"body": "p"}, "×××"),
        ({"body": "${ERROR}"}, "${ERROR}"),
        ({"option": "s3.secret-key=p"}, "s3.secret-key=×××"),
        ({"repository": {"env": "NAME"}}, "{ env = NAME }"),
        ({"repository": {"command": "echo p"}}, "{ command = … }"),
        ({"password-file": "key"}, "key"),
        ({"key-hint": "k"}, "k"),
        ({"lock": "/tmp/token.lock"}, "/tmp/token.lock"),
        ({"tls-client-key": "k.pem"}, "k.pem"),
        ({"initialize": True}, "true"),
    ],
    ids=str,
)
def test_a_value_is_shown_by_its_key(tree, text):
    assert list(shown(tree).values()) == [text]


def test_headers_are_shown_by_their_names():
    headers = [{"name": "Content-Type", "value": "a/b"}, {"name": "X-Other", "value": "p"}]
    found = shown({"send-before": [{"headers": headers}]})
    assert found["send-before[0].headers[0].value"] == "a/b"
    assert found["send-before[0].headers[1].value"] == "×××"


TEXT = """\
# token=planted1
home:
  repository: "rest:https://me:planted2@h/"   # kept
  env: {A_TOKEN: planted3, OTHER: seen}
  password-command: "echo \\"planted4\\""
  backup:
    send-after:
      - url: https://h/x?key=planted5
        body: |
          planted6
          and planted7
        headers: [{name: Cookie, value: planted8}]
    lock: /tmp/lock
"""


def test_a_whole_text_is_masked_and_keeps_its_lines():
    text = secrecy.masked(TEXT, "yaml")
    assert "planted" not in text
    assert text.count("\n") == TEXT.count("\n")
    for seen in (
        "rest:https://me:×××@h/",
        "# kept",
        "OTHER: seen",
        "lock: /tmp/lock",
        "send-after",
    ):
        assert seen in text


def test_of_a_text_that_cannot_be_read_only_the_keys_are_shown():
    broken = TEXT + "  x: [planted9\n"
    text = secrecy.masked(broken, "yaml")
    assert "planted" not in text
    assert "seen" not in text
    assert "  repository: ×××" in text.splitlines()
    assert "    send-after:" in text.splitlines()
    toml = secrecy.masked('[home.backup]\nsource = ["planted"]\n[[x\n', "toml")
    assert toml == "[home.backup]\nsource = ×××\n×××\n"


def test_lines_are_numbered():
    assert str(secrecy.Numbered("a: 1\nb: 2\n", "yaml")) == "  1: a: 1\n  2: b: 2"
    assert str(secrecy.Numbered("\n" * 1000, "yaml")).startswith("   1: ")


SECRETS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12
)


@given(SECRETS, st.sampled_from(base.NAMES), st.booleans())
def test_no_secret_survives_in_any_format(secret, name, spread):
    planted = f"planted{secret}"
    tree = {"home": {"env": {"A_TOKEN": planted}, "tag": "x", "snapshots": {"body": planted}}}
    assert "planted" not in secrecy.masked(emit(name, tree, spread=spread), name)
