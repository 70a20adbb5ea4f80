# SPDX-License-Identifier: Apache-2.0
"""What a connection may send before anybody looks at it: a head of bounded size, within a bounded time.

The parser keeps a head until it is whole, however long it grows and however long it takes; RFC 9110, section 5.4, leaves the
bound to the server.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_MAX: Final = 64 * 1024
"""Bytes of a request's first line and header fields, or of the fields behind a body; what the last read brought comes on top."""
HEAD_S: Final = 20.0
"""Seconds that a head may take, from the connection or from its first byte on."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's reading of HTTP, with an end to what it keeps and waits for. Bodies are bounded by the application."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._unread = 0
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begins to wait for the first head."""
        super().connection_made(transport)
        self._patience = self.loop.call_later(HEAD_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no longer."""
        self._wait_no_longer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads on, unless what belongs to no whole head has grown too large."""
        self._unread += len(data)
        super().data_received(data)
        if not self._unread:
            self._wait_no_longer()
        elif self._unread > HEAD_MAX:
            self._refuse("The request's head is too large.")
        elif self._patience is None:
            self._patience = self.loop.call_later(HEAD_S, self._give_up)

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self._unread = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Bytes of a body are the application's."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._unread = 0
        super().on_message_complete()

    def _give_up(self) -> None:
        self._patience = None
        if self._is_answering():
            self._patience = self.loop.call_later(HEAD_S, self._give_up)
        elif not self.transport.is_closing():
            self._refuse("The request's head took too long.")

    def _refuse(self, sentence: str) -> None:
        if self.transport.is_closing():
            return
        if self._is_answering():
            self.transport.close()  # what is sent now would be taken for a part of the answer
        else:
            self.send_400_response(sentence)

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # none before the first request, whatever uvicorn declares
        return cycle is not None and not cycle.response_complete

    def _wait_no_longer(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
