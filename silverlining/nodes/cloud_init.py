"""User data for cloud-init that hands a host key over, and what cloud-init prints of host keys.

https://docs.cloud-init.io/en/latest/reference/modules.html#ssh
https://docs.cloud-init.io/en/latest/reference/modules.html#keys-to-console
"""

import re

import yaml

from silverlining.nodes import key_pairs
from silversupport.errors import SilverError

HEADER = "#cloud-config"
_CONSOLE_KEYS = re.compile(
    r"-----BEGIN SSH HOST KEY KEYS-----(.*?)-----END SSH HOST KEY KEYS-----", re.S
)


class UserDataError(SilverError):
    """A host key cannot be put among the operator's own user data."""


class _Text(str):
    """Text that is written as it is, line by line."""


class _Dumper(yaml.SafeDumper):
    """Writes a private key as a block that one can read."""


_Dumper.add_representer(
    _Text, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
)


def with_host_key(given: str | None, keys: key_pairs.Keys) -> str:
    """Return user data by which a node gets this host key, and no other.

    Args:
        given: The operator's user data; it stays in force.
        keys: An ed25519 key pair.

    Raises:
        UserDataError: What is given is no cloud-config, or has host keys itself.
    """
    config = _parsed(given) if given and given.strip() else {}
    taken = sorted({"ssh_keys", "ssh_deletekeys", "ssh_genkeytypes"} & config.keys())
    if taken:
        raise UserDataError(f"the user data of the source file has {', '.join(taken)} itself")
    config["ssh_keys"] = {
        "ed25519_private": _Text(keys.private),
        "ed25519_public": keys.public,
    }
    return f"{HEADER}\n{yaml.dump(config, Dumper=_Dumper, sort_keys=False, width=1000)}"


def console_keys(text: str) -> list[str]:
    """Return the host keys that cloud-init printed on a node's console, the last that it printed.

    Args:
        text: All that is known of the console.
    """
    *_, last = ["", *_CONSOLE_KEYS.findall(text)]
    found = re.findall(r"\b((?:ssh|ecdsa)-[a-z0-9-]+) ([A-Za-z0-9+/]{40,}=*)", last)
    return [" ".join(each) for each in found]


def _parsed(given: str) -> dict[str, object]:
    if not given.lstrip().startswith(HEADER):
        raise UserDataError(f"the user data of the source file does not begin with {HEADER}")
    try:
        config = yaml.safe_load(given)
    except yaml.YAMLError as error:
        raise UserDataError("the user data of the source file is no YAML") from error
    if not isinstance(config, dict | None):
        raise UserDataError("the user data of the source file is no mapping")
    return dict(config or {})
