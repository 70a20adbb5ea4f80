# SPDX-License-Identifier: Apache-2.0
"""A web server that knows every byte: plain sockets, one log line per request, nothing between it and the wire."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

FOLDER = Path(__file__).parent
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".txt": "text/plain",
}


@dataclass
class Line:
    """One request as the sockets saw it."""

    method: str
    target: str
    host: str
    received: int
    sent: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """Method and address as the browser knows them."""
        return self.method, f"{self.host}{self.target}"


class WireServer:
    """Listens on 127.0.0.1, reachable as ``127.0.0.1`` and ``localhost``: two sites for a browser."""

    def __init__(self) -> None:
        self.log: list[Line] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.other_url = f"http://localhost:{self.port}"
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.add(connection)
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        buffer = b""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while True:
                while b"\r\n\r\n" not in buffer:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    buffer += piece
                head, buffer = buffer.split(b"\r\n\r\n", 1)
                first, *rest = head.decode("latin-1").split("\r\n")
                method, target, _ = first.split(" ")
                headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in rest)}
                length = int(headers.get("content-length", 0))
                while len(buffer) < length:
                    buffer += connection.recv(65536)
                buffer = buffer[length:]
                line = Line(method, target, headers["host"], len(head) + 4 + length, headers=headers)
                self.log.append(line)
                if not self._answer(connection, line):
                    return
        except OSError:
            return
        finally:
            self._open.discard(connection)
            connection.close()

    def _send(self, connection: socket.socket, line: Line, data: bytes) -> None:
        connection.sendall(data)
        line.sent += len(data)

    def _reply(self, connection: socket.socket, line: Line, status: str, body: bytes = b"", **headers: str) -> bool:
        lines = [f"HTTP/1.1 {status}", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
        if status[:3] not in ("204", "304") and "Content_Length" not in headers:
            lines.append(f"Content-Length: {len(body)}")
        self._send(connection, line, "\r\n".join([*lines, "", ""]).encode() + body)
        return True

    def _answer(self, connection: socket.socket, line: Line) -> bool:
        parts = urlsplit(line.target)
        query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        special = getattr(self, "_do_" + parts.path.strip("/").replace("/", "_").replace("-", "_"), None)
        if special is not None:
            return special(connection, line, query)
        file = FOLDER / parts.path.lstrip("/")
        if not file.is_file():
            return self._reply(connection, line, "404 Not Found", b"no such file", Content_Type="text/plain")
        return self._reply(
            connection, line, "200 OK", file.read_bytes(), Content_Type=TYPES[file.suffix], Cache_Control="no-store"
        )

    # --- special addresses ----------------------------------------------------------------------

    def _do_blob(self, connection: socket.socket, line: Line, query: dict[str, str]) -> bool:
        """``n`` bytes, with CORS for everyone; cacheable on demand."""
        if line.method == "OPTIONS":
            return self._reply(
                connection,
                line,
                "204 No Content",
                Access_Control_Allow_Origin="*",
                Access_Control_Allow_Headers="x-lichen, content-type",
                Access_Control_Allow_Methods="GET, PUT, POST",
            )
        body = b"x" * int(query.get("n", "100"))
        cache = "max-age=3600" if "cache" in query else "no-store"
        kind = query.get("type", "text/plain")
        return self._reply(
            connection, line, "200 OK", body, Content_Type=kind, Cache_Control=cache, Access_Control_Allow_Origin="*"
        )

    def _do_etag(self, connection: socket.socket, line: Line, query: dict[str, str]) -> bool:
        if line.headers.get("if-none-match") == '"a"':
            return self._reply(connection, line, "304 Not Modified", ETag='"a"')
        return self._reply(
            connection, line, "200 OK", b"y" * 500, Content_Type="text/plain", ETag='"a"', Cache_Control="no-cache"
        )

    def _do_redirect(self, connection: socket.socket, line: Line, query: dict[str, str]) -> bool:
        return self._reply(connection, line, "302 Found", b"moved", Location=query["to"], Content_Type="text/plain")

    def _do_slow(self, connection: socket.socket, line: Line, query: dict[str, str]) -> bool:
        """``n`` pieces of 100 bytes, one every ``ms``, as a stream of events."""
        self._reply(
            connection,
            line,
            "200 OK",
            Content_Type="text/event-stream",
            Content_Length=str(10**9),
            Cache_Control="no-store",
        )
        for _ in range(int(query["n"])):
            self._send(connection, line, b"data: " + b"z" * 92 + b"\n\n")
            time.sleep(int(query["ms"]) / 1000)
        return True

    def _do_half(self, connection: socket.socket, line: Line, query: dict[str, str]) -> bool:
        """Promises 10,000 bytes, sends 3,000, hangs up."""
        self._reply(connection, line, "200 OK", b"h" * 3000, Content_Type="text/plain", Content_Length="10000")
        time.sleep(0.2)
        return False

    def _do_hang(self, connection: socket.socket, line: Line, query: dict[str, str]) -> bool:
        connection.recv(1)
        return False

    def _do_empty(self, connection: socket.socket, line: Line, query: dict[str, str]) -> bool:
        return self._reply(connection, line, "204 No Content")

    def _do_chunked(self, connection: socket.socket, line: Line, query: dict[str, str]) -> bool:
        body = b"".join(b"3e8\r\n" + b"c" * 1000 + b"\r\n" for _ in range(5)) + b"0\r\n\r\n"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nCache-Control: no-store\r\n\r\n"
        self._send(connection, line, head + body)
        return True

    def _do_secret(self, connection: socket.socket, line: Line, query: dict[str, str]) -> bool:
        if line.headers.get("authorization") == "Basic " + base64.b64encode(b"ada:lovelace").decode():
            return self._reply(
                connection, line, "200 OK", b"<title>in</title><link rel=icon href='data:,'>", Content_Type="text/html"
            )
        return self._reply(
            connection, line, "401 Unauthorized", b"no", WWW_Authenticate='Basic realm="x"', Content_Type="text/html"
        )

    def _do_download(self, connection: socket.socket, line: Line, query: dict[str, str]) -> bool:
        return self._reply(
            connection,
            line,
            "200 OK",
            b"d" * int(query.get("n", "5000")),
            Content_Type="application/octet-stream",
            Content_Disposition='attachment; filename="report.bin"',
        )

    def _do_socket(self, connection: socket.socket, line: Line, query: dict[str, str]) -> bool:
        """A WebSocket that answers each message with the same message."""
        key = line.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self._send(
            connection,
            line,
            f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode(),
        )
        while True:
            head = self._exactly(connection, line, 2)
            size = head[1] & 0x7F
            if size == 126:
                size = struct.unpack("!H", self._exactly(connection, line, 2))[0]
            elif size == 127:
                size = struct.unpack("!Q", self._exactly(connection, line, 8))[0]
            mask = self._exactly(connection, line, 4)
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(self._exactly(connection, line, size)))
            if head[0] & 0x0F == 8:  # said by a browser that is being closed: after the window
                line.received -= 6 + size
                return False
            extended = struct.pack("!BB", head[0], size) if size < 126 else struct.pack("!BBH", head[0], 126, size)
            self._send(connection, line, extended + data)

    def _exactly(self, connection: socket.socket, line: Line, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = connection.recv(size - len(data))
            if not piece:
                raise ConnectionResetError
            data += piece
        line.received += size
        return data
