"""A backup's archive: a tar whose first member is the manifest, so that it can be listed at once.

Only regular files, with their checksums in the manifest. A service that has more to keep than names
and contents, such as modes and links, brings a tar of its own as one of these files.
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from silverbackup import manifest as manifests
from silverbackup.errors import BackupError
from silverbackup.manifest import Manifest

MANIFEST = "manifest.json"
TOPS = frozenset({"services", "config", "secret", "app.ini"})
"""What may be in an archive beside the manifest."""

MANIFEST_BYTES = 64 * 2**20
CHUNK_BYTES = 2**20


def measure(root: Path) -> dict[str, dict[str, Any]]:
    """Return the size and checksum of every file of a directory: a manifest's `members`.

    Links are left out, and so are empty directories.
    """
    return {
        path.relative_to(root).as_posix(): {"bytes": path.stat().st_size, "sha256": _sha256(path)}
        for path in _files(root)
    }


def write(stream: IO[bytes], manifest: Manifest, root: Path) -> None:
    """Write an archive.

    Args:
        stream: where it goes; need not be seekable.
        manifest: what is in it; its `members` are taken from `root`.
        root: the directory of the files.

    Raises:
        OSError: the stream, or a file, failed.
    """
    complete = replace(manifest, members=measure(root))
    text = complete.to_json()
    when = datetime.fromisoformat(manifest.created).timestamp()
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(_info(MANIFEST, len(text), when), io.BytesIO(text))
        for path, member in complete.members.items():
            with (root / path).open("rb") as file:
                tar.addfile(_info(path, member["bytes"], when), file)
    stream.flush()


def read_manifest(stream: IO[bytes]) -> Manifest:
    """Return an archive's manifest; reads no more of the stream than that.

    Raises:
        BackupError: it is no archive, or damaged.
    """
    try:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            return _first(tar)
    except (tarfile.TarError, EOFError) as error:
        raise _damaged(error) from error


def unpack(
    stream: IO[bytes], target: Path, check: Callable[[Manifest], None] = lambda manifest: None
) -> Manifest:
    """Put the files of an archive into a directory, and verify each of them.

    Args:
        stream: the archive, read to its end; need not be seekable.
        target: an empty directory. Whatever is in it after a failure is worth nothing.
        check: called with the manifest before anything is written; whether it is the right
            archive, and whether there is room.

    Returns:
        The manifest.

    Raises:
        BackupError: the archive is damaged, cut off, or has something that it must not have.
        OSError: the disk is full, for example.
    """
    return _read(stream, target, check)


def verify(stream: IO[bytes]) -> Manifest:
    """Read an archive to its end, and verify each of its files; nothing of it is kept.

    Raises:
        BackupError: as `unpack`.
    """
    return _read(stream, None, lambda manifest: None)


def _read(stream: IO[bytes], target: Path | None, check: Callable[[Manifest], None]) -> Manifest:
    counted = _Counted(stream)
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", counted), mode="r|") as tar:
            manifest = _first(tar)
            check(manifest)
            _unpack(tar, target, manifest)
    except (tarfile.TarError, EOFError) as error:
        raise _damaged(error) from error
    counted.drain()
    # What tarfile takes for the end may stand before the end of a cut off archive's last record.
    if counted.bytes % tarfile.RECORDSIZE:
        raise _damaged("it is cut off")
    return manifest


def _first(tar: tarfile.TarFile) -> Manifest:
    member = tar.next()
    if member is None or member.name != MANIFEST or not member.isreg():
        raise BackupError("this is no archive of Silver Lining: it does not begin with a manifest")
    if member.size > MANIFEST_BYTES:
        raise _damaged("its manifest is too long")
    file = tar.extractfile(member)
    data = file.read() if file else b""
    if len(data) != member.size:
        raise _damaged("it is cut off")
    return manifests.parse(data)


def _unpack(tar: tarfile.TarFile, target: Path | None, manifest: Manifest) -> None:
    missing = dict(manifest.members)
    for member in iter(tar.next, None):
        expected = missing.pop(member.name, None)
        source = tar.extractfile(member) if member.isreg() else None
        if expected is None or source is None or not _is_safe(member.name):
            raise _damaged(f"it has something that it must not have: {member.name!r}")
        path = _place(target, member.name)
        if member.size != expected["bytes"] or _copy(source, path) != expected["sha256"]:
            raise _damaged(f"{member.name} is not what the manifest says")
    if missing:
        raise _damaged(f"it lacks {', '.join(sorted(missing)[:3])}")


def _place(target: Path | None, name: str) -> Path:
    """Return where a file of an archive is written to; its directory is there."""
    if target is None:
        return Path(os.devnull)
    path = target / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _copy(source: IO[bytes], path: Path) -> str:
    """Write a new file that only its owner may read; its checksum."""
    digest = hashlib.sha256()
    new = 0 if path == Path(os.devnull) else os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(path, os.O_WRONLY | new, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _is_safe(name: str) -> bool:
    path = PurePosixPath(name)
    return (
        path.parts[0] in TOPS
        and str(path) == name
        and not {".", ".."} & set(path.parts)
        and "\0" not in name
    )


def _info(name: str, size: int, when: float) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, int(when), 0o600
    return info


def _files(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(why: object) -> BackupError:
    return BackupError(f"the archive is damaged: {why}")


class _Counted:
    """A stream whose bytes are counted while they are read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.bytes = 0

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self.bytes += len(data)
        return data

    def drain(self) -> None:
        while self.read(CHUNK_BYTES):
            pass
