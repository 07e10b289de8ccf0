"""The application: a page, and the same for programs."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from webob import Request, Response
from webob.dec import wsgify
from webob.exc import (
    HTTPBadRequest,
    HTTPError,
    HTTPLengthRequired,
    HTTPMethodNotAllowed,
    HTTPNotFound,
    HTTPRequestEntityTooLarge,
    HTTPSeeOther,
    HTTPServiceUnavailable,
    HTTPUnsupportedMediaType,
)

from places.connections import DatabaseError
from places.geography import Neighbour, Place, Point, Search
from places.reading import DEFAULT_DISTANCE, MistakesError, read_place, read_search
from places.sketch import draw
from places.store import Store
from places.templates import render

MOST = 50  # places in an answer
LARGEST = 64 * 1024  # bytes of a request
PARIS = Search(Point(48.8566, 2.3522), DEFAULT_DISTANCE)

METHODS = ("GET", "HEAD", "POST")
RETRY_AFTER = 5  # seconds
RESTING = "The database does not answer at the moment. Please try again in a few seconds."

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

logger = logging.getLogger(__name__)


def check_request(request: Request) -> None:
    """Refuse a garbled or too large request, before anything of it is used.

    Raises:
        HTTPError: Its address is not UTF-8, or its body is of another type or too large.
    """
    try:
        dict(request.GET, path=request.path_info)
    except UnicodeDecodeError as error:
        raise HTTPBadRequest("The address is not valid UTF-8.") from error
    if request.method != "POST":
        return
    expected = JSON if is_for_programs(request) else FORM
    if request.content_type != expected:
        raise HTTPUnsupportedMediaType(f"This must be sent as {expected}.")
    if request.content_length is None:
        raise HTTPLengthRequired("The length of the request is missing.")
    if request.content_length > LARGEST:
        raise HTTPRequestEntityTooLarge(f"A request has at most {LARGEST} bytes.")


def is_for_programs(request: Request) -> bool:
    """Tell whether the answer is to be JSON."""
    path: str = request.environ["PATH_INFO"]
    return path.startswith("/api/")


def to_data(neighbour: Neighbour) -> dict[str, object]:
    """Return a neighbour as JSON shows it."""
    return place_to_data(neighbour.place) | {"distance": round(neighbour.distance, 3)}


def to_fields(search: Search) -> dict[str, float]:
    """Return a search as the fields that `read_search` reads."""
    return {**vars(search.center), "within": search.within}


def place_to_data(place: Place) -> dict[str, object]:
    """Return a place as JSON shows it."""
    return {"name": place.name, **vars(place.point)}


@dataclass(frozen=True)
class Form:
    """A form of the page: what is in its fields, and what to say about those that are wrong."""

    values: Mapping[str, object] = field(default_factory=dict)
    mistakes: Mapping[str, str] = field(default_factory=dict)


class Places:
    """The WSGI application.

    Args:
        store: Where the places are kept.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    @wsgify
    def __call__(self, request: Request) -> Response:
        """Answer a request, in HTML or JSON, also where something is wrong with it."""
        try:
            check_request(request)
            return self.dispatch(request)
        except MistakesError as error:
            return Response(status=400, json={"error": str(error), "fields": error.fields})
        except HTTPError as error:
            if is_for_programs(request):
                error.content_type = JSON
                error.json = {"error": error.detail}
            else:
                error.text = render("error.html", root=request.script_name, error=error)
            return error

    def dispatch(self, request: Request) -> Response:
        """Find out what is asked for, and answer it.

        Args:
            request: The request.

        Returns:
            The response.

        Raises:
            HTTPError: There is no such page, or the request cannot be served.
            MistakesError: A program sent something wrong.
        """
        try:
            match request.method, request.path_info or "/":
                case "GET" | "HEAD", "/":
                    return self.show(request)
                case "POST", "/":
                    return self.add(request)
                case "GET" | "HEAD", "/api/places":
                    return self.list_for_program(request)
                case "POST", "/api/places":
                    return self.add_for_program(request)
                case _, "/" | "/api/places":
                    raise HTTPMethodNotAllowed("This address is not for that.", allow=METHODS)
        except DatabaseError as error:
            logger.exception("A request could not be served")
            raise HTTPServiceUnavailable(RESTING, retry_after=RETRY_AFTER) from error
        raise HTTPNotFound("There is no such page.")

    def show(self, request: Request) -> Response:
        """Show the places that are asked for, or those around Paris."""
        if not request.GET:
            return self.page(request, PARIS)
        try:
            return self.page(request, read_search(request.GET))
        except MistakesError as error:
            return self.page(request, None, look=Form(request.GET, error.fields), status=400)

    def add(self, request: Request) -> Response:
        """Keep a place, and go on to what is around it; or show the form again."""
        try:
            place = read_place(request.POST)
        except MistakesError as error:
            return self.page(request, PARIS, new=Form(request.POST, error.fields), status=400)
        self.store.add(place)
        return HTTPSeeOther(location=f"{request.script_name}/?{urlencode(vars(place.point))}")

    def page(
        self,
        request: Request,
        search: Search | None,
        look: Form | None = None,
        new: Form | None = None,
        status: int = 200,
    ) -> Response:
        """Draw the page.

        Args:
            request: The request.
            search: What to show, if anything.
            look: The form to search with; by default filled in with the search.
            new: The form for a new place; empty by default.
            status: The response's status.

        Returns:
            The page.
        """
        found = self.store.nearest(search, MOST) if search else []
        fields = to_fields(search) if search else {}
        html = render(
            "places.html",
            root=request.script_name,
            search=search,
            found=found,
            dots=draw(search, found) if search else [],
            look=look or Form({name: f"{value:.10g}" for name, value in fields.items()}),
            new=new or Form(),
        )
        return Response(html, status=status)

    def list_for_program(self, request: Request) -> Response:
        """Give the places that are asked for as JSON."""
        search = read_search(request.GET)
        found = self.store.nearest(search, MOST)
        return Response(json={"search": to_fields(search), "places": [*map(to_data, found)]})

    def add_for_program(self, request: Request) -> Response:
        """Keep a place that is sent as JSON."""
        try:
            values = request.json
        except (ValueError, RecursionError) as error:
            raise HTTPBadRequest(f"This is not JSON: {error}") from error
        if not isinstance(values, dict):
            raise HTTPBadRequest("A place is a JSON object with name, lat and lon.")
        place = read_place(values)
        self.store.add(place)
        return Response(status=201, json=place_to_data(place))
