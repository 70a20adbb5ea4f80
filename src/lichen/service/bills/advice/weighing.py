# SPDX-License-Identifier: Apache-2.0
"""What following a piece of advice saves of each indicator: uses before and after become activities, the method does the rest.

All of them are evaluated at once. A factor that before and after share is drawn once for both, so that the difference is known
as well as it can be: a machine that runs a third of the time saves two thirds, however uncertain its power is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np

from lichen.model import uncertainty
from lichen.model.results import Computed, add
from lichen.service.bills.advice.finding import Finding, Part, Use
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

INDICATORS: Final = ("gwp100", "energy", "water", "adpe", "pe")
CARBON: Final = "gwp100"
_EQUAL: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """What is saved of an indicator in a month; ``value`` is None where bounds alone are known."""

    value: float | None
    low: float
    high: float
    unit: str

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {"value": self.value, "low": self.low, "high": self.high, "unit": self.unit}


@dataclass(frozen=True, slots=True)
class Difference:
    """Before less after, of the whole: the value, and the draws of the model."""

    value: float
    draws: np.ndarray
    unit: str

    def saving(self, part: Part) -> Saving:
        """What a part of it is, with the model's 90 % range."""
        low, high = uncertainty.enclosing(self.value, *uncertainty.bounds(self.draws))
        ends = [share * bound for share in (part.low, part.high) for bound in (low, high)]
        value = None if part.value is None else self.value * part.value
        return Saving(value=value, low=min(ends), high=max(ends), unit=self.unit)


class Scale:
    """Weighs uses by the method in force, under the factors of a day."""

    def __init__(self, workspace: Workspace, on: date) -> None:
        self._workspace = workspace
        self._method = workspace.method(workspace.settings.method.use)
        self._on = on
        self._hash = ""

    @property
    def told(self) -> dict[str, str]:
        """The method and, once something was weighed, the hash of the factors."""
        return {"id": self._method.method_id, "version": self._method.version, "factors_hash": self._hash}

    def values(self, groups: Sequence[Sequence[Use]], indicator: str) -> list[float | None]:
        """One figure of each group; None where nothing is known."""
        found = self._computed({str(number): uses for number, uses in enumerate(groups)})
        rows = [found.get((str(number), indicator)) for number in range(len(groups))]
        return [None if not one else add(one)[0] for one in rows]

    def differences(self, findings: Sequence[Finding]) -> list[dict[str, Difference]]:
        """By finding and indicator; an indicator that a side which has uses has no figure of is left out."""
        groups: dict[str, Sequence[Use]] = {}
        for number, one in enumerate(findings):
            groups[f"{number}.before"], groups[f"{number}.after"] = one.before, one.after
        found = self._computed(groups)
        return [self._of(number, one, found) for number, one in enumerate(findings)]

    def _of(self, number: int, finding: Finding, found: dict[tuple[str, str], list[Computed]]) -> dict[str, Difference]:
        differences = {}
        for indicator in INDICATORS:
            before, after = found.get((f"{number}.before", indicator)), found.get((f"{number}.after", indicator))
            if not before or (finding.after and not after):
                continue
            value, draws, _ = add(before)
            if after:
                rest, others, _ = add(after)
                value, draws = _without_noise(value - rest, draws - others, value)
            differences[indicator] = Difference(value, draws, before[0].impact.unit)
        return differences

    def _computed(self, groups: dict[str, Sequence[Use]]) -> dict[tuple[str, str], list[Computed]]:
        documents = [
            _document(name, number, use) for name, uses in groups.items() for number, use in enumerate(_joined(uses))
        ]
        if not documents:
            return {}
        activities, context = parse_document(self._workspace, {"activities": documents})
        evaluation = evaluate_activities(self._workspace, self._method, activities, context, on=self._on)
        self._hash = evaluation.factors_hash
        found: dict[tuple[str, str], list[Computed]] = {}
        for one in evaluation.computed:
            if one.impact.accounting == self._method.accounting:
                name = one.impact.entity.partition("/")[0]
                found.setdefault((name, one.impact.indicator), []).append(one)
        return found


def _without_noise(value: float, draws: np.ndarray, whole: float) -> tuple[float, np.ndarray]:
    """A difference; nothing where only the last digits of equal sums differ."""
    if max(abs(value), float(np.max(np.abs(draws)))) <= _EQUAL * abs(whole):
        return 0.0, np.zeros_like(draws)
    return value, draws


def _joined(uses: Iterable[Use]) -> list[Use]:
    """Those with an amount."""
    return [use for use in uses if use.value > 0]


def _document(group: str, number: int, use: Use) -> dict[str, Any]:
    """Processors, memory and machine of one thing are one entity; the rest stands by itself."""
    apart = use.quantity in ("storage_byte_seconds", "network_bytes", "requests")
    entity = f"{group}/{use.platform}" + (f".{number}" if apart else "")
    found = {
        **use.attributes, "entity": entity, "quantity": use.quantity, "value": use.value, "tier": "server",
        "basis": "total", "platform": use.platform,
    }  # fmt: skip
    return {**found, **({"region": use.region} if use.region else {})}
