# SPDX-License-Identifier: Apache-2.0
"""Every registered formula: dimension, boundary, magnitude, and the properties that any formula of this model has.

Boundaries are dimensions here: 1 kWh at the equipment's plug and 1 kWh at the facility's meter do not add up, and a PUE has
the dimension facility/it. The constants of `lichen.units` become quantities with the units of their names, so that a missing
conversion shows as a wrong magnitude although every dimension is right.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import math
import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import numpy as np
import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen import units
from lichen.model import formulas as built_in
from lichen.model.method_reader import load_method
from lichen.model.registry import Formula, formulas
from lichen.nomenclature import load as load_nomenclature
from lichen.plugins import names
from lichen.units import BYTE_PER_GB, JOULE_PER_KWH, Tag

NOMENCLATURE: Final = load_nomenclature()
INDICATOR_UNITS: Final = sorted({NOMENCLATURE["indicator", name].unit for name in NOMENCLATURE.names("indicator")})
FORMULAS: Final = dict(formulas())
DELIVERED: Final = ("device", "network", "facility")
EXAMPLE: Final = (3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0, 23.0, 29.0, 31.0)
"""Distinct primes as arguments: a swapped or squared argument changes the product."""
NOT_LINEAR: Final = {
    "boavizta.life_share/1": "nothing is left of a life after its end; tests/unit/test_boavizta.py holds both sides of it",
    "power.load_curve/1": "a curve through measured points; tests/unit/test_power.py holds its shape",
    "power.at_least/1": "the larger of two powers; tests/unit/test_power.py holds it",
    "power.at_load/1": "idle power is drawn without any load; tests/unit/test_power.py holds both ends",
    "sci.rate/1": "what hardware was made with stays when nothing is drawn; tests/unit/test_sci.py holds it",
    "web.count_rank/1": "a rank among pages; tests/unit/test_web.py holds its shape",
    "web.volume_rank/1": "a rank among pages; tests/unit/test_web.py holds its shape",
    "web.ecoindex/1": "heavier pages have lower scores; tests/unit/test_web.py holds both ends",
    "web.ecoindex_impact/1": "higher scores cost less; tests/unit/test_web.py holds both ends",
}
"""Formulas that no activity drives in proportion. Each with its reason."""


def _registry() -> Any:
    """The units of the model from first principles, with one base dimension per boundary."""
    registry: Any = pint.UnitRegistry(None)
    for line in (
        "second = [time] = s",
        "hour = 3600 * second = h",
        "joule = [energy] = J",
        "megajoule = 1e6 * joule = MJ",
        "watt = joule / second = W",
        "kilowatt = 1000 * watt = kW",
        "watthour = watt * hour = Wh",
        "kilowatthour = 1000 * watthour = kWh",
        "byte = [data] = B",
        "gigabyte = 1e9 * byte = GB",
        "gibibyte = 1073741824 * byte = GiB",
        "litre = [volume] = L",
        "kilogram = [mass] = kg",
        "mm2 = [area]",
        "cm2 = 100 * mm2",
        "gCO2e = [climate]",
        "gSbe = [minerals]",
        *(f"at_{boundary} = [{boundary}]" for boundary in units.BOUNDARIES),
    ):
        registry.define(line)
    return registry


U: Final = _registry()
_WORDS: Final = {
    "JOULE": "J", "KWH": "kWh", "SECOND": "s", "HOUR": "h", "WATT": "W", "KILOWATT": "kW", "BYTE": "B", "GB": "GB",
    "GIB": "GiB", "MJ": "MJ",
}  # fmt: skip


def _constants() -> dict[str, Any]:
    """The constants of `lichen.units` as quantities: ``JOULE_PER_KWH`` is 3.6e6 J/kWh."""
    found = {}
    for name, value in vars(units).items():
        if isinstance(value, float):
            above, below = name.split("_PER_")
            found[name] = U.Quantity(value, f"{_WORDS[above]}/{_WORDS[below]}")
    return found


CONSTANTS: Final = _constants()


def _boundary(expression: str, place: str) -> Any:
    """Unit of a boundary expression, with ``b`` and ``delivered`` standing for one place."""
    result = U.Unit("")
    for sign, word in re.findall(r"(^|/)(\w+)", expression):
        unit = U.Unit("") if word == "1" else U.Unit(f"at_{place if word in ('b', 'delivered') else word}")
        result = result / unit if sign == "/" else result * unit
    return result


def _unit(tag: Tag, x: str, place: str) -> Any:
    text = re.sub(r"\bX\b", f"({x})" if x != "1" else "1", tag.unit)
    return (
        U.Unit("") * U.parse_expression(text).units * _boundary(tag.boundary, place)
        if text != "1"
        else _boundary(tag.boundary, place)
    )


def _places(formula: Formula) -> tuple[str, ...]:
    words = {word for tag in (*formula.arguments.values(), formula.result) for word in tag.boundary.split("/")}
    if "delivered" in words:
        return DELIVERED
    return units.BOUNDARIES if "b" in words else ("it",)


def _with_units(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same body, reading quantities where it named the constants of `lichen.units`."""
    scope = {
        **function.__globals__,
        **{name: value for name, value in CONSTANTS.items() if name in function.__globals__},
    }
    return types.FunctionType(function.__code__, scope)


def audit(formula: Formula) -> Iterator[str]:
    """What is wrong with the dimension, the boundary or the magnitude of a formula; nothing when it is right."""
    values = _values(formula, EXAMPLE)
    plain = formula.function(**values)
    generic = any("X" in tag.unit for tag in (*formula.arguments.values(), formula.result))
    for x in INDICATOR_UNITS if generic else ["1"]:
        for place in _places(formula):
            quantities = {
                name: U.Quantity(value, _unit(formula.arguments[name], x, place)) for name, value in values.items()
            }
            wanted = _unit(formula.result, x, place)
            try:
                got = U.Quantity(1.0, "") * _with_units(formula.function)(**quantities)
                magnitude = got.to(wanted).magnitude
            except pint.DimensionalityError as error:
                yield f"{formula.formula_id} at {place}, X = {x}: {error}"
                continue
            if not math.isclose(magnitude, plain, rel_tol=1e-12):
                yield f"{formula.formula_id} at {place}, X = {x}: gives {plain}, with units {magnitude}: a conversion is missing"


def _activities() -> dict[str, set[str]]:
    """Formula -> arguments that some method binds to a quantity or to the step before; its first argument when none does."""
    found: dict[str, set[str]] = {formula_id: set() for formula_id in FORMULAS}
    for method_id in names("lichen.methods"):
        method = load_method(method_id, NOMENCLATURE)
        for step in (*(s for rule in method.rules for s in rule.steps), *(d.step for d in method.derivations)):
            found[step.formula_id] |= {a for a, b in step.bind.items() if b.kind in ("quantity", "result")}
    return {formula_id: args or {next(iter(FORMULAS[formula_id].arguments))} for formula_id, args in found.items()}


ACTIVITIES: Final = _activities()
CASES: Final = [
    (formula_id, argument)
    for formula_id, args in ACTIVITIES.items()
    if formula_id not in NOT_LINEAR
    for argument in sorted(args)
]
every_formula = pytest.mark.parametrize("formula_id", sorted(FORMULAS))
every_activity = pytest.mark.parametrize(("formula_id", "argument"), CASES)
amounts = st.floats(min_value=1e-9, max_value=1e9)
lists = st.lists(amounts, min_size=len(EXAMPLE), max_size=len(EXAMPLE))


def _is_list(name: str) -> bool:
    """Whether an argument is one list of figures for all activities, and no figure for each of them."""
    return name.startswith(("quantiles", "knots"))


def _values(formula: Formula, numbers: Sequence[float]) -> dict[str, Any]:
    """One positive number per argument; shares, exponents and years are brought into their range of validity."""
    assert len(formula.arguments) <= len(numbers), "lengthen EXAMPLE: an argument would go unchecked"
    pairs = zip(formula.arguments, numbers, strict=False)
    return {name: _within_validity(name, number) for name, number in pairs}


def _within_validity(name: str, number: float) -> Any:
    if _is_list(name):
        return np.array([0.0, 1.0, 2.0]) * number
    share = number / (1.0 + number) / 2.0
    if name.endswith(("_share", "_exponent")):
        return share
    return 2015.0 + share if name.endswith("year") else number


def test_the_registry_is_not_empty_and_holds_every_built_in() -> None:
    modules = {getattr(built_in, name).__name__ for name in built_in.__all__}
    assert modules <= {formula.function.__module__ for formula in FORMULAS.values()}


@pytest.mark.parametrize("name", sorted(CONSTANTS))
def test_a_constant_is_what_its_name_says(name: str) -> None:
    assert CONSTANTS[name].to("").magnitude == pytest.approx(1.0, rel=1e-15)


@every_formula
def test_dimension_boundary_and_magnitude(formula_id: str) -> None:
    assert list(audit(FORMULAS[formula_id])) == []


@every_formula
def test_the_docstring_states_every_unit(formula_id: str) -> None:
    formula = FORMULAS[formula_id]
    text = inspect.getdoc(formula.function) or ""
    arguments, _, returns = text.partition("Returns:")
    for name, tag in formula.arguments.items():
        line = re.search(rf"^\s+{name}: .*(?:\n\s{{8,}}.*)*", arguments, re.MULTILINE)
        assert line, f"{name} is not described"
        assert f"[{tag.unit.replace('*', '.')}]" in line[0], f"{name} is not described in {tag.unit}"
    assert f"[{formula.result.unit}]" in returns


_NAMED: Final = {
    "B": r"(_b|_bytes)$",
    "B*s": r"_byte_seconds$",
    "1": "",
    "J/s": r"_j_per_(cpu_)?s$",
    "X/s": r"_x_per_(cpu_)?s$",
    "X/(GB*h)": r"_x_per_gb_h$",
}


@every_formula
def test_names_end_with_the_unit(formula_id: str) -> None:
    for name, tag in FORMULAS[formula_id].arguments.items():
        pattern = _NAMED.get(tag.unit, f"_{re.escape(tag.unit.lower().replace('/', '_per_'))}$")
        assert re.search(pattern, name), f"{name} does not end with its unit {tag.unit}"
        for word in tag.boundary.split("/"):
            if word in ("it", "facility") and tag.unit == "kWh":
                assert f"_{word}_" in name, f"{name} does not say that it is {word} energy"


@every_formula
def test_every_formula_has_an_example_that_runs(formula_id: str) -> None:
    function = FORMULAS[formula_id].function
    module = importlib.import_module(function.__module__)
    found = doctest.DocTestFinder(recurse=False).find(function, globs=vars(module))
    assert sum(len(test.examples) for test in found) > 0
    runner = doctest.DocTestRunner(verbose=False)
    for test in found:
        assert runner.run(test).failed == 0


@every_activity
@given(numbers=lists)
def test_no_activity_costs_nothing(formula_id: str, argument: str, numbers: list[float]) -> None:
    formula = FORMULAS[formula_id]
    assert formula.function(**_values(formula, numbers) | {argument: 0.0}) == 0.0


@every_activity
@given(numbers=lists, times=st.floats(min_value=1e-3, max_value=1e3), more=amounts)
def test_linear_in_the_activity(
    formula_id: str, argument: str, numbers: list[float], times: float, more: float
) -> None:
    formula = FORMULAS[formula_id]
    values = _values(formula, numbers)

    def at(amount: float) -> float:
        return float(formula.function(**values | {argument: amount}))

    amount = values[argument]
    assert at(amount * times) == pytest.approx(at(amount) * times, rel=1e-12)
    assert at(amount + more) == pytest.approx(at(amount) + at(more), rel=1e-12)


@every_activity
@given(numbers=lists, more=amounts)
def test_more_activity_never_costs_less(formula_id: str, argument: str, numbers: list[float], more: float) -> None:
    formula = FORMULAS[formula_id]
    values = _values(formula, numbers)
    assert formula.function(**values | {argument: values[argument] + more}) >= formula.function(**values) > 0.0


@every_formula
def test_an_unknown_argument_gives_an_unknown_result(formula_id: str) -> None:
    formula = FORMULAS[formula_id]
    for name in filter(lambda name: not _is_list(name), formula.arguments):
        assert math.isnan(formula.function(**_values(formula, EXAMPLE) | {name: math.nan}))


@every_formula
@given(rows=st.lists(lists, min_size=1, max_size=4))
def test_arrays_give_what_floats_give(formula_id: str, rows: list[list[float]]) -> None:
    formula = FORMULAS[formula_id]
    values = [_values(formula, row) for row in rows]
    lists_of_all = {name: values[0][name] for name in formula.arguments if _is_list(name)}
    columns = {name: np.array([row[name] for row in values]) for name in formula.arguments} | lists_of_all
    assert formula.function(**columns).tolist() == [formula.function(**row | lists_of_all) for row in values]


def _planted(function: Callable[..., Any]) -> Formula:
    """A formula that is not registered, from a tagged function."""
    tags: Mapping[str, Tag] = {
        name: annotation.__metadata__[0]
        for name, annotation in inspect.get_annotations(function, eval_str=True).items()
    }
    arguments = {name: tag for name, tag in tags.items() if name != "return"}
    return Formula(function.__name__, function, arguments, tags["return"], ("planted",), "")


def _power_for_energy(
    power_w: Annotated[float, Tag("kW", "it")], pue: Annotated[float, Tag("1", "facility/it")]
) -> Annotated[float, Tag("kWh", "facility")]:
    return power_w * pue


def _facility_for_it(
    energy_facility_kwh: Annotated[float, Tag("kWh", "facility")], wue: Annotated[float, Tag("L/kWh", "1/it")]
) -> Annotated[float, Tag("L")]:
    return energy_facility_kwh * wue


def _pue_twice(
    energy_it_kwh: Annotated[float, Tag("kWh", "it")], pue: Annotated[float, Tag("1", "facility/it")]
) -> Annotated[float, Tag("kWh", "facility")]:
    return energy_it_kwh * pue * pue


def _it_on_the_grid(
    energy_it_kwh: Annotated[float, Tag("kWh", "it")], grid_x_per_kwh: Annotated[float, Tag("X/kWh", "1/delivered")]
) -> Annotated[float, Tag("X")]:
    return energy_it_kwh * grid_x_per_kwh


def _joule_for_kwh(
    cpu_time_s: Annotated[float, Tag("s")], energy_j_per_cpu_s: Annotated[float, Tag("J/s", "b")]
) -> Annotated[float, Tag("kWh", "b")]:
    return cpu_time_s * energy_j_per_cpu_s


def _byte_for_gigabyte(
    disk_bytes: Annotated[float, Tag("B")], energy_j_per_gb: Annotated[float, Tag("J/GB", "b")]
) -> Annotated[float, Tag("kWh", "b")]:
    return disk_bytes * energy_j_per_gb / JOULE_PER_KWH


def _divided_the_wrong_way(
    disk_bytes: Annotated[float, Tag("B")], energy_j_per_gb: Annotated[float, Tag("J/GB", "b")]
) -> Annotated[float, Tag("kWh", "b")]:
    return disk_bytes * BYTE_PER_GB * energy_j_per_gb / JOULE_PER_KWH


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        (_power_for_energy, "Cannot convert"),
        (_facility_for_it, "Cannot convert"),
        (_pue_twice, "Cannot convert"),
        (_it_on_the_grid, "Cannot convert"),
        (_joule_for_kwh, "conversion is missing"),
        (_byte_for_gigabyte, "conversion is missing"),
        (_divided_the_wrong_way, "Cannot convert|conversion is missing"),
    ],
)
def test_a_planted_defect_is_caught(function: Callable[..., Any], complaint: str) -> None:
    assert any(re.search(complaint, finding) for finding in audit(_planted(function)))
