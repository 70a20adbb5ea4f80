# SPDX-License-Identifier: Apache-2.0
"""What is set: the organisation, weights, targets, public links, as far as whoever looks may see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from lichen.service.board import lists
from lichen.service.board.queries import EVERYTHING, Visibility
from lichen.service.board.reading import Look
from lichen.service.board.rows import Frame
from lichen.service.board.shapes import Named, Page
from lichen.service.context import ServiceContext
from lichen.store.queries import board as queries
from lichen.store.queries import declared
from lichen.store.queries.board import AppFact

ROWS: Final = 6
"""Of each list on a page, which has several."""
TEAMS: Final = 18
"""On a page."""
Rights = Callable[[str | None], bool]
"""Whether whoever looks may change what a team set, by the team's id; None is what belongs to no team."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationFacts:
    """The organisation, as `lichen.service.declaring.OrganisationChange` sets it."""

    name: str
    currency: str
    lang: str
    internal_carbon_price: Decimal | None
    base_year: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightRow:
    """An application's weight of today and why."""

    application: Named
    weight: float
    reason: str
    valid_from: date


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedTarget:
    """A target as somebody stated it. base_value: in ``unit`` a year; None: as computed. mine: whoever looks may change it."""

    target_id: str
    scope: str
    named: Named
    indicator: str
    unit: str
    base_year: int
    base_value: float | None
    horizon_year: int
    reduction: float
    valid_from: date
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicLink:
    """A public page and its key, which only those see who may end it."""

    application: Named
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsView:
    """The page of settings.

    Attributes:
        page: of the longest list; the others are turned with it.
        weights, targets, links, teams: of what is seen; links of what whoever looks administers.
        indicators: name and unit of those that may have a target.
        may_organise: whoever looks may change the organisation; may_change: something of a team at least.
    """

    frame: Frame
    organisation: OrganisationFacts
    page: Page
    weights: tuple[WeightRow, ...]
    targets: tuple[StatedTarget, ...]
    links: tuple[PublicLink, ...]
    teams: tuple[Named, ...]
    indicators: tuple[tuple[str, str], ...]
    may_organise: bool
    may_change: bool


def settings(context: ServiceContext, seen: Visibility = EVERYTHING, *, rights: Rights, page: int = 1) -> SettingsView:
    """The page of settings."""
    with context.store.reading() as session:
        look = Look(context, session, seen)
        row = look.organisation
        mine = [one for one in look.applications if rights(one.team_id)]
        teams = [lists.named(team) for team in look.teams.values() if seen.teams is None or team.id in seen.teams]
        links = [
            PublicLink(application=lists.named(one), key=str(one.public_key))
            for one in declared.published(session, [one.id for one in mine])
        ]
        listed: list[tuple[int, Sequence[Any]]] = [
            (ROWS, _weights(look)),
            (ROWS, _targets(look, rights)),
            (ROWS, links),
            (TEAMS, sorted(teams, key=lambda one: one.name)),
        ]
        weights, targets, links, teams = ([*lists.page_of(page, size, rows)[1]] for size, rows in listed)
        nomenclature = context.workspace.nomenclature
        terms = [nomenclature.indicator(name) for name in look.method.indicators]
        return SettingsView(
            frame=look.frame(),
            organisation=OrganisationFacts(
                name=row.name if row else "", currency=look.currency, lang=row.lang if row else context.settings.lang,
                internal_carbon_price=row.internal_carbon_price if row else None, base_year=row.base_year if row else None,
            ),
            page=_longest(page, listed),
            weights=tuple(weights),
            targets=tuple(targets),
            links=tuple(links),
            teams=tuple(teams),
            indicators=tuple((one.name, one.unit) for one in terms if one.additive),
            may_organise=rights(None),
            may_change=bool(mine) or rights(None),
        )  # fmt: skip


def _longest(number: int, listed: Sequence[tuple[int, Sequence[Any]]]) -> Page:
    """Of several lists, the page of the one that has the most pages."""
    pages = [Page(number=number, size=size, rows=len(rows)) for size, rows in listed]
    return max(pages, key=lambda page: page.pages)


def _weights(look: Look) -> list[WeightRow]:
    """Weights other than 1, the largest first."""
    facts: dict[str, AppFact] = {one.id: one for one in look.applications}
    found = []
    for application_id, rows in queries.weights(look.session, list(facts)).items():
        started = [row for row in rows if row.valid_from <= look.today]
        newest = max(started, key=lambda row: row.valid_from, default=None)
        if newest is not None and newest.weight != 1:
            found.append(
                WeightRow(
                    application=lists.named(facts[application_id]), weight=newest.weight, reason=newest.reason,
                    valid_from=newest.valid_from,
                )
            )  # fmt: skip
    return sorted(found, key=lambda row: (-row.weight, row.application.name))


def _targets(look: Look, rights: Rights) -> list[StatedTarget]:
    """Targets that hold or will, of what is seen; of one thing and indicator the newest alone."""
    facts = {one.id: one for one in look.applications}
    nomenclature = look.context.workspace.nomenclature
    found: dict[tuple[str, str | None, str], StatedTarget] = {}
    for row in declared.targets(look.session):
        key = row.scope, row.scope_id, row.indicator
        if row.scope == "organisation":
            named, team_id = Named(code="", name=look.organisation.name if look.organisation else ""), None
        elif row.scope == "team":
            team = look.team(row.scope_id)
            if team is None or (look.seen.teams is not None and row.scope_id not in look.seen.teams):
                continue
            named, team_id = team, row.scope_id
        else:
            fact = facts.get(row.scope_id or "")
            if fact is None:
                continue
            named, team_id = lists.named(fact), fact.team_id
        known = row.indicator in nomenclature.names("indicator")
        unit = nomenclature.indicator(row.indicator).unit if known else ""
        found.setdefault(
            key,
            StatedTarget(
                target_id=row.id, scope=row.scope, named=named, indicator=row.indicator, unit=unit, base_year=row.base_year,
                base_value=row.base_value, horizon_year=row.horizon_year, reduction=row.reduction, valid_from=row.valid_from,
                mine=rights(team_id),
            ),
        )  # fmt: skip
    return list(found.values())
