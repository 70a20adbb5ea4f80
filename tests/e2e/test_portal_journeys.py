# SPDX-License-Identifier: Apache-2.0
"""The three journeys in a real Chromium, on the normal and the heavy variant."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.e2e.portal_support import Portal, browser_page, portal, run_journey

from lichen.demo.journeys.apply import journey as apply_journey

JOURNEYS = ("simulate", "apply", "follow_up")
COLD_RUNS = 3

pytestmark = [
    pytest.mark.browser,
    pytest.mark.beside,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def normal(tmp_path_factory: pytest.TempPathFactory):
    with portal(tmp_path_factory.mktemp("normal")) as started:
        yield started


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory):
    with portal(tmp_path_factory.mktemp("heavy"), "--heavy") as started:
        yield started


def weight(running: Portal) -> list[tuple[Any, ...]]:
    """Return what was sent, request by request; the order of parallel requests is the browser's business."""
    return sorted(
        (line["method"], line["path"], line["status"], line["header_bytes"], line["body_bytes"], line["queries"])
        for line in running.log()
    )


@pytest.mark.parametrize("name", JOURNEYS)
def test_cold_runs_weigh_the_same_to_the_byte(normal: Portal, name: str) -> None:
    runs = []
    for _ in range(COLD_RUNS):
        steps = run_journey(name, normal)
        assert 3 <= len(steps) <= 5
        runs.append((weight(normal), sum(line["body_bytes"] for line in normal.log("backoffice"))))
    assert runs[0] == runs[1] == runs[2]
    assert all(200 <= status < 400 for _, _, status, *_ in runs[0][0])


@pytest.mark.parametrize("name", JOURNEYS)
def test_journeys_pass_on_the_heavy_variant(heavy: Portal, name: str) -> None:
    run_journey(name, heavy)
    assert all(line["status"] < 400 for line in heavy.log())


def test_each_regression_shows_in_its_own_figure(normal: Portal, heavy: Portal) -> None:
    figures = {}
    for label, running in (("normal", normal), ("heavy", heavy)):
        run_journey("simulate", running)
        simulate = running.log()
        run_journey("follow_up", running)
        follow = [line for line in running.log() if line["path"].startswith("/applications")]
        figures[label] = {
            "bytes": sum(line["body_bytes"] for line in simulate),
            "polls": sum(line["path"] == "/api/status" for line in simulate),
            "queries": max(line["queries"] for line in follow),
            "calls": len(running.log("backoffice")),
        }
    assert figures["heavy"]["bytes"] > figures["normal"]["bytes"] + 300_000
    assert figures["normal"]["polls"] == 0 < figures["heavy"]["polls"]
    # Forty rows: four statements a row instead of one for all, and one call a row instead of one a page.
    assert figures["heavy"]["queries"] > 10 * figures["normal"]["queries"]
    assert figures["heavy"]["calls"] > 10 * figures["normal"]["calls"]


def test_the_polling_variant_never_stops_asking(heavy: Portal) -> None:
    heavy.clear_logs()
    with browser_page(heavy.url) as page:
        page.goto("/")
        for _ in range(4):
            with page.expect_response("**/api/status"):
                pass
        expect(page.locator(".live svg.donut")).to_have_count(1)
    assert sum(line["path"] == "/api/status" for line in heavy.log()) >= 4


def test_an_application_reaches_the_list(normal: Portal) -> None:
    run_journey("apply", normal)
    from lichen.demo.journeys.follow_up import prepare

    with browser_page(normal.url) as page:
        prepare(page)
        page.get_by_label("Company").fill("ateliers du lac")
        page.get_by_role("button", name="Apply filters").click()
        page.get_by_role("link", name="Open application 401").click()
        expect(page.get_by_text("accounts.pdf")).to_be_visible()
        assert page.get_by_role("heading", level=1).inner_text().endswith("Approved")


def test_the_portal_says_when_the_back_office_is_away(tmp_path: Path) -> None:
    from contextlib import nullcontext

    from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
    from tests.e2e.portal_support import server

    with server("portal", tmp_path, "--backoffice", "http://127.0.0.1:9") as front, browser_page(front.url) as page:
        page.set_default_timeout(4000)
        with pytest.raises(PlaywrightTimeoutError):
            apply_journey(page, lambda *_args, **_options: nullcontext())
        expect(page.get_by_role("heading", level=1)).to_have_text("The back office does not answer")
        expect(page.get_by_role("link", name="Try again")).to_be_visible()


def test_the_browser_checks_before_the_server(normal: Portal) -> None:
    normal.clear_logs()
    with browser_page(normal.url) as page:
        page.goto("/apply/treasury-guarantee?lang=fr")
        page.get_by_label("Numéro SIREN").fill("732829321")
        page.get_by_role("button", name="Continuer").click()
        assert "échoue au contrôle" in page.locator("#f-siren-error").inner_text()
        assert page.get_by_role("alert").inner_text().startswith("6 champ(s)")
    assert [line for line in normal.log() if line["method"] == "POST"] == []


def test_without_scripts_the_server_checks(normal: Portal) -> None:
    with browser_page(normal.url, java_script_enabled=False) as page:
        page.goto("/apply/treasury-guarantee?lang=en")
        page.get_by_label("SIREN number").fill("732829321")
        page.get_by_role("button", name="Continue").click()
        assert "check digit" in page.locator("#f-siren-error").inner_text()


@pytest.mark.parametrize("size", [{"width": 1366, "height": 768}, {"width": 390, "height": 844}])
def test_no_page_scrolls_sideways(normal: Portal, size: dict[str, int]) -> None:
    from lichen.demo.journeys.follow_up import prepare

    with browser_page(normal.url, viewport=size) as page:
        prepare(page)
        for path in ("/", "/simulate/green-investment?amount_eur=400000&term_months=96&deferral_months=12",
                     "/apply/treasury-guarantee", "/applications", "/applications/390"):  # fmt: skip
            page.goto(path)
            overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert overflow <= 0, path


def test_every_control_has_a_name(normal: Portal) -> None:
    from lichen.demo.journeys.follow_up import prepare

    with browser_page(normal.url) as page:
        prepare(page)
        for path in (
            "/",
            "/simulate/treasury-guarantee",
            "/apply/green-investment",
            "/applications",
            "/applications/390",
        ):
            page.goto(path)
            unnamed = page.evaluate(
                """() => [...document.querySelectorAll('input,select,textarea')]
                    .filter((control) => control.labels.length === 0).map((control) => control.name)"""
            )
            assert unnamed == [], path
            expect(page.get_by_role("heading", level=1)).to_have_count(1)
            expect(page.locator("img:not([alt])")).to_have_count(0)
