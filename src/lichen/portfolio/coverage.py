# SPDX-License-Identifier: Apache-2.0
"""How much of a bill's cost physical quantities stand beside."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from lichen.collect.bills.meter import ESTIMATED, Reason
from lichen.portfolio.money import ZERO, add

NO_USAGE: Final = str(Reason.NO_USAGE)
"""Of taxes, credits, fees and purchases: nothing runs, so that nothing could be estimated."""


def coverage_of_cost(amounts: Mapping[str, Decimal]) -> float | None:
    """Share of the cost of usage that is estimated, 0 to 1.

    Args:
        amounts: by coverage, in one currency.

    Returns:
        None where usage costs nothing, or less: a share of that says nothing.

    >>> coverage_of_cost({"estimated": Decimal(30), "no_rule": Decimal(10), "no_usage": Decimal(20)})
    0.75
    """
    whole = add(amount for why, amount in amounts.items() if why != NO_USAGE)
    if whole <= 0:
        return None
    return min(1.0, max(0.0, float(amounts.get(ESTIMATED, ZERO) / whole)))
