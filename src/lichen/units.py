# SPDX-License-Identifier: Apache-2.0
"""Units, boundaries and exact constants.

Values travel as plain floats and arrays; the unit and the boundary stand in the name. This module knows how to convert a
user's unit into the canonical one, and how a formula's argument is tagged so that tests can check dimension and boundary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

JOULE_PER_KWH: Final = 3.6e6  # exact: 1 kWh = 1000 W x 3600 s
SECOND_PER_HOUR: Final = 3600.0  # exact
HOUR_PER_DAY: Final = 24  # exact
WATT_PER_KILOWATT: Final = 1000.0  # exact
BYTE_PER_GB: Final = 1e9  # exact: SI gigabyte
BYTE_PER_GIB: Final = 2.0**30  # exact: binary gigabyte, in which memory is made and rented
MJ_PER_KWH: Final = 3.6  # exact

BOUNDARIES: Final = ("device", "network", "it", "facility")
"""Where energy is counted: an end-user device at its plug, a network, IT equipment at its plug, the facility at its meter."""


@dataclass(frozen=True, slots=True)
class Tag:
    """Unit and boundary of a formula's argument or result.

    Args:
        unit: unit expression, e.g. ``"gCO2e/kWh"``; ``"1"`` for a ratio.
        boundary: boundary expression: ``"it"``, ``"facility/it"`` (a PUE), ``"b"`` (any one boundary, the same wherever the
            letter stands in a formula), ``"delivered"`` and ``"1/delivered"`` (a boundary at which a grid factor may be
            applied: device, network, facility, never IT equipment), ``""`` when boundaries do not apply.
    """

    unit: str
    boundary: str = ""

    def __str__(self) -> str:
        return f"{self.unit} [{self.boundary}]" if self.boundary else self.unit


_SCALES: Final[dict[str, dict[str, float]]] = {
    "1": {"1": 1.0, "%": 0.01},
    "s": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0, "d": 86400.0},
    "B": {
        "B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15,
        "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40, "bit": 0.125,
    },
    "B.s": {"B.s": 1.0, "GB.s": 1e9, "GB.h": 3.6e12, "GiB.s": 2.0**30, "GiB.h": 2.0**30 * 3600.0},
    "kWh": {"kWh": 1.0, "Wh": 1e-3, "mWh": 1e-6, "MWh": 1e3, "GWh": 1e6, "J": 1 / 3.6e6, "kJ": 1 / 3.6e3, "MJ": 1 / 3.6},
    "L": {"L": 1.0, "mL": 1e-3, "m3": 1e3},
    "gCO2e": {"gCO2e": 1.0, "mgCO2e": 1e-3, "kgCO2e": 1e3, "tCO2e": 1e6},
    "gSbe": {"gSbe": 1.0, "mgSbe": 1e-3, "kgSbe": 1e3},
    "MJ": {"MJ": 1.0, "kJ": 1e-3, "J": 1e-6, "GJ": 1e3, "kWh": 3.6},
    "W": {"W": 1.0, "mW": 1e-3, "kW": 1e3},
}  # fmt: skip


def scale(unit: str, canonical: str) -> float | None:
    """Number that turns a value in ``unit`` into ``canonical``; None when they are not compatible.

    >>> scale("ms", "s")
    0.001
    >>> scale("kW", "kWh") is None
    True
    """
    if unit == canonical:
        return 1.0
    return _SCALES.get(canonical, {}).get(unit)


def compatible(canonical: str) -> tuple[str, ...]:
    """Units that convert into ``canonical``, for error messages."""
    return tuple(_SCALES.get(canonical, {canonical: 1.0}))
