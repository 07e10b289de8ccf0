"""Sources of nodes: files ``*.libcloud.yml`` that name a provider and how to reach it.

The inventory plugin and the module ``libcloud_node`` read the same files through this module.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import yaml
from libcloud.compute.base import Node, NodeDriver
from libcloud.compute.providers import DRIVERS, get_driver
from libcloud.compute.types import NodeState, Provider

from silverlining import paths
from silverlining.nodes import failures, image
from silverlining.nodes import providers as providers_table
from silverlining.nodes.docker_driver import DockerNodeDriver
from silversupport.errors import SilverError

SUFFIXES = (".libcloud.yml", ".libcloud.yaml")
LOCAL_PROVIDER = "docker"

CREDENTIALS = ("key", "secret")
"""Options that may be encrypted by Ansible Vault or be templates; only Ansible can read those."""

ANSIBLE_OPTIONS = frozenset(
    {
        "plugin",
        "strict",
        "compose",
        "groups",
        "keyed_groups",
        "use_extra_vars",
        "leading_separator",
        "cache",
        "cache_plugin",
        "cache_timeout",
        "cache_connection",
        "cache_prefix",
    }
)
"""Options of a source file that are the inventory plugin's own business."""


T = TypeVar("T")


class SourceError(SilverError):
    """A source file is wrong, or its provider cannot be asked."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One provider and how to reach it.

    Attributes:
        origin: The source file, for messages.
        provider: ``docker``, or a name of Libcloud's, for example ``ec2`` or ``linode``.
        key: User name, access key or token.
        secret: What belongs to the key.
        key_env: Name of the environment variable that holds the key, in place of ``key``.
        secret_env: The same for the secret.
        region: One of the provider's regions.
        name_prefix: Only nodes whose name begins so are ours.
        optional: Whether a provider that cannot be asked is only worth a warning.
        user: Who may log in on a node.
        private_key_file: The key to log in with, None to leave it to ``ssh``. The public key beside
            it is let in on new nodes, else one in ``~/.ssh``.
        cloud_init: Whether the images run cloud-init, so that a new node can be handed its host key
            with its user data, if the provider takes any.
        image: PATTERN of the image for new nodes.
        size: PATTERN of the size for new nodes.
        options: Further arguments of the driver.
        create_options: Further arguments of the driver's ``create_node``.
    """

    origin: str
    provider: str
    key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    key_env: str | None = None
    secret_env: str | None = None
    region: str | None = None
    name_prefix: str = ""
    optional: bool = False
    user: str | None = None
    private_key_file: str | None = None
    cloud_init: bool = True
    image: str | None = None
    size: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    create_options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether this is the Docker engine of this machine."""
        return self.provider == LOCAL_PROVIDER

    @property
    def login_user(self) -> str | None:
        """Who may log in on a node, None to leave it to Ansible."""
        return self.user or (image.LOGIN_USER if self.is_local else None)

    @property
    def login_key(self) -> str | None:
        """The private key to log in with, None to leave it to ``ssh``."""
        return self.private_key_file or (str(paths.private_key()) if self.is_local else None)

    @cached_property
    def credentials(self) -> tuple[str | None, str | None]:
        """Key and secret.

        Raises:
            SourceError: They are to come from an environment variable that is not set.
        """
        key, secret = map(self._credential, CREDENTIALS)
        return key, secret

    def driver(self) -> NodeDriver:
        """Return a Libcloud driver for the provider.

        Raises:
            SourceError: The provider does not take these credentials or options.
            silverlining.nodes.engine.EngineError: No Docker engine answers.
        """
        if self.is_local:
            return DockerNodeDriver(**self.options)
        ways = providers_table.TABLE.get(self.provider, {})
        names = [*ways.get("credentials", CREDENTIALS), ways.get("region", "region")]
        arguments = {
            **dict(zip(names, [*self.credentials, self.region], strict=True)),
            **self.options,
        }
        given = {name: value for name, value in arguments.items() if name and value is not None}
        try:
            driver: NodeDriver = get_driver(self.provider)(**given)
        except TypeError as error:  # the signatures of the drivers say what they need
            raise SourceError(
                f"{self.origin}: provider {self.provider} wants other options: {error}. Its key is "
                "set by key or key_env, its secret by secret or secret_env, the rest by options."
            ) from error
        except Exception as error:  # noqa: BLE001 (each of 60 drivers has its own way to refuse)
            raise self.error(error) from None
        return driver

    def nodes(self) -> list[Node]:
        """Return the source's nodes that still exist.

        Raises:
            SourceError: The provider cannot be asked, or two nodes have one name.
            silverlining.nodes.engine.EngineError: No Docker engine answers.
        """
        listed = self.ask(self.driver().list_nodes)
        # One that is listed twice, as where a page of a listing begins, is one node.
        once = {node.id: node for node in listed}.values()
        nodes = [
            node
            for node in once
            if node.state != NodeState.TERMINATED and node.name.startswith(self.name_prefix)
        ]
        self._check_names(nodes)
        return sorted(nodes, key=lambda node: str(node.name))

    def ask(self, question: Callable[..., T], *arguments: Any) -> T:
        """Return what a driver answers; it is asked again if the provider was asked too often.

        Args:
            question: A method of the driver, one that may be called twice.
            arguments: Its arguments.

        Raises:
            SourceError: The provider cannot be asked, or did not answer as expected.
        """
        try:
            return failures.patient()(question, *arguments)
        except SilverError:
            raise
        except Exception as error:  # noqa: BLE001 (errors of HTTP libraries, KeyError and others)
            # Without its cause, which Ansible would print: it can have credentials in its text.
            raise self.error(error) from None

    def error(self, error: Exception) -> SourceError:
        """Return a provider's error as one line of ours, without the credentials."""
        advice = failures.kind(error).value
        text = f"{self.origin}: provider {self.provider}: {self.redact(failures.words(error))}"
        return SourceError(f"{text}; {advice}." if advice else text)

    def redact(self, text: str) -> str:
        """Return a text without this source's credentials and without signatures."""
        for credential in (*self.credentials, *self._secret_options()):
            text = text.replace(credential, "***") if credential else text
        return re.sub(
            r"(?i)\b(signature|credential|userdata|\w*token)=[^&\s,'\"]+", r"\1=***", text
        )

    def _secret_options(self) -> list[str]:
        """Return what else among the driver's options must not be shown, such as a token."""
        return [
            value
            for name, value in self.options.items()
            if isinstance(value, str) and re.search(r"pass|token|secret|key", name)
        ]

    def _credential(self, name: str) -> str | None:
        variable: str | None = getattr(self, f"{name}_env")
        if variable is None:
            value: str | None = getattr(self, name)
            if value and ("{{" in value or value.startswith("$ANSIBLE_VAULT")):
                raise SourceError(
                    f"{self.origin}: '{name}' is a template or encrypted, which only playbooks and "
                    f"the inventory can read. Put it in the environment and name it in {name}_env."
                )
            return value
        if variable not in os.environ:
            raise SourceError(f"{self.origin}: {name}_env: ${variable} is not set.")
        return os.environ[variable]

    def _check_names(self, nodes: list[Node]) -> None:
        names = [node.name for node in nodes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SourceError(
                f"{self.origin}: provider {self.provider} has more than one node named "
                f"{', '.join(twice)}. Rename or remove one, or narrow name_prefix."
            )


OPTIONS = frozenset(each.name for each in fields(Source)) - {"origin"}
"""Options of a source file that are read here."""


class _Loader(yaml.SafeLoader):
    """Takes a value that is encrypted by Ansible Vault as the text that it is."""


_Loader.add_constructor("!vault", lambda loader, node: str(node.value))


def load(path: Path | str, key: str | None = None, secret: str | None = None) -> Source:
    """Read a source file.

    Args:
        path: The file.
        key: Used in place of the file's, for one that only Ansible can read.
        secret: The same for the secret.

    Raises:
        SourceError: It is missing, no YAML, or has wrong options.
    """
    try:
        data = yaml.load(Path(path).read_text(), _Loader)  # noqa: S506 (derived from SafeLoader)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise SourceError(f"{path}: {error}") from error
    source = parse(data, str(path))
    return replace(source, key=key or source.key, secret=secret or source.secret)


def parse(data: object, origin: str) -> Source:
    """Check the content of a source file.

    Args:
        data: What the file's YAML says.
        origin: The file's name, for messages.

    Raises:
        SourceError: An option is unknown, missing or of a wrong type, or the provider is unknown.
    """
    if not isinstance(data, Mapping):
        raise SourceError(f"{origin}: a mapping is expected, beginning 'plugin: libcloud'.")
    unknown = sorted(set(map(str, data)) - OPTIONS - ANSIBLE_OPTIONS)
    if unknown:
        known = ", ".join(sorted(OPTIONS | ANSIBLE_OPTIONS))
        raise SourceError(f"{origin}: unknown option {', '.join(unknown)}; known are: {known}.")
    options = {name: data[name] for name in OPTIONS & set(data) if data[name] is not None}
    _check_types(options, origin)
    if options.get("provider") not in providers():
        raise SourceError(
            f"{origin}: {_provider_problem(options.get('provider'))}; known are: "
            f"{', '.join(providers())}."
        )
    return Source(origin=origin, **options)


def providers() -> list[str]:
    """Return the names of all known providers, the local one first; without those of the past."""
    return [LOCAL_PROVIDER, *sorted(str(name) for name in DRIVERS if name != Provider.DUMMY)]


def _provider_problem(provider: str | None) -> str:
    return f"unknown provider {provider!r}" if provider else "'provider' is missing"


def _check_types(options: Mapping[str, Any], origin: str) -> None:
    expected = {"optional": bool, "cloud_init": bool, "options": Mapping, "create_options": Mapping}
    for name, value in options.items():
        kind = expected.get(name, str)
        if not isinstance(value, kind):
            raise SourceError(f"{origin}: '{name}' must be a {kind.__name__.lower()}.")
