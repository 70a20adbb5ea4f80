# SPDX-License-Identifier: Apache-2.0
"""Channels for administrators: how they get on, what they were sent, and the button that tries one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from tests import notify_support
from tests.notify_support import Endpoint
from tests.web.access_support import World, world

from lichen.store.models import AuditEvent

TOML = """
[notify]
allow_private_hosts = ["127.0.0.1"]
[[channel]]
name = "ours"
kind = "slack"
url_env = "HOOK"
teams = ["ours"]
[[channel]]
name = "a b"
kind = "slack"
url_env = "UNSET"
"""


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    with notify_support.endpoint([200, (404, {}, "no_service")]) as found:
        monkeypatch.setenv("HOOK", found.url)
        yield found


@pytest.fixture
def here(tmp_path: Path, endpoint: Endpoint) -> Iterator[World]:
    (tmp_path / "lichen.toml").write_text(TOML, encoding="utf-8")
    with world(tmp_path) as made:
        yield made


def test_an_administrator_tries_a_channel(here: World, endpoint: Endpoint) -> None:
    admin = here.program(here.token("admin", owner="admin").text)
    told = admin.post("/api/v1/channels/ours/test")
    assert told.status_code == 200, told.text
    assert (told.json()["status"], told.json()["detail"]) == ("sent", "200")
    assert "Lichen reaches this channel" in endpoint.documents[0]["text"]
    with here.context.store.reading() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "channel.test")).one()
    assert (event.subject_kind, event.subject_id) == ("channel", "ours")
    unset = admin.post("/api/v1/channels/a%20b/test").json()
    assert unset["status"] == "dead"
    assert "The variable UNSET of the channel 'a b' is not set." in unset["detail"]
    assert admin.post("/api/v1/channels/none/test").status_code == 404
    listed = admin.get("/api/v1/deliveries?limit=1").json()
    rest = admin.get(f"/api/v1/deliveries?cursor={listed['next']}").json()
    assert rest["next"] is None
    assert {one["channel"] for one in (*listed["items"], *rest["items"])} == {"a b", "ours"}
    channels = {one["name"]: one for one in admin.get("/api/v1/channels").json()["items"]}
    assert (channels["ours"]["teams"], channels["ours"]["state"], channels["a b"]["state"]) == (
        ["ours"],
        "unused",
        "unused",
    )
    assert endpoint.url not in str(channels)


@pytest.mark.parametrize("who", ["lead", "editor", "stranger"])
def test_nobody_else_sees_or_tries_a_channel(here: World, endpoint: Endpoint, who: str) -> None:
    browser = here.browser(who)
    assert {browser.get(path).status_code for path in ("/api/v1/channels", "/api/v1/deliveries")} <= {403, 404}
    program = here.program(here.token("read", owner=who).text)
    assert program.post("/api/v1/channels/ours/test").status_code in (403, 404)
    assert endpoint.bodies == []


def test_the_page_lists_channels_and_sends_a_trial(here: World, endpoint: Endpoint) -> None:
    admin = here.browser("admin")
    page = admin.get("/channels").text
    assert page.count("Send a trial</button>") == 2
    assert "nothing sent yet" in page
    answer = admin.post("/channels", data={"channel": "ours"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/channels?done=trial")
    after = admin.get("/channels?done=trial&lang=fr").text
    assert "livré" in after
    assert len(endpoint.bodies) == 1
    with here.context.store.reading() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "channel.test")).one()
    assert event.actor == f"user:{here.users['admin']}"
    assert admin.post("/channels", data={"channel": "none"}).status_code == 404
    assert admin.get("/channels.json").json()["deliveries"][0]["status"] == "sent"


@pytest.mark.parametrize("who", ["lead", "editor", "stranger"])
def test_the_page_is_for_administrators(here: World, endpoint: Endpoint, who: str) -> None:
    browser = here.browser(who)
    assert browser.get("/channels").status_code in (403, 404)
    assert browser.post("/channels", data={"channel": "ours"}).status_code in (403, 404)
    assert endpoint.bodies == []
