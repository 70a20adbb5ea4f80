# SPDX-License-Identifier: Apache-2.0
"""The dashboard in a real Chromium, on the sample portfolio: main paths, weight, themes, languages, keyboard, no scripts.

Each page is looked at in both themes and both languages.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, Self

import pytest
import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from tests.web.access_support import PASSWORD

from lichen.collect.journeys import find_browser
from lichen.config import load_settings
from lichen.outputs.web.app import create_app
from lichen.outputs.web.context import WebContext
from lichen.outputs.web.serving import listen
from lichen.service import accounts, alerts
from lichen.service.accounts import By
from lichen.service.alerts import Finding, Findings
from lichen.service.context import now, open_context
from lichen.service.evaluation import evaluate_document
from lichen.service.workspace import Workspace
from lichen.store.models import Application, ChangePoint

pytestmark = [pytest.mark.browser, pytest.mark.beside]

ROOT: Final = Path(__file__).resolve().parents[2]
AXE: Final = ROOT / "node_modules" / "axe-core" / "axe.min.js"
BYTES_MAX, REQUESTS_MAX = 100_000, 8
EMAIL: Final = "admin@example.org"
APPLICATION: Final = "/applications/sample-self-service-reports"
PAGES: Final = {
    "portfolio": "/", "filters": "/filters", "application": APPLICATION, "plain words": f"{APPLICATION}/business",
    "journey": f"{APPLICATION}/journeys/{{journey}}", "run": "/runs/{run}", "two runs": "/compare?left={older}&right={run}",
    "two months": f"{APPLICATION}/compare?left={{before}}&right={{month}}",
    "explain": "/explain?level=journey&ref=sample-self-service-reports/{journey}", "targets": "/targets",
    "team": "/teams/{team}", "next": "/measure-next", "actions": "/actions", "quality": "/quality",
    "methods": "/methods?search=grid", "settings": "/settings", "patterns": "/-/patterns", "account": "/account",
    "action": "/actions/{action}", "new action": "/actions/new", "members": "/teams/{team}/members",
    "team goes": "/teams/{team}/remove", "application goes": f"{APPLICATION}/retire", "public": "/public/{key}",
    "accounts": "/admin/users", "one account": "/admin/users/{user}", "tokens": "/admin/tokens", "audit": "/admin/audit",
    "bill": "/applications/sample-guarantee-desk/bill", "bills": "/bills",
    "explain a bill": "/explain?level=bill&ref=sample-guarantee-desk",
    "sign in": "/sign-in", "advice": "/runs/{run}/advice",
    "alerts": "/alerts", "history": f"{APPLICATION}/history",
}  # fmt: skip
OUTSIDE_DRAWINGS: Final = "document.getElementsByTagName('*').length - document.querySelectorAll('svg *').length"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = find_browser("fidelity").path
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


class Site:
    """A server with one administrator, and what a browser keeps once signed in."""

    def __init__(self, context: WebContext, url: str) -> None:
        self.context = context
        self.url = url
        self.state: Any = None
        self.places: dict[str, str] = {}

    def address(self, name: str, lang: str) -> str:
        """A page of the sample portfolio."""
        path = PAGES[name].format(**self.places)
        return f"{self.url}{path}{'&' if '?' in path else '?'}lang={lang}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Site]:
    """A server that was empty until somebody took the offer to look at the sample portfolio."""
    folder = tmp_path_factory.mktemp("board")
    toml = folder / "lichen.toml"
    toml.touch()
    found = open_context(Workspace(load_settings(toml, env={})))
    with found.store, listen("127.0.0.1", 0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        context = WebContext(store=found.store, ledger=found.ledger, workspace=found.workspace, base_url=url)
        with found.store.session() as session:
            user = accounts.add_user(session, email=EMAIL, by=By(actor="command:test", at=now()), is_admin=True)
            user.password_hash = accounts.hash_password(PASSWORD)
        server = uvicorn.Server(uvicorn.Config(create_app(context), log_level="error", ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        made = Site(context, url)
        _fill(made, browser)
        yield made
        server.should_exit = True
        thread.join(10)


def _fill(made: Site, browser: Browser) -> None:
    """Signs in, finds nothing, and presses the button."""
    opened = browser.new_context(locale="en-GB")
    page = opened.new_page()
    page.goto(made.url)
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing here yet")
    page.get_by_role("button", name="Look at the sample portfolio").click(timeout=90_000)
    expect(page.get_by_role("heading", level=1)).to_have_text("Portfolio", timeout=90_000)
    expect(page.get_by_text("none of these figures is yours")).to_be_visible()
    made.state = opened.storage_state()
    view = opened.request.get(f"{made.url}{APPLICATION}.json").json()
    months = sorted(name for name in view["frame"]["periods"] if "-" in name)
    shown = months.index(view["frame"]["period"]["name"])
    action = opened.request.get(f"{made.url}/actions.json").json()["rows"][0]["action_id"]
    user = opened.request.get(f"{made.url}/admin/users.json").json()["items"][0]["user_id"]
    with made.context.store.session() as session:
        published = session.query(Application).filter_by(code=APPLICATION.rpartition("/")[2]).one()
        published.public_key = "0123456789abcdef" * 2
        session.add(
            ChangePoint(
                application_id=published.id, indicator="gwp100", at_day=date(2026, 11, 3), change=0.08, low=0.05, high=0.11,
                confirmed_on=date(2026, 11, 9), cause="1.3",
            )
        )  # fmt: skip
        shown_id = published.id
    wrong = [
        Finding(rule="change_point", key="change/1", application_id=shown_id, value=2.2, limit=2.0,
                detail={"what": "gwp100", "unit": "gCO2e", "share": 0.08, "cause": "1.3", "since": "2026-11-03T00:00:00+00:00"}),
        *(Finding(rule="budget", key=f"budget/{what}", application_id=shown_id, value=2e6, limit=1e6,
                  detail={"what": what, "unit": unit, "share": 1.0})
          for what, unit in (("network_bytes", "B"), ("requests", "1"), ("dom_elements", "1"), ("gwp100", "gCO2e"))),
        Finding(rule="channel_dead", key="channel/pay", detail={"subject": "pay", "cause": "410"}),
    ]  # fmt: skip
    alerts.turn(made.context, Findings({one.key: one for one in wrong}))
    made.places = {
        "action": action, "user": user, "key": "0123456789abcdef" * 2,
        "journey": view["journeys"][0]["journey"]["code"], "run": view["runs"][0]["run_id"], "older": view["runs"][1]["run_id"],
        "team": view["team"]["code"], "month": months[shown], "before": months[shown - 1],
    }  # fmt: skip
    opened.close()


class _Visit:
    """A signed-in window; what its pages ask for, weigh, and complain about."""

    def __init__(self, browser: Browser, site: Site, **options: Any) -> None:
        self.context = browser.new_context(storage_state=site.state, **options)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.sizes: list[int] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.session = self.context.new_cdp_session(self.page)
        self.session.send("Network.enable")
        self.session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        self.session.on("Network.loadingFinished", lambda event: self.sizes.append(int(event["encodedDataLength"])))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, address: str) -> Page:
        """Another page, weighed by itself."""
        self.sizes.clear()
        answer = self.page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        return self.page

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm install in the repository root")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_page_is_light_and_without_a_fault(
    browser: Browser, site: Site, lang: str, theme: Literal["light", "dark"]
) -> None:
    """Bytes, requests, elements, EcoIndex; every rule of axe; no complaint of the browser, such as of the security policy."""
    faults: list[Any] = []
    axe = AXE.read_text(encoding="utf-8")
    with _Visit(browser, site, color_scheme=theme) as visit:
        for name in PAGES:
            page = visit.open(site.address(name, lang))
            assert page.locator("html").get_attribute("lang") == lang
            elements = int(page.evaluate(OUTSIDE_DRAWINGS))
            page.evaluate(axe)
            found = page.evaluate("axe.run({resultTypes: ['violations']})")
            assert found["passes"]
            faults += [
                (name, one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found["violations"]
            ]
            weight = (sum(visit.sizes), len(visit.sizes), elements)
            grade = _grade(site, weight)
            if weight[0] > BYTES_MAX or weight[1] > REQUESTS_MAX or grade != "A":
                faults.append((name, weight, grade))
        assert faults == []
        assert visit.complaints == []


def _grade(site: Site, weight: tuple[int, int, int]) -> str:
    names = ("network_bytes", "requests", "dom_elements")
    rows = [{"entity": "page/browser", "quantity": name, "value": v} for name, v in zip(names, weight, strict=True)]
    done = evaluate_document(site.context.workspace, {"activities": rows}, ["ecoindex"])
    return str(next(one["grade"] for one in done["grades"] if one["indicator"] == "ecoindex"))


def test_the_footer_tells_what_the_browser_counts(browser: Browser, site: Site) -> None:
    with _Visit(browser, site) as visit:
        page = visit.open(site.address("portfolio", "en"))
        said = page.locator("footer").inner_text()
        assert f"{len(visit.sizes)} requests, {page.evaluate(OUTSIDE_DRAWINGS)} elements" in said


def test_the_main_path_from_the_portfolio_down_to_a_formula(browser: Browser, site: Site) -> None:
    with _Visit(browser, site, locale="en-GB") as visit:
        page = visit.open(site.url)
        page.get_by_role("link", name="Visits").click()
        heading = page.locator("th[aria-sort]")
        assert heading.get_attribute("aria-sort") == "descending"
        assert "sort=visits" in page.url
        page.get_by_role("link", name="Self-service reports").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Self-service reports")
        expect(page.locator("figure .u-wrap")).to_have_count(4)
        page.locator(".tiles a").first.click()
        expect(page.get_by_text("Derivation of a figure")).to_be_visible()
        page.get_by_role("link", name="Why this figure").first.click()
        expect(page.locator("code").first).to_be_visible()
        page.get_by_role("link", name="device.mix").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Methods and factors")
        expect(page.get_by_role("searchbox")).to_have_value(re.compile("^device[.]mix"))


def test_a_run_is_reached_from_its_application_and_shows_its_steps(browser: Browser, site: Site) -> None:
    with _Visit(browser, site, locale="en-GB") as visit:
        page = visit.open(site.address("application", "en"))
        page.locator("section", has_text="Newest runs").get_by_role("link", name="UTC").first.click()
        expect(page.get_by_role("heading", name="Steps")).to_be_visible()
        assert "/runs/" in page.url
        assert "lang=en" in page.url
        expect(page.locator("img")).to_have_count(0)


def test_search_filters_and_pages_live_in_the_address(browser: Browser, site: Site) -> None:
    with _Visit(browser, site, locale="en-GB") as visit:
        page = visit.open(site.url)
        page.get_by_role("link", name="Filter").click()
        page.get_by_role("link", name="Loans (").click()
        page.get_by_role("link", name="Show 5 applications").click()
        expect(page.locator("tbody tr")).to_have_count(5)
        page.get_by_role("searchbox").fill("contracts")
        page.keyboard.press("Enter")
        expect(page.locator("tbody tr")).to_have_count(1)
        assert "team=" in page.url
        kept = page.url
        page.goto(site.url)
        page.get_by_role("link", name="Next ›").click()
        assert "page=2" in page.url
        page.goto(kept)
        expect(page.locator("tbody tr")).to_have_count(1)


def test_the_language_changes_and_the_address_stays(browser: Browser, site: Site) -> None:
    with _Visit(browser, site, locale="en-GB") as visit:
        page = visit.open(f"{site.url}/?sort=cost&page=2")
        page.get_by_role("link", name="Français").click()
        expect(page.locator("h1")).to_have_text("Portefeuille")
        assert "sort=cost" in page.url
        assert "page=2" in page.url
        page.get_by_role("link", name="Objectifs").first.click()
        assert page.locator("html").get_attribute("lang") == "fr"
        assert "\u202f%" in page.locator("main").inner_text()


def test_the_theme_is_kept_from_page_to_page(browser: Browser, site: Site) -> None:
    background = "() => getComputedStyle(document.body).backgroundColor"
    with _Visit(browser, site, color_scheme="light") as visit:
        page = visit.open(site.url)
        light = page.evaluate(background)
        page.locator("#theme").click()
        dark = page.evaluate(background)
        assert light != dark
        page = visit.open(f"{site.url}/targets")
        assert page.evaluate(background) == dark
        expect(page.locator("#theme")).to_have_text("Light theme")


def test_the_theme_follows_the_system_until_somebody_chooses(browser: Browser, site: Site) -> None:
    with _Visit(browser, site, color_scheme="dark", locale="en-GB") as visit:
        page = visit.open(site.url)
        expect(page.locator("#theme")).to_have_text("Light theme")
        page.emulate_media(color_scheme="light")
        expect(page.locator("#theme")).to_have_text("Dark theme")


def test_an_action_is_written_done_found_and_taken_out(browser: Browser, site: Site) -> None:
    with _Visit(browser, site, locale="en-GB") as visit:
        page = visit.open(f"{site.url}{APPLICATION}")
        page.get_by_role("link", name="Add an action").click()
        page.get_by_label("What is done").fill("Fewer fonts")
        page.get_by_label("Tags, parted by commas").fill("fonts, weight")
        page.get_by_label("Expected saving in %").fill("12,5")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Fewer fonts")
        page.get_by_role("button", name="Mark as done today").click()
        expect(page.get_by_role("status")).to_have_text("Saved.")
        page.get_by_role("link", name="weight").click()
        assert "search=weight" in page.url
        page.get_by_role("link", name="Fewer fonts").click()
        page.locator("summary", has_text="Take it out").click()
        page.get_by_role("button", name="Take it out now").click()
        expect(page.get_by_role("status")).to_have_text("The action is no longer in the register.")


def test_a_member_is_invited_and_an_application_retired_and_brought_back(browser: Browser, site: Site) -> None:
    with _Visit(browser, site, locale="en-GB") as visit:
        page = visit.open(site.address("team", "en"))
        page.get_by_role("link", name="Members").click()
        page.get_by_label("E-mail address").fill("ada@example.org")
        page.get_by_role("button", name="Invite").click()
        assert "/sign-in/welcome?code=" in page.locator("#text").input_value()
        page.get_by_role("combobox", name="Role of ada").select_option("editor")
        page.get_by_role("button", name="Save the role of ada@example.org").click()
        expect(page.get_by_role("combobox", name="Role of ada")).to_have_value("editor")
        page.get_by_role("button", name="Take ada@example.org out").click()
        expect(page.get_by_text("Nobody is a member yet")).to_be_visible()
        page = visit.open(site.address("application", "en"))
        page.get_by_role("link", name="Retire or take out").click()
        page.get_by_role("button", name="Retire it").click()
        expect(page.get_by_text("It is retired")).to_be_visible()
        page.get_by_role("link", name="Retire or take out").click()
        page.get_by_role("button", name="Bring it back").click()
        expect(page.get_by_text("It is retired")).to_have_count(0)


def test_everything_is_there_without_scripts(browser: Browser, site: Site) -> None:
    with _Visit(browser, site, java_script_enabled=False, locale="en-GB") as visit:
        page = visit.open(site.address("application", "en"))
        expect(page.locator("svg.curve")).to_have_count(4)
        expect(page.locator("svg.curve").first).to_be_visible()
        assert not page.locator("#theme").is_visible()
        assert page.locator("details table tbody tr").count() >= 12
        page.get_by_role("link", name="Portfolio").first.click()
        page.get_by_role("link", name="Cost").click()
        expect(page.locator("tbody tr")).to_have_count(25)
        assert visit.complaints == []


def test_no_page_scrolls_sideways_on_a_phone(browser: Browser, site: Site) -> None:
    with _Visit(browser, site, viewport={"width": 360, "height": 800}) as visit:
        wide = {
            name: width
            for name in PAGES
            if (width := visit.open(site.address(name, "fr")).evaluate("document.documentElement.scrollWidth")) > 360
        }
        assert wide == {}


def test_the_keyboard_reaches_the_content_first_and_sorts(browser: Browser, site: Site) -> None:
    with _Visit(browser, site, locale="en-GB") as visit:
        page = visit.open(site.url)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.url.endswith("#main")
        page.get_by_role("link", name="Cost").focus()
        page.keyboard.press("Enter")
        expect(page.locator("th[aria-sort]")).to_contain_text("Cost")


def test_paper_is_light_and_has_no_controls(browser: Browser, site: Site) -> None:
    with _Visit(browser, site, color_scheme="dark") as visit:
        page = visit.open(site.url)
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert not page.get_by_role("searchbox").is_visible()
