import pytest

from silversupport import versions


@pytest.mark.parametrize(
    ("theirs", "ours", "what_to_do"),
    [
        ("0.2.0", "0.3.0", "bring it up to date with: ./silver setup-node web1"),
        ("0.9.1", "0.10.0", "bring it up to date with: ./silver setup-node web1"),
        ("0.3.1", "0.3.0", "the node is newer; update the Silver Lining that you work with"),
    ],
)
def test_whoever_is_older_is_to_be_updated(theirs: str, ours: str, what_to_do: str) -> None:
    said = versions.difference("web1", theirs, ours)
    assert said == f"web1 was set up by Silver Lining {theirs}, this is {ours}: {what_to_do}"


@pytest.mark.parametrize(
    "said",
    [
        "this node was set up by Silver Lining 0.2.0, this is 0.3.0; run ./silver setup-node for it"
        " first",
        versions.difference("this node", "0.2.0", "0.3.0"),
    ],
)
def test_what_a_node_of_any_release_says_is_understood(said: str) -> None:
    found = versions.DIFFERENT.search(said)
    assert found
    assert found["theirs"] == "0.2.0"
