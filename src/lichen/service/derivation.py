# SPDX-License-Identifier: Apache-2.0
"""The derivation of impacts as a tree: steps, arguments with their values, factors with their sources, activities, raw file.

What was computed is walked, not what the method's file says: each step shows the number that it gave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np

from lichen.collect.entities import parse_entity
from lichen.ledger.runfile import RunFile
from lichen.model.batch import Batch
from lichen.model.chain import Chain, Link
from lichen.model.registry import Formula
from lichen.model.results import Computed, Evaluation
from lichen.records import Activity
from lichen.service.sources import components
from lichen.service.workspace import Workspace


class _Place(NamedTuple):
    """Where an impact was computed."""

    batch: Batch
    row: int
    chain: Chain


class Derivations:
    """Derivations of one evaluation of a run.

    Args:
        workspace: with the factors that were used.
        rows: the run's activities.
        run: their evidence.
        on: day whose factor vintage was used.
    """

    def __init__(
        self, workspace: Workspace, evaluation: Evaluation, rows: Sequence[Activity], run: RunFile, on: date | None
    ) -> None:
        self._workspace = workspace
        self._evaluation = evaluation
        self._rows = rows
        self._run = run
        self._on = on
        self._places = {
            computed.impact.impact_id: place
            for computed, place in zip(evaluation.computed, _places(evaluation), strict=True)
        }

    def impact(self, computed: Computed, share_of: float | None = None) -> dict[str, Any]:
        """One impact, its formula chain and what went in.

        Args:
            share_of: the sum that it is a term of.
        """
        impact = computed.impact
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
            "steps": list(self._steps(self._places[impact.impact_id])),
            "activities": [
                self.activity(row)
                for row in self._rows
                if row.entity == impact.entity and row.quantity in impact.quantities and row.value is not None
            ],
        }

    def activity(self, activity: Activity) -> dict[str, Any]:
        """The row, its repetitions, and the file that they lie in."""
        entity = parse_entity(activity.entity)
        journeys = self._run.content["journeys"]
        journey = next((one for one in journeys if entity is not None and one["name"] == entity.journey), None)
        return {
            "activity_id": activity.activity_id,
            "quantity": activity.quantity,
            "value": activity.value,
            "unit": activity.unit,
            "method": activity.method,
            "samples": list(activity.samples),
            "kept": [] if journey is None else list(journey["sampling"]["kept"]),
            "attributes": dict(activity.attributes),
            "evidence": {
                "run_id": self._run.run_id,
                "file": str(self._run.path),
                "source": None if journey is None else journey["source"],
                "source_sha256": None if journey is None else journey.get("source_sha256"),
            },
        }

    def _steps(self, place: _Place) -> Iterator[dict[str, Any]]:
        batch, row, chain = place
        group = batch.groups[row]

        def value(link: Link, name: str) -> Any:
            source = link.sources[name]
            if source.factor is not None:
                return np.asarray(source.factor.vector) if source.factor.vector else source.factor.value
            if source.kind == "constant":
                return source.value
            if source.kind == "attribute":
                return group.attributes[source.name]
            return group.quantities[source.name].value

        memo: dict[Link, Any] = {}
        with np.errstate(all="ignore"):
            chain.links[-1].run(value, memo)
        for link in chain.links:
            arguments = [
                {
                    "name": name,
                    "tag": str(link.formula.arguments[name]),
                    **self._argument(link, name, chain, value, memo),
                }
                for name in link.sources
            ]
            # A step that the last one does not rest on was not computed.
            yield step(link.formula, arguments, _number(memo[link]) if link in memo else None)

    def _argument(self, link: Link, name: str, chain: Chain, value: Any, memo: Mapping[Link, Any]) -> dict[str, Any]:
        """Where an argument of a formula comes from, and its value; a factor that was made of others shows them."""
        source = link.sources[name]
        if source.factor is not None:
            made_of = components(self._workspace, source.factor, self._on)
            return {
                "from": "factor",
                "value": list(source.factor.vector) or source.factor.value,
                "factor": source.factor.to_json(),
                **({"components": made_of} if made_of else {}),
            }
        if source.link is not None:
            return {"from": "result", "step": chain.links.index(source.link) + 1, "value": _number(memo[source.link])}
        if source.kind == "quantity":
            return {"from": "quantity", "quantity": source.name, "value": value(link, name)}
        return {"from": source.binding.kind, "name": source.name, "value": value(link, name)}


def step(formula: Formula, arguments: Sequence[Mapping[str, Any]], value: float | None) -> dict[str, Any]:
    """A formula as the registry has it, with its arguments and the number that it gave."""
    return {
        "formula": formula.formula_id,
        "expression": formula.expression,
        "summary": formula.summary,
        "result": str(formula.result),
        "value": value,
        "sources": list(formula.sources),
        "arguments": list(arguments),
    }


def _places(evaluation: Evaluation) -> list[_Place]:
    """Where each impact was computed, in the order of `Evaluation.computed`: activities, then rules, then chains."""
    order = {rule.rule_id: place for place, rule in enumerate(evaluation.method.rules)}
    found = [
        ((batch.places[row], order[batch.work.rule.rule_id], number), _Place(batch, row, batch.chain(row, number)))
        for batch in evaluation.batches
        for row in range(len(batch))
        for number in range(len(batch.work.chains))
    ]
    return [place for _, place in sorted(found, key=lambda one: one[0])]


def _number(result: Any) -> float:
    """A formula's result for one row."""
    return float(np.asarray(result).reshape(-1)[0])
