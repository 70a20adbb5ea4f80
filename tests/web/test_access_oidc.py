# SPDX-License-Identifier: Apache-2.0
"""Signing in with an identity provider that listens on this machine: real requests, real signatures, and what a bad one tries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.testclient import TestClient
from tests.web.access_support import World, world
from tests.web.oidc_support import (
    SECRET,
    IdentityProvider,
    provider,
    signed_by_another_key,
    signed_by_the_public_key,
    unsigned,
)

from lichen.config.serving import Oidc
from lichen.errors import ConfigError
from lichen.outputs.web.oidc import Provider
from lichen.service import accounts
from lichen.store.models import AuditEvent, User

CALLBACK = "/sign-in/oidc/callback"


@pytest.fixture
def idp(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityProvider]:
    monkeypatch.setenv("TEST_CLIENT_SECRET", SECRET)
    with provider() as made:
        yield made


@pytest.fixture
def here(tmp_path: Path, idp: IdentityProvider) -> Iterator[World]:
    with world(
        tmp_path, oidc={"issuer": idp.issuer, "client_secret_env": "TEST_CLIENT_SECRET", "name": "Our Login"}
    ) as made:
        yield made


def begin(browser: TestClient, target: str = "/account") -> str:
    """Address that the provider sends the browser back to, below this server."""
    sent = browser.get("/sign-in/oidc", params={"next": target})
    assert sent.status_code == 303
    back = httpx2.get(sent.headers["location"]).headers["location"]
    assert back.startswith("http://127.0.0.1:8000" + CALLBACK)
    return back.removeprefix("http://127.0.0.1:8000")


def users(here: World) -> list[tuple[str, str | None]]:
    with here.context.store.reading() as session:
        return [(user.email, user.oidc_subject) for user in session.query(User).order_by(User.email)]


def test_somebody_new_gets_an_account_that_sees_nothing_yet(here: World, idp: IdentityProvider) -> None:
    browser = here.browser()
    assert "Our Login" in browser.get("/sign-in").text
    answer = browser.get(begin(browser))
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert ("ada@example.org", f"{idp.issuer}#42") in users(here)
    with here.context.store.reading() as session:
        person = accounts.person_of(session, session.query(User).filter_by(email="ada@example.org").one())
    assert (person.name, person.is_admin, person.roles) == ("Ada", False, {})
    assert "ada@example.org" in browser.get("/account").text


def test_coming_again_is_the_same_account_whatever_the_address_is_now(here: World, idp: IdentityProvider) -> None:
    first = here.browser()
    first.get(begin(first))
    before = users(here)
    idp.person = {"sub": "42", "email": "countess@example.org", "email_verified": True}
    second = here.browser()
    assert second.get(begin(second)).status_code == 303
    assert users(here) == before
    assert "ada@example.org" in second.get("/account").text


def test_an_account_that_an_administrator_made_is_found_by_its_address(here: World, idp: IdentityProvider) -> None:
    idp.person = {"sub": "7", "email": "Editor@example.org", "email_verified": True}
    browser = here.browser()
    assert browser.get(begin(browser)).status_code == 303
    assert ("editor@example.org", f"{idp.issuer}#7") in users(here)
    assert (
        browser.post("/account/tokens", data={"name": "x", "scope": "ingest", "reach": "", "days": "1"}).status_code
        == 200
    )


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_address_that_the_provider_does_not_vouch_for_opens_nothing(
    here: World, idp: IdentityProvider, verified: object
) -> None:
    idp.person = {"sub": "666", "email": "admin@example.org", "email_verified": verified}
    browser, before = here.browser(), users(here)
    assert browser.get(begin(browser)).status_code == 403
    assert users(here) == before


def test_an_account_belongs_to_one_subject(here: World, idp: IdentityProvider) -> None:
    first = here.browser()
    first.get(begin(first))
    idp.person = {**idp.person, "sub": "43"}
    second = here.browser()
    assert second.get(begin(second)).status_code == 403
    assert second.get("/account").status_code == 303


def test_a_disabled_account_stays_out(here: World) -> None:
    first = here.browser()
    first.get(begin(first))
    with here.context.store.session() as session:
        user = session.query(User).filter_by(email="ada@example.org").one()
        accounts.set_active(session, user.id, False, by=here.by)
    assert first.get("/account").status_code == 303
    assert first.get(begin(first)).status_code == 403


def test_accounts_may_be_made_by_administrators_alone(tmp_path: Path, idp: IdentityProvider) -> None:
    keys = {"issuer": idp.issuer, "client_secret_env": "TEST_CLIENT_SECRET", "create_accounts": False}
    with world(tmp_path, oidc=keys) as made:
        browser = made.browser()
        assert browser.get(begin(browser)).status_code == 403
        idp.person = {"sub": "7", "email": "editor@example.org", "email_verified": True}
        assert browser.get(begin(browser)).status_code == 303


def _past(claims: dict[str, Any]) -> None:
    claims.update(iat=claims["iat"] - 7200, exp=claims["exp"] - 7200)


FAULTS = {
    "another nonce": lambda claims: claims.update(nonce="x"),
    "no nonce": lambda claims: claims.pop("nonce"),
    "another audience": lambda claims: claims.update(aud="another"),
    "another issuer": lambda claims: claims.update(iss="https://evil.example"),
    "expired": _past,
    "from the future": lambda claims: claims.update(iat=claims["iat"] + 7200),
    "no subject": lambda claims: claims.pop("sub"),
    "empty subject": lambda claims: claims.update(sub=""),
    "no expiry": lambda claims: claims.pop("exp"),
    "for two, bought by another": lambda claims: claims.update(aud=["lichen", "another"], azp="another"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_token_whose_claims_do_not_hold_opens_nothing(here: World, idp: IdentityProvider, fault: str) -> None:
    idp.change = FAULTS[fault]
    browser, before = here.browser(), users(here)
    assert browser.get(begin(browser)).status_code == 401
    assert browser.get("/account").status_code == 303
    assert users(here) == before


@pytest.mark.parametrize("sign", [unsigned, signed_by_another_key, signed_by_the_public_key, lambda _: "no token"])
def test_a_token_that_the_provider_did_not_sign_opens_nothing(here: World, idp: IdentityProvider, sign: Any) -> None:
    idp.sign = sign
    browser = here.browser()
    assert browser.get(begin(browser)).status_code == 401
    assert browser.get("/account").status_code == 303


def test_an_answer_works_once_and_in_the_browser_that_began(here: World) -> None:
    browser, other = here.browser(), here.browser()
    back = begin(browser)
    assert other.get(back).status_code == 400, "it began nothing"
    begin(other)
    assert other.get(back).status_code == 401, "it began another one"
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 400, "the beginning is forgotten"


@pytest.mark.parametrize(
    "change",
    [
        {"state": "x"},
        {"state": None},
        {"code": None},
        {"code": "x"},
        {"iss": "https://evil.example"},
        {"error": "access_denied"},
    ],
)
def test_an_answer_that_was_changed_opens_nothing(here: World, change: dict[str, str | None]) -> None:
    browser = here.browser()
    query = {key: values[0] for key, values in parse_qs(urlsplit(begin(browser)).query).items()}
    changed = {key: value for key, value in {**query, **change}.items() if value is not None}
    assert browser.get(CALLBACK, params=changed).status_code == 401
    assert browser.get("/account").status_code == 303


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_the_way_back_leads_nowhere_else(here: World, target: str) -> None:
    browser = here.browser()
    assert browser.get(begin(browser, target)).headers["location"] == "/"


@pytest.mark.parametrize(
    "publish",
    [
        lambda document: document.update(issuer="https://evil.example"),
        lambda document: document.update(token_endpoint="http://192.0.2.1/token"),
        lambda document: document.pop("jwks_uri"),
        lambda document: document.clear(),
    ],
)
def test_a_provider_that_publishes_what_does_not_hold_is_not_followed(
    here: World, idp: IdentityProvider, publish: Any
) -> None:
    idp.publish = publish
    answer = here.browser().get("/sign-in/oidc")
    assert answer.status_code == 502
    assert "Our Login" in answer.text


def test_a_provider_that_is_away_is_told_and_passwords_still_work(tmp_path: Path) -> None:
    with world(tmp_path, oidc={"issuer": "http://127.0.0.1:9"}) as made:
        answer = made.browser().get("/sign-in/oidc")
        assert answer.status_code == 502
        assert "127.0.0.1 does not answer" in answer.text
        assert made.browser("viewer").get("/account").status_code == 200


def test_without_a_provider_nobody_is_called(tmp_path: Path) -> None:
    with world(tmp_path) as made:
        assert made.browser().get("/sign-in/oidc").status_code == 404
        assert made.browser().get(CALLBACK).status_code == 400


def test_a_provider_without_tls_elsewhere_is_refused() -> None:
    for issuer in ("http://login.example.org", "http://10.0.0.1", "ftp://127.0.0.1"):
        with pytest.raises(ConfigError, match="without TLS"):
            Provider(Oidc(issuer=issuer), redirect_uri="http://127.0.0.1:8000" + CALLBACK)


def test_a_secret_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_SECRET", raising=False)
    with pytest.raises(ConfigError, match="NO_SUCH_SECRET"):
        Provider(Oidc(issuer="https://login.example.org", client_secret_env="NO_SUCH_SECRET"), redirect_uri="x")


def test_discovery_is_read_once_and_refusals_are_in_the_log(here: World, idp: IdentityProvider) -> None:
    for _ in range(2):
        browser = here.browser()
        browser.get(begin(browser))
    assert idp.seen.count("/.well-known/openid-configuration") == 1
    idp.change = FAULTS["another nonce"]
    browser = here.browser()
    browser.get(begin(browser))
    with here.context.store.reading() as session:
        last = session.query(AuditEvent).order_by(AuditEvent.seq.desc()).first()
        assert last is not None
        assert (last.action, last.detail) == ("session.refuse", {"cause": "unsound"})
