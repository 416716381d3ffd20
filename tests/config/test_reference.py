"""docs/reference.md is what the program says about itself."""

from __future__ import annotations

import os

from resticprof.config import keys, reference
from resticprof.model.config import Global, Profile
from tests.kit.project import CHECKOUT

PAGE = CHECKOUT / "docs" / "reference.md"


def test_the_page_is_up_to_date():
    text = reference.reference()
    if "RESTICPROF_UPDATE_GOLDEN" in os.environ:
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text


def test_every_key_has_a_description():
    for table in (Global, Profile):
        assert all(field.about.text for field in keys.fields(table).values())


def test_the_command_prints_the_page(project):
    outcome = project.run("generate", "--config-reference").expect(0)
    assert outcome.out == PAGE.read_text(encoding="utf-8")
