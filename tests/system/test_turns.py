"""Taking turns: at a file that several processes change, and at a name."""

import subprocess
import sys
import textwrap

import pytest

from resticprof.errors import Error
from resticprof.system import turns

ADD_ONE = """
    import sys
    from pathlib import Path
    from resticprof.system import files, turns
    path = Path(sys.argv[1])
    for _ in range(50):
        with turns.exclusive(path):
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
    monkeypatch.setattr(turns, "PATIENCE", 0.05)
    path = tmp_path / "a"
    complaint = pytest.raises(Error, match=r"keeps `.*a` locked")
    with turns.exclusive(path), complaint, turns.exclusive(path):
        pass


def test_the_lock_of_a_missing_directory_is_an_error(tmp_path):
    with pytest.raises(Error, match="cannot lock"), turns.exclusive(tmp_path / "none" / "a"):
        pass


def test_one_at_a_time_keeps_the_same_name_out_and_no_other(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(turns, "PATIENCE", 0.05)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    caplog.set_level("INFO", logger="resticprof")
    with turns.one_at_a_time("/repository"), turns.one_at_a_time("/another"):
        assert caplog.messages == []
        with turns.one_at_a_time("/repository"):  # it goes on all the same
            assert "keeps other runs from" in caplog.text
    caplog.clear()
    with turns.one_at_a_time("/repository"):
        assert caplog.messages == []


@pytest.mark.parametrize("cache", ["relative", "/dev/null"])
def test_one_at_a_time_goes_on_where_nothing_can_be_locked(cache, monkeypatch, caplog):
    monkeypatch.setenv("XDG_CACHE_HOME", cache)
    caplog.set_level("INFO", logger="resticprof")
    with turns.one_at_a_time("/repository"):
        assert "keeps other runs from" in caplog.text
