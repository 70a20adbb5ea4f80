# SPDX-License-Identifier: Apache-2.0
"""Builds digests of a week: of teams, applications, the organisation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import Final, NamedTuple

from lichen.config.names import nearest
from lichen.errors import UsageError
from lichen.portfolio.measure_next import STALE_AFTER_DAYS
from lichen.portfolio.money import add
from lichen.service.board import periods
from lichen.service.board.queries import UNALLOCATED
from lichen.service.context import ServiceContext
from lichen.service.digest import weeks
from lichen.service.digest.book import Book
from lichen.service.digest.model import (
    Change,
    CostLine,
    Digest,
    Line,
    Quality,
    Scope,
    Suggestion,
    TargetLine,
    Verdict,
)
from lichen.service.digest.moves import SHOWN, STILL, moves
from lichen.service.digest.weeks import ApplicationWeeks
from lichen.store.queries import board

LINES: Final = 8


class About(NamedTuple):
    """Whose digest: code of a team or an application, empty for the organisation."""

    scope: Scope
    code: str = ""


def build(context: ServiceContext, about: About, week: str | None = None) -> Digest:
    """One digest.

    Args:
        week: ISO week; None: the newest that is over.

    Raises:
        UsageError: there is no such week, team or application.
    """
    return next(build_all(context, [about], week))


def build_all(context: ServiceContext, abouts: Sequence[About], week: str | None = None) -> Iterator[Digest]:
    """Several digests of one week, from one reading of the store.

    Raises:
        UsageError: there is no such week, team or application, or the week is not over.
    """
    today = context.clock().date()
    monday = weeks.over(today) if week is None else weeks.read(week)
    if monday > weeks.over(today):
        raise UsageError(
            f"The week {week} is not over.",
            repair=f"The newest one is {weeks.name_of(weeks.over(today))}.", culprit="week",
        )  # fmt: skip
    with context.store.reading() as session:
        book = Book(context, session, monday)
        for about in abouts:
            yield _Builder(book, about).digest()


class _Builder:
    """One digest under way."""

    def __init__(self, book: Book, about: About) -> None:
        self.book = book
        self.about = about
        self.ref, self.name = self._found()
        team = self.ref if about.scope == "team" else None
        self.facts = [
            one
            for one in book.applications
            if about.scope == "organisation" or one.id == self.ref or (team is not None and one.team_id == team)
        ]
        self.applications = book.of(self.facts)
        self.ids = [one.id for one in self.facts]

    def _found(self) -> tuple[str, str]:
        """Id and name of whose digest it is."""
        look, code = self.book.look, self.about.code
        if self.about.scope == "organisation":
            return "", str(look.organisation.name) if look.organisation else ""
        named = {
            one.code: (one.id, one.name)
            for one in (look.teams.values() if self.about.scope == "team" else self.book.applications)
        }
        if code not in named:
            what, plural = ("team", "Teams") if self.about.scope == "team" else ("application", "Applications")
            repair = nearest(code, list(named)[:20], valid_are=plural) if named else "lichen serve has a form for it."
            raise UsageError(f"There is no {what} '{code}'.", repair=repair, culprit=code)
        return named[code]

    def digest(self) -> Digest:
        """The whole of it."""
        book, monday = self.book, self.book.monday
        change = weeks.change(self.applications, monday)
        found = moves(book, self.applications, change.before or change.now)
        lines = sorted(self._lines(), key=lambda line: (-(line.change.now or 0.0), line.name))
        return Digest(
            scope=self.about.scope, code=self.about.code, name=self.name, week=weeks.name_of(monday), first=monday,
            last=book.sunday, verdict=verdict(change), change=change, weeks=weeks.curve(self.applications, monday),
            moves=tuple(found[:SHOWN]), moves_more=max(0, len(found) - SHOWN), lines=tuple(lines[:LINES]),
            lines_more=max(0, len(lines) - LINES), target=self._target(), cost=self._cost(), quality=self._quality(),
            suggestion=self._suggestion(), deployments=book.deployed(self.ids),
            sample=any(one.code in book.look.sample for one in self.facts),
        )  # fmt: skip

    def _lines(self) -> Iterator[Line]:
        """Teams of the organisation, applications of a team, journeys of an application."""
        monday = self.book.monday
        if self.about.scope == "organisation":
            teams: dict[str | None, list[ApplicationWeeks]] = {}
            for one in self.applications:
                teams.setdefault(one.team_id, []).append(one)
            for ref, members in teams.items():
                team = self.book.look.teams.get(ref or "")
                code, name = (team.code, team.name) if team else (UNALLOCATED, "")
                yield _line(code, name, members, monday)
        elif self.about.scope == "team":
            for one in self.applications:
                yield _line(one.code, one.name, [one], monday)
        else:
            for whole in self.applications:
                for journey in whole.journeys:
                    alone = ApplicationWeeks(
                        whole.application_id, journey.code, journey.name, whole.team_id, [journey], whole.complete
                    )
                    yield _line(journey.code, journey.name, [alone], monday)

    def _target(self) -> TargetLine | None:
        gap = self.book.aims.gap(self.about.scope, self.ref)
        if gap is None:
            return None
        return TargetLine(
            reduction=gap.reduction, base_year=gap.base_year, horizon_year=gap.horizon_year, gap=gap.gap,
            inherited=gap.inherited,
        )  # fmt: skip

    def _cost(self) -> CostLine | None:
        """Cost of the month; None without any, or in several currencies."""
        look = self.book.look
        month = periods.last_month(look.period)
        before = periods.moved(month, -1)
        everything = self.about.scope == "organisation"
        rows = board.costs(look.session, before, month, None if everything else self.ids)
        if any(row.currency != look.currency for row in rows):
            return None
        now, was = (add(row.amount for row in rows if row.period == one) for one in (month, before))
        if not any(row.period == month for row in rows):
            return None
        return CostLine(month=month, amount=now, currency=look.currency, share=float(now / was) - 1 if was else None)

    @cached_property
    def _last_runs(self) -> Mapping[str, date]:
        """When each application was measured last, up to the end of the week."""
        older = board.last_runs(
            self.book.look.session, [one.application_id for one in self.applications if one.last_run is None]
        )
        found = {ref: at.date() for ref, at in older.items() if at.date() <= self.book.sunday}
        return found | {one.application_id: one.last_run for one in self.applications if one.last_run is not None}

    @property
    def _stale_before(self) -> date:
        return self.book.sunday - timedelta(days=STALE_AFTER_DAYS)

    def _quality(self) -> Quality:
        days = self._last_runs.values()
        return Quality(
            applications=len(self.applications), measured=len(days), stale=sum(day < self._stale_before for day in days),
            without_traffic=sum(self.book.monday not in one.complete for one in self.applications),
            estimated=self.book.estimated(self.about.scope, self.ref),
        )  # fmt: skip

    def _suggestion(self) -> Suggestion | None:
        """The application with most visits among those never measured, else among those measured too long ago."""
        last, monday = self._last_runs, self.book.monday
        never = [one for one in self.applications if one.application_id not in last]
        stale = [one for one in self.applications if last.get(one.application_id, monday) < self._stale_before]
        listed = never or stale
        if not listed:
            return None
        best = max(listed, key=lambda one: (one.visits(monday) or 0.0, one.name))
        return Suggestion(
            code=best.code, name=best.name, visits=best.visits(monday), last_run=last.get(best.application_id)
        )


def _line(code: str, name: str, members: Sequence[ApplicationWeeks], monday: date) -> Line:
    return Line(code=code, name=name, change=weeks.change(members, monday), weeks=weeks.curve(members, monday))


def verdict(change: Change) -> Verdict:
    """A change in one word.

    >>> verdict(Change(now=110.0, before=100.0, share=0.1, volume=0.08, intensity=0.02))
    'busier'
    """
    if change.share is None:
        return "unknown"
    if abs(change.share) < STILL:
        return "steady"
    if abs(change.intensity or 0.0) >= abs(change.volume or 0.0):
        return "heavier" if change.share > 0 else "lighter"
    return "busier" if change.share > 0 else "quieter"
