# SPDX-License-Identifier: Apache-2.0
"""Impacts of using electricity, for any indicator X."""

from __future__ import annotations

from typing import Annotated

from lichen.model.registry import Number, formula
from lichen.units import Tag


@formula(
    "electricity.use",
    version=1,
    sources=("GHG Protocol Scope 2 Guidance (2015), chapter 6: location-based method", "ISO 14044:2006 4.3.3.1"),
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


@formula(
    "electricity.use_after_losses",
    version=1,
    sources=(
        "GHG Protocol Scope 2 Guidance (2015), chapter 6, and Scope 3 Standard, category 3: transmission and distribution losses",
    ),
)
def electricity_use_after_losses_x(
    energy_delivered_kwh: Annotated[Number, Tag("kWh", "delivered")],
    grid_x_per_kwh: Annotated[Number, Tag("X/kWh", "1/delivered")],
    loss_share: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("X")]:
    """Impact of delivered electricity when the grid factor is per kWh generated: what is lost on the way is generated too.

    Args:
        energy_delivered_kwh: electricity at the plug or the facility's meter [kWh].
        grid_x_per_kwh: life-cycle impact of one kWh generated [X/kWh].
        loss_share: share of the generated energy that is lost in transmission and distribution [1], 0 to below 1.

    Returns:
        Impact [X].

    >>> electricity_use_after_losses_x(9.0, 50.0, 0.1)
    500.0
    """
    return energy_delivered_kwh * grid_x_per_kwh / (1 - loss_share)
