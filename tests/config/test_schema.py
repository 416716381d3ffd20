"""The JSON Schema takes what the program takes, and refuses what it refuses."""

from __future__ import annotations

import re
import textwrap

import jsonschema
import pytest

from resticprof.config.formats import base
from resticprof.config.schema import Schema, both
from resticprof.errors import ConfigError
from resticprof.restic.versions import Version
from tests.kit.project import CHECKOUT

PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^ *```(toml|yaml|json|hcl)\n(.*?)^ *```$", flags=re.DOTALL | re.MULTILINE)
CASES = CHECKOUT / "tests" / "conformance" / "cases"

MEANT_TO_BE_WRONG = re.compile(
    "not-a-restic-flag|no-such-flag|initialise|exlude|env-like|'not', 'a', 'bool'"
)
"""Cases about unknown keys and wrong types."""


@pytest.fixture(scope="module")
def validators():
    schemas = {1: Schema(1).build(), 2: Schema(2).build()}
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    return {name: jsonschema.Draft202012Validator(schema) for name, schema in schemas.items()}


def mistakes(validators, text, kind, name="profiles"):
    data = base.parse(text, name, kind).plain()
    version = 2 if str(data.get("version", 1)).startswith("2") else 1
    return [error.message for error in validators[version].iter_errors(data)]


def examples():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for number, (kind, block) in enumerate(BLOCK.findall(text), 1):
            if "{{" not in block and "{%" not in block:
                yield pytest.param(kind, textwrap.dedent(block), id=f"{page.name}-{number}")
    text = (CHECKOUT / "profiles.example.toml").read_text(encoding="utf-8")
    yield pytest.param("toml", text, id="profiles.example.toml")


@pytest.mark.parametrize(("kind", "text"), list(examples()))
def test_documented_examples_are_valid(validators, kind, text):
    assert mistakes(validators, text, kind) == []


def cases():
    for file in sorted(CASES.glob("*/*/files/**/*")):
        kinds = {".conf": "toml", ".yml": "yaml"} | {f".{name}": name for name in base.NAMES}
        kind = kinds.get(file.suffix)
        template = file.name.startswith("body-template.json") or file.name == "status.json"
        if kind and not template and "drop-ins" not in file.parts:
            yield pytest.param(kind, file, id=str(file.relative_to(CASES)))


@pytest.mark.parametrize(("kind", "file"), list(cases()))
def test_recorded_cases_are_valid(validators, kind, file):
    text = base.decode(file.read_bytes())
    try:
        found = mistakes(validators, text, kind)
    except ConfigError:
        assert "{{" in text or "broken" in file.parts  # templates are not TOML or YAML yet
        return
    assert [text for text in found if not MEANT_TO_BE_WRONG.search(text)] == []


PROFILE = {"repository": "r", "backup": {"source": ["/a"]}}


@pytest.mark.parametrize(
    "broken",
    [
        {"repositry": "r"},
        {"repository": ["a", "b"]},
        {"repository": {"enviroment": "X"}},
        {"repository": {"env": "X", "file": "y"}},
        {"initialize": "maybe"},
        {"verbose": "very"},
        {"env": ["A=b"]},
        {"backup": ["a"]},
        {"backup": {"sourc": "/a"}},
        {"backup": {"exclude-caches": ["a"]}},
        {"backup": {"schedule-permission": "mine"}},
        {"backup": {"schedule": {"at": "daily", "permision": "user"}}},
        {"backup": {"send-before": [{"uri": "x"}]}},
        {"backup": {"hook-timeout": "soon"}},
        {"backup": {"keep-last": 3}},
        {"retention": {"exclude": "x"}},
        {"monitor": {"heathchecks": "x"}},
        {"monitor": {"ntfy": {"topick": "x"}}},
        {"prometheus-push-format": "json"},
        {"stream-error": [{"patern": "x"}]},
    ],
    ids=str,
)
def test_a_broken_profile_is_not_valid_in_either_version(validators, broken):
    for version, wrap in ((1, lambda p: {"home": p}), (2, lambda p: {"profiles": {"home": p}})):
        good, bad = wrap(PROFILE), wrap({**PROFILE, **broken})
        assert validators[version].is_valid({"version": str(version), **good})
        assert not validators[version].is_valid({"version": str(version), **bad})


def test_the_schema_for_both_looks_at_the_version():
    schema = jsonschema.Draft202012Validator(both())
    one, two = {"home": PROFILE}, {"version": 2, "profiles": {"home": PROFILE}}
    assert schema.is_valid(one)
    assert schema.is_valid(two)
    assert not schema.is_valid({**two, "version": 1})
    assert not schema.is_valid({**one, "version": "2"})


@pytest.mark.parametrize(
    ("version", "broken"),
    [
        (1, {"version": "2"}),
        (1, {"version": "1", "groups": {"all": {"profiles": ["a"]}}}),
        (1, {"version": "1", "home": {"run-before...": "x"}}),
        (1, {"version": "1", "home": "text"}),
        (2, {"profiles": {}}),
        (2, {"version": "2", "home": PROFILE}),
        (2, {"version": "2", "groups": {"all": ["a"]}}),
        (2, {"version": "2", "profiles": {"home": {"exlude...": "x"}}}),
        (2, {"version": "2", "global": {"initialise": True}}),
    ],
    ids=str,
)
def test_a_broken_file_is_not_valid(validators, version, broken):
    assert not validators[version].is_valid(broken)


@pytest.mark.parametrize(
    "profile",
    [
        {"run-before...": "x", "...run-before": ["y"], "backup": {"exclude__APPEND": "z"}},
        {"use": ["a"], "backup": {"use": [{"name": "b", "x": 1}], "source": None}},
        {"repository": {"credential": "repo"}, "verbose": {"env": "V"}, "quiet": {"file": "q"}},
        {"tag": True, "backup": {"host": True, "tag": ["a", "b"]}, "cache": {"cleanup": True}},
        {
            "monitor": {
                "healthchecks": {"ping_url": "x", "send_logs": True},
                "ntfy": [{"topic": "x"}],
            }
        },
        {"monitor": False, "backup": {"monitor": {"healthchecks": False}}},
    ],
    ids=str,
)
def test_what_version_2_takes_is_valid(validators, profile):
    assert mistakes_of(validators[2], {"version": "2", "profiles": {"home": profile}}) == []


def mistakes_of(validator, data):
    return [error.message for error in validator.iter_errors(data)]


def test_an_older_restic_has_fewer_flags():
    old = jsonschema.Draft202012Validator(Schema(1, Version(0, 9)).build())
    new = jsonschema.Draft202012Validator(Schema(1, Version(0, 18)).build())
    data = {"home": {"backup": {"skip-if-unchanged": True}}}
    assert new.is_valid(data)
    assert not old.is_valid(data)


def test_editors_are_told_what_a_key_means():
    schema = Schema(2).build()
    key = schema["$defs"]["key-run-before"]
    assert key["description"]
    assert schema["$defs"]["key-send-timeout"]["default"] == "30s"
    assert "user_logged_on" in str(schema["$defs"]["key-permission"])
    assert "restic 0.17.0 and later" in schema["$defs"]["key-skip-if-unchanged"]["description"]


@pytest.mark.parametrize("words", [["v1"], ["v2"], ["global"], [], ["--version", "0.16", "v1"]])
def test_generate_prints_it(project, words):
    outcome = project.run("generate", "--json-schema", *words).expect(0)
    assert outcome.out.startswith("{")
    assert outcome.err == ""


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "say what to generate"),
        (("--json-schema", "v3"), "there are v1, v2 and global"),
        (("--json-schema", "--version", "new", "v1"), "not a version of restic"),
        (("--random-key", "none"), "not a number of bytes"),
    ],
)
def test_generate_says_what_it_can_do(project, words, text):
    assert text in project.run("generate", *words).expect(2).err


def test_generate_makes_random_keys(project):
    one, other = (project.run("generate", "--random-key", "32").expect(0).out for _ in range(2))
    assert one != other
    assert len(one.strip()) == 44
    assert len(project.run("random-key").expect(0).out.strip()) == 1368
