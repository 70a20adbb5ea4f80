# SPDX-License-Identifier: Apache-2.0
"""Running the server: where it listens, what it says, how it stops."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Final

import uvicorn

from lichen.errors import UsageError
from lichen.ledger import open_ledger
from lichen.outputs.web.app import create_app
from lichen.outputs.web.context import WebContext
from lichen.service.context import ledger_place, store_url
from lichen.service.workspace import Workspace
from lichen.store import open_store

_BACKLOG: Final = 1024
_STOP_TIMEOUT_S: Final = 5
_PORTS_TRIED: Final = 20


def serve(workspace: Workspace, *, demo: bool, say: Callable[[str], None]) -> None:
    """Serves until a signal comes.

    Args:
        workspace: whose settings say where.
        demo: fill an empty store with the sample portfolio.
        say: told each line that the person at the terminal reads.

    Raises:
        UsageError: the address or the port is not available.
        StorageError: the store or the ledger cannot be opened.
    """
    settings = workspace.settings
    with listen(settings.server.host, settings.server.port) as listener:
        url = settings.server.url or f"http://{_shown(settings.server.host)}:{listener.getsockname()[1]}"
        context = WebContext(
            store=open_store(store_url(settings)), ledger=open_ledger(ledger_place(settings)),
            workspace=workspace, base_url=url.rstrip("/"),
        )  # fmt: skip
        config = uvicorn.Config(
            create_app(context), access_log=False, log_level="warning", server_header=False, ws="none",
            timeout_graceful_shutdown=_STOP_TIMEOUT_S, backlog=_BACKLOG,
        )  # fmt: skip
        say(f"Lichen: {url}")
        uvicorn.Server(config).run([listener])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens, on the port asked for or the next free one.

    Raises:
        UsageError: the address is not one of this machine, or none of the next ports is free.
    """
    for candidate in range(port, port + _PORTS_TRIED) if port else (0,):
        try:
            return _bound(host, candidate)
        except (OSError, OverflowError) as error:
            if not isinstance(error, OSError) or error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise UsageError(
                    f"The address {host} is not available: {error}.",
                    repair="Give one of this machine's addresses with --host.",
                    culprit=host,
                ) from error
    raise UsageError(
        f"The ports {port} to {port + _PORTS_TRIED - 1} on {host} are taken.",
        repair="Give another one with --port, or --port 0 for any free one.",
        culprit=str(port),
    )


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only on sockets that name TCP: without it each answer waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError):
        listener.close()
        raise
    return listener


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
