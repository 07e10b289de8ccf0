"""Files before the application: the table that a node is asked, too (tests/commands)."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from webob import Request, Response

from silverlining.develop.serve.inside import front
from silverlining.develop.serve.inside.files import Files
from tests.support import shelf


@pytest.fixture(scope="module")
def app_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The application of the table, with the files that it writes."""
    directory = shelf.make(tmp_path_factory.mktemp("shelf") / "app")
    for name in ("all.txt", "all/index.html", "host/here.txt", "other.test/there.txt"):
        file = directory.parent / "written" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("Written.")
    return directory


def ask(app_dir: Path, method: str, uri: str, **headers: str) -> Response:
    """Send a request to an application that says which path it was asked for."""

    def says_path(environ: dict[str, str], start_response: object) -> list[bytes]:
        answer = Response(content_type="application/x-path")
        answer.body = environ["PATH_INFO"].encode("latin-1")
        return answer(environ, start_response)  # type: ignore[no-any-return]

    written = app_dir.parent / "written"
    files = Files(str(app_dir), (str(written / "host"), str(written)))
    query = uri.partition("?")[2]
    request = Request.blank("/", method=method, headers=headers)
    request.environ |= {"REQUEST_URI": uri, "QUERY_STRING": query, "HTTP_HOST": "visited.test:81"}
    return request.get_response(front.in_front_of(files.before(says_path)))


@pytest.mark.parametrize(("method", "path", "expected"), shelf.cases())
def test_a_path_leads_to_what_it_leads_to_on_a_node(
    app_dir: Path, method: str, path: str, expected: str
) -> None:
    answer = ask(app_dir, method, path)
    location = answer.headers.get("Location")
    if location:
        assert location.startswith("http://visited.test:81/")
        location = urlsplit(location)._replace(scheme="", netloc="").geturl()
    kind = answer.headers.get("Content-Type")
    text = answer.body.decode("latin-1")
    assert shelf.outcome(answer.status_int, kind, location, text) == expected


def test_a_file_that_was_not_changed_is_not_sent_again(app_dir: Path) -> None:
    first = ask(app_dir, "GET", "/file.txt")
    again = ask(app_dir, "GET", "/file.txt", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_int, again.body) == (304, b"")
    dated = {"If-Modified-Since": first.headers["Last-Modified"]}
    assert ask(app_dir, "GET", "/file.txt", **dated).status_int == 304


def test_a_changed_file_is_sent_again(app_dir: Path) -> None:
    (app_dir / "static/changing.txt").write_text("before")
    first = ask(app_dir, "GET", "/changing.txt")
    assert first.cache_control.no_cache
    (app_dir / "static/changing.txt").write_text("after!")
    again = ask(app_dir, "GET", "/changing.txt", **{"If-None-Match": first.headers["ETag"]})
    assert again.body == b"after!"


def test_a_part_of_a_file_can_be_had(app_dir: Path) -> None:
    answer = ask(app_dir, "GET", "/file.txt", Range="bytes=2-5")
    assert (answer.status_int, answer.body) == (206, b"file")
