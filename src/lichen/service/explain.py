# SPDX-License-Identifier: Apache-2.0
"""Opens a figure: from the impact down to formula, factors, sources, activity and raw counters."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from lichen.collect.entities import parse_entity
from lichen.errors import StorageError, UsageError
from lichen.ledger import runfile
from lichen.ledger.runfile import RunFile
from lichen.model import registry, uncertainty
from lichen.model.results import Computed, Evaluation, add, shares
from lichen.records import Activity, Factor
from lichen.service.derivation import Derivations, step
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.figure_ids import HEADLINE, at, folded, known
from lichen.service.restated import view_of
from lichen.service.sci import FORMULA, NAME, climate_rows, sci_of
from lichen.service.summary import HIDDEN, JourneyFigures
from lichen.service.workspace import Workspace

_MIN_PREFIX: Final = 6
_ID: Final = re.compile("[0-9a-f]{6,64}")
_ID_IN_NAME: Final = 12
"""Characters of a run's id in the name of its file."""
_OLDER_LOOKED_AT: Final = 20
_SENSITIVE_SHOWN: Final = 5
_SENSITIVE: Final = 0.01
"""Share of a variance below which a factor is not named."""
_SCI_FROM: Final[Mapping[str, str]] = {"grid_gco2e_per_kwh": "mean", "functional_units": "count"}
"""Arguments of the score that are no sum of impacts."""
_SLASHES_OF_A_PART: Final = 2
"""In ``JOURNEY/STEP/PART``: below, a counter that all parts share is read from one of them."""


def explain(
    workspace: Workspace,
    figure_id: str,
    run: Path | str | None = None,
    method_id: str | None = None,
    *,
    words: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The derivation of a figure.

    Args:
        figure_id: an impact's id (or its first six or more characters), or ``JOURNEY[/STEP[/PART]][#NAME]`` with the name of an
            indicator (``gwp100`` when none is named), ``sci``, or of a counter.
        run: run file, or the beginning of a run's id; the newest of the runs folder when None.
        method_id: method to look through; that of the run's newest restatement, or else its own, when None.
        words: folded words (`folded`) that stand for a name, such as the headings of the tables.

    Returns:
        A tree: the run, the method, notes (one when history is restated) and the figure with its two intervals; for a sum, its
        terms from the largest; for each impact its formula chain with every argument's value, range, source, and the raw values
        of each sample. For a counter, its rows with the raw values of each sample, and the host.

    Raises:
        UsageError: nothing in the run has this id.
        StorageError: there is no run, or it cannot be read.
    """
    opened = open_run(workspace, run)
    view = view_of(workspace, opened, method_id)
    method = workspace.method(view.method_id)
    rows, context = parse_document(workspace, opened.content)
    evaluation = evaluate_activities(view.workspace, method, rows, context, on=view.on)
    head = {
        "run_id": opened.run_id,
        "run_path": str(opened.path),
        "method": {"id": method.method_id, "version": method.version, "factors_hash": evaluation.factors_hash},
        "notes": list(view.notes(evaluation)),
        "restatement": view.first(opened.run_id),
    }
    explainer = _Explainer(view.workspace, evaluation, rows, opened, view.on)
    chosen, place = _by_id(evaluation, figure_id), ""
    if not chosen:
        place, _, word = figure_id.partition("#")
        quantities = [row.quantity for row in rows if row.quantity not in HIDDEN]
        holds = known((row.entity for row in rows), workspace.nomenclature, quantities, words or {})
        if not holds.is_place(place):
            older = _older(workspace, opened, place) if run is None else ""
            raise holds.unknown_place(opened.run_id, place, older)
        if folded(word) == NAME:
            return head | {"figure": explainer.sci(figure_id, place)}
        name = holds.name(place, word)
        if name not in holds.indicators:
            return head | {"figure": explainer.counter(figure_id, place, name)}
        chosen = [
            c
            for c in evaluation.computed
            if c.impact.indicator == name and c.impact.accounting == method.accounting and at(c.impact.entity, place)
        ]
        if not chosen:
            raise UsageError(
                f"{method.method_id} gives no {name} for '{place}'.",
                repair=f"Indicators: {', '.join(method.indicators)}. Counters: {', '.join(holds.quantities)}.",
                culprit=figure_id,
            )
    if len(chosen) == 1:
        return head | {"figure": explainer.single(chosen[0])}
    return head | {"figure": explainer.total(figure_id, place, chosen)}


def open_run(workspace: Workspace, run: Path | str | None) -> RunFile:
    """A run by its file or by the beginning of its id; the newest when None.

    Raises:
        StorageError: there is none, or it cannot be read.
    """
    folder = Path(workspace.settings.output.runs)
    if run is None:
        newest = next(runfile.find(folder), None)
        if newest is None:
            raise StorageError(
                f"There is no run in {folder}.",
                repair="Measure first (lichen measure), or name one with --run.",
                culprit=str(folder),
            )
        return runfile.read(newest)
    path = Path(run)
    if not path.exists() and _ID.fullmatch(str(run)):
        wanted = str(run)[:_ID_IN_NAME]
        found = [one for one in runfile.find(folder) if _id_of(one).startswith(wanted)]
        if not found:
            raise StorageError(
                f"There is no run {run} in {folder}.",
                repair="Give the path of its file to --run.",
                culprit=str(run),
            )
        path = found[0]
    return runfile.read(path)


def _id_of(path: Path) -> str:
    """The beginning of a run's id, which its file's name ends with."""
    return path.name.removesuffix(runfile.SUFFIX).rpartition("-")[2]


def _older(workspace: Workspace, opened: RunFile, place: str) -> str:
    """The newest of the older runs that holds a place; empty when none of those looked at does."""
    paths = (path for path in runfile.find(Path(workspace.settings.output.runs)) if path.name != opened.path.name)
    for path in itertools.islice(paths, _OLDER_LOOKED_AT):
        try:
            activities = runfile.read(path).content["activities"]
        except StorageError:
            continue
        if any(at(row["entity"], place) for row in activities):
            return _id_of(path)
    return ""


def _by_id(evaluation: Evaluation, figure_id: str) -> list[Computed]:
    if len(figure_id) < _MIN_PREFIX:
        return []
    return [c for c in evaluation.computed if c.impact.impact_id.startswith(figure_id)]


class _Explainer:
    def __init__(
        self, workspace: Workspace, evaluation: Evaluation, rows: Sequence[Activity], run: RunFile, on: date | None
    ) -> None:
        self.workspace = workspace
        self.evaluation = evaluation
        self.rows = rows
        self.run = run
        self.derivations = Derivations(workspace, evaluation, rows, run, on)

    def total(self, name: str, place: str, chosen: Sequence[Computed]) -> dict[str, Any]:
        """A sum, its terms from the largest, and what its range comes from."""
        value, draws, samples = add(chosen)
        low, high = uncertainty.enclosing(value, *uncertainty.bounds(draws))
        indicator = chosen[0].impact.indicator
        return {
            "name": name,
            "indicator": indicator,
            "value": value,
            "low": low,
            "high": high,
            "unit": chosen[0].impact.unit,
            "samples": list(samples),
            "shares": shares(chosen),
            "range_from": self.range_from(indicator, place),
            "terms": self.terms(chosen, value),
        }

    def terms(self, chosen: Sequence[Computed], value: float) -> list[dict[str, Any]]:
        """Impacts of a sum, from the largest."""
        return [self.derivations.impact(term, share_of=value) for term in sorted(chosen, key=lambda c: -c.impact.value)]

    def single(self, computed: Computed) -> dict[str, Any]:
        """One impact, and what its range comes from."""
        found = uncertainty.variance_shares(computed.draw(), dict.fromkeys(computed.impact.factors))
        return self.derivations.impact(computed) | {"range_from": _sensitive(found)}

    def range_from(self, indicator: str, place: str) -> list[dict[str, Any]]:
        """The factors that the range of a sum comes from: each with its share of the variance, the largest first."""
        found = self.evaluation.sensitivity(indicator, lambda entity: "" if at(entity, place) else None)
        return _sensitive(found.get("", ()))

    def sci(self, name: str, place: str) -> dict[str, Any]:
        """The Software Carbon Intensity of a place: its formula, what each letter stands for, and the impacts behind it."""
        entities = (parse_entity(row.entity) for row in self.rows if at(row.entity, place))
        journey = next((entity.journey for entity in entities if entity), "")
        record = next((one for one in self.run.content["journeys"] if one["name"] == journey), None)
        if record is None:
            raise UsageError(f"'{place}' is not of a journey.", repair="Open JOURNEY#sci.", culprit=name)
        found = sci_of(
            self.evaluation,
            lambda entity: at(entity, place),
            units=record.get("units", 1.0),
            functional_unit=record["functional_unit"],
        )
        if found is None:
            raise UsageError(
                f"{self.evaluation.method.method_id} gives no SCI for '{place}': its climate figure is not energy times "
                "carbon intensity.",
                repair="Look through another method: --method lichen-1.",
                culprit=name,
            )
        arguments = {
            "energy_delivered_kwh": found.energy_kwh, "grid_gco2e_per_kwh": found.grid_gco2e_per_kwh,
            "embodied_gco2e": found.embodied_gco2e, "functional_units": found.units,
        }  # fmt: skip
        formula = registry.get(FORMULA)
        rows = [
            {
                "name": argument,
                "tag": str(formula.arguments[argument]),
                "from": _SCI_FROM.get(argument, "sum"),
                "value": value,
            }
            for argument, value in arguments.items()
        ]
        chosen = climate_rows(self.evaluation, lambda entity: at(entity, place))
        return {
            "name": name,
            "indicator": NAME,
            **found.to_json(),
            "shares": shares(chosen),
            "steps": [step(formula, rows, found.value)],
            "range_from": self.range_from(HEADLINE, place),
            "terms": self.terms(chosen, found.value),
        }

    def counter(self, name: str, place: str, quantity: str) -> dict[str, Any]:
        """A counter as the tables show it, the rows that it is made of, and the machine they were read on."""
        entities = (parse_entity(row.entity) for row in self.rows if at(row.entity, place))
        journey = next((entity.journey for entity in entities if entity), "")
        record = next((one for one in self.run.content["journeys"] if one["name"] == journey), None)
        if record is None:
            raise UsageError(f"'{place}' is not of a journey.", repair="Open JOURNEY#COUNTER.", culprit=name)
        kept = record["sampling"]["kept"]
        figures = JourneyFigures(journey, self.rows, self.evaluation, kept, self.workspace.nomenclature)
        one_part = place.count("/") >= _SLASHES_OF_A_PART
        rows = [
            row
            for row in figures.counted(lambda found: at(found.path, place), one_part=one_part)
            if row.quantity == quantity
        ]
        if not rows:
            raise UsageError(
                f"'{place}' has no counter {quantity}.",
                repair="It does not apply there; open it for the whole journey.",
                culprit=name,
            )
        counter = figures.counter(quantity, rows)
        return {
            "name": name,
            "quantity": quantity,
            **counter.to_json(),
            "kept": list(kept),
            "samples_taken": record["sampling"]["taken"],
            "rows": [{"entity": row.entity, **self.derivations.activity(row)} for row in rows],
            "host": dict(self.run.content["host"]),
        }


def _sensitive(found: Sequence[tuple[Factor, float]]) -> list[dict[str, Any]]:
    """The factors whose share of a variance is worth telling."""
    return [
        {
            "id": factor.factor_id,
            "geography": factor.geography,
            "valid_from": factor.valid_from.isoformat(),
            "share": share,
        }
        for factor, share in found[:_SENSITIVE_SHOWN]
        if share >= _SENSITIVE
    ]
