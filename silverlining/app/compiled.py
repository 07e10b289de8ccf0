"""Compiled modules among an application's libraries, and which of them a node cannot load."""

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath

LIBRARIES = PurePosixPath("lib/python")
_SUFFIXES = (".so", ".pyd", ".dylib")
# PEP 3149: `lxml/etree.cpython-311-x86_64-linux-gnu.so`, `d` and `t` being builds of their own.
_CPYTHON = re.compile(r".*\.cpython-3(?P<minor>\d+)(?P<flags>[a-z]*)(-.+)?\.so")
_PYPY = re.compile(r".*\.(?P<version>pypy\d+)-[^.]+\.so")
# e_machine of the ELF header, in the words of `uname -m`.
_MACHINES = {
    3: "i686",
    21: "ppc64le",
    22: "s390x",
    40: "armv7l",
    62: "x86_64",
    183: "aarch64",
    243: "riscv64",
}


@dataclass(frozen=True)
class CompiledModule:
    """What one compiled module needs of the machine that loads it.

    Attributes:
        path: relative to the application's root.
        python: the version it is built for, such as "3.11"; None where the file's name leaves
            it open (`abi3`, or no tag).
        machine: in the words of `uname -m`; None when it is not a Linux library at all.
        libc: "glibc" or "musl", None where the file's name leaves it open.
    """

    path: PurePosixPath
    python: str | None
    machine: str | None
    libc: str | None


def is_compiled(path: PurePosixPath) -> bool:
    """Tell whether a path of an application is that of a compiled module of its libraries."""
    return path.suffix in _SUFFIXES and path.is_relative_to(LIBRARIES)


def inspect(directory: Path, path: PurePosixPath) -> CompiledModule:
    """Read what a compiled module needs from its name and the first bytes of its file.

    Args:
        directory: the application's root.
        path: relative to it.

    Raises:
        OSError: the file cannot be read.
    """
    with (directory / path).open("rb") as file:
        header = file.read(20)
    return CompiledModule(path, _python(path.name), _machine(header), _libc(path.name))


def unloadable(
    modules: Iterable[CompiledModule], python: str, machine: str, libc: tuple[str, str]
) -> list[str]:
    """Return one warning for each library with modules that a node cannot load.

    Only what is certain from the tag in a file's name and the ELF header is reported. Which
    version of glibc a module needs is not read: an older one on the node shows when the
    instance is started and checked.

    Args:
        modules: those of the application.
        python: the version of the node's Python, such as "3.12".
        machine: what `uname -m` prints on the node.
        libc: name and version of the node's C library, such as ("glibc", "2.39").
    """
    reasons = ((module, _reason(module, python, machine, libc[0])) for module in modules)
    bad = sorted((_library(m), str(m.path), reason) for m, reason in reasons if reason)
    warnings = []
    for library, found in groupby(bad, key=lambda item: item[0]):
        (_, path, reason), *others = found
        more = f" (and {len(others)} more of {library})" if others else ""
        warnings.append(f"{path}{more} {reason}: {_fix(library, python)}")
    return warnings


def _python(name: str) -> str | None:
    if tag := _CPYTHON.fullmatch(name):
        return f"3.{tag['minor']}{tag['flags']}"
    pypy = _PYPY.fullmatch(name)
    return pypy["version"] if pypy else None


def _machine(header: bytes) -> str | None:
    if len(header) < 20 or not header.startswith(b"\x7fELF"):
        return None
    byte_order = ">" if header[5] == 2 else "<"
    (number,) = struct.unpack_from(f"{byte_order}H", header, 18)
    return _MACHINES.get(number, f"machine {number}")


def _libc(name: str) -> str | None:
    if "-linux-musl" in name:
        return "musl"
    return "glibc" if "-linux-gnu" in name else None


def _reason(module: CompiledModule, python: str, machine: str, libc: str) -> str | None:
    if module.machine is None:
        return "is not a Linux library"
    if module.python not in (None, python):
        return f"is built for Python {module.python}, the node has {python}"
    if module.machine != machine:
        return f"is built for {module.machine}, the node is {machine}"
    if module.libc not in (None, libc):
        return f"needs {module.libc}, the node has {libc}"
    return None


def _library(module: CompiledModule) -> str:
    """Return the name under which the library is imported: `lxml`, `_cffi_backend`."""
    return module.path.relative_to(LIBRARIES).parts[0].partition(".")[0]


def _fix(library: str, python: str) -> str:
    # Debian Python Policy, section 4.3: packages are named after the module they provide.
    package = "python3-" + library.strip("_").replace("_", "-").lower()
    # Replaced, not added to: what is in lib/python hides the distribution's package.
    return (
        f"replace {library} in lib/python by packages = {package}, by the wheel for "
        f"Python {python}, or by a .deb of the app's directory in packages"
    )
