"""Files go before the application, as the rewrite rules of a node's Apache have it.

Source: roles/apache/templates/etc/silverlining/httpd.conf.j2. The tests ask a node and this module
for the same paths.
"""

import os
from collections.abc import Iterable, Sequence
from mimetypes import MimeTypes
from pathlib import PurePosixPath
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from webob.exc import HTTPForbidden, HTTPMovedPermanently
from webob.static import FileApp

from silverlining.app import uploads

INDEX = "index.html"
METHODS = ("GET", "HEAD")
NODE_TYPES = "/etc/mime.types"
"""What a node's Apache knows, and this machine too if it is a Debian or an Ubuntu."""


class Files:
    """The files of an application.

    Attributes:
        roots: directories in the order in which a file is looked for.
    """

    def __init__(self, app_dir: str, writable_roots: Sequence[str]) -> None:
        self._app_dir = app_dir
        self._static = os.path.join(app_dir, "static")  # noqa: PTH118 (paths of bytes, in a way)
        self.roots = [self._static, *writable_roots]
        self._types = MimeTypes()
        if os.path.isfile(NODE_TYPES):  # noqa: PTH113
            self._types.read(NODE_TYPES)

    def before(self, app: WSGIApplication) -> WSGIApplication:
        """Return what serves the files, and asks `app` for everything else."""

        def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            found = self._find(environ) if environ["REQUEST_METHOD"] in METHODS else None
            return (found or app)(environ, start_response)

        return application

    def content_type(self, name: str) -> str | None:
        """Return the type of a file: that of the last extension which is known (mod_mime)."""
        extensions = name.lstrip(".").split(".")[1:]
        known = [self._types.types_map[True].get(f".{each.lower()}") for each in extensions]
        return next((each for each in reversed(known) if each), None)

    def _find(self, environ: WSGIEnvironment) -> WSGIApplication | None:
        path = environ["PATH_INFO"]
        for root in self.roots:
            if self._is_file(root, path):
                return self._served(root, path)
            if path.endswith("/") and self._is_file(root, path + INDEX):
                return self._served(root, path + INDEX)
            if not path.endswith("/") and self._is_file(root, f"{path}/{INDEX}"):
                return _moved(environ, f"{path}/")
        return None

    def _is_file(self, root: str, path: str) -> bool:
        if ".." in path.split("/"):  # `path_of` lets none through: the second lock
            return False
        if not os.path.isfile(_on_disk(root, path)):  # noqa: PTH113 (a path may end in a slash)
            return False
        # What is not uploaded is on no node.
        return root != self._static or not uploads.is_excluded(PurePosixPath("static" + path))

    def _served(self, root: str, path: str) -> WSGIApplication:
        if "?" in path:  # Apache's rewriting refuses it, since CVE-2024-38474
            return HTTPForbidden()  # type: ignore[no-any-return]
        file = _on_disk(root, path)
        kind = self.content_type(os.path.basename(path))  # noqa: PTH119
        served: WSGIApplication = FileApp(
            file,
            headerlist=[("Content-Type", kind)] if kind else [],
            content_type=None,
            content_encoding=None,
            etag=_etag(file),
            # Not on a node: here files change while somebody looks at them.
            cache_control="no-cache",
        )
        return served


def _on_disk(root: str, path: str) -> str:
    """Return the name of a file; `path` has the bytes of a URL as characters of Latin-1."""
    return root + os.fsdecode(path.encode("latin-1"))


def _etag(file: str) -> str | None:
    try:
        found = os.stat(file)  # noqa: PTH116
    except OSError:
        return None
    return f"{found.st_size:x}-{found.st_mtime_ns // 1000:x}"  # `FileETag MTime Size`


def _moved(environ: WSGIEnvironment, path: str) -> WSGIApplication:
    query = environ.get("QUERY_STRING", "")
    url = f"{environ['wsgi.url_scheme']}://{environ['HTTP_HOST']}{quote(path, encoding='latin-1')}"
    moved: WSGIApplication = HTTPMovedPermanently(location=url + (f"?{query}" if query else ""))
    return moved
