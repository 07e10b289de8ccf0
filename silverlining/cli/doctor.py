"""The command that tells what is wrong with nodes."""

import json
from typing import Any

import click

from silverlining import playbook
from silverlining.remote.diagnosis import NOTE, OK, WRONG, Finding, problems, unreachable

COLORS = {OK: "green", NOTE: "yellow", WRONG: "red"}
WIDTHS = {"state": 6, "check": 13}


@click.command()
@click.argument("node", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(node: str | None, as_json: bool) -> int:
    """Look for anything that is wrong with nodes.

    NODE is a node or a set; by default it is all of them. Looks at what runs, routes, the answer of
    each site, disk and memory, clock, updates, certificates, jobs, backups, the release, and
    whether the names of the sites lead there; changes nothing. What is wrong is shown with what to
    do.

    The exit status is 1 if anything is wrong.

    \b
    Example: silver doctor
             silver doctor web1 --json
    """
    answers = playbook.answers("doctor", {"node": node})
    found = {name: _findings(answer) for name, answer in sorted(answers.items())}
    if as_json:
        nodes = [
            {"name": name, "address": answers[name].get("address"), "findings": findings}
            for name, findings in found.items()
        ]
        click.echo(json.dumps({"nodes": nodes}, indent=2))
    else:
        for name, findings in found.items():
            click.echo("\n".join(_shown(name, answers[name].get("address", ""), findings)))
    return 1 if any(map(problems, found.values())) else 0


def _findings(answer: dict[str, Any]) -> list[Finding]:
    if "findings" in answer:
        return list(answer["findings"])
    reason = " ".join(str(answer.get("msg", "it did not answer")).split())
    return [unreachable(reason, "see the message")]


def _shown(name: str, address: str, findings: list[Finding]) -> list[str]:
    """Return the lines about a node: what is wrong with what to do, and last, how many are well."""
    lines = [click.style(f"{name}  {address}", bold=True)]
    for each in findings:
        columns = [f"{each[key]:{width}}" for key, width in WIDTHS.items()]
        lines.append(
            f"  {click.style(columns[0], fg=COLORS[each['state']])} {columns[1]} {each['text']}"
        )
        if each["fix"]:
            lines.append(f"{'':{sum(WIDTHS.values()) + 4}}→ {each['fix']}")
    wrong = len(problems(findings))
    lines.append(f"  {'nothing is wrong' if not wrong else f'{wrong} to be mended'}")
    return lines
