# SPDX-License-Identifier: Apache-2.0
"""Journeys are pointed at each side; parts of a revision run in its folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lichen.config import Part, load_settings
from lichen.service.comparing.sides import _at, _served_by, _settings_of
from lichen.service.planning import JourneyPlan

SITE = "http://127.0.0.1:4321"


@pytest.mark.parametrize(
    ("plan", "base_url", "source"),
    [
        (JourneyPlan(name="buy", source="buy.py", base_url="{shop.url}"), SITE, "buy.py"),
        (JourneyPlan(name="buy", source="buy.py", base_url="{shop.url}/fr"), f"{SITE}/fr", "buy.py"),
        (JourneyPlan(name="buy", source="buy.py", base_url="https://shop.example/fr/"), f"{SITE}/fr/", "buy.py"),
        (JourneyPlan(name="buy", source="buy.py", base_url="https://shop.example"), SITE, "buy.py"),
        (JourneyPlan(name=None, source="buy.py", base_url=None), SITE, "buy.py"),
        (JourneyPlan(name="home", source="{shop.url}/home?a=1", base_url=None), None, f"{SITE}/home?a=1"),
        (JourneyPlan(name="home", source="https://shop.example/", base_url=None), None, SITE),
    ],
)
def test_a_journey_goes_to_the_address_of_its_side(plan: JourneyPlan, base_url: str | None, source: str) -> None:
    moved = _at(plan, SITE)
    assert (moved.base_url, moved.source, moved.name) == (base_url, source, plan.name)


def test_a_page_that_has_no_name_has_the_same_one_on_both_sides() -> None:
    plan = JourneyPlan(name=None, source="https://shop.example/offers", base_url=None)
    assert _at(plan, SITE).name == _at(plan, "http://127.0.0.1:9").name == "/offers"


def test_an_address_below_a_folder_keeps_it() -> None:
    plan = JourneyPlan(name="buy", source="buy.py", base_url="{shop.url}/fr")
    assert _at(plan, "https://example.org/preview/12/").base_url == "https://example.org/preview/12/fr"


def test_a_command_is_one_part_with_a_port(tmp_path: Path) -> None:
    (part,) = _served_by(load_settings(None), ("node", "server.js"), tmp_path).parts
    assert (part.name, part.command, part.cwd, part.env) == (
        "server",
        ("node", "server.js"),
        tmp_path,
        {"PORT": "{port}"},
    )


def test_a_revision_has_the_parts_of_its_own_settings_in_its_own_folder(tmp_path: Path) -> None:
    there = tmp_path / "there"
    (there / "api").mkdir(parents=True)
    (there / "lichen.toml").write_text('[[part]]\nname = "api"\ncommand = ["old-api"]\ncwd = "api"\n')
    own = replace(load_settings(None), folder=tmp_path / "here", parts=(Part(name="api", command=("new-api",)),))
    (part,) = _settings_of(there, own).parts
    assert (part.command, part.cwd) == (("old-api",), there / "api")


def test_a_revision_without_settings_has_the_present_parts_in_its_own_folder(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    there.mkdir()
    parts = (Part(name="api", command=("api",), cwd=here / "api"), Part(name="db", command=("db",)))
    found = _settings_of(there, replace(load_settings(None), folder=here, parts=parts)).parts
    assert [part.cwd for part in found] == [there / "api", there]
