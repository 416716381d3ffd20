"""The lock file, with real processes that want it."""

import logging
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from resticprof.errors import Error, Interrupted, LockedError
from resticprof.system import lock
from resticprof.system.signals import Signals

REFERENCE = "someone on Monday, 01-Jan-24 10:00:00 UTC from elsewhere"


def start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )


def dead_pid():
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def may_hold(path, **options):
    try:
        with lock.hold(path, **options):
            return True
    except LockedError:
        return False


HOLD = """
    import os, sys, time
    from resticprof.system import lock
    with lock.hold(sys.argv[1]) as held:
        for pid in sys.argv[2:]:
            held.add_child(int(pid))
        print("held", flush=True)
        time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds `the.lock`, and is killed at the end."""
    process = start(HOLD, tmp_path / "the.lock")
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def test_the_file_says_who_holds_it_and_is_gone_afterwards(tmp_path):
    path = tmp_path / "some" / "where" / "the.lock"
    with lock.hold(path) as held:
        first, *pids = path.read_text().split("\n")
        assert re.fullmatch(r"\S+ on \w+, \d\d-\w{3}-\d\d \d\d:\d\d:\d\d \S+ from \S+.*", first)
        assert pids == [str(os.getpid())]
        held.add_child(4711)
        assert path.read_text().split("\n")[1:] == [str(os.getpid()), "4711", str(os.getpid())]
    assert list(path.parent.iterdir()) == []


def test_the_first_line_is_that_of_the_reference():
    now = datetime(2024, 1, 1, 10, 0, 0, tzinfo=timezone.utc)
    line = lock.first_line("someone", "elsewhere", now)
    assert line == f"{REFERENCE} (resticprof)"
    holder = lock.read(f"{line}\n17\n18")
    assert (holder.text, holder.ours, holder.pids) == (REFERENCE, True, (17, 18))
    assert str(holder) == "someone on elsewhere (process 17) since Monday, 01-Jan-24 10:00:00 UTC"


def test_a_second_run_is_told_who_holds_the_lock(tmp_path, holder):
    expected = rf"the.lock`: .*\(process {holder.pid}\) since"
    with pytest.raises(LockedError, match=expected) as caught, lock.hold(tmp_path / "the.lock"):
        pass
    assert caught.value.since
    assert caught.value.holder == (tmp_path / "the.lock").read_text().split(" (")[0]
    assert (tmp_path / "the.lock").exists()


def test_the_lock_of_a_killed_run_is_free_at_once(tmp_path, holder, caplog):
    holder.kill()
    holder.wait()
    with caplog.at_level(logging.WARNING, "resticprof"), lock.hold(tmp_path / "the.lock"):
        assert f"left behind by {lock._user()}" in caplog.text


def test_the_lock_of_a_killed_run_is_held_while_its_child_works(tmp_path):
    child = subprocess.Popen(["sleep", "60"])
    process = start(HOLD, tmp_path / "the.lock", child.pid)
    process.stdout.readline()
    process.kill()
    process.communicate()
    assert not may_hold(tmp_path / "the.lock")
    child.kill()
    child.wait()
    assert may_hold(tmp_path / "the.lock")


def test_a_process_that_got_the_same_number_later_does_not_count(tmp_path):
    path = tmp_path / "the.lock"
    child = subprocess.Popen(["sleep", "60"])
    line = lock.first_line("me", os.uname().nodename, datetime.now(timezone.utc))
    path.write_text(f"{line}\n{dead_pid()}\n{child.pid}\n{dead_pid()}")
    assert not may_hold(path)
    os.utime(path, (1e9, 1e9))
    assert may_hold(path)
    child.kill()
    child.wait()


@pytest.mark.parametrize(
    ("pids", "force", "free"),
    [
        ("dead", False, False),
        ("dead", True, True),
        ("dead alive", True, False),
        ("alive dead", True, True),
        ("", True, False),
        ("", False, False),
    ],
)
def test_a_lock_of_the_reference_is_taken_over_only_by_force(tmp_path, pids, force, free):
    path = tmp_path / "the.lock"
    number = {"dead": dead_pid(), "alive": os.getpid()}
    path.write_text("\n".join([REFERENCE, *(str(number[word]) for word in pids.split())]))
    assert may_hold(path, force=force) is free
    assert path.exists() is not free


def test_a_lock_of_a_dead_reference_names_the_way_out(tmp_path):
    path = tmp_path / "the.lock"
    path.write_text(f"{REFERENCE}\n{dead_pid()}")
    with pytest.raises(LockedError, match="force-inactive-lock"), lock.hold(path):
        pass
    path.write_text(REFERENCE)
    with pytest.raises(LockedError, match="remove the file"), lock.hold(path):
        pass


def test_an_empty_file_is_held_as_long_as_it_is_young(tmp_path):
    path = tmp_path / "the.lock"
    path.write_text("")
    assert not may_hold(path)
    os.utime(path, (1, 1))
    assert may_hold(path)


def test_waiting_gets_the_lock(tmp_path):
    path = tmp_path / "the.lock"
    path.write_text(REFERENCE)
    timer = threading.Timer(0.3, path.unlink)
    timer.start()
    assert may_hold(path, wait=20)
    timer.join()


def test_waiting_has_an_end_and_says_so_once(tmp_path, caplog):
    path = tmp_path / "the.lock"
    path.write_text(REFERENCE)
    begin = time.monotonic()
    caplog.set_level(logging.INFO, "resticprof")
    with pytest.raises(LockedError, match="gave up after 300ms"), lock.hold(path, wait=0.3):
        pass
    assert 0.3 <= time.monotonic() - begin < 20
    [record] = caplog.records
    assert "waiting up to" in record.message
    assert "someone on elsewhere since Monday" in record.message


def test_waiting_ends_with_a_signal(tmp_path):
    path = tmp_path / "the.lock"
    path.write_text(REFERENCE)
    with Signals() as signals:
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        with pytest.raises(Interrupted), lock.hold(path, wait=30, signals=signals):
            pass
        timer.join()
    assert path.exists()


ONE_AT_A_TIME = """
    import os, random, sys, time
    from pathlib import Path
    from resticprof.system import lock
    folder = Path(sys.argv[1])
    with lock.hold(folder / "the.lock", wait=120):
        alone = folder / "alone"
        os.close(os.open(alone, os.O_CREAT | os.O_EXCL))
        with (folder / "log").open("a") as log:
            log.write("x")
        time.sleep(random.random() / 100)
        alone.unlink()
        if sys.argv[2] == "crash":
            os.kill(os.getpid(), 9)
"""


def test_of_many_runs_each_gets_its_turn_alone(tmp_path):
    kinds = ["crash" if number % 10 == 0 else "end" for number in range(50)]
    runs = [start(ONE_AT_A_TIME, tmp_path, kind) for kind in kinds]
    codes = [(run.communicate(), run.returncode)[1] for run in runs]
    assert codes == [-9 if kind == "crash" else 0 for kind in kinds]
    assert (tmp_path / "log").read_text() == "x" * 50


def test_of_many_impatient_runs_one_runs_and_none_fails_otherwise(tmp_path):
    code = """
        import sys, time
        from resticprof.errors import LockedError
        from resticprof.system import lock
        sys.stdin.readline()
        try:
            with lock.hold(sys.argv[1]):
                print("ran", flush=True)
                time.sleep(1)
        except LockedError:
            print("locked")
    """
    gate, opening = os.pipe()
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "the.lock")],
            stdin=gate, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(10)
    ]  # fmt: skip
    time.sleep(0.5)
    os.close(opening)
    os.close(gate)
    said = sorted(run.communicate()[0].strip() for run in runs)
    assert said.count("ran") >= 1
    assert set(said) <= {"ran", "locked"}
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_somebody_else_is_not_removed(tmp_path):
    path = tmp_path / "the.lock"
    with lock.hold(path):
        path.unlink()
        path.write_text(REFERENCE)
    assert path.read_text() == REFERENCE


def test_a_file_that_was_removed_by_hand_is_no_problem(tmp_path):
    with lock.hold(tmp_path / "the.lock"):
        (tmp_path / "the.lock").unlink()


def test_a_symbolic_link_is_refused(tmp_path):
    (tmp_path / "target").write_text("")
    (tmp_path / "the.lock").symlink_to("target")
    with pytest.raises(Error, match="it is a symbolic link"), lock.hold(tmp_path / "the.lock"):
        pass
    assert (tmp_path / "target").exists()


def test_a_dangling_link_is_refused(tmp_path):
    (tmp_path / "the.lock").symlink_to(tmp_path / "nothing")
    with pytest.raises(Error, match="it is a symbolic link"), lock.hold(tmp_path / "the.lock"):
        pass
    assert not (tmp_path / "nothing").exists()


def test_a_directory_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "the.lock"
    with pytest.raises(Error, match="cannot use the lock file"), lock.hold(path):
        pass


def test_a_place_that_takes_no_files_is_an_error():
    with pytest.raises(Error, match="cannot use the lock file"), lock.hold("/proc/the.lock"):
        pass
    assert not Path("/proc/the.lock").exists()


def test_a_file_that_cannot_be_removed_is_a_warning(tmp_path, caplog):
    folder = tmp_path / "folder"
    with lock.hold(folder / "lock"):
        folder.rename(tmp_path / "elsewhere")
        folder.touch()
    assert "cannot remove the lock file" in caplog.text
