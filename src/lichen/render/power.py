# SPDX-License-Identifier: Apache-2.0
"""Watts of a machine in words and numbers of a language: ``lichen power``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lichen.render.i18n import catalogue
from lichen.render.numbers import Numbers
from lichen.service.power import Answer, Watts


class Line(NamedTuple):
    """A power with its name and its range."""

    name: str
    power: str
    spread: str


class PowerText:
    """An answer in one language.

    Args:
        answer: what was estimated.
        lang: ``en`` or ``fr``.
    """

    def __init__(self, answer: Answer, lang: str) -> None:
        self._answer = answer
        self._words = catalogue(lang)
        self._numbers = Numbers(lang)
        self.columns = (self._words.say("power.load"), self._words.say("power.range"))

    def heading(self) -> str:
        """The machine, or the guest on it, and its load."""
        answer, say = self._answer, self._words.say
        label = answer.label or say("power.machine")
        if answer.own_threads is not None:
            share = say("power.vcpus", count=f"{answer.own_threads:g}")
            label = say("power.guest", share=share, label=label)
        return say("power.at_load", label=label, load=self._numbers.percent(answer.load))

    def lines(self) -> Iterator[Line]:
        """The power asked for and what frames it; what does not apply is left out."""
        answer, say = self._answer, self._words.say
        cards = None if answer.server is None else answer.accelerators
        rows = (
            (say("power.power"), answer.power),
            (say("power.idle"), answer.idle),
            (say("power.max"), answer.max),
            (say("power.host"), answer.host),
            (say("power.marginal"), answer.marginal),
            (say("power.accelerators"), cards),
        )
        return (self._line(name, watts) for name, watts in rows if watts is not None)

    def curve(self) -> Iterator[Line]:
        """The power at each tenth of the load."""
        return (self._line(self._numbers.percent(load), watts) for load, watts in self._answer.curve)

    def basis(self) -> str:
        """What is known of the machine."""
        return ", ".join(self._words.say(f"power_basis.{name}") for name in self._answer.basis.split("+"))

    def foundation(self) -> Iterator[str]:
        """What is known, and the hardware that the figures were computed with."""
        colon = "\u00a0: " if self._words.lang == "fr" else ": "
        yield f"{self._words.say('power.known')}{colon}{self.basis()}"
        server = self._answer.server
        if server is not None:
            sizes = {"tdp": server.tdp_w, "threads": server.threads, "memory": server.memory_gb}
            shown = {name: self._numbers.integer(round(value)) for name, value in sizes.items()}
            shown["year"] = str(round(server.year))
            said = ", ".join(self._words.say(f"power_with.{name}", value=value) for name, value in shown.items())
            yield f"{self._words.say('power.assumed')}{colon}{said}"

    def notes(self) -> list[str]:
        """Sentences on what was assumed."""
        return [self._words.say(f"power_note.{note.code}", **note.arguments) for note in self._answer.notes]

    def _line(self, name: str, watts: Watts) -> Line:
        amount = self._numbers.amount(watts.value, "W", low=watts.low, high=watts.high)
        return Line(name, amount.text, amount.spread)
