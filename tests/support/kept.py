"""The data of an app in a unit test: of a directory, and of what stands for a database."""

import shutil
from pathlib import Path
from typing import Any

from silverlining.playbook import ROOT
from silvernode.layout import Layout

APP = "hello"


def install(layout: Layout) -> None:
    """Install the programs of the services, as their roles do."""
    programs = layout.service_program("files").parent
    programs.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "roles/service_files/files/files.py", programs)
    shutil.copy(Path(__file__).with_name("database_service.py"), programs / "database.py")


def write(layout: Layout, text: str) -> None:
    """Give the app its data."""
    for name in ("files", "database"):
        layout.service_env(APP, name).parent.mkdir(parents=True, exist_ok=True)
        layout.service_env(APP, name).write_text("")
    layout.data("database", APP).parent.mkdir(exist_ok=True)
    layout.data("database", APP).write_text(text)
    layout.data("files", APP).mkdir(parents=True, exist_ok=True)
    (layout.data("files", APP) / "file").write_text(text)
    secret = layout.data("secret", APP)
    secret.unlink()  # which nobody may write
    secret.write_text(f"secret of {text}")


def data(layout: Layout) -> dict[str, Any]:
    """Return all that the app has."""
    config = layout.data("config", APP)
    return {
        "database": layout.data("database", APP).read_text(),
        "files": {path.name: path.read_text() for path in layout.data("files", APP).iterdir()},
        "secret": layout.data("secret", APP).read_text(),
        "config": {str(path.relative_to(config)): path.read_text() for path in _files(config)},
    }


def left(layout: Layout) -> list[str]:
    """Return what a restore has left behind."""
    state = layout.state
    found = [*state.glob("*/.*"), *state.glob("*/*/.*"), *state.glob("backup/*/*")]
    return sorted(str(path.relative_to(state)) for path in found)


def _files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())
