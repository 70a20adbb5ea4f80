# SPDX-License-Identifier: Apache-2.0
"""The report in a real Chromium: alone, with and without scripts, in both themes and languages, on a phone and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.fixtures.result import sample_result

from lichen.collect.journeys import find_browser
from lichen.outputs.report import HtmlReport

pytestmark = [pytest.mark.browser, pytest.mark.beside]

ROOT: Final = Path(__file__).resolve().parents[2]
AXE: Final = ROOT / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = find_browser("fidelity").path
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Address of the report in each language."""
    folder = tmp_path_factory.mktemp("report")
    addresses = {}
    for lang in ("en", "fr"):
        path = folder / f"{lang}.html"
        path.write_bytes(HtmlReport().render(sample_result(), lang=lang))
        addresses[lang] = path.as_uri()
    return addresses


class _Visit:
    """A page, what it asked for and what it complained about."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        self.page.goto(address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_stands_alone(browser: Browser, report: dict[str, str], lang: str, scripts: bool, scheme: str) -> None:
    with _Visit(browser, report[lang], java_script_enabled=scripts, color_scheme=scheme) as visit:
        assert visit.requests == [report[lang]]
        assert visit.complaints == []
        assert visit.page.locator("html").get_attribute("lang") == lang
        assert visit.page.locator("article").count() == 3
        assert visit.page.locator("h1").is_visible()
        assert visit.page.locator("#theme").is_visible() == scripts


def test_planted_markup_never_becomes_an_element(browser: Browser, report: dict[str, str]) -> None:
    with _Visit(browser, report["en"]) as visit:
        assert visit.page.locator("script").count() == 1
        assert visit.page.locator("img").count() == 0
        assert visit.page.title() == "Footprint of Guaranteed loans · Lichen"
        assert visit.page.get_by_text("<script>alert(1)</script>", exact=True).count() >= 2


def test_a_right_to_left_name_does_not_turn_its_row(browser: Browser, report: dict[str, str]) -> None:
    with _Visit(browser, report["en"]) as visit:
        cell = visit.page.locator("bdi", has_text="طلب").first
        assert cell.evaluate("e => getComputedStyle(e).unicodeBidi") == "isolate"
        assert cell.evaluate("e => getComputedStyle(e.closest('table')).direction") == "ltr"


def test_the_button_turns_the_theme_over(browser: Browser, report: dict[str, str]) -> None:
    background = "() => getComputedStyle(document.body).backgroundColor"
    with _Visit(browser, report["en"], color_scheme="light") as visit:
        light = visit.page.evaluate(background)
        button = visit.page.locator("#theme")
        assert button.get_attribute("aria-pressed") == "false"
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        dark = visit.page.evaluate(background)
        button.click()
        assert visit.page.evaluate(background) == light
    with _Visit(browser, report["en"], color_scheme="dark") as visit:
        assert visit.page.evaluate(background) == dark != light


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_never_scrolls_sideways(browser: Browser, report: dict[str, str], width: int) -> None:
    for address in report.values():
        with _Visit(browser, address, viewport={"width": width, "height": 800}) as visit:
            assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_reaches_the_figures_first(browser: Browser, report: dict[str, str]) -> None:
    with _Visit(browser, report["fr"]) as visit:
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate("document.activeElement.className") == "skip"
        assert visit.page.locator(".skip").bounding_box()["x"] >= 0  # type: ignore[index]


def test_paper_is_light_and_complete(browser: Browser, report: dict[str, str]) -> None:
    with _Visit(browser, report["en"], color_scheme="dark") as visit:
        visit.page.emulate_media(media="print")
        assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert not visit.page.locator("#theme").is_visible()
        overflow = "elements => elements.map(element => getComputedStyle(element).overflowX)"
        assert set(visit.page.locator(".scroll").evaluate_all(overflow)) == {"visible"}


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm install in the repository root")
@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(browser: Browser, report: dict[str, str], lang: str, scheme: str, width: int) -> None:
    options = {"bypass_csp": True, "color_scheme": scheme, "viewport": {"width": width, "height": 900}}
    with _Visit(browser, report[lang], **options) as visit:
        visit.page.add_script_tag(path=AXE)
        found = visit.page.evaluate("axe.run({resultTypes: ['violations']})")
        assert found["passes"]
        assert [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found["violations"]] == []
