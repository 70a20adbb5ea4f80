# SPDX-License-Identifier: Apache-2.0
"""Waiting for a part to get ready, and posting its reset."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from lichen.collect.machine.parts.ports import find_listener
from lichen.errors import ConfigError, PartFailed

_PAUSE_S: Final = 0.05
_ANSWER_S: Final = 5.0
_BAD_STATUS: Final = 400
_BODY_BYTES: Final = 2**20
_ANSWERS: Final = "it answers with status"
_URL_CHARACTERS: Final = "%/:?#[]@!$&'()*+,;=-._~"
"""What stays as it is in a path or a query: RFC 3986's characters, and what is encoded already."""


def _ask(url: str, method: str, timeout_s: float) -> int:
    """Status of one HTTP request; no proxy, no redirect followed. Raises OSError or HTTPException.

    The time is that of the whole exchange, however slowly the answer drips: a timer cuts the connection. The body is read,
    up to a bound, as a naive server may break when nobody takes it; what it is worth to a GET has been said by the status.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
    late = threading.Event()
    opened: list[socket.socket] = []

    def cut() -> None:
        late.set()
        for raw in opened:
            with contextlib.suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(timeout_s, cut)
    timer.daemon = True
    try:
        path = quote(parts.path or "/", safe=_URL_CHARACTERS)
        path += f"?{quote(parts.query, safe=_URL_CHARACTERS)}" if parts.query else ""
        headers = {"Connection": "close", "Content-Length": "0"} if method == "POST" else {"Connection": "close"}
        connection.connect()
        # Its own handle: the connection forgets its socket once the answer's head is there.
        opened.append(socket.socket(fileno=os.dup(connection.sock.fileno())))
        timer.start()
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        if late.is_set():  # what was cut off reads like a short head
            raise TimeoutError("timed out")
        with contextlib.suppress(*() if method == "POST" else (OSError, http.client.HTTPException)):
            response.read(_BODY_BYTES)
    except (OSError, http.client.HTTPException) as error:
        if late.is_set():
            raise TimeoutError("timed out") from error
        raise
    else:
        if late.is_set() and method == "POST":
            raise TimeoutError("timed out")
        return response.status
    finally:
        timer.cancel()
        connection.close()
        for raw in opened:
            raw.close()


def _attempt(target: str, timeout_s: float) -> str:
    """What lacks for ``target`` to be ready, as a clause; empty when it is."""
    parts = urlsplit(target)
    try:
        if parts.scheme == "tcp":
            socket.create_connection((parts.hostname, parts.port), timeout=timeout_s).close()
            return ""
        status = _ask(target, "GET", timeout_s)
    except ConnectionRefusedError:
        return "nothing listens there"
    except TimeoutError:
        return f"something accepts connections there but does not answer within {timeout_s:.3g} s"
    except http.client.HTTPException:
        return "what listens there does not speak HTTP"
    except OSError as error:
        return f"it cannot be reached ({error.strerror or error})"
    return f"{_ANSWERS} {status}" if status >= _BAD_STATUS else ""


def check_target(name: str, target: str) -> None:
    """ConfigError unless ``target`` is ``http(s)://…`` or ``tcp://host:port``."""
    try:
        parts = urlsplit(target)
        port = parts.port  # ValueError above 65535
        good = port != 0 and (parts.scheme in ("http", "https") or (parts.scheme == "tcp" and port is not None))
        target.encode()
        good = good and bool((parts.hostname or "").encode("idna"))
    except ValueError:  # among them UnicodeError: a label of the host above 63 characters, half a character
        good = False
    if not good:
        raise ConfigError(
            f"The part '{name}' cannot be asked at '{target}'.",
            repair="Write http://host:port/path or tcp://host:port.",
            culprit=target,
        )


def wait_ready(name: str, target: str, timeout_s: float, check: Callable[[], None], *, log: Path | None = None) -> None:
    """Waits until ``target`` answers.

    Args:
        name: of the part.
        target: ``http(s)://…`` that must answer with a status below 400, or ``tcp://host:port`` that must accept.
        timeout_s: longest wait [s].
        check: raises when the part has died; called at each attempt.
        log: where its output goes, for the repair.

    Raises:
        PartFailed: the part died, or is not ready in time; says what was found there.
        ConfigError: the target is not understood.
    """
    check_target(name, target)
    until = time.monotonic() + timeout_s
    while True:
        check()
        lacks = _attempt(target, max(_PAUSE_S, min(_ANSWER_S, until - time.monotonic())))
        if not lacks:
            check()
            return
        if time.monotonic() >= until:
            break
        time.sleep(_PAUSE_S)
    port = urlsplit(target).port
    holder = find_listener(port) if port and lacks != "nothing listens there" else None
    raise PartFailed(
        f"The part '{name}' did not get ready: waited {timeout_s:g} s for {target}, {lacks}"
        f"{f' (port {port}: {holder})' if holder else ''}.",
        repair="Correct its ready address"
        + ("" if lacks.startswith(_ANSWERS) else " or give it a longer ready_timeout_s")
        + (f"; its output is in {log}." if log is not None else "."),
        culprit=name,
    )


def post(name: str, url: str, timeout_s: float) -> None:
    """Posts an empty body to the reset URL of part ``name``; PartFailed unless a status below 400 comes back."""
    check_target(name, url)
    try:
        status = _ask(url, "POST", timeout_s)
        why = "" if status < _BAD_STATUS else f"answered with status {status}"
    except http.client.HTTPException:
        why = "did not answer in HTTP"
    except OSError as error:
        why = f"cannot be reached ({error.strerror or error})"
    if why:
        raise PartFailed(
            f"The reset of the part '{name}', POST {url}, {why}.", repair="Repair that address.", culprit=name
        )
