# SPDX-License-Identifier: Apache-2.0
"""Software Carbon Intensity: carbon per functional unit."""

from __future__ import annotations

from typing import Annotated

from lichen.model.registry import Number, formula
from lichen.units import Tag


@formula("sci.rate", version=1, sources=("ISO/IEC 21031:2024 (Software Carbon Intensity), SCI = ((E * I) + M) per R",))
def sci_gco2e_per_unit(
    energy_delivered_kwh: Annotated[Number, Tag("kWh", "delivered")],
    grid_gco2e_per_kwh: Annotated[Number, Tag("gCO2e/kWh", "1/delivered")],
    embodied_gco2e: Annotated[Number, Tag("gCO2e")],
    functional_units: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("gCO2e")]:
    """Carbon of software per functional unit, location-based and without offsets.

    Args:
        energy_delivered_kwh: E, electricity of all hardware inside the software boundary [kWh].
        grid_gco2e_per_kwh: I, carbon intensity of the grids where it is drawn, weighted by energy [gCO2e/kWh].
        embodied_gco2e: M, share of making and disposing of that hardware [gCO2e].
        functional_units: R, functional units done with it [1], > 0.

    Returns:
        SCI score, of one functional unit [gCO2e].

    >>> sci_gco2e_per_unit(2.0, 50.0, 20.0, 60.0)
    2.0
    """
    return (energy_delivered_kwh * grid_gco2e_per_kwh + embodied_gco2e) / functional_units
