# SPDX-License-Identifier: Apache-2.0
"""What is asked for becomes journeys, parts belong to who uses them, and places exist; all before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from lichen.config import load_settings
from lichen.errors import ConfigError
from lichen.service.places import check_places, places_of
from lichen.service.planning import needs_parts, plan_journeys
from lichen.service.workspace import Workspace

CONFIG = """
[[part]]
name = "site"
port = 8000
[[part]]
name = "behind"
container = "shop"
ready = "https://shop.example/ready"
[[journey]]
name = "contact"
file = "contact.py"
"""

OWN_PACK = """
[pack]
id = "our-island"
version = "1"
description = "An island."
[source.meter]
title = "Our meter"
publisher = "We"
year = 2026
url = "https://island.example"
licence = "internal"
retrieved_at = 2026-01-15
[[factor]]
id = "grid.gwp100"
geography = "XX-ISLAND"
valid_from = 2026-01-01
source = "meter"
value = 31.0
low = 24.0
high = 45.0
unit = "gCO2e/kWh"
boundary = "none"
comment = "Read from the meter."
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lichen.toml").write_text(CONFIG)
    Path("contact.py").write_text("def journey(page, step): pass\n")


@pytest.mark.parametrize(
    ("word", "problem", "repair"),
    [
        ("localhost:8765", "neither a declared journey", "Did you mean http://localhost:8765?"),
        ("localhost", "neither", "Did you mean http://localhost?"),
        ("shop:8765/list", "neither", "Did you mean http://shop:8765/list?"),
        ("www.example.org", "neither", "Did you mean https://www.example.org?"),
        ("www.example.org/a?b=c", "neither", "Did you mean https://www.example.org/a?b=c?"),
        ("contakt", "neither", "Did you mean 'contact'?"),
        ("words of no use", "neither", "Declared: contact. An address starts with http:// or https://."),
        ("./", "'./' is a folder.", "python -m http.server -d ./"),
        ("contect.py", "The journey file does not exist: contect.py.", "Did you mean contact.py?"),
        ("journeys/a.py", "The journey file does not exist: journeys/a.py.", "lichen init"),
    ],
)
def test_a_word_that_is_no_journey_is_answered_with_what_was_meant(word: str, problem: str, repair: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        plan_journeys(load_settings(None), [word])
    assert problem in refusal.value.problem
    assert repair in refusal.value.repair


def test_a_declared_file_that_is_missing_is_named_with_its_line() -> None:
    Path("contact.py").rename("contacts.py")
    with pytest.raises(ConfigError) as refusal:
        plan_journeys(load_settings(None), [])
    assert f"of 'contact' does not exist: {Path('contact.py').absolute()} " in refusal.value.problem
    assert refusal.value.problem.endswith("lichen.toml:11).")
    assert refusal.value.repair == f"Did you mean {Path('contacts.py').absolute()}?"


@pytest.mark.parametrize(
    ("word", "needed"),
    [
        ("contact", True),
        ("contact.py", True),
        ("{site.url}/list", True),
        ("http://localhost:8000/", True),
        ("http://127.0.0.1:8000/a", True),
        ("https://shop.example/", True),
        ("http://shop.example/", False),
        ("http://localhost:8001/", False),
        ("http://localhost/", False),
        ("https://example.org:8000/", False),
    ],
)
def test_an_address_needs_parts_that_listen_there(word: str, needed: bool) -> None:
    settings = load_settings(None)
    (plan,) = plan_journeys(settings, [word])
    assert needs_parts(settings, plan) == needed


@pytest.mark.parametrize("zone", ["FR", "WORLD", "KP", "XK", "US-CAL-CISO", "AQ"])
def test_a_country_or_a_zone_of_one_is_a_place(zone: str) -> None:
    check_places(Workspace(load_settings(None, overrides={"context.zone": zone})))


@pytest.mark.parametrize(
    ("zone", "repair"), [("XX", "ISO 3166"), ("UK", "'GB'"), ("EU", "ISO 3166"), ("ZZ-1", "ISO 3166"), ("SU", "'RU'")]
)
def test_what_is_no_place_is_refused(zone: str, repair: str) -> None:
    with pytest.raises(ConfigError, match=f"There is no place '{zone}'") as refusal:
        check_places(Workspace(load_settings(None, overrides={"context.zone": zone})))
    assert repair in refusal.value.repair


def test_the_zone_of_a_part_is_named_with_its_line() -> None:
    Path("lichen.toml").write_text(CONFIG.replace("port = 8000", 'port = 8000\nzone = "XX"'))
    with pytest.raises(ConfigError, match=r"There is no place 'XX' \(.*lichen\.toml:5\)\."):
        check_places(Workspace(load_settings(None)))


@pytest.mark.parametrize("zone", ["US-NOPE", "FRX"])
def test_a_zone_that_no_country_has_is_refused(zone: str) -> None:
    with pytest.raises(ConfigError, match=f"There is no place '{zone}'"):
        check_places(Workspace(load_settings(None, overrides={"context.zone": zone})))


def test_the_region_of_a_part_is_looked_up_with_its_line() -> None:
    Path("lichen.toml").write_text(CONFIG.replace("port = 8000", 'port = 8000\nregion = "aws:eu-west-33"'))
    with pytest.raises(ConfigError, match=r"There is no region 'aws:eu-west-33' \(.*lichen\.toml:5\)\.") as refusal:
        check_places(Workspace(load_settings(None)))
    assert refusal.value.repair == "Did you mean 'aws:eu-west-3'?"


def test_a_part_in_a_region_has_its_electricity_and_not_the_visitors() -> None:
    Path("lichen.toml").write_text(CONFIG.replace("port = 8000", 'port = 8000\nregion = "aws:eu-west-1"'))
    settings = load_settings(None, overrides={"context.zone": "FR"})
    check_places(Workspace(settings))
    found = places_of(settings, [part.name for part in settings.parts])
    hosted = [(place.zone, place.region) for place in found.values() if place.tier == "server"]
    assert (None, "aws:eu-west-1") in hosted
    assert ("FR", None) in hosted or len(hosted) == 1
    assert found["browser"].zone == "FR"


def test_a_place_of_ones_own_factors_exists() -> None:
    overrides = {"context.zone": "XX-ISLAND"}
    with pytest.raises(ConfigError):
        check_places(Workspace(load_settings(None, overrides=overrides)))
    Path("own.toml").write_text(OWN_PACK)
    Path("lichen.toml").write_text('extend.factors = ["own.toml"]\n')
    check_places(Workspace(load_settings(None, overrides=overrides)))
