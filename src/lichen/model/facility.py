# SPDX-License-Identifier: Apache-2.0
"""From IT equipment to the facility around it."""

from __future__ import annotations

from typing import Annotated

from lichen.model.registry import Number, formula
from lichen.units import Tag


@formula("facility.energy", version=1, sources=("ISO/IEC 30134-2:2016 (PUE)",))
def facility_energy_kwh(
    energy_it_kwh: Annotated[Number, Tag("kWh", "it")], pue: Annotated[Number, Tag("1", "facility/it")]
) -> Annotated[Number, Tag("kWh", "facility")]:
    """Energy at the facility's meter for IT energy at the equipment's plug.

    Args:
        energy_it_kwh: energy of IT equipment [kWh].
        pue: power usage effectiveness, facility energy per IT energy [1], >= 1.

    Returns:
        Energy at the facility's boundary [kWh].

    >>> facility_energy_kwh(2.0, 1.5)
    3.0
    """
    return energy_it_kwh * pue


@formula("facility.it_energy", version=1, sources=("ISO/IEC 30134-2:2016 (PUE)",))
def it_energy_kwh(
    energy_facility_kwh: Annotated[Number, Tag("kWh", "facility")], pue: Annotated[Number, Tag("1", "facility/it")]
) -> Annotated[Number, Tag("kWh", "it")]:
    """Energy at the plugs of the IT equipment for energy at the facility's meter.

    Args:
        energy_facility_kwh: energy at the facility's meter [kWh].
        pue: power usage effectiveness, facility energy per IT energy [1], >= 1.

    Returns:
        Energy of IT equipment [kWh].

    >>> it_energy_kwh(3.0, 1.5)
    2.0
    """
    return energy_facility_kwh / pue


@formula("facility.site_water", version=1, sources=("ISO/IEC 30134-9:2022 (WUE)",))
def site_water_l(
    energy_it_kwh: Annotated[Number, Tag("kWh", "it")], wue_l_per_kwh: Annotated[Number, Tag("L/kWh", "1/it")]
) -> Annotated[Number, Tag("L")]:
    """Water consumed on the data centre's site; the water of its electricity is counted apart.

    Args:
        energy_it_kwh: energy of IT equipment [kWh].
        wue_l_per_kwh: water usage effectiveness, litres on site per IT kWh [L/kWh].

    Returns:
        Water consumed on site [L].

    >>> site_water_l(2.0, 0.5)
    1.0
    """
    return energy_it_kwh * wue_l_per_kwh
