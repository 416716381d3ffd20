"""Profiles for tests of the layers below the configuration: out of plain data."""

from __future__ import annotations

from typing import Any

from resticprof.model import masking
from resticprof.model.config import SECTIONS, Profile, Section


def profile(name: str = "default", **keys: Any) -> Profile:
    """A profile by its keys, `-` or `_`; tables are sections, and what is no key is a flag."""
    fields: dict[str, Any] = {"sections": {}, "flags": {}}
    for key, value in keys.items():
        if isinstance(value, dict) and key != "env":
            kind = SECTIONS.get(key, Section)
            fields["sections"][key] = kind(**_split(kind, value))
        else:
            _put(Profile, fields, key, value)
    return Profile(name=name, **fields)


def _split(kind: type[Section], keys: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {"flags": {}}
    for key, value in keys.items():
        _put(kind, fields, key, value)
    return fields


def _put(kind: type, fields: dict[str, Any], key: str, value: Any) -> None:
    value = tuple(value) if isinstance(value, list) else value
    if key in {"repository", "from-repository", "from_repository"} and isinstance(value, str):
        value = masking.repository_secret(value)
    attribute = key.replace("-", "_")
    if attribute in kind.__struct_fields__:
        fields[attribute] = value
    else:
        fields["flags"]["repo" if key == "repository" else key] = value
