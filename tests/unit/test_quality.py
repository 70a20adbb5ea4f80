# SPDX-License-Identifier: Apache-2.0
"""Sentences about how a journey was measured, on samples with known circumstances."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.fixtures.run import sample

from lichen.collect.balance import Balance
from lichen.collect.base import Request, Sample, StepReading
from lichen.render.i18n import catalogue
from lichen.render.sentences import told
from lichen.service.quality import journey_notes, notes_of, said_once
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


def test_notes_that_differ_in_measured_numbers_alone_are_said_once_with_the_largest() -> None:
    notes = [
        "CPU time of part api at an edge is off by 346 ms at most.",
        "The meter 'm' counts in steps of 2 J: the 16.9 J of the window are known to that.",
        "Memory of command is a lower bound: this user may not read the mappings of 1 processes, first sh (2213).",
        "CPU time of part api at an edge is off by 1.2e+03 ms at most.",
        "The meter 'm' counts in steps of 4 J: the 18.9 J of the window are known to that.",
        "CPU time of part api at an edge is off by 99 ms at most.",
        "Memory of command is a lower bound: this user may not read the mappings of 3 processes, first sh (91).",
    ]
    assert said_once(notes) == (notes[3], notes[4], notes[6])


def test_notes_about_different_things_are_all_said() -> None:
    notes = [
        "CPU time of part api2 at an edge is off by 5 ms at most.",
        "CPU time of part api3 at an edge is off by 5 ms at most.",
        "http://127.0.0.1:8001/ answered with status 404 in the step 'pay 1': what was measured is the page of that error",
        "http://127.0.0.1:8002/ answered with status 404 in the step 'pay 1': what was measured is the page of that error",
        "the command ended with exit code 1: the figures are of what it did until then",
        "the command ended with exit code 2: the figures are of what it did until then",
    ]
    assert said_once([*notes, *notes]) == tuple(notes)


def test_a_calm_page_on_a_calm_machine_needs_no_word() -> None:
    calm = replace(resting(0.11, paced_s=20.0), machine=machine(foreign=0.10, stolen=0.02))
    assert notes_of([calm]) == ()
    assert notes_of([replace(calm, machine=None)]) == ()


def test_a_page_that_never_rests_is_named_with_what_was_not_observed() -> None:
    samples = [resting(0.12, paced_s=20.0), resting(0.14, paced_s=20.0)]
    (said,) = notes_of(samples)
    assert said == (
        "the page stays busy at rest (share of a core: 'list' 13%): the 18 s of dwell that were not observed are not "
        "charged; measure.rest_s = 5 observes more"
    )


@pytest.mark.parametrize(("rest_s", "used_s", "is_busy"), [(0.3, 0.070, False), (0.3, 0.080, True), (5.0, 0.3, False)])
def test_what_a_page_leaves_behind_is_no_busy_page(rest_s: float, used_s: float, is_busy: bool) -> None:
    taken = resting(0.0, paced_s=20.0)
    first, *others = taken.steps
    rested = replace(first, resting_s=rest_s, resting_cpu_ns=round(used_s * S))
    assert bool(notes_of([replace(taken, steps=(rested, *others))])) == is_busy


def test_the_rest_to_set_is_no_longer_than_what_was_missed() -> None:
    assert notes_of([resting(0.2, paced_s=4.5)])[0].endswith("measure.rest_s = 3 observes more")


def declared(*steps: StepReading, requests: tuple[Request, ...] = ()) -> Sample:
    return replace(sample(0, 1.0), steps=steps, requests=requests)


def a_step(name: str, *, dwell_s: float | None, bytes_: int = 10, observed_s: float = 0.6) -> StepReading:
    first = sample(0, 1.0).steps[0]
    return replace(first, name=name, dwell_s=dwell_s, observed_s=observed_s, network_bytes=bytes_)


def page(step: str, status: int | None, *, top_level: bool = True, path: str = "gone") -> Request:
    return Request(
        step=step, url=f"http://shop.example/{path}", host="shop.example", party="first", kind="document", method="GET",
        status=status, received_bytes=1, sent_bytes=1, top_level=top_level,
    )  # fmt: skip


def test_steps_without_a_dwell_are_named_with_their_seconds() -> None:
    between = a_step("", dwell_s=None, bytes_=0)
    samples = [
        declared(a_step("open", dwell_s=None, observed_s=seconds), a_step("pay", dwell_s=8.0), between)
        for seconds in (0.5, 0.7)
    ]
    assert journey_notes(samples) == (
        (
            "no dwell is declared ('open' 0.6 s): only the seconds of the automation count as a person's time; "
            "give each step dwell=seconds"
        ),
    )
    assert journey_notes([declared(a_step("open", dwell_s=0.0), between)]) == ()


def test_a_journey_without_a_step_is_told_to_write_one() -> None:
    assert journey_notes([declared(a_step("journey", dwell_s=None, observed_s=1.25))]) == (
        (
            "the journey declares no step and no dwell: only the 1.2 s of the automation count as a person's time; "
            'write with step("name", dwell=seconds)'
        ),
    )


def test_a_page_that_answers_with_an_error_is_named_once() -> None:
    requests = (
        page("open", 404),
        page("open", 404, path="gone-too"),
        page("", 500),
        page("open", 399),
        page("open", None),
    )
    said = journey_notes([declared(a_step("open", dwell_s=1.0), requests=requests)] * 2)
    assert said == (
        "http://shop.example/gone answered with status 404 in the step 'open': what was measured is the page of that error",
        "http://shop.example/gone answered with status 500 between steps: what was measured is the page of that error",
    )
    frame = declared(a_step("open", dwell_s=1.0), requests=(page("open", 404, top_level=False),))
    assert journey_notes([frame]) == ()


def test_bytes_between_steps_are_said_when_they_are_most() -> None:
    half = declared(a_step("open", dwell_s=1.0, bytes_=50), a_step("", dwell_s=None, bytes_=50))
    assert journey_notes([half]) == ()
    most = declared(a_step("open", dwell_s=1.0, bytes_=20), a_step("", dwell_s=None, bytes_=980))
    assert journey_notes([most]) == (
        "98% of the bytes were moved between steps, where nobody spends time: put the first page.goto inside the first step",
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
        *journey_notes([declared(a_step("journey", dwell_s=None), requests=(page("journey", 404), page("", 500)))]),
        *journey_notes([declared(a_step("a", dwell_s=None), a_step("", dwell_s=None, bytes_=90))]),
        "Part shop is the running process 812 (python -m shop).",
    ],
)
def test_each_sentence_has_its_french(text: str) -> None:
    french = told(text, catalogue("fr"))
    assert french != text
    assert told(text, catalogue("en")) == text
