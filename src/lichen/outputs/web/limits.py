# SPDX-License-Identifier: Apache-2.0
"""How much one caller may ask: requests per address and per token, wrong tokens per address, bytes of a body.

The limits stand before anything is read or looked up. A caller beyond them gets 429 with ``Retry-After``, or 413.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from fastapi import FastAPI
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lichen.outputs.web import problems
from lichen.outputs.web.problems import Problem
from lichen.service.accounts import Throttle
from lichen.service.ingest import BODY_MAX

ADDRESS_PER_S: Final = 1000.0
"""An address may be a proxy or a runner that many agents share."""
TOKEN_PER_S: Final = 1000.0
BURST_S: Final = 4.0
"""Seconds of the sustained rate that are taken at once."""
GUESSES: Final = 30.0
GUESSES_PER_S: Final = 0.5
"""Wrong tokens of one address: more than a wrong variable in a pipeline makes, fewer than a search needs."""
ACCOUNT_FAILURES: Final = 6.0
ADDRESS_FAILURES: Final = 24.0
SIGN_INS_PER_S: Final = 1 / 60
"""Failed sign-ins of one account and of one address that are taken at once, and how fast they are forgotten."""
BODY_MAX_BYTES: Final = 1 << 20
LARGE_BODIES: Final = {"/api/v1/runs": BODY_MAX}
"""Routes that take files: most bytes of a body as sent."""


class Limits:
    """The counters of one server; in its memory, bounded.

    Args:
        app: the application whose context has the clock.
    """

    def __init__(self, app: FastAPI) -> None:
        def clock() -> float:
            return float(app.state.context.clock().timestamp())

        self.addresses: Final = Throttle(per_s=ADDRESS_PER_S, burst=ADDRESS_PER_S * BURST_S, clock=clock)
        self.tokens: Final = Throttle(per_s=TOKEN_PER_S, burst=TOKEN_PER_S * BURST_S, clock=clock)
        self.guesses: Final = Throttle(per_s=GUESSES_PER_S, burst=GUESSES, clock=clock)
        self.accounts: Final = Throttle(per_s=SIGN_INS_PER_S, burst=ACCOUNT_FAILURES, clock=clock)
        self.sign_ins: Final = Throttle(per_s=SIGN_INS_PER_S, burst=ADDRESS_FAILURES, clock=clock)


def address_of(request: HTTPConnection) -> str:
    """The caller's address; of IPv6 the network of 64 bits, which one household has to itself."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host or "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)


def charge_address(request: HTTPConnection) -> None:
    """Counts a request of an address; Problem 429 when it asks too much."""
    _refuse(limits_of(request).addresses.add(address_of(request)), "Too many requests came from this address.")


def check_length(request: HTTPConnection, most: int) -> None:
    """Problem 413 when a request says that its body is larger than ``most`` bytes."""
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > most:
        raise too_large(most)


def charge_token(request: HTTPConnection, token_id: str) -> None:
    """Counts a request of a token; Problem 429 when it asks too much."""
    _refuse(limits_of(request).tokens.add(token_id), "This token sends too many requests.")


def refuse_guessing(request: HTTPConnection) -> None:
    """Problem 429 when an address gave too many wrong tokens."""
    _refuse(limits_of(request).guesses.wait_s(address_of(request)), "Too many wrong tokens came from this address.")


def count_guess(request: HTTPConnection) -> None:
    """Counts a wrong token."""
    limits_of(request).guesses.add(address_of(request))


def too_many(wait_s: int, detail: str) -> Problem:
    """The refusal of who asks too much, with the seconds to wait."""
    return Problem(429, detail, repair=f"Wait {wait_s} s.", headers={"Retry-After": str(wait_s)})


def _refuse(wait_s: int, detail: str) -> None:
    if wait_s:
        raise too_many(wait_s, detail)


def limits_of(request: HTTPConnection) -> Limits:
    """The counters of the application that answers a request."""
    limits: Limits = request.app.state.limits
    return limits


class _TooLarge(Exception):
    """More bytes came than the route takes."""


class RequestLimits:
    """Refuses an address that asks too much, and a body that is too large, before anybody reads it.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app: Final = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request within the limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        most = LARGE_BODIES.get(scope["path"].rstrip("/"), BODY_MAX_BYTES)
        try:
            charge_address(request)
            check_length(request, most)
        except Problem as problem:
            await problems.answer(problem)(scope, receive, send)
        else:
            await self._counted(scope, receive, send, most)

    async def _counted(self, scope: Scope, receive: Receive, send: Send, most: int) -> None:
        taken = 0
        started = False

        async def counting() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise _TooLarge
            return message

        async def noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, counting, noting)
        except _TooLarge:
            if started:
                raise
            await problems.answer(too_large(most))(scope, receive, send)


def too_large(most: int) -> Problem:
    """The refusal of a body of more than ``most`` bytes."""
    return Problem(413, f"The body is larger than {most} bytes.", repair="Send less at once.")


def install(app: FastAPI) -> None:
    """Stands before every route of an application."""
    app.state.limits = Limits(app)
    app.add_middleware(RequestLimits)
