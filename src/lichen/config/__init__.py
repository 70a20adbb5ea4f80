# SPDX-License-Identifier: Apache-2.0
"""lichen.toml, the environment and the flags as frozen settings, each value with its origin."""

from lichen.config.bills import Bills, Owner, Shared
from lichen.config.budgets import Budget, Gate, Limit
from lichen.config.keys import Key
from lichen.config.kinds import Samples, Viewport
from lichen.config.loading import DEFAULT_FILE, load_settings, resolve_lang
from lichen.config.metering import Kubernetes, Meter, PrometheusServer
from lichen.config.notify import Channel, DigestSettings, Notify, Smtp
from lichen.config.part import PART_SOURCES, Part
from lichen.config.settings import (
    KEYS,
    LIST_KEYS,
    Browser,
    Context,
    Extend,
    Journey,
    Lang,
    Measure,
    Method,
    Origin,
    Output,
    Project,
    Settings,
)  # fmt: skip
from lichen.config.watching import BUILT_IN, Alerts, Job, Schedule, Tick

__all__ = [
    "BUILT_IN",
    "DEFAULT_FILE",
    "KEYS",
    "LIST_KEYS",
    "PART_SOURCES",
    "Alerts",
    "Bills",
    "Browser",
    "Budget",
    "Channel",
    "Context",
    "DigestSettings",
    "Extend",
    "Gate",
    "Job",
    "Journey",
    "Key",
    "Kubernetes",
    "Lang",
    "Limit",
    "Measure",
    "Meter",
    "Method",
    "Notify",
    "Origin",
    "Output",
    "Owner",
    "Part",
    "Project",
    "PrometheusServer",
    "Samples",
    "Schedule",
    "Settings",
    "Shared",
    "Smtp",
    "Tick",
    "Viewport",
    "load_settings",
    "resolve_lang",
]  # fmt: skip
