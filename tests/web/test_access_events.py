# SPDX-License-Identifier: Apache-2.0
"""Every route and every command that changes something leaves an event in the audit log.

Both are found in the application itself: whoever adds one says here what it leaves, or why it leaves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click
import pytest
from click.testing import CliRunner
from tests import focus_support
from tests.web.access_support import PASSWORD, World, world

from lichen.cli.app import root
from lichen.outputs.web import access
from lichen.service import register
from lichen.store import open_store
from lichen.store.models import Application, AuditEvent, Setting, Target

FORM: Final = {"title": "Smaller pictures", "do": "save"}
PASSWORDS: Final = {"current": PASSWORD, "password": "another long word", "again": "another long word"}
ROUTES: Final[Mapping[str, tuple[str, Mapping[str, Any], str]]] = {
    "POST /sign-in": ("", {"email": "editor@example.org", "password": PASSWORD}, "session.open"),
    "POST /sign-in/welcome": ("", {"code": "unused", "password": "long enough, this"}, "user.password"),
    "POST /sign-out": ("lead", {}, "session.close"),
    "POST /account/profile": ("lead", {"name": "Ada"}, "user.profile"),
    "POST /account/password": ("lead", PASSWORDS, "user.password"),
    "POST /account/sessions/end": ("lead", {}, "session.end_others"),
    "POST /account/tokens": ("lead", {"name": "ci", "scope": "ingest", "reach": "", "days": "30"}, "token.mint"),
    "POST /account/tokens/{token_id}/revoke": ("editor", {}, "token.revoke"),
    "POST /admin/users": ("admin", {"email": "new@example.org"}, "user.add"),
    "POST /admin/users/{user_id}/invite": ("admin", {}, "user.invite"),
    "POST /admin/users/{user_id}/state": ("admin", {"state": "disabled"}, "user.disable"),
    "POST /admin/users/{user_id}/role": ("admin", {"team": "{team_id}", "role": "viewer"}, "user.role"),
    "POST /admin/tokens/{token_id}/revoke": ("admin", {}, "token.revoke"),
    "POST /api/v1/actions": ("json", {"application": "app-ours", "title": "Smaller pictures"}, "action.add"),
    "PATCH /api/v1/actions/{action_id}": ("json", {"status": "done"}, "action.change"),
    "DELETE /api/v1/actions/{action_id}": ("json", {}, "action.remove"),
    "POST /api/v1/applications/{code}/retire": ("json", {}, "application.retire"),
    "POST /api/v1/applications/{code}/restore": ("json", {}, "application.restore"),
    "DELETE /api/v1/applications/{code}": ("json", {"confirm": "app-ours"}, "application.remove"),
    "DELETE /api/v1/teams/{code}": ("json", {"confirm": "ours"}, "team.remove"),
    "POST /api/v1/deployments": ("json", {"application": "app-ours", "version": "2.0"}, "deployment.record"),
    "POST /api/v1/marks": ("json", {"application": "app-ours", "kind": "browser", "text": "Chromium 156"}, "mark.record"),
    "PUT /api/v1/budgets": (
        "json", {"application": "app-ours", "what": "gwp100", "limit": 5.0, "per": "month", "reason": "the target"}, "budget.set",
    ),
    "POST /actions/new": ("lead", FORM | {"application": "app-ours"}, "action.add"),
    "POST /actions/{action_id}": ("lead", FORM, "action.change"),
    "POST /teams/{code}/members": ("lead", {"do": "role", "user": "{user_id}", "role": "viewer"}, "user.role"),
    "POST /teams/{code}/remove": ("admin", {"confirm": "ours"}, "team.remove"),
    "POST /applications/{code}/retire": ("lead", {"do": "retire"}, "application.retire"),
    "POST /sample/load": ("admin", {}, "sample.load"),
    "POST /sample/remove": ("admin", {}, "sample.remove"),
    "POST /settings": ("lead", {"part": "weights", "application": "app-ours", "weight": "2"}, "weight.set"),
}  # fmt: skip
"""Who calls it, with which fields, and the event that it leaves."""
ELSEWHERE: Final = {
    "POST /api/v1/runs": "the ingest journal tells who sent each run",
    "POST /api/v1/channels/{name}/test": "test_channels.py, where there is a channel",
    "POST /api/v1/deployments/signed": "test_watching.py, where there is a secret",
    "POST /channels": "test_channels.py, where there is a channel",
    "POST /sign-in/once": "test_access_sessions.py, from a fresh store",
    "POST /runs/{run_id}/advice": "action.add, in the tests of advice",
}
PARTS: Final[Mapping[str, tuple[Mapping[str, str], str]]] = {
    "organisation": ({"name": "Ours", "currency": "EUR", "lang": "fr"}, "organisation.change"),
    "weights": ({"application": "app-ours", "weight": "2"}, "weight.set"),
    "sources": (
        {"application": "app-ours", "tier": "server", "source": "bill", "reason": "the contract"}, "tier_source.set",
    ),
    "targets": (
        {"scope": "team", "of": "ours", "indicator": "gwp100", "reduction": "30", "base_year": "2025", "horizon_year": "2030"},
        "target.set",
    ),
    "targets-end": ({"target": "{target_id}"}, "target.end"),
    "links": ({"application": "app-ours"}, "public_link.make"),
    "links-end": ({"application": "app-ours"}, "public_link.end"),
}  # fmt: skip
"""Parts of the page of settings, which share one route."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("events")) as made:
        yield made


def events(here: World) -> list[str]:
    with here.context.store.reading() as session:
        return [event.action for event in session.query(AuditEvent).order_by(AuditEvent.seq)]


def fill(text: str, own: Mapping[str, str]) -> str:
    return re.sub(r"{(\w+)}", lambda name: own[name[1]], text)


def prepared(here: World, route: str) -> dict[str, str]:
    """What stands for the parameters of a route, made afresh: some routes take theirs out."""
    with here.context.store.session() as session:
        application = session.query(Application).filter_by(code="app-ours").one()
        application.lifecycle = "retired" if route.endswith("/restore") else None
        action = register.add(session, application, {"title": "Smaller scripts"}, by=here.by).id
        if route == "POST /sample/remove":
            session.merge(Setting(key="sample", value=_EMPTY_SAMPLE))
    return {
        "action_id": action, "user_id": here.users["editor"], "team_id": here.teams["theirs"],
        "token_id": here.token("read", owner="editor").token_id, "code": "ours" if "/teams/" in route else "app-ours",
    }  # fmt: skip


_EMPTY_SAMPLE: Final = {"applications": [], "codes": [], "teams": [], "targets": [], "organisation": None}


def test_every_writing_route_is_named_here(here: World) -> None:
    found = {
        f"{method} {route.path}"
        for route in access.routes(here.app)
        for method in route.methods - {"GET", "HEAD", "OPTIONS"}
    }
    assert found - ROUTES.keys() - ELSEWHERE.keys() == set(), "say which event it leaves, or where that is tested"
    assert ROUTES.keys() - found == set()


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_that_writes_leaves_an_event(tmp_path: Path, route: str, monkeypatch: pytest.MonkeyPatch) -> None:
    caller, fields, event = ROUTES[route]
    method, path = route.split(" ")
    monkeypatch.setattr("lichen.service.sample.load", lambda _: None)  # 20 s of work that leave no event of their own
    with world(tmp_path) as here:
        own = prepared(here, route)
        given = {name: fill(str(value), own) for name, value in fields.items()}
        address = fill(path, own)
        if route == "POST /sign-in/welcome":
            link = here.browser("admin").post(f"/admin/users/{own['user_id']}/invite").text
            given["code"] = re.search(r"welcome\?code=([\w-]+)", link)[1]  # type: ignore[index]
        if caller == "json":
            program = here.program(here.token("read", "write", "ingest", "admin").text)
            send: Callable[..., Any] = program.delete if method == "DELETE" else getattr(program, method.lower())
            before = events(here)
            answer = send(address, params=given) if method == "DELETE" else send(address, json=given)
        else:
            browser = here.browser(caller or None)
            before = events(here)
            answer = browser.post(address, data=given)
        assert answer.status_code < 400, answer.text
        assert event in events(here)[len(before) :]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_settings_leaves_an_event(tmp_path: Path, part: str) -> None:
    fields, event = PARTS[part]
    with world(tmp_path) as here:
        admin = here.browser("admin")
        for first in ("targets", "links"):
            assert admin.post("/settings", data={"part": first, **PARTS[first][0]}).status_code == 303
        with here.context.store.reading() as session:
            own = {"target_id": session.query(Target).one().id}
        before = events(here)
        answer = admin.post("/settings", data={"part": part} | {name: fill(text, own) for name, text in fields.items()})
        assert answer.status_code == 303, answer.text
        assert events(here)[len(before) :] == [event]


def test_a_change_that_is_refused_leaves_nothing(here: World) -> None:
    lead = here.browser("lead")
    before = events(here)
    assert (
        lead.post("/settings", data={"part": "weights", "application": "app-ours", "weight": "-1"}).status_code == 422
    )
    assert lead.post("/actions/new", data={"application": "app-ours", "title": ""}).status_code == 422
    assert events(here) == before


COMMANDS: Final[Mapping[str, tuple[list[list[str]], str]]] = {
    "team add": ([["team", "add", "ours"]], "team.add"),
    "team remove": ([["team", "remove", "ours", "--yes"]], "team.remove"),
    "user add": ([["user", "add", "a@example.org", "--no-password"]], "user.add"),
    "user disable": ([["user", "disable", "a@example.org"]], "user.disable"),
    "user enable": ([["user", "enable", "a@example.org"]], "user.enable"),
    "token create": ([["token", "create", "ci", "--scope", "ingest"]], "token.mint"),
    "token revoke": ([["token", "revoke", "{prefix}"]], "token.revoke"),
    "portfolio import": ([["portfolio", "import", "portfolio.toml"]], "application.add"),
    "portfolio retire": ([["portfolio", "retire", "app"]], "application.retire"),
    "portfolio restore": ([["portfolio", "restore", "app"]], "application.restore"),
    "portfolio remove": ([["portfolio", "remove", "app", "--yes"]], "application.remove"),
    "deployment record": (
        [["deployment", "record", "--app", "app", "--version", "2.0", "--commit", "abc", "--author", "Ada"]], "deployment.record",
    ),
    "import traffic": ([["import", "traffic", "traffic.csv", "--application", "app"]], "traffic.import"),
    "import value": ([["import", "value", "value.csv"]], "value.import"),
    "import cost": ([["import", "cost", "cost.csv"]], "cost.import"),
    "import inventory": ([["import", "inventory", "servers.csv"]], "inventory.import"),
    "import bills": ([["import", "bills", "bill.csv"]], "bill.import"),
}  # fmt: skip
"""Commands in the order in which they can be typed, and the event that each leaves."""
READING: Final = frozenset(
    (
        "user list",
        "token list",
        "portfolio export",
        "import har",
        "import greenframe",
        "import carbon",
    )  # these write files or the ledger, not the store
)
GROUPS: Final = ("team", "user", "token", "portfolio", "import", "deployment")
FILES: Final = {
    "portfolio.toml": '[[application]]\ncode = "app"\nname = "App"\n',
    "traffic.csv": "day,visits,page_views\n2026-10-01,10,20\n",
    "value.csv": "application,period,amount,currency,kind\napp,2026-10,10,EUR,sales\n",
    "cost.csv": "application,period,amount,currency,kind\napp,2026-10,10,EUR,cloud\n",
    "servers.csv": "application,environment,kind,model,count,power_w\napp,production,server,R740,1,200\n",
}


def test_every_command_that_writes_is_named_here() -> None:
    context = click.Context(root)
    found = set()
    for name in GROUPS:
        group = root.get_command(context, name)
        assert isinstance(group, click.Group)
        found |= {f"{name} {one}" for one in group.list_commands(context)}
    assert found == COMMANDS.keys() | READING


def test_every_command_that_writes_leaves_an_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("LANG", "LC_ALL", "LC_MESSAGES", "LICHEN_SERVER_STORE"):
        monkeypatch.delenv(name, raising=False)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    focus_support.write(tmp_path / "bill.csv", [focus_support.line()])
    order = ["portfolio import", *(name for name in COMMANDS if name not in ("portfolio import", "portfolio remove"))]
    seen, prefix = 0, ""
    for name in [*order, "portfolio remove"]:
        lines, event = COMMANDS[name]
        for line in lines:
            answer = CliRunner().invoke(root, [word.replace("{prefix}", prefix) for word in line], prog_name="lichen")
            assert answer.exit_code == 0, f"{line}: {answer.stderr}"
            if name == "token create":
                prefix = answer.stdout.strip()[:13]
        with open_store(None, folder=tmp_path) as store, store.reading() as session:
            told = [one.action for one in session.query(AuditEvent).order_by(AuditEvent.seq)]
        assert event in told[seen:], name
        seen = len(told)
