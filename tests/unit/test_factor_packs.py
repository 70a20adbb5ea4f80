# SPDX-License-Identifier: Apache-2.0
"""The packs that ship: complete, sane, plausible against published figures, and made by the scripts beside them."""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from datetime import date
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from lichen.catalogue import machines, regions
from lichen.factors import BUILTIN_PACKS, PACK_DEVICE_MIX, PACK_GREENFRAME
from lichen.factors.reader import Pack, read_pack
from lichen.factors.sanity import LIMITS, check
from lichen.factors.schema import problems
from lichen.factors.store import FactorStore
from lichen.factors.tables import build_device_mix, build_electricity, build_regions

GRID = tuple(LIMITS)
UNPUBLISHED = re.compile(r"boavizta\.terminal\.(\w+\.pe|smartwatch_default\.\w+)|electricity\.market_gwp100")
"""What a method binds although nothing ships: where a source says nothing of some of the catalogue, those figures are not
covered; what electricity was bought only its buyer knows."""
REFERENCE = json.loads(Path(__file__).with_name("factor_reference.json").read_text(encoding="utf-8"))["countries"]


@pytest.fixture(scope="module")
def packs() -> list[Pack]:
    return [read_pack(path) for path in BUILTIN_PACKS]


@pytest.fixture(scope="module")
def store() -> FactorStore:
    return FactorStore.load(BUILTIN_PACKS)


def test_every_shipped_row_satisfies_the_schema(packs: list[Pack]) -> None:
    assert [problem for pack in packs for problem in problems(pack)] == []


def test_every_shipped_row_has_source_licence_range_and_may_be_redistributed(
    packs: list[Pack], store: FactorStore
) -> None:
    for factor in store:
        assert factor.source_title, factor.key
        assert factor.licence, factor.key
        assert factor.distribution == "fixed" or factor.low < factor.high, factor.key
    assert {str(row.data["redistributable"]).lower() for pack in packs for row in pack.rows} == {"true"}


def test_only_constants_without_a_range_of_their_own_are_fixed(store: FactorStore) -> None:
    """Methods that state no ranges, and coefficients of one fit, whose common error is a factor of its own."""
    fixed = {factor.factor_id.split(".")[0] for factor in store if factor.distribution == "fixed"}
    assert {"greenframe", "server_power", "swdm4", "swdm3", "onebyte", "ecoindex"} <= fixed
    assert not fixed & {"device", "network", "server", "facility", "grid", "generation", "screen", "storage"}


def test_every_cited_source_is_used_and_has_its_fields(store: FactorStore) -> None:
    assert {factor.source for factor in store} == set(store.sources)
    assert all(source.url.startswith("https://") and source.year >= 1996 for source in store.sources.values())


def test_the_shipped_packs_are_registered_as_a_strangers_would_be() -> None:
    registered = {Path(point.load()) for point in entry_points(group="lichen.factor_packs")}
    assert set(BUILTIN_PACKS) <= registered


def test_two_hundred_places_have_all_four_indicators_of_their_own(store: FactorStore) -> None:
    complete = set.intersection(*(set(store.places(factor_id)) for factor_id in GRID)) - {"WORLD"}
    assert len(complete) >= 200
    world = tuple(store.lookup(factor_id).value for factor_id in GRID)
    copies = [p for p in complete if tuple(store.lookup(factor_id, p).value for factor_id in GRID) == world]
    assert copies == []
    countries = {place for factor_id in GRID for place in store.places(factor_id) if "-" not in place}
    assert countries == complete | {"WORLD"}


def test_the_electricity_table_is_sane(packs: list[Pack]) -> None:
    assert check(row.data for pack in packs for row in pack.rows) == []


def test_the_electricity_table_is_what_its_script_makes(tmp_path: Path) -> None:
    build_electricity.write(build_electricity.build(), tmp_path / "t.csv.gz")
    made, shipped = ((tmp_path / "t.csv.gz").read_bytes(), build_electricity.OUTPUT.read_bytes())
    # compared unpacked: compression libraries differ between machines
    assert gzip.decompress(made) == gzip.decompress(shipped)


@pytest.mark.parametrize("name", sorted(entry_points(group="lichen.methods").names))
def test_every_factor_that_a_method_binds_has_a_row(store: FactorStore, name: str) -> None:
    text = Path(entry_points(group="lichen.methods")[name].load()).read_text(encoding="utf-8")
    choices = {"device": ("laptop", "desktop", "smartphone", "tablet", "mix"), "network": ("fixed", "mobile")}
    bound = set(re.findall(r'"factor:([^"]+)"', text))
    assert bound
    for factor_id in bound:
        slot = re.search(r"\{([\w.]+)\}", factor_id)
        for choice in (choices.get(slot[1]) or _facts(slot[1])) if slot else ("",):
            concrete = factor_id.replace(slot[0], choice) if slot else factor_id
            if UNPUBLISHED.fullmatch(concrete):
                assert not store.places(concrete)
                continue
            places = store.places(concrete) or ("FR",)
            factor = store.lookup(concrete, "FR" if {"FR", "WORLD"} & set(places) else places[0])
            assert factor.vector or factor.value > 0 or factor.distribution == "fixed", concrete


@cache
def _facts(name: str) -> frozenset[str]:
    """Every word that the catalogue of machines has for a fact."""
    fact = name.removeprefix("catalogue.")
    entries = map(machines.find, machines.keys())
    return frozenset(str(entry[fact]) for entry in entries if entry and fact in entry)


def test_the_device_mix_is_what_its_script_makes() -> None:
    assert build_device_mix.build() == PACK_DEVICE_MIX.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("place", "year", "published"),
    [
        # Ember, yearly electricity data, as quoted in its country pages and reviews
        ("FR", 2024, 44.2),
        ("DE", 2024, 344.0),
        ("PL", 2024, 615.0),
        ("US", 2024, 384.0),
        ("NO", 2024, 30.7),
        ("WORLD", 2024, 473.0),
        ("FR", 2022, 78.6),
    ],
)
def test_climate_figures_are_the_published_ones(store: FactorStore, place: str, year: int, published: float) -> None:
    found = store.lookup("grid.gwp100", place, date(year, 7, 1))
    assert found.value == pytest.approx(published, rel=0.005)
    assert (found.valid_from.year, found.fallback) == (year, ())
    assert found.low < published < found.high


@pytest.mark.parametrize("place", ["FR", "DE", "US", "WORLD"])
def test_every_year_since_2019_answers_for_itself(store: FactorStore, place: str) -> None:
    for year in range(2019, 2025):
        found = store.lookup("grid.gwp100", place, date(year, 3, 1))
        assert (found.valid_from.year, found.fallback) == (year, ())
    assert store.lookup("grid.gwp100", "FR", date(2025, 3, 1)).value == pytest.approx(41.44, rel=1e-3)


def test_a_state_has_its_own_electricity_and_any_other_zone_its_countrys(store: FactorStore) -> None:
    virginia, country = store.lookup("grid.gwp100", "US-VA"), store.lookup("grid.gwp100", "US")
    assert (virginia.value, virginia.fallback, virginia.range_basis) == (327.17, (), "assumed")
    assert virginia.low / virginia.value == pytest.approx(country.low / country.value, rel=1e-3)
    assert store.lookup("grid.gwp100", "US-MIDA-PJM").fallback == ("US-MIDA-PJM",)


def test_rows_of_one_factor_have_one_unit_and_one_boundary(store: FactorStore) -> None:
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for factor in store:
        found[factor.factor_id].add((factor.unit, factor.boundary))
    assert {factor_id: kinds for factor_id, kinds in found.items() if len(kinds) > 1} == {}


def test_the_efficiency_of_regions_is_what_its_script_makes() -> None:
    assert build_regions.text(build_regions.build()) == build_regions.OUTPUT.read_text(encoding="utf-8")


def test_a_region_has_the_efficiency_that_its_provider_publishes(store: FactorStore) -> None:
    for region, pue, wue in (
        ("aws:us-east-1", 1.15, 0.12),
        ("aws:eu-west-3", 1.11, 0.04),
        ("azure:westeurope", 1.16, 0.03),
    ):
        found = [store.lookup(factor_id, region) for factor_id in ("facility.pue", "facility.wue")]
        assert [factor.value for factor in found] == [pue, wue]
        assert [factor.fallback for factor in found] == [(), ()]
    # A mean of a continent is less certain than a figure of the region.
    mean, own = (store.lookup("facility.pue", region) for region in ("aws:eu-west-3", "aws:eu-west-1"))
    assert mean.value == own.value
    assert mean.high - mean.low > own.high - own.low
    # Google publishes no water: the world's stands in.
    assert store.lookup("facility.wue", "gcp:us-central1").fallback == ("gcp:us-central1", "gcp:*")


def test_the_efficiency_of_every_region_is_possible(store: FactorStore) -> None:
    for factor in store:
        if factor.factor_id == "facility.pue":
            assert 1.0 < factor.low < factor.value < factor.high <= 2.0, factor.key
        if factor.factor_id == "facility.wue":
            assert 0.0 < factor.low < factor.value < factor.high < 10.0, factor.key
        if factor.factor_id.startswith("facility.") and ":" in factor.geography and not factor.geography.endswith(":*"):
            assert regions.find(factor.geography) is not None, factor.key


def test_a_mix_of_one_technology_costs_what_the_technology_costs(store: FactorStore) -> None:
    # Paraguay and the Central African Republic generate with water only (hand-checked in the input file).
    for indicator in ("adpe", "pe", "water"):
        assert store.lookup(f"grid.{indicator}", "PY").value == pytest.approx(
            store.lookup(f"generation.hydro.{indicator}").value, rel=2e-3
        )
    # The published intensity of the latter is 0: no grid has that, it is derived.
    repaired = store.lookup("grid.gwp100", "CF")
    assert repaired.value == store.lookup("generation.hydro.gwp100").value
    assert repaired.source == "owid-energy-mix"


def test_a_derived_figure_by_hand(store: FactorStore) -> None:
    # Poland 2023, TWh: coal 103.02, gas 14.75, oil 5.17, hydro 2.38, wind 23.06, solar 12.24, bioenergy 8.13
    twh = {"coal": 103.02, "gas": 14.75, "oil": 5.17, "hydro": 2.38, "wind": 23.06, "solar": 12.24, "bioenergy": 8.13}
    water = {"coal": 1.8, "gas": 0.7, "oil": 0.8, "hydro": 17.0, "wind": 0.0, "solar": 0.0038, "bioenergy": 1.63}
    by_hand = sum(twh[t] * water[t] for t in twh) / sum(twh.values())
    assert by_hand == pytest.approx(1.503, abs=0.001)
    assert store.lookup("grid.water", "PL").value == pytest.approx(by_hand, rel=1e-3)


def test_fossil_grids_cost_more_primary_energy_than_water_and_wind(store: FactorStore) -> None:
    pe = {place: store.lookup("grid.pe", place).value for place in ("NO", "DK", "FR", "PL", "ZA")}
    assert pe["NO"] < pe["DK"] < pe["FR"] < pe["ZA"]
    assert pe["NO"] == pytest.approx(3.8, abs=0.1)


def test_an_unknown_place_is_never_more_certain_than_the_known_ones(store: FactorStore) -> None:
    for factor_id in GRID:
        world = store.lookup(factor_id)
        places = [store.lookup(factor_id, place) for place in store.places(factor_id) if place != "WORLD"]
        known = np.median([place.high / place.low for place in places])
        assert world.high / world.low > known, factor_id


def test_the_table_agrees_with_an_independent_one() -> None:
    store = FactorStore.load(BUILTIN_PACKS)
    places = sorted(REFERENCE)
    for indicator, least in (("gwp100", 0.97), ("water", 0.5)):
        ours = [store.lookup(f"grid.{indicator}", place) for place in places]
        theirs = [REFERENCE[place][indicator] for place in places]
        assert spearmanr([factor.value for factor in ours], theirs).statistic > least
        ratios = np.array([factor.value for factor in ours]) / theirs
        assert 0.5 < np.median(ratios) < 2.0, indicator
        inside = np.mean([f.low <= t <= f.high for f, t in zip(ours, theirs, strict=True)])
        assert inside > 0.7, indicator  # two methods: not every pair of central values agrees, most ranges do


def test_a_laptop_browses_at_the_power_that_was_measured(store: FactorStore) -> None:
    idle, screen, cpu = (
        store.lookup(f"device.laptop.{name}").value for name in ("idle_power", "screen_power", "cpu_energy")
    )
    assert 6.0 <= idle + screen <= 8.0
    assert 3.0 <= cpu <= 6.0
    assert [9.0 <= idle + screen + cpu * busy <= 13.0 for busy in (0.3, 0.6, 1.0)] == [True] * 3


def test_the_shares_of_the_mix_sum_to_one_and_its_device_lies_between_the_devices(store: FactorStore) -> None:
    devices = ("smartphone", "laptop", "desktop", "tablet")
    shares = {device: store.lookup(f"device.mix.share_{device}").value for device in devices}
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-12)
    by_hand = 0.64 * 0.5 + 0.23 * 4.4 + 0.10 * 30.0 + 0.03 * 0.9  # smartphone, laptop, desktop, tablet: idle watts
    assert store.lookup("device.mix.idle_power").value == pytest.approx(by_hand, rel=1e-3)
    per_hour = {d: _per_hour(store, d) for d in (*devices, "mix")}
    assert per_hour["mix"] == pytest.approx(sum(shares[d] * per_hour[d] for d in devices), rel=1e-3)


def _per_hour(store: FactorStore, device: str) -> float:
    return store.lookup(f"device.{device}.embodied_gwp100").value / store.lookup(f"device.{device}.lifetime_use").value


def test_every_device_has_every_figure_in_the_same_unit(store: FactorStore) -> None:
    units: dict[str, set[str]] = defaultdict(set)
    counts: dict[str, int] = defaultdict(int)
    for factor in store:
        family, device, *name = factor.factor_id.split(".")
        if family == "device" and not name[0].startswith("share_"):
            units[name[0]].add(factor.unit)
            counts[device] += 1
    assert all(len(found) == 1 for found in units.values())
    assert set(counts.values()) == {10}
    assert set(counts) == {"laptop", "desktop", "smartphone", "tablet", "mix"}


def test_greenframe_constants_are_those_of_the_reference_cases(store: FactorStore) -> None:
    expected = {
        "cpu_power.device": 45, "cpu_power.it": 45, "memory_power.device": 10 / 128, "memory_power.it": 10 / 128,
        "disk_energy.device": 0.00152, "disk_energy.it": 0.00152, "network_energy_single": 22, "network_energy_multi": 11,
        "network_share": 0.5, "screen_power": 14, "pue_server": 1.4, "pue_device": 1, "grid_gwp100": 442,
    }  # fmt: skip
    read = {row.data["id"].removeprefix("greenframe."): row.data["value"] for row in read_pack(PACK_GREENFRAME).rows}
    assert read == expected
    for name, value in expected.items():
        factor = store.lookup(f"greenframe.{name}", "FR")
        assert (factor.low, factor.value, factor.high) == (value, value, value)


def test_a_server_second_by_hand(store: FactorStore) -> None:
    cpu_seconds = 128 * 4.5 * 31_557_600 * 0.3
    assert store.lookup("server.embodied_gwp100").value == pytest.approx(1_278_000 / cpu_seconds, rel=2e-3)
    assert store.lookup("server.embodied_pe").value == pytest.approx(1278 * 13 / cpu_seconds, rel=5e-3)


def test_network_energy_by_hand(store: FactorStore) -> None:
    megabits_per_gb, joules_per_kwh = 8000, 3.6e6
    assert store.lookup("network.fixed.energy").value == pytest.approx(
        0.05 * megabits_per_gb / joules_per_kwh, rel=2e-3
    )
    assert store.lookup("network.mobile.energy").value == pytest.approx(
        1.53 * megabits_per_gb / joules_per_kwh, rel=2e-3
    )
