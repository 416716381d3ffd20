"""The pages: their links lead somewhere, and the program understands their examples."""

from __future__ import annotations

import re
import textwrap

import pytest

from tests.kit.project import CHECKOUT

PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#]*)(?:#([^)]*))?\)")

BLOCK = re.compile(r"^ *```(toml|yaml|json|hcl)\n(.*?)^ *```$", flags=re.DOTALL | re.MULTILINE)
ALLOWED = re.compile(
    r"there are no profiles|"
    r"does not exist|there is no profile|has shut down|nothing matches|is not set here"
)
"""What `check-config` may say about an example, which is a part of a configuration."""


def anchors(text: str) -> set[str]:
    """What a heading is called in a link: lower case, blanks as `-`, no punctuation."""
    titles = re.findall(r"^#+ +(.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page):
    broken = []
    for name, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        target = page.parent / name if name else page
        if not target.exists():
            broken.append(name)
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            broken.append(f"{name}#{anchor}")
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_of_a_page_are_understood(page, project):
    findings = []
    for number, (kind, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), 1):
        project.write(f"{number}.{kind}", textwrap.dedent(text)).chmod(0o600)
        outcome = project.run("-c", f"{number}.{kind}", "check-config")
        findings += (outcome.out + outcome.err).splitlines()
    assert [
        line for line in findings if line != "no problems found" and not ALLOWED.search(line)
    ] == []
