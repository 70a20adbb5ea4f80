# SPDX-License-Identifier: Apache-2.0
"""What every use case needs: settings, nomenclature, factors and methods, each loaded when first asked for."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from pathlib import Path

from lichen import nomenclature, plugins
from lichen.config import Settings
from lichen.errors import ConfigError, MethodError
from lichen.factors.places import of_attributes
from lichen.factors.store import FactorStore
from lichen.model.activities import When
from lichen.model.method import Method
from lichen.model.method_reader import load_method, read_method
from lichen.nomenclature import Nomenclature
from lichen.records import AttributeValue, Factor


class Workspace:
    """Settings and the data they name.

    Args:
        settings: from `lichen.config.load_settings`; its ``extend`` files are registered at once.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        for path in settings.extend.modules:
            plugins.register_file(Path(path))

    @cached_property
    def nomenclature(self) -> Nomenclature:
        """Built-in terms, plug-ins' and the project's own."""
        return nomenclature.load(Path(path) for path in self.settings.extend.nomenclature)

    @cached_property
    def factors(self) -> FactorStore:
        """Built-in packs, plug-ins' and the project's own."""
        extend = self.settings.extend
        return FactorStore.load(extra=extend.factors, grids=extend.grids, units=self.nomenclature.indicator_units)

    def with_factors(self, factors: FactorStore) -> Workspace:
        """The same settings and methods with other factors."""
        other = copy.copy(self)
        other.factors = factors
        return other

    @cached_property
    def _own_methods(self) -> dict[str, Method]:
        found: dict[str, Method] = {}
        for path in self.settings.extend.methods:
            method = read_method(Path(path), self.nomenclature)
            if method.method_id in found or method.method_id in plugins.names("lichen.methods"):
                raise ConfigError(
                    f"The method file {path} declares '{method.method_id}', which exists already.",
                    repair="Give it an id of its own.",
                    culprit=str(path),
                )
            found[method.method_id] = method
        return found

    def method_ids(self) -> tuple[str, ...]:
        """All methods, the default first."""
        known = dict.fromkeys([*plugins.names("lichen.methods"), *self._own_methods])
        default = self.settings.method.use
        return tuple(sorted(known, key=lambda name: (name != default, name)))

    @cached_property
    def _read(self) -> dict[str, Method]:
        """Methods that were asked for."""
        return dict(self._own_methods)

    def method(self, method_id: str) -> Method:
        """A method by id, whose file is read once; MethodError lists the known ones."""
        if method_id not in self._read:
            if method_id not in plugins.names("lichen.methods"):
                raise MethodError(
                    f"There is no method '{method_id}'.",
                    repair=f"Methods: {', '.join(self.method_ids())}.",
                    culprit=method_id,
                )
            self._read[method_id] = load_method(method_id, self.nomenclature)
        return self._read[method_id]

    def lookup(self, factor_id: str, geography: str | None, on: date | None = None) -> Factor:
        """The factor row for a place and a day (the latest when None)."""
        return self.factors.lookup(factor_id, geography, on=on)

    def lookup_for(
        self, factor_id: str, attributes: Mapping[str, AttributeValue], when: When | None, on: date | None = None
    ) -> Factor:
        """The factor row for an activity.

        Args:
            attributes: those of the activity; ``zone``, ``region`` and ``platform`` say where it happened.
            when: when it happened, None if it does not say; ``on`` is the day taken then, the latest row if that is None too.

        Raises:
            ActivityError: a zone that does not exist, or a region that nobody knows and that has no zone.
            FactorNotFound: no row for this factor there.
        """
        place = of_attributes(attributes, self.factors.geographies)
        if when is not None and when.start is not None:
            return self.factors.lookup_window(factor_id, place, when.start, when.end or when.start)
        return self.factors.lookup(factor_id, place, on=when.day if when else on)
