"""Visitors who ask for one page without a pause, and what they saw."""

import http.client
import itertools
import json
import re
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from types import TracebackType
from typing import Self

VISITORS = 4
PAUSE = 0.025
"""Seconds between two requests of one visitor: the deploys need the machine too."""

PATIENCE = 20
"""Seconds until a request counts as lost."""


@dataclass(frozen=True)
class Answer:
    """One request, and what came back.

    Attributes:
        began: when the request was sent, in seconds of a clock that only goes forward.
        ended: when the answer was complete.
        instance: what the page shows of what is expected, such as the instance that it names; ""
            if it is not a page of the site.
        problem: why the request counts as lost; "" if it does not.
    """

    began: float
    ended: float
    instance: str
    problem: str

    @property
    def seconds(self) -> float:
        """How long the visitor waited."""
        return self.ended - self.began


@dataclass
class Load:
    """Asks for a page of a host, over connections kept open, as long as the block runs.

    Attributes:
        address: the node's.
        host: the site's.
        app: its app, whose instances name themselves on the page.
        port: where the node answers.
        path: the page.
        expected: a pattern of what the page shows; by default the name of an instance.
        visitors: how many ask.
        answers: what came back.
    """

    address: str
    host: str
    app: str
    port: int = 80
    path: str = "/"
    expected: str = ""
    visitors: int = VISITORS
    answers: list[Answer] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)
    _visitors: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Let the visitors in."""
        self._visitors = [threading.Thread(target=self._visit) for _ in range(self.visitors)]
        for visitor in self._visitors:
            visitor.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let the visitors finish their last requests."""
        self._done.set()
        for visitor in self._visitors:
            visitor.join()

    @property
    def lost(self) -> list[Answer]:
        """The requests that did not bring the page."""
        return [answer for answer in self.answers if answer.problem]

    @property
    def slowest(self) -> float:
        """The longest time that a visitor waited, in seconds."""
        return max(answer.seconds for answer in self.answers)

    def _visit(self) -> None:
        connection = http.client.HTTPConnection(self.address, self.port, timeout=PATIENCE)
        while not self._done.wait(PAUSE):
            self.answers.append(self._ask(connection))
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> Answer:
        began, text = time.monotonic(), ""
        try:
            response = self._send(connection)
            text = response.read().decode()
            good = response.status in (http.client.OK, http.client.CREATED)
            problem = "" if good else f"{response.status}: {text}"
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            problem = repr(error)
        named = re.search(self.expected or rf"{self.app}\.\d{{8}}_\d{{3,}}", text)
        instance = named[0] if named else ""
        if not (instance or problem):
            problem = f"shows nothing of {self.expected or 'an instance'}: {text}"
        return Answer(began, time.monotonic(), instance, problem)

    def _send(self, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        connection.request("GET", self.path, headers={"Host": self.host})
        return connection.getresponse()


@dataclass
class Posts(Load):
    """Posts to `places` one place after another, each with a name of its own, as `Load` asks.

    Attributes:
        key: the beginning of all names.
    """

    path: str = "/api/places"
    visitors: int = 2
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        """Expect the name of a place in its answer."""
        self.expected = rf"{self.key} \d+"

    @property
    def acknowledged(self) -> list[str]:
        """The names of the places of which it was said that they are kept."""
        return [answer.instance for answer in self.answers if not answer.problem]

    def _send(self, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        place = {"name": f"{self.key} {next(self._numbers)}", "lat": 0, "lon": 0}
        headers = {"Host": self.host, "Content-Type": "application/json"}
        connection.request("POST", self.path, json.dumps(place), headers)
        return connection.getresponse()


def steps_back(answers: Iterable[Answer]) -> list[tuple[Answer, str]]:
    """Return the answers of an older instance than one that was seen before they were asked for.

    Each comes with the instance that had been seen by then.
    """
    answers = list(answers)
    finished = deque(sorted(answers, key=attrgetter("ended")))
    newest, found = "", []
    for answer in sorted(answers, key=attrgetter("began")):
        while finished[0].ended < answer.began:
            newest = max(newest, finished.popleft().instance)
        if answer.instance < newest:
            found.append((answer, newest))
    return found
