"""Version numbers of restic."""

from __future__ import annotations

import pytest

from resticprof.restic.versions import RENAMED, Version, older


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("0.18.0", Version(0, 18, 0)),
        ("0.18", Version(0, 18, 0)),
        ("v0.9.6", Version(0, 9, 6)),
        ("0.18.0-dev", Version(0, 18, 0)),
        (" 1 ", Version(1)),
        ("latest", None),
        ("", None),
    ],
)
def test_number_is_read(text, version):
    assert Version.parse(text) == version


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("restic 0.14.0 compiled with go1.19.8 on linux/amd64\n", "0.14.0"),
        ("restic 0.18.0-dev (v0.17.3-100-gabc) compiled with go1.24.1 on linux/amd64", "0.18.0"),
        ("warning: first\nrestic 0.12 compiled with go1.16\n", "0.12.0"),
        ("restic 0.16.4", "0.16.4"),
        ("bash: restic: command not found", "None"),
    ],
)
def test_version_is_found_in_what_restic_prints(output, version):
    assert str(Version.from_output(output)) == version


def test_versions_are_ordered_by_number():
    assert Version(0, 9, 6) < Version(0, 10, 0) < Version(0, 18, 1) < Version(1)


def test_unknown_version_is_never_old():
    assert not older(None, RENAMED)
    assert older(Version(0, 13, 1), RENAMED)
    assert not older(Version(0, 14), RENAMED)
