"""Text and JSON for what commands return."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec

from resticprof.system import streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def write(text: str) -> None:
    """The command's own result, on standard output. Raises `OutputLost`."""
    try:
        sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")
        sys.stdout.flush()
    except OSError as error:
        raise streams.lost(1, error) from error


def json(value: Any) -> None:
    """The same for machines."""
    write(json_text(value))


def json_text(value: Any) -> str:
    """Any of our values as JSON."""
    data = msgspec.json.encode(value, enc_hook=str)
    return msgspec.json.format(data, indent=2).decode()


def table(rows: Iterable[Sequence[str]]) -> str:
    """Columns two blanks apart."""
    lines = [[str(cell) for cell in row] for row in rows]
    if not lines:
        return ""
    widths = [max(len(row[column]) for row in lines) for column in range(len(lines[0]))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in lines
    )


def block(title: str, shown: dict[str, Any]) -> str:
    """A titled table as `show` prints it: aligned keys, sub-tables below dotted titles."""
    return f"{title}:\n" + "".join(_part(shown, 1, ""))


def _part(shown: dict[str, Any], depth: int, path: str) -> Iterable[str]:
    indent = "    " * depth
    pending: list[tuple[str, list[str]]] = []
    interrupted = False
    for key, value in shown.items():
        if _is_below(value):
            yield from _aligned(pending, indent)
            pending = []
            yield from _child(value, depth, f"{path}.{key}" if path else key)
            interrupted = True
            continue
        if interrupted and path and not pending:
            yield f"\n{'    ' * (depth - 1)}{path}:\n"
        interrupted = False
        pending.append((key, _texts(value)))
    yield from _aligned(pending, indent)


def _child(value: Any, depth: int, path: str) -> Iterable[str]:
    title_indent = "    " * min(depth, 1)
    title = f"\n{title_indent}{path}:\n"
    if isinstance(value, dict):
        if not _is_below(next(iter(value.values()), None)):  # else its first table has a title
            yield title
        yield from _part(value, 2, path)
        return
    yield title
    before: dict[str, Any] = {}
    for number, item in enumerate(value):
        if before and _is_below(list(before.values())[-1]):
            yield title
        if number:
            yield f"{'    ' * 2}-\n"
        yield from _part(item, 2, path)
        before = item


def _is_below(value: Any) -> bool:
    """Whether it is shown below a title of its own: a table, or a list of tables."""
    items = value if isinstance(value, list) else [value]
    return any(isinstance(item, dict) for item in items)


def _aligned(pending: list[tuple[str, list[str]]], indent: str) -> Iterable[str]:
    width = max((len(key) + 1 for key, _ in pending), default=0)
    for key, texts in pending:
        for number, text in enumerate(texts):
            label = f"{key}:" if not number else ""
            yield f"{indent}{label.ljust(width)}  {text}".rstrip() + "\n"


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [scalar(item) for item in value] or [""]
    return [scalar(value)]


def scalar(value: Any) -> str:
    """A single value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value == "":
        return '""'
    return str(value).replace("\t", "\\t").replace("\r", "\\r").replace("\n", "\\n")
