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


def route(
    app: str, number: str, previous: str = "", *, disabled: bool = False
) -> dict[str, str | bool]:
    before = previous and f"{app}.{previous}"
    instance = f"{app}.{number}"
    told = {"app": app, "instance": instance, "previous": before, "since": HOUR_AGO}
    return {**told, "disabled": disabled}


WEB1 = {
    "address": "203.0.113.5",
    "sets": ["shop"],
    "deployed": {
        "version": "0.1.0",
        "addresses": {},
        "problems": [],
        "locations": {
            "www.polls.test": route("polls", "20261122_002", "20261122_001"),
            "blog.test": route("blog", "20261122_001", disabled=True),
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
        "jobs": [],
        "backups": {},
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
        "jobs": [],
        "backups": {},
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
        "disabled": False,
    }
    assert (blog["previous"], blog["previous_is_warm"], blog["disabled"]) == (None, False, True)


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
        "location              instance            since    previous",
        "blog.test (disabled)  blog.20261122_001   1 h ago",
        "www.polls.test        polls.20261122_002  1 h ago  polls.20261122_001 (warm)",
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
        "jobs": [],
        "backups": [],
        "disk": None,
        "problems": ["Failed to connect to the host via ssh"],
    }
    assert [node["name"] for node in others] == ["web1", "web2"]


def test_what_a_node_could_not_tell_is_a_problem_too(
    answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    answers["web2"]["deployed"]["problems"] = ["x.json is damaged"]
    assert silver() == 1
    assert capsys.readouterr().out.endswith("Silver Lining 0.1.0\n  x.json is damaged\n")


JOB: dict[str, Any] = {
    "app": "polls",
    "job": "cron.nightly",
    "instance": "polls.20261122_002",
    "schedule": "*-*-* 03:30",
    "command": "script:bin/tidy.py",
    "state": "waiting",
    "restarts": 0,
    "began": HOUR_AGO,
    "ended": HOUR_AGO,
    "status": 0,
    "reason": "",
    "next": (datetime.now(UTC) + timedelta(hours=2, minutes=30)).isoformat(),
}
WORKER = {**JOB, "job": "worker.mail", "schedule": None, "next": None}


def test_jobs_are_shown_with_their_last_and_next_run(
    answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    answers["web1"]["deployed"]["jobs"] = [
        JOB,
        {**JOB, "job": "cron.never", "began": None, "ended": None, "status": None, "next": None},
        {**JOB, "job": "cron.slow", "status": 9, "reason": "it took longer than …"},
        {**JOB, "job": "cron.long", "state": "running", "ended": None, "status": None},
        {**WORKER, "state": "restarting", "restarts": 7, "status": 1},
    ]
    assert silver("web1", "polls") == 0
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    start = next(i for i, line in enumerate(printed) if line.startswith("app    job"))
    assert printed[start:] == [
        "app    job           schedule     state                 last run  result         next run",
        "polls  cron.nightly  *-*-* 03:30  waiting               1 h ago   ok             in 2 h",
        "polls  cron.never    *-*-* 03:30  waiting",
        "polls  cron.slow     *-*-* 03:30  waiting               1 h ago   exit status 9  in 2 h",
        "polls  cron.long     *-*-* 03:30  running               1 h ago                  in 2 h",
        "polls  worker.mail                restarting (7 times)  1 h ago   exit status 1",
    ]
    assert silver("web1", "blog") == 0
    assert "cron.nightly" not in capsys.readouterr().out


MADE = {
    "at": HOUR_AGO,
    "ok": True,
    "message": "whatever was made",
    "archive": "polls-20261122T030000Z.tar.age",
    "destination": "s3://backups/web1/",
    "bytes": 34_000,
    "seconds": 4.2,
    "last_ok": HOUR_AGO,
}
FAILED = MADE | {"ok": False, "message": "the store cannot be reached", "archive": ""}


def test_backups_and_drills_are_shown_with_their_age_and_result(
    answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    answers["web1"]["deployed"]["backups"] = {
        "polls": {"backup": FAILED, "drill": MADE},
        "blog": {"backup": MADE},
    }
    assert silver("web1") == 0
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert printed[-4:] == [
        "",
        "app    last backup     last drill",
        "blog   1 h ago         none yet",
        "polls  FAILED 1 h ago  1 h ago",
    ]


def test_of_a_named_app_the_archive_is_told_too(
    answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = FAILED | {"destination": ""}
    answers["web1"]["deployed"]["backups"] = {
        "polls": {"backup": MADE, "drill": failed},
        "blog": {"backup": MADE},
    }
    assert silver("polls") == 0
    printed = capsys.readouterr().out
    assert printed.endswith("""
polls
  backup     1 h ago, 34.0 kB in 4.2 s: s3://backups/web1/polls-20261122T030000Z.tar.age
  drill      FAILED 1 h ago: the store cannot be reached
""")
    assert silver("web1", "blog", "--json") == 0
    (node,) = json.loads(capsys.readouterr().out)["nodes"]
    assert node["backups"] == [{"app": "blog", "backup": MADE}]


DISK = {
    "free_bytes": 12_100_000_000,
    "total_bytes": 20_000_000_000,
    "backup_bytes": 0,
    "problems": ["the data of blog: gone"],
    "apps": [
        {"app": app, "instances": 3, "instances_bytes": 45_600_000, "services": services}
        | {"checkpoints_bytes": 0, "logs_bytes": 1_500, "uploads_bytes": 0}
        for app, services in (("blog", {}), ("polls", {"files": 2_000_000, "postgis": 9_100_000}))
    ],
}


def test_what_takes_the_room_is_shown_in_place_of_the_rest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    web1 = {**WEB1, "deployed": {**WEB1["deployed"], "disk": DISK}}  # type: ignore[dict-item]
    asked = []

    def answers(name: str, extra: dict[str, Any]) -> Answers:
        asked.append(extra)
        return {"web1": web1}

    monkeypatch.setattr(playbook, "answers", answers)
    with pytest.raises(SystemExit) as caught:
        cli.main(["query", "--disk"])
    told = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert asked == [{"node_or_name": None, "disk": True}]
    assert "the data of blog: gone" in told
    assert caught.value.code == 1, "it could not tell everything"
    assert "12.1 GB of 20.0 GB are free" in told
    assert "polls 45.6 MB (3) files 2.0 MB, postgis 9.1 MB 1.5 kB" in told, told
    assert "www.polls.test" not in "\n".join(told)
    with pytest.raises(SystemExit):
        cli.main(["query", "polls", "--disk", "--json"])
    (node,) = json.loads(capsys.readouterr().out)["nodes"]
    assert [app["app"] for app in node["disk"]["apps"]] == ["polls"]


@pytest.mark.usefixtures("answers")
def test_json_has_all_that_the_node_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert silver("web1", "polls.20261122_002", "--json") == 0
    (node,) = json.loads(capsys.readouterr().out)["nodes"]
    assert node["instances"] == [
        each
        for each in WEB1["deployed"]["instances"]  # type: ignore[index]
        if each["instance"] == "polls.20261122_002"
    ]


SKIPPED = {"changed": False, "skipped": True, "skip_reason": "Conditional result was False"}


def test_a_database_and_a_balancer_are_left_out(answers: Answers) -> None:
    answers |= {"db1": dict(SKIPPED), "lb1": dict(SKIPPED)}
    found = deployed.query([])
    assert [node["name"] for node in found.nodes] == ["web1", "web2"]


def test_whoever_asks_a_balancer_is_told_where_applications_run(answers: Answers) -> None:
    answers["lb1"] = dict(SKIPPED)
    with pytest.raises(DeployedError, match="no applications run on lb1, only on nodes of the"):
        deployed.query(["lb1"])
