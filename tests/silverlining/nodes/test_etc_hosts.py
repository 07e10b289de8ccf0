import os
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from silverlining.nodes import etc_hosts
from silverlining.nodes.etc_hosts import HostsError, NotWritableError

OWN = "127.0.0.1\tlocalhost\n\n# mine\n10.0.0.7 nas  # silver cutlery box\n"
A = "172.17.0.2\ta.test\t# silver demo\n"
B = "172.17.0.2\tb.test\t# silver demo\n"
C = "172.17.0.9\tc.test\t# silver other\n"


@pytest.mark.parametrize(
    ("before", "names", "after"),
    [
        pytest.param("", ["a.test"], A, id="empty file"),
        pytest.param(OWN, ["a.test"], OWN + A, id="appended"),
        pytest.param("::1 ip6", ["a.test"], "::1 ip6\n" + A, id="no newline at the end"),
        pytest.param(A + OWN, ["a.test"], A + OWN, id="there already"),
        pytest.param(OWN + A, ["b.test"], OWN + A + B, id="names that it has stay"),
        pytest.param(OWN + A + A, ["a.test"], OWN + A, id="given twice"),
        pytest.param(
            A.replace("0.2", "0.3") + OWN, ["b.test"], OWN + A + B, id="follows to a new address"
        ),
        pytest.param(
            "172.17.0.2\ta.test b.test\t# silver demo\n", [], A + B, id="one line for each name"
        ),
        pytest.param(C, ["c.test"], A.replace("a.test", "c.test"), id="taken from another node"),
        pytest.param(
            C.replace("c.test", "c.test d.test"),
            ["c.test"],
            C.replace("c.test", "d.test") + A.replace("a.test", "c.test"),
            id="other names of another node stay",
        ),
    ],
)
def test_names_are_added(before: str, names: list[str], after: str) -> None:
    assert etc_hosts.added(before, "demo", "172.17.0.2", names) == after


@pytest.mark.parametrize(
    ("names", "after"),
    [([], OWN + C), (["a.test"], OWN + B + C), (["c.test"], OWN + A + B + C)],
)
def test_names_are_removed(names: list[str], after: str) -> None:
    assert etc_hosts.removed(OWN + A + B + C, "demo", names) == after


def test_a_name_that_the_user_gave_another_address_is_told() -> None:
    text = "10.0.0.1 a.test b.test # old\n172.17.0.2 c.test\n# 10.0.0.1 d.test\n"
    names = ["a.test", "c.test", "d.test"]
    assert etc_hosts.shadowed(text, "172.17.0.2", names) == ["a.test"]


@pytest.mark.parametrize(
    ("node", "address", "name"),
    [
        ("a b", "10.0.0.1", "a.test"),
        ("demo\n", "10.0.0.1", "a.test"),
        ("demo", "10.0.0", "a.test"),
        ("demo", "10.0.0.1\n10.0.0.2 x", "a.test"),
        ("demo", "10.0.0.1", "a.test b.test"),
        ("demo", "10.0.0.1", "-a.test"),
        ("demo", "10.0.0.1", "a.test\n"),
        ("demo", "10.0.0.1", "a..test"),
        ("demo", "10.0.0.1", "A.test"),
        ("demo", "10.0.0.1", "a" * 64),
        ("demo", "10.0.0.1", ".".join(["a" * 63] * 4)),
    ],
)
def test_what_does_not_belong_into_the_file_is_refused(node: str, address: str, name: str) -> None:
    with pytest.raises(HostsError):
        etc_hosts.check(node, address, [name])


@pytest.mark.parametrize("address", ["10.0.0.1", "2001:db8::1", None])
def test_good_names_pass(address: str | None) -> None:
    etc_hosts.check("web-1.shop", address, ["a", "a-1.test", "x" * 63 + ".test"])


def test_the_file_is_written_in_place_and_other_bytes_stay(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    foreign = b"10.0.0.1 caf\xe9\r\n\t# odd\xff\n"
    path.write_bytes(foreign + C.encode())
    path.chmod(0o640)
    before = path.stat()
    add(path, "demo", ["a.test"])
    assert path.read_bytes() == foreign + C.encode() + A.encode()
    etc_hosts.update(path, lambda text: etc_hosts.removed(text, "other"))
    assert path.read_bytes() == foreign + A.encode()
    after = path.stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)


def test_a_file_that_is_right_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text(A)
    os.utime(path, (1, 1))
    assert add(path, "demo", ["a.test"]) == (A, A)
    assert path.stat().st_mtime == 1


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text(OWN)
    change = etc_hosts.update(path, lambda text: text + A, dry_run=True)
    assert change == (OWN, OWN + A)
    assert path.read_text() == OWN


def test_a_mounted_file_can_be_changed(tmp_path: Path) -> None:
    path, source, other = tmp_path / "hosts", tmp_path / "source", tmp_path / "other"
    path.touch()
    other.touch()
    source.write_text(OWN)
    with mounted(source, path):
        with pytest.raises(OSError, match="busy"):
            other.rename(path)
        add(path, "demo", ["a.test"])
        assert path.read_text() == OWN + A


def test_a_read_only_file_is_an_error_with_what_to_type(reachable: Path) -> None:
    path = reachable / "hosts"
    path.write_text(OWN + C)
    path.chmod(0o444)
    with unprivileged(), pytest.raises(NotWritableError) as caught:
        etc_hosts.update(path, lambda text: etc_hosts.removed(text, "other") + A)
    assert f"{path} cannot be changed (Permission denied)" in str(caught.value)
    assert f"add: {A.strip()}\nremove: {C.strip()}" in str(caught.value)
    assert caught.value.lines == [A.strip()]
    assert path.read_text() == OWN + C


@pytest.fixture
def reachable() -> Iterator[Path]:
    """Return a directory that every user may enter; pytest's own are private."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


def test_no_change_is_lost_when_several_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text(OWN)
    nodes = [f"node{number}" for number in range(40)]
    with ProcessPoolExecutor(8) as pool:
        list(pool.map(add, [path] * 40, nodes, [[f"{node}.test"] for node in nodes]))
    text = path.read_text()
    assert text.startswith(OWN)
    assert sorted(text[len(OWN) :].splitlines()) == sorted(
        f"172.17.0.2\t{node}.test\t# silver {node}" for node in nodes
    )


def add(path: Path, node: str, names: list[str]) -> tuple[str, str]:
    return etc_hosts.update(path, lambda text: etc_hosts.added(text, node, "172.17.0.2", names))


@contextmanager
def mounted(source: Path, target: Path) -> Iterator[None]:
    done = subprocess.run(["mount", "--bind", str(source), str(target)], capture_output=True)
    if done.returncode:
        pytest.skip("may not mount")
    try:
        yield
    finally:
        subprocess.run(["umount", str(target)], check=True)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be somebody who may not write what root has made read-only."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
