import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from silvernode.doctor import system
from silvernode.doctor.patient import Patient


@dataclass(order=True)
class Version:
    """One of a package: of three the middle one may be of the security archive."""

    number: int
    origins: list[Any] = field(compare=False)


def package(name: str, archive: str = "", label: str = "", upgradable: bool = True) -> Any:
    origin = SimpleNamespace(archive=archive, label=label)
    versions = [Version(1, []), Version(2, [origin] if upgradable else []), Version(3, [])]
    return SimpleNamespace(name=name, is_installed=True, installed=versions[0], versions=versions)


@pytest.fixture(autouse=True)
def lists(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lists of apt, of this moment; nothing is waiting."""
    lists = patient.layout.root / "var/lib/apt/lists"
    lists.mkdir(parents=True)
    (lists / "security_InRelease").touch()
    waiting(monkeypatch)
    return lists


def waiting(monkeypatch: pytest.MonkeyPatch, *packages: Any) -> None:
    monkeypatch.setitem(sys.modules, "apt", SimpleNamespace(Cache=lambda: packages))


def texts(patient: Patient) -> list[str]:
    return [each.text for each in system.check(patient) if each.state == "wrong"]


def test_a_system_that_is_up_to_date_is_well(patient: Patient) -> None:
    assert [each.state for each in system.check(patient)] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("pkgs", "text"),
    [
        (None, "a reboot is due"),
        ("linux-image\nlibc6\nlinux-image\n", "a reboot is due for libc6, linux-image"),
    ],
)
def test_a_reboot_that_is_due_is_told_of(patient: Patient, pkgs: str | None, text: str) -> None:
    (patient.layout.root / "run").mkdir(exist_ok=True)
    (patient.layout.root / "run/reboot-required").touch()
    if pkgs:
        (patient.layout.root / "run/reboot-required.pkgs").write_text(pkgs)
    assert texts(patient) == [text]


def test_security_updates_are_named_and_others_are_not(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(
        monkeypatch,
        package("zlib", archive="noble-security"),
        package("curl", label="Debian-Security"),
        package("nano", archive="noble-updates", label="Ubuntu"),
        package("kept", archive="noble-security", upgradable=False),
    )
    assert texts(patient) == ["security updates are waiting: curl, zlib"]


def test_many_are_counted(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting(monkeypatch, *(package(f"p{n}", archive="stable-security") for n in range(7)))
    assert texts(patient) == ["security updates are waiting: p0, p1, p2, p3, p4 and 2 more"]


def test_lists_that_nobody_has_renewed_are_told_of(patient: Patient, lists: Path) -> None:
    old = time.time() - 10 * 86400
    os.utime(lists / "security_InRelease", (old, old))
    os.utime(lists, (old, old))
    assert texts(patient) == ["apt has not looked for updates for 10 days"]


def test_the_release_is_what_provisioning_noted_last(patient: Patient) -> None:
    assert system.release(patient.layout) == ""
    (patient.layout.etc / "release.json").write_text('{"digest": "abc"}')
    assert system.release(patient.layout) == "abc"
