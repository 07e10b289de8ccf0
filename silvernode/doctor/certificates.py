"""Is the certificate that is served the one on disk, and for how long?"""

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

from silvernode.doctor.finding import Finding, ok, wrong
from silvernode.doctor.patient import Patient
from silvernode.programs import run

CHECK = "certificates"
PORT = 443
SECONDS = 10
SOON_DAYS = 14

STORE = "etc/apache2/md/domains"
"""Where mod_md keeps them, https://httpd.apache.org/docs/2.4/mod/mod_md.html#mdstoredir."""


def check(patient: Patient) -> Iterator[Finding]:
    """Compare each certificate on disk with the one that is served under its name."""
    for file in sorted((patient.layout.root / STORE).glob("*/pubcert.pem")):
        yield _certificate(file)


def _certificate(file: Path) -> Finding:
    name, text = file.parent.name, file.read_text()
    days = (_end(file) - time.time()) / 86400
    mend = "on the node: systemctl reload apache2; journalctl -u apache2"
    try:
        served = _served(name)
    except OSError as error:
        return wrong(CHECK, f"{name}: nothing is served on port {PORT}: {error}", mend)
    if ssl.PEM_cert_to_DER_cert(_first(text)) != served:
        return wrong(CHECK, f"{name}: another certificate is served than the one in {file}", mend)
    if days < SOON_DAYS:
        left = f"ends in {days:.0f} days" if days > 0 else "has ended"
        return wrong(CHECK, f"{name}: the certificate {left}, and was not renewed", mend)
    return ok(CHECK, f"{name}: {days:.0f} days left")


def _served(name: str) -> bytes:
    """Return the certificate that a visitor gets, whoever signed it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", PORT), SECONDS) as connection,
        context.wrap_socket(connection, server_hostname=name) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def _first(text: str) -> str:
    """Return the first certificate of a chain, which is the site's own."""
    end = "-----END CERTIFICATE-----"
    return text[text.index("-----BEGIN") : text.index(end) + len(end)] + "\n"


def _end(file: Path) -> float:
    """Return when a certificate ends, in seconds since 1970."""
    shown = run("openssl", "x509", "-enddate", "-noout", "-in", str(file)).stdout
    return ssl.cert_time_to_seconds(shown.strip().partition("=")[2])
