# SPDX-License-Identifier: Apache-2.0
"""The page of ``lichen simulate`` in a real Chromium: alone, in both themes and languages, on a phone, and accessible."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, sync_playwright

from lichen.cli.app import root as cli
from lichen.collect.journeys import find_browser

pytestmark = [pytest.mark.browser, pytest.mark.beside]

ROOT: Final = Path(__file__).resolve().parents[2]
AXE: Final = ROOT / "node_modules" / "axe-core" / "axe.min.js"
EXAMPLE: Final = ROOT / "examples" / "simulate" / "public-service.toml"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = find_browser("fidelity").path
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Address of the page in each language."""
    folder = tmp_path_factory.mktemp("simulate")
    found = {}
    for lang in ("en", "fr"):
        path = folder / f"{lang}.html"
        call = ["simulate", "--scenario", str(EXAMPLE), "--lang", lang, "--quiet", "--format", f"html={path}"]
        answer = CliRunner().invoke(cli, call)
        assert answer.exit_code == 0, answer.output
        found[lang] = path.as_uri()
    return found


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_it_stands_alone_fits_and_is_accessible(
    browser: Browser, pages: dict[str, str], lang: str, scheme: str, width: int
) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)  # type: ignore[arg-type]
    try:
        page = context.new_page()
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(pages[lang])
        assert asked == [pages[lang]]
        assert complaints == []
        assert page.locator("html").get_attribute("lang") == lang
        assert page.locator("tbody tr").count() == page.locator("svg.curve .dot").count() == 5
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true })")
        page.add_script_tag(path=str(AXE))
        found = page.evaluate("async () => (await axe.run()).violations.map(one => one.id + ' ' + one.nodes[0].html)")
        assert found == []
    finally:
        context.close()
