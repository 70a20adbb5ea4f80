# SPDX-License-Identifier: Apache-2.0
"""A message of any kind in words."""

from __future__ import annotations

from lichen.render.notices.alert import alert_notice, trial_notice
from lichen.render.notices.digest import digest_notice
from lichen.render.notices.model import Notice
from lichen.render.notices.phrases import Phrases
from lichen.service.digest.model import read_digest
from lichen.service.messages import read_alert, read_trial
from lichen.service.notifying import Outgoing


def worded(outgoing: Outgoing) -> Notice:
    """A message in the language of its channel."""
    phrases, message = Phrases(outgoing.lang), outgoing.message
    if message.kind == "digest":
        return digest_notice(read_digest(message), phrases, outgoing.link)
    if message.kind == "alert":
        return alert_notice(read_alert(message), phrases, outgoing.link)
    return trial_notice(read_trial(message), phrases, outgoing.link)
