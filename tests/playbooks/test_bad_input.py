"""Bad input is refused with one clear line, before any node is contacted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support import apps, runs

INI = "[production]\napp_name = shop\nrunner = src/runner.py\ndefault_location = shop.test\n"
RUNNER = "application = None\n"

# An address for documentation (RFC 5737), where nobody answers; an ssh that tells on its caller.
INVENTORY = """
all:
  hosts: {hosts}
  vars: {{ansible_host: 192.0.2.1, ansible_ssh_executable: {ssh}, ansible_user: admin}}
"""


@dataclass(frozen=True)
class Case:
    """Something wrong with an application, or with the command.

    Attributes:
        said: what has to be in the one line.
        files: contents of the application's files; None removes a file.
        links: symbolic links of the application.
        extra: what is said on the command line.
        nodes: the nodes of the inventory.
    """

    said: tuple[str, ...]
    files: Mapping[str, str | None] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    nodes: tuple[str, ...] = ("box",)


def ini(**keys: str) -> dict[str, str | None]:
    """Return an app.ini with some keys of another value."""
    lines = [line for line in INI.splitlines() if line.partition(" ")[0] not in keys]
    return {"app.ini": "\n".join([*lines, *(f"{key} = {value}" for key, value in keys.items())])}


CASES = {
    "no app.ini": Case(("app.ini: there is no such file",), {"app.ini": None}),
    "syntax error": Case(("app.ini, line 5", "there is no key"), {"app.ini": f"{INI}= value\n"}),
    "no section": Case(("app.ini, line 1", "[production]"), {"app.ini": "app_name = shop\n"}),
    "unknown key": Case(("app.ini: runer", "did you mean runner?"), ini(runer="x.py")),
    "unknown service": Case(
        ("app.ini: service.mysql", "postgis"), {"app.ini": f"{INI}service.mysql =\n"}
    ),
    "missing runner": Case(("app.ini: runner", "'src/gone.py'"), ini(runner="src/gone.py")),
    "runner without the object": Case(
        ("app.ini: runner", "'src/runner.py' does not bind 'app'"),
        ini(runner="src/runner.py#app"),
    ),
    "runner that is no Python": Case(
        ("app.ini: runner: 'src/runner.py', line 1",), {"src/runner.py": "def (:\n"}
    ),
    "upper case in the name": Case(("app.ini: app_name", "'Shop'"), ini(app_name="Shop")),
    "shell in the name": Case(("app.ini: app_name", "'$(reboot)'"), ini(app_name="$(reboot)")),
    "reserved name": Case(
        ("app.ini: app_name", "'postgres' is reserved"), ini(app_name="postgres")
    ),
    "reserved beginning": Case(("app.ini: app_name", "'pg_shop'"), ini(app_name="pg_shop")),
    "library path that leaves": Case(
        ("lib/python/shop.pth, line 1", "../../../elsewhere", "leaves"),
        {"lib/python/shop.pth": "../../../elsewhere\n"},
    ),
    "library path of this machine": Case(
        ("lib/python/shop.pth, line 1", "/srv/elsewhere"),
        {"lib/python/shop.pth": "/srv/elsewhere\n"},
    ),
    "link that leaves": Case(
        ("static/passwords", "/etc/passwd", "leaves"),
        links={"static/passwords": "/etc/passwd"},
    ),
    "shell in the location": Case(
        ("'shop.test;reboot' is not a location",), extra={"location": "shop.test;reboot"}
    ),
    "Apache in the location": Case(
        ("'shop.test/${PATH}' is not a location",), extra={"location": "shop.test/${PATH}"}
    ),
    "VCL in the location": Case(
        ("""'shop.test/x"} sub' is not a location""",), extra={"location": 'shop.test/x"} sub'}
    ),
    "reserved location": Case(
        ("'prev.shop.test' is not a location", "prev."), extra={"location": "prev.shop.test"}
    ),
    "no node": Case(("there is no node yet", "create-node"), nodes=()),
    "several nodes": Case(
        ("several nodes could serve shop.test: box, crate", "-e node=box"), nodes=("box", "crate")
    ),
    "unknown node": Case(("no node or set named bax", "box"), extra={"node": "bax"}),
    "no application": Case(("say which application", "-e app=hello"), extra={"app": ""}),
    "unknown application": Case(
        ("helo is neither a directory nor one of apps/",), extra={"app": "helo"}
    ),
}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An application that nothing is wrong with."""
    apps.change(tmp_path, "shop/app.ini", INI)
    apps.change(tmp_path, "shop/src/runner.py", RUNNER)
    apps.change(tmp_path, "shop/static/index.html", "Shop")
    return tmp_path / "shop"


@pytest.fixture
def ssh(tmp_path: Path) -> Path:
    """A file that exists once ssh was called."""
    return tmp_path / "ssh-was-called"


@pytest.fixture
def deploy(tmp_path: Path, app: Path, ssh: Path) -> Callable[..., runs.Run]:
    """Deploys the application to nodes that cannot be reached."""

    def run(nodes: tuple[str, ...], **extra: str) -> runs.Run:
        program = tmp_path / "ssh"
        program.write_text(f'#!/bin/sh\ntouch "{ssh}"\nexit 255\n')
        program.chmod(0o755)
        inventory = tmp_path / "hosts.yml"
        hosts = "{" + ", ".join(f"{node}: {{}}" for node in nodes) + "}"
        inventory.write_text(INVENTORY.format(hosts=hosts, ssh=program))
        given = {"app": str(app)} | extra
        return runs.run("deploy.yml", given, inventory=inventory)

    return run


def test_good_input_reaches_the_node(deploy: Callable[..., runs.Run], ssh: Path) -> None:
    run = deploy(("box",))
    assert run.status != 0
    assert "UNREACHABLE" in run.output, run
    assert ssh.exists()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_bad_input_is_refused(
    deploy: Callable[..., runs.Run], app: Path, ssh: Path, case: Case
) -> None:
    for path, content in case.files.items():
        if content is None:
            (app / path).unlink()
        else:
            apps.change(app, path, content)
    for path, target in case.links.items():
        (app / path).symlink_to(target)

    run = deploy(case.nodes, **case.extra)

    assert run.status != 0, str(run)
    lines = [line for line in run.output.splitlines() if all(text in line for text in case.said)]
    assert lines, str(run)
    assert "Traceback" not in run.output, run
    assert not ssh.exists(), run
