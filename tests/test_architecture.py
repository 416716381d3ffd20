"""What keeps the program quick to start and easy to extend."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import resticprof
from resticprof.config.formats import base as formats
from resticprof.model.monitor import Monitor
from resticprof.monitors import registry as monitors
from resticprof.schedulers import base as schedulers

PACKAGE = Path(resticprof.__file__).parent

HEAVY = {
    "asyncio",
    "hcl2",
    "httpx",
    "importlib.metadata",
    "jinja2",
    "pydantic",
    "rich",
    "yaml",
}
"""Modules that take long to load and are not needed by most runs."""

LOADED = f"""
import sys
from resticprof.cli.main import main
try:
    main()
finally:
    print("loaded:", *sorted(set(sys.modules) & {HEAVY!r}), file=sys.stderr)
"""

PROFILES = """
version = "1"
[default]
repository = "local:/nowhere"
[default.backup]
source = ["/etc"]
run-before = ["true"]
[[default.backup.send-after]]
url = "https://example.org/"
"""


@pytest.mark.parametrize(
    "words", [["version"], ["--help"], ["profiles"], ["--dry-run", "backup"]], ids=" ".join
)
def test_start_loads_nothing_heavy(project, fake_restic, words):
    project.write("profiles.toml", PROFILES)
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words],
        check=False,
        capture_output=True,
        cwd=project.path,
        env=project.env,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "loaded:"


@pytest.mark.parametrize("name", monitors.names())
def test_monitor_is_complete(name):
    service = monitors.load(name)
    assert issubclass(service, Monitor)
    assert service.messages is not Monitor.messages
    assert inspect.getdoc(sys.modules[service.__module__])


@pytest.mark.parametrize("name", formats.NAMES)
def test_format_is_complete(name):
    module = formats.load(name)
    assert module.SUFFIXES
    assert list(inspect.signature(module.parse).parameters) == ["text", "file", "origins"]


def test_every_suffix_is_searched_for():
    suffixes = {suffix for name in formats.NAMES for suffix in formats.load(name).SUFFIXES}
    assert suffixes == set(formats.SEARCH_ORDER)


@pytest.mark.parametrize("name", sorted(set(schedulers.KINDS.values())))
def test_scheduler_is_complete(name):
    scheduler = importlib.import_module(f"resticprof.schedulers.{name}").SCHEDULER
    assert issubclass(scheduler, schedulers.Scheduler)
    assert not inspect.isabstract(scheduler)


@pytest.mark.parametrize(
    "file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE))
)
def test_source_file_is_short_and_says_what_it_is_for(file):
    text = file.read_text(encoding="utf-8")
    assert text.startswith('"""')
    assert len(text.splitlines()) <= 500
