"""What `silver query` finds, prints, and says when it finds nothing."""

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from silverlining import cli, playbook
from silverlining.remote import deployed
from silverlining.remote.deployed import DeployedError

Answers = dict[str, dict[str, Any]]

HOUR_AGO = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="milliseconds")
CHECKOUTS: list[dict[str, Any]] = [
    {
        "path": "lib/python",
        "kind": "git",
        "revision": "8d0a2b1f6c7e4d5a9b3c2d1e0f4a5b6c7d8e9f00",
        "branch": "",
        "uncommitted": [],
        "uncommitted_count": 0,
    },
    {
        "path": "src/polls",
        "kind": "git",
        "revision": "1f6c7e4d5a9b3c2d1e0f4a5b6c7d8e9f008d0a2b",
        "branch": "main",
        "uncommitted": ["M polls/views.py", "?? [new].py"],
        "uncommitted_count": 102,
    },
    {"path": "src/x", "kind": "hg", "revision": "", "branch": "", "uncommitted": []}
    | {"uncommitted_count": 0},
]


def instance(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "instance": name,
        "app": name.partition(".")[0],
        "uploaded": HOUR_AGO,
        "uploader": "ann@laptop",
        "files": 12,
        "bytes": 34_000,
        "config": "",
        "revisions": [],
        "serves": [],
        "previous_of": [],
        "state": "running",
        "memory": 25_000_000,
        **changes,
    }


def route(app: str, number: str, previous: str = "") -> dict[str, str]:
    before = previous and f"{app}.{previous}"
    return {"app": app, "instance": f"{app}.{number}", "previous": before, "since": HOUR_AGO}


WEB1 = {
    "address": "203.0.113.5",
    "sets": ["shop"],
    "deployed": {
        "version": "0.1.0",
        "addresses": {},
        "problems": [],
        "locations": {
            "www.polls.test": route("polls", "20261122_002", "20261122_001"),
            "blog.test": route("blog", "20261122_001"),
        },
        "instances": [
            instance("blog.20261122_001", serves=["blog.test"]),
            instance(
                "polls.20261122_002",
                serves=["www.polls.test"],
                revisions=CHECKOUTS,
                config="given",
            ),
            instance("polls.20261122_001", previous_of=["www.polls.test"]),
            instance("polls.20261101_001", state="stopped", memory=None, files=None, bytes=None),
        ],
    },
}
WEB2: dict[str, Any] = {
    "address": "203.0.113.6",
    "sets": ["shop"],
    "deployed": {
        "version": "0.1.0",
        "addresses": {},
        "problems": [],
        "locations": {},
        "instances": [],
    },
}
GONE = {
    "address": "203.0.113.7",
    "sets": [],
    "unreachable": True,
    "msg": "Failed to connect\r\nto the host via ssh",
}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """What the nodes answer; a test may change it."""
    answers = copy.deepcopy({"web2": WEB2, "web1": WEB1})

    def run(name: str, extra: dict[str, Any]) -> Answers:
        assert name == "query"
        word = extra["node_or_name"]
        chosen = {
            name: answer
            for name, answer in answers.items()
            if word == name or word in answer.get("sets", [])
        }
        return chosen or answers

    monkeypatch.setattr(playbook, "answers", run)
    return answers


def names(found: deployed.Found) -> dict[str, tuple[list[str], list[str]]]:
    return {
        node["name"]: (
            [each["location"] for each in node["locations"]],
            [each["instance"].replace(".202611", " ") for each in node["instances"]],
        )
        for node in found.nodes
    }


POLLS = ["polls 22_002", "polls 22_001", "polls 01_001"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            [],
            {"web1": (["blog.test", "www.polls.test"], ["blog 22_001", *POLLS]), "web2": ([], [])},
        ),
        (["web2"], {"web2": ([], [])}),
        (["web1", "polls"], {"web1": (["www.polls.test"], POLLS)}),
        (["shop", "p*"], {"web1": (["www.polls.test"], POLLS), "web2": ([], [])}),
        # Not a node's name: of any node.
        (["blog"], {"web1": (["blog.test"], ["blog 22_001"]), "web2": ([], [])}),
        (
            ["web1", "blog", "polls"],
            {"web1": (["blog.test", "www.polls.test"], ["blog 22_001", *POLLS])},
        ),
        # Of a location, what it is served by; of an instance, where it serves.
        (["web1", "*.polls.test"], {"web1": (["www.polls.test"], POLLS[:2])}),
        (["web1", "blog.test"], {"web1": (["blog.test"], ["blog 22_001"])}),
        (["web1", "polls.20261122_001"], {"web1": (["www.polls.test"], ["polls 22_001"])}),
        (["web1", "*.20261101_???"], {"web1": ([], ["polls 01_001"])}),
    ],
)
@pytest.mark.usefixtures("answers")
def test_words_choose_nodes_apps_locations_and_instances(
    words: list[str], expected: dict[str, tuple[list[str], list[str]]]
) -> None:
    assert names(deployed.query(words)) == expected


@pytest.mark.usefixtures("answers")
def test_a_location_is_told_of_with_its_previous_instance() -> None:
    blog, polls = deployed.query(["web1"]).nodes[0]["locations"]
    assert polls == {
        "location": "www.polls.test",
        "app": "polls",
        "instance": "polls.20261122_002",
        "since": HOUR_AGO,
        "previous": "polls.20261122_001",
        "previous_is_warm": True,
    }
    assert (blog["previous"], blog["previous_is_warm"]) == (None, False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["web1", "pols"], "no app, location or instance is named pols on web1; near: polls"),
        (["wbe1"], "no app, location or instance is named wbe1; near: web1"),
        (["web1", "polls", "xyz*"], "no app, location or instance is named xyz* on web1"),
    ],
)
@pytest.mark.usefixtures("answers")
def test_a_name_of_nothing_is_an_error_with_the_near_ones(words: list[str], message: str) -> None:
    with pytest.raises(DeployedError) as caught:
        deployed.query(words)
    assert str(caught.value) == message


def test_a_node_that_did_not_answer_may_have_had_the_name(answers: Answers) -> None:
    answers["web3"] = GONE
    with pytest.raises(DeployedError) as caught:
        deployed.query(["nothing-like-it"])
    assert str(caught.value).splitlines()[1:] == ["Failed to connect to the host via ssh"]


def silver(*words: str) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(["query", *words])
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.mark.usefixtures("answers")
def test_without_a_name_a_node_is_a_table_of_locations_and_one_of_instances(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert silver() == 0
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert printed == [
        "web1  203.0.113.5  Silver Lining 0.1.0",
        "",
        "location        instance            since    previous",
        "blog.test       blog.20261122_001   1 h ago",
        "www.polls.test  polls.20261122_002  1 h ago  polls.20261122_001 (warm)",
        "",
        "instance            state    memory   uploaded  by          size     files",
        "blog.20261122_001   running  25.0 MB  1 h ago   ann@laptop  34.0 kB  12",
        "polls.20261122_002  running  25.0 MB  1 h ago   ann@laptop  34.0 kB  12",
        "polls.20261122_001  running  25.0 MB  1 h ago   ann@laptop  34.0 kB  12",
        "polls.20261101_001  stopped           1 h ago   ann@laptop",
        "",
        "web2  203.0.113.6  Silver Lining 0.1.0",
        "  nothing is deployed; try: ./silver update DIR --node web2",
    ]
    assert max(map(len, printed)) <= 100


@pytest.mark.usefixtures("answers")
def test_with_a_name_instances_and_their_checkouts_are_told_of_in_full(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert silver("polls") == 0
    printed = capsys.readouterr().out
    assert "web2" not in printed
    details = printed.partition("(warm)\n")[2]
    assert (
        details
        == """
polls.20261122_002  running, 25.0 MB of memory
  serves     www.polls.test
  uploaded   1 h ago by ann@laptop
  size       34.0 kB in 12 files
  config     given
  lib/python git 8d0a2b1f6c7e
  src/polls  git 1f6c7e4d5a9b (main), 102 uncommitted:
               M polls/views.py
               ?? [new].py
               and 100 more
  src/x      hg without a commit

polls.20261122_001  running, 25.0 MB of memory
  serves     prev.www.polls.test
  uploaded   1 h ago by ann@laptop
  size       34.0 kB in 12 files

polls.20261101_001  stopped
  uploaded   1 h ago by ann@laptop
"""
    )


def test_a_node_that_did_not_answer_is_shown_beside_the_others(
    answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    answers["web0"] = GONE
    assert silver() == 1
    printed = capsys.readouterr().out
    assert printed.startswith("web0  203.0.113.7\n  Failed to connect to the host via ssh\n\nweb1 ")
    assert silver("polls") == 1
    assert "web0" in capsys.readouterr().out
    assert silver("--json") == 1
    first, *others = json.loads(capsys.readouterr().out)["nodes"]
    assert first == {
        "name": "web0",
        "address": "203.0.113.7",
        "version": None,
        "locations": [],
        "instances": [],
        "problems": ["Failed to connect to the host via ssh"],
    }
    assert [node["name"] for node in others] == ["web1", "web2"]


def test_what_a_node_could_not_tell_is_a_problem_too(
    answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    answers["web2"]["deployed"]["problems"] = ["x.json is damaged"]
    assert silver() == 1
    assert capsys.readouterr().out.endswith("Silver Lining 0.1.0\n  x.json is damaged\n")


@pytest.mark.usefixtures("answers")
def test_json_has_all_that_the_node_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert silver("web1", "polls.20261122_002", "--json") == 0
    (node,) = json.loads(capsys.readouterr().out)["nodes"]
    assert node["instances"] == [
        each
        for each in WEB1["deployed"]["instances"]  # type: ignore[index]
        if each["instance"] == "polls.20261122_002"
    ]
