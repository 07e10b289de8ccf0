"""Instances: names, environment, records."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from silvernode import instances
from silvernode.errors import NodeError
from silvernode.instances import Record
from silvernode.layout import Layout
from silvernode.settings import Settings
from tests.silvernode.conftest import PLAN, SETTINGS

DAY = datetime(2026, 11, 22, tzinfo=UTC)
RECORD = Record("hello.20261122_001", "hello", "127.1.0.1", "ann@laptop", "", PLAN, "")
ODD_VALUES = [
    "",
    "plain",
    "two words",
    " at both ends ",
    'say "no"',
    "it's",
    "back\\slash",
    "ends in \\",
    "\\n is no newline",
    "two\nlines",
    "carriage\rreturn",
    "tab\there",
    "$HOME ${HOME} $(id)",
    "`id`",
    "100% %i %%",
    "# no comment",
    "; no comment",
    "a=b",
    "ünïcödé ☃ 𝄞",
    '\\$ \\` \\" \\\\',
]


@pytest.mark.parametrize(
    ("existing", "name"),
    [
        ([], "hello.20261122_001"),
        (["hello.20261122_001", "hello.20261122_003"], "hello.20261122_004"),
        (["hello.20261121_007"], "hello.20261122_001"),
        (["hello.20261122_999"], "hello.20261122_1000"),
        (["hello.20261122_1000", "hello.20261122_999"], "hello.20261122_1001"),
    ],
)
def test_the_next_name_was_never_used_that_day(existing: list[str], name: str) -> None:
    assert instances.next_name("hello", existing, DAY) == name


def test_instances_are_found_by_any_trace_of_them_newest_first(layout: Layout) -> None:
    for name in ("hello.20261122_999", "hello.20261122_1000", "hello_2.20261122_001", "hello.old"):
        (layout.www / name).mkdir()
    for name in (
        "hello.20261121_004.env",
        "hello.20261123_001.json",
        ".hello.20261123_002.env.new",
    ):
        (layout.instances / name).write_text("")
    assert instances.on_disk(layout, "hello") == [
        "hello.20261123_001",
        "hello.20261122_1000",
        "hello.20261122_999",
        "hello.20261121_004",
    ]


def test_the_newest_is_told_by_number_not_by_letter() -> None:
    assert instances.newest({"a.20261122_999", "a.20261122_1000"}) == "a.20261122_1000"
    assert instances.newest(set()) == ""


@pytest.mark.parametrize(
    ("location", "host", "static"),
    [
        ("h.test", "h.test", "/"),
        ("h.test/blog", "h.test", "/blog/"),
        ("h.test/a/b", "h.test", "/a/b/"),
    ],
)
def test_the_environment_tells_where_the_app_is_served(
    layout: Layout, location: str, host: str, static: str
) -> None:
    variables = instances.environment(layout, RECORD, location, Settings(**SETTINGS))
    assert (variables["SILVER_CANONICAL_HOSTNAME"], variables["STATIC_URL"]) == (host, static)


def test_every_directory_of_the_environment_is_absolute(layout: Layout) -> None:
    variables = instances.environment(layout, RECORD, "h.test", Settings(**SETTINGS))
    for name in (
        "SILVER_INSTANCE_DIR",
        "SILVER_APP_CONFIG",
        "SILVER_LOGS",
        "TEMP",
        "SILVER_RUN_DIR",
    ):
        assert Path(variables[name]).is_absolute(), name


def test_an_environment_is_read_as_it_was_written(layout: Layout) -> None:
    variables = {f"V{number}": value for number, value in enumerate(ODD_VALUES)}
    path = instances.env_path(layout, "hello.20261122_001")
    path.write_bytes(instances.env_text(variables).encode())
    assert instances.load_environment(layout, "hello.20261122_001") == variables
    assert instances.load_environment(layout, "hello.20261122_002") == {}


def test_no_two_instances_have_the_same_token(layout: Layout) -> None:
    settings = Settings(**SETTINGS)
    first, second = (instances.environment(layout, RECORD, "h.test", settings) for _ in "12")
    assert len(first["SILVER_UPDATE_TOKEN"]) >= 32
    assert first["SILVER_UPDATE_TOKEN"] != second["SILVER_UPDATE_TOKEN"]


@pytest.mark.parametrize("value", ODD_VALUES)
def test_odd_values_reach_the_app_as_they_are(value: str) -> None:
    text = instances.env_text({"ODD": value, "ZZ": "after"})
    assert read_environment_file(text) == {"ODD": value, "ZZ": "after"}


@pytest.mark.skipif(
    not Path("/run/systemd/system").exists() or not shutil.which("systemd-run"),
    reason="systemd does not run here",
)
def test_systemd_reads_the_same(tmp_path: Path) -> None:
    variables = {f"ODD_{number}": value for number, value in enumerate(ODD_VALUES)}
    (tmp_path / "env").write_text(instances.env_text(variables))
    command = ["systemd-run", "--pipe", "--wait", "--quiet"]
    script = "import os, json; print(json.dumps(dict(os.environ)))"
    done = subprocess.run(
        [*command, f"--property=EnvironmentFile={tmp_path}/env", "/usr/bin/python3", "-c", script],
        capture_output=True,
        check=True,
    )
    seen = json.loads(done.stdout)
    assert {name: seen[name] for name in variables} == variables


def test_a_record_is_loaded_as_it_was_saved(layout: Layout) -> None:
    instances.save(layout, RECORD)
    assert instances.load(layout, RECORD.instance) == RECORD
    assert instances.load_all(layout) == [RECORD]
    assert instances.path(layout, RECORD.instance).stat().st_mode & 0o777 == 0o600


def test_no_instance_has_no_record(layout: Layout) -> None:
    assert instances.load(layout, "hello.20261122_009") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"instance": "x", "colour": "red"}'])
def test_a_damaged_record_is_named(layout: Layout, text: str) -> None:
    instances.path(layout, RECORD.instance).write_text(text)
    with pytest.raises(NodeError, match=re.escape(f"{RECORD.instance}.json is damaged")):
        instances.load_all(layout)


def test_files_of_others_are_not_records(layout: Layout) -> None:
    for name in ("notes.json", ".hello.20261122_001.json.new", "hello.json"):
        (layout.instances / name).write_text("rubbish")
    assert instances.load_all(layout) == []


def read_environment_file(text: str) -> dict[str, str]:
    """Read double-quoted variables by the rules of systemd's parse_env_file_internal().

    Between double quotes, a backslash keeps the special meaning of itself, `"`, `$` and a backquote
    away, takes a newline with it, and stands for itself before anything else.
    https://github.com/systemd/systemd/blob/v252/src/basic/env-file.c
    """
    variables = {}
    for name, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"\n', text, re.DOTALL):
        variables[name] = re.sub(r'\\(["\\`$]|\n)', lambda match: match[1].strip("\n"), value)
    assert re.sub(r'(\w+)="((?:[^"\\]|\\.)*)"\n', "", text, flags=re.DOTALL) == ""
    return variables
