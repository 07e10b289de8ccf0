"""An object store for tests: moto's server, which speaks as S3 does."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from libcloud.storage.providers import get_driver

from tests.support.node import eventually

KEY = "AKIATESTTESTTESTTEST"
SECRET = "open-sesame-open-sesame"  # noqa: S105


@dataclass(frozen=True)
class Store:
    """A store that answers on this machine.

    Attributes:
        port: where.
        address: where; another than that of the loopback interface can be reached by nodes.
    """

    port: int
    address: str = "127.0.0.1"

    @property
    def environ(self) -> dict[str, Any]:
        """The variables with which programs find it and log in."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL": f"http://{self.address}:{self.port}",
        }

    def driver(self) -> Any:
        """Return a driver for it that is not the one under test."""
        options = {"host": self.address, "port": self.port, "secure": False}
        return get_driver("s3")(KEY, SECRET, **options)

    def make(self, container: str) -> Any:
        """Make a container, and return it."""
        return self.driver().create_container(container)

    def contents(self, container: str) -> dict[str, int]:
        """Return the names and sizes of what is in a container."""
        driver = self.driver()
        objects = driver.list_container_objects(driver.get_container(container))
        return {each.name: int(each.size) for each in objects}

    def unfinished(self, container: str) -> list[str]:
        """Return the uploads to a container that were begun and neither ended nor given up."""
        driver = self.driver()
        uploads = driver.ex_iterate_multipart_uploads(driver.get_container(container))
        return [each.key for each in uploads]


@contextmanager
def running(log: Path, address: str = "127.0.0.1", **variables: str) -> Iterator[Store]:
    """Run a store for the length of the block.

    Args:
        log: a file for what it prints.
        address: where it listens.
        variables: settings of moto's, in its environment.
    """
    port = free_port(address)
    command = [sys.executable, "-m", "moto.server", "-H", address, "-p", str(port)]
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, env=os.environ | variables, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            eventually(lambda: _check_answers(address, port), seconds=60)
            yield Store(port, address)
        finally:
            process.terminate()


def free_port(address: str) -> int:
    """Return a port of this machine where nothing listens."""
    with socket.socket() as listening:
        listening.bind((address, 0))
        return int(listening.getsockname()[1])


def _check_answers(address: str, port: int) -> None:
    with socket.socket() as client:
        if client.connect_ex((address, port)):
            raise AssertionError(f"nothing answers at {address}, port {port}")
