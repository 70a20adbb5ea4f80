# SPDX-License-Identifier: Apache-2.0
"""Look-up: place, vintage, fall-back, hash, errors. Rows are planted here, so that each expectation can be read."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from lichen.errors import FactorError, FactorNotFound
from lichen.factors.places import Place
from lichen.factors.store import STATISTICS_LAG, UNKNOWN_PLACE, FactorStore
from lichen.records import Factor


def row(geography: str = "WORLD", year: int = 2024, value: float = 100.0, *, factor_id: str = "grid.gwp100") -> Factor:
    return Factor(
        factor_id=factor_id,
        value=value,
        low=value / 2,
        high=value * 2,
        unit="gCO2e/kWh",
        boundary="none",
        geography=geography,
        valid_from=date(year, 1, 1),
        valid_to=date(year, 12, 31),
        source="test",
        source_title="Planted",
        licence="CC0-1.0",
    )


@pytest.fixture
def store() -> FactorStore:
    return FactorStore(
        [
            row("US-CAL-CISO", 2024, 250.0),
            row("US", 2024, 380.0),
            row("FR", 2022, 78.0),
            row("FR", 2024, 44.0),
            row("WORLD", 2024, 473.0),
        ]
    )


def test_a_zone_with_a_row_answers_for_itself(store: FactorStore) -> None:
    found = store.lookup("grid.gwp100", "US-CAL-CISO")
    assert (found.value, found.fallback) == (250.0, ())


def test_a_zone_without_a_row_falls_back_to_its_country_and_says_so(store: FactorStore) -> None:
    found = store.lookup("grid.gwp100", "US-MIDA-PJM")
    assert (found.value, found.geography, found.fallback) == (380.0, "US", ("US-MIDA-PJM",))


def test_a_zone_of_a_country_without_a_row_falls_back_to_the_world_in_two_recorded_steps(store: FactorStore) -> None:
    found = store.lookup("grid.gwp100", "DE-50HZ")
    assert (found.value, found.fallback) == (473.0, ("DE-50HZ", "DE"))


def test_no_place_means_the_world_and_says_that_no_place_was_given(store: FactorStore) -> None:
    found = store.lookup("grid.gwp100")
    assert (found.value, found.fallback) == (473.0, (UNKNOWN_PLACE,))
    assert store.lookup("grid.gwp100", "WORLD").fallback == ()


def test_a_factor_that_is_the_same_everywhere_has_no_fallback() -> None:
    shipped = FactorStore.load()
    assert shipped.lookup("device.laptop.idle_power", "FR").fallback == ()


def test_the_recorded_fallback_does_not_change_the_identity_of_the_row(store: FactorStore) -> None:
    assert store.lookup("grid.gwp100", "DE").key == store.lookup("grid.gwp100").key


@pytest.mark.parametrize("place", ["France", "FRX", "fr", "", "US_CAL", "1A"])
def test_a_place_that_is_not_written_as_one_is_refused_instead_of_becoming_the_world(
    store: FactorStore, place: str
) -> None:
    with pytest.raises(FactorError) as caught:
        store.lookup("grid.gwp100", place)
    assert "ISO 3166-1" in caught.value.repair
    assert not isinstance(caught.value, FactorNotFound)


@pytest.mark.parametrize(
    ("day", "value"),
    [
        (date(2022, 6, 1), 78.0),  # inside a vintage
        (date(2024, 12, 31), 44.0),  # its last day
        (date(2019, 1, 1), 78.0),  # before all: the first
        (date(2026, 11, 22), 44.0),  # after all: the last
        (date(2023, 3, 1), 78.0),  # between: 60 days after one, 306 before the other
        (date(2023, 11, 1), 44.0),
        (None, 44.0),  # no day: the latest
    ],
)
def test_the_vintage_is_the_one_valid_on_the_day_else_the_nearest(
    store: FactorStore, day: date | None, value: float
) -> None:
    assert store.lookup("grid.gwp100", "FR", day).value == value


def test_between_two_equally_near_vintages_the_past_one_wins() -> None:
    store = FactorStore([row("FR", 2021, 1.0), row("FR", 2023, 3.0)])
    # 2022 has 365 days: 2 July is 183 days after 2021-12-31 and 183 days before 2023-01-01
    assert store.lookup("grid.gwp100", "FR", date(2022, 7, 2)).value == 1.0


def test_open_ended_rows_are_valid_for_ever_and_the_latest_of_several_wins() -> None:
    old, new = row(year=2010, value=1.0), row(year=2020, value=2.0)
    store = FactorStore([replace(new, valid_to=None), replace(old, valid_to=None)])
    assert store.lookup("grid.gwp100", on=date(2030, 1, 1)).value == 2.0
    assert store.lookup("grid.gwp100", on=date(2015, 1, 1)).value == 1.0


def test_an_unknown_factor_names_the_nearest_one(store: FactorStore) -> None:
    with pytest.raises(FactorNotFound) as caught:
        store.lookup("grid.gwp10")
    assert "grid.gwp10'" in caught.value.problem
    assert caught.value.repair == "Did you mean 'grid.gwp100'?"


def test_a_factor_without_a_world_row_is_not_invented_for_other_places() -> None:
    store = FactorStore([row("FR")])
    with pytest.raises(FactorNotFound, match="no row for DE or WORLD"):
        store.lookup("grid.gwp100", "DE")


def test_the_hash_ignores_order_comments_and_titles_and_sees_every_figure() -> None:
    rows = [row(place, year) for place in ("FR", "DE", "WORLD") for year in (2022, 2023, 2024)]
    shuffled = random.Random(7).sample(rows, len(rows))
    reference = FactorStore(rows).hash()
    assert FactorStore(shuffled).hash() == reference
    assert FactorStore([replace(rows[0], comment="typo mended", source_title="x"), *rows[1:]]).hash() == reference
    for change in (
        {"value": 101.0},
        {"low": 51.0},
        {"high": 201.0},
        {"geography": "PL"},
        {"valid_to": None},
        {"boundary": "it"},
    ):
        changed = replace(rows[0], **change)  # type: ignore[arg-type]
        assert FactorStore([changed, *rows[1:]]).hash() != reference, change
    assert FactorStore(rows[1:]).hash() != reference


def test_the_same_row_twice_is_refused() -> None:
    with pytest.raises(FactorError, match="declared twice"):
        FactorStore([row("FR"), row("FR", value=7.0)])


def test_an_alpha_3_code_is_the_country(store: FactorStore) -> None:
    assert store.lookup("grid.gwp100", "FRA") == store.lookup("grid.gwp100", "FR")


@pytest.mark.parametrize(("place", "meant"), [("ZZ", ""), ("US-NOPE", "US"), ("US-CAL-CIS0", "US-CAL-CISO")])
def test_a_place_that_does_not_exist_is_told_from_one_without_a_row(store: FactorStore, place: str, meant: str) -> None:
    with pytest.raises(FactorError) as caught:
        store.lookup("grid.gwp100", place)
    assert place in caught.value.problem
    assert meant in caught.value.repair
    assert store.lookup("grid.gwp100", "US-TX").fallback == ("US-TX",)


@pytest.fixture
def facilities() -> FactorStore:
    """A factor with rows for regions, a provider and the world, and none for countries."""
    places = {"aws:eu-west-3": 1.11, "aws:*": 1.15, "WORLD": 1.5}
    return FactorStore([row(place, value=value, factor_id="facility.pue") for place, value in places.items()])


@pytest.mark.parametrize(
    ("place", "value", "fallback"),
    [
        (Place("FR", "aws:eu-west-3"), 1.11, ()),
        (Place("IE", "aws:eu-west-1"), 1.15, ("aws:eu-west-1",)),
        (Place(None, "aws:*"), 1.15, ("aws:?",)),  # a region of this provider has a row of its own
        (Place("FR", "gcp:europe-west9"), 1.5, ("gcp:europe-west9", "gcp:*")),
        (Place("FR"), 1.5, ()),  # no row is nearer to a machine of one's own
        (None, 1.5, ()),
    ],
)
def test_a_region_falls_back_to_its_provider_then_to_the_world(
    facilities: FactorStore, place: Place | None, value: float, fallback: tuple[str, ...]
) -> None:
    found = facilities.lookup("facility.pue", place)
    assert (found.value, found.fallback) == (value, fallback)


def test_a_region_is_not_asked_for_electricity_as_no_region_has_a_grid_of_its_own(store: FactorStore) -> None:
    assert store.lookup("grid.gwp100", "aws:eu-west-3").fallback == ()
    assert store.lookup("grid.gwp100", "aws:us-west-1").fallback == ("US-CA",)


def test_a_row_expired_for_longer_than_statistics_take_says_so(store: FactorStore) -> None:
    last = date(2024, 12, 31)
    assert store.lookup("grid.gwp100", "FR", last + timedelta(STATISTICS_LAG)).fallback == ()
    late = store.lookup("grid.gwp100", "FR", last + timedelta(STATISTICS_LAG + 1))
    assert (late.value, late.fallback) == (44.0, ("FR 2029",))
    early = store.lookup("grid.gwp100", "FR", date(2015, 6, 1))
    assert (early.value, early.fallback) == (78.0, ("FR 2015",))
    open_ended = FactorStore([replace(row("FR"), valid_to=None)])
    assert open_ended.lookup("grid.gwp100", "FR", date(2099, 1, 1)).fallback == ()


def test_an_own_row_answers_in_place_of_the_shipped_one_and_says_so() -> None:
    shipped = [replace(row("FR", year, 50.0), pack="electricity 1") for year in (2023, 2024)]
    own = replace(row("FR", 2023, 12.0), pack="mine 1", valid_to=None)
    store = FactorStore([*shipped, replace(row(), pack="electricity 1")], own=[own])
    for day in (None, date(2023, 5, 1), date(2024, 5, 1), date(2026, 5, 1)):
        found = store.lookup("grid.gwp100", "FR", day)
        assert (found.value, found.pack, found.replaces) == (12.0, "mine 1", "electricity 1"), day
    before = store.lookup("grid.gwp100", "FR", date(2022, 12, 1))
    assert (before.value, before.replaces) == (12.0, "electricity 1")
    assert store.lookup("grid.gwp100", "DE").replaces == ""
    assert store.hash() != FactorStore([*shipped, row()]).hash()


def test_an_own_row_that_has_ended_leaves_later_days_to_the_shipped_one() -> None:
    shipped = [replace(row("FR", year, 50.0), pack="electricity 1") for year in (2022, 2023, 2024)]
    store = FactorStore(shipped, own=[replace(row("FR", 2022, 12.0), pack="mine 1")])
    assert store.lookup("grid.gwp100", "FR", date(2022, 5, 1)).value == 12.0
    assert store.lookup("grid.gwp100", "FR", date(2024, 5, 1)).value == 50.0
    assert store.lookup("grid.gwp100", "FR").value == 50.0


def test_a_contract_that_ended_yesterday_leaves_the_day_to_statistics_of_last_year() -> None:
    contract = replace(row("FR", 2026, 12.0), valid_to=date(2026, 2, 1), pack="mine 1")
    store = FactorStore([replace(row("FR", 2025, 50.0), pack="electricity 1")], own=[contract])
    assert store.lookup("grid.gwp100", "FR", date(2026, 2, 1)).value == 12.0
    found = store.lookup("grid.gwp100", "FR", date(2026, 2, 2))
    assert (found.value, found.fallback, found.replaces) == (50.0, (), "")


def test_an_own_row_expires_on_its_last_day() -> None:
    store = FactorStore([], own=[replace(row("FR", 2025, 12.0), pack="mine 1")])
    assert store.lookup("grid.gwp100", "FR", date(2025, 12, 31)).fallback == ()
    assert store.lookup("grid.gwp100", "FR", date(2026, 1, 1)).fallback == ("FR 2026",)


@pytest.mark.parametrize(("change", "said"), [({"unit": "kgCO2e/kWh"}, "unit"), ({"boundary": "it"}, "boundary")])
def test_an_own_row_in_another_unit_than_the_shipped_one_is_refused(change: dict[str, str], said: str) -> None:
    own = replace(row("FR"), pack="mine 1", **change)  # type: ignore[arg-type]
    with pytest.raises(FactorError, match=f"the {said} '{change[said]}'; the shipped rows have"):
        FactorStore([replace(row(), pack="electricity 1")], own=[own])


def test_two_own_packs_with_one_row_are_refused() -> None:
    own = [replace(row("FR"), pack="mine 1"), replace(row("FR"), pack="theirs 1")]
    with pytest.raises(FactorError, match="declared twice, in 'mine 1' and in 'theirs 1'"):
        FactorStore([], own=own)


def test_an_own_pack_may_not_bear_the_name_of_a_shipped_one() -> None:
    for version in (1, 2):
        own = replace(row("FR"), factor_id="acme.gwp100", pack=f"electricity {version}")
        with pytest.raises(FactorError, match="calls itself 'electricity'"):
            FactorStore([replace(row(), pack="electricity 1")], own=[own])


def test_an_own_row_is_a_vector_where_the_shipped_one_is() -> None:
    one, pair = replace(row(), pack="shipped 1"), replace(row(), pack="shipped 1", vector=(1.0, 2.0))
    for shipped, vector, said in (
        (one, (1.0,), "a vector of 1"),
        (pair, (), "one value"),
        (pair, (1.0,), "a vector of 1"),
    ):
        with pytest.raises(FactorError, match=f"the shape '{said}'; the shipped rows have"):
            FactorStore([shipped], own=[replace(row("FR"), pack="mine 1", vector=vector)])


def test_a_pack_of_the_user_adds_rows_with_its_own_source(tmp_path: Path) -> None:
    pack = tmp_path / "mine.toml"
    pack.write_text(
        """
[pack]
id = "mine"
version = "1"
description = "Contract"
[source.contract]
title = "Supply contract"
publisher = "Us"
year = 2026
url = "https://example.org"
licence = "internal"
retrieved_at = 2026-01-01
[[factor]]
id = "grid.gwp100"
value = 12.0
pedigree = "C"
unit = "gCO2e/kWh"
boundary = "none"
geography = "FR"
valid_from = 2026-01-01
source = "contract"
comment = "As billed."
redistributable = false
""",
        encoding="utf-8",
    )
    found = FactorStore.load([], extra=[pack]).lookup("grid.gwp100", "FR-NORTH")
    assert (found.value, found.low, found.high) == (12.0, 6.0, 24.0)
    assert (found.range_basis, found.licence, found.pack, found.fallback) == (
        "assumed",
        "internal",
        "mine 1",
        ("FR-NORTH",),
    )
