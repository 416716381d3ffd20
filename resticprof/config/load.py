"""Find, read, render, parse and include: from the name of a configuration to one tree."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from resticprof.config import resolve
from resticprof.config.formats import base
from resticprof.errors import ConfigError, Problem

if TYPE_CHECKING:
    from resticprof.config.tree import Node
    from resticprof.model.types import Place

log = logging.getLogger("resticprof")

Render = Callable[[list[tuple[str, str]], str], list[str]]
"""`render([(file, text), …], profile name)`: the texts after their templates were executed."""

TEMPLATE_SUFFIXES = frozenset({"j2", "jinja", "jinja2", "gotmpl", "tmpl"})
_SYSTEM_PLACES = ("/usr/local/etc", "/etc", "/opt/local/etc")


def places() -> list[Path]:
    """Where configurations are looked for, in order; for `resticprof` and `resticprofile` alike."""
    home = Path.home()
    user = os.environ.get("XDG_CONFIG_HOME") or str(home / ".config")
    system = (os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")
    names = ("resticprof", "resticprofile")
    found = [Path(folder) / name for folder in (user, *system) if folder for name in names]
    for place in _SYSTEM_PLACES:
        found += [Path(place) / part for part in ("", "restic", *names)]
    return [*found, home]


def find(name: str) -> Path:
    """The file that `--config` names, as it was found. Raises `ConfigError` with all places."""
    extensions = [""] if Path(name).suffix else [f".{part}" for part in base.SEARCH_ORDER]
    for extension in extensions:
        for candidate in _candidates(name + extension):
            if candidate.is_file():
                return candidate
    tried = "\n".join(f"  {place}" for place in (Path.cwd(), *places()))
    wanted = name if extensions == [""] else f"{name}.{{{','.join(base.SEARCH_ORDER)}}}"
    raise ConfigError(
        Problem(f"no configuration file `{wanted}`; looked in\n{tried}\nname one with --config")
    )


def _candidates(name: str) -> list[Path]:
    if os.path.isabs(name):
        return [Path(name)]
    return [Path(name), *(place / name for place in places())]


class Source(msgspec.Struct, frozen=True):
    """One configuration file: its text before templates, and how to parse it."""

    file: str
    format: str
    text: str
    included: bool = False


def read(file: Path, format_name: str = "") -> Source:
    """Read a file as text. Raises `ConfigError`."""
    chosen = base.format_of(_without_language(str(file)), format_name)
    try:
        data = file.read_bytes()
    except OSError as error:
        problem = Problem(f"cannot be read: {error.strerror}", file=str(file))
        raise ConfigError(problem) from error
    return Source(str(file), chosen, base.decode(data))


def _without_language(name: str) -> str:
    """`profiles.toml` out of `profiles.toml.j2`: the last part only names the template language."""
    stem, dot, last = name.rpartition(".")
    return stem if dot and last in TEMPLATE_SUFFIXES else name


class Files:
    """The main file and its includes, read once; rendered and parsed for each profile name."""

    def __init__(self, main: Path, format_name: str, render: Render) -> None:
        self.main = main
        self.directory = main.parent
        self._sources = [read(main, format_name)]
        self._render = render
        self._trees: dict[str, Node] = {}
        self._includes_known = False

    @property
    def templated(self) -> bool:
        """Whether any file holds a template, so that each profile may see another tree."""
        return any("{{" in source.text or "{%" in source.text for source in self._sources)

    def tree(self, profile_name: str) -> Node:
        """The merged tree of all files, their templates executed for this profile."""
        if not self._includes_known:
            self._add_includes(self._parsed(self._sources[:1], profile_name)[0])
        key = profile_name if self.templated else ""
        if key not in self._trees:
            trees = self._parsed(self._sources, profile_name)
            self._trees[key] = resolve.merge_files(trees)
        return self._trees[key]

    def forget(self, profile_name: str) -> None:
        """Execute the templates again when this profile is asked for the next time."""
        if self.templated:
            self._trees.pop(profile_name, None)

    def _parsed(self, sources: list[Source], profile_name: str) -> list[Node]:
        texts = self._render([(source.file, source.text) for source in sources], profile_name)
        trees = []
        for source, text in zip(sources, texts, strict=True):
            tree = base.parse(text, source.file, source.format)
            trees.append(tree.with_step(f"include {source.file}") if source.included else tree)
        return trees

    def _add_includes(self, tree: Node) -> None:
        """Read what `includes` of the main file names: files, or globs sorted by name."""
        self._includes_known = True
        node = tree.get("includes")
        if node is None:
            return
        for entry in node.items or [node]:
            pattern = str(self.directory / os.path.expanduser(str(entry.value)))
            matches = sorted(glob.glob(pattern))  # noqa: PTH207 - the pattern is absolute
            names = [pattern] if Path(pattern).is_file() else matches
            if not names:
                log.warning("%s: includes: nothing matches `%s`", entry.place, entry.value)
            for name in names:
                if not _same_file(Path(name), self.main):
                    self._include(Path(name), entry.place)

    def _include(self, file: Path, place: Place) -> None:
        source = read(file)
        if (source.format == "hcl") != (self._sources[0].format == "hcl"):
            text = f"`{file}` cannot be included: HCL files include HCL files only"
            raise ConfigError(Problem(text, file=place.file, line=place.line, key="includes"))
        self._sources.append(msgspec.structs.replace(source, included=True))


def _same_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
