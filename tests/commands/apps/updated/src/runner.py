"""Tells which instance answers, with which configuration."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer any request."""
    config, files = Path(os.environ["SILVER_APP_CONFIG"]), Path(os.environ["CONFIG_FILES"])
    answer = {
        "instance": os.environ["SILVER_INSTANCE_NAME"],
        "config": {path.name: path.read_text() for path in config.iterdir()},
        "files": sorted(path.name for path in files.iterdir()),
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]
