"""Commands for the data of applications: backups, and taking it away."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from silverlining import playbook
from silverlining.cli import options
from silverlining.cli.confirmation import confirm
from silverlining.deploy import interruption

if TYPE_CHECKING:
    from silverlining.backup import listing

_node = click.option("--node", metavar="NAME", help="A node or a set, where there are several.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")
_identity = click.option(
    "--identity",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A key of age, or of ssh, that reads the archive. [default: the one that was made here]",
)


@click.command()
@click.argument("location")
@click.argument("destination", metavar="DEST")
@_node
@click.option(
    "--recipient",
    "recipients",
    metavar="KEY",
    multiple=True,
    help="A public key of age or ssh whose owner can read it, or a file of them; may be repeated."
    " [default: the one that was made here]",
)
@_identity
@click.option("--verify/--no-verify", default=True, help="Read it back. [default: read it back]")
@click.option("--yes", is_flag=True, help="Do not ask before site: replaces data.")
@options.verbosity
def backup(
    location: str,
    destination: str,
    node: str | None,
    recipients: tuple[str, ...],
    identity: Path | None,
    verify: bool,
    yes: bool,
    verbosity: int,
) -> int:
    """Keep all data of an application in one archive.

    Its services' data, its deployment configuration, its secret and its app.ini, as they are at one
    moment, while visitors go on. The archive is encrypted; the first backup makes a key for it. It
    is read back from where it is, and every checksum compared.

    LOCATION is HOST or HOST/PATH. DEST is a file, a directory, s3://CONTAINER/PREFIX or another
    provider of Libcloud, or site:LOCATION[@NODE] to copy the data there.

    \b
    Example: silver backup polls.example.com ~/backups/
             silver backup polls.example.com s3://our-backups/polls
             silver backup polls.example.com site:polls.example.com@web2
    """
    if destination.startswith("site:"):
        if recipients or identity:
            raise click.UsageError("site: has a key of its own: leave --recipient, --identity out")
        place, _, other = destination.removeprefix("site:").partition("@")
        source = f"site:{location}{f'@{node}' if node else ''}"
        return _restore(source, place, other or None, None, yes, verbosity)
    extra = {
        "location": location,
        "destination": _place(destination),
        "node": node,
        "recipients": [_place(each) for each in recipients] or None,
        "identity": _absolute(identity),
        "verify": None if verify else False,
    }
    return _run("backup", extra, verbosity)


@click.command()
@click.argument("source", metavar="SRC")
@click.argument("location")
@_node
@_identity
@_yes
@options.verbosity
def restore(
    source: str,
    location: str,
    node: str | None,
    identity: Path | None,
    yes: bool,
    verbosity: int,
) -> int:
    """Put the data of an archive in the place of an application's.

    The archive is restored beside the data that is there and checked, and then exchanged for it: a
    damaged archive changes nothing. An application that was never deployed to the node finds its
    data there with its first update.

    SRC is an archive: a file, s3://CONTAINER/PREFIX/NAME or one of another provider of Libcloud, or
    site:LOCATION[@NODE] for what an application has now, there.

    \b
    Example: silver restore ~/backups/polls-20261123T031944Z.tar.age polls.example.com
             silver restore site:polls.example.com polls.example.com --node web2
    """
    return _restore(source, location, node, identity, yes, verbosity)


@click.command("list-backups")
@click.argument("source", metavar="SRC")
@_identity
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_backups(source: str, identity: Path | None, as_json: bool) -> int:
    """List archives, or show what is in one.

    SRC is a directory or s3://CONTAINER/PREFIX, of which the archives are listed; or an archive,
    which says what it is of, from when, and how much of everything it has. No more of it is read
    than its beginning.

    \b
    Example: silver list-backups ~/backups/
             silver list-backups s3://our-backups/polls/polls-20261123T031944Z.tar.age
    """
    from silverlining.backup import listing

    found = listing.find(source, identity)
    if as_json:
        click.echo(json.dumps(found.as_data(), indent=2))
    else:
        _show(found)
    return 0


@click.command()
@click.argument("location")
@_node
@_yes
@options.verbosity
def clear(location: str, node: str | None, yes: bool, verbosity: int) -> int:
    """Remove all data of an application.

    What its services keep for it is gone, at all of its locations, and is then as for a new
    application: an empty database, empty directories. The application itself, its configuration and
    its secret stay.

    \b
    Example: silver clear polls.example.com
    """
    if not yes:
        confirm(f"Remove all data of the app at {location}, at all of its locations, for good?")
    return _run("clear", {"location": location, "node": node}, verbosity)


def _restore(
    source: str,
    location: str,
    node: str | None,
    identity: Path | None,
    yes: bool,
    verbosity: int,
) -> int:
    extra: dict[str, object] = {
        "source": source if source.startswith("site:") else _place(source),
        "location": location,
        "node": node,
        "identity": _absolute(identity),
    }
    if not yes and (question := _question(extra)):
        confirm(question)
        extra["verified"] = True
    return _run("restore", extra, verbosity)


def _question(extra: Mapping[str, object]) -> str:
    """Return what has to be asked before a restore, empty if there is nothing to lose."""
    for node, answer in playbook.answers("restore", extra, ["--check"]).items():
        if "question" not in answer:
            raise playbook.PlaybookError(str(answer.get("msg", f"{node} did not answer")))
        return str(answer["question"])
    return ""


def _run(name: str, extra: Mapping[str, object], verbosity: int) -> int:
    """Run a playbook, which says itself what became of it when it is interrupted."""
    with interruption.told() as outcome, _watched():
        try:
            status = playbook.run(name, extra, verbosity=verbosity)
        except KeyboardInterrupt:
            status = playbook.INTERRUPTED
        if status == playbook.INTERRUPTED:
            click.echo(f"silver: {interruption.outcome(outcome) or 'nothing was done'}", err=True)
    return status


@contextmanager
def _watched() -> Iterator[None]:
    """Have the bytes shown as they pass, if somebody watches."""
    from silverlining.backup import progress

    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        os.environ[progress.VARIABLE] = "1"
    try:
        yield
    finally:
        os.environ.pop(progress.VARIABLE, None)


def _place(text: str) -> str:
    """Return a destination in a form that means the same in every directory."""
    path = Path(text).expanduser()
    if "://" in text or text.startswith(("age1", "ssh-")):
        return text
    return f"{path.absolute()}{'/' if text.endswith('/') else ''}"


def _absolute(path: Path | None) -> str | None:
    return str(path.expanduser().absolute()) if path else None


def _show(found: "listing.Found") -> None:
    from rich.filesize import decimal

    from silverlining.backup import summary
    from silverlining.cli.tables import print_table

    if found.manifest:
        for label, text in summary.lines(found.manifest):
            click.echo(f"{label:<10} {text}")
    elif found.archives:
        rows = [
            {
                "app": each.app,
                "made": summary.moment(each.created) if each.created else None,
                "size": decimal(each.bytes),
                "archive": each.archive,
            }
            for each in found.archives
        ]
        print_table(rows)
    else:
        click.echo("there is no archive")
