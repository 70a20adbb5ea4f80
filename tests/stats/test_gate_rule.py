# SPDX-License-Identifier: Apache-2.0
"""The rule of `lichen compare`, simulated: how often it fails what did not change, and sees what did. Truths are drawn here."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from lichen.stats.paired import ALPHA, LOOKS, LogEffect, order, trimmed_means

SERIES = 4_000
DELTA = 0.05
CVS = (0.01, 0.03, 0.05, 0.08, 0.12)
PASS, FAIL, UNDECIDED = "pass", "fail", "undecided"


def runs(rng: np.random.Generator, cv: float, *, contaminated: bool) -> np.ndarray:
    """Logarithms of log-normal runs; contaminated: 6 % of them are 10 to 60 % slower, as on a machine that others use."""
    sigma = math.sqrt(math.log1p(cv**2))
    values = rng.normal(0.0, sigma, (SERIES, LOOKS[-1]))
    if contaminated:
        hit = rng.random(values.shape) < 0.06
        values += hit * np.log1p(rng.uniform(0.1, 0.6, values.shape))
    return values


def differences(seed: int, cv: float, *, change: float, contaminated: bool) -> np.ndarray:
    rng = np.random.default_rng(seed)
    base = runs(rng, cv, contaminated=contaminated)
    return runs(rng, cv, contaminated=contaminated) + math.log1p(change) - base


def sequential(found: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Outcome of each series after the looks, with the pairs used and the interval of the change when it stopped."""
    outcome = np.full(len(found), UNDECIDED, dtype="<U9")
    pairs = np.zeros(len(found), dtype=int)
    low, high = np.empty(len(found)), np.empty(len(found))
    for look in LOOKS:
        going = np.flatnonzero(outcome == UNDECIDED)
        means, errors, freedom = trimmed_means(found[going, :look])
        for at, mean, error in zip(going, means, errors, strict=True):
            effect = LogEffect(mean=float(mean), error=float(error), freedom=freedom, pairs=look)
            outcome[at], pairs[at] = effect.decide(DELTA), look
            low[at], high[at] = effect.interval()
    return outcome, pairs, low, high


@pytest.mark.parametrize("contaminated", [False, True])
@pytest.mark.parametrize("cv", CVS)
def test_what_did_not_change_hardly_ever_fails(cv: float, contaminated: bool) -> None:
    outcome, _, low, high = sequential(differences(1, cv, change=0.0, contaminated=contaminated))
    assert (outcome == FAIL).mean() <= 0.025
    assert ((low <= 0) & (high >= 0)).mean() >= 0.90


@pytest.mark.parametrize("contaminated", [False, True])
@pytest.mark.parametrize("cv", [cv for cv in CVS if cv <= 0.05])
def test_ten_percent_more_is_seen(cv: float, contaminated: bool) -> None:
    outcome, pairs, low, high = sequential(differences(2, cv, change=0.10, contaminated=contaminated))
    assert (outcome == FAIL).mean() >= 0.95
    assert (outcome == PASS).mean() <= 0.005
    assert ((low <= 0.10) & (high >= 0.10)).mean() >= 0.90
    if cv <= 0.01:
        assert pairs.mean() < 7


def test_a_quiet_machine_passes_what_did_not_change() -> None:
    outcome, _, _, _ = sequential(differences(3, 0.03, change=0.0, contaminated=False))
    assert (outcome == PASS).mean() >= 0.95


def test_a_rule_without_thresholds_would_be_caught() -> None:
    """Three runs a side and a threshold of 5 %, the usual gate, fail one innocent change in ten: the bound above bites."""
    found = differences(1, 0.05, change=0.0, contaminated=False)[:, :3].mean(axis=1)
    assert (found > math.log1p(DELTA)).mean() > 0.10


def test_the_order_of_the_pairs_does_not_matter() -> None:
    found = differences(4, 0.05, change=0.04, contaminated=True)[:200]
    shuffled = np.random.default_rng(5).permuted(found, axis=1)
    for look in LOOKS:
        mixed = np.random.default_rng(6).permuted(found[:, :look], axis=1)
        for one, other in zip(trimmed_means(found[:, :look])[:2], trimmed_means(mixed)[:2], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)
    assert not np.array_equal(found, shuffled)


def test_levels_are_those_of_the_design() -> None:
    assert LOOKS == (6, 9, 13, 18, 25)
    assert ALPHA == 0.005


def test_sides_alternate_so_that_a_drift_hits_both_alike() -> None:
    sides = [side for pair in range(4) for side in order(pair)]
    assert sides == [0, 1, 1, 0, 0, 1, 1, 0]
    drift = np.arange(len(sides), dtype=float)
    assert drift[[i for i, side in enumerate(sides) if side == 0]].sum() == drift[np.array(sides) == 1].sum()


ROW = re.compile(
    r"\| (\d+) % \| (no|yes) \| ([\d.]+) % \| ([\d.]+) % \| ([\d.]+) \| ([\d.]+) % \| ([\d.]+) \|", re.ASCII
)


def test_the_documentation_tells_what_the_simulation_shows() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "compare.md"
    rows = ROW.findall(page.read_text(encoding="utf-8"))
    assert len(rows) == 2 * len(CVS)
    for cv, disturbed, *said in rows:
        share, contaminated = int(cv) / 100, disturbed == "yes"
        same, same_pairs, _, _ = sequential(differences(1, share, change=0.0, contaminated=contaminated))
        more, more_pairs, _, _ = sequential(differences(2, share, change=0.10, contaminated=contaminated))
        fails, passes, pairs, seen, seen_pairs = map(float, said)
        assert fails / 100 == pytest.approx((same == FAIL).mean(), abs=0.001)
        assert passes / 100 == pytest.approx((same == PASS).mean(), abs=0.006)
        assert seen / 100 == pytest.approx((more == FAIL).mean(), abs=0.006)
        assert (pairs, seen_pairs) == (
            pytest.approx(same_pairs.mean(), abs=0.06), pytest.approx(more_pairs.mean(), abs=0.06)
        )  # fmt: skip
