"""How long a large configuration takes: 100 and 1,000 profiles in each format.

.venv/bin/python bench/load.py [ROUNDS]
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from timing import medians, program, table

COUNTS = (1, 100, 1000)


def toml(number: int) -> str:
    """One profile with a hook, as TOML."""
    return f"""
[p{number}]
repository = "local:/srv/{number}"
password-file = "password"
[p{number}.backup]
source = ["/srv/data/{number}"]
exclude = ["*.tmp", "*.cache"]
tag = ["p{number}"]
[[p{number}.backup.send-after]]
url = "https://example.org/{number}"
"""


def template(number: int) -> str:
    """The same with what templates do: the name of the profile, a condition, a loop, functions."""
    key = 'password-file = "password"\n'
    actions = """
lock = "/tmp/{{ .Profile.Name }}.lock"
{{ if eq .OS "linux" -}}
run-before = [{{ range list "a" "b" }}"echo {{ . | upper }}", {{ end }}]
{{- end }}
"""
    return toml(number).replace(key, key + actions)


def yaml(number: int) -> str:
    """The same as YAML."""
    return f"""
p{number}:
  repository: local:/srv/{number}
  password-file: password
  backup:
    source: [/srv/data/{number}]
    exclude: ["*.tmp", "*.cache"]
    tag: [p{number}]
    send-after:
      - url: https://example.org/{number}
"""


def hcl(number: int) -> str:
    """The same as HCL."""
    return f"""
p{number} = {{
  repository = "local:/srv/{number}"
  password-file = "password"
  backup = {{
    source = ["/srv/data/{number}"]
    exclude = ["*.tmp", "*.cache"]
    tag = ["p{number}"]
    send-after = {{
      url = "https://example.org/{number}"
    }}
  }}
}}
"""


def json_(number: int) -> str:
    """The same as one member of a JSON object."""
    profile = {
        "repository": f"local:/srv/{number}",
        "password-file": "password",
        "backup": {
            "source": [f"/srv/data/{number}"],
            "exclude": ["*.tmp", "*.cache"],
            "tag": [f"p{number}"],
            "send-after": [{"url": f"https://example.org/{number}"}],
        },
    }
    return f',\n"p{number}": {json.dumps(profile)}'


def text(kind: str, count: int) -> str:
    """A whole file."""
    writers = {"toml": toml, "toml.gotmpl": template, "yaml": yaml, "hcl": hcl, "json": json_}
    writer = writers[kind]
    profiles = "".join(writer(number) for number in range(1, count + 1))
    heads = {
        "toml": 'version = "1"\n',
        "toml.gotmpl": 'version = "1"\n',
        "yaml": 'version: "1"\n',
        "json": '{"version": "1"',
        "hcl": "",
    }
    return heads[kind] + profiles + ("}" if kind == "json" else "")


def main() -> None:
    """Write the files, time the commands, print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    rows = []
    with tempfile.TemporaryDirectory(prefix="resticprof-bench-") as name:
        folder = Path(name)
        (folder / "restic").write_text("#!/bin/sh\necho restic 0.18.0 compiled\n")
        (folder / "restic").chmod(0o755)
        for kind in ("toml", "toml.gotmpl", "json", "yaml", "hcl"):
            commands = {}
            for count in COUNTS:
                file = f"{count}.{kind}"
                (folder / file).write_text(text(kind, count))
                commands[f"all {count}"] = [*program(), "-c", file, "profiles"]
                commands[f"one {count}"] = [
                    *program(),
                    "-c",
                    file,
                    "-n",
                    "p1",
                    "--dry-run",
                    "backup",
                ]
            times = medians(commands, folder, rounds)
            for what, title in (("all", "list all"), ("one", "dry run of one")):
                base, *larger = (times[f"{what} {count}"] for count in COUNTS)
                label = kind.upper().replace(".GOTMPL", " with a template")
                row = [f"{label}, {title}", f"{base:.2f}"]
                for count, seconds in zip(COUNTS[1:], larger, strict=True):
                    row += [f"{seconds:.2f}", f"{(seconds - base) / (count - 1) * 1000:.2f}"]
                rows.append(row)
    heads = ["seconds", "1 profile", "100", "ms each", "1,000", "ms each"]
    table(heads, rows)


if __name__ == "__main__":
    main()
