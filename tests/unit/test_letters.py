# SPDX-License-Identifier: Apache-2.0
"""Letters at the edges of the tables that EcoIndex and the Sustainable Web Design Model publish."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lichen.config import Settings
from lichen.model.results import letter
from lichen.service.workspace import Workspace

WORKSPACE = Workspace(Settings())


def given(method_id: str, value: float) -> str:
    """The letter that a method gives a total."""
    (grading,) = WORKSPACE.method(method_id).grades
    return letter(grading, np.asarray(WORKSPACE.lookup(grading.bounds, None).vector), value)


@pytest.mark.parametrize(
    ("threshold", "above", "at_it"),
    [(80, "A", "B"), (70, "B", "C"), (55, "C", "D"), (40, "D", "E"), (25, "E", "F"), (10, "F", "G")],
)
def test_a_whole_score_above_the_threshold_has_the_better_letter(threshold: int, above: str, at_it: str) -> None:
    assert [given("ecoindex", threshold + step) for step in (0, 0.4, 0.6, 1, 1.4)] == [
        at_it,
        at_it,
        above,
        above,
        above,
    ]


def test_the_ends_of_the_scale() -> None:
    assert (given("ecoindex", 100.0), given("ecoindex", 0.0)) == ("A", "G")


@pytest.mark.parametrize(
    ("grams", "at_it", "beyond"),
    [(0.040, "A+", "A"), (0.079, "A", "B"), (0.145, "B", "C"), (0.209, "C", "D"), (0.278, "D", "E"), (0.359, "E", "F")],
)
def test_a_bound_belongs_to_the_better_letter(grams: float, at_it: str, beyond: str) -> None:
    assert given("swdm-4", grams) == at_it
    assert given("swdm-4", math.nextafter(grams, 1.0)) == beyond
