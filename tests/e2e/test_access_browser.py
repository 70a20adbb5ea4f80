# SPDX-License-Identifier: Apache-2.0
"""Signing in and managing accounts in a real Chromium: the policy hinders nothing that pages need, axe finds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from tests.web.access_support import World, listening, world

from lichen.collect.journeys import find_browser
from lichen.service import accounts
from lichen.store.models import User

pytestmark = [pytest.mark.browser, pytest.mark.beside]
AXE: Final = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD: Final = "another lichen on a stone"
FINDINGS: Final = "async () => (await axe.run()).violations.map(one => one.id + ': ' + one.nodes[0].html)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=find_browser("fidelity").path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("browser")) as made:
        with made.context.store.session() as session:
            session.delete(session.get_one(User, made.users["admin"]))
        yield made


def listen_to(context: BrowserContext) -> list[str]:
    """What the browser complains about, in every page of a window."""
    complaints: list[str] = []
    context.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    return complaints


def findings(page: Any) -> list[str]:
    """What axe finds on a page. The script is given by the browser's own protocol, which no policy of a page forbids."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    return list(page.evaluate(FINDINGS))


def test_from_the_first_link_to_an_account_of_ones_own(here: World, browser: Browser) -> None:
    with listening(here) as url:
        link = accounts.one_time_link(here.context.store, url, now=here.clock())
        context = browser.new_context(locale="en-GB")
        complaints = listen_to(context)
        page = context.new_page()
        page.goto(link)
        assert findings(page) == []
        page.get_by_role("button", name="Open", exact=True).click()
        page.goto(f"{url}/account")
        page.get_by_label("New password", exact=True).fill(PASSWORD)
        page.get_by_label("New password, again").fill(PASSWORD)
        page.get_by_role("button", name="Change the password").click()
        expect(page.get_by_role("status")).to_contain_text("The password is changed")
        page.get_by_label("What it is for").fill("pipeline")
        page.get_by_label("send runs").check()
        page.get_by_role("button", name="Make the token").click()
        assert page.get_by_label("Copy it now").input_value().startswith("lichen_")
        assert findings(page) == []
        page.goto(f"{url}/admin/users")
        page.get_by_label("E-mail address").fill("ada@example.org")
        page.get_by_role("button", name="Add an account").click()
        invitation = page.get_by_label("Send it to them").input_value().replace(here.context.base_url, url)
        assert findings(page) == []
        page.goto(f"{url}/account")
        page.get_by_role("button", name="Sign out", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        page.goto(invitation)
        assert findings(page) == []
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_role("button", name="Save and sign in").click()
        page.goto(f"{url}/account")
        expect(page.get_by_text("ada@example.org").first).to_be_visible()
        assert complaints == []
        context.close()


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible(here: World, browser: Browser, lang: str, scheme: Any) -> None:
    with here.context.store.session() as session:
        user_id = here.users["lead"]
        session.get_one(User, user_id).is_admin = True
    here.token("read", team="ours")
    with listening(here) as url:
        context = browser.new_context(color_scheme=scheme)
        complaints = listen_to(context)
        page = context.new_page()
        page.goto(f"{url}/sign-in?lang={lang}")
        assert findings(page) == []
        page.locator("#email").fill("lead@example.org")
        page.locator("#password").fill("a lichen on a stone")
        page.locator("main form button").click()
        for path in ("/account", "/admin/users", f"/admin/users/{user_id}", "/admin/tokens", "/admin/audit"):
            page.goto(f"{url}{path}?lang={lang}")
            assert page.locator("html").get_attribute("lang") == lang
            assert findings(page) == [], path
        assert complaints == []
        context.close()
