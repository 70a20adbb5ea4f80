# SPDX-License-Identifier: Apache-2.0
"""What restated runs say together: why figures changed from the first run of a journey to its newest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from lichen.portfolio.effects import Change, Effects, add, decompose
from lichen.service.statement import Figures, Gap

_TOLD_APART: Final = 2
"""Changes of the model: other factors, then another method."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestatedJourney:
    """Figures of a journey or command, all of one functional unit.

    Attributes:
        units: functional units that one run does.
        before: as first measured; None when nobody kept that.
        own_method: under the run's own method and the new factors; None where that method is gone or does not fit them.
        after: under the new method and factors.
        gaps: what could not be turned into figures now.
    """

    name: str
    functional_unit: str
    units: float
    before: Figures | None
    own_method: Figures | None
    after: Figures
    gaps: tuple[Gap, ...]

    def to_json(self) -> dict[str, Any]:
        """As the restatement keeps it."""
        return {
            "name": self.name,
            "functional_unit": self.functional_unit,
            "units": self.units,
            "before": None if self.before is None else dict(self.before),
            "after": dict(self.after),
            "not_covered": [asdict(gap) for gap in self.gaps],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Restated:
    """One run.

    Attributes:
        file: name of its file.
        host_id: the machine; None when the run does not say.
        method_before, method_after: id, version and factors_hash; when it was measured, and now.
        changed: whether a figure differs from what the run said last.
    """

    run_id: str
    file: str
    started_at: str
    host_id: str | None
    method_before: Mapping[str, str]
    method_after: Mapping[str, str]
    journeys: tuple[RestatedJourney, ...]
    changed: bool

    def to_json(self) -> dict[str, Any]:
        """As the restatement keeps it."""
        return {
            "run_id": self.run_id,
            "file": self.file,
            "started_at": self.started_at,
            "method_before": dict(self.method_before),
            "method_after": dict(self.method_after),
            "journeys": [journey.to_json() for journey in self.journeys],
        }


def effects_of(rows: Sequence[Restated]) -> dict[str, Any]:
    """Effects of volume, intensity, factors and method, per journey and in total.

    Args:
        rows: from the oldest to the newest.

    Returns:
        ``journeys``: for each journey and functional unit its first run, its newest, and for each indicator the totals of the
        two runs with the effects between them; ``total``: their sums. An indicator that is unknown at one of the two points is
        left out. ``model`` is the effect of factors and method together; the two are None where they cannot be told apart.
    """
    points: dict[tuple[str, str], list[tuple[Restated, RestatedJourney]]] = {}
    for row in rows:
        for journey in row.journeys:
            points.setdefault((journey.name, journey.functional_unit), []).append((row, journey))
    found: list[dict[str, Any]] = []
    sums: dict[str, list[tuple[Effects, str]]] = {}
    for (name, unit), known in points.items():
        (first, start), (last, end) = known[0], known[-1]
        effects = _journey(start, end)
        for indicator, (effect, canonical) in effects.items():
            sums.setdefault(indicator, []).append((effect, canonical))
        found.append(
            {
                "name": name,
                "functional_unit": unit,
                "first": {"run_id": first.run_id, "started_at": first.started_at, "units": start.units},
                "newest": {"run_id": last.run_id, "started_at": last.started_at, "units": end.units},
                "other_machine": first.host_id != last.host_id,
                "indicators": {indicator: _row(*pair) for indicator, pair in effects.items()},
            }
        )
    total = {name: _row(_sum([effect for effect, _ in rows]), rows[0][1]) for name, rows in sums.items()}
    return {"journeys": found, "total": total}


def _journey(start: RestatedJourney, end: RestatedJourney) -> dict[str, tuple[Effects, str]]:
    """Indicator -> effects between two runs of a journey, and its unit."""
    found = {}
    for indicator, before in (start.before or {}).items():
        after, now = start.after.get(indicator), end.after.get(indicator)
        own = None if start.own_method is None else start.own_method.get(indicator)
        if after is not None and now is not None:
            change = Change(
                volume_before=start.units,
                volume_after=end.units,
                published=before["value"],
                restated=tuple(one["value"] for one in (own, after) if one is not None),
                now=now["value"],
            )
            found[indicator] = (decompose(change), str(before["unit"]))
    return found


def _sum(rows: Sequence[Effects]) -> Effects:
    """Effects of a sum; changes of the model that one row cannot tell apart are one for all of them."""
    if len({len(row.model) for row in rows}) > 1:
        rows = [replace(row, model=(row.factor,)) for row in rows]
    return add(rows)


def _row(effects: Effects, unit: str) -> dict[str, Any]:
    factors, method = effects.model if len(effects.model) == _TOLD_APART else (None, None)
    return {
        "before": effects.before,
        "volume": effects.volume,
        "intensity": effects.intensity,
        "model": effects.factor,
        "factors": factors,
        "method": method,
        "after": effects.after,
        "unit": unit,
    }
