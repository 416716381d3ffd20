"""Numbers out of what restic prints, in JSON and in words, from 0.9 to 0.19."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resticprof.model.run import Summary
from resticprof.restic import output

SUMMARY = {
    "message_type": "summary",
    "files_new": 205,
    "files_changed": 3,
    "files_unmodified": 17,
    "dirs_new": 26,
    "dirs_changed": 1,
    "dirs_unmodified": 2,
    "data_blobs": 1,
    "tree_blobs": 2,
    "data_added": 282,
    "data_added_packed": 140,
    "total_files_processed": 225,
    "total_bytes_processed": 6800,
    "total_duration": 0.5,
    "snapshot_id": "07ab30a5",
}

NUMBERS = Summary(
    files_new=205,
    files_changed=3,
    files_unmodified=17,
    dirs_new=26,
    dirs_changed=1,
    dirs_unmodified=2,
    files_total=225,
    bytes_added=282,
    bytes_added_packed=140,
    bytes_total=6800,
    snapshot_id="07ab30a5",
    errors=0,
)

NEW_TEXT = """\
no parent snapshot found, will read all files

Files:         209 new,     2 changed,    12 unmodified
Dirs:           58 new,     1 changed,    11 unmodified
Added to the repository: 282.768 MiB (140.5 KiB stored)

processed 223 files, 346.107 MiB in 0:00
snapshot 07ab30a5 saved
"""

OLD_TEXT = """\
repository 3c7a1b2d opened successfully, password is correct
created new cache in /root/.cache/restic

Files:        5307 new,     0 changed,     0 unmodified
Dirs:         1867 new,     0 changed,     0 unmodified
Added to the repo: 1.200 GiB

processed 5307 files, 1.720 GiB in 0:12
snapshot 40dc1520 saved
"""


def read(command, text, errors=""):
    collector = output.collector(command)
    passed = [line for line in text.split("\n") if not collector.feed(line)]
    for line in errors.splitlines():
        collector.feed_error(line)
    return collector, passed


def numbers(command, text, errors=""):
    return read(command, text, errors)[0].summary


# ---- backup -----------------------------------------------------------------------------------


def test_backup_in_json():
    assert numbers("backup", json.dumps(SUMMARY)) == NUMBERS


def test_messages_are_for_us_and_other_lines_are_passed_on():
    status = '{"message_type":"status","percent_done":0}'
    lines = ["a line of ssh", status, '{"not":"ours"}', f"\r\x1b[2K{status}", "[0:00] 0 files"]
    assert read("backup", "\n".join(lines))[1] == [
        "a line of ssh",
        '{"not":"ours"}',
        "[0:00] 0 files",
    ]


def test_line_that_erases_progress_is_read():
    assert numbers("backup", f"[0:12] 3.1% 5 files\r\x1b[2K{json.dumps(SUMMARY)}") == NUMBERS


def test_what_restic_leaves_out_of_its_json_is_zero():
    summary = numbers("backup", '{"message_type":"summary","snapshot_id":"07ab30a5"}')
    assert summary == Summary(
        files_new=0,
        files_changed=0,
        files_unmodified=0,
        dirs_new=0,
        dirs_changed=0,
        dirs_unmodified=0,
        files_total=0,
        bytes_added=0,
        bytes_added_packed=0,
        bytes_total=0,
        snapshot_id="07ab30a5",
        errors=0,
    )


def test_size_that_old_restic_does_not_know_is_absent():
    summary = numbers("backup", '{"message_type":"summary","data_added":7}')
    assert (summary.bytes_added, summary.bytes_added_packed) == (7, None)


def test_dry_run_saves_no_snapshot():
    summary = numbers("backup", json.dumps(SUMMARY | {"dry_run": True}))
    assert summary.snapshot_id is None
    assert summary.files_new == 205


def test_backup_in_words():
    assert numbers("backup", NEW_TEXT) == Summary(
        files_new=209,
        files_changed=2,
        files_unmodified=12,
        dirs_new=58,
        dirs_changed=1,
        dirs_unmodified=11,
        files_total=223,
        bytes_added=296503738,
        bytes_added_packed=143872,
        bytes_total=362919494,
        snapshot_id="07ab30a5",
        errors=0,
    )


def test_backup_in_words_of_old_restic():
    summary = numbers("backup", OLD_TEXT)
    assert summary.bytes_added == round(1.2 * 1024**3)
    assert summary.bytes_added_packed is None
    assert summary.snapshot_id == "40dc1520"


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("Would add to the repository: 0 B   (0 B   stored)", 0),
        ("Would add to the repo: 1.202 MiB", 1260388),
        ("Added to the repository: 351 B (290 B stored)", 351),
        ("Added to the repository: 1.500 TiB (1 GiB stored)", 3 * 2**39),
    ],
)
def test_sizes_in_words(text, added):
    assert numbers("backup", text).bytes_added == added


def test_interrupted_backup_has_no_numbers():
    assert numbers("backup", "[0:00] 0 files, 0 B, 1 errors\nusing parent snapshot 1") is None


def test_unreadable_items_in_json_are_counted_once():
    denied = '{"message_type":"error","error":{"message":"denied"}'
    errors = "\n".join(
        [
            denied + ',"during":"scan","item":"/a"}',
            denied + ',"during":"archival","item":"/a"}',
            '{"message_type":"error","error":{},"during":"archival","item":"/b"}',
            '{"message_type":"exit_error","code":3,"message":"Warning: at least one …"}',
        ]
    )
    collector, _ = read("backup", json.dumps(SUMMARY), errors)
    assert collector.unreadable == ("/a", "/b")
    assert collector.summary.errors == 2
    assert collector.summary.files_new == 205


def test_unreadable_items_in_words():
    errors = (
        "error: open /a: permission denied\n/gone does not exist, skipping\nscan: open /a: denied\n"
    )
    collector, _ = read("backup", NEW_TEXT, errors)
    assert collector.unreadable == ("open /a: permission denied", "/gone")
    assert collector.summary.errors == 2


def test_many_unreadable_items_are_counted_and_some_are_named():
    collector, _ = read("backup", "", "\n".join(f"error: {number}" for number in range(1000)))
    assert len(collector.unreadable) == output.MOST_UNREADABLE
    assert collector.summary == Summary(errors=1000)


@given(st.text())
def test_any_line_can_be_fed(line):
    for command in ("backup", "check", "forget", "prune", "ls"):
        collector = output.collector(command)
        collector.feed(line)
        collector.feed('{"message_type":' + line)
        collector.feed_error(line)


@pytest.mark.parametrize(
    "line",
    [
        '{"message_type":"summary","files_new":"many"}',
        '{"message_type":"summary",',
        '{"message_type":7}',
        '[{"keep":7}]',
        "[{]",
        "total prune: 3 blobs / much",
    ],
)
def test_broken_line_gives_no_numbers(line):
    for command in ("backup", "check", "forget", "prune"):
        assert numbers(command, line) in (None, Summary(errors=0))


# ---- check, forget, prune ---------------------------------------------------------------------


def test_check():
    line = '{"message_type":"summary","num_errors":2,"broken_packs":null,"suggest_prune":false}'
    assert numbers("check", line) == Summary(errors=2)
    assert numbers("check", "load indexes\nno errors were found") == Summary(errors=0)
    assert numbers("check", "Fatal: repository contains errors") is None


def test_check_of_a_locked_repository_found_no_errors():
    line = '{"message_type":"summary","num_errors":1}'
    error = '{"message_type":"exit_error","code":11,"message":"unable to create lock"}'
    assert numbers("check", line, error) is None


def test_forget_in_json_of_any_length():
    snapshot = {"id": "a" * 64, "paths": ["/x" * 1000]}
    groups = [
        {"tags": None, "keep": [snapshot] * 500, "remove": [snapshot] * 40},
        {"keep": [snapshot], "remove": None},
    ]
    assert numbers("forget", json.dumps(groups)) == Summary(
        snapshots_kept=501, snapshots_removed=40
    )


def test_forget_in_json_is_passed_on():
    collector, passed = read("forget", "[]")
    assert passed == ["[]"]
    assert collector.summary == Summary(snapshots_kept=0, snapshots_removed=0)


def test_forget_in_words_with_prune():
    text = """\
Applying Policy: keep 1 latest snapshots
keep 1 snapshots:
remove 2 snapshots:
keep 3 snapshots:
[0:00] 100.00%  1 / 1 files deleted

1 snapshots have been removed, running prune
to repack:             2 blobs / 2.861 MiB
this removes:          1 blobs / 2.861 MiB
to delete:             3 blobs / 827 B
total prune:           4 blobs / 2.862 MiB
remaining:             6 blobs / 2.862 MiB
"""
    assert numbers("forget", text) == Summary(
        snapshots_kept=4, snapshots_removed=2, bytes_removed=round(2.862 * 1024**2)
    )


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("will delete 2 packs and rewrite 4 packs, this frees 6.740 MiB", round(6.74 * 1024**2)),
        ("will delete 1 packs and rewrite 0 packs, this frees 763B", 763),
        ("will delete 0 packs and rewrite 1 packs, this frees -12 B", -12),
        ('{"message_type":"summary","blobs":{},"bytes":{"remove_total":5}}', 5),
    ],
)
def test_prune(text, size):
    assert numbers("prune", text) == Summary(bytes_removed=size)


def test_other_commands_have_no_numbers_and_all_lines():
    line = '{"message_type":"node","name":"x"}'
    collector, passed = read("ls", line, line)
    assert (collector.summary, collector.unreadable, passed) == (None, (), [line])


# ---- the real restic --------------------------------------------------------------------------


def test_real_numbers(restic, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "file").write_text("content" * 1024)  # 7 KiB
    env = {"RESTIC_PASSWORD": "x", "RESTIC_REPOSITORY": str(tmp_path / "repository")}
    restic.run("init", **env)

    def summary(command, *words):
        return numbers(command, restic.run(command, *words, **env))

    first = summary("backup", str(data))
    assert (first.files_new, first.files_total, first.bytes_total, first.errors) == (1, 1, 7168, 0)
    assert (len(first.snapshot_id), first.bytes_added > 0) == (8, True)
    (data / "file").write_text("other" * 1024)
    second = summary("backup", str(data), "--json")
    assert (second.files_changed, second.files_total, second.bytes_total) == (1, 1, 5120)
    assert len(second.snapshot_id) >= 8
    tried = summary("backup", str(data), "--json", "--dry-run")
    assert (tried.files_unmodified, tried.snapshot_id) == (1, None)
    counted = Summary(snapshots_kept=1, snapshots_removed=1)
    assert summary("forget", "--keep-last=1", "--json", "--dry-run") == counted
    forgotten = summary("forget", "--keep-last=1", "--prune")
    assert (forgotten.snapshots_kept, forgotten.snapshots_removed) == (1, 1)
    assert forgotten.bytes_removed > 0
    assert summary("check", *["--json"] * (restic.version >= (0, 18))) == Summary(errors=0)
