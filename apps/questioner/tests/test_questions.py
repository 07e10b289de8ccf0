"""The file of questions, and the configuration that the node loads."""

from pathlib import Path

import pytest
from paste.deploy import loadapp
from webtest import TestApp

from questioner.questions import QuestionsError, load

SOURCE = Path(__file__).parents[1] / "src"


def test_the_applications_own_questions_are_good() -> None:
    assert {question.kind for question in load(SOURCE / "questions.toml")} == {
        "text",
        "choice",
        "yes_no",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[question]", "not a file of"),
        ("title = 'x'", "not a file of"),
        ("[[question]]\nname = 'a'\nlabel = 'A'", "question 1: .*'kind'"),
        (
            "[[question]]\nname = 'a'\nlabel = 'A'\nkind = 'text'\ncolor = 1",
            "question 1: .*'color'",
        ),
        ("[[question]]\nname = 'a'\nlabel = 'A'\nkind = 'date'", "use one of text, choice, yes_no"),
        ("[[question]]\nname = 'a b'\nlabel = 'A'\nkind = 'text'", "use letters"),
        ("[[question]]\nname = 'email'\nlabel = 'A'\nkind = 'text'", "a field of its own"),
        ("[[question]]\nname = 'a'\nlabel = 'A'\nkind = 'choice'", "which needs them"),
        ("[[question]]\nname = 'a'\nlabel = 'A'\nkind = 'text'\n" * 2, "same name: a, a"),
    ],
)
def test_fault_in_the_file_is_told_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "questions.toml"
    path.write_text(text, "utf-8")

    with pytest.raises(QuestionsError, match=f"{path}.*{message}"):
        load(path)


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(QuestionsError, match="No such file"):
        load(tmp_path / "questions.toml")


def test_configuration_that_the_node_loads_serves_the_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFIG_FILES", str(tmp_path))
    monkeypatch.setattr("questioner.application.get_secret", lambda: "a secret")

    page = TestApp(loadapp(f"config:{SOURCE / 'questioner.ini'}")).get("/")

    assert "Which cloud do you like best?" in page.text
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
