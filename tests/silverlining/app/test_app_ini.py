"""app.ini: what is accepted, and what each refusal says."""

import random
from pathlib import Path

import pytest

from silverlining.app import app_ini
from silverlining.app.app_ini import AppIniError

SERVICES = ("postgis", "files", "writable_root")
GOOD = "app_name = polls\nrunner = src/run.py\n"
NAME_RULE = "a-z, 0-9 and _, beginning with a letter, at most 24 characters"
URL_RULE = (
    "must be a URL path that begins with /, without a fragment, blanks "
    "and other characters percent-encoded"
)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    root = tmp_path / "polls"
    files = {
        "src/run.py": "application = 1",
        "bin/manage.py": "",
        "bin/with blank.py": "",
        "deb/python3-fast_1.0-1_amd64.deb": "",
        "config/app.tmpl": "",
    }
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def read(app: Path, content: str) -> app_ini.AppIni:
    (app / "app.ini").write_text(f"[production]\n{content}", encoding="utf-8")
    return app_ini.read(app, SERVICES)


@pytest.mark.parametrize(
    "line",
    [
        "version = 1",
        "default_location = polls.example.com/blog",
        "service.postgis =",
        "service.postgis",
        "service.files = some value",
        "packages =\n  python3-lxml\n  libstdc++6\n\n  deb/python3-fast_1.0-1_amd64.deb",
        "packages = python3-lxml",
        "packages =",
        "update_fetch = /update?all=1",
        "update_fetch =\n  /a\n  # a comment\n  script:bin/manage.py migrate --noinput",
        "update_fetch = script:'bin/with blank.py' \"two words\"",
        "check_url = /health/%C3%A9?deep=1",
        "update_mode = maintenance",
        "update_mode = read-only",
        "config.required = yes",
        "config.default = config",
        "config.template = config/app.tmpl",
        "config.checker = bin/manage.py",
        "config.checker = script:bin/manage.py check",
        "cron.nightly = *-*-* 03:00 script:bin/manage.py clearsessions",
        "cron.poll = *:0/5 /poll",
        "cron.poll = Mon..Fri 09:00 Europe/Berlin /poll?now",
        "worker.mail-queue = script:bin/manage.py send",
        "# runner = commented.py",
    ],
)
def test_valid_key_is_accepted(app: Path, line: str) -> None:
    assert read(app, GOOD + line).problems == ()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("version = 2", "version: '2' is not a version of app.ini that is known here; the only "
         "one is 1"),
        ("version =", "version: it has no value; give it one or remove the line"),
        ("check_url", "check_url: it has no value; give it one or remove the line"),
        ("check_url = /a\n  /b", "check_url: its value must be one line (an indented line "
         "continues the one above)"),
        ("check_url = health", f"check_url: 'health' {URL_RULE}"),
        ("check_url = /a b", f"check_url: '/a b' {URL_RULE}"),
        ("check_url = /é", f"check_url: '/é' {URL_RULE}"),
        ("check_url = /a#b", f"check_url: '/a#b' {URL_RULE}"),
        ("check_url = /\x01", "check_url: there is a control character in it; remove it"),
        ("default_location = http://polls.test", "default_location: 'http://polls.test' is not a "
         "location (HOST, HOST/PATH or *.DOMAIN): leave out 'http://', write 'polls.test'"),
        ("service.postgres =", "service.postgres: there is no service 'postgres'; the services "
         "are files, postgis, writable_root"),
        ("service. =", "service.: there is no service ''; the services are files, postgis, "
         "writable_root"),
        ("packages = python3-lxml python3-psycopg2", "packages: 'python3-lxml python3-psycopg2' "
         "is not the name of a package or a path of a .deb; write one a line"),
        ("packages = Lxml", "packages: 'Lxml' is not the name of a package or a path of a .deb; "
         "write one a line"),
        ("packages = --purge", "packages: '--purge' is not the name of a package or a path of a "
         ".deb; write one a line"),
        ("packages = x.deb", "packages: there is no file 'x.deb' in the app (paths are relative "
         "to its directory)"),
        ("packages = ../x.deb", "packages: '../x.deb' must be a path inside the app, relative to "
         "its directory"),
        ("packages = deb/../../x.deb", "packages: 'deb/../../x.deb' must be a path inside the "
         "app, relative to its directory"),
        ("update_fetch = update", "update_fetch: 'update' must be a URL path that begins with / "
         "or script:bin/x.py ARGS"),
        ("update_fetch = http://polls.test/", "update_fetch: 'http://polls.test/' must be a URL "
         "path that begins with / or script:bin/x.py ARGS"),
        ("update_fetch = /a b", f"update_fetch: '/a b' {URL_RULE}"),
        ("update_fetch = script:bin/gone.py", "update_fetch: there is no file 'bin/gone.py' in "
         "the app (paths are relative to its directory)"),
        ("update_fetch = script:", "update_fetch: there is no file '' in the app (paths are "
         "relative to its directory)"),
        ("update_fetch = script:bin", "update_fetch: there is no file 'bin' in the app (paths "
         "are relative to its directory)"),
        ("update_fetch = script:/bin/sh", "update_fetch: '/bin/sh' must be a path inside the "
         "app, relative to its directory"),
        ("update_fetch = script:bin/manage.py 'a", "update_fetch: \"script:bin/manage.py 'a\": "
         "no closing quotation"),
        ("update_mode = readonly", "update_mode: 'readonly' must be maintenance or read-only"),
        ("config.required = perhaps", "config.required: 'perhaps' must be true or false"),
        ("config.default = nowhere", "config.default: there is no file 'nowhere' in the app "
         "(paths are relative to its directory)"),
        ("config.template = /etc", "config.template: '/etc' must be a path inside the app, "
         "relative to its directory"),
        ("config.checker = script:bin/x", "config.checker: there is no file 'bin/x' in the app "
         "(paths are relative to its directory)"),
        ("cron.nightly = script:bin/manage.py", "cron.nightly: 'script:bin/manage.py' must be "
         "SCHEDULE script:bin/x.py ARGS or SCHEDULE /path"),
        ("cron.nightly = daily script:bin/x.py", "cron.nightly: there is no file 'bin/x.py' in "
         "the app (paths are relative to its directory)"),
        ("cron.a = 30 3 * * * /x?y", "cron.a: '30 3 * * *' is a schedule of cron, here it is one "
         "of systemd; write *-*-* 03:30 /x?y"),
        ("cron.a = @reboot /x", "cron.a: '@reboot' is a schedule of cron, here it is one of "
         "systemd; see docs/jobs.md"),
        ("cron.Nightly! = daily /x", "'cron.Nightly!': 'Nightly!' is not a name (a-z, 0-9, _ "
         "and -, beginning with a letter, at most 32 characters)"),
        ("worker. = script:bin/manage.py", "worker.: '' is not a name (a-z, 0-9, _ and -, "
         "beginning with a letter, at most 32 characters)"),
        ("worker.mail = bin/manage.py", "worker.mail: 'bin/manage.py' must be script:bin/x.py "
         "ARGS"),
        ("Check_url = /", "Check_url: there is no such key; did you mean check_url?"),
        ("packges = x", "packges: there is no such key; did you mean packages?"),
        ("update-fetch = /x", "update-fetch: there is no such key; did you mean update_fetch?"),
        ("serivce.postgis =", "serivce.postgis: there is no such key; did you mean "
         "service.postgis?"),
        ("crom.nightly = x", "crom.nightly: there is no such key; did you mean cron.nightly?"),
        ("config.requred = 1", "config.requred: there is no such key; did you mean "
         "config.required?"),
        ("some words", "'some words': there is no such key; the keys are app_name, version, "
         "runner, default_location, packages, update_fetch, update_mode, check_url, "
         "config.required, config.default, config.template, config.checker, service.files, "
         "service.postgis, service.writable_root, cron.NAME, worker.NAME"),
    ],
)  # fmt: skip
def test_bad_key_or_value_is_one_clear_line(app: Path, line: str, problem: str) -> None:
    assert read(app, GOOD + line).problems == (f"app.ini: {problem}",)


@pytest.mark.parametrize("name", ["polls", "p", "a_1", "a" * 24, "pg", "roots"])
def test_app_name_is_accepted(app: Path, name: str) -> None:
    assert read(app, f"app_name = {name}\nrunner = src/run.py").problems == ()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        *(
            (name, f"{name!r} is not an app name ({NAME_RULE})")
            for name in [
                *("Polls", "1polls", "_polls", "my-polls", "a" * 25, "pölls", "a.b", "a b"),
                *("a;b", "a$b", "a`b", "a|b", "a&b", "../a", "a/b", 'a"b', "a{b}", "a%b", "a*"),
            ]
        ),
        *(
            (name, f"{name!r} is reserved, choose another name")
            for name in [
                *("postgres", "template0", "template1", "root", "disabled", "not_found"),
                *("default", "prev", "pg_catalog"),
            ]
        ),
        ("", "it has no value; give it one or remove the line"),
    ],
)
def test_app_name_is_refused(app: Path, name: str, problem: str) -> None:
    content = f"app_name = {name}\nrunner = src/run.py"
    assert read(app, content).problems == (f"app.ini: app_name: {problem}",)


def test_missing_keys_are_named(app: Path) -> None:
    assert read(app, "").problems == (
        f"app.ini: app_name is missing; write app_name = NAME ({NAME_RULE})",
        "app.ini: runner is missing, and there is no static/ to serve; write runner = path.py",
    )


def test_runner_may_be_absent_from_a_static_site(app: Path) -> None:
    (app / "static").mkdir()
    assert read(app, "app_name = polls").problems == ()


def test_runner_is_checked(app: Path) -> None:
    assert read(app, "app_name = polls\nrunner = src/run.py#ap").problems == (
        "app.ini: runner: 'src/run.py' does not bind 'ap' at its top level; "
        "bind it there or name it after a #",
    )


def test_all_problems_come_at_once(app: Path) -> None:
    content = "app_name = P\nrunner = x.py\npackages =\n  A\n  B\ncheck_url =\nfoo.bar.baz = 1"
    keys = [problem.split(": ")[1] for problem in read(app, content).problems]
    assert keys == ["app_name", "runner", "packages", "packages", "check_url", "foo.bar.baz"]


def test_values_are_given_as_written(app: Path) -> None:
    ini = read(
        app,
        GOOD + "service.files\nservice.postgis = X%(y)s\npackages = a1\n\n  b1\n"
        "cron.a = daily /x\ncron.b = hourly /y\n",
    )
    assert ini.values["runner"] == "src/run.py"
    assert ini.group("service") == {"files": "", "postgis": "X%(y)s"}
    assert ini.group("cron") == {"a": "daily /x", "b": "hourly /y"}
    assert ini.lines("packages") == ("a1", "b1")
    assert ini.lines("update_fetch") == ()


def test_sections_that_have_no_effect_are_warned_of(app: Path) -> None:
    ini = read(app, GOOD + "cron.a = daily /x\nconfig.required = no\n[devel]\nx = 1\n")
    assert ini.problems == ()
    assert ini.warnings == ("app.ini: section 'devel' has no effect, only [production] is read",)


def test_paths_are_relative_to_the_root_where_app_ini_is_a_link(app: Path) -> None:
    (app / "src/app.ini").write_text(f"[production]\n{GOOD}update_fetch = script:bin/manage.py")
    (app / "app.ini").symlink_to("src/app.ini")
    assert app_ini.read(app, SERVICES).problems == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "app.ini: there is no section [production] (sections found: none)"),
        (
            b"[prodction]\n[devel]\n",
            "app.ini: there is no section [production] (sections found: 'prodction', 'devel')",
        ),
        (
            b"# polls\n\napp_name = polls\n",
            "app.ini, line 3: expected [production] before 'app_name = polls\\n'",
        ),
        (b"[production\nx = 1", "app.ini, line 1: expected [production] before '[production\\n'"),
        (
            b"[production]\n\n= 3\n",
            "app.ini, line 3: there is no key before the sign; write KEY = VALUE",
        ),
        (
            b"[production]\nservice.files\n   more\nversion = 1\n",
            "app.ini, line 3: it is indented, but there is no value above that it could continue",
        ),
        (
            b"[production]\nrunner = a.py\nrunner = b.py\n",
            "app.ini, line 3: 'runner' is there a second time; remove one",
        ),
        (
            b"[production]\n[production]\n",
            "app.ini, line 2: section 'production' is there a second time; join them",
        ),
        (
            b"[production]\napp_name = caf\xe9\n",
            "app.ini, line 2: it is not UTF-8 text; save it as such",
        ),
    ],
)
def test_syntax_error_is_one_line_with_its_place(app: Path, content: bytes, message: str) -> None:
    (app / "app.ini").write_bytes(content)
    with pytest.raises(AppIniError) as caught:
        app_ini.read(app, SERVICES)
    assert str(caught.value) == message


def test_byte_order_mark_and_windows_line_ends_are_read(app: Path) -> None:
    content = f"\ufeff[production]\n{GOOD}".replace("\n", "\r\n")
    (app / "app.ini").write_bytes(content.encode())
    assert app_ini.read(app, SERVICES).problems == ()


def test_missing_file_is_named_with_what_it_is_for(app: Path) -> None:
    with pytest.raises(AppIniError) as caught:
        app_ini.read(app, SERVICES)
    assert str(caught.value) == (
        f"{app}/app.ini: there is no such file; an application is a directory with an app.ini in it"
    )


def test_link_to_a_missing_file_is_named_with_its_target(app: Path) -> None:
    (app / "app.ini").symlink_to("src/app.ini")
    with pytest.raises(AppIniError, match=r"no such file \(it is a link to 'src/app\.ini'\);"):
        app_ini.read(app, SERVICES)


def test_file_that_cannot_be_read_is_named(app: Path) -> None:
    (app / "app.ini").mkdir()
    with pytest.raises(AppIniError) as caught:
        app_ini.read(app, SERVICES)
    assert str(caught.value) == f"{app}/app.ini: cannot be read (Is a directory)"


WORDS = [
    *(b"[production]\n", b"[", b"]", b"=", b":", b"\n", b"\n  ", b"\r", b"#", b"\0", b" ", b"'"),
    *(b"app_name", b"runner", b"packages", b"update_fetch", b"service.", b"cron.a", b"worker.a"),
    *(b"default_location", b"config.", b"check_url", b"script:", b"../", b"/", b".py", b".deb"),
    *(b"src/run.py", b"a" * 300, b"\xc3\xa9", b"\xe2\x80\xa8", b"\xff", b"http://", b"%(x)s"),
]


@pytest.mark.parametrize("seed", range(10))
def test_rubbish_gives_problems_of_one_line_and_never_another_error(app: Path, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(100):
        words = (chance.choice(WORDS) for _ in range(chance.randrange(60)))
        content = b"[production]\n" + b"".join(words)
        if chance.random() < 0.2:
            content = chance.randbytes(chance.randrange(200))
        (app / "app.ini").write_bytes(content)
        try:
            problems = app_ini.read(app, SERVICES).problems
        except AppIniError as error:
            problems = (str(error),)
        assert problems, content
        assert [problem for problem in problems if not problem.isprintable()] == [], content
