# SPDX-License-Identifier: Apache-2.0
"""Runs take a short way to their handler; what they are answered is what the long way answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient
from tests.web.server_support import client, context, run, token

from lichen.outputs.web import limits
from lichen.outputs.web.api import runs
from lichen.outputs.web.context import WebContext
from lichen.service.accounts import Throttle

LONG = {"cookie": "theme=dark"}
"""A request with a cookie takes the long way."""
Send = Callable[[dict[str, str]], Response]


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebContext]:
    with context(tmp_path) as found:
        yield found


@pytest.fixture
def api(web: WebContext) -> Iterator[TestClient]:
    with client(web) as made:
        yield made


def seen(answer: Response) -> tuple[int, dict[str, str], Any]:
    """All of an answer."""
    fields = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return answer.status_code, fields, answer.json()


def batch(*numbers: int, spoilt: bool = False) -> dict[str, Any]:
    found = [run(number) for number in numbers]
    if spoilt:
        found[0]["activities"][0]["value"] = -1.0
    return {"runs": found}


@pytest.mark.parametrize(
    ("content", "fields", "query"),
    [
        (run(), {}, ""),
        (run(), {"idempotency-key": "a b"}, ""),
        (run(), {"content-encoding": "br"}, ""),
        (run(), {"authorization": "Bearer nonsense"}, ""),
        (run(), {}, "?partial=maybe"),
        (run(), {}, "?partial=yes"),
        (batch(1, 2, spoilt=True), {}, ""),
        (batch(1, 2, spoilt=True), {}, "?partial=true"),
        ([], {}, ""),
        ({**run(), "started_at": "yesterday"}, {}, ""),
    ],
)
def test_both_ways_answer_alike(api: TestClient, content: Any, fields: dict[str, str], query: str) -> None:
    api.post(runs.PATH, json=run())  # so that neither of the two is the first
    api.post(f"{runs.PATH}?partial=true", json=batch(1, 2))

    def send(further: dict[str, str]) -> Response:
        return api.post(f"{runs.PATH}{query}", content=json.dumps(content), headers={**fields, **further})

    short, long = seen(send({})), seen(send(LONG))
    assert short == long
    assert "content-security-policy" in short[1]
    assert short[1]["vary"] == "Cookie, Authorization"


def test_both_ways_refuse_a_token_without_the_scope_alike(web: WebContext) -> None:
    with client(web, token(web, "read")) as reader:
        short, long = (seen(reader.post(runs.PATH, json=run(), headers=way)) for way in ({}, LONG))
    assert short == long
    assert short[0] == 403


@pytest.mark.parametrize("way", [{}, LONG])
def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(api: TestClient, way: dict[str, str]) -> None:
    answer = api.post(
        runs.PATH, content=b"{}", headers={**way, "content-length": str(limits.LARGE_BODIES[runs.PATH] + 1)}
    )
    assert answer.status_code == 413


def test_both_ways_refuse_a_body_that_grows_too_large_alike(api: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        yield from [b" " * 2**20] * 17

    short, long = (seen(api.post(runs.PATH, content=chunks(), headers=way)) for way in ({}, LONG))
    assert short == long
    assert short[0] == 413


@pytest.mark.parametrize("way", [{}, LONG])
def test_an_address_that_asks_too_much_waits(api: TestClient, way: dict[str, str]) -> None:
    api.app.state.limits.addresses = Throttle(per_s=0.01, burst=0.5, clock=lambda: 0.0)  # type: ignore[attr-defined]
    answer = api.post(runs.PATH, json=run(), headers=way)
    assert (answer.status_code, answer.json()["detail"]) == (429, "Too many requests came from this address.")
    assert int(answer.headers["retry-after"]) >= 1


def test_what_fails_unforeseen_is_answered_without_its_cause(web: WebContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("a secret")

    with client(web) as api:
        monkeypatch.setattr("lichen.outputs.web.api.runs.entries_of", fails)
        for way in ({}, LONG):
            with pytest.raises(RuntimeError):
                api.post(runs.PATH, json=run(), headers=way)
        patient = TestClient(
            api.app, base_url=str(api.base_url), headers=dict(api.headers), raise_server_exceptions=False
        )
        short, long = (seen(patient.post(runs.PATH, json=run(), headers=way)) for way in ({}, LONG))
    assert short == long
    assert short[0] == 500
    assert "secret" not in str(short)


def test_a_person_takes_the_long_way_and_no_page_of_another_site_sends_runs(api: TestClient) -> None:
    api.headers.pop("authorization")
    assert api.post(runs.PATH, json=run()).status_code == 401
    forged = api.post(runs.PATH, json=run(), headers={"sec-fetch-site": "cross-site", "cookie": "x=y"})
    assert forged.status_code == 403
