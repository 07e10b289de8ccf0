"""Makes the fixture of the tests of upgrades: what a release of Silver Lining put on a node.

    git worktree add /tmp/release v0.2.0
    .venv/bin/python tests/upgrade/make_fixture.py /tmp/release tests/upgrade/0.2.0.tar.xz

A node is made, set up and deployed to by that release's own checkout, packed, and destroyed.
Beside the files of the node, the archive has in `root/fixture/` what else it takes to lay them
onto another one (`molecule/upgrade/prepare.yml`): packages, users and databases.
"""

import subprocess
import sys
from pathlib import Path

import requests

from silverlining.remote import connections

NODE = "upgrade-fixture"
SAMPLES = ("hello", "questioner", "places")

FILL = """
import sys
from pathlib import Path
from silverlining.app import libraries
for name in sys.argv[1:]:
    libraries.fill(Path("apps", name))
"""

MANUAL = "apt-mark showmanual | sort > /root/packages.$WHEN"

# Byte code is left out, since it is made anew where it is missing; and who made the fixture.
PACK = r"""
set -e
mkdir -p /root/fixture
cd /root/fixture
comm -13 ../packages.before ../packages.after > packages
getent passwd | grep -o '^silver-[^:]*' > users
(cd /; sudo -u postgres pg_dumpall) | grep -v 'CREATE ROLE postgres;' > databases.sql
sed -i 's/"uploader": "[^"]*"/"uploader": "operator@laptop"/' /etc/silverlining/instances/*.json
cd /
tar --create --sort=name --exclude=__pycache__ --exclude=var/www/html root/fixture \
  etc/apt/apt.conf.d/*silverlining etc/logrotate.d/silver-* etc/postgresql/*/*/conf.d/silver* \
  etc/silverlining etc/varnish/silver \
  etc/systemd/system/apache2.service $(find etc/systemd/system -name '*silver*') \
  usr/local/lib/silverlining usr/local/sbin/silver-node usr/local/share/silverlining \
  var/lib/silverlining var/log/silverlining var/www
"""


FILES = """
cd /var/lib/silverlining/files/questioner
for number in $(seq 20); do echo "Visitor $number" > $number.txt; done
chown silver-questioner: *
"""


def main(checkout: Path, archive: Path) -> None:
    """Make the fixture.

    Args:
        checkout: a checkout of the release.
        archive: the file to write.
    """
    _silver(checkout, "create-node", NODE)
    try:
        _on_node(MANUAL.replace("$WHEN", "before"))
        _silver(checkout, "setup-node", NODE)
        _on_node(MANUAL.replace("$WHEN", "after"))
        _deploy(checkout)
        _fill(connections.to_node(NODE).host)
        packed = _on_node(PACK)
        subprocess.run(
            ["xz", "-9e", "--stdout"], input=packed, stdout=archive.open("wb"), check=True
        )
    finally:
        _silver(checkout, "destroy-node", NODE, "--yes")


def _deploy(checkout: Path) -> None:
    """Deploy the samples, the first of them twice, so that it has a previous instance."""
    python = checkout / ".venv/bin/python"
    subprocess.run([python, "-c", FILL, *SAMPLES], cwd=checkout, check=True)
    for name in SAMPLES:
        _silver(checkout, "update", f"apps/{name}", f"{name}.upgrade.test", "--node", NODE)
    changed = checkout / "apps/hello/static/robots.txt"
    changed.write_text("User-agent: *\n")
    _silver(checkout, "update", "apps/hello", "hello.upgrade.test", "--node", NODE)
    changed.unlink()


def _fill(address: str) -> None:
    """Have the apps keep what an upgrade may not lose: rows and files."""
    headers = {"Host": "places.upgrade.test"}
    for number in range(20):
        place = {"name": f"Camp {number}", "lat": -80 + number / 10, "lon": 100 + number / 10}
        answer = requests.post(
            f"http://{address}/api/places", json=place, headers=headers, timeout=20
        )
        answer.raise_for_status()
    _on_node(FILES)


def _silver(checkout: Path, *arguments: str) -> None:
    subprocess.run([checkout / "silver", *arguments], cwd=checkout, check=True)


def _on_node(script: str) -> bytes:
    command = connections.to_node(NODE).command(["/bin/bash", "-c", script])
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
