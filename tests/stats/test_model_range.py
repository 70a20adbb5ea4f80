# SPDX-License-Identifier: Apache-2.0
"""The model's 90 % range holds the truth nine times out of ten, where the truth is drawn without Lichen's sampler.

A true world is a value of every factor. It is drawn by scipy from the row's own bounds, and the figure of that world is what the
engine gives when it looks these values up: through grouping, formulas and sums, without any draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from lichen.config import Settings
from lichen.model.activities import Group, When, group
from lichen.model.evaluate import evaluate
from lichen.model.method import Method
from lichen.model.method_reader import read_method
from lichen.model.results import Evaluation
from lichen.records import Activity, AttributeValue, Factor
from lichen.service.evaluation import parse_document
from lichen.service.workspace import Workspace

pytestmark = pytest.mark.timeout(300)

WORKSPACE = Workspace(Settings())
WORLDS = 2000
NORMAL_95 = float(stats.norm.ppf(0.95))


def rows() -> list[Activity]:
    """Twelve servers and three browsers of two countries, in several rows each."""
    amounts = np.random.default_rng(1)
    said: list[dict[str, Any]] = []
    for number in range(15):
        browser = number % 5 == 0
        names = (
            ("cpu_time", "screen_time", "network_bytes")
            if browser
            else ("cpu_time", "memory_byte_seconds", "disk_bytes")
        )
        said += [
            {"entity": f"app-{number % 3}/part-{number}", "quantity": name, "value": float(amounts.lognormal(0, 1)) * scale,
             "tier": "device" if browser else "server", "zone": ("FR", "DE")[number % 2],
             **({"device": "laptop"} if browser else {})}
            for name in names
            for scale in (({"network_bytes": 1e6, "memory_byte_seconds": 1e10, "disk_bytes": 1e7}.get(name, 1.0),) * 2)
        ]  # fmt: skip
    return parse_document(WORKSPACE, {"activities": said})[0]


@cache
def row_of(factor_id: str, zone: str) -> Factor:
    return WORKSPACE.lookup_for(factor_id, {"zone": zone}, None, None)


def looked_up(change: Callable[[Factor], Factor]) -> Callable[[str, Mapping[str, AttributeValue], When | None], Factor]:
    def lookup(factor_id: str, attributes: Mapping[str, AttributeValue], when: When | None) -> Factor:
        assert when is None
        return change(row_of(factor_id, str(attributes["zone"])))

    return lookup


def evaluated(method: Method, groups: list[Group], change: Callable[[Factor], Factor]) -> Evaluation:
    return evaluate(
        method, groups, lookup=looked_up(change), factors_hash="", context={}, nomenclature=WORKSPACE.nomenclature
    )


def drawn(factor: Factor, probability: np.ndarray) -> np.ndarray:
    """Quantiles of a factor's distribution: its 5 %, 50 % and 95 % are the row's three figures."""
    low, value, high = factor.low, factor.value, factor.high
    below = probability < 0.5
    if low == high:
        return np.full_like(probability, value)
    if factor.distribution == "lognormal":
        spread = np.where(below, math.log(value / low), math.log(high / value)) / NORMAL_95
        found = stats.lognorm.ppf(probability, s=np.maximum(spread, np.finfo(float).tiny), scale=value)
        return np.where(spread > 0, found, value)
    if factor.distribution == "uniform":
        width = (high - low) / 0.9
        return np.asarray(stats.uniform.ppf(probability, loc=low - 0.05 * width, scale=width))
    reach = np.where(below, value - low, high - value) / (1 - math.sqrt(0.1))
    return np.asarray(value + reach * stats.triang.ppf(probability, c=0.5, loc=-1, scale=2))


def worlds(method: Method, groups: list[Group], indicator: str) -> np.ndarray:
    """The total in each of 2,000 worlds."""
    used: dict[str, Factor] = {}

    def seen(factor: Factor) -> Factor:
        used[factor.key] = factor
        return factor

    evaluated(method, groups, seen)
    random = np.random.default_rng(20261122)
    found = np.empty(WORLDS)
    truths = {key: drawn(factor, random.uniform(size=WORLDS)).tolist() for key, factor in sorted(used.items())}
    for world in range(WORLDS):
        true = {
            key: replace(factor, value=truths[key][world], low=truths[key][world], high=truths[key][world])
            for key, factor in used.items()
        }
        here = evaluated(method, groups, lambda factor, true=true: true[factor.key])  # type: ignore[misc]
        found[world] = math.fsum(
            float(values.sum())
            for batch in here.batches
            for chain, values in zip(batch.work.chains, batch.values, strict=True)
            if chain.indicator == indicator
        )
    return found


@pytest.fixture(scope="module")
def portfolio() -> tuple[Evaluation, np.ndarray]:
    method, groups = WORKSPACE.method("lichen-1"), group(rows(), WORKSPACE.nomenclature)
    return evaluated(method, groups, lambda factor: factor), worlds(method, groups, "gwp100")


def range_of(evaluation: Evaluation) -> tuple[float, float]:
    """The 90 % range of the whole portfolio's climate change, both phases."""
    draws = sum(
        batch.draws(rows)[place].sum(axis=0)
        for batch in evaluation.batches
        for rows in batch.chunks()
        for place, chain in enumerate(batch.work.chains)
        if chain.indicator == "gwp100"
    )
    low, high = np.quantile(np.asarray(draws), (0.05, 0.95), method="hazen")
    return float(low), float(high)


def test_ninety_per_cent_hold_the_truth_nine_times_out_of_ten(portfolio: tuple[Evaluation, np.ndarray]) -> None:
    evaluation, truths = portfolio
    low, high = range_of(evaluation)
    assert 0.87 <= float(np.mean((truths >= low) & (truths <= high))) <= 0.93


@pytest.mark.parametrize("phase", ["use", "embodied"])
def test_each_printed_total_has_the_range_that_its_draws_have(
    portfolio: tuple[Evaluation, np.ndarray], phase: str
) -> None:
    """What `totals` prints is the range that the coverage was proved for."""
    evaluation, _ = portfolio
    whole = {t.phase: t for t in evaluation.totals(lambda _: "all") if t.indicator == "gwp100"}
    apart = sum(
        batch.drawn(row, place)
        for batch in evaluation.batches
        for row in range(len(batch))
        for place, chain in enumerate(batch.work.chains)
        if chain.indicator == "gwp100" and batch.work.rule.phase == phase
    )
    expected = np.quantile(np.asarray(apart), (0.05, 0.95), method="hazen")
    assert (whole[phase].low, whole[phase].high) == pytest.approx(tuple(expected), rel=1e-9)  # type: ignore[index]


def test_draws_of_their_own_for_each_row_would_promise_too_much(portfolio: tuple[Evaluation, np.ndarray]) -> None:
    """A peer that draws a factor anew for each row lets errors cancel that all rows share: the truth escapes it."""
    evaluation, truths = portfolio
    random = np.random.default_rng(3)
    draws = sum(
        random.permutation(batch.drawn(row, place))
        for batch in evaluation.batches
        for row in range(len(batch))
        for place, chain in enumerate(batch.work.chains)
        if chain.indicator == "gwp100"
    )
    low, high = np.quantile(np.asarray(draws), (0.05, 0.95))
    assert float(np.mean((truths >= low) & (truths <= high))) < 0.8


PLANTED = """
id = "planted"
version = "1"
title = "Planted"
sources = ["test"]
licence = "Apache-2.0"
validity = "test"
[[rule]]
id = "time"
indicator = "energy"
quantities = ["screen_time"]
[[rule.step]]
formula = "energy.from_power/1"
bind = { duration_s = "quantity:screen_time", power_w = "factor:test.power" }
[[rule]]
id = "volume"
indicator = "energy"
quantities = ["network_bytes"]
[[rule.step]]
formula = "energy.from_volume/1"
bind = { network_bytes = "quantity:network_bytes", energy_kwh_per_gb = "factor:test.volume" }
[[derive]]
indicator = "gwp100"
formula = "electricity.use/1"
bind = { energy_delivered_kwh = "result", grid_x_per_kwh = "factor:test.grid" }
"""


def planted(tmp_path: Path, distribution: str, boundary: str = "device") -> Evaluation:
    """Two linear terms of 1 kWh each, and a product."""
    bounds = {"test.power": (500.0, 1000.0, 1500.0, "W"), "test.volume": (0.8, 1.0, 1.2, "kWh/GB"),
              "test.grid": (100.0, 200.0, 400.0, "gCO2e/kWh")}  # fmt: skip
    path = tmp_path / "planted.toml"
    path.write_text(PLANTED, encoding="utf-8")

    def lookup(factor_id: str, _attributes: Mapping[str, AttributeValue], _when: When | None) -> Factor:
        low, value, high, unit = bounds[factor_id]
        return Factor(
            factor_id=factor_id, value=value, low=low, high=high, unit=unit, geography="WORLD", valid_from=date(2024, 1, 1),
            boundary={"test.power": boundary, "test.volume": "network"}.get(factor_id, "none"), valid_to=None,
            source="test", source_title="test", licence="CC0-1.0", distribution=distribution,  # type: ignore[arg-type]
        )  # fmt: skip

    rows = parse_document(
        WORKSPACE,
        {
            "activities": [
                {"entity": "a/browser", "quantity": "screen_time", "value": 3600.0},
                {"entity": "a/browser", "quantity": "network_bytes", "value": 1e9},
            ]
        },
    )[0]
    return evaluate(
        read_method(path, WORKSPACE.nomenclature), group(rows, WORKSPACE.nomenclature), lookup=lookup, factors_hash="",
        context={}, nomenclature=WORKSPACE.nomenclature,
    )  # fmt: skip


def test_a_sum_has_the_variance_that_the_terms_have(tmp_path: Path) -> None:
    """Analytic: uniform between its 5 % and 95 %, width / 0.9 in all, variance of a uniform width^2 / 12."""
    evaluation = planted(tmp_path, "uniform")
    draws = sum(batch.drawn(0, 0) for batch in evaluation.batches)
    expected = ((1.0 / 0.9) ** 2 + (0.4 / 0.9) ** 2) / 12
    assert float(np.var(np.asarray(draws))) == pytest.approx(expected, rel=0.04)
    assert float(np.mean(np.asarray(draws))) == pytest.approx(2.0, rel=1e-3)


def test_a_product_of_log_normals_has_their_spreads_in_quadrature(tmp_path: Path) -> None:
    """Analytic: logarithms add; the power's lower half has the spread ln 2, the grid's both halves ln 2."""
    evaluation = planted(tmp_path, "lognormal")
    batch = next(batch for batch in evaluation.batches if batch.work.rule.rule_id == "volume")
    low, high = np.quantile(batch.drawn(0, 1), (0.05, 0.95), method="hazen")
    assert float(high) == pytest.approx(200 * math.exp(math.hypot(math.log(1.2), math.log(2.0))), rel=0.03)
    assert float(low) == pytest.approx(200 / math.exp(math.hypot(math.log(1 / 0.8), math.log(2.0))), rel=0.03)


def test_sensitivity_names_what_a_range_comes_from(tmp_path: Path) -> None:
    """Variances of the terms are as 1.0^2 to 0.4^2; in a product it is the logarithms that add up."""
    evaluation = planted(tmp_path, "uniform")
    (found,) = evaluation.sensitivity("energy").values()
    shares = {factor.factor_id: share for factor, share in found}
    assert shares == pytest.approx({"test.power": 1 / 1.16, "test.volume": 0.16 / 1.16}, abs=0.03)
    assert [factor.factor_id for factor, _ in found] == ["test.power", "test.volume"]
    volume = planted(tmp_path, "lognormal").sensitivity("gwp100", lambda entity: None if entity != "a/browser" else "a")
    (carbon,) = volume.values()
    assert sum(share for _, share in carbon) == pytest.approx(1.0, abs=0.05)
    assert carbon[0][0].factor_id == "test.grid"
