"""The trial of a new instance, beside the old one: started, updated and checked unseen."""

import http.client
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from silvernode import scripts, units
from silvernode.deploy import app_config
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.logs import viewer as logs
from silvernode.settings import Settings

POLL_SECONDS = 0.02
PORT = 8080


@dataclass(frozen=True)
class Trial:
    """An instance to be tried.

    Attributes:
        layout: the node's paths.
        settings: the node's settings.
        instance: its name.
        variables: its environment, see `silvernode.instances.environment`.
        plan: what its `app.ini` says.
    """

    layout: Layout
    settings: Settings
    instance: str
    variables: Mapping[str, str]
    plan: Mapping[str, Any]

    def run(self, *, update: bool) -> None:
        """Check the configuration, start the instance, carry out `update_fetch`, ask `check_url`.

        Args:
            update: carry out `update_fetch`.

        Raises:
            NodeError: one of them failed; the output is the app's own.
        """
        with self._explained():
            self._check_config()
            self._start()
            for line in self.plan["update_fetch"] if update else ():
                self._update(line)
            self.check()

    def ask(self) -> None:
        """Ask `check_url` of an instance that runs already.

        Raises:
            NodeError: the answer is not what it has to be; the output is the app's own.
        """
        with self._explained():
            self.check()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Give an error of the block what the app wrote meanwhile, unless it has an output."""
        began = time.time()
        try:
            yield
        except NodeError as error:
            raise NodeError(str(error), error.output or self._log(began)) from error

    def _check_config(self) -> None:
        """Run the app's own check of its deployment configuration, if it has one."""
        checker = self.plan.get("config", {}).get("checker")
        if not checker or app_config.is_empty(self.layout, self.instance):
            return
        script = checker.removeprefix("script:").strip()
        status, output = scripts.run_captured(
            self.layout, self.instance, script, self.settings.check_timeout
        )
        if status:
            raise NodeError(
                f"config.checker = {checker} refused the configuration (exit status {status})",
                output,
            )

    def _start(self) -> None:
        units.start(self.instance)
        deadline = time.monotonic() + self.settings.start_timeout
        while not self._has_started():
            if not units.is_running(self.instance):
                raise NodeError(
                    "the application's server stopped while starting", units.journal(self.instance)
                )
            if time.monotonic() > deadline:
                raise NodeError(
                    f"the application was not imported within {self.settings.start_timeout} s"
                    " (role variable app_start_timeout)"
                )
            time.sleep(POLL_SECONDS)

    def _has_started(self) -> bool:
        """Tell whether every process has reported that it imported the app."""
        run_directory = Path(self.variables["SILVER_RUN_DIR"])
        crashed = _crashed(run_directory)
        failed = run_directory / "failed"
        if failed.exists():
            output = failed.read_text(encoding="utf-8", errors="replace")
            raise NodeError("the application could not be imported", output)
        if crashed:
            raise NodeError(
                "a process ended while it imported the application, with no error of Python's:"
                " a crash of a compiled module, or os._exit"
            )
        return len(list(run_directory.glob("started/*"))) >= self.settings.processes

    def _update(self, line: str) -> None:
        if line.startswith("script:"):
            script = line.removeprefix("script:").strip()
            status, output = scripts.run_captured(
                self.layout, self.instance, script, self.settings.update_timeout
            )
            if status:
                raise NodeError(f"update_fetch = {line} ended with exit status {status}", output)
            return
        token = {"X-Silver-Update": self.variables["SILVER_UPDATE_TOKEN"]}
        status = self._fetch(f"update_fetch = {line}", line, self.settings.update_timeout, token)
        if not 200 <= status < 300:
            raise NodeError(f"update_fetch = {line} answered {status}, not 2xx")

    def check(self) -> None:
        """Ask the instance, which runs, for `check_url`.

        Raises:
            NodeError: the answer is not what it has to be.
        """
        path = self.plan["check_url"]
        # Where nobody said what to ask, the app is asked, even if "/" is a file in static/.
        headers = {} if path else {"X-Silver-Direct": "yes"}
        status = self._fetch(
            f"check_url = {path or '/'}", path or "/", self.settings.check_timeout, headers
        )
        if path and not 200 <= status < 300:
            raise NodeError(f"check_url = {path} answered {status}, not 2xx")
        if status >= 500:
            raise NodeError(f"/ answered {status} (set check_url in app.ini to ask another path)")

    def _fetch(self, what: str, path: str, seconds: int, headers: Mapping[str, str]) -> int:
        """Ask the instance for a path as Varnish would; the answer's status."""
        deadline = time.monotonic() + seconds
        connection = http.client.HTTPConnection(
            self.variables["SILVER_ADDRESS"], PORT, timeout=seconds
        )
        try:
            connection.request("GET", path, headers={**self._headers(), **headers})
            response = connection.getresponse()
            while response.read1():
                # The connection's own limit is one for each piece of the answer.
                if time.monotonic() > deadline:
                    raise TimeoutError
            return response.status
        except TimeoutError as error:
            raise NodeError(f"{what} did not answer within {seconds} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise NodeError(f"{what} got no answer: {error!r}") from error
        finally:
            connection.close()

    def _headers(self) -> dict[str, str]:
        host = self.variables["SILVER_CANONICAL_HOSTNAME"]
        return {
            "Host": host,
            "User-Agent": "silver-node",
            "X-Silver-Scheme": "http",
            "X-Silver-Host": host,
            "X-Silver-Prefix": self.variables["STATIC_URL"].removesuffix("/"),
        }

    def _log(self, since: float) -> str:
        """What the app wrote since a time, the last of it if it is long."""
        try:
            written = logs.written(self.layout, self.instance, since)
        except (OSError, ValueError):
            return ""  # The app may damage its log, which must not hide why the trial failed.
        return written[-scripts.OUTPUT_CHARACTERS :]


def _crashed(run_directory: Path) -> bool:
    """Tell whether a process that began to import the app is gone; mod_wsgi would try for ever."""
    started = {path.name for path in run_directory.glob("started/*")}
    starting = {path.name for path in run_directory.glob("starting/*")}
    return any(not Path("/proc", process).exists() for process in starting - started)
