# SPDX-License-Identifier: Apache-2.0
"""Deployments and marks that pipelines tell, and the histories and alerts that programs read."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient
from tests.web.access_support import World, declare, measure, world

from lichen.service import alerts, history_watch
from lichen.service.alerts import Finding, Findings
from lichen.service.history_watch.readings import PREFIX
from lichen.store.models import AuditEvent, ChangePoint, Deployment, Journey, Setting

AT = "2026-02-01T10:00:00+01:00"
TOLD = {"application": "app-ours", "version": "1.2", "environment": "production", "commit": "abc123", "at": AT}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


@pytest.fixture
def pipeline(here: World) -> TestClient:
    return here.program(here.token("ingest", owner="editor", team="ours").text)


def deployments(here: World) -> list[Deployment]:
    with here.context.store.reading() as session:
        return list(session.scalars(select(Deployment)))


def test_a_deployment_is_told_once(here: World, pipeline: TestClient) -> None:
    first, again = (pipeline.post("/api/v1/deployments", json=TOLD) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["at"] == "2026-02-01T09:00:00+00:00"
    assert [(one.version, one.commit) for one in deployments(here)] == [("1.2", "abc123")]
    other = pipeline.post("/api/v1/deployments", json={**TOLD, "environment": "test"})
    assert other.status_code == 201
    with here.context.store.reading() as session:
        events = session.scalars(select(AuditEvent).where(AuditEvent.action == "deployment.record")).all()
    assert len(events) == 2
    listed = here.browser("viewer").get("/api/v1/deployments?limit=1").json()
    assert [one["application"] for one in listed["items"]] == ["app-ours"]
    rest = here.browser("viewer").get(f"/api/v1/deployments?cursor={listed['next']}").json()
    assert {listed["items"][0]["environment"], rest["items"][0]["environment"]} == {"production", "test"}
    assert rest["next"] is None
    assert here.browser("stranger").get("/api/v1/deployments").json()["items"] == []
    assert here.browser("stranger").get("/api/v1/deployments?application=app-ours").status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "culprit"),
    [
        ({**TOLD, "application": "app-theirs"}, 404, ""),
        ({**TOLD, "application": "nothing"}, 404, ""),
        ({"application": "app-ours"}, 422, "version"),
        ({**TOLD, "at": "2026-02-01T10:00:00"}, 422, "at"),
        ({**TOLD, "at": "2999-02-01T10:00:00Z"}, 422, "at"),
        ({**TOLD, "version": "1\u0000"}, 422, "version"),
        ({**TOLD, "version": "x" * 201}, 422, "version"),
        ({**TOLD, "link": "javascript:alert(1)"}, 422, "link"),
        ({**TOLD, "colour": "green"}, 422, "colour"),
        ([], 422, ""),
    ],
)
def test_a_wrong_deployment_is_refused(here: World, pipeline: TestClient, body: Any, status: int, culprit: str) -> None:
    answer = pipeline.post("/api/v1/deployments", json=body)
    assert answer.status_code == status
    problem = answer.json()
    assert problem["detail"]
    assert culprit in problem["culprit"]
    assert deployments(here) == []


def test_a_mark_of_all_applications_is_made_by_administrators(here: World, pipeline: TestClient) -> None:
    mark = {"kind": "browser", "text": "Chromium 157", "at": AT}
    assert pipeline.post("/api/v1/marks", json=mark).status_code == 404
    mine = pipeline.post("/api/v1/marks", json={**mark, "application": "app-ours"})
    assert mine.status_code == 201
    everywhere = here.program(here.token("ingest").text)
    assert [everywhere.post("/api/v1/marks", json=mark).status_code for _ in range(2)] == [201, 200]
    seen = here.browser("viewer").get("/api/v1/marks?application=app-ours").json()["items"]
    assert sorted(one["application"] for one in seen) == ["", "app-ours"]
    assert [one["application"] for one in here.browser("stranger").get("/api/v1/marks").json()["items"]] == [""]
    assert here.browser("stranger").get("/api/v1/marks?application=app-ours").status_code == 404


def test_histories_and_alerts_are_seen_by_their_team(here: World, pipeline: TestClient) -> None:
    measure(here, "ours")
    pipeline.post("/api/v1/deployments", json=TOLD)
    history_watch.evaluate(here.context)
    view = here.browser("viewer").get("/api/v1/applications/app-ours/history").json()
    assert view["changes"] == []
    assert here.browser("stranger").get("/api/v1/applications/app-ours/history").status_code == 404
    wrong = [
        Finding(rule="data_stopped", key="data/1", application_id=here.applications["ours"], value=30.0, limit=21.0),
        Finding(rule="channel_dead", key="channel/pay", detail={"subject": "pay"}),
    ]
    alerts.turn(here.context, Findings({one.key: one for one in wrong}))
    rows = here.browser("viewer").get("/api/v1/alerts").json()["items"]
    assert [(row["rule"], row["state"], row["application"]["code"], row["value"]) for row in rows] == [
        ("data_stopped", "firing", "app-ours", 30.0)
    ]
    assert len(here.browser("admin").get("/api/v1/alerts?state=firing").json()["items"]) == 2
    assert here.browser("admin").get("/api/v1/alerts?state=resolved").json()["items"] == []
    assert here.browser("stranger").get("/api/v1/alerts").json()["items"] == []
    assert here.browser("viewer").get("/api/v1/alerts?state=open").status_code == 422


@pytest.mark.parametrize(("lang", "word"), [("en", "Alerts"), ("fr", "Alertes")])
def test_pages_tell_people_the_same(here: World, lang: str, word: str) -> None:
    viewer = here.browser("viewer")
    empty = viewer.get(f"/alerts?lang={lang}").text
    assert word in empty
    for name in ("<script>alert(1)</script>", "1.3"):
        body = {**TOLD, "version": name, "commit": None, "at": "2026-02-02T10:00:00Z"}
        assert here.browser("editor").post("/api/v1/deployments", json=body).status_code == 201
    with here.context.store.session() as session:
        session.add(
            ChangePoint(
                application_id=here.applications["ours"], indicator="gwp100", at_day=date(2026, 2, 3), change=0.08, low=0.05,
                high=0.11, confirmed_on=date(2026, 2, 9), cause="<b>1.3</b>",
            )
        )  # fmt: skip
    finding = Finding(
        rule="change_point", key="change/1", application_id=here.applications["ours"],
        detail={"what": "gwp100", "unit": "gCO2e", "share": 0.08, "cause": "<b>1.3</b>", "since": "2026-02-03T00:00:00+00:00"},
    )  # fmt: skip
    alerts.turn(here.context, Findings({finding.key: finding}))
    pages = {path: viewer.get(f"{path}?lang={lang}") for path in ("/applications/app-ours/history", "/alerts")}
    for path, page in pages.items():
        assert page.status_code == 200, path
        assert "&lt;b&gt;1.3&lt;/b&gt;" in page.text
        assert "<b>1.3</b>" not in page.text
        assert "8" in page.text
    assert here.browser("stranger").get("/applications/app-ours/history").status_code == 404
    assert "app-ours" not in here.browser("stranger").get("/alerts").text
    assert viewer.get("/alerts.json").json()["firing"][0]["share"] == 0.08
    measure(here, "ours")
    declare(here, "ours", 1000)
    assert "/applications/app-ours/history" in viewer.get("/applications/app-ours").text


@pytest.mark.parametrize(("lang", "word"), [("en", "heavier"), ("fr", "plus lourd")])
def test_what_a_deployment_did_is_on_the_page(here: World, lang: str, word: str) -> None:
    with here.context.store.session() as session:
        application = here.applications["ours"]
        session.add(Deployment(application_id=application, version="1.3", at=datetime(2026, 2, 10, tzinfo=UTC)))
        runs = [[f"{day}", f"2026-02-{day:02}T09:00:00+00:00", "h", "1", "0.1.0", {"apply": {"gwp100": value}}]
                for day, value in [*((day, 1.0 + day / 1000) for day in range(1, 9)),
                                   *((day, 1.2 + day / 1000) for day in range(11, 19))]]  # fmt: skip
        session.add(Setting(key=f"{PREFIX}{application}", value={"pin": [], "runs": runs}))
        session.add(Journey(application_id=application, code="apply", name="Apply"))
    page = here.browser("viewer").get(f"/applications/app-ours/history?lang={lang}").text
    assert word in page
    assert "20" in page


def test_a_budget_is_set_changed_and_ended(here: World) -> None:
    measure(here, "ours")
    editor, what = here.browser("editor"), {"application": "app-ours", "what": "gwp100"}
    first = editor.put("/api/v1/budgets", json={**what, "limit": 0.25, "journey": "apply", "reason": "eco-design"})
    assert (first.status_code, first.json()["unit"]) == (200, "gCO2e")
    assert editor.put("/api/v1/budgets", json={**what, "limit": 0.2, "journey": "apply"}).json()["limit"] == 0.2
    assert editor.put("/api/v1/budgets", json={**what, "limit": 1e6, "per": "month"}).status_code == 200
    listed = here.browser("viewer").get("/api/v1/budgets").json()["items"]
    assert [(one["journey"], one["per"], one["limit"]) for one in listed] == [
        ("", "month", 1e6),
        ("apply", "visit", 0.2),
    ]
    assert here.browser("stranger").get("/api/v1/budgets").json()["items"] == []
    assert editor.put("/api/v1/budgets", json={**what, "limit": None, "journey": "apply"}).json()["limit"] is None
    assert len(here.browser("viewer").get("/api/v1/budgets").json()["items"]) == 1
    for body, status in (
        ({**what, "limit": 1.0, "journey": "nothing"}, 404),
        ({**what, "limit": 1.0, "application": "app-theirs"}, 404),
        ({**what, "limit": -1.0}, 422),
        ({**what, "limit": 1.0, "what": "nothing"}, 422),
        ({**what, "limit": 1.0, "what": "network_bytes", "per": "month"}, 422),
    ):
        assert editor.put("/api/v1/budgets", json=body).status_code == status, body
    assert here.browser("viewer").put("/api/v1/budgets", json={**what, "limit": 1.0}).status_code == 403


def signed(body: bytes, secret: str) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}", "Content-Type": "application/json"}


def test_a_webhook_is_believed_by_its_signature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, body = "/api/v1/deployments/signed", json.dumps(TOLD).encode()
    with world(tmp_path, server={"webhook_secret_env": "HOOK"}) as here:
        anybody = here.browser()
        assert anybody.post(path, content=body, headers=signed(body, "")).status_code == 422  # no secret is set
        monkeypatch.setenv("HOOK", "s3cret")
        statuses = [anybody.post(path, content=body, headers=signed(body, "s3cret")).status_code for _ in range(2)]
        assert statuses == [201, 200]
        for wrong in (
            signed(body, "another"),
            signed(b"{}", "s3cret"),
            {"X-Hub-Signature-256": "sha256=é".encode()},
            {},
        ):
            assert anybody.post(path, content=body, headers=wrong).status_code == 422  # type: ignore[arg-type]
        timeless = json.dumps({name: value for name, value in TOLD.items() if name != "at"}).encode()
        for text, status in (
            (b"{}", 422),
            (b"no", 422),
            (timeless, 422),
            (body.replace(b"app-ours", b"app-none"), 404),
        ):
            assert anybody.post(path, content=text, headers=signed(text, "s3cret")).status_code == status, text
        assert len(deployments(here)) == 1


@pytest.mark.parametrize(("lang", "more"), [("en", "1 more alert"), ("fr", "1 autre alerte")])
def test_the_page_of_a_team_shows_what_is_wrong_with_it_and_nothing_of_others(
    here: World, lang: str, more: str
) -> None:
    assert 'class="firing"' not in here.browser("viewer").get("/teams/ours").text
    wrong = [
        Finding(rule="data_stopped", key="data/1", application_id=here.applications["theirs"]),
        Finding(rule="channel_dead", key="channel/pay", detail={"subject": "pay"}),
        Finding(rule="target", key="target/team/1/gwp100", detail={"team": "ours", "what": "gwp100"}),
        Finding(rule="target", key="target/team/2/gwp100", detail={"team": "theirs", "what": "gwp100"}),
        *(
            Finding(rule="budget", key=f"budget/{number}", application_id=here.applications["ours"], detail={"what": "gwp100"})
            for number in range(4)
        ),
    ]  # fmt: skip
    alerts.turn(here.context, Findings({one.key: one for one in wrong}))
    for user in ("viewer", "admin"):
        section = _firing(here.browser(user).get(f"/teams/ours?lang={lang}").text)
        assert section.count("<li>") == 4
        assert more in section
        assert "app-theirs" not in section
    rows = alerts.listed(here.context, team="ours")
    assert sorted(row.rule for row in rows) == ["budget"] * 4 + ["target"]
    assert [row.rule for row in alerts.listed(here.context, team="theirs")].count("data_stopped") == 1


def _firing(page: str) -> str:
    return page.partition('class="firing"')[2].partition("</section>")[0]
