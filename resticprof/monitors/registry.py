"""Find monitoring services by name; a service is imported only when somebody asks for it."""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING

import resticprof.monitors
from resticprof.errors import UsageError

if TYPE_CHECKING:
    from resticprof.model.monitor import Monitor

HELPERS = frozenset({"message", "payload", "prometheus", "registry", "request", "talk", "utf8"})
"""Everything else in this folder is a service."""


@functools.cache
def names() -> tuple[str, ...]:
    """The services, as their tables are called: by file name, with `-`."""
    import pkgutil

    found = {module.name for module in pkgutil.iter_modules(resticprof.monitors.__path__)}
    return tuple(sorted(name.replace("_", "-") for name in found - HELPERS))


def load(name: str) -> type[Monitor]:
    """The class of a service; `uptime-kuma` and `uptime_kuma` are the same."""
    name = name.replace("_", "-")
    if name not in names():
        known = ", ".join(names())
        raise UsageError(f"there is no monitoring service `{name}`; there are {known}")
    module = importlib.import_module(f"resticprof.monitors.{name.replace('-', '_')}")
    service: type[Monitor] = module.SERVICE
    return service
