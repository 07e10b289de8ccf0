"""systemd: the unit of an app, scripts, and what the programs print."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from silvernode import apps, programs, units
from silvernode.errors import NodeError
from silvernode.layout import Layout
from tests.silvernode.conftest import Node


def test_the_unit_of_an_instance() -> None:
    assert units.unit("polls.20261122_001") == "silver-polls@20261122_001.service"


def test_the_template_is_written_and_read_once(node: Node) -> None:
    assert units.install(node.layout, "hello") is True
    assert units.install(node.layout, "hello") is False
    assert node.calls() == ["systemctl daemon-reload"]


def test_every_process_of_an_app_has_its_user_and_its_services(node: Node) -> None:
    units.install(node.layout, "hello")
    lines = (node.layout.units / "silver-hello@.service").read_text().splitlines()
    etc = node.layout.etc
    assert "User=silver-hello" in lines
    assert f"EnvironmentFile={etc}/instances/hello.%i.env" in lines
    assert f"EnvironmentFile=-{etc}/apps/hello/*.env" in lines
    assert "RuntimeDirectory=silver/hello.%i" in lines


def test_output_that_is_no_text_is_shown_all_the_same() -> None:
    done = programs.run("printf", r"a\377b\n")
    assert done.stdout == "a\ufffdb\n"


def test_a_program_that_fails_is_named_with_what_it_printed() -> None:
    with pytest.raises(NodeError, match=r"sh -c .* failed with exit status 3") as caught:
        programs.run("sh", "-c", "echo out; echo err >&2; exit 3")
    assert caught.value.output == "out\nerr"


def test_a_program_reads_nothing_of_the_request() -> None:
    assert programs.run("cat").stdout == ""


def test_an_app_without_a_user_gets_one(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    useradd = tmp_path / "bin/useradd"
    useradd.parent.mkdir()
    useradd.write_text("#!/bin/sh\necho no room for users\nexit 9\n")
    useradd.chmod(0o755)
    monkeypatch.setenv("PATH", f"{useradd.parent}:/usr/bin:/bin")
    with pytest.raises(NodeError, match=r"useradd --system .* silver-nosuchapp failed") as caught:
        apps.provide(layout, "nosuchapp")
    assert caught.value.output == "no room for users"


@pytest.mark.parametrize("taken", ["", "user", "group"])
def test_an_apps_user_and_group_have_the_number_of_its_name_if_it_is_free(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    useradd = tmp_path / "bin/useradd"
    useradd.parent.mkdir()
    useradd.write_text('#!/bin/sh\necho "$*"\nexit 9\n')
    useradd.chmod(0o755)
    monkeypatch.setenv("PATH", f"{useradd.parent}:/usr/bin:/bin")
    users = [SimpleNamespace(pw_uid=48872)] if taken == "user" else []
    groups = [SimpleNamespace(gr_gid=48872)] if taken == "group" else []
    monkeypatch.setattr("pwd.getpwall", lambda: users)
    monkeypatch.setattr("grp.getgrall", lambda: groups)
    monkeypatch.setattr("grp.getgrnam", {}.__getitem__)
    with pytest.raises(NodeError) as caught:
        apps.provide(layout, "places")
    given = ["--uid=48872", "--key=SYS_GID_MIN=48872", "--key=SYS_GID_MAX=48872"]
    assert [each for each in caught.value.output.split() if "48872" in each] == (
        [] if taken else given
    )
