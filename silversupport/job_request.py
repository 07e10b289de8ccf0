"""The request of a `cron.NAME = SCHEDULE /path`: `python3 -m silversupport.job_request NAME /path`.

It goes to the instance itself, as Varnish would send it, with a token that no visitor knows.
"""

from __future__ import annotations

import http.client
import os
import sys
import time

PORT = 8080
BOOT_SECONDS = 60
"""How long an instance may take that is only just being started."""

POLL_SECONDS = 0.2
SHOWN_BYTES = 2000


def ask(name: str, path: str) -> str:
    """Ask the instance for a path.

    Args:
        name: of the job.
        path: the URL path.

    Returns:
        What is wrong; empty if the answer was 2xx.
    """
    deadline = time.monotonic() + BOOT_SECONDS
    while True:
        connection = http.client.HTTPConnection(os.environ["SILVER_ADDRESS"], PORT)
        try:
            connection.request("GET", path, headers=_headers(name))
            response = connection.getresponse()
            body = response.read()
        except ConnectionRefusedError as error:
            if time.monotonic() > deadline:
                return f"got no answer: {error!r}"
            time.sleep(POLL_SECONDS)
        except (OSError, http.client.HTTPException) as error:
            return f"got no answer: {error!r}"
        else:
            shown = body[:SHOWN_BYTES].decode(errors="replace").strip()
            return "" if 200 <= response.status < 300 else f"answered {response.status}\n{shown}"


def _headers(name: str) -> dict[str, str]:
    host = os.environ["SILVER_CANONICAL_HOSTNAME"]
    return {
        "Host": host,
        "User-Agent": "silver-node",
        "X-Silver-Scheme": "http",
        "X-Silver-Host": host,
        "X-Silver-Prefix": os.environ["STATIC_URL"].removesuffix("/"),
        "X-Silver-Cron": f"{os.environ['SILVER_UPDATE_TOKEN']} {name}",
    }


def main() -> int:
    """Ask, and say what is wrong."""
    name, path = sys.argv[1:]
    if problem := ask(name, path):
        sys.stdout.write(f"{path} {problem.rstrip()}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
