# SPDX-License-Identifier: Apache-2.0
"""The use case: both sides up, their journeys in pairs, a verdict."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from lichen import __version__
from lichen.collect.journeys import driver_session, find_browser
from lichen.collect.machine import Calibrator, describe_host
from lichen.config import Settings
from lichen.errors import ConfigError, MethodError
from lichen.ledger import runfile
from lichen.records import timestamp
from lichen.service.comparing.contents import Circumstances
from lichen.service.comparing.effects import PRIMARY, JourneyEffects, effects_between, journey_series
from lichen.service.comparing.operands import Operand, check_pair, parse_operand
from lichen.service.comparing.pairs import PairSeries, Rule, measure_pairs
from lichen.service.comparing.recorded import compare_recorded
from lichen.service.comparing.sides import Bench, Side, bench_load, open_side
from lichen.service.comparing.verdicts import family_outcomes, journey_verdict, judged, varying
from lichen.service.measure import browser_settings
from lichen.service.places import check_places
from lichen.service.presence import Presence, neighbour_notes
from lichen.service.progress import Progress, Silent
from lichen.service.third_parties import source_of_third_parties
from lichen.service.verdict import JourneyVerdict, OperandFacts, Verdict, worst
from lichen.service.workspace import Workspace

FOLDER: Final = "compare"
"""Below ``output.runs``: runs of a comparison are no history of the application."""
_SECONDS_PER_MINUTE: Final = 60.0
_NO_SERVERS: Final = "the servers behind an address are not measured: only what the browser uses is compared"
_OTHER_PARTS: Final = "the two sides have other server parts: what one of them lacks is no saving"
_NO_METERS: Final = (
    "meters of energy are left out: what they read cannot be told apart between two sites on one machine"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the settings do not say.

    Attributes:
        journeys: names declared in lichen.toml, journey files or addresses; all declared ones when empty.
        allow_different_hosts: recorded runs of different machines, browsers or versions are compared, without a decision.
        on_written: told the path of each run file.
    """

    journeys: tuple[str, ...] = ()
    allow_different_hosts: bool = False
    on_written: Callable[[Path], object] | None = None


def compare(
    workspace: Workspace,
    base: str,
    head: str,
    options: Options | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Compares two versions of a site.

    Args:
        workspace: settings and data; ``[compare]`` says how long and what decides.
        base, head: operands: ``url:…``, ``cmd:…``, ``git:…`` or ``run:…``.
        progress: told what happens.

    Returns:
        The verdict; a journey that fails on one side is an outcome, not an error.

    Raises:
        UsageError: an operand, a build, a journey or a recorded run is wrong, or recorded runs cannot be compared.
        NothingMeasured: no browser, or a server that does not start.
    """
    chosen = options or Options()
    operands = parse_operand(base), parse_operand(head)
    check_pair(*operands)
    check_settings(workspace)
    if operands[0].kind == "run":
        return compare_recorded(
            workspace, operands, chosen.journeys, allow_different_hosts=chosen.allow_different_hosts
        )
    return _Comparison(workspace, operands, chosen, progress or Silent()).verdict()


def check_settings(workspace: Workspace) -> None:
    """Refuses names in ``compare.gate`` that are nothing, and a method that gives no energy.

    Raises:
        ConfigError: names the first one, with those that exist.
        MethodError: there is no such method, or it has no energy, which every verdict begins with.
    """
    method = workspace.method(workspace.settings.method.use)
    if PRIMARY not in method.indicators:
        raise MethodError(
            f"The method {method.method_id} gives no energy, which every verdict begins with.",
            repair="Compare with a method that does: --method lichen-1.",
            culprit="method.use",
        )
    known = [name for kind in ("quantity", "indicator") for name in workspace.nomenclature.names(kind)]
    for name in workspace.settings.compare.gate:
        if name not in known:
            raise ConfigError(
                f"compare.gate names '{name}', which is neither a quantity nor an indicator.",
                repair=f"Use some of {', '.join(known)}.",
                culprit="compare.gate",
            )


@dataclass(slots=True)
class _Comparison:
    """A live comparison under way."""

    workspace: Workspace
    operands: tuple[Operand, Operand]
    options: Options
    progress: Progress
    sides: tuple[Side, ...] = ()
    effects: dict[str, JourneyEffects] = field(default_factory=dict)
    started_at: str = field(default_factory=timestamp)

    @property
    def settings(self) -> Settings:
        """Those of the workspace."""
        return self.workspace.settings

    def verdict(self) -> Verdict:
        """Starts, measures, judges."""
        began = time.monotonic()
        settings, method = self.settings, self.workspace.method(self.settings.method.use)
        check_places(self.workspace)
        browser = find_browser(settings.measure.profile, settings.browser.executable)
        prepared = browser_settings(settings, source_of_third_parties(settings, record=False))
        runfile.check_folder(settings.output.runs)
        host = describe_host()
        calibrator = Calibrator()
        bench = Bench(
            settings=settings, asked=self.options.journeys, browser=browser, browser_settings=prepared,
            calibrator=calibrator, progress=self.progress, load=bench_load(settings),
        )  # fmt: skip
        rule = Rule(
            max_pairs=settings.compare.max_pairs,
            max_s=settings.compare.max_minutes * _SECONDS_PER_MINUTE,
            discard=settings.measure.discard,
        )
        with contextlib.ExitStack() as stack:
            presence = stack.enter_context(Presence())
            base, head = self.operands
            self.sides = (open_side(stack, "base", base, bench), open_side(stack, "head", head, bench))
            stack.enter_context(driver_session())
            shared = Circumstances(
                workspace=self.workspace,
                host=host,
                browser={"version": browser.version, "profile": browser.profile},
                settings=prepared.fingerprint()
                | {"discard": rule.discard, "page_dwell_s": settings.measure.page_dwell_s},
                method={
                    "id": method.method_id, "version": method.version, "factors_hash": self.workspace.factors.hash(),
                },
                discard=rule.discard,
            )  # fmt: skip
            series = measure_pairs(
                self.sides[0], self.sides[1], rule, lambda one: self._look(one, shared), self.progress
            )
            neighbours = neighbour_notes(presence)
        calibrator.look_last()
        ended_at = timestamp()
        for one in series:
            if one.name not in self.effects and not one.failed and one.pairs > 1:
                self.effects[one.name] = self._effects(one, shared, ended_at)
        journeys = self._journeys(series)
        shared = replace(shared, host=host | {"calibration": calibrator.record()})
        files = self._write([one for one in series if one.pairs and not one.failed], shared, ended_at)
        warnings = [
            *varying(journeys),
            *([_NO_SERVERS] if any(operand.kind == "url" for operand in self.operands) else []),
            *([_OTHER_PARTS] if self.sides[0].parts != self.sides[1].parts else []),
            *([_NO_METERS] if settings.meters else []),
            *neighbours,
        ]
        return Verdict(
            outcome=worst(tuple(one.outcome for one in journeys)),
            journeys=journeys,
            base=self._facts(0, shared, files),
            head=self._facts(1, shared, files),
            delta=settings.compare.delta,
            method={"id": method.method_id, "version": method.version},
            factors_hash=shared.method["factors_hash"],
            warnings=tuple(warnings),
            started_at=self.started_at,
            elapsed_s=time.monotonic() - began,
        )

    def _look(self, one: PairSeries, shared: Circumstances) -> None:
        """Judges a journey by what all journeys have shown so far."""
        self.effects[one.name] = self._effects(one, shared, timestamp())
        outcomes = family_outcomes(self.effects, self.settings.compare.gate)
        one.decided = judged(outcomes[one.name]) in ("fail", "pass")

    def _effects(self, one: PairSeries, shared: Circumstances, ended_at: str) -> JourneyEffects:
        base, head = (
            journey_series(self.workspace, shared.content(side, [one], self.started_at, ended_at), one.name)
            for side in self.sides
        )
        return effects_between(base, head, self.settings.compare.delta)

    def _journeys(self, series: Sequence[PairSeries]) -> tuple[JourneyVerdict, ...]:
        compare = self.settings.compare
        outcomes = family_outcomes(self.effects, compare.gate)
        return tuple(
            journey_verdict(one, self.effects.get(one.name), outcomes.get(one.name, {}), compare.delta)
            for one in series
        )

    def _write(
        self, series: Sequence[PairSeries], shared: Circumstances, ended_at: str
    ) -> Mapping[str, tuple[str, ...]]:
        """The run file of each side."""
        if not series:
            return {}
        written: dict[str, tuple[str, ...]] = {}
        for side in self.sides:
            content: Any = shared.content(side, series, self.started_at, ended_at)
            file = runfile.write(self.settings.output.runs / FOLDER, content)
            written[side.name] = (str(file.path),)
            if self.options.on_written is not None:
                self.options.on_written(file.path)
        return written

    def _facts(self, place: int, shared: Circumstances, files: Mapping[str, tuple[str, ...]]) -> OperandFacts:
        side = self.sides[place]
        return OperandFacts(
            kind=side.operand.kind,
            text=side.operand.text,
            revision=side.revision,
            address=side.address,
            runs=files.get(side.name, ()),
            lichen_version=__version__,
            host=shared.host,
            browser=shared.browser,
            settings=shared.settings,
        )
