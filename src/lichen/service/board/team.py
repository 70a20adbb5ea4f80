# SPDX-License-Identifier: Apache-2.0
"""A team: its sums, its applications, its actions."""

from __future__ import annotations

from collections.abc import Sequence

from lichen.service.board import lists, periods
from lichen.service.board.effects import effects
from lichen.service.board.evidence import with_evidence
from lichen.service.board.portfolio import Portfolio
from lichen.service.board.queries import EVERYTHING, Visibility
from lichen.service.board.reading import HEADLINE, Look
from lichen.service.board.rows import ActionRow
from lichen.service.board.shapes import Named, RollOut
from lichen.service.board.views import ActionsView, TeamView
from lichen.service.context import ServiceContext
from lichen.store.queries import board as queries

PAGE_ACTIONS = 25


def team(
    context: ServiceContext,
    code: str,
    seen: Visibility = EVERYTHING,
    *,
    period: str | None = None,
    indicator: str = HEADLINE,
) -> TeamView | None:
    """The page of a team; None when there is none with this code, or it is not seen.

    Raises:
        UsageError: a period or indicator that does not exist.
    """
    with context.store.reading() as session:
        look = Look(context, session, seen, period, indicator)
        found = next((one for one in look.teams.values() if one.code == code), None)
        if found is None or (seen.teams is not None and found.id not in seen.teams):
            return None
        own = [one for one in look.listed if one.team_id == found.id]
        portfolio = Portfolio(look, own)
        ordered = sorted(portfolio.lines, key=lambda line: -(line.value or 0.0))
        totals = portfolio.totals(portfolio.lines)
        by_id = {one.id: one for one in own}
        return TeamView(
            frame=look.frame(),
            team=Named(code=found.code, name=found.name),
            cost_centre=found.cost_centre or "",
            contact=found.contact or "",
            slack_channel=found.slack_channel or "",
            measures=totals.measures,
            trend=totals.trend,
            target=portfolio.aims.gap("team", found.id),
            rows=portfolio.shown(ordered),
            roll_out=RollOut(measured=sum(line.is_measured for line in ordered), total=len(ordered)),
            change=effects(look, list(by_id), periods.before(look.period), look.period),
            actions=with_evidence(
                look, lists.action_rows(look, queries.actions(session, list(by_id))[: lists.SHOWN_ACTIONS], by_id)
            ),
        )


def actions(
    context: ServiceContext,
    seen: Visibility = EVERYTHING,
    *,
    search: str = "",
    status: Sequence[str] = (),
    page: int = 1,
) -> ActionsView:
    """The register of actions, the newest done first.

    What a team did is for every team to find, so that it shows the titles, owners and savings of applications that are not seen
    otherwise; nothing else of them.
    """
    del seen  # every signed-in reader finds every team's actions
    with context.store.reading() as session:
        look = Look(context, session, EVERYTHING)
        by_id = {one.id: one for one in look.applications}
        rows = lists.action_rows(look, queries.actions(session), by_id)
        words = search.casefold().split()
        found = [
            row for row in rows if (not status or row.status in status) and all(word in _text(row) for word in words)
        ]
        found.sort(key=lambda row: (row.done_on is None, -(row.done_on.toordinal() if row.done_on else 0), row.title))
        pages, shown = lists.page_of(page, PAGE_ACTIONS, found)
        return ActionsView(
            frame=look.frame(), rows=with_evidence(look, shown), search=search, status=tuple(status), page=pages
        )


def _text(row: ActionRow) -> str:
    return " ".join(
        (row.application.name, row.application.code, row.title, row.description, row.owner, *row.tags)
    ).casefold()
