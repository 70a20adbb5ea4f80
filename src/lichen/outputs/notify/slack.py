# SPDX-License-Identifier: Apache-2.0
"""Slack: an incoming webhook, or a bot that writes to a channel. Block Kit with text alone: Slack shows no SVG."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar, Final

from lichen.config import Channel
from lichen.errors import ConfigError
from lichen.outputs.notify.answers import retry_after, understood
from lichen.outputs.notify.limits import SLACK, SLACK_HEADER, SLACK_SECTION, fitting
from lichen.render.figures import shorten
from lichen.render.notices import Item, Notice, Section, worded
from lichen.service.notifying import Limits, Means, Outgoing, Refused, Sent
from lichen.service.outbound import Reply

API: Final = "https://slack.com/api/chat.postMessage"
_JSON: Final = {"content-type": "application/json; charset=utf-8"}
_LATER: Final = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
"""Errors of the API that pass; any other asks for a repair."""
_LOOKALIKES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "*": "∗", "~": "∼", "`": "ˋ"})
"""Slack's three escapes (docs.slack.dev, "Escaping text"); its marks have none, so that others stand in for them."""
_EDGE: Final = re.compile(r"(?<![^\W_])_|_(?![^\W_])")


def escaped(text: str) -> str:
    """A text that Slack shows as it is: no mention, no link, no style.

    >>> escaped("<!channel> *now* my_app _x_")
    '&lt;!channel&gt; ∗now∗ my_app ＿x＿'
    """
    return _EDGE.sub("＿", text.translate(_LOOKALIKES))


def message(notice: Notice) -> dict[str, Any]:
    """A message as blocks, with a text for notifications and screen readers."""
    return {
        "text": f"{escaped(notice.subject)}\n{escaped(notice.lead)}",
        "blocks": list(_blocks(notice)),
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _blocks(notice: Notice) -> Iterator[dict[str, Any]]:
    header = shorten(notice.subject, SLACK_HEADER)
    yield {"type": "header", "text": {"type": "plain_text", "text": header, "emoji": False}}
    yield _section(escaped(notice.lead))
    for section in notice.sections:
        yield from (_section(text) for text in _texts(section, notice.colon))
    if notice.link:
        yield _section(f"<{_address(notice.link)}|{escaped(notice.link_text)}>")
    if notice.footer:
        elements = [{"type": "mrkdwn", "text": escaped(text), "verbatim": True} for text in notice.footer]
        yield {"type": "context", "elements": elements}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _texts(section: Section, colon: str) -> Iterator[str]:
    """A list, in as many texts as their limit asks for."""
    text = f"*{escaped(section.heading)}*"
    for item in section.items:
        line = f"\n• {_line(item, colon)}"
        if len(text) + len(line) > SLACK_SECTION:
            yield text
            text = line.lstrip("\n")
        else:
            text += line
    yield text


def _line(item: Item, colon: str) -> str:
    lead = f"*{escaped(item.lead)}*" if item.lead else ""
    said = colon.join(part for part in (lead, escaped(item.text)) if part)
    return f"`{item.bars}` {said}" if item.bars else said


def _address(link: str) -> str:
    return link.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")


def _form(**further: Any) -> Any:
    return lambda notice: json.dumps({**further, **message(notice)}, ensure_ascii=False, separators=(",", ":"))


class SlackNotifier:
    """An incoming webhook of Slack; its address is the secret of ``url_env``."""

    name: ClassVar[str] = "slack"
    limits: ClassVar[Limits] = SLACK

    def payload(self, outgoing: Outgoing, channel: Channel) -> str:  # noqa: ARG002 - a webhook knows its channel
        """Text and blocks as JSON."""
        return fitting(worded(outgoing), self.limits, _form())

    def send(self, outgoing: Outgoing, channel: Channel, means: Means) -> Sent | Refused:
        """Posts it; Slack answers ``ok``, or one word for what is wrong."""
        url = means.secret(channel, channel.url_env, "url_env")
        return understood(means.outbound.post(url, self.payload(outgoing, channel).encode(), _JSON))


class SlackBotNotifier:
    """A bot of Slack with the scope ``chat:write``; its token is the secret of ``token_env``, ``to`` the channel."""

    name: ClassVar[str] = "slack-bot"
    limits: ClassVar[Limits] = SLACK

    def payload(self, outgoing: Outgoing, channel: Channel) -> str:
        """Channel, text and blocks as JSON."""
        return fitting(worded(outgoing), self.limits, _form(channel=_one(channel)))

    def send(self, outgoing: Outgoing, channel: Channel, means: Means) -> Sent | Refused:
        """Calls ``chat.postMessage``, whose errors come with the status 200."""
        token = means.secret(channel, channel.token_env, "token_env")
        url = means.secret(channel, channel.url_env, "url_env") if channel.url_env else API
        headers = {**_JSON, "authorization": f"Bearer {token}"}
        reply = means.outbound.post(url, self.payload(outgoing, channel).encode(), headers)
        answer = understood(reply)
        return _said(reply) if isinstance(answer, Sent) and isinstance(reply, Reply) else answer


def _one(channel: Channel) -> str:
    if len(channel.to) != 1:
        raise ConfigError(
            f"The channel '{channel.name}' names {len(channel.to)} channels of Slack.",
            repair='Give it to = ["#one-channel"].', culprit=channel.name,
        )  # fmt: skip
    return channel.to[0]


def _said(reply: Reply) -> Sent | Refused:
    """What the API's body says."""
    try:
        said = json.loads(reply.body)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        return Refused(reason="Slack's answer is no JSON object.")
    if said.get("ok") is True:
        return Sent(f"ok {said.get('ts', '')}".strip())
    error = str(said.get("error", "no error named"))[:100]
    return Refused(reason=f"Slack answers {error}.", dead=error not in _LATER, retry_after_s=retry_after(reply))
