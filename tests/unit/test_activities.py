# SPDX-License-Identifier: Apache-2.0
"""What an activity may say, what is never added, and repetitions that are unknown."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lichen.config import Settings
from lichen.errors import ActivityError
from lichen.model.activities import group, parse_activity
from lichen.model.results import add
from lichen.service.evaluation import evaluate_activities, evaluate_document, parse_document
from lichen.service.workspace import Workspace

WORKSPACE = Workspace(Settings())
TERMS = WORKSPACE.nomenclature


def row(**changes: Any) -> dict[str, Any]:
    return {"entity": "shop/api", "quantity": "cpu_time", "value": 1.0, "tier": "server", **changes}


def groups(*rows: dict[str, Any]) -> list[Any]:
    return group([parse_activity(r, i, TERMS) for i, r in enumerate(rows)], TERMS)


class TestNeverAdded:
    @pytest.mark.parametrize(
        ("one", "other", "words"),
        [
            ({"basis": "per_unit"}, {"basis": "total"}, "basis 'per_unit' and of basis 'total'"),
            ({"basis": "per_unit"}, {}, "basis 'per_unit' and of no basis"),
            (
                {"basis": "per_unit", "functional_unit": "visit"},
                {"basis": "per_unit", "functional_unit": "loan"},
                "'visit' and of basis 'per_unit' for the functional unit 'loan'",
            ),
        ],
    )
    @pytest.mark.parametrize("quantity", ["cpu_time", "disk_bytes"])
    def test_bases_and_units_of_one_entity(
        self, one: dict[str, str], other: dict[str, str], words: str, quantity: str
    ) -> None:
        with pytest.raises(ActivityError) as caught:
            groups(row(**one), row(quantity=quantity, **other))
        assert words in caught.value.problem
        assert caught.value.culprit == "shop/api"
        assert len(groups(row(**one), row(entity="shop/other", **other))) == 2

    def test_currencies(self) -> None:
        money = {"quantity": "cost", "value": 2.5}
        found = groups(row(currency="EUR", **money), row(currency="USD", **money), row(unit="EUR", **money))
        assert [(g.attributes["currency"], g.quantities["cost"].value) for g in found] == [("EUR", 5.0), ("USD", 2.5)]

    def test_money_survives_being_written_and_read(self) -> None:
        first = parse_activity(row(quantity="value", value=3, currency="CHF"), 0, TERMS)
        assert parse_activity(first.to_json(), 0, TERMS) == first

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"quantity": "cost"}, "needs a currency"),
            ({"quantity": "cost", "currency": "euro"}, "ISO 4217"),
            ({"quantity": "cost", "unit": "kWh"}, "ISO 4217"),
            ({"quantity": "cost", "unit": "EUR", "currency": "USD"}, "Give one currency"),
            ({"quantity": "cost", "currency": ["EUR"]}, "ISO 4217"),
            ({"currency": "EUR"}, "Only amounts of money"),
        ],
    )
    def test_money_is_checked(self, changes: dict[str, Any], words: str) -> None:
        with pytest.raises(ActivityError) as caught:
            groups(row(**changes))
        assert words in caught.value.sentence()


@pytest.mark.parametrize(("value", "unit"), [(1e308, "s"), (1e307, "d"), (10**300, "s")])
def test_an_amount_whose_impact_would_not_be_finite_is_refused(value: float, unit: str) -> None:
    with pytest.raises(ActivityError, match="value is too large in s"):
        groups(row(value=value, unit=unit))


class TestTime:
    @pytest.mark.parametrize("key", ["started_at", "ended_at"])
    @pytest.mark.parametrize(
        "value", ["2026-03-01T10:00:00", "2026-03-01", "yesterday", "", "0001-01-01T00:00:00+14:00"]
    )
    def test_naive_or_malformed_is_refused(self, key: str, value: str) -> None:
        with pytest.raises(ActivityError, match=re.escape(f"{key} is '{value}'")):
            groups(row(**{key: value}))

    def test_the_end_is_not_before_the_start(self) -> None:
        with pytest.raises(ActivityError, match="ended_at lies before started_at"):
            groups(row(started_at="2026-03-01T10:00:00Z", ended_at="2026-03-01T10:30:00+01:00"))

    def test_a_naive_start_of_the_document_is_refused(self) -> None:
        with pytest.raises(ActivityError, match="without a time zone"):
            evaluate_document(WORKSPACE, {"activities": [], "started_at": "2026-03-01T10:00:00"}, ["lichen-1"])

    def test_windows_of_one_day_are_summed_and_days_stay_apart(self) -> None:
        starts = ["2026-03-01T10:00:00Z", "2026-03-01T22:00:00-01:00", "2026-03-01T23:30:00-01:00"]
        found = groups(*(row(started_at=start) for start in starts))
        assert [(g.day.isoformat(), g.quantities["cpu_time"].value) for g in found] == [
            ("2026-03-01", 2.0), ("2026-03-02", 1.0),
        ]  # fmt: skip

    def test_the_vintage_follows_the_row_then_the_document_then_the_latest(self, tmp_path: Path) -> None:
        pack = tmp_path / "own.toml"
        pack.write_text(
            '[pack]\nid = "own"\nversion = "1"\ndescription = "Two years."\n'
            '[defaults]\nunit = "gCO2e/kWh"\nboundary = "none"\ngeography = "AQ"\nsource = "lichen-pedigree"\n'
            'distribution = "fixed"\n'
            + "".join(
                f'[[factor]]\nid = "grid.gwp100"\nvalue = {value}\nlow = {value}\nhigh = {value}\n'
                f"valid_from = {year}-01-01\nvalid_to = {year}-12-31\n"
                for year, value in ((2030, 30.0), (2031, 31.0))
            ),
            encoding="utf-8",
        )
        settings = Settings()
        workspace = Workspace(replace(settings, extend=replace(settings.extend, factors=(pack,))))

        def grid(document: dict[str, Any], **changes: Any) -> list[float]:
            rows = [row(zone="AQ", **changes)]
            result = evaluate_document(workspace, {"activities": rows, **document}, ["lichen-1"])
            return [
                f["value"] for i in result["impacts"] if i["rule"] == "server.cpu" and i["indicator"] == "gwp100"
                for f in i["factors"] if f["id"] == "grid.gwp100"
            ]  # fmt: skip

        of_2030, of_2031 = ({"started_at": f"{year}-06-01T00:00:00Z"} for year in (2030, 2031))
        assert grid({}) == [31.0]
        assert grid(of_2030) == [30.0]
        assert grid(of_2030, **of_2031) == [31.0]
        assert grid(of_2031, **of_2030) == [30.0]


@pytest.mark.parametrize(
    ("entity", "tier"),
    [
        ("browser", "device"), ("shop/browser", "device"), ("shop/browser/pay/open", "device"), ("browser/api", None),
        ("shop/api/browser/open", None), ("shop/api/pay/browser", None), ("shop/browsers", None),
    ],
)  # fmt: skip
def test_only_the_part_of_a_path_implies_a_tier(entity: str, tier: str | None) -> None:
    parsed = parse_activity({"entity": entity, "quantity": "cpu_time", "value": 1}, 0, TERMS)
    assert parsed.attribute("tier") == tier


class TestRefused:
    @pytest.mark.parametrize(
        ("said", "words"),
        [
            ({"utilisation": 50}, "utilisation is 50, above 1. It is a share: write 0.5 for 50 %."),
            ({"tdp_w": -1}, "tdp_w is -1, below 0. Counters and amounts are not negative."),
            ({"cpu_count": 0.5}, "cpu_count is 0.5, below 1. Give 1 or more."),
            ({"value": -2}, "value of cpu_time is -2, below 0."),
            ({"entity": "shop/\ud800"}, "entity is 'shop/\\ud800', with half of a surrogate pair."),
            ({"platform": "aws:\udcff"}, "platform is 'aws:\\udcff', with half of a surrogate pair."),
        ],
    )
    def test_one_sentence_names_the_value_and_the_repair(self, said: dict[str, Any], words: str) -> None:
        with pytest.raises(ActivityError) as caught:
            evaluate_document(WORKSPACE, {"activities": [row() | said]}, ["lichen-1"])
        assert words in caught.value.sentence()
        assert caught.value.sentence().isprintable()

    def test_a_negative_zero_is_zero(self) -> None:
        parsed = parse_activity(row(value=-0.0), 0, TERMS)
        assert math.copysign(1.0, parsed.value or 0.0) == 1.0


class TestMisspelt:
    @pytest.mark.parametrize(
        ("document", "words"),
        [
            ({"activites": []}, "Did you mean 'activities'?"),
            ({"contxt": {}}, "Did you mean 'context'?"),
            ({"zzz": 1}, "unknown key 'zzz'"),
            ({"context": {"zon": "FR"}}, "Did you mean 'zone'?"),
            ({"context": {"parts": "one"}}, "parts is 'one', not a number"),
            ({"context": {"parts": 0}}, "parts is 0, below 1. Give 1 or more."),
            ({"context": [1]}, "not an object"),
        ],
    )
    def test_a_key_of_the_document(self, document: dict[str, Any], words: str) -> None:
        with pytest.raises(ActivityError) as caught:
            evaluate_document(WORKSPACE, {"activities": [], **document}, ["lichen-1"])
        assert words in caught.value.sentence()

    def test_a_method_without_families_takes_any_device(self) -> None:
        result = evaluate_document(WORKSPACE, {"activities": [row(device="kiosk")]}, ["greenframe-2"])
        assert result["not_covered"]


class TestUnknownRepetition:
    def test_stays_none_through_rule_and_sum(self) -> None:
        rows = [
            row(samples=[1.0, None, 3.0], value=2.0),
            row(quantity="memory_byte_seconds", samples=[1e9, 2e9, 3e9], value=2e9),
        ]
        parsed, context = parse_document(WORKSPACE, {"activities": rows})
        evaluation = evaluate_activities(WORKSPACE, WORKSPACE.method("lichen-1"), parsed, context, on=None)
        energy = [c for c in evaluation.computed if c.impact.indicator == "energy"]
        by_rule = {c.impact.rule: c.impact.samples for c in energy}
        assert [v is None for v in by_rule["server.cpu"]] == [False, True, False]
        assert None not in by_rule["server.memory"]
        _, _, samples = add(energy)
        first, unknown, last = samples
        assert unknown is None
        assert first is not None
        assert last is not None
        assert first == math.fsum(values[0] for values in by_rule.values() if values[0] is not None)
        assert last > first

    def test_what_is_not_covered_is_listed_once(self) -> None:
        result = evaluate_document(
            WORKSPACE, {"activities": [row(quantity="tokens_in", zone=z) for z in ("FR", "DE")]}, ["lichen-1"]
        )
        assert len(result["not_covered"]) == 1


@pytest.mark.parametrize(
    ("written", "read"), [(True, "yes"), (False, "no"), ("yes", "yes"), ("No", "no"), ("TRUE", "yes"), (None, None)]
)
def test_green_hosting_is_a_flag_however_it_is_written(written: Any, read: str | None) -> None:
    assert parse_activity(row(green_hosting=written), 0, TERMS).attribute("green_hosting") == read


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"green_hosting": "perhaps"}, "Use yes, no"),
        ({"green_hosting": 1}, "not a word"),
        ({"zone": True}, "zone is True, not a word"),
    ],
)
def test_other_words_for_a_flag_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ActivityError) as caught:
        parse_activity(row(**changes), 0, TERMS)
    assert words in caught.value.sentence()
