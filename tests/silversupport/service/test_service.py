"""Services in development: the same for all of them."""

import re
from pathlib import Path

import pytest

from silversupport import service
from silversupport.service import ServiceError

ROLES = Path(__file__).parents[3] / "roles"
SERVICES = sorted(path.name.removeprefix("service_") for path in ROLES.glob("service_*"))


def variables_of_role(name: str) -> list[str]:
    template = ROLES / f"service_{name}" / "templates" / "env.j2"
    return re.findall(r"^([A-Z_]+)=", template.read_text(), re.MULTILINE)


def test_every_service_of_a_node_is_there_in_development() -> None:
    assert service.names() == SERVICES


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_gives_the_variables_that_its_role_gives(name: str, tmp_path: Path) -> None:
    found = service.environment(name, "polls", str(tmp_path), {}, provide=False)
    assert set(variables_of_role(name)) - set(found) == set()
    own = {variable for variable in found if variable.startswith("CONFIG_")}
    assert own == {each for each in variables_of_role(name) if each.startswith("CONFIG_")}
    assert own <= set(service.variables())


@pytest.mark.parametrize(
    ("name", "variable", "directory"),
    [
        ("files", "CONFIG_FILES", "files"),
        ("writable_root", "CONFIG_WRITABLE_ROOT", "writable-root"),
    ],
)
def test_a_directory_is_made_where_the_user_wants_it(
    name: str, variable: str, directory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    default = service.environment(name, "polls", str(tmp_path / "polls"), {}, provide=False)
    assert default == {variable: str(tmp_path / "polls" / directory)}
    own = {variable: "~/elsewhere", "CONFIG_OF_ANOTHER": "x"}
    given = service.environment(name, "polls", str(tmp_path / "polls"), own, provide=False)
    assert given == {variable: str(tmp_path / "elsewhere")}
    assert Path(default[variable]).is_dir()
    assert Path(given[variable]).is_dir()


def test_a_new_service_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "queue.py").write_text(
        "VARIABLES = ('CONFIG_QUEUE',)\n"
        "def environment(app_name, directory, given, provide):\n"
        "    return {'CONFIG_QUEUE': f'{app_name} {directory} {given} {provide}'}\n"
    )
    monkeypatch.setattr(service, "__path__", [*service.__path__, str(tmp_path)])
    monkeypatch.delitem(__import__("sys").modules, "silversupport.service.queue", raising=False)
    assert "queue" in service.names()
    assert "CONFIG_QUEUE" in service.variables()
    given = {"CONFIG_QUEUE": "a", "CONFIG_FILES": "b"}
    assert service.environment("queue", "polls", "/d", given, provide=True) == {
        "CONFIG_QUEUE": "polls /d {'CONFIG_QUEUE': 'a'} True"
    }


@pytest.mark.parametrize("name", ["mysql", "_psql", "", "a.b", "../x"])
def test_what_is_no_service_is_named_with_those_there_are(name: str, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=f"no service {name!r}; the services are files, "):
        service.environment(name, "polls", str(tmp_path), {}, provide=False)


def test_a_service_that_cannot_be_imported_is_no_missing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text("import of_nothing\n")
    monkeypatch.setattr(service, "__path__", [*service.__path__, str(tmp_path)])
    with pytest.raises(ModuleNotFoundError, match="of_nothing"):
        service.environment("broken", "polls", "/d", {}, provide=False)
