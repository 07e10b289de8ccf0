"""docs/app-ini.md says what silverlining/app/app_ini.py does."""

import re
from pathlib import Path

import pytest

from silverlining.app import app_ini
from silverlining.playbook import ROOT

PAGE = (ROOT / "docs/app-ini.md").read_text()
HEADINGS = re.findall(r"^### `(.+)`$", PAGE, re.M)
SERVICES = {path.name.removeprefix("service_") for path in (ROOT / "roles").glob("service_*")}
EXAMPLES = re.findall(r"^```ini\n(.*?)^```$", PAGE, re.M | re.S)


def section(key: str) -> str:
    """What the page says under the heading of a key."""
    return PAGE.partition(f"### `{key}`\n")[2].partition("\n#")[0]


def test_every_key_has_a_heading_and_every_heading_is_a_key() -> None:
    named = ["service.NAME", *(f"{prefix}.NAME" for prefix in app_ini._NAMED)]
    assert sorted(HEADINGS) == sorted([*app_ini._CHECKS, *named])


def test_every_service_is_there() -> None:
    assert set(re.findall(r"`service\.([a-z_]+)`", section("service.NAME"))) == SERVICES


def test_every_reserved_name_is_there() -> None:
    reserved = re.findall(r"`(\w+)`", section("app_name").partition("Reserved are")[2])
    assert set(reserved) == {*app_ini.RESERVED_NAMES, "pg_"}


def test_the_keys_that_take_several_values_say_so() -> None:
    assert {key for key in HEADINGS if "several" in section(key)} == app_ini._LINES


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_without_a_problem(example: str, tmp_path: Path) -> None:
    (tmp_path / "app.ini").write_text(example)
    for name in re.findall(r"\b(?:src|bin)/\w+\.py\b", example):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("application = print\n")
    found = app_ini.read(tmp_path, SERVICES)
    assert (found.problems, found.warnings) == ((), ())
