# SPDX-License-Identifier: Apache-2.0
"""``POST /api/v1/runs``: runs are taken in once, and acknowledged once they are safe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from lichen.outputs.web import limits
from lichen.outputs.web.access import Identity
from lichen.outputs.web.ingest import Sender, entries_of, ingest_of, key_of
from lichen.outputs.web.problems import MEDIA_TYPE, Problem
from lichen.service.ingest import BATCH_MAX, BODY_MAX, Fault
from lichen.store.journal import Receipt

PATH: Final = "/api/v1/runs"
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}
_SENDER: Final = Sender("ingest")

router = APIRouter(tags=["runs"])

_PROBLEM: Final = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
_RECEIPT: Final[dict[str, Any]] = {
    "type": "object", "required": ["run_id", "is_new"],
    "properties": {"run_id": {"type": "string"}, "is_new": {"type": "boolean"}},
}  # fmt: skip
_RECEIPTS: Final[dict[str, Any]] = {
    "type": "object", "required": ["items", "failures"],
    "properties": {
        "items": {"type": "array", "items": _RECEIPT},
        "failures": {"type": "array", "items": {"type": "object"}},
    },
}  # fmt: skip
_TAKEN: Final = {"content": {"application/json": {"schema": {"oneOf": [_RECEIPT, _RECEIPTS]}}}}
_BODY: Final[dict[str, Any]] = {
    "required": True,
    "description": "The content of one run file (docs/run-file.md), or a batch of them; plain or gzipped.",
    "content": {
        "application/json": {
            "schema": {
                "oneOf": [
                    {"type": "object", "required": ["schema"], "properties": {"schema": {"const": "lichen-run/1"}}},
                    {
                        "type": "object", "required": ["runs"], "additionalProperties": False,
                        "properties": {
                            "runs": {
                                "type": "array", "minItems": 1, "maxItems": BATCH_MAX, "items": {"type": "object"},
                            }
                        },
                    },
                ]
            }
        }
    },
}  # fmt: skip
_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "description": "The same key with the same body is taken once. Without it, each run's hash is its key.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}  # fmt: skip

_PARTIAL: Final[dict[str, Any]] = {
    "name": "partial", "in": "query", "required": False,
    "description": "Keep the good runs of a batch and list the others.", "schema": {"type": "boolean", "default": False},
}  # fmt: skip


@router.post(
    PATH,
    summary="Take runs in",
    status_code=201,
    response_class=JSONResponse,
    responses={
        200: {"description": "Everything came before.", **_TAKEN},
        201: {"description": "Safe on the disk.", **_TAKEN},
        409: {"description": "The key came before with another body.", **_PROBLEM},
        413: {"description": "Too large.", **_PROBLEM},
        422: {"description": "No run, or a run that cannot be; of a batch, `failures` lists which.", **_PROBLEM},
        429: {"description": "Too many requests; Retry-After says when to come back.", **_PROBLEM},
        503: {"description": "Too much waits; Retry-After says when to come back.", **_PROBLEM},
        507: {"description": "The disk is full.", **_PROBLEM},
    },
    openapi_extra={"requestBody": _BODY, "parameters": [_KEY, _PARTIAL]},
)
async def take_in(request: Request, caller: Annotated[Identity, Depends(_SENDER)]) -> Response:
    """Takes one run, or a batch of up to 100: all of it or, with ``partial``, those that are good.

    201 when something is new, 200 when everything came before. Both are said only when the runs are safe on the disk.
    """
    key = key_of(request)
    partial = _flag(request.query_params.get("partial", "false"))
    way_in = ingest_of(request)
    intake, body = await way_in.read(request)
    allowed, foreign = await way_in.allowed(caller, intake.runs)
    faults = sorted([*intake.faults, *foreign], key=lambda fault: fault.position)
    if faults and not (partial and intake.is_batch):
        raise _refusal(faults, [] if intake.is_batch else foreign, is_batch=intake.is_batch)
    receipts = await way_in.keep(entries_of(allowed, key=key, body=body, caller=caller)) if allowed else ()
    return _answer(receipts, faults, is_batch=intake.is_batch)


async def answer(request: Request) -> Response:
    """As the route, for a request that nobody looked at before.

    Raises:
        Problem: the refusal.
        LichenError: the store does not answer.
    """
    limits.check_length(request, BODY_MAX)
    return await take_in(request, await _SENDER(request))


def _flag(word: str) -> bool:
    if word.lower() not in _FLAGS:
        raise Problem(422, f"partial is '{word[:40]}'.", repair="Write true or false.", culprit="partial")
    return _FLAGS[word.lower()]


def _refusal(faults: Sequence[Fault], foreign: Sequence[Fault], *, is_batch: bool) -> Problem:
    first = faults[0]
    if not is_batch:
        return Problem(404 if foreign else 422, first.problem, repair=first.repair, culprit=first.culprit)
    return Problem(
        422, f"{len(faults)} of the runs are refused, so none was kept; the first is number {first.position}: {first.problem}",
        repair="Repair them, or send with ?partial=true.", culprit=first.culprit,
        further={"failures": [fault.to_json() for fault in faults]}, headers=_counts(0, len(faults)),
    )  # fmt: skip


def _answer(receipts: Sequence[Receipt], faults: Sequence[Fault], *, is_batch: bool) -> Response:
    items = [{"run_id": receipt.run_id, "is_new": receipt.is_new} for receipt in receipts]
    new = sum(receipt.is_new for receipt in receipts)
    status = 201 if new else 200
    if not items:
        raise _refusal(faults, [], is_batch=True)
    content = {"items": items, "failures": [fault.to_json() for fault in faults]} if is_batch else items[0]
    return JSONResponse(content, status, _counts(new, len(faults)))


def _counts(new: int, refused: int) -> dict[str, str]:
    """So that a sender that reads no body still sees when fewer runs were written than it sent."""
    return {"Lichen-Runs-Written": str(new), "Lichen-Runs-Refused": str(refused)}
