import re
from collections.abc import Callable, Set
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, ImageNotFound

from silverlining.nodes import image
from silverlining.nodes.image import ImageError

DEBIAN_12 = [
    ("http://mirror.example/debian/", "bookworm", "main"),
    ("http://mirror.example/debian/", "bookworm-updates", "main"),
    ("http://mirror.example/security/", "bookworm-security", "main"),
]


class FakeImages:
    """An engine's images and a registry's, as sets of names."""

    def __init__(self, ready: Set[str], registry: Set[str]) -> None:
        self.ready, self.registry, self.asked = ready, registry, 0

    def get(self, name: str) -> Any:
        if name not in self.ready:
            raise ImageNotFound("no such image")
        return SimpleNamespace(labels={image.RECIPE_LABEL: image._recipe()})

    def get_registry_data(self, name: str) -> None:
        self.asked += 1
        if name not in self.registry:
            raise APIError("500", explanation="no such host")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    def make(ready: Set[str] = frozenset(), registry: Set[str] = frozenset()) -> Any:
        fake = SimpleNamespace(images=FakeImages(ready, registry))
        monkeypatch.setattr("docker.from_env", lambda timeout: fake)
        return fake

    return make


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    def set_release(distribution: str, version: str) -> None:
        release = {"ID": distribution, "VERSION_ID": version}
        monkeypatch.setattr("platform.freedesktop_os_release", lambda: release)

    return set_release


def test_sources_of_another_release_are_the_machines_own_with_other_suites() -> None:
    text = image.package_sources(image.find("debian:13"), DEBIAN_12)
    assert re.findall(r"(?m)^(?:URIs|Suites): (.*)$", text) == [
        "http://mirror.example/debian/",
        "trixie",
        "http://mirror.example/debian/",
        "trixie-updates",
        "http://mirror.example/security/",
        "trixie-security",
    ]
    assert text.count("Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n") == 3


def test_an_unknown_image_lists_those_there_are() -> None:
    with pytest.raises(ImageError, match=r"'arch'.* ubuntu:24\.04, debian:12, debian:13\."):
        image.find("arch")


@pytest.mark.parametrize(
    ("distribution", "version", "expected"),
    [
        ("debian", "12", "debian:12"),
        ("debian", "13", "debian:13"),
        ("debian", "", "debian:12"),
        ("ubuntu", "24.04", "ubuntu:24.04"),
        ("ubuntu", "22.04", "ubuntu:24.04"),
    ],
)
def test_a_machine_can_make_its_own_release_or_one_of_its_family(
    machine: Callable[[str, str], None], distribution: str, version: str, expected: str
) -> None:
    machine(distribution, version)
    own = image.own_release()
    assert own is not None
    assert own.name == expected


def test_another_distribution_can_make_none(machine: Callable[[str, str], None]) -> None:
    machine("fedora", "42")
    assert image.own_release() is None


@pytest.mark.parametrize(
    ("ready", "registry", "expected"),
    [
        (set(), {"ubuntu:24.04"}, ("ubuntu:24.04", 1)),
        (set(), set(), ("debian:12", 1)),
        ({"ubuntu:24.04"}, set(), ("ubuntu:24.04", 0)),
        ({"silverlining/node:ubuntu-24.04"}, set(), ("ubuntu:24.04", 0)),
        ({"silverlining/node:debian-12"}, {"ubuntu:24.04"}, ("debian:12", 0)),
    ],
)
def test_the_default_image_and_how_often_the_registry_is_asked(
    client: Callable[..., Any],
    machine: Callable[[str, str], None],
    ready: set[str],
    registry: set[str],
    expected: tuple[str, int],
) -> None:
    machine("debian", "12")
    fake = client(ready, registry)
    assert (image.default(fake).name, fake.images.asked) == expected


def test_an_image_of_an_older_recipe_is_not_ready(
    client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = client({"silverlining/node:debian-12"})
    assert image.is_ready(fake, image.find("debian:12"))
    old = SimpleNamespace(labels={image.RECIPE_LABEL: "0"})
    monkeypatch.setattr(fake.images, "get", lambda name: old)
    assert not image.is_ready(fake, image.find("debian:12"))


def test_what_can_be_neither_pulled_nor_bootstrapped_says_what_can(
    client: Callable[..., Any],
    machine: Callable[[str, str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    machine("debian", "12")
    with pytest.raises(
        ImageError,
        match=r"^ubuntu:24\.04 cannot be pulled \(no such host\), and can be bootstrapped on "
        r"Ubuntu only\. What can be made here: debian:12, debian:13\.$",
    ):
        image.ensure(client(), "ubuntu:24.04", lambda message: None)
