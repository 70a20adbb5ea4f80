# SPDX-License-Identifier: Apache-2.0
"""``/metrics``: the newest full month's figures in the text format of OpenMetrics, for Prometheus and what reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

from lichen import __version__
from lichen.errors import StorageError
from lichen.outputs.web.access import Reader, not_found
from lichen.outputs.web.api import answers
from lichen.outputs.web.api.applications import Context
from lichen.service.board.bill_readings import BillReadings, bill_readings
from lichen.service.board.queries import Visibility
from lichen.service.board.readings import Overview, OverviewRow, overview
from lichen.service.board.shapes import Figure
from lichen.service.context import ServiceContext

router = APIRouter(tags=["metrics"])

_LABELS: Final = ("application", "team")
_OF_APPLICATION: Final[tuple[tuple[str, str, Callable[[OverviewRow], float | None]], ...]] = (
    ("visits", "Visits of the month.", lambda row: row.visits),
    ("cost", "Cost of the month, in the currency of lichen_info.", lambda row: row.cost),
    ("value", "Value of the month, in the currency of lichen_info.", lambda row: row.value),
    ("emissions_gco2e", "Emissions of the month (gwp100), in gCO2e.", lambda row: row.gwp100.value),
    ("emissions_low_gco2e", "Their 5 % bound, in gCO2e.", lambda row: row.gwp100.low),
    ("emissions_high_gco2e", "Their 95 % bound, in gCO2e.", lambda row: row.gwp100.high),
    ("emissions_per_visit_gco2e", "Emissions of one visit, in gCO2e.", lambda row: row.per_visit),
    ("energy_kwh", "Energy of the month, in kWh.", lambda row: row.energy_kwh),
    ("roi_ratio", "(value - cost) / cost of the month.", lambda row: row.roi),
    ("target_gap_ratio", "Twelve months over what the target's path allows, minus 1.", lambda row: row.target_gap),
    ("covered_ratio", "Share of the visits that the figures stand for.", lambda row: row.gwp100.covered),
    ("modelled_ratio", "Share of the emissions that is modelled or stands in.", lambda row: row.modelled),
    ("weight", "Weight in rankings; part of no other figure.", lambda row: row.weight),
    ("rank", "Place by emissions, 1 being the largest.", lambda row: row.rank),
    ("weighted_rank", "Place by emissions x weight.", lambda row: row.weighted_rank),
    ("last_run_timestamp_seconds", "When it was measured last.", lambda row: row.last_run),
)


class Figures(Collector):
    """Figures of what a caller sees, read when they are scraped."""

    def __init__(self, context: ServiceContext, seen: Visibility) -> None:
        self._context = context
        self._seen = seen

    def collect(self) -> Iterator[Metric]:
        """Families of metrics; a figure that is unknown has no sample."""
        found = overview(self._context, self._seen)
        yield InfoMetricFamily(
            "lichen", "Method of the figures, the month they are of, and the currency of money.",
            value={
                "version": __version__, "method": found.method, "factors_hash": found.factors_hash, "period": found.period,
                "currency": found.currency, "sample": str(found.sample).lower(),
            },
        )  # fmt: skip
        for name, text, value in _OF_APPLICATION:
            family = GaugeMetricFamily(f"lichen_application_{name}", text, labels=_LABELS)
            for row in found.rows:
                if (known := value(row)) is not None:
                    family.add_metric((row.application, row.team), known)
            yield family
        yield from _sums(found)
        # A ledger that is away takes nothing else with it: the absence of these families says so.
        with suppress(StorageError):
            yield from _bills(bill_readings(self._context, self._seen))


def _sums(found: Overview) -> Iterator[Metric]:
    for name, text, value in (
        ("emissions_gco2e", "Emissions of the month of everything that is seen, in gCO2e.", found.gwp100.value),
        ("emissions_low_gco2e", "Their 5 % bound, in gCO2e.", found.gwp100.low),
        ("emissions_high_gco2e", "Their 95 % bound, in gCO2e.", found.gwp100.high),
        ("visits", "Visits of the month.", found.visits),
        ("cost", "Cost of the month, with what no application was given.", found.cost),
        ("cost_unallocated", "Cost of the month that no application was given.", found.unallocated),
        ("target_gap_ratio", "Twelve months over what the target's path allows, minus 1.", found.target_gap),
        ("applications", "Applications that are seen.", float(len(found.rows))),
        ("applications_measured", "Those that have a figure.", float(found.measured)),
    ):
        family = GaugeMetricFamily(f"lichen_{name}", text)
        if value is not None:
            family.add_metric((), value)
        yield family


def _bills(found: BillReadings) -> Iterator[Metric]:
    labels = ("application", "currency")
    spent = GaugeMetricFamily(
        "lichen_bill_cost",
        "Effective cost of cloud bills of the month; without an application, of nobody.",
        labels=labels,
    )
    covered = GaugeMetricFamily(
        "lichen_bill_coverage_ratio", "Share of the cost of usage that a figure stands beside.", labels=labels
    )
    for row in found.rows:
        for family, value in ((spent, row.cost), (covered, row.coverage)):
            if value is not None:
                family.add_metric((row.application, row.currency), value)
    left = GaugeMetricFamily(
        "lichen_bill_not_estimated_cost", "Cost of bills that no figure stands beside.", labels=("reason", "currency")
    )
    for reason, currency, cost in found.uncovered:
        if cost is not None:
            left.add_metric((reason, currency), cost)
    yield from (spent, covered, left)
    whole = found.gwp100 or Figure(value=None, unit="gCO2e")
    for name, text, value in (
        ("emissions_gco2e", "Emissions of what was rented (gwp100), in gCO2e.", whole.value),
        ("emissions_low_gco2e", "Their 5 % bound, in gCO2e.", whole.low),
        ("emissions_high_gco2e", "Their 95 % bound, in gCO2e.", whole.high),
    ):
        family = GaugeMetricFamily(f"lichen_bill_{name}", text)
        if value is not None:
            family.add_metric((), value)
        yield family


@router.get("/metrics", response_class=Response, responses=answers.documented(404), summary="Figures for Prometheus")
def get_metrics(request: Request, context: Context, caller: Reader) -> Response:
    """Figures of the newest full month by application; 404 unless the setting ``server.metrics`` allows it."""
    if not context.settings.server.metrics:
        raise not_found()
    registry = CollectorRegistry()
    registry.register(Figures(context, caller.visibility()))
    encoder, media_type = choose_encoder(request.headers.get("accept", ""))
    return answers.tagged(request, encoder(registry), media_type)
