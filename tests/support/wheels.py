"""Libraries for tests, made without a package registry."""

import zipfile
from collections.abc import Mapping
from pathlib import Path


def wheel(
    directory: Path,
    name: str,
    version: str,
    files: Mapping[str, str],
    scripts: Mapping[str, str] | None = None,
) -> Path:
    """Make a wheel.

    Args:
        directory: where it is put.
        name: the library's name, as it is in the name of a wheel.
        version: its version.
        files: the content of its files, by their paths.
        scripts: by its name, the content of a script, or what it calls, such as "module:function".
    """
    info, scripts = f"{name}-{version}.dist-info", scripts or {}
    calls = [f"{name} = {call}\n" for name, call in scripts.items() if not call.startswith("#!")]
    contents = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
        f"{info}/entry_points.txt": f"[console_scripts]\n{''.join(calls)}",
    }
    path = directory / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, content in contents.items():
            archive.writestr(inside, content)
        for script, content in scripts.items():
            if content.startswith("#!"):
                entry = zipfile.ZipInfo(f"{name}-{version}.data/scripts/{script}")
                entry.external_attr = 0o100755 << 16
                archive.writestr(entry, content)
    return path
