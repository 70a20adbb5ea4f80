# SPDX-License-Identifier: Apache-2.0
"""One comment on a merge request, made or brought up to date: found again by the hidden line that it begins with.

Interfaces: https://docs.github.com/rest/issues/comments and https://docs.gitlab.com/api/notes/. Address and token come from
variables of the pipeline, and the token goes nowhere but to that address: redirects are not followed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote

from lichen.errors import StorageError, UsageError

if TYPE_CHECKING:
    import httpx2

_TIMEOUT_S: Final = 20.0
_PER_PAGE: Final = 100
_PAGES_MAX: Final = 50
_TRIES: Final = 4
_PAUSE_MAX_S: Final = 10.0
_LATER: Final = frozenset({429, 500, 502, 503, 504})
_MAY_NOT: Final = frozenset({403, 404})

Done = Literal["created", "updated", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discussion:
    """Where a comment goes.

    Attributes:
        base: address of the interface.
        headers: with the token.
        listing: path of the list of comments; single: of one, where ``{id}`` is its number.
        update: method of changing one.
    """

    base: str
    headers: Mapping[str, str]
    listing: str
    single: str
    update: Literal["PATCH", "PUT"]


def on_github(env: Mapping[str, str]) -> Discussion:
    """The pull request of a GitHub pipeline.

    Args:
        env: with ``GITHUB_API_URL``, ``GITHUB_REPOSITORY``, ``GITHUB_TOKEN``, and ``GITHUB_REF`` or ``GITHUB_EVENT_PATH``.

    Raises:
        UsageError: a variable is missing, or this is no pull request.
    """
    base, repository, token = (_variable(env, name) for name in ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN"))
    number = _pull_request(env)
    return Discussion(
        base=base,
        headers={
            "Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28",
        },
        listing=f"/repos/{quote(repository)}/issues/{number}/comments",
        single=f"/repos/{quote(repository)}/issues/comments/{{id}}",
        update="PATCH",
    )  # fmt: skip


def on_gitlab(env: Mapping[str, str]) -> Discussion:
    """The merge request of a GitLab pipeline.

    Args:
        env: with ``CI_API_V4_URL``, ``CI_PROJECT_ID``, ``CI_MERGE_REQUEST_IID`` and ``GITLAB_TOKEN``, a project's access token
            with the scope ``api``: the token of a job may not comment.

    Raises:
        UsageError: a variable is missing, or this is no merge request.
    """
    if env.get("CI") and not env.get("CI_MERGE_REQUEST_IID"):
        raise UsageError(
            "This pipeline is of no merge request.",
            repair="Run the job in merge request pipelines only: rules: if $CI_MERGE_REQUEST_IID.",
            culprit="CI_MERGE_REQUEST_IID",
        )
    names = ("CI_API_V4_URL", "CI_PROJECT_ID", "CI_MERGE_REQUEST_IID", "GITLAB_TOKEN")
    base, project, number, token = (_variable(env, name) for name in names)
    notes = f"/projects/{quote(project, safe='')}/merge_requests/{quote(number, safe='')}/notes"
    return Discussion(
        base=base, headers={"PRIVATE-TOKEN": token}, listing=notes, single=f"{notes}/{{id}}", update="PUT"
    )


def _variable(env: Mapping[str, str], name: str) -> str:
    if not env.get(name):
        raise UsageError(
            f"The variable {name} is not set.",
            repair="Run it in the pipeline, or set it; docs/ci.md lists what each platform needs.",
            culprit=name,
        )
    return env[name]


def _pull_request(env: Mapping[str, str]) -> int:
    parts = env.get("GITHUB_REF", "").split("/")
    if parts[:2] == ["refs", "pull"] and len(parts) > 2 and parts[2].isdigit():
        return int(parts[2])
    try:
        event = json.loads(Path(env["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
        return int((event.get("pull_request") or event.get("issue") or event)["number"])
    except (KeyError, OSError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            "This step is of no pull request.",
            repair="Run it on: pull_request only.",
            culprit="GITHUB_REF",
        ) from error


def post(place: Discussion, body: str, mark: str, *, wait: Callable[[float], object] = time.sleep) -> Done:
    """Makes the comment, or brings the one that begins with ``mark`` up to date.

    Args:
        place: where.
        body: begins with ``mark``.
        wait: between tries [s].

    Returns:
        ``refused`` where the token may read and not write, as that of a merge request from a fork.

    Raises:
        UsageError: the token is not valid, or the address is none.
        StorageError: the other side does not answer, or keeps failing.
    """
    import httpx2

    try:
        with httpx2.Client(
            base_url=place.base.rstrip("/"), headers=dict(place.headers), timeout=_TIMEOUT_S, follow_redirects=False
        ) as client:
            return _posted(_Caller(client, wait), place, body, mark)
    except httpx2.InvalidURL as error:
        raise UsageError(
            f"'{place.base}' is no address.", repair="Look at the variable.", culprit=place.base
        ) from error
    except httpx2.HTTPError as error:
        raise StorageError(
            f"{place.base} does not answer: {str(error) or type(error).__name__}.",
            repair="Try again; the report of the job has the same text.",
            culprit=place.base,
        ) from error


def _posted(caller: _Caller, place: Discussion, body: str, mark: str) -> Done:
    for note in _notes(caller, place):
        if str(note.get("body", "")).startswith(mark):
            path = place.single.format(id=int(note["id"]))
            return "refused" if caller.call(place.update, path, body=body) is None else "updated"
    return "refused" if caller.call("POST", place.listing, body=body) is None else "created"


def _notes(caller: _Caller, place: Discussion) -> Iterator[Mapping[str, Any]]:
    """The comments there are; none where they may not be read."""
    for page in range(1, _PAGES_MAX + 1):
        notes = caller.call("GET", place.listing, params={"per_page": _PER_PAGE, "page": page})
        yield from notes or ()
        if not notes or len(notes) < _PER_PAGE:
            return


@dataclass(frozen=True, slots=True)
class _Caller:
    """Calls an interface; what fails for the moment is tried again."""

    client: httpx2.Client
    wait: Callable[[float], object]

    def call(
        self, method: str, path: str, *, body: str | None = None, params: Mapping[str, int] | None = None
    ) -> Any | None:
        """The answer as JSON; None where the token may not do that."""
        content = None if body is None else {"body": body}
        for turn in range(_TRIES):
            answer = self.client.request(method, path, json=content, params=params)
            if answer.status_code not in _LATER or turn == _TRIES - 1:
                break
            self.wait(_pause_s(answer, turn))
        if answer.status_code in _MAY_NOT:
            return None
        return self._read(answer)

    def _read(self, answer: httpx2.Response) -> Any:
        where = str(self.client.base_url)
        if answer.status_code == 401:
            raise UsageError(f"{where} does not take the token.", repair="Give one that is valid.", culprit="token")
        if not answer.is_success:
            raise StorageError(
                f"{where} answered {answer.status_code}.",
                repair="Try again; the report of the job has the same text.",
                culprit=where,
            )
        try:
            return answer.json()
        except ValueError as error:
            raise StorageError(
                f"{where} answered something that is not JSON.", repair="Look at the address.", culprit=where
            ) from error


def _pause_s(answer: httpx2.Response, turn: int) -> float:
    said = answer.headers.get("retry-after", "")
    return min(float(said) if said.isascii() and said.isdigit() else 2.0**turn, _PAUSE_MAX_S)
