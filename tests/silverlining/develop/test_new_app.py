from pathlib import Path, PurePosixPath

import pytest

from silverlining.app import application
from silverlining.develop import new_app
from silverlining.develop.new_app import PLAIN, File, InitError
from silverlining.playbook import ROOT

SERVICES = {path.name.removeprefix("service_") for path in ROOT.glob("roles/service_*")}


def planned(template: str = PLAIN) -> new_app.Files:
    return new_app.from_template(template, "my_polls")


def made(directory: Path, template: str = PLAIN) -> Path:
    new_app.write(directory, planned(template))
    return directory


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("polls", "polls"),
        ("My Polls", "my_polls"),
        ("polls.example.com", "polls_example_com"),
        ("polls-2", "polls_2"),
        ("_polls_", "polls"),
    ],
)
def test_the_name_is_made_from_the_directory(directory: str, name: str) -> None:
    assert new_app.name_for(Path("/apps", directory)) == name


@pytest.mark.parametrize(
    ("directory", "said"),
    [
        ("2048", "'2048' is not an app name"),
        ("postgres", "'postgres' is reserved"),
        ("pg-tools", "'pg_tools' is reserved"),
        ("a" * 25, "at most 24 characters"),
    ],
)
def test_a_directory_that_gives_no_good_name_is_refused(directory: str, said: str) -> None:
    with pytest.raises(InitError, match=f"{said}.*say --name"):
        new_app.name_for(Path("/apps", directory))


@pytest.mark.parametrize("template", [PLAIN, *new_app.templates()])
def test_a_new_application_can_be_updated_at_once(tmp_path: Path, template: str) -> None:
    app = made(tmp_path / "my-polls", template)
    found = application.load(app, SERVICES)
    assert found.name == "my_polls"
    # Until Django is there, its link leads nowhere.
    assert not [w for w in found.warnings if "static/admin" not in w]


def test_the_templates_are_those_of_the_manual() -> None:
    assert new_app.templates() == ["django", "static", "webob"]


def test_a_script_can_be_executed_and_a_link_stays_one(tmp_path: Path) -> None:
    app = made(tmp_path / "site", "django")
    assert (app / "bin/manage.py").stat().st_mode & 0o111 == 0o111
    assert str((app / "static/admin").readlink()).startswith("../lib/python/django/")


def test_an_empty_directory_and_a_new_repository_are_fine(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").touch()
    assert new_app.check(tmp_path, planned(), force=False) == []


def test_a_directory_with_something_in_it_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    (tmp_path / "docs").mkdir()
    with pytest.raises(InitError, match=r"not empty: docs, notes\.txt\. .*--force.*is missing$"):
        new_app.check(tmp_path, planned(), force=False)
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", "docs"}


def test_force_overwrites_what_was_named_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / ".gitignore").write_text("mine")
    with pytest.raises(InitError, match=r"overwrites \.gitignore$"):
        new_app.check(tmp_path, planned(), force=False)
    assert new_app.check(tmp_path, planned(), force=True) == [PurePosixPath(".gitignore")]
    made(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert "pyvenv.cfg" in (tmp_path / ".gitignore").read_text()


def test_many_files_are_not_all_named(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number:02}").touch()
    with pytest.raises(InitError, match="06, 07, 12 more"):
        new_app.check(tmp_path, planned(), force=False)


def test_a_directory_in_the_place_of_a_file_is_refused_even_by_force(tmp_path: Path) -> None:
    (tmp_path / "app.ini").mkdir()
    with pytest.raises(InitError, match=r"directories in the place of app\.ini"):
        new_app.check(tmp_path, planned(), force=True)


@pytest.mark.parametrize("template", [PLAIN, *new_app.templates()])
def test_an_init_that_was_killed_is_taken_up_again(
    tmp_path: Path, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, write, left = tmp_path / "polls", File.write, 0

    def killed(file: File, path: Path) -> None:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        write(file, path)

    for files in range(len(planned(template))):
        left = files
        with monkeypatch.context() as patch:
            patch.setattr(File, "write", killed)
            with pytest.raises(KeyboardInterrupt):
                made(app, template)
        assert not (app / "app.ini").exists()
        assert new_app.check(app, planned(template), force=False) == []
        for path in sorted(app.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    made(app, template)
    assert new_app.in_the_way(app, planned(template)) == []


def test_another_template_is_refused_in_an_application(tmp_path: Path) -> None:
    app = made(tmp_path / "polls", "static")
    with pytest.raises(InitError, match=r"app\.ini.*--force.*overwrites app\.ini"):
        new_app.check(app, planned("webob"), force=False)


def test_missing_files_are_written_and_others_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine")
    new_app.write_missing(tmp_path, new_app.ignore_files())
    assert (tmp_path / ".gitignore").read_text() == "mine"
    assert "/silver_devel.pth" in (tmp_path / "lib/python/.gitignore").read_text().splitlines()
