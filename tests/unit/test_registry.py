# SPDX-License-Identifier: Apache-2.0
"""``@formula`` refuses what could not be checked later; the registry finds what was registered."""

from __future__ import annotations

from typing import Annotated

import pytest

from lichen.errors import MethodError
from lichen.model.registry import formula, formulas, get
from lichen.units import Tag


def test_a_formula_without_a_source_is_refused() -> None:
    with pytest.raises(TypeError, match="needs a source"):

        @formula("test.unsourced", version=1, sources=())
        def unsourced(value_s: Annotated[float, Tag("s")]) -> Annotated[float, Tag("s")]:
            return value_s

    assert "test.unsourced/1" not in formulas()


def test_an_argument_without_a_tag_is_refused() -> None:
    with pytest.raises(TypeError, match=r"test\.untagged/1: argument bare"):

        @formula("test.untagged", version=1, sources=("test",))
        def untagged(value_s: Annotated[float, Tag("s")], bare: float) -> Annotated[float, Tag("s")]:
            return value_s * bare


def test_a_result_without_a_tag_is_refused() -> None:
    with pytest.raises(TypeError, match="the result"):

        @formula("test.untagged_result", version=1, sources=("test",))
        def untagged_result(value_s: Annotated[float, Tag("s")]) -> float:
            return value_s


def test_an_identity_belongs_to_one_module() -> None:
    with pytest.raises(TypeError, match="registered twice"):

        @formula("energy.from_power", version=1, sources=("test",))
        def twin(value_s: Annotated[float, Tag("s")]) -> Annotated[float, Tag("s")]:
            return value_s


def test_an_unknown_formula_names_its_family() -> None:
    with pytest.raises(MethodError) as caught:
        get("facility.enrgy/1")
    assert "facility.enrgy/1" in caught.value.problem
    assert "facility.energy/1" in caught.value.repair
    assert "embodied" not in caught.value.repair


def test_the_expression_is_the_return_statement() -> None:
    assert get("facility.energy/1").expression == "energy_it_kwh * pue"
    assert get("facility.energy/1").summary.endswith(".")


def test_expressions_are_arithmetic_and_not_typing() -> None:
    assert [formula_id for formula_id, found in formulas().items() if "cast(" in found.expression] == []


def test_every_identity_ends_with_its_version() -> None:
    for formula_id in formulas():
        name, _, version = formula_id.rpartition("/")
        assert name.count(".") == 1
        assert int(version) >= 1
