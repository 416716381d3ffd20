"""How the last runs ended, from the status files that the profiles name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resticprof.model.schedule import LastRun

if TYPE_CHECKING:
    from collections.abc import Container

    from resticprof.config.configuration import Configuration


def of(configuration: Configuration, names: Container[str] | None) -> dict[str, LastRun]:
    """The last run of each `command@profile`; of these profiles, or of all."""
    return {}
