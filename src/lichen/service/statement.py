# SPDX-License-Identifier: Apache-2.0
"""What a run says under a model, in few numbers: kept when it is measured, compared when history is restated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from lichen.collect.entities import parse_entity
from lichen.errors import LichenError
from lichen.model.results import Evaluation
from lichen.service.evaluation import as_of, evaluate_activities, parse_document
from lichen.service.result import Indicator
from lichen.service.summary import JourneyFigures
from lichen.service.workspace import Workspace

Figure = Mapping[str, Any]
"""``value``, ``low`` and ``high`` (model range), ``use``, ``embodied``, ``unit``; of one functional unit."""
Figures = Mapping[str, Figure]
"""Indicator -> figure. An indicator that nothing covers is absent, never zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A quantity that has no figure: the first entity that lacks it, and why (in English)."""

    entity: str
    quantity: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Figures of a run.

    Attributes:
        method: id, version and factors_hash that gave them.
        journeys: name of the journey or command -> its figures.
        gaps: journey -> what could not be turned into figures, and why; what the method leaves out by design is no gap.
    """

    method: Mapping[str, str]
    journeys: Mapping[str, Figures]
    gaps: Mapping[str, tuple[Gap, ...]]


def state(workspace: Workspace, run: Mapping[str, Any], method_id: str, on: date | None = None) -> Statement:
    """Figures of a run under a method and the workspace's factors.

    Args:
        run: content of a run file.
        on: day whose factor vintage is used; the day of the run when None.

    Raises:
        MethodError: there is no such method, or it does not fit the factors.
        ActivityError: the method has no factors for a device or network of the run.
    """
    method = workspace.method(method_id)
    rows, context = parse_document(workspace, run)
    evaluation = evaluate_activities(workspace, method, rows, context, on=on or as_of(run))
    journeys = {}
    for journey in run["journeys"]:
        name = journey["name"]
        figures = JourneyFigures(name, rows, evaluation, journey["sampling"]["kept"], workspace.nomenclature)
        journeys[name] = {
            indicator: _figure(found)
            for indicator, found in figures.indicators(lambda _: True).items()
            if workspace.nomenclature.indicator(indicator).additive
        }
    return Statement(
        method={"id": method.method_id, "version": method.version, "factors_hash": evaluation.factors_hash},
        journeys=journeys,
        gaps={name: _gaps(evaluation, name) for name in journeys},
    )


def with_figures(workspace: Workspace, run: dict[str, Any]) -> dict[str, Any]:
    """The content of a new run file with the figures that it is first published with, which stay whatever is restated.

    Where the model cannot give any, the run is kept without: measuring was not in vain, and the error comes when it is shown.
    """
    try:
        stated = state(workspace, run, run["method"]["id"])
    except LichenError:
        return run
    return {**run, "figures": {name: dict(figures) for name, figures in stated.journeys.items()}}


def _figure(found: Indicator) -> Figure:
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "use": found.use,
        "embodied": found.embodied,
        "unit": found.unit,
    }


def _gaps(evaluation: Evaluation, journey: str) -> tuple[Gap, ...]:
    found: dict[tuple[str, str], Gap] = {}
    for row in evaluation.not_covered:
        entity = parse_entity(row.entity)
        if not row.by_design and entity is not None and entity.journey == journey:
            gap = Gap(entity=row.entity, quantity=row.quantity, reason=row.reason)
            found.setdefault((row.quantity, row.reason), gap)
    return tuple(found.values())
