# SPDX-License-Identifier: Apache-2.0
"""What a look into the warm-up sample found: the facts that advice is built on.

The warm-up is run anyway and counts in no figure, so it may be looked into without disturbing what is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

MOST_ROWS: Final = 200
"""Rows of a kind that a run file keeps, the heaviest first: a page of thousands of requests says nothing more in its tail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One answer of the network.

    Attributes:
        step: in which it was asked for; ``""`` between steps. at_s: since the first request [s].
        party: ``first`` or ``third``. kind: document, script, stylesheet, image, font, media, fetch, websocket, other.
        received_bytes, sent_bytes: on the wire. decoded_bytes: of the body, decompressed.
        encoding, content_type, cache_control, protocol: as its headers say; empty when they don't.
        has_validator: an ``ETag`` or ``Last-Modified`` lets a cache ask whether it changed.
        gzip_bytes: fastest, usual and best gzip of a text that came uncompressed; None where it was not one.
    """

    step: str
    at_s: float
    url: str
    party: str
    kind: str
    method: str
    status: int | None
    received_bytes: int
    sent_bytes: int
    decoded_bytes: int
    encoding: str = ""
    content_type: str = ""
    cache_control: str = ""
    protocol: str = ""
    has_validator: bool = False
    from_cache: bool = False
    gzip_bytes: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An ``<img>`` of a document when it was looked at last.

    Attributes:
        natural_px, shown_px: pixels that the file has, and that its place on this screen can show.
        seen: it was in the visible part of the page at some moment. lazy: ``loading="lazy"``.
    """

    url: str
    step: str
    natural_px: int
    shown_px: int
    seen: bool
    lazy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of a script or style sheet was used in the whole journey [characters]."""

    url: str
    kind: str
    characters: int
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A page when it was looked at last: elements, deepest nesting, media that play by themselves, families of fonts."""

    url: str
    step: str
    elements: int
    depth: int
    autoplaying: int
    font_faces: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LongTasks:
    """Tasks of a step that kept the page from answering for more than 50 ms."""

    step: str
    count: int
    total_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All that was found. ``complete`` is false where rows beyond ``MOST_ROWS`` were left out."""

    resources: tuple[Resource, ...] = ()
    images: tuple[Image, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    documents: tuple[Document, ...] = ()
    long_tasks: tuple[LongTasks, ...] = ()
    complete: bool = True

    def to_json(self) -> dict[str, Any]:
        """As a run file keeps it; values that say nothing are left out."""
        rows: dict[str, Any] = {
            name: [_short(asdict(row)) for row in getattr(self, name)]
            for name in ("resources", "images", "coverage", "documents", "long_tasks")
        }
        return {**{name: found for name, found in rows.items() if found}, "complete": self.complete}


_ALWAYS: Final = frozenset({"step", "status", "natural_px", "shown_px", "used", "seen", "elements"})


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key in _ALWAYS or value not in ("", False, 0, None)}


def read_survey(record: Mapping[str, Any]) -> Survey:
    """The survey that a run file keeps; keys of a later version are passed over.

    Raises:
        KeyError, TypeError: the record is not one.
    """

    def rows(name: str, row_kind: type[Any], **absent: Any) -> tuple[Any, ...]:
        known = set(row_kind.__dataclass_fields__)
        found = (
            {k: tuple(v) if isinstance(v, list) else v for k, v in row.items() if k in known}
            for row in record.get(name, ())
        )
        return tuple(row_kind(**{**absent, **row}) for row in found)

    return Survey(
        resources=rows(
            "resources", Resource, at_s=0.0, received_bytes=0, sent_bytes=0, decoded_bytes=0, kind="other", method="GET"
        ),
        images=rows("images", Image, lazy=False),
        coverage=rows("coverage", Coverage, characters=0),
        documents=rows("documents", Document, depth=0, autoplaying=0, font_faces=0),
        long_tasks=rows("long_tasks", LongTasks, count=0, total_s=0.0),
        complete=bool(record.get("complete", True)),
    )


def heaviest(rows: Sequence[Resource]) -> tuple[tuple[Resource, ...], bool]:
    """At most ``MOST_ROWS`` resources, in the order they were asked for, and whether these are all."""
    if len(rows) <= MOST_ROWS:
        return tuple(rows), True
    kept = sorted(rows, key=lambda row: -row.received_bytes)[:MOST_ROWS]
    return tuple(sorted(kept, key=lambda row: row.at_s)), False
