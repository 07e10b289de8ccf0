"""What one part of the program writes and another one reads."""

import hashlib
import threading
from typing import IO

import pytest

from silvernode.data.produced import produced
from silvernode.errors import NodeError

DATA = bytes(range(256)) * 4096
"""More than a pipe holds."""


def test_what_is_written_is_read_with_its_size_and_checksum() -> None:
    with produced(lambda stream: stream.write(DATA)) as stream:
        found = b"".join(iter(lambda: stream.read(70_000), b""))
    assert found == DATA
    assert (stream.bytes, stream.sha256) == (len(DATA), hashlib.sha256(DATA).hexdigest())


def test_reading_fails_where_writing_did() -> None:
    def write(stream: IO[bytes]) -> None:
        stream.write(DATA[:1000])
        raise NodeError("pg_dump failed")

    with produced(write) as stream, pytest.raises(NodeError, match="pg_dump failed"):
        while stream.read(100):
            pass
    assert stream.bytes == 1000


def test_writing_ends_when_nobody_reads_on() -> None:
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), produced(lambda stream: stream.write(DATA)) as stream:
        assert stream.read(10) == DATA[:10]
        raise ZeroDivisionError
    assert threading.active_count() == before
