"""Configuration templates: what they ask for, and what becomes of them."""

import re
from pathlib import Path, PurePosixPath

import pytest

from silverlining.develop import config_template
from silverlining.develop.config_template import ConfigTemplate, TemplateError


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "polls/config").mkdir(parents=True)
    return tmp_path / "polls"


def template(app: Path, files: dict[str, str | bytes], path: str = "config") -> ConfigTemplate:
    for name, text in files.items():
        file = app / "config" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return config_template.read(app, path, "polls", "polls.test")


def filled(app: Path, files: dict[str, str | bytes], **values: str) -> dict[str, bytes]:
    found = template(app, files).filled(values)
    return {str(name): file.content for name, file in found.items()}


def test_files_are_filled_in_and_what_is_no_text_is_copied(app: Path) -> None:
    files: dict[str, str | bytes] = {
        "site.ini": "app = {{ app_name }} at {{ location }}\nmail = {{ mail }}\n\n",
        "deep/empty": "",
        "logo.png": b"\x89PNG\x00{{ mail }}\xff",
        "nul.bin": b"{{ mail }}\x00",
    }
    assert filled(app, files, mail="ann@example.com & <co>") == {
        "site.ini": b"app = polls at polls.test\nmail = ann@example.com & <co>\n\n",
        "deep/empty": b"",
        "logo.png": b"\x89PNG\x00{{ mail }}\xff",
        "nul.bin": b"{{ mail }}\x00",
    }


def test_names_of_files_may_have_variables(app: Path) -> None:
    assert filled(app, {"{{ kind }}/{{ app_name }}.ini": "x"}, kind="a") == {"a/polls.ini": b"x"}


def test_a_template_may_be_one_file(app: Path) -> None:
    found = template(app, {"site.ini": "{{ app_name }}"}, "config/./site.ini").filled({})
    assert {str(name): file.content for name, file in found.items()} == {"site.ini": b"polls"}


def test_what_is_executable_stays_so_and_all_else_is_private(app: Path) -> None:
    (app / "config/run.sh").write_text("")
    (app / "config/run.sh").chmod(0o755)
    found = template(app, {"site.ini": ""}).filled({})
    modes = {str(name): oct(file.mode) for name, file in found.items()}
    assert modes == {"run.sh": "0o700", "site.ini": "0o600"}


def test_each_random_text_is_another_of_the_length_asked_for(app: Path) -> None:
    (content,) = filled(app, {"x": "{{ random(5) }} {{ random(40) }} {{ random() }}"}).values()
    short, long, usual = content.decode().split()
    assert [len(short), len(long), len(usual)] == [5, 40, 32]
    assert re.fullmatch(r"[\w-]+", long)
    assert not long.startswith(usual[:5])


@pytest.mark.parametrize(
    ("text", "required"),
    [
        ("{{ b }} {{ a }}", ["a", "b"]),
        ("{{ app_name }} {{ location }} {{ random(4) }} {{ range(3) | list }}", []),
        ("{{ a | default('x') }} {{ b | d }} {{ c | upper }}", ["c"]),
        ("{% if a is defined %}{{ a }}{% endif %}{% if b is not undefined %}{% endif %}", []),
        ("{{ a | default('x') }}{{ a | upper | default(b) }}", ["b"]),
        ("{% set a = 1 %}{{ a }}{% for b in [1] %}{{ b }}{% endfor %}", []),
        ("{# {{ a }} #}{% raw %}{{ b }}{% endraw %}", []),
    ],
)
def test_variables_without_a_default_are_required(
    app: Path, text: str, required: list[str]
) -> None:
    assert template(app, {"x": text}).required == required


def test_values_that_are_given_are_not_missing_and_defaults_hold(app: Path) -> None:
    files: dict[str, str | bytes] = {"a": "{{ x }} {{ y | default('why') }}", "b": "{{ z }}{{ x }}"}
    assert template(app, files).missing({"x": "1"}) == ["z"]
    assert filled(app, files, x="1", z="3") == {"a": b"1 why", "b": b"31"}
    assert filled(app, files, x="1", y="2", z="3")["a"] == b"1 2"


def test_without_a_default_location_it_is_a_variable_as_others(app: Path) -> None:
    (app / "config/x").write_text("{{ location }}")
    assert config_template.read(app, "config", "polls", None).required == ["location"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("emial", "the template has no variable emial; did you mean email?"),
        ("qqq", "the template has no variable qqq; it has email, colour"),
        ("app_name", "app_name is not to be set: Silver Lining gives it"),
    ],
)
def test_a_value_for_no_variable_is_an_error(app: Path, name: str, message: str) -> None:
    found = template(app, {"x": "{{ email }}{{ colour | default('red') }}"})
    with pytest.raises(TemplateError) as caught:
        found.check([name])
    assert str(caught.value) == message
    found.check(["email", "colour"])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x", "\n{{ a", "config/x, line 2: unexpected end of template"),
        ("x", "\n\n{% nonsense %}", "config/x, line 3: Encountered unknown tag 'nonsense'"),
        ("x", "\n{{ 1 / 0 }}", "config/x, line 2: division by zero"),
        ("x", "{{ a.b }}", "config/x, line 1: 'str object' has no attribute 'b'"),
        ("x", "{{ a | default('') }}{{ b }}", "config/x, line 1: 'b' is undefined"),
        ("x", "{{ random(0) }}", "config/x, line 1: random(0): a text has 1 to 1024 characters"),
        ("x", "{{ ''.__class__.__mro__ }}", "config/x, line 1: access to attribute '__class__'"),
        ("x", "{% include 'y' %}", "config/x, line 1: no loader for this environment"),
        ("{{ up }}", "", "config/{{ up }}: '../x' is no name for a file"),
        ("{{ top }}", "", "config/{{ top }}: '/x' is no name for a file"),
        ("{{ empty }}", "", "config/{{ empty }}: '' is no name for a file"),
        ("{{ broken", "", "config/{{ broken, line 1: unexpected end of template"),
    ],
)
def test_a_template_that_is_wrong_is_an_error_that_says_where(
    app: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(TemplateError) as caught:
        filled(app, {name: text}, a="", up="../x", top="/x", empty="")
    assert str(caught.value).startswith(message)


def test_two_files_of_one_name_are_an_error(app: Path) -> None:
    with pytest.raises(TemplateError, match=r"^config/\{\{ x \}\}: another file is a already$"):
        filled(app, {"a": "", "{{ x }}": ""}, x="a")


def test_what_is_not_uploaded_is_no_part_of_a_template(app: Path) -> None:
    files: dict[str, str | bytes] = {".git/config": "", "x~": "", "lib64/x": "", "include": ""}
    assert set(filled(app, files)) == {"lib64/x", "include"}


def test_a_link_to_a_file_is_the_file_and_one_to_a_directory_an_error(app: Path) -> None:
    (app / "config/x").symlink_to("../site.ini")
    (app / "site.ini").write_text("{{ app_name }}")
    assert filled(app, {}) == {"x": b"polls"}
    (app / "config/y").symlink_to("..")
    with pytest.raises(TemplateError, match=r"^config/y: is a symbolic link, but not to a file$"):
        template(app, {})


def test_an_empty_template_is_an_error(app: Path) -> None:
    with pytest.raises(TemplateError, match="there is no file in the configuration template"):
        template(app, {})


def test_files_come_in_the_order_of_their_names(app: Path) -> None:
    found = template(app, {"b": "", "a/c": "", "a/b": ""}).filled({})
    assert list(found) == [PurePosixPath("a/b"), PurePosixPath("a/c"), PurePosixPath("b")]
