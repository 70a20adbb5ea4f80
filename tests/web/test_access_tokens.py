# SPDX-License-Identifier: Apache-2.0
"""API tokens: what they look like, what they may do, how they end."""

from __future__ import annotations

import hashlib
import re
import sqlite3
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.web.access_support import World, world
from tests.web.server_support import run

from lichen.errors import UsageError
from lichen.outputs.web import access
from lichen.service import accounts
from lichen.service.accounts import By, TokenRequest, token_text
from lichen.store.models import ApiToken

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RUNS = "/api/v1/runs"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        made.app.add_api_route("/probe", probe)
        yield made


def probe(caller: access.Reader) -> dict[str, str]:
    """A route that asks for the scope read and nothing else."""
    return {"actor": caller.actor}


def status(here: World, text: str, path: str = "/probe") -> int:
    """How a request with a token is answered."""
    return here.program(text).get(path).status_code


def test_a_token_of_known_text_has_its_checksum_by_hand() -> None:
    body = "lichen_" + "0" * 30
    value, digits = zlib.crc32(body.encode()), ""
    while value:
        digits = BASE62[value % 62] + digits
        value //= 62
    assert token_text.is_wellformed(body + digits.rjust(6, "0"))
    assert 62**6 > 2**32, "six digits hold every checksum"
    assert 62**30 > 2**178, "nobody guesses it"


def test_a_new_token_can_be_checked_without_a_server() -> None:
    found = {token_text.new_text() for _ in range(200)}
    assert len(found) == 200
    assert all(re.fullmatch(r"lichen_[0-9A-Za-z]{36}", text) and token_text.is_wellformed(text) for text in found)


@given(st.integers(7, 42), st.sampled_from(BASE62))
def test_one_wrong_character_is_noticed(place: int, sign: str) -> None:
    text = "lichen_" + "AbCdEfGhIjKlMnOpQrStUvWxYz0123"
    text += token_text._checksum(text)
    changed = text[:place] + sign + text[place + 1 :]
    assert token_text.is_wellformed(changed) == (changed == text)


@given(st.text(max_size=60))
def test_no_other_text_is_a_token(text: str) -> None:
    assert not token_text.is_wellformed(text)


def test_the_store_keeps_a_hash_alone(here: World, tmp_path: Path) -> None:
    minted = here.token("read")
    with sqlite3.connect(here.context.store.shown) as database:
        dump = "\n".join(database.iterdump())
    assert minted.text not in dump
    assert minted.text[13:] not in dump, "beyond the prefix that lists show"
    assert hashlib.sha256(minted.text.encode()).hexdigest() in dump
    assert minted.text not in repr(minted)
    assert tmp_path.exists()


def test_a_token_is_shown_once(here: World) -> None:
    browser = here.browser("editor")
    made = browser.post(
        "/account/tokens", data={"name": "pipeline", "scope": ["ingest", "read"], "reach": "", "days": "30"}
    )
    text = re.search(r"lichen_[0-9A-Za-z]{36}", made.text)
    assert made.status_code == 200
    assert text is not None
    assert "no-store" in made.headers["cache-control"]
    after = browser.get("/account").text
    assert "pipeline" in after
    assert text[0] not in after
    assert text[0][:13] in after


@pytest.mark.parametrize("end", ["revoked", "expired", "owner disabled", "owner left the team"])
def test_a_token_ends_at_once(here: World, end: str) -> None:
    minted = here.token("read", owner="editor", team="ours", days=30)
    assert status(here, minted.text) == 200
    with here.context.store.session() as session:
        if end == "revoked":
            accounts.revoke_token(session, minted.token_id, by=here.by)
        elif end == "owner disabled":
            accounts.set_active(session, here.users["editor"], False, by=here.by)
        elif end == "owner left the team":
            accounts.set_role(session, here.users["editor"], here.teams["ours"], None, by=here.by)
    if end == "expired":
        here.clock.move(days=29, hours=23, minutes=59)
        assert status(here, minted.text) == 200
        here.clock.move(minutes=1)
    answer = here.program(minted.text).get("/probe")
    assert answer.status_code == (403 if end == "owner left the team" else 401)
    assert 'error="' in answer.headers["www-authenticate"]


def test_a_revoked_token_sends_no_run_a_second_later(here: World) -> None:
    minted = here.token("ingest")
    program = here.program(minted.text)
    with program:  # one event loop, as in a server
        assert program.post(RUNS, json={}).status_code == 422, "it came as far as the body"
        with here.context.store.session() as session:
            accounts.revoke_token(session, minted.token_id, by=here.by)
        time.sleep(1.0)
        assert program.post(RUNS, json={}).status_code == 401


def test_an_ingest_token_reads_nothing(here: World) -> None:
    text = here.token("ingest").text
    readable = [
        route.path
        for route in access.routes(here.app)
        if route.rule is not None and route.rule.scope == "read" and "GET" in route.methods and "{" not in route.path
    ]
    assert readable, "there is something to read"
    for path in readable:
        answer = here.program(text).get(path)
        assert answer.status_code == 403, path
        assert "insufficient_scope" in answer.headers.get("www-authenticate", "insufficient_scope"), path


def test_a_token_reaches_its_application_alone(here: World) -> None:
    text = here.token("ingest", application="ours").text
    program = here.program(text)
    assert program.post(RUNS, json=run(1, "app-ours")).status_code == 201
    assert program.post(RUNS, json=run(2, "app-theirs")).status_code == 404
    assert program.post(RUNS, json=run(3, "app-nobodys")).status_code == 404, "nor does it make new ones"


def test_a_token_reaches_its_team_alone(here: World) -> None:
    program = here.program(here.token("ingest", owner="editor", team="ours").text)
    assert program.post(RUNS, json=run(1, "app-ours")).status_code == 201
    assert program.post(RUNS, json=run(2, "app-theirs")).status_code == 404


def test_a_token_makes_no_token(here: World) -> None:
    every = here.token("ingest", "read", "write", "admin").text
    form = {"name": "second", "scope": "read", "reach": "", "days": "1"}
    assert here.program(every).post("/account/tokens", data=form).status_code == 403
    with here.context.store.session() as session, pytest.raises(UsageError, match="cannot make tokens"):
        accounts.mint_token(
            session, TokenRequest(name="x", scopes=frozenset({"read"})), by=By(actor="token:1", at=here.clock())
        )
    with here.context.store.reading() as session:
        assert session.query(ApiToken).count() == 1


@pytest.mark.parametrize(
    ("owner", "scopes", "reach"),
    [
        ("viewer", ("ingest",), ""),
        ("viewer", ("write",), ""),
        ("editor", ("admin",), ""),
        ("lead", ("admin",), "team:ours"),
        ("editor", ("read",), "team:theirs"),
        ("editor", ("ingest",), "application:theirs"),
        ("stranger", ("read",), "application:ours"),
    ],
)
def test_nobody_gives_what_they_do_not_have(here: World, owner: str, scopes: tuple[str, ...], reach: str) -> None:
    kind, _, code = reach.partition(":")
    place = f"{kind}:{(here.teams if kind == 'team' else here.applications)[code]}" if reach else ""
    form = {"name": "mine", "scope": list(scopes), "reach": place, "days": "30"}
    assert here.browser(owner).post("/account/tokens", data=form).status_code == 422
    with here.context.store.reading() as session:
        assert session.query(ApiToken).count() == 0


def test_the_owner_losing_a_role_narrows_the_token(here: World) -> None:
    text = here.token("ingest", "read", owner="editor", team="ours").text
    with here.context.store.session() as session:
        accounts.set_role(session, here.users["editor"], here.teams["ours"], "viewer", by=here.by)
        holder = accounts.verify_token(session, text, now=here.clock())
    assert holder is not None
    assert holder.scopes == {"read"}


def test_the_last_use_is_noted_by_the_minute(here: World) -> None:
    minted = here.token("read")

    def last_used() -> object:
        with here.context.store.reading() as session:
            return session.get_one(ApiToken, minted.token_id).last_used_at

    assert last_used() is None
    status(here, minted.text)
    first = here.clock()
    assert last_used() == first
    here.clock.move(seconds=30)
    status(here, minted.text)
    assert last_used() == first
    here.clock.move(seconds=30)
    status(here, minted.text)
    assert last_used() == here.clock()


def test_revoking_somebody_elses_token_is_told_as_an_unknown_one(here: World) -> None:
    minted = here.token("read", owner="stranger")
    editor = here.browser("editor")
    foreign, unknown = (editor.post(f"/account/tokens/{token_id}/revoke") for token_id in (minted.token_id, "0" * 32))
    assert (foreign.status_code, foreign.json()) == (404, unknown.json())
    assert here.browser("admin").post(f"/admin/tokens/{minted.token_id}/revoke").status_code == 303
    assert status(here, minted.text) == 401


@pytest.mark.parametrize("text", ["", "x", "lichen_", "é" * 20, "lichen_" + "a" * 36, "a" * 5000])
def test_what_is_no_token_is_401_whatever_it_is(here: World, text: str) -> None:
    answer = here.program().get("/probe", headers={"authorization": f"Bearer {text}".encode()})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="lichen", error="invalid_token"'
    assert not text or len(text) < 8 or text not in answer.text
