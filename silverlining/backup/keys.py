"""The keys of backups on the laptop: identities of age, which read archives."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from silverbackup import encryption
from silverbackup.errors import BackupError
from silverlining import files, paths


@dataclass(frozen=True)
class Keys:
    """What an archive is written with.

    Attributes:
        recipients: public keys; each of their identities can read it.
        identity: the file of an identity that is here; None if it is not known to fit.
        is_new: whether the identity was made just now.
    """

    recipients: Sequence[str]
    identity: Path | None
    is_new: bool = False


def own() -> Path:
    """Return the file of this user's identity; it need not exist."""
    return paths.state_dir() / "backup-identity"


def for_writing(recipients: Sequence[str], identity: Path | None) -> Keys:
    """Return the keys for a new archive, after making this user's if none are named.

    Args:
        recipients: public keys, or files of some; none for that of the identity.
        identity: a file of another identity than this user's own.

    Raises:
        BackupError: age is missing, or a key is none.
    """
    encryption.check_installed()
    if recipients:
        wanted = [key for each in recipients for key in _public(each)]
        return Keys(wanted, identity or _fitting(wanted))
    if identity:
        return Keys([_recipient(for_reading(identity))], identity)
    with files.locked(own().with_suffix(".lock")):
        is_new = not own().exists()
        if is_new:
            encryption.make_identity(own())
    return Keys([encryption.recipient(own())], own(), is_new)


def for_reading(identity: Path | None) -> Path:
    """Return the file of the identity that archives are read with.

    Raises:
        BackupError: age is missing, or the file is.
    """
    encryption.check_installed()
    if identity:
        if not identity.is_file():
            raise BackupError(f"{identity}: there is no such file of a key")
        return identity
    if not own().exists():
        raise BackupError(
            f"there is no key for backups here ({own()}); name the one that can read the archive"
            " with --identity FILE"
        )
    return own()


def notice(keys: Keys) -> str:
    """Return what the user has to be told of a key that was made just now."""
    return (
        f"Made a key for backups: {keys.identity}\n"
        "Keep a copy of it elsewhere, such as in your password manager: without it nobody can read"
        " the backups."
    )


def _fitting(recipients: Sequence[str]) -> Path | None:
    """Return this user's identity if it is one of those."""
    there = own().exists() and encryption.recipient(own()) in recipients
    return own() if there else None


def _public(text: str) -> list[str]:
    """Return a public key, or those in the file of that name."""
    path = Path(text).expanduser()
    if text.startswith(("age1", "ssh-")) or not path.is_file():
        return [encryption.check_recipient(text)]
    lines = [line.strip() for line in path.read_text(errors="replace").splitlines()]
    return [encryption.check_recipient(each) for each in lines if each and each[0] != "#"]


def _recipient(identity: Path) -> str:
    if "PRIVATE KEY" not in identity.read_text(errors="replace").partition("\n")[0]:
        return encryption.recipient(identity)
    public = identity.with_name(f"{identity.name}.pub")
    if not public.is_file():
        raise BackupError(f"{public} is missing; say who can read the archive with --recipient")
    return encryption.check_recipient(public.read_text())
