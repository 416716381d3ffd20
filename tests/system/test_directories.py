"""Directories that are ours: private, removed in the end; and where we are."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from resticprof.system import directories


def python(code, *arguments, **options):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        **options,
    )


PRIVATE = """
    import os, signal, stat, sys
    from resticprof.system import directories
    path = directories.private()
    assert directories.private() == path
    (path / "secret").write_text("x")
    print(path, oct(stat.S_IMODE(path.stat().st_mode)), flush=True)
    if sys.argv[1:]:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_private_directory_is_private_and_removed_at_exit(tmp_path):
    done = python(PRIVATE, env=os.environ | {"TMPDIR": str(tmp_path)})
    path, mode = done.stdout.split()
    assert Path(path).parent == tmp_path
    assert mode == "0o700"
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_a_later_one(tmp_path):
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    python(PRIVATE, "kill", env=environment)
    [left] = tmp_path.iterdir()
    os.utime(left, (1, 1))
    (tmp_path / "resticprof-private-notmine1").mkdir(mode=0o755)
    os.utime(tmp_path / "resticprof-private-notmine1", (1, 1))
    python(PRIVATE, env=environment)
    assert [path.name for path in tmp_path.iterdir()] == ["resticprof-private-notmine1"]


def test_the_private_directory_of_a_living_process_stays(tmp_path):
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    code = textwrap.dedent(PRIVATE) + "input()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as living:
        path = Path(living.stdout.readline().split()[0])
        os.utime(path, (1, 1))
        python(PRIVATE, env=environment)
        assert (path / "secret").exists()
        living.communicate("\n")
    assert not path.exists()


def test_without_a_temporary_directory_the_cache_directory_is_used(tmp_path):
    code = """
        import tempfile
        def none(): raise FileNotFoundError("no usable temporary directory")
        tempfile.gettempdir = none
        from resticprof.system import directories
        print(directories.private())
    """
    done = python(code, env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")})
    assert Path(done.stdout.strip()).parent == tmp_path / "cache" / "resticprof"


@pytest.mark.parametrize("named", ["link", "real", "other", "", "none"])
def test_current_directory_has_the_name_that_the_shell_knows(tmp_path, monkeypatch, named):
    for folder in ("real", "other"):
        (tmp_path / folder).mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path / "real")
    monkeypatch.setenv("PWD", str(tmp_path / named) if named else "")
    expected = "link" if named == "link" else "real"
    assert directories.current() == tmp_path / expected
