"""Finds the application as a node does: through its lib/python."""

import site
from pathlib import Path

site.addsitedir(str(Path(__file__).parents[1] / "lib/python"))
