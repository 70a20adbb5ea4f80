# SPDX-License-Identifier: Apache-2.0
"""Restates history: what was measured, seen through another model, beside what was said first. No run file is changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from lichen import __version__, redact
from lichen.errors import LichenError, StorageError, UsageError
from lichen.ledger import restatement, runfile
from lichen.ledger.runfile import RunFile
from lichen.model.method import Method
from lichen.records import timestamp, writable
from lichen.service.evaluation import as_of
from lichen.service.history import Restated, RestatedJourney, effects_of
from lichen.service.other_factors import with_other_factors
from lichen.service.restated import restatements_of
from lichen.service.statement import Figures, Statement, state
from lichen.service.workspace import Workspace

_CLOSE: Final = 1e-12
"""Relative difference below which two figures are one: what rounding does."""
_GAPS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be restated, and through what.

    Attributes:
        paths: run files, or folders of them; the folder of the settings when empty.
        method_id: each run's own method when None.
        factors: words of `with_other_factors`; the factors in force when empty.
        as_of: day whose factor vintage is used for all runs; the day of each run when None.
        because: why, in the user's words.
        dry_run: write nothing.
    """

    paths: tuple[Path, ...] = ()
    method_id: str | None = None
    factors: tuple[str, ...] = ()
    as_of: date | None = None
    because: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it.

    Attributes:
        record: the restatement, as ``docs/run-file.md`` describes it; its runs are those whose figures changed.
        path: where it was written; None when nothing changed, or nothing was to be written.
        unchanged: how many runs say what they said.
        left_out: why runs could not be restated; the others were.
    """

    record: Mapping[str, Any]
    path: Path | None
    unchanged: int
    left_out: tuple[LichenError, ...]

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            **self.record,
            "path": None if self.path is None else str(self.path),
            "unchanged": self.unchanged,
            "left_out": [
                {"code": one.code, "problem": one.problem, "repair": one.repair, "culprit": one.culprit}
                for one in self.left_out
            ],
        }


def restate(workspace: Workspace, order: Order, on_start: Callable[[int], object] | None = None) -> Outcome:
    """Recomputes runs and writes one restatement beside them, unless no figure changes.

    Args:
        on_start: told how many runs there are.

    Raises:
        StorageError: there is no run, none can be read, or the restatement cannot be written.
        MethodError, FactorError: there is no such method or pack.
        UsageError: the method gives no figure of any run.
    """
    if order.method_id is not None:
        workspace.method(order.method_id)
    model = with_other_factors(workspace, order.factors)
    paths = _paths(workspace, order.paths)
    if on_start is not None:
        on_start(len(paths))
    rows: list[Restated] = []
    left_out: list[LichenError] = []
    for file in paths:
        try:
            rows.append(_restated(workspace, model, order, runfile.read(file)))
        except LichenError as error:
            left_out.append(_about(file, error))
    if not rows:
        raise left_out[0]
    if order.method_id is not None:
        _check_figures(rows, workspace.method(order.method_id))
    rows.sort(key=lambda row: (row.started_at, row.run_id))
    changed = [row for row in rows if row.changed]
    record = {
        "schema": restatement.SCHEMA,
        "lichen_version": __version__,
        "made_at": timestamp(),
        "because": writable(redact.text(order.because)),
        "as_of": None if order.as_of is None else order.as_of.isoformat(),
        "factors": [writable(word) for word in order.factors],
        "runs": [row.to_json() for row in changed],
        "effects": effects_of(rows),
    }
    path: Path | None = None
    if changed and not order.dry_run:
        path = restatement.write(
            Path(workspace.settings.output.runs) if not order.paths else _beside(paths), record
        ).path
    return Outcome(record=record, path=path, unchanged=len(rows) - len(changed), left_out=tuple(left_out))


def _paths(workspace: Workspace, words: Sequence[Path]) -> list[Path]:
    """Run files, each once."""
    folder = Path(workspace.settings.output.runs)
    found: dict[Path, None] = {}
    for word in words or (folder,):
        runs = list(runfile.find(word)) if word.is_dir() or not words else [word]
        if not runs:
            raise StorageError(
                f"There is no run in {word}.",
                repair="Measure first (lichen measure), or name run files.",
                culprit=str(word),
            )
        found.update(dict.fromkeys(runs))
    return list({path.resolve(): path for path in found}.values())


def _beside(paths: Iterable[Path]) -> Path:
    """The folder of the first run: what restates files lies beside them."""
    return next(iter(paths)).parent


def _about(path: Path, error: LichenError) -> LichenError:
    """The error with the file it is about."""
    if str(path) in error.problem:
        return error
    return type(error)(f"{path}: {error.problem}", repair=error.repair, culprit=str(path))


def _restated(workspace: Workspace, model: Workspace, order: Order, run: RunFile) -> Restated:
    """One run: what it said first, what it said last, and what it says under the model."""
    content, own_id = run.content, run.content["method"]["id"]
    own, after = _stated(model, order, content)
    earlier = [found for one in restatements_of(workspace, run) if (found := one.of(run.run_id)) is not None]
    first = _first(workspace, run, earlier)
    last_id = earlier[0]["method_after"]["id"] if earlier else own_id
    last = {one["name"]: one["after"] for one in earlier[0]["journeys"]} if earlier else first
    changed = last is None or last_id != after.method["id"] or not _same(last, after.journeys)
    journeys = tuple(
        RestatedJourney(
            name=journey["name"],
            functional_unit=journey["functional_unit"],
            units=float(journey.get("units", 1.0)),
            before=None if first is None else first.get(journey["name"], {}),
            own_method=None if own is None else own.journeys[journey["name"]],
            after=after.journeys[journey["name"]],
            gaps=after.gaps[journey["name"]],
        )
        for journey in content["journeys"]
    )
    return Restated(
        run_id=run.run_id,
        file=run.path.name,
        started_at=content["started_at"],
        host_id=content["host"].get("host_id"),
        method_before=dict(content["method"]),
        method_after=after.method,
        journeys=journeys,
        changed=changed,
    )


def _stated(model: Workspace, order: Order, run: Mapping[str, Any]) -> tuple[Statement | None, Statement]:
    """What a run says under its own method (None where that is gone or does not fit the factors) and under the one asked for."""
    own_id = run["method"]["id"]
    if order.method_id in (None, own_id):
        own = state(model, run, own_id, order.as_of)
        return own, own
    after = state(model, run, str(order.method_id), order.as_of)
    try:
        return state(model, run, own_id, order.as_of), after
    except LichenError:
        return None, after


def _first(workspace: Workspace, run: RunFile, earlier: Sequence[Mapping[str, Any]]) -> Mapping[str, Figures] | None:
    """What a run said when it was measured; None when nobody kept that and the model has changed since then."""
    if "figures" in run.content:
        return dict(run.content["figures"])
    if earlier:
        kept = {one["name"]: one["before"] for one in earlier[-1]["journeys"]}
        return None if None in kept.values() else kept
    then = run.content["method"]
    now: Statement = state(workspace, run.content, then["id"], as_of(run.content))
    is_same = then.get("factors_hash") == now.method["factors_hash"] and then["version"] == now.method["version"]
    return now.journeys if is_same else None


def _same(one: Mapping[str, Figures], other: Mapping[str, Figures]) -> bool:
    """Whether two statements say the same."""
    if one.keys() != other.keys() or any(one[name].keys() != other[name].keys() for name in one):
        return False
    return all(
        math.isclose(figure[key], other[name][indicator][key], rel_tol=_CLOSE)
        for name, figures in one.items()
        for indicator, figure in figures.items()
        for key in ("value", "low", "high", "use", "embodied")
    )


def _check_figures(rows: Sequence[Restated], method: Method) -> None:
    """Refuses a method that lacks the data of every run, and says which."""
    journeys = [journey for row in rows for journey in row.journeys]
    if any(journey.after for journey in journeys):
        return
    gaps = list(dict.fromkeys(f"{gap.quantity} ({gap.reason})" for journey in journeys for gap in journey.gaps))
    more = f" and {len(gaps) - _GAPS_SHOWN} more" if len(gaps) > _GAPS_SHOWN else ""
    lacks = f"{', '.join(gaps[:_GAPS_SHOWN])}{more}" if gaps else f"it reads {', '.join(method.quantities)}"
    raise UsageError(
        f"{method.method_id} gives no figure of any of these runs: {lacks}.",
        repair="Choose another method: lichen methods lists them.",
        culprit=method.method_id,
    )
