"""Options of Libcloud's storage drivers: what is given, and what the environment has."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from silverbackup.destinations import DestinationError

GENERAL = "SILVER_STORAGE_"
"""Before the name of an option, what it is called in the environment for every provider."""

NAMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "s3": {
        "key": ("AWS_ACCESS_KEY_ID",),
        "secret": ("AWS_SECRET_ACCESS_KEY",),
        "token": ("AWS_SESSION_TOKEN",),
        "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
        "endpoint": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    },
    "azure_blobs": {"key": ("AZURE_STORAGE_ACCOUNT",), "secret": ("AZURE_STORAGE_KEY",)},
    "backblaze_b2": {"key": ("B2_APPLICATION_KEY_ID",), "secret": ("B2_APPLICATION_KEY",)},
    "openstack_swift": {
        "key": ("OS_USERNAME",),
        "secret": ("OS_PASSWORD",),
        "region": ("OS_REGION_NAME",),
        "ex_force_auth_url": ("OS_AUTH_URL",),
        "ex_tenant_name": ("OS_PROJECT_NAME", "OS_TENANT_NAME"),
    },
}
"""Under which names the tools of the providers look for an option in the environment."""

FALSE = frozenset({"0", "no", "false", "off"})
UNFIT = frozenset({"local", "dummy"})
"""Libcloud's for tests: they give what is cut off its final name."""


def check_known(provider: str) -> None:
    """Check that Libcloud has a provider.

    Raises:
        DestinationError: it has not; names those that it has.
    """
    from libcloud.storage.providers import DRIVERS

    if provider not in DRIVERS or provider in UNFIT:
        known = ", ".join(sorted(set(DRIVERS) - UNFIT))
        raise DestinationError(f"{provider}://: there is no such provider; there are: {known}")


def complete(
    provider: str, options: Mapping[str, Any], environ: Mapping[str, str]
) -> dict[str, Any]:
    """Return the options of a driver: those given, and what the environment has beside them.

    Raises:
        DestinationError: there are no credentials; names the variable.
    """
    names = NAMES.get(provider, {})
    found = {
        name.removeprefix(GENERAL).lower(): value
        for name, value in environ.items()
        if name.startswith(GENERAL)
    }
    for option, variables in names.items():
        if values := [environ[each] for each in variables if environ.get(each)]:
            found[option] = values[0]
    found |= {name: value for name, value in options.items() if value not in (None, "")}
    if "key" not in found:
        wanted = (names.get("key") or (f"{GENERAL}KEY",))[0]
        raise DestinationError(
            f"{provider}://: there are no credentials; set {wanted} in the environment"
        )
    return _typed(found)


def _typed(options: Mapping[str, Any]) -> dict[str, Any]:
    typed = dict(options)
    if endpoint := typed.pop("endpoint", ""):
        url = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
        typed = {"host": url.hostname, "secure": url.scheme == "https"} | typed
        if url.port:
            typed = {"port": url.port} | typed
    if "port" in typed:
        typed["port"] = int(typed["port"])
    if "secure" in typed:
        typed["secure"] = str(typed["secure"]).lower() not in FALSE
    return typed


def credentials(provider: str) -> str:
    """Return where the credentials for a provider are looked for, as a person says it."""
    names = NAMES.get(provider, {})
    return " and ".join(
        (names.get(each) or (f"{GENERAL}{each.upper()}",))[0] for each in ("key", "secret")
    )
