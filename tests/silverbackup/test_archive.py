import hashlib
import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from silverbackup import archive
from silverbackup.errors import BackupError
from silverbackup.manifest import Manifest

Change = Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None]


@pytest.fixture
def packed(manifest: Manifest, tree: Path) -> bytes:
    stream = io.BytesIO()
    archive.write(stream, manifest, tree)
    return stream.getvalue()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def contents(root: Path) -> dict[str, str]:
    """The files of a directory, without links."""
    return {
        str(path.relative_to(root)): path.read_text()
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def changed(packed: bytes, change: Change, *further: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """An archive with some of its members changed, left out or added."""
    stream = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(packed)) as old,
        tarfile.open(fileobj=stream, mode="w") as new,
    ):
        members = [(each, (old.extractfile(each) or io.BytesIO()).read()) for each in old]
        for member, data in [*members, *further]:
            if kept := change(member, data):
                kept[0].size = len(kept[1])
                new.addfile(kept[0], io.BytesIO(kept[1]))
    return stream.getvalue()


def unpacked(data: bytes, target: Path) -> Manifest:
    return archive.unpack(io.BytesIO(data), target)


def test_what_was_packed_comes_back(packed: bytes, tree: Path, target: Path) -> None:
    found = unpacked(packed, target)
    assert contents(target) == contents(tree)
    assert set(found.members) == set(contents(tree))
    assert (target / "secret").stat().st_mode & 0o777 == 0o600


def test_the_manifest_is_read_without_the_rest(packed: bytes, manifest: Manifest) -> None:
    stream = io.BytesIO(packed)
    found = archive.read_manifest(stream)
    assert replace(found, members={}) == manifest
    assert stream.tell() < len(packed) / 2


def test_every_cut_is_noticed(packed: bytes, target: Path) -> None:
    """Also those behind the last file, where a tar is padded."""
    assert len(packed) % tarfile.RECORDSIZE == 0
    for size in [*range(0, len(packed), 5_003), *range(len(packed) - 11_000, len(packed), 512)]:
        directory = target / str(size)
        directory.mkdir()
        with pytest.raises(BackupError):
            unpacked(packed[:size], directory)


def test_every_changed_byte_of_a_file_is_noticed(packed: bytes, target: Path) -> None:
    for number, text in enumerate([b"open-sesame", b"a = 1", b"[production]", b"xxxxxxxx"]):
        at = packed.rindex(text)
        directory = target / str(number)
        directory.mkdir()
        with pytest.raises(BackupError, match="is not what the manifest says"):
            unpacked(packed[:at] + b"X" + packed[at + 1 :], directory)


def _keep(member: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
    return member, data


def _linked(member: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
    if member.name == "secret":
        member.type, member.linkname, data = tarfile.SYMTYPE, "/etc/passwd", b""
    return member, data


def _missing(member: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes] | None:
    return None if member.name == "secret" else (member, data)


def _last(member: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes] | None:
    return None if member.name == archive.MANIFEST else (member, data)


@pytest.mark.parametrize(
    ("change", "further", "said"),
    [
        (_keep, ["services/more"], "must not have: 'services/more'"),
        (_keep, ["secret"], "must not have: 'secret'"),
        (_keep, ["../outside"], "must not have: '../outside'"),
        (_linked, [], "must not have: 'secret'"),
        (_missing, [], "lacks secret"),
        (_last, [], "does not begin with a manifest"),
    ],
)
def test_what_does_not_belong_is_refused(
    packed: bytes, target: Path, change: Change, further: list[str], said: str
) -> None:
    more = [(tarfile.TarInfo(name), b"x") for name in further]
    with pytest.raises(BackupError, match=said):
        unpacked(changed(packed, change, *more), target)


@pytest.mark.parametrize(
    "name",
    ["../outside", "/etc/cron.d/x", "config/../../x", "config//x", "elsewhere", "config/./x"],
)
def test_a_path_that_leads_elsewhere_is_refused_also_if_the_manifest_has_it(
    manifest: Manifest, tree: Path, target: Path, name: str
) -> None:
    stream = io.BytesIO()
    member = {
        "bytes": 1,
        "sha256": hashlib.sha256(b"x").hexdigest(),
    }
    with tarfile.open(fileobj=stream, mode="w") as tar:
        text = replace(manifest, members={name: member}).to_json()
        for path, data in ((archive.MANIFEST, text), (name, b"x")):
            info = tarfile.TarInfo(path)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    with pytest.raises(BackupError, match="must not have"):
        unpacked(stream.getvalue(), target)
    assert not list(target.rglob("*"))


def test_nothing_is_written_for_somebody_who_says_no(packed: bytes, target: Path) -> None:
    def check(manifest: Manifest) -> None:
        raise BackupError("another app's")

    with pytest.raises(BackupError, match="another app's"):
        archive.unpack(io.BytesIO(packed), target, check)
    assert not list(target.iterdir())


@pytest.mark.parametrize("data", [b"", b"rubbish", b"\0" * 20_480, b"age-encryption.org/v1\n" * 99])
def test_rubbish_is_refused(data: bytes, target: Path) -> None:
    with pytest.raises(BackupError):
        unpacked(data, target)
    with pytest.raises(BackupError):
        archive.read_manifest(io.BytesIO(data))
