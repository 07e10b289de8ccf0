"""An application's environment on a laptop."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from silversupport import VERSION, devel
from silversupport.data import DataError, made
from silversupport.devel import DevelError
from silversupport.errors import SilverError
from silversupport.service import ServiceError

INI = "[production]\napp_name = polls\nrunner = src/runner.py#app\n"
MEDIAN_OF = 5
LOAD_SECONDS = 0.1
"""Far above what it takes (0.01 s), far below what an import of something big would make of it."""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of what "polls" has in development; it does not exist."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "silverlining" / "devel" / "polls"


def write_ini(app_dir: Path, more: str = "") -> None:
    (app_dir / "app.ini").write_text(INI + more)


def test_an_application_has_the_variables_that_it_has_on_a_node(app_dir: Path, data: Path) -> None:
    write_ini(app_dir)
    assert devel.environment(str(app_dir), host="polls.localhost") == {
        "SILVER_VERSION": f"devel/{VERSION}",
        "SILVER_APP_NAME": "polls",
        "SILVER_INSTANCE_NAME": "polls.devel",
        "SILVER_INSTANCE_DIR": str(app_dir),
        "SILVER_CANONICAL_HOSTNAME": "polls.localhost",
        "SILVER_APP_CONFIG": str(data / "config"),
        "SILVER_LOGS": str(data / "logs"),
        "SILVER_RUNNER": "src/runner.py#app",
        "STATIC_URL": "/",
        "TEMP": str(data / "tmp"),
        "TMPDIR": str(data / "tmp"),
    }


@pytest.mark.parametrize("variable", ["SILVER_APP_CONFIG", "SILVER_LOGS", "TEMP"])
def test_directories_are_there_and_private(app_dir: Path, data: Path, variable: str) -> None:
    write_ini(app_dir)
    found = Path(devel.environment(str(app_dir))[variable])
    made = [found, *(each for each in found.parents if each.is_relative_to(data.parents[2]))]
    assert {stat.S_IMODE(each.stat().st_mode) for each in made} == {0o700}


def test_data_survive(app_dir: Path, data: Path) -> None:
    write_ini(app_dir, "service.files =\n")
    first = Path(devel.environment(str(app_dir), provide=True)["CONFIG_FILES"])
    (first / "photo").write_text("kept")
    second = Path(devel.environment(str(app_dir))["CONFIG_FILES"])
    assert (second / "photo").read_text() == "kept"


def test_a_relative_directory_becomes_absolute(
    app_dir: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ini(app_dir)
    monkeypatch.chdir(app_dir.parent)
    found = devel.environment(app_dir.name, config_dir="config")
    assert found["SILVER_INSTANCE_DIR"] == str(app_dir)
    assert found["SILVER_APP_CONFIG"] == str(app_dir.parent / "config")


def test_the_default_configuration_is_used_when_none_is_given(app_dir: Path, data: Path) -> None:
    write_ini(app_dir, "config.default = src/config\n")
    assert devel.environment(str(app_dir))["SILVER_APP_CONFIG"] == str(app_dir / "src/config")
    given = devel.environment(str(app_dir), config_dir=str(app_dir / "mine"))
    assert given["SILVER_APP_CONFIG"] == str(app_dir / "mine")


def test_a_static_site_has_no_runner(app_dir: Path, data: Path) -> None:
    (app_dir / "app.ini").write_text("[production]\napp_name: polls\n")
    assert devel.environment(str(app_dir))["SILVER_RUNNER"] == ""


def test_what_an_application_needs_can_be_asked_for(app_dir: Path, data: Path) -> None:
    write_ini(app_dir, "service.files =\nservice.postgis = yes\n")
    assert devel.needs(str(app_dir)) == ("polls", ["files", "postgis"])
    assert not data.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"/app\.ini: No such file"),
        (b"app_name = polls", r"it is no app\.ini \(File contains no section headers"),
        (b"[development]\n", r"it is no app\.ini \(No section: 'production'\)"),
        (b"[production]\nx\n y\n", r"it is no app\.ini"),
        (b"\xff", r"it is no app\.ini \('utf-8' codec"),
        (b"[production]\nrunner = x.py\n", "app_name is missing"),
        (b"[production]\napp_name = ../../polls\n", "app_name is missing, or is no name"),
        (b"[production]\napp_name = polls/../..\n", "app_name is missing, or is no name"),
    ],
)
def test_what_is_no_application_is_one_clear_line(
    app_dir: Path, data: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (app_dir / "app.ini").write_bytes(content)
    with pytest.raises(DevelError, match=message) as caught:
        devel.environment(str(app_dir))
    assert "\n" not in str(caught.value)
    assert not data.parent.exists()


def test_an_unknown_service_is_named_with_those_there_are(app_dir: Path, data: Path) -> None:
    write_ini(app_dir, "service.mysql =\n")
    with pytest.raises(ServiceError, match=r"'mysql'; the services are .*files, postgis, writable"):
        devel.environment(str(app_dir))


def test_a_service_that_cannot_be_had_is_left_out_if_somebody_is_told(
    app_dir: Path, data: Path
) -> None:
    write_ini(app_dir, "service.mysql =\nservice.files =\n")
    told: list[SilverError] = []
    found = devel.environment(str(app_dir), missing=told.append)
    assert found["CONFIG_FILES"] == str(data / "files")
    assert [type(error) for error in told] == [ServiceError]


def test_a_directory_that_cannot_be_made_is_one_clear_line(app_dir: Path, data: Path) -> None:
    write_ini(app_dir)
    data.parents[2].write_text("a file")
    with pytest.raises(DataError, match=rf"^{data.parents[2]}: it cannot be made \(File exists"):
        devel.environment(str(app_dir))


def test_a_directory_that_another_process_makes_meanwhile_is_fine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir = os.mkdir

    def overtaken(path: str, mode: int) -> None:
        mkdir(path, mode)
        raise FileExistsError(path)

    monkeypatch.setattr(os, "mkdir", overtaken)
    assert made(str(tmp_path / "a" / "b")) == str(tmp_path / "a" / "b")


def test_it_starts_no_process_and_is_quick(
    app_dir: Path, tmp_path: Path, python: Callable[..., CompletedProcess[str]]
) -> None:
    write_ini(app_dir, "service.files =\nservice.writable_root =\nservice.postgis =\n")
    code = f"""
import sys, time
before = set(sys.modules)
began = time.perf_counter()
from silversupport import devel
devel.environment({str(app_dir)!r})
print(time.perf_counter() - began)
print({{"subprocess", "pathlib", "typing", "tempfile"}} & set(sys.modules) - before)
"""
    runs = [
        python(code, SILVER_INSTANCE_DIR="", XDG_DATA_HOME=str(tmp_path)).stdout.split("\n")
        for _ in range(MEDIAN_OF)
    ]
    assert {modules for _, modules, _ in runs} == {"set()"}
    assert sorted(float(seconds) for seconds, _, _ in runs)[MEDIAN_OF // 2] < LOAD_SECONDS
