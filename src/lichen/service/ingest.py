# SPDX-License-Identifier: Apache-2.0
"""Runs as a sender gives them: unpacked within bounds, checked as a run file is, ready for the journal.

Nothing here waits and nothing is written. What is refused is refused with the one sentence that a person needs to repair it;
of a batch, with its place.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from lichen.errors import StorageError, UsageError
from lichen.ledger import runfile, shape
from lichen.model.activities import parse_instant
from lichen.records import canonical_json
from lichen.service.ingest_rows import RowCheck, named

MIB: Final = 2**20
BODY_MAX: Final = 16 * MIB
"""Largest body, as it is sent and inflated, in bytes."""
RATIO_MAX: Final = 100
"""How many times larger than sent a body may become, beyond the first MiB: deflate reaches 1,000 on bombs, runs reach 30."""
VALUES_MAX: Final = 500_000
"""Most values in a body. Each costs some hundred bytes of memory once it is parsed."""
DEPTH_MAX: Final = 64
BATCH_MAX: Final = 100
FUTURE_MAX: Final = timedelta(hours=24)
"""How far a sender's clock may be ahead."""
_NUMBER_MAX: Final = 2.0**63
_SMALLEST: Final = sys.float_info.min
_DIGITS: Final = 19
"""So many are 2^63 or near it; fewer are below."""
_SUSPECT: Final = (b"e+", b"e-3", b"-0.0")
"""What numbers that are very large, very small or a negative zero look like in canonical JSON; others may, too."""
_GZIP: Final = 31
_NESTING: Final = frozenset({dict, list})
_LEVEL: Final = 1
"""Of compression: what is stored is small enough after the fastest one."""


class Oversized(UsageError):
    """A body is larger than what is taken: as sent, inflated, or by its number of values."""


class Malformed(UsageError):
    """A body is no JSON, or is neither a run nor a batch of runs."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A run that may be written to the journal.

    Attributes:
        position: its place in the batch, from 0.
        run_id: hash of its content.
        application: first word of its entities.
        body: its canonical JSON, gzipped.
    """

    position: int
    run_id: str
    application: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a run of a batch is refused; ``position`` is its place, from 0."""

    position: int
    problem: str
    repair: str = ""
    culprit: str = ""

    def to_json(self) -> dict[str, Any]:
        """As an answer lists it."""
        return {"index": self.position, "detail": self.problem, "culprit": self.culprit, "repair": self.repair}


@dataclass(frozen=True, slots=True)
class Intake:
    """A body, checked."""

    runs: Sequence[Incoming]
    faults: Sequence[Fault]
    is_batch: bool


class _Unfit:
    """Stands in a parsed body for what no float holds: NaN, infinities, integers of 2^63 and more."""

    def __init__(self, text: str) -> None:
        self.text = text[:40]


def inflate(raw: bytes, encoding: str) -> bytes:
    """A body as it was before it was packed.

    Args:
        encoding: of the content, ``gzip`` or empty.

    Raises:
        Oversized: it becomes larger than `BODY_MAX`, or more than `RATIO_MAX` times larger.
        Malformed: it is damaged, or packed in another way.
    """
    if encoding in ("", "identity"):
        return raw
    if encoding not in ("gzip", "x-gzip"):
        raise Malformed(
            f"The content encoding '{encoding}' is not known.", repair="Send gzip or none.", culprit=encoding
        )
    bound = min(BODY_MAX, max(MIB, RATIO_MAX * len(raw)))
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain = inflater.decompress(raw, bound + 1)
    except zlib.error as error:
        raise Malformed(f"The body is no gzip: {error}.", repair="Send it again.", culprit="body") from error
    if len(plain) > bound:
        raise Oversized(
            f"The body is larger than {bound // MIB} MiB once inflated.",
            repair="Send fewer runs at once.",
            culprit="body",
        )
    if not inflater.eof or inflater.unused_data:
        raise Malformed("The body is no whole gzip stream.", repair="Send it again.", culprit="body")
    return plain


def take(raw: bytes, rows: RowCheck, now: datetime) -> Intake:
    """The runs of a body, each checked.

    Args:
        raw: JSON: the content of one run file, or ``{"runs": [...]}``.
        rows: of the nomenclature in force.
        now: no run may have been measured more than `FUTURE_MAX` later.

    Raises:
        Oversized: too many values or too many runs.
        Malformed: no JSON, nested too deeply, or neither a run nor a batch.
    """
    contents, is_batch = _runs_of(_parse(raw))
    runs: list[Incoming] = []
    faults: list[Fault] = []
    for position, run in enumerate(contents):
        try:
            runs.append(_checked(run, position, rows, now))
        except UsageError as error:
            faults.append(Fault(position, error.problem, error.repair, error.culprit))
    return Intake(runs, faults, is_batch)


def _parse(raw: bytes) -> Any:
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") > VALUES_MAX:
        raise Oversized(
            f"The body has more than {VALUES_MAX:,} values.", repair="Send fewer runs at once.", culprit="body"
        )
    try:
        content = json.loads(raw, parse_int=_whole, parse_constant=_Unfit)
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:  # JSON and UTF-8
        raise Malformed(f"The body is not JSON: {error}.", repair="Send the content of a run file.") from error
    _check_depth(content)
    return content


def _whole(text: str) -> int | _Unfit:
    return int(text) if len(text) < _DIGITS else _Unfit(text)


def _too_deep() -> Malformed:
    return Malformed(
        f"The body is nested more than {DEPTH_MAX} levels deep.",
        repair="Send the content of a run file.",
        culprit="body",
    )


def _check_depth(content: Any) -> None:
    level = [content] if type(content) in _NESTING else []
    for _ in range(DEPTH_MAX):
        level = [
            inner
            for node in level
            for inner in (node.values() if type(node) is dict else node)
            if type(inner) in _NESTING
        ]
        if not level:
            return
    raise _too_deep()


def _runs_of(content: Any) -> tuple[list[Any], bool]:
    if not isinstance(content, dict):
        raise Malformed("The body is not an object.", repair="Send the content of a run file.", culprit="body")
    if "schema" in content or "runs" not in content:
        return [content], False
    runs = content["runs"]
    if not isinstance(runs, list) or not runs or len(content) > 1:
        raise Malformed("'runs' is no list of runs alone.", repair='Send {"runs": [RUN, ...]}.', culprit="runs")
    if len(runs) > BATCH_MAX:
        raise Oversized(f"{len(runs)} runs are more than {BATCH_MAX}.", repair="Send fewer at once.", culprit="runs")
    return runs, True


def _checked(content: Any, position: int, rows: RowCheck, now: datetime) -> Incoming:
    """A run that is whole, finite, of one application, and not from the future; UsageError otherwise."""
    if not isinstance(content, dict) or content.get("schema") != runfile.SCHEMA:
        said = content.get("schema") if isinstance(content, dict) else None
        raise StorageError(
            f"The schema is {str(said)[:80]!r}, not '{runfile.SCHEMA}'.",
            repair="Send the content of a run file.", culprit="schema",
        )  # fmt: skip
    plain = _canonical(content)
    for check in (shape.faults, shape.further_faults, shape.miscounts):
        if (fault := next(check(content), None)) is not None:
            raise StorageError(f"The run is not whole: {fault}.", repair="Measure again.", culprit=fault.split(" ")[0])
    _check_times(content, now)
    application = _application(content)
    for journey in content["journeys"]:
        named(journey["name"], "the name of a journey")
    rows.check(content["activities"], application)
    return Incoming(position, hashlib.sha256(plain).hexdigest(), application, zlib.compress(plain, _LEVEL, _GZIP))


def _canonical(content: Any) -> bytes:
    """The bytes that the hash is taken of; StorageError where a number or a text cannot be."""
    try:
        plain = canonical_json(content)
    except UnicodeEncodeError as error:  # halves of surrogate pairs
        raise StorageError(
            "A text of the run holds half of a surrogate pair.", repair="Write the character in UTF-8.", culprit="text"
        ) from error
    except (TypeError, ValueError):  # `_Unfit`, or a float that is infinite
        _check_numbers(content)
        raise
    if any(sign in plain for sign in _SUSPECT):
        _check_numbers(content)
    return plain


def _application(content: Mapping[str, Any]) -> str:
    if not content["activities"]:
        raise StorageError("The run has no activities.", repair="Measure again.", culprit="activities")
    entity = content["activities"][0].get("entity")
    return named(str(entity).partition("/")[0], "the application")


def _check_times(content: Mapping[str, Any], now: datetime) -> None:
    started, ended = (parse_instant(content[key], "run", key) for key in ("started_at", "ended_at"))
    if ended < started:
        raise StorageError("ended_at lies before started_at.", repair="Exchange the two.", culprit="ended_at")
    if ended > now + FUTURE_MAX:
        raise StorageError(
            f"ended_at is {content['ended_at']}, more than {FUTURE_MAX // timedelta(hours=1)} hours in the future.",
            repair="Set the clock of the machine that measured.", culprit="ended_at",
        )  # fmt: skip


def _check_numbers(content: Any) -> None:
    """StorageError for a number that no measurement can be: not finite, 2^63 or more, or too small to be told from zero."""
    for place, value in _leaves(content, ""):
        if isinstance(value, _Unfit):
            shown = value.text
        elif isinstance(value, float) and not (value == 0 or _SMALLEST <= abs(value) < _NUMBER_MAX):
            shown = f"{value:g}"
        elif isinstance(value, float) and value == 0 and math.copysign(1, value) < 0 and place.startswith("activities"):
            shown = "a negative zero"
        else:
            continue
        raise StorageError(
            f"{place} is {shown}, which no measurement can be.",
            repair="Give a finite number below 2^63, or null when it is unknown.", culprit=place,
        )  # fmt: skip


def _leaves(node: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, inner in node.items():
            yield from _leaves(inner, f"{place}.{key}" if place else str(key)[:80])
    elif isinstance(node, list):
        for index, inner in enumerate(node):
            yield from _leaves(inner, f"{place}[{index}]")
    else:
        yield place, node
