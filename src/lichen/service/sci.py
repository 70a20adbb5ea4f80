# SPDX-License-Identifier: Apache-2.0
"""The Software Carbon Intensity of a journey or a command, from the same impacts as its climate figure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from lichen.errors import UsageError
from lichen.model import uncertainty
from lichen.model.results import Computed, Evaluation, add
from lichen.model.sci import sci_gco2e_per_unit
from lichen.records import UNITS_REPAIR, countable

FORMULA: Final = "sci.rate/1"
NAME: Final = "sci"
UNIT: Final = "gCO2e"
_CLIMATE: Final = "gwp100"
_ENERGY: Final = "energy"
_LOCATION: Final = "location"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sci:
    """A score with what it is made of: ((E x I) + M) per R.

    Attributes:
        value, low, high: score and 90 % range of the model [gCO2e per functional unit].
        energy_kwh: E, of all functional units together.
        grid_gco2e_per_kwh: I, mean of the grids weighted by energy; None where none is drawn.
        embodied_gco2e: M, of all functional units together.
        units: R.
        functional_unit: what R counts.
    """

    value: float
    low: float
    high: float
    energy_kwh: float
    grid_gco2e_per_kwh: float | None
    embodied_gco2e: float
    units: float
    functional_unit: str

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "unit": UNIT,
            "functional_unit": self.functional_unit,
            "energy_kwh": self.energy_kwh,
            "grid_gco2e_per_kwh": self.grid_gco2e_per_kwh,
            "embodied_gco2e": self.embodied_gco2e,
            "functional_units": self.units,
        }


def climate_rows(evaluation: Evaluation, where: Callable[[str], bool]) -> list[Computed]:
    """Climate impacts that a score is made of: those in use location-based, those embodied as the method has them."""
    own = evaluation.method.accounting
    return [
        c
        for c in evaluation.computed
        if c.impact.indicator == _CLIMATE
        and c.impact.accounting == (_LOCATION if c.impact.phase == "use" else own)
        and where(c.impact.entity)
    ]


def sci_of(
    evaluation: Evaluation, where: Callable[[str], bool], *, units: float = 1.0, functional_unit: str
) -> Sci | None:
    """The score of some entities.

    Args:
        where: which entities are inside the software boundary.
        units: functional units that were done; the evaluation's figures are of one of them.
        functional_unit: what one unit is.

    Returns:
        None where the method gives no climate figure, or one of the use phase that is not energy times a grid's intensity.

    Raises:
        UsageError: ``units`` is no number above 0: a rate per nothing is no number.
    """
    if not countable(units):
        raise UsageError(
            f"The SCI is per functional unit, and there are {units} of them.", repair=UNITS_REPAIR, culprit="units"
        )
    rows = climate_rows(evaluation, where)
    energy_kwh = {
        (c.impact.entity, c.impact.rule): c.impact.value
        for c in evaluation.computed
        if c.impact.indicator == _ENERGY
        and c.impact.phase == "use"
        and c.impact.accounting == evaluation.method.accounting
    }
    used = [c.impact for c in rows if c.impact.phase == "use"]
    if not used or any((one.entity, one.rule) not in energy_kwh for one in used):
        return None
    drawn_kwh = math.fsum(energy_kwh[one.entity, one.rule] for one in used)
    operational_gco2e = math.fsum(one.value for one in used)
    embodied_gco2e = math.fsum(c.impact.value for c in rows if c.impact.phase == "embodied")
    grid = operational_gco2e / drawn_kwh if drawn_kwh else None
    # Whatever a kWh costs, none costs nothing.
    value = float(sci_gco2e_per_unit(drawn_kwh * units, grid or 0.0, embodied_gco2e * units, units))
    low, high = uncertainty.enclosing(value, *uncertainty.bounds(add(rows)[1]))
    return Sci(
        value=value,
        low=low,
        high=high,
        energy_kwh=drawn_kwh * units,
        grid_gco2e_per_kwh=grid,
        embodied_gco2e=embodied_gco2e * units,
        units=units,
        functional_unit=functional_unit,
    )
