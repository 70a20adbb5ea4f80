# SPDX-License-Identifier: Apache-2.0
"""The results in words: a line for each way of measuring, each with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from analysis import Cell, Estimate, Order, cell, order_errors

WORK_WORDS: Final = {"loop": "Python loop", "sql": "server with a database", "page": "page in Chromium"}
CONDITION_WORDS: Final = {
    "quiet": "nothing beside",
    "one": "one busy neighbour",
    "memory": "one neighbour that fills the memory bus",
    "two": "two busy neighbours",
}
WAY_WORDS: Final = {
    "raw": "CPU seconds",
    "around": "over a loop before and after",
    "beside": "over calibrators beside",
    "mixed": "over a loop mixed in",
}
"""Ways that are shown; the others only serve to compare."""
ORDER_WORDS: Final = {"blocks": "one side, then the other", "interleaved": "interleaved"}


def percent(estimate: Estimate) -> str:
    """A share with its interval."""
    return f"{estimate.value:.1%} ({estimate.low:.1%} to {estimate.high:.1%})"


def ratio(estimate: Estimate) -> str:
    """A ratio with its interval."""
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def cells(records: Iterable[Mapping[str, Any]]) -> list[Cell]:
    """The cells of all records, works and conditions in the order of their words."""
    known = {(record["work"], record["condition"]): record for record in records}
    return [cell(known[work, state]) for work in WORK_WORDS for state in CONDITION_WORDS if (work, state) in known]


def place(one: Cell) -> str:
    """Work and condition of a cell."""
    return f"{WORK_WORDS[one.record['work']]}, {CONDITION_WORDS[one.record['condition']]}"


def tally(found: Sequence[Cell], name: str) -> str:
    """For each work, in how many conditions a way of measuring helps, harms, or neither is shown."""
    said = []
    for work, words in WORK_WORDS.items():
        own = [way.ratio for one in found if one.record["work"] == work for way in one.ways if way.name == name]
        if ratios := [ratio for ratio in own if ratio is not None]:
            said.append(f"{words}: {_counted(ratios)}")
    return "; ".join(said)


def order_tally(orders: Iterable[Order]) -> str:
    """In how many cells interleaving helps."""
    return _counted([order.ratio for order in orders if order.ratio is not None])


def _counted(ratios: Sequence[Estimate]) -> str:
    said = [estimate.verdict for estimate in ratios]
    values = [estimate.value for estimate in ratios]
    harms = f", harms in {said.count('harms')}" if "harms" in said else ""
    return f"helps in {said.count('helps')} of {len(said)}{harms} (ratio {min(values):.2f} to {max(values):.2f})"


def statements(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line per cell and way, then one per known difference."""
    found = cells(records)
    for one in found:
        for way in one.ways:
            if way.name in WAY_WORDS:
                verdict = "" if way.ratio is None else f"; {way.ratio.verdict}: ratio {ratio(way.ratio)}"
                yield f"{place(one)}: {WAY_WORDS[way.name]}: CV {percent(way.cv)}{verdict}"
        for order in order_errors(one.record["pairs"]):
            verdict = "" if order.ratio is None else f"; {order.ratio.verdict}: ratio {ratio(order.ratio)}"
            yield f"{place(one)}: {ORDER_WORDS[order.name]}: error {percent(order.error)}{verdict}"
