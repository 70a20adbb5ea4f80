# SPDX-License-Identifier: Apache-2.0
"""Runs all tests: those that compute in parallel, those of a real browser or engine two at once, those that measure alone.

A few failures get a second chance, alone: tests hold real browsers, engines, processes and clocks, and machines that they share
with others stall now and then. Prints these and every skip with its reason at the end, and closes with one line of counts. Exit
1 when a test failed or none ran.
Usage: ``python tools/run_tests.py [--jobs N] [PYTEST ARGUMENT...]``.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent / "tests"
REAL = "browser or slow"
"""Markers of tests that hold a browser, an engine or a clock: too many at once would time out."""
STAGES = (
    ("together", f"not ({REAL})", None),
    ("two at once", f"({REAL}) and beside", 2),
    ("alone", f"({REAL}) and not beside", 1),
)
"""Title, markers, and how many processes; None: as many as are asked for. Tests that measure have the machine for themselves."""
NO_TEST = 5
"""pytest's exit code when the selection is empty."""
SECOND_CHANCES = 20
"""Failed tests that are run again, such as all that shared a browser which broke; more are a defect."""


def run(title: str, selection: str, jobs: int, report: Path, arguments: list[str]) -> bool:
    """Runs the tests of one selection; whether all passed. An empty selection passes: the total is checked at the end."""
    started = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-m", selection, f"--junit-xml={report}", *arguments]
    if jobs > 1:
        command += ["-n", str(jobs), "--dist", "loadfile"]
    print(f"== tests {title}", flush=True)
    code = subprocess.run(command, check=False).returncode
    print(f"== tests {title}: {time.monotonic() - started:.0f} s", flush=True)
    return code in (0, NO_TEST)


def marked() -> list[str]:
    """The files that name a marker of `REAL`; tests/conftest.py refuses a test that has it from elsewhere.

    To read all others, only to leave their thousands of tests out, takes as long as some stages' longest test.
    """
    named = re.compile(rf"\bmark\.({REAL.replace(' or ', '|')})\b")
    return [str(path) for path in sorted(TESTS.glob("*/test_*.py")) if named.search(path.read_text(encoding="utf-8"))]


def read(report: Path) -> tuple[Counter[str], list[str], set[str]]:
    """Counts by outcome, each skip with its reason, and the failed, of a JUnit report; nothing when there is none."""
    counts: Counter[str] = Counter()
    skips: list[str] = []
    failed: set[str] = set()
    if not report.is_file():
        return counts, skips, failed
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - written by pytest a moment ago
        name = f"{case.get('classname')}::{case.get('name')}"
        skip = case.find("skipped")
        if skip is not None:
            counts["skipped"] += 1
            skips.append(f"{name}: {skip.get('message')}")
        elif case.find("failure") is not None or case.find("error") is not None:
            failed.add(name)
        else:
            counts["passed"] += 1
    counts["failed"] = len(failed)
    return counts, skips, failed


def main() -> int:
    """0 when every test passed and at least one ran."""
    parser = argparse.ArgumentParser(description="run all tests")
    parser.add_argument("--jobs", type=int, default=3, help="processes for the tests that may share the machine")
    options, arguments = parser.parse_known_args()
    files = [] if any(not argument.startswith("-") for argument in arguments) else marked()
    counts: Counter[str] = Counter()
    skips: list[str] = []
    again: list[str] = []
    broken: list[str] = []
    passed = True
    with tempfile.TemporaryDirectory() as folder:
        for title, selection, most in STAGES:
            report = Path(folder) / f"{title}.xml"
            chosen = [*arguments, *files] if most else arguments
            well = run(title, selection, min(options.jobs, most or options.jobs), report, chosen)
            part, reasons, failed = read(report)
            if not well and not part.total():
                broken.append(title)
            if 0 < len(failed) <= SECOND_CHANCES:
                well = run("again", selection, 1, report, [*chosen, "--last-failed", "--last-failed-no-failures=none"])
                second, _, still = read(report)
                well &= second["passed"] + second["failed"] == len(failed)
                mended = sorted(failed - still) if second else []
                part += Counter(passed=len(mended), failed=-len(mended))
                again += mended
            passed &= well
            counts += part
            skips += reasons
    for name in sorted(again):
        print(f"passed at the second try {name}")
    for skip in sorted(skips):
        print(f"skipped {skip}")
    for title in broken:
        print(f"tests {title}: none was run, see what pytest says above")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 0 if passed and counts["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
