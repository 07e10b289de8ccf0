"""OpenStack for tests: mimic, which Rackspace wrote to test against.

It needs an older library than we have, so it lives in an environment of its own, made on first
use from a hashed lock file, in ``.cache/``. Its nodes have no SSH, and it has no key pairs.

https://github.com/rackerlabs/mimic
"""

import hashlib
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from silverlining import files
from silverlining.playbook import ROOT
from tests.support.node import eventually
from tests.support.object_store import free_port

LOCK = Path(__file__).parent / "mimic" / "requirements.lock"
USER = "mimic"
PASSWORD = "glamdring"  # noqa: S105
REGION = "ORD"


@dataclass(frozen=True)
class Cloud:
    """An OpenStack that runs on this machine."""

    port: int

    @property
    def url(self) -> str:
        """Where one logs in."""
        return f"http://127.0.0.1:{self.port}/identity"

    @property
    def environ(self) -> dict[str, str]:
        """The variables in which a source file finds the credentials."""
        return {"OS_USERNAME": USER, "OS_PASSWORD": PASSWORD}

    def source(self, path: Path, **options: Any) -> Path:
        """Write a source file for it."""
        settings = {
            "plugin": "libcloud",
            "provider": "openstack",
            "region": REGION,
            "key_env": "OS_USERNAME",
            "secret_env": "OS_PASSWORD",
            "user": "ubuntu",
            "options": {
                "ex_force_auth_url": self.url,
                "ex_force_auth_version": "2.0_password",
                "ex_force_service_name": "cloudServersOpenStack",
            },
            "create_options": {"ex_keyname": "laptop"},
            **options,
        }
        path.write_text(yaml.safe_dump(settings))
        return path

    def misbehave(self, name: str, behaviour: str, **parameters: Any) -> None:
        """Have the making of the node of a name answered in one of mimic's bad ways."""
        answer = requests.post(
            f"{self._control()}/behaviors/creation/",
            json={
                "criteria": [{"server_name": name}],
                "name": behaviour,
                "parameters": parameters,
            },
            timeout=20,
        )
        answer.raise_for_status()

    def _control(self) -> str:
        body = {"auth": {"passwordCredentials": {"username": USER, "password": PASSWORD}}}
        answer = requests.post(f"{self.url}/v2.0/tokens", json=body, timeout=20)
        answer.raise_for_status()
        services = answer.json()["access"]["serviceCatalog"]
        [service] = [each for each in services if each["name"] == "cloudServersBehavior"]
        [url] = [each["publicURL"] for each in service["endpoints"] if each["region"] == REGION]
        return str(url)


@contextmanager
def running(log: Path) -> Iterator[Cloud]:
    """Run an OpenStack for the length of the block.

    Args:
        log: a file for what it prints.
    """
    twistd, port = _installed(), free_port("127.0.0.1")
    listen = f"tcp:{port}:interface=127.0.0.1"
    command = [str(twistd), "--nodaemon", "--pidfile=", "mimic", "--realtime", "--listen", listen]
    with (
        log.open("w") as output,
        subprocess.Popen(command, cwd=log.parent, stdout=output, stderr=output) as process,
    ):
        try:
            eventually(lambda: _check_answers(port), seconds=60)
            yield Cloud(port)
        finally:
            process.terminate()


def _installed() -> Path:
    """Return the ``twistd`` of mimic's environment, which is made if it is missing or old.

    Raises:
        AssertionError: it cannot be installed; pip's own words say why.
    """
    digest = hashlib.sha256(f"{sys.version}{LOCK.read_text()}".encode()).hexdigest()[:12]
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    place, done = cache / f"mimic-{digest}", cache / f"mimic-{digest}.done"
    with files.locked(cache / "mimic.lock"):
        if not done.exists():
            venv.create(place, clear=True, with_pip=True)
            _install(place)
            done.touch()
    return place / "bin" / "twistd"


def _install(place: Path) -> None:
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps"]
    done = subprocess.run(
        [*pip, "--require-hashes", "--requirement", str(LOCK)],
        env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"mimic, the OpenStack of the tests, is missing:\n{done.stdout}")


def _check_answers(port: int) -> None:
    try:
        requests.get(f"http://127.0.0.1:{port}/", timeout=5)
    except requests.RequestException as error:
        raise AssertionError(f"mimic does not answer: {error}") from error
