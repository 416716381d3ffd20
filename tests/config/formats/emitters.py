"""Write plain values in each format, in a compact and in a spread style, for the tests."""

from __future__ import annotations

import json
import re


def emit(format_name: str, table: dict[str, object], *, spread: bool) -> str:
    """One text that means `table`; in the spread style each key has a line of its own."""
    return {"toml": _toml, "yaml": _yaml, "json": _json, "hcl": _hcl}[format_name](table, spread)


def quote(text: str) -> str:
    r"""Text in `"`, with only such escapes as all four formats know."""
    return '"' + re.sub(r'["\\]|[^ -#%-\[\]-~\u00a1-\ud7ff]', _escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in '"\\':
        return "\\" + character
    if character == "$":  # never the start of `${`, whose inside HCL leaves as it is
        return "\\u0024"
    if ord(character) < 0x10000:
        return f"\\u{ord(character):04x}"
    return character


def _scalar(value: object) -> str:
    return quote(value) if isinstance(value, str) else json.dumps(value)


def _json(value: object, spread: bool) -> str:
    if isinstance(value, dict):
        entries = [f"{quote(key)}: {_json(item, spread)}" for key, item in value.items()]
        return "{" + _joined(entries, spread) + "}"
    if isinstance(value, list):
        return "[" + _joined([_json(item, spread) for item in value], spread) + "]"
    return _scalar(value)


def _joined(entries: list[str], spread: bool) -> str:
    return "\n" + ",\n".join(entries) + "\n" if spread and entries else ", ".join(entries)


def _yaml(value: object, spread: bool, indent: int = 0) -> str:
    if not spread or not value or not isinstance(value, (dict, list)):
        return _json(value, spread=False)
    pad = "\n" + "  " * indent
    if isinstance(value, dict):
        return "".join(
            f"{pad}{quote(key)}: {_yaml(item, spread, indent + 1)}" for key, item in value.items()
        )
    return "".join(f"{pad}- {_yaml(item, spread, indent + 1)}" for item in value)


def _hcl(table: dict[str, object], spread: bool, separator: str = "\n") -> str:
    lines = []
    for key, value in table.items():
        tables = value if isinstance(value, list) else []
        if spread and len(tables) > 1 and all(isinstance(item, dict) for item in tables):
            lines += [f"{quote(key)} {{\n{_hcl(item, spread)}\n}}" for item in tables]
        elif spread and isinstance(value, dict):
            lines.append(f"{quote(key)} {{\n{_hcl(value, spread)}\n}}")
        else:
            lines.append(f"{quote(key)} = {_hcl_value(value)}")
    return separator.join(lines)


def _hcl_value(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + _hcl(value, spread=False, separator=", ") + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_hcl_value(item) for item in value) + "]"
    return _scalar(value)


def _toml(table: dict[str, object], spread: bool, path: tuple[str, ...] = ()) -> str:
    lines = []
    later: list[tuple[str, tuple[str, ...], dict[str, object]]] = []
    for key, value in table.items():
        tables = value if isinstance(value, list) else []
        if spread and isinstance(value, dict):
            later.append(("[%s]", (*path, key), value))
        elif spread and tables and all(isinstance(item, dict) for item in tables):
            later += [("[[%s]]", (*path, key), item) for item in tables]
        else:
            lines.append(f"{quote(key)} = {_toml_value(value)}")
    for header, name, inner in later:
        lines.append(header % ".".join(quote(part) for part in name))
        lines.append(_toml(inner, spread, name))
    return "\n".join(lines)


def _toml_value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quote(k)} = {_toml_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    return _scalar(value)
