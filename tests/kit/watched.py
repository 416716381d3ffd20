"""A profile that tells services on the loopback everything, and what they were told."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from tests.kit import broken

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kit.project import Project
    from tests.kit.restic import FakeRestic
    from tests.kit.server import Server


class Watched:
    """A project with a scripted restic whose profile `home` tells Healthchecks and ntfy."""

    def __init__(self, project: Project, restic: FakeRestic, server: Server) -> None:
        project.env["XDG_STATE_HOME"] = str(project.home / "state")
        self.project, self.restic, self.server = project, restic, server
        self.path = project.path
        self.run, self.start, self.write = project.run, project.start, project.write
        self.file = project.path / "profiles.toml"

    def configure(self, more: str = "", *, monitor: str = "", name: str = "profiles.toml") -> None:
        """Write the configuration, with more keys of the profile and of its `monitor`."""
        self.write(
            name,
            f"""
version = "1"
[global]
min-memory = 0
[home]
repository = "local:/nowhere"
password-command = "echo x"
{more}
[home.monitor]
retries = 0
timeout = "5s"
healthchecks = {{ url = "{self.server.url}/hc/slug", run-id = false }}
ntfy = {{ url = "{self.server.url}", topic = "t", states = ["start", "finish", "fail"] }}
{monitor}
""",
        )

    def replace(self, old: str, new: str) -> None:
        """Change the configuration."""
        self.file.write_text(self.file.read_text().replace(old, new))

    def fail_unheard(self) -> None:
        """A failed run whose notification cannot be delivered; afterwards all is well again."""
        self.configure()
        with broken.refusing() as url:
            self.replace(f'"{self.server.url}"', f'"{url}"')
            self.restic.answer("backup", code=1, nth=1)
            self.run("-n", "home", "backup").expect(1)
        self.configure()
        self.server.requests.clear()

    @property
    def heartbeats(self) -> list[str]:
        """What Healthchecks was told: the ends of its URLs."""
        paths = [request.path for request in self.server.requests]
        return [path.removeprefix("/hc/slug") for path in paths if path.startswith("/hc")]

    @property
    def titles(self) -> list[str]:
        """What ntfy was told."""
        return [json.loads(r.body)["title"] for r in self.server.requests if r.path == "/"]

    @property
    def letters(self) -> list[Path]:
        """What waits in the outbox."""
        return sorted((self.project.home / "state" / "resticprof" / "outbox").glob("*.json"))


def wait_for(condition, timeout: float = 20) -> None:
    """Until something is true."""
    end = time.monotonic() + timeout
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    assert condition()
