"""Where archives are kept: what is stored comes back, and of what is cut off nothing is left."""

import errno
import fcntl
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from silverbackup.destinations import Destination, DestinationError, Stored, chunks
from silverbackup.local_files import LocalFiles
from silverbackup.store_options import complete
from tests.support import object_store
from tests.support.object_store import KEY, SECRET, Store

NAME = "polls-20261123T031944Z.tar.age"
OTHER = "polls-20261124T031944Z.tar.age"
NOTHING: Mapping[str, str] = {}
BYTES = 20_000_000
"""More than one part of an upload has."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with object_store.running(tmp_path_factory.mktemp("store") / "log") as store:
        yield store


@pytest.fixture(params=["directory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Destination:
    """A place for archives of each kind, empty."""
    if request.param == "directory":
        return Destination.parse(f"{tmp_path}/", environ=NOTHING)
    store: Store = request.getfixturevalue("store")
    container = f"c{os.urandom(8).hex()}"
    store.make(container)
    return Destination.parse(f"s3://{container}/some/where", environ=store.environ)


class Failing:
    """A stream that fails when some of it was read."""

    def __init__(self, error: BaseException, size: int = BYTES) -> None:
        self.error, self.left = error, size

    def read(self, size: int = -1, /) -> bytes:
        if self.left <= 0:
            raise self.error
        self.left -= size
        return b"x" * size


def content(place: Destination, name: str) -> bytes:
    with place.open(name) as stream:
        return b"".join(chunks(stream))


def test_what_was_put_there_comes_back(place: Destination) -> None:
    data = os.urandom(BYTES)
    assert place.put(NAME, io.BytesIO(data)) == BYTES
    place.put(OTHER, io.BytesIO(b"other"))
    assert content(place, NAME) == data
    assert list(place.list()) == [Stored(NAME, BYTES), Stored(OTHER, 5)]
    place.delete(NAME)
    assert list(place.list()) == [Stored(OTHER, 5)]


def test_an_archive_is_not_replaced(place: Destination) -> None:
    place.put(NAME, io.BytesIO(b"first"))
    with pytest.raises(DestinationError, match="is there already, and stays"):
        place.put(NAME, io.BytesIO(b"second"))
    with pytest.raises(DestinationError, match="is there already, and stays"):
        place.check(NAME)
    place.check(OTHER)
    assert content(place, NAME) == b"first"


@pytest.mark.parametrize("error", [RuntimeError("cut off"), KeyboardInterrupt()])
def test_of_what_is_cut_off_nothing_is_left(
    place: Destination, error: BaseException, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(type(error)):
        place.put(NAME, Failing(error))
    assert list(place.list()) == []
    if place.is_near:
        assert list(request.getfixturevalue("tmp_path").iterdir()) == []
    else:
        assert request.getfixturevalue("store").unfinished(place.shown("").split("/")[2]) == []


@pytest.mark.parametrize("name", [NAME, "gone.tar.age"])
def test_what_is_not_there(place: Destination, name: str) -> None:
    for use in (lambda: content(place, name), lambda: place.delete(name)):
        with pytest.raises(DestinationError, match=rf"{name}: (there is )?no such (archive|file)"):
            use()


def test_only_archives_are_listed(place: Destination, tmp_path: Path) -> None:
    place.put("notes.txt", io.BytesIO(b"notes"))
    place.put(NAME, io.BytesIO(b"archive"))
    assert list(place.list()) == [Stored(NAME, 7)]


def test_a_path_is_a_directory_or_an_archive(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    cases = {
        f"{tmp_path}/backups": None,
        f"{tmp_path}/backups/": None,
        f"{tmp_path}/new/": None,
        f"{tmp_path}/backups/{NAME}": NAME,
        f"{tmp_path}/mine": "mine",
    }
    assert {text: Destination.parse(text).named for text in cases} == cases
    assert Destination.parse(f"{tmp_path}/mine").shown("mine") == f"{tmp_path}/mine"


def test_an_address_is_a_prefix_or_an_archive(store: Store) -> None:
    for text, named, shown in (
        ("s3://box", None, f"s3://box/{NAME}"),
        ("s3://box/", None, f"s3://box/{NAME}"),
        ("s3://box/a/b/", None, f"s3://box/a/b/{NAME}"),
        (f"s3://box/a/{OTHER}", OTHER, f"s3://box/a/{NAME}"),
    ):
        place = Destination.parse(text, environ=store.environ)
        assert (place.named, place.shown(NAME)) == (named, shown)


def test_a_directory_that_is_missing_or_closed(tmp_path: Path) -> None:
    place = Destination.parse(f"{tmp_path}/gone/")
    for use in (place.list, lambda: place.check(NAME), lambda: place.put(NAME, io.BytesIO())):
        with pytest.raises(DestinationError, match="no such"):
            use()


def test_an_archive_is_for_its_owner_only(tmp_path: Path) -> None:
    Destination.parse(f"{tmp_path}/").put(NAME, io.BytesIO(b"x"))
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_what_a_killed_backup_left_is_removed_but_not_what_is_written_now(tmp_path: Path) -> None:
    left, growing = tmp_path / f".{OTHER}.part", tmp_path / ".shop-1.tar.age.part"
    left.write_bytes(b"left")
    with growing.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        Destination.parse(f"{tmp_path}/").put(NAME, io.BytesIO(b"x"))
    assert {path.name for path in tmp_path.iterdir()} == {NAME, growing.name}


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: LocalFiles, part: Path, _stream: object) -> int:
        part.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(LocalFiles, "_write", full)
    with pytest.raises(DestinationError, match="the disk is full; make room"):
        Destination.parse(f"{tmp_path}/").put(NAME, io.BytesIO(b"x"))
    assert list(tmp_path.iterdir()) == []


def said(text: str, environ: Mapping[str, str], **options: str) -> str:
    with pytest.raises(DestinationError) as caught:
        Destination.parse(text, options, environ).list()
    message = str(caught.value)
    assert "\n" not in message
    assert SECRET not in message
    assert KEY not in message
    return message


def test_errors_of_a_store_are_one_line_each(store: Store) -> None:
    environ = store.environ
    closed = environ | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    assert "there is no container missing; make it first" in said("s3://missing/a", environ)
    assert "127.0.0.1 cannot be reached: connection refused" in said("s3://box", closed)
    assert "set AWS_ACCESS_KEY_ID in the environment" in said("s3://box", {})
    assert "Invalid or unsupported region: mars" in said("s3://box", environ, region="mars")
    assert "say which container, as in: s3://" in said("s3://", environ)
    assert "there is no such provider; there are: " in said("s4://box", environ, key="k")
    assert "there is no such provider" in said("local://box", environ, key="/tmp")
    nowhere = {"AWS_ENDPOINT_URL": "http://nowhere.invalid"}
    assert "nowhere.invalid cannot be reached: " in said("s3://box", environ | nowhere)


def test_credentials_that_are_refused(tmp_path: Path) -> None:
    with object_store.running(tmp_path / "log", INITIAL_NO_AUTH_ACTION_COUNT="0") as strict:
        message = said("s3://box", strict.environ)
    assert "refuses these credentials" in message
    assert "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in message


def test_a_store_that_is_gone_in_the_middle_of_an_upload(tmp_path: Path) -> None:
    class Ending(Failing):
        def read(self, size: int = -1, /) -> bytes:
            if self.left <= 0:
                ended.close()
                self.left = BYTES
            return super().read(size)

    with ExitStack() as ended:
        short = ended.enter_context(object_store.running(tmp_path / "log"))
        short.make("box-a")
        place = Destination.parse("s3://box-a", environ=short.environ)
        with pytest.raises(DestinationError, match="cannot be reached: connection") as caught:
            place.put(NAME, Ending(AssertionError(), BYTES))
    assert SECRET not in str(caught.value)


def test_an_object_that_goes_away_between_listing_and_reading(store: Store) -> None:
    store.make("emptied")
    place = Destination.parse("s3://emptied", environ=store.environ)
    place.put(NAME, io.BytesIO(b"x"))
    assert [each.name for each in place.list()] == [NAME]
    Destination.parse("s3://emptied", environ=store.environ).delete(NAME)
    with pytest.raises(DestinationError, match=f"s3://emptied/{NAME}: there is no such archive"):
        content(place, NAME)


def test_options_win_over_the_environment_and_that_of_the_provider_over_the_general_one() -> None:
    environ = {
        "AWS_ACCESS_KEY_ID": "aws",
        "SILVER_STORAGE_KEY": "general",
        "SILVER_STORAGE_SECRET": "general",
        "SILVER_STORAGE_EX_OPTION": "x",
        "AWS_ENDPOINT_URL": "http://one:81",
        "AWS_ENDPOINT_URL_S3": "https://two:82",
    }
    assert complete("s3", {"secret": "given", "port": "83"}, environ) == {
        "key": "aws",
        "secret": "given",
        "ex_option": "x",
        "host": "two",
        "port": 83,
        "secure": True,
    }
    assert complete("scaleway", {"secure": "no"}, environ)["key"] == "general"
    assert complete("scaleway", {"secure": "no"}, environ)["secure"] is False
