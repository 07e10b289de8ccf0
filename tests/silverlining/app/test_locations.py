"""Locations: what is accepted, and what each refusal says."""

import pytest

from silverlining.app.locations import Location, LocationError

LONGEST_HOST = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 56])
LABELS = "a host name is made of labels of 1 to 63 letters"
SEGMENTS = "a path is made of letters, digits and . _ ~ - between single slashes, without '..'"


@pytest.mark.parametrize(
    ("text", "host", "path"),
    [
        ("polls.example.com", "polls.example.com", ""),
        ("Polls.Example.COM", "polls.example.com", ""),
        ("polls", "polls", ""),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", ""),
        ("preview.example.com", "preview.example.com", ""),
        ("3com.example", "3com.example", ""),
        ("example.com/Blog", "example.com", "/Blog"),
        ("example.com/a/b-c_d.e~f/1", "example.com", "/a/b-c_d.e~f/1"),
        (LONGEST_HOST, LONGEST_HOST, ""),
        ("*.Example.com", "*.example.com", ""),
        ("*.example.com/blog", "*.example.com", "/blog"),
        ("*.com", "*.com", ""),
        ("DEFAULT", "default", ""),
        ("disabled", "disabled", ""),
        ("not-found", "not-found", ""),
    ],
)
def test_location_is_parsed_into_host_and_path(text: str, host: str, path: str) -> None:
    location = Location.parse(text)
    assert location == Location(host, path)
    assert Location.parse(str(location)) == location


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", LABELS),
        ("/blog", LABELS),
        ("example..com", LABELS),
        (".example.com", LABELS),
        ("example.com.", LABELS),
        ("-a.example.com", LABELS),
        ("a-.example.com", LABELS),
        ("a_b.example.com", LABELS),
        ("not_found", LABELS),
        ("bücher.example", "(an international name in its xn-- form)"),
        ("\u212aelvin.example", LABELS),  # becomes "k" in lower case
        ("example.com\n", LABELS),
        ("a" * 64 + ".com", LABELS),
        (LONGEST_HOST + "d", "the host name is longer than 248 characters"),
        ("http://Example.com/", "leave out 'http://', write 'Example.com'"),
        ("https://example.com/blog", "leave out 'https://', write 'example.com/blog'"),
        ("example.com:80", "leave out the port, sites are served on 80 and 443"),
        ("[::1]", "leave out the port"),
        ("*", "'*' stands for the beginning of a host name only"),
        ("*.", LABELS),
        ("*.*.example.com", "'*' stands for the beginning of a host name only"),
        ("a.*.example.com", "'*' stands for the beginning of a host name only"),
        ("*example.com", "'*' stands for the beginning of a host name only"),
        ("*.prev.example.com", "'prev.' is put before a host name by Silver Lining"),
        ("*.default", "'*.default' is reserved"),
        ("prev.*.example.com", "'*' stands for the beginning of a host name only"),
        ("prev.example.com", "'prev.' is put before a host name by Silver Lining"),
        ("Prev.example.com/blog", "'prev.' is put before a host name by Silver Lining"),
        ("prev", "'prev' is reserved, choose another name"),
        ("disabled/x", "'disabled' has no paths, write 'disabled'"),
        ("default/", "'default' has no paths"),
        ("example.com/", "leave out the slash at the end"),
        ("example.com/blog/", "leave out the slash at the end"),
        ("example.com//blog", SEGMENTS),
        ("example.com/../etc", SEGMENTS),
        ("example.com/./x", SEGMENTS),
        ("example.com/a\n", SEGMENTS),
        ("example.com/é", SEGMENTS),
    ],
)
def test_anything_else_is_refused_with_the_reason(text: str, problem: str) -> None:
    with pytest.raises(LocationError) as caught:
        Location.parse(text)
    message = str(caught.value)
    assert message.startswith(f"{text!r} is not a location (HOST, HOST/PATH or *.DOMAIN): ")
    assert problem in message
    assert "\n" not in message


@pytest.mark.parametrize("character", [*" \t\r\n\0;&|<>()$`\\\"'{}[]!?*#%^@,=+:"])
@pytest.mark.parametrize("place", ["a{}b.example.com", "example.com/a{}b", "{}a.com", "a.com/{}"])
def test_no_character_with_a_meaning_elsewhere_gets_through(place: str, character: str) -> None:
    with pytest.raises(LocationError):
        Location.parse(place.format(character))


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("example.com", "http://example.com/"),
        ("example.com/blog", "http://example.com/blog/"),
        ("*.example.com/blog", "*.example.com/blog"),
        ("default", "default"),
    ],
)
def test_a_location_is_called_by_its_address_where_it_has_one(text: str, title: str) -> None:
    assert Location.parse(text).title == title
