"""The text of Varnish's configuration, made from the registry.

The *root* VCL maps hosts and path prefixes to one label for each app; the VCL behind an app's label
chooses the instance, or keeps visitors out. A switch therefore changes the app's VCL only. What is
the same for every app (caching, retries, error pages) is plain VCL of the role `varnish`, put at
the end. It also takes `prev.` off the host, and tells of it in X-Silver-Previous.

Both go through the places of a node in one order, so that they find the same one for a request.

Rules that came from outside:

- `return (vcl(label))` rolls back what the root VCL did to the request, so both VCLs normalise the
  host themselves (https://varnish-cache.org/docs/7.1/users-guide/vcl-separate.html).
- The C compiler's time grows steeply with the length of a function, so no subroutine holds more
  than 50 hosts or places.
- A backend that nothing refers to is a compile error.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import groupby
from pathlib import Path

from silvernode.routing.locations import (
    DEFAULT,
    DISABLED,
    HOST_NAME,
    NOT_FOUND,
    WILDCARD,
    specificity,
    split,
)
from silvernode.routing.places import Place, is_pattern, places, redirects
from silvernode.routing.registry import Registry

SUBROUTINE_SIZE = 50
PAGE_BACKEND = "page_of_disabled"

PROBED = "sub vcl_synth { if (resp.status == 752) { set resp.status = 200; return (deliver); } }"
"""Tells a balancer's probe that the node serves something."""


@dataclass(frozen=True)
class Vcl:
    """One compiled unit of Varnish.

    Attributes:
        name: its name in Varnish, which changes with its text.
        text: its text.
    """

    name: str
    text: str

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.name}.vcl"


def label(app: str) -> str:
    """Return the label under which the root VCL finds an app."""
    return f"app_{app}"


def app_vcl(app: str, registry: Registry, directory: Path, max_connections: int) -> Vcl:
    """Return the VCL of an app: a backend for each instance that is served, and the choice of one.

    Args:
        app: the app's name.
        registry: the node's routes.
        directory: where the role `varnish` keeps `apps.vcl`.
        max_connections: connections to one instance at most.
    """
    own = [
        place if place.previous in registry.addresses else replace(place, previous="")
        for place in places(registry)
        if place.app == app
    ]
    served = {name for each in own for name in (each.instance, each.previous) if name}
    backends = [
        _backend(_backend_name(name), registry.addresses[name], max_connections)
        for name in sorted(served)
    ]
    # One place at most is chosen: what it sets could match another one's condition.
    guard = "if (!req.http.X-Silver-Instance) { %s }"
    route = _split("silver_route", [*map(_choose, own)], guard)
    page = _page(own, registry, max_connections)
    return _vcl(f"vcl_{app}", [*backends, *route, *page], directory / "apps.vcl")


def root_vcl(registry: Registry, directory: Path) -> Vcl:
    """Return the VCL that finds the app of a host and a path.

    Args:
        registry: the node's routes.
        directory: where the role `varnish` keeps `hosts.vcl`.
    """
    found = {each.location: f"return (vcl({label(each.app)}));" for each in places(registry)}
    found |= dict.fromkeys(redirects(registry), "return (synth(751));")
    answers = sorted(found.items(), key=lambda answer: specificity(answer[0]))
    hosts = [_host(host, list(those)) for host, those in groupby(answers, _host_of)]
    lines = ["backend none none;", *_split("silver_hosts", hosts, "%s")]
    if hosts:
        lines.append(PROBED)
    return _vcl("root", lines, directory / "hosts.vcl")


def start_commands(apps: Mapping[str, Vcl], root: Vcl, directory: Path) -> str:
    """Return the commands that a starting varnishd reads, to come up with every route.

    Args:
        apps: the VCL of each app.
        root: the root VCL.
        directory: where their files are.
    """
    lines = []
    for app, unit in sorted(apps.items()):
        lines += [
            f"vcl.load {unit.name} {directory / unit.file}",
            f"vcl.label {label(app)} {unit.name}",
        ]
    lines += [f"vcl.load {root.name} {directory / root.file}", f"vcl.use {root.name}"]
    return "\n".join(lines) + "\n"


def _split(name: str, statements: Sequence[str], call: str) -> list[str]:
    """Return a subroutine that calls others, none of which is too long for the C compiler.

    Args:
        name: the name of the subroutine.
        statements: what it does.
        call: the form of a call, with `%s` in place of the statement.
    """
    lines, calls = [], []
    for start in range(0, len(statements), SUBROUTINE_SIZE):
        chunk = statements[start : start + SUBROUTINE_SIZE]
        lines += [f"sub {name}_{start} {{", *chunk, "}"]
        calls.append("  " + call % f"call {name}_{start};")
    return [*lines, f"sub {name} {{", *calls, "}"]


def _host_of(entry: tuple[str, str]) -> str:
    return split(entry[0])[0]


def _vcl(prefix: str, lines: Iterable[str], end: Path) -> Vcl:
    head = ["vcl 4.1;", "# Made by silver-node from the registry: changes made here are lost."]
    # Not included by its name: an upgrade replaces that file before it makes new units, and Varnish
    # has to be able to start with the old ones at any time.
    text = "\n".join([*head, *lines, end.read_text(encoding="utf-8")])
    return Vcl(f"{prefix}_{sha256(text.encode()).hexdigest()[:12]}", text)


def _backend_name(instance: str) -> str:
    return "instance_" + instance.partition(".")[2]


def _backend(name: str, address: str, max_connections: int) -> str:
    return (
        f"backend {name} {{\n"
        f'  .host = "{address}";\n'
        '  .port = "8080";\n'
        f"  .max_connections = {max_connections};\n"
        "}"
    )


def _page(own: Sequence[Place], registry: Registry, max_connections: int) -> list[str]:
    """Return the subroutine that has the app at `disabled` asked in the place of this one."""
    route = registry.locations.get(DISABLED)
    if not (route and any(place.closed for place in own)):
        return ["sub silver_page {", "}"]
    return [
        _backend(PAGE_BACKEND, registry.addresses[route.instance], max_connections),
        "sub silver_page {",
        f"  set req.backend_hint = {PAGE_BACKEND};",
        f'  set req.http.X-Silver-Instance = "{route.instance}";',
        '  set req.http.X-Silver-Page = "503";',
        "}",
    ]


def _under(path: str) -> str:
    """Return the condition that a URL is a path or lies under it (`/blog` is not `/blogger`)."""
    return f'req.url ~ "^{re.escape(path)}([/?]|$)"'


def _condition(host: str) -> str:
    """Return the condition that a visitor asks for a host, or for one that a pattern means."""
    if host in (DEFAULT, NOT_FOUND):
        return f'req.http.host ~ "^{HOST_NAME}$"'
    if is_pattern(host):
        domain = re.escape(host.removeprefix(WILDCARD))
        return f'req.http.host ~ "^{HOST_NAME}[.]{domain}$"'
    return f'req.http.host == "{host}"'


def _choose(place: Place) -> str:
    condition = _condition(place.host)
    lines = [f'    set req.http.X-Silver-Prefix = "{place.path}";', *_instance(place)]
    if place.host == NOT_FOUND:
        lines.append('    set req.http.X-Silver-Page = "404";')
    if place.closed:
        lines.append(f'    set req.http.X-Silver-Closed = "{place.closed}";')
    if place.path:
        condition += " && " + _under(place.path)
        prefix = re.escape(place.path)
        lines += [
            f'    if (req.url ~ "^{prefix}([?]|$)") {{',
            "      set req.http.X-Silver-Redirect ="
            f' regsub(req.url, "^{prefix}", "{place.path}/");',
            "    }",
            f'    set req.url = regsub(req.url, "^{prefix}/?", "/");',
        ]
    return "\n".join([f"  if ({condition}) {{", *lines, "    return;", "  }"])


def _instance(place: Place) -> list[str]:
    if place.host == NOT_FOUND:
        return [f"    {line}" for line in _serve(place.instance)]
    previous = _serve(place.previous) if place.previous else ["return (synth(404));"]
    return [
        "    if (req.http.X-Silver-Previous) {",
        *(f"      {line}" for line in previous),
        "    } else {",
        *(f"      {line}" for line in _serve(place.instance)),
        "    }",
    ]


def _serve(instance: str) -> list[str]:
    return [
        f"set req.backend_hint = {_backend_name(instance)};",
        f'set req.http.X-Silver-Instance = "{instance}";',
    ]


def _host(host: str, answers: Iterable[tuple[str, str]]) -> str:
    lines = []
    for location, answer in answers:
        path = split(location)[1]
        lines.append(f"    if ({_under(path)}) {{ {answer} }}" if path else f"    {answer}")
    return "\n".join([f"  if ({_condition(host)}) {{", *lines, "  }"])
