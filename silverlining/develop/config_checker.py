"""An application's own check of its deployment configuration, run on this machine."""

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from silversupport.errors import SilverError

SCRIPT = "script:"


class ConfigError(SilverError):
    """An application does not have the deployment configuration that it needs."""


def run(directory: Path, checker: str, python: Path, environment: Mapping[str, str]) -> None:
    """Run `config.checker`, as a node does.

    Args:
        directory: the application's root.
        checker: `script:PATH ARGS`, or a path.
        python: the Python that runs the application.
        environment: the variables of its processes; SILVER_APP_CONFIG is what is checked.

    Raises:
        ConfigError: it refuses the configuration, or cannot be run.
    """
    script, *arguments = shlex.split(checker.removeprefix(SCRIPT))
    path = str(directory / script)
    program = [str(python), path] if path.endswith(".py") else [path]
    try:
        done = subprocess.run(
            [*program, *arguments],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except OSError as error:
        raise ConfigError(f"config.checker = {checker} cannot be run: {error.strerror}") from error
    if done.returncode:
        output = done.stdout.decode(errors="replace")
        raise ConfigError(
            f"config.checker = {checker} refuses {environment['SILVER_APP_CONFIG']} "
            f"(exit status {done.returncode})\n{output}".rstrip()
        )
