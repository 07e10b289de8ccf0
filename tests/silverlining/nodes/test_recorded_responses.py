"""The inventory on what real providers once answered.

After a change of Libcloud, or of what is kept of a node, bring docs/providers.md up to date:

    .venv/bin/python -m tests.support.provider_table
"""

import re
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, inventory_loader

from silverlining import playbook
from tests.support import provider_table, recordings
from tests.support.recordings import Answer

PLAIN = {str, int, float, bool, list, dict, type(None)}

ANSWERS = recordings.answers()
LISTED = [answer for answer in ANSWERS if answer.hosts]


def values(value: object) -> Iterator[object]:
    """Yield a value and all that is in it."""
    yield value
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        for each in value:
            yield from values(each)


def test_the_nodes_of_fifty_recorded_drivers_are_listed() -> None:
    assert len(LISTED) >= 50
    assert {answer.provider for answer in ANSWERS if answer.error} == set(provider_table.REASONS)


@pytest.mark.parametrize("answer", LISTED, ids=str)
def test_what_is_told_of_a_node_is_plain_data_under_a_name_and_in_groups(answer: Answer) -> None:
    for host in answer.hosts:
        assert {type(each) for each in values(host["vars"])} <= PLAIN
        assert isinstance(host["name"], str)
        assert host["name"]
        assert host["vars"]["libcloud_id"]
        assert host["vars"]["libcloud_state"]
        assert any(group.startswith("set_") for group in host["groups"])
        assert all(re.fullmatch(r"[A-Za-z_]\w*", group) for group in host["groups"])


@pytest.mark.parametrize("answer", LISTED, ids=str)
def test_addresses_are_addresses_and_a_node_without_one_has_no_ansible_host(answer: Answer) -> None:
    for variables in (host["vars"] for host in answer.hosts):
        addresses = variables["libcloud_public_ips"] + variables["libcloud_private_ips"]
        assert all(map(ip_address, addresses))
        assert variables.get("ansible_host") in (addresses or [None])


@pytest.mark.parametrize("answer", LISTED, ids=str)
def test_two_nodes_of_one_name_are_refused_by_name_and_all_others_are_taken(answer: Answer) -> None:
    once = {host["vars"]["libcloud_id"]: host for host in answer.hosts}.values()
    live = [host["name"] for host in once if host["vars"]["libcloud_state"] != "terminated"]
    twice = sorted(name for name, count in Counter(live).items() if count > 1)
    if twice:
        assert answer.names is None
        assert f"{answer.provider} has more than one node named {', '.join(twice)}. Rename" in (
            answer.refusal
        )
    else:
        assert (answer.names, answer.refusal) == (tuple(sorted(live)), "")


def test_the_recordings_have_the_odd_cases_that_are_handled() -> None:
    hosts = [host for answer in LISTED for host in answer.hosts]
    assert any(answer.refusal for answer in LISTED)
    assert any("ansible_host" not in host["vars"] for host in hosts)
    assert {"unknown", "delivered"} <= {host["vars"]["libcloud_state"] for host in hosts}


def test_ansible_takes_all_of_them_and_says_what_it_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a kept answer, so that it is Ansible's own program that reads it."""
    hosts = [
        {**host, "name": f"{answer}-{number}"}
        for answer in LISTED
        for number, host in enumerate(answer.hosts)
    ]
    source = tmp_path / "recorded.libcloud.yml"
    source.write_text(
        "plugin: libcloud\nprovider: ec2\n"
        f"cache: true\ncache_plugin: jsonfile\ncache_connection: {tmp_path / 'cache'}\n"
    )
    init_plugin_loader()
    inventory_loader.add_directory(str(playbook.ROOT / "plugins/inventory"))
    plugin: Any = inventory_loader.get("libcloud")
    monkeypatch.setattr(plugin, "_ask", lambda _: hosts)
    plugin.parse(InventoryData(), DataLoader(), str(source))
    plugin.update_cache_if_changed()
    told = playbook.inventory([source])
    assert sorted(told) == sorted(host["name"] for host in hosts)
    for host in hosts:
        expected = {**host["vars"], "libcloud_source": str(source)}
        assert {name: told[host["name"]].get(name) for name in expected} == expected


def test_the_page_for_readers_has_the_table_of_these_results() -> None:
    page = provider_table.PAGE.read_text()
    assert page == provider_table.updated(page, ANSWERS), provider_table.COMMAND
