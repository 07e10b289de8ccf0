"""The application as it is now, or what is wrong with it."""

from collections.abc import Collection, Sequence
from pathlib import Path

from silverlining.develop.devel_services import Report
from silverlining.develop.serve import process
from silverlining.develop.serve.preparation import prepare
from silverlining.develop.serve.process import Program
from silversupport.errors import SilverError


class Subject:
    """What is served.

    Attributes:
        prepared: the application as it was when it was all right.
        problem: what is wrong with it by now; empty if nothing is.
    """

    def __init__(self, directory: Path, config: Path | None, report: Report) -> None:
        """Prepare the application.

        Args:
            directory: its root.
            config: its deployment configuration, if one was given.
            report: Told what is going on, when it takes long.

        Raises:
            SilverError: it cannot be served.
        """
        self._directory = directory
        self._config = config
        self._report = report
        self._ini = self._read_ini()
        self.prepared = prepare(directory, config, report)
        self.problem = ""

    def refresh(self, changed: Collection[Path]) -> bool:
        """Prepare the application again, if that is called for.

        Args:
            changed: the files that changed.

        Returns:
            Whether `app.ini` is another one.
        """
        before, self._ini = self._ini, self._read_ini()
        if self.problem or self._ini != before or any(map(self._is_config, changed)):
            self._prepare()
        return self._ini != before

    def program(self, updates: Sequence[str]) -> Program:
        """Return what serves the application after carrying out `updates`, or shows the problem."""
        if self.problem:
            return process.standing_in(self.problem)
        return process.serving(self.prepared, updates)

    @property
    def update_fetch(self) -> Sequence[str]:
        """The application's `update_fetch`."""
        return self.prepared.application.update_fetch

    def _prepare(self) -> None:
        try:
            self.prepared = prepare(self._directory, self._config, self._report)
            self.problem = ""
        except SilverError as error:
            self.problem = str(error)
            self._report(self.problem)

    def _is_config(self, path: Path) -> bool:
        return path.is_relative_to(self.prepared.environment["SILVER_APP_CONFIG"])

    def _read_ini(self) -> bytes | None:
        try:
            return (self._directory / "app.ini").read_bytes()
        except OSError:
            return None
