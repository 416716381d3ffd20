"""Time commands fairly: one after the other in turns, and the median of each."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]


def program() -> list[str]:
    """The program of this checkout, started by the interpreter that runs the benchmark."""
    return [sys.executable, "-m", "resticprof"]


def environment(home: Path) -> dict[str, str]:
    """Nothing of the user's, so that two machines measure the same."""
    return {
        "PATH": f"{home}:{os.environ['PATH']}",
        "PYTHONPATH": str(CHECKOUT),
        "HOME": str(home),
        "LANG": "C.UTF-8",
    }


def medians(commands: dict[str, list[str]], folder: Path, repeats: int) -> dict[str, float]:
    """Seconds of each command: the median of `repeats` rounds, after one that does not count."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(repeats + 1):
        for name, words in commands.items():
            started = time.perf_counter()
            done = subprocess.run(
                words,
                cwd=folder,
                env=environment(folder),
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            if done.returncode:
                sys.exit(f"{words}: exit status {done.returncode}\n{done.stdout.decode()}")
            if number:
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in times.items()}


def table(heads: list[str], rows: list[list[str]]) -> None:
    """Print a Markdown table whose columns line up."""
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    for row in [heads, ["-" * width for width in widths], *rows]:
        first, *others = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
        print(f"| {' | '.join(cells)} |")


def find(name: str) -> str:
    """The path of a program that the benchmark needs."""
    found = shutil.which(name)
    if not found:
        sys.exit(f"`{name}` is not installed")
    return found
