# SPDX-License-Identifier: Apache-2.0
"""Answers of the API: JSON with an ETag, lists with a cursor, views described in OpenAPI as the dataclasses they are."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from fastapi import Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from lichen.outputs.web.access import not_found
from lichen.outputs.web.problems import MEDIA_TYPE, Problem
from lichen.service.board.shapes import to_json

LIMIT_MAX: Final = 200
_FORMULA: Final = ("=", "+", "-", "@", "|", "%")
"""What spreadsheets take for the start of a formula or a command."""
T = TypeVar("T")

PeriodName = Annotated[
    str | None,
    Query(
        pattern=r"^\d{4}(-(0[1-9]|1[0-2]))?$",
        description="A month, 2026-10, or a year, 2026; the newest full month if none.",
    ),
]
MonthName = Annotated[str | None, Query(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="A month, 2026-10.")]
Indicator = Annotated[
    str, Query(min_length=1, max_length=64, description="Indicator of the nomenclature, such as gwp100, energy, water.")
]
Code = Annotated[str, Field(min_length=1, max_length=200, description="Code of an application.")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Items of a page.")]


class ProblemDocument(BaseModel):
    """A refusal (RFC 9457)."""

    type: str = Field(description="Always about:blank: the status says what kind it is.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="One sentence that names what is wrong.")
    culprit: str = Field(description="Key, row or word at fault.")
    repair: str = Field(description="What to do; empty when the detail says it.")


PROBLEM: Final[dict[str, Any]] = {MEDIA_TYPE: {"schema": ProblemDocument.model_json_schema()}}


def _refusal(text: str) -> dict[str, Any]:
    return {"description": text, "content": PROBLEM}


REFUSALS: Final[Mapping[int | str, dict[str, Any]]] = {
    304: {"description": "Nothing changed since the ETag in If-None-Match."},
    400: _refusal("The body is no JSON."),
    401: _refusal("No token, or one that is not valid."),
    403: _refusal("The token lacks the scope."),
    404: _refusal("It does not exist, or the caller may not see it."),
    422: _refusal("A parameter is wrong."),
    429: _refusal("Too many requests; Retry-After says when to come back."),
    503: _refusal("The store or the ledger is away; Retry-After says when to come back."),
}
"""Refusals of every route that reads."""


def answer(request: Request, content: Any) -> Response:
    """A view, or anything made of views, as JSON with an ETag; 304 when the caller has it already."""
    body = json.dumps(to_json(content), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return tagged(request, body, "application/json")


def tagged(request: Request, body: bytes, media_type: str, headers: Mapping[str, str] | None = None) -> Response:
    """A body with its ETag; 304 without it when the caller has it already."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    fields = {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Authorization, Cookie",
        **(headers or {}),
    }
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=304, headers=fields)
    return Response(body, media_type=media_type, headers=fields)


def found(view: T | None, what: str) -> T:
    """A view that is there.

    Raises:
        Problem: 404 when it is not, or is not seen.
    """
    if view is None:
        raise not_found(what)
    return view


def cursor_of(*words: str) -> str:
    """Where a list goes on, as a word for addresses."""
    return base64.urlsafe_b64encode("\n".join(words).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, words: int) -> tuple[str, ...] | None:
    """What `cursor_of` wrote; None for the first page.

    Raises:
        Problem: 422 for anything else.
    """
    if cursor is None:
        return None
    try:
        read = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split("\n")
    except (binascii.Error, ValueError):
        read = []
    if len(read) != words:
        raise _no_cursor()
    return tuple(read)


def position(words: tuple[str, ...] | None) -> int:
    """A cursor that is a place in a list.

    Raises:
        Problem: 422 when it is none.
    """
    if words is None:
        return 0
    if not (words[0].isascii() and words[0].isdecimal() and len(words[0]) < 10):
        raise _no_cursor()
    return int(words[0])


def moment(words: tuple[str, ...] | None) -> tuple[datetime, str] | None:
    """A cursor that is a run: when it was measured, and its id.

    Raises:
        Problem: 422 when it is none.
    """
    if words is None:
        return None
    try:
        at = datetime.fromisoformat(words[0])
        if at.tzinfo is None:
            raise _no_cursor()
        return at.astimezone(UTC), words[1]
    except (ValueError, OverflowError):  # the last one where UTC has no such year
        raise _no_cursor() from None


def _no_cursor() -> Problem:
    return Problem(422, "The cursor is none of this list.", repair="Start without one.", culprit="cursor")


def listed(request: Request, rows: Sequence[Any], limit: int, cursor: Callable[[Any], str]) -> Response:
    """A page of a list.

    Args:
        rows: one more than ``limit`` when there are further ones.
        cursor: where the list goes on after a row.
    """
    page = rows[:limit]
    return answer(request, {"items": page, "next": cursor(page[-1]) if len(rows) > limit else None})


def by_position(request: Request, rows: Sequence[Any], limit: int, cursor: str | None) -> Response:
    """A page of a list that is whole in memory, such as all teams; the cursor is a position."""
    start = position(read_cursor(cursor, 1))
    page = rows[start : start + limit]
    more = start + limit < len(rows)
    return answer(request, {"items": page, "next": cursor_of(str(start + limit)) if more else None})


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Refusals of a route, for OpenAPI: those of every route and these."""
    return {status: REFUSALS[status] for status in (304, 401, 403, 422, 429, 503, *statuses)}


def csv_cell(value: Any) -> str:
    """A value as a cell that no spreadsheet takes for a formula.

    >>> csv_cell("=1+1"), csv_cell(-2.5), csv_cell(None)
    ("'=1+1", '-2.5', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return str(value)
    text = str(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) or text.startswith(("\t", "\r", "\n")) else text
