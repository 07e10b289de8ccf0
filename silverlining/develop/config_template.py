"""An application's configuration template, filled in: files for `silver update --config`.

`config.template` in `app.ini` names a directory in the application, or one file. What is text in it
is a template of Jinja2, what is not is copied; names of files may have variables too.
"""

import os
import secrets
import traceback
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import SandboxedEnvironment

from silverlining.app import uploads
from silverlining.app.app_paths import climbs_out, shown
from silverlining.develop.config_output import PRIVATE, PRIVATE_PROGRAM, File
from silversupport.errors import SilverError

LONGEST = 1024
"""Characters of a random text at most."""

_PLACE = "<template>"  # what Jinja2 calls a template that has no file


class TemplateError(SilverError):
    """A configuration template cannot be filled in."""


def random(length: int = 32) -> str:
    """Return a text for a password: letters, digits, `-` and `_`."""
    if not 0 < length <= LONGEST:
        raise TemplateError(f"random({length}): a text has 1 to {LONGEST} characters")
    return secrets.token_urlsafe(length)[:length]


@dataclass(frozen=True)
class _Source:
    """A file of a template, and where it comes from for messages."""

    name: PurePosixPath
    shown: str
    file: File

    @property
    def text(self) -> str | None:
        """The template in it; None for a binary file."""
        try:
            text = self.file.content.decode()
        except UnicodeDecodeError:
            return None
        return None if "\0" in text else text

    def templates(self) -> Iterator[str]:
        """Yield all that may have variables."""
        yield str(self.name)
        yield self.text or ""


@dataclass
class ConfigTemplate:
    """A configuration template.

    Attributes:
        given: what needs not be asked for: `app_name`, `location` and `random`.
        required: the other variables that have no default, in the order of the files.
        optional: those with one.
    """

    given: Mapping[str, Any]
    required: list[str] = field(default_factory=list)
    optional: set[str] = field(default_factory=set)
    _sources: Sequence[_Source] = ()

    def check(self, values: Collection[str]) -> None:
        """Check that values have names which the template uses.

        Raises:
            TemplateError: one of them has not, or is not to be given.
        """
        known = [*self.required, *sorted(self.optional)]
        for name in values:
            if name in self.given:
                raise TemplateError(f"{name} is not to be set: Silver Lining gives it")
            if name not in known:
                near = get_close_matches(name, known, n=1)
                there = (
                    f"did you mean {near[0]}?" if near else f"it has {', '.join(known) or 'none'}"
                )
                raise TemplateError(f"the template has no variable {name}; {there}")

    def missing(self, values: Collection[str]) -> list[str]:
        """Return the names of the variables without which it cannot be filled in."""
        return [name for name in self.required if name not in values]

    def filled(self, values: Mapping[str, str]) -> dict[PurePosixPath, File]:
        """Return the files of the configuration.

        Raises:
            TemplateError: a template is wrong, or two files have the same name.
        """
        files: dict[PurePosixPath, File] = {}
        variables = {**self.given, **values}
        for source in self._sources:
            name = _file_name(source, _rendered(str(source.name), source, variables))
            if name in files:
                raise TemplateError(f"{source.shown}: another file is {shown(name)} already")
            text = source.text
            content = source.file.content
            if text is not None:
                content = _rendered(text, source, variables).encode()
            files[name] = File(content, source.file.mode)
        return files


def read(directory: Path, path: str, app_name: str, location: str | None) -> ConfigTemplate:
    """Read an application's configuration template.

    Args:
        directory: the application's root.
        path: `config.template`, which names a file or a directory in it.
        app_name: the application's name.
        location: where it is to be served, if that is known; if not, the variable is one as others.

    Raises:
        TemplateError: something in it cannot be read, or is no template.
    """
    given: dict[str, Any] = {"app_name": app_name, "random": random}
    if location:
        given["location"] = location
    sources = list(_sources(directory, PurePosixPath(os.path.normpath(path))))
    if not sources:
        raise TemplateError(f"{path}: there is no file in the configuration template")
    template = ConfigTemplate(given, _sources=sources)
    required: dict[str, None] = {}
    for source in sources:
        for text in source.templates():
            names, with_default = _variables(text, source)
            required |= dict.fromkeys(sorted(names - given.keys()))
            template.optional |= with_default - given.keys()
    template.required = [name for name in required if name not in template.optional]
    return template


def _sources(directory: Path, path: PurePosixPath) -> Iterator[_Source]:
    if (directory / path).is_file():
        yield _source(directory, path, PurePosixPath(path.name))
        return
    for file in sorted((directory / path).rglob("*")):
        name = PurePosixPath(file.relative_to(directory))
        if uploads.is_excluded(name, directory=file.is_dir()):
            continue
        if file.is_symlink() and not file.is_file():
            raise TemplateError(f"{shown(name)}: is a symbolic link, but not to a file")
        if file.is_file():
            yield _source(directory, name, name.relative_to(path))


def _source(directory: Path, path: PurePosixPath, name: PurePosixPath) -> _Source:
    try:
        content = (directory / path).read_bytes()
    except OSError as error:
        raise TemplateError(f"{shown(path)}: cannot be read ({error.strerror})") from error
    executable = os.access(directory / path, os.X_OK)
    return _Source(name, shown(path), File(content, PRIVATE_PROGRAM if executable else PRIVATE))


def _environment() -> SandboxedEnvironment:
    return SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)


def _variables(text: str, source: _Source) -> tuple[set[str], set[str]]:
    """Return the variables of a template, and those of them that have a default."""
    environment = _environment()
    try:
        tree = environment.parse(text)
    except TemplateSyntaxError as error:
        raise TemplateError(f"{source.shown}, line {error.lineno}: {error.message}") from error
    names = meta.find_undeclared_variables(tree) - environment.globals.keys()
    filters = (each.node for each in tree.find_all(nodes.Filter) if each.name in ("default", "d"))
    tests = (each.node for each in tree.find_all(nodes.Test) if each.name.endswith("defined"))
    optional = {each.name for each in (*filters, *tests) if isinstance(each, nodes.Name)}
    return names, names & optional


def _rendered(text: str, source: _Source, values: Mapping[str, Any]) -> str:
    try:
        template: Template = _environment().from_string(text)
        return template.render(values)
    except Exception as error:  # a template can divide by zero
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == _PLACE]
        where = f", line {lines[-1]}" if lines else ""
        raise TemplateError(f"{source.shown}{where}: {error}") from error


def _file_name(source: _Source, text: str) -> PurePosixPath:
    name = PurePosixPath(os.path.normpath(text))
    if name.is_absolute() or climbs_out(name) or name.name == "" or not text.isprintable():
        raise TemplateError(f"{source.shown}: {text!r} is no name for a file")
    return name
