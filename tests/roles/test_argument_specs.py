"""`meta/argument_specs.yml` is the reference of a role: it says what `defaults/main.yml` does."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = sorted(path for path in (Path(__file__).parents[2] / "roles").iterdir() if path.is_dir())
SERVICES = [role for role in ROLES if role.name.startswith("service_")]
TYPES = {
    "bool": bool,
    "dict": dict,
    "float": float,
    "int": int,
    "list": list,
    "path": str,
    "str": str,
}
# What a deploy gives to the tasks of one app.
GIVEN = {"silver_app_name", "silver_service_value", "silver_service_digest"}

each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
each_service = pytest.mark.parametrize("role", SERVICES, ids=lambda role: role.name)


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content


def entry_points(role: Path) -> dict[str, dict[str, Any]]:
    specs: dict[str, dict[str, Any]] = read(role / "meta/argument_specs.yml")["argument_specs"]
    return specs


def options(role: Path) -> dict[str, dict[str, Any]]:
    main: dict[str, dict[str, Any]] = entry_points(role)["main"]["options"]
    return main


@each_role
def test_every_default_is_documented_with_its_value(role: Path) -> None:
    documented = {
        name: option.get("default")
        for name, option in options(role).items()
        if not option.get("required")
    }
    assert documented == read(role / "defaults/main.yml")


@each_role
def test_every_default_has_the_documented_type(role: Path) -> None:
    defaults = read(role / "defaults/main.yml")
    found = {name: type(value) for name, value in defaults.items() if "{{" not in str(value)}
    assert found == {name: TYPES[options(role)[name]["type"]] for name in found}


@each_role
def test_every_option_is_described(role: Path) -> None:
    silent = [
        (entry_point, name)
        for entry_point, spec in entry_points(role).items()
        for name, option in spec["options"].items()
        if not option.get("description") or option.get("type") not in TYPES
    ]
    assert silent == []


@each_role
def test_every_option_is_the_roles_own(role: Path) -> None:
    assert [name for name in options(role) if not name.startswith(f"{role.name}_")] == []


@each_role
def test_every_entry_point_is_a_file_of_tasks(role: Path) -> None:
    assert [name for name in entry_points(role) if not (role / f"tasks/{name}.yml").is_file()] == []


@each_role
def test_every_role_has_a_readme_that_names_it(role: Path) -> None:
    assert role.name in (role / "README.md").read_text().splitlines()[0]


@each_service
def test_a_service_takes_from_a_deploy_what_a_deploy_gives(role: Path) -> None:
    assert set(entry_points(role)["app"]["options"]) == GIVEN
