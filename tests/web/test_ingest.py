# SPDX-License-Identifier: Apache-2.0
"""Taking runs in: each one once, all of a batch or none, and only what can have been measured."""

from __future__ import annotations

import concurrent.futures
import gzip
import json
import resource
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event
from starlette.testclient import TestClient
from tests.web.server_support import client, context, run, token

from lichen.ledger import runfile
from lichen.outputs.web.context import WebContext
from lichen.service import ingest, landing
from lichen.store.models import Application, Team
from lichen.store.queries.landing import count_waiting, owners

PATH = "/api/v1/runs"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebContext]:
    with context(tmp_path) as found:
        yield found


@pytest.fixture
def api(web: WebContext) -> Iterator[TestClient]:
    with client(web) as made:
        yield made


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server that all tests of refusals share: it keeps nothing."""
    with context(tmp_path_factory.mktemp("refusing")) as found, client(found) as made:
        yield made
        assert waiting(found) == 0


def waiting(web: WebContext) -> int:
    with web.store.reading() as session:
        return count_waiting(session)


def test_a_run_is_new_once(api: TestClient, web: WebContext) -> None:
    content = run()
    first, again = (api.post(PATH, json=content) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == {"run_id": runfile.run_id(content), "is_new": True}
    assert again.json() == {"run_id": runfile.run_id(content), "is_new": False}
    assert first.headers["lichen-runs-written"] == "1"
    assert again.headers["lichen-runs-written"] == "0"
    assert waiting(web) == 1


def test_a_gzipped_run_is_the_same_run(api: TestClient) -> None:
    packed = api.post(PATH, content=gzip.compress(json.dumps(run()).encode()), headers={"content-encoding": "gzip"})
    assert packed.status_code == 201
    assert api.post(PATH, json=run()).status_code == 200


def test_a_key_stands_for_one_body(api: TestClient) -> None:
    headers = {"idempotency-key": "build-1"}
    assert api.post(PATH, json=run(1), headers=headers).status_code == 201
    assert api.post(PATH, json=run(1), headers=headers).status_code == 200
    other = api.post(PATH, json=run(2), headers=headers)
    assert other.status_code == 409
    assert other.headers["content-type"] == "application/problem+json"
    assert "build-1" in other.json()["detail"]


def test_a_key_stands_for_one_batch(api: TestClient, web: WebContext) -> None:
    headers = {"idempotency-key": "night"}
    batch = {"runs": [run(1), run(2)]}
    assert api.post(PATH, json=batch, headers=headers).status_code == 201
    assert api.post(PATH, json=batch, headers=headers).status_code == 200
    assert api.post(PATH, json={"runs": [run(1), run(3)]}, headers=headers).status_code == 409
    assert waiting(web) == 2


def test_the_keys_of_two_senders_never_meet(web: WebContext) -> None:
    headers = {"idempotency-key": "1"}
    with client(web) as one, client(web) as other:
        assert one.post(PATH, json=run(1), headers=headers).status_code == 201
        assert other.post(PATH, json=run(2), headers=headers).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "é".encode(), "x" * 201])
def test_a_key_that_is_none_is_refused(refusing: TestClient, key: str | bytes) -> None:
    assert refusing.post(PATH, json=run(), headers={"idempotency-key": key}).status_code == 422  # type: ignore[dict-item]


def test_a_storm_of_retries_leaves_one_run_for_each_key(api: TestClient, web: WebContext) -> None:
    """Each of 10 keys comes five times at once, and once with another body."""
    bodies = [(str(key), run(key)) for key in range(10) for _ in range(5)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        sent = list(pool.map(lambda one: api.post(PATH, json=one[1], headers={"idempotency-key": one[0]}), bodies))
        others = list(
            pool.map(lambda key: api.post(PATH, json=run(99), headers={"idempotency-key": str(key)}), range(10))
        )
    assert sorted(answer.status_code for answer in sent) == [200] * 40 + [201] * 10
    assert {answer.status_code for answer in others} == {409}
    assert waiting(web) == 10


def test_a_run_that_comes_under_two_keys_lands_once(api: TestClient, web: WebContext) -> None:
    for key in ("a", "b"):
        assert api.post(PATH, json=run(), headers={"idempotency-key": key}).status_code == 201
    assert landing.land_all(web) == 2
    assert web.ledger.runs().num_rows == 1


def spoilt(batch: list[dict[str, Any]], place: int) -> list[dict[str, Any]]:
    batch[place]["activities"][0]["value"] = -1.0
    return batch


def test_one_bad_run_of_a_hundred_refuses_all(api: TestClient, web: WebContext) -> None:
    answer = api.post(PATH, json={"runs": spoilt([run(i) for i in range(100)], 41)})
    assert answer.status_code == 422
    assert [failure["index"] for failure in answer.json()["failures"]] == [41]
    assert "cpu_time" in answer.json()["failures"][0]["detail"]
    assert waiting(web) == 0


def test_partial_keeps_ninety_nine_and_lists_one(api: TestClient, web: WebContext) -> None:
    answer = api.post(f"{PATH}?partial=true", json={"runs": spoilt([run(i) for i in range(100)], 41)})
    assert answer.status_code == 201
    assert len(answer.json()["items"]) == 99
    assert [failure["index"] for failure in answer.json()["failures"]] == [41]
    assert answer.headers["lichen-runs-written"] == "99"
    assert answer.headers["lichen-runs-refused"] == "1"
    assert waiting(web) == 99


@pytest.mark.parametrize("word", ["maybe", "", "tru"])
def test_partial_is_true_or_false(refusing: TestClient, word: str) -> None:
    assert refusing.post(f"{PATH}?partial={word}", json=run()).status_code == 422


def test_partial_finds_the_run_whose_number_no_parser_takes(api: TestClient) -> None:
    text = json.dumps({"runs": [run(0), run(1)]})
    at = text.rindex('"value": ') + len('"value": ')
    broken = f"{text[:at]}NaN{text[text.index(',', at) :]}"
    answer = api.post(f"{PATH}?partial=true", content=broken)
    assert answer.status_code == 201
    assert [failure["index"] for failure in answer.json()["failures"]] == [1]


@pytest.mark.parametrize(
    "number",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e308",
        "1e309",
        "-1",
        "-1e-3",
        "-0.0",
        "5e-324",
        str(2**63),
        str(10**40),
        "9" * 5000,
    ],
)
@pytest.mark.parametrize("place", ["value", "sample"])
def test_a_number_that_cannot_be_is_refused(refusing: TestClient, number: str, place: str) -> None:
    content = run()
    if place == "value":
        content["activities"][0]["value"] = "HERE"
    else:
        content["activities"][0]["samples"][2] = "HERE"
    answer = refusing.post(PATH, content=json.dumps(content).replace('"HERE"', number))
    assert answer.status_code == 422
    assert len(answer.content) < 1000


@pytest.mark.parametrize("number", ["NaN", "1e309", "5e-324", "1" * 30])
def test_such_a_number_is_refused_anywhere(refusing: TestClient, number: str) -> None:
    content = run()
    content["journeys"][0]["sampling"]["primary_s"][0] = "HERE"
    answer = refusing.post(PATH, content=json.dumps(content).replace('"HERE"', number))
    assert answer.status_code == 422
    assert answer.json()["culprit"] == "journeys[0].sampling.primary_s[0]"


def moved(**times: str) -> dict[str, Any]:
    return {**run(), **times}


def stamp(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


@pytest.mark.parametrize(
    "times",
    [
        {"ended_at": stamp(25)},
        {"started_at": "9999-01-01T00:00:00Z", "ended_at": "9999-01-01T00:00:01Z"},
        {"started_at": "2026-03-01T10:00:00"},
        {"ended_at": "2026-03-01T09:59:59Z"},
        {"started_at": "yesterday"},
        {"started_at": "2026-02-30T10:00:00Z"},
        {"started_at": "0001-01-01T00:00:00+23:00"},
    ],
)
def test_a_time_that_cannot_be_is_refused(refusing: TestClient, times: dict[str, str]) -> None:
    assert refusing.post(PATH, json=moved(**times)).status_code == 422


@pytest.mark.parametrize(
    "times",
    [
        {"ended_at": stamp(23)},
        {"started_at": "1999-12-31T23:59:59Z", "ended_at": "2000-01-01T00:00:00Z"},
        {"started_at": "2026-03-29T01:30:00+01:00", "ended_at": "2026-03-29T03:30:00+02:00"},
        {"started_at": "2026-03-01T10:00:00.000Z", "ended_at": "2026-03-01T10:00:00.000Z"},
    ],
)
def test_a_late_run_and_one_across_a_change_of_clocks_are_taken(api: TestClient, times: dict[str, str]) -> None:
    assert api.post(PATH, json=moved(**times)).status_code == 201


def test_runs_keep_the_order_of_their_times_however_they_come(api: TestClient, web: WebContext) -> None:
    for day in ("20", "10", "15", "10"):
        assert api.post(PATH, json=moved(started_at=f"2026-02-{day}T10:00:00Z")).status_code in (200, 201)
    landing.land_all(web)
    assert sorted(moment.day for moment in web.ledger.runs().column("started_at").to_pylist()) == [10, 15, 20]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"1", b"null", b"\xff\xfe", b'{"runs": []}', b'{"runs": [], "schema_": 1}', b'{"runs": {}}', b"{}",
        b'{"schema": "lichen-run/2"}', b'{"schema": null}', b'"' + b"\\ud800" + b'"', b'{"runs": [1, null, "x", []]}',
        b"[" * 100_000, b'{"a":' * 2000 + b"1" + b"}" * 2000,
    ],
)  # fmt: skip
def test_what_is_no_run_is_refused_in_a_sentence(refusing: TestClient, body: bytes) -> None:
    answer = refusing.post(PATH, content=body)
    assert answer.status_code == 422
    assert answer.json()["detail"].endswith(".")
    assert len(answer.content) < 2000


@pytest.mark.parametrize("name", ["", "a\u0000b", "x" * 10_000, "line\nbreak", ".", ".."])
def test_a_name_that_no_table_holds_is_refused(refusing: TestClient, name: str) -> None:
    assert refusing.post(PATH, json=run(project=name)).status_code == 422


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>".replace("/", "∕"), "=cmd|' !A0", "🌿" * 50, "\u202eevil", "a" * 200]
)
def test_a_hostile_name_is_a_name(api: TestClient, web: WebContext, name: str) -> None:
    assert api.post(PATH, json=run(project=name)).status_code == 201
    landing.land_all(web)
    with web.store.reading() as session:
        assert owners(session, [name]).keys() == {name}


def test_half_of_a_surrogate_pair_is_refused(refusing: TestClient) -> None:
    content = run()
    content["host"]["cpu_model"] = "HERE"
    answer = refusing.post(PATH, content=json.dumps(content).replace("HERE", "\\ud800"))
    assert answer.status_code == 422


def test_a_run_of_two_applications_is_refused(refusing: TestClient) -> None:
    content = run()
    content["activities"][-1]["entity"] = "other/browser/apply/open"
    assert refusing.post(PATH, json=content).status_code == 422


def test_a_run_in_other_units_is_refused(refusing: TestClient) -> None:
    content = run()
    content["activities"][0]["unit"] = "ms"
    assert refusing.post(PATH, json=content).status_code == 422


def packed(*pieces: bytes) -> bytes:
    """A gzip stream of pieces, none of which is ever whole in memory."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([*(packer.compress(piece) for piece in pieces), packer.flush()])


BOMBS: dict[str, tuple[Callable[[], bytes], int]] = {
    "ratio": (lambda: packed(*[b" " * 2**20] * 200), 413),
    "many lists": (lambda: packed(b'{"a":', *[b"[" * 1000] * 1000, *[b"]" * 1000] * 1000, b"}"), 413),
    "many keys": (lambda: packed(b"{", *(b'"%d":1,' % i for i in range(10**6)), b'"":1}'), 413),
    "packed twice": (lambda: packed(packed(b"{}")), 422),
    "cut": (lambda: packed(b"{}")[:-4], 422),
    "two members": (lambda: packed(b"{}") + packed(b"{}"), 422),
    "nonsense": (lambda: b"\x1f\x8bnonsense", 422),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_fills_the_memory(refusing: TestClient, name: str) -> None:
    make, status = BOMBS[name]
    body = make()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = refusing.post(PATH, content=body, headers={"content-encoding": "gzip"})
    assert answer.status_code == status
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024  # KiB


def test_a_body_beyond_the_limit_is_refused_while_it_comes(refusing: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 2**20

    assert refusing.post(PATH, content=endless()).status_code == 413


def test_another_encoding_is_refused(refusing: TestClient) -> None:
    assert refusing.post(PATH, content=b"{}", headers={"content-encoding": "br"}).status_code == 422


def test_a_batch_has_a_limit(refusing: TestClient) -> None:
    assert refusing.post(PATH, json={"runs": [{}] * (ingest.BATCH_MAX + 1)}).status_code == 413


def test_a_full_disk_refuses_and_the_server_goes_on_when_there_is_space(web: WebContext, api: TestClient) -> None:
    limits = {"pages": 0}

    @event.listens_for(web.store.engine, "begin")
    def bound(connection: Connection) -> None:
        if limits["pages"]:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {limits['pages']}")

    assert api.post(PATH, json=run(0)).status_code == 201
    limits["pages"] = 1  # SQLite takes the present size, and says what it says when the disk has no more
    answers = [api.post(PATH, json=run(number)) for number in range(1, 40)]
    full = [answer for answer in answers if answer.status_code != 201]
    assert {answer.status_code for answer in full} == {507}
    assert full[0].headers["retry-after"] == "30"
    assert waiting(web) == 40 - len(full)
    limits["pages"] = 10**6
    assert api.post(PATH, json=run(99)).status_code == 201


def test_a_server_that_takes_no_more_says_when_to_come_back(web: WebContext, api: TestClient) -> None:
    assert api.post(PATH, json=run(1)).status_code == 201
    api.app.state.ingest.journal.close()  # type: ignore[attr-defined]
    answer = api.post(PATH, json=run(2))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert waiting(web) == 1


def test_without_the_scope_nothing_is_taken(web: WebContext) -> None:
    with client(web, token(web, "read")) as reader:
        assert reader.post(PATH, json=run()).status_code == 403
    with client(web, "nonsense") as nobody:
        assert nobody.post(PATH, json=run()).status_code == 401
    assert waiting(web) == 0


def test_a_team_s_token_takes_runs_of_its_applications_alone(web: WebContext) -> None:
    with web.store.session() as session:
        ours, theirs = (Team(code=code, name=code) for code in ("ours", "theirs"))
        session.add_all([ours, theirs])
        session.flush()
        session.add(Application(code="loans", name="Loans", team_id=ours.id))
        session.add(Application(code="cards", name="Cards", team_id=theirs.id))
        team_id = ours.id
    with client(web, token(web, "ingest", team_id=team_id)) as api:
        assert api.post(PATH, json=run()).status_code == 201
        foreign, unknown = (api.post(PATH, json=run(project=name)) for name in ("cards", "nowhere"))
        assert (foreign.status_code, unknown.status_code) == (404, 404)
        assert foreign.json()["detail"].replace("cards", "nowhere") == unknown.json()["detail"]
        answer = api.post(f"{PATH}?partial=true", json={"runs": [run(1), run(2, "cards")]})
        assert [failure["index"] for failure in answer.json()["failures"]] == [1]


def test_landing_makes_rows_and_marks_them(api: TestClient, web: WebContext) -> None:
    api.post(PATH, json={"runs": [run(1), run(2), run(3, "cards")]})
    assert landing.status(web).pending == 3
    assert landing.land_all(web) == 3
    assert landing.land_all(web) == 0
    assert landing.status(web).pending == 0
    runs = web.ledger.runs()
    assert sorted(runs.column("run_id").to_pylist()) == sorted(
        runfile.run_id(c) for c in (run(1), run(2), run(3, "cards"))
    )
    assert web.ledger.run(runfile.run_id(run(2))) is not None
    with web.store.reading() as session:
        assert owners(session, ["loans", "cards"]).keys() == {"loans", "cards"}
