# SPDX-License-Identifier: Apache-2.0
"""Waiting for a part to get ready, and posting its reset."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from lichen.collect.machine.ports import find_listener
from lichen.errors import ConfigError, PartFailed

_PAUSE_S: Final = 0.05
_ANSWER_S: Final = 5.0
_BAD_STATUS: Final = 400


def _ask(url: str, method: str, timeout_s: float) -> int:
    """Status of one HTTP request; no proxy, no redirect followed. Raises OSError or HTTPException."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Connection": "close", "Content-Length": "0"} if method == "POST" else {"Connection": "close"}
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def _attempt(target: str) -> str:
    """What lacks for ``target`` to be ready, as a clause; empty when it is."""
    parts = urlsplit(target)
    try:
        if parts.scheme == "tcp":
            socket.create_connection((parts.hostname, parts.port), timeout=_ANSWER_S).close()
            return ""
        status = _ask(target, "GET", _ANSWER_S)
    except ConnectionRefusedError:
        return "nothing listens there"
    except TimeoutError:
        return f"something accepts connections there but does not answer within {_ANSWER_S:g} s"
    except http.client.HTTPException:
        return "what listens there does not speak HTTP"
    except OSError as error:
        return f"it cannot be reached ({error.strerror or error})"
    return f"it answers with status {status}" if status >= _BAD_STATUS else ""


def check_target(name: str, target: str) -> None:
    """ConfigError unless ``target`` is ``http(s)://…`` or ``tcp://host:port``."""
    try:
        parts = urlsplit(target)
        good = bool(parts.hostname) and (parts.scheme in ("http", "https") or (parts.scheme == "tcp" and parts.port))
    except ValueError:
        good = False
    if not good:
        raise ConfigError(
            f"The part '{name}' cannot be asked at '{target}'.",
            repair="Write http://host:port/path or tcp://host:port.",
            culprit=target,
        )


def wait_ready(name: str, target: str, timeout_s: float, check: Callable[[], None]) -> None:
    """Waits until ``target`` answers.

    Args:
        name: of the part.
        target: ``http(s)://…`` that must answer with a status below 400, or ``tcp://host:port`` that must accept.
        timeout_s: longest wait [s].
        check: raises when the part has died; called at each attempt.

    Raises:
        PartFailed: the part died, or is not ready in time; says what was found there.
        ConfigError: the target is not understood.
    """
    check_target(name, target)
    until = time.monotonic() + timeout_s
    while True:
        check()
        lacks = _attempt(target)
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
        repair="Correct its ready address, give it a longer timeout_s, or see its log.",
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
