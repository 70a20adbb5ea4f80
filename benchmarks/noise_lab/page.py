# SPDX-License-Identifier: Apache-2.0
"""docs/noise.md and its pictures, from the results alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any, Final

from analysis import Cell, Order, order_errors
from bench import BLOCK_LOOPS
from cells import PAIRS, PIECES, ROUNDS, SIDE
from picture import draw
from statements import (
    CONDITION_WORDS,
    ORDER_WORDS,
    WAY_WORDS,
    WORK_WORDS,
    cells,
    order_tally,
    percent,
    place,
    ratio,
    tally,
)

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
TEXT: Final = Path(__file__).resolve().with_name("page.md")


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _ways(found: Sequence[Cell]) -> Iterator[Sequence[str]]:
    for one in found:
        by_name = {way.name: way for way in one.ways}
        row = [CONDITION_WORDS[one.record["condition"]], percent(by_name["raw"].cv)]
        for name in list(WAY_WORDS)[1:]:
            way = by_name.get(name)
            row.append(
                ""
                if way is None or way.ratio is None
                else f"{way.cv.value:.1%}, {ratio(way.ratio)}, {way.ratio.verdict}"
            )
        yield row


def _costs(found: Sequence[Cell]) -> Iterator[Sequence[str]]:
    for one in found:
        machine = one.record["machine"]
        yield (
            place(one), f"{len(one.record['rounds'])}", f"{machine['others_share']:.0%}", f"{machine['steal_share']:.2%}",
            f"{one.signal:.1%}", f"{one.cost:.1%}",
            next(percent(way.cv) for way in one.ways if way.name == "beside, raw"), percent(one.slower),
        )  # fmt: skip


def _differences(found: Sequence[Cell]) -> Iterator[Sequence[str]]:
    for one in found:
        for order in order_errors(one.record["pairs"]):
            yield (
                place(one), ORDER_WORDS[order.name], percent(order.error),
                "" if order.ratio is None else f"{ratio(order.ratio)}, {order.ratio.verdict}", f"{order.held:.0%}",
            )  # fmt: skip


def _orders(found: Sequence[Cell]) -> list[Order]:
    return [order for one in found for order in order_errors(one.record["pairs"])]


def write(records: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Writes the page and a picture of each work.

    Returns:
        What was written.
    """
    found = cells(records)
    written, sections = [], []
    for work, words in WORK_WORDS.items():
        own = [one for one in found if one.record["work"] == work]
        if not own:
            continue
        picture = DOCS / "pictures" / f"noise-{work}.svg"
        picture.write_text(draw(work, own), encoding="utf-8")
        written.append(picture)
        head = ["beside it", "CV of CPU seconds", *list(WAY_WORDS.values())[1:]]
        sections.append(
            f"### {words[0].upper()}{words[1:]}\n\n![{words}: CV of each way of measuring](pictures/{picture.name})\n\n"
            f"{_table(head, _ways(own))}"
        )
    host = found[0].record["host"]
    text = Template(TEXT.read_text(encoding="utf-8")).substitute(
        host=f"{host['cpu_count']} CPUs of a virtual machine "
        f"({host['cpu_model']}, {host['hypervisor']}, kernel {host['kernel']})",
        days=", ".join(sorted({one.record["started_at"][:10] for one in found})),
        rounds=", ".join(f"{count} ({WORK_WORDS[work]})" for work, count in ROUNDS.items()),
        loops=BLOCK_LOOPS,
        around=tally(found, "around"),
        beside=tally(found, "beside"),
        mixed=tally(found, "mixed"),
        interleaving=order_tally(_orders(found)),
        sections="\n\n".join(sections),
        pieces=f"{PIECES['A']} against {PIECES['B']}",
        pairs=PAIRS,
        side=SIDE,
        differences=_table(
            ["", "order", "error of the difference found", "ratio to blocks", "intervals that held the truth"],
            _differences(found),
        ),
        costs=_table(
            [
                "",
                "rounds",
                "other programs",
                "stolen",
                "CV of the loops around",
                "cost of calibrators",
                "CV beside them, as it is",
                "slower beside them",
            ],
            _costs(found),
        ),
    )
    path = DOCS / "noise.md"
    path.write_text(text, encoding="utf-8")
    return [*written, path]
