"""docs/development.md shows the house as it is."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import resticprof

PACKAGE = Path(resticprof.__file__).parent
DOCUMENT = Path(__file__).parent.parent / "docs" / "development.md"
BEGIN, END = "<!-- rooms:", "<!-- end of rooms -->"


def first_line(file: Path) -> str:
    return (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0]


def rooms() -> str:
    lines = ["", "```", "resticprof/"]
    for folder in (PACKAGE, *sorted(path for path in PACKAGE.rglob("*") if path.is_dir())):
        files = sorted(file for file in folder.glob("*.py") if file.name != "__init__.py")
        if not files:
            continue
        if folder != PACKAGE:
            about = first_line(folder / "__init__.py")
            lines += ["", f"{folder.relative_to(PACKAGE)}/  {about}"]
        lines += [f"    {file.stem:<18} {first_line(file)}" for file in files]
    return "\n".join([*lines, "```", ""])


def test_every_file_says_what_it_is_for():
    assert not [str(file) for file in PACKAGE.rglob("*.py") if not first_line(file)]


def test_development_document_lists_every_file():
    text = DOCUMENT.read_text()
    start = text.index("\n", text.index(BEGIN)) + 1
    end = text.index(END)
    if "RESTICPROF_UPDATE_GOLDEN" in os.environ:
        DOCUMENT.write_text(text[:start] + rooms() + text[end:])
        return
    assert text[start:end] == rooms(), "RESTICPROF_UPDATE_GOLDEN=1 rewrites it"
