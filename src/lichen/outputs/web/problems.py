# SPDX-License-Identifier: Apache-2.0
"""Errors as ``application/problem+json`` (RFC 9457): one sentence that names the culprit, one that names the repair."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from lichen.errors import LichenError, StorageError, UsageError

MEDIA_TYPE: Final = "application/problem+json"
_LOG: Final = logging.getLogger(__name__)


class Problem(HTTPException):
    """What a request is refused with.

    Args:
        status: of HTTP.
        detail: one sentence that names the culprit.
        repair: one sentence that says what to do; empty when the detail already says it.
        culprit: key, row or word at fault.
        headers: of the answer, such as ``Retry-After``.
        further: members of the answer besides the usual ones.
        key: of the sentence that pages say in its place, in the reader's language; empty: one for the status.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        repair: str = "",
        culprit: str = "",
        headers: Mapping[str, str] | None = None,
        further: Mapping[str, Any] | None = None,
        key: str = "",
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.repair = repair
        self.culprit = culprit
        self.further = dict(further or {})
        self.key = key


def answer(problem: Problem) -> Response:
    """A refusal as the answer to a request."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status_code).phrase,
        "status": problem.status_code,
        "detail": problem.detail,
        "culprit": problem.culprit,
        "repair": problem.repair,
        **problem.further,
    }
    return JSONResponse(content, problem.status_code, dict(problem.headers or {}), MEDIA_TYPE)


def of_error(error: LichenError) -> Problem:
    """A deliberate error as a refusal: the store or the ledger away is 503, a word that is wrong 422, the rest 500."""
    if isinstance(error, StorageError):
        return Problem(503, error.problem, repair=error.repair, culprit=error.culprit, headers={"Retry-After": "5"})
    status = 422 if isinstance(error, UsageError) else 500
    return Problem(status, error.problem, repair=error.repair, culprit=error.culprit)


def install(app: FastAPI) -> None:
    """Every refusal of an application becomes such an answer."""

    async def refused(request: Request, error: Exception) -> Response:
        if isinstance(error, Problem):
            return answer(error)
        if isinstance(error, HTTPException):
            headers = _allow(request) if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED else error.headers
            return answer(Problem(error.status_code, str(error.detail), headers=headers))
        if isinstance(error, RequestValidationError):
            return answer(_of_validation(error))
        if isinstance(error, LichenError):
            told = of_error(error)
            if told.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
                _LOG.error("%s %s: %s", request.method, request.url.path, error.problem, exc_info=error)
            return answer(told)
        raise error

    for kind in (HTTPException, RequestValidationError, LichenError):
        app.add_exception_handler(kind, refused)


def _allow(request: Request) -> dict[str, str]:
    """Methods of every route at an address; Starlette names those of the first one alone."""
    routes = iter_route_contexts(request.app.routes)
    matching = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return {"Allow": ", ".join(sorted({method for route in matching for method in route.methods or ()}))}


def _of_validation(error: RequestValidationError) -> Problem:
    found = error.errors()[0]
    where = ".".join(str(word) for word in found["loc"][1:])
    return Problem(422, f"{where or 'The request'}: {found['msg']}.", repair="Correct it.", culprit=where)
