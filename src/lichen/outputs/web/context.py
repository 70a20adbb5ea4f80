# SPDX-License-Identifier: Apache-2.0
"""What the handlers of a request need."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from lichen.service.context import ServiceContext


@dataclass(frozen=True, slots=True, kw_only=True)
class WebContext(ServiceContext):
    """`ServiceContext`, and where the server is reached.

    Attributes:
        base_url: start of absolute addresses, without a slash at its end.
    """

    base_url: str


def context_of(request: HTTPConnection) -> WebContext:
    """The context of the application that answers a request."""
    context: WebContext = request.app.state.context
    return context
