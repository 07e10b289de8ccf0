"""PostGIS for applications in development, in a local node that keeps their data.

It is the last way, after what the user set and the PostgreSQL of this machine, which
`silversupport.service.postgis` knows about. The node is made once and left running; whoever finds
it stopped or gone starts it or makes it again. It answers on its address, with a password for each
application, so that programs typed in another terminal reach it as well.
"""

import os
import secrets
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress

from libcloud.compute.base import Node

from silverlining import files, paths, playbook
from silverlining.nodes import engine
from silverlining.nodes.docker_driver import DockerNodeDriver
from silverlining.nodes.targets import DEVEL_GROUP
from silverlining.packages import tail
from silverlining.polling import wait_until
from silversupport.errors import SilverError
from silversupport.service import ServiceError, postgis

NODE = os.environ.get("SILVER_DEVEL_NODE", "devel-postgis")
SERVER = "node"
"""The server, in a record of `silversupport.service.postgis`, that is this one."""


PORT = 5432
START_LIMIT = 10.0
"""Seconds until PostgreSQL in a node that was just started is taken for not set up."""

Report = Callable[[str], None]

# As on a node (roles/service_postgis/tasks/app.yml), but for the password, and for CREATEDB: an
# application's tests make databases of their own. Those have PostGIS from template1.
_STATEMENTS = r"""
\getenv password SILVER_PASSWORD
SELECT format('CREATE ROLE %I', :'role')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN CREATEDB PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'app', :'role')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'app') \gexec
REVOKE CONNECT, TEMPORARY ON DATABASE :"app" FROM PUBLIC;
"""
_PSQL = 'printf %s "$SILVER_STATEMENTS" | psql -XqAt -v ON_ERROR_STOP=1 -v app="$1" -v role="$2"'


_WAITING = f"Waiting for another command that gets the local node {NODE} ready"
_NO_CONNECTION = 2
"""Exit status of psql that was not let in, or not yet."""


class DevelPostgisError(SilverError):
    """PostGIS cannot be had for an application in development."""


def provide(app_name: str, directory: str, given: Mapping[str, str], report: Report) -> None:
    """Give an application a database in the node, unless it has one elsewhere or can have one.

    Args:
        app_name: the application.
        directory: the directory of its data in development, where the result is recorded.
        given: what the user set; if anything of it is PostGIS's, nothing is done.
        report: Told what is going on.

    Raises:
        DevelPostgisError: there is no way to a database; the message says what to do.
    """
    if set(given) & set(postgis.VARIABLES):
        return
    server, _ = postgis.recorded(directory)
    if server == postgis.LOCAL:
        return
    reason = f"{app_name} has its data in the local node {NODE}."
    if server is None:
        try:
            postgis.provide_local(app_name, directory)
        except ServiceError as error:
            reason = str(error)
        else:
            return
    driver = _driver(app_name, reason, report)
    with files.locked(paths.state_dir() / f"{NODE}.lock", lambda: report(_WAITING)):
        node = _ready(driver, reason, report)
        # Read again: whoever held the lock may have given this application its password.
        _, known = postgis.recorded(directory)
        password = known.get("CONFIG_PG_PASSWORD") or secrets.token_urlsafe(32)
        settings = _settings(app_name, node.public_ips[0], password)
        _ensure_database(driver, node, settings)
        postgis.record(directory, SERVER, settings)


def _driver(app_name: str, reason: str, report: Report) -> DockerNodeDriver:
    """Return a driver of the engine, which is started but not installed: nobody asked for that."""
    with suppress(engine.EngineError):
        return DockerNodeDriver()
    problem = "there is no Docker engine to run one in a local node."
    if engine.is_installed():
        try:
            engine.ensure(report)
            return DockerNodeDriver()
        except SilverError as error:
            problem = str(error)
    raise DevelPostgisError(
        f"{app_name} needs PostGIS: {reason}\nAnd {problem}\nDo one of these:\n"
        "  a PostgreSQL of your own:  sudo apt-get install postgresql-postgis && "
        "sudo -u postgres createuser --superuser $USER\n"
        "  the Docker engine:         sudo apt-get install docker.io\n"
        f"  another server:            write CONFIG_PG_HOST = … under [devel:{app_name}] in "
        "~/.silverlining.conf"
    )


def _ready(driver: DockerNodeDriver, reason: str, report: Report) -> Node:
    """Return the node with PostgreSQL answering there."""
    node = _find(driver)
    if node and _answers(node):
        return node
    report(f"{reason} Getting the local node {NODE} ready, which takes a minute the first time")
    _play("create-node", {"node": NODE, "group": DEVEL_GROUP, "if_not_exists": True}, report)
    started = _answering(driver) if node else None
    if started:
        return started
    _play("devel-postgis", {"node": NODE}, report)
    made = _answering(driver)
    if made is None:
        raise DevelPostgisError(
            f"PostgreSQL in the local node {NODE} does not answer at port {PORT}. "
            f"Begin again with: silver destroy-node {NODE}"
        )
    return made


def _find(driver: DockerNodeDriver) -> Node | None:
    return next((node for node in driver.list_nodes() if node.name == NODE), None)


def _answering(driver: DockerNodeDriver) -> Node | None:
    """Return the node as soon as PostgreSQL answers there; None if it does not in time."""
    node = _find(driver)
    return node if node and wait_until(lambda: _answers(node), START_LIMIT) else None


def _answers(node: Node) -> bool:
    """Return whether PostgreSQL listens, which is the last thing that its set-up brings about."""
    if not node.public_ips:
        return False
    try:
        with socket.create_connection((node.public_ips[0], PORT), timeout=1):
            return True
    except OSError:
        return False


def _play(name: str, extra: Mapping[str, object], report: Report) -> None:
    done = playbook.run_quietly(name, extra, report)
    if done.status == playbook.INTERRUPTED:
        raise KeyboardInterrupt
    if done.status:
        raise DevelPostgisError(
            f"the local node {NODE} cannot be made ready for PostGIS:\n{tail(done.output, 30)}"
        )


def _settings(app_name: str, address: str, password: str) -> dict[str, str]:
    return {
        "CONFIG_PG_DBNAME": app_name,
        "CONFIG_PG_USER": f"silver-{app_name}",
        "CONFIG_PG_PASSWORD": password,
        "CONFIG_PG_HOST": address,
        "CONFIG_PG_PORT": str(PORT),
    }


def _ensure_database(driver: DockerNodeDriver, node: Node, settings: Mapping[str, str]) -> None:
    """Make what is missing of role and database, and set the password."""
    answers: list[tuple[int, str]] = []

    def connects() -> bool:
        answers.append(_run_psql(driver, node, settings))
        return answers[-1][0] != _NO_CONNECTION

    wait_until(connects, START_LIMIT)  # a server that was killed listens before it has recovered
    status, output = answers[-1]
    if status:
        raise DevelPostgisError(
            f"the database {settings['CONFIG_PG_DBNAME']} cannot be made in the local node "
            f"{NODE}:\n{tail(output)}"
        )


def _run_psql(driver: DockerNodeDriver, node: Node, settings: Mapping[str, str]) -> tuple[int, str]:
    """Return exit status and output of psql, which the engine runs in the node.

    That takes 0.05 s, where a login by SSH takes 0.3 s.
    """
    environment = {
        "SILVER_STATEMENTS": _STATEMENTS,
        "SILVER_PASSWORD": settings["CONFIG_PG_PASSWORD"],
    }
    names = [settings["CONFIG_PG_DBNAME"], settings["CONFIG_PG_USER"]]
    api = driver.client.api
    made = api.exec_create(
        node.id, ["sh", "-c", _PSQL, "sh", *names], user="postgres", environment=environment
    )
    output = api.exec_start(made["Id"])
    return api.exec_inspect(made["Id"])["ExitCode"], output.decode(errors="replace")
