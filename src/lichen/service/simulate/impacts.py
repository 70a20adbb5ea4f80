# SPDX-License-Identifier: Apache-2.0
"""The footprint of ways of hosting, through the one computing path: uses become activities, the method does the rest.

All ways are evaluated at once: a factor that two of them share is drawn once for both, so that their difference is known better
than either of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np

from lichen.model import uncertainty
from lichen.model.results import Computed, Evaluation, add
from lichen.portfolio.scenarios import LEVELS, Level, Offer, Sized
from lichen.records import Activity, AttributeValue, NotCovered
from lichen.service.evaluation import evaluate_activities
from lichen.service.simulate.pricing import Market
from lichen.service.simulate.result import Impact
from lichen.service.workspace import Workspace

INDICATORS: Final = ("gwp100", "energy", "water", "adpe", "pe")
CARBON: Final = "gwp100"

ByLevel = Mapping[Level, Sequence[Activity]]
"""Activities at the low end, as expected and at the high end of what a workload asks for."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a way takes in a month: figures by indicator, and quantities without one, with the reason."""

    impacts: Mapping[str, Impact]
    not_covered: tuple[NotCovered, ...]


@dataclass(frozen=True, slots=True)
class Footprints:
    """By way.

    Attributes:
        carbon: draws of each way's climate figure as expected, shape (draws,): one position is one state of all factors.
        method: id, version and hash of the factors.
    """

    by_way: tuple[Footprint, ...]
    carbon: tuple[np.ndarray | None, ...]
    method: Mapping[str, str]

    def chance(self, way: int, other: int) -> float | None:
        """Share of the draws in which one way emits less than another; None when one is unknown."""
        mine, theirs = self.carbon[way], self.carbon[other]
        return None if mine is None or theirs is None else float(np.mean(mine < theirs))


def activities(workspace: Workspace, sized: Sized, offer: Offer, market: Market) -> list[Activity]:
    """The activities of a month of a way of hosting, each use an entity of its own."""
    found = []
    for number, use in enumerate(sized.uses):
        platform = use.platform or _platform(use.service, offer, market)
        attributes: dict[str, AttributeValue] = {
            "tier": "server", "basis": "total", "region": f"{offer.provider}:{offer.region}", "platform": platform,
            **use.attributes,
        }  # fmt: skip
        entity = f"{_thing(use.service or use.platform, number, use.quantity)}"
        found.append(
            Activity(
                entity=entity,
                quantity=use.quantity,
                value=use.value,
                unit=workspace.nomenclature.quantity(use.quantity).unit,
                method="modelled",
                attributes=attributes,
            )
        )
    return found


def _thing(name: str, number: int, quantity: str) -> str:
    """An entity for what belongs together: CPU, memory and machine of one thing; a store by itself."""
    apart = quantity in ("storage_byte_seconds", "network_bytes", "requests")
    return f"{name}.{number}" if apart else name


def _platform(service: str, offer: Offer, market: Market) -> str:
    found = market.price(service, offer.provider, offer.region)
    return found.key if found is not None and found.key else offer.provider


def evaluate_ways(
    workspace: Workspace, ways: Sequence[ByLevel], context: Mapping[str, Any], on: date | None
) -> Footprints:
    """The footprints of ways.

    Args:
        ways: activities of each.
        context: facts that hold for all activities.
        on: day whose factors are used; None: the latest.
    """
    method = workspace.method(workspace.settings.method.use)
    rows = [
        _placed(activity, number, level)
        for number, way in enumerate(ways)
        for level in LEVELS
        if level == "value" or way[level] != way["value"]
        for activity in way[level]
    ]
    evaluation = evaluate_activities(workspace, method, rows, context, on=on)
    computed: dict[tuple[int, Level, str], list[Computed]] = {}
    for one in evaluation.computed:
        if one.impact.accounting == method.accounting:
            number, level = _place(one.impact.entity)
            computed.setdefault((number, level, one.impact.indicator), []).append(one)
    found = [_footprint(number, computed, evaluation) for number in range(len(ways))]
    drawn = [_draws(computed.get((number, "value", CARBON))) for number in range(len(ways))]
    told = {"id": method.method_id, "version": method.version, "factors_hash": evaluation.factors_hash}
    return Footprints(tuple(found), tuple(drawn), told)


def _placed(activity: Activity, number: int, level: Level) -> Activity:
    return Activity(
        entity=f"{number}.{level}/{activity.entity}", quantity=activity.quantity, value=activity.value, unit=activity.unit,
        method=activity.method, attributes=activity.attributes,
    )  # fmt: skip


def _place(entity: str) -> tuple[int, Level]:
    number, _, level = entity.partition("/")[0].partition(".")
    return int(number), next(one for one in LEVELS if one == level)


def _draws(rows: Sequence[Computed] | None) -> np.ndarray | None:
    return None if not rows else add(rows)[1]


def _footprint(
    number: int, computed: Mapping[tuple[int, Level, str], Sequence[Computed]], evaluation: Evaluation
) -> Footprint:
    impacts = {}
    for indicator in INDICATORS:
        rows = computed.get((number, "value", indicator))
        if not rows:
            continue
        ends = [_bounds(computed.get((number, level, indicator)) or rows) for level in LEVELS]
        phases = {
            phase: sum(one.impact.value for one in rows if one.impact.phase == phase) for phase in ("use", "embodied")
        }
        value = add(rows)[0]
        impacts[indicator] = Impact(
            indicator=indicator, unit=rows[0].impact.unit, value=value, low=min(low for low, _ in ends),
            high=max(high for _, high in ends), use=phases["use"], embodied=phases["embodied"],
        )  # fmt: skip
    lacking = {
        (one.quantity, one.reason): one for one in evaluation.not_covered if one.entity.startswith(f"{number}.value/")
    }
    return Footprint(impacts, tuple(lacking.values()))


def _bounds(rows: Sequence[Computed]) -> tuple[float, float]:
    value, draws, _ = add(rows)
    return uncertainty.enclosing(value, *uncertainty.bounds(draws))
