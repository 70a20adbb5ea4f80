# SPDX-License-Identifier: Apache-2.0
"""What providers say of their own emissions, and how it compares, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from lichen.render.bill import counted
from lichen.render.figures import plain
from lichen.render.i18n import Catalogue, catalogue
from lichen.render.numbers import Numbers

_GRAM_PER_KG: Final = 1000.0
_UNIT: Final = "gCO2e"
SHOWN: Final = 10
"""Places that are told unless all are asked for."""
_REASONS: Final = 3
_APART: Final = ("only_ours", "only_theirs")
"""What is true of one place, and of a part of a month."""


def carbon_lines(found: Mapping[str, Any], lang: str) -> Iterator[str]:
    """Lines about an import of carbon exports.

    Args:
        found: as ``lichen import carbon --json`` prints it.
    """
    words, numbers = catalogue(lang), Numbers(lang)
    if found["unchanged"]:
        yield words.say("carbon.unchanged")
        return
    for file in found["files"]:
        name = plain(PurePosixPath(file["name"]).name)
        yield words.say(
            "carbon.file", name=name, format=file["format"], figures=counted(words, "figure", file["figures"])
        )
    for period in found["periods"]:
        yield words.say("carbon.period", source=period["source"], month=period["month"][:7])
        for one in period["emissions"]:
            yield "  " + words.say(
                "carbon.sum", scope=words.word("web.carbon.scope", one["scope"] or "sum"),
                accounting=words.word("web.carbon.accounting", one["accounting"] or "unknown"),
                amount=numbers.amount(one["kgco2e"] * _GRAM_PER_KG, _UNIT).text,
            )  # fmt: skip
    for provider, region in found["unknown_regions"]:
        yield words.say("carbon.region", region=plain(region), provider=words.word("cloud", plain(provider)))
    key = "carbon.dry_run" if found["dry_run"] else "carbon.rows"
    yield words.say(key, rows=counted(words, "row", found["rows"]))


def exported_line(found: Mapping[str, Any], lang: str) -> str:
    """The line about a bill that was written again.

    Args:
        found: one of those that ``lichen bills export --json`` prints.
    """
    words = catalogue(lang)
    lines = counted(words, "line", found["lines"])
    return words.say("carbon.exported", output=plain(found["output"]), lines=lines, method=found["method"])


def reconciliation_lines(found: Mapping[str, Any], lang: str, most: int | None = SHOWN) -> Iterator[str]:
    """Lines about both sides: each provider's months, then the largest places, with why the sides differ.

    Args:
        found: as ``lichen bills reconcile --json`` prints it.
        most: places that are shown; None: all.
    """
    words, numbers = catalogue(lang), Numbers(lang)
    yield words.say("reconcile.head", method=found["method"])
    if not found["rows"]:
        yield words.say("reconcile.none")
        return
    for one in found["months"]:
        yield from _month(one, words, numbers)
    yield ""
    yield words.say("reconcile.places")
    rows = sorted(found["rows"], key=_size, reverse=True)
    for row in rows[:most]:
        names = (row[name] for name in ("month", "provider", "account", "service", "region"))
        yield "  ".join(plain(name) for name in names if name) or "?"
        yield from (f"  {line}" for line in _row(row, words, numbers))
    if most is not None and len(rows) > most:
        yield words.say("reconcile.more", places=counted(words, "place", len(rows) - most))


def _month(one: Mapping[str, Any], words: Catalogue, numbers: Numbers) -> Iterator[str]:
    """A provider's month: both sides, and what concerns most of it."""
    provider = words.word("cloud", plain(one["provider"])) or "?"
    if one["ours"] is None:
        yield words.say("reconcile.nothing", month=one["month"], provider=provider)
    else:
        ours, theirs = (numbers.amount(one[side], _UNIT).text for side in ("ours", "theirs"))
        said = words.say("reconcile.month", month=one["month"], provider=provider, ours=ours, theirs=theirs)
        yield _with_ratio(said, one["ratio"], words, numbers)
    if one["coverage"] is not None:
        yield "  " + words.say("reconcile.coverage", share=numbers.percent(one["coverage"]))
    places = counted(words, "place", one["places"])
    yield "  " + words.say("reconcile.compared", compared=numbers.integer(one["compared"]), places=places)
    for why in one["why"][:_REASONS]:
        yield "  " + words.word("web.bill.apart" if why in _APART else "web.carbon.why", why)


def _with_ratio(said: str, ratio: float | None, words: Catalogue, numbers: Numbers) -> str:
    return said if ratio is None else words.say("reconcile.ratio", said=said, ratio=numbers.raw(float(f"{ratio:.2g}")))


def _size(row: Mapping[str, Any]) -> float:
    """How much a place emits by the side that says more."""
    ours, theirs = ("use", "embodied"), ("operational", "making", "total")
    return max(sum(row[name] or 0.0 for name in side) for side in (ours, theirs))


def _row(row: Mapping[str, Any], words: Catalogue, numbers: Numbers) -> Iterator[str]:
    def amount(value: float | None, **bounds: Any) -> str:
        return numbers.amount(value, _UNIT, **bounds).text

    both = None if row["use"] is None else row["use"] + row["embodied"]
    scopes = None if None in (row["operational"], row["making"]) else row["operational"] + row["making"]
    for key, ours, theirs, ratio in (
        ("reconcile.use", row["use"], row["operational"], row["ratio_use"]),
        ("reconcile.making", row["embodied"], row["making"], row["ratio_making"]),
        ("reconcile.total", both, scopes if row["total"] is None else row["total"], row["ratio_total"]),
    ):
        if theirs is None and (key == "reconcile.total" or ours is None):
            continue
        yield _with_ratio(words.say(key, ours=amount(ours), theirs=amount(theirs)), ratio, words, numbers)
    if row["coverage"] is not None:
        yield words.say("reconcile.coverage", share=numbers.percent(row["coverage"]))
    yield from (words.word("web.carbon.why", why) for why in row["why"])
