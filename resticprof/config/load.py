"""Read, render, parse and include: from the files of a configuration to one tree."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

import msgspec

from resticprof.config import resolve, secrecy
from resticprof.config.formats import base
from resticprof.config.merge import entries
from resticprof.config.problems import Problems, at
from resticprof.config.tree import scalar_text
from resticprof.errors import ConfigError, Error, Problem, TemplateError
from resticprof.system import directories, files, patterns
from resticprof.system.logs import TRACE
from resticprof.templates.buffer import Rendered

if TYPE_CHECKING:
    from pathlib import Path

    from resticprof.config.tree import Node

log = logging.getLogger("resticprof")

Renderer = Callable[[str], Callable[[str, str], Rendered]]
"""`renderer(profile name)(file, text)`: a text after its template was executed.

The files of one profile name are rendered in order, so that later ones can use what earlier ones
define. Raises `TemplateError`.
"""

_Asked = Literal["nothing", "its name", "more"]

TEMPLATE_SUFFIXES = frozenset({"j2", "jinja", "jinja2", "gotmpl", "tmpl"})

_ACTION = re.compile(r"\{[{%].*?[}%]\}", re.DOTALL)
_OF_PROFILE = re.compile(r"(?i:profile|current_?dir)|(?<!\.)\benv\b(?!\s*[.\[])")
_NAMING = frozenset({"inherit", "use"})  # keys whose values are names of profiles and mixins
_NAME = re.compile(r"\{\{-?\s*(?:\$?\.Profile\.Name|(?i:profile\.name))\s*-?\}\}")
_CAPTURE = re.compile(r"\{%[-+]?\s*(?:macro|call|filter|block|set\b[^=]*%\})")  # Jinja2 only


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

    def __init__(self, main: Path, format_name: str, renderer: Renderer) -> None:
        self.main = main
        self.directory = main.parent
        self.absolute_directory = directories.current() / main.parent
        self.advice: list[Problem] = []
        self._unreadable: list[Problem] = []
        self._sources = [read(main, format_name)]
        self._renderer = renderer
        self._documents: dict[str, resolve.Document] = {}
        self._shared: resolve.Document | None = None  # for all profiles that have none yet
        self._asked: _Asked | None = None  # known when all files are

    @property
    def names(self) -> tuple[str, ...]:
        """All files, as they were found."""
        return tuple(source.file for source in self._sources)

    @property
    def format(self) -> str:
        """The format of the main file."""
        return self._sources[0].format

    def document(self, profile_name: str) -> resolve.Document:
        """All files as one, their templates executed for this profile.

        An include that cannot be read is left out, and one of the problems of the document. Raises
        `ConfigError` when it is the main file.
        """
        if self._asked is None:
            first = self._documents[profile_name] = self._first_document(profile_name)
            self._asked = _asked([source.text for source in self._sources])
            self._shared = first if self._asked == "nothing" else None
        if profile_name not in self._documents:
            self._documents[profile_name] = self._further_document(profile_name)
        return self._documents[profile_name]

    def forget(self, profile_name: str) -> None:
        """Execute the templates again when this profile is asked for the next time."""
        if self._asked == "more":
            self._documents.pop(profile_name, None)

    def _first_document(self, profile_name: str) -> resolve.Document:
        """The main file alone names its includes; only then all files can be read together."""
        trees, problems = self._parsed(profile_name)
        self._add_includes(trees[0])
        if len(self._sources) > 1 or self._unreadable:
            trees, problems = self._parsed(profile_name)
        inner = {node.place: node for tree in trees[1:] if (node := tree.get("includes"))}
        for node in inner.values():
            self.advice.append(at(node, "includes", "is left out: only the main file includes"))
        return self._merged(trees, problems)

    def _further_document(self, profile_name: str) -> resolve.Document:
        """The document that profiles share, or one for this profile alone."""
        if self._shared is None and self._asked == "its name":
            trees, problems = self._parsed(profile_name, resolve.STAND_IN)
            if any(map(_depends_on_the_name, trees)):
                self._asked = "more"
            else:
                self._shared = self._merged(trees, problems, resolve.STAND_IN)
        return self._shared or self._merged(*self._parsed(profile_name))

    def _merged(
        self, trees: list[Node], problems: Problems, stand_in: str = ""
    ) -> resolve.Document:
        tree = resolve.merge_files(trees, problems)
        return resolve.Document(tree, problems, stand_in)

    def _parsed(self, profile_name: str, stand_in: str = "") -> tuple[list[Node], Problems]:
        """The trees of all files, and what is wrong with those that cannot be read.

        `stand_in` is written for the name of the profile. Raises `ConfigError` when the main file
        is among them.
        """
        render = self._renderer(stand_in or profile_name)
        problems = Problems()
        problems.problems += self._unreadable
        trees: list[Node] = []
        for source in self._sources:
            try:
                trees.append(self._tree(source, render(source.file, source.text), profile_name))
            except ConfigError as error:
                problems.problems += error.problems
            except TemplateError as error:
                problem = Problem(error.text, file=error.file, line=error.line)
                problems.problems.append(problem)
            if not trees:
                problems.settle()
        return trees, problems

    def _tree(self, source: Source, rendered: Rendered, profile_name: str) -> Node:
        if rendered.lines:
            title = "%s after its templates, for the profile %s:\n%s"
            text = rendered.text.replace(resolve.STAND_IN, profile_name)
            shown = secrecy.Numbered(text, source.format)
            log.log(TRACE, title, source.file, profile_name, shown)
        tree = base.parse(rendered.text, source.file, source.format, rendered.lines)
        tree = _with_template_steps(tree, _changed(source.text, rendered))
        return tree.with_step(f"include {source.file}") if source.included else tree

    # ---- includes -----------------------------------------------------------------------

    def _add_includes(self, tree: Node) -> None:
        """Read what `includes` of the main file names: files, or globs sorted by name."""
        node = tree.get("includes")
        for entry in entries(node) if node is not None and node.value is not None else ():
            with self._left_out():
                for file in self._included_files(entry):
                    with self._left_out():
                        self._include(file, entry)

    @contextlib.contextmanager
    def _left_out(self) -> Iterator[None]:
        """What cannot be included is a problem of every document."""
        try:
            yield
        except ConfigError as error:
            self._unreadable += error.problems

    def _included_files(self, entry: Node) -> list[Path]:
        written = scalar_text(entry)
        if isinstance(entry.value, dict | list) or not written:
            raise ConfigError(at(entry, "includes", "expected the name of a file, or a pattern"))
        wanted = directories.with_home(written)
        if files.is_file(self.directory / wanted):
            found = [self.directory / wanted]
        else:
            found = self._matching(wanted, entry)
        if not found:
            self.advice.append(at(entry, "includes", self._why_nothing(written)))
        return [file for file in found if not _same_file(file, self.main)]

    def _matching(self, pattern: str, entry: Node) -> list[Path]:
        """The files that match, sorted; those of no format we know are left out, which is told."""
        try:
            names = patterns.paths(pattern, root=str(self.directory))
        except Error as error:
            raise ConfigError(at(entry, "includes", str(error))) from error
        matching = sorted(self.directory / name for name in names)
        found = []
        for file in filter(files.is_file, matching):
            if base.has_format(_without_language(str(file))):
                found.append(file)
            else:
                text = f"`{file}` is left out: its name does not tell its format"
                self.advice.append(at(entry, "includes", text))
        return found

    def _why_nothing(self, written: str) -> str:
        path = self.directory / directories.with_home(written)
        if files.is_directory(path):
            return f"`{written}` is a directory; write `{written.rstrip('/')}/*`"
        closed = "; there is no permission to look there" if files.is_closed(path.parent) else ""
        return f"nothing matches `{written}`{closed}"

    def _include(self, file: Path, entry: Node) -> None:
        source = read(file)
        if (source.format == "hcl") != (self.format == "hcl"):
            text = f"`{file}` cannot be included: HCL files include HCL files only"
            raise ConfigError(at(entry, "includes", text))
        self._sources.append(msgspec.structs.replace(source, included=True))


def _asked(texts: list[str]) -> _Asked:
    """What the templates ask the profile for; what they do not is the same for all profiles."""
    actions = (found[0] for text in texts for found in _ACTION.finditer(text))
    asking = [action for action in actions if _OF_PROFILE.search(action)]
    if not asking:
        return "nothing"
    printed = all(map(_NAME.fullmatch, asking))
    return "its name" if printed and not any(map(_CAPTURE.search, texts)) else "more"


def _depends_on_the_name(tree: Node) -> bool:
    """Whether more than texts are otherwise for another name: keys, parents, mixins, variables."""
    for node in tree.walk():
        named = node.walk() if node.key.lower() in _NAMING else ()
        if resolve.STAND_IN in node.key or any(_is_filled_in(inner, "") for inner in named):
            return True
        if _is_filled_in(node, r"\$\{?\w*"):
            return True
    return False


def _is_filled_in(node: Node, before: str) -> bool:
    return isinstance(node.value, str) and bool(re.search(before + resolve.STAND_IN, node.value))


def _changed(template: str, rendered: Rendered) -> frozenset[int]:
    """The lines of a file that are otherwise after its templates."""
    if not rendered.lines:
        return frozenset()
    before, after = template.split("\n"), rendered.text.split("\n")
    pairs = zip(rendered.lines, after, strict=True)
    return frozenset(line for line, text in pairs if before[line - 1] != text)


def _with_template_steps(node: Node, lines: frozenset[int]) -> Node:
    """The tree with a step behind the values of these lines."""
    if not lines:
        return node
    if isinstance(node.value, dict):
        table = {key: _with_template_steps(child, lines) for key, child in node.value.items()}
        return node.with_value(table)
    if isinstance(node.value, list):
        return node.with_value([_with_template_steps(item, lines) for item in node.value])
    return node.with_step("template") if node.place.line in lines else node


def _same_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
