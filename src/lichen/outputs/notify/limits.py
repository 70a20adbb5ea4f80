# SPDX-License-Identifier: Apache-2.0
"""What channels take at most, and how a message is made to fit. The services' own limits are written beside ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lichen.render.notices import Notice
from lichen.service.notifying import Limits

SLACK: Final = Limits(characters=8_000, blocks=20)
"""Slack takes 50 blocks (docs.slack.dev, "Blocks"), and refuses ``msg_blocks_too_long`` from about 13,200 characters on
(slackapi/bolt-js, issue 2509)."""
SLACK_SECTION: Final = 3_000
"""Characters of a section's text (docs.slack.dev, "Section block")."""
SLACK_HEADER: Final = 150
"""Characters of a header's text (docs.slack.dev, "Header block")."""
MATTERMOST: Final = Limits(characters=16_000)
"""Mattermost takes 16,383 characters a post (docs.mattermost.com, "Incoming webhooks")."""
TEAMS: Final = Limits(characters=24_000)
"""Teams takes 28 kB a message (learn.microsoft.com, "Rate limiting for bots")."""
EMAIL: Final = Limits(characters=60_000)
"""Gmail cuts what is longer than 102 kB."""
WEBHOOK: Final = Limits(characters=100_000)
"""Ours: whoever receives it may rely on it."""


def fitting(notice: Notice, limits: Limits, form: Callable[[Notice], str]) -> str:
    """A message in the form of a channel, its lists cut until it is within the limits.

    Args:
        form: the payload of a message.
    """
    payload = form(notice)
    left: Notice | None = notice
    while len(payload) > limits.characters and (left := left.shorter() if left else None) is not None:
        payload = form(left)
    return payload
