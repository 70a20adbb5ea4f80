# SPDX-License-Identifier: Apache-2.0
"""Traffic of an application, from access logs or tables, into the store: a day that is imported again is replaced."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from lichen.collect.entities import segment
from lichen.collect.traffic import DayRow, JourneyRule, LogReport, Pages
from lichen.collect.traffic.logs import COMBINED, Rules, looks_like_log, read_logs
from lichen.collect.traffic.robots import Robots
from lichen.collect.traffic.tables import read_tables
from lichen.config.traffic import UTC_NAME
from lichen.errors import UsageError
from lichen.service.context import existing_ledger
from lichen.service.importing_ledger import keep_traffic
from lichen.service.importing_tables import Imported, check_name, opened, resolve, source_name, tell, unknown
from lichen.service.progress import Progress, Silent
from lichen.service.workspace import Workspace
from lichen.store.queries import imports
from lichen.store.queries.imports import About

_PATHS_SHOWN: Final = 10
_MIB: Final = 20
"""Bits of a number of bytes below its MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficOrder:
    """What to import.

    Attributes:
        application: its code.
        source: name under which the rows are kept; None: that of the format.
        create: make the application when there is none.
        dry_run: count, and write nothing.
    """

    paths: Sequence[Path]
    application: str
    source: str | None = None
    create: bool = False
    dry_run: bool = False


def import_traffic(
    workspace: Workspace, order: TrafficOrder, *, now: datetime | None = None, progress: Progress | None = None
) -> Imported:
    """Counts visits and page views and keeps them, all or nothing.

    Args:
        progress: told how much of the logs is read.
        now: the present moment; what lies more than a day after it is refused.

    Raises:
        StorageError: a file cannot be read, is of no known format, or holds a day to come; the ledger is away.
        UsageError: the application does not exist, or logs and tables are mixed.
    """
    moment = now or datetime.now(UTC)
    with opened(workspace, dry_run=order.dry_run) as store:
        with store.reading() as session:
            known = imports.application_ids(session, [order.application])
            if not known and not order.create:
                raise unknown([order.application], imports.application_ids(session))
        source, rows, details = _read(workspace, order.paths, moment, progress or Silent())
        if not rows:
            raise _nothing(order.paths[0], details)
        first, last = min(row.day for row in rows), max(row.day for row in rows)
        found = Imported(
            kind="traffic",
            source=source if order.source is None else source_name(order.source, "traffic", order.paths[0]),
            rows=len(rows),
            applications=1,
            first=first,
            last=last,
            dry_run=order.dry_run,
            details={**details, **_sums(rows)},
        )
        if order.dry_run:
            return found
        ledger = existing_ledger(workspace.settings)
        with store.session() as session:
            ids, made = resolve(session, [order.application], create=order.create)
            application = ids[order.application]
            names = {row.journey: segment(row.journey) for row in rows if row.journey is not None}
            for name in names.values():
                check_name(name, "The name of a journey")
            journeys = imports.journey_ids(session, application, sorted(set(names.values())))
            written = imports.replace_traffic(
                session, application, found.source,
                [_columns(row, None if row.journey is None else journeys[names[row.journey]]) for row in rows],
                about=_about(rows, details),
            )  # fmt: skip
            tell(session, found, application)
            if ledger is not None:
                keep_traffic(
                    ledger, session, application=order.application, source=found.source, first=first, last=last
                )  # fmt: skip
        return replace(found, written=replace(written, made=made))


def _nothing(path: Path, details: dict[str, Any]) -> UsageError:
    if details["unmatched"]:
        return UsageError(
            f"No page of {path} belongs to a journey.",
            repair="Declare journeys by their paths: [[traffic.journey]] in lichen.toml.",
            culprit=str(path),
        )
    return UsageError(f"{path} has no line below its headings.", repair="Fill it in.", culprit=str(path))


def _about(rows: Sequence[DayRow], details: dict[str, Any]) -> About:
    """A log tells of everything; a table of what is in it, so that two tables of one source may tell one kind each."""
    kinds = {row.journey is None for row in rows}
    if "lines" in details or len(kinds) > 1:
        return "both"
    return "application" if kinds == {True} else "journeys"


def _columns(row: DayRow, journey_id: str | None) -> dict[str, Any]:
    return {
        "journey_id": journey_id, "day": row.day, "visits": row.visits, "page_views": row.page_views, "users": row.users,
    }  # fmt: skip


def _read(
    workspace: Workspace, paths: Sequence[Path], now: datetime, progress: Progress
) -> tuple[str, tuple[DayRow, ...], dict[str, Any]]:
    """Source, rows, and what else there is to tell."""
    settings = workspace.settings.traffic
    pages = Pages(
        [
            JourneyRule(name=rule.name, paths=rule.paths, start=rule.start)
            for rule in workspace.settings.traffic_journeys
        ],
        settings.ignore,
    )
    formats = {path: looks_like_log(path) for path in paths}
    logs = {name for name in formats.values() if name is not None}
    if None in formats.values():
        if logs:
            table = next(path for path, name in formats.items() if name is None)
            raise UsageError(
                f"{table} is no access log, and the others are.",
                repair="Import logs and tables apart.",
                culprit=str(table),
            )
        traffic = read_tables(paths, pages, now.date())
        return traffic.source, traffic.rows, {"unmatched": traffic.unmatched, "unknown_visits": traffic.unknown_visits}
    rules = Rules(
        pages=pages,
        robots=Robots(settings.robots),
        zone=zone(settings.day_zone),
        now=math.floor(now.timestamp()),
        session_s=math.ceil(settings.session_minutes * 60),
        heard=_Heard(paths, progress),
    )
    progress.phase(", ".join(path.name for path in paths))
    try:
        rows, report = read_logs(paths, rules)
    finally:
        progress.close()
    return (
        COMBINED if len(logs) > 1 else logs.pop(),
        rows,
        {
            "lines": report.lines, "page_views": report.pages, "robots": report.robots, "other": report.other,
            "malformed": report.malformed, "malformed_at": report.examples, "late": report.late,
            "without_agent": report.without_agent, "day_zone": settings.day_zone, "outside": _outside(report),
        },
    )  # fmt: skip


class _Heard:
    """Tells how many MiB of all files are read."""

    def __init__(self, paths: Sequence[Path], progress: Progress) -> None:
        self._total = sum(path.stat().st_size for path in paths)
        self._read = 0
        self._progress = progress

    def __call__(self, read: int) -> None:
        self._read += read
        self._progress.sample("", self._read >> _MIB, max(1, self._total >> _MIB), None)


def _outside(report: LogReport) -> list[dict[str, Any]]:
    """The paths with most page views outside any journey: those that a journey may lack."""
    most = sorted(report.outside.items(), key=lambda item: (-item[1], item[0]))[:_PATHS_SHOWN]
    return [{"path": path.decode("utf-8", "replace"), "page_views": views} for path, views in most]


def zone(name: str) -> tzinfo:
    """A time zone that the settings have checked."""
    return UTC if name == UTC_NAME else ZoneInfo(name)


def _sums(rows: Sequence[DayRow]) -> dict[str, Any]:
    """Visits and page views of the application and of each journey; None where a day is unknown."""
    found: dict[str | None, tuple[float | None, float | None]] = {}
    for row in rows:
        visits, views = found.get(row.journey, (0.0, 0.0))
        found[row.journey] = (_plus(visits, row.visits), _plus(views, row.page_views))
    return {
        "traffic": [{"journey": name, "visits": visits, "page_views": views} for name, (visits, views) in found.items()]
    }


def _plus(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first + second
