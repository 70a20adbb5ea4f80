# SPDX-License-Identifier: Apache-2.0
"""Every registered plug-in, ours or a stranger's, keeps its group's contract. New ones are found, never listed here."""

from __future__ import annotations

import csv
import inspect
from importlib.metadata import distribution, entry_points
from pathlib import Path
from typing import Any

import pytest
from tests import notify_support

from lichen import nomenclature, plugins
from lichen.catalogue import machines
from lichen.collect.base import Availability
from lichen.config import Channel
from lichen.errors import ConfigError
from lichen.factors.store import FactorStore
from lichen.model import registry
from lichen.model.evaluate import evaluate
from lichen.model.method import CATALOGUE
from lichen.model.method_reader import load_method


def _registered(group: str) -> list[str]:
    return list(plugins.names(group))


@pytest.fixture(scope="module")
def terms() -> nomenclature.Nomenclature:
    return nomenclature.load()


@pytest.fixture(scope="module")
def store() -> FactorStore:
    return FactorStore.load()


@pytest.mark.parametrize("group", plugins.GROUPS)
def test_every_group_has_a_built_in_that_uses_the_front_door(group: str) -> None:
    ours = [point.name for point in entry_points(group=group) if point.value.split(":")[0].split(".")[0] == "lichen"]
    assert ours
    assert set(ours) <= set(plugins.names(group))


def test_every_entry_point_of_ours_belongs_to_a_known_group() -> None:
    groups = {point.group for point in distribution("lichen").entry_points} - {"console_scripts"}
    assert groups == set(plugins.GROUPS)


def test_an_unknown_group_and_an_unknown_name_are_answered_with_the_valid_ones() -> None:
    with pytest.raises(ConfigError, match=r"no plug-in group 'lichen\.output'") as group:
        plugins.names("lichen.output")
    assert "lichen.outputs" in group.value.repair
    with pytest.raises(ConfigError, match="Nothing called 'pdf'") as name:
        plugins.load("lichen.outputs", "pdf")
    assert "json" in name.value.repair


@pytest.mark.parametrize("name", _registered("lichen.collectors"))
def test_a_collector(name: str, terms: nomenclature.Nomenclature) -> None:
    collector: Any = plugins.load("lichen.collectors", name)()
    assert collector.name == name
    assert collector.emits
    for quantity in collector.emits:
        assert terms.quantity(quantity).kind == "quantity"
    answer = collector.probe()
    assert isinstance(answer, Availability)
    if not answer.ok:
        assert answer.lacks.endswith(".")
        assert answer.repair
    assert list(inspect.signature(collector.collect).parameters) == ["window"]
    assert inspect.getdoc(type(collector))


@pytest.mark.parametrize("name", _registered("lichen.outputs"))
def test_an_output(name: str) -> None:
    output: Any = plugins.load("lichen.outputs", name)()
    assert output.name == name
    assert output.media_type.count("/") == 1
    assert output.suffix.startswith(".")
    parameters = inspect.signature(output.render).parameters
    assert list(parameters) == ["result", "lang"]
    assert parameters["lang"].kind is inspect.Parameter.KEYWORD_ONLY
    assert inspect.getdoc(type(output))


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("name", _registered("lichen.notifiers"))
def test_a_notifier(name: str, lang: str) -> None:
    notifier: Any = plugins.load("lichen.notifiers", name)()
    assert notifier.name == name
    assert inspect.getdoc(type(notifier))
    assert list(inspect.signature(notifier.payload).parameters) == ["outgoing", "channel"]
    assert list(inspect.signature(notifier.send).parameters) == ["outgoing", "channel", "means"]
    channel = Channel(name="c", kind=name, to=("team@example.org",))
    for kind, message in notify_support.messages().items():
        payload = notifier.payload(notify_support.outgoing(message, lang), channel)
        assert 0 < len(payload) <= notifier.limits.characters, kind
        blocks = (
            payload.count('"type":"section"') + payload.count('"type":"header"') + payload.count('"type":"context"')
        )
        assert blocks <= (notifier.limits.blocks or blocks), kind


@pytest.mark.parametrize("name", _registered("lichen.nomenclatures"))
def test_a_nomenclature(name: str) -> None:
    path = Path(plugins.load("lichen.nomenclatures", name))
    rows = nomenclature.read(path)
    assert rows
    with path.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.reader(file))) == len(rows) + 1
    for row in rows:
        assert row.description_en, row.name
        assert row.description_fr, row.name
        assert row.unit, row.name
        assert row.name == row.name.lower()
        if row.minimum is not None and row.maximum is not None:
            assert row.minimum < row.maximum


@pytest.mark.parametrize("name", _registered("lichen.factor_packs"))
def test_a_factor_pack(name: str, store: FactorStore) -> None:
    pack = FactorStore.load([Path(plugins.load("lichen.factor_packs", name))])
    rows = list(pack)
    assert rows
    keys = {row.key for row in store}
    for row in rows:
        assert row.key in keys
        assert row.low <= row.value <= row.high, row.key
        assert row.source_title, row.key
        assert row.licence, row.key
        assert row.distribution == "fixed" or row.low < row.high, row.key


@pytest.mark.parametrize("name", _registered("lichen.formulas"))
def test_a_formula_module_registers_something_and_every_formula_has_a_source(name: str) -> None:
    assert plugins.load("lichen.formulas", name)
    for formula in registry.formulas().values():
        assert all(formula.sources)
        assert formula.summary.endswith(".")


@pytest.mark.parametrize("name", _registered("lichen.methods"))
def test_a_method(name: str, terms: nomenclature.Nomenclature, store: FactorStore) -> None:
    method = load_method(name, terms)
    assert method.title["en"]
    assert method.title["fr"]
    assert method.description["en"]
    assert method.sources
    assert method.validity
    assert method.licence
    assert method.rules
    placeholders = {
        p for rule in method.rules for step in rule.steps for b in step.bind.values() for p in b.placeholders
    }
    known = set(store.ids())
    # What is optional waits for a row of the user's own.
    derived = [d.step for d in method.derivations if not d.optional]
    for rule in method.rules:
        for step in (*rule.steps, *derived):
            for binding in step.bind.values():
                if binding.kind == "factor" and not binding.placeholders:
                    assert binding.name in known, f"{name}: rule {rule.rule_id} binds {binding.name}, which no pack has"
                if binding.kind == "attribute":
                    assert ("attribute", binding.name) in terms
    of_machines = {placeholder for placeholder in placeholders if placeholder.startswith(CATALOGUE)}
    for placeholder in placeholders - of_machines:
        assert ("attribute", placeholder) in terms, f"{name}: {{{placeholder}}} is no attribute"
    of_machines |= {key for rule in method.rules for key in rule.when if key.startswith(CATALOGUE)}
    bound = {b.name for rule in method.rules for s in rule.steps for b in s.bind.values() if b.kind == "catalogue"}
    assert bound | {key.removeprefix(CATALOGUE) for key in of_machines} <= machines.facts()
    for key in method.reasons:
        terms.quantity(key.split(".")[0])
    evaluation = evaluate(method, [], lookup=store.lookup, factors_hash=store.hash(), context={}, nomenclature=terms)
    assert evaluation.impacts == ()


def test_a_broken_local_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("1 / 0\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="does not load: division by zero"):
        plugins.register_file(path)
    path.write_text("x = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="has no PLUGINS table"):
        plugins.register_file(path)
    path.write_text('PLUGINS = {"lichen.collector": {}}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"Did you mean|no plug-in group"):
        plugins.register_file(path)
