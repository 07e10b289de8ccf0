"""Base images of local nodes: a bare server with systemd, sshd, Python and sudo, no more."""

import hashlib
import io
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import APIError, BuildError, DockerException, ImageNotFound
from requests.exceptions import RequestException

from silverlining import files, packages, paths
from silverlining.packages import Report
from silversupport.errors import SilverError

REPOSITORY = "silverlining/node"
RECIPE_LABEL = "silverlining.recipe"
LOGIN_USER = "admin"

_PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "python3",
    "sudo",
    "ca-certificates",
    "iproute2",
)
_INSTALL = (
    "RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes"
    f" --no-install-recommends {' '.join(_PACKAGES)} && rm -rf /var/lib/apt/lists/*"
)
# Host keys and machine id belong to one machine. A policy-rc.d of a pulled image forbids services
# to start, and its user ubuntu has the uid of ours. Consoles have no terminal here.
_CONFIGURE = rf"""
RUN rm -f /etc/ssh/ssh_host_* /usr/sbin/policy-rc.d && : > /etc/machine-id \
 && if id ubuntu >/dev/null 2>&1; then userdel --remove ubuntu; fi \
 && useradd --uid 1000 --create-home --shell /bin/bash {LOGIN_USER} \
 && install -d -m 0700 -o {LOGIN_USER} -g {LOGIN_USER} /home/{LOGIN_USER}/.ssh \
 && echo '{LOGIN_USER} ALL=(ALL:ALL) NOPASSWD:ALL' > /etc/sudoers.d/90-{LOGIN_USER} \
 && chmod 0440 /etc/sudoers.d/90-{LOGIN_USER} \
 && systemctl mask console-getty.service getty@tty1.service
STOPSIGNAL SIGRTMIN+3
CMD ["/sbin/init"]
"""


class ImageError(SilverError):
    """A base image is unknown or cannot be made."""


@dataclass(frozen=True)
class BaseImage:
    """One release that a local node can run.

    Attributes:
        name: As in ``/etc/os-release`` and at the registry, for example ``debian:12``.
        codename: What the release's package archive is called.
    """

    name: str
    codename: str

    @property
    def distribution(self) -> str:
        """``debian`` or ``ubuntu``."""
        return self.name.partition(":")[0]

    @property
    def tag(self) -> str:
        """The node image's name at the engine."""
        return f"{REPOSITORY}:{self.name.replace(':', '-')}"


CATALOGUE = (
    BaseImage("ubuntu:24.04", "noble"),
    BaseImage("debian:12", "bookworm"),
    BaseImage("debian:13", "trixie"),
)
PREFERRED = CATALOGUE[0]


def find(name: str) -> BaseImage:
    """Return the catalogue's entry of a name such as ``debian:12``.

    Raises:
        ImageError: There is none.
    """
    for image in CATALOGUE:
        if image.name == name:
            return image
    names = ", ".join(image.name for image in CATALOGUE)
    raise ImageError(f"No image {name!r} for local nodes; there are: {names}.")


def is_ready(client: docker.DockerClient, image: BaseImage) -> bool:
    """Return whether the engine has this image, made by the present recipe."""
    try:
        labels = client.images.get(image.tag).labels
    except ImageNotFound:
        return False
    return bool(labels.get(RECIPE_LABEL) == _recipe())


def default(client: docker.DockerClient) -> BaseImage:
    """Return the image for those who name none.

    That is ``ubuntu:24.04`` where it can be pulled, otherwise the release that this machine itself
    runs. What was made before is taken again, so that nobody asks the registry every time.
    """
    own = own_release()
    if own is None:
        return PREFERRED
    for image in (PREFERRED, own):
        if is_ready(client, image):
            return image
    return PREFERRED if _refusal(client, PREFERRED) is None else own


def own_release() -> BaseImage | None:
    """Return the catalogue's entry that is nearest to this machine: its release, its family."""
    release = platform.freedesktop_os_release()
    name = f"{release['ID']}:{release.get('VERSION_ID', '')}"
    family = [image for image in CATALOGUE if image.distribution == release["ID"]]
    same = [image for image in family if image.name == name]
    return next(iter(same + family), None)


def ensure(client: docker.DockerClient, name: str, report: Report) -> bool:
    """Make sure that the engine has a node image.

    Where ``name`` can be pulled, the image is built on it; elsewhere on a system bootstrapped from
    the package sources of this machine. Safe to interrupt, and to run twice at once.

    Args:
        client: The engine.
        name: The image's name in the catalogue; empty for the default.
        report: Told what is going on.

    Returns:
        Whether it had to be made.

    Raises:
        ImageError: The name is unknown, or the image cannot be made.
        packages.PackageError: ``mmdebstrap`` is missing; the message says what to type.
    """
    image = find(name) if name else default(client)
    if is_ready(client, image):
        return False
    with files.locked(paths.state_dir() / "image.lock"):
        if is_ready(client, image):
            return False
        refusal = _refusal(client, image)
        if refusal is None:
            base = _pull(client, image, report)
            _build(client, image, [f"FROM {base}", _INSTALL, _CONFIGURE], report)
        else:
            report(f"{image.name} cannot be pulled ({refusal})")
            base = _bootstrap(client, image, refusal, report)
            _build(client, image, [f"FROM {base}", _CONFIGURE], report)
    return True


def _recipe() -> str:
    """Return a digest of everything that decides what is in a node image."""
    return hashlib.sha256(f"{_INSTALL}{_CONFIGURE}".encode()).hexdigest()[:16]


def _refusal(client: docker.DockerClient, image: BaseImage) -> str | None:
    """Return why an image cannot be pulled, None if it can or is there already.

    Asking the registry about the image is bounded by the client's timeout; pulling it is not.
    """
    bounded = docker.from_env(timeout=20)
    try:
        client.images.get(image.name)
    except ImageNotFound:
        try:
            bounded.images.get_registry_data(image.name)
        except (DockerException, RequestException) as error:
            return str(getattr(error, "explanation", None) or error)
    return None


def _pull(client: docker.DockerClient, image: BaseImage, report: Report) -> str:
    try:
        client.images.get(image.name)
    except ImageNotFound:
        report(f"Pulling {image.name}")
        try:
            client.images.pull(image.name)
        except APIError as error:
            raise ImageError(f"Pulling {image.name} failed: {error.explanation}") from error
    return image.name


def _build(
    client: docker.DockerClient, image: BaseImage, dockerfile: Iterable[str], report: Report
) -> None:
    report(f"Building {image.tag}")
    try:
        client.images.build(
            fileobj=io.BytesIO("\n".join(dockerfile).encode()),
            tag=image.tag,
            labels={RECIPE_LABEL: _recipe()},
            rm=True,
            forcerm=True,
        )
    except BuildError as error:
        log = "".join(str(line.get("stream", line.get("error", ""))) for line in error.build_log)
        raise ImageError(f"Building {image.tag} failed:\n{packages.tail(log)}") from error


def _bootstrap(client: docker.DockerClient, image: BaseImage, refusal: str, report: Report) -> str:
    """Install a system from this machine's package sources, import it and return its tag."""
    own = own_release()
    if own is None or own.distribution != image.distribution:
        family = own.distribution if own else ""
        names = ", ".join(i.name for i in CATALOGUE if i.distribution == family) or "none"
        raise ImageError(
            f"{image.name} cannot be pulled ({refusal}), and can be bootstrapped on "
            f"{image.distribution.capitalize()} only. What can be made here: {names}."
        )
    if not shutil.which("mmdebstrap"):
        packages.install(["mmdebstrap"], report)
    report(f"Bootstrapping {image.name} from this machine's package sources")
    repository, version = "silverlining/bootstrap", image.name.replace(":", "-")
    with tempfile.TemporaryDirectory(prefix="silverlining-") as directory:
        sources = Path(directory, "node.sources")
        sources.write_text(package_sources(image, _apt_index_targets(image.distribution)))
        archive = Path(directory, "node.tar")
        _mmdebstrap(image, sources, archive)
        client.api.import_image_from_file(str(archive), repository=repository, tag=version)
    return f"{repository}:{version}"


def package_sources(image: BaseImage, targets: Iterable[tuple[str, str, str]]) -> str:
    """Return an apt sources file (deb822) for a release.

    Args:
        image: The release.
        targets: What this machine takes from its distribution: URI, suite, component of each.
            A suite ``bookworm-security`` becomes ``trixie-security`` for ``debian:13``.
    """
    keyring = f"/usr/share/keyrings/{image.distribution}-archive-keyring.gpg"
    entries = []
    for uri, suite, component in targets:
        pocket = re.sub(r"^[a-z]+", "", suite)
        entries.append(
            f"Types: deb\nURIs: {uri}\nSuites: {image.codename}{pocket}\n"
            f"Components: {component}\nSigned-By: {keyring}\n"
        )
    return "\n".join(entries)


def _apt_index_targets(distribution: str) -> list[tuple[str, str, str]]:
    """Ask apt for the sources that are the distribution's own, whatever file they stand in."""
    command = [
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI) $(RELEASE) $(COMPONENT)",
        "Created-By: Packages",
        f"Origin: {distribution.capitalize()}",
    ]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    if not found:  # the origin is known only once the package lists were fetched
        update = packages.as_root(["apt-get", "update", "--quiet"])
        if update is None:
            raise ImageError("This machine has no package lists. Type: sudo apt-get update")
        subprocess.run(update, stdout=subprocess.DEVNULL, check=True)
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return sorted({(words[0], words[1], words[2]) for words in map(str.split, found.splitlines())})


def _mmdebstrap(image: BaseImage, sources: Path, archive: Path) -> None:
    command = [
        "mmdebstrap",
        "--variant=minbase",
        f"--include={','.join(_PACKAGES)}",
        "--dpkgopt=force-unsafe-io",
        image.codename,
        str(archive),
        str(sources),
    ]
    done = subprocess.run(
        packages.as_root(command) or command, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ImageError(f"mmdebstrap of {image.name} failed:\n{packages.tail(done.stderr)}")
