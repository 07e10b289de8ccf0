"""docs/django.md, from an empty directory to a poll on a server."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from docs.tests import browser, laptop
from docs.tests.reader import Reader
from docs.tests.terminals import port

ADMIN_HEADER = "rgb(65, 118, 144)"
"""The background of the admin's header, `--header-bg` in its base.css (#417690)."""


def rocket() -> None:
    with browser.opened() as page:
        page.goto(f"http://localhost:{port()}/")
        expect(page.get_by_role("heading", level=1)).to_contain_text("worked")


def polls_on_the_laptop() -> None:
    with browser.opened() as page:
        add_and_vote(page, f"http://localhost:{port()}", "not-to-be-guessed")


def polls_on_the_server() -> None:
    with browser.opened() as page:
        add_and_vote(page, "http://sampleapp.test", "also-not-to-be-guessed")


def add_and_vote(page: Page, site: str, password: str) -> None:
    log_in(page, site, password)
    add_question(page, "Tea or coffee?", ("Tea", "Coffee"))
    page.goto(f"{site}/")
    page.get_by_role("link", name="Tea or coffee?").click()
    page.get_by_label("Coffee").check()
    page.get_by_role("button", name="Vote").click()
    expect(page.locator("form")).to_contain_text("1 vote\n")


def log_in(page: Page, site: str, password: str) -> None:
    page.goto(f"{site}/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#user-tools")).to_contain_text("admin")
    expect(page.locator("#header")).to_have_css("background-color", ADMIN_HEADER)


def add_question(page: Page, text: str, choices: tuple[str, ...]) -> None:
    page.locator(".model-question").get_by_role("link", name="Add").click()
    page.locator("#id_text").fill(text)
    for number, choice in enumerate(choices):
        page.locator(f"#id_choice_set-{number}-text").fill(choice)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist .success")).to_contain_text("was added successfully")


@pytest.mark.usefixtures("site")
def test_a_django_site_from_an_empty_directory_to_a_poll(tmp_path: Path) -> None:
    steps = {step.__name__: step for step in (rocket, polls_on_the_laptop, polls_on_the_server)}
    with laptop.without_data_of("sampleapp"), Reader(tmp_path, steps) as reader:
        reader.follow("docs/django.md")
