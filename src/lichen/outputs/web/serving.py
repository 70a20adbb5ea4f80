# SPDX-License-Identifier: Apache-2.0
"""Running the server: where it listens, what it says, how it stops."""

from __future__ import annotations

import contextlib
import errno
import gc
import ipaddress
import socket
import sys
from collections.abc import Callable
from typing import Final

import uvicorn

from lichen.config import Settings
from lichen.errors import UsageError
from lichen.outputs.web.app import create_app
from lichen.outputs.web.context import WebContext
from lichen.outputs.web.pages.rendering import environment
from lichen.outputs.web.wire import BoundedProtocol
from lichen.render.i18n import catalogue
from lichen.service import accounts, arrivals, tick_process
from lichen.service.context import ServiceContext, open_context
from lichen.service.landing_process import LandingProcess
from lichen.service.workspace import Workspace

_BACKLOG: Final = 1024
_STOP_TIMEOUT_S: Final = 5
_PORTS_TRIED: Final = 20
_SWITCH_S: Final = 0.0005
"""Longest that a thread keeps the interpreter from the one that answers; Python's default is ten times as long."""

Say = Callable[[str], None]


def serve(workspace: Workspace, *, demo: bool, say: Say) -> None:
    """Serves until a signal comes.

    Args:
        workspace: whose settings say where.
        demo: fill an empty store with the sample portfolio.
        say: told each line that the person at the terminal reads.

    Raises:
        UsageError: the address or the port is not available, or others would reach a server that nobody has an account on.
        StorageError: the store cannot be opened.
    """
    settings = workspace.settings
    found = open_context(workspace)
    try:
        _check_reach(found, say)
        with listen(settings.server.host, settings.server.port) as listener:
            port = listener.getsockname()[1]
            here = f"http://{_shown(settings.server.host)}:{port}"
            context = WebContext(
                store=found.store, ledger=found.ledger, workspace=workspace,
                base_url=(settings.server.url or here).rstrip("/"),
            )  # fmt: skip
            _fill(context, demo=demo, say=say)
            _announce(context, here, port, say)
            config = uvicorn.Config(
                create_app(context), lifespan="on", access_log=False, log_level="warning", server_header=False, ws="none",
                http=BoundedProtocol, timeout_graceful_shutdown=_STOP_TIMEOUT_S,
            )  # fmt: skip
            sys.setswitchinterval(_SWITCH_S)
            settle(context)
            with contextlib.suppress(KeyboardInterrupt), LandingProcess(settings), _schedule(settings):
                uvicorn.Server(config).run([listener])
    finally:
        found.store.close()


def settle(context: WebContext) -> None:
    """Loads what every page needs and keeps it for good: no collection of garbage looks at it again while somebody waits."""
    context.workspace.factors.hash()
    context.workspace.method(context.settings.method.use)
    environment()
    gc.collect()
    gc.freeze()


def _schedule(settings: Settings) -> LandingProcess:
    """Scheduled work beside the server."""
    return LandingProcess(settings, tick_process.run, after_s=tick_process.AFTER_S)


def _fill(context: WebContext, *, demo: bool, say: Say) -> None:
    words = catalogue(context.settings.lang)
    arrived = arrivals.take_folder(context, context.settings.output.runs)
    for sentence in arrived.refused:
        say(sentence)
    if arrived.taken:
        say(words.say("server.taken", count=arrived.taken, folder=context.settings.output.runs))
    if demo:
        from lichen.service import sample

        say(words.say("server.adding_sample"))
        say(words.say("server.sample" if sample.fill(context) else "server.no_sample"))


def _announce(context: WebContext, here: str, port: int, say: Say) -> None:
    words = catalogue(context.settings.lang)
    if context.settings.server.port not in (0, port):
        say(words.say("server.port_taken", asked=context.settings.server.port, port=port))
    say(words.say("server.open", address=context.base_url))
    if accounts.needs_link(context.store):
        link = accounts.one_time_link(context.store, here, now=context.clock())
        say(words.say("server.link", address=link))
    say(words.say("server.stop"))


def _check_reach(context: ServiceContext, say: Say) -> None:
    """Others reach a server only when it has accounts, and are told when what they send can be read on the way."""
    settings = context.settings
    if is_loopback(settings.server.host):
        return
    if accounts.needs_link(context.store):
        raise UsageError(
            f"Nobody has an account yet, and {settings.server.host} is reached from other machines.",
            repair="Add an administrator first (lichen user add), or leave --host out.",
            culprit=settings.server.host,
        )
    if not (settings.server.url or "").startswith("https://"):
        say(catalogue(settings.lang).say("server.plain", host=settings.server.host))


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens, on the port asked for or the next free one.

    Raises:
        UsageError: the address is not one of this machine, or none of the next ports is free.
    """
    last = min(port + _PORTS_TRIED - 1, 65535)
    for candidate in range(port, last + 1) if port else (0,):
        try:
            return _bound(host, candidate)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise UsageError(
                    f"The address {host} is not available: {error.strerror or error}.",
                    repair="Give one of this machine's addresses with --host.",
                    culprit=host,
                ) from error
    raise UsageError(
        f"The ports {port} to {last} on {host} are taken.",
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
    except OSError:
        listener.close()
        raise
    return listener


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
