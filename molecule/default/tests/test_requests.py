"""What an application is told about a request, and what nobody can make it believe."""

import os
from collections.abc import Mapping

import pytest

from tests.support.node import Node, seen

TOKEN = "X-Silver-Update"


def told(node: Node, path: str = "/", **options: object) -> Mapping[str, str]:
    """Return the WSGI environment of a request, its values as Python writes them."""
    environ: Mapping[str, str] = node.page("probe.test", path, **options).json()["environ"]
    return environ


def visitor(node: Node) -> str:
    """Return the address from which this machine visits a node."""
    route = os.popen(f"ip -4 route get {node.address}").read().split()
    return route[route.index("src") + 1]


@pytest.mark.parametrize(
    "forged",
    [
        "X-Silver-Scheme",
        "X-Silver-Host",
        "X-Silver-Prefix",
        "X-Silver-Instance",
        "X-Silver-Update",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Prefix",
        "X-Forwarded-Proto",
        "X-Forwarded-Port",
        "X-Forwarded-Server",
        "X-Real-IP",
        "Forwarded",
        "Proxy",
        "X_Silver_Prefix",
        "X_Forwarded_Proto",
    ],
)
def test_a_visitor_cannot_forge_a_header(probe: Node, forged: str) -> None:
    environ = told(probe, headers={forged: "forged"})
    assert "forged" not in str(environ), environ


def test_a_visitor_cannot_pass_for_an_update(probe: Node) -> None:
    instance = probe.active("probe.test")
    token = probe.sh(
        f"grep -oP 'SILVER_UPDATE_TOKEN=\"\\K[^\"]+' /etc/silverlining/instances/{instance}.env"
    )
    environ = told(probe, headers={TOKEN: token})
    assert "silverlining.update" not in environ


def test_the_application_sees_the_address_of_the_visitor(probe: Node) -> None:
    environ = told(probe, headers={"X-Forwarded-For": "192.0.2.7, 127.0.0.1"})
    assert environ["REMOTE_ADDR"] == repr(visitor(probe))
    assert "192.0.2.7" not in str(environ), environ


def test_the_application_sees_what_was_asked(probe: Node) -> None:
    environ = told(probe, "/a%20b/c?d=e%26f", method="POST", data=b"body")
    expected = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a b/c",
        "QUERY_STRING": "d=e%26f",
        "HTTP_HOST": "probe.test",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "CONTENT_LENGTH": "4",
    }
    assert {key: environ[key] for key in expected} == {
        key: repr(value) for key, value in expected.items()
    }


@pytest.mark.parametrize("host", ["PROBE.test", "probe.test.", "probe.test:80", "probe.test:8080"])
def test_a_host_can_be_written_in_several_ways(probe: Node, host: str) -> None:
    assert probe.page(host).json()["environ"]["HTTP_HOST"] == "'probe.test'"


@pytest.mark.parametrize(
    "host", ["other.test", "probe.test.evil.test", "xprobe.test", "prev.other.test", ""]
)
def test_another_host_is_not_found(probe: Node, host: str) -> None:
    answer = probe.visit(host)
    assert answer.status_code in (400, 404), seen(answer)
    assert "varnish" in str(answer.headers).lower()


def test_a_body_arrives_whole(probe: Node) -> None:
    body = "0123456789abcdef" * 65536
    assert probe.page("probe.test", "/", method="PUT", data=body).json()["body"] == body


def test_the_environment_is_complete(probe: Node) -> None:
    variables = probe.page("probe.test").json()["variables"]
    instance = probe.active("probe.test")
    expected = {
        "SILVER_APP_NAME": "probe",
        "SILVER_INSTANCE_NAME": instance,
        "SILVER_INSTANCE_DIR": f"/var/www/{instance}",
        "SILVER_CANONICAL_HOSTNAME": "probe.test",
        "SILVER_APP_CONFIG": f"/var/lib/silverlining/config/probe/{instance}",
        "SILVER_LOGS": "/var/log/silverlining/probe",
        "TEMP": "/var/lib/silverlining/tmp/probe",
        "STATIC_URL": "/",
        "CONFIG_FILES": "/var/lib/silverlining/files/probe",
        "CONFIG_WRITABLE_ROOT": "/var/lib/silverlining/writable-root/probe",
    }
    assert {key: variables.get(key) for key in expected} == expected
    assert variables["SILVER_VERSION"].startswith("silverlining/")


def test_the_environment_holds_no_secret(probe: Node) -> None:
    secret = probe.sh("cat /var/lib/silverlining/secret/probe")
    assert secret
    assert secret not in probe.page("probe.test").text
