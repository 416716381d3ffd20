"""Links between the pages lead somewhere."""

from __future__ import annotations

import re

import pytest

from tests.kit.project import CHECKOUT

PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#]*)(?:#([^)]*))?\)")


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
