"""`~/.silverlining.conf`."""

import re
from pathlib import Path

import pytest

from silversupport import service
from silversupport.devel_conf import ConfError, overrides

ROOT = Path(__file__).parents[2]


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file; it does not exist."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / ".silverlining.conf"


def test_without_a_file_nothing_is_overridden(conf: Path) -> None:
    assert overrides("polls") == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("[devel]\nCONFIG_PG_HOST = db\n", {"CONFIG_PG_HOST": "db"}),
        ("[devel:polls]\nCONFIG_PG_HOST = db\n", {"CONFIG_PG_HOST": "db"}),
        ("[devel:blog]\nCONFIG_PG_HOST = db\n", {}),
        (
            "[devel:polls]\nCONFIG_PG_HOST = own\n"
            "[devel]\nCONFIG_PG_HOST = db\nCONFIG_PG_PORT = 5433\n",
            {"CONFIG_PG_HOST": "own", "CONFIG_PG_PORT": "5433"},
        ),
        (
            "[devel]\nCONFIG_FILES = ~/files/APP_NAME/of-APP_NAME\n",
            {"CONFIG_FILES": "~/files/polls/of-polls"},
        ),
        (
            "# a comment\n[devel]\nCONFIG_PG_PASSWORD = %(x)s:#;=${y}\n",
            {"CONFIG_PG_PASSWORD": "%(x)s:#;=${y}"},
        ),
        ("[devel]\nCONFIG_PG_PASSWORD =\n", {"CONFIG_PG_PASSWORD": ""}),
        ("\ufeff[devel]\nCONFIG_PG_USER = käthe\n", {"CONFIG_PG_USER": "käthe"}),
    ],
)
def test_what_is_overridden(conf: Path, text: str, expected: dict[str, str]) -> None:
    conf.write_text(text, encoding="utf-8")
    assert overrides("polls") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("CONFIG_PG_HOST = db", r"line 1: expected \[devel\] before it"),
        ("[devel]\n\n= db\n", "line 3: there is no key before the sign"),
        ("[devel]\nCONFIG_FILES = a\nCONFIG_FILES = b\n", "line 3: CONFIG_FILES is there a second"),
        ("[devel]\n[devel:polls]\n[devel]\n", r"line 3: \[devel\] is there a second time"),
        ("[devel]\nCONFIG_FILES = a\nCONFIG_PG_HOST\n b\n", "line 4: it is indented"),
        ("[devel]\n[devl:polls]\n", r"line 2: there is no section \[devl:polls\]; the sections"),
        ("[DEFAULT]\nCONFIG_FILES = a\n", r"line 1: there is no section \[DEFAULT\]"),
        (
            "[devel]\nCONFIG_PG_HOST = a\n[devel:polls]\nCONFIG_PG_HOTS = a\n",
            "line 4: there is no CONFIG_PG_HOTS; the keys are CONFIG_FILES, .*CONFIG_PG_HOST, ",
        ),
        ("[devel]\nconfig_files = a\n", "line 2: there is no config_files; the keys are"),
        ("[devel]\nCONFIG_FILES\n", "line 2: CONFIG_FILES has no value; write CONFIG_FILES = VAL"),
        ("[devel]\nCONFIG_FILES = a\n  b\n", "line 2: the value of CONFIG_FILES must be one line"),
    ],
)
def test_a_broken_file_is_one_clear_line(conf: Path, text: str, message: str) -> None:
    conf.write_text(text)
    with pytest.raises(ConfError, match=rf"^~/\.silverlining\.conf, ({message})") as caught:
        overrides("polls")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_utf_8_is_an_error_with_its_line(conf: Path) -> None:
    conf.write_bytes(b"[devel]\nCONFIG_PG_USER = k\xe4the\n")
    with pytest.raises(ConfError, match="line 2: it is not UTF-8"):
        overrides("polls")


def test_a_file_that_cannot_be_read_is_an_error(conf: Path) -> None:
    conf.mkdir()
    with pytest.raises(ConfError, match=r"it cannot be read \(Is a directory"):
        overrides("polls")


def test_the_example_of_the_documentation_says_what_it_seems_to_say(conf: Path) -> None:
    page = (ROOT / "docs" / "local-services.md").read_text()
    [example] = re.findall(r"^```ini\n(.*?)^```$", page, re.M | re.S)
    conf.write_text(example)
    blog = {
        "CONFIG_FILES": "~/devel/blog/files",
        "CONFIG_PG_HOST": "db.example.com",
        "CONFIG_PG_USER": "ian",
        "CONFIG_PG_PASSWORD": "100%:#secret",
        "CONFIG_PG_DBNAME": "devel_blog",
    }
    assert overrides("blog") == blog
    assert overrides("polls")["CONFIG_PG_HOST"] == "/var/run/postgresql"
    assert all(f"`{name}`" in page for name in service.variables())
