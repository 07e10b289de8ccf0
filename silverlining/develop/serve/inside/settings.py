"""What the process of an application is told when it is started."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Settings:
    """How to serve an application, as the command's process says it, in JSON.

    Attributes:
        packages: directories in which the server's own packages are.
        listener: file descriptor of the listening socket.
        messages: file descriptor to which messages to the command's process are written.
        parent: file descriptor that is at its end when the command's process is gone.
        stderr: file descriptor of the terminal's standard error.
        url: where a visitor of this machine finds the application, without a slash at its end.
        app_dir: the application's root.
        runner: as in `app.ini`; empty for a static site.
        writable_roots: directories of files that go after `static/` and before the application.
        updates: the lines of `update_fetch` that are to be carried out.
        failure: why there is no application to be run; it is shown in its place.
    """

    packages: list[str]
    listener: int
    messages: int
    parent: int
    stderr: int
    url: str
    app_dir: str = ""
    runner: str = ""
    writable_roots: tuple[str, ...] = ()
    updates: tuple[str, ...] = ()
    failure: str = ""

    def to_json(self) -> str:
        """Return it as `from_json` reads it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Settings":
        """Return what `to_json` wrote."""
        return cls(**json.loads(text))
