"""Archives in a container of an object store, through Libcloud's storage drivers."""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from silverbackup import store_options
from silverbackup.destinations import (
    Destination,
    DestinationError,
    Readable,
    Stored,
    chunks,
    is_archive,
)

TIMEOUT = 120
"""Seconds that a store may let one wait for the next bytes."""

PART_BYTES = 16 << 20
"""Of a part of an upload. S3 takes 10,000 parts at most: Libcloud's own 5 MiB end at 50 GB."""

SECRET = frozenset({"key", "secret", "token"})
LONGEST = 300
"""Characters of an error of a store that are shown."""


class ObjectStore(Destination):
    """A container of an object store, or what in it begins with a prefix."""

    def __init__(
        self, provider: str, where: str, options: Mapping[str, Any], named: str | None
    ) -> None:
        self.provider, self.named, self._options = provider, named, options
        self.container, _, self.prefix = where.partition("/")
        self._opened: Any = None

    @classmethod
    def of(
        cls, provider: str, where: str, options: Mapping[str, Any], environ: Mapping[str, str]
    ) -> "ObjectStore":
        """Return the place that `PROVIDER://WHERE` means; see `Destination.parse`."""
        store_options.check_known(provider)
        where = where.strip("/")
        before, _, last = where.rpartition("/")
        named = last if is_archive(last) else None
        where = before if named else where
        if not where:
            raise DestinationError(
                f"{provider}://: say which container, as in: {provider}://backups/polls"
            )
        return cls(provider, where, store_options.complete(provider, options, environ), named)

    def shown(self, name: str) -> str:
        """Return an archive's address."""
        return f"{self._place}{name}"

    def check(self, name: str) -> None:
        """Check that the container is there, and no archive of this name."""
        with self._told(self.shown(name)):
            if name in {each.name for each in self._list()}:
                raise DestinationError(
                    f"{self.shown(name)} is there already, and stays; choose another name"
                )

    def put(self, name: str, stream: Readable) -> int:
        """Upload an archive; what was uploaded of it is removed if that fails."""
        counted = _Counted(stream)
        with self._told(self.shown(name)):
            self.check(name)
            container = self._driver.get_container(self.container)
            try:
                self._driver.upload_object_via_stream(counted.parts(), container, self._key(name))
            except BaseException:
                self._remove(container, name)
                # What failed may be the reading: that is what the caller has to hear of.
                if counted.failure:
                    raise counted.failure from None
                raise
        return counted.bytes

    @contextmanager
    def open(self, name: str) -> Iterator[Readable]:
        """Download an archive."""
        shown = self.shown(name)
        with self._told(shown):
            found = self._driver.get_object(self.container, self._key(name))
            content = self._driver.download_object_as_stream(found)
        yield _Download(content, int(found.size), lambda: self._told(shown))

    def list(self) -> Sequence[Stored]:
        """Return the archives whose names follow the prefix."""
        with self._told(self._place):
            return self._list()

    def delete(self, name: str) -> None:
        """Remove an archive."""
        with self._told(self.shown(name)):
            found = self._driver.get_object(self.container, self._key(name))
            if not self._driver.delete_object(found):
                raise DestinationError(f"{self.shown(name)}: the store did not remove it")

    @property
    def _place(self) -> str:
        return f"{self.provider}://{self.container}/{self._key('')}"

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name

    def _list(self) -> Sequence[Stored]:
        container = self._driver.get_container(self.container)
        start = self._key("")
        objects = self._driver.iterate_container_objects(container, prefix=start or None)
        found = [(each.name.removeprefix(start), int(each.size)) for each in objects]
        return [Stored(*each) for each in sorted(found) if is_archive(each[0])]

    def _remove(self, container: Any, name: str) -> None:
        """Remove what there is of an archive, as well as it can be done after a failure."""
        with suppress(DestinationError), self._told(self.shown(name)):
            # Libcloud does this for failures, but not when it is interrupted.
            if getattr(self._driver, "supports_s3_multipart_upload", False):
                self._driver.ex_cleanup_all_multipart_uploads(container, prefix=self._key(name))
            self._driver.delete_object(self._driver.get_object(self.container, self._key(name)))

    @property
    def _driver(self) -> Any:
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> Any:
        from libcloud.storage.drivers import s3
        from libcloud.storage.providers import get_driver

        s3.CHUNK_SIZE = PART_BYTES
        try:
            return get_driver(self.provider)(**self._options, timeout=TIMEOUT)
        except (TypeError, ValueError, KeyError) as error:
            raise DestinationError(f"{self._place}: {self._redacted(str(error))}") from error

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Say in a line what is wrong, with nothing secret in it."""
        from libcloud.common.types import InvalidCredsError, LibcloudError
        from libcloud.storage.types import ContainerDoesNotExistError, ObjectDoesNotExistError
        from requests.exceptions import RequestException

        try:
            yield
        except ContainerDoesNotExistError as error:
            raise DestinationError(
                f"{what}: there is no container {self.container}; make it first"
            ) from error
        except ObjectDoesNotExistError as error:
            raise DestinationError(f"{what}: there is no such archive") from error
        except InvalidCredsError as error:
            code = re.search(r"<Code>(\w+)</Code>", str(error.value))
            more = f" ({code[1]})" if code else ""
            raise DestinationError(
                f"{what}: the store refuses these credentials{more};"
                f" see {store_options.credentials(self.provider)}"
            ) from error
        except (RequestException, OSError) as error:
            host = self._options.get("host") or self.provider
            raise DestinationError(
                f"{what}: {host} cannot be reached: {self._redacted(_cause(error))}"
            ) from error
        except LibcloudError as error:
            raise DestinationError(f"{what}: {self._redacted(str(error.value))}") from error

    def _redacted(self, text: str) -> str:
        for option in SECRET & set(self._options):
            text = text.replace(str(self._options[option]), "…")
        text = re.sub(r"(?i)(signature|credential|token)(=|>)[^\s&<]+", r"\1\2…", text)
        line = " ".join(text.split())
        return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


class _Counted:
    """A stream that is uploaded: counts its bytes, and remembers why it could not be read."""

    def __init__(self, stream: Readable) -> None:
        self._stream, self.bytes = stream, 0
        self.failure: BaseException | None = None

    def parts(self) -> Iterator[bytes]:
        try:
            for data in chunks(self._stream):
                self.bytes += len(data)
                yield data
        except GeneratorExit:
            raise
        except BaseException as error:
            self.failure = error
            raise


class _Download:
    """The content of an archive, as a stream that can be read bit by bit."""

    def __init__(self, content: Iterator[bytes], size: int, told: "Callable[[], Any]") -> None:
        self._content, self._left, self._told = content, size, told
        self._rest = memoryview(b"")

    def read(self, size: int = -1, /) -> bytes:
        """Return some bytes, at the end none."""
        with self._told():
            while not self._rest:
                data = next(self._content, b"")
                if not data:
                    break
                self._left -= len(data)
                self._rest = memoryview(data)
        if not self._rest and self._left > 0:
            raise DestinationError(f"the store sent {self._left} bytes less than the archive has")
        taken = self._rest[:size] if size >= 0 else self._rest
        self._rest = self._rest[len(taken) :]
        return bytes(taken)


def _cause(error: BaseException) -> str:
    """Return the innermost reason of a failed connection, as the system says it."""
    text = str(error)
    if found := re.search(r"\[Errno -?\d+\] ([^'\")]+)", text):
        return found[1].strip().lower()
    return os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else text
