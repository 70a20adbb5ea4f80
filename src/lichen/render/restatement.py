# SPDX-License-Identifier: Apache-2.0
"""A restatement in words and numbers of a language: ``lichen restate``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lichen.records import ID_SHOWN
from lichen.render.figures import HEADLINE, plain
from lichen.render.i18n import catalogue
from lichen.render.numbers import Numbers, Rung
from lichen.service.restating import Outcome

_DAY: Final = len("2026-01-31")
_APART: Final[Mapping[str, str]] = {
    "volume": "restate.volume", "intensity": "restate.intensity", "factors": "restate.factors", "method": "restate.method",
}  # fmt: skip
_TOGETHER: Final[Mapping[str, str]] = {
    "volume": "restate.volume", "intensity": "restate.intensity", "model": "restate.model",
}  # fmt: skip
"""Effects and their headings, where factors and method can be told apart and where they cannot."""

Table = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Headings and rows."""


def starting(count: int, lang: str) -> str:
    """What is said before ``count`` runs are restated."""
    return catalogue(lang).count("restate.start", count)


class RestatementText:
    """An outcome in one language.

    Args:
        outcome: of `lichen.service.restating.restate`.
        lang: ``en`` or ``fr``.
    """

    def __init__(self, outcome: Outcome, lang: str) -> None:
        self._outcome = outcome
        self._record = outcome.record
        self._words = catalogue(lang)
        self._numbers = Numbers(lang)

    def summary(self) -> str:
        """How many runs say something else now, in one sentence."""
        changed = len(self._record["runs"])
        if not changed:
            return self._words.count("restate.nothing", self._outcome.unchanged)
        same = self._words.count("restate.unchanged", self._outcome.unchanged) if self._outcome.unchanged else ""
        return f"{self._words.count('restate.changed', changed)} {same}".rstrip()

    def runs(self) -> Table | None:
        """Each journey of each changed run: what it said when it was measured, and what it says now; None without any."""
        rows = [self._run(run, journey) for run in self._record["runs"] for journey in run["journeys"]]
        say = self._words.say
        heads = ("restate.run", "restate.journey", "restate.first", "restate.now", "restate.change")
        return ([say(head) for head in heads], rows) if rows else None

    def effects(self) -> Table | None:
        """The climate figure of each journey from its first run to its newest, and the effects between; None without any."""
        effects = self._record["effects"]
        known = [
            (plain(row["name"]), row["indicators"][HEADLINE])
            for row in effects["journeys"]
            if HEADLINE in row["indicators"]
        ]
        if not known:
            return None
        if len(known) > 1:
            known.append((self._words.say("journey.total"), effects["total"][HEADLINE]))
        largest = max(abs(value) for _, row in known for value in (row["before"], row["after"]))
        rung = self._numbers.rung(largest, known[0][1]["unit"])
        shown = _TOGETHER if any(row["factors"] is None for _, row in known) else _APART
        headings = [
            self._words.say(head) for head in ("restate.journey", "restate.first", *shown.values(), "restate.now")
        ]
        headings[1] += f"\n{self._numbers.unit(rung)}"
        rows = [
            [name, self._amount(row["before"], rung, largest), *(self._signed(row[key], rung, largest) for key in shown),
             self._amount(row["after"], rung, largest)]
            for name, row in known
        ]  # fmt: skip
        return headings, rows

    def remarks(self) -> Iterator[str]:
        """What the effects mean, and what should be known about them."""
        say = self._words.say
        if self.effects() is not None:
            yield say("restate.legend")
        for row in self._record["effects"]["journeys"]:
            if row["other_machine"]:
                yield say("restate.other_machine", journey=plain(row["name"]))
        yield from dict.fromkeys(self._gaps())
        if self._outcome.path is not None:
            yield say("restate.written", path=plain(str(self._outcome.path)))
        elif self._record["runs"]:
            yield say("restate.dry_run")

    def _gaps(self) -> Iterator[str]:
        """Indicators that were known and are not any more."""
        for run in self._record["runs"]:
            for journey in run["journeys"]:
                lost = [name for name in journey["before"] or {} if name not in journey["after"]]
                if lost:
                    names = ", ".join(self._words.word("indicator", name) for name in lost)
                    yield self._words.say(
                        "restate.lost", journey=plain(journey["name"]), method=run["method_after"]["id"], names=names
                    )

    def _run(self, run: Mapping[str, Any], journey: Mapping[str, Any]) -> list[str]:
        before, after = (figures.get(HEADLINE) for figures in (journey["before"] or {}, journey["after"]))
        rung = None
        if known := [figure for figure in (before, after) if figure is not None]:
            rung = self._numbers.rung(max(figure["value"] for figure in known), known[0]["unit"])
        day = run["started_at"][:_DAY]
        return [
            f"{day} {run['run_id'][:ID_SHOWN]}",
            plain(journey["name"]),
            self._figure(before, rung),
            self._figure(after, rung),
            self._share(before, after),
        ]

    def _figure(self, figure: Mapping[str, Any] | None, rung: Rung | None) -> str:
        if figure is None:
            return self._numbers.unknown
        return self._numbers.amount(
            figure["value"], figure["unit"], low=figure["low"], high=figure["high"], rung=rung
        ).full

    def _share(self, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
        if before is None or after is None or not before["value"]:
            return ""
        share = after["value"] / before["value"] - 1
        return f"{_sign(share)}{self._numbers.percent(abs(share))}"

    def _amount(self, value: float, rung: Rung, largest: float) -> str:
        finest = self._numbers.finest(largest, rung)
        return self._numbers.amount(value, rung.base, half_width=0.0, rung=rung, finest=finest).number

    def _signed(self, value: float, rung: Rung, largest: float) -> str:
        return f"{_sign(value)}{self._amount(abs(value), rung, largest)}"


def _sign(value: float) -> str:
    return "+" if value > 0 else "\u2212" if value < 0 else ""
