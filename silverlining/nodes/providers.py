"""Where Libcloud's drivers differ: one table, each entry with the place that says why.

What the table does not say of a driver is read from the signature of its ``create_node`` and from
the methods that it has. Libcloud's ``deploy_node``, which many drivers lack, is not used at all.
"""

import hashlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from libcloud.compute.base import NodeAuthSSHKey, NodeDriver

from silverlining.nodes.patterns import Pattern
from silversupport.errors import SilverError

GROUPS_LABEL = "silverlining-groups"
"""Label (tag, metadata) of a node that holds its groups, joined by ``-``: no cloud refuses that."""

TAG_PREFIX = "silverlining:"
"""What stands before a group where tags are words without a value. Linode's have 50 characters."""

Arguments = dict[str, Any]
"""Arguments of ``create_node``, by name."""

_DRIVERS = "https://github.com/apache/libcloud/blob/v3.9.1/libcloud/compute/drivers/"


class ProviderError(SilverError):
    """What is wanted of a node cannot be said to its driver."""


@dataclass(frozen=True, kw_only=True)
class Ways:
    """How one driver is told what holds for every node. Empty: it cannot be told.

    Attributes:
        why: Where it is documented that the driver is so.
        credentials: What the driver itself calls key and secret.
        region: What it calls its region, empty if a region is only a location of ``create_node``.
        labels: The argument for labels, and ``mapping``, ``list`` or ``text``.
        key: The argument for who may log in, and what it takes: ``auth``, the ``name`` or the
            ``ids`` of keys that the provider was given, ``keys`` themselves, or ``metadata``.
        user_data: The argument for cloud-init's user data; ``a.b`` is the item b of the mapping a.
        console: The method that returns what the node printed on its console.
        password: An argument that has to be a password, though nobody needs one.
        objects: Arguments that are Libcloud's objects, and the method that lists them: a source
            file gives their id or their name.
        instead_of_image: Arguments any of which makes an image superfluous.
        images: Lists images in the place of ``list_images``, given the PATTERN of one or None.
    """

    why: Sequence[str] = ()
    credentials: tuple[str, str] = ("key", "secret")
    region: str = "region"
    labels: tuple[str, str] = ("", "")
    key: tuple[str, str] = ("", "")
    user_data: str = ""
    console: str = ""
    password: str = ""
    objects: Mapping[str, str] = field(default_factory=dict)
    instead_of_image: Sequence[str] = ()
    images: Callable[[Any, Pattern | None], list[Any]] | None = None


_AMAZON_OWNERS = ("099720109477", "136693071363")
"""Who publishes Ubuntu and Debian on EC2: Canonical, and Debian.

https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/
https://wiki.debian.org/Cloud/AmazonEC2Image
"""


def _amazon_images(driver: Any, pattern: Pattern | None) -> list[Any]:
    """Return images of Ubuntu and Debian, the newest first; one that is named by id is anybody's.

    EC2 has some 100,000 public images, and everybody can give theirs any name.
    """
    if pattern and pattern.field == "id":
        return list(driver.list_images(ex_image_ids=[pattern.value]))
    filters: dict[str, Any] = {"owner-id": list(_AMAZON_OWNERS)}
    if pattern and pattern.field == "name" and "[" not in pattern.value:
        filters["name"] = pattern.value
    found = driver.list_images(ex_filters=filters)
    return sorted(found, key=lambda each: str(each.extra.get("creation_date")), reverse=True)


TABLE: Mapping[str, Mapping[str, Any]] = {
    "azure_arm": {
        "why": (
            # ex_tags is a mapping; ex_customdata is encoded as bytes, so text fails
            f"{_DRIVERS}azure_arm.py#L743",
        ),
        "labels": ("ex_tags", "mapping"),
    },
    "cloudscale": {
        "why": ("https://www.cloudscale.ch/en/api/v1#servers-create",),
        "region": "",
        "key": ("ex_create_attr.ssh_keys", "keys"),
        "user_data": "ex_create_attr.user_data",
    },
    "digitalocean": {
        "why": (
            f"{_DRIVERS}digitalocean.py#L101",
            "https://docs.digitalocean.com/reference/api/digitalocean/#operation/droplets_create",
        ),
        "region": "",  # __new__ hands unknown arguments to object, which refuses them
        "labels": ("ex_create_attr.tags", "list"),
        "key": ("ex_create_attr.ssh_keys", "ids"),
        "user_data": "ex_user_data",
    },
    "ec2": {
        "why": (
            f"{_DRIVERS}ec2.py#L1621",
            "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html",
            # auth finds a key by a fingerprint that EC2 has for RSA only, and imports others twice
            "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-keys.html",
        ),
        "key": ("ex_keyname", "name"),
        "objects": {"ex_subnet": "ex_list_subnets"},
        "images": _amazon_images,
    },
    "gce": {
        "why": (
            f"{_DRIVERS}gce.py#L4437",
            # ex_tags are for firewalls; keys and user data are items of the metadata
            "https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys",
            "https://docs.cloud-init.io/en/latest/reference/datasources/gce.html",
        ),
        "credentials": ("user_id", "key"),
        "region": "datacenter",
        "key": ("ex_metadata.ssh-keys", "metadata"),
        "user_data": "ex_metadata.user-data",
        "instead_of_image": ("ex_image_family", "ex_boot_disk", "ex_disks_gce_struct"),
    },
    "linode": {
        "why": (
            f"{_DRIVERS}linode.py#L1004",
            "https://techdocs.akamai.com/linode-api/reference/post-linode-instance",
        ),
        "key": ("ex_authorized_keys", "keys"),
        "password": "root_pass",
    },
    "nimbus": {
        "why": (f"{_DRIVERS}ec2.py#L5573",),  # takes labels as EC2 does, and forgets them
        "labels": ("", ""),
    },
    "openstack": {
        "why": (
            f"{_DRIVERS}openstack.py#L1580",
            "https://docs.openstack.org/api-ref/compute/#create-server",
        ),
        "region": "ex_force_service_region",
        "objects": {
            "networks": "ex_list_networks",
            "ex_security_groups": "ex_list_security_groups",
        },
        "instead_of_image": ("ex_blockdevicemappings",),
    },
    "outscale": {
        "why": (f"{_DRIVERS}outscale.py#L460",),  # its user data would have to be encoded
        "user_data": "",
    },
    "upcloud": {
        "why": (f"{_DRIVERS}upcloud.py#L133",),
        "credentials": ("username", "password"),
    },
    "vultr": {
        "why": (
            f"{_DRIVERS}vultr.py#L1131",
            "https://www.vultr.com/api/#tag/instances/operation/create-instance",
        ),
        "labels": ("ex_tag", "text"),
        "key": ("ex_ssh_key_ids", "ids"),
        "instead_of_image": ("ex_snapshot", "ex_iso_id", "ex_image_id"),
    },
}

_LABELS = (("ex_labels", "mapping"), ("ex_metadata", "mapping"), ("ex_tags", "list"))
_USER_DATA = ("ex_userdata", "ex_user_data", "userdata", "cloud_init")
_CONSOLE = ("ex_get_console_output", "ex_get_serial_output")


def of(provider: str, driver: NodeDriver) -> Ways:
    """Return how a driver wants things: as the table says, else as its signature shows."""
    taken = parameters(driver)
    labels = next((each for each in _LABELS if each[0] in taken), ("", ""))
    user_data = next((name for name in _USER_DATA if name in taken), "")
    console = next((name for name in _CONSOLE if hasattr(driver, name)), "")
    found = Ways(labels=labels, key=_key_way(driver), user_data=user_data, console=console)
    return replace(found, **TABLE.get(provider, {}))


def images(provider: str, driver: NodeDriver, pattern: Pattern | None = None) -> list[Any]:
    """Return the images that a provider offers, or at least those that a PATTERN can mean."""
    listed = of(provider, driver).images
    return listed(driver, pattern) if listed else driver.list_images()


def parameters(driver: NodeDriver) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a driver's ``create_node``."""
    return inspect.signature(driver.create_node).parameters


def is_required(driver: NodeDriver, argument: str) -> bool:
    """Return whether ``create_node`` has a parameter without a default, or does not tell."""
    taken = parameters(driver)
    if argument in taken:
        return taken[argument].default is inspect.Parameter.empty
    return any(each.kind is inspect.Parameter.VAR_KEYWORD for each in taken.values())


def put_groups(ways: Ways, arguments: Arguments, groups: Sequence[str]) -> None:
    """Put a node's groups among its labels, beside those that the operator gives."""
    path, form = ways.labels
    given, text = get(arguments, path), "-".join(groups)
    if form == "mapping":
        put(arguments, path, {**(given or {}), GROUPS_LABEL: text})
    elif form == "list":
        put(arguments, path, [*(given or []), *(TAG_PREFIX + group for group in groups)])
    elif given:
        raise ProviderError(f"its only label, {path}, is taken by create_options; leave that out.")
    else:
        put(arguments, path, TAG_PREFIX + text)


def kept_groups(extra: Mapping[str, Any]) -> list[str]:
    """Return the groups that a listed node was made for, whatever the provider calls labels.

    Args:
        extra: As in Libcloud's ``Node.extra``.
    """
    texts = [*_from_mappings(extra), *_from_words(extra)]
    return [group for text in texts[:1] for group in text.split("-") if group]


def put_key(
    ways: Ways, driver: NodeDriver, arguments: Arguments, public: Callable[[], str], user: str
) -> None:
    """Have the operator's public key let in on the node, unless the source file cares for that.

    Args:
        ways: Of the driver.
        driver: Is asked for the keys that the provider has, and given ours if it has to know it.
        arguments: Of ``create_node``; changed.
        public: Returns the key; called only if it is needed.
        user: Who shall log in.
    """
    path, form = ways.key
    if not path or get(arguments, path) or "auth" in arguments or "ex_keyname" in arguments:
        return
    values: Mapping[str, Callable[[str], Any]] = {
        "auth": NodeAuthSSHKey,
        "name": lambda key: _imported(driver, key).name,
        "ids": lambda key: [_imported(driver, key).extra["id"]],
        "keys": lambda key: [key],
        "metadata": lambda key: f"{user}:{key}",
    }
    put(arguments, path, values[form](public()))


def console_text(ways: Ways, driver: NodeDriver, node: Any) -> str:
    """Return what a node has printed on its console so far."""
    answer = getattr(driver, ways.console)(node)
    return str((answer.get("output") if isinstance(answer, Mapping) else answer) or "")


def put_objects(ways: Ways, driver: NodeDriver, arguments: Arguments) -> None:
    """Put Libcloud's objects in the place of the ids or names that a source file can give."""
    listers = {"location": "list_locations", **ways.objects}
    for name in listers.keys() & arguments.keys():
        given = arguments[name]
        many = isinstance(given, list)
        found = [_found(driver, listers[name], name, each) for each in (given if many else [given])]
        arguments[name] = found if many else found[0]


def get(arguments: Mapping[str, Any], path: str) -> Any:
    """Return the argument at a path, None if it is not given."""
    outer, _, inner = path.partition(".")
    value = arguments.get(outer)
    return (value or {}).get(inner) if inner else value


def put(arguments: Arguments, path: str, value: Any) -> None:
    """Set the argument at a path; what is in the mapping around it stays."""
    outer, _, inner = path.partition(".")
    arguments[outer] = {**(arguments.get(outer) or {}), inner: value} if inner else value


def _key_way(driver: NodeDriver) -> tuple[str, str]:
    taken = parameters(driver)
    if "auth" in taken and "ssh_key" in ((driver.features or {}).get("create_node") or ()):
        return "auth", "auth"
    if "ex_keyname" in taken:
        return "ex_keyname", "name"
    return ("ex_ssh_key_ids", "ids") if "ex_ssh_key_ids" in taken else ("", "")


def _imported(driver: NodeDriver, public: str) -> Any:
    """Return the provider's copy of a public key, made if there is none, under a name of its own.

    The name is made from the key, so that it is found again where keys are listed without their
    text, and a key of another name is taken where their text is told.
    """
    body = " ".join(public.split()[:2])
    name = f"silverlining-{hashlib.sha256(body.encode()).hexdigest()[:12]}"
    if found := _key_pair(driver, name, body):
        return found
    try:
        return _import(driver, name, public)
    except Exception:
        # Nodes are made at once: another one's import may have come first.
        if found := _key_pair(driver, name, body):
            return found
        raise


def _key_pair(driver: NodeDriver, name: str, body: str) -> Any:
    pairs = driver.list_key_pairs()
    same = (
        pair
        for pair in pairs
        if pair.name == name or " ".join((pair.public_key or "").split()[:2]) == body
    )
    return next(same, None)


def _import(driver: NodeDriver, name: str, public: str) -> Any:
    try:
        return driver.import_key_pair_from_string(name, public)
    except NotImplementedError:  # DigitalOcean's has another name
        return driver.create_key_pair(name, public)  # type: ignore[call-arg]


def _found(driver: NodeDriver, lister: str, what: str, wanted: Any) -> Any:
    if not isinstance(wanted, str):
        return wanted
    offers = getattr(driver, lister)()
    for each in offers:
        if wanted in (str(each.id), each.name):
            return each
    names = ", ".join(sorted(f"{each.name} ({each.id})" for each in offers)) or "none"
    raise ProviderError(f"there is no {what} {wanted!r}; there are: {names}.")


def _from_mappings(extra: Mapping[str, Any]) -> Iterator[str]:
    for name in ("labels", "tags", "metadata", "meta"):
        value = extra.get(name)
        if isinstance(value, Mapping) and GROUPS_LABEL in value:
            yield str(value[GROUPS_LABEL])


def _from_words(extra: Mapping[str, Any]) -> Iterator[str]:
    tags = extra.get("tags")
    listed: Iterable[Any] = tags if isinstance(tags, list | tuple) else ()
    words = [each for each in (*listed, extra.get("tag")) if isinstance(each, str)]
    found = [each.removeprefix(TAG_PREFIX) for each in words if each.startswith(TAG_PREFIX)]
    if found:
        yield "-".join(found)
