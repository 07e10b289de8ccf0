"""The socket on which an application is served."""

import errno
import socket

from silversupport.errors import SilverError

BACKLOG = 128
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 (compared, not bound)


class ListenError(SilverError):
    """Nothing can be served at this address."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Args:
        host: a name or an address of this machine.
        port: 0 stands for any free one.

    Raises:
        ListenError: the port is taken, or host and port are none of this user's.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except socket.gaierror as error:
        raise ListenError(f"--host {host}: this is no address ({error.strerror})") from error
    except OSError as error:
        raise ListenError(_problem(error, host, port)) from error


def url(listener: socket.socket) -> str:
    """Return what a browser on this machine opens, without a slash at the end."""
    host, port = listener.getsockname()[:2]
    if host in (*EVERYWHERE, "127.0.0.1", "::1"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _problem(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} is taken; choose another one with --port, or any with --port 0"
        case errno.EACCES:
            return f"port {port} is for root only; choose one above 1023 with --port"
        case errno.EADDRNOTAVAIL:
            return f"--host {host}: this is no address of this machine"
        case _:
            return f"cannot listen on {host}, port {port}: {error.strerror}"
