# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scipy import stats

from lichen.errors import FactorError
from lichen.factors.store import FactorStore
from lichen.model.uncertainty import DRAWS, bounds, draw
from lichen.records import Factor


def factor(**changes: object) -> Factor:
    row = Factor(
        factor_id="test.factor", value=10.0, low=5.0, high=40.0, unit="W", boundary="device", geography="WORLD",
        valid_from=date(2024, 1, 1), valid_to=None, source="s", source_title="S", licence="CC0-1.0",
    )  # fmt: skip
    return replace(row, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("distribution", ["lognormal", "triangular"])
def test_bounds_and_median_are_those_of_the_row(distribution: str) -> None:
    draws = draw(factor(distribution=distribution))
    assert len(draws) == DRAWS
    assert bounds(draws) == pytest.approx((5.0, 40.0), rel=2e-3)
    assert np.median(draws) == pytest.approx(10.0, rel=2e-3)


def test_a_uniform_factor_spreads_evenly_through_its_bounds() -> None:
    draws = draw(factor(distribution="uniform", low=5.0, value=10.0, high=14.0))
    assert bounds(draws) == pytest.approx((5.0, 14.0), rel=1e-6)
    assert stats.kstest(draws, "uniform", args=(4.5, 10.0)).pvalue > 0.99


def test_a_symmetric_split_lognormal_is_lognormal() -> None:
    draws = draw(factor(low=5.0, value=10.0, high=20.0))
    sigma = np.log(2) / stats.norm.ppf(0.95)
    assert stats.kstest(np.log(draws / 10), "norm", args=(0, sigma)).pvalue > 0.99


def test_a_fixed_factor_does_not_vary() -> None:
    assert set(draw(factor(distribution="fixed", low=10.0, high=10.0))) == {10.0}


def test_draws_belong_to_the_row_and_not_to_the_process() -> None:
    first, again = draw(factor()), draw(factor(comment="another text"))
    other = draw(factor(geography="FR"))
    assert (first == again).all()
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.1


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"low": 11.0}, "outside its range"), ({"low": 0.0}, "not positive"), ({"high": 9.0}, "outside its range")],
)
def test_a_bad_range_is_named(changes: dict[str, float], words: str) -> None:
    with pytest.raises(FactorError, match=words):
        draw(factor(**changes))


@pytest.mark.parametrize("count", [1, 2, 7, 19, 20, 2000, 2001])
def test_bounds_are_those_of_hazens_rule(count: int) -> None:
    draws = np.random.default_rng(count).normal(size=count)
    assert bounds(draws) == pytest.approx(tuple(np.quantile(draws, (0.05, 0.95), method="hazen")), rel=1e-12)


def test_no_draw_of_a_shipped_ratio_leaves_its_physical_range() -> None:
    """A facility uses at least what its equipment uses; a share lies between nothing and all."""
    ratios = [factor for factor in FactorStore.load() if factor.unit == "1" and factor.distribution != "fixed"]
    assert {"facility.pue", "grid.loss_share"} <= {factor.factor_id for factor in ratios}
    for row in ratios:
        draws = draw(row)
        if "pue" in row.factor_id:
            assert draws.min() >= 1.0, row.key
        elif row.factor_id.startswith(("server_power", "accelerator")) and "share" not in row.factor_id:
            # elasticities of power to size; errors, counts and ratios of two powers
            assert draws.min() > (-1.0 if "exponent" in row.factor_id else 0.0), row.key
            assert "exponent" not in row.factor_id or draws.max() < 2.0, row.key
        elif "overhead" in row.factor_id or "replication" in row.factor_id:
            # machines and copies for each one that is rented out
            assert draws.min() >= 1.0, row.key
        else:
            assert "share" in row.factor_id or "utilisation" in row.factor_id, (
                f"{row.key}: say here what its physical range is"
            )
            assert draws.min() >= 0.0, row.key
            assert draws.max() <= 1.0, row.key


def test_the_pue_lies_about_its_value() -> None:
    pue = FactorStore.load().lookup("facility.pue")
    assert np.median(draw(pue)) == pytest.approx(pue.value, abs=0.02)
    assert bounds(draw(pue)) == pytest.approx((pue.low, pue.high), rel=1e-3)
