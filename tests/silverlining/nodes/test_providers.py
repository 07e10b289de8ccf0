"""How drivers are told things: each create, as it goes over the wire, and what is listed after it.

The answers are Libcloud's recorded ones of a create, with what was sent put in its place, as the
provider would.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import libcloud
import pytest
from libcloud.compute.base import KeyPair, NodeImage, NodeLocation, NodeSize
from libcloud.compute.providers import get_driver

from silverlining.nodes import providers
from silverlining.nodes.orders import OrderError, place
from silverlining.nodes.providers import Ways, kept_groups, put_groups, put_key
from silverlining.nodes.sources import Source
from tests.silverlining.cloud import FakeDriver

PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJNvCE6vJBR4bn7qXs7nZbkTQxQjmT1hO2qjIPpyhmC+ me"
FIXTURES = Path(libcloud.__file__).parent / "test" / "compute" / "fixtures"
GROUPS = ["web", "set_shop"]


class Wire:
    """Records what is sent, and answers as recorded."""

    def __init__(self, fixture: str, inside: str) -> None:
        text = (FIXTURES / fixture).read_text()
        self.answer, self.inside = json.loads(text), inside
        self.sent: dict[str, Any] = {}

    def request(self, path: str, data: str = "{}", **_: Any) -> Any:
        """Answer the creation of a node."""
        self.sent = json.loads(data)
        node = self.answer[self.inside] if self.inside else self.answer
        node |= {name: value for name, value in self.sent.items() if name in ("tags", "tag")}
        return SimpleNamespace(object=self.answer)


CASES = {
    "digitalocean": ("digitalocean_v2/list_node.json", "droplet"),
    "linode": ("linode_v4/create_node.json", ""),
    "vultr": ("vultr_v2/create_node.json", "instance"),
}


@pytest.fixture(params=list(CASES))
def made(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Wire, Any]:
    """Create a node at a provider; return what was sent, and the node as it is listed."""
    provider = request.param
    driver: Any = get_driver(provider)("k" * 20)
    driver.connection = wire = Wire(*CASES[provider])
    pair = KeyPair("mine", PUBLIC, "f1", driver, extra={"id": 77})
    for name, answer in {
        "list_key_pairs": [pair],
        "list_images": [NodeImage("img", "Ubuntu 24.04", driver)],
        "list_sizes": [NodeSize("small", "small", 2048, 0, 0, 0.0, driver)],
        "list_locations": [NodeLocation("fra", "Frankfurt", "DE", driver)],
    }.items():
        monkeypatch.setattr(driver, name, lambda *_, answer=answer: answer)
    monkeypatch.setattr("silverlining.nodes.orders.public_key", lambda source: PUBLIC)
    source = Source(origin="x", provider=provider, key="k" * 20, region="fra")
    order = place(source, driver, "web1", "name ubuntu*", "ram 2048", GROUPS, print)
    node = driver.create_node(**order.arguments)
    assert order.host_key
    wire.sent["host key"] = order.host_key.public
    return wire, node


def test_groups_survive_a_creation(made: tuple[Wire, Any]) -> None:
    assert kept_groups(made[1].extra) == GROUPS


def test_the_operators_key_and_the_host_key_are_handed_over(made: tuple[Wire, Any]) -> None:
    sent = json.dumps(made[0].sent)
    assert PUBLIC in sent or "77" in sent
    metadata: Mapping[str, Any] = made[0].sent.get("metadata") or made[0].sent
    assert metadata["user_data"]


@pytest.mark.parametrize(
    ("provider", "extra"),
    [
        ("ec2", {"tags": {"Name": "a", providers.GROUPS_LABEL: "web-set_shop"}}),
        ("openstack", {"tags": [], "metadata": {providers.GROUPS_LABEL: "web-set_shop"}}),
        ("gce", {"tags": ["http-server"], "labels": {providers.GROUPS_LABEL: "web-set_shop"}}),
        ("scaleway", {"tags": ["mine", "silverlining:web", "silverlining:set_shop"]}),
        ("cloudsigma", {"meta": {providers.GROUPS_LABEL: "web-set_shop"}}),
        ("vultr", {"tag": "silverlining:web-set_shop"}),
        ("brightbox", {"tags": None}),
    ],
)
def test_groups_are_read_wherever_a_driver_keeps_them(provider: str, extra: dict[str, Any]) -> None:
    assert kept_groups(extra) == ([] if provider == "brightbox" else GROUPS)


def test_groups_stand_beside_the_operators_labels() -> None:
    mapping: dict[str, Any] = {"ex_labels": {"team": "a"}}
    put_groups(Ways(labels=("ex_labels", "mapping")), mapping, GROUPS)
    assert mapping["ex_labels"] == {"team": "a", providers.GROUPS_LABEL: "web-set_shop"}
    words: dict[str, Any] = {"ex_create_attr": {"tags": ["shop"], "ipv6": True}}
    put_groups(Ways(labels=("ex_create_attr.tags", "list")), words, ["web"])
    assert words["ex_create_attr"] == {"tags": ["shop", "silverlining:web"], "ipv6": True}


def test_an_only_tag_that_is_taken_is_an_error() -> None:
    with pytest.raises(providers.ProviderError, match="ex_tag, is taken by create_options"):
        put_groups(Ways(labels=("ex_tag", "text")), {"ex_tag": "mine"}, GROUPS)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("keys", [PUBLIC]),
        ("metadata", f"silver:{PUBLIC}"),
        ("ids", [77]),
        ("name", "mine"),
    ],
)
def test_a_public_key_is_given_as_the_driver_wants_it(form: str, expected: Any) -> None:
    driver = FakeDriver()
    pair = KeyPair("mine", f"{PUBLIC} other comment", "f1", driver, extra={"id": 77})
    driver.list_key_pairs = lambda: [pair]  # type: ignore[method-assign]
    arguments: dict[str, Any] = {}
    put_key(Ways(key=("a.b", form)), driver, arguments, lambda: PUBLIC, "silver")
    assert arguments == {"a": {"b": expected}}


def test_a_key_that_the_provider_does_not_have_is_imported_under_a_name_of_its_own() -> None:
    class Importing(FakeDriver):
        imported: ClassVar[list[tuple[str, str]]] = []

        def list_key_pairs(self) -> list[KeyPair]:
            """Have none."""
            return []

        def import_key_pair_from_string(self, name: str, key_material: str) -> KeyPair:
            """Remember it."""
            self.imported.append((name, key_material))
            return KeyPair(name, key_material, "f", self)

    arguments: dict[str, Any] = {}
    put_key(Ways(key=("ex_keyname", "name")), Importing(), arguments, lambda: PUBLIC, "")
    [(name, key)] = Importing.imported
    assert (arguments["ex_keyname"], key) == (name, PUBLIC)
    assert name.startswith("silverlining-")


def test_a_key_that_another_node_has_just_imported_is_taken() -> None:
    class Late(FakeDriver):
        there: ClassVar[list[KeyPair]] = []

        def list_key_pairs(self) -> list[KeyPair]:
            """Have those that were imported."""
            return list(self.there)

        def import_key_pair_from_string(self, name: str, key_material: str) -> KeyPair:
            """Find that another one was faster."""
            self.there.append(KeyPair(name, "", "f1", self))
            raise RuntimeError("InvalidKeyPair.Duplicate")

    arguments: dict[str, Any] = {}
    put_key(Ways(key=("ex_keyname", "name")), Late(), arguments, lambda: PUBLIC, "silver")
    assert arguments == {"ex_keyname": Late.there[0].name}


def test_an_import_that_fails_is_the_error_itself() -> None:
    class Refusing(FakeDriver):
        def list_key_pairs(self) -> list[KeyPair]:
            """Have none."""
            return []

        def import_key_pair_from_string(self, name: str, key_material: str) -> KeyPair:
            """Refuse."""
            raise RuntimeError("no more keys")

    with pytest.raises(RuntimeError, match="no more keys"):
        put_key(Ways(key=("ex_keyname", "name")), Refusing(), {}, lambda: PUBLIC, "silver")


def test_a_driver_that_keeps_no_labels_takes_no_groups() -> None:
    class Plain(FakeDriver):
        def create_node(self, name: str) -> Any:  # type: ignore[override]
            """Keep nothing."""

    source = Source(origin="x", provider="vpsnet")
    with pytest.raises(OrderError, match="keeps no labels"):
        place(source, Plain(), "web1", "", "", GROUPS, print)


def test_a_region_that_is_missing_or_unknown_lists_those_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver = get_driver("vultr")("k")
    monkeypatch.setattr(
        driver, "list_locations", lambda: [NodeLocation("fra", "Frankfurt", "DE", driver)]
    )
    for name in ("list_images", "list_sizes"):
        monkeypatch.setattr(driver, name, lambda: [NodeImage("a", "a", driver)])
    for region, message in (
        (None, "which region.* there are: fra"),
        ("mars", "no location 'mars'"),
    ):
        source = Source(origin="x", provider="vultr", region=region)
        with pytest.raises(OrderError, match=message):
            place(source, driver, "web1", "id a", "id a", [], print)


def test_a_driver_that_takes_labels_and_forgets_them_takes_no_groups() -> None:
    driver: Any = get_driver("nimbus")("key", "secret")
    driver.connection.request = pytest.fail
    driver.ex_create_tags(None, {"a": "b"})
    assert providers.of("nimbus", driver).labels == ("", "")


@pytest.mark.parametrize("provider", sorted(providers.TABLE))
def test_every_entry_of_the_table_says_why_and_names_arguments_that_there_are(
    provider: str,
) -> None:
    entry = Ways(**providers.TABLE[provider])
    assert all(each.startswith("https://") for each in entry.why)
    assert entry.why
    driver: Any = get_driver(provider)
    classes = [
        driver,
        *driver.__subclasses__(),
        *(c for s in driver.__subclasses__() for c in s.__subclasses__()),
    ]
    taken = {name for each in classes for name in providers.parameters(each)}
    paths = (entry.labels[0], entry.key[0], entry.user_data, entry.password, *entry.objects)
    named = {path.partition(".")[0] for path in (*paths, *entry.instead_of_image)} - {""}
    assert named <= taken
