# SPDX-License-Identifier: Apache-2.0
"""Messages in the words of a language, before the form of a channel."""

from lichen.render.notices.model import Item, Notice, Section
from lichen.render.notices.wording import worded

__all__ = ["Item", "Notice", "Section", "worded"]
