# SPDX-License-Identifier: Apache-2.0
"""What a comparison says: an outcome, the effect with its interval, and what it comes from. Plain data, and its JSON document.

`lichen compare --format json=FILE` writes `verdict_document`; `read_verdict` reads it back, for budgets and comments.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, cast

from lichen.errors import StorageError

SCHEMA_VERSION: Final = 1

Outcome = Literal["pass", "fail", "inconclusive", "error"]
"""``error``: a journey that cannot be compared, because it failed on one side."""
_STEADY: Final = ("network_bytes", "requests", "layouts")
"""Counters that usually agree from run to run."""
CauseKind = Literal["request", "step", "part", "counter"]
CauseChange = Literal["new", "gone", "heavier", "lighter", "more", "fewer"]
OperandKind = Literal["url", "cmd", "git", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One quantity or indicator on both sides.

    Attributes:
        name: quantity or indicator of the nomenclature.
        base, head: 20 %-trimmed means of one run [unit]; None when unknown.
        change: head against base, relative (0.1 is 10 % more); None when unknown or against nothing.
        low, high: 99 % interval of the change; equal to it when exact; None when unknown.
        pairs: of runs that it was seen in.
        smallest_visible: relative change that this many pairs, as noisy as these, show nine times out of ten; 0 when exact.
        exact: each side has one value only, so the two are compared as they are.
        p: one-sided, that the head is not heavier than the base; None when exact or unknown.
        outcome: of this effect alone against `Verdict.delta`.
        fault: why there is no change to tell: unmeasured, unknown, not_finite, negative, zero, single; empty when there is one.
    """

    name: str
    unit: str
    base: float | None
    head: float | None
    change: float | None
    low: float | None
    high: float | None
    pairs: int
    smallest_visible: float | None
    exact: bool
    p: float | None
    outcome: Outcome
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceEffects:
    """Effects of one step or one part; ``name`` is empty for the time between steps."""

    name: str
    effects: tuple[Effect, ...]

    def effect(self, name: str) -> Effect | None:
        """The effect of a quantity or indicator; None when there is none."""
        return next((effect for effect in self.effects if effect.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Something that differs between the two sides.

    Attributes:
        kind, change: what differs, and which way.
        text: the whole in one English sentence; `lichen.render` says it in other languages from the other fields.
        name: file name of the address, step, part, or quantity.
        share: of the effect that it explains, 0 to 1; None when unknown.
        bytes_delta, requests_delta: head minus base of one run.
        cpu_s_delta: head minus base of one run [s].
        step, host, url: where; empty when it has none.
        instead_of: file name that this one has taken the place of; empty when it is the same.
    """

    kind: CauseKind
    change: CauseChange
    text: str
    name: str
    share: float | None = None
    bytes_delta: int | None = None
    requests_delta: int | None = None
    cpu_s_delta: float | None = None
    step: str = ""
    host: str = ""
    url: str = ""
    instead_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyVerdict:
    """One journey.

    Attributes:
        primary: what decides, the energy of one run; None when the journey failed.
        counters: physical quantities of the whole journey.
        gated: names of the effects that decide: the primary's, and those of the exact counters.
        steps, parts: the same effects by step and by part.
        causes: what differs, the largest share first.
        reason: one English sentence: why this outcome.
    """

    journey: str
    outcome: Outcome
    primary: Effect | None
    counters: tuple[Effect, ...] = ()
    gated: tuple[str, ...] = ()
    steps: tuple[PlaceEffects, ...] = ()
    parts: tuple[PlaceEffects, ...] = ()
    causes: tuple[Cause, ...] = ()
    reason: str = ""

    @property
    def varying(self) -> tuple[str, ...]:
        """Counters that usually agree from run to run, and did not: they are compared by statistics, as CPU time is."""
        effects = [effect for name in _STEADY if (effect := self.effect(name)) is not None]
        return tuple(effect.name for effect in effects if not effect.exact and not effect.fault)

    def effect(self, name: str) -> Effect | None:
        """The effect of a quantity or indicator on the whole journey; None when there is none."""
        every = (*(() if self.primary is None else (self.primary,)), *self.counters)
        return next((effect for effect in every if effect.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperandFacts:
    """One side.

    Attributes:
        kind, text: as it was asked for, secrets masked.
        revision: commit of a Git reference; empty otherwise.
        address: where the site answered; empty for recorded runs.
        runs: run files of this side's samples.
        host, browser, settings: fingerprints of the machine, the browser and its set-up.
    """

    kind: OperandKind
    text: str
    revision: str = ""
    address: str = ""
    runs: tuple[str, ...] = ()
    lichen_version: str = ""
    host: Mapping[str, Any] = field(default_factory=dict)
    browser: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A comparison.

    Attributes:
        outcome: the worst of the journeys': error, fail, inconclusive, pass.
        delta: smallest relative increase that fails.
        method: id and version that both sides are seen through; factors_hash: of the factors.
        warnings: English sentences on how far it can be trusted.
        started_at: UTC; elapsed_s: of the comparison [s].
    """

    outcome: Outcome
    journeys: tuple[JourneyVerdict, ...]
    base: OperandFacts
    head: OperandFacts
    delta: float
    method: Mapping[str, str]
    factors_hash: str
    warnings: tuple[str, ...]
    started_at: str
    elapsed_s: float


_WORST_FIRST: Final[tuple[Outcome, ...]] = ("error", "fail", "inconclusive", "pass")


def worst(outcomes: tuple[Outcome, ...]) -> Outcome:
    """The outcome of several; ``pass`` of none."""
    return min(outcomes, key=_WORST_FIRST.index, default="pass")


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """The JSON document of a verdict: `Verdict` with ``schema_version``; a number that is not finite is null."""
    return {"schema_version": SCHEMA_VERSION, **cast("dict[str, Any]", _plain(asdict(verdict)))}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def read_verdict(document: Mapping[str, Any], *, source: str = "the verdict") -> Verdict:
    """A verdict from its document.

    Args:
        document: as `verdict_document` gives it, perhaps through JSON.
        source: how the document is called in an error.

    Raises:
        StorageError: it is none, or of a newer version.
    """
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        said = "says no schema_version" if version is None else f"is of schema_version {version}"
        raise StorageError(
            f"{source} {said}; this Lichen reads {SCHEMA_VERSION}.",
            repair="Write it again: lichen compare … --format json=FILE.",
            culprit=source,
        )
    try:
        return Verdict(
            **{
                **_fields(document, Verdict),
                "journeys": tuple(map(_journey, document["journeys"])),
                "base": _operand(document["base"]),
                "head": _operand(document["head"]),
                "warnings": tuple(document["warnings"]),
            }
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise StorageError(
            f"{source} is no whole verdict: {error}.",
            repair="Write it again: lichen compare … --format json=FILE.",
            culprit=source,
        ) from error


def _fields(document: Mapping[str, Any], of: type[Any]) -> dict[str, Any]:
    """The values of a dataclass that a document gives; what a later version adds is left alone."""
    return {name: document[name] for name in of.__dataclass_fields__ if name in document}


def _journey(document: Mapping[str, Any]) -> JourneyVerdict:
    primary = document["primary"]
    return JourneyVerdict(
        **{
            **_fields(document, JourneyVerdict),
            "primary": None if primary is None else _effect(primary),
            "counters": tuple(map(_effect, document["counters"])),
            "gated": tuple(document["gated"]),
            "steps": tuple(map(_place, document["steps"])),
            "parts": tuple(map(_place, document["parts"])),
            "causes": tuple(Cause(**_fields(cause, Cause)) for cause in document["causes"]),
        }
    )


def _effect(document: Mapping[str, Any]) -> Effect:
    return Effect(**_fields(document, Effect))


def _place(document: Mapping[str, Any]) -> PlaceEffects:
    return PlaceEffects(name=document["name"], effects=tuple(map(_effect, document["effects"])))


def _operand(document: Mapping[str, Any]) -> OperandFacts:
    return OperandFacts(**{**_fields(document, OperandFacts), "runs": tuple(document["runs"])})
