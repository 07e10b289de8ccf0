"""The names of locations: where an instance is served.

A location is `HOST[/PATH]`, a pattern `*.DOMAIN[/PATH]`, which means every host below DOMAIN, or
one of the special ones: `default` (the hosts that no other location has), `not-found` (what is
shown at hosts that nothing serves) and `disabled` (what is shown at disabled locations).
"""

import re
from collections.abc import Iterable

DEFAULT, DISABLED, NOT_FOUND = "default", "disabled", "not-found"
SPECIAL = (DEFAULT, NOT_FOUND, DISABLED)
WILDCARD = "*."
NO_HOST = "localhost"
"""What an app takes for its host where it is served at special locations only."""

# `prev.HOST` is where HOST's previous instance is served.
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_SEGMENT = "(?![.]{1,2}(/|$))[A-Za-z0-9._~-]+"
LOCATION = re.compile(
    r"default|not-found|disabled"
    r"|(\*\.)?(?!(prev|default|not-found|disabled)(/|$))(?!prev\.)(?=[^/]{1,248}(/|$))"
    rf"{_LABEL}(\.{_LABEL})*(/{_SEGMENT})*"
)
"""As strict as `silverlining.app.locations`. A registry of an older release may hold others."""

HOST_NAME = "(?!prev[.])([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
"""A regular expression, in the syntax of Python and of Varnish, for a host that a visitor chose and
that becomes the name of a directory. Source: RFC 1123, section 2.1; `prev.` is ours."""


def split(location: str) -> tuple[str, str]:
    """Return the host or pattern of a location, and its path, empty for a whole host."""
    host, slash, rest = location.partition("/")
    return host, slash + rest


def of_request(locations: Iterable[str], asked: str) -> str | None:
    """Return the most specific of some locations that a request was for, or None.

    Args:
        locations: those in question.
        asked: the host of the request, and the path prefix under which the app was found.
    """
    host, path = split(asked)
    fitting = [each for each in locations if _fits(each, host, path)]
    return min(fitting, key=specificity, default=None)


def _fits(location: str, host: str, path: str) -> bool:
    wanted, prefix = split(location)
    if wanted.startswith(WILDCARD):
        return path == prefix and host.endswith(wanted.removeprefix("*"))
    return wanted in SPECIAL or (host, path) == (wanted, prefix)


def canonical_host(location: str) -> str:
    """Return the host that an instance takes for its own: of a pattern the domain."""
    host = split(location)[0]
    return NO_HOST if host in SPECIAL else host.removeprefix(WILDCARD)


def specificity(location: str) -> tuple[int, int, str, int, str]:
    """Return a key that sorts the location first that a request is for, where it fits several.

    An exact host comes before a pattern, a longer pattern before a shorter one, and of one host
    the longest path first; then `default`, and `not-found` at the end.
    """
    host, path = split(location)
    rank = 1 if host.startswith(WILDCARD) else SPECIAL.index(host) + 2 if host in SPECIAL else 0
    return rank, -len(host) if rank == 1 else 0, host, -len(path), path
