"""A real browser, headless."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

PROGRAM = "/usr/bin/chromium"
PACKAGE = "chromium"

# Without a sandbox, since tests run as root in containers; without a network of its own: it would
# look for updates at every start.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 10_000
"""Milliseconds after which something that is not there is a failure."""


@contextmanager
def opened() -> Iterator[Page]:
    """Open a browser with nothing in it, and yield its one page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=list(FLAGS))
        try:
            page = browser.new_page()
            page.set_default_timeout(PATIENCE)
            yield page
        finally:
            browser.close()
