"""An application's secret: a random text to sign cookies with, the same in all its versions."""

import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from silversupport.data import data_dir
from silversupport.environment import is_production, variable
from silversupport.errors import SilverError

NODE_SECRETS = Path("/var/lib/silverlining/secret")
SECRET_BYTES = 32


class SecretError(SilverError):
    """The secret of this application cannot be had."""


def get_secret() -> str:
    """Return this application's secret: at least 43 URL-safe characters.

    On a node it was made by the first deploy; on a laptop it is made when first asked for.

    Raises:
        MissingVariable: SILVER_APP_NAME is not in the environment.
        SecretError: the secret's file is missing (on a node), empty, or may not be read.
    """
    app_name = variable("SILVER_APP_NAME")
    if is_production():
        return _read(NODE_SECRETS / app_name)
    path = Path(data_dir(), "secret", app_name)
    if not path.exists():
        _create(path)
    return _read(path)


def _read(path: Path) -> str:
    try:
        secret = path.read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        raise SecretError(f"No secret in {path}: deploying the application makes it.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"The secret in {path} cannot be read: {error}.") from error
    if not secret:
        raise SecretError(f"The secret in {path} is empty: remove the file to get a new one.")
    return secret


def _create(path: Path) -> None:
    """Write a new secret to `path`, unless another process was faster.

    Linking a finished file is atomic and never overwrites, so nobody reads half a secret.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".") as draft:  # mode 0600
        draft.write(secrets.token_urlsafe(SECRET_BYTES))
        draft.flush()
        with suppress(FileExistsError):
            path.hardlink_to(draft.name)
