import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from silverlining.app import libraries
from silverlining.app.libraries import LibraryError


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an application that wants version 1 of `thing`, and a place to install that from."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    application = tmp_path / "app"
    (application / "lib/python").mkdir(parents=True)
    (application / "lib/python/src.pth").write_text("../../src\n")
    want(application, wheel(tmp_path, "1"))
    return application


def wheel(directory: Path, version: str) -> Path:
    path = directory / f"Some_Thing-{version}-py3-none-any.whl"
    info = f"some_thing-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("thing.py", f"version = {version}\n")
        archive.writestr(f"thing_data/v{version}", "")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: Some-Thing\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def want(application: Path, path: Path, digest: str = "") -> None:
    digest = digest or sha256(path.read_bytes()).hexdigest()
    version = path.name.split("-")[1]
    text = f"some-thing=={version} \\\n    --hash=sha256:{digest}\n    # via app\n"
    (application / "requirements.lock").write_text(
        f'{text}other==3 ; python_version < "3" \\\n    --hash=sha256:{digest}\n'
    )


def names(application: Path) -> set[str]:
    return {path.name for path in (application / "lib/python").iterdir()}


def test_libraries_are_installed_once(app: Path) -> None:
    assert libraries.fill(app)
    assert names(app) == {"src.pth", "thing.py", "thing_data", "some_thing-1.dist-info"}
    assert not libraries.fill(app)


def test_another_version_takes_the_place_of_the_old_one(app: Path, tmp_path: Path) -> None:
    libraries.fill(app)
    want(app, wheel(tmp_path, "2"))
    assert libraries.fill(app)
    assert names(app) == {"src.pth", "thing.py", "thing_data", "some_thing-2.dist-info"}
    assert (app / "lib/python/thing.py").read_text() == "version = 2\n"
    assert [path.name for path in (app / "lib/python/thing_data").iterdir()] == ["v2"]


def test_what_was_half_copied_is_copied_again(app: Path) -> None:
    (app / "lib/python/thing.py").write_text("versi")
    assert libraries.fill(app)
    assert (app / "lib/python/thing.py").read_text() == "version = 1\n"


def test_a_wrong_hash_is_refused_and_nothing_is_installed(app: Path, tmp_path: Path) -> None:
    want(app, wheel(tmp_path, "1"), digest="0" * 64)
    with pytest.raises(LibraryError, match=r"(?s)requirements\.lock.*HASHES"):
        libraries.fill(app)
    assert names(app) == {"src.pth"}


def test_an_application_without_a_lock_file_needs_nothing(app: Path) -> None:
    (app / "requirements.lock").unlink()
    assert not libraries.fill(app)
