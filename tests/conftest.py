"""What every test can ask for: a project folder, servers, restic (scripted or real), tools."""

from __future__ import annotations

import logging
import os
import re
import shutil
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.kit import namespaces
from tests.kit.project import Project
from tests.kit.restic import FakeRestic, Restic, found_restics
from tests.kit.server import Server, make_certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

hypothesis.settings.register_profile("ours", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("ours")

RESTICS = found_restics()

MISSING = re.compile(r"could not import|not installed|no such tool|cannot be found")
"""How a skip says that a tool is missing; `need` says "`NAME` is not installed"."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*programs): skip where one of them is not installed")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        _need(*mark.args)


def _need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"`{program}` is not installed")
        if program == "unshare" and (reason := namespaces.refused()):
            pytest.skip(f"no mount namespace can be made here: {reason}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    report = _strict((yield))
    # What was said may hold characters that cannot be sent to the process that prints reports.
    report.sections = [
        (name, text.encode(errors="replace").decode()) for name, text in report.sections
    ]
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    return _strict((yield))


def _strict(report):
    """With RESTICPROF_REQUIRE_BINARIES (CI), a test that lacks a tool fails instead of skipping."""
    if report.skipped and "RESTICPROF_REQUIRE_BINARIES" in os.environ:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if MISSING.search(reason):
            report.outcome = "failed"
            report.longrepr = f"{reason} (RESTICPROF_REQUIRE_BINARIES is set)"
    return report


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """A test that leaves the environment or our log handlers changed spoils the next one."""
    ignored = "PYTEST_CURRENT_TEST"
    logger = logging.getLogger("resticprof")
    environment, handlers = dict(os.environ), list(logger.handlers)
    yield
    changed = {
        name
        for name in environment.keys() | os.environ.keys()
        if name != ignored and environment.get(name) != os.environ.get(name)
    }
    left = [handler for handler in logger.handlers if handler not in handlers]
    os.environ.clear()
    os.environ.update(environment)
    logger.handlers[:] = handlers
    assert not changed, f"the test left these variables changed: {sorted(changed)}"
    assert not left, f"the test left log handlers behind: {left}"


@pytest.fixture
def need() -> Callable[..., None]:
    """`need("promtool")` skips the test, naming the program, where it is not installed."""
    return _need


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty folder in which `python -m resticprof` runs in an environment of its own."""
    return Project(tmp_path)


@pytest.fixture
def server() -> Iterator[Server]:
    """An HTTP server on the loopback that records requests and answers as it is told."""
    with Server() as running:
        yield running


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `ca.pem`, and `server.pem` and `client.pem` (with keys) that it signed."""
    _need("openssl")
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def tls_server(certificates: Path) -> Iterator[Server]:
    """The same over HTTPS; its certificate is signed by the private CA in `.ca`."""
    with Server(certificates) as running:
        yield running


@pytest.fixture
def fake_restic(project: Project) -> FakeRestic:
    """A scripted restic, first on the project's PATH."""
    return FakeRestic(project)


@pytest.fixture(params=sorted(RESTICS))
def restic(request: pytest.FixtureRequest, project: Project) -> Restic:
    """A real restic, first on the project's PATH; one test for each version that was found."""
    binary = RESTICS[request.param]
    if binary is None:
        _need("restic")
    return Restic(binary, project)
