import pytest

from silversupport.environment import MissingVariable, is_production, variable


@pytest.mark.parametrize(
    ("version", "expected"),
    [("silverlining/0.1.0", True), ("devel/0.1.0", False), ("", False), (None, False)],
)
def test_production_is_a_node(
    monkeypatch: pytest.MonkeyPatch, version: str | None, expected: bool
) -> None:
    monkeypatch.delenv("SILVER_VERSION", raising=False)
    if version is not None:
        monkeypatch.setenv("SILVER_VERSION", version)
    assert is_production() is expected


def test_variable_is_read_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILVER_APP_NAME", "polls")
    assert variable("SILVER_APP_NAME") == "polls"


@pytest.mark.parametrize("value", [None, ""])
def test_missing_variable_is_named_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("SILVER_APP_NAME", raising=False)
    if value is not None:
        monkeypatch.setenv("SILVER_APP_NAME", value)
    with pytest.raises(MissingVariable, match=r"^SILVER_APP_NAME is not set: .*silver serve"):
        variable("SILVER_APP_NAME")
