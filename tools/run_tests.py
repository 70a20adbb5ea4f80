# SPDX-License-Identifier: Apache-2.0
"""Runs all tests: those that may share the machine in parallel, those that need it for themselves alone, one after the other.

Prints every skip with its reason at the end, and closes with one line of counts. Exit 1 when a test failed or none ran.
Usage: ``python tools/run_tests.py [--jobs N] [PYTEST ARGUMENT...]``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

ALONE = "browser or slow"
"""Markers of tests that measure, or load the machine so that others would time out."""
NO_TEST = 5
"""pytest's exit code when the selection is empty."""


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


def read(report: Path) -> tuple[Counter[str], list[str]]:
    """Counts by outcome, and each skip with its reason, of a JUnit report; nothing when pytest did not get to write one."""
    counts: Counter[str] = Counter()
    skips = []
    if not report.is_file():
        return counts, skips
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - written by pytest a moment ago
        skip = case.find("skipped")
        if skip is not None:
            counts["skipped"] += 1
            skips.append(f"{case.get('classname')}::{case.get('name')}: {skip.get('message')}")
        elif case.find("failure") is not None or case.find("error") is not None:
            counts["failed"] += 1
        else:
            counts["passed"] += 1
    return counts, skips


def main() -> int:
    """0 when every test passed and at least one ran."""
    parser = argparse.ArgumentParser(description="run all tests")
    parser.add_argument("--jobs", type=int, default=2, help="processes for the tests that may share the machine")
    options, arguments = parser.parse_known_args()
    counts: Counter[str] = Counter()
    skips: list[str] = []
    passed = True
    with tempfile.TemporaryDirectory() as folder:
        for title, selection, jobs in (("together", f"not ({ALONE})", options.jobs), ("alone", ALONE, 1)):
            report = Path(folder) / f"{title}.xml"
            passed &= run(title, selection, jobs, report, arguments)
            part, reasons = read(report)
            counts += part
            skips += reasons
    for skip in sorted(skips):
        print(f"skipped {skip}")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 0 if passed and counts["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
