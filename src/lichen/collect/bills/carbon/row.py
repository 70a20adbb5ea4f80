# SPDX-License-Identifier: Apache-2.0
"""One figure of a provider's own carbon export."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

Scope = Literal["1", "2", "3", "total", ""]
"""Scope of the GHG Protocol; `total` of all three; empty where the provider adds up others, or does not say which."""
Accounting = Literal["location", "market", ""]
"""Grid where the machines stand, or contracts of the provider; empty where it does not say."""

EMISSIONS: Final = "reported_emissions"
"""Quantity of emissions [gCO2e]."""
WATER: Final = "reported_water"
"""Quantity of water [L]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What a provider says of a month.

    Attributes:
        payer: account that is billed. account: account, subscription, project or compartment that used it.
        service, region, resource: as the provider names them; empty where it tells them together.
        month: its first day.
        quantity: `EMISSIONS` or `WATER`.
        value: in gCO2e or litres.
        model_version: of the provider's method; empty where it is not told.
    """

    provider: str
    payer: str
    account: str
    service: str
    region: str
    resource: str
    month: date
    quantity: str
    scope: Scope
    accounting: Accounting
    value: Decimal
    model_version: str = ""
