"""Makes the ledger; then does what the file `plan` beside it says, a line each."""

import os
import sys
import time
from pathlib import Path

import psycopg2  # type: ignore[import-untyped]

database = psycopg2.connect(dbname=os.environ["CONFIG_PG_DBNAME"])
database.autocommit = True
cursor = database.cursor()
cursor.execute("CREATE TABLE IF NOT EXISTS entries (id serial PRIMARY KEY, note text NOT NULL)")
plan = Path(__file__).with_name("plan")
for line in plan.read_text().splitlines() if plan.exists() else ():
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    if line.startswith("sleep "):
        time.sleep(float(line.removeprefix("sleep ")))
    elif line.startswith("wait for "):
        path = Path(os.environ["TEMP"], line.removeprefix("wait for "))
        path.with_suffix(".waiting").touch()
        while not path.exists():
            time.sleep(0.02)
    elif line.startswith("fail"):
        sys.exit(line)
    else:
        cursor.execute(line)
