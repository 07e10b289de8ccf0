"""The path of a request, as Apache understands it on a node."""

import re

BAD_REQUEST = "400 Bad Request"
NOT_FOUND = "404 Not Found"

_ESCAPE = re.compile("%([0-9A-Fa-f]{2})?")


class PathError(Exception):
    """Apache refuses the path; the message is the status."""


def path_of(uri: str) -> str:
    """Return the path that an application is asked for, decoded to characters of Latin-1.

    An encoded slash stays as it is (`AllowEncodedSlashes NoDecode` in roles/apache), slashes are
    merged, and `.` and `..` are carried out (ap_normalize_path, since Apache 2.4.47).

    Args:
        uri: what the client sent, such as `/a%20b?c=d`.

    Raises:
        PathError: there is no such path.
    """
    if not uri.startswith("/"):
        raise PathError(BAD_REQUEST)
    segments = _ESCAPE.sub(_character, uri.partition("?")[0]).split("/")[1:]
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            if not kept:
                raise PathError(BAD_REQUEST)
            kept.pop()
        elif segment not in ("", "."):
            kept.append(segment)
    is_directory = kept and segments[-1] in ("", ".", "..")
    return "/" + "/".join(kept) + ("/" if is_directory else "")


def _character(match: re.Match[str]) -> str:
    match match[1]:
        case None:
            raise PathError(BAD_REQUEST)
        case "00":
            raise PathError(NOT_FOUND)
        case "2F" | "2f":
            return match[0]
        case digits:
            return chr(int(digits, 16))
