"""Where an instance is served: `HOST[/PATH]`, `*.DOMAIN[/PATH]`, or at one of the special ones."""

import re
from dataclasses import dataclass
from typing import Self

from silversupport.errors import SilverError

# RFC 1035, section 2.3.4, and RFC 1123, section 2.1. `prev.HOST` must be a name too.
_MAX_HOST = 253 - len("prev.")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
# Of the characters of a path (RFC 3986, "unreserved"), none ends a word, a string or a
# statement for a shell, Apache or VCL.
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")
WILDCARD = "*."
SPECIAL = frozenset({"default", "disabled", "not-found"})
"""The locations that are no hosts: for hosts that no other location has, and for two pages."""


class LocationError(SilverError):
    """A text is not a location."""


@dataclass(frozen=True)
class Location:
    """A host name and a path prefix under which an instance is served.

    Attributes:
        host: the host name in lower case, without a port; or `*.` and a domain for every host below
            it; or one of `SPECIAL`.
        path: "" for the whole host, else a prefix such as "/blog", without a trailing slash.
    """

    host: str
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `HOST[/PATH]`, `*.DOMAIN[/PATH]` or a special one.

        Raises:
            LocationError: it is anything else, or a reserved name.
        """
        host, slash, path = text.partition("/")
        problem = (
            _scheme_problem(text)
            or _host_problem(host.removeprefix(WILDCARD))
            or _reserved_problem(host.lower(), slash + path)
            or _path_problem(slash + path)
        )
        if problem:
            raise LocationError(
                f"{text!r} is not a location (HOST, HOST/PATH or *.DOMAIN): {problem}"
            )
        return cls(host.lower(), slash + path)

    def __str__(self) -> str:
        return self.host + self.path

    @property
    def is_host(self) -> bool:
        """Whether it means one host, which a browser can be sent to."""
        return self.host not in SPECIAL and not self.host.startswith(WILDCARD)

    @property
    def title(self) -> str:
        """What to call it in a sentence: its address, where it has one."""
        return f"http://{self}/" if self.is_host else str(self)


def _scheme_problem(text: str) -> str | None:
    scheme, separator, rest = text.partition("://")
    if not separator:
        return None
    return f"leave out {scheme + separator!r}, write {rest.rstrip('/')!r}"


def _host_problem(host: str) -> str | None:
    if ":" in host:
        return "leave out the port, sites are served on 80 and 443"
    if "*" in host:
        return "'*' stands for the beginning of a host name only: *.DOMAIN"
    if len(host) > _MAX_HOST:
        return f"the host name is longer than {_MAX_HOST} characters"
    if not all(map(_LABEL.fullmatch, host.split("."))):
        return (
            "a host name is made of labels of 1 to 63 letters, digits and inner hyphens with "
            "dots between (an international name in its xn-- form)"
        )
    return None


def _reserved_problem(host: str, path: str) -> str | None:
    if host.removeprefix(WILDCARD).startswith("prev."):
        return "'prev.' is put before a host name by Silver Lining, to serve the previous instance"
    if host.removeprefix(WILDCARD) == "prev" or host.removeprefix(WILDCARD) in SPECIAL - {host}:
        return f"{host!r} is reserved, choose another name"
    return f"{host!r} has no paths, write {host!r}" if host in SPECIAL and path else None


def _path_problem(path: str) -> str | None:
    """Return what is wrong with "" or a path that begins with a slash."""
    if not path:
        return None
    if path.endswith("/"):
        return "leave out the slash at the end"
    segments = path.split("/")[1:]
    if not all(map(_SEGMENT.fullmatch, segments)) or {".", ".."} & set(segments):
        return "a path is made of letters, digits and . _ ~ - between single slashes, without '..'"
    return None
