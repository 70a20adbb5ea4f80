# SPDX-License-Identifier: Apache-2.0
"""Names that somebody chose to do harm, through pages, drawings, tables and searches."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest
from starlette.testclient import TestClient
from tests.web.access_support import World, declare, measure, world

from lichen.outputs.web import access
from lichen.store.models import Application, Team, User

HOSTILE: Final = (
    "<script>alert(1)</script>\"><img src=x onerror=alert(2)>' onmouseover='alert(3)",
    "=cmd|' /C calc'!A0",
    "\u202egnp.exe\u2066 \u0000\u001b[31m\u2028\r\nSet-Cookie: a=b",
    "{{ 7 * 7 }}{% raw %}${7*7}",
    "👩🏽‍💻 ﷽ " + "x" * 10_000,
    "javascript:alert(1)",
    "'; DROP TABLE application; --",
)
NAMES: Final = ("markup", "formula", "bidi", "template", "long", "scheme", "sql")
BIDI: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")


class Markup(HTMLParser):
    """Finds elements and attributes that a name made, and addresses that run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and not str(given.get("src", "")).startswith("/static/"):
            self.found.append("<script>")
        self.found += [f"{tag} {name}" for name in given if name.startswith("on") or name == "style"]
        if given.get("src") == "x":
            self.found.append(f"<{tag} src=x>")
        for name in ("href", "src", "action", "formaction"):
            if re.match(r"\s*(javascript|data:text|//|https?:)", given.get(name) or "", re.IGNORECASE):
                self.found.append(f"{name}={given[name]}")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An application for each hostile name, which is in every field; the first one is measured."""
    with world(tmp_path_factory.mktemp("names")) as made:
        measure(made, "ours")
        declare(made, "ours", 1000)
        with made.context.store.session() as session:
            for number, name in enumerate(HOSTILE):
                team = Team(code=f"team-{number}", name=name, cost_centre=name, slack_channel=name, contact=name)
                session.add_all([team, User(email=f"user{number}@example.org", name=name)])
                session.flush()
                if number == 0:
                    application = session.get_one(Application, made.applications["ours"])
                else:
                    application = Application(code=f"app-{number}", name=name)
                    session.add(application)
                application.team_id = team.id
                application.name = application.domain = application.business_owner = application.description = name
                application.tags, application.repository = [name], name
                application.public_key = f"{number:032}"
        yield made


def readable(here: World) -> list[str]:
    """Addresses of everything that shows an application."""
    found: dict[str, None] = {}
    for number in range(len(HOSTILE)):
        code = f"app-{number}" if number else "app-ours"
        own = {"code": code, "application": code, "journey_code": "apply", "journey": "apply", "key": f"{number:032}"}
        for route in access.routes(here.app):
            path = re.sub(r"(/teams?)/{(code|team)}", rf"\1/team-{number}", route.path)
            for name, value in own.items():
                path = re.sub(rf"{{{name}(:\w+)?}}", value, path)
            if "GET" in route.methods and "{" not in path and not path.startswith(("/sign-in", "/ready")):
                found[path] = None
    return list(found)


def test_no_name_becomes_markup_or_a_header(here: World) -> None:
    browser = here.browser("admin")
    pages = drawings = 0
    for path in readable(here):
        answer = browser.get(path)
        kind = answer.headers["content-type"].partition(";")[0]
        assert answer.status_code < 500, f"{path}: {answer.text[:300]}"
        assert "set-cookie" not in answer.headers, path
        assert "content-security-policy" in answer.headers, path
        if kind == "text/html":
            parser = Markup()
            parser.feed(answer.text)
            assert parser.found == [], path
            assert not BIDI.search(answer.text), path
            assert "\x00" not in answer.text, path
            assert "\x1b" not in answer.text, path
            assert len(answer.content) < 200_000, path
            pages += 1
        elif kind == "image/svg+xml":
            root = ET.fromstring(answer.content)
            tags = {element.tag.rpartition("}")[2] for element in root.iter()}
            assert tags.isdisjoint({"script", "img", "foreignObject", "a", "use", "image"}), path
            assert not [name for element in root.iter() for name in element.attrib if name.lower().startswith("on")], (
                path
            )
            drawings += 1
    assert pages >= 4
    assert drawings >= 2


def test_no_cell_of_a_table_is_a_formula(here: World) -> None:
    browser = here.browser("admin")
    tables = 0
    for path in readable(here):
        if not path.startswith(("/api/", "/exports")):
            continue
        answer = browser.get(path, headers={"accept": "text/csv"})
        if not answer.headers["content-type"].startswith("text/csv"):
            continue
        tables += 1
        for row in csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))):
            for cell in row:
                is_number = re.fullmatch(r"-?[\d.,]+(e[+-]?\d+)?", cell) is not None
                assert is_number or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), f"{path}: {cell[:60]!r}"
    assert tables >= 1


@pytest.mark.parametrize("hostile", HOSTILE, ids=NAMES)
def test_a_search_or_a_parameter_does_no_harm(tmp_path: Path, hostile: str) -> None:
    with world(tmp_path) as here:
        browser: TestClient = here.browser("admin")
        for path in (
            "/api/v1/portfolio",
            "/api/v1/applications",
            "/api/v1/actions",
            "/",
            "/account",
            "/sign-in",
            "/admin/users",
        ):
            for parameter in ("search", "team", "next", "done", "period", "lang", "sort"):
                answer = browser.get(path, params={parameter: hostile})
                assert answer.status_code < 500, f"{path}?{parameter}"
                if answer.headers["content-type"].startswith("text/html"):
                    parser = Markup()
                    parser.feed(answer.text)
                    assert parser.found == [], f"{path}?{parameter}"
        with here.context.store.reading() as session:
            assert session.query(Application).count() == 2
