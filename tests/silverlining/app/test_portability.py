"""Portability: what would not survive the way to another machine."""

import os
import socket
from pathlib import Path, PurePosixPath

import pytest

from silverlining.app import portability

LEAVES = "which leaves the app's directory; put what it needs inside and make the link relative"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    root = tmp_path / "polls"
    for directory in ("lib/python", "src/polls/sub", "static", "bin", ".git"):
        (root / directory).mkdir(parents=True)
    for name in ("app.ini", "src/polls/views.py", "src/polls/app.ini", ".git/config"):
        (root / name).write_text("")
    (tmp_path / "outside").mkdir()
    return root


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("static/polls", "../src/polls"),
        ("static/views.py", "../src/polls/views.py"),
        ("static/root", ".."),
        ("bin2", "lib/python"),
        ("src/polls/sub/deep", "../../../static"),
        ("static/long", "../src/../lib/./python"),
        # Neither uploaded nor checked.
        ("bin/python3", "/usr/bin/python3"),
        ("lib64", "/usr/lib64"),
        (".git/hooks", "/outside"),
        ("src/.#views.py", "user@laptop.1234"),
    ],
)
def test_link_that_stays_inside_is_fine(app: Path, link: str, target: str) -> None:
    (app / link).symlink_to(target)
    findings = portability.check(app)
    assert (findings.problems, findings.warnings) == ([], [])


@pytest.mark.parametrize(
    ("link", "target", "problem"),
    [
        ("static/up", "../../outside", LEAVES),
        ("static/up", "../..", LEAVES),
        ("src/polls/sub/up", "../../../../outside/x", LEAVES),
        ("static/etc", "/etc/passwd", LEAVES),
        ("static/nowhere", "/nowhere", LEAVES),
        ("static/gone", "../../gone", LEAVES),
        # It arrives inside, but by the name that the app's directory has on this machine.
        ("static/around", "../../polls/src", LEAVES),
        (
            "static/abs",
            "{app}/src/polls",
            "a path of this machine; make it relative, to ../src/polls",
        ),
        (
            "src/polls/sub/abs",
            "{app}/static",
            "a path of this machine; make it relative, to ../../../static",
        ),
        ("static/git", "../.git/config", "which is not uploaded; remove the link"),
        ("static/git", "../.git", "which is not uploaded; remove the link"),
    ],
)
def test_link_that_would_break_on_a_node_is_a_problem(
    app: Path, link: str, target: str, problem: str
) -> None:
    (app / link).symlink_to(target.format(app=app))
    shown = target.format(app=app)
    findings = portability.check(app)
    assert findings.problems == [f"{link}: is a symbolic link to {shown}, {problem}"]


def test_way_of_a_link_is_followed_through_other_links(app: Path) -> None:
    # To the eye `jump/../..` is src; `jump/..` being the app's root, it is outside.
    (app / "src/polls/jump").symlink_to("../../static")
    (app / "src/polls/up").symlink_to("jump/../..")
    problem = f"src/polls/up: is a symbolic link to jump/../.., {LEAVES}"
    assert portability.check(app).problems == [problem]


def test_directory_reached_through_a_link_is_checked_like_any_other(
    app: Path, tmp_path: Path
) -> None:
    (tmp_path / "alias").symlink_to("polls")
    (app / "static/views").symlink_to(tmp_path / "alias/src/polls/views.py")
    (problem,) = portability.check(tmp_path / "alias").problems
    assert problem.endswith("a path of this machine; make it relative, to ../src/polls/views.py")


@pytest.mark.parametrize(("link", "target"), [("static/gone", "../src/gone"), ("loop", "loop")])
def test_link_that_leads_nowhere_here_either_is_a_warning(
    app: Path, link: str, target: str
) -> None:
    (app / link).symlink_to(target)
    findings = portability.check(app)
    warning = f"{link}: is a symbolic link to {target}, which does not exist"
    assert (findings.problems, findings.warnings) == ([], [warning])


PTH = "lib/python/src.pth, line 1:"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("../../src/polls", None),
        ("django_extra", None),
        ("../../src/not-there-yet", None),
        ("# /etc", None),
        ("", None),
        ("import sys; sys.path.append('/etc')", None),
        ("import\tos", None),
        (
            "/usr/lib/python3",
            f"{PTH} /usr/lib/python3 leaves the app's directory; "
            "put what it needs into lib/python or src",
        ),
        (
            "../../../outside",
            f"{PTH} ../../../outside leaves the app's directory (it is relative to lib/python)",
        ),
        (
            "../../src/../../outside",
            f"{PTH} ../../src/../../outside leaves the app's directory "
            "(it is relative to lib/python)",
        ),
        # Uploaded as ../../src/polls: silverlining.app.relocation.
        ("{app}/src/polls", None),
        (
            "import sys; sys.path.append('{app}/src')",
            f"{PTH} runs code with the path {{app}} of this machine; "
            "write the path on a line of its own, relative to lib/python",
        ),
        (
            "/a\0b",
            f"{PTH} '/a\\x00b' leaves the app's directory; "
            "put what it needs into lib/python or src",
        ),
    ],
)
def test_line_of_a_pth_file_must_stay_inside(app: Path, line: str, problem: str | None) -> None:
    (app / "lib/python/src.pth").write_text(line.format(app=app) + "\n")
    expected = [problem.format(app=app)] if problem else []
    assert portability.check(app).problems == expected


def test_every_bad_line_of_a_pth_file_is_named_with_its_number(app: Path) -> None:
    content = "\ufeff../../src\r\n/one\r\n\r\n/two\r\n"
    (app / "lib/python/src.pth").write_bytes(content.encode())
    problems = portability.check(app).problems
    assert [p.partition(" leaves")[0] for p in problems] == [
        "lib/python/src.pth, line 2: /one",
        "lib/python/src.pth, line 4: /two",
    ]


def test_pth_file_behind_a_link_is_read_too(app: Path) -> None:
    (app / "src/all.pth").write_text("/usr/lib\n")
    (app / "lib/python/all.pth").symlink_to("../../src/all.pth")
    (problem,) = portability.check(app).problems
    assert problem.startswith("lib/python/all.pth, line 1: /usr/lib leaves")


def test_only_pth_files_that_python_reads_are_checked(app: Path) -> None:
    (app / "src/notes.pth").write_text("/etc\n")
    (app / "lib/python/package").mkdir()
    (app / "lib/python/package/notes.pth").write_text("/etc\n")
    assert portability.check(app).problems == []


def test_editable_install_of_what_is_elsewhere_is_a_problem(app: Path, tmp_path: Path) -> None:
    finder = app / "lib/python/__editable___polls_1_finder.py"
    finder.write_text(
        f"MAPPING = {{'a': '{tmp_path}/outside', 'b': '{app}/src', 'c': '{tmp_path}'}}"
    )
    fix = "leaves the app's directory; move it into src and install it again, or without -e"
    where = "lib/python/__editable___polls_1_finder.py"
    assert portability.check(app).problems == [
        f"{where}: {tmp_path}/outside {fix}",
        f"{where}: {tmp_path} {fix}",
    ]


def test_special_files_are_problems(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(app / "src/pipe")
    monkeypatch.chdir(app)  # the path of a socket has at most 107 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("sock")
        problems = portability.check(app).problems
    assert problems == [
        "sock: is a socket, not a file; remove it",
        "src/pipe: is a named pipe, not a file; remove it",
    ]


def test_file_that_cannot_be_read_is_a_problem(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may read everything, so permissions alone would make this pass for root only.
    refused = {app / "src/polls/views.py": os.R_OK, app / "src/polls/sub": os.R_OK | os.X_OK}
    monkeypatch.setattr(os, "access", lambda path, mode: refused.get(path) != mode)
    assert portability.check(app).problems == [
        "src/polls/sub: you may not read it; change its permissions",
        "src/polls/views.py: you may not read it; change its permissions",
    ]


def test_file_that_fails_while_it_is_read_is_a_problem(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> str:
        raise OSError(5, "Input/output error")

    (app / "lib/python/src.pth").write_text("")
    monkeypatch.setattr(Path, "read_bytes", fail)
    expected = ["lib/python/src.pth: cannot be read (Input/output error)"]
    assert portability.check(app).problems == expected


def test_control_characters_in_names_are_problems(app: Path) -> None:
    (app / "static/a\nb").write_text("")
    (app / "static/ü b.txt").write_text("")
    expected = ["'static/a\\nb': control characters in its name; rename it"]
    assert portability.check(app).problems == expected


def test_name_that_is_no_text_can_be_printed(app: Path) -> None:
    (app / os.fsdecode(b"static/caf\xe9")).symlink_to("/etc")
    (problem,) = portability.check(app).problems
    assert problem == f"static/caf\\xe9: is a symbolic link to /etc, {LEAVES}"
    assert problem.encode().isascii()


def test_compiled_modules_are_collected(app: Path) -> None:
    (app / "lib/python/fast.abi3.so").write_bytes(b"\x7fELF\x02\x01" + bytes(12) + b"\x3e\x00")
    (module,) = portability.check(app).modules
    assert (module.path, module.machine) == (PurePosixPath("lib/python/fast.abi3.so"), "x86_64")
