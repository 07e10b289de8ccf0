"""Certificates, with a real server of TLS on a port of this machine."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from silvernode.doctor import certificates
from silvernode.doctor.finding import Finding
from silvernode.doctor.patient import Patient


def make(directory: Path, days: int = 60) -> Path:
    """Make a self-signed certificate as mod_md keeps one; `pubcert.pem` and `privkey.pem`."""
    directory.mkdir(parents=True, exist_ok=True)
    certificate, key = directory / "pubcert.pem", directory / "privkey.pem"
    names = ["-subj", f"/CN={directory.name}", "-days", str(days)]
    kind = ["-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command = ["openssl", "req", *kind, *names, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The directory of a certificate that is served until the test ends."""
    certificate = make(tmp_path / "served" / "shop.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("privkey.pem"))
    listening = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(certificates, "PORT", listening.getsockname()[1])

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield certificate.parent
    listening.close()


def store(patient: Patient) -> Path:
    return patient.layout.root / certificates.STORE


def only(patient: Patient) -> Finding:
    [finding] = certificates.check(patient)
    return finding


def test_a_node_without_certificates_has_nothing_to_look_at(patient: Patient) -> None:
    assert list(certificates.check(patient)) == []


def test_the_certificate_on_disk_is_the_one_that_is_served(patient: Patient, served: Path) -> None:
    store(patient).mkdir(parents=True)
    (store(patient) / "shop.test").symlink_to(served)
    assert only(patient).state == "ok"
    assert "days left" in only(patient).text


def test_one_that_was_renewed_but_not_loaded_is_told_of(patient: Patient, served: Path) -> None:
    make(store(patient) / "shop.test")
    assert only(patient).state == "wrong"
    assert only(patient).text.startswith("shop.test: another certificate is served than")


def test_one_that_soon_ends_is_told_of(
    patient: Patient, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(patient).mkdir(parents=True)
    (store(patient) / "shop.test").symlink_to(served)
    monkeypatch.setattr(certificates, "SOON_DAYS", 61)
    assert only(patient).state == "wrong"
    assert "ends in 60 days" in only(patient).text


def test_one_that_nobody_serves_is_told_of(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(store(patient) / "shop.test")
    monkeypatch.setattr(certificates, "PORT", 1)
    assert "nothing is served on port 1" in only(patient).text
