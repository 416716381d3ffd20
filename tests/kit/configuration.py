"""Open a configuration of a folder in this process, as the program does."""

from __future__ import annotations

from pathlib import Path

from resticprof.config.configuration import Configuration
from resticprof.config.load import Files
from resticprof.runs import template_data


def opened(file: str | Path, format_name: str = "") -> Configuration:
    """The configuration with all its problems; its warnings are not told."""
    renderer = template_data.Renderer(Path(file))
    files = Files(Path(file), format_name, renderer.of_profile)
    return Configuration(files, renderer.env_files)
