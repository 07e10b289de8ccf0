"""A guestbook: shows what visitors wrote, the newest first."""

import html
import json
from pathlib import Path

from webob import Request, Response
from webob.dec import wsgify
from webob.exc import HTTPBadRequest, HTTPNotFound, HTTPSeeOther

from silversupport.environment import variable

PAGE = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
LONGEST = 1000
"""How many characters of an entry are kept."""


@wsgify
def application(request: Request) -> Response:
    """Answer a request; `runner` in app.ini names this file."""
    if request.path_info != "/":
        raise HTTPNotFound
    if request.method == "POST":
        return sign(request)
    entries = "\n".join(f"<li>{html.escape(entry)}</li>" for entry in reversed(read()))
    static_url = html.escape(variable("STATIC_URL"))
    return Response(PAGE.replace("{entries}", entries).replace("{static_url}", static_url))


def sign(request: Request) -> Response:
    """Keep what was sent, and show the page again."""
    entry = request.POST.get("entry", "").strip()
    if not entry:
        raise HTTPBadRequest("Write something first.")
    # One short write at the end of a file: those of two processes do not mix.
    with book().open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry[:LONGEST]) + "\n")
    return HTTPSeeOther(location=request.application_url + "/")


def read() -> list[str]:
    """Return all entries, the oldest first."""
    if not book().exists():
        return []
    return [json.loads(line) for line in book().read_text(encoding="utf-8").splitlines()]


def book() -> Path:
    """Return the file of the entries, in the directory that `service.files` gives."""
    return Path(variable("CONFIG_FILES")) / "entries.jsonl"
