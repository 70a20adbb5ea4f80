# SPDX-License-Identifier: Apache-2.0
"""Histories of what a visit takes: what changed, when, after which deployment."""

from lichen.service.history_watch.finding import Found, evaluate
from lichen.service.history_watch.views import ChangeRow, EffectRow, HistoryView, MarkRow, changes
from lichen.store.models import RESTATED

__all__ = ["RESTATED", "ChangeRow", "EffectRow", "Found", "HistoryView", "MarkRow", "changes", "evaluate"]
