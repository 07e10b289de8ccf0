"""The data of `service.postgis`: see `silvernode.data.service`.

What an app has made in its database may run code: that of a CHECK constraint while it is restored,
that of a view, or of an index's expression, while it is read. So the app's own role restores it and
counts its rows, by a connection of its own, and never a superuser; what only a superuser may do,
making the database and its extensions, is described in a file beside the dump and done first.

`pg_dump` has to be a superuser, to read what is not the app's. It plans no query of an app's table,
and has the server refuse views and foreign tables under a table's name (CVE-2024-7348).

On a server elsewhere there is no superuser for this node, but an administrator who is a member of
the apps' roles. There the app's role makes its dump by itself.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from silvernode import apps
from silvernode.data import database_server, dump_text, postgresql, programs
from silvernode.data import service as base
from silvernode.data.postgresql import SUPERUSER, quoted_name, quoted_text
from silvernode.errors import NodeError
from silvernode.layout import Layout

DUMP, SURROUNDINGS = "database.dump", "surroundings.json"
POLL_SECONDS = 0.1

SNAPSHOT = """
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SELECT pg_export_snapshot();
"""
JOIN_SNAPSHOT = """
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET TRANSACTION SNAPSHOT :'snapshot';
"""

# Tables with rows of their own, not those of an extension; and whether the app's role sees all the
# rows: it may be without the right to, or have policies that hold for itself.
_TABLES = """
FROM (SELECT nspname, relname,
        coalesce(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
                 AND NOT row_security_active(c.oid), false) AS is_seen
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND c.relpersistence <> 't'
        AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        AND NOT EXISTS (SELECT FROM pg_depend AS d
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.deptype = 'e')) AS tables
"""
LOCK = f"""
SELECT format('LOCK TABLE ONLY %I.%I IN ACCESS SHARE MODE', nspname, relname)
{_TABLES} WHERE is_seen \\gexec
SELECT '';
"""
COUNT = f"""
SELECT format(CASE WHEN is_seen THEN 'SELECT json_build_array(%L, count(*)) FROM ONLY %I.%I'
                   ELSE 'SELECT json_build_array(%L, NULL)' END,
              nspname || '.' || relname, nspname, relname)
{_TABLES} \\gexec
SELECT json_build_array('', count(*)) FROM pg_largeobject_metadata;
"""  # noqa: S608 - of texts that stand here
UNSEEN = f"SELECT nspname || '.' || relname {_TABLES} WHERE NOT is_seen LIMIT 1;"

# Grants on what an extension has made.
_EXTENDED = re.compile(r"ACL \S+ (FUNCTION|PROCEDURE|AGGREGATE|TYPE|DOMAIN|OPERATOR) ")

DESCRIBE = """
WITH this AS (SELECT * FROM pg_database WHERE datname = current_database()),
extensions AS (
  SELECT extname, nspname, rolname = :'role' AS own
  FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = extnamespace
    JOIN pg_roles AS r ON r.oid = extowner
  WHERE extname <> 'plpgsql' ORDER BY e.oid),
members AS (
  SELECT nspname, relname FROM pg_depend AS d JOIN pg_class AS c ON c.oid = d.objid
    JOIN pg_namespace AS n ON n.oid = relnamespace
  WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e'),
roles AS (
  SELECT DISTINCT rolname FROM this, pg_shdepend AS d JOIN pg_roles AS r ON r.oid = d.refobjid
  WHERE d.refclassid = 'pg_authid'::regclass AND rolname NOT IN (:'role', :'admin')
    AND (d.dbid = this.oid OR d.classid = 'pg_database'::regclass AND d.objid = this.oid)),
grants AS (
  SELECT rolname, privilege_type, is_grantable
  FROM this, aclexplode(datacl) JOIN pg_roles ON pg_roles.oid = grantee WHERE grantee <> datdba),
-- But for those that only a superuser may set: the operator's. And not what `forbid_writes` does.
settings AS (
  SELECT setrole <> 0 AS own, split_part(s, '=', 1) AS name, substr(s, strpos(s, '=') + 1) AS value
  FROM this, pg_db_role_setting, unnest(setconfig) AS s
  WHERE setdatabase = this.oid AND (setrole = 0 OR setrole = quote_ident(:'role')::regrole)
    AND split_part(s, '=', 1) <> 'default_transaction_read_only'
    AND s NOT LIKE 'default_transaction_read_only=%'
    AND split_part(s, '=', 1) NOT IN (SELECT name FROM pg_settings WHERE context <> 'user'))
SELECT json_build_object(
  'extensions', (SELECT json_agg(json_build_array(extname, nspname, own)) FROM extensions),
  'members', (SELECT json_agg(json_build_array(nspname, relname)) FROM members),
  'roles', (SELECT json_agg(rolname) FROM roles),
  'grants', (SELECT json_agg(json_build_array(rolname, privilege_type, is_grantable)) FROM grants),
  'settings', (SELECT json_agg(json_build_array(own, name, value)) FROM settings),
  'comment', (SELECT shobj_description(oid, 'pg_database') FROM this));
"""

CREATE = """
CREATE DATABASE :"copy" OWNER :"role" ENCODING 'UTF8' TEMPLATE :"template";
REVOKE CONNECT, TEMPORARY ON DATABASE :"copy" FROM PUBLIC;
"""
DROP = 'DROP DATABASE IF EXISTS :"copy" WITH (FORCE);'
EXTEND = 'CREATE EXTENSION IF NOT EXISTS :"extension" WITH SCHEMA :"schema" CASCADE;'

# In one transaction, so that whenever one looks there is a database of the app's name. Who has
# begun to connect waits for it, and then fails.
SWAP = """
BEGIN;
ALTER DATABASE :"app" RENAME TO :"between";
ALTER DATABASE :"copy" RENAME TO :"app";
ALTER DATABASE :"between" RENAME TO :"copy";
COMMIT;
"""
DISCONNECT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname IN (:'app', :'copy') AND pid <> pg_backend_pid()
  AND pg_has_role(usesysid, 'USAGE');
"""

END_SESSIONS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = :'app' AND usename = :'role';
"""
READ_ONLY = "default_transaction_read_only"  # an update sets it: `update_mode` of app.ini


class Service(base.Service):
    """The database of an app; the copy on the side is the database `APP.SIDE`."""

    has_checkpoint = True

    def __init__(self, layout: Layout, app: str, side: str = "restore") -> None:
        super().__init__(layout, app, side)
        self._server = database_server.find(layout)
        self.units = () if self._server.is_remote else ("postgresql@*.service",)
        self.is_shared = self._server.shared

    @property
    def role(self) -> str:
        """The owner of the database, who has the name of the app's Unix user."""
        return apps.user(self.app)

    @property
    def copy(self) -> str:
        """The database on the side, by a name that no app can have."""
        return f"{self.app}.{self.side}"

    def size(self) -> int:
        """Return the bytes of the database."""
        return int(self._ask("SELECT pg_database_size(:'app');"))

    def identity(self) -> str:
        """Return the database's id."""
        return self._ask("SELECT oid FROM pg_database WHERE datname = :'app';").strip()

    def versions(self) -> dict[str, str]:
        """Return those of PostgreSQL and PostGIS."""
        extension = "SELECT extversion FROM pg_extension WHERE extname = 'postgis';"
        return {
            "postgresql": self._ask("SHOW server_version;").split()[0],
            "postgis": self._ask(extension, self.app).strip(),
        }

    def backup(self, target: Path) -> dict[str, Any]:
        """Write a dump, and count the rows of the tables in the same snapshot."""
        described = json.loads(self._ask(DESCRIBE, self.app))
        (target / SURROUNDINGS).write_text(json.dumps(described, indent=1))
        with self._start(self.app) as keeping:
            postgresql.write(keeping, SNAPSHOT)
            snapshot = postgresql.next_line(keeping)
            with (
                self._start(self.app, self.role, {"snapshot": snapshot}) as counting,
                (target / DUMP).open("wb") as dump,
            ):
                postgresql.write(counting, JOIN_SNAPSHOT + LOCK)
                postgresql.next_line(counting)
                options = ["--format=custom", "--compress=1", f"--snapshot={snapshot}"]
                role = self.role if self._server.is_remote else SUPERUSER
                self._run(role, ["pg_dump", *options, self.app], stdout=dump)
                postgresql.write(counting, COUNT, last=True)
                facts = _facts(postgresql.finished(counting))
            postgresql.write(keeping, "COMMIT;", last=True)
            postgresql.finished(keeping)
        facts["tables"] = {name: rows for name, rows in facts["tables"].items() if rows is not None}
        return facts

    def stage(self, source: Path | None) -> None:
        """Make the database on the side, and restore into it."""
        self.discard()
        self._ask(CREATE)
        if source is None:
            self._extend("postgis", "public", self._server.admin)
            return
        described = json.loads((source / SURROUNDINGS).read_bytes())
        self._check_roles(described["roles"] or [])
        with (source / DUMP).open("rb") as dump:
            entries = [each for each in self._list(dump) if not self._is_made_here(each, described)]
            schemas = [each for each in entries if _subject(each).startswith("SCHEMA - ")]
            self._restore(dump, schemas)  # An extension may be in one of them.
            for name, schema, own in described["extensions"] or []:
                self._extend(name, schema, self.role if own else self._server.admin)
            self._restore(dump, [each for each in entries if each not in schemas])
        self._ask(_settings(self.copy, self.role, described), self.copy, self.role)

    def check(self, facts: Mapping[str, Any]) -> None:
        """Compare how many rows the tables have that were counted."""
        found = _facts(self._ask(COUNT, self.copy, self.role))
        there = found["tables"]
        wrong = [
            f"{name}: {there.get(name, 'no table')}, not {rows}"
            for name, rows in sorted(facts["tables"].items())
            if there.get(name, "no table") not in (rows, None)
        ]
        if found["large_objects"] != facts["large_objects"]:
            wrong.append(f"large objects: {found['large_objects']}, not {facts['large_objects']}")
        if wrong:
            raise NodeError("the restored database is not complete", "\n".join(wrong))

    def swap(self) -> None:
        """Exchange the names of the two databases; everybody who is connected is disconnected."""
        # The lock of the renaming keeps new connections waiting, while this ends the old ones.
        with self._start() as renaming:
            postgresql.write(renaming, SWAP, last=True)
            while renaming.poll() is None:
                self._ask(DISCONNECT)
                time.sleep(POLL_SECONDS)
            postgresql.finished(renaming)

    def discard(self) -> None:
        """Remove the database on the side."""
        self._ask(DROP)

    def is_unchanged(self, source: Path, scratch: Path) -> bool:
        """Compare the dump with one of now, as the texts that they stand for."""
        self.backup(scratch)
        if (source / SURROUNDINGS).read_bytes() != (scratch / SURROUNDINGS).read_bytes():
            return False
        before, now = (dump_text.digest(each / DUMP, self.role) for each in (source, scratch))
        return before == now

    def forbid_writes(self) -> None:
        """Have sessions read only, from their first transaction on."""
        self._ask(f'ALTER DATABASE :"app" SET {READ_ONLY} = on;')

    def allow_writes(self) -> None:
        """Have later sessions read and write."""
        self._ask(f'ALTER DATABASE :"app" RESET {READ_ONLY};')

    def disconnect(self) -> None:
        """End the sessions of the app's role, but not those of a backup."""
        self._ask(END_SESSIONS)

    def update_variables(self) -> dict[str, str]:
        """Return libpq's options: what a session is given so, no database's default overrides."""
        return {"PGOPTIONS": f"-c {READ_ONLY}=off"}

    def obstacle(self) -> str:
        """Return why a server elsewhere cannot be dumped, in words; empty if it can."""
        if not self._server.is_remote:
            return ""
        try:
            return self._obstacle()
        except NodeError as error:
            return str(error)

    def _obstacle(self) -> str:
        server = int(self._ask("SHOW server_version_num;")) // 10_000
        client = int(programs.run_as("root", ["pg_dump", "--version"]).split()[2].split(".")[0])
        if client < server:
            return f"the server is PostgreSQL {server}, which this node's pg_dump {client} refuses"
        if unseen := self._ask(UNSEEN, self.app, self.role).strip():
            return f"{self.role} may not read {unseen}, and makes its dump by itself"
        return ""

    def _ask(
        self,
        sql: str,
        database: str = "",
        role: str = "",
        values: Mapping[str, str] = postgresql.NOTHING,
        variables: Mapping[str, str] = postgresql.NOTHING,
    ) -> str:
        with self._start(database, role, values, variables) as psql:
            postgresql.write(psql, sql, last=True)
            return postgresql.finished(psql)

    def _start(
        self,
        database: str = "",
        role: str = "",
        values: Mapping[str, str] = postgresql.NOTHING,
        variables: Mapping[str, str] = postgresql.NOTHING,
    ) -> "subprocess.Popen[bytes]":
        """Start psql as a role, by default the one that makes databases."""
        role = role or self._server.admin
        return postgresql.start(
            database or self._server.database,
            self._server.user(role),
            {**self._values, **values},
            {**self._variables(role), **variables},
        )

    def _run(self, role: str, command: list[str], **options: Any) -> str:
        """Run a program that connects as a role, or reads what it may read."""
        user, variables = self._server.user(role), self._variables(role)
        return programs.run_as(user, command, variables=variables, **options)

    def _variables(self, role: str) -> dict[str, str]:
        password = database_server.app_password(self.layout, self.app)
        return self._server.variables(role, password)

    @property
    def _values(self) -> dict[str, str]:
        return {
            "app": self.app,
            "copy": self.copy,
            "between": f"{self.app}.between",
            "role": self.role,
            "admin": self._server.admin,
            "template": self._server.template,
        }

    def _extend(self, extension: str, schema: str, role: str) -> None:
        values = {"extension": extension, "schema": schema}
        # That of postgis_topology finds PostGIS by the session's own search path.
        variables = {"PGOPTIONS": "-c client_min_messages=warning"}
        self._ask(EXTEND, self.copy, role, values, variables)

    def _check_roles(self, roles: list[str]) -> None:
        there = self._ask("SELECT rolname FROM pg_roles;").splitlines()
        if missing := sorted(set(roles) - set(there)):
            raise NodeError(
                f"the backup gives rights to database roles that this node does not have:"
                f" {', '.join(missing)}; make them first, on the node, with:"
                f" sudo -u postgres createuser {missing[0]}"
            )

    def _list(self, dump: IO[bytes]) -> list[str]:
        """Return the entries of a dump, as `pg_restore --use-list` takes them."""
        listed = self._run(self.role, ["pg_restore", "--list"], stdin=dump)
        return [line for line in listed.splitlines() if line and not line.startswith(";")]

    def _restore(self, dump: IO[bytes], entries: list[str]) -> None:
        """Restore some entries of a dump, as the app's role."""
        dump.seek(0)
        chosen = os.memfd_create("entries")  # which every user may open, unlike a pipe of root's
        with os.fdopen(chosen, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write("\n".join(entries))
            file.flush()
            options = ["--exit-on-error", "--no-owner", "--no-tablespaces"]
            options += [f"--use-list=/proc/self/fd/{chosen}", f"--dbname={self.copy}"]
            self._run(self.role, ["pg_restore", *options], stdin=dump, pass_fds=[chosen])

    def _is_made_here(self, entry: str, described: Mapping[str, Any]) -> bool:
        """Tell whether an entry of a dump is an extension, or belongs to one."""
        subject = _subject(entry)
        if subject.startswith(("EXTENSION ", "COMMENT - EXTENSION ")):
            return True
        makers = (f" {SUPERUSER}", f" {self._server.admin}")
        if subject.endswith(makers) and _EXTENDED.match(subject):
            return True
        return any(
            subject.startswith(f"{kind} {name} ".format(schema=schema))
            for schema, name in described["members"] or []
            for kind in ("TABLE DATA {schema}", "SEQUENCE SET {schema}", "ACL {schema} TABLE")
        )


def _subject(entry: str) -> str:
    """Return an entry without its numbers: `SCHEMA - topology postgres`."""
    return entry.split(" ", 3)[3]


def _settings(database: str, role: str, described: Mapping[str, Any]) -> str:
    """Return the SQL for what a dump leaves out: it belongs to the database as a whole."""
    target = f"DATABASE {quoted_name(database)}"
    lines = []
    for grantee, privilege, grantable in described["grants"] or []:
        option = " WITH GRANT OPTION" if grantable else ""
        lines.append(f"GRANT {privilege} ON {target} TO {quoted_name(grantee)}{option};")
    for own, name, value in described["settings"] or []:
        what = f"ROLE {quoted_name(role)} IN {target}" if own else target
        # PostgreSQL keeps these as lists, with their quotes.
        given = value if name in ("search_path", "temp_tablespaces") else quoted_text(value)
        lines.append(f"ALTER {what} SET {quoted_name(name)} TO {given};")
    if described["comment"]:
        lines.append(f"COMMENT ON {target} IS {quoted_text(described['comment'])};")
    return "\n".join(lines)


def _facts(printed: str) -> dict[str, Any]:
    tables = dict(json.loads(line) for line in printed.splitlines())
    return {"large_objects": tables.pop(""), "tables": tables}
