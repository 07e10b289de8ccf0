"""Archives are encrypted by `age`, on the laptop and on nodes: https://age-encryption.org/v1.

An archive is encrypted to *recipients* (public keys, `age1…`). Whoever has one of their
*identities* (secret keys, in files that `age-keygen` makes) can read it.
"""

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import UnsupportedOperation
from pathlib import Path
from typing import IO, TypeGuard

from silverbackup.destinations import Readable, chunks
from silverbackup.errors import BackupError

RECIPIENT = re.compile(r"age1[02-9ac-hj-np-z]{58}|ssh-(ed25519|rsa) [A-Za-z0-9+/=]{60,}( [^\n]*)?")
MAGIC = b"age-encryption.org/v1\n"
"""How every encrypted archive begins."""

PATIENCE_SECONDS = 1
CHUNK_BYTES = 2**20

REASONS = {
    "no identity matched": "it is encrypted for other keys than this one",
    "payload chunk": "it is damaged, or cut off",
    "unexpected EOF": "it is damaged, or cut off",
    "failed to read header": "it is none, or its beginning is damaged",
}
"""What age says of an archive that it cannot decrypt, and what that means."""


def check_installed() -> None:
    """Check that `age` is there.

    Raises:
        BackupError: it is not; says how to install it.
    """
    if not (shutil.which("age") and shutil.which("age-keygen")):
        raise BackupError(
            "backups are encrypted by age, which is not installed here; type: sudo apt install age"
        )


def make_identity(path: Path) -> str:
    """Make a new key pair; the file is readable by its owner only.

    Args:
        path: the file, which must not be there yet.

    Returns:
        The recipient.

    Raises:
        BackupError: `age` is missing, or the file could not be written.
    """
    check_installed()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _keygen("-o", str(path))
    path.chmod(0o600)
    return recipient(path)


def recipient(identity: Path) -> str:
    """Return the recipient of the first identity in a file.

    Raises:
        BackupError: `age` is missing, or the file is none of identities.
    """
    check_installed()
    return _keygen("-y", str(identity)).split()[0]


def check_recipient(text: str) -> str:
    """Return a recipient without blanks around it.

    Raises:
        BackupError: it is none; a secret key does not appear in the message.
    """
    if not RECIPIENT.fullmatch(text.strip()):
        raise BackupError(
            "a recipient of backups is a public key of age, age1… (62 characters), or of ssh,"
            " ssh-ed25519 … or ssh-rsa …"
        )
    return text.strip()


@contextmanager
def encrypted(target: IO[bytes], recipients: Sequence[str]) -> Iterator[IO[bytes]]:
    """Give a stream whose contents arrive encrypted at another one.

    Args:
        target: where the result goes: a file, pipe or socket of the operating system's.
        recipients: who can read it.

    Raises:
        BackupError: `age` is missing or failed. What has arrived is worth nothing.
        OSError: the target could not be written.
    """
    check_installed()
    if not recipients:
        raise BackupError("a backup needs at least one recipient, a public key of age")
    options = [part for each in recipients for part in ("--recipient", check_recipient(each))]
    target.flush()
    command = ["age", "--encrypt", *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=target, stderr=subprocess.PIPE
    ) as age:
        stdin, stderr = _pipe(age.stdin), _pipe(age.stderr)
        try:
            yield stdin
            stdin.close()
        except BrokenPipeError as error:
            age.wait()
            raise _failed("encrypt", stderr) from error
        except BaseException:
            age.kill()  # What has arrived must not look whole.
            raise
        if age.wait():
            raise _failed("encrypt", stderr)


@contextmanager
def decrypted(source: Readable, identity: Path, *, whole: bool = True) -> Iterator[IO[bytes]]:
    """Give a stream with the contents of an encrypted one.

    Args:
        source: the encrypted one; an object with `read` at least.
        identity: the file of the identities to try.
        whole: whether it is read to its end, which is checked then; else only its beginning is.

    Raises:
        BackupError: `age` is missing, the key does not fit, or the archive was tampered with or is
            cut off. It may be raised when the block ends, so what was read counts only then.
    """
    check_installed()
    command = ["age", "--decrypt", "--identity", str(identity)]
    stdin = source if _has_descriptor(source) else subprocess.PIPE
    with subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as age:
        feeder = _Feeder(source, age.stdin) if age.stdin else None
        stdout, stderr = _pipe(age.stdout), _pipe(age.stderr)
        try:
            yield stdout
            if whole:
                _drain(stdout)
        except Exception:
            # Where age gave up first, or got nothing more, what went wrong here is only a
            # consequence of that.
            _check(_ended(age), feeder, stderr)
            raise
        except BaseException:
            age.kill()  # It may be waiting for what does not come any more.
            raise
        if whole:
            _check(age.wait(), feeder, stderr)
        else:
            age.kill()


class _Feeder(threading.Thread):
    """Copies a stream that the operating system does not know, such as an answer over HTTP."""

    def __init__(self, source: Readable, target: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._source, self._target = source, target
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        # Whoever reads knows by itself when age does not read any more.
        with suppress(BrokenPipeError, ValueError), self._target:
            try:
                for data in chunks(self._source):
                    self._target.write(data)
            except BrokenPipeError:
                raise
            except Exception as error:  # noqa: BLE001 (it is raised again in the other thread)
                self.error = error

    def check(self) -> None:
        """Check that the source could be read.

        Raises:
            BackupError: it could not, and why.
        """
        if isinstance(self.error, BackupError):
            raise self.error
        if self.error:
            raise BackupError(f"the archive did not arrive whole: {self.error}") from self.error


def _check(status: int, feeder: _Feeder | None, stderr: IO[bytes]) -> None:
    """Check that age has decrypted all there is, and that this was all."""
    if feeder:
        feeder.check()
    if status > 0:
        raise _failed("decrypt", stderr)


def _has_descriptor(stream: Readable) -> TypeGuard[IO[bytes]]:
    try:
        return bool(stream.fileno() >= 0)  # type: ignore[attr-defined]
    except (AttributeError, OSError, UnsupportedOperation):
        return False


def _ended(age: "subprocess.Popen[bytes]") -> int:
    """Return how age ended, after killing it if it has not by itself."""
    try:
        return age.wait(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        age.kill()
        return age.wait()


def _keygen(*arguments: str) -> str:
    done = subprocess.run(
        ["age-keygen", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise BackupError(f"age-keygen failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _failed(what: str, stderr: IO[bytes]) -> BackupError:
    """Return the error with age's reason, the first line that it printed."""
    lines = stderr.read().decode(errors="replace").strip().splitlines() or ["it does not say why"]
    reason = lines[0].removeprefix("age: ").removeprefix("error: ")
    for said, meant in REASONS.items():
        reason = meant if said in reason else reason
    return BackupError(f"age could not {what} the archive: {reason}")


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:  # it was asked for with PIPE
        raise AssertionError
    return stream


def _drain(stream: IO[bytes]) -> None:
    while stream.read(CHUNK_BYTES):
        pass
