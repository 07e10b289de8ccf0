"""Options that several commands have."""

import click

verbosity = click.option(
    "-v",
    "verbosity",
    count=True,
    help="Show all that Ansible prints; -vv and more show more.",
)
