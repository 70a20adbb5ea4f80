# SPDX-License-Identifier: Apache-2.0
"""The derivation of a figure as a tree on a terminal: figure, impacts, formulas, arguments, sources, raw values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from lichen.cli.words import Words
from lichen.render.i18n import catalogue
from lichen.render.numbers import Numbers


def print_derivation(tree: Mapping[str, Any], console: Console, lang: str) -> None:
    """Prints what `lichen.service.explain.explain` returns.

    A sum shows each term on one line, from the largest, and opens the largest; the others open by their id.
    """
    _Printer(console, lang).print(tree)


class _Printer:
    def __init__(self, console: Console, lang: str) -> None:
        self.console = console
        self.words = Words(lang)
        self.catalogue = catalogue(lang)
        self.numbers = Numbers(lang)

    def print(self, tree: Mapping[str, Any]) -> None:
        """The figure, then the run and the method it comes from."""
        figure = tree["figure"]
        if "terms" in figure:
            root = Tree(self._sum(figure))
            for position, term in enumerate(figure["terms"]):
                branch = root.add(self._impact(term))
                if position == 0:
                    self._open(branch, term)
        else:
            root = Tree(self._impact(figure))
            self._open(root, figure)
        self.console.print(root)
        method = tree["method"]
        self._pair("run", f"{tree['run_id'][:12]}, {tree['run_path']}")
        self._pair(
            "method", f"{method['id']} {method['version']}, {self.words['factors']} {method['factors_hash'][:12]}"
        )

    def _pair(self, key: str, value: str) -> None:
        self.console.print(Text(f"{self.words[key]}{self.words.colon}{value}"), soft_wrap=True)

    def _amount(self, row: Mapping[str, Any]) -> str:
        return self.numbers.amount(row["value"], row["unit"], low=row.get("low"), high=row.get("high")).full

    def _sum(self, figure: Mapping[str, Any]) -> Text:
        text = Text(figure["name"], style="bold")
        text.append(
            f"  {self.catalogue.word('indicator', figure['indicator'])}{self.words.colon}{self._amount(figure)}",
            style="none",
        )
        shares = [
            f"{self.numbers.whole_percent(share)} {self.catalogue.word('quality', name)}"
            for name, share in figure["shares"].items()
            if share
        ]
        text.append(f"\n{self.words['quality']}{self.words.colon}{', '.join(shares)}", style="none")
        return text

    def _impact(self, impact: Mapping[str, Any]) -> Text:
        text = Text(impact["impact_id"], style="bold")
        indicator, phase = self.catalogue.word("indicator", impact["indicator"]), self.words[impact["phase"]]
        text.append(f"  {impact['entity']}, {indicator}, {phase}, {impact['rule']}{self.words.colon}", style="none")
        if impact.get("share") is not None:
            text.append(f", {self.numbers.whole_percent(impact['share'])}", style="none")
        return text

    def _open(self, branch: Tree, impact: Mapping[str, Any]) -> None:
        for step in impact["steps"]:
            shown = branch.add(Text(f"{step['formula']}{self.words.colon}{step['expression']}  [{step['result']}]"))
            for argument in step["arguments"]:
                self._argument(shown, argument)
            for source in step["sources"]:
                shown.add(Text(f"{self.words['source']}{self.words.colon}{source}", style="dim"))
        for activity in impact["activities"]:
            self._activity(branch, activity)

    def _argument(self, branch: Tree, argument: Mapping[str, Any]) -> None:
        name = f"{argument['name']} [{argument['tag']}]"
        factor = argument.get("factor")
        if factor is None:
            value = f" = {argument['value']!r}" if argument.get("value") is not None else ""
            origin = argument.get("quantity") or argument.get("name", "")
            branch.add(Text(f"{name}{value}, {self.words['from']} {argument['from']} {origin}".rstrip()))
            return
        numbers = f"{factor['value']:.6g} {factor['unit']} ({factor['low']:.6g} - {factor['high']:.6g}, {factor['range_basis']})"
        text = f"{name} = {numbers}, {self.words['factor']} {factor['id']} {factor['geography']} {factor['valid_from'][:4]}"
        shown = branch.add(Text(text))
        shown.add(
            Text(f"{self.words['source']}{self.words.colon}{factor['source_title'] or factor['source']}", style="dim")
        )
        if factor["comment"]:
            shown.add(Text(factor["comment"], style="dim"))

    def _activity(self, branch: Tree, activity: Mapping[str, Any]) -> None:
        quality = self.catalogue.word("quality", activity["method"])
        quantity = self.catalogue.word("quantity", activity["quantity"])
        shown = branch.add(Text(f"{quantity}{self.words.colon}{activity['value']!r} {activity['unit']} ({quality})"))
        if activity["samples"]:
            kept = set(activity["kept"]) or set(range(len(activity["samples"])))
            values = [f"{value:.6g}" if value is not None else self.numbers.unknown for value in activity["samples"]]
            shown.add(
                Text(
                    f"{self.words['samples']}{self.words.colon}{', '.join(v for i, v in enumerate(values) if i in kept)}"
                )
            )
            if dropped := [v for i, v in enumerate(values) if i not in kept]:
                shown.add(Text(f"{self.words['dropped']}{self.words.colon}{', '.join(dropped)}"))
