# SPDX-License-Identifier: Apache-2.0
"""Why a figure of a bill and the provider's own differ, as codes; sentences are in the catalogues."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ALIKE: Final = 0.1
"""Difference from the provider's figure [1] below which no reason is looked for."""
WHOLE: Final = 0.95
"""Coverage by cost from which what is not estimated explains nothing."""


class Reason(StrEnum):
    """Why two figures differ, or are not held against each other."""

    NO_EXPORT = "no_export"
    """Nothing of this provider was imported."""
    NOT_PUBLISHED = "not_published"
    """The provider's figures of the month are not there: they follow weeks later."""
    SERVICE_NAMES = "service_names"
    """The other side has a service in this account, region and month that this side lacks: names may differ."""
    ONLY_OURS = "only_ours"
    """The provider tells nothing of it."""
    ONLY_THEIRS = "only_theirs"
    """The bill has no line of it."""
    NOT_ESTIMATED = "not_estimated"
    """A part of the cost, or all of it, has no physical quantity."""
    MARKET_ONLY = "market_only"
    """The provider tells electricity by contracts alone: not compared."""
    ACCOUNTING_UNKNOWN = "accounting_unknown"
    """The provider does not say how electricity is counted: not compared."""
    SCOPES_SUMMED = "scopes_summed"
    """The figure is the sum of some scopes: not compared."""
    ROUNDED = "rounded"
    """The provider's figure is zero: small ones are rounded away."""
    IDLE_OVERHEAD = "idle_overhead"
    """The provider spreads idle capacity and shared services over its customers."""
    LIFE_CYCLE = "life_cycle"
    """The method counts electricity from its fuels to the plug; scope 2 is what power plants emit."""
    OTHER_LOAD = "other_load"
    """The provider knows loads, machines and their power; a method assumes them."""
    BOUNDARY = "boundary"
    """Scope 3 holds more than machines: buildings, transport, fuels before they are burnt, staff."""
    TWO_SOURCES = "two_sources"
    """Two imports tell of the same: one counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What reasons are found from.

    Attributes:
        ours, theirs: whether a side tells anything.
        estimated: whether we have a figure.
        values: the provider's figures by (scope, accounting).
        ratios: of what was compared: use, making, total.
        zero: whether one of the provider's compared figures is zero.
        counterpart: whether the other side has something unmatched in the same account, region and month.
        exported, published: whether anything of the provider is there, and anything of the month.
        life_cycle: whether the method's electricity is of the whole life cycle.
    """

    ours: bool
    theirs: bool
    estimated: bool
    coverage: float | None
    values: Mapping[tuple[str, str], float]
    ratios: tuple[float | None, float | None, float | None]
    zero: bool
    counterpart: bool
    exported: bool
    published: bool
    twice: bool
    life_cycle: bool


def reasons(sides: Sides) -> tuple[Reason, ...]:
    """Why two figures differ, the plainest reason first; none where they agree."""
    return tuple(dict.fromkeys(_found(sides)))


def _found(sides: Sides) -> Iterator[Reason]:
    if not sides.theirs:
        yield (
            Reason.NO_EXPORT if not sides.exported else Reason.ONLY_OURS if sides.published else Reason.NOT_PUBLISHED
        )
    if not sides.ours:
        yield Reason.ONLY_THEIRS
    if sides.counterpart and not (sides.ours and sides.theirs):
        yield Reason.SERVICE_NAMES
    if sides.ours and (not sides.estimated or (sides.coverage is not None and sides.coverage < WHOLE)):
        yield Reason.NOT_ESTIMATED
    if sides.theirs:
        yield from _not_compared(sides.values)
    if sides.zero:
        yield Reason.ROUNDED
    yield from _compared(*sides.ratios, life_cycle=sides.life_cycle)
    if sides.twice:
        yield Reason.TWO_SOURCES


def _not_compared(values: Mapping[tuple[str, str], float]) -> Iterator[Reason]:
    if any(accounting == "location" and scope in ("2", "total") for scope, accounting in values):
        return
    if any(not scope for scope, _ in values):
        yield Reason.SCOPES_SUMMED
    electric = {accounting for scope, accounting in values if scope in ("2", "total")}
    if "market" in electric:
        yield Reason.MARKET_ONLY
    if "" in electric:
        yield Reason.ACCOUNTING_UNKNOWN


def _compared(use: float | None, making: float | None, total: float | None, *, life_cycle: bool) -> Iterator[Reason]:
    if life_cycle and use is not None and use > 1 + ALIKE:
        yield Reason.LIFE_CYCLE
    for ratio in (use, total):
        if ratio is not None and ratio < 1 - ALIKE:
            yield Reason.IDLE_OVERHEAD
        if ratio is not None and ratio > 1 + ALIKE:
            yield Reason.OTHER_LOAD
    if any(ratio is not None and abs(ratio - 1) > ALIKE for ratio in (making, total)):
        yield Reason.BOUNDARY
