# SPDX-License-Identifier: Apache-2.0
"""One joined table for spreadsheets and other boards, as CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import fields
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from lichen.ledger.parquet import parquet
from lichen.outputs.web.access import Reader
from lichen.outputs.web.api import answers
from lichen.outputs.web.api.answers import MonthName
from lichen.outputs.web.api.applications import Context, Listing
from lichen.outputs.web.problems import Problem
from lichen.service.board.joined import JoinedRow, columns, joined
from lichen.service.board.shapes import to_json

router = APIRouter(prefix="/api/v1", tags=["exports"])

TYPES: Final = {"csv": "text/csv", "json": "application/json", "parquet": "application/vnd.apache.parquet"}
_TABLE: Final[dict[str, Any]] = {
    "description": "One row an application and month.",
    "content": {
        TYPES["csv"]: {"schema": {"type": "string"}},
        TYPES["parquet"]: {"schema": {"type": "string", "format": "binary"}},
    },
}
_SEPARATORS: Final = {"comma": ",", "semicolon": ";"}


@router.get(
    "/exports/joined",
    response_model=Listing[JoinedRow],
    responses={
        200: _TABLE,
        **answers.documented(),
        406: {"description": "None of the types in Accept is offered.", "content": answers.PROBLEM},
    },
    summary="Traffic, cost, carbon and value in one table",
)
def get_joined(
    request: Request,
    context: Context,
    caller: Reader,
    format: Annotated[  # noqa: A002 - the name in the address
        Literal["csv", "json", "parquet"] | None, Query(description="In place of Accept.")
    ] = None,
    separator: Annotated[Literal["comma", "semicolon"], Query(description="Between the cells of CSV.")] = "comma",
    first: Annotated[MonthName, Query(alias="from", description="First month; the last 13 if none.")] = None,
    last: Annotated[MonthName, Query(alias="to", description="Last month.")] = None,
) -> Response:
    """Every application and month that something is known of. Cells of CSV that a spreadsheet would compute begin with '."""
    kind = format or _wanted(request)
    rows = joined(context, caller.visibility(), first=first, last=last)
    name = f"lichen-{rows[0].month:%Y-%m}-{rows[-1].month:%Y-%m}" if rows else "lichen"
    fields_of = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    if kind == "csv":
        body = as_csv(rows, _SEPARATORS[separator])
        return answers.tagged(request, body, f"{TYPES['csv']}; charset=utf-8; header=present", fields_of)
    if kind == "parquet":
        return answers.tagged(request, as_parquet(rows), TYPES["parquet"], fields_of)
    return answers.answer(request, {"items": rows, "next": None})


def _wanted(request: Request) -> str:
    """The first type that the caller accepts, in its own order of preference; JSON where it does not care."""
    accepted = []
    for position, part in enumerate(request.headers.get("accept", "*/*").split(",")):
        name, *words = (word.strip() for word in part.split(";"))
        quality = next((word[2:] for word in words if word.startswith("q=")), "1")
        try:
            accepted.append((-float(quality), position, name.lower()))
        except ValueError:
            continue
    for preference, _, name in sorted(accepted):
        if preference == 0:
            continue
        if name in ("*/*", "application/*"):
            return "json"
        for kind, media_type in TYPES.items():
            if name in (media_type, "text/*" if kind == "csv" else media_type):
                return kind
    raise Problem(
        406, "None of the accepted types is offered.", repair=f"Accept {', '.join(TYPES.values())}.", culprit="Accept"
    )


def as_csv(rows: Sequence[JoinedRow], separator: str) -> bytes:
    """The table as CSV (RFC 4180): a heading, then a line a row; numbers with a point."""
    names = [one.name for one in fields(JoinedRow)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(getattr(row, name)) for name in names])
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    plain = to_json(value)
    return plain if not isinstance(value, str) and isinstance(plain, str) else answers.csv_cell(plain)


def as_parquet(rows: Sequence[JoinedRow]) -> bytes:
    """The table as Parquet."""
    return parquet(columns(), [{one.name: getattr(row, one.name) for one in fields(row)} for row in rows])
