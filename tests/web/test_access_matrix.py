# SPDX-License-Identifier: Apache-2.0
"""Every route of the server against everybody who may come: found in the application itself, so that a new one is in it at once.

A route that declares no rule fails, and so does a public one or a parameter that this file does not know: whoever adds it says
here what a stranger gets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient
from tests.web.access_support import World, declare, measure, world
from tests.web.server_support import run

from lichen.outputs.web import access
from lichen.outputs.web.access import Rule
from lichen.service import accounts, register
from lichen.store.models import Application

PUBLIC: Final = frozenset(
    (
        "/health", "/ready", "/sign-in", "/sign-in/once", "/sign-in/welcome", "/sign-in/oidc", "/sign-in/oidc/callback",
        "/sign-out", "/static/{name}", "/-/patterns", "/-/patterns.json", "/public/{key}", "/public/{key}.json",
        "/public/{key}/badge.svg", "/public/{key}/chart.svg", "/api/v1/deployments/signed",
    )
)  # fmt: skip
"""Routes that anybody may call; none of them shows a figure or a name of an application, but those below a secret key."""
CANARY: Final = "canary-ours"
KEY: Final = "0123456789abcdef" * 2
UNKNOWN: Final = "f" * 32
_LEVELS: Final = (
    "?level=organisation", "?level=team&ref={team}", "?level=application&ref={application}",
    "?level=journey&ref={application}/{journey}",
)  # fmt: skip
_BILLS: Final = ("?level=bill", "?level=bill&ref={application}", "?level=bill&ref=/")
_WHOLE: Final = ("level=organisation", "level=bill", "level=bill&ref=/")
"""How addresses end of what somebody who sees a team alone does not see."""
QUERIES: Final = {
    "/api/v1/activities": ("?run_id={run_id}", "?application={application}"),
    "/api/v1/applications": ("", "?search=anary-our", "?team={team}"),
    "/applications/{code}/compare": ("?left=2026-02&right=2026-03",),
    "/compare": ("?left={run_id}&right={run_id}",),
    "/explain": (*_LEVELS, *_BILLS),
    "/api/v1/compare": ("?left={run_id}&right={run_id}", "?left=2026-02&right=2026-03&application={application}"),
    "/api/v1/explain": (*_LEVELS, *_BILLS),
    "/api/v1/impacts": _LEVELS,
    "/api/v1/portfolio": ("", "?search=anary-our", "?team={team}"),
    "/api/v1/runs": ("", "?application={application}"),
    "/api/v1/timeseries": _LEVELS,
}
"""Parameters after the question mark that name things, or without which a route answers nothing."""
SHARED: Final = frozenset(("/actions", "/actions.json", "/api/v1/actions"))
"""What every reader sees of every team: actions and the names of their applications, so that others find what worked."""
LEADS: Final = frozenset(("/teams/ours/members", "/teams/ours/members.json", "/applications/app-ours/retire"))
"""What administrators of the team alone see."""
CALLERS: Final = (
    "anonymous", "their viewer", "their administrator", "their ingest token", "their read token", "their application's token",
    "our viewer", "our editor", "our administrator", "administrator", "read token", "ingest token",
)  # fmt: skip
STRANGERS: Final = frozenset(CALLERS[:6])


class Matrix:
    """Callers, and what stands for the parameters in the address of a route."""

    def __init__(self, here: World) -> None:
        self.here = here
        self.own = self._parameters()
        self.app = here.app
        self.clients: dict[str, TestClient] = {
            "anonymous": here.browser(),
            "their viewer": here.browser("stranger"),
            "their administrator": here.browser("chief"),
            "their ingest token": here.program(here.token("ingest", owner="chief", team="theirs").text),
            "their read token": here.program(here.token("read", "write", owner="chief", team="theirs").text),
            "their application's token": here.program(here.token("read", application="theirs").text),
            "our viewer": here.browser("viewer"),
            "our editor": here.browser("editor"),
            "our administrator": here.browser("lead"),
            "administrator": here.browser("admin"),
            "read token": here.program(here.token("read").text),
            "ingest token": here.program(here.token("ingest").text),
        }

    def _parameters(self) -> Mapping[str, str]:
        """What is ours, by the name of the parameter that holds it."""
        here = self.here
        runs = measure(here, "ours", "theirs")
        with here.context.store.session() as session:
            application = session.get_one(Application, here.applications["ours"])
            application.public_key = KEY
            action_id = register.add(session, application, {"title": "Smaller pictures"}, by=here.by).id
        return {
            "token_id": here.token("read", owner="editor").token_id, "user_id": here.users["editor"], "run_id": runs["ours"],
            "team": "ours", "application": "app-ours", "journey": "apply", "journey_code": "apply", "name": "app.css", "key": KEY,
            "action_id": action_id,
        }  # fmt: skip

    def addresses(self, path: str) -> Iterator[tuple[str, str]]:
        """A route's addresses: with what is ours, and with what nobody has."""
        for query in QUERIES.get(path.removesuffix(".json"), ("",)):
            template = path.replace("/teams/{code}", "/teams/{team}").replace("/{code}", "/{application}") + query
            names = re.findall(r"{(\w+)(?::\w+)?}", template)
            assert set(names) <= set(self.own), f"{path}: say in `Matrix` what stands for {set(names) - set(self.own)}"
            known = unknown = template
            for name in names:
                known = re.sub(rf"{{{name}(:\w+)?}}", quote(self.own[name], safe=""), known)
                unknown = re.sub(rf"{{{name}(:\w+)?}}", UNKNOWN, unknown)
            yield known, unknown

    def masked(self, text: str) -> str:
        """An answer without the names that the address held, and without the weight of the page, which holds them."""
        text = re.sub(r"<footer>.*</footer>", "", text, flags=re.DOTALL)
        for value in sorted((UNKNOWN, *self.own.values()), key=len, reverse=True):
            text = text.replace(value, "?")
        return text


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    with world(tmp_path_factory.mktemp("matrix"), canary=CANARY, server={"metrics": True}) as made:
        yield Matrix(made)


def all_routes() -> list[tuple[str, str]]:
    """Method and path of every route; made from an application of its own, as tests are collected before fixtures exist."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder, world(Path(folder)) as made:
        return sorted((method, route.path) for route in access.routes(made.app) for method in route.methods)


ROUTES: Final = all_routes()


def rule_of(matrix: Matrix, method: str, path: str) -> Rule | None:
    return next(route.rule for route in access.routes(matrix.app) if route.path == path and method in route.methods)


def test_every_route_declares_a_rule(matrix: Matrix) -> None:
    assert len(ROUTES) > 20
    access.check_rules(matrix.app)


def test_public_routes_are_those_that_are_named_here(matrix: Matrix) -> None:
    found = {route.path for route in access.routes(matrix.app) if route.rule is not None and route.rule.scope is None}
    assert found == PUBLIC


def test_a_route_without_a_rule_stops_the_application(tmp_path: Path) -> None:
    from lichen.errors import LichenError

    with world(tmp_path) as made:
        made.app.add_api_route("/open", all_routes)
        with pytest.raises(LichenError, match="/open"):
            access.check_rules(made.app)


def ask(matrix: Matrix, caller: str, method: str, address: str) -> tuple[int, str]:
    """Status of an answer, and its body with the id of the address taken out."""
    client = matrix.clients[caller]
    if method in ("GET", "HEAD", "DELETE"):
        answer = client.request(method, address)
    elif address.startswith("/api/"):
        answer = client.request(method, address, json={})
    else:
        answer = client.request(method, address, data={"x": "y"})
    assert answer.status_code < 500 or answer.status_code == 503, f"{caller} {method} {address}: {answer.text[:300]}"
    return answer.status_code, answer.text


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=lambda value: str(value))
def test_each_caller_gets_what_is_theirs(matrix: Matrix, method: str, path: str) -> None:
    rule = rule_of(matrix, method, path)
    if rule is None or path == "/sign-out" or method == "HEAD":
        return
    for known, unknown in matrix.addresses(path):
        for caller in CALLERS:
            if (
                method == "GET" or caller in STRANGERS or not allowed(rule, caller)
            ):  # else it would change what others see
                check(matrix, caller, method, known, unknown, rule)


def check(matrix: Matrix, caller: str, method: str, known: str, unknown: str, rule: Rule) -> None:
    """One caller at one address, and at the same one with ids that nobody has."""
    status, text = ask(matrix, caller, method, known)
    told = f"{caller} {method} {known}: {status} {text[:200]}"
    if caller in STRANGERS:
        assert CANARY not in text or KEY in known or known in SHARED, told
        if rule.scope is not None:
            other_status, other_text = ask(matrix, caller, method, unknown)
            assert (status, matrix.masked(text)) == (other_status, matrix.masked(other_text)), told
    if rule.scope is None:
        return
    if caller == "anonymous":
        assert status in (401, 303), told
    elif not allowed(rule, caller):
        assert status == 403, told
    elif caller not in STRANGERS:
        whole = known.endswith(_WHOLE) and caller not in ("administrator", "read token")
        if known in LEADS and caller == "our editor":
            assert status == 403, told
            return
        assert method != "GET" or status in ((404,) if whole else (200, 303)), told
    elif known != unknown:
        assert status in (404, 415, 422) or "?" in known, told


def allowed(rule: Rule, caller: str) -> bool:
    """Whether a caller passes a rule, by hand."""
    if rule.scope is None or caller == "anonymous":
        return rule.scope is None
    is_program = caller.endswith("token")
    if rule.persons_only and is_program:
        return False
    scopes = {
        "their viewer": {"read"}, "our viewer": {"read"},
        "their administrator": {"read", "write", "ingest"}, "our administrator": {"read", "write", "ingest"},
        "our editor": {"read", "write", "ingest"}, "administrator": {"read", "write", "ingest", "admin"},
        "their ingest token": {"ingest"}, "ingest token": {"ingest"}, "their application's token": {"read"},
        "read token": {"read"}, "their read token": {"read", "write"},
    }[caller]  # fmt: skip
    return rule.scope in scopes


def test_a_sender_reaches_its_own_applications_alone(matrix: Matrix) -> None:
    theirs = matrix.clients["their ingest token"]
    assert theirs.post("/api/v1/runs", json=run(7, "app-theirs")).status_code == 201
    ours, unknown = (theirs.post("/api/v1/runs", json=run(2, code)) for code in ("app-ours", "app-none"))
    assert ours.status_code == unknown.status_code == 404
    assert ours.text.replace("app-ours", "?") == unknown.text.replace("app-none", "?")
    for caller in ("their read token", "read token", "our viewer"):
        assert matrix.clients[caller].post("/api/v1/runs", json=run(3, "app-ours")).status_code == 403


def test_what_our_team_does_changes_no_figure_of_another(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        measure(here, "theirs")
        callers = {
            "viewer": here.browser("stranger"),
            "token": here.program(here.token("read", owner="chief", team="theirs").text),
        }
        paths = [
            path + query
            for method, path in ROUTES
            for query in QUERIES.get(path.removesuffix(".json"), ("",))
            if method == "GET"
            and "{" not in path + query
            and not path.startswith(("/sign-in", "/ready", "/api/v1/openapi"))
        ]

        def seen() -> dict[tuple[str, str], str]:
            return {(name, path): client.get(path).text for name, client in callers.items() for path in paths}

        declare(here, "theirs", 1000)
        admin = here.browser("admin")
        everything, before = admin.get("/api/v1/portfolio").text, seen()
        measure(here, "ours")
        declare(here, "ours", 987_654)
        assert admin.get("/api/v1/portfolio").text != everything, "it does change what an administrator sees"
        after = seen()
    for where, text in before.items():
        assert text == after[where], where


def test_an_identity_by_hand() -> None:
    class Thing:
        def __init__(self, thing_id: str, team_id: str | None) -> None:
            self.id, self.team_id = thing_id, team_id

    ours, theirs, nobodys = Thing("1", "a"), Thing("2", "b"), Thing("3", None)
    every = frozenset(accounts.SCOPES)
    viewer = access.Identity(kind="user", roles={"a": "viewer"}, scopes=frozenset({"read"}))
    editor = access.Identity(kind="user", roles={"a": "editor", "b": "viewer"}, scopes=every)
    lead = access.Identity(kind="user", roles={"a": "admin"}, scopes=every - {"admin"})
    admin = access.Identity(kind="user", is_admin=True, scopes=every)
    narrow = access.Identity(kind="token", application_id="2", scopes=frozenset({"read", "ingest"}))
    sees = {
        name: [who.may_read(thing) for thing in (ours, theirs, nobodys)]
        for name, who in {
            "viewer": viewer,
            "editor": editor,
            "admin": admin,
            "narrow": narrow,
            "nobody": access.ANONYMOUS,
        }.items()
    }
    assert sees == {
        "viewer": [True, False, False], "editor": [True, True, False], "admin": [True, True, True],
        "narrow": [False, True, False], "nobody": [False, False, False],
    }  # fmt: skip
    assert [editor.may_write(thing) for thing in (ours, theirs, nobodys)] == [True, False, False]
    assert [narrow.may_ingest(thing) for thing in (ours, theirs)] == [False, True]
    assert not narrow.may_write(theirs)
    assert [who.may_administer("a") for who in (viewer, editor, lead, admin, narrow)] == [
        False,
        False,
        True,
        True,
        False,
    ]
    assert [who.visible_teams() for who in (viewer, admin, narrow, access.ANONYMOUS)] == [{"a"}, None, set(), set()]
    assert narrow.visibility().applications == {"2"}
    assert [who.may_create_applications() for who in (viewer, editor, admin, narrow)] == [False, False, True, False]
