# SPDX-License-Identifier: Apache-2.0
"""The client side of WebSocket as far as a debugger on the loopback address needs it.

One system call and one slice per message: the time it takes is inside the measured window. Protocol: RFC 6455.
"""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

_TEXT: Final = 0x81  # final fragment, text
_PONG: Final = 0x8A
_NO_MASK: Final = b"\0\0\0\0"  # a client must mask; masking with zeros leaves the bytes as they are
_CHUNK: Final = 1 << 18


class WebSocketClosedError(ConnectionError):
    """The other side is gone."""


class WebSocket:
    """A blocking connection for one reader and any number of senders that take turns.

    Args:
        url: ``ws://host:port/path``.
        timeout_s: for the connection and the handshake; reading afterwards waits for ever.
    """

    def __init__(self, url: str, timeout_s: float = 10.0) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()
        self._arrival = memoryview(bytearray(_CHUNK))
        try:
            self._shake_hands(parts.netloc, parts.path)
        except BaseException:
            self._socket.close()
            raise
        self._socket.settimeout(None)

    def send(self, *messages: bytes) -> None:
        """Sends text messages in one system call."""
        self._socket.sendall(b"".join(_frame(_TEXT, message) for message in messages))

    def messages(self) -> Iterator[bytes]:
        """Messages as they arrive, until the connection ends."""
        buffer = self._buffer
        parts: list[bytes] = []
        while True:
            start = 0
            while (header := _header(buffer, start)) is not None:
                opcode, final, begin, end = header
                if len(buffer) < end:
                    break
                payload = bytes(buffer[begin:end])
                start = end
                if opcode == 8:
                    return
                if opcode == 9:
                    self._socket.sendall(_frame(_PONG, payload))
                elif opcode <= 2:
                    parts.append(payload)
                    if final:
                        yield payload if len(parts) == 1 else b"".join(parts)
                        parts.clear()
            del buffer[:start]
            try:
                self._fill()
            except OSError:
                return

    def close(self) -> None:
        """Ends the connection; a blocked reader returns."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _shake_hands(self, host: str, path: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            self._fill()
        if not self._buffer.startswith(b"HTTP/1.1 101"):
            raise WebSocketClosedError(bytes(self._buffer[:100]).decode(errors="replace"))
        del self._buffer[: end + 4]

    def _fill(self) -> None:
        size = self._socket.recv_into(self._arrival)
        if not size:
            raise WebSocketClosedError("the browser closed its debugging connection")
        self._buffer += self._arrival[:size]


def _frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, size)
    return head + _NO_MASK + payload


def _header(buffer: bytearray, start: int) -> tuple[int, bool, int, int] | None:
    """Opcode, final or not, and bounds of the payload of the frame at ``start``; None until the header is complete."""
    have = len(buffer) - start
    if have < 2:
        return None
    first, size = buffer[start], buffer[start + 1] & 0x7F
    begin = start + 2
    if size == 126:
        if have < 4:
            return None
        size, begin = struct.unpack_from("!H", buffer, begin)[0], begin + 2
    elif size == 127:
        if have < 10:
            return None
        size, begin = struct.unpack_from("!Q", buffer, begin)[0], begin + 8
    return first & 0x0F, bool(first & 0x80), begin, begin + size
