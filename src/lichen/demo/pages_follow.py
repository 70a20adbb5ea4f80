# SPDX-License-Identifier: Apache-2.0
"""Follow-up for people who are signed in: list, filters, charts, one application with its messages."""

import json
import sqlite3
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lichen.demo import BUSINESS_DATE, repository
from lichen.demo.backoffice_client import BackOfficeAwayError
from lichen.demo.pages_public import not_found
from lichen.demo.repository import PAGE_ROWS, STATUSES, Account, Filters
from lichen.demo.site import account_of, page, see, site_of, translator_of

MESSAGE_LENGTH: Final = 500
_EVERYBODY: Final = Account(0, "", "", None)


async def applications(request: Request) -> Response:
    """Show one page of the list with its filters and the two charts."""
    account = account_of(request)
    if account is None:
        return see("/sign-in")
    site, query = site_of(request), request.query_params
    filters = Filters(query.get("status", ""), query.get("product", ""), query.get("company", "").strip())
    text = translator_of(request).text
    total = repository.count(site.database, account, filters)
    last_page = max(1, -(-total // PAGE_ROWS))
    asked = query.get("page", "1")
    number = min(max(int(asked), 1), last_page) if asked.isascii() and asked.isdigit() else 1
    rows = (
        repository.listing_row_by_row(site.database, account, filters, number)
        if site.variant.nplus1
        else [dict(row) for row in repository.listing(site.database, account, filters, number)]
    )
    return page(
        request,
        "applications.html",
        rows=rows,
        progress=await _progress(request, [int(row["id"] or 0) for row in rows]),
        filters=filters,
        statuses=STATUSES,
        products=site.products,
        total=total,
        number=number,
        last_page=last_page,
        status_items=[
            {"key": status, "label": text(f"status.{status}"), "value": number_of}
            for status, number_of in repository.counts_by_status(site.database, account).items()
        ],
        month_items=[
            {"key": month, "label": month, "value": total_eur}
            for month, total_eur in repository.amounts_by_month(site.database, account)
        ],
    )


async def detail(request: Request) -> Response:
    """Show one application: figures, timeline, documents, messages."""
    row, account = _visible(request)
    if account is None:
        return see("/sign-in")
    if row is None:
        return not_found(request)
    site = site_of(request)
    progress = await _progress(request, [row["id"]])
    return page(
        request,
        "application.html",
        row=row,
        product=site.products.get(row["product"]),
        progress=progress.get(row["id"]) if progress is not None else None,
        back_office_away=progress is None,
        events=repository.parts(site.database, "event", row["id"]),
        documents=repository.parts(site.database, "document", row["id"]),
        messages=repository.parts(site.database, "message", row["id"]),
        findings=json.loads(row["findings"]),
        message_length=MESSAGE_LENGTH,
    )


async def send_message(request: Request) -> Response:
    """Record a message of the applicant."""
    row, account = _visible(request)
    if account is None:
        return see("/sign-in")
    if row is None:
        return not_found(request)
    body = str((await request.form()).get("body", "")).strip()[:MESSAGE_LENGTH]
    if body:
        site_of(request).database.change(
            "INSERT INTO message (application_id, sent_on, sender, body_en, body_fr) VALUES (?, ?, 'applicant', ?, ?)",
            [row["id"], BUSINESS_DATE.isoformat(), body, body],
        )
    return see(f"/applications/{row['id']}#messages")


async def status(request: Request) -> Response:
    """Return the number of applications in each status, as JSON; what the polling variant asks for."""
    account = account_of(request) or _EVERYBODY
    counts = repository.counts_by_status(site_of(request).database, account)
    return JSONResponse({"counts": counts}, headers={"cache-control": "no-store"})


def _visible(request: Request) -> tuple[sqlite3.Row | None, Account | None]:
    """Return the application in the address if the account may see it, and the account."""
    account = account_of(request)
    if account is None:
        return None, None
    row = repository.application(site_of(request).database, request.path_params["application"])
    hidden = row is None or row["status"] == "draft"
    foreign = row is not None and account.company_id not in {None, row["company_id"]}
    return (None if hidden or foreign else row), account


async def _progress(request: Request, identifiers: list[int]) -> dict[int, dict[str, Any]] | None:
    """Ask the back office how far the applications are; None when it is away."""
    site = site_of(request)
    try:
        if not site.variant.nplus1:
            return await site.back_office.progress(identifiers)
        found: dict[int, dict[str, Any]] = {}
        for identifier in identifiers:
            found |= await site.back_office.progress([identifier])
    except BackOfficeAwayError:
        return None
    return found


ROUTES: Final = [
    Route("/applications", applications),
    Route("/applications/{application:int}", detail),
    Route("/applications/{application:int}/messages", send_message, methods=["POST"]),
    Route("/api/status", status),
]
