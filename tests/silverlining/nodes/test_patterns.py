from dataclasses import dataclass

import pytest

from silverlining.nodes.patterns import Pattern, PatternError, select


@dataclass
class Item:
    id: str
    name: str
    ram: int = 0


IMAGES = [
    Item("ami-1", "Ubuntu 24.04 LTS"),
    Item("ami-2", "Ubuntu 22.04 LTS"),
    Item("ami-3", "Debian 13"),
]
SIZES = [Item("s", "small", 1024), Item("m", "medium", 2048), Item("m2", "medium-fast", 2048)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id ami-1", Pattern("id", "ami-1")),
        ("name *24.04*", Pattern("name", "*24.04*")),
        ("name Ubuntu 24.04 LTS", Pattern("name", "Ubuntu 24.04 LTS")),
        ("ram 2048", Pattern("ram", "2048")),
        ("first name *", Pattern("name", "*", first=True)),
    ],
)
def test_a_pattern_is_read(text: str, expected: Pattern) -> None:
    assert Pattern.parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text", ["", "first", "id", "ubuntu", "ram", "ram much", "ram -1", "colour red", "last id 1"]
)
def test_a_bad_pattern_is_refused_with_the_grammar(text: str) -> None:
    with pytest.raises(PatternError, match=r"write 'id X', 'name .*' or 'ram 2048'"):
        Pattern.parse(text)


@pytest.mark.parametrize(
    ("items", "text", "expected"),
    [
        (IMAGES, "id ami-2", "ami-2"),
        (IMAGES, "name *24.04*", "ami-1"),
        (IMAGES, "name debian*", "ami-3"),
        (IMAGES, "first name ubuntu*", "ami-1"),
        (SIZES, "ram 1024", "s"),
        (SIZES, "first ram 2048", "m"),
        (SIZES, "name medium", "m"),
    ],
)
def test_one_item_is_selected(items: list[Item], text: str, expected: str) -> None:
    assert select(items, text, "thing").id == expected


def test_no_match_lists_the_choices() -> None:
    with pytest.raises(PatternError) as error:
        select(SIZES, "ram 512", "size")
    assert str(error.value) == (
        "No size matches 'ram 512'; there are: small (id s, ram 1024), medium (id m, ram 2048), "
        "medium-fast (id m2, ram 2048)."
    )


def test_several_matches_without_first_name_the_candidates() -> None:
    with pytest.raises(PatternError) as error:
        select(IMAGES, "name ubuntu*", "image")
    assert str(error.value) == (
        "2 images match 'name ubuntu*': Ubuntu 24.04 LTS (id ami-1), Ubuntu 22.04 LTS (id ami-2). "
        "Name one of them, or take the first with 'first name ubuntu*'."
    )


def test_a_long_list_of_choices_is_cut() -> None:
    many = [Item(f"ami-{number}", f"image {number}") for number in range(500)]
    with pytest.raises(PatternError, match=r"image 19 \(id ami-19\) and 480 more\.$"):
        select(many, "id none", "image")
