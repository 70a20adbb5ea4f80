# SPDX-License-Identifier: Apache-2.0
"""The derivation of a figure on a terminal: what it sums, then one row down to formula, factors, sources and raw values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lichen import units
from lichen.cli.words import WORDS, Words
from lichen.collect.entities import parse_entity
from lichen.records import ID_SHOWN
from lichen.render.composition import factor_words
from lichen.render.figures import plain, quality_words, step_name
from lichen.render.i18n import LANGUAGES, catalogue
from lichen.render.numbers import Numbers
from lichen.render.sentences import told
from lichen.service.figure_ids import HEADLINE, folded

TERMS_SHOWN: Final = 10
"""Rows of a sum; the others are counted."""
_INDENT: Final = 2
RULE_OF_RANGES: Final = "lichen-pedigree"
"""Source of rows whose range is assumed by a grade: a rule, not a publication."""
_CARBON: Final = ("carbon", "carbone", "co2", "co2e")
_WORDS_OF_FIGURES: Final = ("quantity", "column", "indicator")
"""Families of the catalogues that name indicators and counters; where two name the same, the later counts."""
_NO_UNIT: Final = ("1", "X")
"""Units of tags that are not printed: a bare number, and the unit of whatever indicator it is."""
_CONSTANT: Final = re.compile(r"\b[A-Z][A-Z_]+\b")
"""A constant of `lichen.units` in an expression."""


def figure_words() -> dict[str, str]:
    """Every word that heads a figure in any language, to the figure's name: what people type is what they have read."""
    return dict.fromkeys(_CARBON, HEADLINE) | {
        folded(text): key.partition(".")[2]
        for family in _WORDS_OF_FIGURES
        for lang in LANGUAGES
        for key, text in catalogue(lang).messages.items()
        if key.startswith(f"{family}.")
    }


def print_derivation(tree: Mapping[str, Any], console: Console, lang: str) -> None:
    """Prints what `lichen.service.explain.explain` returns.

    A sum lists its largest rows and opens the largest; the others open by their id.
    """
    _Printer(console, lang).print(tree)


class _Printer:
    def __init__(self, console: Console, lang: str) -> None:
        self.console = console
        self.words = Words(lang)
        self.catalogue = catalogue(lang)
        self.catalogue = catalogue(lang)
        self.numbers = Numbers(lang)
        self.told: set[str] = set()
        self.run_id = ""

    def print(self, tree: Mapping[str, Any]) -> None:
        """The figure, then the run and the method it comes from."""
        self.run_id = tree["run_id"][:ID_SHOWN]
        figure = tree["figure"]
        if "rows" in figure:
            self._counter(figure)
        elif "terms" in figure:
            self._sum(figure)
        else:
            self._impact(figure)
        method = tree["method"]
        self._line("")
        self._line(self._pair("run", f"{self.run_id}, {tree['run_path']}"), soft_wrap=True)
        factors = f"{self.words['factors']} {method['factors_hash'][:ID_SHOWN]}"
        self._line(self._pair("method", f"{method['id']} {method['version']}, {factors}"))
        for note in tree.get("notes", ()):
            self._line(told(note, self.catalogue))

    def _line(self, text: str, *, indent: int = 0, style: str = "", soft_wrap: bool = False) -> None:
        shown = Text(text, style=style)
        if soft_wrap:
            self.console.print(shown, soft_wrap=True)
        else:
            self.console.print(Padding(shown, (0, 0, 0, indent), expand=False))

    def _pair(self, key: str, value: str) -> str:
        return f"{self.words[key]}{self.words.colon}{value}"

    def _figure(self, row: Mapping[str, Any]) -> str:
        amount = self.numbers.amount(row["value"], row["unit"], low=row["low"], high=row["high"])
        said = f"{self.catalogue.word('indicator', row['indicator'])} {amount.text}"
        return f"{said}, {self._pair('model_range', amount.spread)}" if amount.spread else said

    def _place(self, impact: Mapping[str, Any]) -> str:
        """Step and part in words; the entity's path where it is not a journey's."""
        entity = parse_entity(impact["entity"])
        if entity is None:
            return plain(str(impact["entity"]))
        return f"{step_name(entity.step, self.catalogue)}, {plain(entity.part)}"

    def _counter(self, figure: Mapping[str, Any]) -> None:
        """A counter, then each row with the raw value of every sample, and the machine."""
        self._line(plain(figure["name"]), style="bold")
        rung = self.numbers.rung(figure["value"], figure["unit"])
        amount = self.numbers.amount(figure["value"], figure["unit"], half_width=figure["half_width"], rung=rung)
        said = f"{self.catalogue.word('quantity', figure['quantity'])} {amount.text}"
        self._line(f"{said}, {self.words['repeating']} {amount.repeat}" if amount.repeat else said)
        finest = self.numbers.finest(figure["value"], rung)
        for row in sorted(figure["rows"], key=lambda row: -(row["value"] or 0.0)):
            shown = self.numbers.amount(row["value"], row["unit"], half_width=0.0, rung=rung, finest=finest)
            quality = self.catalogue.word("quality", row["method"])
            self._line("")
            self._line(f"{self._place(row)}{self.words.colon}{shown.text} ({quality})")
            for line in self._samples(row):
                self._line(line, indent=_INDENT + 1, style="dim")
        host = figure["host"]
        known = (host.get("cpu_model"), host.get("kernel"))
        self._line("")
        self._line(self._pair("host", plain(", ".join(str(one) for one in (host.get("host_id"), *known) if one))))

    def _sum(self, figure: Mapping[str, Any]) -> None:
        self._line(plain(figure["name"]), style="bold")
        self._line(self._figure(figure))
        self._line(self._pair("quality", quality_words(figure["shares"], self.catalogue, self.numbers)))
        self._range_from(figure)
        for position, step in enumerate(figure.get("steps", ()), start=1):
            self._step(position, step, (), f"{self.numbers.raw(figure['value'])} {figure['unit']}")
        terms = figure["terms"]
        shown = [term for term in terms if term["value"]][:TERMS_SHOWN]
        self._line("")
        self.console.print(self._table(shown, figure))
        if len(shown) < len(terms):
            rest = sum(term["share"] or 0.0 for term in terms[len(shown) :])
            count = len(terms) - len(shown)
            smaller = self.words["smaller_one" if count == 1 else "smaller"]
            text = smaller.format(count=self.numbers.integer(count), share=self.numbers.whole_percent(rest))
            self._line(text, style="dim")
        if shown:
            self._line("")
            self._line(self.words["largest"], style="dim")
            self._impact(shown[0])
            self._line("")
            other = shown[min(1, len(shown) - 1)]["impact_id"]
            self._line(self.words["open_others"].format(id=f"{other} --run {self.run_id}"), style="dim")

    def _table(self, terms: Sequence[Mapping[str, Any]], figure: Mapping[str, Any]) -> Table:
        """One line per row of the sum, all values in the unit of the total."""
        rung = self.numbers.rung(figure["value"], figure["unit"])
        finest = self.numbers.finest(figure["value"], rung)
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False, header_style="dim")
        table.add_column(self.words["share"], justify="right", no_wrap=True)
        table.add_column(Text(self.numbers.unit(rung)), justify="right", no_wrap=True)
        for key in ("place", "phase", "rule"):
            table.add_column(self.words[key], overflow="fold")
        table.add_column("id", no_wrap=True)
        for term in terms:
            amount = self.numbers.amount(
                term["value"], term["unit"], low=term["low"], high=term["high"], rung=rung, finest=finest
            )
            share = self.numbers.whole_percent(term["share"]) if term["share"] is not None else ""
            row = (share, amount.number, self._place(term), self.words[term["phase"]], term["rule"], term["impact_id"])
            table.add_row(*(Text(cell) for cell in row))
        return table

    def _impact(self, impact: Mapping[str, Any]) -> None:
        self._line(f"{impact['impact_id']}  {self._place(impact)}", style="bold")
        self._line(f"{self._figure(impact)} ({self.words[impact['phase']]}, {self._pair('rule', impact['rule'])})")
        self._range_from(impact)
        for position, step in enumerate(impact["steps"], start=1):
            unit = step["result"].split(" ")[0]
            result = "" if step["value"] is None else self.numbers.raw(step["value"])
            between = f"{result} {'' if unit in _NO_UNIT else unit}".strip() or unit
            is_last = position == len(impact["steps"])
            self._step(position, step, impact["activities"], self._result(impact) if is_last else between)

    def _step(
        self, position: int, step: Mapping[str, Any], activities: Sequence[Mapping[str, Any]], result: str
    ) -> None:
        """A formula, its result, and each of its arguments."""
        self._line("")
        self._line(f"{position}. {self._pair('formula', step['formula'])}")
        self._line(f"{step['expression']}  → {result}", indent=_INDENT + 1, style="green")
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column()
        for argument in step["arguments"]:
            first, *more = self._argument(argument, activities)
            said = Text(first)
            for line in more:
                said.append(f"\n{line}", style="dim")
            grid.add_row(Text(argument["name"], style="bold"), said)
        for name in _CONSTANT.findall(step["expression"]):
            grid.add_row(Text(name, style="bold"), Text(self.numbers.raw(getattr(units, name))))
        self.console.print(Padding(grid, (0, 0, 0, _INDENT + 1), expand=False))
        for source in step["sources"]:
            self._line(self._pair("formula_source", source), indent=_INDENT + 1, style="dim")

    def _range_from(self, figure: Mapping[str, Any]) -> None:
        """The factors that a range comes from, the largest share first."""
        said = [
            f"{factor_words(row['id'], row['geography'], self.catalogue)} {self.numbers.whole_percent(row['share'])}"
            for row in figure.get("range_from", ())
        ]
        if said:
            self._line(self._pair("range_comes", ", ".join(said)))

    def _result(self, impact: Mapping[str, Any]) -> str:
        """The value in the unit of the formula, and in the one of the figure above where that is another."""
        rung = self.numbers.rung(impact["value"], impact["unit"])
        exact = f"{self.numbers.raw(impact['value'])} {impact['unit']}"
        if rung.factor == 1.0:
            return exact
        return f"{exact} = {self.numbers.amount(impact['value'], impact['unit'], rung=rung, half_width=0.0).text}"

    def _argument(self, argument: Mapping[str, Any], activities: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """What an argument of a formula is: its value first, then where that comes from."""
        factor = argument.get("factor")
        if factor is not None:
            yield from self._factor(factor, argument.get("components", ()))
        elif argument["from"] == "quantity":
            yield from (
                line for row in activities if row["quantity"] == argument["quantity"] for line in self._activity(row)
            )
        elif argument["from"] == "result":
            yield f"{self.numbers.raw(argument['value'])} ({self.words['result_of'].format(step=argument['step'])})"
        else:
            unit = argument["tag"].split(" ")[0]
            value = f"{self.numbers.raw(argument['value'])} {'' if unit in _NO_UNIT else unit}".strip()
            summed = f"{argument['from']}_below"
            origin = self.words[summed] if summed in WORDS else self._pair(argument["from"], argument["name"])
            yield f"{value} ({origin})"

    def _factor(self, factor: Mapping[str, Any], components: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        yield self._value(factor)
        yield self._pair("factor", f"{factor['id']}, {factor['geography']}, {factor['valid_from'][:4]}")
        if factor["fallback"]:
            yield self._pair("fallback", ", ".join(factor["fallback"]))
        if factor.get("replaces"):
            own = self.words["own_instead"].format(pack=factor["replaces"])
            yield self._pair("pack", f"{factor['pack']} ({own})")
        if components:
            yield from self._components(components)
        elif factor["source"] == RULE_OF_RANGES:
            # Where the value comes from is in its comment; the source is a rule for its range.
            yield from filter(None, [factor["comment"]])
            yield from self._source("range_from", factor)
        else:
            yield from self._source("source", factor)
            yield from filter(None, [factor["comment"]])

    def _value(self, factor: Mapping[str, Any]) -> str:
        value, low, high = (self.numbers.raw(factor[key]) for key in ("value", "low", "high"))
        if factor.get("vector"):
            value = ", ".join(self.numbers.raw(one) for one in factor["vector"])
        spread = self.catalogue.say("number.range", low=low, high=high)
        basis = self.words[f"range_{factor['range_basis']}"]
        unit = "" if factor["unit"] == "1" else f" {factor['unit']}"
        return f"{value}{unit} ({spread}, {basis})" if low != high else f"{value}{unit}"

    def _source(self, key: str, factor: Mapping[str, Any]) -> Iterator[str]:
        """Title and licence of a factor's source, in full once."""
        if factor["source"] in self.told:
            yield self._pair(key, self.words["as_above"])
            return
        self.told.add(factor["source"])
        yield self._pair(key, factor["source_title"] or factor["source"])
        yield self._pair("licence", factor["licence"])

    def _components(self, components: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """The devices that a mean was taken of, each with its publication, and where their shares come from."""
        kind = "mean_per_hour" if components[0]["per_hour"] else "mean_of"
        yield self.words[kind].format(count=len(components)) + self.words.colon.rstrip()
        for row in components:
            device = self.catalogue.word("equipment", row["device"])
            share = self.numbers.whole_percent(row["share"]["value"])
            yield f"- {device} {share}{self.words.colon}{self._value(row['factor'])}"
            _, *more = self._factor(row["factor"], ())
            yield from (f"  {line}" for line in more)
        yield from self._source("shares_from", components[0]["share"])

    def _activity(self, activity: Mapping[str, Any]) -> Iterator[str]:
        quality = self.catalogue.word("quality", activity["method"])
        quantity = self.catalogue.word("quantity", activity["quantity"])
        yield f"{self.numbers.raw(activity['value'])} {activity['unit']} ({quantity}, {quality})"
        yield from self._samples(activity)

    def _samples(self, activity: Mapping[str, Any]) -> Iterator[str]:
        """The raw value of every sample, those that count apart from those that were trimmed."""
        if not activity["samples"]:
            return
        kept = set(activity["kept"]) or set(range(len(activity["samples"])))
        values = [
            self.numbers.raw(value) if value is not None else self.numbers.unknown for value in activity["samples"]
        ]
        unit = "" if activity["unit"] == "1" else f"\u00a0{activity['unit']}"
        yield self._pair("samples", " · ".join(value for i, value in enumerate(values) if i in kept) + unit)
        if dropped := [value for i, value in enumerate(values) if i not in kept]:
            yield self._pair("dropped", " · ".join(dropped))
