# SPDX-License-Identifier: Apache-2.0
"""Sentences about how a journey was measured, on samples with known circumstances."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.fixtures.run import sample

from lichen.collect.balance import Balance
from lichen.collect.base import Sample
from lichen.render.i18n import catalogue
from lichen.render.sentences import told
from lichen.service.quality import notes_of
from lichen.service.record import sample_record

S = 10**9


def machine(*, foreign: float = 0.0, stolen: float = 0.0) -> Balance:
    """Two CPUs during four seconds, of which the trees used one second."""
    total = 8 * S
    unattributed, stolen_ns = round(foreign * total), round(stolen * total)
    return Balance(
        total_ns=total,
        parts={"browser": S},
        unattributed_ns=unattributed,
        idle_ns=total - S - unattributed - stolen_ns,
        stolen_ns=stolen_ns,
        within_noise=True,
    )


def resting(share: float, *, paced_s: float) -> Sample:
    """A sample whose first step used ``share`` of a core during a second at its end."""
    taken = sample(0, 1.0)
    first, *others = taken.steps
    busy = replace(first, name="list", observed_s=2.0, paced_s=paced_s, resting_cpu_ns=round(share * S), resting_s=1.0)
    return replace(taken, steps=(busy, *others))


def test_a_calm_page_on_a_calm_machine_needs_no_word() -> None:
    calm = replace(resting(0.05, paced_s=20.0), machine=machine(foreign=0.10, stolen=0.02))
    assert notes_of([calm]) == ()
    assert notes_of([replace(calm, machine=None)]) == ()


def test_a_page_that_never_rests_is_named_with_what_was_not_observed() -> None:
    samples = [resting(0.08, paced_s=20.0), resting(0.16, paced_s=20.0)]
    (said,) = notes_of(samples)
    assert said == (
        "the page stays busy at rest (share of a core: 'list' 12%): the 18 s of dwell that were not observed are not "
        "charged; raise measure.rest_s to observe more"
    )


def test_a_busy_page_without_a_longer_dwell_was_observed_whole() -> None:
    assert notes_of([resting(0.5, paced_s=2.0)]) == ()


def test_the_median_sample_decides_about_the_machine() -> None:
    loads = [machine(foreign=share, stolen=steal) for share, steal in [(0.0, 0.0), (0.23, 0.05), (0.9, 0.3)]]
    assert notes_of([replace(sample(0, 1.0), machine=load) for load in loads]) == (
        "other programs used 23% of the machine during the measurement",
        "the hypervisor gave 5% of the machine to others during the measurement",
    )
    assert notes_of([replace(sample(0, 1.0), machine=load) for load in (loads[0], loads[0], loads[2])]) == ()


def test_the_record_of_a_sample_adds_up() -> None:
    record = sample_record(replace(sample(0, 1.0), machine=machine(foreign=0.25, stolen=0.125)), 1.0)["machine"]
    assert record == {
        "total_cpu_s": 8.0,
        "attributed_cpu_s": 1.0,
        "unattributed_cpu_s": 2.0,
        "stolen_cpu_s": 1.0,
        "idle_cpu_s": 4.0,
    }
    assert sample_record(replace(sample(0, 1.0), machine=None), 1.0)["machine"] is None


@pytest.mark.parametrize(
    "text",
    [
        *notes_of([replace(resting(0.12, paced_s=20.0), machine=machine(foreign=0.2, stolen=0.1))]),
        "Part shop is the running process 812 (python -m shop).",
    ],
)
def test_each_sentence_has_its_french(text: str) -> None:
    french = told(text, catalogue("fr"))
    assert french != text
    assert told(text, catalogue("en")) == text
