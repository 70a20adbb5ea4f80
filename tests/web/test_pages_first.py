# SPDX-License-Identifier: Apache-2.0
"""What pages tell somebody who has just measured something: what is known, what lacks, and what comes next."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from tests.fixtures import run as fixture
from tests.web.access_support import World, declare, measure, world
from tests.web.server_support import run

from lichen.errors import LichenError
from lichen.service import landing


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def page(here: World, address: str, lang: str = "en", user: str = "admin") -> str:
    answer = here.browser(user).get(address, params={"lang": lang})
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def test_the_step_that_weighs_most_is_looked_for_in_every_journey(here: World, tmp_path: Path) -> None:
    heavy = fixture.measured("follow", tuple(50 * factor for factor in fixture.NOISE))
    written = fixture.write_measured(tmp_path / "runs", [fixture.measured("apply"), heavy])
    sent = here.program(here.token("ingest").text).post("/api/v1/runs", json=dict(written.content))
    assert sent.status_code == 201, sent.text
    landing.land_all(here.context)
    browser = here.browser("admin")
    journeys = browser.get(f"/runs/{written.run_id}.json").json()["journeys"]
    steps = {
        f"{one['journey']['name']}, {step['name']}": step["indicators"]["gwp100"]["value"]
        for one in journeys
        for step in one["steps"]
        if step["name"]
    }
    told: Any = browser.get("/applications/loans/business.json").json()["public"]["heaviest_step"]
    assert told == max(steps, key=lambda name: steps[name])
    assert told.startswith("follow, ")


def test_before_there_are_visits_a_visit_is_told_and_how_to_bring_them_in(here: World) -> None:
    measure(here, "ours")
    command = "lichen import traffic access.log --application app-ours"
    for lang, measured in (("en", "A visit was measured: "), ("fr", "Une visite a été mesurée\u00a0: ")):
        assert command in page(here, "/", lang)
        plain = page(here, "/applications/app-ours/business", lang)
        assert measured in plain
        assert " · </p>" not in plain
    declare(here, "ours", 1000)
    assert command not in page(here, "/")
    assert "A visit was measured" not in page(here, "/applications/app-ours/business")


def test_when_everything_is_measured_nothing_is_asked_for(here: World) -> None:
    measure(here, "ours", "theirs")
    here.clock.now = here.clock.now.replace(month=3, day=2)
    for lang, told in (("en", "was measured lately"), ("fr", "ont été mesurés récemment")):
        assert told in page(here, "/measure-next", lang)


def test_without_a_target_an_administrator_is_led_to_where_one_is_set(here: World) -> None:
    assert "#targets" in page(here, "/targets")
    assert "#targets" not in page(here, "/targets", user="viewer")


def test_a_path_that_lacks_its_base_says_so_and_where_to_set_it(here: World) -> None:
    target = {"part": "targets", "scope": "organisation", "indicator": "gwp100", "base_year": "2025", "base_value": ""}
    aim = {"horizon_year": "2030", "reduction": "30"}
    told = "What 2025 had is unknown"
    assert here.browser("admin").post("/settings", data=target | aim).status_code == 303
    assert told in page(here, "/targets")
    assert "#targets" in page(here, "/targets")
    assert here.browser("admin").post("/settings", data=target | aim | {"base_value": "5000"}).status_code == 303
    shown = page(here, "/targets")
    assert told not in shown
    assert "−30% by 2030, from 2025" in shown


def test_a_month_that_is_not_over_says_so(here: World) -> None:
    measure(here, "ours")
    declare(here, "ours", 1000)
    here.clock.now = here.clock.now.replace(month=10, day=31)
    for address in ("/", "/applications/app-ours", "/teams/ours"):
        shown = here.browser("admin").get(address, params={"period": "2026-10"})
        assert "This period is not over" in shown.text, address
    here.clock.now = here.clock.now.replace(month=11, day=1)
    for address in ("/", "/applications/app-ours", "/teams/ours"):
        shown = here.browser("admin").get(address, params={"period": "2026-10"})
        assert "This period is not over" not in shown.text, address
    twin = here.browser("admin").get("/portfolio.json", params={"period": "2026-10"}).json()
    assert (twin["frame"]["is_over"], twin["frame"]["period"]["end"]) == (True, date(2026, 11, 1).isoformat())


def test_a_comparison_says_when_each_side_was_measured(here: World) -> None:
    left = measure(here, "ours")["ours"]
    later = run(1, "app-ours")
    later["started_at"], later["ended_at"] = "2026-03-05T10:00:00.000Z", "2026-03-05T10:02:00.000Z"
    sent = here.program(here.token("ingest").text).post("/api/v1/runs", json=later)
    assert sent.status_code == 201, sent.text
    landing.land_all(here.context)
    sides = {"left": left, "right": sent.json()["run_id"], "lang": "en"}
    shown = here.browser("viewer").get("/compare", params=sides).text
    assert "Mar 1, 2026" in shown
    assert "Mar 5, 2026" in shown


def test_what_fails_in_the_server_is_in_its_log(here: World, caplog: pytest.LogCaptureFixture) -> None:
    router = APIRouter()

    @router.get("/planted")
    def planted() -> None:
        raise LichenError("The planted fault.", repair="Take it out.")

    here.app.include_router(router)
    with caplog.at_level(logging.ERROR):
        answer = here.browser("admin").get("/planted")
    assert answer.status_code == 500
    assert "GET /planted: The planted fault." in caplog.text
