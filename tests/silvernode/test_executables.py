"""What a script's name means."""

from pathlib import Path

import pytest

from silvernode import executables
from silvernode.executables import PYTHON, NotExecutable, NotFound

FILES = {
    "bin/manage.py": "print(1)",
    "bin/tool": "#!/home/me/app/bin/python3.13\n",
    "bin/env": "#!/usr/bin/env python3\n",
    "bin/piped": "#!/bin/sh\n'''exec' '/a long/way/bin/python' \"$0\" \"$@\"\n' '''\n",
    "bin/sh": "#!/bin/sh\necho mine\n",
    "bin/latin": "#!/bin/sh\n\xe9\n",
    "bin/lost": "#!/no/such/perl -w\n",
    "bin/blank": "",
    "bin/headless": "echo hello\n",
    "bin/notes": "#!/bin/sh\n",
    "src/deep/job.py": "",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "polls.20261122_001"
    for name, text in FILES.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="latin-1")
        path.chmod(0o644 if name == "bin/notes" else 0o755)
    return tree


@pytest.mark.parametrize(
    ("name", "python", "file"),
    [
        ("manage.py", True, "bin/manage.py"),
        ("bin/manage.py", True, "bin/manage.py"),
        ("tool", True, "bin/tool"),
        ("env", True, "bin/env"),
        ("piped", True, "bin/piped"),
        ("src/deep/job.py", True, "src/deep/job.py"),
        ("sh", False, "bin/sh"),
        ("latin", False, "bin/latin"),
    ],
)
def test_a_script_of_the_app(tree: Path, name: str, python: bool, file: str) -> None:
    assert executables.find(tree, name) == [*([PYTHON] if python else []), str(tree / file)]


@pytest.mark.parametrize("name", ["python", "python3"])
def test_python_is_the_nodes(tree: Path, name: str) -> None:
    assert executables.find(tree, name) == [PYTHON]


@pytest.mark.parametrize(("name", "path"), [("ls", "ls"), ("/bin/ls", "/bin/ls")])
def test_a_program_of_the_node(tree: Path, name: str, path: str) -> None:
    [found] = executables.find(tree, name)
    assert found.endswith(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mange.py", r"has no bin/mange.py, and the node no program mange.py; .* manage.py$"),
        ("bin/gone", r"there is no file bin/gone in polls.20261122_001$"),
        ("deep", r"has no bin/deep, and .*; in bin/ there is blank, env, headless, latin, lost"),
        ("bin", r"has no bin/bin"),
        ("src/deep", r"there is no file src/deep"),
        ("", r"has no bin/,"),
    ],
)
def test_what_is_not_there(tree: Path, name: str, message: str) -> None:
    with pytest.raises(NotFound, match=message) as caught:
        executables.find(tree, name)
    assert caught.value.status == 127


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("notes", "notes is neither Python nor executable"),
        ("lost", "lost needs /no/such/perl, which the node does not have"),
        ("blank", "blank has no #! line"),
        ("headless", "headless has no #! line"),
    ],
)
def test_what_cannot_be_executed(tree: Path, name: str, message: str) -> None:
    with pytest.raises(NotExecutable, match=message) as caught:
        executables.find(tree, name)
    assert caught.value.status == 126
