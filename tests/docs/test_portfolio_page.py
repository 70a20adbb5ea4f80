# SPDX-License-Identifier: Apache-2.0
"""The page on portfolio files is made from the declarations, and its example can be imported."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from lichen import nomenclature
from lichen.service.accounts import By
from lichen.service.portfolio_files import import_portfolio
from lichen.service.portfolio_files.document import page
from lichen.service.portfolio_files.tables import TABLES
from lichen.store import open_store

PAGE = Path(__file__).resolve().parents[2] / "docs" / "portfolio.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make pages`"


def test_every_key_has_a_meaning_in_both_languages() -> None:
    for table in TABLES.values():
        assert table.said("en").endswith(".")
        assert table.said("fr").endswith(".")
        for field in table.fields.values():
            assert field.said("en").endswith("."), field
            assert field.said("fr").endswith("."), field


def test_the_example_can_be_imported(tmp_path: Path) -> None:
    example = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "portfolio.toml").write_text("".join(example), encoding="utf-8")
    by = By(actor="command:test", at=datetime.now(UTC))
    with open_store(folder=tmp_path) as store:
        known = nomenclature.load([])
        made = import_portfolio(store, [tmp_path / "portfolio.toml"], nomenclature=known, by=by)
    assert [change.shown for change in made.changes] == [
        "team payments", "application portal", "target organisation gwp100 2026-01-01",
    ]  # fmt: skip
