# SPDX-License-Identifier: Apache-2.0
"""Checks, while a method is applied, that units and boundaries of what is bound to a formula fit its arguments.

Tests prove each formula's own dimensions and boundaries; this guards what method files and packs put together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lichen.errors import MethodError
from lichen.model.registry import Formula
from lichen.nomenclature import Nomenclature, Term
from lichen.records import Factor
from lichen.units import BOUNDARIES, Tag

DELIVERED: Final = ("device", "network", "facility")
"""Boundaries at which electricity is delivered: what a grid factor may be applied to. IT energy is not among them."""

OF_TIER: Final = {"device": ("device", "network"), "network": ("network",), "server": ("it", "facility")}
"""Boundaries at which the energy of each tier is counted; a browser's meter may stand on the network that serves it."""

_PRODUCT: Final = str.maketrans({"*": ".", "(": None, ")": None})
_NO_BOUNDARY: Final = ("", "none")
_ACCEPTED: Final = {
    "b": BOUNDARIES,
    "delivered": DELIVERED,
    "1/delivered": (*_NO_BOUNDARY, "facility"),
    "facility/it": (*_NO_BOUNDARY, "facility"),
    "1/it": (*_NO_BOUNDARY, "it", "facility"),
}


def _dotted(unit: str) -> str:
    """A formula's unit as the nomenclature and the packs write a product, also one that something is divided by."""
    return unit.translate(_PRODUCT)


def _meaning(unit: str, wanted: str, nomenclature: Nomenclature) -> str | None:
    """What the X of ``wanted`` stands for so that it is ``unit``, empty when it has none; None when nothing makes it fit."""
    before, generic, after = _dotted(wanted).partition("X")
    if not generic:
        return "" if unit == before else None
    meant = unit[len(before) : len(unit) - len(after)]
    return meant if unit == before + meant + after and meant in nomenclature.indicator_units else None


def check_factor(factor: Factor, tag: Tag, method_id: str, nomenclature: Nomenclature) -> str:
    """Checks a factor against the argument it is bound to.

    Returns:
        The boundary that the factor brings along for a generic argument, else an empty string.

    Raises:
        MethodError: unit or boundary does not fit.
    """
    if _meaning(factor.unit, tag.unit, nomenclature) is None:
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


def result_unit(formula: Formula, units: Mapping[str, str], method_id: str, nomenclature: Nomenclature) -> str:
    """Unit of a formula's result, from the units of what is bound to it.

    Args:
        units: argument -> unit, of those that say in which unit they are.

    Returns:
        The unit, with an X in it when no argument says what the formula's X stands for.

    Raises:
        MethodError: an argument is given another unit than it takes, or two indicators are mixed.
    """
    meant = ""
    for name, unit in units.items():
        tag = formula.arguments[name]
        meaning = "" if unit == tag.unit else _meaning(unit, tag.unit, nomenclature)
        if meaning is None or (meant and meaning and meaning != meant):
            wanted = _dotted(tag.unit).replace("X", meant or "X")
            raise MethodError(
                f"Method {method_id} gives {name} of {formula.formula_id} a value in [{unit}] where [{wanted}] is taken.",
                repair="Bind what has that unit.",
                culprit=formula.formula_id,
            )
        meant = meaning or meant
    return _dotted(formula.result.unit).replace("X", meant or "X")


def check_indicator(unit: str, indicator: Term, method_id: str) -> None:
    """Checks the unit of what a rule or a derivation ends in.

    Raises:
        MethodError: it is not that of the indicator: kilowatt-hours called grams.
    """
    if "X" not in unit and unit != indicator.unit:
        raise MethodError(
            f"Method {method_id} gives {indicator.name} in [{unit}], and it is in [{indicator.unit}].",
            repair="End in a formula whose result has that unit, or name another indicator.",
            culprit=indicator.name,
        )
