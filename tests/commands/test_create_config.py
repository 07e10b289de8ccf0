"""`silver create-config`, typed: from an app's template to the configuration that it runs with."""

import os
import re
import stat
from pathlib import Path

import pexpect
import pytest
import requests

from silverlining.playbook import ROOT
from tests.support.commands import must, silver
from tests.support.node import cloud_node

LOCATION = "create-config.test"
APP_INI = f"""
[production]
app_name = createconfig
runner = src/site.py
default_location = {LOCATION}
config.required = true
config.template = config-template
config.checker = script:bin/check.py
"""
CODE = """
import os
import re
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    with open(os.path.join(os.environ["SILVER_APP_CONFIG"], "site.ini"), "rb") as file:
        return [file.read()]
"""
CHECKER = """
import os, sys
with open(os.path.join(os.environ["SILVER_APP_CONFIG"], "site.ini")) as file:
    if "@" not in file.read(): sys.exit("the mail address has no @")
"""
TEMPLATE = "{{ location }}: {{ mail }} {{ admin_password }} {{ random(12) }}\n"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    root = tmp_path / "site"
    files = {"app.ini": APP_INI, "src/site.py": CODE, "bin/check.py": CHECKER}
    for name, text in {**files, "config-template/site.ini": TEMPLATE}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_what_is_asked_for_on_a_terminal_is_what_the_site_runs_with(
    app: Path, tmp_path: Path, node: str
) -> None:
    other = f"none.{LOCATION}"
    refused = silver("update", app, other, "--node", node, "--no-etc-hosts")
    assert refused.status != 0
    assert "--config DIR" in refused.out + refused.err, str(refused)
    terminal = pexpect.spawn(
        str(ROOT / "silver"),
        ["create-config", "site", "site-config"],
        cwd=tmp_path,
        env=os.environ | {"TERM": "dumb"},
        encoding="utf-8",
        timeout=20,
    )
    # In the order of the files, then of the names.
    terminal.expect("admin_password: ")
    terminal.sendline("s3cret")
    terminal.expect("mail: ")
    shown = str(terminal.before)
    terminal.sendline("ann@example.com")
    terminal.expect("Next: silver (update site --config site-config)\r\n")
    assert isinstance(terminal.match, re.Match)
    command = terminal.match[1].split()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert "s3cret" not in shown
    assert stat.S_IMODE((tmp_path / "site-config").stat().st_mode) == 0o700
    must(*command, "--node", node, "--no-etc-hosts", cwd=tmp_path)
    address = cloud_node(node).public_ips[0]
    answer = requests.get(f"http://{address}/", headers={"Host": LOCATION}, timeout=20)
    assert answer.text == (tmp_path / "site-config/site.ini").read_text()
    assert answer.text.startswith(f"{LOCATION}: ann@example.com s3cret ")


def test_a_configuration_that_the_app_refuses_is_an_error_here_already(
    app: Path, tmp_path: Path
) -> None:
    values = ["--set", "mail=ann", "--set", "admin_password=x"]
    done = silver("create-config", "site", "site-config", *values, cwd=tmp_path)
    assert done.status == 1
    assert "the mail address has no @" in done.err
    assert "Next:" not in done.out


def test_ctrl_c_at_a_question_leaves_nothing(app: Path, tmp_path: Path) -> None:
    terminal = pexpect.spawn(
        str(ROOT / "silver"), ["create-config", "site", "out"], cwd=tmp_path, timeout=20
    )
    terminal.expect("admin_password: ")
    terminal.sendintr()
    terminal.expect("silver: interrupted")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site"]
