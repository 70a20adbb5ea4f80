# SPDX-License-Identifier: Apache-2.0
"""From rounds and pairs to coefficients of variation and errors, each with a bootstrap interval.

Runs that follow one another resemble one another, so rounds are drawn in runs of four (circular block bootstrap: Politis and
Romano, "A circular block-resampling procedure for stationary data", 1992). All ways of measuring share the drawn rounds, so that
a ratio of two has its own interval. The seed is fixed: the same results give the same page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from cells import DIFFERENCE, orders
from numpy.typing import NDArray
from scipy.special import stdtrit

Series = NDArray[np.float64]
Verdict = Literal["helps", "harms", "not shown"]
DRAWS: Final = 4000
BLOCK: Final = 4
"""Rounds that are drawn together."""
SEED: Final = 20261122
WAYS: Final[Mapping[str, Callable[[Mapping[str, Series]], Series]]] = {
    "raw": lambda of: of["raw_s"],
    "around": lambda of: of["raw_s"] / of["around_s"],
    "beside, raw": lambda of: of["beside_raw_s"],
    "beside": lambda of: of["beside_raw_s"] / of["beside_loop_s"],
    "mixed, raw": lambda of: of["mixed_raw_s"],
    "mixed": lambda of: of["mixed_raw_s"] / of["mixed_loop_s"],
}
"""Ways of measuring: CPU seconds as they are, or in units of the calibration's."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        """Of a ratio: whether all of the interval lies on one side of 1."""
        return "helps" if self.high < 1 else "harms" if self.low > 1 else "not shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How well one way of measuring repeats.

    Attributes:
        cv: coefficient of variation.
        ratio: cv over that of raw CPU seconds in the same rounds; None for those.
    """

    name: str
    cv: Estimate
    ratio: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One work in one condition.

    Attributes:
        record: as it stands in the results file.
        cost: CPU seconds of the calibrators over those of the work beside them.
        slower: how much more CPU time the work takes beside calibrators, as a share.
        signal: cv of the calibration blocks of all rounds: what a calibration would call this machine.
    """

    record: Mapping[str, Any]
    ways: tuple[Way, ...]
    cost: float
    slower: Estimate
    signal: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How well one order of runs finds a known difference.

    Attributes:
        error: root mean square of (estimate - truth), as a share.
        ratio: error over that of blocks; None for these.
        held: share of the 95 % intervals (Welch) that held the truth.
    """

    name: str
    error: Estimate
    ratio: Estimate | None
    held: float


def cv(values: Series) -> Series:
    """Coefficient of variation over the last axis."""
    return np.asarray(values.std(axis=-1, ddof=1) / values.mean(axis=-1))


def _estimate(value: float, draws: Series) -> Estimate:
    low, high = np.quantile(draws, (0.025, 0.975))
    return Estimate(float(value), float(low), float(high))


def _drawn(count: int, block: int) -> NDArray[np.int64]:
    """Positions of the rounds in each draw."""
    starts = np.random.default_rng(SEED).integers(0, count, size=(DRAWS, -(-count // block)))
    return np.asarray((starts[..., None] + np.arange(block)).reshape(DRAWS, -1)[:, :count] % count)


def cell(record: Mapping[str, Any]) -> Cell:
    """The figures of one record."""
    of = {key: np.array([one[key] for one in record["rounds"]]) for key in record["rounds"][0]}
    drawn = _drawn(len(record["rounds"]), BLOCK)
    raw = cv(of["raw_s"][drawn])
    ways = []
    for name, formula in WAYS.items():
        if name.startswith("mixed") and "mixed_raw_s" not in of:
            continue
        values = formula(of)
        spread, draws = float(cv(values)), cv(values[drawn])
        ratio = None if name == "raw" else _estimate(spread / float(cv(of["raw_s"])), draws / raw)
        ways.append(Way(name=name, cv=_estimate(spread, draws), ratio=ratio))
    beside = of["beside_raw_s"][drawn].mean(axis=-1) / of["raw_s"][drawn].mean(axis=-1) - 1
    return Cell(
        record=record,
        ways=tuple(ways),
        cost=float(of["beside_cost_s"].sum() / of["beside_raw_s"].sum()),
        slower=_estimate(of["beside_raw_s"].mean() / of["raw_s"].mean() - 1, beside),
        signal=float(cv(of["around_s"])),
    )


def _covers(a: Series, b: Series) -> bool:
    """Whether Welch's 95 % interval of mean(b) - mean(a) holds the true difference."""
    parts = [side.var(ddof=1) / len(side) for side in (a, b)]
    error = float(np.sqrt(sum(parts)))
    freedom = sum(parts) ** 2 / sum(part**2 / (len(side) - 1) for part, side in zip(parts, (a, b), strict=True))
    truth = DIFFERENCE * a.mean()
    return bool(abs(b.mean() - a.mean() - truth) <= stdtrit(freedom, 0.975) * error)


def order_errors(pairs: Sequence[Mapping[str, Sequence[float]]]) -> tuple[Order, ...]:
    """The figures of a known difference; nothing without pairs."""
    if not pairs:
        return ()
    errors, held = {}, {}
    for order in orders():
        sides = [(np.array(pair[f"{order} A"]), np.array(pair[f"{order} B"])) for pair in pairs]
        errors[order] = np.array([b.mean() / a.mean() - 1 - DIFFERENCE for a, b in sides])
        held[order] = float(np.mean([_covers(a, b) for a, b in sides]))
    drawn = _drawn(len(pairs), 1)
    rms = {order: np.sqrt((values[drawn] ** 2).mean(axis=-1)) for order, values in errors.items()}
    own = {order: float(np.sqrt((values**2).mean())) for order, values in errors.items()}
    return tuple(
        Order(
            name=order,
            error=_estimate(own[order], rms[order]),
            ratio=None if order == "blocks" else _estimate(own[order] / own["blocks"], rms[order] / rms["blocks"]),
            held=held[order],
        )
        for order in errors
    )
