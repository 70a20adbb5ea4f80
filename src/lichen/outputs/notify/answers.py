# SPDX-License-Identifier: Apache-2.0
"""What the answer of an HTTP service means for a message."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from lichen.service.notifying import Refused, Sent
from lichen.service.outbound import Reply, Unreachable

_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


def understood(reply: Reply | Unreachable) -> Sent | Refused:
    """Sent for 2xx; later for 408, 425, 429, 5xx and no answer, as the service asks; never for anything else."""
    if isinstance(reply, Unreachable):
        return Refused(reason=reply.reason)
    if 200 <= reply.status < 300:
        return Sent(str(reply.status))
    said = f": {reply.text}" if reply.text else ""
    if 300 <= reply.status < 400:
        return Refused(
            reason=f"The address answers {reply.status}, a redirect, which is not followed: name the place itself.",
            dead=True,
        )
    later = reply.status in _LATER or reply.status >= 500
    return Refused(
        reason=f"The channel answers {reply.status}{said}.", dead=not later, retry_after_s=retry_after(reply)
    )


def retry_after(reply: Reply) -> float | None:
    """Seconds that an answer asks to wait (RFC 9110, section 10.2.3); None when it does not, or not understandably."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
