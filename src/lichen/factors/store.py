# SPDX-License-Identifier: Apache-2.0
"""Factors as of a date: look-up by place with a recorded fall-back, and one hash over everything loaded."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Final, Literal, cast

from lichen.errors import FactorError, FactorNotFound
from lichen.factors import schema
from lichen.factors.hourly import FACTOR, Series, read_series
from lichen.factors.places import UNKNOWN_PLACE, WORLD, Place, is_region, of_name
from lichen.factors.reader import VECTOR, Pack, Row, Source, read_pack
from lichen.plugins import load_all
from lichen.records import Distribution, Factor

__all__ = ["STATISTICS_LAG", "UNKNOWN_PLACE", "WORLD", "FactorStore"]

_SHIPPED: Final = Path(__file__).parent
_ANSWERS: Final = 2**15
"""Answers that are remembered, about 20 MB: thousands of machines ask for the same few factors of their regions."""
_SHOWN: Final = 6  # places named in an error message before it says "and n more"
STATISTICS_LAG: Final = 4 * 366
"""Days after its last day on which a row that ships still describes the present: statistics of a year come out one or two years
later, and a grid changes slowly; the yearly changes are in its range."""


class FactorStore:
    """All rows of all loaded packs. Immutable; building one reads files, looking up does not.

    Args:
        factors: the rows that ship or that plug-ins bring; two for the same factor, place and first day are refused.
        sources: the bibliography of the packs, by key.
        own: the user's own rows. They answer in place of a shipped row of the same factor and place.
        series: electricity by the hour, one series for a zone; it answers in place of the year's row where it has no gap.

    Raises:
        FactorError: a row or a series occurs twice among equals, or an own row has another unit than the shipped one.
    """

    def __init__(
        self,
        factors: Iterable[Factor],
        sources: Iterable[Source] = (),
        *,
        own: Iterable[Factor] = (),
        series: Iterable[Series] = (),
    ) -> None:
        self._rows: dict[str, dict[str, list[Factor]]] = {}
        self._sources = {source.key: source for source in sources}
        self._hash = ""
        self._kinds: dict[str, set[bool]] = {}
        self._nearby: dict[str, str] = {}
        self._answer = lru_cache(maxsize=_ANSWERS)(self._find)
        self._add(factors)
        own = list(own)
        self._own = frozenset(factor.pack for factor in own)
        self._check_names()
        for factor in own:
            self._check_own(factor)
        self._add(own)
        self._series: dict[str, Series] = {}
        for one in series:
            if (other := self._series.setdefault(one.zone, one)) is not one:
                raise FactorError(
                    f"The grid files {other.path} and {one.path} are both of the zone {one.zone}.",
                    repair="Join them, or keep one.",
                    culprit=str(one.path),
                )
        for places in self._rows.values():
            for vintages in places.values():
                vintages.sort(key=lambda factor: factor.valid_from)

    def _add(self, factors: Iterable[Factor]) -> None:
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

    def _check_names(self) -> None:
        """A pack of the user's own does not pass for one that ships: figures name the pack that they come from."""
        shipped = {_pack_id(factor.pack) for factor in self} if self._own else set()
        for pack in sorted(self._own):
            if _pack_id(pack) in shipped:
                raise FactorError(
                    f"Your pack calls itself '{_pack_id(pack)}', as one that ships with Lichen does.",
                    repair="Give it an id of its own.",
                    culprit=pack,
                )

    def _check_own(self, factor: Factor) -> None:
        """An own row is in the unit, at the boundary and of the length of the shipped rows of its factor."""
        shipped = next((row for rows in self._rows.get(factor.factor_id, {}).values() for row in rows), None)
        if shipped is None:
            return
        for what, own, wanted, repair in (
            ("unit", factor.unit, shipped.unit, f"Convert the row to {shipped.unit}."),
            ("boundary", factor.boundary, shipped.boundary, f"Convert the row to {shipped.boundary}."),
            ("shape", _shape(factor), _shape(shipped), f"Write {_shape(shipped)}."),
        ):
            if own != wanted:
                raise FactorError(
                    f"The pack '{factor.pack}' gives {factor.factor_id} the {what} '{own}'; the shipped rows have '{wanted}'.",
                    repair=repair,
                    culprit=factor.key,
                )

    @classmethod
    def load(
        cls,
        packs: Iterable[Path] | None = None,
        *,
        extra: Iterable[Path] = (),
        grids: Iterable[Path] = (),
        units: Collection[str] = (),
    ) -> FactorStore:
        """Reads packs from files.

        Args:
            packs: paths to read; None for every pack registered in the group ``lichen.factor_packs``.
            extra: further packs, such as those that the user's lichen.toml names.
            grids: files of electricity by the hour, see `lichen.factors.hourly`.
            units: units known besides the schema's own, such as those of the nomenclature's indicators.

        Raises:
            FactorError: a pack that cannot be read, or a row that breaks the schema.
        """
        paths = [Path(path) for path in (load_all("lichen.factor_packs").values() if packs is None else packs)]
        loaded = [_checked(path, units) for path in [*paths, *extra]]
        sources = {source.key: source for pack in loaded for source in pack.sources.values()}
        rows = [[_factor(row, pack) for row in pack.rows] for pack in loaded]
        return cls(
            chain.from_iterable(rows[: len(paths)]),
            sources.values(),
            own=chain.from_iterable(rows[len(paths) :]),
            series=[read_series(Path(path)) for path in grids],
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Factor]:
        return (factor for places in self._rows.values() for vintages in places.values() for factor in vintages)

    @property
    def own_packs(self) -> frozenset[str]:
        """Packs of the user's own, with their versions."""
        return self._own

    @property
    def by_hour(self) -> bool:
        """Whether factors differ by the hour."""
        return bool(self._series)

    @cached_property
    def geographies(self) -> frozenset[str]:
        """Every place that some factor, or a series of hours, has figures for."""
        return frozenset(chain(self._series, *self._rows.values()))

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

    def lookup(self, factor_id: str, place: str | Place | None = None, on: date | None = None) -> Factor:
        """The row for a factor at a place on a day.

        Args:
            factor_id: such as ``grid.gwp100``.
            place: nearest first, a cloud region without a row gives its provider's, then its zone's; a zone without one gives its
                country's, a country the world's. None: the world's.
            on: the day; the latest row valid then, else the row whose validity is nearest, one that has not expired first. None:
                the latest row. Of two rows that are as near, the user's own one answers.

        Returns:
            The row. ``fallback`` holds the places that were asked first and had none; `UNKNOWN_PLACE` when the world's value of
            a factor that differs by place was given because no place was, ``aws:?`` when a provider's was because no region was;
            place and year when the row had expired long before (`STATISTICS_LAG` days for what ships, at once for the user's
            own). A kind of place that a factor has no rows for, such as regions for electricity, is not asked: nothing nearer
            exists, so nothing stands in for anything.

        Raises:
            FactorNotFound: no row for this factor at any of these places.
            FactorError: a place that is not written as one, or does not exist.
        """
        if factor_id not in self._rows:
            raise FactorNotFound(
                f"There is no factor '{factor_id}'.", repair=self._nearest(factor_id), culprit=factor_id
            )
        asked = of_name(place, self.geographies) if isinstance(place, str) else place or Place()
        return self._answer(factor_id, asked, on)

    def _find(self, factor_id: str, asked: Place, on: date | None) -> Factor:
        """As `lookup`, for a factor that exists."""
        places = self._rows[factor_id]
        kinds = self._kinds_of(factor_id)
        path = tuple(name for name in asked.path if name == WORLD or is_region(name) in kinds)
        for step, name in enumerate(path):
            if name in places:
                factor = self._as_of(places[name], on)
                missed = path[:step] or self._unsaid(asked, factor, places)
                return replace(factor, fallback=(*missed, *self._expired(factor, on)))
        known = sorted(places)
        more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
        raise FactorNotFound(
            f"The factor '{factor_id}' has no row for {' or '.join(path)}.",
            repair=f"It is known for {', '.join(known[:_SHOWN])}{more}; a pack of your own can add a row.",
            culprit=factor_id,
        )

    def _kinds_of(self, factor_id: str) -> set[bool]:
        """The kinds of place that a factor has rows for, the world aside: True for cloud regions."""
        if factor_id not in self._kinds:
            self._kinds[factor_id] = {is_region(place) for place in self._rows[factor_id] if place != WORLD}
        return self._kinds[factor_id]

    def _nearest(self, factor_id: str) -> str:
        """What to do about a factor that does not exist; a method that can do without one asks again and again."""
        if factor_id not in self._nearby:
            close = difflib.get_close_matches(factor_id, self._rows, n=1)
            self._nearby[factor_id] = f"Did you mean '{close[0]}'?" if close else "docs/model/factors.md lists them."
        return self._nearby[factor_id]

    def lookup_window(self, factor_id: str, place: Place, start: datetime, end: datetime) -> Factor:
        """The row for a factor at a place over a time: the mean of its hours where a series holds them all.

        Args:
            factor_id, place: as for `lookup`.
            start, end: of the time in which something ran; the day of ``start`` decides the vintage of everything else.

        Returns:
            A row of the hours, else the year's, with place and hour in ``fallback`` when the series of the place has a gap.

        Raises:
            FactorNotFound: no row for this factor at any of these places.
        """
        yearly = self.lookup(factor_id, place, start.date())
        if factor_id != FACTOR:
            return yearly
        for name in place.path:
            if (series := self._series.get(name)) is not None:
                mean = series.mean(start, end)
                if mean is None:
                    return replace(yearly, fallback=(f"{name} {start:%Y-%m-%d %H:%M}", *yearly.fallback))
                return series.factor(mean, yearly, start, end)
            if name == yearly.geography:
                break
        return yearly

    def _unsaid(self, asked: Place, factor: Factor, places: Collection[str]) -> tuple[str, ...]:
        """What was not said, when a nearer row might have answered had it been: `UNKNOWN_PLACE`, or ``aws:?`` for the region."""
        if factor.geography == WORLD:
            vague = asked.zone is None and any(not is_region(place) and place != WORLD for place in places)
            return (UNKNOWN_PLACE,) if vague else ()
        return (factor.geography.replace("*", "?"),) if factor.geography == asked.region and "*" in asked.region else ()

    def _as_of(self, vintages: list[Factor], on: date | None) -> Factor:
        """The latest vintage valid on a day, else the one whose validity is nearest (the past one of two equally near).

        One that has not expired goes before one that has: a contract that ended leaves the day to the statistics.
        """

        def rank(factor: Factor) -> tuple[bool, int, bool, int]:
            own = factor.pack in self._own
            if on is None:
                return False, -(factor.valid_to or date.max).toordinal(), not own, -factor.valid_from.toordinal()
            return bool(self._expired(factor, on)), _days_away(factor, on), not own, -factor.valid_from.toordinal()

        found = min(vintages, key=rank)
        shipped = [factor for factor in vintages if factor.pack not in self._own]
        return replace(found, replaces=min(shipped, key=rank).pack) if shipped and found.pack in self._own else found

    def _expired(self, factor: Factor, on: date | None) -> tuple[str, ...]:
        """Place and year asked for, when a row that says until when it holds was expired by then, or begins later."""
        if on is None or factor.valid_to is None:
            return ()
        grace = 0 if factor.pack in self._own else STATISTICS_LAG
        apart = max((on - factor.valid_to).days, (factor.valid_from - on).days)
        return (f"{factor.geography} {on.year}",) if apart > grace else ()

    def hash(self) -> str:
        """SHA-256 over the content of all rows, in hexadecimal. Comments, titles and the order of rows do not count."""
        if not self._hash:
            lines = sorted([*(_canonical(factor) for factor in self), *(one.digest for one in self._series.values())])
            self._hash = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        return self._hash


def _pack_id(pack: str) -> str:
    """The id of a pack that is named with its version."""
    return pack.rpartition(" ")[0]


def _shape(factor: Factor) -> str:
    return f"a vector of {len(factor.vector)}" if factor.vector else "one value"


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
