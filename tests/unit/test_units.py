# SPDX-License-Identifier: Apache-2.0
"""Conversion of a user's unit into the canonical one."""

from __future__ import annotations

import pytest

from lichen.nomenclature import load
from lichen.units import Tag, compatible, scale


@pytest.mark.parametrize(
    ("unit", "canonical", "expected"),
    [
        ("ms", "s", 1e-3),
        ("h", "s", 3600.0),
        ("d", "s", 86400.0),
        ("GB", "B", 1e9),
        ("GiB", "B", 1073741824.0),
        ("bit", "B", 0.125),
        ("GB.h", "B.s", 3.6e12),
        ("GiB.h", "B.s", 3865470566400.0),
        ("J", "kWh", 1 / 3.6e6),
        ("MJ", "kWh", 1 / 3.6),
        ("Wh", "kWh", 1e-3),
        ("kWh", "MJ", 3.6),
        ("m3", "L", 1000.0),
        ("tCO2e", "gCO2e", 1e6),
        ("%", "1", 0.01),
        ("kW", "W", 1000.0),
    ],
)
def test_a_unit_converts(unit: str, canonical: str, expected: float) -> None:
    assert scale(unit, canonical) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("unit", "canonical"), [("kW", "kWh"), ("W", "kWh"), ("Gb", "B"), ("g", "gCO2e"), ("", "s"), ("s", "B.s")]
)
def test_what_does_not_convert_is_refused(unit: str, canonical: str) -> None:
    assert scale(unit, canonical) is None


def test_every_unit_of_the_nomenclature_converts_into_itself() -> None:
    nomenclature = load()
    for kind in ("quantity", "indicator"):
        for name in nomenclature.names(kind):
            unit = nomenclature[kind, name].unit
            assert scale(unit, unit) == 1.0
            assert unit in compatible(unit)


def test_every_compatible_unit_converts() -> None:
    for unit in compatible("kWh"):
        factor = scale(unit, "kWh")
        assert factor is not None
        assert factor > 0


def test_a_tag_prints_unit_and_boundary() -> None:
    assert str(Tag("kWh", "it")) == "kWh [it]"
    assert str(Tag("s")) == "s"
