# SPDX-License-Identifier: Apache-2.0
"""The host's description against what the machine says elsewhere, and the grades."""

import json
import os
import platform
import subprocess
import sys

import psutil
import pytest

from lichen.collect.machine import calibrate, conditions, describe_host, diagnose
from lichen.collect.machine.calibration import Calibrator, grade
from lichen.collect.machine.host import Conditions


def test_description_agrees_with_the_machine_and_is_stable():
    host = describe_host()
    assert host["cpu_count"] == len(os.sched_getaffinity(0))
    assert host["memory_bytes"] == psutil.virtual_memory().total
    assert host["kernel"] == platform.release()
    assert len(host["host_id"]) == 16
    assert host["virtualised"] == (host["hypervisor"] is not None)
    assert json.loads(json.dumps(host)) == describe_host()


@pytest.mark.parametrize(
    ("cv", "letter"),
    [(0, "A"), (0.0099, "A"), (0.01, "B"), (0.0299, "B"), (0.03, "C"), (0.0599, "C"), (0.06, "D"), (1, "D")],
)
def test_grades(cv, letter):
    assert grade(cv) == letter


def test_calibration_repeats_fixed_work():
    found = calibrate(0.2)
    assert found.repetitions >= 5
    assert found.cv > 0
    assert found.grade == grade(found.cv)
    assert found.block_cpu_s > 0
    assert 0 <= found.steal_share <= 1
    assert 0 <= found.others_share <= 1
    assert json.loads(json.dumps(found.to_json()))["grade"] == found.grade


def test_a_calibration_grows_with_each_look():
    calibrator = Calibrator()
    assert calibrator.record() is None
    calibrator.look(blocks=4)
    assert calibrator.record() is None
    calibrator.look(blocks=1)
    record = calibrator.record()
    assert record is not None
    assert record["repetitions"] == 5


def test_a_calibration_sees_a_processor_that_is_shared():
    spin = "import os\nos.sched_setaffinity(0, {%d})\nwhile True: pass"
    neighbours = [subprocess.Popen([sys.executable, "-c", spin % cpu]) for cpu in os.sched_getaffinity(0)]
    try:
        calibrator = Calibrator()
        # Until the neighbours have started, nothing is shared.
        while (found := calibrator.result()) is None or (found.others_share < 0.1 and found.repetitions < 1000):
            calibrator.look()
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()
    assert found.others_share >= 0.1


def test_conditions_are_shares():
    now = conditions(0.1)
    assert 0 <= now.busy_share <= 1.3
    assert 0 <= now.steal_share <= 1.3
    assert now.load_1min >= 0


def state(**changed) -> Conditions:
    calm = {"load_1min": 0.5, "busy_share": 0.1, "steal_share": 0.0, "on_battery": None, "swap_used_bytes": 0}
    return Conditions(**{**calm, **changed})


def test_bad_conditions_are_told():
    assert state().problems(2) == ()
    assert state(load_1min=2.0, steal_share=0.02, on_battery=False).problems(2) == ()
    bad = state(load_1min=6.2, steal_share=0.05, on_battery=True).problems(2)
    assert bad[0] == "6.2 tasks compete for 2 CPUs."
    assert "5%" in bad[1]
    assert "battery" in bad[2]


def test_diagnosis_names_a_repair_for_what_lacks():
    found = {finding.topic: finding for finding in diagnose()}
    assert {"cpu", "disk", "memory", "processes", "energy", "machine", "conditions"} <= set(found)
    assert found["cpu"].ok
    assert found["machine"].ok == (not describe_host()["virtualised"])
    assert all(finding.repair for finding in found.values() if not finding.ok and finding.topic != "energy")
    assert all(finding.what for finding in found.values())
