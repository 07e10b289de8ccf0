"""The sample applications, as a visitor uses them."""

import json
import re
import shutil
from importlib.metadata import files
from pathlib import Path

import pytest
import requests

from tests.support import apps
from tests.support.node import Node, seen

PARIS = "/api/places?lat=48.8566&lon=2.3522&within=500"
ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
ANSWER = {
    "name": "Ada <Lovelace>",
    "email": "ada@example.com",
    "password": "a long password",
    "password_again": "a long password",
    "cloud": "Cirrus",
    "talk": "Yes",
}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("hello.test", "Hello"),
        ("questioner.test", "Cloud Watchers"),
        ("places.test", "Eiffel Tower"),
    ],
)
def test_an_application_is_served_through_varnish(samples: Node, host: str, expected: str) -> None:
    answer = samples.page(host)
    assert expected in answer.text, seen(answer)
    assert "varnish" in answer.headers["Via"].lower(), seen(answer)
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"


@pytest.mark.parametrize("app", ["hello", "questioner", "places"])
def test_a_style_sheet_is_served(samples: Node, app: str) -> None:
    answer = samples.page(f"{app}.test", f"/{app}.css")
    assert answer.headers["Content-Type"].startswith("text/css"), seen(answer)
    assert answer.text == (apps.sample(app) / f"static/{app}.css").read_text()


def test_hello_tells_where_it_runs(samples: Node) -> None:
    facts = samples.page("hello.test", "/api/environment").json()
    assert facts["instance"] == samples.active("hello.test")
    assert facts["host"] == "hello.test"
    assert facts["version"].startswith("silverlining/")


def test_hello_sends_a_form_on_to_a_link_of_its_own(samples: Node) -> None:
    answer = samples.visit("hello.test", "/greet?name=Zo%C3%AB%20%26%20Co")
    assert answer.status_code == requests.codes.see_other, seen(answer)
    path = answer.headers["Location"].removeprefix("http://hello.test")
    assert "Zoë &amp; Co" in samples.page("hello.test", path).text


class Form:
    """The form of questioner, opened by a visitor."""

    def __init__(self, node: Node, query: str = "") -> None:
        self.node = node
        page = node.page("questioner.test", f"/{query}")
        self.cookie = page.headers["Set-Cookie"].partition(";")[0]
        self.fields = inputs(page.text)

    def send(self, **changed: str) -> requests.Response:
        """Send the form, filled in."""
        data = ANSWER | changed | {"token": self.fields["token"]["value"]}
        headers = {"Cookie": self.cookie}
        return self.node.visit("questioner.test", "/", "POST", data=data, headers=headers)


def inputs(page: str) -> dict[str, dict[str, str]]:
    """Return the attributes of each input of a page, by its name."""
    tags = [dict(ATTRIBUTE.findall(tag)) for tag in re.findall(r"<input [^>]*>", page)]
    return {tag["name"]: tag for tag in tags}


def answers(node: Node) -> set[str]:
    """Return the files of the answers that questioner has kept."""
    return set(node.sh("find /var/lib/silverlining/files/questioner -name '*.json'").splitlines())


def test_questioner_fills_fields_from_the_address(samples: Node) -> None:
    assert Form(samples, "?name=Grace").fields["name"]["value"] == "Grace"


def test_questioner_shows_mistakes_in_their_place(samples: Node) -> None:
    before = answers(samples)
    answer = Form(samples).send(email="nobody", password_again="another password")
    assert answer.status_code == requests.codes.bad_request, seen(answer)
    wrong = [name for name, field in inputs(answer.text).items() if "aria-invalid" in field]
    assert wrong == ["email", "password_again"], seen(answer)
    assert "Ada &lt;Lovelace&gt;" in answer.text, seen(answer)
    assert "a long password" not in answer.text, seen(answer)
    assert answers(samples) == before


def test_questioner_keeps_an_answer_and_says_thanks(samples: Node) -> None:
    before = answers(samples)
    answer = Form(samples).send()
    assert answer.status_code == requests.codes.see_other, seen(answer)
    assert answer.headers["Location"] == "http://questioner.test/thanks"
    assert "hank" in samples.page("questioner.test", "/thanks").text
    (new,) = answers(samples) - before
    kept = json.loads(samples.sh(f"cat {new}"))
    assert kept["name"] == "Ada <Lovelace>"
    assert "a long password" not in str(kept)


def test_questioner_refuses_a_form_of_another_site(samples: Node) -> None:
    answer = samples.visit("questioner.test", method="POST", data=ANSWER)
    assert answer.status_code == requests.codes.forbidden, seen(answer)


def test_places_finds_the_nearest_ones_in_postgis(samples: Node) -> None:
    found = samples.page("places.test", PARIS).json()["places"]
    assert [place["name"] for place in found][:2] == ["Eiffel Tower, Paris", "Tower Bridge, London"]
    assert found[0]["distance"] == pytest.approx(4.2, abs=0.1)
    assert found[1]["distance"] == pytest.approx(342, abs=2)


def test_places_keeps_a_place(samples: Node) -> None:
    place = {"name": f"Camp of {samples.name}", "lat": -80.5, "lon": 100.25}
    answer = samples.visit("places.test", "/api/places", "POST", json=place)
    assert answer.status_code == requests.codes.created, seen(answer)
    found = samples.page("places.test", "/api/places?lat=-80.5&lon=100.25&within=1").json()[
        "places"
    ]
    assert place | {"distance": 0.0} in found
    page = samples.page("places.test", "/?lat=-80.5&lon=100.25&within=1")
    assert place["name"] in page.text, seen(page)


def test_places_names_mistakes(samples: Node) -> None:
    answer = samples.visit("places.test", "/api/places?lat=91&lon=0")
    assert answer.status_code == requests.codes.bad_request, seen(answer)
    assert list(answer.json()["fields"]) == ["lat"]


RUN_TESTS = """
import sys
import pytest
sys.exit(pytest.main(["-pno:cacheprovider", "--import-mode=importlib", "tests/test_postgis.py"]))
"""
PYTEST = ("iniconfig", "packaging", "pluggy", "pygments", "pytest")


def test_the_store_of_places_passes_its_tests_where_it_runs(site: Node, tmp_path: Path) -> None:
    """As the app's user and in its sandbox, with a database of its own, through update_fetch."""
    app = apps.copy(apps.sample("places"), tmp_path / "app", {"bin/run_tests.py": RUN_TESTS})
    for file in [file for name in PYTEST for file in files(name) or []]:
        if ".." not in file.parts and file.suffix != ".pyc":
            target = app / "lib/python" / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file.locate(), target)
    apps.set_key(app, "app_name", "places_tested")
    apps.set_key(app, "update_fetch", "script:bin/create_tables.py\n  script:bin/run_tests.py")
    site.must_deploy(app, "places-tested.test")
