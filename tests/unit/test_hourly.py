# SPDX-License-Identifier: Apache-2.0
"""Electricity by the hour: means over windows by hand, gaps, files that are refused, and the one path of `lichen evaluate`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.config import load_settings
from lichen.errors import FactorError
from lichen.factors.hourly import Interval, Series, read_series
from lichen.factors.places import Place
from lichen.factors.store import FactorStore
from lichen.service.evaluation import evaluate_document
from lichen.service.workspace import Workspace

START = datetime(2026, 3, 1, tzinfo=UTC)
HEAD = "# zone: FR\n# source: Planted\n# licence: CC0-1.0\n# scope: direct\n"


def hour(count: float) -> datetime:
    return START + timedelta(hours=count)


def written(folder: Path, values: Sequence[object], head: str = HEAD, columns: str = "start,value") -> Path:
    path = folder / "grid-fr.csv"
    rows = [f"{hour(i).isoformat()},{value}" for i, value in enumerate(values)]
    path.write_text("\n".join([head + columns, *rows]) + "\n", encoding="utf-8")
    return path


def series(values: Sequence[float]) -> Series:
    head = {"zone": "FR", "source": "s", "licence": "l", "scope": "direct"}
    return Series(Path("x.csv"), head, [Interval(hour(i), value) for i, value in enumerate(values)], "", step_s=3600.0)


@pytest.mark.parametrize(
    ("start", "end", "mean"),
    [
        (0, 1, 10.0),
        (0, 2, 15.0),
        (0.5, 1.5, 15.0),
        (0.75, 1.25, 15.0),
        (0.5, 3.0, (0.5 * 10 + 20 + 60) / 2.5),
        (1.5, 1.5, 20.0),  # a moment
        (2, 2, 60.0),  # the first moment of an hour is its own
        (0, 4, 30.0),
    ],
)
def test_a_mean_is_weighted_by_time(start: float, end: float, mean: float) -> None:
    found = series([10.0, 20.0, 60.0, 30.0]).mean(hour(start), hour(end))
    assert found is not None
    assert found.value == pytest.approx(mean, rel=1e-9)


@pytest.mark.parametrize(("start", "end"), [(-1, 1), (3, 5), (4, 4), (9, 9), (-2, -1)])
def test_a_window_that_the_file_does_not_hold_whole_has_no_mean(start: float, end: float) -> None:
    assert series([10.0, 20.0, 60.0, 30.0]).mean(hour(start), hour(end)) is None


def test_an_hour_without_a_value_is_a_gap(tmp_path: Path) -> None:
    found = read_series(written(tmp_path, [10, 20, "", 40]))
    assert found.mean(hour(0), hour(2)) is not None
    for start, end in ((1.5, 2.5), (2, 3), (2.5, 2.5), (0, 4)):
        assert found.mean(hour(start), hour(end)) is None, (start, end)
    assert found.mean(hour(3), hour(4)) is not None


def test_where_every_second_hour_is_empty_the_others_still_last_an_hour(tmp_path: Path) -> None:
    found = read_series(written(tmp_path, [10, "", 30, "", 50]))
    assert found.step_s == 3600.0
    assert found.mean(hour(0), hour(1)) is not None
    assert found.mean(hour(0), hour(2)) is None
    assert found.mean(hour(1), hour(1.5)) is None


def test_a_file_of_gaps_answers_nothing(tmp_path: Path) -> None:
    assert read_series(written(tmp_path, ["", "", ""])).mean(hour(0), hour(1)) is None


@given(
    values=st.lists(st.floats(1.0, 1000.0), min_size=4, max_size=30),
    cuts=st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3, unique=True),
)
def test_a_window_costs_what_its_two_parts_cost(values: list[float], cuts: list[float]) -> None:
    whole = series(values)
    a, b, c = (hour(round(cut * len(values), 3)) for cut in sorted(cuts))
    if min(later - earlier for earlier, later in itertools.pairwise((a, b, c))) < timedelta(seconds=1):
        return
    left, right, both = whole.mean(a, b), whole.mean(b, c), whole.mean(a, c)
    assert left is not None
    assert right is not None
    assert both is not None
    parts = left.value * (b - a).total_seconds() + right.value * (c - b).total_seconds()
    assert both.value * (c - a).total_seconds() == pytest.approx(parts, rel=1e-9)
    assert min(values) * (1 - 1e-9) <= both.value <= max(values) * (1 + 1e-9)


def test_the_hours_stand_in_place_of_the_year_and_say_so(tmp_path: Path) -> None:
    store = FactorStore.load(grids=[written(tmp_path, [20, 40, 60, 80])])
    yearly = store.lookup("grid.gwp100", "FR", START.date())
    found = store.lookup_window("grid.gwp100", Place("FR"), hour(1), hour(3))
    assert (found.value, found.source_title, found.licence, found.replaces) == (
        50.0, "Planted", "CC0-1.0", yearly.pack,
    )  # fmt: skip
    assert found.low / found.value == pytest.approx(yearly.low / yearly.value)
    assert (found.range_basis, found.fallback) == ("assumed", ())
    assert "Direct emissions" in found.comment
    # An unknown hour, another indicator, another country: the year's.
    gap = store.lookup_window("grid.gwp100", Place("FR"), hour(3), hour(9))
    assert (gap.value, gap.fallback) == (yearly.value, ("FR 2026-03-01 03:00",))
    assert store.lookup_window("grid.water", Place("FR"), hour(0), hour(1)).geography == "FR"
    assert store.lookup_window("grid.gwp100", Place("DE"), hour(0), hour(1)).geography == "DE"
    # A place within the zone, and a region of a cloud that stands in it.
    assert store.lookup_window("grid.gwp100", Place("FR-IDF"), hour(0), hour(1)).value == 20.0
    assert store.lookup_window("grid.gwp100", Place("FR", "aws:eu-west-3"), hour(0), hour(1)).value == 20.0


def test_stated_bounds_are_kept(tmp_path: Path) -> None:
    path = written(tmp_path, ["20,10,30", "40,30,70"], columns="start,value,low,high")
    found = FactorStore.load(grids=[path]).lookup_window("grid.gwp100", Place("FR"), hour(0), hour(2))
    assert (found.low, found.value, found.high, found.range_basis) == (20.0, 30.0, 50.0, "source")


def test_the_hash_knows_the_hours(tmp_path: Path) -> None:
    first = FactorStore.load(grids=[written(tmp_path, [20, 40])]).hash()
    assert first != FactorStore.load(grids=[written(tmp_path, [20, 41])]).hash()
    assert first != FactorStore.load().hash()


def test_two_files_of_one_zone_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, [20, 40])
    with pytest.raises(FactorError, match="both of the zone FR"):
        FactorStore.load(grids=[path, path])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not state its zone"),
        (HEAD.replace("direct", "marginal"), "the scope 'marginal'"),
        (HEAD + "# kind: marginal\n", "values of the kind 'marginal'"),
        (HEAD + "# unit: kgCO2e/kWh\n", "is in 'kgCO2e/kWh'"),
        (HEAD.replace("FR", "US-NOPE"), "'US-NOPE', which does not exist"),
        (HEAD.replace("CC0-1.0", ""), "does not state its licence"),
        (HEAD + "when,value\n", "has the columns 'when,value'"),
        (HEAD + "start,value\n", "fewer than two rows"),
        (HEAD + "start,value\n2026-03-01T00:00:00,1\n", "no date with a time zone"),
        (HEAD + "start,value\nnow,1\n", "on line 6 the start 'now'"),
        (HEAD + "start,value\n2026-03-01T00:00:00Z,nan\n", "on line 6 'nan'"),
        (HEAD + "start,value\n2026-03-01T00:00:00Z,-1\n", "'-1'"),
        (HEAD + "start,value\n2026-03-01T00:00:00Z,1\n2026-03-01T00:00:00Z,1\n", "not after the one before"),
        (HEAD + "start,value\n2026-03-01T00:00:00Z\n", "1 cells"),
        (HEAD + "start,value,low,high\n2026-03-01T00:00:00Z,5,6,7\n", "outside its bounds"),
        (HEAD + "start,value,low,high\n2026-03-01T00:00:00Z,5,4,\n", "one bound"),
    ],
)
def test_a_file_that_is_wrong_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "grid.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FactorError) as caught:
        read_series(path)
    assert said in caught.value.problem
    assert caught.value.repair
    with pytest.raises(FactorError, match="cannot be read"):
        read_series(tmp_path / "none.csv")


def test_evaluate_charges_the_hours_in_which_something_ran(tmp_path: Path) -> None:
    written(tmp_path, [20, 40, 60, 80])
    config = tmp_path / "lichen.toml"
    config.write_text('[extend]\ngrids = ["grid-fr.csv"]\n', encoding="utf-8")
    workspace = Workspace(load_settings(config, env={}))

    def grams(start: float, end: float) -> float:
        row = {
            "entity": "job/machine", "quantity": "energy", "value": 1.0, "boundary": "facility", "zone": "FR",
            "started_at": hour(start).isoformat(), "ended_at": hour(end).isoformat(),
        }  # fmt: skip
        result = evaluate_document(workspace, {"activities": [row]}, ["lichen-1"])
        (total,) = (t for t in result["totals"] if t["indicator"] == "gwp100" and t["phase"] == "use")
        return float(total["value"])

    night, day = grams(0, 1), grams(2, 4)
    assert day / night == pytest.approx(70 / 20, rel=1e-9)


def test_rows_of_a_run_are_charged_its_hours_unless_they_have_their_own(tmp_path: Path) -> None:
    written(tmp_path, [20, 40, 60, 80])
    config = tmp_path / "lichen.toml"
    config.write_text('[extend]\ngrids = ["grid-fr.csv"]\n', encoding="utf-8")
    row = {"quantity": "energy", "value": 1.0, "boundary": "facility", "zone": "FR"}
    own = {"started_at": hour(3).isoformat(), "ended_at": hour(4).isoformat()}
    run = {
        "started_at": hour(0).isoformat(), "ended_at": hour(2).isoformat(),
        "activities": [{**row, "entity": "job/a"}, {**row, **own, "entity": "job/b"}],
    }  # fmt: skip
    result = evaluate_document(Workspace(load_settings(config, env={})), run, ["lichen-1"])
    found = {t["entity"]: t["value"] for t in result["totals"] if t["indicator"] == "gwp100" and t["phase"] == "use"}
    assert found["job/b"] / found["job/a"] == pytest.approx(80 / 30, rel=1e-9)
