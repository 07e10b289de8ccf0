"""Pages that take an application from a directory to a server; docs/django.md has its own test."""

from pathlib import Path

import pytest

from docs.tests import laptop
from docs.tests.reader import Reader


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("page", "app"),
    [("docs/webob.md", "notes"), ("docs/flask.md", "headlines"), ("docs/porting.md", "shelf")],
)
def test_an_application_works_on_the_laptop_and_on_the_server(
    page: str, app: str, tmp_path: Path
) -> None:
    with laptop.without_data_of(app), Reader(tmp_path) as reader:
        reader.follow(page)
