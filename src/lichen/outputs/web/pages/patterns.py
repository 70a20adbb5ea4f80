# SPDX-License-Identifier: Apache-2.0
"""Every element that pages are made of, on one page, with made-up figures: to look at and to test."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from lichen.outputs.web.access import public
from lichen.outputs.web.pages.rendering import CHART, show, twin
from lichen.service.board.rows import Curve
from lichen.service.board.shapes import Effects, Figure, Missing, Page, Point, TargetGap, Trend

router = APIRouter(
    prefix="/-", include_in_schema=False,
    dependencies=[Depends(public("every figure on it is made up, and none comes from the store"))],
)  # fmt: skip
_SHARES = {"measured": 0.62, "metered": 0.1, "allocated": 0.08, "modelled": 0.15, "proxy": 0.05}
_FIGURES = {
    "known": Figure(value=213_400.0, low=150_000.0, high=310_000.0, unit="gCO2e", shares=_SHARES, why="/-/patterns"),
    "per_visit": Figure(value=0.213, low=0.15, high=0.31, unit="gCO2e/visit", shares={"measured": 1.0}),
    "no_range": Figure(value=41.5, unit="kWh", shares={"modelled": 0.5, "proxy": 0.5}),
    "zero": Figure(value=0.0, low=0.0, high=0.0, unit="gCO2e"),
    "unknown": Figure(value=None, unit="gCO2e", missing=Missing.NO_RUN),
}
_HOSTILE = "<b>\u202eevil\u202c</b> =cmd|' /C calc'!A0 🦊 مرحبا " + "long" * 100
_GAP = TargetGap(
    scope="organisation", inherited=True, indicator="gwp100", base_year=2024, horizon_year=2030, reduction=0.3,
    base=2.5e6, planned=2.2e6, actual=2.38e6, unit="gCO2e", gap=0.082,
)  # fmt: skip
_EFFECTS = Effects(
    before=200_000.0, volume=40_000.0, intensity=-26_600.0, factors=0.0, after=213_400.0, unit="gCO2e", rebound=True
)


def _months() -> tuple[Point, ...]:
    """A year with one month that nobody knows."""
    values = [181.0, 185.0, 190.0, None, 204.0, 198.0, 210.0, 206.0, 215.0, 222.0, 208.0, 213.4]
    return tuple(
        Point(
            at=date(2026, month, 1), value=None if value is None else value * 1000,
            low=None if value is None else value * 700, high=None if value is None else value * 1450,
        )
        for month, value in enumerate(values, start=1)
    )  # fmt: skip


def _view() -> dict[str, object]:
    points = _months()
    return {
        "figures": _FIGURES,
        "curve": Curve(name="impact", unit="gCO2e", points=points),
        "trend": Trend(points=points, unit="gCO2e", change=0.026),
        "gap": _GAP,
        "effects": _EFFECTS,
        "page": Page(number=2, size=25, rows=60),
        "hostile": _HOSTILE,
    }


@router.get("/patterns.json")
def data() -> Response:
    """The same as data."""
    return twin(_view())


@router.get("/patterns")
def show_patterns(request: Request) -> Response:
    """The elements."""
    return show(request, "pages/patterns.html.j2", assets=CHART, has_twin=True, view=_view())
