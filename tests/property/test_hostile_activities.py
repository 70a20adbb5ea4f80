# SPDX-License-Identifier: Apache-2.0
"""Any JSON at all is evaluated by every method, or refused in a sentence: never a traceback, never a figure that is none."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lichen.config import load_settings
from lichen.errors import ActivityError, FactorError, UsageError
from lichen.service.evaluation import evaluate_document
from lichen.service.workspace import Workspace

WORKSPACE = Workspace(load_settings(None))
TERMS = WORKSPACE.nomenclature
NUMBERS = st.one_of(st.floats(), st.integers(), st.floats(0, 1e9))
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=6,
)
RIGHT: dict[str, tuple[Any, ...]] = {
    "tier": ("device", "server"),
    "zone": ("FR", "DEU", "US-CAL-CISO", "WORLD"),
    "region": ("us-east-1", "eu-west-3"),
    "platform": ("aws:m5.xlarge", "aws:lambda", "aws:t2.micro", "aws:nothing", "terminal:laptop-pro"),
    "device": ("laptop", "mix"),
    "network": ("fixed", "mobile"),
    "green_hosting": ("yes", "no"),
    "storage_class": ("ssd", "hdd"),
    "started_at": ("2026-01-31T12:00:00Z",),
    "ended_at": ("2026-01-31T12:30:00Z",),
    "utilisation": (0, 0.5, 1),
    "replication": (1, 3),
    "duration_s": (0, 3600.0),
    "tdp_w": (1.0, 240.0),
    "cpu_count": (1, 64),
}
WRONG = (
    "cloud",
    "XX",
    "fr",
    "US-NOPE",
    "",
    "nowhere-1",
    "aws:m5.xlrge",
    "toaster",
    "tape",
    "2026-01-31",
    "0001-01-01T00:00:00+14:00",
)
QUANTITIES = tuple(name for name in TERMS.names("quantity") if name not in ("energy", "cost", "value"))


@st.composite
def rows(draw: Any) -> dict[str, Any]:
    """A row of which at most one field is wild."""
    names = draw(st.lists(st.sampled_from(sorted(RIGHT)), max_size=4, unique=True))
    row: dict[str, Any] = {
        "entity": draw(st.sampled_from(("shop", "shop/api", "loan/api"))),
        "quantity": draw(st.sampled_from(QUANTITIES)),
        "value": draw(st.floats(0, 1e12)),
        **{name: draw(st.sampled_from(RIGHT[name])) for name in names},
    }
    wild = draw(st.sampled_from((*row, "samples", None, None, None)))
    if wild is not None:
        row[wild] = draw(
            st.lists(st.one_of(st.none(), st.floats(0, 1e9)), max_size=3) if wild == "samples" else ANYTHING
        )
    return row


def evaluated(document: Any) -> list[dict[str, Any]] | UsageError:
    """The results, or the refusal."""
    try:
        found: list[dict[str, Any]] = evaluate_document(WORKSPACE, document, WORKSPACE.method_ids())["results"]
    except (ActivityError, FactorError) as refusal:
        return refusal
    return found


def judged(document: Any) -> None:
    """A figure that is not finite, or a refusal without a repair, fails."""
    results = evaluated(document)
    if isinstance(results, UsageError):
        assert results.problem.strip()
        assert results.repair.strip()
        return
    json.dumps(results, allow_nan=False)
    for result in results:
        for row in (*result["impacts"], *result["totals"]):
            assert math.isfinite(row["value"])
            assert row["low"] <= row["high"]


@given(
    st.lists(rows(), max_size=3),
    st.dictionaries(st.sampled_from(("parts", "device", "zone", "x")), ANYTHING, max_size=2),
)
@settings(max_examples=150, deadline=None)
def test_rows_that_are_nearly_right(activities: list[dict[str, Any]], context: dict[str, Any]) -> None:
    judged({"activities": activities, "context": context})


@given(ANYTHING)
@settings(max_examples=100, deadline=None)
def test_any_document(document: Any) -> None:
    judged(document)
    judged({"activities": document})


@pytest.mark.parametrize("quantity", TERMS.names("quantity"))
def test_every_quantity_alone_is_evaluated_by_every_method(quantity: str) -> None:
    """What a method does not know is told, and is never a silent zero."""
    row = {"entity": "shop/api", "quantity": quantity, "value": 1.0, "tier": "server", "zone": "FR"}
    row |= {"boundary": "it"} if quantity == "energy" else {}
    row |= {"currency": "EUR"} if quantity in ("cost", "value") else {}
    for result in evaluate_document(WORKSPACE, {"activities": [row]}, WORKSPACE.method_ids())["results"]:
        told = {gap["quantity"] for gap in result["not_covered"]}
        used = {name for impact in result["impacts"] for name in impact["quantities"]}
        assert quantity in told | used, result["method"]["id"]
