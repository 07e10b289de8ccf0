"""Templates whose output is worth more than a look, rendered as Ansible renders them."""

import json
import shlex
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = Path(__file__).parents[2] / "roles"
GIVEN = {
    "ansible_managed": "managed",
    "silver_app_name": "polls",
    "silver_service_value": "",
    "silver_service_digest": "0123abcd",
}
ENVIRONMENTS = {
    "files": {"CONFIG_FILES": "/var/lib/silverlining/files/polls"},
    "writable_root": {"CONFIG_WRITABLE_ROOT": "/var/lib/silverlining/writable-root/polls"},
    "postgis": {
        "CONFIG_PG_DBNAME": "polls",
        "CONFIG_PG_USER": "silver-polls",
        "CONFIG_PG_PASSWORD": "",
        "CONFIG_PG_HOST": "/var/run/postgresql",
        "CONFIG_PG_PORT": "5432",
        "CONFIG_PG_SQLALCHEMY": (
            "postgresql+psycopg2://silver-polls@/polls?host=/var/run/postgresql"
        ),
        "PGDATABASE": "polls",
        "PGUSER": "silver-polls",
        "PGHOST": "/var/run/postgresql",
        "PGPORT": "5432",
    },
}


def trusted(value: Any) -> Any:
    """Return a role's variable as Ansible reads it: its strings are templates."""
    if isinstance(value, dict):
        return {name: trusted(each) for name, each in value.items()}
    if isinstance(value, list):
        return [trusted(each) for each in value]
    return trust_as_template(value) if isinstance(value, str) else value


def render(role: str, template: str, **variables: Any) -> list[str]:
    """Return the lines of a role's template, given its defaults, its vars and `variables`."""
    known: dict[str, Any] = dict(GIVEN)
    for directory in ("defaults", "vars"):
        source = ROLES / role / directory / "main.yml"
        known |= trusted(yaml.safe_load(source.read_text())) if source.exists() else {}
    text = (ROLES / role / "templates" / template).read_text()
    templar = Templar(loader=DataLoader(), variables=known | variables)
    return str(templar.template(trust_as_template(text))).splitlines()


@pytest.mark.parametrize("service", ENVIRONMENTS)
def test_an_apps_environment_has_the_promised_variables(service: str) -> None:
    lines = render(f"service_{service}", "env.j2")
    assert environment(*lines) == ENVIRONMENTS[service]


def environment(*lines: str) -> dict[str, str]:
    """Return what a file of variables says."""
    settings = [line for line in lines if line and not line.startswith("#")]
    return dict(shlex.split(line)[0].split("=", 1) for line in settings)


def test_on_a_server_elsewhere_an_app_has_a_password_and_libpq_all_it_needs() -> None:
    login = {
        "secret": "abc",
        "connection": {
            "PGHOST": "192.0.2.1,192.0.2.2",
            "PGPORT": "5432",
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": "",
        },
    }
    file = {"content": b64encode(json.dumps(login).encode()).decode()}
    lines = render(
        "service_postgis",
        "env.j2",
        service_postgis_hosts=["192.0.2.1", "192.0.2.2"],
        _service_postgis_login_file=file,
    )
    password = sha256(b"silver-polls:abc").hexdigest()
    text = "\n".join(lines).replace(
        "&", "+"
    )  # which a shell, unlike systemd, would take for its own
    assert environment(*text.splitlines()) == {
        "CONFIG_PG_DBNAME": "polls",
        "CONFIG_PG_USER": "silver-polls",
        "CONFIG_PG_PASSWORD": password,
        "CONFIG_PG_HOST": "192.0.2.1,192.0.2.2",
        "CONFIG_PG_PORT": "5432",
        "CONFIG_PG_SQLALCHEMY": (
            f"postgresql+psycopg2://silver-polls:{password}@/polls"
            "?host=192.0.2.1,192.0.2.2+port=5432"
        ),
        "PGDATABASE": "polls",
        "PGUSER": "silver-polls",
        "PGPASSWORD": password,
        "PGHOST": "192.0.2.1,192.0.2.2",
        "PGPORT": "5432",
        "PGSSLMODE": "verify-full",
    }


def test_a_database_node_lets_in_the_web_nodes_over_tls_and_nobody_else() -> None:
    addresses = {"web1": "192.0.2.1", "web2": "2001:db8::2", "web3": "web3.internal"}
    lines = render(
        "service_postgis",
        "etc/silverlining/postgis/pg_hba.conf.j2",
        service_postgis_web_nodes=list(addresses),
        hostvars={name: {"service_postgis_address": each} for name, each in addresses.items()},
    )
    assert [line for line in lines if line and not line.startswith("#")] == [
        "local all all peer",
        "hostssl all all 192.0.2.1/32 scram-sha-256",
        "hostssl all all 2001:db8::2/128 scram-sha-256",
        "hostssl all all web3.internal scram-sha-256",
    ]


@pytest.mark.parametrize("role", sorted(path.name for path in ROLES.glob("service_*")))
def test_an_apps_environment_begins_with_the_digest(role: str) -> None:
    assert render(role, "env.j2")[0] == "# silver 0123abcd"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("16MB", "work_mem = '16MB'"),
        (4096, "work_mem = '4096'"),
        (True, "work_mem = 'True'"),
        ("it's", "work_mem = 'it''s'"),
    ],
)
def test_a_further_setting_of_postgresql_is_quoted(value: object, line: str) -> None:
    template = "etc/postgresql/conf.d/silverlining.conf.j2"
    lines = render("service_postgis", template, service_postgis_settings={"work_mem": value})
    assert lines[-1] == line


def test_postgresql_does_not_listen_on_the_network() -> None:
    lines = render("service_postgis", "etc/postgresql/conf.d/silverlining.conf.j2")
    assert "listen_addresses = ''" in lines


@pytest.mark.parametrize(("reboot", "word"), [(True, "true"), (False, "false")])
def test_a_reboot_after_updates_is_written_as_apt_reads_it(reboot: bool, word: str) -> None:
    lines = render("base", "etc/apt/apt.conf.d/52silverlining.j2", base_automatic_reboot=reboot)
    assert f'Unattended-Upgrade::Automatic-Reboot "{word}";' in lines


def balancer(**backends: str) -> str:
    template = "etc/varnish/silver/balancer.vcl.j2"
    return "\n".join(render("balancer", template, balancer_backends=backends))


@pytest.mark.parametrize(("nodes", "retries"), [(1, 1), (2, 1), (3, 2), (9, 2)])
def test_a_balancer_asks_another_node_as_long_as_there_is_one(nodes: int, retries: int) -> None:
    text = balancer(**{f"web{number}": f"10.0.0.{number}" for number in range(nodes)})
    assert f"bereq.retries < {retries})" in text
    assert text.count("web.add_backend(") == text.count(".proxy_header = 1;") == nodes


def test_a_balancer_knows_a_node_by_a_name_that_varnish_takes() -> None:
    text = balancer(**{"shop-web1.example": "10.0.0.1"})
    assert "backend node_shop-web1_example {" in text
    assert "web.add_backend(node_shop-web1_example);" in text


def test_a_balancer_of_a_set_without_web_nodes_has_none() -> None:
    assert "backend none none;" in balancer()


@pytest.mark.parametrize(("balancers", "listens"), [([], False), (["10.0.0.9"], True)])
def test_a_node_listens_for_balancers_only_where_there_are_any(
    balancers: list[str], listens: bool
) -> None:
    template = "etc/systemd/system/varnish.service.d/silver.conf.j2"
    text = "\n".join(render("varnish", template, varnish_balancers=balancers))
    assert ("-a :80 -a balancer=:8081,PROXY -T" in text) == listens
    assert ("8081" in text) == listens


def test_a_node_believes_its_balancers_only() -> None:
    template = "etc/varnish/silver/hosts.vcl.j2"
    lines = render("varnish", template, varnish_balancers=["10.0.0.8", "10.0.0.9"])
    start = lines.index("acl silver_balancers {")
    assert lines[start + 1 : start + 4] == ['  "10.0.0.8";', '  "10.0.0.9";', "}"]
