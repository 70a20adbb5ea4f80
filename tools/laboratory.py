# SPDX-License-Identifier: Apache-2.0
"""Writes docs/laboratory.md, its French version and their pictures: our figures against published tools and measurements.

Cases of tools are facts kept in tests/crossval/data/cases.json; measurements and declarations, in laboratory/measurements.toml.

Usage: ``python tools/laboratory.py``. `make pages` runs it; a test fails when a page is behind.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from html import escape
from math import log10, sqrt
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

import prose
from lichen.config import Settings
from lichen.model.uncertainty import bounds, draw
from lichen.service.evaluation import evaluate_document
from lichen.service.power import estimate
from lichen.service.power_hardware import Question
from lichen.service.workspace import Workspace

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = Path(__file__).resolve().parent / "laboratory"
DOCS: Final = ROOT / "docs"
CASES: Final = ROOT / "tests" / "crossval" / "data" / "cases.json"
PAGES: Final = {"en": "laboratory.md", "fr": "laboratory.fr.md"}
OWN: Final = "lichen-1"
MACHINE: Final = {"platform": "aws:m5.xlarge", "hours": 730.0, "load": 0.5, "vcpus": 4.0, "cpu": "8259CL", "chips": 2}
"""What several methods for machines are asked about: a month of one cloud instance, and the processors of its host."""
MACHINE_METHODS: Final = ("ccf-2024", "ccf-fixed", "teads", "sdia", "boavizta-2.5")
ROUNDING: Final = 1e-9
"""Relative deviation below which nothing is told apart: the last digits differ between machines."""
LAPTOP_LOAD: Final = 0.65
"""CPU-seconds per second of ordinary browsing: the middle of 0.3 to 1."""
IDLE_SHARE, ASLEEP_SHARE, HOURS_A_YEAR = 0.30, 0.10, 8766.0
"""Energy Star's duty of a notebook: idle with the screen lit, idle with the screen dark; the rest is asleep or off."""


class Span(NamedTuple):
    """A figure with its 5 % and 95 % bound."""

    value: float
    low: float
    high: float


class Reproduced(NamedTuple):
    """A figure of a published tool and ours by the same method."""

    tool: str
    case: str
    indicator: str
    theirs: float
    ours: float

    @property
    def deviation(self) -> float:
        """Relative difference."""
        return abs(self.ours / self.theirs - 1) if self.theirs else abs(self.ours)


class Beside(NamedTuple):
    """What lichen-1 says where another tool answered, in the unit of the indicator."""

    tool: str
    case: str
    indicator: str
    theirs: float
    ours: Span
    embodied: float
    time_s: float


class Measured(NamedTuple):
    """A published measurement or declaration and what stands against it."""

    row: Mapping[str, Any]
    low: float
    high: float
    ours: Span

    @property
    def middle(self) -> float:
        """Geometric mean of what was published."""
        return sqrt(self.low * self.high)

    @property
    def inside(self) -> bool:
        """Whether what was published meets our range."""
        return self.low <= self.ours.high and self.high >= self.ours.low


@cache
def _workspace() -> Workspace:
    return Workspace(Settings())


def _totals(method: str, rows: list[dict[str, Any]], context: Mapping[str, Any]) -> list[dict[str, Any]]:
    document = {"activities": rows, "context": dict(context)}
    totals: list[dict[str, Any]] = evaluate_document(_workspace(), document, [method])["totals"]
    return totals


def _sum(totals: Iterable[Mapping[str, Any]], indicator: str, phase: str | None = None) -> float:
    return sum(row["value"] for row in totals if row["indicator"] == indicator and phase in (None, row["phase"]))


@cache
def cases() -> dict[str, Any]:
    """Facts of published tools."""
    found: dict[str, Any] = json.loads(CASES.read_text(encoding="utf-8"))
    return found


@cache
def reproduced() -> list[Reproduced]:
    """Every expected figure of every case, by the method that carries the tool's name."""
    found = []
    for case in cases()["cases"]:
        totals = _totals(case["method"], case["activities"], case["context"])
        for expected in case["expected"]:
            ours = _sum(totals, expected["indicator"], expected["phase"])
            name = " ".join(filter(None, (expected["indicator"], expected["phase"])))
            found.append(Reproduced(case["tool"], case["id"], name, expected["value"], ours))
    return found


@cache
def beside() -> list[Beside]:
    """lichen-1 on the journeys of another tool."""
    found = []
    for case in cases()["cases"]:
        rows = case.get(OWN)
        if rows is None:
            continue
        # One entity, so that ranges are those of the whole.
        totals = _totals(OWN, [{**row, "entity": "visit"} for row in rows], case["context"])
        time_s = max((row["value"] for row in rows if row["quantity"] == "screen_time"), default=0.0)
        for expected in case["expected"]:
            use = [row for row in totals if row["indicator"] == expected["indicator"] and row["phase"] == "use"]
            span = Span(*(sum(row[end] for row in use) for end in ("value", "low", "high")))
            embodied = _sum(totals, expected["indicator"], "embodied")
            found.append(
                Beside(case["tool"], case["id"], expected["indicator"], expected["value"], span, embodied, time_s)
            )
    return found


@cache
def machine(zone: str, region: str) -> list[tuple[str, float, float, float]]:
    """A month of one cloud instance by each method for machines: kWh, kgCO2e of use, kgCO2e embodied."""
    seconds = MACHINE["hours"] * 3600
    common = {
        "entity": "machine", "platform": MACHINE["platform"], "utilisation": MACHINE["load"], "zone": zone,
        "started_at": "2024-04-01T00:00:00Z",
    }  # fmt: skip
    rented = {**common, "quantity": "vcpu_time", "value": seconds * float(MACHINE["vcpus"]), "region": region}
    whole = {**common, "quantity": "instance_time", "value": seconds}
    found = []
    for method in MACHINE_METHODS:
        totals = _totals(method, [rented if method.startswith("ccf") else whole], {})
        use, made = (_sum(totals, "gwp100", phase) / 1000 for phase in ("use", "embodied"))
        found.append((method, _sum(totals, "energy"), use, made))
    return found


@cache
def own_machine(zone: str, region: str) -> tuple[Span, Span]:
    """The same month by the server model and lichen-1: kWh and kgCO2e of use, with the range of the server's power."""
    watts = _server_power(
        cpu=MACHINE["cpu"], chips=MACHINE["chips"], vcpus=MACHINE["vcpus"], load=MACHINE["load"]
    )  # fmt: skip
    ends = []
    for power_w in watts:
        row = {"entity": "machine", "quantity": "energy", "value": power_w * float(MACHINE["hours"]) / 1000}
        where = {"boundary": "it", "tier": "server", "zone": zone, "region": region}
        totals = _totals(OWN, [{**row, **where}], {})
        ends.append((_sum(totals, "energy"), _sum(totals, "gwp100") / 1000))
    energy, use = (Span(*column) for column in zip(*ends, strict=True))
    return energy, use


def _draws(factor_id: str) -> Any:
    return draw(_workspace().factors.lookup(factor_id))


def _value(factor_id: str) -> float:
    return _workspace().factors.lookup(factor_id).value


def _combined(terms: Mapping[str, float]) -> Span:
    """A sum of factors, each times a number."""
    total = sum(weight * _draws(factor_id) for factor_id, weight in terms.items())
    return Span(sum(weight * _value(factor_id) for factor_id, weight in terms.items()), *bounds(np.asarray(total)))


def _factor(*, factor: str, scale: float) -> Span:
    return _combined({factor: scale})


def _laptop_power() -> Span:
    terms = {"idle_power": 1.0, "screen_power": 1.0, "cpu_energy": LAPTOP_LOAD}
    return _combined({f"device.laptop.{name}": weight for name, weight in terms.items()})


def _laptop_year() -> Span:
    hours = HOURS_A_YEAR / 1000
    terms = {"idle_power": (IDLE_SHARE + ASLEEP_SHARE) * hours, "screen_power": IDLE_SHARE * hours}
    return _combined({f"device.laptop.{name}": weight for name, weight in terms.items()})


def _server_power(**question: Any) -> Span:
    power = estimate(_workspace(), Question(**question)).power
    return Span(power.value, power.low, power.high)


def _metered_it(*, kwh: float, zone: str) -> Span:
    rows = [{"entity": "server", "quantity": "energy", "value": kwh, "boundary": "it", "tier": "server", "zone": zone}]
    (row,) = [row for row in _totals(OWN, rows, {}) if row["indicator"] == "gwp100"]
    return Span(row["value"], row["low"], row["high"])


OURS: Final[Mapping[str, Callable[..., Span]]] = {
    "factor": _factor,
    "laptop_power": _laptop_power,
    "laptop_year": _laptop_year,
    "server_power": _server_power,
    "metered_it": _metered_it,
}
"""What may stand against a measurement, by name."""


@cache
def measured() -> list[Measured]:
    """Published measurements and declarations beside our figures."""
    rows = tomllib.loads((SOURCE / "measurements.toml").read_text(encoding="utf-8"))["measurement"]
    found = []
    for row in rows:
        ours = dict(row["ours"])
        low, high = (row["value"],) * 2 if "value" in row else (row["low"], row["high"])
        found.append(Measured(row, low, high, OURS[ours.pop("quantity")](**ours)))
    return found


_STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#1d2a24}.small{font-size:12px;fill:#4c5b53}.axis{stroke:#b9c4bd}"
    ".one{stroke:#1d2a24;stroke-dasharray:3 3}.range{stroke:#7fa08f;stroke-width:7}.dot{fill:#1f5f45}"
    ".miss .range{stroke:#c98a6d}.miss .dot{fill:#fff;stroke:#9a3b12;stroke-width:2}.paper{fill:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#e6ece8}.small{fill:#a9b8b0}.axis{stroke:#4c5b53}.one{stroke:#e6ece8}"
    ".range{stroke:#4f7a66}.dot{fill:#9fd8bd}.miss .range{stroke:#8a5238}.miss .dot{fill:#141a17;stroke:#f0a584}"
    ".paper{fill:#141a17}}"
)
_LEFT, _WIDTH, _ROW, _DECADES = 430, 330, 22, (0.1, 10.0)


def _place(ratio: float) -> float:
    """Horizontal place of a ratio on the logarithmic axis [px]; what lies beyond an end is drawn at it."""
    first, last = (log10(end) for end in _DECADES)
    share = (log10(min(max(ratio, _DECADES[0]), _DECADES[1])) - first) / (last - first)
    return round(_LEFT + _WIDTH * share, 1)


def picture(language: str, title: str) -> str:
    """Our figure over what was published, on a logarithmic axis, with our range; a miss is hollow, not only of another colour."""
    rows, body = measured(), []
    height = _ROW * len(rows) + 66
    for mark in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0):
        x = _place(mark)
        style = "one" if mark == 1 else "axis"
        body.append(f'<line class="{style}" x1="{x}" x2="{x}" y1="34" y2="{height - 26}"/>')
        label = prose.number(mark, 1, language=language)
        body.append(f'<text class="small" x="{x}" y="{height - 9}" text-anchor="middle">{label}</text>')
    for number, one in enumerate(rows):
        y = 48 + _ROW * number
        value, low, high = (_place(figure / one.middle) for figure in one.ours)
        text = escape(one.row[language])
        body.append(
            f'<g class="{"hit" if one.inside else "miss"}"><text class="small" x="8" y="{y + 4}">{text}</text>'
            f'<line class="range" x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>'
            f'<circle class="dot" cx="{value}" cy="{y}" r="5"/></g>'
        )
    width = _LEFT + _WIDTH + 30
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">'
        f'<style>{_STYLE}</style><rect class="paper" width="{width}" height="{height}"/>'
        f'<text x="8" y="20">{escape(title)}</text>{"".join(body)}</svg>\n'
    )


def _titles() -> dict[str, str]:
    return {
        "en": "Lichen over what was published, with Lichen's range (1 is agreement, logarithmic axis)",
        "fr": "Lichen sur le chiffre publié, avec la fourchette de Lichen (1 est l’accord, axe logarithmique)",
    }


def page(language: str) -> str:
    """The page in a language."""
    tools = []
    for tool, origin in cases()["tools"].items():
        mine = [one for one in reproduced() if one.tool == tool]
        worst = max(one.deviation for one in mine)
        tools.append((tool, origin, len({one.case for one in mine}), len(mine), max(worst, ROUNDING)))
    names = {
        "n": partial(prose.number, language=language), "pct": partial(prose.share, language=language),
        "tools": tools, "reproduced": reproduced(), "beside": beside(), "measured": measured(), "title": _titles()[language],
        "machine": {"FR": machine("FR", "eu-west-3"), "US": machine("US", "us-east-1")}, "asked": MACHINE,
        "own": {"FR": own_machine("FR", "aws:eu-west-3"), "US": own_machine("US", "aws:us-east-1")},
        "laptop_w": _value("device.laptop.idle_power") + _value("device.laptop.screen_power"),
        "line_w": _value("network.fixed.power"),
    }  # fmt: skip
    return prose.rendered(SOURCE / f"laboratory.{language}.md.j2", names)


def pages() -> dict[Path, str]:
    """Each page and picture and what it should hold."""
    texts = {DOCS / name: page(language) for language, name in PAGES.items()}
    drawn = {
        DOCS / "pictures" / f"laboratory.{language}.svg": picture(language, _titles()[language]) for language in PAGES
    }
    return texts | drawn


def main() -> None:
    """Writes the pages and pictures."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
