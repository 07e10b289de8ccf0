"""docs/databases.md: a set that moves to a PostgreSQL of its owner's, and keeps files in a share.

The page is followed in a copy of the repository, on local nodes. The provider of its PostgreSQL is
a second cluster on the database node, which nobody but this test has set up. There is no server of
NFS: what the page writes of one is replaced by a directory of the web node, bound in its place.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from docs.tests import repository
from docs.tests.reader import Reader
from silverlining import playbook

PAGE = "docs/databases.md"
WEB, DATABASE = NODES = ("datahub-web1", "datahub-db1")
VARIABLES = Path("inventory/group_vars/set_datahub")
BACKUP = Path("/tmp/datahub.tar.age")
PASSWORD = "of the administrator's: 'quoted'"

PROVIDER = r"""
version=$(ls /etc/postgresql)
pg_createcluster "$version" provider --port 25060 >&2
cd "/etc/postgresql/$version/provider"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 2 \
    -keyout server.key -out server.crt -subj /CN=pg.example.com \
    -addext subjectAltName=DNS:pg.example.com 2>/dev/null
chown postgres server.key
cat > conf.d/provider.conf <<END
listen_addresses = '*'
ssl = on
ssl_cert_file = '$PWD/server.crt'
ssl_key_file = '$PWD/server.key'
END
echo 'hostssl all all samenet scram-sha-256' >> pg_hba.conf
systemctl start "postgresql@$version-provider"
runuser -u postgres -- psql -p 25060 -XAtq -v ON_ERROR_STOP=1 -v password="$PASSWORD" >&2 <<'END'
CREATE ROLE doadmin LOGIN SUPERUSER PASSWORD :'password';
END
cat server.crt
"""


def on(node: str, script: str, **environment: str) -> str:
    """Run a script as root of a node; what it printed."""
    given = [part for each in environment.items() for part in ("--env", "=".join(each))]
    done = subprocess.run(
        ["docker", "exec", *given, node, "sh", "-euc", script],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


@dataclass(frozen=True)
class Desk:
    """What the reader has of a provider's, and what their machines have in common.

    Attributes:
        copy: the repository that they work in.
    """

    copy: Path

    @property
    def variables(self) -> Path:
        """The directory of the set's variables."""
        return self.copy / VARIABLES

    def order_database(self) -> None:
        """Have the provider's PostgreSQL, its certificate, and its password in a vault."""
        address = on(DATABASE, "hostname --all-ip-addresses").split()[0]
        (self.variables / "provider-ca.crt").write_text(on(DATABASE, PROVIDER, PASSWORD=PASSWORD))
        on(WEB, f"echo '{address} pg.example.com' >> /etc/hosts")
        vault = self.variables / "vault.yml"
        vault.write_text(yaml.safe_dump({"vault_doadmin": PASSWORD}))
        subprocess.run([playbook.program("ansible-vault"), "encrypt", vault], check=True)

    def replace_share(self) -> None:
        """Put a directory of the node in the place of the share."""
        on(WEB, "mkdir /srv/datahub")
        share = {"src": "/srv/datahub", "fstype": "none", "opts": "bind"}
        (self.variables / "files.yml").write_text(yaml.safe_dump({"service_files_share": share}))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A copy of the repository, and a vault; what the page has made is removed afterwards."""
    BACKUP.unlink(missing_ok=True)  # an earlier run was killed
    vault_password = tmp_path / "vault-password"
    vault_password.write_text("of the vault")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(vault_password))
    yield Desk(repository.copied_with_programs(tmp_path / "silverlining"))
    done = playbook.run_quietly("destroy-node", {"node": ",".join(NODES)}, lambda _: None)
    BACKUP.unlink(missing_ok=True)
    assert done.status == 0, done.output


@pytest.mark.usefixtures("site")
def test_the_data_of_the_page_goes_from_a_node_to_a_set_to_a_provider(desk: Desk) -> None:
    once_written = {
        str(VARIABLES / "database.yml"): desk.order_database,
        str(VARIABLES / "files.yml"): desk.replace_share,
    }
    with Reader(desk.copy, once_written=once_written) as reader:
        reader.follow(PAGE)
