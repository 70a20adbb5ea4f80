# SPDX-License-Identifier: Apache-2.0
"""Any program: JSON with the words and the facts, signed so that the receiver knows where it comes from."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, ClassVar, Final

from lichen.config import Channel
from lichen.outputs.notify.answers import understood
from lichen.outputs.notify.limits import WEBHOOK
from lichen.render.notices import worded
from lichen.service.context import now
from lichen.service.notifying import Limits, Means, Outgoing, Refused, Sent

SCHEMA: Final = 1


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC with SHA-256 over ``timestamp.body``, in hexadecimal: the time keeps an old message from being sent again."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class WebhookNotifier:
    """A webhook of your own: its address is the secret of ``url_env``, the key of its signature that of ``token_env``."""

    name: ClassVar[str] = "webhook"
    limits: ClassVar[Limits] = WEBHOOK

    def payload(self, outgoing: Outgoing, channel: Channel) -> str:
        """The message as JSON; facts that would make it too long are left out."""
        notice = worded(outgoing)
        document: dict[str, Any] = {
            "schema": SCHEMA, "delivery": outgoing.delivery_id, "channel": channel.name, "kind": outgoing.message.kind,
            "lang": outgoing.lang, "subject": notice.subject, "lead": notice.lead, "text": notice.plain(),
            "link": notice.link or None, "facts": dict(outgoing.message.facts),
        }  # fmt: skip
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        if len(text) > self.limits.characters:
            document |= {"facts": None}
            text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        return text

    def send(self, outgoing: Outgoing, channel: Channel, means: Means) -> Sent | Refused:
        """Posts it with its signature."""
        url = means.secret(channel, channel.url_env, "url_env")
        secret = means.secret(channel, channel.token_env, "token_env")
        body, timestamp = self.payload(outgoing, channel).encode(), str(int(now().timestamp()))
        headers = {
            "content-type": "application/json; charset=utf-8",
            "x-lichen-delivery": outgoing.delivery_id,
            "x-lichen-event": outgoing.message.kind,
            "x-lichen-timestamp": timestamp,
            "x-lichen-signature-256": f"sha256={signature(secret, timestamp, body)}",
        }
        return understood(means.outbound.post(url, body, headers))
