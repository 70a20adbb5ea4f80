# SPDX-License-Identifier: Apache-2.0
"""What rules find: something is wrong, something cannot be told now, everything else is well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Rule = Literal["budget", "target", "change_point", "data_stopped", "channel_dead"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong.

    Attributes:
        key: names it; the same thing has the same key as long as it lasts.
        application_id: None: the organisation's, or a team's.
        value, limit: in the unit that ``detail`` names; None where there is no such thing.
        detail: what else a message says: ``unit``, ``what``, ``share``, ``low``, ``high``, ``cause``, ``subject``, ``team``,
            ``since``; JSON.
    """

    rule: Rule
    key: str
    application_id: str | None = None
    journey_id: str | None = None
    value: float | None = None
    limit: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a look at everything found.

    Attributes:
        wrong: by key. undecided: keys of what cannot be told now: an alert of it stays as it is, and none begins.
    """

    wrong: Mapping[str, Finding]
    undecided: frozenset[str] = frozenset()


def joined(all_of_them: Iterable[Findings]) -> Findings:
    """What several rules found."""
    wrong: dict[str, Finding] = {}
    undecided: set[str] = set()
    for one in all_of_them:
        wrong |= one.wrong
        undecided |= one.undecided
    return Findings(wrong, frozenset(undecided))


def decided(finding: Finding, *, worse: bool | None, still: bool = False) -> Findings:
    """One finding by its two thresholds.

    Args:
        worse: whether it is beyond the threshold at which an alert begins; None: unknown.
        still: whether it is beyond the lower one below which an alert ends.
    """
    if worse:
        return Findings({finding.key: finding})
    return Findings({}, frozenset((finding.key,))) if worse is None or still else Findings({})
