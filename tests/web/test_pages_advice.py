# SPDX-License-Identifier: Apache-2.0
"""What to change, as a page: read by who sees the run, planned by who may write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fixtures import run as fixture
from tests.unit.test_advice import SURVEY
from tests.web.access_support import World, world

from lichen import nomenclature
from lichen.service import landing
from lichen.service.record import run_content

HOSTILE = "https://example.org/<script>alert(1)</script>.js"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


@pytest.fixture
def run_id(here: World) -> str:
    hostile = [replace(one, url=HOSTILE) if one.gzip_bytes else one for one in SURVEY.resources]
    journeys = [replace(fixture.measured("buy"), survey=replace(SURVEY, resources=tuple(hostile)))]
    facts = replace(fixture.FACTS, project="app-ours")
    times = "2026-03-01T10:00:00.000Z", "2026-03-01T10:02:00.000Z"
    content = run_content(facts, *times, journeys, nomenclature.load())
    answer = here.program(here.token("ingest").text).post("/api/v1/runs", json=content)
    assert answer.status_code == 201, answer.text
    landing.land_all(here.context)
    return str(answer.json()["run_id"])


def test_the_page_lists_what_saves_most_first(here: World, run_id: str) -> None:
    viewer = here.browser("viewer")
    page = viewer.get(f"/runs/{run_id}/advice")
    assert page.status_code == 200
    assert page.text.index("Compress texts") < page.text.index("Shorten scripts")
    assert "<script>alert" not in page.text
    assert "Plan this" not in page.text
    twin = viewer.get(f"/runs/{run_id}/advice.json").json()
    assert [one["rule"] for one in twin["journeys"][0]["advice"]] == [
        "uncompressed",
        "not-cached",
        "long-tasks",
    ]
    assert "Compresser les textes" in viewer.get(f"/runs/{run_id}/advice?lang=fr").text


def test_an_editor_plans_a_line_and_it_is_in_the_register(here: World, run_id: str) -> None:
    editor = here.browser("editor")
    assert "Plan this" in editor.get(f"/runs/{run_id}/advice").text
    form = {"journey": "buy", "rule": "uncompressed", "step": "open"}
    answer = editor.post(f"/runs/{run_id}/advice", data=form)
    assert answer.status_code == 303
    found = re.fullmatch(r"/actions/([0-9a-f]{32})\?done=save", answer.headers["location"])
    assert found is not None
    action = editor.get(f"/actions/{found[1]}.json").json()["action"]
    assert action["title"] == "Compress texts (buy)"
    assert action["tags"] == ["uncompressed", "buy"]
    assert action["status"] == "planned"
    assert 0 < action["expected_saving"] < 1
    assert editor.post(f"/runs/{run_id}/advice", data=form | {"rule": "polling"}).status_code == 422


@pytest.mark.parametrize(("user", "status"), [("viewer", 403), ("chief", 404)])
def test_others_plan_nothing(here: World, run_id: str, user: str, status: int) -> None:
    form = {"journey": "buy", "rule": "uncompressed", "step": "open"}
    assert here.browser(user).post(f"/runs/{run_id}/advice", data=form).status_code == status


def test_nobody_else_reads_it(here: World, run_id: str) -> None:
    assert here.browser("stranger").get(f"/runs/{run_id}/advice").status_code == 404
