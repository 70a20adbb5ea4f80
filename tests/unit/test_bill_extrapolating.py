# SPDX-License-Identifier: Apache-2.0
"""Costs that nothing could be estimated of: taken at the impact per cost of their family, or left unknown."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest

from lichen.collect.bills.meter import Reason
from lichen.portfolio.extrapolating import RUNNING, Estimated, Unestimated, extrapolate

KNOWN: Final = Estimated(
    family="storage",
    currency="EUR",
    cost=Decimal("80.00"),
    indicator="gwp100",
    phase="use",
    value=400.0,
    low=200.0,
    high=800.0,
)
OPEN: Final = Unestimated(family="storage", currency="EUR", reason=Reason.NO_RULE, cost=Decimal("15.00"))


def test_impact_per_cost_of_the_same_family() -> None:
    """400 g for 80 EUR is 5 g/EUR; 15 and 5 EUR are 100 g, a third of the low bound to three times the high one."""
    (one,) = extrapolate([OPEN, replace(OPEN, reason=Reason.NO_QUANTITY, cost=Decimal(5))], [KNOWN])
    assert (one.family, one.currency, one.cost) == ("storage", "EUR", Decimal(20))
    assert (one.value, one.low, one.high) == pytest.approx((100.0, 50.0 / 3, 600.0))


@pytest.mark.parametrize("reason", sorted(set(Reason) - RUNNING))
def test_money_alone_has_no_impact(reason: Reason) -> None:
    assert extrapolate([replace(OPEN, reason=reason)], [KNOWN]) == ()


def test_currencies_and_families_are_kept_apart() -> None:
    assert extrapolate([replace(OPEN, currency="USD"), replace(OPEN, family="network")], [KNOWN]) == ()


@pytest.mark.parametrize("cost", [Decimal(0), Decimal(-3)])
def test_without_a_positive_cost_there_is_no_ratio(cost: Decimal) -> None:
    assert extrapolate([OPEN], [replace(KNOWN, cost=cost)]) == ()
    assert extrapolate([replace(OPEN, cost=cost)], [KNOWN]) == ()


def test_each_indicator_and_phase_has_its_own_ratio() -> None:
    made = replace(KNOWN, phase="embodied", value=80.0, low=40.0, high=160.0)
    found = {(one.indicator, one.phase): one.value for one in extrapolate([OPEN], [KNOWN, made])}
    assert found == pytest.approx({("gwp100", "use"): 75.0, ("gwp100", "embodied"): 15.0})
