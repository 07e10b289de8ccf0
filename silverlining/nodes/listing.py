"""What providers offer and what runs, as rows for a table or for JSON."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from libcloud.compute.base import NodeDriver

from silverlining import playbook
from silverlining.nodes import providers, sources
from silverlining.nodes.node_facts import plain

Row = dict[str, Any]
Rows = Callable[[Sequence[Path]], list[Row]]
"""Asks these source files, or all those in ``inventory/`` if there are none."""


def nodes(paths: Sequence[Path]) -> list[Row]:
    """Return a row for each node, machines of one's own included.

    Raises:
        PlaybookError: A provider cannot be asked.
    """
    hosts, groups = playbook.inventory_and_groups(paths)
    return [
        {
            "name": name,
            "groups": [group for group in groups[name] if group != "ungrouped"],
            "state": host.get("libcloud_state"),
            "address": host.get("ansible_host"),
            "provider": host.get("libcloud_provider", "servers.yml"),
            "image": host.get("libcloud_image"),
            "size": host.get("libcloud_size"),
        }
        for name, host in hosts.items()
    ]


def images(paths: Sequence[Path]) -> list[Row]:
    """Return a row for each image that a node can be made of.

    Raises:
        SourceError: A provider cannot be asked.
        EngineError: No Docker engine answers.
    """
    return [
        {"id": image.id, "name": image.name, "provider": source.provider}
        for source, driver in _drivers(paths)
        for image in source.ask(providers.images, source.provider, driver)
    ]


def sizes(paths: Sequence[Path]) -> list[Row]:
    """Return a row for each size that a node can have; memory in MB, disk in GB.

    Raises:
        SourceError: A provider cannot be asked.
        EngineError: No Docker engine answers.
    """
    return [
        {
            "id": size.id,
            "name": size.name,
            "ram": plain(size.ram),
            "disk": plain(size.disk),
            "price": plain(size.price),
            "provider": source.provider,
        }
        for source, driver in _drivers(paths)
        for size in source.ask(driver.list_sizes)
    ]


def _drivers(paths: Sequence[Path]) -> Iterator[tuple[sources.Source, NodeDriver]]:
    for path in paths or _default_paths():
        source = sources.load(path)
        yield source, source.driver()


def _default_paths() -> list[Path]:
    files = (playbook.ROOT / "inventory").iterdir()
    return sorted(path for path in files if path.name.endswith(sources.SUFFIXES))
