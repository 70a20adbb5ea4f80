# SPDX-License-Identifier: Apache-2.0
"""The audit log: what is told, what never is, and that nobody rewrites it."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.access_support import PASSWORD, World, world

from lichen.service import accounts
from lichen.service.accounts import By
from lichen.store.models import AuditEvent

HOSTILE = "<script>alert(1)</script>\r\n2026-01-01 user:admin session.open \x1b[31m\u202e\u2028" + "x" * 10_000


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def told(here: World) -> list[AuditEvent]:
    with here.context.store.reading() as session:
        return list(session.query(AuditEvent).order_by(AuditEvent.seq))


def test_who_did_what_when_and_from_where(here: World) -> None:
    before = len(told(here))
    here.clock.move(minutes=5)
    admin = here.browser("admin", host="192.0.2.7")
    editor = here.users["editor"]
    admin.post(f"/admin/users/{editor}/role", data={"team": here.teams["theirs"], "role": "viewer"})
    admin.post(f"/admin/users/{editor}/state", data={"state": "disabled"})
    admin.post("/account/tokens", data={"name": "board", "scope": "read", "reach": "", "days": "30"})
    here.browser(host="192.0.2.8").post("/sign-in", data={"email": "editor@example.org", "password": PASSWORD})
    admin.post("/sign-out")
    events = told(here)[before:]
    actor = f"user:{here.users['admin']}"
    assert [(event.actor, event.action, event.address) for event in events] == [
        (actor, "session.open", "192.0.2.7"),
        (actor, "user.role", "192.0.2.7"),
        (actor, "user.disable", "192.0.2.7"),
        (actor, "token.mint", "192.0.2.7"),
        ("anonymous", "session.refuse", "192.0.2.8"),
        (actor, "session.close", "192.0.2.7"),
    ]
    assert {event.at for event in events} == {here.clock()}
    assert events[1].detail == {"team": here.teams["theirs"], "before": None, "after": "viewer"}
    assert events[2].subject_id == editor
    assert events[3].detail["scopes"] == ["read"]


@pytest.mark.parametrize("change", ["UPDATE audit_event SET actor = 'nobody'", "DELETE FROM audit_event"])
def test_nobody_rewrites_it(here: World, change: str) -> None:
    assert told(here)
    with sqlite3.connect(here.context.store.shown) as database, pytest.raises(sqlite3.DatabaseError):
        database.execute(change)


def test_a_hostile_text_forges_no_line_and_fills_no_page(here: World) -> None:
    with here.context.store.session() as session:
        accounts.note(
            session, By(actor="anonymous", at=here.clock()), "session.refuse", "email", HOSTILE, {"name": HOSTILE}
        )
    event = told(here)[-1]
    for text in (event.subject_id, event.detail["name"]):
        assert len(text) == 300
        assert text.isprintable()
    page = here.browser("admin").get("/admin/audit").text
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\u202e" not in page


def test_the_log_is_read_page_by_page(here: World) -> None:
    with here.context.store.session() as session:
        for number in range(120):
            accounts.note(session, here.by, "session.refuse", "email", f"guess {number}")
    admin = here.browser("admin")
    seen: list[int] = []
    following: str | None = ""
    while following is not None:
        answer = admin.get("/admin/audit.json" + (f"?before={following}" if following else "")).json()
        seen += [item["seq"] for item in answer["items"]]
        following = answer["next"]
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == len(seen) == len(told(here))
    assert admin.get("/admin/audit?before=0").status_code == 422
    assert admin.get("/admin/audit?before=x").status_code == 422


def test_secrets_are_in_no_log_no_message_and_no_row(here: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = {
        "password": "canary-password-1",
        "wrong": "canary-password-2",
        "bearer": "lichen_" + "C" * 36,
        "code": "canary-code-4",
    }
    answers = []
    admin = here.browser("admin")
    form = {"current": PASSWORD, "password": canaries["password"], "again": canaries["password"]}
    answers.append(admin.post("/account/password", data=form))
    canaries["cookie"] = admin.cookies["lichen_session"]
    browser = here.browser()
    answers += [
        browser.post("/sign-in", data={"email": "admin@example.org", "password": canaries["wrong"]}),
        browser.post("/sign-in/once", data={"code": canaries["code"]}),
        browser.post("/sign-in/welcome", data={"code": canaries["code"], "password": canaries["password"]}),
        browser.get("/sign-in/oidc/callback", params={"code": canaries["code"], "state": "x"}),
        here.program(canaries["bearer"]).get("/account"),
        admin.get("/account"),
        admin.get("/admin/users.json"),
        admin.get("/admin/tokens.json"),
        admin.get("/admin/audit.json"),
    ]
    minted = admin.post("/account/tokens", data={"name": "board", "scope": "read", "reach": "", "days": "30"})
    found = re.search(r"lichen_\w{36}", minted.text)
    assert found is not None
    canaries["minted"] = found[0]
    answers.append(admin.get("/account"))
    with sqlite3.connect(here.context.store.shown) as database:
        kept = "\n".join(database.iterdump())
    shown = "\n".join(answer.text for answer in answers)
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name != "httpx2")  # the browser's own
    for name, canary in canaries.items():
        assert canary not in kept, name
        assert canary not in shown, name
        assert canary not in logged, name
    assert "argon2" in kept
    assert "argon2" not in shown
