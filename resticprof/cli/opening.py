"""Open the configuration that the command line names."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resticprof.config.configuration import Configuration
    from resticprof.model.run import Invocation

log = logging.getLogger("resticprof")


def open_configuration(invocation: Invocation, *, reveal: bool = True) -> Configuration:
    """The configuration, if its shared part is right. Raises `ConfigError`."""
    return open_for_run(invocation, reveal=reveal).require()


def open_for_run(invocation: Invocation, *, reveal: bool = True) -> Configuration:
    """Find and read the configuration; what is strange about it is told as warnings.

    What is wrong with its shared part fails the run, which tells those who wait for it.
    """
    configuration = read_configuration(invocation, reveal=reveal)
    configuration.warn()
    if str(configuration.file) != invocation.config:
        log.debug("using configuration file %s", configuration.file)
    return configuration


def read_configuration(invocation: Invocation, *, reveal: bool = True) -> Configuration:
    """The configuration with its problems, as far as it can be read; nothing is told.

    Without `reveal` no secret reference is followed: for commands that only look.
    """
    from resticprof.config.configuration import Configuration
    from resticprof.config.find import find
    from resticprof.config.load import Files
    from resticprof.runs import template_data

    file = find(invocation.config)
    renderer = template_data.Renderer(file)
    files = Files(file, invocation.format, renderer.of_profile)
    return Configuration(files, renderer.env_files, reveal=reveal)
