# SPDX-License-Identifier: Apache-2.0
"""Who asks, and what they may: every route declares a `Rule`, and the application does not start when one has none.

Two kinds of callers are known: people, by the cookie of a session, and programs, by an API token in ``Authorization: Bearer``.
What a person sees is what their teams own; administrators see everything. A thing of another team answers 404, as a thing
that does not exist does: `Identity.may_read` and its sisters are asked by the handlers, which know the thing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, Protocol
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount

from lichen.errors import LichenError, StorageError
from lichen.outputs.web import csrf, headers, limits, sessions
from lichen.outputs.web.context import context_of
from lichen.outputs.web.problems import Problem
from lichen.service import accounts
from lichen.service.accounts import Role, Scope
from lichen.service.board.queries import EVERYTHING, Visibility

SIGN_IN_PATH: Final = "/sign-in"
_CHALLENGE: Final = 'Bearer realm="lichen"'
_RANK: Final[Mapping[str, int]] = {"viewer": 1, "editor": 2, "admin": 3}


class Owned(Protocol):
    """An application, as far as access goes."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def team_id(self) -> str | None:
        """The team that owns it; None: nobody yet."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who asks.

    Attributes:
        kind: ``user`` by the cookie of a session, ``token``, or ``anonymous``.
        user_id: the person, or who made the token; None for an anonymous caller and a token made on the command line.
        token_id, session_hash: of the token or the session.
        name: shown on pages and in the audit log.
        lang: language chosen by the person; None: that of the browser.
        is_admin: of the whole organisation.
        roles: role by id of team.
        scopes: what may be done at all.
        team_id, application_id: a token is limited to this team or application; None: it is not.
    """

    kind: Literal["user", "token", "anonymous"] = "anonymous"
    user_id: str | None = None
    token_id: str | None = None
    session_hash: str | None = None
    name: str = ""
    lang: str | None = None
    is_admin: bool = False
    roles: Mapping[str, Role] = field(default_factory=dict)
    scopes: frozenset[Scope] = frozenset()
    team_id: str | None = None
    application_id: str | None = None

    @property
    def actor(self) -> str:
        """How the audit log names the caller: ``user:ID``, ``token:ID`` or ``anonymous``."""
        return f"{self.kind}:{self.token_id or self.user_id}" if self.kind != "anonymous" else self.kind

    @property
    def is_person(self) -> bool:
        """Signed in with a session; only a person manages accounts and tokens."""
        return self.kind == "user"

    def visible_teams(self) -> frozenset[str] | None:
        """Ids of the teams whose applications are seen; None: of all, and the applications of none."""
        if "read" not in self.scopes or self.application_id is not None:
            return frozenset()
        return None if self.is_admin else frozenset(self.roles)

    def visibility(self) -> Visibility:
        """The same for the use cases that show figures; a token of one application sees that one alone."""
        if "read" in self.scopes and self.application_id is not None:
            return Visibility(teams=frozenset(), applications=frozenset((self.application_id,)))
        teams = self.visible_teams()
        return EVERYTHING if teams is None else Visibility(teams=teams)

    def may_read(self, application: Owned) -> bool:
        """Whether figures and facts of an application are shown."""
        return "read" in self.scopes and self._reaches(application, "viewer")

    def may_write(self, application: Owned) -> bool:
        """Whether what is declared about an application may be changed."""
        return "write" in self.scopes and self._reaches(application, "editor")

    def may_ingest(self, application: Owned) -> bool:
        """Whether runs of an application are taken."""
        return "ingest" in self.scopes and self._reaches(application, "editor")

    def may_create_applications(self) -> bool:
        """Whether a run of an unknown application creates it, without a team."""
        return "ingest" in self.scopes and self.is_admin and self.application_id is None

    def may_see_team(self, team_id: str) -> bool:
        """Whether a team's page is shown."""
        teams = self.visible_teams()
        return teams is None or team_id in teams

    def may_administer(self, team_id: str) -> bool:
        """Whether members, targets and weights of a team may be changed."""
        allowed = "admin" in self.scopes or "write" in self.scopes
        return allowed and self.application_id is None and (self.is_admin or self.roles.get(team_id) == "admin")

    def may_manage(self, application: Owned) -> bool:
        """Whether an application may be retired: by administrators of its team, of the organisation where it has none."""
        return self.is_admin if application.team_id is None else self.may_administer(application.team_id)

    def _reaches(self, application: Owned, least: Role) -> bool:
        if self.application_id is not None:
            return application.id == self.application_id
        if self.is_admin:
            return True
        role = self.roles.get(application.team_id) if application.team_id is not None else None
        return role is not None and _RANK[role] >= _RANK[least]


ANONYMOUS: Final = Identity()


def identity(request: Request) -> Identity:
    """Who asks; looked up once a request.

    Raises:
        Problem: 401 when a token is given that is not valid; 429 when an address gives too many of them.
    """
    known: Identity | None = getattr(request.state, "identity", None)
    if known is None:
        known = request.state.identity = _look_up(request)
    return known


def _look_up(request: Request) -> Identity:
    context = context_of(request)
    bearer = bearer_of(request)
    if bearer is not None:
        limits.refuse_guessing(request)
        with context.store.reading() as session:
            token = accounts.verify_token(session, bearer, now=context.clock())
        if token is None:
            limits.count_guess(request)
            raise Problem(
                401, "The token is not valid: unknown, expired or revoked.", repair="Ask for another one.",
                headers={"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'},
            )  # fmt: skip
        limits.charge_token(request, token.token_id)
        if not token.touched:
            # A store that is busy or full still reads: when the token was used last is not worth a refusal.
            with contextlib.suppress(StorageError), context.store.session() as session:
                accounts.touch_token(session, token.token_id, now=context.clock())
        return Identity(
            kind="token", user_id=token.user_id, token_id=token.token_id, name=token.name, is_admin=token.is_admin,
            roles=token.roles, scopes=token.scopes, team_id=token.team_id, application_id=token.application_id,
        )  # fmt: skip
    secret = sessions.secret_of(request)
    if secret is None:
        return ANONYMOUS
    person = accounts.find_session(context.store, secret, now=context.clock())
    if person is None:
        return ANONYMOUS
    return Identity(
        kind="user", user_id=person.user_id, session_hash=person.session_hash, name=person.name, lang=person.lang,
        is_admin=person.is_admin, roles=person.roles, scopes=person.scopes,
    )  # fmt: skip


def bearer_of(request: Request) -> str | None:
    """The token of ``Authorization: Bearer``; None without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route asks of its caller: a dependency that answers with the `Identity`, or refuses.

    Attributes:
        scope: what the caller may do at least; None: anybody, even anonymous.
        persons_only: programs are refused, whatever their token: nothing that a leaked token does makes another one.
        reason: of a public route, why it is one.
    """

    scope: Scope | None
    persons_only: bool = False
    reason: str = ""

    def __call__(self, request: Request) -> Identity:
        """The identity of a caller who may pass.

        Raises:
            Problem: 401 (303 to the sign-in page for a browser) without an identity, 403 without the scope.
        """
        caller = identity(request)
        if self.scope is None:
            return caller
        if caller.kind == "anonymous":
            raise _sign_in_first(request)
        if self.persons_only and not caller.is_person:
            raise Problem(403, "A token cannot do this.", repair="Sign in on the page.", key="token")
        if self.scope not in caller.scopes:
            raise Problem(
                403, f"This needs the scope '{self.scope}', which the caller lacks.",
                repair="Ask an administrator for it.", culprit=self.scope, key=f"scope_{self.scope}",
                headers={"WWW-Authenticate": f'{_CHALLENGE}, error="insufficient_scope", scope="{self.scope}"'},
            )  # fmt: skip
        return caller


def require(scope: Scope, *, persons_only: bool = False) -> Rule:
    """The rule of a route that asks for a scope: ``caller: Annotated[Identity, Depends(require("read"))]``."""
    return Rule(scope, persons_only)


def public(reason: str) -> Rule:
    """The rule of a route that anybody may call; the reason is for readers of the code."""
    return Rule(None, reason=reason)


Reader = Annotated[Identity, Depends(require("read"))]
"""Parameter of a handler that shows something."""
Writer = Annotated[Identity, Depends(require("write"))]
"""Parameter of a handler that changes something."""
Administrator = Annotated[Identity, Depends(require("admin", persons_only=True))]
"""Parameter of a handler that manages the organisation."""


def not_found(what: str = "This page") -> Problem:
    """The answer for what does not exist and for what belongs to another team: nobody can tell which."""
    return Problem(404, f"{what} does not exist, or you may not see it.", repair="Check the address.", key="not_found")


def wants_page(request: Request) -> bool:
    """Whether a browser asks for a page, not a program for data."""
    return request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")


def wants_refusal_page(request: Request) -> bool:
    """Whether a refusal is read by a person: who opened a page, or sent a form from one."""
    if request.url.path.startswith("/api/") or request.url.path.endswith(".json"):
        return False
    sent = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return wants_page(request) or (sent and "text/html" in request.headers.get("accept", ""))


def _sign_in_first(request: Request) -> Problem:
    if wants_page(request) and not request.url.path.startswith("/api/"):
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return Problem(303, "Sign in first.", headers={"Location": f"{SIGN_IN_PATH}?next={quote(target, safe='')}"})
    return Problem(
        401, "Nobody is signed in, and no token was given.",
        repair="Sign in, or send a token in 'Authorization: Bearer'.", headers={"WWW-Authenticate": _CHALLENGE},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuledRoute:
    """A route of the application and what it asks for; ``rule`` is None when it declares nothing."""

    path: str
    methods: frozenset[str]
    rule: Rule | None


def routes(app: FastAPI) -> Iterator[RuledRoute]:
    """Every route, with its rule; mounted folders of static files are left out."""
    for route in iter_route_contexts(app.routes):
        original = route.original_route
        if isinstance(original, Mount):
            continue
        rule = _rule_of(route.dependant) if isinstance(original, APIRoute) else None
        yield RuledRoute(route.path or "", frozenset(route.methods or ()), rule)


def _rule_of(dependant: Any) -> Rule | None:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Rule):
            return dependency.call
        if (found := _rule_of(dependency)) is not None:
            return found
    return None


def check_rules(app: FastAPI) -> None:
    """LichenError when a route declares no rule; the description of the API, which holds no figure, needs none."""
    for route in routes(app):
        if route.rule is None and route.path != app.openapi_url:
            raise LichenError(f"The route {route.path} declares no access rule.", culprit=route.path)


def install(app: FastAPI) -> None:
    """What stands before every route, from the outside in: header fields, limits, refusal of forged requests."""
    csrf.install(app)
    limits.install(app)
    headers.install(app)
