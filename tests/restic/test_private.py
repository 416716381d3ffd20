"""Repositories with a password are handed over in files."""

from __future__ import annotations

import pytest

from resticprof.model import masking
from resticprof.model.types import Secret
from resticprof.restic import private
from resticprof.restic.versions import Version

OPEN = masking.repository_secret("rest:http://one/")
HIDDEN = masking.repository_secret("rest:http://u:pw@one/")
NEW, OLD, OLDER = Version(0, 18), Version(0, 13), Version(0, 10)


def test_only_repositories_with_a_password_need_a_file():
    assert private.secret_repositories({"repo": (OPEN,), "from-repo": (HIDDEN,)}, NEW) == {
        "from-repo": HIDDEN
    }


def test_both_repositories_of_a_copy_are_covered():
    found = {"repo": (HIDDEN,), "from-repo": (HIDDEN,), "tag": ("a",)}
    secrets = private.secret_repositories(found, NEW)
    assert secrets.keys() == {"repo", "from-repo"}
    replaced = private.with_files(found, {name: f"/tmp/{name}" for name in secrets})
    assert replaced == {
        "tag": ("a",),
        "repository-file": ("/tmp/repo",),
        "from-repository-file": ("/tmp/from-repo",),
    }


def test_old_names_are_covered():
    assert private.secret_repositories({"repo2": (HIDDEN,)}, OLD) == {"repo2": HIDDEN}
    assert private.with_files({"repo2": (HIDDEN,)}, {"repo2": "f"}) == {"repository-file2": ("f",)}


def test_restic_that_reads_no_file_gets_the_flag():
    assert private.secret_repositories({"repo": (HIDDEN,)}, OLDER) == {}


def test_reference_is_hidden_without_being_resolved():
    secret = Secret(source=lambda: pytest.fail("resolved"))
    assert private.secret_repositories({"repo": (secret,)}).keys() == {"repo"}


def test_plain_text_is_looked_at_too():
    found = private.secret_repositories({"repo": ("rest:http://u:pw@one/",)})
    assert found == {"repo": HIDDEN}


def test_own_repository_file_wins():
    assert private.secret_repositories({"repo": (HIDDEN,), "repository-file": ("f",)}) == {}


@pytest.mark.parametrize(
    ("prevent", "variables", "wanted"),
    [
        (None, {}, True),
        (None, {"RESTIC_REPOSITORY"}, False),
        (None, {"RESTIC_REPOSITORY_FILE"}, False),
        (True, {}, False),
        (False, {"RESTIC_REPOSITORY"}, True),
    ],
)
def test_files_can_be_prevented(prevent, variables, wanted):
    assert private.wanted(variables, prevent=prevent) is wanted
