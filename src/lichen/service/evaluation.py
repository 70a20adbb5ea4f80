# SPDX-License-Identifier: Apache-2.0
"""Applies methods to activities: the one path behind ``lichen evaluate``, the report and ``lichen explain``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from lichen.catalogue import machines
from lichen.errors import ActivityError
from lichen.ledger import runfile
from lichen.model import activities as model_activities
from lichen.model import registry
from lichen.model.activities import When
from lichen.model.evaluate import evaluate
from lichen.model.method import Method
from lichen.model.results import Evaluation
from lichen.records import Activity, AttributeValue, Factor
from lichen.service.comparison import compare_document
from lichen.service.workspace import Workspace

RESTATED: Final = "restated: factors or method changed since the measurement"


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
    for key in document:
        if key not in runfile.KEYS:
            close = difflib.get_close_matches(str(key), runfile.KEYS, n=1)
            raise ActivityError(
                f"The input has the unknown key '{key}'.",
                repair=f"Did you mean '{close[0]}'?" if close else "Write activities and context at its top.",
                culprit=str(key),
            )
    nomenclature = workspace.nomenclature
    context = model_activities.parse_context(document.get("context", {}), nomenclature)
    window = _window(document) if workspace.factors.by_hour else {}
    rows = [
        model_activities.parse_activity(_dated(row, window), i, nomenclature)
        for i, row in enumerate(document["activities"])
    ]
    return rows, context


def _window(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """When a run was measured, for its rows: factors that differ by the hour ask for it."""
    keys = ("started_at", "ended_at")
    return {key: document[key] for key in keys} if all(document.get(key) is not None for key in keys) else {}


def _dated(row: Any, window: Mapping[str, Any]) -> Any:
    return row if not isinstance(row, Mapping) or "started_at" in row else {**window, **row}


def as_of(document: Mapping[str, Any]) -> date | None:
    """Day whose factor vintage a document asks for: the start of a run, None for plain activities (the latest)."""
    started_at = document.get("started_at")
    if started_at is None:
        return None
    return model_activities.parse_instant(started_at, "the input", "started_at").date()


def evaluate_activities(
    workspace: Workspace, method: Method, rows: Sequence[Activity], context: Mapping[str, Any], *, on: date | None
) -> Evaluation:
    """Applies one method to activities.

    Args:
        on: day whose factor vintage is used for rows that do not say when they started; the latest when None.

    Raises:
        ActivityError: rows cannot be added, or name a device or network that the method has no factors for.
    """

    def lookup(factor_id: str, attributes: Mapping[str, AttributeValue], when: When | None) -> Factor:
        return workspace.lookup_for(factor_id, attributes, when, on)

    _check_families(method, workspace.factors.ids(), rows, context)
    return evaluate(
        method,
        model_activities.group(rows, workspace.nomenclature, by_hour=workspace.factors.by_hour),
        lookup=lookup,
        factors_hash=workspace.factors.hash(),
        context=context,
        nomenclature=workspace.nomenclature,
        catalogue=machines,
    )


def _check_families(
    method: Method, factor_ids: Iterable[str], rows: Iterable[Activity], context: Mapping[str, Any]
) -> None:
    """Attributes that are part of a factor's id, such as ``device``, have to name a family that exists."""
    for name, known in _families(method, factor_ids).items():
        said = [("The context", context.get(name)), *((row.entity, row.attribute(name)) for row in rows)]
        for where, value in said:
            if value is not None and value not in known:
                raise ActivityError(
                    f"{where}: {name} is '{value}', for which {method.method_id} has no factors.",
                    repair=f"Use {', '.join(sorted(known))}.",
                    culprit=name,
                )


def _families(method: Method, factor_ids: Iterable[str]) -> dict[str, set[str]]:
    """Attribute -> values that complete the id of some factor that the method binds."""
    steps = [step for rule in method.rules for step in rule.steps] + [d.step for d in method.derivations]
    bindings = (option for step in steps for binding in step.bind.values() for option in binding.options)
    names = {binding.name for binding in bindings if binding.placeholders}
    patterns = [_pattern(name) for name in names]
    found: dict[str, set[str]] = {name: set() for pattern in patterns for name in pattern.groupindex}
    for factor_id in factor_ids:
        for pattern in patterns:
            if match := pattern.fullmatch(factor_id):
                for name, value in match.groupdict().items():
                    found[name].add(value)
    return found


def _pattern(name: str) -> re.Pattern[str]:
    """A factor's id with gaps, as a pattern that finds what fills them; a repeated gap is filled by the same word."""
    text = re.escape(name)
    for gap in dict.fromkeys(re.findall(r"{(\w+)}", name)):
        hole = re.escape(f"{{{gap}}}")
        text = text.replace(hole, rf"(?P<{gap}>[\w-]+)", 1).replace(hole, f"(?P={gap})")
    return re.compile(text)


def evaluate_document(workspace: Workspace, document: Any, method_ids: Sequence[str]) -> dict[str, Any]:
    """The output of ``lichen evaluate``: one method's result, or ``results`` and ``comparison`` of several."""
    methods = [workspace.method(method_id) for method_id in method_ids]
    rows, context = parse_document(workspace, document)
    on = as_of(document)
    evaluations = [evaluate_activities(workspace, method, rows, context, on=on) for method in methods]
    results = [evaluation.to_json() for evaluation in evaluations]
    return results[0] if len(results) == 1 else {"results": results, "comparison": compare_document(evaluations)}


def restated(run: Mapping[str, Any], evaluation: Evaluation) -> tuple[str, ...]:
    """A sentence when a run is seen through other factors, or another version of its method, than when it was measured.

    Args:
        run: content of the run file; one without a hash of its factors was written before they were kept.
        evaluation: of the run's activities.
    """
    then, method = run["method"], evaluation.method
    other_factors = then.get("factors_hash", evaluation.factors_hash) != evaluation.factors_hash
    other_version = then["id"] == method.method_id and then["version"] != method.version
    return (RESTATED,) if other_factors or other_version else ()


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
        "validity_fr": method.validity_fr,
        "licence": method.licence,
        "sources": list(method.sources),
        "known_defects": list(method.known_defects),
        "known_defects_fr": list(method.known_defects_fr),
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
                    "bind": {arg: str(binding) for arg, binding in step.bind.items()},
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
                "bind": {arg: str(binding) for arg, binding in d.step.bind.items()},
            }
            for d in method.derivations
        ],
        "not_covered": dict(method.reasons),
        "not_covered_fr": {**method.reasons, **method.reasons_fr},
    }
