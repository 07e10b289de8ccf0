"""The pages and the JSON of places, with a store in memory."""

import json
import re
from math import asin, cos, pi, radians, sin, sqrt

import pytest
from webob import Request, Response

from places.application import Places
from places.connections import DatabaseError
from places.geography import Neighbour, Place, Point, Search, direction
from places.reading import MistakesError, read_search
from places.sketch import draw

PARIS = Place("Eiffel Tower", Point(48.8584, 2.2945))
LONDON = Place("Tower Bridge", Point(51.5055, -0.0754))
SYDNEY = Place("Opera House", Point(-33.8568, 151.2153))


class MemoryStore:
    """A store whose earth is a sphere."""

    def __init__(self, *places: Place) -> None:
        self.places = list(places)

    def add(self, place: Place) -> None:
        self.places.append(place)

    def nearest(self, search: Search, limit: int) -> list[Neighbour]:
        all_places = [
            Neighbour(place, distance(search.center, place.point)) for place in self.places
        ]
        near = [neighbour for neighbour in all_places if neighbour.distance <= search.within]
        return sorted(near, key=lambda neighbour: neighbour.distance)[:limit]


class BrokenStore(MemoryStore):
    """A store whose database is away."""

    def add(self, place: Place) -> None:
        raise DatabaseError("connection refused by 10.0.0.1")

    def nearest(self, search: Search, limit: int) -> list[Neighbour]:
        raise DatabaseError("connection refused by 10.0.0.1")


def distance(one: Point, other: Point) -> float:
    """Return the distance on a sphere (the haversine formula), in kilometres."""
    north, east = radians(other.lat - one.lat) / 2, radians(other.lon - one.lon) / 2
    chord = sin(north) ** 2 + cos(radians(one.lat)) * cos(radians(other.lat)) * sin(east) ** 2
    return 2 * 6371 * asin(sqrt(chord))


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(PARIS, LONDON, SYDNEY)


def ask(store: MemoryStore, path: str, **options: object) -> Response:
    return Request.blank(path, **options).get_response(Places(store))


def send_json(store: MemoryStore, body: bytes) -> Response:
    return ask(store, "/api/places", method="POST", body=body, content_type="application/json")


def test_page_shows_places_nearest_first(store: MemoryStore) -> None:
    page = ask(store, "/?lat=51.5&lon=-0.1&within=500").text

    assert page.index("Tower Bridge") < page.index("Eiffel Tower")
    assert "Opera House" not in page
    assert len(re.findall(r'<g class="dot"', page)) == 2


def test_first_page_shows_what_is_near_paris(store: MemoryStore) -> None:
    page = ask(store, "/")

    assert page.status_code == 200
    assert "Eiffel Tower" in page.text
    assert 'value="48.8566"' in page.text


def test_page_without_a_place_says_so(store: MemoryStore) -> None:
    assert "No place within 5 km" in ask(store, "/?lat=0&lon=0&within=5").text


def test_added_place_is_kept_and_shown(store: MemoryStore) -> None:
    response = ask(store, "/", POST={"name": " Zoë's ", "lat": "10.5", "lon": "-20"})

    assert response.status_code == 303
    assert response.location == "http://localhost/?lat=10.5&lon=-20.0"
    assert store.places[-1] == Place("Zoë's", Point(10.5, -20))


def test_names_are_escaped(store: MemoryStore) -> None:
    store.add(Place('<script>"&', Point(48.8, 2.3)))

    page = ask(store, "/").text

    assert "<script>" not in page
    assert "&lt;script&gt;&quot;&amp;" in page


@pytest.mark.parametrize(
    ("field", "value", "mistake"),
    [
        ("name", "", "not empty"),
        ("name", "   ", "not empty"),
        ("name", "x" * 101, "at most 100"),
        ("name", "a\x00b", "ordinary characters"),
        ("lat", "", "from -90 to 90"),
        ("lat", "90.1", "from -90 to 90"),
        ("lat", "north", "from -90 to 90"),
        ("lat", "nan", "from -90 to 90"),
        ("lon", "-180.5", "from -180 to 180"),
        ("lon", "inf", "from -180 to 180"),
        ("lon", "1;DROP TABLE place", "from -180 to 180"),
    ],
)
def test_mistake_in_a_new_place_is_shown_in_the_form_and_in_json(
    store: MemoryStore, field: str, value: str, mistake: str
) -> None:
    values = {"name": "Somewhere", "lat": "1", "lon": "2"} | {field: value}

    page = ask(store, "/", POST=values)
    data = send_json(store, json.dumps(values).encode())

    assert page.status_code == data.status_code == 400
    assert re.search(f'id="new-{field}-error">[^<]*{mistake}', page.text)
    assert list(data.json["fields"]) == [field]
    assert mistake in data.json["fields"][field]
    assert len(store.places) == 3


def test_form_with_a_mistake_keeps_what_was_typed(store: MemoryStore) -> None:
    page = ask(store, "/", POST={"name": 'My "home"', "lat": "abc", "lon": "2"}).text

    assert 'value="My &quot;home&quot;"' in page
    assert 'value="abc"' in page


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("", {"lat", "lon"}),
        ("lat=91&lon=1", {"lat"}),
        ("lat=1&lon=1&within=-1", {"within"}),
        ("lat=1&lon=1&within=20041", {"within"}),
        ("lat=x&lon=y&within=z", {"lat", "lon", "within"}),
    ],
)
def test_mistakes_in_a_search_are_told_all_at_once(
    store: MemoryStore, query: str, fields: set[str]
) -> None:
    data = ask(store, f"/api/places?{query}")

    assert data.status_code == 400
    assert set(data.json["fields"]) == fields


def test_mistake_in_a_search_is_shown_in_the_form(store: MemoryStore) -> None:
    page = ask(store, "/?lat=1&lon=abc")

    assert page.status_code == 400
    assert 'id="look-lon-error"' in page.text


def test_json_gives_places_nearest_first_with_kilometres(store: MemoryStore) -> None:
    data = ask(store, "/api/places?lat=51.5055&lon=-0.0754&within=500").json

    assert data["search"] == {"lat": 51.5055, "lon": -0.0754, "within": 500}
    assert [place["name"] for place in data["places"]] == ["Tower Bridge", "Eiffel Tower"]
    assert data["places"][0] == {
        "name": "Tower Bridge",
        "lat": 51.5055,
        "lon": -0.0754,
        "distance": 0,
    }
    assert data["places"][1]["distance"] == pytest.approx(340, abs=5)


def test_json_adds_a_place(store: MemoryStore) -> None:
    response = send_json(store, b'{"name": "Null Island", "lat": 0, "lon": 0.0}')

    assert response.status_code == 201
    assert response.json == {"name": "Null Island", "lat": 0, "lon": 0}
    assert store.places[-1] == Place("Null Island", Point(0, 0))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 60_000,
        b"[]",
        b'"a place"',
        b'{"name": 1, "lat": 1, "lon": 1}',
        b'{"name": "a\\ud800", "lat": 1, "lon": 1}',
        b'{"name": "a", "lat": true, "lon": 1}',
        b'{"name": "a", "lat": null, "lon": 1}',
        b'{"name": "a", "lat": [1], "lon": 1}',
        b'{"name": "a", "lat": NaN, "lon": 1}',
        b'{"name": "a", "lat": 1, "lon": 1' + b"0" * 400 + b"}",
    ],
)
def test_bad_json_is_refused_with_a_reason(store: MemoryStore, body: bytes) -> None:
    response = send_json(store, body)

    assert response.status_code == 400
    assert response.content_type == "application/json"
    assert response.json["error"]
    assert len(store.places) == 3


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/api/nothing", {}, 404),
        ("/api/places", {"method": "DELETE"}, 405),
        ("/api/places", {"POST": {"name": "a"}}, 415),
        ("/api/%ff", {}, 400),
    ],
)
def test_errors_for_programs_are_json(
    store: MemoryStore, path: str, options: dict[str, object], status: int
) -> None:
    response = ask(store, path, **options)

    assert response.status_code == status
    assert response.json["error"]


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/nothing", {}, 404),
        ("/", {"method": "PUT"}, 405),
        ("/?lat=%ff", {}, 400),
        ("/", {"POST": {"name": "x" * 70_000}}, 413),
        ("/", {"method": "POST", "body": b"{}", "content_type": "application/json"}, 415),
    ],
)
def test_errors_for_people_are_pages(
    store: MemoryStore, path: str, options: dict[str, object], status: int
) -> None:
    response = ask(store, path, **options)

    assert response.status_code == status
    assert "To the places" in response.text


def test_refused_method_is_told_what_is_allowed(store: MemoryStore) -> None:
    assert ask(store, "/api/places", method="DELETE").allow == ("GET", "HEAD", "POST")


def test_database_that_is_away_is_told_without_details(caplog: pytest.LogCaptureFixture) -> None:
    page = ask(BrokenStore(), "/")
    data = ask(BrokenStore(), "/api/places?lat=1&lon=1")

    assert page.status_code == data.status_code == 503
    assert page.retry_after is not None
    assert "try again" in page.text
    assert "try again" in data.json["error"]
    assert "10.0.0.1" not in page.text + data.text
    assert "10.0.0.1" in caplog.text


def test_links_stay_below_the_path_where_the_application_is_served(store: MemoryStore) -> None:
    request = Request.blank("/")
    request.script_name = "/demo"
    page = request.get_response(Places(store)).text

    links = re.findall(r'(?:href|src|action)="([^"]*)"', page)
    assert len(links) > 5
    assert all(link.startswith("/demo/") for link in links), links


def test_search_has_a_default_distance() -> None:
    assert read_search({"lat": "1", "lon": "2"}) == Search(Point(1, 2), 1000)


def test_mistakes_name_the_fields() -> None:
    with pytest.raises(MistakesError, match=r"lat: .*; lon: "):
        read_search({})


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (Point(1, 0), 0),
        (Point(0, 1), pi / 2),
        (Point(-1, 0), pi),
        (Point(0, -1), 3 * pi / 2),
    ],
)
def test_direction_is_clockwise_from_north(end: Point, expected: float) -> None:
    assert direction(Point(0, 0), end) == pytest.approx(expected)


def test_direction_crosses_the_date_line() -> None:
    assert direction(Point(0, 179), Point(0, -179)) == pytest.approx(pi / 2)


def test_sketch_has_north_at_the_top_and_the_distance_at_its_rim() -> None:
    search = Search(Point(0, 0), 200)
    north, east = Place("n", Point(1, 0)), Place("e", Point(0, 1))

    dots = draw(search, [Neighbour(north, 100), Neighbour(east, 200)])

    assert [(dot.number, dot.x, dot.y) for dot in dots] == [(1, 0, -50), (2, 100, 0)]


def test_sketch_of_no_distance_is_a_dot_in_the_middle() -> None:
    (dot,) = draw(Search(PARIS.point, 0), [Neighbour(PARIS, 0)])

    assert (dot.x, dot.y) == (0, 0)
