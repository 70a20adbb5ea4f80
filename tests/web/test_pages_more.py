# SPDX-License-Identifier: Apache-2.0
"""Settings and what they change, public pages, patterns; and what the lists say while there is nothing to list."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from tests.web.access_support import World, measure, world

from lichen.outputs.web.pages.footprint import weigh
from lichen.outputs.web.pages.rendering import ASSETS
from lichen.store.models import Action, Application, AuditEvent, Organisation, Target, Team, Weight

ELEMENTS_MAX: Final = 370
HOSTILE: Final = "<b onclick=x>\u202eévil\u202c</b> =cmd|' /C calc'!A0 🦊 " + "long" * 40
TARGET: Final = {
    "part": "targets", "scope": "application", "of": "app-ours", "indicator": "gwp100", "base_year": "2025", "base_value": "",
    "horizon_year": "2030", "reduction": "30",
}  # fmt: skip
ORGANISATION: Final = {
    "part": "organisation", "name": "Rock & Bark", "currency": "CHF", "lang": "fr", "price": "90,5", "base_year": "2024",
}  # fmt: skip


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """For tests that find everything refused, and nothing changed."""
    with world(tmp_path_factory.mktemp("still")) as made:
        yield made


def change(here: World, user: str, said: str = "en", **fields: str) -> Any:
    """What the page answers to a form."""
    return here.browser(user).post("/settings", params={"lang": said}, data=fields)


def rows(here: World, model: Any) -> list[Any]:
    with here.context.store.reading() as session:
        return list(session.query(model))


def events(here: World, action: str) -> list[AuditEvent]:
    return [one for one in rows(here, AuditEvent) if one.action == action]


def test_a_weight_is_set_from_today_on_and_told(here: World) -> None:
    answer = change(here, "lead", part="weights", application="app-ours", weight="2,5", reason="<b>core</b>")
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings?done=weights&lang=en#weights")
    html = here.browser("viewer").get("/settings").text
    assert "2.5" in html
    assert "&lt;b&gt;core&lt;/b&gt;" in html
    assert "<b>core" not in html
    assert [(one.weight, one.valid_from) for one in rows(here, Weight)] == [(2.5, date(2026, 11, 2))]
    change(here, "lead", part="weights", application="app-ours", weight="3")
    assert [one.weight for one in rows(here, Weight)] == [3.0], "a day has one weight"
    assert [one.detail["weight"] for one in events(here, "weight.set")] == [2.5, 3.0]


def test_a_weight_moves_no_total(here: World) -> None:
    measure(here, "ours", "theirs")
    before = here.browser("admin").get("/portfolio.json").json()
    change(here, "admin", part="weights", application="app-theirs", weight="7")
    after = here.browser("admin").get("/portfolio.json").json()
    assert after["totals"] == before["totals"]
    assert [row["ranks"]["weight"] for row in after["rows"] if row["application"]["code"] == "app-theirs"] == [7.0]


@pytest.mark.parametrize(("user", "status"), [("viewer", 403), ("editor", 403), ("stranger", 403), ("lead", 303)])
def test_what_a_team_set_its_administrators_change(here: World, user: str, status: int) -> None:
    assert change(here, user, part="weights", application="app-ours", weight="2").status_code == status
    assert len(rows(here, Weight)) == (status == 303)


def test_another_teams_application_is_as_one_that_does_not_exist(still: World) -> None:
    for part in ("weights", "links", "links-end"):
        foreign, unknown = (
            change(still, "lead", part=part, application=code, weight="2") for code in ("app-theirs", "app-none")
        )
        assert foreign.status_code == unknown.status_code == 422
        assert foreign.text.replace("app-theirs", "?") == unknown.text.replace("app-none", "?")
    for scope, code in (("team", "theirs"), ("application", "app-theirs")):
        assert change(still, "lead", **{**TARGET, "scope": scope, "of": code}).status_code == 422
    assert change(still, "lead", **{**TARGET, "scope": "organisation"}).status_code == 403
    assert change(still, "lead", **ORGANISATION).status_code == 403
    assert rows(still, Target) == rows(still, Weight) == []


def test_who_may_change_nothing_is_shown_no_form(still: World) -> None:
    for user, forms in (("viewer", 0), ("editor", 0), ("lead", 4), ("admin", 5)):
        assert still.browser(user).get("/settings").text.count("<form") == forms, user
    assert still.program(still.token("read").text).get("/settings.json").json()["may_change"] is False
    token = still.program(still.token("read", "write", owner="admin").text)
    assert token.post("/settings", data=dict(ORGANISATION)).status_code == 403


def test_another_site_changes_nothing(still: World) -> None:
    browser = still.browser("admin")
    browser.headers["sec-fetch-site"] = "cross-site"
    assert browser.post("/settings", data=dict(ORGANISATION)).status_code == 403
    assert rows(still, Organisation) == []


def test_the_organisation_is_named_and_priced(here: World) -> None:
    assert change(here, "admin", **ORGANISATION).status_code == 303
    found = here.browser("admin").get("/settings.json").json()["organisation"]
    assert Decimal(found.pop("internal_carbon_price")) == Decimal("90.5")
    assert found == {"name": "Rock & Bark", "currency": "CHF", "lang": "fr", "base_year": 2024}
    assert "Rock &amp; Bark" in here.browser("admin").get("/settings").text
    change(here, "admin", **{**ORGANISATION, "price": "", "base_year": ""})
    assert [(one.internal_carbon_price, one.base_year) for one in rows(here, Organisation)] == [(None, None)]
    assert [sorted(one.detail) for one in events(here, "organisation.change")] == [
        ["base_year", "currency", "internal_carbon_price", "lang", "name"],
        ["base_year", "internal_carbon_price"],
    ]


@pytest.mark.parametrize(
    ("given", "english", "french"),
    [
        ({**ORGANISATION, "currency": "euro"}, "three capital letters", "trois majuscules"),
        ({**ORGANISATION, "name": " "}, "name is missing", "nom manque"),
        ({**ORGANISATION, "price": "-1"}, "0 or more", "0 ou plus"),
        ({**ORGANISATION, "price": "NaN"}, "0 or more", "0 ou plus"),
        ({**ORGANISATION, "base_year": "20x4"}, "1970 to 2200", "1970 à 2200"),
        ({"part": "weights", "application": "app-ours", "weight": "-1"}, "0 to 1000", "0 à 1000"),
        ({"part": "weights", "application": "app-ours", "weight": "inf"}, "0 to 1000", "0 à 1000"),
        ({"part": "weights", "application": "app-ours", "weight": "1e999"}, "0 to 1000", "0 à 1000"),
        ({**TARGET, "reduction": "140"}, "0 to 100", "0 à 100"),
        ({**TARGET, "horizon_year": "2020"}, "after its base year", "après son année de base"),
        ({**TARGET, "scope": "team", "of": "none"}, "no such team", "cette équipe n’existe pas"),
        ({**TARGET, "of": "\u202e" * 300}, "no such application", "cette application n’existe pas"),
        ({"part": "targets-end", "target": "f" * 32}, "to exist", "exister"),
    ],
)
def test_what_is_wrong_is_said_on_the_page(still: World, given: dict[str, str], english: str, french: str) -> None:
    for lang, sentence in (("en", english), ("fr", french)):
        answer = change(still, "admin", lang, **given)
        assert answer.status_code == 422
        alert = answer.text.partition('role="alert"')[2].partition("</p>")[0]
        assert sentence in alert.casefold()
    assert rows(still, Organisation) == rows(still, Weight) == rows(still, Target) == []


def test_what_was_typed_stays_when_something_is_wrong(still: World) -> None:
    answer = change(still, "admin", **{**TARGET, "reduction": "140", "base_year": "2019"})
    assert 'value="140"' in answer.text
    assert 'value="2019"' in answer.text
    assert change(still, "admin", part="nothing").status_code == 422


def test_a_target_is_set_replaced_and_ended(here: World) -> None:
    assert (
        change(here, "admin", **{**TARGET, "scope": "organisation", "of": "", "base_value": "2e6"}).status_code == 303
    )
    assert change(here, "lead", **TARGET).status_code == 303
    assert change(here, "lead", **{**TARGET, "reduction": "40,5"}).status_code == 303
    listed = here.browser("lead").get("/settings.json").json()["targets"]
    assert [(one["scope"], one["reduction"], one["base_value"], one["mine"]) for one in listed] == [
        ("organisation", 0.3, 2e6, False),
        ("application", 0.405, None, True),
    ]
    assert "40%" in here.browser("lead").get("/settings").text
    assert change(here, "lead", part="targets-end", target=listed[0]["target_id"]).status_code == 422
    assert change(here, "lead", part="targets-end", target=listed[1]["target_id"]).status_code == 303
    assert [one.scope for one in rows(here, Target)] == ["organisation"]
    assert len(events(here, "target.set")) == 3
    assert len(events(here, "target.end")) == 1
    assert [one["scope"] for one in here.browser("stranger").get("/settings.json").json()["targets"]] == [
        "organisation"
    ]


def test_a_public_page_opens_by_its_link_until_it_is_ended(here: World) -> None:
    measure(here, "ours")
    assert change(here, "lead", part="links", application="app-ours").status_code == 303
    links = here.browser("lead").get("/settings.json").json()["links"]
    anybody, key = here.browser(), links[0]["key"]
    shown = anybody.get(f"/public/{key}")
    assert shown.status_code == 200
    assert "Application ours" in shown.text
    assert shown.headers["x-robots-tag"] == "noindex"
    assert "/explain" not in shown.text
    for user in ("viewer", "editor", "stranger", "chief"):
        assert key not in here.browser(user).get("/settings.json").text, user
    change(here, "lead", part="links", application="app-ours")
    assert anybody.get(f"/public/{key}").status_code == 404, "a new link ends the one before"
    key = here.browser("lead").get("/settings.json").json()["links"][0]["key"]
    assert change(here, "lead", part="links-end", application="app-ours").status_code == 303
    assert anybody.get(f"/public/{key}").status_code == 404
    assert not any(key in str(one.detail) for one in rows(here, AuditEvent)), "the log holds no key"


def test_an_empty_board_says_what_to_do(here: World) -> None:
    with here.context.store.session() as session:
        for model in (Application, Team):
            session.query(model).delete()
    browser = here.browser("admin")
    for path, command in (
        ("/quality", "lichen portfolio import"),
        ("/measure-next", "lichen import traffic"),
        ("/actions", "lichen portfolio import"),
        ("/settings", "lichen team add"),
    ):
        for lang in ("en", "fr"):
            assert command in browser.get(path, params={"lang": lang}).text, (path, lang)


def test_a_search_that_finds_nothing_leads_back(here: World) -> None:
    with here.context.store.session() as session:
        session.add(Action(application_id=here.applications["ours"], title="Pictures as WebP", status="done"))
    for path in ("/actions", "/methods"):
        html = here.browser("viewer").get(path, params={"search": "zzzz", "lang": "en"}).text
        assert f'href="{path}?lang=en"' in html, path
    assert "Pictures as WebP" in here.browser("stranger").get("/actions?search=webp").text, "others find it"
    assert "Pictures as WebP" not in here.browser("stranger").get("/actions?status=planned").text


def crowd(here: World) -> None:
    """Forty applications of ten teams with hostile names, weights, targets, links and actions."""
    day = date(2026, 1, 1)
    with here.context.store.session() as session:
        for number in range(40):
            if number % 4 == 0:
                team = Team(code=f"t{number}", name=f"{HOSTILE}{number}", contact=HOSTILE)
                session.add(team)
                session.flush()
            one = Application(code=f"a{number}", name=f"{HOSTILE}{number}", team_id=team.id, public_key=f"key{number}")
            session.add(one)
            session.flush()
            aim = {"indicator": "gwp100", "base_year": 2024, "horizon_year": 2030, "reduction": 0.3, "valid_from": day}
            session.add_all(
                [
                    Weight(application_id=one.id, weight=2 + number, reason=HOSTILE, valid_from=day),
                    Target(scope="application", scope_id=one.id, base_value=1e6, **aim),
                    Action(
                        application_id=one.id, title=HOSTILE, owner=HOSTILE, status="done", tags=[HOSTILE], done_on=day
                    ),
                ]
            )


def test_hostile_names_neither_run_nor_swell_a_page(here: World) -> None:
    crowd(here)
    browser = here.browser("admin")
    for path in (
        "/quality",
        "/measure-next",
        "/actions",
        "/methods",
        "/settings",
        "/settings?page=2",
        "/teams/t0",
        "/-/patterns",
    ):
        html = browser.get(path).text
        assert "<b onclick" not in html, path
        assert "\u202e" not in html, path
        assert "style=" not in html, path
        weight = weigh(html, ASSETS)
        assert weight.elements <= ELEMENTS_MAX, (path, weight.elements)
        assert weight.transfer_bytes <= 100_000, path


def test_settings_turn_page_by_page(here: World) -> None:
    crowd(here)
    browser = here.browser("admin")
    listed = [browser.get("/settings.json", params={"page": number}).json() for number in range(1, 8)]
    for name, count in (("weights", 40), ("targets", 40), ("links", 40), ("teams", 12)):
        found = [str(row) for page in listed for row in page[name]]
        assert len(found) == len(set(found)) == count, name
    assert listed[0]["page"]["rows"] == 40


def test_patterns_show_every_state_to_anybody(still: World) -> None:
    anybody = still.browser()
    for lang, unknown in (("en", "unknown"), ("fr", "inconnu")):
        html = anybody.get("/-/patterns", params={"lang": lang}).text
        assert unknown in html
        assert "data-curve" in html
        assert '<pattern id="p1"' in html
    twin = anybody.get("/-/patterns.json").json()
    assert twin["figures"]["unknown"]["value"] is None
    assert [point["value"] for point in twin["curve"]["points"]].count(None) == 1
