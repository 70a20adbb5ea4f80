# SPDX-License-Identifier: Apache-2.0
"""What runs measured of one visit, all seen with the same method, the same factors and the factors of the same day.

A history made so moves only when what is measured moves: other factors, another method, another year of a grid restate all of it.
What was evaluated is kept in the store's settings, which is a cache: it may be dropped, and is made again where the pin differs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from lichen.collect.entities import parse_entity
from lichen.model.method import Method
from lichen.service.board.figures import PORTION, read_contents, stamp_of
from lichen.service.board.units import Content, Epochs, Unit, UnitKey, content_of, evaluate_units
from lichen.service.context import ServiceContext
from lichen.store.models import Run
from lichen.store.queries import landing
from lichen.store.queries import watching as queries

RUNS_KEPT: Final = 240
"""Newest runs of an application that are looked at."""
PREFIX: Final = "history.readings/"
"""Start of the key of the setting that keeps an application's readings; its id follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A run, and what one visit of each of its journeys took.

    Attributes:
        values: journey's code -> indicator or quantity -> value in its canonical unit; what is unknown is left out.
        host, browser, agent: what it was measured with; empty when the run does not say.
    """

    run_id: str
    at: datetime
    host: str
    browser: str
    agent: str
    values: Mapping[str, Mapping[str, float]]

    @property
    def measured_with(self) -> tuple[str, str, str]:
        """Machine, browser and version of Lichen: runs of different ones are not compared."""
        return self.host, self.browser, self.agent

    def to_json(self) -> list[Any]:
        """As the cache keeps it."""
        return [self.run_id, self.at.isoformat(), self.host, self.browser, self.agent, self.values]


def from_json(row: Sequence[Any]) -> Reading:
    """What `Reading.to_json` wrote."""
    run_id, at, host, browser, agent, values = row
    return Reading(
        run_id=run_id,
        at=datetime.fromisoformat(at).astimezone(UTC),
        host=host,
        browser=browser,
        agent=agent,
        values=values,
    )


@dataclass(frozen=True, slots=True)
class Updated:
    """Readings of an application, and whether those that were kept had to be restated or there were none yet."""

    readings: tuple[Reading, ...]
    restated: bool
    is_new: bool


class Readings:
    """Reads runs through one method and the factors of one day.

    Args:
        names: indicators and quantities that are looked at.
    """

    def __init__(self, context: ServiceContext, names: Sequence[str]) -> None:
        self._context = context
        self._names = tuple(names)
        self._day = context.clock().date()
        self._epochs = Epochs(context.workspace.factors)
        self._method: Method = context.workspace.method(context.settings.method.use)
        stamp = stamp_of(context, self._method)
        self.pin = [stamp.method, stamp.factors_hash, self._epochs.of(self._day), list(self._names)]

    def update(self, application_id: str) -> Updated:
        """Readings of an application's newest runs; only those that are not kept yet are evaluated.

        Raises:
            StorageError: the store or the ledger cannot be read.
            ActivityError: a run that the model refuses.
        """
        with self._context.store.reading() as session:
            runs = queries.runs(session, application_id, RUNS_KEPT)
            kept = landing.setting(session, PREFIX + application_id) or {}
        is_same = kept.get("pin") == self.pin
        known = {row[0]: from_json(row) for row in kept.get("runs", ())} if is_same else {}
        missing = [run for run in runs if run.run_id not in known]
        for first in range(0, len(missing), PORTION):
            known |= {one.run_id: one for one in self._evaluate(missing[first : first + PORTION])}
        readings = tuple(known[run.run_id] for run in runs if run.run_id in known)
        if missing or not is_same:
            rows = {"pin": self.pin, "runs": [one.to_json() for one in readings]}
            with self._context.store.session() as session:
                landing.put_setting(session, PREFIX + application_id, rows)
        return Updated(readings, restated=bool(kept) and not is_same, is_new=not kept)

    def _evaluate(self, runs: Sequence[Run]) -> Iterable[Reading]:
        documents = read_contents(self._context, [run.run_id for run in runs])
        workspace = self._context.workspace
        contents = {run_id: content_of(workspace, run_id, document) for run_id, document in documents.items()}
        units = evaluate_units(workspace, self._method, [(one, self._day) for one in contents.values()], self._epochs)
        for run in runs:
            if run.run_id in contents:
                yield Reading(
                    run_id=run.run_id, at=run.measured_at, host=run.host or "", browser=run.browser or "",
                    agent=run.lichen_version or "",
                    values={code: self._values(contents[run.run_id], code, units) for code in run.journeys},
                )  # fmt: skip

    def _values(self, content: Content, journey: str, units: Mapping[UnitKey, Unit]) -> dict[str, float]:
        unit = units.get(UnitKey(content.run_id, journey, self._epochs.of(self._day)), {})
        nomenclature = self._context.workspace.nomenclature
        indicators = nomenclature.names("indicator")
        found: dict[str, float] = {}
        for name in self._names:
            value = self._impact(unit, name) if name in indicators else counted(content, journey, name)
            if value is not None:
                found[name] = value
        return found

    def _impact(self, unit: Unit, indicator: str) -> float | None:
        amounts = [
            amount.value
            for key, amount in unit.items()
            if key.indicator == indicator and key.accounting == self._method.accounting
        ]
        return math.fsum(amounts) if amounts else None


def counted(content: Content, journey: str, quantity: str) -> float | None:
    """What all parts of a journey took of a quantity; None when it was not measured, or not everywhere."""
    values = [
        row.value
        for row in content.rows
        if row.quantity == quantity and (entity := parse_entity(row.entity)) is not None and entity.journey == journey
    ]
    known = [value for value in values if value is not None]
    return math.fsum(known) if known and len(known) == len(values) else None


def kept(context: ServiceContext, application_id: str) -> tuple[Reading, ...]:
    """Readings of an application as they were evaluated last."""
    with context.store.reading() as session:
        found = landing.setting(session, PREFIX + application_id) or {}
    return tuple(from_json(row) for row in found.get("runs", ()))


def day_of(reading: Reading) -> date:
    """The UTC day of a run: days of histories know no daylight saving."""
    return reading.at.date()
