# SPDX-License-Identifier: Apache-2.0
"""Checks, while a method is applied, that units and boundaries of factors and results fit the formulas they are bound to.

Tests prove each formula's own dimensions and boundaries; this guards what method files and packs put together.
"""

from __future__ import annotations

from typing import Final

from lichen.errors import MethodError
from lichen.nomenclature import Nomenclature
from lichen.records import Factor
from lichen.units import BOUNDARIES, Tag

DELIVERED: Final = ("device", "network", "facility")
"""Boundaries at which electricity is delivered: what a grid factor may be applied to. IT energy is not among them."""

OF_TIER: Final = {"device": ("device", "network"), "network": ("network",), "server": ("it", "facility")}
"""Boundaries at which the energy of each tier is counted; a browser's meter may stand on the network that serves it."""

_NO_BOUNDARY: Final = ("", "none")
_ACCEPTED: Final = {
    "b": BOUNDARIES,
    "delivered": DELIVERED,
    "1/delivered": (*_NO_BOUNDARY, "facility"),
    "facility/it": (*_NO_BOUNDARY, "facility"),
    "1/it": (*_NO_BOUNDARY, "it", "facility"),
}


def _unit_fits(unit: str, wanted: str, nomenclature: Nomenclature) -> bool:
    if unit == wanted:
        return True
    if "X" not in wanted:
        return False
    units = {nomenclature["indicator", name].unit for name in nomenclature.names("indicator")}
    return any(unit == wanted.replace("X", candidate) for candidate in units)


def check_factor(factor: Factor, tag: Tag, method_id: str, nomenclature: Nomenclature) -> str:
    """Checks a factor against the argument it is bound to.

    Returns:
        The boundary that the factor brings along for a generic argument, else an empty string.

    Raises:
        MethodError: unit or boundary does not fit.
    """
    if not _unit_fits(factor.unit, tag.unit, nomenclature):
        raise MethodError(
            f"Method {method_id} binds {factor.factor_id} [{factor.unit}] where a formula takes [{tag.unit}].",
            repair="Bind a factor of that unit, or repair the factor's unit.",
            culprit=factor.factor_id,
        )
    accepted = _ACCEPTED.get(tag.boundary, (tag.boundary,)) if tag.boundary else None
    if accepted is not None and factor.boundary not in accepted:
        raise MethodError(
            f"Method {method_id} binds {factor.factor_id} of boundary '{factor.boundary}' where '{tag.boundary}' is taken.",
            repair="Bind a factor of that boundary.",
            culprit=factor.factor_id,
        )
    return factor.boundary if tag.boundary == "b" else ""


def check_result(boundary: str, tag: Tag, formula_id: str, method_id: str) -> None:
    """Checks the boundary of energy that flows into a formula.

    Raises:
        MethodError: it does not fit: PUE applied twice, IT energy on a grid factor.
    """
    accepted = _ACCEPTED.get(tag.boundary, (tag.boundary,))
    if boundary not in accepted:
        raise MethodError(
            f"Method {method_id} gives {formula_id} energy of boundary '{boundary}' where '{tag.boundary}' is taken.",
            repair="Turn IT energy into facility energy once, and only once.",
            culprit=formula_id,
        )
