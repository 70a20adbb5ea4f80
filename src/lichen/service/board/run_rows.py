# SPDX-License-Identifier: Apache-2.0
"""Rows of one run, and of two side by side: its journeys and steps, their counters and requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lichen.service.board.shapes import Figure, Named


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterValue:
    """A counter. half_width: 95 % repeatability, as a share of the value; None when it was read once."""

    quantity: str
    value: float | None
    unit: str
    half_width: float | None
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step of a journey, or a part of it: its counters and indicators of one functional unit."""

    name: str
    counters: Mapping[str, CounterValue]
    indicators: Mapping[str, Figure]
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLine:
    """Requests for one address, counted together."""

    url: str
    host: str
    party: str
    kind: str
    step: str
    network_bytes: int | None
    count: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunJourney:
    """A journey as one run measured it."""

    journey: Named
    functional_unit: str
    taken: int
    kept: int
    status: str
    counters: Mapping[str, CounterValue]
    indicators: Mapping[str, Figure]
    steps: tuple[StepRow, ...]
    parts: tuple[StepRow, ...]
    requests: tuple[RequestLine, ...]
    requests_total: int
    not_covered: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRow:
    """A quantity or indicator on both sides. change: right / left - 1; verdict: ``lower``, ``higher``, ``same``, ``unclear``."""

    name: str
    left: Figure
    right: Figure
    change: float | None
    verdict: str
