# SPDX-License-Identifier: Apache-2.0
"""What the sources of electricity by the hour share: one request, in pieces that the source allows, told as a grid file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Protocol

from lichen.errors import FactorError
from lichen.factors.hourly import UNIT, Interval
from lichen.records import Factor

TIMEOUT_S: Final = 60.0
LARGEST_BYTES: Final = 100_000_000
_OK: Final = 200
_REFUSED: Final = (401, 403)

GetFactor = Callable[[str], Factor]
"""The world's row of a factor, for sources that tell a mix of plants instead of its carbon."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one request asks for: a zone from ``start`` until before ``end``, in UTC."""

    zone: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """One request to a source: path, parameters, and the headers that hold a token."""

    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]


class Adapter(Protocol):
    """A source of electricity by the hour.

    Attributes:
        name: as the command line has it; title, licence: what the file says of its source.
        scope: ``direct`` (the plants' own emissions) or ``life cycle``.
        url: where the source answers.
        token_variable: environment variable that holds the token; empty for an open source.
        zones: those that the source knows; empty when it knows more than can be listed here.
        piece: longest time that one request may ask for.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    licence: ClassVar[str]
    scope: ClassVar[str]
    url: ClassVar[str]
    token_variable: ClassVar[str]
    zones: ClassVar[tuple[str, ...]]
    piece: ClassVar[timedelta]

    def question(self, piece: Piece, token: str) -> Question:
        """The request for one piece."""

    def intervals(self, answer: bytes, piece: Piece, factor: GetFactor) -> list[Interval]:
        """What the answer says.

        Raises:
            FactorError: it is not what the source documents.
        """


def fetch(adapter: Adapter, whole: Piece, *, token: str, factor: GetFactor, url: str | None = None) -> list[Interval]:
    """All intervals of a zone and a time, in order.

    Args:
        url: answers in place of the source's own address.

    Raises:
        FactorError: the source does not know the zone, does not answer, refuses, or answers something else.
    """
    if adapter.zones and whole.zone not in adapter.zones:
        raise FactorError(
            f"{adapter.name} knows nothing of the zone {whole.zone}.",
            repair=f"Zones: {', '.join(adapter.zones)}.",
            culprit=whole.zone,
        )
    found: dict[datetime, Interval] = {}
    for piece in _pieces(whole, adapter.piece):
        answer = _ask(adapter, adapter.question(piece, token), url or adapter.url)
        for interval in adapter.intervals(answer, piece, factor):
            if piece.start <= interval.start < piece.end:
                found[interval.start] = interval
    if not found:
        raise FactorError(
            f"{adapter.name} has nothing for {whole.zone} from {whole.start:%Y-%m-%d} to {whole.end:%Y-%m-%d}.",
            repair="Ask for another time.",
            culprit=adapter.name,
        )
    return [found[start] for start in sorted(found)]


def _pieces(whole: Piece, longest: timedelta) -> Iterator[Piece]:
    start = whole.start
    while start < whole.end:
        end = min(start + longest, whole.end)
        yield Piece(whole.zone, start, end)
        start = end


def _ask(adapter: Adapter, question: Question, url: str) -> bytes:
    """The body of the answer. The address is never part of a message: for some sources it holds the token."""
    import httpx2

    def fail(what: str, repair: str) -> FactorError:
        return FactorError(f"{adapter.name} {what}.", repair=repair, culprit=adapter.name)

    body = bytearray()
    try:
        with (
            httpx2.Client(timeout=TIMEOUT_S, follow_redirects=False) as client,
            client.stream(
                "GET", url.rstrip("/") + question.path, params=dict(question.params), headers=dict(question.headers)
            ) as response,
        ):
            for part in response.iter_bytes():
                body += part
                if len(body) > LARGEST_BYTES:
                    raise fail("answers more than 100 MB", "Ask for a shorter time.")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise fail(f"does not answer ({type(error).__name__})", "Check the network, or try again later.") from None
    if response.status_code in _REFUSED:
        repair = f"Put a valid token into {adapter.token_variable}." if adapter.token_variable else "Try again later."
        raise fail(f"refuses the request (status {response.status_code})", repair)
    if response.status_code != _OK:
        raise fail(f"answers with status {response.status_code}", "Try again later, or ask for another time.")
    return bytes(body)


def strange(name: str, what: str) -> FactorError:
    """The answer of a source is not what it documents."""
    return FactorError(
        f"{name} answers something that is not its documented format: {what}.",
        repair="Try again later; if it stays, the source has changed.",
        culprit=name,
    )


def as_json(name: str, answer: bytes) -> Any:
    """The answer as JSON."""
    try:
        return json.loads(answer)
    except ValueError:
        raise strange(name, "no JSON") from None


def moment(name: str, text: object) -> datetime:
    """A moment with its time zone, in UTC."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise strange(name, f"the time {str(text)[:40]!r}") from None
    if found.tzinfo is None:
        raise strange(name, f"the time {text} without a zone")
    return found.astimezone(UTC)


def figure(name: str, value: object) -> float | None:
    """A value above zero, None when the source has none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise strange(name, f"the value {str(value)[:40]!r}")
    return float(value) if value > 0 else None


def file_text(adapter: Adapter, zone: str, intervals: Sequence[Interval], retrieved: datetime) -> str:
    """A grid file, as `lichen.factors.hourly` reads it; a step without an interval has no row."""
    ranged = all(interval.low is not None and interval.high is not None for interval in intervals)
    lines = [
        f"# zone: {zone}",
        f"# source: {adapter.title}, retrieved {retrieved:%Y-%m-%d}",
        f"# licence: {adapter.licence}",
        f"# scope: {adapter.scope}",
        "# kind: average",
        f"# unit: {UNIT}",
        "start,value,low,high" if ranged else "start,value",
    ]
    for interval in intervals:
        start = interval.start.isoformat().replace("+00:00", "Z")
        cells = (interval.value, interval.low, interval.high) if ranged else (interval.value,)
        lines.append(",".join([start, *(f"{cell:.6g}" for cell in cells)]))
    return "\n".join(lines) + "\n"
