# SPDX-License-Identifier: Apache-2.0
"""What no application sees: heads that never end, and connections that never say what they want."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from lichen.outputs.web import wire

LINE = b"POST / HTTP/1.1\r\nHost: x\r\n"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of the body."""
    assert scope["type"] == "http"
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"8")]})
    await send({"type": "http.response.body", "body": b"%8d" % size})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(wire, "HEAD_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(echo, http=wire.BoundedProtocol, lifespan="off", log_level="error", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def answer(port: int, *parts: bytes) -> bytes:
    """All that the server says until it hangs up; it may do so before everything was sent."""
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        said = b""
        try:
            for part in parts:
                client.sendall(part)
            while part := client.recv(4096):
                said += part
        except ConnectionError:
            pass
        return said


@pytest.mark.parametrize(
    "parts",
    [
        [LINE, b"X: ", *[b"a" * 2**20] * 50],
        [LINE, *[b"a: b\r\n" * 2**17] * 50],
        [b"GET /", *[b"a" * 2**20] * 50],
        [LINE, b"Transfer-Encoding: chunked\r\n\r\n0\r\n", *[b"a: b\r\n" * 2**17] * 50],
    ],
    ids=["one field", "many fields", "an address", "fields behind a body"],
)
def test_a_head_that_never_ends_is_cut(port: int, parts: list[bytes]) -> None:
    assert b"200 OK" not in answer(port, *parts)
    assert answer(port, LINE + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}").endswith(b"2")


@pytest.mark.parametrize("parts", [[], [LINE], [LINE + b"X: a"]])
def test_who_does_not_say_what_they_want_is_hung_up_on(port: int, parts: list[bytes]) -> None:
    assert answer(port, *parts).endswith(b"The request's head took too long.")


def test_a_second_request_has_to_say_what_it_wants_too(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(LINE + b"Content-Length: 2\r\n\r\n{}")
        said = b""
        while not said.endswith(b"       2"):
            said += client.recv(4096)
        client.sendall(LINE)
        said = b""
        while part := client.recv(4096):
            said += part
    assert said.endswith(b"The request's head took too long.")


def test_a_body_may_take_longer_and_be_larger_than_a_head(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(LINE + b"Connection: close\r\nContent-Length: 200000\r\n\r\n")
        for _ in range(2):
            time.sleep(2 * wire.HEAD_S)
            client.sendall(b"a" * 100_000)
        said = b""
        while part := client.recv(4096):
            said += part
    assert said.endswith(b"  200000")
