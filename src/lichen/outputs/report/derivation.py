# SPDX-License-Identifier: Apache-2.0
"""The derivation of a figure as one HTML file: a tree of ``<details>`` that opens without a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from lichen.collect.entities import parse_entity
from lichen.outputs.report.page import asset, environment, policy, written
from lichen.records import ID_SHOWN
from lichen.render.composition import factor_words
from lichen.render.figures import plain, quality_words, step_name
from lichen.render.i18n import Catalogue, catalogue
from lichen.render.numbers import Numbers
from lichen.render.sentences import told

_SCI: Final = "sci"
_SUMMED: Final[Mapping[str, str]] = {
    "sum": "explain.sum", "mean": "explain.mean", "count": "explain.count",
}  # fmt: skip
"""Arguments that are taken from the whole: where from, and how that is said."""


@dataclass(slots=True)
class Node:
    """A line of the tree, and what it opens into.

    Attributes:
        title: what it is; value: its number; remark: what is said beside it.
        is_code: the title is the name of a formula or of an argument.
        facts: label and text of what it is known by.
        anchor: its place in the page; ``link``: the place where it is told, when that is elsewhere.
        expression: the body of a formula.
    """

    title: str
    value: str = ""
    remark: str = ""
    is_code: bool = False
    is_open: bool = False
    expression: str = ""
    anchor: str = ""
    link: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)


class DerivationPage:
    """A derivation in one language.

    Args:
        tree: what `lichen.service.explain.explain` returns.
        lang: ``en`` or ``fr``.
    """

    def __init__(self, tree: Mapping[str, Any], lang: str) -> None:
        self._tree: Final = tree
        self._figure: Final[Mapping[str, Any]] = tree["figure"]
        self._words: Final[Catalogue] = catalogue(lang)
        self._numbers: Final = Numbers(lang)
        self._told: Final[dict[str, str]] = {}
        """Factor, activity or formula -> anchor of the place where it is told; those of formulas have none."""

    def render(self) -> bytes:
        """The page as UTF-8."""
        style, script = asset("report.css") + asset("derivation.css"), asset("theme.js")
        html = (
            environment()
            .get_template("derivation.html.j2")
            .render(
                lang=self._words.lang,
                say=self._words.say,
                title=self._name(),
                amount=self._amount(self._figure),
                per=self._per(),
                range_from=list(self._range_from()),
                facts=list(self._facts()),
                notes=[plain(told(note, self._words)) for note in self._tree["notes"]],
                nodes=list(self._roots()),
                policy=policy(style, script),
                style=Markup(style),  # noqa: S704 - files of this package
                script=Markup(script),  # noqa: S704 - a file of this package
            )
        )
        return written(html)

    def _name(self) -> str:
        return plain(str(self._figure.get("name") or self._figure.get("impact_id")))

    def _amount(self, row: Mapping[str, Any]) -> Any:
        return self._numbers.amount(
            row["value"], row["unit"], low=row.get("low"), high=row.get("high"), half_width=row.get("half_width")
        )

    def _per(self) -> str:
        figure = self._figure
        if figure.get("indicator") == _SCI:
            unit = self._words.word("functional_unit", plain(figure["functional_unit"]))
            return self._words.say("explain.sci", unit=unit)
        if "quantity" in figure:
            return self._words.word("quantity", figure["quantity"])
        return self._words.word("indicator", figure["indicator"])

    def _facts(self) -> Iterator[tuple[str, str]]:
        tree, say = self._tree, self._words.say
        if shares := self._figure.get("shares"):
            yield say("explain.quality"), quality_words(shares, self._words, self._numbers)
        yield say("explain.method"), f"{tree['method']['id']} {tree['method']['version']}"
        yield say("explain.factors"), tree["method"]["factors_hash"][:ID_SHOWN]
        yield say("explain.run"), tree["run_id"][:ID_SHOWN]
        yield say("explain.file"), plain(tree["run_path"])

    def _range_from(self) -> Iterator[str]:
        for row in self._figure.get("range_from", ()):
            share = self._numbers.whole_percent(row["share"])
            what = factor_words(row["id"], row["geography"], self._words)
            said = self._words.say("explain.range_from", share=share, what=what)
            yield said if what == row["id"] else f"{said} · {row['id']}"

    def _roots(self) -> Iterator[Node]:
        figure = self._figure
        if "rows" in figure:
            yield from (self._row(row) for row in figure["rows"])
            return
        if "terms" not in figure:
            yield self._impact(figure, is_open=True)
            return
        yield from (self._step(place, step, figure) for place, step in enumerate(figure.get("steps", ()), start=1))
        for place, term in enumerate(figure["terms"]):
            yield self._impact(term, is_open=place == 0)

    def _place(self, row: Mapping[str, Any]) -> str:
        entity = parse_entity(row["entity"])
        if entity is None:
            return plain(str(row["entity"]))
        return f"{step_name(entity.step, self._words)}, {plain(entity.part)}"

    def _row(self, row: Mapping[str, Any]) -> Node:
        """A row of a counter."""
        node = self._activity(row)
        node.title, node.is_open = self._place(row), True
        return node

    def _impact(self, impact: Mapping[str, Any], *, is_open: bool) -> Node:
        share = impact.get("share")
        amount = self._amount(impact)
        remarks = [
            "" if share is None else self._numbers.whole_percent(share),
            self._words.word("phase", impact["phase"]),
            impact["rule"],
        ]
        node = Node(
            title=self._place(impact),
            value=amount.full,
            remark=" · ".join(filter(None, remarks)),
            is_open=is_open,
            anchor=f"i{impact['impact_id']}",
        )
        node.children = [self._step(place, step, impact) for place, step in enumerate(impact["steps"], start=1)]
        return node

    def _step(self, place: int, step: Mapping[str, Any], owner: Mapping[str, Any]) -> Node:
        unit = step["result"].split(" ")[0]
        value = self._words.say("number.unknown") if step["value"] is None else self._raw(step["value"])
        node = Node(
            title=f"{place}. {step['formula']}",
            value=f"= {value} {'' if unit in ('1', 'X') else unit}".rstrip(),
            is_code=True,
            is_open=True,
            expression=step["expression"],
        )
        activities = {row["quantity"]: row for row in owner.get("activities", ())}
        node.children = [self._argument(argument, activities) for argument in step["arguments"]]
        if step["formula"] not in self._told:
            self._told[step["formula"]] = ""
            node.facts = [("", step["summary"])]
            node.facts += [(self._words.say("explain.formula_source"), source) for source in step["sources"]]
        return node

    def _raw(self, value: float | Sequence[float]) -> str:
        if isinstance(value, Sequence):
            return f"[{', '.join(self._numbers.raw(one) for one in value)}]"
        return self._numbers.raw(value)

    def _argument(self, argument: Mapping[str, Any], activities: Mapping[str, Mapping[str, Any]]) -> Node:
        """An argument of a formula: its value, and where that comes from."""
        origin, say = argument["from"], self._words.say
        if origin == "factor":
            return self._factor(argument["name"], argument["factor"], argument.get("components", ()))
        if origin == "quantity" and argument["quantity"] in activities:
            node = self._activity(activities[argument["quantity"]])
            node.title, node.is_code = argument["name"], True
            return node
        unit = argument["tag"].split(" ")[0]
        node = Node(title=argument["name"], is_code=True)
        node.value = f"= {self._raw(argument['value'])} {'' if unit in ('1', 'X') else unit}".rstrip()
        if origin == "result":
            node.remark = say("explain.result", step=argument["step"])
        elif origin in _SUMMED:
            node.remark = say(_SUMMED[origin])
        else:
            node.remark = say("explain.given", kind=self._words.word("explain_from", origin), name=argument["name"])
        return node

    def _factor(self, name: str, factor: Mapping[str, Any], components: Sequence[Mapping[str, Any]] = ()) -> Node:
        """A factor with its source, in full once."""
        say, numbers = self._words.say, self._numbers
        unit = "" if factor["unit"] == "1" else f" {factor['unit']}"
        value = self._raw(factor["vector"]) if factor.get("vector") else numbers.raw(factor["value"])
        node = Node(title=name, value=f"= {value}{unit}", remark=f"{factor['id']}, {factor['geography']}", is_code=True)
        key = f"{factor['id']}@{factor['geography']}:{factor['valid_from']}"
        if key in self._told:
            node.link = self._told[key]
            return node
        node.anchor = self._told[key] = f"f{len(self._told) + 1}"
        if factor["low"] != factor["high"]:
            spread = say("number.range", low=numbers.raw(factor["low"]), high=numbers.raw(factor["high"]))
            basis = say("explain.range_source" if factor["range_basis"] == "source" else "explain.range_assumed")
            node.facts.append((say("explain.range"), f"{spread} ({basis})"))
        until = "" if factor["valid_to"] is None else f" – {factor['valid_to']}"
        node.facts.append((say("explain.valid"), f"{factor['valid_from']}{until}"))
        if factor["fallback"]:
            node.facts.append((say("explain.fallback"), ", ".join(factor["fallback"])))
        if factor.get("replaces"):
            node.facts.append((say("explain.replaces"), f"{factor['replaces']} ({factor['pack']})"))
        node.facts += [
            (say("explain.source"), factor["source_title"] or factor["source"]),
            (say("explain.licence"), factor["licence"]),
            (say("explain.pack"), factor["pack"]),
        ]
        if factor["comment"]:
            node.facts.append((say("explain.comment"), factor["comment"]))
        for row in components:
            share = numbers.whole_percent(row["share"]["value"])
            device = self._words.word("equipment", row["device"])
            part = self._factor(f"{device} {share}", row["factor"])
            part.is_code = False
            node.children.append(part)
        return node

    def _activity(self, activity: Mapping[str, Any]) -> Node:
        """What was measured, with the value of each repetition and the file that holds them."""
        say, numbers = self._words.say, self._numbers
        unit = "" if activity["unit"] == "1" else f" {activity['unit']}"
        quality = self._words.word("quality", activity["method"])
        value = numbers.unknown if activity["value"] is None else numbers.raw(activity["value"])
        node = Node(
            title="",
            value=f"= {value}{unit}",
            remark=f"{self._words.word('quantity', activity['quantity'])}, {quality}",
        )
        if activity["activity_id"] in self._told:
            node.link = self._told[activity["activity_id"]]
            return node
        node.anchor = self._told[activity["activity_id"]] = f"a{len(self._told) + 1}"
        kept = set(activity["kept"]) or set(range(len(activity["samples"])))
        values = [numbers.unknown if one is None else numbers.raw(one) for one in activity["samples"]]
        for label, wanted in (("explain.samples", True), ("explain.dropped", False)):
            if chosen := [one for place, one in enumerate(values) if (place in kept) is wanted]:
                node.facts.append((say(label), f"{' · '.join(chosen)}{unit}"))
        evidence = activity["evidence"]
        if evidence["source"]:
            sha = (evidence["source_sha256"] or "")[:ID_SHOWN]
            node.facts.append((say("explain.measured"), f"{plain(evidence['source'])} {sha}".rstrip()))
        node.facts.append((say("explain.file"), plain(Path(evidence["file"]).name)))
        return node
