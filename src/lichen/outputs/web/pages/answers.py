# SPDX-License-Identifier: Apache-2.0
"""What all pages of the board do: the twin in JSON, the page of nothing found, months before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from fastapi import Request
from starlette.responses import Response

from lichen.outputs.web.access import not_found
from lichen.outputs.web.pages.rendering import show, twin
from lichen.service.board.rows import Frame

HOME: Final = ("", "/")
"""The first crumb: the portfolio, in the reader's language."""
View = TypeVar("View")


def answer(request: Request, view: Any, template: str, **values: Any) -> Response:
    """A view as a page, or as JSON where the address ends so."""
    if request.url.path.endswith(".json"):
        return twin(view)
    return show(
        request, f"pages/{template}.html.j2", view=view, frame=getattr(view, "frame", None), has_twin=True, **values
    )


def found(view: View | None, what: str = "This page") -> View:
    """The view; 404 where there is none, or not for whoever asks."""
    if view is None:
        raise not_found(what)
    return view


def around(frame: Frame) -> tuple[str | None, str | None]:
    """The months before and after the one that is shown; None where there are no figures."""
    months: Sequence[str] = sorted(name for name in frame.periods if ("-" in name) == frame.period.is_month)
    before = [name for name in months if name < frame.period.name]
    after = [name for name in months if name > frame.period.name]
    return (before[-1] if before else None), (after[0] if after else None)
