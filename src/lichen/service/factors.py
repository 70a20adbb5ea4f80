# SPDX-License-Identifier: Apache-2.0
"""Looking into the factors: search, one row with everything that led to it, two sets compared, licences, hours fetched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from lichen.errors import FactorError, FactorNotFound, UsageError
from lichen.factors.adapters import ADAPTERS
from lichen.factors.adapters.base import Adapter, Piece, file_text
from lichen.factors.adapters.base import fetch as fetch_intervals
from lichen.factors.places import Place, of_name
from lichen.factors.reader import read_pack
from lichen.factors.schema import validate
from lichen.factors.store import WORLD, FactorStore
from lichen.ledger import runfile
from lichen.records import Factor, timestamp
from lichen.service.workspace import Workspace

_RUN_FILE: Final = (".run.json", ".run.json.gz")
_COMPARED: Final = (
    "value",
    "low",
    "high",
    "unit",
    "boundary",
    "distribution",
    "valid_to",
    "source",
    "licence",
    "vector",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a search asks for.

    Attributes:
        words: all of them occur in a factor's id, comment, unit or source; upper and lower case are alike.
        place: country, grid zone or cloud region; rows are those that would answer there. None: the world's.
        on: day whose vintage answers; the latest when None.
        source: occurs in the key or title of the source.
    """

    words: tuple[str, ...] = ()
    place: str | None = None
    on: date | None = None
    source: str = ""


def search(workspace: Workspace, query: Query) -> list[dict[str, Any]]:
    """The row of each factor that fits, sorted by id; ``places`` counts where the factor has rows of its own.

    A factor that has no row for the place is left out; without a place, one that has none for the world shows its first place.

    Raises:
        FactorError: the place does not exist.
    """
    store = workspace.factors
    place = Place() if query.place is None else of_name(query.place, store.geographies)
    found = []
    for factor_id in store.ids():
        places = store.places(factor_id)
        try:
            factor = store.lookup(factor_id, place, query.on)
        except FactorNotFound:
            if query.place is not None:
                continue
            factor = store.lookup(factor_id, places[0], query.on)
        if _fits(factor, query):
            found.append({**factor.to_json(), "own": factor.pack in store.own_packs, "places": len(places)})
    return found


def _fits(factor: Factor, query: Query) -> bool:
    source = f"{factor.source} {factor.source_title}".lower()
    text = f"{factor.factor_id} {factor.unit} {factor.comment} {source}".lower()
    return all(word.lower() in text for word in query.words) and query.source.lower() in source


def show(workspace: Workspace, factor_id: str, place: str | None = None, on: date | None = None) -> dict[str, Any]:
    """One factor at a place: the row that answers, the places asked for it, all vintages there, its source, whose pack it is.

    Raises:
        FactorNotFound: there is no such factor, or none for this place.
        FactorError: the place does not exist.
    """
    store = workspace.factors
    places = store.places(factor_id)
    default = places[0] if places and WORLD not in places else WORLD
    asked = Place() if place is None and default == WORLD else of_name(place or default, store.geographies)
    factor = store.lookup(factor_id, asked, on)
    source = store.sources[factor.source]
    return {
        **factor.to_json(),
        "own": factor.pack in store.own_packs,
        "asked": [{"place": name, "has_row": name in places} for name in asked.path],
        "vintages": [_vintage(row) for row in store if (row.factor_id, row.geography) == (factor_id, factor.geography)],
        "places": list(places),
        "source_record": {
            "key": source.key, "title": source.title, "publisher": source.publisher, "year": source.year, "url": source.url,
            "licence": source.licence, "retrieved_at": str(source.retrieved_at),
        },
    }  # fmt: skip


def _vintage(row: Factor) -> dict[str, Any]:
    return {
        "valid_from": row.valid_from.isoformat(),
        "valid_to": row.valid_to.isoformat() if row.valid_to else None,
        "value": row.value,
        "low": row.low,
        "high": row.high,
        "pack": row.pack,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """What is asked of a source of electricity by the hour: all days from ``first`` to ``last``, in UTC."""

    adapter: str
    zone: str
    first: date
    last: date
    file: Path
    url: str | None = None


def fetch_grid(workspace: Workspace, fetch: Fetch, environment: Mapping[str, str]) -> dict[str, Any]:
    """Asks a source over the network and writes a grid file, which ``extend.grids`` may name.

    Args:
        environment: holds the token of a source that wants one.

    Returns:
        ``file``, ``zone``, ``source``, ``licence``, ``scope``, the number of ``intervals``, and ``from`` and ``to``.

    Raises:
        UsageError: an unknown source, days in the wrong order, no token.
        FactorError: the source does not know the zone, does not answer, or answers something else.
        StorageError: the file cannot be written, or what stands there is none.
    """
    if fetch.adapter not in ADAPTERS:
        raise UsageError(
            f"There is no source '{fetch.adapter}'.", repair=f"Sources: {', '.join(ADAPTERS)}.", culprit=fetch.adapter
        )
    if fetch.last < fetch.first:
        raise UsageError(
            f"--to {fetch.last} lies before --from {fetch.first}.", repair="Exchange the two.", culprit=str(fetch.last)
        )
    module, _, name = ADAPTERS[fetch.adapter].partition(":")
    adapter: Adapter = getattr(import_module(module), name)()
    token = environment.get(adapter.token_variable, "") if adapter.token_variable else ""
    if adapter.token_variable and not token:
        raise UsageError(
            f"{adapter.name} answers only with a token.",
            repair=f"Put yours into the environment variable {adapter.token_variable}.",
            culprit=adapter.token_variable,
        )
    start, end = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (fetch.first, fetch.last))
    whole = Piece(of_name(fetch.zone, workspace.factors.geographies).zone or fetch.zone, start, end + timedelta(days=1))
    intervals = fetch_intervals(adapter, whole, token=token, factor=workspace.factors.lookup, url=fetch.url)
    runfile.write_atomically(fetch.file, file_text(adapter, whole.zone, intervals, datetime.now(UTC)).encode())
    return {
        "file": str(fetch.file), "zone": whole.zone, "source": adapter.title, "licence": adapter.licence,
        "scope": adapter.scope, "intervals": len(intervals), "from": timestamp(intervals[0].start),
        "to": timestamp(intervals[-1].start),
    }  # fmt: skip


def licences(workspace: Workspace) -> list[dict[str, Any]]:
    """Licences of the rows with their sources and the number of rows, sorted by licence."""
    found: dict[str, dict[str, Any]] = {}
    for row in workspace.factors:
        entry = found.setdefault(row.licence, {"licence": row.licence, "rows": 0, "sources": {}})
        entry["rows"] += 1
        entry["sources"][row.source] = row.source_title
    return [{**found[licence], "sources": dict(sorted(found[licence]["sources"].items()))} for licence in sorted(found)]


def difference(workspace: Workspace, old: Path, new: Path | None = None) -> dict[str, Any]:
    """What changes from one set of factors to another.

    Args:
        old: a pack, a folder of packs, or a run file, of which only the hash of its factors is known.
        new: a pack or a folder of packs; None: the factors in force.

    Returns:
        ``changed`` rows with both values and the change in per cent, ``added``, ``removed``; for a run file, whether its factors
        are those of now.

    Raises:
        FactorError: a pack that cannot be read, or a folder without packs.
    """
    if old.name.endswith(_RUN_FILE):
        if new is not None:
            raise FactorError(
                f"{old} is a run file: it holds the hash of its factors, which compares with the factors in force only.",
                repair=f"Leave {new} out.",
                culprit=str(old),
            )
        then = runfile.read_document(old).get("method", {}).get("factors_hash")
        now = workspace.factors.hash()
        return {"then": then, "now": now, "same": None if then is None else then == now}
    before = _by_key(_packs(workspace, old))
    after = _by_key(workspace.factors if new is None else _packs(workspace, new))
    if new is None:  # what the old packs do not speak of is no addition
        ids = {row.factor_id for row in before.values()}
        after = {key: row for key, row in after.items() if row.factor_id in ids}
    return {
        "changed": [
            change for key in sorted(before.keys() & after.keys()) if (change := _change(before[key], after[key]))
        ],
        "added": [after[key].to_json() for key in sorted(after.keys() - before.keys())],
        "removed": [before[key].to_json() for key in sorted(before.keys() - after.keys())],
    }


def _by_key(rows: Iterable[Factor]) -> dict[str, Factor]:
    return {row.key: row for row in rows}


def _packs(workspace: Workspace, path: Path) -> FactorStore:
    """The rows of a pack, or of all packs of a folder; a pack of sources alone is none."""
    paths: Sequence[Path] = [path]
    if path.is_dir():
        paths = [found for found in sorted(path.glob("*.toml")) if "[pack]" in found.read_text(encoding="utf-8")]
        if not paths:
            raise FactorError(f"The folder {path} holds no factor pack.", repair="Name a pack.", culprit=str(path))
    for each in paths:
        validate(read_pack(each), workspace.nomenclature.indicator_units)
    return FactorStore.load(paths, units=workspace.nomenclature.indicator_units)


def _change(before: Factor, after: Factor) -> Mapping[str, Any] | None:
    """The fields of a row that differ, with the change of its value in per cent; None when the two rows are equal."""
    fields = {
        name: [_plain(getattr(before, name)), _plain(getattr(after, name))]
        for name in _COMPARED
        if getattr(before, name) != getattr(after, name)
    }
    if not fields:
        return None
    percent = None if not before.value else (after.value / before.value - 1) * 100
    return {
        "id": after.factor_id, "geography": after.geography, "valid_from": after.valid_from.isoformat(), "unit": after.unit,
        "old": before.value, "new": after.value, "percent": percent, "fields": fields,
    }  # fmt: skip


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
