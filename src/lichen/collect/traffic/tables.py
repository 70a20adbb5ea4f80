# SPDX-License-Identifier: Apache-2.0
"""Traffic that somebody has counted: exports of Matomo, in English or French or with its own names, and plain tables.

Names: https://developer.matomo.org/api-reference/metadata, and ``Column...`` in ``lang/en.json`` and ``lang/fr.json`` of
https://github.com/matomo-org/matomo.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from lichen.collect.declared.table import Column, Row, header_of, plain, read_table
from lichen.collect.traffic.counted import DayRow, Pages

MATOMO: Final = "matomo"
TABLE: Final = "csv"
_MOST: Final = 1e12
_MATOMOS: Final = frozenset(
    {"nbvisits", "nbactions", "nbuniqvisitors", "nbhits", "uniquevisitors", "visiteursuniques", "uniquepageviews"}
    | {"vuesdepageuniques", "vuesuniques"}
)

COLUMNS: Final = (
    Column(name="day", others=("date", "jour"), required=True),
    Column(name="journey", others=("parcours",)),
    Column(name="page", others=("label", "url", "page url", "URL de la page", "libellé", "nom")),
    Column(
        name="visits",
        others=("nb_visits", "visites", "nombre de visites", "unique pageviews", "vues de page uniques", "vues uniques"),
    ),
    Column(
        name="page_views",
        others=(
            "nb_pageviews", "nb_hits", "pageviews", "pages vues", "vues de page", "vues de pages", "vues de la page",
            "affichages de page", "vues", "total pageviews", "total des pages vues",
        ),
    ),
    Column(name="unique_visitors", others=("nb_uniq_visitors", "visiteurs uniques")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TableTraffic:
    """Rows of a table.

    Attributes:
        source: `MATOMO` or `TABLE`.
        unmatched: page rows that belong to no journey.
        unknown_visits: days of journeys whose visits the pages cannot tell, since several of them begin it.
    """

    source: str
    rows: tuple[DayRow, ...]
    unmatched: int = 0
    unknown_visits: int = 0


def read_tables(paths: Sequence[Path], pages: Pages, today: date) -> TableTraffic:
    """Traffic of tables, one row for each day and journey (none: the whole application).

    Args:
        pages: to which journeys pages belong, for a table by page.

    Raises:
        StorageError: a line is wrong, with its number; a day stands twice.
    """
    rows = [row for path in paths for row in read_table(path, COLUMNS, "a table of traffic")]
    headings = {heading for path in paths for heading in header_of(path)}
    source = MATOMO if headings & _MATOMOS else TABLE
    if not ({plain(name) for name in ("page", *_names("page"))} & headings):
        return TableTraffic(source, _days(rows, today))
    return _by_page(source, rows, pages, today)


def _names(name: str) -> tuple[str, ...]:
    return next(column.others for column in COLUMNS if column.name == name)


def _days(rows: Iterable[Row], today: date) -> tuple[DayRow, ...]:
    seen: dict[tuple[date, str | None], int] = {}
    found = []
    for row in rows:
        one = _day(row, today)
        before = seen.setdefault((one.day, one.journey), row.line)
        if before != row.line:
            row.refuse(f"{one.day} stands in line {before} already", "Keep one line for each day and journey.")
        found.append(one)
    return tuple(sorted(found, key=lambda one: (one.day, one.journey or "")))


def _day(row: Row, today: date) -> DayRow:
    day = _date(row, today)
    found = DayRow(
        day=day,
        journey=row.text("journey"),
        visits=row.number("visits", largest=_MOST),
        page_views=row.number("page_views", largest=_MOST),
        users=row.number("unique_visitors", largest=_MOST),
    )
    if found.visits is None and found.page_views is None:
        row.refuse("There are neither visits nor page views", "Fill one of them in, or remove the line.")
    return found


def _date(row: Row, today: date) -> date:
    day = row.day("day")
    if day is None:
        row.refuse("day is empty", "Write it as 2026-03-31.")
    if day > today + timedelta(days=1):
        row.refuse(f"day is {day}, which is to come", "Import what has happened.")
    return day


def _by_page(source: str, rows: Iterable[Row], pages: Pages, today: date) -> TableTraffic:
    """Journeys of a report by page: the views of its pages, and the visits that saw the page that begins it.

    Visits of several pages cannot be added, since one visit sees several: they are unknown then.
    """
    views: dict[tuple[date, int], list[float | None]] = defaultdict(list)
    begun: dict[tuple[date, int], list[float | None]] = defaultdict(list)
    unmatched = 0
    days: set[date] = set()
    for row in rows:
        day = _date(row, today)
        days.add(day)
        belongs = pages.of(_path(row.needed("page")).encode())
        mask, begins = belongs or (0, 0)
        unmatched += not mask
        for bit in range(len(pages.journeys)):
            if mask >> bit & 1:
                views[day, bit].append(row.number("page_views", largest=_MOST))
            if begins >> bit & 1:
                begun[day, bit].append(row.number("visits", largest=_MOST))
    found, unknown = [], 0
    for day in sorted(days):
        for bit, rule in enumerate(pages.journeys):
            visits = begun[day, bit]
            unknown += len(visits) > 1
            found.append(
                DayRow(
                    day=day,
                    journey=rule.name,
                    visits=(visits[0] if visits else 0.0) if len(visits) <= 1 else None,
                    page_views=_sum(views[day, bit]),
                )
            )
    return TableTraffic(source, tuple(found), unmatched, unknown)


def _path(page: str) -> str:
    """Path of a page, which a report may give with its host or without the first slash."""
    path = urlsplit(page).path if "://" in page else page
    return path if path.startswith("/") else f"/{path}"


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if len(known) == len(values) else None
