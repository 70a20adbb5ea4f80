# SPDX-License-Identifier: Apache-2.0
"""What may be asked of the board, and who sees what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from lichen.errors import UsageError

PAGE_ROWS: Final = 25
SORTS: Final = (
    "gwp100", "name", "team", "visits", "cost", "value", "roi", "per_visit", "per_euro", "trend", "gap", "weighted",
)  # fmt: skip
"""What the portfolio is sorted by; the first is what it is sorted by when nobody says."""
MEASURED: Final = ("yes", "no")
UNALLOCATED: Final = "unallocated"
"""The team of applications that no team has, in filters."""

Direction = Literal["asc", "desc"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visibility:
    """Whose applications somebody sees.

    Attributes:
        teams: ids of teams; None: everything, unallocated costs and applications included.
        applications: ids of applications seen besides, for a token or link of one application.
    """

    teams: frozenset[str] | None = None
    applications: frozenset[str] = field(default_factory=frozenset)

    def sees(self, team_id: str | None, application_id: str) -> bool:
        """Whether an application is seen."""
        return (
            self.teams is None or (team_id is not None and team_id in self.teams) or application_id in self.applications
        )


EVERYTHING: Final = Visibility()


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioQuery:
    """The address of the portfolio page, read.

    Attributes:
        period: ``2026-10`` or ``2026``; None: the newest month that has traffic or runs.
        team, domain, criticality, measured: filters; several values of one are alternatives. Team codes, or `UNALLOCATED`.
        search: part of a code, name or tag, in any case.
        sort: one of `SORTS`; direction: None is the way that makes sense first (names rise, figures fall).
        page: from 1.
        indicator: what the figures are of.
    """

    period: str | None = None
    team: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    criticality: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()
    search: str = ""
    sort: str = SORTS[0]
    direction: Direction | None = None
    page: int = 1
    indicator: str = "gwp100"

    def __post_init__(self) -> None:
        if self.sort not in SORTS:
            raise UsageError(
                f"The portfolio cannot be sorted by '{self.sort}'.", repair=f"Use {', '.join(SORTS)}.", culprit="sort"
            )
        if self.page < 1:
            raise UsageError(f"There is no page {self.page}.", repair="Pages count from 1.", culprit="page")
        for value in self.measured:
            if value not in MEASURED:
                raise UsageError(f"measured is '{value}'.", repair="Use yes or no.", culprit="measured")

    @property
    def falling(self) -> bool:
        """Whether the largest comes first."""
        return self.sort not in ("name", "team") if self.direction is None else self.direction == "desc"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesQuery:
    """A curve: of what, from when to when.

    Attributes:
        level: organisation, team, application or journey; ref: code (``application/journey`` for a journey), empty for the
            organisation.
        indicator: of the nomenclature, or visits, cost, value.
        granularity: month or run.
        first, last: ``2026-01`` months, both included; None: the last 13.
    """

    level: str = "organisation"
    ref: str = ""
    indicator: str = "gwp100"
    granularity: str = "month"
    first: str | None = None
    last: str | None = None
    per: Literal["total", "visit"] = "total"
