# SPDX-License-Identifier: Apache-2.0
"""Messages to people: written down, delivered at least once, and watched over."""

from lichen.service.notifying.delivering import (
    Delivered,
    Scope,
    base_url,
    channels_of,
    deliver_due,
    enqueue,
    lang_of,
    means_of,
    notifier_of,
    notifiers,
    outgoing_of,
    trial,
)
from lichen.service.notifying.protocol import GROUP, Limits, Means, Notifier, Outgoing, Refused, Sent
from lichen.service.notifying.silence import Silence, silent

__all__ = [
    "GROUP", "Delivered", "Limits", "Means", "Notifier", "Outgoing", "Refused", "Scope", "Sent", "Silence", "base_url",
    "channels_of", "deliver_due", "enqueue", "lang_of", "means_of", "notifier_of", "notifiers", "outgoing_of", "silent", "trial",
]  # fmt: skip
