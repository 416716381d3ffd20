"""The main job of the program, for a newcomer to watch; every step is checked."""

from __future__ import annotations

import argparse
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CHECKOUT = Path(__file__).absolute().parents[1]

PROFILE = """\
version = "1"

[home]
repository = "local:{folder}/repository"
password-file = "password"
no-cache = true
lock = "home.lock"

[home.backup]
source = ["{folder}/documents"]
exclude = ["*.tmp"]

[[home.backup.send-before]]
url = "{url}/start"

[[home.backup.send-after]]
url = "{url}/done?profile=${{PROFILE_NAME}}"

[[home.backup.send-after-fail]]
method = "POST"
url = "{url}/fail"
body = "${{PROFILE_COMMAND}} ended with ${{ERROR_EXIT_CODE}}: ${{ERROR_STDERR}}"

[[home.check.send-after]]
url = "{url}/checked"

[home.forget]
keep-last = 1

[[home.forget.send-after]]
url = "{url}/tidied"
"""


class Receiver(BaseHTTPRequestHandler):
    """A webhook: keeps what arrives."""

    arrived: list[tuple[str, str]]

    def receive(self) -> None:
        """Note one request and say that all is well."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.arrived.append((f"{self.command} {self.path}", body.decode()))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = receive

    def log_message(self, *_: object) -> None:
        """What arrives is shown later."""


class Show:
    """Tells the story, and remembers what did not go as it should."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.arrived: list[tuple[str, str]] = []
        self.wrong: list[str] = []

    def chapter(self, title: str) -> None:
        """A heading."""
        print(f"\n=== {title}", flush=True)

    def check(self, fact: str, *, holds: bool) -> None:
        """Note whether a promise was kept."""
        print(f"    {'ok' if holds else 'NOT TRUE'}: {fact}", flush=True)
        if not holds:
            self.wrong.append(fact)

    def run(self, *words: str, works: bool = True) -> str:
        """Run the program, shown as a person would type it; returns its standard output."""
        words = ("--name", "home", *words)
        print(f"\n  $ {shlex.join(('resticprof', *words))}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "resticprof", *words],
            cwd=self.folder,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        print("".join(f"    | {line}\n" for line in done.stdout.splitlines()), end="")
        meant = "success" if works else "a failure, as it has to be"
        self.check(f"exit status {done.returncode}: {meant}", holds=(done.returncode == 0) == works)
        return done.stdout

    def hooks(self, *expected: str) -> None:
        """Show the requests since the last look, and compare them with what was promised."""
        arrived, self.arrived[:] = self.arrived[:], []
        for line, body in arrived:
            print(f"    webhook got: {line}")
            print("".join(f"                 {text}\n" for text in body.splitlines()), end="")
        lines = [line for line, _ in arrived]
        self.check("those are the hooks of the profile, in their order", holds=lines == [*expected])


def play(show: Show, url: str) -> None:
    """The story."""
    folder = show.folder
    show.chapter("A folder to back up, a password, and a profile (profiles.toml)")
    (folder / "documents").mkdir()
    (folder / "documents" / "letter.txt").write_text("Dear reader,\n")
    (folder / "documents" / "draft.tmp").write_text("not worth a backup\n")
    password = secrets.token_hex()
    (folder / "password").touch(mode=0o600)
    (folder / "password").write_text(password)
    profile = PROFILE.format(folder=folder, url=url)
    (folder / "profiles.toml").write_text(profile)
    print("".join(f"    | {line}\n" for line in profile.splitlines()), end="")

    show.chapter("A new, encrypted repository, and two backups; hooks tell a webhook")
    show.run("init")
    show.run("backup")
    show.hooks("GET /start", "GET /done?profile=home")
    (folder / "documents" / "letter.txt").write_text("Dear reader,\nthis line is new.\n")
    show.run("backup")
    show.hooks("GET /start", "GET /done?profile=home")

    show.chapter("Check the repository; keep the newest snapshot only")
    show.run("check")
    show.run("forget")
    show.hooks("GET /checked", "GET /tidied")

    show.chapter("What is in the repository now")
    show.check("one snapshot is left", holds="1 snapshots" in show.run("snapshots"))
    listing = show.run("ls", "latest")
    show.check("it holds the letter", holds="letter.txt" in listing)
    show.check("it does not hold the excluded file", holds="draft.tmp" not in listing)

    show.chapter("Now something is broken on purpose: the password is wrong")
    (folder / "password").write_text("not the password")
    show.run("backup", works=False)
    show.hooks("GET /start", "POST /fail")
    (folder / "password").write_text(password)


def main() -> int:
    """Play the story in a temporary folder; exit status 1 when a promise was not kept."""
    parser = argparse.ArgumentParser(description="Show the main job.")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder")
    keep = parser.parse_args().keep
    started = time.monotonic()
    show = Show(Path(tempfile.mkdtemp(prefix="resticprof-demo-")))
    handler = type("Handler", (Receiver,), {"arrived": show.arrived})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            play(show, f"http://127.0.0.1:{server.server_address[1]}")
        finally:
            server.shutdown()
            if not keep:
                shutil.rmtree(show.folder)
    kept = "not all promises were kept" if show.wrong else "every promise was kept"
    show.chapter(f"Done in {time.monotonic() - started:.0f} seconds: {kept}")
    if keep:
        program = shlex.quote(f"{CHECKOUT}/.venv/bin/resticprof")
        print(f"    look around: cd {show.folder} && {program} snapshots@home")
    else:
        print(f"    {show.folder} is removed; docs/index.md makes a backup of your own")
    for fact in show.wrong:
        print(f"    NOT TRUE: {fact}")
    return 1 if show.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
