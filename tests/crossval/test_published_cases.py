# SPDX-License-Identifier: Apache-2.0
"""Every method of a published tool against that tool's own figures, kept here as facts: see data/build_cases.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from lichen.config import Settings
from lichen.service.evaluation import evaluate_document
from lichen.service.workspace import Workspace

DOCUMENT: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "cases.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace(Settings())


def test_every_tool_is_there_and_says_where_its_figures_come_from() -> None:
    assert {case["tool"] for case in DOCUMENT["cases"]} == set(DOCUMENT["tools"])
    names = [(case["tool"], case["id"]) for case in DOCUMENT["cases"]]
    assert len(names) == len(set(names)) >= 80


@pytest.mark.parametrize("case", DOCUMENT["cases"], ids=lambda case: f"{case['method']} {case['id']}")
def test_a_method_gives_the_tools_figure(workspace: Workspace, case: dict[str, Any]) -> None:
    document = {"activities": case["activities"], "context": case["context"]}
    totals = evaluate_document(workspace, document, [case["method"]])["totals"]
    for expected in case["expected"]:
        ours = sum(
            row["value"]
            for row in totals
            if row["indicator"] == expected["indicator"] and expected["phase"] in (None, row["phase"])
        )
        assert ours == pytest.approx(expected["value"], rel=1e-6, abs=1e-30), expected
