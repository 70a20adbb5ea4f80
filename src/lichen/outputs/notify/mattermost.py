# SPDX-License-Identifier: Apache-2.0
"""Mattermost: an incoming webhook with Markdown; it renders no blocks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import ClassVar, Final
from urllib.parse import quote

from lichen.config import Channel
from lichen.outputs.notify.answers import understood
from lichen.outputs.notify.limits import MATTERMOST, fitting
from lichen.render.notices import Item, Notice, worded
from lichen.service.notifying import Limits, Means, Outgoing, Refused, Sent

_MARKS: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!|~:/])")
_OTHERS: Final = str.maketrans({"<": "‹", ">": "›", "@": "@\u200b", "&": "＆"})
"""Marks that a backslash does not disarm: Slack's mentions, which Mattermost understands, its own, and entities."""


def escaped(text: str) -> str:
    """A text that Mattermost shows as it is: no mention, no link, no picture, no style."""
    return _MARKS.sub(r"\\\1", text.translate(_OTHERS))


def markdown(notice: Notice) -> str:
    """A message as Markdown."""
    return "\n".join(_lines(notice))


def _lines(notice: Notice) -> Iterator[str]:
    yield f"#### {escaped(notice.subject)}"
    yield escaped(notice.lead)
    for section in notice.sections:
        yield f"\n**{escaped(section.heading)}**"
        yield from (f"- {_line(item, notice.colon)}" for item in section.items)
    if notice.link:
        yield f"\n[{escaped(notice.link_text)}]({quote(notice.link, safe=':/?&=%~.-_')})"
    yield from (f"\n{escaped(text)}" for text in notice.footer)


def _line(item: Item, colon: str) -> str:
    lead = f"**{escaped(item.lead)}**" if item.lead else ""
    said = colon.join(part for part in (lead, escaped(item.text)) if part)
    return f"`{item.bars}` {said}" if item.bars else said


def _form(notice: Notice) -> str:
    return json.dumps({"text": markdown(notice)}, ensure_ascii=False)


class MattermostNotifier:
    """An incoming webhook of Mattermost; its address is the secret of ``url_env``."""

    name: ClassVar[str] = "mattermost"
    limits: ClassVar[Limits] = MATTERMOST

    def payload(self, outgoing: Outgoing, channel: Channel) -> str:  # noqa: ARG002 - a webhook knows its channel
        """The text as JSON."""
        return fitting(worded(outgoing), self.limits, _form)

    def send(self, outgoing: Outgoing, channel: Channel, means: Means) -> Sent | Refused:
        """Posts it."""
        url = means.secret(channel, channel.url_env, "url_env")
        headers = {"content-type": "application/json; charset=utf-8"}
        return understood(means.outbound.post(url, self.payload(outgoing, channel).encode(), headers))
