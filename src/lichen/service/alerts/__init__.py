# SPDX-License-Identifier: Apache-2.0
"""Alerts: what is wrong in production, told once to whoever owns it."""

from lichen.service.alerts.findings import Finding, Findings
from lichen.service.alerts.listing import AlertRow, listed
from lichen.service.alerts.machine import Turned, look, turn

__all__ = ["AlertRow", "Finding", "Findings", "Turned", "listed", "look", "turn"]
