# SPDX-License-Identifier: Apache-2.0
"""One run, from its file: journeys with their steps, parts, counters and requests, seen through a method."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lichen.ledger.runfile import RunFile
from lichen.service import result, summary
from lichen.service.board import lists
from lichen.service.board.figures import read_contents
from lichen.service.board.queries import EVERYTHING, Visibility
from lichen.service.board.reading import HEADLINE, Look
from lichen.service.board.run_rows import CounterValue, RequestLine, RunJourney, StepRow
from lichen.service.board.shapes import Figure, Named
from lichen.service.board.views import RunView
from lichen.service.context import ServiceContext
from lichen.store.queries import board as queries

REQUESTS = 10


def run(
    context: ServiceContext, run_id: str, seen: Visibility = EVERYTHING, *, method: str | None = None
) -> RunView | None:
    """The page of a run; None when there is none whose id begins so, there are several, or its application is not seen.

    Raises:
        UsageError: a method that does not exist.
        StorageError: its file cannot be read.
    """
    with context.store.reading() as session:
        look = Look(context, session, seen, method=method)
        rows = queries.run(session, run_id) if len(run_id) >= 6 else []
        by_id = {one.id: one for one in look.applications}
        if len(rows) != 1 or rows[0].application_id not in by_id:
            return None
        row = lists.run_rows(look, rows, by_id)[0]
        names = {one.code: one.name for one in queries.journeys(session, [rows[0].application_id])}
        frame = look.frame()
    content = read_contents(context, [row.run_id])[row.run_id]
    found = summarise(context, row.run_id, content, look.method.method_id)
    return RunView(
        frame=frame,
        run=row,
        host=dict(content["host"]),
        journeys=tuple(_journey(one, names, content) for one in found.journeys),
        methods=context.workspace.method_ids(),
        evidence=f"/api/v1/runs/{row.run_id}/file",
    )


def summarise(context: ServiceContext, run_id: str, content: Mapping[str, Any], method_id: str | None) -> result.Result:
    """A run file through a method, as the report computes it, beside no other."""
    workspace = copy.copy(context.workspace)
    workspace.settings = replace(workspace.settings, method=replace(workspace.settings.method, compare=()))
    return summary.summarise(workspace, RunFile(run_id, Path(f"{run_id}.run.json.gz"), content), method_id)


def newest_steps(look: Look, runs: Sequence[Any], journey: str) -> tuple[StepRow, ...]:
    """Steps of a journey in the newest of its runs."""
    if not runs:
        return ()
    newest = runs[0].run_id
    found = summarise(look.context, newest, read_contents(look.context, [newest])[newest], look.method.method_id)
    return next((_steps(one) for one in found.journeys if one.name == journey), ())


def heaviest_step(look: Look, runs: Sequence[Any]) -> tuple[str, str]:
    """Journey and step of the newest run whose climate figure of a visit is the largest; empty without a figure."""
    if not runs:
        return "", ""
    newest = runs[0].run_id
    found = summarise(look.context, newest, read_contents(look.context, [newest])[newest], look.method.method_id)
    known = [
        (step.figures.indicators[HEADLINE].value, one.name, step.name)
        for one in found.journeys
        for step in one.steps
        if step.name and HEADLINE in step.figures.indicators
    ]
    _, journey, step = max(known, default=(0.0, "", ""))
    return journey, step


def _journey(one: result.JourneyResult, names: Mapping[str, str], content: Mapping[str, Any]) -> RunJourney:
    requests = next(each["requests"] for each in content["journeys"] if each["name"] == one.name)
    lines = summary.top_requests(requests, REQUESTS)
    return RunJourney(
        journey=Named(code=one.name, name=names.get(one.name, one.name)),
        functional_unit=one.functional_unit,
        taken=one.sampling.taken,
        kept=len(one.sampling.kept),
        status=one.sampling.status,
        counters=_counters(one.figures),
        indicators=_indicators(one.figures),
        steps=_steps(one),
        parts=tuple(_row(part.name, part.figures, one.figures) for part in one.parts),
        requests=tuple(
            RequestLine(
                url=line.url, host=line.host, party=line.party, kind=line.kind, step=line.step,
                network_bytes=line.network_bytes, count=line.count,
            )
            for line in lines
        ),
        requests_total=sum(request.get("count", 1) for request in requests),
        not_covered=tuple((f"{row['part']}: {row['quantity']}", row["reason"]) for row in one.not_covered),
    )  # fmt: skip


def _steps(one: result.JourneyResult) -> tuple[StepRow, ...]:
    return tuple(_row(step.name, step.figures, one.figures) for step in one.steps)


def _row(name: str, figures: result.Figures, whole: result.Figures) -> StepRow:
    own, total = figures.indicators.get(HEADLINE), whole.indicators.get(HEADLINE)
    return StepRow(
        name=name,
        counters=_counters(figures),
        indicators=_indicators(figures),
        share=own.value / total.value if own is not None and total is not None and total.value else None,
    )


def _counters(figures: result.Figures) -> dict[str, CounterValue]:
    return {
        name: CounterValue(
            quantity=name, value=one.value, unit=one.unit, exact=one.exact,
            half_width=one.half_width / one.value if one.half_width is not None and one.value else None,
        )
        for name, one in figures.counters.items()
    }  # fmt: skip


def _indicators(figures: result.Figures) -> dict[str, Figure]:
    return {
        name: Figure(value=one.value, low=one.low, high=one.high, unit=one.unit, shares=dict(one.shares))
        for name, one in figures.indicators.items()
    }
