"""docs/environment.md names every variable that an application has, and no other."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from silverlining.playbook import ROOT
from silvernode import instances
from silvernode.instances import Record
from silvernode.layout import Layout
from silversupport import devel, devel_conf, service

PAGE = (ROOT / "docs/environment.md").read_text()
SERVICES = sorted(path.name.removeprefix("service_") for path in (ROOT / "roles").glob("service_*"))


def names(text: str) -> set[str]:
    """Variables that a text names."""
    return set(re.findall(r"`([A-Z][A-Z_]+)`", text))


def first_cells(text: str) -> set[str]:
    """Variables that the tables of a text are about."""
    rows = re.findall(r"^\| (?:`?[a-z_]*`? ?\| )?(`[A-Z][A-Z_]+`(?:, `[A-Z_]+`)*) \|", text, re.M)
    return names(" ".join(rows))


TABLES, _, REST = PAGE.partition("A node sets more")
OF_THE_NODE = names(REST.partition("\n\n")[0])
OF_THE_LAPTOP = {"PGPASSWORD"}


def on_a_node() -> set[str]:
    """Variables of an instance, without those of its services."""
    record = Record("polls.20261122_001", "polls", "127.1.0.1", "", "", {"runner": None}, "")
    settings = SimpleNamespace(processes=1, threads=1)
    return set(instances.environment(Layout(), record, "example.com/vote", settings))  # type: ignore[arg-type]


def of_services_on_a_node() -> set[str]:
    """Variables of every service."""
    files = (ROOT / f"roles/service_{name}/templates/env.j2" for name in SERVICES)
    return {name for file in files for name in re.findall(r"^(\w+)=", file.read_text(), re.M)}


@pytest.fixture
def on_a_laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Variables of an application with every service."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / ".silverlining.conf").write_text("[devel]\nCONFIG_PG_PASSWORD = x\n")
    services = [f"service.{name} =" for name in SERVICES]
    (tmp_path / "app.ini").write_text("\n".join(["[production]", "app_name = polls", *services]))
    return set(devel.environment(str(tmp_path)))


def test_the_tables_name_what_a_node_gives() -> None:
    assert first_cells(TABLES) | OF_THE_NODE == on_a_node() | of_services_on_a_node()


def test_the_tables_name_what_a_laptop_gives(on_a_laptop: set[str]) -> None:
    assert all(f"`{name}`" in TABLES for name in OF_THE_LAPTOP)
    assert first_cells(TABLES) | OF_THE_LAPTOP == on_a_laptop


def test_what_is_named_is_in_one_list_only() -> None:
    assert not first_cells(TABLES) & (OF_THE_NODE | OF_THE_LAPTOP)


def test_every_variable_of_a_service_may_be_set() -> None:
    given = {name for name in of_services_on_a_node() if name.startswith("CONFIG_")}
    assert set(service.variables()) == given


def test_the_example_of_the_settings_file_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    page = (ROOT / "docs/local-services.md").read_text()
    example = page.partition("```ini\n")[2].partition("```\n")[0]
    (tmp_path / ".silverlining.conf").write_text(example)
    assert devel_conf.overrides("polls")["CONFIG_PG_DBNAME"] == "devel_polls"
    assert devel_conf.overrides("polls") != devel_conf.overrides("other")
