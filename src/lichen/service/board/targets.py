# SPDX-License-Identifier: Apache-2.0
"""Targets: the organisation's first, then teams and applications, those farthest above their path first."""

from __future__ import annotations

from lichen.service.board import lists
from lichen.service.board.aims import Aims
from lichen.service.board.queries import EVERYTHING, PAGE_ROWS, Visibility
from lichen.service.board.reading import HEADLINE, Look
from lichen.service.board.rows import TargetRow
from lichen.service.board.shapes import Named
from lichen.service.board.views import TargetsView
from lichen.service.context import ServiceContext


def targets(
    context: ServiceContext,
    seen: Visibility = EVERYTHING,
    *,
    period: str | None = None,
    indicator: str = HEADLINE,
    page: int = 1,
) -> TargetsView:
    """The page of targets. The organisation's own is shown to whoever sees everything.

    Raises:
        UsageError: a period or indicator that does not exist.
    """
    with context.store.reading() as session:
        look = Look(context, session, seen, period, indicator)
        aims = Aims(look)
        organisation = look.organisation.name if look.organisation else ""
        whole = _row(aims, "organisation", "", Named(code="", name=organisation)) if seen.teams is None else None
        teams = [
            row
            for one in look.teams.values()
            if (seen.teams is None or one.id in seen.teams)
            and (row := _row(aims, "team", one.id, Named(code=one.code, name=one.name))) is not None
        ]
        listed = [(one, gap) for one in look.living if (gap := aims.gap("application", one.id)) is not None]
        listed.sort(key=lambda pair: (pair[1].gap is None, -(pair[1].gap or 0.0), pair[0].name))
        pages, shown = lists.page_of(page, PAGE_ROWS, listed)
        rows = [_row(aims, "application", one.id, lists.named(one)) for one, _ in shown]
        return TargetsView(
            frame=look.frame(),
            indicator=look.indicator,
            organisation=whole,
            teams=tuple(sorted(teams, key=lambda row: (row.gap.gap is None, -(row.gap.gap or 0.0), row.named.name))),
            applications=tuple(row for row in rows if row is not None),
            page=pages,
        )


def _row(aims: Aims, scope: str, ref: str, named: Named) -> TargetRow | None:
    gap = aims.gap(scope, ref)
    if gap is None:
        return None
    planned, actual = aims.curves(scope, ref)
    return TargetRow(scope=scope, named=named, gap=gap, planned=planned, actual=actual)
