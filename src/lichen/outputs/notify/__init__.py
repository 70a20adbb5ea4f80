# SPDX-License-Identifier: Apache-2.0
"""Channels that messages go to. Each is a notifier (`lichen.service.notifying.Notifier`), registered as a stranger's would be."""

from lichen.outputs.notify.mail import EmailNotifier
from lichen.outputs.notify.mattermost import MattermostNotifier
from lichen.outputs.notify.slack import SlackBotNotifier, SlackNotifier
from lichen.outputs.notify.teams import TeamsNotifier
from lichen.outputs.notify.webhook import WebhookNotifier

__all__ = [
    "EmailNotifier",
    "MattermostNotifier",
    "SlackBotNotifier",
    "SlackNotifier",
    "TeamsNotifier",
    "WebhookNotifier",
]
