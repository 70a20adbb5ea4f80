# SPDX-License-Identifier: Apache-2.0
"""Running an application on a loopback port: options, start, announcement, clean stop."""

import argparse
import errno
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import uvicorn
from starlette.applications import Starlette

from lichen.demo import datadir
from lichen.errors import LichenError, StorageError, UsageError

HOST: Final = "127.0.0.1"
_BACKLOG: Final = 128
_STOP_TIMEOUT_S: Final = 2

AppFactory = Callable[[argparse.Namespace, Path], Starlette]


def options(program: str, description: str) -> argparse.ArgumentParser:
    """Return the options that portal and back office share."""
    parser = argparse.ArgumentParser(prog=f"python -m lichen.demo.{program}", description=description)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--data", type=Path, metavar="DIR", help="data folder; a temporary one by default")
    parser.add_argument("--url-file", type=Path, metavar="F", help="write the address to this file when ready")
    parser.add_argument("--access-log", type=Path, metavar="F", help="append one JSON line for each answer")
    return parser


def run(program: str, parsed: argparse.Namespace, factory: AppFactory) -> int:
    """Serve until SIGTERM or SIGINT.

    Args:
        program: name in the announcement, for example `portal`.
        parsed: the options of `options`, and those that `factory` reads.
        factory: builds the application on the data folder.

    Returns:
        The exit code: 0 after a clean stop, or that of the error, told in one sentence.
    """
    signal.signal(signal.SIGTERM, _stop)
    try:
        if parsed.data is not None:
            _serve(program, parsed, factory, parsed.data)
        else:
            with tempfile.TemporaryDirectory(prefix=f"lichen-{program}-") as folder:
                _serve(program, parsed, factory, Path(folder))
    except LichenError as error:
        sys.stderr.write(f"{error.sentence()}\n")
        return int(error.exit_code)
    except KeyboardInterrupt:
        return 0
    return 0


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """Leave through every `finally`, so that the temporary folder goes."""
    raise SystemExit(0)


def _serve(program: str, parsed: argparse.Namespace, factory: AppFactory, folder: Path) -> None:
    with _listen(parsed.port) as listener:
        datadir.prepare(folder)
        app = factory(parsed, folder)
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            app,
            lifespan="on",
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_STOP_TIMEOUT_S,
            ws="none",
        )
        _Server(config, announcement=f"{program} ready on {url}\n", url=url, url_file=parsed.url_file).run([listener])


class _Server(uvicorn.Server):
    """A server that says where it listens once it does."""

    def __init__(self, config: uvicorn.Config, *, announcement: str, url: str, url_file: Path | None) -> None:
        super().__init__(config)
        self._announcement = announcement
        self._url = url
        self._url_file = url_file

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._url_file is not None:
            _write_whole(self._url_file, f"{self._url}\n")
        sys.stdout.write(self._announcement)
        sys.stdout.flush()


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader who waits for it never sees half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise StorageError(
            f"{path}: the address cannot be written ({error.strerror}).", repair="Give another --url-file."
        ) from error


def _listen(port: int) -> socket.socket:
    # asyncio turns Nagle's algorithm off only on sockets that name TCP: without it each answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        raise UsageError(
            f"Port {port} on {HOST} is {'taken' if taken else 'not available'}.",
            repair="Stop the process that holds it, or use --port 0.",
            culprit=str(port),
        ) from error
    return listener
