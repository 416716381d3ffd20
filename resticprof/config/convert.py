"""Nodes become typed values, weakly typed as the reference is; every problem is collected."""

from __future__ import annotations

import os
import re
import types
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from resticprof.config import keys
from resticprof.config.problems import Problems, at
from resticprof.config.tree import REFERENCES, describe, is_reference, scalar_text
from resticprof.errors import SecretError, did_you_mean
from resticprof.model import expansion, masking
from resticprof.model.table import Key, Table
from resticprof.model.types import Duration, Secret, Text, truth
from resticprof.system import directories, secrets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from resticprof.config.tree import Node
    from resticprof.model.config import FlagValue


_FAILED: Any = object()


class Converter(Problems):
    """Converts the tables of one profile, or of what all profiles share.

    `directory` is that of the configuration; `absolute` is the same as seen from everywhere.
    Without `reveal` no secret reference is followed; where a value is needed, its text stands.
    """

    def __init__(
        self, directory: Path, *, absolute: Path | None = None, reveal: bool = True
    ) -> None:
        super().__init__()
        self.directory = directory
        self.absolute = absolute or directory
        self.reveal = reveal
        self.secrets: list[Secret] = []  # those that became plain values

    # ---- tables -------------------------------------------------------------------------

    def table(self, node: Node, kind: type[Table], path: str, **given: Any) -> Any:
        """A table as its struct; unknown keys are remembered, not fatal."""
        values = self.values(node, kind, path)
        known = list(keys.fields(kind))
        for key, child in node.table.items():
            if key not in keys.spellings(kind):
                self.unknown_key(child, f"{path}.{child.key or key}", known)
        return self.build(node, kind, path, {**values, **given})

    def values(self, node: Node, kind: type[Table], path: str) -> dict[str, Any]:
        """The declared keys of a table, by attribute name; other keys are left to the caller."""
        known = keys.spellings(kind)
        found = {}
        for key, child in node.table.items():
            field = known.get(key)
            if field is None or child.value is None:
                continue
            value = self.value(child, field.type, field.about, f"{path}.{child.key or key}")
            if value is not _FAILED:
                found[field.name] = value
        return found

    def build(self, node: Node, kind: type[Table], path: str, values: dict[str, Any]) -> Any:
        """The struct, or None with a problem when a required key is missing."""
        for field in keys.fields(kind).values():
            if field.required and field.name not in values:
                missing = f"{path}.{field.key}"
                if not any(problem.key.lower() == missing.lower() for problem in self.problems):
                    self.problem(node, path, f"`{field.key}` is missing")
                return _FAILED
        return kind(**values)

    # ---- values -------------------------------------------------------------------------

    def value(self, node: Node, kind: Any, about: Key, path: str) -> Any:
        """One value of the given type; `_FAILED` after a problem."""
        kind = keys.without_none(kind)
        if keys.is_text(kind):
            return self.text(node, about, path, always_secret=kind is Secret)
        origin = get_origin(kind)
        if origin is tuple:
            return self._list(node, get_args(kind)[0], about, path)
        if origin is dict:
            return self._mapping(node, get_args(kind)[1], about, path)
        if origin in (Union, types.UnionType):
            return self._union(node, kind, about, path)
        if isinstance(kind, type) and issubclass(kind, Table):
            return self._struct(node, kind, path)
        return self._scalar(node, kind, about, path)

    def _union(self, node: Node, kind: Any, about: Key, path: str) -> Any:
        arms = get_args(kind)
        exact = next((arm for arm in arms if type(node.value) is arm), None)
        return self.value(node, exact or arms[-1], about, path)

    def _list(self, node: Node, kind: Any, about: Key, path: str) -> Any:
        if node.value is None or node.value == {}:
            return ()
        items = node.items if isinstance(node.value, list) else [node]
        converted = [
            self.value(item, kind, about, f"{path}[{number}]" if len(items) > 1 else path)
            for number, item in enumerate(items)
            if item.value is not None
        ]
        return _FAILED if any(item is _FAILED for item in converted) else tuple(converted)

    def _mapping(self, node: Node, kind: Any, about: Key, path: str) -> Any:
        table = _merged(node)
        if table is None:
            self.problem(node, path, f"expected a table, got {describe(node)}")
            return _FAILED
        converted = {
            key: self.value(child, kind, about, f"{path}.{child.key or key}")
            for key, child in table.items()
            if child.value is not None
        }
        return {key: value for key, value in converted.items() if value is not _FAILED}

    def _struct(self, node: Node, kind: type[Table], path: str) -> Any:
        table = _merged(node)
        if table is None:
            self.problem(node, path, f"expected a table, got {describe(node)}")
            return _FAILED
        return self.table(node.with_value(table), kind, path)

    def _scalar(self, node: Node, kind: Any, about: Key, path: str) -> Any:
        """A single value; a secret reference must be followed at once, if it is followed at all."""
        if is_reference(node) and not self.reveal:
            return str(self.reference(node)) if kind is str else _FAILED
        text = self.plain_text(node, path)
        if text is None:
            return _FAILED
        try:
            value = _READERS[kind](text, node)
            if kind is str and about.values:
                return self._word(value, about, node, path)
        except ValueError as error:
            unseen = "what this secret reference gives cannot be used here"
            self.problem(node, path, unseen if is_reference(node) else str(error))
            return _FAILED
        return self.expanded(value, about.expand, node, path) if kind is str else value

    def _word(self, text: str, about: Key, node: Node, path: str) -> Any:
        """One of the accepted words. Raises `ValueError` for any other, unless it is only told."""
        try:
            return _choice(text, about.values)
        except ValueError as error:
            if not about.lenient:
                raise
            if text:
                self.unknown.append(at(node, path, f"{error}; the default counts"))
            return _FAILED

    def plain_text(self, node: Node, path: str) -> str | None:
        """The scalar as text; a reference is resolved. None after a problem."""
        if is_reference(node):
            secret = self.reference(node)
            try:
                text = secret.reveal()
            except SecretError as error:
                self.problem(node, path, str(error))
                return None
            self.secrets.append(secret)
            return text
        if isinstance(node.value, dict | list):
            text = f"expected a single value, got {describe(node)}"
            hint = "; a secret reference has one key: `env`, `file`, `command` or `credential`"
            like = REFERENCES & set(node.table)
            self.problem(node, path, text + hint if like else text)
            return None
        return scalar_text(node)

    def text(self, node: Node, about: Key, path: str, *, always_secret: bool = False) -> Any:
        """Text that may be secret: a value, or a reference to one."""
        if is_reference(node):
            return self.reference(node)
        text = self.plain_text(node, path)
        if text is None:
            return _FAILED
        value = self.expanded(text, about.expand, node, path)
        if always_secret and about.flag:
            return masking.repository_secret(value)
        if always_secret:
            return masking.written_url(value) if "://" in value else Secret(value)
        return masking.named_secret(path.rpartition(".")[2], value)

    def reference(self, node: Node) -> Secret:
        """`{ env = … }`, `{ file = … }`, `{ command = … }` or `{ credential = … }`."""
        ((kind, target),) = node.table.items()
        return secrets.reference(kind, str(target.value), self.absolute)

    # ---- paths --------------------------------------------------------------------------

    def expanded(self, text: str, how: str, node: Node, path: str) -> str:
        """Expand variables (E), `~` (H), and join with the configuration's directory (R).

        What a secret reference gives has no variables.
        """
        if "E" in how and not is_reference(node):
            text = expansion.expand(text, lambda name: self._variable(name, node, path))
        if "H" in how:
            text = directories.with_home(text)
        if "R" in how and text and text[0] not in "$%" and not _is_no_file(text, path):
            text = self.relative(text)
        return text

    def _variable(self, name: str, node: Node, path: str) -> str:
        """A variable of our environment; one that is not set gives nothing, and is told."""
        if name not in os.environ:
            self.advise(node, path, f"the variable `{name}` is not set, so nothing stands for it")
        return os.environ.get(name, "")

    def relative(self, text: str) -> str:
        """A relative path, from the directory of the configuration."""
        return os.path.normpath(self.directory / text) if not os.path.isabs(text) else text

    # ---- flags of restic ----------------------------------------------------------------

    def flag(self, node: Node, path: str, expand: Callable[[str], Text]) -> Any:
        """A value of a restic flag; None when nothing is to be sent."""
        if is_reference(node):
            return self.reference(node)
        value = node.value
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, list):
            return self._flag_list(node, path, expand)
        if isinstance(value, dict):
            text = "a table is not a value for a flag of restic; it is left out"
            self.unknown.append(at(node, path, text))
            return None
        return expand(scalar_text(node))

    def _flag_list(self, node: Node, path: str, expand: Callable[[str], Text]) -> FlagValue:
        texts: list[Text] = []
        for number, item in enumerate(node.items):
            if isinstance(item.value, dict | list) and not is_reference(item):
                self.problem(item, f"{path}[{number}]", f"expected text, got {describe(item)}")
            elif item.value is not None:
                texts.append(
                    self.reference(item) if is_reference(item) else expand(scalar_text(item))
                )
        return tuple(texts)


def _is_no_file(text: str, path: str) -> bool:
    """Whether this is standard input (`-`), or a log target such as `syslog:` or `tcp://host`."""
    scheme, colon, _ = text.partition(":")
    target = bool(colon) and len(scheme) > 1 and scheme.replace("-", "").isalnum()
    return text == "-" or (target and path.lower().endswith((".log", ".schedule-log")))


def _merged(node: Node) -> dict[str, Node] | None:
    """A table, or the tables of a list as one (HCL's blocks); None for anything else."""
    if isinstance(node.value, dict):
        return node.value
    if isinstance(node.value, list) and all(isinstance(item.value, dict) for item in node.value):
        return {key: child for item in node.value for key, child in item.table.items()}
    return None


def _choice(text: str, words: tuple[str, ...]) -> str:
    """One of some words, in any case."""
    if text.lower() in words:
        return text.lower()
    listed = ", ".join(f"`{word}`" for word in words if word)
    meant = did_you_mean(text.lower(), words)
    raise ValueError(f"`{text}` is not one of {listed}{meant}")


def _read_bool(text: str, node: Node) -> bool:
    if isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return node.value != 0
    value = truth(text or "false")
    if value is None:
        raise ValueError(f"`{text}` is neither true nor false")
    return value


def _read_int(text: str, node: Node) -> int:
    """As Go reads it: a fraction is cut off, and text may be octal or hexadecimal."""
    if not text:
        return 0
    try:
        if isinstance(node.value, float):
            return int(node.value)
        octal = re.fullmatch(r"([-+]?)0(\d+)", text)
        return int(f"{octal[1]}0o{octal[2]}" if octal else text, 0)
    except (ValueError, OverflowError):
        raise ValueError(f"`{text}` is not a whole number") from None


def _read_float(text: str, _node: Node) -> float:
    try:
        return float(text) if text else 0.0
    except ValueError:
        raise ValueError(f"`{text}` is not a number") from None


def _read_duration(text: str, _node: Node) -> Duration:
    return Duration.parse(text or "0")


_READERS: dict[Any, Callable[[str, Node], Any]] = {
    str: lambda text, _node: text,
    bool: _read_bool,
    int: _read_int,
    float: _read_float,
    Duration: _read_duration,
}


def failed(value: Any) -> bool:
    """Whether a conversion ended with a problem."""
    return value is _FAILED
