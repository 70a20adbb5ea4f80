# SPDX-License-Identifier: Apache-2.0
"""Existing browser suites, measured unchanged: which runner a command is, and what each of its test cases consumed.

::

    suite = recognise(command, env, cwd)              # None: no known runner, the process tree alone is measured
    prepared = suite.prepare(folder)                  # what to start instead; the user's files stay as they are
    with suite.attach(meter, folder) as attachment:
        pid = start prepared.command with prepared.env behind a gate; meter.add(RUNNER, pid)
        first = meter.edge(); open the gate; wait; last = meter.edge()
    reading = attachment.reading(first, last)         # its rows add up to what lies between the two edges
"""

from lichen.collect.suites.attachment import RUNNER, SERVER, Attachment
from lichen.collect.suites.command import Invocation
from lichen.collect.suites.reading import CaseReading, Level, SuiteReading
from lichen.collect.suites.suite import Draft, Prepared, Runner, Suite, recognise

__all__ = [
    "RUNNER",
    "SERVER",
    "Attachment",
    "CaseReading",
    "Draft",
    "Invocation",
    "Level",
    "Prepared",
    "Runner",
    "Suite",
    "SuiteReading",
    "recognise",
]
