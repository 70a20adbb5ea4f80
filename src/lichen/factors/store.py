# SPDX-License-Identifier: Apache-2.0
"""Factors as of a date: look-up by place with a recorded fall-back, and one hash over everything loaded."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, cast

from lichen.errors import FactorError, FactorNotFound
from lichen.factors import schema
from lichen.factors.reader import VECTOR, Pack, Row, Source, read_pack
from lichen.plugins import load_all
from lichen.records import Distribution, Factor

WORLD: Final = "WORLD"
_SHIPPED: Final = Path(__file__).parent
_SHOWN: Final = 6  # places named in an error message before it says "and n more"


UNKNOWN_PLACE: Final = "(place not given)"
"""Stands in a fall-back path for the place that nobody named."""


class FactorStore:
    """All rows of all loaded packs. Immutable; building one reads files, looking up does not.

    Args:
        factors: the rows; two rows for the same factor, place and first day are refused.
        sources: the bibliography of the packs, by key.

    Raises:
        FactorError: a row occurs twice.
    """

    def __init__(self, factors: Iterable[Factor], sources: Iterable[Source] = ()) -> None:
        self._rows: dict[str, dict[str, list[Factor]]] = {}
        self._sources = {source.key: source for source in sources}
        self._hash = ""
        keys: dict[str, str] = {}
        for factor in factors:
            if factor.key in keys:
                raise FactorError(
                    f"The factor {factor.factor_id} for {factor.geography} from {factor.valid_from} is declared twice, in "
                    f"'{keys[factor.key]}' and in '{factor.pack}'.",
                    repair="Drop one of the rows, or give it another valid_from.",
                    culprit=factor.key,
                )
            keys[factor.key] = factor.pack
            self._rows.setdefault(factor.factor_id, {}).setdefault(factor.geography, []).append(factor)
        for places in self._rows.values():
            for vintages in places.values():
                vintages.sort(key=lambda factor: factor.valid_from)

    @classmethod
    def load(
        cls, packs: Iterable[Path] | None = None, *, extra: Iterable[Path] = (), units: Collection[str] = ()
    ) -> FactorStore:
        """Reads packs from files.

        Args:
            packs: paths to read; None for every pack registered in the group ``lichen.factor_packs``.
            extra: further packs, such as those that the user's lichen.toml names.
            units: units known besides the schema's own, such as those of the nomenclature's indicators.

        Raises:
            FactorError: a pack that cannot be read, or a row that breaks the schema.
        """
        paths = [Path(path) for path in (load_all("lichen.factor_packs").values() if packs is None else packs)]
        loaded = [_checked(path, units) for path in [*paths, *extra]]
        sources = {source.key: source for pack in loaded for source in pack.sources.values()}
        return cls((_factor(row, pack) for pack in loaded for row in pack.rows), sources.values())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Factor]:
        return (factor for places in self._rows.values() for vintages in places.values() for factor in vintages)

    @property
    def sources(self) -> dict[str, Source]:
        """The bibliography of the loaded packs, by key."""
        return dict(self._sources)

    def ids(self) -> tuple[str, ...]:
        """Every factor id, sorted."""
        return tuple(sorted(self._rows))

    def places(self, factor_id: str) -> tuple[str, ...]:
        """Places that have a row of their own for a factor, sorted; empty for an unknown factor."""
        return tuple(sorted(self._rows.get(factor_id, {})))

    def lookup(self, factor_id: str, geography: str | None = None, on: date | None = None) -> Factor:
        """The row for a factor at a place on a day.

        Args:
            factor_id: such as ``grid.gwp100``.
            geography: country or grid zone; a zone without a row gives its country's, a country without one the world's.
                None: the world's.
            on: the day; the latest row valid then, else the row whose validity is nearest. None: the latest row.

        Returns:
            The row; ``fallback`` holds the places that were asked first and had none, or `UNKNOWN_PLACE` when the world's
            value of a factor that differs by place was given because no place was. A factor with one row for the whole world
            has no fall-back: nothing nearer exists.

        Raises:
            FactorNotFound: no row for this factor at any of these places.
            FactorError: a place that is not written as one.
        """
        places = self._rows.get(factor_id)
        if places is None:
            close = difflib.get_close_matches(factor_id, self._rows, n=1)
            raise FactorNotFound(
                f"There is no factor '{factor_id}'.",
                repair=f"Did you mean '{close[0]}'?" if close else "docs/model/factors.md lists them.",
                culprit=factor_id,
            )
        path = fallback_path(geography)
        if set(places) == {WORLD}:
            # One row for everywhere: nothing nearer exists, so nothing stands in for anything.
            return _as_of(places[WORLD], on)
        for step, place in enumerate(path):
            if place in places:
                factor = _as_of(places[place], on)
                missed = path[:step] if geography is not None else (UNKNOWN_PLACE,)
                return replace(factor, fallback=missed) if missed else factor
        known = sorted(places)
        more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
        raise FactorNotFound(
            f"The factor '{factor_id}' has no row for {' or '.join(path)}.",
            repair=f"It is known for {', '.join(known[:_SHOWN])}{more}; a pack of your own can add a row.",
            culprit=factor_id,
        )

    def hash(self) -> str:
        """SHA-256 over the content of all rows, in hexadecimal. Comments, titles and the order of rows do not count."""
        if not self._hash:
            lines = sorted(_canonical(factor) for factor in self)
            self._hash = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        return self._hash


def fallback_path(geography: str | None) -> tuple[str, ...]:
    """The places to try, nearest first.

    >>> fallback_path("US-CAL-CISO")
    ('US-CAL-CISO', 'US', 'WORLD')
    >>> fallback_path(None)
    ('WORLD',)
    """
    if geography is None or geography == WORLD:
        return (WORLD,)
    if not schema.is_geography(geography):
        raise FactorError(
            f"'{geography}' is not a place that factors know.",
            repair="Write an ISO 3166-1 alpha-2 code such as FR, a grid zone such as US-CAL-CISO, or WORLD.",
            culprit=geography,
        )
    country = geography.partition("-")[0]
    return tuple(dict.fromkeys((geography, country, WORLD)))


def _as_of(vintages: list[Factor], on: date | None) -> Factor:
    """The latest vintage valid on a day, else the one whose validity is nearest (the past one of two equally near)."""
    if on is None:
        return vintages[-1]
    return min(vintages, key=lambda factor: (_days_away(factor, on), -factor.valid_from.toordinal()))


def _days_away(factor: Factor, on: date) -> int:
    """Distance of a day from a row's validity, in half days; 0 within it."""
    if on < factor.valid_from:
        # odd, so that a past vintage wins over a future one at the same distance
        return 2 * (factor.valid_from - on).days + 1
    if factor.valid_to is not None and on > factor.valid_to:
        return 2 * (on - factor.valid_to).days
    return 0


def _checked(path: Path, units: Collection[str]) -> Pack:
    pack = read_pack(path)
    # The shipped packs were validated when they were built and tested; checking 1,500 rows again would slow each command.
    if _SHIPPED not in path.resolve().parents:
        schema.validate(pack, units)
    return pack


def _factor(row: Row, pack: Pack) -> Factor:
    data: Any = row.data
    source = pack.sources[data["source"]]
    valid_from = data["valid_from"]
    valid_to = data["valid_to"]
    return Factor(
        factor_id=data["id"],
        value=float(data["value"]),
        low=float(data["low"]),
        high=float(data["high"]),
        unit=data["unit"],
        boundary=data["boundary"],
        geography=data["geography"],
        valid_from=valid_from if isinstance(valid_from, date) else date.fromisoformat(valid_from),
        valid_to=(valid_to if isinstance(valid_to, date) else date.fromisoformat(valid_to)) if valid_to else None,
        source=source.key,
        source_title=source.title,
        licence=data["licence"] or source.licence,
        distribution=cast("Distribution", data["distribution"]),
        range_basis=cast("Literal['source', 'assumed']", data["range_basis"]),
        comment=data["comment"],
        pack=f"{pack.pack_id} {pack.version}",
        vector=tuple(float(figure) for figure in data.get(VECTOR, ())),
    )


def _canonical(factor: Factor) -> str:
    fields: tuple[object, ...] = (
        factor.factor_id, factor.geography, factor.valid_from, factor.valid_to, factor.value, factor.low, factor.high,
        factor.unit, factor.boundary, factor.distribution, factor.range_basis, factor.source, factor.licence, *factor.vector,
    )  # fmt: skip
    return "|".join(map(str, fields))
