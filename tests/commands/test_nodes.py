"""The commands for nodes, typed."""

import json

from tests.support.commands import must, silver


def test_a_node_is_listed_with_its_address(node: str) -> None:
    rows = {row["name"]: row for row in json.loads(must("list-nodes", "--json").out)}
    assert rows[node]["state"] == "running"
    assert rows[node]["address"] in must("list-nodes").out


def test_a_node_that_is_set_up_is_created_no_second_time(node: str) -> None:
    again = silver("create-node", node)
    assert again.status != 0
    assert "--if-not-exists" in again.out + again.err, str(again)


def test_a_mistyped_command_names_the_near_one() -> None:
    done = silver("list-node")
    assert done.status == 2
    assert "list-nodes" in done.err
