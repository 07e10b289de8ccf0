"""Rows as a table that a person reads."""

import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table


def print_table(rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows under their keys; into a pipe as wide as they are, for grep."""
    table = Table(box=None, pad_edge=False)
    for key in rows[0] if rows else ():
        table.add_column(key)
    for row in rows:
        table.add_row(*map(_text, row.values()))
    Console(width=None if sys.stdout.isatty() else 1000).print(table)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
