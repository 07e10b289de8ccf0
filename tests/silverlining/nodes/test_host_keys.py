from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from silverlining.nodes import host_keys, key_pairs


@pytest.fixture
def known_hosts(tmp_path: Path) -> Path:
    return tmp_path / "known_hosts"


def test_a_key_is_recorded_under_the_nodes_name_without_its_comment(known_hosts: Path) -> None:
    key = key_pairs.generate().public
    assert host_keys.record("box", [f"{key} root@box"], known_hosts)
    assert known_hosts.read_text() == f"box {key}\n"
    assert host_keys.lookup("box", known_hosts) == [key]
    assert known_hosts.stat().st_mode & 0o777 == 0o600


def test_recording_the_same_key_again_changes_nothing(known_hosts: Path) -> None:
    key = key_pairs.generate().public
    host_keys.record("box", [key], known_hosts)
    assert not host_keys.record("box", [key], known_hosts)


def test_a_new_key_replaces_all_old_ones_and_no_others(known_hosts: Path) -> None:
    old, new, other = (key_pairs.generate().public for _ in range(3))
    host_keys.record("box", [old, new], known_hosts)
    host_keys.record("box2", [other], known_hosts)
    host_keys.record("box", [new], known_hosts)
    assert known_hosts.read_text() == f"box2 {other}\nbox {new}\n"


def test_a_forgotten_node_leaves_nothing(known_hosts: Path) -> None:
    host_keys.record("box", [key_pairs.generate().public], known_hosts)
    assert host_keys.forget("box", known_hosts)
    assert not host_keys.forget("box", known_hosts)
    assert known_hosts.read_text() == ""


def test_what_is_no_key_is_refused_and_the_file_kept(known_hosts: Path) -> None:
    with pytest.raises(key_pairs.KeyPairError):
        host_keys.record("box", ["ssh-ed25519 nonsense"], known_hosts)
    assert not known_hosts.exists()


def test_many_writers_at_once_lose_no_key(known_hosts: Path) -> None:
    keys = {f"node{number}": key_pairs.generate().public for number in range(20)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: host_keys.record(name, [keys[name]], known_hosts), keys))
    assert sorted(known_hosts.read_text().splitlines()) == sorted(map(" ".join, keys.items()))


def test_a_port_without_sshd_is_an_error_that_names_it() -> None:
    with pytest.raises(host_keys.HostKeyError, match=r"127\.0\.0\.1 port 9 gave no SSH host key"):
        host_keys.scan("127.0.0.1", port=9, timeout=1)
