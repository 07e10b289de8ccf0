"""Refuses a configuration whose mail server is nobody's."""

import os
import sys
from pathlib import Path

settings = Path(os.environ["SILVER_APP_CONFIG"]) / "settings.ini"
if sys.argv[1:] != ["--strictly"] or "nobody" in settings.read_text():
    sys.exit("settings.ini: there is no such mail server")
