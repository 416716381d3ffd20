"""What templates can see and call: the real environment, directories and files."""

from __future__ import annotations

from pathlib import Path

import pytest

from resticprof.errors import TemplateError
from resticprof.runs.template_data import Renderer


@pytest.fixture
def render(tmp_path):
    """Renders a text as the configuration file `profiles.toml` for the profile `work`."""
    renderer = Renderer(tmp_path / "profiles.toml")
    return lambda text: renderer.of_profile("work")("profiles.toml", text).text


def test_a_temporary_file_is_private_empty_and_has_a_plain_name(render):
    path = Path(render('{{ tempFile "a b/ü.txt" }}'))
    assert (path.name, path.read_text()) == ("a_b__.txt", "")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent == Path(render("{{ tempDir }}"))
    assert path.parent.parent.stat().st_mode & 0o777 == 0o700


def test_a_temporary_file_keeps_what_is_in_it(render):
    path = Path(render('{{ tempFile "kept" }}'))
    path.write_text("content")
    assert render('{{ tempFile "kept" }}') == str(path)
    assert path.read_text() == "content"


@pytest.mark.parametrize("argument", ["3", "(list)", ".Env.NO_SUCH_NAME", '""', '"."', '".."'])
def test_a_temporary_file_needs_a_name(render, argument):
    with pytest.raises(TemplateError, match=r"^profiles\.toml:2: `tempFile`: .*name"):
        render(f"\n{{{{ tempFile {argument} }}}}")


def test_a_name_that_is_too_long_is_a_mistake_with_its_line(render):
    with pytest.raises(TemplateError, match=r"^profiles\.toml:2: .*too long"):
        render('\n{{ tempFile (printf "%0300d" 1) }}')


def test_the_file_of_env_is_that_of_the_profile(render):
    assert Path(render("{{ env }}")).name == "work.env"


def test_directories_have_the_name_that_the_shell_knows(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path / "real")
    monkeypatch.setenv("PWD", str(tmp_path / "link"))
    rendered = Renderer(Path("profiles.toml")).of_profile("work")
    text = "{{ .CurrentDir }} {{ .StartupDir }} {{ .ConfigDir }}"
    assert rendered("profiles.toml", text).text == " ".join([str(tmp_path / "link")] * 3)


def test_the_environment_has_upper_case_names_too(render, monkeypatch):
    monkeypatch.setenv("resticprof_test", "lower")
    assert render("{{ .Env.resticprof_test }} {{ .Env.RESTICPROF_TEST }}") == "lower lower"
    monkeypatch.setenv("RESTICPROF_TEST", "upper")
    assert render("{{ .Env.RESTICPROF_TEST }}") == "upper"
