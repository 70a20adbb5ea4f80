# SPDX-License-Identifier: Apache-2.0
"""The register of actions, members of teams, teams and applications that go: pages and API, and what they refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.web.access_support import World, declare, measure, world
from tests.web.test_access_names import HOSTILE, NAMES, Markup

from lichen.service import landing
from lichen.service.board import figures
from lichen.store.models import Action, Application, AuditEvent, Team, User

FORM = {"title": "Smaller pictures", "status": "planned", "do": "save"}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def events(here: World) -> list[AuditEvent]:
    with here.context.store.reading() as session:
        return list(session.query(AuditEvent).order_by(AuditEvent.seq))


def rows(here: World, model: type[Any]) -> int:
    with here.context.store.reading() as session:
        return session.query(model).count()


def new_action(client: TestClient, **fields: str) -> str:
    """Writes an action down by the page's form; its id."""
    answer = client.post("/actions/new", data=FORM | {"application": "app-ours"} | fields)
    assert answer.status_code == 303, answer.text
    found = re.fullmatch(r"/actions/([0-9a-f]{32})\?done=save", answer.headers["location"])
    assert found is not None
    return found[1]


def test_an_editor_writes_an_action_down_and_every_team_finds_it(here: World) -> None:
    editor = here.browser("editor")
    page = editor.get("/actions/new?application=app-ours").text
    assert '<option value="app-ours" selected>' in page
    assert "app-theirs" not in page
    action = new_action(
        editor, owner="Ada", started_on="2026-10-01", expected_saving="12,5", tags="pictures, caching", description="WebP",
    )  # fmt: skip
    view = editor.get(f"/actions/{action}.json").json()["action"]
    assert view["expected_saving"] == 0.125
    assert view["tags"] == ["pictures", "caching"]
    assert (view["owner"], view["status"], view["started_on"], view["done_on"]) == (
        "Ada",
        "planned",
        "2026-10-01",
        None,
    )
    stranger = here.browser("stranger")
    listed = stranger.get("/actions?search=caching ada").text
    assert "Smaller pictures" in listed
    assert action not in listed, "who does not see the application reads the entry, and opens nothing"
    assert stranger.get(f"/actions/{action}").status_code == 404
    event = next(one for one in events(here) if one.action == "action.add")
    assert (event.action, event.subject_id, event.actor) == ("action.add", action, f"user:{here.users['editor']}")


@pytest.mark.parametrize(("lang", "way"), [("en", "Portfolio › Actions ›"), ("fr", "Portefeuille › Actions ›")])
def test_the_way_back_from_an_action_leads_over_the_register(here: World, lang: str, way: str) -> None:
    crumbs = here.browser("editor").get(f"/actions/new?lang={lang}").text.partition('class="crumbs"')[2]
    nav = crumbs.partition(">")[2].partition("</nav>")[0]
    assert " ".join(re.sub(r"<[^>]+>", "", nav).split()) == way
    assert f'href="/actions?lang={lang}"' in nav


def test_done_is_done_today_and_changes_are_told(here: World) -> None:
    editor = here.browser("editor")
    action = new_action(editor)
    assert editor.post(f"/actions/{action}", data={"do": "done"}).status_code == 303
    view = editor.get(f"/actions/{action}.json").json()["action"]
    assert (view["status"], view["done_on"]) == ("done", here.clock().date().isoformat())
    changed = FORM | {"title": "Smaller pictures", "owner": "Bob", "status": "done", "done_on": "2026-10-02"}
    assert editor.post(f"/actions/{action}", data=changed).status_code == 303
    told = events(here)[-1]
    assert told.action == "action.change"
    assert told.detail == {"title": "Smaller pictures", "owner": "Bob", "done_on": "2026-10-02"}
    assert editor.post(f"/actions/{action}", data={"do": "remove"}).headers["location"] == "/actions?done=remove"
    assert events(here)[-1].action == "action.remove"
    assert rows(here, Action) == 0


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"title": " "}, "What is done is missing"),
        ({"expected_saving": "101"}, "number from 0 to 100"),
        ({"expected_saving": "nan"}, "number from 0 to 100"),
        ({"before_value": "inf"}, "The value before"),
        ({"before_value": "-1"}, "The value before"),
        ({"started_on": "2026-02-30"}, "The first day is a date"),
        ({"started_on": "2026-03-02", "done_on": "2026-03-01"}, "not before the first"),
        ({"status": "won"}, "no such status"),
        ({"indicator": "happiness"}, "no such indicator"),
        ({"application": "app-theirs"}, "no such application"),
        ({"title": "x" * 201}, "longer than 200"),
        ({"title": "a\u202eb"}, "control characters"),
        ({"tags": ",".join(["x"] * 51)}, "At most 50 tags"),
    ],
)
def test_a_wrong_field_is_told_on_the_page_and_nothing_is_kept(here: World, fields: dict[str, str], told: str) -> None:
    editor = here.browser("editor")
    answer = editor.post("/actions/new", data=FORM | {"application": "app-ours", "owner": "Ada"} | fields)
    assert answer.status_code == 422
    assert told in answer.text
    assert 'value="Ada"' in answer.text
    french = editor.post("/actions/new?lang=fr", data=FORM | {"application": "app-ours"} | fields)
    assert told not in french.text
    assert re.search(r'role="alert"[^>]*>[^<]*[éèà’ ]', french.text)
    assert rows(here, Action) == 0


@pytest.mark.parametrize("hostile", HOSTILE, ids=NAMES)
def test_hostile_texts_in_the_forms_do_no_harm(here: World, hostile: str) -> None:
    lead = here.browser("lead")
    names = (
        "title",
        "owner",
        "description",
        "status",
        "started_on",
        "indicator",
        "before_value",
        "expected_saving",
        "tags",
    )
    for name in names:
        for address in ("/actions/new", "/teams/ours/members", "/applications/app-ours/retire"):
            answer = lead.post(address, data=FORM | {"application": "app-ours", "email": hostile, name: hostile})
            assert answer.status_code in (303, 422), (address, name, answer.text[:200])
            parser = Markup()
            parser.feed(answer.text)
            assert parser.found == [], (address, name)
    for address in ("/actions", "/actions.json"):
        answer = lead.get(address)
        assert answer.status_code == 200
        if address == "/actions":
            parser = Markup()
            parser.feed(answer.text)
            assert parser.found == []
            assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", answer.text)


def test_who_may_not_change_an_action(here: World) -> None:
    action = new_action(here.browser("editor"))
    assert here.browser("viewer").post(f"/actions/{action}", data={"do": "done"}).status_code == 403
    for stranger in ("stranger", "chief"):
        assert here.browser(stranger).post(f"/actions/{action}", data={"do": "done"}).status_code in (403, 404)
    assert here.browser("chief").post(f"/actions/{action}", data={"do": "remove"}).status_code == 404
    assert here.browser().post(f"/actions/{action}", data={"do": "done"}).status_code == 401
    assert rows(here, Action) == 1


def test_programs_keep_the_register_by_the_api(here: World) -> None:
    program = here.program(here.token("read", "write", owner="editor").text)
    made = program.post(
        "/api/v1/actions", json={"application": "app-ours", "title": "Lazy loading", "expected_saving": 0.2}
    )
    assert made.status_code == 201, made.text
    action = made.json()["action_id"]
    assert made.headers["location"] == f"/api/v1/actions/{action}"
    changed = program.patch(
        f"/api/v1/actions/{action}", json={"status": "done", "done_on": "2026-10-03", "owner": None}
    )
    assert changed.json()["done_on"] == "2026-10-03"
    assert changed.json()["expected_saving"] == 0.2, "keys that are left out stay"
    assert program.get(f"/api/v1/actions/{action}").json()["action"]["title"] == "Lazy loading"
    for wrong in (
        {"title": None},
        {"expected_saving": 2},
        {"done_on": "soon"},
        {"colour": "red"},
        {"indicator": "happiness"},
    ):
        answer = program.patch(f"/api/v1/actions/{action}", json=wrong)
        assert answer.status_code == 422, wrong
        assert answer.headers["content-type"] == "application/problem+json"
    other = here.program(here.token("read", "write", owner="chief").text)
    assert other.patch(f"/api/v1/actions/{action}", json={"status": "dropped"}).status_code == 404
    assert other.delete(f"/api/v1/actions/{action}").status_code == 404
    only = here.program(here.token("write", owner="editor").text)
    assert only.patch(f"/api/v1/actions/{action}", json={"owner": "Eve"}).json()["owner"] == "Eve"
    assert program.delete(f"/api/v1/actions/{action}").status_code == 204
    assert program.get(f"/api/v1/actions/{action}").status_code == 404
    told = [event.action for event in events(here)]
    assert [one for one in told if one.startswith("action.")] == [
        "action.add", "action.change", "action.change", "action.remove",
    ]  # fmt: skip


def test_a_retired_application_leaves_lists_but_not_the_months_that_count_it(here: World) -> None:
    measure(here, "ours", "theirs")
    declare(here, "ours", 1000)
    declare(here, "theirs", 500)
    lead, admin = here.browser("lead"), here.browser("admin")

    def listed(period: str) -> set[str]:
        view = admin.get(f"/portfolio.json?period={period}").json()
        assert view["totals"]["applications"] == len(view["rows"])
        return {row["application"]["code"] for row in view["rows"]}

    before = admin.get("/portfolio.json?period=2026-10").json()["totals"]["measures"]
    assert lead.post("/applications/app-ours/retire", data={"do": "retire"}).status_code == 303
    assert listed("2026-10") == {"app-ours", "app-theirs"}
    assert admin.get("/portfolio.json?period=2026-10").json()["totals"]["measures"] == before
    assert listed("2026-12") == {"app-theirs"}
    page = lead.get("/applications/app-ours?period=2026-12")
    assert page.status_code == 200
    assert "It is retired" in page.text
    assert "app-ours" not in {row["application"]["code"] for row in admin.get("/measure-next.json").json()["rows"]}
    again = lead.post("/applications/app-ours/retire", data={"do": "retire"})
    assert (again.status_code, "retired already" in again.text) == (422, True)
    assert lead.post("/applications/app-ours/retire", data={"do": "restore"}).status_code == 303
    assert listed("2026-12") == {"app-ours", "app-theirs"}
    assert [event.action for event in events(here)][-2:] == ["application.retire", "application.restore"]


def test_an_application_goes_with_its_decisions_and_the_ledger_keeps_its_runs(here: World) -> None:
    runs = measure(here, "ours", "theirs")
    declare(here, "ours", 1000)
    declare(here, "theirs", 500)
    lead, admin = here.browser("lead"), here.browser("admin")
    new_action(lead)
    page = admin.get("/applications/app-ours/retire").text
    assert re.search(r"Runs</dt><dd>1<", page)
    assert re.search(r"Actions</dt><dd>1<", page)
    assert "for good" not in lead.get("/applications/app-ours/retire").text
    remove = {"do": "remove", "confirm": "app-ours"}
    assert lead.post("/applications/app-ours/retire", data=remove).status_code == 422, (
        "a team's administrator retires only"
    )
    wrong = admin.post("/applications/app-ours/retire", data=remove | {"confirm": "app-theirs"})
    assert (wrong.status_code, rows(here, Application)) == (422, 2)
    assert admin.post("/applications/app-ours/retire", data=remove).status_code == 303
    assert (rows(here, Application), rows(here, Action)) == (1, 0)
    event = events(here)[-1]
    assert (event.action, event.detail["removed"], event.detail["runs"]) == ("application.remove", "app-ours", 1)
    assert figures.has_news(here.context), "the server brings its sums up to date by itself"
    figures.refresh(here.context)
    totals = admin.get("/portfolio.json?period=2026-10").json()["totals"]["measures"]
    alone = admin.get("/applications/app-theirs.json?period=2026-10").json()["measures"]
    assert totals["impact"]["value"] == pytest.approx(alone["impact"]["value"], rel=1e-12)
    assert here.context.ledger.run(runs["ours"])["project"] == "app-ours"


def test_an_application_with_runs_on_their_way_stays(here: World) -> None:
    from tests.web.server_support import run

    sent = here.program(here.token("ingest").text).post("/api/v1/runs", json=run(5, "app-ours"))
    assert sent.status_code == 201
    program = here.program(here.token("admin").text)
    answer = program.delete("/api/v1/applications/app-ours?confirm=app-ours")
    assert (answer.status_code, answer.json()["culprit"]) == (422, "waiting")
    landing.land_all(here.context)
    assert program.delete("/api/v1/applications/app-ours?confirm=app-ours").status_code == 200


def test_a_team_goes_and_its_applications_move(here: World) -> None:
    admin = here.browser("admin")
    program = here.program(here.token("admin").text)
    here.token("read", team="ours")
    asked = program.delete("/api/v1/teams/ours")
    assert asked.status_code == 409
    assert asked.json()["goes"] == {"applications": 1, "members": 3, "targets": 0, "tokens": 1}
    assert here.browser("lead").post("/teams/ours/remove", data={"confirm": "ours"}).status_code == 403
    own = admin.post("/teams/ours/remove", data={"confirm": "ours", "heir": "ours"})
    assert (own.status_code, "inherit from itself" in own.text) == (422, True)
    assert admin.post("/teams/ours/remove", data={"confirm": "ours", "heir": "theirs"}).status_code == 303
    with here.context.store.reading() as session:
        assert {one.team_id for one in session.query(Application)} == {here.teams["theirs"]}
    assert events(here)[-1].detail["applications_to"] == "theirs"
    assert here.browser("stranger").get("/applications/app-ours").status_code == 200
    assert program.delete("/api/v1/teams/theirs?confirm=theirs").status_code == 200
    with here.context.store.reading() as session:
        assert {one.team_id for one in session.query(Application)} == {None}
    assert rows(here, Team) == 0


def test_a_lead_invites_gives_roles_and_takes_out(here: World) -> None:
    lead = here.browser("lead")
    answer = lead.post("/teams/ours/members", data={"do": "invite", "email": "new@example.org", "role": "editor"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    link = re.search(r'value="(http[^"]+/sign-in/welcome\?code=[^"]+)"', answer.text)
    assert link is not None
    welcome = link[1].removeprefix(here.context.base_url)
    person = here.browser()
    code = welcome.partition("code=")[2]
    assert person.post("/sign-in/welcome", data={"code": code, "password": "a long enough word"}).status_code == 303
    assert person.get("/applications/app-ours").status_code == 200
    assert person.get("/applications/app-theirs").status_code == 404
    with here.context.store.reading() as session:
        user = session.query(User).filter_by(email="new@example.org").one().id
    assert lead.post("/teams/ours/members", data={"do": "link", "user": user}).status_code == 422, (
        "it would be a way in"
    )
    assert lead.post("/teams/ours/members", data={"do": "role", "user": user, "role": "viewer"}).status_code == 303
    assert lead.post("/teams/ours/members", data={"do": "remove", "user": user}).status_code == 303
    assert person.get("/applications/app-ours").status_code == 404
    told = [event.action for event in events(here)]
    assert [one for one in told if one.startswith("user.")][-5:] == [
        "user.invite", "user.role", "user.password", "user.role", "user.role",
    ]  # fmt: skip


def test_a_lead_gets_no_link_for_somebody_elses_account(here: World) -> None:
    lead = here.browser("lead")
    joined = lead.post("/teams/ours/members", data={"do": "invite", "email": "stranger@example.org", "role": "viewer"})
    assert joined.status_code == 303, "who has an account is a member at once; no link is made"
    for user, status in (("stranger", 422), ("admin", 422), ("chief", 422)):
        again = lead.post("/teams/ours/members", data={"do": "link", "user": here.users[user]})
        assert (again.status_code, "welcome?code=" in again.text) == (status, False)
    assert lead.post("/teams/theirs/members", data={"do": "invite", "email": "x@example.org"}).status_code == 404
    assert here.browser("editor").get("/teams/ours/members").status_code == 403
    assert (
        lead.post("/teams/ours/members", data={"do": "invite", "email": "x@example.org", "role": "king"}).status_code
        == 422
    )
    assert (
        lead.post("/teams/ours/members", data={"do": "invite", "email": "nothing", "role": "viewer"}).status_code == 422
    )


@pytest.mark.parametrize("path", ["/actions/none", "/applications/none", "/teams/none/members", "/?period=2026-99"])
def test_a_refusal_is_told_in_the_readers_language(here: World, path: str) -> None:
    lead = here.browser("lead")
    joint = "&" if "?" in path else "?"
    french, english = lead.get(f"{path}{joint}lang=fr"), lead.get(f"{path}{joint}lang=en")
    assert french.status_code == english.status_code >= 400
    said = [re.search(r"<section.*?<p>(.*?)</p>", page.text, re.DOTALL) for page in (french, english)]
    assert said[0] is not None
    assert said[1] is not None
    assert said[0][1] != said[1][1]
    assert re.search("[éèà’]", said[0][1])


def test_a_form_that_is_refused_is_a_page_too(here: World) -> None:
    action = new_action(here.browser("editor"))
    page = here.browser("viewer").post(f"/actions/{action}?lang=fr", data={"do": "done"})
    assert page.status_code == 403
    assert page.headers["content-type"].startswith("text/html")
    assert "rôle d’éditeur" in page.text
