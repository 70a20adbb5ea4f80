# SPDX-License-Identifier: Apache-2.0
"""Journeys in turn: the order of samples, when each leaves, what a failure takes away."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pytest

from lichen.collect.base import Sample
from lichen.collect.journeys import Journey
from lichen.errors import JourneyFailed
from lichen.service.record import Measured
from lichen.service.rounds import repeat_in_turn
from lichen.stats.sampling import SamplingPlan

FIXED = SamplingPlan(minimum=3, maximum=3, target=None, max_s=math.inf)


def journey(name: str) -> Journey:
    return Journey(name=name, source=f"{name}.py", source_hash="0", base_url=None, run=lambda page, step: None)


class Told:
    """Everything that a listener is told."""

    def __init__(self) -> None:
        self.said: list[tuple[object, ...]] = []

    def phase(self, text: str) -> None:
        self.said.append(("phase", text))

    def sample(self, journey: str, taken: int, expected: int, precision: float | None) -> None:
        self.said.append((journey, taken, expected, precision))

    def done(self, text: str) -> None:
        self.said.append(("done", text))

    def close(self) -> None:
        self.said.append(("close",))


class Taker:
    """Takes samples whose primary metric is written down beforehand; a journey fails at the index named."""

    def __init__(self, values: Mapping[str, Sequence[float]], fails: Mapping[str, int] | None = None) -> None:
        self.values = values
        self.fails = fails or {}
        self.taken: list[tuple[str, int]] = []

    def __call__(self, journey: Journey, index: int) -> Sample:
        self.taken.append((journey.name, index))
        if self.fails.get(journey.name) == index:
            raise JourneyFailed(f"{journey.name} failed at {index}.", repair="None.", culprit=journey.name)
        value = 0.0 if index < 0 else self.values[journey.name][index]
        return Sample(
            index=index, started_at="2026-11-22T08:00:00Z", window_s=value, settle_s=0.0, steps=(), requests=(),
            edge_spread_ns=0, agent_cpu_ns=0, driver_cpu_ns=0,
        )  # fmt: skip


def repeat(
    taker: Taker, plan: SamplingPlan, *names: str, discard: int = 1
) -> tuple[dict[str, Measured], dict[str, JourneyFailed], Told]:
    told = Told()
    measured, failed = repeat_in_turn(
        [journey(name) for name in names], plan, taker, lambda sample: sample.window_s, discard=discard, progress=told
    )
    return {one.journey.name: one for one in measured}, failed, told


def test_journeys_take_turns_after_all_warm_ups() -> None:
    taker = Taker({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]})
    measured, failed, told = repeat(taker, FIXED, "a", "b")
    assert taker.taken == [("a", -1), ("b", -1), ("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert not failed
    assert list(measured) == ["a", "b"]
    assert measured["a"].primary_s == (1.0, 2.0, 3.0)
    assert measured["b"].primary_s == (4.0, 5.0, 6.0)
    assert [sample.index for sample in measured["b"].samples] == [0, 1, 2]
    assert told.said[0] == ("phase", "a, b")
    assert [said[:3] for said in told.said[1:-1]] == [(name, n + 1, 6) for n, name in enumerate("ababab")]
    assert told.said[-1] == ("done", "a, b")


def test_one_journey_alone_is_told_as_itself() -> None:
    _, _, told = repeat(Taker({"a": [1.0, 1.0, 1.0]}), FIXED, "a", discard=0)
    assert told.said == [("phase", "a"), ("a", 1, 3, None), ("a", 2, 3, 0.0), ("a", 3, 3, 0.0), ("done", "a")]


def test_a_journey_that_is_precise_enough_leaves_the_turn() -> None:
    plan = SamplingPlan(minimum=3, maximum=6, target=0.05, max_s=math.inf)
    taker = Taker({"calm": [1.0] * 6, "wild": [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]})
    measured, _, told = repeat(taker, plan, "calm", "wild", discard=0)
    assert len(measured["calm"].samples) == 3
    assert len(measured["wild"].samples) == 6
    assert taker.taken[6:] == [("wild", 3), ("wild", 4), ("wild", 5)]
    last = told.said[-2]
    assert last[:3] == ("wild", 9, 9)
    assert last[3] == pytest.approx(measured["wild"].precision.relative)


@pytest.mark.parametrize("at", [-1, 0, 2])
def test_a_journey_that_fails_takes_nothing_from_the_others(at: int) -> None:
    taker = Taker({"a": [1.0] * 3, "bad": [1.0] * 3, "c": [1.0] * 3}, fails={"bad": at})
    measured, failed, told = repeat(taker, FIXED, "a", "bad", "c")
    assert list(measured) == ["a", "c"]
    assert [len(one.samples) for one in measured.values()] == [3, 3]
    assert str(failed["bad"]).startswith("bad failed at")
    assert [index for name, index in taker.taken if name == "bad"][-1] == at
    assert told.said[-1] == ("done", "a, c")


def test_failures_are_given_in_the_order_of_the_journeys() -> None:
    taker = Taker({"a": [1.0] * 3, "b": [1.0] * 3}, fails={"a": 2, "b": 0})
    measured, failed, told = repeat(taker, FIXED, "a", "b")
    assert not measured
    assert list(failed) == ["a", "b"]
    assert told.said[-1][0] != "done"
