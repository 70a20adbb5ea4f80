# SPDX-License-Identifier: Apache-2.0
"""Opens a figure: from the impact down to formula, factors, sources, activity and raw counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from lichen.collect.entities import parse_entity
from lichen.errors import StorageError, UsageError
from lichen.ledger import runfile
from lichen.ledger.runfile import RunFile
from lichen.model import registry, uncertainty
from lichen.model.method import Binding, Method, Rule, Step
from lichen.model.results import Computed, Evaluation, add, shares
from lichen.records import Activity, Factor
from lichen.service.evaluation import as_of, evaluate_activities, parse_document, restated
from lichen.service.workspace import Workspace

_MIN_PREFIX: Final = 6
_DEFAULT_INDICATOR: Final = "gwp100"


def explain(
    workspace: Workspace, figure_id: str, run: Path | None = None, method_id: str | None = None
) -> dict[str, Any]:
    """The derivation of a figure.

    Args:
        figure_id: an impact's id (or its first six or more characters), or ``JOURNEY[/STEP[/PART]][#INDICATOR]``
            (``gwp100`` when no indicator is named).
        run: run file; the newest of the runs folder when None.
        method_id: method to look through; the run's own when None.

    Returns:
        A tree: the run, the method, notes (one when history is restated) and the figure with its two intervals; for a sum, its
        terms from the largest; for each impact its formula chain with every argument's value, range, source, and the raw values
        of each sample.

    Raises:
        UsageError: nothing in the run has this id.
        StorageError: there is no run, or it cannot be read.
    """
    opened = _open(workspace, run)
    method = workspace.method(method_id or opened.content["method"]["id"])
    rows, context = parse_document(workspace, opened.content)
    evaluation = evaluate_activities(workspace, method, rows, context, on=as_of(opened.content))
    chosen = _chosen(evaluation, figure_id)
    if not chosen:
        raise UsageError(
            f"Nothing in the run {opened.run_id[:12]} is called '{figure_id}'.",
            repair=f"Give an impact id, or JOURNEY/STEP#INDICATOR. {_known(evaluation)}",
            culprit=figure_id,
        )
    head = {
        "run_id": opened.run_id,
        "run_path": str(opened.path),
        "method": {"id": method.method_id, "version": method.version, "factors_hash": evaluation.factors_hash},
        "notes": list(restated(opened.content, evaluation)),
    }
    explainer = _Explainer(method, rows, opened)
    if len(chosen) == 1:
        return head | {"figure": explainer.impact(chosen[0])}
    return head | {"figure": explainer.total(figure_id, chosen)}


def _open(workspace: Workspace, path: Path | None) -> RunFile:
    if path is not None:
        return runfile.read(path)
    folder = Path(workspace.settings.output.runs)
    newest = next(runfile.find(folder), None)
    if newest is None:
        raise StorageError(
            f"There is no run in {folder}.",
            repair="Measure first (lichen measure), or name one with --run.",
            culprit=str(folder),
        )
    return runfile.read(newest)


def _known(evaluation: Evaluation) -> str:
    entities = [entity for impact in evaluation.impacts if (entity := parse_entity(impact.entity))]
    journeys = dict.fromkeys(entity.journey for entity in entities)
    return f"Journeys: {', '.join(journeys)}." if journeys else ""


def _chosen(evaluation: Evaluation, figure_id: str) -> list[Computed]:
    by_id = [
        c for c in evaluation.computed if len(figure_id) >= _MIN_PREFIX and c.impact.impact_id.startswith(figure_id)
    ]
    if by_id:
        return by_id
    path, _, indicator = figure_id.partition("#")
    wanted = path.split("/")
    found = []
    for computed in evaluation.computed:
        impact, entity = computed.impact, parse_entity(computed.impact.entity)
        if impact.indicator != (indicator or _DEFAULT_INDICATOR):
            continue
        places = [[impact.entity]]
        if entity is not None:
            segments = entity.path.split("/")
            places += [[segments[2]], [segments[2], segments[3]], [segments[2], segments[3], segments[1]]]
        if path == impact.entity or wanted in places:
            found.append(computed)
    return found


class _Explainer:
    def __init__(self, method: Method, rows: Sequence[Activity], run: RunFile) -> None:
        self.rules: Mapping[str, Rule] = {rule.rule_id: rule for rule in method.rules}
        self.method = method
        self.rows = rows
        self.run = run

    def total(self, name: str, chosen: Sequence[Computed]) -> dict[str, Any]:
        """A sum, its terms from the largest."""
        value, draws, samples = add(chosen)
        low, high = uncertainty.bounds(draws)
        terms = sorted(chosen, key=lambda c: -c.impact.value)
        return {
            "name": name,
            "indicator": chosen[0].impact.indicator,
            "value": value,
            "low": low,
            "high": high,
            "unit": chosen[0].impact.unit,
            "samples": list(samples),
            "shares": shares(chosen),
            "terms": [self.impact(term, share_of=value) for term in terms],
        }

    def impact(self, computed: Computed, share_of: float | None = None) -> dict[str, Any]:
        """One impact, its formula chain and what went in."""
        impact = computed.impact
        rule = self.rules[impact.rule]
        formulas = impact.formula.split(" > ")
        steps = list(rule.steps)
        if len(formulas) > len(steps):
            steps += [d.step for d in self.method.derivations if d.indicator == impact.indicator]
        factors = list(impact.factors)
        activities = [
            row
            for row in self.rows
            if row.entity == impact.entity and row.quantity in impact.quantities and row.value is not None
        ]
        return {
            "impact_id": impact.impact_id,
            "entity": impact.entity,
            "indicator": impact.indicator,
            "phase": impact.phase,
            "accounting": impact.accounting,
            "value": impact.value,
            "low": impact.low,
            "high": impact.high,
            "unit": impact.unit,
            "share": impact.value / share_of if share_of else None,
            "rule": impact.rule,
            "steps": [self.step(step, activities, factors) for step in steps],
            "activities": [self.activity(activity) for activity in activities],
        }

    def step(self, step: Step, activities: Sequence[Activity], factors: list[Factor]) -> dict[str, Any]:
        """A formula and the origin of each of its arguments; consumes the factors in the order in which they were used."""
        formula = registry.get(step.formula_id)
        return {
            "formula": formula.formula_id,
            "expression": formula.expression,
            "summary": formula.summary,
            "result": str(formula.result),
            "sources": list(formula.sources),
            "arguments": [
                {"name": name, "tag": str(formula.arguments[name]), **_argument(binding, activities, factors)}
                for name, binding in step.bind.items()
            ],
        }

    def activity(self, activity: Activity) -> dict[str, Any]:
        """The row, its repetitions, and where they lie."""
        kept: Sequence[int] = ()
        entity = parse_entity(activity.entity)
        for journey in self.run.content["journeys"]:
            if entity is not None and journey["name"] == entity.journey:
                kept = journey["sampling"]["kept"]
        return {
            "activity_id": activity.activity_id,
            "quantity": activity.quantity,
            "value": activity.value,
            "unit": activity.unit,
            "method": activity.method,
            "samples": list(activity.samples),
            "kept": list(kept),
            "attributes": dict(activity.attributes),
        }


def _argument(binding: Binding, activities: Sequence[Activity], factors: list[Factor]) -> dict[str, Any]:
    if binding.kind == "factor":
        return {"from": "factor", "factor": factors.pop(0).to_json()}
    if binding.kind == "quantity":
        value = next((row.value for row in activities if row.quantity == binding.name), None)
        return {"from": "quantity", "quantity": binding.name, "value": value}
    return {"from": binding.kind, "name": binding.name}
