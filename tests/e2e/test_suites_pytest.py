# SPDX-License-Identifier: Apache-2.0
"""pytest suites without a browser: cases, workers, outcomes, strangers' events."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "sites"))
from suites_run import measured

from lichen.collect.machine import MachineMeter
from lichen.collect.suites import recognise
from lichen.errors import NothingMeasured

PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
ENV = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}


def suite(folder: Path, text: str) -> Path:
    (folder / "test_it.py").write_text(textwrap.dedent(text))
    (folder / "pytest.ini").write_text("[pytest]\n")
    return folder


def test_outcomes_and_the_work_of_each_case(tmp_path: Path) -> None:
    folder = suite(
        tmp_path,
        """
        import pytest, time

        @pytest.fixture
        def costly():
            yield
            end = time.process_time() + 0.3
            while time.process_time() < end: pass

        def test_tears_down(costly): pass
        def test_rests(): pass
        def test_fails(): assert False
        @pytest.mark.skip
        def test_skipped(): pass
        @pytest.fixture
        def broken(): raise ValueError
        def test_broken(broken): pass
        class TestIn:
            @pytest.mark.parametrize("x", ["a/b"])
            def test_with(self, x): pass
        """,
    )
    outcome = measured(PYTEST, folder, ENV)
    assert outcome.code == 1
    assert [(case.name, case.status) for case in outcome.reading.cases] == [
        ("test_tears_down", "passed"),
        ("test_rests", "passed"),
        ("test_fails", "failed"),
        ("test_skipped", "skipped"),
        ("test_broken", "failed"),
        ("TestIn › test_with[a/b]", "passed"),
    ]
    used = {case.name: case.reading.readings["runner"].cpu_ns for case in outcome.reading.cases if case.reading}
    assert used["test_tears_down"] >= 0.3e9
    assert used["test_rests"] < used["test_tears_down"]
    assert sum(part.cpu_ns for step in outcome.reading.steps for part in step.readings.values()) == outcome.tree_cpu_ns


def test_workers_of_xdist_are_taken_back(tmp_path: Path) -> None:
    folder = suite(tmp_path, "import pytest\n@pytest.mark.parametrize('x', range(4))\ndef test_it(x): pass\n")
    outcome = measured([*PYTEST, "-n", "2", "--dist", "load"], folder, ENV)
    assert outcome.code == 0, outcome.output
    assert len(outcome.cases) == 4
    assert all(case.reading is not None for case in outcome.reading.cases)
    assert any("the suite asks for 2" in note for note in outcome.reading.notes)


def test_events_about_processes_of_others_are_not_believed(tmp_path: Path) -> None:
    folder = suite(
        tmp_path,
        """
        import os, lichen_events
        def test_lies():
            for pid in (1, -1, True, 10**9, "2"):
                lichen_events.tell({"event": "launched", "browser": pid})
                lichen_events.tell({"event": "server", "server": pid})
        """,
    )
    outcome = measured(PYTEST, folder, ENV)
    assert outcome.code == 0, outcome.output
    assert outcome.reading.parts == ("runner",)


def test_a_suite_without_cases_is_measured_and_says_so(tmp_path: Path) -> None:
    outcome = measured(PYTEST, suite(tmp_path, ""), ENV)
    assert outcome.code == 5
    assert outcome.reading.cases == ()
    assert outcome.reading.between.readings["runner"].cpu_ns == outcome.tree_cpu_ns
    assert any("no test case" in note for note in outcome.reading.notes)


def test_where_no_pipe_can_be_made_the_repair_is_told(tmp_path: Path) -> None:
    recognised = recognise(PYTEST, ENV, tmp_path)
    assert recognised is not None
    with (
        MachineMeter() as meter,
        pytest.raises(NothingMeasured) as caught,
        recognised.attach(meter, tmp_path / "absent"),
    ):
        pass
    assert "--no-attach" in caught.value.repair
