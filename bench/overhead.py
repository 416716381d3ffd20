"""What a run adds to the time of restic itself: by format, lock, hooks and status file.

.venv/bin/python bench/overhead.py [ROUNDS]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from timing import find, medians, program, table

TOML = """\
version = "1"
[plain]
repository = "local:{folder}/repository"
password-file = "password"
[plain.backup]
source = ["{folder}/documents"]

[lock]
inherit = "plain"
lock = "lock"

[shell]
inherit = "plain"
[shell.backup]
run-before = ["true"]
run-after = ["true"]

[http]
inherit = "plain"
[http.backup]
send-before = {{ url = "{url}" }}
send-after = {{ url = "{url}" }}

[status]
inherit = "plain"
status-file = "{folder}/status.json"
[status.backup]
extended-status = true
"""
YAML = """\
version: "1"
plain:
  repository: local:{folder}/repository
  password-file: password
  backup:
    source: {folder}/documents
"""
JSON = """\
{{"version": "1", "plain": {{"repository": "local:{folder}/repository", "password-file": "password",
"backup": {{"source": "{folder}/documents"}}}}}}
"""
HCL = """\
plain = {{
  repository = "local:{folder}/repository"
  password-file = "password"
  backup = {{
    source = "{folder}/documents"
  }}
}}
"""


class Answer(BaseHTTPRequestHandler):
    """Says 200 to everything."""

    def do_GET(self) -> None:
        """An empty answer."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silent."""


def measure(folder: Path, url: str, rounds: int) -> None:
    """Back up the same small folder in every way, and print what each adds."""
    (folder / "documents").mkdir()
    (folder / "documents" / "letter.txt").write_text("Dear reader,\n")
    (folder / "password").write_text("benchmark")
    for suffix, text in {"toml": TOML, "yaml": YAML, "json": JSON, "hcl": HCL}.items():
        (folder / f"profiles.{suffix}").write_text(text.format(folder=folder, url=url))
    options = ["--repo", f"{folder}/repository", "--password-file", f"{folder}/password"]
    restic = [find("restic"), *options]
    subprocess.run([*restic, "init", "--quiet"], check=True)

    def ours(profile: str, suffix: str = "toml") -> list[str]:
        return [*program(), "-c", f"profiles.{suffix}", "-n", profile, "backup"]

    times = medians(
        {
            "restic alone": [*restic, "backup", f"{folder}/documents"],
            "TOML": ours("plain"),
            "YAML": ours("plain", "yaml"),
            "JSON": ours("plain", "json"),
            "HCL": ours("plain", "hcl"),
            "TOML, lock": ours("lock"),
            "TOML, two shell hooks": ours("shell"),
            "TOML, two HTTP hooks": ours("http"),
            "TOML, status file": ours("status"),
        },
        folder,
        rounds,
    )
    alone = times["restic alone"]
    rows = [
        [name, f"{seconds * 1000:.0f}", f"{(seconds - alone) * 1000:+.0f}"]
        for name, seconds in times.items()
    ]
    table(["backup of one small file", "ms", "added"], rows)


def main() -> None:
    """Measure in a temporary folder, with a web server beside it."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with (
        tempfile.TemporaryDirectory(prefix="resticprof-bench-") as folder,
        ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        measure(Path(folder), f"http://127.0.0.1:{server.server_address[1]}/", rounds)
        server.shutdown()


if __name__ == "__main__":
    main()
