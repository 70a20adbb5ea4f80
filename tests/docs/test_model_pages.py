# SPDX-License-Identifier: Apache-2.0
"""The pages on the model are made from the model, and are not behind it."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Final

import pytest

from lichen.factors.store import FactorStore
from lichen.model.registry import formulas
from lichen.plugins import names

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final[dict[Path, str]] = runpy.run_path(str(ROOT / "tools" / "model_pages.py"))["pages"]()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_current(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == PAGES[page], "run `make pages`"


def _headings(name: str) -> set[str]:
    text = (ROOT / "docs" / "model" / name).read_text(encoding="utf-8")
    return {line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")}


def test_every_formula_method_and_factor_family_has_a_heading() -> None:
    assert set(formulas()) <= _headings("formulas.md")
    assert set(names("lichen.methods")) <= _headings("methods.md")
    assert {factor_id.split(".")[0] for factor_id in FactorStore.load().ids()} <= _headings("factors.md")
