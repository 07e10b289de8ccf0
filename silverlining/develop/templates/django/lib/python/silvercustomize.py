"""Run by every Python of the application while it starts."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
