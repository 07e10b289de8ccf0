"""Our inventory on what providers once answered: the recordings in Libcloud's own package.

Each of Libcloud's tests prepares a driver that is answered from files. They do so by changing
Libcloud's classes for good, so all of it happens in a process that is thrown away.
"""

import importlib
import pickle
import pkgutil
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any
from unittest import TestCase
from unittest.mock import Mock, patch

from libcloud.compute.base import NodeDriver
from libcloud.compute.providers import DRIVERS, get_driver

from silverlining.nodes import providers
from silverlining.nodes.node_facts import node_groups, node_to_hostvars
from silverlining.nodes.sources import Source
from silverlining.playbook import ROOT
from silversupport.errors import SilverError

DUMMY = "dummy"
"""Libcloud's provider for its own examples."""

SECONDS = 120
"""After which a recording that hangs is an error."""

TESTS = "libcloud.test."

NOT_RECORDED = ConnectionError("the recordings do not answer this question")

# As Libcloud's tests have it, some of them not before they list nodes.
CIRCUMSTANCES = {
    "requests.adapters.HTTPAdapter.send": Mock(side_effect=NOT_RECORDED),
    "libcloud.common.ovh.OvhConnection._timedelta": 42,
    "libcloud.common.gig_g8.is_jwt_expired": lambda _: False,
    "libcloud.test.compute.test_vpsnet.VPSNetMockHttp.type": "virtual_machines",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of one driver's recordings.

    Attributes:
        provider: Libcloud's name of it.
        driver: The driver's class, which tells the version of the provider's interface.
        keeps_groups: Whether a node can be made with groups.
        hosts: ``name``, ``groups`` and ``vars`` of each node that was listed.
        names: The names that the source gives out; None if it does not.
        refusal: Why it does not.
        error: Why there is no listing at all.
    """

    provider: str
    driver: str
    keeps_groups: bool
    hosts: tuple[dict[str, Any], ...] = ()
    names: tuple[str, ...] | None = None
    refusal: str = ""
    error: str = ""

    def __str__(self) -> str:
        """Return it as the name of a test."""
        return f"{self.provider}-{self.driver}"


def answers() -> list[Answer]:
    """Return what came of every driver's recordings, by provider and driver."""
    program = f"import sys; from {__name__} import save; save(sys.argv[1])"
    with TemporaryDirectory() as directory:
        path = Path(directory) / "answers"
        command = [sys.executable, "-c", program, str(path)]
        subprocess.run(command, cwd=ROOT, check=True, timeout=SECONDS)
        found: list[Answer] = pickle.loads(path.read_bytes())  # noqa: S301 - our own
    return found


def save(path: str) -> None:
    """Write what `answers` returns; for the process that is thrown away."""
    Path(path).write_bytes(pickle.dumps(_read()))


def unrecorded(answered: Sequence[Answer]) -> dict[str, bool]:
    """Return the providers without recordings, and whether they keep groups."""
    missing = set(map(str, DRIVERS)) - {answer.provider for answer in answered} - {DUMMY}
    return {name: _keeps_groups(get_driver(name), name) for name in sorted(missing)}


def _read() -> list[Answer]:
    warnings.simplefilter("ignore")
    _make_secrets()
    with ExitStack() as stack:
        for what, value in CIRCUMSTANCES.items():
            stack.enter_context(patch(what, value))
        found = [_answer(driver) for case in _cases() for driver in _drivers(case)]
    # Some drivers have several tests: for each region, or one that only logs in.
    best = {str(each): each for each in sorted(found, key=lambda each: len(each.hosts))}
    return sorted(best.values(), key=str)


def _make_secrets() -> None:
    """Make the one module that the package lacks, from the pattern that it has."""
    package = importlib.import_module("libcloud.test")
    secrets = ModuleType("libcloud.test.secrets")
    pattern = Path(str(package.__file__)).with_name("secrets.py-dist").read_text()
    exec(pattern, vars(secrets))  # noqa: S102 - as Libcloud's own tests are told to
    sys.modules[secrets.__name__] = secrets


def _cases() -> Iterator[type[TestCase]]:
    package = importlib.import_module("libcloud.test.compute")
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if not found.name.rpartition(".")[2].startswith("test_"):
            continue
        module = importlib.import_module(found.name)
        kinds = (value for value in vars(module).values() if isinstance(value, type))
        here = (kind for kind in kinds if kind.__module__ == module.__name__)
        yield from (kind for kind in here if issubclass(kind, TestCase))


def _drivers(kind: type[TestCase]) -> list[NodeDriver]:
    """Return the drivers that a test of Libcloud's prepares."""
    kind.setUpClass()
    case = kind(next((name for name in dir(kind) if name.startswith("test")), "run"))
    case.setUp()
    prepared = {**vars(kind), **vars(case)}.values()
    return [value for value in prepared if isinstance(value, NodeDriver)]


def _answer(driver: NodeDriver) -> Answer:
    provider = _provider(driver)
    source = Source(origin="recorded.libcloud.yml", provider=provider)
    kind = next(each for each in type(driver).__mro__ if not each.__module__.startswith(TESTS))
    keeps_groups = _keeps_groups(driver, provider)
    about = Answer(provider=provider, driver=kind.__name__, keeps_groups=keeps_groups)
    with patch.object(Source, "driver", lambda _: driver):
        try:
            about = replace(about, names=tuple(node.name for node in source.nodes()))
        except SilverError as error:
            about = replace(about, refusal=str(error))
    try:
        nodes = driver.list_nodes()
    except Exception as error:  # noqa: BLE001 - what is to be shown
        return replace(about, error=f"{type(error).__name__}: {error}")
    hosts = tuple(
        {"name": node.name, "groups": node_groups(node), "vars": node_to_hostvars(node, source)}
        for node in nodes
    )
    return replace(about, hosts=hosts)


def _provider(driver: NodeDriver) -> str:
    """Return the provider whose class is nearest to a driver's, or in the same module."""
    classes = {get_driver(name): str(name) for name in DRIVERS}
    found = next((classes[each] for each in type(driver).__mro__ if each in classes), "")
    modules = {each.__module__: name for each, name in classes.items()}
    return found or modules.get(type(driver).__module__, type(driver).__module__)


def _keeps_groups(driver: Any, provider: str) -> bool:
    return bool(providers.of(provider, driver).labels[0])
