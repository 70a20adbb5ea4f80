# SPDX-License-Identifier: Apache-2.0
"""Bytes on the wire of one entry of an HTTP archive, from whatever it states of them.

Received, the best first: ``_transferSize``; ``headersSize`` + ``bodySize``; their parts rebuilt from the headers and from
``content``. -1 means unknown there (HAR 1.2), and stays unknown where nothing else tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

LONGEST_TEXT: Final = 65_536
"""Characters of a text that are kept while its entry is read: addresses and headers are shorter, bodies are not needed."""
_MAX_SIZE: Final = 2**40
"""No answer is larger than a tebibyte: what says so is broken."""
_NO_BODY: Final = frozenset((204, 304))


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of one entry.

    Attributes:
        received, sent: on the wire; None when nothing tells. estimated: rebuilt from headers and contents.
        failed: there was no answer.
    """

    status: int | None
    received: int | None
    sent: int | None
    from_cache: bool
    estimated: bool
    failed: bool


def sizes_of(entry: Mapping[str, Any], request: Mapping[str, Any], response: Mapping[str, Any]) -> Sizes:
    """Bytes of an entry.

    Raises:
        ValueError: says which number is no size.
    """
    status = _size(response, "status")
    if entry.get("_fromCache") or response.get("_fromServiceWorker") or response.get("_fetchedViaServiceWorker"):
        return Sizes(status, 0, 0, from_cache=True, estimated=False, failed=False)
    sent, rebuilt = _sent(request)
    if not status:
        blocked = _size(response, "_transferSize") in (0, None)
        return Sizes(None, 0 if blocked else None, 0, from_cache=False, estimated=False, failed=True)
    received, guessed = _received(response, status)
    return Sizes(status, received, sent, from_cache=False, estimated=rebuilt or guessed, failed=False)


def _received(response: Mapping[str, Any], status: int) -> tuple[int | None, bool]:
    stated = _size(response, "_transferSize")
    head, body = _size(response, "headersSize"), _size(response, "bodySize")
    content = response.get("content")
    decoded = _size(content, "size") if isinstance(content, Mapping) else None
    saved = _size(content, "compression") if isinstance(content, Mapping) else None
    if stated is not None and (stated or not decoded):
        return stated, False
    guessed = head is None or body is None
    if head is None:
        head = len("HTTP/1.1 200 OK\r\n\r\n") + _headers(response)
    if body is None:
        body = _body(response, status, decoded, saved)
    return (None if body is None else head + body), guessed


def _body(response: Mapping[str, Any], status: int, decoded: int | None, saved: int | None) -> int | None:
    """A body whose size is not stated: as declared, or as decoded less what compression saved."""
    if status in _NO_BODY:
        return 0
    declared = _header(response, "content-length")
    if declared.isdigit() and len(declared) < 13:
        return int(declared)
    if decoded is None:
        return None
    if saved is not None and saved <= decoded:
        return decoded - saved
    return decoded if not _header(response, "content-encoding") else None


def _sent(request: Mapping[str, Any]) -> tuple[int | None, bool]:
    head, body = _size(request, "headersSize"), _size(request, "bodySize")
    if head is not None and body is not None:
        return head + body, False
    if head is None:
        parts = urlsplit(str(request.get("url", ""))[:LONGEST_TEXT])
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        method = str(request.get("method", "GET"))[:20]
        head = len(f"{method}  HTTP/1.1\r\n\r\n") + len(target.encode(errors="replace")) + _headers(request)
    if body is None:
        declared = _header(request, "content-length")
        posted = request.get("postData")
        if declared.isdigit() and len(declared) < 13:
            body = int(declared)
        elif isinstance(posted, Mapping):
            text = posted.get("text")
            body = len(text.encode(errors="replace")) if isinstance(text, str) and len(text) < LONGEST_TEXT else None
        else:
            body = 0
    return (None if body is None else head + body), True


def _size(table: Any, key: str) -> int | None:
    """A number of bytes; None when it is absent, null or -1."""
    value = table.get(key)
    if value is None or value == -1:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MAX_SIZE:
        raise ValueError(f"{key} is {str(value)[:40]}, which is no size")
    if value != int(value):
        raise ValueError(f"{key} is {value:g}, which is no whole number")
    return int(value)


def _named(table: Mapping[str, Any]) -> list[tuple[str, str]]:
    listed = table.get("headers")
    rows = listed if isinstance(listed, list) else []
    return [(str(row.get("name", "")), str(row.get("value", ""))) for row in rows if isinstance(row, Mapping)]


def _headers(table: Mapping[str, Any]) -> int:
    """Size of the header lines as HTTP/1.1 writes them; names of HTTP/2 that begin with a colon are no lines."""
    return sum(
        len(name.encode(errors="replace")) + len(value.encode(errors="replace")) + 4
        for name, value in _named(table)
        if not name.startswith(":")
    )


def _header(table: Mapping[str, Any], wanted: str) -> str:
    return next((value.strip() for name, value in _named(table) if name.lower() == wanted), "")
