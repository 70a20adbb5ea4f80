# SPDX-License-Identifier: Apache-2.0
"""Runs, or a comparison, held to the budgets of lichen.toml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from lichen.config import Settings
from lichen.config.names import nearest
from lichen.errors import NothingMeasured, UsageError
from lichen.ledger import runfile
from lichen.service.gating.accepting import apply_acceptances, read_acceptances
from lichen.service.gating.baseline import Baseline
from lichen.service.gating.deciding import Draft, concluded, hold_effect, hold_increase, hold_maximum, regression
from lichen.service.gating.outcome import REGRESSION, Acceptance, Check, GateResult, Note, outcome_of
from lichen.service.gating.readings import RunReadings
from lichen.service.gating.remote import fetch_baseline
from lichen.service.gating.rules import Bound, bounds_of, place_of
from lichen.service.sci import NAME as SCI
from lichen.service.verdict import JourneyVerdict, Verdict
from lichen.service.workspace import Workspace

_FIGURES_LEFT_OUT: Final = frozenset({"cost", "value"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a gate is asked.

    Attributes:
        runs: run files to hold to the budgets.
        journeys: those of them that count; all when empty.
        verdict: a comparison.
        baseline: run file or folder in place of ``gate.baseline``.
        failed: journeys that failed while they were measured, and why.
        strict: inconclusive fails, whatever ``gate.on_inconclusive`` says.
        today: what acceptances are held against.
    """

    today: date
    runs: Sequence[Path] = ()
    journeys: Sequence[str] = ()
    verdict: Verdict | None = None
    baseline: Path | None = None
    failed: Mapping[str, str] = field(default_factory=dict)
    strict: bool = False


def check_gate(workspace: Workspace) -> None:
    """Makes sure that budgets and acceptances can be held against something, before anything is measured.

    Raises:
        ConfigError: a budget names what does not exist; an acceptance is not whole.
        StorageError: the file of acceptances cannot be read.
    """
    settings = workspace.settings
    bounds_of(settings, workspace.nomenclature, {journey.name: None for journey in settings.journeys})
    _acceptances(workspace)


def nothing_to_measure(workspace: Workspace, why: str) -> GateResult:
    """A gate that passes because no journey was asked for.

    Args:
        why: key of the note that says so.
    """
    settings = workspace.settings
    return GateResult(outcome="pass", project=settings.project.name, checks=(), notes=(Note(key=why),))


def _acceptances(workspace: Workspace) -> tuple[Acceptance, ...]:
    settings = workspace.settings
    return read_acceptances(settings.gate.accept, (REGRESSION, *(budget.code for budget in settings.budgets)))


def gate(workspace: Workspace, order: Order) -> GateResult:
    """Holds what was measured to the budgets.

    Returns:
        One check per budget and journey, and one per journey of a comparison.

    Raises:
        ConfigError: a budget names what does not exist; an acceptance is not whole.
        StorageError: a run file, the baseline or the file of acceptances cannot be read.
        UsageError: two runs have one journey, or a journey asked for is in none.
        NothingMeasured: there is neither a run, nor a comparison, nor a journey that failed.
        ActivityError, MethodError: the method of the settings does not fit a run.
    """
    settings, verdict = workspace.settings, order.verdict
    acceptances = _acceptances(workspace)
    heads = _heads([RunReadings(workspace, runfile.read(path)) for path in order.runs])
    compared = {} if verdict is None else {journey.journey: journey for journey in verdict.journeys}
    heads, compared = _chosen(order.journeys, heads, compared)
    if not heads and not compared and not order.failed:
        raise NothingMeasured(
            "There is nothing to hold to the budgets.",
            repair="Give --run FILE, --verdict FILE or a journey.",
            culprit="gate",
        )
    steps: dict[str, Sequence[str] | None] = {name: head.steps(name) for name, head in heads.items()}
    present = {name: steps.get(name) for name in (*heads, *compared)}
    bounds = bounds_of(settings, workspace.nomenclature, present)
    places = _places(settings)
    drafts = [
        regression(journey, verdict.delta, places.get(journey.journey, ("", 0)))
        for journey in compared.values()
        if verdict is not None
    ]
    drafts += _held(workspace, order, bounds, heads, compared)
    checks, unused = apply_acceptances(concluded(drafts), acceptances, order.today)
    runs = {head.run.run_id: head for head in heads.values()}
    return GateResult(
        outcome=outcome_of(checks, order.failed),
        project=settings.project.name,
        checks=checks,
        notes=tuple(_notes(settings.budgets, checks, unused, verdict)),
        strict=order.strict or settings.gate.on_inconclusive == "fail",
        quiet=settings.gate.on_inconclusive == "pass" and not order.strict,
        started_at=max((head.run.content["started_at"] for head in runs.values()), default=""),
        method=_method(workspace, list(runs.values()), verdict),
        runs=tuple(runs),
        failed=dict(order.failed),
        figures={name: _figures(workspace, head, name) for name, head in heads.items()},
        verdict=verdict,
    )


def _places(settings: Settings) -> dict[str, tuple[str, int]]:
    """Where each journey is declared."""
    return {
        journey.name: place_of(settings, f"journey.{position}.name")
        for position, journey in enumerate(settings.journeys)
    }


def _heads(runs: Sequence[RunReadings]) -> dict[str, RunReadings]:
    found: dict[str, RunReadings] = {}
    for run in runs:
        for name in run.journeys:
            other = found.setdefault(name, run)
            if other is not run and other.run.run_id != run.run.run_id:
                raise UsageError(
                    f"The journey '{name}' is in {other.run.path} and in {run.run.path}.",
                    repair="Give one of them; earlier runs belong to gate.baseline.",
                    culprit=name,
                )
    return found


def _chosen(
    asked: Sequence[str], heads: dict[str, RunReadings], compared: dict[str, JourneyVerdict]
) -> tuple[dict[str, RunReadings], dict[str, JourneyVerdict]]:
    for name in asked:
        if name not in heads and name not in compared:
            raise UsageError(
                f"The journey '{name}' is in none of what is held to the budgets.",
                repair=nearest(name, dict.fromkeys((*heads, *compared)), valid_are="There are"),
                culprit=name,
            )
    wanted = set(asked)
    if not wanted:
        return heads, compared
    return (
        {name: head for name, head in heads.items() if name in wanted},
        {name: one for name, one in compared.items() if name in wanted},
    )


def _held(
    workspace: Workspace,
    order: Order,
    bounds: Sequence[Bound],
    heads: Mapping[str, RunReadings],
    compared: Mapping[str, JourneyVerdict],
) -> Iterator[Draft]:
    settings = workspace.settings
    place = order.baseline or settings.gate.baseline or Path(settings.output.runs)
    held_to_history = any(
        bound.increase is not None and name not in compared for bound in bounds for name in bound.journeys
    )
    if settings.gate.baseline_from_server and order.baseline is None and held_to_history:
        place = fetch_baseline(settings)
    baseline = Baseline(workspace, place, [head.run.run_id for head in heads.values()])
    for bound in bounds:
        for name in bound.journeys:
            if bound.maximum is not None:
                yield hold_maximum(bound, name, heads.get(name))
            if bound.increase is not None:
                if name in compared:
                    yield hold_effect(bound, compared[name])
                else:
                    yield hold_increase(bound, name, heads[name], baseline.of(name, heads[name]))


def _notes(
    budgets: Sequence[Any], checks: Sequence[Check], unused: Sequence[Acceptance], verdict: Verdict | None
) -> Iterator[Note]:
    if not budgets and verdict is None:
        yield Note(key="no_budget")
    if any(check.reason == "no_history" for check in checks):
        yield Note(key="no_history")
    for acceptance in unused:
        yield Note(key="unused", values={"code": acceptance.code, "journey": acceptance.journey})


def _method(workspace: Workspace, runs: Sequence[RunReadings], verdict: Verdict | None) -> dict[str, str]:
    if verdict is not None and not runs:
        return {**verdict.method, "factors_hash": verdict.factors_hash}
    method = workspace.method(workspace.settings.method.use)
    return {"id": method.method_id, "version": method.version, "factors_hash": workspace.factors.hash()}


def _figures(workspace: Workspace, head: RunReadings, journey: str) -> dict[str, dict[str, Any]]:
    nomenclature = workspace.nomenclature
    names = dict.fromkeys((*nomenclature.names("indicator"), SCI, *nomenclature.names("quantity")))
    found = {}
    for name in names:
        if name not in _FIGURES_LEFT_OUT and (reading := head.read(journey, None, name)).mean is not None:
            mean = reading.mean
            found[name] = {"value": mean.value, "half_width": mean.half_width, "unit": reading.unit}
    return found
