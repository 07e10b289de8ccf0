"""The command that runs an application on the laptop."""

from pathlib import Path

import click


@click.command()
@click.argument(
    "directory", metavar="[DIR]", default=".", type=click.Path(resolve_path=True, path_type=Path)
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port to listen on; 0 takes any free one.",
)
@click.option(
    "--config",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="The deployment configuration: what SILVER_APP_CONFIG names.",
)
def serve(directory: Path, host: str, port: int, config: Path | None) -> int:
    """Serve an application on this machine, as a node would.

    DIR is the directory with its app.ini. It is started again when a file of it changes; an error
    is shown as a page, until it is mended. Ctrl-C ends it.

    \b
    Example: silver serve ~/polls --port 8081
    """
    from silverlining.develop.serve import console, listening
    from silverlining.develop.serve.process import Place
    from silverlining.develop.serve.server import Server
    from silverlining.develop.serve.subject import Subject

    listener = listening.listen(host, port)
    subject = Subject(directory, config, console.note)
    return Server(subject, Place(listener, listening.url(listener)), config).run()
