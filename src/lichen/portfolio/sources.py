# SPDX-License-Identifier: Apache-2.0
"""Of several sources for one application, tier and period one counts; the others are kept to reconcile it with.

A meter on a server, the bill of its provider and what journeys say about it times traffic are three answers to one question:
adding them would count the server three times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from lichen.errors import UsageError
from lichen.portfolio.estimate import UNKNOWN, Estimate


class SourceKind(StrEnum):
    """Where a figure of a period comes from, the most trusted one first."""

    METER = "meter"
    BILL = "bill"
    JOURNEYS = "journeys"


class Reason(StrEnum):
    """Why a source counts."""

    DECLARED = "declared"
    ONLY = "only"
    MOST_TRUSTED = "most_trusted"
    MORE_TRUSTED_UNKNOWN = "more_trusted_unknown"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Slot:
    """What one source may answer for: a tier of an application in a month."""

    application: str
    tier: str
    period: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one source says about a slot, in one indicator."""

    slot: Slot
    source: SourceKind
    figure: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What counts for a slot.

    Attributes:
        counted: the source that counts; None when the declared one has nothing to say.
        figure: its figure; unknown when there is none.
        others: the sources that do not count.
        reason: why this one counts.
    """

    slot: Slot
    counted: SourceKind | None
    figure: Estimate
    others: tuple[Claim, ...]
    reason: Reason

    def difference(self, other: Claim) -> float | None:
        """By how much another source differs, as a share of the figure that counts; None when unknown or that is 0."""
        if not self.figure.value or other.figure.value is None:
            return None
        return other.figure.value / self.figure.value - 1


def choose(claims: Iterable[Claim], declared: Mapping[tuple[str, str], SourceKind] | None = None) -> tuple[Choice, ...]:
    """One counted source for each slot.

    Args:
        claims: at most one of each source for a slot.
        declared: the source that an application declares for a tier, by application and tier; it counts even when it has no
            figure, since a declared source that is silent is a fact to be seen. Where none is declared: the meter, else the bill,
            else the journeys, whichever is known.

    Returns:
        Choices in the order in which their slots first appear.

    Raises:
        UsageError: two claims of one source for one slot.
    """
    grouped: dict[Slot, dict[SourceKind, Claim]] = {}
    for claim in claims:
        group = grouped.setdefault(claim.slot, {})
        if claim.source in group:
            slot = claim.slot
            raise UsageError(
                f"The {slot.tier} tier of {slot.application} has two figures of its {claim.source} in {slot.period:%Y-%m}.",
                repair="Sum them first, or remove one.",
                culprit=slot.application,
            )
        group[claim.source] = claim
    wanted = declared or {}
    return tuple(_choice(slot, group, wanted.get((slot.application, slot.tier))) for slot, group in grouped.items())


def _choice(slot: Slot, group: Mapping[SourceKind, Claim], declared: SourceKind | None) -> Choice:
    ordered = [group[source] for source in SourceKind if source in group]
    if declared is not None:
        counted, reason = group.get(declared), Reason.DECLARED
    else:
        counted = next((claim for claim in ordered if claim.figure.value is not None), None)
        reason = _reason(counted, ordered)
    return Choice(
        slot=slot,
        counted=None if counted is None else counted.source,
        figure=UNKNOWN if counted is None else counted.figure,
        others=tuple(claim for claim in ordered if claim is not counted),
        reason=reason,
    )


def _reason(counted: Claim | None, ordered: list[Claim]) -> Reason:
    if counted is None:
        return Reason.NONE
    if counted is not ordered[0]:
        return Reason.MORE_TRUSTED_UNKNOWN
    return Reason.ONLY if len(ordered) == 1 else Reason.MOST_TRUSTED
