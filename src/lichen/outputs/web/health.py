# SPDX-License-Identifier: Apache-2.0
"""Whether the server lives, and whether it can do its work."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse

from lichen import __version__
from lichen.errors import LichenError
from lichen.outputs.web.access import public
from lichen.outputs.web.context import WebContext, context_of
from lichen.records import ID_SHOWN
from lichen.service import landing
from lichen.store import schema

router = APIRouter(tags=["health"])

_REASON = "whoever watches over the server has no account, and the answer holds no figure and no name"


@router.get("/health", dependencies=[Depends(public(_REASON))])
async def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "live", "version": __version__}


@router.get(
    "/ready", dependencies=[Depends(public(_REASON))], responses={503: {"description": "It cannot do its work."}}
)
def ready(context: Annotated[WebContext, Depends(context_of)]) -> JSONResponse:
    """Store and ledger answer, and runs land. 503 when one of them does not, with ``checks`` that say which."""
    store, found = _store(context)
    ledger = _ledger(context)
    checks = {"store": store, "ledger": ledger, "landing": _landing(found)}
    fine = all(check["ok"] for check in checks.values())
    return JSONResponse({"status": "ready" if fine else "not ready", "checks": checks}, 200 if fine else 503)


def _store(context: WebContext) -> tuple[dict[str, Any], landing.Status | None]:
    try:
        found = landing.status(context)
        with context.store.reading() as session:
            current = schema.is_current(session.connection())
    except LichenError:
        return {"ok": False, "problem": "The store does not answer."}, None
    if not current:
        return {"ok": False, "problem": "The store was changed by another version."}, found
    return {"ok": True}, found


def _ledger(context: WebContext) -> dict[str, Any]:
    try:
        context.ledger.check()
    except LichenError:
        return {"ok": False, "problem": "The ledger does not answer; runs are taken in and wait."}
    return {"ok": True}


def _landing(found: landing.Status | None) -> dict[str, Any]:
    if found is None:
        return {"ok": False, "problem": "The store does not answer."}
    # Runs are named by their hash alone: whoever watches may not know the applications.
    said = {"pending": found.pending, "set_aside": [one.run_id[:ID_SHOWN] for one in found.aside]}
    if not found.alive:
        return {"ok": False, "problem": "Nobody lands runs; they are taken in and wait.", **said}
    return {"ok": not found.problem, "problem": "The landing waits." if found.problem else "", **said}
