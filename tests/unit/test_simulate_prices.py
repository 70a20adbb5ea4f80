# SPDX-License-Identifier: Apache-2.0
"""Tables of prices, limits and hours: whole, sourced, found in their order; and a table of the user's own."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from lichen.catalogue import machines, prices, regions
from lichen.catalogue.prices import UNITS, read_own
from lichen.errors import StorageError
from lichen.portfolio.scenarios import ARCHITECTURES


def test_every_price_has_its_day_its_source_and_a_range_around_it() -> None:
    assert len(prices.prices()) > 90
    for one in prices.prices():
        assert 0 <= one.low <= one.price <= one.high, one
        assert one.valid_from is not None
        assert one.valid_from <= date(2026, 11, 22)
        assert one.status in ("published", "assumed")
        unread = "not read" in one.about
        assert bool(one.source) != unread, one
        assert not unread or (one.status == "assumed" and "https://" in one.about), one
        assert len(one.currency) == 3
        assert UNITS[one.role] == one.unit
        # What nobody read has room either way, but for what costs nothing.
        assert one.status == "published" or one.low < one.high or not one.price, one


def test_types_are_those_of_the_catalogue_and_regions_exist() -> None:
    for one in prices.prices():
        if one.role in ("instance", "database"):
            assert machines.find(one.key) is not None, one.key
        if one.region:
            assert regions.find(one.region, one.provider) is not None, one


def test_every_way_has_its_hours_in_order() -> None:
    for architecture in ARCHITECTURES:
        for task, per in (("run", "month"), ("move", "once"), ("stop", "once")):
            found = prices.effort(architecture, task, per)
            assert found is not None
            assert found.low <= found.hours <= found.high


def test_limits_have_sources() -> None:
    found = prices.limit("aws", "functions", "concurrency")
    assert found is not None
    assert (found.value, found.raised, found.status) == (1000, True, "stated")
    assert all(one.source.startswith("https://") and one.value > 0 for one in prices.limits())


def test_a_price_of_the_region_goes_before_the_provider_s_and_that_before_another_region_s() -> None:
    paris = prices.find("instance", "aws", "eu-west-3", "aws:m6i.large")
    assert paris is not None
    assert (paris.region, paris.elsewhere) == ("eu-west-3", False)
    lambda_ = prices.find("function_memory", "aws", "eu-west-3")
    assert lambda_ is not None
    assert (lambda_.region, lambda_.elsewhere) == ("", False)
    stockholm = prices.find("instance", "aws", "eu-north-1", "aws:m6i.large")
    assert stockholm is not None
    assert stockholm.elsewhere
    assert stockholm.low <= stockholm.price * Decimal("0.8")
    assert stockholm.high >= stockholm.price * Decimal("1.2")
    assert prices.find("function_memory", "ovhcloud", "gra") is None


def test_own_prices_go_before(tmp_path: Path) -> None:
    table = tmp_path / "prices.csv"
    table.write_text(
        "provider,region,role,key,price,currency\naws,,instance,aws:m6i.large,0.05,EUR\naws,,egress,,0.01,USD\n"
    )
    own = read_own(table)
    found = prices.find("instance", "aws", "eu-west-3", "aws:m6i.large", own)
    assert found is not None
    assert (found.price, found.low, found.currency, found.status) == (Decimal("0.05"), Decimal("0.05"), "EUR", "own")
    other = prices.find("instance", "aws", "eu-west-3", "aws:m6i.xlarge", own)
    assert other is not None
    assert other.status == "assumed"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("aws,,instanc,x,1,EUR", "There is no role 'instanc'"),
        ("aws,,instance,x,,EUR", "price is empty"),
        ("aws,,instance,x,much,EUR", "no number or no date"),
        ("aws,,instance,x,-1,EUR", "or below 0"),
        ("aws,,instance,x,NaN,EUR", "or below 0"),
        (",,instance,x,1,EUR", "provider is empty"),
    ],
)
def test_a_wrong_line_is_refused_with_its_place(tmp_path: Path, line: str, said: str) -> None:
    table = tmp_path / "prices.csv"
    table.write_text(f"provider,region,role,key,price,currency\n{line}\n")
    with pytest.raises(StorageError, match=said) as refused:
        read_own(table)
    assert "prices.csv:2" in refused.value.problem
    assert refused.value.repair


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        read_own(tmp_path / "absent.csv")
    (tmp_path / "empty.csv").write_text("provider,role,price,currency\n")
    with pytest.raises(StorageError, match="have no line"):
        read_own(tmp_path / "empty.csv")
    (tmp_path / "latin.csv").write_bytes(b"provider,role\nd\xe9,x\n")
    with pytest.raises(StorageError, match="cannot be read"):
        read_own(tmp_path / "latin.csv")
