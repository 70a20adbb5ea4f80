# SPDX-License-Identifier: Apache-2.0
"""What the description of the API (OpenAPI 3.1) says of every operation alike: who may call it, and how it refuses."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI

from lichen.outputs.web import access, sessions
from lichen.outputs.web.problems import MEDIA_TYPE

_PROBLEM: Final = {
    "type": "object",
    "description": "A refusal (RFC 9457).",
    "required": ["type", "title", "status", "detail", "culprit", "repair"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence that names what is wrong."},
        "culprit": {"type": "string", "description": "Key, row or word at fault."},
        "repair": {"type": "string", "description": "What to do; empty when the detail says it."},
    },
}
_REFUSALS: Final = {
    "400": "The body is no text in UTF-8.",
    "401": "Nobody is signed in, or the token is not valid.",
    "403": "The caller lacks the scope, or another site made the request.",
    "413": "The body is too large.",
    "429": "Too many requests; Retry-After says when to come back.",
}


def install(app: FastAPI) -> None:
    """Completes the description that FastAPI makes of an application."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(app, plain())
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's own way of extending it


def _completed(app: FastAPI, described: dict[str, Any]) -> dict[str, Any]:
    parts = described.setdefault("components", {})
    parts.setdefault("schemas", {}).setdefault("Problem", _PROBLEM)
    parts["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token: `lichen token create`."},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": sessions.PLAIN_NAME,
            "description": "Of a signed-in browser.",
        },
    }
    for route in access.routes(app):
        for method in route.methods:
            operation = described["paths"].get(route.path, {}).get(method.lower())
            if operation is not None and route.rule is not None:
                _complete(operation, route.rule)
    return described


def _complete(operation: dict[str, Any], rule: access.Rule) -> None:
    refusals = dict(_REFUSALS)
    if rule.scope is None:
        operation["security"] = []
        for status in ("401", "403"):
            del refusals[status]
            operation["responses"].pop(status, None)
    else:
        operation["security"] = [{"session": []}] if rule.persons_only else [{"token": []}, {"session": []}]
        operation["description"] = f"{operation.get('description', '')}\n\nScope: `{rule.scope}`.".strip()
    if "requestBody" not in operation:
        del refusals["400"], refusals["413"]
    for status, text in refusals.items():
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        operation["responses"].setdefault(status, {"description": text, "content": content})
