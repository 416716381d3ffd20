"""docs/monitoring.md names every service and every key, and its examples are right.

The tables of keys are made from the structs; RESTICPROF_UPDATE_GOLDEN=1 writes them anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import get_args, get_origin

import msgspec
import pytest

from resticprof.config import keys
from resticprof.config.convert import Converter
from resticprof.config.formats import toml, yaml
from resticprof.config.monitors import by_command
from resticprof.model.monitor import Monitor
from resticprof.model.table import Key, Table
from resticprof.model.types import Duration, Secret, Text
from resticprof.monitors import registry
from tests.kit.project import CHECKOUT

PAGE = CHECKOUT / "docs" / "monitoring.md"
TEXT = PAGE.read_text(encoding="utf-8")
READERS = {"toml": toml, "yaml": yaml}
EXAMPLES = re.findall(r"^```(toml|yaml)\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
BLOCK = r"(<!-- keys: {} -->\n).*?(<!-- end -->)"


def tables_of(name: str) -> str:
    """The keys of a service, and of the tables in it, as Markdown."""
    if name == "common":
        own, events = list(keys.fields(Monitor).values()), ()
    else:
        kind, inherited = registry.load(name), keys.fields(Monitor)
        own = [field for key, field in keys.fields(kind).items() if field != inherited.get(key)]
        own.sort(key=lambda field: field.key in inherited)
        events = kind.EVENTS
    parts = [rows(own, events)]
    for table, users in nested(own).items():
        parts.append(f"Keys of {', '.join(f'`{user}`' for user in users)}:\n")
        parts.append(rows(list(keys.fields(table).values())))
    return "\n".join(parts)


def nested(fields) -> dict[type[Table], list[str]]:
    """The tables inside a table, and the keys they belong to."""
    found: dict[type[Table], list[str]] = {}
    for field in fields:
        table = table_in(field.type)
        if table is not None:
            found.setdefault(table, []).append(field.key)
            for deeper, users in nested(keys.fields(table).values()).items():
                found.setdefault(deeper, []).extend(u for u in users if u not in found[deeper])
    return found


def table_in(kind) -> type[Table] | None:
    kind = keys.without_none(kind)
    if get_origin(kind) is tuple:
        kind = get_args(kind)[0]
    return kind if isinstance(kind, type) and issubclass(kind, Table) else None


def rows(fields, events: tuple[str, ...] = ()) -> str:
    lines = ["| key | default | meaning |", "| --- | --- | --- |"]
    for field in fields:
        about = field.about
        other = f"; also `{'`, `'.join(about.aliases)}`" if about.aliases else ""
        accepted = (field.key == "states" and events) or about.values
        values = ", ".join(f"`{value}`" for value in accepted if value)
        meaning = f"{about.text}: {values}" if values else about.text
        secret = " 🔒" if keys.without_none(field.type) is Secret else ""
        meaning = meaning.replace("|", "\\|") + other
        lines.append(f"| `{field.key}`{secret} | {default_of(field)} | {meaning} |")
    return "\n".join(lines) + "\n"


def default_of(field) -> str:
    value = field.default
    if field.required:
        return "**required**"
    if value is None or value in ("", ()):
        return ""
    if isinstance(value, Duration):
        return f'`"{value}"`'
    return f"`{msgspec.json.encode(value).decode().replace(',', ', ')}`"


@pytest.mark.parametrize("name", ["common", *registry.names()])
def test_every_key_is_in_the_documentation(name):
    block = re.compile(BLOCK.format(name), re.DOTALL)
    assert block.search(TEXT), f"there is no table for {name}"
    if os.environ.get("RESTICPROF_UPDATE_GOLDEN"):
        text = PAGE.read_text(encoding="utf-8")
        made = tables_of(name).replace("\\", "\\\\")
        PAGE.write_text(block.sub(rf"\g<1>{made}\g<2>", text), encoding="utf-8")
    found = block.search(PAGE.read_text(encoding="utf-8"))
    assert tables_of(name) == found[0].partition("\n")[2].removesuffix("<!-- end -->")


@pytest.mark.parametrize("name", registry.names())
def test_every_service_has_a_chapter_with_an_example_and_its_kind(name):
    title = {"pagerduty": "PagerDuty", "ntfy": "ntfy"}.get(name, name.replace("-", " ").title())
    chapter = re.search(rf"^### {title}\n(.*?)(?=^##)", TEXT, flags=re.MULTILINE | re.DOTALL)[1]
    assert f"[home.monitor.{name}]" in chapter or f"\n{name} = " in chapter
    kind = registry.load(name).KIND
    assert registry.load(name).DEPRECATED or kind in chapter.lower()


@pytest.mark.parametrize(("language", "text"), EXAMPLES, ids=[f"{n}" for n in range(len(EXAMPLES))])
def test_examples_are_right(language, text, monkeypatch):
    root = READERS[language].parse(text, str(PAGE))
    converter = Converter(Path("/etc/resticprof"))
    shared = root.get("global")
    shared = shared.get("monitor") if shared else None
    if (home := root.get("home")) is not None:
        found = by_command(converter, home, "home", shared)
        assert found or "monitor" not in text
    assert [str(problem) for problem in (*converter.problems, *converter.unknown)] == []


@pytest.mark.parametrize("name", registry.names())
def test_every_key_says_what_it_is_for(name):
    kind = registry.load(name)
    for table in (kind, *nested(keys.fields(kind).values())):
        described = {field.name for field in keys.fields(table).values()}
        assert described == {field.name for field in msgspec.structs.fields(table)}
        assert all(field.about.text for field in keys.fields(table).values())
        assert all(isinstance(field.about, Key) for field in keys.fields(table).values())


def test_secret_keys_are_secrets():
    """The keys that hold passwords, tokens, or URLs that are as good as one."""
    expected = {
        "apprise": {"api-key"},
        "cronhub": {"url"},
        "cronitor": {"url"},
        "healthchecks": {"url"},
        "loki": {"password", "bearer-token"},
        "ntfy": {"password", "access-token"},
        "pagerduty": {"integration-key"},
        "pushover": {"token", "user"},
        "sentry": {"dsn"},
        "uptime-kuma": {"url"},
        "watchgoose": {"url"},
        "zabbix": {"api-key", "password"},
    }
    found = {
        name: {
            field.key
            for field in keys.fields(registry.load(name)).values()
            if keys.without_none(field.type) is Secret
        }
        for name in registry.names()
    }
    assert found == expected


def test_bare_strings_stand_for_a_key_that_exists():
    for name in registry.names():
        kind = registry.load(name)
        field = keys.fields(kind)[kind.MAIN_KEY]
        assert keys.without_none(field.type) in (Secret, Text, str)
