# SPDX-License-Identifier: Apache-2.0
"""Header fields of every answer, refusals included, and what they keep a browser from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.web.access_support import World, world

from lichen.outputs.web import access

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


@pytest.mark.parametrize("path", ["/sign-in", "/account", "/health", "/no-such-page", "/api/v1/runs", "/static/no.css"])
def test_every_answer_bears_them(here: World, path: str) -> None:
    answer = here.browser("viewer").get(path)
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "strict-transport-security" not in answer.headers, "it is not reached over TLS"
    assert "server" not in answer.headers


def test_over_tls_browsers_are_told_to_stay_there(tmp_path: Path) -> None:
    with world(tmp_path, secure=True) as made:
        assert made.browser().get("/sign-in").headers["strict-transport-security"] == "max-age=31536000"


def test_no_store_in_between_gives_a_page_to_somebody_else(here: World) -> None:
    answer = here.browser("viewer").get("/account")
    assert "private" in answer.headers["cache-control"]
    assert {"Cookie", "Authorization"} <= {part.strip() for part in answer.headers["vary"].split(",")}


def test_an_error_shows_no_trace(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from starlette.testclient import TestClient

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("canary in the trace")

    monkeypatch.setattr("lichen.outputs.web.account.page", broken)
    browser = here.browser("viewer")
    quiet = TestClient(here.app, base_url=here.context.base_url, raise_server_exceptions=False, cookies=browser.cookies)
    answer = quiet.get("/account")
    assert answer.status_code == 500
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["content-type"] == "application/problem+json"
    assert "canary" not in answer.text
    assert "Traceback" not in answer.text


class Inline(HTMLParser):
    """Finds what the policy would keep from running, and what would reach another host."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in given):
            self.found.append(f"<{tag}>")
        self.found += [name for name in given if name == "style" or name.startswith("on")]
        for name in ("src", "href", "action"):
            if re.match(r"\s*(javascript:|data:text|https?:|//)", given.get(name) or "", re.IGNORECASE):
                self.found.append(f"{name}={given[name]}")


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_pages_hold_nothing_inline(here: World, lang: str) -> None:
    browser = here.browser("admin")
    pages = [
        "/sign-in",
        "/sign-in/once?code=x",
        "/sign-in/welcome?code=x",
        "/account",
        "/admin/users",
        f"/admin/users/{here.users['editor']}",
        "/admin/tokens",
        "/admin/audit",
    ]
    for path in pages:
        answer = browser.get(path, headers={"accept-language": lang})
        parser = Inline()
        parser.feed(answer.text)
        assert answer.status_code == 200, path
        assert parser.found == [], path
        assert f'lang="{lang}"' in answer.text, path


def test_the_description_of_the_api_is_all_that_needs_no_rule(here: World) -> None:
    access.check_rules(here.app)
    assert [route.path for route in access.routes(here.app) if route.rule is None] == ["/api/v1/openapi.json"]
    assert here.program().get("/docs").status_code == 404, "no page of the framework's own"
