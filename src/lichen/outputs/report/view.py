# SPDX-License-Identifier: Apache-2.0
"""The report around its journeys: the answer in one line, what the figures rest on, and the machine."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Final

from lichen.outputs.report.journey import JourneyView
from lichen.render import figures as say
from lichen.render.i18n import catalogue
from lichen.render.numbers import Numbers
from lichen.service.result import Result


class ReportView:
    """The whole report.

    Attributes:
        explained: journeys, from the first, for which other methods have a table, and sentences on why they differ.
    """

    def __init__(self, result: Result, lang: str) -> None:
        self.result: Final = result
        self.words: Final = catalogue(lang)
        self.numbers: Final = Numbers(lang)
        self.lang: Final = lang
        self.journeys: Final = [JourneyView(journey, result, self.words, self.numbers) for journey in result.journeys]
        self.explained = len(self.journeys)

    @cached_property
    def project(self) -> str:
        """Name of the project, short enough for a title."""
        return say.shorten(say.plain(self.result.project), 80)

    @cached_property
    def lede(self) -> str:
        """The answer in one line: how many journeys, from the lightest to the heaviest."""
        known = sorted((v for v in self.journeys if v.headline), key=lambda v: v.headline.value if v.headline else 0.0)
        if self.is_command:
            count = self.words.count("report.commands", len(self.journeys))
        else:
            count = self.words.count("report.journeys", len(self.journeys))
        if not known:
            return count
        per = {view.per for view in known}
        least, most = known[0].climate.text, known[-1].climate.text
        key = "report.lede_one" if len(known) == 1 or least == most else "report.lede"
        return self.words.say(
            key, journeys=count, least=least, most=most, per=per.pop() if len(per) == 1 else ""
        ).strip()

    @cached_property
    def facts(self) -> list[tuple[str, str]]:
        """What the figures rest on: date, place, equipment, method, factors, browser."""
        result, words = self.result, self.words
        context = result.context
        equipment = [
            words.word("equipment", say.plain(str(context[key]))) for key in ("device", "network") if context.get(key)
        ]
        method = f"{say.method_title(result, self.lang)} ({say.method_words(result)})"
        pairs: Iterable[tuple[str, str]] = (
            ("date", self.numbers.moment(result.started_at)),
            ("zone", self._zone(say.plain(str(context.get("zone") or "")))),
            ("equipment", ", ".join(equipment)),
            ("method", method),
            ("factors", say.factors_words(result, self.numbers)),
            ("browser", say.browser_words(result, words)),
        )
        return [(words.say(f"fact.{key}"), text) for key, text in pairs if text]

    def _zone(self, zone: str) -> str:
        """A country's name and code; the code of a grid zone that is not a country."""
        country = self.words.locale.territories.get(zone)
        return f"{country} ({zone})" if country else zone or self.numbers.unknown

    @cached_property
    def host(self) -> str:
        """The machine in words."""
        return say.host_words(self.result, self.words, self.numbers)

    @cached_property
    def explain(self) -> str:
        """The command that opens the first figure; empty when there is none."""
        return say.explain_command(self.result) or ""

    @cached_property
    def is_command(self) -> bool:
        """Whether commands were measured, and no journey of a user."""
        return all(journey.kind == "command" for journey in self.result.journeys)

    @cached_property
    def kicker(self) -> str:
        """What was measured: journeys of users, or commands."""
        return self.words.say("report.kicker_command" if self.is_command else "report.kicker")

    @cached_property
    def has_screen(self) -> bool:
        """Whether somebody looks at what was measured."""
        return say.has_screen(self.result)

    @cached_property
    def fallbacks(self) -> list[str]:
        """What was restated, and factors of another place that stood in."""
        return [*say.restatements(self.result, self.words), *say.fallbacks(self.result, self.words)]
