# SPDX-License-Identifier: Apache-2.0
"""What a run says of a journey or a step, under the method and the factors in force, with how well it is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Final

from lichen.collect.entities import JourneyEntity, parse_entity
from lichen.ledger.runfile import RunFile
from lichen.model.results import Computed, Evaluation, add
from lichen.records import Activity
from lichen.service.evaluation import as_of, evaluate_activities, parse_document
from lichen.service.sci import NAME as SCI
from lichen.service.sci import UNIT as SCI_UNIT
from lichen.service.sci import climate_rows, sci_of
from lichen.service.summary import JourneyFigures
from lichen.service.workspace import Workspace
from lichen.stats.budgets import Mean
from lichen.stats.sampling import half_width_of_kept

_FINGERPRINT: Final = ("cpu_model", "cpu_count", "architecture")
"""What of a host decides whether times of two runs compare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One figure of a run.

    Attributes:
        mean: None when unknown.
        unit: canonical.
        samples: counted.
    """

    mean: Mean | None
    unit: str
    samples: int


class RunReadings:
    """Figures of a run, each computed when it is asked for.

    Args:
        workspace: its method and factors are applied, not those that the run was measured with.
        run: a run file.
        on: day whose factors are taken; the run's own when None. One day for all runs of a gate, so that new factors are no
            regression.

    Raises:
        ActivityError: the method has no factors for a device or network of the run.
    """

    def __init__(self, workspace: Workspace, run: RunFile, on: date | None = None) -> None:
        self.run = run
        self._workspace = workspace
        self.on = on or as_of(run.content)

    @cached_property
    def _evaluated(self) -> tuple[list[Activity], Evaluation]:
        method = self._workspace.method(self._workspace.settings.method.use)
        rows, context = parse_document(self._workspace, self.run.content)
        return rows, evaluate_activities(self._workspace, method, rows, context, on=self.on)

    @cached_property
    def journeys(self) -> Mapping[str, Mapping[str, Any]]:
        """Records of its journeys and commands, by name."""
        return {journey["name"]: journey for journey in self.run.content["journeys"]}

    @cached_property
    def _figures(self) -> dict[str, JourneyFigures]:
        rows, evaluation = self._evaluated
        return {
            name: JourneyFigures(name, rows, evaluation, journey["sampling"]["kept"], self._workspace.nomenclature)
            for name, journey in self.journeys.items()
        }

    def steps(self, journey: str) -> tuple[str, ...]:
        """Names of a journey's steps."""
        return tuple(step for step in self._figures[journey].steps if step)

    @property
    def factors_hash(self) -> str:
        """Of the factors that are applied."""
        return self._evaluated[1].factors_hash

    def read(self, journey: str, step: str | None, what: str) -> Reading:
        """A figure of a journey of this run, or of one of its steps.

        Args:
            what: quantity or indicator of the nomenclature, or ``sci``.
        """
        kept = self.journeys[journey]["sampling"]["kept"]
        samples = int(self.journeys[journey]["sampling"]["taken"])
        nomenclature = self._workspace.nomenclature

        def inside(entity: JourneyEntity) -> bool:
            return entity.journey == journey and (step is None or entity.step == step)

        if what == SCI or what in nomenclature.names("indicator"):
            unit = SCI_UNIT if what == SCI else nomenclature.indicator(what).unit
            return Reading(mean=self._impact(journey, inside, what, kept), unit=unit, samples=samples)
        figures, unit = self._figures[journey], nomenclature.quantity(what).unit
        rows = [row for row in figures.counted(inside, one_part=False) if row.quantity == what]
        if not rows:
            return Reading(mean=None, unit=unit, samples=samples)
        counter = figures.counter(what, rows)
        half = 0.0 if counter.exact else counter.half_width
        mean = None if counter.value is None else Mean(counter.value, half, len(kept))
        return Reading(mean=mean, unit=unit, samples=samples)

    def _impact(
        self, journey: str, inside: Callable[[JourneyEntity], bool], what: str, kept: Sequence[int]
    ) -> Mean | None:
        evaluation = self._evaluated[1]
        if what == SCI:

            def within(path: str) -> bool:
                entity = parse_entity(path)
                return entity is not None and inside(entity)

            score = sci_of(evaluation, within, functional_unit=self.journeys[journey]["functional_unit"])
            return None if score is None else _mean(climate_rows(evaluation, within), kept)
        rows = [c for entity, c in self._figures[journey].computed if inside(entity) and c.impact.indicator == what]
        if not rows or (len(rows) > 1 and not self._workspace.nomenclature.indicator(what).additive):
            return None
        return _mean(rows, kept)


def _mean(rows: Sequence[Computed], kept: Sequence[int]) -> Mean:
    value, _, samples = add(rows)
    return Mean(value, half_width_of_kept(samples, kept) if samples else None, len(kept))


def fingerprint(content: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be equal for the times of two runs to compare: machine, browser with its set-up, and Lichen."""
    return {
        **{f"host.{name}": content["host"].get(name) for name in _FINGERPRINT},
        "browser": content["browser"],
        "settings": content["settings"],
        "lichen_version": content["lichen_version"],
    }
