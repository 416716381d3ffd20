"""Metrics in the two formats that Prometheus reads: text and protocol buffers.

They are described at prometheus.io/docs/instrumenting/exposition_formats.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

TEXT = "text/plain; version=0.0.4; charset=utf-8"
PROTOBUF = (
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
)


class Sample(msgspec.Struct, frozen=True):
    """One value of a metric. Labels are sorted by name."""

    labels: tuple[tuple[str, str], ...]
    value: float

    def label(self, name: str) -> str:
        """The value of a label; empty when it has none of this name."""
        return dict(self.labels).get(name, "")


class Family(msgspec.Struct, frozen=True):
    """All values of one metric. Every metric here is a gauge."""

    name: str
    help: str
    samples: tuple[Sample, ...]


# ---- text ---------------------------------------------------------------------------------------


def text(metrics: Iterable[Family]) -> str:
    """The text format, version 0.0.4."""
    lines = []
    for family in metrics:
        help_text = family.help.replace("\\", r"\\").replace("\n", r"\n")
        lines += [f"# HELP {family.name} {help_text}", f"# TYPE {family.name} gauge"]
        for sample in family.samples:
            labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels)
            shown = f"{family.name}{{{labels}}}" if labels else family.name
            lines.append(f"{shown} {sample.value!r}")
    return "".join(f"{line}\n" for line in lines)


def read(content: str) -> Iterable[Family]:
    """The families of a text; lines that cannot be read are left out."""
    found: dict[str, Family] = {}
    helps: dict[str, str] = {}
    for line in content.split("\n"):
        if comment := re.match(r"# HELP (\S+) (.*)", line):
            helps[comment[1]] = comment[2].replace(r"\n", "\n").replace(r"\\", "\\")
        elif sample := re.match(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? +(\S+)$", line):
            name, inside, value = sample.groups()
            pairs = re.findall(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"', inside or "")
            labels = tuple(sorted((label, _unescaped(text)) for label, text in pairs))
            family = found.get(name, Family(name, helps.get(name, ""), ()))
            try:
                new = Sample(labels, _number(value))
            except ValueError:
                continue
            found[name] = msgspec.structs.replace(family, samples=(*family.samples, new))
    return found.values()


def _number(value: str) -> float:
    return int(value) if re.fullmatch(r"-?\d+", value) else float(value)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], value)


# ---- protocol buffers ---------------------------------------------------------------------------


def protobuf(metrics: Iterable[Family]) -> bytes:
    """Delimited `io.prometheus.client.MetricFamily` messages, written by hand: five small types."""
    messages = (
        _field(1, family.name.encode())
        + _field(2, family.help.encode())
        + b"\x18\x01"  # type: GAUGE
        + b"".join(_field(4, _metric(sample)) for sample in family.samples)
        for family in metrics
    )
    return b"".join(_varint(len(message)) + message for message in messages)


def _metric(sample: Sample) -> bytes:
    labels = (
        _field(1, _field(1, name.encode()) + _field(2, value.encode("utf-8", "replace")))
        for name, value in sample.labels
    )
    gauge = b"\x09" + struct.pack("<d", sample.value)
    return b"".join(labels) + _field(2, gauge)


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
