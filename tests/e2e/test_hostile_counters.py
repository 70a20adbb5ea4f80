# SPDX-License-Identifier: Apache-2.0
"""Servers and meters that answer with nonsense, never end, or hang: each is one sentence, in time, and never a figure."""

from __future__ import annotations

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from tests.e2e.prometheus_support import answering, send

from lichen.collect.machine.endpoint import Address
from lichen.collect.machine.meters.plain import FileDisplay, HttpDisplay, PlainSource, number_in
from lichen.collect.machine.prometheus.counter import QueryCounter
from lichen.collect.machine.sources import sources
from lichen.config import PrometheusServer, Settings
from lichen.errors import ConfigError, NothingMeasured

DEEP = "[" * 100_000
QUERY = {"cpu_time": "work_total"}


def ask(url: str, *, token: str = "", query: dict[str, str] | None = None) -> None:
    counter = QueryCounter("part web", Address(url=url, token=token, timeout_s=1), query or QUERY)
    try:
        counter.start()
    finally:
        counter.close()


def answer_matrix(handler: BaseHTTPRequestHandler, clock: object, values: list[list[object]]) -> None:
    """Answers as Prometheus does, with this for ``time()`` and these samples for all else."""
    asked = parse_qs(urlparse(handler.path).query)["query"]
    if asked == ["time()"]:
        data: dict[str, object] = {"resultType": "scalar", "result": [time.time(), clock]}
    else:
        data = {"resultType": "matrix", "result": [{"metric": {"job": "a"}, "values": values}]}
    send(handler, json.dumps({"status": "success", "data": data}))


@pytest.mark.parametrize("body", [DEEP, '{"data": {"result": ' + DEEP])
def test_an_answer_nested_too_deeply_is_no_json(body: str) -> None:
    with answering(lambda handler: send(handler, body)) as url, pytest.raises(NothingMeasured, match="gave no JSON"):
        ask(url)


def test_a_refusal_nested_too_deeply_is_a_refusal() -> None:
    with (
        answering(lambda handler: send(handler, DEEP, status=500)) as url,
        pytest.raises(NothingMeasured, match=r"refuses \(status 500\)"),
    ):
        ask(url)


@pytest.mark.parametrize("clock", ["noon", "NaN", "+Inf", [], None])
def test_a_clock_that_tells_no_time(clock: object) -> None:
    with (
        answering(lambda handler: answer_matrix(handler, clock, [])) as url,
        pytest.raises(NothingMeasured, match="gave no time"),
    ):
        ask(url)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([[1e308, "1"]], "gave no matrix of numbers"),
        ([[1e9, "1e300"], [1e9 + 1, "1.7e308"]], "has no cpu_time"),
        ([[1e9, "NaN"], [1e9 + 1, "-Inf"]], "has no cpu_time"),
    ],
)
def test_numbers_that_nothing_counts_are_no_samples(values: list[list[object]], said: str) -> None:
    with (
        answering(lambda handler: answer_matrix(handler, f"{time.time():.3f}", values)) as url,
        pytest.raises(NothingMeasured, match=said),
    ):
        ask(url)


def test_a_factor_without_measure_leaves_no_sample() -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        answer_matrix(handler, f"{time.time():.3f}", [[time.time() - 1, "1"], [time.time(), "2"]])

    with answering(answer) as url, pytest.raises(NothingMeasured, match="has no cpu_time"):
        ask(url, query={"cpu_time": "work_total * 1e308"})


def test_a_head_that_never_ends_is_cut_off() -> None:
    over = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not over.wait(0.1):
            handler.wfile.write(b"X: y\r\n")

    with answering(drip) as url:
        try:
            with pytest.raises(NothingMeasured, match="did not answer within 1 s"):
                ask(url)
        finally:
            over.set()


def test_credentials_are_not_shown_by_a_diagnosis() -> None:
    with answering(lambda handler: answer_matrix(handler, f"{time.time():.3f}", [])) as url:
        server = PrometheusServer(url=url.replace("//", "//user:hush@"))
        (found,) = [one for one in sources(Settings(prometheus=server)) if one.topic == "prometheus"]
    assert found.ok
    assert found.what == f"{url} answers"


@pytest.mark.parametrize("token", ["hush\nX-Evil: 1", "hush\0", "hushé", "hu sh"])
def test_a_token_that_no_header_holds_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ConfigError, match="holds characters that no token has") as refused:
        ask("http://127.0.0.1:9", token=token)
    assert "hu" not in refused.value.problem + refused.value.repair


@pytest.mark.parametrize(
    "url", ["http://user:hush@127.0.0.1:99999", "http://user:hush@", "ftp://user:hush@host", "http://[::1", "{web.url}/x"]
)  # fmt: skip
def test_an_address_that_nobody_can_ask_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="is no address that can be asked") as refused:
        ask(url)
    assert "hush" not in refused.value.problem
    with pytest.raises(ConfigError, match="is no address that can be asked"):
        HttpDisplay("The meter", Address(url=url))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NothingMeasured, match="is no plain file"):
        FileDisplay(tmp_path / "pipe").read()


def test_an_endless_or_huge_file_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(NothingMeasured, match="is no plain file"):
        FileDisplay(Path("/dev/zero")).read()
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**32)
    with pytest.raises(NothingMeasured, match="holds more than 1 MiB"):
        FileDisplay(tmp_path / "huge").read()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("1,234,567.8", ""), ("1 234.5", ""), ("12.5.2026", ""), ("7\x00\x01", ""), ("1\n2", ""),
        ('{"a": 1%s}' % ("0" * 400), "a"), (DEEP, "0"), ("[1]", "9" * 5000),
    ],
)  # fmt: skip
def test_what_is_nearly_a_number_is_none(text: str, path: str) -> None:
    assert number_in(text, path) is None


@pytest.mark.parametrize("then", ["999.5", "-3", "400"])
def test_a_meter_that_falls_but_not_to_its_beginning_leaves_the_energy_unknown(tmp_path: Path, then: str) -> None:
    file = tmp_path / "energy"
    file.write_text("1000")
    source = PlainSource("The meter 'm'", FileDisplay(file), unit="kWh")
    source.start()
    try:
        first_ns = time.time_ns()
        time.sleep(0.1)
        file.write_text(then)
        found = source.collect(first_ns, time.time_ns())
    finally:
        source.close()
    assert not found.curves
    assert "fell from 3.6e+09 J" in found.notes[0]


def test_a_meter_that_jumps_leaves_the_energy_unknown(tmp_path: Path) -> None:
    file = tmp_path / "energy"
    file.write_text("1000")
    source = PlainSource("The meter 'm'", FileDisplay(file), unit="J")
    source.start()
    try:
        first_ns = time.time_ns()
        time.sleep(0.1)
        file.write_text("1e15")
        time.sleep(1.1)
        found = source.collect(first_ns, time.time_ns())
    finally:
        source.close()
    assert not found.curves
    assert "it jumped" in found.notes[0]


def test_a_meter_that_began_anew_counts_on(tmp_path: Path) -> None:
    file = tmp_path / "energy"
    file.write_text("1000")
    source = PlainSource("The meter 'm'", FileDisplay(file), unit="J")
    source.start()
    try:
        first_ns = time.time_ns()
        time.sleep(0.1)
        file.write_text("5")
        time.sleep(1.1)
        file.write_text("7")
        (curve,) = source.collect(first_ns, time.time_ns()).curves["energy_joules"]
    finally:
        source.close()
    assert curve.values[-1] == pytest.approx(7)
