# SPDX-License-Identifier: Apache-2.0
"""Which containers a part means, what an engine's answer says, and when it was read."""

from __future__ import annotations

from typing import Any

import pytest

from lichen.collect.counters import UNKNOWN, Reading
from lichen.collect.machine.containers.choice import Choice
from lichen.collect.machine.containers.engine import Container
from lichen.collect.machine.containers.remote import on_our_clock
from lichen.collect.machine.containers.stats import parse_time_ns, read_stats
from lichen.collect.machine.containers.summed import together, weakest
from lichen.errors import ConfigError

VERSION_1: dict[str, Any] = {
    "read": "2026-11-22T06:54:51.920657548Z",
    "pids_stats": {"current": 3},
    "cpu_stats": {"cpu_usage": {"total_usage": 32651647}, "online_cpus": 2},
    "memory_stats": {
        "usage": 3133440,
        "max_usage": 4345856,
        "stats": {"inactive_file": 1, "total_inactive_file": 33440},
    },
    "blkio_stats": {"io_service_bytes_recursive": []},
    "networks": {"eth0": {"rx_bytes": 396, "tx_bytes": 4}, "eth1": {"rx_bytes": 100, "tx_bytes": 1}},
}


def container(number: int, name: str, **fields: Any) -> Container:
    return Container(container_id=f"{number:064x}", name=name, **({"state": "running"} | fields))


class TestChoice:
    LISTED = (
        container(0xABCD << 240, "web", labels={"tier": "front", "io.podman.compose.project": "shop"}),
        container(0xABCD << 240 | 1, "db", labels={"tier": "back"}),
        container(3, "job", labels={"com.docker.compose.project": "shop", "com.docker.compose.oneoff": "True"}),
        container(4, "a-infra", pod="shop-pod", infrastructure=True),
        container(5, "shop-pod-web", pod="shop-pod"),
    )

    @pytest.mark.parametrize(
        ("kind", "text", "names"),
        [
            ("container", "web", ["web"]),
            ("container", f"{3:064x}", ["job"]),
            ("container", "shop-pod", ["a-infra", "shop-pod-web"]),
            ("container", "eb", []),
            ("container", "0000", None),
            ("container", "abcd", None),
            ("label", "tier=front", ["web"]),
            ("label", "tier", ["web", "db"]),
            ("label", "tier=", []),
            ("compose", "shop", ["web"]),
            ("compose", "shop/web", []),
        ],
    )
    def test_what_is_meant(self, kind: Any, text: str, names: list[str] | None) -> None:
        choice = Choice(kind=kind, text=text)
        if names is None:
            with pytest.raises(ConfigError, match=f"containers begin with '{text}'"):
                choice.among(self.LISTED)
        else:
            assert [found.name for found in choice.among(self.LISTED)] == names

    def test_what_could_have_been_meant(self) -> None:
        assert Choice(kind="container", text="x").candidates(self.LISTED) == [
            "web",
            "db",
            "job",
            "shop-pod-web",
            "shop-pod",
        ]
        assert Choice(kind="compose", text="x").candidates(self.LISTED) == ["shop"]


class TestStats:
    def test_an_answer_of_version_1(self) -> None:
        stats = read_stats(VERSION_1)
        assert stats is not None
        assert stats.cpu_ns == 32651647
        assert stats.memory_bytes == 3133440 - 33440
        assert (stats.network_received_bytes, stats.network_sent_bytes) == (496, 5)
        assert stats.disk_bytes is None  # version 1 counts nothing unless a disk is throttled
        assert (stats.alive, stats.cpus) == (3, 2)

    def test_an_answer_of_version_2(self) -> None:
        rows = [{"op": "read", "value": 4096}, {"op": "write", "value": 8192}, {"op": "Total", "value": 12288}]
        memory = {"usage": 1000, "stats": {"anon": 700, "inactive_file": 200}}
        answer = VERSION_1 | {"memory_stats": memory, "blkio_stats": {"io_service_bytes_recursive": rows}}
        stats = read_stats(answer)
        assert stats is not None
        assert (stats.memory_bytes, stats.disk_bytes) == (800, 12288)
        idle = read_stats(answer | {"blkio_stats": {"io_service_bytes_recursive": []}})
        assert idle is not None
        assert idle.disk_bytes == 0

    @pytest.mark.parametrize("networks", [None, {}, {"eth0": {"rx_bytes": -1, "tx_bytes": 1}}, {"eth0": {}}])
    def test_a_network_that_is_not_told_is_unknown(self, networks: Any) -> None:
        stats = read_stats(VERSION_1 | {"networks": networks})
        assert stats is not None
        assert (stats.network_received_bytes, stats.network_sent_bytes) == (None, None)

    @pytest.mark.parametrize("read", ["0001-01-01T00:00:00Z", None, "yesterday"])
    def test_a_container_that_has_ended_has_none(self, read: Any) -> None:
        assert read_stats(VERSION_1 | {"read": read}) is None
        assert read_stats({"read": "2026-11-22T06:54:51Z", "cpu_stats": {"cpu_usage": {"total_usage": 0}}}) is None

    @pytest.mark.parametrize(
        ("text", "ns"),
        [
            ("1970-01-01T00:00:01Z", 1_000_000_000),
            ("1970-01-01T00:00:01.5Z", 1_500_000_000),
            ("1970-01-01T00:00:01.000000007Z", 1_000_000_007),
            ("1970-01-01T02:00:01.25+02:00", 1_250_000_000),
            ("", None),
        ],
    )
    def test_times_to_the_nanosecond(self, text: str, ns: int | None) -> None:
        assert parse_time_ns(text) == ns


class TestClock:
    def test_the_distance_between_both_clocks_follows_from_the_exchanges(self) -> None:
        # The engine is 1,000 ahead. Asked at 0 it read at 40 and answered at 50; asked at 100 it read at 110 and answered at 200.
        # So it is at least 990 (1,040 - 50) and at most 1,010 (1,110 - 100) ahead: 1,000.
        assert on_our_clock([(0, 50, 1040), (100, 200, 1110)]) == [40, 110]

    def test_a_clock_that_was_set_leaves_the_middle_of_each_exchange(self) -> None:
        assert on_our_clock([(0, 50, 1040), (100, 200, 9110)]) == [25, 150]


def test_a_sum_is_known_as_well_as_its_terms() -> None:
    one = Reading(
        cpu_ns=1, disk_bytes=2, memory_byte_seconds=3.0, memory_peak_bytes=4, alive=1, network_received_bytes=5
    )
    two = together([one, one])
    assert (two.cpu_ns, two.disk_bytes, two.memory_byte_seconds, two.memory_peak_bytes, two.alive) == (2, 4, 6.0, 8, 2)
    assert (two.network_received_bytes, two.network_sent_bytes) == (10, None)
    assert together([one, UNKNOWN]).cpu_ns is None
    assert together([one]) is one
    assert weakest(["measured", "proxy", "measured"]) == "proxy"
