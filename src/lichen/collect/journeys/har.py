# SPDX-License-Identifier: Apache-2.0
"""Requests and bytes of an HTTP archive (HAR 1.2). Headers, cookies and bodies are read past and never kept.

The file is read as a stream, within limits: what is hostile or broken is refused in one sentence that names the entry. Only what
crossed the network is in an archive, so nothing else is known: no CPU time, no memory, no screen time.

Format: HAR 1.2, http://www.softwareishard.com/blog/har-12-spec/; ``_transferSize``, ``_resourceType`` and ``_fromCache`` as
Chromium adds them.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final, NoReturn
from urllib.parse import urlsplit

from lichen.collect.base import Request
from lichen.collect.browser.sites import party, registrable_site
from lichen.collect.journeys.har_sizes import LONGEST_TEXT, Sizes, sizes_of
from lichen.collect.journeys.naming import step_name
from lichen.errors import StorageError

MAX_BYTES: Final = 256 * 2**20
_MAX_DEPTH: Final = 64
_MAX_VALUES: Final = 200_000
"""Of one entry, or from one to the next."""
_CHUNK: Final = 1 << 24
"""Bytes read at once: a text that goes over several chunks, such as a body, is looked at anew with each of them."""
_MAX_ENTRIES: Final = 200_000
_LONGEST_URL: Final = 2_048
_LONGEST_MS: Final = 86_400_000
_NO_PAGE: Final = "without a page"

_KINDS: Final = {
    "document": "document", "stylesheet": "stylesheet", "image": "image", "media": "media", "font": "font",
    "script": "script", "xhr": "fetch", "fetch": "fetch", "websocket": "websocket", "eventsource": "fetch",
}  # fmt: skip
_MIMES: Final = (
    ("text/html", "document"), ("application/xhtml", "document"), ("text/css", "stylesheet"), ("javascript", "script"),
    ("image/", "image"), ("font", "font"), ("video/", "media"), ("audio/", "media"), ("json", "fetch"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HarPage:
    """A page of an archive: its name, unlike the others', and what was requested on it. ``requests`` none: of its cache only."""

    name: str
    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Har:
    """What an archive says.

    Attributes:
        site: registrable site of the first party; None when the archive names no host.
        creator: program that wrote it. started_at, ended_at: of its first and last request; None without requests.
        estimated: requests whose bytes follow from their headers and contents; unknown: those that state none.
        failed: requests without an answer. sockets: WebSockets, of which the handshake alone is counted.
    """

    pages: tuple[HarPage, ...]
    site: str | None
    creator: str
    started_at: datetime | None
    ended_at: datetime | None
    estimated: int
    unknown: int
    failed: int
    sockets: int


def read_har(path: Path, *, site: str | None = None) -> Har:
    """Requests of an archive.

    Args:
        path: of the file.
        site: host whose registrable site is the first party; that of the first document when None.

    Raises:
        StorageError: the file cannot be read, is too large, or is no HAR; names the entry.
    """
    try:
        with path.open("rb") as file:
            if not stat.S_ISREG(path.stat().st_mode):
                _refuse(path, "it is not a regular file")
            if path.stat().st_size > MAX_BYTES:
                raise StorageError(
                    f"{path} is larger than {MAX_BYTES // 2**20} MiB.",
                    repair="Record fewer pages in one archive, or export it without contents.",
                    culprit=str(path),
                )
            if file.read(3) != b"\xef\xbb\xbf":  # a byte order mark, which some programs write
                file.seek(0)
            return _Reader(path, site).read(file)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read: {error.strerror or error}.", repair="Check the path.", culprit=str(path)
        ) from error


class _Reader:
    """Reads one archive."""

    def __init__(self, path: Path, site: str | None) -> None:
        self._path = path
        self._site = None if site is None else registrable_site(site)
        self._titles: dict[str, str] = {}
        self._entries: dict[str, list[tuple[Request, Sizes]]] = {}
        self._creator = ""
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._count = 0

    def read(self, file: IO[bytes]) -> Har:
        """The whole archive."""
        for section, content in _sections(file, self._path):
            if section == "creator":
                self._creator = " ".join(_text(content.get(key))[:80] for key in ("name", "version")).strip()
            elif section == "pages":
                self._titles.setdefault(_text(content.get("id")), _title(_text(content.get("title"))))
            else:
                self._take(content)
        sizes = [size for entries in self._entries.values() for _, size in entries]
        return Har(
            pages=tuple(self._pages()),
            site=self._site,
            creator=self._creator,
            started_at=self._first,
            ended_at=self._last,
            estimated=sum(size.estimated for size in sizes),
            unknown=sum(size.received is None or size.sent is None for size in sizes),
            failed=sum(size.failed for size in sizes),
            sockets=sum(entry.kind == "websocket" for entries in self._entries.values() for entry, _ in entries),
        )

    def _pages(self) -> Iterator[HarPage]:
        taken: set[str] = set()
        for page, entries in self._entries.items():
            name = step_name(self._titles.get(page, page or _NO_PAGE), taken)
            requests = []
            for entry, size in entries:
                if size.failed and not size.received and not size.sent:
                    continue
                requests.append(self._placed(entry, name))
            yield HarPage(name, tuple(requests))

    def _placed(self, entry: Request, page: str) -> Request:
        """A request with what is only known at the end: its page's name, and whose it is."""
        return Request(
            step=page, url=entry.url, host=entry.host, party=party(entry.host, self._site), kind=entry.kind,
            method=entry.method, status=entry.status, received_bytes=entry.received_bytes, sent_bytes=entry.sent_bytes,
            from_cache=entry.from_cache,
        )  # fmt: skip

    def _take(self, entry: Mapping[str, Any]) -> None:
        self._count += 1
        where = f"entry {self._count}"
        if self._count > _MAX_ENTRIES:
            _refuse(self._path, f"it has more than {_MAX_ENTRIES} entries")
        request, response = entry.get("request"), entry.get("response")
        if not isinstance(request, Mapping) or not isinstance(response, Mapping):
            _refuse(self._path, f"{where} has no request or no response")
        try:
            parts = urlsplit(_text(request.get("url"))[:_LONGEST_URL])
            host = parts.hostname or ""
        except ValueError:
            _refuse(self._path, f"the address of {where} is not valid")
        if parts.scheme not in ("http", "https", "ws", "wss"):
            return  # data:, blob:, extensions: nothing on the network
        if not host:
            _refuse(self._path, f"the address of {where} names no host")
        try:
            sizes = sizes_of(entry, request, response)
        except ValueError as error:
            _refuse(self._path, f"{where}: {error}")
        self._date(where, entry)
        kind = _kind(entry, response, parts.scheme)
        if self._site is None and (kind == "document" or not self._entries):
            self._site = registrable_site(host)
        port = f":{parts.port}" if parts.port else ""
        read = Request(
            step="", url=f"{parts.scheme}://{host}{port}{parts.path or '/'}", host=host, party="", kind=kind,
            method=_text(request.get("method"))[:20], status=sizes.status, received_bytes=sizes.received,
            sent_bytes=sizes.sent, from_cache=sizes.from_cache,
        )  # fmt: skip
        self._entries.setdefault(_text(entry.get("pageref")), []).append((read, sizes))

    def _date(self, where: str, entry: Mapping[str, Any]) -> None:
        text = _text(entry.get("startedDateTime"))
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            _refuse(self._path, f"{where}: startedDateTime is no date with a time zone")
        lasted_ms = entry.get("time")
        if not isinstance(lasted_ms, int | float) or not 0 <= lasted_ms < _LONGEST_MS:
            lasted_ms = 0
        try:
            ended = moment + timedelta(milliseconds=lasted_ms)
        except OverflowError:
            ended = moment
        self._first = moment if self._first is None else min(self._first, moment)
        self._last = ended if self._last is None else max(self._last, ended)


class _Sections:
    """Builds the tables ``creator``, and each of ``pages`` and ``entries``, from the events of a stream; forgets the rest."""

    _LEVELS: Final = {"creator": 3, "pages": 4, "entries": 4}
    """Depth inside such a table."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[int, str] = {}
        self._depth = 0
        self._values = 0
        self._builder: Any = None
        self.seen: set[str] = set()

    def hear(self, event: str, value: Any) -> tuple[str, dict[str, Any]] | None:
        """The table that ends with this event, and its section."""
        self._depth += {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}.get(event, 0)
        self._values += 1
        if self._depth > _MAX_DEPTH or self._values > _MAX_VALUES:
            _refuse(self._path, "it is nested too deeply, or holds more values than an archive does")
        section = self._section(event, value)
        if self._builder is None:
            if event != "start_map" or self._depth != self._LEVELS.get(section):
                return None
            self._begin()
        self._builder.event(event, value[:LONGEST_TEXT] if event == "string" else value)
        if event != "end_map" or self._depth != self._LEVELS[section] - 1:
            return None
        table: dict[str, Any] = self._builder.value
        self._builder, self._values = None, 0
        return section, table

    def _section(self, event: str, value: Any) -> str:
        if event == "map_key" and self._builder is None:
            self._keys[self._depth] = value
        section = self._keys.get(2, "") if self._keys.get(1) == "log" else ""
        self.seen.add(section if section in self._LEVELS else "")
        return section

    def _begin(self) -> None:
        import ijson

        self._builder, self._values = ijson.ObjectBuilder(), 0


def _sections(file: IO[bytes], path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those tables, one after the other."""
    import ijson

    sections = _Sections(path)
    try:
        for event, value in ijson.basic_parse(file, buf_size=_CHUNK, use_float=True):
            found = sections.hear(event, value)
            if found is not None:
                yield found
    except (ijson.JSONError, UnicodeDecodeError) as error:
        _refuse(path, f"it is not JSON: {str(error).splitlines()[0].strip()}")
    except OverflowError:
        _refuse(path, "it is not JSON: a number in it is too large")
    if "entries" not in sections.seen:
        _refuse(path, "it has no log.entries")


def _refuse(path: Path, problem: str) -> NoReturn:
    raise StorageError(
        f"{path} is not an HTTP archive: {problem}.",
        repair="Export it again (HAR, in the panel Network of the browser's tools).",
        culprit=str(path),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _title(title: str) -> str:
    """A page's title; of an address, which Chromium writes there, the path."""
    return urlsplit(title).path.strip("/") if title.startswith(("http://", "https://")) else title


def _kind(entry: Mapping[str, Any], response: Mapping[str, Any], scheme: str) -> str:
    if scheme in ("ws", "wss"):
        return "websocket"
    stated = _text(entry.get("_resourceType"))
    if stated:
        return _KINDS.get(stated, "other")
    content = response.get("content")
    mime = _text(content.get("mimeType")).lower() if isinstance(content, Mapping) else ""
    return next((kind for part, kind in _MIMES if part in mime), "other")
