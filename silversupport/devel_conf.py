"""`~/.silverlining.conf`: what a user wants to be different in development."""

# ruff: noqa: PTH111, PTH123 (see silversupport.data)
import configparser
import os
from collections.abc import Iterator

from silversupport import service
from silversupport.errors import SilverError

FILE = "~/.silverlining.conf"
SECTION = "devel"
APP_NAME = "APP_NAME"


class ConfError(SilverError):
    """The file cannot be used; the message says in which line, and why."""


class Parser(configparser.ConfigParser):
    """Reads keys as they stand."""

    def optionxform(self, optionstr: str) -> str:
        """Keep a key's case: by default it would be lowered."""
        return optionstr


def parser_of(delimiters: tuple[str, ...], default_section: str) -> Parser:
    """Return a parser that takes values as they stand, and keys without a value."""
    return Parser(
        interpolation=None,
        allow_no_value=True,
        delimiters=delimiters,
        default_section=default_section,
    )


def overrides(app_name: str) -> dict[str, str]:
    """Return the variables that the user set for an application.

    Those of `[devel:APP]` win over those of `[devel]`; in values, `APP_NAME` is replaced.

    Raises:
        ConfError: the file cannot be read, or something in it has no effect.
    """
    text = _text()
    if text is None:
        return {}
    parser = _parsed(text)
    _check_sections(parser, text)
    given: dict[str, str] = {}
    for section in (SECTION, f"{SECTION}:{app_name}"):
        if parser.has_section(section):
            _check_keys(parser, section, text)
            given |= {key: value or "" for key, value in parser.items(section)}
    return {key: value.replace(APP_NAME, app_name) for key, value in given.items()}


def _text() -> str | None:
    try:
        with open(os.path.expanduser(FILE), encoding="utf-8-sig") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfError(f"{FILE}: it cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfError(f"{FILE}, line {line}: it is not UTF-8 text; save it as such.") from error


def _parsed(text: str) -> Parser:
    parser = parser_of(delimiters=("=",), default_section="")
    last_line = 0

    def lines() -> Iterator[str]:
        nonlocal last_line
        for last_line, line in enumerate(text.splitlines(), 1):  # noqa: B007 - read below
            yield line

    try:
        parser.read_file(lines())
    # AttributeError before Python 3.13: https://github.com/python/cpython/issues/107625
    except (configparser.Error, AttributeError) as error:
        raise ConfError(_syntax_problem(error, last_line)) from error
    return parser


def _syntax_problem(error: Exception, last_line: int) -> str:
    match error:
        case configparser.DuplicateOptionError():
            number, problem = error.lineno, f"{error.option} is there a second time; remove one"
        case configparser.DuplicateSectionError():
            number, problem = error.lineno, f"[{error.section}] is there a second time; join them"
        case configparser.MissingSectionHeaderError():
            number, problem = error.lineno, f"expected [{SECTION}] before it"
        case configparser.ParsingError(errors=[(line, _), *_]):
            number, problem = line, "there is no key before the sign; write KEY = VALUE"
        case _:
            number, problem = last_line, "it is indented, with no value above to continue"
    return f"{FILE}, line {number}: {problem}."


def _check_sections(parser: Parser, text: str) -> None:
    for section in parser.sections():
        if section != SECTION and not section.startswith(f"{SECTION}:"):
            raise ConfError(
                f"{FILE}, line {_line_of(f'[{section}]', text)}: there is no section [{section}]; "
                f"the sections are [{SECTION}] and [{SECTION}:APP]."
            )


def _check_keys(parser: Parser, section: str, text: str) -> None:
    known = service.variables()
    for key, value in parser.items(section):
        if key not in known:
            problem = f"there is no {key}; the keys are {', '.join(known)}"
        elif value is None:
            problem = f"{key} has no value; write {key} = VALUE"
        elif "\n" in value:
            problem = (
                f"the value of {key} must be one line (an indented line continues the one above)"
            )
        else:
            continue
        raise ConfError(f"{FILE}, line {_line_of(key, text, section)}: {problem}.")


def _line_of(start: str, text: str, section: str | None = None) -> int:
    """Return the number of the first line that begins so, in a section or in the whole file."""
    inside = section is None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("["):
            inside = section is None or line.startswith(f"[{section}]")
        if inside and line.partition("=")[0].strip() == start:
            return number
    return 1
