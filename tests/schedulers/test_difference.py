"""The diff of a plan, and what it must not show."""

from __future__ import annotations

import pytest

from resticprof.model.schedule import Installation, Part
from resticprof.schedulers import difference

UNIT = '[Service]\nEnvironment="HOME=/root"\nEnvironment="RESTIC_PASSWORD=top secret"\n'


def installation(*parts: Part, enabled: bool = True) -> Installation:
    return Installation(
        key="k",
        title="backup@home",
        name="home",
        scope="user",
        config_file="/c",
        times=("daily",),
        parts=parts,
        enabled=enabled,
    )


def unit(text: str | None) -> Part:
    return Part(path="/u/x.service", text=text)


def private(text: str, mode: int = 0o600) -> Part:
    return Part(path="/u/x.env", text=text, mode=mode, secret=True)


def test_the_same_is_kept() -> None:
    one = installation(unit("a\n"), private('A="b"\n'))
    found = difference.change(one, one)
    assert (found.action, found.diff) == ("keep", "")


def test_new_files_come_from_nowhere() -> None:
    found = difference.change(None, installation(unit("a\n")))
    assert found.action == "create"
    assert found.diff == "--- /dev/null\n+++ /u/x.service\n@@ -0,0 +1 @@\n+a\n"


def test_old_files_go_nowhere() -> None:
    found = difference.change(installation(unit("a\n")), None)
    assert found.action == "remove"
    assert found.diff == "--- /u/x.service\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"


def test_variables_of_units_are_masked_but_for_harmless_ones() -> None:
    found = difference.change(installation(unit(UNIT)), None)
    assert "top secret" not in found.diff
    assert '-Environment="HOME=/root"\n-Environment="RESTIC_PASSWORD=×××"\n' in found.diff


@pytest.mark.parametrize(
    "line",
    [
        "Environment=RESTIC_PASSWORD=MARK",
        "  Environment = 'RESTIC_PASSWORD=MARK MARK'",
        'Environment="HOME=/root" "RESTIC_PASSWORD=MARK"',
        'Environment="HOME=/root" \\\n  "RESTIC_PASSWORD=MARK" \\\n A=MARK',
        "SetCredential=restic:MARK\\\n MARK",
        "SetCredentialEncrypted=restic: MARK",
    ],
)
def test_secrets_of_units_that_others_wrote_are_masked(line: str) -> None:
    text = f"[Service]\n{line}\nNice=5\n"
    diff = difference.change(installation(unit(text)), None).diff
    assert "MARK" not in diff
    assert "×××" in diff
    assert "-Nice=5\n" in diff


def test_a_secret_that_changes_is_told_but_not_shown() -> None:
    found = difference.change(installation(private('A="b"\n')), installation(private('A="c"\n')))
    assert found.action == "change"
    assert found.diff == "--- /u/x.env\n+++ /u/x.env\n# a value that is not shown changes\n"


def test_a_new_secret_is_told_by_its_name() -> None:
    before = installation(private('A="x\ny=z\n"\n'))
    found = difference.change(before, installation(private('A="b"\nB="\\"c"\n')))
    assert "+B=×××\n" in found.diff
    assert "z" not in found.diff


def test_a_private_file_that_others_wrote_is_not_shown_at_all() -> None:
    found = difference.change(installation(private("A=secret\n")), None)
    assert "secret" not in found.diff
    assert "-×××\n" in found.diff


def test_a_private_file_that_others_can_read_is_a_change() -> None:
    before = installation(private('A="b"\n', 0o644))
    found = difference.change(before, installation(private('A="b"\n')))
    assert found.action == "change"
    assert "# mode 644 becomes 600\n" in found.diff


def test_what_we_may_not_read_counts_as_the_same() -> None:
    assert difference.change(installation(unit(None)), installation(unit("a"))).action == "keep"


def test_a_job_that_is_not_enabled_is_a_change() -> None:
    before = installation(unit("a"), enabled=False)
    found = difference.change(before, installation(unit("a")))
    assert (found.action, found.diff) == (
        "change",
        "# backup@home is installed, but not enabled\n",
    )
