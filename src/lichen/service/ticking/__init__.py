# SPDX-License-Identifier: Apache-2.0
"""Scheduled work: what is due is done once, whoever asks."""

from lichen.service.ticking.jobs import Work, all_work, chosen
from lichen.service.ticking.serving import Planned, Served, plan, serve_due

__all__ = ["Planned", "Served", "Work", "all_work", "chosen", "plan", "serve_due"]
