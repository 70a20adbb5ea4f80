# SPDX-License-Identifier: Apache-2.0
"""From a run and a method to the tree of figures that is shown. The report computes nothing of its own."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from lichen.collect.entities import BROWSER, JourneyEntity, parse_entity
from lichen.errors import ActivityError
from lichen.factors.store import UNKNOWN_PLACE
from lichen.ledger.runfile import RunFile
from lichen.model import uncertainty
from lichen.model.results import Computed, Evaluation, add, shares
from lichen.nomenclature import Nomenclature
from lichen.records import ID_SHOWN, Activity, NotCovered
from lichen.service.comparison import Comparison, compare, journey_of
from lichen.service.composition import Composition, compose
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.restated import view_of
from lichen.service.result import (
    Counter,
    Figures,
    Indicator,
    JourneyResult,
    PartResult,
    RequestRow,
    Result,
    Sampling,
    StepResult,
)  # fmt: skip
from lichen.service.sci import sci_of
from lichen.service.unknown import with_causes
from lichen.service.workspace import Workspace
from lichen.stats.sampling import half_width_of_kept

TOP_REQUESTS: Final = 10
_ELECTRICITY: Final = "grid."
"""What the ids of factors begin with that say what a delivered kWh costs at a place."""
_DATED: Final = re.compile(r" \d{4}\b")
"""A year, or an hour, behind the place that was asked: the row is of another time."""
HEADLINE: Final = "gwp100"
"""The indicator whose composition is told."""
_ONCE: Final = frozenset({"window_time", "screen_time", "network_bytes"})
"""Read from one part alone: time passes once for all parts, and what a server receives is what the browser has sent."""
HIDDEN: Final = frozenset({"cpu_time_share"})

Where = Callable[[JourneyEntity], bool]


class JourneyFigures:
    """Figures of one journey: filters rows by part and step, and adds them up. ``where`` says which entities count."""

    def __init__(
        self,
        name: str,
        rows: Sequence[Activity],
        evaluation: Evaluation,
        kept: Sequence[int],
        nomenclature: Nomenclature,
    ) -> None:
        self.nomenclature = nomenclature
        self.kept = kept
        self.rows = [(entity, row) for row in rows if (entity := parse_entity(row.entity)) and entity.journey == name]
        self.computed = [
            (entity, c)
            for c in evaluation.computed
            # Location and market are two accounts of the same electricity: a sum takes one of them.
            if c.impact.accounting == evaluation.method.accounting
            and (entity := parse_entity(c.impact.entity))
            and entity.journey == name
        ]
        self.parts = list(dict.fromkeys(entity.part for entity, _ in self.rows))
        self.steps = list(dict.fromkeys(entity.step for entity, _ in self.rows))
        self.witness = BROWSER if BROWSER in self.parts else next(iter(self.parts), BROWSER)
        self.tiers = {entity.part: str(row.attribute("tier")) for entity, row in self.rows}

    def figures(self, where: Where, *, one_part: bool = False) -> Figures:
        """Counters and indicators of the rows that ``where`` accepts."""
        return Figures(counters=self.counters(where, one_part), indicators=self.indicators(where))

    def counters(self, where: Where, one_part: bool) -> dict[str, Counter]:
        """Counters of the rows that ``where`` accepts."""
        by_quantity: dict[str, list[Activity]] = {}
        for row in self.counted(where, one_part=one_part):
            by_quantity.setdefault(row.quantity, []).append(row)
        return {quantity: self.counter(quantity, rows) for quantity, rows in by_quantity.items()}

    def counted(self, where: Where, *, one_part: bool) -> Iterator[Activity]:
        """The rows that counters are made of."""
        for entity, row in self.rows:
            once = row.quantity in _ONCE and entity.part != self.witness and not one_part
            if where(entity) and not once and row.quantity not in HIDDEN:
                yield row

    def counter(self, quantity: str, rows: Sequence[Activity]) -> Counter:
        """Rows of one quantity as one counter: a sum, or a peak."""
        term = self.nomenclature.quantity(quantity)
        combine = math.fsum if term.additive else max
        values = [
            combine(column) if None not in column else None
            for column in zip(*(row.samples for row in rows), strict=True)
        ]
        known = [row.value for row in rows if row.value is not None]
        value: float | None = None
        if len(known) == len(rows):
            peaks = [v for i in self.kept if (v := values[i]) is not None] if values else []
            value = math.fsum(known) if term.additive else math.fsum(peaks) / len(peaks) if peaks else max(known)
        return Counter(
            quantity=quantity,
            value=value,
            unit=term.unit,
            half_width=half_width_of_kept(values, self.kept) if values else None,
            exact=len(values) > 1 and len(set(values)) == 1 and values[0] is not None,
        )

    def whole(self, units: float) -> Figures | None:
        """Figures of ``units`` functional units; None for one."""
        if units == 1:
            return None
        one = self.figures(lambda _: True)
        return Figures(
            counters={
                name: counter.times(units) if self.nomenclature.quantity(name).additive else counter
                for name, counter in one.counters.items()
            },
            indicators={
                name: found.times(units)
                for name, found in one.indicators.items()
                if self.nomenclature.indicator(name).additive
            },
        )

    def composition(self) -> Composition | None:
        """The climate figure by cause."""
        return compose([(self.tiers[entity.part], c) for entity, c in self.computed if c.impact.indicator == HEADLINE])

    def indicators(self, where: Where) -> dict[str, Indicator]:
        """Indicators of the impacts that ``where`` accepts."""
        by_indicator: dict[str, list[Computed]] = {}
        for entity, computed in self.computed:
            if where(entity):
                by_indicator.setdefault(computed.impact.indicator, []).append(computed)
        names = [name for name in self.nomenclature.names("indicator") if name in by_indicator]
        return {
            name: self.indicator(by_indicator[name])
            for name in names
            if self.nomenclature.indicator(name).additive or len(by_indicator[name]) == 1
        }

    def indicator(self, rows: Sequence[Computed]) -> Indicator:
        """Impacts of one indicator as one figure with its two intervals."""
        value, draws, samples = add(rows)
        low, high = uncertainty.enclosing(value, *uncertainty.bounds(draws))
        first = rows[0].impact
        return Indicator(
            indicator=first.indicator,
            value=value,
            low=low,
            high=high,
            unit=first.unit,
            use=math.fsum(row.impact.value for row in rows if row.impact.phase == "use"),
            embodied=math.fsum(row.impact.value for row in rows if row.impact.phase == "embodied"),
            half_width=half_width_of_kept(samples, self.kept) if samples else None,
            shares=shares(rows),
            impact_ids=tuple(row.impact.impact_id for row in sorted(rows, key=lambda row: -row.impact.value)),
        )

    def part(self, name: str, where: Where) -> PartResult:
        """A part with its figures."""
        figures = self.figures(lambda entity: entity.part == name and where(entity), one_part=True)
        return PartResult(name=name, tier=self.tiers[name], figures=figures)

    def step(self, name: str) -> StepResult:
        """A step with its figures and its parts."""

        def inside(entity: JourneyEntity) -> bool:
            return entity.step == name

        return StepResult(
            name=name, figures=self.figures(inside), parts=tuple(self.part(part, inside) for part in self.parts)
        )


def top_requests(rows: Iterable[Mapping[str, Any]], count: int = TOP_REQUESTS) -> tuple[RequestRow, ...]:
    """The largest requests, those for one address counted together."""
    merged: dict[str, dict[str, Any]] = {}
    for row in rows:
        cell = merged.setdefault(row["url"], {**row, "count": 0, "network_bytes": 0})
        cell["count"] += row.get("count", 1)
        known = cell["network_bytes"] is not None and row["network_bytes"] is not None
        cell["network_bytes"] = cell["network_bytes"] + row["network_bytes"] if known else None
    largest = sorted(merged.values(), key=lambda cell: (-(cell["network_bytes"] or 0), cell["url"]))[:count]
    return tuple(
        RequestRow(
            url=cell["url"], host=cell["host"], party=cell["party"], kind=cell["kind"], step=cell["step"],
            network_bytes=cell["network_bytes"], count=cell["count"],
        )
        for cell in largest
    )  # fmt: skip


def _third_party_bytes(rows: Sequence[Mapping[str, Any]]) -> int | None:
    third = [row["network_bytes"] for row in rows if row["party"] == "third"]
    return None if any(value is None for value in third) else sum(third)


def _journey_result(
    journey: Mapping[str, Any], rows: Sequence[Activity], evaluation: Evaluation, comparison: Comparison | None
) -> JourneyResult:
    sampling, nomenclature = journey["sampling"], evaluation.nomenclature
    figures = JourneyFigures(journey["name"], rows, evaluation, sampling["kept"], nomenclature)
    left_out = [row for row in evaluation.not_covered if _journey_of(row) == journey["name"]]
    return JourneyResult(
        name=journey["name"],
        source=journey["source"],
        functional_unit=journey["functional_unit"],
        sampling=Sampling(
            taken=sampling["taken"], discarded=sampling["discarded"], primary_s=tuple(sampling["primary_s"]),
            kept=tuple(sampling["kept"]), precision=sampling["precision"], target=sampling["target"], cv=sampling["cv"],
            status=sampling["status"],
        ),
        figures=figures.figures(lambda _: True),
        parts=tuple(figures.part(part, lambda _: True) for part in figures.parts),
        steps=tuple(figures.step(step) for step in figures.steps),
        top_requests=top_requests(journey["requests"]),
        third_party_bytes=_third_party_bytes(journey["requests"]),
        not_covered=with_causes(_compact(row for row in left_out if not row.by_design), journey.get("unknown", ())),
        by_design=_compact(row for row in left_out if row.by_design),
        notes=tuple(journey["notes"]),
        agent_cpu_s=journey["agent_cpu_s"],
        driver_cpu_s=journey["driver_cpu_s"],
        kind="command" if journey.get("kind") == "command" else "journey",
        units=journey.get("units", 1.0),
        whole=figures.whole(journey.get("units", 1.0)),
        composition=figures.composition(),
        sci=sci_of(
            evaluation,
            lambda path: journey_of(path) == journey["name"],
            units=journey.get("units", 1.0),
            functional_unit=journey["functional_unit"],
        ),
        comparison=comparison,
    )  # fmt: skip


def _journey_of(row: NotCovered) -> str | None:
    entity = parse_entity(row.entity)
    return entity.journey if entity else None


def _compact(rows: Iterable[NotCovered]) -> tuple[Mapping[str, Any], ...]:
    """One row per part, quantity and reason: the steps of a part lack the same things."""
    seen: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    for row in rows:
        entity = parse_entity(row.entity)
        part = entity.part if entity else row.entity
        seen.setdefault(
            (part, row.quantity, row.reason),
            {
                "part": part, "quantity": row.quantity, "reason": row.reason, "code": row.code,
                "arguments": dict(row.arguments),
            },
        )  # fmt: skip
    return tuple(seen.values())


def fallbacks(evaluation: Evaluation) -> tuple[str, ...]:
    """One sentence per place that stood in for another: for all factors of electricity, and for each other factor."""
    seen: dict[str, None] = {}
    for impact in evaluation.impacts:
        for factor in impact.factors:
            if not factor.fallback:
                continue
            asked, place = factor.fallback[0], factor.geography
            if _DATED.search(asked):
                place = f"{place} {factor.valid_from.year}"
            if not factor.factor_id.startswith(_ELECTRICITY):
                seen[f"{factor.factor_id}: no value for {asked}, {place} stands in"] = None
            elif asked == UNKNOWN_PLACE:
                seen[f"no place is set (context.zone): the electricity of {place} stands in"] = None
            else:
                seen[f"no figures for the electricity of {asked}: those of {place} stand in"] = None
    return tuple(seen)


def _compared(
    workspace: Workspace, evaluation: Evaluation, rows: Sequence[Activity], context: Mapping[str, Any], on: date | None
) -> dict[str, Comparison]:
    """The headline of each journey beside that of other methods: those of the settings, else all that have something to say."""
    named = workspace.settings.method.compare
    evaluations = [evaluation]
    for method_id in workspace.method_ids() if named is None else named:
        method = workspace.method(method_id)
        speaks = "network_bytes" in method.quantities and HEADLINE in method.indicators
        if method_id == evaluation.method.method_id or not (speaks or named):
            continue
        try:
            evaluations.append(evaluate_activities(workspace, method, rows, context, on=on))
        except ActivityError:  # such as a device that it has no factors for: one that nobody named says nothing then
            if named:
                raise
    found = compare(evaluations, journey_of, [HEADLINE])
    return {row.entity: row if named else row.known() for row in found}


def run_name(workspace: Workspace, run: RunFile) -> str:
    """What opens this run later: the beginning of its id where the settings will find it again, else its path."""
    settings = workspace.settings
    origin = settings.origins.get("output.runs")
    is_found = origin is None or origin.kind != "flag"
    if is_found and run.path.parent.resolve() == Path(settings.output.runs).resolve():
        return run.run_id[:ID_SHOWN]
    return str(run.path)


def summarise(workspace: Workspace, run: RunFile, method_id: str | None = None) -> Result:
    """A run seen through a method; that of its newest restatement, or else the run's own, when None."""
    content, view = run.content, view_of(workspace, run, method_id)
    method = workspace.method(view.method_id)
    rows, context = parse_document(workspace, content)
    evaluation = evaluate_activities(view.workspace, method, rows, context, on=view.on)
    compared = _compared(view.workspace, evaluation, rows, context, view.on)
    return Result(
        run_id=run.run_id,
        run_path=str(run.path),
        project=content["project"],
        started_at=content["started_at"],
        ended_at=content["ended_at"],
        lichen_version=content["lichen_version"],
        host=content["host"],
        browser=content["browser"],
        settings=content["settings"],
        method={
            "id": method.method_id, "version": method.version, "title": dict(method.title),
            "factors_hash": evaluation.factors_hash,
        },
        context=context,
        journeys=tuple(
            _journey_result(journey, rows, evaluation, compared.get(journey["name"])) for journey in content["journeys"]
        ),
        fallbacks=(*view.notes(evaluation), *fallbacks(evaluation)),
        restatement=view.first(run.run_id),
        run_name=run_name(workspace, run),
        named_methods=workspace.settings.method.compare or (),
    )  # fmt: skip
