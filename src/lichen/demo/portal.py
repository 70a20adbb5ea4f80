# SPDX-License-Identifier: Apache-2.0
"""``python -m lichen.demo.portal``: the loan portal."""

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from lichen.demo import datadir, pages_apply, pages_follow, pages_public, serving
from lichen.demo.assets import Assets
from lichen.demo.backoffice_client import BackOfficeClient
from lichen.demo.database import DATABASE_NAME, Database
from lichen.demo.middleware import AccessLog, SameOrigin
from lichen.demo.products import PRODUCTS_DIR, load_all
from lichen.demo.site import Site, site_of
from lichen.demo.variants import ALL, Variant


async def health(_request: Request) -> Response:
    """Say that the process serves."""
    return PlainTextResponse("ok\n")


async def reset(request: Request) -> Response:
    """Return the data to the seed state; only where the process was started with --allow-reset."""
    site = site_of(request)
    if not site.allow_reset:
        return PlainTextResponse("Start the portal with --allow-reset.\n", status_code=403)
    await run_in_threadpool(datadir.reset, site.data)
    return PlainTextResponse("reset\n")


async def _missing(request: Request, _error: Exception) -> Response:
    return pages_public.not_found(request)


def create_app(parsed: argparse.Namespace, data: Path) -> Starlette:
    """Build the application.

    Args:
        parsed: options of the command line.
        data: a prepared data folder.

    Returns:
        The application; it closes its connections when it stops.

    Raises:
        LichenError: an option or a product declaration is wrong.
    """
    variant = Variant.parse(parsed.heavy)
    site = Site(
        data=data,
        database=Database(data / DATABASE_NAME),
        products=load_all(parsed.products),
        assets=Assets(originals=variant.images),
        back_office=BackOfficeClient(parsed.backoffice),
        variant=variant,
        allow_reset=parsed.allow_reset,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await site.back_office.close()
        site.database.close()

    app = Starlette(
        routes=[
            Route("/healthz", health),
            Route("/__reset__", reset, methods=["POST"]),
            *site.assets.routes,
            *pages_public.ROUTES,
            *pages_apply.ROUTES,
            *pages_follow.ROUTES,
        ],
        middleware=[
            Middleware(AccessLog, path=parsed.access_log),
            Middleware(SameOrigin),
            Middleware(GZipMiddleware, compresslevel=6),
        ],
        exception_handlers={404: _missing},
        lifespan=lifespan,
    )
    app.state.site = site
    return app


def main(arguments: list[str] | None = None) -> int:
    """Run the portal until it is stopped.

    Args:
        arguments: command line without the program name; the process's own by default.

    Returns:
        The exit code.
    """
    parser = serving.options("portal", "Loan portal: the sample application that Lichen measures.")
    parser.add_argument("--backoffice", metavar="URL", help="address of the back office")
    parser.add_argument("--products", type=Path, default=PRODUCTS_DIR, metavar="DIR", help="product declarations")
    parser.add_argument(
        "--heavy", nargs="?", const=ALL, metavar="NAMES", help="regressions: images,polling,nplus1; all by default"
    )
    parser.add_argument("--allow-reset", action="store_true", help="let POST /__reset__ restore the seed data")
    return serving.run("portal", parser.parse_args(arguments), create_app)


if __name__ == "__main__":
    sys.exit(main())
