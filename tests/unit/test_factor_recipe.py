# SPDX-License-Identifier: Apache-2.0
"""The recipe works as written, its field table is the schema, and its example answers look-ups."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from lichen.factors import BUILTIN_PACKS
from lichen.factors.reader import COLUMNS, PEDIGREE
from lichen.factors.store import FactorStore

RECIPE = Path(__file__).parents[2] / "docs" / "recipes" / "add-a-factor.md"


@pytest.fixture(scope="module")
def text() -> str:
    return RECIPE.read_text(encoding="utf-8")


@pytest.fixture
def example(text: str, tmp_path: Path) -> Path:
    (block,) = [block for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) if block.startswith("[pack]")]
    path = tmp_path / "our-house.toml"
    path.write_text(block, encoding="utf-8")
    return path


def test_the_example_pack_loads_beside_the_shipped_ones_and_answers(example: Path) -> None:
    store = FactorStore.load(BUILTIN_PACKS, extra=[example])
    ours = store.lookup("grid.gwp100", "FR", date(2026, 11, 22))
    assert (ours.value, ours.low, ours.high, ours.licence) == (31.0, 24.0, 45.0, "internal")
    laptop = store.lookup("device.laptop.idle_power", "FR", date(2026, 11, 22))
    assert laptop.low == pytest.approx(3.1 / 1.2)
    assert (laptop.range_basis, laptop.fallback) == ("assumed", ())
    # history keeps the figure of its own time
    assert store.lookup("grid.gwp100", "FR", date(2024, 7, 1)).pack.startswith("electricity")
    assert store.hash() != FactorStore.load(BUILTIN_PACKS).hash()


def test_the_recipe_names_every_field_and_every_grade(text: str) -> None:
    documented = set(re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE))))
    assert documented == {*COLUMNS, "pedigree"}
    assert ",".join(COLUMNS) in text
    assert re.findall(r"`([A-E])`", text) == list(PEDIGREE)
    shown = re.search(r"`A` x/÷ ([\d.]+), `B` ([\d.]+), `C` ([\d.]+), `D` ([\d.]+), `E` ([\d.]+)", text)
    assert shown is not None
    assert [float(number.rstrip(".")) for number in shown.groups()] == list(PEDIGREE.values())
