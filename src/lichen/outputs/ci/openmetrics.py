# SPDX-License-Identifier: Apache-2.0
"""OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/), for GitLab's metrics report and for Prometheus.

GitLab compares values as texts, so three significant digits are written: noise below that would show as a change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from lichen.render.figures import plain
from lichen.service.gating.outcome import GateResult
from lichen.service.result import Result

_MEDIA: Final = "application/openmetrics-text"
_UNITS: Final = {
    "kWh": "kilowatt_hours", "gCO2e": "gco2e", "gSbe": "gsbe", "MJ": "megajoules", "L": "litres", "s": "seconds", "B": "bytes",
    "B.s": "byte_seconds",
}  # fmt: skip
_NOT_A_NAME: Final = re.compile(r"[^a-zA-Z0-9_]")

Figures = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Journey -> quantity or indicator -> value and unit."""


def _label(text: str) -> str:
    return plain(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return f"{float(f'{value:.3g}'):.12g}"


def exposition(project: str, figures: Figures, states: Mapping[str, int]) -> bytes:
    """The text of a report.

    Args:
        states: name of a count -> how many; none for a measurement.
    """
    lines: list[str] = []
    names: dict[str, str] = {name: row["unit"] for rows in figures.values() for name, row in rows.items()}
    for name, unit in names.items():
        suffix = _UNITS.get(unit, "")
        plain_name = _NOT_A_NAME.sub("_", name)
        ends = not suffix or plain_name.endswith(f"_{suffix}")
        metric = f"lichen_journey_{plain_name}{'' if ends else f'_{suffix}'}"
        lines.append(f"# TYPE {metric} gauge")
        if suffix:
            lines.append(f"# UNIT {metric} {suffix}")
        lines += [
            f'{metric}{{application="{_label(project)}",journey="{_label(journey)}"}} {_number(rows[name]["value"])}'
            for journey, rows in figures.items()
            if name in rows
        ]
    if states:
        lines.append("# TYPE lichen_gate_checks gauge")
        lines += [
            f'lichen_gate_checks{{application="{_label(project)}",outcome="{outcome}"}} {count}'
            for outcome, count in states.items()
        ]
    return ("\n".join([*lines, "# EOF"]) + "\n").encode()


class GateOpenMetrics:
    """Figures of the journeys that were measured, and how many checks have which outcome."""

    name: ClassVar[str] = "openmetrics"
    media_type: ClassVar[str] = _MEDIA
    suffix: ClassVar[str] = ".txt"

    def render(self, gate: GateResult, *, lang: str) -> bytes:  # noqa: ARG002 - names of metrics have no language
        """UTF-8 text that ends with ``# EOF``."""
        figures = gate.figures or _compared(gate)
        states = {
            outcome: sum(check.outcome == outcome for check in gate.checks)
            for outcome in ("pass", "fail", "inconclusive", "warn", "skipped", "error")
        }
        return exposition(gate.project, figures, states)


def _compared(gate: GateResult) -> dict[str, dict[str, dict[str, Any]]]:
    """The newer side of a comparison."""
    if gate.verdict is None:
        return {}
    return {
        journey.journey: {
            effect.name: {"value": effect.head, "unit": effect.unit}
            for effect in (*(() if journey.primary is None else (journey.primary,)), *journey.counters)
            if effect.head is not None
        }
        for journey in gate.verdict.journeys
    }


class MeasureOpenMetrics:
    """Figures of a measurement."""

    name: ClassVar[str] = "openmetrics"
    media_type: ClassVar[str] = _MEDIA
    suffix: ClassVar[str] = ".txt"

    def render(self, result: Result, *, lang: str) -> bytes:  # noqa: ARG002 - names of metrics have no language
        """UTF-8 text that ends with ``# EOF``."""
        figures = {journey.name: dict(_figures(journey.figures)) for journey in result.journeys}
        return exposition(result.project, figures, {})


def _figures(figures: Any) -> Iterable[tuple[str, dict[str, Any]]]:
    for name, indicator in figures.indicators.items():
        yield name, {"value": indicator.value, "unit": indicator.unit}
    for name, counter in figures.counters.items():
        if counter.value is not None and name not in figures.indicators:
            yield name, {"value": counter.value, "unit": counter.unit}
