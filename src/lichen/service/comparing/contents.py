# SPDX-License-Identifier: Apache-2.0
"""The pairs of a side as the content of a run file: what both sides are computed from, by the one way there is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lichen.collect.entities import BROWSER
from lichen.collect.rows import primary_s
from lichen.service.comparing.pairs import PairSeries
from lichen.service.comparing.sides import Side
from lichen.service.places import places_of
from lichen.service.record import Measured, RunFacts, run_content
from lichen.service.workspace import Workspace
from lichen.stats.sampling import SamplingPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the runs of both sides share: fingerprints of machine and browser, and the method."""

    workspace: Workspace
    host: Mapping[str, Any]
    browser: Mapping[str, Any]
    settings: Mapping[str, Any]
    method: Mapping[str, str]
    discard: int

    def facts(self, side: Side) -> RunFacts:
        """Of a side's run file."""
        settings = side.settings
        context = settings.context
        return RunFacts(
            project=settings.project.name,
            functional_unit=context.functional_unit,
            method=self.method,
            places=places_of(settings, side.parts),
            host=self.host,
            browser=self.browser,
            settings=self.settings,
            context={"zone": context.zone, "device": context.device, "network": context.network},
            meters=settings.meters,
        )

    def content(self, side: Side, series: Sequence[PairSeries], started_at: str, ended_at: str) -> dict[str, Any]:
        """The run file of a side's journeys; every run of it counts.

        Args:
            series: with one pair at least.
            started_at, ended_at: the same for both sides, so that the same factors hold for them.
        """
        place = 0 if side.name == "base" else 1
        measured = [self._measured(side, one, place) for one in series]
        return run_content(self.facts(side), started_at, ended_at, measured, self.workspace.nomenclature)

    def _measured(self, side: Side, one: PairSeries, place: int) -> Measured:
        samples = tuple(one.samples[place])
        count = len(samples)
        return Measured(
            journey=one.journeys[place],
            plan=SamplingPlan(minimum=count, maximum=count, target=None, max_s=math.inf),
            discarded=self.discard,
            samples=samples,
            primary_s=tuple(primary_s(sample, (BROWSER, *side.parts)) for sample in samples),
            elapsed_s=one.elapsed_s,
        )
