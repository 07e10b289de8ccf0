"""A node under test: as its operator, as a visitor, and as its root see it."""

import json
import shlex
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import testinfra
from libcloud.compute.base import Node as CloudNode
from libcloud.compute.base import NodeDriver

from silverlining.nodes import sources
from tests.support import runs
from tests.support.runs import LOCAL_NODES, Run

Figure = Callable[[str], None]
"""Notes a figure that was measured, to be printed at the end of the tests."""

VISIT_SECONDS = 20
"""Until a request is given up."""

TRACES = """
ls -d /var/www/{app}.* /var/www/.staging/{app}.* /var/lib/silverlining/config/{app}/* \
  /etc/silverlining/instances/{app}.* /etc/varnish/silver/*{app}* /run/silver/{app}.* \
  /etc/systemd/system/multi-user.target.wants/silver-{app}@* 2>/dev/null
systemctl list-units --plain --no-legend 'silver-{app}@*' 'silver-script-{app}-*' |
  cut -d ' ' -f 1
"""
"""Prints all that a node has of an app's instances, but for the registry's part."""


@dataclass
class Node:
    """A node that a scenario has made.

    Attributes:
        name: its name in the inventory.
        address: its IP address.
        ssh_config: a file that says how to log in.
    """

    name: str
    address: str
    ssh_config: Path

    @classmethod
    def find(cls, name: str, ssh_config: Path) -> "Node":
        """Return the node of that name."""
        return cls(name, str(cloud_node(name).public_ips[0]), ssh_config)

    def deploy(self, app: Path | str, location: str | None = None, *arguments: str) -> Run:
        """Deploy an application."""
        extra = {"app": app, "location": location, "node": self.name}
        return runs.run("deploy.yml", extra, *arguments)

    def must_deploy(self, app: Path | str, location: str | None = None) -> Run:
        """Deploy an application, which is to succeed."""
        run = self.deploy(app, location)
        if run.status:
            raise AssertionError(str(run))
        return run

    def start_deploy(
        self, app: Path | str, location: str | None = None, path: Path | None = None
    ) -> subprocess.Popen[str]:
        """Begin to deploy an application."""
        extra = {"app": app, "location": location, "node": self.name}
        return runs.start("deploy.yml", extra, path=path)

    def visit(
        self, host: str, path: str = "/", method: str = "GET", **options: Any
    ) -> requests.Response:
        """Send a request to port 80, as a visitor's browser does, without following redirects.

        Args:
            host: the host that the visitor typed.
            path: the path, with its query string.
            method: the method.
            options: further arguments of `requests.request`.
        """
        headers = {"Host": host} | options.pop("headers", {})
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                f"http://{self.address}{path}",
                headers=headers,
                timeout=VISIT_SECONDS,
                allow_redirects=False,
                **options,
            )

    def page(self, host: str, path: str = "/", **options: Any) -> requests.Response:
        """Return the answer to a request that is to be answered with 200."""
        answer = self.visit(host, path, **options)
        if answer.status_code != requests.codes.ok:
            raise AssertionError(seen(answer))
        return answer

    @property
    def host(self) -> Any:
        """The node for Testinfra, where every command runs as root."""
        return testinfra.get_host(
            f"ssh://{self.name}?sudo=true",
            ssh_config=str(self.ssh_config),
            ssh_extra_args=f"-o HostName={self.address}",
        )

    def sh(self, command: str) -> str:
        """Run a command of the shell as root, which is to succeed; return what it prints."""
        return str(self.host.check_output(command))

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Have its PostgreSQL carry out a statement; return what that prints."""
        command = ["runuser", "-u", "postgres", "--", "psql", "-XAtqc", statement, database]
        return self.sh(shlex.join(command))

    def registry(self) -> dict[str, Any]:
        """Return what the node says that it serves, and where its instances listen."""
        answer: dict[str, Any] = json.loads(self.sh("silver-node query"))
        return {key: answer[key] for key in ("version", "locations", "addresses")}

    def active(self, location: str) -> str:
        """Return the instance that is served at a location."""
        return str(self.registry()["locations"][location]["instance"])

    def traces(self, app: str) -> set[str]:
        """Return all that the node has of an app's instances."""
        printed = str(self.host.run(TRACES.replace("{app}", app)).stdout).splitlines()
        addresses = self.registry()["addresses"].items()
        listening = {
            f"{name} listens on {at}" for name, at in addresses if name.startswith(f"{app}.")
        }
        return {*printed, *listening}

    def logs(self) -> str:
        """Return the last lines of what the node has written about what it serves."""
        units = "--unit 'silver*' --unit varnish --unit postgresql"
        journal = f"journalctl --no-pager --lines=40 {units}"
        written = "cd /var/log/silverlining; tail -n 20 */error.log */app.jsonl"
        return str(self.host.run(f"{journal}; {written}").stdout)


def cloud_node(name: str) -> CloudNode:
    """Return a node as Libcloud knows it."""
    return next(node for node in driver().list_nodes() if node.name == name)


def driver() -> NodeDriver:
    """Return the driver of the local nodes."""
    return sources.load(LOCAL_NODES).driver()


def seen(answer: requests.Response) -> str:
    """Return an answer as text, for the message of a failed test."""
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return f"{answer.url}: {answer.status_code} {answer.reason}\n{headers}\n\n{answer.text}"


def eventually(check: Callable[[], object], seconds: float = 15, pause: float = 0.1) -> float:
    """Repeat a check until it passes, and return after how many seconds that was.

    Raises:
        AssertionError: what it said last, once the time is over.
    """
    began = time.monotonic()
    while True:
        try:
            check()
        except (AssertionError, requests.RequestException) as error:
            if time.monotonic() - began > seconds:
                raise AssertionError(f"not within {seconds} s: {error}") from error
        else:
            return time.monotonic() - began
        time.sleep(pause)
