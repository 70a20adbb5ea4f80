# SPDX-License-Identifier: Apache-2.0
"""The model through which a run is seen: its own, or that of its newest restatement, which says so."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from lichen.errors import FactorError
from lichen.ledger import restatement
from lichen.ledger.restatement import Restatement
from lichen.ledger.runfile import RunFile
from lichen.model.results import Evaluation
from lichen.service.evaluation import as_of, restated
from lichen.service.other_factors import with_other_factors
from lichen.service.workspace import Workspace

_DAY: Final = len("2026-01-31")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a run is looked through.

    Attributes:
        workspace: with the factors to be used.
        method_id: of the method to be used.
        on: day whose factor vintage is used.
        then: method and factors that the figures were last stated with.
        newest: the newest restatement that is looked through; None when there is none, or another method was asked for.
    """

    workspace: Workspace
    method_id: str
    on: date | None
    then: Mapping[str, Any]
    newest: Restatement | None

    def notes(self, evaluation: Evaluation) -> Iterator[str]:
        """Sentences on what was restated, and whether the model has changed since then."""
        if self.newest is not None:
            said = self.newest.content
            day = said["made_at"][:_DAY]
            yield (
                f"restated on {day}: {said['because']}"
                if said["because"]
                else f"restated on {day}, without a reason given"
            )
        yield from restated({"method": self.then}, evaluation)

    def first(self, run_id: str) -> dict[str, Any] | None:
        """The restatement for machines: when, why, where it lies, and what each journey said first; None without one."""
        found = None if self.newest is None else self.newest.of(run_id)
        if self.newest is None or found is None:
            return None
        said = self.newest.content
        return {
            "made_at": said["made_at"],
            "because": said["because"],
            "path": str(self.newest.path),
            "method_before": dict(found["method_before"]),
            "before": {journey["name"]: journey["before"] for journey in found["journeys"]},
        }


def restatements_of(workspace: Workspace, run: RunFile) -> tuple[Restatement, ...]:
    """Restatements of a run, beside it or in the folder of the runs, the newest first.

    Raises:
        StorageError: one of them is damaged.
    """
    if not run.path.name:  # never written
        return ()
    folders = dict.fromkeys([run.path.parent.resolve(), Path(workspace.settings.output.runs).resolve()])
    found = [one for folder in folders for one in restatement.of_run(folder, run.run_id)]
    return tuple(sorted(found, key=lambda one: one.path.name, reverse=True))


def view_of(workspace: Workspace, run: RunFile, method_id: str | None = None) -> View:
    """What to see a run through.

    Args:
        method_id: the method that was asked for; the one of the newest restatement, or else the run's own, when None.

    Raises:
        StorageError: a restatement is damaged.
    """
    own = run.content["method"]
    newest = next(iter(restatements_of(workspace, run)), None)
    found = None if newest is None else newest.of(run.run_id)
    if newest is None or found is None or method_id not in (None, found["method_after"]["id"]):
        return View(workspace=workspace, method_id=method_id or own["id"], on=as_of(run.content), then=own, newest=None)
    said = newest.content
    # Where the file that it was restated with is gone, today's factors stand in; their hash tells that they are others.
    with contextlib.suppress(FactorError):
        workspace = with_other_factors(workspace, said["factors"])
    on = as_of(run.content) if said["as_of"] is None else date.fromisoformat(said["as_of"])
    return View(
        workspace=workspace, method_id=found["method_after"]["id"], on=on, then=found["method_after"], newest=newest
    )
