# SPDX-License-Identifier: Apache-2.0
"""Regions of clouds and the places they stand in: names as bills write them, zones that exist, attributes of activities."""

from __future__ import annotations

import pytest

from lichen.catalogue import places, regions
from lichen.errors import ActivityError
from lichen.factors.places import Place, of_attributes
from lichen.factors.store import FactorStore


@pytest.mark.parametrize(
    ("region", "provider", "key"),
    [
        ("eu-west-3", "aws", "aws:eu-west-3"),
        ("eu-west-3", None, "aws:eu-west-3"),
        ("AWS:EU-WEST-3", None, "aws:eu-west-3"),
        ("eu-west-3a", "aws", "aws:eu-west-3"),
        ("europe-west9-b", None, "gcp:europe-west9"),
        ("West Europe", "azure", "azure:westeurope"),
        ("France Central", None, "azure:francecentral"),
        ("GRA11", "ovh", "ovhcloud:gra"),
        ("fr-par-2", "scw", "scaleway:fr-par-2"),
        ("nl-ams-1", None, "scaleway:nl-ams"),
        ("us-sanjose-1", "Oracle", "oci:us-sanjose-1"),
    ],
)
def test_a_region_is_found_by_the_names_that_bills_use(region: str, provider: str | None, key: str) -> None:
    found = regions.find(region, provider)
    assert found is not None
    assert found.key == key == regions.key_of(region, provider)


@pytest.mark.parametrize(
    ("name", "provider", "key"),
    [
        ("EU (Ireland)", "aws", "aws:eu-west-1"),
        ("Europe (Ireland)", "aws", "aws:eu-west-1"),
        ("US East (N. Virginia)", "aws", "aws:us-east-1"),
        ("US East (Ohio)", "aws", "aws:us-east-2"),
        ("US West (Oregon)", "aws", "aws:us-west-2"),
        ("South America (Sao Paulo)", "aws", "aws:sa-east-1"),
        ("Canada (Central)", "AWS", "aws:ca-central-1"),
        ("Paris", "aws", "aws:eu-west-3"),
        ("Belgium", "gcp", "gcp:europe-west1"),
        ("US East (Ashburn)", "oci", "oci:us-ashburn-1"),
        ("Gravelines (GRA)", "ovhcloud", "ovhcloud:gra"),
        ("Paris", "scaleway", "scaleway:fr-par"),
        ("Hong Kong", "azure", "azure:eastasia"),
    ],
)
def test_a_region_is_found_by_its_place(name: str, provider: str, key: str) -> None:
    found = regions.find(name, provider)
    assert found is not None
    assert found.key == key


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("US West (Los Angeles)", "aws"),
        ("EU (Atlantis)", "aws"),
        ("Europe (Germany)", "aws"),
        ("Milan (Paris)", "aws"),
        ("AWS GovCloud (Ohio)", "aws"),
        ("Germany Central (Frankfurt)", "oci"),
        ("Canberra", "azure"),
        ("Paris", None),
        ("Paris", "acme"),
        ("()", "aws"),
        ("", "aws"),
    ],
)
def test_a_place_that_may_be_several_regions_or_none_is_unknown(name: str, provider: str | None) -> None:
    assert regions.find(name, provider) is None


def test_an_unknown_region_names_the_nearest() -> None:
    with pytest.raises(ActivityError, match="no region 'eu-west-33' of aws") as caught:
        regions.get("eu-west-33", "aws")
    assert caught.value.repair == "Did you mean 'aws:eu-west-3'?"


def test_every_region_stands_in_a_zone_that_exists() -> None:
    assert len(regions.keys()) > 150
    for region in regions.regions().values():
        assert places.canonical(region.zone) == region.zone
        assert region.place
        assert region.water_stress in (None, 0, 1, 2, 3, 4)
        assert places.country(region.zone) == region.country


def test_where_an_activity_happened() -> None:
    assert of_attributes({}) == Place()
    assert of_attributes({"zone": "FRA"}) == Place("FR")
    assert of_attributes({"region": "eu-west-3"}) == Place("FR", "aws:eu-west-3")
    assert of_attributes({"region": "us-east-1", "platform": "aws:m5.large"}) == Place("US-VA", "aws:us-east-1")
    assert of_attributes({"platform": "aws:m5.large", "zone": "IE"}) == Place("IE", "aws:*")
    assert of_attributes({"platform": "dell:r740"}) == Place()
    # What the activity says of its electricity outweighs the catalogue.
    assert of_attributes({"region": "aws:eu-west-3", "zone": "DE"}) == Place("DE", "aws:eu-west-3")
    # A region of one's own, for which a pack has rows; and an unknown one whose zone is known.
    assert of_attributes({"region": "acme:lyon"}, frozenset({"acme:lyon"})) == Place(None, "acme:lyon")
    assert of_attributes({"region": "aws:eu-west-99", "zone": "FR"}) == Place("FR", "aws:eu-west-99")
    mars = of_attributes({"region": "Mars", "zone": "FR"})
    assert mars.path == ("?:mars", "FR", "WORLD")
    assert FactorStore.load().lookup("facility.pue", mars).fallback == ("?:mars",)


@pytest.mark.parametrize(
    "attributes", [{"region": "eu-west-99"}, {"zone": "US-NOPE"}, {"region": "Mars", "platform": "x:y"}]
)
def test_a_place_that_nobody_knows_is_refused(attributes: dict[str, str]) -> None:
    with pytest.raises(ActivityError):
        of_attributes(attributes)


def test_iso_codes_are_complete_and_unique() -> None:
    assert len(places.countries()) == len(set(places.countries().values())) == 250
    assert places.canonical("FRA") == "FR"
    assert places.canonical("WORLD") == "WORLD"
