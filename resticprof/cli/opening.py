"""Open the configuration that the command line names."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resticprof.config.configuration import Configuration
    from resticprof.model.run import Invocation

log = logging.getLogger("resticprof")


def open_configuration(invocation: Invocation, *, warn: bool = True) -> Configuration:
    """Find and read the configuration; its unknown keys are told as warnings."""
    from resticprof.commands import template_data
    from resticprof.config import load
    from resticprof.config.configuration import Configuration

    file = load.find(invocation.config)
    renderer = template_data.Renderer(file)
    configuration = Configuration(
        load.Files(file, invocation.format, renderer.render), renderer.env_files
    )
    if str(file) != invocation.config:
        log.debug("using configuration file %s", file)
    if warn:
        for problem in configuration.warnings:
            log.warning("%s", problem)
    return configuration
