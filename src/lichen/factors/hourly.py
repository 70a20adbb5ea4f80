# SPDX-License-Identifier: Apache-2.0
"""Electricity by the hour, from a file: the mean over the time in which something ran stands in place of the year's.

A file holds one zone. Its head are lines ``# key: value``; then come the columns ``start,value`` and, where the source states a
range, ``low,high``: one row for each hour (or quarter of an hour; all rows stand for the same time), in gCO2e per kWh::

    # zone: FR
    # source: RTE, eCO2mix
    # licence: Licence Ouverte 2.0
    # scope: direct
    start,value
    2026-01-01T00:00:00+01:00,21
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, cast

from lichen.catalogue import places
from lichen.errors import ActivityError, FactorError
from lichen.records import Factor

FACTOR: Final = "grid.gwp100"
"""The factor that a file stands in for."""
UNIT: Final = "gCO2e/kWh"
HEAD: Final = ("zone", "source", "licence", "scope", "kind", "unit")
_MANDATORY: Final = ("zone", "source", "licence", "scope")
SCOPES: Final = ("life cycle", "direct")
_INSTANT_S: Final = 1e-3  # what a moment without duration is taken to last
_COLUMNS: Final = (("start", "value"), ("start", "value", "low", "high"))


@dataclass(frozen=True, slots=True)
class Interval:
    """What one row of a file says: gCO2e per kWh from ``start`` for one step; no bounds where the source states none."""

    start: datetime
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Mean:
    """Mean over a time, weighted by duration [gCO2e/kWh]; bounds are None unless every interval has them."""

    value: float
    low: float | None
    high: float | None
    intervals: int


def _weighted(values: Sequence[float], weights: Sequence[float]) -> float:
    return math.fsum(value * weight for value, weight in zip(values, weights, strict=True)) / math.fsum(weights)


class Series:
    """The electricity of one zone, interval by interval.

    Args:
        head: what the file says of itself, see `HEAD`.
        intervals: in order of time, without two of one start; a step that lacks is a gap.
        step_s: how long each interval lasts [s].
    """

    def __init__(
        self, path: Path, head: dict[str, str], intervals: Sequence[Interval], digest: str, *, step_s: float
    ) -> None:
        self.path = path
        self.zone = head["zone"]
        self.source = head["source"]
        self.licence = head["licence"]
        self.scope = head["scope"]
        self.digest = digest
        self._intervals = tuple(intervals)
        self._starts = [interval.start.timestamp() for interval in intervals]
        self.step_s = step_s

    def mean(self, start: datetime, end: datetime) -> Mean | None:
        """Mean from ``start`` to ``end``; at ``start`` when both are the same moment; None when the file has a gap there."""
        first = start.timestamp()
        last = max(end.timestamp(), first + _INSTANT_S)
        begin, stop = bisect_right(self._starts, first) - 1, bisect_left(self._starts, last)
        weights: list[float] = []
        covered = first
        for moment in self._starts[begin:stop] if begin >= 0 else ():
            until = min(moment + self.step_s, last)
            if moment > covered or until <= covered:
                return None
            weights.append(until - covered)
            covered = until
        if covered < last:
            return None
        chosen = self._intervals[begin:stop]
        value = _weighted([interval.value for interval in chosen], weights)
        bounds = [(interval.low, interval.high) for interval in chosen if None not in (interval.low, interval.high)]
        if len(bounds) < len(chosen):
            return Mean(value, None, None, len(chosen))
        low, high = (_weighted(cast("Sequence[float]", side), weights) for side in zip(*bounds, strict=True))
        return Mean(value, low, high, len(chosen))

    def factor(self, mean: Mean, yearly: Factor, start: datetime, end: datetime) -> Factor:
        """A row for a mean; ``yearly`` is the row that it stands in place of, whose relative range it takes if it has none."""
        ratio = mean.value / yearly.value
        low = yearly.low * ratio if mean.low is None else mean.low
        high = yearly.high * ratio if mean.high is None else mean.high
        stated = mean.low is not None
        what = (
            "Life cycle." if self.scope == SCOPES[0] else "Direct emissions of the plants, without what lies upstream."
        )
        return replace(
            yearly,
            value=mean.value,
            low=low,
            high=high,
            geography=self.zone,
            valid_from=start.date(),
            valid_to=end.date(),
            source=self.path.stem,
            source_title=self.source,
            licence=self.licence,
            distribution="lognormal",
            range_basis="source" if stated else "assumed",
            comment=f"Mean of {mean.intervals} intervals of {self.path.name}. {what}"
            + ("" if stated else " Relative range of the year's row."),
            pack=self.path.name,
            fallback=(),
            replaces=yearly.pack,
        )


def read_series(path: Path) -> Series:
    """The series of a file.

    Raises:
        FactorError: it cannot be read, its head or columns are wrong, a row is malformed, out of order or without a time zone,
            or its values are marginal.
    """
    try:
        content = path.read_bytes()
        lines = content.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise FactorError(
            f"The grid file {path} cannot be read: {error.strerror}.", repair="Check the path.", culprit=str(path)
        ) from error
    except UnicodeDecodeError as error:
        raise FactorError(
            f"The grid file {path} is not UTF-8 text.", repair="Save it as UTF-8.", culprit=str(path)
        ) from error
    count = sum(1 for _ in itertools.takewhile(lambda line: line.startswith("#") or not line.strip(), lines))
    head = _head(path, lines[:count])
    rows = list(_rows(path, lines[count:], count + 1))
    if len(rows) < 2:  # one row does not say how long it lasts
        raise _wrong(path, "has fewer than two rows", "Give one row for each hour.")
    # Rows without a value count here: where every second one is empty, the others do not last twice as long.
    step_s = min((later - earlier).total_seconds() for (earlier, _), (later, _) in itertools.pairwise(rows))
    intervals = [interval for _, interval in rows if interval is not None]
    return Series(path, head, intervals, hashlib.sha256(content).hexdigest(), step_s=step_s)


def _wrong(path: Path, what: str, repair: str) -> FactorError:
    return FactorError(f"The grid file {path} {what}.", repair=repair, culprit=str(path))


def _head(path: Path, lines: Sequence[str]) -> dict[str, str]:
    head = {}
    for line in lines:
        key, separator, value = line.lstrip("# ").partition(":")
        if separator and key.strip().lower() in HEAD:
            head[key.strip().lower()] = value.strip()
    for key in _MANDATORY:
        if not head.get(key):
            raise _wrong(path, f"does not state its {key}", f"Begin it with a line '# {key}: ...'.")
    if head["scope"] not in SCOPES:
        raise _wrong(path, f"has the scope '{head['scope']}'", f"One of: {', '.join(SCOPES)}.")
    if head.get("kind", "average") != "average":
        raise _wrong(
            path,
            f"holds values of the kind '{head['kind']}'",
            "Totals take averages; marginal values say what a shift would change, and never enter a total.",
        )
    if head.get("unit", UNIT) != UNIT:
        raise _wrong(path, f"is in '{head['unit']}'", f"Convert it to {UNIT}.")
    try:
        head["zone"] = places.canonical(head["zone"])
    except ActivityError as error:
        raise _wrong(path, f"names the zone '{head['zone']}', which does not exist", error.repair) from None
    return head


def _rows(path: Path, lines: Sequence[str], first_line: int) -> Iterator[tuple[datetime, Interval | None]]:
    """When each row starts, and what it says; None where its value is empty, a gap."""
    rows = csv.reader(lines)
    columns = tuple(cell.strip() for cell in next(rows, []))
    if columns not in _COLUMNS:
        raise _wrong(path, f"has the columns '{','.join(columns)}'", "Columns: start,value or start,value,low,high.")
    before: datetime | None = None
    try:
        for row in rows:
            where = f"has on line {first_line + rows.line_num - 1}"
            if not any(row):
                continue
            if len(row) != len(columns):
                raise _wrong(path, f"{where} {len(row)} cells", f"Columns: {','.join(columns)}.")
            start = _moment(path, where, row[0])
            if before is not None and start <= before:
                raise _wrong(
                    path, f"{where} a start that is not after the one before", "Sort the rows; keep one of each."
                )
            before = start
            yield start, _interval(path, where, start, row[1:]) if row[1].strip() else None
    except csv.Error as error:
        raise _wrong(path, f"is no table: {error}", "Write comma-separated values.") from error


def _moment(path: Path, where: str, cell: str) -> datetime:
    try:
        moment = datetime.fromisoformat(cell.strip())
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _wrong(path, f"{where} the start '{cell}', no date with a time zone", "Write it as 2026-01-31T12:00:00Z.")


def _interval(path: Path, where: str, start: datetime, cells: Sequence[str]) -> Interval:
    figures: list[float | None] = []
    for cell in cells:
        try:
            figure = float(cell) if cell.strip() else None
        except ValueError:
            figure = math.nan
        if figure is not None and not (math.isfinite(figure) and figure > 0):
            raise _wrong(
                path, f"{where} '{cell}'", "Give finite numbers above zero; leave the value out where it is unknown."
            )
        figures.append(figure)
    value, low, high = (*figures, None, None)[:3]
    if (low is None) != (high is None):
        raise _wrong(path, f"{where} one bound", "Give low and high, or neither.")
    if value is None or not (low or value) <= value <= (high or value):
        raise _wrong(path, f"{where} a value outside its bounds", "Correct the row: low <= value <= high.")
    return Interval(start, value, low, high)
