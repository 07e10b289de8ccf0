"""The application: a table of routes, and a method for each."""

from routes import Mapper, URLGenerator
from webob import Request, Response
from webob.dec import wsgify
from webob.exc import HTTPBadRequest, HTTPError, HTTPMethodNotAllowed, HTTPNotFound, HTTPSeeOther

from hello.settings import Settings
from hello.templates import render

METHODS = ("GET", "HEAD")


def make_mapper() -> Mapper:
    """Make the table of routes.

    Returns:
        Routes whose `action` is the name of a method of `Hello`, which gets what is in braces.
    """
    mapper = Mapper(controller_scan=None, explicit=True)
    mapper.minimization = False
    mapper.connect("home", "/", action="home")
    mapper.connect("greet", "/greet/{name:.+}", action="greet")
    mapper.connect("greet_form", "/greet", action="greet_form")
    mapper.connect("links", "/links", action="links")
    mapper.connect("environment", "/api/environment", action="environment")
    mapper.create_regs()  # now, rather than by two threads at once at the first requests
    return mapper


def check_encoding(request: Request) -> None:
    """Refuse a garbled address here, since WebOb decodes its parts only where they are used.

    Raises:
        HTTPBadRequest: The path or the query string is not UTF-8.
    """
    try:
        dict(request.GET, path=request.path_info)
    except UnicodeDecodeError as error:
        raise HTTPBadRequest("The address is not valid UTF-8.") from error


class HelloRequest(Request):
    """A request that knows how to make links within the application."""

    link: URLGenerator  # link("greet", name="Ada") -> "/greet/Ada", below the location's own path


class Hello:
    """The WSGI application.

    Args:
        settings: What it is configured with.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.mapper = make_mapper()

    @wsgify(RequestClass=HelloRequest)
    def __call__(self, request: HelloRequest) -> Response:
        """Answer a request with a page, or with a page that says what was wrong with it."""
        request.link = URLGenerator(self.mapper, request.environ)
        try:
            return self.dispatch(request)
        except HTTPError as error:
            error.text = self.page(request, "error.html", error=error)
            return error

    def dispatch(self, request: HelloRequest) -> Response:
        """Call the method that the request's path is routed to.

        Args:
            request: The request.

        Returns:
            The method's response.

        Raises:
            HTTPError: There is no such page, or not by this method.
        """
        check_encoding(request)
        route = self.mapper.match(request.path_info or "/", request.environ)
        if route is None:
            raise HTTPNotFound("There is no such page.")
        if request.method not in METHODS:
            raise HTTPMethodNotAllowed("This page can only be read.", allow=METHODS)
        response: Response = getattr(self, route.pop("action"))(request, **route)
        return response

    def page(self, request: HelloRequest, template: str, /, **values: object) -> str:
        """Draw a page of the site."""
        return render(template, link=request.link, settings=self.settings, **values)

    def home(self, request: HelloRequest) -> Response:
        """Show which instance serves, and where."""
        return Response(self.page(request, "home.html"))

    def greet(self, request: HelloRequest, name: str) -> Response:
        """Greet somebody."""
        return Response(self.page(request, "greet.html", name=name))

    def greet_form(self, request: HelloRequest) -> Response:
        """Send the home page's form on to the greeting's own address."""
        name = request.GET.get("name", "").strip()
        path = request.link("greet", name=name) if name else request.link("home")
        return HTTPSeeOther(location=path)

    def links(self, request: HelloRequest) -> Response:
        """Show what the link generator makes of the application's routes."""
        examples = [
            ('link("home")', request.link("home")),
            ('link("links")', request.link("links")),
            ('link("greet", name="Ada")', request.link("greet", name="Ada")),
            ('link("greet", name="Zoë & Co")', request.link("greet", name="Zoë & Co")),
            ('link("environment")', request.link("environment")),
            ('link("/hello.css")', request.link("/hello.css")),
        ]
        return Response(self.page(request, "links.html", examples=examples))

    def environment(self, request: HelloRequest) -> Response:
        """Give the settings as JSON."""
        return Response(json=self.settings._asdict())
