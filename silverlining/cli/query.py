"""The command that tells what is deployed where."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from silverlining.remote import deployed
from silverlining.remote.ages import ago, until

Data = Mapping[str, Any]

SHORT_ID = 12


@click.command()
@click.argument("words", metavar="[NODE] [NAME]...", nargs=-1)
@click.option("--disk", is_flag=True, help="Tell what takes the room on the disk instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def query(words: Sequence[str], disk: bool, as_json: bool) -> int:
    """Tell what is deployed where.

    NODE is a node or a set; by default it is all of them. NAME is an app, a location or an
    instance, of which more is told then; * and ? stand for what they do in a shell. The exit
    status is 1 if a node could not tell everything, or a backup or a drill failed or is overdue.

    \b
    Example: silver query
             silver query web1 polls '*.example.com'
             silver query web1 --disk
             silver query --json
    """
    found = deployed.query(words, disk=disk)
    if as_json:
        click.echo(json.dumps({"nodes": found.nodes}, indent=2))
        return _status(found)
    # Where some were named, the nodes that have nothing of them are not of interest.
    shown = [each for each in found.nodes if not found.names or each["problems"] or _has_any(each)]
    for number, node in enumerate(shown):
        click.echo("\n" * bool(number) + _heading(node))
        if disk:
            _print_disk(node)
            continue
        _print_locations(node)
        if found.names:
            _print_details(node)
        else:
            _print_instances(node)
            _print_backups(node)
        _print_jobs(node)
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
            "location": f"{each['location']}{' (disabled)' if each['disabled'] else ''}",
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


def _print_disk(node: Data) -> None:
    if not (told := node["disk"]):
        return
    free, total = _size(told["free_bytes"]), _size(told["total_bytes"])
    work = told["backup_bytes"]
    under_way = f", backups under way take {_size(work)}" if work else ""
    click.echo(f"  {free} of {total} are free{under_way}")
    _print_rows(
        {
            "app": each["app"],
            "instances": f"{_size(each['instances_bytes'])} ({each['instances']})",
            "data": ", ".join(f"{name} {_size(n)}" for name, n in each["services"].items()),
            "checkpoints": _some(each["checkpoints_bytes"]),
            "logs": _some(each["logs_bytes"]),
            "uploads": _some(each["uploads_bytes"]),
        }
        for each in told["apps"]
    )


def _some(count: int) -> str:
    return _size(count) if count else ""


def _print_jobs(node: Data) -> None:
    _print_rows(
        {
            "app": each["app"],
            "job": each["job"],
            "schedule": each["schedule"] or "",
            "state": _state_of_job(each),
            "last run": ago(each["ended"] or each["began"]) if each["began"] else "",
            "result": _result_of_job(each),
            "next run": _due(each["next"]),
        }
        for each in node["jobs"]
    )


def _state_of_job(job: Data) -> str:
    times = f" ({job['restarts']} times)" if job["restarts"] else ""
    return f"{job['state']}{times}"


def _result_of_job(job: Data) -> str:
    if job["status"] is None:
        return ""
    return "ok" if not (job["status"] or job["reason"]) else f"exit status {job['status']}"


def _due(when: str | None) -> str:
    return until(when) if when else ""


def _print_backups(node: Data) -> None:
    _print_rows(
        {
            "app": each["app"],
            "last backup": _ended(each.get("backup")),
            "last drill": _ended(each.get("drill")),
        }
        for each in node["backups"]
    )


def _ended(result: Data | None) -> str:
    if not result:
        return "none yet"
    return f"{'' if result['ok'] else 'FAILED '}{ago(result['at'])}"


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
    for each in node["backups"]:
        click.echo(f"\n{click.style(each['app'], bold=True)}")
        for kind in ("backup", "drill"):
            click.echo(f"  {kind:10} {_result(each.get(kind))}")


def _result(result: Data | None) -> str:
    """Return how a backup or a drill ended, in full."""
    if not result:
        return "none yet"
    if not result["ok"]:
        return f"{_ended(result)}: {result['message']}"
    what = f"{result['destination']}{result['archive']}"
    return f"{_ended(result)}, {_size(result['bytes'])} in {result['seconds']} s: {what}"


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
