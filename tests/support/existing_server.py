"""A PostgreSQL of the operator's own, made of a set's database node: a primary, and its standby.

As managed servers do, it lets an administrator who is no superuser make the extension PostGIS.
"""

from silverlining.nodes import engine

PASSWORD = "of the operator's: 'quoted'"  # noqa: S105 - of nothing real
DIRECTORY = "/etc/silverlining/postgis"

MAKE_PRIMARY = rf"""
set -eu
echo 'trusted = true' >> /usr/share/postgresql/$(ls /etc/postgresql)/extension/postgis.control
cat >> {DIRECTORY}/pg_hba.conf <<END
hostssl all operator samenet scram-sha-256
hostssl replication copier samenet scram-sha-256
END
runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 <<'END'
CREATE ROLE operator LOGIN CREATEDB CREATEROLE PASSWORD {"'" + PASSWORD.replace("'", "''") + "'"};
CREATE ROLE copier LOGIN REPLICATION PASSWORD 'copier';
SELECT pg_reload_conf();
END
"""
"""Makes a database node a server that an administrator from outside and a standby may use."""

MAKE_STANDBY = r"""
set -eu
version=$(ls /etc/postgresql)
echo 'trusted = true' >> /usr/share/postgresql/$version/extension/postgis.control
chown -R postgres {directory}
chmod 0600 {directory}/server.key
cat > /etc/postgresql/$version/main/conf.d/zz-standby.conf <<END
listen_addresses = '*'
hba_file = '{directory}/pg_hba.conf'
ssl_cert_file = '{directory}/server.crt'
ssl_key_file = '{directory}/server.key'
END
systemctl stop postgresql
rm -rf /var/lib/postgresql/$version/main
PGPASSWORD=copier runuser -u postgres -- pg_basebackup -h {address} -U copier --checkpoint=fast -R \
    -D /var/lib/postgresql/$version/main
systemctl start postgresql
"""

BE_SYNCHRONOUS = ("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
"""Statements with which the primary acknowledges only what its standby has, too."""

PROMOTE = ("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_promote()")
"""Statements with which the standby takes the place of the primary."""


def make_standby(primary: str) -> str:
    """Return what makes a database node the standby of the primary at an address."""
    return MAKE_STANDBY.format(address=primary, directory=DIRECTORY)


def take_away(name: str) -> None:
    """Have a node vanish: nothing answers any more, not even its kernel that a port is closed."""
    client = engine.connect()
    container = client.containers.get(name)
    for network in container.attrs["NetworkSettings"]["Networks"]:
        client.networks.get(network).disconnect(container)
