# SPDX-License-Identifier: Apache-2.0
"""What to change in the journeys of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lichen.ledger.runfile import RunFile
from lichen.service.advice import JourneyAdvice, advise
from lichen.service.board import lists
from lichen.service.board.figures import read_contents
from lichen.service.board.queries import EVERYTHING, Visibility
from lichen.service.board.reading import Look
from lichen.service.board.rows import Frame, RunRow
from lichen.service.context import ServiceContext
from lichen.store.queries import board as queries

_ID_LEAST: Final = 6
"""Characters of a run's id that name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceView:
    """Advice for each journey of a run, what saves most first."""

    frame: Frame
    run: RunRow
    journeys: tuple[JourneyAdvice, ...]

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"frame": self.frame, "run": self.run, "journeys": [one.to_json() for one in self.journeys]}


def advice(context: ServiceContext, run_id: str, seen: Visibility = EVERYTHING) -> AdviceView | None:
    """Advice from a run; None when there is none whose id begins so, there are several, or its application is not seen.

    Raises:
        StorageError: its file cannot be read.
    """
    with context.store.reading() as session:
        look = Look(context, session, seen)
        rows = queries.run(session, run_id) if len(run_id) >= _ID_LEAST else []
        by_id = {one.id: one for one in look.applications}
        if len(rows) != 1 or rows[0].application_id not in by_id:
            return None
        row = lists.run_rows(look, rows, by_id)[0]
        frame = look.frame()
    content = read_contents(context, [row.run_id])[row.run_id]
    file = RunFile(row.run_id, Path(f"{row.run_id}.run.json.gz"), content)
    return AdviceView(frame=frame, run=row, journeys=advise(context.workspace, file))
