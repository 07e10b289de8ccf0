"""Options that several commands have."""

import click

verbosity = click.option(
    "-v",
    "verbosity",
    count=True,
    help="Show all that Ansible prints; -vv and more show more.",
)

wait_timeout = click.option(
    "--wait-timeout",
    type=click.IntRange(1),
    metavar="SECONDS",
    help="How long to wait for a node. [default: 300]",
)
