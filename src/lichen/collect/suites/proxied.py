# SPDX-License-Identifier: Apache-2.0
"""Exchanges that a proxy inside the suite tells, as Cypress' does: bytes of its own sockets, those that cross the network."""

from __future__ import annotations

from lichen.collect.browser.addresses import without_credentials
from lichen.collect.browser.exchange import Exchange
from lichen.collect.suites.channel import Event


def exchange_told(event: Event) -> Exchange:
    """The exchange of one event.

    Args:
        event: ``method``, ``url``, ``kind``, ``status`` (None: no answer), ``sent_at_s`` and ``finished_at_s`` (monotonic clock),
            ``received_bytes`` and ``sent_bytes``.

    Raises:
        KeyError, TypeError, ValueError: the event is none.
    """
    status = event["status"]
    received_bytes = int(event["received_bytes"])
    sent_at_s, finished_at_s = float(event["sent_at_s"]), float(event["finished_at_s"])
    return Exchange(
        url=without_credentials(str(event["url"])),
        method=str(event["method"]),
        kind=str(event["kind"]),
        sent_at_s=sent_at_s,
        status=None if status is None else int(status),
        finished_at_s=finished_at_s,
        whole_bytes=received_bytes,
        pieces=[(finished_at_s, received_bytes)],
        sent_pieces=[(sent_at_s, int(event["sent_bytes"]))],
    )
