"""The command that tells what is deployed where."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from silverlining.remote import deployed
from silverlining.remote.ages import ago

Data = Mapping[str, Any]

SHORT_ID = 12


@click.command()
@click.argument("words", metavar="[NODE] [NAME]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def query(words: Sequence[str], as_json: bool) -> int:
    """Tell what is deployed where.

    NODE is a node or a set; by default it is all of them. NAME is an app, a location or an
    instance, of which more is told then; * and ? stand for what they do in a shell. The exit
    status is 1 if a node could not tell everything.

    \b
    Example: silver query
             silver query web1 polls '*.example.com'
             silver query --json
    """
    found = deployed.query(words)
    if as_json:
        click.echo(json.dumps({"nodes": found.nodes}, indent=2))
        return _status(found)
    # Where some were named, the nodes that have nothing of them are not of interest.
    shown = [each for each in found.nodes if not found.names or each["problems"] or _has_any(each)]
    for number, node in enumerate(shown):
        click.echo("\n" * bool(number) + _heading(node))
        _print_locations(node)
        if found.names:
            _print_details(node)
        else:
            _print_instances(node)
    return _status(found)


def _status(found: deployed.Found) -> int:
    return 1 if any(node["problems"] for node in found.nodes) else 0


def _has_any(node: Data) -> bool:
    return bool(node["locations"] or node["instances"])


def _heading(node: Data) -> str:
    version = node["version"] and f"Silver Lining {node['version']}"
    words = (node["name"], node["address"], version)
    lines = [click.style("  ".join(word for word in words if word), bold=True)]
    lines += [click.style(f"  {problem}", fg="red") for problem in node["problems"]]
    if not (_has_any(node) or node["problems"]):
        lines.append(f"  nothing is deployed; try: ./silver update DIR --node {node['name']}")
    return "\n".join(lines)


def _print_locations(node: Data) -> None:
    _print_rows(
        {
            "location": each["location"],
            "instance": each["instance"],
            "since": ago(each["since"]),
            "previous": _previous(each),
        }
        for each in node["locations"]
    )


def _previous(location: Data) -> str:
    if not location["previous"]:
        return ""
    return f"{location['previous']}{' (warm)' if location['previous_is_warm'] else ''}"


def _print_instances(node: Data) -> None:
    _print_rows(
        {
            "instance": each["instance"],
            "state": each["state"],
            "memory": _size(each["memory"]),
            "uploaded": ago(each["uploaded"]),
            "by": each["uploader"],
            "size": _size(each["bytes"]),
            "files": each["files"],
        }
        for each in node["instances"]
    )


def _print_rows(rows: Iterator[dict[str, object]]) -> None:
    from silverlining.cli.tables import print_table

    if listed := list(rows):
        click.echo()
        print_table(listed)


def _print_details(node: Data) -> None:
    for instance in node["instances"]:
        name = click.style(instance["instance"], bold=True)
        memory = f", {_size(instance['memory'])} of memory" if instance["memory"] else ""
        click.echo(f"\n{name}  {instance['state']}{memory}")
        for label, text in _facts(instance):
            click.echo(f"  {label:10} {text}")
        for checkout in instance["revisions"]:
            for line in _checkout(checkout):
                click.echo(f"  {line}")


def _facts(instance: Data) -> Iterator[tuple[str, str]]:
    previous = [f"prev.{location}" for location in instance["previous_of"]]
    if served := [*instance["serves"], *previous]:
        yield "serves", ", ".join(served)
    yield "uploaded", f"{ago(instance['uploaded'])} by {instance['uploader']}"
    if instance["files"]:
        yield "size", f"{_size(instance['bytes'])} in {instance['files']} files"
    if instance["config"]:
        yield "config", instance["config"]


def _checkout(checkout: Data) -> Iterator[str]:
    """Yield what an instance was of a checkout, and the files in which it was not."""
    files, count = checkout["uncommitted"], checkout["uncommitted_count"]
    branch = f" ({checkout['branch']})" if checkout["branch"] else ""
    revision = checkout["revision"][:SHORT_ID] or "without a commit"
    state = f", {count} uncommitted:" if count else ""
    yield f"{checkout['path']:10} {checkout['kind']} {revision}{branch}{state}"
    yield from (f"{'':10}   {file}" for file in files)
    if count > len(files):
        yield f"{'':10}   and {count - len(files)} more"


def _size(count: int | None) -> str:
    if count is None:
        return ""
    from rich.filesize import decimal

    return decimal(count)
