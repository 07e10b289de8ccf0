import socket

import pytest

from silverlining.develop.serve import listening
from silverlining.develop.serve.listening import ListenError


def test_a_taken_port_is_told_with_what_to_type() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=rf"port {port} is taken; .*--port 0"):
            listening.listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_a_host_that_is_not_here_is_told(host: str) -> None:
    with pytest.raises(ListenError, match=rf"--host {host}"):
        listening.listen(host, 0)


def test_a_port_of_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(ListenError, match="port 80 is for root only"):
        listening.listen("127.0.0.1", 80)


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "localhost"),
        ("localhost", "localhost"),
        ("0.0.0.0", "localhost"),
        ("127.0.0.2", "127.0.0.2"),
    ],
)
def test_any_free_port_is_found_and_shown(host: str, shown: str) -> None:
    with listening.listen(host, 0) as listener:
        port = listener.getsockname()[1]
        assert listening.url(listener) == f"http://{shown}:{port}"
        socket.create_connection(listener.getsockname()).close()
