import json
import site
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from silversupport import paths

Write = Callable[[dict[str, str]], None]
Python = Callable[..., subprocess.CompletedProcess[str]]

SHOW_PATH = "import json, sys; print(json.dumps(sys.path))"


def test_libraries_come_after_the_standard_library_and_before_the_distribution(
    python: Python, app_dir: Path, write: Write
) -> None:
    write({"lib/python/app.pth": "# our own code\n\n../../src\n", "src/polls.py": ""})
    code = "print(json.dumps([sys.path, site.getsitepackages(), os.__file__]))"
    entries, packages, os_file = json.loads(python(f"import json, os, site, sys; {code}").stdout)
    own = [str(app_dir / "lib/python"), str(app_dir / "src")]
    at = entries.index(own[0])
    assert entries[at : at + 2] == own
    assert str(Path(os_file).parent) in entries[:at]
    distribution = [entry for entry in entries if entry in packages]
    assert distribution
    assert entries[at + 2 :] == distribution


def test_application_wins_over_the_distribution(
    python: Python, write: Write, tmp_path: Path
) -> None:
    """The distribution is played by the user's site-packages, found after it was activated."""
    code = "import site; print(site.USER_SITE)"
    user_site = Path(python(code).stdout.strip())
    user_site.mkdir(parents=True)
    (user_site / "lib.py").write_text("origin = 'distribution'")
    assert python("import lib; print(lib.origin)").stdout == "distribution\n"
    write({"lib/python/lib.py": "origin = 'application'"})
    assert python("import lib; print(lib.origin)").stdout == "application\n"


def test_pth_files_may_import_and_namespace_packages_work(
    python: Python, write: Write, app_dir: Path
) -> None:
    """The first line of namespace.pth is how setuptools finds its place."""
    where = "sys._getframe(1).f_locals['sitedir']"
    write(
        {
            "lib/python/namespace.pth": f"import sys; sys.where = {where}\n",
            "lib/python/src.pth": "../../src\n../../missing\n",
            "lib/python/team/one.py": "name = 'one'",
            "src/team/two.py": "name = 'two'",
        }
    )
    code = "import sys, team.one, team.two; print(sys.where, team.one.name, team.two.name)"
    result = python(code)
    assert (result.stderr, result.stdout) == ("", f"{app_dir}/lib/python one two\n")


def test_missing_directories_of_pth_files_are_left_out(python: Python, write: Write) -> None:
    write({"lib/python/src.pth": "../../gone\n"})
    assert "/gone" not in python(SHOW_PATH).stdout


def test_silvercustomize_runs_with_the_applications_path(python: Python, write: Write) -> None:
    write(
        {
            "lib/python/src.pth": "../../src\n",
            "src/helper.py": "",
            "lib/python/silvercustomize.py": "import helper, sys; sys.customized = True",
        }
    )
    result = python("import sys; print(sys.customized)")
    assert (result.stderr, result.stdout) == ("", "True\n")


@pytest.mark.usefixtures("interpreter")
def test_application_without_libraries_needs_none(app_dir: Path) -> None:
    (app_dir / "lib/python").rmdir()
    before = list(sys.path)
    paths.activate(str(app_dir))
    assert sys.path == before


@pytest.mark.usefixtures("interpreter")
def test_activating_again_adds_nothing(app_dir: Path, write: Write) -> None:
    write(
        {
            "lib/python/src.pth": "../../src\n",
            "src/polls.py": "",
            "lib/python/silvercustomize.py": "import sys; sys.path.append('customized')",
        }
    )
    paths.activate(str(app_dir))
    once = list(sys.path)
    paths.activate(f"{app_dir}/")
    assert sys.path == once
    assert once.count(str(app_dir / "lib/python")) == once.count("customized") == 1


@pytest.mark.usefixtures("interpreter")
def test_site_packages_that_link_to_the_libraries_are_not_on_the_path_twice(
    app_dir: Path, tmp_path: Path
) -> None:
    link = tmp_path / "site-packages"
    link.symlink_to(app_dir / "lib/python")
    sys.path.append(str(link))
    paths.activate(str(app_dir))
    assert str(link) not in sys.path
    assert str(app_dir / "lib/python") in sys.path


@pytest.mark.usefixtures("interpreter")
def test_without_a_distribution_the_libraries_come_last(
    app_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", ["/stdlib"])
    monkeypatch.setattr(site, "USER_SITE", None)
    paths.activate(str(app_dir))
    assert sys.path == ["/stdlib", str(app_dir / "lib/python")]


def test_missing_application_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(paths.PathsError, match=f"no directory {tmp_path}/gone"):
        paths.activate(str(tmp_path / "gone"))
