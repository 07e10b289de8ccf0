"""The text of Varnish's configuration, made from the registry.

The *root* VCL maps hosts and path prefixes to one label for each app; the VCL behind an app's label
chooses the instance. A switch therefore changes the app's VCL only. What is the same for every app
(caching, retries, error pages) is plain VCL of the role `varnish`, included at the end.

Rules that came from outside:

- `return (vcl(label))` rolls back what the root VCL did to the request, so both VCLs normalise the
  host themselves (https://varnish-cache.org/docs/7.1/users-guide/vcl-separate.html).
- The C compiler's time grows steeply with the length of a function, so no subroutine holds more
  than 50 hosts or places.
- A backend that nothing refers to is a compile error.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path

from silvernode.registry import Registry

SUBROUTINE_SIZE = 50


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


@dataclass(frozen=True)
class Target:
    """One place where an instance is served.

    Attributes:
        host: the host that visitors ask for, `prev.` included.
        path: the path prefix, such as `/blog`; empty for a whole host.
        app: the app's name.
        instance: the instance's name.
        canonical_host: the host that the app is told.
    """

    host: str
    path: str
    app: str
    instance: str
    canonical_host: str


def label(app: str) -> str:
    """Return the label under which the root VCL finds an app."""
    return f"app_{app}"


def targets(registry: Registry) -> list[Target]:
    """Return every place of a node, the most specific one of each host first."""
    places = []
    for location, route in registry.locations.items():
        host, slash, rest = location.partition("/")
        path = slash + rest
        places.append(Target(host, path, route.app, route.instance, host))
        if route.previous:
            places.append(Target(f"prev.{host}", path, route.app, route.previous, host))
    return sorted(places, key=lambda place: (place.host, -len(place.path), place.path))


def app_vcl(app: str, registry: Registry, directory: Path, max_connections: int) -> Vcl:
    """Return the VCL of an app: a backend for each instance that is served, and the choice of one.

    Args:
        app: the app's name.
        registry: the node's routes.
        directory: where the role `varnish` keeps `policy.vcl`.
        max_connections: connections to one instance at most.
    """
    places = [place for place in targets(registry) if place.app == app]
    instances = sorted({place.instance for place in places})
    backends = [_backend(name, registry.addresses[name], max_connections) for name in instances]
    # One place at most is chosen: what it sets could match another one's condition.
    guard = "if (!req.http.X-Silver-Instance) { %s }"
    route = _split("silver_route", [*map(_choose, places)], guard)
    return _vcl(f"vcl_{app}", [*backends, *route], directory / "policy.vcl")


def root_vcl(registry: Registry, directory: Path) -> Vcl:
    """Return the VCL that finds the app of a host and a path.

    Args:
        registry: the node's routes.
        directory: where the role `varnish` keeps `front.vcl`.
    """
    hosts = [_host(host, list(places)) for host, places in groupby(targets(registry), _host_of)]
    lines = ["backend none none;", *_split("silver_hosts", hosts, "%s")]
    return _vcl("root", lines, directory / "front.vcl")


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


def _host_of(place: Target) -> str:
    return place.host


def _vcl(prefix: str, lines: Iterable[str], include: Path) -> Vcl:
    head = ["vcl 4.1;", "# Made by silver-node from the registry: changes made here are lost."]
    text = "\n".join([*head, *lines, f'include "{include}";']) + "\n"
    digest = sha256(text.encode() + include.read_bytes()).hexdigest()[:12]
    return Vcl(f"{prefix}_{digest}", text)


def _backend_name(instance: str) -> str:
    return "instance_" + instance.partition(".")[2]


def _backend(instance: str, address: str, max_connections: int) -> str:
    return (
        f"backend {_backend_name(instance)} {{\n"
        f'  .host = "{address}";\n'
        '  .port = "8080";\n'
        f"  .max_connections = {max_connections};\n"
        "}"
    )


def _under(path: str) -> str:
    """Return the condition that a URL is a path or lies under it (`/blog` is not `/blogger`)."""
    return f'req.url ~ "^{re.escape(path)}([/?]|$)"'


def _choose(place: Target) -> str:
    condition = f'req.http.host == "{place.host}"'
    lines = [
        f"    set req.backend_hint = {_backend_name(place.instance)};",
        f'    set req.http.host = "{place.canonical_host}";',
        f'    set req.http.X-Silver-Host = "{place.canonical_host}";',
        f'    set req.http.X-Silver-Instance = "{place.instance}";',
        f'    set req.http.X-Silver-Prefix = "{place.path}";',
    ]
    if place.path:
        condition += " && " + _under(place.path)
        prefix = re.escape(place.path)
        lines += [
            f'    if (req.url ~ "^{prefix}([?]|$)") {{',
            f'      return (synth(751, regsub(req.url, "^{prefix}", "{place.path}/")));',
            "    }",
            f'    set req.url = regsub(req.url, "^{prefix}", "");',
        ]
    return "\n".join([f"  if ({condition}) {{", *lines, "    return;", "  }"])


def _host(host: str, places: Iterable[Target]) -> str:
    lines = []
    for place in places:
        answer = f"return (vcl({label(place.app)}));"
        lines.append(
            f"    if ({_under(place.path)}) {{ {answer} }}" if place.path else f"    {answer}"
        )
    return "\n".join([f'  if (req.http.host == "{host}") {{', *lines, "  }"])
