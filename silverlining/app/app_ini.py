"""`app.ini`: what an application says about itself, read and checked."""

import configparser
import io
import re
import shlex
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from reprlib import Repr

from silverlining.app import crontab, runners
from silverlining.app.locations import Location, LocationError
from silverlining.app.portability import path_problem
from silversupport.errors import SilverError

FILE = "app.ini"
SECTION = "production"
FORMAT_VERSION = "1"
RESERVED_NAMES = frozenset(
    {"postgres", "template0", "template1", "root", "disabled", "not_found", "default", "prev"}
)
# 24 characters: the user `silver-APP` must fit into the 32 of a Unix user name.
_NAME = re.compile(r"[a-z][a-z0-9_]{0,23}")
_NAME_RULE = "a-z, 0-9 and _, beginning with a letter, at most 24 characters"
# A unit of systemd is named after it.
_JOB_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_JOB_NAME_RULE = "a-z, 0-9, _ and -, beginning with a letter, at most 32 characters"
# Debian Policy, section 5.6.7.
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")
# Visible ASCII without the fragment, which a browser keeps to itself.
_URL_PATH = re.compile(r"/[!\"$-~]*")
_CRON = re.compile(r"(?P<schedule>\S.*?)\s+(?P<command>(script:|/).*)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
UPDATE_MODES = ("maintenance", "read-only")
_SCRIPT = "script:"

_short = Repr()
_short.maxstring = 80
quoted = _short.repr

Check = Callable[[Path, str], Iterator[str]]


class AppIniError(SilverError):
    """An `app.ini` cannot be read at all: the message says where and why."""


@dataclass(frozen=True)
class AppIni:
    """The content of an `app.ini`.

    Attributes:
        values: the keys of section `[production]`, "" for one without a value.
        problems: what must be put right, a line each.
        warnings: what has no effect, a line each.
    """

    values: dict[str, str]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    def group(self, prefix: str) -> dict[str, str]:
        """Return the values of the keys `PREFIX.NAME`, by NAME."""
        start = f"{prefix}."
        found = self.values.items()
        return {key.removeprefix(start): value for key, value in found if key.startswith(start)}

    def lines(self, key: str) -> tuple[str, ...]:
        """Return the lines of a value that has one item a line."""
        return tuple(_lines(self.values.get(key, "")))


class _Parser(configparser.ConfigParser):
    def __init__(self) -> None:
        super().__init__(interpolation=None, allow_no_value=True)

    def optionxform(self, optionstr: str) -> str:
        """Keep a key's case: by default it would be lowered."""
        return optionstr


def read(directory: Path, services: Collection[str]) -> AppIni:
    """Read and check the `app.ini` of an application.

    Args:
        directory: the application's root, where paths in `app.ini` begin.
        services: the names of the services there are.

    Raises:
        AppIniError: there is no such file, or it is not a file of this kind.
    """
    parser = _parse(_text(directory / FILE))
    if not parser.has_section(SECTION):
        found = ", ".join(map(quoted, parser.sections())) or "none"
        raise AppIniError(f"{FILE}: there is no section [{SECTION}] (sections found: {found})")
    values = {key: value or "" for key, value in parser.items(SECTION)}
    problems = [*_missing(directory, values)]
    for key, value in values.items():
        problems += (
            f"{_key_shown(key)}: {p}" for p in _key_problems(directory, services, key, value)
        )
    return AppIni(
        values,
        tuple(f"{FILE}: {problem}" for problem in problems),
        tuple(f"{FILE}: {warning}" for warning in _warnings(parser)),
    )


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        link = f" (it is a link to {str(file.readlink())!r})" if file.is_symlink() else ""
        hint = "an application is a directory with an app.ini in it"
        raise AppIniError(f"{file}: there is no such file{link}; {hint}") from error
    except OSError as error:
        raise AppIniError(f"{file}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise AppIniError(f"{FILE}, line {line}: it is not UTF-8 text; save it as such") from error


def _parse(text: str) -> _Parser:
    parser = _Parser()
    last_line = 0

    def lines() -> Iterator[str]:
        nonlocal last_line
        for last_line, line in enumerate(io.StringIO(text), 1):  # noqa: B007 - read below
            yield line

    try:
        parser.read_file(lines(), FILE)
    # AttributeError before Python 3.13: https://github.com/python/cpython/issues/107625
    except (configparser.Error, AttributeError) as error:
        number, problem = _syntax_problem(error, last_line)
        raise AppIniError(f"{FILE}, line {number}: {problem}") from error
    return parser


def _syntax_problem(error: Exception, last_line: int) -> tuple[int | None, str]:
    """Return the line that a parser's error is about, and what is wrong with it."""
    match error:
        case configparser.DuplicateOptionError():
            return error.lineno, f"{quoted(error.option)} is there a second time; remove one"
        case configparser.DuplicateSectionError():
            return (
                error.lineno,
                f"section {quoted(error.section)} is there a second time; join them",
            )
        case configparser.MissingSectionHeaderError():
            return error.lineno, f"expected [{SECTION}] before {quoted(error.line)}"
        case configparser.ParsingError(errors=[(number, _), *_]):
            return number, "there is no key before the sign; write KEY = VALUE"
        case _:
            return last_line, "it is indented, but there is no value above that it could continue"


def _key_shown(key: str) -> str:
    return key if re.fullmatch(r"[\w.-]+", key) else quoted(key)


def _missing(directory: Path, values: dict[str, str]) -> Iterator[str]:
    if "app_name" not in values:
        yield f"app_name is missing; write app_name = NAME ({_NAME_RULE})"
    if "runner" not in values and not (directory / "static").is_dir():
        yield "runner is missing, and there is no static/ to serve; write runner = path.py"


def _warnings(parser: configparser.ConfigParser) -> Iterator[str]:
    for section in parser.sections():
        if section != SECTION:
            yield f"section {quoted(section)} has no effect, only [{SECTION}] is read"


def _key_problems(
    directory: Path, services: Collection[str], key: str, value: str
) -> Iterator[str]:
    """Yield what is wrong with one key and its value."""
    prefix, dot, name = key.partition(".")
    if _CONTROL.search(key + value):
        yield "there is a control character in it; remove it"
    elif prefix == "service" and dot:
        yield from _service(services, name)
    elif prefix in _NAMED and dot and not _JOB_NAME.fullmatch(name):
        yield f"{quoted(name)} is not a name ({_JOB_NAME_RULE})"
    elif check := _NAMED.get(prefix if dot else "") or _CHECKS.get(key):
        yield from _value_problems(check, directory, key, value)
    else:
        yield _unknown_key(services, key)


def _value_problems(check: Check, directory: Path, key: str, value: str) -> Iterator[str]:
    if key in _LINES:
        for line in _lines(value):
            yield from check(directory, line)
    elif not value:
        yield "it has no value; give it one or remove the line"
    elif "\n" in value:
        yield "its value must be one line (an indented line continues the one above)"
    else:
        yield from check(directory, value)


def _unknown_key(services: Collection[str], key: str) -> str:
    after_dot = key.partition(".")[2]
    name = after_dot if _JOB_NAME.fullmatch(after_dot) else "NAME"
    known = [*_CHECKS, *(f"service.{service}" for service in sorted(services))]
    known += (f"{prefix}.{name}" for prefix in _NAMED)
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(known)}"
    return f"there is no such key; {hint}"


def _service(services: Collection[str], name: str) -> Iterator[str]:
    if name not in services:
        names = ", ".join(sorted(services)) or "none"
        yield f"there is no service {quoted(name)}; the services are {names}"


def name_problem(name: str) -> str | None:
    """Return what keeps a name from being an `app_name`, if anything."""
    if not _NAME.fullmatch(name):
        return f"{quoted(name)} is not an app name ({_NAME_RULE})"
    if name in RESERVED_NAMES or name.startswith("pg_"):
        return f"{quoted(name)} is reserved, choose another name"
    return None


def _app_name(_directory: Path, value: str) -> Iterator[str]:
    if problem := name_problem(value):
        yield problem


def _version(_directory: Path, value: str) -> Iterator[str]:
    if value != FORMAT_VERSION:
        yield f"{quoted(value)} is not a version of app.ini that is known here; the only one is 1"


def _runner(directory: Path, value: str) -> Iterator[str]:
    if problem := runners.problem(directory, value):
        yield problem


def _location(_directory: Path, value: str) -> Iterator[str]:
    try:
        Location.parse(value)
    except LocationError as error:
        yield str(error)


def _package(directory: Path, line: str) -> Iterator[str]:
    if line.endswith(".deb"):
        yield from _file(directory, line)
    elif not _PACKAGE.fullmatch(line):
        yield f"{quoted(line)} is not the name of a package or a path of a .deb; write one a line"


def _command(directory: Path, line: str) -> Iterator[str]:
    if line.startswith("/"):
        yield from _url_path(directory, line)
    elif line.startswith(_SCRIPT):
        yield from _script(directory, line)
    else:
        yield f"{quoted(line)} must be a URL path that begins with / or script:bin/x.py ARGS"


def _url_path(_directory: Path, value: str) -> Iterator[str]:
    if not _URL_PATH.fullmatch(value):
        yield (
            f"{quoted(value)} must be a URL path that begins with /, without a fragment, blanks "
            "and other characters percent-encoded"
        )


def _script(directory: Path, value: str) -> Iterator[str]:
    if not value.startswith(_SCRIPT):
        yield f"{quoted(value)} must be script:bin/x.py ARGS"
        return
    try:
        words = shlex.split(value.removeprefix(_SCRIPT))
    except ValueError as error:
        yield f"{quoted(value)}: {str(error).lower()}"
        return
    yield from _file(directory, words[0] if words else "")


def _cron(directory: Path, value: str) -> Iterator[str]:
    match = _CRON.fullmatch(value)
    if match and crontab.is_crontab(match["schedule"]):
        yield from _crontab(match["schedule"], match["command"])
    elif match:
        yield from _command(directory, match["command"])
    else:
        yield f"{quoted(value)} must be SCHEDULE script:bin/x.py ARGS or SCHEDULE /path"


def _crontab(schedule: str, command: str) -> Iterator[str]:
    meant = crontab.converted(schedule)
    way = f"write {meant} {command}" if meant else "see docs/jobs.md"
    yield f"{quoted(schedule)} is a schedule of cron, here it is one of systemd; {way}"


def _checker(directory: Path, value: str) -> Iterator[str]:
    yield from (_script if value.startswith(_SCRIPT) else _file)(directory, value)


def _update_mode(_directory: Path, value: str) -> Iterator[str]:
    if value not in UPDATE_MODES:
        yield f"{quoted(value)} must be {' or '.join(UPDATE_MODES)}"


def _boolean(_directory: Path, value: str) -> Iterator[str]:
    if value.lower() not in configparser.ConfigParser.BOOLEAN_STATES:
        yield f"{quoted(value)} must be true or false"


def _file(directory: Path, value: str) -> Iterator[str]:
    if problem := path_problem(directory, value, directories=False):
        yield problem


def _path(directory: Path, value: str) -> Iterator[str]:
    if problem := path_problem(directory, value, directories=True):
        yield problem


def _inner_directory(directory: Path, value: str) -> Iterator[str]:
    if problem := path_problem(directory, value, directories=True):
        yield problem
    elif not (directory / value).is_dir():
        yield f"{quoted(value)} is a file; name a directory of the app"


def _lines(value: str) -> list[str]:
    return [line for line in map(str.strip, value.split("\n")) if line]


_CHECKS: dict[str, Check] = {
    "app_name": _app_name,
    "version": _version,
    "runner": _runner,
    "default_location": _location,
    "packages": _package,
    "update_fetch": _command,
    "update_mode": _update_mode,
    "check_url": _url_path,
    "config.required": _boolean,
    "config.default": _inner_directory,
    "config.template": _path,
    "config.checker": _checker,
}
_NAMED: dict[str, Check] = {"cron": _cron, "worker": _script}
_LINES = frozenset({"packages", "update_fetch"})
