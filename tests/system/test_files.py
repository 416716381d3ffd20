"""Files that are written whole, and what is asked about them."""

import resource
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from resticprof.errors import Error
from resticprof.system import files
from tests.kit import namespaces


def test_a_file_is_written_with_its_mode(tmp_path):
    files.write_atomically(tmp_path / "a", "text\n", mode=0o600)
    assert (tmp_path / "a").read_text() == "text\n"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path):
    files.write_atomically(tmp_path / "a", "old")
    files.write_atomically(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "new"


def test_a_link_keeps_pointing_to_the_file_that_is_replaced(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    files.write_atomically(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_device_stays_a_device():
    files.write_atomically("/dev/null", "text")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_full_disk_leaves_the_old_file(tmp_path):
    (tmp_path / "a").write_text("old")

    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    code = """
        import sys
        from resticprof.system import files
        files.write_atomically(sys.argv[1], "x" * 5000)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), tmp_path / "a"],
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=small_files,
    )
    assert "cannot write" in done.stderr
    assert "File too large" in done.stderr
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


WRITE = """
    import sys
    from resticprof.system import files, turns
    with turns.exclusive(sys.argv[1]):
        files.write_atomically(sys.argv[1], "new", mode=int(sys.argv[2], 8))
"""


@pytest.fixture(params=["a mount by itself", "a mount in a read-only directory"])
def mounted(request, tmp_path):
    """A file that cannot be replaced, and the words that start a program which finds it so."""
    if reason := namespaces.refused():
        pytest.skip(f"nothing can be mounted here: {reason}")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").touch()
    real = tmp_path / "real"
    real.write_text("the old text is longer")
    line = f"mount --bind {real} {folder}/a && "
    if "read-only" in request.param:
        line = f"mount --bind {folder} {folder} && {line} mount -o remount,bind,ro {folder} && "
    words = (*namespaces.UNSHARE, "sh", "-c", f'{line}exec "$@"', "sh", sys.executable, "-c")
    return real, (*words, textwrap.dedent(WRITE), str(folder / "a"))


def test_a_file_that_cannot_be_replaced_is_written_over(mounted):
    """Containers have such files, and files that are ours in directories that are not."""
    real, words = mounted
    real.chmod(0o664)
    done = subprocess.run([*words, "644"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o664


def test_a_file_for_our_eyes_only_is_never_written_over(mounted):
    real, words = mounted
    done = subprocess.run([*words, "600"], check=False, capture_output=True, text=True)
    assert "cannot write" in done.stderr
    assert real.read_text() == "the old text is longer"


def test_a_directory_that_is_missing_is_an_error_naming_the_file(tmp_path):
    with pytest.raises(Error, match=r"cannot write `.*none/a`: No such file"):
        files.write_atomically(tmp_path / "none" / "a", "x")


def test_world_readable_looks_at_the_mode(tmp_path):
    path = tmp_path / "a"
    path.write_text("")
    path.chmod(0o640)
    assert not files.world_readable(path)
    path.chmod(0o644)
    assert files.world_readable(path)
    assert not files.world_readable(tmp_path / "none")
