# SPDX-License-Identifier: Apache-2.0
"""``python -m lichen.demo.backoffice``: scoring, queue and decisions. Its pages are for loopback only, without sign-in."""

import argparse
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from lichen.demo import BUSINESS_DATE, documents, repository, rules, serving
from lichen.demo.assets import Assets
from lichen.demo.backoffice_client import BackOfficeClient
from lichen.demo.database import DATABASE_NAME, Database
from lichen.demo.datadir import UPLOADS_NAME
from lichen.demo.middleware import AccessLog, SameOrigin
from lichen.demo.products import PRODUCTS_DIR, load_all
from lichen.demo.site import Site, page, see, site_of
from lichen.demo.variants import Variant

OPEN_STATUSES: Final = ("in_review", "documents_requested")
DECISIONS: Final = ("approved", "refused")
_PROGRESS_PERCENT: Final = {
    "draft": 0,
    "documents_requested": 40,
    "in_review": 60,
    "approved": 90,
    "refused": 100,
    "paid": 100,
}
_ANSWER_WORKING_DAYS: Final = 2
_SATURDAY: Final = 5
_MAX_IDENTIFIERS: Final = 200


async def health(_request: Request) -> Response:
    """Say that the process serves."""
    return PlainTextResponse("ok\n")


async def queue(request: Request) -> Response:
    """Show the applications that wait for an analyst."""
    marks = ", ".join("?" * len(OPEN_STATUSES))
    rows = site_of(request).database.rows(
        "SELECT application.*, company.name AS company_name FROM application"
        f" JOIN company ON company.id = application.company_id WHERE status IN ({marks})"
        " ORDER BY submitted_on, application.id",
        OPEN_STATUSES,
    )
    return page(request, "backoffice/queue.html", rows=rows, products=site_of(request).products)


async def case(request: Request) -> Response:
    """Show one application with the findings of the engine; on POST, record the decision."""
    site = site_of(request)
    row = repository.application(site.database, request.path_params["application"])
    if row is None or row["status"] == "draft":
        return page(request, "notice.html", status_code=404, notice="not_found", retry=None)
    if request.method == "POST":
        decision = str((await request.form()).get("decision", ""))
        if decision in DECISIONS and row["status"] in OPEN_STATUSES:
            with site.database.transaction():
                repository.decide(site.database, row["id"], decision)
        return see(f"/applications/{row['id']}")
    product = site.products.get(row["product"])
    return page(
        request,
        "backoffice/case.html",
        row=row,
        product=product,
        answers=json.loads(row["answers"]),
        assessment=_assessment(request, row["id"]),
        messages={rule.id: rule.message for rule in product.rules} if product else {},
        documents=repository.parts(site.database, "document", row["id"]),
        decisions=DECISIONS if row["status"] in OPEN_STATUSES else (),
    )


async def assess(request: Request) -> Response:
    """Score a submitted application and record the decision."""
    site, application_id = site_of(request), request.path_params["application"]
    row = repository.application(site.database, application_id)
    if row is None or row["company_id"] is None:
        return JSONResponse({"error": f"application {application_id} is not submitted"}, status_code=404)
    if row["status"] == "draft":
        with site.database.transaction():
            repository.add_event(site.database, application_id, "submitted", "applicant")
            assessment = _assessment(request, application_id)
            if assessment is None:
                return JSONResponse({"error": f"product {row['product']} is unknown"}, status_code=409)
            repository.save_assessment(site.database, application_id, assessment)
    return JSONResponse(_progress_of(dict(repository.statuses(site.database, [application_id])[0])))


async def progress(request: Request) -> Response:
    """Return how far the applications in `ids` are."""
    asked = [part for part in request.query_params.get("ids", "").split(",") if part]
    if len(asked) > _MAX_IDENTIFIERS or not all(part.isascii() and part.isdigit() for part in asked):
        return JSONResponse({"error": f"`ids` takes at most {_MAX_IDENTIFIERS} numbers"}, status_code=400)
    rows = repository.statuses(site_of(request).database, [int(part) for part in asked])
    return JSONResponse({"applications": [_progress_of(dict(row)) for row in rows]})


def _progress_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return status, percentage done and the day an answer is due (None once it is given)."""
    submitted = date.fromisoformat(row["submitted_on"]) if row["submitted_on"] else BUSINESS_DATE
    waiting = row["status"] in OPEN_STATUSES
    return {
        "id": row["id"],
        "status": row["status"],
        "score": row["score"],
        "score_max": row["score_max"],
        "percent": _PROGRESS_PERCENT[row["status"]],
        "answer_due_on": _working_days_after(submitted, _ANSWER_WORKING_DAYS).isoformat() if waiting else None,
    }


def _working_days_after(start: date, days: int) -> date:
    current = start
    while days > 0:
        current += timedelta(days=1)
        days -= current.weekday() < _SATURDAY
    return current


def _assessment(request: Request, application_id: int) -> rules.Assessment | None:
    """Apply the rules to an application; None when its product is no longer declared."""
    site = site_of(request)
    row = repository.application(site.database, application_id)
    product = site.products.get(row["product"]) if row is not None else None
    if row is None or product is None:
        return None
    accepted: set[str] = set()
    for held in repository.parts(site.database, "document", application_id):
        spec = product.document(held["kind"])
        if spec is None:
            continue
        if held["stored"]:
            path = site.data / UPLOADS_NAME / held["sha256"]
            content = path.read_bytes() if path.is_file() else b""
            if documents.check(content, spec, expected_sha256=held["sha256"]).accepted:
                accepted.add(held["kind"])
        elif held["size_bytes"] <= spec.max_bytes and held["media_type"] in spec.media_types:
            # Files of the seed are described, not stored: what is known of them is checked.
            accepted.add(held["kind"])
    return rules.assess(product, json.loads(row["answers"]), accepted)


def create_app(parsed: argparse.Namespace, data: Path) -> Starlette:
    """Build the application on a prepared data folder."""
    site = Site(
        data=data,
        database=Database(data / DATABASE_NAME),
        products=load_all(parsed.products),
        assets=Assets(),
        back_office=BackOfficeClient(None),
        variant=Variant(),
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        site.database.close()

    app = Starlette(
        routes=[
            Route("/healthz", health),
            *site.assets.routes,
            Route("/", queue),
            Route("/applications/{application:int}", case, methods=["GET", "POST"]),
            Route("/api/applications/{application:int}/assess", assess, methods=["POST"]),
            Route("/api/progress", progress),
        ],
        middleware=[
            Middleware(AccessLog, path=parsed.access_log),
            Middleware(SameOrigin),
            Middleware(GZipMiddleware, compresslevel=6),
        ],
        lifespan=lifespan,
    )
    app.state.site = site
    return app


def main(arguments: list[str] | None = None) -> int:
    """Run the back office until it is stopped.

    Args:
        arguments: command line without the program name; the process's own by default.

    Returns:
        The exit code.
    """
    parser = serving.options("backoffice", "Back office of the loan portal: scoring, queue, decisions.")
    parser.add_argument("--products", type=Path, default=PRODUCTS_DIR, metavar="DIR", help="product declarations")
    return serving.run("backoffice", parser.parse_args(arguments), create_app)


if __name__ == "__main__":
    sys.exit(main())
