# SPDX-License-Identifier: Apache-2.0
"""Impacts of using electricity, for any indicator X."""

from __future__ import annotations

from typing import Annotated

from lichen.model.registry import Number, formula
from lichen.units import Tag


@formula(
    "electricity.use",
    version=1,
    sources=("GHG Protocol Scope 2 Guidance (2015) 6.1, location-based method", "ISO 14044:2006 4.3.3.1"),
)
def electricity_use_x(
    energy_delivered_kwh: Annotated[Number, Tag("kWh", "delivered")],
    grid_x_per_kwh: Annotated[Number, Tag("X/kWh", "1/delivered")],
) -> Annotated[Number, Tag("X")]:
    """Impact of electricity delivered to a device, a network or a facility.

    IT energy is not delivered energy: it has to pass through `lichen.model.facility.facility_energy_kwh` first.

    Args:
        energy_delivered_kwh: electricity at the plug or the facility's meter [kWh].
        grid_x_per_kwh: life-cycle impact of one kWh delivered [X/kWh].

    Returns:
        Impact [X].

    >>> electricity_use_x(2.0, 50.0)
    100.0
    """
    return energy_delivered_kwh * grid_x_per_kwh
