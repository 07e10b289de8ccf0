"""The text of Varnish's configuration, made from the registry.

The *root* VCL maps hosts and path prefixes to one label for each app; the VCL behind an app's label
chooses the instance. A switch therefore changes the app's VCL only. What is the same for every app
(caching, retries, error pages) is plain VCL of the role ``varnish``, included at the end.

Rules that came from outside:

* ``return (vcl(label))`` rolls back what the root VCL did to the request, so both VCLs normalise the
  host themselves (https://varnish-cache.org/docs/7.1/users-guide/vcl-separate.html).
* The C compiler's time grows steeply with the length of a function, so no subroutine of the root VCL
  holds more than 50 hosts.
* A backend that nothing refers to is a compile error.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from silvernode.registry import Registry

HOSTS_PER_SUBROUTINE = 50


@dataclass(frozen=True)
class Vcl:
    """One compiled unit of Varnish.

    :param name: its name in Varnish, which changes with its text.
    :param file: the name of its file.
    :param text: its text.
    """

    name: str
    file: str
    text: str


@dataclass(frozen=True)
class Target:
    """One place where an instance is served.

    :param host: the host that visitors ask for, ``prev.`` included.
    :param path: the path prefix, such as ``/blog``; empty for a whole host.
    :param canonical_host: the host that the app is told.
    """

    host: str
    path: str
    app: str
    instance: str
    canonical_host: str


def label(app: str) -> str:
    """The label under which the root VCL finds an app."""
    return f"app_{app}"


def targets(registry: Registry) -> list[Target]:
    """Every place of a node, the most specific one of each host first."""
    places = []
    for location, route in registry.locations.items():
        host, slash, rest = location.partition("/")
        path = slash + rest
        places.append(Target(host, path, route.app, route.instance, host))
        if route.previous:
            places.append(Target(f"prev.{host}", path, route.app, route.previous, host))
    return sorted(places, key=lambda place: (place.host, -len(place.path), place.path))


def app_vcl(app: str, registry: Registry, directory: Path, max_connections: int) -> Vcl:
    """The VCL of one app: a backend for each instance that is served, and the choice among them.

    :param directory: where the role ``varnish`` keeps ``policy.vcl``.
    :param max_connections: connections to one instance at most.
    """
    places = [place for place in targets(registry) if place.app == app]
    instances = sorted({place.instance for place in places})
    backends = [_backend(name, registry.addresses[name], max_connections) for name in instances]
    route = ["sub silver_route {", *(_choose(place) for place in places), "}"]
    return _vcl(f"vcl_{app}", label(app), [*backends, *route], directory / "policy.vcl")


def root_vcl(registry: Registry, directory: Path) -> Vcl:
    """The VCL that finds the app of a host and a path.

    :param directory: where the role ``varnish`` keeps ``front.vcl``.
    """
    by_host: dict[str, list[Target]] = defaultdict(list)
    for place in targets(registry):
        by_host[place.host].append(place)
    hosts = [_host(host, places) for host, places in by_host.items()]
    chunks = [
        hosts[start : start + HOSTS_PER_SUBROUTINE]
        for start in range(0, len(hosts), HOSTS_PER_SUBROUTINE)
    ]
    lines = ["backend none none;"]
    for number, chunk in enumerate(chunks):
        lines += [f"sub silver_hosts_{number} {{", *chunk, "}"]
    calls = [f"  call silver_hosts_{number};" for number in range(len(chunks))]
    return _vcl("root", "root", [*lines, "sub silver_hosts {", *calls, "}"], directory / "front.vcl")


def start_commands(apps: dict[str, Vcl], root: Vcl, directory: Path) -> str:
    """The commands that a starting varnishd reads, so that it comes up with every route."""
    lines = []
    for app, vcl in sorted(apps.items()):
        lines += [f"vcl.load {vcl.name} {directory / vcl.file}", f"vcl.label {label(app)} {vcl.name}"]
    lines += [f"vcl.load {root.name} {directory / root.file}", f"vcl.use {root.name}"]
    return "\n".join(lines) + "\n"


def _vcl(prefix: str, file: str, lines: Iterable[str], include: Path) -> Vcl:
    head = ["vcl 4.1;", "# Made by silver-node from the registry: changes made here are lost."]
    text = "\n".join([*head, *lines, f'include "{include}";']) + "\n"
    digest = sha256(text.encode() + include.read_bytes()).hexdigest()[:12]
    return Vcl(f"{prefix}_{digest}", f"{file}.vcl", text)


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
    """The condition that a URL is ``path`` or lies under it (``/blog`` never catches ``/blogger``)."""
    return f'req.url ~ "^{_literal(path)}([/?]|$)"'


def _literal(path: str) -> str:
    return path.replace(".", r"\.")


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
        prefix = _literal(place.path)
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
        lines.append(f"    if ({_under(place.path)}) {{ {answer} }}" if place.path else f"    {answer}")
    return "\n".join([f'  if (req.http.host == "{host}") {{', *lines, "  }"])
