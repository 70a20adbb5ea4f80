# SPDX-License-Identifier: Apache-2.0
"""Market-based accounting: beside the location-based figure where a pack has a row for what was bought, and never added to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lichen.config import load_settings
from lichen.service.evaluation import evaluate_document
from lichen.service.workspace import Workspace

PACK = """
[pack]
id = "our-supply"
version = "2026"
description = "What we buy."
[source.contract]
title = "Supply contract 2026"
publisher = "Our supplier"
year = 2026
url = "https://intranet.example"
licence = "internal"
retrieved_at = 2026-01-01
[defaults]
id = "electricity.market_gwp100"
unit = "gCO2e/kWh"
boundary = "none"
valid_from = 2026-01-01
source = "contract"
[[factor]]
geography = "acme:lyon"
value = 12.0
pedigree = "A"
comment = "Contract of the site."
[[factor]]
geography = "DE"
value = 720.0
pedigree = "B"
comment = "Residual mix."
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "our-supply.toml").write_text(PACK, encoding="utf-8")
    config = tmp_path / "lichen.toml"
    config.write_text('[extend]\nfactors = ["our-supply.toml"]\n', encoding="utf-8")
    return Workspace(load_settings(config, env={}))


def totals(workspace: Workspace, **attributes: str) -> dict[str, float]:
    row: dict[str, Any] = {
        "entity": "job/machine",
        "quantity": "energy",
        "value": 1.0,
        "boundary": "facility",
        **attributes,
    }
    result = evaluate_document(workspace, {"activities": [row]}, ["lichen-1"])
    assert result["not_covered"] == []
    found = [total for total in result["totals"] if total["indicator"] == "gwp100" and total["phase"] == "use"]
    assert len({total["accounting"] for total in found}) == len(found)
    return {total["accounting"]: total["value"] for total in found}


def test_both_accounts_stand_side_by_side_where_a_row_exists(workspace: Workspace) -> None:
    loss = workspace.lookup("grid.loss_share", None).value
    both = totals(workspace, region="acme:lyon", zone="FR")
    assert both["market"] == pytest.approx(12.0 / (1 - loss), rel=1e-9)
    assert both["location"] == pytest.approx(workspace.lookup("grid.gwp100", "FR").value / (1 - loss), rel=1e-9)
    residual = totals(workspace, zone="DE")
    assert residual["market"] == pytest.approx(720.0 / (1 - loss), rel=1e-9)


def test_without_a_row_there_is_no_market_based_figure_and_no_gap(workspace: Workspace) -> None:
    assert set(totals(workspace, zone="FR")) == {"location"}  # the contract is the site's, not the country's
    assert set(totals(Workspace(load_settings(None, env={})), zone="DE")) == {"location"}
