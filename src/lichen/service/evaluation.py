# SPDX-License-Identifier: Apache-2.0
"""Applies methods to activities: the one path behind ``lichen evaluate``, the report and ``lichen explain``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from lichen.errors import ActivityError
from lichen.model import activities as model_activities
from lichen.model import registry
from lichen.model.evaluate import Evaluation, evaluate
from lichen.model.method import Method
from lichen.records import Activity
from lichen.service.workspace import Workspace


def parse_document(workspace: Workspace, document: Any) -> tuple[list[Activity], dict[str, Any]]:
    """Activities and context of an ``evaluate`` document or a run file.

    Raises:
        ActivityError: it is not such a document, or a row is wrong.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("activities"), list):
        raise ActivityError(
            "The input has no list 'activities'.",
            repair='Write {"activities": [{"entity": ..., "quantity": ..., "value": ...}]}.',
            culprit="activities",
        )
    context = document.get("context", {})
    if not isinstance(context, Mapping):
        raise ActivityError(
            f"The context is {context!r}, not an object.", repair='Write "context": {"parts": 1}.', culprit="context"
        )
    nomenclature = workspace.nomenclature
    rows = [model_activities.parse_activity(row, i, nomenclature) for i, row in enumerate(document["activities"])]
    return rows, dict(context)


def as_of(document: Mapping[str, Any]) -> date | None:
    """Day whose factor vintage a document asks for: the start of a run, None for plain activities (the latest)."""
    started_at = document.get("started_at")
    if started_at is None:
        return None
    try:
        return datetime.fromisoformat(started_at).date()
    except (TypeError, ValueError) as error:
        raise ActivityError(
            f"started_at is {started_at!r}, not a date.",
            repair="Write it as 2026-01-31T12:00:00Z.",
            culprit="started_at",
        ) from error


def evaluate_activities(
    workspace: Workspace, method: Method, rows: Sequence[Activity], context: Mapping[str, Any], *, on: date | None
) -> Evaluation:
    """Applies one method to activities.

    Args:
        on: day whose factor vintage is used; the latest when None.
    """
    groups = model_activities.group(rows, workspace.nomenclature)
    return evaluate(
        method,
        groups,
        lookup=partial(workspace.lookup, on=on),
        factors_hash=workspace.factors.hash(),
        context=context,
        nomenclature=workspace.nomenclature,
    )


def evaluate_document(workspace: Workspace, document: Any, method_ids: Sequence[str]) -> dict[str, Any]:
    """The output of ``lichen evaluate``: one method's result, or ``{"results": [...]}`` for several."""
    methods = [workspace.method(method_id) for method_id in method_ids]
    rows, context = parse_document(workspace, document)
    on = as_of(document)
    results = [evaluate_activities(workspace, method, rows, context, on=on).to_json() for method in methods]
    return results[0] if len(results) == 1 else {"results": results}


def describe_methods(workspace: Workspace) -> list[dict[str, Any]]:
    """One row per method: id, version, title, indicators, quantities, validity."""
    return [_summary(workspace.method(method_id)) for method_id in workspace.method_ids()]


def _summary(method: Method) -> dict[str, Any]:
    return {
        "id": method.method_id,
        "version": method.version,
        "title": dict(method.title),
        "description": dict(method.description),
        "indicators": list(method.indicators),
        "quantities": list(method.quantities),
        "accounting": method.accounting,
        "validity": method.validity,
        "licence": method.licence,
        "sources": list(method.sources),
        "known_defects": list(method.known_defects),
    }


def describe_method(workspace: Workspace, method_id: str) -> dict[str, Any]:
    """A method whole: its summary, defaults, every rule with its formulas and bindings, and what it leaves out."""
    method = workspace.method(method_id)
    rules = [
        {
            "id": rule.rule_id,
            "indicator": rule.indicator,
            "phase": rule.phase,
            "quantities": list(rule.quantities),
            "when": {key: list(values) for key, values in rule.when.items()},
            "superseded_by": list(rule.unless),
            "steps": [
                {
                    "formula": step.formula_id,
                    "expression": registry.get(step.formula_id).expression,
                    "summary": registry.get(step.formula_id).summary,
                    "bind": {arg: " ".join(filter(None, (b.kind, b.name))) for arg, b in step.bind.items()},
                }
                for step in rule.steps
            ],
        }
        for rule in method.rules
    ]
    return {
        **_summary(method),
        "defaults": dict(method.defaults),
        "rules": rules,
        "derived_from_energy": [
            {
                "indicator": d.indicator,
                "formula": d.step.formula_id,
                "bind": {a: f"{b.kind} {b.name}".strip() for a, b in d.step.bind.items()},
            }
            for d in method.derivations
        ],
        "not_covered": dict(method.reasons),
    }
