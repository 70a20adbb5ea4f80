# SPDX-License-Identifier: Apache-2.0
"""Requests that another site makes a signed-in browser send, and the cookie that they would ride on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.access_support import PASSWORD, World, world

SIGN_IN = {"email": "viewer@example.org", "password": PASSWORD}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_a_form_of_another_site_changes_nothing(here: World, site: str) -> None:
    browser = here.browser("viewer")
    refused = browser.post("/account/profile", data={"name": "Mallory"}, headers={"sec-fetch-site": site})
    assert refused.status_code == 403
    assert refused.headers["content-type"] == "application/problem+json"
    assert "Mallory" not in browser.get("/account").text
    assert browser.post("/account/profile", data={"name": "Alice"}).status_code == 303
    assert "Alice" in browser.get("/account").text


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8000", 303),
        ("https://127.0.0.1:8000", 403),
        ("http://127.0.0.1:8001", 403),
        ("http://127.0.0.1:8000.evil.example", 403),
        ("http://evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_a_browser_without_fetch_metadata_is_told_by_its_origin(here: World, origin: str, status: int) -> None:
    browser = here.browser("viewer")
    del browser.headers["sec-fetch-site"]
    answer = browser.post("/account/profile", data={"name": "Alice"}, headers={"origin": origin})
    assert answer.status_code == status


def test_a_cookie_without_any_word_of_its_origin_is_refused(here: World) -> None:
    browser = here.browser("viewer")
    del browser.headers["sec-fetch-site"]
    assert browser.post("/account/profile", data={"name": "Alice"}).status_code == 403


def test_signing_somebody_in_from_another_site_is_refused(here: World) -> None:
    answer = here.browser().post("/sign-in", data=SIGN_IN, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_token_beside_a_cookie_does_not_excuse_a_forged_request(here: World) -> None:
    browser = here.browser("viewer")
    text = here.token("read").text
    forged = {"authorization": f"Bearer {text}", "sec-fetch-site": "cross-site"}
    assert browser.post("/account/profile", data={"name": "Mallory"}, headers=forged).status_code == 403


def test_a_program_with_a_token_and_no_cookie_needs_no_origin(here: World) -> None:
    answer = here.program(here.token("ingest").text).post("/api/v1/runs", json={})
    assert answer.status_code == 422, "it came as far as the body"


def test_no_page_changes_anything_when_it_is_fetched(here: World) -> None:
    browser = here.browser("admin")
    for path in ("/sign-out", "/account/password", "/account/sessions/end", "/account/tokens", "/admin/users/x/state"):
        assert browser.get(path).status_code in (404, 405), path


@pytest.mark.parametrize("secure", [False, True])
def test_the_cookie_of_a_session(tmp_path: Path, secure: bool) -> None:
    with world(tmp_path, secure=secure) as made:
        cookie = made.browser().post("/sign-in", data=SIGN_IN).headers["set-cookie"]
    name, *attributes = (part.strip() for part in cookie.split(";"))
    assert name.partition("=")[0] == ("__Host-lichen" if secure else "lichen_session")
    wanted = {"HttpOnly", "SameSite=lax", "Path=/"} | ({"Secure"} if secure else set())
    assert wanted <= set(attributes)
    assert ("Secure" in attributes) == secure
    assert not any(part.startswith("Domain") for part in attributes)
