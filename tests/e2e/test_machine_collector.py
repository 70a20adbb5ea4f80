# SPDX-License-Identifier: Apache-2.0
"""The process collector on real commands and processes."""

import os
import subprocess
import sys
import time

import pytest

from lichen.collect.base import Window
from lichen.collect.machine import ProcessCollector
from lichen.errors import ConfigError, NothingMeasured, UsageError
from lichen.plugins import load

COLLECTOR = ProcessCollector()


def rows(target, duration_s=None):
    return {
        row.quantity: row for row in COLLECTOR.collect(Window(entity="app/part", duration_s=duration_s, target=target))
    }


def test_it_is_the_registered_plug_in_and_works_here():
    assert load("lichen.collectors", "processes") is ProcessCollector
    assert COLLECTOR.probe().ok


def test_command_is_measured_from_its_first_instruction_to_its_end(tmp_path):
    # The command's own account: what the kernel tells it about itself and its children, from its first line to just before it
    # ends. The start and the end of an interpreter are not in it.
    code = (
        "import resource, subprocess, sys\n"
        "began = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]\n"
        "sum(range(3*10**6)); block = b'x' * 50_000_000\n"
        "subprocess.run([sys.executable, '-S', '-c', 'sum(range(3*10**6))'])\n"
        "u = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]\n"
        "open(sys.argv[1], 'w').write(str(sum(x.ru_utime + x.ru_stime for x in u)"
        " - sum(x.ru_utime + x.ru_stime for x in began)))\n"
    )
    found = rows({"command": [sys.executable, "-S", "-c", code, str(tmp_path / "used")]})
    used_s = float((tmp_path / "used").read_text())
    assert set(found) == set(COLLECTOR.emits)
    assert used_s <= found["cpu_time"].value <= used_s + 0.08
    assert found["window_time"].value >= 0.9 * used_s
    assert found["memory_peak"].method == "proxy"
    assert found["memory_byte_seconds"].value > 0
    assert {row.entity for row in found.values()} == {"app/part"}
    assert found["cpu_time"].attributes["cpu_count"] == os.cpu_count()


def test_window_of_a_running_process():
    process = subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"])
    try:
        found = rows({"pid": process.pid}, duration_s=0.5)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    assert 0.01 < found["cpu_time"].value <= found["window_time"].value * 1.02
    assert found["memory_peak"].value > 1e6


def test_the_gate_is_not_counted():
    # The gate is an interpreter, whose start alone uses more.
    assert rows({"command": ["true"]})["cpu_time"].value < 0.01


def test_command_that_outlasts_its_window_is_stopped():
    started = time.monotonic()
    found = rows({"command": ["sleep", "300"]}, duration_s=0.3)
    assert found["window_time"].value >= 0.3
    assert found["window_time"].value <= time.monotonic() - started
    assert found["cpu_time"].value < 0.05


@pytest.mark.parametrize(
    ("target", "duration_s", "error", "words"),
    [
        ({}, 1, ConfigError, "cannot measure {}"),
        ({"command": "ls"}, 1, ConfigError, "cannot measure"),
        ({"pid": 1, "command": ["ls"]}, 1, ConfigError, "cannot measure"),
        ({"pid": 1}, None, ConfigError, "process 1 has no end"),
        ({"command": ["no-such-program"]}, None, UsageError, "no program 'no-such-program'"),
        ({"pid": 2**22 + 1}, 0.1, NothingMeasured, f"no process {2**22 + 1}"),
    ],
)
def test_wrong_targets(target, duration_s, error, words):
    with pytest.raises(error) as caught:
        rows(target, duration_s)
    assert words in caught.value.problem
    assert caught.value.repair
