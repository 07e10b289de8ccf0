"""What the application is configured with."""

import sys
from collections.abc import Mapping
from typing import NamedTuple


class Settings(NamedTuple):
    """The facts of the application's environment that anybody may see."""

    app: str
    instance: str
    version: str
    host: str
    python: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Take the settings from environment variables.

        Args:
            environ: The variables; on a node, `os.environ`.

        Returns:
            The settings, with stand-ins for what is not set, as in a test or a bare shell.
        """
        return cls(
            app=environ.get("SILVER_APP_NAME", "hello"),
            instance=environ.get("SILVER_INSTANCE_NAME", "no instance"),
            version=environ.get("SILVER_VERSION", "unknown"),
            host=environ.get("SILVER_CANONICAL_HOSTNAME", "localhost"),
            python=".".join(map(str, sys.version_info[:3])),
        )
