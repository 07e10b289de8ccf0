"""What counts as work of an app since a moment."""

import pytest

from silvernode.data.evidence import Evidence

BEFORE = Evidence(scripts=1, boot="a")


@pytest.mark.parametrize(
    "now, why",
    [
        (Evidence(scripts=1, boot="b"), ""),
        (Evidence(scripts=2, boot="b"), "a script of silver run has run"),
        (
            Evidence(scripts=1, boot="b", starts={"silver-cron-a-tidy.service": "1"}),
            "silver-cron-a-tidy.service has run",
        ),
        (Evidence(scripts=1, boot="b", starts={"silver-a@20261122_001.service": "1"}), ""),
        (Evidence(scripts=1, boot="b", requests={"a.1/7": [1, 1, 1]}), "it was asked by visitors"),
    ],
)
def test_what_has_run_since_the_boot(now: Evidence, why: str) -> None:
    assert now.since_boot(BEFORE) == why


def test_what_was_busy_before_the_boot_counts() -> None:
    busy = Evidence(busy=["silver-cron-a-tidy.service was running"], boot="a")
    assert Evidence(boot="b").since_boot(busy) == busy.busy[0]
