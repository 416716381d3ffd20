"""Find monitoring services by name; a service is imported only when somebody asks for it."""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING

import resticprof.monitors
from resticprof.errors import UsageError

if TYPE_CHECKING:
    from resticprof.model.monitor import Monitor

HELPERS = frozenset(
    {"exposition", "message", "payload", "prometheus", "registry", "request", "talk", "utf8"}
)
"""Everything else in this folder is a service."""


@functools.cache
def names() -> tuple[str, ...]:
    """The services, as their tables are called: by file name, with `-`."""
    import pkgutil

    found = {module.name for module in pkgutil.iter_modules(resticprof.monitors.__path__)}
    return tuple(sorted(name.replace("_", "-") for name in found - HELPERS))


def load(service: str) -> type[Monitor]:
    """The class of a service; `uptime-kuma` and `uptime_kuma` are the same."""
    service = service.replace("_", "-")
    if service not in names():
        known = ", ".join(names())
        raise UsageError(f"there is no monitoring service `{service}`; there are {known}")
    module = importlib.import_module(f"resticprof.monitors.{service.replace('-', '_')}")
    found: type[Monitor] = module.SERVICE
    return found


def name(monitor: Monitor) -> str:
    """The service of a monitor, as its table is called."""
    return type(monitor).__module__.rpartition(".")[2].replace("_", "-")


def title(monitor: Monitor) -> str:
    """The same for people, with the name of the entry if there are several."""
    return f"{name(monitor)} ({monitor.name})" if monitor.name else name(monitor)
