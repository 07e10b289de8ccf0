"""A kept answer of a provider, with Ansible's own programs and a cloud that counts requests."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from silverlining import playbook
from silverlining.nodes.source_changes import changing
from tests.support import cloud_server
from tests.support.cloud_server import SECRET, TOKEN, Cloud

REFRESHING = """
- hosts: localhost
  connection: local
  tasks:
    - ansible.builtin.meta: refresh_inventory
    - ansible.builtin.debug: {msg: "now {{ groups.set_shop | sort | join(',') }}"}
"""


@dataclass
class Laptop:
    """Where Ansible runs, with a source file that keeps answers."""

    cloud: Cloud
    directory: Path

    @property
    def source(self) -> Path:
        return self.directory / "cloud.libcloud.yml"

    @property
    def cache(self) -> Path:
        return self.directory / "cache"

    def keep(self, seconds: int = 300) -> None:
        self.source.write_text(
            f"{self.cloud.source}cache: true\ncache_plugin: jsonfile\n"
            f"cache_timeout: {seconds}\ncache_connection: {self.cache}\n"
        )

    def run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [playbook.program(program), "-i", str(self.source), *arguments],
            cwd=self.directory,
            env=playbook.environment() | {"XDG_DATA_HOME": str(self.directory)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def listed(self, *arguments: str) -> list[str]:
        """Return the names of the nodes in Ansible's inventory."""
        groups = json.loads(self.run("ansible-inventory", "--list", *arguments))
        return sorted(groups.get("set_shop", {}).get("hosts", []))

    @property
    def requests(self) -> int:
        return len(self.cloud.requests)


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Laptop]:
    """A laptop whose inventory was listed once, when there was one node."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with cloud_server.running() as cloud:
        cloud.names = ["old"]
        laptop = Laptop(cloud, tmp_path)
        laptop.keep()
        assert laptop.listed() == ["old"]
        assert laptop.requests == 1
        cloud.names = ["old", "new"]
        yield laptop


def test_a_kept_answer_is_the_same_and_no_request_is_sent(laptop: Laptop) -> None:
    first = laptop.run("ansible-inventory", "--list")
    assert laptop.listed() == ["old"]
    assert laptop.run("ansible-inventory", "--list") == first
    assert laptop.requests == 1


def test_what_is_kept_is_as_what_was_asked(laptop: Laptop) -> None:
    kept = json.loads(laptop.run("ansible-inventory", "--host", "old"))
    asked = json.loads(laptop.run("ansible-inventory", "--host", "old", "--flush-cache"))
    assert laptop.requests == 2
    assert kept == asked


def test_no_credential_is_kept(laptop: Laptop) -> None:
    kept = "".join(path.read_text() for path in laptop.cache.iterdir())
    assert "old" in kept
    assert SECRET not in kept
    assert TOKEN not in kept


def test_flush_cache_asks_again_and_keeps_that(laptop: Laptop) -> None:
    assert laptop.listed("--flush-cache") == ["new", "old"]
    assert laptop.listed() == ["new", "old"]
    assert laptop.requests == 2


def test_refreshing_the_inventory_in_a_play_asks_again_and_keeps_that(laptop: Laptop) -> None:
    (laptop.directory / "play.yml").write_text(REFRESHING)
    assert "now new,old" in laptop.run("ansible-playbook", "play.yml")
    assert laptop.listed() == ["new", "old"]
    assert laptop.requests == 2


def test_an_answer_that_is_too_old_is_asked_for_again(laptop: Laptop) -> None:
    laptop.keep(seconds=1)
    path = next(laptop.cache.iterdir())
    hour_ago = path.stat().st_mtime - 3600
    os.utime(path, (hour_ago, hour_ago))
    os.utime(laptop.source, (hour_ago - 3600, hour_ago - 3600))
    assert laptop.listed() == ["new", "old"]


def test_what_libcloud_node_changed_is_seen_by_the_next_command(laptop: Laptop) -> None:
    with changing(str(laptop.source)):
        assert laptop.listed() == ["new", "old"]  # seen half-way, and not believed later
        laptop.cloud.names = ["new"]
    assert laptop.listed() == ["new"]
    assert laptop.listed() == ["new"]
    assert laptop.requests == 3


def test_the_module_marks_the_source_of_a_node_that_it_was_asked_to_change(laptop: Laptop) -> None:
    module = f"name=gone state=absent source={laptop.source}"
    laptop.run("ansible", "localhost", "-m", "libcloud_node", "-a", module, "--check")
    assert laptop.listed() == ["old"]
    laptop.run("ansible", "localhost", "-m", "libcloud_node", "-a", module)
    assert laptop.listed() == ["new", "old"]


def test_a_changed_source_file_is_asked_anew(laptop: Laptop) -> None:
    laptop.keep()
    with laptop.source.open("a") as file:
        file.write("name_prefix: n\n")
    assert laptop.listed() == ["new"]
