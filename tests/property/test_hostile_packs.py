# SPDX-License-Identifier: Apache-2.0
"""Factor packs and grid files that are broken in any way: one sentence that names the culprit, or rows that hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.mutations import ABSENT, document_to_toml, mutated, paths

from lichen.errors import FactorError
from lichen.factors.hourly import read_series
from lichen.factors.store import FactorStore

T = TypeVar("T")

PACK: Final[dict[str, Any]] = {
    "pack": {"id": "mine", "version": "1", "description": "Contracts."},
    "defaults": {"boundary": "none", "unit": "gCO2e/kWh", "valid_from": "2025-01-01", "source": "contract"},
    "source": {
        "contract": {
            "title": "Contract", "publisher": "Us", "year": 2026, "url": "https://intranet.example", "licence": "internal",
            "retrieved_at": "2026-01-01",
        }
    },
    "factor": [
        {"id": "grid.gwp100", "geography": "FR", "value": 12.0, "low": 6.0, "high": 24.0, "comment": "As billed."},
        {"id": "grid.gwp100", "geography": "aws:eu-west-3", "value": 9.0, "pedigree": "A", "comment": "As billed."},
        {"id": "our.steps", "unit": "1", "vector": [1.0, 2.0, 3.0]},
    ],
}  # fmt: skip
WRONG: Final = (
    None, ABSENT, "", "x", -1, 0, 1e308, math.nan, math.inf, True, [], {}, ["a"], "2025-13-01", "2024-12-31", "ZZ", "US-NOPE",
    "lognormal", "grid.gwp100", "\ud800",
)  # fmt: skip


def load(path: Path) -> FactorStore:
    return FactorStore.load([], extra=[path])


def attempt(action: Callable[[], T]) -> tuple[T | None, FactorError | None]:
    """What an action gives, or its sentence; any other exception is Lichen's own fault."""
    try:
        return action(), None
    except FactorError as error:
        return None, error


def test_the_pack_that_is_mutated_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(document_to_toml(PACK), encoding="utf-8")
    assert load(path).lookup("grid.gwp100", "FR").value == 12.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packs")


@settings(deadline=None)
@given(place=st.sampled_from(list(paths(PACK))), wrong=st.sampled_from(WRONG))
def test_a_pack_with_one_wrong_value_is_refused_or_its_rows_hold(folder: Path, place: Any, wrong: Any) -> None:
    path = folder / "mine.toml"
    path.write_bytes(document_to_toml(mutated(PACK, place, wrong)).encode("utf-8", errors="surrogatepass"))
    store, error = attempt(lambda: load(path))
    if error is not None:
        assert error.repair
        assert "\n" not in error.problem.strip()
        return
    assert store is not None
    for row in store:
        if row.pack in store.own_packs:
            assert math.isfinite(row.value)
            assert row.low <= row.value <= row.high
            assert row.source_title
            assert row.licence
    assert len(store.hash()) == 64


@settings(deadline=None)
@given(content=st.binary(max_size=300))
def test_any_bytes_are_a_pack_or_one_sentence(folder: Path, content: bytes) -> None:
    path = folder / "bytes.toml"
    path.write_bytes(content)
    with pytest.raises(FactorError) as caught:
        load(path)
    assert caught.value.repair


HEAD: Final = "# zone: FR\n# source: s\n# licence: l\n# scope: direct\nstart,value,low,high\n"
CELL: Final = st.sampled_from(
    ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", "2026-01-01T01:00:00", "9999-12-31T23:59:59-23:59", "1", "2", "3", "", "nan",
     "-1", "0", "1e999", '"', "\x00", "é"]
)  # fmt: skip


@settings(deadline=None)
@given(rows=st.lists(st.lists(CELL, min_size=1, max_size=5), max_size=4), junk=st.binary(max_size=20))
def test_any_grid_file_is_read_or_refused_with_one_sentence(folder: Path, rows: list[list[str]], junk: bytes) -> None:
    path = folder / "grid.csv"
    path.write_bytes((HEAD + "\n".join(",".join(row) for row in rows)).encode() + junk)
    series, error = attempt(lambda: read_series(path))
    assert error.repair if error is not None else series is not None and series.step_s > 0
