# SPDX-License-Identifier: Apache-2.0
"""Recorded runs against each other, where nothing can be run again: what is equal is compared, what is not is never hidden."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from lichen import redact
from lichen.collect.entities import segment
from lichen.errors import UsageError
from lichen.ledger import runfile
from lichen.ledger.runfile import RunFile
from lichen.records import timestamp
from lichen.service.comparing.causes import causes_of
from lichen.service.comparing.effects import (
    Estimate,
    JourneyEffects,
    JourneySeries,
    Series,
    effects_between,
    journey_series,
)
from lichen.service.comparing.operands import Operand
from lichen.service.comparing.verdicts import Family, assembled, family_outcomes, judged, reason_of, varying
from lichen.service.verdict import Effect, JourneyVerdict, OperandFacts, Verdict, worst
from lichen.service.workspace import Workspace
from lichen.stats.paired import LogEffect
from lichen.stats.sessions import ENOUGH, sessions_effect

_HOST: Final = ("cpu_model", "cpu_count", "architecture", "hypervisor")
"""What makes a machine another kind of machine."""


def compare_recorded(
    workspace: Workspace, operands: tuple[Operand, Operand], journeys: Sequence[str], *, allow_different_hosts: bool
) -> Verdict:
    """Compares recorded runs: sessions of the base, and one of the head.

    Args:
        operands: of kind ``run``.
        journeys: names; all that both sides have when empty.
        allow_different_hosts: runs of different machines, browsers, settings or versions are compared without a decision.

    Raises:
        StorageError: a file is no whole run file.
        UsageError: the runs differ in what must be equal, have no journey in common, or a journey has too few runs.
    """
    began, started_at = time.monotonic(), timestamp()
    base, head = ([runfile.read(path) for path in operand.files] for operand in operands)
    if len(head) > 1:
        raise UsageError(
            f"The head names {len(head)} run files.",
            repair="Give one; the base may have several, joined by commas: run:A,B,C.",
            culprit=operands[1].text,
        )
    differing = [*dict.fromkeys(_differences([*base, *head]))]
    if differing and not allow_different_hosts:
        raise UsageError(
            f"The runs cannot be compared: {'; '.join(differing)}.",
            repair="Measure both on one machine with one browser and version, or add --allow-different-hosts to see what "
            "differs without a decision.",
            culprit=operands[1].text,
        )
    names = _common(base, head[0], journeys)
    effects = {name: _effects(workspace, [run.content for run in base], head[0].content, name) for name in names}
    warnings = [f"no decision: {difference}" for difference in differing]
    known = _known_spread(base)
    if not known:
        warnings.append(
            f"the base has {len(base)} of the {ENOUGH} recorded sessions that tell how much one day differs from another: "
            "only what never varies is decided"
        )
    gate, delta = workspace.settings.compare.gate, workspace.settings.compare.delta
    verdicts = tuple(
        _verdict(name, effects[name], _allowed(family, decide=not differing, known=known), (base[0], head[0]), delta)
        for name, family in family_outcomes(effects, gate).items()
    )
    method = workspace.method(workspace.settings.method.use)
    return Verdict(
        outcome=worst(tuple(one.outcome for one in verdicts)),
        journeys=verdicts,
        base=_facts(operands[0], base),
        head=_facts(operands[1], head),
        delta=delta,
        method={"id": method.method_id, "version": method.version},
        factors_hash=workspace.factors.hash(),
        warnings=(*warnings, *varying(verdicts)),
        started_at=started_at,
        elapsed_s=time.monotonic() - began,
    )


def _differences(runs: Sequence[RunFile]) -> Iterator[str]:
    """What differs from the first run in that should be equal, a clause each."""
    first = runs[0].content
    for run in runs[1:]:
        content = run.content
        for name in _HOST:
            one, other = first["host"].get(name), content["host"].get(name)
            if one != other:
                yield f"the machines differ in {name} ({one}, {other})"
        for name in ("version", "profile"):
            one, other = first["browser"].get(name), content["browser"].get(name)
            if one != other:
                yield f"the browsers differ in {name} ({one}, {other})"
        if first["lichen_version"] != content["lichen_version"]:
            yield f"the versions of Lichen differ ({first['lichen_version']}, {content['lichen_version']})"
        keys = sorted({*first["settings"], *content["settings"]})
        for key in keys:
            if first["settings"].get(key) != content["settings"].get(key):
                yield f"the settings differ in {key}"


def _known_spread(base: Sequence[RunFile]) -> bool:
    return len({run.run_id for run in base}) >= ENOUGH


def _common(base: Sequence[RunFile], head: RunFile, asked: Sequence[str]) -> list[str]:
    there = [one["name"] for one in head.content["journeys"]]
    for run in base:
        also = {one["name"] for one in run.content["journeys"]}
        there = [name for name in there if name in also]
    wanted = [segment(name) for name in asked]
    if missing := next((name for name in wanted if name not in there), None):
        raise UsageError(
            f"The runs do not all have a journey '{missing}'.",
            repair=f"They have in common: {', '.join(there)}." if there else "They have none in common.",
            culprit=missing,
        )
    if not there:
        raise UsageError(
            "The runs have no journey in common.", repair="Compare runs of the same journeys.", culprit=str(head.path)
        )
    chosen = wanted or there
    for run in (*base, head):
        for one in run.content["journeys"]:
            if one["name"] in chosen and len(one["sampling"]["primary_s"]) < 2:
                raise UsageError(
                    f"{run.path} holds one run of '{one['name']}': nothing says how much the next would differ.",
                    repair="Measure with --samples 7 or auto.",
                    culprit=str(run.path),
                )
    return chosen


def _effects(
    workspace: Workspace, base: Sequence[Mapping[str, Any]], head: Mapping[str, Any], journey: str
) -> JourneyEffects:
    sessions = [journey_series(workspace, content, journey, pinned=head) for content in base]
    lengths = [len(next(iter(one.whole.values())).values) for one in sessions]
    return effects_between(
        _joined(sessions),
        journey_series(workspace, head, journey),
        workspace.settings.compare.delta,
        _by_session(lengths),
    )


def _by_session(lengths: Sequence[int]) -> Estimate:
    def estimate(base: Sequence[float], head: Sequence[float]) -> LogEffect:
        sessions, start = [], 0
        for length in lengths:
            sessions.append(base[start : start + length])
            start += length
        return sessions_effect(sessions, head)

    return estimate


def _joined(sessions: Sequence[JourneySeries]) -> JourneySeries:
    """Sessions one after the other; a step or a quantity that one of them lacks is left out."""

    def together(every: Sequence[Mapping[str, Series]]) -> dict[str, Series]:
        return {
            name: Series(series.unit, tuple(value for one in every for value in one[name].values))
            for name, series in every[0].items()
            if all(name in one for one in every)
        }

    def by_place(every: Sequence[Mapping[str, Mapping[str, Series]]]) -> dict[str, dict[str, Series]]:
        return {
            place: together([one[place] for one in every]) for place in every[0] if all(place in one for one in every)
        }

    return JourneySeries(
        whole=together([one.whole for one in sessions]),
        steps=by_place([one.steps for one in sessions]),
        parts=by_place([one.parts for one in sessions]),
    )


def _allowed(family: Family, *, decide: bool, known: bool) -> dict[str, Effect]:
    """Effects with the outcomes that these runs can support."""
    return {
        name: effect if decide and (known or effect.exact) else replace(effect, outcome="inconclusive")
        for name, effect in family.items()
    }


def _verdict(
    name: str, effects: JourneyEffects, family: Family, runs: tuple[RunFile, RunFile], delta: float
) -> JourneyVerdict:
    outcome = judged(family)
    rows = [next(one for one in run.content["journeys"] if one["name"] == name)["requests"] for run in runs]
    return assembled(
        name, outcome, effects, family, causes=causes_of(effects, *rows), reason=reason_of(outcome, family, delta)
    )


def _facts(operand: Operand, runs: Sequence[RunFile]) -> OperandFacts:
    content = runs[0].content
    return OperandFacts(
        kind=operand.kind,
        text=operand.text,
        runs=tuple(redact.text(str(run.path)) for run in runs),
        lichen_version=content["lichen_version"],
        host=content["host"],
        browser=content["browser"],
        settings=content["settings"],
    )
