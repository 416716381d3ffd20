"""Files that are written whole, found, and private."""

import os
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


def python(code, *arguments, **options):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        **options,
    )


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

    done = python(
        """
        import sys
        from resticprof.system import files
        files.write_atomically(sys.argv[1], "x" * 5000)
        """,
        tmp_path / "a",
        preexec_fn=small_files,
    )
    assert "cannot write" in done.stderr
    assert "File too large" in done.stderr
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


WRITE = """
    import sys
    from resticprof.system import files
    with files.exclusive(sys.argv[1]):
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


ADD_ONE = """
    import sys
    from pathlib import Path
    from resticprof.system import files
    path = Path(sys.argv[1])
    for _ in range(50):
        with files.exclusive(path):
            files.write_atomically(path, str(int(path.read_text()) + 1))
"""


def test_concurrent_changes_of_a_file_are_all_kept(tmp_path):
    counter = tmp_path / "counter"
    counter.write_text("0")
    code = textwrap.dedent(ADD_ONE)
    adders = [subprocess.Popen([sys.executable, "-c", code, str(counter)]) for _ in range(6)]
    assert [adder.wait() for adder in adders] == [0] * 6
    assert counter.read_text() == "300"
    assert [path.name for path in tmp_path.iterdir()] == ["counter"]


def test_a_file_that_stays_locked_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PATIENCE", 0.05)
    path = tmp_path / "a"
    complaint = pytest.raises(Error, match=r"keeps `.*a` locked")
    with files.exclusive(path), complaint, files.exclusive(path):
        pass


def test_the_lock_of_a_missing_directory_is_an_error(tmp_path):
    with pytest.raises(Error, match="cannot lock"), files.exclusive(tmp_path / "none" / "a"):
        pass


def test_one_at_a_time_keeps_the_same_name_out_and_no_other(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(files, "PATIENCE", 0.05)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    caplog.set_level("INFO", logger="resticprof")
    with files.one_at_a_time("/repository"), files.one_at_a_time("/another"):
        assert caplog.messages == []
        with files.one_at_a_time("/repository"):  # it goes on all the same
            assert "keeps other runs from" in caplog.text
    caplog.clear()
    with files.one_at_a_time("/repository"):
        assert caplog.messages == []


@pytest.mark.parametrize("cache", ["relative", "/dev/null"])
def test_one_at_a_time_goes_on_where_nothing_can_be_locked(cache, monkeypatch, caplog):
    monkeypatch.setenv("XDG_CACHE_HOME", cache)
    caplog.set_level("INFO", logger="resticprof")
    with files.one_at_a_time("/repository"):
        assert "keeps other runs from" in caplog.text


def test_search_gives_the_first_file(tmp_path):
    (tmp_path / "b").write_text("")
    (tmp_path / "c").write_text("")
    assert files.search(tmp_path, tmp_path / "a", tmp_path / "b", tmp_path / "c") == tmp_path / "b"
    assert files.search(tmp_path / "a") is None


def test_world_readable_looks_at_the_mode(tmp_path):
    path = tmp_path / "a"
    path.write_text("")
    path.chmod(0o640)
    assert not files.world_readable(path)
    path.chmod(0o644)
    assert files.world_readable(path)
    assert not files.world_readable(tmp_path / "none")


PRIVATE = """
    import os, signal, stat, sys
    from resticprof.system import files
    path = files.private_directory()
    assert files.private_directory() == path
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
        from resticprof.system import files
        print(files.private_directory())
    """
    done = python(code, env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")})
    assert Path(done.stdout.strip()).parent == tmp_path / "cache" / "resticprof"


@pytest.fixture
def tree(tmp_path):
    for name in ["a1", "a2", ".hidden", "b/x.txt", "b/y.txt", "c/x.txt", "c/d/x.txt", "we[ird"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a?", ["a1", "a2"]),
        ("*", [".hidden", "a1", "a2", "b", "c", "we[ird"]),
        ("*/x.txt", ["b/x.txt", "c/x.txt"]),
        ("**/x.txt", ["b/x.txt", "c/x.txt"]),
        ("./b/*", ["b/x.txt", "b/y.txt"]),
        ("b//*", ["b/x.txt", "b/y.txt"]),
        ("a[12]", ["a1", "a2"]),
        ("a[^1]", ["a2"]),
        ("a[2-9]", ["a2"]),
        ("a[9-2]", []),
        ("we[[]ird", ["we[ird"]),
        ("we\\[i?d", ["we[ird"]),
        ("none*", []),
        ("none/*", []),
        ("{a1,a2}*", []),
        ("none", ["none"]),
        ("we\\ird", ["we\\ird"]),
    ],
)
def test_patterns_mean_what_they_mean_in_go(tree, pattern, expected):
    assert list(files.glob_sources(pattern, root=str(tree))) == expected


def test_an_absolute_pattern_gives_absolute_paths(tree):
    assert files.glob_sources(f"{tree}/a*") == (f"{tree}/a1", f"{tree}/a2")
    assert "/dev" in files.glob_sources("/de[v]")


@pytest.mark.parametrize("pattern", ["[", "a[", "a[]", "[a-]*", "*\\", "[a/b]", "[-]"])
def test_a_bad_pattern_is_an_error(tree, pattern):
    with pytest.raises(Error, match="is not a pattern"):
        files.glob_sources(pattern, root=str(tree))


@pytest.mark.parametrize("named", ["link", "real", "other", "", "none"])
def test_current_directory_has_the_name_that_the_shell_knows(tmp_path, monkeypatch, named):
    for folder in ("real", "other"):
        (tmp_path / folder).mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path / "real")
    monkeypatch.setenv("PWD", str(tmp_path / named) if named else "")
    expected = "link" if named == "link" else "real"
    assert files.current_directory() == tmp_path / expected
