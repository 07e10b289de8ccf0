"""The whole site, asked through port 80 as a visitor asks."""

import urllib.error
import urllib.request
from typing import Any

import pytest


def get(node: Any, host: str) -> tuple[int, Any]:
    """Return status and headers of the front page of a host."""
    address = node.check_output("hostname -I").split()[0]
    request = urllib.request.Request(f"http://{address}/", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers


def test_a_host_that_is_not_served_is_not_found(node: Any) -> None:
    status, headers = get(node, "nowhere.test")
    assert (status, "X-Varnish" in headers) == (404, True), headers.items()


@pytest.mark.parametrize("service", ["postgresql", "varnish"])
def test_the_stack_comes_back_with_the_machine(node: Any, service: str) -> None:
    assert node.service(service).is_running
    assert node.service(service).is_enabled


def test_only_the_front_door_and_ssh_are_open_to_the_network(node: Any) -> None:
    addresses = {line.split()[3] for line in node.check_output("ss -Hltn").splitlines()}
    network = {address for address in addresses if not address.startswith("127.")}
    assert network == {"0.0.0.0:22", "[::]:22", "0.0.0.0:80", "[::]:80"}
