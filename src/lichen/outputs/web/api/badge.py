# SPDX-License-Identifier: Apache-2.0
"""Pictures for other pages: a badge with the figure of a visit, and a chart of its months. No script, no font, no request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from markupsafe import Markup, escape
from starlette.responses import Response

from lichen.outputs.web.access import Reader, public
from lichen.outputs.web.api import answers
from lichen.outputs.web.api.answers import Code
from lichen.outputs.web.api.applications import Context
from lichen.render.badge import badge as drawn
from lichen.render.figures import plain, shorten
from lichen.render.i18n import catalogue
from lichen.render.numbers import Numbers
from lichen.service.board.glance import Glance, glance, glance_of_key
from lichen.service.board.shapes import Figure, Point

router = APIRouter(tags=["pictures"])

Lang = Annotated[Literal["en", "fr"], Query(description="Language of the words.")]
Key = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{16,200}$", description="Secret of the application's public page.")]
_SVG: Final = "image/svg+xml"
_PUBLIC: Final = "whoever has the key of an application's public page may show its figure, and nothing else"
_DRAWN: Final = {200: {"content": {_SVG: {}}, "description": "A picture."}, **answers.documented(404)}
_NAME_MAX: Final = 60
_HEADERS: Final = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}


@router.get("/api/v1/applications/{code}/badge.svg", response_class=Response, responses=_DRAWN, summary="A badge")
def get_badge(request: Request, context: Context, caller: Reader, code: Code, lang: Lang = "en") -> Response:
    """The figure of one visit with its range, and its trend."""
    found = answers.found(glance(context, code, caller.visibility()), "This application")
    return answers.tagged(request, badge(found, lang).encode(), _SVG, _HEADERS)


@router.get("/api/v1/applications/{code}/chart.svg", response_class=Response, responses=_DRAWN, summary="A chart")
def get_chart(request: Request, context: Context, caller: Reader, code: Code, lang: Lang = "en") -> Response:
    """The figure of one visit by month, with its range."""
    found = answers.found(glance(context, code, caller.visibility()), "This application")
    return answers.tagged(request, chart(found, lang).encode(), _SVG, _HEADERS)


@router.get(
    "/public/{key}/badge.svg", response_class=Response, responses=_DRAWN, dependencies=[Depends(public(_PUBLIC))],
    summary="A public badge",
)  # fmt: skip
def get_public_badge(request: Request, context: Context, key: Key, lang: Lang = "en") -> Response:
    """The badge behind a public link."""
    found = answers.found(glance_of_key(context, key), "This badge")
    return answers.tagged(request, badge(found, lang).encode(), _SVG, _HEADERS)


@router.get(
    "/public/{key}/chart.svg", response_class=Response, responses=_DRAWN, dependencies=[Depends(public(_PUBLIC))],
    summary="A public chart",
)  # fmt: skip
def get_public_chart(request: Request, context: Context, key: Key, lang: Lang = "en") -> Response:
    """The chart behind a public link."""
    found = answers.found(glance_of_key(context, key), "This chart")
    return answers.tagged(request, chart(found, lang).encode(), _SVG, _HEADERS)


def words(figure: Figure, lang: str) -> str:
    """A figure with its range and unit; why it is unknown otherwise."""
    shown = Numbers(lang).amount(figure.value, figure.unit.removesuffix("/visit"), low=figure.low, high=figure.high)
    return f"{shown.text} ({shown.spread})" if shown.spread else shown.text


def badge(found: Glance, lang: str) -> str:
    """Two fields: what, and how much."""
    say = catalogue(lang).say
    left, right = say("web.badge.per_visit"), words(found.per_visit, lang)
    if found.sample:
        right += f" · {say('web.badge.sample')}"
    name = shorten(plain(found.name), _NAME_MAX)
    return drawn(left, right, f"{name}, {found.period}: {left} {right}")


_WIDTH, _HEIGHT, _LEFT, _TOP, _FOOT = 560, 200, 12, 34, 26


def chart(found: Glance, lang: str) -> str:
    """Bars from zero with their range as a stroke; the numbers of the last one in words."""
    say = catalogue(lang).say
    known = [point for point in found.points if point.value is not None]
    top = max((point.high or point.value or 0.0 for point in known), default=0.0) or 1.0
    name = shorten(plain(found.name), _NAME_MAX)
    title = f"{name}: {say('web.badge.per_visit')}, {words(found.per_visit, lang)}"
    if found.sample:
        title += f" · {say('web.badge.sample')}"
    body = Markup("").join(_bar(found.points, place, top) for place in range(len(found.points)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'role="img" aria-label="{escape(title)}" font-family="Verdana,DejaVu Sans,sans-serif" font-size="12">'
        f'<title>{escape(title)}</title><rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>'
        f'<text x="{_LEFT}" y="20" fill="#1c2420">{escape(title)}</text>{body}</svg>'
    )


def _bar(points: Sequence[Point], place: int, top: float) -> Markup:
    point = points[place]
    step = (_WIDTH - 2 * _LEFT) / len(points)
    left, floor = _LEFT + step * place, _HEIGHT - _FOOT
    label = Markup('<text x="{:.1f}" y="{}" fill="#1c2420" font-size="10" text-anchor="middle">{}</text>').format(
        left + step / 2, _HEIGHT - 10, f"{point.at:%m/%y}"
    )
    if point.value is None:
        return label
    height, low, high = (
        (floor - _TOP) * (value or 0.0) / top
        for value in (point.value, point.low or point.value, point.high or point.value)
    )
    return (
        Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="#2f7d57"/>').format(
            left + step * 0.15, floor - height, step * 0.7, height
        )
        + Markup('<path d="M{:.1f} {:.1f}V{:.1f}" stroke="#1c2420" stroke-width="1.5"/>').format(
            left + step / 2, floor - low, floor - high
        )
        + label
    )
