# SPDX-License-Identifier: Apache-2.0
"""Writes docs/model/{formulas,factors,methods}.md from the registered formulas, factor packs and methods.

Usage: ``python tools/model_pages.py``. `make pages` runs it; a test fails when a page is behind.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from lichen import nomenclature, plugins
from lichen.factors.store import FactorStore
from lichen.model.method import Method
from lichen.model.method_reader import load_method
from lichen.model.registry import Formula, formulas
from lichen.records import Factor

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "model"
_MADE = "<!-- Made by tools/model_pages.py: run `make pages`. -->"
_BOUNDARIES = {
    "": "",
    "b": "any one boundary b",
    "delivered": "delivered: device, network or facility",
    "1/delivered": "per delivered energy",
    "device": "end-user device",
    "it": "IT equipment",
    "facility": "facility",
    "facility/it": "facility per IT equipment",
    "1/it": "per IT energy",
}


def _formula(formula: Formula) -> Iterator[str]:
    text = inspect.getdoc(formula.function) or ""
    body = text.partition("Args:")[0].strip()
    yield f"## {formula.formula_id}\n"
    yield f"{body}\n"
    yield f"```text\n{formula.expression}\n```\n"
    yield "| argument | unit | boundary |\n| --- | --- | --- |"
    for name, tag in formula.arguments.items():
        yield f"| `{name}` | {tag.unit.replace('*', '.')} | {_BOUNDARIES[tag.boundary]} |"
    yield f"| result | {formula.result.unit} | {_BOUNDARIES[formula.result.boundary]} |\n"
    yield "Sources: " + "; ".join(formula.sources) + ".\n"


def formulas_page() -> str:
    """Every formula: what it says, its arguments with unit and boundary, its sources."""
    lines = [
        f"# Formulas\n\n{_MADE}\n",
        "Pure functions on numbers. `X` is the unit of any indicator. A boundary says where energy is counted.\n",
    ]
    for _, formula in sorted(formulas().items()):
        lines += _formula(formula)
    return _page(lines)


def _family(factor_id: str) -> str:
    return factor_id.partition(".")[0]


def _spread(rows: Iterable[Factor]) -> str:
    """The world's figure, or the span over the places when the world has none of its own."""
    places = list(rows)
    world = [row for row in places if row.geography == "WORLD"]
    if world:
        latest = max(world, key=lambda row: row.valid_from)
        if latest.vector:
            return f"{len(latest.vector)} steps, {min(latest.vector):g} to {max(latest.vector):g}"
        return f"{latest.value:.3g} ({latest.low:.3g} to {latest.high:.3g})"
    return f"{min(row.value for row in places):.3g} to {max(row.value for row in places):.3g} by place"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("|", "\\|"))


def factors_page(store: FactorStore) -> str:
    """Every factor by family: unit, boundary, the world's value with its range, places, sources."""
    families: dict[str, dict[str, list[Factor]]] = {}
    for row in store:
        families.setdefault(_family(row.factor_id), {}).setdefault(row.factor_id, []).append(row)
    lines = [
        f"# Factors\n\n{_MADE}\n",
        "Values for the world with their 5 to 95 % range. *Assumed*: no source states a range, a pedigree grade gives it.\n",
    ]
    for family in sorted(families):
        lines.append(f"## {family}\n")
        lines.append(
            "| factor | unit | boundary | value | places | range | sources |\n| --- | --- | --- | --- | --- | --- | --- |"
        )
        for factor_id, rows in sorted(families[family].items()):
            places = len({row.geography for row in rows})
            bases = "assumed" if any(row.range_basis == "assumed" for row in rows) else "source"
            bases = "none" if all(row.distribution == "fixed" for row in rows) else bases
            sources = ", ".join(sorted({row.source for row in rows}))
            cells = (
                f"`{factor_id}`",
                rows[0].unit,
                rows[0].boundary,
                _spread(rows),
                str(places),
                bases,
                _cell(sources),
            )
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    lines.append("## Sources\n")
    lines.append("| key | title | year | licence |\n| --- | --- | --- | --- |")
    used = {row.source for row in store}
    for key, source in sorted(store.sources.items()):
        if key in used:
            lines.append(f"| {key} | {_cell(source.title)} | {source.year} | {_cell(source.licence)} |")
    return _page(lines)


def _method(method: Method) -> Iterator[str]:
    yield f"## {method.method_id}\n"
    yield f"{method.title['en']}, version {method.version}. {method.description['en']}\n"
    yield f"- Valid for: {method.validity}"
    yield f"- Indicators: {', '.join(method.indicators)} ({method.accounting}-based electricity)"
    yield f"- Reads: {', '.join(method.quantities)}"
    yield f"- Sources: {'; '.join(method.sources)}"
    yield f"- Licence: {method.licence}"
    for defect in method.known_defects:
        yield f"- Known defect: {defect}"
    yield "\n| rule | indicator | phase | formulas | unless |\n| --- | --- | --- | --- | --- |"
    for rule in method.rules:
        chain = " > ".join(step.formula_id for step in rule.steps)
        yield f"| {rule.rule_id} | {rule.indicator} | {rule.phase} | {chain} | {', '.join(rule.unless)} |"
    for derivation in method.derivations:
        yield f"| from energy in use | {derivation.indicator} | use | {derivation.step.formula_id} | |"
    yield ""


def methods_page() -> str:
    """Every method: validity, sources, known defects, rules."""
    terms = nomenclature.load()
    lines = [f"# Methods\n\n{_MADE}\n", "`lichen methods show ID` prints one with every binding.\n"]
    for name in sorted(plugins.names("lichen.methods")):
        lines += _method(load_method(name, terms))
    return _page(lines)


def _page(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


def pages() -> dict[Path, str]:
    """Each page and what it should hold."""
    return {
        FOLDER / "formulas.md": formulas_page(),
        FOLDER / "factors.md": factors_page(FactorStore.load()),
        FOLDER / "methods.md": methods_page(),
    }


def main() -> None:
    """Writes the pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
