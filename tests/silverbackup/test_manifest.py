import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from silverbackup import manifest as manifests
from silverbackup.errors import BackupError
from silverbackup.manifest import Manifest

MEMBER = {"bytes": 1, "sha256": "0" * 64}


def test_a_manifest_survives_its_way_into_an_archive(manifest: Manifest) -> None:
    assert manifests.parse(manifest.to_json()) == manifest


def test_it_tells_its_name_and_size(manifest: Manifest) -> None:
    assert manifest.name == "polls-20261123T031944Z.tar.age"
    assert manifest.unpacked_bytes == 70
    assert manifest.packed_bytes == 0


def test_a_name_is_in_utc_and_can_be_read() -> None:
    local = datetime(2026, 11, 23, 4, 19, 44, tzinfo=timezone(timedelta(hours=1)))
    name = manifests.archive_name("polls", local)
    assert manifests.parse_name(name) == ("polls", datetime(2026, 11, 23, 3, 19, 44, tzinfo=UTC))


@pytest.mark.parametrize(
    "name", ["polls.tar.age", "polls-20261323T031944Z.tar.age", "a/polls-20261123T031944Z.tar.age"]
)
def test_other_names_are_no_archives(name: str) -> None:
    assert manifests.parse_name(name) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"app": 1},
        {"app": "../polls"},
        {"services": {"../../tmp/x": {"facts": {}}}},
        {"created": "yesterday"},
        {"plan": []},
        {"services": {"files": {}}},
        {"services": {"files": {"facts": {}, "bytes": -1}}},
        {"members": {"secret": {"bytes": -1, "sha256": "0" * 64}}},
        {"members": {"secret": {"bytes": 1, "sha256": "short"}}},
        {"members": {"secret": MEMBER | {"bytes": "1"}}},
        {"unknown": 1},
    ],
    ids=str,
)
def test_a_damaged_manifest_is_refused(manifest: Manifest, changed: dict[str, Any]) -> None:
    data = json.loads(manifest.to_json()) | changed
    with pytest.raises(BackupError, match="manifest is damaged"):
        manifests.parse(json.dumps(data).encode())


def test_a_later_format_is_refused_with_what_to_do(manifest: Manifest) -> None:
    data = json.loads(manifest.to_json()) | {"format": 2}
    with pytest.raises(BackupError, match="use the Silver Lining that made it, or a newer one"):
        manifests.parse(json.dumps(data).encode())
