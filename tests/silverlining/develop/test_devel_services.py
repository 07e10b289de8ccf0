"""Services that need a node, found by their names."""

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from silverlining.develop import devel_services


def ignore(message: str) -> None:
    pass


def test_a_service_is_provided_by_the_module_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app.ini").write_text(
        "[production]\napp_name = polls\nservice.queue =\nservice.files =\n"
    )
    (tmp_path / ".silverlining.conf").write_text("[devel]\nCONFIG_FILES = /srv/APP_NAME\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    calls: list[tuple[object, ...]] = []
    module = ModuleType("silverlining.develop.devel_queue")
    module.__spec__ = ModuleSpec(module.__name__, None)
    module.provide = lambda *given: calls.append(given)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "silverlining.develop.devel_queue", module)
    devel_services.provide(tmp_path, ignore)
    directory = str(tmp_path / "silverlining" / "devel" / "polls")
    assert calls == [("polls", directory, {"CONFIG_FILES": "/srv/polls"}, ignore)]
