# SPDX-License-Identifier: Apache-2.0
"""Microsoft Teams: a workflow's webhook that posts an adaptive card. Rich text blocks hold runs of text, which nothing parses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from lichen.config import Channel
from lichen.outputs.notify.answers import understood
from lichen.outputs.notify.limits import TEAMS, fitting
from lichen.render.notices import Item, Notice, worded
from lichen.service.notifying import Limits, Means, Outgoing, Refused, Sent


def card(notice: Notice) -> dict[str, Any]:
    """A message as an adaptive card, version 1.4."""
    content: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
        "lang": notice.lang, "fallbackText": notice.subject, "body": list(_body(notice)),
    }  # fmt: skip
    if notice.link:
        content["actions"] = [{"type": "Action.OpenUrl", "title": notice.link_text, "url": notice.link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": content}
    return {"type": "message", "attachments": [attachment]}


def _body(notice: Notice) -> Iterator[dict[str, Any]]:
    yield _text([_run(notice.subject, weight="Bolder", size="Large")])
    yield _text([_run(notice.lead)])
    for section in notice.sections:
        yield _text([_run(section.heading, weight="Bolder")], spacing="Medium")
        for item in section.items:
            yield _text(list(_runs(item, notice.colon)), spacing="Small")
    for text in notice.footer:
        yield _text([_run(text, isSubtle=True, size="Small")])


def _runs(item: Item, colon: str) -> Iterator[dict[str, Any]]:
    if item.bars:
        yield _run(f"{item.bars} ", fontType="Monospace")
    if item.lead:
        yield _run(f"{item.lead}{colon}" if item.text else item.lead, weight="Bolder")
    if item.text:
        yield _run(item.text)


def _text(inlines: list[dict[str, Any]], **further: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": inlines, **further}


def _run(text: str, **further: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **further}


def _form(notice: Notice) -> str:
    return json.dumps(card(notice), ensure_ascii=False, separators=(",", ":"))


class TeamsNotifier:
    """A workflow of Teams ("when a webhook request is received"); its address is the secret of ``url_env``."""

    name: ClassVar[str] = "teams"
    limits: ClassVar[Limits] = TEAMS

    def payload(self, outgoing: Outgoing, channel: Channel) -> str:  # noqa: ARG002 - a workflow knows its channel
        """The card as JSON."""
        return fitting(worded(outgoing), self.limits, _form)

    def send(self, outgoing: Outgoing, channel: Channel, means: Means) -> Sent | Refused:
        """Posts it."""
        url = means.secret(channel, channel.url_env, "url_env")
        headers = {"content-type": "application/json; charset=utf-8"}
        return understood(means.outbound.post(url, self.payload(outgoing, channel).encode(), headers))
