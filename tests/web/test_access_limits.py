# SPDX-License-Identifier: Apache-2.0
"""How much one caller may ask, and what a refusal costs the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.web.access_support import World, world

from lichen.outputs.web import limits
from lichen.service import ingest
from lichen.service.accounts import Throttle

RUNS = "/api/v1/runs"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_takes_a_burst_then_the_rate() -> None:
    clock = Seconds()
    throttle = Throttle(per_s=2, burst=3, clock=clock)
    assert [throttle.add("a") for _ in range(4)] == [0, 0, 0, 1]
    assert throttle.add("b") == 0, "another key is another bucket"
    clock.now = 0.5
    assert [throttle.add("a") for _ in range(2)] == [0, 1], "one leaked out in half a second"
    clock.now = 100.0
    assert [throttle.add("a") for _ in range(4)] == [0, 0, 0, 1], "it never takes more than its burst"


def test_the_seconds_to_wait_are_enough() -> None:
    clock = Seconds()
    throttle = Throttle(per_s=0.3, burst=1, clock=clock)
    assert throttle.add("a") == 0
    wait_s = throttle.add("a")
    assert wait_s == 4
    clock.now = float(wait_s)
    assert throttle.add("a") == 0


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(-5, 50)), max_size=200))
def test_memory_is_bounded_and_a_clock_that_jumps_lets_nobody_through_twice(steps: list[tuple[int, float]]) -> None:
    clock = Seconds()
    throttle = Throttle(per_s=1, burst=2, clock=clock, keys_max=8)
    forward, taken = 0.0, 0
    for key, move in steps:
        clock.now += move
        forward += max(0.0, move)
        taken += throttle.add("same") == 0
        throttle.add(f"key {key}")
        assert len(throttle) <= 8
    assert taken <= 2 + forward


def test_a_million_addresses_fill_no_memory(here: World) -> None:
    found: limits.Limits = here.app.state.limits
    for number in range(20_000):
        found.addresses.add(f"address {number}")
    assert len(found.addresses) == 10_000


def test_an_address_that_asks_too_much_waits(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        here.app.state.limits, "addresses", Throttle(per_s=1, burst=5, clock=lambda: here.clock().timestamp())
    )
    program = here.program(host="192.0.2.1")
    answers = [program.get("/health") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert answers[-1].headers["retry-after"] == "1"
    assert answers[-1].headers["content-type"] == "application/problem+json"
    assert answers[-1].headers["x-content-type-options"] == "nosniff"
    assert here.program(host="192.0.2.2").get("/health").status_code == 200
    here.clock.move(seconds=1)
    assert program.get("/health").status_code == 200


def test_a_token_that_asks_too_much_waits_wherever_it_is_used(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        here.app.state.limits, "tokens", Throttle(per_s=1, burst=3, clock=lambda: here.clock().timestamp())
    )
    first, second = here.token("ingest").text, here.token("ingest").text
    statuses = [here.program(first, host=f"192.0.2.{number}").post(RUNS, json={}).status_code for number in range(5)]
    assert statuses == [422] * 3 + [429] * 2
    assert here.program(second).post(RUNS, json={}).status_code == 422


def test_guessing_tokens_is_slowed_down_and_real_ones_are_not_looked_up_then(here: World) -> None:
    real = here.token("ingest").text
    guessing = here.program("lichen_" + "0" * 36, host="192.0.2.1")
    statuses = [guessing.post(RUNS, json={}).status_code for _ in range(32)]
    assert statuses == [401] * 30 + [429] * 2
    assert here.program(real, host="192.0.2.1").post(RUNS, json={}).status_code == 429
    assert here.program(real, host="192.0.2.2").post(RUNS, json={}).status_code == 422
    here.clock.move(seconds=2)
    assert here.program(real, host="192.0.2.1").post(RUNS, json={}).status_code == 422


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_an_address_of_ipv6_is_its_network(here: World, one: str, other: str, same: bool) -> None:
    found: limits.Limits = here.app.state.limits
    here.program(host=one).get("/health")
    here.program(host=other).get("/health")
    assert len(found.addresses) == (1 if same else 2)


@pytest.mark.parametrize("path", ["/sign-in", RUNS])
def test_a_body_that_says_it_is_too_large_is_refused_unread(here: World, path: str) -> None:
    most = limits.LARGE_BODIES.get(path, limits.BODY_MAX_BYTES)
    asked: list[int] = []

    def body() -> Iterator[bytes]:
        asked.append(1)
        yield b"x"

    answer = here.program().post(path, content=body(), headers={"content-length": str(most + 1)})
    assert answer.status_code == 413, "before anybody asks who sends it"


def test_a_body_that_does_not_say_its_length_is_counted(here: World) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(40):
            yield b"email=" + b"x" * 65_536

    form = {"content-type": "application/x-www-form-urlencoded"}
    assert here.program().post("/sign-in", content=body(), headers=form).status_code == 413


def test_runs_may_be_as_large_as_the_ingest_takes() -> None:
    assert limits.LARGE_BODIES == {RUNS: ingest.BODY_MAX}


@pytest.mark.parametrize(
    ("content_type", "content", "status"),
    [
        ("application/json", b"{}", 415),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("application/x-www-form-urlencoded", b"email=%ff", 422),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(101)), 422),
        ("application/x-www-form-urlencoded; charset=utf-8", b"email=x&password=y", 401),
        ("application/x-www-form-urlencoded", b"", 401),
    ],
)
def test_what_is_no_form_is_refused(here: World, content_type: str, content: bytes, status: int) -> None:
    answer = here.browser().post("/sign-in", content=content, headers={"content-type": content_type})
    assert answer.status_code == status
