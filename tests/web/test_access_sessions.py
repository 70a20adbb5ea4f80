# SPDX-License-Identifier: Apache-2.0
"""Passwords, sessions and links that work once."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.web.access_support import PASSWORD, World, world

from lichen.errors import UsageError
from lichen.service import accounts
from lichen.service.accounts import passwords
from lichen.store.models import User, WebSession

COOKIE = "lichen_session"
NEW = "another lichen on a stone"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def signed_in(browser: TestClient) -> bool:
    answer = browser.get("/account")
    assert answer.status_code in (200, 303)
    return answer.status_code == 200


def sign_in(browser: TestClient, email: str, password: str, **fields: str) -> int:
    return browser.post("/sign-in", data={"email": email, "password": password, **fields}).status_code


def test_a_password_is_kept_as_argon2id(here: World) -> None:
    with here.context.store.session() as session:
        user_id = accounts.add_user(session, email="New@Example.org", password=NEW, by=here.by).id
    with here.context.store.reading() as session:
        kept = session.get_one(User, user_id)
        assert kept.email == "new@example.org"
        assert re.fullmatch(r"\$argon2id\$v=19\$m=19456,t=2,p=1\$[^$]{22}\$[^$]{43}", str(kept.password_hash))
    assert sign_in(here.browser(), " NEW@example.org ", NEW) == 303
    assert sign_in(here.browser(), "new@example.org", NEW.upper()) == 401


@pytest.mark.parametrize(
    "password",
    [
        "",
        "1234567",
        "12345678",
        "Password1",
        "aaaaaaaaaa",
        "lichen2026!",
        "viewer@example.org",
        "Marguerite",
        "x" * 257,
    ],
)
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(UsageError, match="password"):
        passwords.check_strength(password, known=("viewer@example.org", "Marguerite Duras"))


@pytest.mark.parametrize(
    "password", ["8 chars!", "pass phrase with spaces", "œufs à la coque", "x1y" * 80, "密码密码密码不容易"]
)
def test_every_other_password_is_taken_whole(password: str) -> None:
    passwords.check_strength(password)
    stored = passwords.hash_password(password)
    assert passwords.matches(password, stored)
    assert not passwords.matches(password[:-1], stored)
    assert not passwords.matches(password + " ", stored)


def test_a_hash_of_another_cost_is_renewed_at_the_next_sign_in(here: World) -> None:
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    with here.context.store.session() as session:
        session.get_one(User, here.users["viewer"]).password_hash = weak
    assert sign_in(here.browser(), "viewer@example.org", PASSWORD) == 303
    with here.context.store.reading() as session:
        assert "m=19456" in str(session.get_one(User, here.users["viewer"]).password_hash)


def test_an_unknown_address_costs_the_same_work(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str | None] = []
    real = passwords.matches
    monkeypatch.setattr(passwords, "matches", lambda given, stored: checked.append(stored) or real(given, stored))
    browser = here.browser()
    assert sign_in(browser, "nobody@example.org", PASSWORD) == 401
    assert sign_in(browser, "no address", PASSWORD) == 401
    assert checked == [None, None], "a hash was computed although there is no account"


def test_an_account_without_a_password_takes_none(here: World) -> None:
    with here.context.store.session() as session:
        session.get_one(User, here.users["viewer"]).password_hash = None
    for guess in ("", PASSWORD, "an account that does not exist"):
        assert sign_in(here.browser(), "viewer@example.org", guess) == 401


def test_guessing_is_slowed_down_for_the_account_and_forgotten_with_time(here: World) -> None:
    answers = [
        here.browser(host=f"192.0.2.{guess}").post(
            "/sign-in", data={"email": "Viewer@example.org", "password": f"guess {guess}"}
        )
        for guess in range(8)
    ]
    assert [answer.status_code for answer in answers] == [401] * 6 + [429] * 2
    assert answers[-1].headers["retry-after"] == "60"
    right = here.browser(host="192.0.2.99")
    assert sign_in(right, "viewer@example.org", PASSWORD) == 429, "even the right one waits"
    assert sign_in(right, "editor@example.org", PASSWORD) == 303, "others do not"
    here.clock.move(seconds=60)
    assert sign_in(right, "viewer@example.org", PASSWORD) == 303
    assert sign_in(here.browser(host="192.0.2.1"), "viewer@example.org", "again") == 401, "a success empties the count"


def test_guessing_many_accounts_is_slowed_down_for_the_address(here: World) -> None:
    browser = here.browser(host="192.0.2.1")
    statuses = [sign_in(browser, f"user{number}@example.org", "guess") for number in range(26)]
    assert statuses == [401] * 24 + [429] * 2
    assert sign_in(here.browser(host="192.0.2.2"), "viewer@example.org", PASSWORD) == 303


def test_guesses_that_come_at_once_are_no_more_than_those_in_turn(here: World) -> None:
    with ThreadPoolExecutor(12) as pool:
        statuses = list(
            pool.map(lambda guess: sign_in(here.browser(), "viewer@example.org", f"guess {guess}"), range(12))
        )
    assert sorted(statuses) == [401] * 6 + [429] * 6


def test_the_store_keeps_no_secret_of_a_session(here: World) -> None:
    browser = here.browser("viewer")
    secret = browser.cookies[COOKIE]
    assert len(secret) >= 43, "256 bits"
    with sqlite3.connect(here.context.store.shown) as database:
        assert secret not in "\n".join(database.iterdump())


def test_signing_in_gives_a_new_session_and_ends_the_old_one(here: World) -> None:
    browser = here.browser("viewer")
    first = browser.cookies[COOKIE]
    assert sign_in(browser, "viewer@example.org", PASSWORD) == 303
    assert browser.cookies[COOKIE] != first
    old = here.browser()
    old.cookies.set(COOKIE, first)
    assert not signed_in(old)


def test_a_session_prepared_by_somebody_else_is_not_taken_up(here: World) -> None:
    browser = here.browser()
    browser.cookies.set(COOKIE, "chosen-by-mallory")
    assert not signed_in(browser)
    answer = browser.post("/sign-in", data={"email": "viewer@example.org", "password": PASSWORD})
    given = re.match(rf"{COOKIE}=([^;]+)", answer.headers["set-cookie"])
    assert given is not None
    assert given[1] != "chosen-by-mallory"


def test_signing_out_ends_the_session_in_the_store(here: World) -> None:
    browser = here.browser("viewer")
    secret = browser.cookies[COOKIE]
    assert browser.post("/sign-out").status_code == 303
    again = here.browser()
    again.cookies.set(COOKIE, secret)
    assert not signed_in(again)
    assert browser.post("/sign-out").status_code == 303


@pytest.mark.parametrize("how", ["idle", "old", "disabled", "password", "role of administrator", "others ended"])
def test_a_session_ends(here: World, how: str) -> None:
    browser, other = here.browser("editor"), here.browser("editor")
    assert signed_in(browser)
    if how == "idle":
        here.clock.move(hours=11, minutes=59)
        assert signed_in(browser)
        here.clock.move(hours=12)
    elif how == "old":
        for _ in range(7 * 24 - 1):
            here.clock.move(hours=1)
            assert signed_in(browser)
        here.clock.move(hours=1)
    elif how == "disabled":
        with here.context.store.session() as session:
            accounts.set_active(session, here.users["editor"], False, by=here.by)
    elif how == "password":
        form = {"current": PASSWORD, "password": NEW, "again": NEW}
        assert other.post("/account/password", data=form).status_code == 303
        assert signed_in(other), "the browser that changed it goes on"
    elif how == "role of administrator":
        with here.context.store.session() as session:
            accounts.set_admin(session, here.users["editor"], True, by=here.by)
    else:
        assert other.post("/account/sessions/end").status_code == 303
        assert signed_in(other)
    assert not signed_in(browser)


def test_a_clock_set_back_keeps_no_session_alive(here: World) -> None:
    browser = here.browser("viewer")
    here.clock.move(hours=-1)
    assert not signed_in(browser)
    here.clock.move(hours=1)
    assert signed_in(browser)


def test_sessions_that_are_over_are_swept_out(here: World) -> None:
    here.browser("viewer")
    here.clock.move(days=8)
    here.browser("editor")
    with here.context.store.reading() as session:
        assert [found.user_id for found in session.query(WebSession)] == [here.users["editor"]]


def test_a_password_is_changed_only_with_the_present_one(here: World) -> None:
    browser = here.browser("viewer")
    wrong = {"current": "not it", "password": NEW, "again": NEW}
    assert [browser.post("/account/password", data=wrong).status_code for _ in range(7)] == [422] * 6 + [429]
    here.clock.move(minutes=10)
    differs = {"current": PASSWORD, "password": NEW, "again": NEW + "!"}
    weak = {"current": PASSWORD, "password": "short", "again": "short"}
    assert [browser.post("/account/password", data=form).status_code for form in (differs, weak)] == [422, 422]
    assert sign_in(here.browser(), "viewer@example.org", PASSWORD) == 303


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
        "javascript:alert(1)", "http:evil.example", "/%0d%0aSet-Cookie:x=y\r\nx: y", "evil.example", "", "///evil.example",
    ],
)  # fmt: skip
def test_signing_in_never_leads_elsewhere(here: World, target: str) -> None:
    form = {"email": "viewer@example.org", "password": PASSWORD, "next": target}
    answer = here.browser().post("/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_signing_in_leads_where_one_wanted_to_go(here: World) -> None:
    browser = here.browser()
    asked = browser.get("/account?done=profile&x=a b")
    assert asked.headers["location"] == "/sign-in?next=%2Faccount%3Fdone%3Dprofile%26x%3Da%2520b"
    shown = browser.get(asked.headers["location"]).text
    assert 'name="next" value="/account?done=profile&amp;x=a%20b"' in shown
    form = {"email": "viewer@example.org", "password": PASSWORD, "next": "/account?done=profile"}
    assert browser.post("/sign-in", data=form).headers["location"] == "/account?done=profile"


# -- Links that work once --------------------------------------------------------------------------------------------------


def no_administrator(here: World) -> None:
    with here.context.store.session() as session:
        session.delete(session.get_one(User, here.users["admin"]))


def test_the_first_start_gives_a_link_that_works_once(here: World) -> None:
    assert not accounts.needs_link(here.context.store)
    no_administrator(here)
    assert accounts.needs_link(here.context.store)
    link = accounts.one_time_link(here.context.store, here.context.base_url, now=here.clock())
    path, code = link.removeprefix(here.context.base_url).split("?code=")
    browser = here.browser()
    assert [browser.get(f"{path}?code={code}").status_code for _ in range(2)] == [200, 200], (
        "fetching does not use it up"
    )
    assert browser.post(path, data={"code": code}).status_code == 303
    assert "admin@localhost" in browser.get("/account").text
    assert browser.get("/admin/users").status_code == 200
    assert here.browser().post(path, data={"code": code}).status_code == 401
    assert accounts.needs_link(here.context.store), "until the administrator has a way to come back"
    assert browser.post("/account/password", data={"password": NEW, "again": NEW}).status_code == 303
    assert not accounts.needs_link(here.context.store)


def test_two_who_use_the_link_at_once_are_not_both_signed_in(here: World) -> None:
    link = accounts.one_time_link(here.context.store, here.context.base_url, now=here.clock())
    code = link.partition("code=")[2]
    with ThreadPoolExecutor(4) as pool:
        statuses = list(
            pool.map(lambda _: here.browser().post("/sign-in/once", data={"code": code}).status_code, range(4))
        )
    assert sorted(statuses) == [303, 401, 401, 401]


def test_the_link_ends_after_a_quarter_of_an_hour_and_by_another_one(here: World) -> None:
    def code() -> str:
        return accounts.one_time_link(here.context.store, here.context.base_url, now=here.clock()).partition("code=")[2]

    first, second = code(), code()
    assert here.browser().post("/sign-in/once", data={"code": first}).status_code == 401
    here.clock.move(minutes=15)
    assert here.browser().post("/sign-in/once", data={"code": second}).status_code == 401
    third = code()
    here.clock.move(minutes=-30)
    assert here.browser().post("/sign-in/once", data={"code": third}).status_code == 401, (
        "made by a clock that ran ahead"
    )


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("192.0.2.7", {}),
        ("127.0.0.1", {"x-forwarded-for": "192.0.2.7"}),
        ("127.0.0.1", {"forwarded": "for=192.0.2.7"}),
        ("127.0.0.1", {"host": "rebound.example:8000"}),
    ],
)
def test_the_link_works_on_this_machine_alone(here: World, address: str, headers: dict[str, str]) -> None:
    link = accounts.one_time_link(here.context.store, here.context.base_url, now=here.clock())
    code = link.partition("code=")[2]
    assert here.browser(host=address).post("/sign-in/once", data={"code": code}, headers=headers).status_code == 403
    assert here.browser(host="::1").post("/sign-in/once", data={"code": code}).status_code == 303, "it still stands"


def test_an_invitation_lets_its_owner_alone_choose_a_password(here: World) -> None:
    admin = here.browser("admin")
    made = admin.post("/admin/users", data={"email": "new@example.org", "name": "New"})
    found = re.search(r"/sign-in/welcome\?code=([\w-]+)", made.text)
    assert found is not None
    code = found[1]
    assert code not in admin.get("/admin/users").text
    browser = here.browser()
    assert browser.get(found[0]).status_code == 200
    assert browser.post("/sign-in/welcome", data={"code": code, "password": "weak"}).status_code == 422
    assert browser.post("/sign-in/welcome", data={"code": code, "password": NEW}).status_code == 303
    assert signed_in(browser)
    assert here.browser().post("/sign-in/welcome", data={"code": code, "password": NEW}).status_code == 401
    assert sign_in(here.browser(), "new@example.org", NEW) == 303


def test_the_last_administrator_stays(here: World) -> None:
    admin = here.browser("admin")
    for state in ("disabled", "member"):
        assert admin.post(f"/admin/users/{here.users['admin']}/state", data={"state": state}).status_code == 422
    assert admin.post(f"/admin/users/{here.users['lead']}/state", data={"state": "admin"}).status_code == 303
    assert admin.post(f"/admin/users/{here.users['admin']}/state", data={"state": "disabled"}).status_code == 303
    assert not signed_in(admin)
