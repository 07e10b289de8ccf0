"""What a provider is told when it shall make a node: the arguments of ``create_node``."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from libcloud.compute.base import NodeDriver

from silverlining.nodes import cloud_init, key_pairs, patterns, providers
from silverlining.nodes.key_pairs import Keys
from silverlining.nodes.patterns import Pattern
from silverlining.nodes.providers import Arguments, Ways
from silverlining.nodes.sources import Source
from silverlining.packages import Report
from silversupport.errors import SilverError

OWN_KEYS = ("id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub")
"""Public keys in ``~/.ssh``, in the order in which they are taken."""


class OrderError(SilverError):
    """It is not clear what is wanted, or it cannot be told to the provider."""


@dataclass(frozen=True)
class Order:
    """What a provider is told.

    Attributes:
        name: The node's name.
        arguments: Those of the driver's ``create_node``.
        host_key: The key pair that is handed over, None if the driver takes none.
    """

    name: str
    arguments: Arguments = field(repr=False)
    host_key: Keys | None = field(default=None, repr=False)


def place(  # noqa: PLR0913, PLR0917 (what there is to say of a node)
    source: Source,
    driver: NodeDriver,
    name: str,
    image: str,
    size: str,
    groups: Sequence[str],
    report: Report,
) -> Order:
    """Return what the provider is to be told, images and sizes looked up by their PATTERN.

    Args:
        source: Where the node will be.
        driver: Of the source; asked for what it offers, and given our public key.
        name: The node's name.
        image: PATTERN, empty for the source's or the provider's default.
        size: PATTERN, likewise.
        groups: Inventory groups to be kept in the node's labels.
        report: Told what is going on.

    Raises:
        SilverError: Something is missing, or the provider has no such thing.
    """
    arguments: Arguments = {"name": name, **source.create_options}
    ways = providers.of(source.provider, driver)
    patterns_of = {"image": image or source.image, "size": size or source.size}
    offers: dict[str, Callable[[], list[Any]]] = {
        "image": lambda: providers.images(
            source.provider, driver, Pattern.parse(patterns_of["image"] or "")
        ),
        "size": driver.list_sizes,
    }
    for what, pattern in patterns_of.items():
        _choose(source, driver, ways, arguments, what, pattern, offers[what])
    if source.is_local:
        arguments["ex_report"] = report
    try:
        _put_place(source, driver, ways, arguments)
        if groups:
            _put_groups(source, ways, arguments, groups)
    except providers.ProviderError as error:
        raise OrderError(f"{source.origin}: provider {source.provider}: {error}") from error
    if source.is_local:
        return Order(name, arguments)
    source.ask(
        providers.put_key, ways, driver, arguments, lambda: public_key(source), _user(source)
    )
    if ways.password:
        arguments.setdefault(ways.password, secrets.token_urlsafe(32))
    return Order(name, arguments, _hand_over(source, ways, arguments, report))


def public_key(source: Source) -> str:
    """Return the public key of who makes the node.

    Raises:
        OrderError: There is none.
    """
    if source.private_key_file:
        candidates = [Path(f"{source.private_key_file}.pub").expanduser()]
    else:
        candidates = [Path.home() / ".ssh" / name for name in OWN_KEYS]
    for path in candidates:
        if path.exists():
            return key_pairs.check_public(path.read_text())
    raise OrderError(
        f"{source.origin}: no public key to let you in on the node: there is no "
        f"{' or '.join(map(str, candidates))}. Make one with ssh-keygen -t ed25519, or set "
        "private_key_file in that file."
    )


def _user(source: Source) -> str:
    return source.login_user or "root"


def _choose(  # noqa: PLR0913, PLR0917
    source: Source,
    driver: NodeDriver,
    ways: Ways,
    arguments: Arguments,
    what: str,
    pattern: str | None,
    offers: Callable[[], list[Any]],
) -> None:
    """Put the image or the size among the arguments, if the driver wants one."""
    others = ways.instead_of_image if what == "image" else ()
    if pattern:
        arguments[what] = patterns.select(source.ask(offers), pattern, what)
    elif any(name in arguments for name in others):
        arguments[what] = None
    elif not source.is_local and what not in arguments and _is_wanted(driver, ways, what):
        raise OrderError(
            f"{source.origin}: which {what}? Give a PATTERN, or set '{what}' in that file."
        )


def _is_wanted(driver: NodeDriver, ways: Ways, what: str) -> bool:
    """Return whether a node needs it: some drivers have no sizes, or images with a size in them."""
    is_optional = what in providers.parameters(driver) and not providers.is_required(driver, what)
    if what == "image" and ways.instead_of_image:
        return True
    return not is_optional and providers.is_required(driver, what)


def _put_place(source: Source, driver: NodeDriver, ways: Ways, arguments: Arguments) -> None:
    """Put Libcloud's objects for what stands as text, and the location if the driver wants one."""
    is_place = "location" in providers.parameters(driver) and providers.is_required(
        driver, "location"
    )
    if is_place and "location" not in arguments:
        if not source.region:
            raise OrderError(
                f"{source.origin}: which region? Set 'region' in that file; there are: "
                f"{', '.join(str(each.id) for each in source.ask(driver.list_locations))}."
            )
        arguments["location"] = source.region
    source.ask(providers.put_objects, ways, driver, arguments)


def _put_groups(source: Source, ways: Ways, arguments: Arguments, groups: Sequence[str]) -> None:
    if not ways.labels[0]:
        raise OrderError(
            f"{source.origin}: provider {source.provider} keeps no labels of a node, so its groups "
            "cannot be kept there. Create it without groups, and group it in a file of the "
            "inventory."
        )
    providers.put_groups(ways, arguments, groups)


def _hand_over(source: Source, ways: Ways, arguments: Arguments, report: Report) -> Keys | None:
    """Put a host key among the user data and return it, None if that is not possible."""
    if not ways.user_data or not source.cloud_init:
        return None
    keys = key_pairs.generate()
    try:
        text = cloud_init.with_host_key(providers.get(arguments, ways.user_data), keys)
    except cloud_init.UserDataError as error:
        report(f"{arguments['name']}: no host key is handed over: {error}")
        return None
    providers.put(arguments, ways.user_data, text)
    return keys
