"""Compiled modules: what they need, and the warnings for a node that lacks it."""

import struct
from pathlib import Path, PurePosixPath

import pytest

from silverlining.app import compiled
from silverlining.app.compiled import CompiledModule

X86_64, AARCH64 = 62, 183
LIB = PurePosixPath("lib/python")


def elf(machine: int, order: str = "<") -> bytes:
    ident = b"\x7fELF\x02" + (b"\x01" if order == "<" else b"\x02") + bytes(10)
    return ident + struct.pack(f"{order}HH", 3, machine) + bytes(44)


@pytest.mark.parametrize(
    ("name", "content", "python", "machine", "libc"),
    [
        ("a.cpython-311-x86_64-linux-gnu.so", elf(X86_64), "3.11", "x86_64", "glibc"),
        ("a.cpython-313t-aarch64-linux-gnu.so", elf(AARCH64), "3.13t", "aarch64", "glibc"),
        ("a.cpython-312-x86_64-linux-musl.so", elf(X86_64), "3.12", "x86_64", "musl"),
        ("a.cpython-312-arm-linux-gnueabihf.so", elf(40), "3.12", "armv7l", "glibc"),
        ("a.cpython-38.so", elf(X86_64), "3.8", "x86_64", None),
        ("a.abi3.so", elf(X86_64), None, "x86_64", None),
        ("a.so", elf(22, ">"), None, "s390x", None),
        ("a.so", elf(9999), None, "machine 9999", None),
        ("a.pypy310-pp73-x86_64-linux-gnu.so", elf(X86_64), "pypy310", "x86_64", "glibc"),
        ("a.cpython-311-darwin.so", b"\xcf\xfa\xed\xfe" + bytes(60), "3.11", None, None),
        ("a.cp311-win_amd64.pyd", b"MZ" + bytes(60), None, None, None),
        ("a.so", b"\x7fELF", None, None, None),
        ("a.so", b"", None, None, None),
    ],
)
def test_needs_are_read_from_name_and_header(  # noqa: PLR0917 - the columns of a table
    tmp_path: Path, name: str, content: bytes, python: str, machine: str, libc: str
) -> None:
    (tmp_path / LIB).mkdir(parents=True)
    (tmp_path / LIB / name).write_bytes(content)
    expected = CompiledModule(LIB / name, python, machine, libc)
    assert compiled.inspect(tmp_path, LIB / name) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("lib/python/lxml/etree.cpython-311-x86_64-linux-gnu.so", True),
        ("lib/python/x.pyd", True),
        ("lib/python/x.dylib", True),
        ("lib/python/x.py", False),
        ("static/download.so", False),
        ("lib/python3/x.so", False),
    ],
)
def test_compiled_modules_are_looked_for_among_the_libraries(path: str, expected: bool) -> None:
    assert compiled.is_compiled(PurePosixPath(path)) is expected


FIX_LXML = (
    "replace lxml in lib/python by packages = python3-lxml, by the wheel for Python 3.12, "
    "or by a .deb of the app's directory in packages"
)


@pytest.mark.parametrize(
    ("python", "machine", "libc", "reason"),
    [
        ("3.12", "x86_64", "glibc", None),
        (None, "x86_64", None, None),
        ("3.11", "x86_64", "glibc", "is built for Python 3.11, the node has 3.12"),
        ("3.12t", "x86_64", "glibc", "is built for Python 3.12t, the node has 3.12"),
        ("3.12", "aarch64", "glibc", "is built for aarch64, the node is x86_64"),
        ("3.12", "x86_64", "musl", "needs musl, the node has glibc"),
        ("3.12", None, None, "is not a Linux library"),
    ],
)
def test_module_that_the_node_cannot_load_is_named_with_the_fix(
    python: str | None, machine: str | None, libc: str | None, reason: str | None
) -> None:
    module = CompiledModule(LIB / "lxml/etree.so", python, machine, libc)
    expected = [f"lib/python/lxml/etree.so {reason}: {FIX_LXML}"] if reason else []
    assert compiled.unloadable([module], "3.12", "x86_64", ("glibc", "2.39")) == expected


def test_each_library_gives_one_warning_however_many_modules_it_has() -> None:
    names = ("numpy/b.so", "_cffi_backend.so", "numpy/a.so", "numpy/c.so", "PIL/x.so")
    modules = [CompiledModule(LIB / name, "3.11", "x86_64", "glibc") for name in names]
    warnings = compiled.unloadable(modules, "3.12", "x86_64", ("glibc", "2.39"))
    assert [warning.partition(", by the")[0] for warning in warnings] == [
        "lib/python/PIL/x.so is built for Python 3.11, the node has 3.12: "
        "replace PIL in lib/python by packages = python3-pil",
        "lib/python/_cffi_backend.so is built for Python 3.11, the node has 3.12: "
        "replace _cffi_backend in lib/python by packages = python3-cffi-backend",
        "lib/python/numpy/a.so (and 2 more of numpy) is built for Python 3.11, "
        "the node has 3.12: replace numpy in lib/python by packages = python3-numpy",
    ]
