"""Runs as metrics: names, labels, formats, and the push."""

from __future__ import annotations

import base64
import socket
import subprocess
import time
import urllib.request
from datetime import datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resticprof.model.masking import url_secret
from resticprof.model.run import Failure, Outcome, Report, StepReport, Summary
from resticprof.monitors import exposition, prometheus
from resticprof.monitors.prometheus import Push

START = datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
END = START + timedelta(seconds=12.5)

SUMMARY = Summary(
    files_new=1,
    files_changed=2,
    files_unmodified=3,
    dirs_new=4,
    dirs_changed=5,
    dirs_unmodified=6,
    files_total=6,
    bytes_added=7,
    bytes_added_packed=8,
    bytes_total=9,
    snapshot_id="07ab30a5",
    errors=0,
)
BACKUP = StepReport(name="backup", exit_code=0, seconds=10.25, summary=SUMMARY)
REPORT = Report(
    run_id="5c2f6b0e-6a0f-4f0e-9d51-0c1f5a0b7e11",
    profile="home",
    command="backup",
    host="box",
    started=START,
    ended=END,
    outcome=Outcome.SUCCESS,
    steps=(BACKUP,),
    summary=SUMMARY,
    version="1.2.3",
    restic_version="0.18.0",
)
NEVER_STARTED = msgspec.structs.replace(
    REPORT,
    outcome=Outcome.FAILED,
    exit_code=75,
    steps=(),
    summary=None,
    failure=Failure(message="locked", reason="lock"),
)

TEXT = """\
# HELP restic_build_info restic build information.
# TYPE restic_build_info gauge
restic_build_info{profile="home",version="0.18.0"} 1
# HELP resticprof_build_info resticprof build information.
# TYPE resticprof_build_info gauge
resticprof_build_info{profile="home",version="1.2.3"} 1
# HELP resticprof_last_run_duration_seconds How long the last run took.
# TYPE resticprof_last_run_duration_seconds gauge
resticprof_last_run_duration_seconds{command="backup",profile="home"} 12.5
# HELP resticprof_last_run_errors Damages that check found, or items that the backup could not read.
# TYPE resticprof_last_run_errors gauge
resticprof_last_run_errors{command="backup",profile="home"} 0
# HELP resticprof_last_run_exit_code Exit status of the last run.
# TYPE resticprof_last_run_exit_code gauge
resticprof_last_run_exit_code{command="backup",profile="home"} 0
# HELP resticprof_last_run_status Status of the last run: 0=fail, 1=warning, 2=success.
# TYPE resticprof_last_run_status gauge
resticprof_last_run_status{command="backup",profile="home"} 2
# HELP resticprof_last_run_timestamp_seconds When the last run ended.
# TYPE resticprof_last_run_timestamp_seconds gauge
resticprof_last_run_timestamp_seconds{command="backup",profile="home"} 1770091518.5
# HELP resticprof_last_success_timestamp_seconds When the last successful run ended.
# TYPE resticprof_last_success_timestamp_seconds gauge
resticprof_last_success_timestamp_seconds{command="backup",profile="home"} 1770091518.5
# HELP resticprofile_backup_added_bytes Bytes added to the repository.
# TYPE resticprofile_backup_added_bytes gauge
resticprofile_backup_added_bytes{profile="home"} 7
# HELP resticprofile_backup_added_bytes_packed Bytes added to the repository, compressed.
# TYPE resticprofile_backup_added_bytes_packed gauge
resticprofile_backup_added_bytes_packed{profile="home"} 8
# HELP resticprofile_backup_dir_changed Number of directories with changes.
# TYPE resticprofile_backup_dir_changed gauge
resticprofile_backup_dir_changed{profile="home"} 5
# HELP resticprofile_backup_dir_new Number of new directories added to the backup.
# TYPE resticprofile_backup_dir_new gauge
resticprofile_backup_dir_new{profile="home"} 4
# HELP resticprofile_backup_dir_unmodified Number of directories unmodified since last backup.
# TYPE resticprofile_backup_dir_unmodified gauge
resticprofile_backup_dir_unmodified{profile="home"} 6
# HELP resticprofile_backup_duration_seconds The backup duration (in seconds).
# TYPE resticprofile_backup_duration_seconds gauge
resticprofile_backup_duration_seconds{profile="home"} 10.25
# HELP resticprofile_backup_files_changed Number of files with changes.
# TYPE resticprofile_backup_files_changed gauge
resticprofile_backup_files_changed{profile="home"} 2
# HELP resticprofile_backup_files_new Number of new files added to the backup.
# TYPE resticprofile_backup_files_new gauge
resticprofile_backup_files_new{profile="home"} 1
# HELP resticprofile_backup_files_processed Total number of files scanned by the backup.
# TYPE resticprofile_backup_files_processed gauge
resticprofile_backup_files_processed{profile="home"} 6
# HELP resticprofile_backup_files_unmodified Number of files unmodified since last backup.
# TYPE resticprofile_backup_files_unmodified gauge
resticprofile_backup_files_unmodified{profile="home"} 3
# HELP resticprofile_backup_processed_bytes Bytes scanned by the backup.
# TYPE resticprofile_backup_processed_bytes gauge
resticprofile_backup_processed_bytes{profile="home"} 9
# HELP resticprofile_backup_status Backup status: 0=fail, 1=warning, 2=success.
# TYPE resticprofile_backup_status gauge
resticprofile_backup_status{profile="home"} 2
# HELP resticprofile_backup_time_seconds Last backup run (unixtime).
# TYPE resticprofile_backup_time_seconds gauge
resticprofile_backup_time_seconds{profile="home"} 1770091518.5
# HELP resticprofile_build_info resticprofile build information.
# TYPE resticprofile_build_info gauge
resticprofile_build_info{profile="home",version="1.2.3"} 1
"""

CHANGED = {"outcome": Outcome.FAILED, "exit_code": 1}


def changed(**changes):
    return msgspec.structs.replace(REPORT, **changes)


def values(report, labels=None):
    """`name{command}` to value; the value of a label `command` is shown when there is one."""
    return {
        family.name
        + (f"{{{command}}}" if (command := sample.label("command")) else ""): sample.value
        for family in prometheus.families(report, labels)
        for sample in family.samples
    }


# ---- what is told -------------------------------------------------------------------------------


def test_backup_in_text():
    assert exposition.text(prometheus.families(REPORT)) == TEXT


def test_run_that_failed_before_restic_has_status_0_and_no_numbers():
    found = values(NEVER_STARTED)
    assert found["resticprofile_backup_status"] == 0
    assert found["resticprof_last_run_status{backup}"] == 0
    assert found["resticprof_last_run_exit_code{backup}"] == 75
    assert "resticprofile_backup_duration_seconds" not in found
    assert "resticprofile_backup_files_new" not in found
    assert "resticprof_last_success_timestamp_seconds{backup}" not in found


def test_warning_has_status_1():
    warned = msgspec.structs.replace(BACKUP, exit_code=3)
    tolerated = values(changed(steps=(warned,), outcome=Outcome.WARNING))
    refused = values(changed(steps=(warned,), outcome=Outcome.FAILED, exit_code=3))
    assert tolerated["resticprofile_backup_status"] == refused["resticprofile_backup_status"] == 1
    success = "resticprof_last_success_timestamp_seconds{backup}"
    assert (success in tolerated, success in refused) == (True, False)


def test_failure_after_the_backup_is_not_a_failure_of_restic():
    found = values(changed(**CHANGED))
    assert found["resticprofile_backup_status"] == 2
    assert found["resticprof_last_run_status{backup}"] == 0


def test_every_step_is_told():
    steps = (
        StepReport(name="check", exit_code=0, seconds=1, summary=Summary(errors=0)),
        StepReport(name="retention", exit_code=0, seconds=2, summary=Summary(snapshots_kept=3)),
        BACKUP,
        StepReport(name="check", exit_code=1, seconds=4, error="exit status 1"),
    )
    found = values(changed(steps=steps, **CHANGED))
    assert found["resticprof_last_run_status{check}"] == 0
    assert found["resticprof_last_run_duration_seconds{check}"] == 4
    assert found["resticprof_last_run_snapshots_kept{retention}"] == 3
    assert "resticprof_last_success_timestamp_seconds{retention}" in found
    assert "resticprof_last_success_timestamp_seconds{check}" not in found


def test_step_has_the_time_of_its_own_end():
    steps = (
        StepReport(name="retention", exit_code=0, seconds=1, ended=END - timedelta(seconds=50)),
        msgspec.structs.replace(BACKUP, ended=END - timedelta(seconds=40)),
    )
    found = values(changed(steps=steps))
    end = END.timestamp()
    assert found["resticprofile_backup_time_seconds"] == end - 40
    assert found["resticprof_last_run_timestamp_seconds{backup}"] == end
    assert found["resticprof_last_run_timestamp_seconds{retention}"] == end - 50
    assert found["resticprof_last_success_timestamp_seconds{retention}"] == end - 50


def test_other_command_has_no_backup_metrics():
    prune = StepReport(name="prune", exit_code=0, seconds=1, summary=Summary(bytes_removed=5))
    found = values(changed(command="prune", steps=(prune,)))
    assert found["resticprof_last_run_removed_bytes{prune}"] == 5
    assert not [name for name in found if "backup" in name]


@pytest.mark.parametrize(
    "changes", [{"outcome": None}, {"outcome": Outcome.SKIPPED}, {"dry_run": True}]
)
def test_run_without_a_result_has_no_metrics(changes):
    assert prometheus.families(changed(**changes)) == ()
    assert prometheus.push(changed(**changes), Push(url="http://h")) is None


def test_labels_are_added_and_ours_win():
    labels = {"data-center": "a", "9x": "b", "profile": "c", "": "d"}
    [family] = [
        family
        for family in prometheus.families(changed(group="all"), labels)
        if family.name == "resticprofile_backup_status"
    ]
    assert family.samples[0].labels == (
        ("_9x", "b"),
        ("data_center", "a"),
        ("group", "all"),
        ("profile", "home"),
    )


# ---- text ---------------------------------------------------------------------------------------


def test_label_values_are_escaped():
    text = exposition.text(prometheus.families(REPORT, {"odd": 'a"b\\c\nd'}))
    assert r'odd="a\"b\\c\nd"' in text


@given(st.dictionaries(st.from_regex(r"[a-z]+", fullmatch=True), st.text()))
def test_text_is_read_back_as_it_was_written(labels):
    families = prometheus.families(NEVER_STARTED, labels)
    other = changed(profile="other", outcome=Outcome.SKIPPED)
    assert prometheus.updated(exposition.text(families), other, ()) == exposition.text(families)


def test_file_keeps_other_profiles_and_other_commands():
    check = changed(command="check", steps=(StepReport(name="check", exit_code=0, seconds=1),))
    text = ""
    for report in (changed(profile="other"), check, REPORT):
        text = prometheus.updated(text, report, prometheus.families(report))
    assert 'resticprofile_backup_status{profile="other"} 2' in text
    assert 'resticprof_last_run_status{command="check",profile="home"} 2' in text
    assert 'resticprofile_backup_status{profile="home"} 2' in text
    assert text.count("# TYPE resticprofile_backup_status gauge") == 1


def test_file_keeps_the_last_success_and_forgets_old_numbers():
    report = msgspec.structs.replace(NEVER_STARTED, ended=END + timedelta(days=1))
    text = prometheus.updated(TEXT, report, prometheus.families(report))
    success = 'resticprof_last_success_timestamp_seconds{command="backup",profile="home"}'
    assert f"{success} 1770091518.5\n" in text
    assert 'resticprofile_backup_status{profile="home"} 0' in text
    assert "files_new" not in text


def test_new_version_replaces_the_old_one():
    report = changed(version="2.0.0")
    text = prometheus.updated(TEXT, report, prometheus.families(report))
    assert text.count("resticprof_build_info{") == 1


def test_nonsense_in_the_file_is_left_out():
    old = 'own_metric{a="b"} 3\nnot a metric\nresticprof_x{profile="home"} many\n\x00'
    text = prometheus.updated(old, REPORT, prometheus.families(REPORT))
    assert (
        text.replace(TEXT, "")
        == '# HELP own_metric \n# TYPE own_metric gauge\nown_metric{a="b"} 3\n'
    )


@pytest.mark.needs("promtool")
def test_promtool_accepts_the_text():
    text = exposition.text(prometheus.families(REPORT, {"odd": 'a"b\\c\nd', "é": "ü"}))
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# ---- push ---------------------------------------------------------------------------------------


def test_push():
    request = prometheus.push(REPORT, Push(url="http://gateway:9091/"))
    assert request.method == "POST"
    assert request.url.reveal() == "http://gateway:9091/metrics/job/home.backup"
    assert request.headers == (("Content-Type", "text/plain; version=0.0.4; charset=utf-8"),)
    assert request.body.decode() == TEXT
    assert request.accept == (200, 202)


@pytest.mark.parametrize(
    ("template", "job"),
    [
        (None, "home.backup"),
        ("", "home.backup"),
        ("$command", "backup"),
        ("x-${COMMAND}-$$-$other.", "x-backup-$-."),
    ],
)
def test_job(template, job):
    assert prometheus.job_name(REPORT, template) == job


@pytest.mark.parametrize(
    ("job", "path"),
    [
        ("a b", "/metrics/job/a%20b"),
        ("ü?", "/metrics/job/%C3%BC%3F"),
        ("a/b", "/metrics/job@base64/YS9i"),
        ("/var/tmp", "/metrics/job@base64/L3Zhci90bXA"),
    ],
)
def test_job_is_part_of_the_path(job, path):
    url = prometheus.push(REPORT, Push(url="gateway:9091", job=job)).url.reveal()
    assert url == f"http://gateway:9091{path}"


def test_path_of_the_gateway_stays_in_front():
    url = prometheus.push(REPORT, Push(url="https://g/p", job="$unknown")).url.reveal()
    assert url == "https://g/p/metrics/job@base64/="


def test_credentials_in_the_url_are_not_shown():
    request = prometheus.push(REPORT, Push(url=url_secret("https://u:pw@gateway/")))
    assert request.url.reveal() == "https://u:pw@gateway/metrics/job/home.backup"
    assert "pw" not in str(request)


def test_label_job_is_left_to_the_gateway():
    body = prometheus.push(REPORT, Push(url="g", labels={"job": "own", "a": "b"})).body
    assert b'a="b"' in body
    assert b"own" not in body


def read_fields(data):
    """Fields of a protocol buffers message: numbers and contents, in order."""
    position = 0

    def varint():
        nonlocal position
        value = shift = 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(data):
        key = varint()
        kind = key & 7
        size = {1: 8}.get(kind) or (varint() if kind == 2 else 0)
        yield key >> 3, varint() if kind == 0 else data[position : position + size]
        position += size


def test_push_in_protobuf():
    request = prometheus.push(REPORT, Push(url="g", format="protobuf", labels={"x": "ü" * 100}))
    assert dict(request.headers)["Content-Type"].startswith("application/vnd.google.protobuf")
    rest, messages = request.body, []
    while rest:
        size, skip = rest[0], 1
        if size > 0x7F:
            size, skip = (size & 0x7F) | rest[1] << 7, 2
        messages.append(list(read_fields(rest[skip : skip + size])))
        rest = rest[skip + size :]
    names = [dict(message)[1].decode() for message in messages]
    assert names == [family.name for family in prometheus.families(REPORT)]
    [status] = [m for m in messages if dict(m)[1] == b"resticprofile_backup_status"]
    assert [number for number, _ in status] == [1, 2, 3, 4]
    metric = list(read_fields(dict(status)[4]))
    pairs = [
        tuple(text.decode() for _, text in read_fields(content))
        for number, content in metric
        if number == 1
    ]
    assert pairs == [("profile", "home"), ("x", "ü" * 100)]
    assert dict(read_fields(dict(metric)[2])) == {1: base64.b64decode("AAAAAAAAAEA=")}  # 2.0


@pytest.fixture
def gateway(need):
    """The address of a real Pushgateway on the loopback."""
    need("prometheus-pushgateway")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen(
        ["prometheus-pushgateway", f"--web.listen-address={address}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://{address}/-/ready", timeout=5).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait()


def test_pushgateway_takes_both_formats_and_keeps_the_last_success(gateway):
    for format_, report in (("text", REPORT), ("protobuf", NEVER_STARTED)):
        target = Push(url=gateway, job="home/$command", format=format_, labels={"x": "ü"})
        request = prometheus.push(report, target)
        sent = urllib.request.Request(
            request.url.reveal(), request.body, dict(request.headers), method=request.method
        )
        with urllib.request.urlopen(sent, timeout=5) as response:
            assert response.status in request.accept
    with urllib.request.urlopen(f"{gateway}/metrics", timeout=5) as response:
        found = response.read().decode()
    labels = 'instance="",job="home/backup",profile="home",x="ü"'
    assert f"resticprofile_backup_status{{{labels}}} 0" in found
    success = f'resticprof_last_success_timestamp_seconds{{command="backup",{labels}}}'
    assert f"{success} 1.7700915185e+09" in found
