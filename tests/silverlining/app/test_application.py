"""Applications: all checks together, and what a node is told."""

import json
import random
from pathlib import Path

import pytest

from silverlining.app import application
from silverlining.app.application import AppError
from silverlining.app.locations import Location
from silversupport.errors import SilverError

SERVICES = ("postgis", "files")
INI = """\
[production]
app_name = polls
runner = src/run.py#app
default_location = Polls.test/blog
service.postgis =
service.files
packages =
  python3-lxml
  python3-psycopg2
update_fetch =
  script:bin/manage.py migrate
  /update
update_mode = read-only
check_url = /health
config.default = src
cron.nightly = daily script:bin/manage.py clean
worker.mail = script:bin/manage.py mail
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    root = tmp_path / "polls"
    for directory in ("lib/python", "src", "bin", "static"):
        (root / directory).mkdir(parents=True)
    (root / "app.ini").write_text(INI)
    (root / "src/run.py").write_text("app = 1")
    (root / "bin/manage.py").write_text("")
    return root


def test_application_holds_what_app_ini_says(app: Path) -> None:
    loaded = application.load(app, SERVICES)
    assert loaded == application.Application(
        directory=app,
        name="polls",
        runner="src/run.py#app",
        default_location=Location("polls.test", "/blog"),
        services={"postgis": "", "files": ""},
        packages=("python3-lxml", "python3-psycopg2"),
        update_fetch=("script:bin/manage.py migrate", "/update"),
        update_mode="read-only",
        check_url="/health",
        config={"default": "src"},
        crons={"nightly": "daily script:bin/manage.py clean"},
        workers={"mail": "script:bin/manage.py mail"},
        warnings=(),
        modules=(),
    )


def test_plan_is_plain_data(app: Path) -> None:
    plan = application.load(app, SERVICES).plan()
    assert json.loads(json.dumps(plan)) == plan
    assert plan == {
        "name": "polls",
        "runner": "src/run.py#app",
        "default_location": "polls.test/blog",
        "services": {"postgis": "", "files": ""},
        "packages": ["python3-lxml", "python3-psycopg2"],
        "update_fetch": ["script:bin/manage.py migrate", "/update"],
        "update_mode": "read-only",
        "check_url": "/health",
        "config": {"default": "src"},
        "crons": {"nightly": "daily script:bin/manage.py clean"},
        "workers": {"mail": "script:bin/manage.py mail"},
        "has_static": True,
    }


def test_static_site_needs_no_more_than_a_name(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "app.ini").write_text("[production]\napp_name = site\n")
    loaded = application.load(tmp_path, SERVICES)
    assert (loaded.runner, loaded.default_location, loaded.check_url) == (None, None, None)
    assert loaded.plan()["has_static"] is True


def test_directory_behind_a_link_is_known_by_its_own_path(app: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("polls")
    assert application.load(tmp_path / "link", SERVICES).directory == app


def test_problems_of_app_ini_and_of_the_directory_come_together(app: Path) -> None:
    (app / "app.ini").write_text(INI.replace("check_url", "chek_url") + "service.mysql =\n")
    (app / "lib/python/x.pth").write_text("/usr/lib/x\n")
    (app / "static/up").symlink_to("../../x")
    with pytest.raises(AppError) as caught:
        application.load(app, SERVICES)
    assert caught.value.problems == [
        "app.ini: chek_url: there is no such key; did you mean check_url?",
        "app.ini: service.mysql: there is no service 'mysql'; the services are files, postgis",
        "lib/python/x.pth, line 1: /usr/lib/x leaves the app's directory; "
        "put what it needs into lib/python or src",
        "static/up: is a symbolic link to ../../x, which leaves the app's directory; "
        "put what it needs inside and make the link relative",
    ]
    assert str(caught.value) == "\n".join(caught.value.problems)
    assert isinstance(caught.value, SilverError)


def test_app_ini_that_is_a_link_out_of_the_app_is_a_problem(app: Path, tmp_path: Path) -> None:
    (app / "app.ini").rename(tmp_path / "app.ini")
    (app / "app.ini").symlink_to("../app.ini")
    with pytest.raises(AppError, match=r"^app\.ini: is a symbolic link to \.\./app\.ini, which l"):
        application.load(app, SERVICES)


def test_directory_without_app_ini_is_not_looked_through(app: Path) -> None:
    (app / "app.ini").unlink()
    (app / "static/up").symlink_to("/etc")
    with pytest.raises(AppError) as caught:
        application.load(app, SERVICES)
    assert caught.value.problems == [
        f"{app}/app.ini: there is no such file; an application is a directory with an app.ini in it"
    ]


def test_missing_directory_is_named(app: Path) -> None:
    with pytest.raises(AppError) as caught:
        application.load(app / "nowhere", SERVICES)
    assert caught.value.problems == [f"{app}/nowhere: there is no such directory"]


def test_warnings_of_the_directory_are_kept(app: Path) -> None:
    (app / "static/gone").symlink_to("nowhere")
    warnings = application.load(app, SERVICES).warnings
    assert "static/gone: is a symbolic link to nowhere, which does not exist" in warnings


def test_compiled_modules_are_kept(app: Path) -> None:
    (app / "lib/python/fast.so").write_bytes(b"")
    (module,) = application.load(app, SERVICES).modules
    assert str(module.path) == "lib/python/fast.so"


def test_random_bytes_as_app_ini_never_raise_another_error(app: Path) -> None:
    chance = random.Random(2)
    for _ in range(200):
        (app / "app.ini").write_bytes(chance.randbytes(chance.randrange(300)))
        with pytest.raises(AppError):
            application.load(app, SERVICES)
