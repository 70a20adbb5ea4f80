# SPDX-License-Identifier: Apache-2.0
"""Runs of a journey seen with the factors of one day: another year of a grid is no change of what a visit takes.

The newest run keeps its figure; those before it that a digest holds it against are restated with the factors of its day, where
factors changed in between.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from lichen.service.board.figures import PORTION, read_contents
from lichen.service.board.reading import Look
from lichen.service.board.units import Epochs, UnitKey, content_of, evaluate_values
from lichen.service.digest.weeks import Unit
from lichen.store.queries.board import FigureFact

_Asked = tuple[str, date]
"""A run, and the day whose factors are asked for."""


def at_one_day(
    look: Look, runs: Mapping[str, Sequence[FigureFact]], codes: Mapping[str, str], first: date
) -> dict[str, list[Unit]]:
    """The figure of a visit by run, of each journey at the factors of its newest run.

    Args:
        runs: figures by journey's id, the oldest first.
        codes: of the journeys, by id.
        first: earliest day that is looked at; older runs but the last one before it stay as they were told.

    Returns:
        By journey's id, the oldest first. A run that cannot be read any more is unknown under other factors.

    Raises:
        StorageError: the store or the ledger cannot be read.
    """
    epochs = Epochs(look.context.workspace.factors)
    listed = {ref: _restated(facts, first, epochs) for ref, facts in runs.items()}
    values = _values(
        look, {(run_id, facts[-1].period) for ref, facts in runs.items() for run_id in listed[ref]}, epochs
    )
    return {
        ref: [
            Unit(fact.period, values.get(UnitKey(fact.run_id, codes[ref], epochs.of(facts[-1].period))))
            if fact.run_id in listed[ref]
            else Unit(fact.period, fact.value, fact.low, fact.high)
            for fact in facts
        ]
        for ref, facts in runs.items()
    }


def _restated(facts: Sequence[FigureFact], first: date, epochs: Epochs) -> set[str]:
    """Runs that are looked at, and had other factors than the newest one."""
    start = max(0, bisect_left([fact.period for fact in facts], first) - 1)
    newest = epochs.of(facts[-1].period)
    return {fact.run_id for fact in facts[start:] if fact.value is not None and epochs.of(fact.period) != newest}


def _values(look: Look, asked: Iterable[_Asked], epochs: Epochs) -> dict[UnitKey, float]:
    """The figure of a visit by run, journey and span of days."""
    found: dict[UnitKey, float] = {}
    rows = sorted(asked)
    workspace, method = look.context.workspace, look.method
    for start in range(0, len(rows), PORTION):
        portion = rows[start : start + PORTION]
        documents = read_contents(look.context, {run_id for run_id, _ in portion})
        contents = {run_id: content_of(workspace, run_id, document) for run_id, document in documents.items()}
        pairs = [(contents[run_id], day) for run_id, day in portion if run_id in contents]
        for unit, values in evaluate_values(workspace, method, pairs, epochs).items():
            terms = [
                value
                for key, value in values.items()
                if key.indicator == look.indicator and key.accounting == method.accounting
            ]
            if terms:
                found[unit] = math.fsum(terms)
    return found
