"""The command that shows what an application writes."""

import json

import click

from silversupport import VERSION

BLOCKS = 50
BLOCKS_BEFORE_FOLLOWING = 10


@click.command()
@click.argument("location")
@click.option(
    "-n", "--blocks", type=click.IntRange(min=1), help="How many, at most.  [default: 50; -f: 10]"
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written from now on.")
@click.option("--errors", is_flag=True, help="Only requests that went wrong, and errors.")
@click.option("--since", metavar="TIME", help="None before 10m (ago), 2026-11-22 and the like.")
@click.option("--access", is_flag=True, help="Every request that reached Apache, one line each.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
@click.option("--node", metavar="NAME", help="A node or a set, where there are several.")
def logs(
    location: str,
    blocks: int | None,
    follow: bool,
    errors: bool,
    since: str | None,
    access: bool,
    as_json: bool,
    node: str | None,
) -> int:
    """Show what an application wrote.

    What went to standard output and error, wsgi.errors and logging is put together by request.
    Errors that the application let through are there with their traceback, and so are the messages
    of its Apache. LOCATION is HOST or HOST/PATH; prev.LOCATION is the version before.

    \b
    Example: silver logs polls.example.com -f
             silver logs polls.example.com --errors --since 2h
    """
    from silverlining.remote import connections, local_time, watching

    everything = 0 if since else BLOCKS_BEFORE_FOLLOWING if follow else BLOCKS
    wanted = {
        "version": VERSION,
        "location": location,
        "blocks": blocks or everything,
        "errors": errors,
        "access": access,
        "follow": follow,
        "as_json": as_json,
        "zone": local_time.zone(),
    }
    if since:
        wanted["since"] = local_time.moment(since)
    connection = connections.to_location(location.removeprefix("prev."), node)
    program = ["/usr/local/sbin/silver-node", "logs", json.dumps(wanted)]
    return watching.watch(connection.command(program))
