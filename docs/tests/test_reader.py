"""The reader of the manual notices what does not work."""

from pathlib import Path

import pytest

from docs.tests import pages
from docs.tests.pages import PageError, Step
from docs.tests.reader import Reader, check_output

PAGE = """\
```sh
cd src
```
<!-- output -->
```text
shown
```
```text
only read
```
```ini
[only read]
```
```python src/x.py
x = 1
```
```diff src/x.py
-x = 1
```
```sh in a second terminal
serve
```
<!-- answers: one, two words -->
```sh
ask
```
<!-- browser: look -->
"""


def test_a_page_is_a_list_of_steps() -> None:
    assert [(step.kind, step.line, step.name) for step in pages._steps(PAGE)] == [
        ("sh", 1, ""),
        ("output", 5, ""),
        ("file", 14, "src/x.py"),
        ("diff", 17, "src/x.py"),
        ("terminal", 20, ""),
        ("sh", 24, ""),
        ("browser", 27, "look"),
    ]
    assert [step.answers for step in pages._steps(PAGE) if step.answers] == [("one", "two words")]


def test_lines_of_a_file_are_changed() -> None:
    diff = " b = 1\n-c = 1\n+c = 2\n+d = 3\n"
    assert pages.changed("a = 1\nb = 1\nc = 1\n", diff) == "a = 1\nb = 1\nc = 2\nd = 3\n"


@pytest.mark.parametrize("content", ["", "bb\n", "b\nb\n"])
def test_a_change_that_has_not_one_place_is_refused(content: str) -> None:
    with pytest.raises(PageError, match="not one place"):
        pages.changed(content, "-b\n")


@pytest.mark.parametrize("shown", ["one", " one\n\n", "o…e", "one …"])
def test_what_was_printed_may_be_shown(shown: str) -> None:
    check_output(shown, "zero\none two\n")


@pytest.mark.parametrize("shown", ["three", "one\nthree", "zero…two", "o.e"])
def test_what_was_not_printed_may_not_be_shown(shown: str) -> None:
    with pytest.raises(PageError):
        check_output(shown, "zero\none two\n")


def test_the_directory_stays_from_one_block_to_the_next(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    with Reader(tmp_path / "here") as reader:
        reader.do(Step("sh", 1, "mkdir src\ncd src\n"))
        reader.do(Step("file", 2, "x = 1\n", "x.py"))
        reader.do(Step("sh", 3, "read -p 'Name: ' name\ncat $name\n", answers=("x.py",)))
        assert reader.output.endswith("x = 1\n")


def test_what_happens_elsewhere_happens_once_a_file_is_written(tmp_path: Path) -> None:
    def happen() -> None:
        (tmp_path / "x.yml").write_text("y: 2\n")

    with Reader(tmp_path, once_written={"x.yml": happen}) as reader:
        reader.do(Step("file", 1, "x: 1\n", "x.yml"))
        reader.do(Step("sh", 2, "cat x.yml\n"))
    assert reader.output == "y: 2\n"


@pytest.mark.parametrize("script", ["false\ntrue", "exit 3", "echo $NOT_THERE", "false | true"])
def test_a_command_that_fails_ends_the_reading(script: str, tmp_path: Path) -> None:
    with Reader(tmp_path) as reader, pytest.raises(PageError, match="exit status"):
        reader.do(Step("sh", 1, script))


def test_a_server_that_does_not_come_up_ends_the_reading(tmp_path: Path) -> None:
    with Reader(tmp_path) as reader, pytest.raises(PageError, match="does not answer"):
        reader.do(Step("terminal", 1, "true"))
